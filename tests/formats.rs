//! A figure that stands in two formats is the same in both: JSON against CSV, the workbook and Markdown.

mod plan_fixture;
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

/// Rows of one kind: where they stand in JSON, CSV, workbook and Markdown, and their figures.
struct Rows {
    json: &'static str,
    csv: csv::Table,
    sheet: Option<&'static str>,
    markdown: Option<&'static str>,
    figures: &'static [Figure],
}

const ALL: [Rows; 6] = [
    Rows {
        json: "nodes",
        csv: csv::Table::Nodes,
        sheet: Some("Nodes"),
        markdown: Some("Nodes"),
        figures: &[
            ("group", Some("group"), Some("Group"), None),
            ("nodes", Some("nodes"), Some("Nodes"), Some(("Nodes", Shown::Count))),
            ("pods_per_node", Some("pods_per_node"), Some("Pods each"), Some(("Pods each", Shown::Count))),
            ("list_rate", Some("list_rate_per_node_hour"), Some("On demand, an hour each"), None),
            ("surplus_rate", Some("surplus_rate_per_node_hour"), None, None),
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
        json: "savings",
        csv: csv::Table::Savings,
        sheet: None,
        markdown: Some(""),
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
        json: "plans",
        csv: csv::Table::Plans,
        sheet: Some("Other plans"),
        markdown: Some("Beside other ways to plan"),
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
        json: "purchase_options",
        csv: csv::Table::PurchaseOptions,
        sheet: Some("Ways to pay"),
        markdown: Some("Ways to pay for these nodes"),
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
        json: "commitments",
        csv: csv::Table::Commitments,
        sheet: Some("Commitments"),
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
        json: "workloads",
        csv: csv::Table::Owners,
        sheet: Some("Workloads"),
        markdown: Some("Workloads"),
        figures: &[
            ("replicas", None, Some("Pods"), Some(("Pods", Shown::Count))),
            ("placed", None, Some("Placed"), Some(("Placed", Shown::Count))),
            ("nodes", None, Some("On nodes"), Some(("On nodes", Shown::Count))),
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

/// The rows of the table below a folded title, or of the first one.
fn markdown_rows(text: &str, title: &str) -> Vec<BTreeMap<String, String>> {
    let from = if title.is_empty() {
        0
    } else {
        text.find(&format!("<summary>{title}</summary>")).unwrap_or_else(|| panic!("no {title}"))
    };
    let lines: Vec<&str> = text[from..]
        .lines()
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .collect();
    let cells = |line: &str| -> Vec<String> {
        let line = line.replace("\\|", "\u{1}");
        line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let header = cells(lines[0]);
    lines[2..].iter().map(|line| header.iter().cloned().zip(cells(line)).collect()).collect()
}

#[test]
fn every_figure_is_the_same_in_every_format() {
    for report in [report(None), plan_fixture::large(12)] {
        let json: Value = serde_json::to_value(&report).expect("JSON");
        let book = render(&report, Format::Xlsx, &RenderOptions::default()).expect("it fits");
        let comment = render(&report, Format::Markdown, &RenderOptions::default()).expect("a comment");
        let comment = String::from_utf8(comment).expect("UTF-8");
        let mut compared = 0;
        for rows in &ALL {
            let stated = json[rows.json].as_array().expect("rows");
            assert!(!stated.is_empty(), "{}", rows.json);
            let tidy = csv_rows(&report, rows.csv);
            let sheet = rows.sheet.map(|name| workbook::rows(&workbook::sheet(&book, name), 0));
            let folded = rows.markdown.map(|title| markdown_rows(&comment, title));
            for (index, row) in stated.iter().enumerate() {
                for &(field, in_csv, in_sheet, in_markdown) in rows.figures {
                    let figure = exact(&row[field]);
                    let place = format!("{} {index} {field}", rows.json);
                    if let Some(column) = in_csv {
                        assert_eq!(tidy[index][column], figure, "csv: {place}");
                        compared += 1;
                    }
                    if let (Some(sheet), Some(column)) = (&sheet, in_sheet) {
                        let cell =
                            sheet[index].get(column).map(|cell| cell.value.clone()).unwrap_or_default();
                        let same = match (cell.parse::<f64>(), figure.parse::<f64>()) {
                            (Ok(cell), Ok(figure)) => cell == figure,
                            // No saving is known: the formula says 0.
                            (Ok(cell), Err(_)) => cell == 0.0 && figure.is_empty(),
                            _ => cell == figure,
                        };
                        assert!(same, "xlsx: {place}: {cell:?} is not {figure:?}");
                        compared += 1;
                    }
                    if let (Some(folded), Some((column, how))) = (&folded, in_markdown)
                        && let Some(cells) = folded.get(index)
                    {
                        assert_eq!(digits(&cells[column]), digits(&shown(&figure, how)), "markdown: {place}");
                        compared += 1;
                    }
                }
            }
        }
        assert!(compared > 150, "{compared}");
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
