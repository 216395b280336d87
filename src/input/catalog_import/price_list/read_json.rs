//! Price list files in JSON as a stream: one product or term in memory at a time.
//!
//! AWS writes products before terms; a file the other way round would have to be held whole, and is
//! refused.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::attributes::{Attributes, Number};
use super::offers::Offers;
use super::plans::{PlanRate, Plans};
use super::terms::{Quote, Sold, is_ranged};
use crate::input::{Fault, form};

const TERMS_FIRST: &str = "`terms` stand before `products`, which AWS writes first";

/// Reads an offer file.
pub(super) fn offers(reader: impl BufRead, collected: &mut Offers<'_>) -> Result<(), Vec<Fault>> {
    let name = collected.name().to_owned();
    read(&name, reader, |line, input| OfferPart { what: Offer::File, collected, line }.deserialize(input))
}

/// Reads a Savings Plan file.
pub(super) fn plans(reader: impl BufRead, collected: &mut Plans<'_>) -> Result<(), Vec<Fault>> {
    let name = collected.name().to_owned();
    read(&name, reader, |line, input| PlanPart { what: Plan::File, collected, line }.deserialize(input))
}

type Input<'i, R> = &'i mut serde_json::Deserializer<serde_json::de::IoRead<Counted<R>>>;

fn read<R: BufRead>(
    name: &str,
    reader: R,
    file: impl FnOnce(&Line, Input<'_, R>) -> Result<(), serde_json::Error>,
) -> Result<(), Vec<Fault>> {
    let line = Line::default();
    let counted = Counted { inner: reader, line: line.clone() };
    let mut input = serde_json::Deserializer::from_reader(counted);
    file(&line, &mut input).and_then(|()| input.end()).map_err(|error| match error.io_error_kind() {
        Some(_) => vec![Fault::new(name, format!("cannot be read: {error}"))],
        None => vec![form::json_fault(name, &error)],
    })
}

/// The line that the reader has come to.
#[derive(Clone, Default)]
struct Line(Rc<Cell<u64>>);

impl Line {
    fn now(&self) -> u64 {
        self.0.get() + 1
    }
}

/// Counts lines on the way. serde_json takes one byte at a time, so that the count is exact.
struct Counted<R> {
    inner: R,
    line: Line,
}

impl<R: BufRead> Read for Counted<R> {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.inner.fill_buf()?;
        let count = bytes.len().min(buffer.len());
        buffer[..count].copy_from_slice(&bytes[..count]);
        let lines = buffer[..count].iter().filter(|byte| **byte == b'\n').count();
        self.line.0.set(self.line.0.get() + lines as u64);
        self.inner.consume(count);
        Ok(count)
    }
}

/// A part of an offer file that is read member by member.
struct OfferPart<'p, 'o> {
    what: Offer,
    collected: &'p mut Offers<'o>,
    line: &'p Line,
}

#[derive(Clone, Copy)]
enum Offer {
    File,
    Products,
    Terms,
    /// `terms.OnDemand` or, if so, `terms.Reserved`: SKUs with their terms.
    Sold {
        reserved: bool,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Product {
    #[serde(default)]
    product_family: String,
    #[serde(default)]
    attributes: Attributes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Term {
    price_dimensions: BTreeMap<String, Dimension>,
    #[serde(default)]
    term_attributes: TermAttributes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dimension {
    #[serde(default)]
    unit: String,
    #[serde(default)]
    begin_range: String,
    #[serde(default)]
    end_range: String,
    price_per_unit: BTreeMap<String, String>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct TermAttributes {
    lease_contract_length: String,
    offering_class: String,
    purchase_option: String,
}

impl<'de> DeserializeSeed<'de> for OfferPart<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for OfferPart<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.what {
            Offer::File => "a price list",
            Offer::Products => "products by SKU",
            Offer::Terms => "terms by kind",
            Offer::Sold { .. } => "terms by SKU",
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let OfferPart { what, collected, line } = self;
        let mut products = false;
        while let Some(key) = map.next_key::<String>()? {
            let at = line.now();
            let next = match (what, key.as_str()) {
                (Offer::File, "products") => {
                    products = true;
                    Some(Offer::Products)
                }
                (Offer::File, "terms") if !products => return Err(A::Error::custom(TERMS_FIRST)),
                (Offer::File, "terms") => Some(Offer::Terms),
                (Offer::Terms, "OnDemand") => Some(Offer::Sold { reserved: false }),
                (Offer::Terms, "Reserved") => Some(Offer::Sold { reserved: true }),
                _ => None,
            };
            match (what, key.as_str()) {
                _ if next.is_some() => {
                    let what = next.unwrap_or(what);
                    map.next_value_seed(OfferPart { what, collected: &mut *collected, line })?;
                }
                (Offer::File, "offerCode") => collected.offer_code = map.next_value()?,
                (Offer::File, "version") => collected.version = map.next_value()?,
                (Offer::File, "publicationDate") => collected.published = map.next_value()?,
                (Offer::Products, sku) => {
                    let product: Product = map.next_value()?;
                    collected.product(sku, &product.product_family, product.attributes, at, attribute);
                }
                (Offer::Sold { reserved }, sku) if collected.keeps(sku) => {
                    let terms: BTreeMap<String, Term> = map.next_value()?;
                    quote(collected, sku, &terms, reserved, at);
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

fn attribute(number: Number) -> &'static str {
    match number {
        Number::Cpu => "attributes.vcpu",
        Number::Memory => "attributes.memory",
        Number::Normalization => "attributes.normalizationSizeFactor",
    }
}

fn quote(collected: &mut Offers<'_>, sku: &str, terms: &BTreeMap<String, Term>, reserved: bool, line: u64) {
    for term in terms.values() {
        let attributes = &term.term_attributes;
        let sold = if reserved {
            Sold::Reserved {
                lease: &attributes.lease_contract_length,
                class: &attributes.offering_class,
                option: &attributes.purchase_option,
            }
        } else {
            Sold::OnDemand
        };
        for (code, dimension) in &term.price_dimensions {
            for (currency, price) in &dimension.price_per_unit {
                collected.quote(
                    sku,
                    &Quote {
                        sold,
                        unit: &dimension.unit,
                        price,
                        currency,
                        ranged: is_ranged(&dimension.begin_range, &dimension.end_range),
                        line,
                        field: format!("{code}.pricePerUnit.{currency}"),
                    },
                );
            }
        }
    }
}

/// A part of a Savings Plan file that is read member by member.
struct PlanPart<'p, 'k> {
    what: Plan,
    collected: &'p mut Plans<'k>,
    line: &'p Line,
}

#[derive(Clone)]
enum Plan {
    File,
    Products,
    Terms,
    /// `terms.savingsPlan`.
    List,
    /// One of its members.
    One,
    /// Rates of the plan of this SKU.
    Rates(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PlanProduct {
    sku: String,
    #[serde(default)]
    product_family: String,
    #[serde(default)]
    attributes: PlanAttributes,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct PlanAttributes {
    purchase_option: String,
    purchase_term: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rate {
    discounted_sku: String,
    #[serde(default)]
    discounted_usage_type: String,
    #[serde(default)]
    discounted_operation: String,
    #[serde(default)]
    discounted_service_code: String,
    #[serde(default)]
    rate_code: String,
    #[serde(default)]
    unit: String,
    discounted_rate: Price,
}

#[derive(Deserialize)]
struct Price {
    price: String,
    #[serde(default)]
    currency: String,
}

impl<'de> DeserializeSeed<'de> for PlanPart<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.what {
            Plan::File | Plan::Terms | Plan::One => deserializer.deserialize_map(self),
            Plan::Products | Plan::List | Plan::Rates(_) => deserializer.deserialize_seq(self),
        }
    }
}

impl<'de> Visitor<'de> for PlanPart<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.what {
            Plan::File => "a price list of savings plans",
            Plan::Products => "a list of savings plans",
            Plan::Terms => "terms by kind",
            Plan::List => "a list of terms",
            Plan::One => "the terms of a savings plan",
            Plan::Rates(_) => "a list of rates",
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let PlanPart { what, collected, line } = self;
        let mut products = false;
        let mut sku = String::new();
        while let Some(key) = map.next_key::<String>()? {
            let next = match (&what, key.as_str()) {
                (Plan::File, "products") => {
                    products = true;
                    Plan::Products
                }
                (Plan::File, "terms") if !products => return Err(A::Error::custom(TERMS_FIRST)),
                (Plan::File, "terms") => Plan::Terms,
                (Plan::Terms, "savingsPlan") => Plan::List,
                (Plan::One, "rates") => Plan::Rates(sku.clone()),
                (what, key) => {
                    match (what, key) {
                        (Plan::File, "version") => collected.version = map.next_value()?,
                        (Plan::File, "publicationDate") => collected.published = map.next_value()?,
                        (Plan::One, "sku") => sku = map.next_value()?,
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                    continue;
                }
            };
            map.next_value_seed(PlanPart { what: next, collected: &mut *collected, line })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        let PlanPart { what, collected, line } = self;
        match what {
            Plan::Products => {
                while let Some(plan) = sequence.next_element::<PlanProduct>()? {
                    let terms = &plan.attributes;
                    let (length, option) = (&terms.purchase_term, &terms.purchase_option);
                    collected.plan(&plan.sku, &plan.product_family, length, option, line.now());
                }
            }
            Plan::Rates(plan) => {
                while let Some(rate) = sequence.next_element::<Rate>()? {
                    // `PLAN.PRODUCT`, where the terms do not name their plan first.
                    let of_code = rate.rate_code.split('.').next().unwrap_or_default();
                    collected.rate(&PlanRate {
                        plan: if plan.is_empty() { of_code } else { &plan },
                        service: &rate.discounted_service_code,
                        sku: &rate.discounted_sku,
                        usage_type: &rate.discounted_usage_type,
                        operation: &rate.discounted_operation,
                        unit: &rate.unit,
                        price: &rate.discounted_rate.price,
                        currency: &rate.discounted_rate.currency,
                        line: line.now(),
                    });
                }
            }
            _ => {
                while sequence
                    .next_element_seed(PlanPart { what: Plan::One, collected: &mut *collected, line })?
                    .is_some()
                {}
            }
        }
        Ok(())
    }
}
