//! A receiver that takes entries over HTTP: a line each, as the body of a POST.

use ibid_types::{Error, Result};
use reqwest::blocking::Client;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use super::{Format, Line, Sink};

#[derive(Debug)]
pub struct Post {
    name: String,
    url: ibid_types::Secret,
    headers: HeaderMap,
    format: Format,
    http: Client,
}

impl Post {
    /// Error: `audit_setup` for headers that are none.
    pub fn new(receiver: &ibid_config::AuditReceiver, format: Format, http: Client) -> Result<Self> {
        let mut headers = HeaderMap::new();
        for (name, value) in &receiver.headers {
            let wrong = || {
                let what = format!("the header '{name}' of the audit receiver {} is none", receiver.name);
                Error::bad_request("audit_setup", what)
            };
            let mut value = HeaderValue::from_str(value.reveal()).map_err(|_| wrong())?;
            value.set_sensitive(true);
            headers.insert(HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?, value);
        }
        Ok(Self { name: receiver.name.clone(), url: receiver.url.clone(), headers, format, http })
    }
}

impl Sink for Post {
    fn give(&self, lines: &[Line]) -> Result<()> {
        let mut body = String::new();
        for line in lines {
            body.push_str(&line.text(self.format));
            body.push('\n');
        }
        let kind = match self.format {
            Format::Jsonl => "application/x-ndjson",
            Format::Cef => "text/plain; charset=utf-8",
        };
        // The same entries come with the same key, also when they are sent again; more of them with another.
        let number = |line: Option<&Line>| line.map_or(0, |line| line.number);
        let key = format!("audit-{}-{}", number(lines.first()), number(lines.last()));
        let request = self.http.post(self.url.reveal()).headers(self.headers.clone());
        let response =
            request.header(CONTENT_TYPE, kind).header("idempotency-key", key).body(body).send().map_err(
                |error| {
                    // The address may hold a secret, and the client's error repeats it.
                    let what =
                        format!("cannot reach the audit receiver {}; is its address right?", self.name);
                    Error::unavailable("audit_unreachable", what).caused_by(error.without_url())
                },
            )?;
        if response.status().is_success() {
            return Ok(());
        }
        let what =
            format!("the audit receiver {} answered with status {}", self.name, response.status().as_u16());
        Err(Error::unavailable("audit_refused", what))
    }
}
