//! What is known of repositories, as resources: who calls a symbol, why it is as it is, what changed since.

use ibid_api::code as wire;
use ibid_types::{Error, Result};
use rmcp::model::{ReadResourceResult, ResourceContents, ResourceTemplate};

use super::api::get;
use super::told::one_line;
use super::{Api, Handler, told};

const START: &str = "ibid://code/";
const TEXT_CHARS_MAX: usize = 600;

pub fn templates() -> Vec<ResourceTemplate> {
    let template = |address: &str, name: &str, what: &str| {
        ResourceTemplate::new(address, name).with_description(what).with_mime_type("text/plain")
    };
    vec![
        template("ibid://code/callers/{symbol}", "callers", "Who calls a symbol"),
        template(
            "ibid://code/why/{symbol}",
            "why",
            "Commits, comments and notes that say why a symbol or file is as it is",
        ),
        template("ibid://code/since/{since}", "since", "What changed in the code since a commit or a day"),
    ]
}

/// What an address names, if it is one of these. Errors: `mcp_resource_unknown`, and those of the API.
pub async fn read<A: Api>(handler: &Handler<A>, uri: &str) -> Option<Result<ReadResourceResult>> {
    let rest = uri.strip_prefix(START)?;
    let read = match rest.split_once('/').map(|(question, of)| (question, decoded(of))) {
        Some(("callers", Some(symbol))) => callers(handler, &symbol).await,
        Some(("why", Some(of))) => why(handler, &of).await,
        Some(("since", Some(since))) => changed(handler, &since).await,
        _ => Err(Error::not_found(
            "mcp_resource_unknown",
            format!(
                "'{uri}' is none of ibid://code/callers/SYMBOL, ibid://code/why/SYMBOL and ibid://code/since/COMMIT"
            ),
        )),
    };
    let contents = |text: String| ReadResourceResult::new(vec![ResourceContents::text(text, uri)]);
    Some(read.map(contents))
}

async fn callers<A: Api>(handler: &Handler<A>, symbol: &str) -> Result<String> {
    let path = handler.path("/v1/memory/code/callers", &[("symbol", Some(symbol))]);
    let found: wire::CodeCallers = get(handler.api.as_ref(), path).await?;
    let lines = found.symbols.iter().flat_map(|called| {
        let callers = called.callers.iter().map(|tie| format!("   {}", told::caller(tie)));
        std::iter::once(format!("{} ({} callers)", told::symbol(&called.symbol), called.total)).chain(callers)
    });
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

async fn why<A: Api>(handler: &Handler<A>, of: &str) -> Result<String> {
    let path = handler.path("/v1/memory/code/why", &[("of", Some(of))]);
    let found: wire::CodeWhy = get(handler.api.as_ref(), path).await?;
    let mut lines = Vec::new();
    for reasons in &found.things {
        lines.push(told::symbol(&reasons.thing));
        let note = |note: &wire::CodeNote| {
            format!("   {}:{} {}", note.path, note.line, one_line(&note.text, TEXT_CHARS_MAX))
        };
        lines.extend(reasons.notes.iter().map(note));
        lines.extend(reasons.commits.iter().map(|reason| format!("   {}", told::commit(&reason.commit))));
    }
    lines.extend(found.memories.iter().map(told::hit_text));
    let passage = |passage: &wire::CodePassage| {
        let at = usize::try_from(passage.start_byte).unwrap_or(0);
        let text = one_line(&passage.text, TEXT_CHARS_MAX);
        format!(
            "{} ({}): \"{text}\" [{}]",
            passage.title,
            passage.source,
            told::document_uri(&passage.document, at)
        )
    };
    lines.extend(found.documents.iter().map(passage));
    Ok(lines.join("\n"))
}

async fn changed<A: Api>(handler: &Handler<A>, since: &str) -> Result<String> {
    let path = handler.path("/v1/memory/code/since", &[("since", Some(since))]);
    let found: wire::CodeSince = get(handler.api.as_ref(), path).await?;
    let mut lines: Vec<String> = found.commits.iter().map(told::commit).collect();
    lines.push(format!("Files: {}", found.paths.join(", ")));
    lines.push(format!("Symbols: {}", found.symbols.join(", ")));
    if found.truncated {
        lines.push("There is more than is told here.".to_owned());
    }
    Ok(lines.join("\n"))
}

/// Without percent signs; none where it is empty or no text.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (b'%', [high, low, ..]) => {
                let digits = [*high, *low];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
                rest = &after[2..];
            }
            _ => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).ok().filter(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_escaped_is_read_back() {
        assert_eq!(decoded("src/a.rs%23Reader%3A%3Anext").as_deref(), Some("src/a.rs#Reader::next"));
        assert_eq!((decoded(""), decoded("%zz"), decoded("%ff")), (None, None, None));
        assert_eq!(decoded("100%").as_deref(), Some("100%"));
    }
}
