//! Names of the saga in what an author's expression hands to a macro.
//!
//! Some macros show what they are given: the author then sees his own tokens, not the names of our variables.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens as _, quote};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::visit_mut::VisitMut as _;
use syn::{Expr, Macro, Token};

use super::super::paths;
use super::separate::Separate;

/// What a macro does with its tokens.
enum Tokens {
    /// It evaluates none of them.
    Text,
    /// It shows none of them.
    Values,
    /// It shows the first.
    Condition,
    /// It shows them all, with their values.
    Debugged,
    /// It is the author's: who knows.
    Unknown,
}

/// The tokens between its brackets in terms of variables of our own, if they are expressions.
pub(super) fn separate(separate: &mut Separate, invocation: &mut Macro) {
    let tokens = of(invocation);
    if let Tokens::Text = tokens {
        return;
    }
    let parse = Punctuated::<Expr, Token![,]>::parse_terminated;
    let Ok(mut arguments) = invocation.parse_body_with(parse) else { return };
    match tokens {
        Tokens::Text | Tokens::Values => arguments.iter_mut().for_each(|each| argument(separate, each)),
        Tokens::Unknown => separate.showing(|inside| arguments.iter_mut().for_each(|each| argument(inside, each))),
        Tokens::Condition => condition(separate, &mut arguments),
        Tokens::Debugged => return debugged(separate, invocation, arguments),
    }
    invocation.tokens = arguments.into_token_stream();
}

fn of(invocation: &Macro) -> Tokens {
    const TEXT: &[&str] = &["stringify", "concat", "env", "option_env", "include_str", "include_bytes"];
    const VALUES: &[&str] = &[
        "format",
        "format_args",
        "vec",
        "write",
        "writeln",
        "print",
        "println",
        "eprint",
        "eprintln",
        "panic",
        "unreachable",
        "todo",
        "unimplemented",
        "assert_eq",
        "assert_ne",
        "debug_assert_eq",
        "debug_assert_ne",
    ];
    let name = invocation.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
    match &*name {
        "assert" | "debug_assert" => Tokens::Condition,
        "dbg" => Tokens::Debugged,
        name if TEXT.contains(&name) => Tokens::Text,
        name if VALUES.contains(&name) => Tokens::Values,
        _ => Tokens::Unknown,
    }
}

fn argument(separate: &mut Separate, argument: &mut Expr) {
    match argument {
        Expr::Assign(named) => separate.visit_expr_mut(&mut named.right),
        other => separate.visit_expr_mut(other),
    }
}

/// Without a message of the author's the condition is shown: as it was written.
fn condition(separate: &mut Separate, arguments: &mut Punctuated<Expr, Token![,]>) {
    let written = arguments.first().map(|condition| (condition.to_token_stream(), separate.made()));
    arguments.iter_mut().for_each(|each| argument(separate, each));
    let Some((written, before)) = written.filter(|_| arguments.len() == 1) else { return };
    if separate.made() > before {
        arguments.push(syn::parse_quote!("assertion failed: {}"));
        arguments.push(syn::parse_quote!(::core::stringify!(#written)));
    }
}

fn debugged(separate: &mut Separate, invocation: &mut Macro, arguments: Punctuated<Expr, Token![,]>) {
    let before = separate.made();
    let pairs: Vec<_> = arguments
        .into_iter()
        .map(|mut each| {
            let written = each.to_token_stream();
            argument(separate, &mut each);
            quote!((#written) (#each))
        })
        .collect();
    if separate.made() > before {
        let runtime: Ident = paths::runtime(invocation.path.span());
        invocation.path = syn::parse_quote!(#runtime::dbg);
        invocation.tokens = pairs.into_iter().collect::<TokenStream>();
    }
}
