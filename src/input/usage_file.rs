//! Measured use of pods, as CSV: one row per workload or pod, or one per workload or pod and resource.
//! `docs/usage.md` documents the columns and how to export them.

use std::collections::BTreeMap;

use super::quantity;
use super::table;
use super::view::clip;
use super::{Fault, Source, decode};
use crate::units::ResourceName;
use crate::usage::{Measured, Stat, Subject, SubjectName, UsageSet};

/// What a column says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Namespace,
    Workload,
    Pod,
    /// `cpu` or `memory`: the row is about one resource.
    Resource,
    /// A figure of the resource that the row is about, or of a certain one.
    Figure(Option<Kind>, Figure),
}

/// A resource that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Cpu,
    Memory,
}

/// A figure of measured use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Figure {
    Mean,
    P95,
    Max,
    Samples,
}

/// The names of columns, in lower case and without blanks, `_`, `-` and `.`; the first is the one to advise.
fn columns() -> Vec<(Column, Vec<String>)> {
    let names = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
    let mut all = vec![
        (Column::Namespace, names(&["namespace"])),
        (Column::Workload, names(&["workload", "controller", "targetname", "name"])),
        (Column::Pod, names(&["pod", "podname"])),
        (Column::Resource, names(&["resource"])),
    ];
    for (kind, prefixes) in
        [(None, &[""][..]), (Some(Kind::Cpu), &["cpu"]), (Some(Kind::Memory), &["memory", "mem"])]
    {
        for (figure, endings) in [
            (Figure::Mean, &["mean", "avg", "average"][..]),
            // What the Vertical Pod Autoscaler calls its target is a high percentile of use.
            (Figure::P95, &["p95", "target"]),
            (Figure::Max, &["max", "maximum", "upperbound"]),
            (Figure::Samples, &["samples"]),
        ] {
            let all_names = prefixes.iter().flat_map(|p| endings.iter().map(move |e| format!("{p}{e}")));
            all.push((Column::Figure(kind, figure), all_names.collect()));
        }
    }
    all
}

/// Reads measurements.
///
/// # Errors
/// Every fault of the file, in order of lines.
pub fn read(source: &Source) -> Result<UsageSet, Vec<Fault>> {
    let text = decode(source).map_err(|fault| vec![*fault])?;
    let mut faults = Vec::new();
    let usage = read_text(&source.name, text, &mut faults);
    if faults.is_empty() { Ok(usage) } else { Err(faults) }
}

fn read_text(name: &str, text: &str, faults: &mut Vec<Fault>) -> UsageSet {
    let mut reader = table::reader(text);
    let headers = match reader.headers() {
        Ok(headers) => headers.clone(),
        Err(error) => {
            faults.push(Fault::new(name, error.to_string()).on_line(1));
            return UsageSet::default();
        }
    };
    let line = headers.position().map_or(1, csv::Position::line);
    let Some(layout) = read_header(name, &headers, line, faults) else { return UsageSet::default() };
    let mut rows: Vec<(Subject, Measured)> = Vec::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                faults.push(Fault::new(name, error.to_string()).on_line(line));
                return UsageSet::default();
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        if let Some(message) = table::misfit(&record, &headers) {
            faults.push(Fault::new(name, message).on_line(line));
            continue;
        }
        let row = Row { name, headers: &headers, layout: &layout, record: &record, line };
        if let Some((subject, measured)) = row.read(faults) {
            // Long tables have a row for each resource.
            match rows.iter_mut().rev().find(|(known, _)| *known == subject) {
                Some((_, known)) if measured.keys().all(|r| !known.contains_key(r)) => known.extend(measured),
                Some(_) => faults.push(Fault::new(name, format!("{subject} is there twice")).on_line(line)),
                None => rows.push((subject, measured)),
            }
        }
    }
    if rows.is_empty() && faults.is_empty() {
        faults.push(Fault::new(name, "has a header and no rows"));
    }
    UsageSet { rows }
}

/// The meaning of each column, where the header is one of a table of measurements.
fn read_header(
    name: &str,
    headers: &csv::StringRecord,
    line: u64,
    faults: &mut Vec<Fault>,
) -> Option<Vec<Option<Column>>> {
    let known = columns();
    let plain = |header: &str| -> String {
        header.to_lowercase().chars().filter(|c| !matches!(c, ' ' | '_' | '-' | '.')).collect()
    };
    let of = |header: &str| known.iter().find(|(_, names)| names.contains(&plain(header))).map(|(c, _)| *c);
    // An object's own name says nothing where another column has that of its workload.
    let own = |header: &str| plain(header) == "name";
    let named = headers.iter().any(|header| !own(header) && of(header) == Some(Column::Workload));
    let mut layout = Vec::new();
    for header in headers {
        let column = of(header).filter(|_| !(named && own(header)));
        if column.is_some() && layout.contains(&column) {
            let message = format!("two columns are `{}`", clip(header));
            faults.push(Fault::new(name, message).on_line(line));
        }
        // Exports have columns of their own beside ours.
        layout.push(column);
    }
    let has = |wanted: Column| layout.contains(&Some(wanted));
    let mut lacks = |message: &str, help: &str| {
        faults.push(Fault::new(name, message).on_line(line).help(help));
    };
    if has(Column::Workload) == has(Column::Pod) {
        lacks("needs one of the columns `workload` and `pod`", "it says whose use a row is");
    }
    let figures = layout.iter().flatten().filter(|c| matches!(c, Column::Figure(..)));
    let (mut long, mut wide) = (false, false);
    for column in figures {
        match column {
            Column::Figure(None, _) => long = true,
            _ => wide = true,
        }
    }
    match (long, wide, has(Column::Resource)) {
        (false, false, _) => lacks(
            "has no column of measured use",
            "such as cpu_mean, cpu_p95, cpu_max, memory_mean, memory_p95, memory_max",
        ),
        (true, true, _) => lacks("has figures both with and without a resource in their name", "choose one"),
        (true, false, false) => lacks("has no column `resource`", "or name columns cpu_mean, cpu_p95, ..."),
        _ => {}
    }
    faults.is_empty().then_some(layout)
}

struct Row<'r> {
    name: &'r str,
    headers: &'r csv::StringRecord,
    layout: &'r [Option<Column>],
    record: &'r csv::StringRecord,
    line: u64,
}

impl Row<'_> {
    fn read(&self, faults: &mut Vec<Fault>) -> Option<(Subject, Measured)> {
        let before = faults.len();
        let named = |column| self.cell(column).map(|(_, text)| text.to_owned());
        let name = match (named(Column::Workload), named(Column::Pod)) {
            (Some(workload), _) => SubjectName::Workload(workload),
            (None, Some(pod)) => SubjectName::Pod(pod),
            (None, None) => {
                faults.push(Fault::new(self.name, "does not say whose use it is").on_line(self.line));
                return None;
            }
        };
        let subject = Subject { namespace: named(Column::Namespace), name };
        let row_kind = match self.cell(Column::Resource) {
            None => None,
            Some((_, "cpu")) => Some(Kind::Cpu),
            Some((_, "memory")) => Some(Kind::Memory),
            Some((index, other)) => {
                faults.push(self.fault(index, format!("`{}` is neither cpu nor memory", clip(other))));
                return None;
            }
        };
        let mut figures: BTreeMap<Kind, BTreeMap<Figure, (usize, &str)>> = BTreeMap::new();
        for (index, column) in self.layout.iter().enumerate() {
            let Some(Column::Figure(kind, figure)) = column else { continue };
            let Some(text) = self.record.get(index).filter(|text| !text.is_empty()) else { continue };
            let Some(kind) = kind.or(row_kind) else {
                faults.push(self.fault(index, "the row names no resource".to_owned()));
                return None;
            };
            figures.entry(kind).or_default().insert(*figure, (index, text));
        }
        let mut measured = Measured::new();
        for (kind, figures) in figures {
            let resource = match kind {
                Kind::Cpu => ResourceName::Cpu,
                Kind::Memory => ResourceName::Memory,
            };
            if let Some(stat) = self.stat(&resource, &figures, faults) {
                measured.insert(resource, stat);
            }
        }
        if measured.is_empty() && faults.len() == before {
            faults.push(Fault::new(self.name, format!("{subject} has no measured use")).on_line(self.line));
        }
        (faults.len() == before).then_some((subject, measured))
    }

    fn stat(
        &self,
        resource: &ResourceName,
        figures: &BTreeMap<Figure, (usize, &str)>,
        faults: &mut Vec<Fault>,
    ) -> Option<Stat> {
        let before = faults.len();
        let mut amount = |figure: Figure| {
            let &(index, text) = figures.get(&figure)?;
            match quantity::parse(resource, text) {
                Ok(amount) => Some(amount),
                Err(error) => {
                    faults.push(self.fault(index, error.to_string()));
                    None
                }
            }
        };
        let (mean, p95, max) = (amount(Figure::Mean), amount(Figure::P95), amount(Figure::Max));
        let mut samples = Vec::new();
        if let Some(&(index, text)) = figures.get(&Figure::Samples) {
            for word in text.split_whitespace() {
                match quantity::parse(resource, word) {
                    Ok(amount) => samples.push(amount),
                    Err(error) => faults.push(self.fault(index, error.to_string())),
                }
            }
        }
        if faults.len() > before {
            return None;
        }
        samples.sort_unstable();
        let of_samples =
            |share: usize| samples.get((samples.len() * share).div_ceil(100).max(1) - 1).copied();
        let sum: u128 = samples.iter().map(|&s| u128::from(s)).sum();
        let sample_mean = (!samples.is_empty())
            .then(|| u64::try_from(sum.div_ceil(samples.len() as u128)).unwrap_or(u64::MAX));
        let mut whole = |message: String| {
            faults.push(Fault::new(self.name, message).on_line(self.line));
        };
        let Some(p95) = p95.or_else(|| of_samples(95)) else {
            whole(format!("{resource} has no 95th percentile"));
            return None;
        };
        let mean = mean.or(sample_mean).unwrap_or(p95);
        let max = max.or_else(|| samples.last().copied()).unwrap_or(p95.max(mean));
        if max < p95 || max < mean {
            whole(format!("the maximum of {resource} is below its mean or 95th percentile"));
            return None;
        }
        Some(Stat { mean, p95, max, samples })
    }

    fn fault(&self, column: usize, message: String) -> Fault {
        let fault = Fault::new(self.name, message).on_line(self.line);
        fault.at_field(self.headers.get(column).unwrap_or_default())
    }

    /// The cell of a column that is there and filled.
    fn cell(&self, column: Column) -> Option<(usize, &str)> {
        let index = self.layout.iter().position(|c| *c == Some(column))?;
        self.record.get(index).filter(|text| !text.is_empty()).map(|text| (index, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<UsageSet, Vec<String>> {
        let source = Source { name: "u.csv".to_owned(), bytes: text.as_bytes().to_vec() };
        read(&source).map_err(|faults| faults.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_row_per_workload_and_a_row_per_resource_say_the_same() {
        let wide = "namespace,workload,cpu_mean,cpu_p95,cpu_max,memory_mean,memory_p95,memory_max\n\
                    a,web,0.1204,250m,1,100Mi,200Mi,2.68435456e+08\n";
        let long = "namespace,workload,resource,mean,p95,max,node\n\
                    a,web,cpu,0.1204,250m,1,n1\na,web,memory,100Mi,200Mi,256Mi,n1\n";
        let read = parsed(wide).unwrap();
        assert_eq!(read, parsed(long).unwrap());
        // As spreadsheets of half of Europe export it.
        assert_eq!(read, parsed(&wide.replace(',', ";")).unwrap());
        let (subject, measured) = &read.rows[0];
        assert_eq!(subject.to_string(), "a/web");
        let cpu = &measured[&ResourceName::Cpu];
        // Less than a millicore rounds up.
        assert_eq!((cpu.mean, cpu.p95, cpu.max), (121, 250, 1000));
        assert_eq!(measured[&ResourceName::Memory].max, 256 << 20);
    }

    /// An autoscaler has a name of its own beside that of its target.
    #[test]
    fn exports_of_autoscalers_have_two_names() {
        let read =
            parsed("namespace,name,targetName,resource,target,upperBound\na,web-vpa,web,cpu,250m,800m\n");
        let (subject, measured) = &read.unwrap().rows[0];
        assert_eq!(subject.to_string(), "a/web");
        let cpu = &measured[&ResourceName::Cpu];
        assert_eq!((cpu.mean, cpu.p95, cpu.max), (250, 250, 800));
        assert!(parsed("workload,targetName,cpu_p95\na,b,1\n").unwrap_err()[0].contains("two columns"));
    }

    #[test]
    fn samples_stand_in_for_figures_that_are_not_there() {
        let read =
            parsed("pod,memory_samples\nweb-1,1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 60\n").unwrap();
        let stat = &read.rows[0].1[&ResourceName::Memory];
        // 250 / 20 = 12.5 rounds up; 95 of 100 are the first 19 of 20.
        assert_eq!((stat.mean, stat.p95, stat.max), (13, 19, 60));
    }

    #[test]
    fn every_fault_is_told_with_its_line_and_column() {
        let faults = parsed(
            "workload,cpu_mean,cpu_p95,cpu_max\nweb,x,2,3\n,1,2,3\napi,1,3,2\ndb,,,\nweb2,1,2\nok,1,2,3\nok,1,2,3\n",
        )
        .unwrap_err();
        let expected = [
            "u.csv:2: cpu_mean:",
            "u.csv:3: does not say whose use it is",
            "u.csv:4: the maximum of cpu is below",
            "u.csv:5: db has no measured use",
            "u.csv:6: has 3 cells under 4 columns",
            "u.csv:8: ok is there twice",
        ];
        assert_eq!(faults.len(), expected.len(), "{faults:?}");
        for (fault, start) in faults.iter().zip(expected) {
            assert!(fault.starts_with(start), "{fault}");
        }
        for (text, words) in [
            ("cpu_mean,cpu_p95\n1,2\n", "one of the columns `workload` and `pod`"),
            ("workload,color\nweb,red\n", "no column of measured use"),
            ("workload,mean,p95\nweb,1,2\n", "no column `resource`"),
            ("workload,mean,cpu_p95,resource\nweb,1,2,cpu\n", "both with and without"),
            ("workload,cpu_p95,cpu-p95\nweb,1,2\n", "two columns"),
            ("workload,cpu_p95\n", "no rows"),
            ("workload,cpu_mean\nweb,1\n", "no 95th percentile"),
            ("workload,resource,p95\nweb,disk,1\n", "neither cpu nor memory"),
        ] {
            let faults = parsed(text).unwrap_err();
            assert!(faults[0].contains(words), "{faults:?}");
        }
    }
}
