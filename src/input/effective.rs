//! What a pod takes as a whole: containers, sidecars, init containers, pod-level resources and
//! overhead folded into one amount per resource.
//!
//! The rules are those of k8s.io/component-helpers `resource/helpers.go`, preceded by the API
//! server's defaulting, which raw manifests have not been through.

use crate::units::ResourceName;
use crate::workload::ResourceList;

/// A container's own resources.
#[derive(Debug, Clone, Default)]
pub(super) struct Container {
    pub requests: ResourceList,
    pub limits: ResourceList,
    /// `restartPolicy: Always` on an init container: a sidecar, which keeps running.
    pub sidecar: bool,
}

/// Everything of a pod spec that decides its size.
#[derive(Debug, Clone, Default)]
pub(super) struct PodResources {
    pub containers: Vec<Container>,
    pub init_containers: Vec<Container>,
    /// `spec.resources.requests`.
    pub pod_requests: ResourceList,
    /// `spec.resources.limits`.
    pub pod_limits: ResourceList,
    pub overhead: ResourceList,
}

/// Effective requests and limits of one pod.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Effective {
    pub requests: ResourceList,
    /// Only resources that every running container limits: a pod with one unlimited container is
    /// unlimited.
    pub limits: ResourceList,
}

/// A sum of this resource that 64 bits do not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Overflow(pub ResourceName);

impl PodResources {
    /// Folds the pod's parts together.
    pub fn effective(mut self) -> Result<Effective, Overflow> {
        for container in self.containers.iter_mut().chain(&mut self.init_containers) {
            // The API server's defaulting: a limit without a request is also the request.
            for (resource, limit) in &container.limits {
                container.requests.entry(resource.clone()).or_insert(*limit);
            }
        }
        let mut requests = self.fold(|container| &container.requests)?;
        let mut limits = self.fold(|container| &container.limits)?;
        limits.retain(|resource, _| self.running().all(|c| c.limits.contains_key(resource)));

        let pod_level = |resource: &ResourceName| match resource {
            ResourceName::Cpu | ResourceName::Memory => true,
            other => other.as_str().starts_with("hugepages-"),
        };
        for (resource, limit) in self.pod_limits.iter().filter(|(resource, _)| pod_level(resource)) {
            limits.insert(resource.clone(), *limit);
            // Defaulting again: containers' requests stand, else the pod's limit is its request.
            requests.entry(resource.clone()).or_insert(*limit);
        }
        for (resource, request) in self.pod_requests.iter().filter(|(resource, _)| pod_level(resource)) {
            requests.insert(resource.clone(), *request);
        }
        for (resource, overhead) in &self.overhead {
            add(&mut requests, resource, *overhead)?;
            if limits.contains_key(resource) {
                add(&mut limits, resource, *overhead)?;
            }
        }
        Ok(Effective { requests, limits })
    }

    /// Containers that run together for the pod's life.
    fn running(&self) -> impl Iterator<Item = &Container> {
        self.containers.iter().chain(self.init_containers.iter().filter(|c| c.sidecar))
    }

    /// max(everything that keeps running, the largest moment of the init phase), per resource.
    fn fold(&self, amounts: impl Fn(&Container) -> &ResourceList) -> Result<ResourceList, Overflow> {
        let mut running = ResourceList::new();
        for container in self.running() {
            add_all(&mut running, amounts(container))?;
        }
        let mut sidecars = ResourceList::new();
        for container in &self.init_containers {
            let mut moment = sidecars.clone();
            add_all(&mut moment, amounts(container))?;
            if container.sidecar {
                sidecars.clone_from(&moment);
            }
            for (resource, amount) in moment {
                let largest = running.entry(resource).or_default();
                *largest = amount.max(*largest);
            }
        }
        Ok(running)
    }
}

fn add_all(sum: &mut ResourceList, amounts: &ResourceList) -> Result<(), Overflow> {
    amounts.iter().try_for_each(|(resource, amount)| add(sum, resource, *amount))
}

fn add(sum: &mut ResourceList, resource: &ResourceName, amount: u64) -> Result<(), Overflow> {
    if let Some(total) = sum.get_mut(resource) {
        *total = total.checked_add(amount).ok_or_else(|| Overflow(resource.clone()))?;
    } else {
        sum.insert(resource.clone(), amount);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ResourceName::{Cpu, Memory};

    fn list(cpu: Option<u64>, memory: Option<u64>) -> ResourceList {
        [(Cpu, cpu), (Memory, memory)].into_iter().filter_map(|(r, a)| a.map(|a| (r, a))).collect()
    }
    fn requesting(cpu: u64, memory: u64) -> Container {
        Container { requests: list(Some(cpu), Some(memory)), ..Container::default() }
    }
    fn sidecar(cpu: u64, memory: u64) -> Container {
        Container { sidecar: true, ..requesting(cpu, memory) }
    }
    fn requests(pod: PodResources) -> ResourceList {
        pod.effective().unwrap().requests
    }

    #[test]
    fn containers_add_up() {
        let pod =
            PodResources { containers: vec![requesting(100, 10), requesting(250, 5)], ..Default::default() };
        assert_eq!(requests(pod), list(Some(350), Some(15)));
    }

    #[test]
    fn a_container_without_requests_adds_nothing() {
        let pod = PodResources {
            containers: vec![requesting(100, 10), Container::default()],
            ..Default::default()
        };
        assert_eq!(requests(pod), list(Some(100), Some(10)));
        let pod = PodResources { containers: vec![Container::default()], ..Default::default() };
        assert_eq!(requests(pod), ResourceList::new());
    }

    #[test]
    fn a_limit_without_a_request_is_the_request() {
        let container = Container {
            requests: list(Some(100), None),
            limits: list(Some(200), Some(64)),
            ..Container::default()
        };
        let effective =
            PodResources { containers: vec![container], ..Default::default() }.effective().unwrap();
        assert_eq!(effective.requests, list(Some(100), Some(64)));
        assert_eq!(effective.limits, list(Some(200), Some(64)));
    }

    #[test]
    fn the_largest_init_container_counts_where_it_exceeds_the_containers() {
        let pod = PodResources {
            containers: vec![requesting(100, 10)],
            init_containers: vec![requesting(50, 40), requesting(300, 20)],
            ..Default::default()
        };
        // Per resource: cpu of the second, memory of the first; init containers never run together.
        assert_eq!(requests(pod), list(Some(300), Some(40)));
    }

    #[test]
    fn sidecars_run_beside_the_containers() {
        let pod = PodResources {
            containers: vec![requesting(100, 10)],
            init_containers: vec![sidecar(50, 5)],
            ..Default::default()
        };
        assert_eq!(requests(pod), list(Some(150), Some(15)));
    }

    #[test]
    fn an_init_container_runs_beside_the_sidecars_declared_before_it_only() {
        let walk = |init: Vec<Container>| {
            requests(PodResources {
                containers: vec![requesting(10, 1)],
                init_containers: init,
                ..Default::default()
            })
        };
        // 200 + 50 of the sidecar before it; A = 10 + 50.
        assert_eq!(walk(vec![sidecar(50, 1), requesting(200, 1)]), list(Some(250), Some(2)));
        // The sidecar comes later: 200 alone against A = 10 + 50.
        assert_eq!(walk(vec![requesting(200, 1), sidecar(50, 1)]), list(Some(200), Some(2)));
        // Sidecars 50 + 60 before the init container of 30: B = 140, A = 10 + 110.
        assert_eq!(walk(vec![sidecar(50, 1), sidecar(60, 1), requesting(30, 1)]), list(Some(140), Some(3)));
    }

    #[test]
    fn pod_level_requests_replace_cpu_and_memory() {
        let pod = PodResources {
            containers: vec![requesting(100, 10)],
            init_containers: vec![requesting(500, 50)],
            pod_requests: list(Some(300), None),
            ..Default::default()
        };
        assert_eq!(requests(pod), list(Some(300), Some(50)));
    }

    #[test]
    fn pod_level_requests_leave_other_resources_alone() {
        let gpu = ResourceName::Extended("nvidia.com/gpu".into());
        let mut container = requesting(100, 10);
        container.requests.insert(gpu.clone(), 1);
        let pod = PodResources {
            containers: vec![container],
            pod_requests: [(gpu.clone(), 7), (ResourceName::Extended("hugepages-2Mi".into()), 4)].into(),
            ..Default::default()
        };
        let requests = requests(pod);
        assert_eq!(requests[&gpu], 1);
        assert_eq!(requests[&ResourceName::Extended("hugepages-2Mi".into())], 4);
    }

    #[test]
    fn pod_level_limits_default_requests_that_no_container_makes() {
        let pod = PodResources {
            containers: vec![Container { requests: list(Some(100), None), ..Container::default() }],
            pod_limits: list(Some(400), Some(64)),
            ..Default::default()
        };
        let effective = pod.effective().unwrap();
        assert_eq!(effective.requests, list(Some(100), Some(64)));
        assert_eq!(effective.limits, list(Some(400), Some(64)));
    }

    #[test]
    fn overhead_comes_on_top_of_everything() {
        let pod = PodResources {
            containers: vec![Container { limits: list(None, Some(20)), ..requesting(100, 10) }],
            pod_requests: list(Some(300), None),
            overhead: list(Some(7), Some(3)),
            ..Default::default()
        };
        let effective = pod.effective().unwrap();
        assert_eq!(effective.requests, list(Some(307), Some(13)));
        assert_eq!(effective.limits, list(None, Some(23)), "no cpu limit, so none from overhead");
    }

    #[test]
    fn one_unlimited_container_leaves_the_pod_unlimited() {
        let limited = |cpu, memory| Container { limits: list(cpu, memory), ..Container::default() };
        let limits = |containers, init_containers| {
            PodResources { containers, init_containers, ..Default::default() }.effective().unwrap().limits
        };
        assert_eq!(
            limits(vec![limited(Some(100), Some(10)), limited(None, Some(20))], vec![]),
            list(None, Some(30))
        );
        let open_sidecar = Container { sidecar: true, ..Container::default() };
        assert_eq!(limits(vec![limited(Some(100), None)], vec![open_sidecar]), ResourceList::new());
        // An init container is gone when the pod runs.
        assert_eq!(limits(vec![limited(Some(100), None)], vec![Container::default()]), list(Some(100), None));
        assert_eq!(
            limits(vec![limited(Some(100), None)], vec![limited(Some(300), None)]),
            list(Some(300), None)
        );
    }

    #[test]
    fn sums_past_64_bits_are_refused() {
        let pod = PodResources {
            containers: vec![requesting(1, u64::MAX), requesting(1, 1)],
            ..Default::default()
        };
        assert_eq!(pod.effective(), Err(Overflow(Memory)));
    }
}
