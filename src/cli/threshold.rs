//! `--fail-on`: conditions under which a plan counts as failed, compared in exact arithmetic.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use plimsoll::report::diff::PlanDiff;
use plimsoll::units::{Money, PartsPerMillion};

/// A condition such as `saving<30%`: the plan fails when it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Threshold {
    measure: Measure,
    side: Side,
    text: String,
}

/// What is looked at, and the number that it is held against.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Measure {
    /// Saved on demand against one VM per replica, as a share of the cost before.
    Saving(PartsPerMillion),
    /// (cost - bound) / cost.
    Gap(PartsPerMillion),
    /// On-demand cost of the plan for a month of 730 hours.
    MonthlyCost(Money),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Below,
    Above,
}

/// The figures of a plan that thresholds look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// One VM per replica, for a month; `None` where that baseline could not be built.
    pub before: Option<Money>,
    /// The plan on demand, for a month.
    pub cost: Money,
    /// What no plan can undercut, for a month.
    pub lower_bound: Money,
}

impl Figures {
    /// `saving 43.2 %, gap 0.51 %, cost 1234.56 per month`.
    pub fn describe(&self) -> String {
        let percent = |part: Money, whole: Money| 100.0 * part.ratio_to(whole).unwrap_or(0.0);
        let saving = match self.before {
            Some(before) => format!("saving {:.1} %", percent(before - self.cost, before)),
            None => "saving unknown".to_owned(),
        };
        let gap = percent(self.cost - self.lower_bound, self.cost);
        format!("{saving}, gap {gap:.2} %, cost {} per month", self.cost.to_cents_string())
    }
}

impl Threshold {
    /// Whether the plan fails by this condition. A saving that is not known is below any wanted one.
    pub fn is_missed(&self, figures: &Figures) -> bool {
        let found = match self.measure {
            Measure::Saving(share) => match figures.before {
                Some(before) => compare_share(before - figures.cost, before, share),
                None => Ordering::Less,
            },
            Measure::Gap(share) => compare_share(figures.cost - figures.lower_bound, figures.cost, share),
            Measure::MonthlyCost(limit) => figures.cost.cmp(&limit),
        };
        self.side.holds(found)
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let usage = "write saving<30%, gap>1% or cost>12000 (per month)";
        let (name, side, number) = parts(text, usage)?;
        let share = || -> Result<PartsPerMillion, String> {
            if !number.ends_with('%') {
                return Err(format!("`{number}` needs a percent sign; {usage}"));
            }
            number.parse().map_err(|e| format!("{e}; {usage}"))
        };
        let measure = match name {
            "saving" => Measure::Saving(share()?),
            "gap" => Measure::Gap(share()?),
            "cost" => Measure::MonthlyCost(number.parse().map_err(|e| format!("{e}; {usage}"))?),
            other => return Err(format!("`{other}` is none of saving, gap, cost; {usage}")),
        };
        Ok(Threshold { measure, side, text: text.to_owned() })
    }
}

/// A condition on the difference of two plans, such as `monthly_increase>500` or `monthly_increase>5%`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffThreshold {
    measure: DiffMeasure,
    side: Side,
    limit: Limit,
    text: String,
}

/// What of a difference is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DiffMeasure {
    /// A sum of money, by its name in the JSON.
    Money(&'static str),
    /// What is paid a month.
    Paid,
    /// Nodes.
    Nodes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limit {
    Amount(Money),
    /// Of what it was before.
    Share(PartsPerMillion),
}

impl DiffThreshold {
    /// Whether the second plan fails by this condition against the first.
    pub fn is_missed(&self, diff: &PlanDiff) -> bool {
        let (before, after) = self.measure.of(diff);
        let found = match self.limit {
            Limit::Amount(limit) => (after - before).cmp(&limit),
            Limit::Share(share) => compare_share(after - before, before, share),
        };
        self.side.holds(found)
    }

    /// What was found instead: `monthly increase 612.40`.
    pub fn describe(&self, diff: &PlanDiff) -> String {
        let (before, after) = self.measure.of(diff);
        let percent = match (after - before).ratio_to(before) {
            Some(ratio) => format!(" ({:.2} %)", 100.0 * ratio),
            None => String::new(),
        };
        let change = after - before;
        match self.measure {
            DiffMeasure::Nodes => format!("{change} nodes more{percent}"),
            DiffMeasure::Money(_) | DiffMeasure::Paid => {
                format!("{} more a month{percent}", change.to_cents_string())
            }
        }
    }
}

impl DiffMeasure {
    /// Before and after; nodes are counted in whole units of money, so that one comparison serves both.
    fn of(self, diff: &PlanDiff) -> (Money, Money) {
        const MISSING: &str = "every difference has all sums and numbers";
        match self {
            DiffMeasure::Money(name) => {
                let row = diff.money_of(name).expect(MISSING);
                (row.before, row.after)
            }
            DiffMeasure::Paid => {
                let row = diff.paid().expect(MISSING);
                (row.before, row.after)
            }
            DiffMeasure::Nodes => {
                let row = diff.count_of("nodes").expect(MISSING);
                let units = |n: u64| Money::from_nanos(i128::from(n) * 1_000_000_000);
                (units(row.before), units(row.after))
            }
        }
    }
}

impl fmt::Display for DiffThreshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl FromStr for DiffThreshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let usage =
            "write monthly_increase>500, monthly_increase>5%, on_demand_increase>500 or nodes_increase>3";
        let (name, side, number) = parts(text, usage)?;
        let limit = if number.ends_with('%') {
            Limit::Share(number.parse().map_err(|e| format!("{e}; {usage}"))?)
        } else {
            Limit::Amount(number.parse().map_err(|e| format!("{e}; {usage}"))?)
        };
        let measure = match name {
            "monthly_increase" => DiffMeasure::Paid,
            "on_demand_increase" => DiffMeasure::Money("list_month"),
            "nodes_increase" => DiffMeasure::Nodes,
            other => {
                return Err(format!(
                    "`{other}` is none of monthly_increase, on_demand_increase, nodes_increase; {usage}"
                ));
            }
        };
        Ok(DiffThreshold { measure, side, limit, text: text.to_owned() })
    }
}

/// Name, side and number of a condition.
fn parts<'a>(text: &'a str, usage: &str) -> Result<(&'a str, Side, &'a str), String> {
    let at = text.find(['<', '>']).ok_or_else(|| format!("`{text}` has neither < nor >; {usage}"))?;
    let (name, rest) = text.split_at(at);
    let side = if rest.starts_with('<') { Side::Below } else { Side::Above };
    Ok((name.trim(), side, rest[1..].trim()))
}

impl Side {
    /// Whether what was found, against the limit, is on this side of it.
    fn holds(self, found: Ordering) -> bool {
        match self {
            Side::Below => found == Ordering::Less,
            Side::Above => found == Ordering::Greater,
        }
    }
}

/// How `part / whole` stands to `share`; nothing of nothing is zero.
fn compare_share(part: Money, whole: Money, share: PartsPerMillion) -> Ordering {
    let scaled = |money: Money, factor: u32| {
        money
            .checked_mul(i128::from(factor))
            .expect("a bill in nano-dollars leaves room for a factor of 2^32")
    };
    scaled(part, 1_000_000).cmp(&scaled(whole, share.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(before: Option<&str>, cost: &str, bound: &str) -> Figures {
        let money = |s: &str| s.parse().unwrap();
        Figures { before: before.map(money), cost: money(cost), lower_bound: money(bound) }
    }

    fn missed(condition: &str, figures: Figures) -> bool {
        condition.parse::<Threshold>().unwrap().is_missed(&figures)
    }

    #[test]
    fn a_saving_on_the_line_is_not_below_it() {
        assert!(!missed("saving<30%", figures(Some("100"), "70", "70")));
        assert!(missed("saving<30%", figures(Some("100"), "70.000000001", "70")));
        assert!(missed("saving < 30 %", figures(Some("100"), "120", "70")));
    }

    #[test]
    fn an_unknown_saving_is_a_missed_one() {
        assert!(missed("saving<1%", figures(None, "70", "70")));
        assert!(!missed("saving>1%", figures(None, "70", "70")));
    }

    #[test]
    fn gap_and_cost() {
        assert!(missed("gap>1%", figures(None, "100", "98.9")));
        assert!(!missed("gap>1%", figures(None, "100", "99")));
        assert!(!missed("gap>0%", figures(None, "0", "0")));
        assert!(missed("cost>99.99", figures(None, "100", "99")));
        assert!(!missed("cost>100", figures(None, "100", "99")));
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for text in ["", "saving", "saving=3%", "saving<30", "speed<3%", "gap>x%", "cost>12k", "saving<=3%"] {
            assert!(text.parse::<Threshold>().is_err(), "{text:?}");
        }
    }
}
