//! The commitments that a policy says are owned.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::document::Value;
use super::super::scalars::Quantity;
use super::super::view::View;
use super::PurchaseChoice;
use super::pools::read_rate;
use super::read::read_memory;
use crate::catalog::{OfferKind, Payment, Term};
use crate::policy::{OwnedCommitment, OwnedScope};
use crate::units::{Bytes, MilliCpu, Money, Rate, ResourceName};

pub(super) const OWNED_KEYS: [&str; 13] = [
    "id",
    "offer",
    "type",
    "zone",
    "family",
    "hourly",
    "cpu",
    "memory",
    "quantity",
    "start",
    "end",
    "upfront",
    "recurring",
];

/// Reads the list; ids are unique where given.
pub(super) fn read_owned(list: View<'_>) -> Vec<OwnedCommitment> {
    let mut owned: Vec<OwnedCommitment> = Vec::new();
    list.each_item(|item| {
        item.only_keys(&OWNED_KEYS);
        if !matches!(item.node.value, Value::Mapping(_)) {
            return;
        }
        let Some(commitment) = read_one(item) else { return };
        if commitment.id.is_some() && owned.iter().any(|other| other.id == commitment.id) {
            item.fault(format!("commitment `{}` stands twice", commitment.id.as_deref().unwrap_or_default()));
        }
        owned.push(commitment);
    });
    owned
}

fn read_one(item: View<'_>) -> Option<OwnedCommitment> {
    let offer = item.required("offer").and_then(read_offer);
    let start = item.required("start").and_then(read_date);
    let end = item.get("end").map(read_date);
    let quantity = match item.get("quantity") {
        Some(view) => match view.whole() {
            Some(0) => {
                view.fault("must be at least 1");
                None
            }
            other => other,
        },
        None => Some(1),
    };
    let upfront = item.get("upfront").map(read_money);
    let recurring = item.get("recurring").map(read_rate);
    let (kind, term, payment) = offer?;
    let scope = read_scope(item, kind);
    let id = item.get("id").and_then(|id| id.text().map(str::to_owned));
    let commitment = OwnedCommitment {
        place: item.place(),
        id,
        kind,
        term,
        payment,
        scope: scope?,
        quantity: quantity?,
        start: start?,
        end: end.map_or(Some(None), |end| end.map(Some))?,
        upfront: upfront.map_or(Some(None), |money| money.map(Some))?,
        recurring: recurring.map_or(Some(None), |rate| rate.map(Some))?,
    };
    if let Some(end) = commitment.end
        && end <= commitment.start
    {
        item.get("end")?.fault(format!("ends {end}, and begins {} only", commitment.start));
        return None;
    }
    Some(commitment)
}

/// What the kind of instrument needs: a type, an hourly spend, or amounts of a series.
fn read_scope(item: View<'_>, kind: OfferKind) -> Option<OwnedScope> {
    let text = |key: &str| item.get(key).and_then(|view| view.text().map(str::to_owned));
    let needs = |wanted: &[&str]| {
        for key in ["type", "zone", "family", "hourly", "cpu", "memory"] {
            if let Some(view) = item.get(key)
                && !wanted.contains(&key)
            {
                view.fault_with_help(
                    format!("`{key}` says nothing of a {}", kind.as_str()),
                    format!("it is stated by {}", wanted.join(", ")),
                );
            }
        }
    };
    match kind {
        OfferKind::ReservedStandard | OfferKind::ReservedConvertible | OfferKind::AzureReservation => {
            needs(&["type", "zone"]);
            let instance_type = item.required("type").and_then(|t| t.text().map(str::to_owned))?;
            Some(OwnedScope::Type { instance_type, zone: text("zone") })
        }
        OfferKind::InstanceSavingsPlan => {
            needs(&["family", "hourly"]);
            let family = item.required("family").and_then(|f| f.text().map(str::to_owned));
            let hourly = item.required("hourly").and_then(read_spend);
            Some(OwnedScope::Spend { family: Some(family?), hourly: hourly? })
        }
        OfferKind::ComputeSavingsPlan | OfferKind::FlexibleCommitment | OfferKind::AzureSavingsPlan => {
            needs(&["hourly"]);
            Some(OwnedScope::Spend { family: None, hourly: item.required("hourly").and_then(read_spend)? })
        }
        OfferKind::ResourceCommitment => {
            needs(&["family", "cpu", "memory"]);
            let series = item.required("family").and_then(|f| f.text().map(str::to_owned));
            let cpu = item
                .required("cpu")
                .and_then(|cpu| cpu.quantity(&ResourceName::Cpu, &mut Vec::new()))
                .map(MilliCpu);
            let memory = item.get("memory").map_or(Some(Bytes(0)), read_memory);
            Some(OwnedScope::Resources { series: series?, cpu: cpu?, memory: memory? })
        }
    }
}

fn read_offer(view: View<'_>) -> Option<(OfferKind, Term, Payment)> {
    let help = "such as reserved-standard/1y/partial-upfront";
    match view.text()?.parse::<PurchaseChoice>() {
        Ok(PurchaseChoice::Commitment { kind, term, payment }) => Some((kind, term, payment)),
        Ok(_) => {
            view.fault_with_help("is no commitment", help);
            None
        }
        Err(message) => {
            view.fault_with_help(message, help);
            None
        }
    }
}

fn read_spend(view: View<'_>) -> Option<Rate> {
    let spend = read_rate(view)?;
    if spend == Rate::ZERO {
        view.fault("must be above zero");
        return None;
    }
    Some(spend)
}

fn read_date(view: View<'_>) -> Option<Date> {
    let text = view.string()?;
    let date = text.parse::<Date>().ok().filter(|_| text.len() == 10);
    if date.is_none() {
        view.fault_with_help(format!("`{text}` is no date"), "write one like `2026-08-01`");
    }
    date
}

fn read_money(view: View<'_>) -> Option<Money> {
    let text = view.quantity_text()?;
    match text.parse::<Money>() {
        Ok(money) if money >= Money::ZERO => Some(money),
        Ok(_) => {
            view.fault("must not be negative");
            None
        }
        Err(error) => {
            view.fault_with_help(error.to_string(), "write a decimal, such as `120.50`");
            None
        }
    }
}

/// A commitment that is owned, as the schema describes it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OwnedDocument {
    /// Unique among all; made up from the kind where left out.
    pub id: Option<String>,
    /// `INSTRUMENT/TERM/PAYMENT`, such as `reserved-standard/1y/partial-upfront`.
    pub offer: String,
    /// Of reservations: the instance type that one piece is for.
    #[serde(rename = "type")]
    pub instance_type: Option<String>,
    /// Of zonal reserved instances: their zone.
    pub zone: Option<String>,
    /// Of EC2 Instance Savings Plans and of Google's resource commitments: the family or series.
    pub family: Option<String>,
    /// Of plans: the spend an hour, in the catalog's currency.
    pub hourly: Option<Quantity>,
    /// Of Google's resource commitments: vCPUs.
    pub cpu: Option<Quantity>,
    /// Of Google's resource commitments: memory.
    pub memory: Option<Quantity>,
    /// How many pieces; one where left out.
    pub quantity: Option<u64>,
    /// First day, `2025-11-01`.
    pub start: String,
    /// The day after the last; the term after the first day where left out.
    pub end: Option<String>,
    /// Paid at the start for each piece; as the catalog has it where left out.
    pub upfront: Option<Quantity>,
    /// Paid every hour for each piece; as the catalog has it where left out.
    pub recurring: Option<Quantity>,
}
