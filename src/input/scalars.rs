//! Scalars of our own formats that are written as text or as a number: the JSON Schema of each, and shares read.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use super::view::{View, clip};
use crate::units::{DecimalError, PartsPerMillion};

/// A Kubernetes quantity: `250m`, `1.5Gi`, `2`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Quantity(pub String);

impl JsonSchema for Quantity {
    fn schema_name() -> Cow<'static, str> {
        "Quantity".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A Kubernetes quantity, such as 250m, 1.5Gi or 2.",
            "type": ["string", "number"],
            "minimum": 0,
            "pattern": r"^[+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]+)?$",
        })
    }
}

/// A share: `40%` or `0.4`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct Share(pub String);

impl JsonSchema for Share {
    fn schema_name() -> Cow<'static, str> {
        "Share".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A share, such as 40% or 0.4.",
            "type": ["string", "number"],
            "minimum": 0,
            "pattern": r"^[0-9]+(\.[0-9]+)? ?%?$",
        })
    }
}

/// A change: `2%`, `-1.5%` or `0.02`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct Change(pub String);

impl JsonSchema for Change {
    fn schema_name() -> Cow<'static, str> {
        "Change".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A change, such as 2%, -1.5% or 0.02.",
            "type": ["string", "number"],
            "pattern": r"^-?[0-9]+(\.[0-9]+)? ?%?$",
        })
    }
}

/// A share of any size: `150%`, `1.5`.
pub(super) fn read_share(view: View<'_>) -> Option<PartsPerMillion> {
    let text = view.quantity_text()?;
    text.parse()
        .map_err(|error: DecimalError| {
            view.fault_with_help(clip(&error.to_string()), "write a percentage such as `40%`");
        })
        .ok()
}

/// A share of at most all: `100%`, `0.1`.
pub(super) fn read_share_of_all(view: View<'_>) -> Option<PartsPerMillion> {
    let share = read_share(view)?;
    if share > PartsPerMillion::ONE {
        view.fault_with_help(format!("{share} is more than all"), "write `100%` or less");
        return None;
    }
    Some(share)
}

/// A share that leaves something: `10%`, `0.1`.
pub(super) fn read_part(view: View<'_>) -> Option<PartsPerMillion> {
    let share = read_share(view)?;
    if share >= PartsPerMillion::ONE {
        view.fault_with_help(format!("{share} leaves nothing"), "write less than `100%`");
        return None;
    }
    Some(share)
}

/// A share above zero of any size.
pub(super) fn read_ratio(view: View<'_>) -> Option<PartsPerMillion> {
    let share = read_share(view)?;
    if share.0 == 0 {
        view.fault("must be more than zero");
        return None;
    }
    Some(share)
}
