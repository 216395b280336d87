//! Horizontal bars, one a row: parts of a whole, or the steps of a waterfall.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::{Size, Tint, cut, draw, text, width_of};

/// A stretch of a bar, in shares of the chart's full length.
#[derive(Debug, Clone, Copy)]
pub(in crate::report) struct Part {
    /// From 0 to 1.
    pub from: f64,
    /// From 0 to 1, not before `from`.
    pub to: f64,
    /// What it stands for.
    pub tint: Tint,
}

/// One row.
#[derive(Debug, Clone)]
pub(in crate::report) struct Bar {
    /// At its left, or above it.
    pub label: String,
    /// At its end.
    pub value: String,
    /// Whether its label is that of a total.
    pub strong: bool,
    /// From left to right.
    pub parts: Vec<Part>,
}

/// Pixels of text.
const TEXT: f64 = 13.0;

/// Draws the rows from top to bottom. `label` is what a screen reader says of them.
pub(in crate::report) fn bars(size: Size, label: &str, rows: &[Bar]) -> String {
    let (row_height, bar_height) = match size {
        Size::Wide => (34, 20),
        Size::Narrow => (46, 16),
    };
    let height = row_height * i32::try_from(rows.len()).unwrap_or(i32::MAX / 64).max(1) + 4;
    let longest = |of: fn(&Bar) -> &str| rows.iter().map(|row| width_of(of(row), TEXT)).max().unwrap_or(0);
    let (left, right) = match size {
        Size::Wide => (longest(|row| &row.label).min(250) + 12, longest(|row| &row.value).min(220) + 10),
        Size::Narrow => (0, 0),
    };
    let length = f64::from(size.width() - left - right);
    draw(size, height, label, |canvas| {
        for (row, top) in rows.iter().zip((2..).step_by(usize::try_from(row_height).unwrap_or(1))) {
            let tint = if row.strong { Tint::Ink } else { Tint::Muted };
            #[allow(clippy::cast_possible_truncation, reason = "pixels of a chart")]
            let place = |share: f64| left + (share.clamp(0.0, 1.0) * length).round() as i32;
            let bar_top = match size {
                Size::Wide => top + (row_height - bar_height) / 2,
                Size::Narrow => top + row_height - bar_height - 6,
            };
            let (label_at, value_at) = match size {
                Size::Wide => {
                    let end = row.parts.iter().map(|part| place(part.to)).max().unwrap_or(left);
                    ((0, top + row_height / 2), (end + 8, top + row_height / 2))
                }
                Size::Narrow => ((0, top + 11), (size.width(), top + 11)),
            };
            let room = match size {
                Size::Wide => left - 8,
                Size::Narrow => size.width() - width_of(&row.value, TEXT) - 8,
            };
            canvas.draw(&Text::new(cut(&row.label, TEXT, room), label_at, text(TEXT, tint, HPos::Left)))?;
            let anchor = if size == Size::Wide { HPos::Left } else { HPos::Right };
            canvas.draw(&Text::new(row.value.clone(), value_at, text(TEXT, Tint::Ink, anchor)))?;
            for part in row.parts.iter().filter(|part| part.to > part.from) {
                // What is there is seen, however little it is.
                let (from, to) = (place(part.from), place(part.to));
                let corners = [(from, bar_top), (to.max(from + 1), bar_top + bar_height)];
                canvas.draw(&Rectangle::new(corners, part.tint.color().filled()))?;
            }
        }
        Ok(())
    })
}
