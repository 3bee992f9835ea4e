//! What is asked: bodies somebody gives, bodies made from a seed, or questions about the demonstration.
//!
//! A seed makes the same workload everywhere, so that two machines can be asked the same. Who may do what is not known
//! here: the answers are a mixture of Allow and Deny that the server decides on.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{LoadError, random::Random};
use crate::{
    catalog::{Catalog, ManagedIn, PermissionPoint, PermissionScope, catalog},
    domain::{BuiltinRole, PermissionType},
};

/// Longest body that is taken from a file, in bytes.
const BODY_BYTES: usize = 1024 * 1024;
/// Ids of workspaces and users begin after these.
const WORKSPACES_AFTER: usize = 10_000;
const USERS_AFTER: usize = 200_000;
/// Most roles of a membership.
const ROLES_HELD: usize = 3;
/// Modules of a custom role, and codes of one that lists them.
const MODULES: usize = 4;
const CODES: usize = 6;
/// How often somebody is looked for who is no member; at least every second user is none.
const TRIES: usize = 64;

/// How large a workload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Workspaces, from id 10001 on.
    pub workspaces: usize,
    /// Members of each, beside its owner.
    pub members: usize,
    /// Custom roles of each: every second lists codes, the others have levels.
    pub roles: usize,
    /// Questions.
    pub requests: usize,
    /// Where the numbers begin.
    pub seed: u64,
}

impl Default for Shape {
    fn default() -> Self {
        Self { workspaces: 10, members: 50, roles: 2, requests: 4_096, seed: 1 }
    }
}

/// A workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// What the server must know, as a file for `pai-authz import`.
    pub data: String,
    /// Bodies of `/v1/is-authorized`.
    pub requests: Vec<String>,
}

/// Returns the bodies of a text with one JSON object a line; blank lines do not count.
///
/// # Errors
/// [`LoadError::Workload`] with the line that is something else, or when there is none.
pub fn given(text: &str) -> Result<Vec<String>, LoadError> {
    let mut out = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let body = line.trim();
        let wrong = |detail: String| LoadError::Workload { line: index + 1, detail };
        if body.is_empty() {
            continue;
        }
        if body.len() > BODY_BYTES {
            let long = format!("{} bytes: a body has at most {BODY_BYTES}", body.len());
            return Err(wrong(long));
        }
        match serde_json::from_str(body) {
            Ok(Value::Object(_)) => out.push(body.to_owned()),
            Ok(_) => return Err(wrong("not a JSON object: give one body a line".to_owned())),
            Err(error) => {
                let detail = format!("not JSON: {error}");
                // The line of the error is that within the body, which has one.
                return Err(wrong(detail.replace(" at line 1 column", " at column")));
            }
        }
    }
    if out.is_empty() {
        return Err(LoadError::NoRequests);
    }
    Ok(out)
}

/// Returns `requests` questions about the demonstration: its first nine users, in its three workspaces.
#[must_use]
pub fn demo(requests: usize, seed: u64) -> Vec<String> {
    let mut random = Random::new(seed);
    let codes = codes_of_workspaces(catalog());
    let id = |number: usize| number.to_string();
    (0..requests)
        .map(|_| {
            let workspace = 10_001 + random.below(3);
            let [asker, other] = [0, 0].map(|_| 2_001 + random.below(9));
            question(&mut random, &codes, &id(workspace), &id(asker), &id(other))
        })
        .collect()
}

/// Returns the workload of that shape.
#[must_use]
pub fn generate(shape: &Shape) -> Workload {
    let mut random = Random::new(shape.seed);
    let catalog = catalog();
    // Everybody is in about four workspaces, and no workspace has more than half of all.
    let users = (2 * shape.members).max(shape.workspaces * shape.members / 4).max(2);
    let mut pool: Vec<usize> = (1..=users).map(|number| USERS_AFTER + number).collect();
    let mut workspaces = Vec::with_capacity(shape.workspaces);
    let mut members: Vec<Vec<usize>> = Vec::with_capacity(shape.workspaces);
    for number in 1..=shape.workspaces {
        let id = WORKSPACES_AFTER + number;
        let names: Vec<String> = (1..=shape.roles).map(role_name).collect();
        let roles: Vec<Value> =
            (1..=shape.roles).map(|role| custom_role(&mut random, catalog, id, role)).collect();
        let chosen = choose(&mut random, &mut pool, shape.members).to_vec();
        let memberships: Vec<Value> = chosen
            .iter()
            .map(|user| json!({ "user": user.to_string(), "roles": held(&mut random, &names) }))
            .collect();
        workspaces.push(json!({
            "id": id.to_string(),
            "name": format!("load_{id}"),
            "roles": roles,
            "members": memberships,
        }));
        members.push(chosen);
    }
    let known: Vec<Value> =
        (1..=users).map(|number| json!({ "id": (USERS_AFTER + number).to_string() })).collect();
    let codes = codes_of_workspaces(catalog);
    let requests = (0..if members.is_empty() { 0 } else { shape.requests })
        .map(|_| {
            let at = random.below(members.len());
            let inside = members.get(at).map_or(&[][..], Vec::as_slice);
            let asker = if random.happens(9, 10) { random.pick(inside).copied() } else { None };
            let asker = asker.unwrap_or_else(|| stranger(&mut random, inside, users));
            let other = random.pick(inside).copied().unwrap_or(asker);
            let workspace = (WORKSPACES_AFTER + 1 + at).to_string();
            question(&mut random, &codes, &workspace, &asker.to_string(), &other.to_string())
        })
        .collect();
    let data = json!({ "users": known, "workspaces": workspaces }).to_string();
    Workload { data, requests }
}

/// Packs `size` questions into each body of a batch, in rotation, so that each is asked at least once.
#[must_use]
pub fn batches(questions: &[String], size: usize) -> Vec<String> {
    let mut rotation = questions.iter().map(String::as_str).cycle();
    (0..questions.len().div_ceil(size.max(1)))
        .map(|_| {
            let packed: Vec<&str> = rotation.by_ref().take(size).collect();
            format!("{{\"requests\":[{}]}}", packed.join(","))
        })
        .collect()
}

/// Returns the codes that are asked in a workspace.
fn codes_of_workspaces(catalog: &Catalog) -> Vec<&'static str> {
    let is_asked = |point: &&PermissionPoint| {
        point.scope != PermissionScope::Account && point.variant.is_none()
    };
    catalog.points().iter().filter(is_asked).map(|point| point.code).collect()
}

fn question(
    random: &mut Random,
    codes: &[&str],
    workspace: &str,
    asker: &str,
    other: &str,
) -> String {
    let code = random.pick(codes).copied().unwrap_or_default();
    let creator = if random.happens(1, 3) { asker } else { other };
    let accessibility = if random.happens(1, 2) { "PUBLIC" } else { "PRIVATE" };
    format!(
        r#"{{"principal":{{"type":"User","id":"{asker}"}},"action":"{code}","resource":{{"workspace":"{workspace}","creator":"{creator}","accessibility":"{accessibility}"}}}}"#
    )
}

/// Returns a user of the pool who is not among `members`.
fn stranger(random: &mut Random, members: &[usize], users: usize) -> usize {
    let mut found = USERS_AFTER;
    for _ in 0..TRIES {
        found = USERS_AFTER + 1 + random.below(users);
        if !members.contains(&found) {
            break;
        }
    }
    found
}

/// Shuffles that many to the front and returns them.
fn choose<'p, T>(random: &mut Random, pool: &'p mut [T], count: usize) -> &'p [T] {
    let count = count.min(pool.len());
    for at in 0..count {
        pool.swap(at, at + random.below(pool.len() - at));
    }
    pool.get(..count).unwrap_or_default()
}

/// Returns the roles of a membership: 1 to 3 built-in ones but Owner, or custom ones.
fn held(random: &mut Random, custom: &[String]) -> Vec<String> {
    let builtin = BuiltinRole::ALL.into_iter().filter(|role| *role != BuiltinRole::Owner);
    let mut roles: Vec<String> =
        builtin.map(|role| role.code().to_owned()).chain(custom.iter().cloned()).collect();
    let count = 1 + random.below(ROLES_HELD);
    choose(random, &mut roles, count).to_vec()
}

fn role_name(number: usize) -> String {
    format!("{}-{number}", if lists_codes(number) { "codes" } else { "levels" })
}

const fn lists_codes(number: usize) -> bool {
    number.is_multiple_of(2)
}

fn custom_role(random: &mut Random, catalog: &Catalog, workspace: usize, number: usize) -> Value {
    let modules =
        if lists_codes(number) { listed(random, catalog) } else { levels(random, catalog) };
    json!({
        "RoleId": format!("role-{workspace}x{number}"),
        "RoleName": role_name(number),
        "ModulePermissions": modules,
    })
}

/// Returns modules with a level each.
fn levels(random: &mut Random, catalog: &Catalog) -> Vec<Value> {
    let levels = PermissionType::ALL.map(PermissionType::as_str);
    let is_level = |name: &&str| *name != PermissionType::CustomPermissions.as_str();
    let levels: Vec<&str> = levels.into_iter().filter(is_level).collect();
    let mut modules: Vec<&str> =
        catalog.modules().iter().filter_map(|module| module.api_module).collect();
    choose(random, &mut modules, MODULES)
        .to_vec()
        .into_iter()
        .map(|module| json!({ "ModuleName": module, "PermissionType": random.pick(&levels) }))
        .collect()
}

/// Returns modules of assets with some of their codes each, under some rules.
fn listed(random: &mut Random, catalog: &Catalog) -> Vec<Value> {
    let rules = [
        json!([{ "Accessibility": "PUBLIC" }]),
        json!([{ "Accessibility": "PRIVATE", "EntityAccessType": "CREATOR" }]),
        json!([{ "Accessibility": "PRIVATE", "EntityAccessType": "ANY" }]),
        json!([{ "Accessibility": "PUBLIC" }, { "Accessibility": "PRIVATE", "EntityAccessType": "CREATOR" }]),
    ];
    let assets = catalog.modules().iter().filter(|module| module.entities);
    let mut modules: Vec<(&str, &str)> =
        assets.filter_map(|module| Some((module.name, module.api_module?))).collect();
    let chosen = choose(random, &mut modules, MODULES).to_vec();
    let mut out = Vec::new();
    for (name, api_module) in chosen {
        let is_listed = |point: &&PermissionPoint| {
            point.module == name
                && point.scope == PermissionScope::OwnAndPublic
                && point.managed != ManagedIn::Ram
        };
        let codes: BTreeSet<&str> =
            catalog.points().iter().filter(is_listed).map(|point| point.code).collect();
        let mut codes: Vec<&str> = codes.into_iter().collect();
        let codes = choose(random, &mut codes, CODES).to_vec();
        if codes.is_empty() {
            continue;
        }
        let grant = json!({ "PermissionCodes": codes, "PermissionRules": random.pick(&rules) });
        out.push(json!({
            "ModuleName": api_module,
            "PermissionType": PermissionType::CustomPermissions.as_str(),
            "Permissions": [grant],
        }));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_is_one_workload_to_the_byte_and_another_is_another() {
        let shape = Shape { workspaces: 3, members: 20, roles: 3, requests: 500, seed: 9 };
        let made = generate(&shape);
        assert_eq!(made, generate(&shape));
        assert_ne!(made.requests, generate(&Shape { seed: 10, ..shape }).requests);
        assert_ne!(made.data, generate(&Shape { seed: 10, ..shape }).data);
        assert_eq!(demo(100, 3), demo(100, 3));
        assert_ne!(demo(100, 3), demo(100, 4));
        // And it stays the same from one version to the next, where somebody kept the seed only.
        let first = &generate(&Shape::default()).requests[0];
        assert_eq!(first, FIRST, "a published workload would change");
    }

    const FIRST: &str = r#"{"principal":{"type":"User","id":"200116"},"action":"eas:CreateService","resource":{"workspace":"10010","creator":"200056","accessibility":"PRIVATE"}}"#;

    #[test]
    fn nine_in_ten_are_members_one_in_three_asks_about_its_own_and_half_is_public() {
        let shape = Shape { requests: 10_000, ..Shape::default() };
        let made = generate(&shape);
        let data: Value = serde_json::from_str(&made.data).unwrap();
        let is_member = |workspace: &Value, user: &Value| {
            let workspaces = data["workspaces"].as_array().unwrap();
            let found = workspaces.iter().find(|other| other["id"] == *workspace).unwrap();
            found["members"].as_array().unwrap().iter().any(|member| member["user"] == *user)
        };
        let mut counts = [0; 3];
        for request in &made.requests {
            let request: Value = serde_json::from_str(request).unwrap();
            let (principal, resource) = (&request["principal"], &request["resource"]);
            counts[0] += usize::from(is_member(&resource["workspace"], &principal["id"]));
            counts[1] += usize::from(resource["creator"] == principal["id"]);
            counts[2] += usize::from(resource["accessibility"] == "PUBLIC");
        }
        let [members, own, public] = counts;
        assert!((8_800..9_200).contains(&members), "{members}");
        // A third, and now and then the other one is the same.
        assert!((3_200..3_700).contains(&own), "{own}");
        assert!((4_800..5_200).contains(&public), "{public}");
    }

    #[test]
    fn given_bodies_are_objects_a_line() {
        assert_eq!(given("{\"a\": 1}\n\n  {}  \n").unwrap(), ["{\"a\": 1}", "{}"]);
        for (text, line, detail) in [
            ("{}\n[1]\n", 2, "not a JSON object"),
            ("\n{\"a\": }\n", 2, "not JSON: expected value at column 7"),
            ("{}\n{}\n{} {}", 3, "not JSON: trailing characters"),
        ] {
            let error = given(text).unwrap_err().to_string();
            assert!(error.contains(&format!("line {line}: {detail}")), "{error}");
        }
        let long = format!("{{\"a\": \"{}\"}}", "x".repeat(BODY_BYTES));
        assert!(given(&long).unwrap_err().to_string().contains("a body has at most 1048576"));
        assert!(matches!(given(" \n\n"), Err(LoadError::NoRequests)));
    }

    #[test]
    fn batches_are_full_and_ask_everything() {
        let questions = ["1", "2", "3", "4", "5"].map(str::to_owned);
        assert_eq!(
            batches(&questions, 2),
            [r#"{"requests":[1,2]}"#, r#"{"requests":[3,4]}"#, r#"{"requests":[5,1]}"#]
        );
        assert_eq!(batches(&questions, 7), [r#"{"requests":[1,2,3,4,5,1,2]}"#]);
    }
}
