//! Who runs whom, as far as one saga can be told of (L27): circles through others are found by the compiler.

use crate::errors::Errors;
use crate::model::{Action, Exchange, Saga};

/// A saga that runs itself would do so for ever. What is wrong is left out, so that it is told once.
pub(super) fn check(errors: &mut Errors, saga: &mut Saga) {
    let name = saga.name.clone();
    for step in &mut saga.steps {
        let Some(Exchange { action: Action::Run(run), .. }) = &step.exchange else { continue };
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
