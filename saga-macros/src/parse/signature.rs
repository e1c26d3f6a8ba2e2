//! `vis saga Name(params) -> Type on Bus { … }`.

use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::{Attribute, Ident, Path, Token, Type, Visibility, braced, parenthesized};

use super::{item, recover, words};
use crate::errors::Errors;
use crate::syntax::{Parameter, Saga};

/// One saga. None if its signature is broken: what stands in its braces is then parsed for its own errors only.
pub(super) fn saga(errors: &mut Errors, input: ParseStream<'_>) -> Option<Saga> {
    let head = match signature(input) {
        Ok(head) => Some(head),
        Err(error) => {
            errors.push(error);
            recover::skip_to_body(input, &[]);
            if !input.peek(syn::token::Brace) {
                return None;
            }
            None
        }
    };
    let (items, attempted) = match body(errors, input) {
        Ok(body) => body,
        Err(error) => {
            errors.push(error);
            recover::skip_to_body(input, &[]);
            return None;
        }
    };
    recover::accept_semicolon(input);
    head.map(|head| Saga { items, attempted, ..head })
}

fn body(errors: &mut Errors, input: ParseStream<'_>) -> syn::Result<(Vec<crate::syntax::Item>, Vec<&'static str>)> {
    if input.is_empty() {
        return Err(input.error("expected the saga's items in braces: `{ deadline …; concurrency …; step … }`"));
    }
    let content;
    braced!(content in input);
    Ok(item::items(errors, &content))
}

fn signature(input: ParseStream<'_>) -> syn::Result<Saga> {
    let attributes = input.call(Attribute::parse_outer)?;
    let visibility: Visibility = input.parse()?;
    words::expect(input, "saga")?;
    let name: Ident = input.parse()?;
    let parameters = parameters(input, &name)?;
    let output = output(input)?;
    words::expect(input, "on").map_err(|error| {
        syn::Error::new(error.span(), "expected `on` and the bus that the saga talks over: `saga Name(…) on Bus { … }`")
    })?;
    let bus: Path = input.call(Path::parse_mod_style)?;
    Ok(Saga { attributes, visibility, name, parameters, output, bus, items: Vec::new(), attempted: Vec::new() })
}

/// `-> Type`, if there is one.
pub(super) fn output(input: ParseStream<'_>) -> syn::Result<Option<Type>> {
    let arrow: Option<Token![->]> = input.parse()?;
    arrow.map(|_| owned(input)?.call(Type::without_plus)).transpose()
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

fn parameters(input: ParseStream<'_>, name: &Ident) -> syn::Result<Vec<Parameter>> {
    if input.peek(Token![<]) {
        return Err(input.error("a saga has no generic parameters: write out the types"));
    }
    if !input.peek(syn::token::Paren) {
        return Err(syn::Error::new(name.span(), format!("expected the parameters: `saga {name}(…) on Bus {{ … }}`")));
    }
    let content;
    parenthesized!(content in input);
    let list = Punctuated::<Parameter, Token![,]>::parse_terminated_with(&content, parameter)?;
    Ok(list.into_iter().collect())
}

fn parameter(input: ParseStream<'_>) -> syn::Result<Parameter> {
    let attributes = input.call(Attribute::parse_outer)?;
    let name = name(input)?;
    input.parse::<Token![:]>()?;
    Ok(Parameter { attributes, name, ty: owned(input)?.parse()? })
}

/// A name that the saga declares; reserved words pass, so that the rule about them can speak.
pub(super) fn name(input: ParseStream<'_>) -> syn::Result<Ident> {
    let name = input.call(Ident::parse_any)?;
    let plain = syn::parse_str::<Ident>(&name.to_string()).is_ok();
    if plain {
        Ok(name)
    } else {
        Err(syn::Error::new(name.span(), format!("expected a name, found the keyword `{name}`")))
    }
}
