//! What to commit to: three steps, proposals, scenarios, sensitivity, what is owned.

use super::draw::{Draw, Tone};
use super::grid::{Column, Grid};
use super::signed_percent;
use crate::bill::Ratio;
use crate::catalog::{Payment, Term};
use crate::report::number::{Currency, gap_percent, grouped, percent};
use crate::report::purchase::ESTIMATE;
use crate::report::view::{PlanReport, ProposalRow, Purchases};
use crate::units::Money;

pub(super) fn purchase(report: &PlanReport, draw: &Draw) -> String {
    let Some(purchases) = &report.purchases else { return String::new() };
    let mut sections = vec![steps(report, purchases, draw), owned(report, purchases, draw)];
    sections.push(proposals(report, purchases, draw));
    sections.push(sensitivity(report, purchases, draw));
    sections.retain(|section| !section.is_empty());
    sections.join("\n")
}

fn steps(report: &PlanReport, purchases: &Purchases, draw: &Draw) -> String {
    let amounts = purchases.steps.iter().map(|s| s.cost.money());
    let currency = Currency::new(&report.catalog.currency).aligned(amounts);
    let mut grid = Grid::new(vec![
        Column::shrinking("Step"),
        Column::right("Cost"),
        Column::right("Month"),
        Column::right("Change"),
        Column::right(""),
        Column::right("Saved"),
    ]);
    for (index, step) in purchases.steps.iter().enumerate() {
        let mark = match (step.chosen, draw.ascii) {
            (true, true) => "> ",
            (true, false) => "› ",
            (false, _) => "  ",
        };
        let rate = crate::bill::effective_savings_rate(step.list, step.cost);
        grid.row(vec![
            format!("{mark}{}", draw.clean(&step.label)),
            currency.short(step.cost.money()),
            currency.short(purchases.month(step.cost.money())),
            if index > 0 { signed(currency, step.change) } else { String::new() },
            step.change_share.filter(|_| index > 0).map(signed_percent).unwrap_or_default(),
            rate.map(percent).unwrap_or_default(),
        ]);
    }
    let mut body = grid.render(draw);
    body.push_str(
        &draw.hanging("  ", "Saved: effective savings rate, 1 - amortised / on demand of the same nodes."),
    );
    if let Some(coverage) = purchases.coverage.filter(|_| !purchases.rows.is_empty()) {
        let words = format!(
            "These purchases{} cover {} of the on-demand equivalent and oblige to {}, {} of it {}.",
            if purchases.owned.is_empty() { "" } else { " and what is owned" },
            percent(coverage),
            currency.short(purchases.obligation.money()),
            currency.short(purchases.upfront.money()),
            if purchases.some_later() { "upfront, whenever one begins" } else { "at the start" },
        );
        body.push_str(&draw.hanging("  ", &words));
    }
    body.push_str(&draw.hanging("  ", &bounds(purchases)));
    let loss = purchases.worst_case_loss;
    let least =
        purchases.scenarios.iter().min_by_key(|s| s.list).map(|s| s.name.as_str()).unwrap_or_default();
    if purchases.scenarios.len() > 1 {
        let text = if loss > Money::ZERO {
            let text = format!(
                "If demand turns out {least}, they cost {} more than buying nothing.",
                currency.short(loss)
            );
            draw.paint(&text, Tone::Bad)
        } else {
            format!("Even if demand turns out {least}, they cost no more than buying nothing.")
        };
        body.push_str(&draw.hanging("  ", &draw.clean(&text)));
        let without = if purchases.owned.is_empty() { "on demand" } else { "with what is owned" };
        for s in &purchases.scenarios {
            let text = format!(
                "{} ({}): {} {without}, {} with the purchases, of which {} unused",
                draw.clean(&s.name),
                percent(s.weight),
                currency.short(s.without.money()),
                currency.short(s.cost.money()),
                currency.short(s.unused.money())
            );
            body.push_str(&draw.hanging("  - ", &text));
        }
    }
    if let Some(mean) = purchases.tail_mean {
        let text = format!("Mean of the worst outcomes asked about: {}.", currency.short(mean.money()));
        body.push_str(&draw.hanging("  ", &text));
    }
    let title = format!("amortised over {} hours, expected", grouped(purchases.hours));
    draw.section("What to commit to", &title, &body)
}

/// How far the cost is from the least that it could be.
fn bounds(purchases: &Purchases) -> String {
    let gap = |bound: Money| Ratio::gap(purchases.cost.money(), bound).filter(|_| bound > Money::ZERO);
    let within = |gap: Ratio, what: &str| match gap == Ratio::ZERO {
        true => format!("no {what} cost less"),
        false => format!("they cost at most {} more than the best {what}", gap_percent(gap)),
    };
    let purchases_gap = gap(purchases.bound.money()).map(|g| within(g, "purchases for these nodes"));
    let joint = gap(purchases.joint_bound.money()).map(|g| within(g, "nodes with any purchases"));
    let known: Vec<String> = purchases_gap.into_iter().chain(joint).collect();
    match known.is_empty() {
        true => "How far that is from the best purchases is not known.".to_owned(),
        false => format!("Certified: {}.", known.join("; ")),
    }
}

fn signed(currency: Currency<'_>, money: Money) -> String {
    let sign = if money > Money::ZERO { "+" } else { "" };
    format!("{sign}{}", currency.short(money))
}

/// Proposals that are shown in a table; all are in JSON and CSV.
const SHOWN: usize = 20;

fn proposals(report: &PlanReport, purchases: &Purchases, draw: &Draw) -> String {
    if purchases.rows.is_empty() {
        let text = "Nothing: on demand costs least, as far as the offers and limits allow.";
        return draw.section("Commitment plan", "status: proposed", &draw.hanging("  ", text));
    }
    let amounts = purchases.rows.iter().map(|row| row.upfront.money());
    let currency = Currency::new(&report.catalog.currency);
    let upfront = currency.aligned(amounts);
    let wide = draw.fits(130);
    let start = report.scenario.start.as_deref();
    let mut columns = vec![Column::shrinking("Offer"), Column::left("How much")];
    if wide {
        columns.push(Column::left("Covers"));
    }
    columns.extend([
        Column::right("Upfront"),
        Column::right("Hour"),
        Column::right("Min use"),
        Column::right("Used"),
        Column::right("Covered"),
    ]);
    if wide {
        columns.push(Column::right("Pays off"));
        columns.push(Column::right("Saves"));
        columns.push(Column::right("Worst loss"));
        columns.push(Column::left("Begins"));
    }
    let mut grid = Grid::new(columns);
    let shown = if draw.plain { purchases.rows.len() } else { SHOWN };
    for row in purchases.rows.iter().take(shown) {
        let quantity = match &row.quoted_type {
            Some(quoted) => format!("{} {}", row.quantity, draw.clean(quoted)),
            None => format!("{} {}", row.quantity, row.unit),
        };
        let whole = |ratio: Option<Ratio>| ratio.map(|r| format!("{} %", r.percent(0))).unwrap_or_default();
        let mut cells = vec![marked(row, draw), quantity];
        if wide {
            cells.push(draw.clean(&row.covers));
        }
        cells.extend([
            upfront.short(row.upfront.money()),
            currency.rounded_rate(row.rate.for_hours(1)),
            whole(row.break_even_utilization),
            whole(row.utilization),
            whole(row.coverage),
        ]);
        if wide {
            cells.extend([pays_off(row), currency.short(row.net_savings)]);
            cells.extend([currency.short(row.worst_case_loss), row.begins(start)]);
        }
        grid.row(cells);
    }
    let mut body = grid.render(draw);
    if !wide {
        // What the first table has no room for.
        let mut more = Grid::new(vec![
            Column::shrinking("Offer"),
            Column::left("Covers"),
            Column::right("Pays off"),
            Column::right("Saves"),
            Column::right("Worst loss"),
            Column::left("Begins"),
        ]);
        for row in purchases.rows.iter().take(shown) {
            more.row(vec![
                marked(row, draw),
                draw.clean(&row.covers),
                pays_off(row),
                currency.short(row.net_savings),
                currency.short(row.worst_case_loss),
                row.begins(start),
            ]);
        }
        body.push_str(&more.render(draw));
    }
    if purchases.rows.len() > shown {
        let more = format!("{} more; all of them are in -f json and csv", purchases.rows.len() - shown);
        body.push_str(&draw.hanging("  ", &more));
    }
    let legend = "Hour: all of it, amortised. Min use: the use below which on demand is cheaper. Covered: its share of the on-demand equivalent. Pays off: when savings have passed the upfront payment. Worst loss: what it costs more than it covers if demand is the lowest of the scenarios.";
    body.push_str(&draw.hanging("  ", legend));
    for text in &purchases.assumptions {
        body.push_str(&draw.hanging("  - ", &draw.clean(text)));
    }
    if !purchases.estimates().is_empty() {
        let text = format!(
            "~ {}: an ESTIMATE, which no price list states",
            purchases.estimates().into_iter().collect::<Vec<_>>().join(", ")
        );
        body.push_str(&draw.hanging("  ", &draw.paint(&draw.clean(&text), Tone::Fair)));
    }
    draw.section("Commitment plan", "status: proposed; nothing is bought", &body)
}

/// The offer; an estimate has a mark.
fn marked(row: &ProposalRow, draw: &Draw) -> String {
    let mark = if row.estimate { "~" } else { "" };
    format!("{mark}{}", offer(&row.commitment_type, row.term, row.payment, draw))
}

/// When savings have passed the upfront payment; `never` within the term.
pub(in crate::report) fn pays_off(row: &ProposalRow) -> String {
    match row.break_even_months {
        None => "never".to_owned(),
        Some(Ratio::ZERO) => "at once".to_owned(),
        Some(months) => format!("month {}", months.fixed(1)),
    }
}

/// `1y Standard Reserved Instance, partial`.
pub(super) fn offer(wording: &str, term: Term, payment: Payment, draw: &Draw) -> String {
    let term = match term {
        Term::OneYear => "1y",
        Term::ThreeYears => "3y",
    };
    let payment = match payment {
        Payment::NoUpfront => "hourly",
        Payment::PartialUpfront => "partial",
        Payment::AllUpfront => "upfront",
    };
    let short = match wording.trim_end_matches(ESTIMATE) {
        _ if draw.plain => wording,
        "Standard Reserved Instance" => "standard RI",
        "Convertible Reserved Instance" => "convertible RI",
        "EC2 Instance Savings Plan" => "instance SP",
        "Compute Savings Plan" => "compute SP",
        "Resource-based committed use discount" => "resource CUD",
        "Flexible committed use discount" => "flexible CUD",
        other => other,
    };
    format!("{term} {short}, {payment}")
}

fn sensitivity(report: &PlanReport, purchases: &Purchases, draw: &Draw) -> String {
    if purchases.rows.is_empty() {
        return String::new();
    }
    let rows = &purchases.sensitivity;
    let currency = Currency::new(&report.catalog.currency)
        .aligned(rows.iter().flat_map(|row| [row.without.money(), row.cost.money()]));
    let mut grid = Grid::new(vec![
        Column::right("Demand"),
        Column::right("Without"),
        Column::right("With"),
        Column::right("Saving"),
        Column::right("Unused"),
    ]);
    for row in rows {
        let demand =
            if row.change == Ratio::ZERO { "as planned".to_owned() } else { signed_percent(row.change) };
        grid.row(vec![
            demand,
            currency.short(row.without.money()),
            currency.short(row.cost.money()),
            currency.short(row.saving),
            currency.short(row.unused.money()),
        ]);
    }
    let body = grid.render(draw);
    draw.section("If demand turns out otherwise", "these purchases, hours of nodes scaled", &body)
}

fn owned(report: &PlanReport, purchases: &Purchases, draw: &Draw) -> String {
    if purchases.owned.is_empty() {
        return String::new();
    }
    let currency = Currency::new(&report.catalog.currency)
        .aligned(purchases.owned.iter().map(|row| row.effective.money()));
    let mut grid = Grid::new(vec![
        Column::left("Commitment"),
        Column::shrinking("Type"),
        Column::right("Ends"),
        Column::right("Used"),
        Column::right("Cost"),
        Column::right("Waste"),
    ]);
    for row in &purchases.owned {
        grid.row(vec![
            draw.clean(&row.commitment),
            draw.clean(&row.commitment_type),
            row.ends(report.scenario.start.as_deref(), purchases.hours),
            row.utilization.map(percent).unwrap_or_default(),
            currency.short(row.effective.money()),
            currency.short(row.waste.money()),
        ]);
    }
    let mut body = grid.render(draw);
    let text = "Used, cost and waste (what covers nothing) count within the horizon.";
    body.push_str(&draw.hanging("  ", text));
    draw.section("Commitments owned", "honoured first; their cost falls due either way", &body)
}
