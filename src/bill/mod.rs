//! Prices a verified plan: list, contracted, billed (cash) and effective (amortised) cost, on demand
//! and under each commitment offer of the catalog.

mod calendar;
pub mod cash;
pub mod commitment;
mod cost;
mod fleet;
pub mod metrics;
mod offer;
mod ratio;
pub mod showback;
mod split;
mod sustained;
mod usage;

pub use calendar::{CalendarError, ChargePeriod, charge_periods};
pub use cost::{BilledCost, ContractedCost, EffectiveCost, ListCost, effective_savings_rate, saving};
pub use fleet::{AsUsedLine, Commitment, CommittedLine, Fleet, FleetBill, FleetError, FleetLine};
pub use offer::{CommitmentCategory, OfferKey, Purchase, Scope, category, provider_wording, scope};
pub use ratio::Ratio;
pub use split::{by_largest_remainder, pro_rata};
pub use sustained::SustainedUse;
pub use usage::{
    Components, FlexPool, LineState, NodeUsage, Scenario, SeriesRates, SizeRatios, UsageError, UsageLine,
};
