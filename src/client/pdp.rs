//! Decisions for a service written in Rust: questions and answers with types, and failures that are never an Allow.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::{Answer, Batch, ClientError, Question, Target, http, transport};

/// The pause before the first repetition; it doubles for each after that.
const PAUSE: Duration = Duration::from_millis(10);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

type Token = Arc<dyn Fn() -> String + Send + Sync>;

/// A running service that is asked for decisions. Clones share its connections.
///
/// ```no_run
/// # async fn stop(user: &str, job: &str) -> Result<(), Box<dyn std::error::Error>> {
/// use pai_authz::client::{Pdp, Question};
///
/// let pdp = Pdp::builder("http://127.0.0.1:8080").token("dev-token").build()?;
/// let question = Question::new(user, "PaiDLC:StopJob")
///     .in_workspace("10001")
///     .on("job", job)
///     .created_by("2002")
///     .private();
/// // Whatever goes wrong is an error, and `?` does not stop the job.
/// if pdp.is_authorized(&question).await?.is_allowed() {
///     // Stop it.
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Pdp {
    http: reqwest::Client,
    target: Target,
    token: Option<Token>,
    timeout: Duration,
    retries: u32,
}

impl fmt::Debug for Pdp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pdp")
            .field("url", &self.target.url)
            .field("uds", &self.target.uds)
            .field("timeout", &self.timeout)
            .field("retries", &self.retries)
            .finish_non_exhaustive()
    }
}

/// How a service is asked.
#[derive(Clone)]
#[must_use]
pub struct PdpBuilder {
    url: String,
    uds: Option<PathBuf>,
    token: Option<Token>,
    timeout: Duration,
    retries: u32,
}

impl fmt::Debug for PdpBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PdpBuilder").field("url", &self.url).finish_non_exhaustive()
    }
}

impl PdpBuilder {
    /// Asks over a Unix socket instead of the host of the URL.
    pub fn unix_socket(mut self, path: impl Into<PathBuf>) -> Self {
        self.uds = Some(path.into());
        self
    }

    /// Authenticates with a bearer token.
    pub fn token(self, token: impl Into<String>) -> Self {
        let token = token.into();
        self.token_provider(move || token.clone())
    }

    /// Authenticates with the bearer token that `provider` returns at each request, so that a token can be replaced while
    /// the service runs. It must be quick.
    pub fn token_provider(mut self, provider: impl Fn() -> String + Send + Sync + 'static) -> Self {
        self.token = Some(Arc::new(provider));
        self
    }

    /// Sets how long an answer may take, repetitions included. One second unless it is set.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Repeats a request up to that many times when the service says 503 or a connection breaks before an answer, after a
    /// pause of random length that doubles. Asking for a decision changes nothing, so it may be asked again. None unless
    /// it is set.
    pub const fn with_retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// Returns the client; nothing is connected to yet.
    ///
    /// # Errors
    /// [`ClientError::Url`] or [`ClientError::Unreachable`] when URL or socket cannot be used.
    pub fn build(self) -> Result<Pdp, ClientError> {
        let target = Target { url: self.url, uds: self.uds, token: None };
        // What ends one attempt ends all of them; this is for what is left behind.
        let http = http(&target, self.timeout.saturating_add(Duration::from_secs(1)))?;
        let (token, timeout, retries) = (self.token, self.timeout, self.retries);
        Ok(Pdp { http, target, token, timeout, retries })
    }
}

impl Pdp {
    /// Begins a client of the service at a base URL, for example `http://127.0.0.1:8080`.
    pub fn builder(url: impl Into<String>) -> PdpBuilder {
        PdpBuilder {
            url: url.into(),
            uds: None,
            token: None,
            timeout: Duration::from_secs(1),
            retries: 0,
        }
    }

    /// Asks one question.
    ///
    /// # Errors
    /// [`ClientError`] whenever there is no decision: then the action must not be taken. [`ClientError::Refused`] tells by code
    /// and field what to correct.
    pub async fn is_authorized(&self, question: &Question) -> Result<Answer, ClientError> {
        let body = question.to_json().to_string();
        let value = self.ask("/v1/is-authorized", body).await?;
        Answer::read(&value).map_err(|detail| self.unexpected(detail))
    }

    /// Asks up to 1,000 questions at once, answered on one revision. A question that cannot be answered is denied in its place,
    /// with what is wrong in [`Answer::faults`].
    ///
    /// # Errors
    /// [`ClientError`] whenever there are no decisions: then none of the actions must be taken.
    pub async fn batch(&self, questions: &[Question]) -> Result<Batch, ClientError> {
        let items: Vec<Value> = questions.iter().map(Question::to_json).collect();
        let body = json!({ "requests": items }).to_string();
        let value = self.ask("/v1/batch-is-authorized", body).await?;
        Batch::read(&value, questions.len()).map_err(|detail| self.unexpected(detail))
    }

    async fn ask(&self, path: &str, body: String) -> Result<Value, ClientError> {
        let asked = tokio::time::timeout(self.timeout, self.attempts(path, body)).await;
        asked.unwrap_or_else(|_| {
            Err(ClientError::TimedOut { url: self.target.shown(), after: self.timeout })
        })
    }

    async fn attempts(&self, path: &str, body: String) -> Result<Value, ClientError> {
        let url = self.target.join(path);
        let mut pause = PAUSE;
        let mut left = self.retries;
        loop {
            let mut request = self.http.post(&url).header("Content-Type", "application/json");
            if let Some(token) = &self.token {
                request = request.bearer_auth(token());
            }
            let error = match transport(&self.target, request.body(body.clone())).await {
                Ok((200, value)) => return Ok(value),
                Ok((status, _)) => {
                    return Err(self.unexpected(format!("a decision has status 200, not {status}")));
                }
                Err(error) => error,
            };
            if left == 0 || !error.may_pass() {
                return Err(error);
            }
            left -= 1;
            tokio::time::sleep(jittered(pause)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn unexpected(&self, detail: String) -> ClientError {
        ClientError::Unexpected { url: self.target.shown(), detail }
    }
}

/// Returns a random part of `pause`, at least half: many clients must not come back at once.
fn jittered(pause: Duration) -> Duration {
    let (random, _) = uuid::Uuid::new_v4().as_u64_pair();
    let part = u32::try_from(random >> 32).unwrap_or(u32::MAX);
    pause / 2 + (pause / 2).mul_f64(f64::from(part) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_differ_and_are_at_least_half() {
        let pauses: Vec<Duration> = (0..100).map(|_| jittered(PAUSE)).collect();
        assert!(pauses.iter().all(|pause| *pause >= PAUSE / 2 && *pause <= PAUSE), "{pauses:?}");
        assert!(pauses.iter().any(|pause| *pause != pauses[0]));
    }
}
