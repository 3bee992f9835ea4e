//! Ids and secrets that are made up: from the operating system, each value equally likely.

use std::fmt::Write;

use crate::error::Error;

/// Returns that many random bytes in hexadecimal digits.
pub(super) fn random_hex(bytes: usize) -> Result<String, Error> {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random)
        .map_err(|error| Error::internal(&format!("no randomness: {error}")))?;
    Ok(random.iter().fold(String::with_capacity(bytes * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

/// Returns that many random letters and digits, each equally likely.
pub(super) fn random_letters(count: usize) -> Result<String, Error> {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut out = String::with_capacity(count);
    while out.len() < count {
        let mut random = [0; 64];
        getrandom::fill(&mut random)
            .map_err(|error| Error::internal(&format!("no randomness: {error}")))?;
        // 248 is the largest multiple of 62 in a byte: a byte beyond it would favour the first letters.
        let letters =
            random.iter().filter(|b| **b < 248).filter_map(|b| LETTERS.get(usize::from(*b) % 62));
        out.extend(letters.take(count - out.len()).map(|b| char::from(*b)));
    }
    Ok(out)
}

/// Returns that many random digits, the first not 0.
pub(super) fn random_digits(count: u32) -> Result<String, Error> {
    let least = 10_u64.pow(count.saturating_sub(1));
    let span = least.saturating_mul(9);
    loop {
        let mut random = [0; 8];
        getrandom::fill(&mut random)
            .map_err(|error| Error::internal(&format!("no randomness: {error}")))?;
        let number = u64::from_le_bytes(random);
        // Beyond the largest multiple of the span the first numbers would be likelier.
        if number < u64::MAX - u64::MAX % span {
            return Ok((least + number % span).to_string());
        }
    }
}
