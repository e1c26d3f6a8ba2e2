//! What stands for a value that is never shown, and where it has to stand.
//!
//! Everything that shows a value asks here: what is in the state and in the bytes of commands stays exact, since recovery
//! needs it. It knows definitions and JSON; no saga's types.

mod hush;

use serde::Serialize;
use serde_json::{Map, Value};

pub(crate) use self::hush::{Hushed, hushed};
use crate::definition::Definition;
use crate::message::{Bus, CommandInfo, Event, EventOf};

/// Stands for a value that is not shown.
pub(crate) const REDACTED: &str = "(redacted)";

/// Replaces these fields of an object; of a list, those at these positions.
pub(crate) fn hide(value: &mut Value, fields: &[&str]) {
    match value {
        Value::Object(object) => {
            let hidden = object.iter_mut().filter(|(name, _)| fields.contains(&name.as_str()));
            hidden.for_each(|(_, value)| *value = REDACTED.into());
        }
        Value::Array(values) => {
            let hidden = values.iter_mut().enumerate().filter(|(index, _)| fields.contains(&&*index.to_string()));
            hidden.for_each(|(_, value)| *value = REDACTED.into());
        }
        _ => {}
    }
}

/// Replaces these fields of a word of a bus as serde writes it: in braces or in parentheses, one alone without them.
fn hide_in_message(message: &mut Value, fields: &[&str]) {
    if fields.is_empty() {
        return;
    }
    let Some(body) =
        message.as_object_mut().filter(|tagged| tagged.len() == 1).and_then(|tagged| tagged.values_mut().next())
    else {
        // Not in serde's usual form, so that it is not known where the fields are.
        *message = REDACTED.into();
        return;
    };
    let named = fields.iter().any(|field| field.parse::<usize>().is_err());
    match body {
        Value::Object(object) if named && fields.iter().all(|field| object.contains_key(*field)) => hide(body, fields),
        Value::Array(values) if !named && fields.iter().all(|field| holds(values, field)) => hide(body, fields),
        _ => *body = REDACTED.into(),
    }
}

fn holds(values: &[Value], position: &str) -> bool {
    position.parse::<usize>().is_ok_and(|position| position < values.len())
}

/// An event as it is shown.
pub(crate) fn event<B: Bus>(event: &EventOf<B>) -> Value {
    let mut shown = serde_json::to_value(event).unwrap_or_default();
    hide_in_message(&mut shown, event.info().redacted);
    shown
}

/// Events as they are shown.
pub(crate) fn events<B: Bus>(events: &[EventOf<B>]) -> Vec<Value> {
    events.iter().map(event::<B>).collect()
}

/// Whether the handler of this command knows values that are not shown: its own, or those of a reply.
pub(crate) fn is_secretive<B: Bus>(command: &CommandInfo) -> bool {
    let mut replies = <EventOf<B> as Event>::EVENTS.iter().filter(|event| command.replies.contains(&event.name));
    !command.redacted.is_empty() || replies.any(|event| !event.redacted.is_empty())
}

impl Definition {
    /// Whether anything of it is never shown. Then nor is what an expression of it says when it panics.
    pub(crate) const fn redacts(&self) -> bool {
        // Iterators are not for constants yet.
        let (mut parameters, mut steps) = (self.parameters, self.steps);
        while let [parameter, rest @ ..] = parameters {
            if parameter.redacted {
                return true;
            }
            parameters = rest;
        }
        while let [step, rest @ ..] = steps {
            if step.redacted {
                return true;
            }
            steps = rest;
        }
        false
    }

    /// An input as it is shown.
    pub(crate) fn shown_input(&self, input: &str) -> Value {
        let mut shown = serde_json::from_str(input).unwrap_or_default();
        let redacted = self.parameters.iter().filter(|parameter| parameter.redacted);
        hide(&mut shown, &redacted.map(|parameter| parameter.name).collect::<Vec<_>>());
        shown
    }

    /// An output as it is shown.
    pub(crate) fn shown_output(&self, output: &str) -> Value {
        if self.returns_redacted { REDACTED.into() } else { serde_json::from_str(output).unwrap_or_default() }
    }

    /// What went wrong with a value of it, in words that may repeat the value.
    pub(crate) fn shown_error(&self, message: String) -> String {
        if self.redacts() { format!("{REDACTED}: `{}` keeps values that are not shown", self.name) } else { message }
    }
}

/// What a log's own description of a definition hides, for readers that have no program.
#[derive(Debug, Default)]
pub(crate) struct Hidden {
    parameters: Vec<String>,
    /// The fields of each command, by its name.
    commands: Map<String, Value>,
    output: bool,
}

impl Hidden {
    /// What this description, which is a [`Definition`] as JSON, says is not shown.
    pub(crate) fn of(description: &Value) -> Self {
        let mut hidden =
            Self { output: description.get("returns_redacted") == Some(&Value::Bool(true)), ..Self::default() };
        let parameters = description.get("parameters").and_then(Value::as_array).into_iter().flatten();
        let redacted = parameters.filter(|parameter| parameter.get("redacted") == Some(&Value::Bool(true)));
        let names = redacted.filter_map(|parameter| parameter.get("name").and_then(Value::as_str));
        hidden.parameters = names.map(str::to_owned).collect();
        hidden.find_commands(description);
        hidden
    }

    /// Hides what the other hides, too: of a saga that was migrated.
    pub(crate) fn and(&mut self, other: Self) {
        self.parameters.extend(other.parameters);
        for (name, fields) in other.commands {
            match self.commands.get_mut(&name).and_then(Value::as_array_mut) {
                Some(known) => known.extend(fields.as_array().into_iter().flatten().cloned()),
                None => drop(self.commands.insert(name, fields)),
            }
        }
        self.output |= other.output;
    }

    /// Commands stand in the exchanges of steps and of compensations.
    fn find_commands(&mut self, value: &Value) {
        match value {
            Value::Object(object) => {
                if let (Some(Value::String(name)), Some(Value::Array(fields)), true) =
                    (object.get("name"), object.get("redacted"), object.contains_key("to"))
                {
                    self.commands.insert(name.clone(), Value::Array(fields.clone()));
                }
                object.values().for_each(|value| self.find_commands(value));
            }
            Value::Array(values) => values.iter().for_each(|value| self.find_commands(value)),
            _ => {}
        }
    }

    /// Hides what is not shown of an input.
    pub(crate) fn hide_input(&self, input: &mut Value) {
        hide(input, &self.parameters.iter().map(String::as_str).collect::<Vec<_>>());
    }

    /// Hides what is not shown of an outcome.
    pub(crate) fn hide_outcome(&self, outcome: &mut Value) {
        if let Some(output) = outcome.get_mut("completed").filter(|_| self.output) {
            *output = REDACTED.into();
        }
    }

    /// Hides what is not shown of a record: the commands that it sends, and the output.
    pub(crate) fn hide_record(&self, data: &mut Value) {
        for change in data.get_mut("then").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(command) = change.get_mut("sent").and_then(|sent| sent.get_mut("command")) {
                self.hide_command(command);
            }
            if let Some(outcome) = change.get_mut("ended") {
                self.hide_outcome(outcome);
            }
        }
    }

    fn hide_command(&self, command: &mut Value) {
        let name = command.as_object().and_then(|tagged| tagged.keys().next());
        let fields = name.and_then(|name| self.commands.get(name)).and_then(Value::as_array);
        let fields: Vec<_> = fields.into_iter().flatten().filter_map(Value::as_str).collect();
        hide_in_message(command, &fields);
    }
}

/// An answer or a fate as it is shown.
pub(crate) trait Shown<B: Bus> {
    /// Its JSON without what is not shown.
    fn shown(&self) -> impl Serialize;
}

impl<B: Bus> Shown<B> for crate::message::Answer<EventOf<B>, crate::message::RefusalOf<B>> {
    fn shown(&self) -> impl Serialize {
        use crate::message::Answer;
        match self {
            Answer::Handled(told) => Answer::Handled(events::<B>(told)),
            Answer::Refused(refusal) => Answer::Refused(refusal),
            Answer::Broken(reason) => Answer::Broken(reason.clone()),
        }
    }
}

impl<B: Bus> Shown<B> for crate::message::Fate<EventOf<B>> {
    fn shown(&self) -> impl Serialize {
        use crate::message::Fate;
        match self {
            Fate::Done(told) => Fate::Done(events::<B>(told)),
            Fate::Never => Fate::Never,
            Fate::Running => Fate::Running,
            Fate::Unknown => Fate::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_hidden_in_braces_and_in_parentheses() {
        for (mut message, fields, shown) in [
            (
                json!({"Open": {"account": 1, "pin": "s"}}),
                &["pin"][..],
                json!({"Open": {"account": 1, "pin": REDACTED}}),
            ),
            (json!({"Open": [1, "s"]}), &["1"][..], json!({"Open": [1, REDACTED]})),
            (json!({"Open": "s"}), &["0"][..], json!({"Open": REDACTED})),
            (json!({"Open": {"account": 1}}), &[][..], json!({"Open": {"account": 1}})),
            (json!({"Open": {"renamed": "s"}}), &["pin"][..], json!({"Open": REDACTED})),
            (json!({"type": "Open", "pin": "s"}), &["pin"][..], json!(REDACTED)),
        ] {
            hide_in_message(&mut message, fields);
            assert_eq!(message, shown);
        }
    }

    #[test]
    fn a_description_says_what_is_hidden() {
        let hidden = Hidden::of(&json!({
            "parameters": [{"name": "pin", "redacted": true}, {"name": "account", "redacted": false}],
            "steps": [{"name": "open", "redacted": true, "exchange": {"action": {"send":
                {"name": "Open", "to": "bank", "redacted": ["pin"]}}}}],
            "returns_redacted": true,
        }));
        let mut input = json!({"pin": "s", "account": 1});
        hidden.hide_input(&mut input);
        assert_eq!(input, json!({"pin": REDACTED, "account": 1}));
        let mut data = json!({"happened": "deadline", "then": [
            {"sent": {"command": {"Open": {"pin": "s"}}}}, {"ended": {"completed": "s"}}]});
        hidden.hide_record(&mut data);
        assert!(!data.to_string().contains("\"s\""), "{data}");
    }
}
