//! Several services on one Redis, an account they all serve, and questions about who is a member.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::{
    server::{Place, Server, run, until},
    signed::{Api, Call, Key, ok},
    wire::{Answer, Connection, Request},
};

/// The account of the fleet.
pub(crate) const ACCOUNT: &str = "1000000000000077";

/// Services on one store.
pub(crate) struct Fleet {
    place: Place,
    url: String,
    pub(crate) key: Key,
    pub(crate) token: String,
    pub(crate) servers: Vec<Server>,
}

impl Fleet {
    /// Makes the account in the store at `url` and starts so many services on it.
    pub(crate) fn start(url: &str, services: usize, more: &[&str]) -> Self {
        let mut fleet = Self::without_service(url);
        for _ in 0..services {
            fleet.add(more);
        }
        fleet
    }

    /// Makes the account in the store at `url`.
    pub(crate) fn without_service(url: &str) -> Self {
        let (place, url) = (Place::new(), url.to_owned());
        let key_file = place.text("master.key");
        let made = run([
            "--format",
            "json",
            "init",
            "--store",
            &url,
            "--account",
            ACCOUNT,
            "--master-key-file",
            &key_file,
        ]);
        let made = made.json();
        let text = |name: &str| made[name].as_str().unwrap();
        let key = Key::new(text("accessKeyId"), text("accessKeySecret"));
        Self { place, key, token: text("token").to_owned(), servers: Vec::new(), url }
    }

    /// Returns the path of the master key.
    pub(crate) fn master_key(&self) -> String {
        self.place.text("master.key")
    }

    /// Starts one more service.
    pub(crate) fn add(&mut self, more: &[&str]) {
        let url = self.url.clone();
        self.add_at(&url, more);
    }

    /// Starts one more service, which reaches the store by another address.
    pub(crate) fn add_at(&mut self, url: &str, more: &[&str]) {
        let key = self.place.text("master.key");
        let place = ["--store", url, "--master-key-file", &key, "--workers", "1"];
        self.servers.push(Server::start(place.into_iter().chain(more.iter().copied())));
    }

    /// Waits until every service knows all of its accounts to be up to date.
    #[track_caller]
    pub(crate) fn wait_until_heard(&self) {
        for server in &self.servers {
            until("all accounts are up to date", || {
                let metrics = String::from_utf8(server.health("/metrics").body).unwrap();
                let name = "pai_authz_stalest_account_seconds ";
                let silence = metrics.lines().find_map(|line| line.strip_prefix(name)).unwrap();
                silence.parse::<f64>().unwrap() < 0.5
            });
        }
    }

    /// Runs a command on the store.
    pub(crate) fn command(&self, arguments: &[&str]) -> super::server::Done {
        run(arguments.iter().copied().chain(["--store", &self.url]))
    }

    /// Returns a caller with the first key, at one of the services.
    pub(crate) fn api(&self, service: usize) -> Api {
        Api::new(self.key.clone(), self.servers[service].api)
    }

    /// Returns one who asks one of the services for decisions.
    pub(crate) fn asker(&self, service: usize) -> Asker {
        let connection = self.servers[service].connect();
        Asker { connection, api: self.servers[service].api, token: self.token.clone() }
    }
}

/// Asks one service for decisions, on one connection.
pub(crate) struct Asker {
    connection: Connection,
    api: SocketAddr,
    token: String,
}

/// What a service says of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    Allow,
    Deny,
    /// No decision: 503, with this code.
    Refused(&'static str),
}

impl Asker {
    /// Asks whether a user may do in a workspace what its members may.
    #[track_caller]
    pub(crate) fn may(&mut self, user: &str, workspace: &str, at_least: Option<&str>) -> Said {
        let answer = self.ask(user, workspace, at_least);
        let body = answer.json();
        match (answer.status, body["decision"].as_str()) {
            (200, Some("Allow")) => Said::Allow,
            // Not by an error, which would be a denial as well.
            (200, Some("Deny")) if body["reason"] == "implicit_deny" => Said::Deny,
            (503, _) => {
                Said::Refused(match body["error"]["code"].as_str().or(body["code"].as_str()) {
                    Some("replica_stale") => "replica_stale",
                    Some("suspended") => "suspended",
                    Some("quarantined") => "quarantined",
                    Some("unavailable") => "unavailable",
                    other => panic!("{other:?}: {answer:?}"),
                })
            }
            _ => panic!("{answer:?}"),
        }
    }

    #[track_caller]
    fn ask(&mut self, user: &str, workspace: &str, at_least: Option<&str>) -> Answer {
        let mut question = json!({
            "principal": { "type": "User", "id": user },
            "action": "PaiDLC:StopJob",
            "resource": {
                "type": "job", "id": "dlc-1", "workspace": workspace, "creator": user,
                "accessibility": "PRIVATE",
            },
        });
        if let (Some(revision), Value::Object(question)) = (at_least, &mut question) {
            question.insert("atLeastAsFresh".to_owned(), json!(revision));
        }
        let body = question.to_string();
        let request = Request::post("/v1/is-authorized", body.as_bytes()).token(&self.token);
        let answer = self.connection.ask(&request);
        if answer.header("connection") == Some("close") {
            self.connection = Connection::tcp(self.api);
        }
        answer
    }
}

/// A call that makes a user a developer of a workspace.
pub(crate) fn grant(workspace: &str, user: &str) -> Call {
    let member = json!({ "Members": [{ "UserId": user, "Roles": ["PAI.AlgoDeveloper"] }] });
    Call::new("CreateMember", &[workspace]).body(&member)
}

/// A call that takes the membership away.
pub(crate) fn revoke(workspace: &str, user: &str) -> Call {
    let member = format!("{workspace}-{user}");
    Call::new("DeleteMembers", &[workspace]).query(&[("MemberIds", &member)])
}

/// Sends a call that must succeed, and returns the revision it led to.
#[track_caller]
pub(crate) fn revision_of(api: &mut Api, call: &Call) -> String {
    let answer = api.send(call);
    ok(&answer);
    answer.header("x-pai-authz-revision").unwrap().to_owned()
}
