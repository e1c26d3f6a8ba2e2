//! Which names an expression may mention (L05, L06).

use proc_macro2::Ident;
use syn::Expr;

use super::pivot::{self, Role};
use super::step;
use crate::errors::Errors;
use crate::mentions;
use crate::model::{Phrase, Place, Shape, StepKind, Value, ValueId};
use crate::syntax::{Arm, Clause, Disposition, Outcome, Step};

/// The steps as flattened from the items: each with the number of the block that it stands in.
pub(super) type Numbered = (usize, Step);

/// The places that the saga passes: the steps grouped by the block that they stand in.
pub(super) fn places(steps: &[Numbered]) -> Vec<Place> {
    let mut places: Vec<(usize, Place)> = Vec::new();
    for (index, (block, step)) in steps.iter().enumerate() {
        if step::kind(step) == StepKind::Finally {
            continue;
        }
        match places.last_mut().filter(|(last, _)| last == block) {
            Some((_, place)) => place.steps.push(index),
            None => places.push((*block, Place { steps: vec![index] })),
        }
    }
    places.into_iter().map(|(_, place)| place).collect()
}

/// The steps that run on every way out, in order.
pub(super) fn finally(steps: &[Numbered]) -> Vec<usize> {
    let finally = steps.iter().enumerate().filter(|(_, (_, step))| step::kind(step) == StepKind::Finally);
    finally.map(|(index, _)| index).collect()
}

/// The scopes of one saga.
pub(super) struct Scopes<'a> {
    values: &'a [Value],
    /// The block of each step.
    blocks: Vec<usize>,
    /// What each step is among the steps.
    kinds: Vec<StepKind>,
    /// What each step could share of its compensation.
    shared: Vec<Shared>,
    /// Whether the saga may go on without the answer to each step.
    abandoned: Vec<bool>,
    pivot: Option<usize>,
    /// How long the saga may take, if that is literal.
    pub(super) deadline: Option<std::time::Duration>,
}

/// Whether a step has a compensation that another can share.
#[derive(Clone, Copy)]
enum Shared {
    Always,
    /// It may not run, or runs more than once.
    Conditional,
    Nothing,
}

impl Shared {
    fn of(step: &Step) -> Self {
        match (pivot::is_undone(step), step.when.is_some() || step.each.is_some()) {
            (false, _) => Self::Nothing,
            (true, true) => Self::Conditional,
            (true, false) => Self::Always,
        }
    }
}

/// Whether an arm gives a value while a command is unanswered, or a saga runs: what was abandoned so is undone late.
fn may_be_abandoned(step: &Step) -> bool {
    let acts = |clause: &Clause| matches!(clause, Clause::Send { .. } | Clause::Run { .. });
    let goes_on = |arm: &Arm| {
        let unanswered = matches!(arm.outcome, Outcome::Timeout(_) | Outcome::Disconnected(_));
        matches!(arm.disposition, Disposition::Value(_)) && (unanswered || arm.correlation.is_some())
    };
    let awaits = |clause: &Clause| matches!(clause, Clause::Await { arms, .. } if arms.iter().any(goes_on));
    step.clauses.iter().any(acts) && step.clauses.iter().any(awaits)
}

/// What an expression may mention.
pub(super) struct Scope<'a> {
    scopes: &'a Scopes<'a>,
    at: At,
}

#[derive(Clone, Copy)]
enum At {
    Start,
    /// Before this block.
    Before(usize),
    /// In what stands before the braces of a step.
    Head(usize),
    Step(usize),
    Compensation(usize),
    /// In what stands before the braces of a `finally` step.
    FinallyHead(usize),
    Finally(usize),
    End,
}

/// Why a name has no value.
enum Hidden {
    Own,
    Sibling,
    Later,
    Finally,
}

impl<'a> Scopes<'a> {
    pub(super) fn new(values: &'a [Value], steps: &[Numbered], deadline: Option<std::time::Duration>) -> Self {
        let kinds: Vec<_> = steps.iter().map(|(_, step)| step::kind(step)).collect();
        let blocks: Vec<_> = steps.iter().map(|(block, _)| *block).collect();
        let shared = steps.iter().map(|(_, step)| Shared::of(step)).collect();
        let abandoned = steps.iter().map(|(_, step)| may_be_abandoned(step)).collect();
        let alone = |step: &usize| blocks.iter().filter(|block| **block == blocks[*step]).count() == 1;
        let pivot = (0..steps.len()).find(|step| kinds[*step] == StepKind::Pivot && alone(step));
        Self { values, blocks, kinds, shared, abandoned, pivot, deadline }
    }

    /// The number of the block that a step stands in.
    pub(super) fn block_of(&self, step: usize) -> usize {
        self.blocks[step]
    }

    fn is_finally(&self, step: usize) -> bool {
        self.kinds[step] == StepKind::Finally
    }

    /// What a step is, for its clauses.
    pub(super) fn role(&self, step: usize) -> Role {
        match self.pivot {
            _ if self.kinds[step] == StepKind::Finally => Role::Finally,
            Some(pivot) if pivot < step => Role::AfterPivot,
            _ if self.kinds[step] == StepKind::Pivot => Role::Pivot,
            Some(_) | None => Role::Forward,
        }
    }

    /// Before the first step: the parameters.
    pub(super) fn before_all(&'a self) -> Scope<'a> {
        Scope { scopes: self, at: At::Start }
    }

    /// Between two blocks: the parameters and the outputs of the steps before.
    pub(super) fn before(&'a self, block: usize) -> Scope<'a> {
        Scope { scopes: self, at: At::Before(block) }
    }

    /// Before the braces of a step: the parameters and the outputs of earlier steps.
    pub(super) fn head(&'a self, step: usize) -> Scope<'a> {
        Scope { scopes: self, at: if self.is_finally(step) { At::FinallyHead(step) } else { At::Head(step) } }
    }

    /// In a step: the parameters and the outputs of earlier steps; in a `finally` step all outputs, and the cause.
    pub(super) fn step(&'a self, step: usize) -> Scope<'a> {
        Scope { scopes: self, at: if self.is_finally(step) { At::Finally(step) } else { At::Step(step) } }
    }

    /// In the compensation of a step: its own output too, and the cause.
    pub(super) fn compensation(&'a self, step: usize) -> Scope<'a> {
        Scope { scopes: self, at: At::Compensation(step) }
    }

    /// After the last step: everything.
    pub(super) fn after_all(&'a self) -> Scope<'a> {
        Scope { scopes: self, at: At::End }
    }
}

impl Scope<'_> {
    /// The expression with its names resolved. `bound` are names that a pattern around it binds.
    pub(super) fn phrase(&self, errors: &mut Errors, expression: Expr, bound: &[Ident]) -> Phrase {
        let mut phrase = Phrase { expression, mentions: Vec::new(), cause: None, holes: Vec::new() };
        for mention in mentions::all(&phrase.expression).into_iter().filter(|mention| !bound.contains(mention)) {
            match self.find(&mention) {
                Some((value, None)) => phrase.mentions.push((value, mention)),
                None if mention == "cause" && self.at.sees_the_cause() => phrase.cause = Some(mention),
                Some(_) | None => {}
            }
        }
        for mention in mentions::certain(&phrase.expression).into_iter().filter(|mention| !bound.contains(mention)) {
            if let Some((value, Some(why))) = self.find(&mention) {
                errors.at(&mention, why.message(&mention));
                phrase.holes.push((value, mention));
            }
        }
        phrase
    }

    /// The step whose compensation this one can share (L15).
    ///
    /// # Errors
    /// Why it cannot.
    pub(super) fn shares(&self, name: &Ident) -> Result<usize, String> {
        let At::Compensation(at) = self.at else { return Err("only a step shares a compensation".to_owned()) };
        let outputs = self.scopes.values.iter().filter(|value| value.shape != Shape::Binding);
        let other = outputs.filter(|value| value.name == *name).find_map(|value| value.step);
        let Some(other) = other else {
            return Err(format!("there is no step `{name}` whose compensation could undo this one too"));
        };
        let blocks = &self.scopes.blocks;
        if blocks[other] >= blocks[at] || self.scopes.is_finally(other) {
            return Err(format!(
                "`{name}` does not end before this step begins: share the compensation of an earlier step"
            ));
        }
        match self.scopes.shared[other] {
            Shared::Always if self.scopes.abandoned[at] => Err(format!(
                "an arm of this step goes on without its answer, and to undo it late would undo `{name}` too: write a compensation of its own"
            )),
            Shared::Always if self.scopes.abandoned[other] => Err(format!(
                "an arm of `{name}` goes on without its answer, and to undo it late would undo this step too: write a compensation of its own"
            )),
            Shared::Always => Ok(other),
            Shared::Conditional => Err(format!(
                "`{name}` may run never or more than once, so its compensation cannot undo this step: write one of its own"
            )),
            Shared::Nothing => Err(format!("`{name}` has no compensation of its own that could undo this step too")),
        }
    }

    /// Whether the name is one of the saga's, with a value here or without.
    pub(super) fn knows(&self, name: &Ident) -> bool {
        self.find(name).is_some() || (name == "cause" && self.at.sees_the_cause())
    }

    fn find(&self, name: &Ident) -> Option<(ValueId, Option<Hidden>)> {
        let mut named = self.scopes.values.iter().enumerate().filter(|(_, value)| value.name == *name);
        if let Some((value, _)) = named.clone().find(|(_, value)| value.shape == Shape::Binding && self.binds(value)) {
            return Some((value, None));
        }
        let (value, found) = named.find(|(_, value)| value.shape != Shape::Binding)?;
        Some((value, found.step.and_then(|step| self.hides(step))))
    }

    /// Whether it is bound by the `for` around this.
    fn binds(&self, binding: &Value) -> bool {
        match self.at {
            At::Step(at) | At::Compensation(at) | At::Finally(at) => binding.step == Some(at),
            At::Start | At::Before(_) | At::Head(_) | At::FinallyHead(_) | At::End => false,
        }
    }

    fn hides(&self, step: usize) -> Option<Hidden> {
        let blocks = &self.scopes.blocks;
        match self.at {
            At::Finally(at) | At::FinallyHead(at) if at == step => Some(Hidden::Own),
            _ if self.scopes.is_finally(step) => Some(Hidden::Finally),
            At::End | At::Finally(_) | At::FinallyHead(_) => None,
            At::Start => Some(Hidden::Later),
            At::Before(block) => (blocks[step] >= block).then_some(Hidden::Later),
            At::Step(at) | At::Head(at) if at == step => Some(Hidden::Own),
            At::Compensation(at) if at == step => None,
            At::Head(at) | At::Step(at) | At::Compensation(at) => match blocks[step].cmp(&blocks[at]) {
                std::cmp::Ordering::Less => None,
                std::cmp::Ordering::Equal => Some(Hidden::Sibling),
                std::cmp::Ordering::Greater => Some(Hidden::Later),
            },
        }
    }
}

impl At {
    fn sees_the_cause(self) -> bool {
        matches!(self, Self::Compensation(_) | Self::FinallyHead(_) | Self::Finally(_))
    }
}

impl Hidden {
    fn message(&self, name: &Ident) -> String {
        match self {
            Self::Own => format!(
                "step `{name}` uses its own output, which is there only when it has ended: in its `compensate` and in later steps"
            ),
            Self::Sibling => format!(
                "`{name}` has no value here: its step runs in the same `parallel`; use it behind the block, or move its step before it"
            ),
            Self::Later => {
                format!("`{name}` has no value here: its step runs later; move the step up, or this below it")
            }
            Self::Finally => format!("`{name}` has no value here: a `finally` step gives nothing to others"),
        }
    }
}
