//! What starts a saga by itself (L22).

use proc_macro2::Ident;
use syn::Expr;

use super::arms;
use crate::errors::Errors;
use crate::model::{self, Value};
use crate::parse::words;
use crate::syntax::{Binding, Trigger};

/// Checks one trigger; none if its pattern matches no event by name.
pub(super) fn trigger(errors: &mut Errors, values: &[Value], trigger: Trigger) -> Option<model::Trigger> {
    let (events, pattern, bound) = arms::events(errors, trigger.pattern, trigger.guard.is_some());
    if events.is_empty() {
        return None;
    }
    let parameters: Vec<_> = values.iter().filter(|value| value.step.is_none()).map(|value| &value.name).collect();
    let written: Vec<String> = match &trigger.bindings {
        Some(bindings) => bindings.iter().map(|binding| binding.name.to_string()).collect(),
        None => bound.iter().map(ToString::to_string).collect(),
    };
    let given: Vec<(Ident, Expr)> = match trigger.bindings {
        Some(bindings) => bindings.into_iter().map(value_of).collect(),
        None => bound.into_iter().filter(|name| parameters.contains(&name)).map(of_name).collect(),
    };
    let unbound = |name: &&&Ident| given.iter().all(|(given, _)| given != **name);
    let unbound: Vec<_> = parameters.iter().filter(unbound).map(ToString::to_string).collect();
    if !unbound.is_empty() {
        let names = unbound.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and ");
        let strangers = written.iter().filter(|name| parameters.iter().all(|parameter| parameter != name));
        let meant = misspelt(strangers, &unbound);
        let message =
            format!("this trigger leaves {names} without a value: bind it in the pattern, or behind `=>`{meant}");
        errors.at(&trigger.keyword, message);
        // A name that is bound in its place is no second mistake.
        return None;
    }
    Some(model::Trigger { events, pattern, guard: trigger.guard, bindings: given })
}

/// A question about the first name that seems to be another one, misspelt.
fn misspelt<'a>(mut written: impl Iterator<Item = &'a String>, meant: &[String]) -> String {
    let meant: Vec<_> = meant.iter().map(String::as_str).collect();
    let pair = written.find_map(|name| Some((name, words::nearest(name, &meant)?)));
    pair.map(|(name, meant)| format!("; did you mean `{meant}` by `{name}`?")).unwrap_or_default()
}

fn value_of(binding: Binding) -> (Ident, Expr) {
    match binding.value {
        Some(value) => (binding.name, value),
        None => of_name(binding.name),
    }
}

fn of_name(name: Ident) -> (Ident, Expr) {
    let value = syn::parse_quote!(#name);
    (name, value)
}
