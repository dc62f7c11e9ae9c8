//! What the failures of calls and emits, and `last_close`, say about the end of a connection.

use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, Ordering};

use parlor::client::{CallError, Close, CloseCause, ConnectionChange, EmitError, Reconnect};
use parlor::http::{HeaderMap, HeaderValue};
use parlor::wire::CloseCode;
use parlor_tests::within_timeout;

use crate::raw_server::RawServer;
use crate::reconnecting::{connect, fast_client_builder, fast_reconnect, next_change};
use crate::recovery::{SECRETS, connect_recoverable};

/// The end of the client because of which a call failed.
pub(crate) fn closed_call<T: Debug, E: Debug>(called: Result<T, CallError<E>>) -> Close {
    match called {
        Err(CallError::Closed(close)) => close,
        other => panic!("{other:?}"),
    }
}

/// The end of the connection because of which a call failed.
pub(crate) fn disconnected<T: Debug, E: Debug>(called: Result<T, CallError<E>>) -> Close {
    match called {
        Err(CallError::Disconnected(close)) => close,
        other => panic!("{other:?}"),
    }
}

/// The end of the client because of which an event was not sent.
pub(crate) fn closed_emit(emitted: Result<(), EmitError>) -> Close {
    match emitted {
        Err(EmitError::Closed(close)) => close,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn assert_close(close: &Close, cause: CloseCause, code: CloseCode, reason: &str) {
    assert_eq!((close.cause, close.code), (cause, code), "{close:?}");
    assert!(close.reason.contains(reason), "{close:?}");
}

#[tokio::test]
async fn calls_and_emits_have_code_and_reason_of_final_close_code() {
    let server = RawServer::start().await;
    let (chat, mut events, mut peer) =
        connect_recoverable(&server, fast_client_builder(&server)).await;
    assert_eq!(chat.last_close(), None);
    let sent = chat.count();
    peer.text().await;
    peer.close(4501, "token expired").await;
    let expected = |close: &Close| {
        assert_close(close, CloseCause::Rejected, CloseCode::UNAUTHORIZED, "token expired");
    };
    expected(&closed_call(within_timeout("an answer", sent).await));
    while !matches!(next_change(&mut events).await, ConnectionChange::Closed { .. }) {}
    expected(&closed_call(chat.count().await));
    expected(&closed_emit(chat.say("too late")));
    expected(&chat.last_close().unwrap());
    assert_eq!(
        chat.say("too late").unwrap_err().to_string(),
        "the client is closed: rejected by the server (4501: token expired); connect a new one"
    );
}

#[tokio::test]
async fn calls_and_emits_have_code_and_reason_of_final_rejection_of_an_attempt() {
    let server = RawServer::start().await;
    let (chat, mut events, mut peer) =
        connect_recoverable(&server, fast_client_builder(&server)).await;
    let sent = chat.count();
    peer.text().await;
    peer.cut();
    assert!(matches!(next_change(&mut events).await, ConnectionChange::Lost { .. }));
    let queued = chat.join_room("general");
    server.accept_before_welcome().await.close(4501, "token expired").await;
    let expected = |close: &Close| {
        assert_close(close, CloseCause::Rejected, CloseCode::UNAUTHORIZED, "token expired");
    };
    expected(&closed_call(within_timeout("an answer", sent).await));
    expected(&closed_call(within_timeout("an answer", queued).await));
    expected(&closed_emit(chat.say("too late")));
    expected(&chat.last_close().unwrap());
    let closed = next_change(&mut events).await;
    let ConnectionChange::Closed { code, reason, cause, .. } = closed else {
        panic!("{closed:?}");
    };
    assert_eq!((code, reason.as_str()), (CloseCode::UNAUTHORIZED, "token expired"));
    assert_eq!(cause, CloseCause::Rejected);
}

#[tokio::test]
async fn last_close_is_that_of_the_last_loss_or_attempt() {
    let server = RawServer::start().await;
    let (chat, mut events, peer) = connect_recoverable(&server, fast_client_builder(&server)).await;
    peer.close(1001, "going away").await;
    assert!(matches!(next_change(&mut events).await, ConnectionChange::Lost { .. }));
    let close = chat.last_close().unwrap();
    assert_close(&close, CloseCause::Lost, CloseCode::GOING_AWAY, "going away");
    server.accept_before_welcome().await.close(4003, "not now").await;
    let _peer = server.accept_resumed(SECRETS[1], 0).await;
    assert!(matches!(next_change(&mut events).await, ConnectionChange::Restored { .. }));
    let close = chat.last_close().unwrap();
    assert_close(&close, CloseCause::Lost, CloseCode::REFUSED_FOR_NOW, "not now");
    chat.close();
    let close = chat.last_close().unwrap();
    assert_close(&close, CloseCause::Closed, CloseCode::NORMAL, "closed by this client");
}

#[tokio::test]
async fn call_that_is_lost_when_attempts_run_out_has_their_last_failure() {
    let server = RawServer::start().await;
    let once = Reconnect { max_attempts: Some(1), ..fast_reconnect() };
    let (chat, mut events, peer) =
        connect(&server, fast_client_builder(&server).reconnect(once)).await;
    peer.cut();
    assert!(matches!(next_change(&mut events).await, ConnectionChange::Lost { .. }));
    let queued = chat.count();
    server.accept_before_welcome().await.close(4003, "not now").await;
    let close = closed_call(within_timeout("an answer", queued).await);
    assert_close(&close, CloseCause::GaveUp, CloseCode::REFUSED_FOR_NOW, "not now");
    assert_eq!(chat.last_close(), Some(close));
}

#[tokio::test]
async fn reserved_header_of_a_later_attempt_closes_client_as_misconfigured() {
    let server = RawServer::start().await;
    let is_first = AtomicBool::new(true);
    let builder = fast_client_builder(&server).headers(move || {
        let mut headers = HeaderMap::new();
        if !is_first.swap(false, Ordering::Relaxed) {
            headers.insert("upgrade", HeaderValue::from_static("h2c"));
        }
        async { Ok(headers) }
    });
    let (chat, mut events, peer) = connect(&server, builder).await;
    peer.cut();
    assert!(matches!(next_change(&mut events).await, ConnectionChange::Lost { .. }));
    let closed = next_change(&mut events).await;
    assert!(matches!(closed, ConnectionChange::Closed { .. }), "{closed:?}");
    let close = chat.last_close().unwrap();
    assert_close(&close, CloseCause::Misconfigured, CloseCode::ABNORMAL, "`upgrade`");
}
