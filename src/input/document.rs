//! One tree for YAML and JSON: every value remembers where it stands and its text as written.
//!
//! Typed deserialization stops at the first fault; a tree lets a reader name all of them. Scalars
//! keep their text, so that `1e3` and `0.1` reach `quantity` without passing through a float.

use std::borrow::Cow;

mod json;
mod yaml;

pub(super) use json::{JsonKey, JsonNode, STAYS};
pub(super) use yaml::{YamlError, parse_yaml, split_yaml};

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

/// The line, from one, of an address within `text`.
pub(super) fn line_of(text: &str, at: usize) -> Option<u64> {
    let offset = at.checked_sub(text.as_ptr() as usize)?;
    let before = text.as_bytes().get(..offset)?;
    Some(before.iter().filter(|b| **b == b'\n').count() as u64 + 1)
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeSeed;

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
        assert_eq!((error.line, error.message.as_str()), (Some(2), "`a` stands twice"));
        let error = parse_yaml("a: 1\nb: 1e400\n").err().unwrap();
        assert_eq!((error.line, error.message.as_str()), (Some(2), "`1e400` is no finite number"));
    }
}
