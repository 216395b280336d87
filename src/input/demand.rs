//! How replicas vary over time, as inputs say it: the `demand` of a component, the scenarios of a
//! workload file, and time series in CSV. `docs/workload-file.md` and `docs/demand-file.md` document them.

use std::collections::BTreeMap;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;

use super::cluster::Cluster;
use super::document::Value;
use super::scalars::{Change, Share, read_share};
use super::view::{View, clip};
use crate::demand::{Amounts, Autoscaled, Demand, Growth, Profile, Scenario};
use crate::units::PartsPerMillion;

mod series;

pub use series::read_series;

/// How a component's replicas vary over time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DemandFields {
    /// Replicas in each hour: 24 values for a day, 168 for a week from Monday on, or 8760 for a year from
    /// 1 January on, in UTC; they repeat.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hourly_replicas: Vec<u64>,
    /// The same as shares of `replicas`, or of the autoscaler's `max`: `40%` or `0.4`, rounded up to whole
    /// replicas.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hourly_shares: Vec<Share>,
    /// The limits of a HorizontalPodAutoscaler: what the profile says is kept within them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscaled: Option<AutoscaledFields>,
    /// How much the replicas grow a month of 730 hours, compounded: `2%`; `-1%` shrinks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub growth_per_month: Option<Change>,
    /// The first day on which it runs: `2026-09-01`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// The first day on which it runs no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// Its share in scenarios of the file, where it is not the scenario's own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scenarios: BTreeMap<String, Share>,
}

/// The limits of an autoscaler.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AutoscaledFields {
    /// Never fewer replicas.
    pub min: u64,
    /// Never more replicas, before growth.
    pub max: u64,
}

/// One way in which demand may turn out.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScenarioFields {
    /// `low`, `expected`, `high`.
    pub name: String,
    /// How likely it is; all weights sum up to 100%.
    pub weight: Share,
    /// What all replicas are multiplied by; 100% where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<Share>,
}

pub(super) const DEMAND_KEYS: [&str; 7] =
    ["hourlyReplicas", "hourlyShares", "autoscaled", "growthPerMonth", "start", "end", "scenarios"];
pub(super) const AUTOSCALED_KEYS: [&str; 2] = ["min", "max"];
pub(super) const SCENARIO_KEYS: [&str; 3] = ["name", "weight", "share"];

/// Reads the `demand` of a component; what is wrong with it is recorded where it stands.
pub(super) fn read_demand(view: View<'_>, cluster: &Cluster<'_>) -> Demand {
    view.only_keys(&DEMAND_KEYS);
    let mut demand = Demand::default();
    if !matches!(view.node.value, Value::Mapping(_)) {
        return demand;
    }
    if let Some(list) = view.get("hourlyReplicas") {
        let mut values = Vec::new();
        list.each_item(|item| values.extend(item.whole_up_to(MOST_REPLICAS)));
        demand.profile = profile(list, Amounts::Replicas(values));
    }
    if let Some(list) = view.get("hourlyShares") {
        if view.get("hourlyReplicas").is_some() {
            list.fault_with_help("stands beside `hourlyReplicas`", "leave one of them out");
        }
        let mut values = Vec::new();
        list.each_item(|item| values.extend(read_share(item)));
        demand.profile = profile(list, Amounts::Shares(values));
    }
    if let Some(limits) = view.get("autoscaled") {
        demand.autoscaled = read_autoscaled(limits);
        if view.get("hourlyReplicas").is_none() && view.get("hourlyShares").is_none() {
            limits.fault_with_help(
                "says nothing without a profile",
                "add `hourlyShares`: the load in each hour as a share of what `max` replicas carry",
            );
        }
    }
    if let Some(growth) = view.get("growthPerMonth")
        && let Some(text) = growth.quantity_text()
    {
        match read_growth(text) {
            Ok(found) => demand.growth = found,
            Err(message) => growth.fault_with_help(message, "write a percentage such as `2%`"),
        }
    }
    demand.start = view.get("start").and_then(read_date);
    demand.end = view.get("end").and_then(read_date);
    if let (Some(start), Some(end)) = (demand.start, demand.end)
        && end <= start
    {
        view.fault(format!("the end {end} is not after the start {start}"));
    }
    if let Some(shares) = view.get("scenarios") {
        shares.each_entry(|name, value| {
            if let Some((known, _)) = &cluster.scenarios
                && !known.iter().any(|scenario| scenario.name == name)
            {
                let known: Vec<&str> = known.iter().map(|s| s.name.as_str()).collect();
                let help = format!("known are {}", known.join(", "));
                value.fault_with_help(format!("unknown scenario `{}`", clip(name)), help);
            }
            demand.shares.extend(read_share(value).map(|share| (name.to_owned(), share)));
        });
    }
    demand
}

/// More replicas than any cluster has pods.
pub(super) const MOST_REPLICAS: u64 = 10_000_000;

fn profile(list: View<'_>, amounts: Amounts) -> Option<Profile> {
    let Value::Sequence(items) = &list.node.value else { return None };
    let read = match &amounts {
        Amounts::Replicas(values) => values.len(),
        Amounts::Shares(values) => values.len(),
    };
    // Faulty values were told already.
    if read < items.len() {
        return None;
    }
    Profile::new(amounts).map_err(|error| list.fault(error.to_string())).ok()
}

fn read_autoscaled(limits: View<'_>) -> Option<Autoscaled> {
    limits.only_keys(&AUTOSCALED_KEYS);
    let number = |key: &str| limits.required(key).and_then(|n| n.whole_up_to(MOST_REPLICAS));
    let (min, max) = (number("min"), number("max"));
    let (min, max) = (min?, max?);
    if max < min {
        limits.fault(format!("max {max} is less than min {min}"));
        return None;
    }
    Some(Autoscaled { min, max })
}

/// `2%`, `-1.5%`, `0.02`.
pub(super) fn read_growth(text: &str) -> Result<Growth, String> {
    let (negative, amount) = match text.strip_prefix('-') {
        Some(amount) => (true, amount),
        None => (false, text),
    };
    let share: PartsPerMillion = amount.parse().map_err(|error| clip(&format!("{error}")).into_owned())?;
    let millionths = i32::try_from(share.0).map_err(|_| format!("`{}` is out of range", clip(text)))?;
    match (negative, millionths) {
        (true, 1_000_000..) => Err(format!("`{}` leaves nothing", clip(text))),
        (false, 1_000_001..) => Err(format!("`{}` more than doubles every month", clip(text))),
        (true, n) => Ok(Growth(-n)),
        (false, n) => Ok(Growth(n)),
    }
}

fn read_date(view: View<'_>) -> Option<Date> {
    let text = view.text()?;
    let date = parse_date(text);
    if date.is_none() {
        view.fault(format!("`{}` is not a date of the form 2026-08-01", clip(text)));
    }
    date
}

/// A day of the form `2026-08-01`.
pub fn parse_date(text: &str) -> Option<Date> {
    // jiff also takes times and other forms.
    if text.len() == 10 { text.parse().ok() } else { None }
}

/// Reads the scenarios of a workload file.
pub(super) fn read_scenarios(list: View<'_>, cluster: &mut Cluster<'_>) {
    let mut scenarios: Vec<Scenario> = Vec::new();
    let mut complete = true;
    list.each_item(|item| {
        item.only_keys(&SCENARIO_KEYS);
        if !matches!(item.node.value, Value::Mapping(_)) {
            complete = false;
            return;
        }
        let name = item.required("name").and_then(|name| name.text().map(str::to_owned));
        let weight = item.required("weight").and_then(read_share_of);
        let share = match item.get("share") {
            Some(share) => read_share_of(share),
            None => Some(PartsPerMillion::ONE),
        };
        match (name, weight, share) {
            (Some(name), _, _) if scenarios.iter().any(|s| s.name == name) => {
                item.fault(format!("scenario `{}` stands twice", clip(&name)));
            }
            (Some(name), Some(weight), Some(share)) => scenarios.push(Scenario { name, weight, share }),
            _ => complete = false,
        }
    });
    if !complete {
        return;
    }
    if let Err(message) = check_scenarios(&scenarios) {
        return list.fault(message);
    }
    match &cluster.scenarios {
        Some((other, place)) if *other != scenarios => {
            list.fault(format!("are not the scenarios that stand at {place}"));
        }
        _ => cluster.scenarios = Some((scenarios, list.place())),
    }
}

fn read_share_of(view: View<'_>) -> Option<PartsPerMillion> {
    read_share(view)
}

/// Scenarios whose weights sum up to one.
///
/// # Errors
/// What their weights sum up to instead, or that there is none.
pub fn check_scenarios(scenarios: &[Scenario]) -> Result<(), String> {
    let sum: u64 = scenarios.iter().map(|s| u64::from(s.weight.0)).sum();
    if scenarios.is_empty() {
        Err("there is no scenario".to_owned())
    } else if scenarios.iter().any(|s| s.weight.0 == 0) {
        Err("a scenario without weight counts for nothing".to_owned())
    } else if sum != 1_000_000 {
        let sum = PartsPerMillion(u32::try_from(sum).unwrap_or(u32::MAX));
        Err(format!("the weights sum up to {sum} instead of 100 %"))
    } else {
        Ok(())
    }
}
