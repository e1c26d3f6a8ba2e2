//! The transitions that `saga!` generates for a linear saga, called as the machine calls them, beside an enum written by
//! hand that owns the same values and moves by `match`.

use std::hint::black_box;
use std::time::Instant;

use saga_runtime::message::At;
use saga_runtime::prelude::*;
use saga_runtime::saga::{Heard, Verdict};
use serde::{Deserialize, Serialize};

use super::measure::{medians, nanos_each, sized};
use super::table::{Table, Target, nanos};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
#[bus(Shop)]
enum Command {
    #[to(Till)]
    #[replies(Counted)]
    Count { order: u64, number: u64 },
    #[to(Till)]
    #[replies(Named)]
    Name { order: u64, name: String },
    #[to(Till)]
    Undo { order: u64, receipt: u64 },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[bus(Shop)]
enum Event {
    Counted { receipt: u64 },
    Named { name: String },
}

#[derive(Debug)]
struct Shop;

impl Bus for Shop {
    const NAME: &'static str = "shop";
    type Command = Command;
    type Event = Event;
    type Refusal = String;
}

saga! {
    /// Five steps, one after another.
    saga Purchase(order: u64, customer: String) -> String on Shop {
        concurrency allow;
        deadline 1h;

        step reserve -> u64 {
            send Count { order, number: 1 };
            await Counted { receipt } => receipt;
            compensate Undo { order, receipt: reserve };
        }

        step charge -> u64 {
            send Count { order, number: reserve };
            await Counted { receipt } => receipt;
            compensate Undo { order, receipt: charge };
        }

        step address -> String {
            send Name { order, name: customer };
            await Named { name } => name;
            compensate none because "it is only looked up";
        }

        step pack -> u64 {
            send Count { order, number: charge };
            await Counted { receipt } => receipt;
            compensate Undo { order, receipt: pack };
        }

        step ship -> u64 {
            send Count { order, number: pack };
            await Counted { receipt } => receipt;
            compensate Undo { order, receipt: ship };
        }

        return address;
    }
}

const STEPS: usize = 5;

pub(crate) fn measure(table: &mut Table) {
    let answers =
        [counted(1), counted(2), Event::Named { name: "12 Analytical Row".to_owned() }, counted(4), counted(5)];
    for (what, sends) in [("a transition of a linear saga", false), ("the same, and what is sent", true)] {
        let rounds = sized(200_000);
        let (here, beside) = medians(
            5,
            || each(rounds, |purchase| generated(purchase, &answers, sends)),
            || each(rounds, |purchase| by_hand(purchase, &answers, sends)),
        );
        let beside_text = format!("{} `match` by hand", nanos(beside));
        table.row(what, &nanos(here), &beside_text, here / beside, Target::AtMost(3.0));
    }
}

fn counted(receipt: u64) -> Event {
    Event::Counted { receipt }
}

/// Nanoseconds for one of the transitions of so many sagas.
fn each(rounds: usize, run: impl Fn(Purchase)) -> f64 {
    let purchases = vec![Purchase { order: 7, customer: "Ada Lovelace".to_owned() }; rounds];
    let begin = Instant::now();
    purchases.into_iter().for_each(run);
    nanos_each(rounds * STEPS, begin.elapsed())
}

fn generated(purchase: Purchase, answers: &[Event; STEPS], sends: bool) {
    let mut state = black_box(purchase).begin();
    for (step, answer) in (0..).zip(answers) {
        let at = At::step(step);
        if sends {
            black_box(Purchase::exchange(&state, at, None));
        }
        let verdict = Purchase::answer(&mut state, at, None, Heard::Event(black_box(answer)));
        assert_eq!(verdict, Verdict::Done, "each step takes its answer");
        if usize::from(step) + 1 < STEPS {
            state = Purchase::forward(black_box(state));
        }
    }
    black_box(state);
}

fn by_hand(Purchase { order, customer }: Purchase, answers: &[Event; STEPS], sends: bool) {
    let mut state = black_box(ByHand::Reserve { order, customer });
    for answer in answers {
        if sends {
            black_box(state.command());
        }
        state = black_box(state.answered(black_box(answer)));
    }
    let ByHand::Done { order, address, reserve, charge, pack, ship } = state else { panic!("it takes each answer") };
    black_box((order, address, reserve, charge, pack, ship));
}

/// The same, as one would write it without anything.
enum ByHand {
    Reserve { order: u64, customer: String },
    Charge { order: u64, customer: String, reserve: u64 },
    Address { order: u64, customer: String, reserve: u64, charge: u64 },
    Pack { order: u64, address: String, reserve: u64, charge: u64 },
    Ship { order: u64, address: String, reserve: u64, charge: u64, pack: u64 },
    Done { order: u64, address: String, reserve: u64, charge: u64, pack: u64, ship: u64 },
}

impl ByHand {
    fn command(&self) -> Option<Command> {
        Some(match self {
            Self::Reserve { order, .. } => Command::Count { order: *order, number: 1 },
            Self::Charge { order, reserve, .. } => Command::Count { order: *order, number: *reserve },
            Self::Address { order, customer, .. } => Command::Name { order: *order, name: customer.clone() },
            Self::Pack { order, charge, .. } => Command::Count { order: *order, number: *charge },
            Self::Ship { order, pack, .. } => Command::Count { order: *order, number: *pack },
            Self::Done { .. } => return None,
        })
    }

    fn answered(self, answer: &Event) -> Self {
        match (self, answer) {
            (Self::Reserve { order, customer }, Event::Counted { receipt }) => {
                Self::Charge { order, customer, reserve: *receipt }
            }
            (Self::Charge { order, customer, reserve }, Event::Counted { receipt }) => {
                Self::Address { order, customer, reserve, charge: *receipt }
            }
            (Self::Address { order, reserve, charge, .. }, Event::Named { name }) => {
                Self::Pack { order, address: name.clone(), reserve, charge }
            }
            (Self::Pack { order, address, reserve, charge }, Event::Counted { receipt }) => {
                Self::Ship { order, address, reserve, charge, pack: *receipt }
            }
            (Self::Ship { order, address, reserve, charge, pack }, Event::Counted { receipt }) => {
                Self::Done { order, address, reserve, charge, pack, ship: *receipt }
            }
            (state, _) => state,
        }
    }
}
