//! A plan or a sweep as one page for a browser: no network, no script, no further files. It can be mailed,
//! printed on A4, read on a phone, and heard.
//!
//! Every figure that the JSON form has too stands in a `data` element with its exact value and its place
//! there, so that both can be compared.

mod answer;
mod commit;
mod compare;
mod map;
mod measured;
mod money;
mod nodes;
mod notes;
mod over_time;
mod owners;
mod part;
mod running;
pub(super) mod sweep;
mod tightness;

use askama::Template;

use super::RenderOptions;
use super::table::draw::Draw;
use super::view::PlanReport;
use answer::Answer;
use part::{Block, Section};

/// The whole page.
#[derive(Template)]
#[template(path = "page.html")]
struct Page {
    head: Head,
    answer: Answer,
    sections: Vec<Section>,
}

/// What stands around the sections.
struct Head {
    title: String,
    /// Beside the name at the top.
    subtitle: &'static str,
    generator: String,
    footer: String,
}

impl Page {
    fn written(&self) -> String {
        self.render().expect("writing into a string cannot fail")
    }

    /// The same for every page.
    fn style(&self) -> &'static str {
        include_str!("html/style.css")
    }
}

/// Renders the page of a plan.
pub(super) fn render(report: &PlanReport) -> String {
    let sections = [
        notes::obstacles(report),
        money::savings(report),
        nodes::nodes(report),
        nodes::capacity(report),
        over_time::over_time(report),
        commit::purchases(report),
        owners::showback(report),
        tightness::tightness(report),
        money::purchases(report),
        owners::accounts(report),
        measured::spot(report),
        measured::usage(report),
        running::cluster(report),
        running::survival(report),
        running::replay(report),
        compare::plans(report),
        compare::quality(report),
        notes::notices(report),
        notes::sources(report),
    ];
    let generator = part::clean(&format!("{} {}", report.tool.name, report.tool.version));
    let footer = format!(
        "Made by {generator} from input {} at prices of {}. A plan, not a bill: nothing is bought by it. This \
         page loads nothing and holds no script.",
        part::clean(&report.scenario.id),
        part::clean(&report.catalog.price_date),
    );
    Page {
        head: Head {
            title: part::clean(&format!("Plan for {}", report.scenario.name)),
            subtitle: "bin-packing cost plan",
            generator,
            footer,
        },
        answer: answer::answer(report),
        sections: sections.into_iter().flatten().collect(),
    }
    .written()
}

/// Sentences as the terminal has them, without its colours.
fn plain() -> Draw {
    Draw::new(&RenderOptions::default())
}

/// How much of a chart's length an amount takes.
fn length(part: crate::units::Money, whole: crate::units::Money) -> f64 {
    part.ratio_to(whole).unwrap_or(0.0)
}
