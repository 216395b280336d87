//! Writes `workloads/qbox-2016.yaml`: a synthetic fleet of hosted, single-tenant Elasticsearch
//! clusters in the manner of 2016, from the assumptions that its header states.
//!
//! `cargo run --release --example qbox_2016 > workloads/qbox-2016.yaml` writes the same bytes each
//! time; a test holds the committed file to it.

use std::fmt::Write;

/// Plans by memory in MiB and how many tenants have each: their number halves as memory doubles.
const PLANS: [(u64, u32); 8] =
    [(512, 256), (1024, 128), (2048, 64), (4096, 32), (8192, 16), (16384, 8), (32768, 4), (65536, 2)];

/// Development clusters run on burstable machines: memory in MiB, type, vCPUs.
const BURSTABLE: [(u64, &str, u64); 4] =
    [(512, "t2.nano", 1), (1024, "t2.micro", 1), (2048, "t2.small", 1), (4096, "t2.medium", 2)];

/// Production runs on fixed-performance machines, the smallest of m3, m4 and r3 that holds the plan.
const FIXED: [(u64, &str, u64); 6] = [
    (3840, "m3.medium", 1),
    (8192, "m4.large", 2),
    (15616, "r3.large", 2),
    (16384, "m4.xlarge", 4),
    (32768, "m4.2xlarge", 8),
    (65536, "m4.4xlarge", 16),
];

const HEADER: &str = "\
# SYNTHETIC. No customer's data: a fleet made from the assumptions below by `examples/qbox_2016.rs`.
# It stands in for the fleet of the published case \"How Qbox Saved 50% per Month on AWS Bills Using
# Kubernetes and Supergiant\" (kubernetes.io blog, 2016-09-27), whose own sizes were not published.
# The assumptions were made before any plan was computed and are not fitted to the case's figures.
#
# 1. Product: hosted Elasticsearch, one VM per node of a tenant's cluster, nothing shared.
# 2. Plans: 0.5 to 64 GB of memory per node in powers of two, as ObjectRocket sold Elasticsearch at
#    the time. The number of tenants halves as memory doubles: 256 on 0.5 GB ... 2 on 64 GB.
# 3. Nodes per cluster: up to 4 GB one node (1/2), two (1/4) or three (1/4); from 8 GB on two (1/4),
#    three (1/2) or five (1/4). Drawn with a fixed seed. Nodes of one cluster keep apart.
# 4. Memory: request = limit = the plan's size, for the JVM's heap and the page cache are sized to
#    it. The VM's operating system is given no memory of its own, which favours the state before.
# 5. CPU: the case reports a collective utilization under 5 %. A node asks for 25m of a core and 50m
#    more for each GB; on an m4 (4 GB per core) that is some four times the reported use. Its limit
#    is the number of vCPUs of the machine that it has today, so it may burst to what it had.
# 6. Machine today, picked by hand from the types of 2016: one-node clusters on the burstable t2 that
#    holds the plan; all others on the smallest of m3, m4 and r3 that does.
# 7. Each node has one EBS volume.
";

fn main() {
    print!("{}", render());
}

/// The whole file.
pub fn render() -> String {
    let mut random = SplitMix64(2016);
    let mut out = String::from(HEADER);
    out.push_str("plimsoll: workloads/v1\nname: Hosted single-tenant Elasticsearch, 2016 (synthetic)\n");
    out.push_str("sources:\n");
    out.push_str("  - synthetic; assumptions in this file's header, generator in examples/qbox_2016.rs\n");
    out.push_str("notes:\n");
    out.push_str("  - No customer's data. Sizes follow ObjectRocket's published plans of the time.\n");
    out.push_str("catalog: aws-2016-09-27-us-east-1\n");
    out.push_str("components:\n");
    let mut tenant = 0;
    for (memory, tenants) in PLANS {
        for _ in 0..tenants {
            tenant += 1;
            write_cluster(&mut out, tenant, memory, nodes_of(memory, random.next()));
        }
    }
    out
}

/// Assumption 3.
fn nodes_of(memory: u64, random: u64) -> u64 {
    let quarter = random >> 62;
    let choices = if memory <= 4096 { [1, 1, 2, 3] } else { [2, 3, 3, 5] };
    choices[quarter as usize]
}

fn write_cluster(out: &mut String, tenant: u32, memory: u64, nodes: u64) {
    let machines: &[_] = if nodes == 1 { &BURSTABLE } else { &FIXED };
    let (_, machine, vcpus) = machines
        .iter()
        .find(|(holds, _, _)| *holds >= memory)
        .expect("the largest machine holds the largest plan");
    let cpu = 25 + memory * 50 / 1024;
    let (size, plan) = if memory < 1024 {
        (format!("{memory}Mi"), "0.5gb".to_owned())
    } else {
        (format!("{}Gi", memory / 1024), format!("{}gb", memory / 1024))
    };
    write!(
        out,
        "  - {{name: tenant-{tenant:03}, kind: StatefulSet, replicas: {nodes}, \
         requests: {{cpu: {cpu}m, memory: {size}}}, limits: {{cpu: {vcpus}, memory: {size}}}, volumes: 1, "
    )
    .expect("writing to a string");
    if nodes > 1 {
        out.push_str("placement: {antiAffinity: hostname}, ");
    }
    writeln!(out, "owners: {{tenant: tenant-{tenant:03}, plan: {plan}}}, currentInstanceType: {machine}}}")
        .expect("writing to a string");
}

/// Steele, Lea and Flood's generator (2014): the same sequence on every machine.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}
