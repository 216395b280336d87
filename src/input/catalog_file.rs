//! Catalog files: a YAML header that says whose prices these are and how missing rates derive, then
//! one CSV row per instance type.
//!
//! The rows stand in one literal block, since a YAML reader that builds every cell takes twenty
//! times as long (1,300 types: 50 ms as mappings, 20 ms as sequences, below 4 ms as a block), and
//! a plan has to be done within 100 ms.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_yaml::{Location, Spanned};

use super::document::YamlError;
use super::{Fault, Source, decode, form};
use crate::catalog::{Catalog, DerivationRules, Provider};

mod bundled;
mod columns;
mod draft;
mod rows;

pub(in crate::input) use draft::effective_of_total;
pub(in crate::input) use rows::{column_names, read_cells};

pub use bundled::{Bundled, UnknownCatalog, bundled, by_name, by_region};

/// The instance types of one provider in one region at one date, and what they cost.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Plimsoll catalog")]
struct CatalogFile {
    /// `plimsoll-catalog/1`.
    format: Format,
    /// The catalog's name; provider, date and region joined by `-` unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Whose prices these are.
    provider: Provider,
    /// The region that all rates hold in.
    region: String,
    /// ISO 4217 code of all rates.
    currency: String,
    /// The date of the prices, as exactly as it is known: `2026-05` or `2016-09-27`.
    price_date: String,
    /// Where the figures come from.
    #[serde(default)]
    sources: Vec<String>,
    /// Under which licence the sources stand.
    #[serde(default)]
    licence_note: String,
    /// How derived rates follow from listed ones.
    #[serde(default)]
    rules: DerivationRules,
    /// What the marks of types mean, by mark.
    #[serde(default)]
    marks: BTreeMap<String, String>,
    /// What was left out or decided.
    #[serde(default)]
    notes: Vec<String>,
    /// CSV with a header row and one row per type.
    ///
    /// Columns, in any order (the first six are required): `name`; `family`; `vcpu` (at most three
    /// decimals); `memory_mib`; `arch` (`amd64` or `arm64`); `on_demand` (per hour, at most nine
    /// decimals); `category`; `generation` (`current` or `previous`); `bare_metal` (`yes` or `no`);
    /// `local_storage_gb` (10^9 bytes); `accelerator` (its name); `extended` (resources such as
    /// `nvidia.com/gpu=8`, joined by `;`); `max_pods`; `max_pods_prefix`; `volumes`;
    /// `baseline_percent` (of each vCPU, for burstable types); `surplus` (per vCPU-hour beyond it);
    /// `normalized_units`; `spot`; `sustained_use`; effective hourly rates of commitments as
    /// `KIND/TERM/PAYMENT`, such as `reserved-standard/1y/all-upfront`, or as what is paid at the start
    /// and every hour, such as `263+0.03`; `sku` (the provider's number of the on-demand product);
    /// `azure-reservation/1y/total`
    /// (the price of the whole term); `marks` (keys of the header's marks, joined by `;`).
    /// Empty cells are unknown or not offered. `~` before a rate says that it was rounded.
    #[serde(skip_serializing)]
    #[schemars(with = "String")]
    types: Spanned<String>,
}

/// The file format and its version.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
enum Format {
    /// The first version.
    #[serde(rename = "plimsoll-catalog/1")]
    V1,
}

/// A catalog's rows and what they refer to, under a header that is faulty elsewhere.
#[derive(Deserialize)]
struct Table {
    #[serde(default)]
    rules: DerivationRules,
    #[serde(default)]
    marks: BTreeMap<String, String>,
    types: Spanned<String>,
}

/// Reads a catalog and derives the rates that its rules give.
///
/// # Errors
/// Every fault of the header and of every row, each with its line.
pub fn parse(name: &str, bytes: &[u8]) -> Result<Catalog, Vec<Fault>> {
    let source = Source { name: name.to_owned(), bytes: bytes.to_vec() };
    let text = decode(&source).map_err(|fault| vec![*fault])?;
    let read = |rules: &DerivationRules, marks: &BTreeMap<String, String>, types: &Spanned<String>| {
        // Of a literal block, the reader tells the line of the first text, not that of its `|`.
        rows::read(name, types.defined.line(), &types.value, rules, marks)
    };
    let file: CatalogFile = serde_yaml::from_str(text).map_err(|error| {
        let YamlError { line, message, beyond_limits } = YamlError::of(&error);
        let first = Fault { line, ..Fault::new(name, message) };
        if beyond_limits {
            return vec![first];
        }
        let mut faults = form::yaml_faults(name, text, &schema(), first);
        // The rows can be read if what they refer to can.
        if let Ok(table) = serde_yaml::from_str::<Table>(text) {
            faults.extend(read(&table.rules, &table.marks, &table.types).1);
        }
        faults
    })?;
    let mut faults = header_faults(name, &file);
    let (types, row_faults) = read(&file.rules, &file.marks, &file.types);
    faults.extend(row_faults);
    if !faults.is_empty() {
        return Err(faults);
    }
    let default_name = || format!("{}-{}-{}", file.provider, file.price_date, file.region);
    Ok(Catalog {
        name: file.name.clone().unwrap_or_else(default_name),
        provider: file.provider,
        region: file.region,
        currency: file.currency,
        price_date: file.price_date,
        sources: file.sources,
        licence_note: file.licence_note,
        rules: file.rules,
        marks: file.marks,
        notes: file.notes,
        types,
    })
}

/// Writes a catalog; only what is listed, so that `parse(write(c)) == c` for every catalog whose
/// derived rates come from its own rules.
pub fn write(catalog: &Catalog) -> String {
    let header = CatalogFile {
        format: Format::V1,
        name: Some(catalog.name.clone()),
        provider: catalog.provider,
        region: catalog.region.clone(),
        currency: catalog.currency.clone(),
        price_date: catalog.price_date.clone(),
        sources: catalog.sources.clone(),
        licence_note: catalog.licence_note.clone(),
        rules: catalog.rules.clone(),
        marks: catalog.marks.clone(),
        notes: catalog.notes.clone(),
        types: Spanned::new(String::new(), Location::UNKNOWN, Location::UNKNOWN),
    };
    let mut text = serde_yaml::to_string(&header).expect("a header of strings, lists and maps is YAML");
    text.push_str("types: |\n");
    for line in rows::write(&catalog.types).lines() {
        text.push_str("  ");
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// The JSON Schema of catalog files.
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(CatalogFile)
}

fn header_faults(name: &str, file: &CatalogFile) -> Vec<Fault> {
    let mut faults = Vec::new();
    if !is_currency(&file.currency) {
        faults.push(
            Fault::new(name, format!("`{}` is not a currency", file.currency))
                .at_field("currency")
                .help("write an ISO 4217 code such as USD"),
        );
    }
    if !is_date(&file.price_date) {
        faults.push(
            Fault::new(name, format!("`{}` is not a date", file.price_date))
                .at_field("price_date")
                .help("write 2026-05-31, or 2026-05 where the day is not known"),
        );
    }
    if file.region.trim().is_empty() {
        faults.push(Fault::new(name, "the region is empty").at_field("region"));
    }
    faults
}

/// The form of an ISO 4217 code.
pub(super) fn is_currency(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase())
}

/// `YYYY-MM-DD` or `YYYY-MM`.
pub(super) fn is_date(text: &str) -> bool {
    let day = if text.len() == 7 { format!("{text}-01") } else { text.to_owned() };
    day.len() == 10 && day.parse::<jiff::civil::Date>().is_ok()
}
