//! Identifiers as newtypes that are parsed once, at the edge, and never hold an unchecked string.

use std::{fmt, sync::Arc};

use super::digits::{Digits, DigitsId, IdRef};

/// The form an identifier must have, for messages: what it is and an example.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdForm {
    /// Completes "… is not …".
    pub expected: &'static str,
    /// Completes "give …", with an example.
    pub help: &'static str,
}

/// Defines an identifier: a shared immutable string that satisfied `$accepts` when it was made.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $expected:literal, $help:literal, $accepts:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The form every value has, for error messages.
            pub const FORM: IdForm = IdForm { expected: $expected, help: $help };

            /// Returns the identifier, or the form it should have had.
            ///
            /// # Errors
            /// [`IdForm`] when `text` does not have that form; nothing is trimmed or repaired.
            pub fn parse(text: &str) -> Result<Self, IdForm> {
                if Self::accepts(text) { Ok(Self(Arc::from(text))) } else { Err(Self::FORM) }
            }

            /// Returns whether a text has the form.
            #[must_use]
            pub fn accepts(text: &str) -> bool {
                let accepts: fn(&str) -> bool = $accepts;
                accepts(text)
            }

            /// Returns the text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Returns the text, shared.
            #[must_use]
            pub fn shared(&self) -> Arc<str> {
                self.0.clone()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:?})", stringify!($name), &*self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

fn digits(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

fn alphanumeric(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

id! {
    /// The id of an Alibaba Cloud account, the tenant: 1 to 20 digits.
    AccountId, "an account id", "give 1 to 20 digits, for example `1000000000000001`", |t| digits(t, 20)
}
id! {
    /// The id of a main account, RAM user (`UserId`) or RAM role (`RoleId`): 1 to 20 digits.
    ///
    /// Unique within an account across all three kinds, so that `creator` names one identity only.
    PrincipalId, "a principal id", "give 1 to 20 digits, for example `2001`", |t| digits(t, 20)
}
id! {
    /// The id of a workspace: 1 to 20 digits.
    WorkspaceId, "a workspace id", "give 1 to 20 digits, for example `10001`", |t| digits(t, 20)
}
id! {
    /// The name of a workspace: 3 to 23 letters, digits and `_`, a letter first.
    ///
    /// Source: AIWorkSpace 2021-02-04, CreateWorkspace.
    WorkspaceName, "a workspace name", "give 3 to 23 letters, digits or `_`, a letter first",
    |t| {
        (3..=23).contains(&t.len())
            && t.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && t.starts_with(|c: char| c.is_ascii_alphabetic())
    }
}
id! {
    /// The id of a custom role: `role-` and 1 to 32 letters or digits.
    CustomRoleId, "a custom role id", "give `role-` and 1 to 32 letters or digits",
    |t| t.strip_prefix("role-").is_some_and(|rest| alphanumeric(rest, 32))
}
id! {
    /// The name of a custom role: 1 to 64 letters, digits, `_` and `-`.
    ///
    /// Source: AIWorkSpace 2021-02-04, CreateWorkspaceRole.
    RoleName, "a role name", "give 1 to 64 letters, digits, `_` or `-`",
    |t| (1..=64).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}
id! {
    /// The id of a token, the public part of it: 1 to 32 letters or digits.
    TokenId, "a token id", "give 1 to 32 letters or digits, as `token list` prints them", |t| alphanumeric(t, 32)
}
id! {
    /// The name of a policy bundle, which is a part of paths: 1 to 63 small letters, digits and `-`, a letter first.
    BundleName, "a name of a bundle", "give 1 to 63 small letters, digits or `-`, a letter first, and not `v1`, `api`, `access` or another path of the service",
    |t| {
        (1..=63).contains(&t.len())
            && t.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && t.starts_with(|c: char| c.is_ascii_lowercase())
            && !["v1", "api", "access", "resourcegroups", "docs"].contains(&t)
    }
}
id! {
    /// The id of an access key: 1 to 64 letters or digits.
    AccessKeyId, "an access key id", "give 1 to 64 letters or digits", |t| alphanumeric(t, 64)
}
id! {
    /// The login name of a RAM user, or the name of a RAM role: 1 to 64 letters, digits, `.`, `_` and `-`.
    ///
    /// Source: RAM 2015-05-01, CreateUser.
    UserName, "a user name", "give 1 to 64 letters, digits, `.`, `_` or `-`, for example `dana`",
    |t| (1..=64).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b))
}
id! {
    /// The name of a policy: 1 to 128 letters, digits and `-`.
    ///
    /// Source: RAM 2015-05-01, CreatePolicy.
    PolicyName, "a policy name", "give 1 to 128 letters, digits or `-`, for example `read-logs`",
    |t| (1..=128).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}
id! {
    /// The name of a group of RAM users: 1 to 64 letters, digits, `.`, `_` and `-`.
    ///
    /// Source: RAM 2015-05-01, CreateGroup.
    GroupName, "a group name", "give 1 to 64 letters, digits, `.`, `_` or `-`, for example `developers`",
    |t| (1..=64).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b))
}
id! {
    /// The id of a group: `g-` and 1 to 32 letters or digits.
    GroupId, "a group id", "give `g-` and 1 to 32 letters or digits",
    |t| t.strip_prefix("g-").is_some_and(|rest| alphanumeric(rest, 32))
}
id! {
    /// The id of a resource group: 1 to 64 letters, digits and `-`.
    ResourceGroupId, "a resource group id", "give 1 to 64 letters, digits or `-`, for example `rg-acfm2abcdefghij`",
    |t| (1..=64).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}
id! {
    /// What a config of a workspace is about: 1 to 64 letters, digits, `.`, `_` and `-`, not all of them `.`.
    ConfigCategory, "a category of configs", "give 1 to 64 letters, digits, `.`, `_` or `-`, for example `CommonResourceConfig`",
    |t| (1..=64).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b)) && t.bytes().any(|b| b != b'.')
}
id! {
    /// The key of a config of a workspace: 1 to 64 letters, digits, `.`, `_` and `-`, not all of them `.`.
    ConfigKey, "a config key", "give 1 to 64 letters, digits, `.`, `_` or `-`, for example `tempStoragePath`",
    |t| (1..=64).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b)) && t.bytes().any(|b| b != b'.')
}
id! {
    /// What makes a signed request unlike every other of the same access key: 1 to 128 visible ASCII characters.
    Nonce, "a nonce", "give 1 to 128 visible ASCII characters, new for each request",
    |t| (1..=128).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_graphic())
}
id! {
    /// The id of one request, for logs and safe retries: 1 to 128 visible ASCII characters.
    RequestId, "a request id", "give 1 to 128 visible ASCII characters",
    |t| (1..=128).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_graphic())
}
id! {
    /// The id of an asset that lives in another service: 1 to 2,048 bytes without control characters.
    ResourceId, "a resource id", "give 1 to 2048 bytes of UTF-8 without control characters",
    |t| (1..=2048).contains(&t.len()) && !has_control(t)
}

/// Returns whether a text has control characters.
fn has_control(text: &str) -> bool {
    let is_control = |byte: u8| byte < 0x20 || byte == 0x7F;
    if text.is_ascii() {
        return text.bytes().any(is_control);
    }
    text.chars().any(char::is_control)
}

impl PrincipalId {
    /// Returns the id before which no other is.
    #[must_use]
    pub fn least() -> Self {
        Self(Arc::from("0"))
    }

    /// Returns the number the id is, when writing the number gives the id again; nearly all are.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        self.digits().number()
    }
}

/// Says that an id is made of digits.
macro_rules! digits_id {
    ($name:ident) => {
        impl DigitsId for $name {
            const ID_FORM: IdForm = Self::FORM;

            fn of_checked(text: &str) -> Self {
                Self(Arc::from(text))
            }
        }

        impl $name {
            /// Returns the packed form.
            #[must_use]
            pub fn digits(&self) -> Digits {
                // INVARIANT: the text was checked to be 1 to 20 digits when the id was made.
                Digits::parse(&self.0).unwrap_or(Digits::of_parts(u8::MAX, u64::MAX))
            }

            /// Returns the id as a request states it.
            #[must_use]
            pub fn borrowed(&self) -> IdRef<'_, Self> {
                IdRef::of_checked(&self.0, self.digits())
            }
        }
    };
}

digits_id!(AccountId);
digits_id!(PrincipalId);
digits_id!(WorkspaceId);

impl GroupId {
    /// Returns the id before which no other is.
    #[must_use]
    pub fn least() -> Self {
        Self(Arc::from("g-0"))
    }
}

impl UserName {
    /// Returns the name before which no other is.
    #[must_use]
    pub fn least() -> Self {
        Self(Arc::from("-"))
    }
}

impl PolicyName {
    /// Returns the name before which no other is.
    #[must_use]
    pub fn least() -> Self {
        Self(Arc::from("-"))
    }
}

/// How an access key id that this service makes begins.
const KEY_PREFIX: &str = "LTAI";

impl AccessKeyId {
    /// Returns the access key id of `account` with the distinguishing part `unique`, which must begin with a letter:
    /// `LTAI`, the account, the part. A key names its account, so that no index spans accounts.
    ///
    /// # Errors
    /// [`IdForm`] when the part has another form.
    pub fn of(account: &AccountId, unique: &str) -> Result<Self, IdForm> {
        if !unique.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return Err(Self::FORM);
        }
        Self::parse(&format!("{KEY_PREFIX}{account}{unique}"))
    }

    /// Returns the account the key says it is of; `None` for an id this service did not make.
    #[must_use]
    pub fn account(&self) -> Option<AccountId> {
        let rest = self.as_str().strip_prefix(KEY_PREFIX)?;
        let end = rest.find(|c: char| c.is_ascii_alphabetic())?;
        AccountId::parse(rest.get(..end)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<T, E>(parse: fn(&str) -> Result<T, E>, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(parse(text).is_ok(), "`{text}` should parse");
        }
        for text in bad {
            assert!(parse(text).is_err(), "`{text}` should be refused");
        }
    }

    #[test]
    fn identifiers_accept_their_form_and_nothing_near_it() {
        let twenty_one = "1".repeat(21);
        check(
            AccountId::parse,
            &["1", &"9".repeat(20)],
            &["", "1a", " 1", "1 ", "{1}", "1:2", "１", &twenty_one],
        );
        check(
            WorkspaceName::parse,
            &["abc", "A_1", &"a".repeat(23)],
            &["ab", "1ab", "_ab", "a-b", &"a".repeat(24)],
        );
        check(
            CustomRoleId::parse,
            &["role-1", "role-aZ9"],
            &["role-", "Role-1", "role-a_b", "role-\"", "x"],
        );
        check(
            RoleName::parse,
            &["a", "A_b-9", &"x".repeat(64)],
            &["", "a b", "a\"", "名", &"x".repeat(65)],
        );
        check(TokenId::parse, &["a1"], &["", "a_b", "a-b"]);
        check(
            BundleName::parse,
            &["todo", "a", "search-demo", "v2", &"x".repeat(63)],
            &["", "v1", "api", "access", "Todo", "1a", "-a", "a/b", "a.b", "a_b", &"x".repeat(64)],
        );
        check(
            UserName::parse,
            &["a", "dana.li_2-x", &"x".repeat(64)],
            &["", "a b", "a@b", "a/b", "a:b", "é", &"x".repeat(65)],
        );
        let (good, bad) = (
            ["a", "a.b_c-9", &"x".repeat(64)],
            ["", "a b", "a:b", "a/b", "é", "{a}", ".", "..", &"x".repeat(65)],
        );
        check(ConfigCategory::parse, &good, &bad);
        check(ConfigKey::parse, &good, &bad);
        check(ResourceGroupId::parse, &["rg-1"], &["", "rg_1", "rg:1", &"x".repeat(65)]);
        check(Nonce::parse, &["0a-B"], &["", "a b", &"x".repeat(129)]);
        check(RequestId::parse, &["r-1", "a\"b"], &["", "a b", "a\n", "é", &"x".repeat(129)]);
        check(
            ResourceId::parse,
            &["dlc-1", "\"]; permit(principal, action, resource);", "{}", "*", "名"],
            &["", "a\0b", "a\nb", &"x".repeat(2049)],
        );
    }

    #[test]
    fn an_access_key_names_its_account() {
        let account = AccountId::parse("1000").unwrap();
        let key = AccessKeyId::of(&account, "x7").unwrap();
        assert_eq!((key.as_str(), key.account()), ("LTAI1000x7", Some(account.clone())));
        assert!(AccessKeyId::of(&account, "7x").is_err(), "the account would be another one");
        assert!(AccessKeyId::of(&account, "").is_err());
        for other in ["dev", "LTAI", "LTAI1000", "LTAIx", "LTAI123456789012345678901x"] {
            assert_eq!(AccessKeyId::parse(other).unwrap().account(), None, "{other}");
        }
    }
}
