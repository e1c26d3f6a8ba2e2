//! `impl Saga`: where the saga begins, goes on, goes back and ends.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};

use syn::spanned::Spanned as _;

use super::{Expansion, answer, correlate, definition, each, exchange, paths, required};
use crate::model::live::{Field, Variant, Way};
use crate::model::{Deadline, Duration, Phrase, ValueId};

/// The implementation; none for a saga without places, which is reported already.
pub(super) fn saga(expansion: &Expansion<'_>) -> TokenStream {
    if expansion.variants.is_empty() {
        return TokenStream::new();
    }
    let saga = expansion.saga;
    let (name, state, bus) = (&saga.name, &expansion.state, &saga.bus);
    let runtime = paths::here();
    let output = saga.output.as_ref().map_or_else(|| quote!(()), |output| quote!(#output));
    let kept = expansion.kept();
    let definition = definition::definition(expansion);
    let functions = [
        triggered_by(expansion),
        keys(expansion),
        deadline(expansion),
        begin(expansion),
        position(expansion),
        required::required(expansion),
        each::exchanges(expansion),
        exchange::exchange(expansion),
        answer::answer(expansion),
        correlate::functions(expansion),
        forward(expansion),
        back(expansion),
        finish(expansion),
        self::output(expansion),
    ];
    let bus_type = quote_spanned!(bus.span()=> type Bus = #bus;);
    let output_type = quote_spanned!(output.span()=> type Output = #output;);
    quote! {
        impl #runtime::Saga for #name #kept {
            #bus_type
            #output_type
            type State = #state;
            const DEFINITION: &'static #runtime::Definition = &#definition;
            #(#functions)*
        }
    }
}

fn triggered_by(expansion: &Expansion<'_>) -> TokenStream {
    let runtime = paths::here();
    let arms = expansion.saga.triggers.iter().map(|trigger| {
        let pattern = &trigger.pattern.tokens;
        let guard = trigger.guard.as_ref().map(|guard| quote!(if #guard));
        let bindings = trigger.bindings.iter().map(|(name, value)| quote!(#name: #value));
        quote!(#pattern #guard => ::core::option::Option::Some(Self { #(#bindings),* }),)
    });
    let body = if expansion.saga.triggers.is_empty() {
        quote!(::core::option::Option::None)
    } else {
        quote_spanned!(Span::mixed_site()=> match ::core::clone::Clone::clone(event) {
            #(#arms)*
            _ => ::core::option::Option::None,
        })
    };
    quote_spanned! {Span::mixed_site()=>
        fn triggered_by(event: &#runtime::EventOf<Self::Bus>) -> ::core::option::Option<Self> { #body }
    }
}

/// The keys that `per` names; without it there are none, which the trait says.
fn keys(expansion: &Expansion<'_>) -> TokenStream {
    let keys = expansion.saga.concurrency.iter().flat_map(|concurrency| &concurrency.keys);
    let keys: Vec<_> = keys.map(|key| self::key(expansion, key)).collect();
    if keys.is_empty() {
        return TokenStream::new();
    }
    let (runtime, fields) = (paths::here(), expansion.saga.parameters().map(|(id, _)| expansion.local(id)));
    quote! {
        fn keys(&self) -> ::std::vec::Vec<#runtime::Key> {
            let Self { #(#fields),* } = self;
            ::std::vec::Vec::from([#(#keys),*])
        }
    }
}

/// One key. Its type is that of the expression, and what it lacks is told there (L23).
fn key(expansion: &Expansion<'_>, key: &Phrase) -> TokenStream {
    let span = key.expression.span();
    let check = paths::check(span);
    // What is told of it is told at the expression only if its name is from there.
    let here = Ident::new("__value", span);
    // Made where the value is, so that it may borrow.
    let made = |value: &Ident| quote_spanned!(span=> let #here = &#value; #check::IsKey::key(#here));
    expansion.owned_for(key, &[], &quote_spanned!(span=> _), made)
}

fn deadline(expansion: &Expansion<'_>) -> TokenStream {
    let fields: Vec<_> = expansion.saga.parameters().map(|(id, _)| expansion.local(id)).collect();
    let body = match &expansion.saga.deadline {
        Some(Deadline::After(duration @ Duration::Literal { .. })) => {
            let duration = expansion.duration(duration, &[]);
            quote!(::core::option::Option::Some(#duration))
        }
        Some(Deadline::After(computed)) => {
            let duration = expansion.duration(computed, &[]);
            quote!(let Self { #(#fields),* } = self; ::core::option::Option::Some(#duration))
        }
        Some(Deadline::None { .. }) | None => quote!(::core::option::Option::None),
    };
    quote!(fn deadline(&self) -> ::core::option::Option<::core::time::Duration> { #body })
}

fn begin(expansion: &Expansion<'_>) -> TokenStream {
    let first = &expansion.variants[0];
    let fields = expansion.saga.parameters().map(|(id, _)| expansion.local(id));
    let state = expansion.made(first, |field| {
        let name = expansion.local(field.value);
        quote!(#name)
    });
    quote! {
        fn begin(self) -> Self::State {
            let Self { #(#fields),* } = self;
            #state
        }
    }
}

fn position(expansion: &Expansion<'_>) -> TokenStream {
    let (runtime, state) = (paths::here(), &expansion.state);
    let arms = expansion.variants.iter().map(|variant| {
        let (name, place) = (&variant.name, number(variant.place));
        let way = match variant.way {
            Way::Forward => format_ident!("Forward"),
            Way::Back => format_ident!("Compensating"),
            Way::Finally => format_ident!("Finally"),
        };
        quote!(#state::#name { .. } => #runtime::Position::#way(#place))
    });
    quote_spanned! {Span::mixed_site()=>
        fn position(state: &Self::State) -> #runtime::Position { match state { #(#arms),* } }
    }
}

fn forward(expansion: &Expansion<'_>) -> TokenStream {
    let runtime = paths::here();
    let ways: Vec<_> = expansion.variants.iter().filter(|variant| variant.way == Way::Forward).collect();
    let arms = ways.windows(2).map(|pair| expansion.moved(pair[0], pair[1]));
    quote_spanned! {Span::mixed_site()=>
        fn forward(state: Self::State) -> Self::State {
            match state {
                #(#arms)*
                _ => #runtime::misplaced("forward"),
            }
        }
    }
}

/// One place back at a time: from wherever the saga is to the undoing of the nearest place that can be undone.
fn back(expansion: &Expansion<'_>) -> TokenStream {
    let runtime = paths::here();
    let arms = expansion.variants.iter().filter_map(|variant| {
        if variant.way == Way::Finally {
            return None;
        }
        let there = |back: &&Variant| {
            back.way == Way::Back
                && (back.place < variant.place || (back.place == variant.place && variant.way == Way::Forward))
        };
        let to = expansion.variants.iter().rfind(there)?;
        Some(expansion.moved(variant, to))
    });
    let arms: Vec<_> = arms.collect();
    quote_spanned! {Span::mixed_site()=>
        fn back(state: Self::State, place: u16) -> Self::State {
            #runtime::back::<Self>(state, place, |state| match state {
                #(#arms)*
                _ => #runtime::misplaced("back"),
            })
        }
    }
}

/// From wherever the saga is to the first step that runs on every way out, and from each of them to the next; none for
/// a saga that has none.
fn finish(expansion: &Expansion<'_>) -> TokenStream {
    let runtime = paths::here();
    let last: Vec<_> = expansion.variants.iter().filter(|variant| variant.way == Way::Finally).collect();
    let Some(first) = last.first() else { return TokenStream::new() };
    let others = expansion.variants.iter().filter(|variant| variant.way != Way::Finally);
    let arms = others.map(|variant| expansion.moved(variant, first));
    let next = last.windows(2).map(|pair| expansion.moved(pair[0], pair[1]));
    let arms: Vec<_> = arms.chain(next).collect();
    quote_spanned! {Span::mixed_site()=>
        fn finish(state: Self::State, index: u16) -> Self::State {
            #runtime::finish::<Self>(state, index, |state| match state {
                #(#arms)*
                _ => #runtime::misplaced("finish"),
            })
        }
    }
}

fn output(expansion: &Expansion<'_>) -> TokenStream {
    let (state, runtime) = (&expansion.state, paths::here());
    let last = expansion.variants.iter().rfind(|variant| variant.way == Way::Forward);
    let (Some(last), Some(returns)) = (last, &expansion.saga.returns) else {
        let body = if expansion.saga.output.is_some() { quote!(#runtime::hole()) } else { quote!() };
        return quote_spanned!(Span::mixed_site()=> fn output(state: &Self::State) -> Self::Output { #body });
    };
    let fields = last.fields.iter().map(|field| expansion.local(field.value));
    let ty = expansion.saga.output.as_ref().map(|output| quote!(#output));
    let (name, value) = (&last.name, expansion.owned(returns, &last.fields, ty.as_ref()));
    let rest = if expansion.variants.len() > 1 { quote!(_ => #runtime::misplaced("output"),) } else { quote!() };
    quote_spanned! {Span::mixed_site()=>
        fn output(state: &Self::State) -> Self::Output {
            match state {
                #state::#name { #(#fields),* } => #value,
                #rest
            }
        }
    }
}

/// The number of a place or a step, as the runtime counts.
pub(super) fn number(index: usize) -> u16 {
    u16::try_from(index).unwrap_or(u16::MAX)
}

impl Expansion<'_> {
    /// The state of a variant; what is not of the place itself comes from `value`.
    fn made(&self, variant: &Variant, value: impl Fn(Field) -> TokenStream) -> TokenStream {
        let (state, name) = (&self.state, &variant.name);
        let own = variant.outputs(self.saga);
        let fields = variant.fields.iter().map(|field| {
            let name = self.local(field.value);
            let empty = variant.way != Way::Back && own.contains(&field.value);
            let value = if empty { self.empty(field.value) } else { value(*field) };
            if name == value.to_string() { value } else { quote!(#name: #value) }
        });
        quote!(#state::#name { #(#fields),* })
    }

    /// An output that is not there yet.
    fn empty(&self, value: ValueId) -> TokenStream {
        let runtime = paths::here();
        if self.saga.values[value].shape.is_each() {
            quote!(#runtime::Items::EMPTY)
        } else {
            quote!(#runtime::Slot::EMPTY)
        }
    }

    /// The arm that takes what the second variant needs out of the first.
    fn moved(&self, from: &Variant, to: &Variant) -> TokenStream {
        let (state, name, runtime) = (&self.state, &from.name, paths::here());
        let kept = to.fields.iter().filter_map(|field| from.field(field.value)).map(|field| self.local(field.value));
        let made = self.made(to, |field| {
            let name = self.local(field.value);
            match (from.field(field.value).map(|from| from.slot), field.slot) {
                (Some(true), false) => quote!(#runtime::Slot::take(#name)),
                (Some(false), true) => quote!(#runtime::Slot::full(#name)),
                (Some(_), _) => quote!(#name),
                (None, _) => self.empty(field.value),
            }
        });
        quote!(#state::#name { #(#kept,)* .. } => #made,)
    }
}
