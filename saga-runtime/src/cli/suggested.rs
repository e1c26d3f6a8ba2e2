//! An argument for which a shell proposes values, and that takes others too: a log has sagas of other programs as well.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Command};

use crate::definition::Definition;

/// Values to propose.
#[derive(Debug, Clone)]
pub(super) struct Suggested(Vec<&'static str>);

impl Suggested {
    /// The names of these sagas.
    pub(super) fn names(definitions: &[&Definition]) -> Self {
        Self(definitions.iter().map(|definition| definition.name).collect())
    }
}

impl TypedValueParser for Suggested {
    type Value = String;

    fn parse_ref(&self, command: &Command, argument: Option<&Arg>, value: &OsStr) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        if self.0.is_empty() {
            return None;
        }
        Some(Box::new(self.0.iter().map(|name| PossibleValue::new(*name))))
    }
}
