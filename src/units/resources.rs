//! Amounts of what pods ask for and nodes offer: cpu, memory and the like, and one amount per dimension of a problem.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smallvec::SmallVec;

/// CPU in millicores (1000 = one vCPU).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MilliCpu(pub u64);

impl fmt::Display for MilliCpu {
    /// `1500m`, or `2` for whole cores.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_multiple_of(1000) {
            f.pad(&format!("{}", self.0 / 1000))
        } else {
            f.pad(&format!("{}m", self.0))
        }
    }
}

/// Memory or storage in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bytes(pub u64);

impl Bytes {
    /// `n` mebibytes.
    pub const fn mib(n: u64) -> Self {
        Bytes(n << 20)
    }
}

impl fmt::Display for Bytes {
    /// In the largest binary unit that keeps at most one decimal: `512 MiB`, `1.5 GiB`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        let mut unit = None;
        let mut scale: u64 = 1;
        for name in UNITS {
            match scale.checked_mul(1024) {
                Some(next) if self.0 >= next => {
                    scale = next;
                    unit = Some(name);
                }
                _ => break,
            }
        }
        let Some(unit) = unit else {
            return f.pad(&format!("{} B", self.0));
        };
        let tenths = (u128::from(self.0) * 10 + u128::from(scale) / 2) / u128::from(scale);
        if tenths.is_multiple_of(10) {
            f.pad(&format!("{} {unit}", tenths / 10))
        } else {
            f.pad(&format!("{}.{} {unit}", tenths / 10, tenths % 10))
        }
    }
}

/// What a pod asks of a node, by its Kubernetes name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceName {
    /// `cpu`, counted in millicores.
    Cpu,
    /// `memory`, counted in bytes.
    Memory,
    /// `ephemeral-storage`, counted in bytes.
    EphemeralStorage,
    /// `pods`, counted in pod slots.
    Pods,
    /// Attachable volumes, counted in attachments.
    Volumes,
    /// Any extended resource such as `nvidia.com/gpu`, counted in whole units, or hugepages in bytes.
    Extended(String),
}

impl ResourceName {
    /// The name as Kubernetes writes it (`attachable-volumes` for volumes).
    pub fn as_str(&self) -> &str {
        match self {
            ResourceName::Cpu => "cpu",
            ResourceName::Memory => "memory",
            ResourceName::EphemeralStorage => "ephemeral-storage",
            ResourceName::Pods => "pods",
            ResourceName::Volumes => "attachable-volumes",
            ResourceName::Extended(name) => name,
        }
    }

    /// Whether amounts are bytes.
    pub fn is_bytes(&self) -> bool {
        match self {
            ResourceName::Memory | ResourceName::EphemeralStorage => true,
            ResourceName::Extended(name) => name.starts_with("hugepages-"),
            _ => false,
        }
    }

    /// An amount of this resource for a person: `1500m`, `512 MiB`, `4`.
    pub fn display(&self, amount: u64) -> String {
        match self {
            ResourceName::Cpu => MilliCpu(amount).to_string(),
            name if name.is_bytes() => Bytes(amount).to_string(),
            _ => amount.to_string(),
        }
    }
}

impl From<&str> for ResourceName {
    fn from(name: &str) -> Self {
        match name {
            "cpu" => ResourceName::Cpu,
            "memory" => ResourceName::Memory,
            "ephemeral-storage" => ResourceName::EphemeralStorage,
            "pods" => ResourceName::Pods,
            "attachable-volumes" => ResourceName::Volumes,
            other => ResourceName::Extended(other.to_owned()),
        }
    }
}

impl fmt::Display for ResourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for ResourceName {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ResourceName {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(ResourceName::from(String::deserialize(d)?.as_str()))
    }
}

/// One amount per dimension of a problem, in that dimension's base unit and order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Resources(SmallVec<[u64; 4]>);

impl Resources {
    /// All zero, in `dimensions` dimensions.
    pub fn zero(dimensions: usize) -> Self {
        Resources(SmallVec::from_elem(0, dimensions))
    }

    /// The amounts in dimension order.
    pub fn as_slice(&self) -> &[u64] {
        &self.0
    }

    /// The amounts in dimension order, to be changed in place.
    pub fn as_mut_slice(&mut self) -> &mut [u64] {
        &mut self.0
    }

    /// Number of dimensions.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no dimension at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `self <= capacity` in every dimension.
    pub fn fits_in(&self, capacity: &Resources) -> bool {
        self.0.iter().zip(&capacity.0).all(|(a, b)| a <= b)
    }

    /// `self + other * times`, or `None` on overflow.
    pub fn checked_add_times(&self, other: &Resources, times: u64) -> Option<Resources> {
        self.0
            .iter()
            .zip(&other.0)
            .map(|(&a, &b)| a.checked_add(b.checked_mul(times)?))
            .collect::<Option<_>>()
            .map(Resources)
    }

    /// `self - other`, or `None` where a dimension would fall below zero.
    pub fn checked_sub(&self, other: &Resources) -> Option<Resources> {
        self.0.iter().zip(&other.0).map(|(a, b)| a.checked_sub(*b)).collect::<Option<_>>().map(Resources)
    }

    /// How many copies of `self` fit into `capacity`; `u64::MAX` when nothing is demanded.
    pub fn copies_in(&self, capacity: &Resources) -> u64 {
        self.0
            .iter()
            .zip(&capacity.0)
            .map(|(&d, &c)| c.checked_div(d).unwrap_or(u64::MAX))
            .min()
            .unwrap_or(u64::MAX)
    }
}

impl FromIterator<u64> for Resources {
    fn from_iter<I: IntoIterator<Item = u64>>(iter: I) -> Self {
        Resources(iter.into_iter().collect())
    }
}

impl std::ops::Index<usize> for Resources {
    type Output = u64;
    fn index(&self, dimension: usize) -> &u64 {
        &self.0[dimension]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_print_in_binary_units() {
        assert_eq!(Bytes(512 << 20).to_string(), "512 MiB");
        assert_eq!(Bytes(1536 << 20).to_string(), "1.5 GiB");
        assert_eq!(Bytes(100).to_string(), "100 B");
        assert_eq!(Bytes(u64::MAX).to_string(), "16 EiB");
    }

    #[test]
    fn copies_in_counts_the_tightest_dimension() {
        let demand: Resources = [2, 0, 5].into_iter().collect();
        let capacity: Resources = [10, 0, 11].into_iter().collect();
        assert_eq!(demand.copies_in(&capacity), 2);
        assert_eq!(Resources::zero(3).copies_in(&capacity), u64::MAX);
    }
}
