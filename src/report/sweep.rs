//! Many plans of one input, each under other settings: what changes when a setting does.
//!
//! A point holds what its own search found. What sets points in relation to each other (savings, the frontier,
//! plans that hold at a looser setting too) follows from the points alone, see [`SweepReport::relate`], so that
//! a sweep that was taken up again prints the same bytes as one that ran through.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::view::{InputFile, PlanReport, Purchases, Tool};
use crate::bill::{BilledCost, EffectiveCost, ListCost, Ratio};
use crate::input::{Fault, Source, form};
use crate::plan::StopReason;
use crate::units::{HOURS_PER_MONTH, Money};

pub use super::csv::sweep as render_csv;
pub use super::html::sweep::render as render_html;
pub use super::table::sweep::render as render_table;

/// The plans of a sweep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Plimsoll sweep")]
pub struct SweepReport {
    /// `plimsoll-sweep/1`.
    pub format: SweepFormat,
    /// What made it.
    pub tool: Tool,
    /// What was planned, for people.
    pub name: String,
    /// What was read, in reading order.
    pub inputs: Vec<InputFile>,
    /// ISO 4217; that of the first point.
    pub currency: String,
    /// Seed of the solver's randomised parts.
    pub seed: u64,
    /// What is varied; the last axis changes from point to point.
    pub axes: Vec<SweepAxis>,
    /// Whether every point is there; a sweep that was stopped has those that were done.
    pub complete: bool,
    /// One for every combination of values, in the order of the axes.
    pub points: Vec<SweepPoint>,
}

/// The form and its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SweepFormat {
    /// The first version.
    #[serde(rename = "plimsoll-sweep/1")]
    V1,
}

/// A setting that is varied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SweepAxis {
    /// As on the command line: `headroom`, `max-types`.
    pub name: String,
    /// Its values, in the order given.
    pub values: Vec<AxisValue>,
    /// Which of two values is wanted where both cost the same; absent where neither is (regions).
    pub wanted: Option<Wanted>,
    /// Whether a plan made for a wanted value is a plan for the others too: with 20 % headroom, there are 10 %.
    pub nested: bool,
}

/// A value of an axis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AxisValue {
    /// As given.
    pub text: String,
    /// How it compares with the others; absent where it does not.
    pub rank: Option<u64>,
}

/// Which values people would rather have, cost aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Wanted {
    /// More of it: headroom, replicas.
    More,
    /// Less of it: instance types, spot capacity.
    Less,
}

/// One plan of the sweep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SweepPoint {
    /// From 1.
    pub point: u64,
    /// The value on each axis.
    pub values: Vec<String>,
    /// SHA-256 over everything that decides the point; a point of the same hash is not computed again.
    pub input_hash: String,
    /// Whose prices.
    pub catalog: String,
    /// What its own search found; absent where there is no plan.
    pub found: Option<SweepFigures>,
    /// Why there is no plan.
    pub failure: Option<String>,
    /// The plan to take: its own, or that of a stricter point, which costs less.
    pub taken: Option<SweepTaken>,
}

/// A plan in a few figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SweepFigures {
    /// On demand (and spot, where nodes are), an hour.
    pub cost_hour: ListCost,
    /// Under the commitment that `plan` would count with, or with what is proposed to commit to where that is
    /// looked for, amortised, a month; absent where nothing is committed.
    pub committed_month: Option<EffectiveCost>,
    /// What no plan at this point can undercut, an hour.
    pub lower_bound_hour: ListCost,
    /// Nodes.
    pub nodes: u64,
    /// Names of the instance types, ascending.
    pub types: Vec<String>,
    /// Pods placed.
    pub pods: u64,
    /// Pods that fit nowhere.
    pub pods_left_out: u64,
    /// Why the search ended.
    pub stop: StopReason,
    /// What was proposed to commit to; absent where that is not varied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purchases: Option<SweepPurchases>,
}

/// Proposed purchases in a few figures, expected over the scenarios of the horizon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SweepPurchases {
    /// Hours of the horizon, which the costs here are for.
    pub hours: u64,
    /// Everything on demand.
    pub list: ListCost,
    /// With the purchases, amortised.
    pub cost: EffectiveCost,
    /// No packing with any purchases within the limits costs less.
    pub bound: EffectiveCost,
    /// What the purchases oblige to over their whole terms.
    pub obligation: BilledCost,
    /// What they cost at the start.
    pub upfront: BilledCost,
    /// What is paid more than without them if demand is the lowest of the scenarios.
    pub worst_case_loss: Money,
}

impl SweepPurchases {
    /// An average month, rounded to the nearest nano-dollar.
    fn month(&self, cost: EffectiveCost) -> EffectiveCost {
        let hours = i128::from(self.hours.max(1));
        let month = cost.money().nanos() * i128::from(HOURS_PER_MONTH);
        EffectiveCost::new(Money::from_nanos((2 * month + hours).div_euclid(2 * hours)))
    }
}

/// How a point stands beside the others. Months have 730 hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SweepTaken {
    /// The point whose plan it is, where that is another one.
    pub plan_of: Option<u64>,
    /// A month.
    pub cost_month: ListCost,
    /// Amortised under the commitment, a month.
    pub committed_month: Option<EffectiveCost>,
    /// (cost - bound of this point) / cost.
    pub gap: Option<Ratio>,
    /// Nodes.
    pub nodes: u64,
    /// Distinct instance types.
    pub instance_types: u64,
    /// Change of the month (of the committed one, where purchases are looked for) against the first point that
    /// has a plan; absent where other pods are placed.
    pub change_first_month: Option<Money>,
    /// That as a share of it.
    pub change_first: Option<Ratio>,
    /// Change of the month against the value before on the last axis.
    pub change_step_month: Option<Money>,
    /// Whether no other point is at least as good in cost and every wanted value, and better in one.
    pub frontier: bool,
}

impl SweepFigures {
    /// Of a report.
    pub fn of(report: &PlanReport) -> Self {
        let mut types: Vec<String> = report.nodes.iter().map(|row| row.instance_type.clone()).collect();
        types.sort();
        types.dedup();
        SweepFigures {
            cost_hour: report.solve.cost_hour,
            committed_month: report.headline.reserved_month,
            lower_bound_hour: report.solve.lower_bound_hour,
            nodes: report.headline.nodes,
            types,
            pods: report.headline.pods,
            pods_left_out: report.headline.pods_left_out,
            stop: report.solve.stop,
            purchases: None,
        }
        .with(report.purchases.as_ref())
    }

    /// Where purchases were looked for, the commitment cost is theirs.
    fn with(self, purchases: Option<&Purchases>) -> Self {
        let Some(purchases) = purchases else { return self };
        let purchases = SweepPurchases {
            hours: purchases.hours,
            list: purchases.list,
            cost: purchases.cost,
            bound: purchases.joint_bound,
            obligation: purchases.obligation,
            upfront: purchases.upfront,
            worst_case_loss: purchases.worst_case_loss,
        };
        let month = purchases.month(purchases.cost);
        SweepFigures { committed_month: Some(month), purchases: Some(purchases), ..self }
    }

    /// The monthly cost by which points are compared: with what is proposed to commit to, where that was
    /// looked for, on demand otherwise.
    fn decides(&self) -> Money {
        match (&self.purchases, self.committed_month) {
            (Some(_), Some(month)) => month.money(),
            _ => self.cost_month().money(),
        }
    }

    fn cost_month(&self) -> ListCost {
        ListCost::new(month(self.cost_hour.money()))
    }

    /// The lower bound of that, a month.
    pub(super) fn bound_month(&self) -> Money {
        match &self.purchases {
            Some(purchases) => purchases.month(purchases.bound).money(),
            None => month(self.lower_bound_hour.money()),
        }
    }
}

impl SweepTaken {
    /// The monthly cost by which points are compared, see [`SweepReport::commits`].
    pub(super) fn decides(&self, commits: bool) -> Money {
        match self.committed_month.filter(|_| commits) {
            Some(committed) => committed.money(),
            None => self.cost_month.money(),
        }
    }
}

fn month(hour: Money) -> Money {
    hour.checked_mul(i128::from(HOURS_PER_MONTH)).expect("no bill comes near 10^29 dollars")
}

impl SweepReport {
    /// Whether purchases were looked for at every point, so that points are compared by the cost with them.
    pub(super) fn commits(&self) -> bool {
        let mut found = self.points.iter().filter_map(|point| point.found.as_ref()).peekable();
        found.peek().is_some() && found.all(|found| found.purchases.is_some())
    }

    /// Sets the points in relation: which plan each takes, what that saves, which are on the frontier.
    ///
    /// A point takes the plan of another one that is cheaper and differs in nested axes only, being stricter
    /// there: that plan keeps all rules of this point too, at the same prices.
    pub fn relate(&mut self) {
        let taken: Vec<Option<SweepTaken>> = (0..self.points.len()).map(|p| self.taken(p)).collect();
        for (point, taken) in self.points.iter_mut().zip(taken) {
            point.taken = taken;
        }
        let commits = self.commits();
        let changes: Vec<Changes> = (0..self.points.len()).map(|p| self.changes(p, commits)).collect();
        for (point, changes) in self.points.iter_mut().zip(changes) {
            if let Some(taken) = &mut point.taken {
                taken.change_first_month = changes.first;
                taken.change_first = changes.first_share;
                taken.change_step_month = changes.step;
                taken.frontier = changes.frontier;
            }
        }
    }

    fn taken(&self, p: usize) -> Option<SweepTaken> {
        let own = self.points[p].found.as_ref()?;
        // Of equal costs the own plan, then the first.
        let best = (0..self.points.len())
            .filter(|&q| q != p && self.is_stricter(q, p))
            .filter_map(|q| self.points[q].found.as_ref().map(|found| (q, found)))
            .filter(|(_, found)| found.pods == own.pods && found.decides() < own.decides())
            .min_by_key(|(q, found)| (found.decides(), *q));
        let (plan_of, plan) = best.map_or((None, own), |(q, found)| (Some(self.points[q].point), found));
        Some(SweepTaken {
            plan_of,
            cost_month: plan.cost_month(),
            committed_month: plan.committed_month,
            gap: match &own.purchases {
                Some(_) => Ratio::gap(plan.decides(), own.bound_month()),
                None => Ratio::gap(plan.cost_hour.money(), own.lower_bound_hour.money()),
            },
            nodes: plan.nodes,
            instance_types: plan.types.len() as u64,
            change_first_month: None,
            change_first: None,
            change_step_month: None,
            frontier: false,
        })
    }

    /// Whether every plan of `strict` is one of `loose`: equal but on nested axes, and there no less wanted.
    fn is_stricter(&self, strict: usize, loose: usize) -> bool {
        let (a, b) = (&self.points[strict], &self.points[loose]);
        if a.catalog != b.catalog {
            return false;
        }
        self.axes
            .iter()
            .zip(a.values.iter().zip(&b.values))
            .all(|(axis, (a, b))| a == b || (axis.nested && axis.advantage(a, b) == Some(true)))
    }

    fn changes(&self, p: usize, commits: bool) -> Changes {
        let cost = |p: usize| self.points[p].taken.as_ref().map(|t| t.decides(commits));
        let pods = |p: usize| self.points[p].found.as_ref().map(|f| f.pods);
        let comparable = |q: usize| self.grows() || pods(q) == pods(p);
        let own = cost(p);
        let against = |q: usize| own.zip(cost(q)).map(|(own, other)| own - other).filter(|_| comparable(q));
        let first = (0..self.points.len()).find(|&q| cost(q).is_some());
        let first = first.filter(|&q| q != p);
        let step = p.checked_sub(1).filter(|&q| {
            let last = self.axes.len() - 1;
            self.points[q].values[..last] == self.points[p].values[..last]
        });
        let first_change = first.and_then(against);
        Changes {
            first: first_change,
            first_share: first_change.zip(first.and_then(cost)).and_then(|(c, f)| Ratio::of_money(c, f)),
            step: step.and_then(against),
            frontier: own.is_some()
                && !(0..self.points.len()).any(|q| q != p && self.dominates(q, p, commits)),
        }
    }

    /// Whether the number of pods is what is varied, so that points of other pods compare.
    fn grows(&self) -> bool {
        self.axes.iter().any(|axis| axis.name == "replicas")
    }

    /// Whether a point is at least as good as another in everything, and better in something. Points of other
    /// values on an axis without wanted values compare by cost alone; pods left out are worse.
    fn dominates(&self, q: usize, p: usize, commits: bool) -> bool {
        let (a, b) = (&self.points[q], &self.points[p]);
        let (Some(taken), Some(other)) = (&a.taken, &b.taken) else { return false };
        let left_out = |point: &SweepPoint| point.found.as_ref().map_or(u64::MAX, |f| f.pods_left_out);
        let (cost, than) = (taken.decides(commits), other.decides(commits));
        let mut better = cost < than || left_out(a) < left_out(b);
        if cost > than || left_out(a) > left_out(b) {
            return false;
        }
        for (axis, (a, b)) in self.axes.iter().zip(a.values.iter().zip(&b.values)) {
            match axis.advantage(a, b) {
                Some(true) => better = true,
                Some(false) => return false,
                None => {}
            }
        }
        better
    }
}

/// What [`SweepReport::changes`] finds of a point.
struct Changes {
    first: Option<Money>,
    first_share: Option<Ratio>,
    step: Option<Money>,
    frontier: bool,
}

impl SweepAxis {
    /// Whether `a` is wanted rather than `b`, or the other way round; `None` where neither is.
    fn advantage(&self, a: &str, b: &str) -> Option<bool> {
        let rank = |text: &str| self.values.iter().find(|v| v.text == text).and_then(|v| v.rank);
        let (a, b) = (rank(a)?, rank(b)?);
        (a != b).then(|| (a > b) == (self.wanted == Some(Wanted::More))).filter(|_| self.wanted.is_some())
    }
}

/// Writes a sweep, indented, with a line end.
pub fn render_json(report: &SweepReport) -> Vec<u8> {
    let mut bytes =
        serde_json::to_vec_pretty(report).expect("a sweep has string keys and whole numbers only");
    bytes.push(b'\n');
    bytes
}

/// Reads a file that [`render_json`] wrote.
///
/// # Errors
/// Text that is no JSON, or every place that is not as a sweep has it.
pub fn read(source: &Source) -> Result<SweepReport, Vec<Fault>> {
    form::read_json(source, schema)
}

/// The JSON Schema of a sweep.
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(SweepReport)
}

mod words;

#[cfg(test)]
mod tests;
