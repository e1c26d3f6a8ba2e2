//! What stands in the braces of a step, or of a `compensate`.

use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::{Expr, Ident, Token, braced};

use super::words::{CLAUSES, ITEMS};
use super::{arm, duration, item, recover, words};
use crate::errors::Errors;
use crate::syntax::{Block, Clause, Compensate, Retry};

/// All clauses, and the words of those that were begun.
pub(super) fn clauses(errors: &mut Errors, input: ParseStream<'_>) -> (Vec<Clause>, Vec<&'static str>) {
    let mut clauses = Vec::new();
    let mut attempted = Vec::new();
    while !input.is_empty() {
        if recover::accept_semicolon(input) {
            continue;
        }
        match clause(errors, input, &mut attempted) {
            Ok(clause) => clauses.push(clause),
            Err(error) => {
                errors.push(error);
                recover::skip(input, CLAUSES);
            }
        }
    }
    (clauses, attempted)
}

fn clause(errors: &mut Errors, input: ParseStream<'_>, attempted: &mut Vec<&'static str>) -> syn::Result<Clause> {
    let Some(word) = words::peek(input) else {
        return Err(input.error("expected a clause of a step, such as `send` or `await`"));
    };
    let keyword = input.call(Ident::parse_any)?;
    let Some(known) = CLAUSES.iter().find(|clause| **clause == word) else {
        return Err(unknown(&keyword, attempted));
    };
    attempted.push(known);
    match *known {
        "send" => command(input, &keyword).map(|command| Clause::Send { keyword, command }),
        "query" => command(input, &keyword).map(|command| Clause::Query { keyword, command }),
        "run" => command(input, &keyword).map(|saga| Clause::Run { keyword, saga }),
        "sleep" => time(errors, input, &keyword).map(|duration| Clause::Sleep { keyword, duration }),
        "within" => time(errors, input, &keyword).map(|duration| Clause::Within { keyword, duration }),
        "await" => arm::arms(errors, input, &keyword).map(|arms| Clause::Await { keyword, arms }),
        "retry" => retry(errors, input, keyword).map(|retry| Clause::Retry(Box::new(retry))),
        _ => compensate(errors, input, &keyword).map(|how| Clause::Compensate { keyword, how }),
    }
}

fn unknown(keyword: &Ident, attempted: &mut Vec<&'static str>) -> syn::Error {
    let word = keyword.to_string();
    let message = if ITEMS.contains(&word.as_str()) {
        format!("`{word}` is an item of the saga: move it out of the step")
    } else if let Some(meant) = words::nearest(&word, CLAUSES) {
        attempted.push(meant);
        format!("`{word}` is no clause of a step; did you mean `{meant}`?")
    } else if word.starts_with(char::is_uppercase) {
        attempted.push("send");
        format!("`{word}` stands without a word before it: `send {word} …;`, or `query` if it changes nothing")
    } else {
        format!("`{word}` is no clause of a step; there are {}", item::list(CLAUSES))
    };
    syn::Error::new(keyword.span(), message)
}

fn command(input: ParseStream<'_>, keyword: &Ident) -> syn::Result<Expr> {
    let command = input.parse()?;
    item::end(input, keyword)?;
    Ok(command)
}

fn time(errors: &mut Errors, input: ParseStream<'_>, keyword: &Ident) -> syn::Result<crate::syntax::Duration> {
    let duration = duration::duration(errors, input)?;
    item::end(input, keyword)?;
    Ok(duration)
}

fn retry(errors: &mut Errors, input: ParseStream<'_>, keyword: Ident) -> syn::Result<Retry> {
    let times = input.parse()?;
    words::accept(input, "times").ok_or_else(|| input.error("expected `times`: `retry 5 times;`"))?;
    let every = words::accept(input, "every").map(|_| {
        let first = duration::duration(errors, input)?;
        let dots: Option<Token![..]> = input.parse()?;
        let longest = dots.map(|_| duration::duration(errors, input)).transpose()?;
        Ok::<_, syn::Error>((first, longest))
    });
    let every = every.transpose()?;
    item::end(input, &keyword)?;
    Ok(Retry { keyword, times, every })
}

fn compensate(errors: &mut Errors, input: ParseStream<'_>, keyword: &Ident) -> syn::Result<Compensate> {
    if input.peek(syn::token::Brace) {
        let before = errors.count();
        let content;
        let brace = braced!(content in input);
        let (clauses, attempted) = clauses(errors, &content);
        recover::accept_semicolon(input);
        let broken = errors.count() > before;
        return Ok(Compensate::Block(Block { brace: brace.span.join(), clauses, broken, attempted }));
    }
    let how = if comes_none(input) {
        Compensate::None { keyword: words::expect(input, "none")?, because: item::because(input)? }
    } else if words::comes(input, "with") && input.peek2(Ident) {
        words::expect(input, "with")?;
        Compensate::With { step: input.parse()? }
    } else if words::comes(input, "unwind") {
        Compensate::Unwind { keyword: words::expect(input, "unwind")? }
    } else {
        if words::comes(input, "send") && input.peek2(Ident) {
            let keyword = words::expect(input, "send")?;
            errors.at(&keyword, "the command alone stands after `compensate`: leave out `send`, or put it into braces with clauses of its own");
        }
        Compensate::Command(input.parse()?)
    };
    item::end(input, keyword)?;
    Ok(how)
}

/// `none` before `because` or `;`; elsewhere it would be an expression.
fn comes_none(input: ParseStream<'_>) -> bool {
    words::comes(input, "none") && (input.peek2(Token![;]) || input.peek2(Ident::peek_any))
}
