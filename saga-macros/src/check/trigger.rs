//! What starts a saga by itself (L22).

use proc_macro2::Ident;
use syn::Expr;

use super::arms;
use crate::errors::Errors;
use crate::model::{self, Value};
use crate::syntax::{Binding, Trigger};

/// Checks one trigger; none if its pattern matches no event by name.
pub(super) fn trigger(errors: &mut Errors, values: &[Value], trigger: Trigger) -> Option<model::Trigger> {
    let (events, pattern, bound) = arms::events(errors, trigger.pattern, trigger.guard.is_some());
    if events.is_empty() {
        return None;
    }
    let parameters: Vec<_> = values.iter().filter(|value| value.step.is_none()).map(|value| &value.name).collect();
    let mut given: Vec<(Ident, Option<Expr>)> = match trigger.bindings {
        Some(bindings) => bindings.into_iter().map(value_of).collect(),
        None => bound.into_iter().filter(|name| parameters.contains(&name)).map(of_name).collect(),
    };
    let unbound: Vec<_> = parameters.into_iter().filter(|name| given.iter().all(|(given, _)| given != *name)).collect();
    if !unbound.is_empty() {
        let names = unbound.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and ");
        let message = format!("this trigger leaves {names} without a value: bind it in the pattern, or behind `=>`");
        errors.at(&trigger.keyword, message);
        given.extend(unbound.into_iter().map(|name| (name.clone(), None)));
    }
    Some(model::Trigger { events, pattern, guard: trigger.guard, bindings: given })
}

fn value_of(binding: Binding) -> (Ident, Option<Expr>) {
    match binding.value {
        Some(value) => (binding.name, Some(value)),
        None => of_name(binding.name),
    }
}

fn of_name(name: Ident) -> (Ident, Option<Expr>) {
    let value = syn::parse_quote!(#name);
    (name, Some(value))
}
