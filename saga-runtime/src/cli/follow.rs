//! `start` and `tail`: what happens, as it happens.

use clap::ArgMatches;
use serde::Serialize;
use serde_json::Value;

use super::arguments as words;
use super::error::{CliError, Exit};
use super::output::Output;
use super::place::Place;
use super::{notices, records};
use crate::definition::Definition;
use crate::log::Status;
use crate::message::SagaId;
use crate::notice::Notice;
use crate::operator::{ClientError, Notices, Request, Response};
use crate::redaction::Hidden;

/// Starts a saga, and follows it unless told not to.
pub(super) async fn start(
    place: &Place,
    definitions: &[&'static Definition],
    matches: &ArgMatches,
    output: Output,
) -> Result<Exit, CliError> {
    let request = request(definitions, matches)?;
    if matches.get_flag(words::DETACH) {
        let saga = started(place, &request).await?;
        output.result(&StartedView { saga }, || format!("saga {saga}\n"))?;
        return Ok(Exit::Done);
    }
    // Before the start, so that not even its first notice is missed.
    let notices = place.operator().await?.follow(None).await?;
    let saga = started(place, &request).await?;
    // What was started before with the same key may have ended, and tells no more.
    let before = if matches.contains_id(words::KEY) { recorded(place, saga)? } else { None };
    let ending = match before {
        Some(ending) => ending,
        None => until_the_end(place, notices, saga, output).await?,
    };
    let view = EndingView::new(saga, ending);
    output.result(&view, || view.render())?;
    if view.stuck.is_some() {
        output.remark(&format!("`{0} show {saga}` says more; `{0} retry`, `skip` or `end` it", place.program));
    }
    Ok(view.exit())
}

/// Prints what happens, to all sagas or to one until it has ended.
pub(super) async fn tail(place: &Place, matches: &ArgMatches, output: Output) -> Result<Exit, CliError> {
    let saga = matches.get_one::<SagaId>(words::SAGA).copied();
    let mut notices = place.operator().await?.follow(saga).await?;
    if let Some(saga) = saga
        && let Some(Ending::Outcome(outcome)) = recorded(place, saga)?
    {
        output.remark(&format!("saga {saga} has ended: {}", in_words(&outcome)));
        return Ok(Exit::Done);
    }
    while let Some(notice) = notices.next().await? {
        output.result(&notices::view(&notice), || notices::line(&notice))?;
        if saga.is_some() && notice.is_end() {
            return Ok(Exit::Done);
        }
    }
    Err(CliError::NotDone("the coordinator stopped".to_owned()))
}

fn request(definitions: &[&'static Definition], matches: &ArgMatches) -> Result<Request, CliError> {
    let text = |id: &str| matches.get_one::<String>(id).cloned().unwrap_or_default();
    let name = text(words::NAME);
    let input = serde_json::from_str(&text(words::INPUT)).map_err(|error| {
        let definition = definitions.iter().find(|definition| definition.name == name);
        CliError::Usage(format!("the input of {name} is no JSON: {error}{}", expected(definition.copied())))
    })?;
    Ok(Request::Start { name, input, key: matches.get_one::<String>(words::KEY).cloned() })
}

/// What an input should have, as a remedy.
fn expected(definition: Option<&Definition>) -> String {
    match definition {
        Some(definition) => format!("; give '{}'", definition.input_form()),
        None => "; give a JSON object in quotes".to_owned(),
    }
}

async fn started(place: &Place, request: &Request) -> Result<SagaId, CliError> {
    match place.operator().await?.request(request).await? {
        Response::Started { saga } => Ok(saga),
        other => Err(ClientError::NotUnderstood(format!("{other:?}")).into()),
    }
}

/// What a saga came to, as far as it is worth waiting for.
#[derive(Debug, PartialEq)]
enum Ending {
    /// It ended so.
    Outcome(Value),
    /// It does not go on by itself, for this reason.
    Stuck(String),
}

async fn until_the_end(place: &Place, mut notices: Notices, saga: SagaId, output: Output) -> Result<Ending, CliError> {
    while let Some(notice) = notices.next().await? {
        if let Notice::Lagged { .. } = notice {
            // The end may have been among what was missed.
            output.progress(&notices::view(&notice), || notices::line(&notice));
            if let Some(ending) = recorded(place, saga)? {
                return Ok(ending);
            }
        } else if notice.saga() == Some(saga) {
            output.progress(&notices::view(&notice), || notices::line(&notice));
            if let Some(ending) = ending(&notice) {
                return Ok(ending);
            }
        }
    }
    let app = &place.program;
    Err(CliError::NotDone(format!(
        "the coordinator stopped; saga {saga} goes on when it is started again, and `{app} show {saga}` tells how far it is"
    )))
}

fn ending(notice: &Notice) -> Option<Ending> {
    match notice {
        Notice::SagaStuck { reason, .. } => Some(Ending::Stuck(reason.clone())),
        notice => notices::outcome(notice).map(Ending::Outcome),
    }
}

/// What the log says a saga came to; none if it goes on, or the coordinator keeps no log there.
fn recorded(place: &Place, saga: SagaId) -> Result<Option<Ending>, CliError> {
    let mut log = match place.log() {
        Err(CliError::NoLog { .. }) => return Ok(None),
        log => log?,
    };
    let details = log.saga(saga)?.ok_or_else(|| place.no_saga(saga))?;
    let standing = details.summary.standing;
    let description = log.definition(&details.summary.name, details.summary.version)?;
    let hidden = description.and_then(|row| serde_json::from_str(&row.description).ok()).map(|json| Hidden::of(&json));
    Ok(match (standing.status, details.outcome) {
        (Status::Stuck, _) => Some(Ending::Stuck(standing.reason.unwrap_or_default())),
        (_, Some(outcome)) => {
            let mut outcome = serde_json::from_str(&outcome).unwrap_or(Value::String(outcome));
            hidden.unwrap_or_default().hide_outcome(&mut outcome);
            Some(Ending::Outcome(outcome))
        }
        _ => None,
    })
}

#[derive(Debug, Serialize)]
struct StartedView {
    saga: SagaId,
}

/// What a saga came to, as a result.
#[derive(Debug, Serialize)]
struct EndingView {
    saga: SagaId,
    outcome: Option<Value>,
    stuck: Option<String>,
}

impl EndingView {
    fn new(saga: SagaId, ending: Ending) -> Self {
        match ending {
            Ending::Outcome(outcome) => Self { saga, outcome: Some(outcome), stuck: None },
            Ending::Stuck(reason) => Self { saga, outcome: None, stuck: Some(reason) },
        }
    }

    fn render(&self) -> String {
        let text = match (&self.outcome, &self.stuck) {
            (Some(outcome), _) => in_words(outcome),
            (None, reason) => format!("stuck: {}", reason.as_deref().unwrap_or_default()),
        };
        super::style::clean(&text) + "\n"
    }

    fn exit(&self) -> Exit {
        let is = |tag| self.outcome.as_ref().is_some_and(|outcome| outcome.get(tag).is_some());
        match () {
            () if self.stuck.is_some() => Exit::Stuck,
            () if is("completed") => Exit::Done,
            () if is("compensated") => Exit::Compensated,
            () if is("ended") => Exit::Ended,
            () => Exit::Failed,
        }
    }
}

fn in_words(outcome: &Value) -> String {
    records::outcome(outcome).unwrap_or_else(|| outcome.to_string())
}
