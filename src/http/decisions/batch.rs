//! Reads batches: their items are handed on one by one while they are read, or kept where there is more to them.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::wire::IsAuthorizedRequest;
use crate::{
    domain::Invalid,
    error::{Error, ErrorCode},
    http::object::{self, Object, Refusal, Text},
    service::Authorizer,
};

/// The envelope of items that are read one by one, so that a faulty one is denied in its place.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Envelope<'a> {
    #[serde(borrow, default)]
    requests: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    at_least_as_fresh: Option<Text<'a>>,
}

/// What is done with each item of a batch, in their order, as soon as it is read. Whoever returns `None` ends it.
struct Each<F>(F);

impl<'de, F> DeserializeSeed<'de> for Each<F>
where
    F: FnMut(&mut IsAuthorizedRequest<&'de str>) -> Option<()>,
{
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F> Visitor<'de> for Each<F>
where
    F: FnMut(&mut IsAuthorizedRequest<&'de str>) -> Option<()>,
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of requests")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        let mut count = 0;
        while let Some(Object(mut item)) =
            items.next_element::<Object<IsAuthorizedRequest<&'de str>>>()?
        {
            count += 1;
            if count > Authorizer::MAX_BATCH || (self.0)(&mut item).is_none() {
                return Err(A::Error::custom("it is read another way"));
            }
        }
        if count == 0 {
            return Err(A::Error::custom("no requests"));
        }
        Ok(())
    }
}

/// A batch, whose items are not kept.
struct Passing<F>(F);

impl<'de, F> Visitor<'de> for Passing<F>
where
    F: FnMut(&mut IsAuthorizedRequest<&'de str>) -> Option<()>,
{
    /// The revision all demand.
    type Value = Option<Text<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut were_read, mut at_least) = (false, None);
        while let Some(key) = map.next_key::<Text<'de>>()? {
            match key.as_str() {
                "requests" if !were_read => map.next_value_seed(Each(&mut self.0))?,
                "atLeastAsFresh" if at_least.is_none() => at_least = Some(map.next_value()?),
                _ => return Err(A::Error::custom("it is read another way")),
            }
            were_read |= key.as_str() == "requests";
        }
        if were_read { Ok(at_least) } else { Err(A::Error::custom("no requests")) }
    }
}

/// Reads a batch of sound items without escapes, does something with each as soon as it is read, when it is nearest, and returns the revision that
/// all demand.
///
/// # Errors
/// That something is not sound, or whatever is done says so.
pub(in crate::http) fn read_each<'b>(
    body: &'b [u8],
    each: impl FnMut(&mut IsAuthorizedRequest<&'b str>) -> Option<()>,
) -> Result<Option<Text<'b>>, AnotherWay> {
    let text = std::str::from_utf8(body).map_err(|_| AnotherWay)?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let at_least = deserializer.deserialize_map(Passing(each)).map_err(|_| AnotherWay)?;
    deserializer.end().map_err(|_| AnotherWay)?;
    Ok(at_least)
}

/// A batch is to be read by [`read`], which keeps its items, and says what is wrong.
#[derive(Debug)]
pub(in crate::http) struct AnotherWay;

/// The items of a batch, those that were not read with the reason.
pub(in crate::http) type Read<'b> = Vec<Result<Object<IsAuthorizedRequest<Text<'b>>>, Refusal>>;

/// Reads a batch.
pub(in crate::http) fn read(body: &[u8]) -> Result<(Read<'_>, Option<Text<'_>>), Error> {
    let Object(envelope): Object<Envelope<'_>> = object::read(body)?;
    let help = "give a list of 1 to 1000 requests";
    let items = envelope.requests.ok_or_else(|| Invalid::missing("requests", help))?;
    if items.is_empty() || items.len() > Authorizer::MAX_BATCH {
        return Err(Error {
            field: Some("requests".to_owned()),
            value: Some(items.len().to_string()),
            ..Error::new(
                ErrorCode::TooManyItems,
                format!("a batch has 1 to 1000 requests, this one has {}", items.len()),
                "give at least one request, and split more into batches of 1000",
            )
        });
    }
    let items = items.into_iter().map(|item| object::read(item.get().as_bytes())).collect();
    Ok((items, envelope.at_least_as_fresh))
}
