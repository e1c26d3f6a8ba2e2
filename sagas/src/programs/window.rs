//! Does with a window of a running host what its user would do.

use std::io::Write;

use saga_runtime::message::ExchangeKey;
use saga_runtime::pipe::Endpoint;

use super::ProgramError;
use crate::host::control::{ControlClient, HOST_SOCKET, Reply, Wish};
use crate::host::state::HostState;

/// Connects to the host that runs in this directory.
///
/// # Errors
/// If none does.
pub async fn connect(endpoint: &Endpoint) -> Result<ControlClient, ProgramError> {
    Ok(ControlClient::connect(endpoint, HOST_SOCKET, "host").await?)
}

/// Asks the host, and prints what it answers.
///
/// # Errors
/// If no host runs, or it says no.
pub async fn run(endpoint: &Endpoint, wish: &Wish, json: bool) -> Result<(), ProgramError> {
    let reply = connect(endpoint).await?.ask(wish).await?;
    let text = if json { serde_json::to_string(&reply)? + "\n" } else { shown(&reply) };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

fn shown(reply: &Reply) -> String {
    match reply {
        Reply::State(state) => table(state),
        Reply::Window(label) => format!("{label}\n"),
        Reply::Pane(number) => format!("pane {number}\n"),
        Reply::Output(text) => format!("{text}\n"),
        Reply::Log(events) => events.iter().map(|event| format!("{event}\n")).collect(),
        Reply::Done => String::new(),
    }
}

/// The saga in whose name a window was asked for.
fn asker(key: &str) -> String {
    key.parse::<ExchangeKey>().map_or_else(|_| key.to_owned(), |key| format!("saga {}", key.saga))
}

fn table(state: &HostState) -> String {
    let mut lines = vec![format!("{:<16} {:<8} {:<6} {:<8} {}", "WINDOW", "PLACE", "PANES", "BUSY", "ASKED BY")];
    lines.extend(state.windows.iter().map(|window| {
        let place = if window.hidden { "pool" } else { "desk" };
        let busy = if window.panes.iter().any(|pane| pane.busy) { "busy" } else { "idle" };
        let asked_by = window.asked_by.as_deref().map_or_else(|| "the host".to_owned(), asker);
        format!("{:<16} {place:<8} {:<6} {busy:<8} {asked_by}", window.label.to_string(), window.panes.len())
    }));
    lines.join("\n") + "\n"
}
