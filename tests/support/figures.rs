//! A figure of the HTML report against the same figure of the JSON form.

use serde_json::Value;

/// The exact value is that of the JSON form, and the text that is shown is its rounding.
pub fn same(json: &Value, path: &str, value: &str, text: &str) {
    let there = json.pointer(path).unwrap_or_else(|| panic!("{path} is not in the JSON form"));
    let exact = match there {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    assert_eq!(value, exact, "{path}");
    let shown = shown(text);
    let decimals = shown.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let number = |text: &str| text.parse::<f64>().unwrap_or_else(|_| panic!("{path}: {text} is no number"));
    let scale = if text.contains('%') { 100.0 } else { 1.0 };
    // A saving is shown as a change: its sign may be turned.
    let off = (number(&shown).abs() - number(value).abs() * scale).abs();
    assert!(
        off <= 0.5001 * 10f64.powi(-i32::try_from(decimals).expect("few")),
        "{path}: {text} is not {value}"
    );
}

/// All figures of a page as text against the JSON form; how many they are.
#[allow(dead_code, reason = "where a browser reads the page, it finds them")]
pub fn all_of(page: &str, json: &Value) -> usize {
    let mut found = 0;
    for element in page.split("<data ").skip(1) {
        let part = |open: &str, close: &str| {
            let (_, rest) = element.split_once(open).expect("an attribute");
            rest.split_once(close).expect("it ends").0.to_owned()
        };
        same(json, &part("data-json=\"", "\""), &part("value=\"", "\""), &part(">", "</data>"));
        found += 1;
    }
    found
}

/// The digits of a figure with words, signs and units.
fn shown(text: &str) -> String {
    text.chars()
        .filter(|&c| c != ',' && c != '$' && c != '+')
        .map(|c| if c == '\u{2212}' { '-' } else { c })
        .collect::<String>()
        .split_whitespace()
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit() || c == '-'))
        .unwrap_or_default()
        .to_owned()
}
