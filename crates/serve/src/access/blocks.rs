//! Addresses that are not answered for a time: blocked by an administrator, or by themselves when they guess too often.
//!
//! Keeps true: a block is in the store before it holds, so that it outlives the process; this machine is never blocked; who guesses
//! again after a block is blocked for twice as long; what is remembered of addresses is bounded.

use std::collections::HashMap;
use std::net::IpAddr;

use ibid_config::Limits;
use ibid_guard::Network;
use ibid_store::Block;
use ibid_types::{Error, Result, Timestamp};
use parking_lot::{Mutex, RwLock};

use super::pace::customer;
use crate::App;

/// Refusals are counted within so long.
const WINDOW_MS: i64 = 10 * 60_000;
/// How long it is remembered that an address was blocked, and the longest block that it gets by itself.
const DAY_MS: i64 = 24 * 3_600_000;
/// Addresses whose refusals are counted. Above it those go that began longest ago.
const ADDRESSES_MAX: usize = 10_000;
/// Who blocks an address that guesses.
const SERVER: &str = "server";

/// See the head of this file.
#[derive(Debug)]
pub struct Blocks {
    active: RwLock<Vec<(Network, Block)>>,
    refused: Mutex<HashMap<IpAddr, Refused>>,
    refusals_max: u32,
    first_ms: i64,
}

#[derive(Clone, Copy, Debug)]
struct Refused {
    since: Timestamp,
    count: u32,
    /// Blocks of this address within the last day.
    blocks: u32,
}

impl Blocks {
    pub fn new(limits: &Limits) -> Self {
        Self {
            active: RwLock::default(),
            refused: Mutex::default(),
            refusals_max: limits.refusals_max,
            first_ms: i64::try_from(limits.block_minutes).unwrap_or(i64::MAX / 60_000).saturating_mul(60_000),
        }
    }

    /// Takes what is stored for all there is.
    pub fn load(&self, all: Vec<Block>) {
        let read = |block: Block| Some((Network::parse(&block.network)?, block));
        *self.active.write() = all.into_iter().filter_map(read).collect();
    }

    /// The block that holds an address back now.
    pub fn find(&self, address: IpAddr, now: Timestamp) -> Option<Block> {
        let holds = |(network, block): &&(Network, Block)| network.holds(address) && block.holds_at(now);
        self.active.read().iter().find(holds).map(|(_, block)| block.clone())
    }

    /// Counts a request that was turned away; the time of the block, where it was one too many.
    fn count(&self, address: IpAddr, now: Timestamp) -> Option<i64> {
        if self.refusals_max == 0 {
            return None;
        }
        let mut all = self.refused.lock();
        if all.len() >= ADDRESSES_MAX {
            make_room(&mut all, now);
        }
        let refused = all.entry(address).or_insert(Refused { since: now, count: 0, blocks: 0 });
        if now.0 - refused.since.0 > WINDOW_MS {
            let is_forgiven = now.0 - refused.since.0 > DAY_MS;
            *refused = Refused { since: now, count: 0, blocks: if is_forgiven { 0 } else { refused.blocks } };
        }
        refused.count += 1;
        if refused.count <= self.refusals_max {
            return None;
        }
        let block_ms =
            self.first_ms.saturating_mul(1 << refused.blocks.min(16)).min(DAY_MS.max(self.first_ms));
        *refused = Refused { since: now, count: 0, blocks: refused.blocks.saturating_add(1) };
        Some(block_ms)
    }
}

fn make_room(all: &mut HashMap<IpAddr, Refused>, now: Timestamp) {
    all.retain(|_, refused| now.0 - refused.since.0 <= WINDOW_MS);
    if all.len() >= ADDRESSES_MAX {
        let mut begun: Vec<i64> = all.values().map(|refused| refused.since.0).collect();
        begun.sort_unstable();
        let middle = begun.get(begun.len() / 2).copied().unwrap_or(i64::MAX);
        all.retain(|_, refused| refused.since.0 > middle);
    }
}

/// A request of that address was turned away. Blocks it where that happens too often.
pub fn turned_away(app: &App, address: IpAddr) {
    let (address, now) = (customer(address), app.clock.now());
    if address.is_loopback() {
        return;
    }
    let Some(block_ms) = app.pace.blocks.count(address, now) else { return };
    let network = if address.is_ipv6() { format!("{address}/64") } else { address.to_string() };
    let reason = "too many requests were turned away (wrong keys or passwords)";
    let until = Some(now.plus_ms(block_ms));
    let block =
        Block { network, reason: reason.to_owned(), made_by: SERVER.to_owned(), created_at: now, until };
    app.metrics.refused("address_blocked_now");
    let noted = tokio::task::block_in_place(|| {
        app.store.audit_append(SERVER, "address.blocked", &block.network)?;
        set(app, &block)
    });
    if let Err(error) = noted {
        tracing::error!(code = error.code, "an address was not blocked: {}", error.chain());
    }
}

/// Blocks from now on. Errors: `network_malformed`, `block_everybody`.
pub fn set(app: &App, block: &Block) -> Result<()> {
    let network = Network::parse(&block.network).ok_or_else(|| {
        let what = format!("'{}' is no network; write 192.0.2.7, 10.0.0.0/8 or fd00::/8", block.network);
        Error::bad_request("network_malformed", what)
    })?;
    if network.holds(IpAddr::from([0, 0, 0, 0])) && network.holds(IpAddr::from([255, 255, 255, 255])) {
        let what = "that is everybody; close the server instead, or name a smaller network";
        return Err(Error::bad_request("block_everybody", what));
    }
    app.store.block_set(block)?;
    reload(app)
}

/// Answers the network again. Error: `block_unknown`.
pub fn end(app: &App, network: &str) -> Result<()> {
    app.store.block_end(network)?;
    reload(app)
}

/// Takes up what is stored.
pub fn reload(app: &App) -> Result<()> {
    app.pace.blocks.load(app.store.block_list()?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000_000);

    fn blocks(refusals_max: u32) -> Blocks {
        let mut limits = ibid_config::Layers::defaults().unwrap().finish().unwrap().0.limits;
        limits.refusals_max = refusals_max;
        Blocks::new(&limits)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn block(network: &str, until: Option<Timestamp>) -> Block {
        let text = String::new();
        Block { network: network.to_owned(), reason: text.clone(), made_by: text, created_at: NOW, until }
    }

    #[test]
    fn who_guesses_again_is_blocked_for_longer() {
        let (blocks, one) = (blocks(2), address("192.0.2.1"));
        let guess = |at: Timestamp| blocks.count(one, at);
        assert_eq!([guess(NOW), guess(NOW), guess(NOW)], [None, None, Some(15 * 60_000)]);
        let later = NOW.plus_ms(15 * 60_000);
        assert_eq!([guess(later), guess(later), guess(later)], [None, None, Some(30 * 60_000)]);
        let next_day = later.plus_ms(DAY_MS + 1);
        assert_eq!([guess(next_day), guess(next_day), guess(next_day)], [None, None, Some(15 * 60_000)]);
    }

    #[test]
    fn a_few_refusals_now_and_then_are_nothing() {
        let (blocks, one) = (blocks(2), address("192.0.2.1"));
        assert!(
            (0..100).all(|number| blocks.count(one, NOW.plus_ms(number * (WINDOW_MS / 2 + 1))).is_none())
        );
        assert!((0..100).all(|_| self::blocks(0).count(one, NOW).is_none()));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let blocks = blocks(2);
        for number in 0..ADDRESSES_MAX * 2 {
            let bits = u32::try_from(number).unwrap();
            blocks.count(IpAddr::V4(bits.into()), NOW.plus_ms(i64::from(bits)));
        }
        assert!(blocks.refused.lock().len() <= ADDRESSES_MAX);
    }

    #[test]
    fn a_block_holds_until_it_is_over() {
        let blocks = blocks(2);
        blocks.load(vec![block("192.0.2.0/24", Some(NOW.plus_ms(10))), block("nothing", None)]);
        assert!(blocks.find(address("192.0.2.9"), NOW).is_some());
        assert!(blocks.find(address("192.0.2.9"), NOW.plus_ms(10)).is_none());
        assert!(blocks.find(address("192.0.3.9"), NOW).is_none());
    }
}
