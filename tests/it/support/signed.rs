//! Signed calls as an SDK makes them, written from the vendor's description and not from the code under test.

use std::{collections::BTreeMap, fs, net::SocketAddr, path::Path, sync::LazyLock};

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::wire::{Answer, Connection};

/// An access key and its secret.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl Key {
    pub(crate) fn new(id: &str, secret: &str) -> Self {
        Self { id: id.to_owned(), secret: secret.to_owned() }
    }

    /// The key of development mode.
    pub(crate) fn dev() -> Self {
        Self::new("dev", "dev-secret")
    }

    /// The key in what CreateAccessKey answered.
    #[track_caller]
    pub(crate) fn of(answer: &Answer) -> Self {
        let key = &ok(answer)["AccessKey"];
        let text = |name: &str| key[name].as_str().unwrap();
        Self::new(text("AccessKeyId"), text("AccessKeySecret"))
    }
}

/// Method, path and version of each operation, read from the catalogue as plain JSON.
struct Route {
    method: String,
    path: String,
    version: &'static str,
}

fn routes() -> &'static BTreeMap<String, Route> {
    static ROUTES: LazyLock<BTreeMap<String, Route>> = LazyLock::new(|| {
        operations()
            .iter()
            .map(|row| {
                let text = |name: &str| row[name].as_str().unwrap().to_owned();
                let version = if row["api"] == "ram" { "2015-05-01" } else { "2021-02-04" };
                (text("operation"), Route { method: text("method"), path: text("path"), version })
            })
            .collect()
    });
    &ROUTES
}

/// The rows of the operation table.
pub(crate) fn operations() -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/catalog/operations.json");
    let table: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    table["rows"].as_array().unwrap().clone()
}

/// A call, before it is signed.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) action: String,
    pub(crate) method: String,
    /// Encoded, as it is sent.
    pub(crate) path: String,
    /// Encoded, as it is sent, without `?`.
    pub(crate) query: String,
    pub(crate) body: Vec<u8>,
    /// Beside those every call has; lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) version: String,
}

impl Call {
    /// Returns the call of an operation with arguments for its path.
    pub(crate) fn new(action: &str, arguments: &[&str]) -> Self {
        let route = &routes()[action];
        let mut arguments = arguments.iter();
        let path: Vec<String> = route
            .path
            .split('/')
            .map(|part| {
                if part.starts_with('{') {
                    encoded(arguments.next().expect("an argument for each part"))
                } else {
                    part.to_owned()
                }
            })
            .collect();
        assert!(arguments.next().is_none(), "too many arguments for {}", route.path);
        Self {
            action: action.to_owned(),
            method: route.method.clone(),
            path: path.join("/"),
            query: String::new(),
            body: Vec::new(),
            headers: Vec::new(),
            version: route.version.to_owned(),
        }
    }

    pub(crate) fn query(mut self, pairs: &[(&str, &str)]) -> Self {
        let pairs: Vec<String> =
            pairs.iter().map(|(k, v)| format!("{}={}", encoded(k), encoded(v))).collect();
        self.query = pairs.join("&");
        self
    }

    pub(crate) fn body(mut self, body: &Value) -> Self {
        self.body = body.to_string().into_bytes();
        self
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Signs the call now, with a new nonce.
    pub(crate) fn sign(&self, key: &Key, host: SocketAddr) -> Signed {
        self.sign_at(key, host, &now(), &uuid::Uuid::new_v4().simple().to_string())
    }

    pub(crate) fn sign_at(&self, key: &Key, host: SocketAddr, date: &str, nonce: &str) -> Signed {
        let payload = hex(&Sha256::digest(&self.body));
        let mut headers: Vec<(String, String)> = [
            ("host", host.to_string().as_str()),
            ("accept", "application/json"),
            ("user-agent", "pai-authz tests"),
            ("x-acs-action", &self.action),
            ("x-acs-version", &self.version),
            ("x-acs-date", date),
            ("x-acs-signature-nonce", nonce),
            ("x-acs-content-sha256", &payload),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
        if !self.body.is_empty() {
            let json = "application/json; charset=utf-8".to_owned();
            headers.push(("content-type".to_owned(), json));
        }
        headers.extend(self.headers.iter().cloned());
        headers.sort();
        let lines: Vec<String> =
            headers.iter().map(|(name, value)| [name, ":", value, "\n"].concat()).collect();
        let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
        let mut pairs: Vec<&str> = self.query.split('&').filter(|pair| !pair.is_empty()).collect();
        pairs.sort_unstable();
        let canonical = [
            self.method.as_str(),
            &self.path,
            &pairs.join("&"),
            &lines.concat(),
            &names.join(";"),
            &payload,
        ]
        .join("\n");
        let text = format!("ACS3-HMAC-SHA256\n{}", hex(&Sha256::digest(canonical.as_bytes())));
        let mut mac = Hmac::<Sha256>::new_from_slice(key.secret.as_bytes()).unwrap();
        mac.update(text.as_bytes());
        let signature = hex(&mac.finalize().into_bytes());
        let authorization = format!(
            "ACS3-HMAC-SHA256 Credential={},SignedHeaders={},Signature={signature}",
            key.id,
            names.join(";")
        );
        headers.push(("authorization".to_owned(), authorization));
        let target = match self.query.as_str() {
            "" => self.path.clone(),
            query => format!("{}?{query}", self.path),
        };
        Signed { method: self.method.clone(), target, headers, body: self.body.clone() }
    }
}

/// A signed call, ready to be sent or tampered with.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Signed {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            out += &[name, ": ", value, "\r\n"].concat();
        }
        if self.method != "GET" || !self.body.is_empty() {
            out += &["content-length: ", &self.body.len().to_string(), "\r\n"].concat();
        }
        out += "\r\n";
        let mut out = out.into_bytes();
        out.extend_from_slice(&self.body);
        out
    }

    /// Replaces the value of a header, leaving the signature as it is.
    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(other, _)| other != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| other != name);
        self
    }

    #[track_caller]
    pub(crate) fn send(&self, connection: &mut Connection) -> Answer {
        let pushed = connection.push(&self.bytes());
        let answer = connection.answer(&self.method);
        answer.unwrap_or_else(|error| panic!("no answer: {error}; sending: {pushed:?}"))
    }
}

/// A caller with a key, and a connection to a server.
pub(crate) struct Api {
    pub(crate) key: Key,
    pub(crate) host: SocketAddr,
    connection: Connection,
}

impl Api {
    pub(crate) fn new(key: Key, host: SocketAddr) -> Self {
        Self { key, host, connection: Connection::tcp(host) }
    }

    /// Signs a call and sends it.
    #[track_caller]
    pub(crate) fn send(&mut self, call: &Call) -> Answer {
        let answer = call.sign(&self.key, self.host).send(&mut self.connection);
        if answer.header("connection") == Some("close") {
            self.connection = Connection::tcp(self.host);
        }
        answer
    }

    /// Calls an operation.
    #[track_caller]
    pub(crate) fn call(&mut self, action: &str, arguments: &[&str]) -> Answer {
        self.send(&Call::new(action, arguments))
    }

    /// Calls an operation with a body.
    #[track_caller]
    pub(crate) fn put(&mut self, action: &str, arguments: &[&str], body: &Value) -> Answer {
        self.send(&Call::new(action, arguments).body(body))
    }

    /// Calls an operation with a query.
    #[track_caller]
    pub(crate) fn ask(
        &mut self,
        action: &str,
        arguments: &[&str],
        query: &[(&str, &str)],
    ) -> Answer {
        self.send(&Call::new(action, arguments).query(query))
    }

    /// Creates a workspace and returns its id.
    #[track_caller]
    pub(crate) fn create_workspace(&mut self, name: &str) -> String {
        let body = serde_json::json!({
            "WorkspaceName": name, "Description": "for a test", "EnvTypes": ["prod"],
        });
        let answer = self.put("CreateWorkspace", &[], &body);
        ok(&answer)["WorkspaceId"].as_str().unwrap().to_owned()
    }

    /// Creates a RAM user with an access key and returns its id and key.
    #[track_caller]
    pub(crate) fn create_user(&mut self, name: &str) -> (String, Key) {
        let user = self.ask("CreateUser", &[], &[("UserName", name)]);
        let id = ok(&user)["User"]["UserId"].as_str().unwrap().to_owned();
        (id, Key::of(&self.ask("CreateAccessKey", &[], &[("UserName", name)])))
    }
}

/// Returns the body of a successful answer.
#[track_caller]
pub(crate) fn ok(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// Asserts that an answer is an error of the vendor's form with that code.
#[track_caller]
pub(crate) fn refused(answer: &Answer, status: u16, code: &str) {
    let body = answer.json();
    assert_eq!((answer.status, body["Code"].as_str()), (status, Some(code)), "{answer:?}");
    assert!(body["RequestId"].is_string() && body["Message"].is_string(), "{answer:?}");
}

pub(crate) fn now() -> String {
    format!("{:.0}", jiff::Timestamp::from_second(jiff::Timestamp::now().as_second()).unwrap())
}

/// Encodes all but RFC 3986's unreserved characters.
pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            other => out.extend(['%', digit(other >> 4), digit(other & 15)]),
        }
    }
    out
}

/// Returns a hexadecimal digit, upper case.
fn digit(value: u8) -> char {
    char::from_digit(value.into(), 16).unwrap().to_ascii_uppercase()
}

fn hex(bytes: &[u8]) -> String {
    let digits = |byte: &u8| [digit(byte >> 4), digit(byte & 15)];
    bytes.iter().flat_map(digits).collect::<String>().to_lowercase()
}
