//! What is talked about: names of windows, numbers of what is in workspaces, places in a layout.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Names a window; never given twice, not by a later host either.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Label(String);

impl From<&str> for Label {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Label {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names a terminal session: a pane of a window. As text it is `WINDOW/PANE`, as in `w1-5e0f/1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Session {
    /// The window.
    pub window: Label,
    /// The pane, counted from 1 within its window.
    pub pane: u32,
}

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.window, self.pane)
    }
}

impl From<Session> for String {
    fn from(session: Session) -> Self {
        session.to_string()
    }
}

/// What is no text of its type, and what would be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {what}")]
pub struct NotReadable {
    text: String,
    what: &'static str,
}

impl FromStr for Session {
    type Err = NotReadable;

    fn from_str(text: &str) -> Result<Self, NotReadable> {
        let session = text.rsplit_once('/').and_then(|(window, pane)| {
            let pane = pane.parse().ok().filter(|pane| *pane > 0)?;
            (!window.is_empty()).then(|| Self { window: window.into(), pane })
        });
        session
            .ok_or_else(|| NotReadable { text: text.to_owned(), what: "session; give WINDOW/PANE, such as w1-5e0f/1" })
    }
}

impl TryFrom<String> for Session {
    type Error = NotReadable;

    fn try_from(text: String) -> Result<Self, NotReadable> {
        text.parse()
    }
}

/// How long something may take: at most a day. As text it is a number with a unit or several of them, as in `1m 30s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Timeout(Duration);

impl Timeout {
    /// The longest there is.
    pub const LONGEST: Self = Self(Duration::from_secs(24 * 60 * 60));

    /// Of this length, but not longer than the longest.
    pub fn of(duration: Duration) -> Self {
        Self(duration.min(Self::LONGEST.0))
    }

    /// The length.
    pub fn duration(self) -> Duration {
        self.0
    }
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_duration(self.0).fmt(f)
    }
}

impl From<Timeout> for String {
    fn from(timeout: Timeout) -> Self {
        timeout.to_string()
    }
}

impl FromStr for Timeout {
    type Err = NotReadable;

    fn from_str(text: &str) -> Result<Self, NotReadable> {
        let read = humantime::parse_duration(text).ok().filter(|duration| *duration <= Self::LONGEST.0);
        let what = "timeout; give a number with a unit, such as 5s or 1m30s, at most 24h";
        read.map(Self).ok_or_else(|| NotReadable { text: text.to_owned(), what })
    }
}

impl TryFrom<String> for Timeout {
    type Error = NotReadable;

    fn try_from(text: String) -> Result<Self, NotReadable> {
        text.parse()
    }
}

/// Numbers that are never given twice, each kind its own.
macro_rules! numbered {
    ($(#[doc = $doc:literal] $name:ident, $word:literal;)*) => {$(
        #[doc = $doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($word, " {}"), self.0)
            }
        }
    )*};
}

numbered! {
    /// Names a workspace; never given twice.
    WorkspaceId, "workspace";
    /// Names a tab, whichever workspace it is in; never given twice.
    TabId, "tab";
    /// Names a block, whichever tab it is in; never given twice.
    BlockId, "block";
}

/// Where a block is in the layout of its tab: columns side by side, in each of them blocks one above another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// After how many columns.
    pub column: u32,
    /// Below how many blocks of the column.
    pub row: u32,
    /// The column is there for this block only.
    pub alone: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_text() {
        let session = Session { window: "w1-5e0f".into(), pane: 2 };
        assert_eq!(serde_json::to_value(&session).expect("it is text"), "w1-5e0f/2");
        assert_eq!(serde_json::from_value::<Session>("w1-5e0f/2".into()).expect("it is one"), session);
        for text in ["", "w1", "w1/", "/1", "w1/0", "w1/-1", "w1/x"] {
            let error = serde_json::from_value::<Session>(text.into()).expect_err("it is none").to_string();
            assert!(error.contains("WINDOW/PANE"), "{text}: {error}");
        }
    }

    #[test]
    fn a_timeout_is_text() {
        for (text, shown, millis) in [("5s", "5s", 5000), ("1m30s", "1m 30s", 90_000), ("250ms", "250ms", 250)] {
            let timeout: Timeout = text.parse().expect("it is one");
            assert_eq!((timeout.to_string(), timeout.duration().as_millis()), (shown.to_owned(), millis));
            let again: Timeout = serde_json::from_value(shown.into()).expect("what is shown can be read");
            assert_eq!(again, timeout);
        }
        for text in ["", "5", "-5s", "five seconds", "25h", "9999999999999999999999s"] {
            let error = text.parse::<Timeout>().expect_err("it is none").to_string();
            assert!(error.contains("5s"), "{text}: {error}");
        }
        assert_eq!(Timeout::of(Duration::MAX), Timeout::LONGEST);
    }
}
