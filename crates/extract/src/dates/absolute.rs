//! Dates that name their day, month or year.

use jiff::civil::Date;

use super::calendar::{self, Days, Unit};
use super::{Read, Reader, Tense, words};
use crate::language::Language;
use crate::token::{Shape, Token};

impl Reader<'_, '_> {
    pub(super) fn absolute(&self, at: usize) -> Option<Read> {
        let token = self.get(at)?;
        if token.shape == Shape::Number {
            return self
                .numeric(at)
                .or_else(|| self.day_month(at))
                .or_else(|| self.day_of_this_month(at))
                .or_else(|| self.year(at));
        }
        self.month_day(at)
            .or_else(|| self.month(at))
            .or_else(|| self.part_of_month(at))
            .or_else(|| self.holiday(at))
    }

    /// `2026-05-03`, `03.05.2026`, `5/3/2026`.
    fn numeric(&self, at: usize) -> Option<Read> {
        let text = &*self.tokens[at].lower;
        let read = |date: Date| Read::new(at + 1, calendar::day(date));
        if let Some((year, rest)) = text.split_once('-') {
            return iso(year, rest).map(|days| Read::new(at + 1, days));
        }
        if text.contains('.') {
            return self.day_first(text, '.').map(read);
        }
        let is_english = self.now.language == Language::English;
        let american = || is_english.then(|| self.month_first(text)).flatten();
        text.contains('/').then(|| american().or_else(|| self.day_first(text, '/')).map(read)).flatten()
    }

    fn day_first(&self, text: &str, separator: char) -> Option<Date> {
        let parts = parts(text, separator)?;
        Date::new(parts[2].try_into().ok()?, parts[1].try_into().ok()?, parts[0].try_into().ok()?).ok()
    }

    fn month_first(&self, text: &str) -> Option<Date> {
        let parts = parts(text, '/')?;
        Date::new(parts[2].try_into().ok()?, parts[0].try_into().ok()?, parts[1].try_into().ok()?).ok()
    }

    /// "3 May 2024", "3rd of May", "3. Mai", "3 de mayo de 2024".
    fn day_month(&self, at: usize) -> Option<Read> {
        let day = day_number(self.get(at)?)?;
        let mut next = at + 1;
        next += usize::from(self.get(next).is_some_and(|token| token.is_mark('.')));
        next += usize::from(self.is_one_of(next, &["of", "de"]));
        let month = words::month(self.get(next)?)?;
        Some(self.dated(day, month, next + 1))
    }

    /// "May 3rd, 2024".
    fn month_day(&self, at: usize) -> Option<Read> {
        let month = words::month(self.get(at)?)?;
        let day = day_number(self.get(at + 1)?)?;
        let is_quantity = self.get(at + 2).is_some_and(|token| token.is_mark('%') || token.is_mark(':'));
        (!is_quantity).then(|| self.dated(day, month, at + 2))
    }

    /// A day of a month with the year that may follow.
    fn dated(&self, day: i8, month: i8, end: usize) -> Read {
        let link = end + usize::from(self.is_one_of(end, &[",", "of", "de"]));
        if let Some(date) =
            self.get(link).and_then(year_number).and_then(|year| Date::new(year, month, day).ok())
        {
            return Read::new(link + 1, calendar::day(date));
        }
        let days = |year| Date::new(year, month, day).ok().map(calendar::day);
        Read::new(end, self.nearest(days).unwrap_or_else(|| calendar::day(self.now.today)))
    }

    /// The year that the tense asks for; the nearest where it does not say.
    fn nearest(&self, days: impl Fn(i16) -> Option<Days>) -> Option<Days> {
        let today = self.now.today;
        let found: Vec<Days> = (today.year() - 4..=today.year() + 4).filter_map(days).collect();
        let past = found.iter().rev().find(|days| days.from <= today).copied();
        let coming = found.iter().find(|days| days.to > today).copied();
        match (self.tense, past, coming) {
            (Tense::Past, past, _) => past,
            (Tense::Future, _, coming) => coming,
            (_, Some(past), Some(coming)) => Some(nearer(today, past, coming)),
            (_, past, coming) => past.or(coming),
        }
    }

    /// "on the 15th".
    fn day_of_this_month(&self, at: usize) -> Option<Read> {
        let token = self.get(at)?;
        let is_ordinal = token.lower.ends_with(|c: char| c.is_ascii_alphabetic());
        let day = day_number(token).filter(|_| is_ordinal)?;
        let is_placed = self.before(at).is_some_and(|before| before.is("the"))
            && at >= 2
            && self.tokens[at - 2].is_one_of(&["on", "by", "until", "since", "before", "after"]);
        let is_free = self.get(at + 1).is_none_or(|next| !next.is_word() || next.flags.is_known());
        if !is_placed || !is_free {
            return None;
        }
        let month = self.now.today.first_of_month();
        let step = |months| {
            let month = calendar::plus_months(month, months);
            Date::new(month.year(), month.month(), day).ok().map(calendar::day)
        };
        let (this, today) = (step(0), self.now.today);
        let days = match self.tense {
            Tense::Past => this.filter(|days| days.from <= today).or_else(|| step(-1)),
            _ => this.filter(|days| days.to > today).or_else(|| step(1)),
        };
        days.map(|days| Read::new(at + 1, days))
    }

    /// "in 2019", "the 1990s".
    fn year(&self, at: usize) -> Option<Read> {
        let token = self.get(at)?;
        if let Some(digits) = token.lower.strip_suffix('s') {
            let first: i16 = digits.parse().ok().filter(|year| year % 10 == 0)?;
            let first = if (20..100).contains(&first) { first + 1900 } else { first };
            let decade = Date::new(first, 1, 1).ok().filter(|_| first >= 1000)?;
            return Some(Read { exact: false, ..Read::new(at + 1, calendar::of(Unit::Decade, decade)) });
        }
        let year = year_number(token)?;
        let is_placed = self.before(at).is_some_and(|before| before.is_one_of(BEFORE_YEAR));
        if is_placed && !self.is_quantity(at + 1) {
            return calendar::year(year).map(|days| Read::new(at + 1, days));
        }
        None
    }

    /// "in 2019 cases" counts; "in 2019 Anna" does not, nor does "in 2019 we".
    fn is_quantity(&self, at: usize) -> bool {
        self.get(at).is_some_and(|token| token.is_word() && !token.is_capital() && !token.flags.is_known())
    }

    /// "in May", "last May", "May 2024".
    fn month(&self, at: usize) -> Option<Read> {
        let token = self.get(at)?;
        let month = words::month(token)?;
        let link = at + 1 + usize::from(self.is_one_of(at + 1, &["of", "de", ","]));
        if let Some(year) = self.get(link).and_then(year_number) {
            return calendar::month(year, month).map(|days| Read::new(link + 1, days));
        }
        let is_clear = token.is_capital() && !token.is_one_of(&["may", "march", "mars"]) && !token.opens;
        let is_placed = self.before(at).is_some_and(|before| before.is_one_of(BEFORE_MONTH));
        if !is_placed && !is_clear {
            return None;
        }
        let forward =
            self.before(at).is_some_and(|before| before.is_one_of(&["until", "till", "by", "bis", "hasta"]));
        let reader = Reader { tense: if forward { Tense::Future } else { self.tense }, ..*self };
        reader.nearest(|year| calendar::month(year, month)).map(|days| Read::new(at + 1, days))
    }

    /// "early May", "late 2023", "end of June", "mid-July".
    fn part_of_month(&self, at: usize) -> Option<Read> {
        let token = self.get(at)?;
        let third = match &*token.lower {
            "early" | "beginning" | "start" | "anfang" | "début" | "principios" => 0,
            "mid" | "middle" | "mitte" | "mi" => 1,
            "late" | "end" | "ende" | "fin" | "finales" => 2,
            _ => return None,
        };
        let mut next = at + 1;
        next += usize::from(self.is_one_of(next, &["of", "de", "-"]));
        next += usize::from(self.is_one_of(next, &["the"]));
        let inner = self
            .get(next)
            .and_then(year_number)
            .and_then(calendar::year)
            .map(|days| Read::new(next + 1, days))
            .or_else(|| self.bare_month(next))?;
        Some(Read { exact: false, ..Read::new(inner.end, part(inner.days, third)) })
    }

    fn bare_month(&self, at: usize) -> Option<Read> {
        let month = words::month(self.get(at)?)?;
        let with_year = self.get(at + 1).and_then(year_number).and_then(|year| calendar::month(year, month));
        match with_year {
            Some(days) => Some(Read::new(at + 2, days)),
            None => self.nearest(|year| calendar::month(year, month)).map(|days| Read::new(at + 1, days)),
        }
    }

    fn holiday(&self, at: usize) -> Option<Read> {
        let token = self.get(at)?;
        let is_eve = self.is(at + 1, "eve");
        let (month, day, mut end) = match &*token.lower {
            "christmas" | "weihnachten" | "noël" | "navidad" => (12, if is_eve { 24 } else { 25 }, at + 1),
            "halloween" => (10, 31, at + 1),
            "silvester" => (12, 31, at + 1),
            "valentine" if self.is(at + 1, "'s") && self.is(at + 2, "day") => (2, 14, at + 3),
            _ => return None,
        };
        let is_placed = self.before(at).is_some_and(|before| before.is_one_of(BEFORE_HOLIDAY));
        end += usize::from(is_eve && end == at + 1);
        let days = self.nearest(|year| Date::new(year, month, day).ok().map(calendar::day))?;
        is_placed.then_some(Read::new(end, days))
    }
}

const BEFORE_YEAR: &[&str] = &[
    "in", "since", "until", "till", "by", "before", "after", "from", "to", "around", "of", "during", "year",
    "early", "late", "mid", "seit", "bis", "en", "depuis", "desde", "hasta", "jahr", "and", "between",
    "circa", "through", "(", "ab", "année", "año", "entre", "von", "-", "–",
];

const BEFORE_MONTH: &[&str] = &[
    "in",
    "since",
    "until",
    "till",
    "by",
    "before",
    "after",
    "from",
    "to",
    "around",
    "of",
    "during",
    "last",
    "this",
    "next",
    "im",
    "seit",
    "bis",
    "en",
    "depuis",
    "desde",
    "hasta",
    "letzten",
    "nächsten",
    "through",
    "past",
    "through",
    "between",
    "and",
];

const BEFORE_HOLIDAY: &[&str] = &[
    "at", "on", "for", "last", "this", "next", "since", "until", "before", "after", "by", "zu", "an", "à",
    "en", "during", "over", "around",
];

fn iso(year: &str, rest: &str) -> Option<Days> {
    let year: i16 = year.parse().ok().filter(|_| year.len() == 4)?;
    let digits = |text: &str| text.get(..2)?.parse::<i8>().ok();
    let month = digits(rest)?;
    match rest.get(2..) {
        Some("") => calendar::month(year, month),
        Some(tail) => {
            let day = tail.strip_prefix('-').and_then(digits)?;
            Date::new(year, month, day).ok().map(calendar::day)
        }
        None => None,
    }
}

/// Three numbers, the last a year in two or four digits.
fn parts(text: &str, separator: char) -> Option<[i32; 3]> {
    let mut numbers = text.split(separator).map(|part| part.parse::<i32>().ok().filter(|_| part.len() <= 4));
    let (a, b, year) = (numbers.next()??, numbers.next()??, numbers.next()??);
    let year = if year < 70 {
        year + 2000
    } else if year < 100 {
        year + 1900
    } else {
        year
    };
    (numbers.next().is_none() && (1000..3000).contains(&year)).then_some([a, b, year])
}

/// 1 to 31, with or without "st" and its like.
fn day_number(token: &Token) -> Option<i8> {
    if token.shape != Shape::Number {
        return None;
    }
    let digits = token.lower.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let ending = &token.lower[digits.len()..];
    let is_day = matches!(ending, "" | "st" | "nd" | "rd" | "th" | "er");
    digits.parse().ok().filter(|day| is_day && (1..=31).contains(day))
}

fn year_number(token: &Token) -> Option<i16> {
    let is_year = token.shape == Shape::Number && token.lower.len() == 4;
    token.lower.parse().ok().filter(|year| is_year && (1200..2200).contains(year))
}

fn nearer(today: Date, past: Days, coming: Days) -> Days {
    let days = |a: Date, b: Date| a.until(b).map_or(0, |span| span.get_days().abs());
    if days(past.from, today) <= days(today, coming.from) { past } else { coming }
}

/// The first, second or last third.
fn part(days: Days, third: i64) -> Days {
    let count = days.from.until(days.to).map_or(30, |span| i64::from(span.get_days()));
    let step = count / 3;
    let from = calendar::plus_days(days.from, third * step);
    Days { from, to: if third == 2 { days.to } else { calendar::plus_days(from, step) } }
}
