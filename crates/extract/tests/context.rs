//! What a text is read against: zone, speaker, names that are known.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;

use ibid_extract::{Context, DateRole, EntityKind, extract};
use ibid_types::Timestamp;
use jiff::tz::{Offset, TimeZone};

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn days_are_those_of_the_zone() {
    let zone = TimeZone::fixed(Offset::constant(2));
    let context = Context { zone, ..Context::at(time("2026-07-15T23:30:00Z")) };
    let date = extract("I planted a tree today.", &context).dates.remove(0);
    assert_eq!((date.from, date.to), (time("2026-07-15T22:00:00Z"), time("2026-07-16T22:00:00Z")));
}

#[test]
fn known_names_are_found_in_small_letters_and_at_the_beginning() {
    let known: HashMap<String, EntityKind> =
        [("zorbex".to_owned(), EntityKind::Product), ("blue harbour".to_owned(), EntityKind::Place)].into();
    let context = Context { known: &known, ..Context::at(Timestamp(0)) };
    let found = extract("Zorbex is slow. i saw zorbex at blue harbour.", &context).mentions;
    let names: Vec<(&str, EntityKind)> =
        found.iter().map(|mention| (mention.name.as_str(), mention.kind)).collect();
    assert_eq!(
        names,
        [
            ("Zorbex", EntityKind::Product),
            ("zorbex", EntityKind::Product),
            ("blue harbour", EntityKind::Place)
        ]
    );
}

#[test]
fn who_speaks_and_who_listens_are_people() {
    let context =
        Context { speaker: Some("Zwei Blum"), addressee: Some("Quell"), ..Context::at(Timestamp(0)) };
    let found = extract("Quell, you know that Zwei likes tea.", &context).mentions;
    assert!(found.len() == 2 && found.iter().all(|mention| mention.kind == EntityKind::Person), "{found:?}");
}

#[test]
fn a_date_keeps_its_words_and_its_role() {
    let text = "I have lived in Rome since 3 May 2019.";
    let date = extract(text, &Context::at(time("2026-07-15"))).dates.remove(0);
    assert_eq!((&text[date.span], date.role, date.exact), ("3 May 2019", DateRole::Since, true));
}

#[test]
fn a_date_in_the_sentence_before_bounds_nothing() {
    let found = extract("It rained last week. I live in Rome.", &Context::at(time("2026-07-15")));
    assert_eq!(found.statements[0].valid, None);
}

#[test]
fn sentences_do_not_share_their_subjects() {
    let context = Context { speaker: Some("Mira"), ..Context::at(Timestamp(0)) };
    let found = extract("Anna works at Globex. And bought a car.", &context).statements;
    assert!(
        found.iter().all(|statement| statement.relation != "buy" || statement.subject.is_speaker),
        "{found:?}"
    );
}
