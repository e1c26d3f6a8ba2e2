//! Restaurant order: the consumer is looked up, the kitchen gets a ticket with the dishes on it, the card is charged,
//! and from there it can only go forward: the ticket is confirmed and the order approved. The order itself was there
//! before the saga; whatever fails rejects it. However it ends, the consumer hears of it.

use std::time::Duration;

use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};

use super::play::{Interruption, Play};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Order(u64);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
#[bus(Town)]
enum Command {
    #[to(Consumers)]
    #[replies(ConsumerFound, ConsumerBlocked)]
    #[refuses(NoSuchConsumer)]
    #[query]
    FindConsumer { consumer: u32 },
    #[to(Consumers)]
    #[refuses(Busy)]
    TellConsumer { consumer: u32, ready_in: Option<u32>, sorry: Option<String> },

    #[to(Orders)]
    ApproveOrder { order: Order },
    #[to(Orders)]
    RejectOrder { order: Order, because: String },

    #[to(Kitchen)]
    #[replies(TicketCreated)]
    #[refuses(Busy)]
    CreateTicket { order: Order },
    #[to(Kitchen)]
    #[replies(DishAdded)]
    #[refuses(SoldOut)]
    AddDish { ticket: u64, dish: String },
    /// With all that stands on it.
    #[to(Kitchen)]
    CancelTicket { ticket: u64 },
    #[to(Kitchen)]
    #[refuses(Busy)]
    ConfirmTicket { ticket: u64, authorisation: u64 },

    #[to(Accounting)]
    #[replies(CardAuthorised)]
    #[refuses(CardDeclined)]
    AuthoriseCard { consumer: u32, cents: u64 },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[bus(Town)]
enum Event {
    ConsumerFound,
    ConsumerBlocked { since: u32 },
    TicketCreated { ticket: u64 },
    DishAdded { minutes: u32 },
    CardAuthorised { authorisation: u64 },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
enum Refusal {
    #[error("no such consumer")]
    NoSuchConsumer,
    #[error("busy")]
    Busy,
    #[error("sold out")]
    SoldOut,
    #[error("the card was declined")]
    CardDeclined,
}

struct Town;
impl Bus for Town {
    const NAME: &'static str = "town";
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
}

saga! {
    /// Takes an order that was placed to the point where the kitchen cooks it, or rejects it.
    saga CookOrder(order: Order, consumer: u32, dishes: Vec<String>, cents: u64) -> u32 on Town {
        concurrency skip per order;
        deadline 5m;

        /// The order was placed before all this.
        step placed {
            compensate RejectOrder { order, because: cause.map_or_else(String::new, ToString::to_string) };
        }

        require !dishes.is_empty() else "an order has at least one dish";

        step validate {
            query FindConsumer { consumer };
            await {
                ConsumerFound => (),
                ConsumerBlocked { since } => fail format!("blocked since {since}"),
            };
        }

        step ticket -> u64 {
            send CreateTicket { order };
            await TicketCreated { ticket } => ticket;
            compensate CancelTicket { ticket };
        }

        /// How long each dish takes.
        step lines -> u32 for dish in dishes, 2 at once {
            send AddDish { ticket, dish };
            await DishAdded { minutes } => minutes;
            within 20s;
            compensate with ticket;
        }

        /// Who has paid gets something to eat.
        pivot step authorise -> u64 {
            send AuthoriseCard { consumer, cents };
            await CardAuthorised { authorisation } => authorisation;
            within 10s;
            retry 1 times every 1s;
        }

        step confirm {
            send ConfirmTicket { ticket, authorisation: authorise };
        }

        step approve {
            send ApproveOrder { order };
        }

        finally step told {
            send TellConsumer {
                consumer,
                ready_in: authorise.and(lines).and_then(|minutes| minutes.into_iter().max()),
                sorry: cause.map(ToString::to_string),
            };
        }

        return lines.into_iter().max().unwrap_or_default();
    }
}

const ORDER: Order = Order(17);
const FIND: Command = Command::FindConsumer { consumer: 4 };
const TICKET: Command = Command::CreateTicket { order: ORDER };
const CANCEL_TICKET: Command = Command::CancelTicket { ticket: 9 };
const AUTHORISE: Command = Command::AuthoriseCard { consumer: 4, cents: 4_200 };
const CONFIRM: Command = Command::ConfirmTicket { ticket: 9, authorisation: 77 };
const APPROVE: Command = Command::ApproveOrder { order: ORDER };
const TICKET_CREATED: Event = Event::TicketCreated { ticket: 9 };
const AUTHORISED: Event = Event::CardAuthorised { authorisation: 77 };
const READY: Command = Command::TellConsumer { consumer: 4, ready_in: Some(20), sorry: None };
const SECOND: Duration = Duration::from_secs(1);
const DEADLINE: Duration = Duration::from_secs(300);

fn add(dish: &str) -> Command {
    Command::AddDish { ticket: 9, dish: dish.to_owned() }
}

fn added(minutes: u32) -> Event {
    Event::DishAdded { minutes }
}

fn reject(because: &str) -> Command {
    Command::RejectOrder { order: ORDER, because: because.to_owned() }
}

fn input() -> CookOrder {
    let dishes = ["soup", "pasta", "cake"].map(str::to_owned).to_vec();
    CookOrder { order: ORDER, consumer: 4, dishes, cents: 4_200 }
}

fn start() -> Play<CookOrder> {
    let saga = Play::start(input());
    saga.has_out(&[FIND]);
    saga
}

/// The consumer was found; the deadline is a second away.
fn found() -> Play<CookOrder> {
    let mut saga = start();
    saga.advance(DEADLINE - SECOND);
    saga.reply(Event::ConsumerFound);
    saga.has_out(&[TICKET]);
    saga
}

fn ticketed() -> Play<CookOrder> {
    let mut saga = found();
    saga.reply(TICKET_CREATED);
    saga.has_out(&[add("soup"), add("pasta")]);
    saga
}

fn listed() -> Play<CookOrder> {
    let mut saga = ticketed();
    [5, 20, 10].into_iter().for_each(|minutes| saga.reply(added(minutes)));
    saga.has_out(&[AUTHORISE]);
    saga
}

fn paid() -> Play<CookOrder> {
    let mut saga = listed();
    saga.reply(AUTHORISED);
    saga.has_out(&[CONFIRM]);
    saga
}

/// Whatever is out by then is handled, and it completes.
#[track_caller]
fn completes(mut saga: Play<CookOrder>, rest: &[Command]) {
    for command in rest {
        saga.has_out(std::slice::from_ref(command));
        saga.handled();
    }
    assert_eq!((saga.sent(), saga.modes()), (vec![READY], vec![Mode::Finally]));
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(20)));
}

/// It is undone by these, then the order is rejected and the consumer told.
#[track_caller]
fn is_rejected(mut saga: Play<CookOrder>, undone: &[Command]) -> Cause {
    saga.is_undone_by(undone);
    let because = match saga.sent().as_slice() {
        [Command::RejectOrder { order: ORDER, because }] => because.clone(),
        other => panic!("the order is not rejected: {other:?}"),
    };
    saga.is_undone_by(&[reject(&because)]);
    let sorry = Command::TellConsumer { consumer: 4, ready_in: None, sorry: Some(because.clone()) };
    assert_eq!((saga.sent(), saga.modes()), (vec![sorry], vec![Mode::Finally]));
    saga.handled();
    assert_eq!(saga.cause().message(), because);
    saga.cause()
}

#[test]
fn it_is_cooked() {
    let mut saga = paid();
    assert_eq!(saga.cancel(), CancelReply::PastPivot);
    completes(saga, &[CONFIRM, APPROVE]);
}

#[test]
fn dishes_are_added_two_at_once_and_kept_in_their_order() {
    let mut saga = ticketed();
    saga.reply_to(&add("pasta"), added(20));
    saga.has_out(&[add("soup"), add("cake")]);
    saga.reply_to(&add("cake"), added(10));
    saga.has_out(&[add("soup")]);
    saga.reply(added(5));
    saga.has_out(&[AUTHORISE]);
    saga.reply(AUTHORISED);
    completes(saga, &[CONFIRM, APPROVE]);
}

#[test]
fn an_order_without_dishes_is_rejected() {
    let saga = Play::start(CookOrder { dishes: vec![], ..input() });
    let cause = is_rejected(saga, &[]);
    assert_eq!((cause.kind(), cause.message()), (CauseKind::Required, "an order has at least one dish"));
}

#[test]
fn an_order_of_nobody_is_rejected() {
    let mut saga = start();
    saga.refuse(Refusal::NoSuchConsumer);
    let cause = is_rejected(saga, &[]);
    assert_eq!((cause.kind(), cause.step()), (CauseKind::Refused, "validate"));
    let mut saga = start();
    saga.reply(Event::ConsumerBlocked { since: 2020 });
    let cause = is_rejected(saga, &[]);
    assert_eq!((cause.kind(), cause.message()), (CauseKind::Failed, "blocked since 2020"));
}

#[test]
fn a_kitchen_without_time_rejects_it() {
    let mut saga = found();
    saga.refuse(Refusal::Busy);
    let cause = is_rejected(saga, &[]);
    assert_eq!((cause.step(), cause.refusal()), ("ticket", Some(Refusal::Busy)));
}

#[test]
fn a_dish_that_is_sold_out_cancels_the_ticket_once() {
    let mut saga = ticketed();
    saga.refuse_to(&add("pasta"), Refusal::SoldOut);
    saga.asks(&[add("soup")]);
    saga.settle(Fate::Done(vec![added(5)]));
    let cause = is_rejected(saga, &[CANCEL_TICKET]);
    assert_eq!((cause.kind(), cause.step()), (CauseKind::Refused, "lines"));
}

#[test]
fn a_declined_card_cancels_the_ticket() {
    let mut saga = listed();
    saga.refuse(Refusal::CardDeclined);
    let cause = is_rejected(saga, &[CANCEL_TICKET]);
    assert_eq!((cause.step(), cause.refusal()), ("authorise", Some(Refusal::CardDeclined)));
}

/// What can end an order from outside, a second before its deadline.
const INTERRUPTIONS: [Interruption<CookOrder>; 2] = [
    (|saga| assert_ne!(saga.cancel(), CancelReply::PastPivot), CauseKind::Cancelled),
    (|saga| saga.advance(SECOND), CauseKind::Deadline),
];

#[test]
fn interrupted_while_the_consumer_is_looked_up() {
    for (interrupt, kind) in INTERRUPTIONS {
        let mut saga = start();
        saga.advance(DEADLINE - SECOND);
        interrupt(&mut saga);
        assert!(saga.asked().is_empty(), "a query is never in doubt");
        assert_eq!(is_rejected(saga, &[]).kind(), kind);
    }
}

#[test]
fn interrupted_while_the_ticket_is_created() {
    for (interrupt, kind) in INTERRUPTIONS {
        for (fate, undone) in [(Fate::Never, &[][..]), (Fate::Done(vec![TICKET_CREATED]), &[CANCEL_TICKET][..])] {
            let mut saga = found();
            interrupt(&mut saga);
            saga.asks(&[TICKET]);
            saga.settle(fate);
            assert_eq!(is_rejected(saga, undone).kind(), kind);
        }
    }
}

#[test]
fn interrupted_while_dishes_are_added() {
    for (interrupt, kind) in INTERRUPTIONS {
        for fate in [Fate::Never, Fate::Done(vec![added(5)])] {
            let mut saga = ticketed();
            interrupt(&mut saga);
            saga.asks(&[add("soup"), add("pasta")]);
            saga.settle(Fate::Running);
            saga.settle(fate.clone());
            saga.advance(SECOND);
            saga.asks(&[add("soup")]);
            saga.settle(fate);
            assert_eq!(is_rejected(saga, &[CANCEL_TICKET]).kind(), kind);
        }
    }
}

#[test]
fn interrupted_at_the_pivot_it_goes_back_only_if_nobody_has_paid() {
    for (interrupt, kind) in INTERRUPTIONS {
        let interrupted = || {
            let mut saga = listed();
            interrupt(&mut saga);
            saga.asks(&[AUTHORISE]);
            saga
        };
        let mut saga = interrupted();
        saga.settle(Fate::Never);
        assert_eq!(is_rejected(saga, &[CANCEL_TICKET]).kind(), kind);
        let mut saga = interrupted();
        saga.settle(Fate::Running);
        saga.advance(SECOND);
        saga.settle(Fate::Done(vec![AUTHORISED]));
        completes(saga, &[CONFIRM, APPROVE]);
        let mut saga = interrupted();
        saga.reply_to(&AUTHORISE, AUTHORISED);
        completes(saga, &[CONFIRM, APPROVE]);
        let mut saga = interrupted();
        saga.refuse_to(&AUTHORISE, Refusal::CardDeclined);
        assert_eq!(is_rejected(saga, &[CANCEL_TICKET]).kind(), kind);
    }
}

/// The card was asked for twice, and nobody knows what became of it.
fn doubted() -> Play<CookOrder> {
    let mut saga = Play::start(input());
    saga.reply(Event::ConsumerFound);
    saga.reply(TICKET_CREATED);
    [5, 20, 10].into_iter().for_each(|minutes| saga.reply(added(minutes)));
    saga.advance(11 * SECOND);
    saga.has_out(&[AUTHORISE]);
    saga.advance(10 * SECOND);
    saga.asks(&[AUTHORISE]);
    saga
}

#[test]
fn a_pivot_that_times_out_is_settled_first() {
    let mut saga = doubted();
    saga.settle(Fate::Never);
    let cause = is_rejected(saga, &[CANCEL_TICKET]);
    assert_eq!((cause.kind(), cause.step()), (CauseKind::TimedOut, "authorise"));
    let mut saga = doubted();
    saga.settle(Fate::Done(vec![AUTHORISED]));
    completes(saga, &[CONFIRM, APPROVE]);
}

#[test]
fn a_pivot_with_an_unknown_fate_waits_for_an_operator() {
    let unknown = || {
        let mut saga = doubted();
        saga.settle(Fate::Unknown);
        assert!(saga.is_stuck() && saga.sent().is_empty());
        saga
    };
    let mut saga = unknown();
    saga.operator(Operator::Retry);
    saga.asks(&[AUTHORISE]);
    saga.settle(Fate::Done(vec![AUTHORISED]));
    completes(saga, &[CONFIRM, APPROVE]);
    let mut saga = unknown();
    saga.operator(Operator::Skip);
    assert_eq!(is_rejected(saga, &[CANCEL_TICKET]).step(), "authorise");
    let mut saga = unknown();
    saga.operator(Operator::End);
    assert_eq!(saga.modes(), [Mode::Finally], "the consumer hears of it all the same");
    saga.handled();
    assert!(saga.was_ended());
}

#[test]
fn past_the_pivot_no_deadline_counts_and_every_step_is_tried_until_handled() {
    let mut saga = paid();
    for attempt in 1..10 {
        saga.refuse(Refusal::Busy);
        assert!(saga.sent().is_empty() && !saga.is_compensating());
        saga.advance(30 * SECOND);
        assert_eq!((saga.sent(), saga.is_stuck()), (vec![CONFIRM], false), "after {attempt}");
    }
    saga.refuse(Refusal::Busy);
    assert!(saga.is_stuck(), "shown after ten attempts");
    saga.advance(30 * SECOND);
    saga.has_out(&[CONFIRM]);
    assert_eq!(saga.cancel(), CancelReply::PastPivot);
    saga.handled();
    assert!(!saga.is_stuck());
    completes(saga, &[APPROVE]);
}

#[test]
fn past_the_pivot_silence_is_a_reason_to_try_again() {
    let mut saga = paid();
    saga.advance(DEADLINE * 12);
    assert!(saga.is_stuck() && !saga.is_compensating());
    saga.handled_to(&CONFIRM);
    assert!(!saga.is_stuck());
    completes(saga, &[APPROVE]);
}

#[test]
fn a_consumer_who_cannot_be_told_waits_for_an_operator() {
    let untold = || {
        let mut saga = paid();
        saga.handled();
        saga.handled();
        assert_eq!(saga.modes(), [Mode::Finally]);
        saga.refuse_until_stuck(&Refusal::Busy);
        saga
    };
    let mut saga = untold();
    saga.operator(Operator::Retry);
    completes(saga, &[]);
    let mut saga = untold();
    saga.operator(Operator::Skip);
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(20)));
    let mut saga = untold();
    saga.operator(Operator::End);
    assert!(saga.was_ended(), "what is stuck is not run again");
}

#[test]
fn who_is_away_gets_it_when_back() {
    for place in [start, found, ticketed, listed, paid] {
        let mut saga = place();
        let out = saga.sent();
        saga.disconnect();
        saga.advance(SECOND / 2);
        saga.reconnect();
        saga.has_out(&out);
    }
}

#[test]
fn repeated_and_late_answers_move_nothing() {
    let mut saga = paid();
    saga.reply_to(&FIND, Event::ConsumerBlocked { since: 2020 });
    saga.reply_to(&TICKET, Event::TicketCreated { ticket: 10 });
    saga.refuse_to(&add("soup"), Refusal::SoldOut);
    saga.reply_to(&AUTHORISE, Event::CardAuthorised { authorisation: 78 });
    saga.refuse_to(&AUTHORISE, Refusal::CardDeclined);
    saga.foreign(AUTHORISED);
    saga.event(AUTHORISED);
    completes(saga, &[CONFIRM, APPROVE]);
}
