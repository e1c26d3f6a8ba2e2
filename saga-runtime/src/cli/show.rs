//! `show`: one saga, first what it waits for.

mod render;
mod steps;
mod view;

use clap::ArgMatches;

use self::view::{Connection, ShowView};
use super::arguments as words;
use super::error::{CliError, Exit};
use super::output::Output;
use super::place::Place;
use super::time;
use crate::definition::Definition;
use crate::message::SagaId;
use crate::operator::{ClientError, Request, Response};

pub(super) async fn run(
    place: &Place,
    definitions: &[&'static Definition],
    matches: &ArgMatches,
    output: Output,
) -> Result<Exit, CliError> {
    let Some(id) = matches.get_one::<SagaId>(words::SAGA).copied() else {
        return Err(CliError::Usage("give the saga's number".to_owned()));
    };
    let mut view = ShowView::load(&mut *place.log()?, id, definitions)?.ok_or_else(|| place.no_saga(id))?;
    if let Some(waits) = &mut view.waits {
        waits.connection = connection(place, waits.participant.as_deref()).await;
    }
    output.result(&view, || render::render(&view, &place.program, output.width, time::now()))?;
    Ok(Exit::Done)
}

/// Asks the coordinator whether a participant is there.
async fn connection(place: &Place, participant: Option<&str>) -> Connection {
    let asked = async { place.operator().await?.request(&Request::Participants).await };
    match asked.await {
        Ok(Response::Participants { participants }) => Connection::of(participant, &participants),
        Ok(other) => Connection::NotTold { reason: format!("the coordinator answers {other:?}") },
        Err(ClientError::NotRunning { .. }) => Connection::NoCoordinator,
        Err(error) => Connection::NotTold { reason: error.to_string() },
    }
}

#[cfg(test)]
mod tests;
