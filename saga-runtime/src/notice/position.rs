//! Where a subscriber stands in what it is told.
//!
//! Two ways to say it at once. In one life of a coordinator everything that it tells has a number. Across its lives there
//! is the log: which record is told next, and how many of its notices have been. It knows no notice.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::message::LogId;

/// Where a subscriber stands: after what carries this. To others than a coordinator it is text to be given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Position {
    /// The log of the coordinator.
    pub log: LogId,
    /// The position of the record that is told next, or of which only the first notices have been told.
    pub record: u64,
    /// How many of its notices have been told.
    pub told: u32,
    /// In which life of the coordinator it was told; none if it was read off the log afterwards.
    pub life: Option<Life>,
}

/// What a coordinator tells, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// Random for each life of a coordinator.
    pub id: u64,
    /// From 1, without holes.
    pub number: u64,
}

impl Position {
    /// Whether what carries this comes after what carries the other. What is of another log does.
    pub fn is_after(&self, other: &Self) -> bool {
        match (self.life, other.life) {
            (Some(ours), Some(theirs)) if ours.id == theirs.id => ours.number > theirs.number,
            _ if self.log == other.log => (self.record, self.told) > (other.record, other.told),
            _ => true,
        }
    }

    /// Whether nothing was told between the two.
    pub(super) fn is_beside(&self, other: &Self) -> bool {
        self.life.is_some() && self.life == other.life
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { log, record, told, life } = self;
        write!(f, "{log}/{record}/{told}")?;
        match life {
            Some(Life { id, number }) => write!(f, "/{id:016x}/{number}"),
            None => Ok(()),
        }
    }
}

/// A text that is no position.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no position; give one back as it was told, or none")]
pub struct PositionError(String);

impl FromStr for Position {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| PositionError(text.chars().take(128).collect()))
    }
}

fn parse(text: &str) -> Option<Position> {
    let parts: Vec<_> = text.split('/').collect();
    let (log, record, told, life) = match parts[..] {
        [log, record, told] => (log, record, told, None),
        [log, record, told, id, number] => (log, record, told, Some((id, number))),
        _ => return None,
    };
    let life = match life {
        Some((id, number)) => Some(Life { id: u64::from_str_radix(id, 16).ok()?, number: number.parse().ok()? }),
        None => None,
    };
    Some(Position { log: log.parse().ok()?, record: record.parse().ok()?, told: told.parse().ok()?, life })
}

impl From<Position> for String {
    fn from(position: Position) -> Self {
        position.to_string()
    }
}

impl TryFrom<String> for Position {
    type Error = PositionError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(text: &str) -> Position {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn a_position_is_read_back_as_it_was_written() {
        for text in ["00c0ffee00c0ffee/1044/2", "00c0ffee00c0ffee/1/0/c27de0a44f81935b/312"] {
            assert_eq!(position(text).to_string(), text);
        }
    }

    #[test]
    fn what_is_no_position_is_told_so() {
        for text in ["", "1", "1/2", "1/2/x", "1/2/3/4", "1/2/3/4/5/6", "1/2/3/4/-5", "1/2/3/", "1//3", "g/1/1"] {
            let error = text.parse::<Position>().expect_err(text);
            assert!(error.to_string().starts_with(&format!("`{text}` is no position")), "{error}");
        }
    }

    #[test]
    fn within_a_life_numbers_count_and_across_lives_records() {
        let after = |later: &str, earlier: &str| position(later).is_after(&position(earlier));
        assert!(after("1/7/0/a/2", "1/7/0/a/1") && !after("1/7/0/a/2", "1/7/0/a/2"));
        assert!(after("1/7/1/b/1", "1/7/0/a/9") && after("1/8/0/b/1", "1/7/3/a/9"));
        assert!(!after("1/7/1", "1/7/1/a/9") && !after("1/6/5", "1/7/1/a/9") && after("1/7/2", "1/7/1/a/9"));
        assert!(after("2/1/0", "1/7/1"), "another log");
    }
}
