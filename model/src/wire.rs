//! Reading and writing little-endian fields.

use crate::file::ModelFileError;

/// What is left of bytes being read. Nothing is read past the end, and nothing is reserved on a length's word alone.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn bytes(&mut self, n: usize) -> Result<&'a [u8], ModelFileError> {
        let (head, tail) = self.0.split_at_checked(n).ok_or(ModelFileError::Truncated)?;
        self.0 = tail;
        Ok(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], ModelFileError> {
        let (head, tail) = self.0.split_first_chunk::<N>().ok_or(ModelFileError::Truncated)?;
        self.0 = tail;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, ModelFileError> {
        self.array().map(|[b]| b)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, ModelFileError> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, ModelFileError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, ModelFileError> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn f32(&mut self) -> Result<f32, ModelFileError> {
        self.array().map(f32::from_le_bytes)
    }

    /// A number of items of `size` bytes each that are all there.
    pub(crate) fn count(&mut self, size: usize) -> Result<usize, ModelFileError> {
        let n = self.u32()? as usize;
        if n.checked_mul(size).is_some_and(|bytes| bytes <= self.0.len()) { Ok(n) } else { Err(ModelFileError::Truncated) }
    }

    /// Ends reading; anything left is an error, so that equal content has one encoding.
    pub(crate) fn end(self) -> Result<(), ModelFileError> {
        if self.0.is_empty() { Ok(()) } else { Err(ModelFileError::Trailing) }
    }
}

/// Appends a section: tag, length, body.
pub(crate) fn section(out: &mut Vec<u8>, tag: [u8; 4], body: &[u8]) {
    out.extend(tag);
    out.extend((body.len() as u64).to_le_bytes());
    out.extend(body);
}
