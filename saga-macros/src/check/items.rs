//! The items of a saga: each where it belongs, none missing, none twice (L01, L02, L07, L10, L12).

use proc_macro2::Ident;
use syn::Expr;

use super::scope::{Numbered, Scopes};
use super::{exchange, pivot, step};
use crate::errors::Errors;
use crate::model::{Concurrency, Deadline, Place, Require, StepKind};
use crate::syntax::{self, Item, Limit, Saga, Step, Trigger};

/// The items by kind.
pub(super) struct Items {
    pub(super) triggers: Vec<Trigger>,
    pub(super) returns: Option<Expr>,
    concurrency: Option<syntax::Concurrency>,
    deadline: Option<syntax::Deadline>,
    blocks: Vec<Vec<Step>>,
    /// Each with the number of the block before which it stands.
    requires: Vec<(usize, Expr, Expr)>,
}

/// Sorts the items, and reports what is missing or twice.
pub(super) fn sorted(errors: &mut Errors, saga: &Saga, items: Vec<Item>) -> Items {
    order(errors, &items);
    pivot::placement(errors, &items);
    let mut sorted = Items {
        triggers: Vec::new(),
        returns: None,
        concurrency: None,
        deadline: None,
        blocks: Vec::new(),
        requires: Vec::new(),
    };
    for item in items {
        match item {
            Item::Trigger(trigger) => sorted.triggers.push(trigger),
            Item::Concurrency(item) => once(errors, &mut sorted.concurrency, item, |item| &item.keyword),
            Item::Deadline(item) => once(errors, &mut sorted.deadline, item, |item| &item.keyword),
            Item::Step(step) => sorted.blocks.push(vec![*step]),
            Item::Parallel { keyword, steps, broken } => {
                if steps.is_empty() && !broken {
                    errors.at(&keyword, "this `parallel` has no steps: add a `step name { … }`, or remove it");
                }
                sorted.blocks.push(steps);
            }
            Item::Require { condition, reason, .. } => {
                sorted.requires.push((sorted.blocks.len(), condition, reason));
            }
            Item::Return { keyword, value } => {
                let mut returns = sorted.returns.take().map(|value| (keyword.clone(), value));
                once(errors, &mut returns, (keyword, value), |(keyword, _)| keyword);
                sorted.returns = returns.map(|(_, value)| value);
            }
        }
    }
    missing(errors, saga, &sorted);
    sorted
}

/// Keeps the first of its kind, and reports the second.
pub(super) fn once<T>(errors: &mut Errors, slot: &mut Option<T>, item: T, keyword: impl Fn(&T) -> &Ident) {
    if slot.is_some() {
        let keyword = keyword(&item);
        errors.at(keyword, format!("`{keyword}` is given twice: remove one of them"));
    } else {
        *slot = Some(item);
    }
}

/// Nothing stands behind `return`.
fn order(errors: &mut Errors, items: &[Item]) {
    let last = items.len().saturating_sub(1);
    let early = items.iter().take(last).find(|item| matches!(item, Item::Return { .. }));
    let again = matches!(items.last(), Some(Item::Return { .. }));
    if let Some(Item::Return { keyword, .. }) = early
        && !again
    {
        errors.at(keyword, "`return` is the last item of a saga: move it to the end");
    }
}

fn missing(errors: &mut Errors, saga: &Saga, items: &Items) {
    let name = &saga.name;
    let missing = |word: &str| !saga.attempted.contains(&word);
    if missing("deadline") {
        errors.at(name, format!("`{name}` has no `deadline`: add `deadline 10s;`, or `deadline none because \"…\";`"));
    }
    if missing("concurrency") {
        errors.at(
            name,
            format!(
                "`{name}` has no `concurrency`: say what a start does while another `{name}` runs, such as `concurrency allow;`"
            ),
        );
    }
    if missing("step") && missing("pivot") && missing("parallel") {
        errors.at(name, format!("`{name}` has no steps: add a `step name {{ … }}`"));
    }
    match (&saga.output, &items.returns) {
        (Some(output), None) if missing("return") && !step::is_unit(output) => {
            errors.at(output, format!("`{name}` has an output and no `return`: end it with `return …;`"));
        }
        (None, Some(value)) => {
            errors.at(
                value,
                format!("`{name}` returns a value and has no output type: write `-> Type` behind its parameters"),
            );
        }
        _ => {}
    }
}

/// The key of a reference is that of the value, so that sagas that name either meet.
fn owned(key: Expr) -> Expr {
    match key {
        Expr::Reference(reference) if reference.mutability.is_none() => owned(*reference.expr),
        key => key,
    }
}

/// A step in the place of those that the author has not written.
fn unwritten(saga: &Ident) -> Step {
    Step {
        attributes: Vec::new(),
        kind: None,
        name: Ident::new("__unwritten", saga.span()),
        output: None,
        each: None,
        when: None,
        clauses: Vec::new(),
        broken: true,
        attempted: Vec::new(),
    }
}

impl Items {
    /// The steps in the order written, each with the number of its block. A saga without any that goes forward, which
    /// is reported, is given one: it has a state then, and is a saga to whoever names it.
    pub(super) fn take_steps(&mut self, saga: &Ident) -> Vec<Numbered> {
        if self.blocks.iter().flatten().all(|step| step::kind(step) == StepKind::Finally) {
            self.blocks.push(vec![unwritten(saga)]);
        }
        let blocks = std::mem::take(&mut self.blocks).into_iter().enumerate();
        blocks.flat_map(|(block, steps)| steps.into_iter().map(move |step| (block, step))).collect()
    }

    /// The conditions, each before its place. Blocks without a step of the way forward are no places.
    pub(super) fn take_requires(&mut self, errors: &mut Errors, scopes: &Scopes<'_>, places: &[Place]) -> Vec<Require> {
        let requires = std::mem::take(&mut self.requires).into_iter();
        let requires = requires.map(|(block, condition, reason)| {
            let place = places.iter().filter(|place| place.steps.iter().any(|step| scopes.block_of(*step) < block));
            let scope = scopes.before(block);
            let condition = scope.phrase(errors, condition, &[]);
            Require { place: place.count(), condition, reason: scope.phrase(errors, reason, &[]) }
        });
        requires.collect()
    }

    /// The policy and its keys; none when they are missing or broken.
    pub(super) fn take_concurrency(&mut self, errors: &mut Errors, scopes: &Scopes<'_>) -> Option<Concurrency> {
        let syntax::Concurrency { policy, keys, .. } = self.concurrency.take()?;
        let keys = keys.into_iter().map(|key| scopes.before_all().phrase(errors, owned(key), &[])).collect();
        Some(Concurrency { policy, keys })
    }

    /// How long the saga may take, if that is literal.
    pub(super) fn literal_deadline(&self) -> Option<std::time::Duration> {
        match &self.deadline.as_ref()?.limit {
            Limit::After(duration) => pivot::literal(duration),
            Limit::None { .. } => None,
        }
    }

    /// The deadline; none when it is missing or broken.
    pub(super) fn take_deadline(&mut self, errors: &mut Errors, scopes: &Scopes<'_>) -> Option<Deadline> {
        match self.deadline.take()?.limit {
            Limit::After(duration) => exchange::duration(errors, &scopes.before_all(), duration).map(Deadline::After),
            Limit::None { keyword, because: None } => {
                errors.at(&keyword, "`deadline none` needs a reason: `deadline none because \"…\";`");
                None
            }
            Limit::None { because: Some(because), .. } => Some(Deadline::None { because: because.value() }),
        }
    }
}
