//! What does not fit, what was assumed, and what all of it rests on.

use super::part::{Block, Cell, Section, Table, clean};
use crate::report::number::grouped;
use crate::report::table::count;
use crate::report::view::{NoticeKind, PlanReport};

/// Workloads that fit nowhere.
pub(super) fn obstacles(report: &PlanReport) -> Option<Section> {
    if report.obstacles.is_empty() {
        return None;
    }
    let remark = "Not in the plan, nor in its cost.";
    let mut section = Section::new("obstacles", "Fits nowhere", "Fits nowhere", remark);
    let told = report.obstacles.iter().map(|row| {
        let nearest =
            row.nearest_type.as_deref().map(|name| format!(" (nearest: {name})")).unwrap_or_default();
        clean(&format!("{} ({}): {}{nearest}", row.workload, count(row.pods, "pod"), row.reason))
    });
    section.blocks.push(Block::Alert(told.collect()));
    Some(section)
}

/// Up to so many notes of a kind stand in full view.
const SHOWN: usize = 12;

/// Warnings, assumptions, what does not count.
pub(super) fn notices(report: &PlanReport) -> Option<Section> {
    if report.notices.is_empty() && report.skipped.is_empty() {
        return None;
    }
    let mut section = Section::new("notes", "Warnings and assumptions", "Notes", "");
    for (kind, title, one) in
        [(NoticeKind::Warning, "Warnings", "Warning"), (NoticeKind::Assumption, "Assumptions", "Assumption")]
    {
        let told: Vec<&str> =
            report.notices.iter().filter(|n| n.kind == kind).map(|n| n.message.as_str()).collect();
        if told.is_empty() {
            continue;
        }
        section.blocks.push(Block::Title(title.to_owned()));
        section.blocks.push(Block::list(told.iter().take(SHOWN)));
        if told.len() > SHOWN {
            let mut rest = Table::new(&format!("{} more", told.len() - SHOWN), &[one]);
            told.iter().skip(SHOWN).for_each(|text| rest.row(vec![Cell::text(text)]));
            section.blocks.push(Block::Folded(rest));
        }
    }
    if !report.skipped.is_empty() {
        section.blocks.push(Block::Title("Not counted".to_owned()));
        let told = report.skipped.iter().map(|row| format!("{} {}", grouped(row.count), row.what));
        section.blocks.push(Block::list(told));
    }
    Some(section)
}

/// Prices, settings, inputs.
pub(super) fn sources(report: &PlanReport) -> Option<Section> {
    let catalog = &report.catalog;
    let remark = "The same input gives the same plan.";
    let mut section = Section::new("sources", "What it rests on", "Sources", remark);
    let mut facts = vec![
        ("Prices of".to_owned(), Cell::text(&catalog.price_date)),
        ("Catalog".to_owned(), Cell::text(&catalog.name)),
        ("Provider and region".to_owned(), Cell::text(format!("{} {}", catalog.provider, catalog.region))),
        ("Currency".to_owned(), Cell::text(&catalog.currency)),
        ("Licence of the prices".to_owned(), Cell::text(&catalog.licence_note)),
        ("Input hash (SHA-256)".to_owned(), Cell::text(&report.input_hash).class("code")),
        ("Scenario".to_owned(), Cell::text(&report.scenario.id).class("code")),
        ("Seed".to_owned(), Cell::text(report.scenario.seed.to_string())),
    ];
    facts.retain(|(_, cell)| !cell.text.is_empty());
    section.blocks.push(Block::Facts(facts));
    if !catalog.sources.is_empty() {
        section.blocks.push(Block::Title("Sources of the prices".to_owned()));
        section.blocks.push(Block::list(&catalog.sources));
    }
    if !catalog.derivations.is_empty() {
        section.blocks.push(Block::Title("Rates that are derived (*)".to_owned()));
        let rules =
            catalog.derivations.iter().map(|(rule, why)| format!("{}: {why}", rule.replace('_', " ")));
        section.blocks.push(Block::list(rules));
    }
    let mut inputs = Table::new("Files that were read", &["File", "SHA-256"]);
    report
        .inputs
        .iter()
        .for_each(|f| inputs.row(vec![Cell::text(&f.name), Cell::text(&f.sha256).class("code")]));
    let mut settings = Table::new("All settings", &["Setting", "Value"]);
    report.policy.iter().for_each(|s| settings.row(vec![Cell::text(&s.name), Cell::text(&s.value)]));
    let mut methods = Table::new("How the other plans were made", &["Plan", "Method"]);
    for row in report.plans.iter().filter(|row| !row.method.is_empty()) {
        methods.row(vec![Cell::text(&row.label), Cell::text(row.method.join("; "))]);
    }
    section.blocks.extend(
        [inputs, settings, methods].into_iter().filter(|table| !table.rows.is_empty()).map(Block::Folded),
    );
    Some(section)
}
