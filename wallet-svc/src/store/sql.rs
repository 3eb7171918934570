//! Builds SQL text in one buffer that is used again and again.
//!
//! Values are integers and hex literals only, so nothing that a user typed reaches the text as
//! text.

/// SQL being written.
#[derive(Debug, Default)]
pub(super) struct Sql(Vec<u8>);

const HEX: [[u8; 2]; 256] = {
    let digits = b"0123456789abcdef";
    let mut table = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = [digits[byte >> 4], digits[byte & 15]];
        byte += 1;
    }
    table
};

impl Sql {
    /// Empties the buffer and keeps its memory.
    pub(super) fn clear(&mut self) -> &mut Self {
        self.0.clear();
        self
    }

    /// Our own text.
    pub(super) fn put(&mut self, text: &'static str) -> &mut Self {
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    /// An integer.
    pub(super) fn int(&mut self, value: impl Into<i64>) -> &mut Self {
        let value = value.into();
        if value < 0 {
            self.0.push(b'-');
        }
        let mut rest = value.unsigned_abs();
        let mut digits = [0; 20];
        let mut first = digits.len();
        loop {
            first -= 1;
            digits[first] = b'0' + u8::try_from(rest % 10).expect("a digit");
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.0.extend_from_slice(&digits[first..]);
        self
    }

    /// An integer, or `NULL`.
    pub(super) fn int_or_null(&mut self, value: Option<i64>) -> &mut Self {
        match value {
            Some(value) => self.int(value),
            None => self.put("NULL"),
        }
    }

    /// Bytes as a hex literal.
    pub(super) fn hex(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.reserve(bytes.len() * 2 + 3);
        self.0.extend_from_slice(b"x'");
        for byte in bytes {
            self.0.extend_from_slice(&HEX[usize::from(*byte)]);
        }
        self.0.push(b'\'');
        self
    }

    /// Bytes as a hex literal, or `NULL`.
    pub(super) fn hex_or_null(&mut self, bytes: Option<&[u8]>) -> &mut Self {
        match bytes {
            Some(bytes) => self.hex(bytes),
            None => self.put("NULL"),
        }
    }

    /// Calls `each` for every item, with commas between.
    pub(super) fn list<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut each: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        for (place, item) in items.into_iter().enumerate() {
            if place > 0 {
                self.0.push(b',');
            }
            each(self, item);
        }
        self
    }

    /// What has been written.
    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.0).expect("only ASCII was put")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_integers_and_hex_literals() {
        let mut sql = Sql::default();
        sql.put("a").int(0).put(",").int(i64::MIN).put(",").int(i64::MAX).put(",");
        sql.hex(b"").put(",").hex(b"'; DROP\xff").put(",").hex_or_null(None);
        assert_eq!(
            sql.text(),
            "a0,-9223372036854775808,9223372036854775807,x'',x'273b2044524f50ff',NULL"
        );
        sql.clear().list([1, 2, 3], |sql, item| {
            sql.int(item);
        });
        assert_eq!(sql.text(), "1,2,3");
    }
}
