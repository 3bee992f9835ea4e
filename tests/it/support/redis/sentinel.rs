//! A primary with two replicas, watched by three Sentinels.

use super::{
    flavour::Flavour,
    one::{Listen, NODE, Redis},
};
use crate::support::server::until;

/// The name the Sentinels know the primary by.
const MASTER: &str = "pai";

/// Sentinel looks around every ten seconds, and greets the others every two: too seldom for a test that waits for
/// it. A machine so busy that Sentinel is not run for two seconds would have it do nothing for thirty (TILT).
///
/// PING-PERIOD stays as it is: what is known of a replica counts as stale after five of them, and with short ones no
/// replica is found good enough to be promoted.
const HASTE: [&str; 10] = [
    "SENTINEL",
    "DEBUG",
    "INFO-PERIOD",
    "200",
    "PUBLISH-PERIOD",
    "200",
    "ASK-PERIOD",
    "100",
    "TILT-TRIGGER",
    "10000",
];

/// Running servers; node 0 is the primary first.
pub(crate) struct Sentinels {
    nodes: Vec<Redis>,
    sentinels: Vec<Redis>,
}

impl Sentinels {
    /// Starts all, with further settings for the three nodes, and waits until the replicas follow and the Sentinels
    /// know each other and all nodes. A primary that is not heard of for one second is replaced.
    pub(crate) fn start(more: &[&str]) -> Self {
        let launch = |configuration: &str, more: &[&str]| {
            Redis::launch(Flavour::Redis7, Listen::Tcp, Some(configuration), more)
        };
        let primary = launch(NODE, more);
        let port = primary.port();
        let follower = format!("{NODE}replicaof 127.0.0.1 {port}\n");
        let nodes = vec![primary, launch(&follower, more), launch(&follower, more)];
        nodes[0].wait_for_replicas(2);

        let watch = format!(
            "sentinel monitor {MASTER} 127.0.0.1 {port} 2
             sentinel down-after-milliseconds {MASTER} 1000
             sentinel failover-timeout {MASTER} 5000
             sentinel parallel-syncs {MASTER} 1
            "
        );
        let sentinels: Vec<_> = (0..3).map(|_| launch(&watch, &["--sentinel"])).collect();
        for sentinel in &sentinels {
            assert_eq!(sentinel.cli(&HASTE), "OK");
        }
        let started = Self { nodes, sentinels };
        started.wait_until_known();
        started
    }

    fn wait_until_known(&self) {
        until("every Sentinel knows the other two and both replicas", || {
            self.sentinels.iter().all(|sentinel| {
                let replicas = sentinel.cli(&["SENTINEL", "REPLICAS", MASTER]);
                replicas.matches("master-link-status\nok\n").count() == 2
                    && sentinel.cli(&["SENTINEL", "CKQUORUM", MASTER]).starts_with("OK 3 usable")
            })
        });
    }

    pub(crate) fn url(&self) -> String {
        let at = |sentinel: &Redis| format!("127.0.0.1:{}", sentinel.port());
        let all: Vec<_> = self.sentinels.iter().map(at).collect();
        format!("redis+sentinel://{}/{MASTER}", all.join(","))
    }

    /// Returns which node the first Sentinel takes for the primary. While a failover goes on the others may think
    /// otherwise.
    pub(crate) fn primary(&self) -> usize {
        self.named_by(&self.sentinels[0])
    }

    fn named_by(&self, sentinel: &Redis) -> usize {
        let address = sentinel.cli(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER]);
        let port: u16 = address.lines().nth(1).unwrap().parse().unwrap();
        self.nodes.iter().position(|node| node.port() == port).unwrap()
    }

    /// Waits until all Sentinels name one other node, and that is one; returns it.
    pub(crate) fn wait_for_primary_other_than(&self, node: usize) -> usize {
        let mut primary = node;
        until("another node is the primary", || {
            let named: Vec<_> = self.sentinels.iter().map(|one| self.named_by(one)).collect();
            primary = named[0];
            primary != node
                && named.iter().all(|&one| one == primary)
                && self.nodes[primary]
                    .try_cli(&["ROLE"])
                    .is_some_and(|role| role.starts_with("master"))
        });
        primary
    }

    /// Has the Sentinels put another node in the primary's place, which lives on as a replica.
    pub(crate) fn fail_over(&self) {
        self.wait_until_calm();
        until("a failover has begun", || {
            self.sentinels[0].cli(&["SENTINEL", "FAILOVER", MASTER]) == "OK"
        });
    }

    /// Runs a command on a node.
    #[track_caller]
    pub(crate) fn cli(&self, node: usize, arguments: &[&str]) -> String {
        self.nodes[node].cli(arguments)
    }

    /// Kills a node, as a crash would; waits for the end of a failover that goes on.
    pub(crate) fn kill(&mut self, node: usize) {
        self.wait_until_calm();
        self.nodes[node].kill();
    }

    /// Starts a node again, and waits until it answers. It comes back as what it was: one that was the primary takes
    /// itself for it until a Sentinel makes it a replica, about a second later.
    pub(crate) fn restart(&mut self, node: usize) {
        self.nodes[node].restart();
    }

    /// Cuts a replica off from its primary, as [`Redis::cut_replication`] does. Sentinel promotes no replica that was cut
    /// off for more than ten seconds when its primary fails.
    pub(crate) fn cut_replication(&self, node: usize) {
        self.nodes[node].cut_replication();
    }

    /// Waits until a node that was made the primary is followed by both others, also such as were cut off.
    pub(crate) fn wait_until_followed(&self, primary: usize) {
        // Sentinel has servers write their settings down, a wrong password as well.
        self.nodes.iter().for_each(Redis::allow_replication);
        until("both replicas follow again", || {
            let info = self.cli(primary, &["INFO", "replication"]);
            info.matches("state=online").count() == 2
        });
    }

    /// A Sentinel that leads a failover cannot end it when the node it has just promoted fails: it waits for that node
    /// for good, and names it to whoever asks. So nodes fail between failovers only.
    fn wait_until_calm(&self) {
        until("no failover goes on", || {
            self.sentinels.iter().all(|sentinel| {
                !sentinel.cli(&["SENTINEL", "MASTER", MASTER]).contains("failover_in_progress")
            })
        });
    }
}
