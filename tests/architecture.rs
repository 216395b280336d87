//! ARCHITECTURE.md is true: its paths exist, no source file is missing from its map, and every module
//! imports only what lies below it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The library's modules, and what each may use of the others.
const FLOORS: [(&str, &[&str]); 24] = [
    ("units", &[]),
    ("demand", &["units"]),
    ("problem", &["units"]),
    ("workload", &["units", "demand"]),
    ("catalog", &["units"]),
    ("policy", &["units", "workload", "catalog"]),
    ("observed", &["units", "workload", "catalog", "policy"]),
    ("usage", &["units", "demand", "workload"]),
    ("plan", &["units", "problem"]),
    ("input", &["units", "problem", "demand", "workload", "catalog", "policy", "plan", "observed", "usage"]),
    ("formulate", &["units", "problem", "workload", "catalog", "policy", "plan", "observed"]),
    ("solver", &["units", "problem", "plan"]),
    ("verify", &["units", "problem", "workload", "catalog", "policy", "plan", "formulate"]),
    ("check", &["units", "problem", "plan"]),
    (
        "search",
        &["units", "problem", "workload", "catalog", "policy", "plan", "formulate", "solver", "verify"],
    ),
    ("replay", &["units", "problem", "workload", "catalog", "policy", "plan", "formulate", "verify"]),
    (
        "resilience",
        &[
            "units",
            "problem",
            "workload",
            "catalog",
            "policy",
            "plan",
            "formulate",
            "solver",
            "verify",
            "search",
            "replay",
        ],
    ),
    ("bill", &["units", "workload", "catalog", "policy", "verify"]),
    (
        "levels",
        &[
            "units",
            "demand",
            "problem",
            "workload",
            "catalog",
            "policy",
            "plan",
            "formulate",
            "solver",
            "verify",
            "search",
            "bill",
        ],
    ),
    (
        "baselines",
        &["units", "problem", "workload", "catalog", "policy", "plan", "formulate", "solver", "verify"],
    ),
    (
        "report",
        &[
            "units",
            "demand",
            "levels",
            "purchase",
            "problem",
            "workload",
            "catalog",
            "policy",
            "plan",
            "input",
            "formulate",
            "verify",
            "check",
            "bill",
            "baselines",
            "replay",
            "resilience",
            "search",
            "observed",
            "usage",
            "migration",
            "purchase",
        ],
    ),
    (
        "migration",
        &["units", "problem", "workload", "catalog", "plan", "observed", "formulate", "solver", "verify"],
    ),
    (
        "purchase",
        &[
            "units",
            "problem",
            "workload",
            "catalog",
            "policy",
            "plan",
            "formulate",
            "solver",
            "verify",
            "search",
            "bill",
            "demand",
            "levels",
        ],
    ),
    ("lib", &[]),
];

/// What only the binary may touch.
const OUTSIDE: [&str; 7] =
    ["std::fs", "std::env::", "std::process", "std::net", "println!", "print!(", "stdout()"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files_below(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Source files with their path below `src`, and their text without comments.
fn sources() -> Vec<(String, String)> {
    let src = root().join("src");
    let mut paths = Vec::new();
    files_below(&src, &mut paths);
    let read = |path: PathBuf| {
        let name = path.strip_prefix(&src).expect("below src").to_str().expect("UTF-8").to_owned();
        let text = std::fs::read_to_string(&path).expect("a file");
        let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        (name, code.join("\n"))
    };
    paths.into_iter().map(read).collect()
}

fn is_binary(name: &str) -> bool {
    name == "main.rs" || name.starts_with("cli/")
}

#[test]
fn imports_run_down_the_floors() {
    for (name, code) in sources().iter().filter(|(name, _)| !is_binary(name)) {
        let module = name.split(['/', '.']).next().expect("a name");
        let floor = FLOORS.iter().find(|(floor, _)| *floor == module);
        let (_, below) = floor.unwrap_or_else(|| panic!("{name}: `{module}` is on no floor"));
        for (at, _) in code.match_indices("crate::") {
            let rest = &code[at + "crate::".len()..];
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            let used = &rest[..end];
            assert!(used == module || below.contains(&used), "{name} uses `{used}`, which is not below it");
        }
    }
}

#[test]
fn the_library_touches_no_file_stream_or_environment() {
    for (name, code) in sources().iter().filter(|(name, _)| !is_binary(name)) {
        for word in OUTSIDE {
            assert!(!code.contains(word), "{name} has {word}");
        }
    }
}

#[test]
fn the_map_is_complete_and_leads_somewhere() {
    let map = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("the map");
    let named: BTreeSet<&str> = map
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|path| path.contains('/') && !path.contains([' ', ':']))
        .collect();
    for path in &named {
        assert!(root().join(path).exists(), "ARCHITECTURE.md names {path}, which is not there");
    }
    for entry in std::fs::read_dir(root().join("src")).expect("src") {
        let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
        let path = format!("src/{name}");
        let known = map.contains(&format!("`{path}`")) || map.contains(&format!("`{path}/`"));
        assert!(known || ["main.rs", "lib.rs"].contains(&name.as_str()), "{path} is not in ARCHITECTURE.md");
    }
}
