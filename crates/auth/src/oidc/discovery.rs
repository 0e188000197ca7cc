//! What a provider says of itself (OpenID Connect Discovery 1.0).
//!
//! Keeps true: it calls itself by the address at which it was asked (section 4.3), and each of its addresses may be sent
//! secrets.

use ibid_types::Result;
use reqwest::Url;
use serde::{Deserialize, Deserializer};

use super::http::{Call, Fetch, is_safe};
use super::{malformed, unfit};

/// Section 3, as far as it matters here.
#[derive(Clone, Debug, Deserialize)]
pub struct Metadata {
    pub issuer: String,
    #[serde(deserialize_with = "safe_url")]
    pub authorization_endpoint: Url,
    #[serde(deserialize_with = "safe_url")]
    pub token_endpoint: Url,
    #[serde(deserialize_with = "safe_url")]
    pub jwks_uri: Url,
    #[serde(default, deserialize_with = "safe_url_or_none")]
    pub userinfo_endpoint: Option<Url>,
    /// None means `client_secret_basic`.
    #[serde(default)]
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// RFC 9207: answers name their issuer.
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

/// Asks the provider. Errors: `oidc_settings`, `oidc_unreachable`, `oidc_answer`.
pub fn fetch(fetch: &dyn Fetch, issuer: &str) -> Result<Metadata> {
    // Section 4.1: a slash at the end is taken away first.
    let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let url = Url::parse(&address).map_err(|error| unfit("its issuer is not an address").caused_by(error))?;
    let body = fetch.fetch(&Call::get(url))?.ok("its configuration")?;
    let metadata: Metadata =
        serde_json::from_slice(&body).map_err(|error| malformed("its configuration").caused_by(error))?;
    if metadata.issuer != issuer {
        return Err(malformed("its issuer").caused_by("it calls itself otherwise than the settings do"));
    }
    Ok(metadata)
}

fn safe_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    let text = String::deserialize(deserializer)?;
    let url = Url::parse(&text).map_err(serde::de::Error::custom)?;
    if !is_safe(&url) {
        return Err(serde::de::Error::custom("an address is not encrypted"));
    }
    Ok(url)
}

fn safe_url_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Url>, D::Error> {
    safe_url(deserializer).map(Some)
}
