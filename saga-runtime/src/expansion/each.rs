//! What expansions call for steps with `when` and `for`, and for `require`.
//!
//! It knows nothing of the machine.

use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;

use crate::message::At;
use crate::saga::{Items, Slot, Value, Verdict};

/// All that was required holds.
pub const HOLDS: Result<(), String> = Ok(());

/// What was required does not hold, for this reason.
///
/// # Errors
/// Always.
pub fn lacking<T: fmt::Display>(reason: T) -> Result<(), String> {
    Err(reason.to_string())
}

/// The step is not done: its output is none.
pub fn skip<T>(slot: &mut Slot<Option<T>>) -> u32 {
    *slot = Slot::full(None);
    0
}

/// The step with `for` is not done.
pub fn skip_items<T>(items: &mut Items<T>) -> u32 {
    *items = Items::SKIPPED;
    0
}

/// The step begins with these items, which the state keeps.
pub fn keep<T, I: IntoIterator<Item: Value>>(kept: &mut Items<T>, items: I) -> u32 {
    *kept = Items::new(items.into_iter());
    kept.count()
}

/// The item of this exchange. `_like` only tells its type, which has no name.
#[track_caller]
pub fn item<T, I: Value>(kept: &Items<T>, at: At, _like: impl Fn() -> PhantomData<I>) -> I {
    kept.item(at.item)
}

/// The type of what this gives, which may live longer than what it is lent from.
pub fn items<I: IntoIterator>(_: I) -> PhantomData<I::Item> {
    PhantomData
}

/// The exchange of this item has ended with this output.
///
/// # Panics
/// When it cannot be kept.
#[track_caller]
pub fn item_done<T: Serialize + 'static>(kept: &mut Items<T>, at: At, output: T) -> Verdict {
    super::kept::assert_keeps(&output);
    kept.put(at.item, output);
    Verdict::Done
}

/// What the exchange of this item gave, for what undoes it.
///
/// # Panics
/// When it gave nothing: then there is nothing to undo.
#[track_caller]
pub fn output_of<T: Clone>(kept: &Items<T>, at: At) -> T {
    kept.output(at.item).cloned().expect("only what took effect is undone")
}

/// Whether the exchange of this item has ended with an output.
pub fn has_output<T>(kept: &Items<T>, at: At) -> bool {
    kept.output(at.item).is_some()
}

/// Whether no more comes of a step with `for`: it was not done, or all items have ended.
pub fn is_over<T>(kept: &Items<T>) -> bool {
    kept.is_over()
}

/// What the one exchange of a step with `when` gave, for what undoes it.
///
/// # Panics
/// When it was not done: then there is nothing to undo.
#[track_caller]
pub fn ran<T: Clone>(slot: &Slot<Option<T>>) -> T {
    slot.get().cloned().flatten().expect("only what took effect is undone")
}

/// The outputs of a step with `for` that has ended.
#[track_caller]
pub fn outputs<T: Clone>(kept: &Items<T>) -> Vec<T> {
    kept.outputs().unwrap_or_default()
}

/// The outputs of a step with `for` and `when` that has ended.
#[track_caller]
pub fn outputs_if_any<T: Clone>(kept: &Items<T>) -> Option<Vec<T>> {
    kept.outputs()
}

/// The output of a step, for a step that runs on every way out.
pub fn if_any<T: Clone>(slot: &Slot<T>) -> Option<T> {
    slot.get().cloned()
}

/// The output of a step with `when`, for a step that runs on every way out.
pub fn if_ran<T: Clone>(slot: &Slot<Option<T>>) -> Option<T> {
    slot.get().cloned().flatten()
}

/// The outputs of a step with `for`, for a step that runs on every way out: if all items have ended.
pub fn if_all<T: Clone>(kept: &Items<T>) -> Option<Vec<T>> {
    kept.outputs_so_far()
}
