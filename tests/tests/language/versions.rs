//! `#[version]` and `#[name]`: what a definition is called, and sagas in flight when the program changes.

use std::sync::Arc;

use saga_runtime::message::SagaId;
use saga_runtime::prelude::*;
use tokio::sync::watch;

use super::tour::*;
use super::tour::{Event, HotelCommand};

mod first {
    use super::super::tour::Tour;
    use saga_runtime::prelude::*;

    saga! {
        pub(super) saga Trip(guest: String, gate: u32) -> u32 on Tour {
            trigger Arrived { guest, gate };
            concurrency allow;
            deadline 1h;
            step room -> u32 {
                send Book { night: gate };
                await Booked { room } => room;
                compensate Unbook { room };
            }
            return room;
        }
    }
}

mod second {
    use super::super::tour::Tour;
    use saga_runtime::prelude::*;

    saga! {
        /// Books one more.
        #[version(2)]
        pub(super) saga Trip(guest: String, gate: u32) -> u32 on Tour {
            trigger Arrived { guest, gate };
            concurrency allow;
            deadline 1h;
            step room -> u32 {
                send Book { night: gate };
                await Booked { room } => room;
                compensate Unbook { room };
            }
            step more -> u32 {
                send Book { night: gate + 100 };
                await Booked { room } => room;
                compensate Unbook { room: more };
            }
            return room + more;
        }
    }
}

/// The first again, with another clause and no other version.
mod changed {
    use super::super::tour::Tour;
    use saga_runtime::prelude::*;

    saga! {
        pub(super) saga Trip(guest: String, gate: u32) -> u32 on Tour {
            trigger Arrived { guest, gate };
            concurrency allow;
            deadline 1h;
            step room -> u32 {
                send Book { night: gate };
                await Booked { room } => room;
                within 10s;
                compensate Unbook { room };
            }
            return room;
        }
    }
}

/// The first again, word for word.
mod same {
    use super::super::tour::Tour;
    use saga_runtime::prelude::*;

    saga! {
        pub(super) saga Trip(guest: String, gate: u32) -> u32 on Tour {
            trigger Arrived { guest, gate };
            concurrency allow;
            deadline 1h;
            step room -> u32 {
                send Book { night: gate };
                await Booked { room } => room;
                compensate Unbook { room };
            }
            return room;
        }
    }
}

/// A saga and the one that it runs, in two versions each.
mod family {
    pub(super) mod first {
        use super::super::super::tour::Tour;
        use saga_runtime::prelude::*;

        saga! {
            pub(in super::super) saga Annex(night: u32) -> u32 on Tour {
                concurrency allow;
                deadline 1h;
                step room -> u32 {
                    send Book { night };
                    await Booked { room } => room;
                    compensate Unbook { room };
                }
                return room;
            }

            pub(in super::super) saga Wedding(night: u32) -> u32 on Tour {
                concurrency allow;
                deadline 1h;
                step room -> u32 {
                    send Book { night };
                    await Booked { room } => room;
                    compensate Unbook { room };
                }
                step annex -> u32 {
                    run Annex { night: night + 1 };
                    compensate unwind;
                }
                return room + annex;
            }
        }
    }

    pub(super) mod second {
        use super::super::super::tour::Tour;
        use super::first;
        use saga_runtime::prelude::*;

        saga! {
            #[version(2)]
            pub(in super::super) saga Annex(night: u32) -> u32 on Tour {
                concurrency allow;
                deadline 1h;
                step room -> u32 {
                    send Book { night: night + 100 };
                    await Booked { room } => room;
                    compensate Unbook { room };
                }
                return room;
            }

            /// Runs both versions of the other.
            #[version(2)]
            pub(in super::super) saga Wedding(night: u32) -> u32 on Tour {
                concurrency allow;
                deadline 1h;
                step former -> u32 {
                    run first::Annex { night };
                    compensate unwind;
                }
                step annex -> u32 {
                    run Annex { night };
                    compensate unwind;
                }
                return former + annex;
            }
        }
    }
}

/// The second again, with another output.
mod worded {
    use super::super::tour::Tour;
    use saga_runtime::prelude::*;

    saga! {
        #[version(2)]
        pub(super) saga Trip(guest: String, gate: u32) -> String on Tour {
            concurrency allow;
            deadline 1h;
            step room -> u32 {
                send Book { night: gate };
                await Booked { room } => room;
                compensate Unbook { room };
            }
            return format!("room {room}");
        }
    }
}

saga! {
    #[name("look-out")]
    saga LookOut(night: u32) -> u32 on Tour {
        concurrency allow;
        deadline 1h;
        step room -> u32 {
            send Book { night };
            await Booked { room } => room;
            compensate Unbook { room };
        }
        return room;
    }

    saga SixSteps(night: u32) -> u32 on Tour {
        concurrency allow;
        deadline 1h;
        step other -> u32 {
            send Book { night };
            await Booked { room } => room;
            compensate Unbook { room: other };
        }
        return other;
    }
}

/// A hotel that answers while it is open: room 10 for night 1.
#[derive(Clone)]
struct Hotel(Arc<watch::Sender<bool>>);

impl Hotel {
    fn closed() -> Self {
        Self(Arc::new(watch::channel(false).0))
    }

    fn open(&self) {
        self.0.send_replace(true);
    }
}

impl Participant for Hotel {
    type Command = HotelCommand;
    const MEMORY: Memory = Memory::Volatile;

    async fn handle(&self, command: HotelCommand, context: &Context<Tour>) -> Result<(), Refusal> {
        let mut open = self.0.subscribe();
        open.wait_for(|open| *open).await.map_err(|_| Refusal::Closed)?;
        if let HotelCommand::Book { night } = command {
            context.emit(Event::Booked { room: night * 10 });
        }
        Ok(())
    }
}

fn trip(gate: u32) -> first::Trip {
    first::Trip { guest: "ann".to_owned(), gate }
}

/// A log with one trip of the first version in flight.
async fn begun() -> (MemoryLog, SagaId) {
    let log = MemoryLog::new();
    let builder = Coordinator::builder().saga::<first::Trip>().log(log.clone()).participant(Hotel::closed());
    let coordinator = builder.start().await.expect("it starts");
    let id = coordinator.start(trip(1)).await.expect("accepted").id();
    coordinator.stop().await.expect("it stops");
    (log.reopen(), id)
}

/// Rule: versions.default
/// Rule: versions.name
#[test]
fn a_saga_has_a_name_and_a_version() {
    assert_eq!((first::Trip::DEFINITION.name, first::Trip::DEFINITION.version), ("trip", 1));
    assert_eq!((second::Trip::DEFINITION.name, second::Trip::DEFINITION.version), ("trip", 2));
    assert_eq!((SixSteps::DEFINITION.name, LookOut::DEFINITION.name), ("six_steps", "look-out"));
}

/// Rule: versions.fingerprint
#[test]
fn a_fingerprint_tells_definitions_apart() {
    let fingerprints = [
        first::Trip::DEFINITION.fingerprint(),
        second::Trip::DEFINITION.fingerprint(),
        changed::Trip::DEFINITION.fingerprint(),
        LookOut::DEFINITION.fingerprint(),
        SixSteps::DEFINITION.fingerprint(),
    ];
    for (place, fingerprint) in fingerprints.iter().enumerate() {
        assert!(!fingerprints[..place].contains(fingerprint), "{place}: {fingerprint}");
    }
    assert_eq!(same::Trip::DEFINITION.fingerprint(), fingerprints[0]);
}

/// Rule: versions.highest
#[tokio::test]
async fn starts_take_the_highest() {
    let hotel = Hotel::closed();
    hotel.open();
    let builder = Coordinator::builder().saga::<second::Trip>().saga::<first::Trip>();
    let coordinator = builder.log(MemoryLog::new()).participant(hotel).start().await.expect("it starts");
    let mut notices = coordinator.notices();
    coordinator.publish(arrived("ann", 1)).await.expect("published");
    let named = coordinator.start_named("trip", r#"{"guest":"ben","gate":2}"#, None).await.expect("accepted");
    let mut outputs = Vec::new();
    while outputs.len() < 2 {
        if let Notice::SagaCompleted { saga, output, .. } = notices.next().await.expect("the coordinator runs") {
            outputs.push((saga == named, output));
        }
    }
    outputs.sort_by_key(|(is_named, _)| *is_named);
    assert_eq!(outputs, [(false, 1020.into()), (true, 1040.into())]);
}

/// Rule: versions.own
#[tokio::test]
async fn a_saga_in_flight_ends_on_its_own_version() {
    let (log, id) = begun().await;
    let hotel = Hotel::closed();
    let builder = Coordinator::builder().saga::<first::Trip>().saga::<second::Trip>();
    let coordinator = builder.log(log).participant(hotel.clone()).start().await.expect("it starts");
    let old = coordinator.attach::<first::Trip>(id).await.expect("it is in flight");
    let new = coordinator.start(second::Trip { guest: "ben".to_owned(), gate: 2 }).await.expect("accepted");
    hotel.open();
    assert_eq!(old.outcome().await, Outcome::Completed(10));
    assert_eq!(new.outcome().await, Outcome::Completed(1040));
}

/// Rule: versions.own
#[tokio::test]
async fn what_a_saga_runs_is_of_the_version_that_it_names() {
    use family::{first, second};
    let (log, hotel) = (MemoryLog::new(), Hotel::closed());
    let builder = Coordinator::builder().saga::<first::Annex>().saga::<first::Wedding>();
    let coordinator = builder.log(log.clone()).participant(Hotel::closed()).start().await.expect("it starts");
    let id = coordinator.start(first::Wedding { night: 1 }).await.expect("accepted").id();
    coordinator.stop().await.expect("it stops");

    let builder = Coordinator::builder().saga::<first::Annex>().saga::<second::Annex>();
    let builder = builder.saga::<first::Wedding>().saga::<second::Wedding>().log(log.reopen());
    let coordinator = builder.participant(hotel.clone()).start().await.expect("it starts");
    let old = coordinator.attach::<first::Wedding>(id).await.expect("it is in flight");
    let new = coordinator.start(second::Wedding { night: 1 }).await.expect("accepted");
    hotel.open();
    assert_eq!(old.outcome().await, Outcome::Completed(10 + 20));
    assert_eq!(new.outcome().await, Outcome::Completed(10 + 1010));
}

/// Rule: versions.migrate
#[tokio::test]
async fn a_saga_in_flight_may_be_migrated() {
    let (log, id) = begun().await;
    let hotel = Hotel::closed();
    hotel.open();
    let builder = Coordinator::builder()
        .saga::<second::Trip>()
        .migrate::<first::Trip, second::Trip>(|state| serde_json::from_value(serde_json::to_value(state).ok()?).ok());
    let coordinator = builder.log(log).participant(hotel).start().await.expect("it starts");
    let handle = coordinator.attach::<second::Trip>(id).await.expect("it is in flight");
    assert_eq!(handle.outcome().await, Outcome::Completed(1020));
}

/// Rule: versions.migrate
#[tokio::test]
async fn a_migration_to_what_is_not_registered_is_an_error_before_the_start() {
    let builder = Coordinator::builder().saga::<first::Trip>().migrate::<first::Trip, second::Trip>(|_| None);
    let error = builder.log(MemoryLog::new()).participant(Hotel::closed()).start().await.expect_err("it leads nowhere");
    let expected = "`trip` version 1 is migrated to version 2, which is not registered: add `.saga::<Trip>()`";
    assert_eq!(error.to_string(), expected);
}

/// Rule: versions.own
#[tokio::test]
async fn a_handle_of_another_version_is_an_error_if_the_output_is_another() {
    let (log, id) = begun().await;
    let hotel = Hotel::closed();
    let builder = Coordinator::builder().saga::<first::Trip>().saga::<worded::Trip>();
    let coordinator = builder.log(log).participant(hotel.clone()).start().await.expect("it starts");
    let expected = "saga 1 is a `trip` of version 1, and its output is not that of version 2: attach to it with the type of \
                    version 1";
    let in_flight = coordinator.attach::<worded::Trip>(id).await.expect_err("it returns no text");
    assert_eq!(in_flight.to_string(), expected);
    hotel.open();
    let old = coordinator.attach::<first::Trip>(id).await.expect("it is in flight");
    assert_eq!(old.outcome().await, Outcome::Completed(10));
    let ended = coordinator.attach::<worded::Trip>(id).await.expect_err("it returned no text");
    assert_eq!(ended.to_string(), expected);
    let other = coordinator.attach::<second::Trip>(id).await.expect("it returns numbers too");
    assert_eq!(other.outcome().await, Outcome::Completed(10));
}

/// Rule: start.same-key
/// Rule: versions.own
#[tokio::test]
async fn a_start_with_the_key_of_another_version_is_an_error_if_the_output_is_another() {
    let log = MemoryLog::new();
    let builder = Coordinator::builder().saga::<first::Trip>().log(log.clone()).participant(Hotel::closed());
    let coordinator = builder.start().await.expect("it starts");
    let _ = coordinator.start(trip(1)).key("ann").await.expect("accepted");
    coordinator.stop().await.expect("it stops");

    let builder = Coordinator::builder().saga::<first::Trip>().saga::<worded::Trip>().log(log.reopen());
    let coordinator = builder.participant(Hotel::closed()).start().await.expect("it starts");
    let again = coordinator.start(worded::Trip { guest: "ann".to_owned(), gate: 1 }).key("ann");
    let error = again.await.expect_err("it returns no text").to_string();
    assert!(error.starts_with("saga 1 is a `trip` of version 1"), "{error}");
}

/// Rule: versions.unknown-parks
#[tokio::test]
async fn a_saga_of_an_unknown_version_is_parked_and_the_others_go_on() {
    let (log, id) = begun().await;
    let hotel = Hotel::closed();
    hotel.open();
    let builder = Coordinator::builder().saga::<second::Trip>();
    let coordinator = builder.log(log).participant(hotel).start().await.expect("it starts all the same");
    let other = coordinator.start(second::Trip { guest: "ben".to_owned(), gate: 2 }).await.expect("accepted");
    assert_eq!(other.outcome().await, Outcome::Completed(1040));
    let by = EndedBy { who: "ann".to_owned(), why: "its program is gone".to_owned() };
    coordinator.operate(id, Operator::End, by).await.expect("it is stuck, so it can be ended");
}

/// Rule: versions.changed-refuses
#[tokio::test]
async fn a_changed_definition_under_the_same_version_refuses_to_start() {
    let (log, _) = begun().await;
    let builder = Coordinator::builder().saga::<changed::Trip>().log(log).participant(Hotel::closed());
    let error = builder.start().await.expect_err("the saga in flight has another definition").to_string();
    for fingerprint in [first::Trip::DEFINITION.fingerprint(), changed::Trip::DEFINITION.fingerprint()] {
        assert!(error.contains(&*fingerprint), "it names {fingerprint}: {error}");
    }
}

/// Rule: versions.catalogue
#[tokio::test]
async fn two_of_one_name_and_version_are_an_error() {
    let builder = Coordinator::builder().saga::<first::Trip>().saga::<same::Trip>();
    let error = builder.log(MemoryLog::new()).participant(Hotel::closed()).start().await.err();
    assert!(error.expect("they cannot be told apart").to_string().contains("trip"));
}
