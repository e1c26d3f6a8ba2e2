//! Phase two: what was written, against the rules of the language; and every name resolved.
//!
//! One function a rule or clause. It reports and goes on: what comes out can always be expanded.

mod arms;
pub(crate) mod attributes;
mod clauses;
mod correlation;
mod exchange;
mod families;
mod items;
mod names;
mod outcomes;
mod pivot;
mod redaction;
mod scope;
mod step;
mod trigger;

use crate::case;
use crate::errors::Errors;
use crate::{model, syntax};

pub(crate) use families::circles;
pub(crate) use names::of_sagas;
pub(crate) use step::is_unit;

/// Checks one saga.
pub(crate) fn saga(errors: &mut Errors, mut saga: syntax::Saga) -> model::Saga {
    let attributes = attributes::of_saga(errors, &saga.attributes);
    let written = std::mem::take(&mut saga.items);
    let mut items = items::sorted(errors, &saga, written);
    let steps = items.take_steps(&saga.name);
    let values = names::declare(errors, &saga.parameters, &steps);
    let scopes = scope::Scopes::new(&values, &steps, items.literal_deadline());
    let concurrency = items.take_concurrency(errors, &scopes);
    let deadline = items.take_deadline(errors, &scopes);
    let triggers = std::mem::take(&mut items.triggers)
        .into_iter()
        .filter_map(|trigger| trigger::trigger(errors, &values, trigger))
        .collect();
    let returns = items
        .returns
        .take()
        .filter(|_| saga.output.is_some())
        .map(|value| scopes.after_all().phrase(errors, value, &[]));
    let (places, finally) = (scope::places(&steps), scope::finally(&steps));
    let requires = items.take_requires(errors, &scopes, &places);
    let steps = steps
        .into_iter()
        .enumerate()
        .map(|(index, (_, step))| step::step(errors, &scopes, index, step, &values))
        .collect();
    let mut saga = model::Saga {
        visibility: saga.visibility,
        wire_name: attributes.name.unwrap_or_else(|| case::snake(&saga.name)),
        name: saga.name,
        version: attributes.version,
        doc: attributes.doc,
        bus: saga.bus,
        output: saga.output,
        values,
        triggers,
        concurrency,
        deadline,
        steps,
        places,
        finally,
        requires,
        returns,
        ephemeral: attributes.ephemeral,
        on_restart: attributes.on_restart,
    };
    families::check(errors, &mut saga);
    redaction::check(errors, &saga);
    names::of_states(errors, &saga);
    saga
}
