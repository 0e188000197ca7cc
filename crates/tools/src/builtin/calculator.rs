//! `calculator`: arithmetic that a model should not do in its head.

use ibid_types::{Error, Result};
use serde_json::{Value, json};

use super::arithmetic::{EXPRESSION_BYTES_MAX, Number, evaluate};
use crate::{Tool, ToolContext, ToolSpec};

/// Input `{"expression"}`; output `{"value": number, "text": "exact digits"}`.
#[derive(Debug)]
pub struct Calculator {
    spec: ToolSpec,
}

impl Calculator {
    /// # Errors
    /// None in practice: the schema is fixed.
    pub fn new() -> Result<Self> {
        let schema = json!({
            "type": "object",
            "properties": {"expression": {
                "type": "string", "minLength": 1, "maxLength": EXPRESSION_BYTES_MAX,
                "description": "such as (19.99 * 3 - 5) / 2; operators + - * / % (remainder) ^ (power); functions such \
                                as sqrt, round(x, places), min, max, sum, mean, ln, log(x, base), sin; pi, e",
            }},
            "required": ["expression"],
            "additionalProperties": false,
        });
        Ok(Self { spec: ToolSpec::new("calculator", "Computes an arithmetic expression exactly.", schema)? })
    }
}

impl Tool for Calculator {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(&self, input: &Value, _: &ToolContext) -> Result<Value> {
        let expression = input["expression"].as_str().unwrap_or_default();
        let number = evaluate(expression).map_err(|what| {
            Error::bad_request("expression_invalid", format!("'{expression}' cannot be computed: {what}"))
        })?;
        Ok(json!({"value": json_of(number), "text": number.text()}))
    }
}

/// A JSON number, as exact as JSON numbers are.
fn json_of(number: Number) -> Value {
    match number {
        Number::Whole(whole) => {
            i64::try_from(whole).map_or_else(|_| json!(number.real()), |whole| json!(whole))
        }
        Number::Real(real) => json!(number.text().parse().unwrap_or(real)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ibid_types::WorkspaceId;
    use std::time::Duration;

    fn call(expression: &str) -> Result<Value> {
        let context = ToolContext::new(WorkspaceId::new(), "", Duration::from_secs(60));
        Calculator::new().unwrap().call(&json!({"expression": expression}), &context)
    }

    #[test]
    fn value_and_text_are_given() {
        assert_eq!(call("0.1 + 0.2").unwrap(), json!({"value": 0.3, "text": "0.3"}));
        assert_eq!(call("2 + 2").unwrap(), json!({"value": 4, "text": "4"}));
        assert_eq!(call("2^70").unwrap()["text"], json!("1180591620717411303424"));
    }

    #[test]
    fn a_fault_names_the_expression() {
        let error = call("1/0").unwrap_err();
        assert_eq!(
            (error.code, error.message.as_str()),
            ("expression_invalid", "'1/0' cannot be computed: division by zero")
        );
    }
}
