//! Demand over time as rows of the report: the levels, their nodes, and load-duration curves.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bill::{ListCost, Ratio, Scenario};
use crate::catalog::Catalog;
use crate::demand::{Horizon, Timeline};
use crate::formulate::pool_name;
use crate::levels::{Direction, Levels, Packed};
use crate::units::{Money, PartsPerMillion};

/// What runs hour by hour over a horizon, packed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OverTime {
    /// The first day, where one was given; without one the horizon starts on a Monday, 1 January.
    pub start: Option<String>,
    /// Hours that are planned for.
    pub hours: u64,
    /// How demand may turn out.
    pub scenarios: Vec<ScenarioRow>,
    /// Distinct states of demand in all hours and scenarios.
    pub states: u64,
    /// What the levels cover beyond what their hours need, as a share of what these need.
    pub waste: Option<Ratio>,
    /// Whether the levels were packed from the least one up (nodes are added) or from the highest down
    /// (nodes are removed); whichever is cheaper.
    pub direction: PackedFrom,
    /// The levels, the least first.
    pub levels: Vec<LevelRow>,
    /// All hours on demand with the nodes of their levels, expected over the scenarios.
    pub list: ListCost,
    /// A fleet for the most that every workload ever needs, in all hours, on demand.
    pub peak_list: ListCost,
    /// That fleet's nodes.
    pub peak_nodes: u64,
    /// Load-duration curves: for how many hours each family runs how much at least.
    pub load: Vec<LoadRow>,
}

/// From which end levels were packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PackedFrom {
    /// From the least level up.
    BottomUp,
    /// From the highest level down.
    TopDown,
}

/// One way in which demand may turn out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScenarioRow {
    /// Its name.
    pub name: String,
    /// How likely it is.
    pub weight: Ratio,
    /// What replicas are multiplied by.
    pub share: Ratio,
    /// All hours on demand in this scenario.
    pub list: ListCost,
}

/// Hours that are planned for as one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LevelRow {
    /// From 1, the least first.
    pub level: u64,
    /// Its hours in each scenario, in their order.
    pub hours: Vec<u64>,
    /// Its share of all hours, by the scenarios' weights.
    pub share: Ratio,
    /// Pods, DaemonSets not counted.
    pub pods: u64,
    /// Nodes that run.
    pub nodes: u64,
    /// What they cost an hour on demand.
    pub list_hour: ListCost,
    /// The nodes by type.
    pub types: Vec<LevelNodesRow>,
}

/// Nodes of one kind in one level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LevelNodesRow {
    /// The pool: the instance type, with the node pool before it where there is one.
    pub pool: String,
    /// Which type.
    pub instance_type: String,
    /// The zone, where zones are told apart.
    pub zone: Option<String>,
    /// Nodes that run.
    pub nodes: u64,
    /// Nodes that this level or one below it runs: these only grow from level to level.
    pub fleet: u64,
}

/// A step of a load-duration curve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadRow {
    /// In which scenario.
    pub scenario: String,
    /// Which family.
    pub family: String,
    /// Millicores of its nodes.
    pub cpu: u64,
    /// The fewest nodes with which it runs that much.
    pub nodes: u64,
    /// On-demand cost of these an hour.
    pub list_hour: ListCost,
    /// Hours in which the family runs so much or more.
    pub hours: u64,
    /// That as a share of all hours.
    pub share: Ratio,
}

/// What the rows are made of.
#[derive(Debug, Clone, Copy)]
pub struct OverTimeInputs<'a> {
    /// The hours.
    pub horizon: Horizon,
    /// The states of demand.
    pub timeline: &'a Timeline,
    /// The levels.
    pub levels: &'a Levels,
    /// Their plans.
    pub packed: &'a Packed,
    /// The plan for the peak of everything.
    pub peak: &'a Packed,
    /// The nodes of every hour.
    pub usage: &'a [Scenario<'a>],
    /// The prices.
    pub catalog: &'a Catalog,
}

impl OverTime {
    /// Makes the rows.
    pub fn of(inputs: &OverTimeInputs<'_>) -> Self {
        let OverTimeInputs { horizon, timeline, levels, packed, peak, usage, .. } = *inputs;
        let hours = u64::from(horizon.hours);
        let counts = counts(inputs);
        let scenarios = timeline.scenarios.iter().zip(&counts).map(|(s, counts)| ScenarioRow {
            name: s.scenario.name.clone(),
            weight: share(s.scenario.weight),
            share: share(s.scenario.share),
            list: ListCost::new(over(packed, counts)),
        });
        let top = peak.levels.last().map(|level| (level.list_hour, level.nodes.iter().sum()));
        let (peak_hour, peak_nodes) = top.unwrap_or((Money::ZERO, 0));
        OverTime {
            start: horizon.start.map(|day| day.to_string()),
            hours,
            scenarios: scenarios.collect(),
            states: timeline.states.len() as u64,
            waste: i128::try_from(levels.waste)
                .ok()
                .zip(i128::try_from(levels.needed).ok())
                .and_then(|(waste, needed)| Ratio::of_wide(waste, needed)),
            direction: match packed.direction {
                Direction::BottomUp => PackedFrom::BottomUp,
                Direction::TopDown => PackedFrom::TopDown,
            },
            levels: level_rows(inputs, &counts),
            list: ListCost::new(rounded(packed.list)),
            peak_list: ListCost::new(times(peak_hour, hours)),
            peak_nodes,
            load: usage.iter().flat_map(|scenario| load(scenario, hours)).collect(),
        }
    }
}

fn share(ppm: PartsPerMillion) -> Ratio {
    Ratio::of(u64::from(ppm.0), 1_000_000).expect("a million is not zero")
}

fn times(hour: Money, hours: u64) -> Money {
    hour.checked_mul(i128::from(hours)).expect("no bill reaches 10^29")
}

/// Millionths of nano-dollars, rounded half up.
fn rounded(millionths: u128) -> Money {
    Money::from_nanos(i128::try_from((millionths + 500_000) / 1_000_000).expect("no bill reaches 10^29"))
}

/// Per scenario the hours of each level.
fn counts(inputs: &OverTimeInputs<'_>) -> Vec<Vec<u64>> {
    let of = |hours: &[u32]| {
        let mut counts = vec![0; inputs.levels.levels.len()];
        hours.iter().for_each(|&state| counts[inputs.levels.of_state[state as usize] as usize] += 1);
        counts
    };
    inputs.timeline.scenarios.iter().map(|s| of(&s.hours)).collect()
}

fn over(packed: &Packed, counts: &[u64]) -> Money {
    packed.levels.iter().zip(counts).map(|(level, &hours)| times(level.list_hour, hours)).sum()
}

fn level_rows(inputs: &OverTimeInputs<'_>, counts: &[Vec<u64>]) -> Vec<LevelRow> {
    let OverTimeInputs { horizon, levels, packed, catalog, .. } = *inputs;
    let all = u64::from(horizon.hours) * 1_000_000;
    let row = |(number, (level, plan)): (usize, (&crate::levels::Level, &crate::levels::LevelPlan))| {
        let types = packed.kinds.iter().zip(plan.nodes.iter().zip(&plan.fleet));
        let types = types.filter(|(_, (_, fleet))| **fleet > 0).map(|(kind, (&nodes, &fleet))| {
            let instance_type = catalog.types[kind.catalog_type].name.clone();
            let pool = pool_name(&instance_type, &kind.pool.name);
            LevelNodesRow { pool, instance_type, zone: kind.zone.clone(), nodes, fleet }
        });
        LevelRow {
            level: number as u64 + 1,
            hours: counts.iter().map(|c| c[number]).collect(),
            share: Ratio::of(level.weight, all).unwrap_or_default(),
            pods: level.replicas.iter().sum(),
            nodes: plan.nodes.iter().sum(),
            list_hour: ListCost::new(plan.list_hour),
            types: types.collect(),
        }
    };
    levels.levels.iter().zip(&packed.levels).enumerate().map(row).collect()
}

/// The load-duration curves of one scenario, each from the most to the least.
fn load(scenario: &Scenario<'_>, hours: u64) -> Vec<LoadRow> {
    let usage = &scenario.usage;
    let counts = usage.count(0..usage.len());
    let mut families: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, line) in usage.lines().iter().enumerate() {
        families.entry(&line.instance_type.family).or_default().push(index);
    }
    let mut rows = Vec::new();
    for (family, lines) in families {
        // By millicores: hours, and the fewest nodes with their cost.
        let mut steps: BTreeMap<u64, (u64, u64, Money)> = BTreeMap::new();
        for (slot, &hours) in usage.slots().iter().zip(&counts) {
            let cpu = lines.iter().map(|&l| usage.lines()[l].instance_type.cpu.0 * slot[l]).sum();
            let nodes: u64 = lines.iter().map(|&l| slot[l]).sum();
            let list = lines.iter().map(|&l| usage.lines()[l].list_hour(slot[l])).sum();
            let step = steps.entry(cpu).or_insert((0, nodes, list));
            step.0 += hours;
            if nodes < step.1 {
                (step.1, step.2) = (nodes, list);
            }
        }
        let mut at_least = 0;
        for (cpu, (lasting, nodes, list)) in steps.into_iter().rev() {
            at_least += lasting;
            if lasting > 0 && cpu > 0 {
                rows.push(LoadRow {
                    scenario: scenario.name.clone(),
                    family: family.to_owned(),
                    cpu,
                    nodes,
                    list_hour: ListCost::new(list),
                    hours: at_least,
                    share: Ratio::of(at_least, hours).unwrap_or_default(),
                });
            }
        }
    }
    rows
}
