use proptest::prelude::*;

use super::reencode::reencode;
use super::*;
use crate::rooms::rooms;
use crate::wire::binary::TooLong;

const NODE: NodeId = NodeId(7);

fn socket() -> SocketId {
    "AAAAAAAAAAAAAAAAAAAAAA".parse().expect("an id")
}

/// Parcels of all kinds.
fn parcels() -> Vec<Vec<u8>> {
    let position = Position { topic: TopicId([3; 16]), number: 9, previous: 8, count: 2 };
    let numbered = |bytes: Result<Vec<u8>, TooLong>| {
        let mut bytes = bytes.expect("short");
        write_position(&position, &mut bytes);
        bytes
    };
    let mut parcels = Vec::new();
    let audiences = [
        Audience::all().except(socket()),
        Audience::new(&[rooms(["a", "ü"]).except("b"), rooms(socket())]),
    ];
    for (audience, key) in audiences.iter().zip([None, Some(LatestKey([1; 16]))]) {
        let about = ("/chat", "said", 5);
        parcels.push(numbered(Event::encode(
            NODE,
            about,
            key,
            key.is_some(),
            audience,
            b"\x81\x02[]",
        )));
    }
    let shown = Shown { json: b"{}", detached: true };
    for change in [
        PresenceChange::Member(socket(), None),
        PresenceChange::Member(socket(), Some(shown)),
        PresenceChange::All {
            reason: WatchAsk { node: NODE, id: 6 },
            first: true,
            last: false,
            members: vec![(socket(), shown); 3],
        },
    ] {
        let update = PresenceUpdate { procedure: "/chat", room: "a", change };
        parcels.push(numbered(update.encode(NODE)));
    }
    let marks = vec![Mark { topic: TopicId([4; 16]), number: u64::MAX, count: 3 }; 2];
    parcels.push(encode_marks(NODE, 1, &marks).expect("few"));
    let procedures = vec![("/chat", vec![("said", 5), ("moved", 6)]), ("/", Vec::new())];
    let hello = Hello { incarnation: 1, number: 2, wants_answer: true, procedures };
    parcels.push(hello.encode(NODE).expect("short"));
    let (procedure, room) = ("/chat", "a");
    for question in [
        Question::Marks(vec![TopicId([5; 16]); 2]),
        Question::Members { procedure, room },
        Question::Count { procedure, room },
        Question::Presence { procedure, room },
        Question::Watch { procedure, room },
        Question::Unwatch { procedure, room },
        Question::Unwatched { procedure, room },
        Question::Disconnect { procedure, audience: Audience::new(&"a") },
    ] {
        parcels.push(Ask { id: 4, question }.encode(NODE).expect("short"));
    }
    for content in [
        Content::Marks(marks),
        Content::Members(vec![socket(); 2]),
        Content::Count(u64::MAX),
        Content::Presence(vec![(socket(), shown); 2]),
    ] {
        parcels
            .push(Answer { id: 4, page: 0, is_last: false, content }.encode(NODE).expect("short"));
    }
    parcels.push(encode_bye(NODE));
    parcels.push(encode_probe(NODE, 3));
    parcels
}

#[test]
fn parcels_of_all_kinds_are_equal_after_decoding_and_no_part_is_accepted() {
    for parcel in parcels() {
        assert_eq!(reencode(&parcel).as_ref(), Some(&parcel));
        for length in 0..parcel.len() {
            assert_eq!(reencode(&parcel[..length]), None, "{length} of {parcel:?}");
        }
        assert_eq!(reencode(&[&parcel[..], &[0]].concat()), None);
    }
}

#[test]
fn changed_parcel_is_refused_or_means_what_it_says() {
    for parcel in parcels() {
        for index in 0..parcel.len() {
            let mut changed = parcel.clone();
            for value in 0..=u8::MAX {
                changed[index] = value;
                let again = reencode(&changed);
                assert!(again.is_none_or(|again| again == changed), "{index}: {changed:?}");
            }
        }
    }
}

#[test]
fn list_over_its_limit_is_refused() {
    let mark = Mark { topic: TopicId([4; 16]), number: 3, count: 3 };
    for (count, is_accepted) in [(MAX_LIST, true), (MAX_LIST + 1, false)] {
        let ask = Ask { id: 1, question: Question::Marks(vec![mark.topic; count]) };
        let content = Content::Members(vec![socket(); count]);
        for parcel in [
            encode_marks(NODE, 1, &vec![mark; count]),
            ask.encode(NODE),
            Answer { id: 1, page: 0, is_last: true, content }.encode(NODE),
        ] {
            let parcel = parcel.expect("its count fits");
            assert_eq!(Received::decode(&parcel).is_ok(), is_accepted, "{count}");
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_refused_or_are_the_only_form(
        kind in 0..10_u8, bytes in proptest::collection::vec(0..4_u8, 0..120),
    ) {
        let parcel = [&[VERSION, kind][..], &bytes].concat();
        if let Some(again) = reencode(&parcel) {
            prop_assert_eq!(again, parcel);
        }
    }
}
