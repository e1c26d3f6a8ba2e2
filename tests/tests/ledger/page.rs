//! The table of the ledger in `docs/ledger.md`, made of `ledger.txt` and the tests here: what stands above a test is
//! what happens, and its line `By:` by which means.
//!
//! `SAGA_RENEW=1 cargo test -p saga-tests ledger::page` writes the table anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::wrong;
use crate::pages::{assert_up_to_date, cell, function, is_above, link, makes_a_test, read, root, sources};

const RENEW: &str = "SAGA_RENEW=1 cargo test -p saga-tests ledger::page";

/// What shows that a row cannot happen here.
struct Shown {
    file: String,
    test: String,
    /// What happens here.
    says: String,
    /// By which means.
    by: Vec<String>,
}

impl Shown {
    /// Of the function on this line, if it has the name of a row.
    fn at(file: &str, lines: &[&str], line: usize) -> Option<(u32, Self)> {
        let test = function(lines[line]).filter(|name| name.starts_with("ledger_"))?;
        let row = test["ledger_".len()..].get(..2).and_then(|row| row.parse().ok());
        let row = row.unwrap_or_else(|| panic!("{file}: the number of its row is missing in `{test}`"));
        let above: Vec<_> = lines[..line].iter().rev().take_while(|line| is_above(line)).collect();
        assert!(above.iter().any(|line| makes_a_test(line)), "{file}: `{test}` is no test");
        assert!(!above.iter().any(|line| line.contains("#[ignore")), "{file}: `{test}` is ignored");
        let words = above.iter().rev().filter_map(|line| line.strip_prefix("///")).map(str::trim);
        let words = words.collect::<Vec<_>>().join(" ");
        let (says, by) = words.split_once("By: ").unwrap_or_else(|| panic!("{file}: no `By:` above `{test}`"));
        let by = by.split(", ").map(str::to_owned).collect();
        Some((row, Self { file: file.to_owned(), test: test.to_owned(), says: says.trim().to_owned(), by }))
    }

    fn is_by_the_compiler(&self) -> bool {
        self.by.iter().any(|means| means.starts_with("compile error"))
    }
}

fn is_a_means(means: &str) -> bool {
    let is_diagnostic = |number: &str| matches!(number.parse(), Ok(1..=28)) && number.len() == 2;
    matches!(means, "compile error" | "cannot be written" | "run")
        || means.strip_prefix("compile error L").is_some_and(is_diagnostic)
}

/// The rows by number: what went wrong.
fn rows(list: &str) -> BTreeMap<u32, &str> {
    list.lines().map(row).collect()
}

fn row(line: &str) -> (u32, &str) {
    let row = line.split_once(": ").and_then(|(number, wrong)| Some((number.parse().ok()?, wrong)));
    row.unwrap_or_else(|| panic!("this is no row: {line}"))
}

fn tests() -> BTreeMap<u32, Vec<Shown>> {
    let mut tests: BTreeMap<u32, Vec<Shown>> = BTreeMap::new();
    for file in sources("tests/tests") {
        let text = read(&root().join(&file));
        let lines: Vec<_> = text.lines().collect();
        for (row, shown) in (0..lines.len()).filter_map(|line| Shown::at(&file, &lines, line)) {
            tests.entry(row).or_default().push(shown);
        }
    }
    tests
}

fn list() -> String {
    read(&root().join("tests/ledger.txt"))
}

fn table(rows: &BTreeMap<u32, &str>, tests: &BTreeMap<u32, Vec<Shown>>) -> String {
    let mut table = format!(
        "# The ledger\n\nWhat went wrong in real saga code, and what happens here instead. Each row has a test that \
         reproduces it; those that do\nnot compile also have a program. Generated from `tests/ledger.txt` and the \
         tests by\n`{RENEW}`.\n\n\
         | | what went wrong | what happens here | by | shown by |\n|---|---|---|---|---|\n"
    );
    for (row, wrong) in rows {
        for shown in tests.get(row).into_iter().flatten() {
            let program = wrong::program(*row).map(|program| format!(", {}", link("its program", &program)));
            let shown_by = link(&shown.test, &shown.file) + &program.unwrap_or_default();
            let (wrong, says, by) = (cell(wrong), cell(&shown.says), shown.by.join(", "));
            writeln!(table, "| {row} | {wrong} | {says} | {by} | {shown_by} |").expect("a string");
        }
    }
    table
}

#[test]
fn every_row_has_its_test_and_every_test_its_row() {
    let (list, tests) = (list(), tests());
    let rows = rows(&list);
    assert!(rows.keys().copied().eq(1..=44), "the rows of tests/ledger.txt are 1 to 44, each once: {:?}", rows.keys());
    for (row, wrong) in &rows {
        let names: Vec<_> = tests.get(row).into_iter().flatten().map(|shown| &shown.test).collect();
        assert_eq!(names.len(), 1, "row {row} ({wrong}) has one test: {names:?}");
    }
    let without: Vec<_> = tests.keys().filter(|row| !rows.contains_key(row)).collect();
    assert!(without.is_empty(), "tests of rows that are not in tests/ledger.txt: {without:?}");
}

#[test]
fn every_test_says_by_which_means_and_programs_are_those_of_compile_errors() {
    for (row, shown) in tests().into_iter().flat_map(|(row, shown)| shown.into_iter().map(move |shown| (row, shown))) {
        let Shown { file, test, says, by } = &shown;
        assert!(!says.is_empty(), "{file}: what happens here is missing above `{test}`");
        assert!(by.iter().all(|means| is_a_means(means)), "{file}: `{test}` is by {by:?}");
        let program = wrong::program(row);
        assert_eq!(
            program.is_some(),
            shown.is_by_the_compiler(),
            "{file}: `{test}` is by {by:?}, its program: {program:?}"
        );
    }
}

#[test]
fn the_table_is_up_to_date() {
    let list = list();
    assert_up_to_date("docs/ledger.md", &table(&rows(&list), &tests()), RENEW);
}
