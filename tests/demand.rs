//! Demand over time: what inputs say of it, where they are wrong, and the levels that are packed.

use assert_cmd::Command;
use plimsoll::bill::SizeRatios;
use plimsoll::demand::{Amounts, Autoscaled, Growth, Horizon, Needed, Scenario, Timeline};
use plimsoll::input::demand::read_series;
use plimsoll::input::{ReadOptions, Source, catalog_file, read_workloads};
use plimsoll::levels::{self, Direction, Inputs};
use plimsoll::policy::Policy;
use plimsoll::solver::control::{Budget, Effort};
use plimsoll::units::PartsPerMillion;
use plimsoll::workload::WorkloadSet;

fn source(name: &str, text: &str) -> Source {
    Source { name: name.to_owned(), bytes: text.as_bytes().to_vec() }
}

fn read(text: &str) -> Result<WorkloadSet, Vec<String>> {
    read_workloads(&[source("w.yaml", text)], &ReadOptions::default())
        .map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

fn component(demand: &str) -> String {
    format!(
        "plimsoll: workloads/v1\nname: n\ncomponents:\n  - name: a\n    requests: {{cpu: 1, memory: 1Gi}}\n    demand:\n{demand}"
    )
}

#[test]
fn everything_that_a_component_may_say_is_read() {
    let hours: Vec<String> = (0..24).map(|h| format!("{h}%")).collect();
    let set = read(&component(&format!(
        "      hourlyShares: [{}]\n      autoscaled: {{min: 2, max: 40}}\n      growthPerMonth: -1.5%\n      \
         start: 2026-09-01\n      end: 2027-03-01\n      scenarios: {{low: 0.5}}\n",
        hours.join(", ")
    )))
    .unwrap();
    let demand = &set.demands[&set.workloads[0].id];
    let profile = demand.profile.as_ref().unwrap();
    let expected = (0..24).map(|h| PartsPerMillion(h * 10_000)).collect();
    assert_eq!(profile.amounts(), &Amounts::Shares(expected));
    assert_eq!(demand.autoscaled, Some(Autoscaled { min: 2, max: 40 }));
    assert_eq!(demand.growth, Growth(-15_000));
    assert_eq!(demand.start.unwrap().to_string(), "2026-09-01");
    assert_eq!(demand.end.unwrap().to_string(), "2027-03-01");
    assert_eq!(demand.shares["low"], PartsPerMillion(500_000));
}

#[test]
fn without_a_number_the_peak_of_the_profile_counts() {
    let hours: Vec<String> = (1..=24).map(|h| h.to_string()).collect();
    let set = read(&component(&format!("      hourlyReplicas: [{}]\n", hours.join(", ")))).unwrap();
    assert_eq!(set.workloads[0].replicas, 24);
}

#[test]
fn every_fault_is_named_where_it_stands() {
    let text = "\
plimsoll: workloads/v1
name: n
scenarios:
  - {name: low, weight: 25%, share: 70%}
  - {name: high, weight: 25%}
components:
  - name: a
    demand:
      hourlyReplicas: [1, 2, 3]
  - name: b
    demand:
      hourlyShares: [1, x, 3]
      growthPerMonth: fast
      start: 2026-9-1
  - name: c
    demand:
      autoscaled: {min: 5, max: 2}
      start: 2026-09-02
      end: 2026-09-02
  - name: d
    demand: {curve: [1], growthPerMonth: -100%}
daemonSets:
  - name: e
    demand: {growthPerMonth: 1%}
";
    insta::assert_snapshot!(read(text).unwrap_err().join("\n"));
}

#[test]
fn a_scenario_that_is_not_listed_is_a_fault() {
    let text = "plimsoll: workloads/v1\nname: n\nscenarios: [{name: expected, weight: 100%}]\ncomponents:\n  \
                - {name: a, demand: {scenarios: {worst: 10%}}}\n";
    let faults = read(text).unwrap_err();
    assert_eq!(
        faults,
        ["w.yaml:5: components[0].demand.scenarios.worst: unknown scenario `worst`; known are expected"]
    );
}

fn two() -> WorkloadSet {
    read("plimsoll: workloads/v1\nname: n\ncomponents:\n  - {name: a, replicas: 3}\n  - {name: b, replicas: 4}\n")
        .expect("it is there")
}

fn series(text: &str) -> Result<WorkloadSet, Vec<String>> {
    let mut set = two();
    read_series(&source("d.csv", text), &mut set)
        .map(|()| set)
        .map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

#[test]
fn hours_of_a_cycle_are_taken_as_they_are() {
    let rows: String = (0..24).rev().map(|h| format!("{h},a,{}\n", h + 1)).collect();
    let set = series(&format!("hour,workload,replicas\n{rows}")).unwrap();
    let profile = set.demands[&set.workloads[0].id].profile.as_ref().unwrap();
    assert_eq!(profile.amounts(), &Amounts::Replicas((1..=24).collect()));
}

#[test]
fn measured_times_fold_to_a_week_of_largest_values() {
    // Ten days of hours from Saturday, 2026-08-01, with a second sample in one hour.
    let mut rows = String::from("time,workload,share\n");
    for hour in 0..240 {
        let (day, clock) = (1 + hour / 24, hour % 24);
        rows += &format!("2026-08-{day:02}T{clock:02}:30Z,default/Component/b,{}%\n", hour % 7);
    }
    rows += "2026-08-05T03:59,b,90%\n";
    let set = series(&rows);
    // Under its short name it has one row only, which is no day.
    let missing = "d.csv:242: b: 23 of the 24 hours of its day were never measured, the first is hour 0";
    assert_eq!(set.unwrap_err(), [missing]);
    let set = series(&rows.replace("default/Component/b", "b")).unwrap();
    let profile = set.demands[&set.workloads[1].id].profile.as_ref().unwrap();
    let Amounts::Shares(shares) = profile.amounts() else { panic!("shares were given") };
    assert_eq!(shares.len(), 168);
    // 2026-08-05 is a Wednesday: hour 2 x 24 + 3 of the week.
    assert_eq!(shares[51], PartsPerMillion(900_000));
    // Saturday at midnight is hour 0 of the rows and hour 168: 0 % and 168 % 7 = 0 %.
    assert_eq!(shares[120], PartsPerMillion(0));
    // Saturday at one: hours 1 and 169, both 1 %.
    assert_eq!(shares[121], PartsPerMillion(10_000));
}

#[test]
fn faults_of_a_time_series_are_all_named() {
    let text = "hour,workload,replicas\n0,a,1\n0,a,2\nx,b,1\n1,b,-1\n2,,1\n3,c,1\n";
    insta::assert_snapshot!(series(text).unwrap_err().join("\n"));
    assert_eq!(
        series("time,workload\n1,a\n").unwrap_err(),
        [
            "d.csv:1: has no column `replicas` or `share`; columns are time or hour, workload, and replicas or share"
        ]
    );
    assert_eq!(series("hour,workload,share\n").unwrap_err(), ["d.csv: has a header and no rows"]);
}

#[test]
fn an_autoscaler_among_manifests_gives_its_limits() {
    let text = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  template: {spec: {containers: [{name: c, resources: {requests: {cpu: 1, memory: 1Gi}}}]}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: 10
";
    let mut set = read(text).unwrap();
    let id = set.workloads[0].id.clone();
    assert_eq!(set.demands[&id].autoscaled, Some(Autoscaled { min: 2, max: 10 }));
    assert!(set.demands[&id].is_constant());
    let rows: String = (0..24).map(|h| format!("{h},web,{}%\n", h * 5)).collect();
    read_series(&source("d.csv", &format!("hour,workload,share\n{rows}")), &mut set).unwrap();
    // 10 % of 10 replicas is 1, raised to the minimum of 2; at 23 o'clock 115 % is cut to 10.
    let needed = [Needed { replicas: 3, demand: Some(&set.demands[&id]) }];
    let timeline = Timeline::new(&needed, &[Scenario::expected()], Horizon { start: None, hours: 24 });
    let at = |h: usize| timeline.states[timeline.scenarios[0].hours[h] as usize][0];
    assert_eq!((at(2), at(10), at(23)), (2, 5, 10));
}

/// Small machines of one family keep the search short.
fn policy() -> Policy {
    let mut policy = Policy::default_for(plimsoll::catalog::Provider::Aws);
    policy.types.families = vec!["m6i".to_owned(), "c6i".to_owned()];
    policy.types.max_cpu = Some(plimsoll::units::MilliCpu(8_000));
    policy
}

const SHIFTS: &str = "\
plimsoll: workloads/v1
name: Two shifts
components:
  - name: web
    requests: {cpu: 1, memory: 2Gi}
    demand:
      hourlyReplicas: [2, 2, 2, 2, 2, 2, 4, 4, 8, 8, 12, 12, 12, 12, 12, 12, 8, 8, 8, 8, 4, 4, 2, 2]
  - name: batch
    requests: {cpu: 1900m, memory: 3Gi}
    demand:
      hourlyReplicas: [6, 6, 6, 6, 6, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 6]
  - name: db
    replicas: 2
    requests: {cpu: 1, memory: 6Gi}
    placement: {antiAffinity: hostname}
";

#[test]
fn levels_cover_their_hours_and_fleets_only_grow() {
    let set = read(SHIFTS).unwrap();
    let catalog = catalog_file::by_name("aws-2026-05-us-east-1").unwrap().read();
    let policy = policy();
    let needed: Vec<Needed<'_>> = set
        .workloads
        .iter()
        .map(|w| Needed { replicas: w.replicas, demand: set.demands.get(&w.id) })
        .collect();
    let timeline = Timeline::new(&needed, &[Scenario::expected()], Horizon { start: None, hours: 48 });
    // 2+6 batch, 4, 8, 12: four states.
    assert_eq!(timeline.states.len(), 4);
    let inputs = Inputs {
        set: &set,
        catalog: &catalog,
        policy: &policy,
        pools: &[],
        ratios: &SizeRatios::default(),
        price: &levels::nothing_changed,
        budget: Budget { effort: Effort::Quick, work_limit: Some(1_000_000), ..Budget::default() },
        seed: 1,
    };
    let values = levels::values(&inputs, &timeline).unwrap();
    assert!(values.iter().all(|&v| v > 1_000_000), "a tenth of a cent at least: {values:?}");
    let weights = timeline.weights();
    let levels = levels::compress(&timeline.states, &weights, &values, 3);
    assert_eq!(levels.levels.len(), 3);
    let packed = levels::pack(&inputs, &levels).unwrap();
    let mut fleet = vec![0; packed.kinds.len()];
    for (plan, level) in packed.levels.iter().zip(&levels.levels) {
        for (kind, (&nodes, &kept)) in plan.nodes.iter().zip(&plan.fleet).enumerate() {
            assert!(nodes <= kept, "what runs is part of the fleet");
            assert!(fleet[kind] <= kept, "the fleet only grows");
        }
        fleet.clone_from(&plan.fleet);
        // The plan places what the level says, no more and no less.
        let copies: u128 = plan.formulation.problem.total_copies();
        assert_eq!(copies, level.replicas.iter().map(|&n| u128::from(n)).sum::<u128>());
    }
    let list: u128 = packed
        .levels
        .iter()
        .zip(&levels.levels)
        .map(|(plan, level)| plan.list_hour.nanos().unsigned_abs() * u128::from(level.weight))
        .sum();
    assert_eq!(list, packed.list);
    let usage = levels::usage(&packed, &levels, &timeline, &catalog, &SizeRatios::default()).unwrap();
    assert_eq!(usage.len(), 1);
    assert_eq!(usage[0].usage.hours().len(), 48);
    // Hour by hour the usage costs what the levels cost.
    let hourly: i128 = usage[0]
        .usage
        .hours()
        .iter()
        .map(|&slot| {
            let nodes = &usage[0].usage.slots()[slot as usize];
            let lines = usage[0].usage.lines().iter().zip(nodes);
            lines.map(|(line, &n)| line.list_hour(n).nanos() + line.surcharge_hour(n).nanos()).sum::<i128>()
        })
        .sum();
    assert_eq!(hourly.unsigned_abs() * 1_000_000, packed.list);
    // A fleet for every peak at all hours costs more than levels do.
    let peak = levels::pack(&inputs, &levels::compress(&timeline.states, &weights, &values, 1)).unwrap();
    assert!(packed.list < peak.list);
    assert!(matches!(packed.direction, Direction::BottomUp | Direction::TopDown));
}

fn plimsoll() -> Command {
    let mut command = Command::cargo_bin("plimsoll").expect("the program is built with its tests");
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("NO_COLOR").env("TERM", "dumb");
    command
}

#[test]
fn the_plan_command_reports_demand_over_time() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("shifts.yaml");
    std::fs::write(&input, SHIFTS).unwrap();
    let plan = folder.path().join("plan.json");
    plimsoll()
        .arg("plan")
        .arg(&input)
        .args(["--family", "m6i", "--max-vcpu", "8", "--effort", "quick", "--baselines", "none"])
        .args(["--levels", "3", "--horizon", "1", "-f", "json", "-o"])
        .arg(&plan)
        .assert()
        .success();
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(&plan).unwrap()).unwrap();
    let over = &json["over_time"];
    assert_eq!(over["hours"], 730);
    assert_eq!(over["levels"].as_array().unwrap().len(), 3);
    let hours: u64 = over["levels"].as_array().unwrap().iter().map(|l| l["hours"][0].as_u64().unwrap()).sum();
    assert_eq!(hours, 730);
    // The curve of the only family falls from the peak to all hours.
    let load = over["load"].as_array().unwrap();
    assert!(load.iter().all(|row| row["family"] == "m6i"));
    let cpu: Vec<u64> = load.iter().map(|row| row["cpu"].as_u64().unwrap()).collect();
    assert!(cpu.is_sorted_by(|a, b| a > b), "{cpu:?}");
    assert_eq!(load.last().unwrap()["hours"], 730);
    // A saved plan prints the same section.
    let table = plimsoll().arg("report").arg(&plan).assert().success();
    let text = String::from_utf8_lossy(&table.get_output().stdout).into_owned();
    assert!(text.contains("Demand over time") && text.contains("Load-duration curves"), "{text}");
    let csv = plimsoll().arg("report").arg(&plan).args(["-f", "csv", "--table", "load"]).assert().success();
    assert!(String::from_utf8_lossy(&csv.get_output().stdout).lines().count() > 2);
}

#[test]
fn dates_need_a_first_day() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("dated.yaml");
    std::fs::write(&input, component("      start: 2026-09-01\n")).unwrap();
    let said = plimsoll().arg("plan").arg(&input).assert().code(2);
    let said = String::from_utf8_lossy(&said.get_output().stderr).into_owned();
    assert!(said.contains("--as-of: default/Component/a starts or ends on a day"), "{said}");
}

/// What runs in no hour of the horizon is in no level, and every form of the report says so.
#[test]
fn what_never_runs_within_the_horizon_is_told() {
    let folder = tempfile::tempdir().expect("it is there");
    let text = format!(
        "{}{}{}",
        component("      growthPerMonth: 2%\n"),
        "  - {name: later, replicas: 9, requests: {cpu: 1}, demand: {start: 2026-09-02}}\n",
        "  - {name: ended, replicas: 9, requests: {cpu: 1}, demand: {end: 2026-08-03}}\n",
    );
    std::fs::write(folder.path().join("late.yaml"), text).expect("it is there");
    let plan = folder.path().join("plan.json");
    // 730 hours are 30 days and 10 hours: from 3 August until 2 September, 10:00.
    let options = "--family m6i --max-vcpu 4 --effort quick --baselines none --levels 2 --horizon 1 -f json";
    let run = |day: &str| {
        let mut command = plimsoll();
        command.current_dir(folder.path()).args(["plan", "late.yaml", "--as-of", day]);
        command.args(options.split_whitespace()).arg("-o").arg(&plan).assert().success();
        let json: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&plan).expect("it is there")).expect("JSON");
        let told = json["notices"].as_array().expect("a list").iter();
        let told =
            told.filter_map(|n| Some(format!("{}: {}", n["workload"].as_str()?, n["message"].as_str()?)));
        told.filter(|text| text.contains("never runs")).collect::<Vec<String>>()
    };
    let ended = |last: &str| {
        format!(
            "default/Component/ended: never runs within the horizon, which ends with {last}: it ended on \
             2026-08-03; demand over time and commitments are without it"
        )
    };
    assert_eq!(run("2026-08-03"), [ended("2026-09-02")], "ten hours of the other's first day are within");
    let told = run("2026-08-01");
    assert_eq!(
        told,
        ["default/Component/later: never runs within the horizon, which ends with 2026-08-31: it starts on \
          2026-09-02; demand over time and commitments are without it"],
        "two days of the other one are within"
    );
    for format in ["table", "markdown", "html", "csv --table notices"] {
        let options = format.split(' ');
        let said = plimsoll().arg("report").arg(&plan).arg("-f").args(options).assert().success();
        let said = String::from_utf8_lossy(&said.get_output().stdout).replace('\n', " ");
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("never runs within the horizon"), "{format}: {said}");
    }
}

/// Planning two shifts of one family with commitments.
fn committed(more: &[&str]) -> (tempfile::TempDir, serde_json::Value) {
    let folder = tempfile::tempdir().expect("it is there");
    let input = folder.path().join("shifts.yaml");
    std::fs::write(&input, SHIFTS).expect("it is there");
    let policy = "plimsoll: policy/v1\nowned:\n  - {id: ri-old, offer: reserved-standard/1y/no-upfront, type: m6i.large, \
                  quantity: 2, start: 2025-10-01, upfront: 0, recurring: 0.06}\n";
    std::fs::write(folder.path().join("policy.yaml"), policy).expect("it is there");
    let plan = folder.path().join("plan.json");
    let options = "--family m6i --max-vcpu 4 --effort quick --baselines none --levels 2 --horizon 12 --commit \
                   --commit-kind reserved-standard --commit-payment no-upfront --as-of 2026-08-03 -f json -o plan.json";
    plimsoll()
        .current_dir(folder.path())
        .args(["plan", "shifts.yaml"])
        .args(options.split_whitespace())
        .args(more)
        .assert()
        .success();
    let json = serde_json::from_slice(&std::fs::read(&plan).expect("it is there")).expect("it is there");
    (folder, json)
}

fn amount(value: &serde_json::Value) -> f64 {
    value.as_str().expect("money is a string").parse().expect("a decimal")
}

#[test]
fn purchases_are_proposed_in_three_steps() {
    let (folder, json) = committed(&["--policy", "policy.yaml"]);
    let purchases = &json["purchases"];
    let steps: Vec<f64> =
        purchases["steps"].as_array().unwrap().iter().map(|step| amount(&step["cost"])).collect();
    assert_eq!(steps.len(), 3);
    assert!(
        steps[1] <= steps[0] && steps[2] <= steps[1],
        "no step costs more than the one before: {steps:?}"
    );
    assert_eq!(amount(&purchases["cost"]), steps[2]);
    assert!(amount(&purchases["bound"]) <= steps[2] && amount(&purchases["joint_bound"]) <= steps[2]);
    let chosen = purchases["steps"].as_array().unwrap().iter().filter(|s| s["chosen"] == true).count();
    assert_eq!(chosen, 1);
    // Two databases and two web servers run at all hours: something is worth a year.
    let rows = purchases["rows"].as_array().unwrap();
    assert!(!rows.is_empty());
    for row in rows {
        assert_eq!(row["status"], "proposed");
        assert_eq!((&row["covers"], &row["estimate"]), (&"m6i".into(), &false.into()));
        assert_eq!(amount(&row["upfront"]), 0.0);
    }
    let sensitivity = purchases["sensitivity"].as_array().unwrap();
    let changes: Vec<&str> = sensitivity.iter().map(|s| s["change"].as_str().unwrap()).collect();
    assert_eq!(changes, ["-0.3", "-0.2", "-0.1", "0", "0.1", "0.2", "0.3"]);
    assert_eq!(amount(&sensitivity[3]["cost"]), steps[2], "as planned it costs what it costs");
    // Owned until 1 October, 59 days after 3 August.
    assert_eq!(purchases["owned"][0]["commitment"], "ri-old");
    assert_eq!(purchases["owned"][0]["end_hour"], 59 * 24);
    let table = plimsoll().current_dir(folder.path()).args(["report", "plan.json"]).assert().success();
    let text = String::from_utf8_lossy(&table.get_output().stdout).into_owned();
    for section in
        ["What to commit to", "Commitment plan", "If demand turns out otherwise", "Commitments owned"]
    {
        assert!(text.contains(section), "{section} is not in:\n{text}");
    }
    let csv = ["report", "plan.json", "-f", "csv", "--table", "proposals"];
    let csv = plimsoll().current_dir(folder.path()).args(csv).assert().success();
    assert_eq!(String::from_utf8_lossy(&csv.get_output().stdout).lines().count(), rows.len() + 1);
}

#[test]
fn estimates_stand_where_they_are_asked_for_and_are_marked() {
    use plimsoll::catalog::{OfferKind, Payment, Provenance, Term};
    let listed = catalog_file::by_name("aws-2026-05-us-east-1").unwrap().read();
    let plan = |o: &&plimsoll::catalog::CommitmentOffer| o.kind == OfferKind::ComputeSavingsPlan;
    assert!(listed.types.iter().all(|t| !t.offers.iter().any(|o| plan(&o))));
    let mut estimated = listed.clone();
    estimated.estimate_compute_savings_plans();
    let machine = estimated.find("m6i.large").unwrap();
    let plans: Vec<_> = machine.offers.iter().filter(plan).collect();
    assert!(!plans.is_empty());
    for offer in plans {
        assert_eq!(offer.provenance, Provenance::Derived("estimate".to_owned()));
        // 66/72 of what the standard reservation saves: 0.096 - (0.096 - 0.059247) x 66 / 72 for one year.
        let like = machine.offer(OfferKind::ReservedStandard, offer.term, offer.payment).unwrap();
        assert!(offer.effective > like.effective && offer.effective < machine.on_demand.rate);
        if (offer.term, offer.payment) == (Term::OneYear, Payment::AllUpfront) {
            assert_eq!(offer.effective.to_string(), "0.06230975");
        }
    }
    // Listed rates are never replaced.
    let again = estimated.clone();
    estimated.estimate_compute_savings_plans();
    assert_eq!(estimated.types, again.types);
}

/// Two pods of a core need four of a pool's four cores; as they grow by 5 % a month they are four at last, which
/// would be an `m5.large` and an `m5.xlarge`: six cores. So many the pool may not have, and one pod stays pending.
#[test]
fn levels_keep_the_limits_of_a_node_pool_and_name_who_stays_pending() {
    let folder = tempfile::tempdir().unwrap();
    let (input, policy) = (folder.path().join("w.yaml"), folder.path().join("p.yaml"));
    let component =
        component("      growthPerMonth: 5%\n").replace("  - name: a\n", "  - name: a\n    replicas: 2\n");
    std::fs::write(&input, component).unwrap();
    let pool = "plimsoll: policy/v1\ntypes: {include: [m5.large, m5.xlarge]}\npools:\n  - name: web\n    limits: {cpu: 4}\n";
    std::fs::write(&policy, pool).unwrap();
    let mut command = Command::cargo_bin("plimsoll").unwrap();
    command.arg("plan").arg(&input).arg("--policy").arg(&policy);
    command.args(["--region", "us-east-1", "--effort", "quick", "--horizon", "1y", "-f", "json"]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let notices = report["notices"].as_array().unwrap();
    let words = "up to 1 of its pods stay pending at the levels of its demand that the limits of node pools";
    let warning = notices.iter().find(|n| n["message"].as_str().unwrap().starts_with(words));
    let warning = warning.unwrap_or_else(|| panic!("{notices:#?}"));
    assert_eq!(
        (warning["kind"].as_str(), warning["workload"].as_str()),
        (Some("warning"), Some("default/Component/a"))
    );
}
