//! Prints the table of figures: `ibid-figures PROGRAM MODELS PYTHON CACHE [ROW...]`, in the repository's root.
//! `IBID_DATA` names the folder with judged collections, `IBID_BENCH_TURNS` how often each side is measured.

#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::path::PathBuf;
use std::process::ExitCode;

use ibid_bench::figures::{FIGURES, HEADING, Outcome, Setup};

const TURNS: usize = 5;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [program, models, python, cache, rows @ ..] => match run([program, models, python, cache], rows) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => refuse(&error.to_string()),
        },
        _ => refuse("say PROGRAM MODELS PYTHON CACHE [ROW...]"),
    }
}

fn refuse(why: &str) -> ExitCode {
    eprintln!("{why}");
    ExitCode::from(2)
}

/// Whether every row could be measured; missing a target is no failure of the measurement.
fn run(paths: [&String; 4], wanted: &[String]) -> Outcome<bool> {
    let known = |name: &String| FIGURES.iter().any(|(figure, _)| figure == name);
    if let Some(unknown) = wanted.iter().find(|name| !known(name)) {
        let names: Vec<&str> = FIGURES.iter().map(|(name, _)| *name).collect();
        return Err(format!("there is no row '{unknown}'; there are {}", names.join(", ")).into());
    }
    let [program, models, python, cache] = paths.map(PathBuf::from);
    std::fs::create_dir_all(&cache)?;
    let data = std::env::var_os("IBID_DATA").map(PathBuf::from);
    let turns = std::env::var("IBID_BENCH_TURNS").ok().and_then(|text| text.parse().ok()).unwrap_or(TURNS);
    let setup = Setup { program, models, python, cache, data, turns };
    println!("{HEADING}");
    let mut whole = true;
    for (name, figure) in
        FIGURES.iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|one| one == name))
    {
        eprintln!("measuring {name}");
        match figure(&setup) {
            Ok(rows) => rows.iter().for_each(|row| println!("{}", row.line(name))),
            Err(error) => {
                whole = false;
                println!("| {name} | failed: {error} |  |  |  |  | `{name}` |");
            }
        }
    }
    Ok(whole)
}
