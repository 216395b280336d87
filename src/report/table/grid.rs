//! A grid of cells with a header and at most one total row, drawn by `tabled`.

use tabled::builder::Builder;
use tabled::settings::object::{Columns, Rows};
use tabled::settings::style::HorizontalLine;
use tabled::settings::{Alignment, Modify, Padding, Style};

use super::draw::{Draw, Tone, visible};

/// A column's title and alignment.
#[derive(Debug, Clone)]
pub(super) struct Column {
    title: String,
    right: bool,
    shrinks: bool,
}

impl Column {
    /// Text.
    pub(super) fn left(title: &str) -> Self {
        Column { title: title.to_owned(), right: false, shrinks: false }
    }

    /// Numbers.
    pub(super) fn right(title: &str) -> Self {
        Column { title: title.to_owned(), right: true, shrinks: false }
    }

    /// Text that is cut where the grid is wider than the terminal.
    pub(super) fn shrinking(title: &str) -> Self {
        Column { shrinks: true, ..Column::left(title) }
    }
}

/// A column is not cut below this.
const NARROWEST: usize = 8;
/// Columns left of a grid.
const INDENT: usize = 2;
/// Columns between two columns.
const GAP: usize = 2;

/// Rows of cells.
#[derive(Debug, Clone)]
pub(super) struct Grid {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
    total: bool,
}

impl Grid {
    pub(super) fn new(columns: Vec<Column>) -> Self {
        Grid { columns, rows: Vec::new(), total: false }
    }

    /// Appends a row with a cell for each column.
    pub(super) fn row(&mut self, cells: Vec<String>) {
        debug_assert_eq!(cells.len(), self.columns.len());
        self.rows.push(cells);
    }

    /// Appends the total, below a line.
    pub(super) fn total(&mut self, cells: Vec<String>) {
        self.row(cells);
        self.total = true;
    }

    /// Columns of the terminal that it takes.
    pub(super) fn width(&self) -> usize {
        let columns = (0..self.columns.len()).map(|index| self.column_width(index));
        INDENT + columns.sum::<usize>() + GAP * self.columns.len().saturating_sub(1)
    }

    fn column_width(&self, index: usize) -> usize {
        let cells = self.rows.iter().map(|row| visible(&row[index]));
        cells.max().unwrap_or(0).max(visible(&self.columns[index].title))
    }

    /// Cuts the columns that may be cut until the grid fits, the last one first: names come before details.
    fn shrink(&mut self, draw: &Draw) {
        for index in (0..self.columns.len()).rev() {
            let over = self.width().saturating_sub(draw.width);
            if over == 0 {
                return;
            }
            if self.columns[index].shrinks {
                let width = self.column_width(index).saturating_sub(over).max(NARROWEST);
                for row in &mut self.rows {
                    row[index] = draw.cut(&row[index], width);
                }
            }
        }
    }

    /// Draws the grid, two columns in from the left, with a line end after each row.
    pub(super) fn render(mut self, draw: &Draw) -> String {
        self.drop_empty_columns();
        self.shrink(draw);
        let mut builder = Builder::with_capacity(self.rows.len() + 1, self.columns.len());
        builder.push_record(self.columns.iter().map(|c| draw.paint(&c.title, Tone::Faint)));
        let rows = self.rows.len();
        for row in self.rows {
            builder.push_record(row);
        }
        let mut table = builder.build();
        let line = HorizontalLine::new(if draw.ascii { '-' } else { '─' });
        if draw.plain {
            table.with(Style::empty());
        } else if self.total {
            table.with(Style::empty().horizontals([(1, line), (rows, line)]));
        } else {
            table.with(Style::empty().horizontals([(1, line)]));
        }
        table.with(Padding::new(0, GAP, 0, 0));
        for (index, column) in self.columns.iter().enumerate() {
            if column.right {
                table.with(Modify::new(Columns::one(index)).with(Alignment::right()));
            }
        }
        // The last column needs no room to its right.
        let last = self.columns.len().saturating_sub(1);
        table.with(Modify::new(Columns::one(last)).with(Padding::zero()));
        table.with(Modify::new(Rows::first()).with(Alignment::bottom()));
        let mut out = String::new();
        for line in table.to_string().lines() {
            out.push_str(&" ".repeat(INDENT));
            out.push_str(line);
            let trimmed = out.trim_end().len();
            out.truncate(trimmed);
            out.push('\n');
        }
        out
    }

    /// A column without title and content (bars, when plain) takes no room.
    fn drop_empty_columns(&mut self) {
        for index in (0..self.columns.len()).rev() {
            if self.columns[index].title.is_empty() && self.rows.iter().all(|row| row[index].is_empty()) {
                self.columns.remove(index);
                for row in &mut self.rows {
                    row.remove(index);
                }
            }
        }
    }
}
