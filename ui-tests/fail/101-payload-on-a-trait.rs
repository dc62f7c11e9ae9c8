use parlor::payload;

#[payload]
pub trait Message {
    fn text(&self) -> String;
}

fn main() {}
