//! Defaults of options: from the environment, from the project's file, from the user's file, in this
//! order behind what the command line says.
//!
//! Each default becomes an argument before the command line is read as usual, so that it is checked like
//! any other value. What conflicts with a value of higher rank is left out with it: `--region` on the
//! command line also sets aside a `catalog` of the file.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};
use plimsoll::input::Fault;
use serde_json::{Map, Value};

/// Names of a project's file, looked for in the working folder and every one above it.
pub const PROJECT_FILES: [&str; 3] = ["plimsoll.toml", "plimsoll.yaml", "plimsoll.yml"];
/// Names of the user's file, in `$XDG_CONFIG_HOME/plimsoll` or `~/.config/plimsoll`.
const USER_FILES: [&str; 3] = ["config.toml", "config.yaml", "config.yml"];
/// Names the project's file, or switches both files off when empty.
const VARIABLE: &str = "PLIMSOLL_CONFIG";
/// Options that only the command line has: where results go is never a surprise, and a workload is no
/// default.
const NEVER: [&str; 6] = ["output", "certificate", "proof", "help", "version", "cluster"];

/// One source of defaults.
struct Layer {
    /// As faults name it.
    name: String,
    /// Paths in it are relative to this folder.
    folder: Option<PathBuf>,
    /// Values by option, and tables of these by subcommand.
    values: Map<String, Value>,
}

/// The command line with the defaults that hold for it put in.
///
/// # Errors
/// Every fault of the files and of the environment.
pub fn complete(command: &Command, given: Vec<OsString>) -> Result<Vec<OsString>, Vec<Fault>> {
    // A command line that is wrong by itself, or asks for help, is told so by the real reading.
    let Ok(matches) = command.clone().try_get_matches_from(&given) else { return Ok(given) };
    // Options of all subcommands are known to each once the command is built.
    let mut built = command.clone();
    built.build();
    let command = &built;
    let mut path = Vec::new();
    let (mut at, mut inner) = (command, &matches);
    while let Some((name, below)) = inner.subcommand() {
        let Some(next) = at.find_subcommand(name) else { break };
        path.push(name.to_owned());
        (at, inner) = (next, below);
    }
    let options: Vec<&Arg> =
        at.get_arguments().filter(|arg| arg.get_long().is_some_and(|long| !NEVER.contains(&long))).collect();
    if path.is_empty() || ["completions", "man", "schema"].contains(&path[0].as_str()) {
        return Ok(given);
    }
    let layers = layers(command)?;
    // Also what has no long name, such as files, may conflict.
    let all: Vec<&Arg> = at.get_arguments().collect();
    let given_here = all.iter().filter(|arg| from_command_line(inner, arg));
    let mut set: Vec<&str> = given_here.map(|arg| arg.get_id().as_str()).collect();
    let mut more = Vec::new();
    let mut faults = Vec::new();
    for layer in &layers {
        let before = set.clone();
        for arg in options.iter().filter(|arg| !before.contains(&arg.get_id().as_str())) {
            let Some(value) = layer.value(&path, arg.get_long().unwrap_or_default()) else { continue };
            // A conflict that either side declares holds both ways.
            let barred = all.iter().filter(|other| before.contains(&other.get_id().as_str())).any(|other| {
                let declares = |one: &Arg, of: &Arg| {
                    at.get_arg_conflicts_with(one).iter().any(|found| found.get_id() == of.get_id())
                };
                declares(arg, other) || declares(other, arg)
            });
            if barred {
                continue;
            }
            match layer.arguments(arg, value) {
                Ok(arguments) => {
                    more.extend(arguments);
                    set.push(arg.get_id().as_str());
                }
                Err(fault) => faults.push(fault),
            }
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    // Before a `--`, after which nothing is an option.
    let end = given.iter().position(|word| word == "--").unwrap_or(given.len());
    let mut words = given;
    words.splice(end..end, more);
    Ok(words)
}

fn from_command_line(matches: &ArgMatches, arg: &Arg) -> bool {
    let id = arg.get_id().as_str();
    matches!(matches.try_contains_id(id), Ok(true))
        && matches.value_source(id) == Some(ValueSource::CommandLine)
}

/// The environment, the project's file, the user's file.
fn layers(command: &Command) -> Result<Vec<Layer>, Vec<Fault>> {
    let mut layers = vec![environment(command)];
    let mut faults = Vec::new();
    let mut add = |path: Option<PathBuf>| {
        if let Some(path) = path {
            match read(&path, command) {
                Ok(layer) => layers.extend(layer),
                Err(more) => faults.extend(more),
            }
        }
    };
    match std::env::var_os(VARIABLE) {
        Some(path) if path.is_empty() => {}
        Some(path) => {
            add(Some(PathBuf::from(path)));
            add(user_file());
        }
        None => {
            add(project_file());
            add(user_file());
        }
    }
    if faults.is_empty() { Ok(layers) } else { Err(faults) }
}

/// `PLIMSOLL_MAX_VCPU=32` for `--max-vcpu 32`.
fn environment(command: &Command) -> Layer {
    let mut values = Map::new();
    let mut open = vec![command];
    while let Some(command) = open.pop() {
        for long in command.get_arguments().filter_map(Arg::get_long) {
            let name = format!("PLIMSOLL_{}", long.to_uppercase().replace('-', "_"));
            if let Some(value) = std::env::var(&name).ok().filter(|value| !value.is_empty()) {
                values.insert(long.to_owned(), Value::String(value));
            }
        }
        open.extend(command.get_subcommands());
    }
    Layer { name: "environment".to_owned(), folder: None, values }
}

/// The nearest project's file, from the working folder upwards.
fn project_file() -> Option<PathBuf> {
    let folder = std::env::current_dir().ok()?;
    folder.ancestors().find_map(|folder| first_of(folder, &PROJECT_FILES))
}

fn user_file() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")))?;
    first_of(&folder.join("plimsoll"), &USER_FILES)
}

fn first_of(folder: &Path, names: &[&str]) -> Option<PathBuf> {
    names.iter().map(|name| folder.join(name)).find(|path| path.is_file() && !is_workloads(path))
}

/// Whether a file of that name holds workloads: those begin with `plimsoll: workloads/v1`.
pub fn is_workloads(path: &Path) -> bool {
    std::fs::read_to_string(path).is_ok_and(|text| text.lines().any(|line| line.starts_with("plimsoll:")))
}

/// Reads a file; its keys are options of some subcommand, or subcommands.
fn read(path: &Path, command: &Command) -> Result<Option<Layer>, Vec<Fault>> {
    let name = path.display().to_string();
    let source = super::files::read(path).map_err(|fault| vec![fault])?;
    let text = plimsoll::input::decode(&source).map_err(|fault| vec![*fault])?;
    let toml = path.extension() == Some(OsStr::new("toml"));
    let parsed: Result<Value, String> = if toml {
        toml::from_str(text).map_err(|error| error.to_string())
    } else {
        serde_yaml::from_str(text).map_err(|error| error.to_string())
    };
    let values = match parsed {
        Ok(Value::Object(values)) => values,
        Ok(Value::Null) => return Ok(None),
        Ok(_) => return Err(vec![Fault::new(&name, "is no list of settings").help(HELP)]),
        Err(error) => return Err(vec![Fault::new(&name, error.trim_end().to_owned())]),
    };
    let faults = unknown(&values, command, &mut Vec::new());
    if !faults.is_empty() {
        let fault =
            |(field, message): (String, String)| Fault::new(&name, message).at_field(field).help(HELP);
        return Err(faults.into_iter().map(fault).collect());
    }
    Ok(Some(Layer { name, folder: path.parent().map(Path::to_path_buf), values }))
}

const HELP: &str =
    "keys are names of options, such as region or max-vcpu, or subcommands with such keys below them";

/// Keys that are neither an option nor a subcommand, with what is wrong.
fn unknown(values: &Map<String, Value>, command: &Command, path: &mut Vec<String>) -> Vec<(String, String)> {
    let mut faults = Vec::new();
    for (key, value) in values {
        let field = path.iter().chain([key]).cloned().collect::<Vec<_>>().join(".");
        if NEVER.contains(&key.as_str()) {
            faults.push((field, format!("`{key}` is taken from the command line alone")));
        } else if let (Some(below), Value::Object(more)) = (command.find_subcommand(key), value) {
            path.push(key.clone());
            faults.extend(unknown(more, below, path));
            path.pop();
        } else if !knows(command, key) {
            let mut message = format!("no option is called `--{key}`");
            if let Some(near) = nearest(command, key) {
                let _ = write!(message, "; did you mean `{near}`?");
            }
            faults.push((field, message));
        } else if matches!(value, Value::Object(_) | Value::Null) {
            faults.push((field, "an option has a text, a number, true, false or a list".to_owned()));
        }
    }
    faults
}

/// Whether the command or one below it has the option.
fn knows(command: &Command, long: &str) -> bool {
    command.get_arguments().any(|arg| arg.get_long() == Some(long))
        || command.get_subcommands().any(|below| knows(below, long))
}

fn nearest(command: &Command, key: &str) -> Option<String> {
    let mut names = Vec::new();
    let mut open = vec![command];
    while let Some(command) = open.pop() {
        names.extend(command.get_arguments().filter_map(|arg| arg.get_long().map(str::to_owned)));
        open.extend(command.get_subcommands());
    }
    let likeness = |name: &String| strsim::jaro_winkler(name, key);
    let best = names.into_iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(&best) > 0.8).then_some(best)
}

impl Layer {
    /// The value of an option: that of the subcommand before that of all.
    fn value(&self, path: &[String], long: &str) -> Option<&Value> {
        let mut found = self.values.get(long);
        let mut values = &self.values;
        for name in path {
            match values.get(name) {
                Some(Value::Object(below)) => values = below,
                _ => break,
            }
            found = values.get(long).or(found);
        }
        found
    }

    /// The value as arguments; none for a switch that is off.
    fn arguments(&self, arg: &Arg, value: &Value) -> Result<Vec<OsString>, Fault> {
        let long = arg.get_long().unwrap_or_default();
        let place = match self.folder {
            None => format!("PLIMSOLL_{}", long.to_uppercase().replace('-', "_")),
            Some(_) => self.name.clone(),
        };
        let fault = |message: &str| Fault::new(&place, message.to_owned()).at_field(long.to_owned());
        let text = |value: &Value| match value {
            Value::String(text) => Ok(text.clone()),
            Value::Number(number) => Ok(number.to_string()),
            Value::Bool(flag) => Ok(flag.to_string()),
            _ => Err(fault("is no text, number, true or false")),
        };
        if !arg.get_action().takes_values() {
            let on = match value {
                Value::Bool(on) => *on,
                Value::String(text) => match text.as_str() {
                    "1" | "true" | "yes" => true,
                    "" | "0" | "false" | "no" => false,
                    _ => return Err(fault("is a switch: write true or false")),
                },
                _ => return Err(fault("is a switch: write true or false")),
            };
            return Ok(if on { vec![format!("--{long}").into()] } else { Vec::new() });
        }
        let values: Vec<String> = match value {
            Value::Array(list) => list.iter().map(text).collect::<Result<_, _>>()?,
            one => vec![text(one)?],
        };
        let names_file =
            arg.get_value_names().is_some_and(|names| names.iter().any(|name| name.contains("FILE")));
        let arguments = values.into_iter().map(|value| {
            let beside = self.folder.as_ref().map(|folder| folder.join(&value)).filter(|_| names_file);
            match beside.filter(|path| path.is_file()) {
                Some(path) => {
                    let mut argument = OsString::from(format!("--{long}="));
                    argument.push(path);
                    argument
                }
                None => format!("--{long}={value}").into(),
            }
        });
        Ok(arguments.collect())
    }
}
