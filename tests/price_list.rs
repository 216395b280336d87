//! AWS's own price list: small files in the structure that AWS publishes (figures and SKUs are made up),
//! as JSON and as CSV, faults in them, and a long stream in little memory.

use plimsoll::catalog::{Architecture, Catalog, CommitmentOffer, OfferKind, Payment, Provenance, Term};
use plimsoll::input::catalog_file;
use plimsoll::input::catalog_import::{PriceListOptions, Stream, import_price_list};
use plimsoll::units::{Bytes, MilliCpu, Rate};

const OFFERS: [&str; 2] =
    [include_str!("data/aws_price_list/offers.json"), include_str!("data/aws_price_list/offers.csv")];
const PLANS: [&str; 2] = [
    include_str!("data/aws_price_list/savings-plans.json"),
    include_str!("data/aws_price_list/savings-plans.csv"),
];

fn stream<'a>(name: &str, text: &'a str) -> Stream<'a> {
    Stream { name: name.to_owned(), reader: Box::new(text.as_bytes()) }
}

fn read(offers: &str, plans: &[&str]) -> Result<Catalog, Vec<String>> {
    let plans = plans.iter().map(|text| stream("plans", text)).collect();
    import_price_list(stream("offers", offers), plans, &PriceListOptions::linux("us-east-1"))
        .map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

fn rate(text: &str) -> Rate {
    text.parse().expect("a rate")
}

fn offer<'c>(catalog: &'c Catalog, name: &str, key: &str) -> &'c CommitmentOffer {
    let machine = catalog.find(name).expect("the type is there");
    let named = |o: &&CommitmentOffer| {
        format!("{}/{}/{}", o.kind.as_str(), o.term.as_str(), o.payment.as_str()) == key
    };
    machine.offers.iter().find(named).unwrap_or_else(|| panic!("{name} has no {key}"))
}

#[test]
fn json_and_csv_say_the_same() {
    let json = read(OFFERS[0], &[PLANS[0]]).expect("the JSON is read");
    let csv = read(OFFERS[1], &[PLANS[1]]).expect("the CSV is read");
    assert_eq!(json, csv);
    let mixed = read(OFFERS[0], &[PLANS[1]]).expect("each by its own form");
    assert_eq!(json, mixed);
    let written = catalog_file::write(&json);
    assert_eq!(catalog_file::parse("written", written.as_bytes()).expect("it is read again"), json);
}

#[test]
fn linux_on_shared_hardware_is_taken_and_the_rest_is_counted() {
    let catalog = read(OFFERS[0], &[]).expect("a catalog");
    let names: Vec<&str> = catalog.types.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["g4dn.xlarge", "m5.large", "t3.micro", "z9.metal", "z9g.large"]);
    assert_eq!(catalog.name, "aws-2026-11-02-us-east-1");
    assert_eq!(
        catalog.notes,
        [
            "prices hold for Linux, Shared tenancy, pre-installed software NA; spot rates are in no price list",
            "left out of the price list: 1 that are no instances, 1 of other regions or of none, 1 of local \
             and other zones, 1 of another tenancy, 1 with another operating system, 1 with other software \
             installed, 2 of capacity reservations, 1 under licences of one's own, 1 sold as capacity blocks, \
             1 without an on-demand rate",
            "left out, since neither the price list nor this program says their size or architecture: q1.large",
            "left out with a rate of zero, so not sold on demand: u-6tb1.metal",
        ]
    );
    let large = catalog.find("m5.large").expect("it was kept");
    assert_eq!(large.on_demand.rate, rate("0.096"));
    assert_eq!(large.sku.as_deref(), Some("4SKUM5LARGELINUX"));
    assert_eq!(large.memory, Bytes::mib(8192));
    // What the price list lacks is known by name.
    assert_eq!(large.limits.max_pods_eni, Some(29));
    assert!(large.marks.is_empty());
    assert!(catalog.find("t3.micro").expect("kept").burst.is_some());
    assert_eq!(catalog.find("g4dn.xlarge").expect("kept").extended.get("nvidia.com/gpu"), Some(&1));
}

#[test]
fn a_type_that_nobody_knows_yet_is_marked() {
    let catalog = read(OFFERS[1], &[]).expect("a catalog");
    let new = catalog.find("z9g.large").expect("the list says enough");
    assert_eq!(new.architecture, Architecture::Arm64, "Graviton is Arm");
    assert_eq!(new.memory, Bytes::mib(15_616));
    assert_eq!(new.local_storage, Bytes(200_000_000_000));
    assert_eq!((new.limits.max_pods_eni, new.burst), (None, None));
    assert_eq!(new.marks, ["limits-unknown"]);
    assert_eq!(new.normalized_units.map(|n| n.0), Some(4_000));
    let metal = catalog.find("z9.metal").expect("the list says enough");
    assert!(metal.bare_metal && metal.extended.is_empty());
    assert_eq!(metal.memory, Bytes::mib(1_572_864), "1,536 GiB");
    assert_eq!(metal.marks, ["accelerator-unnamed", "limits-unknown", "local-storage-unknown"]);
    assert!(catalog.marks.contains_key("limits-unknown") && !catalog.marks.contains_key("baseline-unknown"));
}

#[test]
fn reservations_keep_the_payments_that_are_listed() {
    let catalog = read(OFFERS[0], &[]).expect("a catalog");
    let none = offer(&catalog, "m5.large", "reserved-standard/1y/no-upfront");
    assert_eq!((none.effective, none.recurring), (rate("0.06"), rate("0.06")));
    // 250 / 8,760 = 0.028538812785..., rounded to the nano-dollar.
    let partial = offer(&catalog, "m5.large", "reserved-standard/1y/partial-upfront");
    assert_eq!((partial.effective, partial.recurring), (rate("0.056538813"), rate("0.028")));
    assert_eq!(partial.upfront.to_cents_string(), "250.00");
    assert_eq!(
        partial.upfront + partial.recurring.for_hours(8_760),
        partial.effective.for_hours(8_760),
        "accrual is cash over the term"
    );
    // 949 / 26,280 = 0.036111111...
    let all = offer(&catalog, "m5.large", "reserved-standard/3y/all-upfront");
    assert_eq!((all.effective, all.recurring), (rate("0.036111111"), Rate::ZERO));
    assert!(catalog_file::write(&catalog).contains(",250+0.028,"), "the file has what AWS lists");
    assert_eq!(catalog.find("m5.large").expect("kept").offers.len(), 7);
}

#[test]
fn savings_plan_rates_go_to_types_by_sku_or_usage_type() {
    let catalog = read(OFFERS[0], &[PLANS[0]]).expect("a catalog");
    let all = offer(&catalog, "m5.large", "compute-savings-plan/1y/all-upfront");
    assert_eq!((all.effective, &all.provenance), (rate("0.068"), &Provenance::Listed));
    // Half of a partial upfront plan is paid at the start.
    let partial = offer(&catalog, "m5.large", "instance-savings-plan/3y/partial-upfront");
    assert_eq!((partial.effective, partial.recurring), (rate("0.038"), rate("0.019")));
    assert_eq!(offer(&catalog, "t3.micro", "compute-savings-plan/1y/no-upfront").effective, rate("0.0076"));
    // Its SKU is of another day, its usage type and operation are not.
    assert_eq!(offer(&catalog, "z9g.large", "compute-savings-plan/1y/no-upfront").effective, rate("0.0812"));
    // The plan for SageMaker names the same SKU and has nothing to do with it.
    let found = catalog.find("m5.large").expect("kept");
    assert!(found.offers.iter().all(|o| o.effective != rate("0.01")));
    assert_eq!(found.offers.iter().filter(|o| o.kind == OfferKind::ComputeSavingsPlan).count(), 2);
    assert!(found.offer(OfferKind::InstanceSavingsPlan, Term::OneYear, Payment::NoUpfront).is_none());
    assert_eq!(catalog.sources.iter().filter(|s| s.contains("AWS Price List")).count(), 2);
}

#[test]
fn faults_say_where() {
    let line = |text: &str, what: &str| text.lines().position(|l| l.contains(what)).expect("it is there") + 1;
    let term = "4SKUM5LARGELINUX.JRTCKXETXF\" : {";
    let at = line(OFFERS[0], term) - 1;
    let long = OFFERS[0].replace("\"0.0960000000\"", "\"0.0960000001\"");
    assert_eq!(
        read(&long, &[]).expect_err("a tenth decimal"),
        [format!(
            "offers:{at}: 4SKUM5LARGELINUX.JRTCKXETXF.6YS6EN2CT7.pricePerUnit.USD: m5.large: `0.0960000001` has \
             more than nine decimals"
        )]
    );
    let long = OFFERS[1].replace("\"0.0960000000\"", "\"0.0960000001\"");
    assert_eq!(
        read(&long, &[]).expect_err("a tenth decimal"),
        ["offers:7: PricePerUnit: m5.large: `0.0960000001` has more than nine decimals"]
    );
    let odd = OFFERS[1].replace("\"Partial Upfront\",\"standard\"", "\"Some Upfront\",\"standard\"");
    let faults = read(&odd, &[]).expect_err("no such option");
    assert!(faults[0].ends_with("m5.large: `Some Upfront` is no payment option"), "{faults:?}");
    // A partial upfront reservation without its upfront payment.
    let torn: String = OFFERS[1]
        .lines()
        .filter(|l| !(l.contains("HU7G6KETJZ") && l.contains("Upfront Fee")))
        .map(|l| format!("{l}\n"))
        .collect();
    assert_eq!(
        read(&torn, &[]).expect_err("half of it is missing"),
        [
            "offers:9: terms.Reserved: m5.large: reserved-standard/1y/partial-upfront has nothing at the start \
          and 0.028 an hour"
        ]
    );
    let cut = &OFFERS[0][..OFFERS[0].len() / 2];
    let faults = read(cut, &[]).expect_err("cut short");
    assert!(faults[0].contains("the file may have been cut short"), "{faults:?}");
    let cut = &OFFERS[1][..OFFERS[1].len() - 40];
    let faults = read(cut, &[]).expect_err("cut short");
    assert!(faults[0].contains("cells under 77 columns; the file may have been cut short"), "{faults:?}");
}

/// Where a number is stated, what the program knows of the type does not stand in for it.
#[test]
fn text_where_a_number_is_due_is_refused() {
    let line = |text: &str, what: &str| text.lines().position(|l| l.contains(what)).expect("it is there") + 1;
    let product = "\"4SKUM5LARGELINUX\" : {";
    let at = line(OFFERS[0], product);
    // Within the product of m5.large alone.
    let in_json = |from: &str, to: &str| {
        let start = OFFERS[0].find(product).expect("it is there");
        format!("{}{}", &OFFERS[0][..start], OFFERS[0][start..].replacen(from, to, 1))
    };
    for (from, to, what) in [
        ("\"vcpu\" : \"2\"", "\"vcpu\" : \"two\"", "vcpu: m5.large: `two` is no number of vCPUs above zero"),
        ("\"vcpu\" : \"2\"", "\"vcpu\" : \"0\"", "vcpu: m5.large: `0` is no number of vCPUs above zero"),
        ("\"8 GiB\"", "\"8 GB\"", "memory: m5.large: `8 GB` is no size above zero in GiB"),
        (
            "\"normalizationSizeFactor\" : \"4\"",
            "\"normalizationSizeFactor\" : \"four\"",
            "normalizationSizeFactor: m5.large: `four` is no factor in thousandths",
        ),
    ] {
        let text = in_json(from, to);
        assert_ne!(text, OFFERS[0], "{from}");
        assert_eq!(read(&text, &[]).expect_err(to), [format!("offers:{at}: attributes.{what}")]);
    }
    let row = line(OFFERS[1], "m5.large");
    let csv = OFFERS[1].replace(",\"8 GiB\",", ",\"eight\",");
    let faults = read(&csv, &[]).expect_err("eight");
    assert!(
        faults.contains(&format!("offers:{row}: Memory: m5.large: `eight` is no size above zero in GiB")),
        "{faults:?}"
    );
    // What is not stated is what the program knows.
    let catalog = read(&in_json("\"vcpu\" : \"2\"", "\"vcpu\" : \"NA\""), &[]).expect("known by name");
    assert_eq!(catalog.find("m5.large").expect("kept").cpu, MilliCpu(2_000));
    let catalog = read(&in_json("\"vcpu\" : \"2\"", "\"vcpu\" : \"1,920\""), &[]).expect("a number");
    assert_eq!(catalog.find("m5.large").expect("kept").cpu, MilliCpu(1_920_000));
}

#[test]
fn what_is_no_ec2_price_list_is_refused() {
    let other = OFFERS[0].replace("\"AmazonEC2\"", "\"AmazonRDS\"");
    let faults = read(&other, &[]).expect_err("another service");
    assert_eq!(faults, ["offers: is the offer file of AmazonRDS, not of AmazonEC2"]);
    let faults = read("a,b\n1,2\n", &[]).expect_err("no price list");
    assert_eq!(faults, ["offers:1: is no price list of AWS: none of its first six lines begins with `SKU`"]);
    assert_eq!(read("", &[]).expect_err("nothing"), ["offers: is empty"]);
    assert!(
        read("{\"terms\": {}, \"products\": {}}", &[]).expect_err("the wrong way round")[0]
            .contains("`terms` stand before `products`")
    );
    let options = PriceListOptions::linux("eu-west-9");
    let faults = import_price_list(stream("offers", OFFERS[1]), Vec::new(), &options).expect_err("elsewhere");
    assert!(faults[0].message.starts_with("no instance of region `eu-west-9` (Linux, Shared tenancy)"));
    // Offers given as plans: no rate in them.
    let faults = read(OFFERS[0], &[OFFERS[1]]).expect_err("no plans");
    assert!(faults.iter().all(|f| f.contains("column `discounted")), "{faults:?}");
    let two = PLANS[1].replace("BB7BKBSC6NZW7P5B", "8GU23DFTKP2N43SD");
    let faults = read(OFFERS[0], &[&two]).expect_err("two rates for one plan");
    assert!(
        faults[0].contains("compute-savings-plan/1y/all-upfront costs 0.07 here and 0.068 before"),
        "{faults:?}"
    );
}
