//! Every node of every example plan holds its pods: derived again from the workload file, the catalog
//! file and the published rules of EKS, without `formulate`, `verify` or any reader of the library.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;

/// What one pod asks for, and how it may lie.
#[derive(Debug, Clone, Default)]
struct Pod {
    replicas: u64,
    /// Whether the number is another at other times.
    varies: bool,
    /// Millicores, rounded up.
    cpu: u64,
    /// Bytes, rounded up.
    memory: u64,
    volumes: u64,
    /// No two of them on one node.
    apart: bool,
}

/// One type of the catalog file.
#[derive(Debug)]
struct Machine {
    vcpu: u64,
    memory_mib: u64,
    arm64: bool,
    max_pods: Option<u64>,
    volumes: Option<u64>,
    baseline_percent: Option<f64>,
    rate: String,
}

/// Pods by `namespace/Kind/name`, and the sum of what DaemonSets take on each node with their number.
#[derive(Debug, Default)]
struct Input {
    pods: BTreeMap<String, Pod>,
    daemons: (u64, u64, u64),
}

#[test]
fn every_node_of_every_example_holds_its_pods() {
    let mut examples: Vec<PathBuf> = std::fs::read_dir(root().join("workloads"))
        .expect("a folder")
        .map(|e| e.expect("a file").path())
        .collect();
    examples.sort();
    assert!(examples.len() >= 7, "{examples:?}");
    for example in examples {
        let input = read(&example);
        assert!(input.pods.values().map(|pod| pod.replicas).sum::<u64>() > 0, "{}", example.display());
        recheck(&example, &input);
    }
}

/// Breaks what is checked, so that the check itself is known to look.
#[test]
fn a_pod_more_or_larger_is_noticed() {
    let example = root().join("workloads/kube-prometheus.yaml");
    let grown = |change: fn(&mut Pod)| {
        let mut input = read(&example);
        input.pods.values_mut().for_each(change);
        std::panic::catch_unwind(|| recheck(&example, &input)).is_err()
    };
    assert!(!grown(|_| ()));
    assert!(grown(|pod| pod.replicas += 1));
    assert!(grown(|pod| pod.memory += 1 << 28));
    assert!(grown(|pod| pod.cpu += 200));
    assert!(grown(|pod| pod.volumes += 10));
}

fn recheck(example: &Path, input: &Input) {
    let plan = plan(example);
    let machines = catalog(plan["catalog"]["name"].as_str().expect("a name"));
    let mut placed: BTreeMap<&str, u64> = BTreeMap::new();
    let mut cost = 0.0;
    for group in plan["nodes"].as_array().expect("rows") {
        let name = group["instance_type"].as_str().expect("a name");
        let machine = &machines[name];
        let nodes = group["nodes"].as_u64().expect("a number");
        let (mut cpu, mut memory, mut count) = input.daemons;
        let mut volumes = 0;
        for content in group["pods"].as_array().expect("rows") {
            let (id, pods) =
                (content["workload"].as_str().expect("an id"), content["pods"].as_u64().expect("n"));
            let pod = input.pods.get(id).unwrap_or_else(|| panic!("{id} is not in the input"));
            assert!(!pod.apart || pods == 1, "{id}: {pods} on one {name}");
            cpu += pod.cpu * pods;
            memory += pod.memory * pods;
            volumes += pod.volumes * pods;
            count += pods;
            *placed.entry(id).or_default() += pods * nodes;
        }
        let place = format!("{}: {name}", example.display());
        assert!(cpu <= machine.cpu(), "{place}: {cpu}m of {}m", machine.cpu());
        assert!(memory <= machine.memory(), "{place}: {memory} of {} bytes", machine.memory());
        assert!(count <= machine.pods(), "{place}: {count} of {} pods", machine.pods());
        assert!(machine.volumes.is_none_or(|most| volumes <= most), "{place}: {volumes} volumes");
        assert_eq!(group["list_rate"].as_str(), Some(machine.rate.as_str()), "{place}");
        cost += machine.rate.parse::<f64>().expect("a decimal") * nodes as f64 * 730.0;
    }
    for (id, pod) in &input.pods {
        let placed = placed.get(id.as_str()).copied().unwrap_or(0);
        // Of what varies over time as many as the hour planned for asks for.
        let all = if pod.varies { placed > 0 } else { placed == pod.replicas };
        assert!(all, "{}: {id}: {placed} of {}", example.display(), pod.replicas);
    }
    let stated: f64 = plan["headline"]["packed_month"].as_str().expect("money").parse().expect("a decimal");
    assert!((cost - stated).abs() < 0.001, "{}: {cost} {stated}", example.display());
}

impl Machine {
    /// EKS keeps 6 % of core 1, 1 % of core 2, 0.5 % of cores 3 and 4, 0.25 % of the rest; a burstable
    /// type's price buys its baseline alone.
    fn cpu(&self) -> u64 {
        let kept: f64 = (0..self.vcpu)
            .map(|core| match core {
                0 => 60.0,
                1 => 10.0,
                2 | 3 => 5.0,
                _ => 2.5,
            })
            .sum();
        let bought = match self.baseline_percent {
            Some(percent) => (self.vcpu as f64 * percent * 10.0).floor() as u64,
            None => self.vcpu * 1000,
        };
        bought.saturating_sub(kept.ceil() as u64)
    }

    /// EKS keeps 255 MiB, 11 MiB a pod slot and 100 MiB for eviction of what the hypervisor leaves:
    /// all but 7.5 %, in whole MiB, and 64 MiB of contiguous memory on arm64.
    fn memory(&self) -> u64 {
        let seen = self.memory_mib - if self.arm64 { 64 } else { 0 };
        let hypervisor = (seen * 75).div_ceil(1000);
        (seen - hypervisor).saturating_sub(255 + 11 * self.pods() + 100) << 20
    }

    /// As network interfaces have addresses; where nobody tells, 110 up to 30 vCPU and 250 beyond.
    fn pods(&self) -> u64 {
        self.max_pods.unwrap_or(if self.vcpu <= 30 { 110 } else { 250 })
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// What the program prints for the example, on AWS and by default settings.
fn plan(example: &Path) -> Value {
    let output = Command::cargo_bin("plimsoll")
        .expect("the binary is built")
        .args(["plan", "--effort", "quick", "-f", "json"])
        .arg(example)
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// The table at the end of a catalog file.
fn catalog(name: &str) -> BTreeMap<String, Machine> {
    let text = std::fs::read_to_string(root().join(format!("catalogs/{name}.yaml"))).expect("a catalog");
    let (_, table) = text.split_once("\ntypes: |\n").expect("a table");
    let table: String = table.lines().map(|line| format!("{}\n", line.trim_start())).collect();
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let rows = reader.deserialize::<BTreeMap<String, String>>();
    rows.map(|row| {
        let row = row.expect("a row");
        let number = |column: &str| row.get(column).and_then(|cell| cell.parse().ok());
        let machine = Machine {
            vcpu: number("vcpu").expect("vcpu"),
            memory_mib: number("memory_mib").expect("memory"),
            arm64: row["arch"] == "arm64",
            max_pods: number("max_pods"),
            volumes: number("volumes"),
            baseline_percent: row.get("baseline_percent").and_then(|cell| cell.parse().ok()),
            rate: row["on_demand"].trim_start_matches('~').to_owned(),
        };
        (row["name"].clone(), machine)
    })
    .collect()
}

fn read(example: &Path) -> Input {
    let text = std::fs::read_to_string(example).expect("the example is there");
    if example.extension().is_some_and(|extension| extension == "csv") {
        return table(&text);
    }
    let documents: Vec<Value> = serde_yaml::from_multiple(&text).expect("valid YAML");
    match documents.iter().find(|document| document["plimsoll"].is_string()) {
        Some(native) => components(native),
        None if documents.iter().any(|document| document["kind"] == "List") => running(&documents),
        None => manifests(&documents),
    }
}

/// A list of a running cluster's pods: those of one owner are its replicas.
fn running(documents: &[Value]) -> Input {
    let mut input = Input::default();
    let mut daemons = BTreeMap::new();
    let objects = documents.iter().flat_map(|list| list["items"].as_array().expect("items"));
    for object in objects.filter(|object| object["kind"] == "Pod") {
        let containers = object["spec"]["containers"].as_array().expect("a list");
        let sizes = containers.iter().map(|container| size(&container["resources"]));
        let (cpu, memory) = sizes.fold((0, 0), |sum, (cpu, memory)| (sum.0 + cpu, sum.1 + memory));
        let namespace = object["metadata"]["namespace"].as_str().expect("a namespace");
        let owner = match object["metadata"]["ownerReferences"].as_array() {
            Some(owners) => &owners[0],
            None => object,
        };
        let kind = owner["kind"].as_str().expect("a kind");
        let name = owner["name"].as_str().or(object["metadata"]["name"].as_str()).expect("a name");
        let id = format!("{namespace}/{kind}/{name}");
        if kind == "DaemonSet" {
            daemons.insert(id, (cpu, memory));
            continue;
        }
        let pod = input.pods.entry(id).or_insert(Pod { cpu, memory, ..Pod::default() });
        assert_eq!((pod.cpu, pod.memory), (cpu, memory), "pods of one owner are alike");
        pod.replicas += 1;
    }
    for (cpu, memory) in daemons.values() {
        input.daemons = (input.daemons.0 + cpu, input.daemons.1 + memory, input.daemons.2 + 1);
    }
    input
}

fn table(text: &str) -> Input {
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(text.as_bytes());
    let mut input = Input::default();
    for row in reader.deserialize::<BTreeMap<String, String>>() {
        let row = row.expect("a row");
        let cell = |name: &str| row.get(name).map(String::as_str).filter(|cell| !cell.is_empty());
        let either = |name: &str, limit: &str| cell(name).or(cell(limit));
        let pod = Pod {
            replicas: cell("replicas").map_or(1, |n| n.parse().expect("a number")),
            cpu: either("cpu", "cpu_limit").map_or(0, |text| quantity(text, 1000)),
            memory: either("memory", "memory_limit").map_or(0, |text| quantity(text, 1)),
            ..Pod::default()
        };
        input.pods.insert(format!("{}/{}/{}", row["namespace"], row["kind"], row["name"]), pod);
    }
    input
}

fn components(file: &Value) -> Input {
    let mut input = Input::default();
    let none = Vec::new();
    for component in file["components"].as_array().expect("a list") {
        let (cpu, memory) = size(component);
        let word = |key: &str, or: &str| component[key].as_str().unwrap_or(or).to_owned();
        let id =
            format!("{}/{}/{}", word("namespace", "default"), word("kind", "Component"), word("name", ""));
        let pod = Pod {
            replicas: component["replicas"].as_u64().unwrap_or(1),
            varies: !component["demand"].is_null(),
            cpu,
            memory,
            volumes: component["volumes"].as_u64().unwrap_or(0),
            apart: component["placement"]["antiAffinity"] == "hostname",
        };
        input.pods.insert(id, pod);
    }
    for daemon in file["daemonSets"].as_array().unwrap_or(&none) {
        let (cpu, memory) = size(daemon);
        input.daemons = (input.daemons.0 + cpu, input.daemons.1 + memory, input.daemons.2 + 1);
    }
    input
}

/// Of the example's manifests: one or more containers, no init containers, anti-affinity to oneself.
fn manifests(documents: &[Value]) -> Input {
    let mut input = Input::default();
    for object in documents {
        let kind = object["kind"].as_str().expect("a kind");
        let spec = &object["spec"];
        let template = if kind == "Pod" { object } else { &spec["template"] };
        if !matches!(kind, "Deployment" | "StatefulSet" | "Pod") {
            continue;
        }
        assert!(template["spec"]["initContainers"].is_null(), "the example has none");
        let containers = template["spec"]["containers"].as_array().expect("a list");
        let sizes = containers.iter().map(|container| size(&container["resources"]));
        let (cpu, memory) = sizes.fold((0, 0), |sum, (cpu, memory)| (sum.0 + cpu, sum.1 + memory));
        let affinity = &template["spec"]["affinity"]["podAntiAffinity"];
        let required = affinity["requiredDuringSchedulingIgnoredDuringExecution"].as_array();
        let apart = required.into_iter().flatten().any(|term| {
            let labels = term["labelSelector"]["matchLabels"].as_object().expect("labels");
            term["topologyKey"] == "kubernetes.io/hostname"
                && labels.iter().all(|(key, value)| template["metadata"]["labels"][key] == *value)
        });
        let pod = Pod {
            varies: false,
            replicas: spec["replicas"].as_u64().unwrap_or(1),
            cpu,
            memory,
            volumes: spec["volumeClaimTemplates"].as_array().map_or(0, |list| list.len() as u64),
            apart,
        };
        let metadata = &object["metadata"];
        let namespace = metadata["namespace"].as_str().unwrap_or("default");
        let name = metadata["name"].as_str().expect("a name");
        input.pods.insert(format!("{namespace}/{kind}/{name}"), pod);
    }
    input
}

/// Cpu and memory that `resources` requests; a limit stands in where there is no request.
fn size(resources: &Value) -> (u64, u64) {
    let amount = |name: &str, unit: u64| {
        let stated = [&resources["requests"][name], &resources["limits"][name]];
        stated.into_iter().find(|value| !value.is_null()).map_or(0, |value| match value {
            Value::String(text) => quantity(text, unit),
            number => quantity(&number.to_string(), unit),
        })
    };
    (amount("cpu", 1000), amount("memory", 1))
}

/// A Kubernetes quantity times `unit`, rounded up.
fn quantity(text: &str, unit: u64) -> u64 {
    let at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, suffix) = text.split_at(at);
    let thousandths = match suffix {
        "m" => 1,
        "" => 1000,
        "k" => 1_000_000,
        "M" => 1_000_000_000,
        "G" => 1_000_000_000_000,
        "Ki" => 1000 << 10,
        "Mi" => 1000 << 20,
        "Gi" => 1000 << 30,
        other => panic!("`{other}` is no suffix of the examples"),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits: u128 = format!("{whole}{fraction}").parse().expect("a number");
    let scale = 10u128.pow(u32::try_from(fraction.len()).expect("few digits"));
    let amount = (digits * thousandths * u128::from(unit)).div_ceil(1000 * scale);
    u64::try_from(amount).expect("an amount")
}
