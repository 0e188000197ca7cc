//! Which cores a server has, and which those who ask it.
//!
//! Keeps true: what is split is what this process may run on; on one core nothing is split, and the row says so.

use std::fmt;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::Outcome;

/// One core in so many is for those who ask: they do little.
const CORES_OF_ASKER: usize = 4;

#[derive(Debug)]
pub struct Cores {
    pub server: Vec<usize>,
    pub askers: Vec<usize>,
    all: CpuSet,
}

impl Cores {
    /// Puts this thread, and those that it begins, on the cores of those who ask, until this is dropped.
    pub fn split() -> Outcome<Self> {
        let all = sched_getaffinity(None)?;
        let mut server: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|core| all.is_set(*core)).collect();
        let askers = match server.len() {
            0 | 1 => server.clone(),
            count => server.split_off(count - count.div_ceil(CORES_OF_ASKER)),
        };
        let cores = Self { server, askers, all };
        run_on(&set(&cores.askers))?;
        Ok(cores)
    }

    /// Starts something on the server's cores.
    pub fn of_server<T>(&self, start: impl FnOnce() -> T) -> Outcome<T> {
        run_on(&set(&self.server))?;
        let started = start();
        run_on(&set(&self.askers))?;
        Ok(started)
    }
}

impl fmt::Display for Cores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.server == self.askers {
            return write!(f, "all on one core");
        }
        write!(f, "cores of the server: {}, of who asks: {}", self.server.len(), self.askers.len())
    }
}

impl Drop for Cores {
    fn drop(&mut self) {
        let _ = run_on(&self.all);
    }
}

fn run_on(cores: &CpuSet) -> Outcome<()> {
    Ok(sched_setaffinity(None, cores)?)
}

fn set(cores: &[usize]) -> CpuSet {
    let mut set = CpuSet::new();
    cores.iter().for_each(|core| set.set(*core));
    set
}
