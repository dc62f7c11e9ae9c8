//! One connection to one server, which never reconnects by itself.

use std::error::Error;
use std::fmt;
use std::future::ready;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_nats::rustls::{self, ClientConfig};
use async_nats::{
    Client, ConnectErrorKind, ConnectOptions, Event, ReconnectToServer, ServerAddr, ServerError,
};
use tokio::sync::mpsc;

use super::NatsOptions;
use super::servers::{Credentials, Server};
use crate::backplane::ConnectError;

/// How long a server has to accept a connection, per address.
const TIMEOUT: Duration = Duration::from_millis(500);
/// The silence after which the server is pinged. After three of them without an answer, the connection is lost.
const PING_INTERVAL: Duration = Duration::from_secs(5);
/// Messages of one topic that wait for the task that reads them. What exceeds it is dropped.
pub(super) const CAPACITY: usize = 65_536;
/// Notices that wait for that task.
const NOTICES: usize = 16;

/// What the connection reports besides messages. When it has ended, no more follow.
pub(super) enum Notice {
    /// More messages than [`CAPACITY`] wait.
    SlowConsumer,
    /// The server reports an error.
    Error(String),
    /// The connection is lost.
    Disconnected,
}

/// Why there is no connection.
pub(super) enum DialError {
    /// The server cannot be reached, or cannot serve now.
    Absent { broker: String, reason: String },
    /// Another attempt would not help.
    Unusable(ConnectError),
}

/// Connects to a server.
pub(super) async fn dial(
    server: &Server,
    options: &NatsOptions,
    tls: &ClientConfig,
) -> Result<(Client, mpsc::Receiver<Notice>), DialError> {
    // The port 0 accepts no connection. After a loss the crate tries this address once, and ends. It has no option
    // for this: its smallest number of attempts is 1, and they count for the first connection too.
    let nowhere: ServerAddr = "nats://127.0.0.1:0".parse().map_err(|error: io::Error| {
        DialError::Absent { broker: server.name.clone(), reason: error.to_string() }
    })?;
    let servers = [server.addr.clone(), nowhere];
    let [first, nowhere] = servers.clone();
    let is_first = AtomicBool::new(true);
    let (sender, notices) = mpsc::channel(NOTICES);
    let mut connect = ConnectOptions::new()
        .name("parlor")
        .connection_timeout(TIMEOUT)
        .ping_interval(PING_INTERVAL)
        .subscription_capacity(CAPACITY)
        .ignore_discovered_servers()
        .retain_servers_order()
        .max_reconnects(1)
        .reconnect_to_server_callback(move |_, _| {
            let addr = if is_first.swap(false, Ordering::Relaxed) { &first } else { &nowhere };
            ready(Some(ReconnectToServer { addr: addr.clone(), delay: Some(Duration::ZERO) }))
        })
        .event_callback(move |event| {
            let sender = sender.clone();
            async move {
                let notice = match event {
                    Event::SlowConsumer(_) => Notice::SlowConsumer,
                    Event::ServerError(error) => Notice::Error(without_prefix(&error)),
                    Event::Disconnected => Notice::Disconnected,
                    _ => return,
                };
                let _ = sender.send(notice).await;
            }
        })
        .tls_client_config(tls.clone());
    if options.tls_first {
        connect = connect.tls_first();
    }
    let of_options =
        options.user_and_password.clone().map(|(user, password)| Credentials::User(user, password));
    let of_options = of_options.or_else(|| options.token.clone().map(Credentials::Token));
    connect = match of_options.or_else(|| server.credentials.clone()) {
        Some(Credentials::User(user, password)) => connect.user_and_password(user, password),
        Some(Credentials::Token(token)) => connect.token(token),
        None => connect,
    };
    match connect.connect(servers.as_slice()).await {
        Ok(client) => Ok((client, notices)),
        Err(error) => Err(classify(server, &error)),
    }
}

fn classify(server: &Server, error: &async_nats::ConnectError) -> DialError {
    let broker = server.name.clone();
    let source = error.source();
    let reason = source.map_or_else(|| error.to_string(), ToString::to_string);
    let io = source.and_then(|source| source.downcast_ref::<io::Error>());
    let is_tls =
        io.and_then(io::Error::get_ref).is_some_and(<dyn Error + Send + Sync>::is::<rustls::Error>);
    let is_credentials = |error: &ServerError| {
        let text = without_prefix(error).to_lowercase();
        text.starts_with("authorization") || text.starts_with("user authentication")
    };
    match error.kind() {
        ConnectErrorKind::TimedOut => {
            let reason = format!("it does not answer within {} ms", TIMEOUT.as_millis());
            return DialError::Absent { broker, reason };
        }
        ConnectErrorKind::Tls => return DialError::Unusable(ConnectError::Tls { broker, reason }),
        _ if is_tls => return DialError::Unusable(ConnectError::Tls { broker, reason }),
        _ => {}
    }
    if let Some(error) = source.and_then(|source| source.downcast_ref::<ServerError>()) {
        let reason = without_prefix(error);
        if is_credentials(error) {
            return DialError::Unusable(ConnectError::Credentials { broker, reason });
        }
        // Too many connections, for example.
        return DialError::Absent { broker, reason };
    }
    if io.is_some_and(|error| error.kind() == io::ErrorKind::InvalidInput) {
        let reason = format!("it does not speak the protocol of NATS: {reason}");
        return DialError::Unusable(ConnectError::Unusable { broker, reason });
    }
    DialError::Absent { broker, reason }
}

fn without_prefix(error: &ServerError) -> String {
    let text = error.to_string();
    text.strip_prefix("nats: ").unwrap_or(&text).to_owned()
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent { broker, reason } => {
                write!(f, "no connection to NATS at {broker}: {reason}")
            }
            Self::Unusable(error) => error.fmt(f),
        }
    }
}
