//! Prints the names of each line of the standard input, as JSON.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::io::{BufRead, Write};

fn main() {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        writeln!(out, "{}", serde_json::to_string(&ibid_extract::mentions(&line.unwrap())).unwrap()).unwrap();
    }
}
