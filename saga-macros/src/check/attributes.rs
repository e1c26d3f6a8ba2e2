//! Attributes and documentation of sagas, parameters and steps.

use proc_macro2::Ident;
use syn::{Attribute, Expr, ExprLit, Lit, LitInt, LitStr, Meta};

use crate::errors::Errors;

/// What the attributes of a saga say.
pub(super) struct SagaAttributes {
    pub(super) doc: String,
    pub(super) name: Option<String>,
    pub(super) version: u32,
    pub(super) ephemeral: bool,
    /// The word in `#[on_restart(…)]`.
    pub(super) on_restart: Option<Ident>,
}

/// What a saga may have, each once.
const KNOWN: &[&str] = &["name", "version", "ephemeral", "on_restart"];

/// Reads the attributes of a saga.
pub(super) fn of_saga(errors: &mut Errors, attributes: &[Attribute]) -> SagaAttributes {
    let mut read = SagaAttributes { doc: doc(attributes), name: None, version: 1, ephemeral: false, on_restart: None };
    let mut seen: Vec<String> = Vec::new();
    for attribute in attributes.iter().filter(|attribute| !attribute.path().is_ident("doc")) {
        let word = word(attribute);
        if KNOWN.contains(&word.as_str()) && seen.contains(&word) {
            errors.at(attribute, format!("`#[{word}]` is given twice: remove one of them"));
            continue;
        }
        match word.as_str() {
            "name" => read.name = errors.take(name(attribute)),
            "version" => read.version = errors.take(version(attribute)).unwrap_or(1),
            "ephemeral" => read.ephemeral = errors.take(plain(attribute)).is_some(),
            "on_restart" => read.on_restart = errors.take(on_restart(attribute)),
            _ => errors.at(
                attribute,
                "a saga has the attributes `#[name(\"…\")]`, `#[version(…)]`, `#[ephemeral]`, `#[on_restart(…)]`",
            ),
        }
        seen.push(word);
    }
    if let Some(word) = read.on_restart.as_ref().filter(|_| read.ephemeral) {
        errors.at(word, "nothing of an `#[ephemeral]` saga is there after a restart: remove `#[on_restart]`");
    }
    read
}

/// Reads the attributes of a parameter or a step: its documentation, and whether its value is never shown.
pub(super) fn of_value(errors: &mut Errors, attributes: &[Attribute]) -> (String, bool) {
    let mut redacted = false;
    for attribute in attributes.iter().filter(|attribute| !attribute.path().is_ident("doc")) {
        if attribute.path().is_ident("redact") {
            redacted |= errors.take(plain(attribute)).is_some();
        } else {
            errors.at(attribute, "steps and parameters have the attribute `#[redact]` and documentation");
        }
    }
    (doc(attributes), redacted)
}

/// Whether an attribute is its word and nothing else.
pub(crate) fn plain(attribute: &Attribute) -> syn::Result<()> {
    let word = word(attribute);
    attribute.meta.require_path_only().map(|_| ()).map_err(|_| {
        syn::Error::new_spanned(attribute, format!("`#[{word}]` stands alone: it takes nothing in parentheses"))
    })
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

fn on_restart(attribute: &Attribute) -> syn::Result<Ident> {
    let expected = "expected `#[on_restart(resume)]`, `#[on_restart(compensate)]` or `#[on_restart(park)]`";
    let word: Ident = attribute.parse_args().map_err(|_| syn::Error::new_spanned(attribute, expected))?;
    if ["resume", "compensate", "park"].iter().any(|known| word == known) {
        Ok(word)
    } else {
        Err(syn::Error::new(word.span(), expected))
    }
}
