//! Programs that do not compile, each with the error that the author sees; and beside them the nearest that do.
//!
//! `ui/macro`: our own words. `ui/types`: those of the compiler, at the author's tokens. `ui/ledger`: what went wrong
//! elsewhere. `ui/pass`: right programs, compiled as modules of this test, so that a rule that grows too strict breaks
//! the build.
//! `TRYBUILD=overwrite cargo test -p saga-tests programs` writes the errors anew.

// Each is a program of its own, with a bus of its own and a `main` that is never called here.
#[allow(dead_code, unreachable_pub, clippy::duplicate_mod)]
mod right;

#[test]
fn wrong_programs_are_told_how_to_mend() {
    let programs = trybuild::TestCases::new();
    programs.compile_fail("ui/ledger/*.rs");
    programs.compile_fail("ui/macro/*.rs");
    programs.compile_fail("ui/types/*.rs");
}
