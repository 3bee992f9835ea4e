//! Signatures: what is not exactly what was signed, by a known key, now and for the first time, is refused.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    thread,
};

use serde_json::json;

use crate::sdk;

use crate::support::{
    Seeded, report,
    server::{Place, Server},
    signed::{Api, Call, Key, Signed, now, ok, refused},
    wire::Connection,
};

fn demo() -> (Server, Api) {
    let server = Server::demo(&[]);
    let api = Api::new(Key::dev(), server.api);
    (server, api)
}

/// Returns what an SDK sends and signs, one request of each kind, as a listener in the service's place reads it.
fn captured(client: &str) -> Vec<Signed> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = listener.local_addr().unwrap();
    let (tell, told) = mpsc::channel();
    // Ends with the test process: it waits for connections that do not come any more.
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let tell = tell.clone();
            thread::spawn(move || {
                let mut reader = BufReader::new(stream);
                while let Some(signed) = read_request(&mut reader) {
                    let body = "{\"RequestId\":\"captured\"}";
                    let head =
                        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length";
                    let answer = format!("{head}: {}\r\n\r\n{body}", body.len());
                    tell.send(signed).unwrap();
                    reader.get_mut().write_all(answer.as_bytes()).unwrap();
                }
            });
        }
    });
    sdk::run("capture.py", client, endpoint);
    told.try_iter().collect()
}

/// Reads a request; `None` when the connection ends instead.
fn read_request(reader: &mut BufReader<TcpStream>) -> Option<Signed> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut first = lines.first()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let header = |line: &String| {
        line.split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
    };
    let mut headers: Vec<(String, String)> = lines.iter().skip(1).filter_map(header).collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.map_or(0, |(_, text)| text.parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    // What frames the body is sent anew.
    headers.retain(|(name, _)| !["content-length", "connection"].contains(&name.as_str()));
    Some(Signed { method, target, headers, body })
}

#[test]
fn ten_thousand_captured_requests_with_one_byte_changed_are_all_refused() {
    let server = Server::demo(&[]);
    let genuine: Vec<Signed> = ["sync", "asyncio"].into_iter().flat_map(captured).collect();
    assert_eq!(genuine.len(), 16);
    let mut seeded = Seeded(20_261_124);
    let mut connection = server.connect();
    let (mut tampered, mut codes) = (0, BTreeMap::new());
    while tampered < 10_000 {
        let signed = &genuine[usize::try_from(seeded.below(genuine.len() as u64)).unwrap()];
        let Some(forged) = one_byte_changed(signed, &mut seeded) else { continue };
        let answer = forged.send(&mut connection);
        assert!((400..500).contains(&answer.status), "{forged:?} {answer:?}");
        let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        // A head that is no HTTP is refused before there is a request to answer, and the connection ends.
        let code = body["Code"].as_str().or(body["code"].as_str()).unwrap_or("not HTTP");
        *codes.entry(code.to_owned()).or_insert(0) += 1;
        tampered += 1;
        if answer.header("connection") == Some("close") || code == "not HTTP" {
            connection = server.connect();
        }
    }
    // The untouched ones are carried out, each once: nothing was refused for another reason.
    for signed in &genuine {
        ok(&signed.send(&mut server.connect()));
        refused(&signed.send(&mut server.connect()), 400, "SignatureNonceUsed");
    }
    report(&format!("{tampered} captured requests with one byte changed, all refused: {codes:?}"));
}

/// Changes one byte of method, target, the name or value of a header, or the body, so that something else is said; `None` where the byte
/// drawn means the same afterwards.
fn one_byte_changed(genuine: &Signed, seeded: &mut Seeded) -> Option<Signed> {
    let mut forged = genuine.clone();
    let part = seeded.below(8);
    let (bytes, may_be): (Vec<u8>, &[u8]) = match part {
        0 => (forged.method.clone().into_bytes(), b"ABCDEGHLOPSTU"),
        1 | 2 => (forged.target.clone().into_bytes(), b"abcXYZ0189-_.~%/?&=+:,"),
        3 if !forged.body.is_empty() => (forged.body.clone(), b"abc{}[]\",:019 "),
        _ => (Vec::new(), b"abcxyzABC0189-_.;,=/: "),
    };
    if bytes.is_empty() && part == 4 {
        let at = usize::try_from(seeded.below(forged.headers.len() as u64)).unwrap();
        let name = forged.headers[at].0.clone();
        if name != "authorization" && !is_signed(genuine, &name) {
            return None;
        }
        let changed = replaced(name.as_bytes(), b"abxyz-019", seeded)?;
        forged.headers[at].0 = String::from_utf8(changed).unwrap();
        return Some(forged);
    }
    if bytes.is_empty() {
        let at = usize::try_from(seeded.below(forged.headers.len() as u64)).unwrap();
        let (name, value) = forged.headers[at].clone();
        // A header that was not signed is nobody's word.
        if name != "authorization" && !is_signed(genuine, &name) {
            return None;
        }
        let changed = replaced(value.as_bytes(), may_be, seeded)?;
        let changed = String::from_utf8(changed).unwrap();
        // Spaces around a value are not part of it.
        if changed.trim() == value.trim() || means_the_same(&name, &changed, &value) {
            return None;
        }
        forged.headers[at].1 = changed;
        return Some(forged);
    }
    let changed = replaced(&bytes, may_be, seeded)?;
    if part == 3 {
        forged.body = changed;
        return Some(forged);
    }
    let changed = String::from_utf8(changed).ok()?;
    if part == 0 {
        forged.method = changed;
    } else {
        if same_target(&changed, &genuine.target) {
            return None;
        }
        forged.target = changed;
    }
    Some(forged)
}

fn is_signed(genuine: &Signed, name: &str) -> bool {
    let (_, text) = genuine.headers.iter().find(|(other, _)| other == "authorization").unwrap();
    let (_, rest) = text.split_once("SignedHeaders=").unwrap();
    rest.split(',').next().unwrap().split(';').any(|signed| signed == name)
}

fn replaced(bytes: &[u8], may_be: &[u8], seeded: &mut Seeded) -> Option<Vec<u8>> {
    let mut out = bytes.to_vec();
    let at = usize::try_from(seeded.below(out.len() as u64)).unwrap();
    let byte = may_be[usize::try_from(seeded.below(may_be.len() as u64)).unwrap()];
    if out[at] == byte {
        return None;
    }
    out[at] = byte;
    Some(out)
}

/// `Authorization` is a list whose order and spacing mean nothing: a space more or less is no forgery.
fn means_the_same(name: &str, a: &str, b: &str) -> bool {
    let parts = |text: &str| text.split(',').map(|p| p.trim().to_owned()).collect::<Vec<_>>();
    name == "authorization" && parts(a) == parts(b)
}

/// `%2f` and `%2F`, `+` and `%20` say the same, and so do empty parts of a query.
fn same_target(a: &str, b: &str) -> bool {
    let parts = |text: &str| {
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        let plain = |text: &str| {
            let text = text.replace('+', "%20");
            percent_encoding::percent_decode_str(&text).collect::<Vec<u8>>()
        };
        let path: Vec<_> = path
            .split('/')
            .map(|s| percent_encoding::percent_decode_str(s).collect::<Vec<u8>>())
            .collect();
        let mut query: Vec<_> = query
            .split('&')
            .filter(|p| !p.is_empty())
            .map(|p| p.split_once('=').unwrap_or((p, "")))
            .map(|(k, v)| (plain(k), plain(v)))
            .collect();
        query.sort();
        (path, query)
    };
    parts(a) == parts(b)
}

#[test]
fn who_signed_is_told_by_key_secret_clock_and_nonce() {
    let (_server, mut api) = demo();
    let call = Call::new("ListWorkspaces", &[]);
    let ask = |signed: Signed| signed.send(&mut Connection::tcp(api.host));
    let with = |id: &str, secret: &str| call.sign(&Key::new(id, secret), api.host);
    refused(&ask(with("dev", "dev-secreT")), 400, "SignatureDoesNotMatch");
    refused(&ask(with("dev", "")), 400, "SignatureDoesNotMatch");
    for unknown in ["Dev", "LTAI1000000000000001xNobody", "LTAI5xNobody", "LTAI", "dev:"] {
        refused(&ask(with(unknown, "dev-secret")), 404, "InvalidAccessKeyId.NotFound");
    }
    let at = |date: &str| call.sign_at(&Key::dev(), api.host, date, &format!("n{}", date.len()));
    for (date, code) in [
        ("2026-01-01T00:00:00Z", "InvalidTimeStamp.Expired"),
        ("2126-01-01T00:00:00Z", "InvalidTimeStamp.Expired"),
        ("2026-01-01 00:00:00", "InvalidTimeStamp.Format"),
        ("now", "InvalidTimeStamp.Format"),
    ] {
        refused(&ask(at(date)), 400, code);
    }
    let once = call.sign(&Key::dev(), api.host);
    ok(&ask(once.clone()));
    refused(&ask(once.clone()), 400, "SignatureNonceUsed");
    refused(&ask(once), 400, "SignatureNonceUsed");
    ok(&api.send(&call));
}

#[test]
fn what_is_not_signed_whole_is_refused() {
    let (_server, api) = demo();
    let call = Call::new("GetWorkspace", &["10001"]);
    let signed = || call.sign(&Key::dev(), api.host);
    let ask = |signed: &Signed| signed.send(&mut Connection::tcp(api.host));
    ok(&ask(&signed()));
    refused(&ask(&signed().without("authorization")), 400, "IncompleteSignature");
    for header in ["x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256"] {
        refused(&ask(&signed().without(header)), 400, "MissingParameter");
    }
    for header in ["x-acs-version", "user-agent"] {
        refused(&ask(&signed().without(header)), 400, "IncompleteSignature");
    }
    refused(&ask(&signed().without("x-acs-action")), 400, "MissingParameter");
    // A header that says what is asked was added on the way.
    for header in ["x-acs-extra", "x-pai-authz-at-least", "x-pai-authz-request-id"] {
        refused(&ask(&signed().set(header, "1")), 400, "IncompleteSignature");
    }
    for header in ["x-acs-security-token", "x-acs-accesskey-id", "x-acs-bearer-token"] {
        let answer = ask(&signed().set(header, "1"));
        refused(&answer, 400, "InvalidSecurityToken.MismatchWithAccessKey");
    }
    for authorization in [
        "Bearer dev-token",
        "acs dev:c2lnbmF0dXJl",
        "ACS3-HMAC-SM3 Credential=dev,SignedHeaders=host,Signature=00",
        "ACS3-HMAC-SHA256",
        "ACS3-HMAC-SHA256 Credential=dev",
    ] {
        let answer = ask(&signed().set("authorization", authorization));
        refused(&answer, 400, "IncompleteSignature");
    }
    let mut twice = signed();
    twice.headers.push(("x-acs-date".to_owned(), now()));
    let answer = ask(&twice);
    assert_eq!(answer.status, 400, "{answer:?}");
    refused(&ask(&signed().set("host", "elsewhere")), 400, "SignatureDoesNotMatch");
    refused(&ask(&signed().set("user-agent", "another")), 400, "SignatureDoesNotMatch");
    let mut other_action = call.clone();
    other_action.action = "ListWorkspaces".to_owned();
    refused(&ask(&other_action.sign(&Key::dev(), api.host)), 404, "InvalidAction.NotFound");
    other_action.action = "MakeCoffee".to_owned();
    refused(&ask(&other_action.sign(&Key::dev(), api.host)), 404, "InvalidAction.NotFound");
    let mut other_version = call.clone();
    other_version.version = "2020-01-01".to_owned();
    refused(&ask(&other_version.sign(&Key::dev(), api.host)), 400, "InvalidVersion");
}

#[test]
fn a_key_that_is_switched_off_or_deleted_signs_nothing() {
    let (_server, mut api) = demo();
    let (_, key) = api.create_user("kim");
    let mut kim = Api::new(key.clone(), api.host);
    ok(&kim.call("ListWorkspaces", &[]));
    let named = [("UserName", "kim"), ("UserAccessKeyId", key.id.as_str())];
    let status = |status| [named[0], named[1], ("Status", status)];
    ok(&api.ask("UpdateAccessKey", &[], &status("Inactive")));
    refused(&kim.call("ListWorkspaces", &[]), 400, "InvalidAccessKeyId.Inactive");
    ok(&api.ask("UpdateAccessKey", &[], &status("Active")));
    ok(&kim.call("ListWorkspaces", &[]));
    ok(&api.ask("DeleteAccessKey", &[], &named));
    refused(&kim.call("ListWorkspaces", &[]), 404, "InvalidAccessKeyId.NotFound");
}

#[test]
fn a_write_is_not_carried_out_twice_whether_it_changed_something_or_not() {
    let place = Place::new();
    let key = place.init_key("1000000000000077");
    let server = place.serve(&[]);
    let mut api = Api::new(key.clone(), server.api);
    let workspace = api.create_workspace("replayed");
    let (user, _) = api.create_user("kim");
    let member = format!("{workspace}-{user}");
    let body = json!({ "Members": [{ "UserId": user, "Roles": ["PAI.AlgoDeveloper", "PAI.WorkspaceGuest"] }] });
    ok(&api.put("CreateMember", &[&workspace], &body));
    // One that changes something, and one that finds it done already.
    let arguments = [workspace.as_str(), &member, "PAI.LabelManager"];
    let call = Call::new("AddMemberRole", &arguments);
    let host = server.api;
    let writes = [call.sign(&key, host), call.sign(&key, host)];
    for write in &writes {
        ok(&write.send(&mut Connection::tcp(host)));
        refused(&write.send(&mut Connection::tcp(host)), 400, "SignatureNonceUsed");
    }
    ok(&api.call("RemoveMemberRole", &arguments));
    server.stop();
    // The next process has no memory of nonces; the store has, in the same step as the changes.
    let server = place.serve(&[]);
    for write in &writes {
        let again = write.clone().set("host", &host.to_string());
        refused(&again.send(&mut Connection::tcp(server.api)), 400, "SignatureNonceUsed");
    }
    let mut api = Api::new(key, server.api);
    let member = ok(&api.ask("GetMember", &[&workspace], &[("MemberId", &member)]));
    assert_eq!(member["Roles"], json!(["PAI.AlgoDeveloper", "PAI.WorkspaceGuest"]));
}
