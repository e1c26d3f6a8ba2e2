//! The transition functions that `saga!` generates, called as the machine calls them.

mod owning;

use std::time::Duration;

use saga_runtime::message::At;
use saga_runtime::prelude::*;
use saga_runtime::saga::{ExchangePlan, Heard, Position, RetryPlan, Slot, Verdict};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
#[bus(Travel)]
enum Command {
    #[to(Bank)]
    #[replies(Charged)]
    #[refuses(NoFunds, Closed)]
    Charge { traveller: String, cents: u64 },
    #[to(Bank)]
    Refund { receipt: u64, because: String },
    #[to(Hotel)]
    #[replies(Booked, Waiting)]
    #[refuses(Full)]
    Book(String, Vec<u8>),
    #[to(Hotel)]
    Unbook(Vec<String>),
    #[to(Hotel)]
    #[replies(Rooms)]
    #[query]
    RoomsOf { hotel: String },
    #[to(Bank)]
    Stamp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[bus(Travel)]
enum Event {
    Charged {
        receipt: u64,
    },
    Booked(String),
    Waiting,
    Rooms {
        free: Vec<u8>,
    },
    #[from(Desk)]
    Asked {
        who: String,
        cents: u64,
        urgent: bool,
    },
    #[from(Desk)]
    Repeated(String),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
enum Refusal {
    #[error("no funds: {missing} are missing")]
    NoFunds { missing: u64 },
    #[error("closed")]
    Closed,
    #[error("full")]
    Full,
}

struct Travel;
impl Bus for Travel {
    const NAME: &'static str = "travel";
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Summary {
    title: String,
    receipt: u64,
    rooms: Vec<String>,
    again: u64,
}

saga! {
    saga Trip(traveller: String, cents: u64, hotels: Vec<String>) -> Summary on Travel {
        trigger Asked { who, cents, urgent } if urgent => { traveller: who, cents, hotels: vec!["Ritz".to_owned()] };
        trigger Repeated(who) => { traveller: who.clone(), cents: 0, hotels: vec![who] };
        concurrency allow;
        deadline { Duration::from_millis(cents) };

        step charge -> u64 {
            send Charge { traveller: traveller.trim().to_owned(), cents };
            await {
                Charged { receipt } if receipt == 0 => fail format!("no receipt for {traveller}"),
                Charged { receipt } => receipt,
                refused NoFunds { missing: 0 } => retry,
                refused NoFunds { missing } => fail format!("{missing} of {cents}"),
                refused Closed => fail Refusal::Closed,
                timeout if cents > 100 => fail "too slow",
                disconnected => fail "nobody there",
            }
            within 2s;
            retry 3 times every 10ms..1s;
            compensate Refund { receipt: charge, because: format!("{cause:?} {}", cause.is_some()) };
        }

        step stamp {
            send Stamp;
            compensate none because "a stamp is worth nothing";
        }

        step rooms -> Vec<String> {
            send Book(format!("{traveller}/{}", charge), hotels.iter().map(|hotel| hotel.len() as u8).collect());
            await {
                Booked(room) => hotels.iter().map(|hotel| [hotel.as_str(), &room, &traveller].join("-")).collect(),
                Waiting => { let rooms = Vec::new(); rooms }
            }
            compensate Unbook(rooms);
        }

        return Summary { title: traveller, receipt: charge, rooms, again: charge + charge };
    }

    /// A second saga of the same `saga!`.
    #[name("look-up")]
    #[version(3)]
    saga LookUp(hotel: String) -> (usize, String) on Travel {
        concurrency allow;
        deadline none because "it only looks";
        step rooms -> Vec<u8> {
            query RoomsOf { hotel };
            await Rooms { free } => free;
        }
        return (rooms.len(), hotel);
    }
}

fn trip() -> Trip {
    Trip { traveller: " Ada ".to_owned(), cents: 500, hotels: vec!["Ritz".to_owned(), "Savoy".to_owned()] }
}

fn hear(state: &mut TripState, step: u16, heard: Heard<'_, Travel>) -> Verdict {
    Trip::answer(state, At::step(step), None, heard)
}

/// The state of a trip that stands at this place.
fn at(place: u16) -> TripState {
    let mut state = trip().begin();
    let answers = [Heard::Event(&Event::Charged { receipt: 7 }), Heard::Handled];
    for (step, heard) in (0..place).zip(answers) {
        assert_eq!(hear(&mut state, step, heard), Verdict::Done);
        state = Trip::forward(state);
    }
    state
}

fn json(state: &TripState) -> serde_json::Value {
    serde_json::to_value(state).expect("a state can be written")
}

fn says(plan: ExchangePlan<Travel>) -> Command {
    plan.into_command().expect("a command")
}

/// Rule: steps.name
/// Rule: steps.return
#[test]
fn the_way_forward() {
    let mut state = trip().begin();
    let plan = Trip::exchange(&state, At::step(0), None);
    assert_eq!(plan.within, Some(Duration::from_secs(2)));
    let retry = RetryPlan { times: 3, every: Duration::from_millis(10), at_most: Duration::from_secs(1) };
    assert_eq!(plan.retry, Some(retry));
    assert_eq!(plan.into_command(), Some(Command::Charge { traveller: "Ada".to_owned(), cents: 500 }));
    assert_eq!(hear(&mut state, 0, Heard::Event(&Event::Charged { receipt: 7 })), Verdict::Done);

    state = Trip::forward(state);
    assert_eq!(Trip::position(&state), Position::Forward(1));
    assert_eq!(says(Trip::exchange(&state, At::step(1), None)), Command::Stamp);
    assert_eq!(hear(&mut state, 1, Heard::Handled), Verdict::Done);

    state = Trip::forward(state);
    let book = says(Trip::exchange(&state, At::step(2), None));
    assert_eq!(book, Command::Book(" Ada /7".to_owned(), vec![4, 5]));
    assert_eq!(hear(&mut state, 2, Heard::Event(&Event::Booked("12".to_owned()))), Verdict::Done);
    let rooms = vec!["Ritz-12- Ada ".to_owned(), "Savoy-12- Ada ".to_owned()];
    let summary = Summary { title: " Ada ".to_owned(), receipt: 7, rooms, again: 14 };
    assert_eq!(Trip::output(&state), summary);
}

/// Rule: state.places
#[test]
fn a_place_owns_what_is_still_needed_and_nothing_else() {
    let TripState::Charge { traveller: _, cents: _, hotels: _, charge } = at(0) else { panic!("at the first place") };
    assert!(!charge.is_full());
    let TripState::Stamp { traveller: _, hotels: _, charge: 7, stamp: _ } = at(1) else {
        panic!("at the second place")
    };
    let TripState::Rooms { traveller: _, hotels: _, charge: 7, rooms: _ } = at(2) else { panic!("at the third place") };
    let TripState::CompensateRooms { charge: 7, rooms: _ } = Trip::back(at(2), 2) else { panic!("undoing the third") };
    assert!(matches!(Trip::back(at(2), 0), TripState::CompensateCharge { charge } if charge == Slot::full(7)));
}

/// Rule: steps.await.in-order
#[test]
fn arms_are_tried_in_order_with_their_conditions() {
    let mut state = at(0);
    let zero = hear(&mut state, 0, Heard::Event(&Event::Charged { receipt: 0 }));
    assert_eq!(zero, Verdict::Fail("no receipt for  Ada ".to_owned()));
    assert_eq!(hear(&mut state, 0, Heard::Event(&Event::Waiting)), Verdict::NoArm);
    assert_eq!(hear(&mut state, 0, Heard::Refused(&Refusal::NoFunds { missing: 0 })), Verdict::Retry);
    let missing = hear(&mut state, 0, Heard::Refused(&Refusal::NoFunds { missing: 3 }));
    assert_eq!(missing, Verdict::Fail("3 of 500".to_owned()));
    assert_eq!(hear(&mut state, 0, Heard::Refused(&Refusal::Closed)), Verdict::Fail("closed".to_owned()));
    assert_eq!(hear(&mut state, 0, Heard::Refused(&Refusal::Full)), Verdict::NoArm);
    assert_eq!(hear(&mut state, 0, Heard::Timeout), Verdict::Fail("too slow".to_owned()));
    assert_eq!(hear(&mut state, 0, Heard::Disconnected), Verdict::Fail("nobody there".to_owned()));
    assert_eq!(hear(&mut state, 0, Heard::Handled), Verdict::NoArm);
    let mut cheap = Trip { cents: 100, ..trip() }.begin();
    assert_eq!(hear(&mut cheap, 0, Heard::Timeout), Verdict::NoArm);
    assert_eq!(json(&state), json(&at(0)), "nothing but a value changes the state");
}

/// Rule: steps.await.handled
#[test]
fn a_step_without_event_arms_ends_when_handled() {
    let mut state = at(1);
    assert_eq!(hear(&mut state, 1, Heard::Event(&Event::Waiting)), Verdict::NoArm);
    assert_eq!(hear(&mut state, 1, Heard::Handled), Verdict::Done);
    let TripState::Stamp { stamp, .. } = state else { panic!("at the second place") };
    assert!(stamp.is_full());
}

#[test]
fn the_way_back() {
    let mut state = at(2);
    assert_eq!(hear(&mut state, 2, Heard::Event(&Event::Waiting)), Verdict::Done);
    state = Trip::back(state, 2);
    assert_eq!(Trip::position(&state), Position::Compensating(2));
    assert_eq!(says(Trip::exchange(&state, At::step(2).undo(), None)), Command::Unbook(Vec::new()));
    let first = says(Trip::exchange(&state, At::step(0).undo(), None));
    assert_eq!(first, Command::Refund { receipt: 7, because: "None false".to_owned() });
    assert_eq!(Trip::answer(&mut state, At::step(2).undo(), None, Heard::Handled), Verdict::NoArm);
    state = Trip::back(state, 0);
    assert_eq!(Trip::position(&state), Position::Compensating(0));
    assert_eq!(says(Trip::exchange(&state, At::step(0).undo(), None)), first);
}

#[test]
fn a_place_is_undone_from_wherever_the_saga_is() {
    for place in 1..=2 {
        let going = at(place);
        let undoing = Trip::back(going.clone(), 0);
        assert!(matches!(undoing, TripState::CompensateCharge { charge } if charge == Slot::full(7)));
        let refund = says(Trip::exchange(&going, At::step(0).undo(), None));
        assert!(matches!(refund, Command::Refund { receipt: 7, .. }));
    }
    let mut own = at(0);
    assert_eq!(hear(&mut own, 0, Heard::Event(&Event::Charged { receipt: 9 })), Verdict::Done);
    assert!(matches!(Trip::back(own, 0), TripState::CompensateCharge { charge } if charge == Slot::full(9)));
}

/// Rule: start.trigger.binds
/// Rule: start.trigger.any-number
/// Rule: bus.shapes
#[test]
fn triggers_bind_the_parameters() {
    let asked = |urgent| Event::Asked { who: "Ada".to_owned(), cents: 5, urgent };
    let started = Trip { traveller: "Ada".to_owned(), cents: 5, hotels: vec!["Ritz".to_owned()] };
    assert_eq!(Trip::triggered_by(&asked(true)), Some(started));
    assert_eq!(Trip::triggered_by(&asked(false)), None);
    let again = Trip { traveller: "Bob".to_owned(), cents: 0, hotels: vec!["Bob".to_owned()] };
    assert_eq!(Trip::triggered_by(&Event::Repeated("Bob".to_owned())), Some(again));
    assert_eq!(Trip::DEFINITION.triggers[0].guard, Some("urgent"));
}

/// Rule: values.durations
#[test]
fn deadlines_are_literal_computed_or_none() {
    assert_eq!(trip().deadline(), Some(Duration::from_millis(500)));
    assert_eq!(LookUp { hotel: String::new() }.deadline(), None);
}

/// Rule: steps.send-query
/// Rule: versions.name
#[test]
fn a_query_needs_no_compensation() {
    let mut state = LookUp { hotel: "Ritz".to_owned() }.begin();
    let plan = LookUp::exchange(&state, At::step(0), None);
    assert_eq!(plan.into_command(), Some(Command::RoomsOf { hotel: "Ritz".to_owned() }));
    let rooms = Event::Rooms { free: vec![1, 2] };
    assert_eq!(LookUp::answer(&mut state, At::step(0), None, Heard::Event(&rooms)), Verdict::Done);
    assert_eq!(LookUp::output(&state), (2, "Ritz".to_owned()));
    assert_eq!((LookUp::DEFINITION.name, LookUp::DEFINITION.version), ("look-up", 3));
}

/// Rule: state.serialised
#[test]
fn every_state_survives_a_restart() {
    let mut states: Vec<_> = (0..=2).map(at).collect();
    states.extend([0, 2].map(|place| Trip::back(at(2), place)));
    let mut ended = at(1);
    assert_eq!(hear(&mut ended, 1, Heard::Handled), Verdict::Done);
    states.push(ended);
    for state in states {
        let text = serde_json::to_string(&state).expect("a state can be written");
        let back: TripState = serde_json::from_str(&text).expect("a state can be read");
        assert_eq!(serde_json::to_string(&back).expect("a state can be written"), text);
        let back: TripState = serde_json::from_value(json(&state)).expect("a state can be read");
        assert_eq!(json(&back), json(&state));
    }
}

/// Rule: state.places
#[test]
fn a_state_shows_where_it_is() {
    let shown = format!("{:?}", Trip::back(at(1), 0));
    assert_eq!(shown, r#"TripState {"CompensateCharge":{"charge":[7]}}"#);
}

#[test]
fn a_state_that_does_not_fit_is_refused_by_name() {
    let read = |json: &str| serde_json::from_str::<TripState>(json).map_err(|error| error.to_string());
    for (json, message) in [
        (r#"{"Nowhere":{}}"#, "`TripState` has no place `Nowhere`"),
        (r#"{"CompensateCharge":{}}"#, "TripState at CompensateCharge: `charge` is missing"),
        (r#"{"CompensateCharge":{"charge":[1],"more":2}}"#, "TripState at CompensateCharge: unknown field `more`"),
        (r#"{"CompensateCharge":{"charge":["x"]}}"#, "TripState at CompensateCharge: `charge`: invalid type"),
        (r#"{}"#, "a state is one place with its values"),
    ] {
        let error = read(json).expect_err(json);
        assert!(error.contains(message), "{error}");
    }
}

/// Rule: state.input
#[test]
fn an_input_with_a_typo_is_refused() {
    let json = r#"{"hotel":"Ritz","hotl":1}"#;
    let error = serde_json::from_str::<LookUp>(json).expect_err("there is no `hotl`");
    assert!(error.to_string().contains("LookUp: unknown field `hotl`"), "{error}");
    let error = serde_json::from_str::<LookUp>(r#"{"hotl":"Ritz"}"#).expect_err("`hotel` is missing");
    assert_eq!(error.to_string(), "LookUp: `hotel` is missing, and there is an unknown field `hotl`");
    let error = serde_json::from_str::<LookUp>("{}").expect_err("`hotel` is missing");
    assert_eq!(error.to_string(), "LookUp: `hotel` is missing");
    let input: LookUp = serde_json::from_str(r#"{"hotel":"Ritz"}"#).expect("an input");
    assert_eq!(serde_json::to_string(&input).expect("JSON"), r#"{"hotel":"Ritz"}"#);
}
