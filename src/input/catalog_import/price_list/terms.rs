//! Prices of the offer file: which term they belong to, and the payments of a reservation.

use crate::catalog::{CommitmentOffer, OfferKind, Payment, Provenance, Term};
use crate::units::{Money, Rate};

/// One price dimension of one term.
#[derive(Debug)]
pub(super) struct Quote<'a> {
    pub(super) sold: Sold<'a>,
    /// `Hrs` or `Quantity`.
    pub(super) unit: &'a str,
    pub(super) price: &'a str,
    pub(super) currency: &'a str,
    /// Whether it holds for a part of the amount used only.
    pub(super) ranged: bool,
    /// Where the term begins.
    pub(super) line: u64,
    pub(super) field: String,
}

/// Under which term.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sold<'a> {
    OnDemand,
    Reserved { lease: &'a str, class: &'a str, option: &'a str },
}

/// Whether a price holds from the first unit to any number of them.
pub(super) fn is_ranged(begin: &str, end: &str) -> bool {
    !matches!(begin, "" | "0") || !matches!(end, "" | "Inf")
}

/// The payments of one reservation as the list states them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Reserved {
    hourly: Option<Rate>,
    upfront: Option<Money>,
    pub(super) line: u64,
}

impl Reserved {
    /// Takes one of its payments.
    pub(super) fn take(&mut self, quote: &Quote<'_>) -> Result<(), String> {
        self.line = quote.line;
        let twice = match quote.unit {
            "Hrs" if !quote.ranged => {
                let rate: Rate = quote.price.parse().map_err(|e| format!("{e}"))?;
                self.hourly.replace(rate).is_some_and(|other| other != rate)
            }
            "Quantity" => {
                let amount: Money = quote.price.parse().map_err(|e| format!("{e}"))?;
                self.upfront.replace(amount).is_some_and(|other| other != amount)
            }
            other => return Err(format!("a reserved price per `{other}`")),
        };
        if twice { Err(format!("has two prices per {} of one reservation", quote.unit)) } else { Ok(()) }
    }

    /// The offer; none for one that costs nothing, which is not sold.
    pub(super) fn offer(self, key: (OfferKind, Term, Payment)) -> Result<Option<CommitmentOffer>, String> {
        let name = format!("{}/{}/{}", key.0.as_str(), key.1.as_str(), key.2.as_str());
        let (hourly, upfront) = match (key.2, self.hourly, self.upfront) {
            (Payment::NoUpfront, Some(hourly), None | Some(Money::ZERO)) => (hourly, Money::ZERO),
            (Payment::PartialUpfront, Some(hourly), Some(upfront)) => (hourly, upfront),
            (Payment::AllUpfront, None | Some(Rate::ZERO), Some(upfront)) => (Rate::ZERO, upfront),
            (_, hourly, upfront) => {
                let told = |amount: Option<String>| amount.unwrap_or_else(|| "nothing".to_owned());
                let (hourly, upfront) =
                    (told(hourly.map(|r| r.to_string())), told(upfront.map(|u| u.to_string())));
                return Err(format!("{name} has {upfront} at the start and {hourly} an hour"));
            }
        };
        if (hourly, upfront) == (Rate::ZERO, Money::ZERO) {
            return Ok(None);
        }
        CommitmentOffer::listed(key, upfront, hourly, Provenance::Listed)
            .map(Some)
            .ok_or_else(|| format!("{name} costs {upfront} at the start, which is out of range"))
    }
}

/// The instrument that a reserved term's attributes name.
pub(super) fn key(lease: &str, class: &str, option: &str) -> Result<(OfferKind, Term, Payment), String> {
    let kind = match class {
        "standard" => OfferKind::ReservedStandard,
        "convertible" => OfferKind::ReservedConvertible,
        other => return Err(format!("`{other}` is no offering class")),
    };
    Ok((kind, term(lease)?, payment(option)?))
}

/// `1yr` or `3yr`.
pub(super) fn term(lease: &str) -> Result<Term, String> {
    match lease.replace(' ', "").as_str() {
        "1yr" => Ok(Term::OneYear),
        "3yr" => Ok(Term::ThreeYears),
        _ => Err(format!("`{lease}` is no length of a commitment")),
    }
}

/// `No Upfront`, `Partial Upfront` or `All Upfront`.
pub(super) fn payment(option: &str) -> Result<Payment, String> {
    match option {
        "No Upfront" => Ok(Payment::NoUpfront),
        "Partial Upfront" => Ok(Payment::PartialUpfront),
        "All Upfront" => Ok(Payment::AllUpfront),
        other => Err(format!("`{other}` is no payment option")),
    }
}
