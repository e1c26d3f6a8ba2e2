//! Sagas written by hand, which say between them all that the language can.

use std::time::Duration;

use crate::definition::{
    Action, ArmOutcome, AtOnce, Compensation, Correlation, Deadline, Definition, Each, Exchange, OnRestart, Parameter,
    Place, Policy, Require, Retry, Span, Step, StepKind,
};
use crate::message::CommandInfo;

const fn command(name: &'static str, to: &'static str) -> CommandInfo {
    CommandInfo {
        name,
        doc: "",
        fields: "",
        to,
        replies: &[],
        refuses: &[],
        query: false,
        live_only: false,
        harmless: false,
        redacted: &[],
    }
}

const fn seconds(seconds: u64) -> Span {
    Span::Fixed(Duration::from_secs(seconds))
}

const fn event(pattern: &'static str, events: &'static [&'static str]) -> ArmOutcome {
    ArmOutcome::Event { pattern, events }
}

const PAY: CommandInfo =
    CommandInfo { replies: &["Paid"], refuses: &["NoFunds"], redacted: &["card"], ..command("Pay", "bank") };
const REFUND: CommandInfo = CommandInfo { harmless: true, ..command("Refund", "bank") };
const ROOM: CommandInfo =
    CommandInfo { replies: &["RoomBooked", "Waitlisted"], refuses: &["SoldOut"], ..command("BookRoom", "hotel") };
const NO_ROOM: CommandInfo = command("CancelRoom", "hotel");
const SEAT: CommandInfo = CommandInfo { replies: &["SeatBooked"], refuses: &["SoldOut"], ..command("BookSeat", "air") };
const NO_SEAT: CommandInfo = command("CancelSeat", "air");
const NEWS: CommandInfo = CommandInfo { query: true, replies: &["Weather"], ..command("AskWeather", "sky") };
const RING: CommandInfo = CommandInfo { live_only: true, ..command("Ring", "door") };
const TELL: CommandInfo = CommandInfo { refuses: &["Asleep"], ..command("Tell", "post") };

const PAYMENT: Step = Step {
    output: Some("u64"),
    redacted: true,
    doc: "Takes the money.",
    ..Step::new(
        "payment",
        Exchange::send(&PAY).arms(&[event("Paid { receipt }", &["Paid"]).value("receipt")]),
        Compensation::Exchange(Exchange::send(&REFUND)),
    )
};

const HOTEL: Step = Step {
    output: Some("Room"),
    ..Step::new(
        "hotel",
        Exchange::send(&ROOM)
            .arms(&[
                event("RoomBooked { room }", &["RoomBooked"]).value("room"),
                event("Waitlisted { place }", &["Waitlisted"]).fail("format!(\"place {place}\")"),
            ])
            .within(seconds(60)),
        Compensation::Exchange(Exchange::send(&NO_ROOM).within(seconds(10)).retry(Retry {
            times: "3",
            every: seconds(1),
            at_most: seconds(1),
        })),
    )
};

const SEATS: Step = Step::new(
    "seats",
    Exchange::send(&SEAT).within(seconds(5)).retry(Retry { times: "2", every: seconds(1), at_most: seconds(4) }),
    Compensation::Exchange(Exchange::send(&NO_SEAT)),
)
.each(Each { pattern: "name", items: "travellers", at_once: AtOnce::AtMost(8) })
.when("flies");

const SUMMARY: Step = Step::new(
    "summary",
    Exchange::send(&TELL).within(Span::Computed("patience")),
    Compensation::None { because: "a letter cannot be called back" },
);

/// Payment; then a hotel and seats in parallel; then a letter.
pub(super) const TRIP: Definition = Definition::new("trip", "Trip", 1, Deadline::After(seconds(600)))
    .doc("A trip is had as a whole or not at all.")
    .parameters(&[
        Parameter::new("travellers", "Vec<String>", "Who goes."),
        Parameter::new("card", "String", "").redacted(),
        Parameter::new("flies", "bool", ""),
    ])
    .concurrency(Policy::Replace, &["travellers", "card"])
    .requires(&[
        Require { place: 0, condition: "!travellers.is_empty()", reason: "\"nobody goes\"" },
        Require { place: 2, condition: "hotel.stars > 2 || flies", reason: "\"too cheap\"" },
        Require { place: 3, condition: "payment > 0", reason: "\"no receipt\"" },
    ])
    .steps(&[PAYMENT, HOTEL, SEATS, SUMMARY], &[Place { steps: &[0] }, Place { steps: &[1, 2] }, Place { steps: &[3] }])
    .returns("payment")
    .returns_redacted();

const VALIDATE: Step = Step::new(
    "validate",
    Exchange::query(&NEWS)
        .arms(&[
            event("Weather { good: true }", &["Weather"]).value("()"),
            event("Weather { good: _ }", &["Weather"]).retry(),
            ArmOutcome::Timeout.fail("\"no weather\""),
        ])
        .within(seconds(2)),
    Compensation::NotNeeded,
);
const TICKET: Step = Step::new(
    "ticket",
    Exchange::send(&TELL).arms(&[
        event("Called { ticket }", &["Called"])
            .value("()")
            .correlated(&[Correlation { name: "ticket", value: "order" }]),
        ArmOutcome::Handled.value("()"),
    ]),
    Compensation::Exchange(
        Exchange::send(&NO_ROOM).arms(&[ArmOutcome::Handled.value("()"), ArmOutcome::Refused("reason").fail("reason")]),
    ),
);
const TABLE: Step = Step::new("table", Exchange::send(&TELL), Compensation::With(1));
const AUTHORISE: Step =
    Step::new("authorise", Exchange::send(&PAY).within(seconds(3)), Compensation::NotNeeded).kind(StepKind::Pivot);
const CONFIRM: Step = Step::new("confirm", Exchange::send(&TELL), Compensation::NotNeeded);
const RELEASE: Step = Step::new("release", Exchange::send(&TELL), Compensation::NotNeeded)
    .kind(StepKind::Finally)
    .when("cause.is_some()");
const CLOSE: Step = Step::new("close", Exchange::send(&TELL), Compensation::NotNeeded).kind(StepKind::Finally);

/// Validate, ticket and table undone together, the pivot, a step after it, and two on every way out.
pub(super) const RESTAURANT: Definition = Definition::new("restaurant", "Restaurant", 2, Deadline::After(seconds(60)))
    .on_restart(OnRestart::Compensate)
    .steps(
        &[VALIDATE, TICKET, TABLE, AUTHORISE, CONFIRM, RELEASE, CLOSE],
        &[
            Place { steps: &[0] },
            Place { steps: &[1] },
            Place { steps: &[2] },
            Place { steps: &[3] },
            Place { steps: &[4] },
        ],
    )
    .finally(&[5, 6]);

const BEFORE: Step =
    Step::new("before", Exchange::new(Action::Nothing), Compensation::Exchange(Exchange::send(&REFUND)));
const CHILD: Step = Step::new(
    "child",
    Exchange::new(Action::Run(&TRIP)).arms(&[ArmOutcome::Failed("cause").fail("cause.message()")]),
    Compensation::Unwind,
);
const PLAIN_CHILD: Step = Step::new(
    "other",
    Exchange::new(Action::Run(&TRIP)).within(seconds(9)),
    Compensation::None { because: "it is small" },
);
const PAUSE: Step = Step::new("pause", Exchange::new(Action::Sleep(seconds(20))), Compensation::NotNeeded);
const NAP: Step = Step::new("nap", Exchange::new(Action::Sleep(Span::Computed("rest(2)"))), Compensation::NotNeeded);
const PICKED_UP: Step = Step::new(
    "picked_up",
    Exchange::new(Action::Wait)
        .arms(&[event("PickedUp { order: id }", &["PickedUp"])
            .value("id")
            .correlated(&[Correlation { name: "id", value: "order" }])
            .when("id > 3")])
        .within(seconds(30)),
    Compensation::NotNeeded,
);
const COURIER: Step = Step::new(
    "courier",
    Exchange::send(&SEAT)
        .arms(&[event("SeatBooked { .. }", &["SeatBooked"]).value("Some(1)"), ArmOutcome::Timeout.value("None")])
        .within(seconds(20)),
    Compensation::Exchange(Exchange::send(&NO_SEAT)),
);
const BELL: Step = Step::new("bell", Exchange::send(&RING), Compensation::None { because: "it rings once" });

/// All that is not a plain exchange of commands.
pub(super) const SHIPPING: Definition =
    Definition::new("shipping", "Shipping", 1, Deadline::None { because: "a parcel takes what it takes" })
        .ephemeral()
        .steps(
            &[BEFORE, CHILD, PLAIN_CHILD, PAUSE, NAP, PICKED_UP, COURIER, BELL],
            &[
                Place { steps: &[0] },
                Place { steps: &[1] },
                Place { steps: &[2] },
                Place { steps: &[3] },
                Place { steps: &[4] },
                Place { steps: &[5] },
                Place { steps: &[6] },
                Place { steps: &[7] },
            ],
        );
