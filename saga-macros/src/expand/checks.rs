//! Rules that need the declarations of the bus: evaluated by the compiler, each at the author's token (L17–L20, L23).

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;

use super::definition::info;
use super::{Expansion, paths};
use crate::model::{Action, ActionKind, Arm, Exchange, Outcome, Step, Taken};
use crate::text;

/// All checks of one saga.
pub(super) fn checks(expansion: &Expansion<'_>) -> TokenStream {
    let values = values(expansion);
    let steps = expansion.saga.steps.iter().map(step);
    let triggers = triggers(expansion);
    quote!(#values #(#steps)* #triggers)
}

/// Each type once, and all that it lacks in one error.
fn values(expansion: &Expansion<'_>) -> TokenStream {
    let mut seen = std::collections::BTreeSet::new();
    let types = expansion.saga.values.iter().map(|value| value.ty.clone());
    let types = types.chain(expansion.saga.output.iter().map(|ty| quote!(#ty)));
    let types = types.filter(|ty| !ty.is_empty() && ty.to_string() != "()" && seen.insert(ty.to_string()));
    let checks = types.map(|ty| {
        let (check, text) = (paths::check(ty.span()), text::of_type(&ty));
        quote_spanned! {ty.span()=>
            #[allow(unused_imports)]
            const _: () = {
                use #check::Lacks as _;
                type Probe = #check::Probe<#ty>;
                #check::value(#text, Probe::CLONE, Probe::SERIALIZE, Probe::DESERIALIZE, Probe::SEND)
            };
        }
    });
    quote!(#(#checks)*)
}

fn step(step: &Step) -> TokenStream {
    let exchanges = step.exchange.iter().map(|exchange| (exchange, step.whole));
    let undo = step.compensation.exchange().map(|exchange| (exchange, step.whole));
    exchanges.chain(undo).map(|(exchange, whole)| self::exchange(exchange, whole)).collect()
}

fn exchange(exchange: &Exchange, whole: bool) -> TokenStream {
    let action = action(&exchange.action);
    if !whole {
        return action;
    }
    let events = events(exchange);
    let replies = replies(exchange);
    let refusals = refusals(exchange);
    quote!(#action #events #replies #refusals)
}

/// `send` is for effects, `query` for data (L20).
fn action(action: &Action) -> TokenStream {
    let (check, info) = (paths::check(action.variant.span()), info(action));
    let rule = match (action.kind, action.keyword == "compensate") {
        (ActionKind::Query, _) => quote!(queried),
        (ActionKind::Send, false) => quote!(sent),
        (ActionKind::Send, true) => quote!(compensates),
    };
    quote_spanned!(action.variant.span()=> const _: () = #check::#rule(#info);)
}

/// Each event is one of the command's replies (L17).
fn events(exchange: &Exchange) -> TokenStream {
    let info = info(&exchange.action);
    let checks = taken(exchange, Of::Events).map(|event| {
        let (check, text) = (paths::check(event.variant.span()), event.variant.to_string());
        quote_spanned!(event.variant.span()=> const _: () = #check::answers(#info, #text);)
    });
    checks.collect()
}

/// Each reply is taken by an arm (L18).
fn replies(exchange: &Exchange) -> TokenStream {
    let mut taken = taken(exchange, Of::Events).peekable();
    if taken.peek().is_none() {
        return TokenStream::new();
    }
    let at = exchange.action.variant.span();
    let (check, info) = (paths::check(at), info(&exchange.action));
    let (named, whole) = names(taken);
    quote_spanned!(at=> const _: () = #check::replies_taken(#info, &[#(#named),*], &[#(#whole),*]);)
}

/// Each refusal is taken by an arm, if one takes any (L19).
fn refusals(exchange: &Exchange) -> TokenStream {
    let keyword = exchange.arms.iter().find_map(|arm| match &arm.outcome {
        Outcome::Refused(_, _, keyword) => Some(keyword),
        _ => None,
    });
    let Some(keyword) = keyword.filter(|_| !exchange.arms.iter().any(takes_any_refusal)) else {
        return TokenStream::new();
    };
    let (check, info) = (paths::check(keyword.span()), info(&exchange.action));
    let (_, whole) = names(taken(exchange, Of::Refusals));
    quote_spanned!(keyword.span()=> const _: () = #check::refusals_taken(#info, &[#(#whole),*]);)
}

/// A pattern without variants binds whatever comes.
fn takes_any_refusal(arm: &Arm) -> bool {
    matches!(&arm.outcome, Outcome::Refused(taken, _, _) if taken.is_empty() && arm.guard.is_none())
}

#[derive(Clone, Copy, PartialEq)]
enum Of {
    Events,
    Refusals,
}

fn taken(exchange: &Exchange, of: Of) -> impl Iterator<Item = &Taken> {
    exchange.arms.iter().flat_map(move |arm| match &arm.outcome {
        Outcome::Event(taken, _) if of == Of::Events => taken.as_slice(),
        Outcome::Refused(taken, _, _) if of == Of::Refusals => taken.as_slice(),
        _ => &[],
    })
}

/// All names, and those of variants taken whatever their fields are.
fn names<'a>(taken: impl Iterator<Item = &'a Taken>) -> (Vec<String>, Vec<String>) {
    let taken: Vec<_> = taken.collect();
    let name = |variant: &Ident| variant.to_string();
    let whole = taken.iter().filter(|taken| taken.whole).map(|taken| name(&taken.variant)).collect();
    (taken.iter().map(|taken| name(&taken.variant)).collect(), whole)
}

/// No trigger without a condition is one of the saga's own replies (L21).
fn triggers(expansion: &Expansion<'_>) -> TokenStream {
    let steps = expansion.saga.steps.iter();
    let exchanges = steps.flat_map(|step| step.exchange.iter().chain(step.compensation.exchange()));
    let commands: Vec<_> = exchanges.map(|exchange| info(&exchange.action)).collect();
    let open = expansion.saga.triggers.iter().filter(|trigger| trigger.guard.is_none());
    let checks = open.flat_map(|trigger| &trigger.events).map(|event| {
        let (check, text) = (paths::check(event.variant.span()), event.variant.to_string());
        let commands = &commands;
        quote_spanned!(event.variant.span()=> const _: () = #check::does_not_start_itself(#text, &[#(#commands),*]);)
    });
    checks.collect()
}
