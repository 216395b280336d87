//! Progress on standard error while a plan is made: one changing line on a terminal, and with `-v` one
//! line for everything that happens.

use std::sync::Mutex;
use std::time::{Duration, Instant};

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
    /// When it began, and the share of its budget that is used up, in parts per million.
    began: Option<Instant>,
    used: u32,
}

impl Progress {
    /// Begins to draw. indicatif itself draws nothing where standard error is no terminal.
    pub fn start(messages: MessageArgs) -> Self {
        let bar = if draws(messages) { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        // Wide messages are cut at the terminal's edge: a line that wraps would be drawn anew each time.
        let style = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed:>4}");
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
        let began = *search.began.get_or_insert_with(Instant::now);
        match *event {
            Event::Phase(phase) => search.phase = phase.name(),
            Event::Incumbent(cost) => search.incumbent = Some(cost),
            Event::Bound(bound) => search.bound = Some(bound),
            Event::Used(share) => search.used = share,
            _ => {}
        }
        // How much is used up is said often and is no news.
        if !matches!(event, Event::Used(_)) {
            self.told(&search.line());
        }
        self.step(search.bar(began.elapsed()));
    }
}

/// Whether anything is drawn: not with `-q`, nor where a terminal cannot take back what it shows.
fn draws(messages: MessageArgs) -> bool {
    !messages.quiet && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// A bar over the points of a sweep.
pub struct PointsBar {
    bar: ProgressBar,
    verbose: bool,
}

impl PointsBar {
    /// Begins to draw, with the points that are known already.
    pub fn start(messages: MessageArgs, points: usize, known: usize) -> Self {
        let bar = if draws(messages) { ProgressBar::new(points as u64) } else { ProgressBar::hidden() };
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
    /// `packing, greedy: 12.34 per hour, gap 0.52 %`.
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

    /// `[####......] greedy: 12.34 per hour, bound 12.20, gap 1.13 %, at most 12 s left`. Plain characters:
    /// a line that changes is drawn on terminals of all kinds.
    fn bar(&self, elapsed: Duration) -> String {
        const CELLS: usize = 10;
        let filled = (self.used as usize * CELLS / 1_000_000).min(CELLS);
        let mut line = format!("[{}{}] {}", "#".repeat(filled), ".".repeat(CELLS - filled), self.phase);
        if let Some(cost) = self.incumbent {
            line += &format!(": {} per hour", cost.to_cents_string());
        }
        if let Some(bound) = self.bound {
            line += &format!(", bound {}", bound.to_cents_string());
            if let Some(cost) = self.incumbent {
                line += &format!(", gap {:.2} %", 100.0 * relative_gap(cost, bound));
            }
        }
        if let Some(left) = self.left(elapsed) {
            line += &format!(", at most {left} left");
        }
        line
    }

    /// What the rest of the budget takes at the pace so far. A search may well end before.
    fn left(&self, elapsed: Duration) -> Option<String> {
        // Before that the pace says little.
        const LEAST: u32 = 20_000;
        if self.used < LEAST || elapsed < Duration::from_secs(1) {
            return None;
        }
        let used = f64::from(self.used.min(1_000_000)) / 1e6;
        let seconds = (elapsed.as_secs_f64() * (1.0 - used) / used).ceil() as u64;
        Some(if seconds < 120 { format!("{seconds} s") } else { format!("{} min", seconds.div_ceil(60)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(text: &str) -> Option<Money> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn the_bar_has_phase_plan_bound_gap_and_time() {
        let mut search = Search { phase: "greedy", ..Search::default() };
        assert_eq!(search.bar(Duration::ZERO), "[..........] greedy");
        (search.incumbent, search.bound, search.used) = (money("12.5"), money("12"), 400_000);
        let line = search.bar(Duration::from_secs(20));
        assert_eq!(line, "[####......] greedy: 12.50 per hour, bound 12.00, gap 4.00 %, at most 30 s left");
        // With the spinner before and the time after it, it fits 80 columns nearly always; indicatif
        // cuts what does not.
        assert!(line.len() <= 80);
    }

    #[test]
    fn time_left_follows_the_pace_and_is_no_guess_at_the_start() {
        let of = |used, seconds| Search { used, ..Search::default() }.left(Duration::from_secs(seconds));
        assert_eq!(of(10_000, 60), None);
        assert_eq!(of(500_000, 0), None);
        assert_eq!(of(500_000, 10).as_deref(), Some("10 s"));
        assert_eq!(of(100_000, 60).as_deref(), Some("9 min"));
        assert_eq!(of(2_000_000, 60).as_deref(), Some("0 s"), "over the budget");
    }
}
