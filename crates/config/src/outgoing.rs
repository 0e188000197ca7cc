//! What the server sends without encryption: to this machine and private networks, and beyond only where an operator says so.
//!
//! Keeps true: every setting that names an address to which keys, questions or documents are sent has its line in `addresses`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::Config;

/// Ends of names that the public DNS does not have: special-use ones (RFC 6761, 6762, 8375), `.internal` (ICANN, 2024), those that ICANN
/// never delegates since networks use them by themselves, and Kubernetes' own.
const PRIVATE_ENDS: [&str; 8] =
    [".localhost", ".local", ".home.arpa", ".internal", ".corp", ".home", ".lan", ".svc"];

impl Config {
    /// Settings by which something is sent in the clear beyond this machine and private networks, each with the host.
    #[must_use]
    pub fn sent_in_the_clear(&self) -> Vec<(String, String)> {
        let beyond = |(key, url): (String, &str)| {
            let host = clear_host(url)?;
            (!is_near(&host)).then_some((key, host))
        };
        self.addresses().into_iter().filter_map(beyond).collect()
    }

    pub(crate) fn outgoing_problems(&self, must: &mut dyn FnMut(bool, &str, &str)) {
        for (key, host) in self.sent_in_the_clear() {
            let what = format!(
                "what is sent to {host} could be read on the way: use https:// (or, for mail, \"tls\" or \"starttls\"), or add \
                 \"{host}\" to guard.unencrypted_hosts where the way there is a network of your own"
            );
            must(self.guard.unencrypted_hosts.contains(&host), &key, &what);
        }
    }

    /// Keys of settings with the addresses that they name; mail without TLS as `http://HOST:PORT`.
    fn addresses(&self) -> Vec<(String, &str)> {
        let mut all = vec![
            ("embedder.url".to_owned(), self.embedder.url.as_str()),
            ("telemetry.otlp_endpoint".to_owned(), &self.telemetry.otlp_endpoint),
            ("identity.provider.issuer".to_owned(), &self.identity.provider.issuer),
            ("blob.s3_endpoint".to_owned(), &self.blob.s3_endpoint),
        ];
        let mut add = |list: &str, index: usize, field: &str, url| {
            all.push((format!("{list}[{index}].{field}"), url));
        };
        for (index, model) in self.chat.models.iter().enumerate() {
            add("chat.models", index, "url", &model.url);
        }
        for (index, server) in self.tools.mcp.iter().enumerate() {
            add("tools.mcp", index, "url", &server.url);
        }
        for (index, destination) in self.backup.destinations.iter().enumerate() {
            add("backup.destinations", index, "endpoint", &destination.endpoint);
        }
        for (index, receiver) in self.audit.receivers.iter().enumerate() {
            add("audit.receivers", index, "url", receiver.url.reveal());
        }
        for (index, receiver) in self.notify.receivers.iter().enumerate() {
            add("notify.receivers", index, "url", receiver.url.reveal());
            if receiver.security == "none" {
                add("notify.receivers", index, "security", &receiver.smtp);
            }
        }
        all
    }
}

/// Whether an address leads to this machine or a private network: to what is one's own, as far as it tells.
#[must_use]
pub fn is_near_address(url: &str) -> bool {
    host_of(url).is_some_and(|host| is_near(&host))
}

/// The host to which an address leads without TLS, in lower case.
fn clear_host(url: &str) -> Option<String> {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    let is_clear =
        scheme.is_none_or(|scheme| matches!(scheme.as_str(), "http" | "syslog+tcp" | "syslog+udp"));
    host_of(url).filter(|_| is_clear)
}

/// The host that an address names, in lower case.
fn host_of(url: &str) -> Option<String> {
    let url = url.to_ascii_lowercase();
    let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
    let place = rest.split(['/', '?', '#']).next()?.rsplit('@').next()?;
    let host = match place.strip_prefix('[') {
        Some(inner) => inner.split(']').next()?,
        None => place.split(':').next()?,
    };
    (!host.is_empty()).then(|| host.trim_end_matches('.').to_owned())
}

/// Whether a host is this machine or of a private network, as far as it says so itself: names are not looked up, since whoever answers
/// for them may change. A name of one part is one that the network itself gives.
fn is_near(host: &str) -> bool {
    match host.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(address)) => is_near_v4(address),
        Ok(IpAddr::V6(address)) => is_near_v6(address),
        // Some write addresses as one number.
        Err(_) => {
            let is_own = !host.contains('.') && host.starts_with(|c: char| c.is_ascii_alphabetic());
            is_own || PRIVATE_ENDS.iter().any(|end| host.ends_with(end))
        }
    }
}

/// RFC 1918, and the addresses that carriers and overlay networks share (RFC 6598). All of a machine's is the machine.
fn is_near_v4(address: Ipv4Addr) -> bool {
    let is_shared = address.octets()[0] == 100 && address.octets()[1] & 0xc0 == 64;
    address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_unspecified()
        || is_shared
}

fn is_near_v6(address: Ipv6Addr) -> bool {
    address.is_loopback()
        || address.is_unique_local()
        || address.is_unicast_link_local()
        || address.is_unspecified()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tried::{read, told};

    #[test]
    fn ones_own_addresses_are_told_from_those_of_others() {
        assert!(
            ["http://127.0.0.1:11434/v1", "https://models.lan", "localhost:8000"]
                .into_iter()
                .all(is_near_address)
        );
        assert!(["https://api.example.org/v1", "", "https://"].into_iter().all(|far| !is_near_address(far)));
    }

    #[test]
    fn near_hosts_are_told_from_far_ones() {
        for near in [
            "localhost",
            "127.8.8.8",
            "::1",
            "10.1.2.3",
            "192.168.0.9",
            "172.31.0.1",
            "100.64.0.1",
            "fd00::7",
            "::ffff:10.0.0.1",
            "ollama",
            "gpu-2",
            "models.local",
            "a.b.svc.cluster.local",
            "m.internal",
        ] {
            assert!(is_near(near), "{near}");
        }
        for far in [
            "api.example",
            "8.8.8.8",
            "172.32.0.1",
            "100.128.0.1",
            "2606:4700::1",
            "134744072",
            "0x8080808",
            "local.example",
        ] {
            assert!(!is_near(far), "{far}");
        }
    }

    #[test]
    fn the_host_is_that_of_the_connection() {
        let host = |url: &str| clear_host(url).unwrap_or_default();
        assert_eq!(host("http://A.Example.:80/v1?x=y"), "a.example");
        assert_eq!(host("http://10.0.0.1@a.example/"), "a.example");
        assert_eq!(host("http://[::1]:8080"), "::1");
        assert_eq!(
            (host("mail.example:25").as_str(), host("https://a.example"), host("")),
            ("mail.example", String::new(), String::new())
        );
    }

    #[test]
    fn nothing_is_sent_in_the_clear_beyond_private_networks() {
        let model = "{name='m', provider='openai', model='m', url='http://models.example/v1'}";
        let mail =
            "{name='mail', kind='email', smtp='mail.example:25', security='none', from='a@b', to=['c@d']}";
        let hook = "{name='hook', kind='webhook', url='http://hook.example/secret'}";
        let far = "{name='far', kind='s3', bucket='b', endpoint='http://s3.example'}";
        for (setting, key) in [
            (format!("chat.models=[{model}]"), "chat.models[0].url"),
            (format!("notify.receivers=[{mail}]"), "notify.receivers[0].security"),
            (format!("notify.receivers=[{hook}]"), "notify.receivers[0].url"),
            (format!("backup.destinations=[{far}]"), "backup.destinations[0].endpoint"),
            ("tools.mcp=[{name='w', url='http://wiki.example/mcp'}]".to_owned(), "tools.mcp[0].url"),
            ("embedder.url=http://embed.example".to_owned(), "embedder.url"),
            ("blob.s3_endpoint=http://s3.example".to_owned(), "blob.s3_endpoint"),
            ("telemetry.otlp_endpoint=http://otlp.example".to_owned(), "telemetry.otlp_endpoint"),
            ("identity.provider.issuer=http://login.example".to_owned(), "identity.provider.issuer"),
        ] {
            let told = told(&[&setting]);
            assert!(told.contains(&format!("{key} (from flag): what is sent to ")), "{told}");
            assert!(!told.contains("/secret"), "{told}");
        }
        assert_eq!(told(&[&format!("chat.models=[{}]", model.replace("http:", "https:"))]), "fine");
        assert_eq!(
            told(&[&format!("chat.models=[{}]", model.replace("models.example", "10.0.0.7"))]),
            "fine"
        );
    }

    #[test]
    fn an_operator_may_name_hosts_of_an_own_network() {
        let flags = ["embedder.url=http://embed.example:8080", "guard.unencrypted_hosts=['embed.example']"];
        let config = read(&flags).unwrap();
        let sent = [("embedder.url".to_owned(), "embed.example".to_owned())];
        assert_eq!(config.sent_in_the_clear(), sent);
    }
}
