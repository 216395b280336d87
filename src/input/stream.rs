//! YAML streams and JSON texts, document by document and list item by list item, so that a list of
//! a hundred thousand pods is never in memory as a whole.

use std::borrow::Cow;
use std::fmt;

use rayon::prelude::*;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::cluster::Cluster;
use super::document::{JsonKey, JsonNode, Node, Value, parse_yaml, split_yaml};
use super::view::{Sink, View};
use super::{Fault, form, manifest, workload_file};

/// Reads all documents of a YAML stream.
pub(super) fn read_yaml(text: &str, sink: &Sink<'_>, cluster: &mut Cluster<'_>) {
    let documents = split_yaml(text);
    let parsed: Vec<_> = documents.par_iter().map(|document| parse_yaml(document)).collect();
    let several = documents.len() > 1;
    for (index, (document, result)) in documents.iter().zip(parsed).enumerate() {
        let number = several.then_some(index + 1);
        match result {
            Ok(node) => read_document(View::root(&node, number, sink), cluster),
            Err(error) => {
                let first_line = sink.line_of(document.as_ptr() as usize).unwrap_or(1);
                sink.push(Fault {
                    source: sink.name().to_owned(),
                    line: Some(error.line.map_or(first_line, |line| first_line + line - 1)),
                    document: number,
                    field: None,
                    message: error.message,
                    help: document.contains("{{").then(|| {
                        "this looks like a template: render it first, with `helm template` say".to_owned()
                    }),
                });
            }
        }
    }
}

/// Reads one or several JSON values that follow each other.
pub(super) fn read_json(text: &str, sink: &Sink<'_>, cluster: &mut Cluster<'_>) {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let mut number = 0;
    loop {
        number += 1;
        // Only a second value makes the first one number 1.
        let document = (number > 1).then_some(number);
        let top = Top { at: text.as_ptr() as usize, document, sink, cluster };
        if let Err(error) = top.deserialize(&mut deserializer) {
            sink.push(json_fault(&error, document, sink));
            return;
        }
        if deserializer.end().is_ok() {
            return;
        }
        if number == 1 {
            sink.number_first_document();
        }
    }
}

fn json_fault(error: &serde_json::Error, document: Option<usize>, sink: &Sink<'_>) -> Fault {
    Fault { document, ..form::json_fault(sink.name(), error) }
}

fn read_document(root: View<'_>, cluster: &mut Cluster<'_>) {
    if workload_file::is_native(root.node) {
        workload_file::read(root, cluster);
    } else if root.node.get("kind").is_some() || root.node.get("apiVersion").is_some() {
        manifest::read_object(root, None, cluster);
    } else if let Value::Sequence(_) = root.node.value {
        root.each_item(|item| manifest::read_object(item, None, cluster));
    } else if root.node.get("schema_version").is_some() && root.node.get("tool").is_some() {
        root.fault_with_help("is a saved plan, where workloads belong", "`plimsoll report` prints it");
    } else {
        root.fault_with_help(
            "is neither a workload file nor a Kubernetes object",
            format!("a workload file begins with `{}: {}`", workload_file::MARKER, workload_file::VERSION),
        );
    }
}

/// The top of a JSON text, whose `items` are read one by one.
struct Top<'t, 's, 'c, 'o> {
    at: usize,
    document: Option<usize>,
    sink: &'t Sink<'s>,
    cluster: &'c mut Cluster<'o>,
}

impl<'de> DeserializeSeed<'de> for Top<'_, '_, '_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Top<'_, '_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut entries: Vec<(Cow<'de, str>, Node<'de>)> = Vec::new();
        let mut item_count = None;
        while let Some(JsonKey(key, key_at)) = map.next_key()? {
            if key == "items" && item_count.is_none() {
                // `kubectl` sorts keys, so the list's kind comes after its items, which say their own.
                let list_kind = entries.iter().find(|(k, _)| k == "kind").and_then(|(_, node)| node.as_str());
                let list_kind = list_kind.map(str::to_owned);
                item_count = Some(map.next_value_seed(Items {
                    at: key_at,
                    list_kind,
                    document: self.document,
                    sink: self.sink,
                    cluster: self.cluster,
                })?);
            } else {
                let value = map.next_value_seed(JsonNode::at(key_at.max(self.at)))?;
                entries.push((key, value));
            }
        }
        if item_count.is_none() {
            let node = Node { at: self.at, value: Value::Mapping(entries) };
            read_document(View::root(&node, self.document, self.sink), self.cluster);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, sequence: A) -> Result<(), A::Error> {
        let Top { at, document, sink, cluster } = self;
        Items { at, list_kind: None, document, sink, cluster }.visit_seq(sequence).map(drop)
    }
}

/// The objects of a list.
struct Items<'t, 's, 'c, 'o> {
    at: usize,
    list_kind: Option<String>,
    document: Option<usize>,
    sink: &'t Sink<'s>,
    cluster: &'c mut Cluster<'o>,
}

impl<'de> DeserializeSeed<'de> for Items<'_, '_, '_, '_> {
    type Value = usize;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Items<'_, '_, '_, '_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<usize, A::Error> {
        let mut index = 0;
        while let Some(node) = sequence.next_element_seed(JsonNode::at(self.at))? {
            View::with_item(&node, self.document, index, self.sink, |view| {
                manifest::read_object(view, self.list_kind.as_deref(), self.cluster);
            });
            index += 1;
        }
        Ok(index)
    }
}
