//! What signed calls cost: a signature, additions of 1 and of 1,000 members, and pages of 100,000 members.
//!
//! Everything is asked over HTTP on one connection, one request after another, and what is compared is asked in turn
//! (A B A B …), so that ratios hold while the machine's speed drifts. Run it with `cargo bench --bench management`;
//! `PAI_AUTHZ_BENCH_ROUNDS` changes its size.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench prints, reads the clock, and a failure ends it"
)]

#[path = "support/signed.rs"]
mod signed;
mod support;

use std::{net::SocketAddr, time::Instant};

use pai_authz::{
    config::LogFormat,
    domain::{
        BuiltinRole, EnvMode, Identity, Import, ImportedWorkspace, Member, Principal, PrincipalId,
        PrincipalKind, Profile, RoleRef, Timestamp, UserName, Workspace, WorkspaceId,
        WorkspaceName,
    },
    service::{DEV_ACCOUNT, DEV_TOKEN},
    store::{Mode, RedbStore},
    telemetry,
};
use tokio::net::TcpStream;

use signed::{exchange, signed};
use support::{numbers::median, quartiles, start_service};

/// Known users, all of them members of the first workspace but one, which is the Owner's place.
const USERS: usize = 99_999;
const FULL: &str = "10001";
const EMPTY: &str = "10002";
/// Requests of a round.
const REQUESTS: usize = 500;

fn main() {
    let rounds = std::env::var("PAI_AUTHZ_BENCH_ROUNDS").ok().and_then(|n| n.parse().ok());
    let rounds: usize = rounds.unwrap_or(9);
    telemetry::start("error", LogFormat::Json).unwrap();
    let directory = tempfile::TempDir::new().unwrap();
    let store = RedbStore::create(&directory.path().join("store"), Mode::Development).unwrap();
    let (address, _) = start_service(store, content);
    let client = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let bench = Bench { address, client };
    println!(
        "one connection, one request after another, {rounds} rounds, server and client on the same cores"
    );
    bench.signature(rounds);
    bench.pages(rounds);
    bench.additions(rounds);
}

struct Bench {
    address: SocketAddr,
    client: tokio::runtime::Runtime,
}

impl Bench {
    /// A signed read beside the same question asked with a token.
    fn signature(&self, rounds: usize) {
        let question = format!(
            r#"{{"principal":{{"type":"Account","id":"{DEV_ACCOUNT}"}},"action":"PaiWorkspace:GetMember","resource":{{"workspace":"{FULL}"}}}}"#
        );
        let token = format!(
            "POST /v1/is-authorized HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {DEV_TOKEN}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{question}",
            question.len()
        )
        .into_bytes();
        let path = format!("/api/v1/workspaces/{FULL}/member");
        let get = || self.request("GetMember", "GET", &path, "UserId=2000001", "");
        let (mut signed, mut plain, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..=rounds {
            let gets: Vec<_> = (0..REQUESTS).map(|_| get()).collect();
            let asks = vec![token.clone(); REQUESTS];
            let (a, b) = (self.micros(&gets, "2000001"), self.micros(&asks, "\"Allow\""));
            // The first round warms up.
            if round > 0 {
                signed.push(a);
                plain.push(b);
                ratios.push(a / b);
            }
        }
        println!("a signed GetMember       {} us", quartiles(&mut signed, 1));
        println!("is-authorized by token   {} us", quartiles(&mut plain, 1));
        println!("ratio                    {}", quartiles(&mut ratios, 3));
    }

    /// The first, a middle and the last page of the members.
    fn pages(&self, rounds: usize) {
        let path = format!("/api/v1/workspaces/{FULL}/members");
        let pages = ["1", "2500", "5000"];
        let mut times = pages.map(|_| Vec::new());
        let mut ratios = Vec::new();
        for round in 0..=rounds {
            let mut micros = Vec::new();
            for page in pages {
                let query = format!("PageNumber={page}&PageSize=20");
                let asks: Vec<_> = (0..REQUESTS)
                    .map(|_| self.request("ListMembers", "GET", &path, &query, ""))
                    .collect();
                micros.push(self.micros(&asks, "\"TotalCount\":100000"));
            }
            if round > 0 {
                ratios.push(micros.last().unwrap() / micros.first().unwrap());
                times.iter_mut().zip(micros).for_each(|(times, micros)| times.push(micros));
            }
        }
        for (page, times) in pages.into_iter().zip(&mut times) {
            println!("ListMembers page {page:>4}    {} us", quartiles(times, 1));
        }
        println!("last page / first page   {}", quartiles(&mut ratios, 3));
    }

    /// Additions of new members, durable when they are answered.
    fn additions(&self, rounds: usize) {
        let path = format!("/api/v1/workspaces/{EMPTY}/members");
        let mut next = 0;
        for count in [1, 1_000] {
            let mut times = Vec::new();
            for _ in 0..rounds {
                let members: Vec<String> = (next..next + count)
                    .map(|n| format!(r#"{{"UserId":"{}","Roles":["PAI.AlgoDeveloper"]}}"#, id(n)))
                    .collect();
                next += count;
                let body = format!(r#"{{"Members":[{}]}}"#, members.join(","));
                let request = self.request("CreateMember", "POST", &path, "", &body);
                times.push(self.micros(&[request], "MemberId") / 1_000.0);
            }
            println!("CreateMember, {count:>4} new     {} ms", quartiles(&mut times, 2));
            assert!(median(&times) > 0.0);
        }
    }

    fn request(&self, action: &str, method: &str, path: &str, query: &str, body: &str) -> Vec<u8> {
        signed(self.address, action, method, (path, query), body)
    }

    /// Sends requests one after another and returns the microseconds of one; each answer must hold `expected`.
    fn micros(&self, requests: &[Vec<u8>], expected: &str) -> f64 {
        let address = self.address;
        self.client.block_on(async {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let mut buffer = Vec::new();
            let started = Instant::now();
            for request in requests {
                if !exchange(&mut stream, request, &mut buffer).await {
                    stream = TcpStream::connect(address).await.unwrap();
                }
            }
            let taken = started.elapsed().as_secs_f64() * 1e6;
            let last = String::from_utf8_lossy(&buffer);
            assert!(last.contains(expected), "{last}");
            taken / f64::from(u32::try_from(requests.len()).unwrap())
        })
    }
}

fn id(number: usize) -> PrincipalId {
    PrincipalId::parse(&(2_000_000 + number).to_string()).unwrap()
}

/// A workspace that is full, and one that has its Owner alone.
fn content(now: Timestamp) -> Import {
    let identity = |n: usize| Identity {
        principal: Principal { kind: PrincipalKind::User, id: id(n) },
        name: UserName::parse(&format!("user-{n}")).unwrap(),
        profile: Profile::default(),
        assumable: None,
        created: now,
        modified: now,
    };
    let member = |n: usize| Member {
        principal: id(n),
        roles: vec![RoleRef::Builtin(BuiltinRole::Developer)],
        created: now,
    };
    let workspace = |id: &str, members: Vec<Member>| ImportedWorkspace {
        workspace: Workspace {
            id: WorkspaceId::parse(id).unwrap(),
            name: WorkspaceName::parse(&format!("bench_{id}")).unwrap(),
            display_name: String::new(),
            description: String::new(),
            env: EnvMode::Simple,
            resource_group: None,
            creator: PrincipalId::parse(DEV_ACCOUNT).unwrap(),
            created: now,
            modified: now,
        },
        roles: Vec::new(),
        members,
    };
    Import {
        identities: (0..USERS).map(identity).collect(),
        workspaces: vec![
            workspace(FULL, (0..USERS).map(member).collect()),
            workspace(EMPTY, Vec::new()),
        ],
    }
}
