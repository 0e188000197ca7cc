//! The program `ibid` as people run it: its commands, and its server as a child process.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{Outcome, Setup};
use crate::load::{Connection, Door, wait_until};

const READY_WITHIN: Duration = Duration::from_secs(20);

/// `ibid --data-dir DATA ...` with the models of the run and without a chat model.
pub fn command(setup: &Setup, data: &Path) -> Command {
    let mut command = Command::new(&setup.program);
    command.arg("--data-dir").arg(data).env("IBID_MODELS_DIR", &setup.models);
    command.env("IBID_CHAT_OLLAMA_DETECT", "false").env("IBID_LOG_LEVEL", "error");
    command
}

/// Takes a folder in, with the time that the whole command took.
pub fn ingest(setup: &Setup, data: &Path, folder: &Path) -> Outcome<Duration> {
    timed(command(setup, data).args(["--json", "ingest"]).arg(folder))
}

/// Runs a command to its end, with the time that it took; an error where it fails.
pub fn timed(command: &mut Command) -> Outcome<Duration> {
    let started = Instant::now();
    let output = command.output()?;
    if output.status.success() {
        return Ok(started.elapsed());
    }
    let program = Path::new(command.get_program()).file_name().unwrap_or_default().display().to_string();
    let arguments: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy()).collect();
    let why = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program} {}: {}", arguments.join(" "), why.trim()).into())
}

/// A server; killed (`SIGKILL`) when dropped, which is safe for its data.
#[derive(Debug)]
pub struct Server {
    child: Child,
    pub door: Door,
    /// From starting the program until it said that it is ready.
    pub ready_in: Duration,
}

impl Server {
    pub fn start(setup: &Setup, data: &Path) -> Outcome<Self> {
        Self::start_by(command(setup, data), data)
    }

    /// By that command, which lacks `serve` and the address, on that data directory.
    pub fn start_by(mut command: Command, data: &Path) -> Outcome<Self> {
        let address = free_address()?;
        let started = Instant::now();
        let child = command
            .env("IBID_SERVER_ADDRESS", address.to_string())
            .arg("serve")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let door = Door { address, key: String::new() };
        let mut server = Self { child, door, ready_in: Duration::ZERO };
        while !server.is_ready() {
            if started.elapsed() > READY_WITHIN {
                return Err("ibid serve was not ready in time".into());
            }
            wait_until(Instant::now() + Duration::from_millis(2));
        }
        server.ready_in = started.elapsed();
        server.door.key = token(data)?;
        Ok(server)
    }

    /// Resident memory in MB, file pages included.
    pub fn resident_mb(&self) -> Outcome<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line =
            status.lines().find(|line| line.starts_with("VmRSS")).ok_or("the system tells no memory")?;
        let kb: f64 = line.split_whitespace().nth(1).ok_or("the system tells no memory")?.parse()?;
        Ok(kb / 1024.0)
    }

    /// Seconds of processor that it took so far, in itself and in the system.
    pub fn cpu_seconds(&self) -> Outcome<f64> {
        // Linux counts hundredths of a second for programs (`USER_HZ`), whatever it counts by itself.
        const TICKS_PER_SECOND: f64 = 100.0;
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let ticks: Vec<f64> =
            after_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse().ok()).collect();
        Ok(ticks.iter().sum::<f64>() / TICKS_PER_SECOND)
    }

    fn is_ready(&self) -> bool {
        let answer = Connection::open(&self.door).and_then(|mut to| to.get("/health/ready"));
        answer.is_ok_and(|answer| answer.status == 200)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the command line of whoever may read the data directory comes in with.
fn token(data: &Path) -> Outcome<String> {
    let told: serde_json::Value = serde_json::from_slice(&std::fs::read(data.join("server.json"))?)?;
    Ok(told["token"].as_str().ok_or("the server left no token")?.to_owned())
}

fn free_address() -> Outcome<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
