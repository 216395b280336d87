//! A sweep as a page: the curve of cost against what is varied, what each step saves, every point.

use super::answer::{Answer, Tile};
use super::money::{capital, spoken};
use super::part::{Block, Cell, Figure, Section, Table, clean, key, minus};
use super::{Head, Page, length};
use crate::bill::Ratio;
use crate::report::chart::Tint;
use crate::report::chart::bars::{Bar, Part, bars};
use crate::report::number::{Currency, gap_percent, grouped};
use crate::report::sweep::{SweepPoint, SweepReport, SweepTaken};
use crate::report::table::count;
use crate::units::Money;

mod curve;

use curve::curve;

/// Renders the page.
pub fn render(report: &SweepReport) -> String {
    let generator = clean(&format!("{} {}", report.tool.name, report.tool.version));
    let sections = [failures(report), curve(report), steps(report), points(report), rests_on(report)];
    Page {
        head: Head {
            title: clean(&format!("Sweep of {}", report.name)),
            subtitle: "bin-packing cost sweep",
            footer: format!(
                "Made by {generator} from {}. Plans, not a bill: nothing is bought by them. This page loads \
                 nothing and holds no script.",
                count(report.points.len() as u64, "plan"),
            ),
            generator,
        },
        answer: answer(report),
        sections: sections.into_iter().flatten().collect(),
    }
    .written()
}

/// A point that has a plan, with its index.
type Planned<'a> = (usize, &'a SweepPoint, &'a SweepTaken);

fn planned(report: &SweepReport) -> impl Iterator<Item = Planned<'_>> {
    let points = report.points.iter().enumerate();
    points.filter_map(|(index, point)| point.taken.as_ref().map(|taken| (index, point, taken)))
}

/// `headroom=10%, max-types=2`.
fn name(report: &SweepReport, point: &SweepPoint) -> String {
    clean(&report.name_of(point))
}

fn answer(report: &SweepReport) -> Answer {
    let currency = Currency::new(&report.currency);
    let names: Vec<&str> = report.axes.iter().map(|axis| axis.name.as_str()).collect();
    let varied = clean(&names.join(" and "));
    let month = |(_, _, taken): &Planned<'_>| taken.decides(report.commits());
    let cheapest = planned(report).min_by_key(|of| (month(of), of.0));
    let dearest = planned(report).max_by_key(|of| (month(of), std::cmp::Reverse(of.0)));
    let mut tiles = Vec::new();
    for (label, tint, of) in [("Cheapest", "good", &cheapest), ("Dearest", "before", &dearest)] {
        let Some((index, point, taken)) = of else { continue };
        tiles.push(Tile {
            label,
            from: None,
            figure: Cell::money(currency, taken.decides(report.commits()), &decides_path(report, *index)),
            unit: "a month",
            change: None,
            note: format!("{}; {}", name(report, point), count(taken.nodes, "node")),
            tint,
        });
    }
    let plans = planned(report).count() as u64;
    tiles.push(Tile {
        label: "Plans",
        from: None,
        figure: Cell::number(grouped(plans)),
        unit: "",
        change: None,
        note: match report.points.len() as u64 - plans {
            0 => "one for every point".to_owned(),
            without => format!("{} without one", count(without, "point")),
        },
        tint: "plan",
    });
    let frontier = planned(report).filter(|(_, _, taken)| taken.frontier).count() as u64;
    tiles.push(Tile {
        label: "On the Pareto frontier",
        from: None,
        figure: Cell::number(grouped(frontier)),
        unit: "",
        change: None,
        note: clean(&report.frontier_in_words()),
        tint: "plan",
    });
    let sentence = match (&cheapest, &dearest) {
        (Some(cheap), Some(dear)) => format!(
            "{} with {varied} varied: {} a month.",
            count(plans, "plan"),
            match (currency.short(month(cheap)), currency.short(month(dear))) {
                (low, high) if low == high => format!("each {low}"),
                (low, high) => format!("from {low} to {high}"),
            }
        ),
        _ => format!("No plan at any of {}.", count(report.points.len() as u64, "point")),
    };
    let mut facts = vec![("Varied", Cell::text(varied))];
    let files: Vec<&str> = report.inputs.iter().map(|input| input.name.as_str()).collect();
    facts.push(("Input", Cell::text(files.join(" "))));
    let mut catalogs: Vec<&str> = report.points.iter().map(|point| point.catalog.as_str()).collect();
    catalogs.dedup();
    facts.push(("Prices", Cell::text(catalogs.join(", "))));
    facts.push(("Made by", Cell::text(format!("{} {}", report.tool.name, report.tool.version))));
    Answer { sentence, tiles, facts }
}

/// Where the JSON form has the cost that points are compared by.
fn decides_path(report: &SweepReport, index: usize) -> String {
    let field = if report.commits() { "committed_month" } else { "cost_month" };
    format!("/points/{index}/taken/{field}")
}

/// Points without a plan, and what else has to be seen first.
fn failures(report: &SweepReport) -> Option<Section> {
    let mut told: Vec<String> = report
        .points
        .iter()
        .filter_map(|p| p.failure.as_ref().map(|why| clean(&format!("{}: {why}", name(report, p)))))
        .collect();
    told.extend(report.points.iter().filter_map(|point| {
        let left_out = point.found.as_ref().map(|found| found.pods_left_out).filter(|&n| n > 0)?;
        Some(format!(
            "{}: {} fit nowhere and are not in the cost.",
            name(report, point),
            count(left_out, "pod")
        ))
    }));
    if !report.complete {
        told.push("The sweep was stopped before all points were done.".to_owned());
    }
    if told.is_empty() {
        return None;
    }
    let mut section = Section::new("failures", "What is missing", "Missing", "");
    section.blocks.push(Block::Alert(told));
    Some(section)
}

/// All points with their figures.
fn every_point(report: &SweepReport) -> Table {
    let committed = planned(report).any(|(_, _, taken)| taken.committed_month.is_some());
    let left_out = report.points.iter().any(|p| p.found.as_ref().is_some_and(|f| f.pods_left_out > 0));
    let mut names: Vec<String> = report.axes.iter().map(|axis| capital(&axis.name)).collect();
    names.extend(["#A month", "#Change", "#Step"].map(str::to_owned));
    names.extend(committed.then(|| "#Committed".to_owned()));
    names.extend(["#Gap to the bound", "#Nodes", "#Types"].map(str::to_owned));
    names.extend(left_out.then(|| "#Pods that fit nowhere".to_owned()));
    if report.commits() {
        names.extend(["#Obligation", "#Upfront", "#Worst-case loss"].map(str::to_owned));
    }
    names.push("Pareto".to_owned());
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let caption =
        "Every point; change against the first one, step against the value before on the last setting";
    let mut table = Table::new(caption, &names);
    let currency = Currency::new(&report.currency)
        .aligned(planned(report).map(|(_, _, taken)| taken.cost_month.money()));
    for (index, point) in report.points.iter().enumerate() {
        let path = |field: &str| format!("/points/{index}/taken/{field}");
        let mut cells: Vec<Cell> = point.values.iter().map(Cell::text).collect();
        let Some(taken) = &point.taken else {
            cells.push(Cell::number("no plan").class("num bad"));
            cells.resize(names.len(), Cell::default());
            table.row(cells);
            continue;
        };
        cells.push(Cell::money(currency, taken.cost_month.money(), &path("cost_month")));
        cells.push(Cell::change(taken.change_first, &path("change_first")));
        cells.push(match taken.change_step_month {
            Some(change) => stepped(currency, change, &path("change_step_month")),
            None => Cell::default(),
        });
        if committed {
            let committed = taken.committed_month.map(|cost| cost.money());
            let cell = committed.map(|cost| Cell::money(currency, cost, &path("committed_month")));
            cells.push(cell.unwrap_or_default());
        }
        cells.push(Cell::gap(taken.gap, &path("gap")));
        cells.push(Cell::count(taken.nodes, &path("nodes")));
        cells.push(Cell::count(taken.instance_types, &path("instance_types")));
        if left_out {
            let pods = point.found.as_ref().map_or(0, |found| found.pods_left_out);
            cells.push(Cell::count(pods, &format!("/points/{index}/found/pods_left_out")));
        }
        if let Some(purchases) = point.found.as_ref().and_then(|found| found.purchases.as_ref()) {
            let path = |field: &str| format!("/points/{index}/found/purchases/{field}");
            cells.push(Cell::money(currency, purchases.obligation.money(), &path("obligation")));
            cells.push(Cell::money(currency, purchases.upfront.money(), &path("upfront")));
            cells.push(Cell::money(currency, purchases.worst_case_loss, &path("worst_case_loss")));
        }
        cells.push(Cell::text(if taken.frontier { "on the frontier" } else { "" }));
        if taken.frontier { table.marked("chosen", cells) } else { table.row(cells) }
    }
    table
}

/// A change of money with its sign.
fn stepped(currency: Currency<'_>, change: Money, path: &str) -> Cell {
    let mut cell = Cell::money(currency, change, path);
    cell.text = signed(currency, change);
    cell
}

/// `+$12.00`.
fn signed(currency: Currency<'_>, change: Money) -> String {
    let sign = if change > Money::ZERO { "+" } else { "" };
    minus(&format!("{sign}{}", currency.short(change)))
}

/// Bars on the chart of steps; all steps are in the table.
const STEPS: usize = 24;

/// What each value saves or costs against the one before it.
fn steps(report: &SweepReport) -> Option<Section> {
    let axis = report.axes.last()?;
    let before = |index: usize, point: &SweepPoint| {
        let before = index.checked_sub(1).map(|before| &report.points[before])?;
        let (last, others) = point.values.split_last()?;
        let other = others.first().map(|value| format!("{value}: ")).unwrap_or_default();
        Some(clean(&format!("{other}{} → {last}", before.values.last()?)))
    };
    let changes: Vec<(usize, String, Money, &SweepTaken)> = planned(report)
        .filter_map(|(index, point, taken)| {
            Some((index, before(index, point)?, taken.change_step_month?, taken))
        })
        .collect();
    if changes.is_empty() || changes.len() > STEPS {
        return None;
    }
    let remark = match &report.axes[..] {
        [other, _] => format!("Against the value before, a month, for each value of {}.", other.name),
        _ => "Against the value before, a month.".to_owned(),
    };
    let title = match axis.name.as_str() {
        "max-types" => "What each further instance type saves",
        "max-pools" => "What each further pool saves",
        _ => "What each step changes",
    };
    let mut section = Section::new("steps", title, "Steps", &remark);
    if changes.iter().all(|(_, _, change, _)| *change == Money::ZERO) {
        section.blocks.push(Block::text("Nothing: no step changes the cost."));
        return Some(section);
    }
    let size = |change: Money| if change < Money::ZERO { Money::ZERO - change } else { change };
    let most = changes.iter().map(|(_, _, change, _)| size(*change)).max().unwrap_or(Money::ZERO);
    let currency = Currency::new(&report.currency).aligned([most]);
    let mut table = Table::new("Step by step", &["Step", "#Change a month", "#A month then"]);
    let mut rows = Vec::new();
    for (index, label, change, taken) in &changes {
        let then = Currency::new(&report.currency);
        table.row(vec![
            Cell::text(label),
            stepped(currency, *change, &format!("/points/{index}/taken/change_step_month")),
            Cell::money(then, taken.decides(report.commits()), &decides_path(report, *index)),
        ]);
        rows.push(Bar {
            label: label.clone(),
            value: signed(currency, *change),
            strong: *change != Money::ZERO,
            parts: vec![Part {
                from: 0.0,
                to: length(size(*change), most),
                tint: if *change > Money::ZERO { Tint::Bad } else { Tint::Good },
            }],
        });
    }
    let label = format!("{title}. {}", spoken(&rows));
    section.blocks.push(Block::Figure(Box::new(Figure::new(
        "changes",
        &format!("Steps of {}", axis.name),
        "Green is saved, red is added.",
        vec![key(Tint::Good, "saved"), key(Tint::Bad, "added")],
        table,
        |size| bars(size, &label, &rows),
    ))));
    Some(section)
}

/// The plans behind the points.
fn points(report: &SweepReport) -> Option<Section> {
    planned(report).next()?;
    let mut section = Section::new("points", "The plans", "Plans", "What each point's own search found.");
    let currency = Currency::new(&report.currency);
    let mut table = Table::new(
        "Plans of the points",
        &["Point", "#Cost an hour", "#Lower bound an hour", "#Nodes", "Instance types", "Taken from"],
    );
    for (index, point) in report.points.iter().enumerate() {
        let Some(found) = &point.found else { continue };
        let path = |field: &str| format!("/points/{index}/found/{field}");
        let of = point.taken.as_ref().and_then(|taken| taken.plan_of);
        let of = of.and_then(|number| report.points.iter().find(|p| p.point == number));
        table.row(vec![
            Cell::text(name(report, point)),
            Cell::rate(currency, found.cost_hour.money(), &path("cost_hour")),
            Cell::rate(currency, found.lower_bound_hour.money(), &path("lower_bound_hour")),
            Cell::count(found.nodes, &path("nodes")),
            Cell::text(found.types.join(", ")).class("small"),
            Cell::text(of.map(|p| name(report, p)).unwrap_or_default()),
        ]);
    }
    section.blocks.push(Block::Table(table));
    let widest = planned(report).filter_map(|(_, _, taken)| taken.gap).max();
    section.blocks.push(Block::text(format!(
        "The lower bound of a point is an amount that no plan at these settings can undercut, whoever makes it.{}",
        match widest {
            Some(gap) if gap == Ratio::ZERO => " Every point costs just that: none can be beaten.".to_owned(),
            Some(gap) => format!(" No point costs more than {} above its own.", gap_percent(gap)),
            None => String::new(),
        }
    )));
    Some(section)
}

/// Inputs, seed, hashes.
fn rests_on(report: &SweepReport) -> Option<Section> {
    let remark = "The same input gives the same sweep, at any number of threads.";
    let mut section = Section::new("sources", "What it rests on", "Sources", remark);
    section.blocks.push(Block::Facts(vec![
        ("Currency".to_owned(), Cell::text(&report.currency)),
        ("Seed".to_owned(), Cell::count(report.seed, "/seed")),
    ]));
    let mut inputs = Table::new("Files that were read", &["File", "SHA-256"]);
    for file in &report.inputs {
        inputs.row(vec![Cell::text(&file.name), Cell::text(&file.sha256).class("code")]);
    }
    let mut hashes = Table::new("What decides each point", &["Point", "Prices", "Input hash (SHA-256)"]);
    for point in &report.points {
        hashes.row(vec![
            Cell::text(name(report, point)),
            Cell::text(&point.catalog),
            Cell::text(&point.input_hash).class("code"),
        ]);
    }
    let tables = [inputs, hashes].into_iter().filter(|table| !table.rows.is_empty());
    section.blocks.extend(tables.map(Block::Folded));
    Some(section)
}
