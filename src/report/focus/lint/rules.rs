//! Rules between the cells of one row.

use jiff::ToSpan;
use jiff::civil::DateTime;

use super::cell::instant;
use super::{Lint, Row};

const NANO: i128 = 1_000_000_000;

/// Columns that are null exactly when their partner is.
const PAIRS: [(&str, &str); 10] = [
    ("CommitmentDiscountCategory", "CommitmentDiscountId"),
    ("CommitmentDiscountType", "CommitmentDiscountId"),
    ("CommitmentDiscountUnit", "CommitmentDiscountQuantity"),
    ("ConsumedUnit", "ConsumedQuantity"),
    ("PricingUnit", "PricingQuantity"),
    ("RegionName", "RegionId"),
    ("ResourceType", "ResourceId"),
    ("SkuMeter", "SkuId"),
    ("SkuPriceDetails", "SkuPriceId"),
    ("SubAccountName", "SubAccountId"),
];

pub(super) fn check(row: &Row<'_>, lint: &mut Lint) {
    products(row, lint);
    pairs(row, lint);
    periods(row, lint);
    match row.get("ChargeCategory") {
        Some("Usage") => usage(row, lint),
        Some("Purchase") => purchase(row, lint),
        Some("Adjustment") => adjustment(row, lint),
        Some(other) => {
            lint.at(
                "F301",
                row.line,
                Some("ChargeCategory"),
                format!("a plan has no charge of category {other}"),
            );
        }
        None => {}
    }
    plan(row, lint);
}

/// Cost = unit price x quantity, exactly.
fn products(row: &Row<'_>, lint: &mut Lint) {
    for (cost, price) in [("ListCost", "ListUnitPrice"), ("ContractedCost", "ContractedUnitPrice")] {
        let (Some(amount), Some(unit), Some(quantity)) =
            (row.decimal(cost), row.decimal(price), row.decimal("PricingQuantity"))
        else {
            continue;
        };
        if unit < 0 {
            lint.at("F302", row.line, Some(price), "must not be negative".to_owned());
        }
        let product = unit.checked_mul(quantity);
        if product.is_none() || product != amount.checked_mul(NANO) {
            lint.at("F303", row.line, Some(cost), format!("is not {price} x PricingQuantity"));
        }
    }
}

fn pairs(row: &Row<'_>, lint: &mut Lint) {
    for (column, partner) in PAIRS {
        if row.get(column).is_some() != row.get(partner).is_some() {
            lint.at("F304", row.line, Some(column), format!("must be null exactly when {partner} is"));
        }
    }
    if row.get("ResourceName").is_some() {
        if row.get("ResourceId").is_none() {
            lint.at("F304", row.line, Some("ResourceName"), "must be null when ResourceId is".to_owned());
        } else if row.get("ResourceName") == row.get("ResourceId") {
            lint.at("F305", row.line, Some("ResourceName"), "repeats ResourceId".to_owned());
        }
    }
    for column in
        ["ListUnitPrice", "ContractedUnitPrice", "PricingQuantity", "PricingCategory", "SkuId", "SkuPriceId"]
    {
        if row.get(column).is_none() {
            lint.at("F306", row.line, Some(column), "must not be null for usage and purchases".to_owned());
        }
    }
}

fn periods(row: &Row<'_>, lint: &mut Lint) {
    let at = |column: &str| row.get(column).and_then(instant);
    let (Some(start), Some(end), Some(billing_start), Some(billing_end)) =
        (at("ChargePeriodStart"), at("ChargePeriodEnd"), at("BillingPeriodStart"), at("BillingPeriodEnd"))
    else {
        return;
    };
    if start >= end {
        lint.at("F311", row.line, Some("ChargePeriodEnd"), "is not after its start".to_owned());
    }
    let month: DateTime = billing_start.date().first_of_month().at(0, 0, 0, 0);
    if billing_start != month || month.checked_add(1.month()).ok() != Some(billing_end) {
        lint.at(
            "F312",
            row.line,
            Some("BillingPeriodStart"),
            "billing periods are calendar months".to_owned(),
        );
    }
    if start < billing_start || start >= billing_end {
        lint.at("F313", row.line, Some("ChargePeriodStart"), "lies outside the billing period".to_owned());
    }
    if end > billing_end && !row.is("ChargeFrequency", "One-Time") {
        lint.at("F313", row.line, Some("ChargePeriodEnd"), "lies outside the billing period".to_owned());
    }
}

fn usage(row: &Row<'_>, lint: &mut Lint) {
    let mut must = |holds: bool, rule: &'static str, column: &str, message: &str| {
        if !holds {
            lint.at(rule, row.line, Some(column), message.to_owned());
        }
    };
    must(row.is("ChargeFrequency", "Usage-Based"), "F321", "ChargeFrequency", "usage is Usage-Based");
    let unused = row.is("CommitmentDiscountStatus", "Unused");
    let committed = row.get("CommitmentDiscountId").is_some();
    must(
        committed == row.get("CommitmentDiscountStatus").is_some(),
        "F322",
        "CommitmentDiscountStatus",
        "usage has a status exactly when it has a commitment",
    );
    must(
        committed == row.get("CommitmentDiscountQuantity").is_some(),
        "F323",
        "CommitmentDiscountQuantity",
        "usage has a quantity exactly when it has a commitment",
    );
    must(
        unused == row.get("ConsumedQuantity").is_none(),
        "F324",
        "ConsumedQuantity",
        "is null exactly on what is unused",
    );
    must(
        committed == row.is("PricingCategory", "Committed"),
        "F325",
        "PricingCategory",
        "is Committed exactly under a commitment",
    );
    if committed {
        must(row.decimal("BilledCost") == Some(0), "F326", "BilledCost", "covered usage is not billed again");
    } else {
        must(
            row.decimal("BilledCost") == row.decimal("EffectiveCost"),
            "F327",
            "EffectiveCost",
            "equals BilledCost where nothing is prepaid",
        );
    }
    must(row.get("ResourceId").is_some(), "F328", "ResourceId", "usage has a resource");
    must(
        unused == (committed && row.get("ResourceId") == row.get("CommitmentDiscountId")),
        "F329",
        "ResourceId",
        "is the commitment exactly on what is unused",
    );
}

fn purchase(row: &Row<'_>, lint: &mut Lint) {
    let mut must = |holds: bool, rule: &'static str, column: &str, message: &str| {
        if !holds {
            lint.at(rule, row.line, Some(column), message.to_owned());
        }
    };
    must(!row.is("ChargeFrequency", "Usage-Based"), "F331", "ChargeFrequency", "no purchase is Usage-Based");
    must(row.is("PricingCategory", "Standard"), "F332", "PricingCategory", "buying a commitment is Standard");
    must(
        row.decimal("EffectiveCost") == Some(0),
        "F333",
        "EffectiveCost",
        "prepayments cost nothing by themselves",
    );
    must(row.get("ConsumedQuantity").is_none(), "F334", "ConsumedQuantity", "a purchase consumes nothing");
    must(
        row.get("CommitmentDiscountStatus").is_none(),
        "F335",
        "CommitmentDiscountStatus",
        "a purchase has no status",
    );
    must(
        row.get("CommitmentDiscountId").is_some() && row.get("CommitmentDiscountQuantity").is_some(),
        "F336",
        "CommitmentDiscountId",
        "a plan purchases commitments only, each with its quantity",
    );
    must(
        row.get("ResourceId") == row.get("CommitmentDiscountId"),
        "F337",
        "ResourceId",
        "a purchase's resource is the commitment",
    );
}

/// Our own use of adjustments: a prepaid balance at the ends of the file, which charges nothing.
fn adjustment(row: &Row<'_>, lint: &mut Lint) {
    let mut must = |holds: bool, rule: &'static str, column: &str, message: &str| {
        if !holds {
            lint.at(rule, row.line, Some(column), message.to_owned());
        }
    };
    must(row.decimal("BilledCost") == Some(0), "F351", "BilledCost", "a balance is no charge");
    must(row.decimal("EffectiveCost") == Some(0), "F351", "EffectiveCost", "a balance is no charge");
    must(
        row.get("CommitmentDiscountId").is_some(),
        "F352",
        "CommitmentDiscountId",
        "a balance is of a commitment",
    );
    must(balance(row).is_some(), "F353", "SkuPriceDetails", "tells no balance");
}

/// Prepaid before and after the file, in units of 10^-9.
pub(super) fn balance(row: &Row<'_>) -> Option<(i128, i128)> {
    let details: serde_json::Value = serde_json::from_str(row.get("SkuPriceDetails")?).ok()?;
    let amount = |key: &str| {
        details.get(key)?.as_str()?.parse::<crate::units::Money>().ok().map(crate::units::Money::nanos)
    };
    Some((amount("x_PrepaidOpening")?, amount("x_PrepaidClosing")?))
}

/// Our own rules: what tells a plan from a bill.
fn plan(row: &Row<'_>, lint: &mut Lint) {
    if !row.is("x_RecordType", "Plan") {
        lint.at("F341", row.line, Some("x_RecordType"), "must say Plan".to_owned());
    }
    if row.get("InvoiceId").is_some() {
        lint.at("F342", row.line, Some("InvoiceId"), "a plan is on no invoice".to_owned());
    }
    if row.get("ChargeClass").is_some() {
        lint.at("F343", row.line, Some("ChargeClass"), "a plan corrects nothing".to_owned());
    }
    let replaces = row.is("ChargeCategory", "Usage") && !row.is("CommitmentDiscountStatus", "Unused");
    let expected = if replaces { row.decimal("ListCost") } else { Some(0) };
    if row.decimal("x_OnDemandEquivalentCost") != expected {
        let message = "is ListCost of what is used, and zero on purchases and unused parts".to_owned();
        lint.at("F344", row.line, Some("x_OnDemandEquivalentCost"), message);
    }
}
