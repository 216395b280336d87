//! `plimsoll sweep` from outside: a point is what `plan` prints, bytes do not depend on threads, a sweep
//! goes on where it was stopped, and faults are told before anything is computed.

#[path = "support/figures.rs"]
mod figures;

use std::path::Path;

use assert_cmd::Command;
use plimsoll::report::sweep::SweepReport;

const INPUT: &str = "workloads/online-boutique.yaml";

fn plimsoll() -> Command {
    let mut command = Command::cargo_bin("plimsoll").expect("the program is built with its tests");
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("NO_COLOR").env("TERM", "dumb");
    command
}

fn sweep(options: &[&str]) -> Vec<u8> {
    let mut command = plimsoll();
    command.args(["sweep", INPUT, "-q", "--effort", "quick"]).args(options);
    command.assert().success().get_output().stdout.clone()
}

fn read(bytes: &[u8]) -> SweepReport {
    serde_json::from_slice(bytes).expect("a sweep")
}

#[test]
fn a_point_is_the_plan_that_plan_prints_with_the_same_setting() {
    let report = read(&sweep(&["--vary", "headroom=0,20%", "--vary", "max-types=1..2", "-f", "json"]));
    assert!(report.complete);
    let values: Vec<String> = report.points.iter().map(|p| p.values.join(" ")).collect();
    assert_eq!(values, ["0% 1", "0% 2", "20% 1", "20% 2"]);
    let plan = plimsoll()
        .args(["plan", INPUT, "-q", "--effort", "quick", "-f", "json", "--baselines", "none"])
        .args(["--headroom", "20%", "--max-types", "1"])
        .assert()
        .success();
    let plan: serde_json::Value = serde_json::from_slice(&plan.get_output().stdout).expect("a plan");
    let found = report.points[2].found.as_ref().expect("a plan");
    assert_eq!(plan["solve"]["cost_hour"], found.cost_hour.to_string());
    assert_eq!(plan["solve"]["lower_bound_hour"], found.lower_bound_hour.to_string());
    assert_eq!(plan["headline"]["nodes"], found.nodes);
    for point in &report.points {
        let (found, taken) = (point.found.as_ref().expect("a plan"), point.taken.as_ref().expect("a plan"));
        assert!(found.lower_bound_hour <= found.cost_hour, "{:?}", point.values);
        assert!(found.types.len() as u64 <= point.values[1].parse().expect("a number"));
        assert_eq!(found.pods, 12);
        assert!(taken.change_first_month.is_some() || point.point == 1);
    }
}

#[test]
fn the_same_bytes_at_any_number_of_threads() {
    for form in ["free", "pooled"] {
        let options = ["--vary", "headroom=0..20%:10", "-f", "json", "--form", form, "--threads"];
        let run = |threads: &str| sweep(&[&options[..], &[threads]].concat());
        let one = run("1");
        assert_eq!(one, run("2"), "{form}");
        assert_eq!(one, run("5"), "{form}");
    }
}

#[test]
fn a_sweep_goes_on_where_it_was_stopped_and_never_computes_a_point_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sweep.json");
    let file = path.to_str().expect("UTF-8");
    let into = |path: &str, vary: &str| sweep(&["--vary", vary, "-f", "json", "-o", path]);
    into(file, "headroom=0,20%");
    // A mark on a point that is there: it survives, so that the point was not computed again.
    let mut marked = read(&std::fs::read(&path).expect("a file"));
    marked.points[1].found.as_mut().expect("a plan").nodes = 77;
    std::fs::write(&path, plimsoll::report::sweep::render_json(&marked)).expect("written");
    into(file, "headroom=0,10,20%");
    let again = read(&std::fs::read(&path).expect("a file"));
    let nodes: Vec<u64> = again.points.iter().map(|p| p.found.as_ref().expect("a plan").nodes).collect();
    assert_eq!(nodes[2], 77);
    assert_eq!(again.points.iter().map(|p| p.point).collect::<Vec<_>>(), [1, 2, 3]);
    // Without the mark it is what a run in one go writes.
    into(file, "headroom=10,20%");
    std::fs::remove_file(&path).expect("removed");
    into(file, "headroom=0,20%");
    into(file, "headroom=0,10,20%");
    let resumed = std::fs::read(&path).expect("a file");
    let other = folder.path().join("fresh.json");
    into(other.to_str().expect("UTF-8"), "headroom=0,10,20%");
    assert_eq!(resumed, std::fs::read(&other).expect("a file"));
}

#[test]
fn a_file_that_is_no_sweep_is_not_written_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("plan.json");
    std::fs::write(&path, "{\"schema_version\": 1}\n").expect("written");
    let file = path.to_str().expect("UTF-8");
    let mut command = plimsoll();
    command.args(["sweep", INPUT, "--vary", "headroom=0,20%", "-f", "json", "-o", file]);
    let assert = command.assert().code(2);
    let said = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    assert!(said.contains("is no sweep of this version"), "{said}");
    assert_eq!(std::fs::read_to_string(Path::new(&path)).expect("still there"), "{\"schema_version\": 1}\n");
}

#[test]
fn every_format_tells_the_same_cost() {
    let options = ["--vary", "arch=amd64,arm64"];
    let report = read(&sweep(&[&options[..], &["-f", "json"]].concat()));
    let month = report.points[1].taken.as_ref().expect("a plan").cost_month;
    let csv = String::from_utf8(sweep(&[&options[..], &["-f", "csv"]].concat())).expect("UTF-8");
    let mut rows = csv::Reader::from_reader(csv.as_bytes());
    let column = rows.headers().expect("a header").iter().position(|h| h == "cost_month").expect("a column");
    let second = rows.records().nth(1).expect("two rows").expect("a row");
    assert_eq!(second[column], month.to_string());
    let table = String::from_utf8(sweep(&[&options[..], &["--ascii"]].concat())).expect("UTF-8");
    assert!(table.contains(&format!("${}", month.money().to_cents_string())), "{table}");
    assert!(table.lines().all(|line| line.len() <= 80), "{table}");
}

/// Nothing may be bought; a cap; none. What is proposed keeps to the cap, a higher cap never costs more, and
/// neither do the figures that every format prints.
#[test]
fn a_cap_on_commitments_can_be_varied() {
    let options = ["--vary", "max-commitment=0,200,none", "--family", "m5"];
    let report = read(&sweep(&[&options[..], &["-f", "json"]].concat()));
    assert!(report.axes[0].nested);
    let mut before = None;
    for (point, cap) in report.points.iter().zip([Some("0"), Some("200"), None]) {
        let found = point.found.as_ref().expect("a plan");
        let purchases = found.purchases.as_ref().expect("purchases were looked for");
        let cap: Option<plimsoll::units::Money> = cap.map(|cap| cap.parse().expect("money"));
        assert!(cap.is_none_or(|cap| purchases.obligation.money() <= cap), "{:?}", point.values);
        assert!(purchases.bound <= purchases.cost && purchases.cost.money() <= purchases.list.money());
        let taken = point.taken.as_ref().expect("a plan");
        assert!(before.is_none_or(|before| taken.committed_month <= before), "{:?}", point.values);
        before = Some(taken.committed_month);
    }
    let none = report.points[0].found.as_ref().and_then(|found| found.purchases.as_ref()).expect("purchases");
    assert_eq!(none.cost.money(), none.list.money(), "a cap of nothing buys nothing");
    let page = String::from_utf8(sweep(&[&options[..], &["-f", "html"]].concat())).expect("UTF-8");
    let json = serde_json::to_value(&report).expect("JSON");
    assert!(figures::all_of(&page, &json) > 20 && page.contains("Obligation"));
}

/// One setting with its curve and bound; two; values that do not compare; no plan at all.
#[test]
fn the_page_has_the_figures_of_the_json_form() {
    for (varied, texts) in [
        (
            &["--vary", "max-types=1..2"][..],
            &["What each further instance type saves", "no plan costs less"][..],
        ),
        (&["--vary", "headroom=0,30%", "--vary", "arch=amd64,any"], &["Cost against headroom", "arch=amd64"]),
        (&["--vary", "family=m5,zz9"], &["Cost by family", "What is missing"]),
    ] {
        let json = serde_json::from_slice(&sweep(&[varied, &["-f", "json"]].concat())).expect("JSON");
        let page = String::from_utf8(sweep(&[varied, &["-f", "html"]].concat())).expect("UTF-8");
        let found = figures::all_of(&page, &json);
        assert!(found > 10, "{varied:?}: {found}");
        for text in texts {
            assert!(page.contains(text), "{varied:?}: {text}");
        }
        for outside in ["<script", "<link", "<img", "http://", "https://"] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}

#[test]
fn points_without_a_plan_say_why_and_faults_come_first() {
    let table = String::from_utf8(sweep(&["--vary", "family=m5,zz9"])).expect("UTF-8");
    assert!(table.contains("no plan"), "{table}");
    assert!(table.contains("family=zz9:"), "{table}");
    for (options, words) in [
        (&["--vary", "headroom=0", "--vary", "headroom=1%"][..], "varied twice"),
        (&["--vary", "region=eu-west-9"], "did you mean"),
        (&["--vary", "region=eu-west-1", "--catalog", "aws-2026-05-us-east-1"], "has one region"),
        (&["--vary", "arch=any", "--vary", "basis=limits", "--vary", "max-types=1"], "more than two"),
    ] {
        let assert = plimsoll().args(["sweep", INPUT]).args(options).assert().code(2).stdout("");
        let said = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
        assert!(said.contains(words), "{words:?} is not in:\n{said}");
    }
    // Nothing at all fits: the exit code says so.
    plimsoll().args(["sweep", INPUT, "-q", "--vary", "family=zz9"]).assert().code(3);
}

#[test]
fn output_keeps_to_its_schema() {
    let schema = plimsoll().args(["schema", "sweep"]).assert().success();
    let schema: serde_json::Value = serde_json::from_slice(&schema.get_output().stdout).expect("JSON");
    let report: serde_json::Value =
        serde_json::from_slice(&sweep(&["--vary", "max-types=1..2", "-f", "json"])).expect("JSON");
    let known = schema["properties"].as_object().expect("properties");
    for key in report.as_object().expect("an object").keys() {
        assert!(known.contains_key(key), "{key}");
    }
}

/// A plan with a third of every node kept free is a start where nothing is kept free, and the other way round:
/// what is found is a plan under the bound that is found without a start.
#[test]
fn a_search_may_start_from_a_plan_of_other_settings() {
    use plimsoll::formulate::formulate;
    use plimsoll::input::{self, ReadOptions, Source, catalog_file};
    use plimsoll::policy::Policy;
    use plimsoll::search::{Start, search, search_from};
    use plimsoll::solver::control::{Budget, Effort, Silent};
    use plimsoll::units::{PartsPerMillion, ResourceName};

    let text = "plimsoll: workloads/v1\nname: two\ncomponents:\n\
                - {name: a, replicas: 7, requests: {cpu: 900m, memory: 1Gi}}\n\
                - {name: b, replicas: 5, requests: {cpu: 400m, memory: 3Gi}}\n";
    let source = Source { name: "two.yaml".to_owned(), bytes: text.into() };
    let set = input::read_workloads(&[source], &ReadOptions::default()).expect("it is valid");
    let catalog = catalog_file::by_name("aws-2026-05-us-east-1").expect("it is bundled").read();
    let mut tight = Policy::default_for(catalog.provider);
    tight.types.families = vec!["m5".to_owned()];
    let mut loose = tight.clone();
    for resource in [ResourceName::Cpu, ResourceName::Memory] {
        loose.headroom.insert(resource, PartsPerMillion(333_333));
    }
    let budget = Budget { effort: Effort::Quick, ..Budget::default() };
    let [tight, loose] =
        [tight, loose].map(|policy| formulate(&set, &catalog, &policy).expect("it is sound"));
    for (from, to) in [(&loose, &tight), (&tight, &loose)] {
        let [from_plan, alone] = [from, to].map(|f| search(f, &budget, 0, &Silent).expect("a plan").outcome);
        let plan = from_plan.plan().plan();
        let start = Start { legend: &from.legend, catalog: &catalog, plan };
        let found = search_from(to, (&catalog, &start), &budget, 0, &Silent).expect("a plan").outcome;
        assert!(found.plan().hourly_cost() <= alone.plan().hourly_cost());
        assert_eq!(found.lower_bound().value, alone.lower_bound().value);
    }
}

/// Less kept free never costs more, the plan's own level is the plan, and the page has these figures from JSON.
#[test]
fn the_cost_by_tightness_is_in_json_and_on_the_page() {
    let plan = |options: &[&str]| {
        let mut command = plimsoll();
        command.args(["plan", INPUT, "-q", "--effort", "quick", "--family", "m5", "--baselines", "none"]);
        command.args(options).assert().success().get_output().stdout.clone()
    };
    let bytes = plan(&["--tightness", "always", "--headroom", "15%", "-f", "json"]);
    let report = plimsoll::report::json::parse(&bytes).expect("a plan");
    let tight = report.tightness.as_ref().expect("it was asked for");
    let levels: Vec<String> = tight.levels.iter().map(|row| row.headroom.percent(0)).collect();
    assert_eq!(levels, ["50", "40", "30", "20", "15", "10", "0"]);
    let costs: Vec<_> = tight.levels.iter().map(|row| row.list_month).collect();
    assert!(costs.windows(2).all(|pair| pair[0] >= pair[1]), "{costs:?}");
    assert!(tight.levels.iter().all(|row| row.lower_bound_month <= row.list_month));
    let own = tight.levels.iter().find(|row| row.planned).expect("the plan itself");
    assert_eq!(own.list_month, report.headline.packed_month);
    let page = plan(&["--headroom", "15%", "-f", "html"]);
    let json = serde_json::from_slice(&bytes).expect("JSON");
    let page = String::from_utf8(page).expect("UTF-8");
    assert!(page.contains("/tightness/levels/6/list_month"));
    figures::all_of(&page, &json);
    // Other formats do not compute it unless they are asked to.
    let json: serde_json::Value = serde_json::from_slice(&plan(&["-f", "json"])).expect("JSON");
    assert!(json.get("tightness").is_none());
}
