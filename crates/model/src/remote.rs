//! Models behind an address: OpenAI-compatible servers and Ollama.
//!
//! Keeps true: a provider's address, key and wire format stay in here; the key is in no message and no log; every
//! wait, retry and answer has a limit.

mod chat;
#[cfg(test)]
mod chat_suite;
mod embed;
#[cfg(test)]
mod embed_suite;
pub(crate) mod estimate;
mod failure;
mod frames;
mod ollama;
mod openai;
mod prefix;

use std::sync::Arc;
use std::time::Duration;

use ibid_types::{Error, Result, Secret};
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Method, Request, Url};
use serde_json::Value;

use crate::gateway::retry::Retry;
use crate::gateway::{Cancel, Line};
use crate::wire::{Http, Sending};
pub use ollama::{OllamaChat, OllamaEmbedder, detect_ollama};
pub use openai::{OpenAiChat, OpenAiEmbedder};

/// How long a connection may take. A provider that answers at all connects within a round trip or two.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// What `probe` may take, as its contract says.
const PROBE_MAX: Duration = Duration::from_secs(2);
/// The most of a refusal's text that is read.
const REFUSAL_BYTES_MAX: usize = 64 * 1024;

/// Where a model is and what it is called there.
#[derive(Clone, Debug)]
pub struct RemoteConfig {
    /// The base address: `https://host/v1`, or `http://127.0.0.1:11434` for Ollama, which is its default.
    pub url: String,
    pub model: String,
    /// Sent as a bearer token unless empty.
    pub api_key: Secret,
    /// Longest input (embedders), or prompt and answer together (chat models), in tokens.
    pub tokens_max: usize,
    /// What is learnt of the provider's limits; the gate before the model reads it.
    pub line: Arc<Line>,
}

/// How long a chat model may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChatTimeouts {
    /// The longest wait for the first token.
    pub first_token: Duration,
    /// The longest wait between two.
    pub further_token: Duration,
    /// The longest time for the whole answer.
    pub total: Duration,
}

/// A model at a provider, ready for requests.
#[derive(Clone, Debug)]
struct Endpoint {
    provider: &'static str,
    base: Url,
    model: String,
    api_key: Secret,
    authorization: Option<HeaderValue>,
    http: Http,
    line: Arc<Line>,
}

impl Endpoint {
    /// Checks address and key. `path_usual` is appended to an address that has no path.
    fn new(provider: &'static str, config: &RemoteConfig, path_usual: &str) -> Result<Self> {
        Self::within(provider, config, path_usual, CONNECT_MAX)
    }

    fn within(
        provider: &'static str,
        config: &RemoteConfig,
        path_usual: &str,
        connect_max: Duration,
    ) -> Result<Self> {
        let base = parse_base(provider, &config.url, path_usual)?;
        let authorization = authorization(provider, &config.api_key)?;
        let http = Http::new(connect_max, 0, &base)?;
        let (model, api_key) = (config.model.clone(), config.api_key.clone());
        let line = Arc::clone(&config.line);
        Ok(Self { provider, base, model, api_key, authorization, http, line })
    }

    fn get(&self, path: &str) -> Result<Request> {
        self.request(Method::GET, path, None)
    }

    fn post(&self, path: &str, body: &Value) -> Result<Request> {
        self.request(Method::POST, path, Some(body))
    }

    fn request(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Request> {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        let mut builder = self.http.client().request(method, url);
        if let Some(authorization) = &self.authorization {
            builder = builder.header(AUTHORIZATION, authorization.clone());
        }
        if let Some(trace) = ibid_runtime::current_trace() {
            builder = builder.header("traceparent", trace.to_string());
        }
        if let Some(body) = body {
            builder = builder.json(body);
        }
        builder.build().map_err(|_| misconfigured(self.provider, "the address cannot be used"))
    }

    /// How its requests are sent.
    fn sending(&self, retry: Retry, cancel: Cancel) -> Sending {
        Sending { retry, line: Arc::clone(&self.line), cancel }
    }

    /// `https://host:8000/v1`, without what may be secret.
    fn address(&self) -> String {
        bare(self.base.clone())
    }

    /// `openai at host:8000 (model 'm')`, for messages.
    fn label(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        let port = self.base.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{} at {host}{port} (model '{}')", self.provider, self.model)
    }
}

/// The address of a provider without what may be secret; empty where it is none.
#[must_use]
pub fn bare_address(url: &str) -> String {
    Url::parse(url.trim()).map(bare).unwrap_or_default()
}

fn bare(mut url: Url) -> String {
    // Neither fails for an address that has a host; one that has none holds no credentials.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.to_string().trim_end_matches('/').to_owned()
}

fn parse_base(provider: &str, text: &str, path_usual: &str) -> Result<Url> {
    let mut url = Url::parse(text.trim()).map_err(|error| {
        misconfigured(provider, "its url is no address; write http://HOST:PORT or https://HOST")
            .caused_by(error)
    })?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(misconfigured(provider, "its url must begin with http:// or https:// and name a host"));
    }
    if url.path().trim_matches('/').is_empty() {
        url.set_path(path_usual);
    }
    url.set_fragment(None);
    Ok(url)
}

fn authorization(provider: &str, api_key: &Secret) -> Result<Option<HeaderValue>> {
    if api_key.is_empty() {
        return Ok(None);
    }
    let mut value = HeaderValue::from_str(&format!("Bearer {}", api_key.reveal().trim())).map_err(|_| {
        misconfigured(provider, "its api_key holds characters that no key has, such as a line end")
    })?;
    value.set_sensitive(true);
    Ok(Some(value))
}

fn misconfigured(provider: &str, what: &str) -> Error {
    Error::bad_request("provider_misconfigured", format!("the provider {provider} cannot be used: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str, key: &str) -> Result<Endpoint> {
        let config = RemoteConfig {
            url: url.to_owned(),
            model: "m".to_owned(),
            api_key: Secret::new(key.to_owned()),
            tokens_max: 512,
            line: Arc::default(),
        };
        Endpoint::new("openai", &config, "/v1")
    }

    fn address(url: &str) -> String {
        endpoint(url, "").unwrap().get("/models").unwrap().url().to_string()
    }

    #[test]
    fn an_address_may_lack_the_usual_path() {
        assert_eq!(address("http://h:1"), "http://h:1/v1/models");
        assert_eq!(address("http://h:1/"), "http://h:1/v1/models");
        assert_eq!(address("https://h/openai/v1/"), "https://h/openai/v1/models");
        assert_eq!(address("https://h/v1?api-version=3"), "https://h/v1/models?api-version=3");
    }

    #[test]
    fn what_is_no_address_is_told() {
        for url in ["", "h:1", "ftp://h", "http://", "localhost:80", "file:///etc"] {
            assert_eq!(endpoint(url, "").unwrap_err().code, "provider_misconfigured", "{url}");
        }
        assert_eq!(endpoint("http://h", "a\nb").unwrap_err().code, "provider_misconfigured");
    }

    #[test]
    fn a_label_holds_no_credentials() {
        let endpoint = endpoint("https://user:hunter2@h:8/v1?key=hunter2", "hunter2").unwrap();
        assert_eq!(endpoint.label(), "openai at h:8 (model 'm')");
        assert_eq!(endpoint.address(), "https://h:8/v1");
        let request = endpoint.get("/models").unwrap();
        assert!(!format!("{:?}", request.headers()).contains("hunter2"));
        assert!(!format!("{:?}", endpoint.authorization).contains("hunter2"));
    }
}
