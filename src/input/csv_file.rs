//! CSV with one row per component or pod.

use super::cluster::Cluster;
use super::view::Sink;

/// Whether a line is the header of a table of workloads.
pub(super) fn is_header(_line: &str) -> bool {
    false
}

/// Reads all rows.
pub(super) fn read(_text: &str, _sink: &Sink<'_>, _cluster: &mut Cluster<'_>) {}
