//! Progress on standard error while a plan is made: one changing line on a terminal, and with `-v` one
//! line for everything that happens.

use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use plimsoll::plan::relative_gap;
use plimsoll::report::sweep::SweepPoint;
use plimsoll::solver::control::{Event, Observer};
use plimsoll::units::Money;

use super::args::MessageArgs;
use super::say;

/// A line that says what is being done and how good the plan is so far.
pub struct Progress {
    bar: ProgressBar,
    verbose: bool,
    search: Mutex<Search>,
}

/// What the solver has told so far.
#[derive(Default)]
struct Search {
    phase: &'static str,
    incumbent: Option<Money>,
    bound: Option<Money>,
}

impl Progress {
    /// Begins to draw. indicatif itself draws nothing where standard error is no terminal.
    pub fn start(messages: MessageArgs) -> Self {
        let bar = if messages.quiet { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
        let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})");
        bar.set_style(style.expect("the template is well formed"));
        bar.enable_steady_tick(Duration::from_millis(80));
        Progress { bar, verbose: messages.verbose, search: Mutex::default() }
    }

    /// A line of its own, with `-v`.
    pub fn told(&self, line: &str) {
        if self.verbose {
            self.bar.suspend(|| say(line));
        }
    }

    /// A line of its own that somebody at a terminal sees too, unless with `-q`.
    pub fn summed_up(&self, line: &str) {
        if self.verbose || !self.bar.is_hidden() {
            self.bar.suspend(|| say(line));
        }
    }

    /// Names the step that begins now.
    pub fn step(&self, what: impl Into<String>) {
        self.bar.set_message(what.into());
    }
}

impl Drop for Progress {
    /// Removes the line, so that it does not stand among messages and results.
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Observer for Progress {
    fn on(&self, event: &Event) {
        // A poisoned lock means that drawing panicked; the search goes on without a picture.
        let Ok(mut search) = self.search.lock() else { return };
        match *event {
            Event::Phase(phase) => search.phase = phase.name(),
            Event::Incumbent(cost) => search.incumbent = Some(cost),
            Event::Bound(bound) => search.bound = Some(bound),
            _ => {}
        }
        self.told(&search.line());
        self.step(search.line());
    }
}

/// A bar over the points of a sweep.
pub struct PointsBar {
    bar: ProgressBar,
    verbose: bool,
}

impl PointsBar {
    /// Begins to draw, with the points that are known already.
    pub fn start(messages: MessageArgs, points: usize, known: usize) -> Self {
        let bar = if messages.quiet { ProgressBar::hidden() } else { ProgressBar::new(points as u64) };
        let style = ProgressStyle::with_template(
            "{spinner} {bar:30} {pos}/{len} points {msg} ({elapsed}, {eta} left)",
        );
        bar.set_style(style.expect("the template is well formed"));
        bar.enable_steady_tick(Duration::from_millis(80));
        bar.set_position(known as u64);
        if messages.verbose && known > 0 {
            bar.suspend(|| say(&format!("{known} of {points} points are known already")));
        }
        PointsBar { bar, verbose: messages.verbose }
    }

    /// Another point is done.
    pub fn done(&self, point: &SweepPoint) {
        let cost = point.found.as_ref().map(|found| found.cost_hour.money().to_cents_string());
        let line = format!(
            "{}: {} per hour",
            point.values.join(", "),
            cost.as_deref().unwrap_or("no plan, nothing")
        );
        if self.verbose {
            self.bar.suspend(|| say(&line));
        }
        self.bar.set_message(line);
        self.bar.inc(1);
    }
}

impl Drop for PointsBar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Search {
    /// `packing, greedy: 12.34 per hour, at most 0.52 % above the cheapest`.
    fn line(&self) -> String {
        let mut line = format!("packing, {}", self.phase);
        if let Some(cost) = self.incumbent {
            line += &format!(": {} per hour", cost.to_cents_string());
            if let Some(bound) = self.bound {
                line += &format!(", gap {:.2} %", 100.0 * relative_gap(cost, bound));
            }
        }
        line
    }
}
