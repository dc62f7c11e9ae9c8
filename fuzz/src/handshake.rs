//! The first bytes of a connection: a request, and frames after it.

use std::cell::OnceCell;
use std::time::Duration;

use parlor::__fuzz::connect;
use parlor::Router;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::contract;

/// Longer than all timeouts of the server together. The paused clock advances when nothing else
/// happens.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(3600);

const IDLE_TIME: Duration = Duration::from_millis(1);

struct Server {
    runtime: Runtime,
    router: Router,
}

thread_local! {
    static SERVER: OnceCell<Server> = const { OnceCell::new() };
}

impl Server {
    fn start() -> Self {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        let router = Router::new().procedure("/", contract::server());
        Self { runtime: runtime.expect("a runtime"), router }
    }
}

pub fn run(bytes: &[u8]) {
    let answer = answer(bytes);
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 "), "not an HTTP response");
    assert!(!answer.starts_with(b"HTTP/1.1 5"), "a server error");
}

/// Returns all that a client receives that sends `bytes`, and ends its half of the connection when
/// no more arrives.
pub(crate) fn answer(bytes: &[u8]) -> Vec<u8> {
    SERVER.with(|server| {
        let Server { runtime, router } = server.get_or_init(Server::start);
        let (mut client, stream) = duplex(1 << 20);
        let client = async move {
            client.write_all(bytes).await.expect("they fit");
            let mut answer = Vec::new();
            // The clock advances when the server has handled all bytes.
            let end = timeout(IDLE_TIME, client.read_to_end(&mut answer)).await;
            if end.is_err() {
                client.shutdown().await.expect("shut down");
                client.read_to_end(&mut answer).await.expect("read");
            }
            answer
        };
        let connection = async { tokio::join!(client, connect(router, stream)).0 };
        let answer = runtime.block_on(async { timeout(CONNECTION_TIMEOUT, connection).await });
        let answer = answer.expect("the connection hangs");
        assert_eq!(router.connections(), 0, "a session remains after its connection");
        answer
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_after_request_reach_session() {
        for (seed, expected) in [
            (&include_bytes!("../seeds/handshake/call")[..], r#"["$ok",true,2]"#),
            (include_bytes!("../seeds/handshake/plain"), r#"["pong",null]"#),
        ] {
            let answer = String::from_utf8_lossy(&answer(seed)).into_owned();
            assert!(answer.contains(expected), "{expected} is not in {answer}");
        }
    }
}
