//! Programs that are killed at an instant that the test chooses, and the dice that choose it.

use std::io::Read;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::{Home, Said};

/// Longest wait for the pipes of a killed program to close: its own children hold them too, and must end with it.
const PIPES_WITHIN: Duration = Duration::from_secs(60);

/// A command at work. Killed when dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    said: Receiver<(String, String)>,
}

impl Home {
    #[must_use]
    pub fn start(&self, arguments: &[&str]) -> Running {
        let mut command = self.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (sender, said) = channel();
        std::thread::spawn(move || {
            let err = std::thread::spawn(move || read(err));
            let out = read(out);
            sender.send((out, err.join().unwrap()))
        });
        Running { child, said }
    }
}

impl Running {
    /// Waits for the end. If it does not come within `longest`, the program is killed as a power cut would, and
    /// there is nothing to give.
    #[must_use]
    pub fn within(mut self, longest: Duration) -> Option<Said> {
        if let Ok((out, err)) = self.said.recv_timeout(longest) {
            let code = self.child.wait().unwrap().code().unwrap_or(-1);
            return Some(Said { out, err, code });
        }
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.said.recv_timeout(PIPES_WITHIN).expect("the children of a killed program end with it");
        None
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(mut pipe: impl Read) -> String {
    let mut bytes = Vec::new();
    let _ = pipe.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Numbers that look random and are the same for the same seed (SplitMix64: Steele, Lea and Flood 2014).
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub const fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Evenly from 0 to `end`, without it.
    pub const fn below(&mut self, end: u64) -> u64 {
        self.roll() % end
    }

    /// One of the choices.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.below(choices.len() as u64)).unwrap()]
    }
}
