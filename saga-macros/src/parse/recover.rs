//! Where parsing goes on after a mistake.

use proc_macro2::{Delimiter, TokenTree};
use syn::Token;
use syn::parse::ParseStream;

use super::words;

/// Skips the rest of a broken item or clause: up to a `;` or past a closing brace, but not past a word that opens the
/// next one.
///
/// It looks before it consumes, so a missing `;` costs nothing. A `retry` after `=>` is a disposition, and a word
/// after a `.` a field or a method; neither opens anything.
pub(super) fn skip(input: ParseStream<'_>, openers: &[&str]) {
    let mut follows = Follows::Nothing;
    while !input.is_empty() {
        if follows != Follows::Operator && opens(input, openers) {
            return;
        }
        match token(input) {
            Some(TokenTree::Punct(punct)) if punct.as_char() == ';' => return,
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                if accept_semicolon(input) || opens(input, openers) {
                    return;
                }
                follows = Follows::Nothing;
            }
            Some(TokenTree::Punct(punct)) if matches!(punct.as_char(), '>' | '.') => follows = Follows::Operator,
            _ => follows = Follows::Nothing,
        }
    }
}

/// Skips the rest of a broken arm: past the next comma.
pub(super) fn skip_arm(input: ParseStream<'_>) {
    while !input.is_empty() {
        if let Some(TokenTree::Punct(punct)) = token(input)
            && punct.as_char() == ','
        {
            return;
        }
    }
}

/// Skips the rest of a broken signature: up to the braces, if there are any before the next `;` or opening word.
pub(super) fn skip_to_body(input: ParseStream<'_>, openers: &[&str]) {
    while !input.is_empty() && !input.peek(syn::token::Brace) && !opens(input, openers) {
        if let Some(TokenTree::Punct(punct)) = token(input)
            && punct.as_char() == ';'
        {
            return;
        }
    }
}

/// Takes a `;` that may stand after a closing brace.
pub(super) fn accept_semicolon(input: ParseStream<'_>) -> bool {
    input.parse::<Option<Token![;]>>().is_ok_and(|semicolon| semicolon.is_some())
}

#[derive(PartialEq)]
enum Follows {
    Nothing,
    Operator,
}

fn opens(input: ParseStream<'_>, openers: &[&str]) -> bool {
    words::peek(input).is_some_and(|word| openers.contains(&word.as_str()))
        || (input.peek(Token![#]) && input.peek2(syn::token::Bracket) && openers.contains(&"step"))
}

fn token(input: ParseStream<'_>) -> Option<TokenTree> {
    input.parse().ok()
}
