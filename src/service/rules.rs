//! What every record must respect, whichever way it comes in: an import, or a call of the management interface.

use std::time::Duration;

use super::View;
use crate::{
    domain::{Invalid, Profile, Timestamp, WorkspaceName},
    error::{Error, ErrorCode},
};

/// Most custom roles of a workspace; for signed calls the settings may say otherwise.
pub const MAX_ROLES: usize = 100;
/// Most members of a workspace, its Owner among them; for signed calls the settings may say otherwise.
pub const MAX_MEMBERS: usize = 100_000;
/// Most roles of a member: every decision about it looks at each.
pub(super) const MAX_ROLES_HELD: usize = 20;
/// Longest display name and description of a workspace, in characters.
pub(super) const MAX_SHOWN: usize = 80;
/// Most RAM users and roles of an account.
const MAX_IDENTITIES: usize = 1_000_000;
/// Longest entry of a profile, in characters.
const MAX_PROFILE: usize = 128;
/// Longest description of a policy or RAM role, in characters.
pub(super) const MAX_DESCRIPTION: usize = 1_024;
/// Longest comments of a group, in characters.
pub(super) const MAX_COMMENTS: usize = MAX_PROFILE;
/// How long the name of a deleted workspace stays taken.
pub(super) const RETIREMENT: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// Refuses more RAM users and roles than an account may have.
pub(super) fn check_room_for_users(view: &View, more: usize) -> Result<(), Error> {
    if view.identity_count().saturating_add(more) <= MAX_IDENTITIES {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::LimitExceeded,
        format!("an account has at most {MAX_IDENTITIES} users and roles"),
        "delete those who are gone: DeleteUser",
    ))
}

/// Refuses a text for people that is too long or would not stay on its line.
pub(super) fn check_text(field: &str, text: &str, most: usize) -> Result<(), Invalid> {
    if text.chars().count() <= most && !text.chars().any(char::is_control) {
        return Ok(());
    }
    let help = format!("give at most {most} characters without control characters");
    Err(Invalid::value(field, text, "a text that fits", help))
}

/// Refuses a profile with an entry that does not fit; `fields` are display name, comments, email and mobile phone as
/// the caller spells them.
pub(super) fn check_profile(profile: &Profile, fields: [&str; 4]) -> Result<(), Invalid> {
    let Profile { display_name, comments, email, mobile_phone } = profile;
    let texts = [display_name, comments, email, mobile_phone];
    fields.iter().zip(texts).try_for_each(|(field, text)| check_text(field, text, MAX_PROFILE))
}

/// Returns whether a workspace may get a name: no other has it, nor had it in the last 14 days.
pub(super) fn name_is_free(view: &View, name: &WorkspaceName, now: Timestamp) -> bool {
    view.workspace_named(name).is_none()
        && view.retired_since(name).is_none_or(|since| since < now.minus(RETIREMENT))
}
