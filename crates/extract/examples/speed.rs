//! Prints how fast text is read, with all that was found, so that nothing can be left out.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::time::Instant;

use ibid_extract::{Context, extract, mentions};
use ibid_types::Timestamp;

const TURNS: [&str; 8] = [
    "Hey Otto! Long time no see, how have you been?",
    "I just moved to Lisbon last week and started working at Globex, it's been a wild ride.",
    "My sister Anna is allergic to peanuts, so we never have them at home.",
    "Thanks, that's awesome! Can't wait to see the pictures.",
    "We decided to use Postgres for the job queue because Redis lost two batches on 3 May.",
    "Yesterday I went to the Museum of Modern Art with Tom and his kids, then we had dinner by the river.",
    "I used to live in Rome, but I no longer do; my favourite city is Porto now.",
    "Always run `make test` before a release, and see docs/operating.md for the rest.",
];

/// Passages, so long as a document of some hundred pages.
const DOCUMENT_TURNS: usize = 20_000;

fn main() {
    let document: String = TURNS.iter().cycle().take(DOCUMENT_TURNS).map(|turn| format!("{turn} ")).collect();
    assert!(!mentions(&document[..1000]).is_empty(), "the lists are built before the clock runs");
    let began = Instant::now();
    let found = mentions(&document).len();
    let seconds = began.elapsed().as_secs_f64();
    println!("mentions: {:.1} MB/s, {found} names", document.len() as f64 / 1e6 / seconds);

    let context = Context {
        speaker: Some("Mira"),
        addressee: Some("Otto"),
        ..Context::at(Timestamp(1_784_116_800_000))
    };
    let began = Instant::now();
    let statements: usize =
        TURNS.iter().cycle().take(DOCUMENT_TURNS).map(|turn| extract(turn, &context).statements.len()).sum();
    let seconds = began.elapsed().as_secs_f64();
    println!("all: {:.0} turns/s, {statements} statements", DOCUMENT_TURNS as f64 / seconds);

    let began = Instant::now();
    let statements = extract(&document, &context).statements.len();
    let seconds = began.elapsed().as_secs_f64();
    println!("all, one text: {:.1} MB/s, {statements} statements", document.len() as f64 / 1e6 / seconds);
}
