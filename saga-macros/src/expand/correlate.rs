//! Arms with `where`: `Saga::awaited`, `Saga::carried` and `Saga::heeds`, and what such an arm compares.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;

use super::transition::number;
use super::{Expansion, paths};
use crate::aliases::Enum;
use crate::model::live::{Field, Variant, Way};
use crate::model::{Arm, Exchange, Outcome, Pattern, Phrase, Shape, ValueId};

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
    /// Where its `await` stands: in a step, in what undoes one, or in a step that runs on every way out.
    way: Way,
    step: usize,
    number: usize,
    arm: &'a Arm,
    pattern: &'a Pattern,
}

fn correlated<'a>(expansion: &'a Expansion<'a>) -> impl Iterator<Item = Correlated<'a>> {
    let steps = expansion.saga.steps.iter().enumerate();
    let exchanges = steps.flat_map(|(step, data)| {
        let way = if data.is_forward() { Way::Forward } else { Way::Finally };
        let undo = data.compensation.exchange().map(|exchange| (Way::Back, step, exchange));
        data.exchange.as_ref().map(|exchange| (way, step, exchange)).into_iter().chain(undo)
    });
    let arms = exchanges.flat_map(|(way, step, exchange)| {
        exchange.arms.iter().enumerate().map(move |(number, arm)| (way, step, number, arm))
    });
    arms.filter_map(move |(way, step, number, arm)| match &arm.outcome {
        Outcome::Event(_, pattern) if !arm.correlations.is_empty() => {
            Some(Correlated { expansion, way, step, number, arm, pattern })
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

    /// Where what it compares with may be known, each with the conditions for that. Of what undoes a step, or runs on
    /// every way out, that is one place: the state is asked as it will be there.
    fn places(&self) -> impl Iterator<Item = (&'a Variant, Vec<TokenStream>)> {
        let variants = self.expansion.variants.iter().filter(|variant| variant.way == self.way);
        variants.filter_map(|variant| match self.way {
            Way::Forward => Some((variant, self.slots(variant)?)),
            Way::Back | Way::Finally => {
                let is_there = variant.steps(self.expansion.saga).contains(&self.step);
                is_there.then(|| (variant, self.known(variant)))
            }
        })
    }

    /// What must be there before the arm of a compensation, or of a step that runs on every way out, is armed.
    fn known(&self, variant: &Variant) -> Vec<TokenStream> {
        let runtime = paths::here();
        let saga = self.expansion.saga;
        let own = saga.steps[self.step].value;
        let is_open = |value: &ValueId| match self.way {
            Way::Back => *value == own,
            Way::Forward | Way::Finally => saga.values[*value].step.is_some() && *value != own,
        };
        let mut values: Vec<_> = self.phrases().flat_map(Phrase::needs).filter(is_open).collect();
        values.sort_unstable();
        values.dedup();
        let values = values.into_iter().filter_map(|value| Some((variant.field(value)?, self.expansion.local(value))));
        let values = values.filter_map(|(field, name)| match saga.values[field.value].shape {
            Shape::Binding => None,
            Shape::Plain | Shape::When => Some(quote!(#runtime::Slot::is_full(#name))),
            Shape::Each | Shape::EachWhen if self.way == Way::Back => {
                let at = Ident::new("at", Span::mixed_site());
                Some(quote!(#runtime::has_output(#name, #at)))
            }
            Shape::Each | Shape::EachWhen => Some(quote!(#runtime::is_over(#name))),
        });
        let cause = Ident::new("given_cause", Span::mixed_site());
        let cause = self.phrases().any(|phrase| phrase.cause.is_some()).then(|| quote!(#cause.is_some()));
        values.chain(cause).collect()
    }

    fn slots(&self, variant: &Variant) -> Option<Vec<TokenStream>> {
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
        let runtime = paths::here();
        Some(slots.into_iter().map(|slot| quote!(#runtime::Slot::is_full(#slot))).collect())
    }

    /// The fields of the variant, as its phrases see them.
    fn fields(&self, variant: &Variant) -> Vec<Field> {
        let own = self.expansion.saga.steps[self.step].value;
        let one = |field: &Field| Field { one: self.way == Way::Back && field.value == own, ..*field };
        variant.fields.iter().map(one).collect()
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

/// What is said of an arm where it stands: of any state on the way forward; of what undoes a step, or runs on every way
/// out, in the state as it will be there.
fn by_way(
    arms: &[Correlated<'_>],
    otherwise: &TokenStream,
    case: impl Fn(&Correlated<'_>) -> TokenStream,
) -> TokenStream {
    let runtime = paths::here();
    let cases = |way: Way| arms.iter().filter(move |arm| arm.way == way).map(&case).collect::<Vec<_>>();
    let (forward, back, last) = (cases(Way::Forward), cases(Way::Back), cases(Way::Finally));
    let seen = |mode: &TokenStream, state: &TokenStream, cases: &[TokenStream]| {
        (!cases.is_empty()).then(|| {
            quote_spanned! {Span::mixed_site()=>
                if let #runtime::Mode::#mode = at.mode {
                    #state
                    return match (&*state, at.step, arm) { #(#cases)* _ => #otherwise };
                }
            }
        })
    };
    let undoing = quote_spanned!(Span::mixed_site()=> let state = #runtime::undoing::<Self>(state, at.step););
    let finishing = quote_spanned! {Span::mixed_site()=>
        let (is_last, state) = #runtime::finishing::<Self>(state, at.step);
    };
    let back = seen(&quote!(Compensation), &undoing, &back);
    let last = seen(&quote!(Finally), &finishing, &last);
    quote_spanned! {Span::mixed_site()=>
        #back
        #last
        match (state, at.step, arm) { #(#forward)* _ => #otherwise }
    }
}

fn awaited(arms: &[Correlated<'_>]) -> TokenStream {
    let runtime = paths::here();
    let body = by_way(arms, &quote!(::core::option::Option::None), |arm| {
        arm.places().map(|(variant, known)| awaited_at(arm, variant, &known)).collect()
    });
    quote_spanned! {Span::mixed_site()=>
        fn awaited(
            state: &Self::State,
            at: #runtime::At,
            arm: u16,
            given_cause: ::core::option::Option<&#runtime::Cause>,
        ) -> ::core::option::Option<#runtime::Key> {
            use #runtime::check::NoKey as _;
            #body
        }
    }
}

fn awaited_at(arm: &Correlated<'_>, variant: &Variant, known: &[TokenStream]) -> TokenStream {
    let runtime = paths::here();
    let (step, number) = (number(arm.step), number(arm.number));
    let (pattern, item) = arm.bound(variant);
    let fields = arm.fields(variant);
    let (compared, alike) = (values(arm.expansion, &fields, arm.number, arm.arm), alike(arm));
    let keys = arm.arm.correlations.iter().enumerate().map(|(pair, (_, value))| key(arm.number, pair, value));
    let is_last = Ident::new("is_last", Span::mixed_site());
    let unless = (arm.way == Way::Finally).then(|| quote!(!#is_last &&));
    quote! {
        (#pattern, #step, #number) => {
            #(if #unless !#known { return ::core::option::Option::None; })*
            #item
            #compared
            #alike
            ::core::option::Option::Some(#runtime::together(::std::vec::Vec::from([#(#keys),*])))
        }
    }
}

/// Gives what is compared the types of what it is compared with, which may be all that says what `3` is.
fn alike(arm: &Correlated<'_>) -> TokenStream {
    let (runtime, events) = (paths::here(), Enum::Event.alias(Span::mixed_site()));
    let (event, same) = (&arm.pattern.tokens, same(arm.number, arm.arm));
    quote_spanned! {Span::mixed_site()=>
        if let ::core::option::Option::Some(#event) = #runtime::never::<#events>() {
            let _ = #same;
        }
    }
}

/// The key of what is compared. What its type lacks is told there (L23).
fn key(number: usize, pair: usize, value: &Phrase) -> TokenStream {
    let span = value.expression.span();
    let (check, compared) = (paths::check(span), compared(number, pair));
    // What is told of it is told at the expression only if its name is from there.
    let value = Ident::new("__value", span);
    quote_spanned!(span=> { let #value = &#compared; #check::IsCompared::key(#value) })
}

fn carried(arms: &[Correlated<'_>]) -> TokenStream {
    let runtime = paths::here();
    let cases = arms.iter().map(|arm| {
        let (step, number, pattern) = (number(arm.step), number(arm.number), &arm.pattern.tokens);
        let mode = match arm.way {
            Way::Forward => quote!(Forward),
            Way::Back => quote!(Compensation),
            Way::Finally => quote!(Finally),
        };
        let keys = arm.arm.correlations.iter().map(|(name, _)| {
            let check = paths::check(name.span());
            quote_spanned!(name.span()=> #check::carried_key(&#name, #check::key_of(&#name).writes())?)
        });
        quote_spanned! {Span::mixed_site()=>
            (#step, #runtime::Mode::#mode, #number) => match ::core::clone::Clone::clone(event) {
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
    let body = by_way(arms, &quote!(false), |arm| arm.places().map(|(variant, _)| heeds_at(arm, variant)).collect());
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
            #body
        }
    }
}

fn heeds_at(arm: &Correlated<'_>, variant: &Variant) -> TokenStream {
    let (step, number) = (number(arm.step), number(arm.number));
    let (pattern, item) = arm.bound(variant);
    let fields = arm.fields(variant);
    let compared = values(arm.expansion, &fields, arm.number, arm.arm);
    let same = same(arm.number, arm.arm);
    let guard = arm.arm.guard.as_ref().map(|guard| {
        let guard = arm.expansion.condition(guard, &fields);
        quote!(&& #guard)
    });
    let event = &arm.pattern.tokens;
    quote_spanned! {Span::mixed_site()=>
        (#pattern, #step, #number) => {
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
pub(super) fn values(expansion: &Expansion<'_>, fields: &[Field], number: usize, arm: &Arm) -> TokenStream {
    let values = arm.correlations.iter().enumerate().map(|(pair, (_, value))| {
        let (name, owned) = (compared(number, pair), expansion.owned(value, fields, None));
        quote_spanned!(value.expression.span()=> let #name = #owned;)
    });
    values.collect()
}
