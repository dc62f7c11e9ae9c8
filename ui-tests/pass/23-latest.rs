//! Of events that are `latest` the key is any argument, or a place in one.

#![deny(warnings, missing_docs)]

use std::collections::BTreeMap;
use std::sync::Arc;

use parlor::prelude::*;

/// A point in a room.
#[payload(typescript)]
#[derive(Clone, Copy)]
pub struct Point(pub u32, pub (u8, u8));

/// Someone.
#[payload(typescript)]
pub struct User {
    /// Which one.
    pub id: String,
    /// Where.
    pub r#type: Arc<Point>,
}

/// Everyone's cursor.
#[procedure(typescript)]
pub trait Cursors {
    /// The count is the same for all.
    #[outgoing(latest)]
    fn count(users: usize);

    /// Nothing but the event.
    #[outgoing(name = "tick", latest)]
    fn ticked();

    /// A string that stubs take as `impl AsRef<str>`.
    #[outgoing(latest = user_id)]
    fn moved(user_id: String, x: u32, y: u32);

    /// A number, beside one.
    #[outgoing(latest = r#type, name = "typed")]
    fn typed(user_id: String, r#type: u64);

    /// With rules, another name and a raw one.
    #[outgoing(latest = _room)]
    fn renamed(
        #[field(name = "room")]
        #[validate(length(max = 9))]
        _room: String,
    );

    /// A value that is not plain.
    #[outgoing(latest = at)]
    fn points(at: BTreeMap<String, Option<u8>>, point: Point);

    /// A whole struct beside others.
    #[outgoing(latest = point)]
    fn pointed(point: Point, by: User);

    /// A place in a struct.
    #[outgoing(latest = by.id)]
    fn named(by: User, key: u8, event: u8);

    /// A place in a payload.
    #[outgoing(latest = user.r#type.0)]
    fn whole(#[payload] user: User);

    /// Two numbers in a row.
    #[outgoing(latest = point.1.0)]
    fn row(point: Point);

    /// The payload itself.
    #[outgoing(latest = point)]
    fn whole_point(#[payload] point: Point);

    /// The payload itself, as a string.
    #[outgoing(latest = name)]
    fn whole_string(#[payload] name: String);

    /// With its lints.
    #[allow(non_snake_case)]
    #[deprecated]
    #[cfg(all())]
    #[outgoing(latest = userId)]
    fn left(userId: String);
}

macro_rules! made {
    ($name:ident, $key:ident, $path:expr, $ty:ty) => {
        /// Made by a macro.
        #[procedure]
        pub trait $name {
            /// The key has the context of the caller.
            #[outgoing(latest = $key)]
            fn changed($key: $ty, other: u8);

            /// The key has the context of the macro.
            #[outgoing(latest = other)]
            fn changed_other($key: $ty, other: u8);

            /// A whole path comes from the caller.
            #[outgoing(latest = $path)]
            fn changed_path($key: $ty, other: u8);
        }
    };
}

made!(Made, user, user.id, User);

fn send(emitter: &CursorsEmitter) {
    let point = Point(1, (2, 3));
    let user = || User { id: "ada".to_owned(), r#type: Arc::new(point) };
    emitter.count(1);
    emitter.ticked();
    emitter.moved("ada", 1, 2);
    emitter.moved(String::from("ada"), 1, 2);
    emitter.moved(&user().id, 1, 2);
    emitter.typed("ada", 1);
    emitter.renamed("general");
    emitter.points(BTreeMap::new(), point);
    emitter.pointed(point, user());
    emitter.named(user(), 1, 2);
    emitter.whole(&user());
    emitter.row(point);
    emitter.whole_point(&point);
    emitter.whole_string("ada");
}

fn main() {
    let _ = send;
}
