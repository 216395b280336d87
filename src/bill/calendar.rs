//! Calendar months of billing, in UTC, from a given start; no clock is read.

use jiff::ToSpan;
use jiff::civil::{Date, DateTime};

/// One charge period: the part of a calendar month that lies within the hours planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChargePeriod {
    /// First instant of the calendar month.
    pub billing_start: DateTime,
    /// First instant of the next calendar month.
    pub billing_end: DateTime,
    /// Inclusive.
    pub start: DateTime,
    /// Exclusive.
    pub end: DateTime,
    /// Hours from `start` to `end`.
    pub hours: u64,
}

/// Why periods could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// Not a date of the form `2026-08-01`.
    #[error("`{0}` is not a date of the form 2026-08-01")]
    Date(String),
    /// Runs past the last year that dates can name.
    #[error("{hours} hours from {start} run past the year 9999")]
    Range {
        /// Start date.
        start: String,
        /// Hours asked for.
        hours: u64,
    },
}

/// Cuts `hours` from midnight UTC of `start` (`YYYY-MM-DD`) at the ends of calendar months.
///
/// A year has 8,760 hours as the providers bill it, so a term that contains a leap day ends one day
/// before the anniversary of its start.
///
/// # Errors
/// A start that is no date, or an end past the year 9999.
pub fn charge_periods(start: &str, hours: u64) -> Result<Vec<ChargePeriod>, CalendarError> {
    let date: Date = parse_date(start)?;
    let range = || CalendarError::Range { start: start.to_owned(), hours };
    let span = i32::try_from(hours).map_err(|_| range())?.hours();
    let last = date.at(0, 0, 0, 0).checked_add(span).map_err(|_| range())?;
    let mut periods = Vec::new();
    let mut from = date.at(0, 0, 0, 0);
    while from < last {
        let billing_start = from.date().first_of_month();
        let billing_end = billing_start.checked_add(1.month()).map_err(|_| range())?.at(0, 0, 0, 0);
        let to = last.min(billing_end);
        let length = from.duration_until(to).as_hours();
        periods.push(ChargePeriod {
            billing_start: billing_start.at(0, 0, 0, 0),
            billing_end,
            start: from,
            end: to,
            hours: u64::try_from(length).expect("a period ends after it starts"),
        });
        from = to;
    }
    Ok(periods)
}

fn parse_date(text: &str) -> Result<Date, CalendarError> {
    let error = || CalendarError::Date(text.to_owned());
    // jiff also takes times and other forms; the format here is the plain one only.
    if text.len() != 10 {
        return Err(error());
    }
    text.parse().map_err(|_| error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_year_is_twelve_whole_months() {
        let periods = charge_periods("2026-08-01", 8_760).unwrap();
        assert_eq!(periods.len(), 12);
        assert_eq!(periods[0].hours, 744);
        assert_eq!(periods[6].hours, 28 * 24);
        assert_eq!(periods.iter().map(|p| p.hours).sum::<u64>(), 8_760);
        assert_eq!(periods[11].end.to_string(), "2027-08-01T00:00:00");
    }

    #[test]
    fn a_leap_day_ends_the_term_a_day_early() {
        let periods = charge_periods("2027-03-15", 8_760).unwrap();
        assert_eq!(periods.len(), 13, "the start lies within a month");
        assert_eq!(periods[0].billing_start.to_string(), "2027-03-01T00:00:00");
        assert_eq!(periods[0].hours, 17 * 24);
        assert_eq!(periods[12].end.to_string(), "2028-03-14T00:00:00");
        assert_eq!(periods.iter().map(|p| p.hours).sum::<u64>(), 8_760);
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in ["", "2026-8-1", "2026-02-30", "20260801", "2026-08-01T00:00:00", "+002026-08"] {
            assert!(matches!(charge_periods(text, 1), Err(CalendarError::Date(_))), "{text}");
        }
        assert!(matches!(charge_periods("9999-12-31", 48), Err(CalendarError::Range { .. })));
    }
}
