//! One step: its head, and what its clauses come to.

use syn::Type;

use super::attributes;
use super::clauses::{Clauses, Given};
use super::scope::{Scope, Scopes};
use crate::errors::Errors;
use crate::mentions;
use crate::model::{AtOnce, Each, Step, StepKind, Value};
use crate::syntax;

/// Checks one step.
pub(super) fn step(
    errors: &mut Errors,
    scopes: &Scopes<'_>,
    index: usize,
    step: syntax::Step,
    values: &[Value],
) -> Step {
    let before = errors.count();
    let value = values.iter().position(|value| value.step == Some(index)).unwrap_or_default();
    let doc = attributes::doc(&step.attributes);
    let kind = kind(&step);
    let syntax::Step { name, output, each, when, clauses, broken, attempted, .. } = step;
    let scope = scopes.head(index);
    let when = when.map(|when| scope.phrase(errors, when.condition, &[]));
    let each = each.map(|each| self::each(errors, &scope, each));
    let mut clauses = Clauses::sorted(errors, clauses);
    let (output_type, role, deadline) = (output.as_ref(), scopes.role(index), scopes.deadline);
    let given = Given { name: &name, output: output_type, broken, attempted: &attempted, role, deadline };
    clauses.missing(errors, &given);
    let compensation = clauses.compensation(errors, &scopes.compensation(index), &given);
    let exchange = clauses.exchange(errors, &scopes.step(index), &given);
    let whole = !broken && errors.count() == before;
    Step { value, doc, kind, each, when, exchange, compensation, whole, name, output }
}

/// What a step is among the steps.
pub(super) fn kind(step: &syntax::Step) -> StepKind {
    match &step.kind {
        Some(word) if word == "pivot" => StepKind::Pivot,
        Some(_) => StepKind::Finally,
        None => StepKind::Plain,
    }
}

fn each(errors: &mut Errors, scope: &Scope<'_>, each: syntax::Each) -> Each {
    let at_once = match each.at_once {
        None => AtOnce::AtMost(1),
        Some(syntax::AtOnce::All) => AtOnce::All,
        Some(syntax::AtOnce::AtMost(number)) => match number.base10_parse() {
            Ok(most) if most > 0 => AtOnce::AtMost(most),
            _ => {
                errors.at(&number, "at least one item is done at a time: write a number from 1, or `all at once`");
                AtOnce::AtMost(1)
            }
        },
    };
    let bindings = mentions::bindings(&each.pattern);
    Each { bindings, items: scope.phrase(errors, each.items, &[]), pattern: each.pattern, at_once }
}

/// Whether a type is `()`.
pub(crate) fn is_unit(ty: &Type) -> bool {
    matches!(ty, Type::Tuple(tuple) if tuple.elems.is_empty())
}
