//! How much the context of a request may say.

use std::{collections::BTreeMap, slice};

use crate::{
    domain::{ContextValue, Invalid, Scalar},
    ram::keys::{self, Unknown},
};

/// Most keys of a context, longest key and longest value in bytes, most values of a key.
const CONTEXT_KEYS: usize = 64;
const CONTEXT_KEY_BYTES: usize = 128;
const CONTEXT_VALUE_BYTES: usize = 2_048;
const CONTEXT_VALUES: usize = 64;

/// Refuses a context of more than is read, and a key that is nearly one that is known: what a denial looks at would not be there.
pub(super) fn check(context: &BTreeMap<String, ContextValue>) -> Result<(), Invalid> {
    if context.len() > CONTEXT_KEYS {
        let count = context.len().to_string();
        return Err(Invalid::value(
            "context",
            &count,
            "a number of keys that is read",
            "give at most 64 keys",
        ));
    }
    for (key, value) in context {
        if key.is_empty() || key.len() > CONTEXT_KEY_BYTES || key.chars().any(char::is_control) {
            return Err(Invalid::value(
                "context",
                key,
                "a condition key",
                "give 1 to 128 bytes, as `acs:SourceIp`",
            ));
        }
        if let Err(Unknown { near: Some(near) }) = keys::known(key)
            && !keys::is_same(near, key.split('/').next().unwrap_or_default())
        {
            let (field, help) = (format!("context.{key}"), format!("did you mean `{near}`?"));
            return Err(Invalid::value(field, key, "a condition key", help));
        }
        let values = values(value);
        let long = values.iter().any(|v| match v {
            Scalar::String(text) | Scalar::Number(text) => text.len() > CONTEXT_VALUE_BYTES,
            Scalar::Bool(_) => false,
        });
        if long || values.len() > CONTEXT_VALUES {
            let help = "give at most 64 values of at most 2048 bytes";
            return Err(Invalid::value(
                format!("context.{key}"),
                "…",
                "a value that is read",
                help,
            ));
        }
    }
    Ok(())
}

/// Refuses a value that a key of PAI never has.
pub(super) fn check_values(context: &BTreeMap<String, ContextValue>) -> Result<(), Invalid> {
    for (key, value) in context {
        let known = keys::VALUES.iter().find(|(known, _)| keys::is_same(known, key));
        let Some((_, [one, other])) = known else { continue };
        for value in values(value) {
            let text = match value {
                Scalar::String(text) | Scalar::Number(text) => text.as_str(),
                Scalar::Bool(_) => "a boolean",
            };
            if text != *one && text != *other {
                let help = format!("give `{one}` or `{other}`");
                return Err(Invalid::value(
                    format!("context.{key}"),
                    text,
                    "a value of this key",
                    help,
                ));
            }
        }
    }
    Ok(())
}

const fn values(value: &ContextValue) -> &[Scalar] {
    match value {
        ContextValue::One(one) => slice::from_ref(one),
        ContextValue::Many(many) => many.as_slice(),
    }
}
