//! Price lists in their publishers' layouts into catalogs of our own: what `plimsoll catalog import`
//! does, and how the bundled catalogs were written.
//!
//! A layout joins a table of prices with a table of types, takes rates over exactly as they stand
//! and records every decision about them in the catalog: as a rule, as a mark or as a note.

use super::{Fault, Source};
use crate::catalog::Catalog;

mod accelerator;
mod aws;
mod aws_2016;
mod aws_facts;
mod azure;
mod gcp;
mod mapped;
mod price_list;
mod table;

pub use mapped::{Mapping, MappingError, import_mapped};
pub use price_list::{PriceListOptions, Stream, import_price_list};

/// A layout of price tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// EC2, Linux on demand with spot and all-upfront reserved rates; types as Karpenter lists them.
    Aws,
    /// EC2 as ec2instances.info had it in 2016: one row per term and payment option.
    Aws2016,
    /// Compute Engine as google-cloud-pricing-cost-calculator writes it.
    Gcp,
    /// Azure virtual machines as azure-vm-price-importer writes it.
    Azure,
}

impl Layout {
    /// Every layout.
    pub const ALL: [Layout; 4] = [Layout::Aws, Layout::Aws2016, Layout::Gcp, Layout::Azure];

    /// The name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Layout::Aws => "aws",
            Layout::Aws2016 => "aws-2016",
            Layout::Gcp => "gcp",
            Layout::Azure => "azure",
        }
    }
}

/// The tables that a layout reads, all CSV.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inputs {
    /// One row per type and region, or per offer.
    pub prices: Source,
    /// One row per type: size, architecture, limits. Azure's prices hold that already.
    pub types: Option<Source>,
    /// Baselines of burstable types (AWS).
    pub burstable: Option<Source>,
    /// Reserved rates by payment option in proportion (AWS); without it no rate is derived.
    pub payment_ratios: Option<Source>,
}

/// What the tables do not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportOptions {
    /// Which region to take.
    pub region: String,
    /// The date of the prices, `2026-05` or `2016-09-27`.
    pub price_date: String,
    /// Where the tables come from; empty for what the layout's own publisher is.
    pub sources: Vec<String>,
    /// Their licence; none for what the layout's own publisher states.
    pub licence_note: Option<String>,
}

/// Reads a price list of one region.
///
/// # Errors
/// Every fault of every table, each with its line.
pub fn import(layout: Layout, inputs: &Inputs, options: &ImportOptions) -> Result<Catalog, Vec<Fault>> {
    let mut catalog = match layout {
        Layout::Aws => aws::import(inputs, &options.region)?,
        Layout::Aws2016 => aws_2016::import(inputs, &options.region)?,
        Layout::Gcp => gcp::import(inputs, &options.region)?,
        Layout::Azure => azure::import(inputs, &options.region)?,
    };
    if catalog.types.is_empty() {
        let message = format!("no price for region `{}`", options.region);
        return Err(vec![Fault::new(&inputs.prices.name, message).at_field("region")]);
    }
    catalog.price_date.clone_from(&options.price_date);
    catalog.name = format!("{}-{}-{}", catalog.provider, catalog.price_date, catalog.region);
    if !options.sources.is_empty() {
        catalog.sources.clone_from(&options.sources);
    }
    if let Some(note) = &options.licence_note {
        catalog.licence_note.clone_from(note);
    }
    finish(&mut catalog);
    let twice = catalog.types.windows(2).filter(|pair| pair[0].name == pair[1].name);
    let faults: Vec<Fault> = twice
        .map(|pair| Fault::new(&inputs.prices.name, format!("`{}` is priced twice", pair[0].name)))
        .collect();
    if faults.is_empty() { Ok(catalog) } else { Err(faults) }
}

/// Sorts the types, keeps the marks that are used, and derives what the rules give.
fn finish(catalog: &mut Catalog) {
    catalog.types.sort_by(|a, b| a.name.cmp(&b.name));
    for machine in &mut catalog.types {
        catalog.rules.apply(machine);
    }
    let types = &catalog.types;
    catalog.marks.retain(|mark, _| types.iter().any(|t| t.marks.contains(mark)));
}
