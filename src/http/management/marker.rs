//! Lists that come in parts, as RAM 2015-05-01 has them: `MaxItems`, and a `Marker` for the part that follows.

use serde_json::Value;

use super::{Call, query::Query, with};
use crate::{
    domain::Invalid,
    error::{Error, ErrorCode},
};

/// Most items of a part, and how many unless it is said.
const MAX_ITEMS: usize = 1_000;
const DEFAULT_ITEMS: usize = 100;

/// Which part of a list.
pub(super) struct Part<T> {
    /// What it begins after; `None` for the first one.
    pub(super) after: Option<T>,
    /// How many items it has at most.
    pub(super) most: usize,
}

impl Call {
    /// Returns which part is asked for; `parse` reads the place that was given to [`Call::marked`].
    pub(super) fn part<T>(
        &self,
        query: &Query,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Part<T>, Error> {
        let most = query.number("MaxItems")?.unwrap_or(DEFAULT_ITEMS);
        if most > MAX_ITEMS {
            let help = "give a number from 1 to 1000";
            let value = most.to_string();
            return Err(Invalid::value("MaxItems", &value, "a number that is read", help).into());
        }
        let (account, operation) = (&self.caller.account, self.caller.operation);
        let read = |text: &str| {
            let place = self.management.read_page_token(account, operation, text);
            place.as_deref().and_then(&parse).ok_or_else(|| {
                let help = "give the `Marker` of the part before, unedited";
                Error::new(ErrorCode::InvalidValue, "not a marker of this list", help)
                    .about("Marker", text)
            })
        };
        Ok(Part { after: query.get("Marker").map(read).transpose()?, most })
    }

    /// Returns an answer that says whether there are more items and, by a marker, where they begin: after `last`.
    pub(super) fn marked(&self, answer: Value, more: bool, last: Option<String>) -> Value {
        let answer = with(answer, "IsTruncated", more);
        let Some(last) = last.filter(|_| more) else { return answer };
        let (account, operation) = (&self.caller.account, self.caller.operation);
        with(answer, "Marker", self.management.page_token(account, operation, &last))
    }
}
