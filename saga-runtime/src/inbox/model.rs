//! The inbox against a model of it that is too simple to be wrong: it keeps everything, and looks through all of it at
//! each question.

use super::*;
use crate::message::At;

type Ends = Answer<u32, &'static str>;
type TestEffect = Effect<(), u32, &'static str>;

/// Everything that ever happened to one command.
struct Delivered {
    arrival: usize,
    key: ExchangeKey,
    query: bool,
    attempt: u32,
    run: Option<u64>,
    ends: Option<Ends>,
    returned: bool,
    taken_out: bool,
}

impl Delivered {
    fn waits(&self) -> bool {
        self.run.is_none() && !self.taken_out
    }

    fn works(&self) -> bool {
        self.run.is_some() && !self.returned
    }

    fn runs(&self) -> bool {
        self.run.is_some() && self.ends.is_none()
    }
}

#[derive(Default)]
struct Model {
    at_once: usize,
    forgetful: bool,
    delivered: Vec<Delivered>,
    /// The keys settled before anything was known of them, and the others that were barred.
    barred: Vec<(ExchangeKey, bool)>,
    latest: Vec<(ExchangeKey, u32)>,
    closed: Vec<SagaId>,
    runs: u64,
    effects: Vec<TestEffect>,
}

impl Model {
    fn command(&mut self, key: ExchangeKey, attempt: u32, query: bool) {
        if self.closed.contains(&key.saga) {
            return;
        }
        if query {
            let under_way =
                |other: &Delivered| other.key == key && other.attempt == attempt && (other.waits() || other.runs());
            if !self.delivered.iter().any(under_way) {
                self.line_up(key, attempt, true);
            }
            return;
        }
        let before = self.latest_of(key);
        self.latest.push((key, attempt));
        if self.barred.iter().any(|(barred, _)| *barred == key) {
            return;
        }
        let last = self.delivered.iter().rfind(|other| other.key == key && !other.taken_out);
        match last.map(|other| (other.run.is_some(), &other.ends)) {
            None => self.line_up(key, attempt, false),
            Some((_, Some(Answer::Refused(_) | Answer::Broken(_)))) if attempt > before => {
                self.line_up(key, attempt, false);
            }
            Some((_, Some(answer))) => {
                let answer = answer.clone();
                self.effects.push(Effect::Answer { key, attempt: self.latest_of(key), answer });
            }
            Some((_, None)) => {}
        }
    }

    fn settle(&mut self, key: ExchangeKey) {
        if self.closed.contains(&key.saga) {
            return;
        }
        let of_key = || self.delivered.iter().filter(|other| other.key == key && !other.query);
        let fate = if of_key().any(Delivered::runs) {
            Fate::Running
        } else if let Some(Answer::Handled(events)) = of_key().find_map(|other| match &other.ends {
            Some(answer @ Answer::Handled(_)) => Some(answer),
            _ => None,
        }) {
            Fate::Done(events.clone())
        } else {
            let broken = of_key().any(|other| matches!(other.ends, Some(Answer::Broken(_))));
            let lost = self.forgetful && of_key().next().is_none_or(|first| first.attempt > 1);
            let unknown = self.barred.iter().any(|(barred, unknown)| *barred == key && *unknown) || broken || lost;
            let unknown = unknown && !self.barred.contains(&(key, false));
            self.barred.push((key, unknown));
            for other in self.delivered.iter_mut().filter(|other| other.key == key && other.waits()) {
                other.taken_out = true;
            }
            if unknown { Fate::Unknown } else { Fate::Never }
        };
        self.effects.push(Effect::Fate { key, fate });
    }

    fn answered(&mut self, run: u64, answer: Ends) {
        let ended = self.delivered.iter_mut().find(|other| other.run == Some(run)).expect("the run was started");
        ended.ends = Some(answer.clone());
        let (key, attempt, query) = (ended.key, ended.attempt, ended.query);
        let attempt = if query { attempt } else { self.latest_of(key) };
        self.effects.push(Effect::Answer { key, attempt, answer });
    }

    fn returned(&mut self, run: u64) {
        self.delivered.iter_mut().find(|other| other.run == Some(run)).expect("the run was started").returned = true;
        self.start();
    }

    fn close(&mut self, saga: SagaId) {
        self.closed.push(saga);
        for other in self.delivered.iter_mut().filter(|other| other.key.saga == saga && other.waits()) {
            other.taken_out = true;
        }
    }

    fn line_up(&mut self, key: ExchangeKey, attempt: u32, query: bool) {
        self.delivered.push(Delivered {
            arrival: self.delivered.len(),
            key,
            query,
            attempt,
            run: None,
            ends: None,
            returned: false,
            taken_out: false,
        });
        self.start();
    }

    fn start(&mut self) {
        while self.delivered.iter().filter(|other| other.works()).count() < self.at_once {
            let free = |waiting: &&Delivered| {
                !self.delivered.iter().any(|other| other.works() && other.key.saga == waiting.key.saga)
            };
            let Some(next) = self.delivered.iter().filter(|other| other.waits()).find(free) else { break };
            let (arrival, key) = (next.arrival, next.key);
            let attempt = if next.query { next.attempt } else { self.latest_of(key) };
            self.runs += 1;
            self.delivered[arrival].run = Some(self.runs);
            self.effects.push(Effect::Run { run: RunId(self.runs), key, attempt, command: () });
        }
    }

    fn latest_of(&self, key: ExchangeKey) -> u32 {
        self.latest.iter().filter(|(other, _)| *other == key).map(|(_, attempt)| *attempt).max().unwrap_or(0)
    }
}

/// One random walk of both.
struct Walk {
    seed: u64,
    steps: u32,
    random: fastrand::Rng,
    inbox: Inbox<(), u32, &'static str>,
    model: Model,
    /// Runs of which the answer, or the return, is still to come.
    unanswered: Vec<u64>,
    unreturned: Vec<u64>,
    seen: Seen,
}

/// What the walks came across, so that they are known to have come across it.
#[derive(Default)]
struct Seen {
    runs: usize,
    answers: usize,
    fates: [usize; 4],
}

const SAGAS: u64 = 6;
const LOG: LogId = LogId::from_bits(7);

impl Walk {
    fn new(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let at_once = random.usize(1..=3);
        let forgetful = random.bool();
        let memory = if forgetful { Memory::None } else { Memory::Volatile };
        Self {
            seed,
            steps: 0,
            random,
            inbox: Inbox::new(memory, Limits { at_once }),
            model: Model { at_once, forgetful, ..Model::default() },
            unanswered: Vec::new(),
            unreturned: Vec::new(),
            seen: Seen::default(),
        }
    }

    /// Steps 0 and 1 are effects, 2 is a query.
    fn key(&mut self) -> ExchangeKey {
        let saga = SagaId::new(self.random.u64(1..=SAGAS)).expect("not zero");
        ExchangeKey { log: LOG, saga, at: At::step(self.random.u16(0..3)) }
    }

    fn horizon(&self) -> Horizon {
        let open = |number: &u64| SagaId::new(*number).filter(|saga| !self.model.closed.contains(saga));
        let lowest = SagaId::new(SAGAS + 1).expect("not zero");
        Horizon { lowest, older: (1..=SAGAS).filter_map(|number| open(&number)).collect() }
    }

    fn step(&mut self) {
        let key = self.key();
        match self.random.u32(0..100) {
            0..45 => self.deliver(key),
            45..60 if key.at.step != 2 => {
                self.model.settle(key);
                self.inbox.settle(key, &self.horizon());
            }
            60 => {
                self.model.close(key.saga);
                self.deliver(key);
            }
            61..80 => self.answer(),
            80..100 => self.return_one(),
            _ => {}
        }
        self.compare();
    }

    fn deliver(&mut self, key: ExchangeKey) {
        let (attempt, query) = (self.random.u32(1..=4), key.at.step == 2);
        self.model.command(key, attempt, query);
        let horizon = self.horizon();
        self.inbox.command(Asked { key, attempt, query, command: () }, &horizon);
    }

    fn answer(&mut self) {
        if self.unanswered.is_empty() {
            return;
        }
        let run = self.unanswered.swap_remove(self.random.usize(0..self.unanswered.len()));
        let answer = match self.random.u32(0..3) {
            0 => Answer::Handled(vec![self.random.u32(..)]),
            1 => Answer::Refused("no"),
            _ => Answer::Broken("panicked".into()),
        };
        self.model.answered(run, answer.clone());
        self.inbox.answered(RunId(run), answer);
    }

    fn return_one(&mut self) {
        if self.unreturned.is_empty() {
            return;
        }
        let run = self.unreturned.swap_remove(self.random.usize(0..self.unreturned.len()));
        self.model.returned(run);
        self.inbox.returned(RunId(run));
    }

    fn compare(&mut self) {
        let effects: Vec<TestEffect> = std::iter::from_fn(|| self.inbox.next_effect()).collect();
        self.steps += 1;
        assert_eq!(effects, self.model.effects, "seed {}, step {}", self.seed, self.steps);
        assert_eq!(self.inbox.waiting(), self.model.delivered.iter().filter(|other| other.waits()).count());
        self.model.effects.clear();
        for effect in effects {
            self.note(&effect);
        }
    }

    fn note(&mut self, effect: &TestEffect) {
        match effect {
            Effect::Run { run, .. } => {
                self.seen.runs += 1;
                self.unanswered.push(run.0);
                self.unreturned.push(run.0);
            }
            Effect::Answer { .. } => self.seen.answers += 1,
            Effect::Fate { fate, .. } => {
                let kind = match fate {
                    Fate::Never => 0,
                    Fate::Done(_) => 1,
                    Fate::Running => 2,
                    Fate::Unknown => 3,
                };
                self.seen.fates[kind] += 1;
            }
        }
    }
}

#[test]
fn the_inbox_does_what_its_model_does() {
    let mut seen = Seen::default();
    for seed in 0..400 {
        let mut walk = Walk::new(seed);
        for _ in 0..150 {
            walk.step();
        }
        seen.runs += walk.seen.runs;
        seen.answers += walk.seen.answers;
        for (all, one) in seen.fates.iter_mut().zip(walk.seen.fates) {
            *all += one;
        }
    }
    assert!(seen.runs > 4000 && seen.answers > 4000, "{} runs, {} answers", seen.runs, seen.answers);
    assert!(seen.fates.iter().all(|fates| *fates > 100), "never, done, running, unknown: {:?}", seen.fates);
}
