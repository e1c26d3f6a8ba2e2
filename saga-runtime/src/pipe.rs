//! The pipe.

pub mod endpoint;
pub mod frame;
pub mod link;
