//! How controllers replace their pods: `strategy` of Deployments, `updateStrategy` of StatefulSets.

use super::document::Value;
use super::view::View;
use crate::units::PartsPerMillion;
use crate::workload::{Amount, UpdateStrategy, WorkloadKind};

/// What Kubernetes takes for a Deployment's `maxSurge` and `maxUnavailable`, each by itself.
const QUARTER: Amount = Amount::Share(PartsPerMillion(250_000));

/// The strategy that a controller's spec gives; `None` where it gives none, or its kind has none.
pub(super) fn read_update(kind: WorkloadKind, spec: View<'_>) -> Option<UpdateStrategy> {
    match kind {
        WorkloadKind::Deployment => read_deployment(spec.get("strategy")?),
        WorkloadKind::StatefulSet => read_stateful_set(spec.get("updateStrategy")?),
        _ => None,
    }
}

fn read_deployment(strategy: View<'_>) -> Option<UpdateStrategy> {
    let rolling = strategy.get("rollingUpdate");
    match strategy.get("type").and_then(|kind| kind.text()) {
        Some("Recreate") => return Some(UpdateStrategy::Recreate),
        Some("RollingUpdate") | None => {}
        Some(other) => {
            let message = format!("`{other}` is no strategy of a Deployment");
            strategy.fault_with_help(message, "write RollingUpdate or Recreate");
            return None;
        }
    }
    let rolling = rolling?;
    let amount = |key: &str| match rolling.get(key) {
        Some(view) => read_amount(view),
        None => Some(QUARTER),
    };
    let (max_surge, max_unavailable) = (amount("maxSurge")?, amount("maxUnavailable")?);
    let none = |amount: Amount| amount.ceil_of(u64::MAX) == 0;
    if none(max_surge) && none(max_unavailable) {
        rolling.fault("maxSurge and maxUnavailable are both zero, so that no update could begin");
        return None;
    }
    Some(UpdateStrategy::Rolling { max_surge, max_unavailable })
}

fn read_stateful_set(strategy: View<'_>) -> Option<UpdateStrategy> {
    let max_unavailable = read_amount(strategy.get("rollingUpdate")?.get("maxUnavailable")?)?;
    Some(UpdateStrategy::InPlace { max_unavailable })
}

/// `3` or `"30%"`.
pub(super) fn read_amount(view: View<'_>) -> Option<Amount> {
    if let Value::String(text) = &view.node.value {
        let share = text.strip_suffix('%').and_then(|digits| digits.parse::<u32>().ok());
        return match share.and_then(|percent| percent.checked_mul(10_000)) {
            Some(share) => Some(Amount::Share(PartsPerMillion(share))),
            None => {
                view.fault_with_help(format!("`{text}` is no share"), "write a number of pods, or \"30%\"");
                None
            }
        };
    }
    view.whole().map(Amount::Pods)
}
