//! Nodes over time: what a fleet uses hour by hour, held as few distinct states.
//!
//! A year has 8,760 hours and a fleet a few dozen states, so everything per hour is computed once per
//! distinct state (slot) and counted.

use std::collections::BTreeMap;

use crate::catalog::{Catalog, InstanceType, NormalizedUnits};
use crate::units::{HOURS_PER_MONTH, Money, PartsPerMillion, Rate};

/// Seconds of a clock hour; one reserved instance covers at most that many instance-seconds in it.
pub const SECONDS_PER_HOUR: u64 = 3_600;

/// A pool of sizes over which a reservation flexes: an AWS family, an Azure flexibility group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlexPool {
    /// `m5`, or `DSv2 series`.
    pub name: String,
    /// What one node weighs in it, in thousandths; never zero.
    pub units: NormalizedUnits,
}

/// Whether the line's nodes run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum LineState {
    /// Running nodes.
    #[default]
    Running,
    /// The unused part of an on-demand capacity reservation: charged like running nodes; regional
    /// discounts cover it after them, zonal ones never (EC2 user guide).
    UnusedCapacity,
    /// Running spot nodes: paid at the spot rate, whatever is held.
    Spot,
}

/// What a node's on-demand rate is made of, where the provider bills resources apart (Google Cloud).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Components {
    /// All its vCPUs, per hour.
    pub cpu: Rate,
    /// All its memory, per hour.
    pub memory: Rate,
    /// Everything else (local disks, accelerators), per hour.
    pub rest: Rate,
}

/// Nodes of one type that are billed alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageLine<'a> {
    /// Which type; its on-demand rate is the line's list price, the spot rate that of spot nodes.
    pub instance_type: &'a InstanceType,
    /// Availability zone, where it is settled; zonal reservations cover lines in their zone, and those that
    /// may stand in any.
    pub zone: Option<String>,
    /// Seconds of each hour that a node of this line runs; 3,600 for nodes that stay.
    pub seconds: u32,
    /// The pool that reservations for it flex in; none where they are for the exact type.
    pub pool: Option<FlexPool>,
    /// Its rate by resource, for providers that commit to resources.
    pub components: Option<Components>,
    /// Paid per node and hour beside the on-demand rate; no commitment covers it.
    pub surcharge: Rate,
    /// Running, reserved and unused, or spot.
    pub state: LineState,
}

impl<'a> UsageLine<'a> {
    /// Nodes that run whole hours, in no particular zone, with the flexibility that the catalog states
    /// (normalized units of an AWS family).
    pub fn new(instance_type: &'a InstanceType) -> Self {
        let pool = instance_type
            .normalized_units
            .filter(|units| units.0 > 0)
            .map(|units| FlexPool { name: instance_type.family.clone(), units });
        UsageLine {
            instance_type,
            zone: None,
            seconds: 3_600,
            pool,
            components: None,
            surcharge: Rate::ZERO,
            state: LineState::Running,
        }
    }

    /// Spot nodes that run whole hours; `None` for a type without a spot rate, for a missing rate is
    /// never another one.
    pub fn spot(instance_type: &'a InstanceType) -> Option<Self> {
        instance_type.spot.as_ref()?;
        Some(UsageLine { pool: None, state: LineState::Spot, ..UsageLine::new(instance_type) })
    }

    /// What a node costs an hour where nothing covers it, surcharge left out.
    pub fn rate(&self) -> Rate {
        let t = self.instance_type;
        match (self.state, &t.spot) {
            (LineState::Spot, Some(spot)) => spot.rate,
            _ => t.on_demand.rate,
        }
    }

    /// That at the public price list.
    pub fn public_rate(&self) -> Rate {
        let t = self.instance_type;
        match (self.state, &t.spot) {
            (LineState::Spot, Some(spot)) => spot.list_rate(),
            _ => t.on_demand.list_rate(),
        }
    }

    /// Whether its nodes stand in a zone, or may: where no rule says where, whoever owns a reservation in a
    /// zone runs them there.
    pub fn may_stand_in(&self, zone: &str) -> bool {
        self.zone.as_deref().is_none_or(|own| own == zone)
    }

    /// The same line in a zone.
    pub fn in_zone(mut self, zone: impl Into<String>) -> Self {
        self.zone = Some(zone.into());
        self
    }

    /// The same line in another pool, or in none (other platforms than Linux, dedicated tenancy).
    pub fn in_pool(mut self, pool: Option<FlexPool>) -> Self {
        self.pool = pool;
        self
    }

    /// The same line with its rate split over resources.
    pub fn with_components(mut self, components: Option<Components>) -> Self {
        self.components = components;
        self
    }

    /// What `amount` units of it cost on demand in one hour when a node weighs `unit`, rounded half up
    /// to a nano-dollar.
    pub(crate) fn value(rate: Rate, amount: u64, unit: u64) -> Money {
        let whole = u128::from(SECONDS_PER_HOUR) * u128::from(unit);
        let product = u128::from(rate.nanos()) * u128::from(amount);
        Money::from_nanos(i128::try_from((product + whole / 2) / whole).expect("no bill reaches 10^29"))
    }

    /// What `nodes` of it cost an hour where nothing covers them, surcharge left out.
    pub fn list_hour(&self, nodes: u64) -> Money {
        UsageLine::value(self.rate(), nodes * u64::from(self.seconds), 1)
    }

    /// What `nodes` of it cost an hour in surcharges.
    pub fn surcharge_hour(&self, nodes: u64) -> Money {
        UsageLine::value(self.surcharge, nodes * u64::from(self.seconds), 1)
    }
}

/// What contradicts itself in a usage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UsageError {
    /// A state that does not count every line.
    #[error("state {slot} counts {counted} lines of {lines}")]
    Lines {
        /// Which state.
        slot: usize,
        /// How many lines it counts.
        counted: usize,
        /// How many there are.
        lines: usize,
    },
    /// An hour in a state that does not exist.
    #[error("hour {hour} is in state {slot}, and there are {slots}")]
    Slot {
        /// Which hour.
        hour: usize,
        /// Which state.
        slot: u32,
        /// How many states there are.
        slots: usize,
    },
    /// Months that are longer or shorter than the hours.
    #[error("the months have {months} hours, the usage {hours}")]
    Months {
        /// Hours of all months.
        months: u64,
        /// Hours of the usage.
        hours: u64,
    },
    /// More nodes than a bill can count.
    #[error("state {slot} has too many nodes of line {line}")]
    TooMany {
        /// Which state.
        slot: usize,
        /// Which line.
        line: usize,
    },
}

/// Nodes over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeUsage<'a> {
    lines: Vec<UsageLine<'a>>,
    slots: Vec<Vec<u64>>,
    hours: Vec<u32>,
    months: Vec<u32>,
}

/// Nodes of one line in one hour; beyond this no fleet goes, and units of it stay in 64 bits.
const MOST_NODES: u64 = 1_000_000_000;

impl<'a> NodeUsage<'a> {
    /// Lines, the distinct states as nodes per line, and for each hour in order which state it is in.
    /// Months have 730 hours unless [`NodeUsage::with_months`] says otherwise.
    ///
    /// # Errors
    /// States and lines, or hours and states, that do not fit together.
    pub fn new(lines: Vec<UsageLine<'a>>, slots: Vec<Vec<u64>>, hours: Vec<u32>) -> Result<Self, UsageError> {
        for (slot, nodes) in slots.iter().enumerate() {
            if nodes.len() != lines.len() {
                return Err(UsageError::Lines { slot, counted: nodes.len(), lines: lines.len() });
            }
            if let Some(line) = nodes.iter().position(|&n| n > MOST_NODES) {
                return Err(UsageError::TooMany { slot, line });
            }
        }
        if let Some((hour, &slot)) = hours.iter().enumerate().find(|&(_, &slot)| slot as usize >= slots.len())
        {
            return Err(UsageError::Slot { hour, slot, slots: slots.len() });
        }
        let month = u32::try_from(HOURS_PER_MONTH).expect("730");
        let total = u32::try_from(hours.len()).unwrap_or(u32::MAX);
        let mut months = vec![month; (total / month) as usize];
        if !total.is_multiple_of(month) {
            months.push(total % month);
        }
        Ok(NodeUsage { lines, slots, hours, months })
    }

    /// A fleet that stays as it is for some hours.
    ///
    /// # Errors
    /// As [`NodeUsage::new`].
    pub fn steady(lines: Vec<UsageLine<'a>>, nodes: Vec<u64>, hours: u32) -> Result<Self, UsageError> {
        NodeUsage::new(lines, vec![nodes], vec![0; hours as usize])
    }

    /// The same with months of these lengths in hours.
    ///
    /// # Errors
    /// Months that do not add up to the hours.
    pub fn with_months(mut self, months: Vec<u32>) -> Result<Self, UsageError> {
        let sum: u64 = months.iter().map(|&m| u64::from(m)).sum();
        if sum != self.hours.len() as u64 {
            return Err(UsageError::Months { months: sum, hours: self.hours.len() as u64 });
        }
        self.months = months;
        Ok(self)
    }

    /// The same with an on-demand capacity reservation of `count` nodes like line `line`: what of it
    /// no node uses becomes a line of its own, charged on demand as if it ran (EC2 user guide).
    /// A line index beyond the lines changes nothing.
    pub fn with_capacity_reservation(mut self, line: usize, count: u64) -> Self {
        if let Some(like) = self.lines.get(line) {
            let unused = UsageLine { state: LineState::UnusedCapacity, seconds: 3_600, ..like.clone() };
            self.lines.push(unused);
            for nodes in &mut self.slots {
                nodes.push(count.saturating_sub(nodes[line]));
            }
        }
        self
    }

    /// What is billed alike.
    pub fn lines(&self) -> &[UsageLine<'a>] {
        &self.lines
    }

    /// The distinct states: nodes per line.
    pub fn slots(&self) -> &[Vec<u64>] {
        &self.slots
    }

    /// For each hour in order, its state.
    pub fn hours(&self) -> &[u32] {
        &self.hours
    }

    /// How many hours there are.
    pub fn len(&self) -> u32 {
        u32::try_from(self.hours.len()).expect("a horizon of 490,000 years")
    }

    /// Whether there is no hour.
    pub fn is_empty(&self) -> bool {
        self.hours.is_empty()
    }

    /// Lengths of the months in hours, in order.
    pub fn months(&self) -> &[u32] {
        &self.months
    }

    /// How many hours of a range each state has.
    pub fn count(&self, hours: std::ops::Range<u32>) -> Vec<u64> {
        let mut counts = vec![0; self.slots.len()];
        for &slot in &self.hours[hours.start as usize..hours.end as usize] {
            counts[slot as usize] += 1;
        }
        counts
    }
}

/// One way the future may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario<'a> {
    /// `low`, `expected`, `high`.
    pub name: String,
    /// How likely it is; all weights sum to one.
    pub weight: PartsPerMillion,
    /// What runs then.
    pub usage: NodeUsage<'a>,
}

/// What vCPU and memory cost in each series of a catalog whose provider bills them apart, solved from
/// the two plain types of the series that differ most in memory per vCPU.
///
/// A series with one shape only has no such solution; there a node's rate counts as its vCPUs'.
#[derive(Debug, Clone, Default)]
pub struct SeriesRates {
    /// Per series: nano-dollars per hour of 1,000 millicores and of 1 GiB, each times `scale`.
    series: BTreeMap<String, Solution>,
}

/// `cpu / scale` per vCPU and `memory / scale` per GiB.
#[derive(Debug, Clone, Copy)]
struct Solution {
    cpu: i128,
    memory: i128,
    scale: i128,
}

impl SeriesRates {
    /// Solves every series for the rate that `rate` gives its types.
    pub fn of(catalog: &Catalog, rate: impl Fn(&InstanceType) -> Option<Rate>) -> Self {
        let mut shapes: BTreeMap<&str, Vec<(i128, i128, i128)>> = BTreeMap::new();
        for t in &catalog.types {
            let plain = t.accelerator.is_none()
                && t.extended.is_empty()
                && t.local_storage.0 == 0
                && t.burst.is_none()
                && t.cpu.0.is_multiple_of(1_000);
            if let Some(rate) = rate(t).filter(|_| plain && t.cpu.0 > 0) {
                let mib = i128::from(t.memory.0 >> 20);
                let cpu = i128::from(t.cpu.0 / 1_000);
                shapes.entry(&t.family).or_default().push((cpu, mib, i128::from(rate.nanos())));
            }
        }
        let solve = |types: &[(i128, i128, i128)]| -> Option<Solution> {
            // a / b < c / d as a d < c b: exact.
            let leaner = |x: &&(i128, i128, i128), y: &&(i128, i128, i128)| (x.1 * y.0).cmp(&(y.1 * x.0));
            let (lean, rich) = (types.iter().min_by(leaner)?, types.iter().max_by(leaner)?);
            // c1 a + m1 b = p1, c2 a + m2 b = p2 by Cramer's rule.
            let scale = lean.0 * rich.1 - rich.0 * lean.1;
            let cpu = lean.2 * rich.1 - rich.2 * lean.1;
            let memory = (lean.0 * rich.2 - rich.0 * lean.2) * 1_024;
            (scale > 0 && cpu >= 0 && memory >= 0).then_some(Solution { cpu, memory, scale })
        };
        let series = shapes.iter().filter_map(|(&name, types)| Some((name.to_owned(), solve(types)?)));
        SeriesRates { series: series.collect() }
    }

    /// A rate of a type split over its vCPUs, its memory and the rest; the parts sum to it.
    pub fn split(&self, instance_type: &InstanceType, rate: Rate) -> Components {
        let Some(solution) = self.series.get(&instance_type.family) else {
            return Components { cpu: rate, memory: Rate::ZERO, rest: Rate::ZERO };
        };
        let part = |amount: i128, unit: i128, whole: i128| {
            let nanos = amount * unit / (solution.scale * whole);
            u64::try_from(nanos).unwrap_or(u64::MAX)
        };
        let memory = i128::from(instance_type.memory.0 >> 20);
        let cpu = part(solution.cpu, i128::from(instance_type.cpu.0), 1_000).min(rate.nanos());
        let memory = part(solution.memory, memory, 1_024).min(rate.nanos() - cpu);
        let mut rest = rate.nanos() - cpu - memory;
        // What is left of a plain type are roundings of its price list, not a part of the machine.
        let mut memory = memory;
        let plain = instance_type.accelerator.is_none()
            && instance_type.extended.is_empty()
            && instance_type.local_storage.0 == 0;
        if plain {
            memory += rest;
            rest = 0;
        }
        Components {
            cpu: Rate::from_nanos(cpu),
            memory: Rate::from_nanos(memory),
            rest: Rate::from_nanos(rest),
        }
    }
}

/// Ratios of sizes inside flexibility groups, as a file of the user's has them (Azure publishes them by
/// region and changes them, so that none are built in).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SizeRatios {
    by_type: BTreeMap<String, FlexPool>,
}

impl SizeRatios {
    /// From `(group, instance type, ratio in thousandths)`.
    pub fn new(rows: impl IntoIterator<Item = (String, String, u64)>) -> Self {
        let pool =
            |(name, instance_type, units)| (instance_type, FlexPool { name, units: NormalizedUnits(units) });
        SizeRatios { by_type: rows.into_iter().map(pool).collect() }
    }

    /// The pool that a type's reservations flex in; as the catalog has it where the file is silent.
    pub fn pool(&self, line: &UsageLine<'_>) -> Option<FlexPool> {
        self.by_type.get(&line.instance_type.name).cloned().or_else(|| line.pool.clone())
    }
}
