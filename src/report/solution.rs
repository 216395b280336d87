//! The answer to a packing problem from a file: bins, cost, bound and gap, as JSON or a table.

use std::fmt::Write as _;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::number::{gap_percent, grouped};
use crate::bill::Ratio;
use crate::plan::{BoundKind, Pattern, Plan, ProgressPoint, StopReason};
use crate::problem::{BinTypeId, ItemTypeId, Problem};
use crate::units::Money;
use crate::verify::VerifiedOutcome;

/// Which bins to have, what they hold, and how good that is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Plimsoll solution")]
pub struct Solution {
    /// `plimsoll-solution/1`.
    pub format: SolutionFormat,
    /// How many bins there are.
    pub bin_count: u64,
    /// What they cost an hour.
    pub cost_hour: Money,
    /// What no plan can undercut.
    pub lower_bound_hour: Money,
    /// Whether that follows from integer arithmetic or is a solver's word.
    pub bound_kind: BoundKind,
    /// The part of the bound that is certified.
    pub certified_bound_hour: Money,
    /// (cost - bound) / cost, rounded up.
    pub gap: Option<Ratio>,
    /// Why the search ended.
    pub stop: StopReason,
    /// The bins; equal ones are one row.
    pub bins: Vec<SolutionBin>,
}

/// The form and its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SolutionFormat {
    /// The first version.
    #[serde(rename = "plimsoll-solution/1")]
    V1,
}

/// Equal bins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SolutionBin {
    /// Number of the bin type in the problem.
    pub bin_type: u32,
    /// How many such bins.
    pub bins: u64,
    /// What each holds: number of the item type, and copies.
    pub content: Vec<(u32, u64)>,
}

/// When a search found what it found, by the wall clock: for people, never for data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// Until the best plan.
    pub plan: Duration,
    /// Until the best bound.
    pub bound: Duration,
    /// Until the end.
    pub search: Duration,
}

impl Times {
    /// From the search's own record; `search` is how long it took in all.
    pub fn of(outcome: &VerifiedOutcome, search: Duration) -> Self {
        let cost = outcome.plan().hourly_cost();
        let bound = outcome.lower_bound().value;
        let first = |reached: &dyn Fn(&ProgressPoint) -> bool| {
            let point = outcome.progress().iter().find(|point| reached(point));
            point.map_or(search, |point| Duration::from_millis(point.millis))
        };
        Times {
            plan: first(&|point| point.incumbent == Some(cost)),
            bound: first(&|point| point.lower_bound == bound),
            search,
        }
    }
}

impl Solution {
    /// The rows of a verified answer.
    pub fn of(outcome: &VerifiedOutcome) -> Self {
        let (plan, bound) = (outcome.plan(), outcome.lower_bound());
        let bins: Vec<SolutionBin> = plan
            .plan()
            .bins()
            .map(|(pattern, bins)| SolutionBin {
                bin_type: pattern.bin_type().0,
                bins,
                content: pattern.content().iter().map(|&(j, n)| (j.0, n)).collect(),
            })
            .collect();
        Solution {
            format: SolutionFormat::V1,
            bin_count: bins.iter().map(|b| b.bins).fold(0, u64::saturating_add),
            cost_hour: plan.hourly_cost(),
            lower_bound_hour: bound.value,
            bound_kind: bound.kind,
            certified_bound_hour: bound.certified,
            gap: Ratio::gap(plan.hourly_cost(), bound.value),
            stop: outcome.stop(),
            bins,
        }
    }

    /// The plan itself, to be verified.
    pub fn plan(&self) -> Plan {
        let pattern = |bin: &SolutionBin| {
            Pattern::new(BinTypeId(bin.bin_type), bin.content.iter().map(|&(j, n)| (ItemTypeId(j), n)))
        };
        self.bins.iter().map(|bin| (pattern(bin), bin.bins)).collect()
    }

    /// Indented JSON with a line end.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("strings, numbers and lists are plain JSON") + "\n"
    }

    /// A table for people: the figures, then the bins by type.
    pub fn to_table(&self, problem: &Problem, times: Times) -> String {
        let kind = match self.bound_kind {
            BoundKind::Certified => "certified",
            BoundKind::SolverReported => "a solver's word",
        };
        let stop = match self.stop {
            StopReason::Optimal => "optimal: no plan costs less",
            StopReason::BestUnderRestrictions => "optimal among plans that keep the restrictions",
            StopReason::GapReached => "the gap that was asked for is reached",
            StopReason::Exhausted => "nothing better was found for long",
            StopReason::WorkLimit => "the work that the effort allows is done",
            StopReason::TimeLimit => "time limit",
            StopReason::Interrupted => "interrupted",
        };
        let mut out = String::new();
        let mut figure = |name: &str, value: String| {
            let _ = writeln!(out, "{name:<12}{value}");
        };
        figure("bins", grouped(self.bin_count));
        figure("cost", self.cost_hour.to_string());
        figure("lower bound", format!("{} ({kind})", self.lower_bound_hour));
        figure("gap", self.gap.map_or("unknown".to_owned(), gap_percent));
        let seconds = |time: Duration| format!("{:.2} s", time.as_secs_f64());
        figure("time", seconds(times.search));
        figure("best plan", format!("after {}", seconds(times.plan)));
        figure("best bound", format!("after {}", seconds(times.bound)));
        figure("stopped", stop.to_owned());
        let _ = writeln!(out, "\n{:>8}  {:>12}  {:>14}  capacity", "bin type", "bins", "rate");
        for (t, bins) in self.plan().bins_by_type() {
            let bin = problem.bin(t);
            let capacity: Vec<String> = bin.capacity.as_slice().iter().map(u64::to_string).collect();
            let _ =
                writeln!(out, "{:>8}  {:>12}  {:>14}  {}", t.0, grouped(bins), bin.rate, capacity.join(" "));
        }
        out
    }
}

/// The JSON Schema of a solution.
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(Solution)
}
