//! The bundled catalogs: they read back as written, and rates taken by hand from each source are there.

use plimsoll::catalog::derivation::rule;
use plimsoll::catalog::{
    Architecture, Catalog, InstanceType, OfferKind, Payment, Provenance, Provider, Term,
};
use plimsoll::input::catalog_file::{self, bundled, by_name, by_region};
use plimsoll::policy::TypeFilter;
use plimsoll::units::{Bytes, MilliCpu, PartsPerMillion, Rate};

fn catalog(name: &str) -> Catalog {
    by_name(name).expect("a bundled catalog").read()
}

fn rate(text: &str) -> Rate {
    text.parse().expect("a decimal")
}

fn of<'c>(catalog: &'c Catalog, name: &str) -> &'c InstanceType {
    catalog.find(name).unwrap_or_else(|| panic!("{name} is in {}", catalog.name))
}

/// The effective rate of an offer, and whether it is listed.
fn offer(
    catalog: &Catalog,
    name: &str,
    kind: OfferKind,
    term: Term,
    payment: Payment,
) -> Option<(Rate, bool)> {
    let offer = of(catalog, name).offer(kind, term, payment)?;
    Some((offer.effective, offer.provenance == Provenance::Listed))
}

#[test]
fn every_bundled_catalog_reads_back_as_it_was_written() {
    assert_eq!(bundled().len(), 10);
    for bundle in bundled() {
        let catalog = bundle.read();
        assert_eq!(catalog.name, bundle.name);
        assert_eq!(
            (catalog.provider, catalog.region.as_str(), catalog.price_date.as_str()),
            (bundle.provider, bundle.region, bundle.price_date)
        );
        assert_eq!(catalog.currency, "USD");
        assert!(!catalog.sources.is_empty() && !catalog.licence_note.is_empty(), "{}", bundle.name);
        let written = catalog_file::write(&catalog);
        assert_eq!(written, bundle.text, "{} is as the writer writes it", bundle.name);
        assert_eq!(catalog_file::parse("again", written.as_bytes()).unwrap(), catalog);
    }
}

#[test]
fn every_type_has_a_rate_and_every_offer_adds_up() {
    for bundle in bundled() {
        let catalog = bundle.read();
        assert!(catalog.types.is_sorted_by(|a, b| a.name < b.name), "{}", bundle.name);
        for machine in &catalog.types {
            assert!(machine.on_demand.rate > Rate::ZERO, "{}", machine.name);
            assert!(machine.cpu > MilliCpu(0) && machine.memory > Bytes(0), "{}", machine.name);
            for mark in &machine.marks {
                assert!(catalog.marks.contains_key(mark), "{}: {mark}", machine.name);
            }
            for offer in &machine.offers {
                let hours = offer.term.hours();
                assert_eq!(
                    offer.upfront + offer.recurring.for_hours(hours),
                    offer.effective.for_hours(hours),
                    "{} {offer:?}",
                    machine.name
                );
                assert!(offer.effective < machine.on_demand.rate, "{} {offer:?}", machine.name);
                if let Provenance::Derived(name) = &offer.provenance {
                    assert!(catalog.rules.reason(name).is_some(), "{name}");
                }
            }
        }
    }
}

#[test]
fn each_catalog_has_the_types_that_its_source_prices() {
    let counts: Vec<(&str, usize)> = bundled().iter().map(|b| (b.name, b.read().types.len())).collect();
    // The sources' rows per region, less u-6tb1.metal (a rate of zero) and Azure's misnamed E32-8s v5.
    assert_eq!(
        counts,
        [
            ("aws-2016-09-27-us-east-1", 56),
            ("aws-2026-05-eu-west-1", 1_039),
            ("aws-2026-05-us-east-1", 1_301),
            ("aws-2026-05-us-west-2", 1_293),
            ("azure-2026-01-26-polandcentral", 860),
            ("gcp-2026-07-30-europe-west1", 492),
            ("gcp-2026-07-30-europe-west4", 499),
            ("gcp-2026-07-30-us-central1", 522),
            ("gcp-2026-07-30-us-east1", 522),
            ("gcp-2026-07-30-us-west1", 522),
        ]
    );
}

#[test]
fn aws_rates_are_those_of_the_list() {
    let east = catalog("aws-2026-05-us-east-1");
    let large = of(&east, "m5.large");
    assert_eq!(large.on_demand.rate, rate("0.096"));
    assert_eq!((large.cpu, large.memory), (MilliCpu(2_000), Bytes::mib(8_192)));
    assert_eq!(large.limits.max_pods_eni, Some(29));
    assert_eq!(large.normalized_units.map(|u| u.0), Some(4_000));
    assert_eq!(large.current_generation, Some(true));
    let graviton = of(&east, "m7g.medium");
    assert_eq!((graviton.architecture, graviton.on_demand.rate), (Architecture::Arm64, rate("0.0408")));
    // 1.6992 GiB in the source are 1,740 MiB to four decimals.
    assert_eq!(of(&east, "c1.medium").memory, Bytes::mib(1_740));

    let ireland = catalog("aws-2026-05-eu-west-1");
    assert_eq!(of(&ireland, "a1.2xlarge").on_demand.rate, rate("0.2304"));
    let all = offer(&ireland, "a1.2xlarge", OfferKind::ReservedStandard, Term::OneYear, Payment::AllUpfront);
    assert_eq!(all, Some((rate("0.135502"), true)));
}

#[test]
fn payment_options_derive_from_all_upfront() {
    let catalog = catalog("aws-2026-05-eu-west-1");
    let get = |kind, term, payment| offer(&catalog, "a1.2xlarge", kind, term, payment).unwrap();
    use Payment::{AllUpfront, NoUpfront, PartialUpfront};
    let reserved = OfferKind::ReservedStandard;
    // 0.135502 / 0.98 = 0.138267346 9..., x 1.05 = 0.145180714 2...
    assert_eq!(get(reserved, Term::OneYear, PartialUpfront), (rate("0.138267347"), false));
    assert_eq!(get(reserved, Term::OneYear, NoUpfront), (rate("0.145180714"), false));
    // 0.086644 / 0.94 = 0.092174468 0..., x 1.08 = 0.099548425 5...
    assert_eq!(get(reserved, Term::ThreeYears, PartialUpfront), (rate("0.092174468"), false));
    assert_eq!(get(reserved, Term::ThreeYears, NoUpfront), (rate("0.099548426"), false));
    for term in Term::ALL {
        for payment in [NoUpfront, PartialUpfront, AllUpfront] {
            let plan =
                of(&catalog, "a1.2xlarge").offer(OfferKind::InstanceSavingsPlan, term, payment).unwrap();
            assert_eq!(plan.effective, get(reserved, term, payment).0);
            assert_eq!(plan.provenance, Provenance::Derived(rule::INSTANCE_SAVINGS_PLAN.into()));
        }
    }
    // 0.138267347 = 0.069133673 recurring + 0.069133674 x 8,760 h = 605.61098424 upfront.
    let partial = of(&catalog, "a1.2xlarge").offer(reserved, Term::OneYear, PartialUpfront).unwrap();
    assert_eq!(partial.recurring, rate("0.069133673"));
    assert_eq!(partial.upfront.to_string(), "605.61098424");
}

#[test]
fn payment_ratios_hold_for_no_excluded_family() {
    for name in ["aws-2026-05-us-east-1", "aws-2026-05-us-west-2", "aws-2026-05-eu-west-1"] {
        let catalog = catalog(name);
        let mut seen = std::collections::BTreeSet::new();
        for machine in &catalog.types {
            let excluded = ["c1", "c3", "d2", "g2", "i2", "m1", "m2", "m3", "r3", "p4d", "t1", "x1"]
                .contains(&&*machine.family);
            let listed = machine.offers.iter().any(|o| o.provenance == Provenance::Listed);
            let derived = machine
                .offers
                .iter()
                .any(|o| o.provenance == Provenance::Derived(rule::PAYMENT_RATIOS.into()));
            assert_eq!(derived, listed && !excluded, "{}", machine.name);
            if excluded && listed {
                seen.insert(machine.family.as_str());
            }
        }
        assert!(seen.len() >= 9, "{seen:?}");
    }
    // Families from about 2025 on have no reserved rate, and none is made up.
    let east = catalog("aws-2026-05-us-east-1");
    assert!(of(&east, "m8i.large").offers.is_empty());
}

#[test]
fn rates_of_2016_are_listed_for_every_payment() {
    let catalog = catalog("aws-2016-09-27-us-east-1");
    let get = |term, payment| offer(&catalog, "m4.large", OfferKind::ReservedStandard, term, payment);
    assert_eq!(of(&catalog, "m4.large").on_demand.rate, rate("0.12"));
    assert_eq!(get(Term::OneYear, Payment::NoUpfront), Some((rate("0.083"), true)));
    assert_eq!(get(Term::OneYear, Payment::PartialUpfront), Some((rate("0.07"), true)));
    assert_eq!(get(Term::OneYear, Payment::AllUpfront), Some((rate("0.069"), true)));
    assert_eq!(get(Term::ThreeYears, Payment::NoUpfront), None);
    assert_eq!(get(Term::ThreeYears, Payment::AllUpfront), Some((rate("0.045"), true)));
    // Savings plans came in 2019.
    assert!(
        catalog
            .types
            .iter()
            .all(|t| t.offer(OfferKind::InstanceSavingsPlan, Term::OneYear, Payment::NoUpfront).is_none())
    );
    let t2 = of(&catalog, "t2.small");
    assert_eq!(t2.architecture, Architecture::Amd64);
    let burst = t2.burst.expect("t2 is burstable");
    assert_eq!((burst.baseline, burst.surplus_rate), (PartsPerMillion(200_000), None));
    // 2 ENIs x (4 addresses - 1) + 2.
    assert_eq!(t2.limits.max_pods_eni, Some(8));
}

#[test]
fn bare_metal_rates_that_differ_between_sources_are_marked() {
    let catalog = catalog("aws-2026-05-us-east-1");
    let marked = catalog.types.iter().filter(|t| t.marks.iter().any(|m| m.starts_with("metal-rate"))).count();
    assert_eq!(marked, 51, "40 that differ and 11 that cannot be compared");
    assert_eq!(of(&catalog, "c7i.metal-24xl").marks, ["metal-rate-differs"]);
    assert!(of(&catalog, "m5.metal").marks.is_empty());
    assert!(catalog.find("u-6tb1.metal").is_none(), "a rate of zero is no offer");
}

#[test]
fn accelerators_are_extended_resources() {
    let aws = catalog("aws-2026-05-us-east-1");
    assert_eq!(of(&aws, "p4d.24xlarge").extended.get("nvidia.com/gpu"), Some(&8));
    assert_eq!(of(&aws, "g4ad.8xlarge").extended.get("amd.com/gpu"), Some(&2));
    assert_eq!(of(&aws, "inf2.48xlarge").extended.get("aws.amazon.com/neuron"), Some(&12));
    assert_eq!(of(&aws, "p3.2xlarge").marks, ["accelerator-unknown"]);
    let gcp = catalog("gcp-2026-07-30-us-central1");
    assert_eq!(of(&gcp, "a2-megagpu-16g").extended.get("nvidia.com/gpu"), Some(&16));
    let part = of(&gcp, "g4-standard-6");
    assert_eq!(
        (part.extended.get("nvidia.com/gpu"), part.accelerator.as_deref()),
        (Some(&1), Some("0.125 rtx6000"))
    );
    assert_eq!(part.marks, ["accelerator-part"]);
    let azure = catalog("azure-2026-01-26-polandcentral");
    assert_eq!(of(&azure, "Standard_ND96isr_H100_v5").extended.get("nvidia.com/gpu"), Some(&8));
}

#[test]
fn gcp_rates_are_exact_or_say_that_they_were_rounded() {
    let catalog = catalog("gcp-2026-07-30-europe-west1");
    let megagpu = of(&catalog, "a2-highgpu-1g");
    assert_eq!(megagpu.on_demand.rate, rate("3.747369"));
    assert_eq!(megagpu.on_demand.provenance, Provenance::Listed);
    // 0.263086450410959 in the source: local SSD per month over 730 hours.
    let ssd = of(&catalog, "c3-standard-4-lssd");
    assert_eq!(ssd.on_demand.rate, rate("0.26308645"));
    assert_eq!(ssd.on_demand.provenance, Provenance::Derived(rule::ROUNDED_RATES.into()));
    // 5.57595089041096 rounds up.
    assert_eq!(of(&catalog, "a2-ultragpu-1g").on_demand.rate, rate("5.57595089"));
    let committed = |name, term| {
        of(&catalog, name).offer(OfferKind::ResourceCommitment, term, Payment::NoUpfront).map(|o| o.effective)
    };
    assert_eq!(committed("a2-highgpu-1g", Term::OneYear), Some(rate("2.360816")));
    assert_eq!(committed("a2-highgpu-1g", Term::ThreeYears), Some(rate("1.311603")));
    assert_eq!(committed("f1-micro", Term::OneYear), None, "its sustained use rate is no commitment");
}

#[test]
fn sustained_use_stands_for_the_families_that_have_it() {
    let catalog = catalog("gcp-2026-07-30-us-central1");
    let families: std::collections::BTreeSet<&str> =
        catalog.types.iter().filter(|t| t.sustained_use.is_some()).map(|t| t.family.as_str()).collect();
    assert_eq!(
        families.into_iter().collect::<Vec<_>>(),
        ["c2", "custom", "f1", "g1", "m1", "m2", "n1", "n2", "n2d"]
    );
}

#[test]
fn shared_core_types_have_their_share() {
    let catalog = catalog("gcp-2026-07-30-us-central1");
    let medium = of(&catalog, "e2-medium");
    assert_eq!(medium.cpu, MilliCpu(2_000));
    assert_eq!(medium.burst.map(|b| b.baseline), Some(PartsPerMillion(500_000)));
    let azure = catalog_file::by_region(Provider::Azure, "polandcentral").unwrap().read();
    let small = of(&azure, "Standard_B2ts_v2");
    assert_eq!(small.burst.map(|b| b.baseline), Some(PartsPerMillion(200_000)));
    for machine in azure.types.iter().filter(|t| t.family.starts_with('b')) {
        assert!(machine.burst.is_some(), "{}", machine.name);
    }
}

#[test]
fn azure_reservations_are_whole_dollars() {
    let catalog = catalog("azure-2026-01-26-polandcentral");
    let name = "Standard_B16als_v2";
    assert_eq!(of(&catalog, name).on_demand.rate, rate("0.612"));
    let machine = of(&catalog, name);
    // 0.3610730594 x 8,760 = 3,163 dollars; 3163 / 8760 = 0.361073059 36...
    let all = machine.offer(OfferKind::AzureReservation, Term::OneYear, Payment::AllUpfront).unwrap();
    assert_eq!((all.effective, all.upfront.to_cents_string()), (rate("0.361073059"), "3163.00".to_owned()));
    assert_eq!(all.provenance, Provenance::Derived(rule::TERM_TOTALS.into()));
    let monthly = machine.offer(OfferKind::AzureReservation, Term::OneYear, Payment::NoUpfront).unwrap();
    assert_eq!((monthly.recurring, monthly.effective), (all.effective, all.effective));
    let plan = machine.offer(OfferKind::AzureSavingsPlan, Term::ThreeYears, Payment::NoUpfront).unwrap();
    assert_eq!((plan.effective, &plan.provenance), (rate("0.32436"), &Provenance::Listed));
    // The price of 16 vCPUs for 4 that are left active.
    assert_eq!(of(&catalog, "Standard_E16-4ads_v5").cpu, MilliCpu(4_000));
    assert_eq!(of(&catalog, "Standard_D2ps_v6").architecture, Architecture::Arm64);
    assert_eq!(of(&catalog, "Standard_D2s_v5").architecture, Architecture::Amd64);
}

#[test]
fn catalogs_are_found_by_name_and_by_region() {
    assert_eq!(by_region(Provider::Aws, "us-east-1").unwrap().name, "aws-2026-05-us-east-1");
    let wrong = by_name("aws-2026-05-us-east1").unwrap_err().to_string();
    assert!(wrong.contains("did you mean `aws-2026-05-us-east-1`"), "{wrong}");
    let wrong = by_region(Provider::Gcp, "us-centrall1").unwrap_err().to_string();
    assert!(wrong.contains("did you mean `us-central1`") && wrong.contains("europe-west4"), "{wrong}");
}

#[test]
fn a_filter_takes_globs_and_sizes() {
    let catalog = catalog("aws-2026-05-us-east-1");
    let names = |filter: TypeFilter| -> Vec<String> {
        let matcher = filter.matcher().unwrap();
        catalog.types.iter().filter(|t| matcher.matches(t)).map(|t| t.name.clone()).collect()
    };
    let filter = TypeFilter {
        families: vec!["m7g*".into()],
        exclude: vec!["*.metal".into(), "m7gd.*".into()],
        architectures: vec![Architecture::Arm64],
        max_cpu: Some(MilliCpu(8_000)),
        current_generation: true,
        ..TypeFilter::default()
    };
    assert_eq!(names(filter), ["m7g.2xlarge", "m7g.large", "m7g.medium", "m7g.xlarge"]);
    let previous =
        TypeFilter { families: vec!["m1".into()], current_generation: true, ..TypeFilter::default() };
    assert!(names(previous).is_empty());
    assert_eq!(names(TypeFilter::default()).len(), catalog.types.len());
    let wrong = TypeFilter { include: vec!["m5.[".into()], ..TypeFilter::default() };
    assert_eq!(wrong.matcher().unwrap_err().glob, "m5.[");
}

#[test]
fn a_type_is_shown_with_all_its_rates() {
    let catalog = catalog("aws-2026-05-us-east-1");
    let detail = catalog.detail("m5.large").unwrap();
    assert_eq!(detail.rates[0].purchase, "on-demand");
    // On demand, spot, and two kinds x two terms x three payments.
    assert_eq!(detail.rates.len(), 14);
    let derived = detail.rates.iter().filter(|r| r.reason.is_some()).count();
    assert_eq!(derived, 10, "all but on demand, spot and the two listed reserved rates");
    let wrong = catalog.detail("m5.larg").unwrap_err();
    assert_eq!(wrong.nearest.as_deref(), Some("m5.large"));
}
