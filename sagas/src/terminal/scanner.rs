//! Finds the sentinels of waited runs in what a terminal shows.
//!
//! A sentinel is a control sequence that a terminal does not show: `ESC ] 7717 ; MARKER ; begun BEL` before a command, and
//! `ESC ] 7717 ; MARKER ; STATUS BEL` after it. It counts only if its owner knows it; anything else that looks like one is
//! output, in its place.
//!
//! Pure: bytes in, pieces out, the same whatever chunks the bytes come in. It keeps back at most what may still become a
//! sentinel, [`LONGEST`] bytes.

use std::fmt;
use std::str::FromStr;

/// How every sentinel begins.
const INTRODUCER: &[u8] = b"\x1b]7717;";

/// How every sentinel ends.
const BELL: u8 = b'\x07';

/// What says that a command begins.
const BEGUN: &str = "begun";

/// The longest sentinel, in bytes.
const LONGEST: usize = INTRODUCER.len() + MARKER_DIGITS + ";begun\x07".len();

/// The length of a marker as it is written.
const MARKER_DIGITS: usize = 16;

/// Tells a run from all others that are in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Marker(pub(super) u64);

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// What a sentinel says of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// The shell is about to execute the command.
    Begun,
    /// The command has ended with this status.
    Ended(u8),
}

/// Printed by the shell before and after a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sentinel {
    pub(super) marker: Marker,
    pub(super) sign: Sign,
}

impl fmt::Display for Sentinel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let introducer = String::from_utf8_lossy(INTRODUCER);
        match self.sign {
            Sign::Begun => write!(f, "{introducer}{};{BEGUN}\x07", self.marker),
            Sign::Ended(status) => write!(f, "{introducer}{};{status}\x07", self.marker),
        }
    }
}

impl FromStr for Sentinel {
    type Err = ();

    /// Reads what is between the introducer and the bell, as strictly as it is written.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (marker, sign) = text.split_once(';').ok_or(())?;
        let read = Self {
            marker: Marker(u64::from_str_radix(marker, 16).map_err(drop)?),
            sign: if sign == BEGUN { Sign::Begun } else { Sign::Ended(sign.parse().map_err(drop)?) },
        };
        let written = read.to_string();
        if written.as_bytes()[INTRODUCER.len()..written.len() - 1] == *text.as_bytes() { Ok(read) } else { Err(()) }
    }
}

/// A part of what a terminal shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// To be recorded.
    Output(Vec<u8>),
    /// To be understood.
    Sentinel(Sentinel),
}

/// Takes a terminal's bytes apart.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    pending: Vec<u8>,
}

impl Scanner {
    /// Takes what the terminal shows next.
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// The next piece; none until more bytes have come. What `knows` denies is output.
    pub(super) fn next(&mut self, knows: impl Fn(Sentinel) -> bool) -> Option<Piece> {
        let mut begin = 0;
        loop {
            begin += self.pending[begin..].iter().position(|byte| *byte == INTRODUCER[0]).unwrap_or(self.pending.len());
            match look(self.pending.get(begin..).unwrap_or_default()) {
                _ if begin >= self.pending.len() => return self.output(self.pending.len()),
                Look::Sentinel(sentinel, length) if knows(sentinel) => {
                    if begin > 0 {
                        return self.output(begin);
                    }
                    self.pending.drain(..length);
                    return Some(Piece::Sentinel(sentinel));
                }
                Look::Unfinished => return self.output(begin),
                Look::Sentinel(..) | Look::Other => begin += 1,
            }
        }
    }

    /// What was kept back: no more bytes come.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.pending)
    }

    fn output(&mut self, length: usize) -> Option<Piece> {
        (length > 0).then(|| Piece::Output(self.pending.drain(..length.min(self.pending.len())).collect()))
    }
}

/// What bytes that begin as a sentinel are.
enum Look {
    /// This one, so many bytes long.
    Sentinel(Sentinel, usize),
    /// One, if it goes on like that.
    Unfinished,
    /// None.
    Other,
}

fn look(bytes: &[u8]) -> Look {
    let shared = bytes.len().min(INTRODUCER.len());
    if bytes[..shared] != INTRODUCER[..shared] {
        return Look::Other;
    }
    let body = &bytes[shared..bytes.len().min(LONGEST)];
    match body.iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b';') {
        Some(end) if body[end] == BELL => match std::str::from_utf8(&body[..end]).map_err(drop).and_then(str::parse) {
            Ok(sentinel) => Look::Sentinel(sentinel, shared + end + 1),
            Err(()) => Look::Other,
        },
        None if bytes.len() < LONGEST => Look::Unfinished,
        _ => Look::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: Marker = Marker(0x1234);

    fn ended(marker: Marker, status: u8) -> Sentinel {
        Sentinel { marker, sign: Sign::Ended(status) }
    }

    /// The pieces of these chunks, neighbouring output as one, and at last what was kept back.
    fn pieces<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Piece>, Vec<u8>) {
        let (mut scanner, mut pieces) = (Scanner::default(), Vec::new());
        for chunk in chunks {
            scanner.extend(chunk);
            while let Some(piece) = scanner.next(|sentinel| sentinel.marker == KNOWN) {
                match (pieces.last_mut(), piece) {
                    (Some(Piece::Output(before)), Piece::Output(more)) => before.extend(more),
                    (_, piece) => pieces.push(piece),
                }
            }
            assert!(scanner.pending.len() < LONGEST, "it keeps back no more than may become a sentinel");
        }
        (pieces, scanner.finish())
    }

    fn output(text: &str) -> Piece {
        Piece::Output(text.into())
    }

    #[test]
    fn output_before_and_after_a_sentinel_keeps_its_side() {
        let text = format!("one\r\n{}two", ended(KNOWN, 7));
        let (pieces, kept) = pieces([text.as_bytes()]);
        assert_eq!(pieces, [output("one\r\n"), Piece::Sentinel(ended(KNOWN, 7)), output("two")]);
        assert_eq!(kept, b"");
    }

    #[test]
    fn one_split_at_any_two_places_is_the_same() {
        let begun = Sentinel { marker: KNOWN, sign: Sign::Begun };
        let text = format!("a\x1b]7717;b{begun}{}\x1b[1mc{}d\x1b", ended(KNOWN, 255), ended(Marker(9), 0));
        let whole = pieces([text.as_bytes()]);
        assert_eq!(whole.1, b"\x1b", "it may become one");
        assert_eq!(whole.0.len(), 4, "{whole:?}");
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let chunks = [&text.as_bytes()[..first], &text.as_bytes()[first..second], &text.as_bytes()[second..]];
                assert_eq!(pieces(chunks), whole, "split at {first} and {second}");
            }
        }
    }

    #[test]
    fn what_only_looks_like_one_is_output() {
        for text in [
            ended(Marker(9), 0).to_string(),
            "\x1b]7717;0000000000001234;\x07".to_owned(),
            "\x1b]7717;0000000000001234;256\x07".to_owned(),
            "\x1b]7717;0000000000001234;+7\x07".to_owned(),
            "\x1b]7717;0000000000001234;007\x07".to_owned(),
            "\x1b]7717;1234;0\x07".to_owned(),
            "\x1b]7717;0000000000001234;begun;0\x07".to_owned(),
            "\x1b]7718;0000000000001234;0\x07".to_owned(),
            "\x1b]7717;0000000000001234;0\x1b\\".to_owned(),
            format!("\x1b]7717;{}\x07", "0".repeat(1000)),
        ] {
            let (pieces, kept) = pieces([text.as_bytes()]);
            assert_eq!((pieces, kept), (vec![output(&text)], vec![]));
        }
    }

    #[test]
    fn one_inside_of_what_only_looks_like_one_is_found() {
        let text = format!("\x1b]7717;00\x1b\x1b]{}", ended(KNOWN, 0));
        let (pieces, _) = pieces([text.as_bytes()]);
        assert_eq!(pieces, [output("\x1b]7717;00\x1b\x1b]"), Piece::Sentinel(ended(KNOWN, 0))]);
    }

    #[test]
    fn random_bytes_come_out_as_they_went_in() {
        let mut random = fastrand::Rng::with_seed(5);
        let parts = ["\x1b", "\x1b]7717;", "0000000000001234", ";begun\x07", ";0\x07", "\x07", "\u{fffd}", "text"];
        for _ in 0..2000 {
            let mut bytes = Vec::new();
            for _ in 0..random.usize(..20) {
                match random.bool() {
                    true => bytes.extend_from_slice(random.choice(parts).unwrap_or_default().as_bytes()),
                    false => bytes.push(random.u8(..)),
                }
            }
            let whole = pieces([bytes.as_slice()]);
            assert_eq!(pieces(bytes.chunks(random.usize(1..9))), whole);
            let again: Vec<u8> = whole.0.iter().flat_map(written).chain(whole.1.clone()).collect();
            assert_eq!(again, bytes, "nothing is lost or changed");
        }
    }

    fn written(piece: &Piece) -> Vec<u8> {
        match piece {
            Piece::Output(bytes) => bytes.clone(),
            Piece::Sentinel(sentinel) => sentinel.to_string().into_bytes(),
        }
    }
}
