//! Accounts and showback of a small plan, worked out by hand, and their FOCUS rows.
//!
//! The plan has two nodes each of m5.xlarge (0.2), m5.large (0.1) and c8x.large (0.09): 0.78 an hour on
//! demand. Reserved partial upfront the m5 cost 0.12 and 0.06, half of it at the start.

mod plan_fixture;

use std::collections::BTreeMap;

use plimsoll::bill::commitment::{Holding, owned};
use plimsoll::bill::{BilledCost, EffectiveCost, OfferKey, SizeRatios};
use plimsoll::catalog::{OfferKind, Payment, Term};
use plimsoll::input::policy_file;
use plimsoll::report::focus::{self, contracts, lint};
use plimsoll::report::steady::steady;
use plimsoll::report::view::{ChargeKind, IdleBy, PlanReport, ShowbackLine, ShowbackReport};
use plimsoll::report::{Format, RenderOptions, csv, render};
use plimsoll::units::Money;

const PARTIAL: OfferKey =
    OfferKey { kind: OfferKind::ReservedStandard, term: Term::OneYear, payment: Payment::PartialUpfront };

fn money(text: &str) -> Money {
    text.parse().expect("a decimal")
}

/// Three m5.large reserved all upfront half a year before the plan, one more than there are; 0.0588 an
/// hour each, so 515.088 for a year.
const OWNED: &str = "owned:\n- {id: old, offer: reserved-standard/1y/all-upfront, type: m5.large, quantity: 3, start: 2026-01-30}\n";

fn held(text: &str) -> Vec<Holding> {
    let text = if text.is_empty() { "owned: []" } else { text };
    let file = policy_file::parse("policy.yaml", text).expect("a policy");
    let day = "2026-08-01".parse().expect("a date");
    owned::holdings(&file.owned.unwrap_or_default(), &plan_fixture::catalog(), day, &SizeRatios::default())
        .expect("prices for it")
}

/// The plan with accounts and a showback.
fn accounted(purchase: Option<OfferKey>, owned: &str, label: &str) -> PlanReport {
    let mut report = plan_fixture::report(purchase);
    let (accounts, month) =
        steady(&report, &plan_fixture::catalog(), held(owned), &SizeRatios::default()).expect("accounts");
    report.showback = Some(ShowbackReport::of(&report, label, IdleBy::Cluster, &month));
    report.accounts = Some(accounts);
    report
}

/// Everything by rows, for sums.
fn rows(report: &PlanReport) -> Vec<BTreeMap<String, String>> {
    let bytes = focus::render(report, None).expect("it renders");
    let mut reader = ::csv::Reader::from_reader(bytes.as_slice());
    reader.deserialize().collect::<Result<_, _>>().expect("rows of equal length")
}

#[test]
fn a_plan_without_owned_commitments_is_as_its_purchase_option_says() {
    let report = accounted(Some(PARTIAL), "", "team");
    let accounts = report.accounts.as_ref().expect("accounts");
    let option = report.purchase_options.iter().find(|o| o.selected).expect("one is selected");
    assert_eq!(accounts.spans[0].billed, option.billed_first_year);
    assert_eq!(accounts.spans[0].effective, option.effective_year);
    assert_eq!(accounts.spans[0].effective_savings_rate, option.saving);
    // August has 744 hours: 1,576.8 at the start, then 0.18 + 0.18 an hour: 1,576.8 + 0.36 x 744.
    assert_eq!(accounts.months[0].month, "2026-08");
    assert_eq!(accounts.months[0].billed.money(), money("1844.64"));
    assert_eq!(accounts.months[0].effective.money(), money("401.76"), "(0.36 + 0.18) x 744");
    assert_eq!(accounts.months[0].prepaid_closing, money("1442.88"), "1,576.8 less 0.18 x 744");
    assert_eq!(accounts.months[12].upfront.money(), money("1576.8"), "bought again");
    // 1,576.8 are paid back by 0.42 an hour: (0.6 - 0.18) x 24 h x 156.4 days, in January.
    assert_eq!(accounts.break_even_month, Some(6));
    assert_eq!(accounts.held.len(), 6, "two commitments, three times");
    assert!(accounts.held.iter().all(|row| row.unused == EffectiveCost::ZERO));
}

#[test]
fn what_is_owned_comes_first_and_its_waste_is_shown() {
    let report = accounted(Some(PARTIAL), OWNED, "team");
    let accounts = report.accounts.as_ref().expect("accounts");
    let old = &accounts.held[0];
    assert_eq!((old.id.as_str(), old.status.as_str()), ("old", "Owned"));
    // 2026-01-30 is 183 days before the plan; 182 of its 365 are left: 4,368 h x 3 x 0.0588.
    assert_eq!((old.start_hour, old.end_hour), (-183 * 24, 182 * 24));
    assert_eq!(old.prepaid_opening, money("770.5152"));
    assert_eq!(old.effective.money(), money("770.5152"));
    assert_eq!(old.unused.money(), money("256.8384"), "one of three covers nothing");
    assert_eq!(old.utilization.map(|u| u.percent(1)), Some("66.7".to_owned()));
    // Only the m5.xlarge are proposed: the m5.large are covered.
    let proposed: Vec<&str> = accounts.proposed().map(|row| row.covers.as_str()).collect();
    assert_eq!(proposed, ["m5.xlarge"; 3]);
    // What is proposed beside them is not what a way to pay would buy for the whole fleet under its id.
    let ids: Vec<&str> = accounts.proposed().map(|row| row.id.as_str()).collect();
    assert_eq!(ids, ["new-ri-0001", "new-ri-0001-2", "new-ri-0001-3"]);
    assert!(report.commitments.iter().all(|row| !ids.contains(&row.commitment.as_str())));
    assert_eq!(accounts.months[0].billed.money(), money("1274.4"), "1,051.2 + (0.12 + 0.18) x 744");
}

#[test]
fn charges_sum_to_the_months() {
    for owned in ["", OWNED] {
        let report = accounted(Some(PARTIAL), owned, "team");
        let accounts = report.accounts.as_ref().expect("accounts");
        for (index, month) in accounts.months.iter().enumerate() {
            let of_month = || accounts.charges.iter().filter(|c| c.month == index as u64);
            assert_eq!(of_month().map(|c| c.billed).sum::<BilledCost>(), month.billed);
            let usage = of_month().filter(|c| !matches!(c.kind, ChargeKind::Upfront | ChargeKind::Recurring));
            assert_eq!(usage.map(|c| c.effective).sum::<EffectiveCost>(), month.effective);
        }
    }
}

#[test]
fn focus_rows_of_accounts_keep_every_invariant() {
    for (purchase, owned) in [(Some(PARTIAL), ""), (Some(PARTIAL), OWNED), (None, OWNED)] {
        let report = accounted(purchase, owned, "team");
        let findings = lint::lint(&focus::render(&report, None).expect("it renders"));
        assert_eq!(findings.iter().map(ToString::to_string).collect::<Vec<_>>(), Vec::<String>::new());
        let accounts = report.accounts.as_ref().expect("accounts");
        let sum = |column: &str| -> Money {
            rows(&report).iter().map(|row| row[column].parse::<Money>().expect("a decimal")).sum()
        };
        assert_eq!(sum("BilledCost"), accounts.spans[1].billed.money(), "cash");
        assert_eq!(sum("EffectiveCost"), accounts.spans[1].effective.money(), "accrual");
        assert_eq!(sum("x_OnDemandEquivalentCost"), accounts.spans[1].list.money());
    }
}

/// Per commitment over its term: effective cost of usage = billed cost of purchases, for proposals
/// without any balance; used + unused = usage.
#[test]
fn every_proposal_has_its_whole_term_in_the_file() {
    let report = accounted(Some(PARTIAL), OWNED, "team");
    let mut sums: BTreeMap<String, (Money, Money)> = BTreeMap::new();
    for row in rows(&report).iter().filter(|row| row["CommitmentDiscountId"].contains(":new-ri-")) {
        assert_ne!(row["ChargeCategory"], "Adjustment");
        let sum = sums.entry(row["CommitmentDiscountId"].clone()).or_default();
        sum.0 = sum.0 + row["BilledCost"].parse().expect("a decimal");
        sum.1 = sum.1 + row["EffectiveCost"].parse().expect("a decimal");
    }
    assert_eq!(sums.len(), 3);
    assert!(sums.values().all(|(billed, effective)| billed == effective && *billed == money("2102.4")));
}

#[test]
fn a_broken_balance_is_found() {
    let mut report = accounted(None, OWNED, "team");
    let accounts = report.accounts.as_mut().expect("accounts");
    accounts.held[0].prepaid_opening = money("1");
    let findings = lint::lint(&focus::render(&report, None).expect("it renders"));
    assert!(findings.iter().any(|f| f.rule == "F411"), "{findings:?}");
}

#[test]
fn proposed_commitments_are_contract_commitments() {
    let report = accounted(Some(PARTIAL), OWNED, "team");
    let bytes = contracts::render(&report, None).expect("it renders");
    let mut reader = ::csv::Reader::from_reader(bytes.as_slice());
    assert_eq!(reader.headers().expect("a header"), contracts::COLUMNS.as_slice());
    let rows: Vec<BTreeMap<String, String>> = reader.deserialize().collect::<Result<_, _>>().expect("rows");
    assert_eq!(rows.len(), 3, "proposals, not what is owned");
    let first = &rows[0];
    let cell = |name: &str| first[name].as_str();
    assert_eq!(cell("ContractCommitmentLifecycleStatus"), "Proposed");
    // Two m5.xlarge for a year at 0.12: half at the start.
    assert_eq!(cell("ContractCommitmentCost"), "2102.4");
    assert_eq!(cell("ContractCommitmentPaymentUpfrontPercentage"), "0.5");
    assert_eq!(cell("ContractCommitmentDiscountPercentage"), "0.4");
    assert_eq!(cell("ContractCommitmentQuantity"), "17520.0");
    assert_eq!(cell("ContractCommitmentPeriodStart"), "2026-08-01T00:00:00Z");
    assert_eq!(cell("ContractCommitmentPeriodEnd"), "2027-08-01T00:00:00Z");
    assert_eq!(cell("ContractCommitmentPaymentModel"), "Partial Upfront");
    // The same ids as in the cost and usage rows.
    let ids: Vec<String> =
        self::rows(&report).into_iter().map(|row| row["CommitmentDiscountId"].clone()).collect();
    assert!(rows.iter().all(|row| ids.contains(&row["ContractCommitmentId"])));
    let bare = plan_fixture::report(Some(PARTIAL));
    assert!(contracts::render(&bare, None).is_err(), "a plan without accounts");
}

#[test]
fn a_showback_has_every_owner_and_every_residual() {
    let report = accounted(Some(PARTIAL), OWNED, "team");
    let showback = report.showback.as_ref().expect("a showback");
    let cost = |line: ShowbackLine, owner: Option<&str>| {
        let row = showback.rows.iter().find(|r| r.line == line && r.owner.as_deref() == owner);
        row.map(|r| r.direct.money()).expect("a row")
    };
    // m5: 2 x 0.12 proposed, 3 x 0.0588 owned of which one is unused; c8x 2 x 0.09; 730 hours.
    let total = cost(ShowbackLine::Total, None);
    assert_eq!(total, money("435.372"), "(0.24 + 0.1764 + 0.18) x 730");
    assert_eq!(cost(ShowbackLine::UnusedCommitment, None), money("42.924"), "0.0588 x 730");
    let lines: Money =
        showback.rows.iter().filter(|r| r.line != ShowbackLine::Total).map(|r| r.direct.money()).sum();
    assert_eq!(lines, total);
    assert!(cost(ShowbackLine::Owner, Some("storefront")) > cost(ShowbackLine::Owner, Some("-data")));
    assert!(cost(ShowbackLine::SystemReserved, None) > Money::ZERO);
    assert!(cost(ShowbackLine::DaemonSets, None) > Money::ZERO);
    assert_eq!(cost(ShowbackLine::Headroom, None), Money::ZERO);
    assert!(cost(ShowbackLine::Idle, None) > Money::ZERO);
    let none = accounted(Some(PARTIAL), "", "squad");
    let owners: Vec<&str> =
        none.showback.as_ref().expect("one").rows.iter().filter_map(|r| r.owner.as_deref()).collect();
    assert_eq!(owners, ["__unallocated__"]);
}

#[test]
fn every_format_renders_accounts_and_json_keeps_them() {
    let report = accounted(Some(PARTIAL), OWNED, "team");
    let json = render(&report, Format::Json, &RenderOptions::default()).expect("it renders");
    let again: PlanReport = serde_json::from_slice(&json).expect("it reads back");
    assert_eq!(again, report);
    insta::assert_snapshot!("accounts_table", {
        let table = render(&report, Format::Table, &RenderOptions::default()).expect("it renders");
        let text = String::from_utf8(table).expect("UTF-8");
        text[text.find("Commitments held").expect("the section")..].to_owned()
    });
    for table in ["held", "cash-flow", "charges", "showback"] {
        let bytes = csv::render(&report, table.parse().expect("a table"));
        assert!(String::from_utf8(bytes).expect("UTF-8").lines().count() > 3, "{table}");
    }
}

#[test]
fn what_the_catalog_does_not_know_is_told_where_it_stands() {
    let text = "owned:\n- {offer: reserved-standard/1y/no-upfront, type: m9.large, start: 2026-01-01}\n\
                - {offer: compute-savings-plan/1y/no-upfront, hourly: 1, start: 2026-01-01}\n\
                - {offer: reserved-standard/3y/no-upfront, type: m5.large, start: 2026-01-01}\n";
    let file = policy_file::parse("p.yaml", text).expect("a policy");
    let day = "2026-08-01".parse().expect("a date");
    let errors = owned::holdings(
        &file.owned.unwrap_or_default(),
        &plan_fixture::catalog(),
        day,
        &SizeRatios::default(),
    )
    .unwrap_err();
    let places: Vec<&str> = errors.iter().map(|error| error.place()).collect();
    assert_eq!(places, ["p.yaml:2", "p.yaml:3", "p.yaml:4"]);
    assert!(errors[2].to_string().contains("state `upfront` and `recurring`"));
    // What ended before the plan is no holding any more, and that is told.
    let old = "owned:\n- {offer: reserved-standard/1y/no-upfront, type: m5.large, start: 2024-01-01}\n";
    assert_eq!(held(old), []);
    let file = policy_file::parse("p.yaml", old).expect("a policy");
    assert_eq!(
        owned::ended(&file.owned.unwrap_or_default(), day),
        [
            "the owned commitment owned-ri-0001 (reserved-standard/1y/no-upfront) ended 2024-12-31, before the \
          plan's first day: it counts for nothing"
        ]
    );
}

/// Half of a price is no price: what is left out is the catalog's, and nothing only where the way of paying
/// says so.
#[test]
fn what_is_not_stated_of_a_price_is_not_nothing() {
    let owned = |payment: &str, stated: &str| {
        held(&format!(
            "owned:\n- {{offer: reserved-standard/1y/{payment}, type: m5.large, start: 2026-02-01, {stated}}}\n"
        ))
        .remove(0)
    };
    let catalog = owned("partial-upfront", "quantity: 1");
    assert!(catalog.recurring > plimsoll::units::Rate::ZERO);
    let stated = owned("partial-upfront", "upfront: 300");
    assert_eq!((stated.upfront, stated.recurring), (money("300"), catalog.recurring));
    let stated = owned("partial-upfront", "recurring: 0.01");
    assert_eq!((stated.upfront, stated.recurring.nanos()), (catalog.upfront, 10_000_000));
    assert_eq!(owned("no-upfront", "recurring: 0.01").upfront, Money::ZERO);
}

/// Nobody says in which zone the plan's nodes stand: those who own capacity in one run them there.
#[test]
fn a_reservation_in_a_zone_covers_nodes_that_may_stand_there() {
    let zonal =
        "owned:\n- {offer: reserved-standard/1y/no-upfront, type: m5.large, zone: ZONE, start: 2026-02-01}\n";
    let report = accounted(None, &zonal.replace("ZONE", "us-east-1a"), "team");
    let accounts = report.accounts.as_ref().expect("accounts");
    let row = accounts.owned().next().expect("it is held");
    assert_eq!((row.unused, row.utilization), (EffectiveCost::ZERO, Some(plimsoll::bill::Ratio::ONE)));
    let file = policy_file::parse("p.yaml", &zonal.replace("ZONE", "eu-west-1a")).expect("a policy");
    let day = "2026-08-01".parse().expect("a date");
    let owned = file.owned.unwrap_or_default();
    let errors = owned::holdings(&owned, &plan_fixture::catalog(), day, &SizeRatios::default()).unwrap_err();
    assert_eq!(errors[0].to_string(), "zone `eu-west-1a` is none of the catalog's region us-east-1");
}

/// Two shifts under a discount and an owned reservation, planned and committed by the program.
///
/// A pod fills a node. m5.large costs 0.1 by the list and 0.08 by contract, reserved 0.06 and 0.048, half
/// of it at the start.
mod committed {
    use super::*;

    use assert_cmd::Command;
    use plimsoll::report::json;
    use plimsoll::report::view::PurchaseStep;

    const CATALOG: &str = "\
format: plimsoll-catalog/1
provider: aws
region: us-east-1
currency: USD
price_date: 2026-11
types: |
  name,family,vcpu,memory_mib,arch,on_demand,max_pods,spot,reserved-standard/1y/partial-upfront
  m5.large,m5,2,8192,amd64,0.1,29,0.03,0.06
";
    const POLICY: &str = "\
discounts:
- {name: EDP, percent: 20%, families: [m5], on: [on-demand, reserved-standard]}
clusterFee: 0.1
owned:
- {id: old, offer: reserved-standard/1y/partial-upfront, type: m5.large, start: 2026-02-01, upfront: 262.8, recurring: 0.02}
";

    /// What `plan --commit` prints for the two shifts, with more options.
    fn plan(policy: &str, more: &[&str]) -> PlanReport {
        let workloads = concat!(env!("CARGO_MANIFEST_DIR"), "/workloads/two-shifts.yaml");
        run(policy, &[&[workloads, "--commit"], more].concat())
    }

    fn run(policy: &str, more: &[&str]) -> PlanReport {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("ours.yaml"), CATALOG).expect("written");
        std::fs::write(folder.path().join("policy.yaml"), policy).expect("written");
        std::fs::write(folder.path().join("pods.csv"), "name,replicas,cpu,memory\nweb,4,1500m,5Gi\n")
            .expect("written");
        let output = Command::cargo_bin("plimsoll")
            .expect("the binary")
            .current_dir(folder.path())
            .args(["plan", "--catalog", "ours.yaml", "--policy", "policy.yaml", "--all-types"])
            .args(["--effort", "quick", "--baselines", "none", "--replay", "none"])
            .args(["--as-of", "2026-08-01", "--showback", "team", "-f", "json"])
            .args(more)
            .assert()
            .success();
        json::parse(&output.get_output().stdout).expect("a plan")
    }

    fn sum<'a>(rows: impl IntoIterator<Item = &'a BTreeMap<String, String>>, column: &str) -> Money {
        rows.into_iter().map(|row| row[column].parse::<Money>().expect("a decimal")).sum()
    }

    /// Table, accounts, FOCUS rows and showback are of the same holdings, to the nano-dollar.
    #[test]
    fn everything_is_of_the_purchases_that_were_chosen() {
        let report = plan(POLICY, &[]);
        let purchases = report.purchases.as_ref().expect("purchases");
        let chosen: Vec<&PurchaseStep> = purchases.steps.iter().filter(|step| step.chosen).collect();
        assert_eq!(chosen.len(), 1);
        assert_eq!(chosen[0].cost, purchases.cost);
        let expected = purchases.scenarios.iter().find(|s| s.name == "expected").expect("the scenario");

        let accounts = report.accounts.as_ref().expect("accounts without being asked");
        assert_eq!(accounts.scenario.as_deref(), Some("expected"));
        assert_eq!((accounts.months.len(), accounts.hours), (36, 26_280));
        assert_eq!(accounts.spans[0].effective, expected.cost, "twelve months are the horizon");
        assert_eq!(accounts.spans[0].list, expected.list);
        let unused: EffectiveCost = accounts.months[..12].iter().map(|month| month.unused).sum();
        assert_eq!(unused, expected.unused);
        assert_eq!(accounts.owned().count(), 1);
        let ids: Vec<&str> = purchases.rows.iter().flat_map(|r| &r.commitments).map(String::as_str).collect();
        let held: Vec<&str> = accounts.proposed().map(|row| row.id.as_str()).collect();
        assert!(!ids.is_empty() && ids.iter().all(|id| held.contains(id)), "{ids:?} {held:?}");
        assert_eq!(held.len(), 3 * ids.len(), "each is bought again twice");
        let upfront: BilledCost =
            accounts.proposed().filter(|row| ids.contains(&row.id.as_str())).map(|row| row.upfront).sum();
        assert_eq!(upfront, purchases.upfront);

        // The showback is of the horizon; the fee of 0.1 an hour comes on top.
        let showback = report.showback.as_ref().expect("a showback");
        assert_eq!(showback.hours, 8_760);
        let line = |line: ShowbackLine| showback.rows.iter().find(|r| r.line == line).expect("it is there");
        let fee = EffectiveCost::new(money("876"));
        assert_eq!(line(ShowbackLine::Total).direct, expected.cost + fee);
        assert_eq!(line(ShowbackLine::Overhead).direct, fee);
        assert_eq!(line(ShowbackLine::UnusedCommitment).direct, unused);
        let owner =
            |name: &str| showback.rows.iter().find(|r| r.owner.as_deref() == Some(name)).expect("an owner");
        // 24,... hours of two pods against two by night and four by day: 2 : 3.
        assert_eq!(
            owner("data").direct.money().ratio_to(owner("shop").direct.money()).map(|r| (r * 1e6).round()),
            Some(666_667.0)
        );

        let bytes = focus::render(&report, None).expect("it renders");
        assert_eq!(
            lint::lint(&bytes).iter().map(ToString::to_string).collect::<Vec<_>>(),
            Vec::<String>::new()
        );
        let rows = rows(&report);
        assert_eq!(sum(&rows, "BilledCost"), accounts.spans[1].billed.money());
        assert_eq!(sum(&rows, "EffectiveCost"), accounts.spans[1].effective.money());
        assert!(rows.iter().all(|row| row["x_PurchaseOption"] == "commitment-plan"));
        let usage = || rows.iter().filter(|r| r["ChargeCategory"] == "Usage");
        let used = || usage().filter(|r| r["CommitmentDiscountStatus"] != "Unused");
        assert_eq!(sum(used(), "ContractedCost"), accounts.spans[1].list.money(), "at contracted rates");
        // 0.1 for 0.08.
        let contracted = sum(used(), "ContractedCost");
        assert_eq!(sum(used(), "ListCost"), contracted + Money::from_nanos(contracted.nanos() / 4));
        for id in ids {
            let id = format!("plan:{}:{id}", report.scenario.id);
            let of = |r: &&BTreeMap<String, String>| r["CommitmentDiscountId"] == id;
            let bought: Vec<_> =
                rows.iter().filter(of).filter(|r| r["ChargeCategory"] == "Purchase").collect();
            assert_eq!(sum(bought.iter().copied(), "BilledCost"), sum(usage().filter(of), "EffectiveCost"));
            assert!(bought.len() > 12, "upfront, and every month");
            for row in bought {
                let of = |column: &str| row[column].parse::<Money>().expect("a decimal");
                assert_eq!(of("ContractedCost"), of("BilledCost"));
                // 0.06 by the list, 0.048 by contract.
                assert_eq!(of("ListCost").nanos() * 4, of("ContractedCost").nanos() * 5);
            }
        }
        let contracts = contracts::render(&report, None).expect("it renders");
        let mut reader = ::csv::Reader::from_reader(contracts.as_slice());
        assert_eq!(reader.records().count(), held.len(), "every proposal is a contract commitment");
        // Every format keeps it.
        for format in [Format::Table, Format::Html, Format::Markdown, Format::Xlsx] {
            render(&report, format, &RenderOptions::default()).expect("it renders");
        }
    }

    /// Four pods fill a node each, two of them may lie on spot nodes: 0.2 and 0.06 an hour, of which the
    /// two on demand are reserved at 0.06 each.
    #[test]
    fn spot_nodes_cost_the_spot_rate_and_are_never_covered() {
        let report = run("owned: []\n", &["pods.csv", "--spot", "50%", "--accounts"]);
        let accounts = report.accounts.as_ref().expect("accounts");
        assert_eq!(accounts.spans[0].effective.money(), money("1576.8"), "(2 x 0.06 + 2 x 0.03) x 8,760");
        assert_eq!(accounts.spans[0].list.money(), money("2277.6"), "(2 x 0.1 + 2 x 0.03) x 8,760");
        assert!(accounts.held.iter().all(|row| row.quantity == 2 && row.unused == EffectiveCost::ZERO));
        let spot = accounts.charges.iter().filter(|c| c.kind == ChargeKind::Spot);
        assert_eq!(spot.map(|c| c.billed).sum::<BilledCost>().money(), money("1576.8"), "0.06 x 26,280");
        let showback = report.showback.as_ref().expect("a showback");
        let total = showback.rows.iter().find(|r| r.line == ShowbackLine::Total).expect("the bill");
        assert_eq!(total.direct.money(), money("131.4"), "0.18 x 730");
        let bytes = focus::render(&report, None).expect("it renders");
        assert_eq!(lint::lint(&bytes), []);
        let rows = rows(&report);
        let dynamic = || rows.iter().filter(|row| row["PricingCategory"] == "Dynamic");
        assert_eq!(sum(dynamic(), "EffectiveCost"), money("1576.8"));
        assert!(
            dynamic().all(|row| row["ListUnitPrice"] == "0.03" && row["CommitmentDiscountId"].is_empty())
        );
    }

    /// The page shows what the program prints.
    #[test]
    fn the_page_on_commitments_shows_what_is_printed() {
        let output = Command::cargo_bin("plimsoll")
            .expect("the binary")
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("TERM", "dumb")
            .args(["plan", "workloads/two-shifts.yaml", "--family", "m6i", "--max-vcpu", "2"])
            .args(["--effort", "quick", "--baselines", "none", "--commit", "--as-of", "2026-08-01"])
            .args(["--showback", "team"])
            .assert()
            .success();
        let printed = String::from_utf8(output.get_output().stdout.clone()).expect("text");
        let page = include_str!("../docs/commitments.md");
        for (from, until) in [
            ("If demand turns out otherwise", "Ways to pay for these nodes"),
            ("Cash and accrual", "How good is this plan"),
        ] {
            let start = printed.find(from).expect("the section");
            let end = printed.find(until).expect("the next section");
            let shown = printed[start..end].trim_end();
            assert!(page.contains(shown), "docs/commitments.md should show:\n{shown}");
        }
    }

    /// Nobody who reads one format alone takes an estimate for a price.
    #[test]
    fn an_estimate_is_marked_wherever_it_is_printed() {
        let workloads = concat!(env!("CARGO_MANIFEST_DIR"), "/workloads/two-shifts.yaml");
        let output = Command::cargo_bin("plimsoll")
            .expect("the binary")
            .args(["plan", workloads, "--family", "m6i", "--max-vcpu", "2", "--effort", "quick"])
            .args(["--baselines", "none", "--replay", "none", "--as-of", "2026-08-01", "-f", "json"])
            .args(["--commit", "--estimate-compute-savings-plans", "--commit-kind", "compute-savings-plan"])
            .assert()
            .success();
        let report = json::parse(&output.get_output().stdout).expect("a plan");
        let accounts = report.accounts.as_ref().expect("accounts");
        assert!(accounts.held.iter().all(|row| row.commitment_type == "Compute Savings Plan (estimate)"));
        let rows = rows(&report);
        let of_plan: Vec<_> = rows.iter().filter(|row| !row["CommitmentDiscountId"].is_empty()).collect();
        assert!(!of_plan.is_empty());
        for row in of_plan {
            assert!(row["CommitmentDiscountName"].contains("(estimate)"), "{row:?}");
            assert_eq!(row["x_Provenance"], "estimate");
        }
        let on_demand = rows.iter().filter(|row| row["CommitmentDiscountId"].is_empty());
        assert!(on_demand.clone().count() > 0 && on_demand.clone().all(|row| row["x_Provenance"].is_empty()));
        let contracts = contracts::render(&report, None).expect("it renders");
        for row in ::csv::Reader::from_reader(contracts.as_slice()).deserialize() {
            let row: BTreeMap<String, String> = row.expect("a row");
            assert!(row["ContractCommitmentDescription"].contains("(estimate)"), "{row:?}");
        }
    }

    /// In tranches and without buying again, what is held at the end goes on until it ends.
    #[test]
    fn tranches_and_no_renewal_keep_the_invariants() {
        for more in [&["--ladder", "3"][..], &["--no-renew"][..]] {
            let report = plan("owned: []\n", more);
            let accounts = report.accounts.as_ref().expect("accounts");
            let findings = lint::lint(&focus::render(&report, None).expect("it renders"));
            assert_eq!(findings.iter().map(ToString::to_string).collect::<Vec<_>>(), Vec::<String>::new());
            let ids: usize =
                report.purchases.as_ref().expect("purchases").rows.iter().map(|r| r.commitments.len()).sum();
            let times = if more.len() == 1 { 1 } else { 3 };
            assert_eq!(accounts.proposed().count(), times * ids);
            let contracts = contracts::render(&report, None).expect("it renders");
            for row in ::csv::Reader::from_reader(contracts.as_slice()).deserialize() {
                let row: BTreeMap<String, String> = row.expect("a row");
                assert!(row["ContractCommitmentPeriodEnd"] <= row["ContractPeriodEnd"], "{row:?}");
            }
            let last = accounts.months.last().expect("a month");
            assert_eq!(last.upfront > BilledCost::ZERO || last.recurring > BilledCost::ZERO, times == 3);
        }
    }
}
