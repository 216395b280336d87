//! From node groups and commitments to charges in calendar months.

use std::collections::BTreeMap;

use serde_json::json;

use super::FocusError;
use super::row::{CommitmentCells, PeriodText, Row, Rows, check, details};
use crate::bill::{ChargePeriod, CommitmentCategory, by_largest_remainder, charge_periods};
use crate::report::view::{CommitmentRow, NodeGroupRow, PlanReport};
use crate::units::{HOURS_PER_YEAR, Money, Rate};

const NANO: i128 = 1_000_000_000;

/// The charges of a plan, ready to be written.
pub(super) struct Schedule<'a> {
    report: &'a PlanReport,
    periods: Vec<(ChargePeriod, PeriodText)>,
    commitments: Vec<Commitment<'a>>,
    groups: Vec<Group<'a>>,
}

/// One commitment over its term.
struct Commitment<'a> {
    id: String,
    name: String,
    lines: Vec<Line<'a>>,
}

/// The nodes of one type under a commitment.
struct Line<'a> {
    row: &'a CommitmentRow,
    /// Effective cost, first by period, then by purchased node.
    effective: Vec<Money>,
}

/// A node group and what its rows repeat.
struct Group<'a> {
    row: &'a NodeGroupRow,
    sku: String,
    details: String,
    tags: String,
    on_demand: Rate,
    /// On demand at the public price list.
    public: Rate,
    paid: Rate,
    /// Costs of the policy beside instances.
    beside: Rate,
    /// Index of its commitment and of the line in it, and the first of the purchased nodes it uses.
    covered: Option<(usize, usize, usize)>,
}

impl<'a> Schedule<'a> {
    pub(super) fn new(report: &'a PlanReport, start: &str) -> Result<Self, FocusError> {
        let selected = report.purchase_options.iter().find(|o| o.selected);
        let hours = selected.and_then(|o| o.offer).map_or(HOURS_PER_YEAR, |offer| offer.term.hours());
        let periods: Vec<_> = charge_periods(start, hours)?
            .into_iter()
            .map(|period| {
                let text = PeriodText::of(&period);
                (period, text)
            })
            .collect();
        let option = selected.map_or("on-demand", |o| o.option.as_str());
        let commitments = commitments(report, option, &periods, hours)?;
        let groups = groups(report, &commitments)?;
        Ok(Schedule { report, periods, commitments, groups })
    }

    /// Month by month: purchases, nodes, what is unused.
    pub(super) fn write(&self, rows: &mut Rows<'_>) -> Result<(), FocusError> {
        for (index, (period, text)) in self.periods.iter().enumerate() {
            for commitment in &self.commitments {
                self.purchases(commitment, index, rows);
            }
            let mut ordinal = 0;
            for group in &self.groups {
                self.nodes(group, index, period.hours, text, &mut ordinal, rows);
            }
            for commitment in &self.commitments {
                self.unused(commitment, index, period.hours, text, rows);
            }
        }
        Ok(())
    }

    fn purchases(&self, commitment: &Commitment<'_>, index: usize, rows: &mut Rows<'_>) {
        let (period, text) = &self.periods[index];
        let first = commitment.lines[0].row;
        let term_hours = first.term.hours();
        let sku = format!("{}:{}:{}:commitment", self.provider(), self.report.catalog.region, first.covers);
        let details = json!({ "x_Covers": first.covers, "x_Payment": first.payment, "x_Term": first.term });
        let details = details.to_string();
        let base = Row {
            category: "Purchase",
            pricing_category: "Standard",
            billing_start: &text.billing_start,
            billing_end: &text.billing_end,
            start: &text.start,
            resource_id: &commitment.id,
            resource_name: &commitment.name,
            resource_type: "Commitment",
            sku: &sku,
            meter: "Commitment",
            price_details: &details,
            provenance: &first.provenance,
            ..Row::default()
        };
        let upfront = commitment.sum(|row| times(row.upfront_each, row.quantity));
        if index == 0 && upfront > Money::ZERO {
            let price = format!("{sku}:{}:upfront", first.option);
            let description = format!("{}, upfront fee (plan)", commitment.name);
            let (unit_price, quantity, unit) = commitment.priced(self.currency(), upfront, || {
                (first.upfront_each, i128::from(first.quantity) * NANO, "Units")
            });
            let end = &self.periods.last().expect("a term has months").1.end;
            rows.write(&Row {
                frequency: "One-Time",
                description: &description,
                end,
                billed: upfront,
                unit_price,
                quantity,
                unit,
                list: upfront,
                price: &price,
                commitment: Some(commitment.cells("", commitment.units(term_hours, |r| r.quantity))),
                ..base
            });
        }
        let recurring = commitment.sum(|row| times(row.recurring_rate.for_hours(period.hours), row.quantity));
        if recurring > Money::ZERO {
            let price = format!("{sku}:{}:recurring", first.option);
            let description = format!("{}, recurring fee (plan)", commitment.name);
            let (unit_price, quantity, unit) = commitment.priced(self.currency(), recurring, || {
                let hours = i128::from(first.quantity) * i128::from(period.hours) * NANO;
                (first.recurring_rate.for_one_hour(), hours, "Hours")
            });
            rows.write(&Row {
                frequency: "Recurring",
                description: &description,
                end: &text.end,
                billed: recurring,
                unit_price,
                quantity,
                unit,
                list: recurring,
                price: &price,
                commitment: Some(commitment.cells("", commitment.units(period.hours, |r| r.quantity))),
                ..base
            });
        }
    }

    fn nodes(
        &self,
        group: &Group<'_>,
        index: usize,
        hours: u64,
        text: &PeriodText,
        ordinal: &mut u64,
        rows: &mut Rows<'_>,
    ) {
        let node_type = &group.row.instance_type;
        let list = group.public.for_hours(hours);
        let contracted = (group.on_demand.for_one_hour(), group.on_demand.for_hours(hours));
        let as_used = if group.row.spot { "spot" } else { "on-demand" };
        let option = group.covered.map_or(as_used, |(c, l, _)| &self.commitments[c].lines[l].row.option);
        let price = format!("{}:{option}", group.sku);
        let credits_price = format!("{}:credits", group.sku);
        let credits_sku = format!("{}:cpu-credits", group.sku);
        let (beside_sku, beside_price) = (format!("{}:beside", group.sku), format!("{}:beside", group.sku));
        let paid_as = match group.covered {
            Some(_) => "under commitment",
            None if group.row.spot => "spot",
            None => "on demand",
        };
        let description = format!("{node_type}, {hours} h, {paid_as} (plan)");
        let credits_description = format!("{node_type}, {hours} h of surplus CPU credits (plan)");
        let beside_description = format!("{node_type}, {hours} h, costs beside the instance (plan)");
        for copy in 0..group.row.nodes {
            *ordinal += 1;
            let resource_id = format!("plan:{}:node-{ordinal:06}", self.report.scenario.id);
            let resource_name = format!("group {} node {}", group.row.group, copy + 1);
            let base = Row {
                category: "Usage",
                frequency: "Usage-Based",
                description: &description,
                pricing_category: "Standard",
                billing_start: &text.billing_start,
                billing_end: &text.billing_end,
                start: &text.start,
                end: &text.end,
                unit_price: group.public.for_one_hour(),
                contracted: Some(contracted),
                quantity: i128::from(hours) * NANO,
                unit: "Hours",
                list,
                equivalent: list,
                consumed: Some(i128::from(hours) * NANO),
                resource_id: &resource_id,
                resource_name: &resource_name,
                resource_type: "Virtual Machine",
                sku: &group.sku,
                meter: "Compute Usage",
                price: &price,
                price_details: &group.details,
                tags: &group.tags,
                ..Row::default()
            };
            match group.covered {
                Some((c, l, first)) => {
                    let commitment = &self.commitments[c];
                    let line = &commitment.lines[l];
                    let slot = first + usize::try_from(copy).expect("nodes are in memory one by one");
                    let units = i128::from(hours) * line.row.units_per_hour.nanos();
                    rows.write(&Row {
                        pricing_category: "Committed",
                        effective: line.effective_of(index, slot),
                        commitment: Some(commitment.cells("Used", units)),
                        provenance: &line.row.provenance,
                        ..base
                    });
                }
                None => {
                    let paid = group.paid.for_hours(hours);
                    // A price that moves with supply and demand (FOCUS 1.2, PricingCategory).
                    let pricing_category = if group.row.spot { "Dynamic" } else { base.pricing_category };
                    rows.write(&Row { billed: paid, effective: paid, pricing_category, ..base });
                }
            }
            // No commitment covers these.
            let credits = (&credits_description, &credits_sku, "CPU Credits", &credits_price);
            let beside = (&beside_description, &beside_sku, "Costs Beside Instances", &beside_price);
            for (rate, (description, sku, meter, price)) in
                [(group.row.surplus_rate, credits), (group.beside, beside)]
            {
                if rate == Rate::ZERO {
                    continue;
                }
                let cost = rate.for_hours(hours);
                rows.write(&Row {
                    description,
                    billed: cost,
                    effective: cost,
                    unit_price: rate.for_one_hour(),
                    contracted: None,
                    list: cost,
                    equivalent: cost,
                    sku,
                    meter,
                    price,
                    ..base
                });
            }
        }
    }

    fn unused(
        &self,
        commitment: &Commitment<'_>,
        index: usize,
        hours: u64,
        text: &PeriodText,
        rows: &mut Rows<'_>,
    ) {
        for line in commitment.lines.iter().filter(|line| line.row.used < line.row.quantity) {
            let row = line.row;
            let unused = row.quantity - row.used;
            let sku = self.sku(&row.instance_type);
            let price = format!("{sku}:{}", row.option);
            let details = json!({ "InstanceType": row.instance_type }).to_string();
            let description = format!("{}, unused part of {} (plan)", commitment.name, row.instance_type);
            let node_hours = i128::from(unused) * i128::from(hours);
            let public = row.public_rate.unwrap_or(row.on_demand_rate);
            let on_demand = row.on_demand_rate;
            let contracted = (on_demand.for_one_hour(), times(on_demand.for_hours(hours), unused));
            rows.write(&Row {
                category: "Usage",
                frequency: "Usage-Based",
                description: &description,
                pricing_category: "Committed",
                billing_start: &text.billing_start,
                billing_end: &text.billing_end,
                start: &text.start,
                end: &text.end,
                effective: line.effective_from(index, row.used),
                unit_price: public.for_one_hour(),
                contracted: Some(contracted),
                quantity: node_hours * NANO,
                unit: "Hours",
                list: times(public.for_hours(hours), unused),
                resource_id: &commitment.id,
                resource_name: &commitment.name,
                resource_type: "Commitment",
                sku: &sku,
                meter: "Compute Usage",
                price: &price,
                price_details: &details,
                provenance: &row.provenance,
                commitment: Some(commitment.cells("Unused", node_hours * row.units_per_hour.nanos())),
                ..Row::default()
            });
        }
    }

    fn provider(&self) -> String {
        self.report.catalog.provider.to_string()
    }

    fn currency(&self) -> &str {
        &self.report.catalog.currency
    }

    fn sku(&self, instance_type: &str) -> String {
        sku(self.report, instance_type)
    }
}

impl Commitment<'_> {
    fn sum(&self, amount: impl Fn(&CommitmentRow) -> Money) -> Money {
        self.lines.iter().map(|line| amount(line.row)).sum()
    }

    /// Commitment units of some hours, in units of 10^-9.
    fn units(&self, hours: u64, nodes: impl Fn(&CommitmentRow) -> u64) -> i128 {
        let of = |row: &CommitmentRow| i128::from(nodes(row)) * row.units_per_hour.nanos();
        self.lines.iter().map(|line| of(line.row)).sum::<i128>() * i128::from(hours)
    }

    /// Unit price, quantity and unit of a fee: money for spend commitments; by the commitment's own
    /// units where it has one line; otherwise the fee as one unit.
    fn priced<'u>(
        &self,
        currency: &'u str,
        fee: Money,
        by_unit: impl FnOnce() -> (Money, i128, &'u str),
    ) -> (Money, i128, &'u str) {
        if self.lines[0].row.category == CommitmentCategory::Spend {
            (Money::from_nanos(NANO), fee.nanos(), currency)
        } else if self.lines.len() == 1 {
            by_unit()
        } else {
            (fee, NANO, "Units")
        }
    }

    fn cells(&self, status: &'static str, quantity: i128) -> CommitmentCells<'_> {
        let first = self.lines[0].row;
        CommitmentCells {
            id: &self.id,
            name: &self.name,
            category: match first.category {
                CommitmentCategory::Usage => "Usage",
                CommitmentCategory::Spend => "Spend",
            },
            kind: &first.commitment_type,
            status,
            quantity,
            unit: &first.unit,
        }
    }
}

impl Line<'_> {
    fn effective_of(&self, period: usize, node: usize) -> Money {
        self.effective[period * self.purchased() + node]
    }

    /// The purchased nodes from `used` on, together.
    fn effective_from(&self, period: usize, used: u64) -> Money {
        let used = usize::try_from(used).expect("nodes are in memory one by one");
        let first = period * self.purchased();
        self.effective[first + used..first + self.purchased()].iter().copied().sum()
    }

    fn purchased(&self) -> usize {
        usize::try_from(self.row.quantity).expect("nodes are in memory one by one")
    }
}

/// The commitments of the selected option, their payments spread over periods and nodes.
fn commitments<'a>(
    report: &'a PlanReport,
    option: &str,
    periods: &[(ChargePeriod, PeriodText)],
    hours: u64,
) -> Result<Vec<Commitment<'a>>, FocusError> {
    let mut commitments: Vec<Commitment<'a>> = Vec::new();
    for row in report.commitments.iter().filter(|row| row.option == option) {
        check("InstanceType", &row.instance_type)?;
        check("CommitmentDiscountType", &row.commitment_type)?;
        check("x_Provenance", &row.provenance)?;
        if row.used > row.quantity {
            let message = format!("{} of {} covers more nodes than it has", row.commitment, row.option);
            return Err(FocusError::Inconsistent(message));
        }
        if row.term.hours() != hours {
            let message = format!("{} has another term than its option {}", row.commitment, row.option);
            return Err(FocusError::Inconsistent(message));
        }
        if row.quantity == 0 {
            continue;
        }
        let each = row.upfront_each + row.recurring_rate.for_hours(hours);
        let weights: Vec<u64> =
            periods.iter().flat_map(|(period, _)| (0..row.quantity).map(|_| period.hours)).collect();
        let effective = by_largest_remainder(times(each, row.quantity), &weights)
            .expect("a term has hours, and no plan 2^64 node-hours");
        let line = Line { row, effective };
        let id = format!("plan:{}:{}", report.scenario.id, row.commitment);
        match commitments.iter_mut().find(|c| c.id == id) {
            Some(commitment) => commitment.lines.push(line),
            None => {
                let name = format!("{} for {} ({})", row.commitment_type, row.covers, row.commitment);
                check("CommitmentDiscountName", &name)?;
                commitments.push(Commitment { id, name, lines: vec![line] });
            }
        }
    }
    Ok(commitments)
}

/// The node groups with their place in the commitments: the first group uses the first purchased nodes.
fn groups<'a>(report: &'a PlanReport, commitments: &[Commitment<'a>]) -> Result<Vec<Group<'a>>, FocusError> {
    let mut next: BTreeMap<(usize, usize), u64> = BTreeMap::new();
    let mut groups = Vec::with_capacity(report.nodes.len());
    for row in &report.nodes {
        check("InstanceType", &row.instance_type)?;
        let inconsistent = |what: &str| FocusError::Inconsistent(format!("node group {} {what}", row.group));
        // Plans saved before the costs beside instances were told apart have them here.
        let beside = match &row.commitment {
            Some(_) => Rate::from_nanos(row.as_used_rate.nanos().saturating_sub(row.surplus_rate.nanos())),
            None => row.node_costs_rate,
        };
        let below = |rate: Rate| {
            let less = rate.nanos().checked_sub(row.surplus_rate.nanos());
            let less = less.and_then(|nanos| nanos.checked_sub(beside.nanos()));
            less.map(Rate::from_nanos).ok_or_else(|| inconsistent("costs less than what stands beside it"))
        };
        let covered = match &row.commitment {
            None => None,
            Some(commitment) => {
                let suffix = format!(":{commitment}");
                let place = commitments.iter().enumerate().find_map(|(c, found)| {
                    let line = found.lines.iter().position(|l| l.row.instance_type == row.instance_type)?;
                    found.id.ends_with(&suffix).then_some((c, line))
                });
                let (c, l) = place.ok_or_else(|| inconsistent("names a commitment that is not there"))?;
                let used = next.entry((c, l)).or_default();
                let first = usize::try_from(*used).expect("nodes are in memory one by one");
                *used += row.nodes;
                Some((c, l, first))
            }
        };
        groups.push(Group {
            row,
            sku: sku(report, &row.instance_type),
            details: details(row),
            tags: json!({ "plimsoll.group": row.group.to_string() }).to_string(),
            on_demand: below(row.list_rate)?,
            public: below(row.public_rate.unwrap_or(row.list_rate))?,
            paid: below(row.as_used_rate)?,
            beside,
            covered,
        });
    }
    for (c, commitment) in commitments.iter().enumerate() {
        for (l, line) in commitment.lines.iter().enumerate() {
            if next.get(&(c, l)).copied().unwrap_or(0) != line.row.used {
                let name = &line.row.commitment;
                let message =
                    format!("{name} does not cover as many {} as there are", line.row.instance_type);
                return Err(FocusError::Inconsistent(message));
            }
        }
    }
    Ok(groups)
}

fn sku(report: &PlanReport, instance_type: &str) -> String {
    format!("{}:{}:{instance_type}:linux", report.catalog.provider, report.catalog.region)
}

fn times(amount: Money, count: u64) -> Money {
    amount.checked_mul(i128::from(count)).expect("no bill reaches 10^29")
}
