//! The scores of a node for a pod, in the integers and truncations of the scheduler's own plugins.

use std::fmt;
use std::str::FromStr;

use super::cluster::{CPU, MEMORY};

/// The highest score of a plugin.
pub(super) const MAX: i64 = 100;
/// Weight of `PodTopologySpread` among the default plugins; the resource scores weigh one.
pub(super) const SPREAD_WEIGHT: i64 = 2;
/// What scoring takes a container to request of cpu where it requests nothing (kube-scheduler,
/// `pkg/scheduler/util`).
const ASSUMED_CPU: u64 = 100;
/// The same of memory: 200 MiB.
const ASSUMED_MEMORY: u64 = 200 << 20;

/// How the scheduler is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Profile {
    /// As it comes: `NodeResourcesFit` with `LeastAllocated`, and balanced allocation.
    Default,
    /// `NodeResourcesFit` with `MostAllocated`, balanced allocation disabled.
    MostAllocated,
}

impl Profile {
    /// All profiles.
    pub const ALL: [Profile; 2] = [Profile::Default, Profile::MostAllocated];

    /// As an option value names it.
    pub fn name(self) -> &'static str {
        match self {
            Profile::Default => "default",
            Profile::MostAllocated => "most-allocated",
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Profile {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Profile::ALL
            .into_iter()
            .find(|profile| profile.name() == text)
            .ok_or_else(|| "write default or most-allocated".to_owned())
    }
}

/// Cpu and memory of a node or a pod, in the scheduler's two ways of counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct Load {
    /// As requested.
    pub real: [u64; 2],
    /// With what scoring assumes where nothing is requested.
    pub assumed: [u64; 2],
}

impl Load {
    /// One pod.
    pub fn of_pod(requests: &[u64]) -> Self {
        let or = |amount, assumed| if amount == 0 { assumed } else { amount };
        Load {
            real: [requests[CPU], requests[MEMORY]],
            assumed: [or(requests[CPU], ASSUMED_CPU), or(requests[MEMORY], ASSUMED_MEMORY)],
        }
    }

    /// Both together.
    pub fn plus(self, other: Load) -> Self {
        let sum = |a: [u64; 2], b: [u64; 2]| [a[0] + b[0], a[1] + b[1]];
        Load { real: sum(self.real, other.real), assumed: sum(self.assumed, other.assumed) }
    }

    /// Without a pod that is in it.
    pub fn minus(self, other: Load) -> Self {
        let less = |a: [u64; 2], b: [u64; 2]| [a[0] - b[0], a[1] - b[1]];
        Load { real: less(self.real, other.real), assumed: less(self.assumed, other.assumed) }
    }
}

/// The resource plugins' score of a node that would take a pod.
pub(super) fn resources(profile: Profile, node: Load, pod: Load, allocatable: [u64; 2]) -> i64 {
    let after = node.plus(pod);
    match profile {
        Profile::Default => {
            least_allocated(after.assumed, allocatable)
                + if pod.real == [0, 0] { 0 } else { balanced(node.real, after.real, allocatable) }
        }
        Profile::MostAllocated => most_allocated(after.assumed, allocatable),
    }
}

fn least_allocated(requested: [u64; 2], allocatable: [u64; 2]) -> i64 {
    average(requested, allocatable, |used, of| if used > of { 0 } else { (of - used) * 100 / of })
}

fn most_allocated(requested: [u64; 2], allocatable: [u64; 2]) -> i64 {
    average(requested, allocatable, |used, of| used.min(of) * 100 / of)
}

/// The mean over the resources that the node has, each truncated, truncated again.
fn average(requested: [u64; 2], allocatable: [u64; 2], score: impl Fn(u64, u64) -> u64) -> i64 {
    let (mut sum, mut resources) = (0, 0);
    for (used, of) in requested.into_iter().zip(allocatable) {
        if of > 0 {
            sum += score(used, of);
            resources += 1;
        }
    }
    sum.checked_div(resources).map_or(0, |mean: u64| mean as i64)
}

/// By how much the pod brings cpu and memory into balance: 75 for not at all, within 50 to 100. Until
/// v1.35 the balance with the pod alone counted (kubernetes/kubernetes#135573).
fn balanced(before: [u64; 2], after: [u64; 2], allocatable: [u64; 2]) -> i64 {
    let change = balance(after, allocatable) - balance(before, allocatable);
    MAX / 2 + (MAX / 2 + change) / 2
}

/// One less the standard deviation of the used shares, of which there are two. In floats, as the
/// scheduler has it: a score is no sum of resources.
fn balance(requested: [u64; 2], allocatable: [u64; 2]) -> i64 {
    if allocatable.contains(&0) {
        return MAX;
    }
    let share = |k: usize| (requested[k] as f64 / allocatable[k] as f64).min(1.0);
    let deviation = ((share(CPU) - share(MEMORY)) / 2.0).abs();
    ((1.0 - deviation) * MAX as f64) as i64
}

/// A node's score for topology spread before it is set in relation to the others: matching pods on
/// the node and in its zone, weighted by the logarithm of how many there are of each.
pub(super) fn spread(on_node: u32, in_zone: u32, node_weight: f64, zone_weight: f64) -> i64 {
    // maxSkew - 1 of the system's default constraints: 3 by host name, 5 by zone.
    (f64::from(on_node) * node_weight + 2.0 + f64::from(in_zone) * zone_weight + 4.0).round() as i64
}

/// The weight of a topology with this many domains.
pub(super) fn spread_weight(domains: usize) -> f64 {
    ((domains + 2) as f64).ln()
}

/// A spread score on the scale of all others; fewest pods are best.
pub(super) fn normalised(score: i64, least: i64, most: i64) -> i64 {
    if most == 0 { MAX } else { MAX * (most + least - score) / most }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: [u64; 2] = [4000, 16 << 30];

    #[test]
    fn least_allocated_is_the_mean_of_truncated_shares() {
        // cpu (4000 - 1000) / 4000 = 75, memory (16 - 5) / 16 = 68.75 -> 68; (75 + 68) / 2 = 71.5 -> 71.
        assert_eq!(least_allocated([1000, 5 << 30], NODE), 71);
        assert_eq!(least_allocated([4001, 5 << 30], NODE), 34);
        assert_eq!(most_allocated([1000, 5 << 30], NODE), 28);
    }

    #[test]
    fn balance_counts_by_its_change() {
        // Before: 0 and 0, balance 100. After: 0.5 and 0.25, deviation 0.125, balance 87.
        assert_eq!(balanced([0, 0], [2000, 4 << 30], NODE), 50 + (50 - 13) / 2);
        assert_eq!(balanced([2000, 4 << 30], [2000, 8 << 30], NODE), 50 + (50 + 13) / 2);
        assert_eq!(balanced([1000, 4 << 30], [2000, 8 << 30], NODE), 75);
    }

    #[test]
    fn a_pod_without_requests_is_scored_as_if_it_had_some_and_not_for_balance() {
        let pod = Load::of_pod(&[0, 0]);
        assert_eq!(pod.assumed, [100, 200 << 20]);
        // cpu 97.5 -> 97; memory (16384 - 200) / 16384 -> 98; mean 97.5 -> 97.
        assert_eq!(resources(Profile::Default, Load::default(), pod, NODE), 97);
    }

    #[test]
    fn spread_prefers_fewer_pods_and_waters_small_differences_down() {
        let weight = spread_weight(10);
        let (empty, two) = (spread(0, 0, weight, weight), spread(2, 0, weight, weight));
        // ln 12 = 2.485: 6, and 2 x 2.485 + 6 = 10.97 -> 11.
        assert_eq!((empty, two), (6, 11));
        assert_eq!((normalised(empty, 6, 11), normalised(two, 6, 11)), (100, 54));
    }
}
