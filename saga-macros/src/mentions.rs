//! Which names an expression mentions: too many when values are kept and cloned, too few when an author is accused.
//!
//! It knows Rust's syntax and nothing of sagas.

use std::collections::BTreeSet;

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{BinOp, Expr, ExprCall, ExprLit, ExprPath, Macro, Pat, Token};

/// A name, and where it stands.
pub(crate) type Mention = Ident;

/// All names that the expression may mention: paths of one segment, and whatever looks like one inside of macros,
/// format strings included. A wrong hit costs a clone; one missed would not compile.
pub(crate) fn all(expression: &Expr) -> Vec<Mention> {
    let mut visitor = All { found: Vec::new() };
    visitor.visit_expr(expression);
    visitor.found
}

struct All {
    found: Vec<Mention>,
}

impl<'ast> Visit<'ast> for All {
    fn visit_expr_path(&mut self, path: &'ast ExprPath) {
        self.found.extend(single(path).cloned());
        visit::visit_expr_path(self, path);
    }

    fn visit_macro(&mut self, invocation: &'ast Macro) {
        if invocation.path.is_ident("stringify") {
            return;
        }
        in_tokens(invocation.tokens.clone(), &mut self.found);
    }

    fn visit_expr(&mut self, expression: &'ast Expr) {
        match expression {
            Expr::Verbatim(tokens) => in_tokens(tokens.clone(), &mut self.found),
            other => visit::visit_expr(self, other),
        }
    }
}

/// Macros whose arguments are expressions, some behind a format string.
const MACROS: &[&str] = &[
    "format",
    "vec",
    "assert",
    "assert_eq",
    "assert_ne",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "panic",
    "print",
    "println",
    "eprint",
    "eprintln",
    "write",
    "writeln",
    "dbg",
    "unreachable",
    "todo",
    "matches",
];

/// The names that the expression certainly takes from outside: not shadowed by anything in it, not called, not in a
/// macro of which nothing is known.
pub(crate) fn certain(expression: &Expr) -> Vec<Mention> {
    let shadowed = bound(expression);
    let mut visitor = Certain { found: Vec::new() };
    visitor.visit_expr(expression);
    visitor.found.retain(|mention| !shadowed.contains(&mention.to_string()));
    visitor.found
}

struct Certain {
    found: Vec<Mention>,
}

impl<'ast> Visit<'ast> for Certain {
    fn visit_expr_path(&mut self, path: &'ast ExprPath) {
        self.found.extend(single(path).cloned());
        visit::visit_expr_path(self, path);
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        if !matches!(&*call.func, Expr::Path(path) if single(path).is_some()) {
            self.visit_expr(&call.func);
        }
        call.args.iter().for_each(|argument| self.visit_expr(argument));
    }

    fn visit_macro(&mut self, invocation: &'ast Macro) {
        let Some(known) = invocation.path.get_ident().filter(|name| MACROS.iter().any(|known| name == known)) else {
            return;
        };
        let mut arguments = arguments(invocation);
        if known == "vec" && arguments.is_empty() {
            arguments = repeated(invocation);
        }
        let named: Vec<_> = arguments.iter().filter_map(named).collect();
        for argument in &arguments {
            match argument {
                Expr::Lit(literal) => in_literal(literal, &named, &mut self.found),
                Expr::Assign(argument) => self.visit_expr(&argument.right),
                other => self.visit_expr(other),
            }
        }
    }

    fn visit_item(&mut self, _: &'ast syn::Item) {}
}

/// The name of an argument of `format!` that has one.
fn named(argument: &Expr) -> Option<&Ident> {
    match argument {
        Expr::Assign(argument) => match &*argument.left {
            Expr::Path(path) => single(path),
            _ => None,
        },
        _ => None,
    }
}

/// The names in the braces of a format string that no argument gives.
fn in_literal(literal: &ExprLit, named: &[&Ident], found: &mut Vec<Mention>) {
    let syn::Lit::Str(text) = &literal.lit else { return };
    let format = text.value().replace("{{", "");
    let names = format.split('{').skip(1).filter_map(|piece| piece.split([':', '}']).next());
    let names = names.filter_map(|name| syn::parse_str::<Ident>(name.trim()).ok());
    found.extend(names.filter(|name| !named.contains(&name)).map(|mut name| {
        name.set_span(text.span());
        name
    }));
}

/// The names that patterns anywhere in the expression bind.
pub(crate) fn bound(expression: &Expr) -> BTreeSet<String> {
    let mut visitor = Bound { found: Vec::new() };
    visitor.visit_expr(expression);
    visitor.found.iter().map(ToString::to_string).collect()
}

/// The names that the `let`s of a condition bind for what follows it.
pub(crate) fn bound_by_lets(condition: &Expr) -> Vec<Ident> {
    match condition {
        Expr::Let(bound) => bindings(&bound.pat),
        Expr::Binary(both) if matches!(both.op, BinOp::And(_)) => {
            [&both.left, &both.right].into_iter().flat_map(|side| bound_by_lets(side)).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether a condition has a `let` of its own: then it stands behind `if`, and nowhere else.
pub(crate) fn has_lets(condition: &Expr) -> bool {
    match condition {
        Expr::Let(_) => true,
        Expr::Binary(both) => matches!(both.op, BinOp::And(_)) && (has_lets(&both.left) || has_lets(&both.right)),
        _ => false,
    }
}

/// Whether something in the expression may run more than once.
pub(crate) fn repeats(expression: &Expr) -> bool {
    let mut visitor = Repeats { found: false };
    visitor.visit_expr(expression);
    visitor.found
}

struct Repeats {
    found: bool,
}

impl<'ast> Visit<'ast> for Repeats {
    fn visit_expr(&mut self, expression: &'ast Expr) {
        self.found |= matches!(expression, Expr::Closure(_) | Expr::ForLoop(_) | Expr::While(_) | Expr::Loop(_));
        visit::visit_expr(self, expression);
    }

    fn visit_macro(&mut self, invocation: &'ast Macro) {
        arguments(invocation).iter().for_each(|argument| self.visit_expr(argument));
    }
}

/// `vec![value; count]`
fn repeated(invocation: &Macro) -> Punctuated<Expr, Token![,]> {
    let parse = |input: syn::parse::ParseStream<'_>| Punctuated::<Expr, Token![;]>::parse_terminated(input);
    invocation.parse_body_with(parse).unwrap_or_default().into_iter().collect()
}

/// What stands between the commas of a macro like `format!`; nothing if it is not like that. Of `matches!`, what is
/// matched: a pattern is no expression.
fn arguments(invocation: &Macro) -> Punctuated<Expr, Token![,]> {
    if invocation.path.is_ident("matches") {
        let parse = |input: syn::parse::ParseStream<'_>| {
            let matched: Expr = input.parse()?;
            input.parse::<proc_macro2::TokenStream>()?;
            Ok(matched)
        };
        return invocation.parse_body_with(parse).into_iter().collect();
    }
    invocation.parse_body_with(Punctuated::parse_terminated).unwrap_or_default()
}

/// The names that a pattern binds, each once: the cases of one with `|` bind the same. A capitalised one is a constant or a unit variant.
pub(crate) fn bindings(pattern: &Pat) -> Vec<Ident> {
    let mut visitor = Bound { found: Vec::new() };
    visitor.visit_pat(pattern);
    let mut seen = BTreeSet::new();
    visitor.found.retain(|name| reads_as_binding(name) && seen.insert(name.clone()));
    visitor.found
}

/// Whether a bare name in a pattern reads as a binding rather than a variant.
pub(crate) fn reads_as_binding(name: &Ident) -> bool {
    use syn::ext::IdentExt as _;
    name.unraw().to_string().starts_with(|first: char| first.is_lowercase() || first == '_')
}

struct Bound {
    found: Vec<Ident>,
}

impl<'ast> Visit<'ast> for Bound {
    fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
        self.found.push(pattern.ident.clone());
        visit::visit_pat_ident(self, pattern);
    }

    fn visit_macro(&mut self, invocation: &'ast Macro) {
        arguments(invocation).iter().for_each(|argument| self.visit_expr(argument));
    }
}

/// The name, if a path is nothing but a name.
pub(crate) fn single(path: &ExprPath) -> Option<&Ident> {
    if path.qself.is_some() { None } else { path.path.get_ident() }
}

/// Idents of tokens that are not after a `.` and not next to `::`, and those in the braces of string literals.
fn in_tokens(tokens: TokenStream, found: &mut Vec<Mention>) {
    let mut before = Before::Nothing;
    for token in tokens {
        before = match token {
            TokenTree::Group(group) => {
                in_tokens(group.stream(), found);
                Before::Nothing
            }
            TokenTree::Ident(name) => {
                let path = before == Before::Colon;
                if before != Before::Dot && !path {
                    found.push(name);
                }
                Before::Nothing
            }
            TokenTree::Punct(punct) => match (punct.as_char(), before) {
                ('.', Before::Dot) => Before::Nothing,
                ('.', _) => Before::Dot,
                (':', Before::HalfColon) => Before::Colon,
                (':', _) => Before::HalfColon,
                _ => Before::Nothing,
            },
            TokenTree::Literal(literal) => {
                in_format_string(&literal, found);
                Before::Nothing
            }
        };
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Before {
    Nothing,
    Dot,
    HalfColon,
    Colon,
}

/// `{name}`, `{name:…}` and `{:name$}` in a string literal.
fn in_format_string(literal: &proc_macro2::Literal, found: &mut Vec<Mention>) {
    let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string()) else { return };
    let text = text.value();
    let pieces = text.split('{').skip(1).filter_map(|piece| piece.split('}').next());
    for word in pieces.flat_map(|piece| piece.split(|c: char| !c.is_alphanumeric() && c != '_')) {
        let raw = || syn::parse_str::<Ident>(&format!("r#{word}"));
        if let Ok(mut name) = syn::parse_str::<Ident>(word).or_else(|_| raw()) {
            name.set_span(literal.span());
            found.push(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(found: &[Ident]) -> Vec<String> {
        found.iter().map(ToString::to_string).collect()
    }

    fn all_of(text: &str) -> Vec<String> {
        names(&all(&syn::parse_str(text).expect("an expression")))
    }

    fn certain_of(text: &str) -> Vec<String> {
        names(&certain(&syn::parse_str(text).expect("an expression")))
    }

    #[test]
    fn what_may_be_mentioned() {
        assert_eq!(all_of("Foo { name, title: other.field }"), ["name", "other"]);
        assert_eq!(all_of("format!(\"{a} {b:>width$} {}\", c.d)"), ["a", "b", "width", "c"]);
        assert_eq!(all_of("format!(\"{type}\")"), ["r#type"]);
        assert_eq!(all_of("{ let x = y; x }"), ["y", "x"]);
        assert_eq!(all_of("vec![a::b, 0..c]"), ["a", "c"]);
    }

    #[test]
    fn what_is_mentioned_for_certain() {
        assert_eq!(certain_of("book(Foo { name })"), ["name"]);
        assert_eq!(certain_of("{ let x = y; x }"), ["y"]);
        assert_eq!(certain_of("items.map(|item| item.of(order))"), ["items", "order"]);
        assert_eq!(certain_of("format!(\"{a:x} {{y}} {b} {}\", c.d, b = e)"), ["a", "c", "e"]);
        assert!(certain_of("other!(a)").is_empty());
        assert_eq!(certain_of("vec![a, b.c]"), ["a", "b"]);
        assert_eq!(certain_of("vec![a; b]"), ["a", "b"]);
        assert_eq!(certain_of("matches!(a, Some(b) if b == c)"), ["a"]);
        assert_eq!(certain_of("{ assert!(a > b, \"{c}\"); d }"), ["a", "b", "c", "d"]);
    }

    #[test]
    fn what_a_pattern_binds() {
        use syn::parse::Parser as _;
        let pattern = Pat::parse_multi.parse_str("Moved { from, to: Some(target), None }").expect("a pattern");
        assert_eq!(names(&bindings(&pattern)), ["from", "target"]);
    }
}
