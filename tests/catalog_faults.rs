//! Catalog files that are wrong: every fault is found at once, on its line.

use plimsoll::input::catalog_file::parse;

const HEADER: &str = "\
format: plimsoll-catalog/1
provider: aws
region: nowhere-1
currency: USD
price_date: 2026-05
types: |
";
const COLUMNS: &str = "  name,family,vcpu,memory_mib,arch,on_demand,reserved-standard/1y/all-upfront,marks\n";

fn faults(text: &str) -> Vec<String> {
    parse("my.yaml", text.as_bytes()).expect_err("a fault").iter().map(ToString::to_string).collect()
}

fn with_rows(rows: &str) -> String {
    format!("{HEADER}{COLUMNS}{rows}")
}

#[test]
fn a_small_catalog_of_ones_own_is_read() {
    let text = with_rows("  b.one,b,0.5,512,arm64,0.01,,\n  a.one,a,2,8192,amd64,0.1,0.06,\n");
    let catalog = parse("my.yaml", text.as_bytes()).unwrap();
    assert_eq!(catalog.name, "aws-2026-05-nowhere-1");
    let names: Vec<&str> = catalog.types.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["a.one", "b.one"]);
    assert_eq!(catalog.types[1].cpu.0, 500);
    assert_eq!(catalog.types[0].offers.len(), 1, "no rule, so nothing is derived");
}

#[test]
fn every_wrong_cell_is_named_with_its_line() {
    let text = with_rows(concat!(
        "  a.one,a,2,8192,amd64,,,\n",
        "  a.two,a,2,8192,amd64,-0.1,,\n",
        "  a.three,a,2,8192,amd64,0.1234567891,,\n",
        "  a.four,a,2,8192,x86,0,0.5,\n",
        "  a.five,a,0.0001,eight,amd64,1,,odd\n",
        "  a.six,a,2\n",
        "  a.seven,a,2,8192,amd64,~0.1,,\n",
    ));
    assert_eq!(
        faults(&text),
        [
            "my.yaml:8: a.one.on_demand: no rate on demand: give one, or leave the type out",
            "my.yaml:9: a.two.on_demand: `-0.1` is negative",
            "my.yaml:10: a.three.on_demand: `0.1234567891` has more than nine decimals",
            "my.yaml:11: a.four.arch: `x86` is neither amd64 nor arm64",
            "my.yaml:11: a.four.on_demand: a rate of zero: leave the cell empty where there is no offer",
            "my.yaml:12: a.five.marks: mark `odd` is not explained under `marks:` in the header",
            "my.yaml:12: a.five.memory_mib: `eight` is not a whole number",
            "my.yaml:12: a.five.vcpu: `0.0001` has more than three decimals",
            "my.yaml:13: types: 3 cells under 8 columns",
            "my.yaml:14: a.seven.on_demand: `~` without `rules: rounded_rates:` in the header",
        ]
    );
}

#[test]
fn a_type_stands_once() {
    let text = with_rows(
        "  a.one,a,2,8192,amd64,0.1,,\n  b.one,b,2,8192,amd64,0.1,,\n  a.one,a,2,8192,amd64,0.2,,\n",
    );
    assert_eq!(faults(&text), ["my.yaml:10: a.one: instance type `a.one` is on line 8 already"]);
}

#[test]
fn columns_are_known_and_complete() {
    let text = format!("{HEADER}  name,family,vcpu,memory,arch,ondemand,reserved-standard/2y/all-upfront\n");
    assert_eq!(
        faults(&text),
        [
            "my.yaml:7: types: unknown column `memory`; did you mean `memory_mib`?",
            "my.yaml:7: types: unknown column `ondemand`; did you mean `on_demand`?",
            "my.yaml:7: types: unknown column `reserved-standard/2y/all-upfront`; did you mean `reserved-standard/1y/all-upfront`?",
            "my.yaml:7: types: column `memory_mib` is missing",
            "my.yaml:7: types: column `on_demand` is missing",
        ]
    );
    assert_eq!(faults(&with_rows("")), ["my.yaml: types: no instance type"]);
}

#[test]
fn the_header_is_checked() {
    let rows = "  a.one,a,2,8192,amd64,0.1,,\n";
    let text = with_rows(rows).replace("USD", "dollars").replace("2026-05", "May 2026");
    assert_eq!(
        faults(&text),
        [
            "my.yaml: currency: `dollars` is not a currency; write an ISO 4217 code such as USD",
            "my.yaml: price_date: `May 2026` is not a date; write 2026-05-31, or 2026-05 where the day is not known",
        ]
    );
    let unknown = faults(&with_rows(rows).replace("region:", "regoin:"));
    assert_eq!(unknown[0], "my.yaml:1: `region` is missing");
    assert!(unknown[1].starts_with("my.yaml:3: regoin: unknown key `regoin`; known are "), "{unknown:?}");
    // Rows are read under a faulty header as well.
    let both = faults(&with_rows("  a.one,a,2,8192,amd64,,,\n").replace("provider: aws", "provider: acme"));
    assert_eq!(
        both,
        [
            "my.yaml:2: provider: `acme` is none of `aws`, `gcp`, `azure`, `other`",
            "my.yaml:8: a.one.on_demand: no rate on demand: give one, or leave the type out",
        ]
    );
    let version = faults(&with_rows(rows).replace("catalog/1", "catalog/9"));
    assert!(
        version[0].starts_with("my.yaml:1: ") && version[0].contains("plimsoll-catalog/9"),
        "{version:?}"
    );
    let missing = faults(&with_rows(rows).replace("provider: aws\n", ""));
    assert!(missing[0].contains("provider"), "{missing:?}");
}

#[test]
fn bombs_and_broken_text_are_refused() {
    let mut bomb = String::from("notes:\n- &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("- &a{level} [{aliases}]\n"));
    }
    let refused = faults(&format!("{bomb}{}", with_rows("  a.one,a,2,8192,amd64,0.1,,\n")));
    assert_eq!(refused.len(), 1);
    assert!(refused[0].starts_with("my.yaml:"), "{refused:?}");

    let broken = parse("my.yaml", b"format: plimsoll-catalog/1\nregion: \xff\n").unwrap_err();
    assert_eq!(broken[0].to_string(), "my.yaml:2: is not UTF-8 text");
    assert!(!faults("").is_empty());
    assert!(!faults("types: |\n").is_empty());
}

#[test]
fn the_smallest_file_of_the_readme_is_a_catalog() {
    let readme = include_str!("../catalogs/README.md");
    let (_, rest) = readme.split_once("```yaml\n").expect("an example");
    let (example, _) = rest.split_once("```").expect("its end");
    let catalog = parse("README.md", example.as_bytes()).unwrap();
    assert_eq!((catalog.types.len(), catalog.currency.as_str()), (2, "EUR"));
    assert_eq!(catalog.types.iter().map(|t| t.offers.len()).sum::<usize>(), 1);
}

#[test]
fn the_schema_knows_the_header() {
    let schema = serde_json::to_value(plimsoll::input::catalog_file::schema()).unwrap();
    for key in ["format", "provider", "region", "currency", "price_date", "types"] {
        assert!(schema["required"].as_array().unwrap().iter().any(|k| k == key), "{key}");
    }
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(schema["properties"]["types"]["type"], "string");
}
