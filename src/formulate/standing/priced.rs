//! Which running nodes have a price, and why others are left alone.

use std::collections::HashMap;

use crate::catalog::{Catalog, Provider};
use crate::formulate::labels::label_name;
use crate::observed::{CapacityType, ObservedCluster, ObservedNode};

/// Why a node is neither priced nor planned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetAside {
    /// Nothing says what machine it is.
    #[error("no label names its instance type")]
    NoType,
    /// The catalog does not have its type.
    #[error("{0} has no price in this catalog")]
    UnknownType(String),
    /// The prices are of another region.
    #[error("it stands in {0}, and the prices are of another region")]
    OtherRegion(String),
    /// It stays where it is, for a spot price is an average of the catalog's snapshot, which no plan on demand is set
    /// against. The catalog's type, where that has a spot rate.
    #[error("{}", spot_words(.0.is_some()))]
    Spot(Option<usize>),
    /// It runs the control plane.
    #[error("it runs the control plane")]
    ControlPlane,
}

/// Why a spot node stays, and whose price it has.
fn spot_words(known: bool) -> &'static str {
    if known {
        "a spot node, which stays: its price is an average of the catalog's, not what was paid"
    } else {
        "a spot node, which stays: the catalog has no spot rate for it, and what it costs moves by the hour"
    }
}

/// Types by the name that a node's label has, in lower case.
pub fn types_by_label(catalog: &Catalog) -> HashMap<String, usize> {
    let label = |i: usize| label_name(&catalog.types[i], catalog.provider).to_lowercase();
    (0..catalog.types.len()).map(|i| (label(i), i)).collect()
}

/// The catalog's type of each node, or why the node is left alone.
pub fn assess(observed: &ObservedCluster, catalog: &Catalog) -> Vec<Result<usize, SetAside>> {
    let by_label = types_by_label(catalog);
    let price = |node: &ObservedNode| {
        let name = node.instance_type().ok_or(SetAside::NoType)?;
        if node.is_control_plane() {
            return Err(SetAside::ControlPlane);
        }
        if let Some(region) = node.region()
            && region != catalog.region
            && catalog.provider != Provider::Other
        {
            return Err(SetAside::OtherRegion(region.to_owned()));
        }
        let known = by_label.get(&name.to_lowercase()).copied();
        if node.capacity_type() == CapacityType::Spot {
            return Err(SetAside::Spot(known.filter(|&at| catalog.types[at].spot.is_some())));
        }
        known.ok_or_else(|| SetAside::UnknownType(name.to_owned()))
    };
    observed.nodes.iter().map(price).collect()
}
