//! One FOCUS row and its writing.

use std::fmt::Write as _;

use super::FocusError;
use super::columns::COLUMNS;
use crate::bill::ChargePeriod;
use crate::catalog::Provider;
use crate::report::csv::is_formula;
use crate::report::view::PlanReport;
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
    /// List and contracted price of one pricing unit; no discount is negotiated in a plan.
    pub unit_price: Money,
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

/// Writes rows to memory.
pub(super) struct Rows<'a> {
    report: &'a PlanReport,
    writer: ::csv::Writer<Vec<u8>>,
    account: String,
    provider: &'a str,
    service: &'a str,
    region_name: &'a str,
    option: String,
    lines: u64,
    scratch: String,
}

impl<'a> Rows<'a> {
    /// Starts a file with its header.
    pub(super) fn new(report: &'a PlanReport) -> Result<Self, FocusError> {
        let mut writer = ::csv::WriterBuilder::new()
            .terminator(::csv::Terminator::CRLF)
            .buffer_capacity(1 << 16)
            .from_writer(Vec::new());
        writer.write_record(COLUMNS.iter().map(|c| c.name)).expect(TO_MEMORY);
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
        Ok(Rows {
            report,
            writer,
            account: format!("plan:{}", report.scenario.id),
            provider,
            service,
            region_name: region_name(&catalog.region),
            option: option.map_or_else(|| "on-demand".to_owned(), |o| o.option.clone()),
            lines: 0,
            scratch: String::new(),
        })
    }

    /// Appends one row, in the order of [`COLUMNS`].
    pub(super) fn write(&mut self, row: &Row<'_>) {
        let report = self.report;
        let (provider, service, region_name) = (self.provider, self.service, self.region_name);
        self.lines += 1;
        self.text(""); // AvailabilityZone: the plan does not choose zones.
        self.decimal(row.billed.nanos());
        self.own(|rows| &rows.account);
        self.text(&report.scenario.name).text(&report.catalog.currency);
        self.text(row.billing_end).text(row.billing_start);
        self.text(row.category).text("").text(row.description).text(row.frequency);
        self.text(row.end).text(row.start);
        match row.commitment {
            Some(c) => {
                self.text(c.category).text(c.id).text(c.name).decimal(c.quantity);
                self.text(c.status).text(c.kind).text(c.unit);
            }
            None => {
                for _ in 0..7 {
                    self.text("");
                }
            }
        }
        match row.consumed {
            Some(hours) => self.decimal(hours).text("Hours"),
            None => self.text("").text(""),
        };
        self.decimal(row.list.nanos()).decimal(row.unit_price.nanos());
        self.decimal(row.effective.nanos());
        self.text(""); // InvoiceId: no invoice exists for a plan.
        self.text(provider).decimal(row.list.nanos()).decimal(row.unit_price.nanos());
        self.text(row.pricing_category).decimal(row.quantity).text(row.unit);
        self.text(provider).text(provider);
        self.text(&report.catalog.region).text(region_name);
        self.text(row.resource_id).text(row.resource_name).text(row.resource_type);
        self.text("Compute").text(service).text("Virtual Machines");
        self.text(row.sku).text(row.meter).text(row.price_details).text(row.price);
        self.text("").text("").text(row.tags);
        self.text(&report.input_hash).decimal(row.equivalent.nanos());
        self.line_id();
        self.text(&report.tool.version).text(&report.catalog.price_date).text("Plan");
        self.text(&report.scenario.id).text(&report.scenario.name);
        self.own(|rows| &rows.option);
        self.text(row.provenance);
        self.writer.write_record(None::<&[u8]>).expect(TO_MEMORY);
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.writer.into_inner().unwrap_or_else(|_| unreachable!("{TO_MEMORY}"))
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.writer.write_field(text).expect(TO_MEMORY);
        self
    }

    /// A text that the writer itself owns.
    fn own(&mut self, text: fn(&Self) -> &String) {
        self.scratch.clear();
        let own = std::mem::take(&mut self.scratch) + text(self);
        self.writer.write_field(&own).expect(TO_MEMORY);
        self.scratch = own;
    }

    /// A decimal in units of 10^-9, always with a fraction: a column of whole numbers would be taken
    /// for integers by readers that guess types.
    fn decimal(&mut self, nanos: i128) -> &mut Self {
        self.scratch.clear();
        write!(self.scratch, "{}", Money::from_nanos(nanos)).expect("strings take all there is");
        if !self.scratch.contains('.') {
            self.scratch.push_str(".0");
        }
        self.writer.write_field(&self.scratch).expect(TO_MEMORY);
        self
    }

    fn line_id(&mut self) {
        self.scratch.clear();
        write!(self.scratch, "line-{:07}", self.lines).expect("strings take all there is");
        self.writer.write_field(&self.scratch).expect(TO_MEMORY);
    }
}

const TO_MEMORY: &str = "writing rows of equal length to memory does not fail";

/// Refuses what a spreadsheet would run.
pub(super) fn check(column: &'static str, value: &str) -> Result<(), FocusError> {
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
