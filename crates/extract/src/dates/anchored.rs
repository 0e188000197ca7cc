//! Dates told by another date: "the Friday before 20 May", "the first week of June".

use super::calendar::{self, Days, Unit};
use super::{Read, Reader, words};

impl Reader<'_, '_> {
    pub(super) fn anchored(&self, at: usize) -> Option<Read> {
        let at = at + usize::from(self.is(at, "the"));
        self.before_last(at)
            .or_else(|| self.beside(at))
            .or_else(|| self.nth_week(at))
            .or_else(|| self.unit_of(at))
    }

    /// "the week before last".
    fn before_last(&self, at: usize) -> Option<Read> {
        let unit = words::unit(self.get(at)?, self.now.language)?;
        let is_so = self.is(at + 1, "before") && self.is(at + 2, "last");
        let is_whole =
            is_so && self.get(at + 3).is_none_or(|token| words::unit(token, self.now.language).is_none());
        is_whole.then(|| Read::new(at + 3, calendar::of(unit, calendar::plus(self.now.today, unit, -2))))
    }

    /// "the weekend before 20 May", "the day after tomorrow".
    fn beside(&self, at: usize) -> Option<Read> {
        let token = self.get(at)?;
        let is_before = self.is_one_of(at + 1, &["before", "vor", "avant"]);
        if !is_before && !self.is_one_of(at + 1, &["after", "nach", "après"]) {
            return None;
        }
        let anchor = self.plain(at + 2)?;
        let days = match words::weekday(token) {
            Some(wanted) => calendar::day(weekday_beside(anchor.days, wanted, is_before)),
            None => unit_beside(anchor.days, words::unit(token, self.now.language)?, is_before),
        };
        Some(Read::new(anchor.end, days))
    }

    /// A date without an anchor of its own.
    fn plain(&self, at: usize) -> Option<Read> {
        let at = at + usize::from(self.is(at, "the"));
        self.absolute(at).or_else(|| self.relative(at)).or_else(|| self.month_alone(at))
    }

    fn month_alone(&self, at: usize) -> Option<Read> {
        let month = words::month(self.get(at)?)?;
        calendar::month(self.now.today.year(), month).map(|days| Read::new(at + 1, days))
    }

    /// "the last weekend of May", "the first week of June 2024".
    fn nth_week(&self, at: usize) -> Option<Read> {
        let nth = words::ordinal(self.get(at)?)?;
        let unit = words::unit(self.get(at + 1)?, self.now.language)?;
        if !matches!(unit, Unit::Week | Unit::Weekend) || !self.is_one_of(at + 2, &["of", "in"]) {
            return None;
        }
        let month = self.plain(at + 3)?;
        Some(Read::new(month.end, nth_of(month.days, unit, nth)))
    }

    /// "the week of 23 August".
    fn unit_of(&self, at: usize) -> Option<Read> {
        let unit = words::unit(self.get(at)?, self.now.language)?;
        if !matches!(unit, Unit::Week | Unit::Weekend) || !self.is(at + 1, "of") {
            return None;
        }
        let anchor = self.plain(at + 2)?;
        Some(Read::new(anchor.end, calendar::of(unit, anchor.days.from)))
    }
}

fn weekday_beside(anchor: Days, wanted: i8, is_before: bool) -> jiff::civil::Date {
    if is_before {
        calendar::weekday_before(anchor.from, wanted)
    } else {
        calendar::weekday_after(calendar::plus_days(anchor.to, -1), wanted)
    }
}

/// The day before, the calendar's week, month or year before; a weekend that is over by then.
fn unit_beside(anchor: Days, unit: Unit, is_before: bool) -> Days {
    let sign = if is_before { -1 } else { 1 };
    let days = calendar::of(unit, anchor.from);
    match unit {
        Unit::Weekend if is_before && days.to <= anchor.from => days,
        Unit::Weekend if !is_before && days.from >= anchor.to => days,
        _ => calendar::of(unit, calendar::plus(anchor.from, unit, sign)),
    }
}

/// The first seven days, the second; the last seven; weekends by their Saturdays.
fn nth_of(month: Days, unit: Unit, nth: i64) -> Days {
    if unit == Unit::Weekend {
        let saturday = if nth < 0 {
            calendar::weekday_before(month.to, 5)
        } else {
            calendar::plus_days(
                calendar::weekday_after(calendar::plus_days(month.from, -1), 5),
                7 * (nth - 1),
            )
        };
        return Days { from: saturday, to: calendar::plus_days(saturday, 2) };
    }
    let from = if nth < 0 {
        calendar::plus_days(month.to, -7)
    } else {
        calendar::plus_days(month.from, 7 * (nth - 1))
    };
    Days { from, to: calendar::plus_days(from, 7) }
}
