//! The billing engine: what any nodes over time cost under any commitments, in the provider's own
//! order, to the nano-dollar.
//!
//! The order within every hour:
//!
//! 1. reservations: zonal (exact type and zone), then those for an exact type, then those that flex
//!    over a pool of sizes, smallest size first, the last node possibly in part;
//! 2. commitments to vCPU and memory of a series (Google Cloud);
//! 3. spend plans: EC2 Instance Savings Plans, then plans for everything; within each step the pair
//!    of plan and usage with the highest saving first, ties by the lowest plan rate; on Azure
//!    three-year plans before one-year plans;
//! 4. what is left on demand, on Google Cloud less the sustained use discount of the month.
//!
//! Sources: EC2 User Guide (how reserved instances apply), AWS Savings Plans User Guide (how plans
//! apply), Google Cloud documentation (committed and sustained use), MicrosoftDocs/azure-docs.

mod charges;
mod engine;
mod fill;
mod holding;
pub mod owned;
mod sustained;

pub use charges::{Charges, HoldingUse, HourClass, LineUse, Totals, Use};
pub use engine::charge;
pub use fill::{fill, lines};
pub use holding::{Covers, Holding, Origin};
