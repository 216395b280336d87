//! Which prices and which policy hold: options win over the policy file, that over the workload file,
//! that over the defaults.

use std::path::Path;

use plimsoll::bill::OfferKey;
use plimsoll::catalog::{Catalog, Discount, Provider};
use plimsoll::formulate;
use plimsoll::input::policy_file::{self, CommitmentPolicy, PolicyFile, PurchaseChoice};
use plimsoll::input::{self, Fault, ReadOptions, Source, catalog_file};
use plimsoll::policy::{
    DefaultTypes, OwnedCommitment, PlanForm, Policy, SpotPolicy, TypeFilter, TypeMatcher,
};
use plimsoll::workload::WorkloadSet;

use super::args::{NodeArgs, PlanArgs, PriceArgs, TypeArgs};
use super::files;

/// Whose prices hold when nothing says so.
const DEFAULT_PROVIDER: Provider = Provider::Aws;

/// The region of a provider's prices when nothing says so.
fn default_region(provider: Provider) -> &'static str {
    match provider {
        Provider::Aws | Provider::Other => "us-east-1",
        Provider::Gcp => "us-central1",
        Provider::Azure => "polandcentral",
    }
}

/// A catalog, and the text that it was read from.
#[derive(Clone)]
pub struct Prices {
    /// The catalog.
    pub catalog: Catalog,
    text: Vec<u8>,
}

impl Prices {
    /// The file as it was read.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    fn bundled(bundled: &catalog_file::Bundled) -> Self {
        Prices { catalog: bundled.read(), text: bundled.text.as_bytes().to_vec() }
    }
}

/// Everything that decides a plan beside the workloads.
#[derive(Clone)]
pub struct Settings {
    /// The prices.
    pub prices: Prices,
    /// The policy.
    pub policy: Policy,
    /// The offer that the headline counts with; `None` for the report's own choice.
    pub purchase: Option<OfferKey>,
    /// Commitments that were bought before.
    pub owned: Vec<OwnedCommitment>,
    /// Limits on what is proposed to commit to.
    pub commitments: CommitmentPolicy,
    /// What may run on spot capacity.
    pub spot: SpotPolicy,
}

impl Settings {
    /// The workloads as they are planned: with the pods that may lie on spot nodes told apart.
    pub fn divide(&self, workloads: WorkloadSet) -> WorkloadSet {
        formulate::split_spot(&workloads, &self.spot, self.prices.catalog.provider)
    }
}

/// The policy file that the options name, or an empty one.
///
/// # Errors
/// Every fault of the file.
pub fn policy_file(args: &NodeArgs) -> Result<PolicyFile, Vec<Fault>> {
    let read = |path: &Path| {
        let source = files::read(path).map_err(|fault| vec![fault])?;
        let text = input::decode(&source).map_err(|fault| vec![*fault])?;
        policy_file::parse(&source.name, text)
    };
    let mut file = args.policy.as_deref().map(read).transpose()?.unwrap_or_default();
    if let Some(path) = &args.calibration {
        let calibration = read(path)?;
        if calibration != (PolicyFile { measured: calibration.measured.clone(), ..PolicyFile::default() }) {
            let message = "sets more than what was measured";
            let fault = Fault::new(path.display().to_string(), message).help("give it as --policy");
            return Err(vec![fault]);
        }
        file.measured.get_or_insert_default().extend(calibration.measured.unwrap_or_default());
    }
    Ok(file)
}

/// How workloads are read.
pub fn read_options(args: &PlanArgs, file: &PolicyFile) -> ReadOptions {
    let autoscaled = args.autoscaled.map(Into::into).or(file.autoscaled).unwrap_or_default();
    let mut options = ReadOptions { autoscaled, ..ReadOptions::default() };
    if !args.owner_label.is_empty() {
        options.owner_labels.clone_from(&args.owner_label);
    }
    options
}

/// What holds for a plan: the options before the policy file before the catalog that the workloads name.
///
/// # Errors
/// A catalog that does not exist or is faulty, or a glob that cannot be read.
pub fn settle(
    args: &PlanArgs,
    file: PolicyFile,
    workloads: Option<&WorkloadSet>,
) -> Result<Settings, Vec<Fault>> {
    let prices = choose(&args.prices, &file, workloads.and_then(|set| set.catalog.as_deref()))?;
    let purchase = args.purchase.or_else(|| file.purchase.iter().flatten().find_map(offer_key));
    let from_kubernetes = workloads.is_some_and(|set| set.from_kubernetes);
    let usual = if from_kubernetes { PlanForm::Pooled } else { PlanForm::Free };
    let form = args.nodes.form.map(Into::into).or(file.form).unwrap_or(usual);
    let owned = file.owned.clone().unwrap_or_default();
    let mut spot = file.spot.unwrap_or_default();
    spot.share = args.spot.spot.unwrap_or(spot.share);
    spot.min_types = args.spot.spot_types.or(spot.min_types);
    spot.max_interruption = args.spot.spot_interruption.or(spot.max_interruption);
    let commitments = file.commitments.clone().unwrap_or_default();
    let mut policy = file.apply_to(Policy::default_for(prices.catalog.provider));
    policy.form = form;
    if form == PlanForm::Free && args.nodes.max_pools.is_some() {
        return Err(vec![Fault::new("--max-pools", "this plan has no pools; see --form pooled")]);
    }
    restrict(&mut policy.types, &args.types);
    adjust(&mut policy, &args.nodes);
    policy.survive = args.survive.wanted().or(policy.survive);
    if args.cluster && policy.survive.is_some() {
        let message = "`survive` is not held for a cluster that runs; plan its workloads without --cluster";
        return Err(vec![Fault::new("policy", message)]);
    }
    matcher(&policy.types)?;
    let catalog = &prices.catalog;
    let elsewhere: Vec<Fault> = policy
        .zones
        .iter()
        .filter(|zone| !catalog.may_have_zone(zone))
        .map(|zone| {
            Fault::new("zones", format!("`{zone}` is no zone of the prices' region {}", catalog.region))
        })
        .collect();
    if !elsewhere.is_empty() {
        return Err(elsewhere);
    }
    Ok(Settings { prices, policy, purchase, owned, commitments, spot })
}

/// The prices that the options ask for, for commands without workloads.
///
/// # Errors
/// A name that no catalog has, or every fault of the file.
pub fn prices(args: &PriceArgs) -> Result<Prices, Vec<Fault>> {
    prices_of(args, &PolicyFile::default(), None)
}

/// The prices of this name, with what the options estimate.
///
/// # Errors
/// A name that no catalog has, or every fault of the file.
pub fn prices_named(args: &PriceArgs, name: &str) -> Result<Prices, Vec<Fault>> {
    let mut prices = named(name)?;
    agree(&mut prices.catalog, &[], args.estimate_compute_savings_plans)?;
    Ok(prices)
}

/// The prices that the options ask for, else a policy file, else those of this name.
///
/// # Errors
/// A name that no catalog has, or every fault of the file.
pub fn prices_of(args: &PriceArgs, file: &PolicyFile, hint: Option<&str>) -> Result<Prices, Vec<Fault>> {
    choose(args, file, hint)
}

/// The prices, with what was negotiated and what is to be estimated.
fn choose(args: &PriceArgs, file: &PolicyFile, hint: Option<&str>) -> Result<Prices, Vec<Fault>> {
    let mut prices = find(args, file, hint)?;
    let estimate = args.estimate_compute_savings_plans || file.estimate_compute_savings_plans == Some(true);
    agree(&mut prices.catalog, file.discounts.as_deref().unwrap_or_default(), estimate)?;
    Ok(prices)
}

/// Estimates Compute Savings Plans, if so, and takes discounts off.
///
/// # Errors
/// Compute Savings Plans of another provider than AWS.
fn agree(catalog: &mut Catalog, discounts: &[Discount], estimate: bool) -> Result<(), Vec<Fault>> {
    if estimate {
        if catalog.provider != Provider::Aws {
            let message = format!("Compute Savings Plans are AWS's; {} has prices of another", catalog.name);
            return Err(vec![Fault::new("--estimate-compute-savings-plans", message)]);
        }
        catalog.estimate_compute_savings_plans();
    }
    for name in catalog.without_effect(discounts) {
        super::say(&format!("discount `{name}` is for no type of {}", catalog.name));
    }
    catalog.negotiate(discounts);
    Ok(())
}

/// Whoever names prices first wins: the options, the policy file, the workloads.
fn find(args: &PriceArgs, file: &PolicyFile, hint: Option<&str>) -> Result<Prices, Vec<Fault>> {
    if let Some(name) = &args.catalog {
        return named(name);
    }
    let provider = args.provider.map(Provider::from);
    if provider.is_some() || args.region.is_some() {
        let provider = provider.or(file.provider);
        // The region of another provider would name none of this one's.
        let region = args.region.as_deref().or(file.region.as_deref().filter(|_| provider == file.provider));
        return by_region(provider, region, "--region");
    }
    if let Some(name) = &file.catalog {
        return named(name);
    }
    if file.provider.is_some() || file.region.is_some() {
        return by_region(file.provider, file.region.as_deref(), "region");
    }
    match hint {
        Some(name) => named(name),
        None => by_region(None, None, "region"),
    }
}

/// The newest bundled prices; `place` says who named the region.
fn by_region(provider: Option<Provider>, region: Option<&str>, place: &str) -> Result<Prices, Vec<Fault>> {
    let provider = provider.unwrap_or(DEFAULT_PROVIDER);
    let region = region.unwrap_or(default_region(provider));
    let found = catalog_file::by_region(provider, region);
    found.map(Prices::bundled).map_err(|unknown| vec![Fault::new(place, unknown.to_string())])
}

/// A bundled catalog by name, or a file.
///
/// # Errors
/// That there is neither, or every fault of the file.
fn named(name: &str) -> Result<Prices, Vec<Fault>> {
    let path = Path::new(name);
    match catalog_file::by_name(name) {
        Ok(bundled) => Ok(Prices::bundled(bundled)),
        Err(_) if path.exists() => {
            let Source { name, bytes } = files::read(path).map_err(|fault| vec![fault])?;
            let catalog = catalog_file::parse(&name, &bytes)?;
            Ok(Prices { catalog, text: bytes })
        }
        Err(unknown) => Err(vec![Fault::new(name, unknown.to_string()).help("nor is there such a file")]),
    }
}

/// The filter with its globs compiled.
///
/// # Errors
/// A glob that cannot be read.
pub fn matcher(filter: &TypeFilter) -> Result<TypeMatcher<'_>, Vec<Fault>> {
    filter.matcher().map_err(|invalid| vec![Fault::new("instance types", invalid.to_string())])
}

/// The offer that a way of paying names.
fn offer_key(choice: &PurchaseChoice) -> Option<OfferKey> {
    match *choice {
        PurchaseChoice::OnDemand | PurchaseChoice::SustainedUse => None,
        PurchaseChoice::Commitment { kind, term, payment } => Some(OfferKey { kind, term, payment }),
    }
}

/// Lets the options for instance types win over `filter`.
pub fn restrict(filter: &mut TypeFilter, args: &TypeArgs) {
    let replace = |list: &mut Vec<String>, given: &[String]| {
        if !given.is_empty() {
            *list = given.to_vec();
        }
    };
    replace(&mut filter.include, &args.include);
    replace(&mut filter.exclude, &args.exclude);
    replace(&mut filter.families, &args.family);
    if !args.arch.is_empty() {
        filter.architectures = args.arch.iter().map(|&arch| arch.into()).collect();
    }
    filter.max_cpu = args.max_vcpu.or(filter.max_cpu);
    filter.min_cpu = args.min_vcpu.or(filter.min_cpu);
    filter.max_memory = args.max_memory.or(filter.max_memory);
    filter.current_generation |= args.current_generation;
}

/// Lets the options for nodes win over `policy`.
pub fn adjust(policy: &mut Policy, args: &NodeArgs) {
    if let Some(model) = args.allocatable {
        policy.allocatable = model.into();
    }
    if let Some(mode) = args.max_pods {
        policy.max_pods = mode.0;
    }
    policy.hypervisor_memory = args.hypervisor_memory.unwrap_or(policy.hypervisor_memory);
    for (amounts, given) in
        [(&mut policy.headroom, &args.headroom), (&mut policy.overcommit, &args.overcommit)]
    {
        for share in given {
            amounts.extend(share.resources().into_iter().map(|resource| (resource, share.share)));
        }
    }
    if let Some(basis) = args.basis {
        policy.basis = basis.0;
    }
    for default in &args.default_request {
        policy.default_requests.insert(default.resource.clone(), default.amount);
    }
    if let Some(burstable) = args.burstable {
        policy.burstable = burstable.into();
    }
    policy.node_storage = args.node_storage.or(policy.node_storage);
    policy.max_types = args.max_types.or(policy.max_types);
    policy.max_pools = args.max_pools.or(policy.max_pools);
    if args.all_types {
        policy.default_types = DefaultTypes::All;
    }
}

#[cfg(test)]
mod tests {
    use super::super::args::ProviderArg;
    use super::*;

    fn chosen(provider: Option<ProviderArg>, region: Option<&str>, file: &str, hint: Option<&str>) -> String {
        let args = PriceArgs {
            provider,
            region: region.map(str::to_owned),
            catalog: None,
            estimate_compute_savings_plans: false,
        };
        let file =
            if file.is_empty() { PolicyFile::default() } else { policy_file::parse("p", file).unwrap() };
        choose(&args, &file, hint).map_or_else(|faults| faults[0].to_string(), |prices| prices.catalog.name)
    }

    #[test]
    fn options_win_over_the_policy_file_and_that_over_the_workloads() {
        let hint = Some("aws-2016-09-27-us-east-1");
        let gcp = "provider: gcp\nregion: us-west1\n";
        assert_eq!(chosen(None, None, "", None), "aws-2026-05-us-east-1");
        assert_eq!(chosen(None, None, "", hint), "aws-2016-09-27-us-east-1");
        assert_eq!(chosen(None, None, gcp, hint), "gcp-2026-07-30-us-west1");
        assert_eq!(chosen(None, Some("us-east1"), gcp, hint), "gcp-2026-07-30-us-east1");
        assert_eq!(chosen(Some(ProviderArg::Aws), None, gcp, hint), "aws-2026-05-us-east-1");
        assert_eq!(chosen(None, Some("eu-west-1"), "", hint), "aws-2026-05-eu-west-1");
    }

    #[test]
    fn what_no_catalog_is_called_is_a_fault() {
        assert!(chosen(None, Some("eu-west-9"), "", None).contains("did you mean `eu-west-1`?"));
        assert!(chosen(None, None, "", Some("acme")).contains("no catalog is called `acme`"));
    }

    #[test]
    fn a_share_without_a_resource_is_for_cpu_and_memory() {
        let mut policy = Policy::default_for(Provider::Aws);
        let shares = ["10%".parse().unwrap(), "memory=5%".parse().unwrap()];
        let args = NodeArgs { headroom: shares.to_vec(), ..NodeArgs::default() };
        adjust(&mut policy, &args);
        let headroom: Vec<String> = policy.headroom.iter().map(|(r, s)| format!("{r} {s}")).collect();
        assert_eq!(headroom, ["cpu 10 %", "memory 5 %"]);
    }
}
