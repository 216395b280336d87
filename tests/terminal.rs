//! The table in terminals of all kinds: widths, colours, pipes.

mod plan_fixture;
#[path = "support/planned.rs"]
mod planned;

use std::process::Command;

use plimsoll::bill::EffectiveCost;
use plimsoll::report::{Format, RenderOptions, json, render};
use plimsoll::units::Money;

/// A saved plan, and what the program prints of it on a terminal that `script` makes.
struct Terminal {
    folder: tempfile::TempDir,
}

impl Terminal {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("plan.json"), json::render(&plan_fixture::report(None)))
            .expect("a file");
        Terminal { folder }
    }

    /// On a terminal of so many columns.
    fn shows(&self, columns: u16, options: &str, variables: &[(&str, &str)]) -> String {
        let program = env!("CARGO_BIN_EXE_plimsoll");
        let line = format!("stty cols {columns} rows 50; '{program}' report plan.json {options}");
        let mut command = Command::new("script");
        command.args(["-qec", &line, "/dev/null"]).current_dir(self.folder.path());
        command.env_remove("NO_COLOR").env("TERM", "xterm-256color").envs(variables.iter().copied());
        let output = command.output().expect("script runs");
        assert!(output.status.success());
        String::from_utf8(output.stdout).expect("UTF-8").replace("\r\n", "\n")
    }

    /// Into a pipe.
    fn pipes(&self, options: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        command.args(["report", "plan.json"]).args(options).current_dir(self.folder.path());
        command.env_remove("NO_COLOR").env("TERM", "xterm-256color");
        String::from_utf8(command.output().expect("it runs").stdout).expect("UTF-8")
    }
}

fn widest(text: &str) -> usize {
    text.lines().map(|line| line.chars().count()).max().unwrap_or(0)
}

const ESCAPE: char = '\u{1b}';

/// util-linux has it; without it these tests say that they are skipped.
fn no_script() -> bool {
    let runs = Command::new("script").arg("--version").output().is_ok_and(|output| output.status.success());
    if !runs {
        eprintln!("skipped: there is no `script` (util-linux) to make a terminal");
    }
    !runs
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    if no_script() {
        return;
    }
    let terminal = Terminal::new();
    assert!(terminal.shows(80, "", &[]).contains(ESCAPE));
    assert!(terminal.shows(80, "", &[("NO_COLOR", "")]).contains(ESCAPE), "an empty NO_COLOR says nothing");
    for (options, variables) in [
        ("", vec![("NO_COLOR", "1")]),
        ("", vec![("TERM", "dumb")]),
        ("--no-color", vec![]),
        ("--no-color --ascii", vec![]),
    ] {
        let shown = terminal.shows(80, options, &variables);
        assert!(!shown.contains(ESCAPE), "{options} {variables:?}");
        assert_eq!(shown.is_ascii(), options.contains("--ascii"));
    }
}

#[test]
fn a_wider_terminal_is_used_and_a_narrow_one_wraps() {
    if no_script() {
        return;
    }
    let terminal = Terminal::new();
    let (narrow, wide) = (terminal.shows(80, "--no-color", &[]), terminal.shows(140, "--no-color", &[]));
    assert!(widest(&narrow) <= 80, "{}", widest(&narrow));
    assert!((100..=140).contains(&widest(&wide)), "{}", widest(&wide));
    assert!(wide.contains("Hour each") && !narrow.contains("Hour each"), "a wider one shows more");
    assert_eq!(wide.matches("Total").count(), 1, "one total row");
}

#[test]
fn pipes_get_eighty_columns_without_colour_and_plain_ones_rows() {
    let terminal = Terminal::new();
    let piped = terminal.pipes(&[]);
    assert!(widest(&piped) <= 80 && !piped.contains(ESCAPE));
    let plain = terminal.pipes(&["--plain"]);
    assert!(!plain.contains(['─', '█', '░', ESCAPE]));
    // Every row is one line: none is cut, none is wrapped.
    assert!(plain.lines().any(|line| line.contains("m5.xlarge") && line.contains("$292.00")));
    assert!(!plain.contains('…') && plain.contains("An EC2 Instance Savings Plan costs the same as the standard RI of its term and payment (derived): it has rows of its own in -f json and csv."));
    assert!(terminal.pipes(&["--ascii"]).is_ascii());
}

/// Every section that a report may have, at every width, keeps to it; with `--ascii` to ASCII; without colour
/// to plain characters; and a plain table has neither lines nor bars nor wrapped rows.
#[test]
fn every_section_fits_the_terminal() {
    let plans =
        [planned::kubernetes(), planned::committed(), planned::on_spot_and_measured(), planned::running()];
    let mut all = String::new();
    for plan in &plans {
        for (width, color, ascii, plain) in [
            (80, false, false, false),
            (80, true, false, false),
            (80, false, true, false),
            (100, false, false, false),
            (140, false, false, false),
            (80, false, true, true),
        ] {
            let options = RenderOptions { width, color, ascii, plain, ..RenderOptions::default() };
            let text = render(plan, Format::Table, &options).expect("a table");
            let text = String::from_utf8(text).expect("UTF-8");
            assert_eq!(text.contains(ESCAPE), color);
            assert!(!ascii || text.is_ascii(), "{:?}", text.lines().find(|line| !line.is_ascii()));
            let wide = text.lines().find(|line| line.chars().count() > width);
            assert!(plain || color || wide.is_none(), "{width}: {wide:?}");
            all += &text;
        }
    }
    for section in [
        "The cluster that runs",
        "Its nodes",
        "From here to there",
        "Savings",
        "Nodes",
        "Where capacity goes",
        "Does the scheduler bring it about?",
        "What if a node is lost?",
        "Demand over time",
        "Load-duration curves",
        "Spot",
        "What to commit to",
        "Commitment plan",
        "If demand turns out otherwise",
        "Commitments owned",
        "Commitments held",
        "Cash and accrual",
        "Cost by team",
        "Measured use",
        "Other requests",
        "How good is this plan",
    ] {
        assert!(all.contains(section), "no plan has {section}");
    }
    // Spot nodes are not said to be on demand.
    assert!(all.contains("types, on demand and spot") && all.contains("packed, on demand and spot"));
}

/// Where packing costs more than before, the bar of before is the shorter one.
#[test]
fn no_bar_of_savings_is_cut_short() {
    let mut report = plan_fixture::report(None);
    let packed = report.savings[1].effective_year.money();
    report.savings[0].effective_year = EffectiveCost::new(Money::from_nanos(packed.nanos() / 2));
    let text = render(&report, Format::Table, &RenderOptions::default()).expect("a table");
    let text = String::from_utf8(text).expect("UTF-8");
    let bars: Vec<usize> = text
        .lines()
        .skip_while(|line| !line.starts_with("Savings"))
        .skip(3)
        .take(2)
        .map(|line| line.matches('█').count())
        .collect();
    assert!(bars[1] > 9 && bars[0] == bars[1] / 2, "{bars:?}\n{text}");
}

/// The README's picture is what the program prints; `examples/terminal_svg.rs` says how to make it anew.
#[test]
fn the_recorded_terminal_is_no_fake() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let picture = std::fs::read_to_string(root.join("docs/assets/plan.svg")).expect("the picture");
    let picture = roxmltree::Document::parse(&picture).expect("SVG");
    let shown: Vec<String> = picture
        .descendants()
        .filter(|node| node.tag_name().name() == "text")
        .map(|line| {
            line.descendants().filter_map(|node| node.is_text().then(|| node.text()).flatten()).collect()
        })
        .collect();
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.args(["plan", "-q", "workloads/online-boutique.yaml"]).current_dir(root).env_remove("NO_COLOR");
    let printed = String::from_utf8(command.output().expect("it runs").stdout).expect("UTF-8");
    assert_eq!(shown[0], "$ plimsoll plan workloads/online-boutique.yaml");
    assert_eq!(shown.last().map(String::as_str), Some("..."));
    let printed: Vec<&str> = printed.lines().collect();
    for (shown, printed) in shown[1..shown.len() - 1].iter().zip(&printed) {
        assert_eq!(shown.trim_end(), printed.trim_end());
    }
}
