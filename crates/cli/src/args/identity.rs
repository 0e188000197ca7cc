//! Arguments about people, what is granted to them, and the audit log.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub enum Auth {
    /// Shows who you are to the server, and what you may do where
    Me,
    /// Lists accounts
    Users,
    /// Makes an account, and prints the one-time link with which its owner sets a password
    Add(Add),
    /// Prints a one-time link: for an account whose password is to be set anew, or for the first account
    Link {
        /// The account's name; left out, the link makes the first owner's account
        name: Option<String>,
    },
    /// Keeps somebody out, who is signed out at once
    Disable { name: String },
    /// Lets somebody in again
    Enable { name: String },
    /// Deletes an account with all that was granted to it
    Delete { name: String },
    /// Lists who is signed in, and where
    Sessions,
    /// Ends every session: everybody has to sign in again
    #[command(name = "sign-out-everybody")]
    SignOutEverybody,
    /// Takes the second factors of somebody away who has lost them
    #[command(name = "reset-factors")]
    ResetFactors { name: String },
    /// Prints a short-lived token of the API key that asks, for a service
    Token(Token),
    /// Lists the keys that sign tokens
    #[command(name = "signing-keys")]
    SigningKeys,
    /// Signs tokens with a new key; those of the former one are taken for a day more
    #[command(name = "rotate-signing-key")]
    RotateSigningKey {
        /// Refuses all tokens that are in use from now on
        #[arg(long)]
        at_once: bool,
    },
    /// Lists groups with their members
    Groups,
    /// Makes a group, or changes who is in it
    Group(Group),
    /// Lists what was granted to whom
    Grants,
    /// Grants a role: everywhere, or with --workspace in one
    Grant {
        /// user:NAME, group:NAME or key:NAME
        holder: String,
        /// owner, admin, editor, reader, operator or auditor
        role: String,
    },
    /// Takes a role away: the one everywhere, or with --workspace the one there
    Revoke {
        /// user:NAME, group:NAME or key:NAME
        holder: String,
    },
}

#[derive(Debug, Args)]
pub struct Add {
    pub name: String,
    /// Grants a role: everywhere, or with --workspace in one
    #[arg(long)]
    pub role: Option<String>,
}

#[derive(Debug, Args)]
pub struct Token {
    /// The service that it is for; left out: this server
    #[arg(long)]
    pub audience: Option<String>,
    /// How long it is good for, at most a day
    #[arg(long)]
    pub seconds: Option<i64>,
    /// No more than this role of the key's rights; with --workspace only there
    #[arg(long)]
    pub role: Option<String>,
}

#[derive(Debug, Args)]
pub struct Group {
    pub name: String,
    /// Puts this account into it
    #[arg(long, value_name = "NAME")]
    pub add: Vec<String>,
    /// Takes this account out of it
    #[arg(long, value_name = "NAME")]
    pub remove: Vec<String>,
    /// Deletes the group
    #[arg(long, conflicts_with_all = ["add", "remove"])]
    pub delete: bool,
}

#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Shows what was done, and by whom, the newest last
    List {
        /// Entries after this number
        #[arg(long, default_value_t = 0)]
        after: i64,
        /// So many of them
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Checks that no entry was changed, removed or put in between
    Verify {
        /// An export in JSON lines, looked at instead of the library
        file: Option<PathBuf>,
    },
    /// Prints all entries for other tools
    Export {
        #[arg(long, value_enum, default_value_t = Format::Jsonl)]
        format: Format,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Format {
    /// One JSON object a line
    Jsonl,
    /// Common Event Format, for syslog
    Cef,
}
