//! Days, weeks, months and seasons as half-open ranges of days.
//!
//! Keeps true: arithmetic that leaves the calendar stops at its ends. Weeks begin on Monday; seasons are those of the
//! northern half and have three whole months.

use jiff::Span;
use jiff::civil::Date;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Minutes and hours: what is so near is today.
    Instant,
    Day,
    Week,
    Weekend,
    Month,
    Quarter,
    /// By the month it begins in.
    Season(i8),
    Year,
    Decade,
}

/// From a day to the first that is not meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Days {
    pub from: Date,
    pub to: Date,
}

pub(crate) fn plus_days(date: Date, days: i64) -> Date {
    Span::new().try_days(days).map_or(date, |span| date.saturating_add(span))
}

pub(crate) fn plus_months(date: Date, months: i64) -> Date {
    Span::new().try_months(months).map_or(date, |span| date.saturating_add(span))
}

/// `count` units later, or earlier if it is negative.
pub(crate) fn plus(date: Date, unit: Unit, count: i64) -> Date {
    match unit {
        Unit::Instant => date,
        Unit::Day => plus_days(date, count),
        Unit::Week | Unit::Weekend => plus_days(date, count.saturating_mul(7)),
        Unit::Month => plus_months(date, count),
        Unit::Quarter => plus_months(date, count.saturating_mul(3)),
        Unit::Season(_) | Unit::Year => plus_months(date, count.saturating_mul(12)),
        Unit::Decade => plus_months(date, count.saturating_mul(120)),
    }
}

pub(crate) fn day(date: Date) -> Days {
    Days { from: date, to: plus_days(date, 1) }
}

/// The unit that a day lies in; of a weekend that of its week, of a season that which begins in its year.
pub(crate) fn of(unit: Unit, date: Date) -> Days {
    let monday = plus_days(date, -i64::from(weekday(date)));
    match unit {
        Unit::Instant | Unit::Day => day(date),
        Unit::Week => Days { from: monday, to: plus_days(monday, 7) },
        Unit::Weekend => Days { from: plus_days(monday, 5), to: plus_days(monday, 7) },
        Unit::Month => months(date.first_of_month(), 1),
        Unit::Quarter => months(with_month(date, (date.month() - 1) / 3 * 3 + 1), 3),
        Unit::Season(month) => months(with_month(date, month), 3),
        Unit::Year => months(with_month(date, 1), 12),
        Unit::Decade => {
            months(with_month(plus_months(date, -12 * i64::from(date.year().rem_euclid(10))), 1), 120)
        }
    }
}

pub(crate) fn year(year: i16) -> Option<Days> {
    Date::new(year, 1, 1).ok().map(|date| of(Unit::Year, date))
}

pub(crate) fn month(year: i16, month: i8) -> Option<Days> {
    Date::new(year, month, 1).ok().map(|date| of(Unit::Month, date))
}

fn months(from: Date, count: i64) -> Days {
    Days { from, to: plus_months(from, count) }
}

fn with_month(date: Date, month: i8) -> Date {
    Date::new(date.year(), month, 1).unwrap_or(date)
}

/// 0 is Monday.
pub(crate) fn weekday(date: Date) -> i8 {
    date.weekday().to_monday_zero_offset()
}

/// The last such weekday before `date`.
pub(crate) fn weekday_before(date: Date, wanted: i8) -> Date {
    let back = (weekday(date) - wanted).rem_euclid(7);
    plus_days(date, -i64::from(if back == 0 { 7 } else { back }))
}

/// The first such weekday after `date`.
pub(crate) fn weekday_after(date: Date, wanted: i8) -> Date {
    let on = (wanted - weekday(date)).rem_euclid(7);
    plus_days(date, i64::from(if on == 0 { 7 } else { on }))
}

/// The last whole unit that ended at or before `date`.
pub(crate) fn last(unit: Unit, date: Date) -> Days {
    let this = of(unit, date);
    if this.to <= date && matches!(unit, Unit::Season(_)) { this } else { of(unit, plus(date, unit, -1)) }
}

/// The first unit that begins after `date`.
pub(crate) fn next(unit: Unit, date: Date) -> Days {
    let this = of(unit, date);
    if this.from > date && matches!(unit, Unit::Season(_)) {
        this
    } else {
        of(unit, plus(this.from, unit, 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn units_around_a_day() {
        let friday = date("2026-11-20");
        for (unit, from, to) in [
            (Unit::Week, "2026-11-16", "2026-11-23"),
            (Unit::Weekend, "2026-11-21", "2026-11-23"),
            (Unit::Month, "2026-11-01", "2026-12-01"),
            (Unit::Quarter, "2026-10-01", "2027-01-01"),
            (Unit::Season(6), "2026-06-01", "2026-09-01"),
            (Unit::Year, "2026-01-01", "2027-01-01"),
            (Unit::Decade, "2020-01-01", "2030-01-01"),
        ] {
            assert_eq!(of(unit, friday), Days { from: date(from), to: date(to) });
        }
    }

    #[test]
    fn last_and_next_of_a_unit() {
        let friday = date("2026-11-20");
        assert_eq!(last(Unit::Weekend, friday).from, date("2026-11-14"));
        assert_eq!(last(Unit::Season(6), friday).from, date("2026-06-01"));
        assert_eq!(last(Unit::Season(6), date("2026-07-01")).from, date("2025-06-01"));
        assert_eq!(next(Unit::Month, date("2026-01-31")).from, date("2026-02-01"));
        assert_eq!(weekday_before(friday, 4), date("2026-11-13"));
        assert_eq!(weekday_after(friday, 0), date("2026-11-23"));
    }

    #[test]
    fn the_ends_of_the_calendar_hold() {
        assert_eq!(plus(Date::MAX, Unit::Decade, i64::MAX), Date::MAX);
        assert_eq!(of(Unit::Week, Date::MIN).from, Date::MIN);
        assert_eq!(of(Unit::Decade, Date::MAX).to, Date::MAX);
    }
}
