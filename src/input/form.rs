//! Faults of form in our own JSON and YAML files: all that a file's JSON Schema forbids, with field and line.
//!
//! Typed reading stops at the first misfit, so a file that it refuses is walked once more, along the
//! schema that `plimsoll schema` prints.

use schemars::Schema;
use serde::de::DeserializeSeed;
use serde_json::Value as Json;

use super::document::{JsonNode, Node, Value, parse_yaml};
use super::view::{Sink, View, clip};
use super::{Fault, Source, decode};
use crate::units::Money;

/// Reads JSON into a type whose schema is given.
///
/// # Errors
/// Text that is no JSON, or every place that does not keep to the schema.
pub fn read_json<T: serde::de::DeserializeOwned>(
    source: &Source,
    schema: impl FnOnce() -> Schema,
) -> Result<T, Vec<Fault>> {
    let text = decode(source).map_err(|fault| vec![*fault])?;
    serde_json::from_str(text).map_err(|error| {
        let first = json_fault(&source.name, &error);
        if !error.is_data() {
            return vec![first];
        }
        let sink = Sink::new(&source.name, text);
        let mut deserializer = serde_json::Deserializer::from_str(text);
        match JsonNode::whole(text.as_ptr() as usize).deserialize(&mut deserializer) {
            Ok(node) => walk_root(&node, &sink, &schema()),
            // Broken further down, which says more than the first misfit.
            Err(broken) => return vec![json_fault(&source.name, &broken)],
        }
        or_first(sink, first)
    })
}

/// All faults of form of a YAML text whose typed reading ended with `first`.
pub(super) fn yaml_faults(name: &str, text: &str, schema: &Schema, first: Fault) -> Vec<Fault> {
    let sink = Sink::new(name, text);
    if let Ok(node) = parse_yaml(text) {
        walk_root(&node, &sink, schema);
    }
    or_first(sink, first)
}

/// A fault of JSON, on its line.
pub(super) fn json_fault(name: &str, error: &serde_json::Error) -> Fault {
    let text = error.to_string();
    // serde_json ends its message with the place, which stands in front here.
    let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
    let (message, help) = match message {
        "expected value" if (error.line(), error.column()) == (1, 1) => ("is not JSON", None),
        "key must be a string" => {
            ("expected a key in double quotes", Some("JSON has no comments and no single quotes"))
        }
        "recursion limit exceeded" => ("nests too deep", None),
        other => (other, None),
    };
    let fault = Fault { help: help.map(str::to_owned), ..Fault::new(name, clip(message)) };
    let fault = if error.line() > 0 { fault.on_line(error.line() as u64) } else { fault };
    if error.is_eof() { fault.help("the file may have been cut short") } else { fault }
}

/// What the walk found; what stopped the reader where no schema can say it.
fn or_first(sink: Sink<'_>, first: Fault) -> Vec<Fault> {
    let mut faults = sink.into_faults();
    faults.sort_by_key(|fault| fault.line);
    if faults.is_empty() { vec![first] } else { faults }
}

fn walk_root(node: &Node<'_>, sink: &Sink<'_>, schema: &Schema) {
    let root = schema.as_value();
    walk(View::root(node, None, sink), root, root);
}

/// Records where a value does not keep to a schema, as far as schemars' output for our types goes.
fn walk(view: View<'_>, schema: &Json, root: &Json) {
    let schema = resolved(schema, root);
    if let Some(choices) = alternatives(schema) {
        return walk_choice(view, choices, root);
    }
    if let Some(constant) = schema.get("const") {
        if !is_scalar(view.node, constant) {
            fault_words(view, &[constant]);
        }
        return;
    }
    if let Some(words) = schema.get("enum").and_then(Json::as_array) {
        if !words.iter().any(|word| is_scalar(view.node, word)) {
            fault_words(view, &words.iter().collect::<Vec<_>>());
        }
        return;
    }
    let kinds = kinds(schema);
    match &view.node.value {
        Value::Null if kinds.contains(&"null") => {}
        Value::Mapping(entries) if kinds.contains(&"object") => walk_mapping(view, entries, schema, root),
        Value::Sequence(items) if kinds.contains(&"array") => walk_list(view, items.len(), schema, root),
        Value::Number(_) if kinds.contains(&"integer") => walk_whole(view, schema),
        Value::Number(_) if kinds.contains(&"number") => {}
        Value::String(text) if kinds.contains(&"string") => walk_text(view, text, schema),
        Value::Bool(_) if kinds.contains(&"boolean") => {}
        // A schema without a type allows anything.
        _ if kinds.is_empty() => {}
        found => {
            let name = |kind: &&str| match *kind {
                "object" => "a mapping",
                "array" => "a list",
                "integer" => "a whole number",
                "number" => "a number",
                "boolean" => "`true` or `false`",
                _ => "a string",
            };
            let wanted: Vec<&str> = kinds.iter().filter(|k| **k != "null").map(name).collect();
            let help = matches!(found, Value::Number(_) if kinds.contains(&"string"));
            let message = format!("expected {}, found {}", wanted.join(" or "), view.node.kind());
            match help {
                true => view.fault_with_help(message, "put it in quotes"),
                false => view.fault(message),
            }
        }
    }
}

fn walk_mapping(
    view: View<'_>,
    entries: &[(std::borrow::Cow<'_, str>, Node<'_>)],
    schema: &Json,
    root: &Json,
) {
    let empty = serde_json::Map::new();
    let properties = schema.get("properties").and_then(Json::as_object).unwrap_or(&empty);
    let more = schema.get("additionalProperties");
    for required in schema.get("required").and_then(Json::as_array).into_iter().flatten() {
        let required = required.as_str().unwrap_or_default();
        if !entries.iter().any(|(key, _)| key == required) {
            view.fault(format!("`{required}` is missing"));
        }
    }
    view.each_entry(|key, value| match (properties.get(key), more) {
        (Some(property), _) => walk(value, property, root),
        (None, Some(Json::Bool(false))) => {
            let known: Vec<&str> = properties.keys().map(String::as_str).collect();
            value.fault_with_help(
                format!("unknown key `{}`", clip(key)),
                format!("known are {}", known.join(", ")),
            );
        }
        (None, Some(more)) => walk(value, more, root),
        (None, None) => {}
    });
    for (index, (key, _)) in entries.iter().enumerate() {
        if entries[..index].iter().any(|(earlier, _)| earlier == key) {
            view.fault(format!("`{}` stands twice", clip(key)));
        }
    }
}

fn walk_list(view: View<'_>, length: usize, schema: &Json, root: &Json) {
    let count = |key: &str| schema.get(key).and_then(Json::as_u64);
    if let (Some(least), Some(most)) = (count("minItems"), count("maxItems"))
        && !(least..=most).contains(&(length as u64))
    {
        view.fault(format!("has {length} entries where {least} belong"));
        return;
    }
    let places = schema.get("prefixItems").and_then(Json::as_array);
    let mut index = 0;
    view.each_item(|item| {
        let of_place = places.and_then(|list| list.get(index));
        index += 1;
        if let Some(schema) = of_place.or(schema.get("items")) {
            walk(item, schema, root);
        }
    });
}

fn walk_whole(view: View<'_>, schema: &Json) {
    let least = schema.get("minimum").and_then(Json::as_i64);
    if least.is_none_or(|least| least < 0) {
        view.integer();
    } else if let Some(number) = view.whole()
        && least.is_some_and(|least| number < least.unsigned_abs())
    {
        view.fault(format!("{number} is less than {}", least.unwrap_or_default()));
    }
}

/// The one pattern of our schemas here is that of exact decimals.
fn walk_text(view: View<'_>, text: &str, schema: &Json) {
    let Some(pattern) = schema.get("pattern").and_then(Json::as_str) else { return };
    match text.parse::<Money>() {
        Err(error) => view.fault(clip(&error.to_string())),
        Ok(amount) if amount < Money::ZERO && !pattern.starts_with("^-?") => {
            view.fault(format!("`{}` is negative", clip(text)));
        }
        Ok(_) => {}
    }
}

/// A value that may have one of several forms: it has to fit one of them.
fn walk_choice(view: View<'_>, choices: &[Json], root: &Json) {
    let scalars: Vec<&Json> = choices.iter().filter_map(|choice| choice.get("const")).collect();
    if scalars.len() == choices.len() {
        if !scalars.iter().any(|word| is_scalar(view.node, word)) {
            fault_words(view, &scalars);
        }
        return;
    }
    let fits = |choice: &&Json| {
        let sink = Sink::new(view.sink_name(), "");
        walk(View::root(view.node, None, &sink), choice, root);
        sink.into_faults().is_empty()
    };
    if choices.iter().any(|choice| fits(&choice)) {
        return;
    }
    // Of the forms that are not the value's own, the one of the same tag, or the only one beside null.
    let tagged = choices.iter().find(|choice| same_tag(view.node, resolved(choice, root), root));
    let others: Vec<&Json> =
        choices.iter().filter(|choice| kinds(resolved(choice, root)) != ["null"]).collect();
    match (tagged, others.as_slice()) {
        (Some(choice), _) => walk(view, choice, root),
        (None, [choice]) => walk(view, choice, root),
        _ if !walk_tag(view, choices, root) => view.fault("has none of the forms that are known here"),
        _ => {}
    }
}

/// Whether a mapping has the constants of a form, such as `step: prices`.
fn same_tag(node: &Node<'_>, schema: &Json, root: &Json) -> bool {
    let properties = schema.get("properties").and_then(Json::as_object);
    let mut constants = properties
        .into_iter()
        .flatten()
        .filter_map(|(key, property)| resolved(property, root).get("const").map(|constant| (key, constant)));
    constants.any(|(key, constant)| node.get(key).is_some_and(|found| is_scalar(found, constant)))
}

/// Records that the key which tells the forms apart has a value of none; false without such a key.
fn walk_tag(view: View<'_>, choices: &[Json], root: &Json) -> bool {
    let constants = |choice: &Json| -> Vec<(String, Json)> {
        let properties = resolved(choice, root).get("properties").and_then(Json::as_object);
        let constant = |(key, property): (&String, &Json)| {
            resolved(property, root).get("const").map(|constant| (key.clone(), constant.clone()))
        };
        properties.into_iter().flatten().filter_map(constant).collect()
    };
    let tags: Vec<(String, Json)> = choices.iter().flat_map(constants).collect();
    let Some((key, _)) = tags.first().filter(|(key, _)| tags.iter().all(|(other, _)| other == key)) else {
        return false;
    };
    let words: Vec<&Json> = tags.iter().map(|(_, constant)| constant).collect();
    if let Some(tag) = view.required(key) {
        fault_words(tag, &words);
    }
    true
}

fn alternatives(schema: &Json) -> Option<&[Json]> {
    ["anyOf", "oneOf"].iter().find_map(|key| schema.get(key)).and_then(Json::as_array).map(Vec::as_slice)
}

/// The schema behind a reference.
fn resolved<'s>(schema: &'s Json, root: &'s Json) -> &'s Json {
    let name = schema.get("$ref").and_then(Json::as_str).and_then(|path| path.strip_prefix("#/$defs/"));
    name.and_then(|name| root.get("$defs")?.get(name)).unwrap_or(schema)
}

fn kinds(schema: &Json) -> Vec<&str> {
    match schema.get("type") {
        Some(Json::String(kind)) => vec![kind],
        Some(Json::Array(kinds)) => kinds.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    }
}

fn is_scalar(node: &Node<'_>, constant: &Json) -> bool {
    match (&node.value, constant) {
        (Value::String(text), Json::String(word)) => text == word,
        (Value::Number(text), Json::Number(number)) => *text == number.to_string(),
        (Value::Bool(flag), Json::Bool(constant)) => flag == constant,
        _ => false,
    }
}

fn fault_words(view: View<'_>, words: &[&Json]) {
    let found = match &view.node.value {
        Value::String(text) | Value::Number(text) => format!("`{}`", clip(text)),
        _ => view.node.kind().to_owned(),
    };
    let words: Vec<String> = words
        .iter()
        .map(|word| word.as_str().map_or_else(|| word.to_string(), |word| format!("`{word}`")))
        .collect();
    view.fault(match words.as_slice() {
        [one] => format!("expected {one}, found {found}"),
        several => format!("{found} is none of {}", several.join(", ")),
    });
}

/// A type's properties in its schema are the keys that its reader knows.
#[cfg(test)]
pub(super) fn assert_keys(schema: &Json, known: &[&str]) {
    let described: std::collections::BTreeSet<&str> =
        schema["properties"].as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(described, known.iter().copied().collect());
}
