//! `schema/openapi.json` says what the server does: every path, method, status, header, body and example of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::{Command, Output},
};

use pai_authz::error::{ErrorCode, Retry};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::{
    documented::{Documented, Operation, TEXT},
    full, report,
    server::Server,
    signed::{Api, Call, Key},
    wire::{Answer, Connection, Request},
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Starts the service the document speaks of: with a policy bundle, and an address that is not where it listens.
fn serve(more: &[&str]) -> Server {
    let bundle = format!("records={}/tests/fixtures/authzen", root().display());
    let url = ["--bundle", &bundle, "--public-url", "https://pdp.example.com"];
    Server::demo(&[&url, more].concat())
}

/// Returns whether an operation is one of AuthZEN, which has ways of its own.
fn is_authzen(operation: Operation<'_>) -> bool {
    operation.value["tags"][0] == "AuthZEN"
}

/// Returns a program of the ones `scripts/openapi` installs.
fn tool(name: &str) -> Command {
    let path = root().join("target/openapi/bin").join(name);
    assert!(path.exists(), "`{}` is not there: run `scripts/openapi` first", path.display());
    let mut command = Command::new(path);
    command.env_clear().env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

#[track_caller]
fn done(command: &mut Command) -> (bool, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = [stdout, stderr].concat();
    (status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn the_document_is_valid_openapi_and_written_as_it_should_be() {
    let script = "import json, sys\n\
                  from openapi_spec_validator import OpenAPIV31SpecValidator as V\n\
                  text = open(sys.argv[1], encoding='utf-8').read()\n\
                  document = json.loads(text)\n\
                  V(document).validate()\n\
                  assert text == json.dumps(document, indent=2, ensure_ascii=False) + '\\n', 'not pretty'\n";
    let check = |path: &Path| done(tool("python").args(["-c", script]).arg(path));
    let (valid, said) = check(&root().join("schema/openapi.json"));
    assert!(valid, "{said}");
    // The validator is one.
    let folder = tempfile::TempDir::new().unwrap();
    for (wrong, instead) in [("\"responses\"", "\"respones\""), ("  \"openapi\"", " \"openapi\"")] {
        let path = folder.path().join("wrong.json");
        fs::write(&path, TEXT.replace(wrong, instead)).unwrap();
        assert!(!check(&path).0, "{wrong}");
    }
    let whole = Documented::read().whole;
    assert_eq!(whole["info"]["version"], env!("CARGO_PKG_VERSION"));
}

/// Returns the table of codes, as the description of `ErrorCode` has it.
fn rows<'d>(description: &'d str) -> BTreeMap<&'d str, (&'d str, &'d str)> {
    let lines = description.lines().filter(|line| line.starts_with("| `"));
    let row = |line: &'d str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        match cells[..] {
            ["", code, status, again, _, ""] => (code.trim_matches('`'), (status, again)),
            _ => panic!("{line}"),
        }
    };
    lines.map(row).collect()
}

#[test]
fn every_error_code_is_documented_and_no_other() {
    let Documented { whole, .. } = Documented::read();
    let schema = &whole["components"]["schemas"]["ErrorCode"];
    let codes: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    let documented: Vec<&str> =
        schema["enum"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    assert_eq!(documented, codes);
    let rows = rows(schema["description"].as_str().unwrap());
    assert_eq!(rows.len(), codes.len());
    for code in ErrorCode::ALL {
        let again = if code.retry() == Retry::Later { "later" } else { "no" };
        assert_eq!(rows[code.as_str()], (code.status().to_string().as_str(), again), "{code:?}");
    }
}

/// Calls `f` with each documented status, response and example of an operation.
fn each_example(document: &Documented, mut f: impl FnMut(Operation<'_>, &str, &Value, &Value)) {
    for operation in document.operations() {
        for status in operation.value["responses"].as_object().unwrap().keys() {
            let response = document.response(operation, status);
            let Some(content) = response.get("content") else { continue };
            for (media, content) in content.as_object().unwrap() {
                let examples = content["examples"].as_object();
                let examples = examples.filter(|examples| !examples.is_empty());
                let Some(examples) = examples else {
                    panic!("{} {status} {media}: no example", operation.path)
                };
                for example in examples.values() {
                    assert!(example["summary"].is_string(), "{example}");
                    f(operation, status, response, &json!([content["schema"], example["value"]]));
                }
            }
        }
    }
}

#[test]
fn every_example_of_an_answer_fits_and_every_error_stands_under_its_status() {
    let document = Documented::read();
    let mut errors = 0;
    each_example(&document, |operation, status, response, pair| {
        let (schema, value) = (&pair[0], &pair[1]);
        let strict = operation.path != "/openapi.json";
        let validator = document.validator(schema, strict);
        let wrong: Vec<String> = validator.iter_errors(value).map(|it| it.to_string()).collect();
        assert!(wrong.is_empty(), "{} {status}: {wrong:?}", operation.path);
        let headers = response["headers"].as_object().unwrap();
        assert!(headers.contains_key("X-Request-ID"), "{} {status}", operation.path);
        if is_authzen(operation) && status != "200" {
            assert!(value.is_string(), "{} {status}: {value}", operation.path);
            let retries = headers.contains_key("Retry-After");
            assert_eq!(retries, ["408", "429", "500", "503"].contains(&status), "{status}");
            errors += 1;
        }
        let Some(code) = value["code"].as_str() else { return };
        let code = ErrorCode::ALL.iter().find(|known| known.as_str() == code).unwrap();
        assert_eq!(code.status().to_string(), status, "{} {code:?}", operation.path);
        let retries = headers.contains_key("Retry-After");
        assert_eq!(retries, code.retry() == Retry::Later, "{} {code:?}", operation.path);
        errors += 1;
    });
    assert!(errors > 150, "{errors}");
}

#[test]
fn every_operation_is_described_and_can_fail() {
    let document = Documented::read();
    let mut names = BTreeSet::new();
    for operation @ Operation { path, method, value } in document.operations() {
        for text in ["operationId", "summary", "description"] {
            assert!(
                value[text].as_str().is_some_and(|it| !it.is_empty()),
                "{method} {path} {text}"
            );
        }
        assert!(names.insert(value["operationId"].as_str().unwrap()), "{method} {path}");
        document.response(operation, "500");
        let security = value["security"].as_array().unwrap();
        let by_token = security.iter().any(|it| it.get("bearer").is_some());
        let mut expected = Vec::new();
        if by_token {
            expected.extend(["401", "403", "503"]);
        }
        if method == "post" {
            let body = &value["requestBody"];
            assert_eq!(body["required"], true, "{path}");
            let schema = document.resolved(&body["content"]["application/json"]["schema"]);
            if is_authzen(operation) {
                assert!(schema.get("additionalProperties").is_none(), "{path} ignores the unknown");
                expected.extend(["400", "408", "413"]);
            } else {
                assert_eq!(schema["additionalProperties"], false, "{path} is read strictly");
                expected.extend(["400", "408", "413", "415"]);
            }
        }
        for status in expected {
            document.response(operation, status);
        }
    }
}

/// Returns the path of an operation with something in the place of its arguments.
fn paths(document: &Documented, operation: Operation<'_>) -> Vec<String> {
    let Operation { path, value, .. } = operation;
    let Some((before, rest)) = path.split_once('{') else { return vec![path.to_owned()] };
    let (name, after) = rest.split_once('}').unwrap();
    let parameters = value["parameters"].as_array().unwrap();
    let mut parameters = parameters.iter().map(|it| document.resolved(it));
    let parameter = parameters.find(|it| it["name"] == name).unwrap();
    let schema = document.resolved(&parameter["schema"]);
    let one = || vec![parameter["example"].clone()];
    let values = schema["enum"].as_array().cloned().unwrap_or_else(one);
    values.iter().map(|it| format!("{before}{}{after}", it.as_str().unwrap())).collect()
}

/// Sends to the listener an operation is on.
#[track_caller]
fn send(server: &Server, document: &Documented, path: &str, request: &Request<'_>) -> Answer {
    let of_operations = document.whole["paths"][path].get("servers").is_some();
    let address = if of_operations { server.ops } else { server.api };
    Connection::tcp(address).ask(request)
}

#[test]
fn paths_and_methods_are_those_that_are_served() {
    let (document, server) = (Documented::read(), serve(&[]));
    let mut methods: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for Operation { path, method, .. } in document.operations() {
        methods.entry(path).or_default().insert(method.to_uppercase());
    }
    let refusals = &document.whole["components"]["responses"];
    for operation @ Operation { path, .. } in document.operations() {
        let name =
            if is_authzen(operation) { "AuthZenMethodNotAllowed" } else { "MethodNotAllowed" };
        let refusal = &refusals[name];
        for at in paths(&document, operation) {
            let request = Request { method: "BREW", ..Request::post(&at, b"{}") };
            let answer = send(&server, &document, path, &request);
            assert_eq!(answer.status, 405, "{at}: {answer:?}");
            document.check_response(operation, refusal, &answer);
            let allowed = answer.header("allow").unwrap().split(", ").map(str::to_owned);
            assert_eq!(allowed.collect::<BTreeSet<_>>(), methods[path], "{at}");
        }
    }
}

/// Returns every text of the code of a folder that looks like the path of a route, without tests.
fn routes_named(folder: &Path, out: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            routes_named(&path, out);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        let code: Vec<&str> =
            code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        for literal in code.join("\n").split('"').skip(1).step_by(2) {
            let is_path = |c: char| c.is_ascii_alphanumeric() || "/{}-_.".contains(c);
            if literal.len() > 1 && literal.starts_with('/') && literal.chars().all(is_path) {
                out.insert(literal.to_owned());
            }
        }
    }
}

#[test]
fn no_route_of_the_code_is_undocumented() {
    let document = Documented::read();
    let mut served = BTreeSet::new();
    routes_named(&root().join("src/http"), &mut served);
    // Beginnings of paths: the vendor's, which the vendor documents, and others.
    for prefix in ["/api/", "/resourcegroups/", "/v1/", "/access/v1/", "/{name}"] {
        assert!(served.remove(prefix), "{prefix}");
    }
    // What AuthZEN has of an account it has of a bundle, whose name comes first, but for what is well known.
    let bundle = "/{bundle}";
    assert!(served.remove(bundle));
    let of_bundle = |path: &String| match path.as_str() {
        path if path.starts_with("/access/v1/") => Some([bundle, path].concat()),
        path if path.starts_with("/.well-known/") => Some([path, bundle].concat()),
        _ => None,
    };
    let of_bundles: Vec<String> = served.iter().filter_map(of_bundle).collect();
    served.extend(of_bundles);
    let mut documented = BTreeSet::new();
    for operation in document.operations() {
        let enumerated = operation.path == "/docs/{file}";
        let given =
            if enumerated { paths(&document, operation) } else { vec![operation.path.into()] };
        documented.extend(given);
    }
    assert_eq!(served, documented);
}

/// Sends a body to an operation, signed or with the token, whichever it takes.
fn post(document: &Documented, server: &Server, operation: Operation<'_>, body: &Value) -> Answer {
    let is_signed = operation.value["security"][0].get("acs3").is_some();
    if !is_signed {
        return server.post(&paths(document, operation)[0], body.to_string());
    }
    let parameters = operation.value["parameters"].as_array().unwrap();
    let action = parameters.iter().find(|it| it["name"] == "x-acs-action").unwrap();
    let action = action["schema"]["enum"][0].as_str().unwrap();
    Api::new(Key::dev(), server.api).send(&Call::new(action, &[]).body(body))
}

/// Takes out of a body what is another one each time.
fn settled(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fresh =
                ["token", "createdAt", "revision", "requestId", "workspaceId", "next_token"];
            // The id of a token is a new one, that of somebody who was found is not.
            let is_made = fields.contains_key("createdAt");
            let settle = |(name, value): (&String, &Value)| {
                let is_fresh = fresh.contains(&name.as_str()) || (is_made && name == "id");
                let is_fresh = is_fresh && value.as_str().is_some_and(|text| !text.is_empty());
                (name.clone(), if is_fresh { json!("…") } else { settled(value) })
            };
            Value::Object(fields.iter().map(settle).collect::<Map<_, _>>())
        }
        Value::Array(list) => list.iter().map(settled).collect(),
        other => other.clone(),
    }
}

#[test]
fn every_example_of_a_request_is_answered_as_the_document_shows() {
    let (document, server) = (Documented::read(), serve(&[]));
    let mut asked = 0;
    for operation in document.operations() {
        let Some(body) = operation.value.get("requestBody") else { continue };
        let content = &body["content"]["application/json"];
        let validator = document.validator(&content["schema"], false);
        for (name, example) in content["examples"].as_object().unwrap() {
            let value = &example["value"];
            // Also those that are refused: what only the service can know is no matter of form.
            assert!(validator.is_valid(value), "{} {name}", operation.path);
            let answer = post(&document, &server, operation, value);
            document.check(operation, &answer);
            let response = document.response(operation, &answer.status.to_string());
            let shown = &response["content"]["application/json"]["examples"][name]["value"];
            let place = format!("{} {name}: {answer:?}", operation.path);
            assert!(!shown.is_null(), "shown with another status: {place}");
            assert_eq!(settled(&answer.json()), settled(shown), "{place}");
            asked += 1;
        }
    }
    assert!(asked >= 55, "{asked}");
}

#[test]
fn what_is_asked_without_a_body_is_answered_as_documented() {
    let (document, server) = (Documented::read(), serve(&[]));
    let made = server.post("/v1/tokens", r#"{"name": "made"}"#).json();
    let made = format!("/v1/tokens/{}", made["id"].as_str().unwrap());
    for operation @ Operation { path, method, .. } in document.operations() {
        if method == "post" {
            continue;
        }
        for at in paths(&document, operation) {
            let upper = method.to_uppercase();
            let ask = |at: &str, more: &[(&'static str, &str)]| {
                let mut request = Request { method: &upper, ..Request::get(at) }.token("dev-token");
                for (name, value) in more {
                    request = request.without(name).with(name, *value);
                }
                let answer = send(&server, &document, path, &request);
                document.check(operation, &answer);
                answer
            };
            if path == "/v1/tokens/{id}" {
                assert_eq!(ask(&at, &[]).status, 404);
                assert_eq!(ask("/v1/tokens/a-b", &[]).status, 400);
                assert_eq!(ask(&made, &[("Authorization", "Bearer x")]).status, 401);
            }
            let at = if path == "/v1/tokens/{id}" { &made } else { &at };
            let answer = ask(at, &[]);
            assert_eq!(answer.status, 200, "{answer:?}");
            if let Some(tag) = answer.header("etag") {
                for (known, status) in
                    [(tag, 304), ("*", 304), ("\"0\", W/\"1\"", 200), ("nonsense", 200)]
                {
                    assert_eq!(ask(at, &[("If-None-Match", known)]).status, status, "{known}");
                }
            }
        }
    }
}

#[test]
fn whatever_is_wrong_with_a_request_the_answer_is_documented() {
    let (document, server) = (Documented::read(), serve(&["--body-limit", "4096"]));
    let mut seen = BTreeSet::new();
    let long = format!("\"{}\"", "x".repeat(1 << 20));
    let bodies = [
        "",
        "{",
        "null",
        "[]",
        "1",
        "\"x\"",
        "{} {}",
        "{\"x\": 1}",
        "{\"name\": 1}",
        "\u{feff}{}",
        "{\"name\": \"a\", \"name\": \"b\"}",
        "{\"requests\": [1, {}, null]}",
        "{\"requests\": 1}",
        "{\"principal\": []}",
        "{\"principal\": {\"type\": \"Robot\", \"id\": \"1\"}}",
        "{\"document\": 1}",
        "{\"document\": {}, \"kind\": \"x\"}",
        "{\"document\": \"not json\"}",
        "{\"actions\": [\"log:*\"]}",
        "{\"actions\": [], \"documents\": [{}]}",
        "{\"name\": \"\"}",
        "{\"name\": \"x\", \"scopes\": []}",
        "{\"name\": \"x\", \"bundle\": \"V1\"}",
        "{\"workspaceName\": \"x\"}",
        "{\"requests\": []}",
        "{\"requests\": [{}], \"atLeastAsFresh\": \"x\"}",
        "{\"actions\": [\"log:GetProjcet\"], \"documents\": [{}]}",
        "{\"principal\": {\"type\": \"User\", \"id\": \"1\"}, \"action\": \"x\"}",
        "{\"principal\": {\"type\": \"User\", \"id\": \"1\"}, \"actions\": [\"log:GetProject\"]}",
        "{\"users\": [{\"id\": \"x\"}]}",
        "{\"subject\": \"x\"}",
        "{\"subject\": {\"type\": \"user\"}, \"page\": {\"limit\": 0}}",
        "{\"evaluations\": [7, {}]}",
        "{\"evaluations\": 7}",
        "{\"options\": {\"evaluations_semantic\": \"x\"}, \"evaluations\": [{}]}",
        &long,
    ];
    for operation @ Operation { path, method, .. } in document.operations() {
        if method != "post" {
            continue;
        }
        let at = &paths(&document, operation)[0];
        let mut check = |answer: Answer| {
            document.check(operation, &answer);
            let code = answer.json()["code"].as_str().map(str::to_owned);
            seen.insert((answer.status, code));
        };
        for body in bodies {
            let request = Request::post(at, body.as_bytes());
            check(server.send(&request));
            if operation.value["security"][0].get("acs3").is_some() {
                let name = if path == "/v1/users" { "ImportUsers" } else { "SetUpWorkspace" };
                let call = Call { body: body.as_bytes().to_vec(), ..Call::new(name, &[]) };
                check(Api::new(Key::dev(), server.api).send(&call));
                let unknown = Key::new("LTAI1000000000000001x7", "secret");
                check(Api::new(unknown, server.api).send(&call));
            }
        }
        let request = Request::post(at, b"{}");
        check(server.send(&request.clone().without("Authorization")));
        check(server.send(&request.clone().token("pat_1_2_3")));
        check(
            server.send(&request.clone().without("Content-Type").with("Content-Type", "text/xml")),
        );
        check(server.send(&request.clone().with("Content-Encoding", "gzip")));
    }
    let statuses: BTreeSet<u16> = seen.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, BTreeSet::from([200, 400, 401, 404, 413, 415]), "{seen:?}");
    assert!(seen.len() >= 13, "{seen:?}");
}

#[test]
fn a_body_that_stops_is_answered_as_documented() {
    let (document, server) = (Documented::read(), serve(&["--body-timeout-ms", "50"]));
    for operation in document.operations() {
        if operation.method != "post" {
            continue;
        }
        let mut connection = server.connect();
        connection.begin(&Request::post(&paths(&document, operation)[0], b"{}"));
        let answer = connection.answer("POST").unwrap();
        assert_eq!(answer.status, 408, "{answer:?}");
        document.check(operation, &answer);
    }
}

#[test]
fn a_token_that_may_not_is_refused_as_documented() {
    let (document, server) = (Documented::read(), serve(&[]));
    let made = |scopes: &str| {
        let body = format!(r#"{{"name": "made", "scopes": ["{scopes}"]}}"#);
        server.post("/v1/tokens", body).json()["token"].as_str().unwrap().to_owned()
    };
    let (decides, manages) = (made("decide"), made("tokens"));
    let mut refused = 0;
    for operation in document.operations() {
        let Some(scope) = operation.value["security"].pointer("/0/bearer/0") else { continue };
        let token = if scope == "decide" { &manages } else { &decides };
        let at = &paths(&document, operation)[0];
        let method = operation.method.to_uppercase();
        let request = Request { method: &method, ..Request::post(at, b"{}") }.token(token);
        let answer = server.send(&request);
        assert_eq!(answer.status, 403, "{at}: {answer:?}");
        document.check(operation, &answer);
        refused += 1;
    }
    assert_eq!(refused, 18);
}

#[test]
fn the_document_is_served_to_everybody_as_it_is_checked_in() {
    let server = serve(&[]);
    let answer = server.send(&Request::get("/openapi.json"));
    assert_eq!(str::from_utf8(&answer.body).unwrap(), TEXT, "build again");
    assert_eq!(answer.header("cache-control"), Some("no-cache"));
}

#[test]
fn the_page_is_whole_and_reaches_no_other_host() {
    let server = serve(&[]);
    let answer = server.send(&Request::get("/docs"));
    let policy = answer.header("content-security-policy").unwrap();
    let directives: BTreeMap<&str, &str> =
        policy.split("; ").map(|it| it.split_once(' ').unwrap()).collect();
    for (name, sources) in &directives {
        let own = ["'none'", "'self'", "'self' data:"].contains(sources);
        assert!(own && (!sources.contains("data:") || *name == "img-src"), "{name} {sources}");
    }
    for name in ["default-src", "base-uri", "form-action", "frame-ancestors"] {
        assert_eq!(directives[name], "'none'", "{name}");
    }
    let page = String::from_utf8(answer.body.clone()).unwrap();
    let mut files = Vec::new();
    for mark in ["src=\"", "href=\""] {
        files.extend(page.split(mark).skip(1).map(|rest| rest.split('"').next().unwrap()));
    }
    files.retain(|file| *file != "data:,");
    assert_eq!(files.len(), 5, "{files:?}");
    for file in files {
        let path = format!("/{file}");
        let answer = server.send(&Request::get(&path));
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
        assert_eq!(answer.header("content-security-policy"), Some(policy), "{path}");
        let on_disk = match file.strip_prefix("docs/") {
            Some(name) => fs::read(root().join("schema/docs").join(name)).unwrap(),
            None => TEXT.as_bytes().to_vec(),
        };
        assert!(answer.body == on_disk, "{path} is another one: build again");
        // The viewer names hosts in its comments and messages; what is ours names none.
        if !file.contains("swagger-ui") && file.starts_with("docs/") {
            assert!(!String::from_utf8(answer.body).unwrap().contains("//www"), "{path}");
        }
    }
    for ours in ["index.html", "page.js", "page.css"] {
        let text = fs::read_to_string(root().join("schema/docs").join(ours)).unwrap();
        assert!(!text.contains("://") && !text.contains("=\"//"), "{ours} names a host");
    }
    assert!(!page.contains("<script>") && !page.contains("style="), "the policy forbids them");
}

#[test]
fn the_viewer_is_the_one_that_was_published() {
    let folder = root().join("schema/docs");
    let sums = fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
    let mut listed = BTreeSet::new();
    for line in sums.lines() {
        let (sum, name) = line.split_once("  ").unwrap();
        let digest = Sha256::digest(fs::read(folder.join(name)).unwrap());
        let found = digest.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        assert_eq!(found, sum, "{name}");
        listed.insert(name.to_owned());
    }
    for needed in ["swagger-ui.css", "swagger-ui-bundle.js", "LICENSE", "NOTICE"] {
        assert!(listed.contains(needed), "{needed}");
    }
    let said = fs::read_to_string(folder.join("README.md")).unwrap();
    let script = fs::read_to_string(root().join("scripts/docs-page")).unwrap();
    let version = script.lines().find_map(|line| line.strip_prefix("version=")).unwrap();
    assert!(said.contains(version), "README.md names version {version}");
}

/// Has schemathesis hold the server against a document, and returns whether it found nothing, and what it said.
fn tried(document: &Path, url: &str, more: &[&str]) -> (bool, String) {
    let folder = tempfile::TempDir::new().unwrap();
    let examples = full(25, 400).to_string();
    let mut command = tool("st");
    command
        .current_dir(folder.path())
        .env("SCHEMATHESIS_HOOKS", "sign")
        .env("PYTHONPATH", root().join("tests/openapi"))
        .args(["--no-color", "run"])
        .arg(document)
        .args(["-u", url, "-H", "Authorization: Bearer dev-token"])
        .args(["--mode", "all", "--seed", "20261128", "--max-examples", &examples])
        .args(["--continue-on-failure", "--generation-database", "none", "--warnings", "off"])
        .args(more);
    done(&mut command)
}

/// What no answer may be, whatever is asked.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_schema_conformance,response_headers_conformance,unsupported_method,allow_header_conformance,\
    use_after_free,ensure_resource_availability";

/// Returns how many cases were tried.
#[track_caller]
fn cases(said: &str) -> u64 {
    let line =
        said.lines().find(|line| line.contains(" generated,")).unwrap_or_else(|| panic!("{said}"));
    let count = line.split_whitespace().next().unwrap().replace(',', "");
    count.parse().unwrap_or_else(|_| panic!("{line}"))
}

#[test]
fn schemathesis_finds_no_answer_that_is_not_documented() {
    let server = serve(&[]);
    let document = root().join("schema/openapi.json");
    let (sound, said) =
        tried(&document, &server.url(), &["--exclude-tag", "operations", "--checks", CHECKS]);
    assert!(sound, "{said}");
    let count = cases(&said);
    assert!(count > 800, "{said}");
    let ops = format!("http://{}", server.ops);
    // One operation leads to another only in the API.
    let phases = "examples,coverage,fuzzing";
    let more = ["--include-tag", "operations", "--checks", CHECKS, "--phases", phases];
    let (sound, said) = tried(&document, &ops, &more);
    assert!(sound, "{said}");
    report(&format!("schemathesis: {count} cases of the API, {} of health", cases(&said)));
    let log = server.stop();
    assert!(!log.contains("panicked") && !log.contains("internal error"), "{log}");
}

#[test]
fn schemathesis_finds_nothing_taken_that_the_document_forbids() {
    let server = serve(&[]);
    // Not of lists, of which a wrong item is told in its place, nor of signed operations, whose headers are made anew.
    let checks = "negative_data_rejection,missing_required_header,ignored_auth";
    let (sound, said) = tried(
        &root().join("schema/openapi.json"),
        &server.url(),
        &[
            "--exclude-tag",
            "operations",
            "--exclude-tag",
            "management",
            "--exclude-operation-id",
            "batchIsAuthorized",
            "--exclude-operation-id",
            "allowedActions",
            "--exclude-operation-id",
            "evaluateMany",
            "--exclude-operation-id",
            "evaluateManyInBundle",
            "--checks",
            checks,
        ],
    );
    assert!(sound, "{said}");
    report(&format!("schemathesis: {} cases of what is forbidden", cases(&said)));
}

#[test]
fn schemathesis_finds_what_a_wrong_document_says() {
    let server = serve(&[]);
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("wrong.json");
    let mut wrong = Documented::read().whole;
    wrong["paths"]["/v1/tokens"]["post"]["responses"].as_object_mut().unwrap().remove("400");
    wrong["components"]["schemas"]["Decision"]["properties"]["decision"] =
        json!({"const": "Maybe"});
    fs::write(&path, wrong.to_string()).unwrap();
    let more = ["--exclude-tag", "operations", "--checks", CHECKS, "--phases", "examples"];
    let (sound, said) = tried(&path, &server.url(), &more);
    assert!(!sound, "{said}");
    for place in ["POST /v1/tokens", "POST /v1/is-authorized"] {
        assert!(said.contains(place), "{place}: {said}");
    }
}
