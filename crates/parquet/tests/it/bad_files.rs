//! Files that are not what they say: an error that tells what was found, and never a panic.

use crate::common::{EVENTS, bytes, read};
use expect_test::{Expect, expect};
use parquet::file::metadata::{
    ParquetMetaData, ParquetMetaDataReader, ParquetMetaDataWriter, RowGroupMetaData,
};

const FILE: &str = "events-groups.parquet";

fn check(change: impl FnOnce(&mut Vec<u8>), expected: Expect) {
    let mut file = bytes(FILE);
    change(&mut file);
    expected.assert_eq(&read(EVENTS, file).map_or_else(|error| error, |text| text[..80].to_owned()));
}

#[test]
fn files_that_end_early_or_are_something_else() {
    check(
        Vec::clear,
        expect![
            "the Parquet file does not end with `PAR1`, which follows its index: it is cut short or still being written; copy it again once it is complete"
        ],
    );
    check(
        |file| file.truncate(file.len() / 2),
        expect![
            "the Parquet file does not end with `PAR1`, which follows its index: it is cut short or still being written; copy it again once it is complete"
        ],
    );
    check(
        |file| file[..4].copy_from_slice(b"RIFF"),
        expect!["the file is no Parquet: it does not begin with `PAR1`"],
    );
    check(
        |file| file[..4].copy_from_slice(b"PARE"),
        expect!["the Parquet file is encrypted; write it out without encryption"],
    );
    let tail = |file: &mut Vec<u8>, bytes: u32| {
        let at = file.len() - 8;
        file[at..at + 4].copy_from_slice(&bytes.to_le_bytes());
    };
    check(
        |file| tail(file, u32::MAX),
        expect![
            "the Parquet file says that its index has 4294967295 bytes, where 8863 are there; it is damaged"
        ],
    );
    check(
        |file| tail(file, 9),
        expect![
            "the index of the Parquet file cannot be read: Required field version is missing; it is damaged, write it anew"
        ],
    );
}

#[test]
fn a_page_that_is_overwritten() {
    check(
        |file| file[4..40].fill(0xff),
        expect![
            "row group 0 of the Parquet file: column `at`: at byte 4 there is no page, or one of more than 256 MB; the file is damaged, write it anew"
        ],
    );
    // Behind the header of the first page, where zstd's bytes are.
    check(
        |file| file[90..110].fill(0x55),
        expect![[r#"
        1714557597867 1714557597867 "ann" "404" 8708.75
        1714557599117 1714557599117 "ann"#]],
    );
}

/// The same pages under an index that says something else of the first row group.
fn lie(file: &mut Vec<u8>, change: impl FnOnce(RowGroupMetaData) -> RowGroupMetaData) {
    let size = u32::from_le_bytes(
        file[file.len() - 8..file.len() - 4].try_into().expect("a file that can be written"),
    ) as usize;
    let start = file.len() - 8 - size;
    let index = ParquetMetaDataReader::decode_metadata(&file[start..start + size])
        .expect("a file that can be written");
    let mut groups = index.row_groups().to_vec();
    groups[0] = change(groups[0].clone());
    file.truncate(start);
    let index = ParquetMetaData::new(index.file_metadata().clone(), groups);
    ParquetMetaDataWriter::new(file, &index).finish().expect("a file that can be written");
}

fn with_rows(group: RowGroupMetaData, rows: i64) -> RowGroupMetaData {
    let columns = group.columns().iter();
    let columns = columns.map(|chunk| {
        chunk.clone().into_builder().set_num_values(rows).build().expect("a file that can be written")
    });
    let columns = columns.collect();
    group
        .into_builder()
        .set_num_rows(rows)
        .set_column_metadata(columns)
        .build()
        .expect("a file that can be written")
}

#[test]
fn an_index_that_lies() {
    check(
        |file| lie(file, |group| with_rows(group, 1 << 60)),
        expect![
            "row group 0 of the Parquet file: 1152921504606846806 of the rows that the index names are missing; the file is damaged, write it anew"
        ],
    );
    check(
        |file| lie(file, |group| with_rows(group, 171)),
        expect![
            "row group 0 of the Parquet file: 1 of the rows that the index names are missing; the file is damaged, write it anew"
        ],
    );
    check(
        |file| lie(file, |group| with_rows(group, 169)),
        expect![
            "row group 0 of the Parquet file: column `at`: a page of 170 values, where 169 are left; the file is damaged, write it anew"
        ],
    );
    check(
        |file| lie(file, |group| with_rows(group, -1)),
        expect!["the index of the Parquet file has row group 0 with -1 rows; it is damaged, write it anew"],
    );
    let rows_only = |group: RowGroupMetaData| group.into_builder().set_num_rows(5).build().unwrap();
    check(
        |file| lie(file, rows_only),
        expect![
            "the index of the Parquet file has row group 0 whose column `at` has 170 values in 5 rows; it is damaged, write it anew"
        ],
    );
    let elsewhere = |group: RowGroupMetaData| {
        let mut columns = group.columns().to_vec();
        let chunk = columns[1].clone().into_builder().set_dictionary_page_offset(Some(-7));
        columns[1] = chunk.build().unwrap();
        group.into_builder().set_column_metadata(columns).build().unwrap()
    };
    check(
        |file| lie(file, elsewhere),
        expect![
            "the index of the Parquet file has row group 0 whose column `who` begins at byte -7 and has 174, in a file of 8384; it is damaged, write it anew"
        ],
    );
}

/// Numbers that look random and are the same in every run: xorshift64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }
}

#[test]
fn damage_anywhere_is_an_error_or_other_values() {
    let mut dice = Dice(7);
    let (mut refused, mut runs) = (0, 0);
    for name in [
        "events-zstd-v1.parquet",
        "events-zstd-v2.parquet",
        "events-snappy-v2.parquet",
        "events-lz4-v1.parquet",
        "events-delta.parquet",
        "events-half-dictionary.parquet",
        "events-decimal.parquet",
        "nested.parquet",
    ] {
        let whole = bytes(name);
        let schema = if name == "nested.parquet" { "time = 'at', keys = ['user.name']" } else { EVENTS };
        for _ in 0..1_000 {
            let mut file = whole.clone();
            // Half of the damage goes to the index, which is the smaller part.
            let from = if dice.below(2) == 0 { 0 } else { file.len().saturating_sub(1_500) };
            for _ in 0..=dice.below(3) {
                let at = from + dice.below(file.len() - from);
                file[at] = dice.below(256) as u8;
            }
            runs += 1;
            refused += u32::from(read(schema, file).is_err());
        }
    }
    assert!(refused > runs / 4, "{refused} of {runs} are refused: the damage hits nothing");
}
