//! AWS's own price list, the bulk files of `pricing.us-east-1.amazonaws.com`: the EC2 offer file and
//! Savings Plan files of a region, JSON or CSV, read as a stream.
//!
//! A file of several gigabytes has some hundred kilobytes that matter here: only products that a
//! catalog can hold are kept, everything else is counted and dropped as it passes. What the list
//! lacks (pods per node, accelerators, baselines) comes from the bundled catalogs by the type's name.

use std::io::{BufRead, BufReader, Read};

use self::offers::Offers;
use self::plans::Plans;
use super::finish;
use crate::catalog::Catalog;
use crate::input::Fault;

mod attributes;
mod build;
mod facts;
mod offers;
mod plans;
mod read_csv;
mod read_json;
mod terms;

/// A file that is read as it comes and never held as a whole.
pub struct Stream<'a> {
    /// Its path as the user gave it, or `-`.
    pub name: String,
    /// Its content.
    pub reader: Box<dyn Read + 'a>,
}

/// Which products of the price list are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceListOptions {
    /// Region code, such as `us-east-1`.
    pub region: String,
    /// `Linux`, `RHEL`, `SUSE`, `Windows`, ...
    pub operating_system: String,
    /// `Shared` or `Dedicated`.
    pub tenancy: String,
    /// `NA` for none, or such as `SQL Std`.
    pub pre_installed: String,
    /// The date of the prices; none for the file's own date of publication.
    pub price_date: Option<String>,
}

impl PriceListOptions {
    /// Linux on shared hardware with nothing installed, in a region.
    pub fn linux(region: &str) -> Self {
        PriceListOptions {
            region: region.to_owned(),
            operating_system: "Linux".to_owned(),
            tenancy: "Shared".to_owned(),
            pre_installed: "NA".to_owned(),
            price_date: None,
        }
    }

    /// Whether reservations flex over sizes (Linux/UNIX without software, shared tenancy).
    fn size_flexible(&self) -> bool {
        (self.operating_system.as_str(), self.tenancy.as_str(), self.pre_installed.as_str())
            == ("Linux", "Shared", "NA")
    }
}

/// Reads an EC2 offer file and any number of Savings Plan files of the same region.
///
/// # Errors
/// Every fault of the first file that has any, each with the line where its record begins.
pub fn import_price_list(
    offers: Stream<'_>,
    savings_plans: Vec<Stream<'_>>,
    options: &PriceListOptions,
) -> Result<Catalog, Vec<Fault>> {
    let mut collected = Offers::new(&offers.name, options);
    let mut reader = BufReader::with_capacity(CHUNK, offers.reader);
    match is_json(&offers.name, &mut reader)? {
        true => read_json::offers(reader, &mut collected)?,
        false => read_csv::offers(reader, &mut collected)?,
    }
    let mut types = collected.finish()?;
    let mut sources = vec![collected.source()];
    for file in savings_plans {
        let mut plans = Plans::new(&file.name, &mut types, &collected.currency);
        let mut reader = BufReader::with_capacity(CHUNK, file.reader);
        match is_json(&file.name, &mut reader)? {
            true => read_json::plans(reader, &mut plans)?,
            false => read_csv::plans(reader, &mut plans)?,
        }
        sources.push(plans.finish()?);
    }
    let mut catalog = build::catalog(&collected, types, sources, options)?;
    finish(&mut catalog);
    Ok(catalog)
}

/// Bytes read at once.
const CHUNK: usize = 1 << 18;

/// What a price list file begins with; a byte order mark is skipped.
fn is_json(name: &str, reader: &mut impl BufRead) -> Result<bool, Vec<Fault>> {
    loop {
        let cannot = |e: std::io::Error| vec![Fault::new(name, format!("cannot be read: {e}"))];
        let bytes = reader.fill_buf().map_err(cannot)?;
        let skipped = match bytes {
            [] => return Err(vec![Fault::new(name, "is empty")]),
            [0xEF, 0xBB, 0xBF, ..] => 3,
            // A blank line is left to the readers, which count lines.
            [b'{', ..] => return Ok(true),
            [0x1F, 0x8B, ..] | [b'P', b'K', ..] => {
                let help = "unpack it first: `gunzip -c FILE | plimsoll catalog import aws --offers -`";
                return Err(vec![Fault::new(name, "is compressed").help(help)]);
            }
            [first, ..] if first.is_ascii_whitespace() => 1,
            _ => return Ok(false),
        };
        reader.consume(skipped);
    }
}
