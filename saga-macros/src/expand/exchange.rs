//! `Saga::exchange`: what is said, and its times.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};

use syn::spanned::Spanned as _;

use super::transition::number;
use super::{Expansion, definition, paths};
use crate::aliases::Enum;
use crate::model::live::{Field, Variant, Way};
use crate::model::{Action, Duration, Exchange, Phrase, Run};

/// The function.
pub(super) fn exchange(expansion: &Expansion<'_>) -> TokenStream {
    let runtime = paths::here();
    let forward = arms(expansion, Way::Forward);
    let back = arms(expansion, Way::Back);
    let undo = (!back.is_empty()).then(|| {
        quote_spanned! {Span::mixed_site()=>
            if let #runtime::Mode::Compensation = at.mode {
                let state = #runtime::undoing::<Self>(state, at.step);
                return match (&*state, at.step) {
                    #(#back)*
                    _ => #runtime::misplaced("exchange"),
                };
            }
        }
    });
    quote_spanned! {Span::mixed_site()=>
        fn exchange(
            state: &Self::State,
            at: #runtime::At,
            given_cause: ::core::option::Option<&#runtime::Cause>,
        ) -> #runtime::ExchangePlan<Self::Bus> {
            #undo
            match (state, at.step) {
                #(#forward)*
                _ => #runtime::misplaced("exchange"),
            }
        }
    }
}

fn arms(expansion: &Expansion<'_>, way: Way) -> Vec<TokenStream> {
    let variants = expansion.variants.iter().filter(|variant| (variant.way == Way::Back) == (way == Way::Back));
    let steps = variants.flat_map(|variant| variant.steps(expansion.saga).iter().map(move |step| (variant, *step)));
    let exchanges = steps.filter_map(|(variant, index)| {
        let step = &expansion.saga.steps[index];
        let exchange = match way {
            Way::Forward | Way::Finally => step.exchange.as_ref(),
            Way::Back => step.compensation.exchange(),
        };
        exchange.map(|exchange| arm(expansion, variant, index, exchange))
    });
    exchanges.collect()
}

fn arm(expansion: &Expansion<'_>, variant: &Variant, step: usize, exchange: &Exchange) -> TokenStream {
    let fields = expansion.bound(variant, exchange.phrases());
    let item = expansion.item(step, &expansion.local(expansion.saga.steps[step].value), exchange.phrases());
    let own = expansion.saga.steps[step].value;
    let one = |field: &Field| Field { one: variant.way == Way::Back && field.value == own, ..*field };
    let known: Vec<_> = variant.fields.iter().map(one).collect();
    let (state, name, step) = (&expansion.state, &variant.name, number(step));
    let plan = plan(expansion, exchange, &known);
    if item.is_empty() {
        quote!((#state::#name { #(#fields,)* .. }, #step) => #plan,)
    } else {
        quote!((#state::#name { #(#fields,)* .. }, #step) => { #item #plan })
    }
}

fn plan(expansion: &Expansion<'_>, exchange: &Exchange, fields: &[Field]) -> TokenStream {
    let runtime = paths::here();
    let within = exchange.within.as_ref().map(|within| {
        let within = expansion.duration(within, fields);
        quote!(.within(#within))
    });
    let retry = exchange.retry.as_ref().map(|retry| {
        let times = expansion.owned(&retry.times, fields, Some(&quote_spanned!(retry.times.expression.span()=> u32)));
        let (every, at_most) = (expansion.duration(&retry.every, fields), expansion.duration(&retry.at_most, fields));
        quote!(.retry(#times, #every, #at_most))
    });
    match &exchange.action {
        Action::Command(command) => {
            let ty = Enum::Command.alias(Span::mixed_site()).into_token_stream();
            let made = |command: &_| quote!(#runtime::plan::<Self>(#command)#within #retry);
            expansion.owned_for(&command.command, fields, &ty, made)
        }
        Action::Run(Run { saga, input, .. }) => {
            let made = |input: &_| quote!(#runtime::run::<Self, #saga>(#input)#within #retry);
            expansion.owned_for(input, fields, &saga.to_token_stream(), made)
        }
        Action::Sleep(duration) => {
            let duration = expansion.duration(duration, fields);
            quote!(#runtime::sleep::<Self>(#duration)#within #retry)
        }
        Action::Wait | Action::Nothing => quote!(#runtime::wait::<Self>()#within #retry),
    }
}

impl Expansion<'_> {
    /// A duration as an expression.
    pub(super) fn duration(&self, duration: &Duration, fields: &[Field]) -> TokenStream {
        match duration {
            Duration::Literal { span, duration } => {
                let (millis, runtime) = (definition::millis(*duration), paths::runtime(*span));
                quote_spanned!(*span=> #runtime::millis(#millis))
            }
            Duration::Computed(phrase) => {
                self.owned(phrase, fields, Some(&quote_spanned!(phrase.expression.span()=> ::core::time::Duration)))
            }
        }
    }

    /// The fields of a variant that these phrases need, as names to bind.
    pub(super) fn bound<'p>(
        &self,
        variant: &Variant,
        phrases: impl Iterator<Item = &'p Phrase>,
    ) -> Vec<proc_macro2::Ident> {
        let needed = phrases.flat_map(Phrase::needs).map(|value| self.saga.keeper(value));
        let needed: std::collections::BTreeSet<_> = needed.collect();
        let fields = variant.fields.iter().filter(|field| needed.contains(&field.value));
        fields.map(|field| self.local(field.value)).collect()
    }
}
