//! The bare names of variants: a path in front of each, through an alias of the bus's enum.
//!
//! An alias makes variants resolve in patterns and expressions alike, with the author's span on each.

use proc_macro2::{Ident, Span};
use syn::{Expr, Pat, PatPath, Path, PathSegment};

use crate::mentions;

/// One of the enums of a bus.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Enum {
    Command,
    Event,
    Refusal,
}

impl Enum {
    /// Its alias in an expansion.
    pub(crate) fn alias(self, span: Span) -> Ident {
        let name = match self {
            Self::Command => "__Command",
            Self::Event => "__Event",
            Self::Refusal => "__Refusal",
        };
        Ident::new(name, span)
    }

    fn qualify(self, path: &mut Path) {
        let Some(variant) = path.get_ident() else { return };
        path.segments.insert(0, PathSegment::from(self.alias(variant.span())));
    }
}

/// The variant that an expression makes, whose name is then written out; none if the expression is no bare variant.
pub(crate) fn command(command: &mut Expr) -> Option<Ident> {
    if matches!(command, Expr::Struct(literal) if literal.dot2_token.is_some()) {
        return None;
    }
    let path = path(command)?;
    let variant = path.get_ident().cloned()?;
    Enum::Command.qualify(path);
    Some(variant)
}

/// The name, path included, of what an expression makes, if that is there.
pub(crate) fn path(made: &mut Expr) -> Option<&mut Path> {
    match made {
        Expr::Path(path) if path.qself.is_none() => Some(&mut path.path),
        Expr::Struct(literal) if literal.qself.is_none() => Some(&mut literal.path),
        Expr::Call(call) if matches!(&*call.func, Expr::Path(_)) => path(&mut call.func),
        _ => None,
    }
}

/// The variants of a pattern that are written with a path in front.
pub(crate) fn by_path(pattern: &Pat) -> Vec<&Path> {
    let path = match pattern {
        Pat::Or(or) => return or.cases.iter().flat_map(by_path).collect(),
        Pat::Paren(paren) => return by_path(&paren.pat),
        Pat::Ident(binding) => return binding.subpat.iter().flat_map(|(_, pattern)| by_path(pattern)).collect(),
        Pat::Path(path) => &path.path,
        Pat::Struct(fields) => &fields.path,
        Pat::TupleStruct(fields) => &fields.path,
        _ => return Vec::new(),
    };
    if path.segments.len() > 1 { vec![path] } else { Vec::new() }
}

/// What a case of a pattern takes.
pub(crate) enum Case<'a> {
    /// A variant, whether it is taken whatever its fields are, and whether these stand in braces.
    Variant { variant: Ident, whole: bool, braced: bool },
    /// Not a variant: whatever comes.
    Anything(&'a Pat),
}

/// The cases of a pattern, as written.
pub(crate) fn cases(pattern: &Pat) -> Vec<Case<'_>> {
    match pattern {
        Pat::Or(or) => or.cases.iter().flat_map(cases).collect(),
        Pat::Paren(paren) => cases(&paren.pat),
        Pat::Ident(binding) => match &binding.subpat {
            Some((_, pattern)) => cases(pattern),
            None if mentions::reads_as_binding(&binding.ident) => vec![Case::Anything(pattern)],
            None => vec![Case::Variant { variant: binding.ident.clone(), whole: true, braced: false }],
        },
        Pat::Path(path) => variant(&path.path, true, pattern),
        Pat::Struct(fields) => variant(&fields.path, fields.fields.iter().all(|field| takes_all(&field.pat)), pattern),
        Pat::TupleStruct(fields) => variant(&fields.path, fields.elems.iter().all(takes_all), pattern),
        _ => vec![Case::Anything(pattern)],
    }
}

fn variant<'a>(path: &Path, whole: bool, pattern: &'a Pat) -> Vec<Case<'a>> {
    match path.segments.last() {
        Some(last) => {
            vec![Case::Variant { variant: last.ident.clone(), whole, braced: matches!(pattern, Pat::Struct(_)) }]
        }
        None => vec![Case::Anything(pattern)],
    }
}

/// A pattern, of a field for one, that is bound, `_` or `..`, or a tuple of such: whatever there is. Of a struct only its
/// declaration tells.
pub(crate) fn takes_all(field: &Pat) -> bool {
    match field {
        Pat::Wild(_) | Pat::Rest(_) => true,
        Pat::Ident(binding) => match &binding.subpat {
            Some((_, pattern)) => takes_all(pattern),
            None => mentions::reads_as_binding(&binding.ident),
        },
        Pat::Tuple(tuple) => tuple.elems.iter().all(takes_all),
        Pat::Paren(paren) => takes_all(&paren.pat),
        _ => false,
    }
}

/// The pattern with its bare variants written out.
pub(crate) fn qualify(of: Enum, pattern: &mut Pat) {
    match pattern {
        Pat::Or(or) => or.cases.iter_mut().for_each(|case| qualify(of, case)),
        Pat::Paren(paren) => qualify(of, &mut paren.pat),
        Pat::Ident(binding) => match &mut binding.subpat {
            Some((_, pattern)) => qualify(of, pattern),
            None if mentions::reads_as_binding(&binding.ident) => {}
            None => {
                let mut path = Path::from(binding.ident.clone());
                of.qualify(&mut path);
                *pattern = Pat::Path(PatPath { attrs: Vec::new(), qself: None, path });
            }
        },
        Pat::Path(path) => of.qualify(&mut path.path),
        Pat::Struct(fields) => of.qualify(&mut fields.path),
        Pat::TupleStruct(fields) => of.qualify(&mut fields.path),
        _ => {}
    }
}
