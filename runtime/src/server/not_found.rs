//! The rejection of a request for a path at which no procedure is mounted.

use http::StatusCode;

use super::routes::Routes;
use crate::reject::Reject;
use crate::wire::CloseCode;

/// Clients get the list of mounted paths if it has at most this many, each of at most
/// [`MAX_LISTED_PATH`] bytes.
const MAX_LISTED: usize = 8;
const MAX_LISTED_PATH: usize = 64;
/// The most mounted paths in the log.
const MAX_LOGGED: usize = 64;
/// The asked path is cut after this many characters.
const MAX_ASKED: usize = 100;

/// `asked` is a path in normal form.
pub(super) fn not_found(asked: &str, routes: &Routes) -> Reject {
    let mut mounted: Vec<&str> = routes.endpoints.keys().map(String::as_str).collect();
    mounted.sort_unstable();
    let message = message(asked, &mounted);
    let left_out = mounted.len().saturating_sub(MAX_LOGGED);
    mounted.truncate(MAX_LOGGED);
    tracing::debug!(?mounted, left_out, "{message}");
    Reject::new(StatusCode::NOT_FOUND, CloseCode::NOT_FOUND, message)
}

fn message(asked: &str, mounted: &[&str]) -> String {
    let without_slash = asked.strip_suffix('/').filter(|path| mounted.contains(path));
    let with_slash = mounted.iter().find(|path| path.strip_suffix('/') == Some(asked));
    let asked = cut(asked);
    if let Some(path) = without_slash {
        return format!(
            "no procedure is mounted at {asked}; one is mounted at {}, without the trailing slash",
            cut(path)
        );
    }
    if let Some(path) = with_slash {
        return format!(
            "no procedure is mounted at {asked}; one is mounted at {}, with a trailing slash",
            cut(path)
        );
    }
    let is_short = |path: &&str| path.len() <= MAX_LISTED_PATH;
    match mounted {
        [] => "no procedure is mounted".to_owned(),
        [path] if is_short(path) => {
            format!("no procedure is mounted at {asked}; mounted is {path}")
        }
        paths if paths.len() <= MAX_LISTED && paths.iter().all(is_short) => {
            format!("no procedure is mounted at {asked}; mounted are {}", paths.join(", "))
        }
        _ => format!("no procedure is mounted at {asked}"),
    }
}

/// Escapes what is not printable, and cuts long paths.
fn cut(path: &str) -> String {
    let mut escaped = path.chars().flat_map(char::escape_debug);
    let mut cut: String = escaped.by_ref().take(MAX_ASKED).collect();
    if escaped.next().is_some() {
        cut.push_str("...");
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_cuts_and_escapes_the_asked_path() {
        let message = message(&format!("/\u{7f}\"{}", "a".repeat(200)), &["/chat"]);
        assert!(message.contains(r#"at /\u{7f}\"aaa"#), "{message}");
        assert!(message.contains("aa...; mounted is /chat"), "{message}");
        assert!(message.len() < 150, "{message}");
    }
}
