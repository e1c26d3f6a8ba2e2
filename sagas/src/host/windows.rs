//! Which windows there are: the pool of hidden ones, and those of the user.
//!
//! Pure: it starts no shell, reads no clock and tells nobody. It is told what happened and says what it means. A pane is
//! whatever its owner puts there; what leaves a window is handed back, so that it cannot be forgotten.

use std::collections::BTreeMap;

use crate::bus::{Label, Refusal};

/// What a window is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Hidden, waiting to be promoted.
    Pool,
    /// Shown to the user.
    Desk,
}

/// Who wanted a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A participant's command: the key of the exchange.
    Exchange(String),
    /// The host itself, since the pool lacked one.
    Pool,
    /// The host itself, beside what the pool should hold.
    Extra,
}

/// Names a pane within its window; counted from 1.
pub type PaneNumber = u32;

/// A window whose shell is at the prompt, or is on its way there.
#[derive(Debug)]
pub struct Window<P> {
    place: Place,
    /// Counts all windows of the host.
    number: u64,
    origin: Origin,
    /// Empty as long as the first shell is on its way.
    panes: BTreeMap<PaneNumber, P>,
    panes_ever: PaneNumber,
}

impl<P> Window<P> {
    /// Where it is.
    pub fn place(&self) -> Place {
        self.place
    }

    /// Its panes; none as long as the first is on its way.
    pub fn panes(&self) -> &BTreeMap<PaneNumber, P> {
        &self.panes
    }

    /// Who wanted it.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Whether its first pane has come.
    pub fn is_there(&self) -> bool {
        !self.panes.is_empty()
    }

    fn into_panes(self) -> Vec<P> {
        self.panes.into_values().collect()
    }

    fn add(&mut self, pane: P) -> PaneNumber {
        self.panes_ever += 1;
        self.panes.insert(self.panes_ever, pane);
        self.panes_ever
    }
}

/// What became of a window of which a pane ended by itself.
#[derive(Debug, PartialEq, Eq)]
pub enum PaneEnd<P> {
    /// It was the last: the window is gone, from this place.
    Crashed(Place, P),
    /// The window has others.
    Others(P),
    /// The window was closed before.
    Known,
}

/// What closing the last window of the user means for the pool.
#[derive(Debug, PartialEq, Eq)]
pub enum Drain<P> {
    /// The user has other windows.
    NotLast,
    /// The hidden windows are gone; what was in each.
    Drained(Vec<(Label, Vec<P>)>),
}

/// All windows of a host.
#[derive(Debug)]
pub struct Windows<P> {
    /// Told apart from those of every other host by this.
    host: String,
    /// How many hidden windows there should be.
    pool_size: usize,
    windows_ever: u64,
    windows: BTreeMap<Label, Window<P>>,
    /// The user closed the last window: no hidden one is wanted before another is made.
    drained: bool,
    quitting: bool,
}

impl<P> Windows<P> {
    /// No windows yet; `host` is what tells their labels from those of other hosts, before and after this one.
    pub fn new(host: impl Into<String>, pool_size: usize) -> Self {
        Self {
            host: host.into(),
            pool_size,
            windows_ever: 0,
            windows: BTreeMap::new(),
            drained: false,
            quitting: false,
        }
    }

    /// All of them, by label.
    pub fn iter(&self) -> impl Iterator<Item = (&Label, &Window<P>)> {
        self.windows.iter()
    }

    /// The window of this name.
    pub fn get(&self, label: &Label) -> Option<&Window<P>> {
        self.windows.get(label)
    }

    /// Whether the pool was emptied with the last window, and no window was made since.
    pub fn is_drained(&self) -> bool {
        self.drained
    }

    /// How many hidden windows the pool lacks; those on their way are counted as there, extra ones not at all.
    pub fn shortage(&self) -> usize {
        self.wanted().saturating_sub(self.pooled())
    }

    /// A new window, whose first pane is on its way: to be followed by [`Windows::there`] or [`Windows::failed`].
    ///
    /// # Errors
    /// [`Refusal::Quitting`]; [`Refusal::PoolFull`] for a hidden window that the pool does not lack, if it is no extra.
    pub fn begin(&mut self, place: Place, origin: Origin) -> Result<Label, Refusal> {
        let is_pooled = place == Place::Pool && origin != Origin::Extra;
        if self.quitting || (is_pooled && self.shortage() == 0) {
            return Err(self.no_more());
        }
        self.drained = false;
        self.windows_ever += 1;
        let number = self.windows_ever;
        let label = Label::from(format!("w{number}-{}", self.host));
        self.windows.insert(label.clone(), Window { place, number, origin, panes: BTreeMap::new(), panes_ever: 0 });
        Ok(label)
    }

    /// The first pane of a new window is there, or one more of an old one.
    ///
    /// # Errors
    /// The pane, if its window is gone meanwhile: it is to be ended. [`Windows::no_more`] says why a new window is.
    pub fn there(&mut self, label: &Label, pane: P) -> Result<PaneNumber, P> {
        match self.windows.get_mut(label) {
            Some(window) => Ok(window.add(pane)),
            None => Err(pane),
        }
    }

    /// The first pane of a new window does not come; nothing if it has.
    pub fn failed(&mut self, label: &Label) {
        if self.windows.get(label).is_some_and(|window| !window.is_there()) {
            self.windows.remove(label);
        }
    }

    /// Why no hidden window is made.
    pub fn no_more(&self) -> Refusal {
        if self.quitting { Refusal::Quitting } else { Refusal::PoolFull }
    }

    /// Takes the oldest hidden window out of the pool and shows it.
    pub fn promote(&mut self) -> Option<Label> {
        let hidden = self.windows.iter_mut().filter(|(_, window)| window.place == Place::Pool && window.is_there());
        let (label, window) = hidden.min_by_key(|(_, window)| window.number)?;
        window.place = Place::Desk;
        Some(label.clone())
    }

    /// Closes a window that is there; gives what was in it.
    ///
    /// # Errors
    /// [`Refusal::NoSuchWindow`]; [`Refusal::Busy`] if one of its panes is.
    pub fn close(&mut self, label: &Label, is_busy: impl Fn(&P) -> bool) -> Result<Vec<P>, Refusal> {
        let window = self.windows.get(label).filter(|window| window.is_there()).ok_or(Refusal::NoSuchWindow)?;
        if window.panes.values().any(is_busy) {
            return Err(Refusal::Busy);
        }
        Ok(self.windows.remove(label).map(Window::into_panes).unwrap_or_default())
    }

    /// A pane ended by itself.
    pub fn pane_ended(&mut self, label: &Label, pane: PaneNumber) -> PaneEnd<P> {
        let Some(window) = self.windows.get_mut(label) else { return PaneEnd::Known };
        let Some(pane) = window.panes.remove(&pane) else { return PaneEnd::Known };
        if window.is_there() {
            return PaneEnd::Others(pane);
        }
        let place = window.place;
        self.windows.remove(label);
        PaneEnd::Crashed(place, pane)
    }

    /// Empties the pool if the user has no window, not even one on its way.
    pub fn drain_if_last(&mut self) -> Drain<P> {
        if self.windows.values().any(|window| window.place == Place::Desk) {
            return Drain::NotLast;
        }
        self.drained = true;
        Drain::Drained(self.take_all())
    }

    /// Makes no window any more; gives what was in each.
    pub fn quit(&mut self) -> Vec<(Label, Vec<P>)> {
        self.quitting = true;
        self.take_all()
    }

    /// How many hidden windows there should be.
    fn wanted(&self) -> usize {
        if self.drained || self.quitting { 0 } else { self.pool_size }
    }

    /// How many hidden windows there are, those on their way too, without extra ones.
    fn pooled(&self) -> usize {
        let pooled = |window: &&Window<P>| window.place == Place::Pool && window.origin != Origin::Extra;
        self.windows.values().filter(pooled).count()
    }

    fn take_all(&mut self) -> Vec<(Label, Vec<P>)> {
        let windows = std::mem::take(&mut self.windows);
        windows.into_iter().map(|(label, window)| (label, window.into_panes())).collect()
    }
}

#[cfg(test)]
mod tests;
