//! `ibid memory`, as `--help` shows it.

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub enum Memory {
    /// Remembers a text (- reads standard input), and shows what was found in it
    Add(Add),
    /// States a fact: subject, relation, object
    Relate(Relate),
    /// Recalls what was told and what is known
    Recall(Recall),
    /// Lists facts, as they are believed now or were at another time
    Facts(Facts),
    /// Shows a fact with every state that was believed of it
    Fact { id: String },
    /// Corrects a fact, takes it back, or decides for it
    Change(Change),
    /// Lists who and what is known
    Entities {
        /// Part of a name
        text: Vec<String>,
        #[arg(long, short = 'n', default_value_t = 50)]
        limit: usize,
    },
    /// Shows what is known of an entity, in the order in which it held
    Timeline { entity: String },
    /// Lists facts that others have ended
    Conflicts,
    /// Shows what changed between two times
    Changes {
        /// `2026-05-03`, or with a time
        from: String,
        /// Now without it
        to: Option<String>,
    },
    /// Shows the chain of facts between two entities
    Path(PathBetween),
    /// Shows what is around an entity
    Neighbours {
        entity: String,
        #[arg(long, default_value_t = 1)]
        depth: usize,
        #[arg(long, short = 'n', default_value_t = 30)]
        limit: usize,
    },
    /// Lists the most central entities
    Central {
        #[arg(long, value_enum, default_value_t = By::Pagerank)]
        by: By,
        #[arg(long, short = 'n', default_value_t = 20)]
        limit: usize,
    },
    /// Lists groups of entities that have to do with each other
    Communities,
    /// Forgets a fact, an entity, a time, or everything, and prints the receipt
    Forget(Forget),
    /// Lists receipts of what was forgotten
    Receipts,
    /// Shows or changes what may be remembered: off, asked (what is asked for) or on (conversations as well)
    Consent { consent: Option<Consent> },
    /// Writes everything that is remembered to standard output
    Export {
        #[arg(long, value_enum, default_value_t = Form::Jsonl)]
        format: Form,
    },
    /// Takes memories in from a file of another program, or of an export (- reads standard input)
    Import {
        file: String,
        /// What wrote it; found out without it
        #[arg(long, value_enum)]
        from: Option<Origin>,
        /// For everybody who reads in the workspace
        #[arg(long)]
        shared: bool,
    },
    /// Shows who calls a symbol of a repository
    Callers(Callers),
    /// Shows what changed in repositories since a commit or a day
    Since(Since),
    /// Shows why a symbol or a file is as it is: commits, comments, memories and documents that name it
    Why(Why),
    /// Lists the repositories that are known
    Code,
    /// Shows how much is remembered
    Stats,
}

#[derive(Debug, Args)]
pub struct Callers {
    /// `parse`, `Reader::parse` or `src/read.rs#Reader::parse`
    pub symbol: String,
    /// Who called it then [default: now]
    #[arg(long)]
    pub valid_at: Option<String>,
    #[arg(long, short = 'n', default_value_t = 50)]
    pub limit: usize,
}

#[derive(Debug, Args)]
pub struct Since {
    /// Eight or more digits of a commit's id, or a day such as 2026-05-03
    #[arg(value_name = "COMMIT|DATE")]
    pub since: String,
    /// Only in this symbol, file or folder
    #[arg(value_name = "SYMBOL|PATH")]
    pub of: Option<String>,
    #[arg(long, short = 'n', default_value_t = 50)]
    pub limit: usize,
}

#[derive(Debug, Args)]
pub struct Why {
    #[arg(value_name = "SYMBOL|PATH")]
    pub of: String,
    #[arg(long, short = 'n', default_value_t = 20)]
    pub limit: usize,
}

#[derive(Debug, Args)]
pub struct Add {
    #[arg(required = true)]
    pub text: Vec<String>,
    /// Who says it
    #[arg(long, short = 's')]
    pub speaker: Option<String>,
    /// When it was said: `2026-05-03`, or with a time [default: now]
    #[arg(long)]
    pub at: Option<String>,
    /// The time zone in which its days are meant, such as Europe/Berlin [default: UTC]
    #[arg(long)]
    pub zone: Option<String>,
    /// Where it came from
    #[arg(long)]
    pub source: Option<String>,
    /// For everybody who reads in the workspace
    #[arg(long)]
    pub shared: bool,
    /// Does not wait until it is read
    #[arg(long)]
    pub no_wait: bool,
}

#[derive(Debug, Args)]
pub struct Relate {
    pub subject: String,
    /// DEPENDS_ON, "works at", ...
    pub relation: String,
    /// The name of an entity, or with --text what is none
    pub object: String,
    #[arg(long)]
    pub text: bool,
    /// From when on it holds
    #[arg(long)]
    pub from: Option<String>,
    /// Until when
    #[arg(long)]
    pub to: Option<String>,
    /// fact, insight, procedure, concept or preference
    #[arg(long)]
    pub kind: Option<String>,
    /// It has one value at a time: what held before ends
    #[arg(long)]
    pub single: bool,
    #[arg(long)]
    pub shared: bool,
}

#[derive(Debug, Args)]
pub struct Recall {
    #[arg(required = true)]
    pub query: Vec<String>,
    /// episode, fact or entity; repeatable
    #[arg(long)]
    pub kind: Vec<String>,
    /// What held then in the world
    #[arg(long)]
    pub valid_at: Option<String>,
    /// What was believed then
    #[arg(long)]
    pub believed_at: Option<String>,
    /// What has to do with this entity
    #[arg(long)]
    pub entity: Option<String>,
    #[arg(long, short = 'n', default_value_t = 10)]
    pub limit: usize,
    /// Shows why each is there
    #[arg(long)]
    pub explain: bool,
}

#[derive(Debug, Args)]
pub struct Facts {
    /// About this entity
    pub entity: Option<String>,
    #[arg(long)]
    pub kind: Option<String>,
    /// What held then in the world
    #[arg(long)]
    pub valid_at: Option<String>,
    /// What was believed then
    #[arg(long)]
    pub believed_at: Option<String>,
    /// Also what has left recall
    #[arg(long)]
    pub archived: bool,
    #[arg(long, short = 'n', default_value_t = 50)]
    pub limit: usize,
}

#[derive(Debug, Args)]
pub struct Change {
    pub id: String,
    #[arg(long)]
    pub statement: Option<String>,
    /// From when on it holds
    #[arg(long)]
    pub from: Option<String>,
    /// Until when
    #[arg(long)]
    pub to: Option<String>,
    /// Nobody knows since when
    #[arg(long, conflicts_with = "from")]
    pub no_from: bool,
    /// It holds
    #[arg(long, conflicts_with = "to")]
    pub no_to: bool,
    /// 0 to 1
    #[arg(long)]
    pub importance: Option<f32>,
    /// Out of recall
    #[arg(long, conflicts_with = "restore")]
    pub archive: bool,
    /// Back into recall
    #[arg(long)]
    pub restore: bool,
    /// It was a mistake: what it had ended goes on
    #[arg(long)]
    pub retract: bool,
    /// Of all that contradict it, it counts for most
    #[arg(long, conflicts_with = "retract")]
    pub decide: bool,
}

#[derive(Debug, Args)]
pub struct PathBetween {
    pub from: String,
    pub to: String,
    /// Only these relations; repeatable, or separated by commas
    #[arg(long = "relation", visible_alias = "relations", value_name = "RELATION", value_delimiter = ',')]
    pub relations: Vec<String>,
    /// What the chain looks like, in its order: 'DEPENDS_ON* PART_OF', '<' before a step against its direction, '~' either way, 'A|B', '_'
    /// for any, and ?, *, + or {1,3} for how often
    #[arg(long, conflicts_with = "relations")]
    pub pattern: Option<String>,
    #[arg(long, default_value_t = 6)]
    pub hops: usize,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub struct Forget {
    /// A fact's id
    #[arg(long)]
    pub fact: Option<String>,
    /// An entity's id or name, with every sentence that names it
    #[arg(long)]
    pub entity: Option<String>,
    /// An episode's id
    #[arg(long)]
    pub episode: Option<String>,
    /// What was said at or after
    #[arg(long)]
    pub from: Option<String>,
    /// What was said before
    #[arg(long)]
    pub to: Option<String>,
    /// A repository by its path or name, with the messages of its commits
    #[arg(long, value_name = "REPOSITORY")]
    pub code: Option<String>,
    /// All that is remembered of you in the workspace
    #[arg(long)]
    pub everything: bool,
    /// Of somebody else, `user:ID` or `key:ID`, with --everything; for administrators
    #[arg(long)]
    pub person: Option<String>,
    /// Of what the workspace shares
    #[arg(long)]
    pub shared: bool,
    /// Does not ask
    #[arg(long, short = 'y')]
    pub yes: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Consent {
    Off,
    Asked,
    On,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum By {
    Degree,
    Pagerank,
    Betweenness,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Form {
    Jsonl,
    Graphml,
    Jsonld,
    Csv,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Origin {
    Ibid,
    Mem0,
    Zep,
    Graphiti,
    Jsonl,
}
