//! Small machines with made-up prices, for cases worked out by hand.
#![allow(dead_code, reason = "each test file uses some of it")]

use plimsoll::bill::OfferKey;
use plimsoll::catalog::{Catalog, CommitmentOffer, InstanceType, Provenance};
use plimsoll::units::{Bytes, MilliCpu, Money, Rate};

#[path = "../support/prices.rs"]
mod prices;

use prices::instance;

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
    InstanceType { offers, ..instance(name, MilliCpu(2_000), Bytes::mib(8_192), rate(on_demand)) }
}

/// An offer at an effective rate.
pub fn listed(key: OfferKey, effective: Rate) -> CommitmentOffer {
    CommitmentOffer::new(key.kind, key.term, key.payment, effective, Provenance::Listed)
}

/// A catalog of these types.
pub fn catalog(types: Vec<InstanceType>) -> Catalog {
    prices::catalog(types)
}
