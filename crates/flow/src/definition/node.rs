//! One node of a flow, of whatever kind.
//!
//! Keeps true: a node comes back even when something in it is wrong, so that edges can be judged all the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::expressions::OUTPUT;
use super::keys;
use super::model::{Human, Into, MapOver, Next, Node, NodeBody, NodeLimits, OnInterrupt, Retry};
use super::parse::{MONEY_MAX, TOKENS_MAX};
use super::parse::{Reader, json};
use super::problem::suggestion;
use super::reader::{At, Fields};

const ATTEMPTS_MAX: u64 = 100;
const CONCURRENCY_USUAL: u32 = 4;
const CONCURRENCY_MAX: u64 = 64;

impl Reader<'_> {
    pub fn node(&mut self, at: &At<'_>) -> Node {
        let mut node = empty(at.key);
        let keys = keys::of_any_node();
        let Some(fields) = at.fields(&mut self.problems, "a map that begins with `kind`", &keys) else {
            self.edges_are_sound = false;
            return node;
        };
        let kind = self.kind(&fields);
        if let Some(kind) = kind {
            self.tell_misplaced(&fields, kind, &keys);
            node.body = self.body(kind, &fields);
        }
        node.into = fields.find("into").map(|at| self.into(&at)).unwrap_or_default();
        node.next = fields.find("next").map(|at| self.next(&at)).unwrap_or_default();
        node.on_error = fields.find("on_error").and_then(|at| self.node_named(&at));
        node.retry = fields.find("retry").map(|at| self.retry(&at)).unwrap_or_default();
        node.limits = fields.find("limits").map(|at| self.node_limits(&at)).unwrap_or_default();
        node.timeout_seconds = fields.find("timeout_seconds").and_then(|at| self.timeout(&at));
        node.compensate = fields.find("compensate").and_then(|at| self.compensate(&at));
        node.on_interrupt = self.on_interrupt(&fields, &node);
        node
    }

    fn kind<'t>(&mut self, fields: &Fields<'t>) -> Option<&'t str> {
        let advice = "say what the node does: `kind: set`";
        let at = fields.require("kind", &mut self.problems, advice)?;
        let name = at.text(&mut self.problems, "the name of a kind")?;
        if !keys::ENGINE_KINDS.contains(&name) && self.kinds.find(name).is_none() {
            let advice = self.kind_suggestion(name);
            at.error(&mut self.problems, format!("there is no kind `{name}`{advice}"));
        }
        Some(name)
    }

    fn kind_suggestion(&self, name: &str) -> String {
        let others = self.kinds.kinds().map(|kind| kind.name());
        let known: Vec<_> = keys::ENGINE_KINDS.iter().copied().chain(others).collect();
        suggestion(name, known)
    }

    /// Keys that are right for other kinds.
    fn tell_misplaced(&mut self, fields: &Fields<'_>, kind: &str, keys: &[&str]) {
        let own = keys::of_node(kind);
        for key in keys.iter().filter(|key| !own.contains(key)) {
            if let Some(at) = fields.find(key) {
                let message = format!(
                    "`{key}` means nothing for the kind `{kind}`; take it out, or choose a kind that has it"
                );
                at.error_at_key(&mut self.problems, message);
            }
        }
    }

    fn body(&mut self, kind: &str, fields: &Fields<'_>) -> NodeBody {
        match kind {
            "set" => self.set(fields),
            "wait" => self.wait(fields),
            "human" => self.human(fields),
            "map" => self.map(fields),
            "flow" => self.sub_flow(fields),
            _ => NodeBody::Effect { kind: kind.to_owned(), with: self.effect(kind, fields) },
        }
    }

    fn effect(&mut self, kind: &str, fields: &Fields<'_>) -> Value {
        let with_at = fields.find("with");
        let with = with_at.as_ref().map_or_else(|| json!({}), |at| self.template(at, &[]));
        let Some(kind) = self.kinds.find(kind).map(Arc::clone) else { return with };
        self.parameters(kind.as_ref(), with_at.as_ref(), fields, with)
    }

    fn set(&mut self, fields: &Fields<'_>) -> NodeBody {
        let mut with = BTreeMap::new();
        let at = fields.find("with").or_else(|| self.with_of_set(fields));
        let entries = at.and_then(|at| at.entries(&mut self.problems, "a map from channels to values"));
        for entry in entries.into_iter().flatten() {
            self.check_channel(&entry, entry.key, true);
            with.insert(entry.key.to_owned(), self.template(&entry, &[]));
        }
        NodeBody::Set { with }
    }

    /// A `set` that writes nothing is there for its edges alone; without any it would do nothing.
    fn with_of_set<'t>(&mut self, fields: &Fields<'t>) -> Option<At<'t>> {
        if fields.find("next").is_some() {
            return None;
        }
        let advice = "name the channels to write: `with: {total: \"{{ a + b }}\"}`, or where to go: `next`";
        fields.require("with", &mut self.problems, advice)
    }

    fn wait(&mut self, fields: &Fields<'_>) -> NodeBody {
        let advice = "say for how long: `with: {seconds: 5}`";
        let at = fields.require("with", &mut self.problems, advice);
        let with = at.and_then(|at| at.fields(&mut self.problems, "a map with `seconds`", keys::WITH_WAIT));
        let seconds = with
            .and_then(|with| with.require("seconds", &mut self.problems, "say for how long: `seconds: 5`"));
        NodeBody::Wait { seconds: seconds.map_or(Value::Null, |at| self.seconds_or_template(&at)) }
    }

    fn human(&mut self, fields: &Fields<'_>) -> NodeBody {
        let mut human =
            Human { prompt: Value::Null, schema: json!({}), expires_seconds: None, on_expiry: None };
        let advice = "say what to ask: `with: {prompt: \"Send it?\"}`";
        let at = fields.require("with", &mut self.problems, advice);
        let with = at.and_then(|at| at.fields(&mut self.problems, "a map with `prompt`", keys::WITH_HUMAN));
        let Some(with) = with else { return NodeBody::Human(human) };
        if let Some(at) =
            with.require("prompt", &mut self.problems, "say what to ask: `prompt: \"Send it?\"`")
        {
            at.text(&mut self.problems, "text, the question to a person");
            human.prompt = self.template(&at, &[]);
        }
        if let Some(at) = with.find("schema") {
            self.check_schema(&at);
            human.schema = json(&at);
        }
        human.expires_seconds = with.find("expires_seconds").map(|at| self.seconds_or_template(&at));
        human.on_expiry = with.find("on_expiry").and_then(|at| self.node_named(&at));
        if let Some(at) = with.find("on_expiry").filter(|_| human.expires_seconds.is_none()) {
            at.error_at_key(
                &mut self.problems,
                "without `expires_seconds` nothing expires; add it, or take this out",
            );
        }
        NodeBody::Human(human)
    }

    fn map(&mut self, fields: &Fields<'_>) -> NodeBody {
        let over_advice = "say which list to go over: `over: \"{{ questions }}\"`";
        let over =
            fields.require("over", &mut self.problems, over_advice).map_or(Value::Null, |at| self.list(&at));
        let item_advice = "say which input of the flow gets the item: `as: question`";
        let item = fields.require("as", &mut self.problems, item_advice).and_then(|at| self.item_name(&at));
        let flow = self.called_flow(fields);
        let with = fields.find("with").map_or_else(|| json!({}), |at| self.input_map(&at));
        let concurrency =
            fields.find("concurrency").and_then(|at| at.whole(&mut self.problems, 1..=CONCURRENCY_MAX));
        let concurrency =
            concurrency.and_then(|number| u32::try_from(number).ok()).unwrap_or(CONCURRENCY_USUAL);
        NodeBody::Map(MapOver { over, item: item.unwrap_or_default(), flow, with, concurrency })
    }

    /// A template that gives a list, or a literal list, which may not be empty.
    fn list(&mut self, at: &At<'_>) -> Value {
        match at.items() {
            Some(items) if items.is_empty() => at.error(
                &mut self.problems,
                "this list is empty, so the node would do nothing; name at least one item",
            ),
            Some(_) => {}
            None if at.tree.text().is_some_and(super::expressions::is_expression) => {}
            None => {
                at.wrong_type(&mut self.problems, "a list, or a template that gives one: \"{{ questions }}\"")
            }
        }
        self.template(at, &[])
    }

    fn item_name(&mut self, at: &At<'_>) -> Option<String> {
        let name = at.text(&mut self.problems, "the name of an input of the flow")?;
        if !keys::is_name(name, &['_']) {
            at.error(&mut self.problems, format!("`{name}` is no name for an input; use small letters, digits and `_`, beginning with a letter"));
        }
        Some(name.to_owned())
    }

    fn sub_flow(&mut self, fields: &Fields<'_>) -> NodeBody {
        let flow = self.called_flow(fields);
        let with = fields.find("with").map_or_else(|| json!({}), |at| self.input_map(&at));
        NodeBody::Flow { flow, with }
    }

    fn called_flow(&mut self, fields: &Fields<'_>) -> String {
        let advice = "name the flow to run: `flow: answer-one`";
        let Some(at) = fields.require("flow", &mut self.problems, advice) else { return String::new() };
        let Some(name) = at.text(&mut self.problems, "the name of a flow") else { return String::new() };
        if name == self.name {
            at.error(
                &mut self.problems,
                "a flow cannot run itself; use `next` to go back to a node, or another flow",
            );
        } else if !(self.known_flows)(name) {
            at.error(
                &mut self.problems,
                format!("there is no flow `{name}`; add a file for it beside this one, or correct the name"),
            );
        }
        name.to_owned()
    }

    fn input_map(&mut self, at: &At<'_>) -> Value {
        if at.entries(&mut self.problems, "a map from inputs of the flow to values").is_none() {
            return json!({});
        }
        self.template(at, &[])
    }

    fn seconds_or_template(&mut self, at: &At<'_>) -> Value {
        if at.tree.text().is_some_and(super::expressions::is_expression) {
            return self.template(at, &[]);
        }
        at.seconds(&mut self.problems).map_or(Value::Null, |_| json(at))
    }

    fn timeout(&mut self, at: &At<'_>) -> Option<f64> {
        let seconds = at.seconds(&mut self.problems)?;
        if seconds <= 0.0 {
            at.error(
                &mut self.problems,
                "nothing is done in no time; give at least a part of a second, or take it out",
            );
        }
        Some(seconds)
    }

    fn retry(&mut self, at: &At<'_>) -> Retry {
        let mut retry = Retry::default();
        let Some(fields) = at.fields(&mut self.problems, "a map: `{attempts: 3}`", keys::RETRY) else {
            return retry;
        };
        let problems = &mut self.problems;
        let attempts = fields.find("attempts").and_then(|at| at.whole(problems, 1..=ATTEMPTS_MAX));
        retry.attempts = attempts.and_then(|number| u32::try_from(number).ok()).unwrap_or(retry.attempts);
        let mut seconds = |key| fields.find(key).and_then(|at| at.seconds(problems));
        let most = seconds("most_seconds");
        retry.first_seconds = seconds("first_seconds").unwrap_or(retry.first_seconds);
        retry.most_seconds = most.unwrap_or_else(|| retry.most_seconds.max(retry.first_seconds));
        if let Some(factor) = fields.find("factor").and_then(|at| at.number(&mut self.problems, 1.0..=100.0))
        {
            retry.factor = factor;
        }
        retry
    }

    fn node_limits(&mut self, at: &At<'_>) -> NodeLimits {
        let what = "a map of limits: `{tokens: 2000, money: 0.01}`";
        let Some(fields) = at.fields(&mut self.problems, what, keys::NODE_LIMITS) else {
            return NodeLimits::default();
        };
        let tokens = fields.find("tokens").and_then(|at| at.whole(&mut self.problems, 1..=TOKENS_MAX));
        let money = fields.find("money").and_then(|at| at.number(&mut self.problems, 0.0..=MONEY_MAX));
        NodeLimits { tokens, money }
    }

    fn compensate(&mut self, at: &At<'_>) -> Option<(String, Value)> {
        let fields = at.fields(&mut self.problems, "a map: `{kind: tool, with: {...}}`", keys::COMPENSATE)?;
        let advice = "say what undoes the node: `kind: tool`";
        let kind_at = fields.require("kind", &mut self.problems, advice)?;
        let name = kind_at.text(&mut self.problems, "the name of a kind")?;
        let with_at = fields.find("with");
        let with = with_at.as_ref().map_or_else(|| json!({}), |at| self.template(at, OUTPUT));
        let Some(kind) = self.kinds.find(name).map(Arc::clone) else {
            let others: Vec<_> = self.kinds.kinds().map(|kind| kind.name()).collect();
            let message =
                format!("there is no kind `{name}` that can undo something{}", suggestion(name, others));
            kind_at.error(&mut self.problems, message);
            return None;
        };
        let with = self.parameters(kind.as_ref(), with_at.as_ref(), &fields, with);
        Some((name.to_owned(), with))
    }

    fn on_interrupt(&mut self, fields: &Fields<'_>, node: &Node) -> OnInterrupt {
        let Some(at) = fields.find("on_interrupt") else {
            self.tell_side_effects(fields, node);
            return OnInterrupt::Retry;
        };
        match at.text(&mut self.problems, "`retry`, `compensate` or `fail`") {
            Some("retry") | None => OnInterrupt::Retry,
            Some("fail") => OnInterrupt::Fail,
            Some("compensate") => {
                if fields.find("compensate").is_none() {
                    at.error(
                        &mut self.problems,
                        "nothing says how to undo this node; add `compensate: {kind: ..., with: ...}`",
                    );
                }
                OnInterrupt::Compensate
            }
            Some(_) => {
                at.wrong_type(&mut self.problems, "`retry`, `compensate` or `fail`");
                OnInterrupt::Retry
            }
        }
    }

    fn tell_side_effects(&mut self, fields: &Fields<'_>, node: &Node) {
        let NodeBody::Effect { kind, with } = &node.body else { return };
        let Some(performer) = self.kinds.find(kind) else { return };
        if performer.has_side_effects_with(with)
            && let Some(at) = fields.find("kind")
        {
            let message = "doing this twice may differ from doing it once, so say what happens if a crash interrupts it: \
                           `on_interrupt: retry`, `compensate` or `fail`";
            at.error(&mut self.problems, message);
        }
    }

    fn into(&mut self, at: &At<'_>) -> Into {
        if let Some(channel) = at.tree.text() {
            self.check_channel(at, channel, false);
            return Into::Channel(channel.to_owned());
        }
        let what = "a channel, or a map from channels to expressions: `{hits: output.hits}`";
        let Some(entries) = at.entries(&mut self.problems, what) else { return Into::Nowhere };
        if entries.is_empty() {
            at.error(
                &mut self.problems,
                "this map is empty, so the output is dropped; name a channel, or take `into` out",
            );
        }
        let mut channels = BTreeMap::new();
        for entry in entries {
            self.check_channel(&entry, entry.key, true);
            channels.insert(entry.key.to_owned(), self.expression(&entry, OUTPUT).unwrap_or_default());
        }
        Into::Channels(channels)
    }
}

fn empty(name: &str) -> Node {
    Node {
        name: name.to_owned(),
        body: NodeBody::Set { with: BTreeMap::new() },
        limits: NodeLimits::default(),
        into: Into::Nowhere,
        next: Next::End,
        retry: Retry::default(),
        timeout_seconds: None,
        on_interrupt: OnInterrupt::Retry,
        compensate: None,
        on_error: None,
    }
}
