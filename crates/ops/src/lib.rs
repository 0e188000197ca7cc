//! Operations: what is measured, the last 30 days of it, and what is made of it.
//!
//! Keeps true: a metric exists in one list ([`metric`]); whatever names one names an entry of that list.

pub mod alert;
pub mod audit;
pub mod certificate;
mod connect;
pub mod dashboard;
pub mod doctor;
pub mod incident;
pub mod machine;
pub mod metric;
pub mod notify;
pub mod runbook;
pub mod series;
pub mod slo;
