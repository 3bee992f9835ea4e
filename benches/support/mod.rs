//! What benches over HTTP share: a service in this process, one request after another, and how numbers are shown.

pub(crate) mod numbers;

use std::{
    net::{SocketAddr, TcpListener},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use pai_authz::{
    domain::{AccountId, Import, RequestId, Timestamp},
    engine::Engine,
    http::{self, Limits, Listeners, Services},
    service::{
        Accounts, Actor, Authenticator, Authorizer, Bounds, DEV_ACCOUNT, Keyring, Management,
        MasterKey, Residency, Signers, Tokens, import,
    },
    store::RedbStore,
    telemetry::SystemClock,
};

pub(crate) use numbers::quartiles;

/// Starts the service on `store` with what `content` says, in development mode, and returns where it listens, and what manages
/// it.
pub(crate) fn start_service(
    store: RedbStore,
    content: impl FnOnce(Timestamp) -> Import + Send + 'static,
) -> (SocketAddr, Management) {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        http::run(async {
            let account = AccountId::parse(DEV_ACCOUNT).unwrap();
            let store = Arc::new(store);
            let keyring = Arc::new(Keyring::new(&MasterKey::development(), None));
            let engine = Engine::new("cn-hangzhou").unwrap();
            let clock = Arc::new(SystemClock);
            let residency = Residency::default();
            let accounts =
                Arc::new(Accounts::new(engine, store, clock, keyring.clone(), residency));
            accounts.load_all().await.unwrap();
            let actor = Actor::new("bench".to_owned(), RequestId::parse("bench").unwrap());
            let content = content(accounts.clock().now());
            import(&accounts, &account, &actor, &content).await.unwrap();
            let management = Management::new(
                accounts.clone(),
                keyring.clone(),
                Bounds::default(),
                Duration::ZERO,
            );
            let services = Services {
                bundles: Arc::default(),
                public_url: None,
                accounts: accounts.clone(),
                authorizer: Authorizer::new(accounts.clone(), keyring.clone(), Duration::ZERO),
                authenticator: Arc::new(Authenticator::new(
                    accounts.clone(),
                    keyring.clone(),
                    Some(account.clone()),
                )),
                tokens: Tokens::new(accounts.clone(), keyring.clone()),
                signers: Arc::new(Signers::new(accounts, keyring, Some(account))),
                management: management.clone(),
                verifier: None,
                region: "cn-hangzhou".to_owned(),
            };
            let (api, address) = listener();
            let listeners = Listeners { api, tls: None, uds: None, ops: listener().0 };
            let limits = Limits {
                workers: 1,
                body: 256 * 1024,
                batch_body: 1024 * 1024,
                head_timeout: Duration::from_secs(5),
                body_timeout: Duration::from_secs(5),
                keep_alive: Duration::from_secs(75),
                max_connections: 25_000,
                shutdown_timeout: Duration::from_secs(1),
            };
            let mut running = http::start(listeners, services, limits, None).unwrap();
            tell.send((address, management)).unwrap();
            running.ended().await.unwrap();
        });
    });
    told.recv().unwrap()
}

/// Returns a listener on a free port, and the port.
pub(crate) fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}
