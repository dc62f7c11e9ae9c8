use parlor::prelude::*;

/// Each option of the macros at least once.
#[procedure(typescript, rename_all = "snake_case", name = "everything")]
#[allow(clippy::pedantic)]
pub(crate) trait Everything: Sync {
    /// An event without fields.
    #[incoming]
    async fn start(&mut self);

    /// An event with a name of its own, and fields with options.
    #[incoming(name = "draw-shape")]
    async fn draw(
        &mut self,
        /// The color.
        color: Color,
        #[field(name = "strokeWidth", default)] width: u32,
        #[field(default)] label: Option<Label>,
    );

    /// Each rule.
    #[incoming]
    async fn validate(
        &mut self,
        #[validate(length(min = 1, max = 10), pattern("^[a-z]+$"))] name: String,
        #[validate(range(min = 0, max = MAX_AGE), custom(is_even))] age: u8,
        #[validate(email)] email: Option<String>,
        #[validate(inner(url, length(equal = 20)))] links: Vec<String>,
        #[validate(nested)] address: Address,
    );

    /// A whole payload.
    #[incoming]
    async fn replace(&mut self, #[payload] drawing: Drawing);

    /// A call that cannot fail.
    #[incoming]
    async fn count(&mut self) -> u64;

    /// A call whose answer is a user's type.
    #[incoming]
    async fn drawing(&mut self, id: u64) -> Drawing;

    /// A call with a typed error.
    #[incoming]
    async fn join(&mut self, room: String) -> Result<Vec<Drawing>, JoinError>;

    /// An event with a default handler.
    #[incoming]
    async fn seen(&mut self, id: u64) {
        let _ = id;
    }

    /// An event that exists on Unix only.
    #[incoming]
    #[cfg(unix)]
    async fn signal(&mut self, number: i32);

    #[incoming]
    #[deprecated(note = "use `start`")]
    #[allow(non_snake_case)]
    async fn r#begin(&mut self, at: u64);

    /// A reliable event.
    #[outgoing]
    fn drawn(user_id: String, color: Color, #[validate(length(max = 20))] label: String);

    /// A volatile event.
    #[outgoing(volatile)]
    fn typing(user_id: String);

    /// Only the newest.
    #[outgoing(latest)]
    fn score(home: u32, guests: u32);

    /// Only the newest of each user.
    #[outgoing(latest = user_id)]
    fn moved(user_id: UserId, x: u32);

    /// Only the newest of each drawing.
    #[outgoing(latest = drawing.id)]
    fn replaced(#[payload] drawing: Drawing);

    /// An event without fields, and with a name of its own.
    #[outgoing(name = "all-cleared")]
    #[cfg(unix)]
    fn cleared();
}

/// A drawing.
#[payload(typescript)]
#[derive(Debug, Clone)]
pub(crate) struct Drawing {
    pub(crate) id: u64,
    pub(crate) created_by: UserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
}

/// Why a user cannot join.
#[payload]
pub(crate) enum JoinError {
    RoomIsFull,
    Denied { denied_by: String },
}
