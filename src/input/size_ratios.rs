//! Azure's ratios of sizes inside a flexibility group, from the CSV that Microsoft publishes
//! (`InstanceSizeFlexibilityGroup,ArmSkuName,Ratio`). They vary by region and change, so that none are
//! built in.

use super::{Fault, Source, decode};
use crate::units::Rate;

/// One size: its group, its type and its ratio in thousandths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SizeRatio {
    /// `DSv2 series`.
    pub group: String,
    /// `Standard_DS4_v2`.
    pub instance_type: String,
    /// 8,000 for a ratio of 8.
    pub thousandths: u64,
}

/// What the columns may be called.
const COLUMNS: [&[&str]; 3] = [
    &["instancesizeflexibilitygroup", "instance_size_flexibility_group"],
    &["armskuname", "arm_sku"],
    &["ratio"],
];

/// Reads the file.
///
/// # Errors
/// Every row that says nothing, or a type that stands twice.
pub fn parse(source: &Source) -> Result<Vec<SizeRatio>, Vec<Fault>> {
    let text = decode(source).map_err(|fault| vec![*fault])?;
    let fault = |message: String| Fault::new(&source.name, message);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| vec![fault(format!("not CSV: {error}"))])?.clone();
    let mut at = [0; 3];
    for (place, names) in at.iter_mut().zip(COLUMNS) {
        let found = header.iter().position(|name| names.contains(&name.to_lowercase().as_str()));
        *place = found.ok_or_else(|| {
            let known = "InstanceSizeFlexibilityGroup, ArmSkuName and Ratio";
            vec![fault(format!("has no column {}", names[0])).on_line(1).help(format!("it needs {known}"))]
        })?;
    }
    let (mut ratios, mut faults) = (Vec::<SizeRatio>::new(), Vec::new());
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                faults.push(fault(format!("not CSV: {error}")));
                break;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        let cell = |column: usize| record.get(at[column]).unwrap_or_default();
        let thousandths = cell(2).parse::<Rate>().ok().map(Rate::nanos);
        match thousandths.filter(|nanos| *nanos > 0 && nanos.is_multiple_of(1_000_000)) {
            _ if cell(0).is_empty() || cell(1).is_empty() => {
                faults.push(fault("names no group or no type".to_owned()).on_line(line));
            }
            None => {
                let message = format!("`{}` is no ratio above zero with at most three decimals", cell(2));
                faults.push(fault(message).on_line(line));
            }
            Some(_) if ratios.iter().any(|known| known.instance_type == cell(1)) => {
                faults.push(fault(format!("`{}` stands twice", cell(1))).on_line(line));
            }
            Some(nanos) => ratios.push(SizeRatio {
                group: cell(0).to_owned(),
                instance_type: cell(1).to_owned(),
                thousandths: nanos / 1_000_000,
            }),
        }
    }
    if faults.is_empty() { Ok(ratios) } else { Err(faults) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<SizeRatio>, Vec<Fault>> {
        parse(&Source { name: "isf.csv".to_owned(), bytes: text.as_bytes().to_vec() })
    }

    #[test]
    fn microsofts_columns_are_read_in_any_order() {
        let ratios = read("Ratio,ArmSkuName,InstanceSizeFlexibilityGroup\n8,Standard_DS4_v2,DSv2 series\n28.8,Standard_E64s_v3,ESv3 Series\n").unwrap();
        let facts: Vec<(&str, u64)> = ratios.iter().map(|r| (r.group.as_str(), r.thousandths)).collect();
        assert_eq!(facts, [("DSv2 series", 8_000), ("ESv3 Series", 28_800)]);
    }

    #[test]
    fn every_faulty_row_is_named() {
        let faults =
            read("InstanceSizeFlexibilityGroup,ArmSkuName,Ratio\nA,x,0\nA,,1\nA,y,1\nA,y,2\nA,z,many\n")
                .unwrap_err();
        assert_eq!(faults.iter().filter_map(|f| f.line).collect::<Vec<_>>(), [2, 3, 5, 6]);
        assert!(read("a,b\n").unwrap_err()[0].to_string().contains("has no column"));
    }
}
