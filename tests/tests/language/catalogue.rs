//! What is checked when sagas are put together in one coordinator, before it starts.

use saga_runtime::prelude::*;

use super::bus::*;
use super::bus::{AirlineCommand, Event};

mod circle {
    use saga_runtime::prelude::*;
    use serde::{Deserialize, Serialize};

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
    #[bus(Echo)]
    pub(super) enum Command {
        #[to(Wall)]
        #[replies(Ponged)]
        Ping { loudness: u32 },
        #[to(Wall)]
        #[replies(Pinged)]
        Pong { loudness: u32 },
        #[to(Wall)]
        Hush,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
    #[bus(Echo)]
    pub(super) enum Event {
        Pinged { loudness: u32 },
        Ponged { loudness: u32 },
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
    #[error("no")]
    pub(super) struct Refusal;

    pub(super) struct Echo;
    impl Bus for Echo {
        const NAME: &'static str = "echo";
        type Command = Command;
        type Event = Event;
        type Refusal = Refusal;
    }

    saga! {
        pub(super) saga Forth(loudness: u32) on Echo {
            trigger Pinged { loudness };
            concurrency allow;
            deadline 1m;
            step ping {
                send Ping { loudness };
                compensate none because "it is gone";
            }
        }

        pub(super) saga Back(loudness: u32) on Echo {
            trigger Ponged { loudness };
            concurrency allow;
            deadline 1m;
            step pong {
                send Pong { loudness };
                compensate none because "it is gone";
            }
        }

        /// Answers only when it is undone.
        pub(super) saga Undone(loudness: u32) on Echo {
            trigger Ponged { loudness };
            concurrency allow;
            deadline 1m;
            step hush {
                send Hush;
                compensate Pong { loudness };
            }
        }

        /// Comes to an end.
        pub(super) saga Fading(loudness: u32) on Echo {
            trigger Ponged { loudness } if loudness > 1 => { loudness: loudness / 2 };
            concurrency allow;
            deadline 1m;
            step pong {
                send Pong { loudness };
                compensate none because "it is gone";
            }
        }
    }

    pub(super) struct Wall;
    impl Participant for Wall {
        type Command = WallCommand;
        const MEMORY: Memory = Memory::Volatile;

        async fn handle(&self, command: WallCommand, context: &Context<Echo>) -> Result<(), Refusal> {
            match command {
                WallCommand::Ping { loudness } => context.emit(Event::Ponged { loudness }),
                WallCommand::Pong { loudness } => context.emit(Event::Pinged { loudness }),
                WallCommand::Hush => {}
            }
            Ok(())
        }
    }
}

struct Airline;

impl Participant for Airline {
    type Command = AirlineCommand;
    const MEMORY: Memory = Memory::Volatile;

    async fn handle(&self, _: AirlineCommand, context: &Context<Travel>) -> Result<(), Refusal> {
        context.emit(Event::Rooms { free: vec![] });
        Ok(())
    }
}

/// Rule: catalogue.unserved
#[tokio::test]
async fn a_participant_that_is_sent_to_must_be_served() {
    let builder = Coordinator::builder().saga::<Trip>().log(MemoryLog::new()).participant(Airline);
    let error = builder.start().await.expect_err("nobody serves the bank and the hotel").to_string();
    assert!(error.contains("bank") || error.contains("hotel"), "{error}");
    assert!(!error.contains("airline"), "{error}");
}

/// Rule: catalogue.trigger-circle
#[tokio::test]
async fn triggers_must_not_go_round_in_a_circle() {
    let builder = Coordinator::builder().saga::<circle::Forth>().saga::<circle::Back>();
    let error = builder.log(MemoryLog::new()).participant(circle::Wall).start().await.err();
    let error = error.expect("each would start the other for ever").to_string();
    assert!(error.contains("forth") && error.contains("back"), "{error}");
}

/// Rule: catalogue.trigger-circle
#[tokio::test]
async fn what_undoes_a_step_closes_a_circle_too() {
    let builder = Coordinator::builder().saga::<circle::Forth>().saga::<circle::Undone>();
    let error = builder.log(MemoryLog::new()).participant(circle::Wall).start().await.err();
    let error = error.expect("each would start the other for ever").to_string();
    assert!(error.contains("forth") && error.contains("undone"), "{error}");
}

/// Rule: catalogue.trigger-circle
#[tokio::test]
async fn a_circle_with_a_condition_may_end() {
    let builder = Coordinator::builder().saga::<circle::Forth>().saga::<circle::Fading>();
    builder.log(MemoryLog::new()).participant(circle::Wall).start().await.expect("it may end");
}
