//! Bytes in, frames out: the only place that looks at bytes from outside before they are known to be JSON.
//!
//! Does no I/O, and takes no more memory than one frame and what was pushed last.

use super::{ErrorCode, Frame};

/// What an end takes at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a frame, without the line break.
    pub max_frame: usize,
    /// Arrays and objects within each other.
    pub max_depth: usize,
}

impl Default for Limits {
    /// 1 MiB and 64 levels.
    fn default() -> Self {
        Self { max_frame: 1 << 20, max_depth: 64 }
    }
}

impl Limits {
    /// Whether the other end will take this frame, given as its bytes without the line break.
    ///
    /// # Errors
    /// If it is too long or nests too deep.
    pub fn check(&self, frame: &[u8]) -> Result<(), FrameError> {
        if frame.len() > self.max_frame {
            return Err(FrameError::TooLong { limit: self.max_frame });
        }
        if nests_deeper(frame, self.max_depth) {
            return Err(FrameError::TooDeep { limit: self.max_depth });
        }
        Ok(())
    }
}

/// Bytes that are no frame. Nothing that follows them can be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// No line break within the limit.
    #[error("a frame is longer than {limit} bytes; raise `max_frame` on both ends, or say less at once")]
    TooLong {
        /// Bytes.
        limit: usize,
    },
    /// Not text.
    #[error("a frame is not UTF-8")]
    NotUtf8,
    /// Hostile, or a mistake.
    #[error("a frame nests deeper than {limit} levels")]
    TooDeep {
        /// Levels.
        limit: usize,
    },
    /// Not JSON, or not a frame.
    #[error("a line is no frame: {0}")]
    Malformed(String),
}

impl FrameError {
    /// For the error frame.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::TooLong { .. } => ErrorCode::TooLong,
            Self::NotUtf8 => ErrorCode::NotUtf8,
            Self::TooDeep { .. } => ErrorCode::TooDeep,
            Self::Malformed(_) => ErrorCode::Malformed,
        }
    }
}

/// Makes frames of a stream of bytes, wherever it is split.
#[derive(Debug)]
pub struct FrameDecoder {
    limits: Limits,
    buffer: Vec<u8>,
    /// Where the next frame begins.
    start: usize,
    /// Up to here there is no line break.
    searched: usize,
    failed: Option<FrameError>,
}

impl FrameDecoder {
    /// A decoder at the beginning of a stream.
    pub fn new(limits: Limits) -> Self {
        Self { limits, buffer: Vec::new(), start: 0, searched: 0, failed: None }
    }

    /// Takes what was read. To be called when [`FrameDecoder::next_frame`] has given all there is.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next frame, if all of it is there.
    ///
    /// # Errors
    /// If the bytes are no frame. After the first error there are no more frames, only this error.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, FrameError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let line = match self.next_line() {
            Ok(Some(line)) => line,
            Ok(None) => return Ok(None),
            Err(error) => return Err(self.failed.insert(error).clone()),
        };
        match parse(&self.limits, &self.buffer[line]) {
            Ok(frame) => Ok(Some(frame)),
            Err(error) => Err(self.failed.insert(error).clone()),
        }
    }

    /// Whether the stream ended, or would end now, within a frame.
    pub fn is_torn(&self) -> bool {
        self.start < self.buffer.len()
    }

    fn next_line(&mut self) -> Result<Option<std::ops::Range<usize>>, FrameError> {
        let found = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n');
        let end = found.map_or(self.buffer.len(), |offset| self.searched + offset);
        if end - self.start > self.limits.max_frame {
            return Err(FrameError::TooLong { limit: self.limits.max_frame });
        }
        self.searched = end;
        if found.is_none() {
            return Ok(None);
        }
        let line = self.start..end;
        self.start = end + 1;
        self.searched = self.start;
        Ok(Some(line))
    }
}

fn parse<'a>(limits: &Limits, line: &'a [u8]) -> Result<Frame<'a>, FrameError> {
    let text = std::str::from_utf8(line).map_err(|_| FrameError::NotUtf8)?;
    limits.check(line)?;
    serde_json::from_str(text).map_err(|error| FrameError::Malformed(error.to_string()))
}

/// Whether brackets outside of strings are open at more than `limit` levels.
fn nests_deeper(json: &[u8], limit: usize) -> bool {
    let opening = json.iter().filter(|byte| matches!(byte, b'{' | b'[')).count();
    opening > limit && depth(json) > limit
}

fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Limits = Limits { max_frame: 64, max_depth: 4 };

    fn names(decoder: &mut FrameDecoder) -> Vec<&'static str> {
        std::iter::from_fn(|| decoder.next_frame().expect("good frames").map(|frame| frame.name())).collect()
    }

    fn refusal(bytes: &[u8]) -> FrameError {
        let mut decoder = FrameDecoder::new(SMALL);
        decoder.push(bytes);
        let error = decoder.next_frame().expect_err("no frame");
        decoder.push(b"{\"ack\":1}\n");
        assert_eq!(decoder.next_frame().expect_err("nothing after an error"), error);
        error
    }

    #[test]
    fn frames_come_whole_wherever_the_stream_is_split() {
        let stream =
            "{\"ping\":{}}\n{\"ack\":12}\n{\"message\":{\"number\":1,\"body\":{\"published\":\"ä\"}}}\n".as_bytes();
        for split in 0..=stream.len() {
            let mut decoder = FrameDecoder::new(SMALL);
            decoder.push(&stream[..split]);
            let mut seen = names(&mut decoder);
            decoder.push(&stream[split..]);
            seen.extend(names(&mut decoder));
            assert_eq!(seen, ["ping", "ack", "message"], "split at {split}");
            assert!(!decoder.is_torn());
        }
    }

    #[test]
    fn frames_come_whole_byte_by_byte() {
        let mut decoder = FrameDecoder::new(SMALL);
        let mut seen = Vec::new();
        for byte in b"{\"ack\":1}\n{\"ack\":2}\n{\"ack\"" {
            decoder.push(std::slice::from_ref(byte));
            seen.extend(names(&mut decoder));
        }
        assert_eq!(seen, ["ack", "ack"]);
        assert!(decoder.is_torn());
    }

    #[test]
    fn a_body_passes_byte_by_byte() {
        let body = r#"{ "a" : 1.0e2, "a":"\u00e4" }"#;
        let mut decoder = FrameDecoder::new(Limits::default());
        decoder.push(format!("{{\"message\":{{\"number\":1,\"body\":{body}}}}}\n").as_bytes());
        let Ok(Some(Frame::Message(message))) = decoder.next_frame() else { panic!("a message") };
        assert_eq!(message.body.get(), body);
    }

    #[test]
    fn a_frame_may_have_as_many_bytes_as_allowed_and_no_more() {
        let frame = |length: usize| format!("{{\"ack\":{}7}}", " ".repeat(length - 9));
        let mut decoder = FrameDecoder::new(SMALL);
        decoder.push(format!("{}\n", frame(64)).as_bytes());
        assert_eq!(names(&mut decoder), ["ack"]);
        assert_eq!(refusal(format!("{}\n", frame(65)).as_bytes()), FrameError::TooLong { limit: 64 });
        assert_eq!(refusal(&[b' '; 65]), FrameError::TooLong { limit: 64 });
    }

    #[test]
    fn depth_counts_brackets_outside_of_strings() {
        assert_eq!(refusal(b"{\"notice\":[[[[1]]]]}\n"), FrameError::TooDeep { limit: 4 });
        let mut decoder = FrameDecoder::new(SMALL);
        decoder.push(b"{\"notice\":[[[\"\\\"[[[[{{{{\"]]]}\n{\"notice\":[[],[],[],[],[],[]]}\n");
        assert_eq!(names(&mut decoder), ["notice", "notice"]);
    }

    #[test]
    fn what_is_no_text_is_refused() {
        assert_eq!(refusal(b"{\"ack\":\xff}\n"), FrameError::NotUtf8);
        assert_eq!(refusal(b"{\"notice\":\"\xc3\"}\n"), FrameError::NotUtf8);
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        for line in [
            "",
            "ack",
            "{}",
            "[]",
            "{\"ack\":-1}",
            "{\"ack\":1,\"ack\":2}",
            "{\"ack\":1,\"ping\":{}}",
            "{\"ack\":1}{\"ack\":2}",
            "{\"shout\":1}",
            "{\"ping\":{\"a\":1}}",
            "{\"message\":{\"number\":1,\"number\":2,\"body\":1}}",
            "{\"message\":{\"number\":1,\"body\":1,\"more\":1}}",
            "{\"message\":{\"number\":1}}",
        ] {
            let error = refusal(format!("{line}\n").as_bytes());
            assert!(matches!(error, FrameError::Malformed(_)), "{line}: {error}");
        }
    }
}
