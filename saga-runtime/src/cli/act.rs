//! `cancel`, `retry`, `skip`, `end`: what an operator may do. Each is recorded, with who and why.

use std::process::Command;

use clap::ArgMatches;
use serde::Serialize;

use super::arguments as words;
use super::error::{CliError, Exit};
use super::output::Output;
use super::place::Place;
use crate::cause::EndedBy;
use crate::machine::{CancelReply, Operator};
use crate::message::SagaId;
use crate::operator::{ClientError, Request, Response};

/// What an operator does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Cancel,
    Operate(Operator),
}

impl Action {
    /// What the command with this name does.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "cancel" => Some(Self::Cancel),
            "retry" => Some(Self::Operate(Operator::Retry)),
            "skip" => Some(Self::Operate(Operator::Skip)),
            "end" => Some(Self::Operate(Operator::End)),
            _ => None,
        }
    }
}

pub(super) async fn run(place: &Place, action: Action, matches: &ArgMatches, output: Output) -> Result<Exit, CliError> {
    let (Some(saga), Some(why)) = (matches.get_one::<SagaId>(words::SAGA), matches.get_one::<String>(words::WHY))
    else {
        return Err(CliError::Usage("give the saga's number, and why".to_owned()));
    };
    let by = EndedBy { who: who(), why: why.clone() };
    let response = place.operator().await?.request(&request(*saga, action, by.clone())).await?;
    let did = did(*saga, action, &response, &place.program)?;
    output.result(&DoneView { saga: *saga, did, who: &by.who, why: &by.why }, || format!("saga {saga}: {did}\n"))?;
    Ok(Exit::Done)
}

fn request(saga: SagaId, action: Action, by: EndedBy) -> Request {
    match action {
        Action::Cancel => Request::Cancel { saga, by },
        Action::Operate(action) => Request::Operate { saga, action, by },
    }
}

/// What was done, in words.
fn did(saga: SagaId, action: Action, response: &Response, app: &str) -> Result<&'static str, CliError> {
    match (action, response) {
        (Action::Cancel, Response::Cancelled { reply: CancelReply::Requested }) => {
            Ok("cancelled; what took effect is undone")
        }
        (Action::Cancel, Response::Cancelled { reply: CancelReply::PastPivot }) => Err(CliError::NotDone(format!(
            "saga {saga} is past its pivot, or has completed and waits for the one that ran it: there is no way back \
                 any more"
        ))),
        (Action::Cancel, Response::Cancelled { reply: CancelReply::Ended }) => Err(CliError::NotDone(format!(
            "saga {saga} has ended before it could be cancelled; `{app} show {saga}` says how"
        ))),
        (Action::Operate(Operator::Retry), Response::Operated) => Ok("does again what was stuck"),
        (Action::Operate(Operator::Skip), Response::Operated) => Ok("passes over what was stuck"),
        (Action::Operate(Operator::End), Response::Operated) => Ok("ended"),
        (_, other) => Err(ClientError::NotUnderstood(format!("{other:?}")).into()),
    }
}

/// The name of the user as the system knows it; the environment could say anything.
fn who() -> String {
    let asked = Command::new("id").arg("-un").output().ok().filter(|answer| answer.status.success());
    let name = asked.and_then(|answer| String::from_utf8(answer.stdout).ok());
    match name.as_deref().map(str::trim) {
        Some(name) if !name.is_empty() => name.to_owned(),
        _ => format!("user {}", rustix::process::geteuid().as_raw()),
    }
}

/// What was done.
#[derive(Debug, Serialize)]
struct DoneView<'a> {
    saga: SagaId,
    did: &'static str,
    who: &'a str,
    why: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::sample::saga;

    #[test]
    fn a_cancel_that_came_to_nothing_is_an_error() {
        for (reply, says) in [(CancelReply::PastPivot, "past its pivot"), (CancelReply::Ended, "`agentmux show 7`")] {
            let error = did(saga(7), Action::Cancel, &Response::Cancelled { reply }, "agentmux").expect_err("not done");
            assert!(error.to_string().contains(says), "{error}");
            assert_eq!(error.exit(), Exit::Failed);
        }
        let requested = Response::Cancelled { reply: CancelReply::Requested };
        did(saga(7), Action::Cancel, &requested, "agentmux").expect("done");
    }

    #[test]
    fn an_answer_to_something_else_is_not_taken() {
        did(saga(7), Action::Operate(Operator::Skip), &Response::Following, "agentmux").expect_err("another answer");
    }

    #[test]
    fn the_user_has_a_name() {
        assert!(!who().is_empty());
    }
}
