impl ::saga_runtime::message::Command for Command {
    type Bus = Travel;
    const COMMANDS: &'static [::saga_runtime::message::CommandInfo] = &[
        ::saga_runtime::message::CommandInfo {
            name: "Charge",
            doc: "Take money.",
            fields: "{ traveller: String, cents: u64 }",
            to: "bank",
            replies: &["Charged"],
            refuses: &["NoFunds"],
            query: false,
            live_only: false,
            harmless: false,
            redacted: &[],
        },
        ::saga_runtime::message::CommandInfo {
            name: "Refund",
            doc: "",
            fields: "(u64)",
            to: "bank",
            replies: &[],
            refuses: &[],
            query: false,
            live_only: false,
            harmless: false,
            redacted: &[],
        },
        ::saga_runtime::message::CommandInfo {
            name: "Ring",
            doc: "",
            fields: "",
            to: "hotel",
            replies: &[],
            refuses: &[],
            query: false,
            live_only: true,
            harmless: false,
            redacted: &[],
        },
    ];
    fn index(&self) -> usize {
        match self {
            Self::Charge { .. } => 0usize,
            Self::Refund { .. } => 1usize,
            Self::Ring { .. } => 2usize,
        }
    }
}
const _: () = ::saga_runtime::__private::check::is_event(
    <::saga_runtime::message::EventOf<Travel> as ::saga_runtime::message::Event>::EVENTS,
    "Charged",
);
#[allow(dead_code, unreachable_patterns, clippy::all)]
const _: () = {
    type __Refusal = ::saga_runtime::message::RefusalOf<Travel>;
    fn refuses(refusal: &__Refusal) {
        match refusal {
            __Refusal::NoFunds { .. } => {}
            _ => {}
        }
    }
};
///The commands of [`Command`] that `Bank` carries out.
#[allow(missing_docs)]
#[derive(::core::fmt::Debug, ::core::clone::Clone, ::core::cmp::PartialEq)]
pub enum BankCommand {
    ///Take money.
    Charge { traveller: String, cents: u64 },
    ///
    Refund(u64),
}
impl ::saga_runtime::message::ParticipantCommand for BankCommand {
    type Bus = Travel;
    const PARTICIPANT: &'static str = "bank";
    #[allow(unreachable_patterns)]
    fn narrow(command: Command) -> ::core::result::Result<Self, Command> {
        ::core::result::Result::Ok(
            match command {
                Command::Charge { traveller, cents } => {
                    BankCommand::Charge {
                        traveller,
                        cents,
                    }
                }
                Command::Refund(field_0) => BankCommand::Refund(field_0),
                other => return ::core::result::Result::Err(other),
            },
        )
    }
}
impl ::core::convert::From<BankCommand> for Command {
    fn from(command: BankCommand) -> Self {
        match command {
            BankCommand::Charge { traveller, cents } => {
                Command::Charge {
                    traveller,
                    cents,
                }
            }
            BankCommand::Refund(field_0) => Command::Refund(field_0),
        }
    }
}
///The commands of [`Command`] that `Hotel` carries out.
#[allow(missing_docs)]
#[derive(::core::fmt::Debug, ::core::clone::Clone, ::core::cmp::PartialEq)]
pub enum HotelCommand {
    ///
    Ring,
}
impl ::saga_runtime::message::ParticipantCommand for HotelCommand {
    type Bus = Travel;
    const PARTICIPANT: &'static str = "hotel";
    #[allow(unreachable_patterns)]
    fn narrow(command: Command) -> ::core::result::Result<Self, Command> {
        ::core::result::Result::Ok(
            match command {
                Command::Ring => HotelCommand::Ring,
                other => return ::core::result::Result::Err(other),
            },
        )
    }
}
impl ::core::convert::From<HotelCommand> for Command {
    fn from(command: HotelCommand) -> Self {
        match command {
            HotelCommand::Ring => Command::Ring,
        }
    }
}
