//! The state diagram of a saga in Mermaid.
//!
//! States have ids of our own making, and every author's word is a label in which only harmless characters stand for
//! themselves: so the diagram is valid whatever the names are.

use std::fmt::{self, Write};

use super::diagram::{Diagram, Kind, State};

/// The diagram, fenced for Markdown.
pub(super) fn render(diagram: &Diagram) -> String {
    let mut text = String::from("```mermaid\nstateDiagram-v2\n");
    write_all(&mut text, diagram).expect("a String takes everything");
    text + "```\n"
}

fn write_all(text: &mut String, diagram: &Diagram) -> fmt::Result {
    for state in &diagram.states {
        match (state.kind, &*state.parts) {
            (Kind::Finally, _) => in_order(text, state)?,
            (_, []) => writeln!(text, "    state \"{}\" as {}", escape(&state.label), state.id)?,
            _ => in_parallel(text, state)?,
        }
    }
    for arrow in &diagram.arrows {
        let label = if arrow.label.is_empty() { String::new() } else { format!(" : {}", escape(&arrow.label)) };
        writeln!(text, "    {} --> {}{label}", arrow.from, arrow.to)?;
    }
    Ok(())
}

/// The steps of a parallel block, beside each other.
fn in_parallel(text: &mut String, state: &State) -> fmt::Result {
    open(text, state)?;
    for (index, part) in state.parts.iter().enumerate() {
        if index > 0 {
            text.push_str("        --\n");
        }
        let id = format!("{}_{index}", state.id);
        writeln!(text, "        state \"{}\" as {id}\n        [*] --> {id}\n        {id} --> [*]", escape(part))?;
    }
    close(text)
}

/// The steps on the way out, one after the other.
fn in_order(text: &mut String, state: &State) -> fmt::Result {
    open(text, state)?;
    let mut last = "[*]".to_owned();
    for (index, part) in state.parts.iter().enumerate() {
        let id = format!("{}_{index}", state.id);
        writeln!(text, "        state \"{}\" as {id}\n        {last} --> {id}", escape(part))?;
        last = id;
    }
    writeln!(text, "        {last} --> [*]")?;
    close(text)
}

fn open(text: &mut String, state: &State) -> fmt::Result {
    writeln!(text, "    state \"{}\" as {} {{", escape(&state.label), state.id)
}

fn close(text: &mut String) -> fmt::Result {
    writeln!(text, "    }}")
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
