//! Certificate files: a problem, what its numbers stand for, and the proof of its lower bound, so that
//! both a plan and the bound can be rechecked from this one file.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::problem_file::{self, ProblemFile};
use super::{Fault, Source, form};
use crate::plan::{BoundProof, Certificate, Dominance, PatternValue};
use crate::problem::{BinTypeId, ItemTypeId, Problem};

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
    /// Bin types left out of the proof, because another one stands in for each.
    dominated: Vec<Dominance>,
    /// The proof, the first step first. A branch names the places in this list at which its two cases
    /// are proven, both after its own.
    proof: Vec<Step>,
}

/// The file format and its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
enum Format {
    /// The first version.
    #[serde(rename = "plimsoll-certificate/1")]
    V1,
}

/// One step of a proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "step")]
enum Step {
    /// A bound by prices.
    Prices {
        /// Nano-dollars per hour and copy of each item type.
        item_prices: Vec<u64>,
        /// What patterns are worth at most, by bin type.
        pattern_values: Vec<PatternValue>,
    },
    /// Either at most `bins` bins of the type, or at least one more.
    Branch {
        /// Number of the bin type.
        bin_type: u32,
        /// Where the cases part.
        bins: u64,
        /// Place of the proof for at most `bins`.
        at_most: usize,
        /// Place of the proof for at least `bins + 1`.
        at_least: usize,
    },
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
    fields.push(format!("\"dominated\": {}", line(&certificate.dominated)));
    let steps: Vec<String> = flatten(&certificate.proof).iter().map(line).collect();
    fields.push(format!("\"proof\": [\n{}\n]", steps.join(",\n")));
    format!("{{\n{}\n}}\n", fields.join(",\n"))
}

fn line<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("numbers, strings and lists are plain JSON")
}

/// A proof as a list, so that neither its depth nor a reader's limit on nesting matters.
fn flatten(proof: &BoundProof) -> Vec<Step> {
    let mut steps = Vec::new();
    // Each proof to come, with the branch that waits for its place and which case it is.
    let mut open: Vec<(&BoundProof, Option<(usize, bool)>)> = vec![(proof, None)];
    while let Some((proof, parent)) = open.pop() {
        let place = steps.len();
        if let Some((branch, below)) = parent
            && let Step::Branch { at_most, at_least, .. } = &mut steps[branch]
        {
            *(if below { at_most } else { at_least }) = place;
        }
        match proof {
            BoundProof::Prices { item_prices, pattern_values } => steps.push(Step::Prices {
                item_prices: item_prices.clone(),
                pattern_values: pattern_values.clone(),
            }),
            BoundProof::Branch { bin_type, bins, at_most, at_least } => {
                steps.push(Step::Branch { bin_type: *bin_type, bins: *bins, at_most: 0, at_least: 0 });
                open.push((at_least, Some((place, false))));
                open.push((at_most, Some((place, true))));
            }
        }
    }
    steps
}

/// The way back. Every step but the first is a case of exactly one branch before it.
fn unflatten(steps: Vec<Step>) -> Result<BoundProof, String> {
    let mut proofs: Vec<Option<BoundProof>> = Vec::new();
    proofs.resize_with(steps.len(), || None);
    for (place, step) in steps.into_iter().enumerate().rev() {
        let proof = match step {
            Step::Prices { item_prices, pattern_values } => {
                BoundProof::Prices { item_prices, pattern_values }
            }
            Step::Branch { bin_type, bins, at_most, at_least } => {
                let mut case = |at: usize| {
                    let found = if at > place { proofs.get_mut(at).and_then(Option::take) } else { None };
                    found.map(Box::new).ok_or_else(|| {
                        format!("step {place} takes step {at}, which does not follow it or is taken already")
                    })
                };
                BoundProof::Branch { bin_type, bins, at_most: case(at_most)?, at_least: case(at_least)? }
            }
        };
        proofs[place] = Some(proof);
    }
    let mut proofs = proofs.into_iter();
    let first = proofs.next().flatten().ok_or("has no steps")?;
    match proofs.position(|proof| proof.is_some()) {
        Some(place) => Err(format!("step {} belongs to no branch", place + 1)),
        None => Ok(first),
    }
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
    let proof = unflatten(file.proof).map_err(|message| vec![Fault::new(name, message).at_field("proof")])?;
    Ok(Certified {
        problem,
        names: file.names,
        certificate: Certificate { cliques: file.cliques, dominated: file.dominated, proof },
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
    use crate::plan::{ValueProof, ValueStep};

    fn leaf(price: u64) -> BoundProof {
        let proof = ValueProof::ResourcePrices { numerators: vec![u64::MAX, 0], denominator: 3 };
        let end = |n| ValueStep::Prices { numerators: vec![n, u64::MAX] };
        let steps = vec![ValueStep::Split { items: vec![0, 1], copies: 3 }, end(0), end(1)];
        let cases = ValueProof::Cases { denominator: 1 << 44, steps };
        let values = vec![
            PatternValue { bin_type: 0, value: u64::MAX, proof },
            PatternValue { bin_type: 1, value: 7, proof: cases },
        ];
        BoundProof::Prices { item_prices: vec![price, 2], pattern_values: values }
    }

    fn branch(bins: u64, at_most: BoundProof, at_least: BoundProof) -> BoundProof {
        BoundProof::Branch { bin_type: 1, bins, at_most: Box::new(at_most), at_least: Box::new(at_least) }
    }

    fn certified(proof: BoundProof) -> Certified {
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
                dominated: vec![Dominance { bin_type: 0, by: 1 }],
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
        let tree = branch(2, branch(0, leaf(1), leaf(2)), branch(5, leaf(3), branch(6, leaf(4), leaf(5))));
        for certified in [certified(leaf(9)), certified(tree)] {
            assert_eq!(read(&written(&certified)), Ok(certified));
        }
    }

    #[test]
    fn a_proof_may_be_deeper_than_json_readers_nest() {
        let mut proof = leaf(0);
        for bins in 0..1_000 {
            proof = branch(bins, leaf(bins), proof);
        }
        let certified = certified(proof);
        assert_eq!(read(&written(&certified)), Ok(certified));
    }

    #[test]
    fn steps_that_form_no_tree_are_refused() {
        let prices = || Step::Prices { item_prices: vec![], pattern_values: vec![] };
        let branch = |at_most, at_least| Step::Branch { bin_type: 0, bins: 0, at_most, at_least };
        assert_eq!(unflatten(vec![]), Err("has no steps".to_owned()));
        assert!(unflatten(vec![branch(1, 1), prices()]).is_err());
        assert!(unflatten(vec![branch(0, 1), prices()]).is_err());
        assert!(unflatten(vec![branch(1, 9), prices()]).is_err());
        let stray = vec![branch(1, 2), prices(), prices(), prices()];
        assert_eq!(unflatten(stray), Err("step 3 belongs to no branch".to_owned()));
    }

    #[test]
    fn names_belong_to_the_problem() {
        let mut certified = certified(leaf(1));
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
        let mut names = certified(leaf(1)).names.unwrap();
        assert_eq!(names.bin("large"), Some(BinTypeId(1)));
        assert_eq!(names.items_of_workload()["b"], [ItemTypeId(0)]);
        names.bins[0] = "large".into();
        names.items[1].insert("b".into(), 1);
        assert_eq!(names.bin("large"), None);
        assert_eq!(names.items_of_workload()["b"], [ItemTypeId(0), ItemTypeId(1)]);
    }
}
