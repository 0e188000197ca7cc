//! What a provider says of a person, and whether it says it to us, now (Core, section 3.1.3.7).
//!
//! Keeps true: claims are checked after the signature; what is not checked is only shown.

use data_encoding::BASE64URL_NOPAD;
use ibid_types::{Result, Timestamp};
use ring::digest;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{Identity, malformed, refused};
use crate::jwt::{SKEW_SECONDS, seconds};
use crate::signature::Scheme;
use ibid_seal::secret::secrets_equal;

/// Section 2: a subject has at most 255 characters.
const SUBJECT_BYTES_MAX: usize = 255;
/// Of names and addresses.
const TEXT_BYTES_MAX: usize = 320;
const GROUPS_MAX: usize = 256;

/// What the token must say.
pub struct Expected<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    pub nonce: &'a str,
    pub access_token: &'a str,
    /// In which the token is signed.
    pub scheme: Scheme,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    /// Seconds; RFC 7519 allows parts of one.
    exp: f64,
    iat: f64,
    #[serde(default)]
    nbf: Option<f64>,
    #[serde(default)]
    nonce: Option<String>,
    #[serde(default)]
    azp: Option<String>,
    #[serde(default)]
    at_hash: Option<String>,
    #[serde(default, deserialize_with = "texts")]
    acr: Vec<String>,
    #[serde(default, deserialize_with = "texts")]
    amr: Vec<String>,
}

/// Whom a token names, and how that was found out.
#[derive(Debug)]
pub struct Named {
    pub subject: String,
    /// The provider's words for it: `acr`, and those of `amr` (RFC 8176).
    pub methods: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    fn holds(&self, client: &str) -> bool {
        match self {
            Self::One(audience) => audience == client,
            Self::Several(audiences) => audiences.iter().any(|audience| audience == client),
        }
    }

    const fn is_several(&self) -> bool {
        matches!(self, Self::Several(audiences) if audiences.len() > 1)
    }
}

/// Whom a token names whose signature was found right. Errors: `oidc_refused`.
pub fn check(payload: &[u8], expected: &Expected, now: Timestamp) -> Result<Named> {
    let malformed = || refused("its token says too little");
    // All of it is text (RFC 8259, 8.1): what is not read here is read by others, who must read the same.
    let text = std::str::from_utf8(payload).map_err(|_| malformed())?;
    let claims: Claims = serde_json::from_str(text).map_err(|_| malformed())?;
    check_parties(&claims, expected)?;
    check_time(&claims, now)?;
    // 3.1.3.7.11: the nonce is that of this sign-in.
    if !claims.nonce.as_deref().is_some_and(|nonce| secrets_equal(nonce, expected.nonce)) {
        return Err(refused("its token belongs to another sign-in"));
    }
    // 3.1.3.8: where there is a hash of the access token, it is that of ours.
    if claims.at_hash.as_ref().is_some_and(|hash| !secrets_equal(hash, &access_hash(expected))) {
        return Err(refused("its tokens do not belong together"));
    }
    if claims.sub.is_empty() || claims.sub.len() > SUBJECT_BYTES_MAX {
        return Err(refused("its token names nobody"));
    }
    let methods = claims.acr.into_iter().chain(claims.amr).collect();
    Ok(Named { subject: claims.sub, methods })
}

fn check_parties(claims: &Claims, expected: &Expected) -> Result<()> {
    // 3.1.3.7.2: the issuer is the provider.
    if claims.iss != expected.issuer {
        return Err(refused("its token is another provider's"));
    }
    // 3.1.3.7.3: it is meant for us; 4 and 5: where others are meant too, it was made for us.
    let is_made_for_us = match &claims.azp {
        Some(party) => party == expected.client_id,
        None => !claims.aud.is_several(),
    };
    if !claims.aud.holds(expected.client_id) || !is_made_for_us {
        return Err(refused("its token is meant for another service"));
    }
    Ok(())
}

/// 3.1.3.7.9 and 10. Comparisons with what is not a number are false, and so refuse.
fn check_time(claims: &Claims, now: Timestamp) -> Result<()> {
    #[allow(clippy::cast_precision_loss, reason = "seconds since 1970 are far below 2^53")]
    let (now, skew) = (seconds(now) as f64, SKEW_SECONDS as f64);
    let is_begun = claims.iat <= now + skew && claims.nbf.is_none_or(|nbf| nbf <= now + skew);
    if is_begun && now - skew < claims.exp {
        return Ok(());
    }
    Err(refused("its token is not valid at this time; compare the clocks"))
}

/// 3.1.3.6: the left half of the hash that belongs to the token's algorithm.
fn access_hash(expected: &Expected) -> String {
    let hash = digest::digest(expected.scheme.digest(), expected.access_token.as_bytes());
    let hash = hash.as_ref();
    BASE64URL_NOPAD.encode(hash.get(..hash.len() / 2).unwrap_or_default())
}

/// What is shown of a person (section 5.1), from the token or from userinfo.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Profile {
    #[serde(default, deserialize_with = "text")]
    email: Option<String>,
    #[serde(default, deserialize_with = "truth")]
    email_verified: bool,
    #[serde(default, deserialize_with = "text")]
    name: Option<String>,
    #[serde(default, deserialize_with = "text")]
    preferred_username: Option<String>,
    #[serde(default, deserialize_with = "texts")]
    groups: Vec<String>,
}

impl Profile {
    /// Errors: `oidc_answer`.
    pub fn read(claims: &[u8]) -> Result<Self> {
        serde_json::from_slice(claims).map_err(|_| malformed("the person's data"))
    }

    pub const fn is_complete(&self) -> bool {
        self.email.is_some() && self.name.is_some()
    }

    /// Takes from the other what is not here. An address and whether it was verified go together.
    pub fn fill(&mut self, other: Self) {
        if self.email.is_none() {
            (self.email, self.email_verified) = (other.email, other.email_verified);
        }
        self.name = self.name.take().or(other.name);
        self.preferred_username = self.preferred_username.take().or(other.preferred_username);
        if self.groups.is_empty() {
            self.groups = other.groups;
        }
    }

    pub fn into_identity(self, issuer: String, named: Named) -> Identity {
        Identity {
            issuer,
            subject: named.subject,
            methods: named.methods,
            is_email_verified: self.email.is_some() && self.email_verified,
            email: self.email,
            name: self.name,
            username: self.preferred_username,
            groups: self.groups,
        }
    }
}

/// A text of bearable length without control characters; anything else counts as nothing.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(bearable(Value::deserialize(deserializer)?))
}

fn bearable(value: Value) -> Option<String> {
    match value {
        Value::String(text)
            if !text.is_empty() && text.len() <= TEXT_BYTES_MAX && !text.contains(char::is_control) =>
        {
            Some(text)
        }
        _ => None,
    }
}

fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Array(values) => values.into_iter().take(GROUPS_MAX).filter_map(bearable).collect(),
        value => bearable(value).into_iter().collect(),
    })
}

/// Some providers write `"true"`.
fn truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(value == Value::Bool(true) || value == Value::String("true".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn somebody() -> Named {
        Named { subject: "s".into(), methods: Vec::new() }
    }

    fn profile(text: &str) -> Identity {
        Profile::read(text.as_bytes()).unwrap().into_identity("i".into(), somebody())
    }

    #[test]
    fn the_hash_of_an_access_token_is_that_of_the_standard() {
        // The example of OpenID Connect Core, appendix A.3, signed with RS256.
        let expected = Expected {
            issuer: "",
            client_id: "",
            nonce: "",
            access_token: "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y",
            scheme: Scheme::Rs256,
        };
        assert_eq!(access_hash(&expected), "77QmUPtjPfzWtF2AnpK9RQ");
    }

    #[test]
    fn a_token_that_is_no_text_names_nobody() {
        let expected =
            Expected { issuer: "i", client_id: "c", nonce: "n", access_token: "a", scheme: Scheme::EdDsa };
        let told = |other: &[u8]| {
            let known = br#"{"iss":"i","sub":"ada","aud":"c","exp":60,"iat":0,"nonce":"n","other":""#;
            check(&[&known[..], other, b"\"}"].concat(), &expected, Timestamp(0))
        };
        assert_eq!(told(b"text").unwrap().subject, "ada");
        assert_eq!(told(b"\xff").unwrap_err().code, "oidc_refused");
    }

    #[test]
    fn what_is_not_bearable_counts_as_nothing() {
        let person = profile(r#"{"email":7,"name":"a\u0000b","preferred_username":"","groups":["a",1,"b"]}"#);
        assert_eq!((person.email, person.name, person.username), (None, None, None));
        assert_eq!(person.groups, ["a", "b"]);
        let long = format!(r#"{{"name":"{}"}}"#, "x".repeat(TEXT_BYTES_MAX + 1));
        assert_eq!(profile(&long).name, None);
    }

    #[test]
    fn an_address_is_verified_if_the_provider_says_so() {
        for (claim, expected) in
            [("true", true), ("\"true\"", true), ("false", false), ("\"yes\"", false), ("1", false)]
        {
            let text = format!(r#"{{"email":"a@b.example","email_verified":{claim}}}"#);
            assert_eq!(profile(&text).is_email_verified, expected, "{claim}");
        }
        assert!(!profile(r#"{"email":"a@b.example"}"#).is_email_verified);
        assert!(!profile(r#"{"email_verified":true}"#).is_email_verified);
    }

    #[test]
    fn without_either_the_person_is_asked_for() {
        let complete = |text: &str| Profile::read(text.as_bytes()).unwrap().is_complete();
        assert!(complete(r#"{"email":"a@b.example","name":"A"}"#));
        assert!(!complete(r#"{"email":"a@b.example"}"#) && !complete(r#"{"name":"A"}"#));
    }

    #[test]
    fn one_group_may_stand_without_a_list() {
        assert_eq!(profile(r#"{"groups":"staff"}"#).groups, ["staff"]);
        assert_eq!(profile(r#"{"groups":{"a":1}}"#).groups, Vec::<String>::new());
    }

    #[test]
    fn a_verified_flag_never_joins_another_address() {
        let mut own = Profile::read(br#"{"email":"a@b.example"}"#).unwrap();
        own.fill(Profile::read(br#"{"email":"c@d.example","email_verified":true,"name":"C"}"#).unwrap());
        let person = own.into_identity("i".into(), somebody());
        assert_eq!((person.email.as_deref(), person.is_email_verified), (Some("a@b.example"), false));
        assert_eq!(person.name.as_deref(), Some("C"));
    }
}
