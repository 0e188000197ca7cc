//! The figures of `make bench`: each measured beside a peer or a limit, in one run on one machine.
//!
//! Keeps true: where there is a peer, it and we take turns on the same input, and the ratio is the median over the
//! turns; what is missing (data, a peer) is said in the row, never guessed.

mod backup;
mod cores;
mod embed;
mod engine;
mod flood;
mod flow;
mod gateway;
mod guard;
mod ingest;
mod large;
mod library;
mod limits;
mod load_row;
mod mcp;
mod memory;
mod memory_feed;
mod memory_graph;
mod multihop;
mod peer;
mod program;
mod quality;
mod recovery;
mod row;
mod start;
mod telemetry;
mod texts;
mod turns;

use std::path::PathBuf;

use ibid_model::MiniLm;

pub use row::{HEADING, Row};

/// What a figure gives, or why it cannot be taken.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// What a run is made with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The program `ibid`.
    pub program: PathBuf,
    /// The folder with the folder of the embedder.
    pub models: PathBuf,
    /// A Python with the peers.
    pub python: PathBuf,
    /// Keeps texts, vectors and libraries between runs.
    pub cache: PathBuf,
    /// Judged collections; without it, speeds are measured on the manual and no quality is.
    pub data: Option<PathBuf>,
    /// Turns of each side.
    pub turns: usize,
}

type Figure = fn(&Setup) -> Outcome<Vec<Row>>;

/// Each name measures one or several rows.
pub const FIGURES: [(&str, Figure); 23] = [
    ("quality", quality::rows),
    ("multihop", multihop::rows),
    ("embed", embed::rows),
    ("ingest", ingest::rows),
    ("engine", engine::rows),
    ("large", large::rows),
    ("start", start::rows),
    ("load", load_row::rows),
    ("flood", flood::rows),
    ("fair", flood::fair_rows),
    ("flow", flow::rows),
    ("gateway", gateway::rows),
    ("backup", backup::rows),
    ("recovery", recovery::rows),
    ("telemetry", telemetry::rows),
    ("guard", guard::rows),
    ("limits", limits::rows),
    ("memory-recall", memory::rows),
    ("memory-quality", memory::quality_rows),
    ("memory-beside", memory::beside_rows),
    ("memory-feed", memory_feed::rows),
    ("memory-graph", memory_graph::rows),
    ("mcp", mcp::rows),
];

impl Setup {
    fn embedder_dir(&self) -> PathBuf {
        self.models.join("all-MiniLM-L6-v2")
    }

    fn embedder(&self, threads: usize) -> Outcome<MiniLm> {
        Ok(MiniLm::load(&self.embedder_dir(), threads)?)
    }

    fn scratch(&self) -> Outcome<tempfile::TempDir> {
        Ok(tempfile::tempdir_in(&self.cache)?)
    }
}
