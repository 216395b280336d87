//! Negotiated discounts in a policy file.

use crate::catalog::Discount;
use crate::catalog::discount::{Discounted, Pattern, Percent};
use crate::input::view::View;

/// The keys of a discount.
pub(super) const KEYS: [&str; 6] = ["name", "percent", "types", "families", "skus", "on"];

/// The list of discounts, as far as it can be read.
pub(super) fn read(list: View<'_>) -> Vec<Discount> {
    let mut discounts: Vec<Discount> = Vec::new();
    list.each_item(|item| {
        item.only_keys(&KEYS);
        let name = item.required("name").and_then(|name| name.text().map(str::to_owned));
        let percent = item.required("percent").and_then(|percent| {
            Percent::try_from(percent.quantity_text()?.to_owned())
                .map_err(|message| percent.fault(message))
                .ok()
        });
        let patterns = |key: &str| {
            let mut patterns = Vec::new();
            if let Some(globs) = item.get(key) {
                globs.each_item(|glob| {
                    let Some(text) = glob.text() else { return };
                    match Pattern::try_from(text.to_owned()) {
                        Ok(pattern) => patterns.push(pattern),
                        Err(message) => glob.fault(format!("`{text}` is no pattern: {message}")),
                    }
                });
            }
            patterns
        };
        let mut on = Vec::new();
        if let Some(rates) = item.get("on") {
            rates.each_item(|rate| {
                let Some(text) = rate.text() else { return };
                match text.parse::<Discounted>() {
                    Ok(rate) => on.push(rate),
                    Err(message) => rate.fault(message),
                }
            });
        }
        if on.is_empty() {
            on.push(Discounted::OnDemand);
        }
        let (types, families) = (patterns("types"), patterns("families"));
        let skus = item.get("skus").map(|list| list.strings()).unwrap_or_default();
        if let (Some(name), Some(percent)) = (name, percent) {
            discounts.push(Discount { name, percent, types, families, skus, on });
        }
    });
    discounts
}
