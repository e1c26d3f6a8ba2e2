//! The state diagram of a saga in Mermaid.
//!
//! States have ids of our own making, and every author's word is a label in which only harmless characters stand for
//! themselves: so the diagram is valid whatever the names are.

use std::fmt::Write as _;

use super::paths;
use crate::definition::{Definition, Exchange};

/// The diagram, fenced for Markdown.
pub(super) fn render(definition: &Definition) -> String {
    let mut diagram = Diagram { text: String::from("```mermaid\nstateDiagram-v2\n"), stuck: false };
    diagram.states(definition);
    diagram.forward(definition);
    diagram.failures(definition);
    diagram.ends();
    diagram.text.push_str("```\n");
    diagram.text
}

struct Diagram {
    text: String,
    /// Something is undone, and that can fail.
    stuck: bool,
}

impl Diagram {
    fn states(&mut self, definition: &Definition) {
        for (number, place) in definition.places.iter().enumerate() {
            let names: Vec<_> = place.steps.iter().map(|step| paths::step_of(definition, *step).name).collect();
            self.state(&format!("place{number}"), &names.join(" and "));
        }
        for (number, step) in definition.steps.iter().enumerate() {
            if step.compensation.exchange().is_some() {
                self.stuck = true;
                self.state(&format!("undo{number}"), &format!("undo {}", step.name));
            }
        }
        for (id, shown) in [("completed", true), ("compensated", true), ("stuck", self.stuck)] {
            if shown {
                self.state(id, id);
            }
        }
    }

    fn forward(&mut self, definition: &Definition) {
        let mut starts: Vec<_> = definition.triggers.iter().map(|trigger| trigger.event).collect();
        starts.push("a call");
        self.edge("[*]", &place(definition, 0), &starts.join(" or "));
        for (number, here) in definition.places.iter().enumerate() {
            let mut words = here.steps.iter().flat_map(|step| exchange(definition, *step, paths::successes));
            let label = words.by_ref().collect::<Vec<_>>().join(" or ");
            self.edge(&place(definition, number), &place(definition, number + 1), &label);
        }
    }

    fn failures(&mut self, definition: &Definition) {
        for (number, here) in definition.places.iter().enumerate() {
            let back = back(paths::undone_before(definition, number).next());
            let mut reasons = Vec::new();
            for step in here.steps {
                reasons.extend(exchange(definition, *step, |exchange| paths::failures(definition, exchange)));
            }
            reasons.dedup();
            self.edge(&place(definition, number), &back, &reasons.join(", "));
            for step in here.steps {
                self.undo(definition, number, *step, &back);
            }
        }
    }

    /// What undoes a step, when the saga fails at it or after it.
    fn undo(&mut self, definition: &Definition, number: usize, step: u16, back: &str) {
        if let Some(undo) = paths::step_of(definition, step).compensation.exchange() {
            let id = format!("undo{step}");
            self.edge(&place(definition, number), &id, "in doubt, and it was done");
            self.edge(&id, back, &paths::successes(undo).join(" or "));
            self.edge(&id, "stuck", "attempts spent");
            self.edge("stuck", &id, "retry");
            self.edge("stuck", back, "skip");
        }
    }

    fn ends(&mut self) {
        self.edge("completed", "[*]", "");
        self.edge("compensated", "[*]", "");
        if self.stuck {
            self.edge("stuck", "[*]", "ended by an operator");
        }
    }

    fn state(&mut self, id: &str, label: &str) {
        writeln!(self.text, "    state \"{}\" as {id}", escape(label)).expect("a String takes everything");
    }

    fn edge(&mut self, from: &str, to: &str, label: &str) {
        let label = if label.is_empty() { String::new() } else { format!(" : {}", escape(label)) };
        let edge = format!("    {from} --> {to}{label}\n");
        if !self.text.contains(&edge) {
            self.text.push_str(&edge);
        }
    }
}

fn exchange(definition: &Definition, step: u16, words: impl Fn(&Exchange) -> Vec<String>) -> Vec<String> {
    words(&paths::step_of(definition, step).exchange)
}

fn place(definition: &Definition, number: usize) -> String {
    if number < definition.places.len() { format!("place{number}") } else { "completed".to_owned() }
}

fn back(undone: Option<u16>) -> String {
    undone.map_or_else(|| "compensated".to_owned(), |step| format!("undo{step}"))
}

/// Everything else than letters, digits and a few marks stands as its number. So does the blank after `direction`,
/// which would turn the diagram, wherever it stands.
fn escape(label: &str) -> String {
    let mut escaped = String::with_capacity(label.len());
    for character in label.chars() {
        let is_blank = character.is_whitespace();
        match character {
            _ if is_blank && !ends_with_direction(&escaped) => escaped.push(' '),
            '_' | '-' | '.' | ',' => escaped.push(character),
            _ if character.is_alphanumeric() => escaped.push(character),
            _ => write!(escaped, "#{};", u32::from(character)).expect("a String takes everything"),
        }
    }
    if escaped.trim().is_empty() { "unnamed".to_owned() } else { escaped }
}

fn ends_with_direction(text: &str) -> bool {
    const WORD: &str = "direction";
    let last = text.len().checked_sub(WORD.len()).and_then(|start| text.get(start..));
    last.is_some_and(|last| last.eq_ignore_ascii_case(WORD))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_names_are_harmless() {
        assert_eq!(escape("end note: \"x\"; y\n#z"), "end note#58; #34;x#34;#59; y #35;z");
        assert_eq!(escape("Fenster_öffnen --> 2"), "Fenster_öffnen --#62; 2");
        assert_eq!(escape("Direction LR"), "Direction#32;LR");
        assert_eq!(escape(""), "unnamed");
    }
}
