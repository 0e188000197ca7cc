//! The parsing child as a program of its own, for this crate's tests; the binary `ibid` carries it as a hidden command.

fn main() -> std::process::ExitCode {
    ibid_ingest::worker::worker_main()
}
