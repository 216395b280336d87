//! Accelerators as the extended resources that their device plugins advertise.

use std::collections::BTreeMap;

/// A mark for types that are sold for an accelerator whose number the source leaves out.
pub(super) const UNKNOWN: &str = "accelerator-unknown";
/// What [`UNKNOWN`] means.
pub(super) const UNKNOWN_MEANS: &str =
    "sold with an accelerator, but the source does not say how many: offers none here";
/// A mark for types with a part of an accelerator.
pub(super) const PART: &str = "accelerator-part";
/// What [`PART`] means.
pub(super) const PART_MEANS: &str = "holds a part of one accelerator, offered as one unit";

/// The resource that the device plugin of a maker or product advertises.
pub(super) fn resource(maker_or_product: &str) -> Option<&'static str> {
    let name = maker_or_product.to_ascii_lowercase();
    Some(match name.as_str() {
        "nvidia" => "nvidia.com/gpu",
        "amd" => "amd.com/gpu",
        "habana" | "gaudi" => "habana.ai/gaudi",
        "qualcomm-ai100" => "qualcomm.com/qaic",
        _ if name.starts_with("inferentia") || name.starts_with("trainium") => "aws.amazon.com/neuron",
        _ => return None,
    })
}

/// What a type has in accelerators.
#[derive(Debug, Default)]
pub(super) struct Accelerators {
    /// As extended resources.
    pub(super) resources: BTreeMap<String, u64>,
    /// Their name.
    pub(super) name: Option<String>,
    /// Whether it is but a part of one.
    pub(super) in_part: bool,
}

impl Accelerators {
    /// Whole accelerators of one kind.
    pub(super) fn whole(resource: &str, count: u64, name: &str) -> Self {
        let resources = BTreeMap::from([(resource.to_owned(), count)]);
        Accelerators { resources, name: Some(name.to_owned()), in_part: false }
    }

    /// A part of one accelerator, which the node offers as one unit.
    pub(super) fn part(resource: &str, part: &str, name: &str) -> Self {
        Accelerators { in_part: true, ..Accelerators::whole(resource, 1, &format!("{part} {name}")) }
    }
}
