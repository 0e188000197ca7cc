//! Dashboards for Grafana, made from the list of metrics.
//!
//! Keeps true: a panel is made of entries of the list, so that none can name a metric that does not exist; an expression
//! names only labels that its metric has.

mod grafana;
mod panel;
mod rules;
mod views;

pub use grafana::grafana;
pub use panel::{Panel, Query, Unit};
pub use rules::recording_rules;
pub use views::views;

/// What is looked at together.
#[derive(Clone, Debug)]
pub struct View {
    /// The name of its file, and of its address.
    pub name: &'static str,
    pub title: &'static str,
    pub panels: Vec<Panel>,
}

/// File name to contents of everything under `deploy/grafana`.
#[must_use]
pub fn files() -> Vec<(String, String)> {
    views().iter().map(|view| (format!("{}.json", view.name), grafana(view))).collect()
}
