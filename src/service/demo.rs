//! A demonstration account: three workspaces, 200 memberships, custom roles, and questions worth asking.

use crate::domain::{
    AccountId, BuiltinRole, CustomRole, CustomRoleId, EntityAccess, EnvMode, IdForm, Identity,
    Import, ImportedWorkspace, Member, ModulePermission, PermissionGrant, PermissionRule,
    PermissionType, Principal, PrincipalId, PrincipalKind, Profile, Question, RoleName, RoleRef,
    RuleAccessibility, Timestamp, UserName, Workspace, WorkspaceId, WorkspaceName,
};

/// A question about the demonstration, with what it shows.
#[derive(Debug, Clone)]
pub struct DemoQuestion {
    /// What it shows, for people.
    pub shows: &'static str,
    /// The question.
    pub question: Question<'static>,
}

/// Somebody: id, login name, name for people, built-in roles, custom role.
type Part =
    (&'static str, &'static str, &'static str, &'static [BuiltinRole], Option<&'static str>);

/// The members every reader meets first; the others repeat their roles.
const CAST: [Part; 9] = [
    ("2001", "dana", "dana (developer)", &[BuiltinRole::Developer], None),
    ("2002", "omar", "omar (developer)", &[BuiltinRole::Developer], None),
    ("2003", "petra", "petra (O&M engineer)", &[BuiltinRole::Operator], None),
    ("2004", "lin", "lin (labeling administrator)", &[BuiltinRole::LabelManager], None),
    ("2005", "vera", "vera (visitor)", &[BuiltinRole::Guest], None),
    ("2006", "max", "max (MaxCompute developer)", &[BuiltinRole::MaxComputeDeveloper], None),
    ("2007", "rosa", "rosa (job reviewer)", &[], Some("role-jobreviewer")),
    (
        "2008",
        "sven",
        "sven (developer and data curator)",
        &[BuiltinRole::Developer],
        Some("role-datacurator"),
    ),
    ("2009", "ada", "ada (administrator)", &[BuiltinRole::Admin], None),
];

/// Workspaces: id, name, what it is for, memberships including the owner's.
const WORKSPACES: [(&str, &str, &str, usize); 3] = [
    ("10001", "nlp_research", "language models, research", 100),
    ("10002", "vision_prod", "image models, production", 60),
    ("10003", "sandbox", "first steps", 40),
];

const USERS: usize = 120;

/// Returns the demonstration for `account`, recorded at `now`.
///
/// # Errors
/// Never for a valid account: the ids above have the form they must have.
pub fn demo(account: &AccountId, now: Timestamp) -> Result<Import, IdForm> {
    let owner = PrincipalId::parse(account.as_str())?;
    let mut import = Import::default();
    for number in 0..USERS {
        let id = user_id(number);
        let (name, shown) = match CAST.get(number) {
            Some((_, name, shown, ..)) => ((*name).to_owned(), (*shown).to_owned()),
            None => (format!("user-{id}"), format!("user {id}")),
        };
        import.identities.push(identity(PrincipalKind::User, &id, &name, &shown, now)?);
    }
    import.identities.push(identity(
        PrincipalKind::User,
        "2999",
        "noor",
        "noor (in no workspace)",
        now,
    )?);
    import.identities.push(identity(
        PrincipalKind::RamRole,
        "3001",
        "training-pipeline",
        "training pipeline (RAM role)",
        now,
    )?);
    for (index, (id, name, description, size)) in WORKSPACES.into_iter().enumerate() {
        let workspace = Workspace {
            id: WorkspaceId::parse(id)?,
            name: WorkspaceName::parse(name)?,
            display_name: name.to_owned(),
            description: description.to_owned(),
            env: EnvMode::Simple,
            resource_group: None,
            creator: owner.clone(),
            created: now,
            modified: now,
        };
        let roles = roles(index, &owner, now)?;
        let mut members = vec![member(
            account.as_str(),
            vec![RoleRef::Builtin(BuiltinRole::Owner), RoleRef::Builtin(BuiltinRole::Admin)],
            now,
        )?];
        if index == 0 {
            members.push(member("3001", vec![RoleRef::Builtin(BuiltinRole::Developer)], now)?);
        }
        let mut number = 0;
        while members.len() < size {
            members.push(member(&user_id(number), held(number, index)?, now)?);
            number += 1;
        }
        import.workspaces.push(ImportedWorkspace { workspace, roles, members });
    }
    Ok(import)
}

fn user_id(number: usize) -> String {
    (2001 + number).to_string()
}

fn identity(
    kind: PrincipalKind,
    id: &str,
    name: &str,
    shown: &str,
    created: Timestamp,
) -> Result<Identity, IdForm> {
    Ok(Identity {
        principal: Principal { kind, id: PrincipalId::parse(id)? },
        name: UserName::parse(name)?,
        profile: Profile { display_name: shown.to_owned(), ..Profile::default() },
        assumable: None,
        created,
        modified: created,
    })
}

fn member(id: &str, roles: Vec<RoleRef>, created: Timestamp) -> Result<Member, IdForm> {
    Ok(Member { principal: PrincipalId::parse(id)?, roles, created })
}

/// Ids of custom roles are unique in the account, so each workspace has its own.
fn role_id(base: &str, workspace: usize) -> Result<CustomRoleId, IdForm> {
    CustomRoleId::parse(&if workspace == 0 {
        base.to_owned()
    } else {
        format!("{base}{workspace}")
    })
}

fn held(number: usize, workspace: usize) -> Result<Vec<RoleRef>, IdForm> {
    let Some((_, _, _, builtin, custom)) = CAST.iter().cycle().nth(number) else {
        return Ok(Vec::new());
    };
    let mut roles: Vec<RoleRef> = builtin.iter().copied().map(RoleRef::Builtin).collect();
    if let Some(custom) = custom {
        roles.push(RoleRef::Custom(role_id(custom, workspace)?));
    }
    Ok(roles)
}

fn roles(
    workspace: usize,
    creator: &PrincipalId,
    created: Timestamp,
) -> Result<Vec<CustomRole>, IdForm> {
    let level = |module: &str, permission_type| ModulePermission {
        module: module.to_owned(),
        permission_type,
        permissions: Vec::new(),
    };
    let all_private = PermissionRule {
        accessibility: RuleAccessibility::Private,
        entity_access: EntityAccess::Any,
    };
    let public = PermissionRule {
        accessibility: RuleAccessibility::Public,
        entity_access: EntityAccess::Any,
    };
    let reviewer = CustomRole {
        id: role_id("role-jobreviewer", workspace)?,
        name: RoleName::parse("JobReviewer")?,
        modules: vec![
            level("Dataset", PermissionType::ReadOnly),
            level("PaiWorkspace@@MemberRole", PermissionType::ReadOnly),
            ModulePermission {
                module: "DLC".to_owned(),
                permission_type: PermissionType::CustomPermissions,
                permissions: vec![
                    PermissionGrant {
                        codes: vec!["PaiDLC:GetJob".to_owned(), "PaiDLC:ListJobs".to_owned()],
                        rules: vec![all_private, public],
                    },
                    PermissionGrant {
                        codes: vec!["PaiDLC:StopJob".to_owned()],
                        rules: vec![public],
                    },
                ],
            },
        ],
        creator: creator.clone(),
        created,
        modified: created,
    };
    let curator = CustomRole {
        id: role_id("role-datacurator", workspace)?,
        name: RoleName::parse("DataCurator")?,
        modules: vec![
            level("Dataset", PermissionType::FullAccess),
            level("Model", PermissionType::ReadWrite),
        ],
        creator: creator.clone(),
        created,
        modified: created,
    };
    Ok(vec![reviewer, curator])
}

/// Returns questions about the demonstration, Allow and Deny mixed.
#[must_use]
pub fn demo_questions() -> Vec<DemoQuestion> {
    let ask = |shows, user, action, creator, accessibility| DemoQuestion {
        shows,
        question: Question {
            principal_type: Some("User"),
            principal_id: Some(user),
            action: Some(action),
            workspace: Some("10001"),
            creator,
            accessibility,
            ..Question::default()
        },
    };
    let job = |shows, user, creator, accessibility| DemoQuestion {
        question: Question {
            resource_type: Some("job"),
            resource_id: Some("dlc-1"),
            ..ask(shows, user, "PaiDLC:StopJob", Some(creator), Some(accessibility)).question
        },
        shows,
    };
    vec![
        job("a developer stops a job of her own", "2001", "2001", "PRIVATE"),
        job("a developer does not stop a colleague's job", "2001", "2002", "PRIVATE"),
        job("an O&M engineer stops everybody's private jobs", "2003", "2002", "PRIVATE"),
        job("a visitor has no part in training jobs", "2005", "2002", "PUBLIC"),
        job("a custom role stops public jobs", "2007", "2002", "PUBLIC"),
        job("and no private ones", "2007", "2002", "PRIVATE"),
        ask(
            "a visitor lists public datasets",
            "2005",
            "PaiDataset:ListDatasets",
            Some("2002"),
            Some("PUBLIC"),
        ),
        ask(
            "a data curator deletes any dataset",
            "2008",
            "PaiDataset:DeleteDataset",
            Some("2002"),
            Some("PUBLIC"),
        ),
        ask("every member reads the settings", "2004", "PaiWorkspace:ListConfigs", None, None),
        ask(
            "only owner and administrator add members",
            "2001",
            "PaiWorkspace:CreateMember",
            Some("2001"),
            Some("PRIVATE"),
        ),
        ask(
            "the main account may do everything",
            "1000000000000001",
            "PaiWorkspace:CreateMember",
            Some("2001"),
            Some("PRIVATE"),
        ),
        ask(
            "somebody who is no member may not look into a workspace",
            "2999",
            "PaiWorkspace:ListConfigs",
            None,
            None,
        ),
    ]
}
