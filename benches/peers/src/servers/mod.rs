//! The peers: each a server process of its own with its requests, and what they have in common.

pub(crate) mod casbin;
pub(crate) mod cedar;
pub(crate) mod cerbos;
pub(crate) mod pai_authz;
mod process;
mod shell;

use anyhow::Context as _;
use clap::ValueEnum;

use crate::{
    client::{Connection, Requests},
    workload::{Check, Workload},
};

pub(crate) use process::{Process, Spawn};
pub(crate) use shell::serve;

/// Who is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// The service of this project.
    PaiAuthz,
    /// Cedar judging all policies, entities and request built for each check.
    CedarPlain,
    /// Cedar judging those that can matter.
    CedarSlice,
    /// casbin in memory.
    Casbin,
    /// The Cerbos server.
    Cerbos,
}

impl Kind {
    /// All of them, pai-authz first.
    pub(crate) const ALL: [Self; 5] =
        [Self::PaiAuthz, Self::CedarPlain, Self::CedarSlice, Self::Casbin, Self::Cerbos];

    /// Returns how it is called.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::PaiAuthz => "pai-authz",
            Self::CedarPlain => "cedar-plain",
            Self::CedarSlice => "cedar-slice",
            Self::Casbin => "casbin",
            Self::Cerbos => "cerbos",
        }
    }

    /// Returns the requests of the workload as this peer takes them: one check each, and batches.
    pub(crate) fn requests(self, workload: &Workload) -> (Requests, Requests) {
        let one: fn(&Check) -> Vec<u8> = match self {
            Self::PaiAuthz => pai_authz::one,
            Self::CedarPlain | Self::CedarSlice | Self::Casbin => shell::one,
            Self::Cerbos => |check| cerbos::request(std::slice::from_ref(check)),
        };
        let batch: fn(&[Check]) -> Vec<u8> = match self {
            Self::PaiAuthz => pai_authz::batch,
            Self::CedarPlain | Self::CedarSlice | Self::Casbin => shell::batch,
            Self::Cerbos => cerbos::request,
        };
        let batches = workload.batches.iter().map(|checks| batch(checks));
        (workload.checks.iter().map(one).collect(), batches.collect())
    }

    /// Reads the decisions of an answer, in the order of the question.
    fn decisions(self, body: &str) -> anyhow::Result<Vec<bool>> {
        match self {
            Self::Cerbos => cerbos::decisions(body),
            _ => pai_authz::decisions(body),
        }
    }
}

/// A peer that runs.
#[derive(Debug)]
pub(crate) struct Peer {
    /// Which.
    pub(crate) kind: Kind,
    /// Its version.
    pub(crate) version: String,
    /// Its process.
    pub(crate) process: Process,
    /// One check each.
    pub(crate) singles: Requests,
    /// Many checks each.
    pub(crate) batches: Requests,
}

impl Peer {
    /// Asks every check and every batch once and compares with what is expected.
    ///
    /// # Errors
    /// The first decision that differs: what is compared would not be the same.
    pub(crate) async fn agree(&self, workload: &Workload) -> anyhow::Result<()> {
        let mut connection = Connection::open(self.process.address).await?;
        let singles = workload.checks.chunks(1).zip(self.singles.iter());
        let batches = workload.batches.iter().map(Vec::as_slice).zip(self.batches.iter());
        for (checks, request) in singles.chain(batches) {
            let body = connection.body(request).await?;
            let decisions = self.kind.decisions(&body).with_context(|| body.clone())?;
            anyhow::ensure!(
                decisions.len() == checks.len(),
                "{} checks, {} decisions: {body}",
                checks.len(),
                decisions.len()
            );
            for (check, is_allowed) in checks.iter().zip(decisions) {
                anyhow::ensure!(
                    is_allowed == check.is_allowed,
                    "{} decides {is_allowed} on {check:?}: {body}",
                    self.kind.name()
                );
            }
        }
        Ok(())
    }
}
