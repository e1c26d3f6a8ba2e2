//! `DEFINITION`: what was written, as data.

use std::collections::BTreeMap;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;

use super::transition::number;
use super::{Expansion, paths};
use crate::aliases::Enum;
use crate::case;
use crate::model::{
    Action, ActionKind, Arm, AtOnce, Command, Compensation, Concurrency, Deadline, Disposition, Duration, Each,
    Exchange, Outcome, Phrase, Require, Run, Saga, Step, StepKind,
};
use crate::text;

/// The commands that are sent and the steps, as constants.
pub(super) fn steps(expansion: &Expansion<'_>) -> TokenStream {
    let commands = commands(expansion.saga).into_values().map(declared);
    let steps = expansion.saga.steps.iter().enumerate();
    let steps = steps.map(|(index, step)| self::step(expansion, index, step));
    commands.chain(steps).collect()
}

/// What the saga sends, each command once.
pub(super) fn commands(saga: &Saga) -> BTreeMap<String, &Command> {
    let exchanges = saga.steps.iter().flat_map(|step| step.exchange.iter().chain(step.compensation.exchange()));
    let commands = exchanges.filter_map(|exchange| exchange.action.command());
    let mut named = BTreeMap::new();
    for command in commands {
        named.entry(command.variant.to_string()).or_insert(command);
    }
    named
}

/// The name of what was declared of a command.
pub(super) fn info(command: &Command) -> Ident {
    format_ident!("__COMMAND_{}", command.variant, span = Span::mixed_site())
}

/// The constant of a step. A circle of sagas that run each other is told by the compiler, with this name in it.
fn step_name(index: usize, step: &Step) -> Ident {
    match step.exchange.as_ref().map(|exchange| &exchange.action) {
        Some(Action::Run(_)) => format_ident!("__SAGAS_THAT_RUN_EACH_OTHER_{index}", span = Span::mixed_site()),
        _ => format_ident!("__STEP_{index}", span = Span::mixed_site()),
    }
}

/// The description as a constant expression.
pub(super) fn definition(expansion: &Expansion<'_>) -> TokenStream {
    let (saga, runtime) = (expansion.saga, paths::here());
    let (name, type_name, version) = (&saga.wire_name, saga.name.to_string(), saga.version);
    let deadline = deadline(saga.deadline.as_ref());
    let doc = with("doc", (!saga.doc.is_empty()).then_some(&saga.doc));
    let output = with("output", saga.output.as_ref().map(text::of_type));
    let returns = with("returns", saga.returns.as_ref().map(|value| text::of(&value.expression)));
    let triggers = triggers(expansion);
    let concurrency = saga.concurrency.as_ref().and_then(concurrency);
    let parameters = saga.parameters().map(|(_, parameter)| {
        let (name, ty, doc) = (text::of_name(&parameter.name), text::of_type(&parameter.ty), &parameter.doc);
        let redacted = parameter.redacted.then(|| quote!(.redacted()));
        quote!(#runtime::Parameter::new(#name, #ty, #doc)#redacted)
    });
    let mentions_redacted = |value: &Phrase| value.needs().any(|id| saga.values[id].redacted);
    let returns_redacted = saga.returns.as_ref().is_some_and(mentions_redacted).then(|| quote!(.returns_redacted()));
    let finally = saga.finally.iter().map(|step| number(*step));
    let finally = (!saga.finally.is_empty()).then(|| quote!(.finally(&[#(#finally),*])));
    let requires = requires(&saga.requires);
    let ephemeral = saga.ephemeral.then(|| quote!(.ephemeral()));
    let on_restart = saga.on_restart.as_ref().map(|word| {
        let word = Ident::new(&case::camel(word), Span::mixed_site());
        quote!(.on_restart(#runtime::OnRestart::#word))
    });
    let steps = saga.steps.iter().enumerate().map(|(index, step)| step_name(index, step));
    let places = saga.places.iter().map(|place| {
        let steps = place.steps.iter().map(|step| number(*step));
        quote!(#runtime::place(&[#(#steps),*]))
    });
    quote! {
        #runtime::Definition::new(#name, #type_name, #version, #deadline)
            #doc #output #triggers #concurrency #returns #returns_redacted #finally #requires #ephemeral #on_restart
            .parameters(&[#(#parameters),*])
            .steps(&[#(#steps),*], &[#(#places),*])
    }
}

fn requires(requires: &[Require]) -> Option<TokenStream> {
    let runtime = paths::here();
    let written = requires.iter().map(|require| {
        let (place, condition) = (number(require.place), phrase_text(&require.condition));
        let reason = phrase_text(&require.reason);
        quote!(#runtime::Require { place: #place, condition: #condition, reason: #reason })
    });
    let written: Vec<_> = written.collect();
    (!written.is_empty()).then(|| quote!(.requires(&[#(#written),*])))
}

/// `.method(value)`, if there is a value.
fn with(method: &str, value: Option<impl quote::ToTokens>) -> Option<TokenStream> {
    let method = Ident::new(method, Span::mixed_site());
    value.map(|value| quote!(.#method(#value)))
}

fn triggers(expansion: &Expansion<'_>) -> Option<TokenStream> {
    let runtime = paths::here();
    let triggers = expansion.saga.triggers.iter().flat_map(|trigger| {
        let (pattern, guard) = (&trigger.pattern.text, some(trigger.guard.as_ref().map(text::of)));
        let runtime = &runtime;
        trigger.events.iter().map(move |event| {
            let event = event.variant.to_string();
            quote!(#runtime::Trigger { event: #event, pattern: #pattern, guard: #guard })
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

/// What differs from `concurrency allow`.
fn concurrency(concurrency: &Concurrency) -> Option<TokenStream> {
    if concurrency.policy == "allow" && concurrency.keys.is_empty() {
        return None;
    }
    let policy = Ident::new(&case::camel(&concurrency.policy), Span::mixed_site());
    let (runtime, keys) = (paths::here(), concurrency.keys.iter().map(phrase_text));
    let concurrency = quote!(.concurrency(#runtime::definition::Policy::#policy, &[#(#keys),*]));
    Some(concurrency)
}

fn deadline(deadline: Option<&Deadline>) -> TokenStream {
    let runtime = paths::here();
    match deadline {
        Some(Deadline::After(duration)) => {
            let span = span(duration);
            quote!(#runtime::Deadline::After(#span))
        }
        Some(Deadline::None { because }) => quote!(#runtime::Deadline::None { because: #because }),
        None => quote!(#runtime::Deadline::None { because: "" }),
    }
}

fn span(duration: &Duration) -> TokenStream {
    let runtime = paths::here();
    match duration {
        Duration::Literal { duration, .. } => {
            let millis = millis(*duration);
            quote!(#runtime::Span::Fixed(#runtime::millis(#millis)))
        }
        Duration::Computed(phrase) => {
            let text = phrase_text(phrase);
            quote!(#runtime::Span::Computed(#text))
        }
    }
}

/// A literal in milliseconds, the smallest unit that there is.
pub(super) fn millis(duration: std::time::Duration) -> u64 {
    duration.as_secs().saturating_mul(1000).saturating_add(u64::from(duration.subsec_millis()))
}

fn phrase_text(phrase: &Phrase) -> String {
    text::of(&phrase.expression)
}

fn step(expansion: &Expansion<'_>, index: usize, step: &Step) -> TokenStream {
    let (runtime, constant, name) = (paths::here(), step_name(index, step), text::of_name(&step.name));
    let exchange = match &step.exchange {
        Some(exchange) => self::exchange(exchange),
        None => quote!(#runtime::UNKNOWN_EXCHANGE),
    };
    let compensation = match &step.compensation {
        Compensation::NotNeeded => quote!(NotNeeded),
        Compensation::None { because } => quote!(None { because: #because }),
        Compensation::Exchange(undo) => {
            let undo = self::exchange(undo);
            quote!(Exchange(#undo))
        }
        Compensation::With(other) => {
            let other = number(*other);
            quote!(With(#other))
        }
        Compensation::Unwind => quote!(Unwind),
    };
    let kind = match step.kind {
        StepKind::Plain => None,
        StepKind::Pivot => Some(quote!(.kind(#runtime::StepKind::Pivot))),
        StepKind::Finally => Some(quote!(.kind(#runtime::StepKind::Finally))),
    };
    let finally = seen_at_last(expansion.saga, step).then(|| quote!(.seen_at_last()));
    let each = with("each", step.each.as_ref().map(each));
    let when = with("when", step.when.as_ref().map(phrase_text));
    let redacted = expansion.saga.values[step.value].redacted.then(|| quote!(.redacted()));
    let doc = with("doc", (!step.doc.is_empty()).then_some(&step.doc));
    let new = match step.output.as_ref().map(text::of_type) {
        Some(output) => {
            let giving = if seen_undoing(step) { quote!(giving_to_undo) } else { quote!(giving) };
            quote!(#giving(#name, #output, #exchange, #runtime::Compensation::#compensation))
        }
        None => quote!(new(#name, #exchange, #runtime::Compensation::#compensation)),
    };
    // A circle of sagas that run each other is found by the compiler, and told at the constant.
    let span = match step.exchange.as_ref().map(|exchange| &exchange.action) {
        Some(Action::Run(run)) => run.saga.span().resolved_at(Span::mixed_site()),
        _ => Span::mixed_site(),
    };
    let mut constant = constant;
    constant.set_span(span);
    let declared_in = paths::runtime(span);
    let declared = quote_spanned!(span=> const #constant: #declared_in::Step);
    quote! {
        #declared =
            #runtime::Step::#new #doc #kind #redacted #finally #each #when;
    }
}

/// What was declared of a command, looked up by its name.
fn declared(command: &Command) -> TokenStream {
    let (runtime, alias) = (paths::here(), Enum::Command.alias(Span::mixed_site()));
    let (constant, variant) = (info(command), command.variant.to_string());
    quote_spanned!(command.variant.span()=> const #constant: &#runtime::CommandInfo = #runtime::command::<#alias>(#variant);)
}

/// Whether a step that runs on every way out mentions the output of this one.
fn seen_at_last(saga: &Saga, step: &Step) -> bool {
    let last = saga.finally.iter().flat_map(|index| saga.steps[*index].phrases());
    step.is_forward() && last.flat_map(Phrase::needs).any(|value| value == step.value)
}

/// Whether what undoes this step mentions its output.
fn seen_undoing(step: &Step) -> bool {
    let undo = step.compensation.exchange().into_iter().flat_map(Exchange::phrases);
    undo.flat_map(Phrase::needs).any(|value| value == step.value)
}

fn exchange(exchange: &Exchange) -> TokenStream {
    let runtime = paths::here();
    let action = match &exchange.action {
        Action::Command(command) => {
            let info = info(command);
            match command.kind {
                ActionKind::Send => quote!(send(#info)),
                ActionKind::Query => quote!(query(#info)),
            }
        }
        Action::Run(Run { saga, .. }) => {
            quote_spanned!(saga.span()=> new(#runtime::Action::Run(<#saga as #runtime::Saga>::DEFINITION)))
        }
        Action::Sleep(duration) => {
            let duration = span(duration);
            quote!(new(#runtime::Action::Sleep(#duration)))
        }
        Action::Wait => quote!(new(#runtime::Action::Wait)),
        Action::Nothing => quote!(new(#runtime::Action::Nothing)),
    };
    let arms = exchange.arms.iter().map(arm);
    let arms = (!exchange.arms.is_empty()).then(|| quote!(.arms(&[#(#arms),*])));
    let within = with("within", exchange.within.as_ref().map(span));
    let retry = exchange.retry.as_ref().map(|retry| {
        let (times, every, at_most) = (phrase_text(&retry.times), span(&retry.every), span(&retry.at_most));
        quote!(#runtime::Retry { times: #times, every: #every, at_most: #at_most })
    });
    let retry = with("retry", retry);
    quote!(#runtime::Exchange::#action #arms #within #retry)
}

fn arm(arm: &Arm) -> TokenStream {
    let runtime = paths::here();
    let taken = match &arm.outcome {
        Outcome::Event(taken, pattern) => {
            let (pattern, events) = (&pattern.text, taken.iter().map(|taken| taken.variant.to_string()));
            quote!(#runtime::event(#pattern, &[#(#events),*]))
        }
        Outcome::Refused(_, pattern, _) => outcome("Refused", &pattern.text),
        Outcome::Failed(pattern) => outcome("Failed", &pattern.text),
        Outcome::Handled => quote!(#runtime::ArmOutcome::Handled),
        Outcome::Timeout => quote!(#runtime::ArmOutcome::Timeout),
        Outcome::Disconnected => quote!(#runtime::ArmOutcome::Disconnected),
    };
    let disposition = match &arm.disposition {
        Disposition::Value(value) => with("value", Some(phrase_text(value))),
        Disposition::Fail(reason) => with("fail", Some(phrase_text(reason))),
        Disposition::Retry => Some(quote!(.retry())),
    };
    let guard = with("when", arm.guard.as_ref().map(phrase_text));
    let correlations = arm.correlations.iter().map(|(name, value)| {
        let (name, value) = (text::of_name(name), phrase_text(value));
        quote!(#runtime::Correlation { name: #name, value: #value })
    });
    let correlated = (!arm.correlations.is_empty()).then(|| quote!(.correlated(&[#(#correlations),*])));
    quote!(#taken #disposition #correlated #guard)
}

fn outcome(variant: &str, pattern: &str) -> TokenStream {
    let (runtime, variant) = (paths::here(), Ident::new(variant, Span::mixed_site()));
    quote!(#runtime::ArmOutcome::#variant(#pattern))
}

fn each(each: &Each) -> TokenStream {
    let (runtime, pattern, items) = (paths::here(), text::of(&each.pattern), phrase_text(&each.items));
    let at_once = match each.at_once {
        AtOnce::AtMost(most) => quote!(AtMost(#most)),
        AtOnce::All => quote!(All),
    };
    quote!(#runtime::Each { pattern: #pattern, items: #items, at_once: #runtime::AtOnce::#at_once })
}
