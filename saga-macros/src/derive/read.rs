//! An enum of a bus as declared: its variants with the attributes of the language.
//!
//! It knows which attributes there are and what they look like, not what they mean.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::punctuated::Punctuated;
use syn::{Attribute, Data, DeriveInput, Fields, Path, Token, Type, Visibility};

use crate::check::attributes;
use crate::errors::Errors;
use crate::text;

/// The enum.
pub(super) struct Declaration {
    pub(super) visibility: Visibility,
    pub(super) name: Ident,
    /// The bus; if it is not named, which is reported, a type that stands for it.
    pub(super) bus: Type,
    pub(super) variants: Vec<Variant>,
}

/// One variant.
pub(super) struct Variant {
    pub(super) name: Ident,
    pub(super) doc: String,
    pub(super) fields: Fields,
    pub(super) marks: Vec<Mark>,
    /// The fields that are never shown: by name, or by position.
    pub(super) redacted: Vec<String>,
}

/// One attribute of the language on a variant.
pub(super) struct Mark {
    pub(super) word: Ident,
    /// The names in its parentheses.
    pub(super) names: Vec<Ident>,
}

/// An attribute that variants of an enum may have.
pub(super) struct Known {
    pub(super) word: &'static str,
    /// How it is written, for messages.
    pub(super) form: &'static str,
    pub(super) names: Names,
}

/// How many names an attribute takes.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Names {
    None,
    One,
    Some,
}

impl Variant {
    /// Its mark with this word.
    pub(super) fn mark(&self, word: &str) -> Option<&Mark> {
        self.marks.iter().find(|mark| mark.word == word)
    }

    /// The names that its mark with this word lists.
    pub(super) fn names(&self, word: &str) -> &[Ident] {
        self.mark(word).map_or(&[], |mark| &mark.names)
    }

    /// Its fields and their types, as written.
    pub(super) fn fields_text(&self) -> String {
        match &self.fields {
            Fields::Unit => String::new(),
            Fields::Named(fields) => {
                let fields = fields.named.iter().map(|field| {
                    let name = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
                    format!("{name}: {}", text::of_type(&field.ty))
                });
                format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
            }
            Fields::Unnamed(fields) => {
                let fields = fields.unnamed.iter().map(|field| text::of_type(&field.ty));
                format!("({})", fields.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// Reads the enum; none if it is no enum of a bus at all.
pub(super) fn declaration(errors: &mut Errors, input: TokenStream, known: &[Known]) -> Option<Declaration> {
    let input: DeriveInput = errors.take(syn::parse2(input))?;
    if !input.generics.params.is_empty() {
        errors.at(&input.generics, "the words of a bus have no generic parameters");
        return None;
    }
    let bus = bus(errors, &input.ident, &input.attrs);
    let variants = match input.data {
        Data::Enum(data) => data.variants,
        Data::Struct(_) | Data::Union(_) => {
            errors.at(&input.ident, "the words of a bus are the variants of an enum");
            Punctuated::new()
        }
    };
    let variants = variants.into_iter().map(|variant| Variant {
        marks: marks(errors, &variant.attrs, known),
        doc: attributes::doc(&variant.attrs),
        redacted: redacted(errors, &variant.fields),
        fields: plain(variant.fields),
        name: variant.ident,
    });
    Some(Declaration { visibility: input.vis, name: input.ident, bus, variants: variants.collect() })
}

fn bus(errors: &mut Errors, name: &Ident, attributes: &[Attribute]) -> Type {
    let bus = match attributes.iter().find(|attribute| attribute.path().is_ident("bus")) {
        Some(attribute) => attribute.parse_args_with(Path::parse_mod_style),
        None => {
            let message = format!("`{name}` does not say whose words these are: add `#[bus(TheBus)]`");
            Err(syn::Error::new(name.span(), message))
        }
    };
    match errors.take(bus) {
        Some(bus) => Type::Verbatim(bus.into_token_stream()),
        None => errors.unknown_type(name),
    }
}

fn marks(errors: &mut Errors, attributes: &[Attribute], known: &[Known]) -> Vec<Mark> {
    let mut marks: Vec<Mark> = Vec::new();
    for attribute in attributes {
        let Some(word) = attribute.path().get_ident() else { continue };
        if word == "redact" {
            errors.at(word, "`#[redact]` stands before a field: the variant itself is no secret");
        }
        let Some(known) = known.iter().find(|known| word == known.word) else { continue };
        if marks.iter().any(|mark| mark.word == *word) {
            errors.at(word, format!("`#[{word}]` is given twice: remove one of them"));
            continue;
        }
        let names = names(attribute, known);
        if names.is_none() {
            errors.at(attribute, format!("expected `{}`", known.form));
        }
        // One that is broken is there nevertheless: that it is missing would be a second mistake.
        marks.push(Mark { word: word.clone(), names: names.unwrap_or_default() });
    }
    marks
}

fn names(attribute: &Attribute, known: &Known) -> Option<Vec<Ident>> {
    if known.names == Names::None {
        return attribute.meta.require_path_only().ok().map(|_| Vec::new());
    }
    let names = attribute.parse_args_with(Punctuated::<Ident, Token![,]>::parse_terminated).ok()?;
    let enough = if known.names == Names::One { names.len() == 1 } else { !names.is_empty() };
    enough.then(|| names.into_iter().collect())
}

/// The fields with `#[redact]`.
fn redacted(errors: &mut Errors, fields: &Fields) -> Vec<String> {
    let mut redacted = Vec::new();
    for (position, field) in fields.iter().enumerate() {
        let mut marks = field.attrs.iter().filter(|attribute| attribute.path().is_ident("redact"));
        if marks.next().is_some_and(|mark| errors.take(attributes::plain(mark)).is_some()) {
            redacted.push(field.ident.as_ref().map_or(position.to_string(), |name| name.unraw().to_string()));
        }
        if let Some(again) = marks.next() {
            errors.at(again, "`#[redact]` is given twice: remove one of them");
        }
    }
    redacted
}

/// The fields without their attributes.
fn plain(mut fields: Fields) -> Fields {
    for field in &mut fields {
        field.attrs.retain(|attribute| attribute.path().is_ident("doc"));
        field.vis = Visibility::Inherited;
    }
    fields
}

/// A pattern that matches a variant whatever its fields are.
pub(super) fn any(variant: &Ident) -> TokenStream {
    let variant = variant.to_token_stream();
    quote::quote!(#variant { .. })
}
