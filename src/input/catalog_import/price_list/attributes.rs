//! A product's attributes as the price list spells them, and whether a catalog takes the product.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::PriceListOptions;
use crate::units::{Bytes, MilliCpu, Rate};

/// The attributes that matter here, as text; what a file leaves out is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Attributes {
    pub(super) instance_type: String,
    pub(super) region_code: String,
    pub(super) location_type: String,
    pub(super) tenancy: String,
    pub(super) operating_system: String,
    pub(super) pre_installed_sw: String,
    pub(super) capacitystatus: String,
    pub(super) license_model: String,
    pub(super) marketoption: String,
    pub(super) vcpu: String,
    pub(super) memory: String,
    pub(super) storage: String,
    pub(super) gpu: String,
    pub(super) physical_processor: String,
    pub(super) instance_family: String,
    pub(super) current_generation: String,
    pub(super) normalization_size_factor: String,
    pub(super) usagetype: String,
    pub(super) operation: String,
}

/// Why a product is no type of the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LeftOut {
    NoInstance,
    OtherRegion,
    Zone,
    Tenancy,
    OperatingSystem,
    Software,
    CapacityReservation,
    OwnLicence,
    CapacityBlock,
    NoRate,
}

impl LeftOut {
    /// `3 products of other regions`.
    pub(super) fn tell(self, count: u64) -> String {
        let what = match self {
            LeftOut::NoInstance => "that are no instances",
            LeftOut::OtherRegion => "of other regions or of none",
            LeftOut::Zone => "of local and other zones",
            LeftOut::Tenancy => "of another tenancy",
            LeftOut::OperatingSystem => "with another operating system",
            LeftOut::Software => "with other software installed",
            LeftOut::CapacityReservation => "of capacity reservations",
            LeftOut::OwnLicence => "under licences of one's own",
            LeftOut::CapacityBlock => "sold as capacity blocks",
            LeftOut::NoRate => "without an on-demand rate",
        };
        format!("{count} {what}")
    }
}

/// How many products were left out, by reason.
pub(super) type Counts = BTreeMap<LeftOut, u64>;

/// Why a product is left out, if it is. What a file does not state (older ones know no capacity
/// reservations and no market options) speaks against nothing.
pub(super) fn left_out(family: &str, a: &Attributes, options: &PriceListOptions) -> Option<LeftOut> {
    let other = |value: &str, wanted: &str| !value.is_empty() && !value.eq_ignore_ascii_case(wanted);
    if !matches!(family, "Compute Instance" | "Compute Instance (bare metal)") || a.instance_type.is_empty() {
        return Some(LeftOut::NoInstance);
    }
    [
        (a.region_code != options.region, LeftOut::OtherRegion),
        (other(&a.location_type, "AWS Region"), LeftOut::Zone),
        (a.tenancy != options.tenancy, LeftOut::Tenancy),
        (a.operating_system != options.operating_system, LeftOut::OperatingSystem),
        (a.pre_installed_sw != options.pre_installed, LeftOut::Software),
        (other(&a.capacitystatus, "Used"), LeftOut::CapacityReservation),
        (a.license_model == "Bring your own license", LeftOut::OwnLicence),
        (other(&a.marketoption, "OnDemand"), LeftOut::CapacityBlock),
    ]
    .into_iter()
    .find_map(|(holds, reason)| holds.then_some(reason))
}

impl Attributes {
    /// `m5` of `m5.large`.
    pub(super) fn family(&self) -> &str {
        self.instance_type.split('.').next().unwrap_or_default()
    }

    /// `large` of `m5.large`.
    pub(super) fn size(&self) -> &str {
        self.instance_type.split_once('.').map_or("", |(_, size)| size)
    }

    /// What the list says in numbers.
    ///
    /// # Errors
    /// The first of them that is stated and reads as none, with what is wrong with it.
    pub(super) fn numbers(&self) -> Result<Numbers, (Number, String)> {
        let read = |number, text: &str, amount: fn(&str) -> Option<u64>, due: &str| match text.trim() {
            "" | "NA" => Ok(None),
            text => {
                let wrong = || (number, format!("{}: `{text}` is {due}", self.instance_type));
                amount(text).map(Some).ok_or_else(wrong)
            }
        };
        Ok(Numbers {
            cpu: read(Number::Cpu, &self.vcpu, thousandths_of_cpus, "no number of vCPUs above zero")?
                .map(MilliCpu),
            memory: read(Number::Memory, &self.memory, whole_mib, "no size above zero in GiB")?
                .map(Bytes::mib),
            normalized_thousandths: read(
                Number::Normalization,
                &self.normalization_size_factor,
                thousandths,
                "no factor in thousandths",
            )?
            .filter(|factor| *factor > 0),
        })
    }

    /// Local SSD of `EBS only`, `2 x 900 NVMe SSD` or `900 GB NVMe SSD`; `None` for what reads otherwise.
    pub(super) fn local_storage(&self) -> Option<Bytes> {
        const GIGABYTE: u64 = 1_000_000_000;
        let text = self.storage.trim();
        if matches!(text, "EBS only" | "NA" | "") {
            return Some(Bytes(0));
        }
        let sizes = text.strip_suffix("SSD")?.trim_end().trim_end_matches("NVMe").trim_end();
        let (count, size) = sizes.split_once(" x ").unwrap_or(("1", sizes));
        let size: u64 = size.trim_end_matches("GB").trim().parse().ok()?;
        let count: u64 = count.trim().parse().ok()?;
        count.checked_mul(size)?.checked_mul(GIGABYTE).map(Bytes)
    }
}

/// What a product says in numbers; what it leaves out is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Numbers {
    pub(super) cpu: Option<MilliCpu>,
    pub(super) memory: Option<Bytes>,
    /// The normalization factor in thousandths.
    pub(super) normalized_thousandths: Option<u64>,
}

/// Which number of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    Cpu,
    Memory,
    Normalization,
}

/// `1920` and `1,920`.
fn thousandths_of_cpus(text: &str) -> Option<u64> {
    text.replace(',', "").parse::<u64>().ok().filter(|n| *n > 0)?.checked_mul(1000)
}

/// `15.25 GiB` and `1,952 GiB`, rounded down to whole MiB: the list rounds some sizes itself.
fn whole_mib(text: &str) -> Option<u64> {
    let number = text.strip_suffix("GiB")?.trim().replace(',', "");
    let nanos = number.parse::<Rate>().ok()?.nanos();
    u64::try_from(u128::from(nanos) * 1024 / 1_000_000_000).ok().filter(|mib| *mib > 0)
}

/// `0.25`, `8`.
fn thousandths(text: &str) -> Option<u64> {
    let nanos = text.parse::<Rate>().ok()?.nanos();
    (nanos % 1_000_000 == 0).then_some(nanos / 1_000_000)
}
