//! Price lists in their publishers' layouts: small tables worked out by hand, and tables with faults.

use plimsoll::catalog::derivation::rule;
use plimsoll::catalog::{Catalog, OfferKind, Payment, Provenance, Provider, Term};
use plimsoll::input::catalog_import::{ImportOptions, Inputs, Layout, Mapping, import, import_mapped};
use plimsoll::input::{Source, catalog_file};
use plimsoll::units::{Bytes, MilliCpu};

fn source(name: &str, text: &str) -> Source {
    Source { name: name.to_owned(), bytes: text.as_bytes().to_vec() }
}

fn inputs(prices: &str, types: Option<&str>) -> Inputs {
    Inputs {
        prices: source("prices.csv", prices),
        types: types.map(|t| source("types.csv", t)),
        burstable: None,
        payment_ratios: None,
    }
}

fn options(region: &str) -> ImportOptions {
    let price_date = "2026-05".to_owned();
    ImportOptions { region: region.to_owned(), price_date, sources: Vec::new(), licence_note: None }
}

fn read(layout: Layout, inputs: &Inputs, region: &str) -> Catalog {
    let catalog = import(layout, inputs, &options(region)).expect("a catalog");
    let written = catalog_file::write(&catalog);
    assert_eq!(catalog_file::parse("written", written.as_bytes()).as_ref(), Ok(&catalog));
    catalog
}

fn faults(layout: Layout, inputs: &Inputs, region: &str) -> Vec<String> {
    import(layout, inputs, &options(region)).expect_err("a fault").iter().map(ToString::to_string).collect()
}

const AWS_TYPES: &str = "\
instance_type,family,size,generation,family_label,vcpu,memory_gib,arch,hypervisor,gpu_count,gpu_name,gpu_manufacturer,accelerator_count,accelerator_name,local_nvme_gb,max_pods_eni,max_pods_prefix_delegation,ebs_attach_limit
t3.nano,t3,nano,current,General purpose,2,0.5,amd64,nitro,0,,,,,,4.0,110,27
x9.metal,x9,metal-48xl,,Memory optimized,192,1536.0,arm64,,0,,,,,7600.0,737.0,250,31
p9.large,p9,large,previous,GPU instance,2,1.6992,amd64,xen,2,a900,nvidia,,,,29.0,110,39
";
const AWS_PRICES: &str = "region,instance_type,ondemand,spot_avg,ri_std_1y_all,ri_std_3y_all";

#[test]
fn aws_joins_prices_with_types() {
    let prices = format!(
        "{AWS_PRICES}\nhere,t3.nano,0.0052,0.0021,0.003,\nhere,x9.metal,9.5,,,\nhere,p9.large,1,0.4,,\nthere,t3.nano,7,,,\n"
    );
    let mut inputs = inputs(&prices, Some(AWS_TYPES));
    inputs.burstable = Some(source(
        "burst.csv",
        "instance_type,baseline_pct_per_vcpu,surplus_usd_per_vcpu_hour_linux\nt3.nano,5,0.05\n",
    ));
    inputs.payment_ratios = Some(source(
        "ratios.csv",
        "offering_class,term_years,no_upfront_over_partial,partial,all_upfront_over_partial\nstandard,1,1.05,1,0.98\n",
    ));
    let catalog = read(Layout::Aws, &inputs, "here");
    assert_eq!(catalog.name, "aws-2026-05-here");
    let nano = catalog.find("t3.nano").unwrap();
    assert_eq!(nano.memory, Bytes::mib(512));
    assert_eq!(nano.burst.map(|b| b.baseline.0), Some(50_000));
    assert_eq!(nano.normalized_units.map(|u| u.0), Some(250));
    let no_upfront = nano.offer(OfferKind::ReservedStandard, Term::OneYear, Payment::NoUpfront).unwrap();
    // 0.003 / 0.98 x 1.05 = 0.003214285 7...
    assert_eq!(no_upfront.effective.nanos(), 3_214_286);
    assert_eq!(no_upfront.provenance, Provenance::Derived(rule::PAYMENT_RATIOS.into()));
    let metal = catalog.find("x9.metal").unwrap();
    assert!(metal.bare_metal && metal.current_generation.is_none());
    assert_eq!(metal.limits.max_pods_prefix, Some(250));
    assert_eq!(metal.local_storage, Bytes(7_600_000_000_000));
    assert_eq!(metal.normalized_units, None, "no factor is published for it");
    let gpu = catalog.find("p9.large").unwrap();
    assert_eq!(gpu.extended.get("nvidia.com/gpu"), Some(&2));
    assert_eq!(gpu.limits.max_pods_prefix, None, "prefix delegation needs Nitro");
    assert_eq!(gpu.memory, Bytes::mib(1_740));
}

#[test]
fn a_rate_of_zero_is_left_out_with_a_note() {
    let prices = format!("{AWS_PRICES}\nhere,t3.nano,0.0052,,,\nhere,x9.metal,0.0,,,\n");
    let catalog = read(Layout::Aws, &inputs(&prices, Some(AWS_TYPES)), "here");
    assert_eq!(catalog.types.len(), 1);
    assert!(catalog.notes[0].starts_with("x9.metal is left out"), "{:?}", catalog.notes);
}

#[test]
fn aws_faults_are_found_together() {
    let prices = format!(
        "{AWS_PRICES}\nhere,t3.nano,,,,\nhere,p9.large,-1,,,\nhere,q1.nano,1,,,\nhere,x9.metal,0.1234567891,,,\n"
    );
    assert_eq!(
        faults(Layout::Aws, &inputs(&prices, Some(AWS_TYPES)), "here"),
        [
            "prices.csv:2: ondemand: `t3.nano` has no rate",
            "prices.csv:3: ondemand: `-1` is negative",
            "prices.csv:4: instance_type: `q1.nano` is not in the table of types",
            "prices.csv:5: ondemand: `0.1234567891` has more than nine decimals",
        ]
    );
    assert_eq!(
        faults(Layout::Aws, &inputs("region,instance_type\n", Some(AWS_TYPES)), "here"),
        [
            "prices.csv:1: column `ondemand` is missing",
            "prices.csv:1: column `spot_avg` is missing",
            "prices.csv:1: column `ri_std_1y_all` is missing",
            "prices.csv:1: column `ri_std_3y_all` is missing",
        ]
    );
    let nowhere = inputs(&format!("{AWS_PRICES}\nhere,t3.nano,1,,,\n"), Some(AWS_TYPES));
    assert_eq!(faults(Layout::Aws, &nowhere, "mars"), ["prices.csv: region: no price for region `mars`"]);
    let twice = inputs(&format!("{AWS_PRICES}\nhere,t3.nano,1,,,\nhere,t3.nano,2,,,\n"), Some(AWS_TYPES));
    assert_eq!(
        faults(Layout::Aws, &twice, "here"),
        ["prices.csv:3: instance_type: `t3.nano` is on line 2 already"]
    );
    let alone = inputs(&format!("{AWS_PRICES}\n"), None);
    assert_eq!(
        faults(Layout::Aws, &alone, "here"),
        ["prices.csv: this layout needs the table of types as well"]
    );
}

#[test]
fn aws_of_2016_reads_a_row_per_offer() {
    let types = "\
instance_type,generation,family_label,vcpu,memory_gib,arch,storage_devices,storage_size_gb,storage_ssd,max_eni,ips_per_eni
m3.large,current,General purpose,2,7.5,i386|x86_64,2.0,32.0,True,3,10
";
    let prices = "\
region,instance_type,model,term_years,payment,offering_class,effective_hourly
here,m3.large,on_demand,0,none,,0.133
here,m3.large,reserved,1,partial_upfront,standard,0.083
";
    let catalog = read(Layout::Aws2016, &inputs(prices, Some(types)), "here");
    let machine = catalog.find("m3.large").unwrap();
    assert_eq!(machine.limits.max_pods_eni, Some(29));
    assert_eq!(machine.local_storage, Bytes(64_000_000_000));
    // Half of 0.083 an hour; the other half of 8,760 hours at the start.
    let offer = &machine.offers[0];
    assert_eq!((offer.recurring.nanos(), offer.upfront.to_string()), (41_500_000, "363.54".to_owned()));
    let odd = prices.replace("partial_upfront", "some_upfront");
    assert_eq!(
        faults(Layout::Aws2016, &inputs(&odd, Some(types)), "here"),
        ["prices.csv:3: payment: `some_upfront` is no payment option"]
    );
}

#[test]
fn gcp_rounds_what_has_no_end_and_says_so() {
    let types = "\
instance_type,family,vcpu,memory_gib,local-ssd,l4,rtx6000
g9-standard-4,g9,4.0,16.0,375.0,1.0,
g9-part-2,g9,2.0,8.0,,,0.25
";
    let prices = "\
region,instance_type,ondemand_hourly,spot_hourly,cud_1y_hourly,cud_3y_hourly,sud_effective_hourly
here,g9-standard-4,0.2630864505,0.1,0.19,0.14,0.2630865
here,g9-part-2,0.2,,0.14,0.14,0.14
";
    let catalog = read(Layout::Gcp, &inputs(prices, Some(types)), "here");
    let whole = catalog.find("g9-standard-4").unwrap();
    assert_eq!(whole.on_demand.rate.nanos(), 263_086_451, "half rounds up");
    assert_eq!(whole.on_demand.provenance, Provenance::Derived(rule::ROUNDED_RATES.into()));
    assert_eq!(whole.sustained_use, None, "the source's own rounding is no discount");
    assert_eq!(whole.local_storage, Bytes(375 << 30));
    assert_eq!(whole.offers.len(), 2);
    let part = catalog.find("g9-part-2").unwrap();
    assert_eq!(part.sustained_use.as_ref().map(|r| r.rate.nanos()), Some(140_000_000));
    assert!(part.offers.is_empty(), "a rate that needs no commitment is none");
    assert_eq!(part.marks, ["accelerator-part"]);
}

const AZURE: &str =
    "region,offer,series,category,vcpu,memory_gib,disk_gb,gpu,payg,ri_1y,ri_3y,sp_1y,sp_3y,spot,arm_sku";

#[test]
fn azure_recovers_the_price_of_the_term() {
    let prices = format!(
        "{AZURE}\n\
         here,linux-e16-4sv5-standard,esv5,memoryoptimized,16,128.0,0.0,,1.2,0.3610730594,,0.5,0.4,0.3,Standard_E16-4s_v5\n\
         here,linux-e32-8sv5-standard,esv5,memoryoptimized,32,256.0,0.0,,2.4,,,,,,Standard_E32s_v5\n\
         here,linux-nv6adsv5-standard,nvv5,gpu,6,55.0,180.0,1/6X A10,0.9,,,,,,Standard_NV6ads_A10_v5\n"
    );
    let catalog = read(Layout::Azure, &inputs(&prices, None), "here");
    assert_eq!(catalog.types.len(), 2);
    assert!(catalog.notes[0].starts_with("linux-e32-8sv5-standard is left out"), "{:?}", catalog.notes);
    let constrained = catalog.find("Standard_E16-4s_v5").unwrap();
    assert_eq!(
        (constrained.cpu, constrained.marks.as_slice()),
        (MilliCpu(4_000), &["constrained-vcpus".to_owned()][..])
    );
    let all = constrained.offer(OfferKind::AzureReservation, Term::OneYear, Payment::AllUpfront).unwrap();
    assert_eq!(all.upfront.to_cents_string(), "3163.00");
    let part = catalog.find("Standard_NV6ads_A10_v5").unwrap();
    assert_eq!(part.accelerator.as_deref(), Some("1/6 A10"));

    let odd = prices.replace("0.3610730594", "0.3610730");
    assert_eq!(
        faults(Layout::Azure, &inputs(&odd, None), "here"),
        ["prices.csv:2: ri_1y: `0.3610730` times the term's hours is not a whole number of dollars"]
    );
}

const SERVERS: &str = "\
Server;Cores;RAM;Price;Place
AX41;12;64;38.40;fra
AX102;32;128;104.00;fra
AX41;12;64;37.30;hel
";

fn mapped(table: &str, columns: &[&str], fixed: &[&str]) -> Result<Catalog, Vec<String>> {
    let mapping =
        Mapping::new(columns.iter().copied(), fixed.iter().copied()).map_err(|e| vec![e.to_string()])?;
    let options = ImportOptions { price_date: "2026-11".to_owned(), ..options("fra") };
    import_mapped(&source("servers.csv", table), &mapping, (Provider::Other, "EUR"), &options)
        .map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

#[test]
fn any_table_is_read_by_a_mapping() {
    let columns = ["name=Server", "vcpu=Cores", "memory_gib=RAM", "on_demand_month=Price", "region=Place"];
    let catalog = mapped(SERVERS, &columns, &["arch=amd64"]).expect("a catalog");
    assert_eq!((catalog.name.as_str(), catalog.currency.as_str()), ("other-2026-11-fra", "EUR"));
    assert_eq!(catalog.notes, ["left out: 1 rows of other regions"]);
    let server = catalog.find("AX41").expect("in Frankfurt");
    assert_eq!(
        (server.cpu, server.memory, server.family.as_str()),
        (MilliCpu(12_000), Bytes::mib(65_536), "AX41")
    );
    // 38.40 / 730 = 0.0526027397..., rounded and marked as such.
    assert_eq!(server.on_demand.rate.nanos(), 52_602_740);
    assert_eq!(server.on_demand.provenance, Provenance::Derived(rule::ROUNDED_RATES.into()));
    let written = catalog_file::write(&catalog);
    assert_eq!(catalog_file::parse("written", written.as_bytes()).as_ref(), Ok(&catalog));
}

#[test]
fn our_own_names_need_no_mapping() {
    let table = "name,vcpu,memory_mib,arch,on_demand,reserved-standard/1y/partial-upfront\nm1.x,2,2048,arm64,0.1,250+0.03\n";
    let catalog = mapped(table, &[], &[]).expect("a catalog");
    let offer = &catalog.types[0].offers[0];
    assert_eq!((offer.upfront.to_cents_string().as_str(), offer.recurring.nanos()), ("250.00", 30_000_000));
}

#[test]
fn faults_of_a_mapped_table_name_its_lines() {
    let columns = ["name=Server", "vcpu=Cores", "memory_gib=RAM", "on_demand_month=Price"];
    assert_eq!(
        mapped("Server;Cores;RAM;Price\nA;2;x;1\nA;0;4;-1\nB;2;4;\n", &columns, &[]).expect_err("faults"),
        [
            "servers.csv:2: A.memory_gib: `x` is not a plain decimal number",
            "servers.csv:2: A.arch: missing; where all types have the same: --set arch=amd64",
            "servers.csv:3: A.on_demand_month: `-1` is no price of a month",
            "servers.csv:3: A.name: `A` is on line 2 already",
            "servers.csv:3: A.vcpu: must be above zero",
            "servers.csv:3: A.arch: missing; where all types have the same: --set arch=amd64",
            "servers.csv:4: B.arch: missing; where all types have the same: --set arch=amd64",
            "servers.csv:4: B.on_demand: no rate on demand: give one, or leave the type out",
        ]
    );
    assert_eq!(
        mapped(SERVERS, &["name=Sever"], &[]).expect_err("no such column"),
        ["servers.csv:1: name: column `Sever` is missing; did you mean `Server`?"]
    );
    for (table, fault) in [
        ("name,vcpu,memory_gib,on_demand,on_demand\nA,2,8,0.5,0.7\n", "column `on_demand` stands twice"),
        (
            "name,vcpu,memory_gib,on_demand,on_demand_month\nA,2,8,0.5,70\n",
            "has both `on_demand` and `on_demand_month`",
        ),
        (
            "name,vcpu,memory_gib,Price\nA,2,8,0.5\n",
            "no column is `on_demand` or `on_demand_month`; say which with --columns on_demand=THEIRS",
        ),
    ] {
        assert_eq!(
            mapped(table, &[], &["arch=amd64"]).expect_err("a fault"),
            [format!("servers.csv:1: {fault}")]
        );
    }
    let dollars = "name,vcpu,memory_gib,on_demand,currency\nA,2,8,0.5,USD\nB,2,8,0.5,EUR\n";
    assert_eq!(
        mapped(dollars, &[], &["arch=amd64"]).expect_err("another currency"),
        ["servers.csv:2: A.currency: `USD` beside prices in EUR"]
    );
    // What is left unread is told: a misspelt offer would be missing without a word.
    let table = "name,vcpu,memory_gib,on_demand,reserved-standard/2y/no-upfront\nA,2,8,0.5,0.3\n";
    let notes = mapped(table, &[], &["arch=amd64"]).expect("a catalog").notes;
    assert_eq!(notes, ["columns that were not read: reserved-standard/2y/no-upfront"]);
    assert_eq!(
        mapped(SERVERS, &["names=Server"], &[]).expect_err("not ours"),
        ["a catalog has no column `names`; did you mean `name`?"]
    );
    assert_eq!(
        mapped(SERVERS, &["name"], &[]).expect_err("no pair"),
        ["`name` is not of the form OURS=THEIRS, such as name=Instance"]
    );
}
