//! What a price list leaves out, from the bundled catalogs by the type's name.

use std::collections::BTreeMap;

use crate::catalog::{InstanceType, Provider};
use crate::input::catalog_file::bundled;

/// Every EC2 type that some bundled catalog knows. Facts do not differ by region; of several dates,
/// the newest counts.
pub(super) struct Facts {
    types: BTreeMap<String, InstanceType>,
    /// The catalogs' sources, of which those about types are told.
    pub(super) sources: Vec<String>,
}

impl Facts {
    pub(super) fn bundled() -> Self {
        let mut catalogs: Vec<_> = bundled().iter().filter(|b| b.provider == Provider::Aws).collect();
        catalogs.sort_by(|a, b| (b.price_date, a.region).cmp(&(a.price_date, b.region)));
        let mut facts = Facts { types: BTreeMap::new(), sources: Vec::new() };
        for bundled in catalogs {
            let catalog = bundled.read();
            if facts.sources.is_empty() {
                let about_prices =
                    |source: &&String| !source.starts_with("prices") && !source.contains("rates compared");
                facts.sources = catalog.sources.iter().filter(about_prices).cloned().collect();
            }
            for machine in catalog.types {
                facts.types.entry(machine.name.clone()).or_insert(machine);
            }
        }
        facts
    }

    /// What is known of a type.
    pub(super) fn of(&self, name: &str) -> Option<&InstanceType> {
        self.types.get(name)
    }
}
