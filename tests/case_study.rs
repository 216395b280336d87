//! What `docs/case-study.md` says that Plimsoll computes is what the program prints.
//!
//! The page marks each figure as `<!-- name -->figure<!-- -->`. After a change that is meant, run
//! `UPDATE_CASE_STUDY=1 cargo test --test case_study` and read the difference.

use std::collections::BTreeMap;

use assert_cmd::Command;
use plimsoll::catalog::{Catalog, OfferKind, Payment, Term};
use plimsoll::input::catalog_file;
use serde_json::Value;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/case-study.md");

/// How far a figure of the page may be from what the program prints, as the page itself states.
#[derive(Clone, Copy)]
enum Tolerance {
    /// It follows from prices and workload alone.
    Exact,
    /// A percentage that depends on the search, in points.
    Points(f64),
    /// An amount that depends on the search, as a share.
    Share(f64),
    /// The page may overstate it, but not understate it.
    AtMost,
}

/// Percentages by a point, costs by 2 %, numbers of nodes by a tenth.
const PERCENT: Tolerance = Tolerance::Points(1.0);
const COST: Tolerance = Tolerance::Share(0.02);
const NODES: Tolerance = Tolerance::Share(0.1);

#[test]
fn the_case_study_states_what_the_program_prints() {
    let figures = figures();
    let page = std::fs::read_to_string(PAGE).expect("the page is there");
    if std::env::var_os("UPDATE_CASE_STUDY").is_some() {
        std::fs::write(PAGE, rewritten(&page, &figures)).expect("the page can be written");
        return;
    }
    let marks = marks(&page);
    for (name, stated) in &marks {
        let (computed, tolerance) = figures.get(*name).unwrap_or_else(|| panic!("no figure `{name}`"));
        assert!(agree(stated, computed, *tolerance), "{name}: the page says {stated}, computed {computed}");
    }
    for name in figures.keys() {
        assert!(marks.iter().any(|(mark, _)| mark == name), "the page does not state `{name}`");
    }
}

#[test]
fn marks_and_tolerances_do_what_they_say() {
    assert_eq!(marks("a <!-- x -->1 %<!-- --> b <!-- y -->2<!-- -->"), [("x", "1 %"), ("y", "2")]);
    assert!(agree("57.9 %", "58.8 %", PERCENT) && !agree("57.9 %", "59.0 %", PERCENT));
    assert!(agree("1,000", "1,020", COST) && !agree("1,000", "1,030", COST));
    assert!(agree("0.55 %", "0.3 %", Tolerance::AtMost) && !agree("0.3 %", "0.55 %", Tolerance::AtMost));
    assert!(agree("510", "510", Tolerance::Exact) && !agree("510", "511", Tolerance::Exact));
}

fn agree(stated: &str, computed: &str, tolerance: Tolerance) -> bool {
    let number = |text: &str| -> f64 { text.replace([',', '%', ' '], "").parse().expect("a number") };
    match tolerance {
        Tolerance::Exact => stated == computed,
        Tolerance::Points(points) => (number(stated) - number(computed)).abs() <= points,
        Tolerance::Share(share) => (number(stated) / number(computed) - 1.0).abs() <= share,
        Tolerance::AtMost => number(computed) <= number(stated),
    }
}

/// The page's figures by name, in order.
fn marks(page: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut rest = page;
    while let Some((_, after)) = rest.split_once("<!-- ") {
        let (name, after) = after.split_once(" -->").expect("a mark ends");
        let (figure, after) = after.split_once("<!-- -->").expect("a figure ends");
        found.push((name, figure));
        rest = after;
    }
    found
}

fn rewritten(page: &str, figures: &Figures) -> String {
    let mut out = page.to_owned();
    for (name, stated) in marks(page) {
        let computed = &figures[name].0;
        let mark = format!("<!-- {name} -->");
        out = out.replace(&format!("{mark}{stated}<!-- -->"), &format!("{mark}{computed}<!-- -->"));
    }
    out
}

type Figures = BTreeMap<&'static str, (String, Tolerance)>;

fn figures() -> Figures {
    let plan = plan(&[]);
    let saving = |options: [&str; 2]| {
        let [name, value] = options;
        percent(&self::plan(&[name, value, "--baselines", "before"])["headline"]["saving_packed"])
    };
    let head = &plan["headline"];
    let other = |id: &str| find(&plan["plans"], "plan", id);
    let used = |id: &str, resource: &str| {
        let rows = plan["utilization"].as_array().expect("rows");
        let row = rows.iter().find(|row| row["plan"] == *id && row["resource"] == *resource);
        row.expect("every plan has the resource").clone()
    };
    let before = other("current-types");
    let monthly = |row: &Value| decimal(&row["list_month"]);
    let selected = find(&plan["purchase_options"], "option", "reserved-standard/1y/partial-upfront");
    let step = |name: &str| decimal(&find(&plan["savings"], "step", name)["effective_year"]);
    let overcommit = decimal(&used("plan", "cpu")["overcommit"]);

    let mut figures = Figures::new();
    let mut put = |name, figure: String, tolerance| {
        figures.insert(name, (figure, tolerance));
    };
    put("tenants", plan["workloads"].as_array().expect("rows").len().to_string(), Tolerance::Exact);
    put("pods", head["pods"].to_string(), Tolerance::Exact);
    put("cost_before", dollars(monthly(&before)), Tolerance::Exact);
    put("cpu_before", percent(&used("current-types", "cpu")["requests_of_capacity"]), Tolerance::Exact);
    put("memory_before", percent(&used("current-types", "memory")["requests_of_capacity"]), Tolerance::Exact);
    put("saving_right_sized", share(1.0 - monthly(&other("one-vm-by-requests")) / monthly(&before)), PERCENT);
    let reserved_before = decimal(&before["effective_month"]) / monthly(&before);
    put("discount_before", share(1.0 - reserved_before), Tolerance::Exact);
    put("density_supergiant", tenth(decimal(&other("supergiant")["pods_per_node"])), Tolerance::Exact);
    put("cost_supergiant", dollars(monthly(&other("supergiant"))), Tolerance::Exact);
    put("cpu_after", percent(&used("plan", "cpu")["requests_of_capacity"]), Tolerance::Points(3.0));
    put("memory_after", percent(&used("plan", "memory")["requests_of_capacity"]), PERCENT);
    put("density", tenth(decimal(&head["pods_per_node"])), NODES);
    put("overcommit", tenth(overcommit), NODES);
    put("saving_packed", percent(&head["saving_packed"]), PERCENT);
    put("saving_limits", saving(["--basis", "limits"]), PERCENT);
    put("saving_overcommit", saving(["--overcommit", "cpu=2"]), PERCENT);
    put("discount", percent(&selected["saving"]), PERCENT);
    put("saving_total", percent(&head["saving_total"]), PERCENT);
    put("saving_year", dollars(step("before") - step("reserved")), COST);
    put("gap", format!("{:.2} %", 100.0 * decimal(&plan["solve"]["gap"])), Tolerance::AtMost);
    let catalog = catalog();
    for (name, family) in [
        ("family_t2", "t2"),
        ("family_c4", "c4"),
        ("family_m3", "m3"),
        ("family_m4", "m4"),
        ("family_r3", "r3"),
    ] {
        put(name, share(mean_discount(&catalog, family)), Tolerance::Exact);
    }
    // A quarter less by packing and half less in all leave a third to the discount.
    let wanted = 1.0 - 0.50 / 0.75;
    let m4 = mean_discount(&catalog, "m4");
    put("coverage", format!("{:.0} %", 100.0 * wanted / m4), Tolerance::Exact);
    // The post's own steps with four fifths of the cost reserved.
    put("saving_post", share(1.0 - 0.75 * (1.0 - 0.8 * m4)), Tolerance::Exact);
    put("break_even", share(1.0 - m4), Tolerance::Exact);
    // The same reading of the plan: a discount on four fifths of its cost.
    let packed = 1.0 - decimal(&head["saving_packed"]);
    put("saving_covered", share(1.0 - packed * (1.0 - 0.8 * decimal(&selected["saving"]))), PERCENT);
    let folder = tempfile::tempdir().expect("a folder");
    let reserved = folder.path().join("reserved.yaml");
    std::fs::write(&reserved, catalog_file::write(&at_reserved_rates(&catalog))).expect("a file");
    let together = self::plan(&["--catalog", reserved.to_str().expect("UTF-8"), "--baselines", "before"]);
    let together = find(&together["plans"], "plan", "plan");
    put("saving_together", share(1.0 - monthly(&together) / monthly(&before)), PERCENT);
    figures
}

/// What the program prints for the fleet, as JSON. The effort's limit counts work, not time.
fn plan(options: &[&str]) -> Value {
    let output = Command::cargo_bin("plimsoll")
        .expect("the binary is built")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["plan", "workloads/qbox-2016.yaml", "--effort", "quick", "-f", "json"])
        .args(options)
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn catalog() -> Catalog {
    let name = "aws-2016-09-27-us-east-1";
    let path = format!("{}/catalogs/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
    catalog_file::parse(name, &std::fs::read(path).expect("it is there")).expect("it is valid")
}

/// What nodes cost where they are reserved and run all the time: packing at these rates is packing and
/// committing together, for the fleet does not change.
fn at_reserved_rates(catalog: &Catalog) -> Catalog {
    let mut catalog = catalog.clone();
    for t in &mut catalog.types {
        let offer = t.offer(OfferKind::ReservedStandard, Term::OneYear, Payment::PartialUpfront);
        if let Some(rate) = offer.map(|offer| offer.effective) {
            t.on_demand.rate = t.on_demand.rate.min(rate);
            t.offers.clear();
        }
    }
    catalog
}

/// The mean over a family's types of what 1 year partial upfront saves.
fn mean_discount(catalog: &Catalog, family: &str) -> f64 {
    let discounts: Vec<f64> = catalog
        .types
        .iter()
        .filter(|t| t.family == family)
        .filter_map(|t| {
            let offer = t.offer(OfferKind::ReservedStandard, Term::OneYear, Payment::PartialUpfront)?;
            Some(1.0 - offer.effective.nanos() as f64 / t.on_demand.rate.nanos() as f64)
        })
        .collect();
    discounts.iter().sum::<f64>() / discounts.len() as f64
}

fn find(rows: &Value, key: &str, wanted: &str) -> Value {
    let row = rows.as_array().expect("rows").iter().find(|row| row[key] == *wanted);
    row.unwrap_or_else(|| panic!("no row `{wanted}`")).clone()
}

fn decimal(value: &Value) -> f64 {
    value.as_str().expect("a decimal").parse().expect("a decimal")
}

fn percent(value: &Value) -> String {
    share(decimal(value))
}

fn share(part: f64) -> String {
    format!("{:.1} %", 100.0 * part)
}

fn tenth(number: f64) -> String {
    format!("{number:.1}")
}

/// `53,289`.
fn dollars(amount: f64) -> String {
    let digits = format!("{amount:.0}");
    let (high, low) = digits.split_at(digits.len() - 3);
    format!("{high},{low}")
}
