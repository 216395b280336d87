//! Any table of prices into a catalog: a mapping says which of its columns is which of ours.

use std::collections::{BTreeMap, HashMap};

use super::{ImportOptions, finish};
use crate::catalog::listing::nearest;
use crate::catalog::{Catalog, DerivationRules, Provider};
use crate::input::catalog_file::{column_names, is_currency, is_date, read_cells};
use crate::input::{Fault, Source, decode};
use crate::units::{HOURS_PER_MONTH, Money, Rate};

/// Rows whose cell here is not the region asked for are passed over.
const REGION: &str = "region";
/// Memory in GiB, in place of `memory_mib`; rounded down to whole MiB.
const MEMORY_GIB: &str = "memory_gib";
/// The price of a month of 730 hours, in place of `on_demand`.
const ON_DEMAND_MONTH: &str = "on_demand_month";

/// The currency of a row; another one than the catalog's is a fault.
const CURRENCY: &str = "currency";
/// Ours of which a table may have one only: both would be two prices, or two sizes.
const EITHER: [[&str; 2]; 2] = [["on_demand", ON_DEMAND_MONTH], ["memory_mib", MEMORY_GIB]];

const MONTHLY: &str = "prices of a month divided by 730 hours, rounded half up to nano-units of the currency";

/// Which column of a table, or which fixed text, is which column of a catalog.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mapping {
    columns: BTreeMap<String, String>,
    fixed: BTreeMap<String, String>,
}

/// What is wrong with a mapping.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// Not `OURS=THEIRS`.
    #[error("`{0}` is not of the form OURS=THEIRS, such as name=Instance")]
    Form(String),
    /// A catalog has no such column.
    #[error("a catalog has no column `{name}`{}", .nearest.as_ref().map(|n| format!("; did you mean `{n}`?")).unwrap_or_default())]
    Unknown {
        /// What was given.
        name: String,
        /// The nearest name, where one is near.
        nearest: Option<String>,
    },
    /// Two columns for one.
    #[error("`{0}` is given twice")]
    Twice(String),
}

impl Mapping {
    /// Reads `name=Instance` for columns of the table and `arch=amd64` for texts that hold for all rows.
    ///
    /// # Errors
    /// The first entry that is wrong.
    pub fn new<'t>(
        columns: impl IntoIterator<Item = &'t str>,
        fixed: impl IntoIterator<Item = &'t str>,
    ) -> Result<Self, MappingError> {
        let mut mapping = Mapping::default();
        for entry in columns {
            let (ours, theirs) = entry_of(entry)?;
            mapping.check(&ours)?;
            mapping.columns.insert(ours, theirs);
        }
        for entry in fixed {
            let (ours, text) = entry_of(entry)?;
            mapping.check(&ours)?;
            mapping.fixed.insert(ours, text);
        }
        Ok(mapping)
    }

    fn check(&self, ours: &str) -> Result<(), MappingError> {
        if self.columns.contains_key(ours) || self.fixed.contains_key(ours) {
            return Err(MappingError::Twice(ours.to_owned()));
        }
        let known = names();
        if known.iter().any(|name| name == ours) {
            return Ok(());
        }
        let nearest = nearest(ours, known.iter().map(String::as_str)).map(str::to_owned);
        Err(MappingError::Unknown { name: ours.to_owned(), nearest })
    }

    /// Which column of the table each of ours is; one of our own name stands for itself.
    fn resolve(
        &self,
        source: &Source,
        header: &csv::StringRecord,
    ) -> Result<Vec<(String, usize)>, Vec<Fault>> {
        let at: HashMap<&str, usize> = header.iter().enumerate().map(|(i, name)| (name.trim(), i)).collect();
        let mut resolved: Vec<(String, usize)> = Vec::new();
        let mut faults = Vec::new();
        let in_header = |message: String| Fault::new(&source.name, message).on_line(1);
        for ours in names() {
            match self.columns.get(&ours) {
                Some(theirs) => match at.get(theirs.as_str()) {
                    Some(index) => resolved.push((ours, *index)),
                    None => {
                        let fault = Fault::new(&source.name, format!("column `{theirs}` is missing"));
                        let near = nearest(theirs, at.keys().copied());
                        let fault = fault.on_line(1).at_field(ours);
                        faults.push(match near {
                            Some(near) => fault.help(format!("did you mean `{near}`?")),
                            None => fault,
                        });
                    }
                },
                None if self.fixed.contains_key(&ours) => {}
                None => resolved.extend(at.get(ours.as_str()).map(|index| (ours.clone(), *index))),
            }
        }
        for (_, index) in &resolved {
            let name = header.get(*index).unwrap_or_default().trim();
            if header.iter().filter(|other| other.trim() == name).count() > 1 {
                faults.push(in_header(format!("column `{name}` stands twice")));
            }
        }
        let has =
            |ours: &str| resolved.iter().any(|(known, _)| known == ours) || self.fixed.contains_key(ours);
        for [one, other] in EITHER {
            if has(one) && has(other) {
                faults.push(in_header(format!("has both `{one}` and `{other}`")));
            }
        }
        if !EITHER[0].iter().any(|ours| has(ours)) && faults.is_empty() {
            let message = format!("no column is `{}` or `{}`", EITHER[0][0], EITHER[0][1]);
            faults.push(in_header(message).help("say which with --columns on_demand=THEIRS"));
        }
        if faults.is_empty() { Ok(resolved) } else { Err(faults) }
    }
}

/// Every name that a mapping may have on its left.
fn names() -> Vec<String> {
    // Marks are explained in a catalog's header, which a table has not.
    let mut names: Vec<String> = column_names().into_iter().filter(|name| name != "marks").collect();
    names.extend([REGION, MEMORY_GIB, ON_DEMAND_MONTH, CURRENCY].map(str::to_owned));
    names
}

fn entry_of(entry: &str) -> Result<(String, String), MappingError> {
    match entry.split_once('=') {
        Some((ours, theirs)) if !ours.trim().is_empty() && !theirs.trim().is_empty() => {
            Ok((ours.trim().to_owned(), theirs.trim().to_owned()))
        }
        _ => Err(MappingError::Form(entry.to_owned())),
    }
}

/// Reads a table of prices, one row per type.
///
/// # Errors
/// Every fault of the table, each with its line.
pub fn import_mapped(
    source: &Source,
    mapping: &Mapping,
    (provider, currency): (Provider, &str),
    options: &ImportOptions,
) -> Result<Catalog, Vec<Fault>> {
    let mut faults = Vec::new();
    if !is_currency(currency) {
        let fault = Fault::new("--currency", format!("`{currency}` is not a currency"));
        faults.push(fault.help("write an ISO 4217 code such as USD"));
    }
    if !is_date(&options.price_date) {
        let fault = Fault::new("--price-date", format!("`{}` is not a date", options.price_date));
        faults.push(fault.help("write 2026-05-31, or 2026-05 where the day is not known"));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let text = decode(source).map_err(|fault| vec![*fault])?;
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter(text))
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let fault = |e: &csv::Error| {
        let fault = Fault::new(&source.name, e.to_string());
        e.position().map_or(fault.clone(), |at| fault.on_line(at.line()))
    };
    let header = reader.headers().map_err(|e| vec![fault(&e)])?.clone();
    let columns = mapping.resolve(source, &header)?;
    let mut rules = DerivationRules::default();
    let monthly = columns.iter().any(|(ours, _)| ours == ON_DEMAND_MONTH)
        || mapping.fixed.contains_key(ON_DEMAND_MONTH);
    rules.rounded_rates = monthly.then(|| MONTHLY.to_owned());

    let mut types = Vec::new();
    let mut elsewhere = 0_u64;
    let mut lines: HashMap<String, u64> = HashMap::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(e) => {
                faults.push(fault(&e));
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        let cell = |index: usize| record.get(index).unwrap_or_default().to_owned();
        let mut cells: Vec<(String, String)> =
            columns.iter().map(|(ours, index)| (ours.clone(), cell(*index))).collect();
        cells.extend(mapping.fixed.iter().map(|(ours, text)| (ours.clone(), text.clone())));
        let take = |cells: &mut Vec<(String, String)>, name: &str| {
            cells.iter().position(|(ours, _)| ours == name).map(|at| cells.remove(at).1)
        };
        if take(&mut cells, REGION).is_some_and(|region| region != options.region) {
            elsewhere += 1;
            continue;
        }
        let name = cells.iter().find(|(ours, _)| ours == "name").map(|(_, n)| n.clone()).unwrap_or_default();
        let field =
            |column: &str| if name.is_empty() { column.to_owned() } else { format!("{name}.{column}") };
        let paid_in = take(&mut cells, CURRENCY).filter(|paid_in| paid_in != currency);
        let mut problems = convert(&mut cells);
        if let Some(paid_in) = paid_in {
            problems.push((CURRENCY.to_owned(), format!("`{paid_in}` beside prices in {currency}")));
        }
        if !cells.iter().any(|(ours, text)| ours == "family" && !text.is_empty()) {
            cells.push(("family".to_owned(), family(&name, provider).to_owned()));
        }
        match lines.get(&name) {
            Some(first) => problems.push(("name".to_owned(), format!("`{name}` is on line {first} already"))),
            None => drop(lines.insert(name.clone(), line)),
        }
        match read_cells(&cells, &rules) {
            Ok(machine) if problems.is_empty() => types.push(machine),
            read => {
                for (column, message) in read.err().into_iter().flatten() {
                    if !problems.iter().any(|(known, _)| known.starts_with(column.trim_end_matches("_mib"))) {
                        problems.push((column, message));
                    }
                }
                faults.extend(problems.into_iter().map(|(column, message)| {
                    let fault = Fault::new(&source.name, message).on_line(line).at_field(field(&column));
                    if column == "arch" {
                        fault.help("where all types have the same: --set arch=amd64")
                    } else {
                        fault
                    }
                }));
            }
        }
    }
    if types.is_empty() && faults.is_empty() {
        let message = format!("no type of region `{}`", options.region);
        faults.push(Fault::new(&source.name, message));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut notes = Vec::new();
    if elsewhere > 0 {
        notes.push(format!("left out: {elsewhere} rows of other regions"));
    }
    let unread: Vec<&str> = (0..header.len())
        .filter(|index| !columns.iter().any(|(_, read)| read == index))
        .filter_map(|index| header.get(index).map(str::trim))
        .filter(|name| !name.is_empty())
        .collect();
    if !unread.is_empty() {
        notes.push(format!("columns that were not read: {}", unread.join(", ")));
    }
    let mut catalog = Catalog {
        name: format!("{provider}-{}-{}", options.price_date, options.region),
        provider,
        region: options.region.clone(),
        currency: currency.to_owned(),
        price_date: options.price_date.clone(),
        sources: options.sources.clone(),
        licence_note: options.licence_note.clone().unwrap_or_default(),
        rules,
        marks: BTreeMap::new(),
        notes,
        types,
    };
    finish(&mut catalog);
    Ok(catalog)
}

/// Cells in other units into ours; what cannot be read is a problem of its column.
fn convert(cells: &mut [(String, String)]) -> Vec<(String, String)> {
    let mut problems = Vec::new();
    for (name, text) in cells.iter_mut().filter(|(_, text)| !text.is_empty()) {
        let (ours, converted) = match name.as_str() {
            MEMORY_GIB => ("memory_mib", mebibytes(text)),
            ON_DEMAND_MONTH => ("on_demand", of_month(text)),
            _ => continue,
        };
        match converted {
            Ok(converted) => {
                ours.clone_into(name);
                *text = converted;
            }
            Err(message) => {
                problems.push((name.clone(), message));
                text.clear();
            }
        }
    }
    problems
}

fn mebibytes(text: &str) -> Result<String, String> {
    let number = text.strip_suffix("GiB").unwrap_or(text).trim();
    let gibibytes: Rate = number.parse().map_err(|e| format!("{e}"))?;
    Ok((u128::from(gibibytes.nanos()) * 1024 / 1_000_000_000).to_string())
}

fn of_month(text: &str) -> Result<String, String> {
    let month: Money = text.parse().map_err(|e| format!("{e}"))?;
    let hours = i128::from(HOURS_PER_MONTH);
    if month <= Money::ZERO {
        return Err(format!("`{text}` is no price of a month"));
    }
    let rate = u64::try_from((month.nanos() * 2 + hours) / (hours * 2))
        .map_err(|_| format!("`{text}` is out of range"))?;
    let rounded = if month.nanos() % hours == 0 { "" } else { "~" };
    Ok(format!("{rounded}{}", Rate::from_nanos(rate)))
}

/// Without a column for it: what AWS has before the point; elsewhere each type is a family of its own.
fn family(name: &str, provider: Provider) -> &str {
    match provider {
        Provider::Aws => name.split('.').next().unwrap_or(name),
        _ => name,
    }
}

/// A comma, or what else separates the header's names.
fn delimiter(text: &str) -> u8 {
    let header = text.lines().next().unwrap_or_default();
    [b';', b'\t'].into_iter().find(|d| header.as_bytes().contains(d) && !header.contains(',')).unwrap_or(b',')
}
