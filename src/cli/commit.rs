//! What to commit to, for `plimsoll plan --commit`: its options, what is owned, and the proposals.

use clap::Args;
use plimsoll::bill::SizeRatios;
use plimsoll::bill::commitment::{Holding, owned};
use plimsoll::catalog::{OfferKind, Payment, Term};
use plimsoll::demand::Horizon;
use plimsoll::input::Fault;
use plimsoll::input::policy_file::CommitmentPolicy;
use plimsoll::purchase::{Options, TailRisk};
use plimsoll::units::{Money, PartsPerMillion};

use super::args::{money, share};
use super::settings::Settings;

/// What to commit to.
#[derive(Debug, Args)]
#[command(next_help_heading = "Commitments")]
pub struct CommitArgs {
    /// Propose what to commit to for the horizon, with the nodes packed for it
    #[arg(long, conflicts_with = "cluster")]
    pub commit: bool,
    /// Instruments that may be bought, such as reserved-standard,compute-savings-plan [default: all]
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = word::<OfferKind>, requires = "commit")]
    pub commit_kind: Vec<OfferKind>,
    /// Ways of paying that are allowed: no-upfront, partial-upfront, all-upfront [default: all]
    #[arg(long, value_name = "PAYMENT", value_delimiter = ',', value_parser = word::<Payment>, requires = "commit")]
    pub commit_payment: Vec<Payment>,
    /// The longest term: 1y or 3y [default: 1y, 3y where the horizon is as long]
    #[arg(long, value_name = "TERM", value_parser = word::<Term>, requires = "commit")]
    pub max_term: Option<Term>,
    /// What purchases may oblige to in all, over their whole terms
    #[arg(long, value_name = "MONEY", value_parser = money, requires = "commit")]
    pub max_commitment: Option<Money>,
    /// What purchases may cost at the start
    #[arg(long, value_name = "MONEY", value_parser = money, requires = "commit")]
    pub max_upfront: Option<Money>,
    /// The least share of the on-demand equivalent that commitments have to cover
    #[arg(long, value_name = "PERCENT", value_parser = share, requires = "commit")]
    pub min_coverage: Option<PartsPerMillion>,
    /// Let the mean of the worst outcomes count beside the expectation: which share of outcomes, and how
    /// much it counts, such as 10%:50%
    #[arg(long, value_name = "SHARE:WEIGHT", value_parser = tail, requires = "commit")]
    pub cvar: Option<TailRisk>,
    /// Split every purchase into so many monthly tranches
    #[arg(long, value_name = "MONTHS", value_parser = clap::value_parser!(u32).range(1..=36), requires = "commit")]
    pub ladder: Option<u32>,
    /// Do not buy again what ends within the horizon
    #[arg(long, requires = "commit")]
    pub no_renew: bool,
}

/// A word as policy files have it.
fn word<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).map_err(|error| error.to_string())
}

fn tail(text: &str) -> Result<TailRisk, String> {
    let (share_text, weight) = text.split_once(':').ok_or("write SHARE:WEIGHT, such as 10%:50%")?;
    let form = |_| "both are shares from 0% to 100%, the first above 0%".to_owned();
    let (part, weight) = (share(share_text).map_err(form)?, share(weight).map_err(form)?);
    if part.0 == 0 {
        return Err("both are shares from 0% to 100%, the first above 0%".to_owned());
    }
    Ok(TailRisk { share: part, weight })
}

fn given<T: Clone>(list: &[T]) -> Option<Vec<T>> {
    (!list.is_empty()).then(|| list.to_vec())
}

impl CommitArgs {
    /// What may be bought, and within which limits: what options leave open is the policy's.
    pub fn options(&self, horizon: Horizon, policy: &CommitmentPolicy) -> Options {
        let usual = if u64::from(horizon.hours) >= Term::ThreeYears.hours() {
            Term::ThreeYears
        } else {
            Term::OneYear
        };
        let of_policy = policy.cvar_share.zip(policy.cvar_weight);
        let of_policy = of_policy.map(|(share, weight)| TailRisk { share, weight });
        Options {
            kinds: given(&self.commit_kind).or_else(|| policy.kinds.clone()),
            payments: given(&self.commit_payment).or_else(|| policy.payments.clone()),
            longest_term: self.max_term.or(policy.max_term).unwrap_or(usual),
            most_obligation: self.max_commitment.or(policy.max_commitment),
            most_upfront: self.max_upfront.or(policy.max_upfront),
            least_coverage: self.min_coverage.or(policy.min_coverage),
            tail: self.cvar.or(of_policy),
            ladder_months: self.ladder.or(policy.ladder_months).unwrap_or(1),
            renew: !self.no_renew && policy.renew.unwrap_or(true),
        }
    }

    /// What the policy says is owned, in hours of the horizon.
    ///
    /// # Errors
    /// Commitments that the catalog contradicts, or whose dates nobody can place.
    pub fn owned(
        &self,
        settings: &Settings,
        horizon: Horizon,
        ratios: &SizeRatios,
    ) -> Result<Vec<Holding>, Vec<Fault>> {
        let Some(first) = settings.owned.first().filter(|_| self.commit) else { return Ok(Vec::new()) };
        let Some(day) = horizon.start else {
            let fault = Fault::new(&first.place, "owned commitments have dates, and the plan has none");
            return Err(vec![fault.help("give its first day, such as --as-of 2026-08-01")]);
        };
        owned::holdings(&settings.owned, &settings.prices.catalog, day, ratios)
            .map_err(|errors| errors.iter().map(|e| Fault::new(e.place(), e.to_string())).collect())
    }
}
