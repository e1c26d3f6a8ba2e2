//! Lending a book, from the day on which the shelf was full too often.

use saga_runtime::prelude::*;

use crate::bus::Library;

saga! {
    /// A copy of a book that waits for its member on the shelf at the door; or no loan at all.
    #[version(2)]
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

        // ANCHOR: place
        /// Members come all the time: somebody will make room.
        step place -> i64 {
            send PutOut { loan, copy };
            await {
                OnShelf { place } => place,
                refused ShelfFull => retry,
            }
            retry 3 times every 100ms..1s;
            compensate none because "it is the last step";
        }
        // ANCHOR_END: place

        return place;
    }
}
