//! CSV with a header and one row per component or pod, for data that lives in a spreadsheet.
//! `docs/csv-file.md` documents the columns.

use std::collections::BTreeMap;

use super::Fault;
use super::cluster::Cluster;
use super::quantity;
use super::table;
use super::view::{Sink, clip};
use super::workload_file::{own_replicas, topology_key};
use crate::units::ResourceName;
use crate::workload::{PodAffinityTerm, PodTemplate, VolumeClaim, Workload, WorkloadId, WorkloadKind};

/// What a column says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Column {
    Name,
    Namespace,
    Kind,
    Replicas,
    /// Request of a resource, in cells with or without unit.
    Request(Amount),
    Limit(Amount),
    Volumes,
    Priority,
    InstanceType,
    AntiAffinity,
    Architecture,
    Team,
    Owner,
    CostCenter,
}

/// A resource and the unit that its column is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Amount {
    Cpu,
    CpuMilli,
    Memory,
    MemoryMib,
    MemoryGib,
    EphemeralStorage,
    EphemeralStorageMib,
    Gpu,
}

impl Amount {
    fn resource(self) -> ResourceName {
        match self {
            Amount::Cpu | Amount::CpuMilli => ResourceName::Cpu,
            Amount::Memory | Amount::MemoryMib | Amount::MemoryGib => ResourceName::Memory,
            Amount::EphemeralStorage | Amount::EphemeralStorageMib => ResourceName::EphemeralStorage,
            Amount::Gpu => ResourceName::Extended("nvidia.com/gpu".to_owned()),
        }
    }

    /// What the column's name adds to a cell.
    fn unit(self) -> &'static str {
        match self {
            Amount::CpuMilli => "m",
            Amount::MemoryMib | Amount::EphemeralStorageMib => "Mi",
            Amount::MemoryGib => "Gi",
            Amount::Cpu | Amount::Memory | Amount::EphemeralStorage | Amount::Gpu => "",
        }
    }
}

/// Names of columns, in lower case and without blanks, `_`, `-` and `.`; the first is the one to
/// recommend.
const COLUMNS: [(Column, &[&str]); 24] = [
    (Column::Name, &["name", "component", "workload", "service", "app", "pod"]),
    (Column::Namespace, &["namespace", "ns", "project"]),
    (Column::Kind, &["kind"]),
    (Column::Replicas, &["replicas", "count", "instances", "copies"]),
    (
        Column::Request(Amount::Cpu),
        &["cpu", "cpurequest", "cpurequests", "requestscpu", "vcpu", "vcpus", "cores"],
    ),
    (Column::Request(Amount::CpuMilli), &["cpum", "cpurequestm", "millicores"]),
    (
        Column::Request(Amount::Memory),
        &["memory", "mem", "ram", "memoryrequest", "memoryrequests", "memrequest", "requestsmemory"],
    ),
    (Column::Request(Amount::MemoryMib), &["memorymib", "memmib", "memoryrequestmib", "memrequestmib"]),
    (Column::Request(Amount::MemoryGib), &["memorygib", "memgib", "ramgib", "memoryrequestgib"]),
    (Column::Request(Amount::EphemeralStorage), &["ephemeralstorage", "ephemeralstoragerequest"]),
    (Column::Request(Amount::EphemeralStorageMib), &["ephemeralstoragemib", "ephrequestmib"]),
    (Column::Request(Amount::Gpu), &["gpu", "gpus", "nvidiacomgpu", "nvidiacom/gpu"]),
    (Column::Limit(Amount::Cpu), &["cpulimit", "cpulimits", "limitscpu"]),
    (Column::Limit(Amount::CpuMilli), &["cpulimitm"]),
    (Column::Limit(Amount::Memory), &["memorylimit", "memlimit", "memorylimits", "limitsmemory"]),
    (Column::Limit(Amount::MemoryMib), &["memorylimitmib", "memlimitmib"]),
    (Column::Volumes, &["volumes", "pvcs", "disks"]),
    (Column::Priority, &["priority"]),
    (
        Column::InstanceType,
        &["instancetype", "currentinstancetype", "vmtype", "vm", "machinetype", "currenttype"],
    ),
    (Column::AntiAffinity, &["antiaffinity"]),
    (Column::Architecture, &["arch", "architecture"]),
    (Column::Team, &["team"]),
    (Column::Owner, &["owner"]),
    (Column::CostCenter, &["costcenter", "costcentre"]),
];

fn column(header: &str) -> Option<Column> {
    let plain: String =
        header.trim().to_lowercase().chars().filter(|c| !matches!(c, ' ' | '_' | '-' | '.')).collect();
    COLUMNS.iter().find(|(_, names)| names.contains(&plain.as_str())).map(|(column, _)| *column)
}

/// Whether a line is the header of a table of workloads: at least two columns, at least two of them
/// known.
pub(super) fn is_header(line: &str) -> bool {
    let delimiter = char::from(table::delimiter(line));
    let names = line.split(delimiter).map(|name| name.trim().trim_matches('"'));
    names.filter_map(column).count() >= 2
}

/// Reads all rows.
pub(super) fn read(text: &str, sink: &Sink<'_>, cluster: &mut Cluster<'_>) {
    let mut reader = table::reader(text);
    let headers = match reader.headers() {
        Ok(headers) => headers.clone(),
        Err(error) => return sink.push(Fault::new(sink.name(), error.to_string()).on_line(1)),
    };
    let line = headers.position().map_or(1, csv::Position::line);
    let columns = read_header(&headers, line, sink);
    let mut rows = 0;
    for record in reader.records() {
        match record {
            Ok(record) => {
                rows += 1;
                let line = record.position().map_or(0, csv::Position::line);
                match table::misfit(&record, &headers) {
                    None => {
                        Row { record: &record, headers: &headers, columns: &columns, line, sink }
                            .read(cluster);
                    }
                    Some(message) => sink.push(Fault::new(sink.name(), message).on_line(line)),
                }
            }
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                return sink.push(Fault::new(sink.name(), error.to_string()).on_line(line));
            }
        }
    }
    if rows == 0 {
        sink.push(Fault::new(sink.name(), "has a header and no rows"));
    }
}

/// The meaning of each column; none of an unknown or doubled one, which is a fault, as a missing one is.
fn read_header(headers: &csv::StringRecord, line: u64, sink: &Sink<'_>) -> Vec<Option<Column>> {
    let fault = |message: String, help: String| {
        sink.push(Fault::new(sink.name(), message).on_line(line).help(help));
    };
    let known = || COLUMNS.map(|(_, names)| names[0]).join(", ");
    let mut columns = Vec::new();
    let mut seen: BTreeMap<Column, &str> = BTreeMap::new();
    let mut amounts: BTreeMap<(bool, ResourceName), &str> = BTreeMap::new();
    for header in headers {
        let Some(column) = column(header) else {
            fault(format!("unknown column `{}`", clip(header)), format!("known are {}", known()));
            columns.push(None);
            continue;
        };
        let earlier = match column {
            Column::Request(amount) => amounts.insert((false, amount.resource()), header),
            Column::Limit(amount) => amounts.insert((true, amount.resource()), header),
            other => seen.insert(other, header),
        };
        if let Some(earlier) = earlier {
            fault(format!("columns `{earlier}` and `{header}` say the same"), "leave one out".to_owned());
        }
        columns.push(earlier.is_none().then_some(column));
    }
    if !columns.contains(&Some(Column::Name)) {
        fault("has no column `name`".to_owned(), format!("known are {}", known()));
    }
    columns
}

/// One row under its header.
struct Row<'r> {
    record: &'r csv::StringRecord,
    headers: &'r csv::StringRecord,
    columns: &'r [Option<Column>],
    line: u64,
    sink: &'r Sink<'r>,
}

impl<'r> Row<'r> {
    fn read(&self, cluster: &mut Cluster<'_>) {
        let mut pod = PodTemplate::default();
        for (index, column) in self.columns.iter().enumerate() {
            let (list, amount) = match column {
                Some(Column::Request(amount)) => (&mut pod.requests, *amount),
                Some(Column::Limit(amount)) => (&mut pod.limits, *amount),
                _ => continue,
            };
            if let Some(value) = self.amount(index, amount) {
                list.insert(amount.resource(), value);
            }
        }
        for (resource, limit) in &pod.limits {
            let request = pod.requests.entry(resource.clone()).or_insert(*limit);
            if *request > *limit {
                self.fault(None, format!("the request of {resource} exceeds its limit"), None);
            }
        }
        let volumes = self.whole(Column::Volumes).unwrap_or(0).min(1000);
        pod.rules.volumes =
            (0..volumes).map(|i| VolumeClaim { name: format!("volume-{i}"), zone: None }).collect();
        if let Some((index, text)) = self.cell(Column::Priority) {
            match text.parse() {
                Ok(priority) => pod.priority = priority,
                Err(_) => self.fault(Some(index), format!("`{}` is not a whole number", clip(text)), None),
            }
        }
        if let Some((_, architecture)) = self.cell(Column::Architecture) {
            pod.rules.node_selector.insert("kubernetes.io/arch".to_owned(), architecture.to_owned());
        }
        if !self.columns.contains(&Some(Column::Name)) {
            // The header's fault, told once.
            return;
        }
        let Some((_, name)) = self.cell(Column::Name) else {
            return self.fault(None, "has no name".to_owned(), None);
        };
        let namespace = self.cell(Column::Namespace).map_or("default", |(_, text)| text).to_owned();
        if let Some((_, key)) = self.cell(Column::AntiAffinity) {
            let selector = own_replicas(name, &mut pod.labels);
            pod.rules.pod_anti_affinity.push(PodAffinityTerm {
                topology_key: topology_key(key),
                selector,
                namespaces: vec![namespace.clone()],
            });
        }
        let id = WorkloadId { namespace, kind: self.kind(), name: name.to_owned() };
        let workload = Workload {
            replicas: if id.kind == WorkloadKind::DaemonSet {
                1
            } else {
                self.whole(Column::Replicas).unwrap_or(1)
            },
            id,
            pod,
            owners: self.owners(),
            current_type: self.cell(Column::InstanceType).map(|(_, text)| text.to_owned()),
        };
        if let Err(message) = cluster.add_ready(workload, format!("{}:{}", self.sink.name(), self.line)) {
            self.fault(None, message, None);
        }
    }

    fn fault(&self, column: Option<usize>, message: String, help: Option<&str>) {
        self.sink.push(Fault {
            source: self.sink.name().to_owned(),
            line: Some(self.line),
            document: None,
            field: column.and_then(|index| self.headers.get(index)).map(str::to_owned),
            message,
            help: help.map(str::to_owned),
        });
    }

    /// The cell of a column that is there and filled.
    fn cell(&self, column: Column) -> Option<(usize, &'r str)> {
        let index = self.columns.iter().position(|c| *c == Some(column))?;
        self.record.get(index).filter(|text| !text.is_empty()).map(|text| (index, text))
    }

    fn whole(&self, column: Column) -> Option<u64> {
        let (index, text) = self.cell(column)?;
        match quantity::parse_count(text) {
            Ok(number) => Some(number),
            Err(error) => {
                self.fault(Some(index), clip(&error.to_string()).into_owned(), None);
                None
            }
        }
    }

    fn amount(&self, index: usize, amount: Amount) -> Option<u64> {
        let text = self.record.get(index).filter(|text| !text.is_empty())?;
        let resource = amount.resource();
        let written = format!("{text}{}", amount.unit());
        match quantity::parse(&resource, &written) {
            Ok(_) if resource == ResourceName::Memory && quantity::suspicious_memory(&written).is_some() => {
                let message = format!("`{written}` is less than any process needs");
                self.fault(
                    Some(index),
                    message,
                    Some("write a unit, such as `4Gi`, or name the column memory_mib"),
                );
                None
            }
            Ok(value) => Some(value),
            Err(error) => {
                self.fault(Some(index), clip(&error.to_string()).into_owned(), error.advice());
                None
            }
        }
    }

    fn kind(&self) -> WorkloadKind {
        let Some((index, text)) = self.cell(Column::Kind) else { return WorkloadKind::Component };
        let kind = WorkloadKind::ALL.into_iter().find(|kind| kind.to_string() == text);
        if kind.is_none() {
            let known = WorkloadKind::ALL.map(|kind| kind.to_string()).join(", ");
            self.fault(
                Some(index),
                format!("unknown kind `{}`", clip(text)),
                Some(&format!("known are {known}")),
            );
        }
        kind.unwrap_or(WorkloadKind::Component)
    }

    fn owners(&self) -> BTreeMap<String, String> {
        let columns = [(Column::Team, "team"), (Column::Owner, "owner"), (Column::CostCenter, "cost-center")];
        let filled = columns.into_iter().filter_map(|(column, key)| Some((key, self.cell(column)?.1)));
        filled.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{ReadOptions, Source, read_workloads};
    use crate::workload::WorkloadSet;

    fn table(text: &str) -> Result<WorkloadSet, Vec<String>> {
        let source = Source { name: "t.csv".into(), bytes: text.into() };
        read_workloads(&[source], &ReadOptions::default())
            .map_err(|faults| faults.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_row_is_a_component() {
        let set = table(
            "Name,Namespace,Replicas,CPU request,Memory,memory_limit,GPU,Team,Instance type,volumes,anti-affinity\n\
             web,shop,3,250m,512Mi,1Gi,,front,m5.large,2,hostname\n\
             job,,,1.5,2Gi,,1,,,,\n",
        )
        .unwrap();
        let web = &set.workloads[0];
        assert_eq!(web.id.to_string(), "shop/Component/web");
        assert_eq!(web.replicas, 3);
        assert_eq!(web.pod.requests[&ResourceName::Cpu], 250);
        assert_eq!(web.pod.requests[&ResourceName::Memory], 512 << 20);
        assert_eq!(web.pod.limits[&ResourceName::Memory], 1 << 30);
        assert_eq!(web.owners["team"], "front");
        assert_eq!(web.current_type.as_deref(), Some("m5.large"));
        assert_eq!(web.pod.rules.volumes.len(), 2);
        let term = &web.pod.rules.pod_anti_affinity[0];
        assert_eq!(term.topology_key, "kubernetes.io/hostname");
        assert!(term.selector.matches(&web.pod.labels));
        let job = &set.workloads[1];
        assert_eq!(job.id.to_string(), "default/Component/job");
        assert_eq!((job.replicas, job.pod.requests[&ResourceName::Cpu]), (1, 1500));
        assert_eq!(job.pod.requests[&ResourceName::Extended("nvidia.com/gpu".into())], 1);
    }

    #[test]
    fn units_may_stand_in_the_header() {
        let set = table("pod;cpu_request_m;mem_request_mib;mem_limit_mib\np1;100.0;64.0;128\n").unwrap();
        let pod = &set.workloads[0].pod;
        assert_eq!(pod.requests[&ResourceName::Cpu], 100);
        assert_eq!(pod.requests[&ResourceName::Memory], 64 << 20);
        assert_eq!(pod.limits[&ResourceName::Memory], 128 << 20);
    }

    #[test]
    fn all_faults_of_a_table_are_named() {
        let faults =
            table("name,replicas,cpu,memory\na,-1,1,1Gi\nb,1,x,4\nb,1,1,1Gi\n,1,1,1Gi\nc,1,1\na,1,1,1MB\n")
                .unwrap_err();
        let expected = [
            "t.csv:2: replicas: `-1` is negative",
            "t.csv:3: cpu: `x` is not a quantity; write a number with a suffix, such as `250m` of cpu or `512Mi` of memory",
            "t.csv:3: memory: `4` is less than any process needs; write a unit, such as `4Gi`, or name the column memory_mib",
            "t.csv:4: default/Component/b stands twice; first at t.csv:3",
            "t.csv:5: has no name",
            "t.csv:6: has 3 cells under 4 columns",
            "t.csv:7: memory: `1MB` is not a quantity; write `Mi` (1024^2) or `M` (1000^2)",
            "t.csv:7: default/Component/a stands twice; first at t.csv:2",
        ];
        assert_eq!(faults, expected);
    }

    #[test]
    fn headers_are_checked() {
        let faults = table("cpu,memory,colour,mem\n1,1Gi,red,1Gi\n-2,1Gi,red,1Gi\n").unwrap_err();
        assert_eq!(faults.len(), 4, "{faults:?}");
        assert!(faults[0].contains("unknown column `colour`"));
        assert!(faults[1].contains("say the same"));
        assert!(faults[2].contains("no column `name`"));
        assert_eq!(faults[3], "t.csv:3: cpu: `-2` is negative", "rows are read all the same");
        assert_eq!(table("name,cpu\n").unwrap_err(), ["t.csv: has a header and no rows"]);
    }
}
