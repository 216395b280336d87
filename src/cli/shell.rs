//! `plimsoll completions` and `plimsoll man`: the command line as shells and manuals know it.

use std::path::{Path, PathBuf};

use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use super::args::{Cli, TEMPLATE};
use super::{Ending, Failure, files};

/// Print completions for a shell: names of subcommands, options and their values
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE,
    before_help = "  plimsoll completions bash > ~/.local/share/bash-completion/completions/plimsoll
  plimsoll completions zsh > ~/.zfunc/_plimsoll
  plimsoll completions fish > ~/.config/fish/completions/plimsoll.fish
"
)]
pub struct CompletionsArgs {
    /// Which shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Print the manual page, or write one for each subcommand into a folder
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE,
    before_help = "  plimsoll man | man -l -
  plimsoll man ~/.local/share/man/man1
"
)]
pub struct ManArgs {
    /// Where pages go, one for each subcommand: plimsoll.1, plimsoll-plan.1, ...
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

/// Prints the completions.
pub fn completions(args: &CompletionsArgs) -> Result<Ending, Failure> {
    let mut out = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "plimsoll", &mut out);
    files::write(None, &out)?;
    Ok(Ending::Done)
}

/// Prints the page of the whole command, or writes all pages.
pub fn man(args: &ManArgs) -> Result<Ending, Failure> {
    let mut command = Cli::command();
    command.build();
    match &args.folder {
        None => files::write(None, &page(&command)?)?,
        Some(folder) => {
            files::make_folder(folder)?;
            write_all(&command, "plimsoll", folder)?;
        }
    }
    Ok(Ending::Done)
}

/// The page of a command and those of the commands below it.
fn write_all(command: &Command, name: &str, folder: &Path) -> Result<(), Failure> {
    files::write(Some(&folder.join(format!("{name}.1"))), &page(command)?)?;
    for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
        write_all(below, &format!("{name}-{}", below.get_name()), folder)?;
    }
    Ok(())
}

fn page(command: &Command) -> anyhow::Result<Vec<u8>> {
    let mut out = Vec::new();
    let version = env!("CARGO_PKG_VERSION");
    // A built command knows its full name: plimsoll-plan.
    Man::new(command.clone().version(version))
        .source(format!("plimsoll {version}"))
        .manual("Plimsoll")
        .render(&mut out)?;
    if let Some(examples) = command.get_before_help() {
        out.extend_from_slice(b".SH EXAMPLES\n.nf\n");
        for line in examples.to_string().lines() {
            out.extend_from_slice(roff(line.trim_start()).as_bytes());
            out.push(b'\n');
        }
        out.extend_from_slice(b".fi\n");
    }
    Ok(out)
}

/// A line as roff shows it unchanged.
fn roff(line: &str) -> String {
    let escaped = line.replace('\\', "\\e").replace('-', "\\-");
    if escaped.starts_with(['.', '\'']) { format!("\\&{escaped}") } else { escaped }
}
