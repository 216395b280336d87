//! What a pool is expected to cost: lower bounds on its bins, and what packing takes beyond them.
//!
//! ```text
//! bins(S) = max( exact(S), poured(S) (1 + a_c r + b_c (r / R)^5) )        r = grain(S) / poured(S)
//! ```
//!
//! Exact is what is counted in whole pieces of a bin: GPUs, pod slots, copies that keep apart; poured is the
//! bound by all else.
//! The grain is what the largest shares of items amount to where a bin is filled; r is their mean, weighted by
//! themselves. Small items fill what large ones leave, so that little is lost until large ones are among
//! themselves: packings of generated clusters lose 0.3 % at r = 0.17, 2.5 % at 0.28 and 10 % at 0.36, which
//! is why the power is high. Both coefficients are learned candidate by candidate.

use super::model::Model;

/// An estimate of what pools cost.
#[derive(Clone)]
pub(super) struct Estimate<'a> {
    pub model: &'a Model<'a>,
    /// How much whole bins count, beside bins in fractions: 1 for what is paid, less where the search
    /// should see past the steps from one bin to the next.
    pub whole: f64,
    /// What packing takes beyond the bound, by candidate.
    losses: Vec<Loss>,
    /// The same for candidates that were not packed yet.
    usual: Loss,
}

/// Coefficients of what packing takes beyond the bound, and in how many packings they were seen.
#[derive(Debug, Clone, Copy)]
struct Loss {
    evenly: f64,
    steeply: f64,
    seen: u32,
}

impl Loss {
    /// Before anything is packed.
    const FIRST: Loss = Loss { evenly: 0.015, steeply: 0.035, seen: 0 };

    fn share(&self, coarse: f64) -> f64 {
        self.evenly * coarse + self.steeply * steep(coarse)
    }

    /// Moves towards what was seen, by so much of the difference.
    fn follow(&mut self, coarse: f64, seen: f64, pace: f64) {
        let steep = steep(coarse);
        let step = pace * (seen - self.share(coarse)) / (coarse * coarse + steep * steep).max(1e-3);
        self.evenly = (self.evenly + step * coarse).clamp(0.0, MOST_EVENLY);
        self.steeply = (self.steeply + step * steep).clamp(0.0, MOST_STEEPLY);
        self.seen += 1;
    }
}

/// The mean share R at which the steep part of the loss counts whole, and the one from which on more of it no
/// longer counts.
const COARSE: f64 = 0.3;
const COARSEST: f64 = 0.45;
const MOST_EVENLY: f64 = 0.3;
const MOST_STEEPLY: f64 = 0.2;

fn steep(coarse: f64) -> f64 {
    let ratio = coarse / COARSE;
    let square = ratio * ratio;
    square * square * ratio
}

/// Part of a bin that counts before a whole one is needed: tells plans of as many bins apart.
const SLOPE: f64 = 0.02;
/// How fast the estimate follows what packing takes, of one candidate and of all.
const PACE: f64 = 0.4;
const USUAL_PACE: f64 = 0.1;
/// Bins from which one packing tells all that it can: with fewer, whole bins hide what is lost.
const TELLING: f64 = 20.0;
/// The most that one packing is believed to lose.
const MOST_LOSS: f64 = 0.15;
/// What a bin beyond the stock counts, in bins.
const BEYOND_STOCK: f64 = 1e4;

impl<'a> Estimate<'a> {
    pub(super) fn new(model: &'a Model<'a>) -> Self {
        Estimate { model, whole: 1.0, losses: vec![Loss::FIRST; model.candidates.len()], usual: Loss::FIRST }
    }

    /// What a pool with these sums costs, nano-dollars per hour.
    pub(super) fn cost(&self, c: usize, load: &[f64], need: &[f64]) -> f64 {
        let bins = self.expected(c, load, need);
        let candidate = &self.model.candidates[c];
        let whole = (bins - 1e-6).ceil().max(1.0);
        let beyond = (whole - candidate.stock).max(0.0);
        let counted = self.whole * whole + (1.0 - self.whole + SLOPE) * bins;
        candidate.rate.max(1e-3) * (counted + BEYOND_STOCK * beyond)
    }

    /// Bins that packing is expected to take, fractional.
    pub(super) fn expected(&self, c: usize, load: &[f64], need: &[f64]) -> f64 {
        let (exact, poured) = self.model.exact_and_poured(c, load, need);
        exact.max(poured * (1.0 + self.losses[c].share(coarse(load, poured))))
    }

    /// The same with whole bins counting so much.
    pub(super) fn counting(&self, whole: f64) -> Self {
        Estimate { whole, ..self.clone() }
    }

    /// The same with only so much of what was learned.
    pub(super) fn believed(&self, share: f64) -> Self {
        let less = |loss: &Loss| Loss { evenly: share * loss.evenly, steeply: share * loss.steeply, ..*loss };
        Estimate { losses: self.losses.iter().map(less).collect(), ..self.clone() }
    }

    /// From now on a candidate counts about as many bins as packing took.
    pub(super) fn learn(&mut self, c: usize, load: &[f64], need: &[f64], took: f64) {
        let (exact, poured) = self.model.exact_and_poured(c, load, need);
        let poured = poured.max(0.5);
        let coarse = coarse(load, poured);
        // What is counted exactly may hide what is lost.
        if took < exact + 1.0 && poured * (1.0 + self.losses[c].share(coarse)) <= took {
            return;
        }
        // Somewhere in the last bin begins what packing takes.
        let seen = ((took - 0.5) / poured - 1.0).clamp(0.0, MOST_LOSS);
        let telling = (poured / TELLING).min(1.0);
        self.losses[c].follow(coarse, seen, PACE * telling);
        self.usual.follow(coarse, seen, USUAL_PACE * telling);
        for loss in self.losses.iter_mut().filter(|loss| loss.seen == 0) {
            *loss = Loss { seen: 0, ..self.usual };
        }
    }
}

/// The mean of the largest shares that items take of a bin, weighted by themselves.
fn coarse(load: &[f64], poured: f64) -> f64 {
    (load[load.len() - 1] / poured.max(1e-9)).min(COARSEST)
}
