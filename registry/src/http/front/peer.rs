//! Who is at the other end of a connection.

use std::net::IpAddr;

/// The address of the peer, in the extensions of each of its requests. Behind a proxy it is the proxy's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);
