//! A finding as a compiler shows it: the source, with the place pointed out.

use std::ops::Range;

use annotate_snippets::{
    Annotation, AnnotationKind, Group, Level, Renderer, Snippet, renderer::DecorStyle,
};

use crate::ram::{
    finding::{Class, Finding, Language},
    lines::Lines,
};

/// How much of a document is shown around a finding, in bytes.
const MOST_SHOWN: usize = 8 * 1024;
/// How wide a line of help may be, in characters.
const WIDTH: usize = 90;
/// How far, in lines, a second place may be from the first to be shown with it.
const NEAR: usize = 30;

/// Shows findings of one file.
pub(super) struct Shown<'t> {
    pub(super) path: &'t str,
    pub(super) text: &'t str,
    pub(super) lines: &'t Lines<'t>,
    pub(super) language: Language,
    pub(super) renderer: &'t Renderer,
}

/// Returns what shows findings, in colours or without.
pub(super) fn renderer(colored: bool) -> Renderer {
    let renderer = if colored { Renderer::styled() } else { Renderer::plain() };
    renderer.decor_style(DecorStyle::Ascii)
}

impl Shown<'_> {
    /// Returns a finding as it is shown.
    pub(super) fn show(&self, finding: &Finding) -> String {
        let chinese = self.language == Language::Chinese;
        let level = match finding.class {
            Class::Error => Level::ERROR,
            Class::SecurityWarning | Class::GeneralWarning => Level::WARNING,
            Class::Suggestion => Level::NOTE,
        };
        let level = level.with_name(finding.class.label(self.language));
        let message = harmless(finding.message.in_language(self.language));
        let title = level.primary_title(message).id(finding.rule.code);

        let line_of = |offset: usize| self.lines.place(offset).line;
        let line = line_of(finding.span.start);
        let label = finding.label.as_ref();
        let (near, far): (Vec<_>, Vec<_>) =
            label.into_iter().partition(|(span, _)| line_of(span.start).abs_diff(line) <= NEAR);
        let places = || std::iter::once(&finding.span).chain(near.iter().map(|(span, _)| span));
        let start = places().map(|span| self.start_of_line(span.start)).min().unwrap_or_default();
        let end = places().map(|span| self.end_of_line(span.end)).max().unwrap_or_default();
        let group = Group::with_title(title);
        let mut group = if end - start <= MOST_SHOWN {
            let source = harmless(self.text.get(start..end).unwrap_or_default());
            let within = |span: &Range<usize>| span.start - start..span.end - start;
            let primary = AnnotationKind::Primary.span(within(&finding.span));
            let others = near.iter().map(|(span, label)| -> Annotation<'_> {
                AnnotationKind::Context
                    .span(within(span))
                    .label(harmless(label.in_language(self.language)))
            });
            let snippet = Snippet::source(source).line_start(line_of(start)).path(self.path);
            group.element(snippet.annotation(primary).annotations(others))
        } else {
            let place = self.lines.place(finding.span.start);
            let origin = annotate_snippets::Origin::path(self.path).line(line);
            group.element(origin.char_column(place.column))
        };
        let named = |text: &'static str, zh: &'static str| if chinese { zh } else { text };
        for (span, label) in far {
            let place = self.lines.place(span.start);
            let label = harmless(label.in_language(self.language));
            let text = format!("{label}: {}:{}:{}", self.path, place.line, place.column);
            group = group.element(Level::NOTE.with_name(named("note", "注")).message(text));
        }
        if let Some(help) = &finding.help {
            let help = wrapped(&harmless(help.in_language(self.language)));
            group = group.element(Level::HELP.with_name(named("help", "帮助")).message(help));
        }
        self.renderer.render(&[group])
    }

    fn start_of_line(&self, offset: usize) -> usize {
        let before = self.text.get(..offset).unwrap_or_default();
        before.rfind('\n').map_or(0, |at| at + 1)
    }

    fn end_of_line(&self, offset: usize) -> usize {
        let after = self.text.get(offset..).unwrap_or_default();
        offset + after.find('\n').unwrap_or(after.len())
    }
}

/// Returns a text in lines that fit a terminal, as far as there are spaces to break them at.
fn wrapped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut column = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > WIDTH {
            out.push('\n');
            column = 0;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out
}

/// Returns a text of the same length without what a terminal obeys, or what makes it show another order than is there.
pub(super) fn harmless(text: &str) -> String {
    let is_harmful = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match (is_harmful(c), c.len_utf8()) {
            (false, _) => out.push(c),
            (true, 3) => out.push('\u{fffd}'),
            // Two bytes, as U+061C.
            (true, length) => out.extend(std::iter::repeat_n('?', length)),
        }
    }
    out
}
