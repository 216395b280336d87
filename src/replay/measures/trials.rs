//! Whether nothing stays pending in any run, and what finding that out took.

use std::cell::{Cell, RefCell};

use rayon::prelude::*;

use super::Help;
use crate::replay::cluster::Cluster;
use crate::replay::scheduler::Scheduler;
use crate::replay::{Order, Profile, Run, Settings, order, replay};

/// What a run takes beside looking at nodes, as so many looks: making the scheduler.
const LOOKS_TO_BEGIN: u64 = 1000;

/// Runs of clusters, counted by looks at a node for a pod: the same on every machine.
#[derive(Debug)]
pub(super) struct Trials {
    /// Those that failed last go first, for these mostly fail again.
    runs: RefCell<Vec<(Order, u64)>>,
    looks: Cell<u64>,
}

impl Trials {
    pub(super) fn new(help: &Help) -> Self {
        let seeds = |&order: &Order| help.seeds.iter().map(move |&seed| (order, seed));
        Trials { runs: RefCell::new(help.orders.iter().flat_map(seeds).collect()), looks: Cell::new(0) }
    }

    /// Whether no run leaves a pod pending.
    pub(super) fn settles(&self, cluster: &Cluster, profile: Profile) -> bool {
        let mut runs = self.runs.borrow_mut();
        // Pods that are placed before one is not.
        let strands = |&(order, seed): &(Order, u64)| {
            let mut scheduler = Scheduler::new(cluster, profile, seed);
            order::queue(cluster, order, seed).into_iter().position(|w| scheduler.place(w).is_none())
        };
        let Some(first) = runs.first() else { return true };
        if let Some(placed) = strands(first) {
            self.count(placed as u64, cluster);
            return false;
        }
        self.count(cluster.pods().saturating_mul(runs.len() as u64), cluster);
        // The first of them, so that the next trial begins with the same one every time.
        let failed = runs[1..].par_iter().position_first(|run| strands(run).is_some());
        if let Some(failed) = failed {
            runs[..=failed + 1].rotate_right(1);
        }
        failed.is_none()
    }

    /// Every run to its end.
    pub(super) fn replay(&self, cluster: &Cluster, settings: &Settings) -> Vec<Run> {
        let runs = replay(cluster, settings);
        self.count(cluster.pods().saturating_mul(runs.len() as u64), cluster);
        runs
    }

    /// Looks so far.
    pub(super) fn looks(&self) -> u64 {
        self.looks.get()
    }

    fn count(&self, pods: u64, cluster: &Cluster) {
        let looks = pods.saturating_mul(cluster.nodes.len() as u64).saturating_add(LOOKS_TO_BEGIN);
        self.looks.set(self.looks().saturating_add(looks));
    }
}

/// Looks that a run takes, about.
pub(super) fn looks(cluster: &Cluster) -> u64 {
    cluster.pods().saturating_mul(cluster.nodes.len() as u64).saturating_add(LOOKS_TO_BEGIN)
}
