use super::*;

fn axis(name: &str, values: &[u64], wanted: Option<Wanted>, nested: bool) -> SweepAxis {
    let values = values.iter().map(|&v| AxisValue { text: v.to_string(), rank: wanted.map(|_| v) }).collect();
    SweepAxis { name: name.to_owned(), values, wanted, nested }
}

fn point(number: u64, values: &[u64], cost: Option<&str>) -> SweepPoint {
    let found = cost.map(|cost| SweepFigures {
        cost_hour: ListCost::new(cost.parse().unwrap()),
        committed_month: None,
        lower_bound_hour: ListCost::new("1".parse().unwrap()),
        nodes: 1,
        types: vec!["a".to_owned()],
        pods: 1,
        pods_left_out: 0,
        stop: StopReason::Exhausted,
        purchases: None,
    });
    SweepPoint {
        point: number,
        values: values.iter().map(u64::to_string).collect(),
        input_hash: String::new(),
        catalog: "c".to_owned(),
        failure: found.is_none().then(|| "none".to_owned()),
        found,
        taken: None,
    }
}

fn sweep(axes: Vec<SweepAxis>, points: Vec<SweepPoint>) -> SweepReport {
    let mut report = SweepReport {
        format: SweepFormat::V1,
        tool: Tool { name: "plimsoll".to_owned(), version: "0".to_owned() },
        name: "x".to_owned(),
        inputs: Vec::new(),
        currency: "USD".to_owned(),
        seed: 0,
        axes,
        complete: true,
        points,
    };
    report.relate();
    report
}

fn frontier(report: &SweepReport) -> Vec<u64> {
    let marked = report.points.iter().filter(|p| p.taken.as_ref().is_some_and(|t| t.frontier));
    marked.map(|p| p.point).collect()
}

#[test]
fn each_further_type_never_costs_more_and_its_saving_is_told() {
    // One type 4, two types 3, three types found only 3.5: the plan of two types is one of three.
    let axes = vec![axis("max-types", &[1, 2, 3], Some(Wanted::Less), true)];
    let report =
        sweep(axes, vec![point(1, &[1], Some("4")), point(2, &[2], Some("3")), point(3, &[3], Some("3.5"))]);
    let taken: Vec<_> = report.points.iter().map(|p| p.taken.clone().unwrap()).collect();
    assert_eq!(taken[2].plan_of, Some(2));
    // 730 hours at 4, 3 and 3.
    let months: Vec<String> = taken.iter().map(|t| t.cost_month.to_string()).collect();
    assert_eq!(months, ["2920", "2190", "2190"]);
    let steps: Vec<_> = taken.iter().map(|t| t.change_step_month.map(|m| m.to_string())).collect();
    assert_eq!(steps, [None, Some("-730".to_owned()), Some("0".to_owned())]);
    assert_eq!(taken[2].change_first.unwrap().to_string(), "-0.25");
    // The gap is to the point's own bound: (3 - 1) / 3, rounded up.
    assert_eq!(taken[2].gap.unwrap().to_string(), "0.666666667");
    assert_eq!(frontier(&report), [1, 2]);
}

#[test]
fn plans_are_carried_towards_the_looser_value_only_and_never_over_other_prices() {
    // More headroom is stricter: what 20 % cost, 10 % cost at most.
    let axes = vec![axis("headroom", &[10, 20], Some(Wanted::More), true)];
    let points = vec![point(1, &[10], Some("5")), point(2, &[20], Some("4"))];
    let report = sweep(axes.clone(), points.clone());
    assert_eq!(report.points[0].taken.as_ref().unwrap().plan_of, Some(2));
    assert_eq!(report.points[1].taken.as_ref().unwrap().plan_of, None);
    assert_eq!(frontier(&report), [2]);
    let mut dearer = points;
    dearer[1].catalog = "d".to_owned();
    assert_eq!(sweep(axes, dearer).points[0].taken.as_ref().unwrap().plan_of, None);
}

#[test]
fn without_wanted_values_the_cheapest_is_the_frontier_and_failures_are_no_part_of_it() {
    let axes = vec![axis("region", &[1, 2, 3], None, false)];
    let points = vec![point(1, &[1], None), point(2, &[2], Some("3")), point(3, &[3], Some("2"))];
    let report = sweep(axes, points);
    assert!(report.points[0].taken.is_none());
    assert_eq!(frontier(&report), [3]);
    assert_eq!(report.points[2].taken.as_ref().unwrap().change_first_month.unwrap().to_string(), "-730");
}

#[test]
fn steps_begin_anew_where_an_outer_axis_changes() {
    let axes =
        vec![axis("region", &[1, 2], None, false), axis("max-types", &[1, 2], Some(Wanted::Less), true)];
    let points = vec![
        point(1, &[1, 1], Some("4")),
        point(2, &[1, 2], Some("3")),
        point(3, &[2, 1], Some("5")),
        point(4, &[2, 2], Some("3")),
    ];
    let report = sweep(axes, points);
    let step = |p: usize| report.points[p].taken.as_ref().unwrap().change_step_month.map(|m| m.to_string());
    assert_eq!((step(0), step(2)), (None, None));
    assert_eq!((step(1), step(3)), (Some("-730".to_owned()), Some("-1460".to_owned())));
    // Equal cost and types in both regions: both stand.
    assert_eq!(frontier(&report), [1, 2, 4]);
}

#[test]
fn a_sweep_reads_back_and_relating_again_changes_nothing() {
    let axes = vec![axis("max-types", &[1, 2], Some(Wanted::Less), true)];
    let report = sweep(axes, vec![point(1, &[1], Some("4")), point(2, &[2], Some("4.5"))]);
    let bytes = render_json(&report);
    let mut again = read(&Source { name: "s".to_owned(), bytes: bytes.clone() }).unwrap();
    assert_eq!(again, report);
    again.relate();
    assert_eq!(render_json(&again), bytes);
}

/// With nothing to commit to a month costs 10; a cap of 100 saves 3, no cap saves 4. Fewer obligations are
/// wanted where the cost is the same, so all three are on the frontier; the purchases decide, not the nodes.
#[test]
fn where_purchases_are_looked_for_they_decide() {
    let axes = vec![axis("max-commitment", &[0, 100, 1_000], Some(Wanted::Less), true)];
    let with = |number: u64, cap: u64, cost: i128| {
        let mut point = point(number, &[cap], Some("2"));
        let nanos = |amount: i128| Money::from_nanos(amount * 1_000_000_000);
        // A year of 8,760 hours has 12 months of 730.
        let purchases = SweepPurchases {
            hours: 8_760,
            list: ListCost::new(nanos(120)),
            cost: EffectiveCost::new(nanos(12 * cost)),
            bound: EffectiveCost::new(nanos(36)),
            obligation: BilledCost::new(nanos(0)),
            upfront: BilledCost::new(nanos(0)),
            worst_case_loss: nanos(0),
        };
        let found = point.found.as_mut().unwrap();
        found.committed_month = Some(purchases.month(purchases.cost));
        found.purchases = Some(purchases);
        point
    };
    let report = sweep(axes, vec![with(1, 0, 10), with(2, 100, 7), with(3, 1_000, 6)]);
    assert_eq!(frontier(&report), [1, 2, 3]);
    let taken: Vec<&SweepTaken> = report.points.iter().map(|p| p.taken.as_ref().unwrap()).collect();
    let steps: Vec<String> =
        taken.iter().filter_map(|t| t.change_step_month.map(|c| c.to_string())).collect();
    assert_eq!(steps, ["-3", "-1"]);
    // (6 - 3) / 6.
    assert_eq!(taken[2].gap.map(|gap| gap.percent(0)), Some("50".to_owned()));
}
