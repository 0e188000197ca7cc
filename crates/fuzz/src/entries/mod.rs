//! The entries: where something from outside comes in, each with real input to begin from.

mod backups;
mod disk;
mod documents;
mod foreign;
mod identity;
mod memories;
mod oidc;
mod providers;
mod questions;
mod requests;
mod texts;
mod words;

use std::fs;
use std::path::PathBuf;

use words::{
    BINARY, CHECKPOINT, FLOW, GUARD, HTML, HTTP, JSON, MAIL, MARKDOWN, MCP, MEMORIES, OIDC, PASSKEY, PDF,
    PROVIDER, QUESTION, SCHEMA, SOURCE, TOLD, WIRE, XML,
};

/// One way in.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub name: &'static str,
    /// Takes the bytes; an error is a promise that was not kept. What it may refuse, it refuses by an ordinary error, which is none here.
    pub run: fn(&[u8]) -> Result<(), String>,
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Words of the format.
    pub words: &'static [&'static str],
}

/// All of them, what strangers reach before the rest.
pub const ENTRIES: [Entry; 67] = [
    // What anybody can send, before it is known who it is.
    entry("connection", requests::connection, requests::connection_seeds, WIRE),
    entry("http", requests::http, requests::seeds, HTTP),
    entry("token", identity::token, identity::token_seeds, &[".", "eyJ", "=", "none"]),
    entry("signing-keys", identity::signing_keys, identity::signing_keys_seeds, JSON),
    entry(
        "passkey",
        identity::passkey,
        identity::passkey_seeds,
        &["\u{00a3}fmt", "\u{00ff}", "authData", "none"],
    ),
    entry("passkey-client", identity::passkey_client, identity::passkey_client_seeds, PASSKEY),
    entry("passkey-sign-in", identity::passkey_sign_in, identity::passkey_sign_in_seeds, PASSKEY),
    entry("passkey-answer", identity::passkey_answer, identity::passkey_answer_seeds, PASSKEY),
    entry("second-factor", identity::second_factor, identity::second_factor_seeds, &["000000", " ", "-"]),
    entry("oidc", oidc::sign_in, oidc::seeds, OIDC),
    entry("networks", texts::networks, texts::networks_seeds, &["::", "/", ".", "fd00", "255"]),
    // Documents.
    document("markdown", documents::markdown, MARKDOWN),
    document("text", documents::text, MARKDOWN),
    document("html", documents::html, HTML),
    document("xml", documents::xml, XML),
    document("json", documents::json, JSON),
    document("json-lines", documents::json_lines, JSON),
    document("csv", documents::csv, &["\"", ",", ";", "\t", "\"\"", "\r\n"]),
    document("mail", documents::mail, MAIL),
    document("code", documents::code, &["def ", "\"\"\"", "class ", "    ", "#"]),
    document("pdf", documents::pdf, PDF),
    document("docx", documents::docx, XML),
    document("xlsx", documents::xlsx, XML),
    document("xls", documents::xls, &["Workbook", "\u{9}\u{8}", "\u{85}\0"]),
    document("ods", documents::ods, XML),
    document("pptx", documents::pptx, XML),
    document("epub", documents::epub, XML),
    document("odt", documents::odt, XML),
    document("odp", documents::odp, XML),
    document("notebook", documents::notebook, JSON),
    document("subtitles", documents::subtitles, &["WEBVTT\n", "00:00:01,000 --> 00:00:02,000\n", "1\n"]),
    document("latex", documents::latex, &["\\section{", "\\begin{a}", "\\end{a}", "{", "}", "$", "%"]),
    document("of-any-name", documents::any, XML),
    entry("container", documents::container, documents::container_seeds, XML),
    entry("dates", texts::dates, texts::dates_seeds, &["2026-", "T", "Z", "+01:00", "Jan"]),
    // What other services answer.
    entry("openai", providers::openai, providers::openai_seeds, PROVIDER),
    entry("openai-vectors", providers::openai_vectors, providers::openai_vectors_seeds, JSON),
    entry("ollama", providers::ollama, providers::ollama_seeds, PROVIDER),
    entry("ollama-vectors", providers::ollama_vectors, providers::ollama_vectors_seeds, JSON),
    entry("model-answer", questions::model_answer, questions::model_answer_seeds, QUESTION),
    entry("mcp-server", providers::mcp, providers::mcp_seeds, MCP),
    entry("command-line", providers::command_line, providers::command_line_seeds, PROVIDER),
    entry(
        "metrics",
        texts::metrics,
        texts::metrics_seeds,
        &["{", "}", "=\"", "# TYPE ", "NaN", "+Inf", "_bucket"],
    ),
    // What people and models write.
    entry("question", questions::question, questions::question_seeds, QUESTION),
    entry("phrases", texts::phrases, texts::prose_seeds, &["*", "?", "kill", " "]),
    entry("guard-secrets", texts::secrets, texts::prose_seeds, GUARD),
    entry("guard-personal", texts::personal, texts::prose_seeds, GUARD),
    entry("guard-injection", texts::injection, texts::prose_seeds, GUARD),
    entry("guard-output", texts::output, texts::prose_seeds, GUARD),
    entry("extract", memories::told, memories::told_seeds, TOLD),
    entry("memory-import", memories::import, memories::import_seeds, MEMORIES),
    entry("memory-recall", memories::recall, memories::recall_seeds, TOLD),
    entry("symbols", memories::source, memories::source_seeds, SOURCE),
    entry("tool-schema", texts::schema, texts::schema_seeds, SCHEMA),
    entry(
        "tool-input",
        texts::tool_input,
        texts::tool_input_seeds,
        &["sqrt(", "^", "%", "1e308", "9999999999", ","],
    ),
    entry("flow", texts::flow, texts::flow_seeds, FLOW),
    entry(
        "expression",
        texts::expression,
        texts::expression_seeds,
        &["(", "!", "a.b", "[0]", " and ", "{{ ", " }}", "|", "'"],
    ),
    // What operators write, and what is read back from disk.
    entry(
        "configuration",
        texts::configuration,
        texts::configuration_seeds,
        &["[a]", "=", "[[", "\"\"\"", "{", "'"],
    ),
    entry("runbook", texts::runbook, texts::runbook_seeds, MARKDOWN),
    entry("checkpoint", disk::checkpoint, disk::checkpoint_seeds, CHECKPOINT),
    entry("index", disk::index, disk::index_seeds, BINARY),
    entry("index-file", disk::index_file, disk::index_file_seeds, BINARY),
    entry("metrics-kept", disk::metrics_kept, disk::metrics_kept_seeds, BINARY),
    entry("database", disk::database, disk::database_seeds, &["SQLite format 3", "CREATE TABLE ", "\u{7f}"]),
    entry("backup-object", backups::object, backups::object_seeds, BINARY),
    entry("backup-envelope", backups::envelope, backups::envelope_seeds, BINARY),
    entry(
        "backup-names",
        backups::names,
        backups::names_seeds,
        &["generations/", "/log/", "/bases/", "-", "pieces/", "18446744073709551615"],
    ),
];

impl Entry {
    /// Inputs that once did what none may: files of `regressions/NAME`.
    #[must_use]
    pub fn regressions(&self) -> Vec<(String, Vec<u8>)> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("regressions").join(self.name);
        let files = fs::read_dir(folder).into_iter().flatten().flatten().map(|file| file.path());
        files.filter_map(|path| Some((path.display().to_string(), fs::read(path).ok()?))).collect()
    }
}

const fn entry(
    name: &'static str,
    run: fn(&[u8]) -> Result<(), String>,
    seeds: fn() -> Vec<Vec<u8>>,
    words: &'static [&'static str],
) -> Entry {
    Entry { name, run, seeds, words }
}

const fn document(
    name: &'static str,
    run: fn(&[u8]) -> Result<(), String>,
    words: &'static [&'static str],
) -> Entry {
    Entry { name, run, seeds: samples, words }
}

/// The files of the sample corpus, and small ones of formats that it has not; what is of another format shows whether that is seen.
fn samples() -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../samples");
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|file| file.path()).collect();
    paths.sort();
    paths.iter().filter_map(|path| fs::read(path).ok()).chain(documents::made()).collect()
}

/// What is read of bytes that are to be text.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Between the parts of an input that has some.
const BETWEEN: &[u8] = b"\n----\n";

/// The parts of an input; those that are not there are empty, and what is too much belongs to the last.
fn parts<const COUNT: usize>(bytes: &[u8]) -> [&[u8]; COUNT] {
    let mut rest = Some(bytes);
    std::array::from_fn(|number| {
        let all = rest.take().unwrap_or_default();
        let place = all.windows(BETWEEN.len()).position(|window| window == BETWEEN);
        let Some(at) = place.filter(|_| number + 1 < COUNT) else { return all };
        rest = all.get(at + BETWEEN.len()..);
        &all[..at]
    })
}

fn halves(bytes: &[u8]) -> (&[u8], &[u8]) {
    let [first, second] = parts::<2>(bytes);
    (first, second)
}

fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.join(BETWEEN)
}

fn keep(holds: bool, promise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(promise.to_owned()) }
}
