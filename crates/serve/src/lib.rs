//! The server: it constructs every concrete adapter, routes requests, and ends gracefully.
//!
//! Keeps true: this is the only crate that names concrete adapters and the only one besides `api` that knows HTTP
//! from the server's side. Handlers do no work of their own: they read the request, call one thing, and map it.

mod app;
mod auth;
mod client;
mod embedder;
mod http;
mod limits;
mod metrics;
mod openapi;
mod page;
mod router;
mod routes;
mod search;
mod server;
mod telemetry;
mod upkeep;

pub use app::{App, Mode, PARSE_WORKER};
pub use client::{Client, Reply, problem_error};
pub use embedder::{make as make_embedder, models_dir};
pub use router::router;
pub use server::{LocalServer, serve};
pub use telemetry::{Logging, set_up as set_up_logging};
