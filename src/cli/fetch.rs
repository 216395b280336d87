//! `plimsoll catalog fetch`: a provider's public price list over HTTPS. No other command uses the network.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use plimsoll::catalog::listing::nearest;
use plimsoll::input::Fault;
use serde_json::Value;
use ureq::Agent;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use super::args::{MessageArgs, TEMPLATE};
use super::{Ending, Failure, files, say};

mod download;

/// Download a provider's public price list; nothing else uses the network
#[derive(Debug, Args)]
#[command(
    help_template = TEMPLATE,
    before_help = "  plimsoll catalog fetch aws --region eu-west-1
  plimsoll catalog fetch aws --region eu-west-1 --what savings-plans
  plimsoll catalog import aws --offers aws-ec2-eu-west-1.json \\
      --savings-plans aws-savings-plans-eu-west-1.json --region eu-west-1 -o ours.yaml
"
)]
pub struct FetchArgs {
    /// Whose price list
    #[arg(value_enum)]
    pub publisher: PublisherArg,
    /// Which region's file
    #[arg(long)]
    pub region: String,
    /// Which price list
    #[arg(long, value_enum, default_value = "offers")]
    pub what: WhatArg,
    /// In which form
    #[arg(long, value_enum, default_value = "json")]
    pub form: FormArg,
    /// Write to FILE, which appears once it is whole [default: named after list and region]. What was
    /// loaded before an interruption stays in FILE.part, and the next run goes on from there
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Where the price lists are
    #[arg(long, value_name = "URL", default_value = "https://pricing.us-east-1.amazonaws.com")]
    pub base_url: String,
    /// Certificates (PEM) that are trusted instead of Mozilla's, such as an inspecting proxy's
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
}

/// Whose price list, on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PublisherArg {
    /// Amazon Web Services
    Aws,
}

/// Which price list, on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WhatArg {
    /// EC2: on demand and reserved
    Offers,
    /// Compute and EC2 Instance Savings Plans
    SavingsPlans,
}

/// In which form, on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FormArg {
    /// One JSON document
    Json,
    /// A row per price
    Csv,
}

impl FormArg {
    fn extension(self) -> &'static str {
        match self {
            FormArg::Json => "json",
            FormArg::Csv => "csv",
        }
    }
}

/// Looks up where the region's file is, and loads it.
pub fn run(args: &FetchArgs, messages: MessageArgs) -> Result<Ending, Failure> {
    let agent = agent(args)?;
    let base = args.base_url.trim_end_matches('/');
    let index = match args.what {
        WhatArg::Offers => "/offers/v1.0/aws/AmazonEC2/current/region_index.json",
        WhatArg::SavingsPlans => "/savingsPlan/v1.0/aws/AWSComputeSavingsPlan/current/region_index.json",
    };
    let index_url = format!("{base}{index}");
    let text = download::text(&agent, &index_url)?;
    let path = path_of(&text, &args.region).map_err(|message| vec![Fault::new(&index_url, message)])?;
    let path = match args.form {
        FormArg::Json => path,
        FormArg::Csv => path.strip_suffix("json").map(|stem| format!("{stem}csv")).unwrap_or(path),
    };
    let target = args.output.clone().unwrap_or_else(|| {
        let list = match args.what {
            WhatArg::Offers => "aws-ec2",
            WhatArg::SavingsPlans => "aws-savings-plans",
        };
        PathBuf::from(format!("{list}-{}.{}", args.region, args.form.extension()))
    });
    let url = format!("{base}{path}");
    let loaded = download::file(&agent, &url, &target, messages.quiet)?;
    if !messages.quiet {
        say(&format!("{}: {} bytes of {url}, {}", target.display(), loaded.bytes, loaded.checked));
    }
    Ok(Ending::Done)
}

/// A client that honours `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`.
fn agent(args: &FetchArgs) -> Result<Agent, Failure> {
    const CONNECT: Duration = Duration::from_secs(30);
    /// Nothing at all for so long means that the connection is dead.
    const SILENCE: Duration = Duration::from_secs(60);
    let mut tls = TlsConfig::builder();
    if let Some(path) = &args.ca {
        let source = files::read(path).map_err(|fault| vec![fault])?;
        let certificates: Vec<Certificate<'static>> = parse_pem(&source.bytes)
            .filter_map(|item| match item {
                Ok(PemItem::Certificate(certificate)) => Some(certificate),
                _ => None,
            })
            .collect();
        if certificates.is_empty() {
            return Err(vec![Fault::new(&source.name, "holds no certificate in PEM form")].into());
        }
        tls = tls.root_certs(RootCerts::new_with_certs(&certificates));
    }
    let config = Agent::config_builder()
        .http_status_as_error(false)
        // A packed file could not be gone on with where it broke off.
        .accept_encoding("identity")
        .user_agent(concat!("plimsoll/", env!("CARGO_PKG_VERSION")))
        .timeout_connect(Some(CONNECT))
        .timeout_recv_response(Some(SILENCE))
        .timeout_per_read(Some(SILENCE))
        .tls_config(tls.build())
        .build();
    Ok(config.new_agent())
}

/// The path of a region's file in the index of regions, of which the two lists have two forms.
fn path_of(index: &str, region: &str) -> Result<String, String> {
    let index: Value = serde_json::from_str(index).map_err(|e| format!("is no index of regions: {e}"))?;
    let entries: Vec<&Value> = match &index["regions"] {
        Value::Object(regions) => regions.values().collect(),
        Value::Array(regions) => regions.iter().collect(),
        _ => return Err("is no index of regions".to_owned()),
    };
    let code = |entry: &Value| entry["regionCode"].as_str().unwrap_or_default().to_owned();
    let codes: Vec<String> = entries.iter().map(|entry| code(entry)).collect();
    let Some(entry) = entries.iter().find(|entry| code(entry) == region) else {
        let near = nearest(region, codes.iter().map(String::as_str));
        let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        return Err(format!("knows no region `{region}`{near}"));
    };
    let url = entry["currentVersionUrl"].as_str().or_else(|| entry["versionUrl"].as_str());
    match url {
        Some(path) if path.starts_with('/') => Ok(path.to_owned()),
        _ => Err(format!("names no file of region `{region}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_the_index_are_read() {
        let offers = r#"{"regions": {"us-east-1": {"regionCode": "us-east-1",
            "currentVersionUrl": "/offers/v1.0/aws/AmazonEC2/20250912225308/us-east-1/index.json"}}}"#;
        let path = path_of(offers, "us-east-1").unwrap();
        assert_eq!(path, "/offers/v1.0/aws/AmazonEC2/20250912225308/us-east-1/index.json");
        let plans =
            r#"{"regions": [{"regionCode": "eu-west-1", "versionUrl": "/savingsPlan/x/index.json"}]}"#;
        assert_eq!(path_of(plans, "eu-west-1").unwrap(), "/savingsPlan/x/index.json");
        let unknown = path_of(plans, "eu-west-11").unwrap_err();
        assert_eq!(unknown, "knows no region `eu-west-11`; did you mean `eu-west-1`?");
        assert!(path_of("{}", "x").unwrap_err().contains("no index"));
        let elsewhere = r#"{"regions": [{"regionCode": "x", "versionUrl": "https://elsewhere/x"}]}"#;
        assert!(path_of(elsewhere, "x").unwrap_err().contains("names no file"));
    }
}
