//! What may be committed to, and within which limits.

use schemars::JsonSchema;
use serde::Serialize;

use super::super::document::Value;
use super::super::scalars::{Quantity, Share, read_share_of_all};
use super::super::view::View;
use super::read::{read_positive, read_word};
use crate::catalog::{OfferKind, Payment, Term};
use crate::units::{Money, PartsPerMillion};

pub(super) const COMMITMENT_KEYS: [&str; 10] = [
    "kinds",
    "payments",
    "maxTerm",
    "maxCommitment",
    "maxUpfront",
    "minCoverage",
    "cvarShare",
    "cvarWeight",
    "ladderMonths",
    "renew",
];

/// What a policy file says of commitments; what it leaves out is not limited.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommitmentPolicy {
    /// Instruments that may be bought.
    pub kinds: Option<Vec<OfferKind>>,
    /// Ways of paying that are allowed.
    pub payments: Option<Vec<Payment>>,
    /// The longest term.
    pub max_term: Option<Term>,
    /// What purchases may oblige to in all.
    pub max_commitment: Option<Money>,
    /// What they may cost at the start.
    pub max_upfront: Option<Money>,
    /// The least share of the on-demand equivalent that commitments have to cover.
    pub min_coverage: Option<PartsPerMillion>,
    /// The share of worst outcomes whose mean counts beside the expectation.
    pub cvar_share: Option<PartsPerMillion>,
    /// How much that mean counts.
    pub cvar_weight: Option<PartsPerMillion>,
    /// Monthly tranches of every purchase.
    pub ladder_months: Option<u32>,
    /// Whether what ends within the horizon may be bought again.
    pub renew: Option<bool>,
}

/// Limits on commitments that `plan --commit` proposes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct CommitmentsDocument {
    /// Instruments that may be bought; all where none is named.
    pub kinds: Vec<OfferKind>,
    /// Ways of paying that are allowed; all where none is named.
    pub payments: Vec<Payment>,
    /// The longest term.
    pub max_term: Option<Term>,
    /// What purchases may oblige to in all, over their whole terms: `50000`.
    pub max_commitment: Option<Quantity>,
    /// What they may cost at the start.
    pub max_upfront: Option<Quantity>,
    /// The least share of the on-demand equivalent that commitments have to cover: `60%`.
    pub min_coverage: Option<Share>,
    /// The share of worst outcomes whose mean counts beside the expectation: `10%`.
    pub cvar_share: Option<Share>,
    /// How much that mean counts: `50%`.
    pub cvar_weight: Option<Share>,
    /// Monthly tranches that every purchase is split into.
    pub ladder_months: Option<u32>,
    /// Whether what ends within the horizon may be bought again; `true` where nothing is said.
    pub renew: Option<bool>,
}

pub(super) fn read_commitments(view: View<'_>) -> CommitmentPolicy {
    view.only_keys(&COMMITMENT_KEYS);
    let mut policy = CommitmentPolicy::default();
    if !matches!(view.node.value, Value::Mapping(_)) {
        return policy;
    }
    policy.kinds = view.get("kinds").map(read_words);
    policy.payments = view.get("payments").map(read_words);
    policy.max_term = view.get("maxTerm").and_then(read_word);
    policy.max_commitment = view.get("maxCommitment").and_then(read_money);
    policy.max_upfront = view.get("maxUpfront").and_then(read_money);
    policy.min_coverage = view.get("minCoverage").and_then(read_share_of_all);
    let (tail, weight) = (view.get("cvarShare"), view.get("cvarWeight"));
    policy.cvar_share = tail.and_then(read_share_of_all);
    if let (Some(tail), Some(PartsPerMillion(0))) = (tail, policy.cvar_share) {
        tail.fault("must be more than zero");
    }
    policy.cvar_weight = weight.and_then(read_share_of_all);
    if tail.is_some() != weight.is_some() {
        view.fault("cvarShare and cvarWeight belong together");
    }
    policy.ladder_months = view.get("ladderMonths").and_then(read_positive);
    policy.renew = view.get("renew").and_then(|flag| flag.boolean());
    policy
}

fn read_words<T: for<'de> serde::Deserialize<'de>>(list: View<'_>) -> Vec<T> {
    let mut words = Vec::new();
    list.each_item(|item| words.extend(read_word(item)));
    words
}

fn read_money(view: View<'_>) -> Option<Money> {
    let text = view.quantity_text()?;
    match text.parse::<Money>() {
        Ok(money) if money >= Money::ZERO => Some(money),
        Ok(_) => {
            view.fault(format!("`{text}` is negative"));
            None
        }
        Err(error) => {
            view.fault(error.to_string());
            None
        }
    }
}
