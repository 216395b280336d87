//! How rates that a price list leaves out follow from those it states.
//!
//! A catalog file holds listed rates and these rules; the derived offers are computed when it is
//! read, each marked with the rule that made it. A rule says for whom it holds, and holds for
//! nobody else.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::discount::{self, Discount};
use super::{CommitmentOffer, InstanceType, OfferKind, Payment, Provenance, Term};
use crate::units::{DecimalError, PartsPerMillion, Rate};

/// Names of the rules, as [`Provenance::Derived`] carries them and the file's header spells them.
pub mod rule {
    /// Reserved rates by payment option, from the all-upfront rate.
    pub const PAYMENT_RATIOS: &str = "payment_ratios";
    /// EC2 Instance Savings Plan at the standard reserved rate.
    pub const INSTANCE_SAVINGS_PLAN: &str = "instance_savings_plan";
    /// A rate with more than nine decimals, rounded half up to nano-dollars.
    pub const ROUNDED_RATES: &str = "rounded_rates";
    /// A commitment listed as the price of its whole term.
    pub const TERM_TOTALS: &str = "term_totals";
    /// No price list states it: an estimate that the user asked for.
    pub const ESTIMATE: &str = "estimate";
}

/// Whether rates by this rule are estimates.
pub fn is_estimate(name: &str) -> bool {
    name == rule::ESTIMATE
}

/// The rules of one catalog; what is absent is not derived.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DerivationRules {
    /// Reserved rates by payment option, from the all-upfront rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_ratios: Option<PaymentRatios>,
    /// EC2 Instance Savings Plans cost what standard reserved instances cost; the text is the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_savings_plan: Option<String>,
    /// What `~` before a rate means: it had more than nine decimals; the text is the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounded_rates: Option<String>,
    /// What a commitment's `total` column means and how it was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub term_totals: Option<String>,
    /// Discounts negotiated with the provider; the rates of the table are those of the price list.
    /// Of several that match a rate, the first one holds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub discounts: Vec<Discount>,
}

/// Why an estimate is what it is.
const ESTIMATE_REASON: &str = "an estimate, not a price: Compute Savings Plans at the convertible reserved rate of the same term and payment; where that is not listed, saving 66/72 of what the standard reservation saves, which is the proportion of the greatest savings that AWS publishes (66 % and 72 %)";

/// The greatest savings that AWS publishes of Compute Savings Plans and of standard reservations (EC2
/// Savings Plans, product page).
const GREATEST_SAVINGS: (u128, u128) = (66, 72);

/// Adds estimated Compute Savings Plan offers to a type that has none.
pub(super) fn estimate_compute_savings_plans(machine: &mut InstanceType) {
    if machine.offers.iter().any(|offer| offer.kind == OfferKind::ComputeSavingsPlan) {
        return;
    }
    let on_demand = machine.on_demand.rate.nanos();
    let estimate = |offer: &CommitmentOffer| {
        let rate = match machine.offer(OfferKind::ReservedConvertible, offer.term, offer.payment) {
            Some(convertible) => convertible.effective,
            None => {
                let saving = u128::from(on_demand.saturating_sub(offer.effective.nanos()));
                // The estimate errs on the dear side.
                let saving = saving * GREATEST_SAVINGS.0 / GREATEST_SAVINGS.1;
                Rate::from_nanos(on_demand - u64::try_from(saving).unwrap_or(on_demand))
            }
        };
        let provenance = Provenance::Derived(rule::ESTIMATE.to_owned());
        CommitmentOffer::new(OfferKind::ComputeSavingsPlan, offer.term, offer.payment, rate, provenance)
    };
    let standard = machine.offers.iter().filter(|offer| offer.kind == OfferKind::ReservedStandard);
    let estimated: Vec<CommitmentOffer> = standard.map(estimate).collect();
    machine.offers.extend(estimated);
    machine.offers.sort_by_key(|o| (o.kind, o.term, o.payment));
}

/// Effective rates by payment option, in proportion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentRatios {
    /// Where the ratios come from and how well they hold.
    pub reason: String,
    /// Families that the ratios do not hold for; nothing is derived there.
    pub except_families: Vec<String>,
    /// One row per kind of reservation and term.
    pub ratios: Vec<PaymentRatio>,
}

/// The proportion for one kind and term.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentRatio {
    /// Kind of reservation.
    pub kind: OfferKind,
    /// Its term.
    pub term: Term,
    /// No upfront, such as 1.05.
    pub no_upfront: Ratio,
    /// Partial upfront, such as 1.
    pub partial_upfront: Ratio,
    /// All upfront, such as 0.98.
    pub all_upfront: Ratio,
}

/// A positive ratio with at most six decimals, written as a decimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Ratio(u32);

impl TryFrom<String> for Ratio {
    type Error = DecimalError;
    fn try_from(text: String) -> Result<Self, DecimalError> {
        match text.parse::<PartsPerMillion>()? {
            PartsPerMillion(0) => Err(DecimalError::Range(text)),
            PartsPerMillion(ppm) => Ok(Ratio(ppm)),
        }
    }
}

impl From<Ratio> for String {
    fn from(ratio: Ratio) -> String {
        Rate::from_nanos(u64::from(ratio.0) * 1_000).to_string()
    }
}

/// `rate * to / from`, half a nano-dollar and more rounded up; `None` past the range.
fn in_proportion(rate: Rate, to: Ratio, from: Ratio) -> Option<Rate> {
    let (to, from) = (u128::from(to.0), u128::from(from.0));
    let scaled = (u128::from(rate.nanos()) * to * 2 + from) / (from * 2);
    u64::try_from(scaled).ok().map(Rate::from_nanos)
}

impl DerivationRules {
    /// What a rule says, by its name in a [`Provenance::Derived`].
    pub fn reason(&self, name: &str) -> Option<&str> {
        match name {
            rule::PAYMENT_RATIOS => self.payment_ratios.as_ref().map(|r| r.reason.as_str()),
            rule::INSTANCE_SAVINGS_PLAN => self.instance_savings_plan.as_deref(),
            rule::ROUNDED_RATES => self.rounded_rates.as_deref(),
            rule::TERM_TOTALS => self.term_totals.as_deref(),
            rule::ESTIMATE => Some(ESTIMATE_REASON),
            _ => None,
        }
    }

    /// Adds to a type with listed offers what the rules derive from them, and sorts its offers.
    /// A listed offer is never replaced.
    pub fn apply(&self, machine: &mut InstanceType) {
        self.derive_payments(machine);
        self.derive_savings_plans(machine);
        machine.offers.sort_by_key(|o| (o.kind, o.term, o.payment));
        discount::apply(&self.discounts, machine);
    }

    fn derive_payments(&self, machine: &mut InstanceType) {
        let Some(rule) = &self.payment_ratios else { return };
        if rule.except_families.contains(&machine.family) {
            return;
        }
        for ratio in &rule.ratios {
            let Some(all) = machine.offer(ratio.kind, ratio.term, Payment::AllUpfront) else { continue };
            let all = all.effective;
            for (payment, to) in
                [(Payment::NoUpfront, ratio.no_upfront), (Payment::PartialUpfront, ratio.partial_upfront)]
            {
                if machine.offer(ratio.kind, ratio.term, payment).is_some() {
                    continue;
                }
                if let Some(rate) = in_proportion(all, to, ratio.all_upfront) {
                    let provenance = Provenance::Derived(rule::PAYMENT_RATIOS.to_owned());
                    machine
                        .offers
                        .push(CommitmentOffer::new(ratio.kind, ratio.term, payment, rate, provenance));
                }
            }
        }
    }

    fn derive_savings_plans(&self, machine: &mut InstanceType) {
        if self.instance_savings_plan.is_none() {
            return;
        }
        let listed = |o: &CommitmentOffer| o.kind == OfferKind::InstanceSavingsPlan;
        if machine.offers.iter().any(listed) {
            return;
        }
        let plans: Vec<CommitmentOffer> = machine
            .offers
            .iter()
            .filter(|o| o.kind == OfferKind::ReservedStandard)
            .map(|o| CommitmentOffer {
                kind: OfferKind::InstanceSavingsPlan,
                provenance: Provenance::Derived(rule::INSTANCE_SAVINGS_PLAN.to_owned()),
                ..o.clone()
            })
            .collect();
        machine.offers.extend(plans);
    }
}
