//! A directory of its own for a few processes, and looks at the process table.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use saga_runtime::pipe::endpoint::Endpoint;
use sagas::host::HostState;
use sagas::host::control::ControlClient;
use sagas::programs::fleet::Fleet;
use sagas::programs::window;
use tempfile::TempDir;

/// Longer than anything here takes on a slow machine; no test waits for it to pass.
pub(crate) const BOUND: Duration = Duration::from_secs(30);

/// Where the processes of one test meet.
pub(crate) struct Stage {
    directory: TempDir,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let private = std::fs::Permissions::from_mode(0o700);
        let directory = tempfile::Builder::new().prefix("sagas-").permissions(private).tempdir();
        Self { directory: directory.expect("a directory of our own") }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint::in_dir(self.path())
    }

    pub(crate) fn fleet(&self) -> Fleet {
        Fleet::new(env!("CARGO_BIN_EXE_sagas"), self.path()).with_logs_in_files()
    }

    pub(crate) async fn user(&self) -> ControlClient {
        window::connect(&self.endpoint()).await.expect("a host runs")
    }
}

pub(crate) fn shells(state: &HostState) -> Vec<u32> {
    state.windows.iter().flat_map(|window| &window.panes).map(|pane| pane.shell).collect()
}

/// Whether the process runs; one that has ended and waits to be reaped does not.
pub(crate) fn runs(id: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, fields)| !fields.trim_start().starts_with(['Z', 'X']))
}

/// Waits until all of them have ended.
pub(crate) async fn ended(processes: &[u32]) {
    until("the processes end", async || !processes.iter().copied().any(runs)).await;
}

/// Waits until something holds that nobody tells of.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begin = Instant::now();
    while !holds().await {
        assert!(begin.elapsed() < BOUND, "{what}, not within {BOUND:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
