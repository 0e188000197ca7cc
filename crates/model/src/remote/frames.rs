//! A body that arrives in pieces of any size, cut into messages: server-sent events (WHATWG HTML, "9.2.6
//! Interpreting an event stream") or one JSON value a line.
//!
//! Keeps true: how the bytes were cut into pieces does not change the messages; no message is larger than
//! `MESSAGE_BYTES_MAX`, and a longer one is a failure, not memory.

/// The longest message. Tokens take bytes; the last message of some providers lists the whole context.
pub const MESSAGE_BYTES_MAX: usize = 4 << 20;

/// How messages are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    Events,
    Lines,
}

/// A message was longer than `MESSAGE_BYTES_MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

/// The state between two pieces.
#[derive(Debug)]
pub struct Frames {
    framing: Framing,
    line: Vec<u8>,
    after_return: bool,
    at_start: bool,
    data: Option<Vec<u8>>,
}

impl Frames {
    pub const fn new(framing: Framing) -> Self {
        Self { framing, line: Vec::new(), after_return: false, at_start: true, data: None }
    }

    /// The messages that `piece` completes, in order.
    pub fn push(&mut self, piece: &[u8]) -> Result<Vec<Vec<u8>>, TooLong> {
        let mut messages = Vec::new();
        for &byte in piece {
            let second_half = byte == b'\n' && self.after_return;
            self.after_return = byte == b'\r';
            match byte {
                b'\n' if second_half => {}
                b'\n' | b'\r' => messages.extend(self.end_line()?),
                _ if self.line.len() == MESSAGE_BYTES_MAX => return Err(TooLong),
                _ => self.line.push(byte),
            }
        }
        Ok(messages)
    }

    /// What the end of the body completes: some servers leave out the last line's end.
    pub fn finish(&mut self) -> Result<Vec<Vec<u8>>, TooLong> {
        let mut messages = Vec::from_iter(self.end_line()?);
        messages.extend(self.data.take());
        Ok(messages)
    }

    fn end_line(&mut self) -> Result<Option<Vec<u8>>, TooLong> {
        let mut line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.at_start) && line.starts_with(b"\xef\xbb\xbf") {
            line.drain(..3);
        }
        match self.framing {
            Framing::Lines => Ok((!line.trim_ascii().is_empty()).then_some(line)),
            Framing::Events if line.is_empty() => Ok(self.data.take()),
            Framing::Events => self.field(&line).map(|()| None),
        }
    }

    /// Only `data` counts; event names and ids say nothing that the data does not.
    fn field(&mut self, line: &[u8]) -> Result<(), TooLong> {
        let Some(value) = line.strip_prefix(b"data") else { return Ok(()) };
        let value = match value {
            [] => value,
            [b':', b' ', value @ ..] | [b':', value @ ..] => value,
            _ => return Ok(()),
        };
        let data = match &mut self.data {
            Some(data) => {
                data.push(b'\n');
                data
            }
            none => none.insert(Vec::new()),
        };
        if data.len() + value.len() > MESSAGE_BYTES_MAX {
            return Err(TooLong);
        }
        data.extend_from_slice(value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(framing: Framing, pieces: &[&[u8]]) -> Vec<String> {
        let mut frames = Frames::new(framing);
        let mut messages: Vec<Vec<u8>> =
            pieces.iter().flat_map(|piece| frames.push(piece).unwrap()).collect();
        messages.extend(frames.finish().unwrap());
        messages.into_iter().map(|message| String::from_utf8_lossy(&message).into_owned()).collect()
    }

    fn events(text: &str) -> Vec<String> {
        all(Framing::Events, &[text.as_bytes()])
    }

    #[test]
    fn an_event_ends_with_an_empty_line() {
        assert_eq!(events("data: a\n\ndata:b\n\n"), ["a", "b"]);
        assert_eq!(events("data: a\r\n\r\ndata: b\r\rdata: c\n\n"), ["a", "b", "c"]);
    }

    #[test]
    fn data_lines_of_one_event_are_joined() {
        assert_eq!(events("data: a\ndata\ndata:  b\n\n"), ["a\n\n b"]);
    }

    #[test]
    fn comments_and_other_fields_are_passed_over() {
        assert_eq!(events(": keep-alive\n\nevent: x\nid: 1\ndatabase: y\ndata: a\nretry: 3\n\n"), ["a"]);
    }

    #[test]
    fn a_mark_at_the_start_is_no_content() {
        assert_eq!(events("\u{feff}data: a\n\n"), ["a"]);
        assert_eq!(all(Framing::Lines, &[b"\xef\xbb", b"\xbf{}\n"]), ["{}"]);
    }

    #[test]
    fn the_last_message_may_lack_its_end() {
        assert_eq!(events("data: a\n\ndata: b"), ["a", "b"]);
        assert_eq!(all(Framing::Lines, &[b"{}\n{", b"}"]), ["{}", "{}"]);
    }

    #[test]
    fn empty_lines_are_no_messages() {
        assert_eq!(all(Framing::Lines, &[b"\n\r\n 1\n\n"]), [" 1"]);
        assert_eq!(events("\n\n\n"), Vec::<String>::new());
    }

    #[test]
    fn a_message_without_end_is_a_failure() {
        for framing in [Framing::Events, Framing::Lines] {
            let mut frames = Frames::new(framing);
            let outcome = (0..6).try_for_each(|_| frames.push(&vec![b'x'; 1 << 20]).map(drop));
            assert_eq!(outcome, Err(TooLong));
        }
        let mut frames = Frames::new(Framing::Events);
        let line = [b"data:".to_vec(), vec![b'x'; 1 << 20], b"\n".to_vec()].concat();
        assert_eq!((0..6).try_for_each(|_| frames.push(&line).map(drop)), Err(TooLong));
    }

    /// Bytes in which line ends, fields and halves of characters are frequent.
    fn stream() -> impl Strategy<Value = Vec<u8>> {
        let part = prop_oneof![
            Just(b"\n".to_vec()),
            Just(b"\r".to_vec()),
            Just(b"\r\n".to_vec()),
            Just(b"data:".to_vec()),
            Just(b"data: {\"a\":\"".to_vec()),
            Just("größe 🦀".as_bytes().to_vec()),
            Just(b"\xef\xbb\xbf".to_vec()),
            Just(b": ping".to_vec()),
            proptest::collection::vec(any::<u8>(), 0..4),
        ];
        proptest::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn the_cuts_do_not_matter(bytes in stream(), cuts in proptest::collection::vec(0usize..200, 0..12)) {
            for framing in [Framing::Events, Framing::Lines] {
                let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
                cuts.extend([0, bytes.len()]);
                cuts.sort_unstable();
                let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
                prop_assert_eq!(all(framing, &pieces), all(framing, &[&bytes]));
            }
        }
    }
}
