//! Commitments held, cash against accrual, and the bill by owner.

use super::draw::{Draw, Tone};
use super::grid::{Column, Grid};
use crate::report::accounts::Accounts;
use crate::report::number::{Currency, grouped, percent};
use crate::report::showback::{IdleBy, ShowbackLine, ShowbackRow};
use crate::report::view::PlanReport;

/// Months in the table; the others are in csv and json.
const MONTHS: usize = 12;

/// What is owned and what is proposed, with what of it is used.
pub(super) fn held(report: &PlanReport, draw: &Draw) -> String {
    let Some(accounts) = report.accounts.as_ref().filter(|a| a.owned().next().is_some()) else {
        return String::new();
    };
    let currency = Currency::new(&report.catalog.currency)
        .aligned(accounts.held.iter().flat_map(|row| [row.effective.money(), row.unused.money()]));
    let mut grid = Grid::new(vec![
        Column::shrinking("Commitment"),
        Column::left("Status"),
        Column::left("Covers"),
        Column::right("Pieces"),
        Column::right("Hours"),
        Column::right("Used"),
        Column::right("Accrual"),
        Column::right("Unused"),
    ]);
    for row in &accounts.held {
        let within =
            row.end_hour.min(i64::try_from(accounts.hours).unwrap_or(i64::MAX)) - row.start_hour.max(0);
        let waste = currency.short(row.unused.money());
        let tone = if row.unused > crate::bill::EffectiveCost::ZERO { Tone::Bad } else { Tone::Good };
        grid.row(vec![
            draw.clean(&row.id),
            draw.clean(&row.status),
            draw.clean(&row.covers),
            grouped(row.quantity),
            grouped(within.max(0).unsigned_abs()),
            row.utilization.map(percent).unwrap_or_default(),
            currency.short(row.effective.money()),
            draw.paint(&waste, tone),
        ]);
    }
    let mut body = grid.render(draw);
    let months = accounts.months.len();
    let text = format!("Hours, accrual and what is unused count within these {months} months.");
    body.push_str(&draw.hanging("  ", &text));
    draw.section("Commitments held", "owned ones apply first", &body)
}

/// Month by month, with the prepaid balance, then the first 12 and 36 months.
pub(super) fn cash(report: &PlanReport, draw: &Draw) -> String {
    let Some(accounts) = &report.accounts else { return String::new() };
    let amounts = accounts.spans.iter().map(|span| span.list.money());
    let currency = Currency::new(&report.catalog.currency).aligned(amounts);
    let mut grid = Grid::new(vec![
        Column::left("Month"),
        Column::right("On demand"),
        Column::right("Cash"),
        Column::right("Accrual"),
        Column::right("Unused"),
        Column::right("Opening"),
        Column::right("Closing"),
        Column::right("Saved"),
    ]);
    for month in accounts.months.iter().take(MONTHS) {
        let saved = crate::bill::effective_savings_rate(month.list, month.effective).map(percent);
        let amounts = month.amounts().map(|amount| currency.short(amount));
        let first = [month.month.clone()].into_iter();
        grid.row(first.chain(amounts).chain([saved.unwrap_or_default()]).collect());
    }
    for span in &accounts.spans {
        grid.row(vec![
            format!("first {}", span.months),
            currency.short(span.list.money()),
            currency.short(span.billed.money()),
            currency.short(span.effective.money()),
            String::new(),
            String::new(),
            String::new(),
            span.effective_savings_rate.map(percent).unwrap_or_default(),
        ]);
    }
    let mut body = grid.render(draw);
    body.push_str(&draw.hanging("  ", &legend(accounts)));
    draw.section("Cash and accrual", "cash is what falls due; accrual what the hours cost", &body)
}

fn legend(accounts: &Accounts) -> String {
    let mut text: Vec<String> = accounts.basis.iter().map(|sentence| capital(sentence)).collect();
    text.push("Opening and closing: what is prepaid before and after the month.".to_owned());
    text.extend(accounts.paid_less());
    text.join(" ")
}

/// A sentence of its own.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

/// Who causes the cost.
pub(super) fn showback(report: &PlanReport, draw: &Draw) -> String {
    let Some(showback) = &report.showback else { return String::new() };
    let currency =
        Currency::new(&report.catalog.currency).aligned(showback.rows.iter().map(|row| row.direct.money()));
    let mut grid = Grid::new(vec![
        Column::shrinking("Owner"),
        Column::right("CPU"),
        Column::right("Memory"),
        Column::right("Cost"),
        Column::right("Share"),
        Column::right("With idle"),
    ]);
    let cells = |row: &ShowbackRow| {
        let money = |cost: Option<crate::bill::EffectiveCost>| {
            cost.map(|cost| currency.short(cost.money())).unwrap_or_default()
        };
        let owner = || draw.clean(row.owner.as_deref().unwrap_or_default());
        let name = row.line.label().map_or_else(owner, str::to_owned);
        vec![
            name,
            money(row.cpu),
            money(row.memory),
            currency.short(row.direct.money()),
            row.share.map(percent).unwrap_or_default(),
            money(row.with_shared),
        ]
    };
    for row in &showback.rows {
        if row.line == ShowbackLine::Total {
            grid.total(cells(row));
        } else {
            grid.row(cells(row));
        }
    }
    let mut body = grid.render(draw);
    let by = match showback.idle_shared_by {
        IdleBy::Cluster => "over all owners",
        IdleBy::Node => "over the owners of each node's pods",
    };
    let text: Vec<String> = showback.basis.iter().map(|sentence| capital(sentence)).collect();
    let shared = format!("With idle: the idle line shared {by}, by what they pay for the same resource.");
    body.push_str(&draw.hanging("  ", &format!("{} {shared}", text.join(" "))));
    let hours = format!("amortised, {}", showback.period());
    draw.section(&format!("Cost by {}", draw.clean(&showback.label)), &hours, &body)
}
