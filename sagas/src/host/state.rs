//! What there is to see of a host: its windows, their panes, and the processes of their shells.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::windows::{Origin, PaneNumber, Place, Window};
use crate::bus::Label;
use crate::terminal::Terminal;

/// What there is to see of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostState {
    /// Its process.
    pub process: u32,
    /// Its windows, those on their way too.
    pub windows: Vec<WindowState>,
    /// Closed windows whose processes have not all ended.
    pub ending: Vec<Label>,
}

impl HostState {
    /// The processes of all shells.
    pub fn shells(&self) -> impl Iterator<Item = u32> {
        self.windows.iter().flat_map(|window| &window.panes).map(|pane| pane.shell)
    }

    /// The window of this name.
    pub fn window(&self, label: &Label) -> Option<&WindowState> {
        self.windows.iter().find(|window| window.label == *label)
    }

    /// How many windows are hidden and there.
    pub fn hidden(&self) -> usize {
        self.windows.iter().filter(|window| window.hidden && !window.panes.is_empty()).count()
    }
}

/// What there is to see of a window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowState {
    /// Its name.
    pub label: Label,
    /// In the pool, not shown.
    pub hidden: bool,
    /// The key of the exchange that asked for it; none if the host made it of its own accord.
    pub asked_by: Option<String>,
    /// Its panes; none as long as the first is on its way.
    pub panes: Vec<PaneState>,
}

impl WindowState {
    pub(super) fn of(label: &Label, window: &Window<Arc<Terminal>>) -> Self {
        let asked_by = match window.origin() {
            Origin::Exchange(key) => Some(key.clone()),
            Origin::Pool | Origin::Extra => None,
        };
        let panes = window.panes().iter().map(|(number, pane)| PaneState::of(*number, pane)).collect();
        Self { label: label.clone(), hidden: window.place() == Place::Pool, asked_by, panes }
    }

    /// Whether a program runs in the foreground of one of its panes.
    pub fn is_busy(&self) -> bool {
        self.panes.iter().any(|pane| pane.busy)
    }
}

/// What there is to see of a pane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaneState {
    /// Counted from 1 within its window.
    pub number: PaneNumber,
    /// The process of its shell.
    pub shell: u32,
    /// Whether a program runs in its foreground.
    pub busy: bool,
}

impl PaneState {
    fn of(number: PaneNumber, pane: &Terminal) -> Self {
        Self { number, shell: pane.shell(), busy: pane.is_busy() }
    }
}
