//! How near the machine's limits the paths are: arithmetic for the embedder, the disk's sync for commits.

use std::fs::File;
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ibid_model::{Embedder, Isa, MiniLm, Purpose};
use ibid_runtime::Clock;
use ibid_store::{Sqlite, SqliteConfig, Store};

use super::embed::spread;
use super::peer::Peer;
use super::texts::Texts;
use super::{Outcome, Row, Setup, turns};

const TEXTS: usize = 256;
/// How long syncs and commits are counted in a turn.
const COUNTED: Duration = Duration::from_secs(1);

pub fn rows(setup: &Setup) -> Outcome<Vec<Row>> {
    Ok(vec![embedder_row(setup)?, commit_row(setup)?])
}

/// The machine's peak is taken as what OpenBLAS reaches on floats, twice that where the embedder multiplies pairs
/// of 16-bit integers (`vpdpwssd` does two where a float instruction does one).
fn embedder_row(setup: &Setup) -> Outcome<Row> {
    let passages = spread(&Texts::read(setup)?.passages(), TEXTS);
    let texts: Vec<&str> = passages.iter().map(String::as_str).collect();
    let embedder = setup.embedder(0)?;
    let operations: f64 = texts.iter().map(|text| operations(embedder.tokens(text).len() as f64)).sum();
    let ours = || {
        let started = Instant::now();
        embedder.embed(&texts, Purpose::Passage)?;
        Ok(operations / started.elapsed().as_secs_f64() / 1e9)
    };
    let (factor, kind) = peak_factor(&embedder);
    let mut peer = Peer::start(setup, "peer_numpy.py", &[])?;
    let turns = turns::best(setup.turns, ours, || Ok(factor * peer.number("gemm", "gflops")?))?;
    Ok(Row::new("limit of the embedder: arithmetic, all threads", format!("{:.0} Gop/s", turns.ours))
        .beside(format!("{kind}, measured: {:.0} Gop/s", turns.peer), turns.ratio))
}

fn peak_factor(embedder: &MiniLm) -> (f64, &'static str) {
    if embedder.isa() == Isa::Avx512Vnni {
        (2.0, "twice OpenBLAS on floats")
    } else {
        (1.0, "OpenBLAS on floats")
    }
}

/// Multiplications and additions for a text of so many tokens: 6 layers of 4 x 384^2 + 2 x 384 x 1,536 weights, and
/// two products of each pair of tokens over 384 numbers in each.
fn operations(tokens: f64) -> f64 {
    tokens * (2.0 * 10_616_832.0 + 4.0 * 6.0 * 384.0 * tokens)
}

/// Acknowledged commits of one small row, one after the other, beside bare syncs of a page that is
/// there already, on the same disk.
fn commit_row(setup: &Setup) -> Outcome<Row> {
    let folder = setup.scratch()?;
    let store = Store::new(
        Arc::new(Sqlite::open(SqliteConfig::new(folder.path().join("ibid.db")))?),
        Clock::system(),
    );
    let file = File::create(folder.path().join("synced"))?;
    file.write_all_at(&[7; 4096], 0)?;
    file.sync_all()?;
    let mut number = 0_u64;
    let ours = || {
        per_second(|| {
            number += 1;
            Ok(store.setting_set("bench", &number.to_string())?)
        })
    };
    let peer = || {
        per_second(|| {
            file.write_all_at(&[7; 4096], 0)?;
            Ok(file.sync_data()?)
        })
    };
    let turns = turns::best(setup.turns, ours, peer)?;
    Ok(Row::new("limit of the store: durable commits, one at a time", format!("{:.0}/s", turns.ours))
        .beside(format!("overwriting and syncing 4 kB: {:.0}/s", turns.peer), turns.ratio))
}

fn per_second(mut once: impl FnMut() -> Outcome<()>) -> Outcome<f64> {
    let started = Instant::now();
    let mut count = 0;
    while started.elapsed() < COUNTED {
        once()?;
        count += 1;
    }
    Ok(f64::from(count) / started.elapsed().as_secs_f64())
}

/// How fast one core sums what does not fit its caches.
pub fn read_gb_per_second() -> f64 {
    let numbers = vec![1_u64; 32 << 20];
    let started = Instant::now();
    let sum: u64 = black_box(&numbers).iter().fold(0, |sum, number| sum.wrapping_add(*number));
    black_box(sum);
    (numbers.len() * 8) as f64 / started.elapsed().as_secs_f64() / 1e9
}
