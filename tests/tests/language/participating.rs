//! What travels around a command: its saga, step, attempt and mode are in the context and never in the message.

use std::sync::{Arc, Mutex};

use saga_runtime::prelude::*;

use super::bus::*;
use super::bus::{AirlineCommand, BankCommand, Event, HotelCommand, Travel};

/// What a participant was told about each of its commands.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    command: String,
    mode: Mode,
    attempt: u32,
    saga: SagaId,
}

#[derive(Clone, Default)]
struct Ledger(Arc<Mutex<Vec<Told>>>);

impl Ledger {
    fn write(&self, command: &impl std::fmt::Debug, context: &Context<Travel>) {
        let command = format!("{command:?}");
        let told = Told { command, mode: context.mode(), attempt: context.attempt(), saga: context.saga() };
        self.0.lock().expect("nobody panicked with it").push(told);
    }
}

struct Bank(Ledger);
struct Hotel(Ledger);
struct Airline(Ledger);

impl Participant for Bank {
    type Command = BankCommand;
    const MEMORY: Memory = Memory::Volatile;

    async fn handle(&self, command: BankCommand, context: &Context<Travel>) -> Result<(), Refusal> {
        self.0.write(&command, context);
        if matches!(command, BankCommand::Charge { .. }) {
            context.emit(charged());
        }
        Ok(())
    }
}

impl Participant for Hotel {
    type Command = HotelCommand;
    const MEMORY: Memory = Memory::Volatile;

    async fn handle(&self, command: HotelCommand, context: &Context<Travel>) -> Result<(), Refusal> {
        self.0.write(&command, context);
        match command {
            HotelCommand::Book { .. } => context.emit(booked()),
            HotelCommand::Unbook { .. } if context.mode() == Mode::Compensation && context.attempt() == 1 => {
                return Err(Refusal::Closed);
            }
            _ => {}
        }
        Ok(())
    }
}

impl Participant for Airline {
    type Command = AirlineCommand;
    const MEMORY: Memory = Memory::Volatile;

    async fn handle(&self, command: AirlineCommand, context: &Context<Travel>) -> Result<(), Refusal> {
        self.0.write(&command, context);
        context.emit(Event::Rooms { free: vec![] });
        Err(Refusal::Full)
    }
}

/// Rule: bus.envelope
/// Rule: bus.answered
/// Rule: participants.context
/// Rule: undoing.compensate.mode
/// Rule: attempts.events-discarded
#[tokio::test]
async fn the_envelope_says_what_no_message_says() {
    let ledger = Ledger::default();
    let builder = Coordinator::builder().saga::<Trip>().log(MemoryLog::new());
    let builder = builder.participant(Bank(ledger.clone())).participant(Hotel(ledger.clone()));
    let coordinator = builder.participant(Airline(ledger.clone())).start().await.expect("it starts");
    let trip = coordinator.start(trip()).await.expect("accepted");
    let Outcome::Compensated(cause) = trip.outcome().await else { panic!("the airline is full") };
    assert_eq!(cause.refusal(), Some(Refusal::Full));
    let told = |command: &str, mode, attempt| Told { command: command.to_owned(), mode, attempt, saga: trip.id() };
    let expected = [
        told("Charge { cents: 500 }", Mode::Forward, 1),
        told("Book { night: 3 }", Mode::Forward, 1),
        told("Fly", Mode::Forward, 1),
        told(r#"Unbook { room: "12" }"#, Mode::Compensation, 1),
        told(r#"Unbook { room: "12" }"#, Mode::Compensation, 2),
        told("Refund { receipt: 7 }", Mode::Compensation, 1),
    ];
    assert_eq!(*ledger.0.lock().expect("nobody panicked with it"), expected);
}
