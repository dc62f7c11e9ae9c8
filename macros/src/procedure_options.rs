use proc_macro2::{Ident, Span, TokenStream};
use syn::token::PathSep;
use syn::{LitStr, Path, PathSegment};

use crate::case::Case;
use crate::errors::Errors;
use crate::options::{AttributeOption, distinct_options};

/// The options of `#[procedure(..)]`.
pub(crate) struct ProcedureOptions {
    pub(crate) case: Case,
    pub(crate) name: Option<String>,
    /// The path of the crate `parlor`.
    pub(crate) krate: Path,
    /// Whether the TypeScript generator includes the procedure.
    pub(crate) typescript: bool,
}

impl ProcedureOptions {
    pub(crate) fn read(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut options =
            Self { case: Case::Camel, name: None, krate: default_crate(), typescript: false };
        for option in distinct_options(tokens, errors) {
            let read = match option.name().as_str() {
                "rename_all" => {
                    option.parse("rename_all = \"camelCase\"").and_then(|case: LitStr| {
                        options.case = Case::read(&case)?;
                        Ok(())
                    })
                }
                "name" => option.parse("name = \"..\"").map(|name: LitStr| {
                    options.name = Some(name.value());
                }),
                "crate" => option.parse("crate = some::path").map(|path| options.krate = path),
                "typescript" => read_typescript(&option).map(|()| options.typescript = true),
                name => Err(syn::Error::new(
                    option.key.span(),
                    format!(
                        "`#[procedure]` has no option `{name}`: it takes `rename_all`, `name`, `crate` and `typescript`"
                    ),
                )),
            };
            if let Err(error) = read {
                errors.add(error);
            }
        }
        options
    }
}

/// Checks the option `typescript`: it has no value, and needs a feature.
pub(crate) fn read_typescript(option: &AttributeOption) -> syn::Result<()> {
    if !cfg!(feature = "typescript") {
        let message = "`typescript` needs the feature `typescript` of the crate `parlor`";
        return Err(syn::Error::new(option.key.span(), message));
    }
    option.expect_no_value()
}

/// `::parlor`.
pub(crate) fn default_crate() -> Path {
    let name = PathSegment::from(Ident::new("parlor", Span::call_site()));
    Path { leading_colon: Some(PathSep::default()), segments: [name].into_iter().collect() }
}
