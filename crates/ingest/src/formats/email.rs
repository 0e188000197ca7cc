//! E-mail messages (RFC 5322 and MIME): what the headers say, the text, and the attachments that can be read.
//!
//! Keeps true: messages and attachments within messages halve the depth that is allowed, so nesting ends; one that
//! cannot be read is a warning, never an error.

use ibid_types::Result;
use ibid_types::parsed::{Metadata, Parsed};
use ibid_types::{Error, Timestamp};
use mail_parser::{Address, DateTime, Message, MessageParser, MessagePart, MimeHeaders, PartType};

use super::{html, text};
use crate::builder::{Builder, prose};
use crate::parse::{Hint, Limits, parse_nested};

/// Attachments that are read, at most.
const ATTACHMENTS_MAX: usize = 200;

/// Errors: `document_damaged` if there is no message in the file.
pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Parsed> {
    let Some(message) = MessageParser::default().parse(bytes) else {
        let what = "the file has no e-mail message inside; save or send it again";
        return Err(Error::bad_request("document_damaged", what));
    };
    let mut out = Builder::new(limits);
    *out.metadata() = metadata(&message);
    write_message(&message, 1, limits, &mut out);
    Ok(out.finish())
}

fn metadata(message: &Message<'_>) -> Metadata {
    Metadata {
        title: message.subject().map(line).filter(|subject| !subject.is_empty()),
        author: message.from().map(people).filter(|names| !names.is_empty()),
        created: message.date().and_then(timestamp),
        ..Metadata::default()
    }
}

fn line(text: &str) -> String {
    prose(text).replace('\n', " ")
}

fn timestamp(date: &DateTime) -> Option<Timestamp> {
    date.is_valid().then(|| Timestamp(date.to_timestamp().saturating_mul(1000)))
}

/// `Ann Lee <ann@x.org>, bob@x.org`.
fn people(address: &Address<'_>) -> String {
    const PEOPLE_MAX: usize = 50;
    let person = |name: Option<&str>, address: Option<&str>| match (name, address) {
        (Some(name), Some(address)) if name != address => format!("{name} <{address}>"),
        (name, address) => name.or(address).unwrap_or_default().to_owned(),
    };
    let found: Vec<String> =
        address.iter().take(PEOPLE_MAX).map(|one| line(&person(one.name(), one.address()))).collect();
    found.join(", ")
}

fn write_message(message: &Message<'_>, level: u8, limits: &Limits, out: &mut Builder) {
    out.heading(level, message.subject().unwrap_or("Message"));
    out.paragraph(&headers(message).join("\n"));
    for part in message.text_bodies() {
        write_body(part, level, limits, out);
    }
    for part in message.attachments().take(ATTACHMENTS_MAX) {
        if out.is_full() {
            break;
        }
        write_attachment(part, level, limits, out);
    }
}

fn headers(message: &Message<'_>) -> Vec<String> {
    let lists = [("From", message.from()), ("To", message.to()), ("Cc", message.cc())];
    let mut lines: Vec<String> = lists
        .into_iter()
        .filter_map(|(name, address)| address.map(|address| format!("{name}: {}", people(address))))
        .collect();
    if let Some(date) = message.date().filter(|date| date.is_valid()) {
        lines.push(format!("Date: {}", date.to_rfc3339()));
    }
    lines
}

fn write_body(part: &MessagePart<'_>, level: u8, limits: &Limits, out: &mut Builder) {
    match &part.body {
        PartType::Text(body) => out.append(&text::parse(body, limits), level),
        PartType::Html(body) => out.append(&html::parse_text(body, limits), level),
        _ => {}
    }
}

/// An attachment under its name, if it is of a format that can be read.
fn write_attachment(part: &MessagePart<'_>, level: u8, limits: &Limits, out: &mut Builder) {
    let nested = Limits { depth_max: limits.depth_max / 2, ..limits.clone() };
    let name = part.attachment_name().map_or_else(|| "attachment".to_owned(), line);
    if nested.depth_max == 0 {
        out.warn(format!("attachment '{name}' was left out, since messages nest too deep"));
        return;
    }
    if let PartType::Message(message) = &part.body {
        return write_message(message, level + 1, &nested, out);
    }
    let media_type =
        part.content_type().map(|kind| format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or_default()));
    match parse_nested(part.contents(), &Hint { source: name.clone(), media_type }, &nested) {
        Ok(parsed) if parsed.text.trim().is_empty() => {}
        Ok(parsed) => {
            out.heading(level + 1, &format!("Attachment: {name}"));
            out.append(&parsed, level + 1);
        }
        Err(error) => out.warn(format!("attachment '{name}' was left out: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &str, expected: &str) -> Parsed {
        let parsed = parse(message.replace('\n', "\r\n").as_bytes(), &Limits::default()).unwrap();
        parsed.check().unwrap();
        assert_eq!(parsed.text, expected);
        parsed
    }

    #[test]
    fn headers_become_metadata() {
        let parsed = check(
            "From: =?utf-8?q?J=C3=BCrgen?= <j@x.org>\nTo: a@b.c\nSubject: Tea\n time\nDate: Sat, 21 Nov 2026 08:00:00 +0100\n\nAt four.\n",
            "Tea time\n\nFrom: Jürgen <j@x.org>\nTo: a@b.c\nDate: 2026-11-21T08:00:00+01:00\n\nAt four.",
        );
        let found = parsed.metadata;
        assert_eq!(
            (found.title.as_deref(), found.author.as_deref()),
            (Some("Tea time"), Some("Jürgen <j@x.org>"))
        );
        assert_eq!(found.created.unwrap().to_string(), "2026-11-21T07:00:00.000Z");
    }

    #[test]
    fn plain_text_is_preferred_and_html_is_read() {
        let alternative = "Subject: S\nContent-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n\nplain\n--b\nContent-Type: text/html\n\n<p>rich\n--b--\n";
        check(alternative, "S\n\nplain");
        check("Subject: S\nContent-Type: text/html\n\n<h1>T</h1><p>rich", "S\n\nT\n\nrich");
    }

    #[test]
    fn attachments_are_read_under_their_name() {
        let mixed = "Subject: S\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nbody\n--b\nContent-Type: text/csv\nContent-Disposition: attachment; filename=a.csv\n\nx,y\n1,2\n--b\nContent-Type: image/png\nContent-Disposition: attachment; filename=b.png\nContent-Transfer-Encoding: base64\n\niVBORw0KGgo=\n--b--\n";
        let parsed = check(mixed, "S\n\nbody\n\nAttachment: a.csv\n\nx | y\n1 | 2");
        assert_eq!(parsed.warnings.len(), 1);
    }

    #[test]
    fn forwarded_messages_nest() {
        let forwarded = "Subject: Outer\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nsee\n--b\nContent-Type: message/rfc822\n\nSubject: Inner\n\ndeep\n--b--\n";
        check(forwarded, "Outer\n\nsee\n\nInner\n\ndeep");
    }
}
