//! Secrets that stand in files of their own: `api_key_file = "..."` beside `api_key`, as systemd's credentials and the agents of vaults
//! bring them.
//!
//! Keeps true: a file is read once, at the start; what it holds is a secret like one that stands in the configuration.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// Ends the name of a setting that names a file with the setting's value.
pub const SUFFIX: &str = "_file";
/// Far more than any secret; what is longer is another file.
const BYTES_MAX: u64 = 65_536;

/// Settings that hold a list of tables with secrets in them.
pub const LISTS: [&str; 7] = [
    "chat.models",
    "flow.keys",
    "tools.mcp",
    "notify.receivers",
    "audit.receivers",
    "backup.keys",
    "backup.destinations",
];

/// Whether a setting that is no list is a secret.
pub fn is_secret(key: &str) -> bool {
    key.ends_with("_key") || key.ends_with("_secret")
}

/// The secret that a file holds, without the end of its last line; else what is wrong with the file.
pub fn read(named: &str) -> Result<String, String> {
    let path = place(named, std::env::var_os("CREDENTIALS_DIRECTORY"));
    read_at(&path).map_err(|why| format!("the secret in {} cannot be read: {why}", path.display()))
}

/// A name without a folder is that of a credential of systemd's, where the service has some (systemd.exec(5), LoadCredential).
fn place(named: &str, credentials: Option<OsString>) -> PathBuf {
    let path = Path::new(named);
    match credentials {
        Some(folder) if path.components().count() == 1 => Path::new(&folder).join(path),
        _ => path.to_owned(),
    }
}

fn read_at(path: &Path) -> Result<String, String> {
    let held = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if held.len() > BYTES_MAX {
        return Err(format!("it has more than {BYTES_MAX} bytes"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err("it is empty".to_owned());
    }
    Ok(secret.to_owned())
}

/// Puts what the files hold that are named within the tables of a list into the tables, and takes the names away; says what is wrong.
pub fn fill(value: &mut Value) -> Vec<String> {
    let mut wrong = Vec::new();
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| wrong.extend(fill(item))),
        Value::Table(table) => {
            table.iter_mut().for_each(|(_, inner)| wrong.extend(fill(inner)));
            wrong.extend(fill_table(table));
        }
        _ => {}
    }
    wrong
}

fn fill_table(table: &mut Table) -> Vec<String> {
    let mut wrong = Vec::new();
    let named: Vec<String> = table.keys().filter(|name| name.ends_with(SUFFIX)).cloned().collect();
    for name in named {
        let Some(Value::String(file)) = table.remove(&name) else { continue };
        let own = name.strip_suffix(SUFFIX).unwrap_or_default().to_owned();
        if table.contains_key(&own) {
            wrong.push(format!("give either {own} or {name}"));
            continue;
        }
        match read(&file) {
            Ok(secret) => drop(table.insert(own, Value::String(secret))),
            Err(why) => wrong.push(format!("{name}: {why}")),
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Layers;

    struct Files(tempfile::TempDir);

    impl Files {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn with(&self, name: &str, text: &str) -> String {
            let path = self.0.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        }
    }

    fn told(flags: &[String], environment: &[(&str, &str)]) -> Result<(crate::Config, crate::Shown), String> {
        let mut layers = Layers::defaults().unwrap();
        layers.environment(environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        flags.iter().for_each(|flag| layers.flag(flag));
        layers.finish().map_err(|error| error.message)
    }

    #[test]
    fn a_secret_is_taken_from_its_file_and_shown_no_more_than_one() {
        let files = Files::new();
        let key = files.with("key", "hunter2\n");
        let (config, shown) = told(&[format!("embedder.api_key_file={key}")], &[]).unwrap();
        assert_eq!(config.embedder.api_key.reveal(), "hunter2");
        assert_eq!(shown["embedder.api_key"].0, "[set]");
        assert!(!config.written.contains("hunter2") && !shown.contains_key("embedder.api_key_file"));
        let variable = [("IBID_IDENTITY_PROVIDER_CLIENT_SECRET_FILE", key.as_str())];
        let (config, shown) = told(&[], &variable).unwrap();
        assert_eq!(config.identity.provider.client_secret.reveal(), "hunter2");
        assert_eq!(shown["identity.provider.client_secret"].0, "[set]");
        let (config, _) =
            told(&["embedder.api_key=other".to_owned()], &[("IBID_EMBEDDER_API_KEY_FILE", &key)]).unwrap();
        assert_eq!(config.embedder.api_key.reveal(), "other", "a later layer wins");
    }

    #[test]
    fn secrets_within_lists_have_files_too() {
        let files = Files::new();
        let (seal, token) = (files.with("seal", &"0f".repeat(32)), files.with("token", "Bearer x\r\n"));
        let flags = [
            format!("flow.keys=[{{ id = 1, key_file = '{seal}' }}]"),
            format!(
                "tools.mcp=[{{ name='w', url='http://127.0.0.1/mcp', headers={{ Authorization_file='{token}' }} }}]"
            ),
            format!(
                "notify.receivers=[{{ name='s', kind='slack', url_file='{}' }}]",
                files.with("url", "https://hooks.example/x")
            ),
        ];
        let (config, _) = told(&flags, &[]).unwrap();
        assert_eq!(config.flow.keys[0].bytes(), Some([0x0f; 32]));
        assert_eq!(config.tools.mcp[0].headers["Authorization"].reveal(), "Bearer x");
        assert_eq!(config.notify.receivers[0].url.reveal(), "https://hooks.example/x");
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told_without_what_it_holds() {
        let files = Files::new();
        let (empty, good) = (files.with("empty", "\n"), files.with("good", "hunter2"));
        let long = files.with("long", &"x".repeat(65_537));
        for (flag, told_of) in [
            (
                "embedder.api_key_file=/nowhere/at/all".to_owned(),
                "embedder.api_key_file (from flag): the secret in /nowhere",
            ),
            (format!("embedder.api_key_file={empty}"), "it is empty"),
            (format!("embedder.api_key_file={long}"), "more than 65536 bytes"),
            (
                format!("flow.keys=[{{ id = 1, key = 'a', key_file = '{good}' }}]"),
                "flow.keys (from flag): give either key or key_file",
            ),
            (
                format!("flow.keys=[{{ id = 1, key_file = '{empty}' }}]"),
                "flow.keys (from flag): key_file: the secret in",
            ),
            (format!("embedder.model_file={good}"), "there is no such setting"),
        ] {
            let told = told(std::slice::from_ref(&flag), &[]).unwrap_err();
            assert!(told.contains(told_of) && !told.contains("hunter2"), "{flag}: {told}");
        }
    }

    #[test]
    fn a_bare_name_is_that_of_a_credential() {
        let of = |named: &str| place(named, Some("/run/credentials/ibid.service".into()));
        assert_eq!(of("chat-key"), Path::new("/run/credentials/ibid.service/chat-key"));
        assert_eq!(of("/etc/ibid/key"), Path::new("/etc/ibid/key"));
        assert_eq!(of("./key"), Path::new("./key"));
        assert_eq!(place("key", None), Path::new("key"));
    }
}
