/**Books a room and pays for it.

```text
forward: charge → book
back:    charge
```

| step | does | undone by | if it fails here, undone in this order |
|---|---|---|---|
| `charge` | `Charge` | `Refund` | `charge` (if done) |
| `book` | `Book` | nothing: a room is given back by itself | `charge` |
*/
pub struct Trip {
    ///The parameter `traveller`.
    pub traveller: String,
    ///The parameter `cents`.
    pub cents: u64,
}
///Where [`Trip`] can be, with what it still needs there.
#[allow(missing_docs)]
pub enum TripState {
    ///At `charge`.
    Charge { traveller: String, cents: u64, charge: ::saga_runtime::saga::Slot<u64> },
    ///Undoing `charge`.
    CompensateCharge { charge: ::saga_runtime::saga::Slot<u64> },
    ///At `book`.
    Book { charge: u64, book: ::saga_runtime::saga::Slot<()> },
}
#[allow(
    unused_variables,
    unused_mut,
    unused_parens,
    unused_braces,
    unreachable_patterns,
    irrefutable_let_patterns,
    dead_code,
    clippy::all
)]
const _: () = {
    use ::saga_runtime::__private as __saga;
    type __Command = __saga::CommandOf<Travel>;
    type __Event = __saga::EventOf<Travel>;
    type __Refusal = __saga::RefusalOf<Travel>;
    type __Value0 = String;
    type __Value1 = u64;
    type __Value2 = u64;
    type __Value3 = ();
    __saga::input! {
        Trip[] { traveller "traveller", cents "cents" } [(traveller, cents,)] redacted[]
    }
    __saga::state! {
        TripState[] redacted[] Charge 0 { traveller "traveller", cents "cents", charge
        "charge" } [(traveller, cents, charge,)] CompensateCharge 1 { charge "charge" }
        [(charge,)] Book 2 { charge "charge", book "book" } [(charge, book,)]
    }
    const __COMMAND_Book: &__saga::CommandInfo = __saga::command::<__Command>("Book");
    const __COMMAND_Charge: &__saga::CommandInfo = __saga::command::<
        __Command,
    >("Charge");
    const __COMMAND_Refund: &__saga::CommandInfo = __saga::command::<
        __Command,
    >("Refund");
    const __STEP_0: __saga::Step = __saga::Step::giving_to_undo(
            "charge",
            "u64",
            __saga::Exchange::send(__COMMAND_Charge)
                .arms(
                    &[
                        __saga::event("Charged { receipt }", &["Charged"])
                            .value("receipt"),
                        __saga::ArmOutcome::Refused("NoFunds")
                            .fail("format!(\"{traveller} has no {cents}\")"),
                    ],
                )
                .within(__saga::Span::Fixed(__saga::millis(10000u64)))
                .retry(__saga::Retry {
                    times: "2",
                    every: __saga::Span::Fixed(__saga::millis(100u64)),
                    at_most: __saga::Span::Fixed(__saga::millis(5000u64)),
                }),
            __saga::Compensation::Exchange(__saga::Exchange::send(__COMMAND_Refund)),
        )
        .doc("Take the money first.");
    const __STEP_1: __saga::Step = __saga::Step::new(
        "book",
        __saga::Exchange::send(__COMMAND_Book),
        __saga::Compensation::None {
            because: "a room is given back by itself",
        },
    );
    impl __saga::Saga for Trip {
        type Bus = Travel;
        type Output = u64;
        type State = TripState;
        const DEFINITION: &'static __saga::Definition = &__saga::Definition::new(
                "trip",
                "Trip",
                1u32,
                __saga::Deadline::After(__saga::Span::Fixed(__saga::millis(60000u64))),
            )
            .doc("Books a room and pays for it.")
            .output("u64")
            .triggers(
                &[
                    __saga::Trigger {
                        event: "Asked",
                        pattern: "Asked { who, cents }",
                        guard: ::core::option::Option::Some("cents > 0"),
                    },
                ],
            )
            .concurrency(
                __saga::definition::Policy::Queue,
                &["traveller", "cents / 100"],
            )
            .returns("charge")
            .parameters(
                &[
                    __saga::Parameter::new("traveller", "String", ""),
                    __saga::Parameter::new("cents", "u64", ""),
                ],
            )
            .steps(
                &[__STEP_0, __STEP_1],
                &[__saga::place(&[0u16]), __saga::place(&[1u16])],
            );
        fn triggered_by(
            event: &__saga::EventOf<Self::Bus>,
        ) -> ::core::option::Option<Self> {
            match ::core::clone::Clone::clone(event) {
                __Event::Asked { who, cents } if cents > 0 => {
                    ::core::option::Option::Some(Self {
                        traveller: who,
                        cents: cents,
                    })
                }
                _ => ::core::option::Option::None,
            }
        }
        fn keys(&self) -> ::std::vec::Vec<__saga::Key> {
            let Self { traveller, cents } = self;
            ::std::vec::Vec::from([
                {
                    let traveller = __saga::own(traveller);
                    let value: _ = traveller;
                    let __value = &value;
                    __saga::check::IsKey::key(__value)
                },
                {
                    let cents = __saga::own(cents);
                    let value: _ = cents / 100;
                    let __value = &value;
                    __saga::check::IsKey::key(__value)
                },
            ])
        }
        fn deadline(&self) -> ::core::option::Option<::core::time::Duration> {
            ::core::option::Option::Some(__saga::millis(60000u64))
        }
        fn begin(self) -> Self::State {
            let Self { traveller, cents } = self;
            TripState::Charge {
                traveller,
                cents,
                charge: __saga::Slot::EMPTY,
            }
        }
        fn position(state: &Self::State) -> __saga::Position {
            match state {
                TripState::Charge { .. } => __saga::Position::Forward(0u16),
                TripState::CompensateCharge { .. } => {
                    __saga::Position::Compensating(0u16)
                }
                TripState::Book { .. } => __saga::Position::Forward(1u16),
            }
        }
        fn exchange(
            state: &Self::State,
            at: __saga::At,
            given_cause: ::core::option::Option<&__saga::Cause>,
        ) -> __saga::ExchangePlan<Self::Bus> {
            if let __saga::Mode::Compensation = at.mode {
                let state = __saga::undoing::<Self>(state, at.step);
                return match (&*state, at.step) {
                    (TripState::CompensateCharge { charge, .. }, 0u16) => {
                        let charge = __saga::output(charge);
                        let value: __Command = __Command::Refund {
                            receipt: charge,
                        };
                        __saga::plan::<Self>(value)
                    }
                    _ => __saga::misplaced("exchange"),
                };
            }
            match (state, at.step) {
                (TripState::Charge { traveller, cents, .. }, 0u16) => {
                    let traveller = __saga::own(traveller);
                    let cents = __saga::own(cents);
                    let value: __Command = __Command::Charge {
                        traveller,
                        cents,
                    };
                    __saga::plan::<Self>(value)
                        .within(__saga::millis(10000u64))
                        .retry(
                            {
                                let value: u32 = 2;
                                value
                            },
                            __saga::millis(100u64),
                            __saga::millis(5000u64),
                        )
                }
                (TripState::Book { charge, .. }, 1u16) => {
                    let charge = __saga::own(charge);
                    let __charge_1 = __saga::own(charge);
                    let __charge_2 = __saga::own(charge);
                    let value: __Command = __Command::Book {
                        note: format!("{charge}"),
                        payer: __charge_1,
                        guest: __charge_2,
                    };
                    __saga::plan::<Self>(value)
                }
                _ => __saga::misplaced("exchange"),
            }
        }
        fn answer(
            state: &mut Self::State,
            at: __saga::At,
            given_cause: ::core::option::Option<&__saga::Cause>,
            heard: __saga::Heard<'_, Self::Bus>,
        ) -> __saga::Verdict {
            let said = __saga::said(&heard);
            match (state, at.mode, at.step) {
                (
                    TripState::Charge { traveller, cents, charge: slot, .. },
                    __saga::Mode::Forward,
                    0u16,
                ) => {
                    match said {
                        __saga::Said::Event(__Event::Charged { receipt }) => {
                            let value: __Value2 = receipt;
                            __saga::done(slot, value)
                        }
                        __saga::Said::Refused(__Refusal::NoFunds) => {
                            let traveller = __saga::own(traveller);
                            let cents = __saga::own(cents);
                            let value = __saga::fail(
                                format!("{traveller} has no {cents}"),
                            );
                            value
                        }
                        _ => __saga::Verdict::NoArm,
                    }
                }
                (TripState::Book { book: slot, .. }, __saga::Mode::Forward, 1u16) => {
                    match said {
                        __saga::Said::Handled => __saga::done(slot, ()),
                        _ => __saga::Verdict::NoArm,
                    }
                }
                _ => __saga::Verdict::NoArm,
            }
        }
        fn forward(state: Self::State) -> Self::State {
            match state {
                TripState::Charge { charge, .. } => {
                    TripState::Book {
                        charge: __saga::Slot::take(charge),
                        book: __saga::Slot::EMPTY,
                    }
                }
                _ => __saga::misplaced("forward"),
            }
        }
        fn back(state: Self::State, place: u16) -> Self::State {
            __saga::back::<
                Self,
            >(
                state,
                place,
                |state| match state {
                    TripState::Charge { charge, .. } => {
                        TripState::CompensateCharge {
                            charge,
                        }
                    }
                    TripState::Book { charge, .. } => {
                        TripState::CompensateCharge {
                            charge: __saga::Slot::full(charge),
                        }
                    }
                    _ => __saga::misplaced("back"),
                },
            )
        }
        fn output(state: &Self::State) -> Self::Output {
            match state {
                TripState::Book { charge, book } => {
                    let charge = __saga::own(charge);
                    let value: u64 = charge;
                    value
                }
                _ => __saga::misplaced("output"),
            }
        }
    }
    const _: () = {
        __saga::check::sent(__COMMAND_Charge, "Charge");
        __saga::check::replies_taken(__COMMAND_Charge, &["Charged"], &["Charged"]);
    };
    const _: () = __saga::check::answers::<__Event>(__COMMAND_Charge, "Charged", true);
    const _: () = __saga::check::refusals_taken(
        __COMMAND_Charge,
        &["NoFunds"],
        &["NoFunds"],
    );
    const _: () = __saga::check::compensates(__COMMAND_Refund, "Refund");
    const _: () = __saga::check::sent(__COMMAND_Book, "Book");
    const _: () = __saga::check::is_event(<__Event as __saga::Event>::EVENTS, "Asked");
};
