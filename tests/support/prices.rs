//! An instance type and a catalog that have nothing beside what a test says of them.

use std::collections::BTreeMap;

use plimsoll::catalog::{
    Architecture, Catalog, DerivationRules, InstanceType, ListedRate, NodeLimits, Provenance, Provider,
};
use plimsoll::units::{Bytes, MilliCpu, Rate};

/// An amd64 type of the family before the dot, at a listed rate.
pub fn instance(name: &str, cpu: MilliCpu, memory: Bytes, on_demand: Rate) -> InstanceType {
    InstanceType {
        name: name.to_owned(),
        family: name.split('.').next().unwrap_or(name).to_owned(),
        current_generation: None,
        category: "General purpose".to_owned(),
        cpu,
        memory,
        architecture: Architecture::Amd64,
        bare_metal: false,
        extended: BTreeMap::new(),
        accelerator: None,
        local_storage: Bytes(0),
        limits: NodeLimits::default(),
        burst: None,
        on_demand: ListedRate { rate: on_demand, provenance: Provenance::Listed },
        spot: None,
        interruption: None,
        sustained_use: None,
        offers: Vec::new(),
        normalized_units: None,
        marks: Vec::new(),
        sku: None,
    }
}

/// A catalog of these types, sorted by name as catalogs are.
pub fn catalog(mut types: Vec<InstanceType>) -> Catalog {
    types.sort_by(|a, b| a.name.cmp(&b.name));
    Catalog {
        name: "test".to_owned(),
        provider: Provider::Aws,
        region: "us-east-1".to_owned(),
        currency: "USD".to_owned(),
        price_date: "2026-05".to_owned(),
        sources: Vec::new(),
        licence_note: String::new(),
        rules: DerivationRules::default(),
        marks: BTreeMap::new(),
        notes: Vec::new(),
        types,
    }
}
