//! Topics as subjects of NATS.
//!
//! `:` separates the tokens of a topic, `.` those of a subject. What a subject may not contain is percent-encoded, and
//! an empty token is `%`, so two topics never have one subject.

use std::fmt::Write;

/// Returns the subject of the topic with this name.
pub(super) fn subject(topic: &str) -> String {
    let mut subject = String::with_capacity(topic.len() + 8);
    for (position, token) in topic.split(':').enumerate() {
        if position > 0 {
            subject.push('.');
        }
        if token.is_empty() {
            subject.push('%');
        }
        for byte in token.bytes() {
            // `*` and `>` are wildcards. `$` begins the subjects of the server itself.
            if byte.is_ascii_graphic() && !b".*>%$".contains(&byte) {
                subject.push(char::from(byte));
            } else {
                let _ = write!(subject, "%{byte:02X}");
            }
        }
    }
    subject
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::subject;
    use crate::percent::decode_escape;

    /// The inverse of [`subject`].
    fn topic(subject: &str) -> String {
        let mut topic = Vec::new();
        for (position, token) in subject.split('.').enumerate() {
            if position > 0 {
                topic.push(b':');
            }
            let mut rest = token.as_bytes();
            while let Some((&byte, after)) = rest.split_first() {
                rest = after;
                if token == "%" {
                    continue;
                }
                if byte != b'%' {
                    topic.push(byte);
                    continue;
                }
                let (decoded, after) = decode_escape(rest).expect("two hex digits");
                topic.push(decoded);
                rest = after;
            }
        }
        String::from_utf8(topic).expect("UTF-8")
    }

    #[test]
    fn topics_of_parlor_are_readable() {
        assert_eq!(subject("parlor:b:17"), "parlor.b.17");
        assert_eq!(subject("parlor:all:/api/v1.0/chat"), "parlor.all./api/v1%2E0/chat");
        // The docs of the permissions say so.
        assert_eq!(subject("shop-eu_2:b:17"), "shop-eu_2.b.17");
        assert_eq!(subject("shop.eu:b:17"), "shop%2Eeu.b.17");
    }

    proptest! {
        #[test]
        fn a_subject_is_valid_and_has_one_topic(name in "([:. *>%$a\t\n]|\\PC){0,40}") {
            let subject = subject(&name);
            for token in subject.split('.') {
                prop_assert!(!token.is_empty());
                prop_assert!(token.bytes().all(|byte| byte.is_ascii_graphic()));
                prop_assert!(!token.contains(['*', '>']));
            }
            prop_assert_eq!(topic(&subject), name);
        }
    }
}
