//! Errors on the wire, in the shape that OpenAI clients read, with Ibid's class and stable code.

use ibid_types::{Class, Error};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `{"error": {...}}`
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    pub error: ProblemBody,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProblemBody {
    /// One of the nine classes: `bad_request`, `not_found`, ...
    #[serde(rename = "type")]
    pub class: String,
    /// Stable code with a page in the manual: `document_encrypted`.
    pub code: String,
    /// What was tried and what to do.
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Problem {
    #[must_use]
    pub fn new(error: &Error, request_id: Option<String>) -> Self {
        Self {
            error: ProblemBody {
                class: error.class.name().to_owned(),
                code: error.code.to_owned(),
                message: error.message.clone(),
                request_id,
            },
        }
    }
}

/// The HTTP status of a class; the only place that knows.
#[must_use]
pub const fn status(class: Class) -> u16 {
    match class {
        Class::BadRequest => 400,
        Class::Unauthenticated => 401,
        Class::Forbidden => 403,
        Class::NotFound => 404,
        Class::Conflict => 409,
        Class::TooManyRequests => 429,
        Class::Timeout => 504,
        Class::Unavailable => 503,
        Class::Internal => 500,
    }
}
