//! Progress while a search runs, and a search that is stopped from outside with the best plan so far.
//!
//! `cargo run --example streaming_events`

use std::error::Error;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use plimsoll::formulate;
use plimsoll::input::{self, ReadOptions, Source, catalog_file};
use plimsoll::plan::relative_gap;
use plimsoll::policy::Policy;
use plimsoll::search;
use plimsoll::solver::control::{Budget, Effort, Event, Observer};
use plimsoll::units::Money;

/// Prints events, and asks the search to stop once the plan is good enough. Events come from the
/// searching thread, in order; whatever an observer does never changes a plan, only when it stops.
struct Watch<'a> {
    stop: &'a AtomicBool,
    known: Mutex<(Option<Money>, Option<Money>)>,
}

impl Observer for Watch<'_> {
    fn on(&self, event: &Event) {
        let mut known = self.known.lock().expect("no observer panics");
        match *event {
            Event::Phase(phase) => println!("now: {}", phase.name()),
            Event::Incumbent(cost) => {
                println!("plan: {cost} an hour");
                known.0 = Some(cost);
            }
            Event::Bound(bound) => {
                println!("no plan costs less than {bound} an hour");
                known.1 = Some(bound);
            }
            // Later versions may tell more.
            _ => {}
        }
        if let (Some(cost), Some(bound)) = *known
            && relative_gap(cost, bound) <= 0.05
        {
            self.stop.store(true, Ordering::Relaxed);
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let file = include_bytes!("../workloads/online-boutique.yaml");
    let source = Source { name: "online-boutique.yaml".to_owned(), bytes: file.to_vec() };
    let workloads = input::read_workloads(&[source], &ReadOptions::default())
        .map_err(|faults| format!("{} faults", faults.len()))?;
    let catalog = catalog_file::by_name("aws-2026-05-us-east-1")?.read();
    let policy = Policy::default_for(catalog.provider);
    let formulation =
        formulate::formulate(&workloads, &catalog, &policy).map_err(|errors| format!("{errors:?}"))?;

    let stop = AtomicBool::new(false);
    let watch = Watch { stop: &stop, known: Mutex::default() };
    let budget = Budget {
        effort: Effort::Quick,
        time_limit: Some(Duration::from_secs(20)),
        cancel: Some(&stop),
        ..Budget::default()
    };
    let found = search::search(&formulation, &budget, 0, &watch)?;
    println!("{} an hour; stopped: {:?}", found.outcome.plan().hourly_cost(), found.outcome.stop());
    let (cost, bound) = *watch.known.lock().expect("no observer panics");
    assert!(cost.is_some() && bound.is_some(), "a search tells of its plans and bounds");
    Ok(())
}
