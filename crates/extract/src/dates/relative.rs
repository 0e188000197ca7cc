//! Dates told by their distance from today.

use super::calendar::{self, Days, Unit};
use super::words::{self, Direction};
use super::{Read, Reader, Tense};
use crate::found::DateRole;
use crate::lexicon::Flags;

/// A number of units: "two", "a couple of", "a few".
struct Quantity {
    count: i64,
    exact: bool,
    end: usize,
}

impl Reader<'_, '_> {
    pub(super) fn relative(&self, at: usize) -> Option<Read> {
        self.fixed(at)
            .or_else(|| self.directed(at))
            .or_else(|| self.ago(at))
            .or_else(|| self.ago_before(at))
            .or_else(|| self.in_a_while(at))
            .or_else(|| self.duration(at))
            .or_else(|| self.directed_after(at))
            .or_else(|| self.weekday(at))
            .or_else(|| self.weekend_or_season(at))
    }

    fn fixed(&self, at: usize) -> Option<Read> {
        if self.is(at, "the") && self.is(at + 1, "other") && self.is_one_of(at + 2, &["day", "night"]) {
            let from = calendar::plus_days(self.now.today, -7);
            return Some(Read { exact: false, ..Read::new(at + 3, Days { from, to: self.now.today }) });
        }
        let offset = words::fixed_day(self.get(at)?, self.now.language)?;
        let days = calendar::day(calendar::plus_days(self.now.today, offset));
        Some(Read::new(self.past_part_of_day(at + 1), days))
    }

    /// "last Friday", "this past weekend", "next month", "the last two weeks".
    fn directed(&self, at: usize) -> Option<Read> {
        let mut direction = words::direction(self.get(at)?)?;
        let mut next = at + 1;
        if let Some(second) = self.get(next).and_then(words::direction) {
            (direction, next) = (second, next + 1);
        }
        if self.is_part_of_day(next) {
            return self.part_of_day(direction, next);
        }
        if let Some(read) = self.rolling(direction, next) {
            return Some(read);
        }
        self.one_of(direction, next).map(|days| Read::new(self.past_part_of_day(next + 1), days))
    }

    /// "this morning" is today, "last night" began yesterday.
    fn part_of_day(&self, direction: Direction, at: usize) -> Option<Read> {
        let offset = match direction {
            Direction::Last => -1,
            Direction::This => 0,
            Direction::Next => return None,
        };
        let days = calendar::day(calendar::plus_days(self.now.today, offset));
        Some(Read::new(at + 1, days))
    }

    /// "the last few weeks": from then to now.
    fn rolling(&self, direction: Direction, at: usize) -> Option<Read> {
        let quantity = self.quantity(at).filter(|_| direction != Direction::This)?;
        let unit = words::unit(self.get(quantity.end)?, self.now.language)?;
        let today = self.now.today;
        let sign = if direction == Direction::Last { -1 } else { 1 };
        let other = calendar::plus(today, unit, sign * quantity.count);
        let (from, to) = (other.min(today), calendar::plus_days(other.max(today), 1));
        let is_since =
            self.before(at - 1).is_some_and(|token| token.is_one_of(&["for", "over", "in", "the"]));
        let role = (is_since && direction == Direction::Last && self.is_perfect()).then_some(DateRole::Since);
        Some(Read { end: quantity.end + 1, days: Days { from, to }, exact: false, role })
    }

    /// The last, this or next of a unit, weekday or month.
    fn one_of(&self, direction: Direction, at: usize) -> Option<Days> {
        let (token, today) = (self.get(at)?, self.now.today);
        if let Some(wanted) = words::weekday(token) {
            return Some(calendar::day(self.directed_weekday(direction, wanted)));
        }
        if let Some(month) = words::month(token) {
            return Some(self.directed_month(direction, month));
        }
        let unit = words::unit(token, self.now.language).filter(|unit| *unit != Unit::Instant)?;
        Some(match direction {
            Direction::Last => calendar::last(unit, today),
            Direction::Next => calendar::next(unit, today),
            Direction::This => calendar::of(unit, today),
        })
    }

    /// "next Friday" is that of next week.
    fn directed_weekday(&self, direction: Direction, wanted: i8) -> jiff::civil::Date {
        let today = self.now.today;
        match direction {
            Direction::Last => calendar::weekday_before(today, wanted),
            Direction::This => calendar::plus_days(calendar::of(Unit::Week, today).from, i64::from(wanted)),
            Direction::Next => calendar::plus_days(calendar::next(Unit::Week, today).from, i64::from(wanted)),
        }
    }

    fn directed_month(&self, direction: Direction, month: i8) -> Days {
        let today = self.now.today;
        let offset = match direction {
            Direction::Last if month >= today.month() => -1,
            Direction::Next if month <= today.month() => 1,
            _ => 0,
        };
        calendar::month(today.year().saturating_add(offset), month)
            .unwrap_or_else(|| calendar::of(Unit::Month, today))
    }

    fn quantity(&self, at: usize) -> Option<Quantity> {
        let article = usize::from(self.is_one_of(at, &["a", "ein", "einem", "unos", "the"]));
        if self.is_one_of(at + article, &["couple", "paar", "few", "several", "unos", "quelques", "algunos"])
        {
            let is_couple = self.is(at + article, "couple");
            let end = at + article + 1;
            let end = end + usize::from(self.is(end, "of"));
            return Some(Quantity { count: if is_couple { 2 } else { 3 }, exact: false, end });
        }
        let count = words::number(self.get(at)?)?;
        Some(Quantity { count, exact: true, end: at + 1 })
    }

    /// "two weeks ago", "a few years back".
    fn ago(&self, at: usize) -> Option<Read> {
        let quantity = self.quantity(at)?;
        let unit = words::unit(self.get(quantity.end)?, self.now.language)?;
        let is_ago = self.is_one_of(quantity.end + 1, &["ago", "back", "earlier"]);
        is_ago.then(|| self.distant(&quantity, unit, -1, quantity.end + 2))
    }

    /// "vor zwei Wochen", "il y a deux semaines", "hace dos semanas".
    fn ago_before(&self, at: usize) -> Option<Read> {
        let is_french = self.is(at, "il") && self.is(at + 1, "y") && self.is(at + 2, "a");
        let next = if is_french { at + 3 } else { at + 1 };
        if !is_french && !self.is_one_of(at, &["vor", "hace"]) {
            return None;
        }
        let quantity = self.quantity(next)?;
        let unit = words::unit(self.get(quantity.end)?, self.now.language)?;
        Some(self.distant(&quantity, unit, -1, quantity.end + 1))
    }

    /// "in two weeks", "a month from now".
    fn in_a_while(&self, at: usize) -> Option<Read> {
        let quantity = self.quantity(at)?;
        let unit = words::unit(self.get(quantity.end)?, self.now.language)?;
        let from_now =
            self.is(quantity.end + 1, "from") && self.is_one_of(quantity.end + 2, &["now", "today"]);
        let is_in = self.before(at).is_some_and(|token| token.is_one_of(&["in", "dans", "en", "dentro"]));
        if from_now {
            return Some(self.distant(&quantity, unit, 1, quantity.end + 3));
        }
        (is_in && self.tense != Tense::Past).then(|| self.distant(&quantity, unit, 1, quantity.end + 1))
    }

    /// So many units away; "a few" leaves room on both sides.
    fn distant(&self, quantity: &Quantity, unit: Unit, sign: i64, end: usize) -> Read {
        let at = |count: i64| calendar::of(unit, calendar::plus(self.now.today, unit, sign * count));
        let days = if quantity.exact {
            at(quantity.count)
        } else {
            let (near, far) =
                (at(quantity.count - 1), at(quantity.count + 2 - i64::from(quantity.count == 2)));
            Days { from: near.from.min(far.from), to: near.to.max(far.to) }
        };
        let days = if unit == Unit::Weekend && sign < 0 { self.weekend_ago(quantity.count) } else { days };
        Read { end, days, exact: quantity.exact && unit != Unit::Decade, role: None }
    }

    fn weekend_ago(&self, count: i64) -> Days {
        calendar::of(Unit::Weekend, calendar::plus(self.now.today, Unit::Week, -count))
    }

    /// "for four years" said of what still goes on, "seven years now".
    fn duration(&self, at: usize) -> Option<Read> {
        let quantity = self.quantity(at)?;
        let unit = words::unit(self.get(quantity.end)?, self.now.language)?;
        let is_for =
            self.before(at).is_some_and(|token| token.is_one_of(&["for", "seit", "depuis", "desde", "über"]));
        let is_seit = is_for && !self.before(at).is_some_and(|token| token.is("for"));
        let is_now = self.is(quantity.end + 1, "now");
        let lasts = is_now || is_seit || is_for && self.is_perfect();
        if !lasts {
            return None;
        }
        let end = quantity.end + 1 + usize::from(is_now);
        Some(Read { role: Some(DateRole::Since), ..self.distant(&quantity, unit, -1, end) })
    }

    /// "has lived", "'ve been".
    fn is_perfect(&self) -> bool {
        self.tokens.iter().any(|token| {
            token.is_one_of(&["have", "has", "'ve"])
                || token.is("'s") && self.tokens.iter().any(|other| other.may_be(Flags::PARTICIPLE))
        })
    }

    /// "vendredi dernier", "el mes pasado".
    fn directed_after(&self, at: usize) -> Option<Read> {
        let direction = words::direction_after(self.get(at + 1)?)?;
        self.one_of(direction, at).map(|days| Read::new(at + 2, days))
    }

    /// A weekday alone, by the tense.
    fn weekday(&self, at: usize) -> Option<Read> {
        let token = self.get(at)?;
        let wanted = words::weekday(token)?;
        let is_short = token.end - token.start <= 4;
        let is_placed =
            self.before(at).is_some_and(|before| before.is_one_of(&["on", "by", "until", "since", "am"]));
        if (is_short && !is_placed) || self.is(at + 1, "'s") || !token.is_capital() && is_short {
            return None;
        }
        let date = match self.tense {
            Tense::Past => calendar::weekday_before(self.now.today, wanted),
            _ => calendar::weekday_after(self.now.today, wanted),
        };
        Some(Read::new(self.past_part_of_day(at + 1), calendar::day(date)))
    }

    /// "over the weekend", "in the summer".
    fn weekend_or_season(&self, at: usize) -> Option<Read> {
        let unit = words::unit(self.get(at)?, self.now.language)?;
        let is_placed = self
            .before(at)
            .is_some_and(|before| before.is_one_of(&["the", "in", "im", "during", "over", "am"]));
        let is_meant = match unit {
            Unit::Weekend => self.tense != Tense::Unknown,
            Unit::Season(_) => {
                self.before(at).is_some_and(|before| !before.is("the"))
                    || self.before(at - 1).is_some_and(|before| before.is_one_of(&["in", "during", "over"]))
            }
            _ => false,
        };
        if !is_placed || !is_meant {
            return None;
        }
        let today = self.now.today;
        let this = calendar::of(unit, today);
        let days = match self.tense {
            Tense::Past if this.from > today => calendar::last(unit, today),
            Tense::Future if this.to <= today => calendar::next(unit, today),
            _ => this,
        };
        Some(Read { exact: unit == Unit::Weekend, ..Read::new(at + 1, days) })
    }
}
