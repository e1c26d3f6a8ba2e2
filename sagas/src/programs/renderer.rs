//! A renderer's process: it watches the sagas of a launcher, and says what it sees.
//!
//! It gets what is in flight, then every change, in order and without gaps, also of the time when the launcher was away.
//! It says a line for each change, or each bracket as one when it closes. Brackets can go into a file, from which it goes
//! on when it is started again: each is in there once, and whole.

mod bracket_file;
mod view;

use std::io::{self, Write};
use std::path::PathBuf;

use saga_runtime::notice::{BracketBuffer, Mirror, Snapshot, Told, Unit};
use saga_runtime::pipe::{Endpoint, PipeOptions, Subscriber, SubscriberEvent};

use self::bracket_file::{BracketFile, Line};
pub use self::view::Seen;
use super::ProgramError;
use super::stop::Stop;

/// The name under which it subscribes.
const NAME: &str = "renderer";

/// How it says what it sees.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// As JSON, a [`Seen`] on each line.
    pub json: bool,
    /// Each bracket as one, when it closes.
    pub brackets: bool,
    /// Brackets are appended to this file too, and it goes on where that ends.
    pub into: Option<PathBuf>,
}

/// Watches until it is to stop.
///
/// # Errors
/// If the directory or the file cannot be used, or the launcher does not let it in.
pub async fn run(endpoint: &Endpoint, options: Options, stop: &mut Stop) -> Result<(), ProgramError> {
    let mut renderer = Renderer::new(options)?;
    let pipe = PipeOptions::default();
    let mut subscriber = match renderer.brackets.as_ref().and_then(BracketBuffer::position) {
        Some(position) => Subscriber::resume(endpoint, NAME, position, pipe),
        None => Subscriber::connect(endpoint, NAME, pipe),
    };
    loop {
        let event = tokio::select! {
            event = subscriber.next() => event,
            () = stop.asked() => return Ok(()),
        };
        match event {
            Some(event) => renderer.see(event?)?,
            None => return Ok(()),
        }
    }
}

struct Renderer {
    json: bool,
    mirror: Mirror,
    /// What is not closed, if brackets are to be seen as one.
    brackets: Option<BracketBuffer>,
    file: Option<BracketFile>,
}

impl Renderer {
    fn new(options: Options) -> Result<Self, ProgramError> {
        let Options { json, brackets, into } = options;
        let (file, buffer) = match into {
            Some(path) => {
                let (file, buffer) = BracketFile::open(&path)?;
                (Some(file), Some(buffer))
            }
            None => (None, brackets.then(BracketBuffer::new)),
        };
        Ok(Self { json, mirror: Mirror::new(), brackets: buffer, file })
    }

    fn see(&mut self, event: SubscriberEvent) -> Result<(), ProgramError> {
        match event {
            SubscriberEvent::Snapshot(snapshot) => self.see_all(serde_json::from_value(snapshot)?),
            SubscriberEvent::Change(change) => self.see_change(serde_json::from_value(change)?),
            SubscriberEvent::Disconnected => Ok(self.say(&Seen::Disconnected)?),
        }
    }

    fn see_all(&mut self, snapshot: Snapshot) -> Result<(), ProgramError> {
        self.mirror.snapshot(&snapshot);
        if let Some(brackets) = &mut self.brackets {
            let is_first = brackets.position().is_none();
            let void = brackets.snapshot(&snapshot);
            if is_first {
                self.write(Line::default())?;
            }
            for bracket in void {
                self.write(Line { void: Some(bracket.clone()), ..Line::default() })?;
                self.say(&Seen::Void(bracket))?;
            }
        }
        Ok(self.say(&Seen::Snapshot(snapshot))?)
    }

    fn see_change(&mut self, told: Told) -> Result<(), ProgramError> {
        self.mirror.change(&told);
        let Some(brackets) = &mut self.brackets else { return Ok(self.say(&Seen::Change(told))?) };
        match brackets.change(told) {
            Some(Unit::Bracket(bracket)) => {
                self.write(Line { bracket: Some(bracket.clone()), ..Line::default() })?;
                Ok(self.say(&Seen::Bracket(bracket))?)
            }
            Some(Unit::Notice(notice)) => Ok(self.say(&Seen::Beside(notice))?),
            None => Ok(()),
        }
    }

    /// Writes a line into the file, with what it takes to go on from there.
    fn write(&mut self, line: Line) -> Result<(), ProgramError> {
        match (&mut self.file, &self.brackets) {
            (Some(file), Some(brackets)) => Ok(file.append(&Line { then: Some(brackets.clone()), ..line })?),
            _ => Ok(()),
        }
    }

    fn say(&self, seen: &Seen) -> io::Result<()> {
        let line = if self.json { Some(serde_json::to_string(seen)?) } else { seen.view(&self.mirror) };
        match line {
            Some(line) => writeln!(io::stdout(), "{line}"),
            None => Ok(()),
        }
    }
}
