//! The parts of a flow.

use std::collections::BTreeMap;
use std::fmt;

use ibid_types::ContentHash;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// BLAKE3 of a flow's source text: a run finishes on the version it began.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "ContentHash", into = "ContentHash")]
pub struct FlowHash(pub [u8; 32]);

impl From<ContentHash> for FlowHash {
    fn from(hash: ContentHash) -> Self {
        Self(hash.0)
    }
}

impl From<FlowHash> for ContentHash {
    fn from(hash: FlowHash) -> Self {
        Self(hash.0)
    }
}

impl FlowHash {
    #[must_use]
    pub fn of(source: &str) -> Self {
        Self(*blake3::hash(source.as_bytes()).as_bytes())
    }
}

impl fmt::Display for FlowHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for FlowHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FlowHash({self})")
    }
}

/// A valid flow.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    pub name: String,
    pub description: String,
    pub hash: FlowHash,
    /// Names of `input`; those without a default must be given.
    pub input: BTreeMap<String, Channel>,
    /// All channels: those of `input` and those of `state`.
    pub channels: BTreeMap<String, Channel>,
    /// Names of the tools that its nodes may call.
    pub tools: Vec<String>,
    pub limits: Limits,
    /// Indexes into `nodes`, in the order of the file.
    pub start: Vec<usize>,
    pub nodes: Vec<Node>,
    /// Template of the result; `None` is the whole state.
    pub output: Option<Value>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Channel {
    pub kind: ChannelType,
    pub reducer: Reducer,
    pub default: Value,
    /// Whether a run must be given it (only of `input`).
    pub required: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelType {
    Text,
    Number,
    Integer,
    Boolean,
    List,
    Object,
    Any,
}

/// How a node's output changes a channel. Outputs of one superstep are applied in the order of nodes in the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reducer {
    #[default]
    Set,
    /// Lists: appends a value, or all values of a list. Text: with a line break between.
    Append,
    /// Objects: keys of the new win.
    Merge,
    Add,
    Max,
    Min,
}

/// Bounds of a run. Reaching one fails the run with `flow_limit_...`, after `on_error` of nobody.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Node executions, of sub-flows too.
    pub steps: u32,
    /// At work: waiting for a person or a timer does not count.
    pub seconds: u32,
    pub tokens: u64,
    /// In US dollars, by the prices of the configuration.
    pub money: f64,
    /// Executions of one node in one frame: what bounds a loop.
    pub visits: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { steps: 200, seconds: 900, tokens: 1_000_000, money: f64::MAX, visits: 25 }
    }
}

/// Bounds of what one node may spend in one frame, in all its executions and all that they run. A node that has spent
/// more fails with `flow_node_limit_...`, its output unused; unlike a run's limits, `on_error` is for it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct NodeLimits {
    pub tokens: Option<u64>,
    /// In US dollars, by the prices of the configuration.
    pub money: Option<f64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub name: String,
    pub body: NodeBody,
    pub limits: NodeLimits,
    pub into: Into,
    pub next: Next,
    pub retry: Retry,
    /// Of one attempt; `None` is the kind's own.
    pub timeout_seconds: Option<f64>,
    pub on_interrupt: OnInterrupt,
    /// Kind and `with` template of what undoes this node.
    pub compensate: Option<(String, Value)>,
    pub on_error: Option<ErrorEdge>,
}

/// Where to go when attempts are used up; the error lands in the channel `error` if there is one.
pub type ErrorEdge = usize;

#[derive(Clone, Debug, PartialEq)]
pub enum NodeBody {
    /// An effect that a `NodeKind` of the registry performs.
    Effect {
        kind: String,
        with: Value,
    },
    /// Writes channels: name to template, all rendered against the state before.
    Set {
        with: BTreeMap<String, Value>,
    },
    Wait {
        seconds: Value,
    },
    Human(Human),
    Map(MapOver),
    /// Another flow as one node.
    Flow {
        flow: String,
        with: Value,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Human {
    pub prompt: Value,
    /// JSON Schema of the answer.
    pub schema: Value,
    pub expires_seconds: Option<Value>,
    /// Where to go when nobody answered in time; without it the run fails with `flow_interrupt_expired`.
    pub on_expiry: Option<usize>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct MapOver {
    pub over: Value,
    /// The item's name in the input of the flow.
    pub item: String,
    pub flow: String,
    pub with: Value,
    /// Items at work at the same time.
    pub concurrency: u32,
}

/// Where a node's output goes.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Into {
    #[default]
    Nowhere,
    Channel(String),
    /// Channel to expression over `output` and the state.
    Channels(BTreeMap<String, String>),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub enum Next {
    #[default]
    End,
    /// The first whose condition holds.
    First(Vec<Edge>),
    All(Vec<usize>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Edge {
    /// Expression over the state; `None` always holds.
    pub condition: Option<String>,
    /// `None` ends the path (`end` in the file).
    pub to: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retry {
    /// In all, the first included.
    pub attempts: u32,
    pub first_seconds: f64,
    pub factor: f64,
    pub most_seconds: f64,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 3, first_seconds: 0.5, factor: 2.0, most_seconds: 30.0 }
    }
}

/// What to do with an effect that was begun and whose end nobody saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnInterrupt {
    #[default]
    Retry,
    Compensate,
    Fail,
}
