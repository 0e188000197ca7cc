//! One error type with nine classes. A class decides the HTTP status and the exit code; a code is stable and
//! has a page in `docs/errors/`; the message says what was tried and what the reader can do.

use std::fmt;

use serde::{Deserialize, Serialize};

pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn std::error::Error + Send + Sync + 'static>;

/// What kind of failure it is, from the caller's point of view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    BadRequest,
    Unauthenticated,
    Forbidden,
    NotFound,
    Conflict,
    TooManyRequests,
    Timeout,
    Unavailable,
    Internal,
}

impl Class {
    pub const ALL: [Self; 9] = [
        Self::BadRequest,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::Conflict,
        Self::TooManyRequests,
        Self::Timeout,
        Self::Unavailable,
        Self::Internal,
    ];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::TooManyRequests => "too_many_requests",
            Self::Timeout => "timeout",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }

    /// Whether the same call may succeed later without a change by the caller.
    #[must_use]
    pub const fn is_transient(self) -> bool {
        matches!(self, Self::TooManyRequests | Self::Timeout | Self::Unavailable)
    }
}

/// A failure with its class, stable code, message and cause.
#[derive(Debug)]
pub struct Error {
    pub class: Class,
    /// Stable, lower-case, `noun_problem`: `document_encrypted`. Has a page `docs/errors/CODE.md`.
    pub code: &'static str,
    /// Lower case, no full stop; what was tried and what the reader can do.
    pub message: String,
    source: Option<Source>,
}

macro_rules! constructors {
    ($($name:ident => $class:ident),* $(,)?) => {
        $(
            #[must_use]
            pub fn $name(code: &'static str, message: impl Into<String>) -> Self {
                Self::new(Class::$class, code, message)
            }
        )*
    };
}

impl Error {
    #[must_use]
    pub fn new(class: Class, code: &'static str, message: impl Into<String>) -> Self {
        Self { class, code, message: message.into(), source: None }
    }

    constructors! {
        bad_request => BadRequest,
        unauthenticated => Unauthenticated,
        forbidden => Forbidden,
        not_found => NotFound,
        conflict => Conflict,
        too_many_requests => TooManyRequests,
        timeout => Timeout,
        unavailable => Unavailable,
        internal => Internal,
    }

    /// The same error with its cause, which logs show and the message does not repeat.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Source>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The message followed by its causes, for logs and terminals.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut text = self.message.clone();
        let mut next = std::error::Error::source(self);
        while let Some(cause) = next {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            next = cause.source();
        }
        text
    }
}

/// A code that came as text, from another process, as the `'static` one that errors hold. Codes are few and stable;
/// each distinct one is kept once for the life of the process.
#[must_use]
pub fn interned(code: &str) -> &'static str {
    static KNOWN: std::sync::Mutex<std::collections::BTreeSet<&'static str>> =
        std::sync::Mutex::new(std::collections::BTreeSet::new());
    let mut known = KNOWN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    match known.get(code) {
        Some(kept) => kept,
        None => {
            let kept: &'static str = Box::leak(code.to_owned().into_boxed_str());
            known.insert(kept);
            kept
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_names_each_cause_once() {
        let inner = std::io::Error::other("disk on fire");
        let error = Error::unavailable("store_unavailable", "cannot open the store").caused_by(inner);
        assert_eq!(error.chain(), "cannot open the store: disk on fire");
    }

    #[test]
    fn class_names_are_what_serde_writes() {
        for class in Class::ALL {
            assert_eq!(serde_json::to_string(&class).unwrap(), format!("\"{}\"", class.name()));
        }
    }
}
