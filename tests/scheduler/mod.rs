//! Small scheduler cases as data: nodes that stand, pods that want to lie on them, and whether all can.

/// Whether all pods can be placed on the nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Yes.
    Accepted,
    /// No.
    Refused,
    /// There is a state in which all rules hold, but no order in which the scheduler places one pod
    /// after the other leads there.
    Unreachable,
    /// Yes, but the planner holds the rule by a restriction that these nodes do not allow.
    Stricter,
}

use Expect::{Accepted, Refused, Stricter, Unreachable};

/// `(name, nodes, pods, expected)`.
///
/// A node, up to `;`, is a list of words: `z=b` its zone (a by default), `cpu=2` (4), `gpu=1`, `vols=2`,
/// `arch=arm64`, `l:key=value` a label, `t:key=value:Effect` a taint. Every node has 16 GiB of memory,
/// 10 pod slots and 20 GiB of disk.
///
/// Pods, up to `;`, are `name*replicas` (`ds:name` for a DaemonSet) and words: `cpu=2` (1 by default),
/// `mem=2Gi`, `gpu=1`, `disk=5Gi`, `vols=1`, `pin=b` for volumes that lie in a zone, `ns=other`,
/// `l:key=value` a label beside `app=name`, and a placement in braces as the native format has it.
pub const CASES: &[(&str, &str, &str, Expect)] = &[
    // Resources.
    ("cpu fits exactly", "cpu=4", "a*4", Accepted),
    ("cpu is short by one pod", "cpu=4", "a*5", Refused),
    ("cpu splits over nodes", "cpu=2; cpu=2", "a*2 cpu=1; b*1 cpu=2", Accepted),
    ("a pod is not split", "cpu=2; cpu=2", "a*1 cpu=3", Refused),
    ("memory fits", "cpu=4", "a*2 mem=8Gi", Accepted),
    ("memory is short", "cpu=4", "a*2 mem=9Gi", Refused),
    ("pod slots fit", "cpu=4", "a*10 cpu=100m", Accepted),
    ("pod slots are short", "cpu=4", "a*11 cpu=100m", Refused),
    ("a GPU is there", "cpu=4; gpu=1", "a*1 gpu=1", Accepted),
    ("no node has a GPU", "cpu=4; cpu=4", "a*1 gpu=1", Refused),
    ("GPUs are short", "gpu=1; gpu=1", "a*3 gpu=1", Refused),
    ("a pod without a GPU may lie on a GPU node", "gpu=1", "a*1", Accepted),
    ("volumes fit", "vols=3", "a*3 vols=1", Accepted),
    ("volumes are short", "vols=3", "a*2 vols=2", Refused),
    ("disk fits", "cpu=4", "a*4 disk=5Gi", Accepted),
    ("disk is short", "cpu=4", "a*3 disk=8Gi", Refused),
    // Node selectors and affinity.
    ("selector on architecture", "; arch=arm64", "a*2 {nodeSelector: {kubernetes.io/arch: arm64}}", Accepted),
    (
        "selector on architecture that is not there",
        "cpu=4",
        "a*1 {nodeSelector: {kubernetes.io/arch: arm64}}",
        Refused,
    ),
    ("selector on a pool's label", "; l:tier=batch", "a*4 {nodeSelector: {tier: batch}}", Accepted),
    ("selector on a label with another value", "l:tier=web", "a*1 {nodeSelector: {tier: batch}}", Refused),
    ("selector on two labels of one node", "l:x=1 l:y=2", "a*1 {nodeSelector: {x: '1', y: '2'}}", Accepted),
    ("selector on two labels of two nodes", "l:x=1; l:y=2", "a*1 {nodeSelector: {x: '1', y: '2'}}", Refused),
    (
        "selector on the zone",
        "z=a; z=b",
        "a*4 {nodeSelector: {topology.kubernetes.io/zone: us-east-1b}}",
        Accepted,
    ),
    (
        "selector on a zone without nodes",
        "z=a; z=b",
        "a*1 {nodeSelector: {topology.kubernetes.io/zone: us-east-1c}}",
        Refused,
    ),
    (
        "selector on the region",
        "z=a",
        "a*1 {nodeSelector: {topology.kubernetes.io/region: us-east-1}}",
        Accepted,
    ),
    (
        "selector on another region",
        "z=a",
        "a*1 {nodeSelector: {topology.kubernetes.io/region: eu-west-1}}",
        Refused,
    ),
    (
        "affinity In",
        "l:t=x; l:t=y",
        "a*8 {nodeAffinity: [{matchExpressions: [{key: t, operator: In, values: [x, y]}]}]}",
        Accepted,
    ),
    (
        "affinity In misses",
        "l:t=z",
        "a*1 {nodeAffinity: [{matchExpressions: [{key: t, operator: In, values: [x, y]}]}]}",
        Refused,
    ),
    (
        "affinity NotIn without the label",
        "cpu=4",
        "a*1 {nodeAffinity: [{matchExpressions: [{key: t, operator: NotIn, values: [x]}]}]}",
        Accepted,
    ),
    (
        "affinity NotIn with the value",
        "l:t=x",
        "a*1 {nodeAffinity: [{matchExpressions: [{key: t, operator: NotIn, values: [x]}]}]}",
        Refused,
    ),
    (
        "affinity Exists",
        "l:t=q",
        "a*1 {nodeAffinity: [{matchExpressions: [{key: t, operator: Exists}]}]}",
        Accepted,
    ),
    (
        "affinity Exists misses",
        "cpu=4",
        "a*1 {nodeAffinity: [{matchExpressions: [{key: t, operator: Exists}]}]}",
        Refused,
    ),
    (
        "affinity DoesNotExist",
        "cpu=4",
        "a*1 {nodeAffinity: [{matchExpressions: [{key: t, operator: DoesNotExist}]}]}",
        Accepted,
    ),
    (
        "affinity DoesNotExist misses",
        "l:t=q",
        "a*1 {nodeAffinity: [{matchExpressions: [{key: t, operator: DoesNotExist}]}]}",
        Refused,
    ),
    (
        "affinity Gt",
        "l:n=5",
        "a*1 {nodeAffinity: [{matchExpressions: [{key: n, operator: Gt, values: ['4']}]}]}",
        Accepted,
    ),
    (
        "affinity Gt is strict",
        "l:n=5",
        "a*1 {nodeAffinity: [{matchExpressions: [{key: n, operator: Gt, values: ['5']}]}]}",
        Refused,
    ),
    (
        "affinity Lt",
        "l:n=5",
        "a*1 {nodeAffinity: [{matchExpressions: [{key: n, operator: Lt, values: ['6']}]}]}",
        Accepted,
    ),
    (
        "affinity Lt of no number",
        "l:n=five",
        "a*1 {nodeAffinity: [{matchExpressions: [{key: n, operator: Lt, values: ['6']}]}]}",
        Refused,
    ),
    (
        "affinity Gt on Karpenter's cpu label",
        "cpu=2; cpu=4",
        "a*1 {nodeAffinity: [{matchExpressions: [{key: karpenter.k8s.aws/instance-cpu, operator: Gt, values: ['3']}]}]}",
        Accepted,
    ),
    (
        "terms are alternatives",
        "l:t=y",
        "a*1 {nodeAffinity: [{matchExpressions: [{key: t, operator: In, values: [x]}]}, {matchExpressions: [{key: t, operator: In, values: [y]}]}]}",
        Accepted,
    ),
    (
        "expressions of a term hold together",
        "l:t=y; l:u=z",
        "a*1 {nodeAffinity: [{matchExpressions: [{key: t, operator: Exists}, {key: u, operator: Exists}]}]}",
        Refused,
    ),
    (
        "selector and affinity hold together",
        "l:t=y; l:u=z",
        "a*1 {nodeSelector: {t: y}, nodeAffinity: [{matchExpressions: [{key: u, operator: Exists}]}]}",
        Refused,
    ),
    // Taints.
    ("a taint keeps off", "t:d=x:NoSchedule", "a*1", Refused),
    ("a taint with NoExecute keeps off", "t:d=x:NoExecute", "a*1", Refused),
    ("a preferred taint does not", "t:d=x:PreferNoSchedule", "a*1", Accepted),
    (
        "an equal toleration",
        "t:d=x:NoSchedule",
        "a*1 {tolerations: [{key: d, operator: Equal, value: x, effect: NoSchedule}]}",
        Accepted,
    ),
    (
        "a toleration of another value",
        "t:d=x:NoSchedule",
        "a*1 {tolerations: [{key: d, operator: Equal, value: y}]}",
        Refused,
    ),
    (
        "a toleration of another effect",
        "t:d=x:NoSchedule",
        "a*1 {tolerations: [{key: d, operator: Exists, effect: NoExecute}]}",
        Refused,
    ),
    (
        "a toleration of any effect",
        "t:d=x:NoExecute",
        "a*1 {tolerations: [{key: d, operator: Exists}]}",
        Accepted,
    ),
    (
        "a toleration of everything",
        "t:d=x:NoSchedule t:e=y:NoExecute",
        "a*1 {tolerations: [{operator: Exists}]}",
        Accepted,
    ),
    (
        "one of two taints is not tolerated",
        "t:d=x:NoSchedule t:e=y:NoSchedule",
        "a*1 {tolerations: [{key: d, operator: Exists}]}",
        Refused,
    ),
    (
        "a toleration does not attract",
        "t:d=x:NoSchedule; cpu=4",
        "a*1 cpu=4; b*1 cpu=4 {tolerations: [{key: d, operator: Exists}]}",
        Accepted,
    ),
    // Host ports.
    ("a host port per node", "cpu=4; cpu=4", "a*2 {hostPorts: [80]}", Accepted),
    ("a host port twice on a node", "cpu=4", "a*2 {hostPorts: [80]}", Refused),
    ("two workloads with one port", "cpu=4", "a*1 {hostPorts: [80]}; b*1 {hostPorts: [80]}", Refused),
    ("two workloads with two ports", "cpu=4", "a*1 {hostPorts: [80]}; b*1 {hostPorts: [81]}", Accepted),
    (
        "a DaemonSet has the port",
        "cpu=4; cpu=4",
        "ds:agent*1 cpu=100m {hostPorts: [80]}; a*1 {hostPorts: [80]}",
        Refused,
    ),
    // Anti-affinity over nodes.
    ("apart from itself", "cpu=4; cpu=4", "a*2 {antiAffinity: hostname}", Accepted),
    ("apart from itself with too few nodes", "cpu=4; cpu=4", "a*3 {antiAffinity: hostname}", Refused),
    (
        "apart from another",
        "cpu=4; cpu=4",
        "a*2 cpu=2 {antiAffinity: [{topologyKey: hostname, matchLabels: {app: b}}]}; b*2 cpu=2",
        Accepted,
    ),
    (
        "apart from another on one node",
        "cpu=4",
        "a*1 {antiAffinity: [{topologyKey: hostname, matchLabels: {app: b}}]}; b*1",
        Refused,
    ),
    (
        "refused by another, which has no rule",
        "cpu=4; cpu=1",
        "a*1 cpu=2 {antiAffinity: [{topologyKey: hostname, matchLabels: {app: b}}]}; b*2",
        Refused,
    ),
    (
        "apart from pods of another namespace only where named",
        "cpu=4",
        "a*1 {antiAffinity: [{topologyKey: hostname, matchLabels: {app: b}}]}; b*1 ns=other",
        Accepted,
    ),
    (
        "apart from pods of a named namespace",
        "cpu=4",
        "a*1 {antiAffinity: [{topologyKey: hostname, matchLabels: {app: b}, namespaces: [other]}]}; b*1 ns=other",
        Refused,
    ),
    (
        "apart within a tier",
        "cpu=4; cpu=4",
        "a*1 l:tier=db {antiAffinity: [{topologyKey: hostname, matchLabels: {tier: db}}]}; b*1 l:tier=db; c*1",
        Accepted,
    ),
    (
        "apart within a tier of three",
        "cpu=4; cpu=4",
        "a*1 l:tier=db {antiAffinity: [{topologyKey: hostname, matchLabels: {tier: db}}]}; b*1 l:tier=db {antiAffinity: [{topologyKey: hostname, matchLabels: {tier: db}}]}; c*1 l:tier=db {antiAffinity: [{topologyKey: hostname, matchLabels: {tier: db}}]}",
        Refused,
    ),
    (
        "apart from a DaemonSet",
        "cpu=4; arch=arm64",
        "ds:agent*1 cpu=100m {nodeSelector: {kubernetes.io/arch: arm64}}; a*4 {antiAffinity: [{topologyKey: hostname, matchLabels: {app: agent}}]}",
        Accepted,
    ),
    (
        "apart from a DaemonSet that is everywhere",
        "cpu=4; arch=arm64",
        "ds:agent*1 cpu=100m; a*1 {antiAffinity: [{topologyKey: hostname, matchLabels: {app: agent}}]}",
        Refused,
    ),
    // Anti-affinity over zones.
    (
        "near each other over a node and a zone",
        "cpu=4",
        "a*1 {affinity: [{topologyKey: hostname, matchLabels: {app: b}}]}; b*1 {affinity: [{topologyKey: zone, matchLabels: {app: a}}]}",
        Unreachable,
    ),
    ("a zone for each", "z=a; z=b; z=c", "a*3 {antiAffinity: zone}", Accepted),
    ("two in a zone", "z=a; z=b; z=b", "a*3 {antiAffinity: zone}", Refused),
    (
        "zones apart from another",
        "z=a; z=b",
        "a*2 {antiAffinity: [{topologyKey: zone, matchLabels: {app: b}}]}; b*2",
        Accepted,
    ),
    (
        "one zone for two that refuse each other",
        "z=a; z=a",
        "a*1 {antiAffinity: [{topologyKey: zone, matchLabels: {app: b}}]}; b*1",
        Refused,
    ),
    // Affinity over nodes.
    (
        "with another",
        "cpu=2; cpu=2",
        "a*2 {affinity: [{topologyKey: hostname, matchLabels: {app: b}}]}; b*2",
        Accepted,
    ),
    (
        "with another that leaves no room",
        "cpu=2; cpu=2",
        "a*1 cpu=2 {affinity: [{topologyKey: hostname, matchLabels: {app: b}}]}; b*1",
        Refused,
    ),
    (
        "with a pod that is not there",
        "cpu=4",
        "a*1 {affinity: [{topologyKey: hostname, matchLabels: {app: b}}]}",
        Refused,
    ),
    ("with itself on one node", "cpu=2; cpu=4", "a*3 {affinity: hostname}", Accepted),
    ("with itself, too large for a node", "cpu=2; cpu=2", "a*3 {affinity: hostname}", Refused),
    ("the first pod needs no other", "cpu=4", "a*1 {affinity: hostname}", Accepted),
    (
        "each waits for the other",
        "cpu=4",
        "a*1 {affinity: [{topologyKey: hostname, matchLabels: {app: b}}]}; b*1 {affinity: [{topologyKey: hostname, matchLabels: {app: a}}]}",
        Unreachable,
    ),
    (
        "with and apart from one pod",
        "cpu=4; cpu=4",
        "a*1 {affinity: [{topologyKey: hostname, matchLabels: {app: b}}], antiAffinity: [{topologyKey: hostname, matchLabels: {app: b}}]}; b*1",
        Refused,
    ),
    (
        "one beside each",
        "cpu=2; cpu=2; cpu=2",
        "a*2 {affinity: [{topologyKey: hostname, matchLabels: {app: b}}], antiAffinity: hostname}; b*3",
        Accepted,
    ),
    (
        "more than one beside each",
        "cpu=4; cpu=4",
        "a*3 {affinity: [{topologyKey: hostname, matchLabels: {app: b}}], antiAffinity: hostname}; b*2",
        Refused,
    ),
    (
        "two terms that no pod matches both",
        "cpu=4",
        "a*1 {affinity: [{topologyKey: hostname, matchLabels: {app: b}}, {topologyKey: hostname, matchLabels: {app: c}}]}; b*1; c*1",
        Refused,
    ),
    (
        "with a DaemonSet",
        "cpu=4; arch=arm64",
        "ds:agent*1 cpu=100m {nodeSelector: {kubernetes.io/arch: arm64}}; a*3 {affinity: [{topologyKey: hostname, matchLabels: {app: agent}}]}",
        Accepted,
    ),
    (
        "with a DaemonSet that is nowhere",
        "cpu=4",
        "ds:agent*1 cpu=100m {nodeSelector: {kubernetes.io/arch: arm64}}; a*1 {affinity: [{topologyKey: hostname, matchLabels: {app: agent}}]}",
        Refused,
    ),
    // Affinity over zones.
    (
        "in another's zone",
        "z=a cpu=2; z=b cpu=2",
        "a*1 cpu=2 {affinity: [{topologyKey: zone, matchLabels: {app: b}}]}; b*1 {nodeSelector: {topology.kubernetes.io/zone: us-east-1b}}",
        Refused,
    ),
    (
        "in another's zone on another node",
        "z=a cpu=2; z=b cpu=2; z=b cpu=2",
        "a*1 cpu=2 {affinity: [{topologyKey: zone, matchLabels: {app: b}}]}; b*1 {nodeSelector: {topology.kubernetes.io/zone: us-east-1b}}",
        Accepted,
    ),
    (
        "all in one zone",
        "z=a; z=b; z=b",
        "a*6 {affinity: zone, nodeSelector: {topology.kubernetes.io/zone: us-east-1b}}",
        Accepted,
    ),
    ("all in one zone that is too small", "z=a; z=b", "a*6 {affinity: zone}", Unreachable),
    ("in the zone of nobody", "z=a", "a*1 {affinity: [{topologyKey: zone, matchLabels: {app: b}}]}", Refused),
    // Spreads over zones.
    ("even over three zones", "z=a; z=b; z=c", "a*6 {spread: zone}", Accepted),
    ("one more in one zone", "z=a; z=b; z=c", "a*4 {spread: zone}", Accepted),
    ("a zone is full", "z=a cpu=4; z=b cpu=1", "a*4 {spread: zone}", Refused),
    ("a larger skew", "z=a cpu=4; z=b cpu=1", "a*3 {spread: [{topologyKey: zone, maxSkew: 1}]}", Accepted),
    (
        "fewer zones than minDomains",
        "z=a; z=b",
        "a*3 {spread: [{topologyKey: zone, maxSkew: 1, minDomains: 3}]}",
        Refused,
    ),
    (
        "minDomains with few pods",
        "z=a; z=b",
        "a*2 {spread: [{topologyKey: zone, maxSkew: 1, minDomains: 3}]}",
        Accepted,
    ),
    (
        "zones that the selector excludes do not count",
        "z=a; z=b",
        "a*4 {spread: zone, nodeSelector: {topology.kubernetes.io/zone: us-east-1a}}",
        Accepted,
    ),
    (
        "other workloads count",
        "z=a; z=b",
        "a*2 {spread: [{topologyKey: zone, maxSkew: 1, matchLabels: {tier: x}}], nodeSelector: {topology.kubernetes.io/zone: us-east-1a}}; b*2 l:tier=x {nodeSelector: {topology.kubernetes.io/zone: us-east-1a}}",
        Accepted,
    ),
    // Spreads over nodes.
    ("one on each node", "cpu=4; cpu=4; cpu=4", "a*3 {spread: hostname}", Accepted),
    ("two on each node", "cpu=4; cpu=4", "a*4 {spread: hostname}", Stricter),
    ("two on a node and none on the other", "cpu=2; cpu=2", "a*2 {spread: hostname}; b*1 cpu=2", Refused),
    (
        "a skew of two",
        "cpu=2; cpu=2",
        "a*2 {spread: [{topologyKey: hostname, maxSkew: 2}]}; b*1 cpu=2",
        Accepted,
    ),
    (
        "others count on a node",
        "cpu=4; cpu=4",
        "a*1 l:tier=x {spread: [{topologyKey: hostname, maxSkew: 1, matchLabels: {tier: x}}]}; b*1 l:tier=x",
        Accepted,
    ),
    // Volumes in zones.
    ("a volume's zone", "z=a; z=b", "a*2 vols=1 pin=b", Accepted),
    ("a volume's zone without nodes", "z=a; z=b", "a*1 vols=1 pin=c", Refused),
    (
        "a volume's zone against a selector",
        "z=a; z=b",
        "a*1 vols=1 pin=b {nodeSelector: {topology.kubernetes.io/zone: us-east-1a}}",
        Refused,
    ),
    // DaemonSets.
    ("a DaemonSet takes its share", "cpu=4", "ds:agent*1 cpu=1; a*4 cpu=1", Refused),
    (
        "a DaemonSet elsewhere takes nothing",
        "cpu=4",
        "ds:agent*1 cpu=1 {nodeSelector: {kubernetes.io/arch: arm64}}; a*4",
        Accepted,
    ),
    (
        "a DaemonSet that does not tolerate the taint",
        "t:d=x:NoSchedule",
        "ds:agent*1 cpu=1; a*4 {tolerations: [{key: d, operator: Exists}]}",
        Accepted,
    ),
    (
        "a DaemonSet that tolerates the taint",
        "t:d=x:NoSchedule",
        "ds:agent*1 cpu=1 {tolerations: [{operator: Exists}]}; a*4 {tolerations: [{key: d, operator: Exists}]}",
        Refused,
    ),
];
