//! What operators type: the log, dashboards, what a server does right now.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub struct Status {
    /// Stays and shows it anew every two seconds
    #[arg(long)]
    pub watch: bool,
}

#[derive(Debug, Args)]
pub struct Top {
    /// Ends after so many screens [default: without end on a terminal, else 1]
    #[arg(long, short = 'n', value_name = "COUNT")]
    pub count: Option<u32>,
}

#[derive(Debug, Subcommand)]
pub enum Log {
    /// Shows or changes the level of a running server's log, until it ends
    Level {
        /// error, warn, info, debug or trace; also ibid_serve=debug,info
        level: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub enum Ops {
    /// Writes the dashboards for Grafana
    Dashboards {
        /// The folder, such as that of Grafana's provisioning
        #[arg(long, value_name = "DIR")]
        into: PathBuf,
    },
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Costs {
    #[command(subcommand)]
    pub command: Option<CostsCommand>,
    /// day, workspace, owner or model
    #[arg(long, default_value = "day")]
    pub by: String,
    /// A month of UTC, such as 2026-11 [default: this one]
    #[arg(long)]
    pub month: Option<String>,
    /// What this month will have cost when it is over
    #[arg(long, conflicts_with = "month")]
    pub forecast: bool,
}

#[derive(Debug, Subcommand)]
pub enum CostsCommand {
    /// Lists budgets with what is spent and left
    Budgets,
}

#[derive(Debug, Subcommand)]
pub enum Providers {
    /// Lists models with their breakers, quotas and the calls of the last five minutes, and routes
    List,
    /// Sends one tiny request to a chat model or a route; exit code 5 if it is not answered
    Test { name: String },
}
