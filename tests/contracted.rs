//! Negotiated discounts and estimates: the plan counts with what is paid, and says what the list has.

use assert_cmd::Command;
use plimsoll::catalog::derivation::rule;
use plimsoll::catalog::discount::{Discounted, Pattern, Percent};
use plimsoll::catalog::{Catalog, Discount, OfferKind, Payment, Provenance, Term};
use plimsoll::input::catalog_file;
use plimsoll::units::Rate;
use serde_json::Value;

const CATALOG: &str = "\
format: plimsoll-catalog/1
provider: aws
region: us-east-1
currency: USD
price_date: 2026-11
types: |
  name,family,vcpu,memory_mib,arch,on_demand,max_pods,spot,sku,reserved-standard/1y/no-upfront,reserved-standard/3y/partial-upfront,reserved-convertible/1y/no-upfront
  c5.large,c5,2,4096,amd64,0.085,29,0.03,SKUC5,0.054,505+0.019,0.0626
  m5.large,m5,2,8192,amd64,0.096,29,,SKUM5,0.06,,
";

fn catalog() -> Catalog {
    catalog_file::parse("ours", CATALOG.as_bytes()).expect("a catalog")
}

fn rate(text: &str) -> Rate {
    text.parse().expect("a rate")
}

fn discount(name: &str, percent: &str) -> Discount {
    Discount {
        name: name.to_owned(),
        percent: Percent::try_from(percent.to_owned()).expect("a percentage"),
        types: Vec::new(),
        families: Vec::new(),
        skus: Vec::new(),
        on: vec![Discounted::OnDemand],
    }
}

fn family(glob: &str) -> Vec<Pattern> {
    vec![Pattern::try_from(glob.to_owned()).expect("a glob")]
}

#[test]
fn the_first_discount_that_matches_holds() {
    let mut prices = catalog();
    let of_family = Discount { families: family("m*"), ..discount("m", "7.5%") };
    let of_sku = Discount {
        skus: vec!["SKUC5".to_owned()],
        on: vec![Discounted::OnDemand, Discounted::Spot, Discounted::Offer(OfferKind::ReservedStandard)],
        ..discount("c", "10")
    };
    let of_all = discount("all", "1%");
    assert_eq!(
        prices.without_effect(&[of_family.clone(), Discount { families: family("x*"), ..of_all.clone() }]),
        ["all"]
    );
    prices.negotiate(&[of_family, of_sku, of_all]);
    let m5 = prices.find("m5.large").expect("there");
    // 0.096 x 0.925
    assert_eq!((m5.on_demand.rate, m5.list_rate()), (rate("0.0888"), rate("0.096")));
    assert_eq!(m5.offers[0].effective, rate("0.06"), "on demand alone unless told otherwise");
    let c5 = prices.find("c5.large").expect("there");
    assert_eq!((c5.on_demand.rate, c5.list_rate()), (rate("0.0765"), rate("0.085")));
    assert_eq!(c5.spot.as_ref().map(|spot| spot.rate), Some(rate("0.027")));
    let partial =
        c5.offer(OfferKind::ReservedStandard, Term::ThreeYears, Payment::PartialUpfront).expect("there");
    // 505 / 26,280 = 0.019216134 (rounded), of which 0.9 is 0.017294521 (rounded); 0.019 x 0.9 = 0.0171.
    assert_eq!((partial.recurring, partial.effective), (rate("0.0171"), rate("0.034394521")));
    assert_eq!(
        partial.upfront + partial.recurring.for_hours(26_280),
        partial.effective.for_hours(26_280),
        "accrual stays cash over the term"
    );
    assert!(matches!(&partial.provenance, Provenance::Contracted(list) if list.rate == rate("0.038216134")));
    // The file keeps the list and the discounts apart, and reading it again takes them off again.
    let written = catalog_file::write(&prices);
    assert!(written.contains(",0.096,") && written.contains("505+0.019"), "{written}");
    assert_eq!(catalog_file::parse("written", written.as_bytes()).expect("it is read"), prices);
}

#[test]
fn percentages_out_of_range_are_refused() {
    for text in ["0%", "100%", "-3%", "x", "7.12345%"] {
        assert!(Percent::try_from(text.to_owned()).is_err(), "{text}");
    }
}

#[test]
fn estimates_come_when_asked_for_and_say_so() {
    let mut prices = catalog();
    let plan = |prices: &Catalog, name: &str| {
        prices
            .find(name)
            .expect("there")
            .offer(OfferKind::ComputeSavingsPlan, Term::OneYear, Payment::NoUpfront)
            .cloned()
    };
    assert_eq!(plan(&prices, "c5.large"), None);
    prices.estimate_compute_savings_plans();
    let c5 = plan(&prices, "c5.large").expect("estimated");
    assert_eq!(c5.effective, rate("0.0626"), "what the convertible reservation costs");
    // 66/72 of what the standard reservation saves: 0.096 - 0.033.
    let m5 = plan(&prices, "m5.large").expect("estimated");
    assert_eq!(m5.effective, rate("0.063"));
    assert!(c5.provenance.is_estimate() && m5.provenance.is_estimate());
    assert!(prices.rules.reason(rule::ESTIMATE).expect("a reason").contains("an estimate"));
    let written = catalog_file::write(&prices);
    assert!(!written.contains("compute-savings-plan/"), "an estimate is in no table");
    assert_eq!(
        catalog_file::parse("written", written.as_bytes()).expect("it is read").types[0].offers,
        catalog().types[0].offers
    );
}

/// A folder with the catalog, two workloads and a policy.
fn folder(policy: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
    write("ours.yaml", CATALOG);
    write("policy.yaml", policy);
    write("pods.csv", "name,replicas,cpu,memory\nweb,4,1500m,2Gi\n");
    folder
}

fn plan(folder: &tempfile::TempDir, format: &str, more: &[&str]) -> String {
    let output = Command::cargo_bin("plimsoll")
        .expect("the binary")
        .current_dir(folder.path())
        .args([
            "plan",
            "pods.csv",
            "--catalog",
            "ours.yaml",
            "--policy",
            "policy.yaml",
            "--all-types",
            "--effort",
            "quick",
        ])
        .args(["-f", format])
        .args(more)
        .assert()
        .success();
    String::from_utf8(output.get_output().stdout.clone()).expect("text")
}

#[test]
fn the_plan_is_made_at_contracted_rates_with_the_list_beside() {
    // At list prices c5.large is cheapest; 20 % off m5 makes it 0.0768, below 0.085.
    let folder = folder("discounts:\n- name: EDP 2026\n  percent: 20%\n  families: [m5]\n");
    let report: Value = serde_json::from_str(&plan(&folder, "json", &[])).expect("JSON");
    let nodes = report["nodes"].as_array().expect("rows");
    assert!(nodes.iter().all(|row| row["instance_type"] == "m5.large"), "{nodes:?}");
    assert_eq!(
        (nodes[0]["list_rate"].as_str(), nodes[0]["public_rate"].as_str()),
        (Some("0.0768"), Some("0.096"))
    );
    // 4 nodes x 730 h x 0.0768 and 0.096.
    let headline = &report["headline"];
    assert_eq!(headline["packed_month"], "224.256");
    assert_eq!(headline["public_list_month"], "280.32");
    let discount = &report["catalog"]["discounts"][0];
    assert_eq!((discount["name"].as_str(), discount["percent"].as_str()), (Some("EDP 2026"), Some("20 %")));
    let on_demand = &report["purchase_options"][0];
    assert_eq!(
        (on_demand["list_month"].as_str(), on_demand["contracted_month"].as_str()),
        (Some("280.32"), Some("224.256"))
    );
    let table = plan(&folder, "table", &[]);
    assert!(table.contains("\n  Listed   $") && table.contains("a month before EDP 2026 20 %"), "{table}");
}

#[test]
fn focus_has_both_prices() {
    let folder = folder("discounts:\n- name: EDP 2026\n  percent: 20%\n  families: [m5]\n");
    let focus = plan(&folder, "focus", &["--as-of", "2027-01-01"]);
    let mut reader = csv::Reader::from_reader(focus.as_bytes());
    let header = reader.headers().expect("a header").clone();
    let at = |name: &str| header.iter().position(|column| column == name).expect("the column");
    let usage = reader
        .records()
        .flatten()
        .find(|row| {
            row.get(at("ChargeCategory")) == Some("Usage")
                && row.get(at("PricingCategory")) == Some("Standard")
                || row.get(at("PricingCategory")) == Some("Committed")
                    && row.get(at("ChargeCategory")) == Some("Usage")
        })
        .expect("a row of usage");
    assert_eq!(usage.get(at("ListUnitPrice")), Some("0.096"));
    assert_eq!(usage.get(at("ContractedUnitPrice")), Some("0.0768"));
}

#[test]
fn an_estimate_is_marked_wherever_it_is_printed() {
    let folder = folder("estimateComputeSavingsPlans: true\n");
    let report: Value = serde_json::from_str(&plan(&folder, "json", &[])).expect("JSON");
    let options = report["purchase_options"].as_array().expect("rows");
    let estimated: Vec<&Value> = options
        .iter()
        .filter(|o| o["option"].as_str().is_some_and(|t| t.starts_with("compute-savings-plan")))
        .collect();
    assert!(!estimated.is_empty());
    for option in &estimated {
        assert!(option["label"].as_str().expect("a label").ends_with("(ESTIMATE)"), "{option}");
        assert_eq!(option["derived"][0], rule::ESTIMATE);
    }
    let rows = report["commitments"].as_array().expect("rows");
    let row = rows
        .iter()
        .find(|r| r["option"].as_str().is_some_and(|t| t.starts_with("compute-savings")))
        .expect("one");
    assert_eq!(row["provenance"], rule::ESTIMATE);
    let table = plan(&folder, "table", &[]);
    assert!(table.contains("1y SP ESTIMATE*") && table.contains("rates ESTIMATED"), "{table}");
    // Not asked for: there is none.
    let plain = self::folder("region: us-east-1\n");
    assert!(!plan(&plain, "json", &[]).contains("compute-savings-plan"));
    let shown = Command::cargo_bin("plimsoll")
        .expect("the binary")
        .args(["catalog", "show", "m5.large", "--estimate-compute-savings-plans"])
        .assert()
        .success();
    let shown = String::from_utf8_lossy(&shown.get_output().stdout).into_owned();
    assert!(shown.contains("ESTIMATE: estimate"), "{shown}");
    Command::cargo_bin("plimsoll")
        .expect("the binary")
        .args(["catalog", "show", "n2-standard-4", "--provider", "gcp", "--estimate-compute-savings-plans"])
        .assert()
        .code(2);
}

#[test]
fn faults_of_discounts_are_located() {
    let folder = folder(
        "discounts:\n- name: a\n  percent: 120%\n  types: ['[']\n  on: [ondemand]\n- percent: 3%\n  for: all\n",
    );
    let output = Command::cargo_bin("plimsoll")
        .expect("the binary")
        .current_dir(folder.path())
        .args(["plan", "pods.csv", "--catalog", "ours.yaml", "--policy", "policy.yaml"])
        .assert()
        .code(2);
    let told = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
    for part in [
        "policy.yaml:3: discounts[0].percent: `120%` is not above 0 and below 100 percent",
        "policy.yaml:4: discounts[0].types[0]: `[` is no pattern",
        "policy.yaml:5: discounts[0].on[0]: `ondemand` is none of on-demand, spot",
        "discounts[1]: `name` is missing",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
}
