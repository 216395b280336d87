//! Rows in plain words: what the bound means, which settings hold, what to look at.

use crate::bill::{ListCost, Ratio};
use crate::catalog::{Architecture, Catalog, Provider};
use crate::formulate::{Formulation, Note};
use crate::plan::{BoundKind, StopReason};
use crate::policy::{AllocatableModel, BurstableCpu, MaxPods, PackingBasis, Policy};
use crate::report::number::{Currency, gap_percent};
use crate::report::view::{
    Notice, NoticeKind, PlanRow, ProgressRow, Setting, SkippedRow, SolveInfo, UtilizationRow,
};
use crate::units::{HOURS_PER_MONTH, ResourceName};
use crate::verify::VerifiedOutcome;
use crate::workload::{Workload, WorkloadSet};

use super::EKS_BOTTLEROCKET;
use super::placed::Placed;

/// How good the plan is.
pub(super) fn solve(outcome: &VerifiedOutcome, currency: &str) -> SolveInfo {
    let cost = outcome.plan().hourly_cost();
    let bound = outcome.lower_bound();
    let gap_month =
        (cost - bound.value).checked_mul(i128::from(HOURS_PER_MONTH)).expect("no bill reaches 10^29");
    let mut info = SolveInfo {
        cost_hour: ListCost::new(cost),
        lower_bound_hour: ListCost::new(bound.value),
        bound_kind: bound.kind,
        certified_bound_hour: ListCost::new(bound.certified),
        gap: Ratio::gap(cost, bound.value),
        certified_gap: Ratio::gap(cost, bound.certified),
        gap_month,
        stop: outcome.stop(),
        explanation: Vec::new(),
        progress: outcome
            .progress()
            .iter()
            .map(|point| ProgressRow {
                work: point.work,
                cost_hour: point.incumbent.map(ListCost::new),
                lower_bound_hour: ListCost::new(point.lower_bound),
            })
            .collect(),
    };
    info.explanation = explain(&info, Currency::new(currency));
    info
}

fn explain(info: &SolveInfo, currency: Currency<'_>) -> Vec<String> {
    let mut sentences = Vec::new();
    let (cost, bound) = (currency.rate(info.cost_hour.money()), currency.rate(info.lower_bound_hour.money()));
    match info.gap {
        Some(gap) if gap == Ratio::ZERO => sentences.push(format!(
            "No cheaper plan exists under these rules: every plan costs at least {bound} an hour on demand, and this one costs that."
        )),
        Some(gap) => sentences.push(format!(
            "This plan costs {cost} an hour on demand, and every plan under these rules costs at least {bound}. So a cheaper plan, if there is one, saves at most {} a month, {} of the cost. The cheapest plan lies somewhere between the two: part of the distance may be the bound's, not the plan's.",
            currency.cents(info.gap_month),
            gap_percent(gap),
        )),
        None => sentences.push("Nothing is known about how cheap a plan could be.".to_owned()),
    }
    sentences.push(match (info.bound_kind, info.certified_gap) {
        (BoundKind::Certified, _) => {
            "The bound is certified: it follows from integer arithmetic that anybody can recheck (`--certificate`, `plimsoll check`).".to_owned()
        }
        (BoundKind::SolverReported, Some(certified)) => format!(
            "The bound is the word of a MIP solver in floating point; certified in integer arithmetic is a distance of at most {}.",
            gap_percent(certified)
        ),
        (BoundKind::SolverReported, None) => {
            "The bound is the word of a MIP solver in floating point.".to_owned()
        }
    });
    sentences.push(
        match info.stop {
            StopReason::Optimal => "The search ended because nothing is left to gain.",
            StopReason::BestUnderRestrictions => {
                "The search ended with the cheapest plan among those that hold the rules by restriction as stated; the bound is for plans without these restrictions."
            }
            StopReason::GapReached => "The search ended because the gap that was asked for is reached.",
            StopReason::Exhausted => "The search ended because it had found nothing better for long.",
            StopReason::WorkLimit => {
                "The search ended with the work that its effort allows; more effort may find a cheaper plan or a tighter bound."
            }
            StopReason::TimeLimit => {
                "The search ended at its time limit; more time may find a cheaper plan or a tighter bound."
            }
            StopReason::Interrupted => "The search was interrupted; this is the best plan until then.",
        }
        .to_owned(),
    );
    sentences
}

/// Every setting that holds, by name.
pub(super) fn settings(policy: &Policy, provider: Provider) -> Vec<Setting> {
    let mut settings = Vec::new();
    let mut set = |name: &str, value: String| settings.push(Setting { name: name.to_owned(), value });
    let types = &policy.types;
    if !types.names_types() {
        set("types.default", policy.default_types.describe(provider).to_owned());
    }
    let globs = |globs: &[String]| if globs.is_empty() { None } else { Some(globs.join(" ")) };
    let optional = [
        ("types.include", globs(&types.include)),
        ("types.exclude", globs(&types.exclude)),
        ("types.families", globs(&types.families)),
        ("types.max_cpu", types.max_cpu.map(|v| v.to_string())),
        ("types.min_cpu", types.min_cpu.map(|v| v.to_string())),
        ("types.max_memory", types.max_memory.map(|v| v.to_string())),
        ("types.current_generation", types.current_generation.then(|| "only".to_owned())),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            set(name, value);
        }
    }
    if !types.architectures.is_empty() {
        let names: Vec<String> = types.architectures.iter().map(ToString::to_string).collect();
        set("types.architectures", names.join(" "));
    }
    set("allocatable", allocatable(&policy.allocatable));
    if !policy.measured.is_empty() {
        let types: Vec<&str> = policy.measured.keys().map(String::as_str).collect();
        set("measured", format!("{}: as nodes that run report it", types.join(", ")));
    }
    set(
        "max_pods",
        match policy.max_pods {
            MaxPods::Model => "as the allocatable model has it".to_owned(),
            MaxPods::Eni => "VPC CNI with secondary addresses".to_owned(),
            MaxPods::PrefixDelegation => "VPC CNI with prefix delegation".to_owned(),
            MaxPods::Fixed(n) => n.to_string(),
            MaxPods::Unlimited => "unlimited".to_owned(),
        },
    );
    set("hypervisor_memory", policy.hypervisor_memory.to_string());
    for (resource, share) in &policy.headroom {
        set(&format!("headroom.{resource}"), share.to_string());
    }
    for (resource, ratio) in &policy.overcommit {
        set(&format!("overcommit.{resource}"), ratio.to_string());
    }
    set(
        "basis",
        match policy.basis {
            PackingBasis::Requests => "requests".to_owned(),
            PackingBasis::Limits => "limits".to_owned(),
            PackingBasis::Blend(share) => format!("requests + {share} of the way to limits"),
        },
    );
    for (resource, &amount) in &policy.default_requests {
        set(&format!("default_requests.{resource}"), resource.display(amount));
    }
    set(
        "burstable",
        match policy.burstable {
            BurstableCpu::Baseline => "counted at the baseline that the price buys".to_owned(),
            BurstableCpu::Exclude => "not bought".to_owned(),
            BurstableCpu::FullWithSurplus => "all vCPUs, surplus credits paid".to_owned(),
        },
    );
    if let Some(most) = policy.max_types {
        set("max_types", most.to_string());
    }
    settings
}

fn allocatable(model: &AllocatableModel) -> String {
    match model {
        AllocatableModel::Eks => "EKS, Amazon Linux 2023".to_owned(),
        AllocatableModel::EksBottlerocket => EKS_BOTTLEROCKET.to_owned(),
        AllocatableModel::Gke => "GKE".to_owned(),
        AllocatableModel::Aks => "AKS, Kubernetes 1.29 and later".to_owned(),
        AllocatableModel::AksBefore129 => "AKS, Kubernetes before 1.29".to_owned(),
        AllocatableModel::None => "the whole node".to_owned(),
        AllocatableModel::Explicit { reserved_cpu, reserved_memory } => {
            format!("all but {reserved_cpu} cpu and {reserved_memory}")
        }
    }
}

/// Why the plan costs more than what was there before, where it does.
pub(super) fn dearer(before: Option<&PlanRow>, plan: &PlanRow, policy: &Policy) -> Option<Notice> {
    if before?.list_hour >= plan.list_hour {
        return None;
    }
    let mut message = "the plan costs more than the machines of before: those count in full, with nothing kept for kubelet, system and DaemonSets, and a cluster's nodes do not".to_owned();
    if policy.survive.is_some() {
        message.push_str("; nor have they room for a loss, as this plan has");
    }
    Some(Notice { kind: NoticeKind::Warning, workload: None, message })
}

/// Warnings first, then assumptions; each kind in the order found.
pub(super) fn notices(
    workloads: &WorkloadSet,
    formulation: &Formulation,
    catalog: &Catalog,
    placed: &Placed<'_>,
    dearer: Option<Notice>,
    used: &[UtilizationRow],
) -> Vec<Notice> {
    let mut notices: Vec<Notice> = formulation.notes.iter().map(notice).collect();
    let general = |kind, message| Notice { kind, workload: None, message };
    notices.extend(dearer);
    notices.extend(outsized_limits(workloads, used));
    notices.extend(formulation.restrictions.iter().map(|restriction| {
        let message = format!("{restriction}; the bound is that of the problem without this");
        general(NoticeKind::Assumption, message)
    }));
    notices.extend(workloads.warnings.iter().map(|w| general(NoticeKind::Warning, w.clone())));
    let mut types: Vec<usize> = placed.fleet.iter().map(|&(index, ..)| index).collect();
    types.sort_unstable();
    types.dedup();
    for instance_type in types.iter().map(|&index| &catalog.types[index]) {
        for mark in &instance_type.marks {
            let meaning = catalog.marks.get(mark).unwrap_or(mark);
            let message = format!("{}: {meaning}", instance_type.name);
            notices.push(general(NoticeKind::Warning, message));
        }
    }
    notices.extend(on_arm64(formulation, catalog, &types).map(|m| general(NoticeKind::Assumption, m)));
    notices.sort_by_key(|n| n.kind);
    notices
}

/// Where limits add up to many times what there is, one slip or stand-in for "none" is often most of it.
fn outsized_limits(workloads: &WorkloadSet, used: &[UtilizationRow]) -> Vec<Notice> {
    const MANY_TIMES: u128 = 10;
    let mut notices = Vec::new();
    for row in used.iter().filter(|row| row.limits > MANY_TIMES * row.allocatable) {
        let resource = ResourceName::from(row.resource.as_str());
        let limits = |w: &Workload| {
            let each = w.pod.limits.get(&resource).copied().unwrap_or(0);
            (u128::from(each) * u128::from(w.replicas), each)
        };
        let Some(largest) = workloads.workloads.iter().max_by_key(|w| limits(w).0) else { continue };
        let (sum, each) = limits(largest);
        if sum * 2 > row.limits {
            let (id, each) = (&largest.id, resource.display(each));
            notices.push(Notice {
                kind: NoticeKind::Warning,
                workload: Some(id.to_string()),
                message: format!("{id} has most of all {resource} limits: {each} a pod; is that meant?"),
            });
        }
    }
    notices
}

/// Manifests seldom say for which architectures their images are built: where the plan had the choice
/// and took arm64, the reader must check that.
fn on_arm64(formulation: &Formulation, catalog: &Catalog, used: &[usize]) -> Option<String> {
    let is = |index: usize, wanted| catalog.types[index].architecture == wanted;
    let arm64: Vec<&str> = used
        .iter()
        .filter(|&&index| is(index, Architecture::Arm64))
        .map(|&index| catalog.types[index].name.as_str())
        .collect();
    let choice = formulation.legend.nodes.iter().any(|n| is(n.catalog_type, Architecture::Amd64));
    (choice && !arm64.is_empty()).then(|| {
        let types = arm64.join(", ");
        format!("the images of pods on {types} are built for arm64 too; `--arch amd64` plans without")
    })
}

fn notice(note: &Note) -> Notice {
    let (kind, workload) = match note {
        Note::ExceedsCurrentType { workload, .. } => (NoticeKind::Warning, Some(workload)),
        Note::WithoutRequests { .. }
        | Note::WithoutLimits { .. }
        | Note::LimitsUnbounded { .. }
        | Note::ResourceUnknown { .. }
        | Note::NothingMatches { .. }
        | Note::PoolWithoutTypes { .. }
        | Note::SettingWithoutEffect { .. } => (NoticeKind::Warning, None),
        _ => (NoticeKind::Assumption, None),
    };
    Notice { kind, workload: workload.map(ToString::to_string), message: note.to_string() }
}

/// What was read and does not count.
pub(super) fn skipped(workloads: &WorkloadSet) -> Vec<SkippedRow> {
    let mut rows: Vec<SkippedRow> = workloads
        .skipped_kinds
        .iter()
        .map(|(kind, &count)| SkippedRow { what: format!("of kind {kind}"), count })
        .collect();
    let pods = [
        ("pods of a controller that is in the input too", workloads.owned_pods),
        ("pods that are finished", workloads.finished_pods),
    ];
    for (what, count) in pods {
        if count > 0 {
            rows.push(SkippedRow { what: what.to_owned(), count });
        }
    }
    rows
}
