//! Takes out of what a terminal shows the echo of the lines that the host typed for waited runs.
//!
//! The line discipline of the terminal echoes a line as it was typed. A shell that edits lines (bash) may echo it once
//! more: with control sequences, spaces or line ends where it wraps or is drawn again, or, where the terminal is too narrow
//! for it, only its end after a `<`. A line is taken out as often as it shows until the shell has begun with it; everything else stays as it
//! is.
//!
//! Pure: bytes in, bytes out, the same whatever chunks they come in. It keeps back only what may still become an echo.

use super::scanner::Marker;

/// How many bytes a shell may add to a line that it echoes, beyond which it is no echo.
const MOST_ADDED: usize = 256;

/// The shortest end of a line that a shell shows of it after a `<`.
const SHORTEST_END: usize = 3;

/// The longest control sequence with which a shell wraps a line.
const LONGEST_SEQUENCE: usize = 16;

/// Takes echoes out of a terminal's bytes.
#[derive(Debug, Default)]
pub(super) struct Sanitiser {
    /// Lines with which the shell has not begun.
    typed: Vec<(Marker, Vec<u8>)>,
    held: Vec<u8>,
}

impl Sanitiser {
    /// A line is about to be typed; without its end.
    pub(super) fn expect(&mut self, marker: Marker, line: impl Into<Vec<u8>>) {
        self.typed.push((marker, line.into()));
    }

    /// The shell has begun with the line: nothing that looks like it is its echo any more.
    pub(super) fn forget(&mut self, marker: Marker) {
        self.typed.retain(|(typed, _)| *typed != marker);
    }

    /// What these bytes show beside echoes, as far as that is certain.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(bytes);
        if self.typed.is_empty() {
            return self.flush();
        }
        let (mut shown, mut at) = (Vec::new(), 0);
        while at < self.held.len() {
            match self.look(at) {
                Look::Echo(length) => at += length,
                Look::Unfinished => break,
                Look::Other => {
                    shown.push(self.held[at]);
                    at += 1;
                }
            }
        }
        self.held.drain(..at);
        shown
    }

    /// What was kept back: it does not go on as an echo does.
    pub(super) fn flush(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }

    fn look(&self, at: usize) -> Look {
        let looks = self.typed.iter().map(|(_, line)| look(&self.held[at..], line));
        looks.fold(Look::Other, |found, look| match (found, look) {
            (Look::Echo(length), _) | (_, Look::Echo(length)) => Look::Echo(length),
            (Look::Unfinished, _) | (_, Look::Unfinished) => Look::Unfinished,
            (Look::Other, Look::Other) => Look::Other,
        })
    }
}

/// What bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// An echo of this length.
    Echo(usize),
    /// One, if it goes on like that.
    Unfinished,
    /// None.
    Other,
}

/// Whether these bytes begin with an echo of the line.
fn look(bytes: &[u8], line: &[u8]) -> Look {
    // Rung by a shell that is asked to remove what was typed before, and finds nothing.
    let bells = usize::from(bytes.first() == Some(&b'\x07'));
    let look = match bytes.get(bells) {
        Some(b'\r') => scrolled(&bytes[bells..], line),
        _ => whole(&bytes[bells..], line),
    };
    match look {
        Look::Echo(length) => Look::Echo(bells + length),
        other => other,
    }
}

/// All characters of the line, and between them what wraps it. Spaces count as that.
fn whole(bytes: &[u8], line: &[u8]) -> Look {
    let mut at = 0;
    for (number, byte) in line.iter().enumerate().filter(|(_, byte)| **byte != b' ') {
        if number > 0 {
            match skip_wrapping(bytes, at, line.len() + MOST_ADDED) {
                Some(next) => at = next,
                None => return Look::Unfinished,
            }
        }
        match bytes.get(at) {
            Some(found) if found == byte => at += 1,
            Some(_) => return Look::Other,
            None => return Look::Unfinished,
        }
    }
    ended(bytes, at)
}

/// Back at the left margin a `<`, and the end of the line.
fn scrolled(bytes: &[u8], line: &[u8]) -> Look {
    let margin = bytes.iter().take_while(|byte| **byte == b'\r').count();
    match bytes.get(margin) {
        _ if margin > LONGEST_SEQUENCE => return Look::Other,
        None => return Look::Unfinished,
        Some(b'<') => {}
        Some(_) => return Look::Other,
    }
    let text = &bytes[margin + 1..];
    match text.iter().position(|byte| matches!(byte, b'\r' | b'\n' | b'\x08')) {
        Some(length) if is_end(&text[..length], line) => {
            ended(bytes, margin + 1 + text[..length].trim_ascii_end().len())
        }
        None if line.windows(text.len().max(1)).any(|part| part.starts_with(text)) || is_end(text, line) => {
            Look::Unfinished
        }
        _ => Look::Other,
    }
}

/// Whether this is the end of the line, perhaps with spaces after it.
fn is_end(text: &[u8], line: &[u8]) -> bool {
    let painted = text.len() - text.trim_ascii_end().len();
    let text = text.trim_ascii_end();
    painted <= MOST_ADDED && text.len() >= SHORTEST_END && line.ends_with(text)
}

/// The end of the line, as the terminal shows it.
fn ended(bytes: &[u8], at: usize) -> Look {
    let rest = bytes.get(at..).unwrap_or_default();
    // What a shell paints over that stood there before.
    let painted = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\x08')).count();
    match &rest[painted..] {
        _ if painted > MOST_ADDED => Look::Other,
        [b'\n', ..] => Look::Echo(at + painted + 1),
        [b'\r', b'\n', ..] => Look::Echo(at + painted + 2),
        [] | [b'\r'] => Look::Unfinished,
        _ => Look::Other,
    }
}

/// Passes over what a shell puts where a line wraps, but not farther than that; none if it is not all there yet.
fn skip_wrapping(bytes: &[u8], mut at: usize, farthest: usize) -> Option<usize> {
    loop {
        at += match bytes.get(at..)? {
            _ if at > farthest => return Some(at),
            [b' ' | b'\r' | b'\n' | b'\x08' | b'\0', ..] => 1,
            [b'\x1b', rest @ ..] => match sequence(rest)? {
                0 => return Some(at),
                length => 1 + length,
            },
            _ => return Some(at),
        };
    }
}

/// The length of a control sequence after its first byte; 0 if it is none, none if it is not all there yet.
fn sequence(bytes: &[u8]) -> Option<usize> {
    if *bytes.first()? != b'[' {
        return Some(0);
    }
    let parameters = bytes[1..].iter().take_while(|byte| (0x20..0x40).contains(*byte)).count();
    match bytes.get(1 + parameters) {
        _ if parameters > LONGEST_SEQUENCE => Some(0),
        Some(0x40..0x7f) => Some(2 + parameters),
        Some(_) => Some(0),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r"\. /proc/8258/fd/48";
    const RUN: Marker = Marker(1);

    /// What is shown of these chunks while the line may be echoed, and at last.
    fn shown<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
        let mut sanitiser = Sanitiser::default();
        sanitiser.expect(RUN, LINE);
        let mut shown = Vec::new();
        for chunk in chunks {
            shown.extend(sanitiser.feed(chunk));
            assert!(sanitiser.held.len() <= LINE.len() + 2 * MOST_ADDED + LONGEST_SEQUENCE);
        }
        shown.extend(sanitiser.flush());
        shown
    }

    #[track_caller]
    fn shows(terminal: &str, expected: &str) {
        for split in 0..=terminal.len() {
            let (before, after) = terminal.as_bytes().split_at(split);
            let shown = shown([before, after]);
            assert_eq!(String::from_utf8_lossy(&shown), expected, "split at {split}");
        }
        let bytes = shown(terminal.as_bytes().chunks(1));
        assert_eq!(String::from_utf8_lossy(&bytes), expected, "byte by byte");
    }

    #[test]
    fn an_echo_by_the_terminal_is_taken_out() {
        shows(&format!("agentmux$ {LINE}\r\nhello\r\n"), "agentmux$ hello\r\n");
        shows(&format!("agentmux$ {LINE}\nhello\n"), "agentmux$ hello\n");
    }

    #[test]
    fn a_second_echo_by_the_shell_is_taken_out_too() {
        shows(&format!("{LINE}\r\nagentmux$ \x07{LINE}\r\nhello"), "agentmux$ hello");
    }

    #[test]
    fn what_else_a_shell_shows_stays() {
        let terminal = format!("\x1b[?2004hagentmux$ ech\x08\x08\x08   \x08\x08\x08{LINE}\r\n\x1b[?2004l\rhello");
        shows(&terminal, "\x1b[?2004hagentmux$ ech\x08\x08\x08   \x08\x08\x08\x1b[?2004l\rhello");
    }

    #[test]
    fn an_echo_that_wraps_is_taken_out_at_every_width() {
        for wrap in [" \r", "\r\n", "\x1b[K\r\n", "\x1b[A\0\0\x1b[C", "\x08"] {
            for width in 1..LINE.len() {
                let lines: Vec<_> = LINE.as_bytes().chunks(width).map(String::from_utf8_lossy).collect();
                let terminal = format!("a long prompt$ {}\r\nhello", lines.join(wrap));
                let shown = shown([terminal.as_bytes()]);
                assert_eq!(String::from_utf8_lossy(&shown), "a long prompt$ hello", "{terminal:?}");
            }
        }
        shows("\\. /pr \roc/82\x1b[K58/fd\r\n/48\r\nhello", "hello");
    }

    #[test]
    fn an_echo_of_which_a_narrow_terminal_shows_the_end_is_taken_out() {
        shows("agentmux$ \r</8258/fd/48\r\nhello", "agentmux$ hello");
        shows("$ \x07\r<mux$ \\. /proc/8258/fd/48   \x08\x08\x08\r\nhello", "$ \x07\r<mux$ hello");
        shows("$ \r</8258/fd/48   \x08\x08\x08\r\nhello", "$ hello");
        shows("<mux$ \x07\r\r<d/48\r\nhello", "<mux$ hello");
        shows("a\r<7/fd/48\r\n<\r\r<8\r\n", "a\r<7/fd/48\r\n<\r\r<8\r\n");
    }

    #[test]
    fn what_only_begins_like_an_echo_stays() {
        for terminal in [
            r" \. /proc/8258/fd/49 and so on",
            " \\. /proc/8258/fd/48 and more\r\n",
            " \\. /proc/8258/fd/48",
            "\x07\x07 bells\r\r\r",
            " \\\x1b]0;title\x07. /proc",
            &format!("\\.{}", "\n".repeat(1000)),
            &format!("\\. /proc/8258/fd/48{}", " ".repeat(1000)),
            &format!("{}<", "\r".repeat(1000)),
            &format!("\r</fd/48{}", " ".repeat(1000)),
            " \\\x1b[9999999999999999999999m. /proc/8258/fd/48\r\n",
        ] {
            shows(terminal, terminal);
        }
        let far = format!("\\.{}/proc/8258/fd/48\r\n", "\x08".repeat(MOST_ADDED + LINE.len()));
        shows(&far, &far);
    }

    #[test]
    fn when_the_shell_has_begun_nothing_is_taken_out() {
        let mut sanitiser = Sanitiser::default();
        sanitiser.expect(RUN, LINE);
        sanitiser.forget(RUN);
        let text = format!("{LINE}\r\n");
        assert_eq!(sanitiser.feed(text.as_bytes()), text.as_bytes());
    }

    #[test]
    fn lines_typed_one_after_another_are_each_taken_out() {
        let mut sanitiser = Sanitiser::default();
        sanitiser.expect(RUN, LINE);
        sanitiser.expect(Marker(2), format!("{LINE}0"));
        let shown = sanitiser.feed(format!("a{LINE}0\r\nb{LINE}\r\nc").as_bytes());
        assert_eq!(String::from_utf8_lossy(&shown), "abc");
    }

    #[test]
    fn random_bytes_are_the_same_in_any_chunks() {
        let mut random = fastrand::Rng::with_seed(7);
        let parts = [LINE, "\r\n", " \r", "\x1b[", "\x1b[K", "<", "\r<", "/fd/48", " ", "\x07", "$ "];
        for _ in 0..2000 {
            let mut bytes = Vec::new();
            for _ in 0..random.usize(..20) {
                match random.u8(..3) {
                    0 => bytes.push(random.u8(..)),
                    1 => bytes.extend_from_slice(&LINE.as_bytes()[..random.usize(..LINE.len())]),
                    _ => bytes.extend_from_slice(random.choice(parts).unwrap_or_default().as_bytes()),
                }
            }
            assert_eq!(shown(bytes.chunks(random.usize(1..9))), shown([bytes.as_slice()]), "{bytes:?}");
        }
    }
}
