//! `with` against the JSON Schema of a kind, as far as it can be known before the flow runs.
//!
//! Keeps true: what only a template decides is let through; everything literal is checked, each fault at its own place.

use boon::{Compiler, ErrorKind, InstanceToken, SchemaIndex, Schemas, UrlLoader, ValidationError};
use serde_json::{Map, Value, json};

use super::expressions::{is_expression, is_template};
use super::parse::{Reader, json};
use super::problem::{Place, suggestion};
use super::reader::{At, Fields, joined};
use super::yaml::{Data, Tree};
use crate::NodeKind;

/// Where a schema lives while it is compiled.
const LOCATION: &str = "ibid:parameters";

impl Reader<'_> {
    /// Checks the parameters of a kind; gives them as the kind will get them, but for templates.
    pub fn parameters(
        &mut self,
        kind: &dyn NodeKind,
        at: Option<&At<'_>>,
        node: &Fields<'_>,
        with: Value,
    ) -> Value {
        let Value::Object(mut fields) = with else {
            if let Some(at) = at {
                at.wrong_type(&mut self.problems, "a map of parameters");
            }
            return json!({});
        };
        if kind.uses_tools() {
            self.allow_tools(at, &mut fields);
        }
        let with = Value::Object(fields);
        if at.is_none() && node.has_unknown {
            return with;
        }
        let absent = Tree { place: node.key_place, data: Data::Map(Vec::new()), verbatim: None };
        let (tree, path) = match at {
            Some(at) => (at.tree, at.path.clone()),
            None => (&absent, node.path.clone()),
        };
        let faults = match faults(&kind.parameters(), &with) {
            Ok(faults) => faults,
            Err(why) => vec![Fault {
                way: Vec::new(),
                message: format!("the schema of the kind `{}` cannot be used: {why}", kind.name()),
            }],
        };
        let place = at.map_or(node.key_place, |at| at.key_place);
        for fault in faults {
            let (place, path) = locate(tree, place, path.clone(), &fault.way);
            self.problems.error(place, &path, fault.message);
        }
        with
    }

    /// Puts the flow's own list where a node gives none; one that it gives may only be narrower.
    fn allow_tools(&mut self, at: Option<&At<'_>>, fields: &mut Map<String, Value>) {
        let entries = at
            .and_then(|at| at.tree.entries().map(|entries| (at, entries)))
            .map_or(Vec::new(), |(at, entries)| {
                entries.iter().map(|entry| At::under(&at.path, entry)).collect()
            });
        let find = |key| entries.iter().find(|entry| entry.key == key);
        match find("allow") {
            None => {
                fields.insert("allow".to_owned(), json!(self.tools));
            }
            Some(allow) => self.check_allow(allow),
        }
        if let Some(tool) = find("tool")
            && !tool.tree.text().is_some_and(is_template)
        {
            self.check_allowed(tool);
        }
    }

    fn check_allow(&mut self, allow: &At<'_>) {
        match allow.items() {
            Some(items) => items.iter().for_each(|item| self.check_allowed(item)),
            None => allow
                .wrong_type(&mut self.problems, "a list of names out of the flow's `tools`, not a template"),
        }
    }

    fn check_allowed(&mut self, at: &At<'_>) {
        let Some(name) = at.text(&mut self.problems, "the name of a tool, not a template") else { return };
        let source = name.split_once('.').map(|(source, _)| format!("{source}.*"));
        if !self.tools.iter().any(|tool| tool == name || Some(tool) == source.as_ref()) {
            let message = format!(
                "this flow may not call `{name}`; add it to the list `tools:` at the top of the flow"
            );
            at.error(&mut self.problems, message);
        }
    }

    /// Tells if a value is no JSON Schema.
    pub fn check_schema(&mut self, at: &At<'_>) {
        if let Err(why) = faults(&json(at), &Value::Null) {
            at.error(
                &mut self.problems,
                format!("this is no JSON Schema: {why}; `{{type: boolean}}` is one"),
            );
        }
    }
}

/// Keys and indexes from the parameters to what is wrong, and what is.
struct Fault {
    way: Vec<String>,
    message: String,
}

fn faults(schema: &Value, value: &Value) -> Result<Vec<Fault>, String> {
    let mut schemas = Schemas::new();
    let root = compile(schema, &mut schemas)?;
    let mut faults = Vec::new();
    if let Err(error) = schemas.validate(value, root) {
        collect(&error, value, schema, &mut faults);
    }
    Ok(faults)
}

fn compile(schema: &Value, schemas: &mut Schemas) -> Result<SchemaIndex, String> {
    let mut compiler = Compiler::new();
    compiler.use_loader(Box::new(NoLoader));
    compiler.add_resource(LOCATION, schema.clone()).map_err(|error| error.to_string())?;
    compiler.compile(LOCATION, schemas).map_err(|error| match error {
        boon::CompileError::ValidationError { src, .. } => deepest(&src),
        other => other.to_string(),
    })
}

/// References lead nowhere outside the schema.
struct NoLoader;

impl UrlLoader for NoLoader {
    fn load(&self, url: &str) -> Result<Value, Box<dyn std::error::Error>> {
        Err(format!("{url} is outside the schema, and nothing is fetched").into())
    }
}

fn deepest(error: &ValidationError<'_, '_>) -> String {
    let mut fault = error;
    while let Some(cause) = fault.causes.first() {
        fault = cause;
    }
    let place = fault.instance_location.to_string();
    format!("at {}: {}", if place.is_empty() { "/" } else { &place }, fault.kind)
}

/// The faults that stay whatever the templates give.
fn collect(error: &ValidationError<'_, '_>, value: &Value, schema: &Value, faults: &mut Vec<Fault>) {
    match &error.kind {
        ErrorKind::AnyOf | ErrorKind::OneOf(_) | ErrorKind::Not | ErrorKind::Contains
            if mentions_template(error, value) => {}
        ErrorKind::AnyOf | ErrorKind::OneOf(None) => alternatives(error, value, schema, faults),
        _ if error.causes.is_empty() => leaf(error, value, schema, faults),
        _ => error.causes.iter().for_each(|cause| collect(cause, value, schema, faults)),
    }
}

/// Of several forms that a value may have: the fault that lies deepest is of the form that was meant.
fn alternatives(error: &ValidationError<'_, '_>, value: &Value, schema: &Value, faults: &mut Vec<Fault>) {
    let mut found = Vec::new();
    error.causes.iter().for_each(|cause| collect(cause, value, schema, &mut found));
    let Some(depth) = found.iter().map(|fault| fault.way.len()).max() else { return };
    found.retain(|fault| fault.way.len() == depth);
    let mut messages: Vec<_> = found.iter().map(|fault| fault.message.clone()).collect();
    messages.dedup();
    if let Some(fault) = found.into_iter().next() {
        faults.push(Fault { message: messages.join(", or "), ..fault });
    }
}

fn mentions_template(error: &ValidationError<'_, '_>, value: &Value) -> bool {
    at_way(value, &way(error)).is_some_and(holds_template)
        || error.causes.iter().any(|cause| mentions_template(cause, value))
}

fn holds_template(value: &Value) -> bool {
    match value {
        Value::String(text) => is_template(text),
        Value::Array(items) => items.iter().any(holds_template),
        Value::Object(fields) => fields.values().any(holds_template),
        _ => false,
    }
}

fn leaf(error: &ValidationError<'_, '_>, value: &Value, schema: &Value, faults: &mut Vec<Fault>) {
    let way = way(error);
    let Some(found) = at_way(value, &way) else { return };
    if is_excused(found, &error.kind) {
        return;
    }
    if let ErrorKind::AdditionalProperties { got } = &error.kind {
        let known = properties(schema, error.schema_url);
        for key in got {
            let message =
                format!("there is no parameter `{key}`{}", suggestion(key, known.iter().map(String::as_str)));
            faults.push(Fault { way: [way.as_slice(), &[key.to_string()]].concat(), message });
        }
        return;
    }
    faults.push(Fault { way, message: message(&error.kind, found) });
}

/// A text with a template in it is sure to be text; one that is only an expression may become anything.
fn is_excused(found: &Value, kind: &ErrorKind<'_, '_>) -> bool {
    match found {
        Value::String(text) if is_expression(text) => true,
        Value::String(text) => is_template(text) && !matches!(kind, ErrorKind::Type { .. }),
        _ => {
            let of_the_whole = matches!(
                kind,
                ErrorKind::Enum { .. } | ErrorKind::Const { .. } | ErrorKind::UniqueItems { .. }
            );
            of_the_whole && holds_template(found)
        }
    }
}

fn message(kind: &ErrorKind<'_, '_>, found: &Value) -> String {
    match kind {
        ErrorKind::Required { want } => {
            let names: Vec<_> = want.iter().map(|name| format!("`{name}`")).collect();
            let verb = if names.len() == 1 { "is" } else { "are" };
            format!(
                "{} {verb} missing; add {} under `with`",
                names.join(" and "),
                if names.len() == 1 { "it" } else { "them" }
            )
        }
        ErrorKind::Type { want, .. } => {
            let wanted: Vec<_> = want.iter().map(|kind| noun(&kind.to_string())).collect();
            format!("this must be {}; it is {}", wanted.join(" or "), shown(found))
        }
        ErrorKind::Enum { want } => {
            let names: Vec<_> = want.iter().filter_map(Value::as_str).collect();
            let advice = suggestion(found.as_str().unwrap_or_default(), names);
            format!("{} is not possible here{advice}", shown(found))
        }
        ErrorKind::Const { want } => format!("this must be {}; it is {}", shown(want), shown(found)),
        ErrorKind::Minimum { want, .. } => format!("this must be at least {want}; it is {}", shown(found)),
        ErrorKind::Maximum { want, .. } => format!("this must be at most {want}; it is {}", shown(found)),
        ErrorKind::ExclusiveMinimum { want, .. } => {
            format!("this must be more than {want}; it is {}", shown(found))
        }
        ErrorKind::ExclusiveMaximum { want, .. } => {
            format!("this must be less than {want}; it is {}", shown(found))
        }
        ErrorKind::MinLength { want: 1, .. } => "this text is empty; write something".to_owned(),
        ErrorKind::MinItems { want, got } => format!("this list has {got} items; it needs {want}"),
        ErrorKind::MaxItems { want, got } => format!("this list has {got} items; it may have {want}"),
        other => other.to_string(),
    }
}

fn noun(kind: &str) -> &'static str {
    match kind {
        "null" => "empty",
        "boolean" => "true or false",
        "number" => "a number",
        "integer" => "a whole number",
        "string" => "text",
        "array" => "a list",
        _ => "a map of keys",
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if text.chars().count() <= 40 => format!("the text `{text}`"),
        Value::String(_) => "text".to_owned(),
        Value::Null => "empty".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a map of keys".to_owned(),
        other => other.to_string(),
    }
}

/// Names of the parameters that the schema at this address knows.
fn properties(schema: &Value, url: &str) -> Vec<String> {
    let pointer = url.split_once('#').map_or("", |(_, pointer)| pointer);
    let at = schema.pointer(pointer).or(Some(schema));
    let properties = at.and_then(|schema| schema.get("properties")).and_then(Value::as_object);
    properties
        .map(|fields| fields.keys().filter(|key| *key != "allow").cloned().collect())
        .unwrap_or_default()
}

fn way(error: &ValidationError<'_, '_>) -> Vec<String> {
    let token = |token: &InstanceToken<'_>| match token {
        InstanceToken::Prop(name) => name.to_string(),
        InstanceToken::Item(index) => index.to_string(),
    };
    error.instance_location.tokens.iter().map(token).collect()
}

fn at_way<'v>(value: &'v Value, way: &[String]) -> Option<&'v Value> {
    way.iter().try_fold(value, |value, step| match value {
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        other => other.get(step),
    })
}

/// The place and path of what lies at the end of a way, or of the last part of it that the file has.
fn locate(tree: &Tree, key_place: Place, path: String, way: &[String]) -> (Place, String) {
    let (mut tree, mut path, mut place) = (tree, path, key_place);
    for (step, token) in way.iter().enumerate() {
        let is_last = step + 1 == way.len();
        if let Some(entry) = tree.find(token) {
            place = if is_last && entry.value.entries().is_none() { entry.value.place } else { entry.place };
            path = joined(&path, token);
            tree = &entry.value;
        } else if let Data::List(items) = &tree.data
            && let Some(item) = token.parse().ok().and_then(|index: usize| items.get(index))
        {
            place = item.place;
            path = format!("{path}[{token}]");
            tree = item;
        } else {
            break;
        }
    }
    (place, path)
}
