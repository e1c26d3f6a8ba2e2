//! Sagas in flight, from one version of their definition to another.
//!
//! What is in flight keeps its keys, and a key names its step by number: a step that is open or to be undone must stand
//! at the same number in both versions, or a participant would do it again.

use serde::Deserialize;

use super::control::{Control, Phase};
use super::kind::{Loaded, Saved, contain, shown_error};
use super::{Duplicate, Machine};
use crate::codec;
use crate::definition::{Action, Definition};
use crate::log::OpenSaga;
use crate::message::{At, Bus, Mode};
use crate::saga::{Position, Saga};

/// To which version, and how: the saved state, or none for a saga that is to end on its own version.
pub(super) struct Migration {
    pub(super) to: u32,
    #[allow(clippy::type_complexity, reason = "it is said in one place")]
    pub(super) apply: Box<dyn Fn(&str) -> Result<Option<String>, String> + Send>,
}

impl<B: Bus> Machine<B> {
    /// Takes sagas in flight from one version to another.
    ///
    /// # Errors
    /// When a migration from this version is known already.
    pub fn migrate<From: Saga<Bus = B>, To: Saga<Bus = B>>(
        &mut self,
        migrate: fn(From::State) -> Option<To::State>,
    ) -> Result<(), Duplicate> {
        let (from, to) = (From::DEFINITION, To::DEFINITION);
        let migration =
            Migration { to: to.version, apply: Box::new(move |saved| migrated::<From, To>(saved, migrate)) };
        match self.migrations.insert((from.name, from.version), migration) {
            None => Ok(()),
            Some(_) => Err(Duplicate { name: from.name, version: from.version }),
        }
    }

    /// The version in which a saga goes on, and its state there.
    pub(super) fn migrated(&self, name: &str, mut version: u32, mut saved: String) -> Result<(u32, String), String> {
        while let Some((_, migration)) = self.migrations.iter().find(|((of, from), _)| *of == name && *from == version)
        {
            let next = (migration.apply)(&saved);
            match next.map_err(|error| format!("it cannot be migrated to version {}: {error}", migration.to))? {
                Some(next) => (version, saved) = (migration.to, next),
                None => break,
            }
        }
        Ok((version, saved))
    }
}

/// The saved state in the other version.
fn migrated<From: Saga, To: Saga>(
    saved: &str,
    migrate: fn(From::State) -> Option<To::State>,
) -> Result<Option<String>, String> {
    let loaded = contain::<From, _>(|| codec::decode::<Loaded<From::State>>(saved)).map_err(|panicked| panicked.0)?;
    let Loaded { mut control, state, asides } = loaded.map_err(|error| shown_error::<From>(&error))?;
    let states = contain::<From, _>(|| Some((migrate(state)?, asides.map(migrate)?)));
    let Some((state, asides)) = states.map_err(|panicked| panicked.0)? else { return Ok(None) };
    fits(&control, From::DEFINITION, To::DEFINITION, To::position(&state))?;
    control.rare.version = Some(To::DEFINITION.version);
    let saved = Saved { control: &control, state: &state, asides: &asides };
    let text = contain::<To, _>(|| codec::encode(&saved)).map_err(|panicked| panicked.0)?;
    text.map(Some).map_err(|error| shown_error::<To>(&error))
}

/// Whether what is open, and what is to be undone, is the same in the other version.
fn fits(control: &Control, from: &Definition, to: &Definition, position: Position) -> Result<(), String> {
    let kept = control
        .effects
        .iter()
        .chain(&control.rare.asides)
        .chain(control.rare.kept.iter().map(|kept| &kept.at))
        .copied();
    let ran = control.rare.children.iter().map(|ran| ran.at);
    for at in control.open.iter().map(|open| open.at).chain(kept).chain(ran) {
        same_step(at, from, to)?;
    }
    let undone = |at: &&At| !to.steps[usize::from(at.step)].compensation.undoes();
    if let Some(at) = control.effects.iter().chain(&control.rare.asides).find(undone) {
        let name = to.steps[usize::from(at.step)].name;
        return Err(format!("step `{name}` took effect, and cannot be undone there"));
    }
    let forward = control.on_its_way().filter(|open| open.at.mode == Mode::Forward && control.phase == Phase::Forward);
    let mut steps = forward.map(|open| open.at.step);
    let here = match position {
        Position::Forward(place) => to.places.get(usize::from(place)).map_or(&[][..], |place| place.steps),
        Position::Compensating(_) | Position::Finally(_) => &[],
    };
    match steps.find(|step| !here.contains(step)) {
        None => Ok(()),
        Some(step) => {
            Err(format!("it is at step `{}`, and the migrated state is not", to.steps[usize::from(step)].name))
        }
    }
}

fn same_step(at: At, from: &Definition, to: &Definition) -> Result<(), String> {
    let (before, after) = (from.steps.get(usize::from(at.step)), to.steps.get(usize::from(at.step)));
    let before = before.ok_or_else(|| format!("it has no step {}", at.step))?;
    let same = after.is_some_and(|after| {
        let (ours, theirs) = (to.command(at), from.command(at));
        let runs = [before, after].map(|step| match step.exchange.action {
            Action::Run(child) => Some(child.name),
            _ => None,
        });
        after.name == before.name
            && ours.map(|command| command.name) == theirs.map(|command| command.name)
            && runs[0] == runs[1]
    });
    let name = before.name;
    if same { Ok(()) } else { Err(format!("step `{name}` is in flight, and not the same step there")) }
}

/// The version in which a saga in the log is: to which it was migrated, or with which it began.
pub(crate) fn version_of(open: &OpenSaga) -> u32 {
    #[derive(Deserialize)]
    struct Peeked {
        control: Versioned,
    }
    #[derive(Deserialize)]
    struct Versioned {
        #[serde(default)]
        rare: Rare,
    }
    #[derive(Default, Deserialize)]
    struct Rare {
        #[serde(default)]
        version: Option<u32>,
    }
    let peeked = open.state.as_deref().ok().and_then(|state| codec::decode::<Peeked>(state).ok());
    peeked.and_then(|peeked| peeked.control.rare.version).unwrap_or(open.version)
}
