//! Accounts: signing in and out, one-time links, users and what is granted to them.
//!
//! Keeps true: whoever signs in wrongly learns neither whether the name or the password was wrong nor, by the time that it
//! takes, whether the name is known; there is always somebody who can act as an owner; every step is in the audit log.

mod guesses;
mod people;
mod sign_in;

pub use guesses::Guesses;
pub use people::{
    grant, grant_end, group_delete, may_grant, member, user_create, user_delete, user_disable, user_link,
};
pub use sign_in::{SignedIn, Visitor, change_password, sign_in, use_link};
