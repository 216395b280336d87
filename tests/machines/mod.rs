//! Small machines with made-up prices, for cases worked out by hand.
#![allow(dead_code, reason = "each test file uses some of it")]

use std::collections::BTreeMap;

use plimsoll::bill::OfferKey;
use plimsoll::catalog::{
    Architecture, Catalog, CommitmentOffer, DerivationRules, InstanceType, ListedRate, NodeLimits,
    Provenance, Provider,
};
use plimsoll::units::{Bytes, MilliCpu, Money, Rate};

/// A decimal of a test.
pub fn money(text: &str) -> Money {
    text.parse().expect("a decimal")
}

/// A decimal of a test.
pub fn rate(text: &str) -> Rate {
    text.parse().expect("a decimal")
}

/// A type at an on-demand price; its family is what stands before the dot.
pub fn machine(name: &str, on_demand: &str) -> InstanceType {
    offered(name, on_demand, Vec::new())
}

/// A type with offers.
pub fn offered(name: &str, on_demand: &str, offers: Vec<CommitmentOffer>) -> InstanceType {
    InstanceType {
        name: name.to_owned(),
        family: name.split('.').next().unwrap_or(name).to_owned(),
        current_generation: None,
        category: "General purpose".to_owned(),
        cpu: MilliCpu(2_000),
        memory: Bytes::mib(8_192),
        architecture: Architecture::Amd64,
        bare_metal: false,
        extended: BTreeMap::new(),
        accelerator: None,
        local_storage: Bytes(0),
        limits: NodeLimits::default(),
        burst: None,
        on_demand: ListedRate { rate: rate(on_demand), provenance: Provenance::Listed },
        spot: None,
        interruption: None,
        sustained_use: None,
        offers,
        normalized_units: None,
        marks: Vec::new(),
        sku: None,
    }
}

/// An offer at an effective rate.
pub fn listed(key: OfferKey, effective: Rate) -> CommitmentOffer {
    CommitmentOffer::new(key.kind, key.term, key.payment, effective, Provenance::Listed)
}

/// A catalog of these types.
pub fn catalog(mut types: Vec<InstanceType>) -> Catalog {
    types.sort_by(|a, b| a.name.cmp(&b.name));
    Catalog {
        name: "test".to_owned(),
        provider: Provider::Aws,
        region: "nowhere-1".to_owned(),
        currency: "USD".to_owned(),
        price_date: "2026-01".to_owned(),
        sources: Vec::new(),
        licence_note: String::new(),
        rules: DerivationRules::default(),
        marks: BTreeMap::new(),
        notes: Vec::new(),
        types,
    }
}
