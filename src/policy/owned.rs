//! Commitments that are owned already, as the user states them.

use jiff::civil::Date;

use crate::catalog::{OfferKind, Payment, Term};
use crate::units::{Bytes, MilliCpu, Money, Rate};

/// One commitment that was bought before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedCommitment {
    /// Where it is stated, such as `policy.yaml:12`, for messages.
    pub place: String,
    /// As the user names it, if at all.
    pub id: Option<String>,
    /// Which instrument.
    pub kind: OfferKind,
    /// How long it was bought for.
    pub term: Term,
    /// How it is paid.
    pub payment: Payment,
    /// What one piece covers.
    pub scope: OwnedScope,
    /// How many pieces.
    pub quantity: u64,
    /// Its first day.
    pub start: Date,
    /// The day after its last; the term's hours after `start` where not given.
    pub end: Option<Date>,
    /// Paid at the start for each piece; the catalog's price where not given.
    pub upfront: Option<Money>,
    /// Paid every hour for each piece; the catalog's price where not given.
    pub recurring: Option<Rate>,
}

/// What one piece of it covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnedScope {
    /// A reservation of an instance type, in one zone or regional.
    Type {
        /// Which type.
        instance_type: String,
        /// Which zone, for a zonal one.
        zone: Option<String>,
    },
    /// An hourly spend, for a family or for everything.
    Spend {
        /// Which family.
        family: Option<String>,
        /// How much an hour.
        hourly: Rate,
    },
    /// Amounts of a series (Google Cloud).
    Resources {
        /// Which series.
        series: String,
        /// vCPUs.
        cpu: MilliCpu,
        /// Memory.
        memory: Bytes,
    },
}
