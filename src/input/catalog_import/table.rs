//! A CSV table with a header, and cells as exact numbers; every fault names line and column.

use std::collections::{BTreeMap, HashMap};

use crate::catalog::derivation::rule;
use crate::catalog::{ListedRate, Provenance};
use crate::input::{Fault, Source, decode};
use crate::units::{Bytes, MilliCpu, Rate};

/// A table whose required columns are there.
pub(super) struct Table {
    source: String,
    columns: HashMap<String, usize>,
    rows: Vec<(u64, csv::StringRecord)>,
}

/// One row of a table.
#[derive(Clone, Copy)]
pub(super) struct Row<'t> {
    table: &'t Table,
    line: u64,
    record: &'t csv::StringRecord,
}

impl Table {
    /// Reads a table and checks that the columns are there.
    pub(super) fn read(source: &Source, required: &[&str]) -> Result<Table, Vec<Fault>> {
        let fault = |message: String| Fault::new(&source.name, message);
        let text = decode(source).map_err(|fault| vec![*fault])?;
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        let header = reader.headers().map_err(|e| vec![fault(e.to_string())])?;
        let columns: HashMap<String, usize> =
            header.iter().enumerate().map(|(i, name)| (name.to_owned(), i)).collect();
        let mut faults: Vec<Fault> = required
            .iter()
            .filter(|name| !columns.contains_key(**name))
            .map(|name| fault(format!("column `{name}` is missing")).on_line(1))
            .collect();
        let mut rows = Vec::new();
        for record in reader.records() {
            match record {
                Ok(record) => rows.push((record.position().map_or(0, csv::Position::line), record)),
                Err(e) => {
                    let line = e.position().map_or(0, csv::Position::line);
                    faults.push(fault(e.to_string()).on_line(line));
                }
            }
        }
        if faults.is_empty() { Ok(Table { source: source.name.clone(), columns, rows }) } else { Err(faults) }
    }

    /// All rows.
    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|(line, record)| Row { table: self, line: *line, record })
    }

    /// The rows by a column that must be unique.
    pub(super) fn by(&self, column: &str) -> Result<BTreeMap<&str, Row<'_>>, Vec<Fault>> {
        unique(self.rows(), column)
    }
}

impl<'t> Row<'t> {
    /// The cell; empty where the table has no such column.
    pub(super) fn text(self, column: &str) -> &'t str {
        self.table.columns.get(column).and_then(|&i| self.record.get(i)).unwrap_or_default()
    }

    /// A fault of this row.
    pub(super) fn fault(self, column: &str, message: impl Into<String>) -> Fault {
        Fault::new(&self.table.source, message).on_line(self.line).at_field(column)
    }

    /// A decimal of at most nine decimals in units of 10^-9; none where the cell is empty.
    fn nanos(self, column: &str) -> Result<Option<u64>, Fault> {
        match self.text(column) {
            "" => Ok(None),
            text => match text.parse::<Rate>() {
                Ok(value) => Ok(Some(value.nanos())),
                Err(e) => Err(self.fault(column, e.to_string())),
            },
        }
    }

    /// A whole number, perhaps written `8.0`.
    pub(super) fn count(self, column: &str) -> Result<Option<u64>, Fault> {
        match self.nanos(column)? {
            Some(nanos) if nanos % 1_000_000_000 != 0 => {
                Err(self.fault(column, format!("`{}` is not a whole number", self.text(column))))
            }
            nanos => Ok(nanos.map(|n| n / 1_000_000_000)),
        }
    }

    /// vCPUs with at most three decimals.
    pub(super) fn cpu(self, column: &str) -> Result<MilliCpu, Fault> {
        match self.nanos(column)? {
            Some(nanos) if nanos > 0 && nanos % 1_000_000 == 0 => Ok(MilliCpu(nanos / 1_000_000)),
            _ => Err(self.fault(column, format!("`{}` is not a number of vCPUs", self.text(column)))),
        }
    }

    /// Memory in GiB, rounded down to whole MiB.
    pub(super) fn memory_floor(self, column: &str) -> Result<Bytes, Fault> {
        self.memory(column, |scaled| scaled / 1_000_000_000)
    }

    /// Memory in GiB that the table has rounded to four decimals: the nearest MiB.
    pub(super) fn memory_nearest(self, column: &str) -> Result<Bytes, Fault> {
        self.memory(column, |scaled| (scaled + 500_000_000) / 1_000_000_000)
    }

    fn memory(self, column: &str, to_mib: impl Fn(u128) -> u128) -> Result<Bytes, Fault> {
        let nanos = self.nanos(column)?.unwrap_or_default();
        match u64::try_from(to_mib(u128::from(nanos) * 1024)) {
            Ok(mib) if mib > 0 => Ok(Bytes::mib(mib)),
            _ => Err(self.fault(column, format!("`{}` is no memory size in GiB", self.text(column)))),
        }
    }

    /// Storage in 10^9 bytes; zero where the cell is empty.
    pub(super) fn gigabytes(self, column: &str) -> Result<Bytes, Fault> {
        Ok(Bytes(self.nanos(column)?.unwrap_or_default()))
    }

    /// A rate as it stands; none where the cell is empty.
    pub(super) fn rate(self, column: &str) -> Result<Option<ListedRate>, Fault> {
        let listed = |n| ListedRate { rate: Rate::from_nanos(n), provenance: Provenance::Listed };
        Ok(self.nanos(column)?.map(listed))
    }

    /// A rate that may have more than nine decimals: then rounded half up, and marked as such.
    pub(super) fn rounded_rate(self, column: &str) -> Result<Option<ListedRate>, Fault> {
        const DECIMALS: usize = 9;
        let text = self.text(column);
        let Some((whole, fraction)) = text.split_once('.').filter(|(_, f)| f.len() > DECIMALS) else {
            return self.rate(column);
        };
        let (kept, cut) = fraction.split_at_checked(DECIMALS).unwrap_or((fraction, ""));
        if !cut.bytes().all(|b| b.is_ascii_digit()) {
            return Err(self.fault(column, format!("`{text}` is not a plain decimal number")));
        }
        let floor: Rate =
            format!("{whole}.{kept}").parse().map_err(|e| self.fault(column, format!("{e}")))?;
        let up = u64::from(cut.as_bytes().first().is_some_and(|&digit| digit >= b'5'));
        let rate = Rate::from_nanos(floor.nanos() + up);
        Ok(Some(ListedRate { rate, provenance: Provenance::Derived(rule::ROUNDED_RATES.to_owned()) }))
    }
}

/// The rows of a region, each type once.
pub(super) fn of_region<'t>(table: &'t Table, region: &str, key: &str) -> Result<Vec<Row<'t>>, Vec<Fault>> {
    let rows: Vec<Row<'t>> = table.rows().filter(|row| row.text("region") == region).collect();
    unique(rows.iter().copied(), key)?;
    Ok(rows)
}

/// The rows by a column, which has to be unique.
fn unique<'t>(
    rows: impl Iterator<Item = Row<'t>>,
    column: &str,
) -> Result<BTreeMap<&'t str, Row<'t>>, Vec<Fault>> {
    let mut found: BTreeMap<&str, Row<'_>> = BTreeMap::new();
    let mut faults = Vec::new();
    for row in rows {
        if let Some(first) = found.get(row.text(column)) {
            let message = format!("`{}` is on line {} already", row.text(column), first.line);
            faults.push(row.fault(column, message));
        } else {
            found.insert(row.text(column), row);
        }
    }
    if faults.is_empty() { Ok(found) } else { Err(faults) }
}

/// Splits what was read from what was wrong.
pub(super) fn collect<T>(results: impl IntoIterator<Item = Result<T, Fault>>) -> Result<Vec<T>, Vec<Fault>> {
    let mut good = Vec::new();
    let mut faults = Vec::new();
    for result in results {
        match result {
            Ok(value) => good.push(value),
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() { Ok(good) } else { Err(faults) }
}

/// The table that a layout cannot do without.
pub(super) fn required<'a>(
    input: &'a Option<Source>,
    prices: &Source,
    what: &str,
) -> Result<&'a Source, Vec<Fault>> {
    input.as_ref().ok_or_else(|| vec![Fault::new(&prices.name, format!("this layout needs {what} as well"))])
}
