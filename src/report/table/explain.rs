//! What `explain` found, in words: each figure with whether it is exact or an estimate.

use super::count;
use super::draw::{Draw, Tone};
use super::grid::{Column, Grid};
use crate::bill::Ratio;
use crate::report::RenderOptions;
use crate::report::explain::{TypeExplained, TypePrice, WorkloadExplained};
use crate::report::number::{Currency, grouped, percent};
use crate::units::{HOURS_PER_MONTH, Money, ResourceName};

/// The most rows of a list.
const ROWS: usize = 20;

fn month(hour: Money) -> Money {
    hour.checked_mul(i128::from(HOURS_PER_MONTH)).expect("no bill reaches 10^29")
}

/// A workload.
pub(in crate::report) fn workload(explained: &WorkloadExplained, options: &RenderOptions) -> String {
    let draw = Draw::new(options);
    let currency = Currency::new(&explained.currency);
    let mut out = format!("{}\n", draw.paint(&draw.clean(&explained.workload), Tone::Title));
    let mut line = |name: &str, text: String| out += &draw.hanging(&format!("  {name:<9}"), &text);
    let requests: Vec<String> = explained
        .requests
        .iter()
        .map(|(name, &amount)| {
            format!("{} {}", draw.clean(name), ResourceName::from(name.as_str()).display(amount))
        })
        .collect();
    let requests = if requests.is_empty() { "nothing".to_owned() } else { requests.join(", ") };
    line("Pods", format!("{}, each requests {requests}", count(explained.replicas, "pod")));
    if let Some(reason) = &explained.left_out {
        let left_out = explained.replicas - explained.placed;
        line("Nowhere", format!("{}: {}", count(left_out, "pod"), draw.clean(reason)));
    }
    for notice in &explained.notices {
        line("Note", draw.clean(notice));
    }
    let mut parts = vec![out];
    if !explained.places.is_empty() {
        parts.push(places(explained, &draw));
    }
    if explained.placed == 0 {
        return parts.join("\n");
    }
    let mut body = String::new();
    let mut say = |text: &str| body += &draw.hanging("  ", text);
    if explained.room > 0 {
        say(&format!(
            "Exact: the free resources of these nodes hold {} more of it, at no cost; rules between pods are not looked at.",
            count(explained.room, "pod")
        ));
    } else if !explained.places.is_empty() {
        say("Exact: none of these nodes has the resources for one pod more.");
    }
    if let Some(alone) = &explained.alone {
        let what = if alone.own_pool {
            "one node more of the pool that it lies in"
        } else {
            "a node by itself, where the rules between pods let it lie on one"
        };
        say(&format!(
            "Exact: one pod more costs at most {} a month on demand: {what} ({}).",
            currency.cents(alone.month.money()),
            draw.clean(&alone.instance_type)
        ));
    }
    match &explained.price {
        Some(price) if price.hour == Money::ZERO => {
            say(
                "Estimate: the proof of the bound counts nothing for it. Other pods, or the room beside them, decide what this plan costs.",
            );
        }
        Some(price) => {
            let pods = if price.pods == 1 {
                "one pod more".to_owned()
            } else {
                format!("{} more, which lie together,", count(price.pods, "pod"))
            };
            say(&format!(
                "Estimate: {pods} adds {} a month on demand ({} an hour) to the cost of the cheapest plan: its price in the proof of the bound. Nodes are bought whole, so that the next pod alone may cost nothing or a node; over many pods this is what each costs. By these prices all pods count {} an hour; the plan costs {}.",
                currency.cents(price.month),
                currency.rate(price.hour),
                currency.rate(price.all_pods_hour),
                currency.rate(explained.plan_hour.money()),
            ));
        }
        None => say(
            "Without the proof of the bound (--certificate of plan, --proof here) there is no price for one pod more.",
        ),
    }
    parts.push(draw.section("One replica more", "", &body));
    parts.join("\n")
}

fn places(explained: &WorkloadExplained, draw: &Draw) -> String {
    let mut grid = Grid::new(vec![
        Column::shrinking("Type"),
        Column::left("Zone"),
        Column::right("Nodes"),
        Column::right("Its pods"),
        Column::left("CPU"),
        Column::left("Memory"),
        Column::left("Binding"),
        Column::right("Room"),
    ]);
    // A column without content goes only where it has no title.
    let zones = explained.places.iter().any(|place| place.zone.is_some());
    let bar = if draw.width >= 100 { 8 } else { 4 };
    let shown = if draw.plain { explained.places.len() } else { ROWS };
    for place in explained.places.iter().take(shown) {
        let fill = |name: &str| draw.fill(place.fill.get(name).copied(), bar);
        grid.row(vec![
            draw.clean(&place.instance_type),
            place
                .zone
                .as_deref()
                .map_or_else(|| if zones { String::new() } else { "any".to_owned() }, |z| draw.clean(z)),
            grouped(place.nodes),
            grouped(place.pods_per_node),
            fill("cpu"),
            fill("memory"),
            place.binding.as_deref().map(|name| draw.clean(name)).unwrap_or_default(),
            grouped(place.room_per_node),
        ]);
    }
    let mut body = grid.render(draw);
    if explained.places.len() > shown {
        body += &format!("  {} more groups of nodes are in -f json\n", explained.places.len() - shown);
    }
    draw.section("Where it lies", "pods and room: of each node", &body)
}

/// An instance type.
pub(in crate::report) fn instance_type(explained: &TypeExplained, options: &RenderOptions) -> String {
    let draw = Draw::new(options);
    let currency = Currency::new(&explained.currency);
    let mut out = format!("{}\n", draw.paint(&draw.clean(&explained.instance_type), Tone::Title));
    let mut say = |text: &str| out += &draw.hanging("  ", text);
    if explained.nodes > 0 {
        let binding: Vec<String> = explained
            .binding
            .iter()
            .map(|(name, nodes)| format!("{} ({})", draw.clean(name), count(*nodes, "node")))
            .collect();
        say(&format!(
            "The plan has {} of it for {} a month on demand. What binds: {}.",
            count(explained.nodes, "node"),
            currency.cents(explained.list_month.money()),
            binding.join(", ")
        ));
        let mut pods: Vec<(&String, &u64)> = explained.pods.iter().collect();
        pods.sort_by_key(|&(name, pods)| (std::cmp::Reverse(*pods), name));
        let listed: Vec<String> = pods
            .iter()
            .take(ROWS)
            .map(|(name, pods)| format!("{} of {}", grouped(**pods), draw.clean(name)))
            .collect();
        let more = if pods.len() > ROWS {
            format!(", and {} workloads more", pods.len() - ROWS)
        } else {
            String::new()
        };
        say(&format!("Its pods: {}{more}.", listed.join(", ")));
    } else {
        say("The plan has no node of it.");
    }
    match explained.allowed_types {
        None => say(
            "Without the proof of the bound (--certificate of plan, --proof here) nothing more is known about its price.",
        ),
        Some(types) if explained.prices.is_empty() => say(&format!(
            "It is none of the {} that this plan may use: the catalog does not have it, or the policy leaves it out (plimsoll catalog show, --all-types).",
            count(types, "type")
        )),
        Some(_) => {}
    }
    let mut parts = vec![out];
    for price in &explained.prices {
        let body = worth(explained, price, &draw);
        parts.push(draw.section(
            &draw.clean(&price.place),
            &format!("{} an hour on demand", currency.rate(price.rate.for_one_hour())),
            &body,
        ));
    }
    parts.join("\n")
}

fn worth(explained: &TypeExplained, price: &TypePrice, draw: &Draw) -> String {
    let currency = Currency::new(&explained.currency);
    let mut body = String::new();
    let mut say = |text: &str| body += &draw.hanging("  ", text);
    if let Some(by) = &price.dominated_by {
        say(&format!(
            "Exact: {} is no smaller, costs no more and takes every pod that this type takes, so that no plan needs it.",
            draw.clean(by)
        ));
    }
    if let Some(stock) = price.stock {
        say(&format!("There are at most {} of it.", grouped(stock)));
    }
    let Some(worth) = price.worth else {
        say(
            "The proof has no price for pods that fit on it, so that nothing is known about the rate at which it would enter.",
        );
        return body;
    };
    let rate = price.rate.for_one_hour();
    if worth >= rate {
        let standing = if explained.nodes > 0 {
            "It is worth its price"
        } else {
            "It would be worth its price, but the plan found does without it"
        };
        say(&format!(
            "{standing}: by the prices of the proof its pods are worth up to {} an hour.",
            currency.rate(worth)
        ));
        return body;
    }
    let cut = price.change_to_enter.map(Ratio::negated).map(percent).unwrap_or_default();
    if explained.nodes > 0 {
        say(&format!(
            "Estimate: by the prices of the proof its pods are worth {} an hour at most, {cut} less than it costs. The plan has it all the same: nodes are bought whole, or a cheaper plan was not found.",
            currency.rate(worth),
        ));
    } else {
        say(&format!(
            "Estimate: below {} an hour ({} a month, {cut} less than now) it pays by the prices of the proof, and enters the plan in the long run of many pods.",
            currency.rate(worth),
            currency.cents(month(worth)),
        ));
        if let Some(below) = price.enters_below.filter(|&below| below > worth) {
            say(&format!(
                "Exact: from {} an hour on no plan with it is cheaper than this one. Between the two it enters where whole nodes of it fit better.",
                currency.rate(below),
            ));
        }
    }
    say(&format!(
        "Exact: from {} an hour on it cannot lower the bound: no pods that fit on it are worth more by the proof's prices.",
        currency.rate(worth)
    ));
    if let Some(least) = price.plans_with_it_cost {
        let plan = explained.plan_hour.money();
        let compared = if least.money() > plan {
            "more than this plan: no cheaper plan has one"
        } else {
            "this plan costs more, so that a cheaper plan with one is not ruled out"
        };
        say(&format!(
            "Exact: every plan with a node of it costs at least {} an hour; {compared}.",
            currency.rate(least.money())
        ));
    }
    body
}
