//! A catalogue of real sagas over real processes: the example that authors of other sagas copy.
//!
//! It is a small AgentMux: a launcher that runs the coordinator, a host that owns windows, a srv that owns workspaces,
//! and whoever watches. Each pane of a window, and each block of a workspace, holds a real shell in a pseudo-terminal.
//!
//! # Layout
//!
//! | module | what it is for |
//! |---|---|
//! | [`bus`] | what is said, by whom, to whom |
//! | [`catalogue`] | the sagas |
//! | [`host`] | the participant that owns windows |
//! | [`srv`] | the participant that owns workspaces |
//! | [`control`] | what users ask of a program from another process |
//! | [`terminal`] | a shell in a pseudo-terminal |
//! | [`mark`] | what runs in terminals, found again wherever it went |
//! | [`processes`] | processes, found, signalled and ended |
//! | [`programs`] | the processes of the binary, and those that run several of them |
//! | [`command_line`] | which program with which options |

pub mod bus;
pub mod catalogue;
pub mod command_line;
pub mod control;
pub mod host;
pub mod mark;
pub mod processes;
pub mod programs;
pub mod srv;
pub mod terminal;
