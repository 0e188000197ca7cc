//! What is stated: sentences and the statements that are read from them.
#![allow(clippy::unwrap_used)]

use ibid_extract::{Context, Extracted, MemoryKind, RelationKind, Statement, extract};
use ibid_types::Timestamp;

/// Wednesday, 15 July 2026.
fn read(text: &str) -> Extracted {
    let at: Timestamp = "2026-07-15T12:00:00Z".parse().unwrap();
    let context = Context { speaker: Some("Mira"), addressee: Some("Otto"), ..Context::at(at) };
    extract(text, &context)
}

/// `subject|relation|object`, with `!` before what is denied.
fn short(statement: &Statement) -> String {
    let denied = if statement.negated { "!" } else { "" };
    format!("{}|{denied}{}|{}", statement.subject.name, statement.relation, statement.object.text)
}

fn stated(text: &str) -> Vec<String> {
    read(text).statements.iter().map(short).collect()
}

fn one(text: &str) -> Statement {
    let mut statements = read(text).statements;
    assert!(!statements.is_empty(), "nothing is stated: {text}");
    statements.remove(0)
}

fn day(time: Option<Timestamp>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| time.to_string()[..10].to_owned())
}

fn valid(text: &str) -> (String, String) {
    let valid = one(text).valid.unwrap_or_default();
    (day(valid.from), day(valid.to))
}

#[test]
fn people_say_where_they_live_and_work() {
    for (text, expected) in [
        ("I live in Berlin.", "Mira|live_in|Berlin"),
        ("I just moved to Lisbon!", "Mira|live_in|Lisbon"),
        ("Anna works at Globex.", "Anna|work_at|Globex"),
        ("My sister works for Globex now.", "Mira's sister|work_at|Globex"),
        ("Dr. Anna Zork works at Globex.", "Anna Zork|work_at|Globex"),
        ("You live in Oslo.", "Otto|live_in|Oslo"),
        ("I'm from Porto.", "Mira|come_from|Porto"),
        ("Anna was born in Rome.", "Anna|born_in|Rome"),
        ("My name is Mira Blum.", "Mira|named|Mira Blum"),
        ("My brother is called Tom.", "Mira's brother|named|Tom"),
        ("Anna is married to Tom.", "Anna|married_to|Tom"),
        ("Anna married Tom last May.", "Anna|married_to|Tom"),
        ("I am 34 years old.", "Mira|age|34"),
        ("My sister is Anna.", "Mira|sister|Anna"),
        ("Anna's hobby is chess.", "Anna|hobby|chess"),
        ("Anna is a nurse.", "Anna|is_a|nurse"),
    ] {
        assert_eq!(stated(text), [expected], "{text}");
    }
    assert_eq!(stated("Tom and Anna live in Rome."), ["Tom|live_in|Rome", "Anna|live_in|Rome"]);
    assert_eq!(stated("Anna is a nurse at Globex."), ["Anna|work_at|Globex", "Anna|is_a|nurse"]);
    assert_eq!(stated("Anna, who works at Globex, loves chess."), ["Anna|work_at|Globex", "Anna|love|chess"]);
    assert_eq!(stated("I work as a nurse at Globex."), ["Mira|work_as|nurse", "Mira|work_at|Globex"]);
}

#[test]
fn tastes_are_preferences() {
    for (text, expected) in [
        ("I love hiking and pottery.", "Mira|love|hiking and pottery"),
        ("I don't like coriander.", "Mira|!like|coriander"),
        ("We prefer tea to coffee.", "Mira|prefer|tea to coffee"),
        ("I really hate Mondays at work.", "Mira|hate|Mondays at work"),
        ("My favourite colour is dark green.", "Mira|favourite_colour|dark green"),
        ("I'm passionate about jazz.", "Mira|passionate_about|jazz"),
        ("I'd love to visit Kyoto.", "Mira|love_to|visit Kyoto"),
    ] {
        assert_eq!(stated(text), [expected], "{text}");
        assert_eq!(one(text).kind, MemoryKind::Preference, "{text}");
    }
}

#[test]
fn other_facts() {
    for (text, expected) in [
        ("I'm allergic to peanuts.", "Mira|allergic_to|peanuts"),
        ("I have two cats.", "Mira|have|two cats"),
        ("I plan to open a bakery.", "Mira|plan_to|open a bakery"),
        ("Tom wants to learn Dutch.", "Tom|want_to|learn Dutch"),
        ("I bought a red bicycle yesterday.", "Mira|buy|red bicycle"),
        ("Just adopted a dog named Rex.", "Mira|adopt|dog named Rex"),
        ("I went to the museum with Anna last week.", "Mira|go_to|museum with Anna"),
        ("I'm gonna paint the kitchen.", "Mira|paint|kitchen"),
        ("Please call me Bob.", "Mira|named|Bob"),
        ("My birthday is on 3 May.", "Mira|birthday|3 May"),
        ("The deadline is 30 November.", "deadline|date|30 November"),
        ("My wife's name is Sarah.", "Mira's wife|named|Sarah"),
        ("I got a new job at Globex.", "Mira|work_at|Globex"),
        ("Tom got married to Ella.", "Tom|married_to|Ella"),
        ("My sister, Anna, works at Globex.", "Anna|work_at|Globex"),
        (
            "The root cause of the outage was an old certificate.",
            "root cause of the outage|is_a|old certificate",
        ),
        ("The meeting with Globex is in Oslo.", "meeting with Globex|be_in|Oslo"),
        ("Been practising the cello lately.", "Mira|practise|cello"),
        ("Globex was founded by Anna.", "Anna|found|Globex"),
        ("Anna manages the Zork team.", "Anna|manage|Zork team"),
        ("Anna met Tom. She works at Globex.", "Anna|meet|Tom"),
    ] {
        assert_eq!(stated(text)[0], expected, "{text}");
    }
    assert_eq!(stated("Anna likes tea. She works at Globex.")[1], "Anna|work_at|Globex");
}

#[test]
fn things_stand_to_things() {
    use RelationKind::{BuildsOn, Contradicts, DependsOn, ExceptionTo, PartOf, Supersedes};
    for (text, expected, kind) in [
        ("The API depends on Redis.", "API|depend_on|Redis", DependsOn),
        ("Our parser requires Rust 1.95.", "Mira's parser|depend_on|Rust 1.95", DependsOn),
        ("Zork builds on SQLite.", "Zork|build_on|SQLite", BuildsOn),
        ("Zork is based on SQLite.", "Zork|based_on|SQLite", BuildsOn),
        ("The new policy replaces the old one.", "new policy|replace|old one", Supersedes),
        ("Version 2 was superseded by Version 3.", "Version 3|supersede|Version 2", Supersedes),
        ("The report contradicts the minutes.", "report|contradict|minutes", Contradicts),
        ("The parser is part of the compiler.", "parser|part_of|compiler", PartOf),
        (
            "Every request needs a token, except health checks.",
            "health checks|exception_to|Every request needs a token",
            ExceptionTo,
        ),
    ] {
        let found = read(text).statements;
        let fitting = found.iter().find(|statement| statement.relation_kind == kind);
        assert_eq!(fitting.map(short).as_deref(), Some(expected), "{text} {found:?}");
    }
}

#[test]
fn what_is_denied_or_over() {
    for (text, expected, closes) in [
        ("I no longer work at Globex.", "Mira|!work_at|Globex", true),
        ("I don't work at Globex anymore.", "Mira|!work_at|Globex", true),
        ("I don't work at Globex any more.", "Mira|!work_at|Globex", true),
        ("I quit my job at Globex.", "Mira|!work_at|Globex", true),
        ("Anna left Globex in May.", "Anna|!work_at|Globex", true),
        ("I used to live in Rome.", "Mira|live_in|Rome", true),
        ("I stopped working at Globex.", "Mira|!work_at|Globex", true),
        ("Anna does not eat meat.", "Anna|!eat|meat", false),
        ("I have never been to Japan.", "Mira|!visit|Japan", false),
    ] {
        let statement = one(text);
        assert_eq!((short(&statement).as_str(), statement.closes), (expected, closes), "{text}");
    }
}

#[test]
fn when_it_holds() {
    for (text, from, to) in [
        ("I have lived in Berlin since 2019.", "2019-01-01", "-"),
        ("I moved to Berlin last May.", "2026-05-01", "-"),
        ("I'm staying in Berlin until September.", "-", "2026-10-01"),
        ("I lived in Berlin from 2015 to 2018.", "2015-01-01", "2019-01-01"),
        ("I used to live in Rome.", "-", "2026-07-15"),
        ("I no longer work at Globex.", "2026-07-15", "-"),
        ("Yesterday I adopted a cat.", "2026-07-14", "-"),
        ("I worked at Globex in 2020.", "2020-01-01", "2021-01-01"),
        ("I live in Berlin.", "-", "-"),
    ] {
        assert_eq!(valid(text), (from.to_owned(), to.to_owned()), "{text}");
    }
}

#[test]
fn one_value_at_a_time() {
    for (text, expected) in [
        ("I live in Berlin.", true),
        ("Anna works at Globex.", true),
        ("My favourite colour is blue.", true),
        ("Anna's email is anna@example.org.", true),
        ("I like tea.", false),
        ("I have two cats.", false),
        ("I don't live in Berlin.", false),
    ] {
        assert_eq!(one(text).single_valued, expected, "{text}");
    }
}

#[test]
fn insights_procedures_and_concepts() {
    use MemoryKind::{Concept, Insight, Procedure};
    for (text, expected, kind) in [
        ("We decided to use Postgres for the queue.", "Mira|decide_to|use Postgres for the queue", Insight),
        ("I realised that the cache was never cleared.", "Mira|realise|cache was never cleared", Insight),
        ("We learned that batches beat single rows.", "Mira|learn|batches beat single rows", Insight),
        ("RRF means reciprocal rank fusion.", "RRF|mean|reciprocal rank fusion", Concept),
        ("To deploy the page, run make release.", "deploy the page|done_by|run make release", Procedure),
        ("Do not deploy on a Friday.", "Mira|instruct|Do not deploy on a Friday", Procedure),
        ("Use tabs, not spaces.", "Mira|instruct|Use tabs, not spaces", Procedure),
        (
            "Always run the tests before a release.",
            "Mira|instruct|Always run the tests before a release",
            Procedure,
        ),
    ] {
        let found = read(text).statements;
        let fitting = found.iter().find(|statement| statement.kind == kind);
        assert_eq!(fitting.map(short).as_deref(), Some(expected), "{text} {found:?}");
    }
    let steps = stated("How to deploy the page:\n1. Build the image.\n2. Push the image.");
    assert_eq!(steps, ["deploy the page|step|Build the image", "deploy the page|step|Push the image"]);
}

#[test]
fn what_is_to_be_remembered_matters() {
    let found = read("Remember that the safe is in the cellar.");
    assert!(found.importance >= 0.9 && short(&found.statements[0]) == "safe|be_in|cellar", "{found:?}");
    let found = read("Note: rent due on the first, always.");
    assert!(found.importance >= 0.9 && !found.statements.is_empty(), "{found:?}");
}

#[test]
fn small_talk_leaves_nothing() {
    for text in [
        "Hey! How are you?",
        "Thanks so much, that's awesome!",
        "Haha, lol!",
        "Good morning Otto, hope you're doing well.",
        "Wow, that sounds great! Keep it up!",
        "You're the best, can't wait to see you!",
        "That's so sweet of you. It means a lot.",
        "That sounds like a wild ride.",
        "Sounds like a plan!",
        "Have you ever been to Rome?",
        "Do you like jazz",
        "Maybe I live in Berlin.",
        "If I lived in Berlin, I would work at Globex.",
        "I might buy a car.",
        "I would buy a car.",
        "What a great idea!",
        "Bye!",
        "",
    ] {
        let found = read(text);
        assert!(found.statements.is_empty() && found.importance <= 0.15, "{text} {found:?}");
    }
}

#[test]
fn what_matters_outweighs_what_does_not() {
    let weight = |text: &str| read(text).importance;
    assert!(weight("I'm allergic to peanuts.") > weight("I like tea."));
    assert!(weight("I like tea.") > weight("We fed a bird."));
    assert!(weight("We fed a bird.") > weight("Wow, cool!"));
}

#[test]
fn other_languages() {
    for (text, expected) in [
        ("Ich wohne seit 2019 in Berlin und mag es.", "Mira|live_in|Berlin"),
        ("Ich arbeite bei der Globex GmbH.", "Mira|work_at|Globex GmbH"),
        ("Anna wohnt nicht mehr in Hamburg, sie ist weg.", "Anna|!live_in|Hamburg"),
        ("J'habite à Lyon depuis 2020.", "Mira|live_in|Lyon"),
        ("Je m'appelle Claire et je travaille chez Globex.", "Mira|named|Claire"),
        ("Vivo en Madrid con mi hermana.", "Mira|live_in|Madrid"),
        ("Me gusta el café con leche por la mañana.", "Mira|like|café"),
    ] {
        assert_eq!(stated(text).first().map(String::as_str), Some(expected), "{text} {:?}", stated(text));
    }
}

#[test]
fn without_names_the_speaker_is_i_and_you_is_nobody() {
    let at: Timestamp = "2026-07-15T12:00:00Z".parse().unwrap();
    let found = extract("I live in Berlin. You live in Oslo.", &Context::at(at));
    assert_eq!(found.statements.iter().map(short).collect::<Vec<_>>(), ["I|live_in|Berlin"]);
    assert!(found.statements[0].subject.is_speaker);
}
