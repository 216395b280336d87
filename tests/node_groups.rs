//! The plan's nodes for the tools that make them: structure by each project's own schema, figures by
//! the plan.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod plan_fixture;

use std::collections::BTreeMap;

use assert_cmd::Command;
use plimsoll::catalog::Provider;
use plimsoll::report::view::{ExtraNodesRow, LifeRow, MeasuresRow, PinRow, PlanReport, Replayed, ZoneNodes};
use plimsoll::report::{Format, RenderError, RenderOptions, render};
use plimsoll::units::Money;
use serde_json::{Value, json};

/// What a schema says of an object: its required keys, and those that it may have beside them.
struct Shape(&'static [&'static str], &'static [&'static str]);

impl Shape {
    fn holds(&self, value: &Value) {
        let object = value.as_object().unwrap_or_else(|| panic!("an object: {value}"));
        for key in self.0 {
            assert!(object.contains_key(*key), "{key} is required: {value}");
        }
        for key in object.keys() {
            assert!(
                self.0.contains(&key.as_str()) || self.1.contains(&key.as_str()),
                "unknown {key}: {value}"
            );
        }
    }
}

fn text(report: &PlanReport, format: Format) -> String {
    String::from_utf8(render(report, format, &RenderOptions::default()).unwrap()).unwrap()
}

fn yaml(text: &str) -> Vec<Value> {
    let documents = text.split("\n---\n").skip(usize::from(text.contains("\n---\n")));
    documents.map(|d| serde_yaml::from_str(d).unwrap_or_else(|e| panic!("{e}: {d}"))).collect()
}

fn no_money() -> Money {
    Money::ZERO
}

/// The fixture's nodes, its m5.xlarge in a node pool with a label and a taint, in two zones; replayed,
/// with a node more for the pods and another for updates.
fn pooled() -> PlanReport {
    let mut report = plan_fixture::report(None);
    for row in report.nodes.iter_mut().filter(|row| row.instance_type == "m5.xlarge") {
        row.pool = Some("batch".into());
        row.planned_pool = "batch/m5.xlarge".into();
    }
    let batch = report.pools.iter_mut().find(|pool| pool.instance_type == "m5.xlarge").unwrap();
    batch.pool = "batch/m5.xlarge".into();
    batch.node_pool = Some("batch".into());
    batch.labels = BTreeMap::from([("tier".into(), "batch".into())]);
    batch.taints = vec!["dedicated=batch:NoSchedule".into()];
    batch.zones = ["us-east-1a", "us-east-1b"].map(|z| ZoneNodes { zone: z.into(), nodes: 1 }).into();
    let extra = |pool: &str| ExtraNodesRow { pool: pool.into(), nodes: 1, cost_hour: no_money() };
    report.replay = Some(Replayed {
        pods: 18,
        seeds: 3,
        before: vec![],
        measures: Some(MeasuresRow {
            settled: true,
            proven: false,
            profile: "default".into(),
            pins: vec![PinRow {
                workload: "default/Component/web".into(),
                instance_type: "m5.large".into(),
                pool: Some("m5.large".into()),
            }],
            classes: vec![],
            extra_nodes: vec![extra("m5.large")],
            premium_hour: no_money(),
            premium_month: no_money(),
            premium: None,
            after: vec![],
            pending: vec![],
            limits: vec![],
        }),
        life: Some(LifeRow {
            updates_stuck: 1,
            drains_stuck: 0,
            settled: true,
            extra_nodes: vec![extra("batch/m5.xlarge")],
            premium_hour: no_money(),
            premium_month: no_money(),
            premium: None,
            stuck: vec![],
            drains_stuck_even_so: 0,
            limits: vec![],
        }),
    });
    report
}

/// By `karpenter.sh_nodepools.yaml` and `karpenter.k8s.aws_ec2nodeclasses.yaml` of
/// aws/karpenter-provider-aws, `pkg/apis/crds`, version v1.
fn check_karpenter(documents: &[Value]) {
    for document in documents {
        Shape(&["apiVersion", "kind", "metadata", "spec"], &[]).holds(document);
        Shape(&["name"], &[]).holds(&document["metadata"]);
        let spec = &document["spec"];
        match document["kind"].as_str().unwrap() {
            "EC2NodeClass" => {
                assert_eq!(document["apiVersion"], "karpenter.k8s.aws/v1");
                let required =
                    &["role", "amiSelectorTerms", "subnetSelectorTerms", "securityGroupSelectorTerms"];
                Shape(required, &["kubelet", "blockDeviceMappings"]).holds(spec);
                for terms in ["amiSelectorTerms", "subnetSelectorTerms", "securityGroupSelectorTerms"] {
                    assert_eq!(spec[terms].as_array().unwrap().len(), 1);
                }
                let alias = spec["amiSelectorTerms"][0]["alias"].as_str().unwrap();
                let (family, _) = alias.split_once('@').unwrap();
                assert!(["al2", "al2023", "bottlerocket"].contains(&family) && alias.len() <= 30, "{alias}");
                for device in spec["blockDeviceMappings"].as_array().into_iter().flatten() {
                    Shape(&[], &["deviceName", "ebs", "rootVolume"]).holds(device);
                    assert!(device["ebs"]["volumeSize"].as_str().unwrap().ends_with("Gi"));
                }
            }
            "NodePool" => {
                assert_eq!(document["apiVersion"], "karpenter.sh/v1");
                Shape(&["template"], &["disruption", "limits", "weight"]).holds(spec);
                Shape(&["spec"], &["metadata"]).holds(&spec["template"]);
                let node = &spec["template"]["spec"];
                Shape(&["nodeClassRef", "requirements"], &["taints", "expireAfter"]).holds(node);
                Shape(&["group", "kind", "name"], &[]).holds(&node["nodeClassRef"]);
                for requirement in node["requirements"].as_array().unwrap() {
                    Shape(&["key", "operator"], &["values"]).holds(requirement);
                    let operators = ["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"];
                    assert!(operators.contains(&requirement["operator"].as_str().unwrap()));
                }
                for taint in node["taints"].as_array().into_iter().flatten() {
                    Shape(&["key", "effect"], &["value"]).holds(taint);
                    let effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
                    assert!(effects.contains(&taint["effect"].as_str().unwrap()));
                }
                let disruption = &spec["disruption"];
                Shape(&["consolidateAfter"], &["consolidationPolicy", "budgets"]).holds(disruption);
                let policy = disruption["consolidationPolicy"].as_str().unwrap();
                assert!(["WhenEmpty", "WhenEmptyOrUnderutilized"].contains(&policy));
            }
            other => panic!("{other}"),
        }
    }
}

#[test]
fn karpenter_gets_a_narrow_pool_for_each_group() {
    let text = text(&pooled(), Format::Karpenter);
    let documents = yaml(&text);
    check_karpenter(&documents);
    // Four groups: c8x.large, m5.large, and the batch pool in two zones.
    assert_eq!(documents.len(), 8, "{text}");
    let pool = |name: &str| {
        let found = documents.iter().find(|d| d["kind"] == "NodePool" && d["metadata"]["name"] == name);
        found.unwrap_or_else(|| panic!("{name}: {text}"))
    };
    for name in documents.iter().map(|d| d["metadata"]["name"].as_str().unwrap()) {
        let class = documents.iter().find(|d| d["kind"] == "EC2NodeClass" && d["metadata"]["name"] == name);
        assert!(class.is_some());
        assert_eq!(pool(name)["spec"]["template"]["spec"]["nodeClassRef"]["name"], name);
    }

    // Two planned m5.large and one that the measures add, of 2 vCPUs and 8 GiB each.
    let plain = &pool("plimsoll-m5-large")["spec"];
    assert_eq!(plain["limits"], json!({"cpu": "6", "memory": "24576Mi"}));
    assert!(plain["template"].get("metadata").is_none());
    // A planned m5.xlarge in each zone, the room for updates in the first.
    let batch = &pool("plimsoll-batch-m5-xlarge-us-east-1a")["spec"];
    assert_eq!(batch["limits"]["cpu"], "8");
    assert_eq!(pool("plimsoll-batch-m5-xlarge-us-east-1b")["spec"]["limits"]["cpu"], "4");
    assert_eq!(batch["template"]["metadata"]["labels"], json!({"tier": "batch"}));
    let node = &batch["template"]["spec"];
    assert_eq!(node["taints"], json!([{"key": "dedicated", "value": "batch", "effect": "NoSchedule"}]));
    let required: BTreeMap<&str, &str> = node["requirements"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| (r["key"].as_str().unwrap(), r["values"][0].as_str().unwrap()))
        .collect();
    assert_eq!(
        required,
        BTreeMap::from([
            ("karpenter.sh/capacity-type", "on-demand"),
            ("kubernetes.io/arch", "amd64"),
            ("kubernetes.io/os", "linux"),
            // What the nodeSelectors of `-f kubernetes` select.
            ("node.kubernetes.io/instance-type", "m5.xlarge"),
            ("topology.kubernetes.io/zone", "us-east-1a"),
        ])
    );
    for placeholder in ["FILL-IN-NODE-ROLE", "FILL-IN-CLUSTER", "FILL-IN-VERSION"] {
        assert!(
            text.lines().any(|line| line.starts_with('#') && line.contains(placeholder)),
            "{placeholder}"
        );
    }
    insta::assert_snapshot!("karpenter", text);
}

#[test]
fn karpenter_refuses_labels_that_its_schema_refuses() {
    let mut report = pooled();
    for pool in report.pools.iter_mut().filter(|pool| pool.node_pool.is_some()) {
        pool.labels.insert("node-role.kubernetes.io/batch".into(), String::new());
    }
    let refused = |format| render(&report, format, &RenderOptions::default()).unwrap_err();
    let error = refused(Format::Karpenter);
    assert!(matches!(error, RenderError::NodeGroups(_)), "{error}");
    assert!(error.to_string().contains("node-role.kubernetes.io/batch of pool batch"), "{error}");
}

/// The EKS API: "Label cannot contain reserved prefixes [kubernetes.io/, k8s.io/, eks.amazonaws.com/]".
#[test]
fn managed_node_groups_set_no_label_that_eks_reserves() {
    for format in [Format::Eksctl, Format::Terraform] {
        let with = |key: &str, value: &str| {
            let mut report = pooled();
            for pool in report.pools.iter_mut().filter(|pool| pool.node_pool.is_some()) {
                pool.labels.insert(key.into(), value.into());
            }
            render(&report, format, &RenderOptions::default())
                .map(|bytes| String::from_utf8(bytes).expect("UTF-8"))
        };
        for key in ["node-role.kubernetes.io/batch", "a.k8s.io/b", "eks.amazonaws.com/nodegroup"] {
            let error = with(key, "x").expect_err(key);
            assert!(error.to_string().contains(&format!("{key} of pool batch")), "{error}");
        }
        // What the nodes carry of themselves is not said again, and nothing else may be said of it.
        let told = with("kubernetes.io/arch", "amd64").expect("nodes carry it");
        assert!(!told.contains("kubernetes.io/arch"), "{told}");
        assert!(with("kubernetes.io/arch", "arm64").is_err());
    }
}

/// By `pkg/apis/eksctl.io/v1alpha5/assets/schema.json` of eksctl-io/eksctl.
#[test]
fn eksctl_gets_managed_node_groups() {
    let text = text(&pooled(), Format::Eksctl);
    let config = &yaml(&text)[0];
    Shape(&["apiVersion", "kind", "metadata"], &["managedNodeGroups"]).holds(config);
    assert_eq!(
        (&config["apiVersion"], &config["kind"]),
        (&json!("eksctl.io/v1alpha5"), &json!("ClusterConfig"))
    );
    Shape(&["name", "region"], &[]).holds(&config["metadata"]);
    let groups = config["managedNodeGroups"].as_array().unwrap();
    assert_eq!(groups.len(), 4);
    for group in groups {
        let optional = &[
            "amiFamily",
            "instanceType",
            "availabilityZones",
            "minSize",
            "maxSize",
            "desiredCapacity",
            "maxPodsPerNode",
            "volumeSize",
            "labels",
            "taints",
            "propagateASGTags",
            "updateConfig",
        ];
        Shape(&["name"], optional).holds(group);
        assert!(["AmazonLinux2023", "Bottlerocket"].contains(&group["amiFamily"].as_str().unwrap()));
        Shape(&[], &["maxUnavailable", "maxUnavailablePercentage"]).holds(&group["updateConfig"]);
        for taint in group["taints"].as_array().into_iter().flatten() {
            Shape(&[], &["key", "value", "effect"]).holds(taint);
        }
        let size = |key: &str| group[key].as_u64().unwrap();
        assert!(size("minSize") <= size("desiredCapacity") && size("desiredCapacity") <= size("maxSize"));
    }
    insta::assert_snapshot!("eksctl", text);
}

/// By `charts/cluster-autoscaler/values.yaml` and `templates/deployment.yaml` of kubernetes/autoscaler.
#[test]
fn the_autoscalers_chart_gets_groups_with_sizes() {
    let mut report = pooled();
    let aws = text(&report, Format::ClusterAutoscaler);
    let values = &yaml(&aws)[0];
    Shape(&["cloudProvider", "awsRegion", "autoscalingGroups"], &[]).holds(values);
    let groups = values["autoscalingGroups"].as_array().unwrap();
    let sizes: Vec<(&str, u64, u64, u64)> = groups
        .iter()
        .map(|g| {
            let size = |key: &str| g[key].as_u64().unwrap();
            (g["name"].as_str().unwrap(), size("minSize"), size("maxSize"), size("desiredSize"))
        })
        .collect();
    // Planned and added by measures; the room for updates on top.
    assert!(sizes.contains(&("plimsoll-m5-large", 3, 3, 3)), "{sizes:?}");
    assert!(sizes.contains(&("plimsoll-batch-m5-xlarge-us-east-1a", 1, 2, 2)), "{sizes:?}");
    insta::assert_snapshot!("cluster_autoscaler", aws);

    report.catalog.provider = Provider::Gcp;
    let gcp = text(&report, Format::ClusterAutoscaler);
    let values = &yaml(&gcp)[0];
    assert_eq!(values["cloudProvider"], "gce");
    Shape(&["cloudProvider", "autoDiscovery", "autoscalingGroupsnamePrefix"], &[]).holds(values);
    // As with `n2-standard-4` and `n2-standard-48`: no group's name may begin with another group's prefix.
    report
        .nodes
        .iter_mut()
        .for_each(|row| row.instance_type = row.instance_type.replace("m5.large", "c8x.la"));
    report
        .pools
        .iter_mut()
        .for_each(|row| row.instance_type = row.instance_type.replace("m5.large", "c8x.la"));
    let gcp = text(&report, Format::ClusterAutoscaler);
    let values: Value = serde_yaml::from_str(&gcp).unwrap();
    let entries = values["autoscalingGroupsnamePrefix"].as_array().unwrap();
    let names: Vec<&str> = entries.iter().map(|entry| entry["name"].as_str().unwrap()).collect();
    for name in &names {
        assert_eq!(names.iter().filter(|other| other.starts_with(name)).count(), 1, "{names:?}");
        assert!(name.len() <= 63);
    }
    report.catalog.provider = Provider::Azure;
    assert_eq!(yaml(&text(&report, Format::ClusterAutoscaler))[0]["cloudProvider"], "azure");
}

/// By `website/docs/r/eks_node_group.html.markdown` of hashicorp/terraform-provider-aws.
#[test]
fn terraform_gets_a_resource_for_each_group() {
    let mut report = pooled();
    let odd = report.pools.last_mut().unwrap();
    odd.labels.insert("odd".into(), "${file(\"/etc/passwd\")}".into());
    let text = text(&report, Format::Terraform);
    let file: Value = serde_json::from_str(&text).unwrap();
    Shape(&["//", "variable", "resource"], &[]).holds(&file);
    let groups = file["resource"]["aws_eks_node_group"].as_object().unwrap();
    assert_eq!(groups.len(), 4);
    for (name, group) in groups {
        let required = &["cluster_name", "node_role_arn", "scaling_config", "subnet_ids"];
        let optional = &[
            "node_group_name",
            "ami_type",
            "capacity_type",
            "instance_types",
            "disk_size",
            "labels",
            "taint",
            "update_config",
        ];
        Shape(required, optional).holds(group);
        Shape(&["desired_size", "max_size", "min_size"], &[]).holds(&group["scaling_config"]);
        assert_eq!(group["node_group_name"], name.as_str());
        for taint in group["taint"].as_array().into_iter().flatten() {
            Shape(&["key", "effect"], &["value"]).holds(taint);
            let effects = ["NO_SCHEDULE", "NO_EXECUTE", "PREFER_NO_SCHEDULE"];
            assert!(effects.contains(&taint["effect"].as_str().unwrap()));
        }
    }
    let batch = &groups["plimsoll-batch-m5-xlarge-us-east-1a"];
    assert_eq!(batch["subnet_ids"], "${var.subnet_ids_by_zone[\"us-east-1a\"]}");
    // Every variable that is used is declared, without a default, so that Terraform asks for it.
    let declared: Vec<&String> = file["variable"].as_object().unwrap().keys().collect();
    assert_eq!(declared, ["cluster_name", "node_role_arn", "subnet_ids", "subnet_ids_by_zone"]);
    assert!(file["variable"].as_object().unwrap().values().all(|v| v.get("default").is_none()));
    // What stands in the input is text and no expression.
    let odd = groups.values().find(|g| g["labels"].get("odd").is_some()).unwrap();
    assert_eq!(odd["labels"]["odd"], "$${file(\"/etc/passwd\")}");
    insta::assert_snapshot!("terraform", text);
}

#[test]
fn names_from_the_input_break_out_of_nothing() {
    let mut report = pooled();
    let evil = "x\n---\nkind: Secret #'\"{{ .Values }}";
    report.scenario.name = evil.into();
    for pool in report.pools.iter_mut().filter(|pool| pool.node_pool.is_some()) {
        pool.node_pool = Some(evil.into());
        pool.labels.insert("label".into(), evil.into());
    }
    assert_eq!(yaml(&text(&report, Format::Karpenter)).len(), 8);
    assert!(!text(&report, Format::Karpenter).contains("\nkind: Secret"));
    assert_eq!(yaml(&text(&report, Format::Eksctl)).len(), 1);
    let values: Value = serde_yaml::from_str(&text(&report, Format::ClusterAutoscaler)).unwrap();
    assert_eq!(values["autoscalingGroups"].as_array().unwrap().len(), 4);
}

#[test]
fn other_providers_nodes_are_refused() {
    let mut report = pooled();
    for (provider, formats) in [
        (Provider::Gcp, &[Format::Karpenter, Format::Eksctl, Format::Terraform][..]),
        (Provider::Azure, &[Format::Karpenter, Format::Eksctl, Format::Terraform][..]),
        (Provider::Other, &[Format::ClusterAutoscaler, Format::Karpenter][..]),
    ] {
        report.catalog.provider = provider;
        for &format in formats {
            let error = render(&report, format, &RenderOptions::default()).unwrap_err();
            assert!(error.to_string().contains(&format!("buys from {provider}")), "{error}");
        }
    }
}

#[test]
fn the_command_plans_into_every_form_and_refuses_before_it_searches() {
    let plimsoll = || {
        let mut command = Command::cargo_bin("plimsoll").unwrap();
        command.current_dir(env!("CARGO_MANIFEST_DIR"));
        command
    };
    let folder = tempfile::tempdir().unwrap();
    let saved = folder.path().join("plan.json");
    let plan = |format: &str| {
        let mut command = plimsoll();
        command.args(["plan", "workloads/online-boutique.yaml", "--effort", "quick", "-f", format]);
        command
    };
    plan("json").arg("-o").arg(&saved).assert().success();
    for format in ["karpenter", "eksctl", "cluster-autoscaler", "terraform"] {
        let planned = plan(format).assert().success().get_output().stdout.clone();
        let again = plimsoll().arg("report").arg(&saved).args(["-f", format]).assert().success();
        assert_eq!(again.get_output().stdout, planned, "{format}");
    }
    let refused = plan("karpenter").args(["--provider", "gcp"]).assert().code(2);
    let said = String::from_utf8(refused.get_output().stderr.clone()).unwrap();
    assert!(said.contains("karpenter describes nodes of aws, and this plan buys from gcp"), "{said}");
    assert!(refused.get_output().stdout.is_empty());
}
