//! From usage, catalog and what is owned to the plain model, and from quantities back to holdings.
//!
//! Lines that every group prices in the same proportions are one atom: the vector of their on-demand rate
//! and of what they take of each group, divided by its common divisor.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use crate::bill::commitment::{Covers, Holding};
use crate::bill::{LineState, OfferKey, Scenario, UsageLine};
use crate::catalog::{Catalog, OfferKind};
use crate::units::Rate;

mod offers;

use offers::candidates;

use super::Options;
use super::model::{Candidate, Caps, Group, Model, PPM, Slot, Tail};
use super::simulate::FIRST_SPEND;

/// The grain of spend plans: a tenth of a cent an hour, as AWS and Azure take commitments.
pub(super) const SPEND_STEP: Rate = Rate::from_nanos(1_000_000);

/// What commitments cover alike: the instrument does not matter but for spend plans, whose rates differ.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Coverage {
    Zonal(String, String),
    Type(String),
    Pool(String),
    Cpu(String),
    Memory(String),
    Spend(Option<String>, OfferKey),
}

impl Coverage {
    fn of(holding: &Holding) -> Self {
        match &holding.covers {
            Covers::Zonal { instance_type, zone } => Coverage::Zonal(instance_type.clone(), zone.clone()),
            Covers::Type(name) => Coverage::Type(name.clone()),
            Covers::Pool(pool) => Coverage::Pool(pool.name.clone()),
            Covers::Cpu { series, .. } => Coverage::Cpu(series.clone()),
            Covers::Memory { series, .. } => Coverage::Memory(series.clone()),
            Covers::Spend { family, .. } => Coverage::Spend(family.clone(), holding.key),
        }
    }

    /// The engine's order: zonal, exact, flexible, resources, plans for a family, plans for everything.
    fn precedence(&self) -> u32 {
        match self {
            Coverage::Zonal(..) => 0,
            Coverage::Type(_) => 1,
            Coverage::Pool(_) => 2,
            Coverage::Cpu(_) | Coverage::Memory(_) => 3,
            Coverage::Spend(Some(_), _) => FIRST_SPEND,
            Coverage::Spend(None, key) if key.kind == OfferKind::InstanceSavingsPlan => FIRST_SPEND,
            Coverage::Spend(None, _) => FIRST_SPEND + 1,
        }
    }
}

/// How pieces of a candidate become holdings.
#[derive(Debug, Clone)]
pub(super) struct Recipe {
    /// One piece, from hour zero.
    piece: Holding,
    /// First hours of the tranches.
    pub starts: Vec<i64>,
    /// The type that it is quoted for, and its rate there; none for spend plans.
    pub quoted: Option<(String, Rate)>,
}

impl Recipe {
    /// Which offer.
    pub(super) fn key(&self) -> OfferKey {
        self.piece.key
    }

    /// What one piece covers.
    pub(super) fn covers(&self) -> &Covers {
        &self.piece.covers
    }

    /// Holdings for so many pieces, split over the tranches. Ids follow `id`.
    pub(super) fn holdings(&self, quantity: u64, id: &str) -> Vec<Holding> {
        let tranches = self.starts.len() as u64;
        let length = self.piece.end - self.piece.start;
        (0u64..)
            .zip(&self.starts)
            .map(|(at, &start)| {
                // Spread evenly, so that few pieces do not all fall into the first tranches.
                let until = |tranche: u64| u128::from(quantity) * u128::from(tranche) / u128::from(tranches);
                let part = u64::try_from(until(at + 1) - until(at)).expect("no more than all");
                let id = if tranches == 1 { id.to_owned() } else { format!("{id}-{:02}", at + 1) };
                let mut holding = match &self.piece.covers {
                    // One plan of so much an hour, as it is bought.
                    Covers::Spend { family, hourly } => {
                        let hourly = Rate::from_nanos(hourly.nanos() * part);
                        Holding::spend(id, self.piece.key, family.clone(), hourly, start)
                    }
                    _ => Holding { id, quantity: part, start, end: start + length, ..self.piece.clone() },
                };
                if part == 0 {
                    holding.quantity = 0;
                }
                holding
            })
            .filter(|holding| holding.quantity > 0)
            .collect()
    }
}

/// How a purchase is split over the months of a ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tranches {
    /// As evenly as whole pieces allow.
    Even,
    /// In any way: what bounds every split from below.
    Free,
}

/// The model with the way back.
pub(super) struct Market {
    pub model: Model,
    /// Per group and candidate.
    pub recipes: Vec<Vec<Recipe>>,
    /// Hours of the horizon.
    pub hours: u32,
    /// Every amount of demand and money in the model is counted so many times.
    pub unit: u64,
    /// What no purchase can change: surcharges and owned commitments, expected, in nano-dollars.
    pub sunk: u128,
    /// Lines and hours, over which roundings of the bill add up.
    pub roundings: u128,
    /// The segments of the horizon.
    pub segments: Vec<Range<u32>>,
    /// Per line of the first scenario, the atoms that one node is made of.
    pub made_of: Vec<Vec<(usize, u64)>>,
}

/// A part of a line that is covered by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Node,
    Cpu,
    Memory,
    Rest,
}

struct Piece<'u, 'a> {
    line: &'u UsageLine<'a>,
    part: Part,
    rate: Rate,
}

impl Market {
    pub(super) fn new(
        catalog: &Catalog,
        scenarios: &[Scenario<'_>],
        owned: &[Holding],
        options: &Options,
        tranches: Tranches,
    ) -> Self {
        let hours = scenarios.first().map_or(0, |s| s.usage.len());
        let lines: Vec<&UsageLine<'_>> = scenarios.iter().flat_map(|s| s.usage.lines()).collect();
        let common = lines.iter().fold(3_600, |g, line| gcd(g, u64::from(line.seconds).max(1)));
        let unit = 3_600 / common;

        let mut found: BTreeMap<Coverage, Vec<Recipe>> = BTreeMap::new();
        for (coverage, recipe) in candidates(catalog, &lines, options, tranches, hours) {
            found.entry(coverage).or_default().push(recipe);
        }
        for holding in owned {
            found.entry(Coverage::of(holding)).or_default();
        }

        let pieces: Vec<Piece<'_, '_>> = lines.iter().flat_map(|line| pieces(line)).collect();
        let coverages: Vec<&Coverage> = found.keys().collect();
        let segments = segments(hours, owned, found.values().flatten());

        // Atoms: vectors of the on-demand rate and what each group takes, made primitive.
        let mut atom_of: HashMap<Vec<u64>, usize> = HashMap::new();
        let mut atoms: Vec<(Vec<u64>, u64)> = Vec::new();
        let mut shares: Vec<(usize, u64)> = Vec::with_capacity(pieces.len());
        for piece in &pieces {
            let mut vector = vec![model_rate(piece)];
            vector.extend(coverages.iter().map(|coverage| take(coverage, piece).unwrap_or(0)));
            let divisor = vector.iter().fold(0, |g, &v| gcd(g, v)).max(1);
            for value in &mut vector {
                *value /= divisor;
            }
            let weight = piece.line.pool.as_ref().map_or(0, |pool| pool.units.0);
            let next = atoms.len();
            let atom = *atom_of.entry(vector.clone()).or_insert(next);
            if atom == next {
                atoms.push((vector, weight));
            }
            shares.push((atom, divisor));
        }

        let weights = parts_of_one(scenarios);
        let mut slots = Vec::new();
        let mut surcharges = 0u128;
        let mut first_piece = 0;
        for (k, scenario) in scenarios.iter().enumerate() {
            let own: Vec<usize> = {
                let count: usize = scenario.usage.lines().iter().map(|line| self::pieces(line).len()).sum();
                let range = first_piece..first_piece + count;
                first_piece += count;
                range.collect()
            };
            let line_of: Vec<usize> = scenario
                .usage
                .lines()
                .iter()
                .enumerate()
                .flat_map(|(l, line)| std::iter::repeat_n(l, self::pieces(line).len()))
                .collect();
            for (segment, range) in segments.iter().enumerate() {
                for (nodes, count) in scenario.usage.slots().iter().zip(scenario.usage.count(range.clone())) {
                    if count == 0 {
                        continue;
                    }
                    let mut demand = vec![0u64; atoms.len()];
                    for (&p, &l) in own.iter().zip(&line_of) {
                        let (atom, divisor) = shares[p];
                        demand[atom] += nodes[l] * (u64::from(pieces[p].line.seconds) / common) * divisor;
                    }
                    for (line, &n) in scenario.usage.lines().iter().zip(nodes) {
                        let hourly = line.surcharge_hour(n).nanos().unsigned_abs();
                        surcharges += hourly * u128::from(count) * u128::from(weights[k]);
                    }
                    slots.push(Slot { hours: count, scenario: k, segment, demand });
                }
            }
        }

        let mut groups = Vec::with_capacity(coverages.len());
        let mut recipes = Vec::with_capacity(coverages.len());
        for (at, (coverage, made)) in found.iter().enumerate() {
            let mut takes: Vec<(usize, u64)> = atoms
                .iter()
                .enumerate()
                .filter(|(_, (vector, _))| vector[at + 1] > 0)
                .map(|(a, (vector, _))| (a, vector[at + 1]))
                .collect();
            // Smallest size first, as the provider applies them.
            takes.sort_by_key(|&(a, _)| (atoms[a].1, a));
            let held = segments
                .iter()
                .map(|range| {
                    let active = |h: &&Holding| {
                        Coverage::of(h) == *coverage
                            && h.start <= i64::from(range.start)
                            && h.end >= i64::from(range.end)
                    };
                    owned.iter().filter(active).map(|h| units(h) * h.quantity * unit).sum()
                })
                .collect();
            let candidates = made.iter().map(|recipe| candidate(recipe, &segments, hours, unit)).collect();
            groups.push(Group { takes, precedence: coverage.precedence(), held, candidates });
            recipes.push(made.clone());
        }

        let whole = 0..i64::from(hours);
        let owned_cost: u128 =
            owned.iter().map(|h| h.effective(whole.clone()).money().nanos().unsigned_abs()).sum();
        let cap = |money: Option<crate::units::Money>| {
            money.map(|m| m.nanos().max(0).unsigned_abs() * u128::from(unit))
        };
        let first = scenarios.first().map_or(0, |s| s.usage.lines().len());
        let mut made_of = Vec::with_capacity(first);
        let mut next = 0;
        for line in lines.iter().take(first) {
            let count = self::pieces(line).len();
            let seconds = u64::from(line.seconds) / common;
            made_of.push(shares[next..next + count].iter().map(|&(atom, n)| (atom, n * seconds)).collect());
            next += count;
        }
        let mut model = Model {
            on_demand: atoms.iter().map(|(vector, _)| vector[0]).collect(),
            groups,
            slots,
            weights,
            caps: Caps {
                obligation: cap(options.most_obligation),
                upfront: cap(options.most_upfront),
                coverage: options.least_coverage.map(|share| share.0),
            },
            tail: options.tail.map(|tail| Tail { share: tail.share.0, weight: tail.weight.0 }),
        };
        model.merge_slots();
        Market {
            model,
            recipes,
            hours,
            unit,
            sunk: owned_cost + surcharges / u128::from(PPM),
            roundings: u128::from(hours) * (lines.len() as u128 + owned.len() as u128 + 1),
            segments,
            made_of,
        }
    }
}

fn pieces<'u, 'a>(line: &'u UsageLine<'a>) -> Vec<Piece<'u, 'a>> {
    match line.components {
        Some(split) => [(Part::Cpu, split.cpu), (Part::Memory, split.memory), (Part::Rest, split.rest)]
            .into_iter()
            .filter(|(_, rate)| *rate > Rate::ZERO)
            .map(|(part, rate)| Piece { line, part, rate })
            .collect(),
        None => vec![Piece { line, part: Part::Node, rate: line.rate() }],
    }
}

/// What the model counts on demand: with a sustained use discount, as for a whole month, below which
/// nobody pays.
fn model_rate(piece: &Piece<'_, '_>) -> u64 {
    let t = piece.line.instance_type;
    let list = t.on_demand.rate.nanos();
    match &t.sustained_use {
        Some(sustained) if sustained.rate.nanos() < list && piece.line.state != LineState::Spot => {
            let wide = u128::from(piece.rate.nanos()) * u128::from(sustained.rate.nanos()) / u128::from(list);
            u64::try_from(wide).expect("no more than the rate")
        }
        _ => piece.rate.nanos(),
    }
}

/// Units of a group that one node takes in an hour, where the group covers it.
fn take(coverage: &Coverage, piece: &Piece<'_, '_>) -> Option<u64> {
    let line = piece.line;
    if line.state == LineState::Spot {
        return None;
    }
    let t = line.instance_type;
    const WHOLE: u64 = 1_000;
    match (coverage, piece.part) {
        (Coverage::Zonal(name, zone), Part::Node) => {
            let running = line.state == LineState::Running;
            (t.name == *name && line.may_stand_in(zone) && running).then_some(WHOLE)
        }
        (Coverage::Type(name), Part::Node) => (t.name == *name).then_some(WHOLE),
        (Coverage::Pool(name), Part::Node) => {
            line.pool.as_ref().filter(|pool| pool.name == *name).map(|pool| pool.units.0)
        }
        (Coverage::Cpu(series), Part::Cpu) => (t.family == *series).then_some(t.cpu.0),
        (Coverage::Memory(series), Part::Memory) => (t.family == *series).then_some(t.memory.0 >> 20),
        (Coverage::Spend(family, key), _) => {
            if family.as_ref().is_some_and(|family| *family != t.family) {
                return None;
            }
            let offer = key.find(t)?;
            let list = t.on_demand.rate;
            if offer.effective > list || offer.effective == Rate::ZERO || list == Rate::ZERO {
                return None;
            }
            let wide = u128::from(piece.rate.nanos()) * u128::from(offer.effective.nanos())
                / u128::from(list.nanos());
            u64::try_from(wide).ok().filter(|&take| take > 0)
        }
        _ => None,
    }
}

/// Units of one piece of a holding per hour, as [`take`] counts them.
fn units(holding: &Holding) -> u64 {
    match &holding.covers {
        Covers::Zonal { .. } | Covers::Type(_) => 1_000,
        Covers::Pool(pool) => pool.units.0,
        Covers::Cpu { amount, .. } => amount.0,
        Covers::Memory { amount, .. } => amount.0 >> 20,
        Covers::Spend { hourly, .. } => hourly.nanos(),
    }
}

fn candidate(recipe: &Recipe, segments: &[Range<u32>], hours: u32, unit: u64) -> Candidate {
    let piece = &recipe.piece;
    let length = piece.end - piece.start;
    let tranches = recipe.starts.len() as u64;
    let term = u128::try_from(length).expect("a term runs forward");
    let upfront = piece.upfront.nanos().unsigned_abs();
    let recurring = u128::from(piece.recurring.nanos());
    let mut cost = 0u128;
    for &start in &recipe.starts {
        let active = u128::try_from((start + length).min(i64::from(hours)) - start).unwrap_or(0);
        // Rounded down, so that the bound stays below the bill.
        cost += upfront * active / term + recurring * active;
    }
    let per_piece = |sum: u128| sum * u128::from(unit) / u128::from(tranches);
    let active = |range: &Range<u32>| {
        let tranche =
            |start: &&i64| **start <= i64::from(range.start) && i64::from(range.end) <= **start + length;
        let share = recipe.starts.iter().filter(tranche).count() as u64 * PPM / tranches;
        u32::try_from(share).expect("a share of one")
    };
    Candidate {
        step: units(piece) * unit,
        cost: per_piece(cost),
        active: segments.iter().map(active).collect(),
        obligation: (upfront + recurring * term) * u128::from(unit),
        upfront: upfront * u128::from(unit),
    }
}

/// The stretches of hours in which nothing owned or offered begins or ends.
fn segments<'r>(hours: u32, owned: &[Holding], recipes: impl Iterator<Item = &'r Recipe>) -> Vec<Range<u32>> {
    let mut cuts = BTreeSet::from([0, hours]);
    let mut cut = |hour: i64| {
        if let Ok(hour) = u32::try_from(hour)
            && hour < hours
        {
            cuts.insert(hour);
        }
    };
    for held in owned {
        cut(held.start);
        cut(held.end);
    }
    for recipe in recipes {
        for &start in &recipe.starts {
            cut(start);
            cut(start + recipe.piece.end - recipe.piece.start);
        }
    }
    let cuts: Vec<u32> = cuts.into_iter().collect();
    cuts.windows(2).map(|pair| pair[0]..pair[1]).collect()
}

/// Weights as they are; they sum to one by [`super::optimise`]'s check.
fn parts_of_one(scenarios: &[Scenario<'_>]) -> Vec<u32> {
    scenarios.iter().map(|s| s.weight.0).collect()
}

pub(super) fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
