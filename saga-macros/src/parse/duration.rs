//! `250ms`, `10s`, `5m`, `2h`, or an expression in braces.

use std::time::Duration as Time;

use proc_macro2::Ident;
use quote::{ToTokens as _, quote};
use syn::parse::ParseStream;
use syn::{Block, Expr, ExprBlock, Lit};

use super::words;
use super::words::{CLAUSES, ITEMS};
use crate::errors::Errors;
use crate::syntax::Duration;

/// A duration. A literal that is none is reported, and is a duration all the same: what stands around it parsed.
pub(super) fn duration(errors: &mut Errors, input: ParseStream<'_>) -> syn::Result<Duration> {
    if input.peek(syn::token::Brace) {
        let block: Block = input.parse()?;
        return Ok(Duration::Computed(Expr::Block(ExprBlock { attrs: Vec::new(), label: None, block })));
    }
    let Ok(literal) = input.parse::<Lit>() else {
        return Err(input.error("expected a duration such as `250ms`, `10s`, `5m`, `2h`, or an expression in braces"));
    };
    if let Some(unit) = unit_apart(input, &literal) {
        errors.at(&quote!(#literal #unit), apart(&literal, &unit));
        return Ok(Duration::Broken);
    }
    match length(&literal) {
        Ok(duration) => Ok(Duration::Literal { span: literal.span(), duration }),
        Err(message) => {
            errors.at(&literal, message);
            Ok(Duration::Broken)
        }
    }
}

/// A word behind a number that has no unit: the author set it apart.
fn unit_apart(input: ParseStream<'_>, literal: &Lit) -> Option<Ident> {
    let bare = match literal {
        Lit::Int(number) => number.suffix().is_empty(),
        Lit::Float(number) => number.suffix().is_empty(),
        _ => false,
    };
    let opens = words::peek(input).is_none_or(|word| CLAUSES.contains(&&*word) || ITEMS.contains(&&*word));
    if bare && !opens { input.parse().ok() } else { None }
}

fn apart(number: &Lit, unit: &Ident) -> String {
    let together = format!("{}{unit}", number.to_token_stream());
    match syn::parse_str(&together).map(|literal| length(&literal)) {
        Ok(Err(message)) => message,
        Ok(Ok(_)) | Err(_) => format!("a number and its unit are one word: `{together}`"),
    }
}

fn length(literal: &Lit) -> Result<Time, String> {
    let Lit::Int(number) = literal else {
        return Err("a duration is a whole number with a unit: `250ms`, `10s`, `5m`, `2h`".to_owned());
    };
    let (digits, unit) = (number.base10_digits(), number.suffix());
    if digits.starts_with('-') {
        return Err(format!("`{number}` is no duration: time only goes forward"));
    }
    let too_long = || format!("`{number}` is too long for a duration");
    let count: u64 = digits.parse().map_err(|_| too_long())?;
    let seconds = |each: u64| count.checked_mul(each).map(Time::from_secs).ok_or_else(too_long);
    match unit {
        "ms" => Ok(Time::from_millis(count)),
        "s" => Ok(Time::from_secs(count)),
        "m" => seconds(60),
        "h" => seconds(3600),
        "" => Err(format!("a duration needs a unit: `{digits}ms`, `{digits}s`, `{digits}m` or `{digits}h`")),
        other => Err(format!("`{other}` is no unit of time; the units are `ms`, `s`, `m`, `h`, one to a duration")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Time, String> {
        length(&syn::parse_str(text).expect("a literal"))
    }

    #[test]
    fn units() {
        assert_eq!(read("250ms"), Ok(Time::from_millis(250)));
        assert_eq!(read("1_000s"), Ok(Time::from_secs(1000)));
        assert_eq!(read("5m"), Ok(Time::from_secs(300)));
        assert_eq!(read("2h"), Ok(Time::from_secs(7200)));
    }

    #[test]
    fn what_is_no_duration() {
        for text in ["5", "-5s", "1h30m", "3d", "1.5s", "\"5s\"", "99999999999999999999s", "9999999999999999999h"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
