//! How many requests somebody may send, and from where: an even pace with room for bursts (the generic cell rate algorithm) for
//! each holder of a key or an account, for each workspace, and for each address from which nobody known comes.
//!
//! Keeps true: the command line of this machine is never held up; an attacker who changes addresses within one IPv6 network stays
//! one; what is remembered of callers that went away is forgotten.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use ibid_config::Limits;
use ibid_guard::Network;
use ibid_runtime::Clock;
use ibid_types::{Error, Result, WorkspaceId};

use super::blocks::Blocks;
use crate::http::Wait;

/// One customer of a provider has so many first bits of an IPv6 address (RFC 6177), and all addresses behind them.
const IPV6_BITS: u32 = 64;

/// See the head of this file.
#[derive(Debug)]
pub struct Pace {
    holders: Option<DefaultKeyedRateLimiter<String>>,
    workspaces: Option<DefaultKeyedRateLimiter<WorkspaceId>>,
    strangers: Option<DefaultKeyedRateLimiter<IpAddr>>,
    allowed: Vec<Network>,
    blocked: Vec<Network>,
    pub blocks: Blocks,
    clock: DefaultClock,
    wall_clock: Clock,
}

impl Pace {
    /// Error: `network_malformed`.
    pub fn new(limits: &Limits, wall_clock: Clock) -> Result<Self> {
        Ok(Self {
            holders: quota(limits.requests_per_minute, limits.burst).map(RateLimiter::dashmap),
            workspaces: quota(
                limits.workspace_requests_per_minute,
                limits.workspace_requests_per_minute / 10,
            )
            .map(RateLimiter::dashmap),
            strangers: quota(limits.strangers_per_minute, limits.strangers_per_minute / 2)
                .map(RateLimiter::dashmap),
            allowed: networks("limits.allow", &limits.allow)?,
            blocked: networks("limits.block", &limits.block)?,
            blocks: Blocks::new(limits),
            clock: DefaultClock::default(),
            wall_clock,
        })
    }

    /// Whether requests from there are answered at all; those of this machine are, so that no list locks its owner out. Error:
    /// `address_blocked`.
    pub fn check_address(&self, address: Option<IpAddr>) -> Result<()> {
        let Some(address) = address.filter(|address| !address.to_canonical().is_loopback()) else {
            return Ok(());
        };
        let holds = |networks: &[Network]| networks.iter().any(|network| network.holds(address));
        if holds(&self.blocked) || !self.allowed.is_empty() && !holds(&self.allowed) {
            let what = format!("requests from {address} are not answered (limits.allow, limits.block)");
            return Err(Error::forbidden("address_blocked", what));
        }
        let Some(block) = self.blocks.find(address, self.wall_clock.now()) else { return Ok(()) };
        let until =
            block.until.map_or_else(|| "an administrator ends it".to_owned(), |until| until.to_string());
        let what = format!("requests from {address} are not answered until {until}: {}", block.reason);
        Err(Error::forbidden("address_blocked", what))
    }

    /// Counts a request of a holder.
    pub fn of_holder(&self, holder: &str) -> std::result::Result<(), Wait> {
        let Some(holders) = &self.holders else { return Ok(()) };
        holders
            .check_key(&holder.to_owned())
            .map_err(|not_until| Wait(not_until.wait_time_from(self.clock.now())))
    }

    /// Counts a request for a workspace, whoever sends it.
    pub fn of_workspace(&self, workspace: WorkspaceId) -> std::result::Result<(), Wait> {
        let Some(workspaces) = &self.workspaces else { return Ok(()) };
        let not_until = workspaces.check_key(&workspace);
        not_until.map_err(|not_until| Wait(not_until.wait_time_from(self.clock.now())))
    }

    /// Counts a request of nobody known.
    pub fn of_stranger(&self, address: Option<IpAddr>) -> std::result::Result<(), Wait> {
        let (Some(strangers), Some(address)) = (&self.strangers, address) else { return Ok(()) };
        let not_until = strangers.check_key(&customer(address));
        not_until.map_err(|not_until| Wait(not_until.wait_time_from(self.clock.now())))
    }

    /// Forgets whoever has not come for long enough to have their whole burst again.
    pub fn forget(&self) {
        if let Some(holders) = &self.holders {
            holders.retain_recent();
        }
        if let Some(workspaces) = &self.workspaces {
            workspaces.retain_recent();
        }
        if let Some(strangers) = &self.strangers {
            strangers.retain_recent();
        }
    }
}

/// Error: `rate_limited`.
pub fn too_fast(wait: Wait) -> Error {
    let what = format!("too many requests; the next one may come in {} s", wait.seconds());
    Error::too_many_requests("rate_limited", what).caused_by(wait)
}

fn quota(per_minute: u32, burst: u32) -> Option<Quota> {
    let pace = Quota::per_minute(NonZeroU32::new(per_minute)?);
    Some(pace.allow_burst(NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN)))
}

/// The networks of a setting. Error: `network_malformed`.
pub fn networks(setting: &str, texts: &[String]) -> Result<Vec<Network>> {
    let read = |text: &String| {
        Network::parse(text).ok_or_else(|| {
            let what =
                format!("'{text}' in {setting} is no network; write 192.0.2.7, 10.0.0.0/8 or fd00::/8");
            Error::bad_request("network_malformed", what)
        })
    };
    texts.iter().map(read).collect()
}

/// Whom an address is counted as.
pub fn customer(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> (128 - IPV6_BITS) << (128 - IPV6_BITS)))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(requests_per_minute: u32, strangers_per_minute: u32, allow: &[&str], block: &[&str]) -> Pace {
        let all = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let limits = Limits {
            requests_per_minute,
            burst: 2,
            strangers_per_minute,
            allow: all(allow),
            block: all(block),
            ..usual()
        };
        Pace::new(&limits, Clock::system()).unwrap()
    }

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn a_burst_passes_and_then_the_pace_counts_for_each_alone() {
        let pace = pace(1, 4, &[], &[]);
        assert!(pace.of_holder("a").is_ok() && pace.of_holder("a").is_ok());
        let wait = pace.of_holder("a").unwrap_err();
        assert!((1..=60).contains(&wait.seconds()), "{wait:?}");
        assert!(pace.of_holder("b").is_ok());
        assert!(too_fast(wait).message.contains("may come in"));
    }

    #[test]
    fn strangers_are_counted_by_their_network() {
        let pace = pace(1, 4, &[], &[]);
        assert!(pace.of_stranger(address("2001:db8::1")).is_ok());
        assert!(pace.of_stranger(address("2001:db8::2")).is_ok());
        assert!(pace.of_stranger(address("2001:db8::3")).is_err());
        assert!(pace.of_stranger(address("2001:db8:0:1::3")).is_ok());
        assert!(pace.of_stranger(address("192.0.2.1")).is_ok() && pace.of_stranger(None).is_ok());
        pace.forget();
        assert!(pace.of_stranger(address("2001:db8::3")).is_err(), "what is recent is not forgotten");
    }

    #[test]
    fn without_a_bound_nobody_is_held_up() {
        let pace = pace(0, 0, &[], &[]);
        assert!((0..1000).all(|_| pace.of_holder("a").is_ok() && pace.of_stranger(address("::1")).is_ok()));
    }

    #[test]
    fn addresses_are_let_in_or_not() {
        let told = |allow: &[&str], block: &[&str], from: &str| {
            pace(1, 1, allow, block).check_address(address(from)).is_ok()
        };
        assert!(told(&[], &[], "192.0.2.1") && !told(&[], &["192.0.2.0/24"], "192.0.2.1"));
        assert!(told(&["10.0.0.0/8"], &[], "10.1.2.3") && !told(&["10.0.0.0/8"], &[], "192.0.2.1"));
        assert!(!told(&["10.0.0.0/8"], &["10.1.0.0/16"], "::ffff:10.1.2.3"));
        assert!(told(&["10.0.0.0/8"], &["127.0.0.0/8"], "127.0.0.1"));
        assert!(pace(1, 1, &["10.0.0.0/8"], &[]).check_address(None).is_ok());
        let limits = Limits { allow: vec!["ten".to_owned()], ..usual() };
        assert_eq!(Pace::new(&limits, Clock::system()).unwrap_err().code, "network_malformed");
    }

    fn usual() -> Limits {
        ibid_config::Layers::defaults().unwrap().finish().unwrap().0.limits
    }
}
