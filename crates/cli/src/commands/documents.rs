//! `ibid documents`: what is in the library.

use std::process::ExitCode;

use ibid_api::document::{
    Document, DocumentChange, DocumentReader, DocumentsPage, DocumentsQuery, Passage, Version,
};
use ibid_types::{Error, Result};

use crate::args::Documents;
use crate::context::{Context, escaped};
use crate::output::{counted, foreign, foreign_line, grouped, json, line, note, piece, shortened};

/// Text is read in pieces of this many bytes.
const PIECE_BYTES: usize = 40_000;

pub fn run(context: &Context, command: Documents) -> Result<ExitCode> {
    match command {
        Documents::List { status, text, tag, limit } => {
            let workspace = context.common.workspace.clone();
            list(
                context,
                &DocumentsQuery { workspace, status, text, tag, limit: Some(limit), cursor: None },
            )?;
        }
        Documents::Show { id } => show(context, &id)?,
        Documents::Text { id } => text(context, &id)?,
        Documents::Share { ids, with, .. } => share(context, &ids, &with)?,
        Documents::Delete { ids } => delete(context, &ids)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn list(context: &Context, find: &DocumentsQuery) -> Result<()> {
    let page: DocumentsPage = context.client.post("/v1/documents/find", find)?.json()?;
    if context.common.json {
        return json(&page);
    }
    for document in &page.documents {
        show_line(context, document)?;
    }
    let shown = page.documents.len() as u64;
    let more =
        if shown < page.total { format!(" ({} shown; -n for more)", grouped(shown)) } else { String::new() };
    line(&context.color.dim(&format!("{}{more}", counted(page.total, "document"))))
}

fn show_line(context: &Context, document: &Document) -> Result<()> {
    let color = context.color;
    let status = match document.status.as_str() {
        "ready" => color.green("ready  "),
        "failed" => color.red("failed "),
        other => color.yellow(&format!("{other:<7}")),
    };
    let chunks = document.version.as_ref().map_or(0, |version| u64::from(version.chunk_count));
    let title = color.bold(&foreign(&shortened(&document.title, 60)));
    line(&format!("{}  {status} {title}  {}", document.id, color.dim(&counted(chunks, "chunk"))))?;
    line(&color.dim(&format!("    {}", foreign_line(&document.source))))?;
    let failure = document.version.as_ref().and_then(|version| version.failure.as_ref());
    if let Some(failure) = failure {
        line(&color.red(&format!("    {} [{}]", foreign_line(&failure.reason), failure.code)))?;
    }
    Ok(())
}

fn show(context: &Context, id: &str) -> Result<()> {
    let document: Document =
        context.client.get(&context.path(&format!("/v1/documents/{}", escaped(id))))?.json()?;
    let versions: Vec<Version> =
        context.client.get(&context.path(&format!("/v1/documents/{}/versions", escaped(id))))?.json()?;
    if context.common.json {
        return json(&serde_json::json!({ "document": document, "versions": versions }));
    }
    show_line(context, &document)?;
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    line(&format!(
        "    author {}, language {}, date {}",
        foreign_line(&or_none(&document.author)),
        or_none(&document.language),
        document.date
    ))?;
    if !document.tags.is_empty() {
        line(&format!("    tags {}", foreign_line(&document.tags.join(", "))))?;
    }
    if !document.readers.is_empty() {
        line(&format!("    read by {}", readers(&document)))?;
    }
    for version in &versions {
        let pages = version
            .page_count
            .map_or_else(String::new, |pages| format!(", {}", counted(u64::from(pages), "page")));
        line(&format!(
            "    version {} {} {}: {} bytes {}{pages}, {}",
            version.number,
            version.status,
            version.created_at,
            grouped(version.size_bytes),
            version.media_type,
            counted(u64::from(version.chunk_count), "chunk"),
        ))?;
        for warning in &version.warnings {
            line(&context.color.yellow(&format!("        {}", foreign_line(warning))))?;
        }
    }
    Ok(())
}

/// The text of the current version, piece by piece.
fn text(context: &Context, id: &str) -> Result<()> {
    let document: Document =
        context.client.get(&context.path(&format!("/v1/documents/{}", escaped(id))))?.json()?;
    let version = document.version.filter(|version| version.status == "ready").ok_or_else(|| {
        Error::not_found("version_unknown", "the document has no version that could be read")
    })?;
    let mut at = 0;
    while at < usize::try_from(version.text_bytes).unwrap_or(usize::MAX) {
        let path = format!(
            "/v1/documents/{}/versions/{}/passage?start_byte={at}&end_byte={at}&context_bytes={}",
            escaped(id),
            version.id,
            PIECE_BYTES / 2
        );
        let passage: Passage = context.client.get(&context.path(&path))?.json()?;
        if passage.after.is_empty() {
            break;
        }
        piece(&foreign(&passage.after))?;
        at += passage.after.len();
    }
    Ok(())
}

/// Nobody named: with everybody.
fn share(context: &Context, ids: &[String], with: &[String]) -> Result<()> {
    let change = DocumentChange { readers: Some(with.to_vec()), ..DocumentChange::default() };
    for id in ids {
        let path = context.path(&format!("/v1/documents/{}", escaped(id)));
        let document: Document = context.client.patch(&path, &change)?.json()?;
        note(&format!("{}: {}", foreign_line(&document.title), readers(&document)));
    }
    Ok(())
}

fn readers(document: &Document) -> String {
    let name = |reader: &DocumentReader| {
        let kind = reader.holder.split(':').next().unwrap_or_default();
        if reader.name.is_empty() {
            reader.holder.clone()
        } else {
            format!("{kind}:{}", foreign_line(&reader.name))
        }
    };
    let names: Vec<String> = document.readers.iter().map(name).collect();
    if names.is_empty() { "everybody in the workspace".to_owned() } else { names.join(", ") }
}

fn delete(context: &Context, ids: &[String]) -> Result<()> {
    for id in ids {
        context.client.delete(&context.path(&format!("/v1/documents/{}", escaped(id))))?;
        note(&format!("deleted {id}"));
    }
    Ok(())
}
