use parlor::prelude::*;

#[payload(typescript)]
pub struct Message {
    pub room: String,
    pub text: ,
    pub author: Author,
}

#[payload(typescript)]
pub enum Author {
    Guest,
    User { id: u64, nam },
    Admin(u64),
}

#[procedure(typescript)]
pub trait Chat {
    #[outgoing]
    fn new_message(#[payload] message: Message);
}

fn main() {
    let author = Author::Admin(1);
    let _ = Message { room: String::new(), author };
}
