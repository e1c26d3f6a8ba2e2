//! `Saga::answer`: what the arms say.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;

use super::correlate::{self, has_any};
use super::transition::number;
use super::{Expansion, paths};
use crate::model::live::{Field, Variant, Way};
use crate::model::{Action, Arm, Disposition, Exchange, Outcome, Pattern, Run, Step};

/// The function.
///
/// A compensation without arms is not here: handled is undone, and the machine knows the rest.
pub(super) fn answer(expansion: &Expansion<'_>) -> TokenStream {
    let runtime = paths::here();
    let (back, others): (Vec<_>, Vec<_>) = expansion.variants.iter().partition(|variant| variant.way == Way::Back);
    let of = |variant: &'_ Variant| variant.steps(expansion.saga).to_vec();
    let arms = others
        .into_iter()
        .flat_map(|variant| of(variant).into_iter().filter_map(move |step| step_answer(expansion, variant, step)));
    let undone = back
        .into_iter()
        .flat_map(|variant| of(variant).into_iter().filter_map(move |step| undo_answer(expansion, variant, step)));
    let undone: Vec<_> = undone.collect();
    let undone = (!undone.is_empty()).then(|| {
        quote_spanned! {Span::mixed_site()=>
            if let #runtime::Mode::Compensation = at.mode {
                let state = #runtime::undoing::<Self>(state, at.step);
                return match (&*state, at.step) {
                    #(#undone)*
                    _ => #runtime::Verdict::NoArm,
                };
            }
        }
    });
    quote_spanned! {Span::mixed_site()=>
        fn answer(
            state: &mut Self::State,
            at: #runtime::At,
            given_cause: ::core::option::Option<&#runtime::Cause>,
            heard: #runtime::Heard<'_, Self::Bus>,
        ) -> #runtime::Verdict {
            let said = #runtime::said(&heard);
            #undone
            match (state, at.mode, at.step) {
                #(#arms)*
                _ => #runtime::Verdict::NoArm,
            }
        }
    }
}

/// What the arms of a block of compensation say: nothing is left in the state.
fn undo_answer(expansion: &Expansion<'_>, variant: &Variant, index: usize) -> Option<TokenStream> {
    let step = &expansion.saga.steps[index];
    let exchange = step.compensation.exchange().filter(|exchange| !exchange.arms.is_empty())?;
    let known: Vec<_> = variant.fields.iter().map(|field| Field { one: field.value == step.value, ..*field }).collect();
    let answer = Answer { expansion, step, fields: &known, slot: None, is_mixed: has_any(exchange) };
    let (runtime, state, name, number) = (paths::here(), &expansion.state, &variant.name, number(index));
    let phrases: Vec<_> = exchange.arms.iter().flat_map(Arm::phrases).collect();
    let fields = expansion.bound(variant, phrases.iter().copied());
    let item = expansion.item(index, &expansion.local(step.value), phrases.into_iter());
    let arms = exchange.arms.iter().enumerate().map(|(number, arm)| answer.arm(number, arm));
    let compared = answer.compared(exchange);
    Some(quote_spanned! {Span::mixed_site()=>
        (#state::#name { #(#fields,)* .. }, #number) => {
            #item
            #compared
            match said {
                #(#arms)*
                _ => #runtime::Verdict::NoArm,
            }
        }
    })
}

fn step_answer(expansion: &Expansion<'_>, variant: &Variant, index: usize) -> Option<TokenStream> {
    let step = &expansion.saga.steps[index];
    let exchange = step.exchange.as_ref()?;
    let is_mixed = has_any(exchange);
    let answer = Answer { expansion, step, fields: &variant.fields, slot: Some(slot()), is_mixed };
    let runtime = paths::here();
    let (state, name, number) = (&expansion.state, &variant.name, number(index));
    let mode = if step.is_forward() { quote!(Forward) } else { quote!(Finally) };
    let phrases: Vec<_> = exchange.arms.iter().flat_map(Arm::phrases).collect();
    let fields = expansion.bound(variant, phrases.iter().copied());
    let fields: Vec<_> = fields.into_iter().filter(|field| *field != expansion.local(step.value)).collect();
    let item = expansion.item(index, &slot(), phrases.into_iter());
    let (own, slot) = (expansion.local(step.value), slot());
    let arms = answer.heard(exchange);
    let compared = answer.compared(exchange);
    Some(quote_spanned! {Span::mixed_site()=>
        (#state::#name { #(#fields,)* #own: #slot, .. }, #runtime::Mode::#mode, #number) => {
            #item
            #compared
            match said {
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
    /// Where the output goes; none in a compensation, which has none.
    slot: Option<Ident>,
    /// Whether some of them take events of anyone.
    is_mixed: bool,
}

impl Answer<'_> {
    fn heard(&self, exchange: &Exchange) -> Vec<TokenStream> {
        let mut arms: Vec<_> = exchange.arms.iter().enumerate().map(|(number, arm)| self.arm(number, arm)).collect();
        let only_of_others = matches!(exchange.action, Action::Run(_) | Action::Sleep(_));
        let ends = |arm: &Arm| match arm.outcome {
            Outcome::Handled => true,
            Outcome::Event(..) => !only_of_others,
            Outcome::Refused(..) | Outcome::Failed(_) | Outcome::Timeout | Outcome::Disconnected => false,
        };
        if !exchange.arms.iter().any(ends) {
            arms.push(self.done());
        }
        arms
    }

    fn arm(&self, number: usize, arm: &Arm) -> TokenStream {
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
        let (guard, verdict) = (self.condition(number, arm), self.verdict(&arm.disposition));
        quote!(#runtime::Said::#said #guard => #verdict,)
    }

    /// What the step runs, if it runs another saga; what undoes it runs none.
    fn run(&self) -> Option<&Run> {
        self.slot.as_ref()?;
        match &self.step.exchange.as_ref()?.action {
            Action::Run(run) => Some(run),
            Action::Command(_) | Action::Sleep(_) | Action::Wait | Action::Nothing => None,
        }
    }

    /// The output of the saga that the step runs is that of the step, unless the step has none.
    fn completed(&self, run: &Run) -> TokenStream {
        let (runtime, saga) = (paths::here(), &run.saga);
        let output = format_ident!("output", span = Span::mixed_site());
        let value = format_ident!("value", span = Span::mixed_site());
        let (ty, done) = (self.expansion.ty(self.step.value), self.ended(&quote!(#value)));
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
        let runtime = paths::here();
        if let Some(run) = self.run() {
            return self.completed(run);
        }
        let unit = self.step.output.as_ref().is_none_or(crate::check::is_unit);
        let value = if unit { quote!(()) } else { quote!(#runtime::hole()) };
        let done = self.ended(&value);
        quote!(#runtime::Said::Handled => #done,)
    }

    fn ended(&self, value: &TokenStream) -> TokenStream {
        let runtime = paths::here();
        match &self.slot {
            Some(slot) => self.expansion.ended(self.step.value, slot, value),
            None => quote!(#runtime::undone(#value)),
        }
    }

    /// What arms with `where` compare with.
    fn compared(&self, exchange: &Exchange) -> Option<TokenStream> {
        let runtime = paths::here();
        let arms = exchange.arms.iter().enumerate();
        let compared = arms.map(|(number, arm)| correlate::values(self.expansion, self.fields, number, arm));
        self.is_mixed.then(|| {
            quote_spanned! {Span::mixed_site()=>
                use #runtime::check::NoKey as _;
                #(#compared)*
            }
        })
    }

    /// An event of anyone is only for arms with `where`.
    fn condition(&self, number: usize, arm: &Arm) -> Option<TokenStream> {
        let first = match &arm.outcome {
            _ if !arm.correlations.is_empty() => correlate::same(number, arm),
            Outcome::Event(..) if self.is_mixed => {
                let (runtime, heard) = (paths::here(), Ident::new("heard", Span::mixed_site()));
                quote!(#runtime::is_own(&#heard))
            }
            _ => return self.guard(arm).map(|guard| quote!(if #guard)),
        };
        let guard = arm.guard.as_ref().map(|guard| {
            let guard = self.expansion.condition(guard, self.fields);
            quote!(&& #guard)
        });
        Some(quote!(if #first #guard))
    }

    fn guard(&self, arm: &Arm) -> Option<TokenStream> {
        let guard = arm.guard.as_ref()?;
        let guard = if guard.mentions.is_empty() && guard.holes.is_empty() {
            let expression = &guard.expression;
            quote!(#expression)
        } else {
            self.expansion.condition(guard, self.fields)
        };
        Some(guard)
    }

    fn verdict(&self, disposition: &Disposition) -> TokenStream {
        let runtime = paths::here();
        match disposition {
            Disposition::Value(value) => {
                let ty = match self.slot {
                    Some(_) => self.expansion.ty(self.step.value).into_token_stream(),
                    None => quote!(_),
                };
                self.expansion.owned_for(value, self.fields, &ty, |value| self.ended(&value.to_token_stream()))
            }
            Disposition::Fail(reason) => {
                let (span, runtime) = (reason.expression.span(), paths::runtime(reason.expression.span()));
                self.expansion.lent(reason, self.fields, |reason| quote_spanned!(span=> #runtime::fail(#reason)))
            }
            Disposition::Retry => quote!(#runtime::Verdict::Retry),
        }
    }
}
