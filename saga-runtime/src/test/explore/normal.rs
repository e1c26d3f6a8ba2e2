//! When two states of a saga under test are the same: all that decides what can follow, without what only counts how
//! it came there. Of times it keeps their order, so that the randomness of a backoff tells no states apart.
//!
//! It knows no control by its type: what is added to it later counts.

use serde_json::Value;

/// What only counts how a saga came where it is.
const COUNTED: [&str; 2] = ["number", "since"];

/// Points in time at which something happens by itself.
const TIMES: [&str; 2] = ["due", "deadline"];

/// The serialised state and control, brought into the form in which it is compared.
pub(super) fn normal(saved: &str) -> String {
    let Ok(mut saved) = serde_json::from_str::<Value>(saved) else { return saved.to_owned() };
    if let Some(control) = saved.get_mut("control") {
        let mut times = Vec::new();
        collect_times(control, &mut times);
        times.sort_unstable();
        times.dedup();
        reduce(control, &times);
    }
    saved.to_string()
}

/// The state alone, and the name of its variant.
pub(super) fn place(state: &Value) -> String {
    match state {
        Value::String(name) => name.clone(),
        Value::Object(variants) => variants.keys().next().cloned().unwrap_or_default(),
        _ => String::new(),
    }
}

fn collect_times(value: &Value, times: &mut Vec<u64>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                times.extend(field.as_u64().filter(|_| TIMES.contains(&name.as_str())));
                collect_times(field, times);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_times(item, times)),
        _ => {}
    }
}

fn reduce(value: &mut Value, times: &[u64]) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !COUNTED.contains(&name.as_str()));
            reduce_attempts(fields);
            for (name, field) in fields {
                match (name.as_str(), field.as_u64()) {
                    (name, Some(time)) if TIMES.contains(&name) => {
                        *field = times.binary_search(&time).unwrap_or_default().into();
                    }
                    ("recorded_in", Some(_)) => *field = true.into(),
                    _ => reduce(field, times),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| reduce(item, times)),
        _ => {}
    }
}

/// Of attempts only those count that an operator has not forgiven.
fn reduce_attempts(fields: &mut serde_json::Map<String, Value>) {
    let number = |name| fields.get(name).and_then(Value::as_u64);
    if let (Some(attempt), Some(before)) = (number("attempt"), number("attempts_before")) {
        fields.insert("attempt".to_owned(), attempt.saturating_sub(before).into());
        fields.remove("attempts_before");
    }
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn only_the_order_of_times_counts() {
        let state = |number: u32, due: u32, deadline: u32| {
            format!(r#"{{"control":{{"number":{number},"open":[{{"due":{due}}}],"deadline":{deadline}}},"state":"A"}}"#)
        };
        assert_eq!(normal(&state(1, 50, 100)), normal(&state(7, 3, 9000)));
        assert_ne!(normal(&state(1, 50, 100)), normal(&state(1, 100, 50)));
        assert_ne!(normal(&state(1, 50, 100)), normal(&state(1, 50, 50)));
    }

    #[test]
    fn a_field_of_the_state_counts_whatever_its_name() {
        assert_ne!(
            normal(r#"{"control":{},"state":{"A":{"due":1}}}"#),
            normal(r#"{"control":{},"state":{"A":{"due":2}}}"#)
        );
    }
}
