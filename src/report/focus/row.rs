//! One FOCUS row and its writing.

use std::io::Write as _;

use serde_json::json;

use super::FocusError;
use super::columns::COLUMNS;
use crate::bill::ChargePeriod;
use crate::catalog::Provider;
use crate::report::csv::is_formula;
use crate::report::view::{NodeGroupRow, PlanReport};
use crate::units::Money;

/// What differs between rows; everything else is the same in the whole file.
/// Unset texts are empty cells.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Row<'a> {
    pub category: &'a str,
    pub frequency: &'a str,
    pub description: &'a str,
    pub pricing_category: &'a str,
    pub start: &'a str,
    pub end: &'a str,
    pub billing_start: &'a str,
    pub billing_end: &'a str,
    pub billed: Money,
    pub effective: Money,
    /// List price of one pricing unit.
    pub unit_price: Money,
    /// Contracted price of one pricing unit and of all, where it is not the list price.
    pub contracted: Option<(Money, Money)>,
    /// In units of 10^-9.
    pub quantity: i128,
    pub unit: &'a str,
    /// `unit_price x quantity`.
    pub list: Money,
    pub equivalent: Money,
    /// In units of 10^-9.
    pub consumed: Option<i128>,
    pub resource_id: &'a str,
    pub resource_name: &'a str,
    pub resource_type: &'a str,
    pub sku: &'a str,
    pub meter: &'a str,
    pub price: &'a str,
    pub price_details: &'a str,
    pub tags: &'a str,
    pub provenance: &'a str,
    pub commitment: Option<CommitmentCells<'a>>,
}

/// The columns of a commitment discount.
#[derive(Debug, Clone, Copy)]
pub(super) struct CommitmentCells<'a> {
    pub id: &'a str,
    pub name: &'a str,
    pub category: &'a str,
    pub kind: &'a str,
    /// `Used`, `Unused`, or empty on purchases.
    pub status: &'a str,
    /// In units of 10^-9.
    pub quantity: i128,
    pub unit: &'a str,
}

/// First and last instants of a period, as FOCUS writes them.
#[derive(Debug, Clone)]
pub(super) struct PeriodText {
    pub start: String,
    pub end: String,
    pub billing_start: String,
    pub billing_end: String,
}

impl PeriodText {
    pub(super) fn of(period: &ChargePeriod) -> Self {
        let text = |instant: jiff::civil::DateTime| format!("{instant}Z");
        PeriodText {
            start: text(period.start),
            end: text(period.end),
            billing_start: text(period.billing_start),
            billing_end: text(period.billing_end),
        }
    }
}

/// Writes rows to memory. A plan of some thousand nodes has millions of cells, so cells are appended
/// to one buffer without an allocation each.
pub(super) struct Rows<'a> {
    report: &'a PlanReport,
    out: Vec<u8>,
    account: String,
    provider: &'a str,
    service: &'a str,
    region_name: &'a str,
    option: String,
    replay: String,
    lines: u64,
}

impl<'a> Rows<'a> {
    /// Starts a file with its header.
    pub(super) fn new(report: &'a PlanReport) -> Result<Self, FocusError> {
        let catalog = &report.catalog;
        let (provider, service) = match catalog.provider {
            Provider::Aws => ("AWS", "Amazon Elastic Compute Cloud"),
            Provider::Gcp => ("Google Cloud", "Compute Engine"),
            Provider::Azure => ("Microsoft", "Virtual Machines"),
            Provider::Other => (catalog.name.as_str(), "Compute"),
        };
        check("ProviderName", provider)?;
        check("RegionId", &catalog.region)?;
        check("x_ScenarioName", &report.scenario.name)?;
        check("x_ScenarioId", &report.scenario.id)?;
        check("x_PriceSnapshotDate", &catalog.price_date)?;
        let option = report.purchase_options.iter().find(|o| o.selected);
        let mut rows = Rows {
            report,
            out: Vec::new(),
            account: format!("plan:{}", report.scenario.id),
            provider,
            service,
            region_name: region_name(&catalog.region),
            // Purchases that were chosen for demand over time are no single option.
            option: match &report.accounts {
                Some(accounts) if accounts.scenario.is_some() => "commitment-plan".to_owned(),
                _ => option.map_or_else(|| "on-demand".to_owned(), |o| o.option.clone()),
            },
            replay: crate::report::table::replay::line(report),
            lines: 0,
        };
        let mut cells = Cells(&mut rows.out);
        for column in &COLUMNS {
            cells.text(column.name);
        }
        cells.end();
        Ok(rows)
    }

    /// Appends one row, in the order of [`COLUMNS`].
    pub(super) fn write(&mut self, row: &Row<'_>) {
        let report = self.report;
        self.lines += 1;
        let mut cells = Cells(&mut self.out);
        cells.text(""); // AvailabilityZone: the plan does not choose zones.
        cells.decimal(row.billed.nanos()).text(&self.account);
        cells.text(&report.scenario.name).text(&report.catalog.currency);
        cells.text(row.billing_end).text(row.billing_start);
        cells.text(row.category).text("").text(row.description).text(row.frequency);
        cells.text(row.end).text(row.start);
        match row.commitment {
            Some(c) => {
                cells.text(c.category).text(c.id).text(c.name).decimal(c.quantity);
                cells.text(c.status).text(c.kind).text(c.unit);
            }
            None => {
                for _ in 0..7 {
                    cells.text("");
                }
            }
        }
        match row.consumed {
            Some(hours) => cells.decimal(hours).text("Hours"),
            None => cells.text("").text(""),
        };
        let (contracted_price, contracted) = row.contracted.unwrap_or((row.unit_price, row.list));
        cells.decimal(contracted.nanos()).decimal(contracted_price.nanos());
        cells.decimal(row.effective.nanos());
        cells.text(""); // InvoiceId: no invoice exists for a plan.
        cells.text(self.provider).decimal(row.list.nanos()).decimal(row.unit_price.nanos());
        cells.text(row.pricing_category).decimal(row.quantity).text(row.unit);
        cells.text(self.provider).text(self.provider);
        cells.text(&report.catalog.region).text(self.region_name);
        cells.text(row.resource_id).text(row.resource_name).text(row.resource_type);
        cells.text("Compute").text(self.service).text("Virtual Machines");
        cells.text(row.sku).text(row.meter).text(row.price_details).text(row.price);
        cells.text("").text("").text(row.tags);
        cells.text(&report.input_hash).decimal(row.equivalent.nanos()).line_id(self.lines);
        cells.text(&report.tool.version).text(&report.catalog.price_date).text("Plan");
        cells.text(&self.replay);
        cells.text(&report.scenario.id).text(&report.scenario.name);
        cells.text(&self.option).text(row.provenance);
        cells.end();
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.out
    }
}

/// Appends cells, each with a comma behind it, to a row.
struct Cells<'b>(&'b mut Vec<u8>);

impl Cells<'_> {
    /// A text, quoted where RFC 4180 wants it.
    fn text(&mut self, text: &str) -> &mut Self {
        if text.bytes().any(|byte| matches!(byte, b',' | b'"' | b'\r' | b'\n')) {
            self.0.push(b'"');
            for byte in text.bytes() {
                if byte == b'"' {
                    self.0.push(b'"');
                }
                self.0.push(byte);
            }
            self.0.push(b'"');
        } else {
            self.0.extend_from_slice(text.as_bytes());
        }
        self.0.push(b',');
        self
    }

    /// A decimal in units of 10^-9, always with a fraction: a column of whole numbers would be taken
    /// for integers by readers that guess types.
    fn decimal(&mut self, nanos: i128) -> &mut Self {
        const NANO: u128 = 1_000_000_000;
        if nanos < 0 {
            self.0.push(b'-');
        }
        let magnitude = nanos.unsigned_abs();
        let (whole, fraction) = (magnitude / NANO, magnitude % NANO);
        write!(self.0, "{whole}.{fraction:09}").expect("memory takes all there is");
        // Zeros at the end say nothing, but for the one that makes it a fraction.
        let point = self.0.len() - 9;
        while self.0.len() > point + 1 && self.0.last() == Some(&b'0') {
            self.0.pop();
        }
        self.0.push(b',');
        self
    }

    fn line_id(&mut self, line: u64) -> &mut Self {
        write!(self.0, "line-{line:07},").expect("memory takes all there is");
        self
    }

    /// Ends the row in place of the last comma.
    fn end(self) {
        self.0.pop();
        self.0.extend_from_slice(b"\r\n");
    }
}

/// What FOCUS wants to know of a machine: its cores and memory as the price list states them.
pub(super) fn details(row: &NodeGroupRow) -> String {
    let amount = |name: &str| row.resources.iter().find(|r| r.resource == name).map(|r| r.capacity);
    let mut details = serde_json::Map::new();
    if let Some(millicores) = amount("cpu").filter(|m| m.is_multiple_of(1_000)) {
        details.insert("CoreCount".to_owned(), json!(millicores / 1_000));
    }
    details.insert("InstanceSeries".to_owned(), json!(row.family));
    details.insert("InstanceType".to_owned(), json!(row.instance_type));
    if let Some(bytes) = amount("memory").filter(|b| b.is_multiple_of(1 << 20)) {
        // In GiB, to nine decimals.
        let gib = Money::from_nanos(i128::from(bytes >> 20) * 1_000_000_000 / 1_024).to_string();
        let number: serde_json::Number = gib.parse().expect("plain decimals are JSON numbers");
        details.insert("MemorySize".to_owned(), serde_json::Value::Number(number));
    }
    details.insert("OperatingSystem".to_owned(), json!("Linux"));
    serde_json::Value::Object(details).to_string()
}

/// Refuses what a spreadsheet would run.
pub(in crate::report) fn check(column: &'static str, value: &str) -> Result<(), FocusError> {
    if is_formula(value) { Err(FocusError::Formula { column, value: value.to_owned() }) } else { Ok(()) }
}

/// The provider's display name of a region; its id where we know none.
fn region_name(id: &str) -> &str {
    match id {
        "us-east-1" => "US East (N. Virginia)",
        "us-west-2" => "US West (Oregon)",
        "eu-west-1" => "Europe (Ireland)",
        "polandcentral" => "Poland Central",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Cells are read back as they were written, by the public CSV reader.
        #[test]
        fn cells_survive_a_round_trip(texts in prop::collection::vec(any::<String>(), 1..5), nanos in -10i128.pow(25)..10i128.pow(25)) {
            let mut out = Vec::new();
            let mut cells = Cells(&mut out);
            for text in &texts {
                cells.text(text);
            }
            cells.decimal(nanos);
            cells.end();
            let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(out.as_slice());
            let rows: Vec<::csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
            prop_assert_eq!(rows.len(), 1);
            let mut read: Vec<&str> = rows[0].iter().collect();
            let decimal = read.pop().unwrap();
            prop_assert_eq!(read, texts);
            prop_assert_eq!(decimal.parse::<Money>(), Ok(Money::from_nanos(nanos)));
            prop_assert!(decimal.contains('.') && !decimal.ends_with('.'));
        }
    }
}
