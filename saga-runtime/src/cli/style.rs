//! Colours and texts for a terminal. Whether they are shown as such is decided where they are printed.

use anstyle::{AnsiColor, Style};

use crate::log::Status;

pub(super) const PLAIN: Style = Style::new();
pub(super) const STRONG: Style = Style::new().bold();
pub(super) const FAINT: Style = Style::new().dimmed();
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
pub(super) const ACTIVE: Style = AnsiColor::Cyan.on_default();
pub(super) const BACKWARD: Style = AnsiColor::Yellow.on_default();
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();

/// The style of a saga of this status.
pub(super) fn of(status: Status) -> Style {
    match status {
        Status::Queued | Status::Ended => FAINT,
        Status::Running => ACTIVE,
        Status::Compensating | Status::Compensated => BACKWARD,
        Status::Stuck => BAD,
        Status::Completed => GOOD,
    }
}

/// A text in a style.
pub(super) fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// A text on one line that cannot steer the terminal: it may come from anyone.
pub(super) fn clean(text: &str) -> String {
    text.chars().map(|character| if is_harmless(character) { character } else { instead_of(character) }).collect()
}

/// A text that keeps its lines and cannot steer the terminal.
pub(super) fn clean_lines(text: &str) -> String {
    text.lines().map(clean).collect::<Vec<_>>().join("\n")
}

fn is_harmless(character: char) -> bool {
    let turns_direction = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !character.is_control() && !turns_direction && !matches!(character, '\u{2028}' | '\u{2029}')
}

fn instead_of(character: char) -> char {
    if character.is_whitespace() { ' ' } else { '\u{fffd}' }
}

/// The text in so many characters; what is left out shows as `…`.
pub(super) fn shorten(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    if width == 0 { kept } else { kept.trim_end().to_owned() + "…" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(clean("a\x1b[31mb\nc\td\u{202e}e"), "a\u{fffd}[31mb c d\u{fffd}e");
        assert_eq!(clean_lines("a\r\n\x07b"), "a\n\u{fffd}b");
    }

    #[test]
    fn what_is_left_out_shows() {
        assert_eq!(shorten("Fenster", 7), "Fenster");
        assert_eq!(shorten("Fenster öffnen", 9), "Fenster…");
        assert_eq!(shorten("ab", 1), "…");
        assert_eq!(shorten("ab", 0), "");
    }
}
