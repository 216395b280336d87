//! Values of options: quantities, shares, money, days, durations.

use std::time::Duration;

use plimsoll::bill::OfferKey;
use plimsoll::input::policy_file::PurchaseChoice;
use plimsoll::input::quantity::{self, QuantityError};
use plimsoll::units::{Bytes, DecimalError, MilliCpu, Money, PartsPerMillion, ResourceName};

pub fn vcpus(text: &str) -> Result<MilliCpu, String> {
    quantity::parse_cpu(text).map_err(explain)
}

pub fn memory(text: &str) -> Result<Bytes, String> {
    match quantity::suspicious_memory(text) {
        Some(why) => Err(format!("`{text}`: {why}")),
        None => quantity::parse_memory(text).map_err(explain),
    }
}

pub fn explain(error: QuantityError) -> String {
    match error.advice() {
        Some(advice) => format!("{error}; {advice}"),
        None => error.to_string(),
    }
}

/// A resource by its Kubernetes name; extended ones have a domain, so that a slip is no new resource.
pub fn resource(name: &str) -> Result<ResourceName, String> {
    match ResourceName::from(name) {
        ResourceName::Extended(other) if !other.contains('/') && !other.starts_with("hugepages-") => Err(
            format!("`{other}` is no resource; write cpu, memory, ephemeral-storage, pods or domain/name"),
        ),
        known => Ok(known),
    }
}

/// Reads `reserved-standard/1y/partial-upfront`.
pub fn offer_key(text: &str) -> Result<OfferKey, String> {
    match text.parse()? {
        PurchaseChoice::Commitment { kind, term, payment } => Ok(OfferKey { kind, term, payment }),
        _ => Err("the plan on demand is in every report; name a commitment".to_owned()),
    }
}

/// Reads a share of at most all.
pub fn share(text: &str) -> Result<PartsPerMillion, String> {
    match text.parse() {
        Ok(share) if share <= PartsPerMillion::ONE => Ok(share),
        Ok(share) => Err(format!("{share} is more than all")),
        Err(error) => Err(DecimalError::to_string(&error)),
    }
}

/// Reads an amount of money, not negative.
pub fn money(text: &str) -> Result<Money, String> {
    let amount: Money = text.parse().map_err(|error: DecimalError| error.to_string())?;
    if amount < Money::ZERO { Err(format!("`{text}` is negative")) } else { Ok(amount) }
}

/// Reads a gap, a share of the plan's cost.
pub fn gap(text: &str) -> Result<PartsPerMillion, String> {
    let share: PartsPerMillion = text.parse().map_err(|error: DecimalError| error.to_string())?;
    if share > PartsPerMillion::ONE {
        Err(format!("`{text}` is more than the whole cost"))
    } else {
        Ok(share)
    }
}

/// Reads a day of the calendar.
pub fn date(text: &str) -> Result<String, String> {
    let day: jiff::civil::Date =
        text.parse().map_err(|_| format!("`{text}` is no day; write it like 2026-08-01"))?;
    Ok(day.to_string())
}

/// Reads `500ms`, `10s`, `1m 30s`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let signed: jiff::SignedDuration =
        text.parse().map_err(|_| format!("`{text}` is no duration; write 500ms, 10s or 2m"))?;
    Duration::try_from(signed).map_err(|_| format!("`{text}` is negative"))
}
