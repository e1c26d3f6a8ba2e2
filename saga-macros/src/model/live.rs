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
    /// An index into [`Saga::places`]; of a step that runs on every way out, one into [`Saga::finally`].
    pub(crate) place: usize,
    pub(crate) way: Way,
    /// What it owns, in the order of [`Saga::values`].
    pub(crate) fields: Vec<Field>,
}

/// Whether a state goes forward, undoes, or does what is done on every way out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Forward,
    Back,
    Finally,
}

/// A value that a state owns.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) value: ValueId,
    /// Whether it may be missing: an output of the place itself, or one that a `finally` step may see.
    pub(crate) slot: bool,
    /// Whether it is seen as an option: in a `finally` step.
    pub(crate) optional: bool,
    /// Whether what is meant is what the exchange at hand gave: in the compensation of its own step.
    pub(crate) one: bool,
}

impl Variant {
    /// The steps that are done, or undone, there.
    pub(crate) fn steps<'a>(&self, saga: &'a Saga) -> &'a [usize] {
        match self.way {
            Way::Forward | Way::Back => &saga.places[self.place].steps,
            Way::Finally => std::slice::from_ref(&saga.finally[self.place]),
        }
    }

    /// The outputs of these steps.
    pub(crate) fn outputs(&self, saga: &Saga) -> BTreeSet<ValueId> {
        self.steps(saga).iter().map(|step| saga.steps[*step].value).collect()
    }

    /// Its field for this value.
    pub(crate) fn field(&self, value: ValueId) -> Option<Field> {
        self.fields.iter().copied().find(|field| field.value == value)
    }
}

/// All variants: one for each place, one more for each place in which something can be undone, and one for each step
/// that runs on every way out.
pub(crate) fn variants(saga: &Saga) -> Vec<Variant> {
    let mut variants = Vec::new();
    let last = needed_at_last(saga, 0);
    for (index, place) in saga.places.iter().enumerate() {
        let name = name(saga, place);
        let needed = needed_to_undo(saga, index).union(&last).copied().collect();
        let back = undoes(saga, place).then(|| Variant {
            name: format_ident!("Compensate{name}", span = name.span()),
            place: index,
            way: Way::Back,
            fields: fields(saga, index, Way::Back, &needed),
        });
        let needed = needed_from(saga, index).into_iter().chain(place.outputs(saga)).chain(last.clone()).collect();
        let fields = fields(saga, index, Way::Forward, &needed);
        variants.push(Variant { name, place: index, way: Way::Forward, fields });
        variants.extend(back);
    }
    let finally = saga.finally.iter().enumerate();
    variants.extend(finally.map(|(index, step)| finishing(saga, index, *step)));
    variants
}

/// Gives each variant a name of its own: those that share one are reported already.
pub(crate) fn distinguish(variants: &mut [Variant]) {
    for at in 1..variants.len() {
        if variants[..at].iter().any(|earlier| earlier.name == variants[at].name) {
            variants[at].name = format_ident!("{}Again{at}", variants[at].name);
        }
    }
}

/// The variant of a step that runs on every way out.
fn finishing(saga: &Saga, index: usize, step: usize) -> Variant {
    let own = saga.steps[step].value;
    let needed: BTreeSet<_> = needed_at_last(saga, index).into_iter().chain([own]).collect();
    let fields = needed.into_iter().map(|value| {
        let is_output = saga.values[value].step.is_some();
        let slot = is_output && !saga.values[value].shape.is_each();
        Field { value, slot, optional: is_output && value != own, one: false }
    });
    let name = name(saga, &Place { steps: vec![step] });
    Variant { name, place: index, way: Way::Finally, fields: fields.collect() }
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
    let is_name = names.starts_with(char::is_alphabetic) && names != "Self";
    let names = if is_name { names } else { format!("Step{names}") };
    Ident::new(&names, first.unwrap_or_else(proc_macro2::Span::call_site))
}

/// What is needed at a place, of what is there before it and what it gives itself.
///
/// On the way back it may also have what later places gave, for the steps that run on every way out.
fn fields(saga: &Saga, place: usize, way: Way, needed: &BTreeSet<ValueId>) -> Vec<Field> {
    let needed: BTreeSet<_> = needed.iter().map(|value| saga.keeper(*value)).collect();
    let place_of = |value: ValueId| saga.values[value].step.map(|step| saga.place_of(step));
    let there = |value: &ValueId| way == Way::Back || place_of(*value).is_none_or(|of| of <= place);
    let slot = |value| place_of(value).is_some_and(|of| of >= place) && !saga.values[value].shape.is_each();
    let needed = needed.into_iter().filter(there);
    needed.map(|value| Field { value, slot: slot(value), optional: false, one: false }).collect()
}

/// What is mentioned in the steps that run on every way out, from this one on: nothing that they give themselves.
fn needed_at_last(saga: &Saga, index: usize) -> BTreeSet<ValueId> {
    let steps = saga.finally[index..].iter().map(|step| &saga.steps[*step]);
    let needed = steps.flat_map(super::Step::phrases).flat_map(Phrase::needs).map(|value| saga.keeper(value));
    let given = |value: &ValueId| saga.values[*value].step.is_none_or(|step| saga.steps[step].is_forward());
    needed.filter(given).collect()
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
