//! What the service answers.

use super::Invalid;

/// `Allow` or `Deny`; there is no third answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// The request is granted.
    Allow,
    /// The request is refused.
    Deny,
}

impl Effect {
    /// Returns the spelling of the interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "Allow",
            Self::Deny => "Deny",
        }
    }
}

/// Why a decision is what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// A policy permits and none forbids.
    ExplicitAllow,
    /// A policy forbids.
    ExplicitDeny,
    /// No policy permits, or the principal or workspace is not known.
    ImplicitDeny,
    /// The request could not be judged, which denies it.
    Error,
}

impl Reason {
    /// Returns the spelling of the interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ExplicitAllow => "explicit_allow",
            Self::ExplicitDeny => "explicit_deny",
            Self::ImplicitDeny => "implicit_deny",
            Self::Error => "error",
        }
    }

    /// Returns the effect that goes with it: only an explicit allow allows.
    #[must_use]
    pub const fn effect(self) -> Effect {
        match self {
            Self::ExplicitAllow => Effect::Allow,
            Self::ExplicitDeny | Self::ImplicitDeny | Self::Error => Effect::Deny,
        }
    }
}

/// What went wrong while a request was judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The request itself is wrong; alone it would have been refused.
    Request(Box<Invalid>),
    /// A policy failed to evaluate; its id, without the engine's words.
    Evaluation(String),
}

/// The answer to one request. Its effect follows from the reason, so that the two cannot disagree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Why.
    pub reason: Reason,
    /// Ids of the policies that explain it, sorted; empty for an implicit deny.
    pub determining_policies: Vec<String>,
    /// What went wrong; not empty only with [`Reason::Error`].
    pub faults: Vec<Fault>,
}

impl Decision {
    /// Returns the denial nothing explains.
    #[must_use]
    pub const fn implicit_deny() -> Self {
        Self { reason: Reason::ImplicitDeny, determining_policies: Vec::new(), faults: Vec::new() }
    }

    /// Returns the denial of a request that could not be judged.
    #[must_use]
    pub fn error(fault: Fault) -> Self {
        Self { reason: Reason::Error, determining_policies: Vec::new(), faults: vec![fault] }
    }

    /// Returns `Allow` or `Deny`.
    #[must_use]
    pub const fn effect(&self) -> Effect {
        self.reason.effect()
    }
}
