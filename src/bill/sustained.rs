//! GCP's sustained use discount: the rate falls in steps with the share of the month used.
//!
//! Source: cloud.google.com/compute/docs/sustained-use-discounts (tiers of N1 as its price list
//! v1.13 gives them; the 20 % cap of N2, N2D and C2).

use super::ratio::Ratio;
use crate::units::PartsPerMillion;

/// Rate of each quarter of the month as a share of the base rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SustainedUse {
    quarters: [PartsPerMillion; 4],
}

impl SustainedUse {
    /// N1, M1, M2, f1-micro, g1-small and GPUs on N1: up to 30 % off.
    pub const THIRTY_PERCENT: SustainedUse = SustainedUse::new([1_000_000, 800_000, 600_000, 400_000]);
    /// N2, N2D and C2: up to 20 % off.
    pub const TWENTY_PERCENT: SustainedUse = SustainedUse::new([1_000_000, 867_800, 733_000, 600_000]);
    /// E2, N4, C3, A2, A3 and other series have none.
    pub const NONE: SustainedUse = SustainedUse::new([1_000_000; 4]);

    const fn new(quarters: [u32; 4]) -> Self {
        SustainedUse {
            quarters: [
                PartsPerMillion(quarters[0]),
                PartsPerMillion(quarters[1]),
                PartsPerMillion(quarters[2]),
                PartsPerMillion(quarters[3]),
            ],
        }
    }

    /// The discount on the hours used, when `used` of the month's hours are. `None` when none are, or
    /// more than the month has.
    pub fn discount(&self, used: u64, month: u64) -> Option<Ratio> {
        if used == 0 || used > month {
            return None;
        }
        let off = self.earned(used, month);
        let full = u128::from(used) * 4 * 1_000_000;
        Ratio::of_wide(i128::try_from(off).ok()?, i128::try_from(full).ok()?)
    }

    /// What `used` hours of a month earn, in millionths of the price of a quarter of an hour; hours
    /// beyond the month earn nothing.
    pub(crate) fn earned(&self, used: u64, month: u64) -> u128 {
        // In quarter hours, so that a quarter of the month is whole.
        let mut left = u128::from(used) * 4;
        let mut earned: u128 = 0;
        for quarter in self.quarters {
            let here = left.min(u128::from(month));
            earned += here * u128::from(1_000_000 - quarter.0);
            left -= here;
        }
        earned
    }
}
