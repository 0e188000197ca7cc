//! The prompts: what a person picks from a menu, and a model then reads.

use ibid_types::{Error, Result};
use rmcp::model::{GetPromptResult, JsonObject, Prompt, PromptArgument, PromptMessage, Role};
use serde_json::Value;

pub fn all() -> Vec<Prompt> {
    vec![
        prompt(
            "answer-with-sources",
            "Answers from documents and memory, each claim with its source",
            &[("question", true)],
        ),
        prompt(
            "what-do-we-know-about",
            "Tells all that is known of somebody or something",
            &[("subject", true)],
        ),
        prompt(
            "remember-decision",
            "Keeps a decision with its reason",
            &[("decision", true), ("reason", false)],
        ),
    ]
}

fn prompt(name: &str, description: &str, arguments: &[(&str, bool)]) -> Prompt {
    let argument =
        |(name, is_required): &(&str, bool)| PromptArgument::new(*name).with_required(*is_required);
    Prompt::new(name, Some(description), Some(arguments.iter().map(argument).collect()))
}

/// Errors: `mcp_prompt_unknown`, `mcp_arguments`.
pub fn get(name: &str, arguments: &JsonObject) -> Result<GetPromptResult> {
    let text = match name {
        "answer-with-sources" => {
            let question = argument(name, arguments, "question")?;
            format!(
                "Answer this question: {question}\n\nUse recall and search_documents first. Say nothing that no source supports, put the \
                 source behind each claim (title and page, or who said it and when), and say what you did not find."
            )
        }
        "what-do-we-know-about" => {
            let subject = argument(name, arguments, "subject")?;
            format!(
                "What do we know about {subject}?\n\nCall recall with entity \"{subject}\", then search_documents. Tell what holds now, what \
                 held before and until when, and where sources contradict each other; each with its source."
            )
        }
        "remember-decision" => decision(name, arguments)?,
        _ => {
            let what = format!("there is no prompt '{name}'; prompts/list names those that there are");
            return Err(Error::bad_request("mcp_prompt_unknown", what));
        }
    };
    Ok(GetPromptResult::new(vec![PromptMessage::new_text(Role::User, text)]))
}

fn decision(name: &str, arguments: &JsonObject) -> Result<String> {
    let decision = argument(name, arguments, "decision")?;
    let reason = match arguments.get("reason").and_then(Value::as_str) {
        Some(reason) => format!("The reason: {reason}\n"),
        None => "Ask me for the reason if it is not clear from our conversation.\n".to_owned(),
    };
    Ok(format!(
        "We decided: {decision}\n{reason}\nCall recall to see what was decided about it before. Then call remember with whole sentences: who \
         decided what, for what reason, from when on, and what it replaces. Tell me the facts that were kept."
    ))
}

/// Error: `mcp_arguments`.
fn argument<'a>(prompt: &str, arguments: &'a JsonObject, name: &str) -> Result<&'a str> {
    let sent = arguments.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    sent.ok_or_else(|| {
        Error::bad_request("mcp_arguments", format!("the prompt '{prompt}' needs '{name}' as a text"))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_says_what_it_was_asked_with() {
        for prompt in all() {
            let wanted = prompt.arguments.unwrap();
            let sent: JsonObject =
                wanted.iter().map(|argument| (argument.name.clone(), json!("Project Heron"))).collect();
            let got = serde_json::to_string(&get(&prompt.name, &sent).unwrap()).unwrap();
            assert!(got.contains("Project Heron"), "{got}");
            assert_eq!(get(&prompt.name, &JsonObject::new()).unwrap_err().code, "mcp_arguments");
        }
        assert_eq!(get("nothing", &JsonObject::new()).unwrap_err().code, "mcp_prompt_unknown");
    }
}
