//! Tables as spreadsheets and scripts write them: cells between commas, semicolons or tabs, `#` for comments.

/// Opens a table; the header says what stands between cells.
pub(super) fn reader(text: &str) -> csv::Reader<&[u8]> {
    let header = text.lines().find(|line| !line.trim().is_empty() && !line.starts_with('#'));
    csv::ReaderBuilder::new()
        .delimiter(delimiter(header.unwrap_or_default()))
        .flexible(true)
        .comment(Some(b'#'))
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes())
}

/// Spreadsheets export with commas, semicolons or tabs.
pub(super) fn delimiter(header: &str) -> u8 {
    let count = |delimiter: char| header.matches(delimiter).count();
    match (count('\t'), count(';'), count(',')) {
        (tabs, semicolons, commas) if tabs > semicolons.max(commas) => b'\t',
        (_, semicolons, commas) if semicolons > commas => b';',
        _ => b',',
    }
}

/// What is wrong with a row that has more or fewer cells than the header.
pub(super) fn misfit(record: &csv::StringRecord, headers: &csv::StringRecord) -> Option<String> {
    let cells = if record.len() == 1 { "cell" } else { "cells" };
    (record.len() != headers.len())
        .then(|| format!("has {} {cells} under {} columns", record.len(), headers.len()))
}
