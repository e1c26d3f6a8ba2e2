//! Attributes and documentation of sagas, parameters and steps.

use syn::{Attribute, Expr, ExprLit, Lit, LitInt, LitStr, Meta};

use super::unbuilt;
use crate::errors::Errors;

/// What the attributes of a saga say.
pub(super) struct SagaAttributes {
    pub(super) doc: String,
    pub(super) name: Option<String>,
    pub(super) version: u32,
}

/// Reads the attributes of a saga.
pub(super) fn of_saga(errors: &mut Errors, attributes: &[Attribute]) -> SagaAttributes {
    let mut read = SagaAttributes { doc: doc(attributes), name: None, version: 1 };
    for attribute in attributes.iter().filter(|attribute| !attribute.path().is_ident("doc")) {
        match word(attribute).as_str() {
            "name" => read.name = errors.take(name(attribute)),
            "version" => read.version = errors.take(version(attribute)).unwrap_or(1),
            unbuilt @ ("ephemeral" | "on_restart") => unbuilt::report(errors, at(attribute), &format!("#[{unbuilt}]")),
            _ => errors.at(
                attribute,
                "a saga has the attributes `#[name(\"…\")]`, `#[version(…)]`, `#[ephemeral]`, `#[on_restart(…)]`",
            ),
        }
    }
    read
}

/// Reads the attributes of a parameter or a step: its documentation.
pub(super) fn of_value(errors: &mut Errors, attributes: &[Attribute]) -> String {
    for attribute in attributes.iter().filter(|attribute| !attribute.path().is_ident("doc")) {
        if attribute.path().is_ident("redact") {
            unbuilt::report(errors, at(attribute), "#[redact]");
        } else {
            errors.at(attribute, "steps and parameters have the attribute `#[redact]` and documentation");
        }
    }
    doc(attributes)
}

/// The doc comment: lines without the leading space of each.
pub(crate) fn doc(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(meta) if meta.path.is_ident("doc") => match &meta.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    });
    let lines: Vec<_> = lines.map(|line| line.strip_prefix(' ').map_or(line.clone(), str::to_owned)).collect();
    lines.join("\n").trim().to_owned()
}

fn word(attribute: &Attribute) -> String {
    attribute.path().get_ident().map(ToString::to_string).unwrap_or_default()
}

fn at(attribute: &Attribute) -> proc_macro2::Span {
    use syn::spanned::Spanned as _;
    attribute.path().span()
}

fn name(attribute: &Attribute) -> syn::Result<String> {
    let name: LitStr = attribute.parse_args()?;
    if name.value().is_empty() || name.value().chars().any(|c| c.is_whitespace() || c.is_control() || c == '/') {
        return Err(syn::Error::new(name.span(), "a saga's name is not empty, and has no spaces and no `/`"));
    }
    Ok(name.value())
}

fn version(attribute: &Attribute) -> syn::Result<u32> {
    let version: LitInt = attribute.parse_args()?;
    match version.base10_parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(syn::Error::new(version.span(), "versions count from 1")),
    }
}
