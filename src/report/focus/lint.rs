//! Holds FOCUS rows to the rules of FOCUS 1.2 that a plan can break, and to our own for plans.
//!
//! Written against the specification and not against the writer: it reads any CSV. Public validators
//! skip the arithmetic between columns and the sums over a commitment, which is where a plan would go
//! wrong unseen.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use super::columns::{COLUMNS, OTHER_COLUMNS};
use crate::report::csv::is_formula;

mod cell;
mod rules;
mod sums;

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Which rule, stable: `F1xx` the file, `F2xx` a cell, `F3xx` a row, `F4xx` sums over rows.
    pub rule: &'static str,
    /// Line in the file, the header being line 1; `None` for the whole file.
    pub line: Option<u64>,
    /// Which column.
    pub column: Option<String>,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.rule)?;
        if let Some(line) = self.line {
            write!(f, " line {line}")?;
        }
        if let Some(column) = &self.column {
            write!(f, " {column}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Checks a file of FOCUS 1.2 plan rows. No finding means that every rule holds.
pub fn lint(csv: &[u8]) -> Vec<Finding> {
    let mut lint = Lint { findings: Vec::new() };
    lint.line_ends(csv);
    let mut reader = ::csv::ReaderBuilder::new().flexible(true).from_reader(csv);
    let header = match reader.headers() {
        Ok(header) => header.clone(),
        Err(error) => {
            lint.file("F101", None, format!("not CSV: {error}"));
            return lint.findings;
        }
    };
    let Some(index) = lint.header(&header) else {
        return lint.findings;
    };
    let mut sums = sums::Sums::default();
    let mut record = ::csv::StringRecord::new();
    let mut rows = 0;
    loop {
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {}
            Err(error) => {
                lint.file("F101", None, format!("not CSV: {error}"));
                break;
            }
        }
        rows += 1;
        let line = record.position().map_or(0, |p| p.line());
        if record.len() != header.len() {
            let message = format!("{} cells where the header has {}", record.len(), header.len());
            lint.at("F102", line, None, message);
            continue;
        }
        let row = Row { index: &index, cells: &record, line };
        cell::check(&row, &mut lint);
        rules::check(&row, &mut lint);
        sums.add(&row, &mut lint);
    }
    if rows == 0 {
        lint.file("F103", None, "no rows".to_owned());
    }
    sums.check(&mut lint);
    lint.findings
}

/// Collects findings.
struct Lint {
    findings: Vec<Finding>,
}

impl Lint {
    fn file(&mut self, rule: &'static str, column: Option<&str>, message: String) {
        self.findings.push(Finding { rule, line: None, column: column.map(str::to_owned), message });
    }

    fn at(&mut self, rule: &'static str, line: u64, column: Option<&str>, message: String) {
        self.findings.push(Finding { rule, line: Some(line), column: column.map(str::to_owned), message });
    }

    /// RFC 4180: CRLF after every record. Line feeds inside quoted cells are allowed.
    fn line_ends(&mut self, csv: &[u8]) {
        let mut quoted = false;
        let mut before = 0;
        for &byte in csv {
            match byte {
                b'"' => quoted = !quoted,
                b'\n' if !quoted && before != b'\r' => {
                    self.file("F104", None, "a line ends without CR".to_owned());
                    return;
                }
                _ => {}
            }
            before = byte;
        }
        if !csv.is_empty() && before != b'\n' {
            self.file("F104", None, "the last line does not end".to_owned());
        }
    }

    /// The columns by name; `None` when no row can be judged.
    fn header(&mut self, header: &::csv::StringRecord) -> Option<HashMap<String, usize>> {
        let mut index = HashMap::new();
        let mut custom = false;
        for (position, name) in header.iter().enumerate() {
            if index.insert(name.to_owned(), position).is_some() {
                self.file("F111", Some(name), "the column stands twice".to_owned());
            }
            if let Some(rest) = name.strip_prefix("x_") {
                custom = true;
                let pascal = rest.starts_with(|c: char| c.is_ascii_uppercase())
                    && rest.chars().all(|c| c.is_ascii_alphanumeric());
                if !pascal || name.len() > 50 {
                    let message = "custom columns are x_PascalCase, at most 50 characters".to_owned();
                    self.file("F112", Some(name), message);
                }
                continue;
            }
            if !COLUMNS.iter().any(|c| c.name == name) && !OTHER_COLUMNS.contains(&name) {
                self.file("F113", Some(name), "no column of FOCUS 1.2 and no custom column".to_owned());
            }
            if custom {
                self.file("F114", Some(name), "stands after custom columns".to_owned());
            }
        }
        let missing: BTreeSet<&str> =
            COLUMNS.iter().filter(|c| c.mandatory && !index.contains_key(c.name)).map(|c| c.name).collect();
        for name in &missing {
            self.file("F115", Some(name), "the mandatory column is missing".to_owned());
        }
        missing.is_empty().then_some(index)
    }
}

/// One record with its columns by name.
struct Row<'a> {
    index: &'a HashMap<String, usize>,
    cells: &'a ::csv::StringRecord,
    line: u64,
}

impl<'a> Row<'a> {
    /// The text of a cell; `None` when it is empty or the column is absent.
    fn get(&self, column: &str) -> Option<&'a str> {
        self.index.get(column).and_then(|&i| self.cells.get(i)).filter(|text| !text.is_empty())
    }

    fn is(&self, column: &str, value: &str) -> bool {
        self.get(column) == Some(value)
    }

    /// A decimal in units of 10^-9; `None` when absent or malformed (which is a finding elsewhere).
    fn decimal(&self, column: &str) -> Option<i128> {
        self.get(column).and_then(|text| cell::decimal(text).ok())
    }
}

/// Sorted for reading: by rule, with the number of times.
pub fn summary(findings: &[Finding]) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for finding in findings {
        *counts.entry(finding.rule).or_default() += 1;
    }
    counts
}

/// Whether a cell could be run by a spreadsheet.
fn runs_in_spreadsheet(text: &str) -> bool {
    is_formula(text)
}
