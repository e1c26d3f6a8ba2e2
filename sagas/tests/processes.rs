//! The programs as processes: started as a user starts them, killed as nobody should.

mod processes {
    pub(crate) mod host;
    pub(crate) mod stage;
}
