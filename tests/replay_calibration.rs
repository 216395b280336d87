//! The replay against the real scheduler's counts of pending pods (`tests/data/scheduler`).

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/measured.rs"]
mod measured;

use measured::{REPLAYS, cluster, rows};
use plimsoll::replay::{self, Order, Profile, Settings};

/// Runs per row: as many as the real scheduler was given, and a few more, for the range is random.
const SEEDS: u64 = 5;

#[test]
fn pending_pods_are_as_many_as_the_real_scheduler_leaves() {
    let (mut off, mut ties) = (Vec::new(), 0);
    for row in rows(REPLAYS) {
        let (profile, order): (Profile, Order) = (row[3].parse().unwrap(), row[4].parse().unwrap());
        let (fewest, most): (u64, u64) = (row[6].parse().unwrap(), row[7].parse().unwrap());
        let settings = Settings { profiles: vec![profile], orders: vec![order], seeds: (0..SEEDS).collect() };
        let runs = replay::replay(&cluster(row[0]), &settings);
        let mut pending: Vec<u64> = runs.iter().map(replay::Run::pending_pods).collect();
        let (least, largest) = (*pending.iter().min().unwrap(), *pending.iter().max().unwrap());
        println!("{:42} {profile:15} {order:12} real {fewest:3}-{most:3} replay {pending:?}", row[0]);
        // The ranges meet, or miss each other by a pod.
        let apart = fewest.saturating_sub(largest).max(least.saturating_sub(most));
        if apart > 0 {
            off.push((row.clone(), pending.clone()));
        }
        assert!(apart <= 2, "{row:?}: {pending:?}");
        // Three runs are few, so a single run may stray; the middle one does not by more than two pods.
        pending.sort_unstable();
        let middle = pending[pending.len() / 2];
        let stray = fewest.saturating_sub(middle).max(middle.saturating_sub(most));
        assert!(stray <= 2 + most / 50, "{row:?}: {pending:?}");
        if most == 0 {
            // Zero where the real one has zero, but for a tie in a few runs that falls otherwise.
            assert!(middle == 0 && largest <= 2, "{row:?}: {pending:?}");
            ties += u64::from(largest > 0);
        }
    }
    assert!(off.len() <= 2, "{off:#?}");
    assert!(ties <= 2, "{ties} sets of nodes without pending pods have some in one of {SEEDS} runs");
}
