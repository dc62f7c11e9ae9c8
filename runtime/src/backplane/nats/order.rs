//! The order of the parcels of control topics, which arrive in several channels.

use std::collections::HashMap;

use bytes::Bytes;

const PREFIX: &str = "_PARLOR";

/// Which link published a parcel, and when, relative to its other parcels of control topics.
///
/// It travels as the reply subject of the message, which has no other use here and does not count as payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// The random id of the link.
    pub(super) origin: u64,
    /// Increases with each parcel.
    pub(super) number: u64,
}

/// A parcel of a control topic.
pub(super) struct Held {
    pub(super) place: Place,
    pub(super) bytes: Bytes,
}

impl Place {
    /// Of a message that says nothing about it.
    pub(super) const UNKNOWN: Self = Self { origin: 0, number: 0 };

    pub(super) fn subject(self) -> String {
        format!("{PREFIX}.{:016x}.{:016x}", self.origin, self.number)
    }

    /// Reads the last two tokens: gateways between clusters add tokens before them.
    pub(super) fn parse(subject: &str) -> Self {
        let mut tokens = subject.rsplit('.');
        let mut next = || u64::from_str_radix(tokens.next()?, 16).ok();
        let (number, origin) = (next(), next());
        match (origin, number) {
            (Some(origin), Some(number)) => Self { origin, number },
            _ => Self::UNKNOWN,
        }
    }

    pub(super) fn last_of_each_origin(parcels: &[Held]) -> HashMap<u64, u64> {
        let mut last = HashMap::new();
        for Held { place, .. } in parcels {
            let number: &mut u64 = last.entry(place.origin).or_default();
            *number = place.number.max(*number);
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn a_place_is_read_from_its_subject() {
        let place = Place { origin: u64::MAX, number: 7 };
        assert_eq!(Place::parse(&place.subject()), place);
        assert_eq!(Place::parse(&format!("_GR_.a.b.{}", place.subject())), place);
        for foreign in ["", ".", "_INBOX.x.y", "1", "1.+-2", "é.é"] {
            assert_eq!(Place::parse(foreign), Place::UNKNOWN, "{foreign}");
        }
    }
}
