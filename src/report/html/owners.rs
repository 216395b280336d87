//! Who causes the cost, and cash against accrual.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::length;
use super::money::{scaled, spoken};
use super::part::{Block, Cell, Figure, Section, Table, clean, key};
use crate::report::chart::Tint;
use crate::report::chart::bars::{Bar, Part, bars};
use crate::report::chart::columns::{Column, Over, columns};
use crate::report::number::{Currency, grouped, percent};
use crate::report::showback::PeriodCost;
use crate::report::view::{Accounts, IdleBy, PlanReport, ShowbackLine, ShowbackReport, ShowbackRow};
use crate::units::{HOURS_PER_MONTH, Money};

/// Labels beside the namespace by which the cost is shown without being asked.
const LABELS: usize = 2;

/// The bill by namespace, by the labels that say who owns workloads, and by what was asked for.
pub(super) fn showback(report: &PlanReport) -> Option<Section> {
    let asked = report.showback.as_ref();
    if asked.is_none() && report.nodes.is_empty() {
        return None;
    }
    let remark =
        "Amortised cost: what pods ask for is their owner's, what nobody asked for has lines of its own.";
    let mut section = Section::new("owners", "Who causes the cost", "Owners", remark);
    if let Some(bill) = asked {
        section.blocks.push(Block::Figure(Box::new(owners("showback", report, bill, true))));
        section.blocks.push(Block::list(&bill.basis));
    }
    let mut labels: BTreeMap<&str, usize> = BTreeMap::new();
    for label in report.workloads.iter().flat_map(|row| row.owners.keys()) {
        *labels.entry(label.as_str()).or_default() += 1;
    }
    // What most workloads have, by name where that is equal.
    let mut labels: Vec<(&str, usize)> = labels.into_iter().collect();
    labels.sort_by_key(|&(label, workloads)| (Reverse(workloads), label));
    let labels = labels.into_iter().take(LABELS).map(|(label, _)| label);
    let month = PeriodCost::of_headline(report);
    let wanted = std::iter::once("namespace").chain(labels);
    let wanted = wanted.filter(|label| asked.is_none_or(|bill| bill.label != *label));
    for (label, id) in wanted.zip(["by-namespace", "by-label", "by-other-label"]) {
        let bill = ShowbackReport::of(report, label, IdleBy::Cluster, &month);
        section.blocks.push(Block::Figure(Box::new(owners(id, report, &bill, false))));
    }
    section.blocks.push(Block::text(
        "Each node's cost is split 9 : 1 between a vCPU and a GiB of memory, for these lines alone; the waterfall \
         splits it as the resource is split that fills the node. So the lines for system, DaemonSets, headroom \
         and idle room differ from those there.",
    ));
    Some(section)
}

/// Owners on the chart; all are in the table.
const OWNERS: usize = 24;

/// One way to divide the bill; `in_json` where the JSON form has it too.
fn owners(id: &'static str, report: &PlanReport, bill: &ShowbackReport, in_json: bool) -> Figure {
    let amounts = || bill.rows.iter().filter(|row| row.line != ShowbackLine::Total);
    let full = |row: &ShowbackRow| row.with_shared.unwrap_or(row.direct).money();
    let whole = amounts().map(full).max().unwrap_or(Money::ZERO);
    let currency = Currency::new(&report.catalog.currency).aligned(bill.rows.iter().map(full));
    let mut table = Table::new(
        "Lines of the bill: all but the share of idle cost sum to the total",
        &[
            "Line",
            "#CPU",
            "#Memory",
            "#Accelerators",
            "#Own cost",
            "#Share of idle",
            "#With it",
            "#Of the bill",
        ],
    );
    for (index, row) in bill.rows.iter().enumerate() {
        let path = |field: &str| format!("/showback/rows/{index}/{field}");
        let money = |amount: Option<crate::bill::EffectiveCost>, field| match amount {
            Some(amount) if in_json => Cell::money(currency, amount.money(), &path(field)),
            Some(amount) => Cell::number(currency.short(amount.money())),
            None => Cell::default(),
        };
        let cells = vec![
            Cell::text(name(row)),
            money(row.cpu, "cpu"),
            money(row.memory, "memory"),
            money(row.accelerator, "accelerator"),
            money(Some(row.direct), "direct"),
            money(row.shared, "shared"),
            money(row.with_shared, "with_shared"),
            match row.share {
                share if in_json => Cell::share(share, &path("share")),
                share => Cell::number(share.map(percent).unwrap_or_default()),
            },
        ];
        if row.line == ShowbackLine::Total { table.marked("total", cells) } else { table.row(cells) }
    }
    let mut shown: Vec<&ShowbackRow> = amounts().filter(|row| row.line == ShowbackLine::Owner).collect();
    shown.sort_by_key(|row| std::cmp::Reverse(full(row)));
    let all = shown.len();
    shown.truncate(OWNERS);
    let dearest = match all > OWNERS {
        true => format!(" The {OWNERS} dearest of {}; all are in the table.", grouped(all as u64)),
        false => String::new(),
    };
    shown.extend(amounts().filter(|row| row.line != ShowbackLine::Owner && row.direct.money() > Money::ZERO));
    let drawn: Vec<Bar> = shown
        .into_iter()
        .map(|row| {
            let parts = match row.line {
                ShowbackLine::Owner => vec![
                    (row.cpu, Tint::Plan),
                    (row.memory, Tint::Reserved),
                    (row.accelerator, Tint::Other),
                    (row.shared, Tint::Idle),
                ],
                ShowbackLine::DaemonSets => vec![(Some(row.direct), Tint::Agents)],
                ShowbackLine::Headroom => vec![(Some(row.direct), Tint::Headroom)],
                ShowbackLine::SystemReserved => vec![(Some(row.direct), Tint::System)],
                ShowbackLine::Idle => vec![(Some(row.direct), Tint::Idle)],
                _ => vec![(Some(row.direct), Tint::Bad)],
            };
            let mut sum = Money::ZERO;
            let parts = parts.into_iter().filter_map(|(cost, tint)| cost.map(|cost| (cost.money(), tint)));
            let parts = parts.map(|(cost, tint)| {
                let from = length(sum, whole);
                sum = sum + cost;
                Part { from, to: length(sum, whole), tint }
            });
            let share = row.share.map(|share| format!(" ({})", percent(share))).unwrap_or_default();
            Bar {
                label: clean(&name(row)),
                strong: row.line == ShowbackLine::Owner,
                parts: parts.collect(),
                value: format!("{}{share}", currency.short(row.direct.money())),
            }
        })
        .collect();
    let accelerators = bill.rows.iter().any(|row| row.accelerator.is_some_and(|c| c.money() > Money::ZERO));
    let mut keys = vec![(Tint::Plan, "cpu"), (Tint::Reserved, "memory")];
    keys.extend(accelerators.then_some((Tint::Other, "accelerators")));
    keys.push((Tint::Idle, "idle, and the share of it that is offered to owners"));
    let period = match bill.hours {
        HOURS_PER_MONTH if in_json => "A month of 730 hours.".to_owned(),
        HOURS_PER_MONTH => "A month of the plan's nodes as the headline counts them.".to_owned(),
        hours => format!("{} hours.", grouped(hours)),
    };
    let label = format!("Cost by {}. {}", clean(&bill.label), spoken(&drawn));
    Figure::new(
        id,
        &format!("Cost by {}", bill.label),
        &format!("{period} Figures are without the share of idle cost.{dearest}"),
        keys.into_iter().map(|(tint, text)| key(tint, text)).collect(),
        table,
        |size| bars(size, &label, &drawn),
    )
}

fn name(row: &ShowbackRow) -> String {
    match (row.line, &row.owner) {
        (ShowbackLine::Owner, Some(owner)) if owner == crate::bill::showback::UNALLOCATED => {
            "without the label".to_owned()
        }
        (ShowbackLine::Owner, owner) => owner.clone().unwrap_or_default(),
        (ShowbackLine::SystemReserved, _) => "System".to_owned(),
        (ShowbackLine::DaemonSets, _) => "DaemonSets".to_owned(),
        (ShowbackLine::Headroom, _) => "Headroom".to_owned(),
        (ShowbackLine::Idle, _) => "Idle".to_owned(),
        (ShowbackLine::UnusedCommitment, _) => "Unused commitments".to_owned(),
        (ShowbackLine::Overhead, _) => "Cluster fee".to_owned(),
        (ShowbackLine::Total, _) => "Total".to_owned(),
    }
}

/// Cash and accrual month by month, with what is prepaid.
pub(super) fn accounts(report: &PlanReport) -> Option<Section> {
    let accounts = report.accounts.as_ref()?;
    let from = accounts.start.as_deref().map(|day| format!(" from {day}")).unwrap_or_default();
    let remark =
        format!("Every month{from} under everything that is held; what is due, and what a month bears.");
    let mut section = Section::new("cash-flow", "Cash against accrual", "Cash", &remark);
    section.blocks.push(Block::Figure(Box::new(months(report, accounts))));
    let currency = Currency::new(&report.catalog.currency);
    let mut spans =
        Table::new("Together", &["#Months", "#On demand", "#Cash", "#Accrual", "#Effective savings rate"]);
    for (index, row) in accounts.spans.iter().enumerate() {
        let path = |field: &str| format!("/accounts/spans/{index}/{field}");
        spans.row(vec![
            Cell::count(row.months, &path("months")),
            Cell::money(currency, row.list.money(), &path("list")),
            Cell::money(currency, row.billed.money(), &path("billed")),
            Cell::money(currency, row.effective.money(), &path("effective")),
            Cell::share(row.effective_savings_rate, &path("effective_savings_rate")),
        ]);
    }
    section.blocks.push(Block::Table(spans));
    if let Some(text) = accounts.paid_less() {
        section.blocks.push(Block::text(text));
    }
    let mut held = Table::new(
        "Commitments held",
        &[
            "Commitment",
            "Status",
            "Kind",
            "Covers",
            "#Quantity",
            "#Accrual",
            "#Unused",
            "#Utilization",
            "#Net savings",
        ],
    );
    for (index, row) in accounts.held.iter().enumerate() {
        let path = |field: &str| format!("/accounts/held/{index}/{field}");
        held.row(vec![
            Cell::text(&row.id),
            Cell::text(&row.status),
            Cell::text(&row.commitment_type),
            Cell::text(&row.covers),
            Cell::count(row.quantity, &path("quantity")),
            Cell::money(currency, row.effective.money(), &path("effective")),
            Cell::money(currency, row.unused.money(), &path("unused")),
            Cell::share(row.utilization, &path("utilization")),
            Cell::money(currency, row.net_savings, &path("net_savings")),
        ]);
    }
    if !held.rows.is_empty() {
        section.blocks.push(Block::Folded(held));
    }
    section.blocks.push(Block::list(&accounts.basis));
    Some(section)
}

fn months(report: &PlanReport, accounts: &Accounts) -> Figure {
    let rows = &accounts.months;
    let most = rows.iter().flat_map(|row| [row.billed.money(), row.effective.money(), row.list.money()]);
    let whole = most.max().unwrap_or(Money::ZERO);
    let currency = Currency::new(&report.catalog.currency).aligned([whole]);
    let mut table = Table::new(
        "Month by month",
        &[
            "Month",
            "#Cash upfront",
            "#Cash recurring",
            "#Cash as used",
            "#All cash",
            "#Accrual",
            "#Unused",
            "#On demand",
            "#Prepaid before",
            "#Prepaid after",
        ],
    );
    let mut drawn = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let cell = |money: Money, field: &str| {
            Cell::money(currency, money, &format!("/accounts/months/{index}/{field}"))
        };
        table.row(vec![
            Cell::text(&row.month),
            cell(row.upfront.money(), "upfront"),
            cell(row.recurring.money(), "recurring"),
            cell(row.as_used.money(), "as_used"),
            cell(row.billed.money(), "billed"),
            cell(row.effective.money(), "effective"),
            cell(row.unused.money(), "unused"),
            cell(row.list.money(), "list"),
            cell(row.prepaid_opening, "prepaid_opening"),
            cell(row.prepaid_closing, "prepaid_closing"),
        ]);
        drawn.push(Column {
            label: clean(&row.month),
            parts: vec![
                (length(row.as_used.money(), whole), Tint::Plan),
                (length(row.recurring.money(), whole), Tint::Agents),
                (length(row.upfront.money(), whole), Tint::Headroom),
            ],
        });
    }
    let over = [
        Over {
            tint: Tint::Before,
            heights: rows.iter().map(|row| length(row.list.money(), whole)).collect(),
        },
        Over {
            tint: Tint::Reserved,
            heights: rows.iter().map(|row| length(row.effective.money(), whole)).collect(),
        },
    ];
    let words = |share: f64| currency.short(scaled(whole, share));
    Figure::new(
        "accounts",
        "Cash against accrual, by month",
        "Columns are what is due in a month; lines are what the month bears and what it would cost on demand.",
        vec![
            key(Tint::Headroom, "cash upfront"),
            key(Tint::Agents, "cash, recurring"),
            key(Tint::Plan, "cash as used"),
            key(Tint::Reserved, "accrual"),
            key(Tint::Before, "on demand"),
        ],
        table,
        |size| columns(size, "Cash and accrual of every month.", &words, &drawn, &over),
    )
}
