//! Ids made of digits, packed into numbers, and as requests state them.

use std::{fmt, marker::PhantomData};

use super::IdForm;

/// Digits of the longest id made of them, and what a place of them can be: nothing or one of ten.
const PLACES: usize = 20;
const SYMBOLS: u128 = 11;

/// An id of 1 to 20 digits, packed: what such ids are compared and looked up by where it must be fast.
///
/// Nearly all are numbers without leading zeros that fit 64 bits, and stand for themselves. The others are their digits as
/// 20 places of base 11, behind the highest bit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digits {
    high: u8,
    low: u64,
}

impl Digits {
    /// The bit that tells an id that is no number. INVARIANT: 11^20 is less than 2^71.
    const ODD: u128 = 1 << 71;

    /// Returns the packed form of a text of 1 to 20 digits; `None` for any other.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.is_empty() || bytes.len() > PLACES {
            return None;
        }
        let mut number = 0_u64;
        let mut overflows = false;
        for byte in bytes {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                return None;
            }
            let (tens, too_many) = number.overflowing_mul(10);
            let (sum, too_much) = tens.overflowing_add(u64::from(digit));
            number = sum;
            overflows |= too_many | too_much;
        }
        let begins_with_zero = bytes.first() == Some(&b'0') && bytes.len() > 1;
        Some(if overflows || begins_with_zero { Self::odd(bytes) } else { Self::of_number(number) })
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
        let [.., high, a, b, c, d, e, f, g, h] = (value | Self::ODD).to_be_bytes();
        Self { high, low: u64::from_be_bytes([a, b, c, d, e, f, g, h]) }
    }

    /// Returns the number the id is, when writing the number gives the id again.
    #[must_use]
    pub const fn number(self) -> Option<u64> {
        if self.high == 0 { Some(self.low) } else { None }
    }

    /// Returns its 72 bits, the highest 8 apart.
    pub(super) const fn parts(self) -> (u8, u64) {
        (self.high, self.low)
    }

    /// Returns what [`Self::parts`] gave.
    pub(super) const fn of_parts(high: u8, low: u64) -> Self {
        Self { high, low }
    }
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
    pub fn parse(text: &'a str) -> Result<Self, IdForm> {
        let digits = Digits::parse(text).ok_or(T::ID_FORM)?;
        Ok(Self::of_checked(text, digits))
    }

    /// Returns the id with a text of its own.
    #[must_use]
    pub fn to_id(self) -> T {
        T::of_checked(self.text)
    }
}

impl<'a, T> IdRef<'a, T> {
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
