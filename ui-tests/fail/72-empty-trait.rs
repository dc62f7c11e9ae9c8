use parlor::procedure;

#[procedure]
pub trait Chat {}

fn main() {}
