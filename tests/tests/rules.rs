//! Each rule of the language is shown by a test, and the table of both is in `docs/rules.md`.
//!
//! The rules stand in `rules.txt`. Above the attributes of a test, or anywhere in a program of `ui`, a line
//! `/// Rule: steps.for.output` says which rule it shows. A program whose name begins with the number of a diagnostic,
//! `l07_twice.rs`, shows that diagnostic.
//! `SAGA_RENEW=1 cargo test -p saga-tests rules` writes the table anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::pages::{assert_up_to_date, cell, function, is_above, link, makes_a_test, read, root, sources};

/// Where tests are, from the root of the workspace.
const SOURCES: [&str; 6] =
    ["tests/tests", "tests/ui", "saga-runtime/src", "saga-macros/src", "sagas/src", "sagas/tests"];

/// One subject of the language, with its rules in the order of the list.
struct Section<'a> {
    title: &'a str,
    rules: Vec<Rule<'a>>,
}

struct Rule<'a> {
    id: &'a str,
    says: &'a str,
}

/// What shows a rule: a test, or a program that does or does not compile.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Shown {
    file: String,
    test: Option<String>,
}

type Tests = BTreeMap<String, Vec<Shown>>;

fn sections(list: &str) -> Vec<Section<'_>> {
    let parts = list.split("\n\n# ").map(|part| part.trim_start_matches("# "));
    let parts = parts.map(|part| part.split_once("\n\n").expect("a title, and below it its rules"));
    parts.map(|(title, body)| Section { title, rules: body.lines().map(rule).collect() }).collect()
}

fn rule(line: &str) -> Rule<'_> {
    let (id, says) = line.split_once(": ").unwrap_or_else(|| panic!("this is no rule: {line}"));
    Rule { id, says }
}

fn marker(line: &str) -> Option<&str> {
    let comment = line.trim_start().strip_prefix("//")?;
    comment.trim_start_matches(['/', '!']).strip_prefix(" Rule: ").map(str::trim_end)
}

/// The name of the test whose comments and attributes these lines begin with.
fn test_below<'a>(mut lines: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut is_test = false;
    let declared = lines.find(|line| {
        is_test |= makes_a_test(line);
        !is_above(line)
    })?;
    function(declared).filter(|_| is_test)
}

/// The diagnostic that a program shows by its name.
fn diagnostic(path: &Path) -> Option<String> {
    let name = path.file_stem()?.to_str()?;
    let number = name.strip_prefix('l')?.get(..2)?;
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| format!("diagnostic.L{number}"))
}

/// Adds what a file shows.
fn gather(file: &str, tests: &mut Tests) {
    let path = root().join(file);
    let text = read(&path);
    let is_program = file.starts_with("tests/ui/");
    let wrong = file.starts_with("tests/ui/macro/") || file.starts_with("tests/ui/types/");
    let mut add = |rule: String, test: Option<&str>| {
        tests.entry(rule).or_default().push(Shown { file: file.to_owned(), test: test.map(str::to_owned) });
    };
    diagnostic(&path).filter(|_| wrong).into_iter().for_each(|rule| add(rule, None));
    let lines: Vec<_> = text.lines().collect();
    for (number, line) in lines.iter().enumerate() {
        let Some(rule) = marker(line).filter(|rule| !rule.contains('`')) else { continue };
        let test = test_below(lines[number..].iter().copied());
        assert!(is_program || test.is_some(), "{file}:{}: `Rule: {rule}` is above no test", number + 1);
        add(rule.to_owned(), test.filter(|_| !is_program));
    }
}

fn tests() -> Tests {
    let mut tests = Tests::new();
    for file in SOURCES.into_iter().flat_map(sources) {
        gather(&file, &mut tests);
    }
    tests
}

fn list() -> String {
    read(&root().join("tests/rules.txt"))
}

fn shown_by(shown: &Shown) -> String {
    link(shown.test.as_deref().or_else(|| shown.file.rsplit('/').next()).unwrap_or_default(), &shown.file)
}

fn table(sections: &[Section<'_>], tests: &Tests) -> String {
    let mut table = String::from(
        "# Rules and tests\n\nEach rule of the language, and the tests that show it. Generated from `tests/rules.txt` and the tests by\n\
         `SAGA_RENEW=1 cargo test -p saga-tests rules`.\n",
    );
    for section in sections {
        write!(table, "\n## {}\n\n| rule | what it says | shown by |\n|---|---|---|\n", section.title)
            .expect("a string");
        for Rule { id, says } in &section.rules {
            let shown: Vec<_> = tests.get(*id).into_iter().flatten().map(shown_by).collect();
            writeln!(table, "| `{id}` | {} | {} |", cell(says), shown.join(", ")).expect("a string");
        }
    }
    table
}

#[test]
fn every_rule_is_shown_by_a_test_and_every_test_shows_a_rule_that_exists() {
    let (list, tests) = (list(), tests());
    let rules: Vec<_> = sections(&list).into_iter().flat_map(|section| section.rules).map(|rule| rule.id).collect();
    let untested: Vec<_> = rules.iter().filter(|rule| !tests.contains_key(**rule)).collect();
    assert!(untested.is_empty(), "no test says that it shows these rules of tests/rules.txt: {untested:#?}");
    let unknown: Vec<_> = tests.iter().filter(|(rule, _)| !rules.contains(&&***rule)).collect();
    assert!(unknown.is_empty(), "these are no rules of tests/rules.txt: {unknown:#?}");
    let twice: Vec<_> = rules.iter().enumerate().filter(|(place, rule)| rules[..*place].contains(rule)).collect();
    assert!(twice.is_empty(), "given twice: {twice:?}");
}

#[test]
fn the_table_is_up_to_date() {
    let list = list();
    let table = table(&sections(&list), &tests());
    assert_up_to_date("docs/rules.md", &table, "SAGA_RENEW=1 cargo test -p saga-tests rules");
}
