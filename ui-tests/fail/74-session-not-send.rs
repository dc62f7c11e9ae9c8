use std::rc::Rc;

use parlor::procedure;

#[procedure]
pub trait Ticker {
    #[outgoing]
    fn tick(count: u64);
}

struct Session {
    names: Rc<Vec<String>>,
}

impl Ticker for Session {}

fn main() {
    println!("{:?}", Session { names: Rc::default() }.names);
}
