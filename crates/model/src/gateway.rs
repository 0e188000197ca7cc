//! The gateway to providers of models: routes of models in order, and the gate that each model stands behind.
//!
//! Keeps true: no call goes around a gate (breaker, quota, retries); a route never waits beyond its time; what was shown
//! of an answer that broke off is taken back before another model begins; every attempt is told to the observer.

mod breaker;
mod embed;
mod figures;
mod gate;
mod line;
mod patience;
mod price;
mod provider;
mod purse;
mod quota;
mod race;
mod report;
pub(crate) mod retry;
mod route;
#[cfg(test)]
mod route_suite;
mod told;

pub use breaker::{Breaker, BreakerConfig, BreakerState, Permit};
pub use embed::GatedEmbedder;
pub use figures::Recent;
pub use gate::{Gate, GateConfig, GateState, Pass};
pub use line::Line;
pub use patience::{Cancel, Patience};
pub use price::Price;
pub use provider::Provider;
pub use purse::{Purse, Unlimited};
pub use quota::{Left, QuotaConfig};
pub use report::{Attempt, CallReport, Kind, Observer, PassedOver, Unobserved};
pub use route::{Route, RouteConfig};
