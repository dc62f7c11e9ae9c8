use super::authority::Authority;

/// The value of `Origin`, in the one form in which equivalent ones are equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// `null`: a sandboxed frame or a local file.
    Null,
    /// The port is the default port of the scheme if the origin has none.
    Page { scheme: String, authority: Authority },
    /// `file://`.
    File,
}

impl Origin {
    /// Fails with what is wrong with `text`.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        match text {
            "null" => return Ok(Self::Null),
            "file://" => return Ok(Self::File),
            "*" => return Err("is no origin: use `allow_any_origin`"),
            _ => {}
        }
        let (scheme, authority) =
            text.split_once("://").ok_or("has no scheme, as in `https://app.example.com`")?;
        let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        if scheme.is_empty() || !scheme.bytes().all(is_scheme) {
            return Err("has no valid scheme, as in `https://app.example.com`");
        }
        if authority.contains(['/', '?', '#']) {
            return Err("has a path: an origin ends after its host and port, without a slash");
        }
        let scheme = scheme.to_ascii_lowercase();
        let mut authority = Authority::parse(authority).ok_or(
            "has no valid host: patterns do not match, and names in other alphabets are written `xn--..`",
        )?;
        authority.port = authority.port_with(&scheme);
        Ok(Self::Page { scheme, authority })
    }
}
