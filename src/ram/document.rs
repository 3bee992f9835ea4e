//! A RAM document as its JSON has it: the parts that could be read, with their places. What is wrong with a part is what
//! the rules tell; here it is only not taken for what it is not.

use super::{
    json::{Member, Node, Span, Value},
    operator::Operator,
};

/// What a document is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Grants and denies its holder actions.
    Identity,
    /// Says who may assume a role.
    Trust,
}

impl Kind {
    /// Returns its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Trust => "trust",
        }
    }

    /// Returns how many characters a document may have (RAM Docs, Limits).
    #[must_use]
    pub const fn longest(self) -> usize {
        match self {
            Self::Identity => 6_144,
            Self::Trust => 2_048,
        }
    }
}

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Effect {
    /// Grants.
    Allow,
    /// Denies, whatever else grants.
    Deny,
}

/// A string of a document.
#[derive(Debug, Clone)]
pub struct Text<'d> {
    /// Without quotes and escapes.
    pub text: &'d str,
    /// With quotes.
    pub span: Span,
}

/// An operator with one key and its values.
#[derive(Debug)]
pub struct Clause<'d> {
    /// The operator as it is written.
    pub operator: Text<'d>,
    /// The operator; `None` when there is none of that name.
    pub known: Option<Operator>,
    /// The key.
    pub key: Text<'d>,
    /// The values that are strings.
    pub values: Vec<Text<'d>>,
    /// Where key and values stand.
    pub span: Span,
}

/// A statement.
#[derive(Debug)]
pub struct Statement<'d> {
    /// Where it stands.
    pub span: Span,
    /// Its elements; none when it is no object.
    pub members: &'d [Member],
    /// What it does, when it says so.
    pub effect: Option<Effect>,
    /// Whether what it lists are the actions it is not about.
    pub is_not_action: bool,
    /// The strings of Action, or of `NotAction`.
    pub actions: Vec<Text<'d>>,
    /// The strings of Resource.
    pub resources: Vec<Text<'d>>,
    /// The parts of Condition, all of which must hold.
    pub clauses: Vec<Clause<'d>>,
}

/// A document.
#[derive(Debug)]
pub struct Document<'d> {
    /// What it is for.
    pub kind: Kind,
    /// The text it was read from.
    pub text: &'d str,
    /// Its JSON.
    pub root: &'d Node,
    /// Its elements; none when it is no object.
    pub members: &'d [Member],
    /// Its statements; none when they are no array.
    pub statements: Vec<Statement<'d>>,
}

/// Returns the first member of a name.
#[must_use]
pub fn member<'d>(members: &'d [Member], name: &str) -> Option<&'d Member> {
    members.iter().find(|member| member.name == name)
}

/// Returns the members of a value; none when it is no object.
#[must_use]
pub fn members(node: &Node) -> &[Member] {
    match &node.value {
        Value::Object(members) => members,
        _ => &[],
    }
}

/// Returns the values of an element that may be one or a list of them.
#[must_use]
pub fn one_or_many(node: &Node) -> &[Node] {
    match &node.value {
        Value::Array(items) => items,
        _ => std::slice::from_ref(node),
    }
}

/// Returns the strings of an element that may be one or a list of them.
#[must_use]
pub fn strings(node: &Node) -> Vec<Text<'_>> {
    let mut found = Vec::new();
    for node in one_or_many(node) {
        if let Value::String(text) = &node.value {
            found.push(Text { text, span: node.span.clone() });
        }
    }
    found
}

impl<'d> Document<'d> {
    /// Returns the document of a tree.
    #[must_use]
    pub fn new(kind: Kind, text: &'d str, root: &'d Node) -> Self {
        let own = members(root);
        let mut statements = Vec::new();
        for list in own.iter().filter(|member| member.name == "Statement") {
            match &list.value.value {
                Value::Array(items) => statements.extend(items.iter().map(Statement::new)),
                // Refused, but its author will want to know all.
                Value::Object(_) => statements.push(Statement::new(&list.value)),
                _ => {}
            }
        }
        Self { kind, text, root, members: own, statements }
    }
}

impl<'d> Statement<'d> {
    fn new(node: &'d Node) -> Self {
        let own = members(node);
        let is_there = |name: &str| member(own, name).is_some();
        let is_not_action = !is_there("Action") && is_there("NotAction");
        // Of what is there twice, nobody knows which is taken: it grants when one of them does.
        let of = |name: &'static str| own.iter().filter(move |member| member.name == name);
        let says = |effect: &str| {
            of("Effect").any(|it| matches!(&it.value.value, Value::String(text) if text == effect))
        };
        let effect = match (says("Allow"), says("Deny")) {
            (true, _) => Some(Effect::Allow),
            (false, true) => Some(Effect::Deny),
            (false, false) => None,
        };
        let texts = |name| of(name).flat_map(|member| strings(&member.value)).collect();
        let mut clauses = Vec::new();
        for operator in of("Condition").flat_map(|condition| members(&condition.value)) {
            for key in members(&operator.value) {
                let name = |member: &'d Member| Text {
                    text: &member.name,
                    span: member.name_span.clone(),
                };
                clauses.push(Clause {
                    operator: name(operator),
                    known: Operator::parse(&operator.name),
                    key: name(key),
                    values: strings(&key.value),
                    span: key.span(),
                });
            }
        }
        Self {
            span: node.span.clone(),
            members: own,
            effect,
            is_not_action,
            actions: texts(if is_not_action { "NotAction" } else { "Action" }),
            resources: texts("Resource"),
            clauses,
        }
    }

    /// Returns the element of a name.
    #[must_use]
    pub fn element(&self, name: &str) -> Option<&'d Member> {
        member(self.members, name)
    }

    /// Returns whether it grants or denies the actions it lists, and not all others.
    #[must_use]
    pub fn is(&self, effect: Effect) -> bool {
        self.effect == Some(effect) && !self.is_not_action
    }

    /// Returns whether it has no conditions, or only such as nearly every request satisfies: any address, any text, over TLS.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let is_any = |clause: &Clause<'_>| {
            let any = |is: fn(&str) -> bool| clause.values.iter().any(|value| is(value.text));
            match clause.known {
                Some(Operator::IpAddress) => any(|text| text.ends_with("/0")),
                Some(Operator::StringLike) => any(|text| text.chars().all(|c| c == '*')),
                Some(Operator::Bool) => {
                    clause.key.text.eq_ignore_ascii_case("acs:SecureTransport")
                        && any(|text| text == "true")
                }
                _ => false,
            }
        };
        self.clauses.iter().all(is_any)
    }

    /// Returns whether it has no conditions.
    #[must_use]
    pub fn is_unconditional(&self) -> bool {
        self.element("Condition").is_none()
    }
}
