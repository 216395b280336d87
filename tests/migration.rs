//! From a cluster that runs to a cheaper one: small cases with a known answer, and what must hold for all.

use std::time::Instant;

use plimsoll::catalog::{Architecture, Catalog};
use plimsoll::formulate::standing::{self, Standing};
use plimsoll::input::{ReadOptions, Source, catalog_file, read_cluster};
use plimsoll::migration::check::{self, Flaw, Ground};
use plimsoll::migration::{Migration, Move, NodeId, Settings, Step, migrate};
use plimsoll::observed::ObservedCluster;
use plimsoll::policy::{NodePool, Policy, PoolLimits};
use plimsoll::report::pool_limits;
use plimsoll::solver::control::Effort;
use plimsoll::units::Money;
use plimsoll::verify::verify_plan;
use plimsoll::workload::WorkloadSet;
use serde_json::json;

mod dump;
use dump::Dump;

struct Case {
    set: WorkloadSet,
    observed: ObservedCluster,
    standing: Standing,
    catalog: Catalog,
}

impl Case {
    /// With nodes of these types to buy.
    fn of(text: String, types: &str) -> Self {
        Case::with(text, types, Vec::new())
    }

    /// In these node pools, where there are any.
    fn with(text: String, types: &str, pools: Vec<NodePool>) -> Self {
        let source = Source { name: "dump".to_owned(), bytes: text.into_bytes() };
        let (set, observed) = read_cluster(&[source], &ReadOptions::default()).expect("a readable dump");
        let (provider, region) = observed.home().expect("a provider and its region");
        let catalog = catalog_file::by_region(provider, &region).expect("a bundled catalog").read();
        let mut policy = Policy::default_for(catalog.provider);
        policy.zones = observed.zones();
        policy.types.include = vec![types.to_owned()];
        policy.types.architectures = vec![Architecture::Amd64];
        policy.pools = pools;
        let assessed = standing::assess(&observed, &catalog);
        let keep: Vec<bool> = assessed.iter().map(Result::is_ok).collect();
        let types: Vec<usize> = assessed.into_iter().filter_map(Result::ok).collect();
        let (set, observed) = observed.only(&set, &keep);
        let standing = standing::standing(&set, &observed, &types, &catalog, &policy).expect("a problem");
        Case { set, observed, standing, catalog }
    }

    fn ground(&self) -> Ground<'_> {
        let Case { set, observed, standing, catalog } = self;
        Ground { standing, set, catalog, budgets: &observed.budgets }
    }

    fn as_is(&self) -> Money {
        let today = self.standing.without(&self.standing.waiting);
        let plan = today.plan(&self.standing.as_is());
        verify_plan(&today.problem, plan).expect("a cluster that runs").hourly_cost()
    }

    fn migrate(&self, min_saving: &str) -> Migration {
        self.migrate_until(None, min_saving)
    }

    fn migrate_until(&self, deadline: Option<Instant>, min_saving: &str) -> Migration {
        let min_saving = min_saving.parse().expect("an amount");
        let settings = Settings { min_saving, effort: Effort::Quick, seed: 0, deadline, cancel: None };
        let migration = migrate(&self.ground(), &settings).expect("a migration");
        // What holds always.
        let arrival = migration.steps.first().filter(|step| !step.arrivals.is_empty());
        let paid = arrival.map_or(Money::ZERO, |step| step.saving);
        assert!(migration.end.hourly_cost() + paid <= self.as_is());
        check::replay(&self.ground(), &migration.added, &migration.steps).expect("a way that is possible");
        for step in migration.steps.iter().filter(|step| step.arrivals.is_empty()) {
            let month = step.saving.checked_mul(730).expect("in range");
            assert!(month > Money::ZERO && month >= min_saving);
        }
        migration
    }

    fn names(&self, migration: &Migration) -> (Vec<String>, Vec<String>) {
        let removed = migration.steps.iter().flat_map(|s| &s.remove);
        let added = migration.added.iter().map(|bin| {
            let node = &self.standing.legend.nodes[bin.index()];
            self.catalog.types[node.catalog_type].name.clone()
        });
        (removed.map(|n| self.standing.nodes[n.0].name.clone()).collect(), added.collect())
    }
}

fn waves(migration: &Migration) -> usize {
    migration.steps.iter().map(|s| s.waves.len()).sum()
}

/// Three m5.large that are half full.
fn three_half_full() -> Dump {
    ["a", "b", "c"].iter().fold(Dump::new(), |dump, name| {
        dump.node(name, "m5.large", "1930m", "7000Mi").pods("web", 2, "450m", "1600Mi", name)
    })
}

#[test]
fn three_half_full_nodes_become_two() {
    let case = Case::of(three_half_full().text(), "m5.*");
    let migration = case.migrate("0");
    // Six pods of 450m and 1600 MiB: four on a node, so two nodes of the three, at $0.096 each.
    assert_eq!(migration.end.hourly_cost(), "0.192".parse().unwrap());
    let (removed, added) = case.names(&migration);
    assert_eq!((removed.len(), added.len(), migration.pods_moved), (1, 0, 2), "{migration:?}");
    assert_eq!(waves(&migration), 1);
}

/// Three m5.large with two pods each have room for two pods of 450m and 1600 MiB more on each; an
/// m5.large holds four.
#[test]
fn pods_that_wait_get_room_or_a_new_node_first() {
    let waiting = |count| three_half_full().pods("new", count, "450m", "1600Mi", "");
    let case = Case::of(waiting(4).text(), "m5.*");
    assert_eq!(case.standing.waiting.iter().map(|&(_, n)| n).sum::<u64>(), 4);
    let migration = case.migrate("0");
    // Ten pods: three nodes hold twelve, two hold eight. Nothing to buy, nothing to save.
    assert_eq!(migration.end.hourly_cost(), case.as_is());
    assert_eq!(
        (migration.steps.len(), migration.steps[0].saving, migration.waiting.len()),
        (1, Money::ZERO, 0)
    );

    // Sixteen pods: a fourth node.
    let case = Case::of(waiting(10).text(), "m5.large");
    let migration = case.migrate("0");
    assert_eq!(migration.end.hourly_cost(), "0.384".parse().unwrap());
    let placed: u64 = migration.steps[0].arrivals.iter().map(|arrival| arrival.pods).sum();
    assert_eq!((placed, migration.steps[0].add.len(), migration.added.len()), (10, 1, 1));
    assert_eq!(migration.steps[0].saving, Money::ZERO - "0.096".parse().unwrap());

    // Nobody sells a node that large: it goes on waiting, and the others move as they did.
    let case = Case::of(three_half_full().pods("huge", 1, "900", "1Gi", "").text(), "m5.*");
    let migration = case.migrate("0");
    assert!(case.standing.waiting.is_empty() && migration.steps.iter().all(|step| step.arrivals.is_empty()));
    assert_eq!(migration.end.hourly_cost(), "0.192".parse().unwrap());
}

#[test]
fn pods_that_wait_are_placed_once_each_and_only_where_there_is_room() {
    let case = Case::of(three_half_full().pods("new", 3, "450m", "1600Mi", "").text(), "m5.*");
    let migration = case.migrate("0");
    let mut more = migration.steps.clone();
    let again = more[0].arrivals[0];
    more[0].arrivals.push(again);
    let flaw = check::replay(&case.ground(), &migration.added, &more);
    assert!(matches!(flaw, Err(Flaw::NotWaiting(_) | Flaw::Full { .. })), "{flaw:?}");
    let mut elsewhere = migration.steps.clone();
    elsewhere[0].arrivals[0].to = NodeId(99);
    assert_eq!(check::replay(&case.ground(), &migration.added, &elsewhere), Err(Flaw::NotThere(NodeId(99))));
}

/// The pods of `web` keep apart by zone from one another, and one zone has a node to spare: a second waiting
/// pod finds no zone.
#[test]
fn a_rule_between_pods_lets_pods_wait_on() {
    let apart = json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{
        "topologyKey": "topology.kubernetes.io/zone", "labelSelector": {"matchLabels": {"app": "web"}}}]}});
    let dump = Dump::new()
        .node("a", "m5.large", "1930m", "7000Mi")
        .pods("web", 1, "100m", "100Mi", "a")
        .pods("web", 1, "100m", "100Mi", "")
        .pods("db", 1, "100m", "100Mi", "")
        .each_pod("web", |pod| pod["spec"]["affinity"] = apart.clone());
    let case = Case::of(dump.text(), "m5.*");
    let migration = case.migrate("0");
    let names = |item: plimsoll::problem::ItemTypeId| {
        case.set.workloads[case.standing.legend.items[item.index()].workloads[0].0].id.name.clone()
    };
    let waiting: Vec<(String, u64)> = migration.waiting.iter().map(|&(item, n)| (names(item), n)).collect();
    assert_eq!(waiting, [("web".to_owned(), 1)]);
    assert_eq!(migration.steps[0].arrivals.len(), 1);
}

/// Two types run; with at most two, a third is never bought, though m5.xlarge would hold everything.
#[test]
fn no_type_is_added_beyond_what_the_policy_allows() {
    let dump = Dump::new()
        .node("a", "m5.2xlarge", "7910m", "29000Mi")
        .pods("big", 1, "1500m", "4000Mi", "a")
        .node("b", "m5.4xlarge", "15890m", "58000Mi")
        .pods("small", 1, "1500m", "4000Mi", "b");
    let mut case = Case::of(dump.text(), "m5.*");
    let free = case.migrate("0");
    assert!(free.end.hourly_cost() < "0.384".parse().unwrap());
    case.standing.max_types = Some(1);
    let bound = case.migrate("0");
    let kinds: std::collections::BTreeSet<usize> = bound
        .end
        .plan()
        .bins_by_type()
        .keys()
        .map(|b| case.standing.legend.nodes[b.index()].catalog_type)
        .collect();
    assert!(kinds.len() <= 2, "{kinds:?}");
    assert!(bound.end.hourly_cost() < case.as_is());
}

/// Twelve small pods on two m5.4xlarge of a pool. Three m5.large hold them for $0.288; where the pool may
/// have two nodes in all, one m5.4xlarge stays for $0.768.
#[test]
fn limits_of_a_pool_hold_over_nodes_that_run_and_new_ones() {
    let tier = [("tier", "web")];
    let dump = ["a", "b"].iter().fold(Dump::new(), |dump, name| {
        let dump = dump.node_in(name, "m5.4xlarge", "15890m", "58000Mi", "us-east-1a", &tier);
        dump.pods("web", 6, "450m", "1600Mi", name)
    });
    let pool = |nodes| NodePool {
        name: "web".into(),
        labels: [("tier".to_owned(), "web".to_owned())].into(),
        limits: PoolLimits { nodes, ..PoolLimits::default() },
        ..NodePool::default()
    };
    let end = |nodes| {
        let migration = Case::with(dump.text(), "m5.large", vec![pool(nodes)]).migrate("0");
        (migration.end.plan().bin_count(), migration.end.hourly_cost())
    };
    assert_eq!(end(None), (3, "0.288".parse().unwrap()));
    assert_eq!(end(Some(2)), (1, "0.768".parse().unwrap()));
    // Both that run are beyond a limit of one: they may stay or go, and no other comes.
    assert_eq!(end(Some(1)), (1, "0.768".parse().unwrap()));
    // Six pods more that wait: there is room for them on the nodes that run, and for no node more.
    let waiting = dump.pods("new", 6, "450m", "1600Mi", "");
    let migration = Case::with(waiting.text(), "m5.large", vec![pool(Some(2))]).migrate("0");
    assert!(migration.waiting.is_empty());
    assert_eq!(migration.end.hourly_cost(), "0.768".parse().unwrap());
}

/// Where more nodes run than a pool may have, those that stay are warned of.
#[test]
fn a_pool_that_is_beyond_its_limit_already_is_warned_of() {
    let names = ["a", "b", "c"];
    let tier = [("tier", "web")];
    let dump = names.iter().fold(Dump::new(), |dump, name| {
        let dump = dump.node_in(name, "m5.large", "1930m", "7000Mi", "us-east-1a", &tier);
        dump.pods("web", 2, "450m", "1600Mi", name)
    });
    let labels = [("tier".to_owned(), "web".to_owned())].into();
    let limits = PoolLimits { nodes: Some(1), ..PoolLimits::default() };
    let pool = NodePool { name: "web".into(), labels, limits, ..NodePool::default() };
    let case = Case::with(dump.text(), "m5.large", vec![pool.clone()]);
    let migration = case.migrate("0");
    let policy = Policy { pools: vec![pool], ..Policy::default_for(case.catalog.provider) };
    let warnings = pool_limits::of_migration(&policy, &case.catalog, &migration);
    let words: Vec<&str> = warnings.iter().map(|notice| notice.message.as_str()).collect();
    let expected =
        "at the end of the migration node pool web has 2 nodes, beyond its limit of 1 node: more ran before";
    assert_eq!(words, [expected]);
}

/// An m5.large has room for two pods more, and its pool for no further node: the other three wait on.
#[test]
fn pods_wait_for_what_a_pool_may_not_have() {
    let dump = Dump::new()
        .node_in("a", "m5.large", "1930m", "7000Mi", "us-east-1a", &[("tier", "web")])
        .pods("web", 2, "450m", "1600Mi", "a")
        .pods("new", 2, "450m", "1600Mi", "")
        .pods("big", 3, "1500m", "1600Mi", "");
    let pool = NodePool {
        name: "web".into(),
        labels: [("tier".to_owned(), "web".to_owned())].into(),
        limits: PoolLimits { nodes: Some(1), ..PoolLimits::default() },
        ..NodePool::default()
    };
    let migration = Case::with(dump.text(), "m5.large", vec![pool]).migrate("0");
    assert_eq!(migration.waiting.iter().map(|&(_, n)| n).sum::<u64>(), 3);
    assert_eq!(migration.end.plan().bin_count(), 1);
}

#[test]
fn a_budget_of_one_moves_pods_one_by_one() {
    let case = Case::of(three_half_full().budget("web", "maxUnavailable", json!(1)).text(), "m5.*");
    let migration = case.migrate("0");
    assert_eq!((migration.pods_moved, waves(&migration)), (2, 2));
}

#[test]
fn a_budget_of_none_moves_nothing() {
    let case = Case::of(three_half_full().budget("web", "minAvailable", json!("100%")).text(), "m5.*");
    let migration = case.migrate("0");
    assert!(migration.steps.is_empty());
    assert_eq!(migration.held_nodes, 3);
    // Two budgets about one pod: the eviction API refuses.
    let two = three_half_full()
        .budget("web", "maxUnavailable", json!(3))
        .budget("web", "minAvailable", json!(1))
        .with(|budget| budget["metadata"]["name"] = json!("other"));
    assert!(Case::of(two.text(), "m5.*").migrate("0").steps.is_empty());
}

#[test]
fn steps_that_save_too_little_are_not_taken() {
    let case = Case::of(three_half_full().text(), "m5.*");
    // One m5.large less is 0.096 x 730 = 70.08 a month.
    assert_eq!(case.migrate("70.08").steps.len(), 1);
    assert!(case.migrate("70.09").steps.is_empty());
}

/// A step of several exchanges that save little each is there whatever it has to save, up to what it saves.
#[test]
fn what_a_step_has_to_save_hides_no_step_that_saves_more() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let dump = names.iter().enumerate().fold(Dump::new(), |dump, (place, name)| {
        let dump = dump.node(name, "m5.xlarge", "3920m", "14893Mi").pods("web", 1, "1100m", "2Gi", name);
        if place < 4 { dump.pods("db", 1, "500m", "6Gi", name) } else { dump }
    });
    let case = Case::of(dump.text(), "*");
    let month = |step: &Step| step.saving.checked_mul(730).expect("in range");
    let most = case.migrate("0").steps.iter().map(month).max().expect("a step");
    assert!(most > "200".parse().unwrap(), "{most}");
    for least in ["100", "150", "200", &most.to_string()] {
        let steps = case.migrate(least).steps;
        let saved: Money = steps.iter().map(month).sum();
        assert!(saved >= most, "{least}: {saved} of {most}");
    }
}

#[test]
fn anti_affinity_keeps_nodes() {
    let apart = json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{
        "topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "web"}}}]}});
    let dump = ["a", "b", "c"].iter().fold(Dump::new(), |dump, name| {
        dump.node(name, "m5.large", "1930m", "7000Mi").pods("web", 1, "1000m", "4000Mi", name)
    });
    let case = Case::of(dump.each_pod("web", |pod| pod["spec"]["affinity"] = apart.clone()).text(), "m5.*");
    let migration = case.migrate("0");
    assert_eq!(migration.end.plan().bin_count(), 3);
}

/// Without any time left, pods still leave for room on nodes that run.
#[test]
fn a_deadline_that_has_passed_leaves_what_needs_no_search() {
    let case = Case::of(three_half_full().text(), "m5.*");
    let migration = case.migrate_until(Some(Instant::now()), "0");
    assert_eq!(migration.end.hourly_cost(), "0.192".parse().unwrap());
}

#[test]
fn several_nodes_become_several_others() {
    // Five m5.2xlarge, each with one pod that leaves most of it idle: smaller ones do.
    let names = ["a", "b", "c", "d", "e"];
    let dump = names.iter().fold(Dump::new(), |dump, name| {
        dump.node(name, "m5.2xlarge", "7910m", "29000Mi").pods("big", 1, "4100m", "4000Mi", name)
    });
    let case = Case::of(dump.text(), "m5.*");
    let migration = case.migrate("0");
    assert!(migration.end.hourly_cost() < case.as_is());
    let (removed, added) = case.names(&migration);
    assert!(!removed.is_empty() && !added.is_empty(), "{removed:?} {added:?}");
}

#[test]
fn pods_that_fill_each_others_places_move_all_the_same() {
    // Held pods keep their nodes; cordoned nodes take none.
    let dump = three_half_full()
        .node("d", "m5.large", "1930m", "7000Mi")
        .with(|node| node["spec"]["unschedulable"] = json!(true))
        .pods("db", 1, "100m", "500Mi", "d")
        .with(|pod| pod["metadata"]["annotations"] = json!({"karpenter.sh/do-not-disrupt": "true"}));
    let case = Case::of(dump.text(), "m5.*");
    let migration = case.migrate("0");
    assert_eq!(migration.held_nodes, 1);
    let (removed, _) = case.names(&migration);
    assert_eq!(removed.len(), 1);
    assert!(!removed.contains(&"d".to_owned()));
    let to_d = migration.steps.iter().flat_map(|s| s.waves.iter().flatten()).any(|m| m.to.0 == 3);
    assert!(!to_d);
}

#[test]
fn a_real_cluster_gets_cheaper_on_the_way() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/workloads/aks-cluster-a-running.yaml");
    let case = Case::of(std::fs::read_to_string(path).unwrap(), "Standard_D?s_*");
    let migration = case.migrate("0");
    assert!(migration.refused.is_empty(), "{:?}", migration.refused);
    assert!(migration.end.hourly_cost() < case.as_is());
}

/// A cluster of some nodes with pods of some apps on them, at random but within what they offer.
fn random(seed: u64) -> Dump {
    let mut random = fastrand::Rng::with_seed(seed);
    let sizes = [("m5.large", 1930, 7000), ("m5.xlarge", 3920, 14_500), ("m5.2xlarge", 7910, 29_500)];
    let apps: Vec<(String, u64, u64)> =
        (0..4).map(|app| (format!("app-{app}"), random.u64(1..12) * 100, random.u64(1..12) * 250)).collect();
    let mut dump = Dump::new();
    for node in 0..random.usize(2..6) {
        let name = format!("n{node}");
        let (size, mut cpu, mut memory) = sizes[random.usize(..3)];
        let zone = format!("us-east-1{}", ["a", "b"][random.usize(..2)]);
        dump = dump.node_in(&name, size, &format!("{cpu}m"), &format!("{memory}Mi"), &zone, &[]);
        if random.u8(..8) == 0 {
            dump = dump.with(|node| node["spec"]["unschedulable"] = json!(true));
        }
        for _ in 0..random.usize(..6) {
            let (app, request, need) = &apps[random.usize(..4)];
            if *request <= cpu && *need <= memory {
                dump = dump.pods(app, 1, &format!("{request}m"), &format!("{need}Mi"), &name);
                if random.u8(..12) == 0 {
                    let marks = json!({"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"});
                    dump = dump.with(|pod| pod["metadata"]["annotations"] = marks);
                }
                (cpu, memory) = (cpu - request, memory - need);
            }
        }
    }
    // One app keeps to itself on nodes, one is spread over zones, as far as it is now.
    let apart = json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{
        "topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "app-0"}}}]}});
    let spread = json!([{"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone",
        "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"app": "app-1"}}}]);
    dump = dump
        .each_pod("app-0", |pod| pod["spec"]["affinity"] = apart.clone())
        .each_pod("app-1", |pod| pod["spec"]["topologySpreadConstraints"] = spread.clone());
    match random.u8(..4) {
        0 => dump.budget("app-2", "maxUnavailable", json!(1)),
        1 => dump.budget("app-2", "minAvailable", json!("50%")),
        2 => dump.budget("app-2", "maxUnavailable", json!("30%")).budget("app-3", "minAvailable", json!(1)),
        _ => dump,
    }
}

#[test]
fn whatever_runs_never_gets_dearer_and_no_pod_is_ever_nowhere() {
    let (mut stepped, mut cheaper) = (0, 0);
    for seed in 0..40 {
        let dump = random(seed);
        let text = dump.text();
        if !text.contains("nodeName") {
            continue;
        }
        // `migrate` checks what holds always.
        let case = Case::of(text, "m5.*");
        let migration = case.migrate(if seed % 2 == 0 { "0" } else { "60" });
        stepped += usize::from(!migration.steps.is_empty());
        cheaper += usize::from(migration.end.hourly_cost() < case.as_is());
    }
    // The generator reaches clusters that can be made cheaper, and the two agree.
    assert!(stepped > 20 && stepped == cheaper, "{stepped} {cheaper}");
}

#[test]
fn what_is_not_possible_is_found() {
    let dump = three_half_full().budget("web", "maxUnavailable", json!(1));
    let case = Case::of(dump.text(), "m5.*");
    let good = case.migrate("0");
    let broken = |change: &dyn Fn(&mut Vec<Step>)| {
        let mut steps = good.steps.clone();
        change(&mut steps);
        check::replay(&case.ground(), &good.added, &steps).unwrap_err()
    };
    let removed = good.steps[0].remove[0];
    let other = NodeId(if removed.0 == 0 { 1 } else { 0 });
    assert_eq!(broken(&|s| drop(s[0].waves.pop())), Flaw::NotEmpty(removed));
    assert_eq!(broken(&|s| s[0].saving = Money::ZERO), Flaw::Saving);
    assert_eq!(broken(&|s| s[0].add.push(NodeId(7))), Flaw::NotThere(NodeId(7)));
    let more = broken(&|s| s[0].remove.push(other));
    assert!(matches!(more, Flaw::NotEmpty(n) | Flaw::MayNotTake { node: n, .. } if n == other), "{more}");
    let both = |s: &mut Vec<Step>| {
        let second = s[0].waves.remove(1);
        s[0].waves[0].extend(second);
    };
    assert_eq!(broken(&both), Flaw::Budget("default/web".to_owned()));
    let item = good.steps[0].waves[0][0].item;
    let back = |s: &mut Vec<Step>| s[0].waves[1][0].to = removed;
    assert_eq!(broken(&back), Flaw::MayNotTake { node: removed, item });
    let full = |s: &mut Vec<Step>| {
        // Four are on one node, and a fifth comes: 5 x 450m > 1930m.
        let to = s[0].waves[0][0].to;
        let third = NodeId((0..3).find(|&n| n != removed.0 && n != to.0).expect("a third node"));
        s[0].waves[1][0].to = to;
        s[0].waves.push(vec![Move { item, from: third, to, pods: 1 }]);
    };
    assert!(matches!(broken(&full), Flaw::Full { .. }));
}
