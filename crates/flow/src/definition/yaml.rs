//! YAML text as a tree in which every key and value knows its place.
//!
//! Keeps true: size, depth and aliases are bounded before anything is built, so no text makes it use much memory or
//! recurse deep; what the core schema of YAML 1.2 calls a number, a boolean or null is one, everything else is text.

use std::borrow::Cow;
use std::collections::HashMap;

use granit_parser::{Event, Marker, Parser, ScalarStyle, Span, Tag};
use serde_json::{Map, Number, Value};

use super::problem::{Place, Problems};

/// A flow of a hundred nodes is 20 kB.
const SOURCE_BYTES_MAX: usize = 1 << 20;
const DEPTH_MAX: usize = 64;
/// Values in all, those that aliases repeat counted each time.
const VALUES_MAX: usize = 200_000;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tree {
    pub place: Place,
    pub data: Data,
    /// Of a text that stands in one line as it is: columns from `place` to its first character.
    pub verbatim: Option<u32>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Data {
    Null,
    Boolean(bool),
    Number(Number),
    Text(String),
    List(Vec<Tree>),
    Map(Vec<Entry>),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub key: String,
    pub place: Place,
    pub value: Tree,
}

/// The one document of a file; `None` if it is empty, or if it cannot be read, with a problem that says why.
pub(super) fn load(source: &str, problems: &mut Problems) -> Option<Tree> {
    if source.len() > SOURCE_BYTES_MAX {
        let message = format!("the file has {} bytes; it may have {SOURCE_BYTES_MAX}", source.len());
        problems.error(Place::START, "", message);
        return None;
    }
    let options = granit_parser::options! {
        disallow_directives: true,
        flow_nesting_limit: DEPTH_MAX,
        block_nesting_limit: DEPTH_MAX,
    };
    let lines = lines_of(source);
    let mut builder =
        Builder { lines: &lines, problems, open: Vec::new(), anchors: HashMap::new(), values: 0, root: None };
    for step in Parser::new_from_str_with_options(source, options) {
        let done = match step {
            Ok((event, span)) => builder.take(event, &span),
            Err(error) => {
                let place = builder.place(error.marker());
                builder.refuse(place, &syntax_message(&error.info(), lines[place.line as usize - 1]))
            }
        };
        if done.is_err() {
            return None;
        }
    }
    builder.root
}

impl Tree {
    pub fn entries(&self) -> Option<&[Entry]> {
        match &self.data {
            Data::Map(entries) => Some(entries),
            _ => None,
        }
    }

    pub fn find(&self, key: &str) -> Option<&Entry> {
        self.entries()?.iter().find(|entry| entry.key == key)
    }

    pub fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What it is, for a message.
    pub fn noun(&self) -> &'static str {
        match &self.data {
            Data::Null => "empty",
            Data::Boolean(_) => "true or false",
            Data::Number(_) => "a number",
            Data::Text(_) => "text",
            Data::List(_) => "a list",
            Data::Map(_) => "a map of keys",
        }
    }

    pub fn to_json(&self) -> Value {
        match &self.data {
            Data::Null => Value::Null,
            Data::Boolean(value) => Value::Bool(*value),
            Data::Number(number) => Value::Number(number.clone()),
            Data::Text(text) => Value::String(text.clone()),
            Data::List(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            Data::Map(entries) => Value::Object(entries.iter().map(Entry::to_json).collect::<Map<_, _>>()),
        }
    }

    fn size(&self) -> usize {
        1 + match &self.data {
            Data::List(items) => items.iter().map(Self::size).sum(),
            Data::Map(entries) => entries.iter().map(|entry| entry.value.size()).sum::<usize>(),
            _ => 0,
        }
    }

    fn depth(&self) -> usize {
        1 + match &self.data {
            Data::List(items) => items.iter().map(Self::depth).max().unwrap_or(0),
            Data::Map(entries) => entries.iter().map(|entry| entry.value.depth()).max().unwrap_or(0),
            _ => 0,
        }
    }
}

impl Entry {
    fn to_json(&self) -> (String, Value) {
        (self.key.clone(), self.value.to_json())
    }
}

/// The reason is among the problems already.
struct Refused;

struct Builder<'s, 'p> {
    /// At least one.
    lines: &'s [&'s str],
    problems: &'p mut Problems,
    open: Vec<Open>,
    /// Finished values by anchor.
    anchors: HashMap<usize, Tree>,
    values: usize,
    root: Option<Tree>,
}

/// A list or map that is not closed yet.
struct Open {
    tree: Tree,
    anchor: usize,
    /// Of a map: the key that waits for its value.
    key: Option<(String, Place)>,
}

impl Builder<'_, '_> {
    fn take(&mut self, event: Event<'_>, span: &Span) -> Result<(), Refused> {
        let place = self.place(&span.start);
        match event {
            Event::DocumentStart(..) if self.root.is_some() => {
                self.refuse(place, "a second document begins here; write one to a file")
            }
            Event::Scalar(text, style, anchor, tag) => {
                let verbatim = verbatim(&text, style, span);
                let data = self.scalar(text, style, tag, place)?;
                self.add(Tree { place, data, verbatim }, anchor)
            }
            Event::SequenceStart(_, _, Some(tag)) | Event::MappingStart(_, _, Some(tag))
                if tag.core_suffix().is_none() =>
            {
                self.refuse(place, TAG)
            }
            Event::SequenceStart(_, anchor, _) => self.begin(Data::List(Vec::new()), anchor, place),
            Event::MappingStart(_, anchor, _) => self.begin(Data::Map(Vec::new()), anchor, place),
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => self.repeat(anchor, place),
            _ => Ok(()),
        }
    }

    fn begin(&mut self, data: Data, anchor: usize, place: Place) -> Result<(), Refused> {
        if self.waits_for_key() {
            return self.refuse(place, KEY_NOT_TEXT);
        }
        self.open.push(Open { tree: Tree { place, data, verbatim: None }, anchor, key: None });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Refused> {
        match self.open.pop() {
            Some(open) => self.add(open.tree, open.anchor),
            None => Ok(()),
        }
    }

    fn repeat(&mut self, anchor: usize, place: Place) -> Result<(), Refused> {
        let Some(tree) = self.anchors.get(&anchor) else {
            return self.refuse(place, "a value cannot hold itself; write it out instead of the alias");
        };
        let (size, depth) = (tree.size(), tree.depth());
        if self.values + size > VALUES_MAX {
            return self.refuse(place, "aliases repeat too much; write out what is needed, or take it out");
        }
        if self.open.len() + depth > DEPTH_MAX {
            return self.refuse(place, "values are nested too deep; make it flatter");
        }
        self.values += size;
        let tree = tree.clone();
        self.add(tree, 0)
    }

    fn waits_for_key(&self) -> bool {
        self.open.last().is_some_and(|open| matches!(open.tree.data, Data::Map(_)) && open.key.is_none())
    }

    /// Puts a finished value where it belongs: as a key, under a key, into a list, or as the whole.
    fn add(&mut self, tree: Tree, anchor: usize) -> Result<(), Refused> {
        self.values += 1;
        if self.values > VALUES_MAX {
            return self.refuse(tree.place, "the file holds too many values; split it");
        }
        if anchor > 0 {
            self.anchors.insert(anchor, tree.clone());
            self.values += tree.size();
        }
        if self.waits_for_key() {
            return self.add_key(tree);
        }
        match self.open.last_mut() {
            None => self.root = Some(tree),
            Some(open) => open.add(tree),
        }
        Ok(())
    }

    fn add_key(&mut self, tree: Tree) -> Result<(), Refused> {
        let place = tree.place;
        let key = match tree.data {
            Data::Text(text) => text,
            Data::Number(number) => number.to_string(),
            Data::Boolean(value) => value.to_string(),
            Data::Null => "null".to_owned(),
            Data::List(_) | Data::Map(_) => return self.refuse(place, KEY_NOT_TEXT),
        };
        if let Some(open) = self.open.last_mut() {
            open.key = Some((key, place));
        }
        Ok(())
    }

    fn scalar(
        &mut self,
        text: Cow<'_, str>,
        style: ScalarStyle,
        tag: Option<Cow<'_, Tag>>,
        place: Place,
    ) -> Result<Data, Refused> {
        let is_plain = style == ScalarStyle::Plain;
        match tag.as_deref().map(Tag::core_suffix) {
            None if is_plain => Ok(plain(&text)),
            None | Some(Some("str")) => Ok(Data::Text(text.into_owned())),
            Some(Some(_)) => Ok(plain(&text)),
            Some(None) => {
                self.refuse(place, TAG)?;
                Ok(Data::Null)
            }
        }
    }

    /// Never behind the end of the file: markers of errors may be.
    fn place(&self, marker: &Marker) -> Place {
        let line = marker.line().clamp(1, self.lines.len());
        let columns = self.lines[line - 1].chars().count() + 1;
        let column = if marker.line() > line { columns } else { (marker.col() + 1).min(columns) };
        Place { line: bounded(line), column: bounded(column) }
    }

    fn refuse(&mut self, place: Place, message: &str) -> Result<(), Refused> {
        self.problems.error(place, "", message);
        Err(Refused)
    }
}

impl Open {
    fn add(&mut self, value: Tree) {
        match &mut self.tree.data {
            Data::List(items) => items.push(value),
            Data::Map(entries) => {
                if let Some((key, place)) = self.key.take() {
                    entries.push(Entry { key, place, value });
                }
            }
            _ => {}
        }
    }
}

const TAG: &str = "tags such as `!name` mean nothing here; leave it out, or quote the text";
const KEY_NOT_TEXT: &str = "a key must be a word; if this is a template, put it in quotes: \"{{ name }}\"";

/// As YAML breaks lines: after a line feed, a carriage return, or both.
fn lines_of(source: &str) -> Vec<&str> {
    let unix = source.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    unix.flat_map(|line| line.split('\r')).collect()
}

fn bounded(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn verbatim(text: &str, style: ScalarStyle, span: &Span) -> Option<u32> {
    let quote = match style {
        ScalarStyle::Plain => 0,
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => 1,
        _ => return None,
    };
    let length = span.end.index().checked_sub(span.start.index())?;
    let is_as_written = span.start.line() == span.end.line() && length == text.chars().count() + 2 * quote;
    is_as_written.then_some(bounded(quote))
}

/// What the parser says, and the mistake that is most often behind it.
fn syntax_message(said: &str, line: &str) -> String {
    let advice = match line {
        _ if line.trim_start_matches(' ').starts_with('\t') => "; indent with spaces, not with tabs",
        _ if line.contains("{{") && !line.contains("\"{{") => "; put templates in quotes: \"{{ name }}\"",
        _ if line.matches(": ").count() > 1 => "; put a text that holds `: ` in quotes",
        _ => "; look at the indentation and quotes of this line and the one before",
    };
    format!("this is not YAML: {}{advice}", said.to_lowercase())
}

/// The core schema of YAML 1.2, section 10.3.2.
fn plain(text: &str) -> Data {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Data::Null,
        "true" | "True" | "TRUE" => Data::Boolean(true),
        "false" | "False" | "FALSE" => Data::Boolean(false),
        _ => number(text).map_or_else(|| Data::Text(text.to_owned()), Data::Number),
    }
}

fn number(text: &str) -> Option<Number> {
    if let Some(digits) = text.strip_prefix("0x") {
        return u64::from_str_radix(digits, 16).ok().map(Number::from);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return u64::from_str_radix(digits, 8).ok().map(Number::from);
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) {
        return None;
    }
    if let Ok(whole) = text.parse::<i64>() {
        return Some(Number::from(whole));
    }
    text.parse::<f64>().ok().and_then(Number::from_f64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(source: &str) -> Result<Value, String> {
        let mut problems = Problems::default();
        match load(source, &mut problems) {
            Some(tree) => Ok(tree.to_json()),
            None => Err(problems.into_sorted().first().map_or("empty".to_owned(), ToString::to_string)),
        }
    }

    #[test]
    fn plain_words_have_the_types_of_yaml_1_2() {
        let source = "[1, -2, 0x1F, 0o17, 1.5, 1e3, true, null, ~, yes, on, 1_000, 2026-11-21, '1', !!str 2]";
        let expected = json!([
            1,
            -2,
            31,
            15,
            1.5,
            1000.0,
            true,
            null,
            null,
            "yes",
            "on",
            "1_000",
            "2026-11-21",
            "1",
            "2"
        ]);
        assert_eq!(read(source), Ok(expected));
    }

    #[test]
    fn aliases_repeat_and_know_their_own_place() {
        assert_eq!(read("a: &x {b: [1]}\nc: *x"), Ok(json!({"a": {"b": [1]}, "c": {"b": [1]}})));
    }

    #[test]
    fn keys_that_are_not_text_are_read_as_written() {
        assert_eq!(read("1: a\ntrue: b"), Ok(json!({"1": "a", "true": "b"})));
    }

    #[test]
    fn an_unquoted_template_is_explained() {
        assert!(read("with: {{ question }}").unwrap_err().contains("put it in quotes"));
        assert!(read("with:\n  a: {{ x }} and\n").unwrap_err().contains("in quotes"));
    }

    #[test]
    fn places_count_characters_from_one() {
        let tree = load("ä: {ö: x}", &mut Problems::default()).unwrap();
        let inner = tree.find("ä").unwrap().value.find("ö").unwrap();
        assert_eq!((inner.place.column, inner.value.place.column), (5, 8));
    }

    #[test]
    fn a_billion_laughs_are_refused() {
        let mut source = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let before = format!("*a{}", level - 1);
            source += &format!("a{level}: &a{level} [{}]\n", [before.as_str(); 9].join(", "));
        }
        assert!(read(&source).unwrap_err().contains("aliases repeat too much"));
    }

    #[test]
    fn deep_nesting_is_refused_however_it_is_made() {
        assert!(read(&"[".repeat(5000)).is_err());
        assert!(read(&"- ".repeat(5000)).is_err());
        let mut source = "a0: &a0 [x]\n".to_owned();
        for level in 1..80 {
            source += &format!("a{level}: &a{level} [*a{}]\n", level - 1);
        }
        assert!(read(&source).unwrap_err().contains("nested too deep"));
    }

    #[test]
    fn what_is_no_single_document_is_refused() {
        assert!(read("").unwrap_err().contains("empty"));
        assert!(read("a: 1\n---\nb: 2").unwrap_err().starts_with("2:1"));
        assert!(read("a: !thing 1").unwrap_err().contains("tags"));
        assert!(read("a: *gone").is_err());
        assert!(read("a: &x [*x]").is_err());
        assert!(read(&"x".repeat(SOURCE_BYTES_MAX + 1)).unwrap_err().contains("bytes"));
    }
}
