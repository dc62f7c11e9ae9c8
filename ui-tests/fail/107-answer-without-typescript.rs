use parlor::{payload, procedure};

#[payload]
pub struct Entry {
    pub text: String,
}

#[procedure(typescript)]
pub trait Chat {
    #[incoming]
    async fn history(&mut self) -> Result<Vec<Entry>, String>;
}

fn main() {}
