//! Who somebody is: passwords, one-time codes, recovery codes, passkeys, tokens, and sign-in with other providers.
//!
//! Keeps true: nothing here stores, listens or reads a clock: the time comes in as [`ibid_types::Timestamp`], what must
//! be remembered goes out as a value. What is secret does not print. What comes from outside is bounded before it is
//! read, and is never the cause of a panic.

mod chance;
pub mod jwt;
pub mod password;
pub mod recovery;
pub mod secret;
mod signature;
pub mod totp;
