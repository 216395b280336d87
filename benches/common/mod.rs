//! Packing instances for measurements, the same numbers each time: clusters on real prices, and vector
//! packing as the literature has it.
#![allow(dead_code, reason = "each user of this module takes what it needs")]

pub mod clusters;
pub mod five_way;
pub mod literature;

use fastrand::Rng;

/// Standard normal, by Box and Muller (1958).
fn normal(rng: &mut Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.f64()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.f64()).cos()
}

/// `median` times e to the power of sigma z.
fn lognormal(median: f64, sigma: f64, z: f64) -> f64 {
    median * (sigma * z).exp()
}
