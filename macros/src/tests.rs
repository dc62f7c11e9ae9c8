//! Incomplete and arbitrary input. Editors use the generated code while the user types an event.

mod golden;

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};

use crate::payload::payload;
use crate::procedure::procedure;

/// Expands `trait Chat` with this body. Returns the generated items and the error messages.
fn expand_chat(body: &str) -> (String, Vec<String>) {
    let item: TokenStream = format!("pub trait Chat {{ {body} }}").parse().expect("tokens");
    split_errors(procedure(TokenStream::new(), item))
}

fn split_errors(code: TokenStream) -> (String, Vec<String>) {
    let file: syn::File = syn::parse2(code).expect("generated code is Rust");
    let mut errors = Vec::new();
    let mut items = String::new();
    for item in file.items {
        match item {
            syn::Item::Macro(item)
                if item.mac.path.to_token_stream().to_string().ends_with("compile_error") =>
            {
                errors.push(item.mac.parse_body::<syn::LitStr>().expect("a message").value());
            }
            item => items += &item.to_token_stream().to_string(),
        }
    }
    (items, errors)
}

const BEFORE: &str = "#[incoming] async fn join_room(&mut self, room: String) -> u64;";
const AFTER: &str = "/// A user left. \n #[outgoing] fn user_left(user_id: String);";

/// Asserts that the methods and the variant of `BEFORE` and `AFTER` exist.
fn assert_other_events(items: &str) {
    for part in [
        "pub trait Chat",
        "fn join_room (& mut self , room : String)",
        "pub fn join_room (& self , room : impl",
        "pub fn user_left (& self , user_id : impl",
        "UserLeft {",
        "\"joinRoom\"",
    ] {
        assert!(items.contains(part), "`{part}` is missing in {items}");
    }
}

#[test]
fn incomplete_event_keeps_the_other_events() {
    for half in [
        "#[incoming]",
        "#[incoming] a",
        "#[incoming] async",
        "#[incoming] async fn",
        "#[incoming] async fn say",
        "#[incoming] async fn say(",
        "#[incoming] async fn say(&mut self",
        "#[incoming] async fn say(&mut self, text",
        "#[incoming] async fn say(&mut self, text:",
        "#[incoming] async fn say(&mut self, text: Vec<",
        "#[incoming] async fn say(&mut self, text: String",
        "#[incoming] async fn say(&mut self, #[validate(len",
        "#[incoming] async fn say(&mut self, #[validate(length(min =",
        "#[incoming] async fn say(&mut self) ->",
        "#[incoming] async fn say(&mut self) -> Result<",
        "#[incoming] async fn say(&mut self) -> Result<u8, String>",
        "#[incoming(",
        "#[incoming(name",
        "#[incoming(name =",
        "#[outgoing] fn said(text: String",
        "#[outgoing(latest",
        "#[outgoing(latest =",
        "#[outgoing(latest = text) fn said(text: String",
        "#[outgoing(latest = text.)] fn said(text: String);",
        "#[outgoing latest] fn said(text: String);",
        "#[outgoing] fn said(#[validate(length(max = 1)) x] text: String);",
        "#[outgoing] fn said {",
        "#",
        "pub",
        "let x = 1;",
        "fn",
    ] {
        // rustc closes open brackets before a macro gets the tokens.
        let open = half.chars().fold(Vec::new(), |mut open, c| {
            match c {
                '(' => open.push(')'),
                '[' => open.push(']'),
                '{' => open.push('}'),
                ')' | ']' | '}' => drop(open.pop()),
                _ => {}
            }
            open
        });
        let close: String = open.into_iter().rev().collect();
        let (items, _) = expand_chat(&format!("{BEFORE} {half}{close} \n {AFTER}"));
        assert_other_events(&items);
    }
}

#[test]
fn event_without_semicolon_is_expanded_without_an_error() {
    let (items, errors) =
        expand_chat(&format!("{BEFORE} #[outgoing] fn said(text: String) {AFTER}"));
    assert_other_events(&items);
    assert!(items.contains("pub fn said (& self"), "{items}");
    assert!(errors.is_empty(), "only rustc reports it: {errors:?}");
}

#[test]
fn delivery_options_select_emit_function_key_and_policy() {
    let (items, errors) = expand_chat(
        "#[outgoing] fn said(text: String); #[outgoing(volatile)] fn typing();
        #[outgoing(latest)] fn score(home: u8); #[outgoing(latest = x)] fn moved(id: String, x: u8);
        #[outgoing(latest = id)] fn went(id: String); #[outgoing(latest = by.id.0)] fn won(by: User);",
    );
    assert!(errors.is_empty(), "{errors:?}");
    let sent: Vec<_> = items.split(". emit").skip(1).collect();
    for (sent, (function, last)) in sent.iter().zip([
        (" (__ChatOutgoingIndex :: Said as", "Ok (())) ; }"),
        (" (__ChatOutgoingIndex :: Typing as", "Ok (())) ; }"),
        ("_latest (__ChatOutgoingIndex :: Score as", ", & ()) ; }"),
        ("_latest (__ChatOutgoingIndex :: Moved as", ", & x) ; }"),
        ("_latest (__ChatOutgoingIndex :: Went as", ", & id) ; }"),
        ("_latest (__ChatOutgoingIndex :: Won as", ", & by . id . 0) ; }"),
    ]) {
        assert!(sent.starts_with(function) && sent.contains(last), "{sent}");
    }
    assert_eq!(sent.len(), 6, "{items}");
    let policies = items.split_once("const OUTGOING").expect("the list of outgoing events").1;
    for policy in [
        "name : \"said\" , policy : :: parlor :: rooms :: DeliveryPolicy :: Reliable",
        "name : \"typing\" , policy : :: parlor :: rooms :: DeliveryPolicy :: Volatile",
    ] {
        assert!(policies.contains(policy), "`{policy}` is missing in {items}");
    }
}

#[test]
fn several_mistakes_are_all_reported() {
    let (items, errors) = expand_chat(
        "#[incoming] fn a(&mut self); async fn b(&mut self); #[outgoing] fn c(&self) -> u8;",
    );
    assert_eq!(errors.len(), 4, "{errors:?}");
    for method in
        ["fn a (& mut self)", "fn b (& mut self)", "pub fn a (& self ,)", "pub fn c (& self ,)"]
    {
        assert!(items.contains(method), "`{method}` is missing in {items}");
    }
}

#[test]
fn item_that_is_no_trait_is_returned_unchanged_with_an_error() {
    let item = quote!(
        struct Chat {
            text: String,
        }
    );
    let (items, errors) = split_errors(procedure(TokenStream::new(), item.clone()));
    assert_eq!(items, item.to_string());
    assert_eq!(errors, ["`#[procedure]` applies to traits only"]);
}

#[cfg(not(feature = "validate"))]
#[test]
fn rule_without_its_feature_is_an_error_that_names_the_feature() {
    let (_, errors) =
        expand_chat("#[incoming] async fn a(&mut self, #[validate(email)] b: String);");
    assert_eq!(errors, ["`#[validate]` needs the feature `validate` of the crate `parlor`"]);
}

#[cfg(not(feature = "typescript"))]
#[test]
fn typescript_without_its_feature_is_an_error_that_names_the_feature() {
    let message = ["`typescript` needs the feature `typescript` of the crate `parlor`"];
    let item = quote!(
        trait Chat {
            #[incoming]
            async fn a(&mut self);
        }
    );
    let (items, errors) = split_errors(procedure(quote!(typescript), item));
    assert_eq!(errors, message);
    assert!(!items.contains("typescript"), "{items}");
    let item = quote!(
        #[ts(rename = "B")]
        struct A;
    );
    let (items, errors) = split_errors(payload(quote!(typescript), item));
    assert_eq!(errors, message);
    assert!(!items.contains("ts"), "rustc would report `#[ts]`, which no derive declares: {items}");
}

/// Deletes, doubles and swaps each token at each depth.
#[test]
fn procedure_does_not_panic_for_mutated_tokens() {
    let item: TokenStream = r#"
        #[doc = "A chat"] #[allow(unused)]
        pub(crate) trait Chat: Sync + 'static {
            #[incoming(name = "say")] #[cfg(all())]
            async fn send_message(&mut self, room: String,
                #[validate(length(min = 1, max = 2), range(equal = 3), pattern("a"), inner(email, url), nested, custom(a::b))]
                #[field(name = "text", default)] text: Option<String>) -> Result<Vec<u8>, E>;
            #[incoming] async fn r#match(&mut self, mut x: &'static str) -> u8 { return 1; }
            #[outgoing(latest = message.0.1.id)] fn new_message(#[payload] message: (A, [B; 3]));
            #[outgoing(volatile)] fn typing(); #[outgoing(latest)] fn score(home: u8);
            const X: u8 = 1; type T; m! {}
        }
    "#
    .parse()
    .expect("tokens");
    let args = quote!(rename_all = "camelCase", name = "chat", crate = a::b, typescript);
    let mut count = 0;
    mutations(item.clone(), &mut |item| {
        procedure(args.clone(), item);
        count += 1;
    });
    mutations(args, &mut |args| {
        procedure(args, item.clone());
        count += 1;
    });
    assert!(count > 500, "{count}");
}

#[test]
fn payload_does_not_panic_for_mutated_tokens() {
    let items = [
        r#"#[doc = "a */ b"] #[serde(tag = "a\"b", content = "c", rename_all = "x")] #[ts(type = "x")]
        pub enum E<T> where T: Copy { #[serde(rename = "\"")] A { #[serde(flatten)] a: u8 }, B(T), C = 1 }"#,
        r#"#[derive(Debug, serde::Serialize, TS)] #[serde(transparent, into = "B")]
        pub struct S<'a, const N: usize> { #[serde(with = "x", rename = "\n")] #[ts(optional)] a: Vec<[u8; N]>, b: &'a u8 }"#,
        "union U { a: u8 }",
        "struct S;",
    ];
    let args = quote!(typescript, crate = a::b);
    let mut count = 0;
    for item in items {
        let item: TokenStream = item.parse().expect("tokens");
        mutations(item.clone(), &mut |item| {
            payload(args.clone(), item);
            count += 1;
        });
        mutations(args.clone(), &mut |args| {
            payload(args, item.clone());
            count += 1;
        });
    }
    assert!(count > 500, "{count}");
}

fn mutations(tokens: TokenStream, each: &mut dyn FnMut(TokenStream)) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for index in 0..tokens.len() {
        let (before, after) = (&tokens[..index], &tokens[index + 1..]);
        let with = |middle: &[&TokenTree]| -> TokenStream {
            before.iter().chain(middle.iter().copied()).chain(after).cloned().collect()
        };
        each(with(&[]));
        each(with(&[&tokens[index], &tokens[index]]));
        each(before.iter().cloned().collect());
        if let Some((next, rest)) = after.split_first() {
            each(before.iter().chain([next, &tokens[index]]).chain(rest).cloned().collect());
        }
        if let TokenTree::Group(group) = &tokens[index] {
            mutations(group.stream(), &mut |inside| {
                let group = TokenTree::Group(Group::new(group.delimiter(), inside));
                each(with(&[&group]));
            });
        }
    }
}

#[test]
fn conditional_attributes_inside_an_item_become_two_calls_of_the_macro() {
    let item = quote! {
        #[cfg_attr(a, b)]
        pub(crate) trait Chat {
            #[cfg_attr(all(x, not(y = "z")), doc = "Text.", cfg_attr(q, outgoing))]
            fn said(#[cfg_attr(all(x, not(y = "z")), payload)] text: String, #[cfg_attr(other, c)] d: u8);
            #[cfg_attr(1, wrong)]
            fn body() { { #[cfg_attr(all(x, not(y = "z")), d)] 1 } }
        }
    };
    let calls = procedure(quote!(name = "n", crate = some::path), item);
    let start = quote!(#[some::path::procedure(name = "n", crate = some::path)] #[cfg_attr(a, b)]);
    let expected = quote! {
        #[cfg(all(x, not(y = "z")))]
        #start
        pub(crate) trait Chat {
            #[doc = "Text."]
            #[cfg_attr(q, outgoing)]
            fn said(#[payload] text: String, #[cfg_attr(other, c)] d: u8);
            #[cfg_attr(1, wrong)]
            fn body() { { #[cfg_attr(all(x, not(y = "z")), d)] 1 } }
        }
        #[cfg(not(all(x, not(y = "z"))))]
        #start
        pub(crate) trait Chat {
            fn said(text: String, #[cfg_attr(other, c)] d: u8);
            #[cfg_attr(1, wrong)]
            fn body() { { #[cfg_attr(all(x, not(y = "z")), d)] 1 } }
        }
    };
    assert_eq!(calls.to_string(), expected.to_string());
}
