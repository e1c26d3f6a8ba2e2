//! Steps with `when` and `for`: how many exchanges they are, and what each of them sees and gives.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::spanned::Spanned as _;

use super::transition::number;
use super::{Expansion, local, paths};
use crate::model::live::{Field, Variant, Way};
use crate::model::{Phrase, Shape, Step, ValueId};

/// `Saga::exchanges`; none for a saga whose steps are one exchange each, which the trait knows.
pub(super) fn exchanges(expansion: &Expansion<'_>) -> TokenStream {
    let variants = expansion.variants.iter().filter(|variant| variant.way != Way::Back);
    let arms = variants.flat_map(|variant| {
        let steps = variant.steps(expansion.saga);
        steps.iter().filter_map(|step| count(expansion, variant, *step))
    });
    let arms: Vec<_> = arms.collect();
    if arms.is_empty() {
        return TokenStream::new();
    }
    let runtime = paths::here();
    quote_spanned! {Span::mixed_site()=>
        fn exchanges(
            state: &mut Self::State,
            step: u16,
            given_cause: ::core::option::Option<&#runtime::Cause>,
        ) -> u32 {
            match (state, step) {
                #(#arms)*
                _ => 1,
            }
        }
    }
}

fn count(expansion: &Expansion<'_>, variant: &Variant, index: usize) -> Option<TokenStream> {
    let step = &expansion.saga.steps[index];
    if step.each.is_none() && step.when.is_none() {
        return None;
    }
    let runtime = paths::here();
    let (state, name, own) = (&expansion.state, &variant.name, expansion.local(step.value));
    let head = step.when.iter().chain(step.each.iter().map(|each| &each.items));
    let fields = expansion.bound(variant, head).into_iter().filter(|field| *field != own);
    let number = number(index);
    let items = step.each.as_ref().map_or_else(
        || quote!(1),
        |each| {
            let (span, runtime) = (each.items.expression.span(), paths::runtime(each.items.expression.span()));
            let keep = |items: &_| quote_spanned!(span=> #runtime::keep(#own, #items));
            expansion.lent(&each.items, &variant.fields, keep)
        },
    );
    let when = step.when.as_ref().map(|when| {
        let ty = quote_spanned!(when.expression.span()=> bool);
        let condition = expansion.owned(when, &variant.fields, Some(&ty));
        let skip = if step.each.is_some() { quote!(skip_items) } else { quote!(skip) };
        quote!(if !#condition { return #runtime::#skip(#own); })
    });
    let fields: Vec<_> = fields.collect();
    Some(quote!((#state::#name { #(#fields,)* #own, .. }, #number) => { #when #items }))
}

/// The type of a value of this shape.
pub(super) fn shaped(shape: Shape, ty: &TokenStream) -> TokenStream {
    match shape {
        Shape::Plain | Shape::Binding => quote!(#ty),
        Shape::When => quote!(::core::option::Option<#ty>),
        Shape::Each => quote!(::std::vec::Vec<#ty>),
        Shape::EachWhen => quote!(::core::option::Option<::std::vec::Vec<#ty>>),
    }
}

impl Expansion<'_> {
    /// The type of a value as others see it.
    pub(super) fn full(&self, value: ValueId) -> TokenStream {
        match self.saga.values[value].shape {
            Shape::Binding => quote!(_),
            shape => shaped(shape, &self.ty(value).into_token_stream()),
        }
    }

    /// The type of a value as a `finally` step sees it.
    fn optional(&self, value: ValueId) -> TokenStream {
        let ty = self.ty(value).into_token_stream();
        let ty = match self.saga.values[value].shape {
            Shape::Binding => return quote!(_),
            _ if self.saga.values[value].step.is_none() => return ty,
            Shape::Plain | Shape::When => ty,
            Shape::Each | Shape::EachWhen => shaped(Shape::Each, &ty),
        };
        shaped(Shape::When, &ty)
    }

    /// The type of a value as a step sees it.
    pub(super) fn seen(&self, step: &Step, value: ValueId) -> TokenStream {
        if step.is_forward() { self.full(value) } else { self.optional(value) }
    }

    /// The value of a mention of an output that is not kept as it is seen.
    pub(super) fn shaped_output(&self, field: Field, from: &Ident, name: &Ident) -> Option<TokenStream> {
        let runtime = paths::runtime(name.span());
        let shape = self.saga.values[field.value].shape;
        if field.optional {
            let made = match shape {
                Shape::Plain | Shape::Binding => quote!(if_any),
                Shape::When => quote!(if_ran),
                Shape::Each | Shape::EachWhen => quote!(if_all),
            };
            return Some(quote_spanned!(name.span()=> #runtime::#made(#from)));
        }
        match (shape, field.one) {
            (Shape::When, true) => Some(quote_spanned!(name.span()=> #runtime::ran(#from))),
            (Shape::Each | Shape::EachWhen, true) => {
                let at = Ident::new("at", Span::mixed_site());
                Some(quote_spanned!(name.span()=> #runtime::output_of(#from, #at)))
            }
            (Shape::Each, false) => Some(quote_spanned!(name.span()=> #runtime::outputs(#from))),
            (Shape::EachWhen, false) => Some(quote_spanned!(name.span()=> #runtime::outputs_if_any(#from))),
            (Shape::Plain | Shape::Binding | Shape::When, _) => None,
        }
    }

    /// What the `for` of a step binds, if these phrases mention it; `kept` has the items.
    pub(super) fn item<'p>(
        &self,
        step: usize,
        kept: &Ident,
        mut phrases: impl Iterator<Item = &'p Phrase>,
    ) -> TokenStream {
        let Step { each: Some(each), .. } = &self.saga.steps[step] else { return TokenStream::new() };
        let binding = |value: ValueId| self.saga.values[value].shape == Shape::Binding;
        if !phrases.any(|phrase| phrase.needs().any(binding)) {
            return TokenStream::new();
        }
        let span = each.items.expression.span();
        let (pattern, runtime) = (&each.pattern, paths::runtime(span));
        let like = |items: &_| quote_spanned!(span=> #runtime::items(#items));
        let items = self.hollow(&self.saga.steps[step], &each.items, like);
        let at = Ident::new("at", Span::mixed_site());
        let names = each.bindings.iter().map(|name| {
            let local = local(name);
            quote!(let #local = &#name;)
        });
        quote_spanned!(span=> let #pattern = #runtime::item(&*#kept, #at, || #items); #(#names)*)
    }

    /// An exchange has ended with this value, and leaves it in the state.
    pub(super) fn ended(&self, output: ValueId, slot: &Ident, value: &TokenStream) -> TokenStream {
        let runtime = paths::here();
        let at = Ident::new("at", Span::mixed_site());
        match self.saga.values[output].shape {
            Shape::Plain | Shape::Binding => quote!(#runtime::done(#slot, #value)),
            Shape::When => quote!(#runtime::done(#slot, ::core::option::Option::Some(#value))),
            Shape::Each | Shape::EachWhen => quote!(#runtime::item_done(#slot, #at, #value)),
        }
    }
}
