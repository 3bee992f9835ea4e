//! Connections to Redis: made when needed, shared by all, replaced when they break or lead to the wrong server.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use redis::{
    AsyncConnectionConfig, Client, ClientTlsConfig, Cmd, ConnectionAddr, ConnectionInfo,
    FromRedisValue, IntoConnectionInfo, Pipeline, RedisConnectionInfo, RedisError, RedisFuture,
    RedisResult, TlsCertificates, TlsMode, Value,
    aio::{ConnectionLike, MultiplexedConnection, PubSub},
    cluster::{ClusterClient, ClusterClientBuilder},
    cluster_async::ClusterConnection,
    cluster_routing::{RoutingInfo, SingleNodeRoutingInfo},
    io::tcp::{TcpSettings, socket2::TcpKeepalive},
    sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType},
};
use tokio::{runtime::Handle, time::Instant};

use super::{
    fault::{a_sentinel, fault, not_primary, unreached},
    keys::{EVERY_META, Keys},
    options::{RedisOptions, RedisTopology},
    read::SCANNED,
};
use crate::{domain::AccountId, store::StoreError};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(1);
/// How long an answer may take: whoever waits for it is told soon.
const ANSWER: Duration = Duration::from_secs(2);
/// How long nobody else tries, when a connection could not be made.
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(100);
/// How often a command follows the cluster to another node, or is tried again there.
const REDIRECTIONS: u32 = 5;
/// After which time without a sign of life a silent connection is asked for one, and given up.
const SILENT: Duration = Duration::from_secs(5);

/// A connection, to a server or a cluster.
#[derive(Clone)]
pub(super) enum Connection {
    Server(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Server(connection) => connection.req_packed_command(cmd),
            Self::Cluster(connection) => connection.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        cmd: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Server(connection) => connection.req_packed_commands(cmd, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(cmd, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Server(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}

impl Connection {
    /// Returns the accounts that were ever written, some of them twice perhaps.
    pub(super) async fn accounts(&mut self) -> Result<Vec<AccountId>, StoreError> {
        let nodes = match self {
            Self::Server(_) => vec![None],
            Self::Cluster(connection) => {
                let slots: Value = redis::cmd("CLUSTER")
                    .arg("SLOTS")
                    .query_async(connection)
                    .await
                    .map_err(|error| fault(&error, false))?;
                primaries(slots).into_iter().map(Some).collect()
            }
        };
        let mut accounts = Vec::new();
        for node in nodes {
            let mut cursor: u64 = 0;
            loop {
                let mut scan = redis::cmd("SCAN");
                scan.arg(cursor).arg("MATCH").arg(EVERY_META).arg("COUNT").arg(SCANNED);
                let reply = match (&mut *self, &node) {
                    (Self::Cluster(connection), Some((host, port))) => {
                        let (host, port) = (host.clone(), *port);
                        let node = SingleNodeRoutingInfo::ByAddress { host, port };
                        connection.route_command(scan, RoutingInfo::SingleNode(node)).await
                    }
                    (connection, _) => scan.query_async(connection).await,
                };
                let reply = reply.map_err(|error| fault(&error, false))?;
                let (next, page) = <(u64, Vec<String>)>::from_redis_value(reply)
                    .map_err(|error| fault(&error.into(), false))?;
                accounts.extend(page.iter().filter_map(|key| Keys::account_of(key)));
                cursor = next;
                if cursor == 0 {
                    break;
                }
            }
        }
        Ok(accounts)
    }
}

/// Returns host and port of each primary of a reply to CLUSTER SLOTS.
pub(super) fn primaries(slots: Value) -> BTreeSet<(String, u16)> {
    let Value::Array(ranges) = slots else { return BTreeSet::new() };
    let primary = |range: Value| {
        let Value::Array(range) = range else { return None };
        let Value::Array(node) = range.into_iter().nth(2)? else { return None };
        let mut parts = node.into_iter();
        let host = String::from_redis_value(parts.next()?).ok()?;
        let port = u16::from_redis_value(parts.next()?).ok()?;
        Some((host, port))
    };
    ranges.into_iter().filter_map(primary).collect()
}

/// Who knows where the server is.
enum Guide {
    Server(Client),
    Sentinels(tokio::sync::Mutex<SentinelClient>),
    /// The cluster, and a client for each node that was named: announcements come over one of them.
    Cluster(ClusterClient, Vec<Client>),
}

/// The connection in use: which one it is, and where it leads.
#[derive(Clone)]
struct Present {
    number: u64,
    address: Arc<str>,
    connection: Connection,
}

/// A connection while it is worked on.
pub(super) struct Lease<'c> {
    connector: &'c Connector,
    number: u64,
    /// Where it leads; empty for a cluster.
    pub(super) address: Arc<str>,
    pub(super) connection: Connection,
}

impl Lease<'_> {
    /// Passes a result on. A connection on which the work could not be done is not used again: it broke, or leads to what
    /// is no primary any more.
    pub(super) fn judge<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if matches!(result, Err(StoreError::Unavailable { .. })) {
            self.connector.give_up(self.number);
        }
        result
    }
}

/// Reads that may be done twice: once more on a new connection when the first was broken.
pub(super) struct Twice<'c> {
    connector: &'c Connector,
    again: bool,
    number: u64,
}

impl<'c> Twice<'c> {
    pub(super) const fn on(connector: &'c Connector) -> Self {
        Self { connector, again: true, number: 0 }
    }

    pub(super) async fn connection(&mut self) -> Result<Connection, StoreError> {
        let lease = self.connector.lease().await?;
        self.number = lease.number;
        Ok(lease.connection)
    }

    /// Passes a result on; `None` when the work is to be done once more.
    pub(super) fn judge<T>(
        &mut self,
        result: Result<T, StoreError>,
    ) -> Option<Result<T, StoreError>> {
        if matches!(result, Err(StoreError::Unavailable { .. })) {
            self.connector.give_up(self.number);
            if std::mem::take(&mut self.again) {
                return None;
            }
        }
        Some(result)
    }
}

/// What became of the last attempt to connect.
#[derive(Default)]
struct Line {
    present: Option<Present>,
    made: u64,
    failed: Option<(Instant, RedisError)>,
}

/// One connection, made anew when it breaks.
pub(super) struct Connector {
    guide: Arc<Guide>,
    line: Mutex<Line>,
    connecting: tokio::sync::Mutex<()>,
    encrypted: bool,
    runtime: Handle,
}

impl Connector {
    /// Returns a connector; what connections need of a runtime they have of `runtime`, whoever uses them.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: an address or a certificate is not one.
    pub(super) fn new(options: &RedisOptions, runtime: Handle) -> Result<Self, StoreError> {
        let guide = guide(options).map_err(|error| fault(&error, false))?;
        Ok(Self::of(Arc::new(guide), options.tls.is_some(), runtime))
    }

    fn of(guide: Arc<Guide>, encrypted: bool, runtime: Handle) -> Self {
        let (line, connecting) = (Mutex::default(), tokio::sync::Mutex::default());
        Self { guide, line, connecting, encrypted, runtime }
    }

    /// Returns a connector to the same servers with a connection of its own, for commands that hold others up.
    pub(super) fn apart(&self) -> Self {
        Self::of(self.guide.clone(), self.encrypted, self.runtime.clone())
    }

    fn line(&self) -> std::sync::MutexGuard<'_, Line> {
        // No part of it depends on another.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a connection to work on.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: there is none.
    pub(super) async fn lease(&self) -> Result<Lease<'_>, StoreError> {
        let Present { number, address, connection } =
            self.connection().await.map_err(|error| unreached(&error, self.encrypted))?;
        Ok(Lease { connector: self, number, address, connection })
    }

    fn give_up(&self, number: u64) {
        let mut line = self.line();
        if line.present.as_ref().is_some_and(|present| present.number == number) {
            line.present = None;
        }
    }

    async fn connection(&self) -> RedisResult<Present> {
        let present = || self.line().present.clone();
        if let Some(connection) = present() {
            return Ok(connection);
        }
        let came = Instant::now();
        let _turn = self.connecting.lock().await;
        if let Some(connection) = present() {
            return Ok(connection);
        }
        // Those who waited for an attempt that failed have their answer with it.
        if let Some((at, error)) = &self.line().failed
            && (*at >= came || at.elapsed() < BETWEEN_ATTEMPTS)
        {
            return Err(error.clone());
        }
        let guide = self.guide.clone();
        let made = self.runtime.spawn(async move { connect(&guide).await }).await;
        let made = made.unwrap_or_else(|error| Err(std::io::Error::other(error).into()));
        let mut line = self.line();
        match made {
            Ok((address, connection)) => {
                line.made += 1;
                line.failed = None;
                let present = Present { number: line.made, address: address.into(), connection };
                line.present = Some(present.clone());
                Ok(present)
            }
            Err(error) => {
                line.failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// Returns a subscription to announcements. It ends by itself when nothing was heard of the server for long.
    pub(super) async fn subscribe(&self, channel: &str) -> RedisResult<PubSub> {
        let mut subscription = match &*self.guide {
            Guide::Server(client) => client.get_async_pubsub().await?,
            Guide::Sentinels(sentinels) => {
                let client = sentinels.lock().await.async_get_client().await?;
                client.get_async_pubsub().await?
            }
            // A cluster carries what is published to all of its nodes.
            Guide::Cluster(_, nodes) => {
                let mut result = Err(std::io::Error::other("a cluster has no node").into());
                for node in nodes {
                    result = node.get_async_pubsub().await;
                    if result.is_ok() {
                        break;
                    }
                }
                result?
            }
        };
        subscription.subscribe(channel).await?;
        Ok(subscription)
    }

    /// Returns a connection to a sentinel that answers, and where the primary is said to be; `None` where there are no
    /// sentinels.
    pub(super) async fn sentinel(&self) -> RedisResult<Option<(MultiplexedConnection, String)>> {
        let Guide::Sentinels(sentinels) = &*self.guide else { return Ok(None) };
        let ask = async {
            let mut sentinels = sentinels.lock().await;
            let primary = sentinels.async_get_client().await?;
            let sentinel = sentinels.async_get_sentinel_client().await?;
            let connection = sentinel.get_multiplexed_async_connection().await?;
            RedisResult::Ok((connection, primary.get_connection_info().addr().to_string()))
        };
        tokio::time::timeout(ANSWER, ask).await.map_err(|_| too_late())?.map(Some)
    }

    /// Gives a connection up whose server is not the one the sentinels name now: an old primary that was cut off from
    /// them does not know that there is another.
    ///
    /// # Errors
    /// No sentinel can tell.
    pub(super) async fn look_around(&self) -> RedisResult<()> {
        let Guide::Sentinels(sentinels) = &*self.guide else { return Ok(()) };
        let named = ask_sentinels(sentinels).await?;
        let named = named.get_connection_info().addr().to_string();
        let mut line = self.line();
        if line.present.as_ref().is_some_and(|present| *present.address != *named) {
            tracing::warn!(primary = named, "the sentinels name another primary");
            line.present = None;
        }
        Ok(())
    }
}

async fn ask_sentinels(sentinels: &tokio::sync::Mutex<SentinelClient>) -> RedisResult<Client> {
    let ask = async { sentinels.lock().await.async_get_client().await };
    tokio::time::timeout(ANSWER, ask).await.map_err(|_| too_late())?
}

fn too_late() -> RedisError {
    std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer in time").into()
}

async fn connect(guide: &Guide) -> RedisResult<(String, Connection)> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT))
        .set_response_timeout(Some(ANSWER));
    let client = match guide {
        Guide::Server(client) => client.clone(),
        Guide::Sentinels(sentinels) => ask_sentinels(sentinels).await?,
        Guide::Cluster(client, _) => {
            let connection = client.get_async_connection().await?;
            return Ok((String::new(), Connection::Cluster(connection)));
        }
    };
    let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
    // A replica answers reads as well, from the past perhaps.
    let role: Vec<Value> = redis::cmd("ROLE").query_async(&mut connection).await?;
    match role.first() {
        Some(Value::BulkString(role)) if role == b"master" => {}
        Some(Value::SimpleString(role)) if role == "master" => {}
        Some(Value::BulkString(role)) if role == b"sentinel" => return Err(a_sentinel()),
        _ => return Err(not_primary()),
    }
    let address = client.get_connection_info().addr().to_string();
    Ok((address, Connection::Server(connection)))
}

fn guide(options: &RedisOptions) -> RedisResult<Guide> {
    let keepalive = TcpKeepalive::new().with_time(SILENT).with_interval(SILENT / 5).with_retries(3);
    let tcp = TcpSettings::default()
        .set_nodelay(true)
        .set_keepalive(keepalive)
        .set_user_timeout(SILENT * 2);
    let certificates = options.tls.as_ref().map(|tls| TlsCertificates {
        root_cert: tls.ca.clone(),
        client_tls: tls
            .client
            .clone()
            .map(|(client_cert, client_key)| ClientTlsConfig { client_cert, client_key }),
    });
    let mut user = RedisConnectionInfo::default().set_db(i64::from(options.database));
    if let Some(name) = &options.user.name {
        user = user.set_username(name);
    }
    if let Some(password) = &options.user.password {
        user = user.set_password(password);
    }
    let at = |host: &str, port: u16| match options.tls {
        None => ConnectionAddr::Tcp(host.to_owned(), port),
        Some(_) => ConnectionAddr::TcpTls {
            host: host.to_owned(),
            port,
            insecure: false,
            tls_params: None,
        },
    };
    let info = |addr: ConnectionAddr| -> RedisResult<ConnectionInfo> {
        let info = addr.into_connection_info()?;
        Ok(info.set_redis_settings(user.clone()).set_tcp_settings(tcp.clone()))
    };
    let client = |addr: ConnectionAddr| -> RedisResult<Client> {
        match &certificates {
            None => Client::open(info(addr)?),
            Some(certificates) => Client::build_with_tls(info(addr)?, certificates.clone()),
        }
    };
    Ok(match &options.topology {
        RedisTopology::Single(host, port) => Guide::Server(client(at(host, *port))?),
        RedisTopology::Socket(path) => {
            Guide::Server(Client::open(info(ConnectionAddr::Unix(path.clone()))?)?)
        }
        RedisTopology::Sentinel(nodes, name) => {
            let nodes = nodes.iter().map(|(host, port)| at(host, *port));
            let master = SentinelServerType::Master;
            let mut builder = SentinelClientBuilder::new(nodes, name, master)?
                .set_client_to_redis_db(i64::from(options.database))
                .set_client_to_redis_tcp_settings(tcp.clone())
                .set_client_to_sentinel_tcp_settings(tcp);
            if let Some(name) = &options.user.name {
                builder = builder.set_client_to_redis_username(name);
            }
            if let Some(password) = &options.user.password {
                builder = builder.set_client_to_redis_password(password);
            }
            if let Some(name) = &options.sentinel_user.name {
                builder = builder.set_client_to_sentinel_username(name);
            }
            if let Some(password) = &options.sentinel_user.password {
                builder = builder.set_client_to_sentinel_password(password);
            }
            if let Some(certificates) = certificates {
                builder = builder
                    .set_client_to_redis_tls_mode(TlsMode::Secure)
                    .set_client_to_redis_certificates(certificates.clone())
                    .set_client_to_sentinel_tls_mode(TlsMode::Secure)
                    .set_client_to_sentinel_certificates(certificates);
            }
            Guide::Sentinels(tokio::sync::Mutex::new(builder.build()?))
        }
        RedisTopology::Cluster(nodes) => {
            let infos: Vec<ConnectionInfo> =
                nodes.iter().map(|(host, port)| info(at(host, *port))).collect::<Result<_, _>>()?;
            let clients = nodes
                .iter()
                .map(|(host, port)| client(at(host, *port)))
                .collect::<Result<_, _>>()?;
            let mut builder = ClusterClientBuilder::new(infos)
                .connection_timeout(CONNECT)
                .response_timeout(ANSWER)
                .overall_response_timeout(Some(ANSWER * 2))
                .tcp_settings(tcp)
                .retries(REDIRECTIONS);
            if let Some(certificates) = certificates {
                builder = builder.tls(TlsMode::Secure).certs(certificates);
            }
            Guide::Cluster(builder.build()?, clients)
        }
    })
}
