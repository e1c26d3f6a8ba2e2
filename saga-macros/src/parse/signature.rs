//! `vis saga Name(params) -> Type on Bus { … }`.
//!
//! What is broken in it is reported, and the rest declared: whoever names the saga elsewhere is not told a second time.

use proc_macro2::Span;
use quote::{ToTokens as _, format_ident};
use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::{Attribute, Ident, Path, Token, Type, Visibility, braced, parenthesized};

use super::words::{ITEMS, SAGAS};
use super::{item, recover, words};
use crate::errors::Errors;
use crate::syntax::{Item, Parameter, Saga};

/// One saga. None if it has no name: what stands in its braces is then parsed for its own errors only.
pub(super) fn saga(errors: &mut Errors, input: ParseStream<'_>) -> Option<Saga> {
    let before = errors.count();
    let head = head(errors, input);
    let head = errors.take(head);
    let broken = errors.count() > before;
    if broken {
        recover::skip_to_body(input, SAGAS);
    }
    let body = body(errors, input, broken);
    let (items, attempted) = errors.take(body).unwrap_or_default();
    recover::accept_semicolon(input);
    head.map(|head| Saga { items, attempted, ..head })
}

type Body = (Vec<Item>, Vec<&'static str>);

/// What stands in the braces. Behind a broken head nothing counts as missing.
fn body(errors: &mut Errors, input: ParseStream<'_>, broken: bool) -> syn::Result<Body> {
    if !input.peek(syn::token::Brace) {
        if !broken {
            errors.push(input.error("expected the saga's items in braces: `{ deadline …; concurrency …; step … }`"));
            recover::skip_to_body(input, SAGAS);
        }
        return Ok((Vec::new(), ITEMS.to_vec()));
    }
    let content;
    braced!(content in input);
    let (items, mut attempted) = item::items(errors, &content);
    if broken {
        attempted.extend(ITEMS);
    }
    Ok((items, attempted))
}

fn head(errors: &mut Errors, input: ParseStream<'_>) -> syn::Result<Saga> {
    let attributes = input.call(Attribute::parse_outer)?;
    let visibility: Visibility = input.parse()?;
    let before = errors.count();
    let keyword = keyword(errors, input)?;
    let name = saga_name(input, &keyword)?;
    let parameters = parameters(errors, input, &name)?;
    let output = match output(input) {
        Ok(output) => output,
        Err(error) => {
            errors.push(error);
            recover::skip_to_part(input, &["on"], SAGAS);
            Some(errors.unknown_type(&name))
        }
    };
    let lost = errors.count() > before;
    let bus = bus(errors, input, &name, lost);
    Ok(Saga { attributes, visibility, name, parameters, output, bus, items: Vec::new(), attempted: Vec::new() })
}

/// The word `saga`, or what stands in its place: before a name that is another word, else the name itself.
fn keyword(errors: &mut Errors, input: ParseStream<'_>) -> syn::Result<Ident> {
    words::expect_nearly(errors, input, "saga").or_else(|error| {
        let word = input.fork().call(Ident::parse_any).map_err(|_| error.clone())?;
        errors.push(error);
        if input.peek2(Ident) { input.call(Ident::parse_any) } else { Ok(word) }
    })
}

fn saga_name(input: ParseStream<'_>, keyword: &Ident) -> syn::Result<Ident> {
    let next = words::comes(input, "saga") && input.peek2(Ident);
    if next || !input.peek(Ident) {
        let at = if next || words::peek(input).is_none() { keyword.span() } else { input.span() };
        return Err(syn::Error::new(at, "expected the saga's name: `saga Name(…) on Bus { … }`"));
    }
    input.parse()
}

/// `on Bus`. In a head that is broken before it, that it is missing is no second mistake.
fn bus(errors: &mut Errors, input: ParseStream<'_>, name: &Ident, lost: bool) -> Type {
    let on = words::accept(input, "on");
    if on.is_none() && lost {
        return errors.unknown_type(name);
    }
    let bus = match on {
        Some(on) if input.is_empty() || input.peek(syn::token::Brace) => Err(on.span()),
        Some(_) => Ok(input.call(Path::parse_mod_style)),
        None if input.is_empty() => Err(name.span()),
        None => Err(input.span()),
    };
    let expected = "expected `on` and the bus that the saga talks over: `saga Name(…) on Bus { … }`";
    match bus.unwrap_or_else(|span| Err(syn::Error::new(span, expected))) {
        Ok(bus) => Type::Verbatim(bus.into_token_stream()),
        Err(error) => {
            errors.push(error);
            errors.unknown_type(name)
        }
    }
}

/// `-> Type`, if there is one.
pub(super) fn output(input: ParseStream<'_>) -> syn::Result<Option<Type>> {
    let Some(arrow) = input.parse::<Option<Token![->]>>()? else { return Ok(None) };
    if input.is_empty() || input.peek(syn::token::Brace) || words::comes(input, "on") {
        return Err(syn::Error::new_spanned(arrow, "expected the type of the output: `-> Type`"));
    }
    owned(input)?.call(Type::without_plus).map(Some)
}

/// What the log keeps is no reference; said here, since what the compiler would say leads elsewhere.
fn owned(input: ParseStream<'_>) -> syn::Result<ParseStream<'_>> {
    if input.peek(Token![&]) {
        return Err(
            input.error("the log keeps this value, so the saga owns it: `String` for `&str`, `Vec<T>` for `&[T]`")
        );
    }
    Ok(input)
}

fn parameters(errors: &mut Errors, input: ParseStream<'_>, name: &Ident) -> syn::Result<Vec<Parameter>> {
    let generic = input.peek(Token![<]);
    if generic {
        errors.push(input.error("a saga has no generic parameters: write out the types"));
        while !input.is_empty() && !input.peek(syn::token::Paren) && !input.peek(syn::token::Brace) {
            input.parse::<proc_macro2::TokenTree>()?;
        }
    }
    if !input.peek(syn::token::Paren) {
        if !generic {
            errors.at(name, format!("expected the parameters: `saga {name}(…) on Bus {{ … }}`"));
        }
        recover::skip_to_part(input, &["on"], SAGAS);
        return Ok(Vec::new());
    }
    let content;
    parenthesized!(content in input);
    let mut parameters = Vec::new();
    while !content.is_empty() {
        match parameter(errors, &content, generic) {
            Ok(parameter) => parameters.push(parameter),
            Err(error) => {
                errors.push(error);
                recover::skip_parameter(&content);
            }
        }
    }
    Ok(parameters)
}

/// One parameter and its comma. Without a type that can be kept it is declared all the same.
fn parameter(errors: &mut Errors, input: ParseStream<'_>, generic: bool) -> syn::Result<Parameter> {
    let attributes = input.call(Attribute::parse_outer)?;
    let name = name(errors, input, "a parameter: `name: Type`")?;
    let ty = match ty(input, &name) {
        Ok(_) if generic => errors.unknown_type(&name),
        Ok(ty) => ty,
        Err(error) => {
            errors.push(error);
            recover::skip_parameter(input);
            errors.unknown_type(&name)
        }
    };
    Ok(Parameter { attributes, name, ty })
}

fn ty(input: ParseStream<'_>, name: &Ident) -> syn::Result<Type> {
    let colon: Option<Token![:]> = input.parse()?;
    if colon.is_none() || input.is_empty() || input.peek(Token![,]) {
        return Err(syn::Error::new(name.span(), format!("expected the type of this parameter: `{name}: Type`")));
    }
    let ty = owned(input)?.parse()?;
    if !input.is_empty() {
        input.parse::<Token![,]>()?;
    }
    Ok(ty)
}

/// A name that the saga declares; reserved words pass, so that the rule about them can speak. A keyword of Rust is
/// reported, and a name nevertheless.
pub(super) fn name(errors: &mut Errors, input: ParseStream<'_>, expected: &str) -> syn::Result<Ident> {
    let name = input.call(Ident::parse_any);
    let name = name.map_err(|error| syn::Error::new(error.span(), format!("expected {expected}")))?;
    let text = name.to_string();
    if syn::parse_str::<Ident>(&text).is_ok() {
        return Ok(name);
    }
    errors.at(&name, format!("expected a name, found the keyword `{name}`"));
    Ok(unreserved(&text, name.span()))
}

fn unreserved(keyword: &str, span: Span) -> Ident {
    match syn::parse_str::<Ident>(&format!("r#{keyword}")) {
        Ok(_) => Ident::new_raw(keyword, span),
        Err(_) => format_ident!("{keyword}_name", span = span),
    }
}
