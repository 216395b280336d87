//! What can be bought: instance types of one provider in one region, their rates and commitment
//! offers, each rate with its provenance.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::units::{Bytes, MilliCpu, Money, PartsPerMillion, Rate};

pub mod derivation;
pub mod discount;
pub mod listing;
mod offer;

pub use derivation::DerivationRules;
pub use discount::Discount;
pub use offer::{CommitmentOffer, OfferKind, Payment, Term};

/// Whose price list it is; decides billing rules and the default allocatable model.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// Amazon Web Services.
    Aws,
    /// Google Cloud.
    Gcp,
    /// Microsoft Azure.
    Azure,
    /// Anybody else's, or one's own data centre.
    Other,
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Provider::Aws => "aws",
            Provider::Gcp => "gcp",
            Provider::Azure => "azure",
            Provider::Other => "other",
        })
    }
}

/// The instance types of one provider in one region at one date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalog {
    /// Its name, such as `aws-2026-05-us-east-1`.
    pub name: String,
    /// Whose prices these are.
    pub provider: Provider,
    /// The region that all rates hold in.
    pub region: String,
    /// ISO 4217 code.
    pub currency: String,
    /// The date of the prices as the source gives it: `2026-05` or `2016-09-27`.
    pub price_date: String,
    /// Where the figures come from.
    pub sources: Vec<String>,
    /// Under which licence the sources stand.
    pub licence_note: String,
    /// How derived rates follow from listed ones.
    pub rules: DerivationRules,
    /// What the marks of types mean, by mark.
    pub marks: BTreeMap<String, String>,
    /// What whoever wrote the catalog left out or decided, one sentence each.
    pub notes: Vec<String>,
    /// All types that have a rate in this region, by name ascending.
    pub types: Vec<InstanceType>,
}

impl Catalog {
    /// Whether a zone may be one of the region: AWS and Google name zones after it, of others nothing is known.
    pub fn may_have_zone(&self, zone: &str) -> bool {
        !matches!(self.provider, Provider::Aws | Provider::Gcp) || zone.starts_with(&self.region)
    }

    /// The type of this name.
    pub fn find(&self, name: &str) -> Option<&InstanceType> {
        self.types.binary_search_by(|t| t.name.as_str().cmp(name)).ok().map(|i| &self.types[i])
    }

    /// Gives types without Compute Savings Plan rates estimated ones, marked as [`derivation::rule::ESTIMATE`]:
    /// for whoever asks for estimates, and for nobody else.
    pub fn estimate_compute_savings_plans(&mut self) {
        self.types.iter_mut().for_each(derivation::estimate_compute_savings_plans);
    }
}

/// The processor architecture, as `kubernetes.io/arch` names it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    /// x86-64.
    Amd64,
    /// 64-bit Arm.
    Arm64,
}

impl Architecture {
    /// As the label `kubernetes.io/arch` has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Architecture::Amd64 => "amd64",
            Architecture::Arm64 => "arm64",
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One kind of machine and what it costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceType {
    /// As `node.kubernetes.io/instance-type` has it: `m5.large`, `n2-standard-4`, `Standard_D4s_v5`.
    pub name: String,
    /// `m5`, `n2`, `dsv5`.
    pub family: String,
    /// Whether the provider still calls it current; unknown where the source says nothing.
    pub current_generation: Option<bool>,
    /// The provider's wording: `General purpose`, `Memory optimized`, ...
    pub category: String,
    /// vCPUs, whole or (GCP shared-core) fractions of one.
    pub cpu: MilliCpu,
    /// Memory as the price list states it, before hypervisor and reservations.
    pub memory: Bytes,
    /// Processor architecture.
    pub architecture: Architecture,
    /// Whether it is a whole machine.
    pub bare_metal: bool,
    /// Extended resources that a node of this type offers, such as `nvidia.com/gpu`, with their number.
    pub extended: BTreeMap<String, u64>,
    /// Name of the GPU or accelerator, for filters and display.
    pub accelerator: Option<String>,
    /// Local NVMe or SSD, in bytes; zero for none.
    pub local_storage: Bytes,
    /// What limits pods and volumes per node.
    pub limits: NodeLimits,
    /// CPU credits, for burstable types.
    pub burst: Option<Burst>,
    /// On demand, per hour.
    pub on_demand: ListedRate,
    /// Spot, a regional average.
    pub spot: Option<ListedRate>,
    /// How often spot nodes of this type are taken back; unknown where the source says nothing.
    pub interruption: Option<InterruptionBand>,
    /// On demand with GCP's automatic sustained use discount, for a node that runs the whole month.
    pub sustained_use: Option<ListedRate>,
    /// Reserved and committed rates, by kind, term and payment.
    pub offers: Vec<CommitmentOffer>,
    /// Weight inside its family for reservations that flex over sizes; none where they do not, or
    /// where no factor is published.
    pub normalized_units: Option<NormalizedUnits>,
    /// What a reader of the price should know; [`Catalog::marks`] has each mark's meaning.
    pub marks: Vec<String>,
    /// The provider's number of the on-demand product (AWS: its SKU), where the price list was read
    /// with it.
    pub sku: Option<String>,
}

impl InstanceType {
    /// The offer of this kind, term and payment.
    pub fn offer(&self, kind: OfferKind, term: Term, payment: Payment) -> Option<&CommitmentOffer> {
        self.offers.iter().find(|o| (o.kind, o.term, o.payment) == (kind, term, payment))
    }

    /// The public on-demand rate: `on_demand` before any negotiated discount.
    pub fn list_rate(&self) -> Rate {
        self.on_demand.list_rate()
    }
}

/// How many spot nodes of a type were taken back over the last month, in the bands of AWS's Spot Instance
/// Advisor.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
pub enum InterruptionBand {
    /// Fewer than one in twenty.
    #[serde(rename = "<5%")]
    Below5,
    /// 5 to 10 %.
    #[serde(rename = "5-10%")]
    From5,
    /// 10 to 15 %.
    #[serde(rename = "10-15%")]
    From10,
    /// 15 to 20 %.
    #[serde(rename = "15-20%")]
    From15,
    /// More than one in five.
    #[serde(rename = ">20%")]
    Above20,
}

impl InterruptionBand {
    /// All bands, the rarest interruptions first.
    pub const ALL: [InterruptionBand; 5] = [
        InterruptionBand::Below5,
        InterruptionBand::From5,
        InterruptionBand::From10,
        InterruptionBand::From15,
        InterruptionBand::Above20,
    ];

    /// As in files: `<5%`, `5-10%`, `>20%`.
    pub fn as_str(self) -> &'static str {
        match self {
            InterruptionBand::Below5 => "<5%",
            InterruptionBand::From5 => "5-10%",
            InterruptionBand::From10 => "10-15%",
            InterruptionBand::From15 => "15-20%",
            InterruptionBand::Above20 => ">20%",
        }
    }
}

impl fmt::Display for InterruptionBand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl std::str::FromStr for InterruptionBand {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = || InterruptionBand::ALL.map(InterruptionBand::as_str).join(", ");
        let found = InterruptionBand::ALL.into_iter().find(|band| band.as_str() == text);
        found.ok_or_else(|| format!("`{text}` is no band of interruptions; write one of {}", names()))
    }
}

/// AWS's normalization factor of a size in thousandths: 250 for nano, 4,000 for large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NormalizedUnits(pub u64);

/// Limits per node that the provider's network and storage set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NodeLimits {
    /// Pods with the AWS VPC CNI's secondary addresses: ENIs x (IPv4 per ENI - 1) + 2.
    pub max_pods_eni: Option<u64>,
    /// Pods with prefix delegation.
    pub max_pods_prefix: Option<u64>,
    /// Attachable volumes.
    pub volume_attachments: Option<u64>,
}

/// What a burstable type's price buys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Burst {
    /// Baseline per vCPU.
    pub baseline: PartsPerMillion,
    /// Price of one vCPU-hour beyond the baseline in unlimited mode, where there is one.
    pub surplus_rate: Option<Rate>,
}

/// A rate and how it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedRate {
    /// Per hour.
    pub rate: Rate,
    /// Listed or derived.
    pub provenance: Provenance,
}

impl ListedRate {
    /// As the price list has it, before any negotiated discount.
    pub fn list_rate(&self) -> Rate {
        self.provenance.list_price().map_or(self.rate, |list| list.rate)
    }
}

/// How a rate is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provenance {
    /// Stands so in the source.
    Listed,
    /// Computed from a listed rate; the text names the rule.
    Derived(String),
    /// The provider's price list reduced by a negotiated discount; holds what the list has.
    Contracted(Box<ListPrice>),
}

impl Provenance {
    /// What the price list has, where a negotiated discount reduced it.
    pub fn list_price(&self) -> Option<&ListPrice> {
        match self {
            Provenance::Contracted(list) => Some(list),
            Provenance::Listed | Provenance::Derived(_) => None,
        }
    }

    /// How the rate on the price list is known: the same, unless a discount was negotiated.
    pub fn of_list(&self) -> &Provenance {
        self.list_price().map_or(self, |list| &list.provenance)
    }

    /// The rule that the rate on the price list is derived by; `None` where it is listed.
    pub fn rule(&self) -> Option<&str> {
        match self.of_list() {
            Provenance::Derived(rule) => Some(rule),
            _ => None,
        }
    }

    /// Whether the rate is an estimate and stands on no price list.
    pub fn is_estimate(&self) -> bool {
        self.rule().is_some_and(derivation::is_estimate)
    }
}

/// A rate as the price list has it, before a negotiated discount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListPrice {
    /// Per hour; of a commitment, amortised.
    pub rate: Rate,
    /// Paid at the start of a commitment.
    pub upfront: Money,
    /// Listed or derived.
    pub provenance: Provenance,
}
