//! The names that a saga declares (L04).

use std::collections::BTreeMap;

use proc_macro2::Ident;
use quote::{ToTokens as _, format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;

use super::attributes;
use crate::errors::Errors;
use crate::mentions;
use crate::model::live::{self, Variant, Way};
use crate::model::{Saga, Shape, Value};
use crate::syntax::{self, Parameter, Step};

/// Words with a meaning of their own where expressions stand.
const RESERVED: &[&str] = &["cause", "retry", "fail", "none"];

/// All that can be named: the parameters, then the outputs of the steps.
pub(super) fn declare(errors: &mut Errors, parameters: &[Parameter], steps: &[(usize, Step)]) -> Vec<Value> {
    let parameters = parameters.iter().map(|parameter| {
        let (doc, redacted) = attributes::of_value(errors, &parameter.attributes);
        let (name, ty) = (parameter.name.clone(), parameter.ty.to_token_stream());
        Value { name, ty, doc, step: None, shape: Shape::Plain, redacted }
    });
    let mut values: Vec<Value> = parameters.collect();
    values.extend(steps.iter().enumerate().map(|(index, (_, step))| output(errors, index, step)));
    unique(errors, &mut values);
    values.extend(steps.iter().enumerate().flat_map(|(index, (_, step))| bindings(index, step)));
    values
}

/// The output of a step, as later steps see it.
fn output(errors: &mut Errors, index: usize, step: &Step) -> Value {
    let (_, redacted) = attributes::of_value(errors, &step.attributes);
    let ty = match &step.output {
        Some(ty) => ty.to_token_stream(),
        None => quote_spanned!(step.name.span()=> ()),
    };
    let shape = match (&step.each, &step.when) {
        (None, None) => Shape::Plain,
        (None, Some(_)) => Shape::When,
        (Some(_), None) => Shape::Each,
        (Some(_), Some(_)) => Shape::EachWhen,
    };
    Value {
        name: step.name.clone(),
        ty: quote_spanned!(ty.span()=> #ty),
        doc: String::new(),
        step: Some(index),
        shape,
        redacted,
    }
}

/// What the `for` of a step binds; seen in that step alone, where it hides whatever else has its name.
fn bindings(index: usize, step: &Step) -> Vec<Value> {
    let names = step.each.iter().flat_map(|each| mentions::bindings(&each.pattern));
    let value = |name| Value {
        name,
        ty: quote!(),
        doc: String::new(),
        step: Some(index),
        shape: Shape::Binding,
        redacted: false,
    };
    names.map(value).collect()
}

/// Reports sagas with the name of another one in the same `saga!`; each such is renamed, so that nothing else fails
/// for it.
pub(crate) fn of_sagas(errors: &mut Errors, sagas: &mut [syntax::Saga]) {
    for index in 1..sagas.len() {
        let name = sagas[index].name.clone();
        if sagas[..index].iter().any(|earlier| earlier.name == name) {
            errors.at(&name, format!("`{name}` is already the name of a saga above: give this one another name"));
            sagas[index].name = format_ident!("{name}Again{index}", span = name.span());
        }
    }
}

/// The states are named after the steps, so other steps are not enough: their states differ too.
pub(super) fn of_states(errors: &mut Errors, saga: &Saga) {
    let variants = live::variants(saga);
    for (index, second) in variants.iter().enumerate() {
        let Some(first) = variants[..index].iter().find(|first| first.name == second.name) else { continue };
        let Some(step) = second.steps(saga).first() else { continue };
        let (name, first, second) = (&second.name, state(saga, first), state(saga, second));
        errors.at(
            &saga.steps[*step].name,
            format!("{second} would have the state `{name}`, and so has {first}: give one of the steps another name"),
        );
    }
}

/// What a saga is at in a state, in words.
fn state(saga: &Saga, variant: &Variant) -> String {
    let steps = variant.steps(saga).iter().map(|step| format!("`{}`", saga.steps[*step].name)).collect::<Vec<_>>();
    let what = match (variant.way, steps.len()) {
        (Way::Back, _) => "the undoing of ",
        (Way::Forward | Way::Finally, 1) => "step ",
        (Way::Forward | Way::Finally, _) => "the `parallel` of ",
    };
    format!("{what}{}", steps.join(", "))
}

/// Reports reserved names and those given twice, at both; the second is renamed, so that nothing else fails for it.
fn unique(errors: &mut Errors, values: &mut [Value]) {
    let mut first: BTreeMap<String, (Ident, &'static str, bool)> = BTreeMap::new();
    for (index, value) in values.iter_mut().enumerate() {
        let name = value.name.to_string();
        let what = if value.step.is_some() { "step" } else { "parameter" };
        if RESERVED.contains(&name.as_str()) {
            errors.at(&value.name, format!("`{name}` is a word of the language: give the {what} another name"));
        }
        match first.get_mut(&name) {
            None => {
                first.insert(name, (value.name.clone(), what, false));
            }
            Some((earlier, other, reported)) => {
                if !std::mem::replace(reported, true) {
                    errors.at(earlier, format!("`{name}` is the name of this {other}, and of another {what} below"));
                }
                errors.at(
                    &value.name,
                    format!("`{name}` is already the name of a {other}: give this {what} another one"),
                );
                value.name = format_ident!("{name}_{index}", span = value.name.span());
            }
        }
    }
}
