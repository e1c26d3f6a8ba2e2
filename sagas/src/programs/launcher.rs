//! x
/// x
pub const LOG: &str = "sagas.db";
