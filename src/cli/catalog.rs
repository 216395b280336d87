//! `plimsoll catalog`: the rows of the library as aligned text.

use plimsoll::catalog::listing::{CatalogRow, RateRow, TypeDetail, TypeRow};
use plimsoll::catalog::{Catalog, Provenance};
use plimsoll::units::Rate;
use tabled::builder::Builder;
use tabled::settings::object::Columns;
use tabled::settings::{Alignment, Padding, Style};

/// Catalogs, one per line.
pub fn catalogs(rows: impl Iterator<Item = CatalogRow>) -> String {
    let header = ["CATALOG", "PROVIDER", "REGION", "PRICES OF", "CURRENCY", "TYPES", "WITH COMMITMENTS"];
    let cells = |row: CatalogRow| {
        [
            row.name,
            row.provider.to_string(),
            row.region,
            row.price_date,
            row.currency,
            row.types.to_string(),
            row.with_commitments.to_string(),
        ]
    };
    columns(header, rows.map(cells), &[5, 6])
}

/// Instance types, one per line, and what their marks mean.
pub fn types(catalog: &Catalog, rows: Vec<TypeRow>) -> String {
    let header =
        ["TYPE", "VCPU", "MEMORY", "ARCH", "PER HOUR", "SPOT", "1 YEAR", "3 YEARS", "ACCELERATORS", "MARKS"];
    let rate = |rate: Option<Rate>| rate.map(|rate| rate.to_string()).unwrap_or_default();
    let mut marks: Vec<String> = rows.iter().flat_map(|row| row.marks.iter().cloned()).collect();
    let cells = rows.into_iter().map(|row| {
        [
            row.name,
            row.cpu.to_string(),
            row.memory.to_string(),
            row.architecture.to_string(),
            row.on_demand.to_string(),
            rate(row.spot),
            rate(row.best_one_year),
            rate(row.best_three_years),
            row.accelerators,
            row.marks.join(", "),
        ]
    });
    let mut text = columns(header, cells, &[1, 2, 4, 5, 6, 7]);
    marks.sort();
    marks.dedup();
    for mark in marks {
        let meaning = catalog.marks.get(&mark).map(String::as_str).unwrap_or_default();
        text += &format!("\n{mark}: {meaning}\n");
    }
    text
}

/// One instance type with all its rates.
pub fn one_type(detail: &TypeDetail) -> String {
    let mut text = format!("{}, {}, rates in {} per hour\n\n", detail.name, detail.catalog, detail.currency);
    let width = detail.facts.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
    for (label, value) in &detail.facts {
        text += &format!("{label:width$}  {value}\n");
    }
    text.push('\n');
    text += &rates(&detail.rates);
    let mut reasons: Vec<(&str, &str)> = Vec::new();
    for row in &detail.rates {
        if let (Some(rule), Some(reason)) = (row.provenance.rule(), &row.reason)
            && !reasons.iter().any(|(known, _)| *known == rule)
        {
            reasons.push((rule, reason));
        }
    }
    for (rule, reason) in reasons {
        text += &format!("\n{rule}: {reason}\n");
    }
    for (mark, meaning) in &detail.marks {
        text += &format!("\n{mark}: {meaning}\n");
    }
    text
}

fn rates(rows: &[RateRow]) -> String {
    let header = ["PURCHASE", "EFFECTIVE", "SAVES", "UPFRONT", "RECURRING", "KNOWN"];
    let cells = rows.iter().map(|row| {
        let terms = row.term.map(|t| format!("/{}", t.as_str())).unwrap_or_default();
        let payment = row.payment.map(|p| format!("/{}", p.as_str())).unwrap_or_default();
        let known = known(&row.provenance);
        [
            format!("{}{terms}{payment}", row.purchase),
            row.effective.to_string(),
            row.saving.map(|share| format!("{:.1} %", f64::from(share.0) / 1e4)).unwrap_or_default(),
            row.term.map(|_| row.upfront.to_cents_string()).unwrap_or_default(),
            row.recurring.to_string(),
            known,
        ]
    });
    columns(header, cells, &[1, 2, 3, 4])
}

/// How a rate is known, in a few words.
fn known(provenance: &Provenance) -> String {
    match provenance {
        Provenance::Listed => "listed".to_owned(),
        Provenance::Derived(rule) if provenance.is_estimate() => format!("ESTIMATE: {rule}"),
        Provenance::Derived(rule) => format!("derived: {rule}"),
        Provenance::Contracted(list) => {
            format!("contracted, list {} ({})", list.rate, known(&list.provenance))
        }
    }
}

/// Rows as aligned columns, the ones named in `right` to the right; no line ends in blanks.
pub fn columns<const N: usize>(
    header: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
    right: &[usize],
) -> String {
    let mut builder = Builder::default();
    builder.push_record(header);
    for row in rows {
        builder.push_record(row);
    }
    let mut table = builder.build();
    table.with(Style::empty()).with(Padding::new(0, 2, 0, 0));
    for &column in right {
        table.modify(Columns::one(column), Alignment::right());
    }
    let mut text = String::new();
    for line in table.to_string().lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
