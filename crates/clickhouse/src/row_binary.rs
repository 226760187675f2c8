//! Values in ClickHouse's RowBinary form: <https://clickhouse.com/docs/interfaces/formats/RowBinary>.

use kappascope_core::TopEntry;

/// Rows as bytes.
#[derive(Debug, Default)]
pub(crate) struct RowBinary(Vec<u8>);

impl RowBinary {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    pub(crate) fn reserve(&mut self, bytes: usize) {
        self.0.reserve(bytes);
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// A length, in LEB128.
    pub(crate) fn length(&mut self, mut length: usize) {
        while length >= 0x80 {
            self.0.push(length as u8 | 0x80);
            length >>= 7;
        }
        self.0.push(length as u8);
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// Of `DateTime64(3)`: epoch milliseconds as they are. What lies beyond the years that ClickHouse can show, 1900 to
    /// 2299, is stored all the same.
    pub(crate) fn time(&mut self, ms: i64) {
        self.0.extend_from_slice(&ms.to_le_bytes());
    }

    pub(crate) fn real(&mut self, value: f64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// Of `Nullable(…)`.
    pub(crate) fn maybe<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.u8(u8::from(value.is_none()));
        if let Some(value) = value {
            write(self, value);
        }
    }

    /// Of `Nullable(Float64)`: there is no number where there is NaN, which would make every sum NaN.
    pub(crate) fn maybe_real(&mut self, value: f64) {
        self.maybe(Some(value).filter(|value| !value.is_nan()), Self::real);
    }

    /// Of `Array(Tuple(value String, count UInt64, error UInt64))`.
    pub(crate) fn top(&mut self, entries: &[TopEntry]) {
        self.length(entries.len());
        for TopEntry { value, count, error } in entries {
            self.text(value);
            self.u64(*count);
            self.u64(*error);
        }
    }

    /// Of `Map(String, String)`.
    pub(crate) fn map<'a>(&mut self, entries: impl ExactSizeIterator<Item = (&'a String, &'a String)>) {
        self.length(entries.len());
        for (name, value) in entries {
            self.text(name);
            self.text(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_leb128() {
        let cases: [(usize, &[u8]); 5] =
            [(0, &[0]), (127, &[127]), (128, &[0x80, 1]), (300, &[0xac, 2]), (1 << 14, &[0x80, 0x80, 1])];
        for (length, bytes) in cases {
            let mut out = RowBinary::default();
            out.length(length);
            assert_eq!(out.into_bytes(), bytes, "{length}");
        }
    }

    #[test]
    fn nothing_is_written_for_nan() {
        let mut out = RowBinary::default();
        out.maybe_real(f64::NAN);
        out.maybe_real(1.0);
        assert_eq!(out.into_bytes(), [1, 0, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]);
    }
}
