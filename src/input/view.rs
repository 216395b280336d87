//! Walking a document: typed access to its fields, with every misfit recorded where it stands.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

use super::Fault;
use super::document::{Node, Value, line_of};
use super::quantity::{self, QuantityError};
use crate::units::ResourceName;
use crate::workload::ResourceList;

/// Collects the faults and warnings of one source.
pub(super) struct Sink<'s> {
    name: &'s str,
    text: &'s str,
    faults: RefCell<Vec<Fault>>,
}

impl<'s> Sink<'s> {
    pub fn new(name: &'s str, text: &'s str) -> Self {
        Sink { name, text, faults: RefCell::new(Vec::new()) }
    }

    /// Records a fault; once, where a value is looked at several times.
    pub fn push(&self, fault: Fault) {
        let mut faults = self.faults.borrow_mut();
        if !faults.iter().rev().take(8).any(|earlier| *earlier == fault) {
            faults.push(fault);
        }
    }

    /// Says of all faults so far that they stand in document 1.
    pub fn number_first_document(&self) {
        self.faults.borrow_mut().iter_mut().for_each(|fault| fault.document = Some(1));
    }

    pub fn into_faults(self) -> Vec<Fault> {
        self.faults.into_inner()
    }

    pub fn name(&self) -> &'s str {
        self.name
    }

    /// Line of an address in this source.
    pub fn line_of(&self, at: usize) -> Option<u64> {
        line_of(self.text, at)
    }
}

/// The way from a document's root to a value.
#[derive(Clone, Copy)]
enum Path<'p> {
    Root { document: Option<usize> },
    Key(&'p Path<'p>, &'p str),
    Index(&'p Path<'p>, usize),
}

impl Path<'_> {
    fn document(&self) -> Option<usize> {
        match self {
            Path::Root { document } => *document,
            Path::Key(parent, _) | Path::Index(parent, _) => parent.document(),
        }
    }
}

impl fmt::Display for Path<'_> {
    /// `spec.containers[0].resources`; keys that are not plain words stand in brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root { .. } => Ok(()),
            Path::Index(parent, index) => write!(f, "{parent}[{index}]"),
            Path::Key(parent, key) => {
                let plain = key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
                let key = clip(key);
                match (parent, plain) {
                    (Path::Root { .. }, true) => write!(f, "{key}"),
                    (_, true) => write!(f, "{parent}.{key}"),
                    (_, false) => write!(f, "{parent}[{key:?}]"),
                }
            }
        }
    }
}

/// A value, the way to it and the sink for what is wrong with it.
#[derive(Clone, Copy)]
pub(super) struct View<'v> {
    pub node: &'v Node<'v>,
    path: Path<'v>,
    sink: &'v Sink<'v>,
}

impl<'v> View<'v> {
    /// A document's root.
    pub fn root(node: &'v Node<'v>, document: Option<usize>, sink: &'v Sink<'v>) -> Self {
        View { node, path: Path::Root { document }, sink }
    }

    /// Calls back with the `index`-th of a document's `items`, which were read one by one.
    pub fn with_item<R>(
        node: &Node<'_>,
        document: Option<usize>,
        index: usize,
        sink: &Sink<'_>,
        visit: impl FnOnce(View<'_>) -> R,
    ) -> R {
        let root = Path::Root { document };
        let items = Path::Key(&root, "items");
        visit(View { node, path: Path::Index(&items, index), sink })
    }

    /// Name of the source.
    pub fn sink_name(&self) -> &'v str {
        self.sink.name
    }

    /// Records a fault of this value.
    pub fn fault(&self, message: impl Into<String>) {
        self.sink.push(self.make_fault(message.into()));
    }

    /// Records a fault of this value with advice.
    pub fn fault_with_help(&self, message: impl Into<String>, help: impl Into<String>) {
        self.sink.push(self.make_fault(message.into()).help(help));
    }

    fn make_fault(&self, message: String) -> Fault {
        let field = self.path.to_string();
        Fault {
            source: self.sink.name.to_owned(),
            line: self.line(),
            document: self.path.document(),
            field: (!field.is_empty()).then_some(field),
            message,
            help: None,
        }
    }

    /// The line that this value stands on.
    pub fn line(&self) -> Option<u64> {
        line_of(self.sink.text, self.node.at)
    }

    /// `file:line`, for messages about another place.
    pub fn place(&self) -> String {
        match self.line() {
            Some(line) => format!("{}:{line}", self.sink.name),
            None => self.sink.name.to_owned(),
        }
    }

    /// The path of this value, for warnings.
    pub fn field(&self) -> String {
        self.path.to_string()
    }

    fn expected(&self, what: &str) {
        self.fault(format!("expected {what}, found {}", self.node.kind()));
    }

    /// The value under a key; none where it is missing or null. Faults what is no mapping.
    pub fn get<'c>(&'c self, key: &'c str) -> Option<View<'c>> {
        match &self.node.value {
            Value::Mapping(entries) => {
                let (_, node) = entries.iter().find(|(k, _)| k == key)?;
                (node.value != Value::Null).then_some(View {
                    node,
                    path: Path::Key(&self.path, key),
                    sink: self.sink,
                })
            }
            _ => {
                self.expected("a mapping");
                None
            }
        }
    }

    /// As [`get`](Self::get), and faults a missing one.
    pub fn required<'c>(&'c self, key: &'c str) -> Option<View<'c>> {
        let found = self.get(key);
        if found.is_none() && matches!(self.node.value, Value::Mapping(_)) {
            self.fault(format!("`{key}` is missing"));
        }
        found
    }

    /// Calls back for every entry of a mapping.
    pub fn each_entry(&self, mut visit: impl FnMut(&str, View<'_>)) {
        match &self.node.value {
            Value::Mapping(entries) => {
                for (key, node) in entries {
                    visit(key, View { node, path: Path::Key(&self.path, key), sink: self.sink });
                }
            }
            _ => self.expected("a mapping"),
        }
    }

    /// Calls back for every item of a list.
    pub fn each_item(&self, mut visit: impl FnMut(View<'_>)) {
        match &self.node.value {
            Value::Sequence(items) => {
                for (index, node) in items.iter().enumerate() {
                    visit(View { node, path: Path::Index(&self.path, index), sink: self.sink });
                }
            }
            _ => self.expected("a list"),
        }
    }

    /// Faults every key that is not known, and every key that stands twice.
    pub fn only_keys(&self, known: &[&str]) {
        let Value::Mapping(entries) = &self.node.value else {
            return self.expected("a mapping");
        };
        for (index, (key, node)) in entries.iter().enumerate() {
            let view = View { node, path: Path::Key(&self.path, key), sink: self.sink };
            if !known.contains(&key.as_ref()) {
                let known = known.join(", ");
                view.fault_with_help(format!("unknown key `{}`", clip(key)), format!("known are {known}"));
            } else if entries[..index].iter().any(|(earlier, _)| earlier == key) {
                view.fault(format!("`{key}` stands twice"));
            }
        }
    }

    /// A string, not empty.
    pub fn text(&self) -> Option<&'v str> {
        match &self.node.value {
            Value::String(text) if !text.is_empty() => Some(text),
            Value::String(_) => {
                self.fault("is empty");
                None
            }
            _ => {
                self.expected("a string");
                None
            }
        }
    }

    /// A string that may be empty, as label values and taint values are.
    pub fn string(&self) -> Option<String> {
        match &self.node.value {
            Value::String(text) => Some(text.to_string()),
            Value::Number(_) | Value::Bool(_) => {
                self.fault_with_help(
                    format!("expected a string, found {}", self.node.kind()),
                    "put it in quotes",
                );
                None
            }
            _ => {
                self.expected("a string");
                None
            }
        }
    }

    /// A whole number of at least zero.
    pub fn whole(&self) -> Option<u64> {
        let Value::Number(text) = &self.node.value else {
            self.expected("a whole number");
            return None;
        };
        let text = text.as_ref();
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            self.fault(format!("`{}` is not a whole number", clip(text)));
        } else if digits.len() > 1 && digits.starts_with('0') {
            // YAML 1.1 reads it as octal, YAML 1.2 as decimal.
            self.fault_with_help(format!("`{}` is ambiguous", clip(text)), "write it without leading zeros");
        } else if text.starts_with('-') && digits != "0" {
            self.fault(format!("`{}` is negative", clip(text)));
        } else {
            let number = digits.parse().ok();
            if number.is_none() {
                self.fault(format!("`{}` is out of range", clip(text)));
            }
            return number;
        }
        None
    }

    /// A whole number up to a limit.
    pub fn whole_up_to(&self, most: u64) -> Option<u64> {
        let number = self.whole()?;
        if number > most {
            self.fault(format!("{number} is more than {most}"));
            return None;
        }
        Some(number)
    }

    /// A whole number that may be negative.
    pub fn integer(&self) -> Option<i32> {
        let number = match &self.node.value {
            Value::Number(text) => text.parse().ok(),
            _ => None,
        };
        if number.is_none() {
            self.expected("a whole number of 32 bits");
        }
        number
    }

    /// `true` or `false`.
    pub fn boolean(&self) -> Option<bool> {
        match self.node.value {
            Value::Bool(flag) => Some(flag),
            _ => {
                self.expected("`true` or `false`");
                None
            }
        }
    }

    /// A mapping of strings to strings.
    pub fn string_map(&self) -> BTreeMap<String, String> {
        let mut map = BTreeMap::new();
        self.each_entry(|key, value| {
            if let Some(value) = value.string() {
                map.insert(key.to_owned(), value);
            }
        });
        map
    }

    /// A list of strings.
    pub fn strings(&self) -> Vec<String> {
        let mut list = Vec::new();
        self.each_item(|item| list.extend(item.string()));
        list
    }

    /// The text of a quantity, which may be written as a number.
    pub fn quantity_text(&self) -> Option<&'v str> {
        match &self.node.value {
            Value::Number(text) if has_leading_zero(text) => {
                self.fault_with_help(
                    format!("`{}` is ambiguous", clip(text)),
                    "write it without leading zeros",
                );
                None
            }
            Value::String(text) | Value::Number(text) => Some(text),
            _ => {
                self.expected("a quantity");
                None
            }
        }
    }

    /// A quantity of a resource in its base unit. Warns of memory that is probably meant otherwise.
    pub fn quantity(&self, resource: &ResourceName, warnings: &mut Vec<String>) -> Option<u64> {
        let text = self.quantity_text()?;
        match quantity::parse(resource, text) {
            Ok(amount) => {
                if *resource == ResourceName::Memory
                    && let Some(doubt) = quantity::suspicious_memory(text)
                {
                    warnings.push(format!("{}: {}: memory `{text}`: {doubt}", self.place(), self.field()));
                }
                Some(amount)
            }
            Err(error) => {
                self.quantity_fault(&error);
                None
            }
        }
    }

    fn quantity_fault(&self, error: &QuantityError) {
        let fault = self.make_fault(clip(&error.to_string()).into_owned());
        self.sink.push(match error.advice() {
            Some(advice) => fault.help(advice),
            None => fault,
        });
    }

    /// A mapping of resource names to quantities.
    pub fn resource_list(&self, warnings: &mut Vec<String>) -> ResourceList {
        let mut list = ResourceList::new();
        self.each_entry(|key, value| {
            if value.node.value == Value::Null {
                return;
            }
            let Some(resource) = value.resource_name(key) else { return };
            if let Some(amount) = value.quantity(&resource, warnings) {
                list.insert(resource, amount);
            }
        });
        list
    }

    /// The resource that a key names; faults a misspelt one, which would be an extended resource
    /// that no node has. Those have a domain in their name.
    pub fn resource_name(&self, key: &str) -> Option<ResourceName> {
        let resource = ResourceName::from(key);
        if let ResourceName::Extended(name) = &resource
            && !name.contains('/')
            && !name.starts_with("hugepages-")
        {
            self.fault_with_help(
                format!("unknown resource `{}`", clip(key)),
                "known are cpu, memory, ephemeral-storage, hugepages-*, and extended ones such as nvidia.com/gpu",
            );
            return None;
        }
        Some(resource)
    }
}

fn has_leading_zero(number: &str) -> bool {
    let digits = number.trim_start_matches(['+', '-']).as_bytes();
    matches!(digits, [b'0', next, ..] if next.is_ascii_digit())
}

/// A text short enough for a message.
pub(super) fn clip(text: &str) -> std::borrow::Cow<'_, str> {
    const LONGEST: usize = 120;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}... ({} bytes)", &text[..end], text.len()).into(),
        None => text.into(),
    }
}
