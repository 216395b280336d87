//! `plimsoll catalog import`: price tables and price lists into catalog files.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use plimsoll::catalog::{Catalog, Provider};
use plimsoll::input::catalog_import::{
    self, ImportOptions, Inputs, Layout, Mapping, PriceListOptions, Stream, import_mapped, import_price_list,
};
use plimsoll::input::{Fault, Source, catalog_file, decode};

use super::args::TEMPLATE;
use super::{Ending, Failure, files, say};

/// Write a catalog file from price lists and tables of prices
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE,
    before_help = "  plimsoll catalog import aws --offers index.json --savings-plans sp.json \\
      --region us-east-1 -o ours.yaml
  plimsoll catalog import csv --prices servers.csv --columns name=Server,vcpu=Cores,memory_gib=RAM \\
      --columns on_demand_month=Price --set arch=amd64 --provider other --currency EUR \\
      --region fra --price-date 2026-11 -o hoster.yaml
  plimsoll catalog import gcp --prices prices.csv --types types.csv \\
      --region us-central1 --price-date 2026-07-30 -o gcp.yaml
"
)]
pub struct ImportArgs {
    /// The layout of the tables
    #[arg(value_enum)]
    pub layout: LayoutArg,
    /// AWS's own EC2 offer file, JSON or CSV, of any size; `-` reads it from standard input (aws)
    #[arg(long, value_name = "FILE", conflicts_with = "prices")]
    pub offers: Option<PathBuf>,
    /// AWS's own Savings Plan file of the same region, JSON or CSV; may be repeated (aws)
    #[arg(long, value_name = "FILE", requires = "offers")]
    pub savings_plans: Vec<PathBuf>,
    /// Operating system of the prices (aws with --offers)
    #[arg(long, value_name = "NAME", default_value = "Linux", requires = "offers")]
    pub operating_system: String,
    /// Tenancy of the prices: Shared or Dedicated (aws with --offers)
    #[arg(long, value_name = "NAME", default_value = "Shared", requires = "offers")]
    pub tenancy: String,
    /// Software in the prices, such as 'SQL Std' (aws with --offers) [default: none]
    #[arg(long, value_name = "NAME", requires = "offers")]
    pub pre_installed: Option<String>,
    /// One row per type and region, or per offer
    #[arg(long, value_name = "FILE", required_unless_present = "offers")]
    pub prices: Option<PathBuf>,
    /// Which column is which, OURS=THEIRS, joined by commas, or @FILE with one a line; may be repeated (csv)
    #[arg(long, value_name = "OURS=THEIRS|@FILE")]
    pub columns: Vec<String>,
    /// What holds for every row, OURS=TEXT; may be repeated (csv)
    #[arg(long, value_name = "OURS=TEXT")]
    pub set: Vec<String>,
    /// Whose prices they are (csv)
    #[arg(long, value_enum)]
    pub provider: Option<OwnerArg>,
    /// ISO 4217 code of the prices (csv) [default: USD, where the provider is aws, gcp or azure]
    #[arg(long, value_name = "CODE")]
    pub currency: Option<String>,
    /// One row per type: size, architecture, limits
    #[arg(long, value_name = "FILE", conflicts_with = "offers")]
    pub types: Option<PathBuf>,
    /// Baselines of burstable types (aws)
    #[arg(long, value_name = "FILE", conflicts_with = "offers")]
    pub burstable: Option<PathBuf>,
    /// Reserved rates by payment option in proportion (aws); without it no rate is derived
    #[arg(long, value_name = "FILE", conflicts_with = "offers")]
    pub payment_ratios: Option<PathBuf>,
    /// Which region to take
    #[arg(long)]
    pub region: String,
    /// The date of the prices, such as 2026-05 or 2016-09-27 [default: with --offers, its publication]
    #[arg(long, value_name = "DATE", required_unless_present = "offers")]
    pub price_date: Option<String>,
    /// Where the tables come from, once per source [default: the layout's publisher]
    #[arg(long, value_name = "TEXT")]
    pub source: Vec<String>,
    /// The licence of the tables [default: what the layout's publisher states]
    #[arg(long, value_name = "TEXT")]
    pub licence: Option<String>,
    /// Write to FILE instead of standard output, in one piece or not at all
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Whose prices a table has, on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OwnerArg {
    /// Amazon Web Services
    Aws,
    /// Google Cloud
    Gcp,
    /// Microsoft Azure
    Azure,
    /// Anybody else, or one's own data centre
    Other,
}

/// A layout of price tables, on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LayoutArg {
    /// EC2: AWS's own price list (--offers), or a table by region with all-upfront reserved rates
    Aws,
    /// EC2 as ec2instances.info had it in 2016
    #[value(name = "aws-2016")]
    Aws2016,
    /// Compute Engine as google-cloud-pricing-cost-calculator writes it
    Gcp,
    /// Virtual machines as azure-vm-price-importer writes it
    Azure,
    /// Any table with one row per type; --columns says which column is which
    Csv,
}

/// Reads the files, writes the catalog and says what was left out.
pub fn run(args: &ImportArgs) -> Result<Ending, Failure> {
    let mut catalog = match (&args.offers, args.layout) {
        (Some(offers), LayoutArg::Aws) => price_list(args, offers)?,
        (Some(_), _) => return Err(only("--offers", "aws")),
        (None, LayoutArg::Csv) => mapped(args)?,
        (None, layout) => published(args, layout)?,
    };
    if args.offers.is_some() {
        if !args.source.is_empty() {
            catalog.sources.clone_from(&args.source);
        }
        catalog.licence_note = args.licence.clone().unwrap_or(catalog.licence_note);
    }
    files::write(args.output.as_deref(), catalog_file::write(&catalog).as_bytes())?;
    for note in catalog.notes.iter().filter(|_| args.output.is_some()) {
        say(note);
    }
    Ok(Ending::Done)
}

fn only(option: &str, layout: &str) -> Failure {
    vec![Fault::new(option, format!("is an option of the layout `{layout}`"))].into()
}

fn price_list(args: &ImportArgs, offers: &Path) -> Result<Catalog, Vec<Fault>> {
    let options = PriceListOptions {
        operating_system: args.operating_system.clone(),
        tenancy: args.tenancy.clone(),
        pre_installed: args.pre_installed.clone().unwrap_or_else(|| "NA".to_owned()),
        price_date: args.price_date.clone(),
        ..PriceListOptions::linux(&args.region)
    };
    let plans = args.savings_plans.iter().map(|path| stream(path)).collect::<Result<Vec<_>, _>>();
    let (offers, plans) = files::both(stream(offers).map_err(|f| vec![f]), plans.map_err(|f| vec![f]))?;
    import_price_list(offers, plans, &options)
}

fn stream(path: &Path) -> Result<Stream<'static>, Fault> {
    let name = path.display().to_string();
    let reader: Box<dyn Read> = if name == "-" {
        Box::new(io::stdin())
    } else if path.is_dir() {
        return Err(Fault::new(name, "is a folder, where a file belongs"));
    } else {
        let file = File::open(path).map_err(|e| Fault::new(&name, format!("cannot be read: {e}")))?;
        Box::new(file)
    };
    Ok(Stream { name, reader })
}

fn prices(args: &ImportArgs) -> Result<Source, Vec<Fault>> {
    let path = args.prices.as_deref().expect("clap requires --prices without --offers");
    files::read_one(path)
}

fn options(args: &ImportArgs) -> ImportOptions {
    ImportOptions {
        region: args.region.clone(),
        price_date: args.price_date.clone().expect("clap requires --price-date without --offers"),
        sources: args.source.clone(),
        licence_note: args.licence.clone(),
    }
}

fn mapped(args: &ImportArgs) -> Result<Catalog, Vec<Fault>> {
    let mut columns = Vec::new();
    for given in &args.columns {
        match given.strip_prefix('@') {
            Some(file) => {
                let source = files::read(Path::new(file)).map_err(|fault| vec![fault])?;
                let text = decode(&source).map_err(|fault| vec![*fault])?;
                let lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
                columns.extend(lines.map(str::to_owned));
            }
            None => columns.extend(given.split(',').map(str::to_owned)),
        }
    }
    let mapping = Mapping::new(columns.iter().map(String::as_str), args.set.iter().map(String::as_str))
        .map_err(|e| {
            vec![Fault::new("--columns", e.to_string()).help("`plimsoll schema catalog` lists ours")]
        })?;
    let provider = match args.provider {
        Some(OwnerArg::Aws) => Provider::Aws,
        Some(OwnerArg::Gcp) => Provider::Gcp,
        Some(OwnerArg::Azure) => Provider::Azure,
        Some(OwnerArg::Other) | None => Provider::Other,
    };
    let currency = match (&args.currency, provider) {
        (Some(currency), _) => currency,
        (None, Provider::Other) => {
            let fault = Fault::new("--currency", "nothing says in which currency the prices are");
            return Err(vec![fault.help("give its ISO 4217 code, such as --currency EUR")]);
        }
        (None, _) => "USD",
    };
    import_mapped(&prices(args)?, &mapping, (provider, currency), &options(args))
}

fn published(args: &ImportArgs, layout: LayoutArg) -> Result<Catalog, Failure> {
    if !args.columns.is_empty() || !args.set.is_empty() {
        return Err(only("--columns", "csv"));
    }
    let layout = match layout {
        LayoutArg::Aws => Layout::Aws,
        LayoutArg::Aws2016 => Layout::Aws2016,
        LayoutArg::Gcp => Layout::Gcp,
        LayoutArg::Azure => Layout::Azure,
        LayoutArg::Csv => unreachable!("read by its mapping"),
    };
    let read = |path: &Option<PathBuf>| path.as_deref().map(files::read).transpose().map_err(|f| vec![f]);
    let inputs = Inputs {
        prices: prices(args)?,
        types: read(&args.types)?,
        burstable: read(&args.burstable)?,
        payment_ratios: read(&args.payment_ratios)?,
    };
    Ok(catalog_import::import(layout, &inputs, &options(args))?)
}
