//! The program `ibid`.
//!
//! Keeps true: every command is a client of the API. Where a server runs on the data directory it goes there over
//! HTTP; where none does, the same router answers inside this process. Answers go to standard output, everything
//! else to standard error, and the exit code says what happened (`docs/cli.md`).

mod args;
mod commands;
mod context;
mod fetch;
mod files;
mod output;

use std::process::ExitCode;

use clap::Parser;

use crate::args::Arguments;

fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|argument| argument == ibid_serve::PARSE_WORKER) {
        return ibid_ingest::worker::worker_main();
    }
    let arguments = Arguments::parse();
    let color = output::Color::new(arguments.common.color);
    match commands::run(arguments) {
        Ok(code) => code,
        Err(error) => {
            output::print_error(&error, color);
            ExitCode::from(output::exit_code(error.class))
        }
    }
}
