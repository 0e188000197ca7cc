//! A connection to a place by its name, which is given up in time.

use std::io::{Error, ErrorKind, Result};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

/// Addresses of a name that are tried.
const ADDRESSES_MAX: usize = 4;

/// `wait_max` is for each address, and then for each word that is waited for.
pub fn connect(host: &str, port: u16, wait_max: Duration) -> Result<TcpStream> {
    let mut last = Error::from(ErrorKind::NotFound);
    for address in (host, port).to_socket_addrs()?.take(ADDRESSES_MAX) {
        match TcpStream::connect_timeout(&address, wait_max) {
            Ok(stream) => {
                stream.set_read_timeout(Some(wait_max))?;
                stream.set_write_timeout(Some(wait_max))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}
