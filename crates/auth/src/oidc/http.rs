//! How a provider is reached.
//!
//! Keeps true: an answer is bounded in time and size; no redirect is followed, so that nobody else gets our secret; only
//! this machine is reached without encryption.

use std::io::Read;
use std::time::Duration;

use ibid_types::{Error, Result, Secret};
use reqwest::Url;
use reqwest::blocking::{Client, Response};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};

use super::unfit;

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Metadata, keys and tokens have a few KiB.
const BYTES_MAX: u64 = 256 * 1024;

/// A question to a provider.
#[derive(Clone, Debug)]
pub struct Call {
    pub url: Url,
    /// The value of the header of that name.
    pub authorization: Option<Secret>,
    /// The body of a POST, as a form; without it, a GET.
    pub form: Option<Secret>,
}

impl Call {
    #[must_use]
    pub const fn get(url: Url) -> Self {
        Self { url, authorization: None, form: None }
    }
}

/// Its answer.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Reply {
    /// The body of a success. Errors: `oidc_unreachable`.
    pub(super) fn ok(self, what: &str) -> Result<Vec<u8>> {
        if self.status == 200 {
            return Ok(self.body);
        }
        Err(Error::unavailable(
            "oidc_unreachable",
            format!(
                "the sign-in provider answers with status {} when asked for {what}; check its issuer address",
                self.status
            ),
        ))
    }
}

/// A way to ask.
pub trait Fetch: Send + Sync {
    /// Errors: `oidc_unreachable`.
    fn fetch(&self, call: &Call) -> Result<Reply>;
}

/// Over HTTP. Blocks.
#[derive(Debug)]
pub struct Http {
    client: Client,
}

impl Http {
    /// A client for the provider of that address. The environment's proxies are used unless it is on this machine.
    ///
    /// Errors: `oidc_settings`.
    pub fn new(issuer: &str) -> Result<Self> {
        ibid_runtime::set_up_tls();
        let mut builder = Client::builder()
            .connect_timeout(CONNECT_WITHIN)
            .timeout(ANSWER_WITHIN)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("ibid/", env!("CARGO_PKG_VERSION")));
        if Url::parse(issuer).is_ok_and(|url| is_near(&url)) {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| unfit("no client can be made").caused_by(error))?;
        Ok(Self { client })
    }
}

impl Fetch for Http {
    fn fetch(&self, call: &Call) -> Result<Reply> {
        let mut request = match &call.form {
            None => self.client.get(call.url.clone()),
            Some(form) => {
                let body = form.reveal().to_owned();
                self.client
                    .post(call.url.clone())
                    .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .body(body)
            }
        };
        if let Some(authorization) = &call.authorization {
            request = request.header(AUTHORIZATION, authorization.reveal());
        }
        let response = request.header(ACCEPT, "application/json").send();
        let response = response.map_err(|error| unreachable(&call.url).caused_by(error.without_url()))?;
        let status = response.status().as_u16();
        Ok(Reply { status, body: read(response, &call.url)? })
    }
}

fn read(response: Response, url: &Url) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    let length = response
        .take(BYTES_MAX + 1)
        .read_to_end(&mut body)
        .map_err(|error| unreachable(url).caused_by(error))?;
    if length as u64 > BYTES_MAX {
        return Err(unreachable(url).caused_by("the answer is too large"));
    }
    Ok(body)
}

/// Whether secrets may be sent there: encrypted, or not beyond this machine.
pub fn is_safe(url: &Url) -> bool {
    url.username().is_empty()
        && url.password().is_none()
        && (url.scheme() == "https" || (url.scheme() == "http" && is_near(url)))
}

fn is_near(url: &Url) -> bool {
    url.host_str().is_some_and(ibid_types::host::is_this_machine)
}

fn unreachable(url: &Url) -> Error {
    let host = url.host_str().unwrap_or_default();
    Error::unavailable(
        "oidc_unreachable",
        format!("the sign-in provider {host} does not answer; check the network and its issuer address"),
    )
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn secrets_leave_this_machine_encrypted_only() {
        let safe = |url: &str| is_safe(&Url::parse(url).unwrap());
        for url in ["https://a.example", "http://localhost:3000", "http://127.0.0.1", "http://[::1]:1/x"] {
            assert!(safe(url), "{url}");
        }
        for url in [
            "http://a.example",
            "http://localhost.evil.example",
            "ftp://localhost",
            "https://u:p@a.example",
            "http://169.254.169.254/",
        ] {
            assert!(!safe(url), "{url}");
        }
    }

    /// A server that gives each of its connections the same answer, for as long as the test runs.
    fn server(answer: Vec<u8>) -> Url {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                let _ = connection.read(&mut [0; 4096]);
                let _ = connection.write_all(&answer);
            }
        });
        Url::parse(&url).unwrap()
    }

    fn ask(answer: String) -> Result<Reply> {
        let url = server(answer.into_bytes());
        Http::new(url.as_str()).unwrap().fetch(&Call::get(url))
    }

    fn of_length(length: u64) -> String {
        let body = "x".repeat(usize::try_from(length).unwrap());
        format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
    }

    #[test]
    fn an_answer_is_bounded() {
        assert_eq!(ask(of_length(BYTES_MAX)).unwrap().body.len() as u64, BYTES_MAX);
        assert_eq!(ask(of_length(BYTES_MAX + 1)).unwrap_err().code, "oidc_unreachable");
    }

    #[test]
    fn no_redirect_is_followed() {
        let elsewhere = server(of_length(3).into_bytes());
        let redirect =
            format!("HTTP/1.1 307 Elsewhere\r\nlocation: {elsewhere}\r\ncontent-length: 0\r\n\r\n");
        assert_eq!(ask(redirect).unwrap().status, 307);
    }

    #[test]
    fn an_answer_that_is_not_http_is_none() {
        assert_eq!(ask("220 mail.example ESMTP\r\n".into()).unwrap_err().code, "oidc_unreachable");
    }

    #[test]
    fn what_is_secret_in_a_call_does_not_print() {
        let call = Call {
            form: Some(Secret::new("code=hunter2".into())),
            authorization: Some(Secret::new("Bearer hunter2".into())),
            ..Call::get(Url::parse("https://a.example").unwrap())
        };
        assert!(!format!("{call:?}").contains("hunter2"));
    }
}
