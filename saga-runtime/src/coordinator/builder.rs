//! Putting a coordinator together, and what is checked before it starts.

use std::collections::BTreeMap;

use tokio::sync::mpsc::{Sender, UnboundedSender};
use tokio::sync::{broadcast, mpsc, watch};

use super::Coordinator;
use super::acts::Acts;
use super::clock::Clock;
use super::engine::{Ends, Engine};
use super::journal::Journal;
use super::outbox::Outbox;
use super::past::Past;
use super::stream::Stream;
use crate::bus::{FromParticipant, ToParticipant};
use crate::catalogue::{self, Circle};
use crate::definition::Definition;
use crate::log::{DefinitionRow, LogError, OpenSaga, ReceivedRow, Recovery, SagaLog};
use crate::machine::{Duplicate, Machine, version_of};
use crate::message::{Bus, Command, CommandOf, Event, EventOf, ParticipantCommand, SagaId};
use crate::operator::Server;
use crate::participant::{self, ParticipantOptions, ServedBus, Serves};
use crate::pipe::{Endpoint, EndpointError, Lines, PipeOptions, PipeServer};
use crate::saga::Saga;

/// How much may wait for the engine.
const QUEUE: usize = 1024;

/// From a participant's line to the engine.
type Reports<B> = Sender<(&'static str, FromParticipant<B>)>;

/// Makes a kind of saga known to the machine.
type Register<B> = fn(&mut Machine<B>) -> Result<(), Duplicate>;

/// Makes the way from one version of a saga to another known to the machine.
type Migrate<B> = Box<dyn FnOnce(&mut Machine<B>) -> Result<(), Duplicate> + Send>;

/// Starts the line of a participant in this process.
type Spawn<B> = Box<dyn FnOnce(ParticipantOptions, Reports<B>) -> UnboundedSender<ToParticipant<B>> + Send>;

/// A coordinator that is being put together.
#[must_use = "a builder does nothing until `start`"]
pub struct Builder<B: Bus> {
    sagas: Vec<Register<B>>,
    migrations: Vec<Migrate<B>>,
    /// From what to what it is migrated. The former need not be executed any more.
    ways: Vec<(&'static Definition, &'static Definition)>,
    definitions: Vec<&'static Definition>,
    log: Option<Box<dyn SagaLog>>,
    participants: BTreeMap<&'static str, Spawn<B>>,
    twice: Option<&'static str>,
    listen: Option<Endpoint>,
    operators: Option<Endpoint>,
    options: Options,
}

/// Limits of a coordinator.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// How many deliveries are out to one participant and not yet taken over. Default 64.
    pub window: usize,
    /// How many notices a watcher may be behind. Default 4096.
    pub notices: usize,
    /// How many notices are kept for subscribers in other processes who come back; of what they missed before, the log
    /// tells what it has. Default 16384.
    pub notices_kept: usize,
    /// Of the pipe.
    pub pipe: PipeOptions,
    /// Of participants in this process.
    pub participant: ParticipantOptions,
    /// Decides all randomness (waits between attempts), for tests; random without.
    pub seed: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            window: 64,
            notices: 4096,
            notices_kept: 16384,
            pipe: PipeOptions::default(),
            participant: ParticipantOptions::default(),
            seed: None,
        }
    }
}

/// Why a coordinator does not start. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartupError {
    /// No log was given.
    #[error("a coordinator needs a log: add `.log(SqliteLog::open(…)?)`, or `.log(MemoryLog::new())` to keep nothing")]
    NoLog,
    /// Two sagas of one name.
    #[error(transparent)]
    Duplicate(#[from] Duplicate),
    /// Two participants of one name.
    #[error("the participant `{0}` was given twice: a participant has one inbox")]
    ParticipantTwice(&'static str),
    /// A saga sends to a participant that nobody serves.
    #[error(
        "`{saga}` sends to `{participant}`, which nobody serves: add `.participant(…)`, or `.listen(…)` for other processes"
    )]
    Unserved {
        /// The saga.
        saga: &'static str,
        /// The participant.
        participant: &'static str,
    },
    /// A saga runs one that is not registered.
    #[error("`{saga}` runs `{child}` version {version}, which is not registered: add `.saga::<{type_name}>()`")]
    Unregistered {
        /// The saga.
        saga: &'static str,
        /// The one that it runs.
        child: &'static str,
        /// The version that it runs.
        version: u32,
        /// The type of that.
        type_name: &'static str,
    },
    /// A definition changed under the same version while sagas of it are in flight.
    #[error(
        "`{name}` version {version} has changed (fingerprint {ours}, in the log {theirs}) and {open} of its sagas are in \
         flight: let those end with the program that began them, or give the changed one another version, with which \
         they wait until they are ended or that program is back"
    )]
    Changed {
        /// The saga.
        name: &'static str,
        /// Its version.
        version: u32,
        /// The fingerprint in this program.
        ours: String,
        /// The fingerprint in the log.
        theirs: String,
        /// How many are in flight.
        open: usize,
    },
    /// A migration leads elsewhere than to a later version of the same saga.
    #[error(
        "`{from}` version {from_version} cannot be migrated to `{to}` version {to_version}: a migration leads to a later \
         version of the same saga"
    )]
    Backwards {
        /// The saga that is migrated.
        from: &'static str,
        /// Its version.
        from_version: u32,
        /// What it is to become.
        to: &'static str,
        /// The version of that.
        to_version: u32,
    },
    /// A migration leads to a version that is not registered.
    #[error(
        "`{name}` version {from} is migrated to version {version}, which is not registered: add `.saga::<{type_name}>()`"
    )]
    MigratedNowhere {
        /// The saga.
        name: &'static str,
        /// The version that is migrated.
        from: u32,
        /// The version to which it is migrated.
        version: u32,
        /// The type of that.
        type_name: &'static str,
    },
    /// Two migrations from one version.
    #[error("`{name}` version {version} is migrated twice: remove one `.migrate`")]
    MigratedTwice {
        /// The saga.
        name: &'static str,
        /// The version.
        version: u32,
    },
    /// Sagas that start each other for ever.
    #[error(transparent)]
    Circle(#[from] Circle),
    /// The log cannot be used.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The sockets cannot be opened.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The operating system gave no thread or no randomness.
    #[error("the system has no {0} for the coordinator: {1}")]
    System(&'static str, String),
}

impl<B: Bus> Builder<B> {
    pub(super) fn new() -> Self {
        Self {
            sagas: Vec::new(),
            migrations: Vec::new(),
            ways: Vec::new(),
            definitions: Vec::new(),
            log: None,
            participants: BTreeMap::new(),
            twice: None,
            listen: None,
            operators: None,
            options: Options::default(),
        }
    }

    /// Executes this kind of saga.
    pub fn saga<S: Saga<Bus = B>>(mut self) -> Self {
        self.sagas.push(Machine::register::<S>);
        self.definitions.push(S::DEFINITION);
        self
    }

    /// Takes sagas in flight from one version to another when the coordinator starts. One for which there is none ends on
    /// its own version, if that is registered too, and is stuck otherwise.
    ///
    /// What is in flight goes on as the same exchange: the step that it is at, and those that are to be undone, stand at
    /// the same numbers in both versions. Where they do not, the saga is stuck and says so.
    pub fn migrate<From: Saga<Bus = B>, To: Saga<Bus = B>>(
        mut self,
        migrate: fn(From::State) -> Option<To::State>,
    ) -> Self {
        self.migrations.push(Box::new(move |machine| machine.migrate::<From, To>(migrate)));
        self.ways.push((From::DEFINITION, To::DEFINITION));
        self
    }

    /// Records in this log. Required.
    pub fn log(mut self, log: impl SagaLog) -> Self {
        self.log = Some(Box::new(log));
        self
    }

    /// Serves a participant in this process: a [`Participant`](participant::Participant), or a
    /// [`Transactional`](participant::Transactional) one.
    pub fn participant<P: Serves>(mut self, participant: P) -> Self
    where
        P::Command: ParticipantCommand<Bus = B>,
    {
        let name = P::Command::PARTICIPANT;
        let spawn = |options, reports: Reports<ServedBus<P>>| participant::spawn(participant, options, reports);
        if self.participants.insert(name, Box::new(spawn)).is_some() {
            self.twice = Some(name);
        }
        self
    }

    /// Lets participants and subscribers in other processes in, over a socket in this place.
    pub fn listen(mut self, endpoint: Endpoint) -> Self {
        self.listen = Some(endpoint);
        self
    }

    /// Lets operators in, over a socket of their own in this place.
    pub fn operators(mut self, endpoint: Endpoint) -> Self {
        self.operators = Some(endpoint);
        self
    }

    /// With these limits.
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Checks, takes up what the log holds, and runs.
    ///
    /// # Errors
    /// A [`StartupError`], and nothing is changed.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn start(mut self) -> Result<Coordinator<B>, StartupError> {
        let mut log = self.log.take().ok_or(StartupError::NoLog)?;
        if let Some(name) = self.twice {
            return Err(StartupError::ParticipantTwice(name));
        }
        self.check_served()?;
        self.check_families()?;
        self.check_versions()?;
        let recovery = log.recover()?;
        let definitions = self.changed_definitions(&recovery)?;
        let migrations = std::mem::take(&mut self.migrations);
        let mut machine = self.machine(log.as_ref(), &recovery)?;
        for migrate in migrations {
            migrate(&mut machine)
                .map_err(|Duplicate { name, version }| StartupError::MigratedTwice { name, version })?;
        }
        let (reader, past) = (log.reader()?, Past::new(log.reader()?));
        let journal = Journal::open(log, reader).map_err(|error| StartupError::System("thread", error.to_string()))?;

        let pipe = self.pipe(recovery.received)?;
        let desk = self.operators.as_ref().map(Server::bind).transpose()?;
        let (asks, asked) = mpsc::channel(QUEUE);
        let (reports, reported) = mpsc::channel(QUEUE);
        let (notices, _) = broadcast::channel(self.options.notices);
        let (stopped, is_stopped) = watch::channel(None);
        let coordinator = Coordinator { asks, notices: notices.downgrade(), stopped: is_stopped };

        let clock = Clock::start();
        let mut decisions = Vec::new();
        machine.recover(recovery.open, clock.now(), &mut decisions);
        let (server, mut lines) = pipe.unzip();
        let window = self.options.window;
        let remote = lines.as_mut().map(|lines| std::mem::take(&mut lines.participants)).unwrap_or_default();
        let remote = remote.into_iter().map(|(name, line)| (name, Outbox::new(line, false, window)));
        let local = self.participants.into_iter();
        let local = local
            .map(|(name, spawn)| (name, Outbox::new(spawn(self.options.participant, reports.clone()), true, window)));
        let outboxes = remote.chain(local).collect();
        let ends = Ends { asked, reported, lines, journal, notices, stopped };
        let Options { notices, notices_kept, .. } = self.options;
        let stream = Stream::new(machine.log(), recovery.position, notices, notices_kept);
        let acts = Acts::new(machine.log(), outboxes, ends.notices.clone(), stream, past);
        let engine = Engine::new(machine, clock, acts, ends, definitions, decisions);
        let desk = desk.map(|desk| tokio::spawn(desk.serve(coordinator.clone())));
        tokio::spawn(engine.run(server, desk));
        Ok(coordinator)
    }

    /// Whether versions lead forward, and triggers to an end.
    fn check_versions(&self) -> Result<(), StartupError> {
        for (from, to) in &self.ways {
            self.check_way(from, to)?;
        }
        match catalogue::circle(&self.definitions) {
            Some(circle) => Err(StartupError::Circle(circle)),
            None => Ok(()),
        }
    }

    /// Whether a migration leads to a later version that is there, or is migrated in turn.
    fn check_way(&self, from: &Definition, to: &Definition) -> Result<(), StartupError> {
        let (name, version, type_name) = (to.name, to.version, to.type_name);
        if from.name != name || from.version >= version {
            return Err(StartupError::Backwards {
                from: from.name,
                from_version: from.version,
                to: name,
                to_version: version,
            });
        }
        let leads_on = self.ways.iter().map(|(from, _)| from);
        let is_there = |known: &&'static Definition| (known.name, known.version) == (name, version);
        match self.definitions.iter().chain(leads_on).any(is_there) {
            true => Ok(()),
            false => Err(StartupError::MigratedNowhere { name, from: from.version, version, type_name }),
        }
    }

    /// Whether every saga that another one runs is there.
    fn check_families(&self) -> Result<(), StartupError> {
        for definition in &self.definitions {
            for child in definition.children() {
                let is_child = |known: &&&Definition| known.name == child.name && known.version == child.version;
                if !self.definitions.iter().any(|known| is_child(&known)) {
                    return Err(StartupError::Unregistered {
                        saga: definition.name,
                        child: child.name,
                        version: child.version,
                        type_name: child.type_name,
                    });
                }
            }
        }
        Ok(())
    }

    /// Whether everybody who is sent to is served.
    fn check_served(&self) -> Result<(), StartupError> {
        if self.listen.is_some() {
            return Ok(());
        }
        for definition in &self.definitions {
            let mut participants = definition.participants();
            if let Some(participant) = participants.find(|name| !self.participants.contains_key(name)) {
                return Err(StartupError::Unserved { saga: definition.name, participant });
            }
        }
        Ok(())
    }

    /// The definitions that the log does not know as they are. One that changed under its version must not have sagas
    /// in flight: their states were written for the other.
    fn changed_definitions(&self, recovery: &Recovery) -> Result<Vec<DefinitionRow>, StartupError> {
        let mut changed = Vec::new();
        let former = self.ways.iter().map(|(from, _)| from);
        let kept = self.definitions.iter().chain(former).filter(|definition| !definition.ephemeral);
        for definition in kept {
            let (name, version, ours) = (definition.name, definition.version, definition.fingerprint());
            let known = recovery.definitions.iter().find(|known| known.0 == name && known.1 == version);
            let of_this = |open: &&OpenSaga| open.name == name && version_of(open) == version;
            let open = recovery.open.iter().filter(of_this).count();
            match known {
                Some((_, _, theirs)) if *theirs == ours => continue,
                Some((_, _, theirs)) if open > 0 => {
                    return Err(StartupError::Changed { name, version, ours, theirs: theirs.clone(), open });
                }
                _ => {}
            }
            if changed.iter().any(|row: &DefinitionRow| row.name == name && row.version == version) {
                continue;
            }
            let description = definition.to_json();
            changed.push(DefinitionRow { name: name.to_owned(), version, fingerprint: ours, description });
        }
        Ok(changed)
    }

    fn machine(&self, log: &dyn SagaLog, recovery: &Recovery) -> Result<Machine<B>, StartupError> {
        let seed = match self.options.seed {
            Some(seed) => seed,
            None => getrandom::u64().map_err(|error| StartupError::System("randomness", error.to_string()))?,
        };
        let mut machine = Machine::new(log.identity(), recovery.next.unwrap_or(SagaId::FIRST), seed);
        for register in &self.sagas {
            register(&mut machine)?;
        }
        Ok(machine)
    }

    /// The pipe for participants in other processes, if there is to be one.
    fn pipe(&self, received: Vec<ReceivedRow>) -> Result<Option<(PipeServer, Lines<B>)>, StartupError> {
        let Some(endpoint) = &self.listen else { return Ok(None) };
        let named = CommandOf::<B>::COMMANDS.iter().map(|command| command.to);
        let named = named.chain(EventOf::<B>::EVENTS.iter().filter_map(|event| event.from));
        let mut remote: Vec<_> = named.filter(|name| !self.participants.contains_key(name)).collect();
        remote.sort_unstable();
        remote.dedup();
        Ok(Some(PipeServer::bind(endpoint, self.options.pipe.clone(), &remote, received)?))
    }
}
