//! Sessions that are lost with their connections, and what is said of it.

use std::time::Duration;

use parlor::{CallError, CloseCode, ConnectError, ConnectionChange, Unrecovered};
use parlor_tests::{Log, soon};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::http::StatusCode;

use crate::contract::{ChatClient, ChatEvents};
use crate::raw::RawServer;
use crate::reconnecting::{change, quick, say};
use crate::recovery::{SECRETS, hears, kept, lost, recovered, said};

async fn emits_lost(events: &mut ChatEvents, expected: u64) {
    match change(events).await {
        ConnectionChange::EmitsLost { count, .. } => assert_eq!(count, expected),
        other => panic!("{other:?}"),
    }
}

async fn unrecovered(events: &mut ChatEvents) -> Unrecovered {
    match change(events).await {
        ConnectionChange::Restored { recovered: false, reason: Some(reason), .. } => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_a_server_that_has_lost_the_session_did_not_confirm_is_lost() {
    for (told, reason) in [
        (r#""reason":"expired","#, Unrecovered::Expired),
        (r#""reason":"overflow","#, Unrecovered::Overflow),
        (r#""reason":"evicted","#, Unrecovered::Evicted),
        (r#""reason":"ended","#, Unrecovered::Ended),
        (r#""reason":"identity","#, Unrecovered::Identity),
        (r#""reason":"mismatch","#, Unrecovered::Mismatch),
        (r#""reason":"unknown","#, Unrecovered::Unknown),
        (r#""reason":"ofTomorrow","#, Unrecovered::Unknown),
        ("", Unrecovered::Unknown),
    ] {
        let server = RawServer::start().await;
        let (chat, mut events, mut peer) = kept(&server, quick(&server)).await;
        for text in ["confirmed", "lost", "lost too"] {
            chat.say(text).unwrap();
            peer.text().await;
        }
        let counting = chat.count();
        peer.text().await;
        peer.send(r#"["$ack",1]"#).await;
        peer.send(r#"["$ack",5]"#).await;
        peer.send(&said(1)).await;
        hears(&mut events, 1).await;
        peer.cut();
        lost(&mut events).await;
        chat.say("kept").unwrap();

        let mut peer = server.accept_session(SECRETS[1], told).await;
        assert!(peer.asks_for().is_some());
        emits_lost(&mut events, 2).await;
        assert_eq!(unrecovered(&mut events).await, reason, "{told}");
        assert_eq!(soon("an answer", counting).await, Err(CallError::Disconnected));
        assert_eq!(peer.text().await, say("kept"), "and none of what was sent before");
        // The counts begin anew.
        peer.send(&said(2)).await;
        hears(&mut events, 2).await;
        peer.cut();
        let mut peer = server.accept_again(SECRETS[2], 1).await;
        assert_eq!(peer.asks_for(), Some(format!("{}.1", SECRETS[1]).as_str()));
        assert_eq!(peer.text().await, r#"["$ack",1]"#);
    }
}

#[tokio::test]
async fn a_close_code_may_end_the_session() {
    for code in [1002, 1003, 1007, 1009, 1011, 1012] {
        let server = RawServer::start().await;
        let (chat, mut events, mut peer) = kept(&server, quick(&server)).await;
        chat.say("lost").unwrap();
        let counting = chat.count();
        peer.text().await;
        peer.text().await;
        peer.close(code, "over").await;
        lost(&mut events).await;
        emits_lost(&mut events, 1).await;
        assert_eq!(soon("an answer", counting).await, Err(CallError::Disconnected), "{code}");
        let peer = server.accept_session(SECRETS[1], "").await;
        assert_eq!(peer.asks_for(), None, "{code}");
        assert_eq!(unrecovered(&mut events).await, Unrecovered::Ended, "{code}");
    }
}

#[tokio::test]
async fn a_close_code_may_keep_the_session() {
    for code in [1001, 1013, 4000, 4001, 4321] {
        let server = RawServer::start().await;
        let (_chat, mut events, peer) = kept(&server, quick(&server)).await;
        peer.close(code, "see you").await;
        lost(&mut events).await;
        let peer = server.accept_again(SECRETS[1], 0).await;
        assert!(peer.asks_for().is_some(), "{code}");
        recovered(&mut events).await;
    }
}

#[tokio::test]
async fn a_refusal_may_end_the_session() {
    let server = RawServer::start().await;
    let (chat, mut events, mut peer) = kept(&server, quick(&server)).await;
    chat.say("lost").unwrap();
    peer.text().await;
    peer.cut();
    lost(&mut events).await;
    let peer = server.accept_silently().await;
    assert!(peer.asks_for().is_some());
    peer.close(1012, "the server restarts").await;
    emits_lost(&mut events, 1).await;
    let peer = server.accept_session(SECRETS[1], "").await;
    assert_eq!(peer.asks_for(), None);
    assert_eq!(unrecovered(&mut events).await, Unrecovered::Ended);
}

#[tokio::test]
async fn a_client_that_does_not_come_back_has_lost_what_was_not_confirmed() {
    for (reconnects, code) in [(false, None), (true, Some(4500))] {
        let server = RawServer::start().await;
        let (chat, mut events, mut peer) =
            kept(&server, quick(&server).reconnect(reconnects)).await;
        chat.say("lost").unwrap();
        let counting = chat.count();
        peer.text().await;
        peer.text().await;
        match code {
            Some(code) => peer.close(code, "go away").await,
            None => peer.cut(),
        }
        let first = change(&mut events).await;
        assert!(matches!(first, ConnectionChange::Lost { will_reconnect: false, .. }), "{first:?}");
        emits_lost(&mut events, 1).await;
        assert_eq!(soon("an answer", counting).await, Err(CallError::Disconnected));
        assert!(matches!(change(&mut events).await, ConnectionChange::Closed { .. }));
    }
}

#[tokio::test]
async fn a_client_that_gives_up_has_lost_what_was_not_confirmed() {
    let server = RawServer::start().await;
    let (chat, mut events, mut peer) =
        kept(&server, quick(&server).max_reconnect_attempts(1)).await;
    chat.say("lost").unwrap();
    let counting = chat.count();
    peer.text().await;
    peer.text().await;
    peer.cut();
    lost(&mut events).await;
    chat.say("kept").unwrap();
    drop(server.accept_tcp().await);
    emits_lost(&mut events, 2).await;
    assert!(matches!(change(&mut events).await, ConnectionChange::Closed { .. }));
    assert_eq!(soon("an answer", counting).await, Err(CallError::Closed));
}

#[tokio::test]
async fn a_server_without_a_usable_secret_keeps_no_sessions() {
    for resume in ["null", "7", r#""short""#, r#""AAAAAAAAAAAAAAAAAAAA, 1""#] {
        let server = RawServer::start().await;
        let welcome = format!(r#"["$welcome",{{"resume":{resume}}}]"#);
        let accept = async {
            let mut peer = server.accept_silently().await;
            peer.send(&welcome).await;
            peer
        };
        let (connected, mut peer) = tokio::join!(quick(&server).connect(), accept);
        let (chat, mut events) = connected.unwrap();
        chat.say("lost").unwrap();
        let counting = chat.count();
        peer.text().await;
        peer.text().await;
        peer.cut();
        // Nothing can bring it back, so nobody waits for that.
        lost(&mut events).await;
        emits_lost(&mut events, 1).await;
        assert_eq!(soon("an answer", counting).await, Err(CallError::Disconnected));
        let peer = server.accept().await;
        assert_eq!(peer.offered.protocols, ["parlor.v1.json"], "{resume}");
        assert_eq!(unrecovered(&mut events).await, Unrecovered::Off, "{resume}");
    }
}

#[tokio::test]
async fn counts_that_cannot_be_end_the_session() {
    // Two were sent, and one of them confirmed.
    for received in [0, 3, u64::MAX] {
        let server = RawServer::start().await;
        let (chat, mut events, mut peer) = kept(&server, quick(&server)).await;
        for text in ["confirmed", "lost"] {
            chat.say(text).unwrap();
            peer.text().await;
        }
        peer.send(r#"["$ack",1]"#).await;
        peer.send(&said(1)).await;
        hears(&mut events, 1).await;
        peer.cut();
        lost(&mut events).await;
        let mut peer = server.accept_again(SECRETS[1], received).await;
        assert_eq!(peer.close_code().await, Some(1002), "{received}");
        drop(peer);
        emits_lost(&mut events, 1).await;
        let mut peer = server.accept_session(SECRETS[2], "").await;
        assert_eq!(peer.asks_for(), None);
        assert_eq!(unrecovered(&mut events).await, Unrecovered::Mismatch);
        chat.say("next").unwrap();
        assert_eq!(peer.text().await, say("next"));
    }
}

#[tokio::test]
async fn a_session_that_nobody_asked_for_is_refused() {
    let server = RawServer::start().await;
    let refused = async {
        let mut peer = server.accept_again(SECRETS[0], 0).await;
        peer.close_code().await
    };
    let (connected, code) = tokio::join!(ChatClient::connect(server.url()), refused);
    assert_eq!(code, Some(1002));
    let error = connected.unwrap_err();
    assert!(matches!(error, ConnectError::Protocol(_)), "{error:?}");

    // So it is later, by a client whose session has ended.
    let (_chat, mut events, peer) = kept(&server, quick(&server)).await;
    peer.close(1012, "restarting").await;
    lost(&mut events).await;
    assert_eq!(server.accept_again(SECRETS[1], 0).await.close_code().await, Some(1002));
    server.accept_session(SECRETS[2], "").await;
    assert_eq!(unrecovered(&mut events).await, Unrecovered::Ended);
}

#[tokio::test]
async fn a_client_that_closes_while_it_is_away_has_lost_what_was_not_confirmed() {
    let server = RawServer::start().await;
    let (chat, mut events, mut peer) = kept(&server, quick(&server)).await;
    chat.say("lost").unwrap();
    let counting = chat.count();
    peer.text().await;
    peer.text().await;
    drop(server);
    peer.cut();
    lost(&mut events).await;
    chat.close();
    assert_eq!(soon("an answer", counting).await, Err(CallError::Closed));
    emits_lost(&mut events, 1).await;
    match change(&mut events).await {
        ConnectionChange::Closed { code, .. } => assert_eq!(code, CloseCode::NORMAL),
        other => panic!("{other:?}"),
    }
}

/// Says when it is dropped.
struct Cancelled(mpsc::UnboundedSender<()>);

impl Drop for Cancelled {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

#[tokio::test]
async fn a_hook_is_cancelled_as_soon_as_its_session_has_ended() {
    let server = RawServer::start().await;
    let (sender, mut cancelled) = mpsc::unbounded_channel();
    let day = Duration::from_secs(86_400);
    let builder = quick(&server).reconnect_interval(day).max_reconnect_interval(day).on_session(
        move |chat: ChatClient| {
            let guard = Cancelled(sender.clone());
            async move {
                chat.say("running").unwrap();
                let _guard = guard;
                std::future::pending::<()>().await;
            }
        },
    );
    let (_chat, mut events, mut peer) = kept(&server, builder).await;
    assert_eq!(peer.text().await, say("running"));
    peer.close(1012, "restarting").await;
    lost(&mut events).await;
    assert_eq!(soon("the end of the hook", cancelled.recv()).await, Some(()));
}

#[tokio::test]
async fn no_secret_is_logged() {
    let (log, _listening) = Log::start();
    let server = RawServer::start().await;
    let (_chat, mut events, peer) = kept(&server, quick(&server)).await;
    peer.cut();
    lost(&mut events).await;
    server.accept_silently().await.close(4003, "not now").await;
    server.refuse(StatusCode::BAD_GATEWAY).await;
    server.accept_again(SECRETS[1], 0).await.cut();
    recovered(&mut events).await;
    lost(&mut events).await;
    server.accept_session(&SECRETS[2][..21], "").await;
    assert_eq!(unrecovered(&mut events).await, Unrecovered::Unknown);
    let text = log.text();
    assert!(text.contains("could not connect"), "it was not there to hear: {text}");
    assert_eq!(text.matches("not 22 characters").count(), 1, "{text}");
    for secret in SECRETS {
        assert!(!text.contains(&secret[..21]), "{text}");
    }
}
