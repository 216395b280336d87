//! What every form of a sweep says in the same words.

use super::{SweepAxis, SweepPoint, SweepReport, Wanted};
use crate::report::table::count;

impl SweepReport {
    /// A point by its values: `headroom=10%, max-types=2`.
    pub(in crate::report) fn name_of(&self, point: &SweepPoint) -> String {
        let values = self.axes.iter().zip(&point.values);
        values.map(|(axis, value)| format!("{}={value}", axis.name)).collect::<Vec<_>>().join(", ")
    }

    /// What being on the Pareto frontier means with these axes.
    pub(in crate::report) fn frontier_in_words(&self) -> String {
        let mut wanted = vec!["a lower cost".to_owned()];
        wanted.extend(self.axes.iter().filter_map(SweepAxis::better));
        match &wanted[..] {
            [cost] => format!("no other point has {cost}"),
            [others @ .., last] => format!(
                "no other point is at least as good in everything and better in something ({} or {last})",
                others.join(", ")
            ),
            [] => unreachable!("a lower cost is always wanted"),
        }
    }

    /// How many points take the plan of another one, in a sentence; nothing where none does.
    pub(in crate::report) fn carried_in_words(&self) -> Option<String> {
        let carried = |point: &&SweepPoint| point.taken.as_ref().is_some_and(|t| t.plan_of.is_some());
        let points = self.points.iter().filter(carried).count() as u64;
        let takes = if points == 1 { "takes" } else { "take" };
        (points > 0).then(|| {
            format!(
                "{} {takes} the cheaper plan of a stricter one, which keeps these rules too.",
                count(points, "point")
            )
        })
    }
}

impl SweepAxis {
    /// What a wanted value of the axis has, cost aside; nothing where values do not compare.
    fn better(&self) -> Option<String> {
        let wanted = self.wanted?;
        Some(match self.name.as_str() {
            "basis" => "packing nearer to limits".to_owned(),
            "max-vcpu" => "a lower cap on the vCPUs of a node".to_owned(),
            "max-memory" => "a lower cap on the memory of a node".to_owned(),
            "max-types" => "fewer instance types".to_owned(),
            "max-pools" => "fewer pools".to_owned(),
            "spot" => "a smaller share on spot nodes".to_owned(),
            "spot-types" => "spot pods spread over more instance types".to_owned(),
            "max-commitment" => "a lower cap on commitments".to_owned(),
            // Headroom, replicas and overcommit are what there is more or less of.
            name => match wanted {
                Wanted::More => format!("more {name}"),
                Wanted::Less => format!("less {name}"),
            },
        })
    }
}
