//! What is collected of an EC2 offer file while it passes: products of the catalog and their prices.

use std::collections::{BTreeMap, HashMap};

use super::PriceListOptions;
use super::attributes::{Attributes, Counts, LeftOut, Number, Numbers, left_out};
use super::terms::{Quote, Reserved, Sold, key};
use crate::catalog::{CommitmentOffer, OfferKind, Payment, Term};
use crate::input::Fault;
use crate::units::Rate;

/// Products kept so far, and what is wrong with their prices.
pub(super) struct Offers<'o> {
    source: String,
    options: &'o PriceListOptions,
    by_sku: HashMap<Box<str>, usize>,
    kept: Vec<Kept>,
    faults: Vec<Fault>,
    pub(super) left_out: Counts,
    pub(super) offer_code: String,
    pub(super) version: String,
    pub(super) published: String,
    pub(super) currency: String,
}

/// A product that becomes a type.
pub(super) struct Kept {
    pub(super) sku: String,
    pub(super) attributes: Attributes,
    pub(super) numbers: Numbers,
    pub(super) on_demand: Option<Rate>,
    pub(super) reserved: BTreeMap<(OfferKind, Term, Payment), Reserved>,
    /// Offers of reservations, and of Savings Plans once their files are read.
    pub(super) offers: Vec<CommitmentOffer>,
    line: u64,
}

impl<'o> Offers<'o> {
    pub(super) fn new(source: &str, options: &'o PriceListOptions) -> Self {
        Offers {
            source: source.to_owned(),
            options,
            by_sku: HashMap::new(),
            kept: Vec::new(),
            faults: Vec::new(),
            left_out: Counts::new(),
            offer_code: String::new(),
            version: String::new(),
            published: String::new(),
            currency: String::new(),
        }
    }

    /// The file's name in faults.
    pub(super) fn name(&self) -> &str {
        &self.source
    }

    /// Whether a product was kept.
    pub(super) fn keeps(&self, sku: &str) -> bool {
        self.by_sku.contains_key(sku)
    }

    /// Takes a product, which comes once, or counts why not; says whether it was taken. A number that
    /// reads as none is a fault on its line, in the field that the file's form has for it.
    pub(super) fn product(
        &mut self,
        sku: &str,
        family: &str,
        attributes: Attributes,
        line: u64,
        field: fn(Number) -> &'static str,
    ) -> bool {
        if let Some(reason) = left_out(family, &attributes, self.options) {
            *self.left_out.entry(reason).or_default() += 1;
            return false;
        }
        let numbers = attributes.numbers().unwrap_or_else(|(number, message)| {
            self.faults.push(Fault::new(&self.source, message).on_line(line).at_field(field(number)));
            Numbers::default()
        });
        self.by_sku.insert(sku.into(), self.kept.len());
        self.kept.push(Kept {
            sku: sku.to_owned(),
            attributes,
            numbers,
            on_demand: None,
            reserved: BTreeMap::new(),
            offers: Vec::new(),
            line,
        });
        true
    }

    /// Takes a price of a product that was kept.
    pub(super) fn quote(&mut self, sku: &str, quote: &Quote<'_>) {
        let Some(&index) = self.by_sku.get(sku) else { return };
        if let Err(message) = self.take(index, quote) {
            let name = &self.kept[index].attributes.instance_type;
            let fault = Fault::new(&self.source, format!("{name}: {message}"));
            self.faults.push(fault.on_line(quote.line).at_field(quote.field.clone()));
        }
    }

    fn take(&mut self, index: usize, quote: &Quote<'_>) -> Result<(), String> {
        if self.currency.is_empty() {
            quote.currency.clone_into(&mut self.currency);
        } else if self.currency != quote.currency {
            return Err(format!("a price in {} among prices in {}", quote.currency, self.currency));
        }
        let kept = &mut self.kept[index];
        match quote.sold {
            Sold::OnDemand => {
                if quote.unit != "Hrs" || quote.ranged {
                    return Err(format!(
                        "an on-demand price per {} that depends on the amount used",
                        quote.unit
                    ));
                }
                let rate: Rate = quote.price.parse().map_err(|e| format!("{e}"))?;
                match kept.on_demand {
                    Some(other) if other != rate => {
                        return Err(format!("costs {rate} on demand here and {other} before"));
                    }
                    _ => kept.on_demand = Some(rate),
                }
                Ok(())
            }
            Sold::Reserved { lease, class, option } => {
                let key = key(lease, class, option)?;
                kept.reserved.entry(key).or_default().take(quote)
            }
        }
    }

    /// The kept products with a rate, by type name, with their reservations as offers.
    pub(super) fn finish(&mut self) -> Result<Vec<Kept>, Vec<Fault>> {
        if !self.offer_code.is_empty() && self.offer_code != "AmazonEC2" {
            let message = format!("is the offer file of {}, not of AmazonEC2", self.offer_code);
            return Err(vec![Fault::new(&self.source, message)]);
        }
        let mut types: BTreeMap<String, Kept> = BTreeMap::new();
        for mut kept in std::mem::take(&mut self.kept) {
            let name = kept.attributes.instance_type.clone();
            for (key, reserved) in std::mem::take(&mut kept.reserved) {
                match reserved.offer(key) {
                    Ok(offer) => kept.offers.extend(offer),
                    Err(message) => {
                        let fault = Fault::new(&self.source, format!("{name}: {message}"));
                        self.faults.push(fault.on_line(reserved.line).at_field("terms.Reserved"));
                    }
                }
            }
            if kept.on_demand.is_none() {
                *self.left_out.entry(LeftOut::NoRate).or_default() += 1;
                continue;
            }
            match types.get(&name) {
                Some(other)
                    if other.on_demand == kept.on_demand && other.offers.len() >= kept.offers.len() => {}
                Some(other) if other.on_demand != kept.on_demand => {
                    let message = format!("`{name}` has two prices: {} and {}", other.sku, kept.sku);
                    self.faults
                        .push(Fault::new(&self.source, message).on_line(kept.line).at_field("products"));
                }
                _ => drop(types.insert(name, kept)),
            }
        }
        if types.is_empty() && self.faults.is_empty() {
            let mut counts: Vec<String> = self.left_out.iter().map(|(why, n)| why.tell(*n)).collect();
            if counts.is_empty() {
                counts.push("no product at all".to_owned());
            }
            let o = self.options;
            let message = format!(
                "no instance of region `{}` ({}, {} tenancy) with a price; it has {}",
                o.region,
                o.operating_system,
                o.tenancy,
                counts.join(", ")
            );
            self.faults.push(Fault::new(&self.source, message));
        }
        let mut faults = std::mem::take(&mut self.faults);
        faults.sort();
        if faults.is_empty() { Ok(types.into_values().collect()) } else { Err(faults) }
    }

    /// Where the prices come from.
    pub(super) fn source(&self) -> String {
        format!("prices: AWS Price List, AmazonEC2, version {}, published {}", self.version, self.published)
    }
}
