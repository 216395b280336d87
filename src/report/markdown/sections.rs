//! What a plan over time has beside its nodes, for a comment: levels, commitments, cash, owners.

use super::{ROWS, Table, code, signed, words};
use crate::bill::{EffectiveCost, Ratio};
use crate::catalog::{Payment, Term};
use crate::report::number::{Currency, grouped, percent};
use crate::report::showback::{ShowbackLine, ShowbackRow};
use crate::report::table::replay::{after_day_one, lines as lines_of};
use crate::report::view::PlanReport;
use crate::units::Money;

/// The money of demand over time and of what is proposed, in a sentence each.
pub(super) fn lines(report: &PlanReport) -> Vec<String> {
    let currency = Currency::new(&report.catalog.currency);
    let mut lines = Vec::new();
    if let Some(over) = &report.over_time {
        lines.push(format!(
            "Demand over time: on demand {} for {} hours, {} for a fleet for every peak at all hours.",
            currency.cents(over.list.money()),
            grouped(over.hours),
            currency.cents(over.peak_list.money()),
        ));
    }
    if let Some(purchases) = &report.purchases {
        let rate = purchases.savings_rate.map(|r| signed(r.negated())).unwrap_or_default();
        lines.push(format!(
            "**With the proposed commitments {} for these hours ({rate})**, {} a month; they cover {} and oblige to {}. Nothing is bought.",
            currency.cents(purchases.cost.money()),
            currency.cents(purchases.month(purchases.cost.money())),
            purchases.coverage.map(percent).unwrap_or_default(),
            currency.cents(purchases.obligation.money()),
        ));
    }
    lines
}

/// Pods left pending in each order, and what helps.
pub(super) fn replay(report: &PlanReport) -> String {
    let Some(replay) = &report.replay else { return String::new() };
    let mut table = Table::new(&[
        ("Profile", false),
        ("Pods arrive", false),
        ("Pending, fewest", true),
        ("most", true),
        ("With measures, most", true),
    ]);
    let after = replay.measures.iter().flat_map(|m| &m.after);
    for row in &replay.before {
        let with = after.clone().find(|a| a.profile == row.profile && a.order == row.order);
        table.row(vec![
            words(&row.profile),
            words(&row.order),
            grouped(row.fewest),
            grouped(row.most),
            with.map(|row| grouped(row.most)).unwrap_or_default(),
        ]);
    }
    let told = replay.measures.iter().flat_map(|m| lines_of(report, m));
    let told = told.chain(replay.life.as_ref().map(|life| after_day_one(report, life)));
    let told: Vec<String> = told.map(|line| format!("- {}\n", words(line.trim()))).collect();
    format!("{}\n{}", table.at_most(ROWS, "`-f csv --table replay`"), told.concat())
}

/// Levels with their nodes.
pub(super) fn levels(report: &PlanReport) -> String {
    let Some(over) = &report.over_time else { return String::new() };
    let currency = Currency::new(&report.catalog.currency);
    let mut table = Table::new(&[
        ("Level", true),
        ("Share of hours", true),
        ("Pods", true),
        ("Nodes", true),
        ("Hour, on demand", true),
        ("Which", false),
    ]);
    for row in &over.levels {
        let nodes = row.types.iter().filter(|t| t.nodes > 0);
        let nodes: Vec<String> =
            nodes.map(|t| format!("{} {}", grouped(t.nodes), code(&t.instance_type))).collect();
        table.row(vec![
            grouped(row.level),
            percent(row.share),
            grouped(row.pods),
            grouped(row.nodes),
            currency.cents(row.list_hour.money()),
            nodes.join(", "),
        ]);
    }
    table.at_most(ROWS, "`-f csv --table levels`")
}

/// What to buy, each step towards it, and each way the future may go.
pub(super) fn commitments(report: &PlanReport) -> String {
    let Some(purchases) = &report.purchases else { return String::new() };
    let currency = Currency::new(&report.catalog.currency);
    let mut table = Table::new(&[
        ("Offer", false),
        ("Covers", false),
        ("Quantity", true),
        ("Upfront", true),
        ("Amortised", true),
        ("Unused", true),
        ("Saved", true),
        ("Used", true),
        ("Coverage", true),
        ("Break-even use", true),
        ("Break-even months", true),
        ("Worst-case loss", true),
        ("Begins", false),
    ]);
    for row in &purchases.rows {
        table.row(vec![
            words(&offer(&row.commitment_type, row.term, row.payment)),
            code(&row.covers),
            format!("{} {}", row.quantity, code(row.quoted_type.as_deref().unwrap_or(&row.unit))),
            currency.cents(row.upfront.money()),
            currency.cents(row.effective.money()),
            currency.cents(row.unused.money()),
            currency.cents(row.net_savings),
            row.utilization.map(percent).unwrap_or_default(),
            row.coverage.map(percent).unwrap_or_default(),
            row.break_even_utilization.map(percent).unwrap_or_default(),
            row.break_even_months.map(|months| months.fixed(1)).unwrap_or_default(),
            currency.cents(row.worst_case_loss),
            words(&row.begins(report.scenario.start.as_deref())),
        ]);
    }
    let mut out = if table.is_empty() {
        "Nothing: on demand costs least, as far as the offers and limits allow.\n".to_owned()
    } else {
        table.at_most(ROWS, "`-f csv --table proposals`")
    };
    let mut steps = Table::new(&[
        ("Step", false),
        ("On demand", true),
        ("Amortised", true),
        ("Difference", true),
        ("Saved", true),
    ]);
    for step in &purchases.steps {
        let rate = crate::bill::effective_savings_rate(step.list, step.cost);
        let label = words(&step.label);
        steps.row(vec![
            if step.chosen { format!("**{label}**") } else { label },
            currency.cents(step.list.money()),
            currency.cents(step.cost.money()),
            currency.cents(step.change),
            rate.map(percent).unwrap_or_default(),
        ]);
    }
    out += &format!("\n{}", steps.render());
    let mut future = Table::new(&[
        ("Scenario", false),
        ("Weight", true),
        ("Without", true),
        ("With", true),
        ("Unused", true),
    ]);
    for row in &purchases.scenarios {
        future.row(vec![
            words(&row.name),
            percent(row.weight),
            currency.cents(row.without.money()),
            currency.cents(row.cost.money()),
            currency.cents(row.unused.money()),
        ]);
    }
    out += &format!("\n{}", future.render());
    if !purchases.owned.is_empty() {
        let mut owned =
            Table::new(&[("Owned", false), ("Used", true), ("Amortised", true), ("Unused", true)]);
        for row in &purchases.owned {
            owned.row(vec![
                format!("{} {}", code(&row.commitment), words(&row.commitment_type)),
                row.utilization.map(percent).unwrap_or_default(),
                currency.cents(row.effective.money()),
                currency.cents(row.waste.money()),
            ]);
        }
        out += &format!("\n{}", owned.at_most(ROWS, "`-f csv --table owned`"));
    }
    let months = grouped(purchases.hours);
    out += &format!(
        "\nAmortised over {months} hours, expected over the scenarios. Break-even use: the use below which on demand is cheaper.\n"
    );
    for text in &purchases.assumptions {
        out += &format!("- {}\n", words(text));
    }
    out
}

/// `1-year Standard Reserved Instance, all upfront`.
pub(super) fn offer(wording: &str, term: Term, payment: Payment) -> String {
    let term = match term {
        Term::OneYear => "1-year",
        Term::ThreeYears => "3-year",
    };
    let payment = match payment {
        Payment::NoUpfront => "no upfront",
        Payment::PartialUpfront => "partial upfront",
        Payment::AllUpfront => "all upfront",
    };
    format!("{term} {wording}, {payment}")
}

/// Months that a comment has room for.
const MONTHS: usize = 12;

/// Cash against accrual, month by month.
pub(super) fn cash(report: &PlanReport) -> String {
    let Some(accounts) = &report.accounts else { return String::new() };
    let currency = Currency::new(&report.catalog.currency);
    let mut table = Table::new(&[
        ("Month", false),
        ("On demand", true),
        ("Cash", true),
        ("Accrual", true),
        ("Unused", true),
        ("Prepaid, opening", true),
        ("Prepaid, closing", true),
    ]);
    for month in accounts.months.iter().take(MONTHS) {
        let amounts = month.amounts().map(|amount| currency.cents(amount));
        table.row([words(&month.month)].into_iter().chain(amounts).collect());
    }
    let mut out = table.render();
    let mut spans = Table::new(&[
        ("First months", true),
        ("On demand", true),
        ("Cash", true),
        ("Accrual", true),
        ("Saved", true),
    ]);
    for span in &accounts.spans {
        spans.row(vec![
            grouped(span.months),
            currency.cents(span.list.money()),
            currency.cents(span.billed.money()),
            currency.cents(span.effective.money()),
            span.effective_savings_rate.map(percent).unwrap_or_default(),
        ]);
    }
    out += &format!("\n{}\n", spans.render());
    for text in accounts.basis.iter().chain(&accounts.paid_less()) {
        out += &format!("- {}\n", words(text));
    }
    out
}

/// The bill by owner.
pub(super) fn owners(report: &PlanReport) -> String {
    let Some(showback) = &report.showback else { return String::new() };
    let currency = Currency::new(&report.catalog.currency);
    let mut table = Table::new(&[
        ("Owner", false),
        ("CPU", true),
        ("Memory", true),
        ("Cost", true),
        ("Share", true),
        ("With idle", true),
    ]);
    let money = |cost: Option<EffectiveCost>| cost.map(|c| currency.cents(c.money())).unwrap_or_default();
    let (rows, total): (Vec<&ShowbackRow>, Vec<&ShowbackRow>) =
        showback.rows.iter().partition(|row| row.line != ShowbackLine::Total);
    for row in rows.iter().take(ROWS).chain(&total) {
        let owner = || code(row.owner.as_deref().unwrap_or_default());
        let name = match row.line {
            ShowbackLine::Total => "**Total**".to_owned(),
            line => line.label().map_or_else(owner, str::to_owned),
        };
        table.row(vec![
            name,
            money(row.cpu),
            money(row.memory),
            currency.cents(row.direct.money()),
            row.share.map(percent).unwrap_or_default(),
            money(row.with_shared),
        ]);
    }
    let mut out = table.render();
    if rows.len() > ROWS {
        out += &format!("\n{} more lines are in `-f csv --table showback`.\n", rows.len() - ROWS);
    }
    out + &format!("\nBy {}; amortised, {}.\n", code(&showback.label), showback.period())
}

/// Spot nodes by type, and the price of doing without.
pub(super) fn spot(report: &PlanReport) -> String {
    let Some(spot) = &report.spot else { return String::new() };
    let currency = Currency::new(&report.catalog.currency);
    let mut table = Table::new(&[
        ("Type", false),
        ("Nodes", true),
        ("Pods", true),
        ("Spot, an hour", true),
        ("On demand, an hour", true),
        ("Interrupted", false),
    ]);
    for row in &spot.types {
        table.row(vec![
            code(&row.instance_type),
            grouped(row.nodes),
            grouped(row.pods),
            currency.rate(row.spot_rate.for_one_hour()),
            currency.rate(row.on_demand_rate.for_one_hour()),
            row.interruption.map_or_else(|| "unknown".to_owned(), |band| words(&band.to_string())),
        ]);
    }
    let mut out = if table.is_empty() {
        String::new()
    } else {
        table.at_most(ROWS, "`-f csv --table spot-types`") + "\n"
    };
    out += &format!(
        "{} of the {} pods that may lie on spot nodes do: {} a month instead of {} on demand. With all of it replaced on demand the plan costs {} a month.\n",
        grouped(spot.pods),
        grouped(spot.pods_allowed),
        currency.cents(spot.spot_month.money()),
        currency.cents(spot.on_demand_month.money()),
        currency.cents(spot.fallback_month.money()),
    );
    out
}

/// Measured use: plans for other requests, and the workloads with the most slack.
pub(super) fn usage(report: &PlanReport) -> String {
    let Some(usage) = &report.usage else { return String::new() };
    let currency = Currency::new(&report.catalog.currency);
    let mut plans = Table::new(&[
        ("Requests", false),
        ("Nodes", true),
        ("Month", true),
        ("Change", true),
        ("Risk", true),
        ("Drawn", true),
    ]);
    // Chances have more digits than shares: a hundredth of a percent counts.
    let chance = |ratio: Ratio| format!("{} %", ratio.percent(2));
    for row in &usage.plans {
        plans.row(vec![
            words(&row.label),
            grouped(row.nodes),
            currency.cents(row.cost_month.money()),
            row.change.filter(|_| row.change_month != Money::ZERO).map(signed).unwrap_or_default(),
            chance(row.risk.worst_normal),
            chance(row.risk.worst_simulated),
        ]);
    }
    let mut table = Table::new(&[("Workload", false), ("Pods", true), ("Month", true), ("Slack", true)]);
    for row in &usage.workloads {
        table.row(vec![
            code(&row.workload),
            grouped(row.replicas),
            currency.cents(row.cost_month.money()),
            currency.cents(row.slack_month),
        ]);
    }
    let share = usage.slack.map(|share| format!(" ({})", percent(share))).unwrap_or_default();
    format!(
        "{}\n{} a month{share} is paid for requests beyond the 95th percentile of use. Risk: that a node's pods use more memory than it has, of the worst node.\n\n{}",
        plans.render(),
        currency.cents(usage.slack_month),
        table.at_most(ROWS, "`-f csv --table usage`"),
    )
}
