//! Arguments of conversations, runs and flows.

use clap::{Args, Subcommand, ValueEnum};

use super::{AnswerMode, Filters};

#[derive(Debug, Args)]
pub struct Chat {
    /// One question instead of a conversation; - reads it from standard input
    #[arg(value_name = "QUESTION")]
    pub question: Vec<String>,
    /// Goes on with this thread
    #[arg(long, value_name = "ID", conflicts_with = "last")]
    pub thread: Option<String>,
    /// Goes on with the newest thread
    #[arg(long)]
    pub last: bool,
    /// How much to check and improve an answer
    #[arg(long, value_name = "QUALITY", default_value = "balanced")]
    pub quality: Quality,
    /// How to answer
    #[arg(long, value_name = "MODE", default_value = "auto")]
    pub mode: AnswerMode,
    /// The chat model, by its configured name
    #[arg(long)]
    pub model: Option<String>,
    /// The flow that answers, by name [default: chat]
    #[arg(long, value_name = "NAME")]
    pub flow: Option<String>,
    /// Passages to look at, 1 to 100
    #[arg(long, allow_negative_numbers = true, value_name = "COUNT")]
    pub items: Option<usize>,
    /// Longest generated answer, in tokens
    #[arg(long, allow_negative_numbers = true, value_name = "COUNT")]
    pub tokens: Option<usize>,
    /// Of the chat model, 0 to 2
    #[arg(long, allow_negative_numbers = true, value_name = "NUMBER")]
    pub temperature: Option<f32>,
    /// Asks anew, also where an answer from the same passages is kept
    #[arg(long)]
    pub fresh: bool,
    #[command(flatten)]
    pub filters: Filters,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Quality {
    Quick,
    Balanced,
    Thorough,
}

impl Quality {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Balanced => "balanced",
            Self::Thorough => "thorough",
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum Run {
    /// Starts a run of a flow and follows it to its end
    Start {
        /// A flow's name, or a YAML file (a path with a / or .yaml)
        flow: String,
        /// An input; JSON, or else text; repeatable
        #[arg(long = "input", short = 'i', value_name = "NAME=VALUE")]
        input: Vec<String>,
        /// Starting twice with the same key is starting once
        #[arg(long, value_name = "KEY")]
        idempotency_key: Option<String>,
        /// Prints the run's id and does not wait
        #[arg(long)]
        detach: bool,
    },
    /// Lists runs, newest first
    List {
        /// running, waiting, undoing, finished, failed or cancelled
        #[arg(long)]
        status: Option<String>,
        #[arg(long)]
        flow: Option<String>,
        #[arg(long, short = 'n', allow_negative_numbers = true, default_value_t = 20)]
        limit: usize,
    },
    /// Shows a run, its history, and the state at a checkpoint
    Show {
        id: String,
        /// The state at this checkpoint
        #[arg(long, allow_negative_numbers = true, value_name = "NUMBER")]
        at: Option<u32>,
    },
    /// Follows a run to its end
    Watch { id: String },
    /// Takes a failed run up again where it failed
    Resume { id: String },
    /// Ends a run; what it did is undone where its flow says how
    Cancel {
        id: String,
        #[arg(long)]
        reason: Option<String>,
    },
    /// Begins a new run from a checkpoint of another
    Fork {
        id: String,
        /// The checkpoint [default: the last]
        #[arg(long, allow_negative_numbers = true, value_name = "NUMBER")]
        at: Option<u32>,
        /// A change of the state; JSON, or else text; repeatable
        #[arg(long = "change", value_name = "CHANNEL=VALUE")]
        changes: Vec<String>,
        /// Another flow, or a newer version of the same: a name or a YAML file
        #[arg(long, value_name = "FLOW")]
        flow: Option<String>,
    },
    /// Applies a run's journal again without effects and compares every state
    Replay {
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Shows where two runs differ
    Diff { left: String, right: String },
    /// Lists what runs wait for a person to say
    Approvals,
    /// Answers a run that waits for a person
    Approve {
        id: String,
        /// JSON, or else text
        #[arg(allow_negative_numbers = true, default_value = "true")]
        value: String,
        /// Which question, where the run asks several
        #[arg(long, value_name = "NUMBER")]
        interrupt: Option<u32>,
    },
    /// Counts runs, checkpoints and their bytes
    Statistics,
}

#[derive(Debug, Subcommand)]
pub enum Flow {
    /// Lists flows
    List,
    /// Prints a flow's YAML
    Show { name: String },
    /// Says what is wrong with flow files
    Validate {
        #[arg(required = true, value_name = "FILE")]
        files: Vec<String>,
    },
    /// Draws a flow in Mermaid's language
    Draw {
        /// A name or a YAML file
        flow: String,
    },
    /// Prints the JSON Schema of flow files, for editors
    Schema,
    /// Adds flows to the library, or newer versions of them
    Add {
        #[arg(required = true, value_name = "FILE")]
        files: Vec<String>,
    },
    /// Removes a flow; runs of it go on to their end
    Remove { name: String },
}
