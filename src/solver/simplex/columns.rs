//! The columns of a linear programme, stored so that all of them are priced in one pass.

/// Columns side by side, their terms one after the other.
#[derive(Default)]
pub(super) struct Columns {
    pub cost: Vec<f64>,
    /// What savings are compared with.
    pub scale: Vec<f64>,
    /// The row of the basis that a column is in.
    pub basic: Vec<Option<u32>>,
    /// What a unit costs beyond what its terms are worth.
    pub reduced: Vec<f64>,
    /// About how far its edge leads, squared, in terms of the frame in which it was one (Devex: Harris 1973).
    pub weight: Vec<f64>,
    /// Where the terms of a column end; they begin where those of the one before end.
    end: Vec<usize>,
    row: Vec<u32>,
    pub amount: Vec<f64>,
}

impl Columns {
    pub(super) fn len(&self) -> usize {
        self.cost.len()
    }

    pub(super) fn push(&mut self, cost: f64, scale: f64, terms: &[(usize, f64)]) {
        self.cost.push(cost);
        self.scale.push(scale);
        self.basic.push(None);
        self.reduced.push(0.0);
        self.weight.push(1.0);
        for &(row, amount) in terms {
            self.row.push(row as u32);
            self.amount.push(amount);
        }
        self.end.push(self.row.len());
    }

    fn range(&self, c: usize) -> std::ops::Range<usize> {
        let begin = if c == 0 { 0 } else { self.end[c - 1] };
        begin..self.end[c]
    }

    pub(super) fn terms(&self, c: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let range = self.range(c);
        self.row[range.clone()].iter().map(|&r| r as usize).zip(self.amount[range].iter().copied())
    }

    /// What its terms are worth at so much a row.
    pub(super) fn worth(&self, c: usize, prices: &[f64]) -> f64 {
        let range = self.range(c);
        let (rows, amounts) = (&self.row[range.clone()], &self.amount[range]);
        // Several sums side by side, so that none waits for another.
        let mut sums = [0.0; 4];
        let fours = rows.chunks_exact(4).zip(amounts.chunks_exact(4));
        let begun = rows.len() / 4 * 4;
        for (rows, amounts) in fours {
            for ((sum, &row), amount) in sums.iter_mut().zip(rows).zip(amounts) {
                *sum += prices[row as usize] * amount;
            }
        }
        for (&row, amount) in rows[begun..].iter().zip(&amounts[begun..]) {
            sums[0] += prices[row as usize] * amount;
        }
        (sums[0] + sums[1]) + (sums[2] + sums[3])
    }

    /// Only the columns that stay, in the same order.
    pub(super) fn retain(&mut self, stays: &[bool]) {
        let old = std::mem::take(self);
        for (c, _) in stays.iter().enumerate().filter(|(_, stays)| **stays) {
            let range = old.range(c);
            self.cost.push(old.cost[c]);
            self.scale.push(old.scale[c]);
            self.basic.push(old.basic[c]);
            self.reduced.push(old.reduced[c]);
            self.weight.push(old.weight[c]);
            self.row.extend_from_slice(&old.row[range.clone()]);
            self.amount.extend_from_slice(&old.amount[range]);
            self.end.push(self.row.len());
        }
    }
}
