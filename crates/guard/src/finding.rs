//! What a finder found, and where.
//!
//! Keeps true: findings that leave this crate are in text order, do not overlap, are not empty and lie on character
//! boundaries.

use serde::{Deserialize, Serialize};

/// What was found. A policy says for each kind what is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A key that a service gives out, known by its form.
    ApiKey,
    /// A private key in PEM, OpenPGP, PuTTY's or age's form.
    PrivateKey,
    /// A JSON Web Token.
    SignedToken,
    /// An address with a password in it.
    ConnectionString,
    /// What follows "password =" and the like.
    Password,
    Email,
    Phone,
    /// The number of a bank account (ISO 13616).
    Iban,
    /// The number of a payment card (ISO/IEC 7812).
    Card,
    /// A number by which a state knows a person.
    NationalId,
    /// The address of a machine; personal data only where it leads to a person.
    IpAddress,
}

/// The two kinds of kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    Secret,
    Personal,
}

impl Kind {
    pub const ALL: [Self; 11] = [
        Self::ApiKey,
        Self::PrivateKey,
        Self::SignedToken,
        Self::ConnectionString,
        Self::Password,
        Self::Email,
        Self::Phone,
        Self::Iban,
        Self::Card,
        Self::NationalId,
        Self::IpAddress,
    ];

    #[must_use]
    pub const fn group(self) -> Group {
        match self {
            Self::ApiKey | Self::PrivateKey | Self::SignedToken | Self::ConnectionString | Self::Password => {
                Group::Secret
            }
            Self::Email | Self::Phone | Self::Iban | Self::Card | Self::NationalId | Self::IpAddress => {
                Group::Personal
            }
        }
    }

    /// As policies and metrics name it: `api_key`.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::PrivateKey => "private_key",
            Self::SignedToken => "signed_token",
            Self::ConnectionString => "connection_string",
            Self::Password => "password",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Iban => "iban",
            Self::Card => "card",
            Self::NationalId => "national_id",
            Self::IpAddress => "ip_address",
        }
    }

    #[must_use]
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.id() == id)
    }

    /// For people: "an e-mail address".
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ApiKey => "an API key",
            Self::PrivateKey => "a private key",
            Self::SignedToken => "a signed token",
            Self::ConnectionString => "an address with a password",
            Self::Password => "a password",
            Self::Email => "an e-mail address",
            Self::Phone => "a telephone number",
            Self::Iban => "a bank account number",
            Self::Card => "a card number",
            Self::NationalId => "a national id",
            Self::IpAddress => "an IP address",
        }
    }

    /// What stands in its place where it is redacted.
    #[must_use]
    pub const fn redaction(self) -> &'static str {
        match self {
            Self::ApiKey => "[api key]",
            Self::PrivateKey => "[private key]",
            Self::SignedToken => "[token]",
            Self::ConnectionString | Self::Password => "[password]",
            Self::Email => "[e-mail]",
            Self::Phone => "[phone]",
            Self::Iban => "[account]",
            Self::Card => "[card]",
            Self::NationalId => "[id]",
            Self::IpAddress => "[ip address]",
        }
    }
}

/// Bytes `[start, end)` of the text that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub kind: Kind,
    /// The exact sort: "GitHub token", "IBAN (DE)", "PESEL".
    pub what: &'static str,
    pub start: usize,
    pub end: usize,
}

impl Finding {
    pub(crate) const fn new(kind: Kind, what: &'static str, start: usize, end: usize) -> Self {
        Self { kind, what, start, end }
    }

    /// The text that was found; empty where the finding is not of this text.
    #[must_use]
    pub fn text<'a>(&self, text: &'a str) -> &'a str {
        text.get(self.start..self.end).unwrap_or_default()
    }
}

/// In text order and without overlaps: of those that overlap, the one that begins first stays, and of those that begin
/// together the longest.
pub fn tidy(mut found: Vec<Finding>) -> Vec<Finding> {
    found.sort_by_key(|finding| (finding.start, std::cmp::Reverse(finding.end)));
    let mut end = 0;
    found.retain(|finding| {
        let stays = finding.start >= end && finding.start < finding.end;
        if stays {
            end = finding.end;
        }
        stays
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(start: usize, end: usize) -> Finding {
        Finding::new(Kind::Email, "e-mail", start, end)
    }

    #[test]
    fn the_first_and_longest_stay() {
        let tidied = tidy(vec![finding(4, 6), finding(0, 3), finding(0, 5), finding(5, 9), finding(9, 9)]);
        assert_eq!(tidied, [finding(0, 5), finding(5, 9)]);
    }

    #[test]
    fn a_finding_of_another_text_is_empty() {
        assert_eq!(finding(1, 3).text("abc"), "bc");
        assert_eq!(finding(1, 9).text("abc"), "");
    }

    #[test]
    fn each_kind_is_told_and_redacted() {
        for kind in Kind::ALL {
            assert!(!kind.name().is_empty() && kind.redaction().starts_with('['));
            assert_eq!(Kind::from_id(kind.id()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.id());
        }
    }
}
