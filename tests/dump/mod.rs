//! Small clusters as `kubectl get -o json` lists them.

#![allow(dead_code, reason = "each test takes what it needs")]

use serde_json::{Value, json};

/// A dump under construction.
#[derive(Default)]
pub struct Dump {
    items: Vec<Value>,
}

impl Dump {
    pub fn new() -> Self {
        Dump::default()
    }

    /// A node of an EC2 type in us-east-1 with what it lets pods have.
    pub fn node(self, name: &str, instance_type: &str, cpu: &str, memory: &str) -> Self {
        self.node_in(name, instance_type, cpu, memory, "us-east-1a", &[])
    }

    pub fn node_in(
        mut self,
        name: &str,
        instance_type: &str,
        cpu: &str,
        memory: &str,
        zone: &str,
        labels: &[(&str, &str)],
    ) -> Self {
        let mut all = json!({
            "kubernetes.io/hostname": name,
            "kubernetes.io/arch": "amd64",
            "kubernetes.io/os": "linux",
            "node.kubernetes.io/instance-type": instance_type,
            "topology.kubernetes.io/region": "us-east-1",
            "topology.kubernetes.io/zone": zone,
        });
        for (key, value) in labels {
            all[*key] = json!(value);
        }
        self.items.push(json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": name, "labels": all},
            "spec": {"providerID": format!("aws:///{zone}/i-{name}")},
            "status": {
                "capacity": {"cpu": cpu, "memory": memory, "pods": "110", "attachable-volumes-aws-ebs": "25"},
                "allocatable": {"cpu": cpu, "memory": memory, "pods": "110", "attachable-volumes-aws-ebs": "25"},
            },
        }));
        self
    }

    /// Changes the last object.
    pub fn with(mut self, change: impl FnOnce(&mut Value)) -> Self {
        change(self.items.last_mut().expect("an object"));
        self
    }

    /// Pods of one ReplicaSet on a node; on none where that is empty.
    pub fn pods(self, app: &str, count: usize, cpu: &str, memory: &str, node: &str) -> Self {
        self.owned(app, "ReplicaSet", count, cpu, memory, node)
    }

    pub fn owned(mut self, app: &str, kind: &str, count: usize, cpu: &str, memory: &str, node: &str) -> Self {
        for _ in 0..count {
            let number = self.items.len();
            let mut spec = json!({"containers": [{
                "name": "main", "resources": {"requests": {"cpu": cpu, "memory": memory}},
            }]});
            if !node.is_empty() {
                spec["nodeName"] = json!(node);
            }
            self.items.push(json!({
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {
                    "name": format!("{app}-{number}"), "namespace": "default", "labels": {"app": app},
                    "ownerReferences": [{"kind": kind, "name": app, "controller": true}],
                },
                "spec": spec,
                "status": {"phase": "Running"},
            }));
        }
        self
    }

    /// Changes the specs of all pods of an app.
    pub fn each_pod(mut self, app: &str, change: impl Fn(&mut Value)) -> Self {
        for item in &mut self.items {
            if item["kind"] == "Pod" && item["metadata"]["labels"]["app"] == app {
                change(item);
            }
        }
        self
    }

    pub fn budget(mut self, app: &str, rule: &str, amount: Value) -> Self {
        self.items.push(json!({
            "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
            "metadata": {"name": app, "namespace": "default"},
            "spec": {rule: amount, "selector": {"matchLabels": {"app": app}}},
        }));
        self
    }

    pub fn object(mut self, object: Value) -> Self {
        self.items.push(object);
        self
    }

    pub fn text(&self) -> String {
        json!({"apiVersion": "v1", "kind": "List", "items": self.items}).to_string()
    }
}
