//! Names of a saga in what is handed to a macro.

use saga_runtime::prelude::*;

use super::{Event, Words};

/// Takes it, as a mention that is not owned could be taken once only.
#[allow(clippy::needless_pass_by_value, reason = "that it is taken is what counts")]
fn length(text: String) -> usize {
    text.len()
}

/// Shows what it is given, and gives its value.
macro_rules! told {
    ($value:expr) => {
        format!("{} = {}", stringify!($value), $value)
    };
}

saga! {
    /// Each macro binds a name of the saga anew somewhere, and takes it twice besides.
    saga Anew(title: String, lines: Vec<String>) -> Vec<String> on Words {
        concurrency allow;
        deadline 5s;
        step wait { sleep 1s; }
        return vec![
            vec![lines.iter().map(|title| title.len()).sum::<usize>().to_string(), title, title].concat(),
            vec![{ let title = title.len(); title + 1 }, length(title), length(title)].len().to_string(),
            vec![if let Some(title) = lines.first() { title.len() } else { length(title) }, length(title)].len().to_string(),
            format!("{} {} {}", match lines.len() { title if title > 7 => title, _ => length(title) }, title, length(title)),
            vec![{ let mut sum = 0; for title in lines { sum += length(title) } sum }, length(title), length(title), lines.len()]
                .iter()
                .sum::<usize>()
                .to_string(),
            vec![{ fn title(of: usize) -> usize { of + 1 } title(3) }, length(title), length(title)].len().to_string(),
            {
                let length_of = |title: &str| title.len();
                while let Some(title) = None::<String> { drop(title); }
                [length_of(&title), length(title), { let Some(title) = lines.first() else { return Vec::new() }; title.len() }]
                    .iter()
                    .sum::<usize>()
                    .to_string()
            },
        ];
    }

    saga Told(title: String, lines: Vec<String>) -> Vec<String> on Words {
        concurrency allow;
        deadline 5s;
        step wait { sleep 1s; }
        return vec![
            stringify!(title).to_owned(),
            stringify!(title + &lines).to_owned(),
            told!(length(title) + lines.len()),
            lines.iter().map(|line| told!(length(title) + line.len())).collect(),
            format!("{title} {}", title),
        ];
    }

    saga ToldOnce(title: String, lines: Vec<String>) -> String on Words {
        concurrency allow;
        deadline 5s;
        step wait { sleep 1s; }
        return told!(length(title) + lines.len()) + &title + &lines.concat();
    }

    saga Often(title: String, lines: Vec<String>) -> Vec<String> on Words {
        concurrency allow;
        deadline 5s;
        step wait { sleep 1s; }
        return lines.iter().map(|line| told!(length(title) + line.len())).collect();
    }

    saga Debugged(title: String) -> (usize, (String, String)) on Words {
        concurrency allow;
        deadline 5s;
        step wait { sleep 1s; }
        return (dbg!(length(title) + length(title)), dbg!(title, title));
    }

    saga Asserted(title: String, limit: usize) -> usize on Words {
        concurrency allow;
        deadline 5s;
        step wait -> usize {
            await Written { title: other, .. } where other == title => {
                assert!(length(title) + title.len() < limit);
                assert!(title != "Ode", "{title} is taken");
                assert_ne!(length(title), length(title) + limit);
                limit
            };
        }
        return wait;
    }
}

fn lines() -> Vec<String> {
    ["a", "bc"].map(str::to_owned).to_vec()
}

fn output<S: Saga<Bus = Words>>(input: S) -> S::Output {
    let mut saga = SagaTest::start(input);
    saga.advance(std::time::Duration::from_secs(1));
    match saga.outcome() {
        Some(Outcome::Completed(output)) => output.clone(),
        _ => panic!("it completes"),
    }
}

/// Rule: names.owned
/// Rule: names.shadow
#[test]
fn a_name_that_is_bound_anew_in_a_macro_is_owned_at_its_other_mentions() {
    let anew = output(Anew { title: "Ode".to_owned(), lines: lines() });
    assert_eq!(anew, ["3OdeOde", "3", "2", "3 Ode 3", "11", "3", "7"]);
}

/// Rule: names.owned
#[test]
fn a_macro_shows_the_tokens_of_the_author() {
    let title = || "Ode".to_owned();
    let told = output(Told { title: title(), lines: lines() });
    assert_eq!(told[..2], ["title", "title + &lines"]);
    let once = output(ToldOnce { title: title(), lines: lines() });
    assert_eq!(once, "length(title) + lines.len() = 5Odeabc");
    let often = output(Often { title: title(), lines: lines() });
    assert_eq!(often, ["length(title) + line.len() = 4", "length(title) + line.len() = 5"]);
    assert_eq!(output(Debugged { title: title() }), (6, (title(), title())));
}

/// Rule: names.owned
/// Rule: names.panic
#[test]
fn an_assertion_that_fails_shows_the_tokens_of_the_author() {
    let why = |title: &str, limit| {
        let mut saga = SagaTest::start(Asserted { title: title.to_owned(), limit });
        saga.event(Event::Written { title: title.to_owned(), line: None });
        let stuck = saga.notices().iter().find_map(|notice| match notice {
            Notice::SagaStuck { reason, .. } => Some(reason.clone()),
            _ => None,
        });
        stuck.expect("it is stuck")
    };
    let reason = why("Elegy", 3);
    assert!(reason.contains("assertion failed: length(title) + title.len() < limit"), "{reason}");
    let reason = why("Ode", 9);
    assert!(reason.contains("Ode is taken"), "{reason}");
}
