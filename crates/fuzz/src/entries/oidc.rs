//! A sign-in provider that says anything at all: its configuration, its keys, its tokens, what it knows of a person.
//!
//! An input has parts: the query of the browser that comes back, the configuration, the keys, the answer with tokens, the head of the
//! id token, its claims, the person's data. What is signed is signed here, so that mutation comes behind the signature.

use ibid_auth::oidc::{Begun, Call, Callback, Fetch, Identity, Provider, Reply, Settings};
use ibid_types::{Result as Outcome, Secret};
use ring::signature::KeyPair;
use serde_json::{Value, json};

use super::identity::{NOW, base64, pair, sign};
use super::{joined, keep, parts, text};

const ISSUER: &str = "https://login.example";
const PARTS: usize = 7;
/// Where the answer with tokens gets the id token.
const TOKEN: &str = "ID_TOKEN";

/// Says what the input says.
#[derive(Clone, Debug)]
struct Fake {
    configuration: Vec<u8>,
    keys: Vec<u8>,
    tokens: Vec<u8>,
    person: Vec<u8>,
}

impl Fetch for Fake {
    fn fetch(&self, call: &Call) -> Outcome<Reply> {
        let body = match call.url.path() {
            _ if call.form.is_some() => &self.tokens,
            path if path.ends_with("openid-configuration") => &self.configuration,
            path if path.ends_with("keys") => &self.keys,
            _ => &self.person,
        };
        // The first byte of an answer says whether it is one.
        let status = if body.first() == Some(&b'!') { 400 } else { 200 };
        Ok(Reply { status, body: body.strip_prefix(b"!").unwrap_or(body).to_vec() })
    }
}

pub fn sign_in(bytes: &[u8]) -> Result<(), String> {
    let Some(identity) = signed_in(bytes)? else { return Ok(()) };
    let [_, _, _, _, _, claims, _] = parts::<PARTS>(bytes);
    let claimed: Value = serde_json::from_slice(claims).unwrap_or_default();
    let is_claimed = claimed["sub"] == identity.subject.as_str() && claimed["nonce"] == "n";
    keep(
        identity.issuer == ISSUER && is_claimed,
        "signed in is whom the signed token names, for this sign-in",
    )
}

fn signed_in(bytes: &[u8]) -> Result<Option<Identity>, String> {
    let [query, configuration, keys, tokens, head, claims, person] = parts::<PARTS>(bytes);
    let fake = Fake {
        configuration: configuration.to_vec(),
        keys: keys.to_vec(),
        tokens: text(tokens).replacen(TOKEN, &id_token(head, claims), 1).into_bytes(),
        person: person.to_vec(),
    };
    let provider = Provider::over(settings(), Box::new(fake)).map_err(|error| error.to_string())?;
    let _ = provider.begin(NOW);
    let begun = json!({ "state": "s", "nonce": "n", "verifier": "v", "expires_at": NOW.0 + 60_000 });
    let begun: Begun = serde_json::from_value(begun).map_err(|error| error.to_string())?;
    Ok(provider.finish(&begun, &callback(&text(query)), NOW).ok())
}

fn settings() -> Settings {
    Settings {
        issuer: ISSUER.to_owned(),
        client_id: "ibid".to_owned(),
        client_secret: Some(Secret::new("hunter2".to_owned())),
        redirect_url: "https://ibid.example/v1/auth/oidc/callback".to_owned(),
        scopes: vec!["profile".to_owned()],
    }
}

/// As a browser brings it, already taken apart.
fn callback(query: &str) -> Callback {
    let find = |name: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(known, _)| *known == name).map(|(_, value)| value.to_owned()).next_back()
    };
    Callback { state: find("state"), code: find("code"), iss: find("iss"), error: find("error") }
}

fn id_token(head: &[u8], claims: &[u8]) -> String {
    let signed = format!("{}.{}", base64(head), base64(claims));
    format!("{signed}.{}", base64(&sign(signed.as_bytes())))
}

pub fn seeds() -> Vec<Vec<u8>> {
    let configuration = json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://login.example/authorize?tenant=a",
        "token_endpoint": "https://login.example/token",
        "jwks_uri": "https://login.example/keys",
        "userinfo_endpoint": "https://login.example/userinfo",
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
        "authorization_response_iss_parameter_supported": true,
    });
    let key = base64(pair().map_or(&[], |pair| pair.public_key().as_ref()));
    let own = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "1", "use": "sig", "alg": "EdDSA", "x": key });
    let rsa = json!({ "kty": "RSA", "kid": "2", "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAk", "e": "AQAB" });
    let curve = json!({ "kty": "EC", "crv": "P-256", "x": base64(&[7; 32]), "y": base64(&[7; 32]) });
    let keys = json!({ "keys": [own, rsa, curve] });
    let tokens = json!({ "id_token": TOKEN, "access_token": "a", "token_type": "Bearer", "expires_in": 60 });
    let seconds = NOW.0 / 1000;
    let claims = json!({ "iss": ISSUER, "sub": "ann-7", "aud": "ibid", "exp": seconds + 60, "iat": seconds, "nonce": "n" });
    let told = json!({
        "iss": ISSUER, "sub": "ann-7", "aud": ["ibid", "other"], "azp": "ibid", "exp": 1_795_000_060.5, "iat": seconds,
        "nbf": seconds, "nonce": "n", "email": "ann@example.org", "email_verified": true, "name": "Ann",
        "preferred_username": "ann", "groups": ["a", "b"],
    });
    let person =
        json!({ "sub": "ann-7", "email": "ann@example.org", "email_verified": "true", "groups": "a" });
    let seed = |claims: &Value| {
        let query = format!("state=s&code=c&iss={ISSUER}");
        let all = [&configuration, &keys, &tokens, &json!({ "alg": "EdDSA", "kid": "1" }), claims, &person];
        let all = all.map(|part| part.to_string().into_bytes());
        joined(
            &[&[query.into_bytes()], all.as_slice()].concat().iter().map(Vec::as_slice).collect::<Vec<_>>(),
        )
    };
    let refused = joined(&[b"state=s&error=access_denied", configuration.to_string().as_bytes()]);
    vec![seed(&claims), seed(&told), refused]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_get_through() {
        let who: Vec<Option<Identity>> = seeds().iter().map(|seed| signed_in(seed).unwrap()).collect();
        assert_eq!(who[0].as_ref().unwrap().email.as_deref(), Some("ann@example.org"));
        assert_eq!(who[1].as_ref().unwrap().groups, ["a", "b"]);
        assert!(who[2].is_none());
    }
}
