use parlor::payload;

#[payload]
pub union Message {
    pub small: u8,
    pub large: u64,
}

fn main() {}
