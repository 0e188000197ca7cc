//! What comes from people and from time: answers, expiries and timers.

use ibid_types::{Class, Error, Result};
use serde_json::Value;

use super::apply::{Definitions, Machine};
use super::superstep::on_expiry;
use super::{Activity, Fault, FrameId, Status};

impl Machine<'_> {
    pub fn answer(&mut self, definitions: &dyn Definitions, interrupt: u32, value: &Value) -> Result<()> {
        if !self.is_live() {
            return Err(self.over());
        }
        let (frame, node, question) = self.find_question(interrupt).ok_or_else(|| unknown(interrupt))?;
        if question.expires_at.is_some_and(|time| time <= self.at) {
            let message = format!("the time to answer interrupt {interrupt} is over");
            return Err(Error::conflict("flow_answer_late", message));
        }
        definitions.check_answer(&question.schema, value)?;
        self.wake();
        let settled = self.finish(frame, node, value.clone());
        self.settle(settled);
        Ok(())
    }

    fn find_question(&self, id: u32) -> Option<(FrameId, usize, &super::Interrupt)> {
        for (frame, found) in &self.state.frames {
            for (node, activity) in &found.active {
                match activity {
                    Activity::Asking(question) if question.id == id => {
                        return Some((*frame, *node, question));
                    }
                    _ => {}
                }
            }
        }
        None
    }

    /// Time has passed: the run's own may be up, timers and questions may be due.
    pub fn passed(&mut self) {
        if self.state.status == Status::Running && self.is_late() {
            return self.end_with(self.late_fault());
        }
        let due = self.due();
        if due.is_empty() || !self.is_live() {
            return self.ignore();
        }
        self.wake();
        for (frame, node) in due {
            let settled = if self.is_live() { self.time_is_up(frame, node) } else { None };
            self.settle(settled);
        }
    }

    fn due(&self) -> Vec<(FrameId, usize)> {
        let mut due = Vec::new();
        for (frame, found) in &self.state.frames {
            for (node, activity) in &found.active {
                let time = match activity {
                    Activity::Sleeping { until, .. } => Some(*until),
                    Activity::Asking(question) => question.expires_at,
                    _ => None,
                };
                if time.is_some_and(|time| time <= self.at) {
                    due.push((*frame, *node));
                }
            }
        }
        due
    }

    fn time_is_up(&mut self, frame: FrameId, index: usize) -> Option<FrameId> {
        let node = self.node(frame, index)?;
        match self.activity(frame, index)? {
            Activity::Sleeping { .. } => self.finish(frame, index, Value::Null),
            Activity::Asking(_) if on_expiry(node).is_some() => {
                self.applied.ended.push(node.name.clone());
                self.set_activity(frame, index, Activity::Expired);
                Some(frame)
            }
            Activity::Asking(_) => self.give_up(frame, index, expired(&node.name), None),
            _ => None,
        }
    }

    pub fn over(&self) -> Error {
        let (run, status) = (self.state.run, self.state.status.name());
        Error::conflict(
            "flow_run_over",
            format!("run {run} is {status}; a run that is over takes nothing any more"),
        )
    }
}

fn unknown(interrupt: u32) -> Error {
    Error::not_found(
        "flow_interrupt_unknown",
        format!("the run asks nothing under number {interrupt}; it may have been answered already"),
    )
}

fn expired(node: &str) -> Fault {
    Fault {
        class: Class::Timeout,
        code: "flow_interrupt_expired".to_owned(),
        message: format!("nobody answered node '{node}' in time, and it has no `on_expiry`"),
        is_passing: false,
    }
}

/// The part of JSON Schema that questions to people need: `type`, `enum`, `const`, `required`, `properties`, `items`,
/// `minimum`, `maximum`, `minLength`, `maxLength`. What it does not know it does not check.
/// Errors: `flow_answer_invalid`.
pub fn check_answer(schema: &Value, answer: &Value) -> Result<()> {
    check_at(schema, answer, 0).map_err(|problem| {
        Error::bad_request("flow_answer_invalid", format!("the answer {problem}; see the question's schema"))
    })
}

/// Schemas are bounded like all values; this bounds the recursion even if one is not.
const SCHEMA_DEPTH_MAX: usize = 64;

fn check_at(schema: &Value, answer: &Value, depth: usize) -> Result<(), String> {
    let Value::Object(rules) = schema else { return Ok(()) };
    if depth > SCHEMA_DEPTH_MAX {
        return Err("is nested too deeply".to_owned());
    }
    for (rule, wanted) in rules {
        let fits = match rule.as_str() {
            "type" => has_type(wanted, answer),
            "enum" => wanted.as_array().is_none_or(|allowed| allowed.contains(answer)),
            "const" => wanted == answer,
            "minimum" => answer.as_f64().zip(wanted.as_f64()).is_none_or(|(answer, least)| answer >= least),
            "maximum" => answer.as_f64().zip(wanted.as_f64()).is_none_or(|(answer, most)| answer <= most),
            "minLength" => {
                answer.as_str().zip(wanted.as_u64()).is_none_or(|(text, least)| letters(text) >= least)
            }
            "maxLength" => {
                answer.as_str().zip(wanted.as_u64()).is_none_or(|(text, most)| letters(text) <= most)
            }
            "required" => has_required(wanted, answer),
            _ => true,
        };
        if !fits {
            return Err(format!("does not fit '{rule}: {wanted}'"));
        }
    }
    check_parts(rules, answer, depth)
}

fn check_parts(rules: &serde_json::Map<String, Value>, answer: &Value, depth: usize) -> Result<(), String> {
    match (answer, rules.get("properties"), rules.get("items")) {
        (Value::Object(fields), Some(Value::Object(properties)), _) => {
            fields.iter().try_for_each(|(name, field)| {
                properties.get(name).map_or(Ok(()), |schema| check_at(schema, field, depth + 1))
            })
        }
        (Value::Array(items), _, Some(schema)) => {
            items.iter().try_for_each(|item| check_at(schema, item, depth + 1))
        }
        _ => Ok(()),
    }
}

fn has_type(wanted: &Value, answer: &Value) -> bool {
    match wanted {
        Value::Array(any) => any.iter().any(|wanted| has_type(wanted, answer)),
        Value::String(name) => match name.as_str() {
            "string" => answer.is_string(),
            "boolean" => answer.is_boolean(),
            "integer" => answer.is_i64() || answer.is_u64(),
            "number" => answer.is_number(),
            "array" => answer.is_array(),
            "object" => answer.is_object(),
            "null" => answer.is_null(),
            _ => true,
        },
        _ => true,
    }
}

fn has_required(wanted: &Value, answer: &Value) -> bool {
    match (answer, wanted) {
        (Value::Object(fields), Value::Array(names)) => {
            names.iter().filter_map(Value::as_str).all(|name| fields.contains_key(name))
        }
        _ => true,
    }
}

fn letters(text: &str) -> u64 {
    text.chars().count() as u64
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fits(schema: &Value, answer: &Value) -> bool {
        check_answer(schema, answer).is_ok()
    }

    #[test]
    fn answers_have_the_type_and_the_bounds_of_their_schema() {
        assert!(
            fits(&json!({"type": "boolean"}), &json!(true))
                && !fits(&json!({"type": "boolean"}), &json!("yes"))
        );
        assert!(fits(&json!({"type": ["string", "null"]}), &json!(null)));
        assert!(
            fits(&json!({"enum": ["a", "b"]}), &json!("a")) && !fits(&json!({"enum": ["a"]}), &json!("c"))
        );
        let score = json!({"type": "integer", "minimum": 1, "maximum": 5});
        assert!(fits(&score, &json!(5)) && !fits(&score, &json!(6)) && !fits(&score, &json!(1.5)));
        assert!(!fits(&json!({"minLength": 2}), &json!("ä")) && fits(&json!({"maxLength": 1}), &json!("ä")));
    }

    #[test]
    fn answers_are_checked_inside() {
        let schema = json!({"type": "object", "required": ["ok"], "properties": {"ok": {"type": "boolean"}}});
        assert!(fits(&schema, &json!({"ok": true, "more": 1})));
        assert!(!fits(&schema, &json!({})) && !fits(&schema, &json!({"ok": 1})));
        assert!(!fits(&json!({"items": {"type": "string"}}), &json!(["a", 1])));
    }
}
