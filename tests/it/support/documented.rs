//! Holds answers against `schema/openapi.json`: is the status there, do headers, type and body fit?

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::wire::Answer;

/// The document as it is checked in.
pub(crate) const TEXT: &str = include_str!("../../../schema/openapi.json");

const METHODS: [&str; 7] = ["get", "head", "post", "put", "patch", "delete", "options"];

/// The document.
pub(crate) struct Documented {
    pub(crate) whole: Value,
    /// What schemas refer to, with nothing in an object beside what is documented of it: readers ignore new fields, but the
    /// document must know them.
    strict: Value,
}

/// An operation: a method at a path.
#[derive(Clone, Copy)]
pub(crate) struct Operation<'d> {
    pub(crate) path: &'d str,
    pub(crate) method: &'d str,
    pub(crate) value: &'d Value,
}

impl Documented {
    pub(crate) fn read() -> Self {
        let whole: Value = serde_json::from_str(TEXT).unwrap();
        let mut strict = whole["components"].clone();
        close(&mut strict["schemas"]);
        Self { whole, strict }
    }

    /// Returns every operation.
    pub(crate) fn operations(&self) -> Vec<Operation<'_>> {
        let paths = self.whole["paths"].as_object().unwrap();
        let of = |(path, item): (&'_ String, &'_ Value)| -> Vec<(String, String)> {
            for part in item.as_object().unwrap().keys() {
                assert!(METHODS.contains(&&**part) || part == "servers", "{path}: {part}");
            }
            let methods = METHODS.iter().filter(|method| item.get(**method).is_some());
            methods.map(|method| (path.clone(), (*method).to_owned())).collect()
        };
        paths.iter().flat_map(of).map(|(path, method)| self.operation(&path, &method)).collect()
    }

    /// Returns an operation by its path as it is documented.
    #[track_caller]
    pub(crate) fn operation(&self, path: &str, method: &str) -> Operation<'_> {
        let (path, item) = self.whole["paths"].as_object().unwrap().get_key_value(path).unwrap();
        let (method, value) = item.as_object().unwrap().get_key_value(method).unwrap();
        Operation { path, method, value }
    }

    /// Returns what `value` refers to, or itself.
    pub(crate) fn resolved<'d>(&'d self, value: &'d Value) -> &'d Value {
        match value.get("$ref").and_then(Value::as_str) {
            Some(reference) => self.whole.pointer(&reference[1..]).unwrap(),
            None => value,
        }
    }

    /// Returns what is documented of a status of an operation.
    pub(crate) fn response<'d>(&'d self, operation: Operation<'d>, status: &str) -> &'d Value {
        let found = operation.value["responses"].get(status);
        let Operation { path, method, .. } = operation;
        self.resolved(found.unwrap_or_else(|| panic!("{method} {path}: {status} is undocumented")))
    }

    /// Returns a validator of a schema; with `strict` nothing undocumented fits.
    pub(crate) fn validator(&self, schema: &Value, strict: bool) -> Validator {
        let components = if strict { &self.strict } else { &self.whole["components"] };
        let mut schema = schema.clone();
        if strict {
            close(&mut schema);
        }
        jsonschema::validator_for(&json!({ "allOf": [schema], "components": components })).unwrap()
    }

    /// Asserts that an answer of an operation is as documented.
    #[track_caller]
    pub(crate) fn check(&self, operation: Operation<'_>, answer: &Answer) {
        let response = self.response(operation, &answer.status.to_string());
        self.check_response(operation, response, answer);
    }

    /// Asserts that an answer is as `response` has it.
    #[track_caller]
    pub(crate) fn check_response(
        &self,
        operation: Operation<'_>,
        response: &Value,
        answer: &Answer,
    ) {
        let Operation { path, method, .. } = operation;
        let none = Map::new();
        for (name, header) in response["headers"].as_object().unwrap_or(&none) {
            let header = self.resolved(header);
            let Some(found) = answer.header(name) else {
                assert_ne!(header["required"], true, "{method} {path}: no `{name}`: {answer:?}");
                continue;
            };
            let fits = self.validator(&header["schema"], false).is_valid(&json!(found));
            assert!(fits, "{method} {path}: `{name}: {found}` does not fit");
        }
        // What tells callers what to do must not come unannounced.
        for name in ["retry-after", "www-authenticate", "allow", "etag", "x-pai-authz-revision"] {
            let known = response["headers"].as_object().unwrap_or(&none);
            let known = known.keys().any(|key| key.eq_ignore_ascii_case(name));
            assert!(answer.header(name).is_none() || known, "{method} {path}: `{name}` {answer:?}");
        }
        let Some(content) = response.get("content").map(|it| it.as_object().unwrap()) else {
            assert!(answer.body.is_empty(), "{method} {path}: a body: {answer:?}");
            return;
        };
        let media = answer.header("content-type").unwrap_or_default();
        let media = media.split(';').next().unwrap();
        let Some(documented) = content.get(media) else {
            panic!("{method} {path}: `{media}` is undocumented: {answer:?}")
        };
        let body = if media == "application/json" {
            answer.json()
        } else {
            Value::String(String::from_utf8(answer.body.clone()).unwrap())
        };
        // The document itself is described by others.
        let strict = path != "/openapi.json";
        let validator = self.validator(&documented["schema"], strict);
        let wrong: Vec<_> = validator
            .iter_errors(&body)
            .map(|it| format!("{it} at {}", it.instance_path()))
            .collect();
        assert!(wrong.is_empty(), "{method} {path} {}: {wrong:?}: {body}", answer.status);
    }
}

/// Closes every object schema.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            map.values_mut().for_each(close);
            let is_object = map.get("properties").is_some_and(Value::is_object);
            if is_object && !map.contains_key("additionalProperties") {
                map.insert("additionalProperties".to_owned(), json!(false));
            }
        }
        Value::Array(list) => list.iter_mut().for_each(close),
        _ => {}
    }
}
