//! What a principal's RAM documents say of a request that they do not decide.

use std::{cmp::Reverse, collections::BTreeMap};

use super::{
    Asked, Differs,
    near::{Found, What, rank},
    source,
};
use crate::{
    engine::{Document, ram::Statement},
    ram::{document::Effect, keys},
};

impl Asked<'_> {
    /// Returns the statements that name the action, each with its document.
    fn about(&self) -> impl Iterator<Item = (&Document, &Statement)> {
        let action = self.request.action;
        let documents = self.documents.iter().flatten().filter(move |it| it.names(action));
        let all = documents.flat_map(|it| it.statements().iter().map(move |s| (&**it, s)));
        all.filter(move |(_, statement)| statement.names(action))
    }

    fn arn(&self) -> String {
        let engine = &self.snapshot.engine;
        engine.arn(&self.snapshot.account, self.request.action, &self.request.resource)
    }

    /// Finds statements that would allow the request, but for the resource or for conditions.
    pub(super) fn statements_near<'s>(&'s self, out: &mut Vec<Found<'s>>) {
        let (arn, conditions) = (self.arn(), self.snapshot.conditions(self.request));
        for (document, statement) in self.about() {
            if statement.effect() != Effect::Allow {
                continue;
            }
            let (differs, near, what) = if statement.is_on(&arn) {
                // A value that cannot be compared would have been an error, not a denial.
                let Ok(unmet) = statement.unmet(&conditions) else { continue };
                if unmet.is_empty() {
                    continue;
                }
                (Differs::Condition, usize::MAX - unmet.len(), What::Conditions(unmet))
            } else {
                let resources: Vec<&str> = statement.resource_texts().collect();
                let alike = resources.iter().map(|it| alike(it, &arn)).max().unwrap_or_default();
                (Differs::Resource, alike, What::Resources(resources))
            };
            let Some(source) = source::of(document, statement) else { continue };
            let nearness = (rank(differs), Reverse(near), statement.id().to_owned());
            out.push(Found { nearness, differs, source, what });
        }
    }

    /// Returns the condition keys that statements about the action and the resource look at and the request does not state,
    /// each once whatever its case.
    pub(super) fn missing_keys(&self) -> Vec<String> {
        let (arn, conditions) = (self.arn(), self.snapshot.conditions(self.request));
        let mut out = BTreeMap::new();
        for (_, statement) in self.about().filter(|(_, statement)| statement.is_on(&arn)) {
            for key in statement.missing(&conditions) {
                out.entry(keys::normal(key)).or_insert_with(|| key.to_owned());
            }
        }
        out.into_values().collect()
    }
}

/// Returns how many parts of an ARN, from the first on, a pattern seems to let through: up to the first wildcard of a part, for
/// this only says what is told first, and must not cost more than deciding.
fn alike(pattern: &str, arn: &str) -> usize {
    let parts = |text| str::split(text, [':', '/']);
    let fits = |(one, part): &(&str, &str)| match one.split_once(['*', '?']) {
        Some((begins, _)) => part.starts_with(begins),
        None => one == part,
    };
    parts(pattern).zip(parts(arn)).take_while(fits).count()
}
