//! [`LineShapes`]: which lines of a text hold the same names in the same order.

use crate::gather::OPEN_BAR;

/// Shapes that are told apart; with more the lines have no shape.
const MOST: usize = OPEN_BAR as usize - 1;

/// The shapes of the lines with readings so far.
#[derive(Debug, Clone, Default)]
pub(super) struct LineShapes {
    known: Vec<Vec<Option<usize>>>,
    last: usize,
}

impl LineShapes {
    /// The number of the shape of a line with these columns, from 1 on; 0 if there are too many.
    pub fn of(&mut self, columns: &[Option<usize>]) -> u8 {
        if self.known.get(self.last).is_none_or(|known| known != columns) {
            self.last = match self.known.iter().position(|known| known == columns) {
                Some(at) => at,
                None if self.known.len() >= MOST => return 0,
                None => {
                    self.known.push(columns.to_vec());
                    self.known.len() - 1
                }
            };
        }
        self.last as u8 + 1
    }
}
