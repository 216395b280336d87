//! Curves over two axes, with lines to cut them.

use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::{Size, Tint, draw, text};

/// One curve.
#[derive(Debug, Clone)]
pub(in crate::report) struct Line {
    /// What it stands for.
    pub tint: Tint,
    /// From left to right.
    pub points: Vec<(f64, f64)>,
    /// Whether the area below it is tinted.
    pub filled: bool,
    /// Whether it is dashed, for readers who see no colours.
    pub dashed: bool,
    /// Points of it that are marked.
    pub dots: Vec<Dot>,
}

/// A marked point of a curve.
#[derive(Debug, Clone, Copy)]
pub(in crate::report) struct Dot {
    /// Where it is.
    pub at: (f64, f64),
    /// Whether it is filled; a ring otherwise.
    pub full: bool,
}

/// An upright line across the chart, with a few words.
#[derive(Debug, Clone)]
pub(in crate::report) struct Mark {
    /// Where it stands.
    pub x: f64,
    /// What it says.
    pub label: String,
}

/// What the axes show.
pub(in crate::report) struct Axes<'a> {
    /// Leftmost and rightmost.
    pub x: (f64, f64),
    /// Lowest and highest.
    pub y: (f64, f64),
    /// In a few words.
    pub x_title: &'a str,
    /// A figure of the horizontal axis.
    pub x_words: &'a dyn Fn(f64) -> String,
    /// Places of the horizontal axis with their names; where there are none, round figures.
    pub x_ticks: &'a [(f64, String)],
    /// A figure of the vertical axis.
    pub y_words: &'a dyn Fn(f64) -> String,
}

const TEXT: f64 = 12.0;

/// Draws the curves, the first one at the back. `label` is what a screen reader says of them.
pub(in crate::report) fn lines(
    size: Size,
    label: &str,
    axes: &Axes<'_>,
    curves: &[Line],
    marks: &[Mark],
) -> String {
    let height = match size {
        Size::Wide => 300,
        Size::Narrow => 250,
    };
    draw(size, height, label, |canvas| {
        let widest = [axes.y.0, axes.y.1].map(|y| super::width_of(&(axes.y_words)(y), TEXT));
        let last_name = axes.x_ticks.last().map_or(0, |(_, name)| super::width_of(name, TEXT) / 2);
        let round_figures = if size == Size::Wide { 9 } else { 5 };
        let mut chart = ChartBuilder::on(canvas)
            .margin_top(if marks.is_empty() { 16 } else { 26 })
            .margin_right(last_name.clamp(22, 70))
            .x_label_area_size(44)
            .y_label_area_size(widest.into_iter().max().unwrap_or(40).max(32) + 10)
            .build_cartesian_2d(axes.x.0..axes.x.1, axes.y.0..axes.y.1)?;
        let labels = text(TEXT, Tint::Muted, HPos::Center);
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(Tint::Grid.color())
            .axis_style(Tint::Grid.color())
            .x_labels(if axes.x_ticks.is_empty() { round_figures } else { 0 })
            .y_labels(5)
            .x_desc(axes.x_title)
            .axis_desc_style(labels.clone())
            .label_style(labels)
            .x_label_formatter(&|x| (axes.x_words)(*x))
            .y_label_formatter(&|y| (axes.y_words)(*y))
            .draw()?;
        for curve in curves {
            let style = curve.tint.color().stroke_width(2);
            if curve.filled {
                let mut area = curve.points.clone();
                if let (Some(first), Some(last)) = (curve.points.first(), curve.points.last()) {
                    area.extend([(last.0, axes.y.0), (first.0, axes.y.0)]);
                }
                chart.draw_series([Polygon::new(area, curve.tint.color().mix(0.25).filled())])?;
            }
            if curve.dashed {
                chart.draw_series([DashedPathElement::new(curve.points.clone(), 6, 4, style)])?;
            } else {
                chart.draw_series([PathElement::new(curve.points.clone(), style)])?;
            }
        }
        // Where curves meet, no line hides a dot, and no ring a full one.
        let dots = || curves.iter().flat_map(|curve| curve.dots.iter().map(|dot| (dot, curve.tint.color())));
        for (dot, color) in dots().filter(|(dot, _)| !dot.full) {
            chart.draw_series([Circle::new(dot.at, 4, Tint::Sheet.color().filled())])?;
            chart.draw_series([Circle::new(dot.at, 4, color.stroke_width(2))])?;
        }
        for (dot, color) in dots().filter(|(dot, _)| dot.full) {
            chart.draw_series([Circle::new(dot.at, 5, color.filled())])?;
        }
        // As many names as have room, the last one in any case.
        let per_unit = f64::from(size.width() - 90) / (axes.x.1 - axes.x.0).max(f64::MIN_POSITIVE);
        let half = |name: &str| f64::from(super::width_of(name, TEXT) + 8) / 2.0;
        let last = axes.x_ticks.last();
        let mut free_from = f64::NEG_INFINITY;
        for (index, (x, name)) in axes.x_ticks.iter().enumerate() {
            let at = (x - axes.x.0) * per_unit;
            let next = last.filter(|_| index + 1 < axes.x_ticks.len());
            let free_to = next.map_or(f64::INFINITY, |(x, name)| (x - axes.x.0) * per_unit - half(name));
            if at - half(name) < free_from || at + half(name) > free_to {
                continue;
            }
            free_from = at + half(name);
            let words = Text::new(name.clone(), (0, 14), text(TEXT, Tint::Muted, HPos::Center));
            chart.draw_series([EmptyElement::at((*x, axes.y.0)) + words])?;
        }
        for mark in marks {
            let style = Tint::Ink.color().stroke_width(1);
            let top = (mark.x, axes.y.1);
            chart.draw_series([DashedPathElement::new([(mark.x, axes.y.0), top], 3, 3, style)])?;
            let middle = axes.x.0 + (axes.x.1 - axes.x.0) / 2.0;
            // Above the curves, on the side that has more room.
            let (shift, anchor) =
                if mark.x > middle { ((4, -11), HPos::Right) } else { ((-4, -11), HPos::Left) };
            let words = Text::new(mark.label.clone(), shift, text(TEXT, Tint::Ink, anchor));
            chart.draw_series([EmptyElement::at(top) + words])?;
        }
        Ok(())
    })
}
