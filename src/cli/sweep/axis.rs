//! `--vary SETTING=VALUES`: what a sweep varies, and what each value does to the options or the policy.

use std::str::FromStr;

use clap::ValueEnum;
use plimsoll::policy::{PackingBasis, Policy};
use plimsoll::report::sweep::{AxisValue, SweepAxis, Wanted};
use plimsoll::units::{Bytes, MilliCpu, Money, PartsPerMillion, ResourceName};
use plimsoll::workload::WorkloadSet;

use super::super::args::{ArchArg, BasisArg, PlanArgs, ProviderArg, ShareArg, memory, money, share, vcpus};

/// A setting and the values that it takes in turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vary {
    /// Which setting.
    pub setting: Setting,
    /// Its values, in the order given.
    pub values: Vec<Value>,
}

/// A value as given and as understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// As given.
    pub text: String,
    /// What it does.
    pub change: Change,
}

/// What can be varied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Setting {
    /// What pods are packed by
    Basis,
    /// Limits over allocatable
    Overcommit,
    /// Share of nodes to keep free
    Headroom,
    /// Replicas of all workloads, as a share of what they are
    Replicas,
    /// Region of the prices
    Region,
    /// Provider of the prices
    Provider,
    /// Families of instance types
    Family,
    /// Processor architectures
    Arch,
    /// The largest node, in vCPUs
    MaxVcpu,
    /// The largest node, in memory
    MaxMemory,
    /// Distinct instance types
    MaxTypes,
    /// Pools of a pooled plan
    MaxPools,
    /// Share of the replicas that may run on spot nodes
    Spot,
    /// Instance types over which pods on spot nodes are spread
    SpotTypes,
    /// What purchases may oblige to in all; every point proposes what to commit to
    MaxCommitment,
}

/// What a value does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Basis(PackingBasis),
    /// Empty for no bound.
    Overcommit(Vec<ShareArg>),
    Headroom(Vec<ShareArg>),
    Replicas(PartsPerMillion),
    Region(String),
    Provider(ProviderArg),
    /// Empty for any.
    Family(Vec<String>),
    /// Empty for any.
    Arch(Vec<ArchArg>),
    /// `None` for no bound, here and below.
    MaxVcpu(Option<MilliCpu>),
    MaxMemory(Option<Bytes>),
    MaxTypes(Option<u32>),
    MaxPools(Option<u32>),
    Spot(PartsPerMillion),
    SpotTypes(u32),
    MaxCommitment(Option<Money>),
}

/// The word for a value that sets no bound.
const NONE: &str = "none";
/// The word for any family or architecture.
const ANY: &str = "any";

impl Setting {
    /// As on the command line.
    pub fn name(self) -> String {
        let value = self.to_possible_value().expect("no setting is hidden");
        value.get_name().to_owned()
    }

    /// Whether its values are shares, so that a percent sign at the end is for all of them.
    fn takes_shares(self) -> bool {
        matches!(self, Setting::Headroom | Setting::Replicas | Setting::Overcommit | Setting::Spot)
    }

    /// Which values are wanted where cost is equal, and whether plans for these hold for the others too.
    fn wanted(self) -> (Option<Wanted>, bool) {
        match self {
            // What is packed by limits fits by requests too.
            Setting::Basis | Setting::Headroom => (Some(Wanted::More), true),
            Setting::Overcommit
            | Setting::MaxVcpu
            | Setting::MaxMemory
            | Setting::MaxTypes
            | Setting::MaxPools
            // What a cap allows, a higher one does too.
            | Setting::MaxCommitment
            // Pods that may lie on spot nodes need not.
            | Setting::Spot => (Some(Wanted::Less), true),
            // Types are dealt out anew for each number.
            Setting::Replicas | Setting::SpotTypes => (Some(Wanted::More), false),
            Setting::Region | Setting::Provider | Setting::Family | Setting::Arch => (None, false),
        }
    }

    fn change(self, text: &str) -> Result<Change, String> {
        let bound = |text: &str| (text != NONE).then(|| text.to_owned());
        let count = |text: &str| match bound(text) {
            None => Ok(None),
            Some(number) => match number.parse::<u32>() {
                Ok(n) if n > 0 => Ok(Some(n)),
                _ => Err(format!("`{text}` is no number from 1 on, nor `{NONE}`")),
            },
        };
        let shares = |text: &str| text.split('+').map(str::parse).collect::<Result<Vec<ShareArg>, _>>();
        let names = |text: &str| -> Vec<String> {
            if text == ANY { Vec::new() } else { text.split('+').map(str::to_owned).collect() }
        };
        Ok(match self {
            Setting::Basis => Change::Basis(text.parse::<BasisArg>()?.0),
            Setting::Overcommit if text == NONE => Change::Overcommit(Vec::new()),
            Setting::Overcommit => Change::Overcommit(shares(text)?),
            Setting::Headroom => Change::Headroom(shares(text)?),
            Setting::Replicas => Change::Replicas(text.parse().map_err(|e| format!("{e}"))?),
            Setting::Region => Change::Region(text.to_owned()),
            Setting::Provider => Change::Provider(ProviderArg::from_str(text, false)?),
            Setting::Family => Change::Family(names(text)),
            Setting::Arch => {
                let read = |name: &String| ArchArg::from_str(name, false);
                Change::Arch(names(text).iter().map(read).collect::<Result<_, _>>()?)
            }
            Setting::MaxVcpu => Change::MaxVcpu(bound(text).map(|t| vcpus(&t)).transpose()?),
            Setting::MaxMemory => Change::MaxMemory(bound(text).map(|t| memory(&t)).transpose()?),
            Setting::MaxTypes => Change::MaxTypes(count(text)?),
            Setting::MaxPools => Change::MaxPools(count(text)?),
            Setting::Spot => Change::Spot(share(text)?),
            Setting::SpotTypes => match text.parse() {
                Ok(types @ 1..=100) => Change::SpotTypes(types),
                _ => return Err(format!("`{text}` is no number from 1 to 100")),
            },
            Setting::MaxCommitment => Change::MaxCommitment(bound(text).map(|t| money(&t)).transpose()?),
        })
    }
}

impl Change {
    /// Changes the options before prices and policy are settled.
    pub fn apply_to_options(&self, args: &mut PlanArgs) {
        match self {
            Change::Region(region) => args.prices.region = Some(region.clone()),
            Change::Provider(provider) => args.prices.provider = Some(*provider),
            Change::Spot(share) => args.spot.spot = Some(*share),
            Change::SpotTypes(types) => args.spot.spot_types = Some(*types),
            Change::MaxCommitment(most) => args.commit.max_commitment = *most,
            _ => {}
        }
    }

    /// Changes the policy that the options make.
    pub fn apply_to_policy(&self, policy: &mut Policy) {
        let set = |amounts: &mut std::collections::BTreeMap<ResourceName, PartsPerMillion>,
                   shares: &[ShareArg]| {
            for share in shares {
                amounts.extend(share.resources().into_iter().map(|resource| (resource, share.share)));
            }
        };
        match self {
            Change::Basis(basis) => policy.basis = *basis,
            Change::Overcommit(shares) => {
                if shares.is_empty() {
                    policy.overcommit.clear();
                }
                set(&mut policy.overcommit, shares);
            }
            Change::Headroom(shares) => set(&mut policy.headroom, shares),
            Change::Family(families) => policy.types.families.clone_from(families),
            Change::Arch(archs) => policy.types.architectures = archs.iter().map(|&a| a.into()).collect(),
            Change::MaxVcpu(most) => policy.types.max_cpu = *most,
            Change::MaxMemory(most) => policy.types.max_memory = *most,
            Change::MaxTypes(most) => policy.max_types = *most,
            Change::MaxPools(most) => policy.max_pools = *most,
            Change::Replicas(_)
            | Change::Region(_)
            | Change::Provider(_)
            | Change::Spot(_)
            | Change::SpotTypes(_)
            | Change::MaxCommitment(_) => {}
        }
    }

    /// Changes what is planned.
    pub fn apply_to_workloads(&self, set: &mut WorkloadSet) {
        if let Change::Replicas(share) = self {
            set.workloads.iter_mut().for_each(|w| w.replicas = share.ceil_of(w.replicas));
        }
    }

    /// How it compares with other values of the setting; `None` where it does not.
    fn rank(&self) -> Option<u64> {
        let one_share = |shares: &[ShareArg], none: u64| match shares {
            [] => Some(none),
            [one] => Some(u64::from(one.share.0)),
            _ => None,
        };
        Some(match self {
            Change::Basis(PackingBasis::Requests) => 0,
            Change::Basis(PackingBasis::Blend(share)) => u64::from(share.0),
            Change::Basis(PackingBasis::Limits) => u64::from(PartsPerMillion::ONE.0),
            Change::Overcommit(shares) => one_share(shares, u64::MAX)?,
            Change::Headroom(shares) => one_share(shares, 0)?,
            Change::Replicas(share) | Change::Spot(share) => u64::from(share.0),
            Change::SpotTypes(types) => u64::from(*types),
            Change::MaxVcpu(most) => most.map_or(u64::MAX, |most| most.0),
            Change::MaxMemory(most) => most.map_or(u64::MAX, |most| most.0),
            Change::MaxTypes(most) | Change::MaxPools(most) => most.map_or(u64::MAX, u64::from),
            // In millionths, which no budget is finer than.
            Change::MaxCommitment(Some(most)) => u64::try_from(most.nanos() / 1_000).ok()?,
            Change::MaxCommitment(None) => u64::MAX,
            Change::Region(_) | Change::Provider(_) | Change::Family(_) | Change::Arch(_) => return None,
        })
    }

    /// The resource that a single share is for.
    fn of_resource(&self) -> Option<&ResourceName> {
        match self {
            Change::Overcommit(shares) | Change::Headroom(shares) => shares.first()?.resource.as_ref(),
            _ => None,
        }
    }
}

impl Vary {
    /// Index of the value whose plans hold for most others; the first where values do not compare.
    pub fn strictest(&self) -> usize {
        let axis = self.axis();
        let rank = |&(_, value): &(usize, &AxisValue)| value.rank;
        let mut values = axis.values.iter().enumerate().filter(|_| axis.nested);
        let found = match axis.wanted {
            Some(Wanted::Less) => values.min_by_key(rank),
            // Of equals the first.
            Some(Wanted::More) => values.rev().max_by_key(rank),
            None => values.next(),
        };
        found.map_or(0, |(index, _)| index)
    }

    /// As a sweep's report has it.
    pub fn axis(&self) -> SweepAxis {
        let (wanted, nested) = self.setting.wanted();
        // Shares of different resources do not compare.
        let first = self.values.first().and_then(|v| v.change.of_resource());
        let alike = self.values.iter().all(|v| v.change.of_resource() == first || v.text == NONE);
        let ranks: Option<Vec<u64>> = self.values.iter().map(|v| v.change.rank().filter(|_| alike)).collect();
        let rank = |i: usize| ranks.as_ref().map(|ranks| ranks[i]);
        let value = |(i, v): (usize, &Value)| AxisValue { text: v.text.clone(), rank: rank(i) };
        SweepAxis {
            name: self.setting.name(),
            values: self.values.iter().enumerate().map(value).collect(),
            wanted: wanted.filter(|_| ranks.is_some()),
            nested: nested && ranks.is_some(),
        }
    }
}

impl FromStr for Vary {
    type Err = String;

    /// Reads `headroom=0,10,20%`, `max-types=1..6`, `headroom=0..30%:10`, `family=m5+c5,m6i+c6i`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, list) =
            text.split_once('=').ok_or("write SETTING=VALUE,VALUE,..., such as max-types=1..6")?;
        let setting = Setting::from_str(name, false).map_err(|_| {
            let names: Vec<String> = Setting::value_variants().iter().map(|s| s.name()).collect();
            format!("`{name}` cannot be varied; what can: {}", names.join(", "))
        })?;
        let mut texts = Vec::new();
        for piece in list.split(',').map(str::trim) {
            texts.extend(expand(piece)?);
        }
        let percent = texts.last().is_some_and(|last| last.ends_with('%'));
        if setting.takes_shares() && percent {
            for text in texts.iter_mut().filter(|t| t.bytes().all(|b| b.is_ascii_digit() || b == b'.')) {
                text.push('%');
            }
        }
        let mut values: Vec<Value> = Vec::new();
        for text in texts {
            if values.iter().any(|v| v.text == text) {
                return Err(format!("`{text}` is there twice"));
            }
            let change = setting.change(&text)?;
            values.push(Value { text, change });
        }
        Ok(Vary { setting, values })
    }
}

/// The most values that a range stands for, so that a slip does not plan for days.
const MOST: u32 = 1_000;

/// `1..4` is 1, 2, 3, 4; `0..30%:10` is 0%, 10%, 20%, 30%; anything else stands for itself.
fn expand(piece: &str) -> Result<Vec<String>, String> {
    let Some((from, rest)) = piece.split_once("..") else {
        return if piece.is_empty() {
            Err("a value is missing".to_owned())
        } else {
            Ok(vec![piece.to_owned()])
        };
    };
    let (to, step) = rest.split_once(':').unwrap_or((rest, "1"));
    let (to, percent) = to.strip_suffix('%').map_or((to, ""), |to| (to, "%"));
    let whole = |text: &str| {
        let digits = text.trim_end_matches('%');
        digits.parse::<u32>().map_err(|_| format!("`{piece}` is no range; write 1..6 or 0..30%:10"))
    };
    let (from, to, step) = (whole(from)?, whole(to)?, whole(step)?);
    if step == 0 || from > to || (to - from) / step >= MOST {
        return Err(format!("`{piece}` is no range upwards of at most {MOST} values"));
    }
    Ok((from..=to).step_by(step as usize).map(|n| format!("{n}{percent}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(vary: &str) -> Vec<String> {
        vary.parse::<Vary>().unwrap().values.into_iter().map(|v| v.text).collect()
    }

    #[test]
    fn lists_ranges_and_a_percent_sign_for_all() {
        assert_eq!(texts("headroom=0,10,20,30%"), ["0%", "10%", "20%", "30%"]);
        assert_eq!(texts("headroom=0..30%:10"), ["0%", "10%", "20%", "30%"]);
        assert_eq!(texts("max-types=1..3,none"), ["1", "2", "3", "none"]);
        assert_eq!(texts("overcommit=1,1.5,none"), ["1", "1.5", "none"]);
        assert_eq!(texts("family=m5+c5,any"), ["m5+c5", "any"]);
        assert_eq!(texts("region=eu-west-1,us-east-1"), ["eu-west-1", "us-east-1"]);
    }

    #[test]
    fn what_is_no_setting_or_value_is_refused_with_its_reason() {
        for (vary, words) in [
            ("speed=1", "what can: basis, overcommit"),
            ("headroom", "write SETTING"),
            ("max-types=0", "no number from 1 on"),
            ("max-types=1,1", "twice"),
            ("max-types=3..1", "upwards"),
            ("headroom=1..x", "no range"),
            ("headroom=10%,", "missing"),
            ("basis=guess", "requests, limits or blend"),
            ("arch=vax", "invalid variant"),
        ] {
            let error = vary.parse::<Vary>().unwrap_err();
            assert!(error.contains(words), "{vary}: {error}");
        }
    }

    #[test]
    fn the_strictest_value_is_that_whose_plans_hold_for_the_others() {
        let strictest = |text: &str| text.parse::<Vary>().unwrap().strictest();
        assert_eq!(strictest("headroom=0,30,20%"), 1);
        assert_eq!(strictest("max-types=4,none,2,3"), 2);
        assert_eq!(strictest("max-commitment=none,5000,0"), 2);
        assert_eq!(strictest("basis=requests,limits"), 1);
        // Replicas do not nest, regions do not compare.
        assert_eq!(strictest("replicas=80%,150%"), 0);
        assert_eq!(strictest("region=us-east-1,eu-west-1"), 0);
    }

    #[test]
    fn ranks_stand_only_where_all_values_compare() {
        let axis = |text: &str| text.parse::<Vary>().unwrap().axis();
        let same = axis("overcommit=cpu=1,cpu=2,none");
        assert!(same.nested && same.values[2].rank == Some(u64::MAX));
        let mixed = axis("overcommit=cpu=1,memory=2");
        assert_eq!((mixed.wanted, mixed.nested, mixed.values[0].rank), (None, false, None));
        assert_eq!(axis("basis=requests,limits").values[1].rank, Some(1_000_000));
        assert_eq!(axis("arch=amd64,any").wanted, None);
    }
}
