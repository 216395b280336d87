//! The four costs of a charge as four types, so that cash and accrual can never be added up.
//!
//! The names are those of FOCUS 1.2: list, contracted, billed (cash), effective (amortised).

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, Sub};

use serde::{Deserialize, Serialize};

use super::ratio::Ratio;
use crate::units::Money;

macro_rules! cost_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
            schemars::JsonSchema,
        )]
        #[serde(transparent)]
        pub struct $name(Money);

        impl $name {
            /// Nothing.
            pub const ZERO: $name = $name(Money::ZERO);

            /// Declares an amount to be a cost of this kind.
            pub const fn new(money: Money) -> Self {
                $name(money)
            }

            /// The amount, its kind forgotten.
            pub const fn money(self) -> Money {
                self.0
            }
        }

        impl Add for $name {
            type Output = $name;
            fn add(self, other: $name) -> $name {
                $name(self.0 + other.0)
            }
        }

        impl Sub for $name {
            type Output = $name;
            fn sub(self, other: $name) -> $name {
                $name(self.0 - other.0)
            }
        }

        impl Sum for $name {
            fn sum<I: Iterator<Item = $name>>(iter: I) -> $name {
                iter.fold($name::ZERO, Add::add)
            }
        }

        impl fmt::Display for $name {
            /// The exact decimal, in currency units.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

cost_type! {
    /// Cost on demand, before any commitment discount: the on-demand equivalent. At public prices unless
    /// a discount is negotiated; then the plan's are what it leaves, and the public ones stand beside.
    ///
    /// ```compile_fail
    /// use plimsoll::bill::{EffectiveCost, ListCost};
    /// let nonsense = ListCost::ZERO + EffectiveCost::ZERO;
    /// ```
    ListCost
}
cost_type! {
    /// Cost after negotiated discounts and before commitment discounts.
    ContractedCost
}
cost_type! {
    /// Cash: what is due in a period, prepayments in full when they are paid.
    ///
    /// ```compile_fail
    /// use plimsoll::bill::{BilledCost, EffectiveCost};
    /// let counted_twice = BilledCost::ZERO + EffectiveCost::ZERO;
    /// ```
    BilledCost
}
cost_type! {
    /// Accrual: prepayments spread over the hours that they pay for (amortised).
    EffectiveCost
}

/// What `actual` saves against the same usage without any discount; below zero when it costs more.
pub fn saving(equivalent: ListCost, actual: EffectiveCost) -> Money {
    equivalent.money() - actual.money()
}

/// The effective savings rate: 1 - amortised / on-demand equivalent. `None` when nothing is used.
pub fn effective_savings_rate(equivalent: ListCost, actual: EffectiveCost) -> Option<Ratio> {
    Ratio::of_money(saving(equivalent, actual), equivalent.money())
}
