//! Use cases: what callers can do, one per file, free of HTTP, JSON and any particular store.
//!
//! Decisions read immutable views in memory and never wait for a store. Changes are compiled against the present
//! view, applied by the store at the revision they were decided on, and become visible when they are durable.

mod accounts;
mod authorize;
mod bundles;
mod demo;
mod explain;
mod grants;
mod import;
mod initialize;
mod keyring;
mod loading;
mod management;
mod place;
mod queues;
mod random;
mod reading;
mod replica;
mod roster;
mod rules;
mod search;
mod signers;
mod simulate;
mod tally;
mod tokens;
mod turn;
mod verify;
mod view;
mod while_reading;

pub use crate::engine::{
    Differs, Explanation, Facts, HeldRole, Matched, NearMiss, NoSuggestion, Remedy, Source,
    Suggestion, Unmet, Verdict,
};
pub use accounts::{Accounts, Actor, Changed, Residency, asked};
pub use authorize::{Asked, Authorizer, Item, Judged};
pub use bundles::{
    Bundles, FoundInBundle, Present as PresentBundle, Properties, Query, Sought, Thing, Watch,
};
pub use demo::{DemoQuestion, demo, demo_questions};
pub use explain::{AttachedTo, Explained};
pub use import::{Imported, import};
pub use initialize::{FirstKeys, initialize};
pub use keyring::{Keyring, MasterKey};
pub use management::{
    AttachedPolicy, Bounds, Caller, ConfigFilter, CreatedAccessKey, GroupChange, HolderName,
    Holders, Management, MemberFilter, MemberRef, NewConfig, NewMember, NewPolicy, NewRamRole,
    NewUser, NewVersion, NewWorkspace, Page, Paging, PermissionFilter, PolicyFacts, RamRoleChange,
    RoleFilter, RoleJob, Sorting, UserChange, VersionFacts, WorkspaceFilter, config_id,
};
pub use place::Present;
pub use queues::{Admitted, Queues};
pub use replica::{Replica, Watched};
pub use roster::Roster;
pub use rules::{MAX_MEMBERS, MAX_ROLES};
pub use search::{FoundHere, Seek};
pub use signers::{ALGORITHM, Signed, Signer, Signers, payload_hash};
pub use simulate::{Row, Simulate, check_document};
pub use tally::decisions_made;
pub use tokens::{
    Authenticator, CreatedToken, DEV_ACCESS_KEY, DEV_ACCOUNT, DEV_TOKEN, Known, Pep, Reach, Tokens,
};
pub use turn::{Held, Turn};
pub use verify::{Verified, Verifier};
pub use view::View;
pub use while_reading::WhileReading;
