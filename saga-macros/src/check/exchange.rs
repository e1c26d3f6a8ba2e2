//! What an exchange does, and its times.

use proc_macro2::Ident;
use syn::Expr;

use super::pivot;
use super::scope::Scope;
use crate::aliases;
use crate::errors::Errors;
use crate::model::{Action, ActionKind, Command, Duration, Retry, Run};
use crate::syntax;

/// What a `send`, `query`, `run` or `sleep` says, as written.
pub(super) enum Act {
    Command(ActionKind, Expr),
    Run(Expr),
    Sleep(syntax::Duration),
}

/// What the arms of an `await` are about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Answers {
    /// What a participant says to an effect, which a `retry` would do twice.
    Effect,
    /// What a participant says to a query.
    Data,
    /// How another saga ended.
    Saga,
    /// That the time has passed.
    Time,
    /// What anyone says: nobody is asked.
    Others,
}

impl Act {
    /// Who says what became of it.
    pub(super) fn answers(&self) -> Answers {
        match self {
            Self::Command(ActionKind::Send, _) => Answers::Effect,
            Self::Command(ActionKind::Query, _) => Answers::Data,
            Self::Run(_) => Answers::Saga,
            Self::Sleep(_) => Answers::Time,
        }
    }

    /// Whether something may have to be undone that was once begun.
    pub(super) fn has_effect(&self) -> bool {
        matches!(self, Self::Command(ActionKind::Send, _) | Self::Run(_))
    }
}

/// Checks what an exchange does; none when it is broken, or not built.
pub(super) fn action(errors: &mut Errors, scope: &Scope<'_>, keyword: Ident, act: Act) -> Option<Action> {
    match act {
        Act::Command(kind, command) => self::command(errors, scope, kind, keyword, command).map(Action::Command),
        Act::Run(saga) => run(errors, scope, saga).map(Action::Run),
        Act::Sleep(length) => duration(errors, scope, length).map(Action::Sleep),
    }
}

/// Checks which saga is run, and with what.
fn run(errors: &mut Errors, scope: &Scope<'_>, mut input: Expr) -> Option<Run> {
    let Some(saga) = aliases::path(&mut input).cloned() else {
        errors.at(&input, "expected a saga and its parameters, written out: `run Charge { amount };`");
        return None;
    };
    Some(Run { saga, input: scope.phrase(errors, input, &[]) })
}

/// A duration; none when it is broken, which is reported already.
pub(super) fn duration(errors: &mut Errors, scope: &Scope<'_>, duration: syntax::Duration) -> Option<Duration> {
    match duration {
        syntax::Duration::Literal { span, duration } => Some(Duration::Literal { span, duration }),
        syntax::Duration::Computed(expression) => {
            Some(Duration::Computed(Box::new(scope.phrase(errors, expression, &[]))))
        }
        syntax::Duration::Broken => None,
    }
}

/// Checks a command; none when it is no variant of the bus's commands.
pub(super) fn command(
    errors: &mut Errors,
    scope: &Scope<'_>,
    kind: ActionKind,
    keyword: Ident,
    mut command: Expr,
) -> Option<Command> {
    let Some(variant) = aliases::command(&mut command) else {
        let message = no_variant(&mut command);
        errors.at(&command, message);
        return None;
    };
    Some(Command { kind, keyword, variant, command: scope.phrase(errors, command, &[]) })
}

fn no_variant(command: &mut Expr) -> String {
    match aliases::path(command).filter(|path| path.segments.len() > 1).and_then(|path| path.segments.last()) {
        Some(last) => format!("commands are written by their bare names: `{}`, without a path", last.ident),
        None => {
            "expected a variant of the bus's commands by its bare name, written out: `Charge { amount }`".to_owned()
        }
    }
}

/// `every a..b`, or the waits that the language gives.
pub(super) fn retry(errors: &mut Errors, scope: &Scope<'_>, retry: syntax::Retry) -> Option<Retry> {
    let span = retry.keyword.span();
    let millis = |millis| Some(Duration::Literal { span, duration: std::time::Duration::from_millis(millis) });
    rising(errors, &retry);
    let (every, at_most) = match retry.every {
        None => (millis(100), millis(5000)),
        Some((first, longest)) => {
            let longest = longest.unwrap_or_else(|| again(&first));
            (duration(errors, scope, first), duration(errors, scope, longest))
        }
    };
    let times = scope.phrase(errors, retry.times, &[]);
    Some(Retry { times, every: every?, at_most: at_most? })
}

/// The waits of `every a..b` grow from `a` to `b` (L25).
fn rising(errors: &mut Errors, retry: &syntax::Retry) {
    let Some((syntax::Duration::Literal { span, duration: first }, Some(longest))) = &retry.every else { return };
    if pivot::literal(longest).is_some_and(|longest| *first > longest) {
        errors.at_span(*span, "the waits grow from the first to the longest, and this is the longer one: swap them");
    }
}

/// `every a` alone waits equally long each time.
fn again(duration: &syntax::Duration) -> syntax::Duration {
    match duration {
        syntax::Duration::Literal { span, duration } => syntax::Duration::Literal { span: *span, duration: *duration },
        syntax::Duration::Computed(expression) => syntax::Duration::Computed(expression.clone()),
        syntax::Duration::Broken => syntax::Duration::Broken,
    }
}
