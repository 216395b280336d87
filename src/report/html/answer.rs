//! The answer: one sentence, a few figures, and what it rests on.

use super::part::{Cell, clean};
use super::plain;
use crate::bill::Ratio;
use crate::report::number::{Currency, gap_percent, grouped, percent};
use crate::report::table::{self, count};
use crate::report::view::{PlanReport, uncommitted};

/// The top of the page.
pub(super) struct Answer {
    /// In one sentence.
    pub sentence: String,
    pub tiles: Vec<Tile>,
    pub facts: Vec<(&'static str, Cell)>,
}

/// A figure that is read from afar.
pub(super) struct Tile {
    pub label: &'static str,
    /// Before the figure, where it shows a change.
    pub from: Option<Cell>,
    pub figure: Cell,
    pub unit: &'static str,
    pub change: Option<Cell>,
    pub note: String,
    /// Name of its colour.
    pub tint: &'static str,
}

pub(super) fn answer(report: &PlanReport) -> Answer {
    Answer { sentence: sentence(report), tiles: tiles(report), facts: facts(report) }
}

/// What to tell others.
fn sentence(report: &PlanReport) -> String {
    let head = &report.headline;
    let currency = Currency::new(&report.catalog.currency);
    let last = head.reserved_month.map_or(head.packed_month.money(), |cost| cost.money());
    let how = match &head.reserved_label {
        Some(label) => format!(" with {}", clean(label)),
        None => format!(" {}", uncommitted(&report.nodes)),
    };
    let nodes = count(head.nodes, "node");
    match (head.before_month, head.nodes_before, head.saving_total) {
        (Some(before), Some(from), Some(saving)) => {
            let less = if saving < Ratio::ZERO { "more" } else { "less" };
            let saving = if saving < Ratio::ZERO { saving.negated() } else { saving };
            format!(
                "{} become {nodes}: {} a month{how} instead of {}, {} {less}.",
                count(from, "node"),
                currency.short(last),
                currency.short(before.money()),
                percent(saving),
            )
        }
        _ => format!("{nodes} for {} a month{how}.", currency.short(last)),
    }
}

fn tiles(report: &PlanReport) -> Vec<Tile> {
    let head = &report.headline;
    let currency = Currency::new(&report.catalog.currency);
    let mut tiles = Vec::new();
    if let (Some(before), Some(nodes)) = (head.before_month, head.nodes_before) {
        let label = head.before_label.as_deref().unwrap_or("as it was");
        tiles.push(Tile {
            label: "Before",
            from: None,
            figure: Cell::money(currency, before.money(), "/headline/before_month"),
            unit: "a month",
            change: None,
            note: format!("{}, {}", count(nodes, "node"), clean(label)),
            tint: "before",
        });
    }
    tiles.push(Tile {
        label: "Packed",
        from: None,
        figure: Cell::money(currency, head.packed_month.money(), "/headline/packed_month"),
        unit: "a month",
        change: head.saving_packed.map(|saving| Cell::saved(Some(saving), "/headline/saving_packed")),
        note: format!(
            "{} of {}, {}",
            count(head.nodes, "node"),
            count(head.instance_types, "type"),
            uncommitted(&report.nodes)
        ),
        tint: "plan",
    });
    if let (Some(reserved), Some(label)) = (head.reserved_month, &head.reserved_label) {
        let covers = match head.reserved_coverage.filter(|&c| c < Ratio::ONE) {
            Some(coverage) => format!("; covers {} of the on-demand cost", percent(coverage)),
            None => String::new(),
        };
        tiles.push(Tile {
            label: "Reserved",
            from: None,
            figure: Cell::money(currency, reserved.money(), "/headline/reserved_month"),
            unit: "a month",
            change: head.saving_total.map(|saving| Cell::saved(Some(saving), "/headline/saving_total")),
            note: format!("{}{covers}", clean(label)),
            tint: "reserved",
        });
    }
    if let Some(saved) = head.saving_total_month {
        let dearer = saved.nanos() < 0;
        tiles.push(Tile {
            label: if dearer { "Costs more" } else { "Saved" },
            from: None,
            figure: Cell::money(currency, saved, "/headline/saving_total_month"),
            unit: "a month",
            change: None,
            note: "against before".to_owned(),
            tint: if dearer { "bad" } else { "good" },
        });
    }
    let reference = report.plans.iter().position(|plan| plan.reference);
    tiles.push(Tile {
        label: "Nodes",
        from: head.nodes_before.map(|nodes| Cell::count(nodes, "/headline/nodes_before")),
        figure: Cell::count(head.nodes, "/headline/nodes"),
        unit: "",
        change: None,
        note: count(head.instance_types, "instance type"),
        tint: "plan",
    });
    if head.pods_per_node.is_some() {
        let left_out = match head.pods_left_out {
            0 => String::new(),
            n => format!("; {} fit nowhere", grouped(n)),
        };
        tiles.push(Tile {
            label: "Pods a node",
            from: reference.map(|index| {
                Cell::fixed(report.plans[index].pods_per_node, &format!("/plans/{index}/pods_per_node"))
            }),
            figure: Cell::fixed(head.pods_per_node, "/headline/pods_per_node"),
            unit: "",
            change: None,
            note: format!("{} placed{left_out}", count(head.pods, "pod")),
            tint: if head.pods_left_out > 0 { "bad" } else { "plan" },
        });
    }
    let (figure, unit, note) = match report.solve.gap {
        Some(gap) if gap == Ratio::ZERO => {
            (Cell::gap(Some(gap), "/solve/gap"), "above the bound", "no cheaper plan exists".to_owned())
        }
        Some(gap) => (
            Cell::gap(Some(gap), "/solve/gap"),
            "at most",
            format!(
                "is what a cheaper plan could still save ({} a month)",
                currency.cents(report.solve.gap_month)
            ),
        ),
        None => (Cell::number("unknown"), "", "no bound is known".to_owned()),
    };
    tiles.push(Tile {
        label: "Gap to the bound",
        from: None,
        figure,
        unit,
        change: None,
        note,
        tint: "plan",
    });
    tiles
}

fn facts(report: &PlanReport) -> Vec<(&'static str, Cell)> {
    let mut facts = vec![("Quality", Cell::text(table::quality(report)))];
    if let Some(forms) = &report.forms {
        facts.push(("Pools", Cell::text(table::pooled(report, forms))));
        facts.push(("Without pools", Cell::text(table::premium(report, forms))));
    }
    let currency = Currency::new(&report.catalog.currency);
    for cost in &report.extra_costs {
        let (name, words) =
            if cost.in_node_rates { ("Of that", "") } else { ("Beside", ", not in the nodes' rates") };
        let month = currency.cents(cost.list_month.money());
        facts.push((name, Cell::text(format!("{month} a month {}{words}", cost.name))));
    }
    if let Some(survival) = &report.survival {
        facts.push(("Survives", Cell::text(table::survival::line(report, survival, &plain()))));
    }
    let mut replay = vec![table::replay::line(report)];
    replay.extend(table::replay::beyond(report, &|money| currency.short(money)));
    facts.push(("Replay", Cell::text(replay.join("; "))));
    facts.extend(
        report.policy.iter().find(|s| s.name == "types.default").map(|s| ("Types", Cell::text(&s.value))),
    );
    let catalog = &report.catalog;
    facts.push((
        "Prices",
        Cell::text(format!(
            "{}, {} {} ({})",
            catalog.price_date, catalog.provider, catalog.region, catalog.name
        )),
    ));
    if let Some(start) = &report.scenario.start {
        facts.push(("Starts", Cell::text(start)));
    }
    facts.push(("Input hash", Cell::text(&report.input_hash).class("code")));
    facts.push(("Made by", Cell::text(format!("{} {}", report.tool.name, report.tool.version))));
    facts
}

/// A gap in words, for others.
pub(super) fn gap_words(gap: Option<Ratio>) -> String {
    gap.map(gap_percent).unwrap_or_default()
}
