//! Price list files in CSV as a stream: five lines about the file, a header, then a row per price.

use std::collections::{HashMap, HashSet};
use std::io::BufRead;

use super::attributes::{Attributes, Number};
use super::offers::Offers;
use super::plans::{PlanRate, Plans};
use super::terms::{Quote, Sold, is_ranged};
use crate::input::Fault;

/// Columns without which an offer file is none.
const OFFERS: [&str; 13] = [
    "sku",
    "termtype",
    "unit",
    "priceperunit",
    "currency",
    "leasecontractlength",
    "purchaseoption",
    "offeringclass",
    "product family",
    "instance type",
    "tenancy",
    "operating system",
    "region code",
];
/// Columns without which a Savings Plan file is none.
const PLANS: [&str; 9] = [
    "sku",
    "discountedrate",
    "discountedsku",
    "discountedservicecode",
    "discountedusagetype",
    "discountedoperation",
    "purchaseoption",
    "leasecontractlength",
    "product family",
];

/// Reads an offer file.
pub(super) fn offers(reader: impl BufRead, collected: &mut Offers<'_>) -> Result<(), Vec<Fault>> {
    let name = collected.name().to_owned();
    let mut rows = Rows::open(&name, reader, &OFFERS)?;
    let about = |key: &str| rows.about.get(key).cloned().unwrap_or_default();
    collected.offer_code = about("offercode");
    collected.version = about("version");
    collected.published = about("publication date");
    // A product left out has a row for every price; it is counted once.
    let mut dropped: HashSet<Box<str>> = HashSet::new();
    while let Some(row) = rows.next()? {
        let sku = row.text("sku");
        if !collected.keeps(sku) {
            if dropped.contains(sku) {
                continue;
            }
            if !collected.product(sku, row.text("product family"), attributes(row), row.line, column) {
                dropped.insert(sku.into());
                continue;
            }
        }
        let sold = match row.text("termtype") {
            "OnDemand" => Sold::OnDemand,
            "Reserved" => Sold::Reserved {
                lease: row.text("leasecontractlength"),
                class: row.text("offeringclass"),
                option: row.text("purchaseoption"),
            },
            _ => continue,
        };
        collected.quote(
            sku,
            &Quote {
                sold,
                unit: row.text("unit"),
                price: row.text("priceperunit"),
                currency: row.text("currency"),
                ranged: is_ranged(row.text("startingrange"), row.text("endingrange")),
                line: row.line,
                field: "PricePerUnit".to_owned(),
            },
        );
    }
    Ok(())
}

/// Reads a Savings Plan file.
pub(super) fn plans(reader: impl BufRead, collected: &mut Plans<'_>) -> Result<(), Vec<Fault>> {
    let name = collected.name().to_owned();
    let mut rows = Rows::open(&name, reader, &PLANS)?;
    let about = |key: &str| rows.about.get(key).cloned().unwrap_or_default();
    collected.version = about("version");
    collected.published = about("publication date");
    while let Some(row) = rows.next()? {
        let plan = row.text("sku");
        if !collected.knows(plan) {
            let length = format!("{}yr", row.text("leasecontractlength"));
            let option = row.text("purchaseoption");
            collected.plan(plan, row.text("product family"), &length, option, row.line);
        }
        collected.rate(&PlanRate {
            plan,
            service: row.text("discountedservicecode"),
            sku: row.text("discountedsku"),
            usage_type: row.text("discountedusagetype"),
            operation: row.text("discountedoperation"),
            unit: row.text("unit"),
            price: row.text("discountedrate"),
            currency: row.text("currency"),
            line: row.line,
        });
    }
    Ok(())
}

fn attributes(row: Row<'_>) -> Attributes {
    let text = |column: &str| row.text(column).to_owned();
    Attributes {
        instance_type: text("instance type"),
        region_code: text("region code"),
        location_type: text("location type"),
        tenancy: text("tenancy"),
        operating_system: text("operating system"),
        pre_installed_sw: text("pre installed s/w"),
        capacitystatus: text("capacitystatus"),
        license_model: text("license model"),
        marketoption: text("marketoption"),
        vcpu: text("vcpu"),
        memory: text("memory"),
        storage: text("storage"),
        gpu: text("gpu"),
        physical_processor: text("physical processor"),
        instance_family: text("instance family"),
        current_generation: text("current generation"),
        normalization_size_factor: text("normalization size factor"),
        usagetype: text("usagetype"),
        operation: text("operation"),
    }
}

fn column(number: Number) -> &'static str {
    match number {
        Number::Cpu => "vCPU",
        Number::Memory => "Memory",
        Number::Normalization => "Normalization Size Factor",
    }
}

/// The rows of a file under its header.
struct Rows<'n, R> {
    name: &'n str,
    reader: csv::Reader<R>,
    about: HashMap<String, String>,
    columns: HashMap<String, usize>,
    width: usize,
    record: csv::StringRecord,
}

#[derive(Clone, Copy)]
struct Row<'r> {
    columns: &'r HashMap<String, usize>,
    record: &'r csv::StringRecord,
    line: u64,
}

impl<'r> Row<'r> {
    /// The cell, or nothing where the file has no such column.
    fn text(&self, column: &str) -> &'r str {
        self.columns.get(column).and_then(|&at| self.record.get(at)).unwrap_or_default()
    }
}

impl<'n, R: BufRead> Rows<'n, R> {
    /// Reads up to the header.
    fn open(name: &'n str, reader: R, required: &[&str]) -> Result<Self, Vec<Fault>> {
        /// Lines that say whose file it is stand before the header.
        const ABOUT: usize = 5;
        let reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(reader);
        let mut rows = Rows {
            name,
            reader,
            about: HashMap::new(),
            columns: HashMap::new(),
            width: 0,
            record: csv::StringRecord::new(),
        };
        for _ in 0..=ABOUT {
            if !rows.read()? {
                break;
            }
            let first = rows.record.get(0).unwrap_or_default().to_ascii_lowercase();
            if first == "sku" {
                let names = rows.record.iter().map(str::to_ascii_lowercase);
                rows.columns = names.enumerate().map(|(at, name)| (name, at)).collect();
                rows.width = rows.record.len();
                return rows.with(required);
            }
            let value = rows.record.get(1).unwrap_or_default().to_owned();
            rows.about.insert(first, value);
        }
        let message = "is no price list of AWS: none of its first six lines begins with `SKU`";
        Err(vec![Fault::new(name, message).on_line(1)])
    }

    fn with(self, required: &[&str]) -> Result<Self, Vec<Fault>> {
        let line = self.record.position().map_or(0, csv::Position::line);
        let missing = required.iter().filter(|column| !self.columns.contains_key(**column));
        let faults: Vec<Fault> = missing
            .map(|column| Fault::new(self.name, format!("column `{column}` is missing")).on_line(line))
            .collect();
        if faults.is_empty() { Ok(self) } else { Err(faults) }
    }

    fn read(&mut self) -> Result<bool, Vec<Fault>> {
        self.reader.read_record(&mut self.record).map_err(|error| {
            let line = error.position().map_or(0, csv::Position::line);
            let fault = Fault::new(self.name, error.to_string());
            vec![if line > 0 { fault.on_line(line) } else { fault }]
        })
    }

    fn next(&mut self) -> Result<Option<Row<'_>>, Vec<Fault>> {
        if !self.read()? {
            return Ok(None);
        }
        let line = self.record.position().map_or(0, csv::Position::line);
        if self.record.len() != self.width {
            let message = format!("{} cells under {} columns", self.record.len(), self.width);
            let help = "the file may have been cut short";
            return Err(vec![Fault::new(self.name, message).on_line(line).help(help)]);
        }
        Ok(Some(Row { columns: &self.columns, record: &self.record, line }))
    }
}
