//! `explain` against a proof whose figures are worked out by hand, and from outside.

mod plan_fixture;

use std::collections::BTreeMap;

use assert_cmd::Command;
use plan_fixture::report;
use plimsoll::bill::ListCost;
use plimsoll::input::certificate_file::{Certified, Names};
use plimsoll::plan::{Certificate, Dominance, PatternValue, Valuation, ValueProof};
use plimsoll::problem::{BinSet, BinType, ItemType, Problem};
use plimsoll::report::explain::{self, ExplainError, Explained, TypePrice};
use plimsoll::report::{RenderOptions, render_explained};
use plimsoll::units::{Money, Resources};

const MIB: u64 = 1 << 20;

/// A web pod is priced 0.025, db 0.06, batch nothing; a node of c8x.large is worth 0.05 (two web), of
/// m5.large 0.075 (three web), of m5.xlarge 0.145 (two db, one web). m6.large stands behind m5.large.
fn proof() -> Certified {
    let item = |cpu: u64, memory: u64, copies| ItemType {
        demand: Resources::from_iter([cpu, memory * MIB]),
        copies,
        max_per_bin: None,
        eligible: BinSet::all(4),
    };
    let bin = |cpu: u64, memory: u64, rate: &str| BinType {
        capacity: Resources::from_iter([cpu, memory * MIB]),
        rate: rate.parse().expect("it is there"),
        stock: None,
    };
    let items = vec![item(500, 1_024, 12), item(1_500, 6_144, 4), item(200, 256, 2)];
    let bins = vec![
        bin(1_830, 2_944, "0.09"),
        bin(1_830, 7_040, "0.1"),
        bin(3_830, 15_232, "0.2"),
        bin(1_830, 7_040, "0.12"),
    ];
    let problem = Problem::new(vec!["cpu".to_owned(), "memory".to_owned()], items, bins, [], None)
        .expect("it is there");
    let value = |bin_type, value| PatternValue { bin_type, value, proof: ValueProof::Exhaustive };
    let members = |name: &str, pods| BTreeMap::from([(name.to_owned(), pods)]);
    Certified {
        problem,
        names: Some(Names {
            bins: ["c8x.large", "m5.large", "m5.xlarge", "m6.large"].map(str::to_owned).to_vec(),
            items: vec![
                members("shop/Deployment/web", 12),
                members("shop/StatefulSet/db", 4),
                members("default/Component/=SUM(A1:A9)", 2),
            ],
            restricted: vec![],
        }),
        certificate: Certificate {
            dominated: vec![Dominance { bin_type: 3, by: 1 }],
            valuations: vec![Valuation {
                item_prices: vec![25_000_000, 60_000_000, 0],
                pattern_values: vec![value(0, 50_000_000), value(1, 75_000_000), value(2, 145_000_000)],
            }],
            ..Certificate::default()
        },
    }
}

fn money(text: &str) -> Money {
    text.parse().expect("it is there")
}

/// r = 0.1 / 0.075 = 4/3, for the others' rates are further above their worth: a web pod counts
/// 0.025 x 4/3 = 0.033333334 an hour, rounded up. Alone it fits on c8x.large for 0.09 an hour, 65.70 a month.
#[test]
fn a_workload_has_its_places_and_its_price() {
    let web = explain::workload(&report(None), Some(&proof()), "web").unwrap();
    assert_eq!(web.workload, "shop/Deployment/web");
    let places: Vec<(&str, u64, u64)> =
        web.places.iter().map(|p| (p.instance_type.as_str(), p.nodes, p.pods_per_node)).collect();
    assert_eq!(places, [("m5.xlarge", 2, 1), ("m5.large", 2, 3), ("c8x.large", 2, 2)]);
    // 130m, 330m and 830m with 896 MiB are free: none of it holds 500m and 1,024 MiB.
    assert_eq!(web.room, 0);
    let price = web.price.expect("a price");
    assert_eq!((price.hour, price.pods, price.all_pods_hour), (money("0.033333334"), 1, money("0.72")));
    let alone = web.alone.expect("some type holds one");
    assert_eq!((alone.instance_type.as_str(), alone.month), ("c8x.large", ListCost::new(money("65.7"))));
    // Batch pods fit beside the others at no price: none beside them, where 130m are free.
    let batch = explain::workload(&report(None), Some(&proof()), "default/=SUM(A1:A9)").unwrap();
    assert_eq!((batch.room, batch.price.unwrap().hour), (0, Money::ZERO));
    let left_out = explain::workload(&report(None), Some(&proof()), "train").unwrap();
    assert!(left_out.places.is_empty() && left_out.left_out.is_some() && left_out.price.is_none());
}

/// m5.xlarge: worth 0.145 x 4/3 = 0.193333334 of its 0.2, 3.33 % too dear. All pods count
/// (12 x 0.025 + 4 x 0.06) x 4/3 = 0.72, so that a plan with one costs 0.72 + 0.006666666 at least.
/// m6.large holds no more than m5.large: worth 0.1 of its 0.12.
#[test]
fn a_type_has_the_price_at_which_it_would_enter() {
    let of = |name: &str| -> TypePrice {
        let explained = explain::instance_type(&report(None), Some(&proof()), name).unwrap();
        let [price] = explained.prices.as_slice() else { panic!("{name}") };
        price.clone()
    };
    let large = of("m5.large");
    assert_eq!((large.worth, large.change_to_enter), (Some(money("0.1")), None));
    assert_eq!(large.plans_with_it_cost, Some(ListCost::new(money("0.72"))));
    let xlarge = of("m5.xlarge");
    assert_eq!(xlarge.worth, Some(money("0.193333334")));
    assert_eq!(xlarge.change_to_enter.unwrap().to_string(), "-0.03333333");
    assert_eq!(xlarge.plans_with_it_cost, Some(ListCost::new(money("0.726666666"))));
    let m6 = of("m6.large");
    assert_eq!(m6.dominated_by.as_deref(), Some("m5.large"));
    assert_eq!((m6.worth, m6.plans_with_it_cost), (Some(money("0.1")), Some(ListCost::new(money("0.74")))));
    let unknown = explain::instance_type(&report(None), Some(&proof()), "x1.huge").unwrap();
    assert!(unknown.prices.is_empty() && unknown.allowed_types == Some(4));
}

/// Of several prices those count that prove most for all plans: 12 x 0.001 + 4 x 0.06 = 0.252 or
/// 12 x 0.03 + 4 x 0.06 = 0.6. A node of m5.large is worth what it costs.
#[test]
fn of_several_prices_the_best_count() {
    let mut certified = proof();
    let prices = |price| Valuation {
        item_prices: vec![price, 60_000_000, 0],
        pattern_values: vec![PatternValue { bin_type: 1, value: 100_000_000, proof: ValueProof::Exhaustive }],
    };
    certified.certificate.valuations = vec![prices(1_000_000), prices(30_000_000)];
    let web = explain::workload(&report(None), Some(&certified), "web").unwrap().price.unwrap();
    assert_eq!((web.hour, web.all_pods_hour), (money("0.03"), money("0.6")));
    let large = explain::instance_type(&report(None), Some(&certified), "m5.large").unwrap();
    assert_eq!(large.prices[0].plans_with_it_cost, Some(ListCost::new(money("0.6"))));
}

#[test]
fn names_are_found_and_foreign_proofs_refused() {
    let plan = report(None);
    let none = explain::workload(&plan, None, "web").unwrap();
    assert!(none.price.is_none() && !none.places.is_empty());
    let error = explain::workload(&plan, None, "nobody").unwrap_err();
    assert_eq!(error, ExplainError::NoSuchWorkload("nobody".to_owned()));
    let mut two = plan.clone();
    two.workloads[1].name = "web".to_owned();
    assert!(matches!(explain::workload(&two, None, "web").unwrap_err(), ExplainError::Ambiguous(..)));
    let mut foreign = proof();
    foreign.names.as_mut().unwrap().items.remove(0);
    let error = explain::workload(&plan, Some(&foreign), "db").unwrap_err().to_string();
    assert!(error.contains("it has no workload shop/Deployment/web"), "{error}");
}

#[test]
fn snapshots() {
    let options = RenderOptions::default();
    let plan = report(None);
    let mut all = String::new();
    for name in ["web", "=SUM(A1:A9)", "train"] {
        let explained = Explained::Workload(explain::workload(&plan, Some(&proof()), name).unwrap());
        all += &String::from_utf8(render_explained(&explained, false, &options)).unwrap();
        all += "\n";
    }
    for name in ["m5.large", "m5.xlarge", "m6.large", "x1.huge"] {
        let explained = Explained::Type(explain::instance_type(&plan, Some(&proof()), name).unwrap());
        all += &String::from_utf8(render_explained(&explained, false, &options)).unwrap();
        all += "\n";
    }
    for line in all.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    insta::assert_snapshot!("explain", all);
}

/// The program, deaf to the environment of whoever runs the tests.
fn plimsoll() -> Command {
    let mut command = Command::cargo_bin("plimsoll").expect("the program is built with its tests");
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("NO_COLOR").env("TERM", "dumb");
    command
}

fn said(args: &[&str]) -> String {
    let assert = plimsoll().args(args).arg("-q").assert().success();
    String::from_utf8(assert.get_output().stdout.clone()).expect("UTF-8")
}

/// Planning anew and a saved plan with its proof say the same.
#[test]
fn a_saved_plan_explains_as_a_fresh_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let (plan, proof) = (path("plan.json"), path("proof.json"));
    let file = "workloads/online-boutique.yaml";
    let quick = ["--effort", "quick", "--baselines", "none"];
    let mut make = plimsoll();
    make.args(["plan", file, "-q", "-f", "json", "-o", &plan, "--certificate", &proof]).args(quick);
    make.assert().success();
    for (what, name) in [("workload", "frontend"), ("type", "m5.large"), ("type", "c6g.medium")] {
        let fresh = said(&["explain", what, name, file, "--effort", "quick"]);
        assert_eq!(fresh, said(&["explain", what, name, &plan, "--proof", &proof]));
        assert!(fresh.contains("Exact:") || what == "type", "{fresh}");
        let json = said(&["explain", what, name, &plan, "--proof", &proof, "-f", "json"]);
        serde_json::from_str::<serde_json::Value>(&json).expect("JSON");
    }
    let refused = plimsoll().args(["explain", "workload", "frontent", &plan]).assert().code(2);
    refused.stderr(predicates::str::contains("did you mean `online-boutique/Deployment/frontend`?"));
    plimsoll().args(["explain", "type", "m5.large", &plan, "-f", "csv"]).assert().code(2);
}

/// A small node takes four pods for 0.20: 0.05 a pod. A large one takes sixteen, worth 0.80: for 1.00 it is
/// not bought, and planned anew for 0.79 it is (2 x 0.79 + 2 x 0.20 = 1.98 of 2.00), for 0.81 it is not.
#[test]
fn what_is_explained_comes_true_when_planned_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let write = |name: &str, text: String| {
        std::fs::write(path(name), text).expect("a file");
        path(name)
    };
    let catalog = |name: &str, large: &str| {
        write(
            name,
            format!(
                "format: plimsoll-catalog/1\nname: ours\nprovider: other\nregion: here\ncurrency: USD\nprice_date: \"2026-01\"\n\
                 sources: [ours]\nlicence_note: ours\nrules: {{}}\nmarks: {{}}\nnotes: []\ntypes: |\n  \
                 name,family,vcpu,memory_mib,arch,on_demand,category\n  small,rack,4,16384,amd64,0.20,General purpose\n  \
                 large,rack,16,65536,amd64,{large},General purpose\n"
            ),
        )
    };
    let pods = |name: &str, replicas: u32| {
        let text = format!("{{name: web, replicas: {replicas}, requests: {{cpu: 1, memory: 3Gi}}}}");
        write(name, format!("plimsoll: workloads/v1\nname: forty\ncomponents:\n  - {text}\n"))
    };
    let json = |command: &[&str], catalog: &str| -> serde_json::Value {
        let options =
            ["--catalog", catalog, "--allocatable", "none", "--effort", "quick", "--baselines", "none"];
        let text = said(&[command, &options, &["-f", "json"]].concat());
        serde_json::from_str(&text).expect("JSON")
    };
    let figure =
        |value: &serde_json::Value| -> f64 { value.as_str().expect("money").parse().expect("a decimal") };
    let (dear, forty) = (catalog("dear.yaml", "1.00"), pods("forty.yaml", 40));
    let web = json(&["explain", "workload", "web", &forty], &dear);
    assert_eq!(web["price"]["hour"], "0.05");
    assert_eq!(web["price"]["month"], "36.5");
    assert_eq!(web["places"][0]["binding"], "cpu");
    let bound = |file: &str| figure(&json(&["plan", file], &dear)["solve"]["lower_bound_hour"]);
    let four_more = bound(&pods("more.yaml", 44)) - bound(&forty);
    assert!((four_more - 4.0 * 0.05).abs() < 1e-9, "{four_more}");

    let large = json(&["explain", "type", "large", &forty], &dear);
    assert_eq!((&large["nodes"], &large["prices"][0]["worth"]), (&0.into(), &"0.8".into()));
    assert_eq!(large["prices"][0]["change_to_enter"], "-0.2");
    let bought = |pods: &str, rate: &str| {
        let plan = json(&["plan", pods], &catalog("other.yaml", rate));
        plan["nodes"].as_array().expect("nodes").iter().any(|row| row["instance_type"] == "large")
    };
    assert!(bought(&forty, "0.79") && !bought(&forty, "0.81"));
    assert_eq!(large["prices"][0]["enters_below"], "0.8");

    // Thirteen pods take four small nodes, 0.80, and are worth 0.65 by the proof: as nodes are bought whole,
    // a large one for all of them enters between the two.
    let thirteen = pods("thirteen.yaml", 13);
    let large = json(&["explain", "type", "large", &thirteen], &dear);
    assert_eq!(large["prices"][0]["worth"], "0.65");
    assert_eq!(large["prices"][0]["enters_below"], "0.8");
    assert!(bought(&thirteen, "0.79") && !bought(&thirteen, "0.81"));
}
