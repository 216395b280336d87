//! The priced plan beside what others would buy, with what has to be said of it.

use anyhow::anyhow;
use plimsoll::baselines::{Baseline, BaselineKind, Skipped};
use plimsoll::formulate::Formulation;
use plimsoll::input::Fault;
use plimsoll::policy::PlanForm;
use plimsoll::report::view::{
    self, BaselineInput, Metadata, Notice, NoticeKind, PlanReport, ReportError, ReportInputs,
};
use plimsoll::search::Found;
use plimsoll::verify::placement;
use plimsoll::workload::WorkloadSet;

use super::super::Failure;
use super::super::settings::Settings;

/// What a plan is shown beside.
pub struct Beside<'a> {
    /// What others would buy.
    pub baselines: &'a [Result<Baseline, Skipped>],
    /// The cluster that runs, as it is first, where one was read.
    pub cluster: Vec<BaselineInput<'a>>,
}

/// The priced plan beside its baselines; the formulations are those of the free plan and of this one.
pub fn report(
    workloads: &WorkloadSet,
    settings: &Settings,
    (free, formulation): (&Formulation, &Formulation),
    found: &Found,
    beside: Beside<'_>,
    metadata: &Metadata,
) -> Result<PlanReport, Failure> {
    let Beside { baselines, cluster } = beside;
    let mut shown = shown(baselines);
    if !cluster.is_empty() {
        // What runs today is what savings are counted from.
        shown.iter_mut().for_each(|baseline| baseline.reference = false);
        shown.splice(0..0, cluster);
    }
    let inputs = ReportInputs {
        workloads,
        catalog: &settings.prices.catalog,
        policy: &settings.policy,
        formulation,
        outcome: &found.outcome,
        baselines: &shown,
        purchase: settings.purchase,
        free: found.free.as_ref().map(|plan| (&free.legend, plan)),
        metadata,
    };
    let mut report = view::build(&inputs).map_err(|error| match error {
        ReportError::NoSuchOffer { .. } => vec![Fault::new("--purchase", error.to_string())].into(),
        ReportError::Fleet(error) => Failure::Unexpected(anyhow!("plan and catalog disagree: {error}")),
    })?;
    for skipped in baselines.iter().filter_map(|baseline| baseline.as_ref().err()) {
        let message = format!("left out of the comparison: {skipped}");
        report.notices.push(Notice { kind: NoticeKind::Warning, workload: None, message });
    }
    let messages = what_restrictions_cost(found)
        .into_iter()
        .chain(preferences(workloads, &inputs))
        .chain(price_of_pools_unknown(workloads, settings))
        .chain(no_pod_for_spot(workloads, settings));
    report.notices.extend(messages.map(|message| Notice {
        kind: NoticeKind::Assumption,
        workload: None,
        message,
    }));
    report.notices.sort_by_key(|notice| notice.kind);
    Ok(report)
}

/// How many preferred rules the plan happens to satisfy, counted for each pod.
fn preferences(workloads: &WorkloadSet, inputs: &ReportInputs<'_>) -> Option<String> {
    let plan = inputs.outcome.plan().plan();
    let standing = placement::standing(&inputs.formulation.legend, inputs.catalog, plan);
    let (held, all) = placement::preferred(&workloads.workloads, &standing);
    (all > 0)
        .then(|| format!("of {all} preferred rules of pods, which do not bind, the plan satisfies {held}"))
}

/// Spot nodes were asked for, and no pod may lie on any.
fn no_pod_for_spot(workloads: &WorkloadSet, settings: &Settings) -> Option<String> {
    let asked = settings.spot.share.0 > 0;
    let some = workloads.workloads.iter().any(|w| w.pod.rules.spot.is_some());
    (asked && !some).then(|| {
        "nothing may lie on spot nodes: a share is rounded down to whole pods, and no workload's is one"
            .to_owned()
    })
}

/// Of Kubernetes objects both forms of plan are priced unless somebody asks for the free one alone.
fn price_of_pools_unknown(workloads: &WorkloadSet, settings: &Settings) -> Option<String> {
    let alone = settings.policy.form == PlanForm::Free && workloads.from_kubernetes;
    alone.then(|| {
        "the plan is free: what it costs more to keep every workload whole in one pool, which is what the \
         scheduler brings about, is not computed; --form pooled prices both"
            .to_owned()
    })
}

/// The plan against the cheapest one found without restrictions.
pub(super) fn what_restrictions_cost(found: &Found) -> Option<String> {
    // Of a pooled plan, the price of the pools is told by itself.
    let plan = found.free.as_ref().unwrap_or(found.outcome.plan()).hourly_cost();
    let without = found.relaxed.as_ref()?.hourly_cost();
    Some(match (plan - without).ratio_to(plan) {
        Some(share) if plan > without => format!(
            "the rules held by restriction cost {} an hour ({:.2} % of the plan): the cheapest plan found without them costs {without}",
            plan - without,
            share * 100.0,
        ),
        _ => "the rules held by restriction cost nothing: no cheaper plan was found without them".to_owned(),
    })
}

/// The baselines as the report shows them. What runs today is the "before" where the input names it
/// for every workload, one VM per replica by requests otherwise. Of Karpenter's arrival batches the
/// cheapest and the dearest tell the range.
fn shown(baselines: &[Result<Baseline, Skipped>]) -> Vec<BaselineInput<'_>> {
    let made: Vec<&Baseline> = baselines.iter().filter_map(|baseline| baseline.as_ref().ok()).collect();
    let is_before = |b: &&&Baseline| b.is_complete() && b.kind == BaselineKind::CurrentTypes;
    let before = made.iter().find(is_before).map_or(BaselineKind::OneVmByRequests, |b| b.kind);
    let batches = made.iter().filter(|b| is_karpenter(b)).map(|b| (b.hourly_cost(), b.kind));
    let range = [batches.clone().min(), batches.max()];
    made.iter()
        .filter(|b| !is_karpenter(b) || range.contains(&Some((b.hourly_cost(), b.kind))))
        .map(|b| BaselineInput {
            id: b.kind.id(),
            label: b.kind.label(),
            method: b.notes.iter().map(ToString::to_string).collect(),
            reference: b.kind == before,
            problem: &b.formulation.problem,
            legend: &b.formulation.legend,
            plan: &b.plan,
            pods_left_out: b.missing().iter().map(|obstacle| obstacle.replicas).sum(),
        })
        .collect()
}

fn is_karpenter(baseline: &Baseline) -> bool {
    matches!(baseline.kind, BaselineKind::Karpenter { .. })
}
