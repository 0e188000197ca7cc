//! What agents send with a call, read strictly: a misspelt name is told and not passed over.

use ibid_types::{Error, Result};
use rmcp::model::JsonObject;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remember {
    pub text: String,
    pub at: Option<String>,
    pub speaker: Option<String>,
    pub source: Option<String>,
    #[serde(default)]
    pub shared: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recall {
    pub query: String,
    pub entity: Option<String>,
    pub valid_at: Option<String>,
    pub believed_at: Option<String>,
    pub from: Option<String>,
    pub to: Option<String>,
    pub limit: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relate {
    pub subject: String,
    pub relation: String,
    pub object: Option<String>,
    pub value: Option<String>,
    pub valid_from: Option<String>,
    pub valid_to: Option<String>,
    #[serde(default)]
    pub replaces: bool,
    #[serde(default)]
    pub shared: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forget {
    pub fact: Option<String>,
    pub entity: Option<String>,
    pub episode: Option<String>,
    pub from: Option<String>,
    pub to: Option<String>,
    #[serde(default)]
    pub shared: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchDocuments {
    pub query: String,
    pub limit: Option<usize>,
    pub path: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    pub question: String,
}

/// Error: `mcp_arguments`.
pub fn read<T: DeserializeOwned>(tool: &str, mut sent: JsonObject) -> Result<T> {
    // Models fill in what they leave open with null or an empty text.
    sent.retain(|_, value| !value.is_null() && value.as_str() != Some(""));
    serde_json::from_value(Value::Object(sent)).map_err(|error| {
        Error::bad_request("mcp_arguments", format!("the arguments of '{tool}' cannot be read: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read_remember(sent: Value) -> Result<Remember> {
        let Value::Object(sent) = sent else { panic!("{sent}") };
        read("remember", sent)
    }

    #[test]
    fn what_is_left_open_is_not_sent() {
        let read = read_remember(json!({ "text": "a", "at": null, "speaker": "" })).unwrap();
        assert_eq!((read.text.as_str(), read.at, read.speaker, read.shared), ("a", None, None, false));
    }

    #[test]
    fn what_is_wrong_is_told_by_its_name() {
        for (sent, named) in [
            (json!({}), "`text`"),
            (json!({ "text": "a", "txt": "b" }), "`txt`"),
            (json!({ "text": 1 }), "string"),
        ] {
            let error = read_remember(sent).unwrap_err();
            assert_eq!((error.code, error.message.contains(named)), ("mcp_arguments", true), "{error}");
        }
    }
}
