//! The words of the language, and the nearest of them to a word that is none.

use proc_macro2::Ident;
use syn::ext::IdentExt as _;
use syn::parse::ParseStream;

use crate::errors::Errors;

/// What may open a saga, its visibility included.
pub(super) const SAGAS: &[&str] = &["saga", "pub"];

/// What may open an item of a saga.
pub(super) const ITEMS: &[&str] =
    &["trigger", "concurrency", "deadline", "step", "pivot", "finally", "parallel", "require", "return"];

/// What may open a clause of a step.
pub(super) const CLAUSES: &[&str] = &["send", "query", "run", "sleep", "await", "within", "retry", "compensate"];

/// The outcomes that an arm names by a word.
pub(super) const OUTCOMES: &[&str] = &["handled", "refused", "failed", "timeout", "disconnected"];

/// The word that comes next, keywords of Rust included.
pub(super) fn peek(input: ParseStream<'_>) -> Option<String> {
    input.cursor().ident().map(|(word, _)| word.to_string())
}

/// Whether this very word comes next.
pub(super) fn comes(input: ParseStream<'_>, word: &str) -> bool {
    input.cursor().ident().is_some_and(|(next, _)| next == word)
}

/// Takes this word, if it comes next.
pub(super) fn accept(input: ParseStream<'_>, word: &str) -> Option<Ident> {
    if comes(input, word) { input.call(Ident::parse_any).ok() } else { None }
}

/// Takes this word.
pub(super) fn expect(input: ParseStream<'_>, word: &str) -> syn::Result<Ident> {
    accept(input, word).ok_or_else(|| input.error(format!("expected `{word}`")))
}

/// Takes this word; one that is nearly it is reported, and taken for it.
pub(super) fn expect_nearly(errors: &mut Errors, input: ParseStream<'_>, word: &'static str) -> syn::Result<Ident> {
    let Some(written) = peek(input).filter(|written| written != word && nearest(written, &[word]).is_some()) else {
        return expect(input, word);
    };
    let taken = input.call(Ident::parse_any)?;
    errors.at(&taken, format!("expected `{word}`, found `{written}`; did you mean `{word}`?"));
    Ok(taken)
}

/// The one of these words that the author seems to have meant.
pub(crate) fn nearest<'a>(word: &str, words: &[&'a str]) -> Option<&'a str> {
    let allowed = (word.chars().count() / 3).max(1);
    words
        .iter()
        .map(|candidate| (distance(word, candidate), *candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Edits between two words: insert, remove, replace, swap neighbours.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut rows = vec![(0..=to.len()).collect::<Vec<_>>()];
    for (i, left) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, right) in to.iter().enumerate() {
            let replace = rows[i][j] + usize::from(left != right);
            let mut best = replace.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *left == to[j - 1] && from[i - 1] == *right {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_found_and_a_strange_one_has_none() {
        assert_eq!(nearest("timout", OUTCOMES), Some("timeout"));
        assert_eq!(nearest("dedline", ITEMS), Some("deadline"));
        assert_eq!(nearest("wihtin", CLAUSES), Some("within"));
        assert_eq!(nearest("frobnicate", CLAUSES), None);
    }
}
