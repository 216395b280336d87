//! The chart of a sweep: cost against what is varied, or a bar for each point where values do not compare.

use super::{Planned, every_point, name, planned};
use crate::report::chart::Tint;
use crate::report::chart::bars::{Bar, Part, bars};
use crate::report::chart::lines::{Axes, Dot, Line, lines};
use crate::report::html::length;
use crate::report::html::money::{scaled, spoken};
use crate::report::html::part::{Block, Figure, Key, Section, clean, key};
use crate::report::number::Currency;
use crate::report::sweep::{SweepAxis, SweepPoint, SweepReport};
use crate::units::Money;

/// Where the values of an axis lie on paper; `None` where they do not compare.
fn places(axis: &SweepAxis) -> Option<Vec<f64>> {
    let ranks: Vec<u64> = axis.values.iter().map(|value| value.rank).collect::<Option<_>>()?;
    let mut order: Vec<u64> = ranks.clone();
    order.sort_unstable();
    order.dedup();
    if order.len() < 2 {
        return None;
    }
    #[allow(clippy::cast_precision_loss, reason = "a place on paper")]
    let place = |rank: &u64| {
        // Without a bound comes last, one step on; doublings stand as far from each other as the first from
        // the second.
        let bounded: Vec<u64> = order.iter().copied().filter(|&rank| rank != u64::MAX).collect();
        let doubling = bounded.len() > 2
            && bounded.windows(2).all(|pair| pair[0] > 0 && pair[1] >= pair[0].saturating_mul(2));
        let uneven = doubling || bounded.len() < order.len();
        match order.iter().position(|other| other == rank) {
            Some(at) if uneven => at as f64,
            _ => *rank as f64,
        }
    };
    Some(ranks.iter().map(place).collect())
}

/// Curves on the chart; the colours of more would not be told apart.
const CURVES: usize = 6;

/// Cost against what is varied, with the frontier.
pub(super) fn curve(report: &SweepReport) -> Option<Section> {
    planned(report).next()?;
    let remark =
        "Cost of the nodes for a month of 730 hours; months and changes compare the plans that are taken.";
    let mut section = Section::new("curve", "What it costs", "Curve", remark);
    let axis = (0..report.axes.len()).filter(|&axis| places(&report.axes[axis]).is_some());
    let axis = axis.max_by_key(|&axis| (report.axes[axis].values.len(), std::cmp::Reverse(axis)));
    let others = report.axes.len() == 2;
    let fits = |axis: usize| !others || report.axes[1 - axis].values.len() <= CURVES;
    let figure = match axis.filter(|&axis| fits(axis)) {
        Some(axis) => against(report, axis),
        None => side_by_side(report),
    };
    section.blocks.push(Block::Figure(Box::new(figure)));
    section
        .blocks
        .push(Block::text(format!("On the Pareto frontier: {}.", clean(&report.frontier_in_words()))));
    section.blocks.extend(report.carried_in_words().map(Block::text));
    Some(section)
}

/// A curve for each value of the other axis.
fn against(report: &SweepReport, axis: usize) -> Figure {
    let varied = &report.axes[axis];
    let at = places(varied).unwrap_or_default();
    let place = |point: &SweepPoint| {
        varied.values.iter().position(|value| value.text == point.values[axis]).map_or(0.0, |index| at[index])
    };
    let most =
        planned(report).map(|(_, _, taken)| taken.decides(report.commits())).max().unwrap_or(Money::ZERO);
    let currency = Currency::new(&report.currency).aligned([most]);
    let other: Vec<Option<&str>> = match report.axes.get(1 - axis).filter(|_| report.axes.len() == 2) {
        Some(other) => other.values.iter().map(|value| Some(value.text.as_str())).collect(),
        None => vec![None],
    };
    let tints = [Tint::Plan, Tint::Reserved, Tint::Headroom, Tint::Other, Tint::Agents, Tint::Before];
    let (mut curves, mut keys): (Vec<Line>, Vec<Key>) = (Vec::new(), Vec::new());
    for (number, (value, tint)) in other.iter().zip(tints).enumerate() {
        let mut dots: Vec<Dot> = planned(report)
            .filter(|(_, point, _)| value.is_none_or(|value| point.values[1 - axis] == value))
            .map(|(_, point, taken)| Dot {
                at: (place(point), length(taken.decides(report.commits()), most)),
                full: taken.frontier,
            })
            .collect();
        dots.sort_by(|a, b| a.at.0.total_cmp(&b.at.0));
        let text = match value {
            Some(value) => format!("{}={value}", report.axes[1 - axis].name),
            None => "cheapest plan found".to_owned(),
        };
        keys.push(key(tint, &text));
        let points = dots.iter().map(|dot| dot.at).collect();
        curves.push(Line { tint, points, filled: false, dashed: number % 2 == 1, dots });
    }
    if let [_] = &curves[..] {
        let bound = |point: &SweepPoint| point.found.as_ref().map(|found| found.bound_month());
        let mut points: Vec<(f64, f64)> = planned(report)
            .filter_map(|(_, point, _)| bound(point).map(|bound| (place(point), length(bound, most))))
            .collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        keys.push(key(Tint::Good, "no plan costs less"));
        curves.insert(0, Line { tint: Tint::Good, points, filled: false, dashed: true, dots: Vec::new() });
    }
    let heights = || curves.iter().flat_map(|line| &line.points).map(|point| point.1);
    let (low, high) = (heights().fold(1.0, f64::min), heights().fold(0.0, f64::max));
    // From zero where that leaves room to tell points apart.
    let from_zero = low < 0.5 * high;
    let margin = (high - low).max(0.02) * 0.15;
    let y = if from_zero { (0.0, high * 1.06) } else { ((low - margin).max(0.0), high + margin) };
    let mut ticks: Vec<(f64, String)> =
        at.iter().copied().zip(varied.values.iter().map(|value| clean(&value.text))).collect();
    ticks.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (first, last) = (ticks.first().map_or(0.0, |t| t.0), ticks.last().map_or(1.0, |t| t.0));
    let margin = (last - first) * 0.04;
    let title = clean(&varied.name);
    let axes = Axes {
        x: (first - margin, last + margin),
        y,
        x_title: &title,
        x_words: &|_| String::new(),
        x_ticks: &ticks,
        y_words: &|y| currency.short(scaled(most, y)),
    };
    let scale = if from_zero { "" } else { " The scale does not start at zero." };
    let label = format!("Monthly cost against {title}. {}", told(report, currency));
    Figure::new(
        "pareto",
        &format!("Cost against {}", varied.name),
        &format!("A month. Filled dots are on the Pareto frontier, rings are not.{scale}"),
        keys,
        every_point(report),
        |size| lines(size, &label, &axes, &curves, &[]),
    )
}

/// Points whose values do not compare, or too many curves: a bar each.
fn side_by_side(report: &SweepReport) -> Figure {
    let most =
        planned(report).map(|(_, _, taken)| taken.decides(report.commits())).max().unwrap_or(Money::ZERO);
    let currency = Currency::new(&report.currency).aligned([most]);
    let rows: Vec<Bar> = planned(report)
        .map(|(_, point, taken)| Bar {
            label: name(report, point),
            value: currency.short(taken.decides(report.commits())),
            strong: taken.frontier,
            parts: vec![Part {
                from: 0.0,
                to: length(taken.decides(report.commits()), most),
                tint: if taken.frontier { Tint::Plan } else { Tint::Before },
            }],
        })
        .collect();
    let label = format!("Monthly cost of each point. {}", spoken(&rows));
    let names: Vec<&str> = report.axes.iter().map(|axis| axis.name.as_str()).collect();
    Figure::new(
        "pareto",
        &format!("Cost by {}", names.join(" and ")),
        "A month.",
        vec![key(Tint::Plan, "on the Pareto frontier"), key(Tint::Before, "others")],
        every_point(report),
        |size| bars(size, &label, &rows),
    )
}

/// For a screen reader.
fn told(report: &SweepReport, currency: Currency<'_>) -> String {
    let point = |(_, point, taken): Planned<'_>| {
        format!("{}: {}", name(report, point), currency.short(taken.decides(report.commits())))
    };
    planned(report).map(point).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sweep::AxisValue;

    fn axis(ranks: &[Option<u64>]) -> SweepAxis {
        let values = ranks.iter().map(|&rank| AxisValue { text: format!("{rank:?}"), rank }).collect();
        SweepAxis { name: "a".to_owned(), values, wanted: None, nested: false }
    }

    #[test]
    fn places_are_proportional_where_all_values_have_a_bound_and_do_not_double() {
        assert_eq!(places(&axis(&[Some(0), Some(10), Some(40)])), Some(vec![0.0, 10.0, 40.0]));
        // In the order given, not sorted.
        assert_eq!(places(&axis(&[Some(30), Some(10)])), Some(vec![30.0, 10.0]));
        assert_eq!(places(&axis(&[Some(8), Some(16), Some(64)])), Some(vec![0.0, 1.0, 2.0]));
        assert_eq!(places(&axis(&[Some(u64::MAX), Some(1), Some(5)])), Some(vec![2.0, 0.0, 1.0]));
        assert_eq!(places(&axis(&[None, None])), None);
        assert_eq!(places(&axis(&[Some(3)])), None);
    }
}
