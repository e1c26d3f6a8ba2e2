//! What a notice is about: which saga, when, whether it is the last one.

use super::{Name, Notice};
use crate::message::SagaId;
use crate::time::Timestamp;

impl Notice {
    /// The saga that it is about.
    pub fn saga(&self) -> Option<SagaId> {
        match self {
            Self::SagaStarted { saga, .. }
            | Self::SagaQueued { saga, .. }
            | Self::StepStarted { saga, .. }
            | Self::StepWaiting { saga, .. }
            | Self::StepSleeping { saga, .. }
            | Self::StepRuns { saga, .. }
            | Self::SagaKept { saga, .. }
            | Self::StepEnded { saga, .. }
            | Self::StepAbandoned { saga, .. }
            | Self::StepUnknown { saga, .. }
            | Self::SagaCompensating { saga, .. }
            | Self::SagaMoved { saga, .. }
            | Self::SagaStuck { saga, .. }
            | Self::SagaUnstuck { saga, .. }
            | Self::OperatorActed { saga, .. }
            | Self::SagaCompleted { saga, .. }
            | Self::SagaCompensated { saga, .. }
            | Self::SagaEnded { saga, .. }
            | Self::AnswerLate { saga, .. } => Some(*saga),
            Self::AnswerStray { .. }
            | Self::StartRefused { .. }
            | Self::ParticipantConnected { .. }
            | Self::ParticipantDisconnected { .. }
            | Self::ConnectionRefused { .. }
            | Self::Lagged { .. } => None,
        }
    }

    /// When it happened.
    pub fn time(&self) -> Option<Timestamp> {
        match self {
            Self::SagaStarted { time, .. }
            | Self::SagaQueued { time, .. }
            | Self::StepStarted { time, .. }
            | Self::StepWaiting { time, .. }
            | Self::StepSleeping { time, .. }
            | Self::StepRuns { time, .. }
            | Self::SagaKept { time, .. }
            | Self::StepEnded { time, .. }
            | Self::StepAbandoned { time, .. }
            | Self::StepUnknown { time, .. }
            | Self::SagaCompensating { time, .. }
            | Self::SagaMoved { time, .. }
            | Self::SagaStuck { time, .. }
            | Self::SagaUnstuck { time, .. }
            | Self::OperatorActed { time, .. }
            | Self::SagaCompleted { time, .. }
            | Self::SagaCompensated { time, .. }
            | Self::SagaEnded { time, .. }
            | Self::AnswerLate { time, .. }
            | Self::AnswerStray { time, .. }
            | Self::StartRefused { time, .. }
            | Self::ParticipantConnected { time, .. }
            | Self::ParticipantDisconnected { time, .. }
            | Self::ConnectionRefused { time, .. } => Some(*time),
            Self::Lagged { .. } => None,
        }
    }

    /// Whether it closes a saga's bracket.
    pub fn is_end(&self) -> bool {
        matches!(self, Self::SagaCompleted { .. } | Self::SagaCompensated { .. } | Self::SagaEnded { .. })
    }

    /// The name of the saga that it is about, as far as it says it.
    pub fn saga_name(&self) -> Option<&Name> {
        match self {
            Self::SagaStarted { name, .. }
            | Self::SagaQueued { name, .. }
            | Self::StepStarted { name, .. }
            | Self::StepWaiting { name, .. }
            | Self::StepSleeping { name, .. }
            | Self::StepRuns { name, .. }
            | Self::SagaKept { name, .. }
            | Self::StepEnded { name, .. }
            | Self::StepAbandoned { name, .. }
            | Self::StepUnknown { name, .. }
            | Self::SagaCompensating { name, .. }
            | Self::SagaMoved { name, .. }
            | Self::SagaStuck { name, .. }
            | Self::SagaUnstuck { name, .. }
            | Self::OperatorActed { name, .. }
            | Self::SagaCompleted { name, .. }
            | Self::SagaCompensated { name, .. }
            | Self::SagaEnded { name, .. } => Some(name),
            Self::AnswerLate { .. }
            | Self::AnswerStray { .. }
            | Self::StartRefused { .. }
            | Self::ParticipantConnected { .. }
            | Self::ParticipantDisconnected { .. }
            | Self::ConnectionRefused { .. }
            | Self::Lagged { .. } => None,
        }
    }
}
