//! The tree of a `saga!` as written: the whole grammar, with the author's tokens kept for their spans.
//!
//! It knows no meaning: what is missing, twice or in the wrong place is here as it stands. What did not parse is
//! absent, and noted where a rule about missing things would otherwise speak.

use proc_macro2::Span;
use syn::{Attribute, Expr, Ident, LitInt, LitStr, Pat, Type, Visibility};

/// One `saga`.
pub(crate) struct Saga {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) name: Ident,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) output: Option<Type>,
    pub(crate) bus: Type,
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
    Step(Box<Step>),
    Parallel {
        keyword: Ident,
        steps: Vec<Step>,
        /// Whether something in it was reported already.
        broken: bool,
    },
    Require {
        keyword: Ident,
        condition: Expr,
        reason: Expr,
    },
    Return {
        keyword: Ident,
        value: Expr,
    },
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
    /// What stands after `for`.
    pub(crate) each: Option<Each>,
    /// What stands after `when`.
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
    pub(crate) pattern: Pat,
    pub(crate) items: Expr,
    pub(crate) at_once: Option<AtOnce>,
}

/// What stands before `at once`.
pub(crate) enum AtOnce {
    AtMost(LitInt),
    All,
}

/// `when condition`
pub(crate) struct When {
    pub(crate) condition: Expr,
}

/// What stands in the braces of a step, or of a `compensate`.
pub(crate) enum Clause {
    Send { keyword: Ident, command: Expr },
    Query { keyword: Ident, command: Expr },
    Run { keyword: Ident, saga: Expr },
    Sleep { keyword: Ident, duration: Duration },
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
    Block(Block),
    With { step: Ident },
    Unwind { keyword: Ident },
    None { keyword: Ident, because: Option<LitStr> },
}

/// `{ clauses }` after `compensate`.
pub(crate) struct Block {
    pub(crate) brace: Span,
    pub(crate) clauses: Vec<Clause>,
    /// Whether something in it was reported already.
    pub(crate) broken: bool,
    /// Words of clauses that the author began or seems to have meant, so that none of them counts as missing.
    pub(crate) attempted: Vec<&'static str>,
}

/// `outcome where … if … => disposition`
pub(crate) struct Arm {
    pub(crate) outcome: Outcome,
    pub(crate) correlation: Option<Correlation>,
    pub(crate) guard: Option<Expr>,
    pub(crate) disposition: Disposition,
}

/// `where name == Expr && …`
pub(crate) struct Correlation {
    pub(crate) keyword: Span,
    /// What the pattern binds, and what it is compared with.
    pub(crate) pairs: Vec<(Ident, Expr)>,
}

/// What an arm takes.
pub(crate) enum Outcome {
    Event(Pat),
    Handled(Ident),
    Refused(Ident, Pat),
    Failed(Ident, Pat),
    Timeout(Ident),
    Disconnected(Ident),
}

/// What an arm does.
pub(crate) enum Disposition {
    Value(Expr),
    Fail(Expr),
    Retry(Ident),
}
