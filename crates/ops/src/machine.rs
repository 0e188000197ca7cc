//! What the system says of this process and its disk. Linux tells all of it; elsewhere what is not told is not there.

use std::fs;
use std::path::{Path, PathBuf};

/// The process as it is now.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Process {
    pub memory_bytes: Option<u64>,
    /// What the machine, the control group or the configuration allows, whichever is least.
    pub memory_max_bytes: Option<u64>,
    /// In user and system mode.
    pub cpu_seconds: Option<f64>,
    pub cores: usize,
    pub threads: Option<u64>,
    pub files_open: Option<u64>,
    pub files_max: Option<u64>,
}

/// Room on a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk {
    /// What this user may still write.
    pub free_bytes: u64,
    pub total_bytes: u64,
}

/// Reads what there is under `/proc`. `memory_bytes_max` is what the configuration allows, 0 for whatever there is.
#[must_use]
pub fn process(memory_bytes_max: u64) -> Process {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    Process {
        memory_bytes: kilobytes(&status, "VmRSS:"),
        memory_max_bytes: memory_max(memory_bytes_max),
        cpu_seconds: ticks(&stat).map(|ticks| ticks / rustix::param::clock_ticks_per_second() as f64),
        cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        threads: field(&status, "Threads:").and_then(|text| text.parse().ok()),
        files_open: fs::read_dir("/proc/self/fd").ok().map(|files| files.count() as u64),
        files_max: files_max(),
    }
}

/// Room on the file system that holds `path`.
#[must_use]
pub fn disk(path: &Path) -> Option<Disk> {
    let told = rustix::fs::statvfs(path).ok()?;
    Some(Disk {
        free_bytes: told.f_bavail.saturating_mul(told.f_frsize),
        total_bytes: told.f_blocks.saturating_mul(told.f_frsize),
    })
}

/// User and system time, the 14th and 15th field; the second is a name in parentheses that may hold anything.
fn ticks(stat: &str) -> Option<f64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<f64>().ok();
    Some(next()? + next()?)
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let number = field(text, name)?.strip_suffix("kB")?.trim().parse::<u64>().ok()?;
    Some(number << 10)
}

fn memory_max(configured: u64) -> Option<u64> {
    let machine = kilobytes(&fs::read_to_string("/proc/meminfo").ok()?, "MemTotal:");
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let group = group_files(&groups)
        .into_iter()
        .filter_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok());
    machine.into_iter().chain(group).chain((configured > 0).then_some(configured)).min()
}

/// The files that may hold the limit of the process's control group or of one above it, of both versions of them. Within
/// a container its own group is the root.
fn group_files(groups: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(kind), Some(path)) = (parts.next(), parts.next()) else { continue };
        let (root, file) = match kind {
            "" => ("/sys/fs/cgroup", "memory.max"),
            "memory" => ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
            _ => continue,
        };
        for group in Path::new(path.trim_start_matches('/')).ancestors() {
            files.push(Path::new(root).join(group).join(file));
        }
    }
    files
}

fn files_max() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    field(&limits, "Max open files")?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_any_name() {
        let stat = "7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20";
        assert_eq!(ticks(stat), Some(300.0));
        assert_eq!(ticks("7 (a) S 1"), None);
    }

    #[test]
    fn sizes_are_read() {
        assert_eq!(kilobytes("VmPeak:\t  9 kB\nVmRSS:\t   12 kB\n", "VmRSS:"), Some(12 << 10));
        assert_eq!(kilobytes("VmRSS: many\n", "VmRSS:"), None);
    }

    #[test]
    fn limits_of_groups_above_count() {
        let files = group_files("4:memory:/a/b\n3:cpu:/c\n0::/d\n");
        let texts: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
        let memory = "/sys/fs/cgroup/memory";
        let of = |group: &str| format!("{memory}/{group}memory.limit_in_bytes");
        let own = "/sys/fs/cgroup/d/memory.max".to_owned();
        assert_eq!(texts, [of("a/b/"), of("a/"), of(""), own, "/sys/fs/cgroup/memory.max".to_owned()]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_configured_bounds_the_memory() {
        assert_eq!(process(1 << 20).memory_max_bytes, Some(1 << 20));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_seen() {
        let process = process(0);
        assert!(process.memory_bytes.is_some_and(|bytes| bytes > 1 << 20));
        assert!(process.memory_bytes < process.memory_max_bytes);
        assert!(process.threads >= Some(1) && process.files_open >= Some(3));
        assert!(disk(Path::new("/")).is_some_and(|disk| disk.free_bytes <= disk.total_bytes));
    }
}
