//! The chance that the pods of one node use more memory than it has, when each uses what it was measured to use
//! and they do so independently.
//!
//! *Normal*: the sum is taken to be normal with the pods' means and variances added up. *Empirical*: each pod
//! draws from its samples, or from a distribution through its mean, 95th percentile and maximum. Both are
//! checked by drawing (Monte Carlo), seeded, so that the same input gives the same figure anywhere.

use std::fmt;
use std::str::FromStr;

use rayon::prelude::*;

use super::Stat;
use crate::units::PartsPerMillion;

/// How joint use is estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// As a normal distribution.
    Normal,
    /// By drawing from what was measured.
    Empirical,
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Model::Normal => "normal",
            Model::Empirical => "empirical",
        })
    }
}

impl FromStr for Model {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "normal" => Ok(Model::Normal),
            "empirical" => Ok(Model::Empirical),
            other => Err(format!("`{other}` is neither normal nor empirical")),
        }
    }
}

/// The 95 % quantile of the standard normal distribution.
const Z95: f64 = 1.644_853_626_951_472_7;

/// The use of one pod, to be added up and drawn from.
#[derive(Debug, Clone, PartialEq)]
pub struct Use {
    mean: f64,
    deviation: f64,
    draw: Draw,
}

/// What one draw of a pod's use is made by.
#[derive(Debug, Clone, PartialEq)]
enum Draw {
    /// Always the same: nothing was measured, so that the request counts.
    Fixed(f64),
    /// One of the measurements, each as likely.
    Sample(Vec<u64>),
    /// Evenly between the points: from the least to the 95th percentile, and from there to the maximum.
    Quantiles {
        least: f64,
        p95: f64,
        max: f64,
    },
    Normal,
}

impl Use {
    /// Of a pod of which nothing is known but what it requests.
    pub fn fixed(request: u64) -> Use {
        Use { mean: request as f64, deviation: 0.0, draw: Draw::Fixed(request as f64) }
    }

    /// Of a measured pod. The deviation is that of the samples, or what a normal distribution of this mean
    /// and 95th percentile has.
    pub fn measured(stat: &Stat, model: Model) -> Use {
        let (mean, p95, max) = (stat.mean as f64, stat.p95 as f64, stat.max as f64);
        let (mean, deviation) = match stat.samples.as_slice() {
            [] => (mean, ((p95 - mean) / Z95).max(0.0)),
            samples => {
                let count = samples.len() as f64;
                let mean = samples.iter().map(|&s| s as f64).sum::<f64>() / count;
                let square = samples.iter().map(|&s| (s as f64 - mean) * (s as f64 - mean)).sum::<f64>();
                (mean, libm::sqrt(square / count))
            }
        };
        let draw = match model {
            Model::Normal => Draw::Normal,
            Model::Empirical if !stat.samples.is_empty() => Draw::Sample(stat.samples.clone()),
            Model::Empirical => {
                // The least value that makes the mean right, 0.95 (least + p95) / 2 + 0.05 (p95 + max) / 2,
                // as far as nothing is below zero.
                let least = ((mean - 0.025 * (p95 + max)) / 0.475 - p95).clamp(0.0, p95);
                Draw::Quantiles { least, p95, max }
            }
        };
        Use { mean, deviation, draw }
    }

    /// On average.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Its standard deviation.
    pub fn deviation(&self) -> f64 {
        self.deviation
    }

    fn drawn(&self, random: &mut fastrand::Rng) -> f64 {
        match &self.draw {
            Draw::Fixed(request) => *request,
            Draw::Sample(samples) => samples[random.usize(..samples.len())] as f64,
            Draw::Quantiles { least, p95, max } => {
                let u = random.f64();
                if u < 0.95 {
                    least + (p95 - least) * u / 0.95
                } else {
                    p95 + (max - p95) * (u - 0.95) / 0.05
                }
            }
            // Box and Muller 1958; libm's logarithm is the same on every platform.
            Draw::Normal => {
                let radius = libm::sqrt(-2.0 * libm::log(1.0 - random.f64()));
                let turn = libm::cos(2.0 * std::f64::consts::PI * random.f64());
                self.mean + self.deviation * radius * turn
            }
        }
    }
}

/// Equal nodes with what lies on each.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadedNode<'a> {
    /// How many such nodes.
    pub nodes: u64,
    /// What pods may use of it.
    pub capacity: u64,
    /// Uses and the pods of each on one node.
    pub pods: Vec<(&'a Use, u64)>,
}

impl LoadedNode<'_> {
    /// The chance that joint use exceeds the capacity, by the normal approximation.
    pub fn normal(&self) -> f64 {
        let mean: f64 = self.pods.iter().map(|(u, n)| u.mean * *n as f64).sum();
        let variance: f64 = self.pods.iter().map(|(u, n)| u.deviation * u.deviation * *n as f64).sum();
        let room = self.capacity as f64 - mean;
        if variance <= 0.0 {
            return if room < 0.0 { 1.0 } else { 0.0 };
        }
        upper_tail(room / libm::sqrt(variance))
    }

    /// The share of so many draws in which joint use exceeds the capacity.
    pub fn simulated(&self, trials: u32, seed: u64) -> f64 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut over = 0u32;
        for _ in 0..trials {
            let mut sum = 0.0;
            for (pod, count) in &self.pods {
                for _ in 0..*count {
                    sum += pod.drawn(&mut random);
                }
            }
            over += u32::from(sum > self.capacity as f64);
        }
        f64::from(over) / f64::from(trials.max(1))
    }
}

/// The risk of a plan.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Risk {
    /// Of the node where it is highest, by the normal approximation.
    pub worst_normal: f64,
    /// The same as drawn.
    pub worst_simulated: f64,
    /// How many nodes are over their memory at a time, on average, as drawn.
    pub nodes_over: f64,
    /// Draws for each kind of node.
    pub trials: u32,
}

/// Draws of pods' uses in all, at most: a second or two.
const DRAWS: u64 = 40_000_000;
/// Draws for each kind of node.
const TRIALS: (u64, u64) = (2_000, 50_000);

/// The risk of a plan's nodes. Every kind of node has a seed of its own, so that the result does not depend on
/// the number of threads.
pub fn of_plan(nodes: &[LoadedNode<'_>], seed: u64) -> Risk {
    let pods: u64 = nodes.iter().flat_map(|node| &node.pods).map(|&(_, n)| n).sum();
    let trials = (DRAWS / pods.max(1)).clamp(TRIALS.0, TRIALS.1);
    let trials = u32::try_from(trials).expect("at most the most trials");
    let simulated: Vec<f64> = nodes
        .par_iter()
        .enumerate()
        .map(|(i, node)| {
            node.simulated(trials, seed.wrapping_add(0x9e37_79b9_7f4a_7c15u64.wrapping_mul(i as u64 + 1)))
        })
        .collect();
    Risk {
        worst_normal: nodes.iter().map(LoadedNode::normal).fold(0.0, f64::max),
        worst_simulated: simulated.iter().copied().fold(0.0, f64::max),
        nodes_over: nodes.iter().zip(&simulated).map(|(node, s)| node.nodes as f64 * s).sum(),
        trials,
    }
}

/// The chance that a standard normal variable exceeds `z`.
pub fn upper_tail(z: f64) -> f64 {
    0.5 * libm::erfc(z / std::f64::consts::SQRT_2)
}

/// The value that a standard normal variable exceeds with this chance, by bisection; at least zero.
pub fn quantile(risk: PartsPerMillion) -> f64 {
    let risk = f64::from(risk.0) / 1e6;
    let (mut low, mut high) = (0.0, 40.0);
    for _ in 0..200 {
        let middle = (low + high) / 2.0;
        if upper_tail(middle) > risk { low = middle } else { high = middle }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(values: &[u64]) -> Stat {
        Stat { mean: 0, p95: 0, max: 0, samples: values.to_vec() }
    }

    /// n over k.
    fn choose(n: u64, k: u64) -> f64 {
        (0..k).map(|i| (n - i) as f64 / (i + 1) as f64).product()
    }

    #[test]
    fn drawing_comes_near_the_exact_binomial() {
        // Ten pods use 1 with a chance of 1/5 and nothing else: more than 4 at once has the chance
        // sum over k > 4 of C(10, k) 0.2^k 0.8^(10 - k) = 0.0328.
        let pod = Use::measured(&samples(&[0, 0, 0, 0, 1]), Model::Empirical);
        let node = LoadedNode { nodes: 1, capacity: 4, pods: vec![(&pod, 10)] };
        let exact: f64 = (5..=10u64)
            .map(|k| choose(10, k) * libm::pow(0.2, k as f64) * libm::pow(0.8, (10 - k) as f64))
            .sum();
        assert!((exact - 0.032_793_5).abs() < 1e-6, "{exact}");
        let trials = 40_000;
        // Four standard deviations of the estimate.
        let tolerance = 4.0 * (exact * (1.0 - exact) / f64::from(trials)).sqrt();
        for seed in 0..5 {
            let found = node.simulated(trials, seed);
            assert!((found - exact).abs() < tolerance, "seed {seed}: {found} for {exact}");
        }
        assert_eq!(node.simulated(1000, 7).to_bits(), node.simulated(1000, 7).to_bits());
    }

    #[test]
    fn the_normal_approximation_of_normal_pods_is_what_drawing_finds() {
        // Mean 100, 95 % at 164.49: a deviation of 39.2. Nine pods: 900 +- 117.6; 1,094 is 1.65 of that.
        let stat = Stat { mean: 100, p95: 164, max: 300, samples: Vec::new() };
        let pod = Use::measured(&stat, Model::Normal);
        let node = LoadedNode { nodes: 1, capacity: 1_092, pods: vec![(&pod, 9)] };
        let (normal, drawn) = (node.normal(), node.simulated(50_000, 1));
        assert!((normal - 0.05).abs() < 0.001, "{normal}");
        assert!((drawn - normal).abs() < 0.005, "{drawn} for {normal}");
    }

    #[test]
    fn the_distribution_through_three_points_has_their_mean_and_percentile() {
        let stat = Stat { mean: 500, p95: 800, max: 1_000, samples: Vec::new() };
        let pod = Use::measured(&stat, Model::Empirical);
        let mut random = fastrand::Rng::with_seed(3);
        let mut drawn: Vec<f64> = (0..40_000).map(|_| pod.drawn(&mut random)).collect();
        drawn.sort_by(f64::total_cmp);
        let mean = drawn.iter().sum::<f64>() / drawn.len() as f64;
        assert!((mean - 500.0).abs() < 5.0, "{mean}");
        assert!((drawn[38_000] - 800.0).abs() < 15.0, "{}", drawn[38_000]);
        assert!(drawn[39_999] <= 1_000.0 && drawn[0] >= 0.0);
    }

    #[test]
    fn tails_and_quantiles_are_those_of_tables() {
        assert!((upper_tail(1.959_964) - 0.025).abs() < 1e-7);
        assert!((upper_tail(3.090_232) - 0.001).abs() < 1e-8);
        assert!((quantile(PartsPerMillion(1_000)) - 3.090_232).abs() < 1e-5);
        assert!((quantile(PartsPerMillion(50_000)) - Z95).abs() < 1e-9);
    }

    #[test]
    fn what_never_varies_is_over_or_not() {
        let pod = Use::fixed(100);
        let node = |capacity| LoadedNode { nodes: 3, capacity, pods: vec![(&pod, 2)] };
        assert_eq!((node(200).normal(), node(199).normal()), (0.0, 1.0));
        let risk = of_plan(&[node(200), node(199)], 0);
        assert_eq!((risk.worst_simulated, risk.nodes_over), (1.0, 3.0));
    }
}
