//! What may be bought, and how careful to be.

use crate::bill::OfferKey;
use crate::catalog::{OfferKind, Payment, Term};
use crate::units::{Money, PartsPerMillion};

/// How much the bad outcomes count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TailRisk {
    /// The share of worst outcomes whose mean is looked at: conditional value at risk at one less it.
    pub share: PartsPerMillion,
    /// How much that mean counts against the expectation.
    pub weight: PartsPerMillion,
}

/// What may be bought, and within which limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Instruments that may be bought; none for all.
    pub kinds: Option<Vec<OfferKind>>,
    /// Ways of paying that are allowed; none for all.
    pub payments: Option<Vec<Payment>>,
    /// No longer than this.
    pub longest_term: Term,
    /// What purchases may oblige to in all: upfront and recurring payments of their whole terms.
    pub most_obligation: Option<Money>,
    /// What purchases may cost at the start.
    pub most_upfront: Option<Money>,
    /// The least share of the on-demand equivalent that commitments, owned or bought, have to cover.
    pub least_coverage: Option<PartsPerMillion>,
    /// Risk aversion; none for the plain expectation.
    pub tail: Option<TailRisk>,
    /// How many monthly tranches every purchase is split into; one for all at once.
    pub ladder_months: u32,
    /// Whether what ends within the horizon may be bought again at today's price.
    pub renew: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            kinds: None,
            payments: None,
            longest_term: Term::ThreeYears,
            most_obligation: None,
            most_upfront: None,
            least_coverage: None,
            tail: None,
            ladder_months: 1,
            renew: true,
        }
    }
}

impl Options {
    /// Whether an offer may be bought.
    pub fn allows(&self, key: OfferKey) -> bool {
        self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&key.kind))
            && self.payments.as_ref().is_none_or(|payments| payments.contains(&key.payment))
            && key.term.hours() <= self.longest_term.hours()
    }
}
