//! From where a request may come to `/mcp`: from programs, and from this server's own page.
//!
//! Keeps true: a page of another site cannot talk to an agent's server, neither directly nor by letting its own name point here
//! (DNS rebinding): names must be known, and what has no name is an address, which cannot be made to point elsewhere.

use std::net::IpAddr;

use axum::http::header::{HOST, HeaderName, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri};
use ibid_config::Config;
use ibid_types::{Error, Result};

/// Errors: `host_forbidden`, `origin_forbidden`.
pub fn check(config: &Config, uri: &Uri, headers: &HeaderMap) -> Result<()> {
    let host = host(uri, headers).ok_or_else(|| host_forbidden(""))?;
    if !is_known(config, host.host()) {
        return Err(host_forbidden(host.host()));
    }
    match headers.get(ORIGIN).map(|origin| origin.to_str().unwrap_or_default()) {
        None => Ok(()),
        Some(origin) if is_of(origin, &host) => Ok(()),
        Some(_) => Err(Error::forbidden(
            "origin_forbidden",
            "the request comes from another site than this server's page; programs send no Origin",
        )),
    }
}

/// Of HTTP/2 it is in the address.
fn host(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    let told = |name: &HeaderName| headers.get(name)?.to_str().ok()?.parse().ok();
    uri.authority().cloned().or_else(|| told(&HOST))
}

fn is_known(config: &Config, host: &str) -> bool {
    let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
    let is_localhost = host == "localhost" || host.ends_with(".localhost");
    let public = config.notify.public_url.parse::<Uri>().ok();
    let public = public.as_ref().and_then(Uri::host).map(str::to_ascii_lowercase);
    let names = config.server.names.iter().chain(&config.server.tls.acme_domains);
    is_localhost
        || host.parse::<IpAddr>().is_ok()
        || public.is_some_and(|public| public == host)
        || names.into_iter().any(|name| name.eq_ignore_ascii_case(&host))
}

fn is_of(origin: &str, host: &Authority) -> bool {
    origin.split_once("://").is_some_and(|(scheme, rest)| {
        ["http", "https"].contains(&scheme) && rest.eq_ignore_ascii_case(host.as_str())
    })
}

fn host_forbidden(host: &str) -> Error {
    let what = format!(
        "'{host}' is not known as a name of this server; an administrator can add it to server.names, or set notify.public_url"
    );
    Error::forbidden("host_forbidden", what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(host: &str, origin: Option<&str>) -> &'static str {
        let mut config = ibid_config::Layers::defaults().unwrap().finish().unwrap().0;
        config.notify.public_url = "https://ibid.example/".to_owned();
        config.server.names = vec!["ibid".to_owned()];
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().unwrap());
        }
        check(&config, &Uri::from_static("/mcp"), &headers).map_or_else(|error| error.code, |()| "fine")
    }

    #[test]
    fn programs_come_by_every_name_that_is_known() {
        for host in [
            "localhost:8080",
            "127.0.0.1:8080",
            "[::1]:8080",
            "192.0.2.7",
            "ibid.example",
            "IBID.example:443",
            "ibid:8080",
            "a.localhost",
        ] {
            assert_eq!(told(host, None), "fine", "{host}");
        }
        for host in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "ibid.example.evil"]
        {
            assert_eq!(told(host, None), "host_forbidden", "{host}");
        }
    }

    #[test]
    fn pages_of_other_sites_do_not() {
        assert_eq!(told("ibid.example", Some("https://ibid.example")), "fine");
        assert_eq!(told("127.0.0.1:8080", Some("http://127.0.0.1:8080")), "fine");
        for origin in [
            "https://evil.example",
            "null",
            "http://localhost:3000",
            "http://127.0.0.1",
            "file://127.0.0.1:8080",
            "",
        ] {
            assert_eq!(told("127.0.0.1:8080", Some(origin)), "origin_forbidden", "{origin}");
        }
        // The page of a name that was let point to this machine.
        assert_eq!(told("evil.example:8080", Some("http://evil.example:8080")), "host_forbidden");
    }
}
