//! `NodeKind`: what performs the effects of a flow. The kinds of chat are such, and an embedder's own.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use ibid_types::access::Reader;
use ibid_types::{Result, RunId, WorkspaceId};
use serde_json::Value;

/// What a kind of node does. Blocking.
pub trait NodeKind: Send + Sync + Debug {
    /// As `kind:` names it, `[a-z][a-z0-9_]*`.
    fn name(&self) -> &str;

    /// One sentence for people and for the JSON Schema.
    fn description(&self) -> &str;

    /// JSON Schema of `with`, after rendering.
    fn parameters(&self) -> Value;

    /// How long one attempt may take where the flow does not say.
    fn timeout(&self) -> Duration {
        Duration::from_secs(60)
    }

    /// Whether doing it twice differs from doing it once; then a flow must say what an interrupted one means.
    fn has_side_effects(&self) -> bool {
        false
    }

    /// As `has_side_effects`, of a node with these parameters; templates are still in them.
    fn has_side_effects_with(&self, _with: &Value) -> bool {
        self.has_side_effects()
    }

    /// Whether it calls tools. Then `allow` in its parameters always holds the names that its flow allows, and no
    /// template can change it.
    fn uses_tools(&self) -> bool {
        false
    }

    /// Whether an entry of a flow's `tools` can name something; asked of kinds that use tools.
    ///
    /// # Errors
    /// `tool_unknown`, with the nearest name.
    fn check_tool(&self, _name: &str) -> Result<()> {
        Ok(())
    }

    /// What watchers are told of an output besides that it is there, such as citations: names and contents. A pure
    /// function of the output, because it is asked again for those who come late.
    fn events_of(&self, _output: &Value) -> Vec<(String, Value)> {
        Vec::new()
    }

    /// The whole text whose pieces were told as tokens, for those who missed some. A pure function of the output.
    fn text_of(&self, _output: &Value) -> Option<String> {
        None
    }

    /// Performs one attempt. Errors of a passing class are tried again by the node's `retry`.
    fn perform(&self, call: &Call<'_>) -> Result<Output>;
}

/// One attempt of one effect.
pub struct Call<'a> {
    pub run: RunId,
    pub workspace: WorkspaceId,
    /// On whose behalf the run reads documents.
    pub reader: Reader,
    pub node: &'a str,
    pub input: &'a Value,
    /// From 1.
    pub attempt: u32,
    /// The same for all attempts of this effect, and for no other.
    pub idempotency_key: &'a str,
    pub timeout: Duration,
    /// Tells watchers at once; `Break` says that the run was cancelled and the work can stop.
    pub emit: &'a dyn Fn(Emitted) -> ControlFlow<()>,
}

impl Debug for Call<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call")
            .field("node", &self.node)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

/// What a node lets watchers see while it works. Not durable: the output is.
#[derive(Clone, Debug, PartialEq)]
pub enum Emitted {
    /// A piece of text of an answer.
    Token(String),
    /// A line for people: "12 passages found".
    Progress(String),
    /// The text so far is void; what follows is the whole of it.
    Anew,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    pub value: Value,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    pub money: f64,
}

/// The kinds that a runner knows.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    kinds: BTreeMap<String, Arc<dyn NodeKind>>,
}

impl Registry {
    /// Adds a kind, in place of one of the same name.
    #[must_use]
    pub fn with(mut self, kind: Arc<dyn NodeKind>) -> Self {
        self.kinds.insert(kind.name().to_owned(), kind);
        self
    }

    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Arc<dyn NodeKind>> {
        self.kinds.get(name)
    }

    /// In the order of names.
    pub fn kinds(&self) -> impl Iterator<Item = &Arc<dyn NodeKind>> {
        self.kinds.values()
    }
}
