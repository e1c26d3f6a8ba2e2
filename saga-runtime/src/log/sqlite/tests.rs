//! What only a log in a file has to keep.

use std::path::PathBuf;

use super::*;
use crate::log::conformance;

/// A private directory with the path of a log in it.
fn place() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("sagas.db");
    (directory, path)
}

#[test]
fn keeps_the_promises_of_a_log() {
    conformance::run(|| {
        let (directory, path) = place();
        Box::new(move || {
            let _kept_until_the_end = &directory;
            Box::new(SqliteLog::open(&path).expect("a log opens"))
        })
    });
}
