use parlor::procedure;

#[derive(serde::Serialize, serde::Deserialize)]
pub enum Mood {
    Good,
    Bad,
}

#[procedure]
pub trait Chat {
    #[incoming]
    async fn send_message(&mut self, #[field(default)] mood: Mood);
}

fn main() {}
