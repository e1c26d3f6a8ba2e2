//! Scripts of commands made from seeds: what must always hold, held against every step of them. The database is held
//! against the same scripts ([`crate::srv::store`]).

use std::fmt;

use fastrand::Rng;
use saga_runtime::prelude::Mode;

use crate::bus::{BlockId, Event, Place, Refusal, SrvCommand, TabId, WorkspaceId};
use crate::srv::model::{Model, Session};
use crate::srv::reducer::{Decision, Then, decide};

const SEEDS: u64 = 300;
const STEPS: usize = 60;

/// Mostly one that is there.
fn one_of(rng: &mut Rng, there: impl Iterator<Item = u64>) -> u64 {
    let there: Vec<_> = there.collect();
    match rng.choice(&there) {
        Some(number) if rng.u8(..) > 20 => *number,
        _ => rng.u64(0..30),
    }
}

fn workspace(rng: &mut Rng, model: &Model) -> WorkspaceId {
    WorkspaceId(one_of(rng, model.workspaces.keys().map(|workspace| workspace.0)))
}

fn tab(rng: &mut Rng, model: &Model) -> TabId {
    TabId(one_of(rng, model.tabs.keys().map(|tab| tab.0)))
}

fn block(rng: &mut Rng, model: &Model) -> BlockId {
    BlockId(one_of(rng, model.blocks.keys().map(|block| block.0)))
}

/// Mostly the one in which it is.
fn tab_of(rng: &mut Rng, model: &Model, block: BlockId) -> TabId {
    model.blocks.get(&block).copied().filter(|_| rng.u8(..) > 20).unwrap_or_else(|| tab(rng, model))
}

fn workspace_of(rng: &mut Rng, model: &Model, tab: TabId) -> WorkspaceId {
    let of = model.tabs.get(&tab).map(|tab| tab.workspace);
    of.filter(|_| rng.u8(..) > 20).unwrap_or_else(|| workspace(rng, model))
}

/// A command about what there is, or nearly.
pub(crate) fn command(rng: &mut Rng, model: &Model) -> SrvCommand {
    let place = Place { column: rng.u32(0..4), row: rng.u32(0..4), alone: rng.bool() };
    let (one, other) = (tab(rng, model), tab(rng, model));
    let from = workspace_of(rng, model, one);
    let to = workspace(rng, model);
    let block = block(rng, model);
    let of = tab_of(rng, model, block);
    match rng.u8(0..13) {
        0 => SrvCommand::CreateWorkspace,
        1 => SrvCommand::DeleteWorkspace { workspace: to },
        2 => SrvCommand::ContentsOf { workspace: to },
        3 | 4 => SrvCommand::CreateTab { workspace: to },
        5 => SrvCommand::DeleteTab { workspace: from, tab: one, cascade: rng.bool() },
        6 => SrvCommand::MoveTab { tab: one, from, to, at: rng.bool().then(|| rng.u32(0..4)), cascade: rng.bool() },
        7 => SrvCommand::DeleteBlock { tab: of, block },
        8 => {
            let blocks = model.blocks_of(of).into_iter().chain([block]).filter(|_| rng.bool()).collect();
            SrvCommand::DeleteBlocks { tab: of, blocks }
        }
        9 => SrvCommand::CloseGaps { tab: one },
        10 => SrvCommand::MoveBlock { block, from: of, to: other, at: rng.bool().then_some(place) },
        11 => SrvCommand::PlaceOf { block },
        _ if rng.bool() => SrvCommand::StartSession { block },
        _ => SrvCommand::EndSession { block },
    }
}

/// What users make beside the sagas.
pub(crate) fn user(rng: &mut Rng, model: &mut Model) {
    let tab = tab(rng, model);
    if rng.bool() {
        model.make_block(tab);
    }
}

pub(crate) fn mode(rng: &mut Rng) -> Mode {
    if rng.u8(..) < 50 { Mode::Compensation } else { Mode::Forward }
}

/// What undoes a command, as sagas say it.
fn undoing(command: &SrvCommand, event: Option<&Event>) -> Option<SrvCommand> {
    match (command, event?) {
        (SrvCommand::CreateWorkspace, Event::WorkspaceCreated { workspace }) => {
            Some(SrvCommand::DeleteWorkspace { workspace: *workspace })
        }
        (SrvCommand::CreateTab { workspace }, Event::TabCreated { tab }) => {
            Some(SrvCommand::DeleteTab { workspace: *workspace, tab: *tab, cascade: false })
        }
        (SrvCommand::MoveTab { tab, from, to, .. }, Event::TabMoved { was_at, .. }) => {
            Some(SrvCommand::MoveTab { tab: *tab, from: *to, to: *from, at: Some(*was_at), cascade: true })
        }
        (SrvCommand::MoveBlock { block, from, to, .. }, Event::BlockMoved { was_at }) => {
            Some(SrvCommand::MoveBlock { block: *block, from: *to, to: *from, at: Some(*was_at) })
        }
        _ => None,
    }
}

/// One step of a script, and what came of it.
struct Step {
    seed: u64,
    number: usize,
    command: SrvCommand,
    mode: Mode,
    before: Model,
    decided: Result<Decision, Refusal>,
    after: Model,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, number, command, mode, before, .. } = self;
        write!(f, "seed {seed}, step {number}: {command:?} in mode {mode:?} of {before:#?}")
    }
}

fn each_step(mut check: impl FnMut(&Step)) {
    for seed in 0..SEEDS {
        let (mut rng, mut model) = (Rng::with_seed(seed), Model::default());
        for number in 0..STEPS {
            user(&mut rng, &mut model);
            let (command, mode) = (command(&mut rng, &model), mode(&mut rng));
            let before = model.clone();
            let decided = decide(&mut model, &command, mode);
            check(&Step { seed, number, command, mode, before, decided, after: model.clone() });
        }
    }
}

#[test]
fn nothing_is_ever_wrong() {
    let (mut done, mut refused) = (0, 0);
    each_step(|step| {
        assert_eq!(step.after.flaws(), [""; 0], "{step}");
        if step.decided.is_ok() {
            done += 1;
        } else {
            assert_eq!(step.before, step.after, "{step}");
            refused += 1;
        }
    });
    assert!(done > 1000 && refused > 1000, "{done} done, {refused} refused: the scripts say little");
}

#[test]
fn no_number_is_given_twice() {
    each_step(|step| {
        let Step { before, after, .. } = step;
        let given = [
            after.last.workspace - before.last.workspace,
            after.last.tab - before.last.tab,
            after.last.block - before.last.block,
        ];
        let expected = match (&step.command, &step.decided) {
            (SrvCommand::CreateWorkspace, Ok(_)) => [1, 0, 0],
            (SrvCommand::CreateTab { .. }, Ok(_)) => [0, 1, 0],
            _ => [0; 3],
        };
        assert_eq!(given, expected, "{step}");
    });
}

#[test]
fn what_is_undone_is_as_it_was() {
    let mut undone = 0;
    each_step(|step| {
        let Ok(decided) = &step.decided else { return };
        if step.mode == Mode::Compensation {
            return;
        }
        let Some(undo) = undoing(&step.command, decided.event.as_ref()) else { return };
        let mut model = step.after.clone();
        let decision = decide(&mut model, &undo, Mode::Compensation);
        decision.unwrap_or_else(|refusal| panic!("{step}: {undo:?} is refused: {refusal}"));
        model.last = step.before.last;
        assert_eq!(model, step.before, "{step}: {undo:?}");
        undone += 1;
    });
    assert!(undone > 1000, "{undone}: the scripts say little");
}

#[test]
fn a_rollback_done_twice_is_done_once() {
    let mut repeated = 0;
    each_step(|step| {
        let makes = matches!(step.command, SrvCommand::CreateWorkspace | SrvCommand::CreateTab { .. });
        if step.mode != Mode::Compensation || makes || step.decided.is_err() {
            return;
        }
        let mut again = step.after.clone();
        let decision = decide(&mut again, &step.command, step.mode);
        decision.unwrap_or_else(|refusal| panic!("{step}: refused: {refusal}"));
        assert_eq!(again, step.after, "{step}");
        repeated += 1;
    });
    assert!(repeated > 1000, "{repeated}: the scripts say little");
}

#[test]
fn a_session_is_ended_by_whoever_is_told_to() {
    each_step(|step| {
        let told: Vec<_> = match step.decided.as_ref().ok().and_then(|decided| decided.then.as_ref()) {
            Some(Then::End(block)) => vec![*block],
            Some(Then::EndAll(blocks)) => blocks.clone(),
            Some(Then::Start(_)) | None => Vec::new(),
        };
        for (block, session) in &step.after.sessions {
            let begins = *session == Session::Ending && step.before.sessions.get(block) != Some(session);
            assert!(!begins || told.contains(block), "{step}: nobody ends {block}");
        }
    });
}
