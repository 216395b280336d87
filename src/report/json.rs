//! The JSON form of a report, its schema, and the way back.

use serde::Deserialize;

use super::view::{PlanReport, SCHEMA_VERSION};
use crate::input::{Fault, Source, form};

/// Why a saved report cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    /// Not a report, or damaged; the message names the place.
    #[error("not a plan report: {0}")]
    Syntax(#[from] serde_json::Error),
    /// Written by another version of the program.
    #[error("the report has schema version {found}; this program reads version {SCHEMA_VERSION}")]
    Version {
        /// What it says.
        found: u64,
    },
}

/// Writes a report, indented, with a line end.
pub fn render(report: &PlanReport) -> Vec<u8> {
    let mut bytes =
        serde_json::to_vec_pretty(report).expect("a report has string keys and finite numbers only");
    bytes.push(b'\n');
    bytes
}

/// Reads a report that [`render`] wrote.
///
/// # Errors
/// Broken JSON, an unknown or missing field, or another schema version.
pub fn parse(bytes: &[u8]) -> Result<PlanReport, ParseError> {
    /// The version is looked at first: another version may differ in any other field.
    #[derive(Deserialize)]
    struct Version {
        schema_version: u64,
    }
    let version: Version = serde_json::from_slice(bytes)?;
    if version.schema_version != u64::from(SCHEMA_VERSION) {
        return Err(ParseError::Version { found: version.schema_version });
    }
    Ok(serde_json::from_slice(bytes)?)
}

/// Reads a file that [`render`] wrote.
///
/// # Errors
/// Text that is no JSON, another schema version, or every place that is not as a report has it.
pub fn read(source: &Source) -> Result<PlanReport, Vec<Fault>> {
    match parse(&source.bytes) {
        Ok(report) => Ok(report),
        Err(version @ ParseError::Version { .. }) => {
            Err(vec![Fault::new(&source.name, version.to_string()).at_field("schema_version")])
        }
        Err(ParseError::Syntax(_)) => form::read_json(source, schema),
    }
}

/// The JSON Schema of a report.
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(PlanReport)
}
