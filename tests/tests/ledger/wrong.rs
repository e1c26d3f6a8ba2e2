//! The rows that do not compile: for each a program in `ui/ledger`, named after the row. `programs` compiles them
//! all; here is what the author is told.

use crate::pages::{read, root, sources};

/// The program of this row, from the root of the workspace.
pub(super) fn program(row: u32) -> Option<String> {
    let prefix = format!("tests/ui/ledger/ledger_{row:02}_");
    sources("tests/ui/ledger").into_iter().find(|program| program.starts_with(&prefix))
}

/// The author of the program of this row is told all of this.
#[track_caller]
pub(super) fn diagnosed(row: u32, words: &[&str]) {
    let program = program(row).unwrap_or_else(|| panic!("there is no program tests/ui/ledger/ledger_{row:02}_….rs"));
    let told = read(&root().join(&program).with_extension("stderr"));
    for word in words {
        assert!(told.contains(word), "`{word}` is not what is told of {program}:\n{told}");
    }
}
