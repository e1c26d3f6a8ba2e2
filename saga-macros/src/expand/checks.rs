//! Rules that need the declarations of the bus: evaluated by the compiler, each at the author's token (L17–L20, L23).

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::spanned::Spanned as _;

use super::definition::{commands, info};
use super::{Expansion, paths};
use crate::aliases::Enum;
use crate::model::{Action, ActionKind, Arm, Command, Compensation, Exchange, Outcome, Step, StepKind, Taken};
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
    let values = expansion.types(0..expansion.saga.values.len()).into_iter();
    let values = values.map(|id| (expansion.saga.values[id].ty.clone(), expansion.ty(id).into_token_stream()));
    let output = expansion.other_output().into_iter();
    let output = output.map(|ty| (ty.to_token_stream(), ty.to_token_stream()));
    let checks = values.chain(output).map(|(ty, alias)| {
        let (runtime, text) = (paths::runtime(ty.span()), text::of_type(&ty));
        quote_spanned!(ty.span()=> #runtime::value!(#text, #alias);)
    });
    quote!(#(#checks)*)
}

fn step(step: &Step) -> TokenStream {
    let exchanges = step.exchange.iter().chain(step.compensation.exchange());
    exchanges.map(|exchange| self::exchange(exchange, step)).chain(unwinds(step)).collect()
}

/// A saga behind whose pivot there is no way back is not unwound (L25).
fn unwinds(step: &Step) -> Option<TokenStream> {
    let (Compensation::Unwind, Some(Action::Run(run))) =
        (&step.compensation, step.exchange.as_ref().map(|exchange| &exchange.action))
    else {
        return None;
    };
    let (span, saga) = (run.saga.span(), &run.saga);
    let (check, runtime) = (paths::check(span), paths::runtime(span));
    Some(quote_spanned!(span=> const _: () = #check::unwinds(<#saga as #runtime::Saga>::DEFINITION);))
}

fn exchange(exchange: &Exchange, step: &Step) -> TokenStream {
    let anyones = anyones(exchange);
    let Some(command) = exchange.action.command() else { return anyones };
    let (info, action) = (info(command), action(command, lacks_compensation(step, command)));
    if !step.whole {
        return quote!(const _: () = #action;);
    }
    let events = events(&info, exchange);
    let replies = replies(&info, command, exchange);
    let refusals = refusals(&info, exchange);
    // Both are told at the command, the second only if the first holds; the compiler takes long over each constant.
    let both = if replies.is_empty() { action } else { quote!({ #action; #replies }) };
    quote!(const _: () = #both; #events #anyones #refusals)
}

/// Whether it was told of the step that nothing undoes it (L03), and that it might be a query.
fn lacks_compensation(step: &Step, command: &Command) -> bool {
    let nothing_undoes = matches!(step.compensation, Compensation::NotNeeded) && step.kind == StepKind::Plain;
    !step.whole && command.kind == ActionKind::Send && nothing_undoes
}

/// `send` is for effects, `query` for data (L20).
fn action(action: &Command, told: bool) -> TokenStream {
    let (check, info) = (paths::check(action.variant.span()), info(action));
    let rule = match (action.kind, action.keyword == "compensate") {
        (ActionKind::Send, false) if told => "exists",
        (ActionKind::Query, _) => "queried",
        (ActionKind::Send, false) => "sent",
        (ActionKind::Send, true) => "compensates",
    };
    let rule = Ident::new(rule, action.variant.span());
    // Of an unknown variant with braces the compiler says nothing that helps, since it is reached through an alias.
    let braced = matches!(action.command.expression, syn::Expr::Struct(_));
    let name = if braced { action.variant.to_string() } else { String::new() };
    quote_spanned!(action.variant.span()=> #check::#rule(#info, #name))
}

/// Each event is one of the command's replies (L17).
fn events(info: &Ident, exchange: &Exchange) -> TokenStream {
    let checks = taken(exchange, Of::Replies).map(|event| {
        let (check, text, braced) = (paths::check(event.variant.span()), event.variant.to_string(), event.braced);
        let events = Enum::Event.alias(Span::mixed_site());
        quote_spanned!(event.variant.span()=> const _: () = #check::answers::<#events>(#info, #text, #braced);)
    });
    checks.collect()
}

/// An event of anyone exists. Of one that does not the compiler says so itself, but for one with fields in braces.
fn anyones(exchange: &Exchange) -> TokenStream {
    let arms = exchange.arms.iter().filter(|arm| !arm.correlations.is_empty());
    let taken = arms.flat_map(|arm| match &arm.outcome {
        Outcome::Event(taken, _) => taken.as_slice(),
        _ => &[],
    });
    taken.filter(|event| event.braced).map(is_event).collect()
}

fn is_event(event: &Taken) -> TokenStream {
    let (check, text) = (paths::check(event.variant.span()), event.variant.to_string());
    let (runtime, events) = (paths::here(), Enum::Event.alias(Span::mixed_site()));
    quote_spanned!(event.variant.span()=> const _: () = #check::is_event(<#events as #runtime::Event>::EVENTS, #text);)
}

/// Each reply is taken by an arm (L18).
fn replies(info: &Ident, command: &Command, exchange: &Exchange) -> TokenStream {
    let mut taken = taken(exchange, Of::Events).peekable();
    if taken.peek().is_none() {
        return TokenStream::new();
    }
    let at = command.variant.span();
    let check = paths::check(at);
    let (_, whole) = names(taken);
    let (named, _) = names(self::taken(exchange, Of::Replies));
    let picked = picked(self::taken(exchange, Of::Events));
    if picked.is_empty() {
        return quote_spanned!(at=> #check::replies_taken(#info, &[#(#named),*], &[#(#whole),*]););
    }
    quote_spanned!(at=> #check::replies_picked(#info, &[#(#named),*], &[#(#whole),*], &[#(#picked),*]);)
}

/// Each refusal is taken by an arm, if one takes any (L19).
fn refusals(info: &Ident, exchange: &Exchange) -> TokenStream {
    let keyword = exchange.arms.iter().find_map(|arm| match &arm.outcome {
        Outcome::Refused(_, _, keyword) => Some(keyword),
        _ => None,
    });
    let Some(keyword) = keyword.filter(|_| !exchange.arms.iter().any(takes_any_refusal)) else {
        return TokenStream::new();
    };
    let check = paths::check(keyword.span());
    let (named, whole) = names(taken(exchange, Of::Refusals));
    let picked = picked(taken(exchange, Of::Refusals));
    if picked.is_empty() {
        return quote_spanned!(keyword.span()=> const _: () = #check::refusals_taken(#info, &[#(#named),*], &[#(#whole),*]););
    }
    quote_spanned!(keyword.span()=> const _: () = #check::refusals_picked(#info, &[#(#named),*], &[#(#whole),*], &[#(#picked),*]);)
}

/// A pattern without variants binds whatever comes.
fn takes_any_refusal(arm: &Arm) -> bool {
    matches!(&arm.outcome, Outcome::Refused(taken, _, _) if taken.is_empty() && arm.guard.is_none())
}

#[derive(Clone, Copy, PartialEq)]
enum Of {
    /// Of anyone.
    Events,
    /// Of the one who is asked.
    Replies,
    Refusals,
}

fn taken(exchange: &Exchange, of: Of) -> impl Iterator<Item = &Taken> {
    exchange.arms.iter().flat_map(move |arm| match &arm.outcome {
        Outcome::Event(taken, _) if of == Of::Events => taken.as_slice(),
        Outcome::Event(taken, _) if of == Of::Replies && arm.correlations.is_empty() => taken.as_slice(),
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

/// The names of variants of which an arm takes some, by what their fields hold.
fn picked<'a>(taken: impl Iterator<Item = &'a Taken>) -> Vec<String> {
    taken.filter(|taken| taken.picks).map(|taken| taken.variant.to_string()).collect()
}

/// No trigger without a condition is one of the saga's own replies (L21).
fn triggers(expansion: &Expansion<'_>) -> TokenStream {
    let commands: Vec<_> = commands(expansion.saga).into_values().map(info).collect();
    let open = expansion.saga.triggers.iter().filter(|trigger| trigger.guard.is_none());
    let checks = open.flat_map(|trigger| &trigger.events).map(|event| {
        let (check, text) = (paths::check(event.variant.span()), event.variant.to_string());
        let commands = &commands;
        quote_spanned!(event.variant.span()=> const _: () = #check::does_not_start_itself(#text, &[#(#commands),*]);)
    });
    let named = expansion.saga.triggers.iter().flat_map(|trigger| &trigger.events);
    named.filter(|event| event.braced).map(is_event).chain(checks).collect()
}
