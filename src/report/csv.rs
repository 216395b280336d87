//! Tidy CSV tables for spreadsheets: one fact per cell, machine units, RFC 4180.
//!
//! Lines end in CRLF; decimals use a point and no grouping. A text cell that a spreadsheet would
//! run as a formula (it starts with `=`, `+`, `-`, `@`, TAB, CR or NUL) gets a leading apostrophe
//! (OWASP ASVS 1.2.10, CWE-1236); numbers never do.

use std::fmt;
use std::str::FromStr;

use super::sweep::SweepReport;
use super::view::PlanReport;
use crate::bill::Ratio;

mod tables;

/// The tables of a report; each is one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Table {
    /// Node groups with their cost: what there is to buy. The default.
    Nodes,
    /// Node groups by resource: capacity, requests, fill.
    NodeResources,
    /// Which workloads lie on which node groups.
    Placements,
    /// Pools of equal nodes with their cost.
    Pools,
    /// What each form of plan costs, pooled and free.
    Forms,
    /// Workloads with their pool, and their requests and limits by resource.
    Workloads,
    /// Owner labels of workloads.
    Owners,
    /// The steps from before to packed to reserved.
    Savings,
    /// This plan beside the baselines.
    Plans,
    /// Where capacity goes, per plan and resource.
    Utilization,
    /// Ways to pay.
    PurchaseOptions,
    /// What each way of paying commits to.
    Commitments,
    /// Workloads that fit nowhere.
    Obstacles,
    /// Warnings and assumptions.
    Notices,
    /// Demand over time: levels with their nodes.
    Levels,
    /// Load-duration curves per family.
    Load,
    /// From packed to committed in three steps.
    PurchaseSteps,
    /// What to commit to.
    Proposals,
    /// What each way the future may go costs with and without the proposals.
    PurchaseScenarios,
    /// The proposals under more and less demand.
    Sensitivity,
    /// Commitments that are owned.
    Owned,
    /// What becomes of the pods when a node or a zone is lost.
    Failures,
    /// Pods left pending when the plan is replayed; one row says so where it was not.
    Replay,
    /// What helps the scheduler, and the room for updates and drains.
    Measures,
    /// Spot nodes by instance type.
    SpotTypes,
    /// What of each workload may lie on spot nodes, and does.
    SpotWorkloads,
    /// Measured use beside requests, by workload and resource.
    Usage,
    /// Plans for other requests, with the chance that nodes run out of memory.
    WhatIf,
    /// The nodes of the cluster that runs.
    ClusterNodes,
    /// That cluster as it is beside what it could be.
    ClusterPlans,
    /// What a migration does, in order.
    Migration,
    /// What the plan costs beside instances.
    ExtraCosts,
    /// Commitments owned and proposed, with what of them is used.
    Held,
    /// Cash against accrual by month.
    CashFlow,
    /// What every month charges, by commitment and instance type.
    Charges,
    /// The bill by owner.
    Showback,
    /// Versions, prices, settings, bound: what the figures rest on.
    Assumptions,
}

impl Table {
    /// All tables, in the order of a reader.
    pub const ALL: [Table; 37] = [
        Table::Nodes,
        Table::NodeResources,
        Table::Placements,
        Table::Pools,
        Table::Forms,
        Table::Workloads,
        Table::Owners,
        Table::Savings,
        Table::Plans,
        Table::Utilization,
        Table::PurchaseOptions,
        Table::Commitments,
        Table::Obstacles,
        Table::Notices,
        Table::Levels,
        Table::Load,
        Table::PurchaseSteps,
        Table::Proposals,
        Table::PurchaseScenarios,
        Table::Sensitivity,
        Table::Owned,
        Table::Failures,
        Table::Replay,
        Table::Measures,
        Table::SpotTypes,
        Table::SpotWorkloads,
        Table::Usage,
        Table::WhatIf,
        Table::ClusterNodes,
        Table::ClusterPlans,
        Table::Migration,
        Table::ExtraCosts,
        Table::Held,
        Table::CashFlow,
        Table::Charges,
        Table::Showback,
        Table::Assumptions,
    ];

    /// As an option value and a file name (with `.csv`) have it.
    pub fn name(self) -> &'static str {
        match self {
            Table::Nodes => "nodes",
            Table::NodeResources => "node-resources",
            Table::Placements => "placements",
            Table::Pools => "pools",
            Table::Forms => "forms",
            Table::Workloads => "workloads",
            Table::Owners => "owners",
            Table::Savings => "savings",
            Table::Plans => "plans",
            Table::Utilization => "utilization",
            Table::PurchaseOptions => "purchase-options",
            Table::Commitments => "commitments",
            Table::Obstacles => "obstacles",
            Table::Notices => "notices",
            Table::Levels => "levels",
            Table::Load => "load",
            Table::PurchaseSteps => "purchase-steps",
            Table::Proposals => "proposals",
            Table::PurchaseScenarios => "purchase-scenarios",
            Table::Sensitivity => "sensitivity",
            Table::Owned => "owned",
            Table::Failures => "failures",
            Table::Replay => "replay",
            Table::Measures => "measures",
            Table::SpotTypes => "spot-types",
            Table::SpotWorkloads => "spot-workloads",
            Table::Usage => "usage",
            Table::WhatIf => "what-if",
            Table::ClusterNodes => "cluster-nodes",
            Table::ClusterPlans => "cluster-plans",
            Table::Migration => "migration",
            Table::ExtraCosts => "extra-costs",
            Table::Held => "held",
            Table::CashFlow => "cash-flow",
            Table::Charges => "charges",
            Table::Showback => "showback",
            Table::Assumptions => "assumptions",
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is no table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no table; write one of {names}", names = names())]
pub struct UnknownTable(String);

fn names() -> String {
    Table::ALL.map(Table::name).join(", ")
}

impl FromStr for Table {
    type Err = UnknownTable;
    fn from_str(text: &str) -> Result<Self, UnknownTable> {
        Table::ALL.into_iter().find(|t| t.name() == text).ok_or_else(|| UnknownTable(text.to_owned()))
    }
}

/// One table of a report as CSV, with a header.
pub fn render(report: &PlanReport, table: Table) -> Vec<u8> {
    let mut sheet = Sheet::new();
    match table {
        Table::Nodes => tables::nodes(report, &mut sheet),
        Table::NodeResources => tables::node_resources(report, &mut sheet),
        Table::Placements => tables::placements(report, &mut sheet),
        Table::Pools => tables::pools::pools(report, &mut sheet),
        Table::Forms => tables::pools::forms(report, &mut sheet),
        Table::Workloads => tables::workloads(report, &mut sheet),
        Table::Owners => tables::owners(report, &mut sheet),
        Table::Savings => tables::savings(report, &mut sheet),
        Table::Plans => tables::plans(report, &mut sheet),
        Table::Utilization => tables::utilization(report, &mut sheet),
        Table::PurchaseOptions => tables::purchase_options(report, &mut sheet),
        Table::Commitments => tables::commitments(report, &mut sheet),
        Table::Obstacles => tables::obstacles(report, &mut sheet),
        Table::Notices => tables::notices(report, &mut sheet),
        Table::Levels => tables::over_time::levels(report, &mut sheet),
        Table::Load => tables::over_time::load(report, &mut sheet),
        Table::PurchaseSteps => tables::purchase::steps(report, &mut sheet),
        Table::Proposals => tables::purchase::proposals(report, &mut sheet),
        Table::PurchaseScenarios => tables::purchase::scenarios(report, &mut sheet),
        Table::Sensitivity => tables::purchase::sensitivity(report, &mut sheet),
        Table::Owned => tables::purchase::owned(report, &mut sheet),
        Table::Failures => tables::failures(report, &mut sheet),
        Table::Replay => tables::replay::pending(report, &mut sheet),
        Table::Measures => tables::replay::measures(report, &mut sheet),
        Table::SpotTypes => tables::spot::types(report, &mut sheet),
        Table::SpotWorkloads => tables::spot::workloads(report, &mut sheet),
        Table::Usage => tables::usage::workloads(report, &mut sheet),
        Table::WhatIf => tables::usage::plans(report, &mut sheet),
        Table::ClusterNodes => tables::cluster::nodes(report, &mut sheet),
        Table::ClusterPlans => tables::cluster::plans(report, &mut sheet),
        Table::Migration => tables::cluster::migration(report, &mut sheet),
        Table::ExtraCosts => tables::extra_costs(report, &mut sheet),
        Table::Held => tables::accounts::held(report, &mut sheet),
        Table::CashFlow => tables::accounts::cash_flow(report, &mut sheet),
        Table::Charges => tables::accounts::charges(report, &mut sheet),
        Table::Showback => tables::accounts::showback(report, &mut sheet),
        Table::Assumptions => tables::assumptions(report, &mut sheet),
    }
    sheet.into_bytes()
}

/// A sweep as CSV, one row per point, with a header.
pub fn sweep(report: &SweepReport) -> Vec<u8> {
    let mut sheet = Sheet::new();
    tables::sweep::points(report, &mut sheet);
    sheet.into_bytes()
}

/// Whether a spreadsheet would run a text as a formula.
pub fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\0'])
}

/// A CSV writer whose cells know whether they are text or numbers.
struct Sheet {
    writer: ::csv::Writer<Vec<u8>>,
    scratch: String,
}

impl Sheet {
    fn new() -> Self {
        let writer = ::csv::WriterBuilder::new().terminator(::csv::Terminator::CRLF).from_writer(Vec::new());
        Sheet { writer, scratch: String::new() }
    }

    fn header(&mut self, columns: &[&str]) {
        self.writer.write_record(columns).expect(TO_MEMORY);
    }

    /// A text cell; what looks like a formula is made harmless.
    fn text(&mut self, text: &str) -> &mut Self {
        if is_formula(text) {
            self.scratch.clear();
            self.scratch.push('\'');
            self.scratch.push_str(text);
            self.writer.write_field(&self.scratch).expect(TO_MEMORY);
        } else {
            self.writer.write_field(text).expect(TO_MEMORY);
        }
        self
    }

    /// A text cell, empty where there is nothing.
    fn maybe_text(&mut self, text: Option<&str>) -> &mut Self {
        self.text(text.unwrap_or_default())
    }

    /// A number as it prints itself.
    fn number(&mut self, number: impl fmt::Display) -> &mut Self {
        use fmt::Write as _;
        self.scratch.clear();
        write!(self.scratch, "{number}").expect("strings take all there is");
        self.writer.write_field(&self.scratch).expect(TO_MEMORY);
        self
    }

    /// A number, empty where it is not known.
    fn maybe<T: fmt::Display>(&mut self, number: Option<T>) -> &mut Self {
        match number {
            Some(number) => self.number(number),
            None => self.number(""),
        }
    }

    /// A fraction of one, empty where it is not known.
    fn ratio(&mut self, ratio: Option<Ratio>) -> &mut Self {
        self.maybe(ratio)
    }

    fn end(&mut self) {
        self.writer.write_record(None::<&[u8]>).expect(TO_MEMORY);
    }

    fn into_bytes(self) -> Vec<u8> {
        self.writer.into_inner().unwrap_or_else(|_| unreachable!("{TO_MEMORY}"))
    }
}

const TO_MEMORY: &str = "writing rows of equal length to memory does not fail";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn formulas_are_made_harmless_and_numbers_kept() {
        let mut sheet = Sheet::new();
        sheet.header(&["name", "change"]);
        sheet.text("=HYPERLINK(\"x\")").number("-12.5").end();
        assert_eq!(
            String::from_utf8(sheet.into_bytes()).unwrap(),
            "name,change\r\n\"'=HYPERLINK(\"\"x\"\")\",-12.5\r\n"
        );
    }

    proptest! {
        /// Every text cell comes back as it went in, but for the apostrophe before formulas.
        #[test]
        fn cells_survive_a_round_trip(cells in prop::collection::vec(any::<String>(), 1..6)) {
            let mut sheet = Sheet::new();
            let header: Vec<String> = (0..cells.len()).map(|i| format!("c{i}")).collect();
            sheet.header(&header.iter().map(String::as_str).collect::<Vec<_>>());
            for cell in &cells {
                sheet.text(cell);
            }
            sheet.end();
            let bytes = sheet.into_bytes();
            let mut reader = ::csv::Reader::from_reader(bytes.as_slice());
            let rows: Vec<::csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
            prop_assert_eq!(rows.len(), 1);
            for (read, cell) in rows[0].iter().zip(&cells) {
                prop_assert!(!is_formula(read));
                let written = if is_formula(cell) { format!("'{cell}") } else { cell.clone() };
                prop_assert_eq!(read, written);
            }
        }
    }
}
