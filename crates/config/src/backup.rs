//! Where backups go, how long they are kept, and when they are rehearsed.

use std::path::PathBuf;

use ibid_types::Secret;
use serde::Deserialize;

use crate::FlowKey;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    pub enabled: bool,
    /// Without one, a folder in the data directory.
    pub destinations: Vec<BackupDestination>,
    /// The first seals, all of them open; without one nothing is encrypted.
    pub keys: Vec<FlowKey>,
    pub segment_ms: u64,
    /// `HH:MM`, UTC.
    pub base_at: String,
    pub keep_days: u32,
    pub spool_bytes_max: u64,
    /// Days between rehearsals; 0 for none.
    pub drill_days: u32,
    /// Questions that a rehearsal asks.
    pub drill_questions: usize,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupDestination {
    pub name: String,
    /// `folder` or `s3`.
    pub kind: String,
    #[serde(default)]
    pub path: PathBuf,
    #[serde(default)]
    pub endpoint: String,
    #[serde(default)]
    pub bucket: String,
    #[serde(default = "usual_region")]
    pub region: String,
    #[serde(default)]
    pub prefix: String,
    #[serde(default)]
    pub access_key: Secret,
    #[serde(default)]
    pub secret_key: Secret,
    /// 30 for a folder, 90 for a store elsewhere.
    #[serde(default)]
    pub keep_days: Option<u32>,
}

fn usual_region() -> String {
    "us-east-1".to_owned()
}

impl Backup {
    /// For how long the longest-kept backup is kept.
    #[must_use]
    pub fn keep_days_max(&self) -> u32 {
        let of = |destination: &BackupDestination| destination.keep_days.unwrap_or(self.keep_days);
        self.destinations.iter().map(of).max().unwrap_or(self.keep_days)
    }

    /// When the daily base is made, in minutes after midnight UTC.
    #[must_use]
    pub fn base_minute(&self) -> Option<u32> {
        let (hours, minutes) = self.base_at.split_once(':')?;
        let (hours, minutes): (u32, u32) = (hours.parse().ok()?, minutes.parse().ok()?);
        (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
    }

    pub(crate) fn problems(&self, must: &mut dyn FnMut(bool, &str, &str)) {
        must((100..=60_000).contains(&self.segment_ms), "backup.segment_ms", "100 to 60000");
        must(self.base_minute().is_some(), "backup.base_at", "a time of the day in UTC, such as 02:00");
        must(self.keep_days >= 1, "backup.keep_days", "at least 1");
        must(self.spool_bytes_max >= 16 << 20, "backup.spool_bytes_max", "at least 16777216");
        must(self.drill_questions <= 1000, "backup.drill_questions", "0 to 1000");
        for (index, key) in self.keys.iter().enumerate() {
            let at = |field: &str| format!("backup.keys[{index}].{field}");
            let is_new = self.keys[..index].iter().all(|other| other.id != key.id);
            must(key.id >= 1 && is_new, &at("id"), "1 to 255, each once");
            let is_key = key.bytes().is_some();
            must(is_key, &at("key"), "64 hexadecimal digits, as `openssl rand -hex 32` prints them");
        }
        for (index, destination) in self.destinations.iter().enumerate() {
            let at = |field: &str| format!("backup.destinations[{index}].{field}");
            let is_new = self.destinations[..index].iter().all(|other| other.name != destination.name);
            must(is_new && !destination.name.is_empty(), &at("name"), "a name, each once");
            must(destination.keep_days != Some(0), &at("keep_days"), "at least 1");
            match destination.kind.as_str() {
                "folder" => {
                    must(
                        destination.path.is_absolute(),
                        &at("path"),
                        "an absolute path, better on another disk",
                    );
                }
                "s3" => must(!destination.bucket.is_empty(), &at("bucket"), "name a bucket"),
                _ => must(false, &at("kind"), "\"folder\" or \"s3\""),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::tried::read;

    #[test]
    fn destinations_are_checked_and_their_secrets_are_not_shown() {
        let folder = "{name='disk', kind='folder', path='/mnt/backup'}";
        let s3 = "{name='far', kind='s3', bucket='b', secret_key='hunter2', keep_days=90}";
        let config = read(&[&format!("backup.destinations=[{folder}, {s3}]")]).unwrap();
        assert_eq!(config.backup.destinations[1].keep_days, Some(90));
        assert!(!config.written.contains("hunter2"));
        let told = read(&[&format!("backup.destinations=[{folder}, {folder}, {{name='x', kind='tape'}}]")]);
        let told = told.unwrap_err();
        assert!(told.contains("destinations[1].name") && told.contains("destinations[2].kind"), "{told}");
    }

    #[test]
    fn the_time_of_the_base_is_a_time() {
        assert_eq!(read(&[]).unwrap().backup.base_minute(), Some(120));
        assert_eq!(read(&["backup.base_at=23:59"]).unwrap().backup.base_minute(), Some(1439));
        assert!(read(&["backup.base_at=24:00"]).unwrap_err().contains("backup.base_at"));
    }

    #[test]
    fn what_is_written_down_of_the_configuration_can_be_read_again() {
        let config = read(&["server.address=127.0.0.1:2", "embedder.api_key=hunter2"]).unwrap();
        assert!(config.written.contains("server.address = \"127.0.0.1:2\""), "{}", config.written);
        assert!(config.written.contains("# embedder.api_key"), "{}", config.written);
        assert!(!config.written.contains("hunter2"));
        assert!(config.written.parse::<toml::Table>().is_ok());
    }
}
