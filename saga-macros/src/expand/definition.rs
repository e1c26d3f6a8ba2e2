//! `DEFINITION`: what was written, as data.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::{Expansion, paths};
use crate::aliases::Enum;
use crate::model::{
    Action, ActionKind, Arm, Compensation, Deadline, Disposition, Duration, Exchange, Outcome, Phrase, Step,
};
use crate::text;

/// The description as a constant expression.
pub(super) fn definition(expansion: &Expansion<'_>) -> TokenStream {
    let saga = expansion.saga;
    let path = paths::definition();
    let (name, type_name, version) = (&saga.wire_name, saga.name.to_string(), saga.version);
    let doc = optional("doc", (!saga.doc.is_empty()).then_some(&saga.doc));
    let parameters = saga.parameters().map(|(_, parameter)| {
        let (name, ty, doc) = (parameter.name.to_string(), text::of_type(&parameter.ty), &parameter.doc);
        quote!(#path::Parameter { name: #name, ty: #ty, doc: #doc })
    });
    let triggers = triggers(expansion);
    let output = optional("output", saga.output.as_ref().map(text::of_type).as_ref());
    let deadline = deadline(saga.deadline.as_ref());
    let steps = saga.steps.iter().map(step);
    let places = saga.places.iter().map(|place| {
        let steps = place.steps.iter().map(|step| super::transition::number(*step));
        quote!(#path::Place { steps: &[#(#steps),*] })
    });
    let returns = optional("returns", saga.returns.as_ref().map(|value| text::of(&value.expression)).as_ref());
    quote! {
        #path::Definition::new(#name, #type_name, #version, #deadline)
            #doc #output #triggers #returns
            .parameters(&[#(#parameters),*])
            .steps(&[#(#steps),*], &[#(#places),*])
    }
}

fn optional(method: &str, text: Option<&String>) -> Option<TokenStream> {
    let method = quote::format_ident!("{method}");
    text.map(|text| quote!(.#method(#text)))
}

fn triggers(expansion: &Expansion<'_>) -> Option<TokenStream> {
    let path = paths::definition();
    let triggers = expansion.saga.triggers.iter().flat_map(|trigger| {
        let (pattern, guard) = (&trigger.pattern.text, some(trigger.guard.as_ref().map(text::of)));
        let path = &path;
        trigger.events.iter().map(move |event| {
            let event = event.variant.to_string();
            quote!(#path::Trigger { event: #event, pattern: #pattern, guard: #guard })
        })
    });
    let triggers: Vec<_> = triggers.collect();
    (!triggers.is_empty()).then(|| quote!(.triggers(&[#(#triggers),*])))
}

fn some(value: Option<impl quote::ToTokens>) -> TokenStream {
    match value {
        Some(value) => quote!(::core::option::Option::Some(#value)),
        None => quote!(::core::option::Option::None),
    }
}

fn deadline(deadline: Option<&Deadline>) -> TokenStream {
    let path = paths::definition();
    match deadline {
        Some(Deadline::After(duration)) => {
            let span = span(duration);
            quote!(#path::Deadline::After(#span))
        }
        Some(Deadline::None { because }) => quote!(#path::Deadline::None { because: #because }),
        None => quote!(#path::Deadline::None { because: "" }),
    }
}

fn span(duration: &Duration) -> TokenStream {
    let path = paths::definition();
    match duration {
        Duration::Literal { duration, .. } => {
            let (seconds, nanos) = (duration.as_secs(), duration.subsec_nanos());
            quote!(#path::Span::Fixed(::core::time::Duration::new(#seconds, #nanos)))
        }
        Duration::Computed(phrase) => {
            let text = phrase_text(phrase);
            quote!(#path::Span::Computed(#text))
        }
    }
}

fn phrase_text(phrase: &Phrase) -> String {
    text::of(&phrase.expression)
}

fn step(step: &Step) -> TokenStream {
    let path = paths::definition();
    let name = step.name.to_string();
    let exchange = match &step.exchange {
        Some(exchange) => self::exchange(exchange),
        None => {
            let expansion = paths::expansion();
            quote!(#expansion::UNKNOWN_EXCHANGE)
        }
    };
    let compensation = match &step.compensation {
        Compensation::NotNeeded => quote!(NotNeeded),
        Compensation::None { because } => quote!(None { because: #because }),
        Compensation::Exchange(exchange) => {
            let exchange = self::exchange(exchange);
            quote!(Exchange(#exchange))
        }
    };
    let doc = optional("doc", (!step.doc.is_empty()).then_some(&step.doc));
    let output = optional("output", step.output.as_ref().map(text::of_type).as_ref());
    quote!(#path::Step::new(#name, #exchange, #path::Compensation::#compensation)#doc #output)
}

fn exchange(exchange: &Exchange) -> TokenStream {
    let path = paths::definition();
    let action = action(&exchange.action);
    let arms = exchange.arms.iter().map(arm);
    let within = some(exchange.within.as_ref().map(span));
    let retry = some(exchange.retry.as_ref().map(|retry| {
        let (times, every, at_most) = (phrase_text(&retry.times), span(&retry.every), span(&retry.at_most));
        quote!(#path::Retry { times: #times, every: #every, at_most: #at_most })
    }));
    quote!(#path::Exchange { action: #action, arms: &[#(#arms),*], within: #within, retry: #retry })
}

fn action(action: &Action) -> TokenStream {
    let (path, info) = (paths::definition(), info(action));
    match action.kind {
        ActionKind::Send => quote!(#path::Action::Send(#info)),
        ActionKind::Query => quote!(#path::Action::Query(#info)),
    }
}

/// What was declared of the command.
pub(super) fn info(action: &Action) -> TokenStream {
    let (runtime, message) = (paths::expansion(), paths::message());
    let (alias, variant) = (Enum::Command.alias(proc_macro2::Span::mixed_site()), action.variant.to_string());
    quote_spanned!(action.variant.span()=> #runtime::command(<#alias as #message::Command>::COMMANDS, #variant))
}

fn arm(arm: &Arm) -> TokenStream {
    let path = paths::definition();
    let outcome = match &arm.outcome {
        Outcome::Event(_, pattern) => {
            let text = &pattern.text;
            quote!(Event(#text))
        }
        Outcome::Handled => quote!(Handled),
        Outcome::Refused(_, pattern, _) => {
            let text = &pattern.text;
            quote!(Refused(#text))
        }
        Outcome::Timeout => quote!(Timeout),
        Outcome::Disconnected => quote!(Disconnected),
    };
    let guard = some(arm.guard.as_ref().map(phrase_text));
    let disposition = match &arm.disposition {
        Disposition::Value(value) => {
            let text = phrase_text(value);
            quote!(Value(#text))
        }
        Disposition::Fail(reason) => {
            let text = phrase_text(reason);
            quote!(Fail(#text))
        }
        Disposition::Retry => quote!(Retry),
    };
    quote! {
        #path::Arm { outcome: #path::ArmOutcome::#outcome, guard: #guard, disposition: #path::Disposition::#disposition }
    }
}
