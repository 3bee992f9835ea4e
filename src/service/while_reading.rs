//! Batches that are decided while they are read: what is looked up needs nothing kept, and is nearest just then.

use std::sync::Arc;

use super::{Authorizer, Verifier, View, tally::Tally, verify::Samples};
use crate::domain::{Decision, Question};

impl Authorizer {
    /// Begins to decide a batch on `view` while it is read; `None` where each decision has more to it than to be looked up.
    #[must_use]
    pub fn while_reading<'v>(&'v self, view: &'v Arc<View>) -> Option<WhileReading<'v>> {
        let is_plain = view.is_whole() && !tracing::enabled!(tracing::Level::DEBUG);
        let samples = self.verifier.as_deref().map(Verifier::samples);
        is_plain.then(|| WhileReading { authorizer: self, view, made: Tally::default(), samples })
    }
}

/// A batch that is decided while it is read. Nothing of it counts before its end: where something is to be waited for, or is wrong,
/// it is begun anew, another way.
#[derive(Debug)]
pub struct WhileReading<'v> {
    authorizer: &'v Authorizer,
    view: &'v Arc<View>,
    made: Tally,
    samples: Option<Samples<'v>>,
}

impl<'v> WhileReading<'v> {
    /// Looks up what is asked, and tells the decision; `None` where it is not settled so, or a revision is demanded that is not
    /// there.
    #[inline]
    #[must_use]
    pub fn look_up(
        &mut self,
        (question, at_least): (&Question<'_>, Option<&str>),
        tell: impl FnOnce(&Decision<'v>),
    ) -> Option<()> {
        self.check(at_least)?;
        let Self { authorizer, view, made, samples } = self;
        let brief = authorizer.accounts.engine().brief(view.account(), question).ok()?;
        let decision = view.snapshot.look_up(&brief)?;
        if let Some(samples) = samples
            && samples.is_due()
        {
            let request = authorizer.resolve(view.account(), question.clone()).ok()?;
            samples.take(view, &request, &decision);
        }
        made.count(decision.reason);
        tell(&decision);
        Some(())
    }

    /// Ends it: its decisions were made. `None` where all demand a revision that is not there.
    #[must_use]
    pub fn end(self, at_least: Option<&str>) -> Option<()> {
        self.check(at_least)?;
        self.made.add();
        self.samples.into_iter().for_each(Samples::end);
        Some(())
    }

    fn check(&self, at_least: Option<&str>) -> Option<()> {
        let Some(token) = at_least else { return Some(()) };
        let demanded = self.authorizer.demanded(self.view.account(), token).ok()?;
        (demanded <= self.view.revision()).then_some(())
    }
}
