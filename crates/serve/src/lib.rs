//! The server: it constructs every concrete adapter, routes requests, and ends gracefully.
//!
//! Keeps true: this is the only crate that names concrete adapters and the only one besides `api` that knows HTTP
//! from the server's side. Handlers do no work of their own: they read the request, call one thing, and map it.

mod access;
mod app;
mod audit;
mod backups;
mod budgets;
mod clean_up;
mod client;
mod code;
mod connections;
mod embedder;
mod engine;
mod events;
mod examination;
mod flow_book;
mod forgotten;
mod http;
mod identity;
mod kept;
mod leaks;
mod library;
mod limits;
mod live;
mod mcp;
mod memory;
mod metered;
mod metrics;
mod openapi;
mod page;
mod places;
mod policy;
mod providers;
mod quality;
mod questions;
mod queue;
mod recollection;
mod router;
mod routes;
mod runs;
mod scrub;
mod search;
mod server;
mod spend;
mod spend_forecast;
mod telemetry;
mod tls;
mod turns;
mod upkeep;
mod watch;
mod wire;
mod words;

pub use access::matrix::{MATRIX, Need};
pub use app::{App, Mode, PARSE_WORKER};
pub use backups::report::Report as DrillReport;
pub use backups::{Backups, Held};
pub use client::{Client, Reply, ServerEvent, Trust, problem_error};
pub use embedder::{make as make_embedder, models_dir};
pub use mcp::{Api as McpApi, Asked as McpAsked, Handler as McpHandler};
pub use router::router;
pub use server::{LocalServer, Ready, serve};
pub use telemetry::{Exporter, Logging, export as export_traces, set_up as set_up_logging};
