//! Dates in a sentence, resolved against the day it was said: "last Friday", "3 May", "two weeks ago", "seit 2019".
//!
//! Keeps true: ranges are half-open days of the episode's own zone, in text order, and do not overlap. What is
//! said of the past resolves backwards, of the future forwards. What recurs ("every Friday") is no date.

mod absolute;
mod anchored;
mod calendar;
mod relative;
mod words;

use ibid_types::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use self::calendar::Days;
use crate::found::{DateMention, DateRole};
use crate::language::Language;
use crate::token::Token;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tense {
    Past,
    Future,
    #[default]
    Unknown,
}

/// When and in what language something is said.
#[derive(Clone, Debug)]
pub(crate) struct Now {
    pub today: Date,
    pub zone: TimeZone,
    pub language: Language,
}

impl Now {
    /// None where the time is beyond the calendar.
    pub fn new(at: Timestamp, zone: TimeZone, language: Language) -> Option<Self> {
        let time = jiff::Timestamp::from_millisecond(at.0).ok()?;
        Some(Self { today: time.to_zoned(zone.clone()).date(), zone, language })
    }

    fn start(&self, date: Date) -> Option<Timestamp> {
        date.to_zoned(self.zone.clone()).ok().map(|time| Timestamp(time.timestamp().as_millisecond()))
    }
}

/// What a reader found: the tokens up to `end`, and what they mean.
#[derive(Clone, Copy, Debug)]
struct Read {
    end: usize,
    days: Days,
    exact: bool,
    /// Where the words themselves say it ("for four years").
    role: Option<DateRole>,
}

impl Read {
    fn new(end: usize, days: Days) -> Self {
        Self { end, days, exact: true, role: None }
    }
}

struct Reader<'a, 't> {
    tokens: &'a [Token<'t>],
    now: &'a Now,
    tense: Tense,
}

/// All dates among the tokens of a sentence.
pub(crate) fn find(tokens: &[Token], now: &Now, tense: Tense) -> Vec<DateMention> {
    let reader = Reader { tokens, now, tense };
    let mut found: Vec<DateMention> = Vec::new();
    let (mut at, mut opened) = (0, None);
    while at < tokens.len() {
        let Some(read) = reader.at(at).filter(|read| read.days.from < read.days.to) else {
            at += 1;
            continue;
        };
        let role = read.role.unwrap_or_else(|| reader.role(at, read.end, opened));
        opened = (role == DateRole::Since).then_some(read.end);
        found.extend(reader.mention(at, &read, role));
        at = read.end;
    }
    found
}

impl<'t> Reader<'_, 't> {
    fn at(&self, at: usize) -> Option<Read> {
        if self.recurs(at) {
            return None;
        }
        self.anchored(at).or_else(|| self.absolute(at)).or_else(|| self.relative(at))
    }

    /// "every Friday", "most weekends".
    fn recurs(&self, at: usize) -> bool {
        self.before(at).is_some_and(|before| {
            before.is_one_of(&[
                "every", "each", "most", "all", "jeden", "jede", "jedes", "chaque", "cada", "tous", "todos",
            ])
        })
    }

    fn get(&self, at: usize) -> Option<&Token<'t>> {
        self.tokens.get(at)
    }

    fn before(&self, at: usize) -> Option<&Token<'t>> {
        at.checked_sub(1).and_then(|before| self.tokens.get(before))
    }

    fn is(&self, at: usize, word: &str) -> bool {
        self.get(at).is_some_and(|token| token.is(word))
    }

    fn is_one_of(&self, at: usize, words: &[&str]) -> bool {
        self.get(at).is_some_and(|token| token.is_one_of(words))
    }

    fn is_part_of_day(&self, at: usize) -> bool {
        self.get(at).is_some_and(words::is_part_of_day)
    }

    /// Over "morning", "night" and their like.
    fn past_part_of_day(&self, at: usize) -> usize {
        at + usize::from(self.is_part_of_day(at))
    }

    fn mention(&self, at: usize, read: &Read, role: DateRole) -> Option<DateMention> {
        let span = self.tokens[at].start..self.tokens[read.end - 1].end;
        let (from, to) = (self.now.start(read.days.from)?, self.now.start(read.days.to)?);
        Some(DateMention { span, from, to, role, exact: read.exact })
    }

    /// By the preposition before; `opened` is where a date after "from" ended.
    fn role(&self, at: usize, end: usize, opened: Option<usize>) -> DateRole {
        let mut before = at;
        while before > 0 && self.tokens[before - 1].is_one_of(FILLERS) {
            before -= 1;
        }
        let Some(word) = self.before(before) else { return DateRole::On };
        match &*word.lower {
            "since" | "seit" | "depuis" | "desde" | "ab" => DateRole::Since,
            "until" | "till" | "til" | "bis" | "hasta" | "through" | "jusqu'à" | "jusqu'en" => {
                DateRole::Until
            }
            "à" | "en" | "au" if before > 1 && self.tokens[before - 2].is_one_of(&["jusqu'", "jusqu"]) => {
                DateRole::Until
            }
            "by" | "before" => DateRole::Before,
            "after" | "nach" => DateRole::After,
            "from" | "von" | "between" | "zwischen" | "entre" | "starting" if self.is_opened(end) => {
                DateRole::Since
            }
            "to" | "and" | "und" | "y" | "et" | "–" | "-"
                if opened.is_some_and(|open| before - 1 == open) =>
            {
                DateRole::Until
            }
            "from" if self.is_one_of(end, &["on", "onward", "onwards"]) => DateRole::Since,
            _ => DateRole::On,
        }
    }

    /// "... to", "... and" after a first date.
    fn is_opened(&self, end: usize) -> bool {
        self.is_one_of(end, &["to", "until", "till", "and", "bis", "und", "y", "et", "à", "a", "–", "-"])
    }
}

/// Between a preposition and a date.
const FILLERS: &[&str] = &[
    "the", "about", "around", "early", "late", "mid", "at", "least", "der", "dem", "den", "le", "la", "el",
    "dass",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::tokens;

    /// Wednesday, 15 July 2026.
    fn found(text: &str, tense: Tense) -> Vec<(String, String, DateRole)> {
        let at: Timestamp = "2026-07-15T12:00:00Z".parse().unwrap();
        let tokens = tokens(text, 0..text.len());
        let mut counts = crate::language::Counts::default();
        counts.add(&tokens);
        let now = Now::new(at, TimeZone::UTC, counts.language()).unwrap();
        let day = |time: Timestamp| time.to_string()[..10].to_owned();
        find(&tokens, &now, tense).iter().map(|date| (day(date.from), day(date.to), date.role)).collect()
    }

    fn check(text: &str, tense: Tense, from: &str, to: &str, role: DateRole) {
        assert_eq!(found(text, tense), [(from.to_owned(), to.to_owned(), role)], "{text}");
    }

    #[test]
    fn days() {
        use DateRole::On;
        for (text, from, to) in [
            ("I went yesterday", "2026-07-14", "2026-07-15"),
            ("I went last night", "2026-07-14", "2026-07-15"),
            ("the day before yesterday I went", "2026-07-13", "2026-07-14"),
            ("I went on Monday", "2026-07-13", "2026-07-14"),
            ("I went last Friday", "2026-07-10", "2026-07-11"),
            ("I went last Wednesday night", "2026-07-08", "2026-07-09"),
            ("I went two days ago", "2026-07-13", "2026-07-14"),
            ("I went on 3 May", "2026-05-03", "2026-05-04"),
            ("I went on May 3rd, 2024", "2024-05-03", "2024-05-04"),
            ("I went on the 3rd of May", "2026-05-03", "2026-05-04"),
            ("I went on 2026-05-03", "2026-05-03", "2026-05-04"),
            ("I went on the 10th", "2026-07-10", "2026-07-11"),
            ("I went the Friday before 10 May", "2026-05-08", "2026-05-09"),
            ("I went on Mon, it was fun", "2026-07-13", "2026-07-14"),
            ("this morning I went", "2026-07-15", "2026-07-16"),
            ("I went an hour ago", "2026-07-15", "2026-07-16"),
            ("I went on 5/3/2026", "2026-05-03", "2026-05-04"),
            ("I went at Christmas", "2025-12-25", "2025-12-26"),
        ] {
            check(text, Tense::Past, from, to, On);
        }
    }

    #[test]
    fn longer_times() {
        use DateRole::On;
        for (text, from, to) in [
            ("I went last week", "2026-07-06", "2026-07-13"),
            ("I went two weeks ago", "2026-06-29", "2026-07-06"),
            ("I went last weekend", "2026-07-11", "2026-07-13"),
            ("I went two weekends ago", "2026-07-04", "2026-07-06"),
            ("this past weekend I went", "2026-07-11", "2026-07-13"),
            ("the weekend before 20 May", "2026-05-16", "2026-05-18"),
            ("the week of 20 May", "2026-05-18", "2026-05-25"),
            ("the first week of May", "2026-05-01", "2026-05-08"),
            ("the last week of May", "2026-05-25", "2026-06-01"),
            ("I went last month", "2026-06-01", "2026-07-01"),
            ("I went in May", "2026-05-01", "2026-06-01"),
            ("I went last May", "2026-05-01", "2026-06-01"),
            ("I went in September", "2025-09-01", "2025-10-01"),
            ("I went in May 2019", "2019-05-01", "2019-06-01"),
            ("I went in early May", "2026-05-01", "2026-05-11"),
            ("I went at the end of May", "2026-05-21", "2026-06-01"),
            ("I went last summer", "2025-06-01", "2025-09-01"),
            ("I went this summer", "2026-06-01", "2026-09-01"),
            ("I went in 2019", "2019-01-01", "2020-01-01"),
            ("I went last year", "2025-01-01", "2026-01-01"),
            ("I went five years ago", "2021-01-01", "2022-01-01"),
            ("I went in the 1990s", "1990-01-01", "2000-01-01"),
            ("I went a few years ago", "2021-01-01", "2025-01-01"),
        ] {
            check(text, Tense::Past, from, to, On);
        }
    }

    #[test]
    fn what_is_to_come() {
        use DateRole::On;
        for (text, from, to) in [
            ("I will go tomorrow", "2026-07-16", "2026-07-17"),
            ("I will go on Friday", "2026-07-17", "2026-07-18"),
            ("I will go next Friday", "2026-07-24", "2026-07-25"),
            ("I will go next month", "2026-08-01", "2026-09-01"),
            ("I will go in two weeks", "2026-07-27", "2026-08-03"),
            ("I will go in May", "2027-05-01", "2027-06-01"),
            ("I will go this weekend", "2026-07-18", "2026-07-20"),
            ("it starts in 3 days, I will go", "2026-07-18", "2026-07-19"),
            ("I will go the day after tomorrow", "2026-07-17", "2026-07-18"),
            ("I will go in the spring", "2027-03-01", "2027-06-01"),
            ("I will go the weekend after 20 August", "2026-08-22", "2026-08-24"),
            ("I will go on 3 May", "2027-05-03", "2027-05-04"),
        ] {
            check(text, Tense::Future, from, to, On);
        }
    }

    #[test]
    fn bounds() {
        check("I live here since 2019", Tense::Unknown, "2019-01-01", "2020-01-01", DateRole::Since);
        check("I stay until June", Tense::Unknown, "2027-06-01", "2027-07-01", DateRole::Until);
        check("I stay until next Monday", Tense::Unknown, "2026-07-20", "2026-07-21", DateRole::Until);
        check("it is due by Friday", Tense::Unknown, "2026-07-17", "2026-07-18", DateRole::Before);
        check("I have lived here for 4 years", Tense::Unknown, "2022-01-01", "2023-01-01", DateRole::Since);
        check("it was open before 2019", Tense::Past, "2019-01-01", "2020-01-01", DateRole::Before);
        check("I was ill after 3 May 2024", Tense::Past, "2024-05-03", "2024-05-04", DateRole::After);
        check("Seven years now I play", Tense::Unknown, "2019-01-01", "2020-01-01", DateRole::Since);
        let found = found("I lived there from 2015 to 2018", Tense::Past);
        assert_eq!(found.iter().map(|date| date.2).collect::<Vec<_>>(), [DateRole::Since, DateRole::Until]);
    }

    #[test]
    fn other_languages() {
        use DateRole::{On, Since, Until};
        for (text, from, to, role) in [
            ("Ich war gestern in der Stadt", "2026-07-14", "2026-07-15", On),
            ("Ich war letzten Freitag in der Stadt", "2026-07-10", "2026-07-11", On),
            ("Ich war vor zwei Wochen in der Stadt", "2026-06-29", "2026-07-06", On),
            ("Das war am 3. Mai 2024 in der Stadt", "2024-05-03", "2024-05-04", On),
            ("Das war am 03.05.2024 in der Stadt", "2024-05-03", "2024-05-04", On),
            ("Ich wohne seit 2019 in der Stadt", "2019-01-01", "2020-01-01", Since),
            ("Ich bin bis Juni nicht in der Stadt", "2027-06-01", "2027-07-01", Until),
            ("Ich war im Jahr 2019 in der Stadt", "2019-01-01", "2020-01-01", On),
            ("Ich war Ende Mai in der Stadt", "2026-05-21", "2026-06-01", On),
            ("Ich war vor einem Monat in der Stadt", "2026-06-01", "2026-07-01", On),
            ("Ich war im letzten Sommer in der Stadt", "2025-06-01", "2025-09-01", On),
            ("Il est venu le mois dernier avec les enfants", "2026-06-01", "2026-07-01", On),
            ("Fui el mes pasado a la escuela con mi hermana", "2026-06-01", "2026-07-01", On),
            ("Je suis allé hier dans la ville avec les enfants", "2026-07-14", "2026-07-15", On),
            ("Je suis allé vendredi dernier avec les enfants", "2026-07-10", "2026-07-11", On),
            ("Il est venu il y a deux semaines avec les enfants", "2026-06-29", "2026-07-06", On),
            ("Nous sommes arrivés le 3 mai 2024 dans la ville", "2024-05-03", "2024-05-04", On),
            ("Fui ayer a la escuela con mi hermana", "2026-07-14", "2026-07-15", On),
            ("Fui el viernes pasado a la escuela con mi hermana", "2026-07-10", "2026-07-11", On),
            ("Fui hace dos semanas a la escuela con mi hermana", "2026-06-29", "2026-07-06", On),
            ("Llegué el 3 de mayo de 2024 con mi hermana", "2024-05-03", "2024-05-04", On),
        ] {
            let tense = if role == On { Tense::Past } else { Tense::Unknown };
            check(text, tense, from, to, role);
        }
    }

    #[test]
    fn what_only_looks_so_is_no_date() {
        for text in [
            "every Friday we swim",
            "You may go",
            "the march was long",
            "I sat in the sun",
            "it costs 2019 dollars",
            "the 15th floor",
            "day by day",
            "a week is long",
            "room 2019",
            "We march on",
        ] {
            assert_eq!(found(text, Tense::Unknown), [], "{text}");
        }
    }
}
