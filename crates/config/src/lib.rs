//! The configuration: one tree, four layers, every value with its origin.
//!
//! Keeps true: `config/ibid.toml` *is* the defaults (it is compiled in and is the lowest layer), so the
//! documented default cannot differ from the real one. All problems are reported at once, each with its key,
//! where the value came from, and what would be right.

mod audit;
mod backup;
mod budgets;
mod exposure;
mod gateway;
mod guard;
mod identity;
mod layers;
mod memory;
mod outgoing;
mod secret_files;
mod tls;
mod tools;
mod tree;
#[cfg(test)]
mod tried;
mod watch;

pub use audit::{Audit, AuditReceiver};
pub use backup::{Backup, BackupDestination};
pub use budgets::Budget;
pub use gateway::{Breaker, ChatRoute, Quota};
pub use guard::{Guard, IngestGuard, KINDS, kind_and_action};
pub use identity::{Identity, SignInProvider};
pub use layers::{Layers, Origin, Shown};
pub use memory::Memory;
pub use outgoing::is_near_address;
pub use tls::Tls;
pub use tools::{McpServer, Tools};
pub use tree::{
    Answer, Blob, Chat, ChatModel, Config, Crisis, Data, Embedder, Flow, FlowKey, Ingest, Limits, Log,
    Models, Server, Telemetry,
};
pub use watch::{AlertRule, Alerts, Divisor, Incidents, Notify, Receiver, Slo};

/// The commented defaults, as `ibid config default` prints them.
pub const DEFAULTS: &str = include_str!("../../../config/ibid.toml");
