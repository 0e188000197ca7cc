//! The tools that Ibid brings: documents, arithmetic, the time, and the web as far as an operator allows it.

mod arithmetic;
mod calculator;
mod current_time;
mod documents;
mod http_get;
mod http_request;
mod reach;

use std::sync::Arc;
use std::time::Duration;

use ibid_runtime::Clock;
use ibid_types::Result;

use crate::Toolbox;

pub use calculator::Calculator;
pub use current_time::CurrentTime;
pub use documents::{DocumentText, Library, Passage, ReadDocument, SearchDocuments};
pub use http_get::{HttpGet, Lookup, SystemLookup};
pub use http_request::HttpRequest;

/// Adds all of them, with the limits of the configuration.
///
/// # Errors
/// `http_host_malformed`, `tool_name_taken`.
pub fn add_built_in(
    toolbox: &mut Toolbox,
    config: &ibid_config::Tools,
    library: Arc<dyn Library>,
    clock: Clock,
) -> Result<()> {
    let http_timeout = Duration::from_secs(config.http_seconds_max);
    toolbox.add(Arc::new(SearchDocuments::new(Arc::clone(&library))?))?;
    toolbox.add(Arc::new(ReadDocument::new(library)?))?;
    toolbox.add(Arc::new(Calculator::new()?))?;
    toolbox.add(Arc::new(CurrentTime::new(clock)?))?;
    let web = HttpGet::new(&config.http_hosts, config.http_bytes_max, http_timeout, Arc::new(SystemLookup))?;
    let web = Arc::new(web);
    toolbox.add(Arc::new(HttpRequest::new(Arc::clone(&web))?))?;
    toolbox.add(web)
}
