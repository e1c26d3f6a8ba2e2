/**Books a room and pays for it.

| step | asks | undone by |
|---|---|---|
| `charge` | `Charge` | `Refund` |
| `book` | `Book` | nothing: a room is given back by itself |
*/
#[derive(
    ::saga_runtime::__private::serde::Serialize,
    ::saga_runtime::__private::serde::Deserialize
)]
#[serde(
    crate = "::saga_runtime::__private::serde",
    deny_unknown_fields,
    bound(
        serialize = "for < '__a > String : :: saga_runtime :: saga :: Value , for < '__a > u64 : :: saga_runtime :: saga :: Value",
        deserialize = "for < '__a > String : :: saga_runtime :: saga :: Value , for < '__a > u64 : :: saga_runtime :: saga :: Value"
    )
)]
pub struct Trip {
    ///
    pub traveller: String,
    ///
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
    unreachable_patterns,
    dead_code,
    clippy::all
)]
const _: () = {
    type __Command = ::saga_runtime::message::CommandOf<Travel>;
    type __Event = ::saga_runtime::message::EventOf<Travel>;
    type __Refusal = ::saga_runtime::message::RefusalOf<Travel>;
    impl ::core::clone::Clone for Trip
    where
        for<'__a> String: ::saga_runtime::saga::Value,
        for<'__a> u64: ::saga_runtime::saga::Value,
    {
        fn clone(&self) -> Self {
            Self {
                traveller: ::core::clone::Clone::clone(&self.traveller),
                cents: ::core::clone::Clone::clone(&self.cents),
            }
        }
    }
    impl ::core::fmt::Debug for Trip
    where
        for<'__a> String: ::core::fmt::Debug,
        for<'__a> u64: ::core::fmt::Debug,
    {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            f.debug_struct("Trip")
                .field("traveller", &self.traveller)
                .field("cents", &self.cents)
                .finish()
        }
    }
    impl ::core::cmp::PartialEq for Trip
    where
        for<'__a> String: ::core::cmp::PartialEq,
        for<'__a> u64: ::core::cmp::PartialEq,
    {
        fn eq(&self, other: &Self) -> bool {
            true && self.traveller == other.traveller && self.cents == other.cents
        }
    }
    impl ::core::clone::Clone for TripState
    where
        for<'__a> String: ::saga_runtime::saga::Value,
        for<'__a> u64: ::saga_runtime::saga::Value,
        for<'__a> (): ::saga_runtime::saga::Value,
    {
        fn clone(&self) -> Self {
            match self {
                Self::Charge { traveller, cents, charge } => {
                    Self::Charge {
                        traveller: ::core::clone::Clone::clone(traveller),
                        cents: ::core::clone::Clone::clone(cents),
                        charge: ::core::clone::Clone::clone(charge),
                    }
                }
                Self::CompensateCharge { charge } => {
                    Self::CompensateCharge {
                        charge: ::core::clone::Clone::clone(charge),
                    }
                }
                Self::Book { charge, book } => {
                    Self::Book {
                        charge: ::core::clone::Clone::clone(charge),
                        book: ::core::clone::Clone::clone(book),
                    }
                }
            }
        }
    }
    impl ::core::fmt::Debug for TripState
    where
        for<'__a> String: ::core::fmt::Debug,
        for<'__a> u64: ::core::fmt::Debug,
        for<'__a> (): ::core::fmt::Debug,
    {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            match self {
                Self::Charge { traveller, cents, charge } => {
                    f.debug_struct("Charge")
                        .field("traveller", traveller)
                        .field("cents", cents)
                        .field("charge", charge)
                        .finish()
                }
                Self::CompensateCharge { charge } => {
                    f.debug_struct("CompensateCharge").field("charge", charge).finish()
                }
                Self::Book { charge, book } => {
                    f.debug_struct("Book")
                        .field("charge", charge)
                        .field("book", book)
                        .finish()
                }
            }
        }
    }
    impl ::core::cmp::PartialEq for TripState
    where
        for<'__a> String: ::core::cmp::PartialEq,
        for<'__a> u64: ::core::cmp::PartialEq,
        for<'__a> (): ::core::cmp::PartialEq,
    {
        fn eq(&self, other: &Self) -> bool {
            match (self, other) {
                (
                    Self::Charge { traveller, cents, charge },
                    Self::Charge {
                        traveller: traveller_other,
                        cents: cents_other,
                        charge: charge_other,
                    },
                ) => {
                    true && traveller == traveller_other && cents == cents_other
                        && charge == charge_other
                }
                (
                    Self::CompensateCharge { charge },
                    Self::CompensateCharge { charge: charge_other },
                ) => true && charge == charge_other,
                (
                    Self::Book { charge, book },
                    Self::Book { charge: charge_other, book: book_other },
                ) => true && charge == charge_other && book == book_other,
                _ => false,
            }
        }
    }
    impl ::saga_runtime::__private::serde::Serialize for TripState
    where
        for<'__a> String: ::saga_runtime::saga::Value,
        for<'__a> u64: ::saga_runtime::saga::Value,
        for<'__a> (): ::saga_runtime::saga::Value,
    {
        fn serialize<S: ::saga_runtime::__private::serde::Serializer>(
            &self,
            serializer: S,
        ) -> ::core::result::Result<S::Ok, S::Error> {
            match self {
                Self::Charge { traveller, cents, charge } => {
                    let mut fields = ::saga_runtime::__private::Writer::new(
                        serializer,
                        "TripState",
                        0u32,
                        "Charge",
                        3usize,
                    )?;
                    fields.put("traveller", traveller)?;
                    fields.put("cents", cents)?;
                    fields.put("charge", charge)?;
                    fields.end()
                }
                Self::CompensateCharge { charge } => {
                    let mut fields = ::saga_runtime::__private::Writer::new(
                        serializer,
                        "TripState",
                        1u32,
                        "CompensateCharge",
                        1usize,
                    )?;
                    fields.put("charge", charge)?;
                    fields.end()
                }
                Self::Book { charge, book } => {
                    let mut fields = ::saga_runtime::__private::Writer::new(
                        serializer,
                        "TripState",
                        2u32,
                        "Book",
                        2usize,
                    )?;
                    fields.put("charge", charge)?;
                    fields.put("book", book)?;
                    fields.end()
                }
            }
        }
    }
    impl<'de> ::saga_runtime::__private::serde::Deserialize<'de> for TripState
    where
        for<'__a> String: ::saga_runtime::saga::Value,
        for<'__a> u64: ::saga_runtime::saga::Value,
        for<'__a> (): ::saga_runtime::saga::Value,
    {
        fn deserialize<D: ::saga_runtime::__private::serde::Deserializer<'de>>(
            deserializer: D,
        ) -> ::core::result::Result<Self, D::Error> {
            let mut fields = ::saga_runtime::__private::Reader::<
                D::Error,
            >::new(deserializer)?;
            let state = match fields.variant() {
                "Charge" => {
                    Self::Charge {
                        traveller: fields.take("traveller")?,
                        cents: fields.take("cents")?,
                        charge: fields.take("charge")?,
                    }
                }
                "CompensateCharge" => {
                    Self::CompensateCharge {
                        charge: fields.take("charge")?,
                    }
                }
                "Book" => {
                    Self::Book {
                        charge: fields.take("charge")?,
                        book: fields.take("book")?,
                    }
                }
                _ => return ::core::result::Result::Err(fields.unknown("TripState")),
            };
            fields.end(state)
        }
    }
    impl ::saga_runtime::saga::Saga for Trip
    where
        for<'__a> String: ::saga_runtime::saga::Value,
        for<'__a> u64: ::saga_runtime::saga::Value,
        for<'__a> (): ::saga_runtime::saga::Value,
        for<'__a> u64: ::saga_runtime::saga::Value,
    {
        type Bus = Travel;
        type Output = u64;
        type State = TripState;
        const DEFINITION: &'static ::saga_runtime::definition::Definition = &::saga_runtime::definition::Definition::new(
                "trip",
                "Trip",
                1u32,
                ::saga_runtime::definition::Deadline::After(
                    ::saga_runtime::definition::Span::Fixed(
                        ::core::time::Duration::new(60u64, 0u32),
                    ),
                ),
            )
            .doc("Books a room and pays for it.")
            .output("u64")
            .triggers(
                &[
                    ::saga_runtime::definition::Trigger {
                        event: "Asked",
                        pattern: "Asked { who, cents }",
                        guard: ::core::option::Option::Some("cents > 0"),
                    },
                ],
            )
            .returns("charge")
            .parameters(
                &[
                    ::saga_runtime::definition::Parameter {
                        name: "traveller",
                        ty: "String",
                        doc: "",
                    },
                    ::saga_runtime::definition::Parameter {
                        name: "cents",
                        ty: "u64",
                        doc: "",
                    },
                ],
            )
            .steps(
                &[
                    ::saga_runtime::definition::Step::new(
                            "charge",
                            ::saga_runtime::definition::Exchange {
                                action: ::saga_runtime::definition::Action::Send(
                                    ::saga_runtime::__private::command(
                                        <__Command as ::saga_runtime::message::Command>::COMMANDS,
                                        "Charge",
                                    ),
                                ),
                                arms: &[
                                    ::saga_runtime::definition::Arm {
                                        outcome: ::saga_runtime::definition::ArmOutcome::Event(
                                            "Charged { receipt }",
                                        ),
                                        guard: ::core::option::Option::None,
                                        disposition: ::saga_runtime::definition::Disposition::Value(
                                            "receipt",
                                        ),
                                    },
                                    ::saga_runtime::definition::Arm {
                                        outcome: ::saga_runtime::definition::ArmOutcome::Refused(
                                            "NoFunds",
                                        ),
                                        guard: ::core::option::Option::None,
                                        disposition: ::saga_runtime::definition::Disposition::Fail(
                                            "format!(\"{traveller} has no {cents}\")",
                                        ),
                                    },
                                ],
                                within: ::core::option::Option::Some(
                                    ::saga_runtime::definition::Span::Fixed(
                                        ::core::time::Duration::new(10u64, 0u32),
                                    ),
                                ),
                                retry: ::core::option::Option::Some(::saga_runtime::definition::Retry {
                                    times: "2",
                                    every: ::saga_runtime::definition::Span::Fixed(
                                        ::core::time::Duration::new(0u64, 100000000u32),
                                    ),
                                    at_most: ::saga_runtime::definition::Span::Fixed(
                                        ::core::time::Duration::new(5u64, 0u32),
                                    ),
                                }),
                            },
                            ::saga_runtime::definition::Compensation::Exchange(::saga_runtime::definition::Exchange {
                                action: ::saga_runtime::definition::Action::Send(
                                    ::saga_runtime::__private::command(
                                        <__Command as ::saga_runtime::message::Command>::COMMANDS,
                                        "Refund",
                                    ),
                                ),
                                arms: &[],
                                within: ::core::option::Option::None,
                                retry: ::core::option::Option::None,
                            }),
                        )
                        .doc("Take the money first.")
                        .output("u64"),
                    ::saga_runtime::definition::Step::new(
                        "book",
                        ::saga_runtime::definition::Exchange {
                            action: ::saga_runtime::definition::Action::Send(
                                ::saga_runtime::__private::command(
                                    <__Command as ::saga_runtime::message::Command>::COMMANDS,
                                    "Book",
                                ),
                            ),
                            arms: &[],
                            within: ::core::option::Option::None,
                            retry: ::core::option::Option::None,
                        },
                        ::saga_runtime::definition::Compensation::None {
                            because: "a room is given back by itself",
                        },
                    ),
                ],
                &[
                    ::saga_runtime::definition::Place {
                        steps: &[0u16],
                    },
                    ::saga_runtime::definition::Place {
                        steps: &[1u16],
                    },
                ],
            );
        fn triggered_by(
            event: &::saga_runtime::message::EventOf<Self::Bus>,
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
        fn deadline(&self) -> ::core::option::Option<::core::time::Duration> {
            ::core::option::Option::Some(::core::time::Duration::new(60u64, 0u32))
        }
        fn begin(self) -> Self::State {
            let Self { traveller, cents } = self;
            TripState::Charge {
                traveller: traveller,
                cents: cents,
                charge: ::saga_runtime::saga::Slot::EMPTY,
            }
        }
        fn position(state: &Self::State) -> ::saga_runtime::saga::Position {
            match state {
                TripState::Charge { .. } => ::saga_runtime::saga::Position::Forward(0u16),
                TripState::CompensateCharge { .. } => {
                    ::saga_runtime::saga::Position::Compensating(0u16)
                }
                TripState::Book { .. } => ::saga_runtime::saga::Position::Forward(1u16),
            }
        }
        fn exchange(
            state: &Self::State,
            at: ::saga_runtime::message::At,
            cause: ::core::option::Option<&::saga_runtime::cause::Cause>,
        ) -> ::saga_runtime::saga::ExchangePlan<Self::Bus> {
            if let ::saga_runtime::message::Mode::Compensation = at.mode {
                let state = ::saga_runtime::__private::undoing::<Self>(state, at.step);
                return match (&*state, at.step) {
                    (TripState::CompensateCharge { charge, .. }, 0u16) => {
                        ::saga_runtime::saga::ExchangePlan {
                            command: {
                                let charge = ::saga_runtime::saga::Slot::take(
                                    ::core::clone::Clone::clone(&*charge),
                                );
                                __Command::Refund {
                                    receipt: charge,
                                }
                            },
                            within: ::core::option::Option::None,
                            retry: ::core::option::Option::None,
                        }
                    }
                    _ => ::saga_runtime::__private::misplaced("exchange"),
                };
            }
            match (state, at.step) {
                (TripState::Charge { traveller, cents, .. }, 0u16) => {
                    ::saga_runtime::saga::ExchangePlan {
                        command: {
                            let traveller = ::core::clone::Clone::clone(&*traveller);
                            let cents = ::core::clone::Clone::clone(&*cents);
                            __Command::Charge {
                                traveller,
                                cents,
                            }
                        },
                        within: ::core::option::Option::Some(
                            ::core::time::Duration::new(10u64, 0u32),
                        ),
                        retry: ::core::option::Option::Some(::saga_runtime::saga::RetryPlan {
                            times: {
                                let value: u32 = 2;
                                value
                            },
                            every: ::core::time::Duration::new(0u64, 100000000u32),
                            at_most: ::core::time::Duration::new(5u64, 0u32),
                        }),
                    }
                }
                (TripState::Book { charge, .. }, 1u16) => {
                    ::saga_runtime::saga::ExchangePlan {
                        command: {
                            let charge = ::core::clone::Clone::clone(&*charge);
                            let charge_1 = ::core::clone::Clone::clone(&*charge);
                            let charge_2 = ::core::clone::Clone::clone(&*charge);
                            __Command::Book {
                                note: format!("{charge}"),
                                payer: charge_1,
                                guest: charge_2,
                            }
                        },
                        within: ::core::option::Option::None,
                        retry: ::core::option::Option::None,
                    }
                }
                _ => ::saga_runtime::__private::misplaced("exchange"),
            }
        }
        fn answer(
            state: &mut Self::State,
            at: ::saga_runtime::message::At,
            cause: ::core::option::Option<&::saga_runtime::cause::Cause>,
            heard: ::saga_runtime::saga::Heard<'_, Self::Bus>,
        ) -> ::saga_runtime::saga::Verdict {
            match (state, at.mode, at.step) {
                (
                    TripState::Charge { traveller, cents, charge: slot, .. },
                    ::saga_runtime::message::Mode::Forward,
                    0u16,
                ) => {
                    match heard {
                        ::saga_runtime::saga::Heard::Event(heard) => {
                            match ::core::clone::Clone::clone(heard) {
                                __Event::Charged { receipt } => {
                                    *slot = ::saga_runtime::saga::Slot::full({
                                        let value: u64 = receipt;
                                        value
                                    });
                                    ::saga_runtime::saga::Verdict::Done
                                }
                                _ => ::saga_runtime::saga::Verdict::NoArm,
                            }
                        }
                        ::saga_runtime::saga::Heard::Refused(heard) => {
                            match ::core::clone::Clone::clone(heard) {
                                __Refusal::NoFunds => {
                                    ::saga_runtime::saga::Verdict::Fail(
                                        ::std::string::ToString::to_string(
                                            &{
                                                let traveller = ::core::clone::Clone::clone(&*traveller);
                                                let cents = ::core::clone::Clone::clone(&*cents);
                                                format!("{traveller} has no {cents}")
                                            },
                                        ),
                                    )
                                }
                                _ => ::saga_runtime::saga::Verdict::NoArm,
                            }
                        }
                        _ => ::saga_runtime::saga::Verdict::NoArm,
                    }
                }
                (
                    TripState::Book { book: slot, .. },
                    ::saga_runtime::message::Mode::Forward,
                    1u16,
                ) => {
                    match heard {
                        ::saga_runtime::saga::Heard::Handled => {
                            *slot = ::saga_runtime::saga::Slot::full(());
                            ::saga_runtime::saga::Verdict::Done
                        }
                        _ => ::saga_runtime::saga::Verdict::NoArm,
                    }
                }
                _ => ::saga_runtime::saga::Verdict::NoArm,
            }
        }
        fn forward(state: Self::State) -> Self::State {
            match state {
                TripState::Charge { charge, .. } => {
                    TripState::Book {
                        charge: ::saga_runtime::saga::Slot::take(charge),
                        book: ::saga_runtime::saga::Slot::EMPTY,
                    }
                }
                _ => ::saga_runtime::__private::misplaced("forward"),
            }
        }
        fn back(state: Self::State, place: u16) -> Self::State {
            ::saga_runtime::__private::back::<
                Self,
            >(
                state,
                place,
                |state| match state {
                    TripState::Charge { charge, .. } => {
                        TripState::CompensateCharge {
                            charge: charge,
                        }
                    }
                    TripState::Book { charge, .. } => {
                        TripState::CompensateCharge {
                            charge: ::saga_runtime::saga::Slot::full(charge),
                        }
                    }
                    _ => ::saga_runtime::__private::misplaced("back"),
                },
            )
        }
        fn output(state: &Self::State) -> Self::Output {
            match state {
                TripState::Book { charge, book } => {
                    let charge = ::core::clone::Clone::clone(&*charge);
                    let value: u64 = charge;
                    value
                }
                _ => ::saga_runtime::__private::misplaced("output"),
            }
        }
    }
    #[allow(unused_imports)]
    const _: () = {
        use ::saga_runtime::__private::check::Lacks as _;
        type Probe = ::saga_runtime::__private::check::Probe<String>;
        ::saga_runtime::__private::check::value(
            "String",
            Probe::CLONE,
            Probe::SERIALIZE,
            Probe::DESERIALIZE,
            Probe::SEND,
        )
    };
    #[allow(unused_imports)]
    const _: () = {
        use ::saga_runtime::__private::check::Lacks as _;
        type Probe = ::saga_runtime::__private::check::Probe<u64>;
        ::saga_runtime::__private::check::value(
            "u64",
            Probe::CLONE,
            Probe::SERIALIZE,
            Probe::DESERIALIZE,
            Probe::SEND,
        )
    };
    const _: () = ::saga_runtime::__private::check::sent(
        ::saga_runtime::__private::command(
            <__Command as ::saga_runtime::message::Command>::COMMANDS,
            "Charge",
        ),
    );
    const _: () = ::saga_runtime::__private::check::answers(
        ::saga_runtime::__private::command(
            <__Command as ::saga_runtime::message::Command>::COMMANDS,
            "Charge",
        ),
        "Charged",
    );
    const _: () = ::saga_runtime::__private::check::replies_taken(
        ::saga_runtime::__private::command(
            <__Command as ::saga_runtime::message::Command>::COMMANDS,
            "Charge",
        ),
        &["Charged"],
        &["Charged"],
    );
    const _: () = ::saga_runtime::__private::check::refusals_taken(
        ::saga_runtime::__private::command(
            <__Command as ::saga_runtime::message::Command>::COMMANDS,
            "Charge",
        ),
        &["NoFunds"],
    );
    const _: () = ::saga_runtime::__private::check::compensates(
        ::saga_runtime::__private::command(
            <__Command as ::saga_runtime::message::Command>::COMMANDS,
            "Refund",
        ),
    );
    const _: () = ::saga_runtime::__private::check::sent(
        ::saga_runtime::__private::command(
            <__Command as ::saga_runtime::message::Command>::COMMANDS,
            "Book",
        ),
    );
};
