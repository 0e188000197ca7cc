//! The words that dates are made of, in four languages.

use super::calendar::Unit;
use crate::language::Language;
use crate::token::{Shape, Token};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Last,
    This,
    Next,
}

/// 1 to 12.
pub(crate) fn month(token: &Token) -> Option<i8> {
    let found = MONTHS.iter().position(|names| names.contains(&&*token.lower))?;
    let is_short_word = token.is_one_of(&["mar", "dec", "sep", "jan", "jun"]);
    (!is_short_word || token.is_capital()).then(|| (found + 1) as i8)
}

const MONTHS: [&[&str]; 12] = [
    &["january", "jan", "januar", "jänner", "janvier", "enero"],
    &["february", "feb", "februar", "février", "febrero"],
    &["march", "mar", "märz", "mars", "marzo"],
    &["april", "apr", "avril", "abril"],
    &["may", "mai", "mayo"],
    &["june", "jun", "juni", "juin", "junio"],
    &["july", "jul", "juli", "juillet", "julio"],
    &["august", "aug", "août", "agosto"],
    &["september", "sep", "sept", "septembre", "septiembre"],
    &["october", "oct", "oktober", "octobre", "octubre"],
    &["november", "nov", "novembre", "noviembre"],
    &["december", "dec", "dezember", "décembre", "diciembre"],
];

/// 0 is Monday.
pub(crate) fn weekday(token: &Token) -> Option<i8> {
    let found = WEEKDAYS.iter().position(|names| names.contains(&&*token.lower))?;
    let is_short_word = token.is_one_of(&["sat", "sun", "wed", "mon", "fri", "thu", "mar"]);
    (!is_short_word || token.is_capital()).then_some(found as i8)
}

const WEEKDAYS: [&[&str]; 7] = [
    &["monday", "mon", "montag", "lundi", "lunes"],
    &["tuesday", "tue", "tues", "dienstag", "mardi", "martes"],
    &["wednesday", "wed", "mittwoch", "mercredi", "miércoles"],
    &["thursday", "thu", "thur", "thurs", "donnerstag", "jeudi", "jueves"],
    &["friday", "fri", "freitag", "vendredi", "viernes"],
    &["saturday", "sat", "samstag", "sonnabend", "samedi", "sábado"],
    &["sunday", "sun", "sonntag", "dimanche", "domingo"],
];

pub(crate) fn unit(token: &Token, language: Language) -> Option<Unit> {
    Some(match &*token.lower {
        "minute" | "minutes" | "hour" | "hours" | "hrs" => Unit::Instant,
        "day" | "days" | "night" | "nights" => Unit::Day,
        "week" | "weeks" | "wk" | "wks" => Unit::Week,
        "weekend" | "weekends" | "wochenende" | "week-end" => Unit::Weekend,
        "month" | "months" => Unit::Month,
        "quarter" => Unit::Quarter,
        "year" | "years" | "yr" | "yrs" => Unit::Year,
        "decade" | "decades" => Unit::Decade,
        "spring" => Unit::Season(3),
        "summer" => Unit::Season(6),
        "autumn" | "fall" => Unit::Season(9),
        "winter" => Unit::Season(12),
        _ => return foreign_unit(&token.lower, language),
    })
}

fn foreign_unit(lower: &str, language: Language) -> Option<Unit> {
    let units = match language {
        Language::English => return None,
        Language::German => GERMAN_UNITS,
        Language::French => FRENCH_UNITS,
        Language::Spanish => SPANISH_UNITS,
    };
    units.iter().find(|(words, _)| words.contains(&lower)).map(|(_, unit)| *unit)
}

type Units = &'static [(&'static [&'static str], Unit)];

const GERMAN_UNITS: Units = &[
    (&["stunde", "stunden", "minuten"], Unit::Instant),
    (&["tag", "tage", "tagen", "nacht"], Unit::Day),
    (&["woche", "wochen"], Unit::Week),
    (&["monat", "monate", "monaten"], Unit::Month),
    (&["jahr", "jahre", "jahren", "jahres"], Unit::Year),
    (&["frühling", "frühjahr"], Unit::Season(3)),
    (&["sommer"], Unit::Season(6)),
    (&["herbst"], Unit::Season(9)),
];

const FRENCH_UNITS: Units = &[
    (&["heure", "heures"], Unit::Instant),
    (&["jour", "jours", "nuit"], Unit::Day),
    (&["semaine", "semaines"], Unit::Week),
    (&["mois"], Unit::Month),
    (&["an", "ans", "année", "années"], Unit::Year),
    (&["printemps"], Unit::Season(3)),
    (&["été"], Unit::Season(6)),
    (&["automne"], Unit::Season(9)),
    (&["hiver"], Unit::Season(12)),
];

const SPANISH_UNITS: Units = &[
    (&["hora", "horas"], Unit::Instant),
    (&["día", "días", "noche"], Unit::Day),
    (&["semana", "semanas"], Unit::Week),
    (&["mes", "meses"], Unit::Month),
    (&["año", "años"], Unit::Year),
    (&["primavera"], Unit::Season(3)),
    (&["verano"], Unit::Season(6)),
    (&["otoño"], Unit::Season(9)),
    (&["invierno"], Unit::Season(12)),
];

/// What stands before a unit or day.
pub(crate) fn direction(token: &Token) -> Option<Direction> {
    Some(match &*token.lower {
        "last" | "past" | "previous" | "letzten" | "letzte" | "letztes" | "letzter" | "letztem"
        | "vorigen" | "vorige" | "voriges" | "vergangenen" | "vergangene" | "vergangenes" => Direction::Last,
        "this" | "current" | "diesen" | "diese" | "dieses" | "dieser" | "diesem" | "ce" | "cet" | "cette"
        | "este" | "esta" => Direction::This,
        "next" | "coming" | "upcoming" | "nächsten" | "nächste" | "nächstes" | "nächster" | "nächstem"
        | "kommenden" | "kommende" | "kommendes" | "próximo" | "próxima" => Direction::Next,
        _ => return None,
    })
}

/// What stands after one: "vendredi dernier", "el mes pasado".
pub(crate) fn direction_after(token: &Token) -> Option<Direction> {
    Some(match &*token.lower {
        "dernier" | "dernière" | "passé" | "passée" | "pasado" | "pasada" => Direction::Last,
        "prochain" | "prochaine" | "próximo" | "próxima" => Direction::Next,
        _ => return None,
    })
}

/// Days from today.
pub(crate) fn fixed_day(token: &Token, language: Language) -> Option<i64> {
    let offset = match (&*token.lower, language) {
        ("yesterday" | "gestern" | "ayer", _) | ("hier", Language::French) => -1,
        ("today" | "tonight" | "heute" | "hoy" | "aujourd'hui", _) => 0,
        ("tomorrow" | "demain", _) | ("morgen", Language::German) | ("mañana", Language::Spanish) => 1,
        ("vorgestern" | "avant-hier" | "anteayer", _) => -2,
        ("übermorgen" | "après-demain", _) => 2,
        _ => return None,
    };
    let is_noun = token.is("morgen") && token.is_capital() && !token.opens;
    (!is_noun).then_some(offset)
}

/// A number up to 999, in digits or words.
pub(crate) fn number(token: &Token) -> Option<i64> {
    if token.shape == Shape::Number {
        let is_plain = token.lower.len() <= 3 && token.lower.bytes().all(|byte| byte.is_ascii_digit());
        return if is_plain { token.lower.parse().ok() } else { None };
    }
    NUMBERS.iter().find(|(_, words)| words.contains(&&*token.lower)).map(|(value, _)| *value)
}

const NUMBERS: &[(i64, &[&str])] = &[
    (1, &["a", "an", "one", "ein", "eine", "einem", "einer", "un", "une", "una"]),
    (2, &["two", "zwei", "deux", "dos"]),
    (3, &["three", "drei", "trois", "tres"]),
    (4, &["four", "vier", "quatre", "cuatro"]),
    (5, &["five", "fünf", "cinq", "cinco"]),
    (6, &["six", "sechs", "seis"]),
    (7, &["seven", "sieben", "sept", "siete"]),
    (8, &["eight", "acht", "huit", "ocho"]),
    (9, &["nine", "neun", "neuf", "nueve"]),
    (10, &["ten", "zehn", "dix", "diez"]),
    (11, &["eleven", "elf", "onze", "once"]),
    (12, &["twelve", "zwölf", "douze", "doce"]),
    (15, &["fifteen"]),
    (20, &["twenty", "zwanzig", "vingt", "veinte"]),
    (30, &["thirty", "dreißig"]),
    (40, &["forty"]),
    (50, &["fifty"]),
];

/// First to fifth, and -1 for last.
pub(crate) fn ordinal(token: &Token) -> Option<i64> {
    Some(match &*token.lower {
        "first" | "1st" | "erste" | "ersten" | "première" | "primera" => 1,
        "second" | "2nd" | "zweite" | "zweiten" => 2,
        "third" | "3rd" | "dritte" | "dritten" => 3,
        "fourth" | "4th" => 4,
        "last" | "letzte" | "letzten" => -1,
        _ => return None,
    })
}

/// "morning", "night": nothing that changes the day.
pub(crate) fn is_part_of_day(token: &Token) -> bool {
    token.is_one_of(&[
        "morning",
        "afternoon",
        "evening",
        "night",
        "noon",
        "abend",
        "früh",
        "nachmittag",
        "nacht",
        "matin",
        "soir",
        "après-midi",
        "tarde",
        "noche",
    ])
}
