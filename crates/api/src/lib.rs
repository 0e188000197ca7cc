//! Wire types: what travels over HTTP, as clients see it, and what each error class means there.
//!
//! Keeps true: a wire name never changes its meaning within `/v1`. Ids are strings, times are RFC 3339 in UTC,
//! offsets are named by their unit, and every error has the one shape of [`problem::Problem`].

pub mod answer;
pub mod code;
pub mod convert;
pub mod cost;
pub mod document;
pub mod flow;
pub mod identity;
pub mod job;
pub mod limits;
pub mod memory;
pub mod openai;
pub mod ops;
pub mod problem;
pub mod provider;
pub mod quality;
pub mod run;
pub mod search;
pub mod system;
pub mod thread;
pub mod watch;
pub mod words;
