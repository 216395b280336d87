//! A figure that stands in two formats is the same in both: JSON against CSV, the page, the workbook and
//! Markdown, for a plain plan, one of Kubernetes objects, one over time with commitments, and one with spot
//! nodes and measured use.

#[path = "support/figures.rs"]
mod figures;
mod plan_fixture;
#[path = "support/planned.rs"]
mod planned;
#[path = "support/workbook.rs"]
mod workbook;

use std::collections::BTreeMap;

use plan_fixture::report;
use plimsoll::bill::Ratio;
use plimsoll::report::view::PlanReport;
use plimsoll::report::{Format, RenderOptions, csv, render};
use plimsoll::units::Money;
use serde_json::Value;

/// How Markdown writes a figure.
#[derive(Debug, Clone, Copy)]
enum Shown {
    /// Whole.
    Count,
    /// To the cent.
    Money,
    /// To a tenth of a percent.
    Percent,
}

/// A figure: its field in JSON, its columns in CSV, in the workbook and in Markdown.
type Figure = (&'static str, Option<&'static str>, Option<&'static str>, Option<(&'static str, Shown)>);

/// Rows of one kind: where they stand in JSON, CSV, workbook (with the title of the first column) and Markdown
/// (with the number of the table in its part), and their figures.
struct Rows {
    json: &'static str,
    csv: Option<csv::Table>,
    sheet: Option<(&'static str, &'static str)>,
    markdown: Option<(&'static str, usize)>,
    figures: &'static [Figure],
}

const PLAN: [Rows; 6] = [
    Rows {
        json: "/nodes",
        csv: Some(csv::Table::Nodes),
        sheet: Some(("Nodes", "Group")),
        markdown: Some(("Nodes", 0)),
        figures: &[
            ("group", Some("group"), Some("Group"), None),
            ("nodes", Some("nodes"), Some("Nodes"), Some(("Nodes", Shown::Count))),
            ("pods_per_node", Some("pods_per_node"), Some("Pods each"), Some(("Pods each", Shown::Count))),
            ("list_rate", Some("list_rate_per_node_hour"), Some("On demand, an hour each"), None),
            ("surplus_rate", Some("surplus_rate_per_node_hour"), None, None),
            ("node_costs_rate", Some("node_costs_rate_per_node_hour"), None, None),
            (
                "list_month",
                Some("list_cost_month"),
                Some("On demand, a month"),
                Some(("Month", Shown::Money)),
            ),
            (
                "effective_month",
                Some("effective_cost_month"),
                Some("As paid for, a month"),
                Some(("Reserved", Shown::Money)),
            ),
        ],
    },
    Rows {
        json: "/savings",
        csv: Some(csv::Table::Savings),
        sheet: None,
        markdown: Some(("", 0)),
        figures: &[
            ("nodes", Some("nodes"), None, Some(("Nodes", Shown::Count))),
            ("list_month", Some("list_cost_month"), None, None),
            ("effective_hour", Some("effective_cost_hour"), None, None),
            ("effective_month", Some("effective_cost_month"), None, Some(("Month", Shown::Money))),
            ("effective_year", Some("effective_cost_year"), None, None),
            ("change", Some("change"), None, None),
            ("share_of_first", Some("share_of_first"), None, None),
        ],
    },
    Rows {
        json: "/plans",
        csv: Some(csv::Table::Plans),
        sheet: Some(("Other plans", "Plan")),
        markdown: Some(("Beside other ways to plan", 0)),
        figures: &[
            ("nodes", Some("nodes"), Some("Nodes"), Some(("Nodes", Shown::Count))),
            ("instance_types", Some("instance_types"), Some("Types"), None),
            ("pods", Some("pods"), Some("Pods"), None),
            ("pods_left_out", Some("pods_left_out"), Some("Pods left out"), None),
            ("list_hour", Some("list_cost_hour"), Some("On demand, an hour"), None),
            (
                "list_month",
                Some("list_cost_month"),
                Some("On demand, a month"),
                Some(("Month, on demand", Shown::Money)),
            ),
            ("above_plan", Some("above_plan"), Some("To this plan"), Some(("To plan", Shown::Percent))),
            ("above_bound", Some("above_bound"), None, None),
        ],
    },
    Rows {
        json: "/purchase_options",
        csv: Some(csv::Table::PurchaseOptions),
        sheet: Some(("Ways to pay", "Option")),
        markdown: Some(("Ways to pay for these nodes", 0)),
        figures: &[
            ("nodes_covered", None, Some("Nodes covered"), None),
            ("nodes_on_demand", None, Some("Nodes on demand"), None),
            ("coverage", None, Some("Coverage"), Some(("Covers", Shown::Percent))),
            ("upfront", None, Some("Upfront"), Some(("Upfront", Shown::Money))),
            ("recurring_month", None, Some("Cash a month"), Some(("Cash a month", Shown::Money))),
            ("billed_first_year", None, Some("Cash in the first year"), None),
            (
                "effective_month",
                None,
                Some("As paid for (amortised), a month"),
                Some(("Effective a month", Shown::Money)),
            ),
            ("saving", None, Some("Saving to on demand"), Some(("Saving", Shown::Percent))),
            ("break_even_utilization", None, Some("Break-even use"), None),
            ("break_even_months", None, Some("Break-even, months"), None),
        ],
    },
    Rows {
        json: "/commitments",
        csv: Some(csv::Table::Commitments),
        sheet: Some(("Commitments", "Option")),
        markdown: None,
        figures: &[
            ("quantity", Some("quantity"), Some("Quantity"), None),
            ("used", Some("used"), Some("Used"), None),
            ("upfront_each", None, Some("Upfront each"), None),
            ("recurring_rate", None, Some("Fee an hour each"), None),
            ("effective_rate", None, Some("Amortised, an hour each"), None),
            ("on_demand_rate", None, Some("On demand, an hour each"), None),
        ],
    },
    Rows {
        json: "/workloads",
        csv: Some(csv::Table::Owners),
        sheet: Some(("Workloads", "Workload")),
        markdown: Some(("Workloads", 0)),
        figures: &[
            ("replicas", None, Some("Pods"), Some(("Pods", Shown::Count))),
            ("placed", None, Some("Placed"), Some(("Placed", Shown::Count))),
            ("nodes", None, Some("On nodes"), Some(("On nodes", Shown::Count))),
        ],
    },
];

const MORE: [Rows; 15] = [
    Rows {
        json: "/over_time/levels",
        csv: None,
        sheet: Some(("Over time", "Level")),
        markdown: Some(("Demand over time", 0)),
        figures: &[
            ("level", None, Some("Level"), Some(("Level", Shown::Count))),
            ("pods", None, Some("Pods"), Some(("Pods", Shown::Count))),
            ("nodes", None, Some("Nodes"), Some(("Nodes", Shown::Count))),
            ("share", None, Some("Share of all hours"), Some(("Share of hours", Shown::Percent))),
            ("list_hour", None, Some("On demand, an hour"), Some(("Hour, on demand", Shown::Money))),
        ],
    },
    Rows {
        json: "/over_time/scenarios",
        csv: None,
        sheet: Some(("Over time", "Scenario")),
        markdown: None,
        figures: &[
            ("weight", None, Some("Weight"), None),
            ("share", None, Some("Replicas"), None),
            ("list", None, Some("On demand, all hours"), None),
        ],
    },
    Rows {
        json: "/over_time/load",
        csv: Some(csv::Table::Load),
        sheet: Some(("Load curves", "Scenario")),
        markdown: None,
        figures: &[
            ("cpu", Some("cpu_millicores"), Some("cpu of its nodes, millicores"), None),
            ("nodes", Some("nodes"), Some("Nodes, at the fewest"), None),
            ("list_hour", Some("list_cost_hour"), Some("On demand, an hour"), None),
            ("hours", Some("hours_at_least"), Some("Hours with so much or more"), None),
            ("share", Some("share_of_hours"), Some("Share of all hours"), None),
        ],
    },
    Rows {
        json: "/purchases/rows",
        csv: Some(csv::Table::Proposals),
        sheet: Some(("Commitment plan", "Commitments")),
        markdown: Some(("Commitment plan", 0)),
        figures: &[
            ("quantity", Some("quantity"), Some("Quantity"), None),
            ("rate", Some("effective_rate"), Some("Amortised, an hour"), None),
            ("upfront", Some("upfront"), Some("Upfront"), Some(("Upfront", Shown::Money))),
            ("recurring", Some("recurring_rate"), Some("Fee an hour"), None),
            (
                "effective",
                Some("effective_cost"),
                Some("Amortised, these hours"),
                Some(("Amortised", Shown::Money)),
            ),
            ("unused", Some("unused_cost"), Some("Of that, unused"), Some(("Unused", Shown::Money))),
            ("list_covered", Some("list_covered"), Some("On demand, of what is covered"), None),
            ("net_savings", Some("net_savings"), Some("Saved"), Some(("Saved", Shown::Money))),
            ("utilization", Some("utilization"), Some("Used"), Some(("Used", Shown::Percent))),
            ("coverage", Some("coverage"), Some("Coverage"), Some(("Coverage", Shown::Percent))),
            (
                "break_even_utilization",
                Some("break_even_utilization"),
                Some("Break-even use"),
                Some(("Break-even use", Shown::Percent)),
            ),
            ("break_even_months", Some("break_even_months"), Some("Break-even, months"), None),
            (
                "worst_case_loss",
                Some("worst_case_loss"),
                Some("Worst-case loss"),
                Some(("Worst-case loss", Shown::Money)),
            ),
        ],
    },
    Rows {
        json: "/purchases/steps",
        csv: Some(csv::Table::PurchaseSteps),
        sheet: Some(("Outcomes", "Step")),
        markdown: Some(("Commitment plan", 1)),
        figures: &[
            ("list", Some("list_cost"), Some("On demand of its nodes"), Some(("On demand", Shown::Money))),
            ("cost", Some("effective_cost"), Some("Amortised"), Some(("Amortised", Shown::Money))),
            ("change", Some("change"), Some("Change"), None),
        ],
    },
    Rows {
        json: "/purchases/scenarios",
        csv: None,
        sheet: Some(("Outcomes", "Scenario")),
        markdown: Some(("Commitment plan", 2)),
        figures: &[
            ("weight", None, Some("Weight"), Some(("Weight", Shown::Percent))),
            ("list", None, Some("On demand"), None),
            ("without", None, Some("Owned only"), Some(("Without", Shown::Money))),
            ("cost", None, Some("With the proposals"), Some(("With", Shown::Money))),
            ("unused", None, Some("Unused"), Some(("Unused", Shown::Money))),
        ],
    },
    Rows {
        json: "/purchases/sensitivity",
        csv: Some(csv::Table::Sensitivity),
        sheet: Some(("Outcomes", "If demand turns out otherwise")),
        markdown: None,
        figures: &[
            ("change", Some("demand_change"), Some("If demand turns out otherwise"), None),
            ("without", Some("cost_without"), Some("Owned only"), None),
            ("cost", Some("cost_with"), Some("With"), None),
            ("saving", Some("saving"), Some("Saving"), None),
            ("unused", Some("unused_cost"), Some("Unused"), None),
        ],
    },
    Rows {
        json: "/purchases/owned",
        csv: Some(csv::Table::Owned),
        sheet: Some(("Outcomes", "Owned")),
        markdown: Some(("Commitment plan", 3)),
        figures: &[
            ("end_hour", Some("end_hour"), Some("Ends with hour"), None),
            ("utilization", Some("utilization"), Some("Used"), Some(("Used", Shown::Percent))),
            ("effective", Some("effective_cost"), Some("Cost"), Some(("Amortised", Shown::Money))),
            ("waste", Some("waste"), Some("Waste"), Some(("Unused", Shown::Money))),
        ],
    },
    Rows {
        json: "/accounts/held",
        csv: Some(csv::Table::Held),
        sheet: Some(("Held", "Commitment")),
        markdown: None,
        figures: &[
            ("quantity", Some("quantity"), Some("Quantity"), None),
            ("start_hour", Some("start_hour"), Some("First hour"), None),
            ("end_hour", Some("end_hour"), Some("Hour after the last"), None),
            ("upfront", Some("upfront"), Some("Upfront"), None),
            ("recurring_hour", Some("recurring_hour"), Some("Fee an hour"), None),
            ("prepaid_opening", Some("prepaid_opening"), Some("Prepaid at the start"), None),
            ("effective", Some("effective_cost"), Some("Accrual"), None),
            ("unused", Some("effective_cost_unused"), Some("Of that, unused"), None),
            ("net_savings", Some("net_savings"), Some("Saved"), None),
        ],
    },
    Rows {
        json: "/accounts/months",
        csv: Some(csv::Table::CashFlow),
        sheet: Some(("Cash and accrual", "Month")),
        markdown: Some(("Cash and accrual", 0)),
        figures: &[
            ("hours", Some("hours"), Some("Hours"), None),
            ("list", Some("list_cost"), Some("On demand"), Some(("On demand", Shown::Money))),
            ("upfront", Some("billed_upfront"), Some("Upfront"), None),
            ("recurring", Some("billed_recurring"), Some("Fees of commitments"), None),
            ("as_used", Some("billed_as_used"), Some("Paid as used"), None),
            ("billed", Some("billed_cost"), Some("Cash"), Some(("Cash", Shown::Money))),
            ("effective", Some("effective_cost"), Some("Accrual"), Some(("Accrual", Shown::Money))),
            (
                "unused",
                Some("effective_cost_unused"),
                Some("Of that, unused"),
                Some(("Unused", Shown::Money)),
            ),
            ("prepaid_opening", Some("prepaid_opening"), Some("Prepaid, opening"), None),
            (
                "prepaid_closing",
                Some("prepaid_closing"),
                Some("Prepaid, closing"),
                Some(("Prepaid, closing", Shown::Money)),
            ),
        ],
    },
    Rows {
        json: "/accounts/spans",
        csv: None,
        sheet: None,
        markdown: Some(("Cash and accrual", 1)),
        figures: &[
            ("list", None, None, Some(("On demand", Shown::Money))),
            ("billed", None, None, Some(("Cash", Shown::Money))),
            ("effective", None, None, Some(("Accrual", Shown::Money))),
            ("effective_savings_rate", None, None, Some(("Saved", Shown::Percent))),
        ],
    },
    Rows {
        json: "/showback/rows",
        csv: Some(csv::Table::Showback),
        sheet: Some(("Showback", "Owner or line")),
        markdown: Some(("Cost by owner", 0)),
        figures: &[
            ("cpu", Some("effective_cost_cpu"), Some("cpu"), Some(("CPU", Shown::Money))),
            ("memory", Some("effective_cost_memory"), Some("memory"), Some(("Memory", Shown::Money))),
            ("direct", Some("effective_cost"), Some("Cost"), Some(("Cost", Shown::Money))),
            ("share", Some("share"), Some("Share"), Some(("Share", Shown::Percent))),
            (
                "with_shared",
                Some("effective_cost_with_idle"),
                Some("With it"),
                Some(("With idle", Shown::Money)),
            ),
        ],
    },
    Rows {
        json: "/spot/types",
        csv: Some(csv::Table::SpotTypes),
        sheet: Some(("Spot", "Type or workload")),
        markdown: Some(("Spot", 0)),
        figures: &[
            ("nodes", Some("nodes"), Some("Nodes"), Some(("Nodes", Shown::Count))),
            ("pods", Some("pods"), Some("Pods"), Some(("Pods", Shown::Count))),
            ("spot_rate", Some("spot_rate_per_node_hour"), Some("Spot, an hour each"), None),
            ("on_demand_rate", Some("on_demand_rate_per_node_hour"), Some("On demand, an hour each"), None),
        ],
    },
    Rows {
        json: "/spot/workloads",
        csv: Some(csv::Table::SpotWorkloads),
        sheet: Some(("Spot", "Workload")),
        markdown: None,
        figures: &[
            ("pods", Some("pods"), Some("Pods"), None),
            ("allowed", None, Some("May be on spot"), None),
            ("on_spot", None, Some("On spot"), None),
            ("most_on_one_type", None, Some("Most on one type"), None),
        ],
    },
    Rows {
        json: "/usage/plans",
        csv: Some(csv::Table::WhatIf),
        sheet: Some(("Other requests", "Requests")),
        markdown: Some(("Measured use", 0)),
        figures: &[
            ("nodes", Some("nodes"), Some("Nodes"), Some(("Nodes", Shown::Count))),
            ("cost_month", Some("cost_month"), Some("On demand, a month"), Some(("Month", Shown::Money))),
            ("change_month", Some("change_month"), Some("Change"), None),
            ("change", Some("change"), Some("Change, share"), None),
            ("gap", Some("gap"), Some("Gap"), None),
        ],
    },
];

/// A figure of JSON as an exact decimal; empty where there is none.
fn exact(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// As Markdown writes it.
fn shown(decimal: &str, how: Shown) -> String {
    if decimal.is_empty() {
        return String::new();
    }
    match how {
        Shown::Count => decimal.to_owned(),
        Shown::Money => decimal.parse::<Money>().expect("money").to_cents_string(),
        Shown::Percent => decimal.parse::<Ratio>().expect("a ratio").percent(1),
    }
}

/// Only sign, digits and point of a cell.
fn digits(cell: &str) -> String {
    cell.chars().filter(|c| c.is_ascii_digit() || ['.', '-'].contains(c)).collect()
}

fn csv_rows(report: &PlanReport, table: csv::Table) -> Vec<BTreeMap<String, String>> {
    let bytes = csv::render(report, table);
    let mut reader = ::csv::Reader::from_reader(bytes.as_slice());
    reader.deserialize().map(|row| row.expect("a row")).collect()
}

/// The rows of a table below a folded title, or of the first one of all.
fn markdown_rows(text: &str, title: &str, number: usize) -> Option<Vec<BTreeMap<String, String>>> {
    let from = match title {
        "" => 0,
        title => text.find(&format!("<summary>{title}</summary>"))?,
    };
    let to = text[from..].find("</details>").map_or(text.len(), |end| from + end);
    let mut tables: Vec<Vec<&str>> = vec![Vec::new()];
    for line in text[from..to].lines() {
        match line.starts_with('|') {
            true => tables.last_mut()?.push(line),
            false if tables.last()?.is_empty() => {}
            false => tables.push(Vec::new()),
        }
    }
    let lines = tables.get(number).filter(|lines| !lines.is_empty())?;
    let cells = |line: &str| -> Vec<String> {
        let line = line.replace("\\|", "\u{1}");
        line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let header = cells(lines[0]);
    Some(lines[2..].iter().map(|line| header.iter().cloned().zip(cells(line)).collect()).collect())
}

/// The rows below the line of a sheet that begins with this title.
fn sheet_rows(
    book: &[(String, workbook::Cells)],
    sheet: &str,
    title: &str,
) -> Vec<BTreeMap<String, workbook::Cell>> {
    let (_, cells) = book.iter().find(|(name, _)| name == sheet).unwrap_or_else(|| panic!("no {sheet}"));
    let header = cells.iter().find(|((_, column), cell)| {
        // What the figures are of may follow.
        *column == 0 && cell.value.split(", of ").next() == Some(title)
    });
    let ((row, _), _) = header.unwrap_or_else(|| panic!("{sheet} has no {title}"));
    workbook::rows(cells, *row)
}

/// Every format of one plan against its JSON; how many figures of each kind of rows.
fn compared(report: &PlanReport) -> BTreeMap<&'static str, usize> {
    let json: Value = serde_json::to_value(report).expect("JSON");
    let book = render(report, Format::Xlsx, &RenderOptions::default()).expect("it fits");
    let book = workbook::sheets(&book);
    let comment = render(report, Format::Markdown, &RenderOptions::default()).expect("a comment");
    let comment = String::from_utf8(comment).expect("UTF-8");
    let mut compared: BTreeMap<&'static str, usize> = BTreeMap::new();
    for rows in PLAN.iter().chain(&MORE) {
        let Some(stated) = json.pointer(rows.json).and_then(Value::as_array).filter(|r| !r.is_empty()) else {
            continue;
        };
        let tidy = rows.csv.map(|table| csv_rows(report, table));
        let sheet = rows.sheet.map(|(name, title)| sheet_rows(&book, name, title));
        let folded = rows.markdown.and_then(|(title, number)| markdown_rows(&comment, title, number));
        let count = compared.entry(rows.json).or_default();
        for (index, row) in stated.iter().enumerate() {
            for &(field, in_csv, in_sheet, in_markdown) in rows.figures {
                let figure = exact(&row[field]);
                let place = format!("{} {index} {field}", rows.json);
                if let (Some(tidy), Some(column)) = (&tidy, in_csv) {
                    assert_eq!(tidy[index][column], figure, "csv: {place}");
                    *count += 1;
                }
                if let (Some(sheet), Some(column)) = (&sheet, in_sheet) {
                    let cell = sheet[index].get(column).map(|cell| cell.value.clone()).unwrap_or_default();
                    let same = match (cell.parse::<f64>(), figure.parse::<f64>()) {
                        (Ok(cell), Ok(figure)) => cell == figure,
                        // No saving is known: the formula says 0.
                        (Ok(cell), Err(_)) => cell == 0.0 && figure.is_empty(),
                        _ => cell == figure,
                    };
                    assert!(same, "xlsx: {place}: {cell:?} is not {figure:?}");
                    *count += 1;
                }
                if let (Some(folded), Some((column, how))) = (&folded, in_markdown)
                    && let Some(cells) = folded.get(index)
                {
                    assert_eq!(digits(&cells[column]), digits(&shown(&figure, how)), "markdown: {place}");
                    *count += 1;
                }
            }
        }
    }
    compared
}

/// Every figure of the page names its place in JSON.
fn on_the_page(report: &PlanReport, json: &Value) -> usize {
    let page = render(report, Format::Html, &RenderOptions::default()).expect("a page");
    let page = String::from_utf8(page).expect("UTF-8");
    let mut found = 0;
    for element in page.split("<data ").skip(1) {
        let part = |open: &str, close: &str| {
            let (_, rest) = element.split_once(open).expect("an attribute");
            rest.split_once(close).expect("it ends").0.to_owned()
        };
        let path = part("data-json=\"", "\"");
        figures::same(json, &path, &part("value=\"", "\""), &part(">", "</data>"));
        found += 1;
    }
    found
}

#[test]
fn every_figure_is_the_same_in_every_format() {
    let plans = [
        report(None),
        plan_fixture::large(12),
        planned::kubernetes(),
        planned::committed(),
        planned::on_spot_and_measured(),
    ];
    let mut all: BTreeMap<&'static str, usize> = BTreeMap::new();
    // The large one repeats nodes without summing them up anew, which the page does.
    let nodes = |plan: &PlanReport| -> u64 { plan.nodes.iter().map(|row| row.nodes).sum() };
    for plan in plans.iter().filter(|plan| plan.headline.nodes == nodes(plan)) {
        let found = on_the_page(plan, &serde_json::to_value(plan).expect("JSON"));
        assert!(found > 20, "{found}");
    }
    for plan in &plans {
        compared(plan).into_iter().for_each(|(rows, count)| *all.entry(rows).or_default() += count);
    }
    for rows in PLAN.iter().chain(&MORE) {
        assert!(all.get(rows.json).is_some_and(|&count| count > 2), "{}: {all:?}", rows.json);
    }
}

/// The columns that CSV and JSON share by name are equal without being named above.
#[test]
fn csv_columns_that_are_called_as_in_json_are_equal() {
    let report = report(None);
    let json: Value = serde_json::to_value(&report).expect("JSON");
    let mut compared = 0;
    for (field, table) in [
        ("nodes", csv::Table::Nodes),
        ("plans", csv::Table::Plans),
        ("purchase_options", csv::Table::PurchaseOptions),
        ("commitments", csv::Table::Commitments),
        ("savings", csv::Table::Savings),
        ("pools", csv::Table::Pools),
    ] {
        let stated = json[field].as_array().expect("rows");
        let tidy = csv_rows(&report, table);
        assert_eq!(stated.len(), tidy.len(), "{field}");
        for (stated, tidy) in stated.iter().zip(&tidy) {
            for (column, cell) in tidy {
                let Some(value) = stated.get(column).filter(|value| value.is_number() || value.is_string())
                else {
                    continue;
                };
                let numeric = exact(value).parse::<f64>().is_ok();
                if numeric {
                    assert_eq!(*cell, exact(value), "{field}.{column}");
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 40, "{compared}");
}
