//! JSON values held to the JSON Schemas that the program prints.

use serde_json::Value;

/// Checks a value against a schema, as far as schemars' output for our types goes: types, known and
/// required keys, items, alternatives.
pub fn check(schema: &Value, root: &Value, value: &Value, path: &str) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().expect("rsplit yields at least one part");
        return check(&root["$defs"][name], root, value, path);
    }
    for list in ["anyOf", "oneOf"] {
        if let Some(choices) = schema[list].as_array() {
            let tried: Vec<_> = choices.iter().map(|choice| check(choice, root, value, path)).collect();
            if tried.iter().all(Result::is_err) {
                return Err(format!("{path}: none of {tried:?}"));
            }
        }
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let allows = |allowed: &str| allowed == kind || (allowed == "number" && kind == "integer");
    let fits = match &schema["type"] {
        Value::String(allowed) => allows(allowed),
        Value::Array(list) => list.iter().any(|allowed| allows(allowed.as_str().expect("types are named"))),
        _ => true,
    };
    if !fits {
        return Err(format!("{path}: {kind} is no {}", schema["type"]));
    }
    if schema["enum"].as_array().is_some_and(|list| !list.contains(value))
        || schema.get("const").is_some_and(|constant| constant != value)
    {
        return Err(format!("{path}: {value} is not allowed"));
    }
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                check(&schema["items"], root, item, &format!("{path}[{index}]"))?;
            }
        }
        Value::Object(entries) => {
            for required in schema["required"].as_array().into_iter().flatten() {
                if !entries.contains_key(required.as_str().expect("keys are strings")) {
                    return Err(format!("{path}: {required} is missing"));
                }
            }
            for (key, item) in entries {
                let path = format!("{path}.{key}");
                match (&schema["properties"][key], &schema["additionalProperties"]) {
                    (Value::Null, Value::Bool(false)) => return Err(format!("{path}: unknown key")),
                    (Value::Null, more) => check(more, root, item, &path)?,
                    (property, _) => check(property, root, item, &path)?,
                }
            }
        }
        _ => {}
    }
    Ok(())
}
