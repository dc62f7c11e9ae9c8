use std::time::{SystemTime, UNIX_EPOCH};

use parlor::prelude::*;

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
        let io = self.socket.io();
        match self.socket.join(&room) {
            Ok(true) => io.to(&room).user_joined(&room, &self.user_id),
            Ok(false) => {}
            Err(error) => return Err(JoinError::NoEntry { message: error.to_string() }),
        }
        let members = io.members_with(&room).await.expect("each session sets its user id");
        Ok(members.into_iter().map(|member| member.presence).collect())
    }

    async fn leave_room(&mut self, room: String) {
        if self.socket.leave(&room) {
            self.socket.io().to(&room).user_left(&room, &self.user_id);
        }
    }

    async fn disconnected(&mut self, _reason: DisconnectReason) {
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
