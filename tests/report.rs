//! Figures, snapshots and round trips of the plan report in each format.

mod plan_fixture;

use plan_fixture::report;
use plimsoll::bill::OfferKey;
use plimsoll::catalog::{OfferKind, Payment, Term};
use plimsoll::report::view::PlanReport;
use plimsoll::report::{Format, RenderOptions, csv, json, render};

fn text(report: &PlanReport, format: Format, options: &RenderOptions) -> String {
    String::from_utf8(render(report, format, options).expect("it renders")).expect("UTF-8")
}

/// 1.66 an hour before, 0.78 packed; partial upfront covers 0.6 of it at 0.36: 0.36 + 0.18 = 0.54.
#[test]
fn the_headline_adds_up() {
    let report = report(None);
    let head = &report.headline;
    let month = |hour: &str| {
        let hour: plimsoll::units::Money = hour.parse().unwrap();
        hour.checked_mul(730).unwrap()
    };
    assert_eq!(head.before_month.unwrap().money(), month("1.66"));
    assert_eq!(head.packed_month.money(), month("0.78"));
    assert_eq!(head.reserved_label.as_deref(), Some("1-year standard reserved, partial upfront"));
    assert_eq!(head.reserved_month.unwrap().money(), month("0.54"));
    // 0.6 of 0.78 covered; 1 - 0.78 / 1.66 and 1 - 0.54 / 1.66; (0.78 - 0.6) / 0.78.
    assert_eq!(head.reserved_coverage.unwrap().to_string(), "0.769230769");
    assert_eq!(head.saving_packed.unwrap().to_string(), "0.530120482");
    assert_eq!(head.saving_total.unwrap().to_string(), "0.674698795");
    assert_eq!(head.gap.unwrap().to_string(), "0.230769231", "rounded up");
    assert_eq!((head.nodes_before, head.nodes, head.pods, head.pods_left_out), (Some(18), 6, 18, 1));
    assert_eq!(head.pods_per_node.unwrap().to_string(), "3");
}

/// m5.xlarge: 2 x 1,500m + 500m + 200m + 100m of DaemonSets = 3,800m of 3,930m allocatable; memory
/// 12,288 + 1,024 + 256 + 128 of DaemonSets = 13,696 of 15,360 MiB. 130m are free: nothing fits.
#[test]
fn a_node_adds_up() {
    let report = report(None);
    let node = report.nodes.iter().find(|n| n.instance_type == "m5.xlarge").unwrap();
    assert_eq!((node.nodes, node.pods_per_node, node.binding.as_deref()), (2, 4, Some("cpu")));
    let [cpu, memory] = node.resources.as_slice() else { panic!("two resources") };
    assert_eq!((cpu.demand, cpu.daemon_sets, cpu.allocatable, cpu.free), (3_700, 100, 3_930, 130));
    assert_eq!(cpu.fill.unwrap().to_string(), "0.966921120".trim_end_matches('0'));
    assert_eq!((memory.demand >> 20, memory.free >> 20), (13_568, 1_664));
    assert!(!node.room_left);
    // c8x.large with two web: 830m and 896 MiB are free, so a batch pod fits: 200m and 256 MiB.
    let small = report.nodes.iter().find(|n| n.instance_type == "c8x.large").unwrap();
    assert!(small.room_left);
    assert_eq!(small.binding.as_deref(), Some("memory"), "2,176 of 3,072 MiB against 1,100 of 1,930m");
    // Stranded is what the two m5.xlarge cannot use: 260m and 3,328 MiB.
    let stranded = |resource: &str| {
        let row = report.utilization.iter().find(|u| u.plan == "plan" && u.resource == resource);
        row.unwrap().stranded
    };
    assert_eq!((stranded("cpu"), stranded("memory") >> 20), (260, 3_328));
}

/// Every resource of every plan: capacity goes somewhere, and nowhere twice.
#[test]
fn utilization_adds_up() {
    for row in report(None).utilization {
        let kept = row.hypervisor + row.beyond_baseline + row.reserved;
        assert_eq!(row.capacity, kept + row.allocatable, "{row:?}");
        assert_eq!(row.allocatable, row.daemon_sets + row.headroom + row.demand + row.free, "{row:?}");
        assert!(row.stranded <= row.free);
    }
}

#[test]
fn node_costs_sum_to_the_bill() {
    for offer in [None, Some(key(OfferKind::InstanceSavingsPlan, Payment::NoUpfront))] {
        let report = report(offer);
        let list: plimsoll::bill::ListCost = report.nodes.iter().map(|n| n.list_month).sum();
        let effective: plimsoll::bill::EffectiveCost = report.nodes.iter().map(|n| n.effective_month).sum();
        assert_eq!(list, report.headline.packed_month);
        assert_eq!(Some(effective), report.headline.reserved_month);
    }
}

fn key(kind: OfferKind, payment: Payment) -> OfferKey {
    OfferKey { kind, term: Term::OneYear, payment }
}

#[test]
fn an_offer_that_no_node_has_is_an_error() {
    let report = report(None);
    assert!(report.purchase_options.iter().any(|o| o.selected));
    let all = key(OfferKind::ReservedStandard, Payment::AllUpfront);
    assert_eq!(
        plan_fixture::report(Some(all)).headline.reserved_label.unwrap(),
        "1-year standard reserved, all upfront"
    );
}

#[test]
fn a_saved_report_renders_to_the_same_bytes() {
    for report in [report(None), plan_fixture::large(50)] {
        let saved = json::render(&report);
        let read = json::parse(&saved).expect("it is ours");
        assert_eq!(read, report);
        for format in Format::ALL {
            let options = RenderOptions::default();
            assert_eq!(render(&read, format, &options), render(&report, format, &options), "{format}");
        }
        for table in csv::Table::ALL {
            assert_eq!(csv::render(&read, table), csv::render(&report, table), "{table}");
        }
    }
}

#[test]
fn another_schema_version_is_refused_by_name() {
    let saved = String::from_utf8(json::render(&report(None))).unwrap();
    let other = saved.replacen("\"schema_version\": 1", "\"schema_version\": 99", 1);
    let error = json::parse(other.as_bytes()).unwrap_err().to_string();
    assert_eq!(error, "the report has schema version 99; this program reads version 1");
    assert!(json::parse(b"{}").unwrap_err().to_string().contains("schema_version"));
    assert!(json::parse(&saved.as_bytes()[..200]).is_err());
    let unknown = saved.replacen("\"tool\"", "\"tools\"", 1);
    assert!(json::parse(unknown.as_bytes()).unwrap_err().to_string().contains("unknown field `tools`"));
}

#[test]
fn json_holds_no_float() {
    fn walk(value: &serde_json::Value) {
        match value {
            serde_json::Value::Number(number) => assert!(number.is_u64(), "{number}"),
            serde_json::Value::Array(values) => values.iter().for_each(walk),
            serde_json::Value::Object(map) => map.values().for_each(walk),
            _ => {}
        }
    }
    walk(&serde_json::from_slice(&json::render(&report(None))).unwrap());
}

#[test]
fn tables_fit_the_terminal_and_plain_rows_are_lines() {
    for width in [80, 100, 120, 200] {
        for report in [report(None), plan_fixture::large(300)] {
            let options = RenderOptions { width, ..RenderOptions::default() };
            for line in text(&report, Format::Table, &options).lines() {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
        }
    }
    let options = RenderOptions { ascii: true, ..RenderOptions::default() };
    assert!(text(&report(None), Format::Table, &options).is_ascii());
    let coloured = RenderOptions { color: true, ..RenderOptions::default() };
    let coloured = text(&report(None), Format::Table, &coloured);
    let plain = text(&report(None), Format::Table, &RenderOptions::default());
    assert!(coloured.contains('\u{1b}') && !plain.contains('\u{1b}'));
    assert_eq!(strip(&coloured), plain, "colour changes no column");
}

/// Without colour codes.
fn strip(text: &str) -> String {
    let mut out = String::new();
    let mut in_code = false;
    for c in text.chars() {
        match c {
            '\u{1b}' => in_code = true,
            'm' if in_code => in_code = false,
            _ if in_code => {}
            c => out.push(c),
        }
    }
    out
}

#[test]
fn snapshot_table() {
    insta::assert_snapshot!("table_80", text(&report(None), Format::Table, &RenderOptions::default()));
    let wide = RenderOptions { width: 140, ..RenderOptions::default() };
    insta::assert_snapshot!("table_140", text(&report(None), Format::Table, &wide));
    let plain = RenderOptions { plain: true, ascii: true, ..RenderOptions::default() };
    insta::assert_snapshot!("table_plain", text(&report(None), Format::Table, &plain));
    insta::assert_snapshot!(
        "table_folded",
        text(&plan_fixture::large(300), Format::Table, &RenderOptions::default())
    );
}

#[test]
fn snapshot_markdown() {
    let comment = text(&report(None), Format::Markdown, &RenderOptions::default());
    assert!(comment.starts_with(plimsoll::report::markdown::MARKER));
    insta::assert_snapshot!("markdown", comment);
    // A comment has room for 65,536 characters.
    let long = text(&plan_fixture::large(3_000), Format::Markdown, &RenderOptions::default());
    assert!(long.len() < 60_000, "{}", long.len());
}

#[test]
fn snapshot_json() {
    insta::assert_snapshot!("json", text(&report(None), Format::Json, &RenderOptions::default()));
}

#[test]
fn snapshot_csv() {
    let mut all = String::new();
    for csv_table in csv::Table::ALL {
        let options = RenderOptions { csv_table, ..RenderOptions::default() };
        all.push_str(&format!("== {csv_table}\n{}", text(&report(None), Format::Csv, &options)));
    }
    insta::assert_snapshot!("csv", all.replace("\r\n", "\n"));
}

#[test]
fn csv_rows_all_have_the_columns_of_their_header() {
    for table in csv::Table::ALL {
        let bytes = csv::render(&report(None), table);
        // A reader that is not flexible refuses rows of another length.
        let mut reader = ::csv::Reader::from_reader(bytes.as_slice());
        let mut rows = 0;
        for record in reader.records() {
            let record = record.expect("rows of equal length");
            rows += 1;
            for cell in &record {
                assert!(!csv::is_formula(cell) || cell.parse::<f64>().is_ok(), "{table}: {cell}");
            }
        }
        // This plan was made without a cluster that runs, in one form, need not survive anything, and nobody
        // asked for accounts or commitments; its demand does not vary.
        let accounts = ["held", "cash-flow", "charges", "showback"];
        let over_time = ["purchase-steps", "proposals", "purchase-scenarios", "sensitivity", "owned"];
        let empty =
            ["failures", "cluster-nodes", "cluster-plans", "migration", "forms", "measures", "extra-costs"];
        let asked = ["levels", "load", "spot-types", "spot-workloads", "usage", "what-if"];
        let empty: Vec<&str> = empty.into_iter().chain(accounts).chain(asked).chain(over_time).collect();
        assert!(rows > 0 || empty.contains(&table.name()), "{table}");
        assert_eq!(bytes.iter().filter(|&&b| b == b'\n').count(), rows + 1);
        assert!(bytes.ends_with(b"\r\n"));
    }
}

#[test]
fn snapshot_schema() {
    let schema = serde_json::to_string_pretty(&json::schema()).unwrap();
    insta::assert_snapshot!("schema", schema);
}
