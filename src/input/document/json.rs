//! JSON into the tree, without the bulk of Kubernetes objects that no plan needs.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Node, Value};

/// Where a JSON value stands, as far as it decides what may stay unread: `env` is bulk in a
/// container and a fine name for a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Metadata,
    Annotations,
    Container,
    Status,
    Other,
    /// In a file of our own, of which everything is read.
    Ours,
}

/// Annotations that forbid to move a pod, with the value that does: Karpenter's and the Cluster
/// Autoscaler's. Beside these, only that of spot shares is read.
pub(in crate::input) const STAYS: [(&str, &str); 2] =
    [("karpenter.sh/do-not-disrupt", "true"), ("cluster-autoscaler.kubernetes.io/safe-to-evict", "false")];

impl Place {
    fn under(self, key: &str) -> Self {
        match key {
            _ if self == Place::Ours => Place::Ours,
            "metadata" => Place::Metadata,
            "annotations" => Place::Annotations,
            "containers" | "initContainers" => Place::Container,
            "status" => Place::Status,
            _ => Place::Other,
        }
    }

    /// Bulky parts of Kubernetes objects that hold nothing a plan needs.
    fn leaves_unread(self, key: &str) -> bool {
        match self {
            Place::Metadata => key == "managedFields",
            Place::Annotations => {
                key != crate::input::placement::SPOT_SHARE && !STAYS.iter().any(|(known, _)| *known == key)
            }
            Place::Container => matches!(
                key,
                "env"
                    | "envFrom"
                    | "volumeMounts"
                    | "livenessProbe"
                    | "readinessProbe"
                    | "startupProbe"
                    | "securityContext"
                    | "lifecycle"
                    | "command"
                    | "args"
            ),
            Place::Status => key.ends_with("Statuses") || matches!(key, "images" | "podIPs"),
            Place::Other | Place::Ours => false,
        }
    }
}

/// Reads a JSON value into a node; `at` is the address of its key, for values that have no text
/// of their own to point at.
pub(in crate::input) struct JsonNode {
    at: usize,
    place: Place,
}

impl JsonNode {
    /// For a value that begins at, or after, an address.
    pub fn at(at: usize) -> Self {
        JsonNode { at, place: Place::Other }
    }

    /// As [`at`](Self::at), and no part of the value stays unread.
    pub fn whole(at: usize) -> Self {
        JsonNode { at, place: Place::Ours }
    }
}

impl<'de> DeserializeSeed<'de> for JsonNode {
    type Value = Node<'de>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for JsonNode {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }
    fn visit_unit<E>(self) -> Result<Node<'de>, E> {
        Ok(Node { at: self.at, value: Value::Null })
    }
    fn visit_bool<E>(self, value: bool) -> Result<Node<'de>, E> {
        Ok(Node { at: self.at, value: Value::Bool(value) })
    }
    fn visit_i64<E>(self, value: i64) -> Result<Node<'de>, E> {
        Ok(Node { at: self.at, value: Value::Number(value.to_string().into()) })
    }
    fn visit_u64<E>(self, value: u64) -> Result<Node<'de>, E> {
        Ok(Node { at: self.at, value: Value::Number(value.to_string().into()) })
    }
    /// The shortest decimal that reads back as the same float: what was written, up to 15 digits.
    fn visit_f64<E>(self, value: f64) -> Result<Node<'de>, E> {
        Ok(Node { at: self.at, value: Value::Number(value.to_string().into()) })
    }
    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Node<'de>, E> {
        Ok(Node { at: value.as_ptr() as usize, value: Value::String(Cow::Borrowed(value)) })
    }
    fn visit_str<E>(self, value: &str) -> Result<Node<'de>, E> {
        Ok(Node { at: self.at, value: Value::String(Cow::Owned(value.to_owned())) })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Node<'de>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element_seed(JsonNode { at: self.at, place: self.place })? {
            items.push(item);
        }
        Ok(Node { at: self.at, value: Value::Sequence(items) })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node<'de>, A::Error> {
        let mut entries = Vec::new();
        let mut at = self.at;
        while let Some(JsonKey(key, key_at)) = map.next_key()? {
            if entries.is_empty() && key_at != 0 {
                at = key_at;
            }
            let value_at = if key_at == 0 { at } else { key_at };
            if self.place.leaves_unread(&key) {
                map.next_value::<IgnoredAny>()?;
                entries.push((key, Node { at: value_at, value: Value::Null }));
            } else {
                let value = map.next_value_seed(JsonNode { at: value_at, place: self.place.under(&key) })?;
                entries.push((key, value));
            }
        }
        Ok(Node { at, value: Value::Mapping(entries) })
    }
}

/// A key of a JSON object and its address, zero where escapes make a copy necessary.
pub(in crate::input) struct JsonKey<'a>(pub Cow<'a, str>, pub usize);

impl<'de> Deserialize<'de> for JsonKey<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = JsonKey<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E>(self, key: &'de str) -> Result<JsonKey<'de>, E> {
                Ok(JsonKey(Cow::Borrowed(key), key.as_ptr() as usize))
            }
            fn visit_str<E>(self, key: &str) -> Result<JsonKey<'de>, E> {
                Ok(JsonKey(Cow::Owned(key.to_owned()), 0))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}
