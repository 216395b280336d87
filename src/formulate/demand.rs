//! What one pod takes of each resource under a policy.

use crate::policy::{PackingBasis, Policy};
use crate::units::ResourceName;
use crate::workload::{PodTemplate, ResourceList};

/// A pod's amounts as the plan counts them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodDemand {
    /// By the packing basis, per resource; pod slot and volumes included.
    pub demand: ResourceList,
    /// Limits, or the request where there is no limit.
    pub limits: ResourceList,
}

/// What a pod of this template takes.
pub fn pod_demand(pod: &PodTemplate, policy: &Policy) -> PodDemand {
    let mut requests = pod.requests.clone();
    for (resource, &amount) in &policy.default_requests {
        let limit = pod.limits.get(resource).copied().unwrap_or(u64::MAX);
        requests.entry(resource.clone()).or_insert(amount.min(limit));
    }
    let mut limits = requests.clone();
    for (resource, &limit) in &pod.limits {
        let entry = limits.entry(resource.clone()).or_insert(limit);
        // A limit below the request cannot be; the larger one is safe.
        *entry = limit.max(*entry);
    }
    let mut demand = match policy.basis {
        PackingBasis::Requests => requests,
        PackingBasis::Limits => limits.clone(),
        PackingBasis::Blend(share) => {
            let mut blend = requests;
            for (resource, &limit) in &limits {
                let request = blend.entry(resource.clone()).or_insert(0);
                *request += share.ceil_of(limit - *request);
            }
            blend
        }
    };
    let volumes = pod.rules.volumes.len() as u64;
    if volumes > 0 {
        let attached = demand.entry(ResourceName::Volumes).or_insert(0);
        *attached = volumes.max(*attached);
    }
    demand.insert(ResourceName::Pods, 1);
    PodDemand { demand, limits }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Provider;
    use crate::units::PartsPerMillion;

    fn list(amounts: &[(ResourceName, u64)]) -> ResourceList {
        amounts.iter().cloned().collect()
    }

    fn pod() -> PodTemplate {
        PodTemplate {
            requests: list(&[(ResourceName::Cpu, 100)]),
            limits: list(&[(ResourceName::Cpu, 401), (ResourceName::Memory, 1000)]),
            ..PodTemplate::default()
        }
    }

    fn demand(basis: PackingBasis) -> ResourceList {
        pod_demand(&pod(), &Policy { basis, ..Policy::default_for(Provider::Other) }).demand
    }

    #[test]
    fn the_basis_decides_between_requests_limits_and_a_blend() {
        use ResourceName::{Cpu, Memory, Pods};
        assert_eq!(demand(PackingBasis::Requests), list(&[(Cpu, 100), (Pods, 1)]));
        assert_eq!(demand(PackingBasis::Limits), list(&[(Cpu, 401), (Memory, 1000), (Pods, 1)]));
        // A quarter: 100 + ceil(301 / 4) = 176; memory ceil(1000 / 4).
        let blend = demand(PackingBasis::Blend(PartsPerMillion(250_000)));
        assert_eq!(blend, list(&[(Cpu, 176), (Memory, 250), (Pods, 1)]));
    }

    #[test]
    fn a_default_request_stands_in_where_none_is_given_and_keeps_below_the_limit() {
        let policy = Policy {
            default_requests: list(&[(ResourceName::Cpu, 250), (ResourceName::Memory, 2000)]),
            ..Policy::default_for(Provider::Other)
        };
        let found = pod_demand(&pod(), &policy).demand;
        let expected = [(ResourceName::Cpu, 100), (ResourceName::Memory, 1000), (ResourceName::Pods, 1)];
        assert_eq!(found, list(&expected));
    }

    #[test]
    fn limits_fall_back_to_requests() {
        let mut pod = pod();
        pod.limits.clear();
        let found = pod_demand(&pod, &Policy::default_for(Provider::Other)).limits;
        assert_eq!(found, list(&[(ResourceName::Cpu, 100)]));
    }
}
