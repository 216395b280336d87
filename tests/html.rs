//! The HTML report as text: its structure, its figures against the JSON form, hostile names, its size.

#[path = "support/figures.rs"]
mod figures;
mod plan_fixture;

use std::time::{Duration, Instant};

use plan_fixture::report;
use plimsoll::report::view::{self, PlanReport};
use plimsoll::report::{Format, RenderOptions, json, render};
use serde_json::Value;

fn html(report: &PlanReport) -> String {
    let bytes = render(report, Format::Html, &RenderOptions::default()).expect("it renders");
    String::from_utf8(bytes).expect("UTF-8")
}

/// What stands between `open` and `close`, over and over, is replaced.
fn without(text: &str, open: &str, close: &str, instead: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, from)) = rest.split_once(open) {
        let (_, after) = from.split_once(close).expect("it is closed");
        out.push_str(before);
        out.push_str(instead);
        rest = after;
    }
    out + rest
}

#[test]
fn snapshot_structure() {
    let page = without(&html(&report(None)), "<style>", "</style>", "<style/>");
    let page = without(&page, "<svg class=\"chart", "</svg>", "<svg chart/>");
    insta::assert_snapshot!("html", page);
}

#[test]
fn snapshot_chart() {
    let page = html(&report(None));
    let (_, chart) = page.split_once("<svg class=\"chart wide").expect("a chart");
    let (chart, _) = chart.split_once("</svg>").expect("it ends");
    insta::assert_snapshot!("html_chart", chart);
}

/// Nothing is fetched, run or framed.
#[test]
fn the_page_needs_nothing_else() {
    let page = html(&report(None));
    for outside in [
        "<script",
        "<link",
        "<img",
        "<iframe",
        "<object",
        "url(",
        "@import",
        "src=",
        "http://",
        "https://",
        "javascript:",
        " on",
    ] {
        let found = page.match_indices(outside).find(|&(at, _)| {
            // ` on` counts as an attribute only.
            outside != " on"
                || page[at + 3..].chars().take_while(|c| c.is_ascii_lowercase()).count() > 2
                    && page[at..].split(['"', '>', ' ']).nth(1).is_some_and(|word| word.ends_with('='))
        });
        assert_eq!(found.map(|(at, _)| &page[at..at + 60]), None, "{outside}");
    }
    assert!(page.contains("default-src 'none'"));
    assert!(page.starts_with("<!doctype html>\n<html lang=\"en\">"));
}

/// Texts of the user's in every place that has one, made to break out of text, attribute, title and SVG.
#[test]
fn hostile_names_change_no_element() {
    const HOSTILE: &str = "\"'></title></svg></style><b id=x onload=alert(1)>&lt;&#x3c;\u{202e}\u{7}-->";
    const TEXTS: [&str; 21] = [
        "workload",
        "namespace",
        "label",
        "message",
        "reason",
        "value",
        "pool",
        "planned_pool",
        "instance_type",
        "price_date",
        "region",
        "licence_note",
        "input_hash",
        "start",
        "before_label",
        "reserved_label",
        "covers",
        "commitment",
        "nearest_type",
        "what",
        "sha256",
    ];
    fn poison(value: &mut Value, key: &str) {
        match value {
            Value::Object(map) => map.iter_mut().for_each(|(key, value)| poison(value, key)),
            Value::Array(values) => values.iter_mut().for_each(|value| poison(value, key)),
            // The page looks this setting up by its name.
            Value::String(text) if text == "types.default" => {}
            Value::String(text)
                if TEXTS.contains(&key) || ["name", "sources", "explanation", "method"].contains(&key) =>
            {
                text.push_str(HOSTILE);
            }
            _ => {}
        }
    }
    let kind = report(None);
    let mut poisoned: Value = serde_json::from_slice(&json::render(&kind)).expect("JSON");
    poison(&mut poisoned, "");
    let hostile = json::parse(poisoned.to_string().as_bytes()).expect("a report of hostile names");
    let (before, after) = (html(&kind), html(&hostile));
    assert!(after.contains("&#60;b id=x") || after.contains("&lt;b id=x"), "the names are there");
    assert!(!after.contains("<b id=x") && !after.contains("\"'>"));
    assert!(!after.contains('\u{202e}') && !after.contains('\u{7}'));
    let elements = |page: &str| page.matches('<').count();
    assert_eq!(elements(&before), elements(&after), "as many tags as with friendly names");
}

#[test]
fn figures_are_those_of_the_json_form() {
    let report = report(None);
    let json: Value = serde_json::from_slice(&json::render(&report)).expect("JSON");
    let page = html(&report);
    let found = figures::all_of(&page, &json);
    assert!(found > 100, "{found}");
    for path in [
        "before_month",
        "packed_month",
        "reserved_month",
        "saving_total",
        "nodes",
        "nodes_before",
        "pods_per_node",
    ] {
        assert!(page.contains(&format!("data-json=\"/headline/{path}\"")), "{path}");
    }
}

/// What the money buys is all of it, on demand and amortised.
#[test]
fn the_uses_of_the_money_sum_to_it() {
    use plimsoll::bill::{EffectiveCost, ListCost};
    let report = report(None);
    let list: ListCost = report.cost_uses.iter().map(|row| row.list_month).sum();
    let effective: EffectiveCost = report.cost_uses.iter().map(|row| row.effective_month).sum();
    assert_eq!((list, Some(effective)), (report.headline.packed_month, report.headline.reserved_month));
    // 2 m5.xlarge: cpu binds, 4,000m of which 70 are the system's, 100 DaemonSets', 3,700 pods', 130 stranded;
    // 0.4 an hour times 3,700 / 4,000 = 0.37 is what pods have of it.
    let pods = report.cost_uses[0].list_month.money().to_string().parse::<f64>().expect("a number");
    assert!(pods > 0.37 * 730.0 && pods < 0.78 * 730.0, "{pods}");
}

/// Every node another one, with 33 workloads on each: named in full on every node these took 11 MB. Their names
/// stand in a list once, with the numbers that the table of nodes has.
#[test]
fn five_thousand_nodes_render_small_and_fast() {
    let mut report = plan_fixture::large(5_000);
    for (node, group) in report.nodes.iter_mut().enumerate() {
        // 600 workloads, 18 apart on a node; its number decides which and how many of each.
        let on = |k: usize| ((node * 7 + k * 18) % 600, 1 + (node / 600 + k) as u64 % 9);
        group.pods = (0..33)
            .map(on)
            .map(|(w, pods)| view::PodsOnNode {
                workload: format!("team-{:02}/checkout-service-{w:03}", w % 40),
                pods,
            })
            .collect();
    }
    let start = Instant::now();
    let page = html(&report);
    let took = start.elapsed();
    println!("5,000 nodes: {} bytes in {took:?}", page.len());
    assert!(page.len() < 8_000_000, "{}", page.len());
    assert_eq!(page.matches("<td>team-00/checkout-service-000</td>").count(), 1);
    assert!(page.contains("<th scope=\"row\">w1</th><td>team-00/checkout-service-000</td>"));
    assert!(page.contains(">w1 x1, "));
    // Tests run unoptimised and beside each other; `benches/rendering.rs` holds it to a second.
    assert!(took < Duration::from_secs(20), "{took:?}");
}
