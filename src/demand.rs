//! How many replicas run in each hour of a horizon: profiles, autoscaling, growth, dates, scenarios.
//!
//! Amounts are whole replicas, rounded up once, at the very end:
//!
//! ```text
//! replicas(h) = ceil(v(h) x growth^month(h) x share(scenario)), and never below an autoscaler's minimum
//! v(h)        = the profile's replicas in that hour, or its share of the stated replicas (of the
//!               autoscaler's maximum, where there is one), or the stated replicas; within the
//!               autoscaler's minimum and maximum
//! ```
//!
//! and nothing runs before the start or from the end on. A month has 730 hours, counted from the start
//! of the horizon. Days are UTC. Where no first day is given, the horizon starts on a Monday, the first
//! of January of a year without a leap day.

use std::collections::{BTreeMap, HashMap};

use jiff::ToSpan;
use jiff::civil::{Date, date};

use crate::units::{HOURS_PER_MONTH, PartsPerMillion};

/// Hours of a day.
pub const DAY: usize = 24;
/// Hours of a week.
pub const WEEK: usize = 168;
/// Hours of a year, leap days ignored, as providers bill them.
pub const YEAR: usize = 8_760;

/// What a profile says of each hour.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Amounts {
    /// Replicas.
    Replicas(Vec<u64>),
    /// Shares of the stated replicas, or of an autoscaler's maximum.
    Shares(Vec<PartsPerMillion>),
}

/// Values of a day (24), of a week from Monday on (168) or of a year from the first of January on
/// (8,760), which repeat.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Profile {
    amounts: Amounts,
}

/// A number of values that is no day, week or year of hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("has {0} values where 24 (a day), 168 (a week from Monday on) or 8760 (a year) belong")]
pub struct NoCycle(pub usize);

impl Profile {
    /// One value per hour.
    ///
    /// # Errors
    /// A number of values that is no day, week or year.
    pub fn new(amounts: Amounts) -> Result<Self, NoCycle> {
        let profile = Profile { amounts };
        match profile.len() {
            DAY | WEEK | YEAR => Ok(profile),
            other => Err(NoCycle(other)),
        }
    }

    /// The values.
    pub fn amounts(&self) -> &Amounts {
        &self.amounts
    }

    /// The largest number of replicas, where it says replicas.
    pub fn peak(&self) -> Option<u64> {
        match &self.amounts {
            Amounts::Replicas(values) => values.iter().copied().max(),
            Amounts::Shares(_) => None,
        }
    }

    fn len(&self) -> usize {
        match &self.amounts {
            Amounts::Replicas(values) => values.len(),
            Amounts::Shares(values) => values.len(),
        }
    }
}

/// What an autoscaler keeps replicas between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Autoscaled {
    /// Never fewer.
    pub min: u64,
    /// Never more, before growth.
    pub max: u64,
}

/// Growth of replicas a month, compounded; below zero for shrinking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Growth(
    /// Parts per million a month, above -1,000,000.
    pub i32,
);

/// The unit that growth factors are counted in.
const FACTOR: u128 = 1_000_000_000_000;

impl Growth {
    /// What replicas are multiplied by in each month, in units of 10^-12, rounded up month by month.
    fn factors(self, months: usize) -> Vec<u128> {
        let monthly = u128::try_from(1_000_000 + i64::from(self.0).max(-1_000_000)).unwrap_or(0);
        let grow = |factor: &u128| Some(factor.saturating_mul(monthly).div_ceil(1_000_000));
        std::iter::successors(Some(FACTOR), grow).take(months).collect()
    }
}

/// How a workload's replicas vary over time.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Demand {
    /// Hour by hour.
    pub profile: Option<Profile>,
    /// The autoscaler that scales it.
    pub autoscaled: Option<Autoscaled>,
    /// How it grows.
    pub growth: Growth,
    /// The first day on which it runs.
    pub start: Option<Date>,
    /// The first day on which it runs no more.
    pub end: Option<Date>,
    /// Its share in named scenarios, instead of the scenario's own.
    pub shares: BTreeMap<String, PartsPerMillion>,
}

impl Demand {
    /// Whether the number of replicas is the same in every hour of a scenario.
    pub fn is_constant(&self) -> bool {
        self.profile.is_none() && self.growth == Growth(0) && self.start.is_none() && self.end.is_none()
    }
}

/// One way in which demand may turn out.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scenario {
    /// `low`, `expected`, `high`.
    pub name: String,
    /// How likely it is; the weights of all scenarios sum up to one.
    pub weight: PartsPerMillion,
    /// What every workload's replicas are multiplied by, unless it says otherwise.
    pub share: PartsPerMillion,
}

impl Scenario {
    /// Demand as it is stated, for certain.
    pub fn expected() -> Self {
        Scenario { name: "expected".to_owned(), weight: PartsPerMillion::ONE, share: PartsPerMillion::ONE }
    }
}

/// Hours that are planned for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Horizon {
    /// The first day, from midnight UTC on.
    pub start: Option<Date>,
    /// How many hours.
    pub hours: u32,
}

/// The most hours that are planned for: five years.
pub const MOST_HOURS: u32 = 5 * 8_760;

impl Horizon {
    /// A year from an unnamed Monday on.
    pub const YEAR: Horizon = Horizon { start: None, hours: 8_760 };

    /// The first day, or the Monday that stands for it.
    pub fn first_day(&self) -> Date {
        self.start.unwrap_or(date(2001, 1, 1))
    }

    /// The last day, in part or whole; none past the calendar's end.
    pub fn last_day(&self) -> Option<Date> {
        let days = i64::from(self.hours.div_ceil(24)).max(1) - 1;
        self.first_day().checked_add(days.days()).ok()
    }

    fn months(&self) -> usize {
        usize::try_from(u64::from(self.hours).div_ceil(HOURS_PER_MONTH)).unwrap_or(usize::MAX)
    }

    /// For each day: the first hour of its day within the week and within the year of 8,760 hours. The
    /// 29th of February is the 28th once more.
    fn days(&self) -> Vec<(Date, usize, usize)> {
        let first = self.first_day();
        let count = i64::from(self.hours.div_ceil(24));
        (0..count)
            .map_while(|n| {
                let day = first.checked_add(n.days()).ok()?;
                let weekday = usize::try_from(day.weekday().to_monday_zero_offset()).ok()?;
                let past = usize::try_from(day.day_of_year()).ok()? - 1;
                let leap = day.in_leap_year() && past >= 59;
                Some((day, weekday * DAY, (past - usize::from(leap)) * DAY))
            })
            .collect()
    }
}

/// What a workload of the timeline needs beside its place: stated replicas and how they vary.
#[derive(Debug, Clone, Copy)]
pub struct Needed<'a> {
    /// As stated; the number that every hour has without a demand.
    pub replicas: u64,
    /// How it varies, if it does.
    pub demand: Option<&'a Demand>,
}

/// Replicas of all workloads in each hour, equal hours told once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    /// The first day, where one is known.
    pub start: Option<Date>,
    /// Distinct states: replicas per workload.
    pub states: Vec<Vec<u64>>,
    /// One per scenario.
    pub scenarios: Vec<ScenarioHours>,
}

/// The hours of one scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScenarioHours {
    /// Which.
    pub scenario: Scenario,
    /// For each hour of the horizon its state.
    pub hours: Vec<u32>,
}

impl Timeline {
    /// The states of every hour of the horizon in every scenario.
    pub fn new(needed: &[Needed<'_>], scenarios: &[Scenario], horizon: Horizon) -> Self {
        let days = horizon.days();
        let mut states: Vec<Vec<u64>> = Vec::new();
        let mut known: HashMap<Vec<u64>, u32> = HashMap::new();
        let scenarios = scenarios.iter().map(|scenario| {
            let courses: Vec<Course<'_>> =
                needed.iter().map(|n| Course::new(n, scenario, horizon.months())).collect();
            let varying: Vec<usize> = (0..courses.len()).filter(|&w| !courses[w].is_constant()).collect();
            let hours_of_day = |(day, week, year): (Date, usize, usize)| {
                (0..DAY).map(move |hour| Moment { day, day_hour: hour, week: week + hour, year: year + hour })
            };
            let moments = days.iter().copied().flat_map(hours_of_day).take(horizon.hours as usize);
            let mut state: Vec<u64> = courses.iter().map(|c| c.constant).collect();
            let hours = moments.enumerate().map(|(hour, moment)| {
                let month = hour / HOURS_PER_MONTH as usize;
                varying.iter().for_each(|&w| state[w] = courses[w].at(month, &moment));
                if let Some(&id) = known.get(&state) {
                    return id;
                }
                let id = u32::try_from(states.len()).unwrap_or(u32::MAX);
                known.insert(state.clone(), id);
                states.push(state.clone());
                id
            });
            ScenarioHours { hours: hours.collect(), scenario: scenario.clone() }
        });
        let scenarios = scenarios.collect();
        Timeline { start: horizon.start, states, scenarios }
    }

    /// Workloads that run in no hour of any scenario, in the order of their places.
    pub fn absent(&self) -> Vec<usize> {
        let count = self.states.first().map_or(0, Vec::len);
        (0..count).filter(|&w| self.states.iter().all(|state| state[w] == 0)).collect()
    }

    /// For each state the hours that it lasts, weighted by the scenarios: in millionths of an hour.
    pub fn weights(&self) -> Vec<u64> {
        let mut weights = vec![0u64; self.states.len()];
        for ScenarioHours { scenario, hours } in &self.scenarios {
            for &state in hours {
                weights[state as usize] += u64::from(scenario.weight.0);
            }
        }
        weights
    }
}

/// An hour of the horizon in the cycles that profiles have.
struct Moment {
    day: Date,
    day_hour: usize,
    week: usize,
    year: usize,
}

/// One workload in one scenario.
struct Course<'a> {
    demand: Option<&'a Demand>,
    /// What shares are shares of.
    base: u64,
    share: PartsPerMillion,
    factors: Vec<u128>,
    /// Its replicas where they do not vary.
    constant: u64,
}

impl<'a> Course<'a> {
    fn new(needed: &Needed<'a>, scenario: &Scenario, months: usize) -> Self {
        let own = needed.demand.and_then(|d| d.shares.get(&scenario.name));
        let share = own.copied().unwrap_or(scenario.share);
        let growth = needed.demand.map(|d| d.growth).unwrap_or_default();
        let scaled = needed.demand.filter(|d| d.profile.is_some()).and_then(|d| d.autoscaled);
        let base = scaled.map_or(needed.replicas, |a| a.max);
        let factors = growth.factors(months.max(1));
        let mut course = Course { demand: needed.demand, base, share, factors, constant: 0 };
        course.constant = course.finish(u128::from(base) * 1_000_000, 0);
        course
    }

    fn is_constant(&self) -> bool {
        self.demand.is_none_or(Demand::is_constant)
    }

    fn at(&self, month: usize, moment: &Moment) -> u64 {
        let Some(demand) = self.demand else { return self.constant };
        let before = demand.start.is_some_and(|start| moment.day < start);
        if before || demand.end.is_some_and(|end| moment.day >= end) {
            return 0;
        }
        let of_hour = |len: usize| match len {
            DAY => moment.day_hour,
            WEEK => moment.week,
            _ => moment.year,
        };
        let millionths = match demand.profile.as_ref().map(|p| (&p.amounts, of_hour(p.len()))) {
            None => u128::from(self.base) * 1_000_000,
            Some((Amounts::Replicas(values), hour)) => u128::from(values[hour]) * 1_000_000,
            Some((Amounts::Shares(shares), hour)) => u128::from(self.base) * u128::from(shares[hour].0),
        };
        self.finish(millionths, month)
    }

    /// Replicas, given in millionths, within the autoscaler's limits, grown and of this scenario.
    fn finish(&self, millionths: u128, month: usize) -> u64 {
        let limits = self.demand.and_then(|d| Some((d.profile.as_ref()?, d.autoscaled?)));
        let million = |n: u64| u128::from(n) * 1_000_000;
        let within = match limits {
            Some((_, limits)) => millionths.clamp(million(limits.min), million(limits.max.max(limits.min))),
            None => millionths,
        };
        let factor = self.factors.get(month).copied().unwrap_or(FACTOR);
        let scaled = within.saturating_mul(factor).saturating_mul(u128::from(self.share.0));
        let replicas = scaled.div_ceil(FACTOR * 1_000_000 * 1_000_000);
        let replicas = u64::try_from(replicas).unwrap_or(u64::MAX);
        limits.map_or(replicas, |(_, limits)| replicas.max(limits.min))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states(replicas: u64, demand: &Demand, horizon: Horizon) -> Vec<u64> {
        let needed = [Needed { replicas, demand: Some(demand) }];
        let timeline = Timeline::new(&needed, &[Scenario::expected()], horizon);
        timeline.scenarios[0].hours.iter().map(|&s| timeline.states[s as usize][0]).collect()
    }

    fn profiled(amounts: Amounts) -> Demand {
        Demand { profile: Some(Profile::new(amounts).unwrap()), ..Demand::default() }
    }

    fn hours(start: Option<Date>, hours: u32) -> Horizon {
        Horizon { start, hours }
    }

    #[test]
    fn a_day_repeats() {
        let demand = profiled(Amounts::Replicas((1..=24).collect()));
        let found = states(7, &demand, hours(None, 50));
        assert_eq!(found[..3], [1, 2, 3]);
        assert_eq!(found[23..26], [24, 1, 2]);
        assert_eq!(found[49], 2, "hour 49 is one o'clock");
    }

    #[test]
    fn shares_are_of_the_stated_replicas_and_round_up() {
        let mut shares = vec![PartsPerMillion::ONE; 24];
        shares[3] = "33.3%".parse().unwrap();
        let found = states(10, &profiled(Amounts::Shares(shares)), hours(None, 24));
        assert_eq!(found[2..5], [10, 4, 10]);
    }

    #[test]
    fn a_week_starts_on_monday() {
        // Value k in the k-th hour; 2026-08-01 is a Saturday: hour 5 x 24 of the week.
        let demand = profiled(Amounts::Replicas((0..168).collect()));
        let found = states(1, &demand, hours(Some(date(2026, 8, 1)), 49));
        assert_eq!((found[0], found[47], found[48]), (120, 167, 0));
        let unnamed = states(1, &demand, hours(None, 1));
        assert_eq!(unnamed, [0]);
    }

    #[test]
    fn a_year_follows_the_calendar_and_has_no_leap_day() {
        let demand = profiled(Amounts::Replicas((0..8_760).collect()));
        // 2028 is a leap year. 28 February starts hour 58 x 24 = 1,392, 1 March hour 59 x 24 = 1,416.
        let found = states(1, &demand, hours(Some(date(2028, 2, 28)), 72));
        assert_eq!((found[0], found[24], found[48]), (1_392, 1_392, 1_416));
        // 31 December of a leap year is day 366 and still the last of 8,760 hours.
        let last = states(1, &demand, hours(Some(date(2028, 12, 31)), 25));
        assert_eq!((last[23], last[24]), (8_759, 0));
        // From August on it starts with August's hours: 212 days have passed.
        assert_eq!(states(1, &demand, hours(Some(date(2026, 8, 1)), 1)), [212 * 24]);
    }

    #[test]
    fn other_lengths_are_refused() {
        assert_eq!(Profile::new(Amounts::Replicas(vec![1; 25])), Err(NoCycle(25)));
        assert!(NoCycle(25).to_string().starts_with("has 25 values where 24"));
    }

    #[test]
    fn growth_compounds_and_rounds_up_once() {
        // 100 x 1.1 = 110, 121, 133.1 -> 134; in months of 730 hours.
        let demand = Demand { growth: Growth(100_000), ..Demand::default() };
        let found = states(100, &demand, hours(None, 3 * 730 + 1));
        assert_eq!((found[0], found[729], found[730], found[1_460], found[2_190]), (100, 100, 110, 121, 134));
        // Shrinking by 5 %: 100, 95, 90.25 -> 91.
        let demand = Demand { growth: Growth(-50_000), ..Demand::default() };
        let found = states(100, &demand, hours(None, 1_461));
        assert_eq!((found[0], found[730], found[1_460]), (100, 95, 91));
    }

    #[test]
    fn nothing_runs_before_the_start_or_from_the_end_on() {
        let demand =
            Demand { start: Some(date(2026, 8, 2)), end: Some(date(2026, 8, 4)), ..Demand::default() };
        let found = states(5, &demand, hours(Some(date(2026, 8, 1)), 96));
        let expected: Vec<u64> = [0, 5, 5, 0].into_iter().flat_map(|n| [n; 24]).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn an_autoscaler_keeps_within_its_limits() {
        // Shares of the maximum: 10 % of 20 is 2, raised to 4; 50 % is 10; 120 % is cut to 20.
        let mut shares = vec![PartsPerMillion(100_000); 24];
        (shares[1], shares[2]) = (PartsPerMillion(500_000), PartsPerMillion(1_200_000));
        let mut demand = profiled(Amounts::Shares(shares));
        demand.autoscaled = Some(Autoscaled { min: 4, max: 20 });
        assert_eq!(states(6, &demand, hours(None, 3)), [4, 10, 20]);
        // Growth is not held to the maximum of today: 20 x 1.1 = 22.
        demand.growth = Growth(100_000);
        assert_eq!(states(6, &demand, hours(None, 24 * 31 + 3))[24 * 31 + 2], 22);
        // Without a profile an autoscaled workload stays as it was counted.
        demand.profile = None;
        demand.growth = Growth(0);
        assert_eq!(states(6, &demand, hours(None, 2)), [6, 6]);
    }

    #[test]
    fn scenarios_scale_everything_but_what_says_otherwise() {
        let demand =
            Demand { shares: [("low".to_owned(), PartsPerMillion::ONE)].into(), ..Demand::default() };
        let needed = [Needed { replicas: 10, demand: None }, Needed { replicas: 10, demand: Some(&demand) }];
        let low = Scenario {
            name: "low".into(),
            weight: PartsPerMillion(250_000),
            share: PartsPerMillion(650_000),
        };
        let expected = Scenario { weight: PartsPerMillion(750_000), ..Scenario::expected() };
        let timeline = Timeline::new(&needed, &[low, expected], hours(None, 4));
        assert_eq!(timeline.states, [vec![7, 10], vec![10, 10]]);
        assert_eq!(timeline.weights(), [4 * 250_000, 4 * 750_000]);
    }
}
