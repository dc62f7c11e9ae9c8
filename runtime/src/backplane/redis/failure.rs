//! Why a connection to Redis cannot be used.

use std::{fmt, io};

use redis::{ErrorKind, RedisError, ServerError};

use super::super::{ConnectError, LinkError};
use super::address::Address;

/// The reasons contain no password.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server is not there, or not yet.
    Unreachable(String),
    Credentials(String),
    Tls(String),
    Unusable(String),
}

impl Failure {
    pub(super) fn unreachable(reason: impl fmt::Display) -> Self {
        Self::Unreachable(reason.to_string())
    }

    /// From an error of the first commands on a connection.
    pub(super) fn of_handshake(error: &RedisError, address: &Address) -> Self {
        match error.clone().into_server_errors() {
            Some(replies) if !replies.is_empty() => Self::of_reply(&replies[0].1, address),
            _ => Self::of_client(error, address),
        }
    }

    /// From an error that the server replied.
    fn of_reply(reply: &ServerError, address: &Address) -> Self {
        let reason = reply_text(reply, address);
        match reply.code() {
            "NOAUTH" => Self::Credentials("it requires a password".to_owned()),
            "WRONGPASS" => Self::Credentials(reason),
            "BUSY" | "CLUSTERDOWN" | "LOADING" | "MASTERDOWN" | "TRYAGAIN" => {
                Self::Unreachable(reason)
            }
            _ if reason.contains("max number of clients") => Self::Unreachable(reason),
            _ if reply.details().is_some_and(|text| text.starts_with("unknown command")) => {
                Self::without_command(reply)
            }
            _ => Self::Unusable(reason),
        }
    }

    /// From an error that the crate detected.
    fn of_client(error: &RedisError, address: &Address) -> Self {
        let reason = address.clean(&error.to_string());
        let hint = if address.is_secure { "" } else { "; for a server with TLS, use `rediss://`" };
        match error.kind() {
            ErrorKind::RESP3NotSupported => Self::too_old(),
            ErrorKind::AuthenticationFailed => Self::Credentials(reason),
            ErrorKind::Io if address.is_secure && reason.contains("fatal alert") => {
                Self::Tls(with_hint(reason))
            }
            ErrorKind::Io if error.is_connection_dropped() => {
                Self::Unreachable(format!("it closed the connection{hint}"))
            }
            ErrorKind::Io => Self::Unreachable(reason),
            _ => Self::Unusable(format!("it does not answer as Redis does: {reason}{hint}")),
        }
    }

    /// From the reply to an unknown command. It quotes the command, and thereby maybe a part of the password.
    fn without_command(reply: &ServerError) -> Self {
        let name = reply.details().and_then(|text| text.split(['`', '\'']).nth(1));
        match name {
            Some("HELLO") => Self::too_old(),
            Some("INFO") => Self::Unusable("it has renamed or disabled `INFO`".to_owned()),
            _ => Self::Unusable("it lacks a command that Parlor needs".to_owned()),
        }
    }

    fn too_old() -> Self {
        Self::Unusable("it does not have `HELLO`; Redis 6 or later does".to_owned())
    }

    /// From an error of the handshake of TLS.
    #[cfg(feature = "rustls")]
    pub(super) fn of_tls(error: &io::Error) -> Self {
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match tls {
            Some(rustls::Error::InvalidMessage(_)) => Self::without_tls(),
            Some(_) => Self::Tls(with_hint(error.to_string())),
            // Closed or reset: a proxy without a server behind it does this too.
            None => Self::unreachable(error),
        }
    }

    #[cfg(feature = "rustls")]
    pub(super) fn without_tls() -> Self {
        let reason = "it answers without TLS: for a server without TLS, use `redis://`";
        Self::Tls(reason.to_owned())
    }

    /// An error, unless the server cannot be reached.
    pub(super) fn into_connect_error(self, address: &Address) -> Result<(), ConnectError> {
        match self {
            Self::Unreachable(_) => Ok(()),
            failure => Err(failure.into_error(address)),
        }
    }

    pub(super) fn into_error(self, address: &Address) -> ConnectError {
        let broker = address.to_string();
        match self {
            Self::Credentials(reason) => ConnectError::Credentials { broker, reason },
            Self::Tls(reason) => ConnectError::Tls { broker, reason },
            Self::Unusable(reason) | Self::Unreachable(reason) => {
                ConnectError::Unusable { broker, reason }
            }
        }
    }

    pub(super) fn into_link_error(self, address: &Address) -> LinkError {
        match self {
            Self::Unreachable(reason) => {
                LinkError::new(format_args!("Redis at {address} cannot be reached: {reason}"))
            }
            failure => LinkError::new(format_args!("Redis: {}", failure.into_error(address))),
        }
    }
}

/// The text of an error reply, as `NOPERM this user has no permissions ..`.
pub(super) fn reply_text(reply: &ServerError, address: &Address) -> String {
    address.clean(&format!("{} {}", reply.code(), reply.details().unwrap_or_default()))
}

fn with_hint(reason: String) -> String {
    if reason.contains("CertificateRequired") {
        return format!(
            "{reason}; the server requires a client certificate: use `Redis::connect_with_rustls`, or set \
             `tls-auth-clients no`"
        );
    }
    reason
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::unreachable(error)
    }
}
