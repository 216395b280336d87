//! The sheets of ways to pay, commitments and cash flow. Cash and amortised cost are columns of their
//! own everywhere, and no formula adds one to the other.

use super::XlsxFailure;
use super::book::{Book, Look};
use crate::catalog::Term;
use crate::report::view::{CommitmentRow, PlanReport, PurchaseRow};
use crate::units::{HOURS_PER_MONTH, Money};

/// Months that the cash flow shows: the longest term.
pub(super) const MONTHS: u64 = 36;

/// Where the ways to pay are.
pub(super) struct Options {
    /// The last row.
    pub last: u32,
    /// Name of the option that the report counts with.
    pub selected: String,
}

/// Months of a term; none for what has no term.
pub(super) fn months(term: Option<Term>) -> u64 {
    term.map_or(0, Term::months)
}

fn term_of(row: &PurchaseRow) -> u64 {
    months(row.offer.map(|offer| offer.term))
}

/// `amount * part / whole`, to the nano-dollar: the result that a formula carries.
fn share(amount: Money, part: u64, whole: u64) -> Money {
    if whole == 0 {
        return Money::ZERO;
    }
    let (part, whole) = (i128::from(part), i128::from(whole));
    let scaled = amount.checked_mul(part).expect("no bill reaches 10^29").nanos();
    Money::from_nanos(if scaled < 0 { (scaled - whole / 2) / whole } else { (scaled + whole / 2) / whole })
}

fn times(money: Money, factor: u64) -> Money {
    money.checked_mul(i128::from(factor)).expect("no bill reaches 10^29")
}

/// A row per way to pay.
pub(super) fn options(book: &mut Book, report: &PlanReport) -> Result<Options, XlsxFailure> {
    let mut sheet = book.sheet("Ways to pay")?;
    sheet.header(&[
        ("Option", 34),
        ("Label", 40),
        ("Selected", 9),
        ("Term, months", 8),
        ("Nodes covered", 9),
        ("Nodes on demand", 9),
        ("Coverage", 9),
        ("Upfront", 14),
        ("Cash a month", 14),
        ("Cash in the first year", 14),
        ("As paid for (amortised), a month", 14),
        ("Saving to on demand", 9),
        ("Break-even use", 9),
        ("Break-even, months", 9),
        ("Rates derived by", 24),
    ])?;
    for row in &report.purchase_options {
        let line = sheet.line();
        sheet.text(&row.option)?;
        sheet.text(&row.label)?;
        sheet.text(if row.selected { "yes" } else { "" })?;
        sheet.count(term_of(row))?;
        sheet.count(row.nodes_covered)?;
        sheet.count(row.nodes_on_demand)?;
        sheet.percent(row.coverage)?;
        sheet.money(row.upfront.money())?;
        sheet.money(row.recurring_month.money())?;
        let year = row.billed_first_year.to_string();
        sheet.formula(&format!("=H{line}+12*I{line}"), &year, Look::Money)?;
        let amortised = format!("=IF(D{line}=0,0,H{line}/D{line})+I{line}");
        sheet.formula(&amortised, &row.effective_month.to_string(), Look::Money)?;
        let saving = row.saving.map(|saving| saving.to_string()).unwrap_or_else(|| "0".to_owned());
        let formula = format!("=IF(on_demand_month=0,0,1-K{line}/on_demand_month)");
        sheet.formula(&formula, &saving, Look::Percent)?;
        sheet.percent(row.break_even_utilization)?;
        match row.break_even_months {
            Some(months) => sheet.number(&months.to_string(), Look::Decimal)?,
            None => sheet.skip()?,
        }
        sheet.text(&row.derived.join(", "))?;
        sheet.end();
    }
    let last = sheet.line() - 1;
    let selected = report.purchase_options.iter().find(|row| row.selected);
    Ok(Options { last, selected: selected.map(|row| row.option.clone()).unwrap_or_default() })
}

/// A row per commitment of each way to pay.
pub(super) fn commitments(book: &mut Book, report: &PlanReport) -> Result<(), XlsxFailure> {
    let mut sheet = book.sheet("Commitments")?;
    sheet.header(&[
        ("Option", 34),
        ("Commitment", 16),
        ("Kind", 28),
        ("Category", 9),
        ("Term, months", 8),
        ("Covers", 16),
        ("Instance type", 18),
        ("Quantity", 9),
        ("Used", 9),
        ("Upfront each", 12),
        ("Fee an hour each", 12),
        ("Amortised, an hour each", 12),
        ("On demand, an hour each", 12),
        ("Upfront", 14),
        ("Fees a month", 14),
        ("Amortised, a month", 14),
        ("On demand, a month, of what is used", 14),
        ("Rates", 24),
        ("Status", 10),
    ])?;
    for row in &report.commitments {
        let line = sheet.line();
        let upfront = times(row.upfront_each, row.quantity);
        let fees = times(row.recurring_rate.for_hours(HOURS_PER_MONTH), row.quantity);
        let term = months(Some(row.term));
        sheet.text(&row.option)?;
        sheet.text(&row.commitment)?;
        sheet.text(&row.commitment_type)?;
        sheet.text(category(row))?;
        sheet.count(term)?;
        sheet.text(&row.covers)?;
        sheet.text(&row.instance_type)?;
        sheet.count(row.quantity)?;
        sheet.count(row.used)?;
        sheet.number(&row.upfront_each.to_string(), Look::Rate)?;
        sheet.rate(row.recurring_rate)?;
        sheet.rate(row.effective_rate)?;
        sheet.rate(row.on_demand_rate)?;
        sheet.formula(&format!("=H{line}*J{line}"), &upfront.to_string(), Look::Money)?;
        sheet.formula(&format!("=H{line}*K{line}*hours_per_month"), &fees.to_string(), Look::Money)?;
        let amortised = share(upfront, 1, term) + fees;
        sheet.formula(&format!("=N{line}/E{line}+O{line}"), &amortised.to_string(), Look::Money)?;
        let replaced = times(row.on_demand_rate.for_hours(HOURS_PER_MONTH), row.used);
        sheet.formula(&format!("=I{line}*M{line}*hours_per_month"), &replaced.to_string(), Look::Money)?;
        sheet.text(&row.provenance)?;
        sheet.text(&row.status)?;
        sheet.end();
    }
    Ok(())
}

fn category(row: &CommitmentRow) -> &'static str {
    match row.category {
        crate::bill::CommitmentCategory::Usage => "Usage",
        crate::bill::CommitmentCategory::Spend => "Spend",
    }
}

/// What is due month by month under the selected option, and what it comes to amortised.
pub(super) fn cash_flow(book: &mut Book, report: &PlanReport) -> Result<(), XlsxFailure> {
    let selected = report.purchase_options.iter().find(|row| row.selected);
    let term = selected.map_or(0, term_of);
    let upfront = selected.map_or(Money::ZERO, |row| row.upfront.money());
    let cash = selected.map_or(report.headline.packed_month.money(), |row| row.recurring_month.money());
    let list = report.headline.packed_month.money();
    let option = selected.map(|row| row.option.as_str());
    let fees: Money = report
        .commitments
        .iter()
        .filter(|row| Some(row.option.as_str()) == option)
        .map(|row| times(row.recurring_rate.for_hours(HOURS_PER_MONTH), row.quantity))
        .sum();
    let used = cash - fees;

    let mut sheet = book.sheet("Cash flow")?;
    let nodes = if report.over_time.is_some() { ", of the nodes for every peak at all hours" } else { "" };
    sheet.title(&format!("Cash and amortised cost of the selected option, by month of 730 hours{nodes}"))?;
    let look_up = |column: &str| {
        format!("=INDEX('Ways to pay'!{column}:{column},MATCH(selected_option,'Ways to pay'!A:A,0))")
    };
    let mut names = Vec::new();
    let inputs = [
        ("option_term", "Term, months", look_up("D"), term.to_string(), Look::Count),
        ("option_upfront", "Upfront", look_up("H"), upfront.to_string(), Look::Money),
        ("option_cash", "Cash a month", look_up("I"), cash.to_string(), Look::Money),
        (
            "option_fees",
            "Of that, fees of commitments",
            "=SUMIF(Commitments!A:A,selected_option,Commitments!O:O)".to_owned(),
            fees.to_string(),
            Look::Money,
        ),
    ];
    for (name, label, formula, result, look) in &inputs {
        sheet.text(label)?;
        names.push((*name, sheet.here()));
        sheet.formula(formula, result, *look)?;
        sheet.end();
    }
    sheet.text("Commitments are bought again on the same terms where they end; the prepaid balance of a term is written off evenly over its months.")?;
    sheet.end();
    sheet.header(&[
        ("Month", 28),
        ("Upfront", 14),
        ("Fees of commitments", 14),
        ("On demand, as used", 14),
        ("Cash", 14),
        ("Prepaid, opening", 14),
        ("Prepaid, added", 14),
        ("Prepaid, amortised", 14),
        ("Prepaid, closing", 14),
        ("Amortised cost", 14),
        ("Cash so far", 14),
        ("On demand so far", 14),
        ("Cash saved so far", 14),
    ])?;
    let first = sheet.line();
    let mut so_far = Money::ZERO;
    for month in 1..=MONTHS {
        let line = sheet.line();
        // Months of the running term that are over before this one.
        let gone = if term == 0 { 0 } else { (month - 1) % term };
        let paid = if term > 0 && gone == 0 { upfront } else { Money::ZERO };
        let opening = if gone == 0 { Money::ZERO } else { upfront - share(upfront, gone, term) };
        let closing = if term == 0 { Money::ZERO } else { upfront - share(upfront, gone + 1, term) };
        let written_off = share(upfront, 1, term);
        so_far = so_far + paid + cash;
        let listed = times(list, month);
        sheet.count(month)?;
        let upfront_due = format!("=IF(option_term=0,0,IF(MOD(A{line}-1,option_term)=0,option_upfront,0))");
        let before = |column: &str, otherwise: &str| match month {
            1 => otherwise.to_owned(),
            _ => format!("{column}{}", line - 1),
        };
        let cells = [
            (upfront_due, paid),
            ("=option_fees".to_owned(), fees),
            ("=option_cash-option_fees".to_owned(), used),
            (format!("=B{line}+C{line}+D{line}"), paid + cash),
            (format!("={}", before("I", "0")), opening),
            (format!("=B{line}"), paid),
            ("=IF(option_term=0,0,option_upfront/option_term)".to_owned(), written_off),
            (format!("=F{line}+G{line}-H{line}"), closing),
            (format!("=C{line}+D{line}+H{line}"), cash + written_off),
            (format!("={}+E{line}", before("K", "0")), so_far),
            (format!("=A{line}*on_demand_month"), listed),
            (format!("=L{line}-K{line}"), listed - so_far),
        ];
        for (formula, result) in cells {
            sheet.formula(&formula, &result.to_string(), Look::Money)?;
        }
        sheet.end();
    }
    let last = sheet.line() - 1;
    sheet.label("Total")?;
    let upfront_in_all = times(upfront, MONTHS.checked_div(term).unwrap_or(0));
    let cash_in_all = times(cash, MONTHS) + upfront_in_all;
    let sums = [
        ("B", Some(upfront_in_all)),
        ("C", Some(times(fees, MONTHS))),
        ("D", Some(times(used, MONTHS))),
        ("E", Some(cash_in_all)),
        ("F", None),
        ("G", Some(upfront_in_all)),
        ("H", Some(upfront_in_all)),
        ("I", None),
        // Everything that was prepaid is written off by the end of the longest term.
        ("J", Some(cash_in_all)),
    ];
    for (column, sum) in sums {
        match sum {
            Some(sum) => {
                let formula = format!("=SUM({column}{first}:{column}{last})");
                sheet.total(&formula, &sum.to_string(), Look::Money)?;
            }
            None => sheet.skip()?,
        }
    }
    let total = last + 1;
    for (name, cell) in [
        ("cash_in_all", format!("'Cash flow'!$E${total}")),
        ("amortised_in_all", format!("'Cash flow'!$J${total}")),
        ("prepaid_at_the_end", format!("'Cash flow'!$I${last}")),
        ("amortised_month", format!("'Cash flow'!$J${first}")),
    ] {
        names.push((name, cell));
    }
    for (name, cell) in names {
        book.name(name, &cell);
    }
    Ok(())
}
