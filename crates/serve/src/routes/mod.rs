//! The endpoints, a file a noun.

pub mod alerts;
pub mod ask;
pub mod backups;
pub mod costs;
pub mod doctor;
pub mod documents;
pub mod factors;
pub mod flows;
pub mod identity;
pub mod incidents;
pub mod jobs;
pub mod limits;
pub mod memory;
pub mod oidc;
pub mod openai;
pub mod people;
pub mod providers;
pub mod runs;
pub mod search;
pub mod sse;
pub mod system;
pub mod telemetry;
pub mod threads;
pub mod tokens;
pub mod upkeep;
pub mod upload;
