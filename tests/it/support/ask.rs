//! A request to an account, with what it means beside how it is said.

use std::{borrow::Cow, collections::BTreeMap};

use pai_authz::{
    catalog::catalog,
    domain::{
        Accessibility, Asker, ContextValue, Decision, IdRef, Invalid, PrincipalKind, Question,
        Request, Resource,
    },
    engine::Snapshot,
};

use super::naive::Code;

/// What a request is about.
#[derive(Debug, Clone)]
pub(crate) enum On {
    /// Something in a workspace, or an official image, by fields or by ARN.
    Asset { workspace: Option<String>, kind: String, id: Option<String>, by: By },
    /// The account.
    Account,
    /// Something by an ARN that roles know nothing of, and the workspace it names.
    Arn(Option<String>),
    /// The same for any action, put to the engine without reading the ARN.
    Bare,
    /// Something of another account or region.
    Foreign,
}

/// How an asset is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// By fields, without its type: the main type of the action.
    Fields,
    /// By fields, with its type.
    Type,
    /// By an ARN with the workspace in it.
    Arn,
    /// By an ARN without it.
    ArnAndWorkspace,
}

impl On {
    /// Returns the workspace it is in.
    pub(crate) fn workspace(&self) -> Option<&str> {
        match self {
            Self::Asset { workspace, .. } | Self::Arn(workspace) => workspace.as_deref(),
            Self::Account | Self::Bare | Self::Foreign => None,
        }
    }

    pub(crate) fn is_official(&self) -> bool {
        matches!(self, Self::Asset { kind, .. } if kind == "official-image")
    }
}

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) kind: PrincipalKind,
    pub(crate) id: String,
    /// The action as documents name it.
    pub(crate) action: &'static str,
    /// As the request spells it.
    pub(crate) spelled: &'static str,
    /// The permission code it is, where it is one.
    pub(crate) code: Option<&'static Code>,
    pub(crate) on: On,
    /// What it is about, as documents name it.
    pub(crate) arn: String,
    pub(crate) creator: Option<String>,
    pub(crate) accessibility: Option<&'static str>,
    pub(crate) context: BTreeMap<String, ContextValue>,
}

impl Ask {
    /// Returns whether the service refuses it, for it does not say in which cell the asset is.
    pub(crate) fn lacks_cell(&self) -> bool {
        let is_asset = matches!(self.on, On::Asset { .. }) && !self.on.is_official();
        let by_cell = self.code.is_some_and(|code| code.scope == "own_and_public");
        is_asset && by_cell && (self.creator.is_none() || self.accessibility.is_none())
    }

    pub(crate) fn question(&self) -> Question<'_> {
        let mut question = Question {
            principal_type: Some(self.kind.as_str()),
            principal_id: Some(&self.id),
            action: Some(self.spelled),
            creator: self.creator.as_deref(),
            accessibility: self.accessibility,
            context: Some(&self.context),
            ..Question::default()
        };
        match &self.on {
            On::Account => {}
            On::Arn(_) | On::Bare | On::Foreign => question.arn = Some(&self.arn),
            On::Asset { workspace, kind, id, by } => {
                if matches!(by, By::Arn | By::ArnAndWorkspace) {
                    question.arn = Some(&self.arn);
                } else {
                    question.resource_id = id.as_deref();
                }
                if *by == By::Type {
                    question.resource_type = Some(kind);
                }
                if *by != By::Arn {
                    question.workspace = workspace.as_deref();
                }
            }
        }
        question
    }

    /// Returns what is answered to it as a question; `None` where it is none that is answered.
    pub(crate) fn asked<'s>(&self, snapshot: &'s Snapshot) -> Option<Decision<'s>> {
        if matches!(self.on, On::Bare) || self.lacks_cell() {
            return None;
        }
        Some(snapshot.ask(self.question()).unwrap_or_else(|invalid| panic!("{invalid}: {self:?}")))
    }

    /// Returns the request to an account. One that lacks what the service asks for is refused by it, and is judged all the
    /// same: then no condition on a cell may hold.
    ///
    /// # Errors
    /// That the engine refuses it, which it should not.
    pub(crate) fn request(&self, snapshot: &Snapshot) -> Result<Request<'_>, Invalid> {
        let engine = snapshot.engine();
        let resolve = |question| engine.resolve(snapshot.account(), question);
        if matches!(self.on, On::Bare) {
            return Ok(Request {
                principal: Asker { kind: self.kind, id: IdRef::parse(&self.id).unwrap() },
                action: catalog().find_action(self.action).unwrap().id,
                resource: Resource::Arn { arn: Cow::Borrowed(&self.arn), workspace: None },
                context: Cow::Borrowed(&self.context),
            });
        }
        if !self.lacks_cell() {
            return resolve(self.question());
        }
        assert!(resolve(self.question()).is_err(), "no cell is stated: {self:?}");
        let stated = Question {
            creator: Some(self.creator.as_deref().unwrap_or("1")),
            accessibility: Some(self.accessibility.unwrap_or("PUBLIC")),
            ..self.question()
        };
        let mut request = resolve(stated)?;
        if let Resource::Asset { creator, accessibility, .. } = &mut request.resource {
            *creator = self.creator.as_deref().map(|it| IdRef::parse(it).unwrap());
            *accessibility = self.accessibility.and_then(Accessibility::parse);
        }
        Ok(request)
    }
}
