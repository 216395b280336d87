//! The table of a catalog file: CSV text to instance types and back, with every fault located.

use std::collections::{BTreeMap, HashMap};

use super::columns::Column;
use super::draft::{Draft, Header};
use crate::catalog::listing::nearest;
use crate::catalog::{DerivationRules, InstanceType};
use crate::input::Fault;

/// Reads the table that starts on `first_line` of the file; the types are sorted by name.
pub(super) fn read(
    source: &str,
    first_line: u64,
    text: &str,
    rules: &DerivationRules,
    marks: &BTreeMap<String, String>,
) -> (Vec<InstanceType>, Vec<Fault>) {
    let header = Header { rules, marks };
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    let mut faults = Vec::new();
    let mut types: Vec<InstanceType> = Vec::with_capacity(text.len() / 100);
    let mut lines: HashMap<String, u64> = HashMap::with_capacity(text.len() / 100);
    let line_of =
        |record: &csv::StringRecord| first_line + record.position().map_or(0, |p| p.line().saturating_sub(1));

    match reader.read_record(&mut record) {
        Ok(true) => {}
        Ok(false) => return (Vec::new(), vec![Fault::new(source, "the table is empty").at_field("types")]),
        Err(e) => return (Vec::new(), vec![Fault::new(source, e.to_string()).at_field("types")]),
    }
    let columns = match read_header(source, line_of(&record), &record) {
        Ok(columns) => columns,
        Err(faults) => return (Vec::new(), faults),
    };
    let name_at = columns.iter().position(|c| *c == Column::Name).unwrap_or(0);
    loop {
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(e) => {
                faults.push(Fault::new(source, e.to_string()).at_field("types"));
                break;
            }
        }
        let line = line_of(&record);
        if record.len() != columns.len() {
            let message = format!("{} cells under {} columns", record.len(), columns.len());
            faults.push(Fault::new(source, message).on_line(line).at_field("types"));
            continue;
        }
        let name = record.get(name_at).unwrap_or_default();
        match lines.get(name) {
            None => drop(lines.insert(name.to_owned(), line)),
            Some(first) => {
                let message = format!("instance type `{name}` is on line {first} already");
                faults.push(Fault::new(source, message).on_line(line).at_field(name));
            }
        }
        match read_row(&columns, &record, &header) {
            Ok(machine) => types.push(machine),
            Err(problems) => {
                for (column, message) in problems {
                    let field = format!("{name}.{}", column.name());
                    faults.push(Fault::new(source, message).on_line(line).at_field(field));
                }
            }
        }
    }
    if types.is_empty() && faults.is_empty() {
        faults.push(Fault::new(source, "no instance type").at_field("types"));
    }
    types.sort_by(|a, b| a.name.cmp(&b.name));
    faults.sort();
    (types, faults)
}

fn read_header(source: &str, line: u64, record: &csv::StringRecord) -> Result<Vec<Column>, Vec<Fault>> {
    let mut columns: Vec<Column> = Vec::with_capacity(record.len());
    let mut faults = Vec::new();
    for name in record {
        match Column::from_name(name) {
            None => faults.push(unknown_column(source, line, name)),
            Some(column) if columns.contains(&column) => {
                faults.push(
                    Fault::new(source, format!("column `{name}` twice")).on_line(line).at_field("types"),
                );
            }
            Some(column) => columns.push(column),
        }
    }
    for column in Column::REQUIRED {
        if !columns.contains(&column) {
            let message = format!("column `{}` is missing", column.name());
            faults.push(Fault::new(source, message).on_line(line).at_field("types"));
        }
    }
    if faults.is_empty() { Ok(columns) } else { Err(faults) }
}

fn unknown_column(source: &str, line: u64, name: &str) -> Fault {
    let fault = Fault::new(source, format!("unknown column `{name}`")).on_line(line).at_field("types");
    let names: Vec<String> = Column::all().into_iter().map(Column::name).collect();
    match nearest(name, names.iter().map(String::as_str)) {
        Some(nearest) => fault.help(format!("did you mean `{nearest}`?")),
        None => fault.help("`plimsoll schema catalog` lists the columns"),
    }
}

/// One row, or all that is wrong with it.
fn read_row(
    columns: &[Column],
    record: &csv::StringRecord,
    header: &Header<'_>,
) -> Result<InstanceType, Vec<(Column, String)>> {
    let mut draft = Draft::default();
    let mut problems: Vec<(Column, String)> = Vec::new();
    for (&column, cell) in columns.iter().zip(record) {
        if cell.is_empty() {
            continue;
        }
        if let Err(message) = draft.set(column, cell, header) {
            problems.push((column, message));
        }
    }
    match draft.finish(header.rules) {
        Ok(machine) if problems.is_empty() => Ok(machine),
        Ok(_) => Err(problems),
        Err(missing) => {
            for (column, message) in missing {
                if !problems.iter().any(|(c, _)| *c == column) {
                    problems.push((column, message.to_owned()));
                }
            }
            Err(problems)
        }
    }
}

/// One row given as column names with texts; the problems name their columns.
pub(in crate::input) fn read_cells(
    cells: &[(String, String)],
    rules: &DerivationRules,
) -> Result<InstanceType, Vec<(String, String)>> {
    let none = BTreeMap::new();
    let header = Header { rules, marks: &none };
    let mut draft = Draft::default();
    let mut problems = Vec::new();
    for (name, text) in cells.iter().filter(|(_, text)| !text.is_empty()) {
        let read = Column::from_name(name)
            .ok_or_else(|| "no column of a catalog".to_owned())
            .and_then(|column| draft.set(column, text, &header));
        problems.extend(read.err().map(|message| (name.clone(), message)));
    }
    match draft.finish(rules) {
        Ok(machine) if problems.is_empty() => Ok(machine),
        Ok(_) => Err(problems),
        Err(missing) => {
            for (column, message) in missing {
                if !problems.iter().any(|(known, _)| *known == column.name()) {
                    problems.push((column.name(), message.to_owned()));
                }
            }
            Err(problems)
        }
    }
}

/// The names of all columns.
pub(in crate::input) fn column_names() -> Vec<String> {
    Column::all().into_iter().map(Column::name).collect()
}

/// The table, with the columns that at least one type fills.
pub(super) fn write(types: &[InstanceType]) -> String {
    let mut columns = Column::all();
    columns.retain(|column| {
        Column::REQUIRED.contains(column) || types.iter().any(|machine| !column.write(machine).is_empty())
    });
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut put = |cells: Vec<String>| writer.write_record(cells).expect("rows of equal length into memory");
    put(columns.iter().map(|c| c.name()).collect());
    for machine in types {
        put(columns.iter().map(|c| c.write(machine)).collect());
    }
    let bytes = writer.into_inner().expect("a buffer in memory takes every byte");
    String::from_utf8(bytes).expect("cells are UTF-8")
}
