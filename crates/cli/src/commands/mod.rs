//! The commands, a file a noun, and the table that finds them.

mod admin;
mod alerts;
mod ask;
mod audit;
mod backups;
mod chat;
mod code;
mod costs;
mod doctor;
mod documents;
mod eval;
mod flows;
mod follow;
mod form;
mod golden;
mod identity;
mod incidents;
mod ingest;
mod jobs;
mod limits;
mod mcp;
mod memory;
mod models;
mod operations;
mod part;
mod providers;
mod runbooks;
mod runs;
mod scrape;
mod search;
mod serve;
mod status;
mod top;
mod upkeep;
mod watch;

use std::process::ExitCode;

use clap::CommandFactory;
use ibid_serve::Mode;
use ibid_types::{Error, Result};

use crate::args::{Arguments, Command};
use crate::context::Context;

/// Runs what the command line asks for.
pub fn run(arguments: Arguments) -> Result<ExitCode> {
    let Arguments { common, command } = arguments;
    let open = |mode| Context::open(common.clone(), mode);
    match command {
        Command::Ingest(arguments) if arguments.code => ingest::run(&open(Mode::Working)?, &arguments),
        Command::Ingest(arguments) => ingest::run(&open(Mode::Working)?.that_embeds()?, &arguments),
        Command::Ask(arguments) => ask::run(&open(Mode::Command)?, &arguments),
        Command::Chat(arguments) => chat::run(&open(Mode::Working)?.that_embeds()?, &arguments),
        Command::Search(arguments) => search::run(&open(Mode::Command)?, &arguments),
        Command::Serve(arguments) => serve::run(common, &arguments),
        Command::Mcp => mcp::run(common),
        Command::Documents(command) => documents::run(&open(Mode::Command)?, command),
        Command::Memory(command) => memory::run(&open(Mode::Command)?, command),
        Command::Jobs(command) => jobs::run(&open(Mode::Command)?, command),
        Command::Run(command) => runs::run(&open(Mode::Working)?, command),
        Command::Flow(command) => flows::run(&open(Mode::Command)?, command),
        Command::Models(command) => models::run(&common, command),
        Command::Eval(arguments) => eval::run(&common, &arguments),
        Command::Index(command) => admin::index(&open(Mode::Command)?, &command),
        Command::Backup(command) => backups::backup(&common, &command),
        Command::Restore(arguments) => backups::restore(&common, &arguments),
        Command::Drill(command) => backups::drill(&open(Mode::Command)?, &command),
        Command::Alerts(command) => alerts::run(&open(Mode::Command)?, command),
        Command::Slo => alerts::slo(&open(Mode::Command)?),
        Command::Incidents(command) => incidents::run(&open(Mode::Command)?, command),
        Command::Runbook(command) => runbooks::run(&common, &command),
        Command::Golden => golden::run(&open(Mode::Command)?),
        Command::Doctor(arguments) => doctor::run(&common, &arguments),
        Command::Keys(command) => admin::keys(&open(Mode::Command)?, command),
        Command::Auth(command) => identity::run(&open(Mode::Command)?, command),
        Command::Limits(command) => limits::run(&open(Mode::Command)?, command),
        Command::Audit(command) => audit::run(&open(Mode::Command)?, &command),
        Command::Workspace(command) => admin::workspaces(&open(Mode::Command)?, command),
        Command::Status(arguments) => status::run(&open(Mode::Command)?, &arguments),
        Command::Top(arguments) => top::run(&open(Mode::Command)?, &arguments),
        Command::Providers { command } => {
            providers::run(&open(Mode::Command)?, &command.unwrap_or(crate::args::Providers::List))
        }
        Command::Costs(arguments) => costs::run(&open(Mode::Command)?, &arguments),
        Command::Log(command) => operations::log(&open(Mode::Command)?, command),
        Command::Ops(command) => operations::ops(&command),
        Command::Config(command) => admin::configuration(&common, &command),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "ibid", &mut script);
            crate::output::piece(&String::from_utf8_lossy(&script))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// The filters of the command line on the wire.
fn filter(filters: &crate::args::Filters) -> ibid_api::search::Filter {
    let filters = filters.clone();
    ibid_api::search::Filter {
        documents: filters.documents,
        tags: filters.tags,
        languages: filters.languages,
        path_prefix: filters.path,
        date_from: filters.from,
        date_to: filters.to,
        without_memory: filters.no_memory,
    }
}

/// Where a passage stands: `Manual, page 3, Refunds > Deadlines`.
fn place(title: &str, page: Option<u32>, heading_path: &[String]) -> String {
    let mut place = title.to_owned();
    if let Some(page) = page {
        place.push_str(&format!(", page {page}"));
    }
    let headings: Vec<&str> =
        heading_path.iter().map(String::as_str).filter(|heading| *heading != title).collect();
    if !headings.is_empty() {
        place.push_str(&format!(", {}", headings.join(" > ")));
    }
    crate::output::foreign_line(&place)
}

/// `NAME=VALUE` pairs as an object; a value that is no JSON is text.
fn object(pairs: &[String]) -> Result<serde_json::Value> {
    let mut object = serde_json::Map::new();
    for pair in pairs {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| Error::bad_request("pair_malformed", format!("'{pair}' is not NAME=VALUE")))?;
        object.insert(name.to_owned(), value_of(value));
    }
    Ok(serde_json::Value::Object(object))
}

fn value_of(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|_| serde_json::Value::String(text.to_owned()))
}

/// A flow as the command line names it: `(name, None)`, or `(None, source)` of a file.
fn flow_of(named: &str) -> Result<(Option<String>, Option<String>)> {
    let is_file = named.contains('/') || named.ends_with(".yaml") || named.ends_with(".yml");
    if is_file { Ok((None, Some(source_of(named)?))) } else { Ok((Some(named.to_owned()), None)) }
}

fn source_of(file: &str) -> Result<String> {
    std::fs::read_to_string(file).map_err(|error| {
        let what = format!("cannot read {file}; a flow is a YAML file in UTF-8");
        Error::bad_request("flow_unreadable", what).caused_by(error)
    })
}
