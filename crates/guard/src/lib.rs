//! What may not pass: secrets, personal data, instructions in documents, addresses of inner networks, markup that
//! carries data away.
//!
//! Keeps true: everything here is a function of its arguments, takes time linear in the text, never panics, and gives
//! spans that lie on character boundaries. It decides nothing by itself: who calls holds a [`Policy`] or a threshold.

mod address;
mod fence;
mod finding;
mod injection;
mod output;
mod secrets;
mod text;

mod personal;
mod policy;

pub use address::{Network, Reach, allowed, is_public};
pub use fence::{Fence, neutral};
pub use finding::{Finding, Group, Kind};
pub use injection::{Feature, Place, Signal, Verdict, judge};
pub use output::{Addresses, Cleaned, Markup, Removed, Stream, addresses, clean};
pub use personal::find as find_personal;
pub use policy::{Action, Outcome, Policy, apply, apply_except, redacted};
pub use secrets::find as find_secrets;
