//! Arguments of alerts, incidents, runbooks and the doctor.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum Alerts {
    /// Lists alerts, those that fire and past ones, and silences
    List {
        #[arg(long, short = 'n', default_value_t = 20)]
        limit: usize,
    },
    /// Takes an alert: it is neither repeated nor told to others
    Ack {
        number: i64,
        /// Who takes it
        #[arg(long, default_value = "")]
        by: String,
    },
    /// Keeps alerts of a rule from being told for a time
    Silence {
        /// A rule, or a beginning of rules that ends in *
        rule: String,
        #[arg(long, value_name = "MINUTES", default_value_t = 60)]
        minutes: u32,
        /// Only of this subject
        #[arg(long, default_value = "")]
        subject: String,
        /// Why
        #[arg(long, default_value = "")]
        reason: String,
        #[arg(long, default_value = "")]
        by: String,
    },
    /// Ends a silence
    Unsilence { number: i64 },
    /// Lists the rules
    Rules {
        /// Prints them as a file of Prometheus
        #[arg(long)]
        prometheus: bool,
    },
    /// Sends a test message to every receiver
    Test,
}

#[derive(Debug, Subcommand)]
pub enum Incidents {
    /// Lists incidents, the newest first
    List {
        #[arg(long, short = 'n', default_value_t = 20)]
        limit: usize,
    },
    /// Opens an incident and tells people
    Open {
        title: String,
        /// 0 (all stands still) to 3 (a nuisance)
        #[arg(long, short = 'p', default_value_t = 2)]
        priority: u32,
        #[arg(long, default_value = "")]
        runbook: String,
        #[arg(long, default_value = "")]
        by: String,
    },
    /// Shows an incident, what happened in it, and messages to choose from
    Show { number: i64 },
    /// Takes an incident: its clock stops
    Take {
        number: i64,
        #[arg(long, default_value = "")]
        by: String,
    },
    /// Adds a note
    Note {
        number: i64,
        text: String,
        /// note, command, runbook or change
        #[arg(long, default_value = "note")]
        kind: String,
        #[arg(long, default_value = "")]
        by: String,
    },
    /// Gives a role (commander, operations, communication, scribe) to a person
    Role {
        number: i64,
        role: String,
        #[arg(default_value = "")]
        person: String,
    },
    /// Sets what the status page says of it; empty takes it back
    Message { number: i64, text: String },
    /// Says that it is over
    Resolve {
        number: i64,
        #[arg(long, default_value = "")]
        by: String,
    },
    /// Closes it
    Close {
        number: i64,
        #[arg(long, default_value = "")]
        by: String,
    },
    /// Prints the review afterwards as Markdown: `ibid incidents review 7 > review.md`
    Review { number: i64 },
}

#[derive(Debug, Subcommand)]
pub enum Runbooks {
    /// Lists the runbooks
    List,
    /// Prints a runbook
    Show { name: String },
    /// Carries a runbook out: looks, asks before it changes anything, finds out whether it helped
    Run(RunbookRun),
}

#[derive(Debug, Args)]
pub struct RunbookRun {
    pub name: String,
    /// Confirms everything
    #[arg(long)]
    pub yes: bool,
    /// Writes each step into this incident
    #[arg(long, value_name = "NUMBER")]
    pub incident: Option<i64>,
}

#[derive(Debug, Args)]
pub struct Doctor {
    /// Only these areas: configuration, disk, permissions, clock, port, server, library, store, blobs, models, providers, index,
    /// backup, jobs, keys, certificates, memory, memories, answers, alerts, audit, traffic
    #[arg(long, value_name = "AREA", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Leaves out what reads the whole library or asks others
    #[arg(long)]
    pub quick: bool,
    /// Takes the rights of others on the data directory away before it looks
    #[arg(long)]
    pub mend: bool,
}
