//! What stands in the braces of a saga.

use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, Ident, LitStr, Pat, Token, braced};

use super::words::{CLAUSES, ITEMS};
use super::{clause, duration, recover, signature, words};
use crate::errors::Errors;
use crate::syntax::{AtOnce, Binding, Concurrency, Deadline, Each, Item, Limit, Step, Trigger, When};

/// All items, and the words of those that were begun.
pub(super) fn items(errors: &mut Errors, input: ParseStream<'_>) -> (Vec<Item>, Vec<&'static str>) {
    let mut items = Vec::new();
    let mut attempted = Vec::new();
    while !input.is_empty() {
        if recover::accept_semicolon(input) {
            continue;
        }
        match item(errors, input, &mut attempted) {
            Ok(item) => items.extend(item),
            Err(error) => {
                errors.push(error);
                recover::skip(input, ITEMS);
            }
        }
    }
    (items, attempted)
}

fn item(errors: &mut Errors, input: ParseStream<'_>, attempted: &mut Vec<&'static str>) -> syn::Result<Option<Item>> {
    let attributes = input.call(Attribute::parse_outer)?;
    let Some(word) = words::peek(input) else {
        return Err(input.error("expected an item of a saga, such as `step` or `deadline`"));
    };
    let Some(known) = ITEMS.iter().find(|item| **item == word) else {
        return Err(unknown(input, &word, attempted));
    };
    attempted.push(known);
    if let Some(attribute) = attributes.first()
        && !matches!(*known, "step" | "pivot" | "finally")
    {
        let message = format!("`{known}` takes neither attributes nor documentation; a step or the saga does");
        errors.at(attribute, message);
    }
    match *known {
        "trigger" => trigger(input).map(Item::Trigger),
        "concurrency" => concurrency(input).map(Item::Concurrency),
        "deadline" => deadline(errors, input).map(Item::Deadline),
        "parallel" => parallel(errors, input),
        "require" => require(input),
        "return" => returns(input),
        _ => step(errors, input, attributes).map(|step| Item::Step(Box::new(step))),
    }
    .map(Some)
}

fn unknown(input: ParseStream<'_>, word: &str, attempted: &mut Vec<&'static str>) -> syn::Error {
    let keyword = match input.call(Ident::parse_any) {
        Ok(keyword) => keyword,
        Err(error) => return error,
    };
    let message = if CLAUSES.contains(&word) {
        format!("`{word}` is a clause of a step: move it into the braces of one")
    } else if let Some(meant) = words::nearest(word, ITEMS) {
        attempted.push(meant);
        format!("`{word}` is no item of a saga; did you mean `{meant}`?")
    } else {
        format!("`{word}` is no item of a saga; there are {}", list(ITEMS))
    };
    syn::Error::new(keyword.span(), message)
}

/// Words as a list in a sentence.
pub(super) fn list(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// The `;` that ends an item or a clause.
pub(super) fn end(input: ParseStream<'_>, keyword: &Ident) -> syn::Result<()> {
    if recover::accept_semicolon(input) { Ok(()) } else { Err(input.error(format!("expected `;` to end `{keyword}`"))) }
}

fn trigger(input: ParseStream<'_>) -> syn::Result<Trigger> {
    let keyword = words::expect(input, "trigger")?;
    let pattern = input.call(Pat::parse_multi_with_leading_vert)?;
    let guard = guard(input)?;
    let arrow: Option<Token![=>]> = input.parse()?;
    let bindings = arrow.map(|_| bindings(input)).transpose()?;
    match bindings {
        Some(_) => {
            recover::accept_semicolon(input);
        }
        None => end(input, &keyword)?,
    }
    Ok(Trigger { keyword, pattern, guard, bindings })
}

fn bindings(input: ParseStream<'_>) -> syn::Result<Vec<Binding>> {
    let content;
    braced!(content in input);
    let list = Punctuated::<Binding, Token![,]>::parse_terminated_with(&content, |input| {
        let name = signature::name(input)?;
        let colon: Option<Token![:]> = input.parse()?;
        Ok(Binding { name, value: colon.map(|_| input.parse()).transpose()? })
    })?;
    Ok(list.into_iter().collect())
}

/// `if Expr`, if there is one.
pub(super) fn guard(input: ParseStream<'_>) -> syn::Result<Option<Expr>> {
    let keyword: Option<Token![if]> = input.parse()?;
    keyword.map(|_| input.parse()).transpose()
}

fn concurrency(input: ParseStream<'_>) -> syn::Result<Concurrency> {
    let keyword = words::expect(input, "concurrency")?;
    let policies = ["allow", "queue", "replace", "skip"];
    let policy = input.call(Ident::parse_any).map_err(|error| {
        syn::Error::new(error.span(), format!("expected what a second start does: {}", list(&policies)))
    })?;
    if !policies.iter().any(|known| policy == known) {
        let message = match words::nearest(&policy.to_string(), &policies) {
            Some(meant) => format!("`{policy}` is no way to treat a second start; did you mean `{meant}`?"),
            None => format!("`{policy}` is no way to treat a second start; there are {}", list(&policies)),
        };
        return Err(syn::Error::new(policy.span(), message));
    }
    let keys = match words::accept(input, "per") {
        Some(_) => keys(input)?,
        None => Vec::new(),
    };
    end(input, &keyword)?;
    Ok(Concurrency { keyword, policy, keys })
}

/// One key or more; a comma may stand behind the last.
fn keys(input: ParseStream<'_>) -> syn::Result<Vec<Expr>> {
    if input.is_empty() || input.peek(Token![;]) {
        return Err(input.error("expected what the key is: `per workspace`"));
    }
    let mut keys = vec![input.parse()?];
    while input.parse::<Option<Token![,]>>()?.is_some() && !input.peek(Token![;]) {
        keys.push(input.parse()?);
    }
    Ok(keys)
}

fn deadline(errors: &mut Errors, input: ParseStream<'_>) -> syn::Result<Deadline> {
    let keyword = words::expect(input, "deadline")?;
    let limit = match words::accept(input, "none") {
        Some(keyword) => Limit::None { keyword, because: because(input)? },
        None => Limit::After(duration::duration(errors, input)?),
    };
    end(input, &keyword)?;
    Ok(Deadline { keyword, limit })
}

/// `because "…"`, if there is one.
pub(super) fn because(input: ParseStream<'_>) -> syn::Result<Option<LitStr>> {
    if words::accept(input, "because").is_none() {
        return Ok(None);
    }
    let reason =
        input.parse::<LitStr>().map_err(|error| syn::Error::new(error.span(), "expected the reason, in quotes"));
    reason.map(Some)
}

fn parallel(errors: &mut Errors, input: ParseStream<'_>) -> syn::Result<Item> {
    let keyword = words::expect(input, "parallel")?;
    let content;
    braced!(content in input);
    let before = errors.count();
    let steps = steps(errors, &content);
    recover::accept_semicolon(input);
    Ok(Item::Parallel { keyword, steps, broken: errors.count() > before })
}

fn steps(errors: &mut Errors, input: ParseStream<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    while !input.is_empty() {
        if recover::accept_semicolon(input) {
            continue;
        }
        let parsed = input.call(Attribute::parse_outer).and_then(|attributes| match words::peek(input).as_deref() {
            Some("step" | "pivot" | "finally") => step(errors, input, attributes),
            _ => Err(stray(input)),
        });
        match parsed {
            Ok(step) => steps.push(step),
            Err(error) => {
                errors.push(error);
                recover::skip(input, ITEMS);
            }
        }
    }
    steps
}

/// What is no step: its first word is taken, so that parsing goes on behind it.
fn stray(input: ParseStream<'_>) -> syn::Error {
    let error = input.error("only steps stand in a `parallel`");
    words::peek(input).map_or(error, |word| {
        let taken = words::expect(input, &word);
        taken.map_or_else(|other| other, |word| syn::Error::new(word.span(), "only steps stand in a `parallel`"))
    })
}

fn require(input: ParseStream<'_>) -> syn::Result<Item> {
    let keyword = words::expect(input, "require")?;
    let condition = input.parse()?;
    if !input.peek(Token![else]) {
        return Err(input.error("expected `else` and the reason: `require free > 0 else \"no room\";`"));
    }
    input.parse::<Token![else]>()?;
    let reason = input.parse()?;
    end(input, &keyword)?;
    Ok(Item::Require { keyword, condition, reason })
}

fn returns(input: ParseStream<'_>) -> syn::Result<Item> {
    let keyword = words::expect(input, "return")?;
    let value = input.parse()?;
    end(input, &keyword)?;
    Ok(Item::Return { keyword, value })
}

fn step(errors: &mut Errors, input: ParseStream<'_>, attributes: Vec<Attribute>) -> syn::Result<Step> {
    let before = errors.count();
    let kind = words::accept(input, "pivot").or_else(|| words::accept(input, "finally"));
    words::expect(input, "step")?;
    let name = signature::name(input)?;
    let head = head(input);
    let (output, each, when) = match head {
        Ok(head) => head,
        Err(error) => {
            recover::skip_to_body(input, ITEMS);
            if !input.peek(syn::token::Brace) {
                return Err(error);
            }
            errors.push(error);
            (None, None, None)
        }
    };
    let content;
    braced!(content in input);
    let (clauses, attempted) = clause::clauses(errors, &content);
    recover::accept_semicolon(input);
    let broken = errors.count() > before;
    Ok(Step { attributes, kind, name, output, each, when, clauses, broken, attempted })
}

type Head = (Option<syn::Type>, Option<Each>, Option<When>);

fn head(input: ParseStream<'_>) -> syn::Result<Head> {
    let output = signature::output(input)?;
    let each = if input.peek(Token![for]) { Some(each(input)?) } else { None };
    let when = words::accept(input, "when");
    let when = when.map(|_| input.call(Expr::parse_without_eager_brace)).transpose()?;
    let when = when.map(|condition| When { condition });
    if input.peek(syn::token::Brace) {
        Ok((output, each, when))
    } else {
        Err(input.error("expected the step's clauses in braces"))
    }
}

fn each(input: ParseStream<'_>) -> syn::Result<Each> {
    let keyword: Token![for] = input.parse()?;
    let pattern = input.call(Pat::parse_multi_with_leading_vert)?;
    input.parse::<Token![in]>()?;
    let items = input.call(Expr::parse_without_eager_brace)?;
    let comma: Option<Token![,]> = input.parse()?;
    let at_once = comma.map(|_| at_once(input)).transpose()?;
    Ok(Each { keyword: keyword.span, pattern, items, at_once })
}

fn at_once(input: ParseStream<'_>) -> syn::Result<AtOnce> {
    let at_once = match words::accept(input, "all") {
        Some(_) => AtOnce::All,
        None => AtOnce::AtMost(input.parse().map_err(|error: syn::Error| {
            syn::Error::new(error.span(), "expected how many at once: `, 8 at once` or `, all at once`")
        })?),
    };
    words::expect(input, "at")?;
    words::expect(input, "once")?;
    Ok(at_once)
}
