//! Policies, groups, RAM roles and attachments over the wire: every operation, every refusal by its code.

use std::fs;

use serde_json::{Value, json};

use crate::support::{
    ram::{ALLOW, DENY, FULL, Ram, TRUST, column},
    redis::Redis,
    server::{Place, Server},
    signed::{Api, Call, Key, ok, refused},
    wire::Answer,
};

/// Status, code, operation and query of what is refused where `p`, `g`, `g2`, `r` and `u` are there, `u` is in `g`, and `p` is
/// attached to `u`, `g` and `r`.
const REFUSALS: &str = "
# Names and words.
400 MissingParameter CreatePolicy PolicyDocument=$ALLOW
400 MissingParameter CreatePolicy PolicyName=q
400 InvalidParameter.PolicyName.InvalidChars CreatePolicy PolicyName=a_b PolicyDocument=$ALLOW
400 InvalidParameter.PolicyName.InvalidChars CreatePolicy PolicyName=a:b PolicyDocument=$ALLOW
400 InvalidParameter.PolicyName.InvalidChars CreatePolicy PolicyName={1} PolicyDocument=$ALLOW
400 InvalidParameter.PolicyName.InvalidChars CreatePolicy PolicyName=* PolicyDocument=$ALLOW
400 InvalidParameter.PolicyName.InvalidChars CreatePolicy PolicyName=名 PolicyDocument=$ALLOW
400 InvalidParameter.PolicyName.Length CreatePolicy PolicyName=$LONG PolicyDocument=$ALLOW
400 InvalidParameter CreatePolicy PolicyName=q PolicyDocument=$ALLOW Tag.1.Key=k
400 InvalidParameter CreatePolicy PolicyName=q PolicyDocument=$ALLOW PolicyType=Custom
400 MissingParameter GetPolicy PolicyName=p
400 InvalidParameter.PolicyType GetPolicy PolicyName=p PolicyType=custom
400 InvalidParameter.PolicyType ListPolicies PolicyType=All
400 MissingParameter AttachPolicyToUser PolicyName=p UserName=u PolicyType=
400 InvalidParameter AttachPolicyToUser PolicyType=Custom PolicyName=p UserName=u ResourceGroupId=rg-1
400 InvalidParameter GetPolicyVersion PolicyType=Custom PolicyName=p VersionId=1
400 InvalidParameter GetPolicyVersion PolicyType=Custom PolicyName=p VersionId=v01
400 InvalidParameter CreatePolicyVersion PolicyName=p PolicyDocument=$ALLOW RotateStrategy=Always
400 InvalidParameter CreatePolicyVersion PolicyName=p PolicyDocument=$ALLOW SetAsDefault=yes
400 InvalidParameter DeletePolicy PolicyName=p CascadingDelete=1
400 InvalidParameter CreateGroup GroupName=a+b
400 InvalidParameter CreateGroup GroupName=h Comments=$LONG
400 InvalidParameter UpdateGroup GroupName=g NewGroupName=a/b
400 InvalidParameter CreateRole RoleName=a:b AssumeRolePolicyDocument=$TRUST
400 InvalidParameter CreateRole RoleName=s AssumeRolePolicyDocument=$TRUST MaxSessionDuration=3599
400 InvalidParameter CreateRole RoleName=s AssumeRolePolicyDocument=$TRUST MaxSessionDuration=43201
400 MissingParameter CreateRole RoleName=s
400 InvalidParameter UpdateRole RoleName=r NewMaxSessionDuration=1
# Documents of the other kind.
400 MalformedPolicyDocument CreatePolicy PolicyName=q PolicyDocument=$TRUST
400 MalformedPolicyDocument CreatePolicyVersion PolicyName=p PolicyDocument={}
400 MalformedPolicyDocument CreateRole RoleName=s AssumeRolePolicyDocument=$ALLOW
400 MalformedPolicyDocument UpdateRole RoleName=r NewAssumeRolePolicyDocument=x
# What is not there.
404 EntityNotExist.Policy GetPolicy PolicyType=Custom PolicyName=nothing
404 EntityNotExist.Policy GetPolicy PolicyType=System PolicyName=p
404 EntityNotExist.Policy DeletePolicy PolicyName=nothing
404 EntityNotExist.Policy CreatePolicyVersion PolicyName=nothing PolicyDocument=$ALLOW
404 EntityNotExist.Policy ListPolicyVersions PolicyType=Custom PolicyName=nothing
404 EntityNotExist.Policy.Version GetPolicyVersion PolicyType=Custom PolicyName=p VersionId=v9
404 EntityNotExist.Policy.Version SetDefaultPolicyVersion PolicyName=p VersionId=v9
404 EntityNotExist.Policy SetDefaultPolicyVersion PolicyName=nothing VersionId=v9
404 EntityNotExist.Policy.Version DeletePolicyVersion PolicyName=p VersionId=v9
404 EntityNotExist.Policy ListEntitiesForPolicy PolicyType=Custom PolicyName=nothing
404 EntityNotExist.Group GetGroup GroupName=none
404 EntityNotExist.Group UpdateGroup GroupName=none
404 EntityNotExist.Group DeleteGroup GroupName=none
404 EntityNotExist.Group ListUsersForGroup GroupName=none
404 EntityNotExist.User ListGroupsForUser UserName=nobody
404 EntityNotExist.User AddUserToGroup UserName=nobody GroupName=g
404 EntityNotExist.Group AddUserToGroup UserName=u GroupName=none
404 EntityNotExist.Group RemoveUserFromGroup UserName=u GroupName=none
404 EntityNotExist.User.Group RemoveUserFromGroup UserName=u GroupName=g2
404 EntityNotExist.Role GetRole RoleName=none
404 EntityNotExist.Role UpdateRole RoleName=none
404 EntityNotExist.Role DeleteRole RoleName=none
404 EntityNotExist.Policy AttachPolicyToUser PolicyType=Custom PolicyName=nothing UserName=u
404 EntityNotExist.Policy AttachPolicyToUser PolicyType=System PolicyName=p UserName=u
404 EntityNotExist.User AttachPolicyToUser PolicyType=Custom PolicyName=p UserName=nobody
404 EntityNotExist.Group AttachPolicyToGroup PolicyType=Custom PolicyName=p GroupName=none
404 EntityNotExist.Role AttachPolicyToRole PolicyType=Custom PolicyName=p RoleName=none
404 EntityNotExist.Policy DetachPolicyFromUser PolicyType=Custom PolicyName=nothing UserName=u
404 EntityNotExist.Group.Policy DetachPolicyFromGroup PolicyType=Custom PolicyName=p GroupName=g2
404 EntityNotExist.User ListPoliciesForUser UserName=nobody
404 EntityNotExist.Group ListPoliciesForGroup GroupName=none
404 EntityNotExist.Role ListPoliciesForRole RoleName=none
# What is there already.
409 EntityAlreadyExists.Policy CreatePolicy PolicyName=p PolicyDocument=$ALLOW
409 EntityAlreadyExists.Group CreateGroup GroupName=g
409 EntityAlreadyExists.Group UpdateGroup GroupName=g NewGroupName=g2
409 EntityAlreadyExists.Role CreateRole RoleName=r AssumeRolePolicyDocument=$TRUST
409 EntityAlreadyExists.User.Group AddUserToGroup UserName=u GroupName=g
409 EntityAlreadyExists.User.Policy AttachPolicyToUser PolicyType=Custom PolicyName=p UserName=u
409 EntityAlreadyExists.Group.Policy AttachPolicyToGroup PolicyType=Custom PolicyName=p GroupName=g
409 EntityAlreadyExists.Role.Policy AttachPolicyToRole PolicyType=Custom PolicyName=p RoleName=r
409 DeleteConflict.Policy.Version.Default DeletePolicyVersion PolicyName=p VersionId=v1
";

#[track_caller]
fn is_date(value: &Value) {
    let text = value.as_str().unwrap();
    assert!(text.len() == 20 && text.ends_with('Z') && text.contains('T'), "{text}");
}

const CUSTOM: [Pair; 2] = [("PolicyType", "Custom"), ("PolicyName", "dev-only")];
const SYSTEM: [Pair; 2] = [("PolicyType", "System"), ("PolicyName", FULL)];
const SECOND: [Pair; 2] = [("PolicyName", "dev-only"), ("VersionId", "v2")];
const DELETE: [Pair; 2] = [("PolicyName", "dev-only"), ("CascadingDelete", "true")];
const USER: [Pair; 1] = [("UserName", "kim")];
const BOTH: [Pair; 2] = [("UserName", "kim"), ("GroupName", "makers")];
/// What policies are attached to in the story: a kind, and how one is named.
const HOLDERS: [(&str, &str, &str); 3] = [
    ("User", "UserName", "kim"),
    ("Group", "GroupName", "makers"),
    ("Role", "RoleName", "trainer"),
];

type Pair = (&'static str, &'static str);

/// Makes one of everything, looks at it from every side, and takes it away again.
fn story(ram: &mut Ram) {
    a_policy_with_two_versions(ram);
    a_user_in_a_group_and_a_role(ram);
    a_policy_of_each_type_attached_to_all_three(ram);
    nothing_goes_that_is_in_use(ram);
    cleaning_up(ram);
}

fn a_policy_with_two_versions(ram: &mut Ram) {
    let query = [("PolicyName", "dev-only"), ("PolicyDocument", ALLOW), ("Description", "名")];
    let made = ram.ok("CreatePolicy", &query)["Policy"].clone();
    is_date(&made["CreateDate"]);
    assert_eq!(
        (&made["PolicyName"], &made["PolicyType"], &made["DefaultVersion"], &made["Description"]),
        (&json!("dev-only"), &json!("Custom"), &json!("v1"), &json!("名"))
    );
    let got = ram.ok("GetPolicy", &CUSTOM);
    assert_eq!(got["Policy"]["AttachmentCount"], 0);
    assert_eq!(got["DefaultPolicyVersion"]["PolicyDocument"], ALLOW);
    assert_eq!(got["DefaultPolicyVersion"]["IsDefaultVersion"], true);
    is_date(&got["Policy"]["UpdateDate"]);
    let query = [("PolicyName", "dev-only"), ("PolicyDocument", DENY)];
    let version = ram.ok("CreatePolicyVersion", &query)["PolicyVersion"].clone();
    assert_eq!(
        (&version["VersionId"], &version["IsDefaultVersion"]),
        (&json!("v2"), &json!(false))
    );
    ram.ok("SetDefaultPolicyVersion", &SECOND);
    let query = [("PolicyType", "Custom"), SECOND[0], SECOND[1]];
    let version = ram.ok("GetPolicyVersion", &query)["PolicyVersion"].clone();
    assert_eq!(
        (&version["PolicyDocument"], &version["IsDefaultVersion"]),
        (&json!(DENY), &json!(true))
    );
    assert_eq!(ram.ok("GetPolicy", &CUSTOM)["Policy"]["DefaultVersion"], "v2");
}

fn a_user_in_a_group_and_a_role(ram: &mut Ram) {
    ram.ok("CreateUser", &[("UserName", "kim"), ("DisplayName", "Kim")]);
    let group = ram.ok("CreateGroup", &[("GroupName", "devs"), ("Comments", "all of them")]);
    assert!(group["Group"]["GroupId"].as_str().unwrap().starts_with("g-"));
    let both = [("UserName", "kim"), ("GroupName", "devs")];
    ram.ok("AddUserToGroup", &both);
    let users = ram.ok("ListUsersForGroup", &[("GroupName", "devs")]);
    assert_eq!(column(&users["Users"]["User"], "DisplayName"), ["Kim"]);
    is_date(&users["Users"]["User"][0]["JoinDate"]);
    let groups = ram.ok("ListGroupsForUser", &[("UserName", "kim")]);
    assert_eq!(column(&groups["Groups"]["Group"], "Comments"), ["all of them"]);
    let change = [("GroupName", "devs"), ("NewGroupName", "makers"), ("NewComments", "some")];
    let renamed = ram.ok("UpdateGroup", &change)["Group"].clone();
    assert_eq!(renamed["GroupId"], group["Group"]["GroupId"]);
    let got = ram.ok("GetGroup", &[("GroupName", "makers")])["Group"].clone();
    assert_eq!((&got["GroupName"], &got["Comments"]), (&json!("makers"), &json!("some")));
    let role = ram.role("trainer");
    assert_eq!(role["Arn"], "acs:ram::1000000000000001:role/trainer");
    assert_eq!(
        (&role["MaxSessionDuration"], &role["AssumeRolePolicyDocument"]),
        (&json!(3600), &json!(TRUST))
    );
    let change =
        [("RoleName", "trainer"), ("NewDescription", "trains"), ("NewMaxSessionDuration", "7200")];
    ram.ok("UpdateRole", &change);
    let got = ram.ok("GetRole", &[("RoleName", "trainer")])["Role"].clone();
    assert_eq!((&got["Description"], &got["MaxSessionDuration"]), (&json!("trains"), &json!(7200)));
    assert_eq!(got["RoleId"], role["RoleId"]);
}

fn a_policy_of_each_type_attached_to_all_three(ram: &mut Ram) {
    for (kind, field, name) in HOLDERS {
        for policy in [CUSTOM, SYSTEM] {
            let query = [policy[0], policy[1], (field, name)];
            ram.ok(&format!("AttachPolicyTo{kind}"), &query);
        }
        let listed = ram.ok(&format!("ListPoliciesFor{kind}"), &[(field, name)]);
        let listed = &listed["Policies"]["Policy"];
        assert_eq!(column(listed, "PolicyName"), [FULL, "dev-only"], "system policies first");
        assert_eq!(column(listed, "DefaultVersion"), ["v6", "v2"]);
        is_date(&listed[0]["AttachDate"]);
    }
    for policy in [CUSTOM, SYSTEM] {
        let entities = ram.ok("ListEntitiesForPolicy", &policy);
        assert_eq!(column(&entities["Users"]["User"], "UserName"), ["kim"]);
        assert_eq!(column(&entities["Groups"]["Group"], "GroupName"), ["makers"]);
        assert_eq!(column(&entities["Roles"]["Role"], "Description"), ["trains"]);
        assert_eq!(ram.ok("GetPolicy", &policy)["Policy"]["AttachmentCount"], 3);
    }
    let listed = ram.ok("ListPolicies", &[("PolicyType", "Custom")]);
    assert_eq!(listed["Policies"]["Policy"][0]["AttachmentCount"], 3);
    assert_eq!(listed["IsTruncated"], false);
    assert_eq!(column(&ram.ok("ListGroups", &[])["Groups"]["Group"], "GroupName"), ["makers"]);
    let roles = column(&ram.ok("ListRoles", &[])["Roles"]["Role"], "RoleName");
    assert!(roles.contains(&"trainer".to_owned()));
}

fn nothing_goes_that_is_in_use(ram: &mut Ram) {
    for (kind, field, name) in HOLDERS {
        ram.no("DeletePolicy", &DELETE, 409, &format!("DeleteConflict.Policy.{kind}"));
        for policy in [CUSTOM, SYSTEM] {
            match kind {
                "User" => drop(ram.no("DeleteUser", &USER, 409, "DeleteConflict.User.Policy")),
                "Group" => {
                    ram.no("DeleteGroup", &[BOTH[1]], 409, "DeleteConflict.Group.User");
                }
                _ => {
                    let role = [("RoleName", "trainer")];
                    ram.no("DeleteRole", &role, 409, "DeleteConflict.Role.Policy");
                }
            }
            let query = [policy[0], policy[1], (field, name)];
            ram.ok(&format!("DetachPolicyFrom{kind}"), &query);
            let code = format!("EntityNotExist.{kind}.Policy");
            ram.no(&format!("DetachPolicyFrom{kind}"), &query, 404, &code);
        }
    }
}

fn cleaning_up(ram: &mut Ram) {
    ram.no("DeleteUser", &USER, 409, "DeleteConflict.User.Group");
    ram.ok("RemoveUserFromGroup", &BOTH);
    ram.ok("AttachPolicyToGroup", &[CUSTOM[0], CUSTOM[1], BOTH[1]]);
    ram.no("DeleteGroup", &[BOTH[1]], 409, "DeleteConflict.Group.Policy");
    ram.ok("DetachPolicyFromGroup", &[CUSTOM[0], CUSTOM[1], BOTH[1]]);
    ram.no("DeletePolicy", &DELETE[..1], 409, "DeleteConflict.Policy.Version");
    ram.no("DeletePolicyVersion", &SECOND, 409, "DeleteConflict.Policy.Version.Default");
    ram.ok("DeletePolicyVersion", &[DELETE[0], ("VersionId", "v1")]);
    ram.ok("DeletePolicy", &DELETE[..1]);
    ram.ok("DeleteGroup", &[BOTH[1]]);
    ram.ok("DeleteUser", &USER);
    ram.ok("DeleteRole", &[("RoleName", "trainer")]);
    ram.no("GetPolicy", &CUSTOM, 404, "EntityNotExist.Policy");
    ram.no("GetGroup", &[BOTH[1]], 404, "EntityNotExist.Group");
    ram.no("GetRole", &[("RoleName", "trainer")], 404, "EntityNotExist.Role");
}

#[test]
fn policies_groups_roles_and_attachments_are_made_shown_and_taken_away() {
    let (server, mut ram) = Ram::demo();
    story(&mut ram);
    // Again: nothing was left behind.
    story(&mut ram);
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

#[test]
fn the_same_is_so_on_redis() {
    let redis = Redis::tcp(&[]);
    let server = Server::start(["--dev", "--demo", "--store", &redis.url()]);
    story(&mut Ram(Api::new(Key::dev(), server.api)));
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

#[test]
fn system_policies_are_there_and_stay_as_they_are() {
    let (_server, mut ram) = Ram::demo();
    let listed = ram.ok("ListPolicies", &[("PolicyType", "System")]);
    let names = column(&listed["Policies"]["Policy"], "PolicyName");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/catalog/system_policies");
    let mut files: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "index.json")
        .map(|name| name.trim_end_matches(".json").to_owned())
        .collect();
    files.sort();
    assert_eq!((&names, names.len()), (&files, 25));
    for name in &names {
        let query = [("PolicyType", "System"), ("PolicyName", name.as_str())];
        let got = ram.ok("GetPolicy", &query);
        let document = got["Policy"]["PolicyDocument"].as_str().unwrap();
        assert_eq!(got["DefaultPolicyVersion"]["PolicyDocument"], document);
        assert_eq!(document, fs::read_to_string(format!("{folder}/{name}.json")).unwrap());
        let versions = ram.ok("ListPolicyVersions", &query);
        let versions = column(&versions["PolicyVersions"]["PolicyVersion"], "VersionId");
        assert_eq!(versions, [got["Policy"]["DefaultVersion"].as_str().unwrap()]);
        let one = [query[0], query[1], ("VersionId", versions[0].as_str())];
        assert_eq!(ram.ok("GetPolicyVersion", &one)["PolicyVersion"]["PolicyDocument"], document);
    }
    let (full, version) = (("PolicyName", FULL), ("VersionId", "v6"));
    ram.no("DeletePolicy", &[full], 404, "EntityNotExist.Policy");
    ram.no("SetDefaultPolicyVersion", &[full, version], 404, "EntityNotExist.Policy");
    ram.no("DeletePolicyVersion", &[full, version], 404, "EntityNotExist.Policy");
    let document = ("PolicyDocument", DENY);
    ram.no("CreatePolicyVersion", &[full, document], 404, "EntityNotExist.Policy");
    let old = [("PolicyType", "System"), full, ("VersionId", "v5")];
    ram.no("GetPolicyVersion", &old, 404, "EntityNotExist.Policy.Version");
    // Names are unique within a type: the account may have one called alike.
    ram.ok("CreatePolicy", &[full, document]);
    let (custom, system) = (("PolicyType", "Custom"), ("PolicyType", "System"));
    assert_eq!(
        ram.ok("GetPolicy", &[custom, full])["DefaultPolicyVersion"]["PolicyDocument"],
        DENY
    );
    assert_eq!(ram.ok("GetPolicy", &[system, full])["Policy"]["DefaultVersion"], "v6");
    ram.ok("CreateUser", &[("UserName", "kim")]);
    for policy_type in [custom, system] {
        ram.ok("AttachPolicyToUser", &[policy_type, full, ("UserName", "kim")]);
    }
    let attached = ram.ok("ListPoliciesForUser", &[("UserName", "kim")]);
    assert_eq!(column(&attached["Policies"]["Policy"], "PolicyType"), ["System", "Custom"]);
}

#[test]
fn what_is_wrong_is_refused_by_its_code() {
    let (_server, mut ram) = Ram::demo();
    ram.policy("p");
    ram.role("r");
    ram.ok("CreateGroup", &[("GroupName", "g")]);
    ram.ok("CreateGroup", &[("GroupName", "g2")]);
    ram.ok("CreateUser", &[("UserName", "u")]);
    ram.ok("AddUserToGroup", &[("UserName", "u"), ("GroupName", "g")]);
    let (p, u, g, r) =
        (("PolicyName", "p"), ("UserName", "u"), ("GroupName", "g"), ("RoleName", "r"));
    let custom = ("PolicyType", "Custom");
    for (operation, holder) in
        [("AttachPolicyToUser", u), ("AttachPolicyToGroup", g), ("AttachPolicyToRole", r)]
    {
        ram.ok(operation, &[custom, p, holder]);
    }
    let long = "x".repeat(129);
    for row in REFUSALS.lines().filter(|row| !row.is_empty() && !row.starts_with('#')) {
        let mut words = row.split(' ');
        let mut word = || words.next().unwrap();
        let (status, code, operation) = (word().parse().unwrap(), word(), word());
        let pair = |word| {
            let (name, value) = str::split_once(word, '=').unwrap();
            let value = match value {
                "$ALLOW" => ALLOW.to_owned(),
                "$TRUST" => TRUST.to_owned(),
                "$LONG" => long.clone(),
                other => other.replace('+', " "),
            };
            (name, value)
        };
        let query: Vec<(&str, String)> = words.map(pair).collect();
        let query: Vec<_> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = ram.ask(operation, &query);
        assert_eq!(answer.json()["Code"], code, "{row}: {answer:?}");
        refused(&answer, status, code);
    }
    // The operations read no body, whatever is in it.
    let call = Call::new("GetPolicy", &[]).query(&[custom, p]).body(&json!({ "PolicyName": "q" }));
    refused(&ram.0.send(&call), 400, "InvalidParameter");
}

#[test]
fn what_changes_nothing_writes_nothing_and_what_comes_again_is_answered_alike() {
    let (_server, mut ram) = Ram::demo();
    ram.policy("p");
    ram.role("r");
    ram.ok("CreateGroup", &[("GroupName", "g"), ("Comments", "c")]);
    let revision = |answer: &Answer| answer.header("x-pai-authz-revision").unwrap().to_owned();
    let before = revision(&ram.ask("ListGroups", &[]));
    for (operation, query) in [
        ("SetDefaultPolicyVersion", &[("PolicyName", "p"), ("VersionId", "v1")][..]),
        ("UpdateGroup", &[("GroupName", "g"), ("NewGroupName", "g"), ("NewComments", "c")]),
        ("UpdateRole", &[("RoleName", "r"), ("NewAssumeRolePolicyDocument", TRUST)]),
        ("UpdateRole", &[("RoleName", "r"), ("NewMaxSessionDuration", "3600")]),
    ] {
        let answer = ram.ask(operation, query);
        ok(&answer);
        assert_eq!(revision(&answer), before, "{operation} {query:?}");
    }
    let call = Call::new("CreatePolicyVersion", &[])
        .query(&[("PolicyName", "p"), ("PolicyDocument", DENY)])
        .with("x-pai-authz-request-id", "again");
    let (first, second) = (ram.0.send(&call), ram.0.send(&call));
    assert_eq!(ok(&first)["PolicyVersion"], ok(&second)["PolicyVersion"]);
    assert_eq!(revision(&first), revision(&second));
    assert_eq!(ram.versions("p").0, ["v1", "v2"]);
}

#[test]
fn a_role_that_was_only_made_known_is_like_others_once_it_is_trusted() {
    let (_server, mut ram) = Ram::demo();
    let known = json!({ "ramRoles": [{ "id": "77001", "name": "known" }] });
    ok(&ram.0.put("ImportUsers", &[], &known));
    let named = ("RoleName", "known");
    let got = ram.ok("GetRole", &[named])["Role"].clone();
    assert_eq!((&got["RoleId"], &got["AssumeRolePolicyDocument"]), (&json!("77001"), &Value::Null));
    ram.no("UpdateRole", &[named, ("NewDescription", "d")], 400, "MissingParameter");
    ram.ok("UpdateRole", &[named]);
    ram.ok("UpdateRole", &[named, ("NewDescription", "d"), ("NewAssumeRolePolicyDocument", TRUST)]);
    let got = ram.ok("GetRole", &[named])["Role"].clone();
    assert_eq!((&got["Description"], &got["MaxSessionDuration"]), (&json!("d"), &json!(3_600)));
    // It is a member like any principal, and is not deleted meanwhile.
    let workspace = ram.0.create_workspace("w_of_roles");
    let member = json!({ "Members": [{ "UserId": "77001", "Roles": ["PAI.AlgoDeveloper"] }] });
    ok(&ram.0.put("CreateMember", &[&workspace], &member));
    ram.no("DeleteRole", &[named], 409, "DeleteConflict.Role.Member");
    let id = format!("{workspace}-77001");
    ok(&ram.0.ask("DeleteMembers", &[&workspace], &[("MemberIds", &id)]));
    ram.ok("DeleteRole", &[named]);
    // Users and roles have names of their own.
    ram.role("same");
    ram.ok("CreateUser", &[("UserName", "same")]);
    ram.no("GetRole", &[("RoleName", "dana")], 404, "EntityNotExist.Role");
    ram.no("GetUser", &[("UserName", "known")], 404, "EntityNotExist.User");
}

#[test]
fn all_of_it_is_there_after_a_restart() {
    let place = Place::new();
    let key = place.init_key("1000000000000077");
    let server = place.serve(&[]);
    let mut ram = Ram(Api::new(key.clone(), server.api));
    ram.policy("p");
    ram.ok("CreatePolicyVersion", &[("PolicyName", "p"), ("PolicyDocument", DENY)]);
    ram.ok("CreateUser", &[("UserName", "u")]);
    ram.ok("CreateGroup", &[("GroupName", "g"), ("Comments", "c")]);
    ram.ok("AddUserToGroup", &[("UserName", "u"), ("GroupName", "g")]);
    ram.role("r");
    let custom = [("PolicyType", "Custom"), ("PolicyName", "p")];
    ram.ok("AttachPolicyToGroup", &[custom[0], custom[1], ("GroupName", "g")]);
    let system = [("PolicyType", "System"), ("PolicyName", FULL)];
    ram.ok("AttachPolicyToRole", &[system[0], system[1], ("RoleName", "r")]);
    let look = |ram: &mut Ram| {
        let mut seen = Vec::new();
        for (operation, query) in [
            ("GetPolicy", &custom[..]),
            ("ListPolicyVersions", &custom),
            ("ListEntitiesForPolicy", &custom),
            ("ListEntitiesForPolicy", &system),
            ("ListUsersForGroup", &[("GroupName", "g")]),
            ("GetRole", &[("RoleName", "r")]),
            ("ListPoliciesForGroup", &[("GroupName", "g")]),
            ("ListPolicies", &[]),
        ] {
            let mut body = ram.ok(operation, query);
            body["RequestId"] = Value::Null;
            seen.push(body);
        }
        seen
    };
    let before = look(&mut ram);
    server.stop();
    let server = place.serve(&[]);
    assert_eq!(look(&mut Ram(Api::new(key, server.api))), before);
}

#[test]
fn a_caller_without_permission_is_told_on_what() {
    let (server, mut ram) = Ram::demo();
    let (_, key) = ram.0.create_user("kim");
    let mut kim = Ram(Api::new(key, server.api));
    let account = "acs:ram:*:1000000000000001";
    let (custom, system) = (("PolicyType", "Custom"), ("PolicyType", "System"));
    let (p, full) = (("PolicyName", "p"), ("PolicyName", FULL));
    for (operation, query, arn) in [
        ("GetUser", &[("UserName", "lee")][..], format!("{account}:user/lee")),
        ("ListUsers", &[], format!("{account}:user/*")),
        ("ListAccessKeys", &[], format!("{account}:user/kim")),
        ("ListAccessKeys", &[("UserName", "lee")], format!("{account}:user/lee")),
        ("GetPolicy", &[custom, p], format!("{account}:policy/p")),
        ("GetPolicy", &[system, full], format!("acs:ram:*:system:policy/{FULL}")),
        ("ListPolicies", &[system], "acs:ram:*:system:policy/*".to_owned()),
        ("ListPolicies", &[], format!("{account}:policy/*")),
        ("ListRoles", &[], format!("{account}:role/*")),
        ("DeleteGroup", &[("GroupName", "g")], format!("{account}:group/g")),
    ] {
        let message = kim.no(operation, query, 403, "NoPermission");
        assert!(message.contains(&format!("on `{arn}`")), "{operation}: {message}");
    }
    let pai = "acs:paiworkspace:cn-hangzhou:1000000000000001:workspace";
    let new = json!({ "WorkspaceName": "w_kim", "Description": "d", "EnvTypes": ["prod"] });
    for (answer, id) in [
        (kim.0.put("CreateWorkspace", &[], &new), "*"),
        (kim.0.call("DeleteWorkspace", &["10001"]), "10001"),
    ] {
        refused(&answer, 403, "NoPermission");
        assert!(
            answer.json()["Message"].as_str().unwrap().contains(&format!("{pai}/{id}")),
            "{answer:?}"
        );
    }
}
