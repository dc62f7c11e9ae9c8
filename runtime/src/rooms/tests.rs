//! What holds while broadcasts and memberships meet.

use std::sync::Arc;

use super::Hub;
use crate::server::Request;
use crate::session::{Presence, SocketId};

/// A session without a connection.
pub(super) fn enter(hub: &Arc<Hub>) -> Presence {
    let id = SocketId::random().expect("random bits");
    let request = Request::new(http::Request::new(()), None);
    Presence::enter(id, request, hub, &Arc::default(), None).expect("there is room")
}
