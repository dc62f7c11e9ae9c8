//! `Outgoing::digest`: nodes of a cluster with different contracts notice it.

use parlor::Contract;

/// A contract in a module, with these types.
macro_rules! contract {
    ($module:ident: $field:ty; $($types:item)*) => {
        #[allow(dead_code)]
        mod $module {
            use parlor::prelude::*;
            $($types)*
            #[procedure]
            trait Chat {
                #[outgoing]
                fn said(message: $field);
            }
            pub(super) fn said() -> u64 {
                <ChatEmitter as super::Contract>::OUTGOING[0].digest()
            }
        }
    };
}

contract! { first: Message;
    #[payload]
    struct Message { text: String, author: Author }
    #[payload]
    struct Author { name: String }
}
contract! { formatted: Message;
    /// An author.
    #[payload] #[derive(Debug)]
    pub(crate) struct Author {
        /// The name.
        pub(crate) name: String
    }
    #[payload] pub(crate) struct Message {
        #[serde(default)] text: String, author: Author,
    }
}
contract! { other_field: Message;
    #[payload]
    struct Message { content: String, author: Author }
    #[payload]
    struct Author { name: String }
}
contract! { other_type: Message;
    #[payload]
    struct Message { text: u64, author: Author }
    #[payload]
    struct Author { name: String }
}
contract! { other_field_inside: Message;
    #[payload]
    struct Message { text: String, author: Author }
    #[payload]
    struct Author { id: String }
}
contract! { alias: Alias;
    type Alias = Message;
    #[payload]
    struct Message { text: String }
}
contract! { other_alias: Alias;
    type Alias = Message;
    #[payload]
    struct Message { body: String }
}
contract! { listed: Vec<Option<std::collections::HashMap<String, [(u8, Message); 2]>>>;
    #[payload]
    struct Message { text: String }
}
contract! { other_listed: Vec<Option<std::collections::HashMap<String, [(u8, Message); 2]>>>;
    #[payload]
    struct Message { body: String }
}
contract! { generic: Page<Message>;
    #[payload]
    struct Page<T> { items: Vec<T>, next: Option<Box<Page<T>>> }
    #[payload]
    struct Message { text: String }
}
contract! { other_generic: Page<Message>;
    #[payload]
    struct Page<T> { items: Vec<T>, next: Option<Box<Page<T>>> }
    #[payload]
    struct Message { body: String }
}
// Each contains the other.
contract! { tree: Tree;
    #[payload]
    struct Tree { children: Vec<Child> }
    #[payload]
    enum Child { Leaf { id: u64 }, Inner(Tree) }
}
contract! { other_tree: Tree;
    #[payload]
    struct Tree { children: Vec<Child> }
    #[payload]
    enum Child { Leaf { id: u32 }, Inner(Tree) }
}

#[test]
fn names_and_types_of_fields_change_the_digest_at_any_depth() {
    let digests = [
        first::said(),
        other_field::said(),
        other_type::said(),
        other_field_inside::said(),
        alias::said(),
        other_alias::said(),
        listed::said(),
        other_listed::said(),
        generic::said(),
        other_generic::said(),
        tree::said(),
        other_tree::said(),
    ];
    for (at, digest) in digests.iter().enumerate() {
        assert!(!digests[..at].contains(digest), "{at}: {digests:x?}");
    }
}

#[test]
fn formatting_docs_derives_and_options_of_what_is_received_leave_the_digest() {
    assert_eq!(formatted::said(), first::said());
}

#[test]
fn digest_is_the_same_in_every_build() {
    assert_eq!(tree::said(), 0x1eb9_fe52_de21_6f92);
}
