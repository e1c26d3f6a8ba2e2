//! Tokens as a reader would write them: for the definition, documents and messages.
//!
//! Tokens lose their spaces on the way through a macro, and where they stood is not told on stable; so the spaces are
//! put back by rule. What comes out is read by people, never parsed.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use quote::ToTokens;

/// The text of an expression or a pattern.
pub(crate) fn of(tokens: &impl ToTokens) -> String {
    let mut writer = Writer { text: String::new(), angle_brackets: Angle::Compare };
    writer.stream(tokens.to_token_stream());
    writer.text
}

/// The text of a type, in which `<` and `>` are brackets.
pub(crate) fn of_type(tokens: &impl ToTokens) -> String {
    let mut writer = Writer { text: String::new(), angle_brackets: Angle::Bracket };
    writer.stream(tokens.to_token_stream());
    writer.text
}

#[derive(Clone, Copy, PartialEq)]
enum Angle {
    Compare,
    Bracket,
}

struct Writer {
    text: String,
    angle_brackets: Angle,
}

/// What a token was, as far as the space behind it goes.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Start,
    Word,
    /// Binds to what follows: `.`, `&`, `!`, `::`.
    Prefix,
    /// Stands between spaces, or after one.
    Spaced,
    Group,
}

impl Writer {
    fn stream(&mut self, tokens: TokenStream) {
        let mut before = Kind::Start;
        let mut operator = String::new();
        for token in tokens {
            match token {
                TokenTree::Punct(punct) => {
                    operator.push(punct.as_char());
                    if punct.spacing() == Spacing::Alone || matches!(punct.as_char(), ';' | ',') {
                        before = self.operator(&std::mem::take(&mut operator), before);
                    }
                }
                other => {
                    if !operator.is_empty() {
                        before = self.operator(&std::mem::take(&mut operator), before);
                    }
                    before = self.tree(other, before);
                }
            }
        }
        self.operator(&operator, before);
    }

    fn tree(&mut self, token: TokenTree, before: Kind) -> Kind {
        match token {
            TokenTree::Group(group) => {
                self.group(&group, before);
                Kind::Group
            }
            other => {
                if matches!(before, Kind::Word | Kind::Spaced | Kind::Group) {
                    self.text.push(' ');
                }
                self.text.push_str(&other.to_string());
                Kind::Word
            }
        }
    }

    fn group(&mut self, group: &proc_macro2::Group, before: Kind) {
        let (open, close) = match group.delimiter() {
            Delimiter::Parenthesis => ("(", ")"),
            Delimiter::Bracket => ("[", "]"),
            Delimiter::Brace => ("{ ", " }"),
            Delimiter::None => ("", ""),
        };
        let spaced = before == Kind::Spaced || (group.delimiter() == Delimiter::Brace && before != Kind::Start);
        if spaced && before != Kind::Prefix {
            self.text.push(' ');
        }
        if group.stream().is_empty() && group.delimiter() == Delimiter::Brace {
            self.text.push_str("{}");
            return;
        }
        self.text.push_str(open);
        self.stream(group.stream());
        self.text.push_str(close);
    }

    fn operator(&mut self, operator: &str, before: Kind) -> Kind {
        let unary = matches!(before, Kind::Start | Kind::Spaced | Kind::Prefix);
        match operator {
            "" => before,
            "." | "::" | ".." | "..=" | "?" | "!" | "'" | "#" => self.tight(operator, before, unary),
            "," | ";" | ":" => {
                self.text.push_str(operator);
                Kind::Spaced
            }
            "<" | ">" | ">>" if self.angle_brackets == Angle::Bracket => {
                self.text.push_str(operator);
                if operator == "<" { Kind::Prefix } else { Kind::Group }
            }
            "&" | "*" | "-" | "|" if unary => self.tight(operator, before, unary),
            other => {
                self.text.push(' ');
                self.text.push_str(other);
                Kind::Spaced
            }
        }
    }

    fn tight(&mut self, operator: &str, before: Kind, unary: bool) -> Kind {
        if before == Kind::Spaced && unary {
            self.text.push(' ');
        }
        self.text.push_str(operator);
        if operator == "?" { Kind::Group } else { Kind::Prefix }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(text: &str) -> String {
        of(&text.parse::<TokenStream>().expect("tokens"))
    }

    #[test]
    fn expressions_read_as_written() {
        for text in [
            "label",
            "Foo { name, title: other.field }",
            "a == b && !c",
            "format!(\"{a}\", b)",
            "items.iter().map(|item| item.len()).sum()",
            "label == promoted_label",
            "Moved { from, .. }",
            "Some(x) | None",
            "&list[1..n]",
            "a < b",
            "*count + 1",
            "{}",
            "read(path)?.len()",
        ] {
            assert_eq!(again(text), text);
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
        ] {
            assert_eq!(of_type(&text.parse::<TokenStream>().expect("tokens")), text);
        }
    }
}
