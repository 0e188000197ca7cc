//! What goes wrong at a provider, as classed errors that name provider, host and model and say what to do.
//!
//! Keeps true: the api key is in no message, even where the provider repeats it.

use ibid_types::{Error, Secret};
use reqwest::StatusCode;
use serde_json::Value;

use super::Endpoint;
use crate::wire::Failure;

/// The most that is shown of a provider's own words.
const SAID_CHARS_MAX: usize = 300;

/// A request that got no (whole) answer. `waited_for` says what was not there in time: `an answer`.
pub fn failed(endpoint: &Endpoint, failure: Failure, waited_for: &str) -> Error {
    let label = endpoint.label();
    match failure {
        Failure::Late => Error::timeout(
            "provider_timeout",
            format!("{label} did not give {waited_for} in time; try again, or allow it more time"),
        ),
        Failure::Unreachable(error) => Error::unavailable(
            "provider_unreachable",
            format!("{label} cannot be reached; check that it runs and that its url is right"),
        )
        .caused_by(error.without_url()),
        Failure::Broken(error) => {
            let broken = broken(endpoint, "the connection broke before the answer was whole");
            match error {
                Some(error) => broken.caused_by(error.without_url()),
                None => broken,
            }
        }
    }
}

/// An answer that is not what the protocol says.
pub fn broken(endpoint: &Endpoint, what: &str) -> Error {
    let label = endpoint.label();
    Error::unavailable(
        "provider_broken_answer",
        format!(
            "{label} gave an answer that cannot be used: {what}; try again, and check that the provider's kind and url are right"
        ),
    )
}

/// A status that is no success, with the provider's words.
pub fn refused(endpoint: &Endpoint, status: StatusCode, body: &[u8]) -> Error {
    let said = said(body, &endpoint.api_key);
    let label = endpoint.label();
    match status.as_u16() {
        401 | 403 => refused_key(endpoint),
        413 => too_long(&label, &said),
        _ if is_overflow(&said) => too_long(&label, &said),
        404 => unknown(endpoint, &said),
        429 | 503 => Error::unavailable(
            "provider_busy",
            format!("{label} is busy, also after retries{}; try again later", quoted(&said)),
        ),
        300..=399 => broken(endpoint, "it sends the caller to another address; name that one as url"),
        500..=599 => Error::unavailable(
            "provider_failed",
            format!(
                "{label} failed with status {}{}; its own log has the cause",
                status.as_u16(),
                quoted(&said)
            ),
        ),
        code => Error::internal(
            "provider_refused",
            format!(
                "{label} refused the request with status {code}{}; check its url and model in the configuration",
                quoted(&said)
            ),
        ),
    }
}

/// An error that came inside a stream, after the status said that all is well.
pub fn interrupted(endpoint: &Endpoint, said: &str) -> Error {
    let label = endpoint.label();
    let said = shown(said, &endpoint.api_key);
    if is_overflow(&said) {
        return too_long(&label, &said);
    }
    Error::unavailable(
        "provider_failed",
        format!("{label} failed within its answer{}; try again", quoted(&said)),
    )
}

/// The words of a refusal: `error.message`, `error`, `message` or `detail` of its JSON, or its text, cut short.
pub fn said(body: &[u8], api_key: &Secret) -> String {
    let text = String::from_utf8_lossy(body);
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    let inside = parsed.as_ref().and_then(message_of);
    shown(inside.unwrap_or(&text), api_key)
}

/// Whether a provider's words say that prompt and answer do not fit its context. The words are those of OpenAI,
/// vLLM, llama.cpp, Ollama and Groq.
fn is_overflow(said: &str) -> bool {
    const WORDS: [&str; 7] = [
        "context length",
        "context size",
        "context window",
        "context_length",
        "exceed_context",
        "reduce the length",
        "maximum input length",
    ];
    let said = said.to_lowercase();
    WORDS.iter().any(|word| said.contains(word))
}

fn refused_key(endpoint: &Endpoint) -> Error {
    let label = endpoint.label();
    let what = if endpoint.api_key.is_empty() { "wants an api_key" } else { "refuses the api_key" };
    Error::internal(
        "provider_refused_key",
        format!("{label} {what}; set a valid one in the configuration or its environment variable"),
    )
}

fn too_long(label: &str, said: &str) -> Error {
    Error::bad_request(
        "provider_context_exceeded",
        format!(
            "the text is longer than {label} can read{}; set its context_tokens or tokens_max to what it can, or lower answer.context_tokens",
            quoted(said)
        ),
    )
}

fn unknown(endpoint: &Endpoint, said: &str) -> Error {
    let label = endpoint.label();
    let advice = if endpoint.provider == "ollama" {
        format!("run `ollama pull {}`, or name a model that `ollama list` shows", endpoint.model)
    } else {
        "check the model's name, and the url, which usually ends in /v1".to_owned()
    };
    Error::internal(
        "provider_model_unknown",
        format!("{label} has no such model or address{}; {advice}", quoted(said)),
    )
}

fn message_of(value: &Value) -> Option<&str> {
    let error = value.get("error");
    error
        .and_then(|error| error.get("message"))
        .or(error)
        .or_else(|| value.get("message"))
        .or_else(|| value.get("detail"))
        .and_then(Value::as_str)
}

fn shown(text: &str, api_key: &Secret) -> String {
    let key = api_key.reveal().trim();
    let text = if key.is_empty() { text.to_owned() } else { text.replace(key, "[secret]") };
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(SAID_CHARS_MAX).collect()
}

fn quoted(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(" (it says: {})", said.trim_end_matches('.')) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RemoteConfig;

    fn endpoint(provider: &'static str, key: &str) -> Endpoint {
        let config = RemoteConfig {
            url: "http://h:1/v1".to_owned(),
            model: "m".to_owned(),
            api_key: Secret::new(key.to_owned()),
            tokens_max: 512,
            line: std::sync::Arc::default(),
        };
        Endpoint::new(provider, &config, "/v1").unwrap()
    }

    fn code(status: u16, body: &str) -> &'static str {
        refused(&endpoint("openai", "k"), StatusCode::from_u16(status).unwrap(), body.as_bytes()).code
    }

    #[test]
    fn each_status_has_its_code() {
        assert_eq!(code(401, ""), "provider_refused_key");
        assert_eq!(code(403, ""), "provider_refused_key");
        assert_eq!(code(404, "{}"), "provider_model_unknown");
        assert_eq!(code(413, "{}"), "provider_context_exceeded");
        assert_eq!(code(422, "{}"), "provider_refused");
        assert_eq!(code(429, "{}"), "provider_busy");
        assert_eq!(code(500, "<html>"), "provider_failed");
        assert_eq!(code(307, ""), "provider_broken_answer");
    }

    #[test]
    fn too_long_prompts_are_told_from_other_refusals() {
        let openai = r#"{"error":{"message":"This model's maximum context length is 8192 tokens.","code":"context_length_exceeded"}}"#;
        let llama = r#"{"error":{"code":400,"message":"the request exceeds the available context size, try increasing it","type":"exceed_context_size_error"}}"#;
        assert_eq!(code(400, openai), "provider_context_exceeded");
        assert_eq!(code(400, llama), "provider_context_exceeded");
        assert_eq!(code(400, r#"{"error":{"message":"bad temperature"}}"#), "provider_refused");
    }

    #[test]
    fn the_key_is_in_no_message() {
        let endpoint = endpoint("openai", "hunter2");
        let body = br#"{"error":{"message":"Incorrect API key provided: hunter2."}}"#;
        for status in [400, 401, 404, 429, 500] {
            let error = refused(&endpoint, StatusCode::from_u16(status).unwrap(), body);
            assert!(!error.message.contains("hunter2"), "{}", error.message);
        }
        assert!(!interrupted(&endpoint, "key hunter2 ended").message.contains("hunter2"));
    }

    #[test]
    fn a_message_names_provider_host_and_model() {
        let error =
            refused(&endpoint("ollama", ""), StatusCode::NOT_FOUND, br#"{"error":"model 'm' not found"}"#);
        assert_eq!(
            error.message,
            "ollama at h:1 (model 'm') has no such model or address (it says: model 'm' not found); run `ollama pull m`, or name a model that `ollama list` shows"
        );
    }

    #[test]
    fn a_providers_words_are_bounded_and_one_line() {
        let long = format!("{}\n\u{1b}[31m{}", "x".repeat(200), "y".repeat(5000));
        let said = said(long.as_bytes(), &Secret::default());
        assert_eq!(said.chars().count(), SAID_CHARS_MAX);
        assert!(!said.chars().any(char::is_control));
    }
}
