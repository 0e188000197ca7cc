//! What goes on at a server right now, from two looks at its metrics: whether requests fail, wait or are refused.
//!
//! Keeps true: looks at growth between the looks alone, so that what is over is not told any more.

use crate::doctor::Finding;
use crate::metric::list;
use crate::series::Key;

/// Limits of the alert rules of the same names: a second, a share, seconds.
const REFUSED_A_SECOND_MAX: f64 = 1.0;
const FAILED_SHARE_MAX: f64 = 0.05;
const SLOW_SECONDS: f64 = 2.0;
/// The quantile of the time of requests that is looked at.
const QUANTILE: f64 = 0.95;
/// Fewer requests than this say nothing of a share.
const REQUESTS_MIN: f64 = 5.0;
/// Asked by those who look; not what people ask.
const LOOKING: [&str; 4] = ["/metrics", "/health/ready", "/health/live", "/v1/ops/health"];

/// Series with their values, as `metric::read_text` gives them.
pub type Look = [(Key, f64)];

/// How many requests were answered between the looks, those of whoever looks left out.
#[must_use]
pub fn requests(before: &Look, now: &Look) -> f64 {
    grown(before, now, list::HTTP_REQUESTS.0.name, &is_asked)
}

/// What is wrong with the requests that were answered between the looks, `seconds` apart.
#[must_use]
pub fn traffic(before: &Look, now: &Look, seconds: f64) -> Vec<Finding> {
    let all = requests(before, now);
    let failed = grown(before, now, list::HTTP_REQUESTS.0.name, &|key| {
        is_asked(key) && key.label("status").starts_with('5')
    });
    let refused = grown(before, now, list::AUTH_REFUSALS.0.name, &|_| true);
    let slowest = quantile(before, now);
    let mut found = Vec::new();
    if refused / seconds.max(0.001) > REFUSED_A_SECOND_MAX {
        let what = format!(
            "{refused} requests within {seconds:.1} s were refused: unknown, not allowed, or too fast"
        );
        let fix = "ibid runbook run attack-or-abuse";
        found.push(Finding::problem("traffic", "requests_refused", what, fix));
    }
    if all >= REQUESTS_MIN && failed / all > FAILED_SHARE_MAX {
        let what = format!("{failed} of {all} requests within {seconds:.1} s failed");
        found.push(Finding::problem("traffic", "requests_failing", what, "ibid runbook run high-error-rate"));
    }
    if let Some(slow) = slowest.filter(|slow| all >= REQUESTS_MIN && *slow > SLOW_SECONDS) {
        let what = format!("one of {all} requests in twenty takes up to {slow} s or more");
        found.push(Finding::problem("traffic", "requests_slow", what, "ibid runbook run slow-answers"));
    }
    if found.is_empty() {
        found.push(Finding::ok(
            "traffic",
            format!("{all} requests within {seconds:.1} s, {failed} of them failed"),
        ));
    }
    found
}

fn is_asked(key: &Key) -> bool {
    !LOOKING.contains(&key.label("route"))
}

fn grown(before: &Look, now: &Look, name: &str, chosen: &dyn Fn(&Key) -> bool) -> f64 {
    let sum = |look: &Look| -> f64 {
        look.iter().filter(|(key, _)| key.name == name && chosen(key)).map(|(_, value)| value).sum()
    };
    // A server that started anew counts from 0 again.
    (sum(now) - sum(before)).max(0.0)
}

/// The bound under which so many of the requests were answered; nothing where there was none.
fn quantile(before: &Look, now: &Look) -> Option<f64> {
    let name = format!("{}_bucket", list::HTTP_DURATION.0.name);
    let up_to = |bound: &str| grown(before, now, &name, &|key| is_asked(key) && key.label("le") == bound);
    let all = up_to("+Inf");
    let crate::metric::Kind::Histogram(bounds) = list::HTTP_DURATION.0.kind else { return None };
    let enough = |bound: &&f64| up_to(&bound.to_string()) >= all * QUANTILE;
    (all > 0.0).then(|| bounds.iter().find(enough).copied().unwrap_or(f64::INFINITY))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::{Registry, read_text};

    /// The codes of what is found after `happens`.
    fn found(happens: impl Fn(&Registry)) -> Vec<String> {
        let registry = Registry::new();
        registry.count(&list::HTTP_REQUESTS, ["GET", "/v1/ask", "500"]);
        let before = read_text(&registry.text());
        happens(&registry);
        traffic(&before, &read_text(&registry.text()), 2.0).into_iter().map(|finding| finding.code).collect()
    }

    fn served(registry: &Registry, count: u32, status: &str, seconds: f64) {
        for _ in 0..count {
            registry.count(&list::HTTP_REQUESTS, ["GET", "/v1/ask", status]);
            registry.observe(&list::HTTP_DURATION, ["/v1/ask"], seconds);
        }
    }

    #[test]
    fn what_fails_waits_or_is_refused_is_told_apart() {
        assert_eq!(found(|r| served(r, 10, "200", 0.1)), ["traffic_ok"]);
        assert_eq!(found(|r| served(r, 10, "503", 0.1)), ["requests_failing"]);
        assert_eq!(found(|r| served(r, 10, "200", 4.0)), ["requests_slow"]);
        assert_eq!(found(|r| r.grow(&list::AUTH_REFUSALS, ["key_unknown"], 9.0)), ["requests_refused"]);
    }

    #[test]
    fn little_and_ones_own_requests_say_nothing() {
        assert_eq!(found(|_| ()), ["traffic_ok"]);
        assert_eq!(found(|r| served(r, 2, "500", 9.0)), ["traffic_ok"]);
        assert_eq!(found(|r| r.grow(&list::HTTP_REQUESTS, ["GET", "/metrics", "503"], 90.0)), ["traffic_ok"]);
    }
}
