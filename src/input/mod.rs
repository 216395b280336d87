//! Text into domain types: workload files, Kubernetes manifests, CSV and policies, with every fault
//! of every input located.

use std::fmt;

use self::cluster::Cluster;
use self::view::Sink;
use crate::observed::ObservedCluster;
use crate::workload::WorkloadSet;

mod assemble;
pub mod catalog_file;
pub mod catalog_import;
pub mod certificate_file;
mod cluster;
mod csv_file;
pub mod demand;
mod document;
mod effective;
pub mod form;
mod manifest;
mod observed;
mod placement;
mod pod;
pub mod policy_file;
pub mod problem_file;
pub mod quantity;
pub mod scalars;
pub mod size_ratios;
mod stream;
mod table;
mod update;
pub mod usage_file;
mod view;
pub mod workload_file;

/// Something wrong in an input, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The file, or `-` for standard input.
    pub source: String,
    /// Line in the file, from one.
    pub line: Option<u64>,
    /// Document of a multi-document stream, from one; none where there is but one.
    pub document: Option<usize>,
    /// Path of the field, such as `spec.template.spec.containers[0].resources.requests.cpu`.
    pub field: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Fault {
    /// A fault of a whole file.
    pub fn new(source: impl Into<String>, message: impl Into<String>) -> Self {
        Fault {
            source: source.into(),
            line: None,
            document: None,
            field: None,
            message: message.into(),
            help: None,
        }
    }

    /// The same fault on a line.
    pub fn on_line(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }

    /// The same fault in a document of a stream.
    pub fn in_document(mut self, document: usize) -> Self {
        self.document = Some(document);
        self
    }

    /// The same fault in a field.
    pub fn at_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// The same fault with advice.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Fault {
    /// `file:line: document 2, spec.replicas: message; help`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        f.write_str(": ")?;
        match (self.document, &self.field) {
            (Some(document), Some(field)) => write!(f, "document {document}, {field}: ")?,
            (Some(document), None) => write!(f, "document {document}: ")?,
            (None, Some(field)) => write!(f, "{field}: ")?,
            (None, None) => {}
        }
        f.write_str(&self.message)?;
        if let Some(help) = &self.help {
            write!(f, "; {help}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Fault {}

/// A file that has been read into memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its path as the user gave it, or `-`.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// How many replicas count for a workload that a HorizontalPodAutoscaler scales.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AutoscaledReplicas {
    /// What the workload itself says; `minReplicas` where it says nothing.
    #[default]
    Declared,
    /// `minReplicas`.
    Min,
    /// `maxReplicas`.
    Max,
}

/// How workloads are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadOptions {
    /// Which replica count autoscaled workloads have.
    pub autoscaled: AutoscaledReplicas,
    /// Labels of Kubernetes objects that say who owns them; they become
    /// [`owners`](crate::workload::Workload::owners).
    pub owner_labels: Vec<String>,
}

impl Default for ReadOptions {
    fn default() -> Self {
        let owner_labels = ["team", "owner", "cost-center", "app.kubernetes.io/part-of"];
        ReadOptions {
            autoscaled: AutoscaledReplicas::default(),
            owner_labels: owner_labels.map(String::from).to_vec(),
        }
    }
}

/// What a file holds, as its content says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON: a native workload file, or Kubernetes objects.
    Json,
    /// YAML: a native workload file, or Kubernetes objects.
    Yaml,
    /// A table with a header row.
    Csv,
    /// Nothing but blanks.
    Empty,
}

/// Reads workloads from any mixture of native files (YAML or JSON), Kubernetes manifests (YAML
/// streams, JSON, lists) and CSV; what a file is follows from its content.
///
/// # Errors
/// Every fault of every source, in order of source and line.
pub fn read_workloads(sources: &[Source], options: &ReadOptions) -> Result<WorkloadSet, Vec<Fault>> {
    read_all(sources, Cluster::new(options)).map(|(workloads, _)| workloads)
}

/// Reads a cluster as it runs from what `kubectl get nodes,pods,... -A -o json` prints. Workloads are
/// made of the pods that there are; a controller counts only where it has none.
///
/// # Errors
/// Every fault of every source, in order of source and line; and that there is no node.
pub fn read_cluster(
    sources: &[Source],
    options: &ReadOptions,
) -> Result<(WorkloadSet, ObservedCluster), Vec<Fault>> {
    let (workloads, observed) = read_all(sources, Cluster::observing(options))?;
    match observed {
        Some(observed) if !observed.nodes.is_empty() => Ok((workloads, observed)),
        _ => {
            let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
            let help = "a running cluster is what `kubectl get nodes,pods -A -o json` prints";
            Err(vec![Fault::new(names.join(", "), "holds no node").help(help)])
        }
    }
}

fn read_all(
    sources: &[Source],
    mut cluster: Cluster<'_>,
) -> Result<(WorkloadSet, Option<ObservedCluster>), Vec<Fault>> {
    let mut faults = Vec::new();
    for source in sources {
        faults.extend(read_source(source, &mut cluster));
    }
    if faults.is_empty() && cluster.is_empty() {
        faults.extend(nothing_found(sources, &cluster));
    }
    if faults.is_empty() { Ok(assemble::assemble(cluster)) } else { Err(faults) }
}

/// The faults of one source, whose workloads go into the cluster.
fn read_source(source: &Source, cluster: &mut Cluster<'_>) -> Vec<Fault> {
    let text = match decode(source) {
        Ok(text) => text,
        Err(fault) => return vec![*fault],
    };
    let sink = Sink::new(&source.name, text);
    match sniff(text) {
        Format::Empty => sink.push(Fault::new(&source.name, "is empty")),
        Format::Json => stream::read_json(text, &sink, cluster),
        Format::Yaml => stream::read_yaml(text, &sink, cluster),
        Format::Csv => csv_file::read(text, &sink, cluster),
    }
    let mut faults = sink.into_faults();
    faults.sort_by_key(|fault| fault.line);
    faults
}

/// What a text holds.
pub fn sniff(text: &str) -> Format {
    let first = text.lines().find(|line| {
        let line = line.trim_start();
        !line.is_empty() && !line.starts_with('#')
    });
    match first {
        // Templates that render to nothing leave their comments behind.
        None if text.trim().is_empty() => Format::Empty,
        None => Format::Yaml,
        Some(line) if line.trim_start().starts_with(['{', '[']) && !line.contains("{{") => Format::Json,
        Some(line) if csv_file::is_header(line) => Format::Csv,
        Some(_) => Format::Yaml,
    }
}

/// What is often given in place of text, by its first bytes, and what to do about it.
const PACKED: [(&[u8], &str, &str); 3] = [
    (&[0x1F, 0x8B], "compressed by gzip", "unpack it, as in `gunzip -c FILE | plimsoll plan -`"),
    (b"PK\x03\x04", "a zip archive or a workbook", "unpack it, or save the sheet as CSV"),
    (&[0x28, 0xB5, 0x2F, 0xFD], "compressed by zstd", "unpack it with `zstd -d`"),
];

/// The text of a source, without a byte order mark.
///
/// # Errors
/// Nothing in it, something compressed, or no UTF-8, with the line where that ends.
pub fn decode(source: &Source) -> Result<&str, Box<Fault>> {
    let fault = |message: &str| Fault::new(&source.name, message);
    if source.bytes.starts_with(&[0xFF, 0xFE]) || source.bytes.starts_with(&[0xFE, 0xFF]) {
        return Err(Box::new(fault("is UTF-16").help("save it as UTF-8")));
    }
    let packed = PACKED.iter().find(|(magic, ..)| source.bytes.starts_with(magic));
    if let Some((_, what, help)) = packed {
        return Err(Box::new(fault(&format!("is {what}, where text belongs")).help(*help)));
    }
    match std::str::from_utf8(&source.bytes) {
        Ok(text) if text.trim_start_matches('\u{FEFF}').trim().is_empty() => Err(Box::new(fault("is empty"))),
        Ok(text) => Ok(text.strip_prefix('\u{FEFF}').unwrap_or(text)),
        Err(error) => {
            let valid = &source.bytes[..error.valid_up_to()];
            let line = valid.iter().filter(|b| **b == b'\n').count() as u64 + 1;
            Err(Box::new(fault("is not UTF-8 text").on_line(line)))
        }
    }
}

/// What to say where sources are readable and hold no workload.
fn nothing_found(sources: &[Source], cluster: &Cluster<'_>) -> Vec<Fault> {
    let skipped: Vec<String> =
        cluster.skipped_kinds.iter().map(|(kind, count)| format!("{kind} ({count})")).collect();
    let message = match &skipped[..] {
        [] => "holds no workload".to_owned(),
        kinds => format!("holds no workload, only {}", kinds.join(", ")),
    };
    let help = "give a workload file, Kubernetes manifests or a CSV table";
    if sources.is_empty() {
        return vec![Fault::new("-", "there is no input").help(help)];
    }
    let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
    vec![Fault::new(names.join(", "), message).help(help)]
}
