//! The policy file: which types may be bought, how much of a node counts, what is kept free and how
//! the bill is paid. Everything in it is optional. `docs/policy-file.md` documents it.
//!
//! [`PolicyDocument`] is the form for the JSON Schema; reading walks the document, so that every
//! fault is named at once. A test keeps the two in step.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::document::{Node, Value, parse_yaml};
use super::view::{Sink, View};
use super::{AutoscaledReplicas, Fault};
use crate::catalog::{Architecture, Discount, OfferKind, Payment, Provider, Term};
use crate::policy::{
    AllocatableModel, BurstableCpu, DefaultTypes, MaxPods, NodeCost, NodePool, OwnedCommitment, PackingBasis,
    PlanForm, Policy, SpotPolicy, Survive,
};
use crate::units::{Bytes, MilliCpu, PartsPerMillion, Rate, ResourceName};
use crate::workload::ResourceList;

mod commitments;
mod discounts;
mod form;
mod owned;
mod pools;
mod read;

pub use commitments::{CommitmentPolicy, CommitmentsDocument};
pub use form::{
    AllocatableDocument, BasisDocument, BurstableDocument, NumberOrWord, PolicyDocument, SpotDocument,
    SurviveDocument, TypesDocument,
};
use read::word;
pub use read::{allocatable_model, max_pods};

/// The version of the format, the value of the file's `plimsoll` key.
pub const VERSION: &str = "policy/v1";

/// What a policy file sets; what it leaves out stays as it was.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PolicyFile {
    /// Whose price list.
    pub provider: Option<Provider>,
    /// Which region.
    pub region: Option<String>,
    /// Name of a bundled catalog, or path of one's own.
    pub catalog: Option<String>,
    /// Globs over type names that may be bought.
    pub include: Option<Vec<String>>,
    /// Globs over type names that may not.
    pub exclude: Option<Vec<String>>,
    /// Globs over families.
    pub families: Option<Vec<String>>,
    /// Architectures.
    pub architectures: Option<Vec<Architecture>>,
    /// The smallest node.
    pub min_cpu: Option<MilliCpu>,
    /// The largest node.
    pub max_cpu: Option<MilliCpu>,
    /// The most memory of a node.
    pub max_memory: Option<Bytes>,
    /// Only current types.
    pub current_generation: Option<bool>,
    /// Whether types that nobody names are bought too.
    pub all_types: Option<bool>,
    /// Node pools.
    pub pools: Option<Vec<NodePool>>,
    /// Zones that nodes may stand in.
    pub zones: Option<Vec<String>>,
    /// What a node costs beside its instance.
    pub node_costs: Option<Vec<NodeCost>>,
    /// What the cluster costs an hour.
    pub cluster_fee: Option<Rate>,
    /// The most distinct types in a plan.
    pub max_types: Option<u32>,
    /// Which form of plan.
    pub form: Option<PlanForm>,
    /// The most pools of a pooled plan.
    pub max_pools: Option<u32>,
    /// Failures after which pods must still find a node.
    pub survive: Option<Survive>,
    /// How allocatable follows from capacity.
    pub allocatable: Option<AllocatableModel>,
    /// What nodes of a type let pods have.
    pub measured: Option<BTreeMap<String, ResourceList>>,
    /// Pods per node.
    pub max_pods: Option<MaxPods>,
    /// Share of memory that the hypervisor keeps.
    pub hypervisor_memory: Option<PartsPerMillion>,
    /// Disk of every node.
    pub node_storage: Option<Bytes>,
    /// Share of allocatable that stays free.
    pub headroom: Option<BTreeMap<ResourceName, PartsPerMillion>>,
    /// Limits over allocatable.
    pub overcommit: Option<BTreeMap<ResourceName, PartsPerMillion>>,
    /// What pods are packed by.
    pub basis: Option<PackingBasis>,
    /// What pods without requests ask for.
    pub default_requests: Option<ResourceList>,
    /// How cpu of burstable types counts.
    pub burstable: Option<BurstableCpu>,
    /// Which replica count autoscaled workloads have.
    pub autoscaled: Option<AutoscaledReplicas>,
    /// Ways of paying that the bill compares.
    pub purchase: Option<Vec<PurchaseChoice>>,
    /// Commitments that were bought before; no setting of the plan, but a part of its bill.
    pub owned: Option<Vec<OwnedCommitment>>,
    /// Which pods may run on spot capacity.
    pub spot: Option<SpotPolicy>,
    /// Limits on what is proposed to commit to.
    pub commitments: Option<CommitmentPolicy>,
    /// Discounts negotiated with the provider.
    pub discounts: Option<Vec<Discount>>,
    /// Whether Compute Savings Plans are estimated where the prices have none.
    pub estimate_compute_savings_plans: Option<bool>,
}

/// A way of paying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PurchaseChoice {
    /// As used.
    OnDemand,
    /// As used, with the provider's automatic discount.
    SustainedUse,
    /// Under a commitment.
    Commitment {
        /// Which instrument.
        kind: OfferKind,
        /// How long.
        term: Term,
        /// How it is paid.
        payment: Payment,
    },
}

impl FromStr for PurchaseChoice {
    type Err = String;
    /// Reads `on-demand`, `sustained-use` or `reserved-standard/1y/partial-upfront`.
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "on-demand" => return Ok(PurchaseChoice::OnDemand),
            "sustained-use" => return Ok(PurchaseChoice::SustainedUse),
            _ => {}
        }
        let parts: Vec<&str> = text.split('/').collect();
        let [kind, term, payment] = parts[..] else {
            return Err(format!("`{text}` is not of the form INSTRUMENT/TERM/PAYMENT"));
        };
        Ok(PurchaseChoice::Commitment { kind: word(kind)?, term: word(term)?, payment: word(payment)? })
    }
}

impl PolicyFile {
    /// The policy with everything that the file sets.
    pub fn apply_to(self, mut policy: Policy) -> Policy {
        fn set<T>(target: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *target = value;
            }
        }
        let types = &mut policy.types;
        set(&mut types.include, self.include);
        set(&mut types.exclude, self.exclude);
        set(&mut types.families, self.families);
        set(&mut types.architectures, self.architectures);
        set(&mut types.min_cpu, self.min_cpu.map(Some));
        set(&mut types.max_cpu, self.max_cpu.map(Some));
        set(&mut types.max_memory, self.max_memory.map(Some));
        set(&mut types.current_generation, self.current_generation);
        let all = |all| if all { DefaultTypes::All } else { DefaultTypes::Careful };
        set(&mut policy.default_types, self.all_types.map(all));
        set(&mut policy.pools, self.pools);
        set(&mut policy.zones, self.zones);
        set(&mut policy.node_costs, self.node_costs);
        set(&mut policy.cluster_fee, self.cluster_fee);
        set(&mut policy.max_types, self.max_types.map(Some));
        set(&mut policy.form, self.form);
        set(&mut policy.max_pools, self.max_pools.map(Some));
        set(&mut policy.survive, self.survive.map(Some));
        set(&mut policy.allocatable, self.allocatable);
        set(&mut policy.measured, self.measured);
        set(&mut policy.max_pods, self.max_pods);
        set(&mut policy.hypervisor_memory, self.hypervisor_memory);
        set(&mut policy.node_storage, self.node_storage.map(Some));
        set(&mut policy.headroom, self.headroom);
        set(&mut policy.overcommit, self.overcommit);
        set(&mut policy.basis, self.basis);
        set(&mut policy.default_requests, self.default_requests);
        set(&mut policy.burstable, self.burstable);
        policy
    }
}

/// Reads a policy file, YAML or JSON.
///
/// # Errors
/// Every fault of the file, in order of lines.
pub fn parse(name: &str, text: &str) -> Result<PolicyFile, Vec<Fault>> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let node = match parse_yaml(text) {
        Ok(Node { value: Value::Null, .. }) => return Err(vec![Fault::new(name, "is empty")]),
        Ok(node) => node,
        Err(error) => {
            let fault = Fault { line: error.line, ..Fault::new(name, error.message) };
            return Err(vec![fault]);
        }
    };
    let sink = Sink::new(name, text);
    let policy = read::read(View::root(&node, None, &sink));
    let mut faults = sink.into_faults();
    faults.sort_by_key(|fault| fault.line);
    if faults.is_empty() { Ok(policy) } else { Err(faults) }
}

/// The JSON Schema of the format.
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(PolicyDocument)
}

#[cfg(test)]
mod tests {
    use super::super::form::assert_keys;
    use super::read::{KEYS, SPOT_KEYS, TYPE_KEYS};
    use super::*;
    use crate::policy::{FailureScope, OwnedScope};

    const FULL: &str = "\
plimsoll: policy/v1
provider: aws
region: us-east-1
types: {include: ['m5*'], exclude: ['*.metal'], families: [m5], architectures: [arm64], minCpu: 2, maxCpu: 32, maxMemory: 128Gi, currentGeneration: true, all: true}
maxTypes: 3
form: pooled
maxPools: 5
survive: {scope: zone, priority: -5}
allocatable: {reservedCpu: 100m, reservedMemory: 1Gi}
measured: {m5.large: {cpu: 1930m, memory: 7Gi, pods: 29}}
maxPods: 110
hypervisorMemory: 7.5%
nodeStorage: 100Gi
headroom: {cpu: 10%, memory: 0.05}
overcommit: {memory: 150%}
basis: {blend: 50%}
defaultRequests: {cpu: 100m, memory: 200Mi}
burstable: exclude
purchase: [on-demand, reserved-standard/1y/partial-upfront]
autoscaled: max
zones: [us-east-1a, us-east-1b]
clusterFee: 0.1
nodeCosts:
  - {name: root volume, perMonth: 0.0876, per: storage-gib}
  - {name: agent, perHour: 0.01, per: vcpu}
pools:
  - {name: general}
  - name: batch
    types: {families: ['c*'], all: true}
    labels: {tier: batch}
    taints: [{key: dedicated, value: batch, effect: NoSchedule}, {key: spot, effect: NoExecute}]
    zones: [us-east-1b]
    limits: {nodes: 5, cpu: 100, memory: 1Ti}
owned:
  - {id: r1, offer: reserved-standard/1y/all-upfront, type: m5.large, zone: us-east-1a, quantity: 3, start: 2026-01-01, end: 2026-09-01, upfront: 300}
  - {offer: instance-savings-plan/3y/no-upfront, family: c5, hourly: 2.5, start: 2025-06-15}
  - {offer: resource-commitment/1y/no-upfront, family: n2, cpu: 40, memory: 160Gi, start: 2026-02-01, recurring: 1.5}
";

    #[test]
    fn every_setting_reaches_the_policy() {
        let file = parse("p.yaml", FULL).unwrap();
        assert_eq!(file.provider, Some(Provider::Aws));
        assert_eq!(file.autoscaled, Some(AutoscaledReplicas::Max));
        let commitment = PurchaseChoice::Commitment {
            kind: OfferKind::ReservedStandard,
            term: Term::OneYear,
            payment: Payment::PartialUpfront,
        };
        assert_eq!(file.purchase, Some(vec![PurchaseChoice::OnDemand, commitment]));
        let policy = file.apply_to(Policy::default_for(Provider::Aws));
        assert_eq!(policy.types.max_memory, Some(Bytes(128 << 30)));
        assert_eq!(policy.types.min_cpu, Some(MilliCpu(2000)));
        assert_eq!(policy.max_types, Some(3));
        assert_eq!((policy.form, policy.max_pools), (PlanForm::Pooled, Some(5)));
        assert_eq!(policy.survive, Some(Survive { scope: FailureScope::Zone, priority: Some(-5) }));
        assert_eq!(policy.max_pods, MaxPods::Fixed(110));
        assert_eq!(policy.measured["m5.large"][&ResourceName::Memory], 7 << 30);
        assert_eq!(policy.hypervisor_memory, PartsPerMillion(75_000));
        assert_eq!(policy.headroom[&ResourceName::Memory], PartsPerMillion(50_000));
        assert_eq!(policy.overcommit[&ResourceName::Memory], PartsPerMillion(1_500_000));
        assert_eq!(policy.basis, PackingBasis::Blend(PartsPerMillion(500_000)));
        assert_eq!(policy.burstable, BurstableCpu::Exclude);
        assert_eq!(policy.default_requests[&ResourceName::Cpu], 100);
        assert_eq!(policy.default_types, DefaultTypes::All);
        assert_eq!(policy.zones, ["us-east-1a", "us-east-1b"]);
        assert_eq!(policy.cluster_fee, "0.1".parse().unwrap());
        // 0.0876 / 730 = 0.00012 an hour.
        let costs: Vec<String> =
            policy.node_costs.iter().map(|c| format!("{} {:?}", c.rate, c.per)).collect();
        assert_eq!(costs, ["0.00012 StorageGib", "0.01 Vcpu"]);
        let batch = &policy.pools[1];
        assert_eq!(
            (batch.types.families.as_slice(), batch.labels["tier"].as_str()),
            (&["c*".to_owned()][..], "batch")
        );
        let taints: Vec<String> = batch.taints.iter().map(ToString::to_string).collect();
        assert_eq!(taints, ["dedicated=batch:NoSchedule", "spot:NoExecute"]);
        assert_eq!(batch.limits.cpu, Some(MilliCpu(100_000)));
    }

    #[test]
    fn owned_commitments_are_read_with_dates_and_prices() {
        let owned = parse("p.yaml", FULL).unwrap().owned.unwrap();
        let facts = |index: usize| (owned[index].quantity, owned[index].start.to_string());
        assert_eq!(facts(0), (3, "2026-01-01".to_owned()));
        assert_eq!((owned[0].place.as_str(), owned[0].id.as_deref()), ("p.yaml:35", Some("r1")));
        assert_eq!((owned[0].upfront, owned[0].recurring), (Some("300".parse().unwrap()), None));
        let zonal =
            OwnedScope::Type { instance_type: "m5.large".to_owned(), zone: Some("us-east-1a".to_owned()) };
        assert_eq!(owned[0].scope, zonal);
        let plan = OwnedScope::Spend { family: Some("c5".to_owned()), hourly: "2.5".parse().unwrap() };
        assert_eq!((facts(1).0, &owned[1].scope, owned[1].end), (1, &plan, None));
        let cud = OwnedScope::Resources {
            series: "n2".to_owned(),
            cpu: MilliCpu(40_000),
            memory: Bytes(160 << 30),
        };
        assert_eq!((owned[2].scope.clone(), owned[2].recurring), (cud, Some("1.5".parse().unwrap())));
    }

    #[test]
    fn faults_of_owned_commitments_stand_where_they_are() {
        let text = "owned:\n\
                    - {offer: on-demand, start: 2026-01-01}\n\
                    - {offer: reserved-standard/1y/no-upfront, start: 2026-01-01}\n\
                    - {offer: compute-savings-plan/1y/no-upfront, type: m5.large, hourly: 1, start: 2026-01-01}\n\
                    - {offer: compute-savings-plan/1y/no-upfront, hourly: 1, start: 1 May}\n\
                    - {offer: compute-savings-plan/1y/no-upfront, hourly: 1, start: 2026-01-01, end: 2025-01-01}\n\
                    - {offer: compute-savings-plan/1y/no-upfront, hourly: 1, start: 2026-01-01, quantity: 0}\n\
                    - {offer: compute-savings-plan/1y/no-upfront, hourly: 1, start: 2026-01-01, upfront: -3}\n";
        let faults = parse("p.yaml", text).unwrap_err();
        let lines: Vec<_> = faults.iter().filter_map(|f| f.line).collect();
        assert_eq!(lines, [2, 3, 4, 5, 6, 7, 8], "{faults:#?}");
    }

    /// As far as `--min-coverage` and `--cvar` take them.
    #[test]
    fn shares_of_commitments_go_from_nothing_to_all() {
        let read = |text: &str| parse("p.yaml", &format!("commitments:\n  {text}\n"));
        for (text, share) in [("0%", 0), ("40%", 400_000), ("100%", 1_000_000), ("1.0", 1_000_000)] {
            let limits = read(&format!("minCoverage: {text}")).unwrap().commitments.unwrap();
            assert_eq!(limits.min_coverage, Some(PartsPerMillion(share)), "{text}");
        }
        let all = read("{cvarShare: 100%, cvarWeight: 0%}").unwrap().commitments.unwrap();
        assert_eq!((all.cvar_share, all.cvar_weight), (Some(PartsPerMillion::ONE), Some(PartsPerMillion(0))));
        for text in
            ["minCoverage: 101%", "{cvarShare: 0%, cvarWeight: 30%}", "{cvarShare: 10%, cvarWeight: 101%}"]
        {
            let faults = read(text).unwrap_err();
            assert_eq!((faults.len(), faults[0].line), (1, Some(2)), "{faults:#?}");
        }
    }

    #[test]
    fn what_a_file_leaves_out_stays() {
        let before = Policy::default_for(Provider::Gcp);
        let after = parse("p.yaml", "region: europe-west1\n").unwrap().apply_to(before.clone());
        assert_eq!(after, before);
    }

    #[test]
    fn all_faults_are_named_at_once() {
        let text = "provder: aws\nprovider: ibm\ntypes:\n  minCpu: 8\n  maxCpu: 4\n  include: ['m5[']\n\
                    headroom: {cpu: 10}\novercommit: {memory: 0}\nmaxPods: 0\nbasis: request\n\
                    purchase: [reserved/1y]\nallocatable: eks2\nmaxTypes: -1\nburstable: [x]\nzones: [a, a]\n";
        let faults = parse("p.yaml", text).unwrap_err();
        let lines: Vec<_> = faults.iter().filter_map(|f| f.line).collect();
        assert_eq!(lines, [1, 2, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], "{faults:#?}");
    }

    #[test]
    fn the_schema_knows_the_keys_that_the_reader_knows() {
        let schema = serde_json::to_value(schema()).unwrap();
        assert_keys(&schema, &KEYS);
        assert_keys(&schema["$defs"]["TypesDocument"], &TYPE_KEYS);
        assert_keys(&schema["$defs"]["SpotDocument"], &SPOT_KEYS);
        assert_keys(&schema["$defs"]["CommitmentsDocument"], &commitments::COMMITMENT_KEYS);
        assert_keys(&schema["$defs"]["PoolDocument"], &pools::POOL_KEYS);
        assert_keys(&schema["$defs"]["TaintDocument"], &pools::TAINT_KEYS);
        assert_keys(&schema["$defs"]["LimitsDocument"], &pools::LIMIT_KEYS);
        assert_keys(&schema["$defs"]["NodeCostDocument"], &pools::COST_KEYS);
        assert_keys(&schema["$defs"]["OwnedDocument"], &owned::OWNED_KEYS);
    }
}
