//! `http_get`: reads a text of the web, as far as the list of hosts reaches.
//!
//! Keeps true: the addresses that are connected to are the very ones that were checked, so a name that changes its
//! address between check and connection gains nothing; each redirect is checked like a first request; what is read
//! is bounded in bytes and time.

use std::error::Error as _;
use std::fmt::{self, Debug};
use std::io::Read;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ibid_types::{Error, Result};
use reqwest::blocking::{Client, Response};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Url, header};
use serde_json::{Value, json};

use super::reach::Reach;
use crate::workers::timed_out;
use crate::{Tool, ToolContext, ToolSpec};

/// Redirects that are followed; pages need one or two.
const REDIRECTS_MAX: usize = 5;

/// How long one connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Who we say we are.
const USER_AGENT: &str = concat!("ibid/", env!("CARGO_PKG_VERSION"));

/// Where the addresses of a name come from.
pub trait Lookup: Send + Sync + Debug {
    /// All addresses of a host.
    fn addresses(&self, host: &str) -> std::io::Result<Vec<IpAddr>>;
}

/// What the system says: its hosts file, then DNS.
#[derive(Clone, Copy, Debug)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn addresses(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok((host, 0).to_socket_addrs()?.map(|address| address.ip()).collect())
    }
}

/// Input `{"url"}`; output `{"url", "status", "content_type", "text", "truncated"}`, where `url` is the one that
/// redirects led to.
#[derive(Debug)]
pub struct HttpGet {
    spec: ToolSpec,
    reach: Arc<Reach>,
    lookup: Arc<dyn Lookup>,
    bytes_max: usize,
    client: OnceLock<Client>,
}

impl HttpGet {
    /// Reaches `hosts` (see `config/ibid.toml`) and reads at most `bytes_max` of a response within `timeout`.
    ///
    /// # Errors
    /// `http_host_malformed`.
    pub fn new(
        hosts: &[String],
        bytes_max: usize,
        timeout: Duration,
        lookup: Arc<dyn Lookup>,
    ) -> Result<Self> {
        let schema = json!({
            "type": "object",
            "properties": {"url": {
                "type": "string", "minLength": 1, "maxLength": 2048,
                "description": "an http:// or https:// address",
            }},
            "required": ["url"],
            "additionalProperties": false,
        });
        let description = "Reads a page or another text from an address of the web that the operator allows.";
        let spec = ToolSpec::new("http_get", description, schema)?.with_timeout(timeout);
        let reach = Arc::new(Reach::parse(hosts)?);
        Ok(Self { spec, reach, lookup, bytes_max, client: OnceLock::new() })
    }

    /// Follows redirects to a response that is none.
    pub(super) fn fetch(&self, first: Url, context: &ToolContext) -> Result<Response> {
        let mut url = first;
        for _ in 0..=REDIRECTS_MAX {
            self.check(&url)?;
            let response = self.send(url.clone(), context)?;
            match redirect(&response) {
                None => return Ok(response),
                Some(next) => url = next?,
            }
        }
        Err(Error::bad_request(
            "http_redirects",
            format!("{url} is the end of more than {REDIRECTS_MAX} redirects; ask for where they lead"),
        ))
    }

    /// Whether the list reaches the address; names are checked again when they are looked up.
    pub(super) fn check(&self, url: &Url) -> Result<()> {
        let (host, port) = match (url.scheme(), url.host_str(), url.port_or_known_default()) {
            ("http" | "https", Some(host), Some(port))
                if url.username().is_empty() && url.password().is_none() =>
            {
                (host.trim_matches(['[', ']']), port)
            }
            _ => return Err(not_a_url(url.as_str())),
        };
        if self.reach.permits_host(host, port, url.port().is_none()) {
            return Ok(());
        }
        let listed = if url.port().is_none() { host.to_owned() } else { format!("{host}:{port}") };
        Err(Error::forbidden(
            "http_host_not_allowed",
            format!(
                "'{host}' (port {port}) may not be read; an operator can add '{listed}' to tools.http_hosts"
            ),
        ))
    }

    fn send(&self, url: Url, context: &ToolContext) -> Result<Response> {
        let remaining = context.remaining();
        if remaining.is_zero() || context.cancelled.is_requested() {
            return Err(timed_out(&self.spec.name));
        }
        let request = self.client()?.get(url.clone()).timeout(remaining);
        request.send().map_err(|error| self.failure(&url, error))
    }

    /// Made at the first call: most servers never need it.
    pub(super) fn client(&self) -> Result<&Client> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        ibid_runtime::set_up_tls();
        let resolver = CheckedLookup { reach: Arc::clone(&self.reach), lookup: Arc::clone(&self.lookup) };
        let client = Client::builder()
            .user_agent(USER_AGENT)
            .redirect(reqwest::redirect::Policy::none())
            // A proxy would look names up itself, unchecked.
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .dns_resolver(Arc::new(resolver))
            .build()
            .map_err(|error| {
                Error::internal("http_client", "cannot set up an HTTP client").caused_by(error)
            })?;
        Ok(self.client.get_or_init(|| client))
    }

    pub(super) fn failure(&self, url: &Url, error: reqwest::Error) -> Error {
        if error.is_timeout() {
            return timed_out(&self.spec.name);
        }
        if let Some(refused) = refusal(&error) {
            return Error::forbidden("http_address_private", refused.to_string());
        }
        let host = url.host_str().unwrap_or_default();
        Error::unavailable("http_unreachable", format!("cannot read from '{host}'; see whether it is up"))
            .caused_by(error.without_url())
    }

    /// The text and whether it was cut.
    pub(super) fn read(&self, response: Response) -> Result<(String, bool)> {
        let url = response.url().clone();
        let mut bytes = Vec::new();
        let most = u64::try_from(self.bytes_max).unwrap_or(u64::MAX);
        response.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| {
            if is_timeout(&error) { timed_out(&self.spec.name) } else { cut(&url, error) }
        })?;
        let is_truncated = bytes.len() > self.bytes_max;
        bytes.truncate(self.bytes_max);
        if bytes.contains(&0) {
            return Err(not_text(&url));
        }
        Ok((String::from_utf8_lossy(&bytes).into_owned(), is_truncated))
    }
}

impl Tool for HttpGet {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(&self, input: &Value, context: &ToolContext) -> Result<Value> {
        let text = input["url"].as_str().unwrap_or_default();
        let url = Url::parse(text).map_err(|error| not_a_url(text).caused_by(error))?;
        let response = self.fetch(url, context)?;
        let (url, status) = (response.url().to_string(), response.status().as_u16());
        let content_type = header_text(&response, header::CONTENT_TYPE);
        let (text, is_truncated) = self.read(response)?;
        Ok(json!({
            "url": url, "status": status, "content_type": content_type, "text": text, "truncated": is_truncated,
        }))
    }
}

/// Where a redirect leads, if the response is one.
fn redirect(response: &Response) -> Option<Result<Url>> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let place = header_text(response, header::LOCATION)?;
    Some(response.url().join(&place).map_err(|error| not_a_url(&place).caused_by(error)))
}

pub(super) fn header_text(response: &Response, name: header::HeaderName) -> Option<String> {
    let value = response.headers().get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// Looks names up for the client, and hands on only addresses that may be connected to.
struct CheckedLookup {
    reach: Arc<Reach>,
    lookup: Arc<dyn Lookup>,
}

impl Resolve for CheckedLookup {
    fn resolve(&self, name: Name) -> Resolving {
        let (reach, lookup) = (Arc::clone(&self.reach), Arc::clone(&self.lookup));
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let addresses = tokio::task::spawn_blocking(move || checked(&*lookup, &reach, &host)).await??;
            Ok(Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

type Fault = Box<dyn std::error::Error + Send + Sync>;

/// The addresses of a host that may be reached.
fn checked(lookup: &dyn Lookup, reach: &Reach, host: &str) -> std::result::Result<Vec<IpAddr>, Fault> {
    let addresses = lookup.addresses(host)?;
    reach.allowed(host, &addresses).map_err(|error| Box::new(Refused(error)) as Fault)
}

/// A name that leads to where it may not.
#[derive(Debug)]
struct Refused(Error);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; an operator can add what is meant to be reached to tools.http_hosts", self.0.message)
    }
}

impl std::error::Error for Refused {}

/// Our own refusal among the causes of the client's error; causes are few.
fn refusal(error: &reqwest::Error) -> Option<&Refused> {
    let mut next = error.source();
    while let Some(cause) = next {
        if let Some(refused) = cause.downcast_ref() {
            return Some(refused);
        }
        next = cause.source();
    }
    None
}

/// Whether a reading ended because the request's time was over.
fn is_timeout(error: &std::io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<reqwest::Error>());
    error.kind() == std::io::ErrorKind::TimedOut || inner.is_some_and(reqwest::Error::is_timeout)
}

pub(super) fn not_a_url(text: &str) -> Error {
    let shown: String = text.chars().take(200).collect();
    Error::bad_request(
        "http_url_invalid",
        format!("'{shown}' cannot be read; give an http:// or https:// address without user name"),
    )
}

fn not_text(url: &Url) -> Error {
    Error::bad_request(
        "http_content_not_text",
        format!("what is at {url} is not text; ask for a page or a text file"),
    )
}

fn cut(url: &Url, error: std::io::Error) -> Error {
    let host = url.host_str().unwrap_or_default();
    Error::unavailable("http_unreachable", format!("the connection to '{host}' ended early; try again"))
        .caused_by(error)
}
