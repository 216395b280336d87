//! A plan of other settings as a start for a search: nodes and workloads are the same by their names.

use std::collections::HashMap;

use super::counterparts;
use super::lift::lift;
use crate::catalog::Catalog;
use crate::formulate::Legend;
use crate::plan::Plan;
use crate::problem::{BinTypeId, Problem};

/// A plan for the same workloads under other settings, for a search to start from.
#[derive(Debug, Clone, Copy)]
pub struct Start<'a> {
    /// What its bins and items stand for.
    pub legend: &'a Legend,
    /// Whose types these bins are of.
    pub catalog: &'a Catalog,
    /// The plan.
    pub plan: &'a Plan,
}

/// Plans of both forms for the same workloads under other settings.
#[derive(Debug, Clone, Copy)]
pub struct PooledStart<'a> {
    /// Where the search for the free plan begins.
    pub free: Start<'a>,
    /// Where that for the pooled plan does.
    pub pooled: Start<'a>,
}

impl Start<'_> {
    /// As much of it as the other problem has nodes and pods for, and as fits there: types are the same by
    /// their names, whatever they cost or offer there. `None` where nothing is left of it.
    pub(super) fn for_problem(&self, problem: &Problem, legend: &Legend, catalog: &Catalog) -> Option<Plan> {
        let name = |legend: &Legend, catalog: &Catalog, bin: BinTypeId| {
            let node = &legend.nodes[bin.index()];
            legend.bin_name(bin, &catalog.types[node.catalog_type].name)
        };
        let mut by_name: HashMap<String, Vec<BinTypeId>> = HashMap::new();
        for id in problem.bin_ids() {
            by_name.entry(name(legend, catalog, id)).or_default().push(id);
        }
        let bins = (0u32..).map(BinTypeId).take(self.legend.nodes.len());
        let places: Vec<Vec<BinTypeId>> = bins
            .map(|bin| by_name.get(&name(self.legend, self.catalog, bin)).cloned().unwrap_or_default())
            .collect();
        let plan = lift(self.plan, problem, &places, counterparts(self.legend, legend));
        let some = plan.bins().len() > 0;
        some.then_some(plan)
    }
}
