//! Behind a pivot there is no way back, and a `finally` step is on the way out: what neither can have (L09, L14, L25).

use proc_macro2::Ident;
use syn::{Expr, Lit};

use crate::errors::Errors;
use crate::syntax::{self, Clause, Compensate, Item, Step};

/// What a step is, which decides what its clauses may say.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Forward,
    Pivot,
    AfterPivot,
    Finally,
    /// What undoes a step.
    Undoing,
}

impl Role {
    /// Whether it has bounds of its own, and is retried without being told so.
    pub(super) fn perseveres(self) -> bool {
        matches!(self, Self::AfterPivot | Self::Finally | Self::Undoing)
    }

    /// Why it has no `compensate`, if it has none.
    pub(super) fn refuses_compensation(self) -> Option<&'static str> {
        match self {
            Self::Forward => None,
            Self::Pivot => Some("a `pivot` is not undone: remove its `compensate`"),
            Self::AfterPivot => Some("behind the `pivot` there is no way back, so nothing is undone: remove this"),
            Self::Finally => Some("a `finally` step is not undone: remove its `compensate`"),
            Self::Undoing => Some("what undoes a step is not undone itself: remove this"),
        }
    }
}

/// Reports pivots and `finally` steps where they cannot stand, and what cannot stand behind a pivot.
pub(super) fn placement(errors: &mut Errors, items: &[Item]) {
    let mut pivot: Option<&Ident> = None;
    for item in items {
        match item {
            Item::Step(step) => alone(errors, step, &mut pivot),
            Item::Parallel { steps, .. } => steps.iter().filter_map(|step| step.kind.as_ref()).for_each(|kind| {
                let message = if kind == "pivot" {
                    "a `pivot` stands alone: move the step out of the `parallel`"
                } else {
                    "`finally` steps run one after another on the way out: move the step out of the `parallel`"
                };
                errors.at(kind, message);
            }),
            Item::Require { keyword, .. } if pivot.is_some() => {
                errors.at(keyword, "behind the `pivot` a saga cannot fail, so nothing is required: move this above it");
            }
            _ => {}
        }
    }
}

fn alone<'a>(errors: &mut Errors, step: &'a Step, pivot: &mut Option<&'a Ident>) {
    let Some(kind) = step.kind.as_ref().filter(|kind| *kind == "pivot") else { return };
    if pivot.is_some() {
        errors.at(kind, "a saga has one `pivot`, and there is one above: make this a plain step");
    } else {
        *pivot = Some(kind);
    }
    if let Some(each) = &step.each {
        errors.at_span(
            each.keyword,
            "a `pivot` takes effect once, so it has no `for`: do the items in a step above or below it",
        );
    }
}

/// Whether a step has a compensation of its own that another could share.
pub(super) fn is_undone(step: &Step) -> bool {
    step.clauses.iter().any(|clause| {
        matches!(
            clause,
            Clause::Compensate { how: Compensate::Command(_) | Compensate::Block(_) | Compensate::Unwind { .. }, .. }
        )
    })
}

/// How long the attempts of a step may take in all, as far as that is literal.
pub(super) fn longest(within: &syntax::Duration, retry: Option<&syntax::Retry>) -> Option<std::time::Duration> {
    let within = literal(within)?;
    let Some(retry) = retry else { return Some(within) };
    let Expr::Lit(syn::ExprLit { lit: Lit::Int(times), .. }) = &retry.times else { return None };
    let times: u32 = times.base10_parse().ok()?;
    let (first, most) = match &retry.every {
        None => (std::time::Duration::from_millis(100), std::time::Duration::from_secs(5)),
        Some((first, None)) => (literal(first)?, literal(first)?),
        Some((first, Some(most))) => (literal(first)?, literal(most)?),
    };
    let attempts = within.saturating_mul(times.saturating_add(1));
    let doublings = times.min(32);
    let waits = (0..doublings).map(|number| first.saturating_mul(2_u32.saturating_pow(number)).min(most));
    let rest = most.saturating_mul(times - doublings);
    Some(waits.fold(attempts.saturating_add(rest), std::time::Duration::saturating_add))
}

/// The length of a literal.
pub(super) fn literal(duration: &syntax::Duration) -> Option<std::time::Duration> {
    match duration {
        syntax::Duration::Literal { duration, .. } => Some(*duration),
        syntax::Duration::Computed(_) | syntax::Duration::Broken => None,
    }
}
