//! A long price list takes no more memory than a short one. Alone in its process, whose peak is measured.

#![cfg(target_os = "linux")]

use std::cell::Cell;
use std::io::{Cursor, Read};
use std::rc::Rc;

use plimsoll::input::catalog_import::{PriceListOptions, Stream, import_price_list};

const OFFERS: &str = include_str!("data/aws_price_list/offers.json");

fn golden() -> Stream<'static> {
    Stream { name: "offers".to_owned(), reader: Box::new(OFFERS.as_bytes()) }
}

/// A price list that is made while it is read: the golden products among very many others.
struct Long {
    parts: std::vec::IntoIter<String>,
    /// Which part is being filled up, and how far.
    filler: Option<(usize, usize)>,
    count: usize,
    current: Cursor<Vec<u8>>,
    bytes: Rc<Cell<usize>>,
}

impl Long {
    /// About `megabytes` of products of other regions, and terms for them.
    fn new(megabytes: usize, bytes: Rc<Cell<usize>>) -> Self {
        let (head, rest) = OFFERS.split_once("\"products\" : {").expect("products");
        let (products, terms) = rest.split_once("\"OnDemand\" : {").expect("terms");
        let parts =
            [format!("{head}\"products\" : {{"), format!("{products}\"OnDemand\" : {{"), terms.to_owned()];
        let count = megabytes * 1_000_000 / 2 / 620;
        Long { parts: Vec::from(parts).into_iter(), filler: None, count, current: Cursor::default(), bytes }
    }
}

fn filler(n: usize, product: bool) -> String {
    let sku = format!("X{n:015}");
    if product {
        return format!(
            "\n\"{sku}\" : {{\n\"sku\" : \"{sku}\",\n\"productFamily\" : \"Compute Instance\",\n\"attributes\" : {{\n\
             \"servicecode\" : \"AmazonEC2\",\n\"location\" : \"Elsewhere\",\n\"regionCode\" : \"elsewhere-{}\",\n\
             \"instanceType\" : \"m5.large\",\n\"tenancy\" : \"Shared\",\n\"operatingSystem\" : \"Linux\",\n\
             \"memory\" : \"8 GiB\",\n\"processorFeatures\" : \"{}\"\n}}\n}},",
            n % 40,
            "Intel AVX; Intel AVX2; Intel AVX512; Intel Turbo ".repeat(5)
        );
    }
    format!(
        "\n\"{sku}\" : {{\n\"{sku}.JRTCKXETXF\" : {{\n\"offerTermCode\" : \"JRTCKXETXF\",\n\"sku\" : \"{sku}\",\n\
         \"effectiveDate\" : \"2026-11-01T00:00:00Z\",\n\"priceDimensions\" : {{\n\
         \"{sku}.JRTCKXETXF.6YS6EN2CT7\" : {{\n\"rateCode\" : \"{sku}.JRTCKXETXF.6YS6EN2CT7\",\n\
         \"description\" : \"{}\",\n\"beginRange\" : \"0\",\n\"endRange\" : \"Inf\",\n\"unit\" : \"Hrs\",\n\
         \"pricePerUnit\" : {{\n\"USD\" : \"0.0960000000\"\n}},\n\"appliesTo\" : [ ]\n}}\n}},\n\
         \"termAttributes\" : {{ }}\n}}\n}},",
        "On Demand Linux elsewhere ".repeat(8)
    )
}

impl Read for Long {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let count = self.current.read(buffer)?;
            if count > 0 {
                return Ok(count);
            }
            let text = match self.filler {
                Some((part, n)) if n < self.count => {
                    self.filler = Some((part, n + 1));
                    filler(n, part == 0)
                }
                filled => {
                    let part = filled.map_or(0, |(part, _)| part + 1);
                    let Some(text) = self.parts.next() else { return Ok(0) };
                    self.filler = (part < 2).then_some((part, 0)).or(Some((part, self.count)));
                    text
                }
            };
            self.bytes.set(self.bytes.get() + text.len());
            self.current = Cursor::new(text.into_bytes());
        }
    }
}

/// The most memory that this process ever had, in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).expect("it is among them");
    let kilobytes = line.split_whitespace().nth(1).and_then(|n| n.parse::<usize>().ok()).expect("a number");
    kilobytes * 1024
}

#[test]
fn a_long_list_takes_little_memory() {
    // A multiple by the environment, for a run with gigabytes.
    let megabytes = std::env::var("PLIMSOLL_PRICE_LIST_MB").ok().and_then(|n| n.parse().ok()).unwrap_or(8);
    let read =
        || import_price_list(golden(), Vec::new(), &PriceListOptions::linux("us-east-1")).expect("a catalog");
    // What the bundled catalogs take is no matter of the list's length.
    let short = read();
    let before = peak();
    let bytes = Rc::new(Cell::new(0));
    let reader = Long::new(megabytes, bytes.clone());
    let count = reader.count;
    let offers = Stream { name: "offers".to_owned(), reader: Box::new(reader) };
    let catalog =
        import_price_list(offers, Vec::new(), &PriceListOptions::linux("us-east-1")).expect("a catalog");
    assert_eq!(catalog.types, short.types);
    assert!(catalog.notes[1].contains(&format!("{} of other regions", count + 1)), "{:?}", catalog.notes);
    assert!(bytes.get() > megabytes * 800_000, "{} bytes", bytes.get());
    let grown = peak() - before;
    assert!(grown < 8_000_000, "{grown} bytes of memory for {} of list", bytes.get());
    println!("{} bytes of list, {grown} bytes of memory", bytes.get());
}
