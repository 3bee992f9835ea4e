//! The wire types of tokens.

use serde::{Deserialize, Serialize};

use crate::{
    domain::{BundleName, Invalid, Scope, Scopes, Token},
    http::object::Text,
};

/// `POST /v1/tokens`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateTokenRequest<'a> {
    #[serde(borrow, default)]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow, default)]
    scopes: Option<Vec<Text<'a>>>,
    #[serde(borrow, default)]
    bundle: Option<Text<'a>>,
}

impl CreateTokenRequest<'_> {
    /// Returns the scopes; `decide` alone when none are named.
    pub(super) fn scopes(&self) -> Result<Scopes, Invalid> {
        let Some(scopes) = &self.scopes else { return Ok(Scopes::new(vec![Scope::Decide])) };
        let parse = |(index, text): (usize, &Text<'_>)| {
            Scope::parse(text.as_str()).ok_or_else(|| {
                let help = "give `decide`, `tokens`, `search` or `explain`";
                Invalid::value(format!("scopes[{index}]"), text.as_str(), "a scope", help)
            })
        };
        scopes.iter().enumerate().map(parse).collect::<Result<Vec<_>, _>>().map(Scopes::new)
    }

    /// Returns the bundle that is to be asked instead of the account.
    pub(super) fn bundle(&self) -> Result<Option<BundleName>, Invalid> {
        let parse = |text: &Text<'_>| {
            let text = text.as_str();
            BundleName::parse(text)
                .map_err(|form| Invalid::value("bundle", text, form.expected, form.help))
        };
        self.bundle.as_ref().map(parse).transpose()
    }
}

/// A token as it is shown: never its secret.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TokenBody<'t> {
    id: &'t str,
    name: &'t str,
    scopes: Vec<&'static str>,
    bundle: Option<&'t str>,
    created_at: String,
}

impl<'t> From<&'t Token> for TokenBody<'t> {
    fn from(token: &'t Token) -> Self {
        Self {
            id: token.id.as_str(),
            name: &token.name,
            scopes: token.scopes.iter().map(Scope::as_str).collect(),
            bundle: token.bundle.as_ref().map(BundleName::as_str),
            created_at: crate::http::time(token.created),
        }
    }
}

/// The answer to `POST /v1/tokens`: the only time the text is shown.
#[derive(Serialize)]
pub(super) struct CreatedBody<'t> {
    #[serde(flatten)]
    pub(super) token: TokenBody<'t>,
    #[serde(rename = "token")]
    pub(super) text: &'t str,
    pub(super) revision: &'t str,
}

/// The answer to `GET /v1/tokens`.
#[derive(Serialize)]
pub(super) struct ListBody<'t> {
    pub(super) tokens: Vec<TokenBody<'t>>,
}
