//! Time series in CSV: how many replicas ran in each hour, folded to a day, a week or a year.
//!
//! Columns: `time` (`2026-08-01T05:00`, UTC) or `hour` (0 to 23, 167 or 8759), `workload` (a name, or
//! `namespace/Kind/name`), and `replicas` or `share`. Measured times are folded: less than a week of them
//! to a day, less than a year to a week, more to a year; where an hour was seen several times, the largest
//! value counts, so that the profile covers every one of them.

use std::collections::BTreeMap;

use jiff::civil::DateTime;

use super::super::view::clip;
use super::super::{Fault, Source, decode, quantity, table};
use super::MOST_REPLICAS;
use crate::demand::{Amounts, DAY, Profile, WEEK, YEAR};
use crate::units::PartsPerMillion;
use crate::workload::{WorkloadId, WorkloadSet};

/// The line of a workload's first row, and its hours with their values.
type Samples = (u64, Vec<(i64, u64)>);

/// Where the columns stand.
struct Columns {
    time: usize,
    /// Whether `time` holds hours of a cycle.
    is_hour: bool,
    workload: usize,
    value: usize,
    /// Whether `value` holds shares.
    is_share: bool,
}

/// Reads a table and gives its profiles to the workloads that it names.
///
/// # Errors
/// Every fault of the table, in order of lines.
pub fn read_series(source: &Source, set: &mut WorkloadSet) -> Result<(), Vec<Fault>> {
    let text = decode(source).map_err(|fault| vec![*fault])?;
    let mut faults = Vec::new();
    let mut reader = table::reader(text);
    let fault = |line: u64, message: String| Fault::new(&source.name, message).on_line(line);
    let headers = match reader.headers() {
        Ok(headers) => headers.clone(),
        Err(error) => return Err(vec![fault(1, error.to_string())]),
    };
    let header_line = headers.position().map_or(1, csv::Position::line);
    let columns = columns(&headers).map_err(|message| {
        vec![fault(header_line, message).help("columns are time or hour, workload, and replicas or share")]
    })?;
    let mut rows: BTreeMap<String, Samples> = BTreeMap::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                faults.push(fault(line, error.to_string()));
                break;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        if let Some(message) = table::misfit(&record, &headers) {
            faults.push(fault(line, message));
            continue;
        }
        let cell = |column: usize| record.get(column).unwrap_or_default();
        let place = |column: usize| headers.get(column).unwrap_or_default().to_owned();
        let hour = hour_of(cell(columns.time), columns.is_hour);
        let value = value_of(cell(columns.value), columns.is_share);
        let name = cell(columns.workload);
        if name.is_empty() {
            faults.push(fault(line, "is empty".to_owned()).at_field(place(columns.workload)));
        }
        if let Err(message) = &hour {
            faults.push(fault(line, message.clone()).at_field(place(columns.time)));
        }
        if let Err(message) = &value {
            faults.push(fault(line, message.clone()).at_field(place(columns.value)));
        }
        if let (Ok(hour), Ok(value), false) = (hour, value, name.is_empty()) {
            rows.entry(name.to_owned()).or_insert((line, Vec::new())).1.push((hour, value));
        }
    }
    if rows.is_empty() && faults.is_empty() {
        faults.push(Fault::new(&source.name, "has a header and no rows"));
    }
    let mut named: Vec<(String, Samples)> = rows.into_iter().collect();
    named.sort_by_key(|(_, (line, _))| *line);
    for (name, (line, values)) in named {
        if let Err(message) = apply(set, &name, &values, &columns) {
            faults.push(fault(line, message).at_field(clip(&name)));
        }
    }
    faults.sort_by_key(|fault| fault.line);
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

fn columns(headers: &csv::StringRecord) -> Result<Columns, String> {
    let mut found: BTreeMap<&str, usize> = BTreeMap::new();
    let names: Vec<String> = headers.iter().map(|name| name.trim().to_lowercase()).collect();
    for (index, name) in names.iter().enumerate() {
        if !["time", "hour", "workload", "replicas", "share"].contains(&name.as_str()) {
            return Err(format!("unknown column `{}`", clip(name)));
        }
        if found.insert(name, index).is_some() {
            return Err(format!("column `{name}` stands twice"));
        }
    }
    let either = |one: &str, other: &str| match (found.get(one), found.get(other)) {
        (Some(&index), None) => Ok((index, false)),
        (None, Some(&index)) => Ok((index, true)),
        (None, None) => Err(format!("has no column `{one}` or `{other}`")),
        (Some(_), Some(_)) => Err(format!("has both columns `{one}` and `{other}`")),
    };
    let (time, is_hour) = either("time", "hour")?;
    let (value, is_share) = either("replicas", "share")?;
    let workload = *found.get("workload").ok_or("has no column `workload`")?;
    Ok(Columns { time, is_hour, workload, value, is_share })
}

/// Hours since Monday, 1 January 2001, or the hour of a cycle.
fn hour_of(text: &str, is_hour: bool) -> Result<i64, String> {
    if is_hour {
        let hour = text.parse::<i64>().ok().filter(|&hour| (0..YEAR as i64).contains(&hour));
        return hour.ok_or_else(|| format!("`{}` is no hour from 0 to {}", clip(text), YEAR - 1));
    }
    let bare = text.strip_suffix('Z').unwrap_or(text);
    let time: DateTime = bare
        .parse()
        .ok()
        .filter(|_| bare.len() > 10)
        .ok_or_else(|| format!("`{}` is not a time of the form 2026-08-01T05:00, in UTC", clip(text)))?;
    let first = jiff::civil::date(2001, 1, 1).at(0, 0, 0, 0);
    Ok(first.duration_until(time).as_secs().div_euclid(3_600))
}

/// Replicas, or a share in parts per million.
fn value_of(text: &str, is_share: bool) -> Result<u64, String> {
    if is_share {
        let share: Result<PartsPerMillion, _> = text.parse();
        return share.map(|share| u64::from(share.0)).map_err(|e| clip(&e.to_string()).into_owned());
    }
    match quantity::parse_count(text) {
        Ok(count) if count <= MOST_REPLICAS => Ok(count),
        Ok(count) => Err(format!("{count} is more than {MOST_REPLICAS}")),
        Err(error) => Err(clip(&error.to_string()).into_owned()),
    }
}

/// Gives a profile to all parts of the workload of this name.
fn apply(set: &mut WorkloadSet, name: &str, values: &[(i64, u64)], columns: &Columns) -> Result<(), String> {
    let ids = matching(set, name)?;
    let folded = if columns.is_hour { whole(values)? } else { fold(values)? };
    let amounts = if columns.is_share {
        let share = |v: &u64| PartsPerMillion(u32::try_from(*v).unwrap_or(u32::MAX));
        Amounts::Shares(folded.iter().map(share).collect())
    } else if ids.len() > 1 {
        let parts = ids.len();
        return Err(format!("its replicas are in {parts} parts, by zone or shape; give shares instead"));
    } else {
        Amounts::Replicas(folded)
    };
    let profile = Profile::new(amounts).map_err(|error| error.to_string())?;
    for id in ids {
        let demand = set.demands.entry(id).or_default();
        if demand.profile.is_some() {
            return Err("has a profile already".to_owned());
        }
        demand.profile = Some(profile.clone());
    }
    Ok(())
}

/// The workloads of a name: parts of one are called `name`, `name#2` and so on.
fn matching(set: &WorkloadSet, name: &str) -> Result<Vec<WorkloadId>, String> {
    let plain = |id: &WorkloadId| {
        let base = id.name.split_once('#').map_or(id.name.as_str(), |(base, _)| base);
        WorkloadId { name: base.to_owned(), ..id.clone() }
    };
    let found: Vec<&WorkloadId> = set
        .workloads
        .iter()
        .map(|w| &w.id)
        .filter(|id| plain(id).to_string() == name || plain(id).name == name)
        .collect();
    let mut wholes: Vec<WorkloadId> = found.iter().map(|id| plain(id)).collect();
    wholes.sort();
    wholes.dedup();
    match wholes.as_slice() {
        [] => Err("no workload has this name".to_owned()),
        [_] => Ok(found.into_iter().cloned().collect()),
        several => {
            let names: Vec<String> = several.iter().map(ToString::to_string).collect();
            Err(format!("is any of {}", names.join(", ")))
        }
    }
}

/// Exactly one value for every hour of a day, a week or a year.
fn whole(values: &[(i64, u64)]) -> Result<Vec<u64>, String> {
    let mut by_hour: BTreeMap<i64, u64> = BTreeMap::new();
    for &(hour, value) in values {
        if by_hour.insert(hour, value).is_some() {
            return Err(format!("hour {hour} stands twice"));
        }
    }
    let missing = (0..).zip(by_hour.keys()).find(|(expected, hour)| expected != *hour);
    match missing {
        Some((hour, _)) => Err(format!("hour {hour} is missing")),
        None => Ok(by_hour.into_values().collect()),
    }
}

/// The largest value of each hour of the cycle that the measured time covers.
fn fold(values: &[(i64, u64)]) -> Result<Vec<u64>, String> {
    let hours = || values.iter().map(|&(hour, _)| hour);
    let span = hours().max().unwrap_or(0) - hours().min().unwrap_or(0) + 1;
    let cycle = match span {
        ..168 => DAY,
        168..8_760 => WEEK,
        _ => YEAR,
    };
    let mut folded: Vec<Option<u64>> = vec![None; cycle];
    for &(hour, value) in values {
        let Some(place) = place_in(hour, cycle) else { continue };
        let slot = &mut folded[place];
        *slot = Some(slot.map_or(value, |seen| seen.max(value)));
    }
    let missing = folded.iter().filter(|slot| slot.is_none()).count();
    let first = folded.iter().position(Option::is_none);
    match first {
        Some(hour) => Err(format!(
            "{missing} of the {cycle} hours of its {} were never measured, the first is hour {hour}",
            if cycle == DAY {
                "day"
            } else if cycle == WEEK {
                "week"
            } else {
                "year"
            },
        )),
        None => Ok(folded.into_iter().flatten().collect()),
    }
}

/// Hour `hour` since Monday, 1 January 2001 within a day, a week, or the calendar year of 8,760 hours.
fn place_in(hour: i64, cycle: usize) -> Option<usize> {
    if cycle != YEAR {
        return usize::try_from(hour.rem_euclid(cycle as i64)).ok();
    }
    let days = jiff::Span::new().try_days(hour.div_euclid(24)).ok()?;
    let day = jiff::civil::date(2001, 1, 1).checked_add(days).ok()?;
    let past = usize::try_from(day.day_of_year()).ok()? - 1;
    let past = past - usize::from(day.in_leap_year() && past >= 59);
    Some(past * DAY + usize::try_from(hour.rem_euclid(24)).ok()?)
}
