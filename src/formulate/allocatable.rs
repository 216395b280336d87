//! How much of a node pods may fill: capacity less hypervisor, reservations and eviction threshold.
//!
//! All in integers: what is kept rounds up, what is left rounds down. The figures follow EKS
//! (awslabs/amazon-eks-ami nodeadm, Karpenter's `types.go`), GKE (cluster-autoscaler `gce/reserved.go`)
//! and AKS (Azure/AKS documentation of kube-reserved), read in mid-2026.

use crate::catalog::{Architecture, InstanceType, Provider};
use crate::policy::{AllocatableModel, BurstableCpu, MaxPods, Policy};
use crate::units::{Bytes, MilliCpu, PartsPerMillion, ResourceName};
use crate::workload::ResourceList;

use super::legend::Breakdown;

/// What a node of one type offers before DaemonSets and headroom: in every breakdown `for_pods` is
/// all of Kubernetes' allocatable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeCapacity {
    /// In millicores.
    pub cpu: Breakdown,
    /// In bytes.
    pub memory: Breakdown,
    /// In bytes; `None` where nobody told the size of the node's disk.
    pub storage: Option<Breakdown>,
    /// Pod slots; `None` for no limit.
    pub pods: Option<u64>,
    /// Whether `pods` is the kubelet's usual number because the catalog tells none.
    pub pods_assumed: bool,
    /// Whether the cpu reservation lies between or beyond the core counts that AKS publishes.
    pub cpu_interpolated: bool,
}

/// What a node of type `machine` offers under a policy.
pub fn node_capacity(machine: &InstanceType, provider: Provider, policy: &Policy) -> NodeCapacity {
    let (pods, pods_assumed) = max_pods(machine, policy);
    let (cpu_reserved, cpu_interpolated) = reserved_cpu(&policy.allocatable, machine.cpu);
    let hypervisor = unseen_memory(machine, provider, policy);
    let seen = Bytes(machine.memory.0.saturating_sub(hypervisor.0));
    let memory_reserved = reserved_memory(machine, seen, pods, policy);
    let beyond_baseline = match (policy.burstable, machine.burst) {
        (BurstableCpu::Baseline, Some(burst)) => machine.cpu.0 - baseline_cpu(machine.cpu, burst.baseline),
        _ => 0,
    };
    let modelled = NodeCapacity {
        cpu: split(machine.cpu.0, 0, beyond_baseline, cpu_reserved),
        memory: split(machine.memory.0, hypervisor.0, 0, memory_reserved),
        storage: policy
            .node_storage
            .map(|disk| split(disk.0, 0, 0, reserved_storage(&policy.allocatable, disk))),
        pods,
        pods_assumed,
        cpu_interpolated,
    };
    match policy.measured.get(&machine.name) {
        Some(measured) => as_measured(modelled, measured),
        None => modelled,
    }
}

/// The model's breakdown with what nodes were seen to let pods have.
fn as_measured(modelled: NodeCapacity, measured: &ResourceList) -> NodeCapacity {
    let take = |before: Breakdown, resource: &ResourceName| match measured.get(resource) {
        Some(&amount) => before.with_allocatable(amount),
        None => before,
    };
    let pods = measured.get(&ResourceName::Pods).copied();
    NodeCapacity {
        cpu: take(modelled.cpu, &ResourceName::Cpu),
        memory: take(modelled.memory, &ResourceName::Memory),
        // The disk is a choice of who buys the node: without one in the policy nothing is known of others.
        storage: modelled.storage.map(|before| take(before, &ResourceName::EphemeralStorage)),
        pods: pods.or(modelled.pods),
        pods_assumed: modelled.pods_assumed && pods.is_none(),
        cpu_interpolated: modelled.cpu_interpolated && !measured.contains_key(&ResourceName::Cpu),
    }
}

/// A breakdown whose parts add up even where more is to be kept than there is.
fn split(raw: u64, hypervisor: u64, beyond_baseline: u64, reserved: u64) -> Breakdown {
    let hypervisor = hypervisor.min(raw);
    let beyond_baseline = beyond_baseline.min(raw - hypervisor);
    let seen = raw - hypervisor - beyond_baseline;
    let reserved = reserved.min(seen);
    Breakdown {
        raw,
        hypervisor,
        beyond_baseline,
        reserved,
        for_pods: seen - reserved,
        ..Breakdown::default()
    }
}

/// Cpu that a burstable type's price buys.
fn baseline_cpu(cpu: MilliCpu, baseline: PartsPerMillion) -> u64 {
    baseline.floor_of(cpu.0).min(cpu.0)
}

/// The sum over brackets of share x the part of `amount` in the bracket, rounded up. The last
/// bracket has no end.
fn marginal(amount: u64, brackets: &[(u64, u32)]) -> u64 {
    let mut left = amount;
    let mut millionths = 0u128;
    for &(width, ppm) in brackets {
        let part = left.min(width);
        millionths += u128::from(part) * u128::from(ppm);
        left -= part;
    }
    u64::try_from(millionths.div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// 6 % of core 1, 1 % of core 2, 0.5 % of cores 3 and 4, 0.25 % of the rest.
const CPU_BRACKETS: [(u64, u32); 4] = [(1000, 60_000), (1000, 10_000), (2000, 5_000), (u64::MAX, 2_500)];

/// AKS: millicores kept by number of cores.
const AKS_CPU: [(u64, u64); 7] = [(1, 60), (2, 100), (4, 140), (8, 180), (16, 260), (32, 420), (64, 740)];

/// Millicores kept for system daemons, and whether that had to be interpolated.
fn reserved_cpu(model: &AllocatableModel, cpu: MilliCpu) -> (u64, bool) {
    match model {
        AllocatableModel::Eks | AllocatableModel::EksBottlerocket | AllocatableModel::Gke => {
            (marginal(cpu.0, &CPU_BRACKETS), false)
        }
        AllocatableModel::Aks | AllocatableModel::AksBefore129 => aks_cpu(cpu),
        AllocatableModel::None => (0, false),
        AllocatableModel::Explicit { reserved_cpu, .. } => (reserved_cpu.0, false),
    }
}

/// On a straight line between the published core counts; beyond 64 cores along the last line.
fn aks_cpu(cpu: MilliCpu) -> (u64, bool) {
    let exact = AKS_CPU.iter().find(|&&(cores, _)| cores * 1000 == cpu.0);
    if let Some(&(_, kept)) = exact {
        return (kept, false);
    }
    let first = AKS_CPU[0];
    if cpu.0 < first.0 * 1000 {
        return (first.1, true);
    }
    let above = AKS_CPU.iter().position(|&(cores, _)| cores * 1000 > cpu.0).unwrap_or(AKS_CPU.len() - 1);
    let ((c0, k0), (c1, k1)) = (AKS_CPU[above - 1], AKS_CPU[above]);
    (k0 + ((cpu.0 - c0 * 1000) * (k1 - k0)).div_ceil((c1 - c0) * 1000), true)
}

/// Continuous memory area that the arm64 kernels of EC2 set aside (Karpenter `types.go`).
const EC2_ARM64_CMA: u64 = 64 << 20;

/// Memory on the price list that the kubelet never sees.
fn unseen_memory(machine: &InstanceType, provider: Provider, policy: &Policy) -> Bytes {
    let raw = machine.memory.0;
    let arm64_on_ec2 = provider == Provider::Aws
        && machine.architecture == Architecture::Arm64
        && policy.allocatable != AllocatableModel::None;
    let cma = if arm64_on_ec2 { EC2_ARM64_CMA } else { 0 };
    // Rounded up to whole MiB, as Karpenter does.
    let share = policy.hypervisor_memory.ceil_of(raw.saturating_sub(cma)).div_ceil(1 << 20) << 20;
    let kernel = if policy.allocatable == AllocatableModel::Gke { gke_kernel(raw) } else { 0 };
    Bytes(cma.saturating_add(share).saturating_add(kernel))
}

/// What the kernel keeps on GKE: 1/64 and 16 MiB, and swiotlb's 64 MiB above 3 GiB.
fn gke_kernel(memory: u64) -> u64 {
    memory.div_ceil(64) + (16 << 20) + if memory > 3 << 30 { 64 << 20 } else { 0 }
}

/// Shares of 25, 20, 10, 6 and 2 % over 4, 4, 8, 112 units and the rest.
fn memory_brackets(unit: u64) -> [(u64, u32); 5] {
    [(4 * unit, 250_000), (4 * unit, 200_000), (8 * unit, 100_000), (112 * unit, 60_000), (u64::MAX, 20_000)]
}

/// Memory kept for system daemons and the eviction threshold. `seen` is what the kubelet sees.
fn reserved_memory(machine: &InstanceType, seen: Bytes, pods: Option<u64>, policy: &Policy) -> u64 {
    let mib = |n: u64| n << 20;
    let pods = pods.unwrap_or_else(|| usual_pods(machine.cpu));
    match policy.allocatable {
        // nodeadm counts pods by network interfaces whatever the CNI's mode.
        AllocatableModel::Eks => {
            mib(255) + mib(11).saturating_mul(machine.limits.max_pods_eni.unwrap_or(pods)) + mib(100)
        }
        AllocatableModel::EksBottlerocket => mib(255) + mib(11).saturating_mul(pods) + mib(100),
        AllocatableModel::Gke => gke_memory(machine.memory.0) + mib(100),
        // The documentation's MB are read as MiB, which keeps more.
        AllocatableModel::Aks => {
            let by_pods = mib(20).saturating_mul(pods).saturating_add(mib(50));
            by_pods.min(seen.0.div_ceil(4)) + mib(100)
        }
        AllocatableModel::AksBefore129 => marginal(seen.0, &memory_brackets(1 << 30)) + mib(750),
        AllocatableModel::None => 0,
        AllocatableModel::Explicit { reserved_memory, .. } => reserved_memory.0,
    }
}

/// GKE's kube-reserved memory. One GB is 1000 MiB in the autoscaler's source.
fn gke_memory(memory: u64) -> u64 {
    const GB: u64 = 1000 << 20;
    if memory <= GB { 255 << 20 } else { marginal(memory, &memory_brackets(GB)) }
}

/// Disk kept of a node's root volume: the eviction threshold of 10 % (kubelet `nodefs.available`) and
/// what the provider reserves (EKS 1 GiB; GKE the least of half, 6 GiB + 35 %, and 100 GiB).
fn reserved_storage(model: &AllocatableModel, disk: Bytes) -> u64 {
    let eviction = disk.0.div_ceil(10);
    let gib = |n: u64| n << 30;
    match model {
        AllocatableModel::None => 0,
        AllocatableModel::Eks | AllocatableModel::EksBottlerocket => eviction + gib(1),
        AllocatableModel::Gke => {
            let share = gib(6) + PartsPerMillion(350_000).ceil_of(disk.0);
            eviction + disk.0.div_ceil(2).min(share).min(gib(100))
        }
        AllocatableModel::Aks | AllocatableModel::AksBefore129 | AllocatableModel::Explicit { .. } => {
            eviction
        }
    }
}

/// Pod slots of a node, and whether they are assumed because the catalog tells none.
fn max_pods(machine: &InstanceType, policy: &Policy) -> (Option<u64>, bool) {
    let known = |limit: Option<u64>| match limit {
        Some(n) => (Some(n), false),
        None => (Some(usual_pods(machine.cpu)), true),
    };
    match policy.max_pods {
        MaxPods::Fixed(n) => (Some(n), false),
        MaxPods::Unlimited => (None, false),
        MaxPods::Eni => known(machine.limits.max_pods_eni),
        // The number of prefixes is rarely what limits: EKS recommends these caps for every type.
        MaxPods::PrefixDelegation => {
            (Some(machine.limits.max_pods_prefix.unwrap_or_else(|| usual_pods(machine.cpu))), false)
        }
        MaxPods::Model => match policy.allocatable {
            AllocatableModel::Eks | AllocatableModel::EksBottlerocket => known(machine.limits.max_pods_eni),
            // AKS: 110 unless Azure CNI (30) or its overlay (250) is set by a fixed number.
            AllocatableModel::Gke
            | AllocatableModel::Aks
            | AllocatableModel::AksBefore129
            | AllocatableModel::Explicit { .. } => (Some(110), false),
            AllocatableModel::None => (None, false),
        },
    }
}

/// Kubernetes' guidance for large nodes, which EKS applies: 110 up to 30 vCPU, else 250.
fn usual_pods(cpu: MilliCpu) -> u64 {
    if cpu.0 <= 30_000 { 110 } else { 250 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_measured_wins_and_adds_up() {
        let b = split(16_000, 1_200, 0, 800);
        assert_eq!(b.for_pods, 14_000);
        // Less: the system keeps more. More: it keeps less, then the hypervisor does.
        for (measured, hypervisor, reserved, raw) in [
            (13_500, 1_200, 1_300, 16_000),
            (14_500, 1_200, 300, 16_000),
            (15_500, 500, 0, 16_000),
            (17_000, 0, 0, 17_000),
        ] {
            let b = b.with_allocatable(measured);
            assert_eq!((b.hypervisor, b.reserved, b.raw, b.for_pods), (hypervisor, reserved, raw, measured));
        }
        // Of a burstable type only the baseline counts: 2 of 10 beyond it, 9 measured.
        let b = split(10, 0, 2, 0).with_allocatable(9);
        assert_eq!((b.beyond_baseline, b.reserved, b.for_pods), (2, 1, 7));
    }

    #[test]
    fn cpu_reservations_match_the_published_vectors() {
        let left = |model: AllocatableModel, cores: u64| {
            let (kept, interpolated) = reserved_cpu(&model, MilliCpu(cores * 1000));
            assert!(!interpolated);
            cores * 1000 - kept
        };
        assert_eq!(left(AllocatableModel::Eks, 2), 1930);
        assert_eq!(left(AllocatableModel::Gke, 2), 1930);
        assert_eq!(left(AllocatableModel::Gke, 4), 3920);
        assert_eq!(left(AllocatableModel::Aks, 1), 940);
        assert_eq!(left(AllocatableModel::Aks, 8), 7820);
        assert_eq!(left(AllocatableModel::AksBefore129, 64), 63_260);
    }

    #[test]
    fn aks_interpolates_between_core_counts_and_says_so() {
        // 6 cores: half way between 140m and 180m. 48: half way between 420m and 740m.
        // 128: 740m and 64 more cores at (740 - 420) / 32 = 10m.
        for (cores, kept) in [(6, 160), (12, 220), (48, 580), (128, 1380)] {
            assert_eq!(aks_cpu(MilliCpu(cores * 1000)), (kept, true), "{cores} cores");
        }
        assert_eq!(aks_cpu(MilliCpu(500)), (60, true));
    }

    #[test]
    fn gke_memory_follows_the_brackets() {
        const MIB: u64 = 1 << 20;
        assert_eq!(gke_memory(600 * MIB), 255 * MIB);
        // 8000 MiB: 25 % of 4000 + 20 % of 4000.
        assert_eq!(gke_memory(8000 * MIB), 1800 * MIB);
        // 200,000 MiB: 1000 + 800 + 10 % of 8000 + 6 % of 112,000 + 2 % of 72,000.
        assert_eq!(gke_memory(200_000 * MIB), (1000 + 800 + 800 + 6720 + 1440) * MIB);
        // 4 GiB: 64 + 16 + 64 MiB.
        assert_eq!(gke_kernel(4 << 30), 144 * MIB);
        // 2 GiB: 32 + 16 MiB, no swiotlb.
        assert_eq!(gke_kernel(2 << 30), 48 * MIB);
    }

    #[test]
    fn gke_disk_keeps_the_least_of_three() {
        const GIB: u64 = 1 << 30;
        // 100 GiB: eviction 10, least of 50, 41 and 100.
        assert_eq!(reserved_storage(&AllocatableModel::Gke, Bytes(100 * GIB)), 51 * GIB);
        assert_eq!(reserved_storage(&AllocatableModel::Eks, Bytes(20 * GIB)), 3 * GIB);
    }

    #[test]
    fn a_breakdown_adds_up_even_when_nothing_is_left() {
        for (raw, hypervisor, beyond, reserved) in [(100, 10, 20, 30), (100, 60, 60, 60), (0, 1, 1, 1)] {
            let b = split(raw, hypervisor, beyond, reserved);
            assert_eq!(b.raw, b.hypervisor + b.beyond_baseline + b.reserved + b.for_pods);
        }
    }
}
