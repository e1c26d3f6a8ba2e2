//! What is talked about: names of windows, numbers of what is in workspaces, places in a layout.

use std::fmt;

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
