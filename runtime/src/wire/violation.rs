use std::fmt;

use serde::{Deserialize, Serialize};

/// What is wrong with a field: it is missing, of another type, or breaks a rule of `#[validate(..)]`.
///
/// No built-in rule includes the value. If the type is wrong, the message may include it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Violation {
    /// The field: its wire name, then the path inside, as in `tags[2]` or `author.name`.
    pub path: String,
    /// The rule: `required`, `type`, `length`, `range`, `pattern`, `email`, `url`, `nested` or
    /// `custom`.
    pub rule: String,
    /// What is wrong, in words.
    pub message: String,
    /// The smallest value or length that the rule allows, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<serde_json::Number>,
    /// The largest value or length that the rule allows, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<serde_json::Number>,
}

impl Violation {
    /// A violation of `rule` by the field at `path`.
    pub fn new(
        path: impl Into<String>,
        rule: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self { path: path.into(), rule: rule.into(), message: message.into(), min: None, max: None }
    }

    /// A violation of a rule that has bounds.
    #[cfg(feature = "validate")]
    pub(crate) fn within<B: fmt::Display>(
        path: &str,
        rule: &str,
        error: impl fmt::Display,
        min: Option<B>,
        max: Option<B>,
    ) -> Self {
        // Numbers of all types print as in JSON. A bound without a JSON number is left out.
        let number = |bound: Option<B>| bound?.to_string().parse().ok();
        Self { min: number(min), max: number(max), ..Self::new(path, rule, error.to_string()) }
    }

    /// The same violation, for a part of the field at `path`.
    #[cfg(feature = "validate")]
    pub(crate) fn below(mut self, path: &str) -> Self {
        super::path::prepend(&mut self.path, path);
        self
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => f.write_str("the payload")?,
            path => write!(f, "`{path}`")?,
        }
        write!(f, " breaks the rule `{}`: {}", self.rule, self.message)
    }
}

impl std::error::Error for Violation {}
