//! The ports that callers and operators connect to, and what is said where one cannot be had.

use std::{io, net::SocketAddr};

use anyhow::{Result, bail};
use tokio::net::TcpListener;

/// The admin port, where one is wanted.
///
/// # Errors
/// When it is taken, or would show everybody what this proxy sees.
pub(super) async fn bind_admin(
    address: Option<SocketAddr>,
    has_token: bool,
) -> Result<Option<TcpListener>> {
    let Some(address) = address else {
        return Ok(None);
    };
    if !address.ip().is_loopback() && !has_token {
        bail!(
            "--admin {address} would show everybody what this proxy sees; give a loopback address such as 127.0.0.1:8888, or off, or name a token in the configuration: admin.token_env"
        );
    }
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| port_error("--admin", address, &error))?;
    Ok(Some(listener))
}

/// What is said of a port that cannot be had, with the way out.
pub(super) fn port_error(flag: &str, address: SocketAddr, error: &io::Error) -> anyhow::Error {
    let free = SocketAddr::new(address.ip(), 0);
    if error.kind() == io::ErrorKind::AddrInUse {
        anyhow::anyhow!(
            "{flag} {address}: another program listens there; stop it, or let us take a free port with {flag} {free}"
        )
    } else {
        anyhow::anyhow!(
            "{flag} {address}: {error}; give an address of this machine, such as {flag} {free}"
        )
    }
}
