//! Batches that are decided while they are read: what is looked up needs nothing kept, and is nearest just then.

use std::sync::Arc;

use super::{Authorizer, Verifier, View, tally::Tally, verify::Samples};
use crate::{
    domain::{Question, Settled},
    engine::LookUps,
};

impl Authorizer {
    /// Begins to decide a batch on `view` while it is read; `None` where each decision has more to it than to be looked up.
    #[must_use]
    pub fn while_reading<'v>(&'v self, view: &'v Arc<View>) -> Option<WhileReading<'v>> {
        let is_plain = view.is_whole() && !tracing::enabled!(tracing::Level::DEBUG);
        let samples = self.verifier.as_deref().map(Verifier::samples);
        is_plain.then(|| WhileReading {
            authorizer: self,
            view,
            look_ups: LookUps::new(&view.snapshot),
            made: Tally::default(),
            samples,
        })
    }
}

/// A batch that is decided while it is read. Nothing of it counts before its end: where something is to be waited for, or is wrong,
/// it is begun anew, another way.
#[derive(Debug)]
pub struct WhileReading<'v> {
    authorizer: &'v Authorizer,
    view: &'v Arc<View>,
    look_ups: LookUps<'v>,
    made: Tally,
    samples: Option<Samples<'v>>,
}

impl<'v> WhileReading<'v> {
    /// Begins to look up what is asked, and tells a decision that was begun before, if one has come to its end; `None` where
    /// one is not settled so, or a revision is demanded that is not there.
    ///
    /// `ask` says the question and the revision. It is asked again for a sample: a question that is kept for that is written down,
    /// whether there is one or not.
    #[inline]
    #[must_use]
    pub fn look_up<'q>(
        &mut self,
        ask: impl Fn() -> (Question<'q>, Option<&'q str>),
        tell: impl FnOnce(Settled<'v>),
    ) -> Option<()> {
        let (question, at_least) = ask();
        self.check(at_least)?;
        let Self { authorizer, view, look_ups, made, samples } = self;
        authorizer.accounts.engine().soon(&question);
        // Meanwhile.
        look_ups.step(|settled| {
            note(made, samples.as_mut(), view, settled);
            tell(settled);
        })?;
        // Looked at where it was written: words that are written apart are not soon read together.
        let brief = authorizer.accounts.engine().sound_brief(view.account(), question);
        let brief = brief.as_ref()?;
        if let Some(samples) = samples {
            let asked = || authorizer.resolve(view.account(), ask().0).ok();
            samples.begin(|| asked().map(|request| request.keep()))?;
        }
        look_ups.begin(brief)
    }

    /// Ends it, and tells the decisions that are left: all were made. `None` as for [`Self::look_up`], or where all demand a
    /// revision that is not there.
    #[must_use]
    pub fn end(mut self, at_least: Option<&str>, mut tell: impl FnMut(Settled<'v>)) -> Option<()> {
        self.check(at_least)?;
        self.look_ups.end(|settled| {
            note(&mut self.made, self.samples.as_mut(), self.view, settled);
            tell(settled);
        })?;
        self.made.add();
        self.samples.into_iter().for_each(Samples::end);
        Some(())
    }

    #[inline]
    fn check(&self, at_least: Option<&str>) -> Option<()> {
        at_least.map_or(Some(()), |token| self.check_token(token))
    }

    fn check_token(&self, token: &str) -> Option<()> {
        let demanded = self.authorizer.demanded(self.view.account(), token).ok()?;
        (demanded <= self.view.revision()).then_some(())
    }
}

/// Takes note of a decision that is told.
#[inline]
fn note(
    made: &mut Tally,
    samples: Option<&mut Samples<'_>>,
    view: &Arc<View>,
    settled: Settled<'_>,
) {
    made.count(settled.answer.reason());
    if let Some(samples) = samples {
        samples.tell(view, settled);
    }
}
