//! One tree for YAML and JSON: every value remembers where it stands and its text as written.
//!
//! Typed deserialization stops at the first fault; a tree lets a reader name all of them. Scalars
//! keep their text, so that `1e3` and `0.1` reach `quantity` without passing through a float.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_yaml::Spanned;

/// A value and the address of its text; zero where that is not known.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node<'a> {
    /// Address of the value's first byte (or of its key), within the source's text.
    pub at: usize,
    pub value: Value<'a>,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value<'a> {
    Null,
    Bool(bool),
    /// A number as it was written.
    Number(Cow<'a, str>),
    String(Cow<'a, str>),
    Sequence(Vec<Node<'a>>),
    Mapping(Vec<(Cow<'a, str>, Node<'a>)>),
}

impl<'a> Node<'a> {
    /// The value under a key; none for what is no mapping.
    pub fn get(&self, key: &str) -> Option<&Node<'a>> {
        match &self.value {
            Value::Mapping(entries) => entries.iter().find(|(k, _)| k == key).map(|(_, node)| node),
            _ => None,
        }
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// What it is, for messages.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
        }
    }
}

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
pub(super) const STAYS: [(&str, &str); 2] =
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
                key != super::placement::SPOT_SHARE && !STAYS.iter().any(|(known, _)| *known == key)
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

/// The line, from one, of an address within `text`.
pub(super) fn line_of(text: &str, at: usize) -> Option<u64> {
    let offset = at.checked_sub(text.as_ptr() as usize)?;
    let before = text.as_bytes().get(..offset)?;
    Some(before.iter().filter(|b| **b == b'\n').count() as u64 + 1)
}

// ---------------------------------------------------------------- JSON

/// Reads a JSON value into a node; `at` is the address of its key, for values that have no text
/// of their own to point at.
pub(super) struct JsonNode {
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
pub(super) struct JsonKey<'a>(pub Cow<'a, str>, pub usize);

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

// ---------------------------------------------------------------- YAML

/// A document that could not be read as YAML.
pub(super) struct YamlError {
    /// Line within the document's own text, from one.
    pub line: Option<u64>,
    pub message: String,
    /// Whether a limit ended the reading, as it would again.
    pub beyond_limits: bool,
}

impl YamlError {
    /// What a reader of YAML said, in our words where its own are about itself.
    pub fn of(error: &serde_yaml::Error) -> Self {
        let error = error.without_snippet();
        let line = error.location().map(|l| l.line()).filter(|l| *l > 0);
        let message = first_line(&error.to_string());
        // Its own words name counters of the reader.
        let limits = ["budget breached", "alias replay", "alias expansion"];
        let beyond_limits = limits.iter().any(|words| message.contains(words));
        let message = if beyond_limits {
            "nests too deep, or grows too large where its aliases are followed".to_owned()
        } else {
            message
        };
        YamlError { line, message, beyond_limits }
    }
}

/// Splits a stream at its `---` and `...` markers, which stand at the start of a line and nowhere
/// inside a scalar; so one broken document does not hide the faults of the others.
pub(super) fn split_yaml(text: &str) -> Vec<&str> {
    let is_marker = |line: &str, marker: &str| {
        line.strip_prefix(marker)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
    };
    let mut documents = Vec::new();
    let mut start = 0;
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let next = offset + line.len();
        if is_marker(line, "---") {
            documents.push(&text[start..offset]);
            // The document may begin on the marker's own line: `--- # comment` or `--- {a: 1}`.
            start = offset + 3;
        } else if is_marker(line, "...") {
            documents.push(&text[start..offset]);
            start = next;
        }
        offset = next;
    }
    documents.push(&text[start..]);
    documents.retain(|document| !is_blank(document));
    documents
}

/// Whether a document has nothing but blanks, comments and directives.
fn is_blank(document: &str) -> bool {
    document.lines().all(|line| {
        let line = line.trim();
        line.is_empty() || line.starts_with('#') || line.starts_with('%')
    })
}

/// Reads one YAML document, within budgets that stop alias bombs and endless nesting.
pub(super) fn parse_yaml(document: &str) -> Result<Node<'_>, YamlError> {
    let options = serde_yaml::options! {
        // Size is no danger: the text is in memory already and a node costs some 100 bytes. Growth
        // by aliases is, so what they may replay stays at the crate's million events.
        budget: serde_yaml::budget! {
            max_events: 200_000_000,
            max_nodes: 100_000_000,
            max_total_scalar_bytes: 4 << 30,
            max_documents: 2,
            // One anchor used by hundreds of components is honest use.
            enforce_alias_anchor_ratio: false,
        },
        strict_booleans: true,
        with_snippet: false,
    };
    match serde_yaml::from_str_with_options::<Spanned<YamlValue<'_>>>(document, options) {
        Ok(spanned) => Ok(resolve(spanned, document)),
        Err(error) => Err(YamlError::of(&error)),
    }
}

/// An error's first line, without the place, whose line counts within the document only.
fn first_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    line.rsplit_once(" at line ").map_or(line, |(message, _)| message).trim_end().to_owned()
}

/// A YAML value before its scalars got their text back.
enum YamlValue<'a> {
    Null,
    /// A boolean or number, whose text stands at the node's span.
    Plain(Option<bool>),
    String(Cow<'a, str>),
    Sequence(Vec<Spanned<YamlValue<'a>>>),
    Mapping(Vec<(Cow<'a, str>, Spanned<YamlValue<'a>>)>),
}

fn resolve<'a>(spanned: Spanned<YamlValue<'a>>, text: &'a str) -> Node<'a> {
    let base = text.as_ptr() as usize;
    let span = spanned.defined.span();
    // The place where an alias stands helps more than the place of its anchor.
    let at = spanned.referenced.span().byte_offset().map_or(0, |offset| base + offset as usize);
    let written = || {
        let start = span.byte_offset()? as usize;
        let end = start + span.byte_len()? as usize;
        text.get(start..end).map(str::trim)
    };
    let value = match spanned.value {
        YamlValue::Null => Value::Null,
        YamlValue::Plain(Some(flag)) => Value::Bool(flag),
        YamlValue::Plain(None) => Value::Number(written().unwrap_or_default().into()),
        YamlValue::String(text) => Value::String(text),
        YamlValue::Sequence(items) => {
            Value::Sequence(items.into_iter().map(|item| resolve(item, text)).collect())
        }
        YamlValue::Mapping(entries) => {
            Value::Mapping(entries.into_iter().map(|(key, value)| (key, resolve(value, text))).collect())
        }
    };
    Node { at, value }
}

impl<'de> Deserialize<'de> for YamlValue<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(YamlVisitor)
    }
}

struct YamlVisitor;

impl<'de> Visitor<'de> for YamlVisitor {
    type Value = YamlValue<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML value")
    }
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(YamlValue::Null)
    }
    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(YamlValue::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(YamlValue::Plain(Some(value)))
    }
    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(YamlValue::Plain(None))
    }
    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(YamlValue::Plain(None))
    }
    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(YamlValue::Plain(None))
    }
    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(YamlValue::String(Cow::Borrowed(value)))
    }
    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(YamlValue::String(Cow::Owned(value.to_owned())))
    }
    fn visit_string<E>(self, value: String) -> Result<Self::Value, E> {
        Ok(YamlValue::String(Cow::Owned(value)))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element()? {
            items.push(item);
        }
        Ok(YamlValue::Sequence(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            entries.push((key, map.next_value()?));
        }
        Ok(YamlValue::Mapping(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn yaml(text: &str) -> Node<'_> {
        parse_yaml(text).unwrap_or_else(|e| panic!("{}", e.message))
    }
    fn json(text: &str) -> Node<'_> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        JsonNode::at(text.as_ptr() as usize).deserialize(&mut deserializer).unwrap()
    }
    fn number<'a>(node: &'a Node<'a>, key: &str) -> &'a str {
        match &node.get(key).unwrap().value {
            Value::Number(text) => text,
            other => panic!("{key} is {other:?}"),
        }
    }

    #[test]
    fn numbers_keep_the_text_as_written() {
        let node = yaml("a: 0.5\nb: 1e9\nc: 012\nd: 1\ne: 18446744073709551616\nf: -3\ng: 0.10 # note\n");
        for (key, text) in [("a", "0.5"), ("b", "1e9"), ("d", "1"), ("f", "-3"), ("g", "0.10")] {
            assert_eq!(number(&node, key), text);
        }
        assert_eq!(number(&node, "e"), "18446744073709551616");
        let node = json(r#"{"a": 0.1, "b": 1e9, "c": 3}"#);
        for (key, text) in [("a", "0.1"), ("b", "1000000000"), ("c", "3")] {
            assert_eq!(number(&node, key), text);
        }
    }

    #[test]
    fn scalars_keep_their_kind() {
        let node = yaml("a: yes\nb: 'true'\nc: true\nd: ~\ne: \"5\"\nf:\ng: |\n  text\nh: v1.2.3\n");
        let value = |key| node.get(key).unwrap().value.clone();
        assert_eq!(value("a"), Value::String("yes".into()));
        assert_eq!(value("b"), Value::String("true".into()));
        assert_eq!(value("c"), Value::Bool(true));
        assert_eq!(value("d"), Value::Null);
        assert_eq!(value("e"), Value::String("5".into()));
        assert_eq!(value("f"), Value::Null);
        assert_eq!(value("g"), Value::String("text\n".into()));
        assert_eq!(value("h"), Value::String("v1.2.3".into()));
    }

    #[test]
    fn every_value_knows_its_line() {
        let text = "a: 1\nb:\n  c: [1,\n    2]\nd: x\n";
        let node = yaml(text);
        let line = |node: &Node<'_>| line_of(text, node.at);
        assert_eq!(line(node.get("a").unwrap()), Some(1));
        assert_eq!(line(node.get("b").unwrap().get("c").unwrap()), Some(3));
        let Value::Sequence(items) = &node.get("b").unwrap().get("c").unwrap().value else { panic!() };
        assert_eq!(line(&items[1]), Some(4));
        assert_eq!(line(node.get("d").unwrap()), Some(5));

        let text = "{\"a\": 1,\n\"b\": [\n{\"c\": 2},\n{\n\"d\": 3}]}";
        let node = json(text);
        let Value::Sequence(items) = &node.get("b").unwrap().value else { panic!() };
        assert_eq!(line_of(text, items[0].at), Some(3));
        assert_eq!(line_of(text, items[1].get("d").unwrap().at), Some(5));
    }

    #[test]
    fn bulk_stays_unread_but_labels_do_not() {
        let node = json(
            r#"{"metadata": {"annotations": {"a": 1}, "labels": {"env": "prod"}},
                "spec": {"nodeSelector": {"env": "x"}, "containers": [{"env": [{"name": "y"}], "name": "z"}]}}"#,
        );
        let metadata = node.get("metadata").unwrap();
        assert_eq!(metadata.get("annotations").unwrap().get("a").unwrap().value, Value::Null);
        assert_eq!(metadata.get("labels").unwrap().get("env").unwrap().as_str(), Some("prod"));
        assert_eq!(
            node.get("spec").unwrap().get("nodeSelector").unwrap().get("env").unwrap().as_str(),
            Some("x")
        );
        let Value::Sequence(items) = &node.get("spec").unwrap().get("containers").unwrap().value else {
            panic!()
        };
        assert_eq!(items[0].get("env").unwrap().value, Value::Null);
        assert_eq!(items[0].get("name").unwrap().as_str(), Some("z"));
    }

    #[test]
    fn anchors_and_merge_keys_are_expanded() {
        let node = yaml("base: &b {cpu: 1, memory: 2}\nx: *b\ny:\n  <<: *b\n  cpu: 3\n");
        assert_eq!(number(node.get("x").unwrap(), "cpu"), "1");
        assert_eq!(number(node.get("y").unwrap(), "cpu"), "3");
        assert_eq!(number(node.get("y").unwrap(), "memory"), "2");
    }

    #[test]
    fn streams_split_at_markers_only() {
        let text = "# head\n---\na: 1\n--- # two\nb: |\n  ---\n  x\n---\n\n---\nc: 1\n...\n# tail\n";
        let documents = split_yaml(text);
        assert_eq!(documents.len(), 3, "{documents:?}");
        assert_eq!(yaml(documents[1]).get("b").unwrap().as_str(), Some("---\nx\n"));
        assert!(split_yaml("").is_empty());
        assert_eq!(split_yaml("a: ---\n---x: 1\n").len(), 1);
    }

    #[test]
    fn an_alias_bomb_is_refused() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let alias = format!("*a{}", level - 1);
            text += &format!("a{level}: &a{level} [{}]\n", [alias.as_str(); 10].join(", "));
        }
        assert!(parse_yaml(&text).is_err());
    }

    #[test]
    fn one_anchor_may_serve_many() {
        let text = format!("base: &b {{cpu: 1}}\nall: [{}]\n", vec!["*b"; 500].join(", "));
        assert!(parse_yaml(&text).is_ok());
    }

    #[test]
    fn broken_yaml_names_its_line() {
        let error = parse_yaml("a: 1\nb: [1\nc: 2\n").err().unwrap();
        assert!(error.line.is_some_and(|l| l >= 2), "{:?} {}", error.line, error.message);
        let error = parse_yaml("a: 1\na: 2\n").err().unwrap();
        assert!(error.message.contains("duplicate"), "{}", error.message);
        assert_eq!(error.line, Some(2));
    }
}
