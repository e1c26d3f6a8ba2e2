//! Whether the events of a handled command are those that were declared. It sees names only, never values.

use crate::message::{CommandInfo, EventInfo};

/// What is wrong with answering `command` by *handled* with these events; none if nothing is.
pub(super) fn breach(participant: &str, command: &CommandInfo, emitted: &[&EventInfo]) -> Option<String> {
    let is_reply = |event: &EventInfo| command.replies.contains(&event.name);
    let is_own = |event: &EventInfo| event.from == Some(participant);
    if let Some(event) = emitted.iter().find(|event| !is_reply(event) && !is_own(event)) {
        return Some(format!(
            "`{participant}` emitted `{}` for `{}`, which is neither one of its replies ({}) nor an event from \
             `{participant}`; declare it in `#[replies]`, or emit another",
            event.name,
            command.name,
            listed(command.replies),
        ));
    }
    if !command.replies.is_empty() && !emitted.iter().any(|event| is_reply(event)) {
        return Some(format!(
            "`{participant}` handled `{}` without one of its declared replies ({}); emit one before saying handled, \
             or refuse",
            command.name,
            listed(command.replies),
        ));
    }
    None
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
