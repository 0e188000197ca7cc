//! Counts the questions of evaluation sets that a rule would keep from the documents, or take for a follow-up's form.
//!
//! `cargo run -p ibid-chat --example eval_routes -- FILE...` reads one question a line from each file and prints, for each
//! file, how many there are and those that are not routed to the documents.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use ibid_chat::{Policy, Route, way};

fn main() {
    let policy = Policy::default();
    let (mut all, mut wrong) = (0_usize, 0_usize);
    for file in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&file).unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let other: Vec<(&str, Route)> = lines
            .iter()
            .map(|line| (*line, way(line, &policy).route))
            .filter(|(_, route)| *route != Route::Documents)
            .collect();
        println!("{file}: {} questions, {} not to the documents", lines.len(), other.len());
        for (line, route) in &other {
            println!("  {}: {line}", route.name());
        }
        all += lines.len();
        wrong += other.len();
    }
    println!("all: {all} questions, {wrong} not to the documents");
}
