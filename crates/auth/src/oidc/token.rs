//! The questions that carry secrets: a code for tokens (Core, section 3.1.3), a token for a person's data (5.3).

use data_encoding::BASE64;
use form_urlencoded::{Serializer, byte_serialize};
use ibid_types::{Error, Result, Secret};
use reqwest::Url;
use serde::Deserialize;

use super::discovery::Metadata;
use super::http::{Call, Fetch};
use super::id_token::Profile;
use super::{Settings, malformed, refused};
use ibid_seal::secret::secrets_equal;

/// What a code is good for. Section 3.1.3.3.
#[derive(Deserialize)]
pub struct Tokens {
    pub id_token: String,
    pub access_token: String,
    token_type: String,
}

/// Errors: `oidc_unreachable`, `oidc_answer`; `oidc_refused` where the code was not good, `oidc_client` where we were not.
pub fn exchange(
    fetch: &dyn Fetch,
    settings: &Settings,
    metadata: &Metadata,
    code: &str,
    verifier: &str,
) -> Result<Tokens> {
    let reply = fetch.fetch(&exchange_call(settings, metadata, code, verifier))?;
    // RFC 6749, section 5.2.
    if reply.status == 400 && has_error(&reply.body, "invalid_grant") {
        return Err(refused("the provider takes the code only once, and from whom it gave it to"));
    }
    if reply.status == 401 || has_error(&reply.body, "invalid_client") {
        return Err(Error::unavailable(
            "oidc_client",
            "the sign-in provider does not take our client id and secret; compare both with what it shows",
        ));
    }
    let body = reply.ok("tokens")?;
    let tokens: Tokens = serde_json::from_slice(&body).map_err(|_| malformed("tokens"))?;
    if !tokens.token_type.eq_ignore_ascii_case("bearer") {
        return Err(malformed("the type of its tokens"));
    }
    Ok(tokens)
}

fn has_error(body: &[u8], expected: &str) -> bool {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
    }
    serde_json::from_slice::<Refusal>(body).is_ok_and(|refusal| refusal.error == expected)
}

fn exchange_call(settings: &Settings, metadata: &Metadata, code: &str, verifier: &str) -> Call {
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "authorization_code")
        .append_pair("code", code)
        .append_pair("redirect_uri", &settings.redirect_url)
        .append_pair("code_verifier", verifier);
    let mut authorization = None;
    match &settings.client_secret {
        Some(secret) if takes_basic(metadata) => authorization = Some(basic(&settings.client_id, secret)),
        Some(secret) => {
            form.append_pair("client_id", &settings.client_id).append_pair("client_secret", secret.reveal());
        }
        None => {
            form.append_pair("client_id", &settings.client_id);
        }
    }
    let form = Some(Secret::new(form.finish()));
    Call { authorization, form, ..Call::get(metadata.token_endpoint.clone()) }
}

/// Discovery, section 3: without a list, it does. In the form, where it takes nothing else.
fn takes_basic(metadata: &Metadata) -> bool {
    let methods = metadata.token_endpoint_auth_methods_supported.as_ref();
    methods.is_none_or(|methods| methods.iter().any(|method| method == "client_secret_basic"))
}

/// RFC 6749, section 2.3.1: both parts are escaped as in a form.
fn basic(client_id: &str, secret: &Secret) -> Secret {
    let escaped = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", escaped(client_id), escaped(secret.reveal()));
    Secret::new(format!("Basic {}", BASE64.encode(pair.as_bytes())))
}

/// What the provider says of the person whose token it is. Section 5.3.2: it must be about the same one.
///
/// Errors: `oidc_unreachable`, `oidc_answer`, `oidc_refused`.
pub fn userinfo(fetch: &dyn Fetch, url: &Url, access_token: &str, subject: &str) -> Result<Profile> {
    #[derive(Deserialize)]
    struct About {
        sub: String,
    }
    let authorization = Some(Secret::new(format!("Bearer {access_token}")));
    let body = fetch.fetch(&Call { authorization, ..Call::get(url.clone()) })?.ok("the person's data")?;
    let about: About = serde_json::from_slice(&body).map_err(|_| malformed("the person's data"))?;
    if !secrets_equal(&about.sub, subject) {
        return Err(refused("the person's data are somebody else's"));
    }
    Profile::read(&body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_basic_authorization_are_escaped() {
        let header = basic("a:b", &Secret::new("p w%".into()));
        assert_eq!(header.reveal(), format!("Basic {}", BASE64.encode(b"a%3Ab:p+w%25")));
    }

    #[test]
    fn only_the_error_of_a_code_is_one() {
        assert!(has_error(br#"{"error":"invalid_grant","error_description":"x"}"#, "invalid_grant"));
        assert!(!has_error(br#"{"error":"invalid_client"}"#, "invalid_grant"));
        assert!(!has_error(b"invalid_grant", "invalid_grant"));
    }
}
