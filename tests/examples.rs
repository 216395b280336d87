//! The examples of the library run: cargo builds them with the tests.

use std::path::PathBuf;
use std::process::Command;

/// Where cargo puts examples: beside the folder of test programs.
fn example(name: &str) -> PathBuf {
    let tests = std::env::current_exe().expect("this program");
    let folder = tests.ancestors().nth(2).expect("the profile's folder").join("examples");
    folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

#[test]
fn the_examples_of_the_library_run() {
    for (name, words) in [
        ("plan_from_code", "an hour, at least"),
        ("custom_catalog", "EUR an hour"),
        ("streaming_events", "no plan costs less than"),
    ] {
        let program = example(name);
        if !program.exists() {
            // A test run of one file alone builds no examples.
            eprintln!("skipped: {} is not built; `cargo test` builds it", program.display());
            continue;
        }
        let output = Command::new(&program).output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{name}: {said}{}", String::from_utf8_lossy(&output.stderr));
        assert!(said.contains(words), "{name}: {said}");
    }
}
