//! Where parsing goes on after a mistake.

use proc_macro2::{Delimiter, Span, TokenTree};
use syn::Token;
use syn::parse::ParseStream;

use super::words;

/// Skips the rest of a broken item or clause: up to a `;` or past a closing brace, but not past a word that opens the
/// next one.
///
/// It looks before it consumes, so a missing `;` costs nothing. A `retry` after `=>` is a disposition, and a word
/// after a `.`, a `:` or a `=` part of an expression; none of them opens anything.
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
            Some(TokenTree::Punct(punct)) if matches!(punct.as_char(), '>' | '.' | ':' | '=') => {
                follows = Follows::Operator;
            }
            _ => follows = Follows::Nothing,
        }
    }
}

/// What must stand here, in front of the next `;`, comma or opening word; if nothing does, that is told at `keyword`.
pub(super) fn present(input: ParseStream<'_>, openers: &[&str], keyword: Span, expected: &str) -> syn::Result<()> {
    let absent = input.is_empty() || input.peek(Token![;]) || input.peek(Token![,]) || begins(input, openers);
    if absent { Err(syn::Error::new(keyword, expected)) } else { Ok(()) }
}

/// Whether a word that opens something stands here with what follows it: alone, or before an operator, it is a name.
fn begins(input: ParseStream<'_>, openers: &[&str]) -> bool {
    let follows = input.cursor().ident().map(|(_, rest)| rest);
    let follows = follows.is_some_and(|rest| {
        rest.ident().is_some_and(|(word, _)| word != "as" && word != "else")
            || rest.literal().is_some()
            || rest.group(Delimiter::Brace).is_some()
    });
    follows && opens(input, openers)
}

/// Skips the rest of a broken parameter: past the next comma that does not stand in a type.
pub(super) fn skip_parameter(input: ParseStream<'_>) {
    let mut depth = 0_usize;
    while !input.is_empty() {
        match token(input) {
            Some(TokenTree::Punct(punct)) if punct.as_char() == ',' && depth == 0 => return,
            Some(TokenTree::Punct(punct)) if punct.as_char() == '<' => depth += 1,
            Some(TokenTree::Punct(punct)) if punct.as_char() == '>' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
}

/// Skips what is broken in the head of a step or a saga: up to the word or the arrow with which it goes on.
pub(super) fn skip_to_part(input: ParseStream<'_>, words: &[&str], openers: &[&str]) {
    let goes_on = || input.peek(syn::token::Brace) || input.peek(Token![->]) || input.peek(Token![;]);
    while !input.is_empty() && !goes_on() && !opens(input, words) && !opens(input, openers) {
        token(input);
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

/// What attributes stand before.
const DOCUMENTED: &[&str] = &["step", "saga"];

#[derive(PartialEq)]
enum Follows {
    Nothing,
    Operator,
}

fn opens(input: ParseStream<'_>, openers: &[&str]) -> bool {
    words::peek(input).is_some_and(|word| openers.contains(&word.as_str()))
        || (input.peek(Token![#])
            && input.peek2(syn::token::Bracket)
            && openers.iter().any(|word| DOCUMENTED.contains(word)))
}

fn token(input: ParseStream<'_>) -> Option<TokenTree> {
    input.parse().ok()
}
