//! Lending a book.

// ANCHOR: saga
use saga_runtime::prelude::*;

use crate::bus::Library;

saga! {
    /// A copy of a book that waits for its member on the shelf at the door; or no loan at all.
    pub saga Lend(member: String, title: String) -> i64 on Library {
        concurrency queue per member;
        deadline 1h;

        /// From now on the register says who has it.
        step loan -> i64 {
            send Register { member, title };
            await Registered { loan } => loan;
            compensate Strike { loan };
        }

        step copy -> i64 {
            send Fetch { title };
            await Fetched { copy } => copy;
            compensate CarryBack { copy };
        }

        step place -> i64 {
            send PutOut { loan, copy };
            await OnShelf { place } => place;
            compensate none because "it is the last step";
        }

        return place;
    }
}
// ANCHOR_END: saga

// ANCHOR: tests
#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::{Command, Event, Refusal};

    fn lend() -> Lend {
        Lend { member: "Ada".into(), title: "Emma".into() }
    }

    #[test]
    fn a_book_comes_to_the_door() {
        let mut saga = SagaTest::start(lend());
        assert_eq!(saga.sent(), [Command::Register { member: "Ada".into(), title: "Emma".into() }]);
        saga.reply(Event::Registered { loan: 1 });
        assert_eq!(saga.sent(), [Command::Fetch { title: "Emma".into() }]);
        saga.reply(Event::Fetched { copy: 20 });
        assert_eq!(saga.sent(), [Command::PutOut { loan: 1, copy: 20 }]);
        saga.reply(Event::OnShelf { place: 2 });
        assert_eq!(saga.outcome(), Some(&Outcome::Completed(2)));
    }

    #[test]
    fn where_there_is_no_place_nothing_is_lent() {
        let mut saga = SagaTest::start(lend());
        saga.reply(Event::Registered { loan: 1 });
        saga.reply(Event::Fetched { copy: 20 });
        saga.refuse(Refusal::ShelfFull);
        assert_eq!(saga.sent(), [Command::CarryBack { copy: 20 }]);
        saga.handled();
        assert_eq!(saga.sent(), [Command::Strike { loan: 1 }]);
        saga.handled();
        let Some(Outcome::Compensated(cause)) = saga.outcome() else { panic!("it was refused") };
        assert_eq!((cause.step(), cause.refusal()), ("place", Some(Refusal::ShelfFull)));
    }
    // ANCHOR_END: tests

    // ANCHOR: explore
    /// What the participants may answer.
    fn answers(command: &Command) -> Vec<Event> {
        match command {
            Command::Register { .. } => vec![Event::Registered { loan: 1 }],
            Command::Fetch { .. } => vec![Event::Fetched { copy: 20 }],
            Command::PutOut { .. } => vec![Event::OnShelf { place: 2 }],
            Command::Strike { .. } | Command::CarryBack { .. } => vec![],
        }
    }

    #[test]
    fn whatever_happens_it_ends_and_leaves_no_half_of_it() {
        let explored = explore::<Lend>(lend(), answers);
        let ends: Vec<_> = explored.outcomes().keys().map(String::as_str).collect();
        assert_eq!(
            ends,
            ["Compensated: cancelled", "Compensated: deadline", "Compensated: refused", "Completed", "Ended"]
        );
    }
    // ANCHOR_END: explore
}
