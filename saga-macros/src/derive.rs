//! The derives for the enums of a bus, in the same phases as the saga itself: read, check, expand.

mod command;
mod event;
mod read;

use proc_macro2::TokenStream;

use crate::errors::Errors;

/// `#[derive(Command)]`.
pub(crate) fn command(input: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let output = read::declaration(&mut errors, input, command::ATTRIBUTES).map(|declaration| {
        let commands = command::check(&mut errors, declaration);
        command::expand(&commands)
    });
    errors.finish(output.unwrap_or_default())
}

/// `#[derive(Event)]`.
pub(crate) fn event(input: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let output = read::declaration(&mut errors, input, event::ATTRIBUTES).map(|declaration| {
        let events = event::check(&mut errors, declaration);
        event::expand(&events)
    });
    errors.finish(output.unwrap_or_default())
}
