//! The programs of the binary, each a process: the launcher, the host and the srv, and those that run all of them.
//!
//! | module | what it is for |
//! |---|---|
//! | [`launcher`] | runs the coordinator |
//! | [`host`] | owns windows, and executes what sagas send |
//! | [`srv`] | owns workspaces, and executes what sagas send |
//! | [`keeper`] | kills what one of them leaves behind |
//! | [`renderer`] | watches sagas |
//! | [`demo`] | plays and checks the main job with all of them |
//! | [`up`] | runs launcher, host and srv until stopped |
//! | [`window`] | does with a window what its user would do |
//! | [`workspace`] | does with a workspace what its user would do |
//! | [`fleet`] | starts and ends programs from another one |
//! | [`stage`] | several of them in a directory of their own, to be looked at |
//! | [`stop`] | when a program is to stop |

pub mod demo;
pub mod fleet;
pub mod host;
pub mod keeper;
pub mod launcher;
pub mod renderer;
pub mod srv;
pub mod stage;
pub mod stop;
pub mod up;
pub mod window;
pub mod workspace;

use std::error::Error;

/// Why a program ended before it was asked to: a sentence for whoever started it.
pub type ProgramError = Box<dyn Error + Send + Sync>;
