use parlor::outgoing;

trait Chat {
    #[outgoing]
    fn new_message(text: String);
}

fn main() {}
