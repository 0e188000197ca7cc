//! The boundary: what a tool says about itself, what it is told with a call, and what it does.
//!
//! Keeps true: a `ToolSpec` that exists has a usable name and a schema that compiles.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ibid_runtime::Shutdown;
use ibid_types::access::Reader;
use ibid_types::{Error, Result, WorkspaceId};
use serde_json::Value;

use crate::Schema;

/// The longest name: a server's 32, a dot, and the 127 that the Model Context Protocol advises for its tools.
const NAME_BYTES_MAX: usize = 160;

/// How long a tool may work when it says nothing else.
const TIMEOUT_USUAL: Duration = Duration::from_secs(30);

/// Something that a flow may call.
///
/// A call may be given up from outside: the caller has then got its error, and the tool should end soon after
/// `context.cancelled` is requested or `context.deadline` has passed. `crate::conformance` checks the contract.
pub trait Tool: Send + Sync + Debug {
    fn spec(&self) -> &ToolSpec;

    /// Does it. `Toolbox::call` has checked `input` against the schema.
    fn call(&self, input: &Value, context: &ToolContext) -> Result<Value>;
}

/// What a tool says about itself; this is what a chat model sees.
#[derive(Clone, Debug)]
pub struct ToolSpec {
    /// Letters, digits, `_`, `-`, `.` and `/`; tools of a server are `SERVER.tool`.
    pub name: String,
    pub description: String,
    /// JSON Schema of the input, always of an object.
    pub input_schema: Value,
    /// Whether a second call could do harm that one does not: such calls are not repeated after a crash.
    pub has_side_effects: bool,
    /// The longest time one call may take.
    pub timeout: Duration,
    schema: Arc<Schema>,
}

impl ToolSpec {
    /// A tool without side effects that may work for 30 seconds.
    ///
    /// # Errors
    /// `tool_name_invalid`, `tool_schema_invalid`.
    pub fn new(name: impl Into<String>, description: impl Into<String>, input_schema: Value) -> Result<Self> {
        let (name, description) = (name.into(), description.into());
        check_name(&name)?;
        let schema = Arc::new(Schema::compile(&input_schema)?);
        let has_side_effects = false;
        Ok(Self { name, description, input_schema, has_side_effects, timeout: TIMEOUT_USUAL, schema })
    }

    #[must_use]
    pub fn with_side_effects(mut self, has_side_effects: bool) -> Self {
        self.has_side_effects = has_side_effects;
        self
    }

    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Whether `input` is what the tool takes.
    ///
    /// # Errors
    /// `tool_input_invalid`, which names the tool and the place in the input.
    pub fn check_input(&self, input: &Value) -> Result<()> {
        self.schema.check(input).map_err(|what| {
            Error::bad_request(
                "tool_input_invalid",
                format!("the input of tool '{}' is wrong {what}", self.name),
            )
        })
    }
}

fn check_name(name: &str) -> Result<()> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    if !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.chars().all(allowed) {
        return Ok(());
    }
    Err(Error::bad_request(
        "tool_name_invalid",
        format!(
            "'{name}' cannot be a tool's name; use 1 to {NAME_BYTES_MAX} letters, digits, '_', '-', '.' and '/'"
        ),
    ))
}

/// What a tool is told with a call.
#[derive(Clone, Debug)]
pub struct ToolContext {
    /// The only workspace whose data the call may see.
    pub workspace: WorkspaceId,
    /// What they may not read is not there for the tool.
    pub reader: Reader,
    /// The same for each attempt at one step of a run; a receiver that keeps it does nothing twice.
    pub idempotency_key: String,
    pub deadline: Instant,
    /// Requested when nobody waits for the result any more.
    pub cancelled: Shutdown,
}

impl ToolContext {
    /// A call that may take so long from now and is cancelled by nobody.
    #[must_use]
    pub fn new(workspace: WorkspaceId, idempotency_key: impl Into<String>, timeout: Duration) -> Self {
        Self {
            workspace,
            reader: Reader::Nobody,
            idempotency_key: idempotency_key.into(),
            deadline: soon(timeout),
            cancelled: Shutdown::new(),
        }
    }

    /// A call that sees what somebody may read; without it, it sees no document.
    #[must_use]
    pub const fn on_behalf_of(mut self, reader: Reader) -> Self {
        self.reader = reader;
        self
    }

    /// The time that is left, zero when the deadline has passed.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// The same call with at most so much time, and with a stop signal of its own.
    pub(crate) fn within(&self, timeout: Duration) -> Self {
        Self { deadline: self.deadline.min(soon(timeout)), cancelled: Shutdown::new(), ..self.clone() }
    }
}

/// So long from now; a time too far to count is a day.
fn soon(timeout: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(timeout).unwrap_or(now + Duration::from_secs(86_400))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_have_a_form() {
        let named = |name: &str| ToolSpec::new(name, "", json!({"type": "object"})).map(|_| ());
        assert!(named("files.read_file").is_ok());
        for name in ["", "two words", "größe", &"x".repeat(161)] {
            assert_eq!(named(name).unwrap_err().code, "tool_name_invalid", "{name}");
        }
    }

    #[test]
    fn endless_timeouts_are_taken() {
        let context = ToolContext::new(WorkspaceId::new(), "k", Duration::MAX);
        assert!(context.remaining() > Duration::from_secs(80_000));
        assert!(context.within(Duration::from_secs(5)).remaining() <= Duration::from_secs(5));
    }
}
