//! The workbook: what is in it, and that a spreadsheet computes from its formulas what the report states.

mod plan_fixture;
#[path = "support/planned.rs"]
mod planned;
#[path = "support/workbook.rs"]
mod workbook;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use plan_fixture::report;
use plimsoll::bill::commitment::owned;
use plimsoll::bill::{OfferKey, SizeRatios};
use plimsoll::catalog::{OfferKind, Payment, Term};
use plimsoll::input::policy_file;
use plimsoll::report::steady::steady;
use plimsoll::report::view::{IdleBy, PlanReport, ShowbackReport};
use plimsoll::report::{Format, RenderOptions, render};
use workbook::{Cells, pack, parts, rows, sheet, sheets};

fn book(report: &PlanReport) -> Vec<u8> {
    render(report, Format::Xlsx, &RenderOptions::default()).expect("it fits")
}

#[test]
fn the_same_report_gives_the_same_bytes_and_no_macro_or_link() {
    let (one, two) = (book(&report(None)), book(&report(None)));
    assert_eq!(one, two);
    for (name, content) in parts(&one) {
        let text = String::from_utf8_lossy(&content).into_owned();
        assert!(!name.contains("vba") && !name.contains("externalLink"), "{name}");
        assert!(!text.contains("TargetMode=\"External\""), "{name}");
    }
}

/// Names that look like formulas or numbers stay texts; sums are formulas.
#[test]
fn ids_are_texts_and_sums_are_formulas() {
    let mut report = report(None);
    report.workloads[0].name = "0012".to_owned();
    report.workloads[0].workload = "=cmd|' /C calc'!A1".to_owned();
    report.scenario.name = "+SUM(1,2)\u{1}".to_owned();
    let bytes = book(&report);
    let workloads = rows(&sheet(&bytes, "Workloads"), 0);
    for (row, stated) in workloads.iter().zip(&report.workloads) {
        for (column, text) in [("Workload", &stated.workload), ("Name", &stated.name)] {
            let cell = &row[column];
            assert!(cell.text && cell.formula.is_none(), "{cell:?}");
            assert_eq!(&cell.value, text);
        }
    }
    for (name, cells) in sheets(&bytes) {
        for cell in cells.values().filter(|cell| cell.text && name != "Summary" && name != "Checks") {
            assert_eq!(cell.formula, None, "{name}: {cell:?}");
        }
    }
    let total = rows(&sheet(&bytes, "Nodes"), 0).pop().expect("a total");
    assert!(total["On demand, a month"].formula.as_deref().is_some_and(|f| f.starts_with("SUM(")));
}

/// The results that formulas carry are the report's figures, for readers that do not compute.
#[test]
fn stored_results_are_the_figures_of_the_report() {
    let report = report(None);
    let bytes = book(&report);
    let figures = labelled(&sheet(&bytes, "Summary"));
    let head = &report.headline;
    for (label, figure) in [
        ("Packed, on demand, a month", head.packed_month.to_string()),
        ("Packed, as paid for (amortised), a month", head.reserved_month.unwrap().to_string()),
        ("Saved in all", head.saving_total.unwrap().to_string()),
        ("Nodes", head.nodes.to_string()),
        ("Pods placed", head.pods.to_string()),
    ] {
        assert_eq!(number(&figures[label]), number(&figure), "{label}");
    }
    let checks = rows(&sheet(&bytes, "Checks"), 0);
    assert!(checks.len() > 12);
    // 569.40 on demand; 1,576.80 upfront and 262.80 a month: 12 months are 4,730.40 in cash and amortised.
    let months = rows(&sheet(&bytes, "Cash flow"), 6);
    assert_eq!(number(&months[0]["Cash"].value), 1_576.8 + 262.8);
    assert_eq!(number(&months[1]["Cash"].value), 262.8);
    assert_eq!(number(&months[11]["Cash so far"].value), 4_730.4);
    assert_eq!(number(&months[11]["Prepaid, closing"].value), 0.0);
    assert_eq!(number(&months[12]["Cash"].value), 1_576.8 + 262.8, "bought again");
    assert_eq!(number(&months[0]["Amortised cost"].value), 394.2);
    assert_eq!(number(&months[11]["Cash saved so far"].value), 2_102.4);
}

/// First column to second.
fn labelled(cells: &Cells) -> BTreeMap<String, String> {
    let labels = cells.iter().filter(|((_, column), _)| *column == 0);
    labels
        .filter_map(|(&(row, _), label)| Some((label.value.clone(), cells.get(&(row, 1))?.value.clone())))
        .collect()
}

fn number(text: &str) -> f64 {
    text.parse().unwrap_or_else(|_| panic!("{text:?} is no number"))
}

/// The plan with owned commitments, accounts and a bill by team.
fn accounted() -> PlanReport {
    let text = "owned:\n- {id: old, offer: reserved-standard/1y/all-upfront, type: m5.large, quantity: 3, start: 2026-01-30}\n";
    let file = policy_file::parse("policy.yaml", text).expect("a policy");
    let day = "2026-08-01".parse().expect("a date");
    let catalog = plan_fixture::catalog();
    let held = owned::holdings(&file.owned.unwrap_or_default(), &catalog, day, &SizeRatios::default())
        .expect("prices for it");
    let mut report = report(None);
    let (accounts, month) = steady(&report, &catalog, held, &SizeRatios::default()).expect("accounts");
    report.showback = Some(ShowbackReport::of(&report, "team", IdleBy::Cluster, &month));
    report.accounts = Some(accounts);
    report
}

/// The report's own cash flow and showback have sheets of their own, and their checks.
#[test]
fn accounts_and_showback_are_sheets() {
    let report = accounted();
    let bytes = book(&report);
    let months = rows(&sheet(&bytes, "Cash and accrual"), 0);
    let stated = &report.accounts.as_ref().expect("accounts").months;
    assert_eq!(months.len(), stated.len());
    for (row, stated) in months.iter().zip(stated) {
        assert_eq!(number(&row["Cash"].value), number(&stated.billed.to_string()));
        assert_eq!(number(&row["Accrual"].value), number(&stated.effective.to_string()));
        assert_eq!(number(&row["Prepaid, closing"].value), number(&stated.prepaid_closing.to_string()));
    }
    let owners = rows(&sheet(&bytes, "Showback"), 0);
    let stated = &report.showback.as_ref().expect("a showback").rows;
    assert_eq!(owners.len(), stated.len());
    assert!(owners.iter().all(|row| row.contains_key("Owner or line, of a month of 730 h")));
    for (row, stated) in owners.iter().zip(stated) {
        assert_eq!(number(&row["Cost"].value), number(&stated.direct.to_string()));
    }
    assert!(sheet(&bytes, "Held").values().any(|cell| cell.value == "Owned"));
    let without = book(&plan_fixture::report(None));
    assert!(sheets(&without).iter().all(|(name, _)| name != "Showback"));
}

/// LibreOffice computes every formula anew: stored results are taken out first.
#[test]
fn libreoffice_computes_the_same() {
    let Some(office) = ["soffice", "libreoffice"].into_iter().find(|name| runs(name)) else {
        eprintln!("skipped: LibreOffice is not installed (Debian: libreoffice-calc-nogui)");
        return;
    };
    let upfront =
        OfferKey { kind: OfferKind::ReservedStandard, term: Term::OneYear, payment: Payment::AllUpfront };
    let reports = [
        ("plain", report(None)),
        ("upfront", report(Some(upfront))),
        ("accounted", accounted()),
        ("committed", planned::committed()),
        ("spot", planned::on_spot_and_measured()),
    ];
    let folder = tempfile::tempdir().expect("a folder");
    for (name, report) in &reports {
        let mut parts = parts(&book(report));
        for (part, content) in &mut parts {
            if part.starts_with("xl/worksheets/") {
                *content = without_results(&String::from_utf8(content.clone()).expect("UTF-8")).into_bytes();
            }
        }
        std::fs::write(folder.path().join(format!("{name}.xlsx")), pack(&parts)).expect("a file");
    }
    convert(office, folder.path(), &reports.each_ref().map(|(name, _)| *name));
    for (name, report) in &reports {
        let csv = |sheet: &str| csv(folder.path(), name, sheet);
        let checks = csv("Checks");
        let stated = rows(&sheet(&book(report), "Checks"), 0);
        assert_eq!(checks.len(), stated.len() + 1);
        for (row, stated) in checks[1..checks.len() - 1].iter().zip(&stated) {
            assert_eq!(number(&row[3]), 0.0, "{name}: {row:?}");
            let (computed, figure) = (number(&row[1]), number(&stated["Stated by the report"].value));
            assert!((computed - figure).abs() < 1e-4, "{name}: {row:?}");
        }
        assert_eq!(checks.last().expect("a total")[3], "ok");
        let summary: BTreeMap<String, String> =
            csv("Summary").into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
        let head = &report.headline;
        let near = |label: &str, figure: String| {
            let difference = number(&summary[label]) - number(&figure);
            assert!(difference.abs() < 1e-4, "{label}: {} is not {figure}", summary[label]);
        };
        let how = if report.nodes.iter().any(|row| row.spot) { "on demand and spot" } else { "on demand" };
        near(&format!("Packed, {how}, a month"), head.packed_month.to_string());
        let paid = head.reserved_month.map_or(head.packed_month.to_string(), |cost| cost.to_string());
        near("Packed, as paid for (amortised), a month", paid);
        near("Nodes", head.nodes.to_string());
        if let Some(purchases) = &report.purchases {
            near("With the proposed commitments (amortised), 8760 hours", purchases.cost.to_string());
        }
        // Every formula of every sheet has the result that it carries in the file as it is delivered.
        for (sheet, cells) in sheets(&book(report)) {
            let computed = csv(&sheet);
            for (&(row, column), cell) in cells.iter().filter(|(_, cell)| cell.formula.is_some()) {
                let found = &computed[row][column];
                let computed = match found.strip_suffix('%') {
                    Some(percent) => percent.parse::<f64>().map(|percent| percent / 100.0),
                    None => found.parse::<f64>(),
                };
                let same = match (computed, cell.value.parse::<f64>()) {
                    (Ok(found), Ok(stored)) => (found - stored).abs() < 1e-4,
                    _ => *found == cell.value,
                };
                assert!(same, "{name}: {sheet} row {row} column {column}: {found:?} is not {cell:?}");
            }
        }
    }
}

/// Cash by month follows from what is held: upfront payments in the month of the first hour, fees for the
/// hours held, and write-off by hours; a workbook whose commitments are changed computes another cash flow.
#[test]
fn cash_follows_from_what_is_held() {
    let report = accounted();
    let months = rows(&sheet(&book(&report), "Cash and accrual"), 0);
    for column in ["Upfront", "Fees of commitments", "Prepaid, amortised"] {
        let formula = months[0][column].formula.as_deref().unwrap_or_default();
        assert!(formula.contains("Held!"), "{column}: {formula}");
    }
    let opening = months[0]["Prepaid, opening"].formula.as_deref();
    assert!(opening.is_some_and(|formula| formula.starts_with("SUM(Held!")), "{opening:?}");
    let held = &report.accounts.as_ref().expect("accounts").held;
    assert!(held.iter().any(|row| row.start_hour < 0 && row.prepaid_opening > plimsoll::units::Money::ZERO));
}

/// A plan over time has its levels, its commitment plan and the accounts of what is held as sheets.
#[test]
fn a_commitment_plan_is_sheets_with_live_sums() {
    let report = planned::committed();
    let bytes = book(&report);
    let names: Vec<String> = sheets(&bytes).into_iter().map(|(name, _)| name).collect();
    for name in
        ["Over time", "Load curves", "Commitment plan", "Outcomes", "Held", "Cash and accrual", "Showback"]
    {
        assert!(names.iter().any(|there| there == name), "{name} is not in {names:?}");
    }
    let proposals = rows(&sheet(&bytes, "Commitment plan"), 0);
    let stated = &report.purchases.as_ref().expect("purchases").rows;
    assert_eq!(proposals.len(), stated.len() + 1, "one total row");
    for (row, stated) in proposals.iter().zip(stated) {
        assert!(row["Commitments"].text && row["Saved"].formula.is_some());
        assert_eq!(number(&row["Upfront"].value), number(&stated.upfront.to_string()));
    }
    let levels = rows(&sheet(&bytes, "Over time"), 0);
    assert!(levels[0]["On demand, all hours, expected"].formula.is_some());
}

fn runs(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// The sheet with a wrong result in every formula.
fn without_results(xml: &str) -> String {
    let mut out = String::with_capacity(xml.len());
    let mut rest = xml;
    while let Some(at) = rest.find("</f><v>") {
        let (before, after) = rest.split_at(at + "</f><v>".len());
        out.push_str(before);
        out.push_str("-1");
        rest = &after[after.find("</v>").expect("it ends")..];
    }
    out + rest
}

/// Every sheet as CSV with numbers as they are, computed anew.
fn convert(office: &str, folder: &Path, names: &[&str]) {
    let profile = folder.join("profile");
    let settings = profile.join("user");
    std::fs::create_dir_all(&settings).expect("a folder");
    // 0: always compute on load.
    let always = r#"<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item>
</oor:items>"#;
    std::fs::write(settings.join("registrymodifications.xcu"), always).expect("a file");
    let output = Command::new(office)
        .arg(format!("-env:UserInstallation=file://{}", profile.display()))
        .args([
            "--headless",
            "--convert-to",
            "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,false,false,false,-1",
        ])
        .arg("--outdir")
        .arg(folder)
        .args(names.iter().map(|name| folder.join(format!("{name}.xlsx"))))
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn csv(folder: &Path, name: &str, sheet: &str) -> Vec<Vec<String>> {
    let path = folder.join(format!("{name}-{sheet}.csv"));
    let mut reader = ::csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_path(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    reader.records().map(|row| row.expect("a row").iter().map(str::to_owned).collect()).collect()
}
