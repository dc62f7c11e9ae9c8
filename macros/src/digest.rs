//! Digests of what the server writes for an event, by which the nodes of a cluster notice that their contracts
//! differ.
//!
//! A digest is FNV-1a with 64 bits. It depends on the texts that are added, and on nothing else: not on the
//! compiler, the platform or the layout of the source.

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Attribute, Data, DeriveInput, Fields, LitInt, Meta, Path, Type};

use crate::model::{Event, Payload, is_deprecated, is_lint, possible_payloads, unraw};
use crate::options::AttributeOption;
use crate::payload::WrittenNames;

/// The options of serde that change nothing that is written, or only a name, which is added by itself.
const NOT_WRITTEN: [&str; 16] = [
    "alias",
    "borrow",
    "bound",
    "crate",
    "default",
    "deny_unknown_fields",
    "deserialize_with",
    "expecting",
    "from",
    "other",
    "rename",
    "rename_all",
    "rename_all_fields",
    "skip_deserializing",
    "try_from",
    "variant_identifier",
];

/// The shape of an outgoing event: its digest, and the shapes of the payload types in it. `NoShape` is in scope
/// where it is used.
pub(crate) fn event_shape(event: &Event, private: &TokenStream) -> TokenStream {
    let mut digest = Digest::new();
    digest.text(&event.wire_name.name);
    match &event.payload {
        Payload::Fields(fields) => {
            digest.text("fields");
            for field in fields {
                digest.text(&field.wire_name.name).tokens(field.ty.to_token_stream());
            }
        }
        Payload::Whole(field) => {
            digest.text("payload").tokens(field.ty.to_token_stream());
        }
    }
    shape(&digest, event.payload.fields().iter().map(|field| &field.ty), private)
}

/// The impl by which the digest of an event includes the fields of a `#[payload]` type.
pub(crate) fn payload_impl(input: &DeriveInput, krate: &Path) -> TokenStream {
    let private = quote!(#krate::__private);
    let mut digest = Digest::new();
    let names = WrittenNames::of_type(&input.attrs);
    digest.serde_options(&input.attrs);
    let mut types = Vec::new();
    match &input.data {
        Data::Struct(data) => {
            digest.text("struct").text(&names.of_struct(&unraw(&input.ident)));
            digest.fields(&data.fields, &names, &mut types);
        }
        Data::Enum(data) => {
            digest.text("enum");
            for variant in data.variants.iter().filter(|variant| !has_cfg(&variant.attrs)) {
                digest.text(&names.of_variant(variant)).serde_options(&variant.attrs);
                digest.fields(&variant.fields, &names.in_variant(variant), &mut types);
            }
        }
        Data::Union(_) => {}
    }
    let shape = shape(&digest, types.into_iter(), &private);
    let ident = &input.ident;
    let (generics, arguments, clause) = input.generics.split_for_impl();
    let lints = input.attrs.iter().filter(|attr| is_lint(attr));
    let allow = uses_deprecated(input).then(|| quote!(#[allow(deprecated)]));
    let import = import_fallback(&private);
    quote! {
        #[automatically_derived]
        #(#lints)*
        #allow
        impl #generics #private::HasShape for #ident #arguments #clause {
            const SHAPE: #private::Shape = {
                #import
                #shape
            };
        }
    }
}

/// Whether the user has deprecated the type, or allows deprecated ones in a variant. Serde's derives allow them
/// then, too. Rustc reports no use of the type itself in a derive, but in an attribute macro.
fn uses_deprecated(input: &DeriveInput) -> bool {
    let has_allow = |attrs: &[Attribute]| {
        attrs.iter().any(|attr| match &attr.meta {
            Meta::List(list) if list.path.is_ident("allow") => {
                let mut tokens = list.tokens.clone().into_iter();
                tokens.any(|token| matches!(token, TokenTree::Ident(name) if name == "deprecated"))
            }
            _ => false,
        })
    };
    input.attrs.iter().any(is_deprecated)
        || matches!(&input.data, Data::Enum(data) if data.variants.iter().any(|it| has_allow(&it.attrs)))
}

/// Brings `NoShape` into scope, and uses it: without a type that has no shape, rustc would report the import.
pub(crate) fn import_fallback(private: &TokenStream) -> TokenStream {
    quote! {
        use #private::NoShape as _;
        let _: fn() -> ::core::option::Option<#private::Shape> = #private::ShapeOf::<()>::shape;
    }
}

fn shape<'a>(
    digest: &Digest,
    types: impl Iterator<Item = &'a Type>,
    private: &TokenStream,
) -> TokenStream {
    let mut distinct: Vec<(u64, &Type)> = Vec::new();
    for ty in types.flat_map(possible_payloads) {
        let mut name = Digest::new();
        name.tokens(ty.to_token_stream());
        if !distinct.iter().any(|(other, _)| *other == name.0) {
            distinct.push((name.0, ty));
        }
    }
    let functions = distinct.iter().map(|(_, ty)| quote!(#private::ShapeOf::<#ty>::shape));
    let digest = digest.literal();
    quote!(#private::Shape { digest: #digest, types: &[#(#functions),*] })
}

/// Whether an item exists depends on the build, and the macro does not see the condition's value.
fn has_cfg(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attr| attr.path().is_ident("cfg"))
}

struct Digest(u64);

impl Digest {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Adds a text and its end.
    fn text(&mut self, text: &str) -> &mut Self {
        // No text in UTF-8 contains this byte.
        for byte in text.bytes().chain([0xff]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        self
    }

    /// Adds tokens without their spaces, and without commas that only a formatter adds.
    fn tokens(&mut self, tokens: TokenStream) -> &mut Self {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let is = |token: Option<&TokenTree>, c| matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == c);
        let commas = (0..tokens.len()).filter(|&at| is(tokens.get(at), ',')).count();
        for (at, token) in tokens.iter().enumerate() {
            let next = tokens.get(at + 1);
            // `(T,)` is a tuple, and `(T)` is not.
            let is_trailing = is(next, '>') || (next.is_none() && commas > 1);
            match token {
                TokenTree::Punct(_) if is(Some(token), ',') && is_trailing => {}
                TokenTree::Punct(_) | TokenTree::Literal(_) => {
                    self.text(&token.to_string());
                }
                TokenTree::Ident(ident) => {
                    self.text(&unraw(ident));
                }
                TokenTree::Group(group) => {
                    let (open, close) = match group.delimiter() {
                        Delimiter::Parenthesis => ("(", ")"),
                        Delimiter::Bracket => ("[", "]"),
                        Delimiter::Brace => ("{", "}"),
                        // The group of a `macro_rules!` macro.
                        Delimiter::None => {
                            self.tokens(group.stream());
                            continue;
                        }
                    };
                    self.text(open).tokens(group.stream()).text(close);
                }
            }
        }
        self
    }

    /// Adds the options of serde that change what is written, in the order of their names.
    fn serde_options(&mut self, attrs: &[Attribute]) -> &mut Self {
        let mut options = crate::payload::attribute_options(attrs, "serde");
        options.retain(|option| !NOT_WRITTEN.contains(&option.name().as_str()));
        options.sort_by_key(AttributeOption::name);
        for option in options {
            self.tokens(option.into_tokens());
        }
        self.text("")
    }

    /// Adds the fields of a struct or variant, and collects their types.
    fn fields<'a>(&mut self, fields: &'a Fields, names: &WrittenNames, types: &mut Vec<&'a Type>) {
        self.text(match fields {
            Fields::Named(_) => "named",
            Fields::Unnamed(_) => "unnamed",
            Fields::Unit => "unit",
        });
        for field in fields.iter().filter(|field| !has_cfg(&field.attrs)) {
            if let Some(ident) = &field.ident {
                self.text(&names.of_field(&unraw(ident), &field.attrs));
            }
            self.tokens(field.ty.to_token_stream()).serde_options(&field.attrs);
            types.push(&field.ty);
        }
    }

    /// As in `0x0123_4567_89ab_cdef`.
    fn literal(&self) -> LitInt {
        let part = |shift: u32| (self.0 >> shift) & 0xffff;
        let literal =
            format!("0x{:04x}_{:04x}_{:04x}_{:04x}", part(48), part(32), part(16), part(0));
        LitInt::new(&literal, Span::call_site())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The digest in the expansion of a contract with this event.
    fn event(event: &str) -> String {
        let item = format!("trait Chat {{ {event} }}").parse().expect("tokens");
        digest(&crate::procedure::procedure(TokenStream::new(), item))
    }

    /// The digest in the expansion of this payload type.
    fn payload(item: &str) -> String {
        digest(&crate::payload::payload(TokenStream::new(), item.parse().expect("tokens")))
    }

    fn digest(code: &TokenStream) -> String {
        let code = code.to_string();
        let (_, rest) = code.split_once("digest : ").expect("a digest");
        rest.split_once(" ,").expect("types").0.to_owned()
    }

    #[test]
    fn digest_of_an_event_is_the_same_in_every_build() {
        // A node with another version of Parlor has to compute the same.
        assert_eq!(Digest::new().text("a").literal().to_string(), "0x089b_c907_b544_c769");
        assert_eq!(event("#[outgoing] fn said(room: String, at: u64);"), "0x6f16_fdd4_f76d_88a9");
    }

    #[test]
    fn what_is_sent_changes_the_digest_of_an_event() {
        let events = [
            "#[outgoing] fn said(room: String, at: u64);",
            "#[outgoing] fn told(room: String, at: u64);",
            "#[outgoing] fn said(rooms: String, at: u64);",
            "#[outgoing] fn said(room: String, at: u32);",
            "#[outgoing] fn said(room: String, at: Option<u64>);",
            "#[outgoing] fn said(room: String);",
            "#[outgoing] fn said(at: u64, room: String);",
            "#[outgoing] fn said(room: Room);",
            "#[outgoing] fn said(#[payload] room: Room);",
            "#[outgoing] fn said(#[payload] room: (Room,));",
            "#[outgoing] fn said(#[field(name = \"r\")] room: Room);",
            "#[outgoing(name = \"s\")] fn said(room: Room);",
        ];
        assert_distinct(&events.map(event));
    }

    #[test]
    fn what_is_not_sent_leaves_the_digest_of_an_event() {
        let said = event("#[outgoing] fn said(rooms: HashMap<String, (u8, u16)>, at: u64);");
        for other in [
            "/// Text. \n #[outgoing]  fn said( rooms :HashMap < String,(u8,u16,), >,\n at:u64 ,);",
            "#[deprecated] #[outgoing(volatile)] fn said(rooms: HashMap<String, (u8, u16)>, at: u64);",
            "#[outgoing(latest = at)] fn said(rooms: HashMap<String, (u8, u16)>, at: u64);",
            "#[allow(unused)] #[outgoing] fn said(/** A */ rooms: HashMap<String, (u8, u16)>, #[field(default)] at: u64);",
            "#[outgoing] fn said(#[field(name = \"rooms\")] a: HashMap<String, (u8, u16)>, at: u64);",
            "#[outgoing(name = \"said\")] fn x(r#rooms: HashMap<String, (u8, u16)>, at: u64);",
        ] {
            assert_eq!(event(other), said, "{other}");
        }
        #[cfg(feature = "validate")]
        assert_eq!(
            event("#[outgoing] fn said(#[validate(range(min = 1))] at: u64);"),
            event("#[outgoing] fn said(at: u64);"),
        );
    }

    #[test]
    fn what_is_written_changes_the_digest_of_a_payload() {
        assert_distinct(
            &[
                "struct A { user_id: u64, at: u8 }",
                "struct A { user_id: u64 }",
                "struct A { user: u64 }",
                "struct A { user_id: String }",
                "struct A { #[serde(flatten)] user_id: u64 }",
                "struct A { #[serde(rename = \"user\", flatten)] user_id: u64 }",
                "struct A { #[serde(skip_serializing_if = \"x\")] user_id: u64 }",
                "struct A { #[serde(skip_serializing_if = \"y\")] user_id: u64 }",
                "#[serde(rename_all = \"snake_case\")] struct A { user_id: u64 }",
                "#[serde(tag = \"kind\")] struct A { user_id: u64 }",
                "struct A(u64);",
                "struct A(u64, u64);",
                "struct A;",
                "enum A { B, C }",
                "enum A { B, D }",
                "enum A { B, C(u8) }",
                "enum A { B, C { d: u8 } }",
                "enum A { B, C { e_f: u8 } }",
                "enum A { B, #[serde(rename_all = \"UPPERCASE\")] C { e_f: u8 } }",
                "#[serde(rename_all_fields = \"kebab-case\")] enum A { B, C { e_f: u8 } }",
                "#[serde(untagged)] enum A { B, C }",
                "#[serde(tag = \"t\", content = \"c\")] enum A { B, C }",
            ]
            .map(payload),
        );
    }

    #[test]
    fn what_is_not_written_leaves_the_digest_of_a_payload() {
        let a = payload("struct A { #[serde(flatten, with = \"w\")] user_id: u64 }");
        for other in [
            "/// Text. \n pub(crate)  struct A{ pub user_id :u64, }",
            "#[derive(Debug)] #[serde(rename_all = \"camelCase\")] struct A { r#user_id: u64 }",
            "#[serde(default)] struct A { #[serde(default, alias = \"u\")] user_id: u64 }",
            "struct A { #[serde(rename = \"userId\")] user: u64 }",
            "struct A { user_id: u64, #[cfg(any())] b: Nothing }",
        ] {
            assert_eq!(payload(other), payload("struct A { user_id: u64 }"), "{other}");
        }
        let reordered = "struct A { #[serde(with = \"w\")] #[serde(flatten)] user_id: u64 }";
        assert_eq!(payload(reordered), a);
        assert_eq!(
            payload("enum A { #[serde(rename = \"b\")] X, C { e_f: u8 } }"),
            payload("enum A { B, C { #[serde(rename = \"eF\")] g: u8 } }"),
        );
    }

    fn assert_distinct(digests: &[String]) {
        for (at, digest) in digests.iter().enumerate() {
            let same = digests[..at].iter().position(|other| other == digest);
            assert!(same.is_none(), "{at} and {same:?} are equal");
        }
    }
}
