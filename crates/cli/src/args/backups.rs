//! Arguments of `ibid backup`, `ibid restore` and `ibid drill`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum Backup {
    /// Makes a base now; every commit is shipped by itself within a second
    Now,
    /// Lists what can be restored, destination by destination
    List {
        /// Only this destination
        #[arg(long, value_name = "NAME")]
        from: Option<String>,
    },
    /// Reads and checks every object of the backups
    Verify {
        /// Only this destination
        #[arg(long, value_name = "NAME")]
        from: Option<String>,
    },
    /// Removes what is older than the destinations keep
    Prune,
    /// Shows how far behind the backup is
    Status,
}

#[derive(Debug, Args)]
pub struct Restore {
    /// `latest`, a time such as 2026-11-21T14:30:00Z, or the number of a commit
    #[arg(long, value_name = "MOMENT", default_value = "latest")]
    pub to: String,
    /// The new directory; it must not exist or be empty
    #[arg(long, value_name = "DIR", required_unless_present_any = ["dry_run", "only"])]
    pub into: Option<PathBuf>,
    /// Says what would be restored and restores nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Brings only this back, into the living library: document=ID_OR_SOURCE, thread=ID, workspace=NAME, or the memory of
    /// somebody: memory=user:ID, key:ID, shared or machine
    #[arg(long, value_name = "PART", conflicts_with_all = ["into", "from"])]
    pub only: Option<String>,
    /// Also what people have had forgotten since that moment; only where they ask for it themselves
    #[arg(long, requires = "only")]
    pub forgotten: bool,
    /// Only from this destination [default: from all, in order]
    #[arg(long, value_name = "NAME")]
    pub from: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Drill {
    /// Restores the newest backup into a scratch folder, checks it and asks it questions
    Now,
    /// Lists rehearsals, newest first
    List,
    /// Writes the report of a rehearsal as a page, which a browser prints as PDF
    Report {
        /// When it was, as `ibid drill list` shows it [default: the newest]
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
        /// The file [default: standard output]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}
