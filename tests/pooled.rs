//! Pooled plans: tiny random ones against brute force, laws on larger ones, and workloads with every kind
//! of rule.

use std::collections::BTreeMap;

use fastrand::Rng;
use plimsoll::catalog::Provider;
use plimsoll::formulate::{formulate, pooled};
use plimsoll::input::{ReadOptions, Source, catalog_file, read_workloads};
use plimsoll::policy::Policy;
use plimsoll::problem::{BinSet, BinType, BinTypeId, ItemType, ItemTypeId, PoolId, Pooling, Problem};
use plimsoll::search::{self, search_pooled};
use plimsoll::solver::control::{Budget, Effort, Silent};
use plimsoll::solver::{SolveError, pooled_bound, solve_pooled};
use plimsoll::units::{Money, Rate};
use plimsoll::verify::{verify_plan, verify_pools};
use plimsoll::workload::WorkloadSet;
use rayon::prelude::*;

#[path = "support/tiny.rs"]
mod tiny;

/// A tiny problem without a cap on types, in random groups and pools; one in so many item types lies in the
/// group of the one before.
fn tiny_pooled(rng: &mut Rng, together: u8) -> (Problem, Pooling) {
    let problem = tiny::problem(rng);
    let problem = Problem::new(
        problem.dimensions().to_vec(),
        problem.items().to_vec(),
        problem.bins().to_vec(),
        problem.conflicts().iter().copied(),
        None,
    )
    .expect("a part less");
    let mut groups: Vec<Vec<ItemTypeId>> = Vec::new();
    for item in problem.item_ids() {
        match groups.last_mut() {
            Some(last) if rng.u8(..together) == 0 => last.push(item),
            _ => groups.push(vec![item]),
        }
    }
    let mut pools: Vec<Vec<BinTypeId>> = Vec::new();
    for bin in problem.bin_ids() {
        match pools.last_mut() {
            Some(last) if rng.u8(..3) == 0 => last.push(bin),
            _ => pools.push(vec![bin]),
        }
    }
    let pooling = Pooling::new(&problem, groups, pools, rng.u32(1..4)).expect("all are grouped once");
    (problem, pooling)
}

/// The items and bin types of some groups in one pool.
fn part(problem: &Problem, items: &[ItemTypeId], bins: &[BinTypeId]) -> Problem {
    let local = |id: ItemTypeId| items.iter().position(|&i| i == id).map(|i| ItemTypeId(i as u32));
    let part_items = items.iter().map(|&id| {
        let item = problem.item(id);
        let eligible = BinSet::new(bins.iter().map(|&b| item.eligible.contains(b)).collect());
        ItemType { eligible, ..item.clone() }
    });
    let conflicts = problem.conflicts().iter().filter_map(|&(a, b)| Some((local(a)?, local(b)?)));
    let part_bins = bins.iter().map(|&b| problem.bin(b).clone());
    Problem::new(problem.dimensions().to_vec(), part_items.collect(), part_bins.collect(), conflicts, None)
        .expect("a part of a valid problem")
}

/// The least cost of a pooled plan: every way to share the groups out, each pool packed at its optimum.
fn optimum(problem: &Problem, pooling: &Pooling) -> Option<u64> {
    let groups = pooling.groups();
    let mut known: BTreeMap<(usize, u32), Option<u64>> = BTreeMap::new();
    let mut best = None;
    let ways = pooling.pools().len().pow(groups.len() as u32);
    for way in 0..ways {
        let mut sets = vec![0u32; pooling.pools().len()];
        let mut rest = way;
        for g in 0..groups.len() {
            sets[rest % pooling.pools().len()] |= 1 << g;
            rest /= pooling.pools().len();
        }
        if sets.iter().filter(|&&s| s > 0).count() > pooling.max_pools() as usize {
            continue;
        }
        let costs = sets.iter().enumerate().filter(|(_, set)| **set > 0).map(|(pool, &set)| {
            *known.entry((pool, set)).or_insert_with(|| {
                let items: Vec<ItemTypeId> =
                    (0..groups.len()).filter(|g| set >> g & 1 == 1).flat_map(|g| groups[g].clone()).collect();
                tiny::optimum(&part(problem, &items, &pooling.pools()[pool]))
            })
        });
        if let Some(cost) = costs.sum::<Option<u64>>() {
            best = Some(best.map_or(cost, |b: u64| b.min(cost)));
        }
    }
    best
}

#[test]
fn tiny_pooled_plans_are_valid_and_nearly_all_the_cheapest() {
    const PROBLEMS: u64 = 300;
    let budget = Budget { effort: Effort::Quick, ..Budget::default() };
    let found: Vec<(bool, bool)> = (0..PROBLEMS)
        .into_par_iter()
        .map(|seed| {
            let (problem, pooling) = tiny_pooled(&mut Rng::with_seed(seed), 4);
            let best = optimum(&problem, &pooling);
            match (solve_pooled(&problem, &pooling, &budget, 7, &Silent), best) {
                (Ok(outcome), Some(best)) => {
                    let plan = verify_plan(&problem, outcome.incumbent)
                        .unwrap_or_else(|v| panic!("problem {seed}: {}", v[0]));
                    verify_pools(&pooling, plan.plan())
                        .unwrap_or_else(|v| panic!("problem {seed}: {}", v[0]));
                    let best = Money::from_nanos(best.into());
                    assert!(
                        plan.hourly_cost() >= best,
                        "problem {seed}: {} below {best}",
                        plan.hourly_cost()
                    );
                    (true, plan.hourly_cost() == best)
                }
                (Ok(_), None) => panic!("problem {seed}: a plan where brute force finds none"),
                (Err(SolveError::NoPlanFound), Some(_)) => (true, false),
                (Err(error), Some(_)) => panic!("problem {seed}: {error}"),
                (Err(_), None) => (false, true),
            }
        })
        .collect();
    let feasible = found.iter().filter(|(feasible, _)| *feasible).count();
    let missed: Vec<usize> = (0..found.len()).filter(|&i| !found[i].1).collect();
    assert!(feasible > 150, "only {feasible} of {PROBLEMS} have any plan");
    // Packing is exact only where a pool has few patterns.
    assert!(missed.len() <= 4, "dearer than need be: {missed:?}");
}

/// More groups than are tried exhaustively, and few bins: single copies of items of all sizes, some of them
/// together in a group; bin types of all shapes, each a pool.
fn few_bins(rng: &mut Rng) -> (Problem, Pooling) {
    let bins: Vec<BinType> = (0..rng.usize(3..6))
        .map(|_| {
            let capacity = [rng.u64(40..160), rng.u64(40..160)];
            // About what it offers, with a discount or two.
            let rate = (capacity[0] + capacity[1]) * rng.u64(90..111);
            BinType { capacity: capacity.into_iter().collect(), rate: Rate::from_nanos(rate), stock: None }
        })
        .collect();
    let items: Vec<ItemType> = (0..rng.usize(10..14))
        .map(|_| ItemType {
            demand: [rng.u64(2..40), rng.u64(2..40)].into_iter().collect(),
            copies: 1,
            max_per_bin: None,
            eligible: BinSet::all(bins.len()),
        })
        .collect();
    let count = bins.len();
    let problem = Problem::new(vec!["a".into(), "b".into()], items, bins, [], None).expect("a problem");
    let mut groups: Vec<Vec<ItemTypeId>> = Vec::new();
    for item in problem.item_ids() {
        // Nine groups or more, so that not every set of them is packed.
        let spare = problem.items().len() - item.index() + groups.len() > 9;
        match groups.last_mut() {
            Some(last) if last.len() == 1 && spare && rng.bool() => last.push(item),
            _ => groups.push(vec![item]),
        }
    }
    let pools = (0..count as u32).map(|b| vec![BinTypeId(b)]).collect();
    let pooling = Pooling::new(&problem, groups, pools, rng.u32(1..4)).expect("all are grouped once");
    (problem, pooling)
}

/// The least cost of a pooled plan of single copies: what every set of items takes of every bin type, then
/// every way to share the groups out.
fn least_cost(problem: &Problem, pooling: &Pooling) -> u64 {
    let count = problem.items().len();
    let all = (1usize << count) - 1;
    let fits = |set: usize, bin: &BinType| {
        (0..2).all(|k| {
            let items = problem.items().iter().enumerate().filter(|(i, _)| set >> i & 1 == 1);
            items.map(|(_, item)| item.demand[k]).sum::<u64>() <= bin.capacity[k]
        })
    };
    let bins_of = |bin: &BinType| -> Vec<u64> {
        let one: Vec<bool> = (0..=all).map(|set| fits(set, bin)).collect();
        let mut least = vec![u64::MAX; all + 1];
        least[0] = 0;
        for set in 1..=all {
            let lowest = set & set.wrapping_neg();
            let rest = set & !lowest;
            let mut others = rest;
            loop {
                let here = others | lowest;
                if one[here] && least[set & !here] != u64::MAX {
                    least[set] = least[set].min(least[set & !here] + 1);
                }
                if others == 0 {
                    break;
                }
                others = (others - 1) & rest;
            }
        }
        least
    };
    let groups: Vec<usize> =
        pooling.groups().iter().map(|g| g.iter().map(|item| 1 << item.index()).sum()).collect();
    let items_of =
        |set: usize| (0..groups.len()).filter(|g| set >> g & 1 == 1).map(|g| groups[g]).sum::<usize>();
    let everybody = (1usize << groups.len()) - 1;
    // By the pools used so far: the least cost of each set of groups.
    let mut best = vec![vec![u64::MAX; everybody + 1]; pooling.max_pools() as usize + 1];
    best[0][0] = 0;
    for bin in problem.bins() {
        let bins = bins_of(bin);
        let cost: Vec<u64> =
            (0..=everybody).map(|set| bins[items_of(set)].saturating_mul(bin.rate.nanos())).collect();
        for used in (0..pooling.max_pools() as usize).rev() {
            for set in 0..=everybody {
                if best[used][set] == u64::MAX {
                    continue;
                }
                let rest = everybody & !set;
                let mut more = rest;
                while more > 0 {
                    let sum = best[used][set].saturating_add(cost[more]);
                    let there = &mut best[used + 1][set | more];
                    *there = (*there).min(sum);
                    more = (more - 1) & rest;
                }
            }
        }
    }
    best.iter().map(|by_set| by_set[everybody]).min().expect("some number of pools")
}

#[test]
fn few_bins_are_shared_out_as_cheaply_as_trying_everything() {
    const PROBLEMS: u64 = 40;
    let budget = Budget { effort: Effort::Quick, ..Budget::default() };
    let above: Vec<f64> = (0..PROBLEMS)
        .into_par_iter()
        .filter_map(|seed| {
            let (problem, pooling) = few_bins(&mut Rng::with_seed(seed));
            let least = least_cost(&problem, &pooling);
            if least == u64::MAX {
                return None;
            }
            let outcome = solve_pooled(&problem, &pooling, &budget, 7, &Silent)
                .unwrap_or_else(|error| panic!("problem {seed}: {error}"));
            let plan = verify_plan(&problem, outcome.incumbent).expect("a valid plan");
            verify_pools(&pooling, plan.plan()).expect("groups lie whole");
            let cost = plan.hourly_cost().nanos() as f64;
            assert!(cost >= least as f64, "problem {seed}: {cost} below {least}");
            Some(cost / least as f64 - 1.0)
        })
        .collect();
    let missed = above.iter().filter(|&&share| share > 0.0).count();
    let worst = above.iter().copied().fold(0.0, f64::max);
    assert!(above.len() >= 30, "only {} have any plan", above.len());
    assert!(missed == 0, "{missed} are dearer than need be, by up to {worst}");
}

/// Bounds of so many cases, each no lower than the one before.
fn bounds(problem: &Problem, pooling: &Pooling, seed: u64) -> [Money; 3] {
    let bounds = [0, 4, 40].map(|cases| {
        let bound = pooled_bound(problem, pooling, cases);
        bound.unwrap_or_else(|error| panic!("problem {seed}: {error}"))
    });
    assert!(bounds.is_sorted(), "problem {seed}: {bounds:?}");
    bounds
}

/// With rates so high that rounding prices to whole nano-dollars takes nothing from a bound.
fn dearer(problem: &Problem) -> Problem {
    let bins = problem.bins().iter().map(|bin| {
        let rate = Rate::from_nanos(bin.rate.nanos() * 1_000_000);
        BinType { rate, ..bin.clone() }
    });
    let (dimensions, items) = (problem.dimensions().to_vec(), problem.items().to_vec());
    Problem::new(dimensions, items, bins.collect(), problem.conflicts().iter().copied(), None)
        .expect("other rates")
}

#[test]
fn the_bound_of_pooled_plans_is_never_above_the_cheapest() {
    (0..300u64).into_par_iter().for_each(|seed| {
        let (problem, pooling) = tiny_pooled(&mut Rng::with_seed(seed), 1 + (seed % 4) as u8);
        let problem = dearer(&problem);
        // Without a plan the bound may be anything.
        let Some(best) = optimum(&problem, &pooling) else { return };
        let [.., most] = bounds(&problem, &pooling, seed);
        assert!(most <= Money::from_nanos(best.into()), "problem {seed}: {most} above {best}");
    });
    let raised = (0..40u64).into_par_iter().filter(|&seed| {
        let (problem, pooling) = few_bins(&mut Rng::with_seed(seed));
        let best = least_cost(&problem, &pooling);
        if best == u64::MAX {
            return false;
        }
        let [least, .., most] = bounds(&problem, &pooling, seed);
        assert!(most <= Money::from_nanos(best.into()), "problem {seed}: {most} above {best}");
        least < most
    });
    // Where the relaxation buys several types it splits some group between them.
    let raised = raised.count();
    assert!(raised >= 10, "cases raise the bound of {raised} problems alone");
}

#[test]
fn one_pool_for_each_bin_type_and_no_cap_leaves_the_free_optimum_for_single_copies() {
    // A copy of each item type is a workload by itself: pools forbid nothing but mixed types.
    let mut rng = Rng::with_seed(11);
    for _ in 0..20 {
        let (problem, _) = tiny_pooled(&mut rng, 4);
        let groups = problem.item_ids().map(|i| vec![i]).collect();
        let pools = problem.bin_ids().map(|b| vec![b]).collect();
        let pooling = Pooling::new(&problem, groups, pools, 9).unwrap();
        if let (Some(pooled), Some(free)) = (optimum(&problem, &pooling), tiny::optimum(&problem)) {
            assert!(pooled >= free);
        }
    }
}

fn read(text: &str) -> WorkloadSet {
    let source = Source { name: "test.yaml".to_owned(), bytes: text.as_bytes().to_vec() };
    read_workloads(&[source], &ReadOptions::default()).unwrap_or_else(|faults| panic!("{}", faults[0]))
}

/// Deployments of all sizes; some keep apart, some spread over zones, some ask for a label.
fn deployments(count: usize, rng: &mut Rng) -> String {
    let mut text = String::new();
    for i in 0..count {
        let rules = match rng.u8(..6) {
            0 => format!(
                "affinity: {{podAntiAffinity: {{requiredDuringSchedulingIgnoredDuringExecution: [{{topologyKey: \
                 kubernetes.io/hostname, labelSelector: {{matchLabels: {{app: w{i}}}}}}}]}}}}"
            ),
            1 => format!(
                "topologySpreadConstraints: [{{maxSkew: 1, topologyKey: topology.kubernetes.io/zone, \
                 whenUnsatisfiable: DoNotSchedule, labelSelector: {{matchLabels: {{app: w{i}}}}}}}]"
            ),
            2 => "nodeSelector: {disk: ssd}".to_owned(),
            _ => "priority: 0".to_owned(),
        };
        text += &format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: w{i}, namespace: a}}\nspec:\n  \
             replicas: {}\n  selector: {{matchLabels: {{app: w{i}}}}}\n  template:\n    metadata: {{labels: \
             {{app: w{i}}}}}\n    spec:\n      {rules}\n      containers: [{{name: c, resources: {{requests: \
             {{cpu: {}m, memory: {}Mi}}}}}}]\n---\n",
            rng.u32(1..12),
            rng.u32(1..40) * 50,
            rng.u32(1..40) * 100,
        );
    }
    text
}

#[test]
fn pooled_plans_of_workloads_with_rules_keep_them_whole_and_cost_no_less_than_the_bound() {
    let catalog = catalog_file::by_name("aws-2026-05-us-east-1").expect("it is bundled").read();
    let budget = Budget { effort: Effort::Quick, work_limit: Some(1_000_000), ..Budget::default() };
    for (seed, max_pools) in [(1, None), (2, Some(2))] {
        let set = read(&deployments(16, &mut Rng::with_seed(seed)));
        assert!(set.from_kubernetes);
        let policy = Policy { max_pools, ..Policy::default_for(Provider::Aws) };
        let free = formulate(&set, &catalog, &policy).unwrap();
        let made = pooled(&set, &catalog, &policy, &free).unwrap();
        assert!(made.formulation.problem.items().len() >= free.problem.items().len());
        let found = search_pooled(&free, &made, &budget, seed, &Silent).unwrap();
        let plan = found.outcome.plan();
        let bound = found.outcome.lower_bound().value;
        let without = found.free.as_ref().expect("both forms are searched");
        assert!(plan.hourly_cost() >= without.hourly_cost() && without.hourly_cost() >= bound);
        assert_eq!(verify_pools(&made.pooling, plan.plan()), Ok(()));
        // From the nodes alone: which instance type and node pool each workload lies on.
        let legend = &made.formulation.legend;
        let mut lies_in: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
        let mut placed = vec![0u64; set.workloads.len()];
        for group in legend.assign(plan.plan()) {
            let node = &legend.nodes[group.bin_type.index()];
            for &(workload, pods) in &group.pods {
                placed[workload] += pods * group.nodes;
                lies_in.entry(workload).or_default().push((node.catalog_type, node.pool));
            }
        }
        for (workload, pools) in &mut lies_in {
            pools.sort_unstable();
            pools.dedup();
            assert_eq!(pools.len(), 1, "seed {seed}: {} is split", set.workloads[*workload].id);
        }
        let all: std::collections::BTreeSet<_> = lies_in.values().flatten().collect();
        assert!(all.len() <= max_pools.unwrap_or(10) as usize);
        let left: Vec<u64> = set.workloads.iter().map(|w| w.replicas).collect();
        assert_eq!(placed, left, "nothing is left out");
        let breaches = search::breaches(&set, &catalog, &made.formulation, plan);
        assert!(breaches.is_empty(), "seed {seed}: {}", breaches[0]);
    }
}

#[test]
fn the_same_seed_gives_the_same_pooled_plan_at_any_number_of_threads() {
    let catalog = catalog_file::by_name("aws-2026-05-us-east-1").expect("it is bundled").read();
    let policy = Policy::default_for(Provider::Aws);
    let set = read(&deployments(20, &mut Rng::with_seed(5)));
    let free = formulate(&set, &catalog, &policy).unwrap();
    let made = pooled(&set, &catalog, &policy, &free).unwrap();
    let budget = Budget { effort: Effort::Quick, work_limit: Some(2_000_000), ..Budget::default() };
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let problem = &made.formulation.problem;
        pool.install(|| solve_pooled(problem, &made.pooling, &budget, 3, &Silent)).unwrap().incumbent
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn a_workload_that_no_pool_holds_whole_lies_in_several_and_is_named() {
    // One node pool for each zone: who spreads over zones lies in all of them.
    let text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: a}\nspec:\n  replicas: 6\n  \
                selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec:\n      \
                topologySpreadConstraints: [{maxSkew: 1, topologyKey: topology.kubernetes.io/zone, \
                whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: web}}}]\n      containers: \
                [{name: c, resources: {requests: {cpu: 500m, memory: 1Gi}}}]\n";
    let catalog = catalog_file::by_name("aws-2026-05-us-east-1").expect("it is bundled").read();
    let zones = ["us-east-1a", "us-east-1b"];
    let pool = |zone: &str| plimsoll::policy::NodePool {
        name: zone.to_owned(),
        zones: vec![zone.to_owned()],
        ..Default::default()
    };
    let policy = Policy {
        pools: zones.iter().map(|z| pool(z)).collect(),
        zones: zones.map(str::to_owned).to_vec(),
        ..Policy::default_for(Provider::Aws)
    };
    let set = read(text);
    let free = formulate(&set, &catalog, &policy).unwrap();
    let made = pooled(&set, &catalog, &policy, &free).unwrap();
    assert_eq!(made.pooling.groups().len(), 2);
    assert!(made.formulation.notes.iter().any(|n| n.to_string().contains("a/Deployment/web")));
    let budget = Budget { effort: Effort::Quick, work_limit: Some(1_000_000), ..Budget::default() };
    let found = search_pooled(&free, &made, &budget, 1, &Silent).unwrap();
    let used = found.outcome.plan().plan().bins_by_type();
    let pools: Vec<PoolId> = used.keys().filter_map(|&b| made.pooling.pool_of(b)).collect();
    assert_eq!(pools.len(), 2);
}
