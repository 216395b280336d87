//! A workbook with its formats, and sheets that are written row by row.

use rust_xlsxwriter::utility::{quote_sheet_name, row_col_to_cell_absolute};
use rust_xlsxwriter::{
    DocProperties, ExcelDateTime, Format, FormatAlign, Formula, Workbook, Worksheet, XlsxError,
};

use super::purchases::{OUTCOMES, PLAN};
use crate::bill::Ratio;
use crate::report::view::PlanReport;
use crate::units::{Money, Rate};

/// The sheets, in their order.
pub(super) const SHEETS: [&str; 7] =
    ["Summary", "Nodes", "Workloads", "Ways to pay", "Commitments", "Cash flow", "Other plans"];
/// The last sheet.
pub(super) const CHECKS: &str = "Checks";

/// How cells look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// Text.
    Text,
    /// A whole number.
    Count,
    /// An amount of money.
    Money,
    /// Money an hour.
    Rate,
    /// A share.
    Percent,
    /// A plain number with decimals.
    Decimal,
}

/// The workbook under way.
pub(super) struct Book {
    workbook: Workbook,
    header: Format,
    title: Format,
    plain: [Format; 6],
    strong: [Format; 6],
    names: Vec<(&'static str, String)>,
}

impl Book {
    /// Empty sheets.
    pub(super) fn new(report: &PlanReport) -> Result<Self, XlsxError> {
        let mut workbook = Workbook::new();
        // Without a date of its own a workbook would have the clock's.
        let epoch = ExcelDateTime::from_ymd(1980, 1, 1)?;
        let properties = DocProperties::new()
            .set_title(clean(&format!("Plan for {}", report.scenario.name)))
            .set_author(clean(&format!("{} {}", report.tool.name, report.tool.version)))
            .set_comment(clean(&format!("input {}", report.input_hash)))
            .set_creation_datetime(&epoch);
        workbook.set_properties(&properties);
        let further: [(bool, &[&str]); 6] = [
            (report.over_time.is_some(), &["Over time", "Load curves"]),
            (report.purchases.is_some(), &[PLAN, OUTCOMES]),
            (report.accounts.is_some(), &["Held", "Cash and accrual"]),
            (report.showback.is_some(), &["Showback"]),
            (report.spot.is_some(), &["Spot"]),
            (report.usage.is_some(), &["Other requests", "Measured use"]),
        ];
        let further = further.into_iter().filter(|(there, _)| *there).flat_map(|(_, names)| names);
        for name in SHEETS.iter().chain(further).chain(&[CHECKS]) {
            let sheet = workbook.add_worksheet().set_name(*name)?;
            // A4, landscape, all columns on one page.
            sheet.set_paper_size(9).set_landscape().set_print_fit_to_pages(1, 0);
        }
        let formats = ["@", "#,##0", "#,##0.00", "#,##0.0000#####", "0.0%", "0.0###"];
        let plain = formats.map(|format| match format {
            "@" => Format::new().set_align(FormatAlign::Left),
            other => Format::new().set_num_format(other),
        });
        let strong = plain.clone().map(Format::set_bold);
        let title = Format::new().set_bold().set_font_size(14);
        let header = Format::new()
            .set_bold()
            .set_text_wrap()
            .set_align(FormatAlign::Top)
            .set_border_bottom(rust_xlsxwriter::FormatBorder::Thin);
        Ok(Book { workbook, header, title, plain, strong, names: Vec::new() })
    }

    /// The sheet of that name.
    pub(super) fn sheet(&mut self, name: &'static str) -> Result<Sheet<'_>, XlsxError> {
        Ok(Sheet {
            sheet: self.workbook.worksheet_from_name(name)?,
            name,
            header: &self.header,
            title: &self.title,
            plain: &self.plain,
            strong: &self.strong,
            row: 0,
            column: 0,
        })
    }

    /// Gives a cell a name that formulas may use.
    pub(super) fn name(&mut self, name: &'static str, cell: &str) {
        self.names.push((name, cell.to_owned()));
    }

    /// The finished file.
    pub(super) fn save(mut self) -> Result<Vec<u8>, XlsxError> {
        for (name, cell) in &self.names {
            self.workbook.define_name(*name, &format!("={cell}"))?;
        }
        self.workbook.save_to_buffer()
    }
}

/// A sheet with a place where the next cell goes.
pub(super) struct Sheet<'a> {
    sheet: &'a mut Worksheet,
    name: &'static str,
    header: &'a Format,
    title: &'a Format,
    plain: &'a [Format; 6],
    strong: &'a [Format; 6],
    row: u32,
    column: u16,
}

type Written = Result<(), XlsxError>;

impl Sheet<'_> {
    /// The row that is being written, as spreadsheets count: from 1.
    pub(super) fn line(&self) -> u32 {
        self.row + 1
    }

    /// The next cell from elsewhere: `'Cash flow'!$B$3`.
    pub(super) fn here(&self) -> String {
        self.cell(self.row, self.column)
    }

    fn cell(&self, row: u32, column: u16) -> String {
        format!("{}!{}", quote_sheet_name(self.name), row_col_to_cell_absolute(row, column))
    }

    /// A heading over all.
    pub(super) fn title(&mut self, text: &str) -> Written {
        self.sheet.write_string_with_format(self.row, self.column, clean(text), self.title)?;
        self.end();
        Ok(())
    }

    /// Titles of columns with their widths; they stay in view.
    pub(super) fn header(&mut self, columns: &[(&str, u16)]) -> Written {
        for (index, &(title, width)) in (0..).zip(columns) {
            self.sheet.write_string_with_format(self.row, index, title, self.header)?;
            self.sheet.set_column_width(index, width)?;
        }
        // Rows do not grow by themselves everywhere: without this, LibreOffice draws titles over the figures.
        let most = columns.iter().map(|&(title, width)| lines(title, width)).max().unwrap_or(1);
        self.sheet.set_row_height(self.row, LINE * u32::from(most))?;
        self.sheet.set_freeze_panes(self.row + 1, 0)?;
        self.end();
        Ok(())
    }

    /// Text, as it is: never a formula, a link or a number.
    pub(super) fn text(&mut self, text: &str) -> Written {
        self.sheet.write_string_with_format(self.row, self.column, clean(text), &self.plain[0])?;
        self.column += 1;
        Ok(())
    }

    /// Text in bold.
    pub(super) fn label(&mut self, text: &str) -> Written {
        self.sheet.write_string_with_format(self.row, self.column, clean(text), &self.strong[0])?;
        self.column += 1;
        Ok(())
    }

    /// Text, or nothing.
    pub(super) fn maybe_text(&mut self, text: Option<&str>) -> Written {
        match text {
            Some(text) => self.text(text),
            None => self.skip(),
        }
    }

    /// A number of things.
    pub(super) fn count(&mut self, number: u64) -> Written {
        self.number(&number.to_string(), Look::Count)
    }

    /// An amount.
    pub(super) fn money(&mut self, money: Money) -> Written {
        self.number(&money.to_string(), Look::Money)
    }

    /// An amount an hour.
    pub(super) fn rate(&mut self, rate: Rate) -> Written {
        self.number(&rate.to_string(), Look::Rate)
    }

    /// A share, or nothing where it is not known.
    pub(super) fn percent(&mut self, ratio: Option<Ratio>) -> Written {
        match ratio {
            Some(ratio) => self.number(&ratio.to_string(), Look::Percent),
            None => self.skip(),
        }
    }

    /// An exact decimal, as the nearest number that a spreadsheet has.
    pub(super) fn number(&mut self, decimal: &str, look: Look) -> Written {
        let number: f64 = decimal.parse().expect("decimals of ours are numbers");
        self.sheet.write_number_with_format(self.row, self.column, number, &self.plain[look as usize])?;
        self.column += 1;
        Ok(())
    }

    /// A formula with its result, as an exact decimal.
    pub(super) fn formula(&mut self, formula: &str, result: &str, look: Look) -> Written {
        self.formula_as(formula, result, look, false)
    }

    /// A formula of a total.
    pub(super) fn total(&mut self, formula: &str, result: &str, look: Look) -> Written {
        self.formula_as(formula, result, look, true)
    }

    fn formula_as(&mut self, formula: &str, result: &str, look: Look, strong: bool) -> Written {
        let format = if strong { &self.strong[look as usize] } else { &self.plain[look as usize] };
        let formula = Formula::new(formula).set_result(result);
        self.sheet.write_formula_with_format(self.row, self.column, formula, format)?;
        self.column += 1;
        Ok(())
    }

    /// Leaves cells empty.
    pub(super) fn skip(&mut self) -> Written {
        self.column += 1;
        Ok(())
    }

    /// The next row.
    pub(super) fn end(&mut self) {
        self.row += 1;
        self.column = 0;
    }

    /// Lets only the texts of a range into a cell.
    pub(super) fn choice(&mut self, range: &str) -> Written {
        let rule = rust_xlsxwriter::DataValidation::new().allow_list_formula(Formula::new(range));
        self.sheet.add_data_validation(self.row, self.column, self.row, self.column, &rule)?;
        Ok(())
    }

    /// Widths of columns where no header says them.
    pub(super) fn widths(&mut self, widths: &[u16]) -> Written {
        for (index, &width) in (0..).zip(widths) {
            self.sheet.set_column_width(index, width)?;
        }
        Ok(())
    }
}

/// Height of a line of text, in points.
const LINE: u32 = 15;

/// Lines that a bold title takes in a column of so many characters.
fn lines(title: &str, width: u16) -> u16 {
    // Bold letters are wider than the digits by which columns are measured.
    let width = usize::from(width) * 9 / 10;
    let (mut lines, mut used) = (1, 0);
    for word in title.split(' ') {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > width {
            lines += 1;
            used = length;
        } else {
            used += length + usize::from(used > 0);
        }
    }
    lines
}

/// A text without what no cell can hold: control characters, and more than 32,767 characters.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(32_767).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_wrap_between_words() {
        assert_eq!(lines("Nodes", 8), 1);
        assert_eq!(lines("On demand, an hour", 12), 2);
        assert_eq!(lines("cpu of its nodes, millicores", 12), 3);
        assert_eq!(lines("Commitment", 4), 1);
    }
}
