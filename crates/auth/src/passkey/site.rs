//! The site that passkeys are for: its id, and the addresses from which it is shown.
//!
//! Keeps true: every address lies under the id, and is encrypted unless it is this machine's.

use ibid_types::{Error, Result};
use reqwest::Url;

/// A relying party (WebAuthn Level 2, section 4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) origins: Vec<String>,
}

impl Site {
    /// The site of a public address (`https://ibid.example.org/`): its host is the id, to which passkeys stay bound.
    ///
    /// Errors: `passkey_site`.
    pub fn at(public_url: &str, name: &str) -> Result<Self> {
        let url = Url::parse(public_url).map_err(|error| unfit(public_url).caused_by(error))?;
        let id = url.domain().ok_or_else(|| unfit(public_url))?.to_owned();
        let is_near = id == "localhost" || id.ends_with(".localhost");
        if url.scheme() != "https" && !(url.scheme() == "http" && is_near) {
            return Err(unfit(public_url));
        }
        let origin = url.origin().ascii_serialization();
        Ok(Self { id, name: name.to_owned(), origins: vec![origin] })
    }

    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

fn unfit(public_url: &str) -> Error {
    Error::bad_request(
        "passkey_site",
        format!("passkeys need an https address with a name, or http://localhost; '{public_url}' is not one"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(url: &str) -> Option<(String, String)> {
        Site::at(url, "Ibid").ok().map(|site| (site.id, site.origins.concat()))
    }

    #[test]
    fn the_host_is_the_id() {
        let expected = Some(("ibid.example.org".to_owned(), "https://ibid.example.org".to_owned()));
        assert_eq!(at("https://ibid.example.org/"), expected);
        assert_eq!(at("https://IBID.example.org:443/some/page?x#y"), expected);
    }

    #[test]
    fn a_port_belongs_to_the_address_and_not_to_the_id() {
        assert_eq!(
            at("http://localhost:7700"),
            Some(("localhost".to_owned(), "http://localhost:7700".to_owned()))
        );
    }

    #[test]
    fn addresses_that_browsers_refuse_are_refused() {
        for url in [
            "http://ibid.example.org",
            "https://192.0.2.1",
            "https://[::1]/",
            "http://127.0.0.1:7700",
            "ftp://localhost",
            "ibid",
            "",
        ] {
            assert_eq!(at(url), None, "{url}");
        }
    }
}
