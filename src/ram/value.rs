//! Values that conditions compare, read: decimals of any length, moments, blocks of addresses.

use std::{cmp::Ordering, net::IpAddr};

use super::operator::{ip_block, is_number, moment};

/// A decimal number of any length, compared exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decimal {
    is_negative: bool,
    /// Without zeros before it.
    whole: Box<str>,
    /// Without zeros after it.
    fraction: Box<str>,
}

impl Decimal {
    /// Returns the number of a text: `10`, `-0.5`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if !is_number(text) {
            return None;
        }
        let (is_negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        let is_zero = whole.is_empty() && fraction.is_empty();
        Some(Self {
            is_negative: is_negative && !is_zero,
            whole: whole.into(),
            fraction: fraction.into(),
        })
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let size = |it: &Self, than: &Self| {
            let longer = it.whole.len().cmp(&than.whole.len());
            longer
                .then_with(|| it.whole.cmp(&than.whole))
                .then_with(|| it.fraction.cmp(&than.fraction))
        };
        match (self.is_negative, other.is_negative) {
            (false, false) => size(self, other),
            (true, true) => size(other, self),
            (is_negative, _) => {
                if is_negative {
                    Ordering::Less
                } else {
                    Ordering::Greater
                }
            }
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A block of addresses; a single address is the smallest one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    is_v4: bool,
    first: u128,
    prefix: u8,
}

impl Block {
    /// Returns the block of a text: `203.0.113.7`, `10.0.0.0/8`, `2001:db8::/32`. An IPv4-mapped IPv6 address is the IPv4
    /// address.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        /// Bits before the IPv4 address in a mapped one.
        const MAPPED: u8 = 96;
        let (address, prefix) = ip_block(text)?;
        let (address, prefix) = match address {
            IpAddr::V6(v6) if prefix >= MAPPED => match v6.to_ipv4_mapped() {
                Some(v4) => (IpAddr::V4(v4), prefix - MAPPED),
                None => (address, prefix),
            },
            _ => (address, prefix),
        };
        let (is_v4, bits) = match address {
            IpAddr::V4(v4) => (true, u128::from(u32::from(v4))),
            IpAddr::V6(v6) => (false, u128::from(v6)),
        };
        Some(Self { is_v4, first: bits & Self::mask(is_v4, prefix), prefix })
    }

    /// Returns the block that is a single address; `None` for a text that is none, or a block of several.
    #[must_use]
    pub fn address(text: &str) -> Option<Self> {
        if text.contains('/') { None } else { Self::parse(text) }
    }

    const fn width(is_v4: bool) -> u8 {
        if is_v4 { 32 } else { 128 }
    }

    fn mask(is_v4: bool, prefix: u8) -> u128 {
        let host = u32::from(Self::width(is_v4).saturating_sub(prefix));
        u128::MAX.checked_shl(host).unwrap_or(0)
    }

    /// Returns whether another block lies within this one.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        self.is_v4 == other.is_v4
            && self.prefix <= other.prefix
            && other.first & Self::mask(self.is_v4, self.prefix) == self.first
    }
}

/// Returns a moment by milliseconds as text that everybody reads alike; `None` outside the years 0 to 9999.
#[must_use]
pub fn moment_text(millis: i64) -> Option<String> {
    let at = jiff::Timestamp::from_millisecond(millis).ok()?;
    let text = format!("{at:.3}");
    (moment(&text) == Some(millis)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_by_what_they_are() {
        let number = |text: &str| Decimal::parse(text).unwrap();
        assert_eq!(number("1.0"), number("+01"));
        assert_eq!(number("-0.00"), number("0"));
        let sorted = ["-10", "-9.51", "-9.5", "-0.1", "0", "0.09", "0.1", "9", "10", "10.01"];
        for (index, one) in sorted.iter().enumerate() {
            for (other_index, other) in sorted.iter().enumerate() {
                assert_eq!(
                    number(one).cmp(&number(other)),
                    index.cmp(&other_index),
                    "{one} {other}"
                );
            }
        }
        assert_eq!(
            number(&"9".repeat(400)).cmp(&number(&format!("1{}", "0".repeat(400)))),
            Ordering::Less
        );
    }

    #[test]
    fn blocks_hold_their_addresses_whatever_they_are_written_as() {
        for (block, address, holds) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.1.2.3/8", "10.255.0.1", true),
            ("10.0.0.0/8", "::ffff:10.0.0.1", true),
            ("::ffff:10.0.0.0/104", "10.0.0.1", true),
            ("::ffff:10.0.0.0/104", "11.0.0.1", false),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "10.0.0.1", false),
            ("::/0", "2001:db8::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("203.0.113.7", "203.0.113.7", true),
        ] {
            let address = Block::address(address).unwrap();
            assert_eq!(
                Block::parse(block).unwrap().contains(&address),
                holds,
                "{block} {address:?}"
            );
        }
        assert_eq!(Block::address("10.0.0.0/32"), None);
    }

    #[test]
    fn moments_come_back_as_they_were() {
        for text in
            ["2026-11-24T12:30:15.250Z", "0001-01-01T00:00:00.000Z", "9999-12-30T21:59:59.999Z"]
        {
            assert_eq!(moment(text).and_then(moment_text).as_deref(), Some(text));
        }
    }
}
