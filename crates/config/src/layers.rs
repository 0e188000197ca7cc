//! Layers of TOML, merged leaf by leaf, with the origin of each leaf kept.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use ibid_types::{Error, Result};
use toml::{Table, Value};

use crate::secret_files::{LISTS, SUFFIX, is_secret};
use crate::{Config, DEFAULTS, secret_files};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Default,
    File(PathBuf),
    Environment(String),
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Environment(name) => write!(f, "${name}"),
            Self::Flag => f.write_str("flag"),
        }
    }
}

/// Each setting as text, with where it came from.
pub type Shown = BTreeMap<String, (String, Origin)>;

/// The merged tree while it is built: add layers from the weakest to the strongest, then `finish`.
#[derive(Clone, Debug)]
pub struct Layers {
    leaves: BTreeMap<String, (Value, Origin)>,
    problems: Vec<String>,
}

impl Layers {
    /// The compiled-in defaults.
    pub fn defaults() -> Result<Self> {
        let table: Table = DEFAULTS.parse().map_err(|error| {
            Error::internal("config_defaults", "the built-in defaults cannot be read").caused_by(error)
        })?;
        let mut leaves = BTreeMap::new();
        flatten("", &table, &mut |key, value| {
            leaves.insert(key, (value.clone(), Origin::Default));
        });
        Ok(Self { leaves, problems: Vec::new() })
    }

    /// Lays a TOML file over what is there.
    pub fn file(&mut self, path: &Path) -> Result<()> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Error::bad_request(
                "config_unreadable",
                format!("cannot read the configuration {}", path.display()),
            )
            .caused_by(error)
        })?;
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            Error::bad_request("config_malformed", format!("{} is not valid TOML", path.display()))
                .caused_by(error.to_string().trim().to_owned())
        })?;
        let mut leaves = Vec::new();
        flatten("", &table, &mut |key, value| leaves.push((key, value.clone())));
        for (key, value) in leaves {
            self.set(&key, value, Origin::File(path.to_owned()));
        }
        Ok(())
    }

    /// Lays environment variables over what is there: `IBID_SERVER_ADDRESS` is `server.address`.
    pub fn environment(&mut self, variables: impl IntoIterator<Item = (String, String)>) {
        let files = self.leaves.keys().filter(|key| is_secret(key)).map(|key| format!("{key}{SUFFIX}"));
        let keys: BTreeMap<String, String> =
            self.leaves.keys().cloned().chain(files).map(|key| (variable_of(&key), key)).collect();
        for (name, text) in variables {
            if let Some(key) = keys.get(&name) {
                self.set_text(key, &text, Origin::Environment(name));
            }
        }
    }

    /// Lays one `KEY=VALUE` from the command line over what is there.
    pub fn flag(&mut self, assignment: &str) {
        match assignment.split_once('=') {
            Some((key, text)) => self.set_text(key.trim(), text.trim(), Origin::Flag),
            None => self
                .problems
                .push(format!("--set {assignment}: write KEY=VALUE, such as server.address=127.0.0.1:9000")),
        }
    }

    /// The typed tree, or every problem there is.
    pub fn finish(self) -> Result<(Config, Shown)> {
        let mut problems = self.problems;
        let mut table = Table::new();
        for (key, (value, _)) in &self.leaves {
            insert(&mut table, key, value.clone());
        }
        let config = match Config::deserialize_table(table) {
            Ok(config) => {
                problems.extend(config.problems().into_iter().map(|(key, what)| {
                    let at = key.split('[').next().unwrap_or(&key);
                    let origin = self.leaves.get(at).map_or(Origin::Default, |(_, origin)| origin.clone());
                    format!("{key} (from {origin}): {what}")
                }));
                Some(config)
            }
            Err(what) => {
                if problems.is_empty() {
                    problems.push(what);
                }
                None
            }
        };
        match config {
            Some(mut config) if problems.is_empty() => {
                let shown = shown(self.leaves);
                config.written = written(&shown);
                Ok((config, shown))
            }
            _ => Err(Error::bad_request(
                "config_invalid",
                format!("the configuration has problems:\n  {}", problems.join("\n  ")),
            )),
        }
    }

    /// A value given as text is read as the type that the default has.
    fn set_text(&mut self, key: &str, text: &str, origin: Origin) {
        let value = match self.leaves.get(key).map(|(value, _)| value) {
            Some(Value::Integer(_)) => text.parse().ok().map(Value::Integer),
            Some(Value::Boolean(_)) => text.parse().ok().map(Value::Boolean),
            Some(Value::Float(_)) => text.parse().ok().map(Value::Float),
            Some(Value::Array(_)) => {
                format!("v = {text}").parse::<Table>().ok().and_then(|mut t| t.remove("v"))
            }
            _ => Some(Value::String(text.to_owned())),
        };
        match value {
            Some(value) => self.set(key, value, origin),
            None => {
                self.problems.push(format!("{key} (from {origin}): '{text}' is not {}", self.kind_of(key)))
            }
        }
    }

    fn set(&mut self, key: &str, mut value: Value, origin: Origin) {
        let secret = key.strip_suffix(SUFFIX).filter(|own| is_secret(own) && self.leaves.contains_key(*own));
        if let (Some(own), Some(file)) = (secret, value.as_str()) {
            match secret_files::read(file) {
                Ok(held) => self.set(own, Value::String(held), origin),
                Err(why) => self.problems.push(format!("{key} (from {origin}): {why}")),
            }
            return;
        }
        if LISTS.contains(&key) {
            let wrong = secret_files::fill(&mut value);
            self.problems.extend(wrong.into_iter().map(|why| format!("{key} (from {origin}): {why}")));
        }
        let Some((old, _)) = self.leaves.get(key) else {
            let near = self.nearest(key).map_or(String::new(), |near| format!("; did you mean {near}?"));
            self.problems.push(format!("{key} (from {origin}): there is no such setting{near}"));
            return;
        };
        if std::mem::discriminant(old) != std::mem::discriminant(&value) {
            self.problems.push(format!("{key} (from {origin}): {value} is not {}", self.kind_of(key)));
            return;
        }
        self.leaves.insert(key.to_owned(), (value, origin));
    }

    fn kind_of(&self, key: &str) -> &'static str {
        match self.leaves.get(key).map(|(value, _)| value) {
            Some(Value::Integer(_)) => "a whole number",
            Some(Value::Boolean(_)) => "true or false",
            Some(Value::Float(_)) => "a number",
            Some(Value::Array(_)) => "a list",
            _ => "a text in quotes",
        }
    }

    /// The known key that shares its last part, or the longest beginning, with an unknown one.
    fn nearest(&self, key: &str) -> Option<&str> {
        let last = key.rsplit('.').next()?;
        let same_last = self.leaves.keys().find(|known| known.rsplit('.').next() == Some(last));
        let shared = |known: &&String| known.bytes().zip(key.bytes()).take_while(|(a, b)| a == b).count();
        let best =
            same_last.or_else(|| self.leaves.keys().max_by_key(shared).filter(|known| shared(known) >= 4));
        best.map(String::as_str)
    }
}

impl Config {
    fn deserialize_table(table: Table) -> Result<Self, String> {
        serde_path_to_error::deserialize(Value::Table(table)).map_err(|error| {
            let key = error.path().to_string();
            format!("{key}: {}", error.inner().message())
        })
    }
}

/// `server.request_bytes_max` is `IBID_SERVER_REQUEST_BYTES_MAX`.
fn variable_of(key: &str) -> String {
    format!("IBID_{}", key.to_ascii_uppercase().replace('.', "_"))
}

fn flatten(prefix: &str, table: &Table, leaf: &mut dyn FnMut(String, &Value)) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            Value::Table(inner) => flatten(&key, inner, leaf),
            _ => leaf(key, value),
        }
    }
}

fn insert(table: &mut Table, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            table.insert(key.to_owned(), value);
        }
        Some((head, rest)) => {
            let inner = table.entry(head).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

/// Values as text for `ibid config show`; what is secret stays hidden.
fn shown(leaves: BTreeMap<String, (Value, Origin)>) -> Shown {
    let text = |key: &str, value: &Value| {
        let is_one = is_secret(key) && value.as_str().is_some_and(|text| !text.is_empty());
        let is_list = LISTS.contains(&key) || key == "telemetry.otlp_headers";
        if is_one || is_list && value.as_array().is_some_and(|list| !list.is_empty()) {
            return "[set]".to_owned();
        }
        value.to_string()
    };
    leaves.into_iter().map(|(key, (value, origin))| (key.clone(), (text(&key, &value), origin))).collect()
}

/// What differs from the defaults, as TOML.
fn written(shown: &Shown) -> String {
    let mut text = String::new();
    for (key, (value, origin)) in shown.iter().filter(|(_, (_, origin))| *origin != Origin::Default) {
        let line = match value.as_str() {
            "[set]" => format!("# {key}: set, and not written down here ({origin})\n"),
            value => format!("{key} = {value}\n"),
        };
        text.push_str(&line);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn problems(file: &str, environment: &[(&str, &str)], flags: &[&str], expected: Expect) {
        let mut layers = Layers::defaults().unwrap();
        let dir = std::env::temp_dir().join(format!("ibid-config-{}-{:p}", std::process::id(), file));
        std::fs::write(&dir, file).unwrap();
        layers.file(&dir).unwrap();
        layers.environment(environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
        flags.iter().for_each(|flag| layers.flag(flag));
        let text = layers.finish().map_or_else(|error| error.message, |_| "fine".to_owned());
        expected.assert_eq(&text.replace(&dir.display().to_string(), "FILE"));
        std::fs::remove_file(&dir).unwrap();
    }

    #[test]
    fn the_defaults_are_valid() {
        problems("", &[], &[], expect!["fine"]);
    }

    #[test]
    fn all_problems_are_told_at_once() {
        problems(
            "[server]\nadress = \"x\"\nrequest_seconds_max = \"soon\"\n[log]\nformat = \"xml\"",
            &[("IBID_MODELS_THREADS", "many")],
            &["answer.citations_max"],
            expect![[r#"
                the configuration has problems:
                  server.adress (from FILE): there is no such setting; did you mean server.address?
                  server.request_seconds_max (from FILE): "soon" is not a whole number
                  models.threads (from $IBID_MODELS_THREADS): 'many' is not a whole number
                  --set answer.citations_max: write KEY=VALUE, such as server.address=127.0.0.1:9000
                  log.format (from FILE): "auto", "text" or "json""#]],
        );
    }

    #[test]
    fn a_value_that_does_not_fit_is_named_by_its_key() {
        problems(
            "[server]\naddress = \"here\"",
            &[],
            &[],
            expect![[r#"
                the configuration has problems:
                  server.address: invalid socket address syntax"#]],
        );
    }

    #[test]
    fn later_layers_win_and_are_named() {
        let mut layers = Layers::defaults().unwrap();
        layers.environment([("IBID_SERVER_ADDRESS".to_owned(), "127.0.0.1:1".to_owned())]);
        layers.flag("server.address=127.0.0.1:2");
        let (config, origins) = layers.finish().unwrap();
        assert_eq!(config.server.address.port(), 2);
        assert_eq!(origins["server.address"].1, Origin::Flag);
        assert_eq!(origins["data.workspace"].1, Origin::Default);
    }

    #[test]
    fn keys_of_checkpoints_are_checked_and_not_shown() {
        let key = "0f".repeat(32);
        let read = |keys: &str| {
            let mut layers = Layers::defaults().unwrap();
            layers.flag(&format!("flow.keys={keys}"));
            layers.finish().map_err(|error| error.message)
        };
        let (config, origins) = read(&format!("[{{ id = 2, key = '{key}' }}]")).unwrap();
        assert_eq!(config.flow.keys[0].bytes(), Some([0x0f; 32]));
        assert_eq!(origins["flow.keys"].0, "[set]");
        let twice = read(&format!("[{{ id = 2, key = '{key}' }}, {{ id = 2, key = 'short' }}]")).unwrap_err();
        assert!(twice.contains("flow.keys[1].id") && twice.contains("flow.keys[1].key"), "{twice}");
        assert!(!twice.contains("short"), "{twice}");
    }

    #[test]
    fn a_secret_is_not_shown() {
        let mut layers = Layers::defaults().unwrap();
        layers.flag("embedder.api_key=hunter2");
        layers.flag("identity.provider.client_secret=hunter2");
        let (config, origins) = layers.finish().unwrap();
        for key in ["embedder.api_key", "identity.provider.client_secret"] {
            assert_eq!(origins[key].0, "[set]", "{key}");
        }
        assert!(!config.written.contains("hunter2"));
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
