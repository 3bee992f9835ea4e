//! A cluster of three primaries with a replica each.

use std::{collections::BTreeMap, path::Path};

use super::{
    flavour::Flavour,
    one::{Listen, NODE, Redis},
    process::{free_port, must},
};
use crate::support::server::until;

/// A node that is not heard of for one second has failed. A replica is promoted however long it was cut off, and stays
/// with its primary: tests count on who follows whom.
const SETTINGS: [&str; 8] = [
    "--cluster-enabled",
    "yes",
    "--cluster-node-timeout",
    "1000",
    "--cluster-replica-validity-factor",
    "0",
    "--cluster-allow-replica-migration",
    "no",
];

/// Running nodes; 0 to 2 are the primaries first.
pub(crate) struct Cluster {
    nodes: Vec<Redis>,
    ids: Vec<String>,
}

/// What is known of a node, by its id.
type View = BTreeMap<String, Known>;

#[derive(PartialEq, Eq)]
struct Known {
    has_failed: bool,
    /// As `CLUSTER NODES` has them: `93` or `0-5460`. None for a replica.
    slots: Vec<String>,
}

impl Cluster {
    /// Starts six nodes, makes them a cluster and waits until it is whole and the replicas follow.
    pub(crate) fn start() -> Self {
        let listen = |port| Listen::Cluster(port, free_port());
        let launch = |_| Redis::launch(Flavour::Redis7, listen, Some(NODE), &SETTINGS);
        let nodes: Vec<_> = (0..6).map(launch).collect();
        let addresses: Vec<_> = nodes.iter().map(address).collect();
        let mut arguments = vec!["create"];
        arguments.extend(addresses.iter().map(String::as_str));
        arguments.extend(["--cluster-replicas", "1", "--cluster-yes"]);
        manage(&arguments);
        let ids = nodes.iter().map(|node| node.cli(&["CLUSTER", "MYID"])).collect();
        let cluster = Self { nodes, ids };
        cluster.wait_until_ok();
        for primary in &cluster.nodes[..3] {
            primary.wait_for_replicas(1);
        }
        cluster
    }

    /// Returns a URL that names half of the nodes.
    pub(crate) fn url(&self) -> String {
        let some: Vec<_> = self.nodes[..3].iter().map(address).collect();
        format!("redis+cluster://{}", some.join(","))
    }

    /// Runs a command on a node. One that serves another slot answers `MOVED …`.
    #[track_caller]
    pub(crate) fn cli(&self, node: usize, arguments: &[&str]) -> String {
        self.nodes[node].cli(arguments)
    }

    /// Returns the primary that serves a key, once all living nodes agree on it.
    pub(crate) fn node_of(&self, key: &str) -> usize {
        let living = self.nodes.iter().find(|node| node.is_running()).unwrap();
        let slot: u16 = living.cli(&["CLUSTER", "KEYSLOT", key]).parse().unwrap();
        let serves = |known: &Known| known.slots.iter().any(|range| holds(range, slot));
        let mut found = None;
        until("all living nodes agree on who serves the key", || {
            let view = self.view().unwrap_or_default();
            found = self.ids.iter().position(|id| view.get(id).is_some_and(serves));
            found.is_some()
        });
        found.unwrap()
    }

    /// Moves the first slots of one primary to another, with the keys in them, one slot after the other: about 1400 in
    /// a second. No node may be dead.
    ///
    /// A primary without slots has no vote: of two that are left with some, neither can be replaced.
    pub(crate) fn reshard(&self, slots: usize, from: usize, to: usize) {
        // Nodes that do not agree yet are refused.
        self.wait_until_ok();
        let (entry, slots) = (address(&self.nodes[to]), slots.to_string());
        let (from, to) = (self.ids[from].as_str(), self.ids[to].as_str());
        let which = ["--cluster-from", from, "--cluster-to", to, "--cluster-slots", &slots];
        manage(&[&["reshard", &entry][..], &which, &["--cluster-yes"]].concat());
        self.wait_until_ok();
    }

    /// Cuts the replicas of a primary off from it, as [`Redis::cut_replication`] does.
    pub(crate) fn cut_replicas_of(&self, primary: usize) {
        let port = format!("master_port:{}", self.nodes[primary].port());
        let follows = |node: &&Redis| node.cli(&["INFO", "replication"]).contains(&port);
        let replicas: Vec<_> = self.nodes.iter().filter(follows).collect();
        assert!(!replicas.is_empty(), "node {primary} has replicas");
        for replica in replicas {
            replica.cut_replication();
        }
    }

    /// Lets every node follow its primary again.
    pub(crate) fn allow_replication(&self) {
        self.nodes.iter().for_each(Redis::allow_replication);
    }

    /// Kills a node, as a crash would.
    pub(crate) fn kill(&mut self, node: usize) {
        self.nodes[node].kill();
    }

    /// Starts a node again, and waits until it answers; [`Self::wait_until_ok`] waits until it has found its place.
    pub(crate) fn restart(&mut self, node: usize) {
        self.nodes[node].restart();
    }

    /// Waits until every node runs, all agree on who serves what, and every replica follows its primary.
    pub(crate) fn wait_until_ok(&self) {
        until("the cluster is whole", || {
            let replicates = |node: &Redis| {
                let info = node.cli(&["INFO", "replication"]);
                info.contains("role:master") || info.contains("master_link_status:up")
            };
            self.nodes.iter().all(Redis::is_running)
                && self.view().is_some_and(|view| view.values().all(|known| !known.has_failed))
                && self.nodes.iter().all(replicates)
        });
    }

    /// Waits until the living nodes agree that a node has failed, and that others serve all slots.
    pub(crate) fn wait_until_ok_without(&self, node: usize) {
        until("the cluster is whole without the node", || {
            let is_replaced = |view: View| {
                view.get(&self.ids[node]).is_some_and(|it| it.has_failed && it.slots.is_empty())
            };
            self.view().is_some_and(is_replaced)
        });
    }

    /// Returns what all living nodes see; `None` while they differ, or one of them says that slots are not served.
    fn view(&self) -> Option<View> {
        let mut views = self.nodes.iter().filter(|node| node.is_running()).map(view_of);
        let first = views.next()??;
        views.all(|other| other.as_ref() == Some(&first)).then_some(first)
    }
}

/// Returns what a node sees; `None` when it says that slots are not served.
fn view_of(node: &Redis) -> Option<View> {
    if !node.cli(&["CLUSTER", "INFO"]).contains("cluster_state:ok") {
        return None;
    }
    // <id> <address> <flags> <primary> <ping> <pong> <epoch> <link> <slot>…, and `[93->-<id>]` for one that moves.
    let known = |line: &str| {
        let fields: Vec<_> = line.split(' ').collect();
        let has_failed = fields[2].split(',').any(|flag| flag == "fail");
        let slots = fields[8..].iter().filter(|field| !field.starts_with('['));
        let slots = slots.map(|&field| field.to_owned()).collect();
        (fields[0].to_owned(), Known { has_failed, slots })
    };
    Some(node.cli(&["CLUSTER", "NODES"]).lines().map(known).collect())
}

fn holds(range: &str, slot: u16) -> bool {
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let number = |text: &str| text.parse::<u16>().unwrap();
    (number(first)..=number(last)).contains(&slot)
}

fn address(node: &Redis) -> String {
    format!("127.0.0.1:{}", node.port())
}

/// Runs the manager of clusters that `redis-cli` has in it.
#[track_caller]
fn manage(arguments: &[&str]) {
    must("redis-cli", &[&["--cluster"][..], arguments].concat(), Path::new("."));
}
