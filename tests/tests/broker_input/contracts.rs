use parlor::backplane::{ClusterOptions, JoinConfirmation, Memory};
use parlor::prelude::*;
use parlor_tests::{Log, TestServer, within_timeout};

use super::parcels::{Event, hello};
use super::{Attacker, NODES_TOPIC, Node, PATH, ROOM, ROOM_TOPIC};

const WARNING: &str = "events of another node are dropped";

/// The next version of the contract: `moved` has another type, `said` is the same.
mod next {
    use super::*;

    #[procedure]
    pub(super) trait Chat {
        #[outgoing]
        fn said(text: String);
        #[outgoing]
        fn moved(x: f32);
    }

    pub(super) struct Guest;

    impl Chat for Guest {}
}

use next::{
    ChatClient as NextClient, ChatEvent as NextEvent, ChatServer as NextServer,
    ChatSocket as NextSocket,
};

#[tokio::test]
async fn in_a_rolling_deploy_equal_events_flow_and_different_ones_are_dropped_on_both_sides() {
    let (log, _guard) = Log::start();
    let broker = Memory::new();
    let mut old = Node::start(&broker, ClusterOptions::default()).await;
    let chat = NextServer::new(|socket: NextSocket| async move {
        // On a busy machine it may take longer than 500 ms.
        while socket.join_confirmed(ROOM).await.expect("joined") != JoinConfirmation::Confirmed {}
        Ok(next::Guest)
    });
    let io = chat.io();
    let router = Router::new().procedure(PATH, chat).backplane(broker.node());
    let server = TestServer::start(router.clone()).await;
    let (_client, mut events) = NextClient::connect(&server.url(PATH)).await.expect("connected");
    old.knows(1).await;

    for number in 0..3 {
        old.io.to(ROOM).moved(number);
        old.io.to(ROOM).said(format!("old {number}"));
    }
    for number in 0..3 {
        let event = within_timeout("an event", events.next()).await;
        let Some(NextEvent::Said { text }) = event else { panic!("not `said`: {event:?}") };
        assert_eq!(text, format!("old {number}"));
    }
    for number in 0..3 {
        let event = within_timeout("an event", old.events.next()).await;
        assert!(matches!(event, Some(super::ChatEvent::Moved { x }) if x == number), "{event:?}");
        assert_eq!(old.said().await, format!("old {number}"));
    }
    for number in 0..3 {
        io.to(ROOM).moved(0.5);
        io.to(ROOM).said(format!("next {number}"));
    }
    for number in 0..3 {
        assert_eq!(old.said().await, format!("next {number}"));
    }
    assert_eq!(old.counters().different_event, 3);
    let counters = router.health().expect("it has started").counters;
    assert_eq!((counters.different_event, counters.received, counters.lost), (3, 3, 0));
    // Each of the two about the other.
    assert_eq!(log.text().matches(WARNING).count(), 2, "{}", log.text());
}

#[tokio::test]
async fn mismatches_of_one_peer_are_logged_once() {
    let broker = Memory::new();
    let mut node = Node::start(&broker, ClusterOptions::default()).await;
    let mut attacker = Attacker::connect(&broker, &node).await;
    assert_eq!(node.said().await, "captured");
    let (log, _guard) = Log::start();
    for peer in [0x51, 0x52] {
        for number in 1..5 {
            let right = attacker.event(peer, number);
            let event = match number {
                1 | 2 => Event { name: format!("shouted{number}"), ..right },
                _ => Event { digest: number, ..right },
            };
            attacker.publish(ROOM_TOPIC, event.encode()).await;
        }
        attacker
            .publish(NODES_TOPIC, hello(peer, [PATH.to_owned()].into_iter(), ("said", 7)))
            .await;
    }
    attacker.fence(&mut node).await;
    let text = log.text();
    let warnings: Vec<_> = text.lines().filter(|line| line.contains(WARNING)).collect();
    assert_eq!(warnings.len(), 2, "{text}");
    assert!(warnings[0].contains("0000000000000051"), "{text}");
    assert!(warnings[1].contains("0000000000000052"), "{text}");
    let counters = node.counters();
    assert_eq!((counters.unknown_event, counters.different_event), (4, 4));
}
