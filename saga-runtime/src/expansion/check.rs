//! Rules of the language that need the declarations of a bus, evaluated by the compiler.
//!
//! Each panics with a sentence. All functions on the way track their caller, so that the error stands at the token
//! that the expansion gave them.

mod keys;

use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::keys::{IsCompared, IsKey, KeyOf, MayBeKey, Missing, NoKey, carried_key, carries, key_of};
use crate::definition::{Definition, StepKind};
use crate::message::{CommandInfo, Event, EventInfo};

/// A sentence made while the program is compiled.
struct Text {
    bytes: [u8; 400],
    length: usize,
}

impl Text {
    const fn new(text: &str) -> Self {
        Self { bytes: [0; 400], length: 0 }.and(text)
    }

    /// The sentence so far and this; what does not fit is left out.
    const fn and(mut self, text: &str) -> Self {
        let text = text.as_bytes();
        if self.length + text.len() <= self.bytes.len() {
            let mut index = 0;
            while index < text.len() {
                self.bytes[self.length] = text[index];
                self.length += 1;
                index += 1;
            }
        }
        self
    }

    /// The sentence and a name in backticks.
    const fn name(self, name: &str) -> Self {
        self.and("`").and(name).and("`")
    }

    #[track_caller]
    const fn fail(&self) -> ! {
        let (text, _) = self.bytes.split_at(self.length);
        match std::str::from_utf8(text) {
            Ok(text) => panic!("{}", text),
            Err(_) => panic!("a rule of the language is broken here"),
        }
    }
}

/// Whether two texts are the same.
pub(super) const fn same(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    if left.len() != right.len() {
        return false;
    }
    let mut index = 0;
    while index < left.len() {
        if left[index] != right[index] {
            return false;
        }
        index += 1;
    }
    true
}

const fn contains(names: &[&str], name: &str) -> bool {
    let mut index = 0;
    while index < names.len() {
        if same(names[index], name) {
            return true;
        }
        index += 1;
    }
    false
}

/// Names in backticks with commas.
const fn list(mut text: Text, names: &[&str]) -> Text {
    let mut index = 0;
    while index < names.len() {
        if index > 0 {
            text = text.and(", ");
        }
        text = text.name(names[index]);
        index += 1;
    }
    text
}

/// A command that the compiler knows; of one that it does not, it says so itself.
const fn known(command: &CommandInfo) -> bool {
    !command.name.is_empty()
}

/// The command exists; `name` is empty where the compiler says so better.
#[track_caller]
pub const fn exists(command: &CommandInfo, name: &str) {
    if !known(command) && !name.is_empty() {
        Text::new("").name(name).and(" is no command of the bus").fail();
    }
}

/// `send` is not for queries (L20).
#[track_caller]
pub const fn sent(command: &CommandInfo, name: &str) {
    exists(command, name);
    if known(command) && command.query {
        let text = Text::new("").name(command.name).and(" is a query and has no effect: write `query ");
        text.and(command.name).and("`").fail();
    }
}

/// `query` is only for queries (L20).
#[track_caller]
pub const fn queried(command: &CommandInfo, name: &str) {
    exists(command, name);
    if known(command) && !command.query {
        let text = Text::new("").name(command.name).and(" has an effect, so it cannot be queried: write `send ");
        text.and(command.name).and("`, and what undoes it").fail();
    }
}

/// What undoes something has an effect (L20).
#[track_caller]
pub const fn compensates(command: &CommandInfo, name: &str) {
    exists(command, name);
    if known(command) && command.query {
        Text::new("").name(command.name).and(" is a query: it changes nothing, so it undoes nothing").fail();
    }
}

/// What is unwound can be undone to its beginning (L25).
#[track_caller]
pub const fn unwinds(saga: &Definition) {
    let mut index = 0;
    while index < saga.steps.len() {
        if let StepKind::Pivot = saga.steps[index].kind {
            Text::new("")
                .name(saga.type_name)
                .and(" has a pivot, behind which there is no way back, so it cannot be unwound: name the command that undoes it, or `compensate none because \"…\"`")
                .fail();
        }
        index += 1;
    }
}

/// An awaited event exists and answers the command (L17). Of one that does not exist the compiler says so itself, but
/// for one with fields in braces, of which it says nothing that helps.
#[track_caller]
pub const fn answers<E: Event>(command: &CommandInfo, event: &str, braced: bool) {
    if contains(command.replies, event) {
        return;
    }
    if !is_among(E::EVENTS, event) {
        if !braced {
            return;
        }
        if command.replies.is_empty() {
            no_event(event);
        }
        let text = Text::new("").name(event).and(" is no event of the bus; the replies to ").name(command.name);
        list(text.and(" are "), command.replies).fail();
    }
    if known(command) && all_exist(command.replies, E::EVENTS) {
        let text = Text::new("")
            .name(event)
            .and(" is no reply to ")
            .name(command.name)
            .and(", so no one answers this await: ");
        if command.replies.is_empty() {
            text.and("the command declares no `#[replies]`").fail();
        }
        list(text.and("its replies are "), command.replies).fail();
    }
}

/// Every reply is taken by an arm (L18); silent where an event is no reply at all.
#[track_caller]
pub const fn replies_taken(command: &CommandInfo, named: &[&str], taken: &[&str]) {
    replies_picked(command, named, taken, &[]);
}

/// The same where arms take some of those `picked`.
#[track_caller]
pub const fn replies_picked(command: &CommandInfo, named: &[&str], taken: &[&str], picked: &[&str]) {
    let Some(missing) = missing(command.replies, taken) else { return };
    if are_among(named, command.replies) {
        not_taken(command, missing, contains(picked, missing), "reply");
    }
}

/// Every refusal is taken by an arm (L19); silent where one that is named is not declared.
#[track_caller]
pub const fn refusals_taken(command: &CommandInfo, named: &[&str], taken: &[&str]) {
    refusals_picked(command, named, taken, &[]);
}

/// The same where arms take some of those `picked`.
#[track_caller]
pub const fn refusals_picked(command: &CommandInfo, named: &[&str], taken: &[&str], picked: &[&str]) {
    let Some(missing) = missing(command.refuses, taken) else { return };
    if are_among(named, command.refuses) {
        not_taken(command, missing, contains(picked, missing), "refusal");
    }
}

/// Whether all that are named were declared.
const fn are_among(named: &[&str], declared: &[&str]) -> bool {
    let mut index = 0;
    while index < named.len() {
        if !contains(declared, named[index]) {
            return false;
        }
        index += 1;
    }
    true
}

/// The first that was declared and is not taken.
const fn missing(declared: &'static [&'static str], taken: &[&str]) -> Option<&'static str> {
    let mut index = 0;
    while index < declared.len() {
        if !contains(taken, declared[index]) {
            return Some(declared[index]);
        }
        index += 1;
    }
    None
}

#[track_caller]
const fn not_taken(command: &CommandInfo, missing: &str, picked: bool, what: &str) -> ! {
    let text = Text::new("no arm takes every ").name(missing).and(", a ").and(what).and(" of ").name(command.name);
    if picked {
        text.and(": the pattern of its arm looks inside a field and may not match: bind the field whole, or add an arm for the rest").fail()
    }
    text.and(": add an arm for it, without `if`").fail()
}

/// A trigger without a condition is no reply to the saga's own commands (L21).
#[track_caller]
pub const fn does_not_start_itself(event: &str, commands: &[&CommandInfo]) {
    let mut index = 0;
    while index < commands.len() {
        if contains(commands[index].replies, event) {
            Text::new("")
                .name(event)
                .and(" is a reply to this saga's own ")
                .name(commands[index].name)
                .and(", so it would start itself for ever: add a condition with `if`")
                .fail();
        }
        index += 1;
    }
}

/// What `#[replies]` lists is an event of the bus (L24).
#[track_caller]
pub const fn is_event(events: &[EventInfo], event: &str) {
    if !is_among(events, event) {
        no_event(event);
    }
}

const fn is_among(events: &[EventInfo], event: &str) -> bool {
    let mut index = 0;
    while index < events.len() {
        if same(events[index].name, event) {
            return true;
        }
        index += 1;
    }
    false
}

#[track_caller]
const fn no_event(event: &str) {
    Text::new("").name(event).and(" is no event of the bus: add it to the events, or correct the name").fail();
}

/// Whether these are events of the bus. Of one that is not that is told where it stands, and an event that seems to be
/// no reply may be what was meant.
const fn all_exist(names: &[&str], events: &[EventInfo]) -> bool {
    let mut index = 0;
    while index < names.len() {
        if !is_among(events, names[index]) {
            return false;
        }
        index += 1;
    }
    true
}

/// An event is a reply, or says who publishes it (L24).
#[track_caller]
pub const fn is_said(commands: &[CommandInfo], events: &[EventInfo], event: &str) {
    if commands.is_empty() {
        return;
    }
    let mut index = 0;
    while index < commands.len() {
        if contains(commands[index].replies, event) || !all_exist(commands[index].replies, events) {
            return;
        }
        index += 1;
    }
    Text::new("")
        .name(event)
        .and(" is no command's reply and no one publishes it: add `#[from(Participant)]`, or list it in a command's `#[replies]`")
        .fail();
}

/// Tells what a type can do: its own constants where it can, those of [`Lacks`] where it cannot.
pub struct Probe<T>(PhantomData<T>);

/// What a type is taken to lack unless [`Probe`] says otherwise.
pub trait Lacks {
    /// `Clone`.
    const CLONE: bool = false;
    /// `Serialize`.
    const SERIALIZE: bool = false;
    /// `DeserializeOwned`.
    const DESERIALIZE: bool = false;
    /// `Send + 'static`.
    const SEND: bool = false;
}

impl<T> Lacks for Probe<T> {}

impl<T: Clone> Probe<T> {
    /// It is there.
    pub const CLONE: bool = true;
}

impl<T: Serialize> Probe<T> {
    /// It is there.
    pub const SERIALIZE: bool = true;
}

impl<T: DeserializeOwned> Probe<T> {
    /// It is there.
    pub const DESERIALIZE: bool = true;
}

impl<T: Send + 'static> Probe<T> {
    /// It is there.
    pub const SEND: bool = true;
}

/// A value can be kept (L23).
#[track_caller]
pub const fn value(ty: &str, clone: bool, serialize: bool, deserialize: bool, send: bool) {
    if clone && serialize && deserialize && send {
        return;
    }
    let mut text = Text::new("a saga keeps values of ").name(ty).and(", which lacks ");
    let lacking = [(clone, "Clone"), (serialize, "Serialize"), (deserialize, "Deserialize"), (send, "Send + 'static")];
    let (mut index, mut several) = (0, false);
    while index < lacking.len() {
        if !lacking[index].0 {
            text = if several { text.and(", ") } else { text };
            text = text.name(lacking[index].1);
            several = true;
        }
        index += 1;
    }
    text.fail();
}

/// Checks a type, at its token (L23).
#[doc(hidden)]
#[macro_export]
macro_rules! __value {
    ($text:literal, $ty:ty) => {
        #[allow(unused_imports)]
        const _: () = {
            use $crate::__private::check::Lacks as _;
            type Probe = $crate::__private::check::Probe<$ty>;
            $crate::__private::check::value($text, Probe::CLONE, Probe::SERIALIZE, Probe::DESERIALIZE, Probe::SEND)
        };
    };
}
