//! The wire types of requests. Members that are not known are ignored, wherever they stand.

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value, value::RawValue};
use std::fmt;

use crate::{
    domain::Invalid,
    http::object::{self, Object, Text, once},
};

/// Somebody who asks, or something that is asked about.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Entity<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow, default)]
    id: Option<Text<'a>>,
    #[serde(borrow, default)]
    properties: Option<Members<'a>>,
}

/// What is to be done.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Action<'a> {
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    properties: Option<Members<'a>>,
}

/// A request for a decision, or the defaults of many.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Evaluation<'a> {
    #[serde(borrow, default)]
    pub(super) subject: Option<Object<Entity<'a>>>,
    #[serde(borrow, default)]
    pub(super) action: Option<Object<Action<'a>>>,
    #[serde(borrow, default)]
    pub(super) resource: Option<Object<Entity<'a>>>,
    #[serde(borrow, default)]
    pub(super) context: Option<Members<'a>>,
}

/// Longest object of properties or context, in bytes: that of defaults is looked into for each item.
const MOST_MEMBERS: usize = 32 << 10;

/// An object that is looked into later.
#[derive(Debug, Clone, Copy)]
pub(super) struct Members<'a>(&'a str);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&RawValue>::deserialize(deserializer)?.get();
        if text.len() > MOST_MEMBERS {
            return Err(D::Error::custom("longer than 32768 bytes"));
        }
        if text.starts_with('{') {
            Ok(Self(text))
        } else {
            Err(D::Error::custom("expected an object"))
        }
    }
}

impl<'a> Members<'a> {
    /// Returns the text of the object.
    pub(super) const fn text(self) -> &'a str {
        self.0
    }

    /// Returns the members, at any depth each once.
    pub(super) fn to_map(self, field: &str) -> Result<Map<String, Value>, Invalid> {
        let read = object::read::<Strict>(self.0.as_bytes());
        match read.map_err(|refusal| refusal.to_invalid().within(field))? {
            Strict(Value::Object(members)) => Ok(members),
            Strict(_) => Ok(Map::new()),
        }
    }
}

/// A thing with all it must have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whole<'e, 'a> {
    pub(super) kind: &'e str,
    pub(super) id: &'e str,
    pub(super) properties: Option<Members<'a>>,
}

/// An action with all it must have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named<'e, 'a> {
    pub(super) name: &'e str,
    pub(super) properties: Option<Members<'a>>,
}

/// A request with all it must have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Complete<'e, 'a> {
    pub(super) subject: Whole<'e, 'a>,
    pub(super) action: Named<'e, 'a>,
    pub(super) resource: Whole<'e, 'a>,
    pub(super) context: Option<Members<'a>>,
}

impl<'a> Evaluation<'a> {
    /// Returns the request, with the defaults where it has nothing of its own: each is replaced whole.
    pub(super) fn complete<'e>(&'e self, defaults: &'e Self) -> Result<Complete<'e, 'a>, Invalid> {
        Ok(Complete {
            subject: self.subject(defaults)?,
            action: self.action(defaults)?,
            resource: self.resource(defaults)?,
            context: self.context.or(defaults.context),
        })
    }

    pub(super) fn subject<'e>(&'e self, defaults: &'e Self) -> Result<Whole<'e, 'a>, Invalid> {
        whole("subject", self.subject.as_ref().or(defaults.subject.as_ref()))
    }

    pub(super) fn resource<'e>(&'e self, defaults: &'e Self) -> Result<Whole<'e, 'a>, Invalid> {
        whole("resource", self.resource.as_ref().or(defaults.resource.as_ref()))
    }

    pub(super) fn action<'e>(&'e self, defaults: &'e Self) -> Result<Named<'e, 'a>, Invalid> {
        let action = self.action.as_ref().or(defaults.action.as_ref());
        let Object(action) = action.ok_or_else(|| {
            Invalid::missing("action", "give an object with `name`, as {\"name\": \"read\"}")
        })?;
        let name = action.name.as_ref();
        let name =
            name.ok_or_else(|| Invalid::missing("action.name", "give the name of an action"))?;
        Ok(Named { name: name.as_str(), properties: action.properties })
    }

    /// Returns the type of the subject or resource that is sought; its id counts for nothing.
    pub(super) fn kind(&self, of_subject: bool) -> Result<&str, Invalid> {
        let (field, entity) =
            if of_subject { ("subject", &self.subject) } else { ("resource", &self.resource) };
        let missing = |what: &str| Invalid::missing(what, "give the type that is sought");
        let Object(entity) = entity.as_ref().ok_or_else(|| missing(field))?;
        let kind = entity.kind.as_ref().ok_or_else(|| missing(&format!("{field}.type")))?;
        Ok(kind.as_str())
    }

    /// Returns what is stated of the resource that is sought.
    pub(super) fn of_resource(&self) -> Option<Members<'a>> {
        self.resource.as_ref().and_then(|Object(entity)| entity.properties)
    }

    pub(super) const fn context(&self) -> Option<Members<'a>> {
        self.context
    }
}

fn whole<'e, 'a>(
    field: &str,
    entity: Option<&'e Object<Entity<'a>>>,
) -> Result<Whole<'e, 'a>, Invalid> {
    let missing = |name: String, help: &str| Invalid::missing(name, help);
    let Object(entity) = entity.ok_or_else(|| {
        missing(field.to_owned(), "give an object with `type` and `id`, both strings")
    })?;
    let kind = entity.kind.as_ref();
    let kind = kind.ok_or_else(|| missing(format!("{field}.type"), "give its type, a string"))?;
    let id = entity.id.as_ref();
    let id = id.ok_or_else(|| missing(format!("{field}.id"), "give its id, a string"))?;
    Ok(Whole { kind: kind.as_str(), id: id.as_str(), properties: entity.properties })
}

/// A JSON value of which no object has a member twice: of two readers one might have taken the other.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
                Ok(Value::Bool(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
                Ok(Value::Number(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
                Ok(Value::Number(value.into()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
                Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
            }

            fn visit_str<E>(self, value: &str) -> Result<Value, E> {
                Ok(Value::String(value.to_owned()))
            }

            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
                let mut list = Vec::new();
                while let Some(Strict(item)) = items.next_element()? {
                    list.push(item);
                }
                Ok(Value::Array(list))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                let mut members = Map::new();
                while let Some((name, Strict(value))) = map.next_entry::<String, Strict>()? {
                    once(&name, members.contains_key(&name))?;
                    members.insert(name, value);
                }
                Ok(Value::Object(members))
            }
        }

        deserializer.deserialize_any(Reader).map(Self)
    }
}
