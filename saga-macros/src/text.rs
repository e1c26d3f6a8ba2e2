//! Tokens as a reader would write them: for the definition, documents and messages.
//!
//! Tokens lose their spaces on the way through a macro, and where they stood is not told on stable; so the spaces are
//! put back by rule. What comes out is read by people, never parsed.

use proc_macro2::{Delimiter, Group, Ident, Spacing, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt as _;

/// The text of an expression or a pattern.
pub(crate) fn of(tokens: &impl ToTokens) -> String {
    written(tokens, 0)
}

/// The text of a type, in which `<` and `>` are brackets.
pub(crate) fn of_type(tokens: &impl ToTokens) -> String {
    written(tokens, 1)
}

/// A name, as it is said outside of Rust: `type` of `r#type`.
pub(crate) fn of_name(name: &Ident) -> String {
    name.unraw().to_string()
}

fn written(tokens: &impl ToTokens, angles: usize) -> String {
    let mut writer = Writer { text: String::new(), last: Last::Open, loose: false, angles, closure: false };
    writer.stream(tokens.to_token_stream());
    writer.text
}

/// Operators of more than one character, longest first.
const LONG: &[&str] = &[
    "..=", "...", "<<=", ">>=", "::", "->", "=>", "==", "!=", "<=", ">=", "&&", "||", "..", "<<", ">>", "+=", "-=",
    "*=", "/=", "%=", "^=", "&=", "|=",
];

/// Words behind which an expression begins.
const KEYWORDS: &[&str] = &["if", "else", "in", "match", "return", "as", "let", "mut", "ref", "move", "while", "break"];

struct Writer {
    text: String,
    last: Last,
    /// Whether what was written last lets a space follow.
    loose: bool,
    /// How many `<` are open as brackets; in a type, one too many.
    angles: usize,
    /// Whether the parameters of a closure are being written.
    closure: bool,
}

/// What was written last, as far as the meaning of the next token goes.
#[derive(Clone, Copy, PartialEq)]
enum Last {
    /// Nothing, or an opening bracket or an operator: an operand comes.
    Open,
    /// `::`, behind which `<` is a bracket.
    Path,
    Operand,
}

impl Writer {
    fn stream(&mut self, tokens: TokenStream) {
        let mut operators = String::new();
        for token in tokens {
            if let TokenTree::Punct(punct) = &token {
                operators.push(punct.as_char());
                if punct.spacing() == Spacing::Joint {
                    continue;
                }
            }
            self.operators(&std::mem::take(&mut operators));
            match token {
                TokenTree::Group(group) => self.group(&group),
                TokenTree::Punct(_) => {}
                word => self.word(&word.to_string()),
            }
        }
        self.operators(&operators);
    }

    fn word(&mut self, word: &str) {
        self.put(word, true, true);
        self.last = if KEYWORDS.contains(&word) { Last::Open } else { Last::Operand };
    }

    fn group(&mut self, group: &Group) {
        let operand_before = self.last == Last::Operand;
        let (open, close, spaced) = match group.delimiter() {
            Delimiter::Parenthesis => ("(", ")", false),
            Delimiter::Bracket => ("[", "]", false),
            Delimiter::Brace if group.stream().is_empty() => ("{", "}", false),
            Delimiter::Brace => ("{", "}", true),
            Delimiter::None => ("", "", false),
        };
        let brace = group.delimiter() == Delimiter::Brace;
        self.put(open, brace || !operand_before, spaced);
        self.last = Last::Open;
        let outside = std::mem::replace(&mut self.closure, false);
        self.stream(group.stream());
        self.closure = outside;
        self.loose |= spaced;
        self.put(close, spaced, true);
        self.last = Last::Operand;
    }

    fn operators(&mut self, mut operators: &str) {
        while !operators.is_empty() {
            let long = LONG.iter().find(|long| operators.starts_with(**long) && !self.closes_angles(long));
            let length = long.map_or(1, |long| long.len());
            let (operator, rest) = operators.split_at(length);
            self.operator(operator);
            operators = rest;
        }
    }

    /// `>>` closes two brackets rather than shifting.
    fn closes_angles(&self, operator: &str) -> bool {
        self.angles > 0 && matches!(operator, ">>" | ">=" | ">>=")
    }

    fn operator(&mut self, operator: &str) {
        let operand_before = self.last == Last::Operand;
        let bracket = operator == "<" && (self.angles > 0 || self.last == Last::Path);
        let (before, after, last) = match operator {
            "<" if bracket => (false, false, Last::Open),
            ">" if self.angles > 0 => (false, true, Last::Operand),
            "," | ";" | ":" => (false, true, Last::Open),
            "::" => (!operand_before, false, Last::Path),
            "." | ".." | "..=" => (!operand_before, false, Last::Open),
            "?" => (false, true, Last::Operand),
            "'" | "#" => (true, false, Last::Open),
            "|" if self.closure => (false, true, Last::Open),
            "|" | "&" | "*" | "-" | "&&" if !operand_before => (true, false, Last::Open),
            "!" => (!operand_before, false, if operand_before { Last::Operand } else { Last::Open }),
            _ => (true, true, Last::Open),
        };
        match operator {
            "<" if bracket => self.angles += 1,
            ">" => self.angles = self.angles.saturating_sub(1),
            "|" => self.closure = !operand_before && !self.closure,
            _ => {}
        }
        self.put(operator, before, after);
        self.last = last;
    }

    /// Writes a token; a space stands before it if both sides let it.
    fn put(&mut self, token: &str, before: bool, after: bool) {
        if self.loose && before && !self.text.is_empty() {
            self.text.push(' ');
        }
        self.text.push_str(token);
        self.loose = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_read_as_written() {
        for text in [
            "label",
            "Foo { name, title: other.field }",
            "a == b && !c",
            "format!(\"{a}\", b)",
            "items.iter().map(|item| item.len()).sum()",
            "pairs.filter(|(left, right)| left < right)",
            "Moved { from, .. }",
            "Some(x) | None",
            "&list[1..n]",
            "*count + 1 - -2",
            "{}",
            "read(path)?.len()",
            "items.collect::<Vec<_>>().len() > 2",
            "if a { b } else { c }",
            "std::time::Duration::from_secs(5)",
            "(a, b)",
        ] {
            assert_eq!(of(&text.parse::<TokenStream>().expect("tokens")), text);
        }
    }

    #[test]
    fn types_read_as_written() {
        for text in [
            "Vec<BlockId>",
            "Option<(u8, String)>",
            "std::collections::BTreeMap<String, Vec<u8>>",
            "[u8; 4]",
            "&'static str",
            "()",
        ] {
            assert_eq!(of_type(&text.parse::<TokenStream>().expect("tokens")), text);
        }
    }
}
