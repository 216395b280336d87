//! Where the saving comes from, where the money goes, and how it can be paid.

use super::length;
use super::part::{Block, Cell, Figure, Section, Table, clean, key, minus};
use crate::bill::Ratio;
use crate::report::chart::bars::{Bar, Part, bars};
use crate::report::chart::columns::{Column, Over, columns};
use crate::report::chart::lines::{Axes, Line, Mark, lines};
use crate::report::chart::{Size, Tint};
use crate::report::number::{Currency, percent};
use crate::report::table::compare::{option_label, payment, pays_off, repeats_reserved};
use crate::report::table::signed_percent;
use crate::report::view::{CostUse, CostUseRow, PlanReport, PurchaseRow, uncommitted};
use crate::units::{HOURS_PER_MONTH, Money};

/// From before to packed to reserved, and what that money buys.
pub(super) fn savings(report: &PlanReport) -> Option<Section> {
    let remark = "Amortised cost of a month of 730 hours; a year has 8,760.";
    let mut section = Section::new("savings", "Where the saving comes from", "Savings", remark);
    let currency = Currency::new(&report.catalog.currency)
        .aligned(report.savings.iter().map(|step| step.effective_year.money()));
    let mut table = Table::new(
        "Cost step by step",
        &["Step", "#Nodes", "#An hour", "#A month", "#A year", "#Change", "#Of the first"],
    );
    for (index, step) in report.savings.iter().enumerate() {
        let path = |field: &str| format!("/savings/{index}/{field}");
        table.row(vec![
            Cell::text(capital(&step.label)),
            Cell::count(step.nodes, &path("nodes")),
            Cell::money(
                Currency::new(&report.catalog.currency),
                step.effective_hour.money(),
                &path("effective_hour"),
            ),
            Cell::money(currency, step.effective_month.money(), &path("effective_month")),
            Cell::money(currency, step.effective_year.money(), &path("effective_year")),
            Cell::change(step.change, &path("change")),
            Cell::share(step.share_of_first, &path("share_of_first")),
        ]);
    }
    let uses = uses(report);
    let rows = waterfall(report, currency);
    let caption = "Each step as a bar. Green is what the step saves; below, what the money that is left buys: \
                   each node's cost is split as the resource that fills it is split. The bill by owner splits \
                   nodes over cpu and memory by fixed prices instead, so its lines differ from these.";
    let mut keys = vec![
        key(Tint::Before, "before"),
        key(Tint::Plan, &format!("packed, {}", uncommitted(&report.nodes))),
    ];
    if report.headline.reserved_month.is_some() {
        keys.push(key(Tint::Reserved, "packed, reserved"));
    }
    keys.push(key(Tint::Good, "saved"));
    let label = format!("Waterfall of the monthly cost. {}", spoken(&rows));
    section.blocks.push(Block::Figure(Box::new(Figure::new(
        "waterfall",
        "From before to the plan",
        caption,
        keys,
        table,
        |size| bars(size, &label, &rows),
    ))));
    section.blocks.extend(uses.map(Block::Folded));
    Some(section)
}

/// Label and value of every bar, for a screen reader.
pub(super) fn spoken(rows: &[Bar]) -> String {
    rows.iter().map(|row| format!("{}: {}", row.label, row.value)).collect::<Vec<_>>().join("; ")
}

/// `packed` as a heading.
pub(super) fn capital(text: &str) -> String {
    if let Some(rest) = text.strip_prefix("cpu").filter(|rest| rest.is_empty() || rest.starts_with(' ')) {
        return format!("CPU{rest}");
    }
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn waterfall(report: &PlanReport, currency: Currency<'_>) -> Vec<Bar> {
    let amounts = || report.savings.iter().map(|step| step.effective_month.money());
    let whole = amounts().max().unwrap_or(Money::ZERO);
    let mut rows = Vec::new();
    let mut before: Option<Money> = None;
    for step in &report.savings {
        let amount = step.effective_month.money();
        if let Some(before) = before {
            let (what, tint) = match (step.step.as_str(), amount > before) {
                ("packed", false) => ("Packing saves", Tint::Good),
                ("packed", true) => ("Packing adds", Tint::Bad),
                (_, false) => ("Commitments save", Tint::Good),
                (_, true) => ("Commitments add", Tint::Bad),
            };
            let share = step.change.map(|c| format!(" ({})", minus(&signed_percent(c)))).unwrap_or_default();
            rows.push(Bar {
                label: what.to_owned(),
                value: format!("{}{share}", minus(&currency.short(amount - before))),
                strong: false,
                parts: vec![Part {
                    from: length(amount.min(before), whole),
                    to: length(amount.max(before), whole),
                    tint,
                }],
            });
        }
        let (label, tint) = match step.step.as_str() {
            "before" => ("Before".to_owned(), Tint::Before),
            "packed" => (format!("Packed, {}", uncommitted(&report.nodes)), Tint::Plan),
            "reserved" => ("Packed, reserved".to_owned(), Tint::Reserved),
            _ => (capital(&clean(&step.label)), Tint::Other),
        };
        rows.push(Bar {
            label,
            value: currency.short(amount),
            strong: true,
            parts: vec![Part { from: 0.0, to: length(amount, whole), tint }],
        });
        before = Some(amount);
    }
    let mut sum = Money::ZERO;
    for row in report.cost_uses.iter().filter(|row| row.effective_month.money() > Money::ZERO) {
        let end = sum + row.effective_month.money();
        rows.push(Bar {
            label: format!("of that: {}", use_words(row.used_for).0),
            value: amount_and_share(currency, row),
            strong: false,
            parts: vec![Part {
                from: length(sum, whole),
                to: length(end, whole),
                tint: use_words(row.used_for).1,
            }],
        });
        sum = end;
    }
    rows
}

fn amount_and_share(currency: Currency<'_>, row: &CostUseRow) -> String {
    let share = row.share.map(|share| format!(" ({})", percent(share))).unwrap_or_default();
    format!("{}{share}", currency.short(row.effective_month.money()))
}

/// What a use is called, its colour, and what it means.
fn use_words(used_for: CostUse) -> (&'static str, Tint, &'static str) {
    match used_for {
        CostUse::Pods => ("pods", Tint::Plan, "what pods are packed by"),
        CostUse::DaemonSets => ("DaemonSets", Tint::Agents, "agents that run on every node"),
        CostUse::Headroom => ("headroom", Tint::Headroom, "kept free on purpose, spare nodes included"),
        CostUse::System => ("system", Tint::System, "kept by hypervisor, kernel and kubelet"),
        CostUse::Idle => ("idle", Tint::Idle, "free on nodes on which some pod would still fit"),
        CostUse::Stranded => ("stranded", Tint::Bad, "free on nodes on which no pod fits any more"),
    }
}

fn uses(report: &PlanReport) -> Option<Table> {
    if report.cost_uses.is_empty() {
        return None;
    }
    let currency = Currency::new(&report.catalog.currency)
        .aligned(report.cost_uses.iter().map(|row| row.list_month.money()));
    let mut table = Table::new(
        "What the money of the nodes buys, a month",
        &["For", "#On demand", "#Amortised", "#Share", "That is"],
    );
    for (index, row) in report.cost_uses.iter().enumerate() {
        let (name, _, meaning) = use_words(row.used_for);
        table.row(vec![
            Cell::text(capital(name)),
            Cell::money(currency, row.list_month.money(), &format!("/cost_uses/{index}/list_month")),
            Cell::money(
                currency,
                row.effective_month.money(),
                &format!("/cost_uses/{index}/effective_month"),
            ),
            Cell::share(row.share, &format!("/cost_uses/{index}/share")),
            Cell::text(meaning),
        ]);
    }
    Some(table)
}

/// Ways to pay for the nodes.
pub(super) fn purchases(report: &PlanReport) -> Option<Section> {
    if report.purchase_options.len() < 2 {
        return None;
    }
    let remark = "The same nodes under each offer of the catalog; an option covers every node that has it.";
    let mut section = Section::new("pay", "Ways to pay for these nodes", "Ways to pay", remark);
    section.blocks.extend(break_even(report).map(|figure| Block::Figure(Box::new(figure))));
    section.blocks.push(Block::Table(options(report)));
    // Accounts say the same by calendar months, with what is owned.
    let cash = if report.accounts.is_none() { cash(report) } else { None };
    section.blocks.extend(cash.map(|figure| Block::Figure(Box::new(figure))));
    section.blocks.push(Block::text(
        "Amortised spreads an upfront payment over its term; cash is what is due. Least use is the share of \
         hours above which an option beats on demand.",
    ));
    for row in report.purchase_options.iter().filter(|r| r.selected && !r.types_on_demand.is_empty()) {
        let text = format!("Stays on demand for want of this offer: {}.", row.types_on_demand.join(", "));
        section.blocks.push(Block::text(text));
    }
    section.blocks.extend(commitments(report).map(Block::Folded));
    Some(section)
}

fn options(report: &PlanReport) -> Table {
    let amounts =
        report.purchase_options.iter().flat_map(|row| [row.upfront.money(), row.recurring_month.money()]);
    let currency = Currency::new(&report.catalog.currency).aligned(amounts);
    let mut table = Table::new(
        "Options, a month of 730 hours",
        &[
            "Option",
            "Payment",
            "#Upfront",
            "#Cash a month",
            "#Amortised",
            "#Saving",
            "#Least use",
            "#Pays off",
            "#Covers",
        ],
    );
    for (index, row) in report.purchase_options.iter().enumerate() {
        let path = |field: &str| format!("/purchase_options/{index}/{field}");
        let derived = if row.derived.is_empty() { "" } else { "*" };
        let chosen = if row.selected { " (chosen)" } else { "" };
        let cells = vec![
            Cell::text(format!("{}{derived}{chosen}", capital(&option_label(row)))),
            Cell::text(payment(row)),
            Cell::money(currency, row.upfront.money(), &path("upfront")),
            Cell::money(currency, row.recurring_month.money(), &path("recurring_month")),
            Cell::money(currency, row.effective_month.money(), &path("effective_month")),
            Cell::share(row.saving, &path("saving")),
            Cell::share(row.break_even_utilization, &path("break_even_utilization")),
            row.break_even_months.map(|months| Cell::number(pays_off(months))).unwrap_or_default(),
            Cell::share(row.coverage, &path("coverage")),
        ];
        if row.selected { table.marked("chosen", cells) } else { table.row(cells) }
    }
    table
}

/// Options on the chart beside the one that is chosen.
const CURVES: usize = 3;

/// Cost against use: on demand grows with it, a commitment does not.
fn break_even(report: &PlanReport) -> Option<Figure> {
    let offers = || {
        let all = &report.purchase_options;
        all.iter().filter(|row| {
            row.offer.is_some() && row.break_even_utilization.is_some() && !repeats_reserved(row, all)
        })
    };
    let mut shown: Vec<&PurchaseRow> = offers().filter(|row| row.selected).collect();
    // The chosen payment of the other terms and instruments, the cheapest first.
    let mut others: Vec<&PurchaseRow> = offers().filter(|row| !row.selected).collect();
    let paid = shown.first().and_then(|row| row.offer).map(|offer| offer.payment);
    others.sort_by_key(|row| (row.offer.map(|offer| offer.payment) != paid, row.effective_month));
    shown.extend(others.into_iter().take(CURVES));
    if shown.is_empty() {
        return None;
    }
    let list = report.headline.packed_month.money();
    let mut curves = vec![Line {
        tint: Tint::Before,
        points: vec![(0.0, 0.0), (100.0, length(list, list))],
        filled: false,
        dashed: false,
        dots: Vec::new(),
    }];
    let mut keys = vec![key(Tint::Before, "on demand: paid as used")];
    let mut marks = Vec::new();
    let tints = [Tint::Reserved, Tint::Headroom, Tint::Other, Tint::Agents];
    for (row, tint) in shown.iter().zip(tints) {
        // What an offer does not cover goes on being paid as it is used.
        let coverage = row.coverage.map_or(1.0, share);
        let committed = length(row.effective_month.money(), list) - (1.0 - coverage);
        curves.push(Line {
            tint,
            points: vec![(0.0, committed), (100.0, committed + (1.0 - coverage))],
            filled: false,
            dashed: !row.selected,
            dots: Vec::new(),
        });
        let least = row.break_even_utilization.map(percent).unwrap_or_default();
        keys.push(key(tint, &format!("{}, {}: from {least} of the hours", option_label(row), payment(row))));
        if row.selected {
            marks.extend(
                row.break_even_utilization
                    .map(|at| Mark { x: share(at) * 100.0, label: format!("pays from {least}") }),
            );
        }
    }
    let mut table = Table::new(
        "Use from which each option pays",
        &["Option", "Payment", "#Least use", "#Saving at full use"],
    );
    for row in &shown {
        table.row(vec![
            Cell::text(capital(&option_label(row))),
            Cell::text(payment(row)),
            Cell::number(row.break_even_utilization.map(percent).unwrap_or_default()),
            Cell::number(row.saving.map(percent).unwrap_or_default()),
        ]);
    }
    let top = curves.iter().flat_map(|line| &line.points).map(|point| point.1).fold(0.0, f64::max) * 1.05;
    let whole = Currency::new(&report.catalog.currency).aligned([list]);
    let axes = Axes {
        x: (0.0, 100.0),
        y: (0.0, top),
        x_title: "share of the hours in which the nodes run",
        x_words: &|x| format!("{x:.0} %"),
        x_ticks: &[],
        y_words: &|y| whole.short(scaled(list, y)),
    };
    let label =
        "Monthly cost against the share of hours in which the nodes run, on demand and under commitments.";
    Some(Figure::new(
        "break-even",
        "From which use on a commitment pays",
        "A commitment costs the same however little the nodes run. Left of the crossing on demand is cheaper, \
         right of it the commitment.",
        keys,
        table,
        |size: Size| lines(size, label, &axes, &curves, &marks),
    ))
}

/// What is paid when, under the chosen commitment, against what each month bears of it.
fn cash(report: &PlanReport) -> Option<Figure> {
    let row = report.purchase_options.iter().find(|row| row.selected)?;
    let months = row.offer?.term.hours() / HOURS_PER_MONTH;
    let (upfront, monthly) = (row.upfront.money(), row.recurring_month.money());
    let (accrued, list) = (row.effective_month.money(), row.list_month.money());
    let whole = upfront + monthly;
    let currency = Currency::new(&report.catalog.currency).aligned([whole, list]);
    let mut table = Table::new(
        "Month by month",
        &[
            "#Month",
            "#Cash upfront",
            "#Cash as used",
            "#Amortised",
            "#Cash so far",
            "#Amortised so far",
            "#On demand so far",
        ],
    );
    let mut drawn = Vec::new();
    for month in 1..=months {
        let first = if month == 1 { upfront } else { Money::ZERO };
        let so_far = |each: Money| each.checked_mul(i128::from(month)).expect("no bill reaches 10^29");
        let amount = |money| Cell::number(currency.short(money));
        table.row(vec![
            Cell::number(month.to_string()),
            amount(first),
            amount(monthly),
            amount(accrued),
            amount(upfront + so_far(monthly)),
            amount(so_far(accrued)),
            amount(so_far(list)),
        ]);
        drawn.push(Column {
            label: month.to_string(),
            parts: vec![(length(monthly, whole), Tint::Plan), (length(first, whole), Tint::Headroom)],
        });
    }
    let level = |tint, money| Over { tint, heights: vec![length(money, whole); drawn.len()] };
    let over = [level(Tint::Before, list), level(Tint::Reserved, accrued)];
    let words = |share: f64| currency.short(scaled(whole, share));
    let label = format!(
        "Cash and amortised cost by month under {}: {} upfront, {} every month; amortised {} a month.",
        clean(&row.label),
        currency.short(upfront),
        currency.short(monthly),
        currency.short(accrued),
    );
    Some(Figure::new(
        "cash",
        "Cash against amortised cost, by month",
        &format!(
            "Under the chosen option: {}. Columns are what is due, lines what a month bears.",
            row.label
        ),
        vec![
            key(Tint::Headroom, "cash upfront"),
            key(Tint::Plan, "cash as used"),
            key(Tint::Reserved, "amortised"),
            key(Tint::Before, "on demand"),
        ],
        table,
        |size| columns(size, &label, &words, &drawn, &over),
    ))
}

/// For a place on paper.
pub(super) fn share(ratio: Ratio) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "a place on paper")]
    {
        ratio.nanos() as f64 / 1e9
    }
}

/// A figure of an axis.
pub(super) fn scaled(whole: Money, share: f64) -> Money {
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a figure of an axis")]
    {
        Money::from_nanos((whole.nanos() as f64 * share).round() as i128)
    }
}

/// What the chosen option commits to.
fn commitments(report: &PlanReport) -> Option<Table> {
    let chosen = report.purchase_options.iter().find(|row| row.selected)?;
    let currency = Currency::new(&report.catalog.currency);
    let mut table = Table::new(
        "What the chosen option commits to",
        &[
            "Commitment",
            "Covers",
            "Type",
            "#Quantity",
            "#Upfront each",
            "#Recurring rate",
            "#Amortised rate",
            "#On-demand rate",
            "#Least use",
            "Rate is",
        ],
    );
    for (index, row) in report.commitments.iter().enumerate().filter(|(_, row)| row.option == chosen.option) {
        let path = |field: &str| format!("/commitments/{index}/{field}");
        table.row(vec![
            Cell::text(&row.commitment),
            Cell::text(&row.covers),
            Cell::text(&row.instance_type),
            Cell::count(row.quantity, &path("quantity")),
            Cell::money(currency, row.upfront_each, &path("upfront_each")),
            Cell::rate(currency, row.recurring_rate.for_one_hour(), &path("recurring_rate")),
            Cell::rate(currency, row.effective_rate.for_one_hour(), &path("effective_rate")),
            Cell::rate(currency, row.on_demand_rate.for_one_hour(), &path("on_demand_rate")),
            Cell::share(row.break_even_utilization, &path("break_even_utilization")),
            Cell::text(row.provenance.replace('_', " ")),
        ]);
    }
    (!table.rows.is_empty()).then_some(table)
}
