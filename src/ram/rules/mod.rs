//! The rules: one rule, one file, whose comment is its page of the manual.
//!
//! A rule looks at the subject and adds what it finds. It is known by its code, the name of its file with hyphens.

mod action_and_not_action;
mod action_case;
mod action_covered;
mod action_format;
mod action_missing;
mod action_resource_mismatch;
mod administrate_pai;
mod allow_not_action;
mod allow_shadowed;
mod arn_account;
mod arn_prefix;
mod arn_region;
mod arn_relative_id;
mod arn_segments;
mod condition_boolean;
mod condition_date;
mod condition_ip;
mod condition_key_format;
mod condition_key_unsupported;
mod condition_number;
mod condition_operator_mismatch;
mod condition_operator_unknown;
mod condition_several_booleans;
mod condition_value_unknown;
mod confusable_characters;
mod contradictory_condition;
mod deny_condition_key_absent;
mod document_too_long;
mod duplicate_key;
mod duplicate_statement;
mod effect_invalid;
mod effect_missing;
mod empty_list;
mod everything_on_everything;
mod issues_credentials;
mod json_syntax;
mod list_on_single_project;
mod mergeable_statements;
mod old_action_name;
mod pai_wildcard_coverage;
mod policy_variable;
mod principal_in_identity_policy;
mod principal_invalid;
mod principal_missing;
mod privilege_escalation;
mod ram_code_slip;
mod resource_missing;
mod resource_type_unused;
mod shared;
mod sls_arn_without_project;
mod statement_empty;
mod statement_missing;
mod statement_not_array;
mod string_equals_wildcard;
mod trust_action;
mod trust_anybody;
mod unknown_action;
mod unknown_element;
mod unsupported_element;
mod version_missing;
mod version_unknown;
mod wildcard_matches_nothing;
mod write_on_every_resource;
mod wrong_type;

use std::sync::LazyLock;

use super::{
    document::Kind,
    finding::{Class, Findings},
    json::Span,
    lint::Subject,
    manual::Manual,
};

/// A rule.
pub struct Rule {
    /// What it is called, as `unknown-action`.
    pub code: &'static str,
    /// How much what it finds matters.
    pub class: Class,
    pub(super) check: fn(&Subject<'_>, &mut Findings),
    file: &'static str,
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code)
    }
}

impl Rule {
    /// Returns the rule of a code.
    #[must_use]
    pub fn find(code: &str) -> Option<&'static Self> {
        RULES.iter().find(|rule| rule.code == code)
    }

    /// Returns whether it tells of what is not JSON.
    #[must_use]
    pub fn is_syntax(&self) -> bool {
        self.code == "json-syntax"
    }

    /// Returns its page of the manual.
    #[must_use]
    pub fn manual(&self) -> Manual {
        Manual::read(self.file)
    }
}

macro_rules! rules {
    ($($module:ident: $class:ident,)*) => {
        /// All rules, by class and then in the order of a document.
        pub static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| vec![
            $(Rule {
                // Once, for as long as the program runs.
                code: stringify!($module).replace('_', "-").leak(),
                class: Class::$class,
                check: $module::check,
                file: include_str!(concat!(stringify!($module), ".rs")),
            },)*
        ]);
    };
}

rules! {
    json_syntax: Error,
    duplicate_key: Error,
    version_missing: Error,
    version_unknown: Error,
    statement_missing: Error,
    statement_empty: Error,
    statement_not_array: Error,
    unknown_element: Error,
    effect_missing: Error,
    effect_invalid: Error,
    action_missing: Error,
    action_and_not_action: Error,
    resource_missing: Error,
    empty_list: Error,
    wrong_type: Error,
    action_format: Error,
    arn_prefix: Error,
    arn_segments: Error,
    arn_region: Error,
    arn_account: Error,
    arn_relative_id: Error,
    principal_in_identity_policy: Error,
    principal_missing: Error,
    principal_invalid: Error,
    condition_operator_unknown: Error,
    condition_number: Error,
    condition_date: Error,
    condition_ip: Error,
    condition_boolean: Error,
    condition_several_booleans: Error,
    condition_key_format: Error,
    document_too_long: Error,
    unsupported_element: Error,
    policy_variable: Error,
    everything_on_everything: SecurityWarning,
    allow_not_action: SecurityWarning,
    privilege_escalation: SecurityWarning,
    issues_credentials: SecurityWarning,
    deny_condition_key_absent: SecurityWarning,
    administrate_pai: SecurityWarning,
    trust_anybody: SecurityWarning,
    unknown_action: GeneralWarning,
    ram_code_slip: GeneralWarning,
    wildcard_matches_nothing: GeneralWarning,
    action_resource_mismatch: GeneralWarning,
    resource_type_unused: GeneralWarning,
    list_on_single_project: GeneralWarning,
    sls_arn_without_project: GeneralWarning,
    condition_key_unsupported: GeneralWarning,
    condition_operator_mismatch: GeneralWarning,
    condition_value_unknown: GeneralWarning,
    trust_action: GeneralWarning,
    string_equals_wildcard: GeneralWarning,
    allow_shadowed: GeneralWarning,
    contradictory_condition: GeneralWarning,
    old_action_name: GeneralWarning,
    confusable_characters: GeneralWarning,
    action_covered: Suggestion,
    duplicate_statement: Suggestion,
    action_case: Suggestion,
    write_on_every_resource: Suggestion,
    pai_wildcard_coverage: Suggestion,
    mergeable_statements: Suggestion,
}

/// Tells that a text is too long, also of one that was not read.
pub(super) fn tell_too_long(characters: usize, kind: Kind) -> Findings {
    let rule = RULES.iter().find(|rule| rule.code == "document-too-long");
    #[expect(clippy::expect_used, reason = "it is in the list above")]
    let mut out = Findings::of(rule.expect("there is such a rule"));
    let start: Span = 0..0;
    document_too_long::tell(&start, characters, kind, &mut out);
    out
}
