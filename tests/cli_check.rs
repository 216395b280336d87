//! `solve`, `plan --certificate` and `check` from outside: what was written is proven again, and what
//! was changed since is refused.

#[path = "support/schema.rs"]
mod schema;

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use tempfile::TempDir;

/// Runs the program in a folder and returns exit code, standard output and standard error.
fn run(folder: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::cargo_bin("plimsoll").expect("the binary is built");
    let output = command.current_dir(folder).args(args).output().expect("the binary runs");
    let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn folder_with(name: &str, text: &str) -> TempDir {
    let folder = TempDir::new().expect("there is room for a folder");
    fs::write(folder.path().join(name), text).expect("the file can be written");
    folder
}

/// Changes a file, once; the text must be there.
fn change(folder: &Path, file: &str, from: &str, to: &str) {
    let path = folder.join(file);
    let text = fs::read_to_string(&path).expect("the file can be read");
    assert!(text.contains(from), "{file} has no {from}: {text}");
    fs::write(&path, text.replacen(from, to, 1)).expect("the file can be written");
}

/// Three of (6,4) and four of (4,6) into bins of (10,10): one of each fits, so four bins.
const VBP: &str = "2\n10 10\n2\n6 4 3\n4 6 4\n";

#[test]
fn a_vector_packing_instance_is_solved_and_its_proof_checked() {
    let folder = folder_with("p.vbp", VBP);
    let (code, out, _) = run(folder.path(), &["solve", "p.vbp"]);
    assert_eq!(code, Some(0));
    assert!(
        out.starts_with("bins        4\ncost        4\nlower bound 4 (certified)\ngap         0"),
        "{out}"
    );
    assert!(out.contains("stopped     optimal"), "{out}");

    let args = ["solve", "p.vbp", "-f", "json", "-o", "s.json", "--certificate", "c.json"];
    assert_eq!(run(folder.path(), &args).0, Some(0));
    let (code, out, error) = run(folder.path(), &["check", "s.json", "--certificate", "c.json"]);
    assert_eq!((code, error.as_str()), (Some(0), ""));
    assert!(out.contains("plan   4 bins hold all 7 copies of 2 item types"), "{out}");
    assert!(out.contains("gap    none: the plan is the cheapest possible"), "{out}");
}

#[test]
fn a_changed_solution_or_certificate_is_refused() {
    let refused = |file: &str, from: &str, to: &str, why: &str| {
        let folder = folder_with("p.vbp", VBP);
        let args = ["solve", "p.vbp", "-f", "json", "-o", "s.json", "--certificate", "c.json"];
        assert_eq!(run(folder.path(), &args).0, Some(0));
        change(folder.path(), file, from, to);
        let (code, out, error) = run(folder.path(), &["check", "s.json", "--certificate", "c.json"]);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{error}");
        assert!(error.contains(why), "{error}");
    };
    refused("s.json", "\"bins\": 3", "\"bins\": 2", "the plan is not valid");
    refused("s.json", "\"cost_hour\": \"4\"", "\"cost_hour\": \"3\"", "its nodes add up to 4");
    refused("s.json", "certified_bound_hour\": \"4\"", "certified_bound_hour\": \"5\"", "proven is 4");
    refused("c.json", "\"capacity\":[10,10]", "\"capacity\":[9,10]", "refused:");
    refused("c.json", "\"capacity\":[10,10]", "\"capacity\":[20,20]", "refused: ");
    refused("c.json", "\"copies\":4", "\"copies\":5", "the plan is not valid");
    refused("c.json", "\"value\":", "\"value\":1", "refused: the plan states a certified bound of 4");
}

#[test]
fn a_plan_of_workloads_is_checked_against_its_certificate() {
    let folder = TempDir::new().expect("there is room for a folder");
    let workloads = concat!(env!("CARGO_MANIFEST_DIR"), "/workloads/qbox-2016.yaml");
    let args =
        ["plan", workloads, "--effort", "quick", "-f", "json", "-o", "plan.json", "--certificate", "c.json"];
    let (code, _, error) = run(folder.path(), &args);
    assert_eq!(code, Some(0), "{error}");
    let check = ["check", "plan.json", "--certificate", "c.json"];
    let (code, out, error) = run(folder.path(), &check);
    assert_eq!((code, error.as_str()), (Some(0), ""));
    assert!(out.contains("within every rule"), "{out}");

    // The rate of the first node group; pools state theirs before.
    let text = fs::read_to_string(folder.path().join("plan.json")).expect("the file can be read");
    let group = text.find("\"nodes\": [").expect("node groups");
    let at = group + text[group..].find("\"list_rate\": \"").expect("its rate") + "\"list_rate\": \"".len();
    let dearer = format!("{}1{}", &text[..at], &text[at..]);
    fs::write(folder.path().join("plan.json"), dearer).expect("the file can be written");
    let (code, _, error) = run(folder.path(), &check);
    assert_eq!(code, Some(2));
    assert!(error.contains("in the problem"), "{error}");
}

#[test]
fn faults_of_a_problem_are_named_with_their_place() {
    let folder = folder_with("p.vbp", "2\n10 10\n1\n6 4\n");
    let (code, _, error) = run(folder.path(), &["solve", "p.vbp"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("p.vbp:4: has 2 numbers where 3 belong"), "{error}");
    let folder = folder_with("p.vbp", "1\n10\n2\n5 1\n11 1\n");
    let (code, _, error) = run(folder.path(), &["solve", "p.vbp"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("p.vbp: items[1]: fits no bin type"), "{error}");
}

#[test]
fn the_examples_of_the_documentation_are_problems() {
    let page = include_str!("../docs/problem-file.md");
    let block = |fence: &str| {
        let (_, rest) = page.split_once(fence).expect("the page has the block");
        rest.split_once("```").expect("the block ends").0.to_owned()
    };
    let examples = [
        ("problem.json", block("```json\n"), "bins        6"),
        ("problem.vbp", block("```text\n"), "bins        5"),
    ];
    for (name, text, bins) in examples {
        let folder = folder_with(name, &text);
        let (code, out, said) = run(folder.path(), &["solve", name, "--effort", "quick"]);
        assert_eq!(code, Some(0), "{name}: {said}");
        assert!(out.starts_with(bins), "{name}: {out}");
    }
}

/// What the program writes, and what its documentation shows, keeps to the schemas that it prints.
#[test]
fn files_keep_to_their_schemas() {
    let folder = folder_with("p.vbp", VBP);
    let run = |args: &[&str]| {
        let (code, out, error) = run(folder.path(), args);
        assert_eq!(code, Some(0), "{args:?}: {error}");
        out
    };
    let workloads = concat!(env!("CARGO_MANIFEST_DIR"), "/workloads/online-boutique.yaml");
    let proof = ["--certificate", "plan-proof.json", "--effort", "quick"];
    let report = run(&[&["plan", workloads, "-f", "json"], &proof[..]].concat());
    let solution = run(&["solve", "p.vbp", "-f", "json", "--certificate", "proof.json"]);
    let written = |name: &str| fs::read_to_string(folder.path().join(name)).expect("the file can be read");
    let shown = |page: &str, fence: &str| {
        let (_, rest) = page.split_once(fence).expect("the page has the block");
        rest.split_once("```").expect("the block ends").0.to_owned()
    };
    let files = [
        ("plan", report),
        ("certificate", written("plan-proof.json")),
        ("solution", solution),
        ("certificate", written("proof.json")),
        ("problem", shown(include_str!("../docs/problem-file.md"), "```json\n")),
        ("policy", shown(include_str!("../docs/policy-file.md"), "```yaml\n")),
        ("catalog", shown(include_str!("../catalogs/README.md"), "```yaml\n")),
        ("catalog", run(&["catalog", "show", "gcp-2026-07-30-us-west1"])),
        ("catalog", run(&["catalog", "show", "aws-2016-09-27-us-east-1"])),
    ];
    for (name, text) in files {
        let printed: serde_json::Value = serde_json::from_str(&run(&["schema", name])).expect("JSON");
        let value: serde_json::Value = serde_yaml::from_str(&text).expect("YAML, or JSON, which is YAML");
        schema::check(&printed, &printed, &value, name).unwrap_or_else(|error| panic!("{error}"));
    }
}
