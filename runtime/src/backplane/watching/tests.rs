use super::*;
use crate::rooms::Presence;

fn room(name: &str) -> RoomKey {
    ("/chat".into(), name.into())
}

#[test]
fn rooms_that_other_nodes_watch_are_bounded_in_number_and_bytes() {
    let mut watching = Watching::default();
    let long = "x".repeat(1 << 16);
    let accepted = (0..2000)
        .filter(|number| watching.add_elsewhere(NodeId(1), room(&format!("{long}{number}"))))
        .count();
    assert!((1000..1024).contains(&accepted), "{accepted}");
    assert!(watching.elsewhere_size <= MAX_ROOMS_SIZE);
    // The same again takes nothing.
    let size = watching.elsewhere_size;
    watching.add_elsewhere(NodeId(1), room(&format!("{long}0")));
    assert_eq!(watching.elsewhere_size, size);
    for number in 0..2000 {
        watching.remove_elsewhere(NodeId(1), &room(&format!("{long}{number}")));
    }
    assert_eq!((watching.elsewhere_size, watching.elsewhere.len()), (0, 0));

    for number in 0..=MAX_ROOMS {
        let is_accepted = watching.add_elsewhere(NodeId(1), room(&number.to_string()));
        assert_eq!(is_accepted, number < MAX_ROOMS);
    }
}

#[test]
fn pages_without_a_last_one_are_bounded_and_forgotten_with_their_node() {
    let mut watching = Watching::default();
    for name in ["a", "b"] {
        let topic = TopicId([0; 16]);
        assert!(watching.begin(room(name), topic, Instant::now()));
    }
    let json = format!("\"{}\"", "x".repeat(1000));
    let state = MemberState { presence: Presence::from_json(json.as_bytes()), detached: false };
    let id = || SocketId::random().expect("random bits");
    let page = || (0..1000).map(|_| (id(), state.clone()));
    let size = |watching: &Watching| watching.pages.values().map(|it| it.size).sum::<usize>();
    let mut largest = 0;
    for number in 0..300 {
        let all = watching.add_page(NodeId(1), &room("a"), (number == 0, false), page());
        assert!(all.is_none());
        assert_eq!(watching.pages_size, size(&watching));
        largest = largest.max(watching.pages_size);
    }
    assert!(largest > 200 << 20 && largest <= MAX_PAGES_SIZE, "{largest}");
    // After too many, they begin again.
    assert!(watching.add_page(NodeId(1), &room("a"), (false, true), page()).is_none());
    assert!(watching.add_page(NodeId(1), &room("a"), (true, false), page()).is_none());
    let all = watching.add_page(NodeId(1), &room("a"), (false, true), page());
    assert_eq!(all.map(|all| all.len()), Some(2000));
    assert_eq!((watching.pages_size, watching.pages.len()), (0, 0));

    for (node, name) in [(1, "a"), (1, "b"), (2, "a")] {
        watching.add_page(NodeId(node), &room(name), (true, false), page());
    }
    watching.lose(NodeId(1));
    assert_eq!((watching.pages_size, watching.pages.len()), (size(&watching), 1));
    // A room that is not watched here takes nothing.
    watching.add_page(NodeId(2), &room("c"), (true, false), page());
    assert_eq!(watching.pages.len(), 1);
}

#[test]
fn pages_around_a_lost_one_are_not_all_members() {
    let mut watching = Watching::default();
    let (now, node, room) = (Instant::now(), NodeId(1), room("a"));
    watching.begin(room.clone(), TopicId([0; 16]), now);
    assert!(watching.ask(room.clone(), 1, vec![node], now).is_some());
    let member = || {
        let state = MemberState { presence: Presence::from_json(b"1"), detached: false };
        [(SocketId::random().expect("random bits"), state)].into_iter()
    };
    assert!(watching.add_page(node, &room, (true, false), member()).is_none());
    // The second page is lost. The third one tells it, too early for the next ask.
    assert!(watching.ask_after_loss(room.clone(), 2, node, now).is_none());
    assert!(watching.add_page(node, &room, (false, true), member()).is_none());
    assert_eq!(watching.pages_size, 0);
}

#[test]
fn losses_of_one_node_delay_no_ask_to_another_one() {
    let mut watching = Watching::default();
    let (now, room, lossy, silent) = (Instant::now(), room("a"), NodeId(1), NodeId(2));
    watching.begin(room.clone(), TopicId([0; 16]), now);
    watching.ask(room.clone(), 1, vec![lossy, silent], now);
    let second = Duration::from_secs(1);
    assert!(watching.ask_after_loss(room.clone(), 2, lossy, now + second).is_some());
    let alive = BTreeSet::from([lossy, silent]);
    let again = watching.unanswered(&alive, now + 2 * second);
    let again: Vec<_> = again.iter().map(|ask| (ask.id, ask.nodes.clone())).collect();
    assert_eq!(again, [(1, vec![silent])]);
    // The other one has its own time.
    assert!(watching.ask_after_loss(room.clone(), 3, silent, now + 2 * second).is_none());
    assert!(watching.ask_after_loss(room, 4, lossy, now + 2 * second).is_some());
}
