//! One exchange with an upstream, as far as it failed below HTTP.

use crate::vocabulary::fault::{Domain, Fault, FaultClass};

/// How far a request got before its connection failed. Decides what may be sent again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sent {
    /// No byte left: anything may be sent again.
    Nothing,
    /// Something may have arrived: only idempotent methods may be sent again.
    Something,
}

/// What failed below HTTP.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TransportFault {
    /// The name does not resolve.
    Dns,
    /// Nobody listens there.
    Refused,
    /// The connection was not set up in time.
    ConnectTimeout,
    /// The connection could not be set up for another reason.
    Unreachable,
    /// What the peer shows is not vouched for: by an authority that is trusted, for that name, at this time.
    Certificate,
    /// TLS failed otherwise: a version, an alert.
    Tls,
    /// The peer reset the connection.
    Reset,
    /// The connection ended before the answer did.
    Closed,
    /// The answer is no HTTP.
    Protocol,
    /// Anything else.
    Other,
}

// === impl TransportFault ===

impl TransportFault {
    /// The fault that it is.
    #[must_use]
    pub const fn fault(self) -> Fault {
        match self {
            Self::Dns => {
                Fault::new(FaultClass::ConnectionError, "dns_error").striking(Domain::Upstream)
            }
            Self::Refused => Fault::new(FaultClass::ConnectionError, "connect_refused")
                .striking(Domain::Upstream),
            Self::ConnectTimeout => {
                Fault::new(FaultClass::Timeout, "connect_timeout").striking(Domain::Upstream)
            }
            Self::Unreachable => {
                Fault::new(FaultClass::ConnectionError, "unreachable").striking(Domain::Upstream)
            }
            Self::Certificate => Fault::new(FaultClass::ConnectionError, "tls_certificate")
                .striking(Domain::Upstream),
            Self::Tls => Fault::new(FaultClass::ConnectionError, "tls").striking(Domain::Upstream),
            Self::Reset => Fault::new(FaultClass::ConnectionError, "reset_mid_response"),
            Self::Closed => Fault::new(FaultClass::ConnectionError, "eof"),
            Self::Protocol => Fault::new(FaultClass::MalformedBody, "protocol_error"),
            Self::Other => Fault::new(FaultClass::ConnectionError, "other"),
        }
    }

    /// The fault that it is when it struck inside a body.
    #[must_use]
    pub const fn fault_in_body(self) -> Fault {
        match self {
            Self::Reset => Fault::new(FaultClass::ConnectionError, "reset_mid_response"),
            Self::Protocol => Fault::new(FaultClass::MalformedBody, "protocol_error"),
            Self::Dns
            | Self::Refused
            | Self::ConnectTimeout
            | Self::Unreachable
            | Self::Certificate
            | Self::Tls
            | Self::Closed
            | Self::Other => Fault::new(FaultClass::MalformedBody, "truncated_body"),
        }
    }
}
