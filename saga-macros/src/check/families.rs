//! Who runs whom, as far as the sagas of one `saga!` can be told of (L27): circles through others are found by the
//! compiler.

use crate::errors::Errors;
use crate::model::{Action, Run, Saga, Step};

/// A saga that runs itself would do so for ever. What is wrong is left out, so that it is told once.
pub(super) fn check(errors: &mut Errors, saga: &mut Saga) {
    let name = saga.name.clone();
    for step in &mut saga.steps {
        let Some(run) = runs(step) else { continue };
        if run.saga.is_ident(&name) || run.saga.is_ident("Self") {
            errors.at(
                &run.saga,
                format!("`{name}` runs itself, and would for ever: run another saga, or repeat a step with `for`"),
            );
            step.exchange = None;
            step.whole = false;
        }
    }
}

/// Sagas that run each other in a circle: one error for each circle, at the `run` that closes it.
pub(crate) fn circles(errors: &mut Errors, sagas: &mut [Saga]) {
    let mut done = vec![false; sagas.len()];
    for start in 0..sagas.len() {
        walk(errors, sagas, start, &mut vec![start], &mut done);
    }
}

fn walk(errors: &mut Errors, sagas: &mut [Saga], at: usize, path: &mut Vec<usize>, done: &mut [bool]) {
    if done[at] {
        return;
    }
    for step in 0..sagas[at].steps.len() {
        let Some(run) = runs(&sagas[at].steps[step]) else { continue };
        let Some(next) = sagas.iter().position(|saga| run.saga.is_ident(&saga.name)) else { continue };
        match path.iter().position(|before| *before == next) {
            None => {
                path.push(next);
                walk(errors, sagas, next, path, done);
                path.pop();
            }
            Some(first) => {
                let names = path[first..].iter().chain([&next]).map(|saga| format!("`{}`", sagas[*saga].name));
                let names: Vec<_> = names.collect();
                let (first, rest) = names.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
                let rest = rest.join(", which runs ");
                let message =
                    format!("{first} runs {rest}: they would run each other for ever, so leave out one `run`");
                errors.at(&run.saga, message);
                let step = &mut sagas[at].steps[step];
                step.exchange = None;
                step.whole = false;
            }
        }
    }
    done[at] = true;
}

fn runs(step: &Step) -> Option<&Run> {
    match &step.exchange.as_ref()?.action {
        Action::Run(run) => Some(run),
        Action::Command(_) | Action::Sleep(_) | Action::Wait | Action::Nothing => None,
    }
}
