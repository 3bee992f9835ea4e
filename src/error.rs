//! Every error a caller can see: its code, meaning, HTTP status, and whether trying again can help.
//!
//! A `Deny` is an answer, not an error. Whoever asks for a decision and gets one of these has no decision, and
//! must treat that as a denial.

use std::fmt;

use crate::{
    domain::{AccountId, Invalid, InvalidKind, Principal, shortened},
    store::StoreError,
};

/// Whether sending the same request again can succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Not before the request is changed.
    Never,
    /// Yes, after a moment.
    Later,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $vendor:literal, $status:literal, $retry:ident;)+) => {
        /// The public error codes. A code never changes its meaning; new ones may be added.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$doc])* $name,)+
        }

        impl ErrorCode {
            /// All codes, in the order of their statuses.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Returns the spelling on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// Returns the spelling on the paths of the vendor's interface, which its SDKs and tools know.
            #[must_use]
            pub const fn vendor(self) -> &'static str {
                match self { $(Self::$name => $vendor,)+ }
            }

            /// Returns the HTTP status.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)+ }
            }

            /// Returns whether trying again can help.
            #[must_use]
            pub const fn retry(self) -> Retry {
                match self { $(Self::$name => Retry::$retry,)+ }
            }
        }
    };
}

codes! {
    /// The body is not JSON, not UTF-8, or not of the form the endpoint takes.
    MalformedBody = "malformed_body", "InvalidParameter", 400, Never;
    /// A required field is absent.
    MissingField = "missing_field", "MissingParameter", 400, Never;
    /// A field that does not exist, or does not belong beside the others.
    UnexpectedField = "unexpected_field", "InvalidParameter", 400, Never;
    /// A value has the wrong form, length or characters.
    InvalidValue = "invalid_value", "InvalidParameter", 400, Never;
    /// The action is not in the catalogue.
    UnknownAction = "unknown_action", "InvalidParameter", 400, Never;
    /// The resource type is not in the catalogue or not one of the action's.
    UnknownType = "unknown_type", "InvalidParameter", 400, Never;
    /// More items than a batch may have, or none.
    TooManyItems = "too_many_items", "InvalidParameter", 400, Never;
    /// The revision was not given out by this service for this account, or was edited.
    InvalidRevision = "invalid_revision", "InvalidParameter", 400, Never;
    /// The request is not signed, or not in the form that is read.
    IncompleteSignature = "incomplete_signature", "IncompleteSignature", 400, Never;
    /// The signature is not the one the access key makes of this request.
    SignatureMismatch = "signature_mismatch", "SignatureDoesNotMatch", 400, Never;
    /// The access key is switched off.
    AccessKeyInactive = "access_key_inactive", "InvalidAccessKeyId.Inactive", 400, Never;
    /// A security token: this service gives none out.
    SecurityTokenForeign = "security_token_foreign", "InvalidSecurityToken.MismatchWithAccessKey", 400, Never;
    /// The time of the request has another form.
    TimestampMalformed = "timestamp_malformed", "InvalidTimeStamp.Format", 400, Never;
    /// The time of the request is more than 15 minutes off.
    TimestampExpired = "timestamp_expired", "InvalidTimeStamp.Expired", 400, Never;
    /// The nonce was used before: a signed request came twice.
    NonceUsed = "nonce_used", "SignatureNonceUsed", 400, Never;
    /// The version is not the one of the operation.
    UnknownVersion = "unknown_version", "InvalidVersion", 400, Never;
    /// A live workspace has the name, or one that was deleted less than 14 days ago.
    WorkspaceNameTaken = "workspace_name_taken", "100400009", 400, Never;
    /// The Owner of a workspace cannot be removed, nor the role be taken away.
    OwnerStays = "owner_stays", "100600017", 400, Never;
    /// Every member holds at least one role.
    LastRole = "last_role", "OperationDenied.LastRole", 400, Never;
    /// The main account keeps an active access key: without one nobody could manage the account.
    LastAccessKey = "last_access_key", "OperationDenied.LastAccessKey", 400, Never;
    /// The policy document is not one that RAM accepts.
    PolicyMalformed = "policy_malformed", "MalformedPolicyDocument", 400, Never;
    /// The policy document has more characters than it may.
    PolicyTooLong = "policy_too_long", "InvalidParameter.PolicyDocument.Length", 400, Never;
    /// The name of the policy has characters it may not.
    PolicyNameCharacters = "policy_name_characters", "InvalidParameter.PolicyName.InvalidChars", 400, Never;
    /// The name of the policy is too long.
    PolicyNameLength = "policy_name_length", "InvalidParameter.PolicyName.Length", 400, Never;
    /// The type of the policy is neither System nor Custom.
    PolicyTypeUnknown = "policy_type_unknown", "InvalidParameter.PolicyType", 400, Never;
    /// The token is missing, unknown, revoked or of another service.
    Unauthenticated = "unauthenticated", "IncompleteSignature", 401, Never;
    /// The token may not be used for this.
    Forbidden = "forbidden", "NoPermission", 403, Never;
    /// The caller may not do this in the account.
    NoPermission = "no_permission", "NoPermission", 403, Never;
    /// No such path, or nothing of that name.
    NotFound = "not_found", "InvalidAction.NotFound", 404, Never;
    /// The access key is unknown.
    AccessKeyUnknown = "access_key_unknown", "InvalidAccessKeyId.NotFound", 404, Never;
    /// The caller may not do this in the workspace; whether there is one is not said.
    WorkspaceDenied = "workspace_denied", "100700008", 404, Never;
    /// There is no such workspace.
    WorkspaceNotFound = "workspace_not_found", "100400027", 404, Never;
    /// There is no such member.
    MemberNotFound = "member_not_found", "EntityNotExist.Member", 404, Never;
    /// There is no such role.
    RoleNotFound = "role_not_found", "EntityNotExist.Role", 404, Never;
    /// There is no such config.
    ConfigNotFound = "config_not_found", "EntityNotExist.Config", 404, Never;
    /// There is no such job.
    JobNotFound = "job_not_found", "EntityNotExist.InstanceJob", 404, Never;
    /// There is no such user.
    UserNotFound = "user_not_found", "EntityNotExist.User", 404, Never;
    /// The user has no such access key.
    UserAccessKeyNotFound = "user_access_key_not_found", "EntityNotExist.User.AccessKey", 404, Never;
    /// There is no such policy.
    PolicyNotFound = "policy_not_found", "EntityNotExist.Policy", 404, Never;
    /// The policy has no such version.
    PolicyVersionNotFound = "policy_version_not_found", "EntityNotExist.Policy.Version", 404, Never;
    /// There is no such group.
    GroupNotFound = "group_not_found", "EntityNotExist.Group", 404, Never;
    /// There is no such RAM role.
    RamRoleNotFound = "ram_role_not_found", "EntityNotExist.Role", 404, Never;
    /// The policy is not attached to the user.
    UserPolicyNotFound = "user_policy_not_found", "EntityNotExist.User.Policy", 404, Never;
    /// The policy is not attached to the group.
    GroupPolicyNotFound = "group_policy_not_found", "EntityNotExist.Group.Policy", 404, Never;
    /// The policy is not attached to the RAM role.
    RamRolePolicyNotFound = "ram_role_policy_not_found", "EntityNotExist.Role.Policy", 404, Never;
    /// The user is not in the group.
    UserNotInGroup = "user_not_in_group", "EntityNotExist.User.Group", 404, Never;
    /// The path exists, but not with this method.
    MethodNotAllowed = "method_not_allowed", "UnsupportedHTTPMethod", 405, Never;
    /// The body did not arrive in time.
    RequestTimeout = "request_timeout", "RequestTimeout", 408, Later;
    /// Another change came first, several times over.
    Conflict = "conflict", "OperationConflict", 409, Later;
    /// A user of that name exists.
    UserExists = "user_exists", "EntityAlreadyExists.User", 409, Never;
    /// The workspace has a role of that name.
    RoleNameTaken = "role_name_taken", "EntityAlreadyExists.Role", 409, Never;
    /// A policy of that name exists.
    PolicyExists = "policy_exists", "EntityAlreadyExists.Policy", 409, Never;
    /// A group of that name exists.
    GroupExists = "group_exists", "EntityAlreadyExists.Group", 409, Never;
    /// A RAM role of that name exists.
    RamRoleExists = "ram_role_exists", "EntityAlreadyExists.Role", 409, Never;
    /// The policy is attached to the user already.
    UserPolicyExists = "user_policy_exists", "EntityAlreadyExists.User.Policy", 409, Never;
    /// The policy is attached to the group already.
    GroupPolicyExists = "group_policy_exists", "EntityAlreadyExists.Group.Policy", 409, Never;
    /// The policy is attached to the RAM role already.
    RamRolePolicyExists = "ram_role_policy_exists", "EntityAlreadyExists.Role.Policy", 409, Never;
    /// The user is in the group already.
    UserInGroup = "user_in_group", "EntityAlreadyExists.User.Group", 409, Never;
    /// Members hold the role.
    RoleInUse = "role_in_use", "DeleteConflict.Role.Member", 409, Never;
    /// The user is a member of a workspace.
    UserIsMember = "user_is_member", "DeleteConflict.User.Member", 409, Never;
    /// The user has access keys.
    UserHasAccessKeys = "user_has_access_keys", "DeleteConflict.User.AccessKey", 409, Never;
    /// Policies are attached to the user.
    UserHasPolicies = "user_has_policies", "DeleteConflict.User.Policy", 409, Never;
    /// The user is in a group.
    UserHasGroups = "user_has_groups", "DeleteConflict.User.Group", 409, Never;
    /// Users are in the group.
    GroupHasUsers = "group_has_users", "DeleteConflict.Group.User", 409, Never;
    /// Policies are attached to the group.
    GroupHasPolicies = "group_has_policies", "DeleteConflict.Group.Policy", 409, Never;
    /// The RAM role is a member of a workspace.
    RamRoleIsMember = "ram_role_is_member", "DeleteConflict.Role.Member", 409, Never;
    /// Policies are attached to the RAM role.
    RamRoleHasPolicies = "ram_role_has_policies", "DeleteConflict.Role.Policy", 409, Never;
    /// The policy is attached to a user.
    PolicyHasUsers = "policy_has_users", "DeleteConflict.Policy.User", 409, Never;
    /// The policy is attached to a group.
    PolicyHasGroups = "policy_has_groups", "DeleteConflict.Policy.Group", 409, Never;
    /// The policy is attached to a RAM role.
    PolicyHasRamRoles = "policy_has_ram_roles", "DeleteConflict.Policy.Role", 409, Never;
    /// The policy has versions beside the default one.
    PolicyHasVersions = "policy_has_versions", "DeleteConflict.Policy.Version", 409, Never;
    /// The default version of a policy cannot be deleted.
    DefaultVersionStays = "default_version_stays", "DeleteConflict.Policy.Version.Default", 409, Never;
    /// The workspace or account has as many of these as it may.
    LimitExceeded = "limit_exceeded", "LimitExceeded", 409, Never;
    /// The user has as many access keys as it may.
    AccessKeyLimit = "access_key_limit", "LimitExceeded.User.AccessKey", 409, Never;
    /// The account has as many policies as it may.
    PolicyLimit = "policy_limit", "LimitExceeded.Policy", 409, Never;
    /// The policy has as many versions as it may.
    PolicyVersionLimit = "policy_version_limit", "LimitExceeded.Policy.Version", 409, Never;
    /// The account has as many groups as it may.
    GroupLimit = "group_limit", "LimitExceeded.Group", 409, Never;
    /// The account has as many RAM roles as it may.
    RamRoleLimit = "ram_role_limit", "LimitExceeded.Role", 409, Never;
    /// As many policies are attached to the user as may be.
    UserPolicyLimit = "user_policy_limit", "LimitExceeded.User.Policy", 409, Never;
    /// As many policies are attached to the group as may be.
    GroupPolicyLimit = "group_policy_limit", "LimitExceeded.Group.Policy", 409, Never;
    /// As many policies are attached to the RAM role as may be.
    RamRolePolicyLimit = "ram_role_policy_limit", "LimitExceeded.Role.Policy", 409, Never;
    /// The user is in as many groups as it may.
    UserGroupLimit = "user_group_limit", "LimitExceeded.User.Group", 409, Never;
    /// The body is larger than the endpoint reads.
    PayloadTooLarge = "payload_too_large", "RequestEntityTooLarge", 413, Never;
    /// The content type is not `application/json`.
    UnsupportedMediaType = "unsupported_media_type", "UnsupportedMediaType", 415, Never;
    /// More calls under way than a caller may have, or more requests than are remembered: which come twice could no
    /// longer be told.
    Throttled = "throttled", "Throttling.User", 429, Later;
    /// A defect of this service; nothing was decided.
    Internal = "internal", "InternalError", 500, Later;
    /// This replica is behind the revision that was demanded.
    ReplicaStale = "replica_stale", "ServiceUnavailable", 503, Later;
    /// The store has lost changes of the account; an operator must look.
    Suspended = "suspended", "ServiceUnavailable", 503, Later;
    /// What the store holds of the account or workspace cannot be trusted; an operator must look.
    Quarantined = "quarantined", "ServiceUnavailable", 503, Later;
    /// The store cannot be reached, or the service is starting or stopping.
    Unavailable = "unavailable", "ServiceUnavailable", 503, Later;
    /// The store has no room for the change; nothing was written.
    StoreFull = "store_full", "ServiceUnavailable", 507, Later;
}

/// An error on its way to a caller: the code, and words that name field, value and remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What went wrong.
    pub code: ErrorCode,
    /// One sentence: lowercase, no full stop, input in backticks.
    pub message: String,
    /// The field it is about, as the caller spells it.
    pub field: Option<String>,
    /// The value that was refused, shortened.
    pub value: Option<String>,
    /// What to do next.
    pub help: String,
    /// Of what was not allowed: whom, and whether a policy said so.
    pub denied: Option<Box<Denied>>,
}

/// What the vendor tells of a call that was not allowed, as `AccessDeniedDetail`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// The RAM action.
    pub action: String,
    /// The principal.
    pub principal: Principal,
    /// Its account.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// Whether a policy denies; else none grants.
    pub is_explicit: bool,
}

impl Error {
    /// Returns an error that is about no field in particular.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            field: None,
            value: None,
            help: help.into(),
            denied: None,
        }
    }

    /// Returns the error of a defect. `detail` goes to the log; the caller learns only that it happened.
    #[must_use]
    pub fn internal(detail: &str) -> Self {
        tracing::error!(detail, "internal error");
        Self::new(
            ErrorCode::Internal,
            "the service failed on this request",
            "nothing was decided or changed; the log has the cause under this request id",
        )
    }
}

impl Error {
    /// Returns the same error about a field and its value.
    #[must_use]
    pub fn about(mut self, field: &str, value: &str) -> Self {
        self.field = Some(field.to_owned());
        self.value = Some(shortened(value, Invalid::MAX_VALUE));
        self
    }

    /// Returns the refusal of a signed request that came before.
    #[must_use]
    pub fn nonce_used() -> Self {
        Self::new(
            ErrorCode::NonceUsed,
            "a request with this `x-acs-signature-nonce` was carried out before",
            "sign again, with a new nonce; `x-pai-authz-request-id` makes a retry safe",
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Some(field) => write!(f, "{field}: {} ({})", self.message, self.help),
            None => write!(f, "{} ({})", self.message, self.help),
        }
    }
}

impl std::error::Error for Error {}

impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Self {
        let code = match invalid.kind {
            InvalidKind::MissingField => ErrorCode::MissingField,
            InvalidKind::UnexpectedField => ErrorCode::UnexpectedField,
            InvalidKind::InvalidValue => ErrorCode::InvalidValue,
            InvalidKind::UnknownAction => ErrorCode::UnknownAction,
            InvalidKind::UnknownType => ErrorCode::UnknownType,
            InvalidKind::InvalidRevision => ErrorCode::InvalidRevision,
            InvalidKind::Malformed => ErrorCode::MalformedBody,
        };
        Self {
            code,
            message: invalid.message,
            // What is wrong as a whole has no field.
            field: Some(invalid.field).filter(|field| !field.is_empty()),
            value: invalid.value,
            help: invalid.help,
            denied: None,
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict { .. } => Self::new(
                ErrorCode::Conflict,
                "other changes of this account came first",
                "nothing was changed; read again and repeat the request",
            ),
            StoreError::Full => Self::new(
                ErrorCode::StoreFull,
                "the store has no room for the change",
                "nothing was written; free some space on the volume of the store",
            ),
            StoreError::Unavailable { may_be_applied, detail } => {
                tracing::error!(detail, may_be_applied, "the store is not available");
                let help = if may_be_applied {
                    "the change may have been applied; look before repeating it, or repeat it with the same request id"
                } else {
                    "nothing was changed; try again in a moment"
                };
                Self::new(ErrorCode::Unavailable, "the store is not available", help)
            }
            lost @ (StoreError::Regressed { .. } | StoreError::Suspended { .. }) => {
                tracing::error!(%lost, "the store has lost changes");
                let help = "nothing was changed; an operator must look: see `pai-authz recover`";
                Self::new(ErrorCode::Suspended, "the store has lost changes of the account", help)
            }
            StoreError::Damaged { detail, .. } => {
                tracing::error!(detail, "what the store holds cannot be trusted");
                Self::new(
                    ErrorCode::Quarantined,
                    "what the store holds of the account cannot be trusted",
                    "nothing was changed; an operator must look: the log of the service says what was found",
                )
            }
            StoreError::NonceUsed => Self::nonce_used(),
            StoreError::RequestReused => Self::new(
                ErrorCode::InvalidValue,
                "the request id was used before for another change",
                "use a new request id for a new change",
            ),
            other => Self::internal(&other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_spelling_of_its_own_and_an_error_status() {
        let mut seen = std::collections::HashSet::new();
        for code in ErrorCode::ALL {
            assert!(seen.insert(code.as_str()), "{code:?}");
            assert!((400..=599).contains(&code.status()), "{code:?}");
            assert_eq!(
                code.retry() == Retry::Later,
                matches!(code.status(), 408 | 429 | 500..) || *code == ErrorCode::Conflict,
                "{code:?}"
            );
        }
    }
}
