//! Short texts that are written often: a copy whose length is known takes no guess at it.

/// A few bytes in a place for `ROOM` of them.
#[derive(Debug, Clone, Copy)]
pub struct Padded<const ROOM: usize> {
    len: u8,
    bytes: [u8; ROOM],
}

impl<const ROOM: usize> Padded<ROOM> {
    /// Returns these bytes; `None` where they are more than there is room for.
    #[must_use]
    pub const fn new(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > ROOM || bytes.len() > u8::MAX as usize {
            return None;
        }
        let mut padded = [0; ROOM];
        let (place, _) = padded.split_at_mut(bytes.len());
        place.copy_from_slice(bytes);
        #[expect(clippy::cast_possible_truncation, reason = "it was looked at")]
        Some(Self { len: bytes.len() as u8, bytes: padded })
    }

    /// Returns how many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// Returns whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns them.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len()).unwrap_or_default()
    }

    /// Appends them.
    #[inline]
    pub fn append_to(&self, out: &mut Vec<u8>) {
        // All there is room for, and then fewer.
        let end = out.len() + self.len();
        out.extend_from_slice(&self.bytes);
        out.truncate(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_appended_as_they_are_or_have_no_room() {
        for len in 0..=8 {
            let text = &b"12345678"[..len];
            let padded = Padded::<8>::new(text).unwrap();
            assert_eq!((padded.bytes(), padded.len(), padded.is_empty()), (text, len, len == 0));
            let mut out = b"before ".to_vec();
            padded.append_to(&mut out);
            assert_eq!(out, [b"before ", text].concat());
        }
        assert!(Padded::<8>::new(b"123456789").is_none());
        assert!(Padded::<300>::new(&[0; 256]).is_none());
    }
}
