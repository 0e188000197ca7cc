//! The tools that Ibid brings: documents, arithmetic, the time, and the web as far as an operator allows it.

mod arithmetic;
mod calculator;
mod current_time;
mod documents;
mod http_get;
mod http_request;
mod reach;

pub use calculator::Calculator;
pub use current_time::CurrentTime;
pub use documents::{DocumentText, Library, Passage, ReadDocument, SearchDocuments};
pub use http_get::{HttpGet, Lookup, SystemLookup};
pub use http_request::HttpRequest;
