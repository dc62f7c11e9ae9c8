//! The contract of these tests.

use parlor::prelude::*;
use serde::{Deserialize, Serialize};

/// Why joining a room failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum JoinError {
    Full { capacity: u32 },
}

#[procedure]
pub(crate) trait Chat {
    #[incoming]
    async fn say(&mut self, text: String);

    #[incoming]
    async fn join_room(
        &mut self,
        #[validate(length(min = 1))] room: String,
    ) -> Result<Vec<String>, JoinError>;

    #[incoming]
    async fn count(&mut self) -> u32;

    #[outgoing]
    fn said(text: String, number: u32);
}
