//! Inputs of any size for benchmarks, the same bytes each time.

use std::fmt::Write;

/// What `kubectl get pods -A -o json` prints for `pods` pods of `shapes` ReplicaSets, which are not
/// part of the output themselves; some 600 bytes a pod.
pub fn kubectl_pods(pods: usize, shapes: usize) -> String {
    let mut out = String::with_capacity(pods * 640);
    out.push_str("{\n    \"apiVersion\": \"v1\",\n    \"items\": [\n");
    for pod in 0..pods {
        // Pods come by namespace and name, so those of one owner mostly stand together.
        let shape = pod * shapes / pods;
        write_pod(&mut out, pod, shape);
        out.push_str(if pod + 1 == pods { "\n" } else { ",\n" });
    }
    out.push_str("    ],\n    \"kind\": \"List\",\n    \"metadata\": {\"resourceVersion\": \"\"}\n}\n");
    out
}

fn write_pod(out: &mut String, pod: usize, shape: usize) {
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
            "metadata": {{"creationTimestamp": "2026-01-01T00:00:00Z", "labels": {{"app": "{app}", "pod-template-hash": "{hash}"}},
                "name": "{app}-{hash}-{pod:05x}", "namespace": "{namespace}",
                "ownerReferences": [{{"apiVersion": "apps/v1", "controller": true, "kind": "ReplicaSet", "name": "{app}-{hash}"}}]}},
            "spec": {{"containers": [{{"image": "registry/{app}:1", "name": "main",
                "resources": {{"limits": {{"memory": "{memory}Mi"}}, "requests": {{"cpu": "{cpu}m", "memory": "{memory}Mi"}}}}}}],
                "nodeName": "node-{:04}"}}, "status": {{"phase": "Running"}}}}"#,
        pod % 5000,
    )
    .expect("writing to a string");
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
