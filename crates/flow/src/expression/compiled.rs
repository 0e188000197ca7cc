//! Expressions that have been read once, kept for the life of the process.
//!
//! Keeps true: the cache never holds more than `CACHED_MAX` entries. A hit costs a read lock and one hash.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, LazyLock};

use ibid_types::Result;
use minijinja::{Environment, Expression};
use parking_lot::RwLock;
use serde_json::Value;

use super::{Malformed, Scope, dialect, malformed, value};

/// Longest expression or template, in bytes: a long prompt, not a book.
const SOURCE_BYTES_MAX: usize = 64 << 10;
/// Longest rendered text, in bytes.
pub(super) const TEXT_BYTES_MAX: usize = 4 << 20;
/// A flow has some dozens; when there are more than this the cache begins anew.
const CACHED_MAX: usize = 4096;

/// How a text is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Form {
    Expression,
    Text,
}

pub(super) struct Compiled {
    body: Body,
    /// What it wants from its scope.
    pub names: Vec<String>,
}

enum Body {
    /// A name and the fields that lead on from it: given as it is, whatever its size.
    Path(Vec<String>, Expression<'static, 'static>),
    Expression(Expression<'static, 'static>),
    /// With one template, `""`.
    Text(Environment<'static>),
}

impl Compiled {
    pub fn expression(source: &str) -> Result<Self, Malformed> {
        check_length(source)?;
        dialect::check_words(source, 0)?;
        let compiled = dialect::environment().compile_expression_owned(source.to_owned());
        let compiled = compiled.map_err(|error| syntax(&error, 0))?;
        let names = names(compiled.undeclared_variables(false));
        let body = match path(source, &names) {
            Some(path) => Body::Path(path, compiled),
            None => Body::Expression(compiled),
        };
        Ok(Self { body, names })
    }

    /// A text that is exactly one expression in braces is that expression.
    pub fn text(source: &str) -> Result<Self, Malformed> {
        check_length(source)?;
        if let Some((offset, inner)) = dialect::whole(source)
            && dialect::check_words(inner, offset).is_ok()
            && dialect::environment().compile_expression(inner).is_ok()
        {
            return Self::expression(inner).map_err(|problem| moved(problem, offset));
        }
        dialect::check_text(source)?;
        let mut environment = dialect::environment().clone();
        environment.add_template_owned("", source.to_owned()).map_err(|error| syntax(&error, 0))?;
        let wanted = environment.get_template("").map(|template| template.undeclared_variables(false));
        let names = names(wanted.map_err(|error| syntax(&error, 0))?);
        Ok(Self { body: Body::Text(environment), names })
    }

    pub fn value(&self, scope: &Scope<'_>) -> Result<Value, String> {
        match &self.body {
            Body::Path(path, expression) => match found(path, scope) {
                Some(value) => Ok(value.clone()),
                None => value::to_json(&self.evaluate(expression, scope)?),
            },
            Body::Expression(expression) => value::to_json(&self.evaluate(expression, scope)?),
            Body::Text(environment) => self.rendered(environment, scope).map(Value::String),
        }
    }

    pub fn truth(&self, scope: &Scope<'_>) -> Result<bool, String> {
        match &self.body {
            Body::Path(_, expression) | Body::Expression(expression) => {
                let result = self.evaluate(expression, scope)?;
                if result.is_undefined() { Err(value::UNDEFINED.to_owned()) } else { Ok(result.is_true()) }
            }
            Body::Text(environment) => self.rendered(environment, scope).map(|text| !text.is_empty()),
        }
    }

    fn evaluate(
        &self,
        expression: &Expression<'static, 'static>,
        scope: &Scope<'_>,
    ) -> Result<minijinja::Value, String> {
        expression.eval(self.context(scope)).map_err(|error| reason(&error))
    }

    fn rendered(&self, environment: &Environment<'static>, scope: &Scope<'_>) -> Result<String, String> {
        let mut text = Limited(Vec::new());
        let template = environment.get_template("").map_err(|error| reason(&error))?;
        template.render_captured_to(self.context(scope), &mut text).map_err(|error| reason(&error))?;
        String::from_utf8(text.0).map_err(|_| "it gave bytes that are no text".to_owned())
    }

    /// Only what is wanted is converted: a scope may hold much else.
    fn context(&self, scope: &Scope<'_>) -> minijinja::Value {
        let found = self.names.iter().filter_map(|name| Some((name.as_str(), scope.find(name)?)));
        minijinja::Value::from_pairs(found.map(|(name, found)| (name, value::from_json(found))))
    }
}

/// The compiled form of a text, from the cache if it was used before.
pub(super) fn cached(form: Form, source: &str) -> Result<Arc<Compiled>> {
    static EXPRESSIONS: LazyLock<RwLock<Cache>> = LazyLock::new(RwLock::default);
    static TEXTS: LazyLock<RwLock<Cache>> = LazyLock::new(RwLock::default);
    let cache = match form {
        Form::Expression => &EXPRESSIONS,
        Form::Text => &TEXTS,
    };
    if let Some(found) = cache.read().get(source) {
        return Ok(found.clone());
    }
    let compiled = match form {
        Form::Expression => Compiled::expression(source),
        Form::Text => Compiled::text(source),
    };
    let compiled = Arc::new(compiled.map_err(|problem| malformed(source, &problem))?);
    let mut cache = cache.write();
    if cache.len() >= CACHED_MAX {
        cache.clear();
    }
    cache.insert(source.into(), compiled.clone());
    Ok(compiled)
}

type Cache = HashMap<Box<str>, Arc<Compiled>>;

fn check_length(source: &str) -> Result<(), Malformed> {
    if source.len() <= SOURCE_BYTES_MAX {
        return Ok(());
    }
    let message = format!("it has {} bytes; {SOURCE_BYTES_MAX} are allowed", source.len());
    Err(Malformed { offset: SOURCE_BYTES_MAX, message })
}

/// The steps of an expression that is nothing but a name with fields, such as `output.hits`.
fn path(source: &str, names: &[String]) -> Option<Vec<String>> {
    let is_word = |word: &str| {
        word.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let steps: Vec<String> = source.trim().split('.').map(str::to_owned).collect();
    // `true` and its like are words and no names.
    let begins_with_a_name = names.len() == 1 && steps.first() == names.first();
    (begins_with_a_name && steps.iter().all(|step| is_word(step))).then_some(steps)
}

/// What stands at the end of a path, if all of it is there.
fn found<'a>(path: &[String], scope: &Scope<'a>) -> Option<&'a Value> {
    let (first, fields) = path.split_first()?;
    fields.iter().try_fold(scope.find(first)?, |value, field| value.get(field))
}

fn names(wanted: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> = wanted.into_iter().filter(|name| !dialect::is_function(name)).collect();
    names.sort();
    names
}

fn syntax(error: &minijinja::Error, offset: usize) -> Malformed {
    let at = error.range().map_or(0, |range| range.start);
    Malformed { offset: offset + at, message: reason(error) }
}

fn moved(problem: Malformed, by: usize) -> Malformed {
    Malformed { offset: problem.offset + by, ..problem }
}

/// The words of an error, without the place, which has a field of its own.
fn reason(error: &minijinja::Error) -> String {
    match error.detail() {
        Some(detail) => detail.to_owned(),
        None => error.kind().to_string(),
    }
}

/// Takes as many bytes as a text may have.
struct Limited(Vec<u8>);

impl io::Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > TEXT_BYTES_MAX {
            return Err(io::Error::other(format!("the text is longer than {TEXT_BYTES_MAX} bytes")));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
