//! Whatever a certificate says, what its check lets pass is true: no plan of a tiny problem costs less.

use fastrand::Rng;
use plimsoll::check::{Objection, check_certificate};
use plimsoll::plan::{
    BoundStep, Certificate, Dominance, PatternValue, Valuation, ValueProof, ValueStep, Weight,
};
use plimsoll::problem::{BinSet, BinType, BinTypeId, ItemType, ItemTypeId, Problem, RoundedDimension};
use plimsoll::units::{Money, Rate};

#[path = "support/tiny.rs"]
mod tiny;

/// The value of the best pattern of a bin type.
fn best_value(problem: &Problem, t: BinTypeId, prices: &[u64]) -> u64 {
    let worth = |content: &Vec<u64>| content.iter().zip(prices).map(|(n, p)| n * p).sum();
    tiny::patterns(problem, t).iter().map(worth).max().unwrap_or(0)
}

/// floor((n . W + sum_j u_j max(0, d pi_j - n . w_j)) / d), item type by item type.
fn priced_value(
    problem: &Problem,
    t: BinTypeId,
    prices: &[u64],
    numerators: &[u64],
    denominator: u64,
) -> u64 {
    let dot = |amounts: &[u64]| -> u64 { numerators.iter().zip(amounts).map(|(n, a)| n * a).sum() };
    let gains = problem.item_ids().map(|j| {
        let gain = (denominator * prices[j.index()]).saturating_sub(dot(problem.item(j).demand.as_slice()));
        gain * problem.copies_per_bin(j, t)
    });
    (dot(problem.bin(t).capacity.as_slice()) + gains.sum::<u64>()) / denominator
}

/// Cases that fix every number of copies, so that each is worth exactly what it holds.
fn every_pattern(problem: &Problem, t: BinTypeId) -> ValueProof {
    fn go(problem: &Problem, most: &[u64], j: usize, steps: &mut Vec<ValueStep>) {
        let Some(&copies) = most.get(j) else {
            steps.push(ValueStep::Prices { numerators: vec![0; problem.dimensions().len()] });
            return;
        };
        for n in 0..copies {
            // So many, or more.
            steps.push(ValueStep::Split { items: vec![j as u32], copies: n });
            go(problem, most, j + 1, steps);
        }
        go(problem, most, j + 1, steps);
    }
    let most: Vec<u64> = problem.item_ids().map(|j| problem.copies_per_bin(j, t)).collect();
    let mut steps = Vec::new();
    go(problem, &most, 0, &mut steps);
    ValueProof::Cases { denominator: 1, steps }
}

/// A proof with honest values at random prices, weighted at random.
fn honest(rng: &mut Rng, problem: &Problem) -> Certificate {
    let rounded: Vec<RoundedDimension> = (0..rng.usize(0..3)).map(|_| rounded(rng, problem)).collect();
    let problem = &problem.with_rounded(&rounded).expect("made for it");
    let valuations: Vec<Valuation> = (0..rng.usize(1..4)).map(|_| valuation(rng, problem)).collect();
    let mut proof = Vec::new();
    let mut open = vec![2];
    while let Some(depth) = open.pop() {
        if depth > 0 && rng.u8(0..3) == 0 {
            let bin_type = rng.u32(0..problem.bins().len() as u32);
            proof.push(BoundStep::Branch { bin_type, bins: rng.u64(0..3) });
            open.extend([depth - 1, depth - 1]);
        } else {
            let mut valuation = || rng.u32(0..valuations.len() as u32);
            let mut weights = vec![Weight { valuation: valuation(), weight: 1 }];
            weights.push(Weight { valuation: valuation(), weight: 0 });
            if rng.bool() {
                weights.iter_mut().for_each(|w| w.weight = rng.u64(0..5));
            }
            proof.push(BoundStep::Leaf { weights });
        }
    }
    Certificate { rounded, valuations, proof, ..Certificate::default() }
}

/// Some dimension of the problem.
fn rounded(rng: &mut Rng, problem: &Problem) -> RoundedDimension {
    RoundedDimension { dimension: rng.u32(0..problem.dimensions().len() as u32), divisor: rng.u64(1..7) }
}

/// Honest values at random prices. Some of the prices are the best per cost.
fn valuation(rng: &mut Rng, problem: &Problem) -> Valuation {
    let dimensions = problem.dimensions().len();
    let weights: Vec<u64> = (0..dimensions).map(|_| rng.u64(0..30)).collect();
    let item_prices: Vec<u64> = problem
        .items()
        .iter()
        .map(|item| {
            let fair: u64 = weights.iter().zip(item.demand.as_slice()).map(|(w, d)| w * d).sum();
            if rng.u8(0..3) == 0 { rng.u64(0..200) } else { fair }
        })
        .collect();
    let pattern_values = problem
        .bin_ids()
        .map(|t| {
            let denominator = rng.u64(1..4);
            let numerators: Vec<u64> = weights.iter().map(|w| w * denominator + rng.u64(0..2)).collect();
            let (value, proof) = if rng.bool() {
                let proof = if rng.bool() { ValueProof::Exhaustive } else { every_pattern(problem, t) };
                (best_value(problem, t, &item_prices), proof)
            } else {
                let value = priced_value(problem, t, &item_prices, &numerators, denominator);
                (value, ValueProof::ResourcePrices { numerators, denominator })
            };
            PatternValue { bin_type: t.0, value, proof }
        })
        .collect();
    Valuation { item_prices, pattern_values }
}

/// Changes something somewhere.
fn tamper(rng: &mut Rng, problem: &Problem, certificate: &mut Certificate) {
    if !certificate.rounded.is_empty() && rng.u8(0..6) == 0 {
        let place = rng.usize(0..certificate.rounded.len());
        match rng.u8(0..4) {
            0 => certificate.rounded[place].divisor = 0,
            1 => certificate.rounded[place].dimension = problem.dimensions().len() as u32,
            _ => certificate.rounded[place] = rounded(rng, problem),
        }
        return;
    }
    if rng.u8(0..3) == 0 {
        let steps = &mut certificate.proof;
        let place = rng.usize(0..steps.len());
        match (&mut steps[place], rng.u8(0..5)) {
            (_, 0) => drop(steps.remove(place)),
            (_, 1) => steps.swap(0, place),
            (BoundStep::Branch { bin_type, .. }, 2) => {
                *bin_type = rng.u32(0..problem.bins().len() as u32 + 1);
            }
            (BoundStep::Branch { bins, .. }, _) => *bins = rng.u64(0..5),
            (BoundStep::Leaf { weights }, _) => weights.iter_mut().for_each(|w| {
                let valuation = rng.u32(0..certificate.valuations.len() as u32 + 1);
                *w = Weight { valuation, weight: w.weight * rng.u64(0..9) };
            }),
        }
        // A proof without steps is refused like others that end too early.
        if steps.is_empty() {
            steps.push(BoundStep::Leaf { weights: Vec::new() });
        }
        return;
    }
    let valuation = rng.usize(0..certificate.valuations.len());
    let Valuation { item_prices, pattern_values } = &mut certificate.valuations[valuation];
    if pattern_values.is_empty() {
        return;
    }
    let v = rng.usize(0..pattern_values.len());
    match rng.u8(0..7) {
        0 | 1 => {
            let j = rng.usize(0..item_prices.len());
            item_prices[j] = item_prices[j] * rng.u64(1..4) + rng.u64(0..30);
        }
        2 => pattern_values[v].value = pattern_values[v].value * rng.u64(5..10) / 10,
        3 => match &mut pattern_values[v].proof {
            ValueProof::Cases { steps, .. } if !steps.is_empty() => {
                let s = rng.usize(0..steps.len());
                match (&mut steps[s], rng.u8(0..4)) {
                    (_, 0) => drop(steps.remove(s)),
                    (ValueStep::Split { copies, .. }, 1) => *copies = rng.u64(0..4),
                    (ValueStep::Split { items, .. }, _) => {
                        items[0] = rng.u32(0..problem.items().len() as u32 + 1);
                    }
                    (ValueStep::Prices { numerators }, _) => {
                        numerators.iter_mut().for_each(|n| *n = rng.u64(0..20));
                    }
                }
            }
            proof => *proof = ValueProof::Exhaustive,
        },
        4 => {
            let dimensions = problem.dimensions().len() + certificate.rounded.len();
            let numerators = (0..dimensions).map(|_| rng.u64(0..40)).collect();
            let denominator = rng.u64(0..5);
            pattern_values[v].proof = ValueProof::ResourcePrices { numerators, denominator };
        }
        5 => pattern_values[v].bin_type = rng.u32(0..problem.bins().len() as u32 + 1),
        _ => {
            pattern_values.remove(v);
        }
    }
}

#[test]
fn honest_certificates_prove_true_bounds_and_tampered_ones_prove_nothing_false() {
    let mut rng = Rng::with_seed(1);
    let (mut positive, mut tight, mut refused, mut passed) = (0, 0, 0, 0);
    for case in 0..4000 {
        let problem = tiny::problem(&mut rng);
        let Some(optimum) = tiny::optimum(&problem) else { continue };
        let optimum = Money::from_nanos(optimum.into());
        let certificate = honest(&mut rng, &problem);
        match check_certificate(&problem, &certificate) {
            Ok(bound) => {
                assert!(bound <= optimum, "case {case}: {bound} > {optimum}\n{problem:?}\n{certificate:?}");
                positive += u32::from(bound > Money::ZERO);
                tight += u32::from(bound == optimum && bound > Money::ZERO);
            }
            // Random branches may contradict each other or the stock; nothing else is wrong.
            Err(objections) => {
                let contradictory = |o: &Objection| matches!(o, Objection::ContradictoryBranch { .. });
                assert!(objections.iter().all(contradictory), "case {case}: {objections:?}");
            }
        }
        for _ in 0..5 {
            let mut certificate = certificate.clone();
            for _ in 0..rng.u8(1..4) {
                if rng.u8(0..4) == 0 {
                    let types = problem.bins().len() as u32;
                    let (bin_type, by) = (rng.u32(0..types), rng.u32(0..types));
                    certificate.dominated.push(Dominance { bin_type, by });
                } else {
                    tamper(&mut rng, &problem, &mut certificate);
                }
            }
            match check_certificate(&problem, &certificate) {
                Ok(bound) => {
                    passed += 1;
                    assert!(
                        bound <= optimum,
                        "case {case}: {bound} > {optimum}\n{problem:?}\n{certificate:?}"
                    );
                }
                Err(_) => refused += 1,
            }
        }
    }
    println!("{positive} bounds above zero, {tight} tight; tampered: {refused} refused, {passed} true");
    // The generator reaches what it should.
    assert!(positive > 1500 && tight > 50 && refused > 3000 && passed > 1500);
}

/// Two copies of 9 and 11 each on bins of 16, and a clique of two that would both fit.
#[test]
fn only_dimensions_of_the_problem_are_rounded_and_not_by_zero() {
    let pod = |demand: u64, max_per_bin| ItemType {
        demand: [demand].into_iter().collect(),
        copies: 2,
        max_per_bin,
        eligible: BinSet::all(1),
    };
    let items = vec![pod(9, None), pod(11, None), pod(1, Some(1)), pod(2, Some(1))];
    let bin = BinType { capacity: [16].into_iter().collect(), rate: Rate::from_nanos(5), stock: None };
    let apart = [(ItemTypeId(2), ItemTypeId(3))];
    let problem = Problem::new(vec!["cpu".into()], items, vec![bin], apart, None).expect("it agrees");
    let refused = |rounded: Vec<RoundedDimension>, cliques: Vec<Vec<u32>>| {
        let certificate = Certificate { rounded, cliques, ..Certificate::default() };
        check_certificate(&problem, &certificate).err()
    };
    let by = |dimension, divisor| RoundedDimension { dimension, divisor };
    assert_eq!(refused(vec![by(0, 9)], vec![vec![2, 3]]), None);
    assert_eq!(refused(vec![by(0, 9), by(0, 0)], vec![]), Some(vec![Objection::FalseRounding(1)]));
    assert_eq!(refused(vec![by(1, 9)], vec![]), Some(vec![Objection::FalseRounding(0)]));
    // The dimension of a clique is none of the problem's.
    assert_eq!(refused(vec![by(1, 1)], vec![vec![2, 3]]), Some(vec![Objection::FalseRounding(0)]));

    // Four copies of more than half a bin: at prices of the rounded dimension each is worth a bin.
    let value = PatternValue {
        bin_type: 0,
        value: 5,
        proof: ValueProof::ResourcePrices { numerators: vec![0, 5], denominator: 1 },
    };
    let certificate = Certificate {
        rounded: vec![by(0, 9)],
        valuations: vec![Valuation { item_prices: vec![5, 5, 0, 0], pattern_values: vec![value] }],
        proof: vec![BoundStep::Leaf { weights: vec![Weight { valuation: 0, weight: 1 }] }],
        ..Certificate::default()
    };
    assert_eq!(check_certificate(&problem, &certificate), Ok(Money::from_nanos(20)));
}

#[test]
fn a_searched_value_is_accepted_exactly_from_the_best_pattern_on() {
    let mut rng = Rng::with_seed(2);
    for case in 0..4000 {
        let problem = tiny::problem(&mut rng);
        let item_prices: Vec<u64> = problem.items().iter().map(|_| rng.u64(0..12)).collect();
        let best: Vec<u64> = problem.bin_ids().map(|t| best_value(&problem, t, &item_prices)).collect();
        let exhaustive = case % 2 == 0;
        let certificate = |values: Vec<u64>| {
            let pattern_values = (0u32..)
                .zip(values)
                .map(|(bin_type, value)| PatternValue {
                    bin_type,
                    value,
                    proof: match exhaustive {
                        true => ValueProof::Exhaustive,
                        false => every_pattern(&problem, BinTypeId(bin_type)),
                    },
                })
                .collect();
            let valuations = vec![Valuation { item_prices: item_prices.clone(), pattern_values }];
            let proof = vec![BoundStep::Leaf { weights: vec![Weight { valuation: 0, weight: 1 }] }];
            Certificate { valuations, proof, ..Certificate::default() }
        };
        assert!(check_certificate(&problem, &certificate(best.clone())).is_ok(), "case {case}");
        for (t, bin) in problem.bin_ids().zip(problem.bins()) {
            if best[t.index()] > 0 && bin.stock != Some(0) {
                let mut low = best.clone();
                low[t.index()] -= 1;
                assert!(check_certificate(&problem, &certificate(low)).is_err(), "case {case}");
            }
        }
    }
}
