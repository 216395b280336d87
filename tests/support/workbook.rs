//! Looks into a workbook: its parts, and its cells with their formulas and results.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};

use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cell {
    /// What is seen: a text, or a number as it is stored.
    pub value: String,
    /// Whether it is stored as text.
    pub text: bool,
    /// Its formula, without the equals sign.
    pub formula: Option<String>,
}

/// The cells of a sheet, by row and column from 0.
pub type Cells = BTreeMap<(usize, usize), Cell>;

/// Names and contents of the parts of a file.
pub fn parts(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).expect("a zip file");
    (0..archive.len())
        .map(|index| {
            let mut part = archive.by_index(index).expect("a part");
            let mut content = Vec::new();
            part.read_to_end(&mut content).expect("it is whole");
            (part.name().expect("a name").into_owned(), content)
        })
        .collect()
}

/// Puts parts together again.
pub fn pack(parts: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        writer.start_file(name.as_str(), SimpleFileOptions::default()).expect("a new part");
        writer.write_all(content).expect("memory");
    }
    writer.finish().expect("a zip file").into_inner()
}

fn text_of(parts: &[(String, Vec<u8>)], name: &str) -> String {
    let (_, content) = parts.iter().find(|(part, _)| part == name).unwrap_or_else(|| panic!("no {name}"));
    String::from_utf8(content.clone()).expect("UTF-8")
}

/// Every sheet by name, in order.
pub fn sheets(bytes: &[u8]) -> Vec<(String, Cells)> {
    let parts = parts(bytes);
    let strings: Vec<String> = {
        let text = text_of(&parts, "xl/sharedStrings.xml");
        let document = roxmltree::Document::parse(&text).expect("XML");
        let of = |item: roxmltree::Node<'_, '_>| {
            item.descendants().filter(|n| n.has_tag_name_any("t")).filter_map(|n| n.text()).collect()
        };
        document.root_element().children().filter(|n| n.has_tag_name_any("si")).map(of).collect()
    };
    let workbook = text_of(&parts, "xl/workbook.xml");
    let workbook = roxmltree::Document::parse(&workbook).expect("XML");
    let names = workbook.descendants().filter(|n| n.has_tag_name_any("sheet"));
    let names: Vec<String> = names.map(|n| n.attribute("name").expect("a name").to_owned()).collect();
    (1..)
        .zip(names)
        .map(|(number, name)| {
            (name, cells(&text_of(&parts, &format!("xl/worksheets/sheet{number}.xml")), &strings))
        })
        .collect()
}

/// The sheet of that name.
pub fn sheet(bytes: &[u8], name: &str) -> Cells {
    let found = sheets(bytes).into_iter().find(|(sheet, _)| sheet == name);
    found.unwrap_or_else(|| panic!("no sheet {name}")).1
}

fn cells(xml: &str, strings: &[String]) -> Cells {
    let document = roxmltree::Document::parse(xml).expect("XML");
    let mut cells = Cells::new();
    for node in document.descendants().filter(|n| n.has_tag_name_any("c")) {
        let place = place(node.attribute("r").expect("a place"));
        let child = |tag| node.children().find(|n| n.has_tag_name_any(tag)).and_then(|n| n.text());
        let stored = child("v").unwrap_or_default();
        let shared = node.attribute("t") == Some("s");
        let value = if shared {
            strings[stored.parse::<usize>().expect("an index")].clone()
        } else {
            stored.to_owned()
        };
        let text = shared || node.attribute("t") == Some("str");
        cells.insert(place, Cell { value, text, formula: child("f").map(str::to_owned) });
    }
    cells
}

/// `B3` as row 2 and column 1.
fn place(name: &str) -> (usize, usize) {
    let letters = name.chars().take_while(char::is_ascii_uppercase).count();
    let column = name[..letters].bytes().fold(0, |sum, letter| sum * 26 + usize::from(letter - b'A') + 1);
    (name[letters..].parse::<usize>().expect("a row") - 1, column - 1)
}

/// Rows of a sheet below the row of titles, as far as their first cell says.
pub fn rows(cells: &Cells, titles: usize) -> Vec<BTreeMap<String, Cell>> {
    let header: BTreeMap<usize, String> =
        cells.range((titles, 0)..(titles + 1, 0)).map(|(&(_, c), cell)| (c, cell.value.clone())).collect();
    let last = cells.keys().map(|&(row, _)| row).max().unwrap_or(0);
    (titles + 1..=last)
        .map(|row| {
            let of_row = cells.range((row, 0)..(row + 1, 0));
            of_row.filter_map(|(&(_, c), cell)| Some((header.get(&c)?.clone(), cell.clone()))).collect()
        })
        .collect()
}

/// Names in the spreadsheet's own namespace.
trait Tag {
    fn has_tag_name_any(&self, name: &str) -> bool;
}

impl Tag for roxmltree::Node<'_, '_> {
    fn has_tag_name_any(&self, name: &str) -> bool {
        self.is_element() && self.tag_name().name() == name
    }
}
