impl ::saga_runtime::message::Event for Event {
    type Bus = Travel;
    const EVENTS: &'static [::saga_runtime::message::EventInfo] = &[
        ::saga_runtime::message::EventInfo {
            name: "Charged",
            doc: "",
            fields: "{ receipt: u64 }",
            from: ::core::option::Option::None,
            redacted: &[],
        },
        ::saga_runtime::message::EventInfo {
            name: "Asked",
            doc: "",
            fields: "{ who: String, cents: u64 }",
            from: ::core::option::Option::Some("desk"),
            redacted: &[],
        },
    ];
    fn index(&self) -> usize {
        match self {
            Self::Charged { .. } => 0usize,
            Self::Asked { .. } => 1usize,
        }
    }
}
const _: () = ::saga_runtime::__private::check::is_said(
    <::saga_runtime::message::CommandOf<
        Travel,
    > as ::saga_runtime::message::Command>::COMMANDS,
    <Event as ::saga_runtime::message::Event>::EVENTS,
    "Charged",
);
