//! How long the certificates of the addresses still hold that the configuration names.
//!
//! Keeps true: looking changes nothing, trusts nothing, and takes a few seconds at most whatever the other side does.

mod endpoint;
mod peer;

use std::collections::BTreeMap;
use std::sync::Arc;

use ibid_types::{Result, Timestamp};
use parking_lot::RwLock;

use crate::doctor::Finding;
pub use endpoint::{Endpoint, endpoints};

/// Before the end somebody is told, and told urgently: the limits of the rules `certificate-expiring`.
pub const WARNING_DAYS: i64 = 21;
pub const CRITICAL_DAYS: i64 = 3;
pub const DAY_MS: i64 = 24 * 3600 * 1000;
/// Addresses looked at in one moment.
const AT_ONCE_MAX: usize = 16;

/// What was last seen, by host. Clones see the same.
#[derive(Clone, Debug, Default)]
pub struct Certificates {
    seen: Arc<RwLock<BTreeMap<String, Timestamp>>>,
}

/// One look at one address.
#[derive(Debug)]
pub struct Looked {
    pub endpoint: Endpoint,
    /// The end of the first certificate of its chain to end. Errors: `certificate_unseen`, `certificate_malformed`.
    pub ends_at: Result<Timestamp>,
}

impl Certificates {
    /// Looks at each address and remembers what it saw; one that does not answer keeps what was seen before.
    pub fn look(&self, endpoints: &[Endpoint]) -> Vec<Looked> {
        let mut all = Vec::new();
        for some in endpoints.chunks(AT_ONCE_MAX) {
            all.extend(std::thread::scope(|scope| {
                let threads: Vec<_> = some
                    .iter()
                    .map(|endpoint| {
                        scope
                            .spawn(|| Looked { endpoint: endpoint.clone(), ends_at: peer::ends_at(endpoint) })
                    })
                    .collect();
                threads.into_iter().filter_map(|thread| thread.join().ok()).collect::<Vec<_>>()
            }));
        }
        let mut seen = self.seen.write();
        for looked in &all {
            if let Ok(ends_at) = &looked.ends_at {
                seen.insert(looked.endpoint.label(), *ends_at);
            }
        }
        drop(seen);
        all
    }

    /// Remembers a certificate that needs no look, such as the server's own.
    pub fn saw(&self, host: &str, ends_at: Timestamp) {
        self.seen.write().insert(host.to_owned(), ends_at);
    }

    /// Hosts with the seconds that are left, less than 0 for what is over.
    #[must_use]
    pub fn remaining(&self, now: Timestamp) -> Vec<(String, f64)> {
        let left = |ends_at: &Timestamp| (ends_at.0 - now.0) as f64 / 1000.0;
        self.seen.read().iter().map(|(host, ends_at)| (host.clone(), left(ends_at))).collect()
    }
}

/// What the looks say; one finding where all is well.
#[must_use]
pub fn findings(looks: &[Looked], now: Timestamp) -> Vec<Finding> {
    let ill: Vec<Finding> = looks.iter().filter_map(|looked| finding(looked, now)).collect();
    if !ill.is_empty() {
        return ill;
    }
    let told =
        format!("none of {} https addresses has one that ends within {WARNING_DAYS} days", looks.len());
    vec![Finding::ok("certificates", told)]
}

fn finding(looked: &Looked, now: Timestamp) -> Option<Finding> {
    let (host, what) = (looked.endpoint.label(), &looked.endpoint.what);
    let fix = "ibid runbook run certificate-expiring";
    match &looked.ends_at {
        Err(error) => {
            let told = format!("the certificate of {host} ({what}) cannot be seen: {}", error.chain());
            Some(Finding::note(
                "certificates",
                "certificate_unseen",
                told,
                "make the address reachable, or correct it",
            ))
        }
        Ok(ends_at) if *ends_at <= now => {
            let told = format!("the certificate of {host} ({what}) ended at {ends_at}");
            Some(Finding::problem("certificates", "certificate_expired", told, fix))
        }
        Ok(ends_at) => {
            let days = (ends_at.0 - now.0) / DAY_MS;
            let told = format!("the certificate of {host} ({what}) ends at {ends_at}, in {days} days");
            match days {
                ..CRITICAL_DAYS => Some(Finding::problem("certificates", "certificate_expiring", told, fix)),
                CRITICAL_DAYS..WARNING_DAYS => {
                    Some(Finding::note("certificates", "certificate_expiring", told, fix))
                }
                _ => None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    const NOW: Timestamp = Timestamp(1_767_225_600_000);

    fn state(days: i64) -> (State, String) {
        let endpoint = Endpoint { host: "h".to_owned(), port: 443, what: "a provider".to_owned() };
        let looked = Looked { endpoint, ends_at: Ok(NOW.plus_ms(days * DAY_MS)) };
        let found = findings(&[looked], NOW).remove(0);
        (found.state, found.code)
    }

    #[test]
    fn the_nearer_the_end_the_louder() {
        assert_eq!(state(90), (State::Ok, "certificates_ok".to_owned()));
        assert_eq!(state(20), (State::Note, "certificate_expiring".to_owned()));
        assert_eq!(state(2), (State::Problem, "certificate_expiring".to_owned()));
        assert_eq!(state(-1), (State::Problem, "certificate_expired".to_owned()));
        assert_eq!(findings(&[], NOW)[0].state, State::Ok);
    }
}
