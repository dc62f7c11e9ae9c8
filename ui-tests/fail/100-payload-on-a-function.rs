use parlor::payload;

#[payload]
pub fn message() {}

fn main() {}
