//! Order: an order is created, credit is reserved for it, and it is approved; otherwise it is rejected, with the reason.
//! Two orders of one customer never look at the same credit at once.

use std::time::Duration;

use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};

use super::play::{Interruption, Play};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Customer(u32);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Quote {
    customer: Customer,
    cents: u64,
    number: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
#[bus(Shop)]
enum Command {
    #[to(Orders)]
    #[replies(OrderCreated)]
    #[refuses(ShopClosed)]
    CreateOrder { customer: Customer, cents: u64 },
    /// Undoes an approval too.
    #[to(Orders)]
    #[replies(OrderRejected, OrderOnItsWay)]
    #[refuses(Locked)]
    RejectOrder { order: u64, because: String },
    #[to(Orders)]
    #[replies(OrderApproved)]
    #[refuses(ShopClosed)]
    ApproveOrder { order: u64 },

    #[to(Customers)]
    #[replies(CreditReserved, CreditExceeded)]
    #[refuses(Locked, NoSuchCustomer)]
    ReserveCredit { customer: Customer, cents: u64 },
    #[to(Customers)]
    #[refuses(Locked)]
    ReleaseCredit { reservation: u64 },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[bus(Shop)]
enum Event {
    #[from(Storefront)]
    CartCheckedOut {
        customer: Customer,
        cents: u64,
    },
    #[from(Storefront)]
    QuoteAccepted(Quote),
    OrderCreated {
        order: u64,
    },
    OrderRejected,
    OrderOnItsWay {
        parcel: u32,
    },
    OrderApproved,
    CreditReserved {
        reservation: u64,
    },
    CreditExceeded {
        left: u64,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
enum Refusal {
    #[error("the shop is closed")]
    ShopClosed,
    #[error("somebody else is at it")]
    Locked,
    #[error("no such customer")]
    NoSuchCustomer,
}

struct Shop;
impl Bus for Shop {
    const NAME: &'static str = "shop";
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
}

saga! {
    /// Creates an order for which there is credit, or rejects it.
    saga PlaceOrder(customer: Customer, cents: u64) -> u64 on Shop {
        trigger CartCheckedOut { customer, cents } if cents > 0;
        trigger QuoteAccepted(quote) => { customer: quote.customer, cents: quote.cents };
        concurrency queue per customer;
        deadline 1m;

        require cents <= 1_000_000 else format!("an order of {cents} cents is placed by hand");

        step order -> u64 {
            send CreateOrder { customer, cents };
            await OrderCreated { order } => order;
            compensate {
                send RejectOrder { order, because: cause.map_or_else(String::new, ToString::to_string) };
                await {
                    OrderRejected => (),
                    OrderOnItsWay { parcel } => fail format!("parcel {parcel} has left"),
                    refused Locked => retry,
                };
                within 5s;
                retry 2 times every 1s;
            }
        }

        step credit -> u64 {
            send ReserveCredit { customer, cents };
            await {
                CreditReserved { reservation } => reservation,
                CreditExceeded { left } => fail format!("only {left} cents of credit are left"),
                refused Locked => retry,
                refused reason => fail reason,
            };
            within 10s;
            retry 2 times every 1s;
            compensate ReleaseCredit { reservation: credit };
        }

        step approve {
            send ApproveOrder { order };
            await OrderApproved => ();
            compensate with order;
        }

        return order;
    }
}

const ADA: Customer = Customer(1);
const CREATE: Command = Command::CreateOrder { customer: ADA, cents: 500 };
const RESERVE: Command = Command::ReserveCredit { customer: ADA, cents: 500 };
const RELEASE: Command = Command::ReleaseCredit { reservation: 2 };
const APPROVE: Command = Command::ApproveOrder { order: 17 };
const CREATED: Event = Event::OrderCreated { order: 17 };
const RESERVED: Event = Event::CreditReserved { reservation: 2 };
const DEADLINE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

fn reject(because: &str) -> Command {
    Command::RejectOrder { order: 17, because: because.to_owned() }
}

fn input() -> PlaceOrder {
    PlaceOrder { customer: ADA, cents: 500 }
}

fn start() -> Play<PlaceOrder> {
    let saga = Play::start(input());
    saga.has_out(&[CREATE]);
    saga
}

fn created() -> Play<PlaceOrder> {
    let mut saga = start();
    saga.reply(CREATED);
    saga.has_out(&[RESERVE]);
    saga
}

fn reserved() -> Play<PlaceOrder> {
    let mut saga = created();
    saga.reply(RESERVED);
    saga.has_out(&[APPROVE]);
    saga
}

/// The order is rejected for this reason, and so the saga ends.
#[track_caller]
fn is_rejected(mut saga: Play<PlaceOrder>, because: &str) -> Cause {
    assert_eq!((saga.sent(), saga.modes()), (vec![reject(because)], vec![Mode::Compensation]));
    saga.reply(Event::OrderRejected);
    let cause = saga.cause();
    assert_eq!(cause.message(), because);
    cause
}

#[track_caller]
fn credit_is_released(saga: &mut Play<PlaceOrder>) {
    saga.is_undone_by(&[RELEASE]);
}

#[test]
fn it_is_created_and_approved() {
    let mut saga = reserved();
    saga.reply(Event::OrderApproved);
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(17)));
}

#[test]
fn a_cart_starts_it_unless_it_is_empty_and_so_does_a_quote() {
    let cart = |cents| Event::CartCheckedOut { customer: ADA, cents };
    assert_eq!(PlaceOrder::triggered_by(&cart(500)), Some(input()));
    assert_eq!(PlaceOrder::triggered_by(&cart(0)), None);
    let quote = Quote { customer: ADA, cents: 500, number: 9 };
    assert_eq!(PlaceOrder::triggered_by(&Event::QuoteAccepted(quote)), Some(input()));
    assert_eq!(PlaceOrder::triggered_by(&Event::OrderApproved), None);
}

#[test]
fn an_order_that_is_too_large_is_not_even_created() {
    let saga = Play::start(PlaceOrder { cents: 1_000_001, ..input() });
    let cause = saga.cause();
    assert_eq!(cause.kind(), CauseKind::Required);
    assert_eq!(cause.message(), "an order of 1000001 cents is placed by hand");
    Play::start(PlaceOrder { cents: 1_000_000, ..input() })
        .has_out(&[Command::CreateOrder { customer: ADA, cents: 1_000_000 }]);
}

#[test]
fn an_order_that_is_refused_needs_no_rejection() {
    let mut saga = start();
    saga.refuse(Refusal::ShopClosed);
    assert_eq!(saga.why(), (CauseKind::Refused, "order".to_owned(), "the shop is closed".to_owned()));
}

#[test]
fn too_little_credit_rejects_the_order() {
    let mut saga = created();
    saga.reply(Event::CreditExceeded { left: 20 });
    let cause = is_rejected(saga, "only 20 cents of credit are left");
    assert_eq!((cause.kind(), cause.step()), (CauseKind::Failed, "credit"));
}

#[test]
fn an_unknown_customer_rejects_the_order_at_once() {
    let mut saga = created();
    saga.refuse(Refusal::NoSuchCustomer);
    let cause = is_rejected(saga, "no such customer");
    assert_eq!((cause.kind(), cause.refusal()), (CauseKind::Refused, Some(Refusal::NoSuchCustomer)));
}

#[test]
fn an_approval_that_is_refused_gives_the_credit_back_first() {
    let mut saga = reserved();
    saga.refuse(Refusal::ShopClosed);
    credit_is_released(&mut saga);
    assert_eq!(is_rejected(saga, "the shop is closed").step(), "approve");
}

#[test]
fn a_locked_customer_is_tried_three_times() {
    let mut saga = created();
    for _ in 0..2 {
        saga.refuse(Refusal::Locked);
        saga.has_out(&[]);
        saga.advance(SECOND);
        saga.has_out(&[RESERVE]);
    }
    saga.refuse(Refusal::Locked);
    let cause = is_rejected(saga, "somebody else is at it");
    assert_eq!((cause.kind(), cause.step()), (CauseKind::Refused, "credit"));
}

#[test]
fn credit_asked_for_three_times_in_vain_is_in_doubt() {
    let silent = || {
        let mut saga = created();
        saga.advance(10 * SECOND);
        saga.advance(SECOND);
        saga.refuse_attempt(&RESERVE, 1, Refusal::NoSuchCustomer);
        saga.has_out(&[RESERVE]);
        saga.advance(20 * SECOND + SECOND);
        saga.asks(&[RESERVE]);
        saga
    };
    let rejected = |saga: Play<PlaceOrder>| {
        assert!(matches!(saga.sent().as_slice(), [Command::RejectOrder { order: 17, .. }]));
    };
    let mut saga = silent();
    saga.settle(Fate::Never);
    rejected(saga);
    let mut saga = silent();
    saga.settle(Fate::Done(vec![RESERVED]));
    credit_is_released(&mut saga);
    rejected(saga);
    let mut saga = silent();
    saga.settle(Fate::Done(vec![Event::CreditExceeded { left: 20 }]));
    rejected(saga);
    let mut saga = silent();
    saga.settle(Fate::Running);
    saga.advance(SECOND);
    saga.asks(&[RESERVE]);
    saga.settle(Fate::Never);
    rejected(saga);
    let mut saga = silent();
    saga.settle(Fate::Unknown);
    assert!(saga.is_stuck());
    saga.operator(Operator::Skip);
    rejected(saga);
}

#[test]
fn credit_that_was_handled_in_the_first_attempt_counts_in_the_second() {
    let mut saga = created();
    saga.advance(11 * SECOND);
    saga.reply_to(&RESERVE, RESERVED);
    saga.reply_to(&RESERVE, Event::CreditExceeded { left: 20 });
    saga.has_out(&[APPROVE]);
}

/// What can end an order from outside, a second before its deadline.
const INTERRUPTIONS: [Interruption<PlaceOrder>; 2] = [
    (|saga| assert_eq!(saga.cancel(), CancelReply::Requested), CauseKind::Cancelled),
    (|saga| saga.advance(SECOND), CauseKind::Deadline),
];

#[test]
fn interrupted_while_it_is_created() {
    for (interrupt, kind) in INTERRUPTIONS {
        let interrupted = || {
            let mut saga = start();
            saga.advance(DEADLINE - SECOND);
            interrupt(&mut saga);
            saga.asks(&[CREATE]);
            saga
        };
        let mut saga = interrupted();
        saga.settle(Fate::Never);
        assert_eq!(saga.cause().kind(), kind);
        let mut saga = interrupted();
        saga.settle(Fate::Done(vec![CREATED]));
        assert!(matches!(saga.sent().as_slice(), [Command::RejectOrder { order: 17, .. }]));
        saga.reply(Event::OrderRejected);
        assert_eq!(saga.cause().kind(), kind);
        let mut saga = interrupted();
        saga.refuse_to(&CREATE, Refusal::ShopClosed);
        assert_eq!(saga.cause().kind(), kind, "a refusal settles as never");
    }
}

#[test]
fn interrupted_while_credit_is_reserved() {
    for (interrupt, kind) in INTERRUPTIONS {
        let mut saga = start();
        saga.advance(DEADLINE - SECOND);
        saga.reply(CREATED);
        interrupt(&mut saga);
        saga.asks(&[RESERVE]);
        saga.settle(Fate::Done(vec![RESERVED]));
        credit_is_released(&mut saga);
        assert!(matches!(saga.sent().as_slice(), [Command::RejectOrder { .. }]));
        saga.reply(Event::OrderRejected);
        assert_eq!(saga.cause().kind(), kind);
    }
}

#[test]
fn one_rejection_undoes_both_the_order_and_an_approval_in_doubt() {
    for (interrupt, kind) in INTERRUPTIONS {
        for fate in [Fate::Never, Fate::Done(vec![Event::OrderApproved])] {
            let mut saga = reserved();
            saga.advance(DEADLINE - SECOND);
            interrupt(&mut saga);
            saga.asks(&[APPROVE]);
            saga.settle(fate);
            credit_is_released(&mut saga);
            assert!(matches!(saga.sent().as_slice(), [Command::RejectOrder { .. }]));
            saga.reply(Event::OrderRejected);
            assert_eq!(saga.cause().kind(), kind);
        }
    }
}

#[test]
fn a_locked_order_is_rejected_when_it_is_free_again() {
    let mut saga = created();
    saga.reply(Event::CreditExceeded { left: 0 });
    saga.refuse(Refusal::Locked);
    assert!(saga.sent().is_empty() && !saga.is_stuck());
    saga.advance(SECOND);
    assert_eq!(is_rejected(saga, "only 0 cents of credit are left").step(), "credit");
}

/// An order that must be rejected and cannot: each way of it.
fn unrejectable() -> Vec<Play<PlaceOrder>> {
    let failed = || {
        let mut saga = created();
        saga.reply(Event::CreditExceeded { left: 0 });
        saga
    };
    let mut refused = failed();
    for _ in 0..3 {
        refused.refuse(Refusal::Locked);
        refused.advance(SECOND);
    }
    let mut silent = failed();
    silent.advance(15 * SECOND + 2 * SECOND);
    let mut on_its_way = failed();
    on_its_way.reply(Event::OrderOnItsWay { parcel: 4 });
    vec![refused, silent, on_its_way]
}

#[test]
fn an_order_that_cannot_be_rejected_waits_for_an_operator() {
    for mut saga in unrejectable() {
        assert!(saga.is_stuck() && saga.is_compensating());
        saga.operator(Operator::Retry);
        assert!(!saga.is_stuck());
        assert_eq!(is_rejected(saga, "only 0 cents of credit are left").kind(), CauseKind::Failed);
    }
    for mut saga in unrejectable() {
        saga.operator(Operator::Skip);
        assert_eq!(saga.cause().kind(), CauseKind::Failed);
    }
    for mut saga in unrejectable() {
        saga.operator(Operator::End);
        assert!(saga.was_ended());
    }
}

#[test]
fn who_is_away_gets_it_when_back() {
    for place in [start, created, reserved] {
        let mut saga = place();
        let out = saga.sent();
        saga.disconnect();
        saga.advance(5 * SECOND);
        saga.reconnect();
        saga.has_out(&out);
    }
}

#[test]
fn it_is_rejected_on_time_even_if_nobody_hears_of_it() {
    let mut saga = reserved();
    saga.disconnect();
    saga.advance(DEADLINE);
    assert!(saga.is_compensating());
    saga.reconnect();
    saga.asks(&[APPROVE]);
    saga.settle(Fate::Never);
    credit_is_released(&mut saga);
    assert!(matches!(saga.sent().as_slice(), [Command::RejectOrder { .. }]));
}

#[test]
fn repeated_and_late_answers_move_nothing() {
    let mut saga = reserved();
    saga.reply_to(&CREATE, Event::OrderCreated { order: 18 });
    saga.refuse_to(&RESERVE, Refusal::Locked);
    saga.foreign(Event::OrderApproved);
    saga.event(Event::OrderApproved);
    saga.has_out(&[APPROVE]);
    saga.refuse(Refusal::ShopClosed);
    saga.reply_to(&APPROVE, Event::OrderApproved);
    credit_is_released(&mut saga);
    saga.handled_to(&RELEASE);
    is_rejected(saga, "the shop is closed");
}
