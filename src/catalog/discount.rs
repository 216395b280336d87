//! Discounts negotiated with a provider: percentages off the rates of a price list.

use globset::Glob;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Catalog, CommitmentOffer, InstanceType, ListPrice, ListedRate, OfferKind, Provenance};
use crate::units::{Money, PartsPerMillion, Rate};

/// A percentage off some rates of some types.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Discount {
    /// What the contract calls it; printed beside what it reduces.
    pub name: String,
    /// How much is taken off.
    pub percent: Percent,
    /// Names of types, `*` and `?` as in a shell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<Pattern>,
    /// Families, `*` and `?` as in a shell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub families: Vec<Pattern>,
    /// The provider's numbers of on-demand products (AWS: SKUs).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skus: Vec<String>,
    /// Which rates: `on-demand`, `spot`, `sustained-use` or an instrument such as `reserved-standard`.
    /// On demand alone unless given.
    #[serde(default = "on_demand", skip_serializing_if = "is_on_demand")]
    pub on: Vec<Discounted>,
}

/// A rate that can be discounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discounted {
    /// On demand.
    OnDemand,
    /// Spot.
    Spot,
    /// On demand with GCP's automatic discount.
    SustainedUse,
    /// Commitments of one kind.
    Offer(OfferKind),
}

impl Discounted {
    /// The name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Discounted::OnDemand => "on-demand",
            Discounted::Spot => "spot",
            Discounted::SustainedUse => "sustained-use",
            Discounted::Offer(kind) => kind.as_str(),
        }
    }

    /// Every rate that can be discounted.
    pub fn all() -> impl Iterator<Item = Discounted> {
        [Discounted::OnDemand, Discounted::Spot, Discounted::SustainedUse]
            .into_iter()
            .chain(OfferKind::ALL.map(Discounted::Offer))
    }
}

impl std::str::FromStr for Discounted {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Discounted::all().find(|d| d.as_str() == text).ok_or_else(|| {
            let known: Vec<&str> = Discounted::all().map(Discounted::as_str).collect();
            format!("`{text}` is none of {}", known.join(", "))
        })
    }
}

/// A glob that has been checked to be one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Pattern(Glob);

impl Pattern {
    fn matches(&self, text: &str) -> bool {
        self.0.compile_matcher().is_match(text)
    }
}

impl TryFrom<String> for Pattern {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Glob::new(&text).map(Pattern).map_err(|e| e.to_string())
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> String {
        pattern.0.glob().to_owned()
    }
}

/// A share above 0 and below 100 %, with at most four decimals of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("examples" = ["7.5%"]))]
pub struct Percent(PartsPerMillion);

impl Percent {
    /// As parts per million.
    pub fn share(self) -> PartsPerMillion {
        self.0
    }

    /// What is left of an amount, half a nano-dollar and more rounded up.
    fn off(self, nanos: u128) -> u128 {
        let left = u128::from(1_000_000 - self.0.0);
        (nanos * left + 500_000) / 1_000_000
    }

    fn off_rate(self, rate: Rate) -> Rate {
        // What is left of a u64 is one too.
        Rate::from_nanos(u64::try_from(self.off(u128::from(rate.nanos()))).unwrap_or(rate.nanos()))
    }
}

impl TryFrom<String> for Percent {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let number = text.trim().trim_end_matches('%').trim();
        // Other shares may be written as fractions: 0.07 would be 7 % there and 0.07 % here.
        if !text.contains('%') && number.starts_with("0.") {
            return Err(format!(
                "`{text}` may mean a share or a percentage: write a percent sign, such as 7%"
            ));
        }
        match format!("{number}%").parse::<PartsPerMillion>() {
            Ok(share) if share > PartsPerMillion(0) && share < PartsPerMillion::ONE => Ok(Percent(share)),
            Ok(_) => Err(format!("`{text}` is not above 0 and below 100 percent")),
            Err(_) => Err(format!("`{text}` is no percentage")),
        }
    }
}

impl From<Percent> for String {
    fn from(percent: Percent) -> String {
        percent.0.to_string().replace(' ', "")
    }
}

impl Serialize for Discounted {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Discounted {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Discounted {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Discounted".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let names: Vec<&str> = Discounted::all().map(Discounted::as_str).collect();
        schemars::json_schema!({ "type": "string", "enum": names })
    }
}

fn on_demand() -> Vec<Discounted> {
    vec![Discounted::OnDemand]
}

fn is_on_demand(on: &[Discounted]) -> bool {
    on == [Discounted::OnDemand]
}

impl Discount {
    /// Whether it is for a type. Without types, families and SKUs it is for all.
    pub fn is_for(&self, machine: &InstanceType) -> bool {
        let all = self.types.is_empty() && self.families.is_empty() && self.skus.is_empty();
        all || self.types.iter().any(|glob| glob.matches(&machine.name))
            || self.families.iter().any(|glob| glob.matches(&machine.family))
            || self.skus.iter().any(|sku| machine.sku.as_deref() == Some(sku))
    }
}

impl Catalog {
    /// Takes negotiated discounts off its rates, beside those that the catalog itself has. A rate
    /// that is reduced already stays as it is.
    pub fn negotiate(&mut self, discounts: &[Discount]) {
        for machine in &mut self.types {
            apply(discounts, machine);
        }
        self.rules.discounts.extend_from_slice(discounts);
    }

    /// Names of discounts that reduce no rate of any type: most likely misspelt.
    pub fn without_effect<'d>(&self, discounts: &'d [Discount]) -> Vec<&'d str> {
        discounts
            .iter()
            .filter(|discount| !self.types.iter().any(|machine| discount.is_for(machine)))
            .map(|discount| discount.name.as_str())
            .collect()
    }
}

/// Reduces a type's rates; of several discounts on a rate, the first one holds.
pub(super) fn apply(discounts: &[Discount], machine: &mut InstanceType) {
    for discount in discounts.iter().filter(|d| d.is_for(machine)).cloned().collect::<Vec<_>>() {
        for on in &discount.on {
            match on {
                Discounted::OnDemand => reduce(Some(&mut machine.on_demand), discount.percent),
                Discounted::Spot => reduce(machine.spot.as_mut(), discount.percent),
                Discounted::SustainedUse => reduce(machine.sustained_use.as_mut(), discount.percent),
                Discounted::Offer(kind) => {
                    for offer in machine.offers.iter_mut().filter(|o| o.kind == *kind) {
                        reduce_offer(offer, discount.percent);
                    }
                }
            }
        }
    }
}

fn reduce(rate: Option<&mut ListedRate>, percent: Percent) {
    let Some(rate) = rate.filter(|r| r.provenance.list_price().is_none()) else { return };
    let list = ListPrice { rate: rate.rate, upfront: Money::ZERO, provenance: rate.provenance.clone() };
    *rate =
        ListedRate { rate: percent.off_rate(rate.rate), provenance: Provenance::Contracted(Box::new(list)) };
}

fn reduce_offer(offer: &mut CommitmentOffer, percent: Percent) {
    if offer.provenance.list_price().is_some() {
        return;
    }
    let list =
        ListPrice { rate: offer.effective, upfront: offer.upfront, provenance: offer.provenance.clone() };
    // The upfront payment stays a whole rate times the term's hours, which the offer's invariant needs.
    let prepaid = percent.off_rate(Rate::from_nanos(offer.effective.nanos() - offer.recurring.nanos()));
    offer.recurring = percent.off_rate(offer.recurring);
    offer.upfront = prepaid.for_hours(offer.term.hours());
    offer.effective = Rate::from_nanos(prepaid.nanos() + offer.recurring.nanos());
    offer.provenance = Provenance::Contracted(Box::new(list));
}
