//! `http_request`: sends something to a host of the operator's list, which is that of `http_get`.
//!
//! Keeps true: what `http_get` may not reach, this may not either; only a GET follows redirects; a request that can
//! change something carries the idempotency key of its step, the same at each attempt.

use std::sync::Arc;

use ibid_types::{Error, Result};
use reqwest::blocking::{RequestBuilder, Response};
use reqwest::{Method, Url, header};
use serde_json::{Value, json};

use super::HttpGet;
use super::http_get::{header_text, not_a_url};
use crate::workers::timed_out;
use crate::{Tool, ToolContext, ToolSpec};

/// Headers that the client itself writes.
const HEADERS_OWN: [&str; 5] =
    ["host", "content-length", "transfer-encoding", "connection", "idempotency-key"];

/// Input `{"method", "url", "headers", "body", "expects"}`; output `{"url", "status", "content_type", "truncated"}`
/// with `"text"`, or with `"json"` where that is expected. Answers 429 and 5xx are errors, so that they are tried again.
#[derive(Debug)]
pub struct HttpRequest {
    spec: ToolSpec,
    web: Arc<HttpGet>,
}

impl HttpRequest {
    pub const NAME: &str = "http_request";

    /// Reaches what `web` reaches, with its limits.
    ///
    /// # Errors
    /// None, as the schema is constant.
    pub fn new(web: Arc<HttpGet>) -> Result<Self> {
        let description = "Sends a request to an address of the web that the operator allows.";
        let spec = ToolSpec::new(Self::NAME, description, Self::schema())?
            .with_timeout(web.spec().timeout)
            .with_side_effects(true);
        Ok(Self { spec, web })
    }

    /// JSON Schema of the input.
    #[must_use]
    pub fn schema() -> Value {
        json!({
            "type": "object",
            "required": ["url"],
            "additionalProperties": false,
            "properties": {
                "method": {
                    "enum": ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"], "default": "GET",
                    "description": "What to do at the address."
                },
                "url": {
                    "type": "string", "minLength": 1, "maxLength": 2048,
                    "description": "An http:// or https:// address whose host is on the operator's list `tools.http_hosts`."
                },
                "headers": {
                    "type": "object", "additionalProperties": {"type": "string"}, "maxProperties": 32,
                    "description": "Headers to send."
                },
                "body": {"description": "What to send: text as it is, anything else as JSON."},
                "expects": {
                    "enum": ["json", "text"], "default": "text",
                    "description": "How to read the answer; `json` fails if it is not JSON."
                }
            }
        })
    }

    fn send(&self, input: &Value, context: &ToolContext) -> Result<Response> {
        let text = input["url"].as_str().unwrap_or_default();
        let url = Url::parse(text).map_err(|error| not_a_url(text).caused_by(error))?;
        let method = method(input);
        let remaining = context.remaining();
        if remaining.is_zero() || context.cancelled.is_requested() {
            return Err(timed_out(&self.spec.name));
        }
        if method == Method::GET && input.get("headers").is_none() && input.get("body").is_none() {
            return self.web.fetch(url, context);
        }
        self.web.check(&url)?;
        let is_reading = method == Method::GET || method == Method::HEAD;
        let mut request = self.web.client()?.request(method, url.clone()).timeout(remaining);
        if !is_reading {
            request = request.header("idempotency-key", &context.idempotency_key);
        }
        let request = with_body(with_headers(request, input)?, input);
        request.send().map_err(|error| self.web.failure(&url, error))
    }
}

impl Tool for HttpRequest {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(&self, input: &Value, context: &ToolContext) -> Result<Value> {
        let response = self.send(input, context)?;
        check_status(&response)?;
        let (url, status) = (response.url().to_string(), response.status().as_u16());
        let content_type = header_text(&response, header::CONTENT_TYPE);
        let (text, is_truncated) = self.web.read(response)?;
        let mut output =
            json!({"url": url, "status": status, "content_type": content_type, "truncated": is_truncated});
        match input["expects"].as_str() {
            Some("json") => {
                output["json"] = serde_json::from_str(&text).map_err(|error| not_json(&url, error))?
            }
            _ => output["text"] = Value::from(text),
        }
        Ok(output)
    }
}

/// The schema has let only known ones through.
fn method(input: &Value) -> Method {
    let name = input["method"].as_str().unwrap_or("GET");
    Method::from_bytes(name.as_bytes()).unwrap_or(Method::GET)
}

fn with_headers(mut request: RequestBuilder, input: &Value) -> Result<RequestBuilder> {
    for (name, value) in input["headers"].as_object().into_iter().flatten() {
        let key = header::HeaderName::from_bytes(name.as_bytes());
        let value = header::HeaderValue::from_str(value.as_str().unwrap_or_default());
        match (key, value) {
            (Ok(key), Ok(value)) if !HEADERS_OWN.contains(&key.as_str()) => {
                request = request.header(key, value)
            }
            _ => return Err(header_invalid(name)),
        }
    }
    Ok(request)
}

fn with_body(request: RequestBuilder, input: &Value) -> RequestBuilder {
    match input.get("body") {
        None | Some(Value::Null) => request,
        Some(Value::String(text)) => request.body(text.clone()),
        Some(value) => request.json(value),
    }
}

/// What may pass is an error; everything else is an answer.
fn check_status(response: &Response) -> Result<()> {
    let status = response.status();
    let host = response.url().host_str().unwrap_or_default();
    let message = format!("'{host}' answers {status}; try again later");
    match status.as_u16() {
        429 => Err(Error::too_many_requests("http_status", message)),
        500.. => Err(Error::unavailable("http_status", message)),
        _ => Ok(()),
    }
}

fn not_json(url: &str, error: serde_json::Error) -> Error {
    let message =
        format!("what {url} answers is not JSON; expect `text`, or ask for JSON by a header `accept`");
    Error::bad_request("http_not_json", message).caused_by(error)
}

fn header_invalid(name: &str) -> Error {
    let shown: String = name.chars().take(60).collect();
    let message = format!(
        "the header '{shown}' cannot be sent; its name or value is malformed, or the client writes it itself"
    );
    Error::bad_request("http_header_invalid", message)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpListener;
    use std::thread::JoinHandle;
    use std::time::Duration;

    use ibid_types::WorkspaceId;

    use super::*;
    use crate::SystemLookup;

    /// Answers one request; gives its head and body.
    fn server(answer: &'static str) -> (String, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let served = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut head, mut length) = (String::new(), 0);
            while reader.read_line(&mut head).unwrap() > 2 {
                let line = head.lines().last().unwrap_or_default().to_lowercase();
                length = line.strip_prefix("content-length: ").map_or(length, |text| text.parse().unwrap());
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            head.to_lowercase() + &String::from_utf8(body).unwrap()
        });
        (address, served)
    }

    fn call(hosts: &[&str], input: &Value) -> Result<Value> {
        let hosts: Vec<_> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let web = HttpGet::new(&hosts, 1000, Duration::from_secs(10), Arc::new(SystemLookup))?;
        let tool = HttpRequest::new(Arc::new(web))?;
        tool.spec().check_input(input)?;
        tool.call(input, &ToolContext::new(WorkspaceId::new(), "run/7", Duration::from_secs(10)))
    }

    #[test]
    fn a_post_sends_json_and_its_key_and_reads_json() {
        let (address, served) = server("HTTP/1.1 201 Created\r\ncontent-length: 8\r\n\r\n{\"id\":5}");
        let input = json!({"method": "POST", "url": format!("http://{address}/x"), "headers": {"x-a": "b"}, "body": {"n": 1}, "expects": "json"});
        let output = call(&[&address], &input);
        let request = match output {
            Ok(output) => {
                assert_eq!((&output["status"], &output["json"]["id"]), (&json!(201), &json!(5)));
                served.join().unwrap()
            }
            Err(error) => panic!("{}", error.chain()),
        };
        assert!(request.starts_with("post /x"), "{request}");
        assert!(request.contains("idempotency-key: run/7") && request.contains("x-a: b"), "{request}");
        assert!(request.ends_with("{\"n\":1}"), "{request}");
    }

    #[test]
    fn hosts_that_are_not_listed_are_not_reached() {
        let input = json!({"method": "POST", "url": "http://127.0.0.1:9/x", "body": "x"});
        assert_eq!(call(&["example.org"], &input).unwrap_err().code, "http_host_not_allowed");
    }

    #[test]
    fn headers_of_the_client_are_refused() {
        let input = json!({"method": "PUT", "url": "http://example.org/", "headers": {"Host": "evil"}});
        assert_eq!(call(&["example.org"], &input).unwrap_err().code, "http_header_invalid");
    }
}
