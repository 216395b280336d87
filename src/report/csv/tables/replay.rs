//! What the replayed scheduler leaves pending, and what helps it.

use super::super::Sheet;
use crate::report::view::{ExtraNodesRow, PendingRow, PlanReport};
use crate::units::{HOURS_PER_MONTH, Money};

/// Pods left pending by profile and order of arrival, as the plan is and with its measures.
pub(in crate::report::csv) fn pending(report: &PlanReport, sheet: &mut Sheet) {
    sheet.header(&["state", "profile", "order", "pods", "runs", "fewest_pending", "most_pending"]);
    let Some(replay) = &report.replay else {
        sheet.text("not-replayed").text("").text("").text("").text("").text("").text("").end();
        return;
    };
    let mut line = |state: &str, row: &PendingRow| {
        sheet.text(state).text(&row.profile).text(&row.order).number(replay.pods).number(replay.seeds);
        sheet.number(row.fewest).number(row.most).end();
    };
    replay.before.iter().for_each(|row| line("plan", row));
    replay.measures.iter().flat_map(|m| &m.after).for_each(|row| line("with-measures", row));
}

/// Pins, PriorityClasses, nodes beyond the plan, and what stays stuck even so.
pub(in crate::report::csv) fn measures(report: &PlanReport, sheet: &mut Sheet) {
    let columns = ["measure", "name", "workload", "pool", "priority", "count", "currency", "list_cost_month"];
    sheet.header(&columns);
    let Some(replay) = &report.replay else { return };
    let currency = report.catalog.currency.as_str();
    let mut line = |measure: &str, row: Row<'_>| {
        sheet.text(measure).text(row.name).text(row.workload).text(row.pool);
        sheet.maybe(row.priority).number(row.count).text(currency).maybe(row.month).end();
    };
    let extra = |row: &ExtraNodesRow| {
        row.cost_hour.checked_mul(i128::from(HOURS_PER_MONTH)).expect("no bill reaches 10^29")
    };
    if let Some(measures) = &replay.measures {
        line("profile", Row { name: &measures.profile, ..Row::one() });
        for pin in &measures.pins {
            let pool = pin.pool.as_deref().unwrap_or(&pin.instance_type);
            line("pin", Row { name: &pin.instance_type, workload: &pin.workload, pool, ..Row::one() });
        }
        for class in &measures.classes {
            for workload in &class.workloads {
                let (name, priority) = (class.name.as_str(), Some(class.value));
                line("priority-class", Row { name, workload, priority, ..Row::one() });
            }
        }
        for row in &measures.extra_nodes {
            line("extra-nodes", Row { pool: &row.pool, month: Some(extra(row)), ..Row::of(row.nodes) });
        }
        for row in &measures.pending {
            line("pending-even-so", Row { workload: &row.workload, ..Row::of(row.pods) });
        }
    }
    if let Some(life) = &replay.life {
        line("updates-stuck-without-room", Row::of(life.updates_stuck));
        line("drains-stuck-without-room", Row::of(life.drains_stuck));
        for row in &life.extra_nodes {
            let month = Some(extra(row));
            line("room-for-updates-and-drains", Row { pool: &row.pool, month, ..Row::of(row.nodes) });
        }
        for workload in &life.stuck {
            line("update-stuck-even-so", Row { workload, ..Row::one() });
        }
        if life.drains_stuck_even_so > 0 {
            line("drains-stuck-even-so", Row::of(life.drains_stuck_even_so));
        }
    }
}

/// The cells of a measure.
struct Row<'a> {
    name: &'a str,
    workload: &'a str,
    pool: &'a str,
    priority: Option<i32>,
    count: u64,
    month: Option<Money>,
}

impl Row<'_> {
    fn of(count: u64) -> Self {
        Row { name: "", workload: "", pool: "", priority: None, count, month: None }
    }

    fn one() -> Self {
        Row::of(1)
    }
}
