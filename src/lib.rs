//! Plimsoll packs workload requests onto priced instance types at least cost and proves how far
//! the plan is from the cheapest possible.
//!
//! The library takes bytes and returns bytes: it reads no file, no clock display and no
//! environment. `ARCHITECTURE.md` draws the floors; a module uses only what lies below it.

pub mod baselines;
pub mod bill;
pub mod catalog;
pub mod check;
pub mod demand;
pub mod formulate;
pub mod input;
pub mod levels;
pub mod migration;
pub mod observed;
pub mod plan;
pub mod policy;
pub mod problem;
pub mod purchase;
pub mod replay;
pub mod report;
pub mod resilience;
pub mod search;
pub mod solver;
pub mod units;
pub mod verify;
pub mod workload;
