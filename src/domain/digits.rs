//! Ids made of digits, packed into numbers, and as requests state them.

use std::{
    fmt,
    hash::{Hash, Hasher},
    marker::PhantomData,
};

use super::IdForm;

/// Digits of the longest id made of them, and what a place of them can be: nothing or one of ten.
const PLACES: usize = 20;
const SYMBOLS: u128 = 11;

/// An id of 1 to 20 digits, packed: what such ids are compared and looked up by where it must be fast.
///
/// Nearly all are numbers without leading zeros that fit 64 bits, and stand for themselves. The others are their digits as
/// 20 places of base 11, behind the highest bit.
#[derive(Clone, Copy, Eq, PartialOrd, Ord)]
pub struct Digits {
    /// Eight bits, in a word that is written whole: reading a word of which a byte has just been written waits.
    high: u64,
    low: u64,
}

impl PartialEq for Digits {
    /// As derived, in one step: whether somebody is the creator is not to be foreseen, and a wrong guess costs more.
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        (self.high ^ other.high) | (self.low ^ other.low) == 0
    }
}

impl Hash for Digits {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.high, self.low).hash(state);
    }
}

impl Digits {
    /// The bit that tells an id that is no number. INVARIANT: 11^20 is less than 2^71.
    const ODD: u128 = 1 << 71;

    /// Returns the packed form of a text of 1 to 20 digits; `None` for any other.
    #[must_use]
    #[expect(
        clippy::inline_always,
        reason = "it is three words, else written and read again; and ids of a kind have mostly one length, which is foreseen where each kind has its own code"
    )]
    #[inline(always)]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let number = match bytes.len() {
            1..=8 => low_digits(bytes)?,
            9..=16 => {
                let (high, low) = (high_digits(*bytes.first_chunk()?)?, low_digits(bytes)?);
                high * power(bytes.len() - 8) + low
            }
            17..=PLACES => {
                let first = high_digits(*bytes.first_chunk()?)?;
                let second = high_digits(*bytes.get(8..)?.first_chunk()?)?;
                let (high, low) = (first * 100_000_000 + second, low_digits(bytes)?);
                let high = high.checked_mul(power(bytes.len() - 16));
                match high.and_then(|high| high.checked_add(low)) {
                    Some(number) => number,
                    None => return Some(Self::odd(bytes)),
                }
            }
            _ => return None,
        };
        if bytes.first() == Some(&b'0') && bytes.len() > 1 {
            return Some(Self::odd(bytes));
        }
        Some(Self::of_number(number))
    }

    /// Returns the packed form of a number.
    #[must_use]
    pub const fn of_number(number: u64) -> Self {
        Self { high: 0, low: number }
    }

    #[cold]
    fn odd(digits: &[u8]) -> Self {
        let value = (0..PLACES).fold(0_u128, |value, place| {
            let symbol = digits.get(place).map_or(0, |digit| u128::from(digit - b'0') + 1);
            value * SYMBOLS + symbol
        });
        let [_, _, _, _, _, _, _, high, low @ ..] = (value | Self::ODD).to_be_bytes();
        Self::of_parts(high, u64::from_be_bytes(low))
    }

    /// Returns the number the id is, when writing the number gives the id again.
    #[must_use]
    pub const fn number(self) -> Option<u64> {
        if self.high == 0 { Some(self.low) } else { None }
    }

    /// Returns its 72 bits, the highest 8 apart.
    pub(super) const fn parts(self) -> (u8, u64) {
        let [.., high] = self.high.to_be_bytes();
        (high, self.low)
    }

    /// Returns what [`Self::parts`] gave.
    pub(super) const fn of_parts(high: u8, low: u64) -> Self {
        Self { high: high as u64, low }
    }
}

/// Returns ten to the power of a number up to eight.
#[inline]
fn power(exponent: usize) -> u64 {
    const POWERS: [u64; 9] =
        [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];
    POWERS.get(exponent).copied().unwrap_or(1)
}

/// Returns the number of eight digits.
#[inline]
const fn high_digits(digits: [u8; 8]) -> Option<u64> {
    eight(u64::from_le_bytes(digits), 0)
}

/// Returns the number of those digits at the end that are left when eight are taken from the beginning as often as one is
/// left.
#[inline]
fn low_digits(digits: &[u8]) -> Option<u64> {
    let count = (digits.len() - 1) % 8 + 1;
    let missing = 8 * (8 - count);
    let word = match digits.last_chunk() {
        Some(last) => u64::from_le_bytes(*last) >> missing << missing,
        // Four at either end, over each other where there are less than eight.
        None => match (digits.first_chunk(), digits.last_chunk()) {
            (Some(first), Some(last)) => {
                let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
                u64::from(first) << missing | u64::from(last) << 32
            }
            _ => digits.iter().fold(0, |word, digit| word >> 8 | u64::from(*digit) << 56),
        },
    };
    eight(word, missing)
}

/// Returns the number of eight digits, the first in the lowest byte, of which so many bits at the beginning are missing and 0.
/// Neighbours are put together, then those, and once more: all steps are the same whatever the digits are.
#[inline]
const fn eight(word: u64, missing: usize) -> Option<u64> {
    const ZEROS: u64 = 0x3030_3030_3030_3030;
    const HIGHEST: u64 = 0x8080_8080_8080_8080;
    // What is less than `0` borrows, which sets its highest bit; what is more than `9` gets it by what is added.
    let ones = word.wrapping_sub(ZEROS << missing);
    let are_digits = (ones | ones.wrapping_add(0x7676_7676_7676_7676)) & HIGHEST == 0;
    let tens = ones.wrapping_mul(10 << 8 | 1) >> 8 & 0x00ff_00ff_00ff_00ff;
    let hundreds = tens.wrapping_mul(100 << 16 | 1) >> 16 & 0x0000_ffff_0000_ffff;
    let all = hundreds.wrapping_mul(10_000 << 32 | 1) >> 32;
    if are_digits { Some(all) } else { None }
}

impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(number) = self.number() {
            return number.fmt(f);
        }
        let mut rest = (u128::from(self.high) << 64 | u128::from(self.low)) & !Self::ODD;
        let mut place = SYMBOLS.pow(19);
        while place > 0 {
            if let Some(digit) = (rest / place).checked_sub(1) {
                digit.fmt(f)?;
            }
            rest %= place;
            place /= SYMBOLS;
        }
        Ok(())
    }
}

impl fmt::Debug for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digits({self})")
    }
}

/// An id made of 1 to 20 digits.
pub trait DigitsId: Sized {
    /// The form every value has, for error messages.
    const ID_FORM: IdForm;

    /// Returns the id of a text that was checked to be 1 to 20 digits.
    fn of_checked(text: &str) -> Self;
}

/// An id as a request states it: checked, its text still the caller's.
pub struct IdRef<'a, T> {
    text: &'a str,
    digits: Digits,
    of: PhantomData<fn() -> T>,
}

impl<'a, T: DigitsId> IdRef<'a, T> {
    /// Returns the id, or the form it should have had.
    ///
    /// # Errors
    /// [`IdForm`] when `text` does not have that form; nothing is trimmed or repaired.
    #[inline]
    pub fn parse(text: &'a str) -> Result<Self, IdForm> {
        Self::read(text).ok_or(T::ID_FORM)
    }

    /// Returns the id with a text of its own.
    #[must_use]
    pub fn to_id(self) -> T {
        T::of_checked(self.text)
    }
}

impl<'a, T> IdRef<'a, T> {
    /// Returns the id; `None` for a text that does not have its form.
    #[must_use]
    #[inline]
    pub fn read(text: &'a str) -> Option<Self> {
        Some(Self::of_checked(text, Digits::parse(text)?))
    }

    /// Returns the id of a text that was checked.
    pub(super) const fn of_checked(text: &'a str, digits: Digits) -> Self {
        Self { text, digits, of: PhantomData }
    }

    /// Returns the text.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.text
    }

    /// Returns the packed form.
    #[must_use]
    pub const fn digits(self) -> Digits {
        self.digits
    }
}

impl<T> Clone for IdRef<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for IdRef<'_, T> {}

impl<T> PartialEq for IdRef<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        self.digits == other.digits
    }
}

impl<T> Eq for IdRef<'_, T> {}

impl<T> fmt::Debug for IdRef<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn digits_are_packed_and_stand_for_their_text_again() {
        let mut texts: Vec<String> =
            (1..=PLACES).flat_map(|n| ["0", "1", "9"].map(|digit| digit.repeat(n))).collect();
        let counted = "12345678901234567890";
        texts.extend((1..=PLACES).map(|n| counted[..n].to_owned()));
        texts.extend((0..PLACES).map(|n| counted[n..].to_owned()));
        texts.extend([u64::MAX.to_string(), "18446744073709551616".to_owned()]);
        for text in texts {
            let digits = Digits::parse(&text).unwrap();
            assert_eq!(digits.to_string(), text);
            assert_eq!(digits.number(), text.parse().ok().filter(|n: &u64| n.to_string() == text));
        }
    }

    #[test]
    fn what_is_not_one_to_twenty_digits_is_refused_wherever_it_stands() {
        assert!(Digits::parse("").is_none());
        assert!(Digits::parse(&"1".repeat(PLACES + 1)).is_none());
        for len in 1..=PLACES {
            for at in 0..len {
                for wrong in ["/", ":", "?", "\0", "p", " ", "-", "+"] {
                    let mut text = "1".repeat(len);
                    text.replace_range(at..=at, wrong);
                    assert!(Digits::parse(&text).is_none(), "{text:?}");
                }
            }
        }
        assert!(Digits::parse("é").is_none());
    }

    proptest! {
        #[test]
        fn numbers_are_read_as_they_are_written(number in any::<u64>(), shift in 0..64_u32) {
            let number = number >> shift;
            let digits = Digits::parse(&number.to_string());
            prop_assert_eq!(digits, Some(Digits::of_number(number)));
        }
    }
}
