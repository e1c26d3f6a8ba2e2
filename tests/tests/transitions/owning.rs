//! What a transition costs in values: it moves those that the saga owns, and copies only what it hears and what it says.

use std::cell::Cell;
use std::mem::size_of;

use saga_runtime::message::At;
use saga_runtime::prelude::*;
use saga_runtime::saga::{Heard, Verdict};
use serde::{Deserialize, Serialize};

/// A text that counts its copies, each of which is an allocation.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
struct Text(String);

thread_local! {
    static COPIES: Cell<usize> = const { Cell::new(0) };
}

impl Clone for Text {
    fn clone(&self) -> Self {
        COPIES.set(COPIES.get() + 1);
        Self(self.0.clone())
    }
}

impl Text {
    fn of(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Where its bytes are: the same as before if it was only moved.
    fn place(&self) -> *const u8 {
        self.0.as_ptr()
    }
}

/// What this gives, and how many copies it made.
fn copies<T>(of: impl FnOnce() -> T) -> (T, usize) {
    let before = COPIES.get();
    let value = of();
    (value, COPIES.get() - before)
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
#[bus(Post)]
enum Command {
    #[to(Scales)]
    #[replies(Weighed)]
    Weigh { parcel: Text },
    #[to(Scales)]
    Unload { parcel: Text, grams: u64 },
    #[to(Printer)]
    #[replies(Printed)]
    Print { grams: u64 },
    #[to(Printer)]
    Stick { label: Text, parcel: Text },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[bus(Post)]
enum Event {
    Weighed { grams: u64 },
    Printed { label: Text },
}

#[derive(Debug)]
struct Post;

impl Bus for Post {
    const NAME: &'static str = "post";
    type Command = Command;
    type Event = Event;
    type Refusal = String;
}

saga! {
    saga Dispatch(parcel: Text) -> Text on Post {
        concurrency allow;
        deadline 1h;

        step weigh -> u64 {
            send Weigh { parcel };
            await Weighed { grams } => grams;
            compensate Unload { parcel, grams: weigh };
        }

        step print -> Text {
            send Print { grams: weigh };
            await Printed { label } => label;
            compensate none because "a label is paper";
        }

        step stick {
            send Stick { label: print, parcel };
            compensate none because "the label stays on";
        }

        step check -> u64 {
            send Weigh { parcel };
            await Weighed { grams } => grams;
            compensate none because "it is on the scales already";
        }

        step again -> Text {
            send Print { grams: check };
            await Printed { label } => label;
            compensate none because "a label is paper";
        }

        return again;
    }
}

fn answers() -> [Option<Event>; 5] {
    let weighed = || Some(Event::Weighed { grams: 5 });
    let printed = || Some(Event::Printed { label: Text::of("to Ada") });
    [weighed(), printed(), None, weighed(), printed()]
}

fn heard(answer: &Option<Event>) -> Heard<'_, Post> {
    answer.as_ref().map_or(Heard::Handled, Heard::Event)
}

/// How many texts each step says and hears.
const SAID: [usize; 5] = [1, 0, 2, 1, 0];
const HEARD: [usize; 5] = [0, 1, 0, 0, 1];

#[test]
fn the_way_forward_copies_what_it_says_and_hears_and_nothing_else() {
    let parcel = Text::of("a book");
    let place = parcel.place();
    let answers = answers();
    let (mut state, begun) = copies(|| Dispatch { parcel }.begin());
    assert_eq!(begun, 0);
    for (step, answer) in (0_u16..).zip(&answers) {
        let index = usize::from(step);
        let (plan, said) = copies(|| Dispatch::exchange(&state, At::step(step), None));
        assert_eq!((plan.into_command().is_some(), said), (true, SAID[index]), "what step {step} says");
        let (verdict, taken) = copies(|| Dispatch::answer(&mut state, At::step(step), None, heard(answer)));
        assert_eq!((verdict, taken), (Verdict::Done, HEARD[index]), "what step {step} hears");
        if index + 1 < answers.len() {
            let (next, moved) = copies(|| Dispatch::forward(state));
            assert_eq!(moved, 0, "from step {step} to the next");
            state = next;
        }
        if let DispatchState::Print { parcel, .. } | DispatchState::Stick { parcel, .. } = &state {
            assert_eq!(parcel.place(), place, "it was moved");
        }
    }
    let (output, returned) = copies(|| Dispatch::output(&state));
    assert_eq!((output, returned), (Text::of("to Ada"), 1));
}

#[test]
fn the_way_back_moves_what_it_undoes_with() {
    let mut state = Dispatch { parcel: Text::of("a book") }.begin();
    for (step, answer) in (0..3).zip(&answers()) {
        assert_eq!(Dispatch::answer(&mut state, At::step(step), None, heard(answer)), Verdict::Done);
        state = Dispatch::forward(state);
    }
    let (state, moved) = copies(|| Dispatch::back(state, 0));
    assert_eq!(moved, 0);
    let (plan, said) = copies(|| Dispatch::exchange(&state, At::step(0).undo(), None));
    assert_eq!(plan.into_command(), Some(Command::Unload { parcel: Text::of("a book"), grams: 5 }));
    assert_eq!(said, 1);
}

/// A state behind a pointer would be an allocation with every transition.
#[test]
fn a_state_holds_its_values_itself() {
    let largest = size_of::<(Text, u64, Text, Option<()>)>().max(size_of::<(Text, u64, u64, Option<Text>)>());
    let state = size_of::<DispatchState>();
    let smallest = 2 * size_of::<Text>() + size_of::<u64>();
    assert!((smallest..=largest + size_of::<usize>()).contains(&state), "{state} bytes; {smallest} to {largest}");
}
