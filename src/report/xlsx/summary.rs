//! The first sheet, with the answer and what it rests on, and the last one, with the checks.

use super::XlsxFailure;
use super::book::{Book, CHECKS, Look};
use super::lists::Nodes;
use super::money::{MONTHS, Options};
use crate::bill::Ratio;
use crate::plan::BoundKind;
use crate::report::number::Currency;
use crate::report::table::replay;
use crate::report::view::{NoticeKind, PlanReport, uncommitted};
use crate::units::{HOURS_PER_MONTH, HOURS_PER_YEAR, Money};

/// The answer, the inputs that may be changed, and what was taken for granted.
pub(super) fn summary(
    book: &mut Book,
    report: &PlanReport,
    nodes: &Nodes,
    options: &Options,
) -> Result<(), XlsxFailure> {
    let head = &report.headline;
    let catalog = &report.catalog;
    let mut names: Vec<(&'static str, String)> = Vec::new();
    let mut sheet = book.sheet("Summary")?;
    sheet.widths(&[40, 24, 70])?;
    sheet.title(&format!("Plan for {}", report.scenario.name))?;
    sheet.end();

    sheet.label("Inputs of the formulas")?;
    sheet.end();
    sheet.text("Hours of a month")?;
    names.push(("hours_per_month", sheet.here()));
    sheet.count(HOURS_PER_MONTH)?;
    sheet.end();
    sheet.text("Hours of a year")?;
    names.push(("hours_per_year", sheet.here()));
    sheet.count(HOURS_PER_YEAR)?;
    sheet.end();
    sheet.text("Way to pay that is counted with")?;
    names.push(("selected_option", sheet.here()));
    sheet.choice(&format!("='Ways to pay'!$A$2:$A${}", options.last.max(2)))?;
    sheet.text(&options.selected)?;
    sheet.text("Choose another: cash flow and the figures below follow.")?;
    sheet.end();
    sheet.end();

    sheet.label(&format!("Figures, in {}", catalog.currency))?;
    sheet.end();
    let paid = head.reserved_month.map_or(head.packed_month.money(), |cost| cost.money());
    let saving = |month: Money| -> String {
        let before = head.before_month.map(|cost| cost.money());
        let saved = before.and_then(|before| Ratio::of_money(before - month, before));
        saved.unwrap_or(Ratio::ZERO).to_string()
    };
    let before_cell = match head.before_month {
        Some(before) => {
            sheet.text(&format!("Before: {}, a month", head.before_label.as_deref().unwrap_or("before")))?;
            let cell = sheet.here();
            sheet.money(before.money())?;
            sheet.end();
            Some(cell)
        }
        None => None,
    };
    sheet.text(&format!("Packed, {}, a month", uncommitted(&report.nodes)))?;
    names.push(("on_demand_month", sheet.here()));
    sheet.total(&format!("={}", nodes.list), &head.packed_month.to_string(), Look::Money)?;
    sheet.end();
    sheet.text("Packed, as paid for (amortised), a month")?;
    names.push(("paid_month", sheet.here()));
    let formula = "=INDEX('Ways to pay'!K:K,MATCH(selected_option,'Ways to pay'!A:A,0))";
    sheet.total(formula, &paid.to_string(), Look::Money)?;
    sheet.text(head.reserved_label.as_deref().unwrap_or_default())?;
    sheet.end();
    sheet.text("Packed, as paid for (amortised), a year")?;
    let year = paid.checked_mul(12).expect("no bill reaches 10^29");
    sheet.formula("=paid_month*hours_per_year/hours_per_month", &year.to_string(), Look::Money)?;
    sheet.end();
    if let Some(before) = &before_cell {
        for (label, name, month) in [
            ("Saved by packing", "on_demand_month", head.packed_month.money()),
            ("Saved in all", "paid_month", paid),
        ] {
            sheet.text(label)?;
            sheet.formula(&format!("=IF({before}=0,0,1-{name}/{before})"), &saving(month), Look::Percent)?;
            sheet.end();
        }
    }
    if let Some(over) = &report.over_time {
        sheet.text(&format!("Demand over time: on demand, {} hours", over.hours))?;
        sheet.formula("=over_time_on_demand", &over.list.to_string(), Look::Money)?;
        sheet.text("nodes come and go by the hour; see Over time")?;
        sheet.end();
    }
    if let Some(purchases) = &report.purchases {
        sheet.text(&format!("With the proposed commitments (amortised), {} hours", purchases.hours))?;
        sheet.formula("=commitments_cost", &purchases.cost.to_string(), Look::Money)?;
        sheet.text("a proposal, nothing is bought; see Commitment plan")?;
        sheet.end();
        sheet.text("The same, a month")?;
        let month = purchases.month(purchases.cost.money()).to_string();
        sheet.formula("=commitments_month", &month, Look::Money)?;
        sheet.end();
    }
    let bound = report.solve.lower_bound_hour.money();
    let bound_month = bound.checked_mul(i128::from(HOURS_PER_MONTH)).expect("no bill reaches 10^29");
    sheet.text("No plan costs less, on demand, a month")?;
    let bound_cell = sheet.here();
    sheet.money(bound_month)?;
    sheet.text(match report.solve.bound_kind {
        BoundKind::Certified => "certified",
        BoundKind::SolverReported => "solver-reported",
    })?;
    sheet.end();
    sheet.text("So the plan is at most so far above the cheapest")?;
    let gap = report.solve.gap.unwrap_or(Ratio::ZERO);
    let formula = format!("=IF(on_demand_month=0,0,1-{bound_cell}/on_demand_month)");
    sheet.formula(&formula, &gap.to_string(), Look::Percent)?;
    sheet.end();
    for (label, cell, number) in
        [("Nodes", &nodes.count, head.nodes), ("Pods placed", &nodes.pods, head.pods)]
    {
        sheet.text(label)?;
        sheet.formula(&format!("={cell}"), &number.to_string(), Look::Count)?;
        sheet.end();
    }
    sheet.text("Pods that fit nowhere, in no cost")?;
    sheet.count(head.pods_left_out)?;
    sheet.end();
    for row in &report.extra_costs {
        sheet.text(&row.name)?;
        sheet.money(row.list_month.money())?;
        sheet.text(if row.in_node_rates {
            "a month, part of the nodes' rates"
        } else {
            "a month, on top"
        })?;
        sheet.end();
    }
    let replay = report.replay.as_ref();
    let measures = replay.and_then(|r| r.measures.as_ref()).map(|m| m.premium_month);
    let life = replay.and_then(|r| r.life.as_ref()).map(|life| life.premium_month);
    for (label, month) in [("Extra nodes for the scheduler", measures), ("Room for updates and drains", life)]
    {
        if let Some(month) = month {
            sheet.text(label)?;
            sheet.money(month)?;
            sheet.text("a month, on top")?;
            sheet.end();
        }
    }
    sheet.text("Checks")?;
    sheet.formula("=checks_in_all", "ok", Look::Text)?;
    sheet.end();
    sheet.end();

    sheet.label("What the figures rest on")?;
    sheet.end();
    let amount = Currency::new(&catalog.currency);
    let mut replayed = vec![replay::line(report)];
    replayed.extend(replay::beyond(report, &|money| amount.cents(money)));
    let replayed = replayed.join("; ");
    let facts = [
        ("Replay", replayed.as_str()),
        ("Prices", &catalog.name),
        ("Price date", &catalog.price_date),
        ("Provider", &catalog.provider.to_string()),
        ("Region", &catalog.region),
        ("Input, SHA-256", &report.input_hash),
        ("Program", &format!("{} {}", report.tool.name, report.tool.version)),
    ];
    for (label, value) in facts {
        sheet.text(label)?;
        sheet.text(value)?;
        sheet.end();
    }
    for setting in &report.policy {
        sheet.text(&setting.name)?;
        sheet.text(&setting.value)?;
        sheet.end();
    }
    for row in &report.obstacles {
        sheet.text(&format!("fits nowhere: {}", row.workload))?;
        sheet.count(row.pods)?;
        sheet.text(&row.reason)?;
        sheet.end();
    }
    for notice in &report.notices {
        sheet.text(match notice.kind {
            NoticeKind::Warning => "warning",
            NoticeKind::Assumption => "assumed",
        })?;
        sheet.skip()?;
        sheet.text(&notice.message)?;
        sheet.end();
    }
    for (name, cell) in names {
        book.name(name, &cell);
    }
    Ok(())
}

/// Something that the workbook computes and the report states.
pub(super) struct Check {
    what: String,
    formula: String,
    stated: String,
}

impl Check {
    /// With a formula without its equals sign.
    pub(super) fn new(what: &str, formula: &str, stated: String) -> Self {
        Check { what: what.to_owned(), formula: format!("={formula}"), stated }
    }
}

/// What the workbook computes, what the report states, and the difference of the two.
pub(super) fn checks(
    book: &mut Book,
    report: &PlanReport,
    (nodes, options): (&Nodes, &Options),
    more: Vec<Check>,
) -> Result<(), XlsxFailure> {
    let head = &report.headline;
    let paid = head.reserved_month.map_or(head.packed_month.money(), |cost| cost.money());
    let selected = report.purchase_options.iter().find(|row| row.selected);
    let months = |money: Money| money.checked_mul(i128::from(MONTHS)).expect("no bill reaches 10^29");
    let all_years = months(paid).to_string();
    // What follows the choice of an option is compared while that is the report's own.
    let quoted = options.selected.replace('"', "\"\"");
    let chosen = |cell: &str, stated: &str| format!("=IF(selected_option=\"{quoted}\",{cell},{stated})");
    let mut rows: Vec<(String, String, String)> = vec![
        ("Nodes of all groups".to_owned(), format!("={}", nodes.count), head.nodes.to_string()),
        ("Pods of all groups".to_owned(), format!("={}", nodes.pods), head.pods.to_string()),
        ("Pods placed, of all workloads".to_owned(), "=pods_placed".to_owned(), head.pods.to_string()),
        (
            "Pods asked for less pods placed: those that fit nowhere".to_owned(),
            "=pods_asked_for-pods_placed".to_owned(),
            head.pods_left_out.to_string(),
        ),
        (
            "On demand, a month, of all groups".to_owned(),
            format!("={}", nodes.list),
            head.packed_month.to_string(),
        ),
        ("As paid for, a month, of all groups".to_owned(), format!("={}", nodes.effective), paid.to_string()),
        (
            "As paid for, a month, of the selected option".to_owned(),
            chosen("paid_month", &paid.to_string()),
            paid.to_string(),
        ),
    ];
    if let Some(row) = selected {
        let upfront = row.upfront.to_string();
        let name = format!("SUMIF(Commitments!A:A,\"{quoted}\",Commitments!N:N)");
        rows.push(("Upfront of the report's commitments".to_owned(), format!("={name}"), upfront));
        let month = row.effective_month.to_string();
        rows.push((
            "Amortised cost of a month in the cash flow".to_owned(),
            chosen("amortised_month", &month),
            month,
        ));
        rows.push((
            "Amortised cost of 36 months in the cash flow".to_owned(),
            chosen("amortised_in_all", &all_years),
            all_years.clone(),
        ));
        rows.push((
            "Cash of 36 months less amortised cost".to_owned(),
            "=cash_in_all-amortised_in_all".to_owned(),
            "0".to_owned(),
        ));
    }
    rows.push((
        "Prepaid balance at the end of the longest term".to_owned(),
        "=prepaid_at_the_end".to_owned(),
        "0".to_owned(),
    ));
    for (line, row) in (2..).zip(&report.purchase_options) {
        let name = format!("As paid for, a month: {}", row.label);
        rows.push((name, format!("='Ways to pay'!K{line}"), row.effective_month.to_string()));
    }
    rows.extend(more.into_iter().map(|check| (check.what, check.formula, check.stated)));
    let mut sheet = book.sheet(CHECKS)?;
    sheet.header(&[
        ("What", 56),
        ("Computed here", 18),
        ("Stated by the report", 18),
        ("Difference: must be 0", 18),
    ])?;
    let first = sheet.line();
    for (what, formula, stated) in &rows {
        let line = sheet.line();
        sheet.text(what)?;
        // Amortisation rounds to the nano-dollar in the report and not at all here.
        sheet.formula(formula, stated, Look::Decimal)?;
        sheet.number(stated, Look::Decimal)?;
        sheet.formula(&format!("=ROUND(B{line}-C{line},5)"), "0", Look::Decimal)?;
        sheet.end();
    }
    let last = sheet.line() - 1;
    sheet.label("All of them")?;
    sheet.skip()?;
    sheet.skip()?;
    let all = sheet.here();
    let formula = format!("=IF(SUMPRODUCT(ABS(D{first}:D{last}))=0,\"ok\",\"DIFFERENCE\")");
    sheet.total(&formula, "ok", Look::Text)?;
    book.name("checks_in_all", &all);
    Ok(())
}
