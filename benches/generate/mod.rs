//! Inputs of any size for benchmarks, the same bytes each time.

use std::fmt::Write;

/// What `kubectl get pods -A -o json` prints for `pods` pods of `shapes` ReplicaSets, which are not
/// part of the output themselves; some 600 bytes a pod.
pub fn kubectl_pods(pods: usize, shapes: usize) -> String {
    let mut out = String::with_capacity(pods * 640);
    write_cluster(&mut out, &Size { pods, shapes, nodes: 0, fat: false }, &mut |_| {});
    out
}

/// How large a generated cluster is.
pub struct Size {
    pub pods: usize,
    pub shapes: usize,
    /// Nodes that are listed before the pods, which lie on them in turn; none leaves them out.
    pub nodes: usize,
    /// With what real pods have beside what a plan needs: managedFields, env, probes; some 6 kB a pod.
    pub fat: bool,
}

/// Writes a list of nodes and pods; `flush` may empty the text whenever it is called.
pub fn write_cluster(out: &mut String, size: &Size, flush: &mut dyn FnMut(&mut String)) {
    let &Size { pods, shapes, nodes, fat } = size;
    let bulk = if fat { Bulk::new() } else { Bulk::default() };
    out.push_str("{\n    \"apiVersion\": \"v1\",\n    \"items\": [\n");
    for node in 0..nodes {
        write_node(out, node, &bulk);
        out.push_str(if node + 1 == nodes && pods == 0 { "\n" } else { ",\n" });
        flush(out);
    }
    for pod in 0..pods {
        // Pods come by namespace and name, so those of one owner mostly stand together.
        let shape = pod * shapes / pods;
        write_pod(out, pod, shape, if nodes == 0 { 5000 } else { nodes }, &bulk);
        out.push_str(if pod + 1 == pods { "\n" } else { ",\n" });
        flush(out);
    }
    out.push_str("    ],\n    \"kind\": \"List\",\n    \"metadata\": {\"resourceVersion\": \"\"}\n}\n");
}

/// What a plan does not need, ready to be written: of the metadata, of a container, of the status.
#[derive(Default)]
struct Bulk {
    metadata: String,
    container: String,
    status: String,
}

impl Bulk {
    fn new() -> Self {
        let mut fields = String::new();
        for k in 0..60 {
            write!(fields, "\"f:field-{k:02}\": {{\".\": {{}}, \"f:name\": {{}}, \"f:value\": {{}}}}, ")
                .expect(TEXT);
        }
        let mut env = String::new();
        for k in 0..20 {
            let comma = if k == 0 { "" } else { ", " };
            write!(
                env,
                "{comma}{{\"name\": \"SETTING_{k:02}\", \"value\": \"value \\\"{k}\\\" of a setting\"}}"
            )
            .expect(TEXT);
        }
        let metadata = format!(
            "\"annotations\": {{\"checksum/config\": \"{}\"}}, \"managedFields\": [{{\"fieldsType\": \"FieldsV1\", \"fieldsV1\": {{{fields}\"f:spec\": {{}}}}, \"manager\": \"kube-controller-manager\"}}], ",
            "0123456789abcdef".repeat(4),
        );
        let container = format!(
            "\"env\": [{env}], \"livenessProbe\": {{\"httpGet\": {{\"path\": \"/\", \"port\": 80}}}}, "
        );
        let status = format!(
            "\"containerStatuses\": [{{\"containerID\": \"containerd://{}\", \"ready\": true}}], ",
            "0123456789abcdef".repeat(4)
        );
        Bulk { metadata, container, status }
    }
}

const TEXT: &str = "writing to a string";

/// An m5.4xlarge of three zones in turn, as EKS reports it.
fn write_node(out: &mut String, node: usize, bulk: &Bulk) {
    let zone = ["a", "b", "c"][node % 3];
    write!(
        out,
        r#"        {{"apiVersion": "v1", "kind": "Node", "metadata": {{{}"name": "node-{node:04}", "labels": {{
            "kubernetes.io/arch": "amd64", "kubernetes.io/hostname": "node-{node:04}", "kubernetes.io/os": "linux",
            "node.kubernetes.io/instance-type": "m5.4xlarge", "topology.kubernetes.io/region": "us-east-1",
            "topology.kubernetes.io/zone": "us-east-1{zone}"}}}},
            "spec": {{"providerID": "aws:///us-east-1{zone}/i-{node:017x}"}},
            "status": {{"allocatable": {{"cpu": "15890m", "memory": "58567Mi", "pods": "234"}},
                "capacity": {{"cpu": "16", "memory": "61500Mi", "pods": "234"}}}}}}"#,
        bulk.metadata,
    )
    .expect(TEXT);
}

fn write_pod(out: &mut String, pod: usize, shape: usize, nodes: usize, bulk: &Bulk) {
    let namespace = format!("team-{:02}", shape % 40);
    let app = format!("app-{shape:04}");
    // A hash such as `5d4f8c9b7d`, of letters that Kubernetes uses.
    let hash = format!("{:x}", 0x5d4f_8c9b_u32.wrapping_mul(shape as u32 + 1) | 0x1000_0000);
    let random = mix(shape as u64);
    let cpu = 10 + random % 190 * 10;
    let memory = 32 + (random >> 16) % 500 * 8;
    write!(
        out,
        r#"        {{"apiVersion": "v1", "kind": "Pod",
            "metadata": {{{metadata}"creationTimestamp": "2026-01-01T00:00:00Z", "labels": {{"app": "{app}", "pod-template-hash": "{hash}"}},
                "name": "{app}-{hash}-{pod:05x}", "namespace": "{namespace}",
                "ownerReferences": [{{"apiVersion": "apps/v1", "controller": true, "kind": "ReplicaSet", "name": "{app}-{hash}"}}]}},
            "spec": {{"containers": [{{{container}"image": "registry/{app}:1", "name": "main",
                "resources": {{"limits": {{"memory": "{memory}Mi"}}, "requests": {{"cpu": "{cpu}m", "memory": "{memory}Mi"}}}}}}],
                "nodeName": "node-{:04}"}}, "status": {{{status}"phase": "Running"}}}}"#,
        pod % nodes,
        metadata = bulk.metadata,
        container = bulk.container,
        status = bulk.status,
    )
    .expect(TEXT);
}

/// SplitMix64's finalizer.
fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A stream of `count` Deployments, as `helm template` prints them.
#[allow(dead_code, reason = "each user of this module takes what it needs")]
pub fn manifests(count: usize) -> String {
    let mut out = String::new();
    for index in 0..count {
        let random = mix(index as u64);
        write!(
            out,
            "---\n# Source: chart/templates/deployment.yaml\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  \
             name: app-{index:04}\n  namespace: team-{:02}\nspec:\n  replicas: {}\n  selector:\n    matchLabels:\n      \
             app: app-{index:04}\n  template:\n    metadata:\n      labels:\n        app: app-{index:04}\n    spec:\n      \
             containers:\n        - name: main\n          image: registry/app-{index:04}:1\n          ports:\n            \
             - containerPort: 8080\n          resources:\n            requests:\n              cpu: {}m\n              \
             memory: {}Mi\n            limits:\n              memory: 4Gi\n",
            index % 40,
            1 + random % 50,
            10 + random % 190 * 10,
            32 + (random >> 16) % 500 * 8,
        )
        .expect("writing to a string");
    }
    out
}
