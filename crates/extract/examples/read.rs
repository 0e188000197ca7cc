//! Prints what is found in each line of the standard input: `date<TAB>speaker<TAB>addressee<TAB>text`, as JSON.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::io::{BufRead, Write};

use ibid_extract::{Context, extract};
use ibid_types::Timestamp;

fn main() {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let fields: Vec<&str> = line.splitn(4, '\t').collect();
        let [date, speaker, addressee, text] = fields[..] else { continue };
        let at: Timestamp = date.parse().unwrap();
        let context = Context { speaker: Some(speaker), addressee: Some(addressee), ..Context::at(at) };
        writeln!(out, "{}", serde_json::to_string(&extract(text, &context)).unwrap()).unwrap();
    }
}
