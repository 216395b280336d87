//! What pods were measured to use, beside what they request: requests made to fit, and the chance that pods on
//! one node use more than it has.
//!
//! Use is in base units (millicores, bytes) per pod. Statistics are estimates: they and what follows from them
//! are floats here, and go into requests once, rounded up.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::units::{PartsPerMillion, ResourceName};
use crate::workload::{Workload, WorkloadSet};

pub mod risk;

/// Measured use of one resource by one pod.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stat {
    /// On average.
    pub mean: u64,
    /// Not exceeded for 95 % of the time.
    pub p95: u64,
    /// Ever.
    pub max: u64,
    /// Single measurements, where there are any: they tell the distribution better than the three figures.
    pub samples: Vec<u64>,
}

/// Measured use of a workload's pods, by resource (cpu, memory).
pub type Measured = BTreeMap<ResourceName, Stat>;

/// Whose use a measurement is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// In this namespace; `None` for any.
    pub namespace: Option<String>,
    /// A workload or a pod.
    pub name: SubjectName,
}

/// A workload or a pod of one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SubjectName {
    /// The workload's name.
    Workload(String),
    /// A pod's name: its workload's name, then a hyphen and more, unless the pod is by itself.
    Pod(String),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(namespace) = &self.namespace {
            write!(f, "{namespace}/")?;
        }
        match &self.name {
            SubjectName::Workload(name) | SubjectName::Pod(name) => f.write_str(name),
        }
    }
}

/// Measurements as they were read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UsageSet {
    /// In reading order.
    pub rows: Vec<(Subject, Measured)>,
}

/// Measurements by workload.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MatchedUsage {
    /// One for each workload of the set; empty where nothing was measured.
    pub of: Vec<Measured>,
    /// Measurements of nobody in the set.
    pub unmatched: Vec<String>,
}

impl UsageSet {
    /// Finds the workload of each measurement. Of several pods of a workload the mean is the mean of theirs
    /// (rounded up), the 95th percentile and the maximum are the highest.
    pub fn matched(&self, set: &WorkloadSet) -> MatchedUsage {
        let mut all: Vec<BTreeMap<ResourceName, Vec<&Stat>>> = vec![BTreeMap::new(); set.workloads.len()];
        let mut unmatched = Vec::new();
        for (subject, measured) in &self.rows {
            let workloads = subject.workloads(set);
            if workloads.is_empty() {
                unmatched.push(subject.to_string());
            }
            for w in workloads {
                for (resource, stat) in measured {
                    all[w].entry(resource.clone()).or_default().push(stat);
                }
            }
        }
        let joined = |(resource, stats): (ResourceName, Vec<&Stat>)| (resource, join(&stats));
        MatchedUsage { of: all.into_iter().map(|m| m.into_iter().map(joined).collect()).collect(), unmatched }
    }
}

fn join(stats: &[&Stat]) -> Stat {
    let sum: u128 = stats.iter().map(|s| u128::from(s.mean)).sum();
    let most = |of: fn(&Stat) -> u64| stats.iter().map(|s| of(s)).max().unwrap_or(0);
    Stat {
        mean: u64::try_from(sum.div_ceil(stats.len() as u128)).expect("a mean is no more than the largest"),
        p95: most(|s| s.p95),
        max: most(|s| s.max),
        samples: stats.iter().flat_map(|s| s.samples.iter().copied()).collect(),
    }
}

impl Subject {
    /// Places of the workloads meant: several parts of one workload, or none.
    fn workloads(&self, set: &WorkloadSet) -> Vec<usize> {
        let here = |w: &Workload| self.namespace.as_ref().is_none_or(|n| *n == w.id.namespace);
        let places = || set.workloads.iter().enumerate().filter(|(_, w)| here(w));
        let named = |name: &str| -> Vec<usize> {
            places().filter(|(_, w)| w.id.whole_name() == name).map(|(place, _)| place).collect()
        };
        match &self.name {
            SubjectName::Workload(name) => named(name),
            SubjectName::Pod(pod) => {
                let exact = named(pod);
                if !exact.is_empty() {
                    return exact;
                }
                // The longest name wins: `web-api-x` is a pod of `web-api`, not of `web`.
                let is_of = |name: &str| pod.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'));
                let owner = places().map(|(_, w)| w.id.whole_name()).filter(|name| is_of(name));
                owner.max_by_key(|name| name.len()).map(named).unwrap_or_default()
            }
        }
    }
}

/// How requests are made to fit: `p95+15%`, `max`, `mean+50%`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RightSize {
    /// Of what.
    pub of: Figure,
    /// What is added to it.
    pub margin: PartsPerMillion,
}

/// A figure of measured use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// On average.
    Mean,
    /// Not exceeded for 95 % of the time.
    P95,
    /// Ever.
    Max,
}

impl fmt::Display for RightSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.of {
            Figure::Mean => "mean",
            Figure::P95 => "p95",
            Figure::Max => "max",
        })?;
        if self.margin.0 > 0 {
            write!(f, " + {}", self.margin)?;
        }
        Ok(())
    }
}

impl FromStr for RightSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (figure, margin) = text.split_once('+').map_or((text, None), |(f, m)| (f, Some(m)));
        let of = match figure.trim() {
            "mean" => Figure::Mean,
            "p95" => Figure::P95,
            "max" => Figure::Max,
            other => return Err(format!("`{other}` is none of mean, p95 and max; write p95+15%")),
        };
        let margin = margin.map(|m| m.trim().parse::<PartsPerMillion>().map_err(|e| e.to_string()));
        Ok(RightSize { of, margin: margin.transpose()?.unwrap_or_default() })
    }
}

impl RightSize {
    /// What a pod of this use should request, rounded up and at least one unit.
    pub fn request(self, stat: &Stat) -> u64 {
        let base = match self.of {
            Figure::Mean => stat.mean,
            Figure::P95 => stat.p95,
            Figure::Max => stat.max,
        };
        base.saturating_add(self.margin.ceil_of(base)).max(1)
    }
}

/// The workloads with requests that fit their use; a limit below the new request rises to it. What was not
/// measured stays as it is.
pub fn right_sized(set: &WorkloadSet, usage: &MatchedUsage, how: RightSize) -> WorkloadSet {
    with_requests(set, usage, |_, stat| Some(how.request(stat)))
}

/// The workloads with other requests, by measured resource; `None` leaves one as it is.
pub fn with_requests(
    set: &WorkloadSet,
    usage: &MatchedUsage,
    request: impl Fn(&ResourceName, &Stat) -> Option<u64>,
) -> WorkloadSet {
    let mut set = set.clone();
    for (workload, measured) in set.workloads.iter_mut().zip(&usage.of) {
        for (resource, stat) in measured {
            let Some(wanted) = request(resource, stat) else { continue };
            workload.pod.requests.insert(resource.clone(), wanted);
            if let Some(limit) = workload.pod.limits.get_mut(resource) {
                *limit = wanted.max(*limit);
            }
        }
    }
    set
}

/// What one core and one GiB are taken to be worth, to share out the cost of a plan between cpu and memory: the
/// default prices of OpenCost (opencost/opencost, `configs/default.json`: CPU 0.031611, RAM 0.004237 an hour).
const NANOS_PER_MILLICORE: u128 = 31_611;
const NANOS_PER_GIB: u128 = 4_237_000;

/// The weight of an amount of a resource in the cost of a plan; none for other resources than cpu and memory.
pub fn weight(resource: &ResourceName, amount: u64) -> u128 {
    match resource {
        ResourceName::Cpu => u128::from(amount) * NANOS_PER_MILLICORE,
        ResourceName::Memory => (u128::from(amount) * NANOS_PER_GIB) >> 30,
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
