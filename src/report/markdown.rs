//! The report for a comment on a pull request: the answer in a short table, what supports it folded.
//!
//! The first line is a comment that nobody sees, by which a bot finds what it wrote before and puts the
//! new text in its place. Amounts have cents, so that two comments differ where two plans do. Long
//! lists end early: a comment has room for some 65,000 characters.

mod diff;
mod sections;
mod write;

use super::number::{Currency, gap_percent, grouped, percent};
use super::table::count;
use super::table::replay::{beyond, line};
use super::view::{NoticeKind, PlanReport, uncommitted};
use crate::bill::Ratio;
use crate::plan::BoundKind;
use crate::policy::FailureScope;
pub use diff::DIFF_MARKER;
pub(super) use diff::diff;
use write::{Table, code, folded, words};

/// The first line of every comment that shows a plan.
pub const MARKER: &str = "<!-- plimsoll:plan -->";

/// The most rows of a table: together they stay well within a comment's room.
const ROWS: usize = 40;

/// Renders the whole comment.
pub(super) fn render(report: &PlanReport) -> String {
    let name = code(&report.scenario.name);
    let mut parts = vec![format!("{MARKER}\n### Plan for {name}\n"), steps(report), remarks(report)];
    let details = [
        ("Nodes", nodes(report)),
        ("Workloads", workloads(report)),
        ("Does the scheduler bring it about?", sections::replay(report)),
        ("Beside other ways to plan", plans(report)),
        ("Ways to pay for these nodes", purchases(report)),
        ("Demand over time", sections::levels(report)),
        ("Commitment plan", sections::commitments(report)),
        ("Cash and accrual", sections::cash(report)),
        ("Cost by owner", sections::owners(report)),
        ("Spot", sections::spot(report)),
        ("Measured use", sections::usage(report)),
        ("What the figures rest on", assumptions(report)),
    ];
    parts.extend(details.iter().map(|(title, body)| folded(title, body)));
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

/// From before to packed to reserved.
fn steps(report: &PlanReport) -> String {
    let currency = Currency::new(&report.catalog.currency);
    let mut table = Table::new(&[("", false), ("Nodes", true), ("Month", true), ("Against before", true)]);
    for row in &report.savings {
        let name = match row.step.as_str() {
            "before" => format!("Before: {}", words(&row.label)),
            "packed" => format!("**Packed, {}**", uncommitted(&report.nodes)),
            "reserved" => {
                let label = row.label.strip_prefix("packed, ").unwrap_or(&row.label);
                format!("**Packed, {}**", words(label))
            }
            other => words(other),
        };
        let against = row.share_of_first.filter(|_| row.step != "before").map(change_to);
        table.row(vec![
            name,
            grouped(row.nodes),
            currency.cents(row.effective_month.money()),
            against.unwrap_or_default(),
        ]);
    }
    table.render()
}

/// `-54.4 %` where 45.6 % are left.
fn change_to(share: Ratio) -> String {
    let change = Ratio::of_wide(share.nanos() - Ratio::ONE.nanos(), Ratio::ONE.nanos());
    change.map(signed).unwrap_or_default()
}

/// `-54.4 %`, `+3.0 %`.
fn signed(ratio: Ratio) -> String {
    format!("{}{}", if ratio > Ratio::ZERO { "+" } else { "" }, percent(ratio))
}

/// What must not be overlooked: quality, what is left out, what is not survived.
fn remarks(report: &PlanReport) -> String {
    let head = &report.headline;
    let currency = Currency::new(&report.catalog.currency);
    let kind = match report.solve.bound_kind {
        BoundKind::Certified => "certified",
        BoundKind::SolverReported => "solver-reported",
    };
    let mut lines = vec![match report.solve.gap {
        Some(gap) if gap == Ratio::ZERO => {
            format!("{} pods. Optimal: no cheaper plan exists ({kind}).", grouped(head.pods))
        }
        Some(gap) => format!(
            "{} pods. Within {} of the cheapest possible plan, {} a month at most ({kind}).",
            grouped(head.pods),
            gap_percent(gap),
            currency.cents(report.solve.gap_month),
        ),
        None => format!("{} pods. No bound is known.", grouped(head.pods)),
    }];
    if let Some(forms) = &report.forms {
        lines.push(format!(
            "In {} of equal nodes; without pools {} a month.",
            count(forms.pooled.pools, "pool"),
            currency.cents(forms.free.list_month.money()),
        ));
    }
    if let Some(survival) = &report.survival {
        let what = match survival.scope {
            FailureScope::Node => "node",
            FailureScope::Zone => "zone",
        };
        let holds = if survival.holds { "Survives" } else { ":warning: **Does not survive**" };
        let premium = currency.cents(survival.premium_month);
        lines.push(format!("{holds} the loss of any one {what}; that costs {premium} a month."));
    }
    let mut replay = vec![line(report)];
    replay.extend(beyond(report, &|money| currency.cents(money)));
    lines.push(format!("Replay: {}.", words(&replay.join("; "))));
    lines.extend(sections::lines(report));
    for cost in &report.extra_costs {
        let month = currency.cents(cost.list_month.money());
        let place = if cost.in_node_rates { "Of that" } else { "Beside, not in the nodes' rates:" };
        lines.push(format!("{place} {month} a month {}.", words(&cost.name)));
    }
    if head.pods_left_out > 0 {
        let (pods, fit) = if head.pods_left_out == 1 { ("pod", "fits") } else { ("pods", "fit") };
        let left_out = grouped(head.pods_left_out);
        lines.push(format!(":warning: **{left_out} {pods} {fit} nowhere, and no cost counts that:**"));
        let mut out = lines.join("  \n");
        out.push('\n');
        for row in report.obstacles.iter().take(ROWS) {
            out += &format!("- {} ({}): {}\n", code(&row.workload), grouped(row.pods), words(&row.reason));
        }
        if report.obstacles.len() > ROWS {
            out += &format!("- {} more workloads\n", report.obstacles.len() - ROWS);
        }
        return out;
    }
    lines.join("  \n") + "\n"
}

fn nodes(report: &PlanReport) -> String {
    let currency = Currency::new(&report.catalog.currency);
    let reserved = report.headline.reserved_month.is_some();
    let mut columns = vec![
        ("Type", false),
        ("Zone", false),
        ("Nodes", true),
        ("Pods each", true),
        ("cpu", true),
        ("memory", true),
        ("Binding", false),
        ("Month", true),
    ];
    if reserved {
        columns.push(("Reserved", true));
    }
    let zones = report.nodes.iter().any(|row| row.zone.is_some());
    if !zones {
        columns.retain(|&(title, _)| title != "Zone");
    }
    let mut table = Table::new(&columns);
    for row in &report.nodes {
        let fill = |name: &str| {
            let resource = row.resources.iter().find(|r| r.resource == name);
            resource.and_then(|r| r.fill).map(percent).unwrap_or_default()
        };
        let mut cells = vec![code(&row.instance_type)];
        if zones {
            cells.push(row.zone.as_deref().map(code).unwrap_or_default());
        }
        cells.extend([
            grouped(row.nodes),
            grouped(row.pods_per_node),
            fill("cpu"),
            fill("memory"),
            row.binding.as_deref().map(words).unwrap_or_default(),
            currency.cents(row.list_month.money()),
        ]);
        if reserved {
            cells.push(currency.cents(row.effective_month.money()));
        }
        table.row(cells);
    }
    if table.is_empty() {
        return String::new();
    }
    let mut total = format!(
        "\nTotal: {} nodes, {} a month on demand",
        grouped(report.headline.nodes),
        currency.cents(report.headline.packed_month.money())
    );
    if let Some(month) = report.headline.reserved_month {
        total += &format!(", {} reserved", currency.cents(month.money()));
    }
    table.at_most(ROWS, "`-f csv --table nodes`")
        + &total
        + ". Fill: requests and DaemonSets of allocatable.\n"
}

fn workloads(report: &PlanReport) -> String {
    let mut table = Table::new(&[
        ("Workload", false),
        ("Pods", true),
        ("Placed", true),
        ("On nodes", true),
        ("Pool", false),
    ]);
    let pools = report.workloads.iter().any(|row| row.pool.is_some());
    if !pools {
        table = Table::new(&[("Workload", false), ("Pods", true), ("Placed", true), ("On nodes", true)]);
    }
    for row in &report.workloads {
        let mut cells =
            vec![code(&row.workload), grouped(row.replicas), grouped(row.placed), grouped(row.nodes)];
        if pools {
            cells.push(row.pool.as_deref().map(code).unwrap_or_default());
        }
        table.row(cells);
    }
    if table.is_empty() { String::new() } else { table.at_most(ROWS, "`-f csv --table workloads`") }
}

fn plans(report: &PlanReport) -> String {
    if report.plans.len() < 2 {
        return String::new();
    }
    let currency = Currency::new(&report.catalog.currency);
    let mut table = Table::new(&[
        ("Plan", false),
        ("Nodes", true),
        ("Pods a node", true),
        ("Month, on demand", true),
        ("To plan", true),
    ]);
    for row in &report.plans {
        table.row(vec![
            words(&row.label),
            grouped(row.nodes),
            row.pods_per_node.map(|d| d.fixed(1)).unwrap_or_default(),
            currency.cents(row.list_month.money()),
            row.above_plan.map(signed).unwrap_or_default(),
        ]);
    }
    table.at_most(ROWS, "`-f csv --table plans`")
}

fn purchases(report: &PlanReport) -> String {
    if report.purchase_options.len() < 2 {
        return String::new();
    }
    let currency = Currency::new(&report.catalog.currency);
    let mut table = Table::new(&[
        ("Option", false),
        ("Upfront", true),
        ("Cash a month", true),
        ("Effective a month", true),
        ("Saving", true),
        ("Covers", true),
    ]);
    for row in &report.purchase_options {
        let label = words(&row.label);
        table.row(vec![
            if row.selected { format!("**{label}**") } else { label },
            currency.cents(row.upfront.money()),
            currency.cents(row.recurring_month.money()),
            currency.cents(row.effective_month.money()),
            row.saving.map(percent).unwrap_or_default(),
            row.coverage.map(percent).unwrap_or_default(),
        ]);
    }
    let legend = "\nEffective is amortised; cash is what is due. Months have 730 hours.\n";
    table.at_most(ROWS, "`-f csv --table purchase-options`") + legend
}

/// Prices, hash, and what was taken for granted.
fn assumptions(report: &PlanReport) -> String {
    let catalog = &report.catalog;
    let hash: String = report.input_hash.chars().take(12).collect();
    let mut out = format!(
        "- prices: {} of {}, {} {}, in {}\n- input: {} ({} {})\n",
        code(&catalog.name),
        words(&catalog.price_date),
        catalog.provider,
        code(&catalog.region),
        words(&catalog.currency),
        code(&hash),
        words(&report.tool.name),
        words(&report.tool.version),
    );
    for notice in report.notices.iter().take(ROWS) {
        let kind = match notice.kind {
            NoticeKind::Warning => "warning",
            NoticeKind::Assumption => "assumed",
        };
        out += &format!("- {kind}: {}\n", words(&notice.message));
    }
    if report.notices.len() > ROWS {
        out += &format!("- {} more; all of them are in `-f json`\n", report.notices.len() - ROWS);
    }
    for row in &report.skipped {
        out += &format!("- not counted: {} {}\n", grouped(row.count), words(&row.what));
    }
    for line in &report.solve.explanation {
        out += &format!("- {}\n", words(line));
    }
    out
}
