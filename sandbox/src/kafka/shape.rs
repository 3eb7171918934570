//! Refuses a request whose declared lengths exceed its bytes, before the codec sees it. Pure.
//!
//! The codec reserves memory for as many elements as an array claims to have; a claim of two
//! billion would abort the process. So the request is walked first, along a line of text that gives
//! its shape:
//!
//! `b` `h` `i` `l` 1, 2, 4, 8 bytes; `s` string; `y` bytes; `[ … ]` array of structs; `( … )` array
//! of plain values; `7+x` only from version 7; `2-4x` only in versions 2 to 4. Tagged fields follow
//! every struct in the flexible versions. Strings, bytes and arrays may be null.

use thiserror::Error;

/// Array elements in one request, over all its arrays.
const ELEMENTS_MAX: usize = 50_000;
/// Tagged fields of one struct.
const TAGS_MAX: u32 = 100;

/// Why a request does not have its shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum ShapeError {
    /// A length points beyond the end.
    #[error("a length points beyond the end of the request")]
    Short,
    /// A length is below the null length.
    #[error("a length is negative")]
    Negative,
    /// Too many array elements or tagged fields.
    #[error("the request has more than {ELEMENTS_MAX} elements")]
    TooMany,
}

/// Walks over `body` and returns how many bytes belong to the shape.
///
/// # Errors
/// A length or a count exceeds what is there.
pub(super) fn walk(
    shape: &str,
    version: i16,
    flexible: bool,
    body: &[u8],
) -> Result<usize, ShapeError> {
    let tokens: Vec<&str> = shape.split_ascii_whitespace().collect();
    let mut walk = Walk { version, flexible, rest: body, elements: 0 };
    walk.fields(&tokens)?;
    walk.tags()?;
    Ok(body.len() - walk.rest.len())
}

struct Walk<'a> {
    version: i16,
    flexible: bool,
    rest: &'a [u8],
    elements: usize,
}

impl Walk<'_> {
    fn fields(&mut self, tokens: &[&str]) -> Result<(), ShapeError> {
        let mut at = 0;
        while at < tokens.len() {
            let (versions, kind) = tokens[at].split_at(tokens[at].len() - 1);
            let present = is_within(versions, self.version);
            let is_array = matches!(kind, "[" | "(");
            let end = if is_array { closing(tokens, at) } else { at };
            if present && is_array {
                self.array(kind == "[", &tokens[at + 1..end])?;
            } else if present {
                self.field(kind)?;
            }
            at = end + 1;
        }
        Ok(())
    }

    fn field(&mut self, kind: &str) -> Result<(), ShapeError> {
        match kind {
            "b" => self.skip(1),
            "h" => self.skip(2),
            "i" => self.skip(4),
            "l" => self.skip(8),
            "s" => {
                let length = if self.flexible { self.compact()? } else { self.short()? };
                self.skip(length)
            }
            "y" => {
                let length = self.length()?;
                self.skip(length)
            }
            other => unreachable!("no shape has a {other}"),
        }
    }

    fn array(&mut self, of_structs: bool, element: &[&str]) -> Result<(), ShapeError> {
        let count = self.length()?;
        self.elements = self.elements.saturating_add(count);
        if self.elements > ELEMENTS_MAX {
            return Err(ShapeError::TooMany);
        }
        for _ in 0..count {
            self.fields(element)?;
            if of_structs {
                self.tags()?;
            }
        }
        Ok(())
    }

    fn tags(&mut self) -> Result<(), ShapeError> {
        if !self.flexible {
            return Ok(());
        }
        let count = self.varint()?;
        if count > TAGS_MAX {
            return Err(ShapeError::TooMany);
        }
        for _ in 0..count {
            self.varint()?;
            let length = self.varint()?;
            self.skip(usize::try_from(length).map_err(|_| ShapeError::Short)?)?;
        }
        Ok(())
    }

    /// Length of bytes or of an array; null counts as zero.
    fn length(&mut self) -> Result<usize, ShapeError> {
        if self.flexible {
            return self.compact();
        }
        let length = i32::from_be_bytes(*self.take::<4>()?);
        if length == -1 { Ok(0) } else { usize::try_from(length).map_err(|_| ShapeError::Negative) }
    }

    fn short(&mut self) -> Result<usize, ShapeError> {
        let length = i16::from_be_bytes(*self.take::<2>()?);
        if length == -1 { Ok(0) } else { usize::try_from(length).map_err(|_| ShapeError::Negative) }
    }

    /// A length in a varint, one more than it is; zero is null.
    fn compact(&mut self) -> Result<usize, ShapeError> {
        let length = self.varint()?.saturating_sub(1);
        usize::try_from(length).map_err(|_| ShapeError::Short)
    }

    fn varint(&mut self) -> Result<u32, ShapeError> {
        let mut value = 0;
        for shift in (0..35).step_by(7) {
            let [byte] = *self.take::<1>()?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        Ok(value)
    }

    fn take<const N: usize>(&mut self) -> Result<&[u8; N], ShapeError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(ShapeError::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    fn skip(&mut self, length: usize) -> Result<(), ShapeError> {
        self.rest = self.rest.get(length..).ok_or(ShapeError::Short)?;
        Ok(())
    }
}

/// Whether `versions`, as `7+` or `2-4` or nothing, includes `version`.
fn is_within(versions: &str, version: i16) -> bool {
    let number = |digits: &str| digits.parse::<i16>().ok();
    if let Some(from) = versions.strip_suffix('+').and_then(number) {
        return version >= from;
    }
    match versions.split_once('-').map(|(from, to)| (number(from), number(to))) {
        Some((Some(from), Some(to))) => (from..=to).contains(&version),
        _ => versions.is_empty(),
    }
}

/// Position of the bracket that closes the one at `open`.
fn closing(tokens: &[&str], open: usize) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        if token.ends_with(['[', '(']) {
            depth += 1;
        } else if token.ends_with([']', ')']) {
            depth -= 1;
        }
        if depth == 0 {
            return at;
        }
    }
    tokens.len()
}

#[cfg(test)]
#[path = "shape_tests.rs"]
mod tests;
