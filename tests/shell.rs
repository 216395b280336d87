//! Completions, manual pages, and defaults of options from files and the environment.

use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

/// The program, deaf to the environment of whoever runs the tests.
fn plimsoll(folder: &Path) -> Command {
    let mut command = Command::cargo_bin("plimsoll").expect("the program is built with its tests");
    command.current_dir(folder).env_remove("NO_COLOR").env("TERM", "dumb");
    command.env("HOME", folder).env("XDG_CONFIG_HOME", folder.join("user"));
    command
}

fn said(command: &mut Command) -> String {
    String::from_utf8(command.assert().success().get_output().stdout.clone()).expect("UTF-8")
}

#[test]
fn completions_know_subcommands_and_options() {
    let folder = tempfile::tempdir().expect("a folder");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let text = said(plimsoll(folder.path()).args(["completions", shell]));
        for word in ["plan", "diff", "explain", "max-vcpu", "fail-on"] {
            assert!(text.contains(word), "{shell} does not know {word}");
        }
    }
    plimsoll(folder.path()).args(["completions", "tcsh"]).assert().code(2);
}

#[test]
fn there_is_a_manual_page_for_each_subcommand() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = said(plimsoll(folder.path()).arg("man"));
    assert!(text.contains(".TH") && text.contains("plimsoll") && text.contains(".SH EXAMPLES"));
    plimsoll(folder.path()).args(["man", "pages"]).assert().success();
    let page = |name: &str| std::fs::read_to_string(folder.path().join("pages").join(name));
    for name in ["plimsoll.1", "plimsoll-plan.1", "plimsoll-catalog-list.1", "plimsoll-explain-workload.1"] {
        let text = page(name).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(text.contains(".SH EXAMPLES") && text.contains(".SH OPTIONS"), "{name}");
    }
    assert!(page("plimsoll-plan.1").expect("a page").contains("\\-\\-fail\\-on"));
}

// ---- Defaults --------------------------------------------------------------------------------------

const WORKLOADS: &str = "plimsoll: workloads/v1
name: test
components:
  - {name: web, replicas: 2, requests: {cpu: 500m, memory: 1Gi}}
";

/// A project with a folder below it, and a user's folder.
fn project(project: &str, user: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    };
    write("below/web.yaml", WORKLOADS);
    if !project.is_empty() {
        write("plimsoll.toml", project);
    }
    if !user.is_empty() {
        write("user/plimsoll/config.yaml", user);
    }
    folder
}

/// The catalog that a plan of the folder below uses.
fn catalog(folder: &Path, args: &[&str], variables: &[(&str, &str)]) -> String {
    let mut command = plimsoll(&folder.join("below"));
    command.env("HOME", folder).env("XDG_CONFIG_HOME", folder.join("user"));
    command.args(["plan", "web.yaml", "-q", "-f", "json", "--effort", "quick", "--baselines", "none"]);
    command.args(args).envs(variables.iter().copied());
    let report: Value = serde_json::from_str(&said(&mut command)).expect("JSON");
    report["catalog"]["name"].as_str().expect("a name").to_owned()
}

#[test]
fn the_command_line_wins_over_the_environment_over_the_project_over_the_user() {
    let user = "region: eu-west-1\n";
    let both = project("region = \"us-west-2\"\n", user);
    let variable = [("PLIMSOLL_REGION", "us-east-1")];
    assert_eq!(catalog(project("", "").path(), &[], &[]), "aws-2026-05-us-east-1");
    assert_eq!(catalog(project("", user).path(), &[], &[]), "aws-2026-05-eu-west-1");
    assert_eq!(catalog(both.path(), &[], &[]), "aws-2026-05-us-west-2", "found upward");
    assert_eq!(catalog(both.path(), &[], &variable), "aws-2026-05-us-east-1");
    assert_eq!(catalog(both.path(), &["--region", "eu-west-1"], &variable), "aws-2026-05-eu-west-1");
    assert_eq!(catalog(both.path(), &[], &[("PLIMSOLL_CONFIG", "")]), "aws-2026-05-us-east-1");
    // What conflicts with a value of higher rank goes with it.
    let named = project("catalog = \"gcp-2026-07-30-us-west1\"\n", user);
    assert_eq!(catalog(named.path(), &[], &[]), "gcp-2026-07-30-us-west1");
    assert_eq!(catalog(named.path(), &["--region", "us-west-2"], &[]), "aws-2026-05-us-west-2");
}

#[test]
fn a_subcommand_has_its_own_and_paths_are_beside_the_file() {
    let text = "region = \"us-west-2\"\n[plan]\nregion = \"eu-west-1\"\npolicy = \"rules/policy.yaml\"\n";
    let folder = project(text, "");
    std::fs::create_dir_all(folder.path().join("rules")).expect("a folder");
    std::fs::write(folder.path().join("rules/policy.yaml"), "headroom: {cpu: 25%}\n").expect("a file");
    assert_eq!(catalog(folder.path(), &[], &[]), "aws-2026-05-eu-west-1");
    let mut list = plimsoll(&folder.path().join("below"));
    assert!(said(list.args(["catalog", "list", "--type", "m5.large"])).contains("m5.large"));
    let mut command = plimsoll(&folder.path().join("below"));
    command.args(["plan", "web.yaml", "-q", "-f", "json", "--effort", "quick", "--baselines", "none"]);
    assert!(said(&mut command).contains("25 %"), "the policy beside the file holds");
}

#[test]
fn what_no_option_is_called_is_a_fault() {
    for (text, words) in [
        ("regoin = \"us-west-2\"\n", "did you mean `region`?"),
        ("output = \"x\"\n", "command line alone"),
        ("[plan]\nall-types = \"perhaps\"\n", "is a switch"),
        ("region = [\n", "plimsoll.toml"),
        ("[plan]\nmax-vcpu = \"many\"\n", "max-vcpu"),
    ] {
        let folder = project(text, "");
        let mut command = plimsoll(&folder.path().join("below"));
        let assert = command.args(["plan", "web.yaml"]).assert().code(2).stdout("");
        let error = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
        assert!(error.contains(words), "{text}: {error}");
    }
}

#[test]
fn a_workload_file_of_that_name_is_no_configuration() {
    let folder = project("", "");
    std::fs::write(folder.path().join("below/plimsoll.yaml"), WORKLOADS).expect("a file");
    assert_eq!(catalog(folder.path(), &[], &[]), "aws-2026-05-us-east-1");
    // And a configuration is no workload where a folder is read.
    std::fs::write(folder.path().join("below/plimsoll.yaml"), "region: eu-west-1\n").expect("a file");
    let mut command = plimsoll(&folder.path().join("below"));
    command.args(["plan", ".", "-q", "-f", "json", "--effort", "quick", "--baselines", "none"]);
    assert!(said(&mut command).contains("aws-2026-05-eu-west-1"));
}
