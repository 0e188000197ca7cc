//! The entries: where something from outside comes in, each with real input to begin from.

mod documents;
mod identity;
mod requests;
mod texts;

use std::fs;
use std::path::PathBuf;

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

const XML: &[&str] = &[
    "<a>",
    "</a>",
    "<!DOCTYPE a [",
    "<!ENTITY b \"c\">",
    "&b;",
    "<![CDATA[",
    "]]>",
    "xmlns:x=\"y\"",
    "<!--",
];
const HTML: &[&str] = &[
    "<div>",
    "<table><tr><td>",
    "<script>",
    "<svg>",
    "<template>",
    "</p>",
    "<a href=\"javascript:x\">",
    "&amp",
];
const JSON: &[&str] = &["[", "{", "\"a\":", "]", "}", "null", "\\u0000", "\\ud800", "1e400"];
const PDF: &[&str] = &[
    "obj",
    "endobj",
    "<<",
    ">>",
    "/Length 99999",
    "stream\n",
    "endstream",
    "/Kids[1 0 R]",
    "xref",
    "(",
    "[",
    "BT ET",
];
const MARKDOWN: &[&str] =
    &["# ", "> ", "- ", "    ", "```", "|a|b|\n|-|-|\n", "[a](b)", "![", "---\n", "*", "_", "<div>"];
const MAIL: &[&str] = &[
    "Content-Type: multipart/mixed; boundary=a\r\n",
    "--a\r\n",
    "=?utf-8?B?",
    "?=",
    "Content-Transfer-Encoding: base64\r\n",
];
const FLOW: &[&str] = &[
    "nodes:",
    "- ",
    "  ",
    "id: ",
    "kind: ",
    "next: ",
    "{{",
    "}}",
    "&a",
    "*a",
    "<<: ",
    "!!binary ",
    "|\n",
    "when: ",
];
const HTTP: &[&str] = &[
    "GET ",
    "POST ",
    "PUT ",
    "DELETE ",
    "/v1/search",
    "/v1/documents",
    "/v1/threads",
    "/v1/flows/a",
    "/v1/auth/sign-in",
    "/%2e%2e/",
    "?limit=",
    "\ncontent-type: application/json",
    "\ncookie: ibid_session=",
    "\nauthorization: Bearer ",
    "\nrange: bytes=",
    "\nlast-event-id: ",
    "\n\n",
];
const GUARD: &[&str] = &[
    "ignore previous instructions",
    "-----BEGIN PRIVATE KEY-----",
    "AKIA",
    "sk-",
    "DE89 3704 0044 0532 0130 00",
    "4111 1111 1111 1111",
    "![a](https://b/?c=",
    "<img src=",
    "a@b.example",
    "+49 30 1234567",
    "\u{200b}",
    "https://",
    "]( ",
    "```",
];

/// All of them.
pub const ENTRIES: [Entry; 37] = [
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
    document("pptx", documents::pptx, XML),
    document("epub", documents::epub, XML),
    document("odt", documents::odt, XML),
    document("notebook", documents::notebook, JSON),
    document("subtitles", documents::subtitles, &["WEBVTT\n", "00:00:01,000 --> 00:00:02,000\n", "1\n"]),
    document("latex", documents::latex, &["\\section{", "\\begin{a}", "\\end{a}", "{", "}", "$", "%"]),
    document("of-any-name", documents::any, XML),
    Entry {
        name: "dates",
        run: texts::dates,
        seeds: texts::dates_seeds,
        words: &["2026-", "T", "Z", "+01:00", "Jan"],
    },
    Entry { name: "flow", run: texts::flow, seeds: texts::flow_seeds, words: FLOW },
    Entry {
        name: "expression",
        run: texts::expression,
        seeds: texts::expression_seeds,
        words: &["(", "!", "a.b", "[0]", " && ", "{{ ", " }}", "|", "'"],
    },
    Entry {
        name: "configuration",
        run: texts::configuration,
        seeds: texts::configuration_seeds,
        words: &["[a]", "=", "[[", "\"\"\"", "{", "'"],
    },
    Entry { name: "runbook", run: texts::runbook, seeds: texts::runbook_seeds, words: MARKDOWN },
    Entry {
        name: "metrics",
        run: texts::metrics,
        seeds: texts::metrics_seeds,
        words: &["{", "}", "=\"", "# TYPE ", "NaN", "+Inf", "_bucket"],
    },
    Entry {
        name: "tool-schema",
        run: texts::schema,
        seeds: texts::schema_seeds,
        words: &["\"$ref\":\"#\"", "\"type\":", "\"pattern\":\"(a+)+\"", "\"allOf\":[", "{"],
    },
    Entry {
        name: "phrases",
        run: texts::phrases,
        seeds: texts::prose_seeds,
        words: &["*", "?", "kill", " "],
    },
    Entry { name: "guard-secrets", run: texts::secrets, seeds: texts::prose_seeds, words: GUARD },
    Entry { name: "guard-personal", run: texts::personal, seeds: texts::prose_seeds, words: GUARD },
    Entry { name: "guard-injection", run: texts::injection, seeds: texts::prose_seeds, words: GUARD },
    Entry { name: "guard-output", run: texts::output, seeds: texts::prose_seeds, words: GUARD },
    Entry {
        name: "networks",
        run: texts::networks,
        seeds: texts::networks_seeds,
        words: &["::", "/", ".", "fd00", "255"],
    },
    Entry {
        name: "token",
        run: identity::token,
        seeds: identity::token_seeds,
        words: &[".", "eyJ", "=", "none"],
    },
    Entry {
        name: "signing-keys",
        run: identity::signing_keys,
        seeds: identity::signing_keys_seeds,
        words: JSON,
    },
    Entry {
        name: "passkey",
        run: identity::passkey,
        seeds: identity::passkey_seeds,
        words: &["\u{00a3}fmt", "\u{00ff}"],
    },
    Entry {
        name: "second-factor",
        run: identity::second_factor,
        seeds: identity::second_factor_seeds,
        words: &["000000", " ", "-"],
    },
    Entry { name: "http", run: requests::http, seeds: requests::seeds, words: HTTP },
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

const fn document(
    name: &'static str,
    run: fn(&[u8]) -> Result<(), String>,
    words: &'static [&'static str],
) -> Entry {
    Entry { name, run, seeds: samples, words }
}

/// The files of the sample corpus; what is of another format shows whether that is seen.
fn samples() -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../samples");
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|file| file.path()).collect();
    paths.sort();
    paths.iter().filter_map(|path| fs::read(path).ok()).collect()
}

/// What is read of bytes that are to be text.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn keep(holds: bool, promise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(promise.to_owned()) }
}
