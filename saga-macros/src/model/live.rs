//! Which values the saga still needs at each place, and so what each variant of its state owns.
//!
//! It knows mentions and order, no types.

use std::collections::BTreeSet;

use proc_macro2::Ident;
use quote::format_ident;

use super::{Compensation, Phrase, Place, Saga, ValueId};
use crate::case;

/// One variant of the state.
pub(crate) struct Variant {
    pub(crate) name: Ident,
    pub(crate) place: usize,
    pub(crate) way: Way,
    /// What it owns, in the order of [`Saga::values`].
    pub(crate) fields: Vec<Field>,
}

/// Whether a state goes forward or undoes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Forward,
    Back,
}

/// A value that a state owns.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) value: ValueId,
    /// Whether it may still be missing: an output of the place itself.
    pub(crate) slot: bool,
    /// Whether what is meant is what the exchange at hand gave: in the compensation of its own step.
    pub(crate) one: bool,
}

impl Variant {
    /// Its field for this value.
    pub(crate) fn field(&self, value: ValueId) -> Option<Field> {
        self.fields.iter().copied().find(|field| field.value == value)
    }
}

/// All variants: one for each place, and one more for each place in which something can be undone.
pub(crate) fn variants(saga: &Saga) -> Vec<Variant> {
    let mut variants = Vec::new();
    for (index, place) in saga.places.iter().enumerate() {
        let name = name(saga, place);
        let needed = needed_to_undo(saga, index);
        let back = undoes(saga, place).then(|| Variant {
            name: format_ident!("Compensate{name}", span = name.span()),
            place: index,
            way: Way::Back,
            fields: fields(saga, index, &needed),
        });
        let needed = needed_from(saga, index).into_iter().chain(place.outputs(saga)).collect();
        variants.push(Variant { name, place: index, way: Way::Forward, fields: fields(saga, index, &needed) });
        variants.extend(back);
    }
    variants
}

/// Whether something in this place can be undone.
fn undoes(saga: &Saga, place: &Place) -> bool {
    let undoes = |step: &usize| match &saga.steps[*step].compensation {
        Compensation::Unwind => true,
        compensation => compensation.exchange().is_some(),
    };
    place.steps.iter().any(undoes)
}

/// The place's name: that of its steps.
fn name(saga: &Saga, place: &Place) -> Ident {
    let names =
        place.steps.iter().map(|step| case::camel(&saga.values[saga.steps[*step].value].name)).collect::<String>();
    let first = place.steps.first().map(|step| saga.steps[*step].name.span());
    Ident::new(&names, first.unwrap_or_else(proc_macro2::Span::call_site))
}

/// What is needed at a place, of what is there before it and what it gives itself.
fn fields(saga: &Saga, place: usize, needed: &BTreeSet<ValueId>) -> Vec<Field> {
    let own = saga.places[place].outputs(saga);
    let needed: BTreeSet<_> = needed.iter().map(|value| saga.keeper(*value)).collect();
    let there = |value: ValueId| saga.values[value].step.is_none_or(|step| saga.place_of(step) <= place);
    let needed = needed.into_iter().filter(|value| there(*value));
    let slot = |value| own.contains(&value) && !saga.values[value].shape.is_each();
    needed.map(|value| Field { value, slot: slot(value), one: false }).collect()
}

/// What is mentioned at this place or later, in `return`, or in what undoes a place up to it or a later one.
fn needed_from(saga: &Saga, place: usize) -> BTreeSet<ValueId> {
    let later = saga.places[place..].iter().flat_map(|place| &place.steps);
    let forward = later.map(|step| &saga.steps[*step]).flat_map(super::Step::phrases);
    let requires = saga.requires.iter().filter(|require| require.place >= place);
    let requires = requires.flat_map(|require| [&require.condition, &require.reason]);
    let back = saga.places.iter().flat_map(|place| undo_phrases(saga, place));
    forward.chain(requires).chain(back).chain(&saga.returns).flat_map(Phrase::needs).collect()
}

/// What is mentioned in what undoes a place up to this one.
fn needed_to_undo(saga: &Saga, place: usize) -> BTreeSet<ValueId> {
    saga.places[..=place].iter().flat_map(|place| undo_phrases(saga, place)).flat_map(Phrase::needs).collect()
}

fn undo_phrases<'a>(saga: &'a Saga, place: &'a Place) -> impl Iterator<Item = &'a Phrase> {
    let exchanges = place.steps.iter().filter_map(|step| saga.steps[*step].compensation.exchange());
    exchanges.flat_map(super::Exchange::phrases)
}
