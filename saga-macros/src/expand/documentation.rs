//! What rustdoc says of a saga: the author's words, the way through it, and a row for each step.
//!
//! The page of a saga says more; it is made by the runtime. Here every line is a line in every build, so there is one a
//! step.

use std::fmt::Write as _;

use crate::model::{Action, Compensation, Each, Exchange, Saga, Step, StepKind};
use crate::text;

/// The documentation of the input.
pub(super) fn of(saga: &Saga) -> String {
    let mut doc = saga.doc.clone();
    let _: std::fmt::Result = write!(doc, "\n\n```text\n{}\n```\n", way(saga));
    doc.push_str("\n| step | does | undone by | if it fails here, undone in this order |\n|---|---|---|---|\n");
    for (index, step) in saga.steps.iter().enumerate() {
        let name = names(&[index], saga) + &mark(step);
        let does = step.exchange.as_ref().map_or("–".to_owned(), does);
        let _: std::fmt::Result =
            writeln!(doc, "| {name} | {does} | {} | {} |", undone_by(saga, step), order(saga, index));
    }
    let requires: Vec<_> = saga.requires.iter().map(|require| code(&text::of(&require.condition.expression))).collect();
    if !requires.is_empty() {
        let _: std::fmt::Result = writeln!(doc, "\nRequires {}.", requires.join(" and "));
    }
    doc
}

/// The way forward, the way back, and the way out, a line each.
fn way(saga: &Saga) -> String {
    let forward = saga.places.iter().map(|place| beside(saga, &place.steps));
    let mut way = format!("forward: {}", forward.collect::<Vec<_>>().join(" → "));
    let undone = (0..turn(saga)).map(|place| undone_at(saga, place)).filter(|steps| !steps.is_empty());
    let back: Vec<_> = undone.map(|steps| beside(saga, &steps)).collect();
    if !back.is_empty() {
        way += &format!("\nback:    {}", back.join(" ← "));
    }
    if !saga.finally.is_empty() {
        let finally: Vec<_> = saga.finally.iter().map(|step| beside(saga, &[*step])).collect();
        way += &format!("\nfinally: {}", finally.join(" → "));
    }
    way
}

fn beside(saga: &Saga, steps: &[usize]) -> String {
    let names = steps.iter().map(|step| {
        let step = &saga.steps[*step];
        let pivot = if step.kind == StepKind::Pivot { "pivot " } else { "" };
        let each = if step.each.is_some() { " (for each)" } else { "" };
        let when = if step.when.is_some() { " (when)" } else { "" };
        format!("{pivot}{}{each}{when}", text::of_name(&step.name))
    });
    let names = names.collect::<Vec<_>>().join(" ∥ ");
    if steps.len() > 1 { format!("[{names}]") } else { names }
}

/// The first place from which there is no way back: the pivot's, or behind the last.
fn turn(saga: &Saga) -> usize {
    let is_pivot = |step: &usize| saga.steps[*step].kind == StepKind::Pivot;
    let pivot = saga.places.iter().position(|place| place.steps.iter().any(is_pivot));
    pivot.unwrap_or(saga.places.len())
}

fn mark(step: &Step) -> String {
    let kind = match step.kind {
        StepKind::Plain => "",
        StepKind::Pivot => ", pivot",
        StepKind::Finally => ", finally",
    };
    let each = |each: &Each| format!(", for each of {}", code(&text::of(&each.items.expression)));
    let each = step.each.as_ref().map(each).unwrap_or_default();
    let when = |when: &crate::model::Phrase| format!(", when {}", code(&text::of(&when.expression)));
    format!("{kind}{each}{}", step.when.as_ref().map(when).unwrap_or_default())
}

/// What an exchange does, in a word or two.
fn does(exchange: &Exchange) -> String {
    match &exchange.action {
        Action::Command(command) => code(&command.variant.to_string()),
        Action::Run(run) => format!("run {}", code(&text::of(&run.saga))),
        Action::Sleep(_) => "sleep".to_owned(),
        Action::Wait => "await".to_owned(),
        Action::Nothing => "–".to_owned(),
    }
}

fn undone_by(saga: &Saga, step: &Step) -> String {
    match &step.compensation {
        Compensation::NotNeeded => "–".to_owned(),
        Compensation::None { because } => format!("nothing: {}", words(because)),
        Compensation::Exchange(exchange) => does(exchange),
        Compensation::With(other) => format!("with {}", names(&[*other], saga)),
        Compensation::Unwind => "unwinding it".to_owned(),
    }
}

/// The steps of a place that have something of their own to undo.
fn undone_at(saga: &Saga, place: usize) -> Vec<usize> {
    let undoes =
        |step: &usize| matches!(saga.steps[*step].compensation, Compensation::Exchange(_) | Compensation::Unwind);
    saga.places[place].steps.iter().copied().filter(undoes).collect()
}

/// What is undone when the saga fails at a step.
fn order(saga: &Saga, index: usize) -> String {
    let place = saga.place_of(index);
    match saga.steps[index].kind {
        StepKind::Finally => return "nothing: tried again, then stuck".to_owned(),
        StepKind::Plain if place > turn(saga) => return "nothing: tried again until it succeeds".to_owned(),
        StepKind::Plain | StepKind::Pivot => {}
    }
    let here = undone_at(saga, place);
    let here = (!here.is_empty()).then(|| format!("{} (if done)", names(&here, saga)));
    let before = (0..place).rev().map(|place| undone_at(saga, place)).filter(|steps| !steps.is_empty());
    let order: Vec<_> = here.into_iter().chain(before.map(|steps| names(&steps, saga))).collect();
    if order.is_empty() { "nothing".to_owned() } else { order.join(", then ") }
}

fn names(steps: &[usize], saga: &Saga) -> String {
    let names: Vec<_> = steps.iter().map(|step| code(&text::of_name(&saga.steps[*step].name))).collect();
    names.join(" and ")
}

/// An expression in a cell.
fn code(text: &str) -> String {
    let text = cell(text);
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}

/// An author's sentence in a cell, in which nothing is a link, a tag or code.
fn words(text: &str) -> String {
    let mut words = String::with_capacity(text.len());
    for character in cell(text).chars() {
        if matches!(character, '[' | ']' | '<' | '`' | '*' | '_') {
            words.push('\\');
        }
        words.push(character);
    }
    words
}

fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use syn::{Attribute, Expr, Item, ItemStruct, Lit};

    use super::*;

    /// What stands on the input of a saga.
    fn documented(saga: &str) -> String {
        let expansion = syn::parse2::<syn::File>(crate::sagas(saga.parse().expect("tokens"))).expect("it is Rust");
        let input = expansion.items.into_iter().find_map(|item| match item {
            Item::Struct(ItemStruct { attrs, .. }) => Some(attrs),
            _ => None,
        });
        input.expect("there is an input").iter().filter_map(text_of).collect()
    }

    fn text_of(attribute: &Attribute) -> Option<String> {
        match &attribute.meta.require_name_value().ok()?.value {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(text) => Some(text.value()),
                _ => None,
            },
            _ => None,
        }
    }

    #[test]
    fn every_step_says_what_is_undone_when_it_fails() {
        let documented = documented(
            r#"
            /// Books it all.
            saga Trip(names: Vec<String>, drives: bool) on Travel {
                concurrency allow;
                deadline 1m;
                require !names.is_empty() || drives else "nobody";
                step pay { send Pay; compensate Refund; }
                parallel {
                    step hotel { send Book; compensate Cancel; }
                    step seat for name in names, all at once { send Sit { name }; compensate Stand; }
                    step car when drives { send Drive; compensate none because "it is [old] | red"; }
                }
            }"#,
        );
        assert_eq!(
            documented,
            "Books it all.\n\n\
             ```text\n\
             forward: pay → [hotel ∥ seat (for each) ∥ car (when)]\n\
             back:    pay ← [hotel ∥ seat (for each)]\n\
             ```\n\n\
             | step | does | undone by | if it fails here, undone in this order |\n|---|---|---|---|\n\
             | `pay` | `Pay` | `Refund` | `pay` (if done) |\n\
             | `hotel` | `Book` | `Cancel` | `hotel` and `seat` (if done), then `pay` |\n\
             | `seat`, for each of `names` | `Sit` | `Stand` | `hotel` and `seat` (if done), then `pay` |\n\
             | `car`, when `drives` | `Drive` | nothing: it is \\[old\\] \\| red | `hotel` and `seat` (if done), then `pay` |\n\n\
             Requires `!names.is_empty() \\|\\| drives`.\n"
        );
    }

    #[test]
    fn from_the_pivot_on_and_on_the_way_out_nothing_is_undone() {
        let documented = documented(
            "saga Meal() on Town {
                concurrency allow;
                deadline 1m;
                step book { send Book; compensate Cancel; }
                pivot step pay { send Pay; }
                step tell { send Tell; }
                finally step close { send Close; }
            }",
        );
        assert!(
            documented.contains("forward: book → pivot pay → tell\nback:    book\nfinally: close\n"),
            "{documented}"
        );
        for (step, undone) in [
            ("`pay`, pivot", "`book`"),
            ("`tell`", "nothing: tried again until it succeeds"),
            ("`close`, finally", "nothing: tried again, then stuck"),
        ] {
            let row = documented.lines().find(|line| line.starts_with(&format!("| {step} |")));
            assert!(row.is_some_and(|row| row.ends_with(&format!("| {undone} |"))), "{step}: {documented}");
        }
    }

    #[test]
    fn cells_hold_what_authors_write() {
        assert_eq!(words("a [b] <c>\n`d` | e"), "a \\[b\\] \\<c> \\`d\\` \\| e");
        assert_eq!(code("a || b"), "`a \\|\\| b`");
        assert_eq!(code("'`'"), "`` '`' ``");
    }
}
