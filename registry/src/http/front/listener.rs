//! The listening socket.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};

use super::tls::TlsAcceptor;

const BACKLOG: u32 = 4096;

/// Why nothing listens.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another program has the port.
    #[error("{address} is taken by another program: stop that one, or choose another address with --listen")]
    Taken {
        /// The address as configured.
        address: SocketAddr,
    },
    /// The operating system refuses the port.
    #[error("the operating system does not allow {address}: choose a port above 1023 with --listen")]
    Forbidden {
        /// The address as configured.
        address: SocketAddr,
    },
    /// Anything else, such as an address that this machine does not have.
    #[error("cannot listen on {address}: give --listen an address of this machine")]
    Unusable {
        /// The address as configured.
        address: SocketAddr,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
}

/// A bound address, with TLS or without.
#[derive(Debug)]
pub struct Listener {
    pub(super) socket: TcpListener,
    pub(super) tls: Option<TlsAcceptor>,
    address: SocketAddr,
}

impl Listener {
    /// Listens on `address`. Must be called inside a runtime.
    pub fn bind(address: SocketAddr, tls: Option<TlsAcceptor>) -> Result<Self, BindError> {
        let socket = listen(address).map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => BindError::Taken { address },
            io::ErrorKind::PermissionDenied => BindError::Forbidden { address },
            _ => BindError::Unusable { address, source },
        })?;
        let bound = socket.local_addr().map_err(|source| BindError::Unusable { address, source })?;
        Ok(Self { socket, tls, address: bound })
    }

    /// The address that clients reach, with the real port where 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether clients must speak TLS.
    pub fn is_tls(&self) -> bool {
        self.tls.is_some()
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restart must not wait for the last connections of its predecessor.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
