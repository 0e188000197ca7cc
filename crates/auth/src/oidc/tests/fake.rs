//! A provider in memory that can lie in every way that the checks are for.

use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::*;

type Forge = Box<dyn Fn(&str) -> String + Send>;

/// What the provider answers, and what it was asked.
pub struct State {
    pub keys: SigningKeys,
    pub metadata: Value,
    /// Members of the token that are set, or taken away where null.
    pub claims: Value,
    /// The same for the answer with the tokens.
    pub tokens: Value,
    pub userinfo: Value,
    /// What the browser was sent with.
    pub asked: Vec<(String, String)>,
    pub calls: Vec<Call>,
    /// Makes another token of the right one.
    pub forge: Option<Forge>,
    /// The path that answers otherwise, with which status and what.
    pub failing: Option<(&'static str, u16, Value)>,
}

#[derive(Clone)]
pub struct Fake(pub Arc<Mutex<State>>);

impl Fake {
    pub fn new() -> Self {
        let metadata = json!({
            "issuer": ISSUER,
            "authorization_endpoint": format!("{ISSUER}/authorize?tenant=a"),
            "token_endpoint": format!("{ISSUER}/token"),
            "jwks_uri": format!("{ISSUER}/jwks"),
            "userinfo_endpoint": format!("{ISSUER}/userinfo"),
        });
        let claims = json!({"email": "ann@example.org", "email_verified": true, "name": "Ann"});
        Self(Arc::new(Mutex::new(State {
            keys: SigningKeys::generate(NOW).unwrap(),
            metadata,
            claims,
            tokens: json!({}),
            userinfo: json!({"sub": "ann-7"}),
            asked: Vec::new(),
            calls: Vec::new(),
            forge: None,
            failing: None,
        })))
    }

    pub fn with(change: impl FnOnce(&mut State)) -> Self {
        let fake = Self::new();
        change(&mut fake.0.lock());
        fake
    }

    pub fn provider(&self) -> Provider {
        Provider::over(settings(), Box::new(self.clone())).unwrap()
    }

    /// Begins, has the browser sent back, finishes.
    pub fn sign_in(&self) -> Result<Identity> {
        self.sign_in_at(&self.provider(), NOW)
    }

    pub fn sign_in_at(&self, provider: &Provider, now: Timestamp) -> Result<Identity> {
        let (url, begun) = provider.begin(now)?;
        self.visit(&url);
        provider.finish(&begun, &self.callback(), now)
    }

    pub fn visit(&self, url: &str) {
        let url = Url::parse(url).unwrap();
        self.0.lock().asked = url.query_pairs().map(|(name, value)| (name.into(), value.into())).collect();
    }

    pub fn asked(&self, name: &str) -> String {
        let state = self.0.lock();
        state
            .asked
            .iter()
            .find(|(asked, _)| asked == name)
            .map(|(_, value)| value.clone())
            .unwrap_or_default()
    }

    pub fn callback(&self) -> Callback {
        Callback { state: Some(self.asked("state")), code: Some("a code".into()), ..Callback::default() }
    }

    pub fn calls_of(&self, path: &str) -> Vec<Call> {
        self.0.lock().calls.iter().filter(|call| call.url.path() == path).cloned().collect()
    }

    fn tokens(&self) -> Value {
        let nonce = self.asked("nonce");
        let state = self.0.lock();
        let claims = merged(
            json!({
                "iss": ISSUER, "sub": "ann-7", "aud": "ibid", "nonce": nonce,
                "iat": seconds(), "exp": seconds() + 300, "at_hash": at_hash("an access token"),
            }),
            &state.claims,
        );
        let claims = without_nulls(claims);
        let id_token = state.keys.sign(claims.to_string().as_bytes());
        let id_token = state.forge.as_ref().map_or_else(|| id_token.clone(), |forge| forge(&id_token));
        without_nulls(merged(
            json!({"id_token": id_token, "access_token": "an access token", "token_type": "Bearer"}),
            &state.tokens,
        ))
    }
}

impl Fetch for Fake {
    fn fetch(&self, call: &Call) -> Result<Reply> {
        self.0.lock().calls.push(call.clone());
        if let Some((path, status, body)) = &self.0.lock().failing
            && *path == call.url.path()
        {
            return Ok(Reply { status: *status, body: body.to_string().into_bytes() });
        }
        let body = match call.url.path() {
            "/.well-known/openid-configuration" => self.0.lock().metadata.clone(),
            "/jwks" => self.0.lock().keys.jwks(NOW),
            "/token" => self.tokens(),
            _ => self.0.lock().userinfo.clone(),
        };
        Ok(Reply { status: 200, body: body.to_string().into_bytes() })
    }
}

pub const fn seconds() -> i64 {
    NOW.0 / 1000
}

pub fn at_hash(access_token: &str) -> String {
    let hash = ring::digest::digest(&ring::digest::SHA512, access_token.as_bytes());
    BASE64URL_NOPAD.encode(&hash.as_ref()[..32])
}

pub fn merged(mut value: Value, changes: &Value) -> Value {
    for (name, change) in changes.as_object().unwrap() {
        value[name] = change.clone();
    }
    value
}

fn without_nulls(mut value: Value) -> Value {
    value.as_object_mut().unwrap().retain(|_, member| !member.is_null());
    value
}
