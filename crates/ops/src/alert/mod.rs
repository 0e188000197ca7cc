//! Alerts: rules as data, evaluated over the metrics, told to people until they are over.
//!
//! Keeps true: evaluation and the plan of who is told what are pure; what they decide is one commit together with the
//! deliveries that tell of it, so that an alert that is stored is told even if the process dies at once.

mod board;
mod configured;
mod defaults;
mod expression;
mod prometheus;
mod rule;
mod tell;
mod watch;

pub use board::{Board, Change, Met, Settings, evaluate};
pub use configured::rules;
pub use defaults::default_rules;
pub use expression::Expression;
pub use prometheus::to_prometheus;
pub use rule::{Comparison, Condition, Rule, Severity, per_cent};
pub use tell::{Event, Message, Plan, Routes, plan};
pub use watch::{Ticked, Watch, told_as_test, told_by_hand};
