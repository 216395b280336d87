//! Facts about EC2 that its price tables leave out.

use crate::catalog::NormalizedUnits;

/// Families that the payment ratios do not hold for: measured for all but the last two, and those
/// two because their all-upfront rate is that of 2016-09-27 to the last listed digit, when no
/// upfront cost 1.17 times partial upfront.
pub(super) const NO_PAYMENT_RATIOS: [&str; 12] =
    ["c1", "c3", "d2", "g2", "i2", "m1", "m2", "m3", "r3", "p4d", "t1", "x1"];

/// Bare metal types whose on-demand rate in Karpenter's table of 2026-02-09 (us-east-1;
/// aws/karpenter-provider-aws, `zz_generated.pricing_aws.go`) is higher than in the price list of
/// 2026-05, which gives them the rate of the virtual type of the same size.
pub(super) const METAL_DIFFERS: [&str; 40] = [
    "c6g.metal",
    "c6gd.metal",
    "c7i.metal-24xl",
    "c8a.metal-24xl",
    "c8g.metal-24xl",
    "c8gb.metal-24xl",
    "c8gd.metal-24xl",
    "c8gn.metal-24xl",
    "c8i.metal-48xl",
    "c8id.metal-48xl",
    "i7i.metal-24xl",
    "i7i.metal-48xl",
    "i7ie.metal-24xl",
    "i7ie.metal-48xl",
    "i8g.metal-24xl",
    "i8ge.metal-24xl",
    "i8ge.metal-48xl",
    "m5zn.metal",
    "m6g.metal",
    "m6gd.metal",
    "m7i.metal-24xl",
    "m8a.metal-24xl",
    "m8g.metal-24xl",
    "m8gd.metal-24xl",
    "r5b.metal",
    "r6g.metal",
    "r6gd.metal",
    "r7i.metal-24xl",
    "r7iz.metal-16xl",
    "r7iz.metal-32xl",
    "r8a.metal-24xl",
    "r8g.metal-24xl",
    "r8gb.metal-24xl",
    "r8gd.metal-24xl",
    "r8gn.metal-24xl",
    "r8i.metal-48xl",
    "r8id.metal-48xl",
    "x2gd.metal",
    "x8g.metal-24xl",
    "x8i.metal-48xl",
];

/// Bare metal types that Karpenter's table of 2026-02-09 does not have.
pub(super) const METAL_UNCHECKED: [&str; 11] = [
    "c8ib.metal-48xl",
    "c8ib.metal-96xl",
    "c8in.metal-48xl",
    "c8in.metal-96xl",
    "i8g.metal-48xl",
    "m8azn.metal-12xl",
    "m8azn.metal-24xl",
    "m8gb.metal-24xl",
    "m8gb.metal-48xl",
    "m8gn.metal-24xl",
    "m8gn.metal-48xl",
];

/// Families whose reservations do not flex over sizes (EC2 user guide, 2023-06).
const NO_SIZE_FLEXIBILITY: [&str; 5] = ["g4ad", "g4dn", "g5", "g5g", "inf1"];

/// Factors of bare metal types (EC2 user guide, `apply_ri.md`, 2023-06).
const METAL_FACTORS: [(&str, u64); 24] = [
    ("a1", 32),
    ("m5zn", 96),
    ("z1d", 96),
    ("c6g", 128),
    ("c6gd", 128),
    ("i3", 128),
    ("m6g", 128),
    ("m6gd", 128),
    ("r6g", 128),
    ("r6gd", 128),
    ("x2gd", 128),
    ("c5n", 144),
    ("c5", 192),
    ("c5d", 192),
    ("i3en", 192),
    ("m5", 192),
    ("m5d", 192),
    ("m5dn", 192),
    ("m5n", 192),
    ("r5", 192),
    ("r5b", 192),
    ("r5d", 192),
    ("r5dn", 192),
    ("r5n", 192),
];

/// The normalization factor of a size; `Nxlarge` is 8 x N in every published row (EC2 user guide,
/// `apply_ri.md`, 2023-06; 48xlarge, 96xlarge and 224xlarge follow the rule).
pub(super) fn normalized_units(family: &str, size: &str) -> Option<NormalizedUnits> {
    if NO_SIZE_FLEXIBILITY.contains(&family) {
        return None;
    }
    let thousandths = match size {
        "nano" => 250,
        "micro" => 500,
        "small" => 1_000,
        "medium" => 2_000,
        "large" => 4_000,
        "xlarge" => 8_000,
        "metal" if family.starts_with("u-") => 896_000,
        "metal" => METAL_FACTORS.iter().find(|(f, _)| *f == family)?.1 * 1_000,
        _ => size.strip_suffix("xlarge")?.parse::<u64>().ok()?.checked_mul(8_000)?,
    };
    Some(NormalizedUnits(thousandths))
}
