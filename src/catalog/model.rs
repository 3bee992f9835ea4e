//! The entries of the tables, as the rest of the program sees them.

use crate::domain::{ActionId, BuiltinRole, Cells, PermissionType};

/// How sure an entry is. The source page lost empty cells when it was rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// A guess among alternatives that fit as well.
    Low,
    /// More likely than its alternatives.
    Medium,
    /// Inferred, and nothing else fits.
    High,
    /// Read off the page.
    Certain,
}

impl Confidence {
    /// Returns the spelling of the tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Certain => "certain",
        }
    }
}

/// Whether a page prints an entry or it follows from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// A vendor page prints it.
    Documented,
    /// It follows from the name of an operation, or from a general form.
    Derived,
    /// A system policy of the vendor uses it.
    SystemPolicy,
    /// Third parties report it.
    Reported,
}

impl Status {
    /// Returns the spelling of the tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::Derived => "derived",
            Self::SystemPolicy => "system_policy",
            Self::Reported => "reported",
        }
    }
}

/// What an action does to what it touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Looks.
    Read,
    /// Creates, changes, runs, or hands out a shell, URL or token.
    Write,
    /// Administers: publishes, changes owners, manages members.
    Manage,
}

impl Access {
    /// Returns the spelling of the tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Manage => "manage",
        }
    }
}

/// On what a permission code is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PermissionScope {
    /// On one asset, whose creator and accessibility matter and must be stated.
    OwnAndPublic,
    /// On all assets of a workspace at once.
    WorkspaceAll,
    /// On something whose accessibility does not matter.
    Any,
    /// On the account, outside every workspace; no role grants it.
    Account,
}

impl PermissionScope {
    /// Returns the spelling of the tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OwnAndPublic => "own_and_public",
            Self::WorkspaceAll => "workspace_all",
            Self::Any => "any",
            Self::Account => "account",
        }
    }
}

/// Where a permission code can be granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ManagedIn {
    /// By workspace roles and by RAM.
    Both,
    /// By workspace roles only.
    Workspace,
    /// By RAM only.
    Ram,
}

impl ManagedIn {
    /// Returns the spelling of the tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::Workspace => "workspace",
            Self::Ram => "ram",
        }
    }
}

/// A section of the permission table.
#[derive(Debug)]
pub struct Module {
    /// Its short name, for example `DLC`.
    pub name: &'static str,
    /// What it is, for people.
    pub title: &'static str,
    /// Its `ModuleName` in custom roles; `None` for the eight that have none.
    pub api_module: Option<&'static str>,
    /// Its RAM code, for example `paidlc`.
    pub ram_code: &'static str,
    /// Whether accessibility and creator matter in it.
    pub entities: bool,
    /// The type a request is about when it names none; `None` when all its actions are account-scope.
    pub main_type: Option<&'static str>,
}

/// A type of resource and the form of its ARN.
#[derive(Debug)]
pub struct ResourceType {
    /// Its name, for example `job`.
    pub name: &'static str,
    /// The modules whose actions apply to it.
    pub modules: Vec<&'static str>,
    /// The relative id of its ARN, for example `workspace/{workspace}/dlcjob/{jobId}`.
    pub arn: &'static str,
    /// Whether a page prints the segment.
    pub status: Status,
    /// How many ids name a resource of it, separated by `/`: a pod takes two, its job's and its own.
    pub id_parts: usize,
}

impl ResourceType {
    /// The type of images that PAI itself provides, which are in no workspace.
    pub const OFFICIAL_IMAGE: &'static str = "official-image";
}

/// What a permission type of custom roles contains.
#[derive(Debug)]
pub struct Level {
    /// The permission type.
    pub permission_type: PermissionType,
    /// Its name in the console.
    pub console: &'static str,
    /// Cells of reading codes.
    pub read: Cells,
    /// Cells of writing codes.
    pub write: Cells,
    /// Cells of managing codes.
    pub manage: Cells,
    /// Cells of codes that reach all assets of the workspace.
    pub workspace_all: Cells,
}

/// What is known of a built-in role beside its grants.
#[derive(Debug)]
pub struct BuiltinRoleFacts {
    /// Which role.
    pub role: BuiltinRole,
    /// Its name in the console.
    pub label: &'static str,
    /// `basic` or `compute`.
    pub role_type: &'static str,
    /// Its column in the permission table.
    pub column: &'static str,
    /// Whether it is shared with DataWorks.
    pub shared_with_dataworks: bool,
    /// Whether it can be taken from a member.
    pub removable: bool,
    /// What it is for.
    pub note: &'static str,
}

/// How the marks of one kind of row were read.
#[derive(Debug)]
pub struct Marks {
    /// Table and number of marks, for example `dlc:4`.
    pub marks: &'static str,
    /// How sure the reading is.
    pub confidence: Confidence,
    /// Why it was read so.
    pub reason: &'static str,
    /// What else it could mean.
    pub alternatives: Vec<&'static str>,
}

/// A RAM code: the part of a RAM action before the colon.
#[derive(Debug)]
pub struct RamCode {
    /// The code, for example `paidlc`.
    pub code: &'static str,
    /// What it covers.
    pub covers: &'static str,
    /// How it is known.
    pub status: Status,
}

/// A row of the published permission table.
#[derive(Debug)]
pub struct PermissionPoint {
    /// The code, for example `PaiDLC:StopJob`.
    pub code: &'static str,
    /// `official` for the three rows on official images, which only RAM manages.
    pub variant: Option<&'static str>,
    /// Its module.
    pub module: &'static str,
    /// What it does.
    pub access: Access,
    /// On what it is asked.
    pub scope: PermissionScope,
    /// Where it can be granted.
    pub managed: ManagedIn,
    /// Granted cells by column of the table; a column that is absent grants nothing.
    pub grants: Vec<(&'static str, Cells)>,
    /// Cells the page prints but that cannot be held, because no workspace exists to hold the role.
    pub published: Vec<(&'static str, Cells)>,
    /// Whether every known user has it unless a policy forbids.
    pub allowed_unless_denied: bool,
    /// Whether it hands out a shell, URL or token.
    pub issues_credentials: bool,
    /// The resource column of the page.
    pub resource: Option<&'static str>,
    /// A misspelling of the page, where it has one.
    pub source_spelling: Option<&'static str>,
    /// How its marks were read, see [`Marks`].
    pub marks: &'static str,
    /// How sure its cells are.
    pub confidence: Confidence,
    /// What it does, in a few words.
    pub description: &'static str,
}

impl PermissionPoint {
    /// Returns the cells of a column; none when the column does not grant it.
    #[must_use]
    pub fn cells(&self, column: &str) -> Cells {
        self.grants
            .iter()
            .find(|(name, _)| *name == column)
            .map_or(Cells::NONE, |(_, cells)| *cells)
    }
}

/// A RAM action of PAI or of Simple Log Service.
#[derive(Debug)]
pub struct RamAction {
    /// The action, for example `paidlc:StopJob`.
    pub action: &'static str,
    /// The same in small letters: patterns of documents ignore the case.
    pub lower: String,
    /// The permission code that is the same operation.
    pub permission: Option<&'static str>,
    /// `get`, `list`, `create`, `update`, `delete` or `none`.
    pub access: &'static str,
    /// The forms of ARN it applies to.
    pub arns: Vec<&'static str>,
    /// Service condition keys it supports.
    pub condition_keys: Vec<&'static str>,
    /// Whether a page prints the action.
    pub status: Status,
    /// Whether a page prints its ARN forms.
    pub arn_status: Status,
    /// Other names: the one that is checked, older ones, ones of the same family.
    pub also: Vec<(&'static str, Vec<&'static str>)>,
    /// What else is known.
    pub note: Option<&'static str>,
}

impl RamAction {
    /// Returns the action that the service checks instead, of one that is an old name or that of an operation.
    #[must_use]
    pub fn checked_as(&self) -> Option<&'static str> {
        let names = self.also.iter().find(|(kind, _)| *kind == Self::CHECKED_AS);
        names.and_then(|(_, names)| names.first().copied())
    }

    /// How [`Self::also`] calls the action that is checked.
    pub(super) const CHECKED_AS: &'static str = "checked as";
}

/// On what an action is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionScope {
    /// A permission code, with its scope.
    Permission(PermissionScope),
    /// A RAM action that is no permission code: on a workspace, an ARN, or nothing in particular.
    RamOnly,
}

/// One operation: a permission code and a RAM action are two spellings of it.
#[derive(Debug)]
pub struct Action {
    /// Its index.
    pub id: ActionId,
    /// Its name: the permission code, or the RAM action when it has none.
    pub name: &'static str,
    /// On what it is asked.
    pub scope: ActionScope,
    /// Its RAM code.
    pub ram_code: &'static str,
    /// Its module; of a RAM-only action none.
    pub module: Option<&'static str>,
    /// Whether every known user has it unless a policy forbids.
    pub allowed_unless_denied: bool,
    /// Whether every known user has it on official images.
    pub official_image: bool,
    pub(super) point: Option<usize>,
    pub(super) ram: usize,
}

impl Action {
    /// Returns its name without the RAM code.
    pub(super) fn short_name(&self) -> Option<&'static str> {
        self.name.split_once(':').map(|(_, name)| name)
    }
}

/// The groups that carry the levels of custom roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// What Read-only contains.
    Read,
    /// What Modify/Execute adds.
    Write,
    /// What Full Access adds.
    Manage,
}

impl Group {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Manage];

    /// Returns the name of the group in `<Module>@<Group>`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "Read",
            Self::Write => "Write",
            Self::Manage => "Manage",
        }
    }
}
