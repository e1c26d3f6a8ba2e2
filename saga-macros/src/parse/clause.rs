//! What stands in the braces of a step, or of a `compensate`.

use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::spanned::Spanned as _;
use syn::{Attribute, Expr, ExprUnary, Ident, Token, UnOp, braced, parse_quote_spanned};

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
        let before = errors.count();
        match clause(errors, input, &mut attempted) {
            Ok(clause) => clauses.push(clause),
            Err(error) => {
                // What does not fit a word that was guessed is no second mistake.
                if errors.count() == before {
                    errors.push(error);
                }
                recover::skip(input, CLAUSES);
            }
        }
    }
    (clauses, attempted)
}

fn clause(errors: &mut Errors, input: ParseStream<'_>, attempted: &mut Vec<&'static str>) -> syn::Result<Clause> {
    let attributes = input.call(Attribute::parse_outer)?;
    if let Some(attribute) = attributes.first() {
        errors.at(attribute, "a clause takes neither attributes nor documentation; a step or the saga does");
    }
    if words::peek(input).is_none() {
        attempted.extend(CLAUSES);
        return Err(input.error("expected a clause of a step, such as `send` or `await`"));
    }
    let keyword = opener(errors, input.call(Ident::parse_any)?, attempted)?;
    let known = CLAUSES.iter().find(|clause| keyword == **clause).copied().unwrap_or_default();
    attempted.push(known);
    match known {
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

/// The word that opens a clause. One that is nearly it is reported, and taken for it; for one that is not, none of
/// those that there are counts as missing.
fn opener(errors: &mut Errors, keyword: Ident, attempted: &mut Vec<&'static str>) -> syn::Result<Ident> {
    let word = keyword.to_string();
    if CLAUSES.contains(&&*word) {
        return Ok(keyword);
    }
    if let Some(meant) = words::nearest(&word, CLAUSES).filter(|_| !ITEMS.contains(&&*word)) {
        errors.at(&keyword, format!("`{word}` is no clause of a step; did you mean `{meant}`?"));
        return Ok(Ident::new(meant, keyword.span()));
    }
    Err(unknown(&keyword, attempted))
}

fn unknown(keyword: &Ident, attempted: &mut Vec<&'static str>) -> syn::Error {
    let word = keyword.to_string();
    let message = if ITEMS.contains(&word.as_str()) {
        format!("`{word}` is an item of the saga: move it out of the step")
    } else if matches!(&*word, "unwind" | "with" | "none") {
        attempted.extend(CLAUSES);
        let rest = if word == "unwind" { "" } else { " …" };
        format!("`{word}` stands behind `compensate`, without braces: `compensate {word}{rest};`")
    } else if word.starts_with(char::is_uppercase) {
        attempted.push("send");
        format!("`{word}` stands without a word before it: `send {word} …;`, or `query` if it changes nothing")
    } else {
        attempted.extend(CLAUSES);
        format!("`{word}` is no clause of a step; there are {}", item::list(CLAUSES))
    };
    syn::Error::new(keyword.span(), message)
}

fn command(input: ParseStream<'_>, keyword: &Ident) -> syn::Result<Expr> {
    let expected = format!("expected what to {keyword}: `{keyword} Name {{ … }};`");
    recover::present(input, CLAUSES, keyword.span(), &expected)?;
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
    recover::present(input, CLAUSES, keyword.span(), "expected how many more attempts there are: `retry 5 times;`")?;
    let mut times = input.parse()?;
    if let Expr::Unary(ExprUnary { op: UnOp::Neg(_), .. }) = times {
        errors.at(&times, "no fewer attempts than none can be made: write how many more there are, `retry 5 times;`");
        times = parse_quote_spanned!(times.span()=> 0);
    }
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
    let expected = "expected what undoes the step: a command, a block, `with` a step, or `none because \"…\"`";
    recover::present(input, &[], keyword.span(), expected)?;
    let how = if comes_none(input) {
        Compensate::None { keyword: words::expect(input, "none")?, because: item::because(input)? }
    } else if words::comes(input, "with") && (input.peek2(Ident) || input.peek2(Token![;])) {
        let with = words::expect(input, "with")?;
        Compensate::With { step: shared(input, &with)? }
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

/// The step behind `with`; a command is none.
fn shared(input: ParseStream<'_>, with: &Ident) -> syn::Result<Ident> {
    recover::present(
        input,
        CLAUSES,
        with.span(),
        "expected the step whose compensation undoes this one too: `compensate with book;`",
    )?;
    let step: Ident = input.parse()?;
    if input.peek(syn::token::Brace) || input.peek(syn::token::Paren) {
        let message = format!(
            "`with` takes the name of an earlier step, whose compensation undoes this one too; a command stands alone: `compensate {step} …;`"
        );
        return Err(syn::Error::new(step.span(), message));
    }
    Ok(step)
}

/// `none` before `because` or `;`; elsewhere it would be an expression.
fn comes_none(input: ParseStream<'_>) -> bool {
    words::comes(input, "none") && (input.peek2(Token![;]) || input.peek2(Ident::peek_any))
}
