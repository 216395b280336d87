//! `plimsoll solve`: packs a problem from a file.

use std::time::Instant;

use anyhow::anyhow;
use plimsoll::input::{Fault, certificate_file, problem_file};
use plimsoll::report::solution::{Solution, Times};
use plimsoll::solver::{self, SolveError};
use plimsoll::verify;

use super::args::{MessageArgs, SolveArgs, SolveFormatArg};
use super::progress::Progress;
use super::{Ending, Failure, files, plan};

/// Reads the problem, packs it, verifies the answer and prints it.
pub fn run(args: &SolveArgs, messages: MessageArgs) -> Result<Ending, Failure> {
    let source = files::read_one(&args.problem)?;
    let problem = problem_file::read(&source)?;
    let progress = Progress::start(messages);
    plan::stop_on_interrupt()?;
    plan::use_threads(args.search.threads)?;
    let started = Instant::now();
    let outcome = solver::solve(&problem, &plan::budget(&args.search), args.search.seed, &progress);
    let search = started.elapsed();
    drop(progress);
    let outcome = outcome.map_err(|error| match error {
        SolveError::Unplaceable(items) => Failure::Invalid(
            items
                .iter()
                .map(|j| Fault::new(&source.name, "fits no bin type").at_field(format!("items[{}]", j.0)))
                .collect(),
        ),
        other => Failure::NoPlan(other.to_string()),
    })?;
    let outcome = verify::verify(&problem, outcome).map_err(|violations| {
        let list: Vec<String> = violations.iter().map(ToString::to_string).collect();
        anyhow!("the solver's answer failed verification, which is a bug: {}", list.join("; "))
    })?;
    if let Some(path) = &args.certificate {
        let text = certificate_file::write(&problem, None, &outcome.lower_bound().certificate);
        files::write(Some(path), text.as_bytes())?;
    }
    let solution = Solution::of(&outcome);
    let text = match args.format {
        SolveFormatArg::Table => solution.to_table(&problem, Times::of(&outcome, search)),
        SolveFormatArg::Json => solution.to_json(),
    };
    files::write(args.output.as_deref(), text.as_bytes())?;
    Ok(if plan::interrupted() { Ending::Interrupted } else { Ending::Done })
}
