//! FOCUS rows hold their invariants, and the linter finds every way in which they could be broken.

mod plan_fixture;

use std::collections::{BTreeMap, BTreeSet};

use plimsoll::bill::OfferKey;
use plimsoll::catalog::{OfferKind, Payment, Term};
use plimsoll::report::focus::{FocusError, lint, render};
use plimsoll::report::view::PlanReport;
use plimsoll::units::{Money, Rate};

fn offer(kind: OfferKind, payment: Payment) -> OfferKey {
    OfferKey { kind, term: Term::OneYear, payment }
}

/// Partial upfront: upfront fee, monthly fee, covered nodes, and two nodes that stay on demand.
fn partial() -> PlanReport {
    plan_fixture::report(Some(offer(OfferKind::ReservedStandard, Payment::PartialUpfront)))
}

/// As above, but a third of the m5.large is bought in vain.
fn wasteful() -> PlanReport {
    let mut report = partial();
    for row in &mut report.commitments {
        if row.instance_type == "m5.large" {
            row.quantity = 3;
        }
    }
    report
}

fn on_demand() -> PlanReport {
    let mut report = partial();
    for row in &mut report.purchase_options {
        row.selected = row.option == "on-demand";
    }
    for row in &mut report.nodes {
        row.commitment = None;
        row.as_used_rate = row.list_rate;
    }
    report
}

fn rows(report: &PlanReport) -> Vec<BTreeMap<String, String>> {
    let bytes = render(report, None).expect("it renders");
    let mut reader = ::csv::Reader::from_reader(bytes.as_slice());
    reader.deserialize().collect::<Result<_, _>>().expect("rows of equal length")
}

fn sum<'a>(rows: impl IntoIterator<Item = &'a BTreeMap<String, String>>, column: &str) -> Money {
    rows.into_iter().map(|row| row[column].parse::<Money>().expect("a decimal")).sum()
}

fn money(text: &str) -> Money {
    text.parse().expect("a decimal")
}

#[test]
fn our_own_rows_pass() {
    let mut reports = vec![partial(), wasteful(), on_demand()];
    for payment in [Payment::NoUpfront, Payment::AllUpfront] {
        reports.push(plan_fixture::report(Some(offer(OfferKind::ReservedStandard, payment))));
    }
    reports.push(plan_fixture::report(Some(offer(OfferKind::InstanceSavingsPlan, Payment::NoUpfront))));
    reports.push(plan_fixture::large(40));
    for report in reports {
        for start in ["2026-08-01", "2027-03-15", "2024-02-29"] {
            let bytes = render(&report, Some(start)).expect("it renders");
            assert_eq!(lint(&bytes), [], "{start}");
        }
    }
}

/// A year of 0.78 an hour is 6,832.80, billed and effective alike.
#[test]
fn on_demand_cash_is_accrual() {
    let rows = rows(&on_demand());
    assert_eq!(rows.len(), 6 * 12);
    assert_eq!(sum(&rows, "BilledCost"), money("6832.8"));
    assert_eq!(sum(&rows, "EffectiveCost"), money("6832.8"));
    assert_eq!(sum(&rows, "ListCost"), money("6832.8"));
    assert!(rows.iter().all(|row| row["InvoiceId"].is_empty() && row["x_RecordType"] == "Plan"));
}

/// Partial upfront: 0.36 of 0.78 an hour is committed, half of it paid at the start: 1,576.80. Over
/// the term cash and accrual are both 0.54 x 8,760 = 4,730.40; in the first month they are not.
#[test]
fn cash_and_accrual_meet_over_the_term() {
    let rows = rows(&partial());
    assert_eq!(sum(&rows, "BilledCost"), money("4730.4"));
    assert_eq!(sum(&rows, "EffectiveCost"), money("4730.4"));
    assert_eq!(sum(&rows, "x_OnDemandEquivalentCost"), money("6832.8"));
    let first = || rows.iter().filter(|row| row["BillingPeriodStart"] == "2026-08-01T00:00:00Z");
    // August has 744 hours: 1,576.80 + (0.18 + 0.18) x 744 against 0.54 x 744.
    assert_eq!(sum(first(), "BilledCost"), money("1844.64"));
    assert_eq!(sum(first(), "EffectiveCost"), money("401.76"));
    let upfront: Vec<_> = rows.iter().filter(|row| row["ChargeFrequency"] == "One-Time").collect();
    assert_eq!(upfront.len(), 2, "one for each reserved type");
    assert_eq!(sum(upfront.iter().copied(), "BilledCost"), money("1576.8"));
    assert!(upfront.iter().all(|row| row["ChargePeriodEnd"] == "2027-08-01T00:00:00Z"));
}

/// FOCUS-75 in units: two of three m5.large are used, so a third of each month is unused.
#[test]
fn what_no_node_uses_is_an_unused_row() {
    let rows = rows(&wasteful());
    let unused: Vec<_> = rows.iter().filter(|row| row["CommitmentDiscountStatus"] == "Unused").collect();
    assert_eq!(unused.len(), 12);
    assert_eq!(sum(unused.iter().copied(), "EffectiveCost"), money("525.6"), "0.06 x 8,760");
    for row in &unused {
        assert_eq!(row["ResourceId"], row["CommitmentDiscountId"]);
        assert_eq!((row["ConsumedQuantity"].as_str(), row["BilledCost"].as_str()), ("", "0.0"));
        assert_eq!(row["x_OnDemandEquivalentCost"], "0.0", "it replaces nothing");
    }
}

/// Three-year terms with an effective rate that no decimal holds: parts still sum to the fee.
#[test]
fn fees_that_do_not_divide_are_split_without_loss() {
    let mut report = partial();
    for row in &mut report.commitments {
        row.upfront_each = money("100.000000001");
        row.recurring_rate = Rate::ZERO;
    }
    let rows = rows(&report);
    let covered = rows.iter().filter(|row| row["CommitmentDiscountStatus"] == "Used");
    assert_eq!(sum(covered, "EffectiveCost"), money("400.000000004"));
    assert_eq!(lint(&render(&report, None).unwrap()), []);
}

#[test]
fn a_savings_plan_is_counted_in_money() {
    let report = plan_fixture::report(Some(offer(OfferKind::InstanceSavingsPlan, Payment::NoUpfront)));
    let rows = rows(&report);
    let ids: BTreeSet<_> = rows.iter().map(|row| row["CommitmentDiscountId"].as_str()).collect();
    assert_eq!(ids.into_iter().collect::<Vec<_>>(), ["", "plan:0123456789ab:sp-0001"]);
    for row in rows.iter().filter(|row| !row["CommitmentDiscountId"].is_empty()) {
        assert_eq!(row["CommitmentDiscountUnit"], "USD");
        let amount = if row["ChargeCategory"] == "Purchase" { "BilledCost" } else { "EffectiveCost" };
        assert_eq!(row["CommitmentDiscountQuantity"], row[amount]);
    }
}

#[test]
fn surplus_credits_are_rows_of_their_own() {
    let mut report = partial();
    let node = report.nodes.iter_mut().find(|n| n.instance_type == "m5.large").unwrap();
    node.surplus_rate = "0.01".parse().unwrap();
    node.list_rate = "0.11".parse().unwrap();
    node.as_used_rate = "0.01".parse().unwrap();
    assert_eq!(lint(&render(&report, None).unwrap()), []);
    let rows = rows(&report);
    let credits = rows.iter().filter(|row| row["SkuMeter"] == "CPU Credits");
    assert_eq!(sum(credits, "BilledCost"), money("175.2"), "2 x 0.01 x 8,760");
}

/// What no commitment covers is in the bill of covered nodes too.
#[test]
fn costs_beside_instances_are_rows_of_their_own() {
    let mut report = partial();
    let before = sum(&rows(&report), "EffectiveCost");
    let node = report.nodes.iter_mut().find(|n| n.instance_type == "m5.large").unwrap();
    assert!(node.commitment.is_some());
    node.node_costs_rate = "0.02".parse().unwrap();
    node.list_rate = "0.12".parse().unwrap();
    node.as_used_rate = "0.02".parse().unwrap();
    assert_eq!(lint(&render(&report, None).unwrap()), []);
    // A plan that was saved before rates told them apart.
    let older = {
        let mut older = report.clone();
        older.nodes.iter_mut().for_each(|node| node.node_costs_rate = Rate::ZERO);
        rows(&older)
    };
    let rows = rows(&report);
    assert_eq!(rows, older);
    let beside: Vec<_> = rows.iter().filter(|row| row["SkuMeter"] == "Costs Beside Instances").collect();
    assert_eq!(sum(beside.iter().copied(), "BilledCost"), money("350.4"), "2 x 0.02 x 8,760");
    assert_eq!(sum(&rows, "EffectiveCost"), before + money("350.4"));
}

#[test]
fn without_a_first_day_there_are_no_rows() {
    let mut report = partial();
    report.scenario.start = None;
    assert_eq!(render(&report, None), Err(FocusError::NoStart));
    assert!(matches!(render(&report, Some("soon")), Err(FocusError::Calendar(_))));
    assert!(render(&report, Some("2026-08-01")).is_ok());
}

#[test]
fn names_that_a_spreadsheet_would_run_are_refused() {
    let mut report = partial();
    report.scenario.name = "=cmd()".to_owned();
    let error = render(&report, None).unwrap_err().to_string();
    assert_eq!(error, "x_ScenarioName: `=cmd()` starts like a spreadsheet formula; give it another name");
}

#[test]
fn a_report_that_contradicts_itself_is_refused() {
    let mut report = partial();
    report.commitments.retain(|row| row.instance_type != "m5.large");
    assert!(matches!(render(&report, None), Err(FocusError::Inconsistent(_))));
    let mut report = partial();
    report.nodes.pop();
    report.nodes[0].nodes += 1;
    assert!(matches!(render(&report, None), Err(FocusError::Inconsistent(_))));
}

/// One way to break a file: the rule that must notice, the row to change, the column, the new text.
type Mutation = (&'static str, fn(&BTreeMap<String, String>) -> bool, &'static str, &'static str);

fn covered(row: &BTreeMap<String, String>) -> bool {
    row["CommitmentDiscountStatus"] == "Used"
}
fn unused(row: &BTreeMap<String, String>) -> bool {
    row["CommitmentDiscountStatus"] == "Unused"
}
fn upfront(row: &BTreeMap<String, String>) -> bool {
    row["ChargeFrequency"] == "One-Time"
}
fn recurring(row: &BTreeMap<String, String>) -> bool {
    row["ChargeFrequency"] == "Recurring"
}
fn paid(row: &BTreeMap<String, String>) -> bool {
    row["PricingCategory"] == "Standard" && row["ChargeCategory"] == "Usage"
}
fn any(_: &BTreeMap<String, String>) -> bool {
    true
}

const MUTATIONS: [Mutation; 71] = [
    ("F201", any, "BilledCost", ""),
    ("F201", any, "ProviderName", ""),
    ("F201", any, "ChargeFrequency", ""),
    ("F202", any, "InvoiceId", "null"),
    ("F202", any, "AvailabilityZone", "N/A"),
    ("F203", any, "ChargeDescription", "=1+1"),
    ("F203", any, "BillingAccountName", "@me"),
    ("F204", any, "ChargeCategory", "usage"),
    ("F204", any, "ServiceCategory", "Computing"),
    ("F204", any, "ChargeFrequency", "Monthly"),
    ("F204", any, "PricingCategory", "Reserved"),
    ("F205", paid, "PricingQuantity", "744"),
    ("F205", any, "BilledCost", "1,000.0"),
    ("F205", any, "EffectiveCost", "+1.0"),
    ("F205", any, "ListCost", "$5.0"),
    ("F205", any, "ListUnitPrice", "0.1234567891"),
    ("F206", any, "ChargePeriodStart", "2026-08-01"),
    ("F206", any, "ChargePeriodEnd", "2026-09-01T00:00:00"),
    ("F206", any, "BillingPeriodStart", "2026-13-01T00:00:00Z"),
    ("F206", any, "BillingPeriodEnd", "2026-09-01T00:00:00+00:00"),
    ("F207", any, "Tags", "[1]"),
    ("F207", any, "Tags", "{\"a\":{\"b\":1}}"),
    ("F207", any, "SkuPriceDetails", "{\"a\":1,\"a\":2}"),
    ("F208", any, "BillingCurrency", "Dollars"),
    ("F301", any, "ChargeCategory", "Tax"),
    ("F302", any, "ListUnitPrice", "-1.0"),
    ("F303", any, "ListCost", "0.000000001"),
    ("F303", any, "ContractedCost", "12.5"),
    ("F303", any, "PricingQuantity", "745.5"),
    ("F304", covered, "CommitmentDiscountType", ""),
    ("F304", paid, "CommitmentDiscountCategory", "Usage"),
    ("F304", any, "RegionName", ""),
    ("F304", any, "SkuMeter", ""),
    ("F304", covered, "ConsumedUnit", ""),
    ("F304", any, "ResourceType", ""),
    ("F304", any, "SubAccountName", "me"),
    ("F305", paid, "ResourceName", "plan:0123456789ab:node-000006"),
    ("F306", any, "SkuPriceId", ""),
    ("F306", any, "PricingCategory", ""),
    ("F311", any, "ChargePeriodEnd", "2020-01-01T00:00:00Z"),
    ("F312", any, "BillingPeriodStart", "2026-08-02T00:00:00Z"),
    ("F313", paid, "ChargePeriodEnd", "2030-01-01T00:00:00Z"),
    ("F313", any, "ChargePeriodStart", "2020-01-01T00:00:00Z"),
    ("F321", covered, "ChargeFrequency", "Recurring"),
    ("F322", covered, "CommitmentDiscountStatus", ""),
    ("F323", covered, "CommitmentDiscountQuantity", ""),
    ("F324", unused, "ConsumedQuantity", "744.0"),
    ("F324", covered, "ConsumedQuantity", ""),
    ("F325", covered, "PricingCategory", "Standard"),
    ("F326", covered, "BilledCost", "1.0"),
    ("F327", paid, "EffectiveCost", "0.0"),
    ("F329", unused, "ResourceId", "somebody"),
    ("F331", upfront, "ChargeFrequency", "Usage-Based"),
    ("F332", upfront, "PricingCategory", "Committed"),
    ("F333", recurring, "EffectiveCost", "1.0"),
    ("F328", paid, "ResourceId", ""),
    ("F334", upfront, "ConsumedQuantity", "1.0"),
    ("F335", upfront, "CommitmentDiscountStatus", "Used"),
    ("F336", upfront, "CommitmentDiscountQuantity", ""),
    ("F337", upfront, "ResourceId", "somebody"),
    ("F343", any, "ChargeClass", "Correction"),
    ("F401", any, "x_ScenarioId", "another"),
    ("F401", any, "BillingCurrency", "EUR"),
    ("F403", covered, "CommitmentDiscountUnit", "Normalized Hours"),
    ("F414", recurring, "CommitmentDiscountQuantity", "1.0"),
    ("F341", any, "x_RecordType", "Actual"),
    ("F342", any, "InvoiceId", "INV-1"),
    ("F344", paid, "x_OnDemandEquivalentCost", "0.0"),
    ("F402", any, "x_PlanLineId", "line-0000007"),
    ("F411", covered, "EffectiveCost", "0.000000001"),
    ("F412", upfront, "CommitmentDiscountQuantity", "1.0"),
];

#[test]
fn every_mutation_is_found() {
    let bytes = render(&wasteful(), None).unwrap();
    let mut reader = ::csv::Reader::from_reader(bytes.as_slice());
    let header = reader.headers().unwrap().clone();
    let records: Vec<::csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
    let rows = rows(&wasteful());
    for (rule, wanted, column, value) in MUTATIONS {
        let index = header.iter().position(|name| name == column).expect("a column");
        // Not the first such row: what differs from the rows before needs some before it.
        let victim = rows.iter().enumerate().filter(|(_, row)| wanted(row)).map(|(i, _)| i).nth(1).unwrap();
        assert_ne!(&records[victim][index], value, "{rule} {column} changes nothing");
        let mut changed = records.clone();
        changed[victim] = records[victim]
            .iter()
            .enumerate()
            .map(|(i, cell)| if i == index { value } else { cell })
            .collect();
        let findings = lint(&write(&header, &changed));
        assert!(findings.iter().any(|f| f.rule == rule), "{rule} {column}={value}: {findings:?}");
    }
}

fn write(header: &::csv::StringRecord, records: &[::csv::StringRecord]) -> Vec<u8> {
    let mut writer = ::csv::WriterBuilder::new().terminator(::csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(header).expect("rows of equal length");
    for record in records {
        writer.write_record(record).expect("rows of equal length");
    }
    writer.into_inner().expect("rows of equal length")
}

/// Every row that is dropped or doubled is missed somewhere.
#[test]
fn rows_of_a_commitment_cannot_go_missing() {
    let bytes = render(&wasteful(), None).unwrap();
    let mut reader = ::csv::Reader::from_reader(bytes.as_slice());
    let header = reader.headers().unwrap().clone();
    let records: Vec<::csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
    let id = header.iter().position(|name| name == "CommitmentDiscountId").unwrap();
    for victim in (0..records.len()).filter(|&i| !records[i][id].is_empty()) {
        let mut fewer = records.clone();
        fewer.remove(victim);
        assert!(lint(&write(&header, &fewer)).iter().any(|f| f.rule.starts_with("F41")), "row {victim}");
        let mut twice = records.clone();
        twice.push(records[victim].clone());
        assert!(lint(&write(&header, &twice)).iter().any(|f| f.rule == "F402"), "row {victim}");
    }
}

#[test]
fn broken_files_are_found() {
    let good = String::from_utf8(render(&partial(), None).unwrap()).unwrap();
    let rules = |text: &str| lint(text.as_bytes()).into_iter().map(|f| f.rule).collect::<BTreeSet<_>>();
    assert!(rules(&good).is_empty());
    assert!(rules(&good.replace("\r\n", "\n")).contains("F104"));
    assert!(rules(good.trim_end()).contains("F104"));
    assert!(rules("").contains("F115"));
    assert!(rules(&good[..=good.find('\n').unwrap()]).contains("F103"), "a header and nothing else");
    assert!(rules(&good.replacen("BilledCost", "billedCost", 1)).contains("F115"));
    assert!(rules(&good.replacen("AvailabilityZone", "Zone", 1)).contains("F113"));
    assert!(rules(&good.replacen("x_Provenance", "x_provenance", 1)).contains("F112"));
    assert!(rules(&good.replacen("SubAccountName", "SubAccountId", 1)).contains("F111"));
    assert!(rules(&good.replacen("x_Provenance", "ResourceGroup", 1)).contains("F113"));
    assert!(rules(&good.replacen("\"\",", "", 1).replacen(",,", ",", 20)).contains("F102"));
    let mut bytes = good.clone().into_bytes();
    let last = bytes.len() - 3;
    bytes[last] = 0xff;
    assert!(lint(&bytes).iter().any(|f| f.rule == "F101"), "not UTF-8");
    // A commitment that is used and never bought.
    let bought: Vec<&str> =
        good.split_inclusive("\r\n").filter(|line| !line.contains(",Purchase,")).collect();
    assert!(rules(&bought.concat()).contains("F413"));
}

#[test]
fn findings_say_where() {
    let good = String::from_utf8(render(&partial(), None).unwrap()).unwrap();
    let broken = good.replacen("Usage-Based", "Monthly", 1);
    let finding = lint(broken.as_bytes()).into_iter().find(|f| f.rule == "F204").unwrap();
    assert_eq!(
        finding.to_string(),
        format!(
            "F204 line {} ChargeFrequency: `Monthly` is none of One-Time, Recurring, Usage-Based",
            finding.line.unwrap()
        )
    );
}

#[test]
fn snapshot_focus() {
    let mut report = wasteful();
    report.scenario.start = Some("2026-08-01".to_owned());
    let text = String::from_utf8(render(&report, None).unwrap()).unwrap();
    // The first two months: purchases, covered and on-demand nodes, what is unused.
    let head: Vec<&str> = text.lines().take(20).collect();
    insta::assert_snapshot!("focus", head.join("\n"));
}
