//! What to commit to over the horizon.

use super::length;
use super::money::{capital, spoken};
use super::part::{Block, Cell, Figure, Section, Table, clean, key, minus};
use crate::bill::{EffectiveCost, Ratio};
use crate::catalog::Payment;
use crate::report::chart::Tint;
use crate::report::chart::bars::{Bar, Part, bars};
use crate::report::number::{Currency, grouped};
use crate::report::table::purchase::pays_off;
use crate::report::table::signed_percent;
use crate::report::view::{PlanReport, ProposalRow, Purchases};
use crate::units::{HOURS_PER_YEAR, Money};

/// What to commit to, how good that is, and what happens when demand turns out otherwise.
pub(super) fn purchases(report: &PlanReport) -> Option<Section> {
    let purchases = report.purchases.as_ref()?;
    let hours = grouped(purchases.hours);
    let remark = format!("Over {hours} hours, expected over the scenarios. Everything here is a proposal.");
    let mut section = Section::new("commit", "What to commit to", "Commitments", &remark);
    let currency = Currency::new(&report.catalog.currency);
    section.blocks.push(Block::Figure(Box::new(steps(report, purchases))));
    let path = |field: &str| format!("/purchases/{field}");
    let mut facts = vec![
        ("On demand".to_owned(), Cell::money(currency, purchases.list.money(), &path("list"))),
        ("With purchases".to_owned(), Cell::money(currency, purchases.cost.money(), &path("cost"))),
        (
            "No purchases cost less than".to_owned(),
            Cell::money(currency, purchases.bound.money(), &path("bound")),
        ),
        ("Effective savings rate".to_owned(), Cell::share(purchases.savings_rate, &path("savings_rate"))),
        ("Coverage".to_owned(), Cell::share(purchases.coverage, &path("coverage"))),
        ("Obligation".to_owned(), Cell::money(currency, purchases.obligation.money(), &path("obligation"))),
        ("Paid upfront".to_owned(), Cell::money(currency, purchases.upfront.money(), &path("upfront"))),
        (
            "Worst-case loss".to_owned(),
            Cell::money(currency, purchases.worst_case_loss, &path("worst_case_loss")),
        ),
    ];
    if purchases.joint_bound > EffectiveCost::ZERO {
        let least = Cell::money(currency, purchases.joint_bound.money(), &path("joint_bound"));
        facts.push(("No nodes with any purchases cost less than".to_owned(), least));
    }
    if let Some(mean) = purchases.tail_mean {
        let mean = Cell::money(currency, mean.money(), &path("tail_mean"));
        facts.push(("Mean of the worst outcomes".to_owned(), mean));
    }
    section.blocks.push(Block::Facts(facts));
    section.blocks.push(Block::Table(proposals(report, currency, &purchases.rows)));
    if !purchases.sensitivity.is_empty() {
        let mut table = Table::new(
            "The same purchases when demand turns out otherwise",
            &["Demand", "#Without them", "#With them", "#Saved", "#Unused"],
        );
        for (index, row) in purchases.sensitivity.iter().enumerate() {
            let path = |field: &str| format!("/purchases/sensitivity/{index}/{field}");
            table.row(vec![
                Cell::text(match row.change {
                    Ratio::ZERO => "as planned".to_owned(),
                    change => minus(&signed_percent(change)),
                }),
                Cell::money(currency, row.without.money(), &path("without")),
                Cell::money(currency, row.cost.money(), &path("cost")),
                Cell::money(currency, row.saving, &path("saving")),
                Cell::money(currency, row.unused.money(), &path("unused")),
            ]);
        }
        section.blocks.push(Block::Table(table));
    }
    if purchases.scenarios.len() > 1 {
        let mut table = Table::new(
            "Scenarios",
            &["Scenario", "#Weight", "#On demand", "#Without purchases", "#With them", "#Unused"],
        );
        for (index, row) in purchases.scenarios.iter().enumerate() {
            let path = |field: &str| format!("/purchases/scenarios/{index}/{field}");
            table.row(vec![
                Cell::text(&row.name),
                Cell::share(Some(row.weight), &path("weight")),
                Cell::money(currency, row.list.money(), &path("list")),
                Cell::money(currency, row.without.money(), &path("without")),
                Cell::money(currency, row.cost.money(), &path("cost")),
                Cell::money(currency, row.unused.money(), &path("unused")),
            ]);
        }
        section.blocks.push(Block::Folded(table));
    }
    if !purchases.owned.is_empty() {
        let mut table = Table::new(
            "Owned already",
            &["Commitment", "Kind", "Ends", "#Utilization", "#Accrual", "#Unused"],
        );
        for (index, row) in purchases.owned.iter().enumerate() {
            let path = |field: &str| format!("/purchases/owned/{index}/{field}");
            table.row(vec![
                Cell::text(&row.commitment),
                Cell::text(&row.commitment_type),
                Cell::text(row.ends(report.scenario.start.as_deref(), purchases.hours)),
                Cell::share(row.utilization, &path("utilization")),
                Cell::money(currency, row.effective.money(), &path("effective")),
                Cell::money(currency, row.waste.money(), &path("waste")),
            ]);
        }
        section.blocks.push(Block::Folded(table));
    }
    section.blocks.push(Block::list(&purchases.assumptions));
    Some(section)
}

fn steps(report: &PlanReport, purchases: &Purchases) -> Figure {
    let currency = Currency::new(&report.catalog.currency)
        .aligned(purchases.steps.iter().flat_map(|step| [step.list.money(), step.cost.money()]));
    let whole = purchases.steps.iter().map(|step| step.cost.money()).max().unwrap_or(Money::ZERO);
    let mut table =
        Table::new("Step by step", &["Step", "#On demand", "#Amortised", "#Difference", "#Change"]);
    let mut drawn = Vec::new();
    for (index, row) in purchases.steps.iter().enumerate() {
        let path = |field: &str| format!("/purchases/steps/{index}/{field}");
        let cells = vec![
            Cell::text(capital(&row.label)),
            Cell::money(currency, row.list.money(), &path("list")),
            Cell::money(currency, row.cost.money(), &path("cost")),
            Cell::money(currency, row.change, &path("change")),
            Cell::change(row.change_share, &path("change_share")),
        ];
        if row.chosen {
            table.marked("chosen", cells)
        } else {
            table.row(cells)
        }
        let tint = if row.chosen { Tint::Reserved } else { Tint::Plan };
        drawn.push(Bar {
            label: capital(&clean(&row.label)),
            value: currency.short(row.cost.money()),
            strong: row.chosen,
            parts: vec![Part { from: 0.0, to: length(row.cost.money(), whole), tint }],
        });
    }
    let label = format!("Cost of each step. {}", spoken(&drawn));
    Figure::new(
        "purchase-steps",
        "From on demand to committed",
        "Packed first and then committed, or both decided together, whichever is cheaper.",
        vec![key(Tint::Reserved, "chosen"), key(Tint::Plan, "others")],
        table,
        |size| bars(size, &label, &drawn),
    )
}

/// How it is paid, in words.
fn payment(row: &ProposalRow) -> &'static str {
    match row.payment {
        Payment::NoUpfront => "no upfront",
        Payment::PartialUpfront => "partial upfront",
        Payment::AllUpfront => "all upfront",
    }
}

fn proposals(report: &PlanReport, currency: Currency<'_>, rows: &[ProposalRow]) -> Table {
    let mut table = Table::new(
        "What to buy (status: proposed)",
        &[
            "Offer",
            "Covers",
            "#Quantity",
            "#An hour",
            "#Upfront",
            "#Saves",
            "#Used",
            "#Covered",
            "#Least use",
            "#Pays off",
            "#Worst loss",
            "Begins",
        ],
    );
    for (index, row) in rows.iter().enumerate() {
        let path = |field: &str| format!("/purchases/rows/{index}/{field}");
        let years = row.term.hours() / HOURS_PER_YEAR;
        table.row(vec![
            Cell::text(format!("{}, {years} y, {}", row.commitment_type, payment(row))),
            Cell::text(&row.covers),
            Cell::number(clean(&format!(
                "{} {}",
                row.quantity,
                row.quoted_type.as_deref().unwrap_or(&row.unit)
            ))),
            Cell::rate(currency, row.rate.for_one_hour(), &path("rate")),
            Cell::money(currency, row.upfront.money(), &path("upfront")),
            Cell::money(currency, row.net_savings, &path("net_savings")),
            Cell::share(row.utilization, &path("utilization")),
            Cell::share(row.coverage, &path("coverage")),
            Cell::share(row.break_even_utilization, &path("break_even_utilization")),
            Cell::number(pays_off(row)),
            Cell::money(currency, row.worst_case_loss, &path("worst_case_loss")),
            Cell::text(row.begins(report.scenario.start.as_deref())),
        ]);
    }
    table
}
