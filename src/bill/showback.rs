//! Who causes the cost: a bill split over the owners of pods, with everything that no pod asked for on
//! lines of its own.
//!
//! A node's amortised cost is split over its cpu, memory and accelerators in proportion to base
//! prices (OpenCost specification 0.1, appendix A), each of those over what it is used for: reserved
//! for the system, DaemonSets, headroom kept on purpose, pods by what they ask for, and idle. The cost
//! of a line of nodes is blended over its family before that, so that it does not matter to an owner
//! which node a commitment happened to cover. What commitments left unused is a line of the centre.
//! Every split is by largest remainder, and the sum is asserted.

use std::collections::BTreeMap;

use super::cost::EffectiveCost;
use super::ratio::Ratio;
use super::split::by_largest_remainder;
use crate::units::{Money, Rate};

/// The owner of pods that do not carry the label.
pub const UNALLOCATED: &str = "__unallocated__";

/// What cpu, memory and accelerators cost against each other; only their ratio counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BasePrices {
    /// Of one vCPU.
    pub cpu: Rate,
    /// Of one GiB.
    pub memory: Rate,
    /// Of one accelerator.
    pub accelerator: Rate,
}

impl BasePrices {
    /// 9 for a vCPU to 1 for a GiB, as AWS splits the cost of EKS nodes (AWS Cost and Usage Reports,
    /// split cost allocation data); an accelerator weighs as much as 9 times the cpu and memory that a
    /// typical node has with it (8 vCPU and 32 GiB), after the same source's 9 : 1.
    pub const DEFAULT: BasePrices = BasePrices {
        cpu: Rate::from_nanos(9),
        memory: Rate::from_nanos(1),
        accelerator: Rate::from_nanos(9 * (8 * 9 + 32)),
    };
}

/// A resource that a node's cost is split over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// In millicores.
    Cpu,
    /// In MiB.
    Memory,
    /// In whole units.
    Accelerator,
}

impl Part {
    /// All of them.
    pub const ALL: [Part; 3] = [Part::Cpu, Part::Memory, Part::Accelerator];

    fn weight(self, prices: &BasePrices, amount: u64) -> u64 {
        let (price, per) = match self {
            Part::Cpu => (prices.cpu, 1_000),
            Part::Memory => (prices.memory, 1_024),
            Part::Accelerator => (prices.accelerator, 1),
        };
        // In thousandths of a nano-dollar, so that small nodes keep their digits.
        let wide = u128::from(price.nanos()) * u128::from(amount) * 1_000 / per;
        u64::try_from(wide).unwrap_or(u64::MAX / 4)
    }
}

/// What one resource of some equal nodes is used for, summed over them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PartUse {
    /// All of it.
    pub capacity: u64,
    /// Kept by hypervisor, kernel, system daemons and eviction.
    pub system: u64,
    /// Taken by DaemonSets.
    pub daemon_sets: u64,
    /// Kept free on purpose.
    pub headroom: u64,
    /// What pods ask for, by owner; owners may repeat.
    pub pods: Vec<(usize, u64)>,
    /// What nobody asks for.
    pub idle: u64,
}

/// Nodes of one kind that hold the same pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShowbackNodes {
    /// Amortised cost of the nodes over the period.
    pub cost: EffectiveCost,
    /// Their resources.
    pub parts: BTreeMap<Part, PartUse>,
}

/// How idle cost is offered to owners in the column `shared`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IdleSharing {
    /// Over all owners: for pools that all share.
    #[default]
    Cluster,
    /// Over the owners of the node's own pods: for dedicated pools.
    Node,
}

/// One owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerCost {
    /// The label's value, or [`UNALLOCATED`].
    pub owner: String,
    /// For cpu that its pods ask for.
    pub cpu: EffectiveCost,
    /// For memory that its pods ask for.
    pub memory: EffectiveCost,
    /// For accelerators that its pods ask for.
    pub accelerator: EffectiveCost,
    /// Its share of `idle`, not in the other columns.
    pub shared: EffectiveCost,
}

impl OwnerCost {
    /// What its pods ask for.
    pub fn direct(&self) -> EffectiveCost {
        self.cpu + self.memory + self.accelerator
    }
}

/// A bill by owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Showback {
    /// Owners by name, those without the label last.
    pub owners: Vec<OwnerCost>,
    /// Reserved for the system.
    pub system: EffectiveCost,
    /// DaemonSets.
    pub daemon_sets: EffectiveCost,
    /// Headroom kept on purpose.
    pub headroom: EffectiveCost,
    /// Idle: nobody asked for it.
    pub idle: EffectiveCost,
    /// Commitments that no usage needed.
    pub unused_commitment: EffectiveCost,
    /// What is not the nodes' (the cluster's fee).
    pub overhead: EffectiveCost,
    /// The bill.
    pub total: EffectiveCost,
}

/// Splits a bill over owners.
///
/// `owners` are names in any order, as [`PartUse::pods`] counts them; `None` stands for pods without
/// the label.
///
/// # Panics
/// When the lines do not sum to the bill, which is a bug.
pub fn showback(
    nodes: &[ShowbackNodes],
    owners: &[Option<String>],
    prices: &BasePrices,
    sharing: IdleSharing,
    unused_commitment: EffectiveCost,
    overhead: EffectiveCost,
) -> Showback {
    let mut sums = Sums { direct: vec![[Money::ZERO; 3]; owners.len()], ..Sums::default() };
    sums.shared = vec![Money::ZERO; owners.len()];
    let mut idle_by_part = [Money::ZERO; 3];
    for group in nodes {
        let before = sums.direct.clone();
        let idle = sums.add(group, prices);
        match sharing {
            IdleSharing::Cluster => {
                for (sum, idle) in idle_by_part.iter_mut().zip(idle) {
                    *sum = *sum + idle;
                }
            }
            IdleSharing::Node => {
                let own: Vec<[Money; 3]> = sums
                    .direct
                    .iter()
                    .zip(&before)
                    .map(|(now, then)| [now[0] - then[0], now[1] - then[1], now[2] - then[2]])
                    .collect();
                sums.share(idle, &own);
            }
        }
    }
    if sharing == IdleSharing::Cluster {
        let own = sums.direct.clone();
        sums.share(idle_by_part, &own);
    }
    let mut merged: BTreeMap<(bool, String), OwnerCost> = BTreeMap::new();
    for ((owner, direct), shared) in owners.iter().zip(&sums.direct).zip(&sums.shared) {
        let name = owner.clone().unwrap_or_else(|| UNALLOCATED.to_owned());
        let row = merged.entry((owner.is_none(), name.clone())).or_insert_with(|| OwnerCost {
            owner: name,
            cpu: EffectiveCost::ZERO,
            memory: EffectiveCost::ZERO,
            accelerator: EffectiveCost::ZERO,
            shared: EffectiveCost::ZERO,
        });
        row.cpu = row.cpu + EffectiveCost::new(direct[0]);
        row.memory = row.memory + EffectiveCost::new(direct[1]);
        row.accelerator = row.accelerator + EffectiveCost::new(direct[2]);
        row.shared = row.shared + EffectiveCost::new(*shared);
    }
    let total = nodes.iter().map(|n| n.cost).sum::<EffectiveCost>() + unused_commitment + overhead;
    let result = Showback {
        owners: merged.into_values().collect(),
        system: EffectiveCost::new(sums.system),
        daemon_sets: EffectiveCost::new(sums.daemon_sets),
        headroom: EffectiveCost::new(sums.headroom),
        idle: EffectiveCost::new(sums.idle),
        unused_commitment,
        overhead,
        total,
    };
    assert_eq!(result.sum(), total, "a showback sums to the bill");
    let offered: EffectiveCost = result.owners.iter().map(|o| o.shared).sum();
    assert!(offered <= result.idle, "no more idle cost is offered than there is");
    result
}

impl Showback {
    /// All lines together; the column `shared` offers `idle` again and is none of them.
    pub fn sum(&self) -> EffectiveCost {
        self.owners.iter().map(OwnerCost::direct).sum::<EffectiveCost>()
            + self.system
            + self.daemon_sets
            + self.headroom
            + self.idle
            + self.unused_commitment
            + self.overhead
    }
}

#[derive(Default)]
struct Sums {
    /// By owner: cpu, memory, accelerators.
    direct: Vec<[Money; 3]>,
    shared: Vec<Money>,
    system: Money,
    daemon_sets: Money,
    headroom: Money,
    idle: Money,
}

impl Sums {
    /// Splits the cost of some nodes; returns what of it is idle, by part.
    fn add(&mut self, group: &ShowbackNodes, prices: &BasePrices) -> [Money; 3] {
        let mut idle = [Money::ZERO; 3];
        let weights =
            Part::ALL.map(|part| group.parts.get(&part).map_or(0, |used| part.weight(prices, used.capacity)));
        let Some(costs) = by_largest_remainder(group.cost.money(), &weights) else {
            // A node without any such resource: nobody can have asked for it.
            self.idle = self.idle + group.cost.money();
            idle[0] = group.cost.money();
            return idle;
        };
        for (index, part) in Part::ALL.into_iter().enumerate() {
            let Some(used) = group.parts.get(&part) else { continue };
            let mut amounts = vec![used.system, used.daemon_sets, used.headroom, used.idle];
            amounts.extend(used.pods.iter().map(|(_, amount)| amount));
            let Some(shares) = by_largest_remainder(costs[index], &amounts) else {
                self.idle = self.idle + costs[index];
                idle[index] = idle[index] + costs[index];
                continue;
            };
            self.system = self.system + shares[0];
            self.daemon_sets = self.daemon_sets + shares[1];
            self.headroom = self.headroom + shares[2];
            self.idle = self.idle + shares[3];
            idle[index] = idle[index] + shares[3];
            for ((owner, _), &share) in used.pods.iter().zip(&shares[4..]) {
                self.direct[*owner][index] = self.direct[*owner][index] + share;
            }
        }
        idle
    }

    /// Offers idle cost to owners by what each pays for the same resource, or for all of them where
    /// nobody pays for that one; what nobody can take stays with the centre.
    fn share(&mut self, idle: [Money; 3], own: &[[Money; 3]]) {
        for (index, idle) in idle.into_iter().enumerate() {
            let of_part: Vec<Money> = own.iter().map(|cost| cost[index]).collect();
            let of_all: Vec<Money> = own.iter().map(|cost| cost.iter().copied().sum()).collect();
            let parts = split_by(idle, &of_part).or_else(|| split_by(idle, &of_all));
            for (shared, part) in self.shared.iter_mut().zip(parts.unwrap_or_default()) {
                *shared = *shared + part;
            }
        }
    }
}

/// Splits an amount by costs; `None` where all are zero.
fn split_by(amount: Money, costs: &[Money]) -> Option<Vec<Money>> {
    let sum: u128 = costs.iter().map(|cost| cost.nanos().unsigned_abs()).sum();
    let mut shift = 0;
    while sum >> shift > u128::from(u64::MAX / 2) {
        shift += 1;
    }
    let weights: Vec<u64> = costs
        .iter()
        .map(|cost| u64::try_from(cost.nanos().unsigned_abs() >> shift).expect("shifted below 2^63"))
        .collect();
    by_largest_remainder(amount, &weights)
}

/// Blends the cost of groups of nodes over each family: every group pays in proportion to what it
/// would cost on demand, so that it does not matter which nodes a commitment covered.
/// Groups are `(family, cost, on-demand cost)`.
pub fn blended(groups: &[(String, EffectiveCost, Money)]) -> Vec<EffectiveCost> {
    let mut families: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, (family, _, _)) in groups.iter().enumerate() {
        families.entry(family).or_default().push(index);
    }
    let mut blended: Vec<EffectiveCost> = groups.iter().map(|(_, cost, _)| *cost).collect();
    for members in families.values() {
        let cost: EffectiveCost = members.iter().map(|&m| groups[m].1).sum();
        let list: Vec<Money> = members.iter().map(|&m| groups[m].2).collect();
        if let Some(parts) = split_by(cost.money(), &list) {
            for (&member, part) in members.iter().zip(parts) {
                blended[member] = EffectiveCost::new(part);
            }
        }
    }
    blended
}

/// Cost-weighted efficiency: used over requested, weighted by what the requests cost (OpenCost).
/// Pairs are `(used, requested, price of one unit)`; what is used beyond requests counts as it is.
pub fn efficiency(resources: &[(u64, u64, Rate)]) -> Option<Ratio> {
    let cost = |amount: u64, price: Rate| i128::from(price.nanos()) * i128::from(amount);
    let used = resources.iter().map(|&(used, _, price)| cost(used, price)).sum();
    let requested = resources.iter().map(|&(_, requested, price)| cost(requested, price)).sum();
    Ratio::of_wide(used, requested)
}
