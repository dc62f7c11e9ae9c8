use std::fmt;

use serde::ser::Error;

use super::super::path;

/// Why a value cannot be encoded, and where in it.
///
/// The path is made while the error is returned through the values around it, so that a value without an
/// error has no cost.
pub(crate) struct EncodeError(Box<Failure>);

struct Failure {
    path: String,
    message: String,
    /// Whether code of the user returned it.
    is_custom: bool,
}

impl EncodeError {
    #[cold]
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self(Box::new(Failure { path: String::new(), message: message.into(), is_custom: false }))
    }

    /// A float that JSON does not have.
    #[cold]
    pub(super) fn not_finite(number: f64) -> Self {
        Self::new(format!("{number} is no JSON number: send `None` of an `Option` instead"))
    }

    #[cold]
    pub(super) fn too_deep(max_depth: u8) -> Self {
        Self::new(format!(
            "nested more than {max_depth} levels deep, which the receiver does not read"
        ))
    }

    /// The same error, inside the field or entry `key`.
    #[cold]
    pub(super) fn in_entry(mut self, key: &str) -> Self {
        path::prepend(&mut self.0.path, key);
        self
    }

    /// The same error, inside the element `index`.
    #[cold]
    pub(super) fn in_element(self, index: usize) -> Self {
        self.in_entry(&format!("[{index}]"))
    }

    /// The error as clients may read it: without the message of an error that the user's code returned.
    pub(crate) fn for_client(&self) -> String {
        let Failure { path, message, is_custom } = &*self.0;
        let message = if *is_custom { "the log of the server has the error" } else { message };
        Display { path, message }.to_string()
    }
}

struct Display<'a> {
    path: &'a str,
    message: &'a str,
}

impl fmt::Display for Display<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, message } = self;
        if !path.is_empty() {
            write!(f, "`{path}`: ")?;
        }
        f.write_str(message)
    }
}

impl Error for EncodeError {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Self {
        let mut error = Self::new(message.to_string());
        error.0.is_custom = true;
        error
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display { path: &self.0.path, message: &self.0.message }.fmt(f)
    }
}

impl fmt::Debug for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncodeError({self})")
    }
}

impl std::error::Error for EncodeError {}
