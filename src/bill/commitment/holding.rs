//! One commitment held, owned or proposed alike.

use std::ops::Range;

use crate::bill::cost::{BilledCost, EffectiveCost, ListCost};
use crate::bill::offer::{OfferKey, category, commitment_id};
use crate::bill::usage::{Components, SECONDS_PER_HOUR, UsageLine};
use crate::bill::{CommitmentCategory, FlexPool};
use crate::catalog::{CommitmentOffer, InstanceType, OfferKind};
use crate::units::{Bytes, MilliCpu, Money, Rate};

/// What one piece of a holding covers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Covers {
    /// One node of a type in a zone (zonal reserved instance, with capacity).
    Zonal {
        /// Which type.
        instance_type: String,
        /// Which zone.
        zone: String,
    },
    /// One node of exactly this type anywhere in the region.
    Type(String),
    /// So many units of a pool of sizes: `units` are those of the size that it was bought for.
    Pool(FlexPool),
    /// vCPUs of a series (Google Cloud).
    Cpu {
        /// Which series.
        series: String,
        /// How much.
        amount: MilliCpu,
    },
    /// Memory of a series (Google Cloud).
    Memory {
        /// Which series.
        series: String,
        /// How much.
        amount: Bytes,
    },
    /// Spend an hour at the plan's rates.
    Spend {
        /// The family that it is for; none for everything.
        family: Option<String>,
        /// How much an hour.
        hourly: Rate,
    },
}

/// Whether a holding exists or is being considered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// Bought before; its cost falls due either way.
    Owned,
    /// A proposal, without legal or financial effect.
    Proposed,
}

/// One commitment: so many pieces of one offer from one hour to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// Unique among the holdings of a bill, stable between bills: `new-ri-0001`.
    pub id: String,
    /// Which instrument, how long, how paid.
    pub key: OfferKey,
    /// What one piece covers.
    pub covers: Covers,
    /// How many pieces.
    pub quantity: u64,
    /// Its first hour, counted from the first hour of the usage; below zero when it began before.
    pub start: i64,
    /// The hour after its last.
    pub end: i64,
    /// Paid at the start, per piece.
    pub upfront: Money,
    /// Paid every hour, used or not, per piece.
    pub recurring: Rate,
    /// Both by the public price list, per piece, where a negotiated discount reduced them.
    pub public: Option<(Money, Rate)>,
    /// Owned or proposed.
    pub origin: Origin,
}

impl Holding {
    /// Pieces of an offer for nodes of a type, from hour `start` for the offer's term.
    ///
    /// A reserved instance flexes over the type's pool, where it has one; use
    /// [`Holding::with_covers`] for a zonal one. A spend plan commits to what one node of the type
    /// takes an hour. For commitments to resources see [`Holding::resources`].
    pub fn of_offer(
        id: impl Into<String>,
        line: &UsageLine<'_>,
        offer: &CommitmentOffer,
        quantity: u64,
        start: i64,
    ) -> Self {
        let key = OfferKey::of(offer);
        let t = line.instance_type;
        let covers = match key.kind {
            OfferKind::ReservedStandard | OfferKind::ReservedConvertible | OfferKind::AzureReservation => {
                line.pool.clone().map_or_else(|| Covers::Type(t.name.clone()), Covers::Pool)
            }
            OfferKind::InstanceSavingsPlan => {
                Covers::Spend { family: Some(t.family.clone()), hourly: offer.effective }
            }
            OfferKind::ComputeSavingsPlan | OfferKind::FlexibleCommitment | OfferKind::AzureSavingsPlan => {
                Covers::Spend { family: None, hourly: offer.effective }
            }
            OfferKind::ResourceCommitment => Covers::Cpu { series: t.family.clone(), amount: t.cpu },
        };
        Holding {
            id: id.into(),
            key,
            covers,
            quantity,
            start,
            end: start + i64::try_from(offer.term.hours()).expect("a term of hours"),
            upfront: offer.upfront,
            recurring: offer.recurring,
            public: offer.public_price(),
            origin: Origin::Proposed,
        }
    }

    /// A plan of `hourly` dollars, paid as `payment` of its key says: half at the start for partial
    /// upfront, all of it for all upfront.
    pub fn spend(
        id: impl Into<String>,
        key: OfferKey,
        family: Option<String>,
        hourly: Rate,
        start: i64,
    ) -> Self {
        let terms =
            CommitmentOffer::new(key.kind, key.term, key.payment, hourly, crate::catalog::Provenance::Listed);
        Holding {
            id: id.into(),
            key,
            covers: Covers::Spend { family, hourly },
            quantity: 1,
            start,
            end: start + i64::try_from(key.term.hours()).expect("a term of hours"),
            upfront: terms.upfront,
            recurring: terms.recurring,
            // What is committed to is money: the list has no other price for it.
            public: None,
            origin: Origin::Proposed,
        }
    }

    /// The two commitments, to vCPUs and to memory, that cover `nodes` of a type; `rates` is the
    /// offer's effective rate by resource, of which local disks and accelerators are paid with the
    /// vCPUs. Their cost together is the offer's.
    pub fn resources(
        id: &str,
        instance_type: &InstanceType,
        offer: &CommitmentOffer,
        rates: Components,
        nodes: u64,
        start: i64,
    ) -> Vec<Self> {
        let series = instance_type.family.clone();
        let cpu = Rate::from_nanos(rates.cpu.nanos() + rates.rest.nanos());
        let piece = |suffix: &str, covers: Covers, rate: Rate| {
            let (kind, term, payment) = (offer.kind, offer.term, offer.payment);
            let paid =
                |rate| CommitmentOffer::new(kind, term, payment, rate, crate::catalog::Provenance::Listed);
            let terms = paid(rate);
            let public = offer.provenance.list_price().map(|list| {
                let part = u128::from(rate.nanos()) * u128::from(list.rate.nanos());
                let part = part / u128::from(offer.effective.nanos().max(1));
                let listed = paid(Rate::from_nanos(u64::try_from(part).unwrap_or(u64::MAX)));
                (listed.upfront, listed.recurring)
            });
            Holding {
                id: format!("{id}-{suffix}"),
                key: OfferKey::of(offer),
                covers,
                quantity: nodes,
                start,
                end: start + i64::try_from(offer.term.hours()).expect("a term of hours"),
                upfront: terms.upfront,
                recurring: terms.recurring,
                public,
                origin: Origin::Proposed,
            }
        };
        let mut pieces =
            vec![piece("cpu", Covers::Cpu { series: series.clone(), amount: instance_type.cpu }, cpu)];
        if rates.memory > Rate::ZERO {
            let covers = Covers::Memory { series, amount: instance_type.memory };
            pieces.push(piece("memory", covers, rates.memory));
        }
        pieces
    }

    /// The same covering something else: a zonal reservation in place of a regional one.
    pub fn with_covers(mut self, covers: Covers) -> Self {
        self.covers = covers;
        self
    }

    /// The same as one that exists.
    pub fn owned(mut self) -> Self {
        self.origin = Origin::Owned;
        self
    }

    /// Ids for proposals beside what is `held`, counted through all kinds: `new-ri-0001`, which no way to pay
    /// of the whole fleet has.
    pub(crate) fn proposal_ids(held: &[Holding]) -> impl FnMut(OfferKind) -> String {
        let mut ordinal = 0;
        move |kind| loop {
            ordinal += 1;
            let id = format!("new-{}", commitment_id(kind, ordinal));
            if !held.iter().any(|h| h.id == id || h.id.starts_with(&format!("{id}-"))) {
                return id;
            }
        }
    }

    /// Hours that it is paid for; zero for one that ends before it begins.
    pub fn term_hours(&self) -> u64 {
        u64::try_from(self.end - self.start).unwrap_or(0)
    }

    /// The hours of a range in which it is active.
    pub fn active(&self, hours: Range<i64>) -> Range<i64> {
        let start = self.start.max(hours.start);
        start..self.end.min(hours.end).max(start)
    }

    /// All its upfront payments.
    pub fn upfront_total(&self) -> BilledCost {
        BilledCost::new(times(self.upfront, self.quantity))
    }

    /// All its upfront payments and what all of it costs an hour, by the public price list.
    pub fn public_prices(&self) -> Option<(ListCost, ListCost)> {
        let (upfront, recurring) = self.public?;
        let all = |money: Money| ListCost::new(times(money, self.quantity));
        Some((all(upfront), all(recurring.for_one_hour())))
    }

    /// Cash due in some hours: the upfront payment in its first hour, the recurring one in each.
    pub fn billed(&self, hours: Range<i64>) -> BilledCost {
        self.billed_upfront(hours.clone()) + self.billed_recurring(hours)
    }

    /// The upfront payment, where it falls into these hours.
    pub fn billed_upfront(&self, hours: Range<i64>) -> BilledCost {
        if hours.contains(&self.start) { self.upfront_total() } else { BilledCost::ZERO }
    }

    /// Recurring payments of these hours.
    pub fn billed_recurring(&self, hours: Range<i64>) -> BilledCost {
        let active = self.active(hours);
        let hours = u64::try_from(active.end - active.start).expect("a range runs forward");
        BilledCost::new(times(self.recurring.for_hours(hours), self.quantity))
    }

    /// The part of the upfront payment that its first `hours` use up, rounded half up: what any
    /// hours use up is a difference of two such, so that parts sum to the whole exactly.
    pub fn amortised_until(&self, hours: u64) -> Money {
        let term = u128::from(self.term_hours()).max(1);
        let whole = self.upfront_total().money().nanos().unsigned_abs();
        let hours = u128::from(hours).min(term);
        let part = (whole / term) * hours + ((whole % term) * hours + term / 2) / term;
        Money::from_nanos(i128::try_from(part).expect("a part of a payment"))
    }

    /// Accrual of some hours: their recurring payments and their part of the upfront payment.
    pub fn effective(&self, hours: Range<i64>) -> EffectiveCost {
        let active = self.active(hours);
        let since = |hour: i64| u64::try_from(hour - self.start).unwrap_or(0);
        let amortised = self.amortised_until(since(active.end)) - self.amortised_until(since(active.start));
        EffectiveCost::new(amortised + self.billed_recurring(active).money())
    }

    /// What it is counted in, see [`Holding::units_per_hour`].
    pub fn category(&self) -> CommitmentCategory {
        category(self.key.kind)
    }

    /// How much it can cover an hour, in the engine's units: thousandths of an instance (or of a
    /// normalized unit) times seconds; millicore-seconds; MiB-seconds; nano-dollars of a plan.
    pub fn units_per_hour(&self) -> u64 {
        let each = match &self.covers {
            Covers::Zonal { .. } | Covers::Type(_) => 1_000 * SECONDS_PER_HOUR,
            Covers::Pool(pool) => pool.units.0 * SECONDS_PER_HOUR,
            Covers::Cpu { amount, .. } => amount.0 * SECONDS_PER_HOUR,
            Covers::Memory { amount, .. } => (amount.0 >> 20) * SECONDS_PER_HOUR,
            Covers::Spend { hourly, .. } => hourly.nanos(),
        };
        each.checked_mul(self.quantity).expect("units of a commitment stay below 2^64")
    }
}

fn times(amount: Money, count: u64) -> Money {
    amount.checked_mul(i128::from(count)).expect("no bill reaches 10^29")
}
