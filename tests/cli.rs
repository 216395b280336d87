//! The command from outside: what it prints, where faults are located, and its exit codes.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use assert_cmd::assert::Assert;

/// The program, deaf to the environment of whoever runs the tests.
fn plimsoll() -> Command {
    let mut command = Command::cargo_bin("plimsoll").expect("the program is built with its tests");
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("NO_COLOR").env("TERM", "dumb");
    command
}

/// A folder with one input file, and where a plan would be written.
struct Case {
    folder: tempfile::TempDir,
    input: PathBuf,
    output: PathBuf,
}

fn case(name: &str, content: impl AsRef<[u8]>) -> Case {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let input = folder.path().join(name);
    std::fs::write(&input, content).expect("a file in it");
    let output = folder.path().join("plan.json");
    Case { folder, input, output }
}

impl Case {
    /// Plans the input into the output file.
    fn plan(&self, options: &[&str]) -> Assert {
        let mut command = plimsoll();
        command.arg("plan").arg(&self.input).args(["-f", "json", "-o"]).arg(&self.output).args(options);
        command.assert()
    }

    /// The input is refused: exit code 2, the fault names its place, and nothing is left behind.
    fn is_refused(&self, place_and_words: &[&str]) {
        let assert = self.plan(&[]).code(2).stdout("");
        let said = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
        for words in place_and_words {
            assert!(said.contains(words), "{words:?} is not in:\n{said}");
        }
        assert!(said.contains(&self.input.display().to_string()), "the file is not named in:\n{said}");
        let left: Vec<PathBuf> = files_in(self.folder.path());
        assert_eq!(left, std::slice::from_ref(&self.input), "something was left behind");
    }
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    entries.map(|e| e.expect("an entry").path()).filter(|p| p.is_file()).collect()
}

/// A Deployment with the given replicas, cpu and memory.
fn deployment(name: &str, replicas: &str, cpu: &str, memory: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
spec:
  replicas: {replicas}
  selector:
    matchLabels: {{app: {name}}}
  template:
    metadata:
      labels: {{app: {name}}}
    spec:
      containers:
        - name: main
          image: example
          resources:
            requests: {{cpu: {cpu}, memory: {memory}}}
"
    )
}

/// Two workloads that any catalog holds.
fn small() -> String {
    format!("{}---\n{}", deployment("web", "3", "500m", "512Mi"), deployment("db", "1", "2", "4Gi"))
}

// ---- What works ----------------------------------------------------------------------------------

#[test]
fn help_opens_with_examples_and_ends_with_exit_codes() {
    let assert = plimsoll().args(["plan", "--help"]).assert().success();
    let help = String::from_utf8_lossy(&assert.get_output().stdout).into_owned();
    let position = |words: &str| help.find(words).unwrap_or_else(|| panic!("{words:?} is not in:\n{help}"));
    assert!(position("Examples:") < position("Usage:"));
    assert!(position("Usage:") < position("Exit codes:"));
    for code in ["0 ", "1 ", "2 ", "3 ", "4 ", "130"] {
        assert!(help.contains(&format!("\n  {code}")), "exit code {code}");
    }
}

#[test]
fn each_format_of_a_saved_plan_is_the_same_as_of_a_fresh_one() {
    let case = case("app.yaml", small());
    case.plan(&["--as-of", "2026-08-01"]).success().stdout("");
    for format in ["table", "json", "csv", "focus"] {
        let fresh = plimsoll()
            .arg("plan")
            .arg(&case.input)
            .args(["-q", "-f", format, "--as-of", "2026-08-01"])
            .assert()
            .success();
        let again = plimsoll().arg("report").arg(&case.output).args(["-f", format]).assert().success();
        let fresh = &fresh.get_output().stdout;
        assert!(!fresh.is_empty(), "{format} is empty");
        assert_eq!(fresh, &again.get_output().stdout, "{format} differs");
    }
}

#[test]
fn the_table_names_the_nodes_and_what_they_cost() {
    let case = case("app.yaml", small());
    let assert = plimsoll().arg("plan").arg(&case.input).assert().success();
    let table = String::from_utf8_lossy(&assert.get_output().stdout).into_owned();
    for words in ["a month", "us-east-1", "2026-05"] {
        assert!(table.contains(words), "{words:?} is not in:\n{table}");
    }
    assert!(!table.contains('\u{1b}'), "no colours where the output is no terminal");
    assert!(table.lines().all(|line| line.chars().count() <= 80), "a line is wider than 80 columns");
}

#[test]
fn ascii_tables_are_ascii() {
    let case = case("app.yaml", small());
    let assert = plimsoll().arg("plan").arg(&case.input).arg("--ascii").assert().success();
    assert!(assert.get_output().stdout.is_ascii());
}

#[test]
fn standard_input_is_a_dash() {
    let from_file = case("app.yaml", small());
    let json = |command: &mut Command| {
        let assert = command.assert().success();
        serde_json::from_slice::<serde_json::Value>(&assert.get_output().stdout).expect("the plan is JSON")
    };
    let piped = json(plimsoll().args(["plan", "-", "-f", "json"]).write_stdin(small()));
    let read = json(plimsoll().arg("plan").arg(&from_file.input).args(["-f", "json"]));
    assert_eq!(piped["nodes"], read["nodes"]);
    assert_eq!(piped["inputs"][0]["name"], "-");
    assert_eq!(piped["inputs"][0]["sha256"], read["inputs"][0]["sha256"]);
}

#[test]
fn files_folders_and_standard_input_mix() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("deep")).unwrap();
    std::fs::write(folder.path().join("deep/b.yml"), deployment("b", "1", "1", "1Gi")).unwrap();
    std::fs::write(folder.path().join("a.csv"), "name,replicas,cpu,memory\na,2,500m,1Gi\n").unwrap();
    std::fs::write(folder.path().join("notes.txt"), "not a manifest").unwrap();
    std::fs::create_dir(folder.path().join(".git")).unwrap();
    std::fs::write(folder.path().join(".git/c.yaml"), "not: a manifest").unwrap();
    let assert = plimsoll()
        .arg("plan")
        .args([folder.path(), Path::new("-")])
        .args(["-f", "json"])
        .write_stdin(deployment("c", "1", "1", "1Gi"))
        .assert()
        .success();
    let plan: serde_json::Value = serde_json::from_slice(&assert.get_output().stdout).unwrap();
    let names: Vec<&str> =
        plan["workloads"].as_array().unwrap().iter().map(|w| w["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["a", "b", "c"]);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let at = |threads: &str| {
        let arguments = ["plan", "workloads/online-boutique.yaml", "-f", "json", "--threads", threads];
        plimsoll().args(arguments).assert().success().get_output().stdout.clone()
    };
    assert_eq!(at("1"), at("2"));
}

#[test]
fn nothing_of_the_wall_clock_is_in_a_plan() {
    let case = case("app.yaml", small());
    case.plan(&[]).success();
    let first = std::fs::read(&case.output).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(20));
    case.plan(&[]).success();
    assert_eq!(first, std::fs::read(&case.output).unwrap());
}

#[test]
fn an_existing_output_is_replaced_whole_and_a_link_stays_a_link() {
    let case = case("app.yaml", small());
    std::fs::write(&case.output, "something longer than nothing").unwrap();
    case.plan(&[]).success();
    let written = std::fs::read(&case.output).unwrap();
    assert!(serde_json::from_slice::<serde_json::Value>(&written).is_ok());
    #[cfg(unix)]
    {
        let link = case.folder.path().join("link.json");
        std::os::unix::fs::symlink(&case.output, &link).unwrap();
        std::fs::write(&case.output, "old").unwrap();
        plimsoll().arg("plan").arg(&case.input).args(["-f", "json", "-o"]).arg(&link).assert().success();
        assert!(link.is_symlink());
        assert_eq!(written, std::fs::read(&case.output).unwrap());
    }
}

#[test]
fn options_restrict_what_is_bought() {
    let case = case("app.yaml", small());
    case.plan(&["--family", "m5", "--max-vcpu", "4", "--exclude", "*.large"]).success();
    let plan: serde_json::Value = serde_json::from_slice(&std::fs::read(&case.output).unwrap()).unwrap();
    for node in plan["nodes"].as_array().unwrap() {
        assert_eq!(node["instance_type"], "m5.xlarge");
    }
}

#[test]
fn kubernetes_objects_are_planned_in_pools_and_both_forms_are_told() {
    let objects: Vec<String> = [("500m", "4Gi"), ("1500m", "1Gi"), ("900m", "3Gi"), ("250m", "256Mi")]
        .iter()
        .zip(["a", "b", "c", "d"])
        .map(|((cpu, memory), name)| deployment(name, "9", cpu, memory))
        .collect();
    let case = case("app.yaml", objects.join("---\n"));
    let quick = ["--effort", "quick", "--baselines", "none"];
    let json = |options: &[&str]| -> serde_json::Value {
        case.plan(&[&quick, options].concat()).success();
        serde_json::from_slice(&std::fs::read(&case.output).unwrap()).unwrap()
    };
    let plan = json(&["--max-pools", "2"]);
    assert_eq!(plan["form"], "pooled");
    let pools = plan["pools"].as_array().unwrap();
    assert!((1..=2).contains(&pools.len()));
    let nodes: u64 = pools.iter().map(|pool| pool["nodes"].as_u64().unwrap()).sum();
    assert_eq!(plan["headline"]["nodes"], nodes);
    let lists: Vec<&serde_json::Value> =
        pools.iter().flat_map(|pool| pool["workloads"].as_array().unwrap()).collect();
    assert_eq!(lists.len(), 4, "each workload lies in one pool");
    for workload in plan["workloads"].as_array().unwrap() {
        assert!(pools.iter().any(|pool| pool["pool"] == workload["pool"]), "{workload}");
    }
    let cost = |form: &str| -> f64 { plan["forms"][form]["list_hour"].as_str().unwrap().parse().unwrap() };
    assert!(cost("free") <= cost("pooled"));
    assert_eq!(plan["forms"]["pooled"]["list_hour"], plan["solve"]["cost_hour"]);
    assert!(plan["replay"]["measures"]["settled"].as_bool().unwrap(), "{}", plan["replay"]);

    let free = json(&["--form", "free"]);
    assert_eq!(free["form"], "free");
    // A plan that was not replayed says so.
    assert!(free.get("forms").is_none() && free.get("replay").is_some_and(serde_json::Value::is_null));
    let told =
        |report: &serde_json::Value| report["notices"].to_string().contains("is not computed; --form pooled");
    assert!(told(&free) && !told(&plan));
    assert!(json(&["--replay", "none"]).get("replay").is_some_and(serde_json::Value::is_null));
    let mut table = plimsoll();
    table.arg("plan").arg(&case.input).args(quick);
    let said = table.assert().success().get_output().stdout.clone();
    let said = String::from_utf8(said).unwrap();
    for words in ["Pools    ", "Free     ", "led to pools, no pod stays pending", "  Pool  "] {
        assert!(said.contains(words), "{words} in {said}");
    }
}

#[test]
fn what_the_plan_is_set_beside_can_be_chosen() {
    let plans = |options: &[&str]| -> Vec<String> {
        let case = case("app.yaml", small());
        case.plan(options).success();
        let text = std::fs::read_to_string(&case.output).expect("a plan");
        let plan: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(plan["headline"]["saving_packed"].is_null(), options.contains(&"none"), "{options:?}");
        let rows = plan["plans"].as_array().expect("rows");
        rows.iter().map(|row| row["plan"].as_str().expect("an id").to_owned()).collect()
    };
    assert!(plans(&[]).contains(&"cluster-autoscaler".to_owned()));
    assert_eq!(plans(&["--baselines", "before"]), ["plan", "one-vm-by-requests", "one-vm-by-limits"]);
    assert_eq!(plans(&["--baselines", "none"]), ["plan"]);
}

#[test]
fn every_schema_is_json() {
    for name in ["workload", "plan", "catalog", "policy"] {
        let assert = plimsoll().args(["schema", name]).assert().success();
        let schema: serde_json::Value = serde_json::from_slice(&assert.get_output().stdout).unwrap();
        assert!(schema["$schema"].is_string(), "{name}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    use std::io::Read;
    let program = assert_cmd::cargo::cargo_bin("plimsoll");
    let mut child = std::process::Command::new(program)
        .args(["plan", "workloads/online-boutique.yaml", "-f", "json"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(child.wait().unwrap().success(), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}

// ---- Exit codes ----------------------------------------------------------------------------------

#[test]
fn what_fits_nowhere_is_three_and_the_rest_is_planned() {
    let text =
        format!("{}---\n{}", deployment("web", "3", "500m", "512Mi"), deployment("huge", "1", "4000", "1Gi"));
    let case = case("app.yaml", text);
    case.plan(&[]).code(3);
    let plan: serde_json::Value = serde_json::from_slice(&std::fs::read(&case.output).unwrap()).unwrap();
    assert_eq!(plan["headline"]["pods"], 3);
    assert_eq!(plan["headline"]["pods_left_out"], 1);
    assert_eq!(plan["obstacles"][0]["workload"], "default/Deployment/huge");
}

#[test]
fn a_missed_threshold_is_four_and_the_plan_is_written() {
    let case = case("app.yaml", small());
    case.plan(&["--fail-on", "cost>0.01"]).code(4).stderr(predicates::str::contains("cost>0.01"));
    assert!(case.output.exists());
    case.plan(&["--fail-on", "cost>1000000", "--fail-on", "gap>99%"]).success();
}

#[test]
fn wrong_usage_is_two() {
    let case = case("app.yaml", small());
    let options: [&[&str]; 14] = [
        &["--effort", "extreme"],
        &["--fail-on", "speed<3%"],
        &["--headroom", "gpu=10%"],
        &["--threads", "0"],
        &["--threads", "65535"],
        &["--time-limit", "soon"],
        &["--arch", "mips"],
        &["--provider", "acme"],
        &["--region", "atlantis-1"],
        &["--catalog", "no-such-catalog"],
        &["--family", "m5["],
        &["--purchase", "reserved"],
        &["--as-of", "2026-02-30"],
        &["--gap", "200%"],
    ];
    for option in options {
        case.plan(option).code(2).stdout("");
        assert!(!case.output.exists(), "{option:?} wrote a plan");
    }
    plimsoll().arg("plan").assert().code(2);
    plimsoll()
        .args(["plan", "no/such/file.yaml"])
        .assert()
        .code(2)
        .stderr(predicates::str::contains("no/such/file.yaml"));
    let words = predicates::str::contains("README.md:1: is not JSON\n");
    plimsoll().args(["report", "README.md"]).assert().code(2).stderr(words);
}

#[test]
fn an_output_that_cannot_be_written_is_one() {
    let case = case("app.yaml", small());
    let output = case.folder.path().join("no/such/folder/plan.json");
    let mut command = plimsoll();
    let words = predicates::str::contains("plan.json cannot be written: there is no such folder\n");
    command.arg("plan").arg(&case.input).arg("-o").arg(&output).assert().code(1).stderr(words);
}

#[test]
fn an_input_is_not_written_over() {
    let case = case("app.yaml", small());
    let words = predicates::str::contains("app.yaml is an input, which would be written over");
    for option in ["-o", "--certificate"] {
        plimsoll()
            .arg("plan")
            .arg(&case.input)
            .arg(option)
            .arg(&case.input)
            .assert()
            .code(2)
            .stderr(words.clone());
    }
    assert_eq!(std::fs::read_to_string(&case.input).expect("it is there"), small());
}

#[test]
fn a_showback_by_what_no_workload_has_says_so() {
    let case = case("app.yaml", small());
    case.plan(&["--showback", "taem", "--effort", "quick", "--baselines", "none"]).success();
    let plan = std::fs::read_to_string(&case.output).expect("a plan");
    assert!(plan.contains("no workload has an owner `taem`; known are namespace, workload"), "{plan}");
}

#[test]
fn a_zone_of_another_region_is_refused() {
    let case = case("app.yaml", small());
    let policy = case.folder.path().join("policy.yaml");
    std::fs::write(&policy, "zones: [us-east-1a, eu-west-1a]\n").expect("a file");
    let words = predicates::str::contains("zones: `eu-west-1a` is no zone of the prices' region us-east-1\n");
    case.plan(&["--policy", policy.to_str().expect("UTF-8")]).code(2).stderr(words);
}

#[test]
fn a_file_that_is_named_twice_is_read_once() {
    let case = case("app.yaml", small());
    let again =
        case.folder.path().join("../").join(case.folder.path().file_name().expect("a name")).join("app.yaml");
    let words = predicates::str::contains("app.yaml: is named twice; leave one out\n");
    plimsoll().arg("plan").arg(&case.input).arg(again).assert().code(2).stderr(words);
}

// ---- Bad input -----------------------------------------------------------------------------------

#[test]
fn a_wrong_quantity_is_located() {
    let text =
        format!("{}---\n{}", deployment("web", "3", "500m", "512Mi"), deployment("db", "1", "2", "4Gib"));
    case("app.yaml", text).is_refused(&["document 2", "memory", "4Gib"]);
}

#[test]
fn an_unknown_key_is_located() {
    let text = "plimsoll: workloads/v1\nname: x\ncomponents:\n  - name: web\n    replicsa: 3\n    requests: {cpu: 1, memory: 1Gi}\n";
    case("app.yaml", text).is_refused(&[":5:", "replicsa"]);
}

#[test]
fn negative_replicas_are_located() {
    case("app.yaml", deployment("web", "-3", "500m", "512Mi")).is_refused(&[":6:", "replicas", "-3"]);
}

#[test]
fn duplicate_names_are_located() {
    let web = deployment("web", "3", "500m", "512Mi");
    case("app.yaml", format!("{web}---\n{web}")).is_refused(&["web", "document 2"]);
}

#[test]
fn every_fault_is_told_at_once() {
    let text =
        format!("{}---\n{}", deployment("a", "-3", "500m", "512Mi"), deployment("b", "1", "2x", "4Gib"));
    case("app.yaml", text).is_refused(&["-3", "2x", "4Gib"]);
}

#[test]
fn empty_input_is_refused() {
    case("app.yaml", "").is_refused(&[]);
    case("app.yaml", "# nothing but a comment\n").is_refused(&[]);
}

#[test]
fn broken_utf8_is_located() {
    let mut bytes = deployment("web", "3", "500m", "512Mi").into_bytes();
    bytes.extend_from_slice(b"# \xff\xfe\n");
    case("app.yaml", bytes).is_refused(&["UTF-8"]);
}

#[test]
fn truncated_json_is_refused() {
    let text = r#"{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Pod","#;
    case("pods.json", text).is_refused(&[":1:"]);
}

#[test]
fn a_line_of_ten_megabytes_is_refused() {
    let line = "x".repeat(10 << 20);
    let said = case("app.yaml", line).plan(&[]).code(2).get_output().stderr.len();
    assert!(said < 2_000, "{said} bytes of message");
}

#[test]
fn a_yaml_alias_bomb_is_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let previous = format!("*a{}", level - 1);
        text += &format!("a{level}: &a{level} [{}]\n", vec![previous; 10].join(", "));
    }
    case("bomb.yaml", text).is_refused(&[]);
}

#[test]
fn a_folder_without_manifests_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("notes.txt"), "nothing").unwrap();
    let place = folder.path().display().to_string();
    plimsoll().arg("plan").arg(folder.path()).assert().code(2).stderr(predicates::str::contains(place));
}

#[test]
fn a_catalog_without_a_rate_is_refused() {
    let bundled = plimsoll().args(["catalog", "show", "aws-2016-09-27-us-east-1"]).assert().success();
    let text = String::from_utf8_lossy(&bundled.get_output().stdout).into_owned();
    // One type loses its on-demand rate.
    let row = "  c1.medium,c1,2,1740,amd64,";
    let at = text.find(row).expect("the type is there") + row.len();
    let end = at + text[at..].find(',').expect("the cell ends");
    let broken = format!("{}{}", &text[..at], &text[end..]);
    let line = text[..at].lines().count();
    let prices = case("prices.yaml", broken);
    let workload = case("app.yaml", small());
    let catalog = prices.input.display().to_string();
    let assert = workload.plan(&["--catalog", &catalog]).code(2);
    let said = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    let place = format!("{catalog}:{line}: c1.medium.on_demand: no rate");
    assert!(said.contains(&place), "{place:?} is not in:\n{said}");
    assert!(!workload.output.exists());
}

/// What `plan` has to hear of for each kind of file that it and its sister commands read.
fn refusal(args: &[&str], folder: &Path) -> String {
    let assert = plimsoll().current_dir(folder).args(args).assert().code(2).stdout("");
    let said = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    assert!(said.len() < 4_000, "{args:?} says {} bytes", said.len());
    said
}

#[test]
fn every_kind_of_file_is_refused_when_it_is_damaged() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let put = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).expect("a file");
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let previous = format!("*a{}", level - 1);
        bomb += &format!("a{level}: &a{level} [{}]\n", vec![previous; 10].join(", "));
    }
    put("good.yaml", small().as_bytes());
    put("empty", b"");
    put("utf16", b"\xff\xfe{\0");
    put("latin1", b"name,cpu\ncaf\xe9,1\n");
    put("cut", b"{\"schema_version\": 1,\n\"format\": ");
    put("long", "x".repeat(10 << 20).as_bytes());
    put("bomb", bomb.as_bytes());
    std::fs::create_dir(folder.path().join("folder")).expect("a folder");
    let commands: [&[&str]; 10] = [
        &["plan", "FILE"],
        &["plan", "good.yaml", "--policy", "FILE"],
        &["plan", "good.yaml", "--catalog", "./FILE"],
        &["catalog", "list", "./FILE"],
        &["catalog", "import", "gcp", "--prices", "FILE", "--region", "r", "--price-date", "2026-05"],
        &["solve", "FILE"],
        &["report", "FILE"],
        &["replay", "FILE"],
        &["check", "FILE", "--certificate", "good.yaml"],
        &["check", "good.yaml", "--certificate", "FILE"],
    ];
    // What each damage has to be called, where all kinds of file can call it the same.
    let damages = [
        ("empty", "empty: is empty"),
        ("utf16", "utf16: is UTF-16; save it as UTF-8"),
        ("latin1", "latin1:2: is not UTF-8 text"),
        ("cut", "cut"),
        ("long", "long"),
        ("bomb", "bomb"),
        ("folder", "folder: "),
    ];
    for (file, words) in damages {
        for command in commands {
            let args: Vec<String> = command.iter().map(|word| word.replace("FILE", file)).collect();
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            // Types are needed beside prices, which is told before either is read.
            let import = if command[1] == "import" { vec!["--types", file] } else { vec![] };
            let said = refusal(&[args.clone(), import].concat(), folder.path());
            assert!(said.contains(words), "{args:?}: {words:?} is not in:\n{said}");
        }
    }
    assert!(refusal(&["plan", "bomb"], folder.path()).contains("where its aliases are followed"));
    assert!(refusal(&["plan", "cut"], folder.path()).contains("cut:2: EOF while parsing a value"));
    assert!(refusal(&["report", "cut"], folder.path()).contains("the file may have been cut short"));
}

#[test]
fn the_faults_of_all_files_are_told_at_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("a file");
    put("w.yaml", &deployment("web", "-3", "500m", "512Mi"));
    put("c.csv", "name,cpu,memory,colour\na,5x,1Gi,red\n");
    put("p.yaml", "burstable: sometimes\n");
    put(
        "prices.yaml",
        "format: plimsoll-catalog/1\nprovider: acme\nregion: r\ncurrency: USD\nprice_date: 2026-05\ntypes: |\n  \
         name,family,vcpu,memory_mib,arch,on_demand\n  a.one,a,2,8192,amd64,\n  a.one,a,2,8192,amd64,1\n",
    );
    let args = [
        "plan",
        "w.yaml",
        "c.csv",
        "gone.yaml",
        "--policy",
        "p.yaml",
        "--catalog",
        "prices.yaml",
        "-f",
        "focus",
    ];
    let said = refusal(&args, folder.path());
    for words in [
        "gone.yaml: cannot be read: there is no such file",
        "p.yaml:1: burstable: `sometimes` is not any of `baseline`, `exclude`, `full-with-surplus`",
        "w.yaml:6: spec.replicas: `-3` is negative",
        "c.csv:1: unknown column `colour`",
        "c.csv:2: cpu: `5x` is not a quantity",
        "prices.yaml:2: provider: `acme` is none of `aws`, `gcp`, `azure`, `other`",
        "prices.yaml:8: a.one.on_demand: no rate",
        "prices.yaml:9: a.one: instance type `a.one` is on line 8 already",
        "-f: FOCUS rows need the first day of the plan",
    ] {
        assert!(said.contains(words), "{words:?} is not in:\n{said}");
    }
}

#[test]
fn files_that_programs_write_are_checked_as_a_whole() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("p.vbp"), "1\n10\n1\n4 5\n").expect("a file");
    let solve = ["solve", "p.vbp", "-f", "json", "-o", "s.json", "--certificate", "c.json"];
    plimsoll().current_dir(folder.path()).args(solve).assert().success();
    let spoil = |name: &str, changes: &[(&str, &str)]| {
        let mut text = std::fs::read_to_string(path(name)).expect("a file");
        for (from, to) in changes {
            assert!(text.contains(from), "{from} is not in {text}");
            text = text.replacen(from, to, 1);
        }
        std::fs::write(path(name), text).expect("a file");
    };
    spoil("s.json", &[("\"bins\": [", "\"binz\": ["), ("\"cost_hour\": \"3\"", "\"cost_hour\": 3")]);
    spoil("c.json", &[("\"copies\":5", "\"copies\":-5"), ("\"rate\":\"1\"", "\"rate\":\"one\"")]);
    spoil("c.json", &[("\"step\":\"leaf\"", "\"step\":\"guess\"")]);
    let said = refusal(&["check", "s.json", "--certificate", "c.json"], folder.path());
    for words in [
        "`bins` is missing",
        "cost_hour: expected a string, found a number; put it in quotes",
        "unknown key `binz`",
        "problem.items[0].copies: `-5` is negative",
        "problem.bins[0].rate: `one` is not a plain decimal number",
        "step: `guess` is none of `branch`, `leaf`",
    ] {
        assert!(said.contains(words), "{words:?} is not in:\n{said}");
    }
    let case = case("app.yaml", small());
    case.plan(&[]).success();
    let text = std::fs::read_to_string(&case.output).expect("a plan");
    let spoilt = text.replacen("\"nodes\": 1", "\"nodes\": -1", 1).replacen("\"tool\"", "\"tools\"", 1);
    std::fs::write(&case.output, spoilt).expect("a file");
    let said = refusal(&["report", &case.output.display().to_string()], folder.path());
    for words in ["nodes: `-1` is negative", "unknown key `tools`", "`tool` is missing"] {
        assert!(said.contains(words), "{words:?} is not in:\n{said}");
    }
}

#[test]
fn what_cannot_be_printed_is_known_before_the_search() {
    let case = case("app.yaml", small());
    let proof = case.folder.path().join("proof.json");
    let proof = proof.display().to_string();
    for options in [
        &["-f", "focus"][..],
        &["-f", "kubernetes", "--replay", "none"],
        &["-f", "table", "--table", "nodes"],
    ] {
        let mut command = plimsoll();
        command.arg("plan").arg(&case.input).args(options).args(["--certificate", &proof]);
        command.assert().code(2).stdout("");
    }
    assert_eq!(files_in(case.folder.path()), std::slice::from_ref(&case.input));
}

#[test]
fn what_the_cluster_needs_is_written_with_the_plan() {
    let folder = tempfile::tempdir().expect("a folder");
    let pods = |i: usize, cpu: u32| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: w{i}}}\nspec:\n  replicas: 6\n  template: \
             {{spec: {{containers: [{{name: c, resources: {{requests: {{cpu: {cpu}m, memory: 900Mi}}}}}}]}}}}\n"
        )
    };
    let input = folder.path().join("app.yaml");
    std::fs::write(&input, [pods(0, 1900), pods(1, 300)].join("---\n")).expect("a file");
    let run = plimsoll()
        .arg("plan")
        .arg(&input)
        .args(["-f", "kubernetes", "--effort", "quick", "--baselines", "none"])
        .assert()
        .success();
    // The same as of a plan that is replayed later with the same settings: comments at least.
    let text = String::from_utf8_lossy(&run.get_output().stdout).into_owned();
    assert!(text.starts_with('#'), "{text}");
}

#[test]
fn catalogs_are_listed_and_their_types_filtered() {
    let list = |args: &[&str]| {
        let assert = plimsoll().args(["catalog", "list"]).args(args).assert().success();
        let text = String::from_utf8_lossy(&assert.get_output().stdout).into_owned();
        text.lines().skip(1).map(|l| l.split(' ').next().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(list(&[]).len(), 10);
    let filter = ["--family", "m6g*", "--arch", "arm64", "--max-vcpu", "2", "--exclude", "*gd.*"];
    assert_eq!(list(&[&filter[..], &["--current-generation"]].concat()), ["m6g.large", "m6g.medium"]);
    assert_eq!(
        list(&["--provider", "gcp", "--region", "us-west1", "--type", "n2-standard-4"]),
        ["n2-standard-4"]
    );
    assert_eq!(list(&["aws-2016-09-27-us-east-1", "--type", "m4.large"]), ["m4.large"]);
}

// ---- What changed between two plans ---------------------------------------------------------------

/// Three web pods become nine: the difference is printed, and fails where it is too dear.
#[test]
fn a_difference_is_judged_by_its_thresholds() {
    let before = case("app.yaml", small());
    before.plan(&["--effort", "quick", "--baselines", "none"]).success();
    let more = small().replace("replicas: 3", "replicas: 9");
    let after = case("app.yaml", more);
    after.plan(&["--effort", "quick", "--baselines", "none"]).success();
    let diff = |from: &Case, to: &Case, options: &[&str]| {
        plimsoll().arg("diff").args([&from.output, &to.output]).args(options).assert()
    };
    diff(&before, &after, &[]).success().stdout(predicates::str::contains("3→9 pods"));
    diff(&before, &after, &["--fail-on", "monthly_increase>100000"]).success();
    let limits = ["monthly_increase>1", "monthly_increase>1%", "on_demand_increase>1", "nodes_increase<1000"];
    for limit in limits {
        let assert = diff(&before, &after, &["-f", "json", "--fail-on", limit]).code(4);
        assert.stdout(predicates::str::starts_with("{")).stderr(predicates::str::contains(limit));
    }
    diff(&after, &before, &["--fail-on", "monthly_increase>0"]).success();
    diff(&before, &before, &["--fail-on", "monthly_increase>0%"]).success();
    diff(&before, &after, &["--fail-on", "saving>1"]).code(2);
    diff(&before, &before, &["-f", "csv"]).code(2);
    plimsoll().args(["diff", "-", "-"]).assert().code(2);
}
