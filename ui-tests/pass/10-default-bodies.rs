//! A handler may have a default body.

#![deny(warnings)]

use parlor::prelude::*;

#[procedure]
pub trait Chat {
    #[incoming]
    async fn send_message(&mut self, mut text: String, times: u8) -> Result<String, String> {
        if times == 0 {
            return Err("never".to_owned());
        }
        self.limit(times).await?;
        text.push('!');
        Ok(text)
    }

    #[incoming]
    async fn limit(&mut self, times: u8) -> Result<(), String> {
        if times > 3 { Err("too often".to_owned()) } else { Ok(()) }
    }

    #[incoming]
    async fn ignored(&mut self, _text: String) {}
}

struct Guest;

impl Chat for Guest {}

fn main() {
    let _ = ChatServer::new(|_: ChatSocket| async move { Ok(Guest) });
}
