use std::time::{SystemTime, UNIX_EPOCH};

use parlor::prelude::*;
use parlor::rooms::JoinRoomError;

use crate::contract::{Chat, ChatServer, ChatSocket, JoinError};

struct Guest {
    socket: ChatSocket,
    user_id: String,
}

impl Chat for Guest {
    async fn send_message(&mut self, room: String, text: String) {
        self.socket.io().to(&room).new_message(&room, text, &self.user_id, now());
    }

    async fn join_room(&mut self, room: String) -> Result<Vec<String>, JoinError> {
        let no_entry = |error: JoinRoomError| JoinError::NoEntry { message: error.to_string() };
        if self.socket.join(&room).map_err(no_entry)? {
            self.socket.io().to(&room).user_joined(&room, &self.user_id);
        }
        // From here on the events of all nodes arrive, so that no one who comes later is missed.
        self.socket.join_confirmed(&room).await.map_err(no_entry)?;
        let members = self.socket.io().members_with(&room).await;
        let members = members.map_err(|error| JoinError::NoEntry { message: error.to_string() })?;
        Ok(members.into_iter().map(|member| member.presence).collect())
    }

    async fn leave_room(&mut self, room: String) {
        if self.socket.leave(&room) {
            self.socket.io().to(&room).user_left(&room, &self.user_id);
        }
    }

    async fn disconnected(&mut self, _reason: DisconnectReason) {
        tracing::info!(user_id = %self.user_id, "has left");
        for room in self.socket.rooms() {
            self.socket.to(&room).user_left(&room, &self.user_id);
        }
    }
}

/// The procedures, with their paths under `/api`.
pub fn procedures() -> Router {
    let chat = ChatServer::new(|socket: ChatSocket| async move {
        let user_id = user_id(&socket);
        socket.set_presence(&user_id)?;
        tracing::info!(%user_id, "is here");
        Ok(Guest { socket, user_id })
    });
    Router::new().procedure("/chat/wsChat", chat)
}

/// Returns the name in `?name=` if it is valid, else the id of the socket.
fn user_id(socket: &ChatSocket) -> String {
    let name = socket.request().query().and_then(|query| query.strip_prefix("name="));
    name.filter(|name| is_name(name)).map_or_else(|| socket.id().to_string(), str::to_owned)
}

/// Returns whether `name` has 1 to 32 ASCII letters and digits.
pub fn is_name(name: &str) -> bool {
    (1..=32).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric())
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
