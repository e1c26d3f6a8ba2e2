//! How long a saga can take at worst, as far as its definition tells it: `within` × attempts, and the waits between them.
//!
//! It adds up what is written. Lengths that are computed stand in the sum by their expression, and whatever waits
//! without a bound is named.

use std::time::Duration;

use super::markdown::code;
use super::paths::{self, Way};
use super::words;
use crate::definition::{Action, ArmOutcome};
use crate::definition::{AtOnce, Compensation, Deadline, Definition, Each, Exchange, Retry, Span, Step};

/// What an exchange that must succeed in the end has where nothing is said.
pub(super) const PERSEVERING_WITHIN: Duration = Duration::from_secs(30);
pub(super) const PERSEVERING_RETRY: Retry = Retry {
    times: "10",
    every: Span::Fixed(Duration::from_millis(100)),
    at_most: Span::Fixed(Duration::from_secs(30)),
};

/// A length of time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Length {
    /// What is known.
    fixed: Duration,
    /// What is to be added to it, in words.
    computed: Vec<String>,
    /// What has no bound; empty if all has.
    unbounded: Vec<Unbounded>,
}

/// Why something has no bound.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Unbounded {
    /// The step of this name waits for an answer.
    Waits(String),
    /// Something else, in words.
    Other(String),
}

impl Length {
    fn fixed(fixed: Duration) -> Self {
        Self { fixed, ..Self::default() }
    }

    fn computed(words: String) -> Self {
        Self { computed: vec![words], ..Self::default() }
    }

    fn unbounded(why: Unbounded) -> Self {
        Self { unbounded: vec![why], ..Self::default() }
    }

    fn plus(mut self, other: Self) -> Self {
        self.fixed = self.fixed.saturating_add(other.fixed);
        self.computed.extend(other.computed);
        self.unbounded.extend(other.unbounded);
        self
    }

    fn is_fixed(&self) -> bool {
        self.computed.is_empty() && self.unbounded.is_empty()
    }

    fn is_zero(&self) -> bool {
        self.is_fixed() && self.fixed.is_zero()
    }

    /// The sum, without what has no bound.
    fn sum(&self) -> String {
        let fixed = (!self.fixed.is_zero()).then(|| words::at_most(self.fixed));
        let parts: Vec<_> = fixed.into_iter().chain(self.computed.iter().cloned()).collect();
        if parts.is_empty() { "no time".to_owned() } else { parts.join(" + ") }
    }

    /// The same for what must succeed: when the time is over, the saga is stuck.
    pub(super) fn until_stuck(&self) -> String {
        let after = if self.unbounded.is_empty() { ", then it is stuck" } else { "" };
        self.words() + after
    }

    /// The sum, or why there is none.
    pub(super) fn words(&self) -> String {
        if self.unbounded.is_empty() {
            return self.sum();
        }
        let unbounded = words::listed(unbounded(&self.unbounded));
        let rest = Self { unbounded: Vec::new(), ..self.clone() };
        if rest.is_zero() {
            format!("no bound: {unbounded}")
        } else {
            format!("no bound: {}, and {unbounded}", rest.sum())
        }
    }
}

/// What waits for an answer is named together.
fn unbounded(reasons: &[Unbounded]) -> Vec<String> {
    let waiting = reasons.iter().filter_map(|reason| match reason {
        Unbounded::Waits(name) => Some(code(name)),
        Unbounded::Other(_) => None,
    });
    let waiting: Vec<_> = waiting.collect();
    let others = reasons.iter().filter_map(|reason| match reason {
        Unbounded::Waits(_) => None,
        Unbounded::Other(words) => Some(words.clone()),
    });
    let together = match &*waiting {
        [] => None,
        [one] => Some(format!("{one} waits as long as it takes")),
        several => Some(format!("{} wait as long as it takes", words::listed(several.iter().cloned()))),
    };
    together.into_iter().chain(others).collect()
}

/// The way forward, up to the end or to the pivot, that included, without the deadline.
pub(super) fn forward(definition: &Definition) -> Length {
    let last = paths::pivot(definition).unwrap_or(definition.places.len());
    let places = definition.places.iter().enumerate().filter(|(place, _)| *place <= last);
    places.map(|(_, place)| together(definition, place.steps)).fold(Length::default(), Length::plus)
}

/// The same as it is bounded by the deadline.
pub(super) fn within_deadline(definition: &Definition) -> String {
    let length = forward(definition);
    match definition.deadline {
        Deadline::None { .. } => length.words(),
        Deadline::After(Span::Fixed(deadline)) if length.is_fixed() && length.fixed < deadline => length.words(),
        Deadline::After(after) => {
            let without = if length.unbounded.is_empty() { "without it" } else { "without it there is" };
            format!("{}, by the deadline; {without} {}", words::span(&after), length.words())
        }
    }
}

/// Undoing everything.
pub(super) fn back(definition: &Definition) -> Length {
    let until = paths::pivot(definition).unwrap_or(definition.places.len());
    let undone = paths::undone_before(definition, until).flat_map(|(_, steps)| steps);
    undone.map(|step| undoing(paths::step_of(definition, step))).fold(Length::default(), Length::plus)
}

/// The steps on the way out.
pub(super) fn finally(definition: &Definition) -> Length {
    let steps = definition.finally.iter().map(|step| of_step(definition, *step));
    steps.fold(Length::default(), Length::plus)
}

/// The bounds of the single steps, in words; of those that have one.
pub(super) fn parts(definition: &Definition) -> Vec<String> {
    let mut parts = Vec::new();
    for (index, step) in (0..).zip(definition.steps) {
        let lengths = [("", of_step(definition, index)), ("undoing ", undoing(step))];
        let known = lengths.into_iter().filter(|(_, length)| length.unbounded.is_empty() && !length.is_zero());
        parts.extend(known.map(|(what, length)| format!("{what}{} {}", code(step.name), length.sum())));
    }
    parts
}

/// Undoing one step, each of its exchanges after the other.
pub(super) fn undoing(step: &Step) -> Length {
    let length = match &step.compensation {
        Compensation::Exchange(exchange) => of_exchange(step.name, exchange, Way::Back),
        Compensation::Unwind => {
            Length::unbounded(Unbounded::Other(format!("undoing {} takes as long as that saga needs", code(step.name))))
        }
        Compensation::NotNeeded | Compensation::None { .. } | Compensation::With(_) => Length::default(),
    };
    step.each.as_ref().map_or(length.clone(), |each| for_each(length, &Each { at_once: AtOnce::AtMost(1), ..*each }))
}

/// One step with all its attempts.
pub(super) fn of_step(definition: &Definition, index: u16) -> Length {
    let step = paths::step_of(definition, index);
    let length = of_exchange(step.name, &step.exchange, paths::way(definition, index));
    step.each.as_ref().map_or(length.clone(), |each| for_each(length, each))
}

fn for_each(length: Length, each: &Each) -> Length {
    let times = match each.at_once {
        AtOnce::All => return length,
        _ if length.is_zero() || !length.unbounded.is_empty() => return length,
        AtOnce::AtMost(1) => format!("for each item of {}", code(each.items)),
        AtOnce::AtMost(most) => format!("for every {most} items of {}", code(each.items)),
    };
    let sum =
        if length.fixed.is_zero() || length.computed.is_empty() { length.sum() } else { format!("({})", length.sum()) };
    Length::computed(format!("{sum} {times}"))
}

/// Steps that run at the same time: the longest of them.
fn together(definition: &Definition, steps: &[u16]) -> Length {
    let lengths: Vec<_> = steps.iter().map(|step| of_step(definition, *step)).collect();
    match &*lengths {
        [length] => return length.clone(),
        lengths if lengths.iter().all(Length::is_fixed) => {
            return Length::fixed(lengths.iter().map(|length| length.fixed).max().unwrap_or_default());
        }
        _ => {}
    }
    let unbounded: Vec<_> = lengths.iter().flat_map(|length| length.unbounded.clone()).collect();
    if !unbounded.is_empty() {
        return Length { unbounded, ..Length::default() };
    }
    let sums = lengths.iter().filter(|length| !length.is_zero()).map(Length::sum);
    Length::computed(format!("the longest of {}", words::listed(sums)))
}

fn of_exchange(name: &str, exchange: &Exchange, way: Way) -> Length {
    let within = match (exchange.action, exchange.within) {
        (Action::Nothing, _) => return Length::default(),
        (Action::Sleep(Span::Fixed(time)), _) => return Length::fixed(time),
        (Action::Sleep(Span::Computed(time)), _) => return Length::computed(code(time)),
        (_, Some(within)) => within,
        (_, None) if paths::is_bounded(exchange, way) => Span::Fixed(PERSEVERING_WITHIN),
        (_, None) => return Length::unbounded(waits(name, exchange)),
    };
    match attempts(exchange, way) {
        Attempts::One => times(within, Some(1)),
        Attempts::Endless => {
            Length::unbounded(Unbounded::Other(format!("{} tries again as long as it takes", code(name))))
        }
        Attempts::Counted(retry) => {
            let more = words::number(&retry);
            let all = more.map(|more| more.saturating_add(1));
            let length = match all {
                Some(_) => times(within, all),
                None => {
                    Length::computed(format!("{} for each of 1 + {} attempts", words::span(&within), code(retry.times)))
                }
            };
            length.plus(pauses(&retry, more))
        }
    }
}

fn waits(name: &str, exchange: &Exchange) -> Unbounded {
    match exchange.action {
        Action::Run(saga) => {
            Unbounded::Other(format!("{} takes as long as the saga {} needs", code(name), words::link(saga)))
        }
        _ => Unbounded::Waits(name.to_owned()),
    }
}

/// How often an exchange can be made.
enum Attempts {
    One,
    Counted(Retry),
    Endless,
}

fn attempts(exchange: &Exchange, way: Way) -> Attempts {
    let again = paths::retries(exchange) || !paths::takes(exchange, &ArmOutcome::Timeout);
    match exchange.retry {
        _ if way == Way::Beyond => Attempts::Endless,
        Some(retry) if again || way.perseveres() => Attempts::Counted(retry),
        None if way.perseveres() => Attempts::Counted(PERSEVERING_RETRY),
        None if paths::retries(exchange) => Attempts::Endless,
        Some(_) | None => Attempts::One,
    }
}

fn times(within: Span, attempts: Option<u32>) -> Length {
    match (within, attempts) {
        (Span::Fixed(within), Some(attempts)) => Length::fixed(within.saturating_mul(attempts)),
        (Span::Computed(within), Some(attempts)) if attempts > 1 => {
            Length::computed(format!("{attempts} × {}", code(within)))
        }
        (within, _) => Length::computed(words::span(&within)),
    }
}

/// The waits between the attempts: doubled each time, at most the longest.
fn pauses(retry: &Retry, more: Option<u32>) -> Length {
    let (Some(more), Span::Fixed(every), Span::Fixed(at_most)) = (more, retry.every, retry.at_most) else {
        return Length::computed(format!("the waits between the attempts, {}", words::every(retry)));
    };
    let (mut sum, mut wait, longest) = (Duration::ZERO, every, at_most);
    let mut left = more;
    while left > 0 && wait < longest && !wait.is_zero() {
        sum = sum.saturating_add(wait);
        wait = wait.saturating_mul(2);
        left -= 1;
    }
    Length::fixed(sum.saturating_add(wait.min(longest).saturating_mul(left)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn retry(times: &'static str, every: u64, at_most: u64) -> Retry {
        Retry {
            times,
            every: Span::Fixed(Duration::from_millis(every)),
            at_most: Span::Fixed(Duration::from_millis(at_most)),
        }
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        for (times, every, at_most, sum) in
            [(0, 100, 5000, 0), (1, 100, 5000, 100), (3, 100, 5000, 700), (3, 1000, 2000, 5000), (2, 500, 100, 200)]
        {
            let pauses = pauses(&retry("", every, at_most), Some(times));
            assert_eq!(pauses, Length::fixed(Duration::from_millis(sum)), "{times} {every} {at_most}");
        }
        let usual = pauses(&PERSEVERING_RETRY, Some(10));
        assert_eq!(usual, Length::fixed(Duration::from_millis(81_100)));
    }

    #[test]
    fn absurd_numbers_are_no_trouble() {
        let endless = pauses(&retry("", 1, u64::MAX), Some(u32::MAX));
        assert!(endless.fixed > Duration::from_secs(1 << 40), "{endless:?}");
        assert_eq!(pauses(&retry("", 0, 0), Some(u32::MAX)), Length::default());
    }
}
