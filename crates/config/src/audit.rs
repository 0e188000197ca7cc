//! Where the audit log is sent as it is written.

use std::collections::BTreeMap;

use ibid_types::Secret;
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    pub receivers: Vec<AuditReceiver>,
}

/// Who gets each entry.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditReceiver {
    /// Under it is kept how far the receiver has got.
    pub name: String,
    /// `https://`, `http://`, `syslog+tls://`, `syslog+tcp://` or `syslog+udp://`; it may hold a secret and is never shown.
    pub url: Secret,
    /// Of requests over HTTP.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
    /// `jsonl` or `cef`.
    #[serde(default = "jsonl_word")]
    pub format: String,
}

fn jsonl_word() -> String {
    "jsonl".to_owned()
}

const SCHEMES: [&str; 5] = ["https://", "http://", "syslog+tls://", "syslog+tcp://", "syslog+udp://"];

impl Audit {
    pub(crate) fn problems(&self, must: &mut dyn FnMut(bool, &str, &str)) {
        for (index, receiver) in self.receivers.iter().enumerate() {
            let key = |field: &str| format!("audit.receivers[{index}].{field}");
            let is_new = self.receivers[..index].iter().all(|other| other.name != receiver.name);
            let rule = "lower-case letters, digits and hyphens, each name once";
            must(is_new && crate::watch::is_word(&receiver.name), &key("name"), rule);
            let is_known = SCHEMES.iter().any(|scheme| receiver.url.reveal().starts_with(scheme));
            let rule =
                "an https:// or http:// address, or syslog+tls://HOST:PORT, syslog+tcp://, syslog+udp://";
            must(is_known, &key("url"), rule);
            let is_http = receiver.url.reveal().starts_with("http");
            must(
                is_http || receiver.headers.is_empty(),
                &key("headers"),
                "only requests over HTTP have headers",
            );
            let is_known = ["jsonl", "cef"].contains(&receiver.format.as_str());
            must(is_known, &key("format"), "\"jsonl\" or \"cef\"");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::Layers;
    use crate::tried::told;

    #[test]
    fn receivers_have_an_address_that_is_known() {
        let of = |receiver: &str| told(&[&format!("audit.receivers=[{receiver}]")]);
        assert_eq!(
            of("{name='siem', url='https://siem.example', headers={Authorization='Splunk x'}}"),
            "fine"
        );
        assert_eq!(of("{name='logs', url='syslog+tls://logs.example:6514', format='cef'}"), "fine");
        for (wrong, key) in [
            ("{name='a', url='logs.example:514'}", "receivers[0].url"),
            ("{name='a', url='syslog+udp://10.0.0.7', headers={A='b'}}", "receivers[0].headers"),
            ("{name='A b', url='https://a.example'}", "receivers[0].name"),
            ("{name='a', url='https://a.example', format='xml'}", "receivers[0].format"),
            ("{name='a', url='https://a.example'}, {name='a', url='https://b.example'}", "receivers[1].name"),
            // What is far away is not told in the clear.
            ("{name='a', url='syslog+udp://logs.example'}", "receivers[0].url"),
            ("{name='a', url='http://logs.example/in'}", "receivers[0].url"),
        ] {
            assert!(of(wrong).contains(&format!("audit.{key}")), "{wrong}: {}", of(wrong));
        }
    }

    #[test]
    fn receivers_are_not_shown() {
        let mut layers = Layers::defaults().unwrap();
        layers.flag(
            "audit.receivers=[{name='s', url='https://siem.example/T0', headers={Authorization='hunter2'}}]",
        );
        let (config, shown) = layers.finish().unwrap();
        assert_eq!(shown["audit.receivers"].0, "[set]");
        assert!(!format!("{config:?}").contains("hunter2") && !format!("{config:?}").contains("T0"));
    }
}
