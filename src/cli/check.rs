//! `plimsoll check`: is a saved plan valid, and is its bound proven?

use plimsoll::input::{Fault, certificate_file};
use plimsoll::report::recheck;

use super::args::CheckArgs;
use super::{Ending, Failure, files};

/// Prints what is proven; everything that is refused is a fault of the plan's file.
pub fn run(args: &CheckArgs) -> Result<Ending, Failure> {
    let plan = files::read_one(&args.plan);
    let name = plan.as_ref().map(|source| source.name.clone()).unwrap_or_default();
    let (saved, certified) = files::both(
        plan.and_then(|source| recheck::read(&source)),
        files::read_one(&args.certificate).and_then(|source| certificate_file::read(&source)),
    )?;
    let proven = recheck::recheck(&saved, &certified).map_err(|refusals| {
        let fault = |refusal: &recheck::Refusal| Fault::new(&name, format!("refused: {refusal}"));
        refusals.iter().map(fault).collect::<Vec<_>>()
    })?;
    files::write(None, proven.to_string().as_bytes())?;
    Ok(Ending::Done)
}
