//! The sheets of demand over time: levels with their hours, and load-duration curves. The cost of all hours
//! is computed from hours, rates and the scenarios' weights.

use rust_xlsxwriter::utility::column_number_to_name;

use super::XlsxFailure;
use super::book::{Book, Look};
use super::summary::Check;
use crate::report::view::{OverTime, PlanReport};
use crate::units::Money;

/// The first column that has the hours of a scenario: F.
const HOURS: u16 = 5;

/// Levels, scenarios and the fleet for every peak; what there is to check about them.
pub(super) fn over_time(book: &mut Book, report: &PlanReport) -> Result<Vec<Check>, XlsxFailure> {
    let Some(over) = &report.over_time else { return Ok(Vec::new()) };
    let scenarios = over.scenarios.len();
    let titles: Vec<String> = over.scenarios.iter().map(|s| format!("Hours, {}", s.name)).collect();
    let mut columns = vec![
        ("Level", 18),
        ("Pods", 9),
        ("Nodes", 9),
        ("On demand, an hour", 14),
        ("Share of all hours", 14),
    ];
    columns.extend(titles.iter().map(|title| (title.as_str(), 12)));
    columns.extend([("On demand, all hours, expected", 16), ("Nodes by type", 60)]);
    let mut sheet = book.sheet("Over time")?;
    sheet.header(&columns)?;
    let column = |index: usize| column_number_to_name(HOURS + u16::try_from(index).unwrap_or(u16::MAX));
    let expected = column(scenarios);
    let first = sheet.line();
    let last = first + u32::try_from(over.levels.len()).unwrap_or(u32::MAX) - 1;
    // Below the levels: their total, an empty row, the titles of the scenarios.
    let weights = last + 4;
    for row in &over.levels {
        let line = sheet.line();
        sheet.count(row.level)?;
        sheet.count(row.pods)?;
        sheet.count(row.nodes)?;
        sheet.number(&row.list_hour.to_string(), Look::Rate)?;
        sheet.percent(Some(row.share))?;
        for &hours in &row.hours {
            sheet.count(hours)?;
        }
        let terms: Vec<String> =
            (0..scenarios).map(|s| format!("{}{line}*$B${}", column(s), weights as usize + s)).collect();
        let formula = format!("=D{line}*({})", terms.join("+"));
        sheet.formula(
            &formula,
            &of_level(over, row.list_hour.money(), &row.hours).to_string(),
            Look::Money,
        )?;
        let nodes = row.types.iter().filter(|t| t.nodes > 0).map(|t| format!("{} {}", t.nodes, t.pool));
        sheet.text(&nodes.collect::<Vec<_>>().join(", "))?;
        sheet.end();
    }
    sheet.label("Total")?;
    (0..4).try_for_each(|_| sheet.skip())?;
    for s in 0..scenarios {
        let column = column(s);
        let hours: u64 = over.levels.iter().map(|level| level.hours.get(s).copied().unwrap_or(0)).sum();
        sheet.total(&format!("=SUM({column}{first}:{column}{last})"), &hours.to_string(), Look::Count)?;
    }
    let all = sheet.here();
    sheet.total(&format!("=SUM({expected}{first}:{expected}{last})"), &over.list.to_string(), Look::Money)?;
    sheet.end();
    sheet.end();
    for title in ["Scenario", "Weight", "Replicas", "On demand, all hours"] {
        sheet.label(title)?;
    }
    sheet.end();
    let mut checks = Vec::new();
    for (s, row) in over.scenarios.iter().enumerate() {
        let column = column(s);
        sheet.text(&row.name)?;
        sheet.percent(Some(row.weight))?;
        sheet.percent(Some(row.share))?;
        let cell = sheet.here();
        let formula = format!("=SUMPRODUCT({column}{first}:{column}{last},D{first}:D{last})");
        sheet.formula(&formula, &row.list.to_string(), Look::Money)?;
        sheet.end();
        let what = format!("On demand, all hours, scenario {}", row.name);
        checks.push(Check::new(&what, &cell, row.list.to_string()));
        let hours = format!("'Over time'!{column}{}", last + 1);
        checks.push(Check::new(
            &format!("Hours of all levels, {}", row.name),
            &hours,
            over.hours.to_string(),
        ));
    }
    sheet.end();
    sheet.text("A fleet for every peak at all hours")?;
    sheet.skip()?;
    sheet.count(over.peak_nodes)?;
    sheet.money(over.peak_list.money())?;
    let peak = sheet.line();
    sheet.end();
    sheet.text("Saved by nodes that come and go")?;
    (0..2).try_for_each(|_| sheet.skip())?;
    let saved = over.peak_list.money() - over.list.money();
    let formula = format!("=D{peak}-{expected}{}", last + 1);
    sheet.formula(&formula, &saved.to_string(), Look::Money)?;
    sheet.end();
    sheet.text("Hours")?;
    (0..2).try_for_each(|_| sheet.skip())?;
    let hours = sheet.here();
    sheet.count(over.hours)?;
    book.name("over_time_hours", &hours);
    book.name("over_time_on_demand", &all);
    checks.push(Check::new(
        "On demand, all hours, expected over the scenarios",
        "over_time_on_demand",
        over.list.to_string(),
    ));
    curves(book, over)?;
    Ok(checks)
}

/// What a level costs in its hours, expected, to the nano-dollar.
fn of_level(over: &OverTime, hour: Money, hours: &[u64]) -> Money {
    let one = 1_000_000_000;
    let weighted: i128 =
        over.scenarios.iter().zip(hours).map(|(s, &hours)| s.weight.nanos() * i128::from(hours)).sum();
    let scaled = hour.checked_mul(weighted).expect("no bill reaches 10^29").nanos();
    Money::from_nanos((scaled + one / 2) / one)
}

/// For how many hours each family runs how much at least.
fn curves(book: &mut Book, over: &OverTime) -> Result<(), XlsxFailure> {
    let mut sheet = book.sheet("Load curves")?;
    sheet.header(&[
        ("Scenario", 18),
        ("Family", 14),
        ("cpu of its nodes, millicores", 14),
        ("Nodes, at the fewest", 12),
        ("On demand, an hour", 14),
        ("Hours with so much or more", 14),
        ("Share of all hours", 14),
    ])?;
    for row in &over.load {
        let line = sheet.line();
        sheet.text(&row.scenario)?;
        sheet.text(&row.family)?;
        sheet.count(row.cpu)?;
        sheet.count(row.nodes)?;
        sheet.number(&row.list_hour.to_string(), Look::Rate)?;
        sheet.count(row.hours)?;
        let formula = format!("=IF(over_time_hours=0,0,F{line}/over_time_hours)");
        sheet.formula(&formula, &row.share.to_string(), Look::Percent)?;
        sheet.end();
    }
    Ok(())
}
