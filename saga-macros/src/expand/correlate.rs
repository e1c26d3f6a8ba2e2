//! Arms with `where`: `Saga::awaited`, `Saga::carried` and `Saga::heeds`, and what such an arm compares.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;

use super::transition::number;
use super::{Expansion, paths};
use crate::model::live::{Variant, Way};
use crate::model::{Arm, Exchange, Outcome, Pattern, Phrase, Shape};

/// The functions; none for a saga without such arms, of which the trait knows that nothing is awaited.
pub(super) fn functions(expansion: &Expansion<'_>) -> TokenStream {
    let arms: Vec<_> = correlated(expansion).collect();
    if arms.is_empty() {
        return TokenStream::new();
    }
    let (awaited, carried, heeds) = (awaited(&arms), carried(&arms), heeds(&arms));
    quote!(#awaited #carried #heeds)
}

/// Whether an exchange has such an arm.
pub(super) fn has_any(exchange: &Exchange) -> bool {
    exchange.arms.iter().any(|arm| !arm.correlations.is_empty())
}

/// The variable for what the pair with this number is compared with.
pub(super) fn compared(arm: usize, pair: usize) -> Ident {
    format_ident!("compared_{arm}_{pair}", span = Span::mixed_site())
}

/// That what the pattern of an arm binds is what it is compared with.
pub(super) fn same(number: usize, arm: &Arm) -> TokenStream {
    let pairs = arm.correlations.iter().enumerate().map(|(pair, (name, value))| {
        let (check, mut compared) = (paths::check(name.span()), compared(number, pair));
        compared.set_span(value.expression.span().resolved_at(Span::mixed_site()));
        let compared = quote_spanned!(value.expression.span()=> &#compared);
        quote_spanned!(name.span()=> #check::carries(&#name, #check::key_of(&#name).writes(), #compared))
    });
    let pairs: Vec<_> = pairs.collect();
    quote!(#(#pairs)&&*)
}

/// An arm with `where`.
struct Correlated<'a> {
    expansion: &'a Expansion<'a>,
    step: usize,
    number: usize,
    arm: &'a Arm,
    pattern: &'a Pattern,
}

fn correlated<'a>(expansion: &'a Expansion<'a>) -> impl Iterator<Item = Correlated<'a>> {
    let steps = expansion.saga.steps.iter().enumerate();
    let arms = steps.flat_map(|(step, data)| {
        let arms = data.exchange.iter().flat_map(|exchange| &exchange.arms).enumerate();
        arms.map(move |(number, arm)| (step, number, arm))
    });
    arms.filter_map(move |(step, number, arm)| match &arm.outcome {
        Outcome::Event(_, pattern) if !arm.correlations.is_empty() => {
            Some(Correlated { expansion, step, number, arm, pattern })
        }
        _ => None,
    })
}

impl<'a> Correlated<'a> {
    /// What it compares with, and its condition.
    fn phrases(&self) -> impl Iterator<Item = &'a Phrase> + use<'a> {
        let compared = self.arm.correlations.iter().map(|(_, value)| value);
        compared.chain(&self.arm.guard)
    }

    /// Where what it compares with may be known, each with the slots that must be full for that.
    fn places(&self) -> impl Iterator<Item = (&'a Variant, Vec<Ident>)> {
        let forward = self.expansion.variants.iter().filter(|variant| variant.way == Way::Forward);
        forward.filter_map(|variant| Some((variant, self.slots(variant)?)))
    }

    fn slots(&self, variant: &Variant) -> Option<Vec<Ident>> {
        let saga = self.expansion.saga;
        let here = saga.place_of(self.step);
        if variant.place > here || (saga.steps[self.step].each.is_some() && variant.place != here) {
            return None;
        }
        let mut slots = Vec::new();
        for value in self.phrases().flat_map(Phrase::needs) {
            let field = variant.field(saga.keeper(value))?;
            let is_binding = saga.values[value].shape == Shape::Binding;
            let gathers = saga.values[value].step.is_some_and(|step| saga.place_of(step) == variant.place);
            if gathers && saga.values[value].shape.is_each() {
                return None;
            }
            let name = self.expansion.local(value);
            if field.slot && !is_binding && !slots.contains(&name) {
                slots.push(name);
            }
        }
        Some(slots)
    }

    /// The variant and what is needed of it.
    fn bound(&self, variant: &Variant) -> (TokenStream, TokenStream) {
        let (state, name) = (&self.expansion.state, &variant.name);
        let fields = self.expansion.bound(variant, self.phrases());
        let own = self.expansion.local(self.expansion.saga.steps[self.step].value);
        let item = self.expansion.item(self.step, &own, self.phrases());
        (quote!(#state::#name { #(#fields,)* .. }), item)
    }
}

fn awaited(arms: &[Correlated<'_>]) -> TokenStream {
    let runtime = paths::here();
    let cases = arms.iter().flat_map(|arm| {
        let (step, number) = (number(arm.step), number(arm.number));
        arm.places().map(move |(variant, slots)| {
            let (pattern, item) = arm.bound(variant);
            let keys = arm.arm.correlations.iter().map(|(_, value)| key(arm.expansion, variant, value));
            let runtime = paths::here();
            quote! {
                (#pattern, #runtime::Mode::Forward, #step, #number) => {
                    #(if !#runtime::Slot::is_full(#slots) { return ::core::option::Option::None; })*
                    #item
                    ::core::option::Option::Some(#runtime::together(::std::vec::Vec::from([#(#keys),*])))
                }
            }
        })
    });
    quote_spanned! {Span::mixed_site()=>
        fn awaited(
            state: &Self::State,
            at: #runtime::At,
            arm: u16,
            given_cause: ::core::option::Option<&#runtime::Cause>,
        ) -> ::core::option::Option<#runtime::Key> {
            use #runtime::check::NoKey as _;
            match (state, at.mode, at.step, arm) {
                #(#cases)*
                _ => ::core::option::Option::None,
            }
        }
    }
}

/// The key of what is compared. What its type lacks is told there (L23).
fn key(expansion: &Expansion<'_>, variant: &Variant, value: &Phrase) -> TokenStream {
    let span = value.expression.span();
    let (check, name) = (paths::check(span), format_ident!("value", span = Span::mixed_site()));
    let of = format_ident!("of", span = Span::mixed_site());
    let owned = expansion.owned(value, &variant.fields, None);
    quote_spanned! {span=> {
        let #name = #owned;
        let #of = #check::key_of(&#name);
        #check::compared_key(&#name, (#of.is_eq(), #of.is_hash(), #of.writes()))
    }}
}

fn carried(arms: &[Correlated<'_>]) -> TokenStream {
    let runtime = paths::here();
    let cases = arms.iter().map(|arm| {
        let (step, number, pattern) = (number(arm.step), number(arm.number), &arm.pattern.tokens);
        let keys = arm.arm.correlations.iter().map(|(name, _)| {
            let check = paths::check(name.span());
            quote_spanned!(name.span()=> #check::carried_key(&#name, #check::key_of(&#name).writes())?)
        });
        quote_spanned! {Span::mixed_site()=>
            (#step, #runtime::Mode::Forward, #number) => match ::core::clone::Clone::clone(event) {
                #pattern => ::core::option::Option::Some(#runtime::together(::std::vec::Vec::from([#(#keys),*]))),
                _ => ::core::option::Option::None,
            },
        }
    });
    quote_spanned! {Span::mixed_site()=>
        #[allow(unused_variables, reason = "only what is compared is used")]
        fn carried(
            step: u16,
            mode: #runtime::Mode,
            arm: u16,
            event: &#runtime::EventOf<Self::Bus>,
        ) -> ::core::option::Option<#runtime::Key> {
            use #runtime::check::NoKey as _;
            match (step, mode, arm) {
                #(#cases)*
                _ => ::core::option::Option::None,
            }
        }
    }
}

fn heeds(arms: &[Correlated<'_>]) -> TokenStream {
    let runtime = paths::here();
    let cases = arms.iter().flat_map(|arm| arm.places().map(move |(variant, _)| heeds_at(arm, variant)));
    quote_spanned! {Span::mixed_site()=>
        #[allow(unused_variables, reason = "only what is compared is used")]
        fn heeds(
            state: &Self::State,
            at: #runtime::At,
            arm: u16,
            given_cause: ::core::option::Option<&#runtime::Cause>,
            event: &#runtime::EventOf<Self::Bus>,
        ) -> bool {
            use #runtime::check::NoKey as _;
            match (state, at.mode, at.step, arm) {
                #(#cases)*
                _ => false,
            }
        }
    }
}

fn heeds_at(arm: &Correlated<'_>, variant: &Variant) -> TokenStream {
    let runtime = paths::here();
    let (step, number) = (number(arm.step), number(arm.number));
    let (pattern, item) = arm.bound(variant);
    let compared = values(arm.expansion, variant, arm.number, arm.arm);
    let same = same(arm.number, arm.arm);
    let guard = arm.arm.guard.as_ref().map(|guard| {
        let guard = arm.expansion.owned(guard, &variant.fields, Some(&quote!(bool)));
        quote!(&& #guard)
    });
    let event = &arm.pattern.tokens;
    quote_spanned! {Span::mixed_site()=>
        (#pattern, #runtime::Mode::Forward, #step, #number) => {
            #item
            #compared
            match ::core::clone::Clone::clone(event) {
                #event if #same #guard => true,
                _ => false,
            }
        }
    }
}

/// What an arm compares with, evaluated before its pattern is matched: no name of the pattern hides one of the saga's.
pub(super) fn values(expansion: &Expansion<'_>, variant: &Variant, number: usize, arm: &Arm) -> TokenStream {
    let values = arm.correlations.iter().enumerate().map(|(pair, (_, value))| {
        let (name, owned) = (compared(number, pair), expansion.owned(value, &variant.fields, None));
        quote_spanned!(value.expression.span()=> let #name = #owned;)
    });
    values.collect()
}
