//! What nodes that run let pods have, beside what the model says of their types.

use std::collections::BTreeMap;

use crate::catalog::Catalog;
use crate::observed::ObservedCluster;
use crate::policy::Policy;
use crate::units::ResourceName;
use crate::workload::ResourceList;

use super::allocatable::node_capacity;
use super::standing::types_by_label;

/// One type that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calibrated {
    /// Its name in the catalog.
    pub instance_type: String,
    /// How many nodes of it were seen.
    pub nodes: u64,
    /// By resource: cpu, memory, ephemeral storage, pod slots.
    pub resources: Vec<CalibratedResource>,
}

/// One resource of it, in base units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalibratedResource {
    /// Which.
    pub resource: ResourceName,
    /// What the model says that pods may fill; `None` where it says nothing.
    pub modelled: Option<u64>,
    /// The least that any node reports.
    pub least: u64,
    /// The most.
    pub most: u64,
}

/// The types of the nodes that run, by name; nodes whose type the catalog does not have are left out.
pub fn calibrate(observed: &ObservedCluster, catalog: &Catalog, policy: &Policy) -> Vec<Calibrated> {
    const RESOURCES: [ResourceName; 4] =
        [ResourceName::Cpu, ResourceName::Memory, ResourceName::EphemeralStorage, ResourceName::Pods];
    // The model alone, whatever was measured before.
    let policy = Policy { measured: BTreeMap::new(), ..policy.clone() };
    let by_label = types_by_label(catalog);
    let mut seen: BTreeMap<usize, Vec<&ResourceList>> = BTreeMap::new();
    for node in &observed.nodes {
        let known = node.instance_type().and_then(|name| by_label.get(&name.to_lowercase()));
        if let Some(&index) = known {
            seen.entry(index).or_default().push(&node.allocatable);
        }
    }
    let calibrated = |(index, lists): (usize, Vec<&ResourceList>)| {
        let machine = &catalog.types[index];
        let model = node_capacity(machine, catalog.provider, &policy);
        let resources = RESOURCES.iter().filter_map(|resource| {
            let amounts = || lists.iter().filter_map(|list| list.get(resource).copied());
            let modelled = match resource {
                // All vCPUs: how many of them a burstable type's price buys is another matter.
                ResourceName::Cpu => Some(model.cpu.for_pods + model.cpu.beyond_baseline),
                ResourceName::Memory => Some(model.memory.for_pods),
                ResourceName::Pods => model.pods,
                _ => model.storage.map(|storage| storage.for_pods),
            };
            let (least, most) = (amounts().min()?, amounts().max()?);
            Some(CalibratedResource { resource: resource.clone(), modelled, least, most })
        });
        Calibrated {
            instance_type: machine.name.clone(),
            nodes: lists.len() as u64,
            resources: resources.collect(),
        }
    };
    seen.into_iter().map(calibrated).collect()
}

/// What a policy takes over: the least of each, so that a plan fits on every node.
pub fn measured(calibrated: &[Calibrated]) -> BTreeMap<String, ResourceList> {
    calibrated
        .iter()
        .map(|c| {
            let amounts = c.resources.iter().map(|r| (r.resource.clone(), r.least));
            (c.instance_type.clone(), amounts.collect())
        })
        .collect()
}
