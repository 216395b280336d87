//! Whether the default scheduler brings the plan about, and what helps it.

use super::draw::{Draw, Tone};
use super::grid::{Column, Grid};
use super::{count, signed_percent};
use crate::bill::Ratio;
use crate::policy::PlanForm;
use crate::report::number::{Currency, grouped};
use crate::report::view::{LifeRow, MeasuresRow, PendingRow, PlanReport, ReachedRow, Replayed};
use crate::units::Money;

/// Pods left pending in each order, and the measures.
pub(super) fn replay(report: &PlanReport, draw: &Draw) -> String {
    let Some(replay) = &report.replay else { return String::new() };
    let after = replay.measures.as_ref().map(|m| m.after.as_slice()).unwrap_or_default();
    let mut columns = vec![Column::left("Profile"), Column::left("Pods arrive"), Column::right("Pending")];
    if !after.is_empty() {
        columns.push(Column::right("With measures"));
    }
    let mut grid = Grid::new(columns);
    for row in &replay.before {
        let mut cells = vec![row.profile.clone(), row.order.clone(), painted(row, draw)];
        if !after.is_empty() {
            let with = after.iter().find(|a| a.profile == row.profile && a.order == row.order);
            cells.push(with.map(|row| painted(row, draw)).unwrap_or_default());
        }
        grid.row(cells);
    }
    let mut body = grid.render(draw);
    if let Some(measures) = &replay.measures {
        for line in lines(report, measures) {
            body.push_str(&draw.hanging("  ", &draw.clean(&line)));
        }
    }
    if let Some(life) = &replay.life {
        body.push_str(&draw.hanging("  ", &draw.clean(&after_day_one(report, life))));
    }
    let remark = format!(
        "{} pods, {} each; our re-implementation of kube-scheduler's filters and scores",
        grouped(replay.pods),
        count(replay.seeds, "run"),
    );
    draw.section("Does the scheduler bring it about?", &remark, &body)
}

/// What updates and drains need.
pub(in crate::report) fn after_day_one(report: &PlanReport, life: &LifeRow) -> String {
    if life.updates_stuck == 0 && life.drains_stuck == 0 {
        return "Rolling updates of every workload in turn and the drain of any one node go through."
            .to_owned();
    }
    let stuck = format!(
        "Without more room {} and {} would leave pods pending",
        count(life.updates_stuck, "rolling update"),
        count(life.drains_stuck, "drain"),
    );
    let even_so = || {
        let drains = (life.drains_stuck_even_so > 0)
            .then(|| format!("the drain of {}", count(life.drains_stuck_even_so, "node")));
        let updates = life.stuck.iter().map(|w| format!("the update of {w}"));
        let stuck: Vec<String> = updates.chain(drains).collect();
        format!("{} not go through: {}", if stuck.len() == 1 { "does" } else { "do" }, stuck.join(", "))
    };
    if life.extra_nodes.is_empty() {
        return format!(
            "{stuck}, and no node may or can be added that helps; {}.{}",
            even_so(),
            reached(&life.limits)
        );
    }
    let nodes = life.extra_nodes.iter().map(|e| format!("{} of {}", grouped(e.nodes), e.pool));
    let nodes: Vec<String> = nodes.collect();
    let premium = life.premium.map(|p| format!(" ({})", signed_percent(p))).unwrap_or_default();
    let currency = Currency::new(&report.catalog.currency);
    let enough = if life.settled { String::new() } else { format!(", which is not enough: {}", even_so()) };
    format!(
        "{stuck}; room for them: {}, {} a month{premium}{enough}.{}",
        nodes.join(", "),
        currency.short(life.premium_month),
        reached(&life.limits)
    )
}

/// What is limited, in a sentence.
fn reached(limits: &[ReachedRow]) -> String {
    let each: Vec<String> =
        limits.iter().map(|l| format!("{}, at most {}", l.limit, grouped(l.most))).collect();
    if each.is_empty() { String::new() } else { format!(" Limits that are reached: {}.", each.join("; ")) }
}

/// Whose pods stay pending, in a sentence.
pub(in crate::report) fn named(measures: &MeasuresRow) -> String {
    let each: Vec<String> =
        measures.pending.iter().map(|p| format!("{} of {}", grouped(p.pods), p.workload)).collect();
    let named = if each.is_empty() { String::new() } else { format!(" up to {}", each.join(", ")) };
    format!("Pods stay pending even so:{named}.{}", reached(&measures.limits))
}

/// The replay in a line for the headline.
pub(in crate::report) fn line(report: &PlanReport) -> String {
    match &report.replay {
        None => "not done (plimsoll replay): pods may stay pending on these nodes".to_owned(),
        Some(replay) if report.form == PlanForm::Pooled => format!("led to pools, {}", in_a_line(replay)),
        Some(replay) => in_a_line(replay),
    }
}

/// What the replay's line does not say: what nodes beyond the plan cost, and what becomes of updates and
/// drains. `amount` writes money.
pub(in crate::report) fn beyond(report: &PlanReport, amount: &dyn Fn(Money) -> String) -> Vec<String> {
    let Some(replay) = &report.replay else { return Vec::new() };
    let more = |month: Money, premium: Option<Ratio>, what: &str| {
        let share = premium.map(|p| format!(" ({})", signed_percent(p))).unwrap_or_default();
        format!("{} a month more{share} for {what}, not in the plan's cost", amount(month))
    };
    let mut lines = Vec::new();
    if let Some(measures) = replay.measures.as_ref().filter(|m| !m.extra_nodes.is_empty()) {
        lines.push(more(measures.premium_month, measures.premium, "the extra nodes"));
    }
    lines.push(match &replay.life {
        None => "rolling updates and drains are not replayed (plimsoll replay)".to_owned(),
        Some(life) if !life.settled && life.extra_nodes.is_empty() => {
            "some rolling updates or drains do not go through".to_owned()
        }
        Some(life) if life.extra_nodes.is_empty() => {
            "rolling updates and the drain of any one node go through".to_owned()
        }
        Some(life) => {
            let even_so = if life.settled { "" } else { "; some do not go through even so" };
            more(life.premium_month, life.premium, "rolling updates and drains") + even_so
        }
    });
    lines
}

pub(in crate::report) fn in_a_line(replay: &Replayed) -> String {
    let worst = replay.worst_before();
    let pods = |n: u64| format!("{} of {} pods", grouped(n), grouped(replay.pods));
    let before = match worst {
        0 => "no pod stays pending in any run".to_owned(),
        n => format!("up to {} stay pending", pods(n)),
    };
    match &replay.measures {
        Some(measures) if worst > 0 => {
            let left = measures.after.iter().map(|row| row.most).max().unwrap_or(0);
            let left = if left == 0 { "none".to_owned() } else { grouped(left) };
            format!("{before}; {left} with {}", words(measures))
        }
        _ => before,
    }
}

/// `50 pins, 4 classes and 2 extra nodes`.
fn words(measures: &MeasuresRow) -> String {
    let extra: u64 = measures.extra_nodes.iter().map(|e| e.nodes).sum();
    let mut parts = Vec::new();
    for (n, one) in [
        (measures.pins.len() as u64, "pin"),
        (measures.classes.len() as u64, "size class"),
        (extra, "extra node"),
    ] {
        match n {
            0 => {}
            n if one.ends_with("ss") && n > 1 => parts.push(format!("{} {one}es", grouped(n))),
            n => parts.push(count(n, one)),
        }
    }
    if measures.profile != "default" {
        parts.push(format!("the profile {}", measures.profile));
    }
    match parts.split_last() {
        None => "nothing done".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

pub(in crate::report) fn lines(report: &PlanReport, measures: &MeasuresRow) -> Vec<String> {
    let mut lines = Vec::new();
    if measures.pins.is_empty() && measures.classes.is_empty() && measures.extra_nodes.is_empty() {
        lines.push(match measures.settled {
            true => "Nothing needs to be done.".to_owned(),
            false => format!("No measure that may be taken helps. {}", named(measures)),
        });
        return lines;
    }
    let premium = measures.premium.map(|p| format!(" ({})", signed_percent(p))).unwrap_or_default();
    let currency = Currency::new(&report.catalog.currency);
    lines.push(format!(
        "Measures: {}, {} a month{premium}{}.",
        words(measures),
        currency.short(measures.premium_month),
        match (measures.settled, measures.proven) {
            (true, true) => "; all cheaper ones were tried",
            (true, false) => "; the cheapest found",
            (false, _) => "",
        },
    ));
    for extra in &measures.extra_nodes {
        lines.push(format!("  {} more of {}", count(extra.nodes, "node"), extra.pool));
    }
    if !measures.settled {
        lines.push(named(measures));
    }
    lines.push("What they need is in -f kubernetes.".to_owned());
    lines
}

fn painted(row: &PendingRow, draw: &Draw) -> String {
    let text = if row.fewest == row.most {
        grouped(row.most)
    } else {
        format!("{}-{}", grouped(row.fewest), grouped(row.most))
    };
    draw.paint(&text, if row.most == 0 { Tone::Good } else { Tone::Bad })
}
