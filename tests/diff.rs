//! What changed between two plans: figures by hand, laws, and each format.

mod plan_fixture;
#[path = "support/planned.rs"]
mod planned;

use plan_fixture::report;
use plimsoll::bill::ListCost;
use plimsoll::catalog::Payment;
use plimsoll::report::diff::{self, PlanDiff, WorkloadChange};
use plimsoll::report::view::PlanReport;
use plimsoll::report::{Format, RenderOptions, markdown, render_diff};
use plimsoll::units::Money;

fn money(text: &str) -> Money {
    text.parse().expect("it is there")
}

/// As the fixture, but: one m5.large fewer, web without the pods that lay on it, a workload gone and one
/// new, and another price date.
fn changed() -> PlanReport {
    let mut after = report(None);
    after.catalog.price_date = "2026-06".to_owned();
    let node = after.nodes.iter_mut().find(|row| row.instance_type == "m5.large").expect("it is there");
    let each = |cost: Money| Money::from_nanos(cost.nanos() / 2);
    node.nodes = 1;
    node.list_month = ListCost::new(each(node.list_month.money()));
    node.effective_month = plimsoll::bill::EffectiveCost::new(each(node.effective_month.money()));
    let (list, effective) = (node.list_month.money(), node.effective_month.money());
    let head = &mut after.headline;
    head.nodes = 5;
    head.packed_month = ListCost::new(head.packed_month.money() - list);
    head.reserved_month =
        head.reserved_month.map(|cost| plimsoll::bill::EffectiveCost::new(cost.money() - effective));
    let web = after.workloads.iter_mut().find(|row| row.name == "web").expect("it is there");
    web.replicas -= 1;
    web.placed -= 1;
    web.requests.insert("cpu".to_owned(), 250);
    let train = after.workloads.iter_mut().find(|row| row.name == "train").expect("it is there");
    train.name = "tune|`@all`".to_owned();
    train.workload = "ml/Job/tune|`@all`".to_owned();
    let bought = after.commitments.iter_mut();
    let selected =
        after.purchase_options.iter().find(|row| row.selected).expect("it is there").option.clone();
    for row in bought.filter(|row| row.option == selected && row.instance_type == "m5.large") {
        row.quantity = 1;
    }
    after
}

fn differs() -> PlanDiff {
    diff::diff(&report(None), &changed()).expect("one currency")
}

fn text(format: Format, options: &RenderOptions) -> String {
    String::from_utf8(render_diff(&differs(), format, options).expect("a format of differences"))
        .expect("it is there")
}

/// m5.large: 0.1 an hour on demand, 73 a month; reserved at 0.06: 43.8 a month.
#[test]
fn the_sums_are_those_of_the_change() {
    let diff = differs();
    let change = |measure: &str| diff.money_of(measure).unwrap().change;
    assert_eq!(change("list_month"), money("-73"));
    assert_eq!(change("effective_month"), money("-43.8"));
    assert_eq!(diff.types.len(), 1);
    let row = &diff.types[0];
    assert_eq!((row.instance_type.as_str(), row.nodes_before, row.nodes_after), ("m5.large", 2, 1));
    assert_eq!((row.list_month_change, row.effective_month_change), (money("-73"), money("-43.8")));
    assert_eq!(diff.count_of("nodes").map(|row| (row.before, row.after)), Some((6, 5)));
}

#[test]
fn workloads_are_told_by_what_changed() {
    let diff = differs();
    let changes = |name: &str| {
        let row = diff.workloads.iter().find(|row| row.workload.ends_with(name));
        row.unwrap_or_else(|| panic!("{name}")).changes.clone()
    };
    assert_eq!(changes("/train"), [WorkloadChange::Removed]);
    assert_eq!(changes("@all`"), [WorkloadChange::Added]);
    let web = changes("/web");
    assert!(web.starts_with(&[WorkloadChange::Replicas, WorkloadChange::Requests]), "{web:?}");
    assert_eq!(diff.workloads_unchanged as usize + diff.workloads.len(), 5);
    assert!(diff.notes.iter().any(|note| note == "price date: 2026-05 before, 2026-06 after"));
}

/// Each lost reservation of m5.large takes its upfront payment and its hourly fee with it.
#[test]
fn commitments_are_those_of_the_selected_option() {
    let (before, diff) = (report(None), differs());
    let [row] = diff.commitments.as_slice() else { panic!("{:?}", diff.commitments) };
    let option = before.purchase_options.iter().find(|row| row.selected).unwrap();
    let one = before
        .commitments
        .iter()
        .find(|row| row.option == option.option && row.instance_type == "m5.large")
        .unwrap();
    assert_eq!((row.quantity_before, row.quantity_after), (2, 1));
    assert_eq!(row.upfront_change, -one.upfront_each);
    assert_eq!(row.recurring_month_change, -one.recurring_rate.for_hours(730));
}

/// Half as much of what is proposed: half its upfront payment and half its amortised rate for 730 hours; the
/// month of the plan is 730 of 8,760 hours, a twelfth.
#[test]
fn commitment_plans_differ_by_what_they_propose() {
    let before = planned::committed();
    let mut after = before.clone();
    let plan = after.purchases.as_mut().expect("purchases");
    let row = &mut plan.rows[0];
    assert_eq!((row.quantity.as_str(), row.payment), ("2", Payment::PartialUpfront));
    let half = |money: Money| Money::from_nanos(money.nanos() / 2);
    row.quantity = "1".to_owned();
    row.upfront = plimsoll::bill::BilledCost::new(half(row.upfront.money()));
    row.rate = plimsoll::units::Rate::from_nanos(row.rate.nanos() / 2);
    let cost = plan.cost;
    plan.cost = plimsoll::bill::EffectiveCost::new(cost.money() + money("120"));
    let found = diff::diff(&before, &after).unwrap();
    let [changed] = found.proposals.as_slice() else { panic!("{:?}", found.proposals) };
    let stated = &before.purchases.as_ref().unwrap().rows[0];
    assert_eq!(
        (changed.quantity_before.to_string(), changed.quantity_after.to_string()),
        ("2".into(), "1".into())
    );
    assert_eq!(changed.upfront_change, half(stated.upfront.money()) - stated.upfront.money());
    assert_eq!(
        found.paid().map(|row| (row.measure.as_str(), row.change)),
        Some(("committed_month", money("10")))
    );
    for format in [Format::Table, Format::Markdown] {
        let text = render_diff(&found, format, &RenderOptions::default()).expect("a format of differences");
        let text = String::from_utf8(text).expect("UTF-8");
        assert!(text.contains("Commitment plan") && text.contains("over time, amortised, a month"), "{text}");
        assert!(format != Format::Table || text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
    // Without a commitment plan on one side, what it pays over time stands against that of the other.
    let mut without = before.clone();
    without.purchases = None;
    let found = diff::diff(&without, &before).unwrap();
    let over = before.over_time.as_ref().unwrap();
    assert_eq!(
        found.paid().unwrap().before,
        plimsoll::bill::pro_rata(over.list.money(), 730, 8_760).unwrap()
    );
    assert!(found.proposals.iter().all(|row| row.quantity_before == plimsoll::bill::Ratio::ZERO));
}

#[test]
fn a_plan_does_not_differ_from_itself_and_back_is_the_negative() {
    let (a, b) = (report(None), changed());
    let none = diff::diff(&a, &a).unwrap();
    assert!(none.types.is_empty() && none.workloads.is_empty() && none.commitments.is_empty());
    assert!(none.notes.is_empty() && none.money.iter().all(|row| row.change == Money::ZERO));
    let (there, back) = (diff::diff(&a, &b).unwrap(), diff::diff(&b, &a).unwrap());
    for (there, back) in there.money.iter().zip(&back.money) {
        assert_eq!((there.change, there.before), (-back.change, back.after), "{}", there.measure);
    }
    let mut euro = b;
    euro.catalog.currency = "EUR".to_owned();
    assert!(diff::diff(&a, &euro).unwrap_err().to_string().contains("USD, the second in EUR"));
}

/// The sum over the types is what the headline says, for any two plans.
#[test]
fn types_sum_to_the_change_of_the_bill() {
    for (a, b) in [(report(None), changed()), (changed(), report(None))] {
        let diff = diff::diff(&a, &b).unwrap();
        let list: Money = diff.types.iter().map(|row| row.list_month_change).sum();
        let effective: Money = diff.types.iter().map(|row| row.effective_month_change).sum();
        assert_eq!(list, diff.money_of("list_month").unwrap().change);
        assert_eq!(effective, diff.money_of("effective_month").unwrap().change);
    }
}

#[test]
fn snapshots() {
    insta::assert_snapshot!("diff_table", text(Format::Table, &RenderOptions::default()));
    let ascii = RenderOptions { ascii: true, plain: true, ..RenderOptions::default() };
    insta::assert_snapshot!("diff_plain", text(Format::Table, &ascii));
    let comment = text(Format::Markdown, &RenderOptions::default());
    assert!(comment.starts_with(markdown::DIFF_MARKER));
    insta::assert_snapshot!("diff_markdown", comment);
    insta::assert_snapshot!("diff_json", text(Format::Json, &RenderOptions::default()));
    assert!(render_diff(&differs(), Format::Focus, &RenderOptions::default()).is_none());
}

#[test]
fn the_json_keeps_to_its_schema_and_lines_to_the_terminal() {
    let read: PlanDiff = serde_json::from_str(&text(Format::Json, &RenderOptions::default())).unwrap();
    assert_eq!(read, differs());
    for width in [80, 140] {
        let options = RenderOptions { width, ..RenderOptions::default() };
        for line in text(Format::Table, &options).lines() {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
    }
}
