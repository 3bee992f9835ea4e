//! The meaning of RAM documents, written a second time as plainly as possible, to hold the engine against.
//!
//! Follows "What RAM documents mean where nobody says" (ADR 14) corner by corner and shares nothing with `ram` and
//! `engine`: no compilation, no indexes, every document is read anew for every request. Documents are such as the
//! linter finds no error in.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use pai_authz::domain::{ContextValue, Scalar};
use serde_json::Value;

/// What the documents come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A value of the wrong type was compared: a deny, whatever else is attached.
    Error,
    /// A Deny applies.
    Deny,
    /// An Allow applies, and no Deny.
    Allow,
    /// Nothing applies: an implicit deny.
    Nothing,
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) action: &'a str,
    pub(crate) arn: &'a str,
    pub(crate) context: &'a BTreeMap<String, ContextValue>,
}

/// The verdict, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Judged {
    pub(crate) verdict: Verdict,
    /// Documents and indexes of the statements that decide: the Denies, or the Allows; sorted.
    pub(crate) matched: Vec<(String, usize)>,
    /// In small letters, the condition keys the request lacks, of all statements whose action and resource match.
    pub(crate) missing: BTreeSet<String>,
}

/// An operator with one key and its values.
#[derive(Debug)]
pub(crate) struct Clause<'s> {
    pub(crate) operator: &'s str,
    pub(crate) key: &'s str,
    pub(crate) values: Vec<&'s str>,
}

impl Clause<'_> {
    /// Returns whether it holds where its values do not match.
    pub(crate) fn is_negated(&self) -> bool {
        self.operator.contains("Not")
    }
}

/// Judges a request by documents, each with its name.
pub(crate) fn judge(documents: &[(String, String)], asked: &Asked<'_>) -> Judged {
    let read: Vec<(&str, Value)> = documents
        .iter()
        .map(|(name, text)| (name.as_str(), serde_json::from_str(text).expect("a document")))
        .collect();
    let statements = read.iter().flat_map(|(name, document)| {
        let statements = document["Statement"].as_array().expect("statements");
        statements.iter().enumerate().map(|(index, statement)| (*name, index, statement))
    });
    judge_statements(statements.filter(|(.., it)| names(it, asked.action)), asked)
}

/// Returns whether a statement names an action.
pub(crate) fn names(statement: &Value, action: &str) -> bool {
    covers_action(statement, statement["Effect"] == "Deny", action)
}

/// Judges a request by statements that name its action, each with the name of its document and its index in it.
pub(crate) fn judge_statements<'s>(
    statements: impl IntoIterator<Item = (&'s str, usize, &'s Value)>,
    asked: &Asked<'_>,
) -> Judged {
    let (mut denies, mut allows) = (Vec::new(), Vec::new());
    let mut missing = BTreeSet::new();
    let mut is_error = false;
    for (name, index, statement) in statements {
        let is_deny = statement["Effect"] == "Deny";
        if !covers_resource(statement, is_deny, asked.arn) {
            continue;
        }
        let mut all_hold = true;
        for clause in clauses(statement) {
            if stated(asked.context, clause.key).is_empty() {
                missing.insert(spelled(clause.key));
            }
            match holds(&clause, is_deny, asked.context) {
                Some(holds) => all_hold &= holds,
                // Even when another condition does not hold.
                None => is_error = true,
            }
        }
        if all_hold {
            let list = if is_deny { &mut denies } else { &mut allows };
            list.push((name.to_owned(), index));
        }
    }
    let (verdict, mut matched) = if is_error {
        (Verdict::Error, Vec::new())
    } else if !denies.is_empty() {
        (Verdict::Deny, denies)
    } else if !allows.is_empty() {
        (Verdict::Allow, allows)
    } else {
        (Verdict::Nothing, Vec::new())
    };
    matched.sort();
    Judged { verdict, matched, missing }
}

/// Returns the strings of an element that is one or a list of them; none when it is not there.
pub(crate) fn strings(element: &Value) -> Vec<&str> {
    match element {
        Value::Array(items) => items.iter().map(|it| it.as_str().expect("a string")).collect(),
        one => one.as_str().into_iter().collect(),
    }
}

/// Returns the conditions of a statement.
pub(crate) fn clauses(statement: &Value) -> Vec<Clause<'_>> {
    let mut found = Vec::new();
    for (operator, keys) in statement["Condition"].as_object().into_iter().flatten() {
        for (key, values) in keys.as_object().expect("keys and values") {
            found.push(Clause { operator, key, values: strings(values) });
        }
    }
    found
}

/// Action names ignore the case of ASCII letters. `?` is read narrowly in an Allow and widely in a Deny.
fn covers_action(statement: &Value, is_deny: bool, action: &str) -> bool {
    let action = action.to_ascii_lowercase();
    let any = |list: &Value, question_is_wild: bool| {
        let mut patterns = strings(list).into_iter().map(str::to_ascii_lowercase);
        patterns.any(|pattern| stands_for(&pattern, &action, question_is_wild))
    };
    match statement.get("Action") {
        // In an Allow `?` is no wildcard: it covers less.
        Some(listed) => any(listed, is_deny),
        // In a Deny `?` is no wildcard: less is left out.
        None => !any(&statement["NotAction"], !is_deny),
    }
}

/// Resources do not ignore the case of letters. An empty account is any; an empty region in a Deny or in `ram` is too.
fn covers_resource(statement: &Value, is_deny: bool, arn: &str) -> bool {
    strings(&statement["Resource"]).into_iter().any(|pattern| {
        let mut parts: Vec<&str> = pattern.splitn(5, ':').collect();
        if parts.len() == 5 && parts[0] == "acs" {
            if parts[2].is_empty() && (is_deny || parts[1] == "ram") {
                parts[2] = "*";
            }
            if parts[3].is_empty() {
                parts[3] = "*";
            }
        }
        stands_for(&parts.join(":"), arn, true)
    })
}

/// Returns whether a pattern stands for a text: `*` for any text, `?`, where it is wild, for one character.
pub(crate) fn stands_for(pattern: &str, text: &str, question_is_wild: bool) -> bool {
    let before_wildcards = pattern.split(['*', '?']).next().unwrap_or_default();
    if pattern == "*" || !text.starts_with(before_wildcards) {
        return pattern == "*";
    }
    let text: Vec<char> = text.chars().collect();
    // How much of the text the pattern so far can stand for, in order.
    let mut reached = vec![0];
    for letter in pattern.chars() {
        let is_any = letter == '?' && question_is_wild;
        reached = match reached.first() {
            None => return false,
            Some(first) if letter == '*' => (*first..=text.len()).collect(),
            Some(_) => {
                let goes_on = |at: &usize| text.get(*at).is_some_and(|it| is_any || *it == letter);
                reached.into_iter().filter(goes_on).map(|at| at + 1).collect()
            }
        };
    }
    reached.last() == Some(&text.len())
}

/// Returns the values a request states for a key, whatever the case of its letters. An empty list is an absent key.
fn stated<'c>(context: &'c BTreeMap<String, ContextValue>, key: &str) -> Vec<&'c Scalar> {
    let mut entries = context.iter();
    match entries.find(|(name, _)| spelled(name) == spelled(key)) {
        Some((_, ContextValue::One(value))) => vec![value],
        Some((_, ContextValue::Many(values))) => values.iter().collect(),
        None => Vec::new(),
    }
}

/// Returns whether a condition holds; `None` when a value of the request is of the wrong type.
fn holds(
    clause: &Clause<'_>,
    is_deny: bool,
    context: &BTreeMap<String, ContextValue>,
) -> Option<bool> {
    let asked = stated(context, clause.key);
    if asked.is_empty() {
        // A positive operator does not hold; a negated one is read narrowly in an Allow and widely in a Deny.
        return Some(clause.is_negated() && is_deny);
    }
    let mut one_matches = false;
    for value in asked {
        for wanted in &clause.values {
            one_matches |= matches(clause.operator, &as_text(value), wanted)?;
        }
    }
    Some(one_matches != clause.is_negated())
}

/// Values are compared as texts: no number reads as a moment or an address, nor a boolean as a number.
fn as_text(value: &Scalar) -> String {
    match value {
        Scalar::String(text) | Scalar::Number(text) => text.clone(),
        Scalar::Bool(truth) => truth.to_string(),
    }
}

/// Returns whether a value of the request matches one of the statement, before any negation; `None` when it is of the
/// wrong type.
fn matches(operator: &str, asked: &str, wanted: &str) -> Option<bool> {
    match operator {
        "StringEquals" | "StringNotEquals" => Some(asked == wanted),
        "StringEqualsIgnoreCase" | "StringNotEqualsIgnoreCase" => {
            Some(asked.to_lowercase() == wanted.to_lowercase())
        }
        "StringLike" | "StringNotLike" => Some(stands_for(wanted, asked, true)),
        "Bool" => ["true", "false"].contains(&asked).then_some(asked == wanted),
        "IpAddress" | "NotIpAddress" => {
            let address = block(asked).filter(|_| !asked.contains('/'))?;
            Some(block(wanted).expect("an address or a block").contains(&address))
        }
        other => {
            let (order, relation) = if let Some(relation) = other.strip_prefix("Numeric") {
                let (asked, wanted) = (decimal(asked)?, decimal(wanted).expect("a number"));
                (compared(&asked, &wanted), relation)
            } else {
                let relation = other.strip_prefix("Date").expect("an operator");
                (moment(asked)?.cmp(&moment(wanted).expect("a moment")), relation)
            };
            Some(match relation {
                "Equals" | "NotEquals" => order.is_eq(),
                "LessThan" => order.is_lt(),
                "LessThanEquals" => order.is_le(),
                "GreaterThan" => order.is_gt(),
                "GreaterThanEquals" => order.is_ge(),
                _ => panic!("no operator: {other}"),
            })
        }
    }
}

/// A decimal number of any length.
struct Decimal {
    is_negative: bool,
    whole: String,
    fraction: String,
}

/// Reads `[+-]?digits[.digits]`.
fn decimal(text: &str) -> Option<Decimal> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = match digits.split_once('.') {
        Some((_, "")) => return None,
        Some((whole, fraction)) => (whole, fraction),
        None => (digits, ""),
    };
    let is_decimal = !whole.is_empty() && are_digits(whole) && are_digits(fraction);
    let is_negative = text.starts_with('-');
    let (whole, fraction) = (whole.to_owned(), fraction.to_owned());
    is_decimal.then_some(Decimal { is_negative, whole, fraction })
}

fn are_digits(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_digit())
}

/// Compares digit by digit, one below the other as on paper.
fn compared(left: &Decimal, right: &Decimal) -> Ordering {
    let wholes = left.whole.len().max(right.whole.len());
    let fractions = left.fraction.len().max(right.fraction.len());
    let zeros = |count: usize| "0".repeat(count);
    let aligned = |it: &Decimal| {
        let (before, after) = (wholes - it.whole.len(), fractions - it.fraction.len());
        format!("{}{}{}{}", zeros(before), it.whole, it.fraction, zeros(after))
    };
    let (left_digits, right_digits) = (aligned(left), aligned(right));
    // There is one zero, whatever its sign.
    let is_below_zero =
        |it: &Decimal, digits: &str| it.is_negative && digits.contains(|c: char| c != '0');
    match (is_below_zero(left, &left_digits), is_below_zero(right, &right_digits)) {
        (false, false) => left_digits.cmp(&right_digits),
        (true, true) => right_digits.cmp(&left_digits),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
    }
}

/// Returns the milliseconds since 1970 of `YYYY-MM-DDTHH:MM[:SS[.fff…]]` with `Z` or an offset `±HH:MM`.
fn moment(text: &str) -> Option<i64> {
    let (date, rest) = text.split_once('T')?;
    let (clock, zone) = rest.split_at(rest.find(['Z', '+', '-'])?);
    let offset = match zone.split_at(1) {
        ("Z", "") => 0,
        ("+", offset) => hours_and_minutes(offset)?,
        ("-", offset) => -hours_and_minutes(offset)?,
        _ => return None,
    };
    // Hours and minutes have five letters.
    let (minutes, seconds) = clock.split_at_checked(5)?;
    let minutes = hours_and_minutes(minutes)?;
    let (second, millisecond) = match seconds.strip_prefix(':') {
        None if seconds.is_empty() => (0, 0),
        None => return None,
        Some(seconds) => match seconds.split_once('.') {
            None => (number(seconds, 2, 0, 59)?, 0),
            Some((second, fraction)) => (number(second, 2, 0, 59)?, thousandths(fraction)?),
        },
    };
    let (year, rest) = date.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    let year = number(year, 4, 0, 9999)?;
    let month = number(month, 2, 1, 12)?;
    let day = number(day, 2, 1, days_of_month(year, month))?;
    let minute = days_before(year, month, day) * 24 * 60 + minutes - offset;
    Some((minute * 60 + second) * 1000 + millisecond)
}

/// Reads a number of so many digits, within bounds.
fn number(text: &str, digits: usize, least: i64, most: i64) -> Option<i64> {
    let is_number = text.len() == digits && are_digits(text);
    let number: i64 = if is_number { text.parse().ok()? } else { return None };
    (least..=most).contains(&number).then_some(number)
}

/// Reads `HH:MM`, in minutes.
fn hours_and_minutes(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    Some(number(hours, 2, 0, 23)? * 60 + number(minutes, 2, 0, 59)?)
}

/// Reads the digits of a fraction of a second, in milliseconds; what is finer is cut off.
fn thousandths(fraction: &str) -> Option<i64> {
    // Of no digits there are no three.
    let three: String = fraction.chars().chain("00".chars()).take(3).collect();
    number(&three, 3, 0, 999).filter(|_| are_digits(fraction))
}

/// Returns the days between 1970-01-01 and a day of the calendar, by counting.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let after: i64 = (1970..year).map(days_of_year).sum();
    let before: i64 = (year..1970).map(days_of_year).sum();
    let months: i64 = (1..month).map(|month| days_of_month(year, month)).sum();
    after - before + months + day - 1
}

fn days_of_year(year: i64) -> i64 {
    (1..=12).map(|month| days_of_month(year, month)).sum()
}

fn days_of_month(year: i64, month: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Addresses of one kind that differ in their last bits only.
struct Block {
    is_ipv4: bool,
    address: u128,
    open_bits: u32,
}

impl Block {
    /// An IPv4 block has no IPv6 address in it, nor the other way.
    fn contains(&self, other: &Self) -> bool {
        let fixed = |address: u128| address.checked_shr(self.open_bits).unwrap_or(0);
        self.is_ipv4 == other.is_ipv4 && fixed(self.address) == fixed(other.address)
    }
}

/// Reads an address or a block. What is IPv4-mapped, all of it, is IPv4.
fn block(text: &str) -> Option<Block> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix.parse::<u32>().ok()?)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let bits: u32 = if address.is_ipv4() { 32 } else { 128 };
    let open_bits = bits.checked_sub(prefix.unwrap_or(bits))?;
    let (is_ipv4, address) = match address {
        IpAddr::V4(it) => (true, u128::from(u32::from(it))),
        IpAddr::V6(it) => match it.to_ipv4_mapped() {
            Some(it) if open_bits <= 32 => (true, u128::from(u32::from(it))),
            _ => (false, u128::from(it)),
        },
    };
    Some(Block { is_ipv4, address, open_bits })
}

/// A condition key as all its spellings have it: only the name of a tag, after `/`, keeps the case of its letters.
pub(crate) fn spelled(key: &str) -> String {
    let mut parts: Vec<String> = key.splitn(2, '/').map(str::to_owned).collect();
    parts[0] = parts[0].to_lowercase();
    parts.join("/")
}
