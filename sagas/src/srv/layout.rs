//! The layout of a tab: columns side by side, in each of them blocks one above another. It knows no tab, and not which
//! of its blocks are still there.

use serde::{Deserialize, Serialize};

use crate::bus::{BlockId, Place};

/// Where the blocks of a tab are. No column is empty, and no block is in it twice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Layout(Vec<Vec<BlockId>>);

impl Layout {
    /// From left to right, each column from top to bottom.
    pub fn columns(&self) -> &[Vec<BlockId>] {
        &self.0
    }

    /// The blocks, column by column.
    pub fn blocks(&self) -> impl Iterator<Item = BlockId> {
        self.0.iter().flatten().copied()
    }

    /// Where a block is; none if it is not.
    pub fn place_of(&self, block: BlockId) -> Option<Place> {
        self.0.iter().enumerate().find_map(|(column, rows)| {
            let row = rows.iter().position(|other| *other == block)?;
            Some(Place { column: number(column), row: number(row), alone: rows.len() == 1 })
        })
    }

    /// Takes a block out, with its column if that was its own, and says where it was: put back there, all is as before.
    pub fn take_out(&mut self, block: BlockId) -> Option<Place> {
        let place = self.place_of(block)?;
        let column = place.column as usize;
        self.0[column].remove(place.row as usize);
        if place.alone {
            self.0.remove(column);
        }
        Some(place)
    }

    /// Puts a block where it is said, or as near to that as the layout goes; without a place, in a last column of its own.
    pub fn put(&mut self, block: BlockId, at: Option<Place>) {
        let column = at.map_or(usize::MAX, |place| place.column as usize).min(self.0.len());
        match (at, self.0.get_mut(column)) {
            (Some(Place { row, alone: false, .. }), Some(rows)) => {
                let row = (row as usize).min(rows.len());
                rows.insert(row, block);
            }
            _ => self.0.insert(column, vec![block]),
        }
    }

    /// Closes the gaps of all blocks of which this does not hold.
    pub fn retain(&mut self, is_there: impl Fn(BlockId) -> bool) {
        self.0.iter_mut().for_each(|rows| rows.retain(|block| is_there(*block)));
        self.0.retain(|rows| !rows.is_empty());
    }
}

/// A layout of more than four thousand million columns does not fit into memory.
fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(columns: &[&[u64]]) -> Layout {
        Layout(columns.iter().map(|rows| rows.iter().copied().map(BlockId).collect()).collect())
    }

    #[test]
    fn what_is_taken_out_and_put_back_is_where_it_was() {
        let whole = layout(&[&[1], &[2, 3, 4], &[5]]);
        for block in (1..=5).map(BlockId) {
            let mut changed = whole.clone();
            let place = changed.take_out(block).expect("it is there");
            assert_eq!(changed.place_of(block), None);
            changed.put(block, Some(place));
            assert_eq!(changed, whole, "{block}");
        }
    }

    #[test]
    fn a_block_that_is_not_there_is_not_taken_out() {
        let mut layout = layout(&[&[1]]);
        assert_eq!(layout.take_out(BlockId(2)), None);
        assert_eq!(layout.columns().len(), 1);
    }

    #[test]
    fn a_block_without_a_place_comes_last() {
        let mut layout = layout(&[&[1, 2]]);
        layout.put(BlockId(3), None);
        assert_eq!(layout, self::layout(&[&[1, 2], &[3]]));
    }

    #[test]
    fn a_place_that_is_not_there_is_the_nearest_that_is() {
        let mut layout = layout(&[&[1, 2]]);
        layout.put(BlockId(3), Some(Place { column: 9, row: 9, alone: true }));
        layout.put(BlockId(4), Some(Place { column: 0, row: 9, alone: false }));
        layout.put(BlockId(5), Some(Place { column: 9, row: 9, alone: false }));
        assert_eq!(layout, self::layout(&[&[1, 2, 4], &[3], &[5]]));
    }

    #[test]
    fn gaps_are_closed_with_their_columns() {
        let mut layout = layout(&[&[1], &[2, 3], &[4]]);
        layout.retain(|block| block == BlockId(3));
        assert_eq!(layout, self::layout(&[&[3]]));
    }
}
