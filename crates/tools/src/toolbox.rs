//! All tools by name, and the one way to call them.
//!
//! Keeps true: what is not on the allow list is not called, and not even looked for; a result is never larger than
//! the limit.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use ibid_types::{Error, Result};
use serde_json::Value;

use crate::workers::Workers;
use crate::{Tool, ToolContext, ToolSpec};

/// A place that tools come from while the program runs; its tools are `NAME.tool`.
pub trait ToolSource: Send + Sync + Debug {
    /// Without a dot.
    fn name(&self) -> &str;

    /// The tools that it has now; asks for them at most so long.
    fn tools(&self, timeout: Duration) -> Result<Vec<Arc<dyn Tool>>>;
}

/// What bounds every call.
#[derive(Clone, Copy, Debug)]
pub struct ToolboxLimits {
    /// Calls at the same time; one that was given up counts until it ends.
    pub concurrent_max: usize,
    /// The largest result as JSON.
    pub result_bytes_max: usize,
}

impl From<&ibid_config::Tools> for ToolboxLimits {
    fn from(config: &ibid_config::Tools) -> Self {
        Self { concurrent_max: config.concurrent_max, result_bytes_max: config.result_bytes_max }
    }
}

/// The tools of allowed names, and why those of a source are missing.
#[derive(Debug, Default)]
pub struct Listing {
    pub tools: Vec<ToolSpec>,
    pub problems: Vec<Error>,
}

#[derive(Debug)]
pub struct Toolbox {
    tools: BTreeMap<String, Arc<dyn Tool>>,
    sources: BTreeMap<String, Arc<dyn ToolSource>>,
    workers: Workers,
    result_bytes_max: usize,
}

impl Toolbox {
    #[must_use]
    pub fn new(limits: ToolboxLimits) -> Self {
        Self {
            tools: BTreeMap::new(),
            sources: BTreeMap::new(),
            workers: Workers::new(limits.concurrent_max),
            result_bytes_max: limits.result_bytes_max,
        }
    }

    /// Adds a tool under its own name.
    ///
    /// # Errors
    /// `tool_name_taken`.
    pub fn add(&mut self, tool: Arc<dyn Tool>) -> Result<()> {
        let name = tool.spec().name.clone();
        match self.tools.insert(name.clone(), tool) {
            None => Ok(()),
            Some(_) => Err(taken(&name)),
        }
    }

    /// Attaches a source; it is not asked for anything yet.
    ///
    /// # Errors
    /// `tool_name_taken`.
    pub fn attach(&mut self, source: Arc<dyn ToolSource>) -> Result<()> {
        let name = source.name().to_owned();
        match self.sources.insert(name.clone(), source) {
            None => Ok(()),
            Some(_) => Err(taken(&name)),
        }
    }

    /// Calls the tool `name` if `allowed` holds its name or `SOURCE.*`.
    ///
    /// # Errors
    /// `tool_not_allowed`, `tool_unknown`, `tool_input_invalid`, `tool_timeout`, `tool_cancelled`, `tool_busy`,
    /// `tool_panicked`, `tool_result_too_large`, `mcp_unavailable`, and those of the tool.
    pub fn call(
        &self,
        name: &str,
        input: &Value,
        allowed: &[String],
        context: &ToolContext,
    ) -> Result<Value> {
        if !is_allowed(name, allowed) {
            return Err(not_allowed(name, allowed));
        }
        let tool = self.tool(name, context.remaining())?;
        tool.spec().check_input(input)?;
        let (work, input) = (Arc::clone(&tool), input.clone());
        let timeout = tool.spec().timeout;
        let result = self.workers.run(name, timeout, context, move |context| work.call(&input, context))?;
        self.check_size(name, &result)?;
        Ok(result)
    }

    /// The tool of that name; a source is asked for its tools at most so long.
    ///
    /// # Errors
    /// `tool_unknown`, `mcp_unavailable`.
    pub fn tool(&self, name: &str, timeout: Duration) -> Result<Arc<dyn Tool>> {
        if let Some(tool) = self.tools.get(name) {
            return Ok(Arc::clone(tool));
        }
        let Some(source) = source_of(name).and_then(|source| self.sources.get(source)) else {
            return Err(self.unknown(name, &[]));
        };
        let tools = source.tools(timeout)?;
        match tools.iter().find(|tool| tool.spec().name == name) {
            Some(tool) => Ok(Arc::clone(tool)),
            None => Err(self.unknown(name, &tools)),
        }
    }

    /// What a chat model may be offered: the tools that `allowed` names. Only sources that it names are asked, each at
    /// most so long; one that fails leaves a problem and no tools.
    #[must_use]
    pub fn list(&self, allowed: &[String], timeout: Duration) -> Listing {
        let mut listing = Listing::default();
        let named =
            |tool: &Arc<dyn Tool>| Some(tool.spec()).filter(|spec| is_allowed(&spec.name, allowed)).cloned();
        listing.tools.extend(self.tools.values().filter_map(named));
        for (name, source) in &self.sources {
            if !allowed.iter().any(|allowed| source_of(allowed) == Some(name)) {
                continue;
            }
            match source.tools(timeout) {
                Ok(tools) => listing.tools.extend(tools.iter().filter_map(named)),
                Err(problem) => listing.problems.push(problem),
            }
        }
        listing
    }

    /// What the tools say of themselves that are there without asking a source, in the order of names.
    pub fn specs(&self) -> impl Iterator<Item = &ToolSpec> {
        self.tools.values().map(|tool| tool.spec())
    }

    /// Whether an entry of an allow list can name something: a tool, `SOURCE.*`, or any tool of a source that is
    /// attached (which is not asked: it may be down while a flow is written).
    ///
    /// # Errors
    /// `tool_unknown`, with the nearest name.
    pub fn check_name(&self, name: &str) -> Result<()> {
        let of_source = source_of(name).is_some_and(|source| self.sources.contains_key(source));
        if of_source || self.tools.contains_key(name) { Ok(()) } else { Err(self.unknown(name, &[])) }
    }

    /// The error for a name that nothing has; `more` are tools that were looked at besides our own.
    fn unknown(&self, name: &str, more: &[Arc<dyn Tool>]) -> Error {
        let own = self.tools.keys().map(String::as_str);
        let sources = self.sources.keys().map(String::as_str);
        let known = own.chain(sources).chain(more.iter().map(|tool| tool.spec().name.as_str()));
        let advice = match nearest(name, known) {
            Some(near) => format!("did you mean '{near}'?"),
            None => "the configuration's section [tools] says which there are".to_owned(),
        };
        Error::not_found("tool_unknown", format!("there is no tool '{name}'; {advice}"))
    }

    fn check_size(&self, name: &str, result: &Value) -> Result<()> {
        let mut room = Room(self.result_bytes_max);
        serde_json::to_writer(&mut room, result).map_err(|_| {
            Error::bad_request(
                "tool_result_too_large",
                format!(
                    "the result of tool '{name}' has more than {} bytes; ask for less, or raise \
                     tools.result_bytes_max",
                    self.result_bytes_max
                ),
            )
        })
    }
}

/// Whether an allow list holds the name itself or `SOURCE.*`.
fn is_allowed(name: &str, allowed: &[String]) -> bool {
    allowed.iter().any(|entry| {
        let whole_source = entry.strip_suffix('*').filter(|source| source.ends_with('.') && source.len() > 1);
        entry == name || whole_source.is_some_and(|source| name.starts_with(source))
    })
}

/// `files` of `files.read_file`.
fn source_of(name: &str) -> Option<&str> {
    name.split_once('.').map(|(source, _)| source)
}

fn not_allowed(name: &str, allowed: &[String]) -> Error {
    let allowed = if allowed.is_empty() { "no tools".to_owned() } else { allowed.join(", ") };
    Error::forbidden(
        "tool_not_allowed",
        format!(
            "tool '{name}' is not allowed here, only {allowed}; add it to the flow's tools if it should be"
        ),
    )
}

fn taken(name: &str) -> Error {
    Error::conflict("tool_name_taken", format!("there are two tools or servers '{name}'; rename one"))
}

/// The known name that is the fewest edits away, at most a third of its letters.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name: String = name.chars().take(64).collect();
    known
        .map(|known| (edits(&name, known), known))
        .filter(|(edits, known)| *edits <= known.len().div_ceil(3))
        .min()
        .map(|(_, known)| known)
}

/// Levenshtein's distance, one row at a time.
fn edits(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.bytes().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, b) in to.bytes().enumerate() {
            let changed = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

/// A writer that takes so many bytes and then fails.
struct Room(usize);

impl io::Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ibid_types::WorkspaceId;
    use serde_json::json;

    /// Gives back its input's `text`.
    #[derive(Debug)]
    struct Echo(ToolSpec);

    impl Echo {
        fn named(name: &str) -> Arc<dyn Tool> {
            let schema =
                json!({"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]});
            Arc::new(Self(ToolSpec::new(name, "says it again", schema).unwrap()))
        }
    }

    impl Tool for Echo {
        fn spec(&self) -> &ToolSpec {
            &self.0
        }

        fn call(&self, input: &Value, _: &ToolContext) -> Result<Value> {
            Ok(input["text"].clone())
        }
    }

    #[derive(Debug)]
    struct Far(bool);

    impl ToolSource for Far {
        fn name(&self) -> &str {
            "far"
        }

        fn tools(&self, _: Duration) -> Result<Vec<Arc<dyn Tool>>> {
            if self.0 {
                Ok(vec![Echo::named("far.echo")])
            } else {
                Err(Error::unavailable("test_down", "down"))
            }
        }
    }

    fn toolbox(is_up: bool) -> Toolbox {
        let mut toolbox = Toolbox::new(ToolboxLimits { concurrent_max: 2, result_bytes_max: 20 });
        toolbox.add(Echo::named("echo")).unwrap();
        toolbox.attach(Arc::new(Far(is_up))).unwrap();
        toolbox
    }

    fn call(toolbox: &Toolbox, name: &str, input: Value, allowed: &[&str]) -> Result<Value> {
        let allowed: Vec<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
        let context = ToolContext::new(WorkspaceId::new(), "key", Duration::from_secs(60));
        toolbox.call(name, &input, &allowed, &context)
    }

    fn refusal(name: &str, input: Value, allowed: &[&str]) -> (&'static str, String) {
        let error = call(&toolbox(true), name, input, allowed).unwrap_err();
        (error.code, error.message)
    }

    #[test]
    fn tools_and_those_of_sources_are_called() {
        for name in ["echo", "far.echo"] {
            assert_eq!(call(&toolbox(true), name, json!({"text": "a"}), &[name]).unwrap(), json!("a"));
        }
        assert!(call(&toolbox(true), "far.echo", json!({"text": "a"}), &["far.*"]).is_ok());
    }

    #[test]
    fn only_what_is_allowed_is_called() {
        for allowed in [&["echo"] as &[&str], &[], &["far"], &["*"], &[".*"], &["far.ech*"], &["fa.*"]] {
            assert_eq!(
                refusal("far.echo", json!({"text": "a"}), allowed).0,
                "tool_not_allowed",
                "{allowed:?}"
            );
        }
    }

    #[test]
    fn an_unknown_name_gets_the_nearest() {
        let (code, message) = refusal("ehco", json!({}), &["ehco"]);
        assert_eq!((code, message.contains("'echo'")), ("tool_unknown", true), "{message}");
        assert!(refusal("far.eco", json!({}), &["far.*"]).1.contains("'far.echo'"));
        assert!(refusal("something", json!({}), &["something"]).1.contains("[tools]"));
        assert_eq!(refusal("none.echo", json!({}), &["none.echo"]).0, "tool_unknown");
    }

    #[test]
    fn wrong_input_is_refused_with_its_place() {
        let (code, message) = refusal("echo", json!({"text": 5}), &["echo"]);
        assert_eq!((code, message.contains("/text")), ("tool_input_invalid", true), "{message}");
    }

    #[test]
    fn a_result_has_a_limit() {
        let text = |bytes: usize| json!({"text": "x".repeat(bytes)});
        assert!(call(&toolbox(true), "echo", text(18), &["echo"]).is_ok());
        assert_eq!(refusal("echo", text(19), &["echo"]).0, "tool_result_too_large");
    }

    #[test]
    fn a_listing_holds_what_is_allowed_and_says_what_is_missing() {
        let listed = |is_up: bool, allowed: &str| {
            let listing = toolbox(is_up).list(&[allowed.to_owned()], Duration::ZERO);
            (listing.tools.into_iter().map(|spec| spec.name).collect::<Vec<_>>(), listing.problems.len())
        };
        assert_eq!(listed(true, "echo"), (vec!["echo".to_owned()], 0));
        assert_eq!(listed(true, "far.*"), (vec!["far.echo".to_owned()], 0));
        assert_eq!(listed(false, "far.*"), (vec![], 1));
        assert_eq!(listed(false, "echo"), (vec!["echo".to_owned()], 0));
    }

    #[test]
    fn names_of_a_flow_are_checked_without_asking_a_server() {
        let toolbox = toolbox(false);
        for name in ["echo", "far.*", "far.anything"] {
            assert!(toolbox.check_name(name).is_ok(), "{name}");
        }
        assert_eq!(toolbox.check_name("nowhere.x").unwrap_err().code, "tool_unknown");
    }

    #[test]
    fn two_of_one_name_are_refused() {
        let mut toolbox = toolbox(true);
        assert_eq!(toolbox.add(Echo::named("echo")).unwrap_err().code, "tool_name_taken");
        assert_eq!(toolbox.attach(Arc::new(Far(true))).unwrap_err().code, "tool_name_taken");
    }
}
