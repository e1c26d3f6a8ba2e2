//! What a renderer sees, in words.

use saga_runtime::cli::describe;
use saga_runtime::notice::{Bracket, Mirror, Notice, Snapshot, Told};
use serde::{Deserialize, Serialize};

/// What a renderer sees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// What is in flight; what was known of it before is void.
    Snapshot(Snapshot),
    /// What changed.
    Change(Told),
    /// A bracket that has closed.
    Bracket(Bracket),
    /// A bracket of which nobody will hear the end.
    Void(Bracket),
    /// What is in no bracket.
    Beside(Notice),
    /// The launcher is away; what changes meanwhile follows when it is back.
    Disconnected,
}

impl Seen {
    /// In words, mostly on one line; none where there is nothing to say.
    pub fn describe(&self) -> Option<String> {
        match self {
            Self::Snapshot(Snapshot { sagas, missing, .. }) => {
                let missing = missing.as_ref().map(|why| format!("; changes are missing: {why}")).unwrap_or_default();
                Some(beside(&format!("in flight: {}{missing}", sagas.len())))
            }
            Self::Change(Told { notice: Notice::SagaMoved { .. }, .. }) => None,
            Self::Change(Told { notice, .. }) | Self::Beside(notice) => Some(describe(notice)),
            Self::Bracket(bracket) => Some(lines(bracket, "its beginning, or something in between, was not seen")),
            Self::Void(bracket) => Some(lines(bracket, "its end was not seen")),
            Self::Disconnected => Some(beside("the launcher is away")),
        }
    }

    /// As [`Seen::describe`]; of a change also what its saga waits for, and how many are in flight, once it is told whole.
    pub(super) fn view(&self, mirror: &Mirror) -> Option<String> {
        let text = self.describe()?;
        let Self::Change(Told { notice, now, .. }) = self else { return Some(text) };
        if notice.saga().is_some() && now.is_none() && !notice.is_end() {
            return Some(text);
        }
        let standing = notice.saga().and_then(|saga| mirror.saga(saga)).map(|saga| &saga.standing);
        let waits = standing.and_then(|standing| standing.waiting_for.as_ref());
        let waits = waits.map(|what| format!("waits for {what}; ")).unwrap_or_default();
        Some(format!("{text}   [{waits}in flight: {}]", mirror.sagas().len()))
    }
}

fn lines(bracket: &Bracket, lack: &str) -> String {
    let mut lines: Vec<_> = bracket.notices.iter().map(describe).collect();
    if !bracket.is_whole {
        lines.push(beside(&format!("of saga {}: {lack}", bracket.saga)));
    }
    lines.join("\n")
}

fn beside(text: &str) -> String {
    format!("{:>5} · {text}", "")
}

#[cfg(test)]
mod tests {
    use saga_runtime::machine::InFlight;
    use serde_json::json;

    use super::*;

    fn seen(json: serde_json::Value) -> Seen {
        serde_json::from_value(json).expect("it is one")
    }

    /// A change of saga 7.
    fn change(notice: &str) -> Told {
        let name = "pool_respawn_on_promote";
        let json = json!({ "position": "1/2/3", "notice": notice, "time": 5, "saga": 7, "name": name, "output": "w2" });
        serde_json::from_value(json).expect("it is one")
    }

    /// Saga 7, as it waits for an operator.
    fn stuck() -> InFlight {
        let standing = json!({ "status": "stuck", "step": null, "waiting_for": "an operator", "participant": null,
            "since": 5, "until": null, "reason": null });
        serde_json::from_value(json!({ "saga": 7, "name": "x", "standing": standing })).expect("it is one")
    }

    #[test]
    fn a_change_is_told_with_what_its_saga_waits_for() {
        let mut mirror = Mirror::new();
        let mut view = |told: Told| {
            mirror.change(&told);
            Seen::Change(told).view(&mirror)
        };
        assert_eq!(view(Told { now: Some(stuck().into()), ..change("saga_moved") }), None);
        assert_eq!(view(change("saga_unstuck")).as_deref(), Some("    7 │ goes on"), "there is more to come");
        let unstuck = view(Told { now: Some(stuck().into()), ..change("saga_unstuck") }).expect("it says something");
        assert_eq!(unstuck, "    7 │ goes on   [waits for an operator; in flight: 1]");
        let completed = view(change("saga_completed")).expect("it says something");
        assert!(completed.ends_with("   [in flight: 0]"), "{completed}");
    }

    #[test]
    fn a_bracket_that_is_not_whole_says_so() {
        let notice = json!({ "notice": "saga_unstuck", "time": 5, "saga": 7, "name": "x" });
        let bracket = |is_whole| json!({ "saga": 7, "name": "x", "notices": [notice], "is_whole": is_whole });
        assert_eq!(seen(json!({ "bracket": bracket(true) })).describe().as_deref(), Some("    7 │ goes on"));
        let void = seen(json!({ "void": bracket(false) })).describe().expect("it says something");
        assert_eq!(void, "    7 │ goes on\n      · of saga 7: its end was not seen");
    }

    #[test]
    fn a_gap_is_told() {
        let snapshot = json!({ "position": "1/2/3", "sagas": [], "missing": "it is another log" });
        let told = seen(json!({ "snapshot": snapshot })).describe().expect("it says something");
        assert_eq!(told, "      · in flight: 0; changes are missing: it is another log");
    }
}
