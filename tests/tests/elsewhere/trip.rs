//! Trip: a traveller pays; then hotel, flight and car are booked at the same time; then one summary of it all goes out.
//! A trip is had as a whole or not at all: whatever is refused, silent or called off, all that was done is undone.

use std::time::Duration;

use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};

use super::play::{Interruption, Play};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
#[bus(Travel)]
enum Command {
    /// Takes as long as the traveller's bank takes to be sure of the traveller.
    #[to(Bank)]
    #[replies(Paid)]
    #[refuses(NoFunds)]
    Pay {
        traveller: String,
        cents: u64,
        #[redact]
        card: String,
    },
    #[to(Bank)]
    Refund { receipt: u64 },

    #[to(Hotel)]
    #[replies(RoomBooked, RoomWaitlisted)]
    #[refuses(SoldOut)]
    BookRoom { nights: u32 },
    #[to(Hotel)]
    CancelRoom { room: String },

    #[to(Airline)]
    #[replies(SeatBooked)]
    #[refuses(SoldOut)]
    BookSeat { traveller: String },
    #[to(Airline)]
    CancelSeat { seat: String },

    #[to(Garage)]
    #[replies(CarHired)]
    #[refuses(SoldOut)]
    HireCar { nights: u32 },
    #[to(Garage)]
    ReturnCar { plate: String },

    #[to(Post)]
    #[replies(SummarySent)]
    #[refuses(NoSuchAddress)]
    SendSummary { text: String },
    #[to(Post)]
    #[refuses(NoSuchAddress)]
    RetractSummary { letter: u64 },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[bus(Travel)]
enum Event {
    Paid { receipt: u64 },
    RoomBooked { room: String },
    RoomWaitlisted { place: u32 },
    SeatBooked { seat: String },
    CarHired { plate: String },
    SummarySent { letter: u64 },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
enum Refusal {
    #[error("{missing} cents are missing")]
    NoFunds { missing: u64 },
    #[error("sold out")]
    SoldOut,
    #[error("no such address")]
    NoSuchAddress,
}

struct Travel;
impl Bus for Travel {
    const NAME: &'static str = "travel";
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
}

/// What the traveller has in hand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Papers {
    receipt: u64,
    room: String,
    seat: String,
    plate: Option<String>,
    letter: u64,
}

saga! {
    /// A trip is had as a whole or not at all.
    saga Trip(traveller: String, cents: u64, #[redact] card: String, nights: u32, drives: bool) -> Papers on Travel {
        concurrency queue per traveller;
        deadline 10m;

        require nights > 0 else "a trip has at least one night";

        /// Waits for the bank as long as the trip may.
        step payment -> u64 {
            send Pay { traveller, cents, card };
            await Paid { receipt } => receipt;
            compensate Refund { receipt: payment };
        }

        parallel {
            /// A place on the waiting list is no room.
            step hotel -> String {
                send BookRoom { nights };
                await {
                    RoomBooked { room } => room,
                    RoomWaitlisted { place } => fail format!("only place {place} of the waiting list"),
                }
                within 1m;
                compensate CancelRoom { room: hotel };
            }

            step flight -> String {
                send BookSeat { traveller };
                await SeatBooked { seat } => seat;
                within 1m;
                compensate CancelSeat { seat: flight };
            }

            step car -> String when drives {
                send HireCar { nights };
                await CarHired { plate } => plate;
                within 1m;
                compensate ReturnCar { plate: car };
            }
        }

        step summary -> u64 {
            send SendSummary { text: format!("{traveller}: {hotel}, {flight}, {}", car.unwrap_or_default()) };
            await SummarySent { letter } => letter;
            within 20s;
            retry 2 times every 1s..4s;
            compensate RetractSummary { letter: summary };
        }

        return Papers { receipt: payment, room: hotel, seat: flight, plate: car, letter: summary };
    }
}

const CARD: &str = "4111-1111";
const BOOK_ROOM: Command = Command::BookRoom { nights: 3 };
const HIRE_CAR: Command = Command::HireCar { nights: 3 };
const DEADLINE: Duration = Duration::from_secs(600);
/// What is left of the deadline when the bank was slow.
const REST: Duration = Duration::from_secs(10);

fn input() -> Trip {
    Trip { traveller: "ada".to_owned(), cents: 90_000, card: CARD.to_owned(), nights: 3, drives: true }
}

fn pay() -> Command {
    Command::Pay { traveller: "ada".to_owned(), cents: 90_000, card: CARD.to_owned() }
}

fn book_seat() -> Command {
    Command::BookSeat { traveller: "ada".to_owned() }
}

fn send_summary() -> Command {
    Command::SendSummary { text: "ada: 12, 7A, ZH-1".to_owned() }
}

fn bookings() -> [Command; 3] {
    [BOOK_ROOM, book_seat(), HIRE_CAR]
}

/// How each command is answered when all goes well.
fn answer(command: &Command) -> Event {
    match command {
        Command::Pay { .. } => Event::Paid { receipt: 7 },
        Command::BookRoom { .. } => Event::RoomBooked { room: "12".to_owned() },
        Command::BookSeat { .. } => Event::SeatBooked { seat: "7A".to_owned() },
        Command::HireCar { .. } => Event::CarHired { plate: "ZH-1".to_owned() },
        Command::SendSummary { .. } => Event::SummarySent { letter: 3 },
        other => panic!("{other:?} undoes something and has no reply"),
    }
}

/// What undoes a command that was answered so.
fn undo(command: &Command) -> Command {
    match answer(command) {
        Event::Paid { receipt } => Command::Refund { receipt },
        Event::RoomBooked { room } => Command::CancelRoom { room },
        Event::SeatBooked { seat } => Command::CancelSeat { seat },
        Event::CarHired { plate } => Command::ReturnCar { plate },
        Event::SummarySent { letter } => Command::RetractSummary { letter },
        Event::RoomWaitlisted { .. } => panic!("nothing is answered so"),
    }
}

/// What undoes all of these, done in this order.
fn undoing(done: &[Command]) -> Vec<Command> {
    done.iter().rev().map(undo).collect()
}

fn papers() -> Outcome<Papers> {
    let (room, seat) = ("12".to_owned(), "7A".to_owned());
    Outcome::Completed(Papers { receipt: 7, room, seat, plate: Some("ZH-1".to_owned()), letter: 3 })
}

/// The trip after these, with the bank so slow that only [`REST`] is left of the deadline.
fn after(done: &[Command]) -> Play<Trip> {
    let mut trip = Play::start(input());
    trip.advance(DEADLINE - REST);
    done.iter().for_each(|command| trip.reply_to(command, answer(command)));
    trip
}

/// Answers what is out, and what then goes out.
fn finish(trip: &mut Play<Trip>) {
    for _ in [pay(), BOOK_ROOM, send_summary()] {
        trip.sent().iter().for_each(|command| trip.reply_to(command, answer(command)));
    }
}

/// Each place at which a trip can be: what was done, and what is out.
fn places() -> Vec<(Vec<Command>, Vec<Command>)> {
    let [room, seat, car] = bookings();
    let all = vec![pay(), seat.clone(), car.clone(), room.clone()];
    vec![
        (vec![], vec![pay()]),
        (vec![pay()], vec![room.clone(), seat.clone(), car.clone()]),
        (vec![pay(), room.clone()], vec![seat.clone(), car.clone()]),
        (vec![pay(), car.clone(), seat.clone()], vec![room]),
        (all, vec![send_summary()]),
    ]
}

/// What can end a trip from outside, at any place.
const INTERRUPTIONS: [Interruption<Trip>; 2] = [
    (|trip| assert_eq!(trip.cancel(), CancelReply::Requested), CauseKind::Cancelled),
    (|trip| trip.advance(REST), CauseKind::Deadline),
];

/// A trip at each place, interrupted in each way; `go_on` gets what was done, what was out, and the kind of its cause.
#[track_caller]
fn interrupted_everywhere(go_on: impl Fn(Play<Trip>, &[Command], &[Command], CauseKind)) {
    for (done, out) in places() {
        for (interrupt, kind) in INTERRUPTIONS {
            let mut trip = after(&done);
            trip.has_out(&out);
            interrupt(&mut trip);
            assert!(trip.is_compensating());
            trip.asks(&out);
            go_on(trip, &done, &out, kind);
        }
    }
}

#[test]
fn it_is_had_as_a_whole() {
    let mut trip = Play::start(input());
    trip.has_out(&[pay()]);
    assert!(matches!(trip.state(), TripState::Payment { .. }));
    trip.reply(answer(&pay()));
    trip.has_out(&bookings());
    assert!(matches!(trip.state(), TripState::HotelFlightCar { .. }));
    bookings().iter().for_each(|booking| trip.reply(answer(booking)));
    trip.has_out(&[send_summary()]);
    assert!(matches!(trip.state(), TripState::Summary { .. }));
    trip.reply(answer(&send_summary()));
    assert_eq!(trip.outcome(), Some(&papers()));
}

#[test]
fn the_bookings_may_be_answered_in_any_order_and_are_undone_in_its_reverse() {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let order = order.map(|place: usize| bookings()[place].clone());
        let done = [&[pay()][..], &order].concat();
        let mut trip = after(&done);
        trip.reply(answer(&send_summary()));
        assert_eq!(trip.outcome(), Some(&papers()));
        let mut trip = after(&done);
        trip.refuse(Refusal::NoSuchAddress);
        trip.is_undone_by(&undoing(&done));
        assert_eq!(trip.why(), (CauseKind::Refused, "summary".to_owned(), "no such address".to_owned()));
    }
}

#[test]
fn who_does_not_drive_gets_no_car() {
    let mut trip = Play::start(Trip { drives: false, ..input() });
    trip.reply(answer(&pay()));
    trip.has_out(&[BOOK_ROOM, book_seat()]);
    trip.reply(answer(&BOOK_ROOM));
    trip.reply(answer(&book_seat()));
    trip.has_out(&[Command::SendSummary { text: "ada: 12, 7A, ".to_owned() }]);
    trip.refuse(Refusal::NoSuchAddress);
    trip.is_undone_by(&undoing(&[pay(), BOOK_ROOM, book_seat()]));
    assert_eq!(trip.cause().step(), "summary");
}

#[test]
fn a_trip_without_a_night_is_none() {
    let trip = Play::start(Trip { nights: 0, ..input() });
    let cause = trip.cause();
    assert_eq!((cause.kind(), cause.message()), (CauseKind::Required, "a trip has at least one night"));
}

#[test]
fn a_payment_that_is_refused_leaves_nothing_to_undo() {
    let mut trip = Play::start(input());
    trip.refuse(Refusal::NoFunds { missing: 5 });
    assert_eq!(trip.why(), (CauseKind::Refused, "payment".to_owned(), "5 cents are missing".to_owned()));
    assert_eq!(trip.cause().refusal(), Some(Refusal::NoFunds { missing: 5 }));
}

#[test]
fn a_booking_that_is_refused_puts_its_siblings_in_doubt() {
    let names = ["hotel", "flight", "car"];
    for (name, refused) in names.into_iter().zip(bookings()) {
        let siblings: Vec<_> = bookings().into_iter().filter(|booking| *booking != refused).collect();
        let mut trip = after(&[pay()]);
        trip.refuse_to(&refused, Refusal::SoldOut);
        assert!(trip.is_compensating(), "at once");
        trip.asks(&siblings);
        trip.settle(Fate::Done(vec![answer(&siblings[0])]));
        trip.asks(&siblings[1..]);
        trip.settle(Fate::Never);
        trip.is_undone_by(&undoing(&[pay(), siblings[0].clone()]));
        assert_eq!(trip.why(), (CauseKind::Refused, name.to_owned(), "sold out".to_owned()));
    }
}

#[test]
fn the_last_booking_may_be_refused_when_the_others_are_done() {
    let mut trip = after(&[pay(), HIRE_CAR, BOOK_ROOM]);
    trip.refuse(Refusal::SoldOut);
    trip.is_undone_by(&undoing(&[pay(), HIRE_CAR, BOOK_ROOM]));
    assert_eq!(trip.cause().step(), "flight");
}

#[test]
fn a_place_on_the_waiting_list_is_no_room_to_cancel() {
    let mut trip = after(&[pay(), book_seat(), HIRE_CAR]);
    trip.reply(Event::RoomWaitlisted { place: 4 });
    trip.is_undone_by(&undoing(&[pay(), book_seat(), HIRE_CAR]));
    let message = "only place 4 of the waiting list".to_owned();
    assert_eq!(trip.why(), (CauseKind::Failed, "hotel".to_owned(), message));
}

#[test]
fn interrupted_with_nothing_of_what_is_out_done() {
    interrupted_everywhere(|mut trip, done, out, kind| {
        out.iter().for_each(|_| trip.settle(Fate::Never));
        trip.is_undone_by(&undoing(done));
        assert_eq!(trip.cause().kind(), kind);
    });
}

#[test]
fn interrupted_with_all_of_what_is_out_done_after_all() {
    interrupted_everywhere(|mut trip, done, out, kind| {
        out.iter().for_each(|command| trip.settle(Fate::Done(vec![answer(command)])));
        trip.is_undone_by(&undoing(&[done, out].concat()));
        assert_eq!(trip.cause().kind(), kind);
    });
}

#[test]
fn interrupted_with_all_of_what_is_out_handled_late() {
    interrupted_everywhere(|mut trip, done, out, kind| {
        out.iter().rev().for_each(|command| trip.reply_to(command, answer(command)));
        let late: Vec<_> = out.iter().rev().cloned().collect();
        trip.is_undone_by(&undoing(&[done, &late].concat()));
        assert_eq!(trip.cause().kind(), kind);
    });
}

#[test]
fn interrupted_with_all_of_what_is_out_still_running() {
    interrupted_everywhere(|mut trip, done, out, kind| {
        for second in [1, 2, 4] {
            out.iter().for_each(|_| trip.settle(Fate::Running));
            assert!(trip.asked().is_empty() && trip.sent().is_empty());
            trip.advance(Duration::from_secs(second));
            trip.asks(out);
        }
        out.iter().for_each(|_| trip.settle(Fate::Never));
        trip.is_undone_by(&undoing(done));
        assert_eq!(trip.cause().kind(), kind);
    });
}

#[test]
fn interrupted_with_the_fate_of_one_unknown() {
    for action in [Operator::Retry, Operator::Skip, Operator::End] {
        interrupted_everywhere(|mut trip, done, out, kind| {
            trip.settle(Fate::Unknown);
            out.iter().skip(1).for_each(|_| trip.settle(Fate::Never));
            assert!(trip.is_stuck() && trip.is_compensating() && trip.sent().is_empty());
            trip.operator(action);
            if action == Operator::End {
                return assert!(trip.was_ended());
            }
            if action == Operator::Retry {
                trip.asks(&out[..1]);
                trip.settle(Fate::Never);
            }
            trip.is_undone_by(&undoing(done));
            assert_eq!(trip.cause().kind(), kind);
        });
    }
}

#[test]
fn interrupted_while_nobody_can_be_reached() {
    for (done, out) in places() {
        let mut trip = after(&done);
        trip.disconnect();
        trip.advance(REST);
        assert!(trip.is_compensating() && !trip.is_stuck());
        trip.advance(Duration::from_secs(61));
        assert!(trip.is_stuck() && trip.outcome().is_none());
        trip.reconnect();
        trip.asks(&out);
        out.iter().for_each(|_| trip.settle(Fate::Never));
        assert!(!trip.is_stuck());
        trip.is_undone_by(&undoing(&done));
        assert_eq!(trip.cause().kind(), CauseKind::Deadline);
    }
}

#[test]
fn a_short_disconnect_changes_nothing() {
    for (done, out) in places() {
        let mut trip = after(&done);
        trip.disconnect();
        trip.advance(REST / 2);
        trip.reconnect();
        trip.has_out(&out);
        finish(&mut trip);
        assert_eq!(trip.outcome(), Some(&papers()));
    }
}

#[test]
fn each_booking_has_a_minute() {
    let names = ["hotel", "flight", "car"];
    for (name, silent) in names.into_iter().zip(bookings()) {
        let others: Vec<_> = bookings().into_iter().filter(|booking| *booking != silent).collect();
        let done = [&[pay()][..], &others].concat();
        let timed_out = || {
            let mut trip = Play::start(input());
            done.iter().for_each(|command| trip.reply_to(command, answer(command)));
            trip.advance(Duration::from_secs(60) - Duration::from_millis(1));
            trip.has_out(std::slice::from_ref(&silent));
            trip.advance(Duration::from_millis(1));
            trip.asks(std::slice::from_ref(&silent));
            trip
        };
        let mut trip = timed_out();
        trip.settle(Fate::Never);
        trip.is_undone_by(&undoing(&done));
        assert_eq!((trip.cause().kind(), trip.cause().step()), (CauseKind::TimedOut, name));
        let mut trip = timed_out();
        trip.settle(Fate::Running);
        trip.advance(Duration::from_secs(1));
        trip.settle(Fate::Done(vec![answer(&silent)]));
        trip.is_undone_by(&undoing(&[&done[..], std::slice::from_ref(&silent)].concat()));
        let mut trip = timed_out();
        trip.settle(Fate::Unknown);
        assert!(trip.is_stuck());
    }
}

/// A trip with all booked and its summary out, long before the deadline.
fn booked() -> Play<Trip> {
    let mut trip = Play::start(input());
    [&[pay()][..], &bookings()].concat().iter().for_each(|command| trip.reply_to(command, answer(command)));
    trip
}

#[test]
fn the_summary_is_tried_three_times_before_it_is_in_doubt() {
    let done = [&[pay()][..], &bookings()].concat();
    let late = vec![send_summary()];
    for (fate, late) in [(Fate::Never, vec![]), (Fate::Done(vec![answer(&send_summary())]), late)] {
        let mut trip = booked();
        trip.advance(Duration::from_secs(20 + 1));
        trip.refuse_attempt(&send_summary(), 1, Refusal::NoSuchAddress);
        trip.has_out(&[send_summary()]);
        trip.advance(Duration::from_secs(20 + 2 + 20));
        trip.asks(&[send_summary()]);
        trip.settle(fate);
        trip.is_undone_by(&undoing(&[&done[..], &late].concat()));
        assert_eq!((trip.cause().kind(), trip.cause().step()), (CauseKind::TimedOut, "summary"));
    }
}

#[test]
fn the_first_attempt_at_the_summary_may_be_handled_during_the_second() {
    let mut trip = booked();
    trip.advance(Duration::from_secs(21));
    trip.reply(answer(&send_summary()));
    assert_eq!(trip.outcome(), Some(&papers()));
}

#[test]
fn second_answers_and_those_of_others_move_nothing() {
    let mut trip = Play::start(input());
    trip.event(answer(&pay()));
    trip.foreign(answer(&pay()));
    trip.has_out(&[pay()]);
    trip.reply(answer(&pay()));
    trip.reply_to(&pay(), Event::Paid { receipt: 8 });
    trip.refuse_to(&pay(), Refusal::SoldOut);
    trip.reply_to(&BOOK_ROOM, answer(&BOOK_ROOM));
    trip.reply_to(&BOOK_ROOM, Event::RoomBooked { room: "13".to_owned() });
    trip.foreign(answer(&HIRE_CAR));
    trip.has_out(&[book_seat(), HIRE_CAR]);
    trip.refuse_to(&HIRE_CAR, Refusal::SoldOut);
    trip.settle(Fate::Never);
    trip.reply_to(&BOOK_ROOM, answer(&BOOK_ROOM));
    trip.reply_to(&HIRE_CAR, answer(&HIRE_CAR));
    trip.is_undone_by(&undoing(&[pay(), BOOK_ROOM]));
    trip.reply_to(&book_seat(), answer(&book_seat()));
    assert_eq!(trip.cause().step(), "car");
}

#[test]
fn a_cancellation_that_keeps_failing_waits_for_an_operator() {
    let spent = || {
        let mut trip = after(&[pay(), BOOK_ROOM, book_seat(), HIRE_CAR]);
        trip.refuse(Refusal::NoSuchAddress);
        trip.is_undone_by(&undoing(&[book_seat(), HIRE_CAR]));
        trip.refuse_until_stuck(&Refusal::SoldOut);
        trip
    };
    let mut trip = spent();
    trip.operator(Operator::Retry);
    trip.is_undone_by(&undoing(&[pay(), BOOK_ROOM]));
    assert_eq!(trip.cause().step(), "summary");
    let mut trip = spent();
    trip.operator(Operator::Skip);
    trip.is_undone_by(&undoing(&[pay()]));
    assert_eq!(trip.cause().step(), "summary");
    let mut trip = spent();
    trip.operator(Operator::End);
    assert!(trip.was_ended());
    let mut trip = spent();
    trip.handled_to(&undo(&BOOK_ROOM));
    assert!(!trip.is_stuck(), "handled, from any attempt, counts");
    trip.is_undone_by(&undoing(&[pay()]));
}

#[test]
fn the_number_of_the_card_is_kept_and_never_shown() {
    interrupted_everywhere(|mut trip, done, out, _| {
        out.iter().for_each(|_| trip.settle(Fate::Never));
        trip.is_undone_by(&undoing(done));
        let shown = serde_json::to_string(&trip.notices()).expect("notices can be written");
        assert!(!shown.contains(CARD), "{shown}");
    });
}
