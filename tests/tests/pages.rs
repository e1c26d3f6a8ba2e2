//! What the generated pages about tests share: where the sources are, and whether the page that is committed is what
//! it should be. It knows no page.

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All Rust files below, from the root of the workspace, in one order everywhere.
pub(crate) fn sources(directory: &str) -> Vec<String> {
    let from_root = |path: PathBuf| path.strip_prefix(root()).expect("it is below the root").display().to_string();
    below(&root().join(directory)).into_iter().map(from_root).collect()
}

fn below(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a directory can be read").path()).collect();
    paths.sort();
    let files = |path: PathBuf| if path.is_dir() { below(&path) } else { vec![path] };
    paths.into_iter().flat_map(files).filter(|path| path.extension().is_some_and(|kind| kind == "rs")).collect()
}

/// Whether this line stands above a function, as its comment or attribute.
pub(crate) fn is_above(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("//") || line.starts_with("#[")
}

/// Whether it makes the function below it a test.
pub(crate) fn makes_a_test(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("#[") && line.contains("test]")
}

/// The name of the function that is declared here.
pub(crate) fn function(line: &str) -> Option<&str> {
    let (_, name) = line.split_once("fn ")?;
    Some(name.split(['(', '<']).next().unwrap_or(name))
}

/// A link from `docs` to a file.
pub(crate) fn link(name: &str, file: &str) -> String {
    format!("[{name}](../{file})")
}

/// A cell of a table.
pub(crate) fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// The page that is committed is this one; with `SAGA_RENEW` it becomes it.
#[track_caller]
pub(crate) fn assert_up_to_date(page: &str, text: &str, command: &str) {
    let path = root().join(page);
    if std::env::var_os("SAGA_RENEW").is_some() {
        fs::write(&path, text).expect("the page can be written");
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(text == committed, "{page} is stale: renew it with {command}");
}
