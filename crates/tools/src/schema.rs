//! JSON Schema: compiled once, applied to each input (drafts 4 to 2020-12; `boon` does the work).
//!
//! Keeps true: a schema never makes us read a file or an address, and one that is too large is refused.

use std::fmt;

use boon::{Compiler, SchemaIndex, Schemas, UrlLoader, ValidationError};
use ibid_types::{Error, Result};
use serde_json::Value;

/// Where the schema lives while it is compiled; references are relative to it.
const LOCATION: &str = "ibid:input";

/// The largest schema, as JSON. Schemas come from servers that we do not know; real ones have some kilobytes.
const SCHEMA_BYTES_MAX: usize = 256 * 1024;

/// A compiled schema of an object.
pub struct Schema {
    schemas: Schemas,
    root: SchemaIndex,
}

impl Schema {
    /// Compiles a schema whose instances are objects.
    ///
    /// # Errors
    /// `tool_schema_invalid`.
    pub fn compile(schema: &Value) -> Result<Self> {
        if schema.get("type").and_then(Value::as_str) != Some("object") {
            return Err(invalid("its type must be \"object\""));
        }
        Self::compile_any(schema)
    }

    /// Compiles a schema of any value.
    ///
    /// # Errors
    /// `tool_schema_invalid`.
    pub fn compile_any(schema: &Value) -> Result<Self> {
        if schema.to_string().len() > SCHEMA_BYTES_MAX {
            return Err(invalid(&format!("it has more than {SCHEMA_BYTES_MAX} bytes")));
        }
        let mut compiler = Compiler::new();
        compiler.use_loader(Box::new(NoLoader));
        let mut schemas = Schemas::new();
        let unusable = |error| invalid(&format!("{error:#}"));
        compiler.add_resource(LOCATION, schema.clone()).map_err(unusable)?;
        let root = compiler.compile(LOCATION, &mut schemas).map_err(unusable)?;
        Ok(Self { schemas, root })
    }

    /// Whether the value fits; if not, where and why: `at /limit: want number, but got string`.
    ///
    /// # Errors
    /// The first fault that was found.
    pub fn check(&self, value: &Value) -> std::result::Result<(), String> {
        self.schemas.validate(value, self.root).map_err(|error| {
            let fault = deepest(&error);
            let place = fault.instance_location.to_string();
            format!("at {}: {}", if place.is_empty() { "/" } else { &place }, fault.kind)
        })
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schema").field("parts", &self.schemas.size()).finish()
    }
}

/// The first fault that is not just "something below failed".
fn deepest<'a, 's, 'v>(error: &'a ValidationError<'s, 'v>) -> &'a ValidationError<'s, 'v> {
    let mut fault = error;
    while let Some(cause) = fault.causes.first() {
        fault = cause;
    }
    fault
}

/// References lead nowhere outside the schema.
struct NoLoader;

impl UrlLoader for NoLoader {
    fn load(&self, url: &str) -> std::result::Result<Value, Box<dyn std::error::Error>> {
        Err(format!("{url} is outside the schema, and nothing is fetched").into())
    }
}

fn invalid(what: &str) -> Error {
    Error::bad_request("tool_schema_invalid", format!("the schema of a tool's input cannot be used: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fault(schema: Value, value: Value) -> String {
        Schema::compile(&schema).unwrap().check(&value).err().unwrap_or_default()
    }

    fn refusal(schema: Value) -> String {
        let error = Schema::compile(&schema).map(|_| ()).unwrap_err();
        assert_eq!(error.code, "tool_schema_invalid");
        error.message
    }

    #[test]
    fn the_place_of_a_fault_is_named() {
        let schema =
            json!({"type": "object", "properties": {"a": {"type": "array", "items": {"type": "integer"}}}});
        assert_eq!(fault(schema.clone(), json!({"a": [1, 2]})), "");
        assert_eq!(fault(schema.clone(), json!({"a": [1, "x"]})), "at /a/1: want integer, but got string");
        assert_eq!(fault(schema, json!([])), "at /: want object, but got array");
    }

    #[test]
    fn what_is_missing_is_named() {
        let schema = json!({"type": "object", "required": ["query"]});
        assert_eq!(fault(schema, json!({})), "at /: missing properties 'query'");
    }

    #[test]
    fn references_inside_work() {
        let schema = json!({"type": "object", "$defs": {"n": {"minimum": 3}}, "properties": {"a": {"$ref": "#/$defs/n"}}});
        assert_eq!(fault(schema, json!({"a": 2})), "at /a: must be >=3, but got 2");
    }

    #[test]
    fn nothing_outside_is_read() {
        for place in ["file:///etc/hostname", "http://127.0.0.1:1/x.json", "other.json"] {
            let text = refusal(json!({"type": "object", "properties": {"a": {"$ref": place}}}));
            assert!(text.contains("cannot be used"), "{text}");
        }
    }

    #[test]
    fn faulty_schemas_are_refused() {
        refusal(json!({"type": "object", "properties": 5}));
        refusal(json!({"type": "object", "properties": {"a": {"pattern": "("}}}));
        refusal(json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/none"}}}));
        refusal(json!({"type": "array"}));
        refusal(json!(true));
        refusal(json!({"type": "object", "description": "x".repeat(SCHEMA_BYTES_MAX)}));
    }

    #[test]
    fn a_schema_of_itself_ends() {
        let schema =
            json!({"type": "object", "properties": {"next": {"$ref": "#"}}, "additionalProperties": false});
        assert_eq!(fault(schema.clone(), json!({"next": {"next": {}}})), "");
        assert!(fault(schema, json!({"next": {"other": 1}})).starts_with("at /next: "));
    }
}
