//! The 21 operators of conditions, and the values they take.

use std::net::IpAddr;

/// What an operator compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Texts.
    String,
    /// Decimal numbers.
    Number,
    /// Moments.
    Date,
    /// `true` and `false`.
    Boolean,
    /// Addresses and blocks of them.
    Ip,
}

/// An operator of conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "they are named as in the documents")]
pub enum Operator {
    StringEquals,
    StringNotEquals,
    StringEqualsIgnoreCase,
    StringNotEqualsIgnoreCase,
    StringLike,
    StringNotLike,
    NumericEquals,
    NumericNotEquals,
    NumericLessThan,
    NumericLessThanEquals,
    NumericGreaterThan,
    NumericGreaterThanEquals,
    DateEquals,
    DateNotEquals,
    DateLessThan,
    DateLessThanEquals,
    DateGreaterThan,
    DateGreaterThanEquals,
    Bool,
    IpAddress,
    NotIpAddress,
}

impl Operator {
    /// All, in the order of the documentation.
    pub const ALL: [(&'static str, Self); 21] = [
        ("StringEquals", Self::StringEquals),
        ("StringNotEquals", Self::StringNotEquals),
        ("StringEqualsIgnoreCase", Self::StringEqualsIgnoreCase),
        ("StringNotEqualsIgnoreCase", Self::StringNotEqualsIgnoreCase),
        ("StringLike", Self::StringLike),
        ("StringNotLike", Self::StringNotLike),
        ("NumericEquals", Self::NumericEquals),
        ("NumericNotEquals", Self::NumericNotEquals),
        ("NumericLessThan", Self::NumericLessThan),
        ("NumericLessThanEquals", Self::NumericLessThanEquals),
        ("NumericGreaterThan", Self::NumericGreaterThan),
        ("NumericGreaterThanEquals", Self::NumericGreaterThanEquals),
        ("DateEquals", Self::DateEquals),
        ("DateNotEquals", Self::DateNotEquals),
        ("DateLessThan", Self::DateLessThan),
        ("DateLessThanEquals", Self::DateLessThanEquals),
        ("DateGreaterThan", Self::DateGreaterThan),
        ("DateGreaterThanEquals", Self::DateGreaterThanEquals),
        ("Bool", Self::Bool),
        ("IpAddress", Self::IpAddress),
        ("NotIpAddress", Self::NotIpAddress),
    ];

    /// Returns the operator of a name, whose case counts.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, operator)| *operator)
    }

    /// Returns its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, known)| *known == self).map_or("", |(name, _)| name)
    }

    /// Returns what it compares.
    #[must_use]
    pub fn family(self) -> Family {
        match self {
            Self::Bool => Family::Boolean,
            Self::IpAddress | Self::NotIpAddress => Family::Ip,
            other if other < Self::NumericEquals => Family::String,
            other if other < Self::DateEquals => Family::Number,
            _ => Family::Date,
        }
    }

    /// Returns whether it holds where its values do not match.
    #[must_use]
    pub const fn is_negated(self) -> bool {
        matches!(
            self,
            Self::StringNotEquals
                | Self::StringNotEqualsIgnoreCase
                | Self::StringNotLike
                | Self::NumericNotEquals
                | Self::DateNotEquals
                | Self::NotIpAddress
        )
    }
}

/// Returns whether a text is a decimal number: `10`, `-0.5`.
#[must_use]
pub fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    match text.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(text),
    }
}

/// Returns the moment of a text of ISO 8601, `2026-01-31T08:00:00Z` or with an offset, in milliseconds since 1970.
#[must_use]
pub fn moment(text: &str) -> Option<i64> {
    // The library reads more than RAM documents: a space for `T`, small letters, names of zones.
    let strict = |byte: u8| byte.is_ascii_digit() || b"-+:.TZ".contains(&byte);
    if text.as_bytes().get(10) != Some(&b'T') || !text.bytes().all(strict) {
        return None;
    }
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

/// Returns address and length of prefix of an address or a block of addresses.
#[must_use]
pub fn ip_block(text: &str) -> Option<(IpAddr, u8)> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    let Some(prefix) = prefix else { return Some((address, longest)) };
    let plain = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_digit());
    let prefix = plain.then(|| prefix.parse::<u8>().ok())??;
    (prefix <= longest).then_some((address, prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_the_calendar() {
        assert_eq!(moment("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(moment("2026-11-24T12:30:15.250Z"), Some(1_795_523_415_250));
        assert_eq!(moment("2026-11-24T20:30:15+08:00"), moment("2026-11-24T12:30:15Z"));
        assert_eq!(moment("2024-02-29T00:00Z"), Some(1_709_164_800_000));
        for wrong in [
            "2023-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-01-01",
            "01/02/2026",
            "",
            "2026-01-01T00:00:00",
        ] {
            assert_eq!(moment(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn values_are_numbers_and_addresses_or_not() {
        assert!(["0", "10", "-3", "0.25"].into_iter().all(is_number));
        assert!(!["", "ten", "1e3", ".", "1.", "--1", "0x10"].into_iter().any(is_number));
        assert!(
            ["10.0.0.1", "10.0.0.0/8", "::1", "2001:db8::/32"]
                .into_iter()
                .all(|it| ip_block(it).is_some())
        );
        assert!(
            !["10.0.0.300", "10.0.0.0/33", "10.0.0", "*", "::/129", "10.0.0.0/+8", ""]
                .into_iter()
                .any(|it| ip_block(it).is_some())
        );
    }
}
