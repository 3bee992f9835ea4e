//! Scripts that change something, and the replicas that must have it before it is acknowledged.

use std::time::Duration;

use redis::{ErrorKind, RedisResult, ScriptInvocation, ServerErrorKind};

use super::{connect::Connection, fault::fault};
use crate::store::StoreError;

/// How many replicas must have a change, and how long they are waited for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quorum {
    pub(super) replicas: u32,
    pub(super) wait: Duration,
}

/// What a script said, and whether enough replicas have what it wrote.
pub(super) struct Invoked {
    pub(super) reply: Vec<String>,
    pub(super) confirmed: Result<(), StoreError>,
}

/// Runs a script, and waits until as many replicas as are asked for have what it wrote.
///
/// `WAIT` is about the writes of its own connection: on another, or on one to another server, it confirms what nobody
/// wrote. So it is sent together with the script, and whatever becomes of a connection becomes of both: a driver that
/// tries again elsewhere tries both again.
pub(super) async fn invoke(
    script: &ScriptInvocation<'_>,
    quorum: Option<Quorum>,
    connection: &mut Connection,
) -> Result<Invoked, StoreError> {
    let lost = |error| fault(&error, true);
    let Some(quorum) = quorum else {
        let reply = script.invoke_async(connection).await.map_err(lost)?;
        return Ok(Invoked { reply, confirmed: Ok(()) });
    };
    let mut both = redis::pipe();
    both.ignore_errors().invoke_script(script);
    both.cmd("WAIT").arg(quorum.replicas).arg(quorum.wait.as_millis().to_string());
    let mut answers = send(&both, connection).await.map_err(lost)?;
    if answers
        .0
        .as_ref()
        .is_err_and(|error| error.kind() == ErrorKind::Server(ServerErrorKind::NoScript))
    {
        script.load_async(connection).await.map_err(|error| fault(&error, false))?;
        answers = send(&both, connection).await.map_err(lost)?;
    }
    let (reply, replicas) = answers;
    let reply = reply.map_err(lost)?;
    let confirmed = replicas.map_err(lost).and_then(|replicas| quorum.reached(replicas));
    Ok(Invoked { reply, confirmed })
}

type Answers = (RedisResult<Vec<String>>, RedisResult<u32>);

async fn send(both: &redis::Pipeline, connection: &mut Connection) -> RedisResult<Answers> {
    both.query_async(connection).await
}

impl Quorum {
    fn reached(self, replicas: u32) -> Result<(), StoreError> {
        if replicas >= self.replicas {
            return Ok(());
        }
        let Self { replicas: needed, wait } = self;
        Err(StoreError::Unavailable {
            may_be_applied: true,
            detail: format!(
                "{replicas} of {needed} replicas confirmed the change in {wait:?}: see that they follow"
            ),
        })
    }
}
