//! The plan in the cluster: the one that runs today, losses, and what the scheduler makes of it.

use super::part::{Block, Cell, Section, Table, minus};
use super::plain;
use crate::policy::FailureScope;
use crate::report::number::{Currency, grouped};
use crate::report::table::cluster::{added, few, remarks};
use crate::report::table::count;
use crate::report::table::replay::{after_day_one, lines};
use crate::report::table::survival::{line, name, pods};
use crate::report::view::{FailureRow, PendingRow, PlanReport};
use crate::units::Money;

/// As it is, what it could be, and the steps from one to the other.
pub(super) fn cluster(report: &PlanReport) -> Option<Section> {
    let cluster = report.cluster.as_ref()?;
    let remark = "On demand; the same pods in every state.";
    let mut section = Section::new("cluster", "The cluster that runs", "Cluster", remark);
    let currency = Currency::new(&report.catalog.currency)
        .aligned(cluster.plans.iter().map(|row| row.list_month.money()));
    let mut states = Table::new(
        "As it is, and what it could be",
        &["State", "#Nodes", "#Of today's", "#Pods moved", "#A month", "#Change"],
    );
    for (index, row) in cluster.plans.iter().enumerate() {
        let path = |field: &str| format!("/cluster/plans/{index}/{field}");
        states.row(vec![
            Cell::text(super::money::capital(&row.label)),
            Cell::count(row.nodes, &path("nodes")),
            Cell::count(row.nodes_kept, &path("nodes_kept")),
            Cell::count(row.pods_moved, &path("pods_moved")),
            Cell::money(currency, row.list_month.money(), &path("list_month")),
            if row.plan == "as-is" { Cell::default() } else { Cell::saved(row.saving, &path("saving")) },
        ]);
    }
    section.blocks.push(Block::Table(states));
    let told = remarks(report, cluster);
    if !told.is_empty() {
        section.blocks.push(Block::list(told));
    }
    let migration = &cluster.migration;
    if migration.steps.is_empty() {
        let least = match migration.min_saving_month {
            Money::ZERO => "anything".to_owned(),
            least => currency.cents(least),
        };
        section.blocks.push(Block::text(format!("No step was found that saves {least} a month or more.")));
    } else {
        let mut steps = Table::new(
            "From here to there: each step may be the last, and every state on the way holds all pods",
            &[
                "#Step",
                "What is done",
                "#Pods moved",
                "#Waves",
                "#Saves a month",
                "#A month then",
                "#Nodes then",
            ],
        );
        for (index, row) in migration.steps.iter().enumerate() {
            let path = |field: &str| format!("/cluster/migration/steps/{index}/{field}");
            let add = match row.add.is_empty() {
                true => String::new(),
                false => format!("add {}; ", added(cluster, &row.add)),
            };
            steps.row(vec![
                Cell::count(row.step, &path("step")),
                Cell::text(format!("{add}drain and remove {}", few(&row.remove))),
                Cell::count(row.pods_moved, &path("pods_moved")),
                Cell::count(row.waves, &path("waves")),
                Cell::money(currency, row.saving_month.money(), &path("saving_month")),
                Cell::money(currency, row.list_month.money(), &path("list_month")),
                Cell::count(row.nodes, &path("nodes")),
            ]);
        }
        section.blocks.push(Block::Table(steps));
        section.blocks.push(Block::text("Every pod's move is in -f csv --table migration."));
    }
    let mut nodes =
        Table::new("Its nodes", &["Node", "Type", "Zone", "#Pods", "#cpu", "#memory", "#A month", "Remark"]);
    for (index, row) in cluster.nodes.iter().enumerate() {
        let fill =
            |name: &str| Cell::fill(row.resources.iter().find(|r| r.resource == name).and_then(|r| r.fill));
        let mut remark: Vec<&str> = row.set_aside.iter().map(String::as_str).collect();
        remark.extend(row.unschedulable.then_some("cordoned"));
        let path = |field: &str| format!("/cluster/nodes/{index}/{field}");
        nodes.row(vec![
            Cell::text(&row.node),
            Cell::text(row.instance_type.as_deref().unwrap_or("unknown")),
            Cell::text(row.zone.as_deref().unwrap_or_default()),
            Cell::number(grouped(row.pods + row.bound_pods)),
            fill("cpu"),
            fill("memory"),
            match (row.list_month, row.spot_month) {
                (Some(month), _) => Cell::money(currency, month.money(), &path("list_month")),
                // The remark says that it is a spot node, and whose price that is.
                (None, Some(month)) => Cell::money(currency, month.money(), &path("spot_month")),
                (None, None) => Cell::number("unknown"),
            },
            Cell::text(remark.join("; ")),
        ]);
    }
    section.blocks.push(Block::Folded(nodes));
    Some(section)
}

/// What each loss brings about.
pub(super) fn survival(report: &PlanReport) -> Option<Section> {
    let survival = report.survival.as_ref()?;
    let node = survival.scope == FailureScope::Node;
    let (title, lost) = if node {
        ("What if a node is lost?", "Lost node")
    } else {
        ("What if a zone is lost?", "Lost zone")
    };
    let priority = survival.priority.map(|p| format!(" of priority {p} and above")).unwrap_or_default();
    let remark = format!("Pods{priority} on the nodes that remain, by the scheduler's filters.");
    let mut section = Section::new("survival", title, "Losses", &remark);
    let told = super::money::capital(&line(report, survival, &plain()));
    section.blocks.push(if survival.holds {
        Block::text(format!("{told}."))
    } else {
        Block::Alert(vec![super::part::clean(&format!("{told}."))])
    });
    let mut table = Table::new(
        "Every distinct loss, the worst first",
        &[lost, if node { "#Alike" } else { "#Nodes" }, "#Pods on it", "#Moved", "#Wait", "#Pending"],
    );
    let mut rows: Vec<(usize, &FailureRow)> = survival.failures.iter().enumerate().collect();
    rows.sort_by_key(|(_, row)| std::cmp::Reverse((pods(&row.pending), row.pods)));
    for (index, row) in rows {
        let path = |field: &str| format!("/survival/failures/{index}/{field}");
        let pending = pods(&row.pending);
        table.row(vec![
            Cell::text(name(row)),
            if node {
                Cell::count(row.alike, &path("alike"))
            } else {
                Cell::count(row.nodes, &path("nodes"))
            },
            Cell::count(row.pods, &path("pods")),
            Cell::number(grouped(row.moved.iter().map(|m| m.pods).sum::<u64>())),
            Cell::number(grouped(pods(&row.waiting))),
            Cell::number(grouped(pending)).class(if pending == 0 { "num good" } else { "num bad" }),
        ]);
    }
    let block = if table.rows.len() > 12 { Block::Folded } else { Block::Table };
    section.blocks.push(block(table));
    if !survival.spare.is_empty() {
        let currency = Currency::new(&report.catalog.currency);
        let spare = survival.spare.iter().map(|spare| {
            let zone = spare.zone.as_deref().map(|zone| format!(" in {zone}")).unwrap_or_default();
            let month = currency.short(spare.list_month.money());
            format!("Spare: {} of {}{zone}, {month} a month", count(spare.nodes, "node"), spare.pool)
        });
        section.blocks.push(Block::list(spare));
    }
    Some(section)
}

/// Whether the default scheduler brings the plan about.
pub(super) fn replay(report: &PlanReport) -> Option<Section> {
    let replay = report.replay.as_ref()?;
    let remark = format!(
        "{} pods, {} each; our re-implementation of kube-scheduler's filters and scores.",
        grouped(replay.pods),
        count(replay.seeds, "run"),
    );
    let mut section = Section::new("replay", "Does the scheduler bring it about?", "Scheduler", &remark);
    let after = replay.measures.as_ref().map(|m| m.after.as_slice()).unwrap_or_default();
    let mut names = vec!["Profile", "Pods arrive", "#Stay pending"];
    names.extend((!after.is_empty()).then_some("#With measures"));
    let mut table = Table::new("Pods left pending, by order of arrival", &names);
    for row in &replay.before {
        let mut cells = vec![Cell::text(&row.profile), Cell::text(&row.order), pending(row)];
        if !after.is_empty() {
            let with = after.iter().find(|a| a.profile == row.profile && a.order == row.order);
            cells.push(with.map(pending).unwrap_or_default());
        }
        table.row(cells);
    }
    section.blocks.push(Block::Table(table));
    if let Some(measures) = &replay.measures {
        section.blocks.push(Block::list(lines(report, measures).iter().map(|line| line.trim())));
        let mut pins = Table::new("Workloads pinned to an instance type", &["Workload", "Instance type"]);
        measures
            .pins
            .iter()
            .for_each(|p| pins.row(vec![Cell::text(&p.workload), Cell::text(&p.instance_type)]));
        if !pins.rows.is_empty() {
            section.blocks.push(Block::Folded(pins));
        }
    }
    if let Some(life) = &replay.life {
        section.blocks.push(Block::text(minus(&after_day_one(report, life))));
    }
    Some(section)
}

fn pending(row: &PendingRow) -> Cell {
    let text = if row.fewest == row.most {
        grouped(row.most)
    } else {
        format!("{} to {}", grouped(row.fewest), grouped(row.most))
    };
    Cell::number(text).class(if row.most == 0 { "num good" } else { "num bad" })
}
