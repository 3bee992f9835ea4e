//! Answers requests for decisions.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc, time::Duration};

use tokio::sync::Semaphore;

use super::{
    Accounts, Keyring, Queues, Row, Simulate, Verifier, View,
    place::Present,
    tally::Tally,
    turn::{self, Held},
};
use crate::{
    catalog::catalog,
    domain::{
        AccountId, ActionId, ContextValue, Decision, Effect, Fault, Invalid, InvalidKind,
        PrincipalKind, Question, Request, Revision, Scalar,
    },
    engine::{Brief, NoSuggestion, Suggestion},
    error::Error,
    ram::{keys, value::moment_text},
};

/// A decision and the revision it was made at.
#[derive(Debug, Clone)]
pub struct Judged<T> {
    /// The decision, or the decisions in the order of the requests.
    pub answer: T,
    /// The revision of all of them.
    pub revision: Revision,
}

/// What is asked, and the view to answer it from.
#[derive(Debug)]
pub struct Asked<'q> {
    pub(super) request: Request<'q>,
    pub(super) view: Present,
    pub(super) _held: Option<Held>,
}

/// What is asked in a batch: the question and the revision it demands, or why it could not be read.
pub type Item<'a, 'q> = Result<(&'a Question<'q>, Option<&'a str>), Invalid>;

/// Answers requests for decisions, each on one view of an account.
#[derive(Debug, Clone)]
pub struct Authorizer {
    pub(super) accounts: Arc<Accounts>,
    keyring: Arc<Keyring>,
    wait: Duration,
    simulations: Arc<Semaphore>,
    /// Which accounts have some of them under way.
    simulating: Arc<Queues<AccountId>>,
    pub(super) verifier: Option<Arc<Verifier>>,
}

impl Authorizer {
    /// How many simulations, explanations and checks of documents run at once.
    const SIMULATIONS: usize = 2;

    /// How many of them an account may have, all but one waiting.
    const QUEUE: usize = 512;

    /// Most requests in a batch.
    pub const MAX_BATCH: usize = 1_000;

    /// Returns an authorizer that waits up to `wait` for a demanded revision.
    #[must_use]
    pub fn new(accounts: Arc<Accounts>, keyring: Arc<Keyring>, wait: Duration) -> Self {
        let simulations = Arc::new(Semaphore::new(Self::SIMULATIONS));
        let simulating = Queues::new(Self::QUEUE);
        Self { accounts, keyring, wait, simulations, simulating, verifier: None }
    }

    /// Returns it with some of its decisions judged anew by Cedar alone.
    #[must_use]
    pub fn verified_by(self, verifier: Option<Arc<Verifier>>) -> Self {
        Self { verifier, ..self }
    }

    /// Returns the decision on one request, at least as fresh as the revision token `at_least`.
    ///
    /// # Errors
    /// - The field of the question that is missing or wrong.
    /// - [`crate::error::ErrorCode::InvalidRevision`]: `at_least` was not given out for this account.
    /// - [`crate::error::ErrorCode::ReplicaStale`]: that revision did not arrive in time; nothing was decided.
    pub async fn is_authorized(
        &self,
        account: &AccountId,
        question: Question<'_>,
        at_least: Option<&str>,
    ) -> Result<Judged<Decision<'static>>, Error> {
        let mut asked = self.asked(account, question, at_least).await?;
        let answer = self.decide(&mut asked).0.into_owned();
        Ok(Judged { answer, revision: asked.view.revision() })
    }

    /// Returns what is asked, and the view to answer it from, at least as fresh as the revision token `at_least`.
    ///
    /// # Errors
    /// As [`Authorizer::is_authorized`].
    pub async fn asked<'q>(
        &self,
        account: &AccountId,
        question: Question<'q>,
        at_least: Option<&str>,
    ) -> Result<Asked<'q>, Error> {
        let demanded = at_least.map(|token| self.demanded(account, token)).transpose()?;
        let request = self.accounts.engine().resolve(account, question)?;
        let mut view = self.view(account, demanded).await?;
        let mut held = None;
        if turn::is_slow(account) && view.snapshot.settled(&request).is_none() {
            held = self.turn(account).await?;
            // Changes may have come meanwhile.
            view = self.view(account, demanded).await?;
        }
        view.check_readable(request.resource.workspace())?;
        Ok(Asked { request, view, _held: held })
    }

    /// Returns whether decisions of an account were long of late on this thread: then [`Self::turn`] comes before one.
    #[must_use]
    pub fn is_slow(&self, account: &AccountId) -> bool {
        turn::is_slow(account)
    }

    /// Lets others have their turn before a decision of an account whose decisions were long of late, and waits for its own, which lasts
    /// until what is returned is dropped.
    ///
    /// # Errors
    /// [`crate::error::ErrorCode::Throttled`] when the account has too much under way that is long.
    pub async fn turn(&self, account: &AccountId) -> Result<Option<Held>, Error> {
        turn::before_decision(account).await
    }

    /// Returns the decision on what is asked, and the opaque form of the revision it is made at.
    pub fn decide<'a>(&self, asked: &'a mut Asked<'_>) -> (Decision<'a>, &'a str) {
        let Asked { view, request, .. } = asked;
        (self.judge(view, request).0, self.revision_of(view))
    }

    pub(super) fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// Refuses a principal whose type or id is wrong, and a context that is.
    ///
    /// # Errors
    /// Which of them.
    pub fn check_asker(
        &self,
        account: &AccountId,
        (kind, id): (&str, &str),
        context: &BTreeMap<String, ContextValue>,
    ) -> Result<(), Invalid> {
        let engine = self.accounts.engine();
        engine.principal(account, kind, id)?;
        engine.check_context(context)
    }

    /// Returns the request a question asks.
    pub(super) fn resolve<'q>(
        &self,
        account: &AccountId,
        question: Question<'q>,
    ) -> Result<Request<'q>, Invalid> {
        self.accounts.engine().resolve(account, question)
    }

    /// Returns the decision on a request that nobody asked by itself: it is not counted.
    pub(super) fn judge_quietly<'v>(
        &self,
        view: &'v View,
        request: &mut Request<'_>,
    ) -> Decision<'v> {
        view.snapshot.settled(request).unwrap_or_else(|| {
            self.tell_time(&mut request.context);
            view.snapshot.is_authorized(request)
        })
    }

    /// Returns the decision on a request, and whether it was looked up.
    fn judge<'v>(&self, view: &'v Arc<View>, request: &mut Request<'_>) -> (Decision<'v>, bool) {
        let settled = view.snapshot.settled(request);
        let was_looked_up = settled.is_some();
        let decision = settled.unwrap_or_else(|| {
            self.tell_time(&mut request.context);
            turn::noted(view.account(), || view.snapshot.is_authorized(request))
        });
        if let Some(verifier) = self.due() {
            verifier.take(view, request, &decision);
        }
        log(view.account(), &decision, Some(request.action));
        (decision, was_looked_up)
    }

    #[inline]
    fn due(&self) -> Option<&Verifier> {
        self.verifier.as_deref().filter(|verifier| verifier.is_due())
    }

    /// Has a decision that was looked up judged anew, where that is due.
    #[inline]
    fn verify(&self, view: &Arc<View>, question: &Question<'_>, decision: &Decision<'_>) {
        if let Some(verifier) = self.due()
            && let Ok(request) = self.resolve(view.account(), *question)
        {
            verifier.take(view, &request, decision);
        }
    }

    /// Adds when it is asked, for conditions on it, unless the caller says so itself.
    pub(super) fn tell_time(&self, context: &mut Cow<'_, BTreeMap<String, ContextValue>>) {
        let says = |key: &String| key.eq_ignore_ascii_case(keys::CURRENT_TIME);
        if !context.keys().any(says) {
            let now = self.accounts.clock().now().as_millis();
            if let Some(text) = i64::try_from(now).ok().and_then(moment_text) {
                let now = ContextValue::One(Scalar::String(text));
                context.to_mut().insert(keys::CURRENT_TIME.to_owned(), now);
            }
        }
    }

    /// Returns the decision on one request as [`Authorizer::is_authorized`], and the smallest statement that would allow
    /// what is denied, or why there is none.
    ///
    /// # Errors
    /// As [`Authorizer::is_authorized`].
    pub async fn suggest(
        &self,
        account: &AccountId,
        question: Question<'_>,
        at_least: Option<&str>,
    ) -> Result<Judged<(Decision<'static>, Result<Suggestion, NoSuggestion>)>, Error> {
        let mut asked = self.asked(account, question, at_least).await?;
        let decision = self.decide(&mut asked).0.into_owned();
        let Asked { mut request, view, .. } = asked;
        self.tell_time(&mut request.context);
        let answer = (decision, view.snapshot.suggest(&request));
        Ok(Judged { answer, revision: view.revision() })
    }

    /// Returns what documents say, beside those that are attached to `principal`, its type and id, where one is named; told by `tell`
    /// where nobody waits for it.
    ///
    /// # Errors
    /// As [`Simulate::run`]; a principal that is not known; [`crate::error::ErrorCode::ReplicaStale`] and
    /// [`crate::error::ErrorCode::Unavailable`] where one is named.
    pub async fn simulate<T: Send + 'static>(
        &self,
        account: &AccountId,
        principal: Option<(&str, &str)>,
        asked: Simulate,
        tell: impl FnOnce(Vec<Row>) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let engine = self.accounts.engine().clone();
        let (held, arn) = match principal {
            None => (Vec::new(), None),
            Some((kind, id)) => {
                let view = self.view(account, None).await?;
                let unknown = || {
                    let help = "give type and id of a user or role of the account";
                    Invalid::value("principal.id", id, "a known principal", help)
                };
                let principal = engine.principal(account, kind, id)?;
                if principal.kind == PrincipalKind::Account {
                    let help = "no document reaches the main account: it may do everything";
                    return Err(Invalid::value("principal", id, "a user or role", help).into());
                }
                let arn = view.snapshot.principal_arn(&principal).ok_or_else(unknown)?;
                (view.snapshot.documents(&principal)?, Some(arn))
            }
        };
        // Documents are compiled and judged whole: that takes its time.
        let whose = account.clone();
        let run = move || {
            let whom = arn.as_deref().map(|arn| (&whose, arn));
            asked.run(&engine, &held, whom).map(tell)
        };
        Ok(self.apart(account, run).await??)
    }

    /// Runs what takes its time on a thread of its own, few of them at once, and one of an account: others of that account wait for it.
    ///
    /// # Errors
    /// [`crate::error::ErrorCode::Throttled`] when the account has too much of it under way.
    pub async fn apart<T: Send + 'static>(
        &self,
        account: &AccountId,
        run: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let admitted = self.simulating.admit(account)?;
        let turn = admitted.turn().await;
        let permit = self.simulations.clone().acquire_owned().await;
        let permit = permit.map_err(|error| Error::internal(&error.to_string()))?;
        let run = move || {
            // Until it is done, whether or not somebody still waits. The turn ends before the place in the queue.
            let _permits = (permit, turn, admitted);
            run()
        };
        let done = tokio::task::spawn_blocking(run).await;
        done.map_err(|error| Error::internal(&format!("a thread of its own: {error}")))
    }

    /// Decides what is asked on `view`, and tells the decision; `None` where that view is not as fresh as the revision token
    /// `at_least`, or the decision may take so long that others have their turn before.
    ///
    /// # Errors
    /// As [`Authorizer::is_authorized`].
    #[inline]
    pub fn decide_on<'v, T>(
        &self,
        view: &'v Arc<View>,
        (question, at_least): (&Question<'_>, Option<&str>),
        tell: impl FnOnce(&Decision<'v>) -> T,
    ) -> Result<Option<T>, Error> {
        let account = view.account();
        let demanded = at_least.map(|token| self.demanded(account, token)).transpose()?;
        let brief = self.accounts.engine().brief(account, *question).map_err(|it| *it)?;
        let is_stale = demanded.is_some_and(|revision| view.revision() < revision);
        if is_stale || (turn::is_slow(account) && view.snapshot.look_up(&brief).is_none()) {
            return Ok(None);
        }
        Ok(Some(self.judge_brief(view, &brief, question, tell)?.0))
    }

    /// Decides what is asked and was found sound, tells the decision, and returns whether it was looked up.
    ///
    /// # Errors
    /// A workspace that cannot be read now.
    #[inline]
    fn judge_brief<'v, T>(
        &self,
        view: &'v Arc<View>,
        brief: &Brief,
        question: &Question<'_>,
        tell: impl FnOnce(&Decision<'v>) -> T,
    ) -> Result<(T, bool), Error> {
        if view.is_whole()
            && let Some(settled) = view.snapshot.look_up(brief)
        {
            let decision = settled.into();
            self.verify(view, question, &decision);
            log(view.account(), &decision, Some(brief.action()));
            return Ok((tell(&decision), true));
        }
        let mut request = self.resolve(view.account(), *question)?;
        view.check_readable(request.resource.workspace())?;
        let (decision, was_looked_up) = self.judge(view, &mut request);
        Ok((tell(&decision), was_looked_up))
    }

    /// Returns the view to answer a batch from: at least as fresh as every revision demanded, by `at_least` for all, or
    /// beside a question. Tokens beside questions that are wrong are theirs to answer for.
    ///
    /// # Errors
    /// - [`crate::error::ErrorCode::InvalidRevision`]: `at_least` was not given out for this account.
    /// - [`crate::error::ErrorCode::ReplicaStale`]: a demanded revision did not arrive in time; nothing was decided.
    pub async fn view_for<'q>(
        &self,
        account: &AccountId,
        at_least: Option<&str>,
        beside: impl Iterator<Item = &'q str>,
    ) -> Result<Present, Error> {
        let for_all = at_least.map(|token| self.demanded(account, token)).transpose()?;
        let beside = beside.filter_map(|token| self.demanded(account, token).ok());
        self.view(account, for_all.into_iter().chain(beside).max()).await
    }

    /// Decides what is asked in a batch, tells the decision, and returns whether it was looked up. A request that alone would be
    /// refused is denied with the reason.
    ///
    /// # Errors
    /// A workspace that cannot be read now: then the whole batch has no answer.
    #[inline]
    pub fn decide_item<'v, T>(
        &self,
        view: &'v Arc<View>,
        item: Item<'_, '_>,
        tell: impl FnOnce(&Decision<'v>) -> T,
    ) -> Result<(T, bool), Error> {
        let account = view.account();
        let refused = match item {
            Ok((question, at_least)) => {
                let sound = at_least.map_or(Ok(()), |it| self.demanded(account, it).map(drop));
                let brief = || Ok(self.accounts.engine().brief(account, *question)?);
                match sound.and_then(|()| brief()) {
                    Ok(brief) => return self.judge_brief(view, &brief, question, tell),
                    Err(invalid) => invalid,
                }
            }
            Err(invalid) => invalid,
        };
        let decision = Decision::error(Fault::Request(Box::new(refused)));
        log(account, &decision, None);
        Ok((tell(&decision), true))
    }

    /// Returns the revision behind a token.
    pub(super) fn demanded(&self, account: &AccountId, token: &str) -> Result<Revision, Invalid> {
        self.keyring.read_revision(account, token).ok_or_else(|| {
            let help = "give a `revision` as an answer of this service carried it, unedited";
            Invalid::value("atLeastAsFresh", token, "a revision of this account", help)
                .with_kind(InvalidKind::InvalidRevision)
        })
    }

    async fn view(
        &self,
        account: &AccountId,
        demanded: Option<Revision>,
    ) -> Result<Present, Error> {
        self.accounts.fresh_view(account, demanded, self.wait).await
    }

    /// Returns the present view of an account, where there is one to decide on now.
    #[must_use]
    pub fn view_at_once(&self, account: &AccountId) -> Option<Present> {
        self.accounts.view_at_once(account)
    }

    /// Returns the opaque form of the revision of a view, made once for all who ask on it.
    pub fn revision_of<'v>(&self, view: &'v View) -> &'v str {
        view.revision_text(|| self.keyring.revision_token(view.account(), view.revision()))
    }

    /// Returns the opaque form of a revision.
    #[must_use]
    pub fn revision_token(&self, account: &AccountId, revision: Revision) -> String {
        self.keyring.revision_token(account, revision)
    }
}

/// Counts a decision, and leaves one line per denial; the request id stands on the span around it. A request that could not be read has no
/// action.
fn log(account: &AccountId, decision: &Decision<'_>, action: Option<ActionId>) {
    Tally::add_one(decision.reason);
    if decision.effect() == Effect::Deny && tracing::enabled!(tracing::Level::DEBUG) {
        let action = action.and_then(|id| catalog().action(id)).map_or("?", |a| a.name);
        tracing::debug!(%account, action, reason = decision.reason.as_str(), "denied");
    }
}
