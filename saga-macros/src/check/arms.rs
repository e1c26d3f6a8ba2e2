//! The arms of an `await` (L16, L26).

use std::collections::BTreeSet;

use proc_macro2::Ident;
use quote::ToTokens as _;
use syn::Pat;

use super::exchange::Answers;
use super::scope::Scope;
use super::{correlation, outcomes};
use crate::aliases::{self, Case, Enum};
use crate::errors::Errors;
use crate::model::{Arm, Disposition, Outcome, Pattern, Taken};
use crate::{mentions, syntax, text};

/// Checks all arms of one `await`. Those that mean nothing there, or are not built, are left out.
pub(super) fn arms(errors: &mut Errors, scope: &Scope<'_>, answers: Answers, arms: Vec<syntax::Arm>) -> Vec<Arm> {
    dead(errors, &arms);
    let arms: Vec<Arm> = arms.into_iter().filter_map(|arm| self::arm(errors, scope, answers, arm)).collect();
    taken_twice(errors, &arms);
    arms
}

fn arm(errors: &mut Errors, scope: &Scope<'_>, answers: Answers, arm: syntax::Arm) -> Option<Arm> {
    correlation::on_event(errors, arm.correlation.as_ref(), &arm.outcome);
    if !outcomes::belongs(errors, answers, &arm) {
        return None;
    }
    let guarded = arm.guard.is_some() || arm.correlation.is_some();
    let is_event = matches!(arm.outcome, syntax::Outcome::Event(_));
    let (outcome, bound) = match arm.outcome {
        syntax::Outcome::Event(pattern) => {
            let (taken, pattern, bound) = events(errors, pattern, guarded);
            done_again(errors, answers == Answers::Effect, "the event", &arm.disposition);
            (Outcome::Event(taken, pattern), bound)
        }
        syntax::Outcome::Refused(keyword, pattern) => {
            bare(errors, &pattern, "refusals");
            let (taken, pattern, bound) = refusals(pattern, guarded);
            (Outcome::Refused(taken, pattern, keyword), bound)
        }
        syntax::Outcome::Handled(_) => {
            done_again(errors, answers == Answers::Effect, "`handled`", &arm.disposition);
            (Outcome::Handled, Vec::new())
        }
        syntax::Outcome::Timeout(_) => (Outcome::Timeout, Vec::new()),
        syntax::Outcome::Disconnected(_) => (Outcome::Disconnected, Vec::new()),
        syntax::Outcome::Failed(_, pattern) => {
            let (text, bound) = (text::of(&pattern), mentions::bindings(&pattern));
            (Outcome::Failed(Pattern { tokens: pattern.to_token_stream(), text }), bound)
        }
    };
    let correlation = arm.correlation.filter(|_| is_event);
    let correlations = correlation::pairs(errors, scope, correlation, &bound);
    let lets = arm.guard.iter().flat_map(mentions::bound_by_lets).collect::<Vec<_>>();
    let guard = arm.guard.map(|guard| scope.phrase(errors, guard, &bound));
    let bound = [bound, lets].concat();
    let disposition = match arm.disposition {
        syntax::Disposition::Value(value) => Disposition::Value(scope.phrase(errors, value, &bound)),
        syntax::Disposition::Fail(reason) => Disposition::Fail(scope.phrase(errors, reason, &bound)),
        syntax::Disposition::Retry(_) => Disposition::Retry,
    };
    Some(Arm { outcome, correlations, guard, disposition })
}

/// A pattern of events: the variants that it takes, the pattern written out, the names that it binds.
pub(super) fn events(errors: &mut Errors, mut pattern: Pat, guarded: bool) -> (Vec<Taken>, Pattern, Vec<Ident>) {
    let text = text::of(&pattern);
    let bound = mentions::bindings(&pattern);
    let mut taken = Vec::new();
    bare(errors, &pattern, "events");
    for case in aliases::cases(&pattern) {
        match case {
            Case::Variant { variant, whole, braced } => taken.push(self::taken(variant, whole, guarded, braced)),
            Case::Anything(case) => {
                errors.at(&case, format!("`{}` is no event: name variants of the bus's events", text::of(case)));
            }
        }
    }
    aliases::qualify(Enum::Event, &mut pattern);
    (taken, Pattern { tokens: pattern.to_token_stream(), text }, bound)
}

/// Variants of a bus are written by their bare names.
fn bare(errors: &mut Errors, pattern: &Pat, what: &str) {
    for path in aliases::by_path(pattern) {
        let name = path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
        errors.at(path, format!("{what} are written by their bare names: `{name}`, without a path"));
    }
}

fn taken(variant: Ident, whole: bool, guarded: bool, braced: bool) -> Taken {
    Taken { variant, whole: whole && !guarded, picks: !whole && !guarded, braced }
}

/// A pattern of refusals. One that takes whatever comes takes no variant by name.
fn refusals(mut pattern: Pat, guarded: bool) -> (Vec<Taken>, Pattern, Vec<Ident>) {
    let text = text::of(&pattern);
    let bound = mentions::bindings(&pattern);
    let taken = aliases::cases(&pattern).into_iter().filter_map(|case| match case {
        Case::Variant { variant, whole, braced } => Some(self::taken(variant, whole, guarded, braced)),
        Case::Anything(_) => None,
    });
    let taken = taken.collect();
    aliases::qualify(Enum::Refusal, &mut pattern);
    (taken, Pattern { tokens: pattern.to_token_stream(), text }, bound)
}

/// Whether an arm does again what its outcome says was done, if it was an effect.
pub(super) fn does_again(arm: &Arm) -> bool {
    matches!((&arm.outcome, &arm.disposition), (Outcome::Event(..) | Outcome::Handled, Disposition::Retry))
}

fn done_again(errors: &mut Errors, has_effect: bool, outcome: &str, disposition: &syntax::Disposition) {
    if let (true, syntax::Disposition::Retry(keyword)) = (has_effect, disposition) {
        errors.at_span(
            keyword.span(),
            format!("{outcome} says that it was done; `retry` would do it again: give a value or `fail`"),
        );
    }
}

/// Arms of other outcomes than events behind one that takes them all.
fn dead(errors: &mut Errors, arms: &[syntax::Arm]) {
    let mut gone = BTreeSet::new();
    for arm in arms {
        match &arm.outcome {
            syntax::Outcome::Event(_) => continue,
            syntax::Outcome::Refused(keyword, pattern) => refused_twice(errors, keyword, pattern, arm, &mut gone),
            syntax::Outcome::Handled(keyword)
            | syntax::Outcome::Timeout(keyword)
            | syntax::Outcome::Disconnected(keyword) => {
                if gone.contains(keyword) {
                    never_runs(errors, keyword, &format!("`{keyword}`"));
                } else if arm.guard.is_none() {
                    gone.insert(keyword.clone());
                }
            }
            syntax::Outcome::Failed(keyword, pattern) => {
                if gone.contains(keyword) {
                    never_runs(errors, keyword, &format!("`{keyword}`"));
                } else if arm.guard.is_none() && aliases::takes_all(pattern) {
                    gone.insert(keyword.clone());
                }
            }
        }
    }
}

/// `gone` has the variants that earlier arms take, and `refused` itself if one takes whatever comes.
fn refused_twice(errors: &mut Errors, keyword: &Ident, pattern: &Pat, arm: &syntax::Arm, gone: &mut BTreeSet<Ident>) {
    if gone.contains(keyword) {
        return never_runs(errors, keyword, "refusal");
    }
    for case in aliases::cases(pattern) {
        match case {
            Case::Variant { variant, .. } if gone.contains(&variant) => {
                never_runs(errors, &variant, &format!("`{variant}`"));
            }
            Case::Variant { variant, whole, .. } if whole && arm.guard.is_none() => {
                gone.insert(variant);
            }
            Case::Anything(case) if arm.guard.is_none() && aliases::takes_all(case) => {
                gone.insert(keyword.clone());
            }
            Case::Variant { .. } | Case::Anything(_) => {}
        }
    }
}

fn never_runs(errors: &mut Errors, at: &Ident, what: &str) {
    errors.at(at, format!("an earlier arm takes every {what}, so this one never runs: remove it"));
}

fn taken_twice(errors: &mut Errors, arms: &[Arm]) {
    let mut gone = BTreeSet::new();
    for arm in arms {
        let Outcome::Event(taken, _) = &arm.outcome else { continue };
        for Taken { variant, whole, .. } in taken {
            if gone.contains(variant) {
                never_runs(errors, variant, &format!("`{variant}`"));
            } else if *whole {
                gone.insert(variant.clone());
            }
        }
    }
}
