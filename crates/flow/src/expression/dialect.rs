//! Which part of Jinja flows speak: filters, tests and statements by an allow list.
//!
//! Keeps true: no statement can name a value (`set`, `macro`, …), so what an expression builds is bounded by its own
//! length times its inputs; filters that multiply (`replace`, `join`, `list`) have a bound of their own.

use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Rest, ValueKind, ValueOrKwargs};
use minijinja::{
    Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value, escape_formatter, filters,
    functions, tests,
};

use super::Malformed;
use super::compiled::TEXT_BYTES_MAX;

/// Instructions of one evaluation: some hundred times what a long prompt needs, a few milliseconds.
const FUEL: u64 = 100_000;
/// Words and signs of one expression; a chain of operators is a tree as deep as it is long.
const TOKENS_MAX: usize = 600;
/// Longest list that a filter takes.
const ITEMS_MAX: usize = 100_000;

const FUNCTIONS: [&str; 1] = ["range"];
const STATEMENTS: [&str; 6] = ["if", "elif", "else", "endif", "for", "endfor"];

pub(super) fn environment() -> &'static Environment<'static> {
    static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(build);
    &ENVIRONMENT
}

pub(super) fn is_function(name: &str) -> bool {
    FUNCTIONS.contains(&name)
}

/// Whether a text has nothing to fill in.
pub(super) fn is_plain(text: &str) -> bool {
    !text.bytes().zip(text.bytes().skip(1)).any(|pair| matches!(pair, (b'{', b'{' | b'%' | b'#')))
}

/// The inside of a text that may be exactly one expression in braces, and where it begins.
pub(super) fn whole(text: &str) -> Option<(usize, &str)> {
    let inner = text.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    let before = text.len() - text.trim_start().len();
    Some((before + 2, inner))
}

/// Looks for statements and words that flows do not have.
pub(super) fn check_text(text: &str) -> Result<(), Malformed> {
    let mut at = 0;
    while let Some(begin) = text[at..].find('{').map(|found| at + found) {
        let close = match text.as_bytes().get(begin + 1) {
            Some(b'{') => "}}",
            Some(b'%') => "%}",
            _ => {
                at = begin + 1;
                continue;
            }
        };
        let inner = begin + 2;
        let end = text[inner..].find(close).map_or(text.len(), |found| inner + found);
        if close == "%}" {
            check_statement(&text[inner..end], inner)?;
        }
        check_words(&text[inner..end], inner)?;
        at = end;
    }
    Ok(())
}

fn check_statement(inside: &str, offset: usize) -> Result<(), Malformed> {
    let mut words = inside.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    let word = words.find(|word| !word.is_empty()).unwrap_or_default();
    if !STATEMENTS.contains(&word) {
        return Err(unknown("statement", word, offset, &STATEMENTS));
    }
    match words.any(|word| word == "recursive") {
        true => Err(Malformed { offset, message: "loops cannot be recursive".to_owned() }),
        false => Ok(()),
    }
}

/// Looks for filters, tests and methods that flows do not have, which would else be found out only at run time.
pub(super) fn check_words(inside: &str, offset: usize) -> Result<(), Malformed> {
    let mut before = "";
    for (count, (at, token)) in tokens(inside).enumerate() {
        if count >= TOKENS_MAX {
            let message =
                format!("an expression has at most {TOKENS_MAX} words and signs; use several nodes");
            return Err(Malformed { offset: offset + at, message });
        }
        let is_word = token.starts_with(|letter: char| letter.is_alphabetic() || letter == '_');
        if before == "|" && is_word && !FILTERS.iter().any(|(name, _)| *name == token) {
            return Err(unknown("filter", token, offset + at, &FILTERS.each_ref().map(|(name, _)| *name)));
        }
        if before == "is" && is_word && token != "not" && !TESTS.iter().any(|(name, _)| *name == token) {
            return Err(unknown("test", token, offset + at, &TESTS.each_ref().map(|(name, _)| *name)));
        }
        let stays = before == "is" && token == "not";
        before = if stays { before } else { token };
    }
    Ok(())
}

fn unknown(what: &str, word: &str, offset: usize, known: &[&str]) -> Malformed {
    Malformed { offset, message: format!("there is no {what} '{word}'; there are {}", known.join(", ")) }
}

/// Words and signs with their places; texts in quotes and white space left out.
fn tokens(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = &text[at..];
            let first = rest.chars().next()?;
            let begin = at;
            at += token_bytes(rest, first);
            if !first.is_whitespace() && !matches!(first, '"' | '\'') {
                return Some((begin, &text[begin..at]));
            }
        }
    })
}

fn token_bytes(rest: &str, first: char) -> usize {
    if matches!(first, '"' | '\'') {
        return quoted_bytes(rest, first);
    }
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    if is_part(first) {
        return rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
    }
    first.len_utf8()
}

fn quoted_bytes(rest: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, letter) in rest.char_indices().skip(1) {
        if letter == quote && !is_escaped {
            return at + 1;
        }
        is_escaped = letter == '\\' && !is_escaped;
    }
    rest.len()
}

fn build() -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_debug(false);
    if let Ok(syntax) = SyntaxConfig::builder().keep_trailing_newline(true).build() {
        environment.set_syntax(syntax);
    }
    environment.set_formatter(write);
    environment.add_function("range", functions::range);
    for (name, filter) in &FILTERS {
        let filter = filter();
        environment.add_filter(*name, move |state: &mut State, value: Value, more: Rest<ValueOrKwargs>| {
            bounded(&filter, state, value, more.into_values())
        });
    }
    for (name, test) in &TESTS {
        let test = test();
        environment.add_test(*name, move |state: &mut State, value: Value, more: Rest<ValueOrKwargs>| {
            bounded(&test, state, value, more.into_values()).map(|result| result.is_true())
        });
    }
    environment
}

fn bounded(function: &Value, state: &mut State, value: Value, more: Vec<Value>) -> Result<Value, Error> {
    let is_list = matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable);
    if is_list && value.len().is_some_and(|items| items > ITEMS_MAX) {
        return Err(refused(format!("lists in expressions have at most {ITEMS_MAX} items")));
    }
    let mut arguments = Vec::with_capacity(1 + more.len());
    arguments.push(value);
    arguments.extend(more);
    function.call(state, &arguments)
}

/// Texts as they are, nothing for null, lists and objects as JSON.
fn write(output: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    match value.kind() {
        ValueKind::None => Ok(()),
        ValueKind::Seq | ValueKind::Iterable | ValueKind::Map => {
            output.write_str(&to_json(value)?).map_err(Error::from)
        }
        _ => escape_formatter(output, state, value),
    }
}

fn to_json(value: &Value) -> Result<String, Error> {
    super::value::to_json(value).map(|json| json.to_string()).map_err(refused)
}

fn join(value: Value, joiner: Option<String>) -> Result<String, Error> {
    let joiner = joiner.unwrap_or_default();
    let mut text = String::new();
    for (at, item) in value.try_iter()?.enumerate() {
        if at > 0 {
            text.push_str(&joiner);
        }
        match item.as_str() {
            Some(item) => text.push_str(item),
            None => text.push_str(&item.to_string()),
        }
        check_bytes(text.len())?;
    }
    Ok(text)
}

fn replace(text: String, from: String, to: String) -> Result<String, Error> {
    let found = text.matches(&from).count();
    check_bytes(text.len().saturating_add(found.saturating_mul(to.len())))?;
    Ok(text.replace(&from, &to))
}

fn check_bytes(bytes: usize) -> Result<(), Error> {
    if bytes <= TEXT_BYTES_MAX {
        return Ok(());
    }
    Err(refused(format!("texts in expressions have at most {TEXT_BYTES_MAX} bytes")))
}

fn refused(why: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, why)
}

type Named = (&'static str, fn() -> Value);

/// In the order of names, as messages list them.
const FILTERS: [Named; 39] = [
    ("abs", || Value::from_function(filters::abs)),
    ("batch", || Value::from_function(filters::batch)),
    ("bool", || Value::from_function(filters::bool)),
    ("capitalize", || Value::from_function(filters::capitalize)),
    ("count", || Value::from_function(filters::length)),
    ("default", || Value::from_function(filters::default)),
    ("dictsort", || Value::from_function(filters::dictsort)),
    ("first", || Value::from_function(filters::first)),
    ("float", || Value::from_function(filters::float)),
    ("groupby", || Value::from_function(filters::groupby)),
    ("int", || Value::from_function(filters::int)),
    ("items", || Value::from_function(filters::items)),
    ("join", || Value::from_function(join)),
    ("last", || Value::from_function(filters::last)),
    ("length", || Value::from_function(filters::length)),
    ("lines", || Value::from_function(filters::lines)),
    ("list", || Value::from_function(filters::list)),
    ("lower", || Value::from_function(filters::lower)),
    ("map", || Value::from_function(filters::map)),
    ("max", || Value::from_function(filters::max)),
    ("min", || Value::from_function(filters::min)),
    ("reject", || Value::from_function(filters::reject)),
    ("rejectattr", || Value::from_function(filters::rejectattr)),
    ("replace", || Value::from_function(replace)),
    ("reverse", || Value::from_function(filters::reverse)),
    ("round", || Value::from_function(filters::round)),
    ("select", || Value::from_function(filters::select)),
    ("selectattr", || Value::from_function(filters::selectattr)),
    ("sort", || Value::from_function(filters::sort)),
    ("split", || Value::from_function(filters::split)),
    ("string", || Value::from_function(filters::string)),
    ("sum", || Value::from_function(filters::sum)),
    ("title", || Value::from_function(filters::title)),
    ("tojson", || Value::from_function(|value: Value| to_json(&value))),
    ("trim", || Value::from_function(filters::trim)),
    ("unique", || Value::from_function(filters::unique)),
    ("upper", || Value::from_function(filters::upper)),
    ("attr", || Value::from_function(filters::attr)),
    ("d", || Value::from_function(filters::default)),
];

const TESTS: [Named; 26] = [
    ("boolean", || Value::from_function(tests::is_boolean)),
    ("defined", || Value::from_function(tests::is_defined)),
    ("divisibleby", || Value::from_function(tests::is_divisibleby)),
    ("endingwith", || Value::from_function(tests::is_endingwith)),
    ("eq", || Value::from_function(tests::is_eq)),
    ("even", || Value::from_function(tests::is_even)),
    ("false", || Value::from_function(tests::is_false)),
    ("float", || Value::from_function(tests::is_float)),
    ("ge", || Value::from_function(tests::is_ge)),
    ("gt", || Value::from_function(tests::is_gt)),
    ("in", || Value::from_function(tests::is_in)),
    ("integer", || Value::from_function(tests::is_integer)),
    ("iterable", || Value::from_function(tests::is_iterable)),
    ("le", || Value::from_function(tests::is_le)),
    ("lt", || Value::from_function(tests::is_lt)),
    ("mapping", || Value::from_function(tests::is_mapping)),
    ("ne", || Value::from_function(tests::is_ne)),
    ("none", || Value::from_function(tests::is_none)),
    ("number", || Value::from_function(tests::is_number)),
    ("odd", || Value::from_function(tests::is_odd)),
    ("sequence", || Value::from_function(tests::is_sequence)),
    ("startingwith", || Value::from_function(tests::is_startingwith)),
    ("string", || Value::from_function(tests::is_string)),
    ("true", || Value::from_function(tests::is_true)),
    ("undefined", || Value::from_function(tests::is_undefined)),
    ("lower", || Value::from_function(tests::is_lower)),
];
