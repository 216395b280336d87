//! Two plans set against each other, for a comment on a pull request.

use super::sections::offer;
use super::{ROWS, Table, code, folded, signed, words};
use crate::report::diff::{PlanDiff, WorkloadState};
use crate::report::number::{Currency, grouped};
use crate::report::table::diff::in_words;
use crate::units::Money;

/// The first line of every comment that shows a difference.
pub const DIFF_MARKER: &str = "<!-- plimsoll:diff -->";

/// Renders the whole comment.
pub(in crate::report) fn diff(diff: &PlanDiff) -> String {
    let currency = Currency::new(&diff.after.currency);
    let change =
        |money: Money| format!("{}{}", if money > Money::ZERO { "+" } else { "" }, currency.cents(money));
    let headline = diff.paid().map_or(Money::ZERO, |row| row.change);
    let title = match headline.nanos() {
        0 => "Plan: the monthly cost stays as it is".to_owned(),
        1.. => format!("Plan: {} more a month", currency.cents(headline)),
        _ => format!("Plan: {} less a month", currency.cents(-headline)),
    };
    let names = format!("From {} to {}.\n", code(&diff.before.name), code(&diff.after.name));
    let mut sums =
        Table::new(&[("", false), ("Before", true), ("After", true), ("Change", true), ("", true)]);
    for row in &diff.money {
        let ratio = row.ratio.filter(|_| row.change != Money::ZERO);
        sums.row(vec![
            words(&row.label),
            currency.cents(row.before),
            currency.cents(row.after),
            change(row.change),
            ratio.map(signed).unwrap_or_default(),
        ]);
    }
    for row in &diff.counts {
        let step = i128::from(row.after) - i128::from(row.before);
        sums.row(vec![
            row.measure.replace('_', " "),
            grouped(row.before),
            grouped(row.after),
            if step == 0 { String::new() } else { format!("{step:+}") },
            String::new(),
        ]);
    }
    let mut types = Table::new(&[
        ("Type", false),
        ("Before", true),
        ("After", true),
        ("On demand, a month", true),
        ("As paid for, a month", true),
    ]);
    for row in &diff.types {
        types.row(vec![
            code(&row.instance_type),
            grouped(row.nodes_before),
            grouped(row.nodes_after),
            change(row.list_month_change),
            change(row.effective_month_change),
        ]);
    }
    let mut workloads = Table::new(&[("Workload", false), ("Pods", true), ("What", false)]);
    for row in &diff.workloads {
        let pods = |state: &Option<WorkloadState>| state.as_ref().map_or(0, |state| state.replicas);
        let (before, after) = (pods(&row.before), pods(&row.after));
        let pods = if before == after {
            grouped(after)
        } else {
            format!("{} → {}", grouped(before), grouped(after))
        };
        workloads.row(vec![code(&row.workload), pods, words(&in_words(row, " → "))]);
    }
    let mut commitments = Table::new(&[
        ("Commitment", false),
        ("For", false),
        ("Before", true),
        ("After", true),
        ("Upfront", true),
        ("Month", true),
    ]);
    for row in &diff.commitments {
        commitments.row(vec![
            words(&row.label),
            code(&row.covers),
            grouped(row.quantity_before),
            grouped(row.quantity_after),
            change(row.upfront_change),
            change(row.recurring_month_change),
        ]);
    }
    let mut proposals = Table::new(&[
        ("Proposed", false),
        ("For", false),
        ("Before", true),
        ("After", true),
        ("Upfront", true),
        ("Amortised, a month", true),
    ]);
    for row in &diff.proposals {
        let quoted = row.quoted_type.as_deref().unwrap_or(&row.unit);
        proposals.row(vec![
            words(&offer(&row.commitment_type, row.term, row.payment)),
            format!("{} ({})", code(&row.covers), words(quoted)),
            row.quantity_before.to_string(),
            row.quantity_after.to_string(),
            change(row.upfront_change),
            change(row.effective_month_change),
        ]);
    }
    let part = |title: &str, table: Table| match table.is_empty() {
        true => String::new(),
        false => folded(title, &table.at_most(ROWS, "`-f json`")),
    };
    let notes: String = diff.notes.iter().map(|note| format!("- {}\n", words(note))).collect();
    let mut parts = vec![
        format!("{DIFF_MARKER}\n### {title}\n"),
        names,
        sums.render(),
        part("Node types", types),
        part("Workloads", workloads),
        part("Commitments", commitments),
        part("Commitment plan", proposals),
        folded("What else differs", &notes),
    ];
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}
