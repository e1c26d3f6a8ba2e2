//! Ship order: the goods are packed, and the first courier is asked to take the parcel. When it says nothing for twenty
//! seconds the second one is asked; the first is *abandoned*, and called off if it answers after all, so that one parcel
//! is never fetched twice. When neither takes it, it is unpacked again.

use std::time::Duration;

use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};

use super::play::{Interruption, Play};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Order(u64);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
#[bus(Depot)]
enum Command {
    #[to(Shelves)]
    #[replies(Picked)]
    #[refuses(Missing)]
    Pick { item: String },
    #[to(Shelves)]
    PutOnShelf { item: String },
    #[to(Bench)]
    #[replies(Wrapped)]
    #[refuses(Missing)]
    Wrap { order: Order, grams: u32 },
    #[to(Bench)]
    Unwrap { parcel: u64 },

    #[to(Swift)]
    #[replies(SwiftTakes, SwiftIsFull)]
    #[refuses(TooFar)]
    AskSwift { parcel: u64 },
    #[to(Swift)]
    #[refuses(TooFar)]
    CallOffSwift { tracking: Option<String> },
    #[to(Steady)]
    #[replies(SteadyTakes)]
    #[refuses(TooFar)]
    AskSteady { parcel: u64 },
    #[to(Steady)]
    CallOffSteady { tracking: String },
    #[to(Desk)]
    #[replies(LabelPrinted)]
    #[refuses(Missing)]
    PrintLabel { tracking: String },

    #[to(Desk)]
    TellCustomer { order: Order, tracking: Option<String>, sorry: Option<String> },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[bus(Depot)]
enum Event {
    Picked { grams: u32 },
    Wrapped { parcel: u64 },
    SwiftTakes { tracking: String },
    SwiftIsFull,
    SteadyTakes { tracking: String },
    LabelPrinted,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
enum Refusal {
    #[error("it is not there")]
    Missing,
    #[error("that is too far")]
    TooFar,
}

struct Depot;
impl Bus for Depot {
    const NAME: &'static str = "depot";
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
}

saga! {
    /// Makes one parcel of all items of an order.
    saga Pack(order: Order, items: Vec<String>) -> u64 on Depot {
        concurrency allow;
        deadline 5m;

        step picked -> u32 for item in items, all at once {
            send Pick { item };
            await Picked { grams } => grams;
            compensate PutOnShelf { item };
        }

        step parcel -> u64 {
            send Wrap { order, grams: picked.into_iter().sum() };
            await Wrapped { parcel } => parcel;
            compensate Unwrap { parcel };
        }

        return parcel;
    }

    /// Hands the goods of an order to exactly one courier.
    saga ShipOrder(order: Order, items: Vec<String>) -> Option<String> on Depot {
        concurrency skip per order;
        deadline 10m;

        step parcel -> u64 {
            run Pack { order, items };
            await failed cause => fail format!("it could not be packed: {cause}");
            compensate unwind;
        }

        /// Fast, cheap and often silent.
        step first -> Option<String> {
            send AskSwift { parcel };
            await {
                SwiftTakes { tracking } => Some(tracking),
                SwiftIsFull => None,
                refused _ => None,
                timeout => None,
                disconnected => None,
            };
            within 20s;
            compensate CallOffSwift { tracking: first };
        }

        step second -> String when first.is_none() {
            send AskSteady { parcel };
            await SteadyTakes { tracking } => tracking;
            within 20s;
            compensate CallOffSteady { tracking: second };
        }

        step label {
            send PrintLabel { tracking: first.or(second).unwrap_or_default() };
            await LabelPrinted => ();
            compensate none because "paper is cheap";
        }

        finally step told {
            send TellCustomer {
                order,
                tracking: label.and(first.flatten().or(second)),
                sorry: cause.map(ToString::to_string),
            };
        }

        return first.or(second);
    }
}

const ORDER: Order = Order(17);
const ASK_SWIFT: Command = Command::AskSwift { parcel: 7 };
const ASK_STEADY: Command = Command::AskSteady { parcel: 7 };
const SECOND: Duration = Duration::from_secs(1);
const DEADLINE: Duration = Duration::from_secs(600);

fn input() -> ShipOrder {
    ShipOrder { order: ORDER, items: items() }
}

fn items() -> Vec<String> {
    ["cup", "jug"].map(str::to_owned).to_vec()
}

fn swift() -> Event {
    Event::SwiftTakes { tracking: "SW1".to_owned() }
}

fn steady() -> Event {
    Event::SteadyTakes { tracking: "ST1".to_owned() }
}

fn call_off_swift() -> Command {
    Command::CallOffSwift { tracking: Some("SW1".to_owned()) }
}

fn call_off_steady() -> Command {
    Command::CallOffSteady { tracking: "ST1".to_owned() }
}

fn print(tracking: &str) -> Command {
    Command::PrintLabel { tracking: tracking.to_owned() }
}

fn start() -> Play<ShipOrder> {
    let saga = Play::start(input());
    saga.has_out(&[]);
    let pack = serde_json::to_value(Pack { order: ORDER, items: items() }).expect("an input can be written");
    assert_eq!(saga.children(), [("pack".to_owned(), pack)]);
    saga
}

/// The parcel is packed, and the first courier asked.
fn packed() -> Play<ShipOrder> {
    let mut saga = start();
    saga.child::<Pack>(Outcome::Completed(7));
    saga.has_out(&[ASK_SWIFT]);
    saga
}

/// The first courier was silent and is abandoned; the second one was asked.
fn abandoned() -> Play<ShipOrder> {
    let mut saga = packed();
    saga.advance(20 * SECOND);
    assert_eq!((saga.sent(), saga.asked()), (vec![ASK_STEADY], vec![ASK_SWIFT]));
    assert!(!saga.is_compensating());
    saga
}

/// Both couriers were silent.
fn both_silent() -> Play<ShipOrder> {
    let mut saga = abandoned();
    saga.settle(Fate::Running);
    saga.advance(20 * SECOND);
    assert!(saga.is_compensating());
    saga.asks(&[ASK_SWIFT, ASK_STEADY]);
    saga
}

/// The second courier takes it, and its label is printed; the first is not settled.
fn labelled() -> Play<ShipOrder> {
    let mut saga = abandoned();
    saga.reply_to(&ASK_STEADY, steady());
    assert_eq!((saga.sent(), saga.asked()), (vec![print("ST1")], vec![ASK_SWIFT]));
    saga.reply_to(&print("ST1"), Event::LabelPrinted);
    assert!(saga.outcome().is_none() && saga.sent().is_empty(), "the first courier is waited for");
    saga
}

/// The first courier is called off while the saga stands where it stands.
#[track_caller]
fn is_called_off(saga: &mut Play<ShipOrder>) {
    assert_eq!((saga.sent(), saga.modes()), (vec![call_off_swift()], vec![Mode::Compensation]));
    assert!(!saga.is_compensating() && saga.outcome().is_none());
    saga.handled();
}

/// How packing ends that an item was missing for.
fn unpacked() -> Outcome<u64> {
    let mut pack = SagaTest::start(Pack { order: ORDER, items: vec!["cup".to_owned()] });
    pack.refuse(Refusal::Missing);
    pack.outcome().cloned().expect("there is nothing to undo")
}

/// The customer hears of it, and it completes with this courier.
#[track_caller]
fn completes(mut saga: Play<ShipOrder>, tracking: &str) {
    let tracking = Some(tracking.to_owned());
    let tell = Command::TellCustomer { order: ORDER, tracking: tracking.clone(), sorry: None };
    assert_eq!((saga.sent(), saga.modes()), (vec![tell], vec![Mode::Finally]));
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(tracking)));
}

/// It is undone by these, then unpacked; the customer hears of it, and it ends.
#[track_caller]
fn is_unpacked(mut saga: Play<ShipOrder>, undone: &[Command]) -> Cause {
    saga.is_undone_by(undone);
    assert!(saga.unwinding() && saga.sent().is_empty());
    saga.child::<Pack>(unpacked());
    is_told(saga)
}

#[track_caller]
fn is_told(mut saga: Play<ShipOrder>) -> Cause {
    let sorry = match saga.sent().as_slice() {
        [Command::TellCustomer { order: ORDER, tracking: None, sorry: Some(sorry) }] => sorry.clone(),
        other => panic!("the customer is not told: {other:?}"),
    };
    assert_eq!(saga.modes(), [Mode::Finally]);
    saga.handled();
    assert_eq!(saga.cause().message(), sorry);
    saga.cause()
}

#[test]
fn the_first_courier_takes_it() {
    let mut saga = packed();
    saga.reply(swift());
    saga.has_out(&[print("SW1")]);
    saga.reply(Event::LabelPrinted);
    completes(saga, "SW1");
}

#[test]
fn the_second_courier_is_asked_when_the_first_will_not() {
    let mut refused = packed();
    refused.refuse(Refusal::TooFar);
    let mut full = packed();
    full.reply(Event::SwiftIsFull);
    for mut saga in [refused, full] {
        saga.has_out(&[ASK_STEADY]);
        saga.reply(steady());
        saga.has_out(&[print("ST1")]);
        saga.reply(Event::LabelPrinted);
        completes(saga, "ST1");
    }
}

#[test]
fn the_second_courier_is_asked_after_twenty_seconds() {
    let mut saga = packed();
    saga.advance(20 * SECOND - Duration::from_millis(1));
    saga.has_out(&[ASK_SWIFT]);
    saga.advance(Duration::from_millis(1));
    assert_eq!((saga.sent(), saga.asked()), (vec![ASK_STEADY], vec![ASK_SWIFT]));
}

#[test]
fn the_first_never_took_it() {
    let mut saga = labelled();
    saga.settle(Fate::Never);
    completes(saga, "ST1");
    let mut saga = abandoned();
    saga.settle(Fate::Never);
    saga.has_out(&[ASK_STEADY]);
    saga.reply(steady());
    saga.reply(Event::LabelPrinted);
    completes(saga, "ST1");
}

#[test]
fn the_first_answers_after_all_while_the_second_is_asked() {
    let answers: [fn(&mut Play<ShipOrder>); 2] =
        [|saga| saga.reply_to(&ASK_SWIFT, swift()), |saga| saga.settle(Fate::Done(vec![swift()]))];
    for answer in answers {
        let mut saga = abandoned();
        answer(&mut saga);
        assert_eq!(saga.sent(), [ASK_STEADY, call_off_swift()]);
        assert_eq!(saga.modes(), [Mode::Forward, Mode::Compensation]);
        assert!(!saga.is_compensating() && saga.asked().is_empty());
        saga.reply_to(&ASK_STEADY, steady());
        saga.reply_to(&print("ST1"), Event::LabelPrinted);
        assert_eq!(saga.sent(), [call_off_swift()], "the customer is told after that");
        saga.handled();
        completes(saga, "ST1");
    }
}

#[test]
fn the_first_answers_after_all_when_everything_else_is_done() {
    let mut saga = labelled();
    saga.reply_to(&ASK_SWIFT, swift());
    is_called_off(&mut saga);
    completes(saga, "ST1");
}

#[test]
fn the_first_says_no_after_all() {
    let mut saga = labelled();
    saga.refuse_to(&ASK_SWIFT, Refusal::TooFar);
    completes(saga, "ST1");
}

#[test]
fn the_first_is_full_after_all() {
    let mut saga = labelled();
    saga.reply_to(&ASK_SWIFT, Event::SwiftIsFull);
    assert_eq!(saga.sent(), [Command::CallOffSwift { tracking: None }], "it was handled, so it took effect");
    saga.handled();
    completes(saga, "ST1");
}

#[test]
fn the_first_is_still_at_it_for_a_while() {
    let mut saga = labelled();
    for seconds in [1, 2, 4, 8, 10, 10] {
        saga.settle(Fate::Running);
        saga.advance(seconds * SECOND);
        assert_eq!(saga.asked(), [ASK_SWIFT]);
    }
    saga.settle(Fate::Done(vec![swift()]));
    is_called_off(&mut saga);
    completes(saga, "ST1");
}

#[test]
fn the_first_forgot_what_it_did() {
    let forgotten = || {
        let mut saga = labelled();
        saga.settle(Fate::Unknown);
        assert!(saga.is_stuck() && saga.sent().is_empty() && saga.outcome().is_none());
        saga
    };
    let mut saga = forgotten();
    saga.operator(Operator::Skip);
    completes(saga, "ST1");
    let mut saga = forgotten();
    saga.operator(Operator::Retry);
    assert_eq!(saga.asked(), [ASK_SWIFT]);
    saga.settle(Fate::Never);
    completes(saga, "ST1");
    let mut saga = forgotten();
    saga.reply_to(&ASK_SWIFT, swift());
    is_called_off(&mut saga);
    completes(saga, "ST1");
    let mut saga = forgotten();
    saga.operator(Operator::End);
    assert_eq!(saga.modes(), [Mode::Finally]);
    saga.handled();
    assert!(saga.was_ended());
}

#[test]
fn the_first_cannot_be_called_off() {
    let spent = || {
        let mut saga = labelled();
        saga.reply_to(&ASK_SWIFT, swift());
        saga.refuse_until_stuck(&Refusal::TooFar);
        assert!(saga.outcome().is_none());
        saga
    };
    let mut saga = spent();
    saga.operator(Operator::Retry);
    is_called_off(&mut saga);
    completes(saga, "ST1");
    let mut saga = spent();
    saga.operator(Operator::Skip);
    completes(saga, "ST1");
    let mut saga = spent();
    saga.operator(Operator::End);
    assert_eq!(saga.modes(), [Mode::Finally]);
    saga.handled();
    assert!(saga.was_ended());
}

#[test]
fn the_second_will_not_while_the_first_is_called_off() {
    let mut saga = abandoned();
    saga.reply_to(&ASK_SWIFT, swift());
    saga.refuse_to(&ASK_STEADY, Refusal::TooFar);
    assert!(saga.is_compensating() && !saga.unwinding());
    assert_eq!(is_unpacked(saga, &[call_off_swift()]).step(), "second");
}

#[test]
fn the_first_was_called_off_before_the_second_fails() {
    let mut saga = abandoned();
    saga.reply_to(&ASK_SWIFT, swift());
    saga.handled_to(&call_off_swift());
    saga.has_out(&[ASK_STEADY]);
    saga.refuse(Refusal::TooFar);
    assert_eq!(is_unpacked(saga, &[]).step(), "second", "and not called off again");
}

#[test]
fn called_off_while_nobody_has_answered() {
    let mut saga = abandoned();
    assert_eq!(saga.cancel(), CancelReply::Requested);
    saga.asks(&[ASK_SWIFT, ASK_STEADY]);
    saga.settle(Fate::Never);
    saga.settle(Fate::Done(vec![steady()]));
    assert_eq!(is_unpacked(saga, &[call_off_steady()]).kind(), CauseKind::Cancelled);
}

#[test]
fn a_second_courier_who_forgot_waits_for_an_operator() {
    let mut saga = both_silent();
    saga.settle(Fate::Never);
    saga.settle(Fate::Unknown);
    assert!(saga.is_stuck() && saga.is_compensating());
    saga.operator(Operator::Skip);
    assert_eq!(is_unpacked(saga, &[]).step(), "second");
}

#[test]
fn both_are_silent_and_never_took_it() {
    let mut saga = both_silent();
    saga.settle(Fate::Never);
    saga.settle(Fate::Never);
    let cause = is_unpacked(saga, &[]);
    assert_eq!((cause.kind(), cause.step()), (CauseKind::TimedOut, "second"));
}

#[test]
fn both_are_silent_and_the_first_took_it_after_all() {
    let mut saga = both_silent();
    saga.reply_to(&ASK_SWIFT, swift());
    saga.asks(&[ASK_STEADY]);
    saga.settle(Fate::Never);
    assert_eq!(is_unpacked(saga, &[call_off_swift()]).step(), "second");
}

#[test]
fn both_are_silent_and_both_took_it_after_all() {
    let mut saga = both_silent();
    saga.reply_to(&ASK_STEADY, steady());
    saga.reply_to(&ASK_SWIFT, swift());
    is_unpacked(saga, &[call_off_swift(), call_off_steady()]);
    let mut saga = both_silent();
    saga.settle(Fate::Done(vec![swift()]));
    saga.settle(Fate::Done(vec![steady()]));
    is_unpacked(saga, &[call_off_steady(), call_off_swift()]);
}

#[test]
fn both_will_not() {
    let mut saga = packed();
    saga.refuse(Refusal::TooFar);
    saga.refuse(Refusal::TooFar);
    let cause = is_unpacked(saga, &[]);
    assert_eq!((cause.kind(), cause.refusal()), (CauseKind::Refused, Some(Refusal::TooFar)));
}

#[test]
fn without_a_label_whoever_took_it_is_called_off() {
    let mut saga = packed();
    saga.reply(swift());
    saga.refuse(Refusal::Missing);
    assert_eq!(is_unpacked(saga, &[call_off_swift()]).step(), "label");
    let mut saga = abandoned();
    saga.settle(Fate::Never);
    saga.reply(steady());
    saga.refuse(Refusal::Missing);
    assert_eq!(is_unpacked(saga, &[call_off_steady()]).step(), "label");
}

#[test]
fn what_cannot_be_packed_is_not_shipped() {
    let mut saga = start();
    saga.child::<Pack>(unpacked());
    let cause = is_told(saga);
    assert_eq!((cause.kind(), cause.step()), (CauseKind::Child, "parcel"));
    assert_eq!(cause.message(), "it could not be packed: it is not there");
}

/// What can end a shipment from outside, when ten seconds are left.
const INTERRUPTIONS: [Interruption<ShipOrder>; 2] = [
    (|saga| assert_eq!(saga.cancel(), CancelReply::Requested), CauseKind::Cancelled),
    (|saga| saga.advance(10 * SECOND), CauseKind::Deadline),
];

/// Packing took nearly all the time there is.
fn slow() -> Play<ShipOrder> {
    let mut saga = start();
    saga.advance(DEADLINE - 10 * SECOND);
    saga
}

#[test]
fn interrupted_while_it_is_packed() {
    for (interrupt, kind) in INTERRUPTIONS {
        let mut saga = slow();
        interrupt(&mut saga);
        assert!(saga.is_compensating() && saga.sent().is_empty() && saga.outcome().is_none());
        saga.child::<Pack>(unpacked());
        assert_eq!(is_told(saga).kind(), kind);
        let mut saga = slow();
        interrupt(&mut saga);
        saga.child::<Pack>(Outcome::Completed(7));
        assert_eq!(is_unpacked(saga, &[]).kind(), kind);
    }
}

#[test]
fn interrupted_while_a_courier_is_asked() {
    for (interrupt, kind) in INTERRUPTIONS {
        for (fate, undone) in [(Fate::Never, vec![]), (Fate::Done(vec![swift()]), vec![call_off_swift()])] {
            let mut saga = slow();
            saga.child::<Pack>(Outcome::Completed(7));
            interrupt(&mut saga);
            saga.asks(&[ASK_SWIFT]);
            saga.settle(fate);
            assert_eq!(is_unpacked(saga, &undone).kind(), kind);
        }
        for (fate, undone) in [(Fate::Never, vec![]), (Fate::Done(vec![steady()]), vec![call_off_steady()])] {
            let mut saga = slow();
            saga.child::<Pack>(Outcome::Completed(7));
            saga.refuse(Refusal::TooFar);
            interrupt(&mut saga);
            saga.asks(&[ASK_STEADY]);
            saga.settle(fate);
            assert_eq!(is_unpacked(saga, &undone).kind(), kind);
        }
    }
}

#[test]
fn interrupted_while_the_label_is_printed() {
    for (interrupt, kind) in INTERRUPTIONS {
        let mut saga = slow();
        saga.child::<Pack>(Outcome::Completed(7));
        saga.reply(swift());
        interrupt(&mut saga);
        saga.asks(&[print("SW1")]);
        saga.settle(Fate::Never);
        assert_eq!(is_unpacked(saga, &[call_off_swift()]).kind(), kind);
    }
}

#[test]
fn a_courier_who_hangs_up_is_abandoned_at_once() {
    let mut saga = packed();
    saga.disconnect();
    saga.reconnect();
    assert_eq!((saga.sent(), saga.asked()), (vec![ASK_STEADY], vec![ASK_SWIFT]));
    saga.settle(Fate::Never);
    saga.reply(steady());
    saga.reply(Event::LabelPrinted);
    completes(saga, "ST1");
}

#[test]
fn repeated_and_late_answers_move_nothing() {
    let mut saga = abandoned();
    saga.reply_to(&ASK_SWIFT, swift());
    saga.reply_to(&ASK_SWIFT, swift());
    saga.refuse_to(&ASK_SWIFT, Refusal::TooFar);
    assert_eq!(saga.sent(), [ASK_STEADY, call_off_swift()]);
    saga.handled_to(&call_off_swift());
    saga.handled_to(&call_off_swift());
    saga.foreign(steady());
    saga.has_out(&[ASK_STEADY]);
    saga.reply(steady());
    saga.reply(Event::LabelPrinted);
    completes(saga, "ST1");
}

#[test]
fn goods_are_picked_all_at_once_and_put_back_in_reverse() {
    let pick = |item: &str| Command::Pick { item: item.to_owned() };
    let put = |item: &str| Command::PutOnShelf { item: item.to_owned() };
    let wrap = Command::Wrap { order: ORDER, grams: 500 };
    let picked = || {
        let mut pack = Play::start(Pack { order: ORDER, items: items() });
        pack.has_out(&[pick("cup"), pick("jug")]);
        pack.reply_to(&pick("jug"), Event::Picked { grams: 300 });
        pack.reply_to(&pick("cup"), Event::Picked { grams: 200 });
        pack.has_out(std::slice::from_ref(&wrap));
        pack
    };
    let mut pack = picked();
    pack.reply(Event::Wrapped { parcel: 7 });
    assert_eq!(pack.outcome(), Some(&Outcome::Completed(7)));
    let mut pack = picked();
    pack.refuse(Refusal::Missing);
    pack.is_undone_by(&[put("cup"), put("jug")]);
    assert_eq!(pack.cause().step(), "parcel");
    let mut pack = picked();
    pack.cancel();
    pack.settle(Fate::Done(vec![Event::Wrapped { parcel: 7 }]));
    pack.is_undone_by(&[Command::Unwrap { parcel: 7 }, put("cup"), put("jug")]);
    assert_eq!(pack.cause().kind(), CauseKind::Cancelled);
}

#[test]
fn a_missing_item_puts_the_others_in_doubt() {
    let pick = |item: &str| Command::Pick { item: item.to_owned() };
    let mut pack = Play::start(Pack { order: ORDER, items: items() });
    pack.refuse_to(&pick("cup"), Refusal::Missing);
    pack.asks(&[pick("jug")]);
    pack.settle(Fate::Done(vec![Event::Picked { grams: 300 }]));
    pack.is_undone_by(&[Command::PutOnShelf { item: "jug".to_owned() }]);
    assert_eq!(pack.why(), (CauseKind::Refused, "picked".to_owned(), "it is not there".to_owned()));
}
