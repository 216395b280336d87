//! What is collected of a Savings Plan file: the rates of the products that were kept.

use std::collections::HashMap;

use super::offers::Kept;
use super::terms::{payment, term};
use crate::catalog::{CommitmentOffer, OfferKind, Payment, Provenance, Term};
use crate::input::Fault;
use crate::units::Rate;

/// Plans and their rates so far.
pub(super) struct Plans<'k> {
    source: String,
    types: &'k mut Vec<Kept>,
    currency: &'k str,
    by_sku: HashMap<String, usize>,
    /// Usage type and operation, for files whose SKUs are of another day.
    by_usage: HashMap<(String, String), usize>,
    plans: HashMap<String, Option<(OfferKind, Term, Payment)>>,
    taken: usize,
    faults: Vec<Fault>,
    pub(super) version: String,
    pub(super) published: String,
}

/// A rate of a plan for one product.
#[derive(Debug, Default)]
pub(super) struct PlanRate<'a> {
    pub(super) plan: &'a str,
    pub(super) service: &'a str,
    pub(super) sku: &'a str,
    pub(super) usage_type: &'a str,
    pub(super) operation: &'a str,
    pub(super) unit: &'a str,
    pub(super) price: &'a str,
    pub(super) currency: &'a str,
    pub(super) line: u64,
}

impl<'k> Plans<'k> {
    pub(super) fn new(source: &str, types: &'k mut Vec<Kept>, currency: &'k str) -> Self {
        let by_sku = types.iter().enumerate().map(|(i, kept)| (kept.sku.clone(), i)).collect();
        let usage = |kept: &Kept| (kept.attributes.usagetype.clone(), kept.attributes.operation.clone());
        let by_usage = types
            .iter()
            .enumerate()
            .filter(|(_, kept)| !kept.attributes.usagetype.is_empty())
            .map(|(i, kept)| (usage(kept), i))
            .collect();
        Plans {
            source: source.to_owned(),
            types,
            currency,
            by_sku,
            by_usage,
            plans: HashMap::new(),
            taken: 0,
            faults: Vec::new(),
            version: String::new(),
            published: String::new(),
        }
    }

    /// The file's name in faults.
    pub(super) fn name(&self) -> &str {
        &self.source
    }

    /// Takes a plan; those for other services (machine learning, databases) have no rates here.
    pub(super) fn plan(&mut self, sku: &str, family: &str, length: &str, option: &str, line: u64) {
        let kind = match family {
            "ComputeSavingsPlans" => OfferKind::ComputeSavingsPlan,
            "EC2InstanceSavingsPlans" => OfferKind::InstanceSavingsPlan,
            _ => {
                self.plans.insert(sku.to_owned(), None);
                return;
            }
        };
        match term(length).and_then(|term| Ok((kind, term, payment(option)?))) {
            Ok(key) => {
                self.plans.insert(sku.to_owned(), Some(key));
            }
            Err(message) => {
                let fault = Fault::new(&self.source, format!("savings plan {sku}: {message}"));
                self.faults.push(fault.on_line(line).at_field("products"));
                self.plans.insert(sku.to_owned(), None);
            }
        }
    }

    /// Whether a plan's terms are known already.
    pub(super) fn knows(&self, plan: &str) -> bool {
        self.plans.contains_key(plan)
    }

    /// Takes a rate, if it is for a product that was kept.
    pub(super) fn rate(&mut self, rate: &PlanRate<'_>) {
        if rate.service != "AmazonEC2" {
            return;
        }
        let usage = || (rate.usage_type.to_owned(), rate.operation.to_owned());
        let found = self.by_sku.get(rate.sku).or_else(|| self.by_usage.get(&usage()));
        let Some(&index) = found else { return };
        if let Err(message) = self.take(index, rate) {
            let name = &self.types[index].attributes.instance_type;
            let fault = Fault::new(&self.source, format!("{name}: {message}"));
            let field = format!("terms.savingsPlan.{}.{}", rate.plan, rate.sku);
            self.faults.push(fault.on_line(rate.line).at_field(field));
        }
    }

    fn take(&mut self, index: usize, rate: &PlanRate<'_>) -> Result<(), String> {
        let Some(plan) = self.plans.get(rate.plan) else {
            return Err(format!("savings plan `{}` is not among the products", rate.plan));
        };
        let Some((kind, term, payment)) = *plan else { return Ok(()) };
        if rate.unit != "Hrs" && !rate.unit.is_empty() {
            return Err(format!("a rate per `{}`", rate.unit));
        }
        if !rate.currency.is_empty() && rate.currency != self.currency {
            return Err(format!("a rate in {} beside prices in {}", rate.currency, self.currency));
        }
        let effective: Rate = rate.price.parse().map_err(|e| format!("{e}"))?;
        if effective == Rate::ZERO {
            return Ok(());
        }
        let offers = &mut self.types[index].offers;
        match offers.iter().find(|o| (o.kind, o.term, o.payment) == (kind, term, payment)) {
            Some(other) if other.effective != effective => Err(format!(
                "{}/{}/{} costs {effective} here and {} before",
                kind.as_str(),
                term.as_str(),
                payment.as_str(),
                other.effective
            )),
            Some(_) => Ok(()),
            None => {
                self.taken += 1;
                offers.push(CommitmentOffer::new(kind, term, payment, effective, Provenance::Listed));
                Ok(())
            }
        }
    }

    /// Where the rates come from.
    pub(super) fn finish(mut self) -> Result<String, Vec<Fault>> {
        if self.taken == 0 && self.faults.is_empty() {
            let message = "no Compute or EC2 Instance Savings Plan rate for any of the types imported";
            let help = "take the Savings Plan file of the same region";
            self.faults.push(Fault::new(&self.source, message).help(help));
        }
        self.faults.sort();
        let source = format!(
            "savings plans: AWS Price List, AWSComputeSavingsPlan, version {}, published {}",
            self.version, self.published
        );
        if self.faults.is_empty() { Ok(source) } else { Err(self.faults) }
    }
}
