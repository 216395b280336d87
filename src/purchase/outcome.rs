//! What is proposed, described by the billing engine's own figures.

use std::collections::BTreeMap;

use crate::bill::commitment::{Charges, Covers, Holding, Origin, Totals, charge};
use crate::bill::{BilledCost, EffectiveCost, ListCost, NodeUsage, OfferKey, Ratio, Scenario, metrics};
use crate::units::{HOURS_PER_MONTH, Money, PartsPerMillion, Rate};

use super::Options;
use super::finish::Whole;
use super::market::{Market, SPEND_STEP, gcd};
use super::model::{PPM, Tail};

/// Purchases with what they come to. Every cost is the billing engine's, expected over the scenarios.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PurchasePlan {
    /// Everything held, owned first, then proposed: what to charge any usage under.
    pub holdings: Vec<Holding>,
    /// What to buy, a row per offer.
    pub rows: Vec<PurchaseRow>,
    /// Hours of the horizon.
    pub hours: u32,
    /// Everything on demand.
    pub list: ListCost,
    /// With what is owned and nothing bought.
    pub without: EffectiveCost,
    /// With the purchases.
    pub cost: EffectiveCost,
    /// What was minimised: the cost, or its mix with the mean of the bad outcomes.
    pub objective: EffectiveCost,
    /// No purchases within the limits have a lower objective.
    pub bound: EffectiveCost,
    /// Each way the future may go.
    pub scenarios: Vec<ScenarioCost>,
    /// The mean cost of the worst outcomes, where they were asked about: conditional value at risk.
    pub tail_mean: Option<EffectiveCost>,
    /// The share of the on-demand equivalent that commitments cover, owned ones included.
    pub coverage: Option<Ratio>,
    /// What purchases oblige to over their whole terms.
    pub obligation: BilledCost,
    /// What purchases cost at the start, later tranches and renewals included.
    pub upfront: BilledCost,
    /// What more is paid with the purchases than without if demand is the lowest of the scenarios;
    /// zero if they pay even then.
    pub worst_case_loss: Money,
    /// What became of the commitments owned.
    pub owned: Vec<OwnedUse>,
    /// The same purchases under more and less demand.
    pub sensitivity: Vec<Sensitivity>,
    /// What the figures rest on, a sentence each.
    pub assumptions: Vec<String>,
}

/// One offer to buy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PurchaseRow {
    /// Ids of its holdings, one per tranche.
    pub ids: Vec<String>,
    /// Which offer.
    pub key: OfferKey,
    /// What one piece covers.
    pub covers: Covers,
    /// The type that it is quoted for; none for spend plans.
    pub quoted_type: Option<String>,
    /// Pieces; for spend plans one per thousandth of a dollar an hour.
    pub quantity: u64,
    /// All pieces together per hour, amortised.
    pub rate: Rate,
    /// Paid at the start of the tranches.
    pub upfront: BilledCost,
    /// Paid every hour by all pieces.
    pub recurring: Rate,
    /// The first hours of its tranches.
    pub starts: Vec<i64>,
    /// Amortised cost within the horizon.
    pub effective: EffectiveCost,
    /// The part of it that covers nothing.
    pub unused: EffectiveCost,
    /// The on-demand equivalent of what it covers.
    pub list_covered: ListCost,
    /// On-demand equivalent of what it covers less its cost.
    pub net_savings: Money,
    /// The share of it that is used.
    pub utilization: Option<Ratio>,
    /// The share of the on-demand equivalent that it covers.
    pub coverage: Option<Ratio>,
    /// The utilization below which on demand is cheaper.
    pub break_even_utilization: Option<Ratio>,
    /// Months until savings pass the upfront payment; none if they never do.
    pub break_even_months: Option<Ratio>,
    /// What it costs more than it covers if demand is the lowest of the scenarios.
    pub worst_case_loss: Money,
    /// Always a proposal: nothing here is a purchase.
    pub status: Origin,
}

/// One way the future may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScenarioCost {
    /// Its name.
    pub name: String,
    /// How likely it is.
    pub weight: PartsPerMillion,
    /// Everything on demand.
    pub list: ListCost,
    /// With what is owned only.
    pub without: EffectiveCost,
    /// With the purchases.
    pub cost: EffectiveCost,
    /// Paid for and unused, owned and bought.
    pub unused: EffectiveCost,
}

/// A commitment owned, honoured before anything is bought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedUse {
    /// Its id.
    pub id: String,
    /// Which instrument.
    pub key: OfferKey,
    /// The hour after its last; beyond the horizon it goes on.
    pub end: i64,
    /// The share of it that is used within the horizon.
    pub utilization: Option<Ratio>,
    /// Amortised cost within the horizon.
    pub effective: EffectiveCost,
    /// The part of it that covers nothing.
    pub waste: EffectiveCost,
}

/// The same purchases when demand turns out otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sensitivity {
    /// Hours of nodes, as a share of those expected.
    pub demand: PartsPerMillion,
    /// With what is owned only.
    pub without: EffectiveCost,
    /// With the purchases.
    pub cost: EffectiveCost,
    /// Paid for and unused, owned and bought.
    pub unused: EffectiveCost,
}

/// Everything held under quantities: owned, then proposed.
pub(super) fn holdings(market: &Market, owned: &[Holding], quantities: &Whole) -> Vec<Holding> {
    proposals(market, owned, quantities).into_iter().fold(owned.to_vec(), |mut all, (_, _, held)| {
        all.extend(held);
        all
    })
}

/// Group, candidate and holdings of everything bought.
fn proposals(market: &Market, owned: &[Holding], quantities: &Whole) -> Vec<(usize, usize, Vec<Holding>)> {
    let mut made = Vec::new();
    let mut ids = Holding::proposal_ids(owned);
    for (g, quantities) in quantities.iter().enumerate() {
        for (c, &quantity) in quantities.iter().enumerate().filter(|(_, q)| **q > 0) {
            let recipe = &market.recipes[g][c];
            let id = ids(recipe.key().kind);
            made.push((g, c, recipe.holdings(quantity, &id)));
        }
    }
    made
}

/// What is minimised, in nano-dollars times parts per million.
pub(super) fn objective(costs: &[(Money, PartsPerMillion)], tail: Option<Tail>) -> i128 {
    let expected: i128 = costs.iter().map(|(c, w)| c.nanos() * i128::from(w.0)).sum();
    match tail {
        None => expected,
        Some(tail) => {
            let weight = i128::from(tail.weight);
            let mean = tail_sum(costs, tail.share) / i128::from(tail.share.max(1)) * i128::from(PPM);
            ((i128::from(PPM) - weight) * (expected / i128::from(PPM)) + weight * (mean / i128::from(PPM)))
                .max(0)
        }
    }
}

/// Costs of the worst share, times their weights.
fn tail_sum(costs: &[(Money, PartsPerMillion)], share: u32) -> i128 {
    let mut worst = costs.to_vec();
    worst.sort_by_key(|&(cost, _)| std::cmp::Reverse(cost));
    let mut left = share.max(1);
    let mut sum = 0;
    for (cost, weight) in worst {
        let part = weight.0.min(left);
        sum += cost.nanos() * i128::from(part);
        left -= part;
    }
    sum
}

/// Rounds half up.
fn expected(amounts: impl Iterator<Item = (Money, PartsPerMillion)>) -> Money {
    let sum: i128 = amounts.map(|(amount, weight)| amount.nanos() * i128::from(weight.0)).sum();
    Money::from_nanos((sum + i128::from(PPM) / 2).div_euclid(i128::from(PPM)))
}

pub(super) fn describe(
    market: &Market,
    scenarios: &[Scenario<'_>],
    owned: &[Holding],
    options: &Options,
    quantities: &Whole,
    bound: u128,
) -> PurchasePlan {
    let made = proposals(market, owned, quantities);
    let mut all = owned.to_vec();
    let mut places = Vec::new();
    for (g, c, held) in made {
        places.push((g, c, all.len()..all.len() + held.len()));
        all.extend(held);
    }
    let weights: Vec<PartsPerMillion> = scenarios.iter().map(|s| s.weight).collect();
    let with: Vec<Charges<'_, '_>> = scenarios.iter().map(|s| charge(&s.usage, &all)).collect();
    let totals: Vec<Totals> = with.iter().map(Charges::total).collect();
    let without: Vec<EffectiveCost> = scenarios.iter().map(|s| charge(&s.usage, owned).effective()).collect();
    let mean = |of: &dyn Fn(usize) -> Money| expected((0..scenarios.len()).map(|k| (of(k), weights[k])));

    let scenario_costs: Vec<ScenarioCost> = scenarios
        .iter()
        .enumerate()
        .map(|(k, s)| ScenarioCost {
            name: s.name.clone(),
            weight: s.weight,
            list: totals[k].list,
            without: without[k],
            cost: totals[k].effective(),
            unused: totals[k].unused(),
        })
        .collect();
    let lowest = (0..scenarios.len()).min_by_key(|&k| (totals[k].list, k)).unwrap_or(0);
    let costs: Vec<(Money, PartsPerMillion)> =
        scenario_costs.iter().map(|s| (s.cost.money(), s.weight)).collect();
    let tail = market.model.tail;
    let cost = EffectiveCost::new(mean(&|k| totals[k].effective().money()));
    let minimised = match tail {
        None => cost,
        Some(_) => EffectiveCost::new(Money::from_nanos(objective(&costs, tail) / i128::from(PPM))),
    };
    let listed: Money = mean(&|k| totals[k].list_by_line.iter().copied().sum::<ListCost>().money());

    let rows = places
        .iter()
        .map(|(g, c, range)| {
            let recipe = &market.recipes[*g][*c];
            let held = &all[range.clone()];
            let of = |k: usize, part: &dyn Fn(&crate::bill::commitment::HoldingUse) -> Money| -> Money {
                totals[k].holdings[range.clone()].iter().map(part).sum()
            };
            let effective = of(0, &|u| u.effective.money());
            let unused = mean(&|k| of(k, &|u| u.unused.money()));
            let list_covered = mean(&|k| of(k, &|u| u.list_covered.money()));
            let units = |of: &dyn Fn(&crate::bill::commitment::HoldingUse) -> u128| -> i128 {
                let weighted = totals
                    .iter()
                    .zip(&weights)
                    .map(|(t, w)| t.holdings[range.clone()].iter().map(of).sum::<u128>() * u128::from(w.0));
                i128::try_from(weighted.sum::<u128>()).unwrap_or(i128::MAX)
            };
            let hourly: u64 = held
                .iter()
                .map(|h| {
                    let term = u128::try_from(h.end - h.start).unwrap_or(1).max(1);
                    let upfront = h.upfront_total().money().nanos().unsigned_abs() / term;
                    u64::try_from(upfront).unwrap_or(u64::MAX) + h.recurring.nanos() * h.quantity
                })
                .sum();
            let recurring: u64 = held.iter().map(|h| h.recurring.nanos() * h.quantity).sum();
            let upfront: BilledCost = held.iter().map(Holding::upfront_total).sum();
            let used = effective - unused;
            // Tranches are active for different hours: each by its own month.
            let of_tranche = |at: usize| {
                let covered = mean(&|k| totals[k].holdings[at].list_covered.money());
                crate::bill::pro_rata(covered, HOURS_PER_MONTH, totals[0].holdings[at].hours)
            };
            let displaced: Option<Money> = range.clone().map(of_tranche).sum();
            let month = Rate::from_nanos(recurring).for_hours(HOURS_PER_MONTH);
            PurchaseRow {
                ids: held.iter().map(|h| h.id.clone()).collect(),
                key: recipe.key(),
                covers: recipe.covers().clone(),
                quoted_type: recipe.quoted.as_ref().map(|(name, _)| name.clone()),
                quantity: quantities[*g][*c],
                rate: Rate::from_nanos(hourly),
                upfront,
                recurring: Rate::from_nanos(recurring),
                starts: held.iter().map(|h| h.start).collect(),
                effective: EffectiveCost::new(effective),
                unused: EffectiveCost::new(unused),
                list_covered: ListCost::new(list_covered),
                net_savings: list_covered - effective,
                utilization: Ratio::of_wide(units(&|u| u.units_used), units(&|u| u.units_held)),
                coverage: Ratio::of_money(list_covered, listed),
                break_even_utilization: Ratio::of_money(used, list_covered),
                break_even_months: displaced
                    .and_then(|displaced| metrics::break_even_months(upfront, displaced, month))
                    .filter(|months| {
                        Ratio::of(recipe.key().term.months(), 1).is_some_and(|term| *months <= term)
                    }),
                worst_case_loss: of(lowest, &|u| u.effective.money() - u.list_covered.money())
                    .max(Money::ZERO),
                status: Origin::Proposed,
            }
        })
        .collect();

    let owned_uses = owned
        .iter()
        .enumerate()
        .map(|(at, h)| {
            let weighted = |of: &dyn Fn(usize) -> u128| -> i128 {
                let sum: u128 = (0..totals.len()).map(|k| of(k) * u128::from(weights[k].0)).sum();
                i128::try_from(sum).unwrap_or(i128::MAX)
            };
            OwnedUse {
                id: h.id.clone(),
                key: h.key,
                end: h.end,
                utilization: Ratio::of_wide(
                    weighted(&|k| totals[k].holdings[at].units_used),
                    weighted(&|k| totals[k].holdings[at].units_held),
                ),
                effective: totals[0].holdings[at].effective,
                waste: EffectiveCost::new(mean(&|k| totals[k].holdings[at].unused.money())),
            }
        })
        .collect();

    let proposed = &all[owned.len()..];
    let obligation = proposed.iter().map(|h| h.billed(h.start..h.end)).sum();
    let upfront = proposed.iter().map(Holding::upfront_total).sum();
    PurchasePlan {
        rows,
        hours: market.hours,
        list: ListCost::new(mean(&|k| totals[k].list.money())),
        without: EffectiveCost::new(mean(&|k| without[k].money())),
        cost,
        objective: minimised,
        bound: EffectiveCost::new(Money::from_nanos(i128::try_from(bound).unwrap_or(0))),
        tail_mean: tail.map(|tail| {
            EffectiveCost::new(Money::from_nanos(
                tail_sum(&costs, tail.share) / i128::from(tail.share.max(1)),
            ))
        }),
        coverage: Ratio::of_money(mean(&|k| totals[k].list_covered().money()), listed),
        obligation,
        upfront,
        worst_case_loss: (scenario_costs[lowest].cost.money() - scenario_costs[lowest].without.money())
            .max(Money::ZERO),
        owned: owned_uses,
        sensitivity: sensitivity(scenarios, owned, &all),
        assumptions: assumptions(market, options, &all),
        scenarios: scenario_costs,
        holdings: all,
    }
}

/// Demand from 30 % less to 30 % more.
fn sensitivity(scenarios: &[Scenario<'_>], owned: &[Holding], all: &[Holding]) -> Vec<Sensitivity> {
    (7..=13)
        .map(|tenths| {
            let demand = PartsPerMillion(tenths * 100_000);
            let usages: Vec<(NodeUsage<'_>, PartsPerMillion)> =
                scenarios.iter().map(|s| (scaled(&s.usage, demand), s.weight)).collect();
            let mean = |of: &dyn Fn(&NodeUsage<'_>) -> Money| {
                EffectiveCost::new(expected(usages.iter().map(|(usage, weight)| (of(usage), *weight))))
            };
            Sensitivity {
                demand,
                without: mean(&|usage| charge(usage, owned).effective().money()),
                cost: mean(&|usage| charge(usage, all).effective().money()),
                unused: mean(&|usage| charge(usage, all).total().unused().money()),
            }
        })
        .collect()
}

/// The same usage with this share of its hours of nodes.
fn scaled<'a>(usage: &NodeUsage<'a>, share: PartsPerMillion) -> NodeUsage<'a> {
    let (slots, hours) = scaled_hours(usage.slots(), usage.hours(), share);
    NodeUsage::new(usage.lines().to_vec(), slots, hours)
        .and_then(|scaled| scaled.with_months(usage.months().to_vec()))
        .expect("as many lines and hours as before")
}

/// States and hours with this share of the hours of nodes: where a share of the nodes of a state is no
/// whole number, some of its hours have one node more than others. To scale every state up to whole nodes
/// would let a fleet of few nodes jump.
fn scaled_hours(states: &[Vec<u64>], hours: &[u32], share: PartsPerMillion) -> (Vec<Vec<u64>>, Vec<u32>) {
    let one = u64::from(PartsPerMillion::ONE.0);
    let share = u64::from(share.0);
    // The hours of a state go through the same numbers of nodes again and again.
    let period = one / gcd(share, one);
    let mut made: Vec<Vec<u64>> = Vec::new();
    let mut known: BTreeMap<(u32, u64), u32> = BTreeMap::new();
    let mut seen = vec![0u64; states.len()];
    let until = |n: u64, hours: u64| {
        let nodes = u128::from(n) * u128::from(share) * u128::from(hours);
        u64::try_from((nodes + u128::from(one / 2)) / u128::from(one)).unwrap_or(u64::MAX)
    };
    let hours = hours.iter().map(|&state| {
        let nth = seen[state as usize] % period;
        seen[state as usize] += 1;
        *known.entry((state, nth)).or_insert_with(|| {
            let nodes = states[state as usize].iter();
            made.push(nodes.map(|&n| until(n, nth + 1) - until(n, nth)).collect());
            u32::try_from(made.len() - 1).expect("fewer states than hours")
        })
    });
    let hours = hours.collect();
    (made, hours)
}

fn assumptions(market: &Market, options: &Options, all: &[Holding]) -> Vec<String> {
    let horizon = i64::from(market.hours);
    let mut said = Vec::new();
    let proposed = || all.iter().filter(|h| h.origin == Origin::Proposed);
    let beyond = proposed().filter(|h| h.end > horizon).count();
    if beyond > 0 {
        said.push(format!(
            "{beyond} of {} purchases end after the horizon of {horizon} hours; they are charged for the \
             hours within it, which assumes that they are used as well after it",
            proposed().count()
        ));
    }
    if proposed().any(|h| h.start > 0) {
        said.push("later purchases (renewals, tranches) are made at today's prices".to_owned());
    }
    if options.ladder_months > 1 {
        said.push(format!(
            "every purchase is made in {} monthly tranches; until the last one the rest stays on demand",
            options.ladder_months
        ));
    }
    if proposed().any(|h| matches!(h.covers, Covers::Spend { .. })) {
        said.push(format!("spend plans are bought in steps of {SPEND_STEP} an hour"));
    }
    said.push("reservations are regional: none holds capacity in a zone".to_owned());
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_few_nodes_is_kept_over_the_hours() {
        let nodes = |states: &[Vec<u64>], hours: &[u32], tenths: u32| -> u64 {
            let (states, hours) = scaled_hours(states, hours, PartsPerMillion(tenths * 100_000));
            assert!(states.len() <= 20);
            hours.iter().map(|&state| states[state as usize][0]).sum()
        };
        // 50 hours of one node and 50 of three: 200.
        let states = [vec![1], vec![3]];
        let hours = [0, 1].repeat(50);
        for (tenths, sum) in [(7, 140), (9, 180), (10, 200), (11, 220), (13, 260)] {
            assert_eq!(nodes(&states, &hours, tenths), sum, "{tenths} tenths");
        }
        assert_eq!(scaled_hours(&states, &hours, PartsPerMillion::ONE), (states.to_vec(), hours));
        // Once only: the nearest whole number of 2.1 and of 0.7.
        assert_eq!(nodes(&states, &[0, 1], 7), 1 + 2);
    }
}
