//! From a cluster that runs to a cheaper one: small cases with a known answer, and what must hold for all.

use plimsoll::catalog::{Architecture, Catalog};
use plimsoll::formulate::standing::{self, Standing};
use plimsoll::input::{ReadOptions, Source, catalog_file, read_cluster};
use plimsoll::migration::check::{self, Ground};
use plimsoll::migration::{Migration, Settings, migrate};
use plimsoll::observed::ObservedCluster;
use plimsoll::policy::Policy;
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
        let source = Source { name: "dump".to_owned(), bytes: text.into_bytes() };
        let (set, observed) = read_cluster(&[source], &ReadOptions::default()).expect("a readable dump");
        let (provider, region) = observed.home().expect("a provider and its region");
        let catalog = catalog_file::by_region(provider, &region).expect("a bundled catalog").read();
        let mut policy = Policy::default_for(catalog.provider);
        policy.zones = observed.zones();
        policy.types.include = vec![types.to_owned()];
        policy.types.architectures = vec![Architecture::Amd64];
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
        verify_plan(&self.standing.problem, self.standing.as_is()).expect("a cluster that runs").hourly_cost()
    }

    fn migrate(&self, min_saving: &str) -> Migration {
        let min_saving = min_saving.parse().expect("an amount");
        let settings = Settings { min_saving, effort: Effort::Quick, seed: 0, cancel: None };
        let migration = migrate(&self.ground(), &settings).expect("a migration");
        // What holds always.
        assert!(migration.end.hourly_cost() <= self.as_is());
        check::replay(&self.ground(), &migration.added, &migration.steps).expect("a way that is possible");
        for step in &migration.steps {
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
    let case = Case::of(std::fs::read_to_string(path).unwrap(), "*");
    let migration = case.migrate("0");
    assert!(migration.refused.is_empty(), "{:?}", migration.refused);
    assert!(migration.end.hourly_cost() < case.as_is());
}
