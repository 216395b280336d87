//! Ctrl-C while a large plan is made: the best plan so far is printed, is valid, and the exit code says
//! what happened.
#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use plimsoll::input::problem_file;
use tempfile::TempDir;

#[path = "../benches/common/mod.rs"]
mod common;

use common::clusters::{Variant, cluster};

/// An optimised build is done with the first plan in tenths of a second, a slow machine in seconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// A problem that keeps the search busy for longer than any test waits.
fn folder_with_large_problem() -> TempDir {
    let folder = TempDir::new().expect("there is room for a folder");
    let problem = cluster(20_000, 300, Variant::Plain, 1).formulate().problem;
    fs::write(folder.path().join("p.json"), problem_file::write(&problem)).expect("there is room");
    folder
}

fn start(folder: &Path, args: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .current_dir(folder)
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

/// Reads standard error up to a line that says how good a plan is.
fn wait_for_a_plan(child: &mut Child) {
    let mut lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
    let found = lines.by_ref().map_while(Result::ok).any(|line| line.contains("gap"));
    assert!(found, "the program ended before it had a plan");
    // Somebody must go on reading, or the program waits for room to write.
    thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
}

fn interrupt(child: &Child) {
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.expect("there is a `kill` command").success());
}

/// The output, unless the program does not end.
fn output(mut child: Child) -> Output {
    let deadline = Instant::now() + PATIENCE;
    // Standard output is small enough to wait in the pipe, or goes to a file.
    while child.try_wait().expect("it can be waited for").is_none() {
        if Instant::now() > deadline {
            child.kill().expect("it can be stopped");
            panic!("the program did not end within {PATIENCE:?}");
        }
        thread::sleep(Duration::from_millis(20));
    }
    child.wait_with_output().expect("it has ended")
}

#[test]
fn a_search_interrupted_prints_a_plan_that_is_proven() {
    let folder = folder_with_large_problem();
    let args = ["solve", "p.json", "-v", "--effort", "thorough", "-f", "json", "-o", "s.json"];
    let mut child = start(folder.path(), &[&args[..], &["--certificate", "c.json"]].concat());
    wait_for_a_plan(&mut child);
    let asked = Instant::now();
    interrupt(&child);
    assert_eq!(output(child).status.code(), Some(130));
    println!("stopped {:?} after being asked to", asked.elapsed());

    let solution = fs::read_to_string(folder.path().join("s.json")).expect("the plan was written");
    assert!(solution.contains("\"stop\": \"interrupted\""), "{}", &solution[..400.min(solution.len())]);
    let checked = output(start(folder.path(), &["check", "s.json", "--certificate", "c.json"]));
    let text = String::from_utf8_lossy(&checked.stdout);
    assert_eq!(checked.status.code(), Some(0), "{}", String::from_utf8_lossy(&checked.stderr));
    assert!(text.contains("bins hold all 20,000 copies"), "{text}");
}

#[test]
fn a_plan_interrupted_is_printed_and_says_so() {
    let folder = TempDir::new().expect("there is room for a folder");
    let mut workloads = "plimsoll: workloads/v1\nname: large\ncomponents:\n".to_owned();
    let mut rng = fastrand::Rng::with_seed(1);
    for n in 0..120 {
        let (replicas, cpu, memory) = (rng.u32(1..60), rng.u32(1..300) * 10, rng.u32(2..500) * 16);
        workloads += &format!(
            "  - {{name: c{n}, replicas: {replicas}, requests: {{cpu: {cpu}m, memory: {memory}Mi}}}}\n"
        );
    }
    fs::write(folder.path().join("w.yaml"), workloads).expect("there is room");
    let args = ["plan", "w.yaml", "--catalog", "aws-2026-05-us-east-1", "-v", "--effort", "thorough"];
    let mut child = start(folder.path(), &[&args[..], &["-f", "json", "-o", "plan.json"]].concat());
    wait_for_a_plan(&mut child);
    interrupt(&child);
    assert_eq!(output(child).status.code(), Some(130));
    let plan = fs::read_to_string(folder.path().join("plan.json")).expect("the plan was written");
    assert!(plan.contains("\"interrupted\""), "{}", &plan[..400.min(plan.len())]);
}
