//! How the server is reached by https.

use std::path::PathBuf;

use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// Who signs the certificates that clients must show; empty: they need none.
    pub client_ca: PathBuf,
    /// `everywhere` or `api`.
    pub client_for: String,
    pub acme_domains: Vec<String>,
    pub acme_email: String,
    pub acme_directory: String,
    pub acme_directory_ca: PathBuf,
    pub acme_renew_days: i64,
}

impl Tls {
    #[must_use]
    pub fn is_on(&self) -> bool {
        is_named(&self.certificate) || self.is_by_acme()
    }

    #[must_use]
    pub fn is_by_acme(&self) -> bool {
        !self.acme_domains.is_empty()
    }

    /// Whose signature a client's certificate must have.
    #[must_use]
    pub fn client_authority(&self) -> Option<&PathBuf> {
        is_named(&self.client_ca).then_some(&self.client_ca)
    }

    pub(crate) fn problems(&self, must: &mut dyn FnMut(bool, &str, &str)) {
        let (has_certificate, has_key) = (is_named(&self.certificate), is_named(&self.key));
        must(!has_certificate || has_key, "server.tls.key", "name the file of the certificate's key");
        must(has_certificate || !has_key, "server.tls.certificate", "name the file of the key's certificate");
        must(
            !has_certificate || !self.is_by_acme(),
            "server.tls.acme_domains",
            "leave it empty where server.tls.certificate names a file",
        );
        must(
            !is_named(&self.client_ca) || self.is_on(),
            "server.tls.client_ca",
            "clients show certificates to a server that has one: set server.tls.certificate too",
        );
        let is_known = ["everywhere", "api"].contains(&self.client_for.as_str());
        must(is_known, "server.tls.client_for", "\"everywhere\" or \"api\"");
        for (index, name) in self.acme_domains.iter().enumerate() {
            must(
                is_domain(name),
                &format!("server.tls.acme_domains[{index}]"),
                "a name such as ibid.example.org",
            );
        }
        let is_address = self.acme_directory.starts_with("https://");
        must(!self.is_by_acme() || is_address, "server.tls.acme_directory", "an https:// address");
        must((1..=365).contains(&self.acme_renew_days), "server.tls.acme_renew_days", "1 to 365");
    }
}

fn is_named(path: &std::path::Path) -> bool {
    !path.as_os_str().is_empty()
}

/// Wildcards are proved in the DNS only, which is not asked here.
fn is_domain(name: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use crate::tried::told;

    #[test]
    fn a_certificate_has_a_key_or_is_fetched() {
        assert_eq!(told(&["server.tls.certificate=a.pem", "server.tls.key=b.pem"]), "fine");
        assert_eq!(told(&["server.tls.acme_domains=['ibid.example']"]), "fine");
        assert!(told(&["server.tls.certificate=a.pem"]).contains("server.tls.key"));
        let both = ["server.tls.certificate=a", "server.tls.key=b", "server.tls.acme_domains=['a.example']"];
        assert!(told(&both).contains("server.tls.acme_domains"));
        for wrong in ["*.example", "Ibid.example", "a..b", "a/b"] {
            let domains = format!("server.tls.acme_domains=['{wrong}']");
            assert!(told(&[&domains]).contains("acme_domains[0]"), "{wrong}");
        }
    }

    #[test]
    fn clients_show_certificates_to_a_server_that_has_one() {
        assert!(told(&["server.tls.client_ca=ca.pem"]).contains("server.tls.client_ca"));
        assert!(told(&["server.tls.client_for=page"]).contains("server.tls.client_for"));
    }
}
