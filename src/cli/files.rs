//! Files and standard streams: what is read, and results that are written whole or not at all.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use plimsoll::input::{Fault, Source};

use super::config;

/// What a folder is searched for.
const EXTENSIONS: [&str; 4] = ["yaml", "yml", "json", "csv"];

/// Reads every input in the order given; a folder stands for the files below it, sorted by path. What
/// cannot be read is a fault beside the others, whose content may have faults as well.
pub fn read_all(inputs: &[PathBuf]) -> (Vec<Source>, Vec<Fault>) {
    let mut sources = Vec::new();
    let mut faults = Vec::new();
    let mut stdin_read = false;
    let mut known = BTreeSet::new();
    for input in inputs {
        let read = if input.as_os_str() == "-" {
            if std::mem::replace(&mut stdin_read, true) {
                Err(vec![Fault::new("-", "standard input is named twice, but can be read only once")])
            } else {
                read_stdin().map(|source| vec![source])
            }
        } else if fs::canonicalize(input).is_ok_and(|path| !known.insert(path)) {
            Err(vec![Fault::new(input.display().to_string(), "is named twice; leave one out")])
        } else if input.is_dir() {
            read_folder(input, &mut faults)
        } else {
            read(input).map(|source| vec![source]).map_err(|fault| vec![fault])
        };
        match read {
            Ok(read) => sources.extend(read),
            Err(more) => faults.extend(more),
        }
    }
    (sources, faults)
}

/// Reads one file.
///
/// # Errors
/// That it cannot be read, and why.
pub fn read(path: &Path) -> Result<Source, Fault> {
    let name = path.display().to_string();
    match fs::read(path) {
        Ok(bytes) => Ok(Source { name, bytes }),
        Err(_) if path.is_dir() => Err(Fault::new(name, "is a folder, where a file belongs")),
        Err(error) => Err(Fault::new(name, format!("cannot be read: {}", plain(&error)))),
    }
}

/// Reads one file, or standard input for `-`.
///
/// # Errors
/// That it cannot be read, and why.
pub fn read_one(path: &Path) -> Result<Source, Vec<Fault>> {
    if path.as_os_str() == "-" { read_stdin() } else { read(path).map_err(|fault| vec![fault]) }
}

/// Whether a file is one of these; what is no regular file is none.
pub fn is_one_of(path: &Path, others: &[PathBuf]) -> bool {
    let known = fs::canonicalize(path).ok().filter(|path| path.is_file());
    known.is_some_and(|path| others.iter().any(|other| fs::canonicalize(other).is_ok_and(|o| o == path)))
}

/// Both results, or the faults of both.
pub fn both<A, B>(a: Result<A, Vec<Fault>>, b: Result<B, Vec<Fault>>) -> Result<(A, B), Vec<Fault>> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (a, b) => Err([a.err(), b.err()].into_iter().flatten().flatten().collect()),
    }
}

fn read_stdin() -> Result<Source, Vec<Fault>> {
    let mut stdin = io::stdin().lock();
    if stdin.is_terminal() {
        eprintln!("plimsoll: reading from the terminal; end with Ctrl-D");
    }
    let mut bytes = Vec::new();
    match stdin.read_to_end(&mut bytes) {
        Ok(_) => Ok(Source { name: "-".to_owned(), bytes }),
        Err(error) => Err(vec![Fault::new("-", format!("cannot be read: {}", plain(&error)))]),
    }
}

/// The files below a folder, as far as they can be read.
fn read_folder(folder: &Path, faults: &mut Vec<Fault>) -> Result<Vec<Source>, Vec<Fault>> {
    let name = folder.display().to_string();
    let mut paths = Vec::new();
    let known = faults.len();
    collect(folder, &mut paths, faults);
    paths.sort();
    if paths.is_empty() && faults.len() == known {
        faults.push(
            Fault::new(&name, "there is no *.yaml, *.yml, *.json or *.csv file in this folder or below it")
                .help("name the files themselves if they end otherwise"),
        );
    }
    let mut sources = Vec::new();
    for path in &paths {
        match read(path) {
            Ok(source) => sources.push(source),
            Err(fault) => faults.push(fault),
        }
    }
    Ok(sources)
}

/// Files below `folder`. Names that begin with a dot are left out (`.git`, editors' own), and so are
/// linked folders, which may lead round in a circle.
fn collect(folder: &Path, paths: &mut Vec<PathBuf>, faults: &mut Vec<Fault>) {
    let cannot = |error: &io::Error| {
        Fault::new(folder.display().to_string(), format!("cannot be read: {}", plain(error)))
    };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return faults.push(cannot(&error)),
    };
    for entry in entries {
        let (path, kind) = match entry.and_then(|e| Ok((e.path(), e.file_type()?))) {
            Ok(found) => found,
            Err(error) => {
                faults.push(cannot(&error));
                continue;
            }
        };
        // The project's defaults are no workloads.
        let config = path.file_name().and_then(|name| name.to_str());
        if config.is_some_and(|name| config::PROJECT_FILES.contains(&name)) && !config::is_workloads(&path) {
            continue;
        }
        let hidden = path.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(b"."));
        let manifest = path
            .extension()
            .and_then(|e| e.to_str())
            .is_some_and(|e| EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(e)));
        if hidden {
            continue;
        }
        if kind.is_dir() {
            collect(&path, paths, faults);
        } else if manifest && path.is_file() {
            paths.push(path);
        }
    }
}

/// Writes a result: to standard output, or to a file that appears whole or not at all.
///
/// # Errors
/// That it cannot be written. A reader of standard output that went away is none.
pub fn write(output: Option<&Path>, bytes: &[u8]) -> anyhow::Result<()> {
    match output {
        Some(path) if path.as_os_str() != "-" => write_file(path, bytes)
            .map_err(|e| anyhow!("{} cannot be written: {}", path.display(), refused(&e))),
        _ => write_stdout(bytes),
    }
}

/// Makes a folder where there is none.
///
/// # Errors
/// That it cannot be made.
pub fn make_folder(path: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(path).map_err(|e| anyhow!("{} cannot be made: {}", path.display(), refused(&e)))
}

fn write_stdout(bytes: &[u8]) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other.context("standard output cannot be written"),
    }
}

/// Through a temporary file beside the target, then renamed, so that a reader sees the old content or
/// the new one. What is no regular file (`/dev/null`, a pipe) is written as it stands.
fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let target = match fs::metadata(path) {
        Ok(found) if !found.is_file() => return fs::write(path, bytes),
        // A link stays a link: its target is replaced.
        Ok(_) => fs::canonicalize(path)?,
        Err(_) => path.to_owned(),
    };
    let folder = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        // As any new file: readable as the umask allows, not only by its owner.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.prefix(".plimsoll-").tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(&target).map_err(|error| error.error)?;
    Ok(())
}

/// The operating system's words without its error number.
fn plain(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "there is no such file".to_owned(),
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

/// The same for a place to write to.
fn refused(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "there is no such folder".to_owned(),
        ErrorKind::IsADirectory => "it is a folder, where a file belongs".to_owned(),
        ErrorKind::AlreadyExists | ErrorKind::NotADirectory => {
            "a file stands where a folder belongs".to_owned()
        }
        ErrorKind::StorageFull => "no space is left".to_owned(),
        _ => plain(error),
    }
}
