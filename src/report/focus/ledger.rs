//! FOCUS rows of accounts: what each month charges, over the whole term of everything that is proposed.
//!
//! Of commitments that are owned the file has a part of the term only; a row of category `Adjustment`
//! tells what is prepaid before the first month and after the last (`x_PrepaidOpening`,
//! `x_PrepaidClosing` of its price details), so that effective cost of usage = billed cost of
//! purchases + opening - closing. It charges nothing.

use std::collections::BTreeMap;

use serde_json::json;

use super::FocusError;
use super::row::{CommitmentCells, PeriodText, Row, Rows, check};
use crate::bill::{CommitmentCategory, charge_periods};
use crate::report::accounts::{Accounts, ChargeKind, ChargeRow, HeldRow};
use crate::report::purchase::ESTIMATE;
use crate::report::view::PlanReport;
use crate::units::{Money, Rate};

const NANO: i128 = 1_000_000_000;

/// Writes every month's charges in the order of the accounts.
pub(super) fn write(
    report: &PlanReport,
    accounts: &Accounts,
    start: &str,
    rows: &mut Rows<'_>,
) -> Result<(), FocusError> {
    let periods: Vec<PeriodText> =
        charge_periods(start, accounts.hours)?.iter().map(PeriodText::of).collect();
    if periods.len() != accounts.months.len() {
        let message = "its accounts are not of the months from that first day; plan again with --as-of";
        return Err(FocusError::Inconsistent(message.to_owned()));
    }
    let mut writer = Writer { report, periods, held: BTreeMap::new(), rates: BTreeMap::new() };
    for row in &accounts.held {
        check("CommitmentDiscountId", &row.id)?;
        check("CommitmentDiscountName", &row.covers)?;
        let id = format!("plan:{}:{}", report.scenario.id, row.id);
        let name = format!("{} for {} ({})", row.commitment_type, row.covers, row.id);
        writer.held.insert(&row.id, Held { row, id, name });
    }
    for row in &accounts.rates {
        check("InstanceType", &row.instance_type)?;
        let public = row.public_rate.unwrap_or(row.rate);
        writer.rates.insert((&row.instance_type, row.spot), Prices { contracted: row.rate, public });
    }
    writer.balances(accounts, rows);
    for charge in &accounts.charges {
        writer.charge(charge, rows)?;
    }
    Ok(())
}

struct Held<'a> {
    row: &'a HeldRow,
    id: String,
    name: String,
}

/// What a node costs an hour where nothing covers it.
#[derive(Clone, Copy)]
struct Prices {
    contracted: Rate,
    public: Rate,
}

struct Writer<'a> {
    report: &'a PlanReport,
    periods: Vec<PeriodText>,
    held: BTreeMap<&'a str, Held<'a>>,
    /// By type, on demand and on spot.
    rates: BTreeMap<(&'a str, bool), Prices>,
}

impl Writer<'_> {
    /// What is prepaid before and after, for commitments whose term is not all in the file.
    fn balances(&self, accounts: &Accounts, rows: &mut Rows<'_>) {
        let Some(first) = self.periods.first() else { return };
        for held in accounts.held.iter().filter_map(|row| self.held.get(row.id.as_str())) {
            let (opening, closing) = (held.row.prepaid_opening, held.row.prepaid_closing);
            let hours = i64::try_from(accounts.hours).unwrap_or(i64::MAX);
            if held.row.start_hour >= 0 && held.row.end_hour <= hours {
                continue;
            }
            let details = json!({
                "x_PrepaidClosing": closing.to_string(),
                "x_PrepaidOpening": opening.to_string(),
            });
            let (details, sku) = (details.to_string(), self.sku(&held.row.covers, "commitment"));
            let price = format!("{sku}:balance");
            let description = format!("{}, prepaid balance outside of these months (plan)", held.name);
            rows.write(&Row {
                category: "Adjustment",
                frequency: "One-Time",
                description: &description,
                pricing_category: "Other",
                unit_price: Money::from_nanos(NANO),
                unit: &self.report.catalog.currency,
                sku: &sku,
                meter: "Commitment",
                price: &price,
                price_details: &details,
                commitment: Some(held.cells("", 0)),
                ..held.base(first)
            });
        }
    }

    fn charge(&self, charge: &ChargeRow, rows: &mut Rows<'_>) -> Result<(), FocusError> {
        let broken = |what: &str| FocusError::Inconsistent(format!("a charge {what}"));
        let month = usize::try_from(charge.month).ok().and_then(|month| self.periods.get(month));
        let period = month.ok_or_else(|| broken("lies outside of the months"))?;
        let held = match &charge.commitment {
            Some(id) => {
                let found = self.held.get(id.as_str());
                Some(found.ok_or_else(|| broken("names a commitment that is not held"))?)
            }
            None => None,
        };
        let units = charge.units.map_or(0, |units| units.nanos());
        match (charge.kind, held, &charge.instance_type) {
            (ChargeKind::Upfront | ChargeKind::Recurring, Some(held), _) => {
                self.purchase(charge, held, units, period, rows);
            }
            (ChargeKind::Used, Some(held), Some(name)) => {
                let cells = held.cells("Used", units);
                self.usage(charge, name, period, Some((held, cells)), rows)?;
            }
            (ChargeKind::Unused, Some(held), _) => self.unused(charge, held, units, period, rows),
            (ChargeKind::OnDemand | ChargeKind::Spot, None, Some(name)) => {
                self.usage(charge, name, period, None, rows)?;
            }
            (ChargeKind::Surcharge, None, Some(name)) => self.surcharge(charge, name, period, rows),
            _ => return Err(broken("has neither a commitment nor an instance type that its kind needs")),
        }
        Ok(())
    }

    fn purchase(
        &self,
        charge: &ChargeRow,
        held: &Held<'_>,
        units: i128,
        period: &PeriodText,
        rows: &mut Rows<'_>,
    ) {
        let once = charge.kind == ChargeKind::Upfront;
        let sku = self.sku(&held.row.covers, "commitment");
        let price = format!("{sku}:{}:{}", held.row.offer, if once { "upfront" } else { "recurring" });
        let description = format!("{}, {} fee (plan)", held.name, if once { "upfront" } else { "recurring" });
        let details = json!({
            "x_Covers": held.row.covers,
            "x_Payment": held.row.offer.payment,
            "x_Term": held.row.offer.term,
        });
        let details = details.to_string();
        let spend = held.row.category == CommitmentCategory::Spend;
        let fee = charge.billed.money();
        // What the price list asks for the same: its upfront payment, or its rate for as many hours.
        let listed = if once {
            held.row.public_upfront.map(|listed| listed.money())
        } else {
            let hours = fee.nanos().checked_div(held.row.recurring_hour.money().nanos()).unwrap_or(0);
            held.row.public_recurring_hour.and_then(|listed| listed.money().checked_mul(hours))
        };
        let list = listed.unwrap_or(fee);
        let (unit_price, quantity, unit) = if spend {
            (Money::from_nanos(NANO), fee.nanos(), self.report.catalog.currency.as_str())
        } else {
            (list, NANO, "Units")
        };
        rows.write(&Row {
            category: "Purchase",
            frequency: if once { "One-Time" } else { "Recurring" },
            description: &description,
            pricing_category: "Standard",
            billed: fee,
            unit_price,
            contracted: Some((fee, fee)).filter(|_| !spend && list != fee),
            quantity,
            unit,
            list: if spend { fee } else { list },
            sku: &sku,
            meter: "Commitment",
            price: &price,
            price_details: &details,
            commitment: Some(held.cells("", units)),
            ..held.base(period)
        });
    }

    fn usage(
        &self,
        charge: &ChargeRow,
        name: &str,
        period: &PeriodText,
        covered: Option<(&Held<'_>, CommitmentCells<'_>)>,
        rows: &mut Rows<'_>,
    ) -> Result<(), FocusError> {
        let spot = charge.kind == ChargeKind::Spot;
        let known = self.rates.get(&(name, spot)).copied();
        let Prices { contracted: rate, public } =
            known.unwrap_or(Prices { contracted: Rate::ZERO, public: Rate::ZERO });
        let list = charge.list.money();
        // Node hours where the rate goes into the cost exactly, else the cost itself as quantity: price
        // x quantity has to be the cost to the last digit.
        let scaled = list.nanos().checked_mul(NANO);
        let hours = scaled
            .filter(|_| rate > Rate::ZERO)
            .map(|s| (s / i128::from(rate.nanos()), s % i128::from(rate.nanos())));
        let Some((consumed, rest)) = hours else {
            return Err(FocusError::Inconsistent(format!("{name} is used and has no price")));
        };
        // By the price list the same hours cost so much; whole where the hours are, else to the nearest
        // nano-dollar.
        let (above, by) = (i128::from(public.nanos()), i128::from(rate.nanos()));
        let at_list = |cost: Money| {
            let product = cost.nanos().checked_mul(above).map(|wide| (wide + by / 2).div_euclid(by));
            product.map_or(cost, Money::from_nanos)
        };
        let (priced, contracted, quantity, unit) = if public == rate {
            if rest == 0 {
                (rate.for_one_hour(), None, consumed, "Hours")
            } else {
                (Money::from_nanos(NANO), None, list.nanos(), self.report.catalog.currency.as_str())
            }
        } else if rest == 0 && consumed.checked_mul(above).is_some_and(|cost| cost % NANO == 0) {
            (public.for_one_hour(), Some((rate.for_one_hour(), list)), consumed, "Hours")
        } else {
            // Both costs are the price of one unit: neither rate goes into both exactly.
            (at_list(list), Some((list, list)), NANO, "Units")
        };
        let listed = if public == rate { list } else { at_list(list) };
        let sku = self.sku(name, "linux");
        let as_used = if spot { "spot" } else { "on-demand" };
        let provenance = covered.map_or("", |(held, _)| held.provenance());
        let option = covered.map_or_else(|| as_used.to_owned(), |(held, _)| held.row.offer.to_string());
        let (price, resource) = (format!("{sku}:{option}"), self.resource(name));
        let details = json!({ "InstanceType": name, "OperatingSystem": "Linux" }).to_string();
        // A price that moves with supply and demand is Dynamic (FOCUS 1.2, PricingCategory).
        let (paid_as, pricing_category) = match (covered, spot) {
            (Some(_), _) => ("under commitment", "Committed"),
            (None, true) => ("spot", "Dynamic"),
            (None, false) => ("on demand", "Standard"),
        };
        let description = format!("{name}, all nodes, {paid_as} (plan)");
        let resource_name = format!("all nodes of {name}");
        rows.write(&Row {
            category: "Usage",
            frequency: "Usage-Based",
            description: &description,
            pricing_category,
            billed: charge.billed.money(),
            effective: charge.effective.money(),
            unit_price: priced,
            contracted,
            quantity,
            unit,
            list: listed,
            equivalent: listed,
            consumed: Some(consumed),
            resource_id: &resource,
            resource_name: &resource_name,
            resource_type: "Virtual Machine",
            sku: &sku,
            meter: "Compute Usage",
            price: &price,
            price_details: &details,
            provenance,
            commitment: covered.map(|(_, cells)| cells),
            ..of(period)
        });
        Ok(())
    }

    fn surcharge(&self, charge: &ChargeRow, name: &str, period: &PeriodText, rows: &mut Rows<'_>) {
        let (sku, resource) = (self.sku(name, "cpu-credits"), self.resource(name));
        let price = format!("{sku}:credits");
        let details = json!({ "InstanceType": name }).to_string();
        let (description, resource_name) =
            (format!("{name}, costs beside the instance (plan)"), format!("all nodes of {name}"));
        let list = charge.list.money();
        rows.write(&Row {
            category: "Usage",
            frequency: "Usage-Based",
            description: &description,
            pricing_category: "Standard",
            billed: charge.billed.money(),
            effective: charge.effective.money(),
            unit_price: Money::from_nanos(NANO),
            quantity: list.nanos(),
            unit: &self.report.catalog.currency,
            list,
            equivalent: list,
            consumed: Some(charge.units.map_or(0, |hours| hours.nanos())),
            resource_id: &resource,
            resource_name: &resource_name,
            resource_type: "Virtual Machine",
            sku: &sku,
            meter: "CPU Credits",
            price: &price,
            price_details: &details,
            ..of(period)
        });
    }

    fn unused(
        &self,
        charge: &ChargeRow,
        held: &Held<'_>,
        units: i128,
        period: &PeriodText,
        rows: &mut Rows<'_>,
    ) {
        let sku = self.sku(&held.row.covers, "commitment");
        let price = format!("{sku}:{}", held.row.offer);
        let details = json!({ "x_Covers": held.row.covers }).to_string();
        let description = format!("{}, unused part (plan)", held.name);
        let cost = charge.effective.money();
        rows.write(&Row {
            category: "Usage",
            frequency: "Usage-Based",
            description: &description,
            pricing_category: "Committed",
            effective: cost,
            unit_price: Money::from_nanos(NANO),
            quantity: cost.nanos(),
            unit: &self.report.catalog.currency,
            list: cost,
            sku: &sku,
            meter: "Commitment",
            price: &price,
            price_details: &details,
            commitment: Some(held.cells("Unused", units)),
            ..held.base(period)
        });
    }

    fn sku(&self, what: &str, of: &str) -> String {
        format!("{}:{}:{what}:{of}", self.report.catalog.provider, self.report.catalog.region)
    }

    fn resource(&self, name: &str) -> String {
        format!("plan:{}:{name}", self.report.scenario.id)
    }
}

impl Held<'_> {
    /// As rows of one purchase option say it: a rate that no price list states is an estimate.
    fn provenance(&self) -> &'static str {
        if self.row.commitment_type.ends_with(ESTIMATE) { "estimate" } else { "" }
    }

    fn cells(&self, status: &'static str, quantity: i128) -> CommitmentCells<'_> {
        CommitmentCells {
            id: &self.id,
            name: &self.name,
            category: match self.row.category {
                CommitmentCategory::Usage => "Usage",
                CommitmentCategory::Spend => "Spend",
            },
            kind: &self.row.commitment_type,
            status,
            quantity,
            unit: &self.row.unit,
        }
    }

    /// A row whose resource is the commitment.
    fn base<'r>(&'r self, period: &'r PeriodText) -> Row<'r> {
        Row {
            resource_id: &self.id,
            resource_name: &self.name,
            resource_type: "Commitment",
            provenance: self.provenance(),
            ..of(period)
        }
    }
}

fn of(period: &PeriodText) -> Row<'_> {
    Row {
        billing_start: &period.billing_start,
        billing_end: &period.billing_end,
        start: &period.start,
        end: &period.end,
        ..Row::default()
    }
}
