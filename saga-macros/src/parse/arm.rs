//! The arms of an `await`.

use proc_macro2::Delimiter;
use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::spanned::Spanned as _;
use syn::{BinOp, Expr, ExprBinary, Ident, Pat, Token, braced};

use super::words::{CLAUSES, OUTCOMES};
use super::{item, recover, words};
use crate::errors::Errors;
use crate::mentions;
use crate::syntax::{Arm, Correlation, Disposition, Outcome};

/// One arm and a `;`, or several in braces.
pub(super) fn arms(errors: &mut Errors, input: ParseStream<'_>, keyword: &Ident) -> syn::Result<Vec<Arm>> {
    recover::present(input, CLAUSES, keyword.span(), "expected what ends the step: `await Event { … } => …;`")?;
    if !input.peek(syn::token::Brace) {
        let arm = arm(input, Body::ToTheEnd)?;
        item::end(input, keyword)?;
        return Ok(vec![arm]);
    }
    let content;
    braced!(content in input);
    recover::accept_semicolon(input);
    let mut arms = Vec::new();
    while !content.is_empty() {
        match arm(&content, Body::AsInMatch).and_then(|arm| comma(&content, &arm).map(|()| arm)) {
            Ok(arm) => arms.push(arm),
            Err(error) => {
                errors.push(error);
                recover::skip_arm(&content);
            }
        }
    }
    Ok(arms)
}

/// How far the expression of a disposition goes.
#[derive(Clone, Copy)]
enum Body {
    ToTheEnd,
    /// A block ends it, with or without a comma.
    AsInMatch,
}

fn arm(input: ParseStream<'_>, body: Body) -> syn::Result<Arm> {
    let outcome = outcome(input)?;
    let correlation = if input.peek(Token![where]) { Some(correlation(input)?) } else { None };
    let guard = item::guard(input)?;
    if !input.peek(Token![=>]) {
        return Err(input.error("expected `=>` and what the arm does: a value, `fail …` or `retry`"));
    }
    let arrow: Token![=>] = input.parse()?;
    recover::present(input, CLAUSES, arrow.span(), "expected what the arm does: a value, `fail …` or `retry`")?;
    Ok(Arm { outcome, correlation, guard, disposition: disposition(input, body)? })
}

fn comma(input: ParseStream<'_>, arm: &Arm) -> syn::Result<()> {
    let comma: Option<Token![,]> = input.parse()?;
    let block_like =
        matches!(&arm.disposition, Disposition::Value(value) | Disposition::Fail(value) if ends_itself(value));
    if comma.is_some() || input.is_empty() || block_like {
        Ok(())
    } else {
        Err(input.error("expected `,` after the arm"))
    }
}

fn ends_itself(value: &Expr) -> bool {
    matches!(
        value,
        Expr::Block(_)
            | Expr::If(_)
            | Expr::Match(_)
            | Expr::Loop(_)
            | Expr::While(_)
            | Expr::ForLoop(_)
            | Expr::Unsafe(_)
    )
}

fn outcome(input: ParseStream<'_>) -> syn::Result<Outcome> {
    let Some(word) = words::peek(input).filter(|word| OUTCOMES.contains(&word.as_str())) else {
        return event(input).map(Outcome::Event);
    };
    let keyword = input.call(Ident::parse_any)?;
    Ok(match word.as_str() {
        "handled" => Outcome::Handled(keyword),
        "refused" => {
            let pattern = taken(input, &keyword, "expected the refusal that this takes: `refused reason => …`")?;
            Outcome::Refused(keyword, pattern)
        }
        "failed" => {
            let pattern = taken(input, &keyword, "expected the cause that this takes: `failed cause => …`")?;
            Outcome::Failed(keyword, pattern)
        }
        "timeout" => Outcome::Timeout(keyword),
        _ => Outcome::Disconnected(keyword),
    })
}

fn taken(input: ParseStream<'_>, keyword: &Ident, expected: &str) -> syn::Result<Pat> {
    if input.peek(Token![=>]) {
        return Err(syn::Error::new(keyword.span(), expected));
    }
    recover::present(input, CLAUSES, keyword.span(), expected)?;
    input.call(Pat::parse_multi_with_leading_vert)
}

/// A pattern of events. A lone lower-case name would match whatever comes, and is most often a word misspelt.
fn event(input: ParseStream<'_>) -> syn::Result<Pat> {
    let pattern = input.call(Pat::parse_multi_with_leading_vert)?;
    let message = match &pattern {
        Pat::Wild(_) => "`_` is no event: name the variants of the bus's events that end the step".to_owned(),
        Pat::Ident(binding) if binding.subpat.is_none() && mentions::reads_as_binding(&binding.ident) => {
            let word = binding.ident.to_string();
            match words::nearest(&word, OUTCOMES) {
                Some(meant) => format!("`{word}` is neither an event nor an outcome; did you mean `{meant}`?"),
                None => format!(
                    "`{word}` would match any event: name a variant of the bus's events, or one of {}",
                    item::list(OUTCOMES)
                ),
            }
        }
        _ => return Ok(pattern),
    };
    Err(syn::Error::new(pattern.span(), message))
}

/// `where name == Expr && name == Expr`
fn correlation(input: ParseStream<'_>) -> syn::Result<Correlation> {
    let keyword: Token![where] = input.parse()?;
    let mut pairs = Vec::new();
    compared(input.parse()?, &mut pairs)?;
    Ok(Correlation { keyword: keyword.span, pairs })
}

/// The pairs of a conjunction, in order.
fn compared(condition: Expr, pairs: &mut Vec<(Ident, Expr)>) -> syn::Result<()> {
    const SHAPE: &str = "expected what the pattern binds, `==` and what it is compared with: `where tab == tab`; other conditions stand after `if`";
    match condition {
        Expr::Binary(ExprBinary { left, op: BinOp::And(_), right, .. }) => {
            compared(*left, pairs)?;
            compared(*right, pairs)
        }
        Expr::Binary(ExprBinary { left, op: BinOp::Eq(_), right, .. }) => match &*left {
            Expr::Path(path) if mentions::single(path).is_some() => {
                pairs.extend(mentions::single(path).map(|name| (name.clone(), *right)));
                Ok(())
            }
            _ => Err(syn::Error::new(left.span(), SHAPE)),
        },
        other => Err(syn::Error::new(other.span(), SHAPE)),
    }
}

fn disposition(input: ParseStream<'_>, body: Body) -> syn::Result<Disposition> {
    if words::comes(input, "fail") {
        let keyword = input.call(Ident::parse_any)?;
        recover::present(input, CLAUSES, keyword.span(), "expected the reason: `fail \"…\"`")?;
        return expression(input, body).map(Disposition::Fail);
    }
    called(input)?;
    if words::comes(input, "retry") && retry_ends(input) {
        return input.call(Ident::parse_any).map(Disposition::Retry);
    }
    expression(input, body).map(Disposition::Value)
}

/// `retry()` would be a function of that name, and is most often the disposition.
fn called(input: ParseStream<'_>) -> syn::Result<()> {
    let ahead = input.fork();
    let called = words::accept(&ahead, "retry").is_some()
        && ahead.cursor().group(Delimiter::Parenthesis).is_some_and(|(inside, ..)| inside.eof());
    if called {
        Err(input.error(
            "`retry` stands without parentheses; a function of that name is called by its path: `self::retry()`",
        ))
    } else {
        Ok(())
    }
}

/// `retry` is a disposition only where the arm ends after it.
fn retry_ends(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    ahead.call(Ident::parse_any).is_ok() && (ahead.is_empty() || ahead.peek(Token![,]) || ahead.peek(Token![;]))
}

fn expression(input: ParseStream<'_>, body: Body) -> syn::Result<Expr> {
    match body {
        Body::ToTheEnd => input.parse(),
        Body::AsInMatch => input.call(Expr::parse_with_earlier_boundary_rule),
    }
}
