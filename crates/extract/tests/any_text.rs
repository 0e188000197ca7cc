//! Any text gives an answer: no panic, spans that fit, the same each time.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::ops::Range;

use ibid_extract::{Context, EntityKind, Extracted, extract, mentions, name_key, same_name};
use ibid_types::Timestamp;
use proptest::prelude::*;

fn fits(text: &str, span: &Range<usize>) -> bool {
    span.start < span.end && text.get(span.clone()).is_some()
}

fn check(text: &str, at: i64) -> Extracted {
    let known: HashMap<String, EntityKind> = [("zork".to_owned(), EntityKind::Product)].into();
    let context = Context {
        speaker: Some("Mira"),
        addressee: Some("Otto"),
        known: &known,
        ..Context::at(Timestamp(at))
    };
    let found = extract(text, &context);
    for mention in &found.mentions {
        assert!(fits(text, &mention.span) && !mention.name.is_empty(), "{mention:?} in {text:?}");
    }
    assert!(found.mentions.windows(2).all(|pair| pair[0].span.end <= pair[1].span.start), "{text:?}");
    assert!(found.dates.windows(2).all(|pair| pair[0].span.end <= pair[1].span.start), "{text:?}");
    assert!(found.dates.iter().all(|date| fits(text, &date.span) && date.from < date.to), "{text:?}");
    for statement in &found.statements {
        let subject = statement.subject.span.as_ref();
        assert!(
            fits(text, &statement.span) && fits(text, &statement.object.span),
            "{statement:?} in {text:?}"
        );
        assert!(subject.is_none_or(|span| fits(text, span)), "{statement:?} in {text:?}");
        assert!((0.0..=1.0).contains(&statement.confidence) && (0.0..=1.0).contains(&statement.importance));
        assert!(!statement.relation.is_empty() && !statement.object.text.is_empty(), "{statement:?}");
        assert!(
            statement.span.start <= statement.object.span.start
                && statement.object.span.end <= statement.span.end
        );
    }
    assert!((0.0..=1.0).contains(&found.importance));
    found
}

const WORDS: &[&str] = &[
    "I",
    "we",
    "Anna",
    "my",
    "sister",
    "is",
    "was",
    "not",
    "no",
    "longer",
    "work",
    "works",
    "at",
    "Globex",
    "in",
    "Berlin",
    "last",
    "Friday",
    "two",
    "weeks",
    "ago",
    "since",
    "2019",
    "May",
    "3rd",
    "of",
    "the",
    "and",
    ",",
    ".",
    "?",
    "!",
    "to",
    "love",
    "hiking",
    "who",
    "that",
    "'s",
    "n't",
    "it",
    "used",
    "until",
    "before",
    "first",
    "week",
    "then",
    "except",
    "unless",
    "\"",
    "“",
    "”",
    "`",
    "src/main.rs",
    "é",
    "ß",
    "\n",
    "1.",
    "-",
    "(",
    ")",
    "von",
    "der",
    "Dr.",
    "a",
    "few",
    "ich",
    "wohne",
    "j'habite",
    "à",
    "2026-02-30",
    "31.12.9999",
    "the",
    "end",
    "remember",
    ":",
    "😀",
    "日本",
    "İ",
    "so",
    "than",
    "next",
    "every",
    "for",
    "now",
];

proptest! {
    #[test]
    fn sentences_of_our_words(picked in prop::collection::vec((0..WORDS.len(), any::<bool>()), 0..60), at in any::<i64>()) {
        let mut text = String::new();
        for (word, spaced) in picked {
            text.push_str(WORDS[word]);
            text.push_str(if spaced { " " } else { "" });
        }
        prop_assert_eq!(check(&text, at), check(&text, at));
    }

    #[test]
    fn any_characters(text in any::<String>(), at in -377_705_116_800_000_i64..253_402_207_200_000) {
        check(&text, at);
        for mention in mentions(&text) {
            prop_assert!(fits(&text, &mention.span));
        }
    }

    #[test]
    fn any_names(a in any::<String>(), b in "[A-Za-zäöü.' -]{0,24}") {
        prop_assert_eq!(name_key(&name_key(&a)), name_key(&a));
        let score = same_name(&a, &b);
        prop_assert!((0.0..=1.0).contains(&score) && (score - same_name(&b, &a)).abs() < 1e-6);
    }
}

#[test]
fn long_runs_of_one_thing() {
    for part in [
        "a",
        "l'",
        "A ",
        "a, ",
        "the ",
        "\"",
        "`",
        ".",
        "of the ",
        "I love ",
        "é",
        "Anna and ",
        "last ",
        "before ",
        "'",
        "1.",
    ] {
        let text = part.repeat(40_000 / part.len());
        check(&text, 0);
    }
}

/// The ends of the calendar and beyond.
#[test]
fn any_time_will_do() {
    for at in [i64::MIN, i64::MAX, 0, 253_402_207_199_999, -377_705_116_799_999] {
        check("I left Berlin last year, two decades ago, on 3 May, next week and since Friday.", at);
    }
}
