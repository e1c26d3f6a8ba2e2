//! The tree of a `saga!` as written: the whole grammar, with the author's tokens kept for their spans.
//!
//! It knows no meaning: what is missing, twice or in the wrong place is here as it stands. What did not parse is
//! absent, and noted where a rule about missing things would otherwise speak.

use proc_macro2::Span;
use syn::{Attribute, Expr, Ident, LitStr, Pat, Path, Type, Visibility};

/// One `saga`.
pub(crate) struct Saga {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) name: Ident,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) output: Option<Type>,
    pub(crate) bus: Path,
    pub(crate) items: Vec<Item>,
    /// Words of items that the author began or seems to have meant, so that none of them counts as missing.
    pub(crate) attempted: Vec<&'static str>,
}

/// `name: Type`.
pub(crate) struct Parameter {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) name: Ident,
    pub(crate) ty: Type,
}

/// What stands in the braces of a saga.
pub(crate) enum Item {
    Trigger(Trigger),
    Concurrency(Concurrency),
    Deadline(Deadline),
    Step(Step),
    Parallel { keyword: Ident, steps: Vec<Step> },
    Require { keyword: Ident },
    Return { keyword: Ident, value: Expr },
}

/// `trigger Pattern if … => { … };`
pub(crate) struct Trigger {
    pub(crate) keyword: Ident,
    pub(crate) pattern: Pat,
    pub(crate) guard: Option<Expr>,
    /// The parameters after `=>`, if there is a `=>`.
    pub(crate) bindings: Option<Vec<Binding>>,
}

/// `name` or `name: Expr` after the `=>` of a trigger.
pub(crate) struct Binding {
    pub(crate) name: Ident,
    pub(crate) value: Option<Expr>,
}

/// `concurrency queue per key, …;`
pub(crate) struct Concurrency {
    pub(crate) keyword: Ident,
    /// `allow`, `queue`, `replace` or `skip`.
    pub(crate) policy: Ident,
    /// What stands after `per`.
    pub(crate) keys: Vec<Expr>,
}

/// `deadline 5s;` or `deadline none because "…";`
pub(crate) struct Deadline {
    pub(crate) keyword: Ident,
    pub(crate) limit: Limit,
}

/// What a deadline says.
pub(crate) enum Limit {
    After(Duration),
    None { keyword: Ident, because: Option<LitStr> },
}

/// A length of time.
pub(crate) enum Duration {
    Literal {
        span: Span,
        duration: std::time::Duration,
    },
    Computed(Expr),
    /// Reported already.
    Broken,
}

/// `step name -> Type { … }`
pub(crate) struct Step {
    pub(crate) attributes: Vec<Attribute>,
    /// `pivot` or `finally`.
    pub(crate) kind: Option<Ident>,
    pub(crate) name: Ident,
    pub(crate) output: Option<Type>,
    /// The word `for`, and what stands after it.
    pub(crate) each: Option<Each>,
    /// The word `when`, and its condition.
    pub(crate) when: Option<When>,
    pub(crate) clauses: Vec<Clause>,
    /// Whether something in it was reported already.
    pub(crate) broken: bool,
    /// Words of clauses that the author began or seems to have meant, so that none of them counts as missing.
    pub(crate) attempted: Vec<&'static str>,
}

/// `for pattern in items, 8 at once`
pub(crate) struct Each {
    pub(crate) keyword: Span,
}

/// `when condition`
pub(crate) struct When {
    pub(crate) keyword: Ident,
}

/// What stands in the braces of a step, or of a `compensate`.
pub(crate) enum Clause {
    Send { keyword: Ident, command: Expr },
    Query { keyword: Ident, command: Expr },
    Run { keyword: Ident },
    Sleep { keyword: Ident },
    Await { keyword: Ident, arms: Vec<Arm> },
    Within { keyword: Ident, duration: Duration },
    Retry(Box<Retry>),
    Compensate { keyword: Ident, how: Compensate },
}

/// `retry n times every a..b;`
pub(crate) struct Retry {
    pub(crate) keyword: Ident,
    pub(crate) times: Expr,
    pub(crate) every: Option<(Duration, Option<Duration>)>,
}

/// What stands after `compensate`.
pub(crate) enum Compensate {
    Command(Expr),
    Block { brace: Span },
    With { keyword: Ident },
    Unwind { keyword: Ident },
    None { keyword: Ident, because: Option<LitStr> },
}

/// `outcome where … if … => disposition`
pub(crate) struct Arm {
    pub(crate) outcome: Outcome,
    /// The word `where`, if there is one.
    pub(crate) correlation: Option<Span>,
    pub(crate) guard: Option<Expr>,
    pub(crate) disposition: Disposition,
}

/// What an arm takes.
pub(crate) enum Outcome {
    Event(Pat),
    Handled,
    Refused(Ident, Pat),
    Failed(Ident),
    Timeout(Ident),
    Disconnected(Ident),
}

/// What an arm does.
pub(crate) enum Disposition {
    Value(Expr),
    Fail(Expr),
    Retry(Ident),
}
