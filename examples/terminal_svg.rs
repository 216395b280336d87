//! Draws what a command printed on a terminal as an SVG picture, for the README.
//!
//! ```text
//! script -qec 'stty cols 80; plimsoll plan -q workloads/online-boutique.yaml' /dev/null |
//!     cargo run --example terminal_svg -- 'plimsoll plan workloads/online-boutique.yaml' 44 \
//!     > docs/assets/plan.svg
//! ```
//!
//! `script` gives the command a terminal, so that it prints in colour. The arguments are the command as
//! it is shown, and how many lines to show.

use std::fmt::Write;
use std::io::Read;

/// Width of a character and height of a line, in the units of the picture.
const CELL: (f64, f64) = (8.4, 18.0);
/// Around the text.
const MARGIN: f64 = 16.0;

/// How characters look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Look {
    bold: bool,
    faint: bool,
    underlined: bool,
    /// 31 red, 32 green, 33 yellow; 0 for none.
    colour: u8,
}

impl Look {
    fn apply(&mut self, code: u8) {
        match code {
            0 => *self = Look::default(),
            1 => self.bold = true,
            2 => self.faint = true,
            4 => self.underlined = true,
            31..=33 => self.colour = code,
            _ => {}
        }
    }

    fn attributes(self) -> String {
        let mut out = String::new();
        if self.bold {
            out += " font-weight=\"bold\"";
        }
        if self.underlined {
            out += " text-decoration=\"underline\"";
        }
        let fill = match (self.colour, self.faint) {
            (31, _) => "#f7768e",
            (32, _) => "#9ece6a",
            (33, _) => "#e0af68",
            (_, true) => "#737aa2",
            _ => return out,
        };
        let _ = write!(out, " fill=\"{fill}\"");
        out
    }
}

/// A line as runs of equal look.
type Line = Vec<(Look, String)>;

/// Reads colours; every other command to the terminal is left out.
fn lines(text: &str) -> Vec<Line> {
    let mut lines = vec![Line::new()];
    let mut look = Look::default();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\n' => lines.push(Line::new()),
            '\u{1b}' if rest.peek() == Some(&'[') => {
                rest.next();
                let mut codes = String::new();
                let end = rest.by_ref().find(|c| {
                    codes.push(*c);
                    c.is_ascii_alphabetic()
                });
                if end == Some('m') {
                    codes.pop();
                    codes.split(';').for_each(|code| look.apply(code.parse().unwrap_or(0)));
                }
            }
            c if c.is_control() => {}
            c => {
                let line = lines.last_mut().expect("there is a first line");
                match line.last_mut() {
                    Some((same, run)) if *same == look => run.push(c),
                    _ => line.push((look, c.to_string())),
                }
            }
        }
    }
    while lines.last().is_some_and(Vec::is_empty) {
        lines.pop();
    }
    lines
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let shown = arguments.next().expect("the command as it is shown");
    let most: usize = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(usize::MAX);
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).expect("text on standard input");
    let mut all = vec![vec![(Look { bold: true, ..Look::default() }, format!("$ {shown}"))]];
    let printed = lines(&text);
    let more = printed.len() > most;
    all.extend(printed.into_iter().take(most));
    if more {
        all.push(vec![(Look { faint: true, ..Look::default() }, "...".to_owned())]);
    }
    let columns = all.iter().map(|line| line.iter().map(|(_, run)| run.chars().count()).sum()).max();
    let width = columns.unwrap_or(0) as f64 * CELL.0 + 2.0 * MARGIN;
    let height = all.len() as f64 * CELL.1 + 2.0 * MARGIN;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" role=\"img\" aria-label=\"{}\">\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#1a1b26\"/>\n<g font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" font-size=\"14\" fill=\"#c0caf5\">\n",
        escaped(&shown)
    );
    for (number, line) in (1..).zip(&all) {
        let y = MARGIN + f64::from(number) * CELL.1 - 4.0;
        let mut column = 0usize;
        let _ = write!(out, "<text xml:space=\"preserve\" y=\"{y:.0}\">");
        for (look, run) in line {
            let x = MARGIN + column as f64 * CELL.0;
            let length = run.chars().count();
            // The stated length keeps columns in line whatever the font.
            let fitted = length as f64 * CELL.0;
            let _ = write!(
                out,
                "<tspan x=\"{x:.1}\" textLength=\"{fitted:.1}\"{}>{}</tspan>",
                look.attributes(),
                escaped(run)
            );
            column += length;
        }
        out += "</text>\n";
    }
    out += "</g>\n</svg>\n";
    print!("{out}");
}
