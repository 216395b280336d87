//! Kubernetes objects as `kubectl`, `helm` and `kustomize` print them.

use plimsoll::input::{AutoscaledReplicas, Fault, ReadOptions, Source, read_workloads};
use plimsoll::units::PartsPerMillion;
use plimsoll::units::ResourceName::{Cpu, Memory};
use plimsoll::workload::{Amount, LabelExpression, LabelOperator, UpdateStrategy, Workload, WorkloadSet};

fn read_as(texts: &[&str], options: &ReadOptions) -> Result<WorkloadSet, Vec<Fault>> {
    let sources: Vec<Source> = texts
        .iter()
        .enumerate()
        .map(|(i, text)| Source { name: format!("f{i}.yaml"), bytes: text.as_bytes().to_vec() })
        .collect();
    read_workloads(&sources, options)
}

fn read(text: &str) -> WorkloadSet {
    read_as(&[text], &ReadOptions::default()).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

fn ids(set: &WorkloadSet) -> Vec<String> {
    set.workloads.iter().map(|w| format!("{} x{}", w.id, w.replicas)).collect()
}

fn only(set: &WorkloadSet) -> &Workload {
    assert_eq!(set.workloads.len(), 1, "{:?}", ids(set));
    &set.workloads[0]
}

/// A pod with this in its spec besides one container.
fn pod_with(spec: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: p, labels: {{app: web, tier: front}}}}\nspec:\n  \
         containers: [{{name: c}}]\n{spec}"
    )
}

#[test]
fn every_kind_says_its_replicas() {
    let template = "template: {spec: {containers: [{name: c, resources: {requests: {cpu: 1}}}]}}";
    let object = |api: &str, kind: &str, fields: &str| {
        format!("apiVersion: {api}\nkind: {kind}\nmetadata: {{name: x}}\nspec: {{{fields}}}\n")
    };
    let with = |api, kind, fields: &str| object(api, kind, &format!("{fields}{template}"));
    let text = [
        with("apps/v1", "Deployment", "replicas: 3, "),
        with("apps/v1", "ReplicaSet", ""),
        with("v1", "ReplicationController", "replicas: 2, "),
        with("apps/v1", "StatefulSet", "replicas: 5, "),
        with("batch/v1", "Job", "parallelism: 4, completions: 10, "),
        object(
            "batch/v1",
            "CronJob",
            &format!("schedule: '* * * * *', jobTemplate: {{spec: {{{template}}}}}"),
        ),
        object("v1", "Pod", "containers: [{name: c}]"),
        with("apps/v1", "DaemonSet", ""),
    ]
    .join("---\n");
    let set = read(&text);
    assert_eq!(
        ids(&set),
        [
            "default/Deployment/x x3",
            "default/ReplicaSet/x x1",
            "default/ReplicationController/x x2",
            "default/StatefulSet/x x5",
            "default/Job/x x4",
            "default/CronJob/x x1",
            "default/Pod/x x1",
        ]
    );
    assert_eq!(set.daemon_sets.len(), 1);
    assert_eq!(set.daemon_sets[0].pod.requests[&Cpu], 1000);
}

#[test]
fn a_job_runs_no_more_pods_than_it_completes() {
    let text = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec: {parallelism: 8, completions: 3, template: {spec: {containers: [{name: c}]}}}\n";
    assert_eq!(ids(&read(text)), ["default/Job/j x3"]);
}

#[test]
fn other_kinds_are_counted_and_skipped() {
    let set = read(
        "kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\n---\nkind: ConfigMap\napiVersion: v1\nmetadata: {name: b}\n---\n\
         kind: Deployment\napiVersion: example.org/v1\nmetadata: {name: c}\n---\n\
         kind: Pod\napiVersion: v1\nmetadata: {name: p}\nspec: {containers: [{name: c}]}\n",
    );
    assert_eq!(set.skipped_kinds.get("ConfigMap"), Some(&2));
    assert_eq!(set.skipped_kinds.get("Deployment"), Some(&1), "another group's Deployment is none");
    assert_eq!(set.workloads.len(), 1);
}

#[test]
fn containers_sidecars_init_containers_and_overhead_add_up() {
    let set = read(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  overhead: {cpu: 5m}\n  initContainers:\n  \
         - {name: s, restartPolicy: Always, resources: {requests: {cpu: 50m, memory: 1Mi}}}\n  \
         - {name: i, resources: {requests: {cpu: 0.9, memory: 1Mi}}}\n  containers:\n  \
         - {name: a, resources: {requests: {cpu: 100m, memory: 3Mi}, limits: {memory: 4Mi}}}\n  \
         - {name: b, resources: {limits: {memory: 2Mi}}}\n",
    );
    let pod = &only(&set).pod;
    // Init phase: 50m sidecar + 900m; running: 50m + 100m. Overhead on top.
    assert_eq!(pod.requests[&Cpu], 955);
    // Running: 1 + 3 + 2 (limit as request).
    assert_eq!(pod.requests[&Memory], 6 << 20);
    assert!(!pod.limits.contains_key(&Memory), "the sidecar has no limit");
}

#[test]
fn pods_of_a_controller_in_the_input_are_skipped() {
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 2, template: {spec: {containers: [{name: c}]}}}\n";
    let replica_set = "apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {name: web-5d4f, ownerReferences: [{kind: Deployment, name: web, controller: true}]}\nspec: {replicas: 2, template: {spec: {containers: [{name: c}]}}}\n";
    let pod = |i: u32| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: web-5d4f-{i}, labels: {{pod-template-hash: 5d4f}}, \
             ownerReferences: [{{kind: ReplicaSet, name: web-5d4f, controller: true}}]}}\nspec: {{containers: [{{name: c}}]}}\n"
        )
    };
    // With the whole chain, and without its middle, in any order and over several files.
    for files in [
        vec![deployment.to_owned(), replica_set.to_owned(), pod(1), pod(2)],
        vec![pod(1), pod(2), deployment.to_owned()],
    ] {
        let texts: Vec<&str> = files.iter().map(String::as_str).collect();
        let set = read_as(&texts, &ReadOptions::default()).unwrap();
        assert_eq!(ids(&set), ["default/Deployment/web x2"]);
        assert_eq!(set.owned_pods, 2);
    }
}

#[test]
fn pods_without_their_controller_become_copies_of_one_workload() {
    let pod = |name: &str, owner: &str, cpu: &str| {
        format!(
            "{{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {{\"name\": \"{name}\", \"namespace\": \"shop\", \
             \"labels\": {{\"app\": \"web\", \"pod-template-hash\": \"5d4f\"}}, \
             \"ownerReferences\": [{{\"kind\": \"ReplicaSet\", \"name\": \"{owner}\", \"controller\": true}}]}}, \
             \"spec\": {{\"containers\": [{{\"name\": \"c\", \"resources\": {{\"requests\": {{\"cpu\": {cpu}}}}}}}]}}}}"
        )
    };
    let items = [
        pod("web-5d4f-a", "web-5d4f", "\"100m\""),
        pod("web-5d4f-b", "web-5d4f", "0.1"),
        pod("web-5d4f-c", "web-5d4f", "1"),
        pod("api-x", "api", "1"),
    ];
    let set =
        read(&format!("{{\"apiVersion\": \"v1\", \"items\": [{}], \"kind\": \"List\"}}", items.join(",")));
    assert_eq!(
        ids(&set),
        ["shop/Deployment/web x2", "shop/Deployment/web#2 x1", "shop/ReplicaSet/api x1"],
        "one workload per owner and shape"
    );
    assert!(!set.workloads[0].pod.labels.contains_key("pod-template-hash"));
}

#[test]
fn stateful_and_daemon_pods_lose_what_tells_them_apart() {
    let stateful = |i: u32| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: db-{i}, labels: {{app: db, statefulset.kubernetes.io/pod-name: db-{i}, \
             apps.kubernetes.io/pod-index: '{i}'}}, ownerReferences: [{{kind: StatefulSet, name: db, controller: true}}]}}\n\
             spec: {{containers: [{{name: c}}], volumes: [{{name: data, persistentVolumeClaim: {{claimName: data-db-{i}}}}}]}}\n---\n"
        )
    };
    let daemon = |i: u32| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: agent-{i}, ownerReferences: [{{kind: DaemonSet, name: agent, controller: true}}]}}\n\
             spec: {{containers: [{{name: c}}], affinity: {{nodeAffinity: {{requiredDuringSchedulingIgnoredDuringExecution: \
             {{nodeSelectorTerms: [{{matchFields: [{{key: metadata.name, operator: In, values: [node-{i}]}}]}}]}}}}}}}}\n---\n"
        )
    };
    let set = read(&format!("{}{}{}{}", stateful(0), stateful(1), daemon(0), daemon(1)));
    assert_eq!(ids(&set), ["default/StatefulSet/db x2"]);
    assert_eq!(set.workloads[0].pod.rules.volumes[0].name, "data");
    assert_eq!(set.daemon_sets.len(), 1);
    assert!(set.daemon_sets[0].pod.rules.node_affinity.is_empty());
}

#[test]
fn static_pods_are_an_overhead_of_nodes() {
    let mirror = |node: &str, cpu: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: proxy-{node}, namespace: kube-system, ownerReferences: \
             [{{kind: Node, name: {node}, controller: true}}]}}\nspec: {{containers: [{{name: c, resources: {{requests: {{cpu: {cpu}}}}}}}]}}\n---\n"
        )
    };
    let set = read(&[mirror("n1", "100m"), mirror("n2", "100m"), mirror("n3", "200m")].concat());
    assert!(set.workloads.is_empty());
    assert_eq!(set.daemon_sets.len(), 1);
    assert_eq!(set.daemon_sets[0].id.to_string(), "kube-system/DaemonSet/proxy");
    assert_eq!(set.daemon_sets[0].pod.requests[&Cpu], 100);
    assert_eq!(set.warnings, ["kube-system/DaemonSet/proxy has pods of 2 shapes; the commonest counts"]);
}

#[test]
fn finished_pods_and_jobs_hold_nothing() {
    let set = read(
        "apiVersion: v1\nkind: PodList\nitems:\n- {metadata: {name: a}, spec: {containers: [{name: c}]}, status: {phase: Succeeded}}\n\
         - {metadata: {name: b}, spec: {containers: [{name: c}]}, status: {phase: Failed}}\n\
         - {metadata: {name: c}, spec: {containers: [{name: c}]}, status: {phase: Running}}\n---\n\
         apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec: {template: {spec: {containers: [{name: c}]}}}\n\
         status: {conditions: [{type: Complete, status: 'True'}]}\n",
    );
    assert_eq!(ids(&set), ["default/Pod/c x1"]);
    assert_eq!(set.finished_pods, 2);
}

#[test]
fn what_is_scaled_to_zero_is_mentioned_only() {
    let set = read(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {replicas: 0, template: {spec: {containers: [{name: c}]}}}\n",
    );
    assert!(set.workloads.is_empty());
    assert!(set.warnings[0].contains("scaled to zero"), "{:?}", set.warnings);
}

#[test]
fn node_rules_are_read() {
    let set = read(&pod_with(
        "  nodeSelector: {disk: ssd}\n  tolerations:\n  - {key: gpu, operator: Exists, effect: NoSchedule}\n  - {key: team, value: a}\n  - {operator: Exists}\n  \
         affinity:\n    nodeAffinity:\n      requiredDuringSchedulingIgnoredDuringExecution:\n        nodeSelectorTerms:\n        \
         - matchExpressions: [{key: cores, operator: Gt, values: ['8']}, {key: arch, operator: NotIn, values: [arm64]}]\n        \
         - matchExpressions: [{key: zone, operator: Exists}]\n      preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, preference: {}}]\n",
    ));
    let rules = &only(&set).pod.rules;
    assert_eq!(rules.node_selector["disk"], "ssd");
    assert_eq!(rules.node_affinity.len(), 2);
    let first = &rules.node_affinity[0].expressions;
    let expected =
        LabelExpression { key: "cores".into(), operator: LabelOperator::Gt, values: vec!["8".into()] };
    assert_eq!(first[0], expected);
    assert_eq!(rules.preferred_rules, 1);
    let tolerations: Vec<_> = rules
        .tolerations
        .iter()
        .map(|t| (t.key.as_deref(), t.value.as_deref(), t.effect.as_deref()))
        .collect();
    assert_eq!(
        tolerations,
        [(Some("gpu"), None, Some("NoSchedule")), (Some("team"), Some("a"), None), (None, None, None)]
    );
}

#[test]
fn pod_rules_are_read() {
    let set = read(&pod_with(
        "  affinity:\n    podAntiAffinity:\n      requiredDuringSchedulingIgnoredDuringExecution:\n      \
         - {topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: web}}, matchLabelKeys: [tier, absent]}\n      \
         preferredDuringSchedulingIgnoredDuringExecution: [{}, {}]\n    podAffinity:\n      requiredDuringSchedulingIgnoredDuringExecution:\n      \
         - {topologyKey: zone, namespaces: [a, b], labelSelector: {matchExpressions: [{key: x, operator: Exists}]}}\n      - {topologyKey: zone}\n  \
         topologySpreadConstraints:\n  - {maxSkew: 2, minDomains: 3, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: web}}}\n  \
         - {maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway}\n",
    ));
    let pod = &only(&set).pod;
    let rules = &pod.rules;
    let anti = &rules.pod_anti_affinity[0];
    assert_eq!(
        (anti.topology_key.as_str(), &anti.namespaces[..]),
        ("kubernetes.io/hostname", &["default".into()][..])
    );
    assert!(anti.selector.matches(&pod.labels));
    assert_eq!(anti.selector.expressions.len(), 2, "matchLabelKeys: the pod's own tier");
    assert_eq!(rules.pod_affinity[0].namespaces, ["a", "b"]);
    assert!(!rules.pod_affinity[1].selector.matches(&pod.labels), "no selector means no pod");
    assert_eq!(rules.topology_spread.len(), 1);
    assert_eq!((rules.topology_spread[0].max_skew, rules.topology_spread[0].min_domains), (2, Some(3)));
    assert_eq!(rules.preferred_rules, 3);
}

#[test]
fn namespace_selectors_mean_the_namespaces_of_the_input() {
    let set = read(&format!(
        "{}---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: red, labels: {{colour: red}}}}\n---\n\
         apiVersion: v1\nkind: Pod\nmetadata: {{name: q, namespace: blue}}\nspec: {{containers: [{{name: c}}]}}\n",
        pod_with(
            "  affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [\
             {topologyKey: h, labelSelector: {}, namespaceSelector: {}},\
             {topologyKey: h, labelSelector: {}, namespaces: [own], namespaceSelector: {matchLabels: {colour: red}}}]}}\n"
        )
    ));
    let terms = &set.workloads[0].pod.rules.pod_anti_affinity;
    assert_eq!(terms[0].namespaces, ["blue", "default", "red"]);
    assert_eq!(terms[1].namespaces, ["own", "red"]);
}

#[test]
fn ports_of_the_node_are_read() {
    let set = read(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, ports: [{containerPort: 80, hostPort: 8080}, {containerPort: 81}, {containerPort: 53, hostPort: 53, protocol: UDP}]}]}\n---\n\
         apiVersion: v1\nkind: Pod\nmetadata: {name: q}\nspec: {hostNetwork: true, containers: [{name: c, ports: [{containerPort: 80}]}]}\n",
    );
    let ports = |i: usize| -> Vec<_> {
        set.workloads[i].pod.rules.host_ports.iter().map(|p| (p.port, p.protocol.as_str())).collect()
    };
    assert_eq!(ports(0), [(53, "UDP"), (8080, "TCP")]);
    assert_eq!(ports(1), [(80, "TCP")], "with hostNetwork every container port is one of the node");
}

#[test]
fn volumes_are_claims_templates_and_cloud_disks() {
    let set = read(
        "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: db}\nspec:\n  replicas: 3\n  template: {spec: {containers: [{name: c}], volumes: [\
         {name: conf, configMap: {}}, {name: shared, persistentVolumeClaim: {claimName: s}}, {name: scratch, ephemeral: {volumeClaimTemplate: {}}}]}}\n  \
         volumeClaimTemplates: [{metadata: {name: data}}]\n---\n\
         apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: v0}\nspec: {claimRef: {namespace: default, name: data-db-0}, nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: topology.kubernetes.io/zone, operator: In, values: [eu-1a]}]}]}}}\n",
    );
    assert_eq!(ids(&set), ["default/StatefulSet/db x1", "default/StatefulSet/db#2 x2"]);
    let volumes = |i: usize| -> Vec<_> {
        set.workloads[i].pod.rules.volumes.iter().map(|v| (v.name.as_str(), v.zone.as_deref())).collect()
    };
    assert_eq!(volumes(0), [("s", None), ("scratch", None), ("data", Some("eu-1a"))]);
    assert_eq!(volumes(1), [("s", None), ("scratch", None), ("data", None)]);
}

#[test]
fn priority_classes_have_values() {
    let set = read(&format!(
        "{}---\n{}---\napiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {{name: high}}\nvalue: 1000\n",
        pod_with("  priorityClassName: high\n"),
        pod_with("  priorityClassName: system-node-critical\n").replace("name: p,", "name: q,"),
    ));
    assert_eq!(set.workloads[0].pod.priority, 1000);
    assert_eq!(set.workloads[1].pod.priority, 2_000_001_000);
    assert!(set.warnings.is_empty());
}

#[test]
fn autoscalers_speak_for_their_target() {
    let text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {template: {spec: {containers: [{name: c}]}}}\n---\n\
                apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: h}\n\
                spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: d}, minReplicas: 2, maxReplicas: 9}\n";
    for (autoscaled, replicas) in
        [(AutoscaledReplicas::Declared, 2), (AutoscaledReplicas::Min, 2), (AutoscaledReplicas::Max, 9)]
    {
        let options = ReadOptions { autoscaled, ..ReadOptions::default() };
        let set = read_as(&[text], &options).unwrap();
        assert_eq!(set.workloads[0].replicas, replicas);
        assert!(set.warnings[0].contains("between 2 and 9"), "{:?}", set.warnings);
    }
}

#[test]
fn owner_labels_become_owners() {
    let set = read(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d, namespace: shop, labels: {team: web, app.kubernetes.io/part-of: store, x: y}}\n\
         spec: {template: {spec: {containers: [{name: c}]}}}\n",
    );
    let owners: Vec<_> = only(&set).owners.iter().map(|(k, v)| format!("{k}={v}")).collect();
    assert_eq!(owners, ["app.kubernetes.io/part-of=store", "team=web"]);
}

#[test]
fn memory_in_milli_is_read_and_warned_of() {
    let set = read(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    resources: {requests: {memory: 512m}}\n",
    );
    assert_eq!(only(&set).pod.requests[&Memory], 1);
    assert_eq!(
        set.warnings,
        [
            "f0.yaml:7: spec.containers[0].resources.requests.memory: memory `512m`: its suffix divides bytes; probably `Mi` is meant"
        ]
    );
}

#[test]
fn json_and_yaml_lists_read_alike() {
    let json = r#"{"apiVersion": "v1", "items": [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": "n"},
         "spec": {"replicas": 2, "template": {"metadata": {"labels": {"env": "x"}}, "spec": {"containers": [
            {"name": "c", "env": [{"name": "A"}], "resources": {"requests": {"cpu": 0.25, "memory": "1e9"}}}]}}}},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}}
    ], "kind": "List"}"#;
    let yaml = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: apps/v1\n  kind: Deployment\n  metadata: {name: d, namespace: n}\n  \
                spec: {replicas: 2, template: {metadata: {labels: {env: x}}, spec: {containers: [{name: c, resources: {requests: {cpu: 0.25, memory: 1e9}}}]}}}\n\
                - {apiVersion: v1, kind: Service, metadata: {name: s}}\n";
    assert_eq!(read(json), read(yaml));
    let pod = &read(json).workloads[0].pod;
    assert_eq!((pod.requests[&Cpu], pod.requests[&Memory]), (250, 1_000_000_000));
    assert_eq!(pod.labels["env"], "x");
    // Values that follow each other, as `kubectl get -o json` prints for several commands.
    assert_eq!(
        read(&format!("{json}\n{{\"apiVersion\": \"v1\", \"kind\": \"Service\", \"metadata\": {{}}}}"))
            .workloads
            .len(),
        1
    );
}

#[test]
fn update_strategies_are_read_of_deployments_and_stateful_sets() {
    let object = |kind: &str, strategy: &str| {
        format!(
            "apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: x}}\nspec: {{{strategy}, template: {{spec: \
             {{containers: [{{name: c, resources: {{requests: {{cpu: 1}}}}}}]}}}}}}\n"
        )
    };
    let quarter = Amount::Share(PartsPerMillion(250_000));
    let rolling = |max_surge, max_unavailable| UpdateStrategy::Rolling { max_surge, max_unavailable };
    let cases = [
        ("Deployment", "replicas: 2", None),
        ("Deployment", "strategy: {type: RollingUpdate}", None),
        ("Deployment", "strategy: {type: Recreate}", Some(UpdateStrategy::Recreate)),
        (
            "Deployment",
            "strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}",
            Some(rolling(Amount::Pods(1), Amount::Pods(0))),
        ),
        (
            "Deployment",
            "strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 10%}}",
            Some(rolling(Amount::Share(PartsPerMillion(100_000)), quarter)),
        ),
        ("StatefulSet", "updateStrategy: {rollingUpdate: {partition: 0}}", None),
        (
            "StatefulSet",
            "updateStrategy: {rollingUpdate: {maxUnavailable: 3}}",
            Some(UpdateStrategy::InPlace { max_unavailable: Amount::Pods(3) }),
        ),
    ];
    for (kind, strategy, expected) in cases {
        let set = read(&object(kind, strategy));
        assert_eq!(set.update_of(&only(&set).id), expected, "{strategy}");
    }
    let faults = [
        "{type: Sideways}",
        "{rollingUpdate: {maxSurge: most}}",
        "{rollingUpdate: {maxSurge: 0, maxUnavailable: 0%}}",
    ];
    for strategy in faults {
        let text = object("Deployment", &format!("strategy: {strategy}"));
        let found = read_as(&[&text], &ReadOptions::default()).expect_err(strategy);
        assert_eq!(found.len(), 1, "{found:?}");
    }
}
