//! Certificate files: a problem, what its numbers stand for, and the proof of its lower bound, so that
//! both a plan and the bound can be rechecked from this one file.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::problem_file::{self, ProblemFile};
use super::{Fault, Source, form};
use crate::plan::{BoundStep, Certificate, Dominance, Valuation};
use crate::problem::{BinTypeId, ItemTypeId, Problem, RoundedDimension};

/// The proof of a lower bound, with the problem that it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Plimsoll certificate")]
struct CertificateFile {
    /// `plimsoll-certificate/1`.
    format: Format,
    /// What had to be packed.
    problem: ProblemFile,
    /// What the numbers stand for, where the problem comes from workloads and a catalog.
    #[serde(default)]
    names: Option<Names>,
    /// Sets of item types of which a bin holds one copy at most, because each refuses itself and all the
    /// others: for the proof, each is one more dimension of which a bin has one and each copy takes one.
    #[serde(default)]
    cliques: Vec<Vec<u32>>,
    /// Dimensions of the problem once more, in which every demand and every capacity is divided and rounded
    /// down: for the proof, further dimensions after those of the cliques.
    #[serde(default)]
    rounded: Vec<RoundedDimension>,
    /// Bin types left out of the proof, because another one stands in for each.
    dominated: Vec<Dominance>,
    /// What copies are worth, and what patterns are worth at most.
    valuations: Vec<Valuation>,
    /// The proof: the whole first; after each branch first all of the case with fewer bins, then the
    /// other.
    proof: Vec<BoundStep>,
}

/// The file format and its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
enum Format {
    /// The first version.
    #[serde(rename = "plimsoll-certificate/1")]
    V1,
}

/// What the numbers of a problem stand for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Names {
    /// The instance type behind each bin type, with pool and zone where there are any.
    pub bins: Vec<String>,
    /// The workloads behind each item type, with the pods of each.
    pub items: Vec<BTreeMap<String, u64>>,
    /// Rules that the plan holds by restriction and that this problem goes without, so that its bound
    /// holds for every plan within the rules. One sentence for each kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restricted: Vec<String>,
}

/// A problem with the proof of a lower bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certified {
    /// What had to be packed.
    pub problem: Problem,
    /// What its numbers stand for, if anything.
    pub names: Option<Names>,
    /// The proof, not yet checked.
    pub certificate: Certificate,
}

impl Names {
    /// The bin type of that name, if there is exactly one.
    pub fn bin(&self, name: &str) -> Option<BinTypeId> {
        let mut found = (0u32..).zip(&self.bins).filter(|(_, n)| *n == name).map(|(t, _)| BinTypeId(t));
        found.next().filter(|_| found.next().is_none())
    }

    /// The item types that the pods of a workload belong to, by the workload's name.
    pub fn items_of_workload(&self) -> BTreeMap<&str, Vec<ItemTypeId>> {
        let mut items: BTreeMap<&str, Vec<ItemTypeId>> = BTreeMap::new();
        for (j, members) in (0u32..).zip(&self.items) {
            for workload in members.keys() {
                items.entry(workload).or_default().push(ItemTypeId(j));
            }
        }
        items
    }
}

/// Writes a certificate file, one row of the problem and one step of the proof a line.
pub fn write(problem: &Problem, names: Option<&Names>, certificate: &Certificate) -> String {
    let mut fields = vec![
        format!("\"format\": {}", line(&Format::V1)),
        format!("\"problem\": {}", problem_file::write(problem).trim_end()),
    ];
    if let Some(names) = names {
        fields.push(format!("\"names\": {}", line(names)));
    }
    if !certificate.cliques.is_empty() {
        fields.push(format!("\"cliques\": {}", line(&certificate.cliques)));
    }
    if !certificate.rounded.is_empty() {
        fields.push(format!("\"rounded\": {}", line(&certificate.rounded)));
    }
    fields.push(format!("\"dominated\": {}", line(&certificate.dominated)));
    fields.push(format!("\"valuations\": {}", lines(&certificate.valuations)));
    fields.push(format!("\"proof\": {}", lines(&certificate.proof)));
    format!("{{\n{}\n}}\n", fields.join(",\n"))
}

/// A list, an entry a line.
fn lines<T: Serialize>(entries: &[T]) -> String {
    let entries: Vec<String> = entries.iter().map(line).collect();
    format!("[\n{}\n]", entries.join(",\n"))
}

fn line<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("numbers, strings and lists are plain JSON")
}

/// Reads a certificate file. Nothing is checked but its form.
///
/// # Errors
/// Every fault of form with its line, or every number that contradicts another.
pub fn read(source: &Source) -> Result<Certified, Vec<Fault>> {
    let name = &source.name;
    let file: CertificateFile = form::read_json(source, schema)?;
    let problem = file.problem.to_problem(name)?;
    if let Some(names) = &file.names {
        let faults = name_faults(name, &problem, names);
        if !faults.is_empty() {
            return Err(faults);
        }
    }
    Ok(Certified {
        problem,
        names: file.names,
        certificate: Certificate {
            cliques: file.cliques,
            rounded: file.rounded,
            dominated: file.dominated,
            valuations: file.valuations,
            proof: file.proof,
        },
    })
}

/// Names that are not those of the problem.
fn name_faults(name: &str, problem: &Problem, names: &Names) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut count = |field: &str, found: usize, wanted: usize| {
        if found != wanted {
            let message = format!("has {found} entries where the problem has {wanted}");
            faults.push(Fault::new(name, message).at_field(field));
        }
    };
    count("names.bins", names.bins.len(), problem.bins().len());
    count("names.items", names.items.len(), problem.items().len());
    for (j, (members, item)) in names.items.iter().zip(problem.items()).enumerate() {
        let pods = members.values().fold(0u128, |sum, &n| sum + u128::from(n));
        // Each copy is one pod, or all copies are the same number of pods that lie together.
        if pods % u128::from(item.copies) != 0 || pods == 0 {
            let message = format!("adds up to {pods} pods where the problem has {} copies", item.copies);
            faults.push(Fault::new(name, message).at_field(format!("names.items[{j}]")));
        }
    }
    faults
}

/// The JSON Schema of a certificate file.
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(CertificateFile)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{PatternValue, ValueProof, ValueStep, Weight};

    fn valuation(price: u64) -> Valuation {
        let proof = ValueProof::ResourcePrices { numerators: vec![u64::MAX, 0], denominator: 3 };
        let end = |n| ValueStep::Prices { numerators: vec![n, u64::MAX] };
        let steps = vec![ValueStep::Split { items: vec![0, 1], copies: 3 }, end(0), end(1)];
        let cases = ValueProof::Cases { denominator: 1 << 44, steps };
        let values = vec![
            PatternValue { bin_type: 0, value: u64::MAX, proof },
            PatternValue { bin_type: 1, value: 7, proof: cases },
        ];
        Valuation { item_prices: vec![price, 2], pattern_values: values }
    }

    fn leaf(valuation: u32) -> BoundStep {
        BoundStep::Leaf { weights: vec![Weight { valuation, weight: u64::MAX }] }
    }

    fn branch(bins: u64) -> BoundStep {
        BoundStep::Branch { bin_type: 1, bins }
    }

    fn certified(proof: Vec<BoundStep>) -> Certified {
        let text = r#"{"format": "plimsoll-problem/1", "dimensions": ["cpu", "memory"],
            "items": [{"demand":[1,1],"copies":4}, {"demand":[2,3],"copies":2}],
            "bins": [{"capacity":[2,4],"rate":"0.01"}, {"capacity":[4,8],"rate":"0.02"}]}"#;
        let members = |list: &[(&str, u64)]| list.iter().map(|&(w, n)| (w.to_owned(), n)).collect();
        Certified {
            problem: problem_file::parse("p", text).unwrap(),
            names: Some(Names {
                bins: vec!["small".into(), "large".into()],
                items: vec![members(&[("a", 3), ("b", 1)]), members(&[("c", 2)])],
                restricted: vec![],
            }),
            certificate: Certificate {
                cliques: Vec::new(),
                rounded: vec![RoundedDimension { dimension: 1, divisor: 3 }],
                dominated: vec![Dominance { bin_type: 0, by: 1 }],
                valuations: vec![valuation(9), valuation(1)],
                proof,
            },
        }
    }

    fn written(certified: &Certified) -> Source {
        let text = write(&certified.problem, certified.names.as_ref(), &certified.certificate);
        Source { name: "c.json".into(), bytes: text.into_bytes() }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let tree = vec![branch(2), branch(0), leaf(1), leaf(0), branch(5), leaf(0), leaf(1)];
        for certified in [certified(vec![leaf(0)]), certified(tree)] {
            assert_eq!(read(&written(&certified)), Ok(certified));
        }
    }

    #[test]
    fn a_proof_may_be_deeper_than_json_readers_nest() {
        let deep = (0..1_000).flat_map(|bins| [branch(bins), leaf(0)]);
        let certified = certified(deep.chain([leaf(1)]).collect());
        assert_eq!(read(&written(&certified)), Ok(certified));
    }

    #[test]
    fn names_belong_to_the_problem() {
        let mut certified = certified(vec![leaf(1)]);
        if let Some(names) = &mut certified.names {
            names.bins.pop();
            names.items[1].insert("d".into(), 1);
        }
        let faults = read(&written(&certified)).unwrap_err();
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(
            faults,
            [
                "c.json: names.bins: has 1 entries where the problem has 2",
                "c.json: names.items[1]: adds up to 3 pods where the problem has 2 copies",
            ]
        );
    }

    #[test]
    fn a_name_that_stands_for_several_numbers_stands_for_none() {
        let mut names = certified(vec![leaf(1)]).names.unwrap();
        assert_eq!(names.bin("large"), Some(BinTypeId(1)));
        assert_eq!(names.items_of_workload()["b"], [ItemTypeId(0)]);
        names.bins[0] = "large".into();
        names.items[1].insert("b".into(), 1);
        assert_eq!(names.bin("large"), None);
        assert_eq!(names.items_of_workload()["b"], [ItemTypeId(0), ItemTypeId(1)]);
    }
}
