//! Allocatable against published figures: Karpenter's for EC2, and the providers' own vectors.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use plimsoll::catalog::{Architecture, Burst, Provider};
use plimsoll::formulate::allocatable::node_capacity;
use plimsoll::policy::{AllocatableModel, BurstableCpu, MaxPods, Policy};
use plimsoll::units::{Bytes, PartsPerMillion};
use support::machine;

const MIB: u64 = 1 << 20;

/// Every figure that Karpenter publishes, to the millicore and the mebibyte.
#[test]
fn karpenters_ec2_figures_are_met_exactly() {
    let text = include_str!("fixtures/karpenter_allocatable.csv");
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(text.as_bytes());
    let policy = Policy::default_for(Provider::Aws);
    let (mut checked, mut wrong) = (0, vec![]);
    for row in reader.records() {
        let row = row.unwrap();
        let number = |i: usize| row[i].parse::<u64>().unwrap();
        let mut ty = machine(&row[0], number(1) * 1000, number(2), "1");
        ty.architecture = if &row[3] == "arm64" { Architecture::Arm64 } else { Architecture::Amd64 };
        ty.limits.max_pods_eni = Some(number(4));
        let node = node_capacity(&ty, Provider::Aws, &policy);
        let found = (node.cpu.for_pods, node.memory.for_pods, node.pods);
        checked += 1;
        if found != (number(5), number(6) * MIB, Some(number(4))) {
            wrong.push((row[0].to_owned(), found, number(5), number(6)));
        }
    }
    assert!(checked >= 1_300, "only {checked} figures in the fixture");
    assert!(wrong.is_empty(), "{} of {checked}: {wrong:?}", wrong.len());
}

fn policy(model: AllocatableModel) -> Policy {
    Policy {
        allocatable: model,
        hypervisor_memory: PartsPerMillion(0),
        ..Policy::default_for(Provider::Other)
    }
}

#[test]
fn aks_keeps_memory_by_pods_up_to_a_quarter() {
    let kept = |memory_mib: u64, pods: u64| {
        let policy = Policy { max_pods: MaxPods::Fixed(pods), ..policy(AllocatableModel::Aks) };
        let node = node_capacity(&machine("d", 2000, memory_mib, "1"), Provider::Azure, &policy);
        (node.memory.reserved - 100 * MIB) / MIB
    };
    assert_eq!(kept(8000, 30), 650);
    assert_eq!(kept(4000, 70), 1000);
}

#[test]
fn aks_before_1_29_keeps_tiers_and_750_mib() {
    // 25 % of 4 GiB + 20 % of 3 GiB = 1.6 GiB = 1638.4 MiB, as AKS sets on its 7 GiB nodes (1638Mi).
    let node = node_capacity(
        &machine("d", 2000, 7 * 1024, "1"),
        Provider::Azure,
        &policy(AllocatableModel::AksBefore129),
    );
    assert_eq!(node.memory.reserved.div_ceil(MIB), 1639 + 750);
    assert_eq!((node.memory.reserved - 750 * MIB) / MIB, 1638);
}

#[test]
fn bottlerocket_counts_the_pods_that_the_node_takes() {
    // 8192 MiB, 29 pods by network interfaces, 110 by setting.
    let mut ty = machine("m5.large", 2000, 8192, "0.096");
    ty.limits.max_pods_eni = Some(29);
    let left = |model| {
        let policy = Policy { max_pods: MaxPods::Fixed(110), ..policy(model) };
        node_capacity(&ty, Provider::Aws, &policy).memory.for_pods / MIB
    };
    assert_eq!(left(AllocatableModel::Eks), 8192 - 255 - 11 * 29 - 100);
    assert_eq!(left(AllocatableModel::EksBottlerocket), 8192 - 255 - 11 * 110 - 100);
}

#[test]
fn gke_keeps_kernel_tiers_and_eviction() {
    // n2-standard-4, 16 GiB = 16384 MiB. Kernel 256 + 16 + 64. Tiers (GB = 1000 MiB):
    // 1000 + 800 + 800 + 6 % of 384 = 2623.04 MiB. Eviction 100 MiB.
    let node = node_capacity(
        &machine("n2-standard-4", 4000, 16_384, "1"),
        Provider::Gcp,
        &policy(AllocatableModel::Gke),
    );
    assert_eq!(node.cpu.for_pods, 3920);
    assert_eq!(node.memory.hypervisor, 336 * MIB);
    assert_eq!(node.memory.for_pods / MIB, 16_384 - 336 - 2624 - 100);
    assert_eq!(node.pods, Some(110));
}

#[test]
fn none_keeps_nothing_and_explicit_keeps_what_it_says() {
    let ty = machine("m4.large", 2000, 8192, "0.12");
    let node = node_capacity(&ty, Provider::Aws, &policy(AllocatableModel::None));
    assert_eq!((node.cpu.for_pods, node.memory.for_pods, node.pods), (2000, 8192 * MIB, None));
    let explicit = AllocatableModel::Explicit {
        reserved_cpu: plimsoll::units::MilliCpu(250),
        reserved_memory: Bytes::mib(192),
    };
    let node = node_capacity(&ty, Provider::Aws, &policy(explicit));
    assert_eq!((node.cpu.for_pods, node.memory.for_pods, node.pods), (1750, 8000 * MIB, Some(110)));
}

#[test]
fn a_burstable_type_counts_at_its_baseline() {
    // t3.xlarge: 4 vCPUs at 40 % = 1600m, of which 80m are kept.
    let mut ty = machine("t3.xlarge", 4000, 16_384, "0.1664");
    ty.burst = Some(Burst { baseline: PartsPerMillion(400_000), surplus_rate: None });
    let node = node_capacity(&ty, Provider::Aws, &Policy::default_for(Provider::Aws));
    assert_eq!((node.cpu.raw, node.cpu.beyond_baseline, node.cpu.reserved), (4000, 2400, 80));
    assert_eq!(node.cpu.for_pods, 1520);
    let full = Policy { burstable: BurstableCpu::FullWithSurplus, ..Policy::default_for(Provider::Aws) };
    assert_eq!(node_capacity(&ty, Provider::Aws, &full).cpu.for_pods, 3920);
}

#[test]
fn pod_slots_follow_the_mode() {
    let mut ty = machine("m5.16xlarge", 64_000, 262_144, "3.072");
    ty.limits.max_pods_eni = Some(737);
    let slots = |mode, ty: &plimsoll::catalog::InstanceType| {
        let policy = Policy { max_pods: mode, ..Policy::default_for(Provider::Aws) };
        let node = node_capacity(ty, Provider::Aws, &policy);
        (node.pods, node.pods_assumed)
    };
    assert_eq!(slots(MaxPods::Model, &ty), (Some(737), false));
    assert_eq!(slots(MaxPods::PrefixDelegation, &ty), (Some(250), false));
    assert_eq!(slots(MaxPods::Fixed(58), &ty), (Some(58), false));
    assert_eq!(slots(MaxPods::Unlimited, &ty), (None, false));
    ty.limits.max_pods_eni = None;
    assert_eq!(slots(MaxPods::Eni, &ty), (Some(250), true));
}
