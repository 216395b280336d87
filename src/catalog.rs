//! What can be bought: instance types of one provider in one region, their rates and commitment
//! offers, each rate with its provenance.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::units::{Bytes, MilliCpu, Money, PartsPerMillion, Rate};

pub mod derivation;
pub mod discount;
pub mod listing;

pub use derivation::DerivationRules;
pub use discount::Discount;

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

/// What kind of commitment an offer is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum OfferKind {
    /// AWS standard reserved instance.
    ReservedStandard,
    /// AWS convertible reserved instance.
    ReservedConvertible,
    /// AWS EC2 Instance Savings Plan: one family in one region.
    InstanceSavingsPlan,
    /// AWS Compute Savings Plan: any family and region.
    ComputeSavingsPlan,
    /// GCP resource-based committed use.
    ResourceCommitment,
    /// GCP flexible committed use.
    FlexibleCommitment,
    /// Azure reservation.
    AzureReservation,
    /// Azure savings plan for compute.
    AzureSavingsPlan,
}

impl OfferKind {
    /// Every kind, in the order of the declaration.
    pub const ALL: [OfferKind; 8] = [
        OfferKind::ReservedStandard,
        OfferKind::ReservedConvertible,
        OfferKind::InstanceSavingsPlan,
        OfferKind::ComputeSavingsPlan,
        OfferKind::ResourceCommitment,
        OfferKind::FlexibleCommitment,
        OfferKind::AzureReservation,
        OfferKind::AzureSavingsPlan,
    ];

    /// The name in files and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            OfferKind::ReservedStandard => "reserved-standard",
            OfferKind::ReservedConvertible => "reserved-convertible",
            OfferKind::InstanceSavingsPlan => "instance-savings-plan",
            OfferKind::ComputeSavingsPlan => "compute-savings-plan",
            OfferKind::ResourceCommitment => "resource-commitment",
            OfferKind::FlexibleCommitment => "flexible-commitment",
            OfferKind::AzureReservation => "azure-reservation",
            OfferKind::AzureSavingsPlan => "azure-savings-plan",
        }
    }
}

/// Length of a commitment.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
pub enum Term {
    /// 8,760 hours.
    #[serde(rename = "1y")]
    OneYear,
    /// 26,280 hours.
    #[serde(rename = "3y")]
    ThreeYears,
}

impl Term {
    /// Both terms.
    pub const ALL: [Term; 2] = [Term::OneYear, Term::ThreeYears];

    /// The name in files and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Term::OneYear => "1y",
            Term::ThreeYears => "3y",
        }
    }

    /// Hours that are paid for.
    pub fn hours(self) -> u64 {
        match self {
            Term::OneYear => 8_760,
            Term::ThreeYears => 26_280,
        }
    }

    /// Months that are paid for.
    pub fn months(self) -> u64 {
        match self {
            Term::OneYear => 12,
            Term::ThreeYears => 36,
        }
    }
}

/// When a commitment is paid.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Payment {
    /// Every hour, nothing at the start.
    NoUpfront,
    /// Part at the start, the rest every hour.
    PartialUpfront,
    /// Everything at the start.
    AllUpfront,
}

impl Payment {
    /// Every way of paying.
    pub const ALL: [Payment; 3] = [Payment::NoUpfront, Payment::PartialUpfront, Payment::AllUpfront];

    /// The name in files and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Payment::NoUpfront => "no-upfront",
            Payment::PartialUpfront => "partial-upfront",
            Payment::AllUpfront => "all-upfront",
        }
    }
}

/// A commitment that the catalog offers for a type.
///
/// Invariant: upfront + recurring x term hours = effective x term hours, to the nano-dollar.
/// [`CommitmentOffer::new`] keeps it by holding the effective rate and splitting it, so that an
/// upfront price which the provider states in whole dollars can be some micro-dollars off here
/// (half a nano-dollar per hour: less than 0.00002 over three years).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitmentOffer {
    /// Which instrument.
    pub kind: OfferKind,
    /// How long.
    pub term: Term,
    /// How it is paid.
    pub payment: Payment,
    /// Amortised rate per hour: upfront / term hours + recurring.
    pub effective: Rate,
    /// Paid at the start.
    pub upfront: Money,
    /// Paid every hour, used or not.
    pub recurring: Rate,
    /// Listed or derived.
    pub provenance: Provenance,
}

impl CommitmentOffer {
    /// An offer at an effective rate, paid as `payment` says; of a partial upfront payment, half of
    /// the term's total is paid at the start (EC2 user guide).
    pub fn new(
        kind: OfferKind,
        term: Term,
        payment: Payment,
        effective: Rate,
        provenance: Provenance,
    ) -> Self {
        let recurring = match payment {
            Payment::NoUpfront => effective,
            Payment::PartialUpfront => Rate::from_nanos(effective.nanos() / 2),
            Payment::AllUpfront => Rate::ZERO,
        };
        let upfront = Rate::from_nanos(effective.nanos() - recurring.nanos()).for_hours(term.hours());
        CommitmentOffer { kind, term, payment, effective, upfront, recurring, provenance }
    }

    /// What one piece costs by the price list, upfront and every hour, where a negotiated discount
    /// reduced it.
    pub fn public_price(&self) -> Option<(Money, Rate)> {
        let list = self.provenance.list_price()?;
        let per_hour = list.upfront.nanos().max(0).unsigned_abs() / u128::from(self.term.hours());
        let upfront = u64::try_from(per_hour).unwrap_or(u64::MAX);
        Some((list.upfront, Rate::from_nanos(list.rate.nanos().saturating_sub(upfront))))
    }

    /// An offer listed as an upfront payment and a rate for every hour. The effective rate is rounded
    /// to the nearest nano-dollar, and the upfront payment follows it. `None` for negative or
    /// unbounded amounts.
    pub fn listed(
        (kind, term, payment): (OfferKind, Term, Payment),
        upfront: Money,
        recurring: Rate,
        provenance: Provenance,
    ) -> Option<Self> {
        let hours = i128::from(term.hours());
        let per_hour = u64::try_from((upfront.nanos().checked_mul(2)? + hours) / (hours * 2)).ok()?;
        if upfront < Money::ZERO {
            return None;
        }
        let effective = recurring.checked_add(Rate::from_nanos(per_hour))?;
        let upfront = Rate::from_nanos(per_hour).for_hours(term.hours());
        Some(CommitmentOffer { kind, term, payment, effective, upfront, recurring, provenance })
    }
}
