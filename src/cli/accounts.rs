//! Owned commitments, cash flow and showback of a plan, where they are asked for.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::civil::Date;
use plimsoll::bill::SizeRatios;
use plimsoll::bill::commitment::owned;
use plimsoll::input::{Fault, size_ratios};
use plimsoll::policy::{OwnedCommitment, OwnedScope};
use plimsoll::report::Format;
use plimsoll::report::showback::{IdleBy, PeriodCost, ShowbackReport};
use plimsoll::report::steady::{AccountsError, steady};
use plimsoll::report::view::{Notice, NoticeKind, PlanReport};
use plimsoll::workload::WorkloadSet;

use super::demand::OverTimePlan;
use super::settings::Settings;
use super::{Failure, files};

/// What of the bill is told beside its sum.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Accounts")]
pub struct AccountArgs {
    /// Cash against accrual for 12 and 36 months with the prepaid balance; with --as-of in calendar
    /// months. Told without being asked with --commit, and where the policy names owned commitments
    #[arg(long)]
    pub accounts: bool,
    /// The bill by owner: the values of an owner label such as team, or `namespace`, or `workload`
    #[arg(long, value_name = "LABEL")]
    pub showback: Option<String>,
    /// Whom the idle line is offered to: all owners, or those of a node's own pods
    #[arg(long, value_enum, default_value_t = IdleByArg::Cluster, requires = "showback")]
    pub idle_by: IdleByArg,
    /// Ratios of Azure sizes that reservations flex over, the CSV that Microsoft publishes for a region
    #[arg(long, value_name = "FILE")]
    pub size_ratios: Option<PathBuf>,
}

/// Whom idle cost is offered to, on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum IdleByArg {
    /// All owners
    #[default]
    Cluster,
    /// The owners of each node's own pods
    Node,
}

/// The ratios of sizes that reservations flex over, where a file has them.
///
/// # Errors
/// Faults of the file.
pub fn ratios(args: &AccountArgs) -> Result<SizeRatios, Vec<Fault>> {
    let Some(path) = &args.size_ratios else { return Ok(SizeRatios::default()) };
    let rows = size_ratios::parse(&files::read(path).map_err(|fault| vec![fault])?)?;
    Ok(SizeRatios::new(rows.into_iter().map(|row| (row.group, row.instance_type, row.thousandths))))
}

/// Adds to a report what is asked for: of the nodes as they are, or of nodes over time under the
/// purchases that were chosen for them.
///
/// # Errors
/// Owned commitments that the catalog contradicts, or whose dates nobody can place.
pub fn tell(
    report: &mut PlanReport,
    (workloads, settings, ratios): (&WorkloadSet, &Settings, &SizeRatios),
    over_time: Option<&OverTimePlan>,
    args: &AccountArgs,
    format: Format,
) -> Result<(), Failure> {
    notices(report, settings);
    let failed = |error: AccountsError| vec![Fault::new("--accounts", error.to_string())];
    if let Some(plan) = over_time
        && let Some((accounts, period)) = plan.accounts(report, workloads, settings)?
    {
        told(report, args, &period);
        report.accounts = Some(accounts);
        return Ok(());
    }
    let contracts = format == Format::FocusCommitments;
    if !args.accounts && args.showback.is_none() && settings.owned.is_empty() && !contracts {
        return Ok(());
    }
    let catalog = &settings.prices.catalog;
    let held = match (&report.scenario.start, settings.owned.first()) {
        (_, None) => Vec::new(),
        (None, Some(first)) => {
            let fault = Fault::new(&first.place, "owned commitments have dates, and the plan has none");
            return Err(vec![fault.help("give its first day, such as --as-of 2026-08-01")].into());
        }
        (Some(start), Some(_)) => {
            let day = start.parse().map_err(|_| {
                vec![Fault::new("--as-of", format!("`{start}` is not a date of the form 2026-08-01"))]
            })?;
            owned::holdings(&settings.owned, catalog, day, ratios).map_err(|errors| {
                errors.iter().map(|e| Fault::new(e.place(), e.to_string())).collect::<Vec<Fault>>()
            })?
        }
    };
    let (accounts, month) = steady(report, catalog, held, ratios).map_err(failed)?;
    told(report, args, &month);
    if args.accounts || contracts || !settings.owned.is_empty() {
        report.accounts = Some(accounts);
    }
    Ok(())
}

/// What of the commitments that are owned a reader could not guess.
fn notices(report: &mut PlanReport, settings: &Settings) {
    let first: Option<Date> = report.scenario.start.as_deref().and_then(|day| day.parse().ok());
    let mut say = |kind, message| report.notices.push(Notice { kind, workload: None, message });
    for message in first.map(|first| owned::ended(&settings.owned, first)).unwrap_or_default() {
        say(NoticeKind::Warning, message);
    }
    let zonal = |owned: &OwnedCommitment| matches!(&owned.scope, OwnedScope::Type { zone: Some(_), .. });
    if settings.owned.iter().any(zonal) {
        let message = "nodes whose zone the plan leaves open are taken to stand where an owned reservation of \
                       their type holds capacity";
        say(NoticeKind::Assumption, message.to_owned());
    }
}

/// The bill by owner, where it is asked for.
fn told(report: &mut PlanReport, args: &AccountArgs, period: &PeriodCost) {
    if let Some(label) = &args.showback {
        let by = match args.idle_by {
            IdleByArg::Cluster => IdleBy::Cluster,
            IdleByArg::Node => IdleBy::Node,
        };
        report.showback = Some(ShowbackReport::of(report, label, by, period));
        let known: BTreeSet<&str> =
            report.workloads.iter().flat_map(|row| row.owners.keys()).map(String::as_str).collect();
        if !["namespace", "workload"].contains(&label.as_str()) && !known.contains(label.as_str()) {
            let known: Vec<&str> = ["namespace", "workload"].into_iter().chain(known).collect();
            let message = format!("no workload has an owner `{label}`; known are {}", known.join(", "));
            report.notices.push(Notice { kind: NoticeKind::Warning, workload: None, message });
        }
    }
}
