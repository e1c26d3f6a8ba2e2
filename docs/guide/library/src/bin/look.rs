//! The shortest program that looks after sagas.

// ANCHOR: main
fn main() -> std::process::ExitCode {
    saga_runtime::cli::Cli::new("library").definitions(library::DEFINITIONS).main()
}
// ANCHOR_END: main
