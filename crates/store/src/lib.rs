//! Ground truth: `Db` with its two verbs, the tables, the change feed and the job queue over it.
//!
//! Keeps true: an acknowledged batch is on disk; a row and its feed entry are one commit; SQL is written once,
//! in the dialect that SQLite and PostgreSQL share.

mod db;

pub use db::{Db, Outcome, Row, Statement, Value};
