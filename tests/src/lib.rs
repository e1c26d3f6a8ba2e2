//! Tests of the whole: what compiles and what does not, the contract of the language, the simulation, the documents.

pub mod simulation;

/// The programs in the documents compile and run.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../../README.md")]
    struct Readme;

    #[doc = include_str!("../../docs/language.md")]
    struct Language;
}
