//! Spot capacity: which pods may lie on it, and what its nodes are called.
//!
//! A workload is divided before it is formulated: the pods that may lie on spot nodes are a workload of their
//! own (`web@spot`), the others stay where they were. So every floor above sees two workloads, as the cluster
//! does, where they are two Deployments. Spot nodes are a pool of their own, with the provider's label and a
//! taint, beside every other pool; they cost the catalog's spot rate, and a type without one has none.
//!
//! To be spread over k types, the pods are dealt out to k groups and the types too, next to each other in price,
//! so that no type that is taken back takes more than its group's share of a workload with it.

use std::collections::BTreeMap;

use crate::catalog::{Catalog, InstanceType, Provider};
use crate::policy::{SpotPolicy, Taint, TaintEffect};
use crate::units::PartsPerMillion;
use crate::workload::{
    LabelExpression, LabelOperator, PlacementRules, SPOT_MARK, SpotPart, Toleration, Workload, WorkloadId,
    WorkloadSet,
};

/// Labels by which nodes are spot nodes, with their value: Karpenter, EKS, GKE, AKS.
const LABELS: [(&str, &str); 4] = [
    ("karpenter.sh/capacity-type", "spot"),
    ("eks.amazonaws.com/capacityType", "SPOT"),
    ("cloud.google.com/gke-spot", "true"),
    ("kubernetes.azure.com/scalesetpriority", "spot"),
];

/// The labels of a provider's spot nodes; the first is also the taint.
fn provider_labels(provider: Provider) -> &'static [(&'static str, &'static str)] {
    match provider {
        Provider::Aws => &LABELS[..2],
        Provider::Other => &LABELS[..1],
        Provider::Gcp => &LABELS[2..3],
        Provider::Azure => &LABELS[3..],
    }
}

/// The labels of a provider's spot nodes.
pub fn spot_labels(provider: Provider) -> BTreeMap<String, String> {
    provider_labels(provider).iter().map(|&(k, v)| (k.to_owned(), v.to_owned())).collect()
}

/// The taint of a provider's spot nodes: AKS sets it, elsewhere whoever makes the nodes does.
pub fn spot_taint(provider: Provider) -> Taint {
    let (key, value) = provider_labels(provider)[0];
    Taint { key: key.to_owned(), value: value.to_owned(), effect: TaintEffect::NoSchedule }
}

/// Whether a node with these labels is a spot node.
pub fn is_spot_node(labels: &BTreeMap<String, String>) -> bool {
    LABELS.iter().any(|&(key, value)| labels.get(key).is_some_and(|have| have == value))
}

/// Whether a label says that a node is a spot node.
pub fn is_spot_label(key: &str) -> bool {
    LABELS.iter().any(|&(known, _)| known == key)
}

/// Whether pods may only lie on spot nodes, by their node selector or by every term of their affinity.
fn asks_for_spot(rules: &PlacementRules) -> bool {
    let is = |key: &str, value: &String| LABELS.iter().any(|&(k, v)| k == key && v == value);
    let term = |expressions: &[LabelExpression]| {
        expressions.iter().any(|e| {
            e.operator == LabelOperator::In && !e.values.is_empty() && e.values.iter().all(|v| is(&e.key, v))
        })
    };
    rules.node_selector.iter().any(|(key, value)| is(key, value))
        || (!rules.node_affinity.is_empty() && rules.node_affinity.iter().all(|t| term(&t.expressions)))
}

/// Divides every workload into the pods that stay on demand and those that may lie on spot nodes. At most the
/// share, rounded down to pods, may: of 5 pods at 50 %, two. Workloads that ask for spot nodes by label may
/// lie there with all their pods.
///
/// Where no workload may, the set comes back as it was.
pub fn split_spot(set: &WorkloadSet, policy: &SpotPolicy, provider: Provider) -> WorkloadSet {
    let groups = policy.min_types.unwrap_or(1).max(1);
    let share_of = |w: &Workload| {
        if asks_for_spot(&w.pod.rules) {
            return PartsPerMillion::ONE;
        }
        // Parts of what rises and falls would have to do so together: it stays on demand, and a note says so.
        if set.demands.get(&w.id).is_some_and(|demand| !demand.is_constant()) {
            return PartsPerMillion(0);
        }
        w.pod.rules.spot_share.unwrap_or(policy.share).min(PartsPerMillion::ONE)
    };
    let most_interrupted = policy.max_interruption.map(|band| band as u8);
    // Groups are dealt to workloads by name, so that many small ones spread too and the order says nothing.
    let mut order: Vec<usize> = (0..set.workloads.len()).collect();
    order.sort_by_key(|&w| (&set.workloads[w].id, w));
    let mut first = vec![0u32; set.workloads.len()];
    let mut next = 0u64;
    for w in order {
        first[w] = u32::try_from(next % u64::from(groups)).expect("less than the groups");
        next += share_of(&set.workloads[w]).floor_of(set.workloads[w].replicas) % u64::from(groups);
    }
    // A workload whose volumes lie in several zones is there once for each.
    let mut all: BTreeMap<&WorkloadId, u64> = BTreeMap::new();
    for workload in &set.workloads {
        let sum = all.entry(&workload.id).or_default();
        *sum = sum.saturating_add(workload.replicas);
    }
    let taint = spot_taint(provider);
    let toleration = Toleration { key: Some(taint.key), value: Some(taint.value), effect: None };
    let mut workloads = Vec::with_capacity(set.workloads.len());
    for (workload, first) in set.workloads.iter().zip(first) {
        let share = share_of(workload);
        let on_spot = share.floor_of(workload.replicas);
        // The part that stays is settled: none of it may lie on spot nodes.
        let mut stays = Workload { replicas: workload.replicas - on_spot, ..workload.clone() };
        if set.demands.get(&workload.id).is_none_or(|demand| demand.is_constant()) {
            stays.pod.rules.spot_share = stays.pod.rules.spot_share.map(|_| PartsPerMillion(0));
        }
        let stays_some = stays.replicas > 0 || on_spot == 0;
        if stays_some {
            workloads.push(stays);
        }
        if on_spot == 0 {
            continue;
        }
        for turn in 0..groups {
            let pods = on_spot / u64::from(groups) + u64::from(u64::from(turn) < on_spot % u64::from(groups));
            if pods == 0 {
                continue;
            }
            let group = (first + turn) % groups;
            let mut part = Workload { replicas: pods, ..workload.clone() };
            if groups > 1 {
                part.id.name += &format!("{SPOT_MARK}-{}", group + 1);
            } else if stays_some {
                part.id.name += SPOT_MARK;
            }
            let of = all[&workload.id];
            part.pod.rules.spot = Some(SpotPart { of, share, group, groups, most_interrupted });
            part.pod.rules.tolerations.push(toleration.clone());
            workloads.push(part);
        }
    }
    let any = workloads.iter().any(|w| w.pod.rules.spot.is_some());
    let mut daemon_sets = set.daemon_sets.clone();
    if any {
        // Nobody runs nodes without them: they come with a toleration, and take their room there too.
        daemon_sets.iter_mut().for_each(|d| d.pod.rules.tolerations.push(toleration.clone()));
    }
    WorkloadSet { workloads, daemon_sets, ..set.clone() }
}

/// What the spot parts of the workloads have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Terms {
    /// Into how many groups types are dealt.
    pub groups: u32,
    /// The highest band that may be bought.
    pub most_interrupted: Option<u8>,
}

/// The terms of workloads, some of which may lie on spot nodes; `None` where none may.
pub(super) fn terms<'a>(mut workloads: impl Iterator<Item = &'a Workload>) -> Option<Terms> {
    let part = workloads.find_map(|w| w.pod.rules.spot)?;
    Some(Terms { groups: part.groups.max(1), most_interrupted: part.most_interrupted })
}

/// The group of each type that has a spot rate and is not interrupted too often, `None` for the others. Types
/// are dealt out by the price of a vCPU, so that every group has cheap and dear ones.
pub(super) fn groups(catalog: &Catalog, allowed: &[usize], terms: Terms) -> BTreeMap<usize, u32> {
    let band = |i: usize| catalog.types[i].interruption.map(|band| band as u8);
    let may = |&i: &usize| {
        let seldom = terms.most_interrupted.is_none_or(|most| band(i).is_none_or(|band| band <= most));
        catalog.types[i].spot.is_some() && seldom
    };
    let mut types: Vec<usize> = allowed.iter().copied().filter(may).collect();
    types.dedup();
    types.sort_by(|&a, &b| {
        let (a, b) = (&catalog.types[a], &catalog.types[b]);
        let rate = |t: &InstanceType| u128::from(t.spot.as_ref().map_or(0, |s| s.rate.nanos()));
        let (per_a, per_b) = (rate(a) * u128::from(b.cpu.0), rate(b) * u128::from(a.cpu.0));
        per_a.cmp(&per_b).then_with(|| a.name.cmp(&b.name))
    });
    types.into_iter().zip((0..terms.groups).cycle()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::{PodTemplate, WorkloadKind};

    fn workload(name: &str, replicas: u64, share: Option<u32>) -> Workload {
        let mut pod = PodTemplate::default();
        pod.rules.spot_share = share.map(|percent| PartsPerMillion(percent * 10_000));
        let id = WorkloadId {
            namespace: "default".to_owned(),
            kind: WorkloadKind::Component,
            name: name.to_owned(),
        };
        Workload { id, replicas, pod, owners: Default::default(), current_type: None }
    }

    fn parts(workloads: Vec<Workload>, policy: SpotPolicy) -> Vec<(String, u64, Option<u32>)> {
        let set = WorkloadSet { workloads, ..WorkloadSet::default() };
        let split = split_spot(&set, &policy, Provider::Aws);
        let row = |w: &Workload| (w.id.name.clone(), w.replicas, w.pod.rules.spot.map(|s| s.group));
        split.workloads.iter().map(row).collect()
    }

    #[test]
    fn the_on_demand_part_is_rounded_up() {
        // Half of 5 are 2.5: three stay. All of 2 keep their name. A tenth of 3 is no pod.
        let all = vec![
            workload("web", 5, Some(50)),
            workload("batch", 2, Some(100)),
            workload("db", 3, Some(10)),
            workload("api", 4, None),
        ];
        let policy = SpotPolicy { share: PartsPerMillion(250_000), ..SpotPolicy::default() };
        let expected = [
            ("web", 3, None),
            ("web@spot", 2, Some(0)),
            ("batch", 2, Some(0)),
            ("db", 3, None),
            ("api", 3, None),
            ("api@spot", 1, Some(0)),
        ];
        let expected: Vec<_> = expected.map(|(n, r, g)| (n.to_owned(), r, g)).to_vec();
        assert_eq!(parts(all, policy), expected);
    }

    #[test]
    fn pods_are_dealt_out_over_groups_of_types_and_small_workloads_begin_at_different_ones() {
        let policy = SpotPolicy { min_types: Some(3), ..SpotPolicy::default() };
        // By name: a takes 2 of three groups from 0 on, b one from group 2 on, c all from 0 on.
        let all = vec![workload("c", 7, Some(100)), workload("b", 1, Some(100)), workload("a", 2, Some(100))];
        let expected = [
            ("c@spot-1", 3, Some(0)),
            ("c@spot-2", 2, Some(1)),
            ("c@spot-3", 2, Some(2)),
            ("b@spot-3", 1, Some(2)),
            ("a@spot-1", 1, Some(0)),
            ("a@spot-2", 1, Some(1)),
        ];
        let expected: Vec<_> = expected.map(|(n, r, g)| (n.to_owned(), r, g)).to_vec();
        assert_eq!(parts(all, policy), expected);
        let whole = |name: &str| workload(name, 1, None).id.whole_name().to_owned();
        assert_eq!((whole("c@spot-2").as_str(), whole("spot").as_str()), ("c", "spot"));
    }

    #[test]
    fn who_asks_for_spot_by_label_may_lie_there_and_nobody_else_unasked() {
        let mut asking = workload("batch", 2, None);
        asking.pod.rules.node_selector.insert("karpenter.sh/capacity-type".to_owned(), "spot".to_owned());
        let mut other = workload("web", 2, None);
        other.pod.rules.node_selector.insert("karpenter.sh/capacity-type".to_owned(), "on-demand".to_owned());
        let found = parts(vec![asking, other], SpotPolicy::default());
        assert_eq!(found, [("batch".to_owned(), 2, Some(0)), ("web".to_owned(), 2, None)]);
    }

    #[test]
    fn a_set_without_spot_stays_as_it_was() {
        let set = WorkloadSet { workloads: vec![workload("web", 5, None)], ..WorkloadSet::default() };
        assert_eq!(split_spot(&set, &SpotPolicy::default(), Provider::Aws), set);
    }
}
