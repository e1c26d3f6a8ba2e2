//! The bodies of numbered messages: deliveries and reports of a bus, as JSON.
//!
//! Knows no number and no connection. A command passes byte by byte, as it was recorded.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use crate::bus::{Delivery, Horizon, Payload, Report};
use crate::message::{Answer, Bus, EventOf, ExchangeKey, Fate, RefusalOf, SagaId};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum DeliveryBody<'a> {
    Command {
        key: ExchangeKey,
        attempt: u32,
        #[serde(borrow)]
        saga: Cow<'a, str>,
        #[serde(borrow)]
        step: Cow<'a, str>,
        horizon: HorizonBody,
        #[serde(borrow)]
        command: Cow<'a, RawValue>,
    },
    Settle {
        key: ExchangeKey,
        horizon: HorizonBody,
    },
    Withdrawn {
        key: ExchangeKey,
    },
}

/// What a coordinator says under a number.
pub(super) enum Inbound<B: Bus> {
    /// To be done.
    Delivery(Delivery<B>, Horizon),
    /// There was a command of this key, and nobody wants it any more.
    Withdrawn(ExchangeKey),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HorizonBody {
    lowest: SagaId,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    older: Vec<SagaId>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum ReportBody<E, R> {
    Answered { key: ExchangeKey, attempt: u32, answer: Answer<E, R> },
    Fate { key: ExchangeKey, fate: Fate<E> },
    Published(E),
}

/// A delivery as JSON.
pub(super) fn encode_delivery<B: Bus>(
    delivery: Delivery<B>,
    horizon: Horizon,
) -> Result<Box<RawValue>, serde_json::Error> {
    let horizon = HorizonBody { lowest: horizon.lowest, older: horizon.older };
    to_raw_value(&match delivery {
        Delivery::Command { key, attempt, saga, step, command } => {
            DeliveryBody::Command { key, attempt, saga, step, horizon, command: Cow::Owned(command.into_encoded()?) }
        }
        Delivery::Settle { key } => DeliveryBody::Settle { key, horizon },
    })
}

/// What stands in the place of a command that nobody wants any more, as JSON.
pub(super) fn encode_withdrawn(key: ExchangeKey) -> Result<Box<RawValue>, serde_json::Error> {
    to_raw_value(&DeliveryBody::Withdrawn { key })
}

/// A delivery of JSON. The command stays as it is; whether it is one of this bus is not looked at.
pub(super) fn decode_delivery<B: Bus>(body: &RawValue) -> Result<Inbound<B>, serde_json::Error> {
    let (delivery, horizon) = match serde_json::from_str(body.get())? {
        DeliveryBody::Command { key, attempt, saga, step, horizon, command } => {
            let (saga, step) = (Cow::Owned(saga.into_owned()), Cow::Owned(step.into_owned()));
            let command = Payload::Encoded(command.into_owned());
            (Delivery::Command { key, attempt, saga, step, command }, horizon)
        }
        DeliveryBody::Settle { key, horizon } => (Delivery::Settle { key }, horizon),
        DeliveryBody::Withdrawn { key } => return Ok(Inbound::Withdrawn(key)),
    };
    Ok(Inbound::Delivery(delivery, Horizon { lowest: horizon.lowest, older: horizon.older }))
}

/// A report as JSON.
pub(super) fn encode_report<B: Bus>(report: Report<B>) -> Result<Box<RawValue>, serde_json::Error> {
    to_raw_value(&match report {
        Report::Answered { key, attempt, answer } => {
            ReportBody::<EventOf<B>, RefusalOf<B>>::Answered { key, attempt, answer }
        }
        Report::Fate { key, fate } => ReportBody::Fate { key, fate },
        Report::Published(event) => ReportBody::Published(event),
    })
}

/// A report of JSON.
pub(super) fn decode_report<B: Bus>(body: &RawValue) -> Result<Report<B>, serde_json::Error> {
    Ok(match serde_json::from_str::<ReportBody<EventOf<B>, RefusalOf<B>>>(body.get())? {
        ReportBody::Answered { key, attempt, answer } => Report::Answered { key, attempt, answer },
        ReportBody::Fate { key, fate } => Report::Fate { key, fate },
        ReportBody::Published(event) => Report::Published(event),
    })
}
