//! Workloads, a catalog and a policy become a packing problem, with a legend that tells what its
//! numbers stand for.

pub mod allocatable;
mod legend;
mod note;

pub use legend::{Breakdown, Dimension, ItemMembers, Legend, Measure, NodeGroup, NodeType};
pub use note::{FormulateError, Note, Obstacle, ObstacleReason, Shortfall, Unhonoured, UnhonouredRule};

use crate::problem::Problem;

/// A packing problem, what it stands for, and what is not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formulation {
    /// The problem to solve.
    pub problem: Problem,
    /// What its numbers stand for.
    pub legend: Legend,
    /// Workloads that fit nowhere and are therefore not in the problem, in input order.
    pub obstacles: Vec<Obstacle>,
    /// What a reader must know: rules not honoured, assumptions made.
    pub notes: Vec<Note>,
}
