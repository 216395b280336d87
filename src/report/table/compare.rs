//! Tables that set things side by side: utilization, plans, ways to pay.

use super::draw::{Draw, Tone};
use super::grid::{Column, Grid};
use super::{resource_name, signed_percent};
use crate::bill::{OfferKey, Ratio};
use crate::catalog::derivation::is_estimate;
use crate::catalog::{OfferKind, Payment, Term};
use crate::report::number::{Currency, grouped, percent};
use crate::report::view::{PlanReport, PurchaseRow, UtilizationRow};
use crate::units::ResourceName;

/// Where capacity goes, before and after: as many resources side by side as fit.
pub(super) fn utilization(report: &PlanReport, draw: &Draw) -> String {
    let mut resources: Vec<&str> = Vec::new();
    for row in &report.utilization {
        // Resources that nobody asks for say nothing about packing.
        if !resources.contains(&row.resource.as_str()) && row.demand > 0 {
            resources.push(&row.resource);
        }
    }
    if resources.is_empty() {
        return String::new();
    }
    let all: Vec<Vec<&UtilizationRow>> = resources
        .iter()
        .map(|name| report.utilization.iter().filter(|row| row.resource == *name).collect())
        .collect();
    let mut blocks: Vec<Grid> = Vec::new();
    let mut from = 0;
    while from < all.len() {
        let mut to = from + 1;
        let mut grid = ledger(&all[from..to], draw);
        while to < all.len() {
            let wider = ledger(&all[from..=to], draw);
            if wider.width() > draw.width {
                break;
            }
            grid = wider;
            to += 1;
        }
        blocks.push(grid);
        from = to;
    }
    let body: Vec<String> = blocks.into_iter().map(|grid| grid.render(draw)).collect();
    draw.section("Where capacity goes", "shares of capacity; limits of allocatable", &body.join("\n"))
}

/// One column per resource and plan, one row per use of capacity.
fn ledger(resources: &[Vec<&UtilizationRow>], draw: &Draw) -> Grid {
    let rows: Vec<&UtilizationRow> = resources.iter().flatten().copied().collect();
    let alone = resources.iter().all(|of_resource| of_resource.len() == 1);
    let mut columns = vec![Column::left("")];
    for of_resource in resources {
        for (index, row) in of_resource.iter().enumerate() {
            let when = if row.plan == "plan" { "after" } else { "before" };
            let name = resource_name(&row.resource, draw);
            let title = match (alone, index) {
                (true, _) => name,
                (false, 1..) if !draw.plain => when.to_owned(),
                (false, _) => format!("{name} {when}"),
            };
            columns.push(Column::right(&title));
        }
    }
    let mut grid = Grid::new(columns);
    let mut line = |name: &str, tone: Option<Tone>, cell: &dyn Fn(&UtilizationRow) -> String| {
        let mut cells = vec![name.to_owned()];
        cells.extend(rows.iter().map(|row| {
            let text = cell(row);
            tone.map_or(text.clone(), |tone| draw.paint(&text, tone))
        }));
        grid.row(cells);
    };
    line("capacity", None, &|row| amount(&row.resource, row.capacity));
    line("system", None, &|row| share(row, row.hypervisor + row.reserved));
    if rows.iter().any(|row| row.beyond_baseline > 0) {
        // Burstable types: what the price does not buy for good.
        line("burst only", None, &|row| share(row, row.beyond_baseline));
    }
    line("allocatable", None, &|row| share(row, row.allocatable));
    line("DaemonSets", None, &|row| share(row, row.daemon_sets));
    line("headroom", None, &|row| share(row, row.headroom));
    line("requests", Some(Tone::Strong), &|row| share(row, row.demand));
    line("stranded", None, &|row| share(row, row.stranded));
    line("idle", None, &|row| share(row, row.free - row.stranded.min(row.free)));
    line("limits", None, &|row| match row.overcommit.filter(|_| row.limits > 0) {
        Some(ratio) => manifold(ratio).unwrap_or_else(|| percent(ratio)),
        None => "none".to_owned(),
    });
    grid
}

/// `46 x`, from tenfold on, where a multiple says more than a percentage.
pub(in crate::report) fn manifold(ratio: Ratio) -> Option<String> {
    const ONE: i128 = Ratio::ONE.nanos();
    let multiple = u128::try_from((ratio.nanos() + ONE / 2) / ONE).ok()?;
    (multiple >= 10).then(|| format!("{} x", grouped(multiple)))
}

/// A part of the capacity.
pub(in crate::report) fn share(row: &UtilizationRow, part: u128) -> String {
    let ratio = i128::try_from(part)
        .ok()
        .zip(i128::try_from(row.capacity).ok())
        .and_then(|(part, whole)| Ratio::of_wide(part, whole));
    ratio.map(percent).unwrap_or_default()
}

/// An amount of a resource over many nodes: `1,234 vCPU`, `3.2 TiB`.
pub(in crate::report) fn amount(resource: &str, amount: u128) -> String {
    match ResourceName::from(resource) {
        ResourceName::Cpu if amount.is_multiple_of(1_000) => format!("{} vCPU", grouped(amount / 1_000)),
        ResourceName::Cpu => format!("{}.{} vCPU", grouped(amount / 1_000), amount % 1_000 / 100),
        name => match u64::try_from(amount) {
            Ok(amount) if name.is_bytes() => name.display(amount),
            _ => grouped(amount),
        },
    }
}

/// This plan beside the baselines.
pub(super) fn plans(report: &PlanReport, draw: &Draw) -> String {
    if report.plans.len() < 2 {
        return String::new();
    }
    let with_types = plans_grid(report, draw, true);
    let grid = if with_types.width() > draw.width { plans_grid(report, draw, false) } else { with_types };
    let mut body = grid.render(draw);
    if !draw.plain && report.plans.iter().any(|row| on_list_sizes(&row.plan)) {
        let legend = "One VM per replica and Supergiant-style fill machines to the size on the price list: nothing is kept for the system or for DaemonSets, so they may cost less than any cluster. The others buy the nodes that this plan may buy.";
        body.push_str(&draw.hanging("  ", legend));
    }
    if !draw.plain && report.survival.is_some() {
        let legend = "This plan has room for a loss; the others are not asked to survive one.";
        body.push_str(&draw.hanging("  ", legend));
    }
    draw.section("Beside other ways to plan", "on demand, a month", &body)
}

fn plans_grid(report: &PlanReport, draw: &Draw, types: bool) -> Grid {
    let currency = Currency::new(&report.catalog.currency)
        .aligned(report.plans.iter().map(|row| row.list_month.money()));
    let mut columns = vec![Column::shrinking("Plan"), Column::right("Nodes")];
    if types {
        columns.push(Column::right("Types"));
    }
    columns.extend([Column::right("Pods/node"), Column::right("Month"), Column::right("To plan")]);
    let mut grid = Grid::new(columns);
    for row in &report.plans {
        let mut label = draw.clean(&row.label);
        if row.plan == "plan" {
            label = draw.paint(&label, Tone::Strong);
        }
        let above = match (row.above_plan, row.pods_left_out > report.headline.pods_left_out) {
            (_, true) if row.pods_left_out == 1 => "1 pod fewer".to_owned(),
            (_, true) => format!("{} pods fewer", grouped(row.pods_left_out)),
            (Some(above), false) => {
                let multiple = Ratio::of_money(row.list_month.money(), report.headline.packed_month.money());
                multiple.and_then(manifold).unwrap_or_else(|| signed_percent(above))
            }
            (None, false) => String::new(),
        };
        let mut cells = vec![label, grouped(row.nodes)];
        if types {
            cells.push(grouped(row.instance_types));
        }
        cells.extend([
            row.pods_per_node.map(|d| d.fixed(1)).unwrap_or_default(),
            currency.short(row.list_month.money()),
            above,
        ]);
        grid.row(cells);
    }
    grid
}

/// Whether a baseline counts machines in full.
pub(in crate::report) fn on_list_sizes(id: &str) -> bool {
    id.starts_with("one-vm") || id == "current-types" || id == "supergiant"
}

/// Ways to pay for the nodes.
pub(super) fn purchases(report: &PlanReport, draw: &Draw) -> String {
    if report.purchase_options.len() < 2 {
        return String::new();
    }
    let rows: Vec<&PurchaseRow> = report
        .purchase_options
        .iter()
        .filter(|row| !repeats_reserved(row, &report.purchase_options))
        .collect();
    let hidden = rows.len() < report.purchase_options.len();
    let amounts = rows.iter().flat_map(|row| [row.upfront.money(), row.recurring_month.money()]);
    let currency = Currency::new(&report.catalog.currency).aligned(amounts);
    let wide = draw.fits(104);
    let mut columns = vec![
        Column::shrinking("Option"),
        Column::left("Pay"),
        Column::right("Upfront"),
        Column::right("Cash/month"),
        Column::right("Effective"),
        Column::right("Saving"),
        Column::right("Min use"),
    ];
    if wide {
        columns.push(Column::right("Pays off"));
        columns.push(Column::right("Covers"));
    }
    let mut grid = Grid::new(columns);
    for row in &rows {
        let mark = match (row.selected, draw.ascii) {
            (true, true) => "> ",
            (true, false) => "› ",
            (false, _) => "  ",
        };
        let derived = if row.derived.is_empty() { "" } else { "*" };
        let mut cells = vec![
            format!("{mark}{}{derived}", option_label(row)),
            payment(row).to_owned(),
            currency.short(row.upfront.money()),
            currency.short(row.recurring_month.money()),
            currency.short(row.effective_month.money()),
            row.saving.map(percent).unwrap_or_default(),
            row.break_even_utilization.map(|u| format!("{} %", u.percent(0))).unwrap_or_default(),
        ];
        if wide {
            cells.push(row.break_even_months.map(pays_off).unwrap_or_default());
            cells.push(row.coverage.map(percent).unwrap_or_default());
        }
        grid.row(cells);
    }
    let mut body = grid.render(draw);
    let legend = "Effective is amortised, a month; cash is what is due. Min use: the share of hours above which an option beats on demand. An option covers every node that has it.";
    body.push_str(&draw.hanging("  ", legend));
    for row in report.purchase_options.iter().filter(|r| r.selected && !r.types_on_demand.is_empty()) {
        let types: Vec<String> = row.types_on_demand.iter().map(|t| draw.clean(t)).collect();
        let text = format!("Stays on demand for want of this offer: {}.", types.join(", "));
        body.push_str(&draw.hanging("  ", &text));
    }
    if hidden {
        let text = "An EC2 Instance Savings Plan costs the same as the standard RI of its term and payment (derived): it has rows of its own in -f json and csv.";
        body.push_str(&draw.hanging("  ", text));
    }
    let shown = |rule: &str| rows.iter().any(|row| row.derived.iter().any(|name| name == rule));
    for (rule, reason) in report.catalog.derivations.iter().filter(|(rule, _)| shown(rule)) {
        // How far the rule was checked is told in JSON and by `catalog show`.
        let reason = if draw.plain { reason } else { reason.split("; ").next().unwrap_or(reason) };
        let how = if is_estimate(rule) { "rates ESTIMATED" } else { "rates derived" };
        let text = format!("{how} ({}): {}", draw.clean(rule).replace('_', " "), draw.clean(reason));
        body.push_str(&draw.hanging("  * ", &text));
    }
    draw.section("Ways to pay for these nodes", "month of 730 h", &body)
}

/// Whether a row is an EC2 Instance Savings Plan at the price of a standard reservation in `all`.
pub(in crate::report) fn repeats_reserved(row: &PurchaseRow, all: &[PurchaseRow]) -> bool {
    let Some(offer) = row.offer.filter(|o| o.kind == OfferKind::InstanceSavingsPlan && !row.selected) else {
        return false;
    };
    all.iter().any(|other| {
        other.offer.is_some_and(|o| {
            o.kind == OfferKind::ReservedStandard && o.term == offer.term && o.payment == offer.payment
        }) && other.upfront == row.upfront
            && other.recurring_month == row.recurring_month
            && other.coverage == row.coverage
    })
}

/// `1y standard RI`: short enough for a column.
pub(in crate::report) fn option_label(row: &PurchaseRow) -> String {
    let estimated = row.derived.iter().any(|rule| is_estimate(rule));
    match row.offer {
        // Short enough that no narrow table cuts the word off.
        Some(offer) if estimated => kind_of_offer(offer).replace("compute SP", "SP ESTIMATE"),
        Some(offer) => kind_of_offer(offer),
        None => row.label.clone(),
    }
}

/// `1y standard RI, partial`.
pub(super) fn short_offer(offer: OfferKey) -> String {
    format!("{}, {}", kind_of_offer(offer), payment_of_offer(offer))
}

fn kind_of_offer(offer: OfferKey) -> String {
    let term = match offer.term {
        Term::OneYear => "1y",
        Term::ThreeYears => "3y",
    };
    let kind = match offer.kind {
        OfferKind::ReservedStandard => "standard RI",
        OfferKind::ReservedConvertible => "convertible RI",
        OfferKind::InstanceSavingsPlan => "instance SP",
        OfferKind::ComputeSavingsPlan => "compute SP",
        OfferKind::ResourceCommitment => "resource CUD",
        OfferKind::FlexibleCommitment => "flexible CUD",
        OfferKind::AzureReservation => "reservation",
        OfferKind::AzureSavingsPlan => "savings plan",
    };
    format!("{term} {kind}")
}

/// How much of an offer is paid upfront.
pub(in crate::report) fn payment(row: &PurchaseRow) -> &'static str {
    row.offer.map_or("", payment_of_offer)
}

fn payment_of_offer(offer: OfferKey) -> &'static str {
    match offer.payment {
        Payment::NoUpfront => "hourly",
        Payment::PartialUpfront => "partial",
        Payment::AllUpfront => "upfront",
    }
}

/// `month 5.3`, `at once`.
pub(in crate::report) fn pays_off(months: Ratio) -> String {
    if months == Ratio::ZERO { "at once".to_owned() } else { format!("month {}", months.fixed(1)) }
}
