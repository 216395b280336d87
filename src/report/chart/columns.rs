//! Upright columns in stacks, one for each month, with lines over them.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::{Size, Tint, draw, text, width_of};

/// One column.
#[derive(Debug, Clone)]
pub(in crate::report) struct Column {
    /// Below it.
    pub label: String,
    /// From the bottom up: heights on the scale of the chart.
    pub parts: Vec<(f64, Tint)>,
}

/// A line over the columns: one height for each.
#[derive(Debug, Clone)]
pub(in crate::report) struct Over {
    /// What it stands for.
    pub tint: Tint,
    /// From left to right.
    pub heights: Vec<f64>,
}

const TEXT: f64 = 12.0;

/// Draws the columns from left to right. `label` is what a screen reader says of them.
pub(in crate::report) fn columns(
    size: Size,
    label: &str,
    y_words: &dyn Fn(f64) -> String,
    columns: &[Column],
    over: &[Over],
) -> String {
    let sums = columns.iter().map(|column| column.parts.iter().map(|part| part.0).sum::<f64>());
    let heights = over.iter().flat_map(|line| line.heights.iter().copied());
    let top = sums.chain(heights).fold(0.0, f64::max).max(f64::MIN_POSITIVE) * 1.05;
    let height = if size == Size::Wide { 280 } else { 240 };
    draw(size, height, label, |canvas| {
        let count = i32::try_from(columns.len()).unwrap_or(i32::MAX).max(1);
        let mut chart = ChartBuilder::on(canvas)
            .margin_top(12)
            .margin_right(8)
            .x_label_area_size(26)
            .y_label_area_size(width_of(&y_words(top), TEXT).max(32) + 10)
            .build_cartesian_2d(0.0..f64::from(count), 0.0..top)?;
        let labels = text(TEXT, Tint::Muted, HPos::Center);
        chart
            .configure_mesh()
            .disable_x_mesh()
            .disable_x_axis()
            .light_line_style(TRANSPARENT)
            .bold_line_style(Tint::Grid.color())
            .axis_style(Tint::Grid.color())
            .y_labels(5)
            .label_style(labels)
            .y_label_formatter(&|y| y_words(*y))
            .draw()?;
        // As many labels as have room.
        let room = (size.width() - 60) / count;
        let widest = columns.iter().map(|column| width_of(&column.label, TEXT) + 8).max().unwrap_or(1);
        let every = usize::try_from((widest + room.max(1) - 1) / room.max(1)).unwrap_or(1).max(1);
        for (index, (column, left)) in columns.iter().zip((0..count).map(f64::from)).enumerate() {
            let mut bottom = 0.0;
            for &(part, tint) in column.parts.iter().filter(|part| part.0 > 0.0) {
                let corners = [(left + 0.14, bottom), (left + 0.86, bottom + part)];
                chart.draw_series([Rectangle::new(corners, tint.color().filled())])?;
                bottom += part;
            }
            if index % every == 0 {
                let words = Text::new(column.label.clone(), (0, 14), text(TEXT, Tint::Muted, HPos::Center));
                chart.draw_series([EmptyElement::at((left + 0.5, 0.0)) + words])?;
            }
        }
        for line in over {
            let points: Vec<(f64, f64)> =
                (0..count).map(|left| f64::from(left) + 0.5).zip(line.heights.iter().copied()).collect();
            chart.draw_series([PathElement::new(points, line.tint.color().stroke_width(2))])?;
        }
        Ok(())
    })
}
