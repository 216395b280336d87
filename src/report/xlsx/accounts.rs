//! The sheets of what is held, of cash against accrual by month, and of the bill by owner: as the report
//! states them, with live sums. They are there only where the report has them.

use super::XlsxFailure;
use super::book::{Book, Look};
use super::summary::Check;
use crate::report::showback::ShowbackLine;
use crate::report::view::PlanReport;
use crate::units::Money;

/// Commitments, months, and what there is to check about them.
pub(super) fn accounts(book: &mut Book, report: &PlanReport) -> Result<Vec<Check>, XlsxFailure> {
    let Some(accounts) = &report.accounts else { return Ok(Vec::new()) };
    let mut sheet = book.sheet("Held")?;
    sheet.header(&[
        ("Commitment", 30),
        ("Status", 10),
        ("Kind", 28),
        ("Offer", 34),
        ("Covers", 20),
        ("Quantity", 9),
        ("Unit", 16),
        ("Units an hour", 12),
        ("First hour", 10),
        ("Hour after the last", 10),
        ("Upfront", 14),
        ("Fee an hour", 12),
        ("Accrual", 14),
        ("Of that, unused", 14),
        ("On demand, of what is covered", 14),
        ("Saved", 14),
        ("Used", 9),
        ("Prepaid at the start", 14),
    ])?;
    for row in &accounts.held {
        let line = sheet.line();
        sheet.text(&row.id)?;
        sheet.text(&row.status)?;
        sheet.text(&row.commitment_type)?;
        sheet.text(&row.offer.to_string())?;
        sheet.text(&row.covers)?;
        sheet.count(row.quantity)?;
        sheet.text(&row.unit)?;
        sheet.number(&row.units_per_hour.to_string(), Look::Decimal)?;
        sheet.number(&row.start_hour.to_string(), Look::Count)?;
        sheet.number(&row.end_hour.to_string(), Look::Count)?;
        sheet.money(row.upfront.money())?;
        sheet.number(&row.recurring_hour.to_string(), Look::Rate)?;
        sheet.money(row.effective.money())?;
        sheet.money(row.unused.money())?;
        sheet.money(row.list_covered.money())?;
        sheet.formula(&format!("=O{line}-M{line}"), &row.net_savings.to_string(), Look::Money)?;
        sheet.percent(row.utilization)?;
        sheet.money(row.prepaid_opening)?;
        sheet.end();
    }
    let held = HeldRange { last: sheet.line() - 1, empty: accounts.held.is_empty() };

    let mut sheet = book.sheet("Cash and accrual")?;
    sheet.header(&[
        ("Month", 12),
        ("Hours", 8),
        ("First hour", 8),
        ("On demand", 14),
        ("Upfront", 14),
        ("Fees of commitments", 14),
        ("Paid as used", 14),
        ("Cash", 14),
        ("Prepaid, opening", 14),
        ("Prepaid, added", 14),
        ("Prepaid, amortised", 14),
        ("Prepaid, closing", 14),
        ("Accrual", 14),
        ("Of that, unused", 14),
    ])?;
    let first = sheet.line();
    let mut hour = 0;
    for (index, row) in accounts.months.iter().enumerate() {
        let line = sheet.line();
        sheet.text(&row.month)?;
        sheet.count(row.hours)?;
        match index {
            0 => sheet.count(0)?,
            _ => sheet.formula(&format!("=C{0}+B{0}", line - 1), &hour.to_string(), Look::Count)?,
        }
        hour += row.hours;
        sheet.money(row.list.money())?;
        sheet.formula(&held.upfront(line), &row.upfront.to_string(), Look::Money)?;
        sheet.formula(&held.fees(line), &row.recurring.to_string(), Look::Money)?;
        sheet.money(row.as_used.money())?;
        sheet.formula(&format!("=E{line}+F{line}+G{line}"), &row.billed.to_string(), Look::Money)?;
        let opening = match index {
            0 => held.prepaid(),
            _ => format!("=L{}", line - 1),
        };
        sheet.formula(&opening, &row.prepaid_opening.to_string(), Look::Money)?;
        sheet.formula(&format!("=E{line}"), &row.prepaid_additions.to_string(), Look::Money)?;
        sheet.formula(&held.amortised(line), &row.prepaid_amortisation.to_string(), Look::Money)?;
        let closing = format!("=I{line}+J{line}-K{line}");
        sheet.formula(&closing, &row.prepaid_closing.to_string(), Look::Money)?;
        let accrual = format!("=F{line}+G{line}+K{line}");
        sheet.formula(&accrual, &row.effective.to_string(), Look::Money)?;
        sheet.money(row.unused.money())?;
        sheet.end();
    }
    let last = sheet.line() - 1;
    let mut checks = Vec::new();
    if let Some(end) = accounts.months.last() {
        let sum = |column: &str| format!("SUM('Cash and accrual'!{column}{first}:{column}{last})");
        let billed: Money = accounts.months.iter().map(|month| month.billed.money()).sum();
        let accrued: Money = accounts.months.iter().map(|month| month.effective.money()).sum();
        let closing = format!("'Cash and accrual'!L{last}");
        checks.push(Check::new("Cash of all months", &sum("H"), billed.to_string()));
        checks.push(Check::new("Accrual of all months", &sum("M"), accrued.to_string()));
        checks.push(Check::new("Prepaid after the last month", &closing, end.prepaid_closing.to_string()));
        for span in &accounts.spans {
            let to = u64::from(first) + span.months - 1;
            let of = |column: &str| format!("SUM('Cash and accrual'!{column}{first}:{column}{to})");
            let name = |what: &str| format!("{what} of the first {} months", span.months);
            checks.push(Check::new(&name("Cash"), &of("H"), span.billed.to_string()));
            checks.push(Check::new(&name("Accrual"), &of("M"), span.effective.to_string()));
        }
    }
    Ok(checks)
}

/// The rows of the sheet `Held`, in formulas over all of them. In a month the first hour is in column C and
/// the number of hours in column B.
struct HeldRange {
    last: u32,
    empty: bool,
}

impl HeldRange {
    fn column(&self, column: &str) -> String {
        format!("Held!${column}$2:${column}${}", self.last)
    }

    /// A sum of products over the commitments; nothing where there are none.
    fn sum(&self, terms: &str) -> String {
        if self.empty { "=0".to_owned() } else { format!("=SUMPRODUCT({terms})") }
    }

    /// Paid at the start of those that start in the month of this line.
    fn upfront(&self, line: u32) -> String {
        let (start, upfront) = (self.column("I"), self.column("K"));
        self.sum(&format!("({start}>=C{line})*({start}<C{line}+B{line})*{upfront}"))
    }

    /// Hours of the month in which each is held: the lesser of two ends less the greater of two starts.
    fn hours(&self, line: u32) -> String {
        let (start, end) = (self.column("I"), self.column("J"));
        let until = format!("(C{line}+B{line})");
        format!(
            "({end}>C{line})*({start}<{until})*({end}+{until}-ABS({end}-{until})-{start}-C{line}-ABS({start}-C{line}))/2"
        )
    }

    /// What falls due for every hour.
    fn fees(&self, line: u32) -> String {
        self.sum(&format!("{}*{}", self.hours(line), self.column("L")))
    }

    /// Upfront payments, written off evenly over the hours of the term.
    fn amortised(&self, line: u32) -> String {
        let (start, end, upfront) = (self.column("I"), self.column("J"), self.column("K"));
        self.sum(&format!("{}*{upfront}/({end}-{start})", self.hours(line)))
    }

    /// Prepaid before the first month.
    fn prepaid(&self) -> String {
        if self.empty { "=0".to_owned() } else { format!("=SUM({})", self.column("R")) }
    }
}

/// The bill by owner.
pub(super) fn showback(book: &mut Book, report: &PlanReport) -> Result<Vec<Check>, XlsxFailure> {
    let Some(showback) = &report.showback else { return Ok(Vec::new()) };
    let mut sheet = book.sheet("Showback")?;
    let of = format!("Owner or line, of {}", showback.period());
    sheet.header(&[
        (of.as_str(), 36),
        ("cpu", 14),
        ("memory", 14),
        ("accelerators", 14),
        ("Cost", 14),
        ("Share", 9),
        ("Share of the idle line", 14),
        ("With it", 14),
    ])?;
    let mut checks = Vec::new();
    let first = sheet.line();
    for row in &showback.rows {
        let line = sheet.line();
        let name = row.line.label().or(row.owner.as_deref()).unwrap_or_default();
        sheet.text(name)?;
        for part in [row.cpu, row.memory, row.accelerator] {
            match part {
                Some(cost) => sheet.money(cost.money())?,
                None => sheet.skip()?,
            }
        }
        if row.line == ShowbackLine::Total {
            let cell = sheet.here();
            let formula = format!("=SUM(E{first}:E{})", line - 1);
            sheet.total(&formula, &row.direct.to_string(), Look::Money)?;
            checks.push(Check::new("All lines of the showback", &cell, row.direct.to_string()));
        } else {
            sheet.money(row.direct.money())?;
        }
        sheet.percent(row.share)?;
        match row.shared {
            Some(shared) => sheet.money(shared.money())?,
            None => sheet.skip()?,
        }
        match row.with_shared {
            Some(cost) => sheet.formula(&format!("=E{line}+G{line}"), &cost.to_string(), Look::Money)?,
            None => sheet.skip()?,
        }
        sheet.end();
    }
    Ok(checks)
}
