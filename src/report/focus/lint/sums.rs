//! Rules over many rows: sums per commitment, values that stay the same, ids that do not repeat.

use std::collections::{BTreeMap, HashSet};

use super::{Lint, Row};

/// Columns with one value in the whole file.
const CONSTANT: [&str; 4] = ["BillingCurrency", "BillingAccountId", "x_ScenarioId", "x_InputHash"];

/// Columns with one value per commitment.
const CONSTANT_PER_COMMITMENT: [&str; 4] = [
    "CommitmentDiscountCategory",
    "CommitmentDiscountType",
    "CommitmentDiscountUnit",
    "CommitmentDiscountName",
];

/// What is added up while reading.
#[derive(Default)]
pub(super) struct Sums {
    constants: BTreeMap<&'static str, String>,
    commitments: BTreeMap<String, Commitment>,
    lines: HashSet<String>,
}

/// One commitment; amounts in units of 10^-9.
#[derive(Default)]
struct Commitment {
    constants: BTreeMap<&'static str, String>,
    billed: i128,
    effective: i128,
    one_time: Option<i128>,
    recurring: Option<i128>,
    drawn: i128,
    /// Prepaid before the file less prepaid after it, where a part of the term is outside.
    outside: Option<i128>,
    /// Units bought by month of recurring purchase, and drawn by month.
    bought_by_period: BTreeMap<String, i128>,
    drawn_by_period: BTreeMap<String, i128>,
}

impl Sums {
    pub(super) fn add(&mut self, row: &Row<'_>, lint: &mut Lint) {
        for column in CONSTANT {
            same(&mut self.constants, column, row, lint, "F401", "differs from the rows before");
        }
        if let Some(id) = row.get("x_PlanLineId")
            && !self.lines.insert(id.to_owned())
        {
            lint.at("F402", row.line, Some("x_PlanLineId"), format!("`{id}` stands twice"));
        }
        let Some(id) = row.get("CommitmentDiscountId") else {
            return;
        };
        let commitment = self.commitments.entry(id.to_owned()).or_default();
        for column in CONSTANT_PER_COMMITMENT {
            same(&mut commitment.constants, column, row, lint, "F403", "changes within its commitment");
        }
        let quantity = row.decimal("CommitmentDiscountQuantity").unwrap_or(0);
        let period = row.get("ChargePeriodStart").unwrap_or_default().to_owned();
        if row.is("ChargeCategory", "Adjustment") {
            let (opening, closing) = super::rules::balance(row).unwrap_or_default();
            *commitment.outside.get_or_insert(0) += opening - closing;
        } else if row.is("ChargeCategory", "Purchase") {
            commitment.billed += row.decimal("BilledCost").unwrap_or(0);
            if row.is("ChargeFrequency", "One-Time") {
                *commitment.one_time.get_or_insert(0) += quantity;
            } else {
                *commitment.recurring.get_or_insert(0) += quantity;
                *commitment.bought_by_period.entry(period).or_default() += quantity;
            }
        } else {
            commitment.effective += row.decimal("EffectiveCost").unwrap_or(0);
            commitment.drawn += quantity;
            *commitment.drawn_by_period.entry(period).or_default() += quantity;
        }
    }

    pub(super) fn check(&self, lint: &mut Lint) {
        for (id, commitment) in &self.commitments {
            let mut broken = |rule: &'static str, column: &str, message: &str| {
                lint.file(rule, Some(column), format!("{id}: {message}"));
            };
            if commitment.effective != commitment.billed + commitment.outside.unwrap_or(0) {
                broken(
                    "F411",
                    "EffectiveCost",
                    "over the term, effective cost of usage is not the billed cost of purchases",
                );
            }
            // A fee at the start is for the whole term, of which the file may have a part.
            let once = commitment.one_time.filter(|_| commitment.outside.is_none());
            for bought in [once, commitment.recurring].into_iter().flatten() {
                if bought != commitment.drawn {
                    broken(
                        "F412",
                        "CommitmentDiscountQuantity",
                        "used and unused units are not the units bought for the term",
                    );
                }
            }
            let bought = commitment.one_time.is_some() || commitment.recurring.is_some();
            if !bought && commitment.outside.is_none() {
                broken("F413", "CommitmentDiscountId", "is used and never bought");
            }
            if commitment.recurring.is_some() && commitment.bought_by_period != commitment.drawn_by_period {
                broken(
                    "F414",
                    "CommitmentDiscountQuantity",
                    "used and unused units of a month are not the units bought for it",
                );
            }
        }
    }
}

/// Finds a column whose value changes.
fn same(
    constants: &mut BTreeMap<&'static str, String>,
    column: &'static str,
    row: &Row<'_>,
    lint: &mut Lint,
    rule: &'static str,
    message: &str,
) {
    let value = row.get(column).unwrap_or_default();
    match constants.get(column) {
        Some(known) if known == value => {}
        Some(_) => lint.at(rule, row.line, Some(column), message.to_owned()),
        None => {
            constants.insert(column, value.to_owned());
        }
    }
}
