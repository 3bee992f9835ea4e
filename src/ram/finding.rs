//! What a check finds: class, words in two languages, place and, where it is certain, how it is put right.

use std::fmt;

use super::{json::Span, rules::Rule};

/// A text in English and in simplified Chinese.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// English.
    pub en: String,
    /// Simplified Chinese.
    pub zh: String,
}

/// Returns [`Words`]: the English and the Chinese text, formatted with what is in scope.
macro_rules! words {
    ($en:literal, $zh:literal $(,)?) => {
        $crate::ram::finding::Words { en: format!($en), zh: format!($zh) }
    };
}
pub(in crate::ram) use words;

/// A language findings are told in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Simplified Chinese.
    Chinese,
}

impl Language {
    /// Returns the language of a tag, `en` or `zh-CN`.
    #[must_use]
    pub fn parse(tag: &str) -> Option<Self> {
        match tag {
            "en" => Some(Self::English),
            "zh-CN" => Some(Self::Chinese),
            _ => None,
        }
    }
}

impl Words {
    /// Returns the text in a language.
    #[must_use]
    pub fn in_language(&self, language: Language) -> &str {
        match language {
            Language::English => &self.en,
            Language::Chinese => &self.zh,
        }
    }
}

impl Words {
    /// Returns the words without what would begin another line or be no text elsewhere, and no longer than people read: they
    /// quote what strangers wrote.
    fn in_one_line(self) -> Self {
        let tidy = |text: String| -> String {
            let is_strange = |c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}');
            let shown =
                text.chars().take(LONGEST).map(|c| if is_strange(c) { '\u{fffd}' } else { c });
            let mut shown: String = shown.collect();
            if shown.len() < text.len() && text.chars().nth(LONGEST).is_some() {
                shown.push('…');
            }
            shown
        };
        Self { en: tidy(self.en), zh: tidy(self.zh) }
    }
}

/// How long the words of a finding may be, in characters.
const LONGEST: usize = 1_000;

/// How much a finding matters: the four classes of the policy check of the RAM console, worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// It could be said better.
    Suggestion,
    /// It does not do what its author will have meant.
    GeneralWarning,
    /// It gives away more than its author will have meant.
    SecurityWarning,
    /// RAM refuses the document.
    Error,
}

impl Class {
    /// All, worst first.
    pub const ALL: [Self; 4] =
        [Self::Error, Self::SecurityWarning, Self::GeneralWarning, Self::Suggestion];

    /// Returns its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "Error",
            Self::SecurityWarning => "SecurityWarning",
            Self::GeneralWarning => "GeneralWarning",
            Self::Suggestion => "Suggestion",
        }
    }

    /// Returns its name for people.
    #[must_use]
    pub const fn label(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::Error, Language::English) => "error",
            (Self::SecurityWarning, Language::English) => "security warning",
            (Self::GeneralWarning, Language::English) => "warning",
            (Self::Suggestion, Language::English) => "suggestion",
            (Self::Error, Language::Chinese) => "错误",
            (Self::SecurityWarning, Language::Chinese) => "安全警告",
            (Self::GeneralWarning, Language::Chinese) => "一般警告",
            (Self::Suggestion, Language::Chinese) => "建议",
        }
    }

    /// Returns the class of a name, whose case does not count.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A part of the text, and what to put in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What goes.
    pub span: Span,
    /// What comes.
    pub text: String,
}

impl Edit {
    /// Returns the edit that leaves a part out.
    #[must_use]
    pub const fn remove(span: Span) -> Self {
        Self { span, text: String::new() }
    }

    /// Returns the edit that puts something in.
    #[must_use]
    pub fn insert(at: usize, text: &str) -> Self {
        Self { span: at..at, text: text.to_owned() }
    }
}

/// Something a rule has found.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// How much it matters; that of the rule unless settings say otherwise.
    pub class: Class,
    /// Where it is.
    pub span: Span,
    /// The JSON pointer (RFC 6901) of the element it is in.
    pub pointer: String,
    /// What is wrong.
    pub message: Words,
    /// What to do.
    pub help: Option<Words>,
    /// Another place that matters, and why.
    pub label: Option<(Span, Words)>,
    /// How it is put right without doubt: the document means the same, or RAM refused it before.
    pub fix: Option<Edit>,
}

/// The findings of a document, while rules look for them.
#[derive(Debug)]
pub struct Findings {
    pub(in crate::ram) rule: &'static Rule,
    pub(in crate::ram) found: Vec<Finding>,
    pub(in crate::ram) left_out: usize,
}

/// How many findings of one rule are kept of a document: who has more learns nothing from them.
const MOST_OF_A_RULE: usize = 200;

impl Findings {
    pub(in crate::ram) const fn of(rule: &'static Rule) -> Self {
        Self { rule, found: Vec::new(), left_out: 0 }
    }

    /// Adds a finding. What is returned can be told more.
    pub(in crate::ram) fn add(&mut self, span: &Span, message: Words) -> Draft<'_> {
        if self.found.len() >= MOST_OF_A_RULE {
            self.left_out += 1;
            return Draft(None);
        }
        self.found.push(Finding {
            rule: self.rule,
            class: self.rule.class,
            span: span.clone(),
            pointer: String::new(),
            message: message.in_one_line(),
            help: None,
            label: None,
            fix: None,
        });
        Draft(self.found.last_mut())
    }
}

/// A finding that was just added.
pub(in crate::ram) struct Draft<'f>(Option<&'f mut Finding>);

impl Draft<'_> {
    pub(in crate::ram) fn help(self, help: Words) -> Self {
        self.help_if(Some(help))
    }

    pub(in crate::ram) fn help_if(mut self, help: Option<Words>) -> Self {
        if let Some(finding) = &mut self.0 {
            finding.help = help.map(Words::in_one_line);
        }
        self
    }

    pub(in crate::ram) fn label(mut self, span: &Span, label: Words) -> Self {
        if let Some(finding) = &mut self.0 {
            finding.label = Some((span.clone(), label.in_one_line()));
        }
        self
    }

    pub(in crate::ram) fn fix(self, fix: Edit) -> Self {
        self.fix_if(Some(fix))
    }

    pub(in crate::ram) fn fix_if(mut self, fix: Option<Edit>) -> Self {
        if let Some(finding) = &mut self.0 {
            finding.fix = fix;
        }
        self
    }
}
