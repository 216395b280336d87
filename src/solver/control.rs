//! When the search may go on, and who hears of its progress.
//!
//! Work is counted in deterministic units (about one elementary step of packing each), so that the
//! same problem, seed and work limit give the same plan on every machine and at any thread count.
//! A time limit may stop elsewhere; the outcome says which it was.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::plan::StopReason;
use crate::units::Money;

/// How hard to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Effort {
    /// First plan and bound.
    Quick,
    /// Seconds.
    #[default]
    Normal,
    /// About a minute.
    Thorough,
}

impl Effort {
    /// Work units that the effort allows.
    pub fn work_limit(self) -> u64 {
        match self {
            Effort::Quick => 50_000_000,
            Effort::Normal => 500_000_000,
            Effort::Thorough => 20_000_000_000,
        }
    }
}

/// Limits of one search. The search ends when any of them is reached.
#[derive(Debug, Clone, Copy)]
pub struct Budget<'a> {
    /// How hard to try, which sets the work limit unless one is given.
    pub effort: Effort,
    /// Work units allowed, instead of the effort's.
    pub work_limit: Option<u64>,
    /// Wall-clock limit.
    pub time_limit: Option<Duration>,
    /// Stop once (cost - bound) / cost is at most this.
    pub gap: f64,
    /// Set from outside (Ctrl-C) to stop as soon as possible.
    pub cancel: Option<&'a AtomicBool>,
}

impl Default for Budget<'_> {
    fn default() -> Self {
        Budget { effort: Effort::default(), work_limit: None, time_limit: None, gap: 0.0, cancel: None }
    }
}

impl Budget<'_> {
    /// Work units allowed.
    pub fn work_limit(&self) -> u64 {
        self.work_limit.unwrap_or(self.effort.work_limit())
    }
}

/// A rung of the search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Merging shapes and dropping dominated bin types.
    Reduce,
    /// The linear programme over resource prices.
    Relaxation,
    /// First plans.
    Greedy,
    /// The linear programme over patterns.
    ColumnGeneration,
    /// Rounding pattern counts.
    Rounding,
    /// Freeing and repacking bins.
    Improvement,
    /// Branching on the number of bins per type.
    Branching,
    /// Sharing groups out over pools.
    Pools,
}

impl Phase {
    /// A word for a progress line.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Reduce => "reduce",
            Phase::Relaxation => "relaxation",
            Phase::Greedy => "greedy",
            Phase::ColumnGeneration => "column generation",
            Phase::Rounding => "rounding",
            Phase::Improvement => "improvement",
            Phase::Branching => "branching",
            Phase::Pools => "pools",
        }
    }
}

/// Something that happened during a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A rung begins.
    Phase(Phase),
    /// A cheaper plan, with its cost for an hour.
    Incumbent(Money),
    /// A higher lower bound, for an hour.
    Bound(Money),
    /// How much of the budget is used up, by work or by the clock, in parts per million; from time to time.
    Used(u32),
}

/// Hears of progress while the search runs.
pub trait Observer: Sync {
    /// Called from the searching thread, in order, whenever an event happens. Must return quickly;
    /// whatever it does never changes the result.
    fn on(&self, event: &Event);
}

/// Hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn on(&self, _: &Event) {}
}

/// The running totals against a budget.
pub(super) struct Meter<'a> {
    budget: Budget<'a>,
    started: Instant,
    work: u64,
}

impl<'a> Meter<'a> {
    pub(super) fn start(budget: Budget<'a>) -> Self {
        Meter { budget, started: Instant::now(), work: 0 }
    }

    pub(super) fn spend(&mut self, work: u64) {
        self.work = self.work.saturating_add(work);
    }

    pub(super) fn work(&self) -> u64 {
        self.work
    }

    /// The share of the budget that is used up, by work or by the clock, 0 to 1 and beyond.
    pub(super) fn share_used(&self) -> f64 {
        self.share_used_after(0)
    }

    /// The same with so much work more that is not counted yet; all of it once the search is cancelled.
    pub(super) fn share_used_after(&self, work: u64) -> f64 {
        if self.cancelled() {
            return 1.0;
        }
        let by_work = self.work.saturating_add(work) as f64 / self.budget.work_limit().max(1) as f64;
        let by_clock = self
            .budget
            .time_limit
            .map_or(0.0, |limit| self.started.elapsed().as_secs_f64() / limit.as_secs_f64().max(1e-9));
        by_work.max(by_clock)
    }

    /// The same in parts per million.
    pub(super) fn parts_used(&self) -> u32 {
        (self.share_used().clamp(0.0, 1.0) * 1e6) as u32
    }

    /// Rounds without a saving after which a search ends; a time limit is there to be used.
    pub(super) fn patience(&self) -> u64 {
        match self.budget.effort {
            _ if self.budget.time_limit.is_some() => u64::MAX,
            Effort::Quick => 200,
            Effort::Normal => 1_000,
            Effort::Thorough => 10_000,
        }
    }

    pub(super) fn time_limit(&self) -> Option<Duration> {
        self.budget.time_limit
    }

    pub(super) fn millis(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub(super) fn gap_target(&self) -> f64 {
        self.budget.gap
    }

    pub(super) fn cancelled(&self) -> bool {
        self.budget.cancel.is_some_and(|c| c.load(Ordering::Relaxed))
    }

    /// Why to stop now, if at all.
    pub(super) fn must_stop(&self) -> Option<StopReason> {
        if self.cancelled() {
            Some(StopReason::Interrupted)
        } else if self.budget.time_limit.is_some_and(|limit| self.started.elapsed() >= limit) {
            Some(StopReason::TimeLimit)
        } else if self.work >= self.budget.work_limit() {
            Some(StopReason::WorkLimit)
        } else {
            None
        }
    }
}
