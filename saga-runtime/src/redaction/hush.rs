//! What a panic says on standard error, when that may repeat a value that is not shown.
//!
//! A panic that is caught has been told before, by the hook of the process. So that hook is wrapped, once, and only in a
//! program that keeps such values. It knows neither sagas nor handlers.

use std::cell::Cell;
use std::panic::{set_hook, take_hook};
use std::sync::Once;

use super::REDACTED;

thread_local! {
    /// Whose panic in this thread may repeat what is not shown.
    static HUSHED: Cell<Option<Hushed>> = const { Cell::new(None) };
}

/// Whose panic may repeat what is not shown.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Hushed {
    /// An expression of a saga.
    Saga,
    /// The handler of a command.
    Handler,
}

/// Runs code whose panic is told without its text. A hook that the program sets later is not wrapped.
pub(crate) fn hushed<T>(whose: Hushed, code: impl FnOnce() -> T) -> T {
    // To set a hook in a thread that panics would be a panic in a panic.
    if !std::thread::panicking() {
        wrap_hook();
    }
    let _until_it_ends = Before(HUSHED.replace(Some(whose)));
    code()
}

fn wrap_hook() {
    static WRAPPED: Once = Once::new();
    WRAPPED.call_once(|| {
        let hook = take_hook();
        set_hook(Box::new(move |info| {
            let Some(whose) = HUSHED.get() else { return hook(info) };
            let (what, keeper) = match whose {
                Hushed::Saga => ("an expression of a saga", "the saga"),
                Hushed::Handler => ("a handler", "its command or a reply to it"),
            };
            let place = info.location().map(|location| format!(" at {location}")).unwrap_or_default();
            eprintln!("{what} panicked{place}: {REDACTED}, since {keeper} keeps values that are not shown");
        }));
    });
}

/// Restores what was before.
struct Before(Option<Hushed>);

impl Drop for Before {
    fn drop(&mut self) {
        HUSHED.set(self.0);
    }
}
