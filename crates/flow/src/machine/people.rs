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

/// Whether an answer fits the JSON Schema of its question; null is a schema that takes anything.
/// Errors: `flow_answer_invalid`, and `tool_schema_invalid` for a schema that is none.
pub fn check_answer(schema: &Value, answer: &Value) -> Result<()> {
    if schema.is_null() {
        return Ok(());
    }
    ibid_tools::Schema::compile_any(schema)?.check(answer).map_err(|problem| {
        Error::bad_request("flow_answer_invalid", format!("the answer does not fit the question: {problem}"))
    })
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
