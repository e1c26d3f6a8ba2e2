//! One run: processes, wires and people, and one thing after another in virtual time, all drawn from one seed.

use saga_runtime::log::MemoryLog;
use saga_runtime::machine::Operator;
use saga_runtime::message::Memory;

use super::Run;
use super::coordinator::{Coordinator, Stale};
use super::participant::Participant;
use super::people::{self, Wish};
use super::reached::Met;
use super::stage::{Crashed, End, Fault, Happening, Stage};
use super::trace::Trace;

/// When faults stop, in microseconds.
const CALM: u64 = 25_000_000;

/// How long after that every saga has ended or is visibly stuck: the longest that an attempt to undo takes, eleven
/// times, with the waits in between.
const LIVENESS: u64 = 480_000_000;

/// How long after that what unsticks by itself has done so.
const UNSTICK: u64 = 40_000_000;

/// How many sagas are stuck at most, one after another.
const STUCK: u32 = 40;

/// How much happens at most in one run; more is a circle.
const STEPS: u32 = 200_000;

/// Everything that there is.
pub(super) struct World {
    pub(super) stage: Stage,
    log: MemoryLog,
    coordinator: Option<Coordinator>,
    lives: u32,
    stale: Option<Stale>,
    participants: [Participant; 4],
}

impl World {
    pub(super) fn new(run: Run, keep_trace: bool) -> Self {
        // The log draws its identity from this.
        fastrand::seed(run.seed);
        let mut stage = Stage::new(run, Trace::new(keep_trace));
        let participants = [
            Participant::new("stock", Memory::Volatile),
            Participant::new("bank", Memory::None),
            Participant::new("carrier", Memory::Volatile),
            Participant::new("desk", Memory::Volatile),
        ];
        people::invite(&mut stage);
        for _ in 0..stage.random.u32(0..=4) {
            let name = participants[stage.random.usize(0..participants.len())].name;
            let fault = match stage.random.u32(0..8) {
                0..3 => Fault::Cut(name),
                3..5 => Fault::CrashCoordinator,
                5..7 => Fault::CrashParticipant(name),
                _ => Fault::Suspend,
            };
            if run.crash_at.is_none() || !fault.is_crash() {
                stage.within(0..=CALM * 3 / 4, Happening::Fault(fault));
            }
        }
        Self { stage, log: MemoryLog::new(), coordinator: None, lives: 0, stale: None, participants }
    }

    /// Runs until everything is over, or a promise is broken.
    pub(super) fn run(&mut self) {
        self.begin_coordinator();
        for participant in &mut self.participants {
            participant.begin(&mut self.stage);
        }
        self.until(CALM, |_| false);
        self.calm();
        self.until(CALM + LIVENESS, Self::is_settled);
        self.check_liveness();
        self.clear_up();
        self.stage.judge.ends();
    }

    /// Lets happen what happens until then, or until `over`.
    fn until(&mut self, micros: u64, over: impl Fn(&Self) -> bool) {
        for _ in 0..STEPS {
            if self.stage.judge.violation().is_some() || over(self) {
                return;
            }
            let Some(happening) = self.stage.next(micros) else { return };
            self.happens(happening);
        }
        self.stage.judge.object(17, format!("{STEPS} steps, and no end"));
    }

    /// Faults stop: everybody is there, and connects anew.
    fn calm(&mut self) {
        self.stage.note(|| "from now on nothing goes wrong".to_owned());
        self.stage.calm();
        self.begin_coordinator();
        for participant in &mut self.participants {
            participant.begin(&mut self.stage);
            self.stage.cut_all(participant.name);
        }
    }

    fn is_over(&self) -> bool {
        self.coordinator.as_ref().is_some_and(Coordinator::is_idle)
    }

    /// Whether every saga has ended or is stuck, long enough after the last fault for those that unstick by themselves.
    fn is_settled(&self) -> bool {
        let is_late = self.stage.elapsed() > CALM + UNSTICK;
        self.is_over() || is_late && self.coordinator.as_ref().is_some_and(|coordinator| coordinator.going().is_empty())
    }

    fn check_liveness(&mut self) {
        let going = self.coordinator.as_ref().map(Coordinator::going).unwrap_or_default();
        if let Some(saga) = going.first() {
            self.stage.judge.object(17, format!("neither ended nor shown as stuck: {saga}"));
        }
        let now = self.stage.now();
        let overdue = self.coordinator.as_ref().map(|coordinator| coordinator.overdue(now)).unwrap_or_default();
        if let Some(saga) = overdue.first() {
            self.stage.judge.object(13, format!("a timer did not fire: {saga}"));
        }
    }

    /// Operators end what is stuck.
    fn clear_up(&mut self) {
        for _ in 0..STUCK {
            if self.is_over() || self.stage.judge.violation().is_some() {
                return;
            }
            self.happens(Happening::Wish(Wish::Operate { chosen: 0, action: Operator::End }));
            let end = self.stage.elapsed() + 1_000_000;
            self.until(end, |_| false);
            self.until(end + LIVENESS, Self::is_settled);
        }
        let is_over = self.is_over() || self.stage.judge.violation().is_some();
        if !is_over {
            self.stage.judge.object(17, "an operator could not end what was stuck".to_owned());
        }
    }

    fn happens(&mut self, happening: Happening) {
        let survived = self.happens_to_processes(happening);
        if let Err(Who(name)) = survived {
            match self.participants.iter_mut().find(|participant| Some(participant.name) == name) {
                Some(participant) => participant.crash(&mut self.stage),
                None => self.crash_coordinator(),
            }
        }
    }

    fn happens_to_processes(&mut self, happening: Happening) -> Result<(), Who> {
        match happening {
            Happening::Work { life } => self.coordinates(life, |coordinator, stage| coordinator.work(stage)),
            Happening::Appended { life } => self.coordinates(life, |coordinator, stage| coordinator.appended(stage)),
            Happening::Tick { life, turn } => {
                self.coordinates(life, |coordinator, stage| coordinator.tick(stage, turn))
            }
            Happening::Line { life, name } => self.coordinates(life, |coordinator, stage| {
                coordinator.line(stage, name);
                Ok(())
            }),
            Happening::Arrives { to: End::Coordinator, wire, frame } => {
                match &mut self.coordinator {
                    Some(coordinator) => coordinator.arrived(&mut self.stage, wire, frame),
                    None => self.stage.cut(wire),
                }
                Ok(())
            }
            Happening::Closed { to: End::Coordinator, wire } => {
                if let Some(coordinator) = &mut self.coordinator {
                    coordinator.closed(&mut self.stage, wire);
                }
                Ok(())
            }
            Happening::Arrives { to: End::Participant, wire, frame } => self.takes_part(wire.name, |one, stage| {
                one.arrived(stage, wire, frame);
                Ok(())
            }),
            Happening::Closed { to: End::Participant, wire } => self.takes_part(wire.name, |one, stage| {
                one.closed(stage, wire);
                Ok(())
            }),
            Happening::Connect { name, life } => self.takes_part(name, |one, stage| {
                one.connect(stage, life);
                Ok(())
            }),
            Happening::Take { name, life } => self.takes_part(name, |one, stage| one.take(stage, life)),
            Happening::Handler { name, life, deed } => self.takes_part(name, |one, stage| one.deed(stage, life, deed)),
            Happening::ParticipantUp { name } => self.takes_part(name, |one, stage| {
                one.begin(stage);
                Ok(())
            }),
            Happening::CoordinatorUp => {
                self.begin_coordinator();
                Ok(())
            }
            Happening::Wish(wish) => {
                self.wish(wish);
                Ok(())
            }
            Happening::Fault(fault) => {
                self.strike(fault);
                Ok(())
            }
        }
    }

    /// The coordinator of this life does something, if it still lives.
    fn coordinates(
        &mut self,
        life: u32,
        act: impl FnOnce(&mut Coordinator, &mut Stage) -> Result<(), Crashed>,
    ) -> Result<(), Who> {
        let coordinator = self.coordinator.as_mut().filter(|coordinator| coordinator.is_life(life));
        let survived = coordinator.map_or(Ok(()), |coordinator| act(coordinator, &mut self.stage));
        survived.map_err(|Crashed| Who(None))
    }

    fn takes_part(
        &mut self,
        name: &'static str,
        act: impl FnOnce(&mut Participant, &mut Stage) -> Result<(), Crashed>,
    ) -> Result<(), Who> {
        let participant = self.participants.iter_mut().find(|participant| participant.name == name);
        let survived = participant.map_or(Ok(()), |participant| act(participant, &mut self.stage));
        survived.map_err(|Crashed| Who(Some(name)))
    }

    fn wish(&mut self, wish: Wish) {
        match wish {
            Wish::PublishAtDesk(event) => {
                self.stage.judge.publishes(&event);
                let desk = self.participants.iter_mut().find(|participant| participant.name == "desk");
                if let Some(desk) = desk {
                    desk.publish(&mut self.stage, event);
                }
            }
            wish => {
                if let Wish::Publish(event) = &wish {
                    self.stage.judge.publishes(event);
                }
                if let Some(coordinator) = &mut self.coordinator {
                    coordinator.wish(&mut self.stage, wish);
                }
            }
        }
    }

    fn strike(&mut self, fault: Fault) {
        self.stage.note(|| format!("{fault:?}"));
        match fault {
            Fault::Cut(name) => {
                if self.stage.cut_all(name) {
                    self.stage.meet(Met::ConnectionCut);
                }
            }
            Fault::CrashCoordinator => {
                self.stage.meet(Met::CoordinatorCrashedAnywhere);
                self.crash_coordinator();
            }
            Fault::CrashParticipant(name) => {
                self.stage.meet(Met::ParticipantCrashedAnywhere);
                let participant = self.participants.iter_mut().find(|participant| participant.name == name);
                if let Some(participant) = participant {
                    participant.crash(&mut self.stage);
                }
            }
            Fault::Suspend => {
                self.stage.meet(Met::ClockSuspended);
                let micros = self.stage.random.u64(500_000..=20_000_000);
                self.stage.sleep(micros);
                if let Some(coordinator) = &mut self.coordinator {
                    coordinator.woke(&mut self.stage);
                }
            }
        }
    }

    fn begin_coordinator(&mut self) {
        if self.coordinator.is_some() {
            return;
        }
        self.lives += 1;
        self.log = self.log.reopen();
        if let Some(stale) = self.stale.take() {
            stale.wake(&mut self.stage);
        }
        let names: Vec<_> = self.participants.iter().map(|participant| participant.name).collect();
        let coordinator = Coordinator::begin(&mut self.stage, self.log.clone(), self.lives, &names);
        self.coordinator = Some(coordinator);
    }

    fn crash_coordinator(&mut self) {
        let Some(coordinator) = self.coordinator.take() else { return };
        self.stage.note(|| format!("coordinator {} crashes", self.lives));
        self.stale = coordinator.crash(&mut self.stage);
        for participant in &self.participants {
            self.stage.cut_all(participant.name);
        }
        self.stage.within(1_000..=8_000_000, Happening::CoordinatorUp);
    }
}

/// Who crashed: a participant, or the coordinator.
struct Who(Option<&'static str>);
