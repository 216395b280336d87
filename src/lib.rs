//! Plimsoll packs workload requests onto priced instance types at least cost and proves how far
//! the plan is from the cheapest possible.
//!
//! The library takes bytes and returns bytes: it reads no file, no clock display and no
//! environment. `ARCHITECTURE.md` draws the floors; a module uses only what lies below it.
//!
//! # The way of a plan
//!
//! 1. [`input::read_workloads`] reads workloads from the bytes of files, or code builds a
//!    [`workload::WorkloadSet`]; [`input::catalog_file`] has the bundled [`catalog::Catalog`]s and reads
//!    others; [`policy::Policy`] says how to plan.
//! 2. [`formulate::formulate`] makes the packing problem with a legend of what its numbers stand for.
//! 3. [`search::search`] finds a plan and a lower bound; [`solver::control`] limits the search, stops it
//!    from outside and tells of its progress. What comes out has passed [`verify`].
//! 4. [`report::view::build`] prices the plan into flat rows, [`report::render`] writes them in a format,
//!    [`report::json`] reads them back; [`report::diff`](mod@report::diff) and [`report::explain`] answer
//!    questions about saved plans.
//!
//! Three programs show it, and run with the tests: `examples/plan_from_code.rs`,
//! `examples/custom_catalog.rs`, `examples/streaming_events.rs`.
//!
//! # What is stable
//!
//! Within a minor version these keep their names and meaning: the functions named above, the types that
//! they take and give, [`units`], [`plan`], [`check::check_certificate`], and the JSON forms, each of which
//! carries a version of its own. Structs may get fields and enums variants in a minor version: build them
//! with `..Default::default()` where there is one, and match with a last `_`. Everything else
//! (the parts of [`solver`], [`bill`], [`baselines`], [`replay`], [`resilience`], [`migration`]) is public
//! so that it can be used and tested, and may change in any minor version. Amounts are integers with their
//! unit in the type; no function gives a sum of money as a float.

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
pub mod usage;
pub mod verify;
pub mod workload;
