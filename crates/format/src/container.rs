//! The outer layer of a model file: safetensors, of which this is a strict subset. Tensors are F32 or F64, lie back
//! to back without gaps, and each name appears once; `__metadata__` holds the document under the key `kanode`.
//!
//! The `safetensors` crate writes. It does not read: it keeps the last of two equal keys without a word, and needs
//! many times the header's size in memory.

use crate::checksum::Crc32;
use crate::error::{Corruption, FormatError};
use crate::number::{Number, NumberType, Numbers};
use safetensors::{Dtype, SafeTensorError, View};
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt;

/// Key of the document in `__metadata__`.
const DOCUMENT: &str = "kanode";

/// Largest header that safetensors readers accept, in bytes.
const LARGEST_HEADER: u64 = 100_000_000;

/// Bytes in front of the header: its length.
const PREFIX: usize = 8;

/// A tensor to be written.
pub(crate) struct Tensor<'a> {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) numbers: Numbers<'a>,
}

impl View for &Tensor<'_> {
    fn dtype(&self) -> Dtype {
        self.numbers.number_type().safetensors()
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        self.numbers.bytes().into()
    }

    fn data_len(&self) -> usize {
        self.numbers.byte_count()
    }
}

/// Adds to a checksum what [`Tensors::add_to`] will find.
pub(crate) fn add_to(sum: &mut Crc32, tensors: &[Tensor<'_>]) {
    let by_name: BTreeMap<&str, &Tensor<'_>> =
        tensors.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
    for (name, tensor) in by_name {
        sum.add(name.as_bytes());
        tensor.numbers.each(|bytes| sum.add(bytes));
    }
}

/// The bytes of a file. They depend on the arguments alone.
///
/// # Errors
/// [`FormatError::Unwritable`] if a number is not finite or the header would be too large.
pub(crate) fn write(document: String, tensors: &[Tensor<'_>]) -> Result<Vec<u8>, FormatError> {
    for Tensor { name, numbers, .. } in tensors {
        if let Some(index) = numbers.first_not_finite() {
            let what = Corruption::NotFinite { name: name.clone(), index };
            return Err(FormatError::Unwritable { what });
        }
    }
    let metadata = HashMap::from([(DOCUMENT.to_owned(), document)]);
    let named = tensors.iter().map(|tensor| (tensor.name.as_str(), tensor));
    safetensors::serialize(named, Some(metadata)).map_err(|error| {
        let what = match error {
            SafeTensorError::HeaderTooLarge => Corruption::HeaderSize { bytes: LARGEST_HEADER + 1 },
            other => Corruption::Header { reason: other.to_string() },
        };
        FormatError::Unwritable { what }
    })
}

/// The header of a file, as it stands there: nothing about the tensors is checked yet.
#[derive(Debug)]
pub(crate) struct Header<'a> {
    /// The text under the key `kanode`.
    pub(crate) document: String,
    entries: Vec<(String, Entry)>,
    /// Everything behind the header.
    data: &'a [u8],
    /// Where `data` starts in the file.
    offset: u64,
}

/// What the header says about a tensor.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: (u64, u64),
}

impl Entry {
    /// Bytes of its numbers, unless that is too large to count or its type has no place here.
    fn byte_count(&self) -> Option<u64> {
        let size = NumberType::from_name(&self.dtype)?.size();
        self.shape.iter().try_fold(size, |product, &n| product.checked_mul(n))
    }
}

impl<'a> Header<'a> {
    /// Reads the header.
    ///
    /// # Errors
    /// [`FormatError::Truncated`], [`FormatError::NotAModel`] or [`FormatError::Corrupt`].
    pub(crate) fn read(file: &'a [u8]) -> Result<Self, FormatError> {
        let found = file.len() as u64;
        let truncated = |expected| FormatError::Truncated { expected, found };
        let (prefix, rest) = file.split_first_chunk::<PREFIX>().ok_or(truncated(PREFIX as u64))?;
        let bytes = u64::from_le_bytes(*prefix);
        if rest.first().is_some_and(|&first| first != b'{') {
            return Err(FormatError::NotAModel { reason: "it does not begin with a header" });
        }
        if bytes > LARGEST_HEADER {
            return Err(Corruption::HeaderSize { bytes }.into());
        }
        let offset = PREFIX as u64 + bytes;
        let (header, data) = usize::try_from(bytes)
            .ok()
            .and_then(|bytes| rest.split_at_checked(bytes))
            .ok_or(truncated(offset))?;
        let header: RawHeader = serde_json::from_slice(header)
            .map_err(|error| Corruption::Header { reason: error.to_string() })?;
        let document = header.document.ok_or(FormatError::NotAModel {
            reason: "it is a safetensors file without the key that kanode writes",
        })?;
        Ok(Self { document, entries: header.entries, data, offset })
    }

    /// The document and the tensors, which are checked to have distinct names and to fill the data from end to end.
    ///
    /// # Errors
    /// [`FormatError::Truncated`] or [`FormatError::Corrupt`].
    pub(crate) fn tensors(mut self) -> Result<(String, Tensors<'a>), FormatError> {
        self.entries.sort_by_key(|(_, entry)| entry.data_offsets);
        let (mut end, mut rest) = (0, self.data);
        let mut tensors = BTreeMap::new();
        for (name, entry) in self.entries {
            let (from, to) = entry.data_offsets;
            if NumberType::from_name(&entry.dtype).is_none() {
                return Err(Corruption::Dtype { name, expected: "F32 or F64", found: entry.dtype }.into());
            }
            let count =
                to.checked_sub(from).filter(|&count| from == end && entry.byte_count() == Some(count));
            let Some(count) = count else {
                return Err(Corruption::Offsets { name, start: from, end: to }.into());
            };
            end = to;
            let (bytes, behind) = usize::try_from(count)
                .ok()
                .and_then(|count| rest.split_at_checked(count))
                .ok_or_else(|| {
                    let found = self.offset + self.data.len() as u64;
                    FormatError::Truncated { expected: self.offset.saturating_add(to), found }
                })?;
            rest = behind;
            if tensors.contains_key(&name) {
                return Err(Corruption::Duplicate { name }.into());
            }
            tensors.insert(name, (entry, bytes));
        }
        if !rest.is_empty() {
            return Err(Corruption::Trailing { bytes: rest.len() as u64 }.into());
        }
        Ok((self.document, Tensors { tensors }))
    }
}

/// The tensors of a file, to be taken out one after the other.
#[derive(Debug)]
pub(crate) struct Tensors<'a> {
    tensors: BTreeMap<String, (Entry, &'a [u8])>,
}

impl Tensors<'_> {
    /// Adds to a checksum the name and the bytes of each tensor, in the order of their names.
    pub(crate) fn add_to(&self, sum: &mut Crc32) {
        for (name, (_, bytes)) in &self.tensors {
            sum.add(name.as_bytes());
            sum.add(bytes);
        }
    }

    /// The bytes of a tensor of this type and shape.
    fn expect<T: Number>(&self, name: &str, shape: &[u64]) -> Result<&[u8], Corruption> {
        let (entry, bytes) =
            self.tensors.get(name).ok_or_else(|| Corruption::Missing { name: name.to_owned() })?;
        let expected = T::TYPE.name();
        if entry.dtype != expected {
            return Err(Corruption::Dtype { name: name.to_owned(), expected, found: entry.dtype.clone() });
        }
        if entry.shape != shape {
            let (expected, found) = (shape.to_vec(), entry.shape.clone());
            return Err(Corruption::Shape { name: name.to_owned(), expected, found });
        }
        Ok(bytes)
    }

    /// The names that begin with `prefix` of the tensors that are left.
    pub(crate) fn names(&self, prefix: &str) -> Vec<String> {
        self.tensors.keys().filter(|name| name.starts_with(prefix)).cloned().collect()
    }

    /// Takes a tensor out: its numbers, row-major, all finite.
    ///
    /// # Errors
    /// [`Corruption::Missing`], [`Corruption::Dtype`], [`Corruption::Shape`] or [`Corruption::NotFinite`].
    pub(crate) fn take<T: Number>(&mut self, name: &str, shape: &[u64]) -> Result<Vec<T>, Corruption> {
        let numbers: Vec<T> = T::read(self.expect::<T>(name, shape)?);
        if let Some(index) = numbers.iter().position(|number| !number.is_finite()) {
            return Err(Corruption::NotFinite { name: name.to_owned(), index });
        }
        self.tensors.remove(name);
        Ok(numbers)
    }

    /// Checks that all were taken.
    ///
    /// # Errors
    /// [`Corruption::Unknown`].
    pub(crate) fn finish(mut self) -> Result<(), Corruption> {
        match self.tensors.pop_first() {
            Some((name, _)) => Err(Corruption::Unknown { name }),
            None => Ok(()),
        }
    }
}

/// The JSON of a header. Equal names are kept, to be found later; equal keys of the metadata are an error.
#[derive(Default)]
struct RawHeader {
    document: Option<String>,
    entries: Vec<(String, Entry)>,
}

impl<'de> Deserialize<'de> for RawHeader {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = RawHeader;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a safetensors header")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawHeader, A::Error> {
        let (mut header, mut described) = (RawHeader::default(), false);
        while let Some(name) = map.next_key::<String>()? {
            if name != "__metadata__" {
                header.entries.push((name, map.next_value()?));
            } else if std::mem::replace(&mut described, true) {
                return Err(A::Error::duplicate_field("__metadata__"));
            } else {
                header.document = map.next_value::<Metadata>()?.document;
            }
        }
        Ok(header)
    }
}

/// The metadata of a header: texts by name, of which one counts.
struct Metadata {
    document: Option<String>,
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MetadataVisitor)
    }
}

struct MetadataVisitor;

impl<'de> Visitor<'de> for MetadataVisitor {
    type Value = Metadata;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the metadata of a safetensors header")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Metadata, A::Error> {
        let mut document = None;
        while let Some(name) = map.next_key::<String>()? {
            if name != DOCUMENT {
                map.next_value::<IgnoredAny>()?;
            } else if document.replace(map.next_value()?).is_some() {
                return Err(A::Error::duplicate_field(DOCUMENT));
            }
        }
        Ok(Metadata { document })
    }
}
