use super::*;

#[test]
fn node_with_too_many_paths_is_asked_about_every_procedure() {
    let now = Instant::now();
    let mut peers = Peers::default();
    let long = "x".repeat(MAX_PATH_BYTES + 1);
    let many: Vec<String> = (0..=MAX_PATHS).map(|path| path.to_string()).collect();
    let nodes = [vec!["/chat"], vec![&*long], many.iter().map(String::as_str).collect()];
    for (node, paths) in (0..).map(NodeId).zip(nodes) {
        assert_eq!(peers.seen(node, now), Contact::New);
        assert!(peers.hello(node, 1, paths.into_iter()));
    }
    // It has not said hello.
    peers.seen(NodeId(3), now);
    assert_eq!(peers.serving("/chat"), [0, 1, 2, 3].map(NodeId));
    assert_eq!(peers.serving("/shop"), [1, 2, 3].map(NodeId));
    assert!(peers.hello(NodeId(1), 1, ["/shop"].into_iter()));
    assert_eq!(peers.serving("/chat"), [0, 2, 3].map(NodeId));
    assert!(!peers.hello(NodeId(1), 1, ["/shop"].into_iter()));
}

#[test]
fn nodes_that_appear_are_counted_per_minute() {
    let now = Instant::now();
    let mut peers = Peers::default();
    let mut accepted = |from: u64, now| {
        let accepted = (from..from + 2000).filter(|node| {
            let contact = peers.seen(NodeId(*node), now);
            peers.remove(NodeId(*node));
            contact == Contact::New
        });
        accepted.count()
    };
    assert_eq!(accepted(0, now), MAX_NODES);
    assert_eq!(accepted(10_000, now + APPEAR_WITHIN), 0);
    assert_eq!(accepted(20_000, now + APPEAR_WITHIN + Duration::from_secs(1)), MAX_NODES);
}
