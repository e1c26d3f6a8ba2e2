//! What a record says, in few words for people.
//!
//! Records are JSON of which only the coordinator knows the types: what this does not understand is shown as it is.

use serde_json::Value;

use super::time;
use crate::time::Timestamp;

/// What happened, then what followed. At least one line.
pub(super) fn lines(data: &Value) -> Vec<String> {
    let Some(what) = data.get("happened") else {
        return vec![brief(data)];
    };
    let then = data.get("then").and_then(Value::as_array).into_iter().flatten();
    [happened(what)].into_iter().chain(then.map(change)).collect()
}

/// What happened, in few words.
fn happened(value: &Value) -> String {
    in_words(value, |tag, body| {
        Some(match tag {
            "started" => started(body)?,
            "answered" => format!("{}: {}", attempted(body)?, answer(body.get("answer")?)),
            "seen" => format!("{}: {}", exchange(body)?, brief(body.get("event")?)),
            "timed_out" => format!("{}: timed out", attempted(body)?),
            "disconnected" => format!("{}: its participant is away", attempted(body)?),
            "waited" => format!("{}: the wait is over", exchange(body)?),
            "fate" => format!("{}: its fate is told: {}", exchange(body)?, fate(body.get("fate")?)),
            "fate_overdue" => format!("{}: its fate has not been told for a minute", exchange(body)?),
            "deadline" => "the deadline passed".to_owned(),
            "cancelled" => format!("cancelled{}", by(body)),
            "admitted" => "its turn has come".to_owned(),
            "superseded" => format!("superseded by saga {body}"),
            "operator" => format!("the operator says {}{}", text(body, "action")?, by(body)),
            "restarted" => "its process was started again".to_owned(),
            "migrated" => format!("goes on in version {} (was in {})", body.get("to")?, body.get("from")?),
            "child_ended" => {
                let ended = body.get("ended")?;
                format!("{}: saga {} is {}", exchange(body)?, ended.get("child")?, text(ended, "how")?)
            }
            "unwound" => format!("saga {body}, which ran it, is undone"),
            "released" => "the saga that ran it has ended".to_owned(),
            "parked" => format!("parked: {}", text(body, "reason")?),
            _ => return None,
        })
    })
}

/// What followed, in few words.
fn change(value: &Value) -> String {
    in_words(value, |tag, body| {
        Some(match tag {
            "queued" if body.is_null() => "waits for its turn".to_owned(),
            "queued" => format!("waits for its turn, behind saga {body}"),
            "sent" => sent(body)?,
            "waiting" => format!("{}: the next attempt is made at {}", exchange(body)?, until(body)?),
            "asked" => format!("{}: {} is asked its fate", exchange(body)?, text(body, "participant")?),
            "done" => format!("{}: done", exchange(body)?),
            "kept" => format!("{}: kept until it begins", exchange(body)?),
            "abandoned" => format!("{}: the saga goes on without its answer", exchange(body)?),
            "assumed" => format!("{}: nobody knows whether it was done, and it is undone in any case", exchange(body)?),
            "done_late" => format!("{}: it was done after all, and is undone", exchange(body)?),
            "ran" => format!("{}: runs saga {}", exchange(body)?, body.get("child")?),
            "unwinding" => format!("{}: saga {} is undone", exchange(body)?, body.get("child")?),
            "complete" => "complete; kept until the saga that ran it has ended".to_owned(),
            "sleeping" => format!("{}: sleeps until {}", exchange(body)?, until(body)?),
            "undone" => format!("{}: nothing was done", exchange(body)?),
            "withdrawn" => {
                format!("{}: the answer of {} is no longer awaited", exchange(body)?, text(body, "participant")?)
            }
            "skipped" => format!("{}: passed over", exchange(body)?),
            "failed" => format!("fails at {}: {}", text(body, "step")?, text(body, "message")?),
            "stuck" => format!("stuck: {}", text(body, "reason")?),
            "unstuck" => "goes on".to_owned(),
            "ended" => outcome(body)?,
            _ => return None,
        })
    })
}

/// What was said too late, in few words.
pub(super) fn late(value: &Value) -> String {
    in_words(value, |tag, body| match (tag, body.get("answer"), body.get("fate")) {
        ("late", Some(said), _) => Some(format!("{}: {}", attempted(body)?, answer(said))),
        ("late", None, Some(told)) => Some(format!("{}: its fate is told: {}", exchange(body)?, fate(told))),
        _ => None,
    })
}

/// How a saga ended, in few words; none for what is no outcome.
pub(super) fn outcome(value: &Value) -> Option<String> {
    let (tag, body) = tagged(value)?;
    match tag {
        "completed" if body.is_null() => Some("completed".to_owned()),
        "completed" => Some(format!("completed with {}", brief(body))),
        "compensated" => Some(format!("compensated: {}", text(body, "message")?)),
        "ended" => Some(format!("ended{}", by(body))),
        _ => None,
    }
}

/// A message, an event or any value, on one line: `Variant {…}` for one with a tag.
fn brief(value: &Value) -> String {
    match value {
        Value::String(text) if is_name(text) => text.clone(),
        value => match tagged(value).filter(|(tag, _)| is_name(tag)) {
            Some((tag, body)) => format!("{tag} {body}"),
            None => value.to_string(),
        },
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_uppercase())
        && text.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
}

fn in_words(value: &Value, words: impl Fn(&str, &Value) -> Option<String>) -> String {
    tagged(value).and_then(|(tag, body)| words(tag, body)).unwrap_or_else(|| value.to_string())
}

/// The tag of an externally tagged value, and what it holds.
fn tagged(value: &Value) -> Option<(&str, &Value)> {
    match value {
        Value::String(tag) => Some((tag, &Value::Null)),
        Value::Object(object) if object.len() == 1 => object.iter().next().map(|(tag, body)| (tag.as_str(), body)),
        _ => None,
    }
}

fn text<'a>(body: &'a Value, field: &str) -> Option<&'a str> {
    body.get(field).and_then(Value::as_str)
}

fn until(body: &Value) -> Option<String> {
    body.get("until").and_then(Value::as_u64).map(|micros| time::of_day(Timestamp::from_micros(micros)))
}

fn by(body: &Value) -> String {
    let who = text(body, "who").map(|who| format!(" by {who}")).unwrap_or_default();
    let why = text(body, "why").map(|why| format!(": {why}")).unwrap_or_default();
    who + &why
}

/// `refill`, `undo refill`, `refill[3]`; `step number 2` of a saga that the coordinator no longer knew.
fn exchange(body: &Value) -> Option<String> {
    let undo = if text(body, "mode") == Some("compensation") { "undo " } else { "" };
    let number = || Some(format!("step number {}", body.get("step_number")?));
    let step = text(body, "step").map(str::to_owned).or_else(number)?;
    let item = body.get("item").map(|item| format!("[{item}]")).unwrap_or_default();
    Some(format!("{undo}{step}{item}"))
}

/// The exchange, with its attempt unless it is the first.
fn attempted(body: &Value) -> Option<String> {
    let attempt = body.get("attempt").and_then(Value::as_u64).filter(|attempt| *attempt > 1);
    let attempt = attempt.map(|attempt| format!(" (attempt {attempt})")).unwrap_or_default();
    Some(exchange(body)? + &attempt)
}

fn started(by: &Value) -> Option<String> {
    match tagged(by)? {
        ("trigger", event) => Some(format!("started by the event {}", event.as_str()?)),
        ("call", _) => Some("started by a call".to_owned()),
        _ => None,
    }
}

fn sent(body: &Value) -> Option<String> {
    let participant = text(body, "participant")?;
    let what = match body.get("command").filter(|command| !command.is_null()) {
        Some(command) => brief(command),
        None => "the command again".to_owned(),
    };
    Some(format!("{}: sends {participant} {what}", attempted(body)?))
}

fn answer(value: &Value) -> String {
    match tagged(value) {
        Some(("handled", events)) => format!("handled{}", with(events)),
        Some(("refused", refusal)) => format!("refused: {}", brief(refusal)),
        Some(("broken", reason)) => format!("the contract is broken: {}", reason.as_str().unwrap_or_default()),
        _ => value.to_string(),
    }
}

fn fate(value: &Value) -> String {
    match tagged(value) {
        Some(("done", events)) => format!("done{}", with(events)),
        Some((fate, Value::Null)) => fate.to_owned(),
        _ => value.to_string(),
    }
}

fn with(events: &Value) -> String {
    let events: Vec<_> = events.as_array().into_iter().flatten().map(brief).collect();
    if events.is_empty() { String::new() } else { format!(", with {}", events.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(happened: &str) -> String {
        let lines = told(&format!(r#"{{"happened":{happened},"then":[]}}"#));
        assert_eq!(lines.len(), 1);
        lines.concat()
    }

    fn then(change: &str) -> String {
        told(&format!(r#"{{"happened":"deadline","then":[{change}]}}"#)).swap_remove(1)
    }

    fn told(data: &str) -> Vec<String> {
        lines(&serde_json::from_str(data).expect("JSON"))
    }

    #[test]
    fn what_happened_is_told_in_words() {
        for (json, words) in [
            (r#"{"started":"call"}"#, "started by a call"),
            (r#"{"started":{"trigger":"Closed"}}"#, "started by the event Closed"),
            (
                r#"{"answered":{"step":"refill","mode":"forward","attempt":1,"answer":{"handled":[{"Added":{"label":"w2"}},"Seen"]}}}"#,
                r#"refill: handled, with Added {"label":"w2"}, Seen"#,
            ),
            (
                r#"{"seen":{"step":"refill","mode":"forward","event":{"Added":{"label":"w2"}}}}"#,
                r#"refill: Added {"label":"w2"}"#,
            ),
            (
                r#"{"answered":{"step":"refill","item":2,"mode":"compensation","attempt":3,"answer":{"refused":"PoolFull"}}}"#,
                "undo refill[2] (attempt 3): refused: PoolFull",
            ),
            (r#"{"timed_out":{"step":"refill","item":0,"attempt":1}}"#, "refill[0]: timed out"),
            (
                r#"{"answered":{"step":"a","mode":"forward","attempt":1,"answer":{"broken":"it panicked"}}}"#,
                "a: the contract is broken: it panicked",
            ),
            (r#"{"timed_out":{"step":"a","mode":"forward","attempt":2}}"#, "a (attempt 2): timed out"),
            (r#"{"fate":{"step":"a","mode":"forward","fate":{"done":["B"]}}}"#, "a: its fate is told: done, with B"),
            (r#"{"fate":{"step":"a","mode":"forward","fate":"never"}}"#, "a: its fate is told: never"),
            (r#""deadline""#, "the deadline passed"),
            (r#"{"cancelled":{"who":"ann","why":"a typo"}}"#, "cancelled by ann: a typo"),
            (r#"{"cancelled":null}"#, "cancelled"),
            (r#""admitted""#, "its turn has come"),
            (r#"{"superseded":17}"#, "superseded by saga 17"),
            (r#"{"operator":{"action":"skip","who":"ann","why":"gone"}}"#, "the operator says skip by ann: gone"),
            (r#"{"parked":{"reason":"version 3 is unknown"}}"#, "parked: version 3 is unknown"),
        ] {
            assert_eq!(one(json), words);
        }
    }

    #[test]
    fn what_followed_is_told_in_words() {
        for (json, words) in [
            (
                r#"{"sent":{"step":"a","mode":"forward","attempt":1,"participant":"host","recorded_in":1,"command":{"Close":{"label":"w"}}}}"#,
                r#"a: sends host Close {"label":"w"}"#,
            ),
            (
                r#"{"sent":{"step":"a","mode":"compensation","attempt":2,"participant":"host","recorded_in":1}}"#,
                "undo a (attempt 2): sends host the command again",
            ),
            (
                r#"{"waiting":{"step":"a","mode":"forward","until":1709210096789000}}"#,
                "a: the next attempt is made at 12:34:56.789",
            ),
            (r#"{"asked":{"step":"a","mode":"forward","participant":"host"}}"#, "a: host is asked its fate"),
            (r#"{"done":{"step":"a","mode":"forward"}}"#, "a: done"),
            (r#"{"undone":{"step":"a","mode":"forward"}}"#, "a: nothing was done"),
            (r#"{"done_late":{"step":"a","mode":"forward"}}"#, "a: it was done after all, and is undone"),
            (r#"{"abandoned":{"step":"a","mode":"forward"}}"#, "a: the saga goes on without its answer"),
            (
                r#"{"assumed":{"step":"a","mode":"forward"}}"#,
                "a: nobody knows whether it was done, and it is undone in any case",
            ),
            (r#"{"kept":{"step":"a","mode":"forward"}}"#, "a: kept until it begins"),
            (
                r#"{"withdrawn":{"step":"a","mode":"forward","participant":"host"}}"#,
                "a: the answer of host is no longer awaited",
            ),
            (r#"{"skipped":{"step":"a","mode":"compensation"}}"#, "undo a: passed over"),
            (
                r#"{"failed":{"step":"a","kind":"refused","message":"the pool is full"}}"#,
                "fails at a: the pool is full",
            ),
            (r#"{"stuck":{"reason":"attempts spent"}}"#, "stuck: attempts spent"),
            (r#""unstuck""#, "goes on"),
            (r#"{"queued":17}"#, "waits for its turn, behind saga 17"),
            (r#"{"queued":null}"#, "waits for its turn"),
            (r#"{"ended":{"completed":"w2"}}"#, r#"completed with "w2""#),
            (r#"{"ended":{"completed":null}}"#, "completed"),
            (r#"{"ended":{"compensated":{"step":"a","kind":"failed","message":"no"}}}"#, "compensated: no"),
            (r#"{"ended":{"ended":{"who":"ann","why":"enough"}}}"#, "ended by ann: enough"),
        ] {
            assert_eq!(then(json), words);
        }
    }

    #[test]
    fn what_came_too_late_is_told_in_words() {
        for (json, words) in [
            (r#"{"late":{"step":"a","mode":"forward","attempt":1,"answer":{"handled":["B"]}}}"#, "a: handled, with B"),
            (r#"{"late":{"step":"a","mode":"compensation","fate":"never"}}"#, "undo a: its fate is told: never"),
            (r#"{"late":{"step_number":2,"item":1,"attempt":1,"answer":{"handled":[]}}}"#, "step number 2[1]: handled"),
            (r#"{"later":1}"#, r#"{"later":1}"#),
        ] {
            assert_eq!(late(&serde_json::from_str(json).expect("JSON")), words);
        }
    }

    #[test]
    fn what_is_not_understood_is_shown_as_it_is() {
        assert_eq!(one(r#"{"exploded":{"loudly":true}}"#), r#"{"exploded":{"loudly":true}}"#);
        assert_eq!(one(r#"{"answered":{"step":7}}"#), r#"{"answered":{"step":7}}"#);
        assert_eq!(told(r#"{"record":1}"#), [r#"{"record":1}"#]);
        assert_eq!(told("[1,2]"), ["[1,2]"]);
    }
}
