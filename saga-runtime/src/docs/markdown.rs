//! Authors' texts and expressions as Markdown that stays what it is: in a block, and in a cell of a table.

use std::fmt::Write as _;

/// An expression as code, on one line.
pub(super) fn code(text: &str) -> String {
    let text = one_line(text);
    if text.is_empty() {
        return String::new();
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Several expressions as code, separated by commas.
pub(super) fn codes<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    texts.into_iter().map(code).collect::<Vec<_>>().join(", ")
}

/// A doc comment as a block. Code in it stays code; a backtick without its partner would swallow what follows, a `<`
/// could open a tag or a comment, and a heading would stand among those of the page: so these are tamed.
pub(super) fn prose(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.trim();
    while let Some(start) = rest.find('`') {
        push_text(&mut out, &rest[..start]);
        let run = leading_backticks(&rest[start..]);
        let is_block = run > 2 && at_line_start(&out);
        let (fence, after) = rest[start..].split_at(run);
        match closing(after, run).filter(|end| is_block || !after[..*end].contains("\n\n")) {
            Some(end) => {
                out.push_str(fence);
                out.push_str(&after[..end + run]);
                rest = &after[end + run..];
            }
            None => {
                out.push_str(&"\\`".repeat(run));
                rest = after;
            }
        }
    }
    push_text(&mut out, rest);
    out
}

/// The first paragraph of a doc comment, on one line.
pub(super) fn summary(text: &str) -> String {
    prose(&one_line(text.trim().split("\n\n").next().unwrap_or_default()))
}

/// A row of a table. Whatever stands in a cell, the row keeps its columns.
pub(super) fn row<T: AsRef<str>>(cells: impl IntoIterator<Item = T>) -> String {
    let mut row = String::from("|");
    for text in cells {
        write!(row, " {} |", cell(text.as_ref())).expect("a String takes everything");
    }
    row.push('\n');
    row
}

/// The first two lines of a table.
pub(super) fn head(titles: &[&str]) -> String {
    row(titles) + "|" + &"---|".repeat(titles.len()) + "\n"
}

/// A backslash just before a bar would take away the one that protects it.
fn cell(text: &str) -> String {
    one_line(text).replace("\\|", "\\ |").replace('|', "\\|")
}

fn push_text(out: &mut String, text: &str) {
    for line in text.split_inclusive('\n') {
        let mark = line.trim_start();
        match at_line_start(out) {
            true if is_heading(mark) => write!(out, "###{}", mark.replace('<', "&lt;")),
            true if mark.starts_with("~~~") => write!(out, "\\{}", mark.replace('<', "&lt;")),
            _ => write!(out, "{}", line.replace('<', "&lt;")),
        }
        .expect("a String takes everything");
    }
}

fn is_heading(line: &str) -> bool {
    let after = line.trim_start_matches('#');
    after.len() < line.len() && after.starts_with(char::is_whitespace)
}

fn at_line_start(text: &str) -> bool {
    text.rsplit('\n').next().is_none_or(|line| line.trim().is_empty())
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn leading_backticks(text: &str) -> usize {
    text.bytes().take_while(|byte| *byte == b'`').count()
}

fn longest_run(text: &str) -> usize {
    text.split(|character| character != '`').map(str::len).max().unwrap_or_default()
}

/// Where the run of exactly this many backticks begins that closes what one opened.
fn closing(text: &str, run: usize) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = text[at..].find('`') {
        let start = at + found;
        let length = leading_backticks(&text[start..]);
        if length == run {
            return Some(start);
        }
        at = start + length;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_holds_backticks() {
        assert_eq!(code("Label { a }"), "`Label { a }`");
        assert_eq!(code("a `b` c"), "``a `b` c``");
        assert_eq!(code("`b`"), "`` `b` ``");
        assert_eq!(code("a\n   b"), "`a b`");
        assert_eq!(code(""), "");
    }

    #[test]
    fn prose_keeps_code_and_defuses_the_rest() {
        assert_eq!(prose("A `Vec<T>` of <b>"), "A `Vec<T>` of &lt;b>");
        assert_eq!(prose("a lone ` here"), "a lone \\` here");
        assert_eq!(prose("```\nlet a;\n```"), "```\nlet a;\n```");
        assert_eq!(prose("```\nnever closed `x`"), "\\`\\`\\`\nnever closed `x`");
    }

    #[test]
    fn a_heading_stays_below_those_of_the_page() {
        assert_eq!(prose("# Steps\nA `#b`\n# C"), "#### Steps\nA `#b`\n#### C");
        assert_eq!(prose("~~~\nopen"), "\\~~~\nopen");
    }

    #[test]
    fn code_does_not_reach_into_the_next_paragraph() {
        assert_eq!(prose("a ` b\n\n<!-- ` c"), "a \\` b\n\n&lt;!-- \\` c");
    }

    #[test]
    fn a_row_keeps_its_columns() {
        assert_eq!(row(["a|b", "c\nd"]), "| a\\|b | c d |\n");
        assert_eq!(row([r"a \| b"]), "| a \\ \\| b |\n");
        assert_eq!(head(&["A", "B"]), "| A | B |\n|---|---|\n");
    }

    #[test]
    fn a_summary_is_the_first_paragraph() {
        assert_eq!(summary("One\ntwo.\n\nThree."), "One two.");
    }
}
