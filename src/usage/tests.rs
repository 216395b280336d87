use super::*;
use crate::workload::{PodTemplate, WorkloadId, WorkloadKind};

fn workload(namespace: &str, name: &str, cpu: u64) -> Workload {
    let mut pod = PodTemplate::default();
    pod.requests.insert(ResourceName::Cpu, cpu);
    pod.limits.insert(ResourceName::Cpu, cpu);
    let id =
        WorkloadId { namespace: namespace.to_owned(), kind: WorkloadKind::Deployment, name: name.to_owned() };
    Workload { id, replicas: 2, pod, owners: BTreeMap::new(), current_type: None }
}

fn set() -> WorkloadSet {
    let workloads =
        vec![workload("a", "web", 1000), workload("a", "web-api", 500), workload("b", "web", 100)];
    WorkloadSet { workloads, ..WorkloadSet::default() }
}

fn row(namespace: Option<&str>, name: SubjectName, mean: u64, p95: u64) -> (Subject, Measured) {
    let subject = Subject { namespace: namespace.map(str::to_owned), name };
    let stat = Stat { mean, p95, max: p95 + 1, samples: Vec::new() };
    (subject, Measured::from([(ResourceName::Cpu, stat)]))
}

#[test]
fn pods_belong_to_the_workload_of_the_longest_name() {
    let pod = |name: &str| SubjectName::Pod(name.to_owned());
    let usage = UsageSet {
        rows: vec![
            row(Some("a"), pod("web-5f7c-x1"), 100, 200),
            row(Some("a"), pod("web-5f7c-x2"), 201, 150),
            row(Some("a"), pod("web-api-7d-y"), 10, 20),
            row(Some("a"), pod("website-1"), 1, 1),
            row(Some("b"), SubjectName::Workload("web".to_owned()), 7, 9),
        ],
    };
    let found = usage.matched(&set());
    // The mean of 100 and 201 rounds up to 151; the highest 95th percentile and maximum count.
    let stat = |w: usize| (found.of[w][&ResourceName::Cpu].mean, found.of[w][&ResourceName::Cpu].p95);
    assert_eq!([stat(0), stat(1), stat(2)], [(151, 200), (10, 20), (7, 9)]);
    assert_eq!(found.unmatched, ["a/website-1"]);
}

#[test]
fn right_sizing_changes_what_was_measured_and_lifts_limits() {
    let usage = UsageSet { rows: vec![row(Some("a"), SubjectName::Workload("web".to_owned()), 900, 1001)] };
    let set = set();
    let matched = usage.matched(&set);
    let sized = right_sized(&set, &matched, "p95+15%".parse().unwrap());
    // 1001 + ceil(150.15) = 1152, above the old limit of 1000.
    assert_eq!(sized.workloads[0].pod.requests[&ResourceName::Cpu], 1152);
    assert_eq!(sized.workloads[0].pod.limits[&ResourceName::Cpu], 1152);
    assert_eq!(sized.workloads[1..], set.workloads[1..]);
    let mean = right_sized(&set, &matched, "mean".parse().unwrap());
    assert_eq!(mean.workloads[0].pod.requests[&ResourceName::Cpu], 900);
    assert_eq!(mean.workloads[0].pod.limits[&ResourceName::Cpu], 1000);
}

#[test]
fn ways_of_right_sizing_are_read_and_written() {
    let text = |text: &str| text.parse::<RightSize>().map(|r| r.to_string());
    assert_eq!(text("p95+15%").unwrap(), "p95 + 15 %");
    assert_eq!(text("max").unwrap(), "max");
    assert!(text("p99").unwrap_err().contains("none of mean, p95 and max"));
    assert!(text("p95+x").is_err());
}
