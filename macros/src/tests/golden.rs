//! Compares expansions with the files in `macros/tests/golden`, which also show what the macros generate.

use std::path::Path;
use std::{env, fs};

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident};
use syn::{Attribute, Expr, File, Item, Meta, Stmt, StmtMacro, parse_quote};

use crate::payload::payload;
use crate::procedure::procedure;

type Macro = fn(TokenStream, TokenStream) -> TokenStream;

#[test]
fn smallest_contract_expands_to_its_golden_file() {
    compare("tests/golden/input/smallest.rs", "smallest.rs");
}

#[cfg(all(feature = "typescript", feature = "validate"))]
#[test]
fn chat_example_expands_to_its_golden_file() {
    compare("../examples/chat/contract.rs", "chat.rs");
}

#[cfg(all(
    feature = "typescript",
    feature = "validate-email",
    feature = "validate-pattern",
    feature = "validate-url"
))]
#[test]
fn contract_with_every_option_expands_to_its_golden_file() {
    compare("tests/golden/input/everything.rs", "everything.rs");
}

fn compare(input: &str, golden: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = fs::read_to_string(root.join(input)).expect("the input exists");
    let mut file = syn::parse_file(&source).expect("the input is Rust");
    let expanded: TokenStream = file.items.drain(..).map(expand).collect();
    let expanded = format(syn::parse2(expanded).expect("generated code is Rust"));
    let text = format!(
        "// The expansion of `{input}`. Written by\n\
         // `PARLOR_OVERWRITE=1 cargo test -p parlor-macros --all-features golden`.\n\n{expanded}"
    );
    let path = root.join("tests/golden").join(golden);
    if env::var_os("PARLOR_OVERWRITE").is_some_and(|value| value == "1") {
        fs::write(&path, &text).expect("the golden file is writable");
    }
    let committed = fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    let difference = text.lines().zip(committed.lines()).find(|(line, other)| line != other);
    assert!(
        text == committed,
        "{} is stale; `PARLOR_OVERWRITE=1` rewrites it. First difference: {difference:?}",
        path.display()
    );
}

/// Formats the code, also inside `client! { .. }` and `server! { .. }`, which prettyplease leaves as it is.
fn format(mut file: File) -> String {
    file.items = file.items.into_iter().map(as_module).collect();
    prettyplease::unparse(&file)
        .replace("mod __parlor_client {", "::parlor::__private::client! {")
        .replace("mod __parlor_server {", "::parlor::__private::server! {")
}

/// Replaces `client! { .. }` and `server! { .. }` by a module with the same items.
fn as_module(item: Item) -> Item {
    match item {
        Item::Const(mut item) => {
            if let Expr::Block(block) = &mut *item.expr {
                for statement in &mut block.block.stmts {
                    if let Stmt::Macro(StmtMacro { mac, .. }) = statement
                        && let Some(module) = module(mac)
                    {
                        *statement = Stmt::Item(module);
                    }
                }
            }
            Item::Const(item)
        }
        Item::Macro(item) => module(&item.mac).unwrap_or(Item::Macro(item)),
        item => item,
    }
}

fn module(call: &syn::Macro) -> Option<Item> {
    let name = call.path.segments.last()?.ident.to_string();
    let name = match &*name {
        "client" | "server" => format_ident!("__parlor_{name}"),
        _ => return None,
    };
    let items = &call.tokens;
    Some(parse_quote!(mod #name { #items }))
}

/// Expands the macro of an item, as rustc would.
fn expand(mut item: Item) -> TokenStream {
    let attrs = match &mut item {
        Item::Trait(item) => &mut item.attrs,
        Item::Struct(item) => &mut item.attrs,
        Item::Enum(item) => &mut item.attrs,
        _ => return item.into_token_stream(),
    };
    let Some((index, expand)) = attrs.iter().enumerate().find_map(macro_at) else {
        return item.into_token_stream();
    };
    let options = match attrs.remove(index).meta {
        Meta::List(list) => list.tokens,
        _ => TokenStream::new(),
    };
    expand(options, item.into_token_stream())
}

fn macro_at((index, attr): (usize, &Attribute)) -> Option<(usize, Macro)> {
    if attr.path().is_ident("procedure") {
        return Some((index, procedure));
    }
    attr.path().is_ident("payload").then_some((index, payload))
}
