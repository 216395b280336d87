//! `plimsoll check`: is a saved plan valid, and is its bound proven?

use plimsoll::input::{Fault, certificate_file};
use plimsoll::report::recheck;

use super::args::CheckArgs;
use super::{Ending, Failure, files};

/// Prints what is proven; everything that is refused is a fault of the plan's file.
pub fn run(args: &CheckArgs) -> Result<Ending, Failure> {
    let mut sources = files::read_all(&[args.plan.clone(), args.certificate.clone()])?.into_iter();
    let (Some(plan), Some(certificate)) = (sources.next(), sources.next()) else {
        let folder = Fault::new(args.plan.display().to_string(), "is a folder, where a file belongs");
        return Err(vec![folder].into());
    };
    let saved = recheck::parse(&plan.bytes).map_err(|message| vec![Fault::new(&plan.name, message)])?;
    let certified = certificate_file::read(&certificate)?;
    let proven = recheck::recheck(&saved, &certified).map_err(|refusals| {
        let fault = |refusal: &recheck::Refusal| Fault::new(&plan.name, format!("refused: {refusal}"));
        refusals.iter().map(fault).collect::<Vec<_>>()
    })?;
    files::write(None, proven.to_string().as_bytes())?;
    Ok(Ending::Done)
}
