//! Rules for single cells: types, allowed values, nulls.

use std::collections::BTreeSet;

use jiff::civil::DateTime;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::super::columns::{COLUMNS, Column, Kind};
use super::{Lint, Row, runs_in_spreadsheet};

pub(super) fn check(row: &Row<'_>, lint: &mut Lint) {
    for column in &COLUMNS {
        if !row.index.contains_key(column.name) {
            continue;
        }
        match row.get(column.name) {
            Some(text) => {
                if let Err((rule, message)) = check_value(column, text) {
                    lint.at(rule, row.line, Some(column.name), message);
                }
            }
            None if !column.nullable => {
                lint.at("F201", row.line, Some(column.name), "must not be null".to_owned());
            }
            None => {}
        }
    }
}

fn check_value(column: &Column, text: &str) -> Result<(), (&'static str, String)> {
    if ["null", "n/a", "none", "nan", "-"].contains(&text.to_ascii_lowercase().as_str()) {
        return Err(("F202", format!("`{text}` stands for null; leave the cell empty")));
    }
    match column.kind {
        Kind::Text if runs_in_spreadsheet(text) => {
            Err(("F203", format!("`{text}` starts like a spreadsheet formula")))
        }
        Kind::Text => Ok(()),
        Kind::OneOf(allowed) if allowed.contains(&text) => Ok(()),
        Kind::OneOf(allowed) => Err(("F204", format!("`{text}` is none of {}", allowed.join(", ")))),
        Kind::Decimal => decimal(text).map(|_| ()).map_err(|message| ("F205", message)),
        Kind::Instant => {
            instant(text).map(|_| ()).ok_or_else(|| ("F206", format!("`{text}` is not YYYY-MM-DDTHH:mm:ssZ")))
        }
        Kind::KeyValue => flat_object(text).map_err(|message| ("F207", message)),
        Kind::Currency if text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase()) => Ok(()),
        Kind::Currency => Err(("F208", format!("`{text}` is no ISO 4217 code"))),
    }
}

/// A decimal in units of 10^-9. Demands a fraction (readers that guess types take a column of whole
/// numbers for integers), at most nine significant decimals, and no exponent: sums are checked exactly.
pub(super) fn decimal(text: &str) -> Result<i128, String> {
    let magnitude = text.strip_prefix('-').unwrap_or(text);
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let Some((whole, fraction)) = magnitude.split_once('.') else {
        let message = if digits(magnitude) { "has no fraction; write `.0`" } else { "is no plain decimal" };
        return Err(format!("`{text}` {message}"));
    };
    if !digits(whole) || !digits(fraction) {
        return Err(format!("`{text}` is no plain decimal"));
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > 9 {
        return Err(format!("`{text}` has more than nine decimals"));
    }
    let nanos =
        format!("{whole}{fraction:0<9}").parse::<i128>().map_err(|_| format!("`{text}` is out of range"))?;
    Ok(if text.starts_with('-') { -nanos } else { nanos })
}

/// An instant of exactly the form that FOCUS wants.
pub(super) fn instant(text: &str) -> Option<DateTime> {
    let civil = text.strip_suffix('Z').filter(|civil| civil.len() == 19 && civil.as_bytes()[10] == b'T')?;
    civil.parse().ok()
}

/// FOCUS key-value: one flat JSON object, unique keys, scalar values.
fn flat_object(text: &str) -> Result<(), String> {
    struct Flat;
    impl<'de> Visitor<'de> for Flat {
        type Value = Result<(), String>;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a JSON object")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut keys = BTreeSet::new();
            let mut verdict = Ok(());
            while let Some((key, value)) = map.next_entry::<String, serde_json::Value>()? {
                if value.is_array() || value.is_object() {
                    verdict = Err(format!("`{key}` is not a scalar"));
                }
                if !keys.insert(key.clone()) {
                    verdict = Err(format!("key `{key}` stands twice"));
                }
            }
            Ok(verdict)
        }
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let verdict = json.deserialize_map(Flat).map_err(|error| format!("no JSON object: {error}"))?;
    json.end().map_err(|error| format!("no JSON object: {error}"))?;
    verdict
}
