//! What stands in the braces of a saga.

use proc_macro2::Span;
use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, Ident, LitStr, Pat, Token, Type, braced};

use super::words::{CLAUSES, ITEMS};
use super::{clause, duration, recover, signature, words};
use crate::errors::Errors;
use crate::syntax::{AtOnce, Binding, Clause, Concurrency, Deadline, Each, Item, Limit, Step, Trigger, When};

/// All items, and the words of those that were begun.
pub(super) fn items(errors: &mut Errors, input: ParseStream<'_>) -> (Vec<Item>, Vec<&'static str>) {
    let mut items = Vec::new();
    let mut attempted = Vec::new();
    while !input.is_empty() {
        if recover::accept_semicolon(input) {
            continue;
        }
        let before = errors.count();
        match item(errors, input, &mut attempted) {
            Ok(item) => items.push(item),
            Err(error) => {
                // What does not fit a word that was guessed is no second mistake.
                if errors.count() == before {
                    errors.push(error);
                }
                recover::skip(input, ITEMS);
            }
        }
    }
    (items, attempted)
}

fn item(errors: &mut Errors, input: ParseStream<'_>, attempted: &mut Vec<&'static str>) -> syn::Result<Item> {
    let attributes = input.call(Attribute::parse_outer)?;
    if words::peek(input).is_none() {
        return Err(input.error("expected an item of a saga, such as `step` or `deadline`"));
    }
    let keyword = opener(errors, input.call(Ident::parse_any)?)?;
    let known = ITEMS.iter().find(|item| keyword == **item).copied().unwrap_or_default();
    attempted.push(known);
    if let Some(attribute) = attributes.first()
        && !matches!(known, "step" | "pivot" | "finally")
    {
        let message = format!("`{known}` takes neither attributes nor documentation; a step or the saga does");
        errors.at(attribute, message);
    }
    match known {
        "trigger" => trigger(input, keyword).map(Item::Trigger),
        "concurrency" => concurrency(input, keyword).map(Item::Concurrency),
        "deadline" => deadline(errors, input, keyword).map(Item::Deadline),
        "parallel" => parallel(errors, input, keyword),
        "require" => require(input, keyword),
        "return" => returns(input, keyword),
        _ => step(errors, input, attributes, keyword).map(|step| Item::Step(Box::new(step))),
    }
}

/// The word that opens an item. One that is nearly it is reported, and taken for it, so that what follows is declared.
fn opener(errors: &mut Errors, word: Ident) -> syn::Result<Ident> {
    let text = word.to_string();
    let message = if ITEMS.contains(&&*text) {
        return Ok(word);
    } else if CLAUSES.contains(&&*text) {
        format!("`{text}` is a clause of a step: move it into the braces of one")
    } else if let Some(meant) = words::nearest(&text, ITEMS) {
        errors.at(&word, format!("`{text}` is no item of a saga; did you mean `{meant}`?"));
        return Ok(Ident::new(meant, word.span()));
    } else {
        format!("`{text}` is no item of a saga; there are {}", list(ITEMS))
    };
    Err(syn::Error::new(word.span(), message))
}

/// Words as a list in a sentence.
pub(super) fn list(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// The `;` that ends an item or a clause.
pub(super) fn end(input: ParseStream<'_>, keyword: &Ident) -> syn::Result<()> {
    if recover::accept_semicolon(input) { Ok(()) } else { Err(input.error(format!("expected `;` to end `{keyword}`"))) }
}

fn trigger(input: ParseStream<'_>, keyword: Ident) -> syn::Result<Trigger> {
    recover::present(input, ITEMS, keyword.span(), "expected the event that starts the saga: `trigger Event { … };`")?;
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
        let name: Ident = input.parse()?;
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

fn concurrency(input: ParseStream<'_>, keyword: Ident) -> syn::Result<Concurrency> {
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

fn deadline(errors: &mut Errors, input: ParseStream<'_>, keyword: Ident) -> syn::Result<Deadline> {
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
        let nearly = words::peek(input).filter(|word| words::nearest(word, &["because"]).is_some());
        return match nearly {
            Some(word) => Err(input.error(format!("expected the reason, found `{word}`; did you mean `because`?"))),
            None => Ok(None),
        };
    }
    let reason =
        input.parse::<LitStr>().map_err(|error| syn::Error::new(error.span(), "expected the reason, in quotes"));
    reason.map(Some)
}

fn parallel(errors: &mut Errors, input: ParseStream<'_>, keyword: Ident) -> syn::Result<Item> {
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
        let attributes = input.call(Attribute::parse_outer);
        let parsed = attributes.and_then(|attributes| {
            let keyword = step_opener(errors, input)?;
            step(errors, input, attributes, keyword)
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

/// The word that opens a step. Another is taken too, so that parsing goes on behind it.
fn step_opener(errors: &mut Errors, input: ParseStream<'_>) -> syn::Result<Ident> {
    let expected = "only steps stand in a `parallel`";
    let error = input.error(expected);
    let word = input.call(Ident::parse_any).map_err(|_| error)?;
    let meant = words::nearest(&word.to_string(), &["step", "pivot", "finally"]);
    let meant = meant.ok_or_else(|| syn::Error::new(word.span(), expected))?;
    if word != meant {
        errors.at(&word, format!("{expected}, and `{word}` is none; did you mean `{meant}`?"));
    }
    Ok(Ident::new(meant, word.span()))
}

fn require(input: ParseStream<'_>, keyword: Ident) -> syn::Result<Item> {
    recover::present(input, ITEMS, keyword.span(), "expected a condition: `require free > 0 else \"no room\";`")?;
    let condition = input.parse()?;
    if !input.peek(Token![else]) {
        return Err(input.error("expected `else` and the reason: `require free > 0 else \"no room\";`"));
    }
    input.parse::<Token![else]>()?;
    let reason = input.parse()?;
    end(input, &keyword)?;
    Ok(Item::Require { keyword, condition, reason })
}

fn returns(input: ParseStream<'_>, keyword: Ident) -> syn::Result<Item> {
    recover::present(input, ITEMS, keyword.span(), "expected the output of the saga: `return …;`")?;
    let value = input.parse()?;
    end(input, &keyword)?;
    Ok(Item::Return { keyword, value })
}

/// A step from behind its first word. Whatever is broken in it, it is declared, if it has a name.
fn step(errors: &mut Errors, input: ParseStream<'_>, attributes: Vec<Attribute>, keyword: Ident) -> syn::Result<Step> {
    let before = errors.count();
    let kind = if keyword == "step" { None } else { Some(keyword) };
    if kind.is_some() {
        words::expect_nearly(errors, input, "step")?;
    }
    let name = signature::name(errors, input, "the step's name: `step name { … }`")?;
    let intact = errors.count();
    let Head { output, each, when } = head(errors, input, &name);
    let (clauses, attempted) = if input.peek(syn::token::Brace) {
        body(errors, input)?
    } else {
        if errors.count() == intact {
            let span = if input.is_empty() { name.span() } else { input.span() };
            errors.at_span(span, "expected the step's clauses in braces");
        }
        recover::skip_to_body(input, ITEMS);
        if input.peek(syn::token::Brace) { body(errors, input)? } else { Default::default() }
    };
    recover::accept_semicolon(input);
    let broken = errors.count() > before;
    Ok(Step { attributes, kind, name, output, each, when, clauses, broken, attempted })
}

fn body(errors: &mut Errors, input: ParseStream<'_>) -> syn::Result<(Vec<Clause>, Vec<&'static str>)> {
    let content;
    braced!(content in input);
    Ok(clause::clauses(errors, &content))
}

/// What stands between the name of a step and its clauses.
#[derive(Default)]
struct Head {
    output: Option<Type>,
    each: Option<Each>,
    when: Option<When>,
}

/// The parts of the head that can be read; what is broken in one hides no other.
fn head(errors: &mut Errors, input: ParseStream<'_>, name: &Ident) -> Head {
    let mut head = Head::default();
    match signature::output(input) {
        Ok(output) => head.output = output,
        Err(error) => {
            errors.push(error);
            head.output = Some(errors.unknown_type(name));
            recover::skip_to_part(input, &["for", "when"], ITEMS);
        }
    }
    if input.peek(Token![for]) {
        let each = each(errors, input);
        head.each = errors.take(each);
        if head.each.is_none() {
            recover::skip_to_part(input, &["when"], ITEMS);
        }
    }
    if let Some(keyword) = words::accept(input, "when") {
        let when = condition(input, &keyword);
        head.when = errors.take(when);
    }
    head
}

fn condition(input: ParseStream<'_>, keyword: &Ident) -> syn::Result<When> {
    before_body(input, keyword.span(), "expected a condition: `when nights > 0`")?;
    input.call(Expr::parse_without_eager_brace).map(|condition| When { condition })
}

/// Braces are the body of the step, unless others follow them.
fn before_body(input: ParseStream<'_>, keyword: Span, expected: &str) -> syn::Result<()> {
    if input.peek(syn::token::Brace) && !input.peek2(syn::token::Brace) {
        return Err(syn::Error::new(keyword, expected));
    }
    recover::present(input, ITEMS, keyword, expected)
}

fn each(errors: &mut Errors, input: ParseStream<'_>) -> syn::Result<Each> {
    const EXPECTED: &str = "expected what is done once for each: `for item in items`";
    let keyword: Token![for] = input.parse()?;
    before_body(input, keyword.span, EXPECTED)?;
    let pattern = input.call(Pat::parse_multi_with_leading_vert)?;
    if !input.peek(Token![in]) {
        return Err(syn::Error::new(keyword.span, EXPECTED));
    }
    let among: Token![in] = input.parse()?;
    before_body(input, among.span, EXPECTED)?;
    let items = input.call(Expr::parse_without_eager_brace)?;
    let comma: Option<Token![,]> = input.parse()?;
    let at_once = comma.map(|_| at_once(input)).transpose();
    let at_once = at_once.unwrap_or_else(|error| {
        errors.push(error);
        recover::skip_to_part(input, &["when"], ITEMS);
        None
    });
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
