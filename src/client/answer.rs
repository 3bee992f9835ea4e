//! What the service answers, read so that nothing but its own Allow is one.

use serde_json::Value;

/// A decision.
///
/// It can only come from a service: there is no way to make one, and [`Answer::is_allowed`] is the only way to an Allow.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "an answer that is not looked at protects nothing"]
pub struct Answer {
    is_allowed: bool,
    reason: String,
    determining_policies: Vec<String>,
    faults: Vec<Fault>,
    revision: String,
}

/// Why a question could not be answered, so that it was denied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The error code of the service.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// The field it is about.
    pub field: Option<String>,
}

/// The answers to several questions, in their order, at one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "answers that are not looked at protect nothing"]
pub struct Batch {
    answers: Vec<Answer>,
    revision: String,
}

impl Answer {
    /// Returns whether the action may be taken.
    #[must_use]
    pub const fn is_allowed(&self) -> bool {
        self.is_allowed
    }

    /// Returns why: `explicit_allow`, `explicit_deny`, `implicit_deny`, `error` or what a later version says for a denial.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Returns the ids of the policies that decided; none where nothing allowed.
    #[must_use]
    pub fn determining_policies(&self) -> &[String] {
        &self.determining_policies
    }

    /// Returns why the question could not be answered; none for an answer.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Returns the revision that was decided on, for [`Question::at_least_as_fresh`](super::Question::at_least_as_fresh).
    #[must_use]
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// Reads an answer of `/v1/is-authorized`; says what is wrong with any other.
    pub(super) fn read(value: &Value) -> Result<Self, String> {
        let revision = text(value, "revision")?;
        Self::decision(value, revision)
    }

    fn decision(value: &Value, revision: String) -> Result<Self, String> {
        let (decision, reason) = (text(value, "decision")?, text(value, "reason")?);
        let is_allowed = match (decision.as_str(), reason.as_str()) {
            ("Allow", "explicit_allow") => true,
            ("Deny", reason) if reason != "explicit_allow" => false,
            (decision, reason) => {
                return Err(format!("`{decision}` for `{reason}` is no decision that is known"));
            }
        };
        let policies = list(value, "determiningPolicies")?.iter();
        let policies = policies.map(|id| id.as_str().map(str::to_owned));
        let fault = |fault: &Value| {
            let field = fault.get("field").and_then(Value::as_str).map(str::to_owned);
            Ok(Fault { code: text(fault, "code")?, message: text(fault, "message")?, field })
        };
        let faults: Vec<Fault> =
            list(value, "errors")?.iter().map(fault).collect::<Result<_, String>>()?;
        if is_allowed && !faults.is_empty() {
            return Err("an Allow with errors is no decision that is known".to_owned());
        }
        Ok(Self {
            is_allowed,
            reason,
            determining_policies: policies
                .collect::<Option<_>>()
                .ok_or("`determiningPolicies` is no list of strings")?,
            faults,
            revision,
        })
    }
}

impl Batch {
    /// Returns the answers, one for each question and in their order.
    #[must_use = "answers that are not looked at protect nothing"]
    pub fn answers(&self) -> &[Answer] {
        &self.answers
    }

    /// Returns whether every action may be taken; there was at least one.
    #[must_use]
    pub fn all_allowed(&self) -> bool {
        !self.answers.is_empty() && self.answers.iter().all(Answer::is_allowed)
    }

    /// Returns the revision that was decided on.
    #[must_use]
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// Reads an answer of `/v1/batch-is-authorized` to that many questions.
    pub(super) fn read(value: &Value, questions: usize) -> Result<Self, String> {
        let revision = text(value, "revision")?;
        let results = list(value, "results")?;
        if results.len() != questions {
            return Err(format!("{} answers to {questions} questions", results.len()));
        }
        let answers = results
            .iter()
            .map(|result| Answer::decision(result, revision.clone()))
            .collect::<Result<_, _>>()?;
        Ok(Self { answers, revision })
    }
}

fn text(value: &Value, field: &str) -> Result<String, String> {
    let found = value.get(field).and_then(Value::as_str);
    found.map(str::to_owned).ok_or_else(|| format!("`{field}` is no string"))
}

fn list<'v>(value: &'v Value, field: &str) -> Result<&'v [Value], String> {
    let found = value.get(field).and_then(Value::as_array);
    found.map(Vec::as_slice).ok_or_else(|| format!("`{field}` is no list"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn body(decision: &str, reason: &str) -> Value {
        json!({ "decision": decision, "reason": reason, "determiningPolicies": ["p"], "errors": [], "revision": "r" })
    }

    #[test]
    fn only_an_allow_of_the_service_is_one() {
        let allowed = Answer::read(&body("Allow", "explicit_allow")).unwrap();
        assert!(allowed.is_allowed() && allowed.revision() == "r");
        assert_eq!(allowed.determining_policies(), ["p"]);
        for reason in ["implicit_deny", "explicit_deny", "error", "one_of_a_later_version"] {
            assert!(!Answer::read(&body("Deny", reason)).unwrap().is_allowed());
        }
        for (decision, reason) in [
            ("allow", "explicit_allow"),
            ("ALLOW", "explicit_allow"),
            ("Allow", "implicit_deny"),
            ("Allow", "error"),
            ("Deny", "explicit_allow"),
            ("", ""),
            ("Perhaps", "explicit_allow"),
        ] {
            let error = Answer::read(&body(decision, reason)).unwrap_err();
            assert!(error.contains("no decision that is known"), "{decision} {reason}: {error}");
        }
        let mut faulty = body("Allow", "explicit_allow");
        faulty["errors"] = json!([{ "code": "c", "message": "m", "field": null }]);
        assert!(Answer::read(&faulty).unwrap_err().contains("an Allow with errors"));
    }

    #[test]
    fn an_answer_that_lacks_something_is_none() {
        for field in ["decision", "reason", "determiningPolicies", "errors", "revision"] {
            for wrong in [None, Some(json!(7)), Some(Value::Null)] {
                let mut lacking = body("Allow", "explicit_allow");
                match wrong {
                    None => drop(lacking.as_object_mut().unwrap().remove(field)),
                    Some(wrong) => lacking[field] = wrong,
                }
                assert!(Answer::read(&lacking).unwrap_err().contains(field), "{lacking}");
            }
        }
        assert!(Answer::read(&json!([])).is_err());
    }

    #[test]
    fn a_batch_has_an_answer_for_each_question() {
        let both = json!({ "results": [body("Allow", "explicit_allow"), body("Deny", "implicit_deny")], "revision": "r2" });
        let batch = Batch::read(&both, 2).unwrap();
        assert!(batch.answers()[0].is_allowed() && !batch.answers()[1].is_allowed());
        assert!(!batch.all_allowed() && batch.revision() == "r2");
        assert_eq!(batch.answers()[0].revision(), "r2");
        assert_eq!(Batch::read(&both, 3).unwrap_err(), "2 answers to 3 questions");
        let none = json!({ "results": [], "revision": "r" });
        assert!(!Batch::read(&none, 0).unwrap().all_allowed(), "nothing asked is nothing allowed");
    }
}
