//! Which nodes to run and what to commit to, decided together.
//!
//! What is reserved changes which node is cheapest. A linear programme over all levels of demand, with
//! commitments as columns, says what a unit covered is worth in each of them:
//!
//! ```text
//! min  sum_c cost_c y_c + sum_l W_l ( sum_b rate_b n_bl - sum_ga p_a x_gal )
//! s.t. sum_b z_jbl >= q_jl                                  item type j in level l
//!      sum_j w_jk z_jbl <= W_bk n_bl,  z_jbl <= u_jb n_bl    bin type b, dimension k
//!      sum_g x_gal <= sum_b m_ba n_bl                        atom a: no more covered than runs
//!      sum_a t_ga x_gal <= held_gl + sum_c step_c act_cl y_c  group g                    (dual lambda_gl)
//! ```
//!
//! At those prices a node of type t in level l is worth pi_tl = min(p_t, what covering it takes), and the
//! packing problems of the levels fall apart. Their proven bounds at pi, weighted, less what is owned at
//! lambda, bound every plan with every purchase from below, for any lambda that no offer contradicts.
//! Plans come from packing at several such prices; each gets its own best purchases, and the billing
//! engine's cost decides.

mod bound;
mod cells;
mod prices;
mod programme;

use crate::bill::commitment::Holding;
use crate::bill::{EffectiveCost, UsageError};
use crate::demand::Timeline;
use crate::formulate::FormulateError;
use crate::levels::{self, Direction, Inputs, Levels, PackError, Packed};
use crate::units::{Money, Rate};

use super::{Options, PurchaseError, PurchasePlan, optimise};
use cells::Cells;
use prices::Prices;

/// One way to pack, with the best purchases for it.
#[derive(Debug, Clone)]
pub struct Step {
    /// The nodes of every level.
    pub packed: Packed,
    /// What to commit to for them; `without` of it is what they cost with nothing bought.
    pub purchases: PurchasePlan,
}

/// The three steps: packed then priced on demand, packed first and then committed, both together.
#[derive(Debug, Clone)]
pub struct Joint {
    /// Packed at on-demand rates: the first step costs `purchases.without`, the second `purchases.cost`.
    pub first: Step,
    /// Packed and committed together: the third step. Never dearer than the second.
    pub together: Step,
    /// No packing of these levels with any purchases costs less.
    pub bound: EffectiveCost,
    /// What was tried, with its cost, in the order of trying.
    pub tried: Vec<(String, EffectiveCost)>,
}

impl Joint {
    /// What deciding together saves against packing first.
    pub fn saved(&self) -> Money {
        self.first.purchases.objective.money() - self.together.purchases.objective.money()
    }
}

/// Why there is no joint plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JointError {
    /// A level cannot be packed.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// Nothing can be bought.
    #[error(transparent)]
    Purchase(#[from] PurchaseError),
    /// Levels and hours do not fit together.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// The input leaves no problem.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Formulate(Vec<FormulateError>),
}

/// Rounds of adding kinds of nodes that the levels' bounds would rather use.
const ROUNDS: usize = 2;

/// Packs the levels and chooses purchases, first one after the other and then together.
///
/// # Errors
/// A level without any plan, or limits that no purchase keeps.
pub fn together(
    inputs: &Inputs<'_>,
    levels: &Levels,
    timeline: &Timeline,
    owned: &[Holding],
    options: &Options,
) -> Result<Joint, JointError> {
    let step = |packed: Packed| -> Result<Step, JointError> {
        let scenarios = levels::usage(&packed, levels, timeline, inputs.catalog, inputs.ratios)?;
        let purchases = optimise(inputs.catalog, &scenarios, owned, options)?;
        Ok(Step { packed, purchases })
    };
    let first = step(levels::pack(&Inputs { price: &levels::nothing_changed, ..clone_of(inputs) }, levels)?)?;
    let mut tried = vec![("packed at on-demand rates".to_owned(), first.purchases.objective)];
    let mut best = first.clone();

    let cells = Cells::new(inputs, levels, timeline, owned, options)?;
    let mut consider = |name: &str, prices: &Prices| -> Result<Vec<usize>, JointError> {
        let price = |level: usize, catalog_type: usize, rate: Rate| prices.of(level, catalog_type, rate);
        let priced = Inputs { price: &price, ..clone_of(inputs) };
        let mut types = Vec::new();
        // Which end is better shows only when everything is bought.
        for &direction in levels::directions(inputs) {
            let found = step(levels::pack_from(&priced, levels, direction)?)?;
            let from = match direction {
                Direction::BottomUp => "from the least level on",
                Direction::TopDown => "from the highest level on",
            };
            tried.push((format!("{name}, {from}"), found.purchases.objective));
            types.extend(found.packed.kinds.iter().map(|kind| kind.catalog_type));
            if found.purchases.objective < best.purchases.objective {
                best = found;
            }
        }
        Ok(types)
    };
    let mut types: Vec<usize> = first.packed.kinds.iter().map(|kind| kind.catalog_type).collect();
    let steady = cells.steady_prices();
    types.extend(consider("packed at committed rates", &steady)?);
    let by_use = cells.prices_by_use();
    types.extend(consider("packed at what a node costs in its hours", &by_use)?);

    let mut bound = 0;
    for _ in 0..ROUNDS {
        types.sort_unstable();
        types.dedup();
        let known = types.len();
        let Ok(relaxed) = cells.relax(&types) else { break };
        let Some((value, prices, used)) = cells.bound(inputs, &relaxed) else { break };
        bound = bound.max(value);
        types.extend(used);
        types.sort_unstable();
        types.dedup();
        let last = types.len() == known;
        let guided = prices.mixed(&by_use);
        types.extend(consider("packed at the prices of the joint programme", &guided)?);
        if last {
            break;
        }
    }
    Ok(Joint {
        first,
        together: best,
        bound: EffectiveCost::new(Money::from_nanos(i128::try_from(bound).unwrap_or(0))),
        tried,
    })
}

fn clone_of<'a>(inputs: &Inputs<'a>) -> Inputs<'a> {
    Inputs {
        set: inputs.set,
        catalog: inputs.catalog,
        policy: inputs.policy,
        pools: inputs.pools,
        ratios: inputs.ratios,
        price: inputs.price,
        budget: inputs.budget,
        seed: inputs.seed,
    }
}
