//! Mail over SMTP.

use std::time::Duration;

use ibid_types::{Error, JobId, Result};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{SmtpTransport, Transport};

use crate::notify::{Notice, Receiver};

/// One mail to all addresses of a receiver.
pub struct Mail {
    name: String,
    from: Mailbox,
    to: Vec<Mailbox>,
    public_url: String,
    transport: SmtpTransport,
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mail").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Mail {
    /// Error: `notify_setup` for addresses that are none.
    pub fn new(receiver: &ibid_config::Receiver, public_url: &str, timeout: Duration) -> Result<Self> {
        let to: Result<Vec<Mailbox>> =
            receiver.to.iter().map(|address| mailbox(&receiver.name, address)).collect();
        Ok(Self {
            name: receiver.name.clone(),
            from: mailbox(&receiver.name, &receiver.from)?,
            to: to?,
            public_url: public_url.to_owned(),
            transport: transport(receiver, timeout)?,
        })
    }

    fn message(&self, notice: &Notice, id: JobId) -> Result<Message> {
        let domain = self.from.email.domain().to_owned();
        let mut message = Message::builder()
            .from(self.from.clone())
            .subject(notice.heading())
            .message_id(Some(format!("<{id}@{domain}>")));
        for to in &self.to {
            message = message.to(to.clone());
        }
        message
            .body(format!("{}\n\n{}\n", notice.heading(), notice.body(&self.public_url)))
            .map_err(|error| Error::internal("notify_malformed", "a mail cannot be written").caused_by(error))
    }
}

impl Receiver for Mail {
    fn deliver(&self, notice: &Notice, id: JobId) -> Result<()> {
        let message = self.message(notice, id)?;
        self.transport.send(&message).map(|_| ()).map_err(|error| {
            let what = format!("the mail server of the receiver {} did not take a mail", self.name);
            Error::unavailable("notify_unreachable", what).caused_by(error)
        })
    }
}

fn mailbox(receiver: &str, address: &str) -> Result<Mailbox> {
    address.parse().map_err(|error: lettre::address::AddressError| {
        let what = format!("'{address}' of the receiver {receiver} is no mail address");
        Error::bad_request("notify_setup", what).caused_by(error)
    })
}

fn transport(receiver: &ibid_config::Receiver, timeout: Duration) -> Result<SmtpTransport> {
    let wrong = || {
        let what = format!("smtp of the receiver {} is not HOST:PORT", receiver.name);
        Error::bad_request("notify_setup", what)
    };
    let (host, port) = receiver.smtp.rsplit_once(':').ok_or_else(wrong)?;
    let port: u16 = port.parse().map_err(|_| wrong())?;
    let parameters = || {
        TlsParameters::new(host.to_owned())
            .map_err(|error| Error::internal("notify_setup", "cannot set up TLS for mail").caused_by(error))
    };
    let tls = match receiver.security.as_str() {
        "tls" => Tls::Wrapper(parameters()?),
        "none" => Tls::None,
        _ => Tls::Required(parameters()?),
    };
    let mut builder = SmtpTransport::builder_dangerous(host).port(port).tls(tls).timeout(Some(timeout));
    if !receiver.user.is_empty() {
        let password = receiver.password.reveal().to_owned();
        builder = builder.credentials(Credentials::new(receiver.user.clone(), password));
    }
    Ok(builder.build())
}
