//! Protobuf messages without a schema: [`Fields`] reads one, the `put_` functions write one.

/// One field's value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Field<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(&'a [u8]),
}

impl<'a> Field<'a> {
    pub fn bytes(self) -> &'a [u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            _ => &[],
        }
    }

    /// Text, where the bytes are UTF-8.
    pub fn text(self) -> &'a str {
        std::str::from_utf8(self.bytes()).unwrap_or("")
    }
}

/// Iterates over the fields of a message: their numbers and values. Ends early where the bytes are
/// not a message.
#[derive(Debug, Clone)]
pub(crate) struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    #[inline]
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    /// The varint that the bytes are, if nothing follows it.
    pub fn alone(&mut self) -> Option<u64> {
        self.varint().filter(|_| self.0.is_empty())
    }

    #[inline]
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (u64, Field<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let tag = self.varint()?;
        let field = match tag & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(u64::from_le_bytes(self.take(8)?.try_into().ok()?)),
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Field::Bytes(self.take(length)?)
            }
            5 => Field::Fixed32(u32::from_le_bytes(self.take(4)?.try_into().ok()?)),
            _ => return None,
        };
        Some((tag >> 3, field))
    }
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7F {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Adds a field whose value is a varint.
pub(crate) fn put_varint_field(out: &mut Vec<u8>, number: u64, value: u64) {
    put_varint(out, number << 3);
    put_varint(out, value);
}

/// Adds a field of 8 bytes: a `double`.
pub(crate) fn put_fixed64(out: &mut Vec<u8>, number: u64, bits: u64) {
    put_varint(out, number << 3 | 1);
    out.extend(bits.to_le_bytes());
}

/// Adds a field of 4 bytes: a `float`.
pub(crate) fn put_fixed32(out: &mut Vec<u8>, number: u64, bits: u32) {
    put_varint(out, number << 3 | 5);
    out.extend(bits.to_le_bytes());
}

/// Adds a field of bytes: a text or a message.
pub(crate) fn put_bytes(out: &mut Vec<u8>, number: u64, bytes: &[u8]) {
    put_varint(out, number << 3 | 2);
    put_varint(out, bytes.len() as u64);
    out.extend(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(number in 1u64..1 << 29, value: u64, bits: u32, bytes: Vec<u8>) {
            let mut message = Vec::new();
            put_varint_field(&mut message, number, value);
            put_fixed64(&mut message, 2, value);
            put_fixed32(&mut message, 3, bits);
            put_bytes(&mut message, 4, &bytes);
            let fields: Vec<_> = Fields(&message).collect();
            let wanted = [
                (number, Field::Varint(value)),
                (2, Field::Fixed64(value)),
                (3, Field::Fixed32(bits)),
                (4, Field::Bytes(&bytes)),
            ];
            prop_assert_eq!(fields, wanted);
        }
    }
}
