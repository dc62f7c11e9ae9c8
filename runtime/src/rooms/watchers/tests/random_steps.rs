//! Threads that change members at random while others watch them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use proptest::prelude::*;

use super::{Told, Watcher, members_of, presence, watch_remote};
use crate::lock::Lock;
use crate::rooms::Hub;
use crate::rooms::tests::register;
use crate::session::Registration;

#[derive(Debug, Clone, Copy)]
enum Step {
    Join(usize),
    Leave(usize),
    SetPresence(usize, u32),
    Detach(usize),
    Attach(usize),
    End(usize),
}

const MEMBERS: usize = 4;

fn step() -> impl Strategy<Value = Step> {
    let member = 0..MEMBERS;
    prop_oneof![
        4 => member.clone().prop_map(Step::Join),
        3 => member.clone().prop_map(Step::Leave),
        4 => (member.clone(), 0..3_u32).prop_map(|(member, value)| Step::SetPresence(member, value)),
        2 => member.clone().prop_map(Step::Detach),
        2 => member.clone().prop_map(Step::Attach),
        1 => member.prop_map(Step::End),
    ]
}

/// Several threads may do the steps of one member, but only one detaches and attaches it, as its task does.
fn act(hub: &Arc<Hub>, members: &[Lock<Registration, 0>], step: Step, is_task: bool) {
    let member = |index: usize| Arc::clone(members[index].lock().member());
    match step {
        Step::Join(index) => drop(member(index).join("a")),
        Step::Leave(index) => drop(member(index).leave("a")),
        Step::SetPresence(index, value) => drop(member(index).set_presence(presence(value))),
        Step::Detach(index) if is_task => {
            member(index).outbox().detach();
            member(index).publish();
        }
        Step::Attach(index) if is_task => {
            member(index).outbox().attach();
            member(index).publish();
        }
        Step::End(index) if is_task => {
            let before = std::mem::replace(&mut *members[index].lock(), register(hub));
            drop(before);
        }
        Step::Detach(_) | Step::Attach(_) | Step::End(_) => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Two threads change members, one adds and drops watchers, and two watchers take while that happens.
    #[test]
    fn watchers_end_with_the_members_of_the_room(
        steps in proptest::collection::vec((step(), step()), 0..120),
    ) {
        let (hub, told) = (Arc::<Hub>::default(), Arc::<Told>::default());
        hub.watchers.set_other_nodes(Arc::<Told>::clone(&told));
        let members: Vec<_> = (0..MEMBERS).map(|_| Lock::<_, 0>::new(register(&hub))).collect();
        let done = AtomicBool::new(false);
        let mut watchers = thread::scope(|scope| {
            let (hub, members, done) = (&hub, &members, &done);
            let (task_steps, other_steps): (Vec<_>, Vec<_>) = steps.into_iter().unzip();
            let threads = [(task_steps, true), (other_steps, false)].map(|(steps, is_task)| {
                scope.spawn(move || {
                    for step in steps {
                        act(hub, members, step, is_task);
                    }
                })
            });
            let remote = scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    hub.watch_remote("a", false);
                    drop(Watcher::new(hub, "a"));
                    hub.watch_remote("a", true);
                }
            });
            let watchers = [(); 2].map(|()| {
                scope.spawn(move || {
                    let mut watcher = Watcher::new(hub, "a");
                    while !done.load(Ordering::Relaxed) {
                        let _ = watcher.poll();
                    }
                    watcher
                })
            });
            let ended = threads.map(|thread| thread.join().is_ok());
            done.store(true, Ordering::Relaxed);
            assert!(ended == [true, true] && remote.join().is_ok());
            watchers.map(|watcher| watcher.join().expect("no panic"))
        });
        let expected = members_of(&hub, "a");
        for watcher in &mut watchers {
            prop_assert_eq!(&watcher.members(), &expected);
        }
        prop_assert_eq!(&Watcher::new(&hub, "a").members(), &expected);
        let local: HashMap<_, _> = hub.watchers.with_local("a", |members| {
            members.map(|(id, state)| (id, state.clone())).collect()
        });
        prop_assert_eq!(&local, &expected);
        drop(watchers);
        hub.watch_remote("a", false);
        prop_assert_eq!(hub.watchers.entries(), 0);
    }

    /// What a backplane is told of a room that another node watches equals the members at the end.
    #[test]
    fn backplane_ends_with_the_members_of_the_room(
        steps in proptest::collection::vec((step(), step()), 0..120),
    ) {
        let (hub, told) = (Arc::<Hub>::default(), Arc::<Told>::default());
        hub.watchers.set_other_nodes(Arc::<Told>::clone(&told));
        let members: Vec<_> = (0..MEMBERS).map(|_| Lock::<_, 0>::new(register(&hub))).collect();
        thread::scope(|scope| {
            let (hub, members) = (&hub, &members);
            let (task_steps, other_steps): (Vec<_>, Vec<_>) = steps.into_iter().unzip();
            for (steps, is_task) in [(task_steps, true), (other_steps, false)] {
                scope.spawn(move || {
                    for step in steps {
                        act(hub, members, step, is_task);
                    }
                });
            }
            watch_remote(hub, &told, "a");
        });
        let told = told.members();
        let told: HashMap<_, _> = told.iter().map(|((_, id), state)| (*id, state.clone())).collect();
        prop_assert_eq!(told, members_of(&hub, "a"));
    }
}
