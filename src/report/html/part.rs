//! What a page is made of: sections with figures, tables and words. The templates turn these into HTML
//! and escape every text.

use crate::bill::Ratio;
use crate::report::chart::{Size, Tint};
use crate::report::number::{Currency, gap_percent, grouped, percent};
use crate::units::Money;

/// A text of the user's as it may stand in a page: without control characters, and without those that
/// turn the direction of the text around them.
pub(super) fn clean(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if c.is_control() || turns(c) { '\u{fffd}' } else { c }).collect()
}

/// The figure behind a text: where the JSON form has it, and its exact value there.
#[derive(Debug, Clone)]
pub(super) struct Exact {
    /// JSON pointer.
    pub path: String,
    /// As in the JSON form.
    pub value: String,
}

/// One cell of a table, or one figure in a sentence.
#[derive(Debug, Clone, Default)]
pub(super) struct Cell {
    pub text: String,
    pub exact: Option<Exact>,
    /// CSS classes.
    pub class: &'static str,
    /// How much of a bar behind the figure is filled, in percent.
    pub fill: Option<String>,
}

impl Cell {
    /// Words.
    pub fn text(text: impl AsRef<str>) -> Self {
        Cell { text: clean(text.as_ref()), ..Cell::default() }
    }

    /// A figure that only this page has.
    pub fn number(text: impl Into<String>) -> Self {
        Cell { text: text.into(), class: "num", ..Cell::default() }
    }

    fn exact(text: String, value: String, path: &str) -> Self {
        Cell { exact: Some(Exact { path: path.to_owned(), value }), ..Cell::number(text) }
    }

    /// A count of the JSON form.
    pub fn count(number: u64, path: &str) -> Self {
        Cell::exact(grouped(number), number.to_string(), path)
    }

    /// An amount of money of the JSON form.
    pub fn money(currency: Currency<'_>, money: Money, path: &str) -> Self {
        Cell::exact(currency.short(money), money.to_string(), path)
    }

    /// An hourly amount of money of the JSON form.
    pub fn rate(currency: Currency<'_>, money: Money, path: &str) -> Self {
        Cell::exact(currency.rate(money), money.to_string(), path)
    }

    /// A share of the JSON form.
    pub fn share(ratio: Option<Ratio>, path: &str) -> Self {
        ratio.map(|ratio| Cell::exact(percent(ratio), ratio.to_string(), path)).unwrap_or_default()
    }

    /// A gap of the JSON form.
    pub fn gap(ratio: Option<Ratio>, path: &str) -> Self {
        ratio.map(|ratio| Cell::exact(gap_percent(ratio), ratio.to_string(), path)).unwrap_or_default()
    }

    /// A plain ratio of the JSON form.
    pub fn fixed(ratio: Option<Ratio>, path: &str) -> Self {
        ratio.map(|ratio| Cell::exact(ratio.fixed(1), ratio.to_string(), path)).unwrap_or_default()
    }

    /// A saving of the JSON form as a change: what is saved has a minus.
    pub fn saved(saving: Option<Ratio>, path: &str) -> Self {
        let class = |saving| if saving < Ratio::ZERO { "num bad" } else { "num good" };
        saving
            .map(|saving| Cell { class: class(saving), ..change(saving.negated(), saving, path) })
            .unwrap_or_default()
    }

    /// A change of the JSON form.
    pub fn change(by: Option<Ratio>, path: &str) -> Self {
        by.map(|by| change(by, by, path)).unwrap_or_default()
    }

    /// A fill level with its bar.
    pub fn fill(fill: Option<Ratio>) -> Self {
        let Some(fill) = fill else { return Cell::default() };
        let width = fill.min(Ratio::ONE).percent(0);
        Cell { fill: Some(width), ..Cell::number(format!("{} %", fill.percent(0))) }
    }

    /// With other CSS classes.
    pub fn class(self, class: &'static str) -> Self {
        Cell { class, ..self }
    }
}

fn change(shown: Ratio, exact: Ratio, path: &str) -> Cell {
    Cell::exact(minus(&crate::report::table::signed_percent(shown)), exact.to_string(), path)
}

/// With a minus sign as wide as a plus.
pub(super) fn minus(text: &str) -> String {
    text.replace('-', "\u{2212}")
}

/// A column's heading.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub text: String,
    pub class: &'static str,
}

/// Headings of columns with words and, those that start with `#`, with figures.
pub(super) fn heads(names: &[&str]) -> Vec<Head> {
    let head = |name: &&str| match name.strip_prefix('#') {
        Some(name) => Head { text: clean(name), class: "num" },
        None => Head { text: clean(name), class: "" },
    };
    names.iter().map(head).collect()
}

/// Rows under headings; the first cell of each row is its heading.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    pub caption: String,
    pub heads: Vec<Head>,
    pub rows: Vec<Row>,
}

/// One row.
#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    pub cells: Vec<Cell>,
    /// `total`, `chosen` or nothing.
    pub class: &'static str,
}

impl Table {
    pub fn new(caption: &str, names: &[&str]) -> Self {
        Table { caption: clean(caption), heads: heads(names), rows: Vec::new() }
    }

    pub fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(Row { cells, class: "" });
    }

    pub fn marked(&mut self, class: &'static str, cells: Vec<Cell>) {
        self.rows.push(Row { cells, class });
    }
}

/// One entry of a chart's key.
#[derive(Debug, Clone)]
pub(super) struct Key {
    /// Name of the colour.
    pub tint: &'static str,
    pub text: String,
}

pub(super) fn key(tint: Tint, text: &str) -> Key {
    Key { tint: tint.name(), text: clean(text) }
}

/// A chart with its table.
#[derive(Debug, Clone)]
pub(super) struct Figure {
    pub id: &'static str,
    pub title: String,
    pub caption: String,
    pub keys: Vec<Key>,
    /// Wide and narrow.
    pub drawings: Vec<String>,
    pub table: Table,
}

impl Figure {
    /// A chart drawn for both widths.
    pub fn new(
        id: &'static str,
        title: &str,
        caption: &str,
        keys: Vec<Key>,
        table: Table,
        draw: impl Fn(Size) -> String,
    ) -> Self {
        let drawings = Size::BOTH.map(draw).to_vec();
        Figure { id, title: clean(title), caption: clean(caption), keys, drawings, table }
    }
}

/// Equal nodes on the map, drawn as one piece.
#[derive(Debug, Clone)]
pub(super) struct Tile {
    /// Cells beside each other and above each other.
    pub columns: u64,
    pub rows: u64,
    /// Outlines of all cells, and of what is filled of them, as SVG paths.
    pub cells: String,
    pub filled: String,
    /// Name of the colour.
    pub tint: &'static str,
    /// What hovering shows.
    pub title: String,
}

/// The nodes of one type.
#[derive(Debug, Clone)]
pub(super) struct MapRow {
    pub name: String,
    pub note: String,
    pub tiles: Vec<Tile>,
}

/// Every node a cell.
#[derive(Debug, Clone)]
pub(super) struct Map {
    pub title: String,
    pub caption: String,
    pub keys: Vec<Key>,
    pub rows: Vec<MapRow>,
    /// How many times as large as their drawing cells are shown.
    pub scale: u64,
    pub table: Table,
}

/// A piece of a section.
#[derive(Debug, Clone)]
pub(super) enum Block {
    /// A heading within the section.
    Title(String),
    /// A paragraph.
    Text(String),
    /// Sentences side by side.
    List(Vec<String>),
    /// Something that must be seen.
    Alert(Vec<String>),
    /// Names with what they stand for.
    Facts(Vec<(String, Cell)>),
    /// A table in full view.
    Table(Table),
    /// A table behind its caption.
    Folded(Table),
    /// A chart.
    Figure(Box<Figure>),
    /// The node map.
    Map(Box<Map>),
}

impl Block {
    pub fn text(text: impl AsRef<str>) -> Self {
        Block::Text(clean(text.as_ref()))
    }

    pub fn list<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Self {
        Block::List(texts.into_iter().map(|text| clean(text.as_ref())).collect())
    }
}

/// A part of the page with a heading.
#[derive(Debug, Clone)]
pub(super) struct Section {
    pub id: &'static str,
    pub title: &'static str,
    /// In the list of contents.
    pub short: &'static str,
    pub remark: String,
    pub blocks: Vec<Block>,
}

impl Section {
    pub fn new(id: &'static str, title: &'static str, short: &'static str, remark: &str) -> Self {
        Section { id, title, short, remark: clean(remark), blocks: Vec::new() }
    }
}
