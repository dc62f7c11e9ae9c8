use super::*;

#[test]
fn topic_without_rooms_ends_in_whatever_order_joins_and_leaves_arrive() {
    let start = Instant::now();
    let topic = Topic::new("room");
    for (order, is_subscribed) in
        [([1, -1], false), ([-1, 1], false), ([1, -1], true), ([-1, 1], true)]
    {
        let mut subscriptions = Subscriptions::default();
        if is_subscribed {
            subscriptions.add(&topic, start);
            assert_eq!(subscriptions.take_wanted(9).len(), 1);
            subscriptions.remove(&topic, start);
        }
        for change in order {
            if change > 0 {
                subscriptions.add(&topic, start);
            } else {
                subscriptions.remove(&topic, start);
            }
        }
        assert!(subscriptions.take_wanted(9).is_empty());
        assert!(subscriptions.take_unused(9, start + KEEP / 2).is_empty());
        // One that was not subscribed to is not kept.
        assert_eq!(subscriptions.len(), usize::from(is_subscribed));
        assert_eq!(subscriptions.take_unused(9, start + KEEP).len(), usize::from(is_subscribed));
        assert_eq!((subscriptions.len(), subscriptions.next_unused()), (0, None));
    }
}

#[test]
fn topic_that_is_used_again_within_a_second_stays() {
    let start = Instant::now();
    let topic = Topic::new("room");
    let mut subscriptions = Subscriptions::default();
    assert!(subscriptions.add(&topic, start));
    assert_eq!(subscriptions.take_wanted(9).len(), 1);
    subscriptions.remove(&topic, start);
    assert!(!subscriptions.add(&topic, start));
    assert!(subscriptions.take_unused(9, start + KEEP).is_empty());
    assert_eq!(subscriptions.len(), 1);
}

#[test]
fn join_that_waits_before_its_room_is_counted_is_confirmed_and_leaves_nothing() {
    let now = Instant::now();
    let topic = Topic::new("room");
    // A leave may arrive before a join that came first.
    for before in [0, -1] {
        let mut subscriptions = Subscriptions::default();
        if before < 0 {
            subscriptions.remove(&topic, now);
        }
        let (mut confirmed, is_new) = subscriptions.wait(&topic, now);
        assert!(is_new);
        let topics = subscriptions.take_wanted(9);
        let topics = subscriptions.subscribed(&topics);
        assert!(confirmed.try_recv().is_err());
        let ask = MarksAsk { id: 1, topics, nodes: Vec::new(), confirms: true };
        subscriptions.ask(&ask, now).complete();
        assert_eq!(confirmed.try_recv(), Ok(()));
        subscriptions.add(&topic, now);
        if before < 0 {
            subscriptions.add(&topic, now);
        }
        subscriptions.end_wait(&topic, now);
        assert_eq!(subscriptions.next_unused(), None);
        subscriptions.remove(&topic, now);
        assert_eq!(subscriptions.take_unused(9, now + KEEP).len(), 1);
        assert_eq!(subscriptions.len(), 0);
    }
    // One whose session has left again, without a link.
    let mut subscriptions = Subscriptions::default();
    let (mut confirmed, _) = subscriptions.wait(&topic, now);
    subscriptions.reset();
    assert_eq!((subscriptions.len(), subscriptions.take_wanted(9).len()), (1, 1));
    subscriptions.reset();
    subscriptions.end_wait(&topic, now);
    assert_eq!((subscriptions.len(), subscriptions.take_wanted(9).len()), (0, 0));
    assert!(confirmed.try_recv().is_err());
}
