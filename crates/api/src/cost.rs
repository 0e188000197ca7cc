//! What chat models cost, and budgets, by the prices of the configuration.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `GET /v1/costs`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Costs {
    /// The first day and the last, of UTC.
    pub from: String,
    pub to: String,
    /// `day`, `workspace`, `owner` or `model`.
    pub by: String,
    /// Days in their order, else the dearest first.
    pub rows: Vec<Cost>,
    pub total: Cost,
    /// Of the current month; none before a full day of spending.
    pub forecast: Option<CostForecast>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Cost {
    /// A day, a workspace's name, `user:NAME`, `key:NAME`, or a model's name; the id of what was deleted.
    pub of: String,
    pub calls: u64,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    pub usd: f64,
}

/// What a month will have cost when it is over, if the last days go on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CostForecast {
    /// The last day of the month.
    pub until: String,
    pub spent_usd: f64,
    pub expected_usd: f64,
    /// Of about nineteen months in twenty, if days are alike.
    pub low_usd: f64,
    pub high_usd: f64,
    /// Full days that it was made from, at most 7.
    pub days: usize,
}

/// One entry of `GET /v1/budgets`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Budget {
    pub name: String,
    /// `everybody`, or `workspace:NAME`, `user:NAME`, `group:NAME`, `key:NAME`.
    pub of: String,
    /// `month` or `day`.
    pub period: String,
    pub usd: f64,
    pub spent_usd: f64,
    pub left_usd: f64,
    /// `within`, `warning` or `used up`.
    pub state: String,
    pub warn_percent: u32,
    /// Whether models that cost something are asked no more once it is used up.
    pub stop: bool,
    /// The first day on which it is full again.
    pub until: String,
}
