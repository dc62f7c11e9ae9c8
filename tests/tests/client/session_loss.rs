//! Sessions that are not recovered, and what the client reports.

use std::time::Duration;

use parlor::client::{CloseCause, ConnectError, ConnectionChange, Reconnect};
use parlor::wire::{CloseCode, Unrecovered};
use parlor_tests::{Log, within_timeout};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::http::StatusCode;

use crate::closes::{closed_call, disconnected};
use crate::contract::{ChatClient, ChatEvents};
use crate::raw_server::{Peer, RawServer};
use crate::reconnecting::{fast_client_builder, fast_reconnect, next_change, say_frame};
use crate::recovery::{
    SECRETS, connect_recoverable, expect_lost, expect_recovered, expect_said, said_frame,
};

pub(crate) async fn expect_emits_lost(events: &mut ChatEvents, expected: u64) {
    match next_change(events).await {
        ConnectionChange::EmitsLost { count, .. } => assert_eq!(count, expected),
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn expect_unrecovered(events: &mut ChatEvents) -> Unrecovered {
    match next_change(events).await {
        ConnectionChange::Restored { recovered: false, reason: Some(reason), .. } => reason,
        other => panic!("{other:?}"),
    }
}

/// Connects and emits twice. The server confirms the first emit.
pub(crate) async fn connect_with_one_emit_in_flight(
    server: &RawServer,
) -> (ChatClient, ChatEvents, Peer) {
    let (chat, mut events, mut peer) =
        connect_recoverable(server, fast_client_builder(server)).await;
    for text in ["confirmed", "in flight"] {
        chat.say(text).unwrap();
        peer.text().await;
    }
    peer.send(r#"["$ack",1]"#).await;
    peer.send(&said_frame(1)).await;
    expect_said(&mut events, 1).await;
    (chat, events, peer)
}

#[tokio::test]
async fn unconfirmed_events_are_lost_when_session_is_not_recovered() {
    for (fields, reason) in [
        (r#""reason":"expired","#, Unrecovered::Expired),
        (r#""reason":"overflow","#, Unrecovered::Overflow),
        (r#""reason":"evicted","#, Unrecovered::Evicted),
        (r#""reason":"ended","#, Unrecovered::Ended),
        (r#""reason":"mismatch","#, Unrecovered::Mismatch),
        (r#""reason":"unknown","#, Unrecovered::Unknown),
        (r#""reason":"ofTomorrow","#, Unrecovered::Unknown),
        ("", Unrecovered::Unknown),
    ] {
        let server = RawServer::start().await;
        let (chat, mut events, mut peer) =
            connect_recoverable(&server, fast_client_builder(&server)).await;
        for text in ["confirmed", "lost", "lost too"] {
            chat.say(text).unwrap();
            peer.text().await;
        }
        let counting = chat.count();
        peer.text().await;
        peer.send(r#"["$ack",1]"#).await;
        peer.send(r#"["$ack",5]"#).await;
        peer.send(&said_frame(1)).await;
        expect_said(&mut events, 1).await;
        peer.cut();
        expect_lost(&mut events).await;
        chat.say("queued").unwrap();

        let mut peer = server.accept_session(SECRETS[1], fields).await;
        assert!(peer.offered_resume().is_some());
        expect_emits_lost(&mut events, 2).await;
        assert_eq!(expect_unrecovered(&mut events).await, reason, "{fields}");
        assert_eq!(
            disconnected(within_timeout("an answer", counting).await).cause,
            CloseCause::Lost
        );
        assert_eq!(peer.text().await, say_frame("queued"), "no earlier event is sent");
        // The counts restart.
        peer.send(&said_frame(2)).await;
        expect_said(&mut events, 2).await;
        peer.cut();
        let mut peer = server.accept_resumed(SECRETS[2], 1).await;
        assert_eq!(peer.offered_resume(), Some(format!("{}.1", SECRETS[1]).as_str()));
        assert_eq!(peer.text().await, r#"["$ack",1]"#);
    }
}

#[tokio::test]
async fn close_code_that_ends_session_prevents_resume() {
    for code in [1002, 1003, 1007, 1009, 1011, 1012] {
        let server = RawServer::start().await;
        let (chat, mut events, mut peer) =
            connect_recoverable(&server, fast_client_builder(&server)).await;
        chat.say("lost").unwrap();
        let counting = chat.count();
        peer.text().await;
        peer.text().await;
        peer.close(code, "over").await;
        expect_lost(&mut events).await;
        expect_emits_lost(&mut events, 1).await;
        let close = disconnected(within_timeout("an answer", counting).await);
        assert_eq!((close.code, close.reason.as_str()), (CloseCode(code), "over"));
        let peer = server.accept_session(SECRETS[1], "").await;
        assert_eq!(peer.offered_resume(), None, "{code}");
        assert_eq!(expect_unrecovered(&mut events).await, Unrecovered::Ended, "{code}");
    }
}

#[tokio::test]
async fn close_code_that_keeps_session_allows_resume() {
    for code in [1001, 1013, 4000, 4001, 4321] {
        let server = RawServer::start().await;
        let (_chat, mut events, peer) =
            connect_recoverable(&server, fast_client_builder(&server)).await;
        peer.close(code, "going away").await;
        expect_lost(&mut events).await;
        let peer = server.accept_resumed(SECRETS[1], 0).await;
        assert!(peer.offered_resume().is_some(), "{code}");
        expect_recovered(&mut events).await;
    }
}

#[tokio::test]
async fn rejection_of_resume_may_end_session() {
    let server = RawServer::start().await;
    let (chat, mut events, mut peer) =
        connect_recoverable(&server, fast_client_builder(&server)).await;
    chat.say("lost").unwrap();
    peer.text().await;
    peer.cut();
    expect_lost(&mut events).await;
    let peer = server.accept_before_welcome().await;
    assert!(peer.offered_resume().is_some());
    peer.close(1012, "the server restarts").await;
    expect_emits_lost(&mut events, 1).await;
    let peer = server.accept_session(SECRETS[1], "").await;
    assert_eq!(peer.offered_resume(), None);
    assert_eq!(expect_unrecovered(&mut events).await, Unrecovered::Ended);
}

#[tokio::test]
async fn client_that_does_not_reconnect_reports_unconfirmed_events_as_lost() {
    for (reconnect, code) in [(Reconnect::never(), None), (fast_reconnect(), Some(4500))] {
        let server = RawServer::start().await;
        let (chat, mut events, mut peer) =
            connect_recoverable(&server, fast_client_builder(&server).reconnect(reconnect)).await;
        chat.say("lost").unwrap();
        let counting = chat.count();
        peer.text().await;
        peer.text().await;
        match code {
            Some(code) => peer.close(code, "go away").await,
            None => peer.cut(),
        }
        let first = next_change(&mut events).await;
        assert!(matches!(first, ConnectionChange::Lost { will_reconnect: false, .. }), "{first:?}");
        expect_emits_lost(&mut events, 1).await;
        let close = closed_call(within_timeout("an answer", counting).await);
        assert_eq!(close.code, code.map_or(CloseCode::ABNORMAL, CloseCode));
        assert!(matches!(next_change(&mut events).await, ConnectionChange::Closed { .. }));
    }
}

#[tokio::test]
async fn client_that_gave_up_keeps_emits_until_it_closes() {
    let server = RawServer::start().await;
    let once = Reconnect { max_attempts: Some(1), ..fast_reconnect() };
    let (chat, mut events, mut peer) =
        connect_recoverable(&server, fast_client_builder(&server).reconnect(once)).await;
    chat.say("in flight").unwrap();
    let counting = chat.count();
    peer.text().await;
    peer.text().await;
    peer.cut();
    expect_lost(&mut events).await;
    chat.say("queued").unwrap();
    drop(server.accept_tcp().await);
    let gave_up = next_change(&mut events).await;
    assert!(matches!(gave_up, ConnectionChange::GaveUp { attempts: 1, .. }), "{gave_up:?}");
    let close = closed_call(within_timeout("an answer", counting).await);
    assert_eq!(close.cause, CloseCause::GaveUp);
    drop(chat);
    expect_emits_lost(&mut events, 2).await;
    let closed = next_change(&mut events).await;
    assert!(
        matches!(closed, ConnectionChange::Closed { cause: CloseCause::Closed, .. }),
        "{closed:?}"
    );
    assert!(within_timeout("the end", events.next()).await.is_none());
}

#[tokio::test]
async fn welcome_without_valid_secret_disables_recovery() {
    for resume in ["null", "7", r#""short""#, r#""AAAAAAAAAAAAAAAAAAAA, 1""#] {
        let server = RawServer::start().await;
        let welcome = format!(r#"["$welcome",{{"resume":{resume}}}]"#);
        let accept = async {
            let mut peer = server.accept_before_welcome().await;
            peer.send(&welcome).await;
            peer
        };
        let (connected, mut peer) = tokio::join!(fast_client_builder(&server).connect(), accept);
        let (chat, mut events) = connected.unwrap();
        chat.say("lost").unwrap();
        let counting = chat.count();
        peer.text().await;
        peer.text().await;
        peer.cut();
        // The session cannot be recovered, so its calls fail at once.
        expect_lost(&mut events).await;
        expect_emits_lost(&mut events, 1).await;
        assert_eq!(
            disconnected(within_timeout("an answer", counting).await).cause,
            CloseCause::Lost
        );
        let peer = server.accept().await;
        assert_eq!(peer.offered.protocols, ["parlor.v1.json"], "{resume}");
        assert_eq!(expect_unrecovered(&mut events).await, Unrecovered::Off, "{resume}");
    }
}

#[tokio::test]
async fn impossible_received_count_ends_session_with_1002() {
    // Two events were sent, and one of them was acknowledged.
    for received in [0, 3, u64::MAX] {
        let server = RawServer::start().await;
        let (chat, mut events, peer) = connect_with_one_emit_in_flight(&server).await;
        peer.cut();
        expect_lost(&mut events).await;
        let mut peer = server.accept_resumed(SECRETS[1], received).await;
        assert_eq!(peer.close_code().await, Some(1002), "{received}");
        drop(peer);
        expect_emits_lost(&mut events, 1).await;
        let mut peer = server.accept_session(SECRETS[2], "").await;
        assert_eq!(peer.offered_resume(), None);
        assert_eq!(expect_unrecovered(&mut events).await, Unrecovered::Mismatch);
        chat.say("next").unwrap();
        assert_eq!(peer.text().await, say_frame("next"));
    }
}

#[tokio::test]
async fn unrequested_recovery_closes_with_1002() {
    let server = RawServer::start().await;
    let refused = async {
        let mut peer = server.accept_resumed(SECRETS[0], 0).await;
        peer.close_code().await
    };
    let (connected, code) = tokio::join!(ChatClient::connect(server.url()), refused);
    assert_eq!(code, Some(1002));
    let error = connected.unwrap_err();
    assert!(matches!(error, ConnectError::Protocol(_)), "{error:?}");

    // A client whose session has ended rejects it as well.
    let (_chat, mut events, peer) =
        connect_recoverable(&server, fast_client_builder(&server)).await;
    peer.close(1012, "restarting").await;
    expect_lost(&mut events).await;
    assert_eq!(server.accept_resumed(SECRETS[1], 0).await.close_code().await, Some(1002));
    server.accept_session(SECRETS[2], "").await;
    assert_eq!(expect_unrecovered(&mut events).await, Unrecovered::Ended);
}

#[tokio::test]
async fn client_that_closes_while_disconnected_reports_unconfirmed_events_as_lost() {
    let server = RawServer::start().await;
    let (chat, mut events, mut peer) =
        connect_recoverable(&server, fast_client_builder(&server)).await;
    chat.say("lost").unwrap();
    let counting = chat.count();
    peer.text().await;
    peer.text().await;
    drop(server);
    peer.cut();
    expect_lost(&mut events).await;
    chat.close();
    assert_eq!(closed_call(within_timeout("an answer", counting).await).cause, CloseCause::Closed);
    expect_emits_lost(&mut events, 1).await;
    match next_change(&mut events).await {
        ConnectionChange::Closed { code, .. } => assert_eq!(code, CloseCode::NORMAL),
        other => panic!("{other:?}"),
    }
}

/// Reports when it is dropped.
struct ReportsDrop(mpsc::UnboundedSender<()>);

impl Drop for ReportsDrop {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

#[tokio::test]
async fn session_hook_is_cancelled_when_session_ends() {
    let server = RawServer::start().await;
    let (sender, mut cancelled) = mpsc::unbounded_channel();
    let day = Duration::from_secs(86_400);
    let builder = fast_client_builder(&server)
        .reconnect(Reconnect { interval: day, max_interval: day, ..Reconnect::default() })
        .on_session(move |chat: ChatClient| {
            let guard = ReportsDrop(sender.clone());
            async move {
                chat.say("running").unwrap();
                let _guard = guard;
                std::future::pending::<()>().await;
            }
        });
    let (_chat, mut events, mut peer) = connect_recoverable(&server, builder).await;
    assert_eq!(peer.text().await, say_frame("running"));
    peer.close(1012, "restarting").await;
    expect_lost(&mut events).await;
    assert_eq!(within_timeout("the end of the hook", cancelled.recv()).await, Some(()));
}

#[tokio::test]
async fn secrets_are_not_logged() {
    let (log, _listening) = Log::start();
    let server = RawServer::start().await;
    let (_chat, mut events, peer) =
        connect_recoverable(&server, fast_client_builder(&server)).await;
    peer.cut();
    expect_lost(&mut events).await;
    server.accept_before_welcome().await.close(4003, "not now").await;
    server.refuse(StatusCode::BAD_GATEWAY).await;
    server.accept_resumed(SECRETS[1], 0).await.cut();
    expect_recovered(&mut events).await;
    expect_lost(&mut events).await;
    server.accept_session(&SECRETS[2][..21], "").await;
    assert_eq!(expect_unrecovered(&mut events).await, Unrecovered::Unknown);
    let text = log.text();
    assert!(text.contains("could not reconnect"), "the log was not captured: {text}");
    assert_eq!(text.matches("not 22 characters").count(), 1, "{text}");
    for secret in SECRETS {
        assert!(!text.contains(&secret[..21]), "{text}");
    }
}
