//! YAML into the tree, document by document, within limits that stop alias bombs.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::Spanned;

use super::{Node, Value};
use crate::input::view::clip;

/// A document that could not be read as YAML.
pub(in crate::input) struct YamlError {
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
        let message = match (message.strip_prefix("duplicate mapping key: "), message.split('`').nth(1)) {
            _ if beyond_limits => {
                "nests too deep, or grows too large where its aliases are followed".to_owned()
            }
            (Some(key), _) => {
                let key = key.rsplit_once(", set ").map_or(key, |(key, _)| key);
                format!("`{}` stands twice", clip(key))
            }
            (_, Some(number)) if message.starts_with("non-finite float") => {
                format!("`{}` is no finite number", clip(number))
            }
            _ => message,
        };
        YamlError { line, message, beyond_limits }
    }
}

/// Splits a stream at its `---` and `...` markers, which stand at the start of a line and nowhere
/// inside a scalar; so one broken document does not hide the faults of the others.
pub(in crate::input) fn split_yaml(text: &str) -> Vec<&str> {
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
pub(in crate::input) fn parse_yaml(document: &str) -> Result<Node<'_>, YamlError> {
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
