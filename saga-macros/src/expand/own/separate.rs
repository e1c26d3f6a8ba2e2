//! A variable for each mention of a name, and the author's expression in terms of them.
//!
//! It follows Rust's scopes: what a pattern, a `let`, a closure or an item binds is not the saga's.

use std::collections::BTreeSet;

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote_spanned};
use syn::ext::IdentExt as _;
use syn::visit_mut::{self, VisitMut};
use syn::{Block, Expr, Item, Macro, Pat, Stmt, parse_quote};

use super::super::{local, paths};
use super::macros;
use crate::mentions;
use crate::model::{Phrase, ValueId};

/// The variables that a phrase needs, and its expression in terms of them.
pub(super) fn separate(phrase: &Phrase) -> (Vec<(ValueId, Ident)>, Expr) {
    let names = several(phrase);
    if names.is_empty() {
        return (plain(phrase, &[]), phrase.expression.clone());
    }
    let (mut made, mut expression) = separated(phrase, names.clone(), BTreeSet::new());
    let shared: BTreeSet<_> = plain(phrase, &made).into_iter().map(|(_, name)| name).collect();
    if made.iter().any(|made| made.shown && !shared.contains(&made.of)) {
        let keeps = names.difference(&shared).cloned().collect();
        (made, expression) = separated(phrase, names, keeps);
    }
    let mut variables = plain(phrase, &made);
    for made in made {
        let value = phrase.mentions.iter().find(|(_, name)| *name == made.of);
        variables.extend(value.map(|(value, _)| (*value, made.variable)));
    }
    (variables, expression)
}

fn separated(phrase: &Phrase, names: BTreeSet<Ident>, keeps: BTreeSet<Ident>) -> (Vec<Made>, Expr) {
    let mut expression = phrase.expression.clone();
    let mut separate = Separate { names, keeps, hidden: Vec::new(), shown: false, made: Vec::new(), count: 0 };
    separate.visit_expr_mut(&mut expression);
    (separate.made, expression)
}

/// The variables with the names of the values themselves, for mentions that have none of their own.
fn plain(phrase: &Phrase, made: &[Made]) -> Vec<(ValueId, Ident)> {
    let mut seen = BTreeSet::new();
    let shares = |name: &Ident| {
        let all = phrase.mentions.iter().filter(|(_, other)| other == name).count();
        made.iter().filter(|made| made.of == *name).count() < all
    };
    phrase.mentions.iter().filter(|(_, name)| shares(name) && seen.insert(name.clone())).cloned().collect()
}

/// The names that one variable may not suffice for.
fn several(phrase: &Phrase) -> BTreeSet<Ident> {
    let repeats = mentions::repeats(&phrase.expression);
    let names = phrase.mentions.iter().map(|(_, name)| name);
    let often = |name: &&Ident| repeats || phrase.mentions.iter().filter(|(_, other)| other == *name).count() > 1;
    names.filter(often).cloned().collect()
}

/// Gives each mention a variable of its own, under a name that no value of a saga has.
pub(super) struct Separate {
    names: BTreeSet<Ident>,
    /// Those of which one mention in a macro that may show its tokens keeps the name.
    keeps: BTreeSet<Ident>,
    /// What the author has bound around here.
    hidden: Vec<Ident>,
    /// Whether this is in a macro that may show its tokens.
    shown: bool,
    made: Vec<Made>,
    count: usize,
}

struct Made {
    of: Ident,
    variable: Ident,
    /// Whether it is only looked at, so that code that runs often can share it.
    borrowed: bool,
    /// Whether its name may be seen by the author.
    shown: bool,
}

impl Separate {
    /// How many variables there are.
    pub(super) fn made(&self) -> usize {
        self.made.len()
    }

    /// Visits what a macro may show as it stands.
    pub(super) fn showing(&mut self, visit: impl FnOnce(&mut Self)) {
        let outside = std::mem::replace(&mut self.shown, true);
        visit(self);
        self.shown = outside;
    }

    /// Visits what sees these names of the author's.
    fn hiding(&mut self, names: impl IntoIterator<Item = Ident>, visit: impl FnOnce(&mut Self)) {
        let outside = self.hidden.len();
        self.hidden.extend(names);
        visit(self);
        self.hidden.truncate(outside);
    }

    fn replace(&mut self, expression: &mut Expr, borrowed: bool) -> bool {
        let Expr::Path(path) = expression else { return false };
        let is_here = |name: &&Ident| self.names.contains(*name) && !self.hidden.contains(*name);
        let Some(name) = mentions::single(path).filter(is_here).cloned() else { return false };
        let shown = self.shown;
        if shown && self.keeps.remove(&name) {
            self.made.push(Made { variable: name.clone(), of: name, borrowed: false, shown });
            return true;
        }
        let variable = self.variable(&name);
        *expression = parse_quote!(#variable);
        self.made.push(Made { of: name, variable, borrowed, shown });
        true
    }

    fn variable(&mut self, name: &Ident) -> Ident {
        self.count += 1;
        format_ident!("__{}_{}", name.unraw(), self.count, span = local(name).span())
    }

    /// What `visit` separates runs often: its variables are made each time, of ones made outside.
    fn often(&mut self, visit: impl FnOnce(&mut Self)) -> TokenStream {
        let outside = std::mem::take(&mut self.made);
        visit(self);
        let inside = std::mem::replace(&mut self.made, outside);
        let mut each_time = TokenStream::new();
        for made in inside {
            if made.borrowed {
                self.made.push(made);
                continue;
            }
            let outer = self.variable(&made.of);
            let (variable, runtime) = (&made.variable, paths::runtime(made.variable.span()));
            each_time.extend(quote_spanned!(variable.span()=> let #variable = #runtime::own(&#outer);));
            self.made.push(Made { variable: outer, ..made });
        }
        each_time
    }

    fn block_often(&mut self, bound: Vec<Ident>, block: &mut Block) {
        let each_time = self.often(|inside| inside.hiding(bound, |inside| inside.visit_block_mut(block)));
        if !each_time.is_empty() {
            let statements = std::mem::take(&mut block.stmts);
            *block = parse_quote!({ #each_time #(#statements)* });
        }
    }
}

/// The names of the functions and constants that a block declares: seen in all of it.
fn declared(block: &Block) -> Vec<Ident> {
    let names = block.stmts.iter().filter_map(|statement| match statement {
        Stmt::Item(Item::Fn(function)) => Some(&function.sig.ident),
        Stmt::Item(Item::Const(constant)) => Some(&constant.ident),
        Stmt::Item(Item::Static(constant)) => Some(&constant.ident),
        _ => None,
    });
    names.cloned().collect()
}

fn all_bound<'a>(patterns: impl IntoIterator<Item = &'a Pat>) -> Vec<Ident> {
    patterns.into_iter().flat_map(mentions::bindings).collect()
}

impl VisitMut for Separate {
    fn visit_expr_mut(&mut self, expression: &mut Expr) {
        if !self.replace(expression, false) {
            visit_mut::visit_expr_mut(self, expression);
        }
    }

    fn visit_expr_reference_mut(&mut self, reference: &mut syn::ExprReference) {
        let mut inner = &mut *reference.expr;
        while let Expr::Index(syn::ExprIndex { expr, .. }) | Expr::Field(syn::ExprField { base: expr, .. }) = inner {
            inner = expr;
        }
        if !self.replace(inner, true) {
            self.visit_expr_mut(&mut reference.expr);
        }
    }

    fn visit_field_value_mut(&mut self, field: &mut syn::FieldValue) {
        let shorthand = field.colon_token.is_none();
        if self.replace(&mut field.expr, false) {
            if shorthand {
                field.colon_token = Some(parse_quote!(:));
            }
        } else {
            self.visit_expr_mut(&mut field.expr);
        }
    }

    fn visit_block_mut(&mut self, block: &mut Block) {
        let declared = declared(block);
        self.hiding(declared, |inside| visit_mut::visit_block_mut(inside, block));
    }

    /// What it binds is seen by what follows it in its block.
    fn visit_local_mut(&mut self, declared: &mut syn::Local) {
        visit_mut::visit_local_mut(self, declared);
        self.hidden.extend(mentions::bindings(&declared.pat));
    }

    /// What it binds is seen by what follows it in its condition, and by what that guards.
    fn visit_expr_let_mut(&mut self, bound: &mut syn::ExprLet) {
        self.visit_expr_mut(&mut bound.expr);
        self.hidden.extend(mentions::bindings(&bound.pat));
    }

    fn visit_expr_if_mut(&mut self, either: &mut syn::ExprIf) {
        self.hiding([], |inside| {
            inside.visit_expr_mut(&mut either.cond);
            inside.visit_block_mut(&mut either.then_branch);
        });
        if let Some((_, otherwise)) = &mut either.else_branch {
            self.visit_expr_mut(otherwise);
        }
    }

    fn visit_arm_mut(&mut self, arm: &mut syn::Arm) {
        self.hiding(all_bound([&arm.pat]), |inside| visit_mut::visit_arm_mut(inside, arm));
    }

    fn visit_expr_closure_mut(&mut self, closure: &mut syn::ExprClosure) {
        let bound = all_bound(&closure.inputs);
        let each_time = self.often(|inside| inside.hiding(bound, |inside| inside.visit_expr_mut(&mut closure.body)));
        if !each_time.is_empty() {
            let body = &closure.body;
            closure.body = parse_quote!({ #each_time #body });
        }
    }

    fn visit_expr_for_loop_mut(&mut self, each: &mut syn::ExprForLoop) {
        self.visit_expr_mut(&mut each.expr);
        self.block_often(all_bound([&*each.pat]), &mut each.body);
    }

    fn visit_expr_while_mut(&mut self, repeat: &mut syn::ExprWhile) {
        self.hiding([], |inside| {
            inside.visit_expr_mut(&mut repeat.cond);
            inside.block_often(Vec::new(), &mut repeat.body);
        });
    }

    fn visit_expr_loop_mut(&mut self, repeat: &mut syn::ExprLoop) {
        self.block_often(Vec::new(), &mut repeat.body);
    }

    fn visit_macro_mut(&mut self, invocation: &mut Macro) {
        macros::separate(self, invocation);
    }

    fn visit_item_mut(&mut self, _: &mut Item) {}
}
