//! Times as people write and read them. Knows no clock but to be asked once, for now.

use std::time::{Duration, SystemTime};

use serde::{Serialize, Serializer};

use crate::time::Timestamp;

/// A time that is RFC 3339 in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rfc3339(pub(super) Timestamp);

impl Serialize for Rfc3339 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// The wall clock.
pub(super) fn now() -> Timestamp {
    Timestamp::EPOCH.after(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}

/// How far away a time is: `12 s ago`, `in 3 min`.
pub(super) fn relative(time: Timestamp, now: Timestamp) -> String {
    if time == Timestamp::NEVER {
        "never".to_owned()
    } else if time > now {
        format!("in {}", length(time.since(now)))
    } else {
        format!("{} ago", length(now.since(time)))
    }
}

/// A length of time in one or two units.
pub(super) fn length(duration: Duration) -> String {
    let (millis, seconds) = (duration.as_millis(), duration.as_secs());
    match seconds {
        0 => format!("{millis} ms"),
        1..10 => format!("{seconds}.{} s", millis / 100 % 10),
        10..60 => format!("{seconds} s"),
        60..3600 => two(seconds / 60, "min", seconds % 60, "s"),
        3600..86_400 => two(seconds / 3600, "h", seconds / 60 % 60, "min"),
        _ => two(seconds / 86_400, if seconds < 172_800 { "day" } else { "days" }, seconds / 3600 % 24, "h"),
    }
}

fn two(many: u64, unit: &str, rest: u64, smaller: &str) -> String {
    if rest == 0 { format!("{many} {unit}") } else { format!("{many} {unit} {rest} {smaller}") }
}

/// The time of the day, in UTC, to the millisecond.
pub(super) fn of_day(time: Timestamp) -> String {
    let text = time.to_string();
    text.split_once('T').map_or("", |(_, clock)| clock).trim_end_matches('Z').to_owned()
}

/// Date and time of the day, in UTC, to the second, and how far away that is.
pub(super) fn full(time: Timestamp, now: Timestamp) -> String {
    let text = time.to_string();
    match text.split_once('.') {
        Some((seconds, _)) if time != Timestamp::NEVER => {
            format!("{} UTC ({})", seconds.replace('T', " "), relative(time, now))
        }
        _ => relative(time, now),
    }
}

/// Reads `90s`, `10m`, `2h`, `7d` (that long ago), or a time in RFC 3339 such as `2024-02-29T12:34:56Z`.
pub(super) fn parse(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    ago(text, now).or_else(|| rfc_3339(text)).ok_or_else(|| {
        format!("`{text}` is no time; give how long ago (90s, 10m, 2h, 7d), or a time (2024-02-29T12:34:56Z)")
    })
}

fn ago(text: &str, now: Timestamp) -> Option<Timestamp> {
    let number = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let unit = match &text[number.len()..] {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    let micros = number.parse::<u64>().ok()?.checked_mul(unit)?.checked_mul(1_000_000)?;
    Some(Timestamp::from_micros(now.as_micros().saturating_sub(micros)))
}

fn rfc_3339(text: &str) -> Option<Timestamp> {
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let (clock, east) = offset(time)?;
    let [year, month, day] = numbers(date, '-')?;
    let (whole, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let [hour, minute, second] = numbers(whole, ':')?;
    if !(1970..10_000).contains(&year) || !(1..=12).contains(&month) || !(1..=days_of(year, month)).contains(&day) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - east;
    let micros = seconds.checked_mul(1_000_000)?.checked_add(micros(fraction)?)?;
    u64::try_from(micros).ok().map(Timestamp::from_micros)
}

/// What stands before the offset, and the offset in seconds.
fn offset(time: &str) -> Option<(&str, i64)> {
    if let Some(clock) = time.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let at = time.rfind(['+', '-'])?;
    let [hours, minutes] = numbers(&time[at + 1..], ':')?;
    let seconds = hours * 3600 + minutes * 60;
    let valid = hours < 24 && minutes < 60;
    valid.then_some((&time[..at], if time[at..].starts_with('-') { -seconds } else { seconds }))
}

fn numbers<const N: usize>(text: &str, separator: char) -> Option<[i64; N]> {
    let number = |part: &str| {
        let digits = !part.is_empty() && part.len() <= 4 && part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse::<i64>().ok()).flatten()
    };
    text.split(separator).map(number).collect::<Option<Vec<_>>>()?.try_into().ok()
}

fn micros(fraction: &str) -> Option<i64> {
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let six: String = fraction.chars().chain("000000".chars()).take(6).collect();
    six.parse().ok()
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since the epoch, after Howard Hinnant's `days_from_civil`
/// (<https://howardhinnant.github.io/date_algorithms.html>), for years that are not before the epoch.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_709_210_096_789_000);

    #[test]
    fn lengths_have_two_units_at_most() {
        for (millis, text) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1250, "1.2 s"),
            (59_999, "59 s"),
            (60_000, "1 min"),
            (185_000, "3 min 5 s"),
            (3_660_000, "1 h 1 min"),
            (86_400_000, "1 day"),
            (180_000_000, "2 days 2 h"),
        ] {
            assert_eq!(length(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn past_and_future_are_told_apart() {
        assert_eq!(relative(NOW, NOW.after(Duration::from_secs(12))), "12 s ago");
        assert_eq!(relative(NOW.after(Duration::from_secs(90)), NOW), "in 1 min 30 s");
        assert_eq!(relative(Timestamp::NEVER, NOW), "never");
        assert_eq!(full(NOW, NOW.after(Duration::from_secs(12))), "2024-02-29 12:34:56 UTC (12 s ago)");
        assert_eq!(of_day(NOW), "12:34:56.789");
    }

    #[test]
    fn what_is_written_reads_back() {
        for micros in [0, 951_782_400_000_000, 1_709_210_096_789_000, 4_102_444_799_999_000] {
            let time = Timestamp::from_micros(micros);
            assert_eq!(parse(&time.to_string(), NOW), Ok(time));
        }
    }

    #[test]
    fn offsets_and_fractions_are_understood() {
        let time = Timestamp::from_micros(1_709_210_096_000_000);
        for text in ["2024-02-29T12:34:56Z", "2024-02-29 14:34:56+02:00", "2024-02-29T07:04:56-05:30"] {
            assert_eq!(parse(text, NOW), Ok(time), "{text}");
        }
        assert_eq!(parse("2024-02-29T12:34:56.7Z", NOW), Ok(time.after(Duration::from_millis(700))));
    }

    #[test]
    fn so_long_ago_counts_from_now() {
        for (text, seconds) in [("90s", 90), ("10m", 600), ("10min", 600), ("2h", 7200), ("7d", 604_800)] {
            assert_eq!(parse(text, NOW).map(|time| NOW.since(time)), Ok(Duration::from_secs(seconds)));
        }
    }

    #[test]
    fn what_is_no_time_is_refused_with_examples() {
        for text in [
            "",
            "s",
            "-5m",
            "5 m",
            "5",
            "yesterday",
            "2024-02-30T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-02-29T24:00:00Z",
            "2024-02-29",
            "2024-02-29T12:34:56",
            "2024-02-29T12:34:56.xZ",
            "é",
            "5é",
            "1960-01-01T00:00:00Z",
            "99999999999999999999d",
            "2024-02-29T12:34:56+99:00",
        ] {
            assert!(parse(text, NOW).is_err_and(|error| error.contains("10m")), "{text}");
        }
    }
}
