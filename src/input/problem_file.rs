//! Packing problems as files: the project's own JSON, and the `.vbp` text of vector packing benchmarks.
//!
//! `.vbp` is the format of VPSolver (Brandão and Pedroso 2016): the number of dimensions; the bin's
//! capacities; the number of item types; for each its weights and its demand. One bin type at cost 1.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::view::clip;
use super::{Fault, Source, decode, form};
use crate::problem::{BinSet, BinType, ItemType, ItemTypeId, Problem};
use crate::units::{Rate, Resources};

/// A packing problem: which copies to place, and which bins there are to buy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Plimsoll problem")]
pub struct ProblemFile {
    /// `plimsoll-problem/1`.
    pub format: Format,
    /// Names of the dimensions, in the order of every `demand` and `capacity`.
    pub dimensions: Vec<String>,
    /// What is to be placed. Its place in this list, from zero, is an item type's number.
    pub items: Vec<Item>,
    /// What can be bought. Its place in this list, from zero, is a bin type's number.
    pub bins: Vec<Bin>,
    /// Pairs of item types that never share a bin.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<[u32; 2]>,
    /// The most distinct bin types that a plan may use; any number if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub max_bin_types: Option<u32>,
}

/// The file format and its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Format {
    /// The first version.
    #[serde(rename = "plimsoll-problem/1")]
    V1,
}

/// Equal things to be placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// What one copy takes of each dimension.
    pub demand: Vec<u64>,
    /// How many copies there are.
    #[schemars(range(min = 1))]
    pub copies: u64,
    /// The most copies in one bin; as many as fit if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_per_bin: Option<u64>,
    /// Numbers of the bin types that may hold it; all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eligible: Option<Vec<u32>>,
}

/// A kind of bin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bin {
    /// What it offers in each dimension.
    pub capacity: Vec<u64>,
    /// What one costs per hour, as a decimal with at most nine decimals.
    pub rate: Rate,
    /// How many there are; any number if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stock: Option<u64>,
}

/// Reads a problem; whether it is JSON or `.vbp` follows from its first character.
///
/// # Errors
/// Every fault of form, or every number that contradicts another, each with its field or line.
pub fn read(source: &Source) -> Result<Problem, Vec<Fault>> {
    let text = decode(source).map_err(|fault| vec![*fault])?;
    if text.trim_start().starts_with('{') {
        form::read_json::<ProblemFile>(source, schema)?.to_problem(&source.name)
    } else {
        parse_vbp(&source.name, text)
    }
}

/// Reads a problem from JSON.
///
/// # Errors
/// Every fault of form, or every number that contradicts another, each with its field.
pub fn parse(name: &str, text: &str) -> Result<Problem, Vec<Fault>> {
    read(&Source { name: name.to_owned(), bytes: text.as_bytes().to_vec() })
}

/// Writes a problem as JSON, one item or bin type a line. Reading it gives the same problem.
pub fn write(problem: &Problem) -> String {
    let file = ProblemFile::of(problem);
    let list = |lines: Vec<String>| {
        if lines.is_empty() { "[]".to_owned() } else { format!("[\n  {}\n ]", lines.join(",\n  ")) }
    };
    let mut fields = vec![
        format!("\"format\": {}", line(&file.format)),
        format!("\"dimensions\": {}", line(&file.dimensions)),
        format!("\"items\": {}", list(file.items.iter().map(line).collect())),
        format!("\"bins\": {}", list(file.bins.iter().map(line).collect())),
    ];
    if !file.conflicts.is_empty() {
        fields.push(format!("\"conflicts\": {}", line(&file.conflicts)));
    }
    if let Some(most) = file.max_bin_types {
        fields.push(format!("\"max_bin_types\": {most}"));
    }
    format!("{{\n {}\n}}\n", fields.join(",\n "))
}

/// A value on one line.
fn line<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("numbers, strings and lists are plain JSON")
}

/// The JSON Schema of a problem file.
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(ProblemFile)
}

impl ProblemFile {
    /// The file of a problem.
    pub fn of(problem: &Problem) -> Self {
        let items = problem.items().iter().map(|item| {
            let allowed = item.eligible.as_slice();
            let numbers = (0u32..).zip(allowed).filter(|(_, may)| **may).map(|(t, _)| t);
            Item {
                demand: item.demand.as_slice().to_vec(),
                copies: item.copies,
                max_per_bin: item.max_per_bin,
                eligible: (!allowed.iter().all(|&may| may)).then(|| numbers.collect()),
            }
        });
        let bins = problem.bins().iter().map(|bin| Bin {
            capacity: bin.capacity.as_slice().to_vec(),
            rate: bin.rate,
            stock: bin.stock,
        });
        ProblemFile {
            format: Format::V1,
            dimensions: problem.dimensions().to_vec(),
            items: items.collect(),
            bins: bins.collect(),
            conflicts: problem.conflicts().iter().map(|(a, b)| [a.0, b.0]).collect(),
            max_bin_types: problem.max_bin_types(),
        }
    }

    /// The problem of the file.
    ///
    /// # Errors
    /// Every number that contradicts another, with its field.
    pub fn to_problem(&self, name: &str) -> Result<Problem, Vec<Fault>> {
        let faults = self.faults(name);
        if !faults.is_empty() {
            return Err(faults);
        }
        let every = BinSet::all(self.bins.len());
        let items = self.items.iter().map(|item| ItemType {
            demand: item.demand.iter().copied().collect(),
            copies: item.copies,
            max_per_bin: item.max_per_bin,
            eligible: item.eligible.as_ref().map_or(every.clone(), |numbers| {
                let numbers: BTreeSet<u32> = numbers.iter().copied().collect();
                BinSet::new((0..self.bins.len() as u32).map(|t| numbers.contains(&t)).collect())
            }),
        });
        let bins = self.bins.iter().map(|bin| BinType {
            capacity: bin.capacity.iter().copied().collect(),
            rate: bin.rate,
            stock: bin.stock,
        });
        let conflicts = self.conflicts.iter().map(|&[a, b]| (ItemTypeId(a), ItemTypeId(b)));
        Problem::new(self.dimensions.clone(), items.collect(), bins.collect(), conflicts, self.max_bin_types)
            .map_err(|error| vec![Fault::new(name, error.to_string())])
    }

    /// What [`Problem::new`] would refuse, all of it and with its place.
    fn faults(&self, name: &str) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut fault = |field: String, message: String| {
            faults.push(Fault::new(name, message).at_field(field));
        };
        let dimensions = self.dimensions.len();
        let length = |found: usize| format!("has {found} amounts where there are {dimensions} dimensions");
        for (j, item) in self.items.iter().enumerate() {
            if item.demand.len() != dimensions {
                fault(format!("items[{j}].demand"), length(item.demand.len()));
            }
            if item.copies == 0 {
                fault(format!("items[{j}].copies"), "is zero".to_owned());
            }
            for &t in item.eligible.iter().flatten() {
                if t as usize >= self.bins.len() {
                    fault(format!("items[{j}].eligible"), format!("names bin type {t}, which is not there"));
                }
            }
        }
        for (t, bin) in self.bins.iter().enumerate() {
            if bin.capacity.len() != dimensions {
                fault(format!("bins[{t}].capacity"), length(bin.capacity.len()));
            }
        }
        for (i, &[a, b]) in self.conflicts.iter().enumerate() {
            for j in [a, b] {
                if j as usize >= self.items.len() {
                    fault(format!("conflicts[{i}]"), format!("names item type {j}, which is not there"));
                }
            }
            if a == b {
                let message = format!("is between item type {a} and itself; use `max_per_bin: 1`");
                fault(format!("conflicts[{i}]"), message);
            }
        }
        if self.max_bin_types == Some(0) {
            fault("max_bin_types".to_owned(), "is zero".to_owned());
        }
        faults
    }
}

/// Reads a problem from VPSolver's text. `#` begins a comment; blank lines do not count. Item types
/// without demand are left out.
///
/// # Errors
/// Every line that is not as it should be.
pub fn parse_vbp(name: &str, text: &str) -> Result<Problem, Vec<Fault>> {
    let mut lines = (1u64..)
        .zip(text.lines())
        .map(|(number, line)| (number, line.split('#').next().unwrap_or("").trim()))
        .filter(|(_, line)| !line.is_empty());
    let last = text.lines().count() as u64;
    let mut faults = Vec::new();
    let mut row = |what: &str, wanted: Option<usize>, faults: &mut Vec<Fault>| -> Option<Vec<u64>> {
        let Some((number, line)) = lines.next() else {
            faults.push(Fault::new(name, format!("ends where {what} should stand")).on_line(last.max(1)));
            return None;
        };
        let mut amounts = Vec::new();
        for word in line.split_whitespace() {
            match word.parse::<u64>() {
                Ok(amount) => amounts.push(amount),
                Err(_) => {
                    let message =
                        format!("`{}` is not a whole number from 0 to {} ({what})", clip(word), u64::MAX);
                    faults.push(Fault::new(name, message).on_line(number));
                    return Some(Vec::new());
                }
            }
        }
        if let Some(wanted) = wanted
            && amounts.len() != wanted
        {
            let message = format!("has {} numbers where {wanted} belong ({what})", amounts.len());
            faults.push(Fault::new(name, message).on_line(number));
            return Some(Vec::new());
        }
        Some(amounts)
    };
    let count = |amounts: Option<Vec<u64>>| {
        amounts.and_then(|a| a.first().copied()).and_then(|n| usize::try_from(n).ok())
    };
    let Some(dimensions) = count(row("the number of dimensions", Some(1), &mut faults)) else {
        return Err(faults);
    };
    let capacity = row("the capacities", Some(dimensions), &mut faults).unwrap_or_default();
    let Some(types) = count(row("the number of item types", Some(1), &mut faults)) else {
        return Err(faults);
    };
    let mut items = Vec::new();
    for j in 0..types {
        let what = format!("weights and demand of item type {} of {types}", j + 1);
        // One fault for all that is missing at the end.
        let Some(amounts) = row(&what, dimensions.checked_add(1), &mut faults) else { break };
        let Some((&copies, weights)) = amounts.split_last() else { continue };
        if copies > 0 {
            let demand: Resources = weights.iter().copied().collect();
            items.push(ItemType { demand, copies, max_per_bin: None, eligible: BinSet::all(1) });
        }
    }
    if let Some((number, _)) = lines.next() {
        let message = format!("goes on after the {types} item types that it announces");
        faults.push(Fault::new(name, message).on_line(number));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let rate = Rate::from_nanos(1_000_000_000);
    let bin = BinType { capacity: capacity.into_iter().collect(), rate, stock: None };
    let names = (1..=dimensions).map(|k| format!("d{k}")).collect();
    Problem::new(names, items, vec![bin], [], None).map_err(|e| vec![Fault::new(name, e.to_string())])
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = r#"{
 "format": "plimsoll-problem/1",
 "dimensions": ["cpu","memory"],
 "items": [
  {"demand":[1,1],"copies":4},
  {"demand":[2,3],"copies":2,"max_per_bin":1,"eligible":[1]}
 ],
 "bins": [
  {"capacity":[2,4],"rate":"0.01"},
  {"capacity":[4,8],"rate":"0.025","stock":3}
 ],
 "conflicts": [[0,1]],
 "max_bin_types": 2
}
"#;

    fn faults(result: Result<Problem, Vec<Fault>>) -> Vec<String> {
        result.unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_read_is_written_again() {
        let problem = parse("p.json", EXAMPLE).unwrap();
        assert_eq!(problem.items()[1].eligible.as_slice(), [false, true]);
        assert_eq!(problem.bins()[1].rate.nanos(), 25_000_000);
        assert_eq!(write(&problem), EXAMPLE);
        let plain = EXAMPLE.replace(",\n \"conflicts\": [[0,1]],\n \"max_bin_types\": 2", "");
        assert_eq!(write(&parse("p.json", &plain).unwrap()), plain);
    }

    #[test]
    fn every_number_that_contradicts_another_is_named() {
        let bad = EXAMPLE
            .replace("[1,1]", "[1]")
            .replace("\"copies\":2", "\"copies\":0")
            .replace("\"eligible\":[1]", "\"eligible\":[2]")
            .replace("[4,8]", "[4,8,1]")
            .replace("[[0,1]]", "[[0,7],[1,1]]");
        assert_eq!(
            faults(parse("p.json", &bad)),
            [
                "p.json: items[0].demand: has 1 amounts where there are 2 dimensions",
                "p.json: items[1].copies: is zero",
                "p.json: items[1].eligible: names bin type 2, which is not there",
                "p.json: bins[1].capacity: has 3 amounts where there are 2 dimensions",
                "p.json: conflicts[0]: names item type 7, which is not there",
                "p.json: conflicts[1]: is between item type 1 and itself; use `max_per_bin: 1`",
            ]
        );
    }

    #[test]
    fn faults_of_form_are_on_their_line() {
        let unknown = EXAMPLE.replace("\"max_per_bin\"", "\"maxPerBin\"");
        let found = faults(parse("p.json", &unknown));
        assert!(found[0].starts_with("p.json:6: items[1].maxPerBin: unknown key `maxPerBin`"), "{found:?}");
        let several = EXAMPLE.replace("[2,4]", "[2.5,4]").replace("0.025", "0.0250000001");
        assert_eq!(
            faults(parse("p.json", &several)),
            [
                "p.json:9: bins[0].capacity[0]: `2.5` is not a whole number",
                "p.json:10: bins[1].rate: `0.0250000001` has more than nine decimals",
            ]
        );
    }

    #[test]
    fn a_vbp_file_is_one_bin_type_at_cost_one() {
        let text = "# two dimensions\n2\n10 20\n3\n5 5 2\n1 20 1 # tall\n\n9 9 0\n";
        let source = Source { name: "p.vbp".into(), bytes: text.into() };
        let problem = read(&source).unwrap();
        let rows: Vec<(&[u64], u64)> =
            problem.items().iter().map(|i| (i.demand.as_slice(), i.copies)).collect();
        assert_eq!(rows, [(&[5, 5][..], 2), (&[1, 20], 1)]);
        assert_eq!(problem.bins()[0].capacity.as_slice(), [10, 20]);
        assert_eq!(problem.bins()[0].rate.to_string(), "1");
    }

    #[test]
    fn vbp_faults_are_on_their_lines() {
        let text = "2\n10 20\n3\n5 5\n1 x 1\n1 2 3\n4 5 6\n";
        assert_eq!(
            faults(parse_vbp("p.vbp", text)),
            [
                "p.vbp:4: has 2 numbers where 3 belong (weights and demand of item type 1 of 3)",
                "p.vbp:5: `x` is not a whole number from 0 to 18446744073709551615 (weights and demand of item type 2 of 3)",
                "p.vbp:7: goes on after the 3 item types that it announces",
            ]
        );
        let short = "2\n10 20\n3\n5 5 1\n";
        assert_eq!(
            faults(parse_vbp("p.vbp", short)),
            ["p.vbp:4: ends where weights and demand of item type 2 of 3 should stand"]
        );
        assert_eq!(
            faults(parse_vbp("p.vbp", "")),
            ["p.vbp:1: ends where the number of dimensions should stand"]
        );
    }
}
