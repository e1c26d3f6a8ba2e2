//! `Saga::answer`: what the arms say.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;

use super::transition::number;
use super::{Expansion, paths};
use crate::model::live::{Field, Variant, Way};
use crate::model::{Action, Arm, Disposition, Exchange, Outcome, Pattern, Run, Step};

/// The function.
///
/// A compensation of one command has no arms: handled is undone, and the machine knows the rest.
pub(super) fn answer(expansion: &Expansion<'_>) -> TokenStream {
    let runtime = paths::here();
    let variants = expansion.variants.iter().filter(|variant| variant.way == Way::Forward);
    let arms = variants.flat_map(|variant| {
        let steps = &expansion.saga.places[variant.place].steps;
        steps.iter().filter_map(|step| step_answer(expansion, variant, *step))
    });
    quote_spanned! {Span::mixed_site()=>
        fn answer(
            state: &mut Self::State,
            at: #runtime::At,
            given_cause: ::core::option::Option<&#runtime::Cause>,
            heard: #runtime::Heard<'_, Self::Bus>,
        ) -> #runtime::Verdict {
            match (state, at.mode, at.step) {
                #(#arms)*
                _ => #runtime::Verdict::NoArm,
            }
        }
    }
}

fn step_answer(expansion: &Expansion<'_>, variant: &Variant, index: usize) -> Option<TokenStream> {
    let step = &expansion.saga.steps[index];
    let exchange = step.exchange.as_ref()?;
    let answer = Answer { expansion, step, fields: &variant.fields, slot: slot() };
    let runtime = paths::here();
    let (state, name, number) = (&expansion.state, &variant.name, number(index));
    let phrases = exchange.arms.iter().flat_map(|arm| arm.guard.iter().chain(arm.disposition.phrase()));
    let phrases: Vec<_> = phrases.collect();
    let fields = expansion.bound(variant, phrases.iter().copied());
    let fields: Vec<_> = fields.into_iter().filter(|field| *field != expansion.local(step.value)).collect();
    let item = expansion.item(index, &slot(), phrases.into_iter());
    let (own, slot) = (expansion.local(step.value), slot());
    let arms = answer.heard(exchange);
    Some(quote_spanned! {Span::mixed_site()=>
        (#state::#name { #(#fields,)* #own: #slot, .. }, #runtime::Mode::Forward, #number) => {
            #item
            match #runtime::said(&heard) {
                #(#arms)*
                _ => #runtime::Verdict::NoArm,
            }
        }
    })
}

fn slot() -> Ident {
    format_ident!("slot", span = Span::mixed_site())
}

/// The arms of one step.
struct Answer<'a> {
    expansion: &'a Expansion<'a>,
    step: &'a Step,
    fields: &'a [Field],
    slot: Ident,
}

impl Answer<'_> {
    fn heard(&self, exchange: &Exchange) -> Vec<TokenStream> {
        let mut arms: Vec<_> = exchange.arms.iter().map(|arm| self.arm(arm)).collect();
        if exchange.arms.iter().all(|arm| !matches!(arm.outcome, Outcome::Event(..) | Outcome::Handled)) {
            arms.push(self.done());
        }
        arms
    }

    fn arm(&self, arm: &Arm) -> TokenStream {
        let runtime = paths::here();
        let said = match &arm.outcome {
            Outcome::Event(_, Pattern { tokens, .. }) => quote!(Event(#tokens)),
            Outcome::Refused(_, Pattern { tokens, .. }, _) => quote!(Refused(#tokens)),
            Outcome::Failed(Pattern { tokens, .. }) => quote!(Failed(#tokens)),
            Outcome::Handled if self.run().is_some() => quote!(Completed(_)),
            Outcome::Handled => quote!(Handled),
            Outcome::Timeout => quote!(Timeout),
            Outcome::Disconnected => quote!(Disconnected),
        };
        let (guard, verdict) = (self.guard(arm), self.verdict(&arm.disposition));
        quote!(#runtime::Said::#said #guard => #verdict,)
    }

    /// What the step runs, if it runs another saga.
    fn run(&self) -> Option<&Run> {
        match &self.step.exchange.as_ref()?.action {
            Action::Run(run) => Some(run),
            Action::Command(_) | Action::Sleep(_) | Action::Wait | Action::Nothing => None,
        }
    }

    /// The output of the saga that the step runs is that of the step, unless the step has none.
    fn completed(&self, run: &Run) -> TokenStream {
        let (runtime, slot, saga) = (paths::here(), &self.slot, &run.saga);
        let output = format_ident!("output", span = Span::mixed_site());
        let value = format_ident!("value", span = Span::mixed_site());
        let (ty, done) =
            (self.expansion.ty(self.step.value), self.expansion.ended(self.step.value, slot, &quote!(#value)));
        let given = if self.step.output.is_some() {
            let runtime = paths::runtime(saga.span());
            quote_spanned!(saga.span()=> #runtime::completed::<#saga>(&#output))
        } else {
            quote!(())
        };
        quote!(#runtime::Said::Completed(#output) => { let #value: #ty = #given; #done })
    }

    /// *Handled* ends a step that awaits nothing else, with `()`.
    fn done(&self) -> TokenStream {
        let (runtime, slot) = (paths::here(), &self.slot);
        if let Some(run) = self.run() {
            return self.completed(run);
        }
        let unit = self.step.output.as_ref().is_none_or(crate::check::is_unit);
        let value = if unit { quote!(()) } else { quote!(#runtime::hole()) };
        let done = self.expansion.ended(self.step.value, slot, &value);
        quote!(#runtime::Said::Handled => #done,)
    }

    fn guard(&self, arm: &Arm) -> Option<TokenStream> {
        let guard = arm.guard.as_ref()?;
        let guard = if guard.mentions.is_empty() && guard.holes.is_empty() {
            let expression = &guard.expression;
            quote!(#expression)
        } else {
            self.expansion.owned(guard, self.fields, Some(&quote!(bool)))
        };
        Some(quote!(if #guard))
    }

    fn verdict(&self, disposition: &Disposition) -> TokenStream {
        let (runtime, slot, own) = (paths::here(), &self.slot, self.step.value);
        match disposition {
            Disposition::Value(value) => {
                let ty = self.expansion.ty(self.step.value).into_token_stream();
                self.expansion.owned_for(value, self.fields, &ty, |value| {
                    self.expansion.ended(own, slot, &value.to_token_stream())
                })
            }
            Disposition::Fail(reason) => {
                let (span, runtime) = (reason.expression.span(), paths::runtime(reason.expression.span()));
                let reason = self.expansion.owned(reason, self.fields, None);
                quote_spanned!(span=> #runtime::fail(#reason))
            }
            Disposition::Retry => quote!(#runtime::Verdict::Retry),
        }
    }
}
