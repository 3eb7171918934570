//! A parser of server-sent events (WHATWG HTML, section 9.2.6), fed with chunks. Pure.

/// One event: its type, its id if it has one, its data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// `message` when the stream named none.
    pub kind: String,
    pub id: Option<String>,
    pub data: String,
}

/// An event may not be larger; a snapshot of 200 environments is about 4 MB.
pub const EVENT_BYTES_MAX: usize = 16 << 20;

/// An event that outgrew [`EVENT_BYTES_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream is larger than {EVENT_BYTES_MAX} bytes")]
pub struct TooLarge;

/// Collects chunks into events.
#[derive(Debug, Default)]
pub struct Parser {
    buffer: Vec<u8>,
    kind: String,
    id: Option<String>,
    data: String,
}

impl Parser {
    /// Takes the next bytes and returns the events that they complete.
    ///
    /// # Errors
    ///
    /// An unfinished event is too large; the stream cannot be read on.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Vec<Event>, TooLarge> {
        self.buffer.extend_from_slice(bytes);
        let mut events = Vec::new();
        let mut from = 0;
        while let Some(length) = self.buffer[from..].iter().position(|byte| *byte == b'\n') {
            let line = String::from_utf8_lossy(&self.buffer[from..from + length]).into_owned();
            from += length + 1;
            events.extend(self.line(line.strip_suffix('\r').unwrap_or(&line)));
        }
        self.buffer.drain(..from);
        if self.buffer.len() + self.data.len() > EVENT_BYTES_MAX {
            return Err(TooLarge);
        }
        Ok(events)
    }

    fn line(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            return self.dispatch();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.kind),
            "id" => self.id = Some(value.to_owned()),
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            // A comment (an empty field name), a retry hint, or a field of the future.
            _ => {}
        }
        None
    }

    fn dispatch(&mut self) -> Option<Event> {
        let kind = std::mem::take(&mut self.kind);
        let id = self.id.take();
        let mut data = std::mem::take(&mut self.data);
        data.pop()?;
        let kind = if kind.is_empty() { "message".to_owned() } else { kind };
        Some(Event { kind, id, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STREAM: &str = ": hello\n\nevent: journal\nid: 7\ndata: {\"a\":\ndata: 1}\n\n\
                          data: x\r\n\r\nevent: empty\n\nretry: 3\ndata:é\n\n";

    fn all() -> Vec<Event> {
        let event = |kind: &str, id: Option<&str>, data: &str| Event {
            kind: kind.into(),
            id: id.map(Into::into),
            data: data.into(),
        };
        vec![
            event("journal", Some("7"), "{\"a\":\n1}"),
            event("message", None, "x"),
            event("message", None, "é"),
        ]
    }

    #[test]
    fn events_are_read_with_their_type_id_and_lines() {
        assert_eq!(Parser::default().feed(STREAM.as_bytes()), Ok(all()));
    }

    #[test]
    fn an_endless_event_is_refused() {
        let mut parser = Parser::default();
        let chunk = vec![b'x'; 1 << 20];
        let outcome = (0..20).map(|_| parser.feed(&chunk)).find(Result::is_err);
        assert_eq!(outcome, Some(Err(TooLarge)));
    }

    proptest! {
        #[test]
        fn where_the_chunks_are_cut_does_not_matter(cuts in prop::collection::vec(1_usize..9, 1..90)) {
            let mut parser = Parser::default();
            let mut rest = STREAM.as_bytes();
            let mut events = Vec::new();
            for cut in cuts {
                let (chunk, tail) = rest.split_at(cut.min(rest.len()));
                events.extend(parser.feed(chunk).unwrap());
                rest = tail;
            }
            events.extend(parser.feed(rest).unwrap());
            prop_assert_eq!(events, all());
        }
    }
}
