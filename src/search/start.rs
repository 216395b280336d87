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

#[cfg(test)]
mod tests {
    use crate::formulate::formulate;
    use crate::input::{self, Source, catalog_file};
    use crate::policy::Policy;
    use crate::search::{Start, search, search_from};
    use crate::solver::control::{Budget, Effort, Silent};
    use crate::units::{PartsPerMillion, ResourceName};

    /// A plan with a third of every node kept free has room for the same pods with nothing kept free: all of it
    /// is a start there. The other way round pods that do not fit are left out, and the search packs them.
    #[test]
    fn a_plan_is_a_start_under_other_headroom() {
        let text = b"plimsoll: workloads/v1\ncomponents:\n\
            - {name: a, replicas: 7, requests: {cpu: 900m, memory: 1Gi}}\n\
            - {name: b, replicas: 5, requests: {cpu: 400m, memory: 3Gi}}\n";
        let source = Source { name: "w.yaml".to_owned(), bytes: text.to_vec() };
        let set = input::read_workloads(&[source], &input::ReadOptions::default()).expect("it is valid");
        let catalog = catalog_file::by_name("aws-2026-05-us-east-1").expect("it is bundled").read();
        let tight = Policy::default_for(catalog.provider);
        let mut loose = tight.clone();
        for resource in [ResourceName::Cpu, ResourceName::Memory] {
            loose.headroom.insert(resource, PartsPerMillion(333_333));
        }
        let budget = Budget { effort: Effort::Quick, ..Budget::default() };
        let [tight, loose] = [tight, loose].map(|p| formulate(&set, &catalog, &p).expect("it is sound"));
        let alone = |f| search(f, &budget, 0, &Silent).expect("a plan").outcome;
        let (without, with) = (alone(&tight), alone(&loose));
        let plan = with.plan().plan();
        let start = Start { legend: &loose.legend, catalog: &catalog, plan };
        let lifted = start.for_problem(&tight.problem, &tight.legend, &catalog).expect("the same types");
        assert_eq!(lifted.hourly_cost(&tight.problem), plan.hourly_cost(&loose.problem));
        let pods = |plan: &crate::plan::Plan| -> u64 {
            plan.bins().map(|(p, n)| n * p.content().iter().map(|&(_, k)| k).sum::<u64>()).sum()
        };
        assert_eq!(pods(&lifted), 12);
        let back = Start { legend: &tight.legend, catalog: &catalog, plan: without.plan().plan() };
        let found = search_from(&loose, (&catalog, &back), &budget, 0, &Silent).expect("a plan").outcome;
        assert!(found.plan().hourly_cost() <= with.plan().hourly_cost());
        assert_eq!(found.lower_bound().value, with.lower_bound().value);
    }
}
