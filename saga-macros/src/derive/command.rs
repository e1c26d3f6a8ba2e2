//! `#[derive(Command)]`: what was declared of each command, and an enum for each participant.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{Fields, Type, Visibility};

use super::read::{Declaration, Known, Names, Variant, any};
use crate::aliases::Enum;
use crate::case;
use crate::errors::Errors;
use crate::expand::paths;

/// What the variants may have.
pub(super) const ATTRIBUTES: &[Known] = &[
    Known { word: "to", form: "#[to(Participant)]", names: Names::One },
    Known { word: "replies", form: "#[replies(Event, …)]", names: Names::Some },
    Known { word: "refuses", form: "#[refuses(Refusal, …)]", names: Names::Some },
    Known { word: "query", form: "#[query]", names: Names::None },
    Known { word: "live_only", form: "#[live_only]", names: Names::None },
    Known { word: "harmless", form: "#[harmless]", names: Names::None },
];

/// The commands of a bus, checked.
pub(super) struct Commands {
    visibility: Visibility,
    name: Ident,
    bus: Type,
    commands: Vec<Command>,
}

struct Command {
    variant: Variant,
    /// None if that is missing, which is reported.
    to: Option<Ident>,
}

/// Every command says to whom (L24).
pub(super) fn check(errors: &mut Errors, declaration: Declaration) -> Commands {
    let Declaration { visibility, name, bus, variants } = declaration;
    let commands = variants.into_iter().map(|variant| {
        let to = variant.names("to").first().cloned();
        if to.is_none() && variant.mark("to").is_none() {
            let name = &variant.name;
            errors.at(name, format!("`{name}` does not say who carries it out: add `#[to(Participant)]`"));
        }
        Command { variant, to }
    });
    Commands { visibility, name, bus, commands: commands.collect() }
}

/// The implementation and the enums.
pub(super) fn expand(commands: &Commands) -> TokenStream {
    let implementation = implementation(commands);
    let names = names(commands);
    let mut participants: Vec<&Ident> = Vec::new();
    for to in commands.commands.iter().filter_map(|command| command.to.as_ref()) {
        if !participants.contains(&to) {
            participants.push(to);
        }
    }
    let participants = participants.into_iter().map(|participant| self::participant(commands, participant));
    quote!(#implementation #names #(#participants)*)
}

fn implementation(commands: &Commands) -> TokenStream {
    let Commands { name, bus, .. } = commands;
    let message = paths::message();
    let infos = commands.commands.iter().map(info);
    let indices = commands.commands.iter().enumerate().map(|(index, command)| {
        let variant = any(&command.variant.name);
        quote!(Self::#variant => #index)
    });
    let index = if commands.commands.is_empty() { quote!(0) } else { quote!(match self { #(#indices),* }) };
    quote_spanned! {name.span()=>
        impl #message::Command for #name {
            type Bus = #bus;
            const COMMANDS: &'static [#message::CommandInfo] = &[#(#infos),*];
            fn index(&self) -> usize { #index }
        }
    }
}

fn info(command: &Command) -> TokenStream {
    let message = paths::message();
    let variant = &command.variant;
    let (name, doc, fields) = (variant.name.to_string(), &variant.doc, variant.fields_text());
    let redacted = &variant.redacted;
    let to = command.to.as_ref().map(case::snake).unwrap_or_default();
    let texts = |word: &str| variant.names(word).iter().map(ToString::to_string).collect::<Vec<_>>();
    let (replies, refuses) = (texts("replies"), texts("refuses"));
    let [query, live_only, harmless] = ["query", "live_only", "harmless"].map(|word| variant.mark(word).is_some());
    quote! {
        #message::CommandInfo {
            name: #name, doc: #doc, fields: #fields, to: #to,
            replies: &[#(#replies),*], refuses: &[#(#refuses),*], query: #query, live_only: #live_only,
            harmless: #harmless, redacted: &[#(#redacted),*],
        }
    }
}

/// Each reply and refusal exists (L24). A refusal is looked up by the compiler itself, in a match that names it: there
/// is no list of them.
fn names(commands: &Commands) -> TokenStream {
    let (bus, message) = (&commands.bus, paths::message());
    let listed = |word: &'static str| commands.commands.iter().flat_map(move |command| command.variant.names(word));
    let replies = listed("replies").map(|name| {
        let (check, text) = (paths::declared_check(name.span()), name.to_string());
        quote_spanned!(name.span()=> const _: () = #check::is_event(<#message::EventOf<#bus> as #message::Event>::EVENTS, #text);)
    });
    let refuses = listed("refuses").map(|name| {
        let (alias, name) = (Enum::Refusal.alias(name.span()), any(name));
        quote!(#alias::#name => {})
    });
    let alias = Enum::Refusal.alias(Span::mixed_site());
    quote! {
        #(#replies)*
        #[allow(dead_code, unreachable_patterns, clippy::all)]
        const _: () = {
            type #alias = #message::RefusalOf<#bus>;
            fn refuses(refusal: &#alias) { match refusal { #(#refuses)* _ => {} } }
        };
    }
}

/// The enum of one participant's commands.
fn participant(commands: &Commands, participant: &Ident) -> TokenStream {
    let Commands { visibility, name, bus, .. } = commands;
    let own = format_ident!("{participant}Command");
    let theirs: Vec<_> = commands.commands.iter().filter(|command| command.to.as_ref() == Some(participant)).collect();
    let variants = theirs.iter().map(|command| {
        let Variant { name, doc, fields, .. } = &command.variant;
        quote!(#[doc = #doc] #name #fields)
    });
    let doc = format!("The commands of [`{name}`] that `{participant}` carries out.");
    let (message, snake) = (paths::message(), case::snake(participant));
    let (derived, debug) = debug(&own, &theirs);
    let narrows = theirs.iter().map(|command| moved(&command.variant, name, &own));
    let widens = theirs.iter().map(|command| moved(&command.variant, &own, name));
    quote! {
        #[doc = #doc]
        #[allow(missing_docs)]
        #[derive(#derived ::core::clone::Clone, ::core::cmp::PartialEq)]
        #visibility enum #own { #(#variants),* }
        #debug
        impl #message::ParticipantCommand for #own {
            type Bus = #bus;
            const PARTICIPANT: &'static str = #snake;
            #[allow(unreachable_patterns)]
            fn narrow(command: #name) -> ::core::result::Result<Self, #name> {
                ::core::result::Result::Ok(match command {
                    #(#narrows,)*
                    other => return ::core::result::Result::Err(other),
                })
            }
        }
        impl ::core::convert::From<#own> for #name {
            fn from(command: #own) -> Self { match command { #(#widens),* } }
        }
    }
}

/// `Debug`, as it is derived; where a value is not shown, something else stands in its place.
fn debug(own: &Ident, commands: &[&Command]) -> (TokenStream, TokenStream) {
    if commands.iter().all(|command| command.variant.redacted.is_empty()) {
        return (quote!(::core::fmt::Debug,), TokenStream::new());
    }
    let arms = commands.iter().map(|command| shown(&command.variant));
    let implementation = quote! {
        impl ::core::fmt::Debug for #own {
            fn fmt(&self, formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                match self { #(#arms),* }
            }
        }
    };
    (TokenStream::new(), implementation)
}

/// The arm that shows a variant.
fn shown(variant: &Variant) -> TokenStream {
    let Variant { name, fields, redacted, .. } = variant;
    let text = name.unraw().to_string();
    let (mut patterns, mut values) = (Vec::new(), Vec::new());
    for (position, field) in fields.iter().enumerate() {
        let binding = format_ident!("field_{position}");
        let named = field.ident.as_ref().map(|field| field.unraw().to_string());
        let is_redacted = redacted.contains(named.as_ref().unwrap_or(&position.to_string()));
        let (pattern, value) = match is_redacted {
            true => (quote!(_), quote!(&::core::format_args!("(redacted)"))),
            false => (quote!(#binding), quote!(#binding)),
        };
        patterns.push(field.ident.as_ref().map_or(pattern.clone(), |field| quote!(#field: #pattern)));
        values.push(named.map_or(quote!(.field(#value)), |named| quote!(.field(#named, #value))));
    }
    match fields {
        Fields::Unit => quote!(Self::#name => formatter.write_str(#text)),
        Fields::Named(_) => {
            quote!(Self::#name { #(#patterns),* } => formatter.debug_struct(#text) #(#values)* .finish())
        }
        Fields::Unnamed(_) => {
            quote!(Self::#name(#(#patterns),*) => formatter.debug_tuple(#text) #(#values)* .finish())
        }
    }
}

/// The arm from a variant of one enum to that of the other.
fn moved(variant: &Variant, from: &Ident, to: &Ident) -> TokenStream {
    let name = &variant.name;
    match &variant.fields {
        Fields::Unit => quote!(#from::#name => #to::#name),
        Fields::Named(fields) => {
            let fields: Vec<_> = fields.named.iter().filter_map(|field| field.ident.as_ref()).collect();
            quote!(#from::#name { #(#fields),* } => #to::#name { #(#fields),* })
        }
        Fields::Unnamed(fields) => {
            let fields: Vec<_> = (0..fields.unnamed.len()).map(|index| format_ident!("field_{index}")).collect();
            quote!(#from::#name(#(#fields),*) => #to::#name(#(#fields),*))
        }
    }
}
