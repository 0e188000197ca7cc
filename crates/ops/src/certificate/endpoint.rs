//! The addresses of the configuration that have a certificate.

use ibid_config::Config;

/// PagerDuty's own address, where a receiver of that kind names none.
const PAGERDUTY: &str = "https://events.pagerduty.com";

/// Where somebody shows a certificate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endpoint {
    pub host: String,
    pub port: u16,
    /// What it is of: `chat model small`.
    pub what: String,
}

impl Endpoint {
    /// `host`, or `host:port` where the port is not that of https.
    #[must_use]
    pub fn label(&self) -> String {
        if self.port == 443 { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }

    /// The place of an https address; nothing for others.
    fn of(url: &str, what: &str) -> Option<Self> {
        let url = reqwest::Url::parse(url.trim()).ok().filter(|url| url.scheme() == "https")?;
        let host = url.host_str()?.trim_matches(['[', ']']).to_owned();
        Some(Self { host, port: url.port_or_known_default()?, what: what.to_owned() })
    }
}

/// Each place once: providers, receivers, mail servers that speak TLS from the start, the collector of traces, stores of
/// originals and backups, servers of tools, and this server's own public address.
#[must_use]
pub fn endpoints(config: &Config) -> Vec<Endpoint> {
    let mut all = Vec::new();
    let mut add = |url: &str, what: &str| all.extend(Endpoint::of(url, what));
    add(&config.notify.public_url, "this server's public address");
    add(&config.embedder.url, "the embedder");
    for model in &config.chat.models {
        add(&model.url, &format!("chat model {}", model.name));
    }
    add(&config.telemetry.otlp_endpoint, "the collector of traces");
    if config.blob.kind == "s3" {
        add(&config.blob.s3_endpoint, "the store of originals");
    }
    for destination in config.backup.destinations.iter().filter(|one| one.kind == "s3") {
        add(&destination.endpoint, &format!("backup destination {}", destination.name));
    }
    for server in &config.tools.mcp {
        add(&server.url, &format!("tools {}", server.name));
    }
    for receiver in &config.notify.receivers {
        let what = format!("receiver {}", receiver.name);
        match receiver.kind.as_str() {
            "email" if receiver.security == "tls" => add(&format!("https://{}", receiver.smtp), &what),
            "email" => {}
            "pagerduty" if receiver.url.is_empty() => add(PAGERDUTY, &what),
            _ => add(receiver.url.reveal(), &what),
        }
    }
    all.sort();
    all.dedup_by(|one, other| one.label() == other.label());
    all
}

#[cfg(test)]
mod tests {
    use ibid_config::Layers;

    use super::*;

    #[test]
    fn every_https_address_is_looked_at_once() {
        let mut layers = Layers::defaults().unwrap();
        layers.flag("notify.public_url=https://ibid.example");
        layers.flag(
            "chat.models=[{name='a', provider='openai', url='https://llm.example/v1', model='m'}, \
             {name='b', provider='openai', url='https://llm.example/v1', model='n'}, \
             {name='c', provider='openai', url='http://127.0.0.1:1/v1', model='n'}]",
        );
        layers.flag(
            "notify.receivers=[{name='p', kind='pagerduty', key='k'}, \
             {name='m', kind='email', smtp='mail.example:465', security='tls', from='a@b', to=['a@b']}, \
             {name='s', kind='email', smtp='mail.example:587', from='a@b', to=['a@b']}]",
        );
        let all = endpoints(&layers.finish().unwrap().0);
        let labels: Vec<String> = all.iter().map(Endpoint::label).collect();
        assert_eq!(labels, ["events.pagerduty.com", "ibid.example", "llm.example", "mail.example:465"]);
    }
}
