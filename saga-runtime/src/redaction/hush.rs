//! What a panic says on standard error, when that may repeat a value that is not shown.
//!
//! A panic that is caught has been told before, by the hook of the process. So that hook is wrapped, once, and only in a
//! program whose sagas keep such values. It knows no sagas.

use std::cell::Cell;
use std::panic::{set_hook, take_hook};
use std::sync::Once;

use super::REDACTED;

thread_local! {
    /// Whether a panic in this thread may repeat what is not shown.
    static IS_HUSHED: Cell<bool> = const { Cell::new(false) };
}

/// Runs code whose panic is told without its text. A hook that the program sets later is not wrapped.
pub(crate) fn hushed<T>(code: impl FnOnce() -> T) -> T {
    // To set a hook in a thread that panics would be a panic in a panic.
    if !std::thread::panicking() {
        wrap_hook();
    }
    let _until_it_ends = Hushed(IS_HUSHED.replace(true));
    code()
}

fn wrap_hook() {
    static WRAPPED: Once = Once::new();
    WRAPPED.call_once(|| {
        let hook = take_hook();
        set_hook(Box::new(move |info| {
            if !IS_HUSHED.get() {
                return hook(info);
            }
            let place = info.location().map(|location| format!(" at {location}")).unwrap_or_default();
            eprintln!(
                "an expression of a saga panicked{place}: {REDACTED}, since the saga keeps values that are not shown"
            );
        }));
    });
}

/// Restores what was before.
struct Hushed(bool);

impl Drop for Hushed {
    fn drop(&mut self) {
        IS_HUSHED.set(self.0);
    }
}
