//! The catalogs that are part of the program, and how they are found by name or region.

use crate::catalog::listing::nearest;
use crate::catalog::{Catalog, Provider};

/// A catalog that is part of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bundled {
    /// Its name, such as `aws-2026-05-us-east-1`.
    pub name: &'static str,
    /// Whose prices these are.
    pub provider: Provider,
    /// Their region.
    pub region: &'static str,
    /// Their date as the source gives it.
    pub price_date: &'static str,
    /// The file.
    pub text: &'static str,
}

impl Bundled {
    /// The catalog itself. Reading takes a few milliseconds: do it once.
    pub fn read(&self) -> Catalog {
        super::parse(self.name, self.text.as_bytes()).expect("bundled catalogs are valid: each is tested")
    }
}

macro_rules! bundle {
    ($($provider:ident $date:literal $region:literal $prefix:literal;)*) => {
        &[$(Bundled {
            name: concat!($prefix, "-", $date, "-", $region),
            provider: Provider::$provider,
            region: $region,
            price_date: $date,
            text: include_str!(concat!("../../../catalogs/", $prefix, "-", $date, "-", $region, ".yaml")),
        }),*]
    };
}

static BUNDLED: &[Bundled] = bundle! {
    Aws "2016-09-27" "us-east-1" "aws";
    Aws "2026-05" "eu-west-1" "aws";
    Aws "2026-05" "us-east-1" "aws";
    Aws "2026-05" "us-west-2" "aws";
    Azure "2026-01-26" "polandcentral" "azure";
    Gcp "2026-07-30" "europe-west1" "gcp";
    Gcp "2026-07-30" "europe-west4" "gcp";
    Gcp "2026-07-30" "us-central1" "gcp";
    Gcp "2026-07-30" "us-east1" "gcp";
    Gcp "2026-07-30" "us-west1" "gcp";
};

/// All bundled catalogs, by name.
pub fn bundled() -> &'static [Bundled] {
    BUNDLED
}

/// No bundled catalog is called so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownCatalog {
    /// No catalog of this name.
    #[error("no catalog is called `{asked}`{}; there are {}", did_you_mean(.nearest), .known.join(", "))]
    Name {
        /// What was asked for.
        asked: String,
        /// The nearest name, where one is near.
        nearest: Option<&'static str>,
        /// All names.
        known: Vec<&'static str>,
    },
    /// No catalog of this provider in this region.
    #[error("no {provider} catalog for region `{asked}`{}; {provider} has {}", did_you_mean(.nearest), regions(.known))]
    Region {
        /// Which provider.
        provider: Provider,
        /// Which region was asked for.
        asked: String,
        /// The nearest region, where one is near.
        nearest: Option<&'static str>,
        /// The provider's regions.
        known: Vec<&'static str>,
    },
}

fn did_you_mean(nearest: &Option<&'static str>) -> String {
    nearest.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default()
}

fn regions(known: &[&'static str]) -> String {
    if known.is_empty() { "none".to_owned() } else { known.join(", ") }
}

/// The bundled catalog of this name.
///
/// # Errors
/// What there is, and which name is nearest.
pub fn by_name(name: &str) -> Result<&'static Bundled, UnknownCatalog> {
    BUNDLED.iter().find(|b| b.name == name).ok_or_else(|| {
        let known: Vec<&str> = BUNDLED.iter().map(|b| b.name).collect();
        UnknownCatalog::Name { asked: name.to_owned(), nearest: nearest(name, known.iter().copied()), known }
    })
}

/// The newest bundled catalog of a provider in a region.
///
/// # Errors
/// The provider's regions, and which is nearest.
pub fn by_region(provider: Provider, region: &str) -> Result<&'static Bundled, UnknownCatalog> {
    // `2026-05` sorts after `2016-09-27` as text.
    let of_provider = || BUNDLED.iter().filter(|b| b.provider == provider);
    of_provider().filter(|b| b.region == region).max_by_key(|b| b.price_date).ok_or_else(|| {
        let mut known: Vec<&str> = of_provider().map(|b| b.region).collect();
        known.sort_unstable();
        known.dedup();
        UnknownCatalog::Region {
            provider,
            asked: region.to_owned(),
            nearest: nearest(region, known.iter().copied()),
            known,
        }
    })
}
