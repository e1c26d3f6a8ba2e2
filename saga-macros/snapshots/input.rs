saga! {
    /// Books a room and pays for it.
    pub saga Trip(traveller: String, cents: u64) -> u64 on Travel {
        trigger Asked { who, cents } if cents > 0 => { traveller: who, cents };
        concurrency queue per traveller, cents / 100;
        deadline 1m;

        /// Take the money first.
        step charge -> u64 {
            send Charge { traveller, cents };
            await {
                Charged { receipt } => receipt,
                refused NoFunds => fail format!("{traveller} has no {cents}"),
            }
            within 10s;
            retry 2 times;
            compensate Refund { receipt: charge };
        }

        step book {
            send Book { note: format!("{charge}"), payer: charge, guest: charge };
            compensate none because "a room is given back by itself";
        }

        return charge;
    }
}

#[derive(Command)]
#[bus(Travel)]
pub enum Command {
    /// Take money.
    #[to(Bank)]
    #[replies(Charged)]
    #[refuses(NoFunds)]
    Charge { traveller: String, cents: u64 },
    #[to(Bank)]
    Refund(u64),
    #[to(Hotel)]
    #[live_only]
    Ring,
}

#[derive(Event)]
#[bus(Travel)]
pub enum Event {
    Charged { receipt: u64 },
    #[from(Desk)]
    Asked { who: String, cents: u64 },
}
