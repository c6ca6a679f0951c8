//! The columns of the archive, and how each is encoded. Readable by DuckDB, Polars and Spark as it is.

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use std::sync::Arc;
use trustfold_event::Epoch;

/// Places of the columns, in the order of [`schema`].
pub(super) mod column {
    pub(crate) const ID: usize = 0;
    pub(crate) const TS: usize = 1;
    pub(crate) const INGESTED: usize = 2;
    pub(crate) const SESSION_ID: usize = 3;
    pub(crate) const EVENT_TYPE: usize = 4;
    pub(crate) const ENTITY: usize = 5;
    pub(crate) const USER: usize = 6;
    pub(crate) const HOST: usize = 7;
    pub(crate) const SOURCE_IP: usize = 8;
    pub(crate) const DESTINATION_IP: usize = 9;
    pub(crate) const DESTINATION_PORT: usize = 10;
    pub(crate) const PROCESS: usize = 11;
    pub(crate) const PATH: usize = 12;
    pub(crate) const COMMAND: usize = 13;
    pub(crate) const OUTCOME: usize = 14;
    pub(crate) const SCORE: usize = 15;
    pub(crate) const IS_ANOMALY: usize = 16;
    pub(crate) const TRUST_IMPACT: usize = 17;
    pub(crate) const SOURCE: usize = 18;
    pub(crate) const FORMAT: usize = 19;
    pub(crate) const RAW: usize = 20;
}

/// Rows of a data page. A reader of a few events decodes few pages, not the whole row group.
pub(super) const PAGE_ROWS: usize = 4096;

/// The columns. `raw` is binary, because a record need not be UTF-8; `trust_impact` is in points; times are UTC.
pub(super) fn schema() -> SchemaRef {
    let time = || DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let text = |name: &str| Field::new(name, DataType::Utf8, false);
    let text_or_null = |name: &str| Field::new(name, DataType::Utf8, true);
    Arc::new(Schema::new(vec![
        text("id"),
        Field::new("ts", time(), false),
        Field::new("ingested", time(), false),
        text_or_null("session_id"),
        text("event_type"),
        text("entity"),
        text_or_null("user"),
        text_or_null("host"),
        text_or_null("source_ip"),
        text_or_null("destination_ip"),
        Field::new("destination_port", DataType::UInt16, true),
        text_or_null("process"),
        text_or_null("path"),
        text_or_null("command"),
        text("outcome"),
        Field::new("score", DataType::Float32, true),
        Field::new("is_anomaly", DataType::Boolean, false),
        Field::new("trust_impact", DataType::Float64, false),
        text("source"),
        text("format"),
        Field::new("raw", DataType::Binary, false),
    ]))
}

/// How a file of the epochs `first` to `last` is written.
///
/// # Errors
/// A compression level that zstd does not have.
pub(super) fn properties(zstd_level: i32, first: Epoch, last: Epoch) -> Result<WriterProperties, ParquetError> {
    let path = |name: &str| ColumnPath::from(name);
    let note = |key: &str, value: String| KeyValue::new(format!("trustfold.{key}"), value);
    let mut properties = WriterProperties::builder()
        .set_created_by("trustfold".to_owned())
        .set_key_value_metadata(Some(vec![
            note("schema", "1".to_owned()),
            note("first_epoch", first.0.to_string()),
            note("last_epoch", last.0.to_string()),
        ]))
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(zstd_level)?))
        .set_max_row_group_row_count(None)
        .set_data_page_row_count_limit(PAGE_ROWS)
        // The row limit is to cut pages, so that all columns' pages end at the same rows.
        .set_data_page_size_limit(8 << 20)
        .set_write_batch_size(PAGE_ROWS)
        .set_statistics_enabled(EnabledStatistics::Chunk);
    // Ids share their beginnings, and times rise.
    properties =
        properties.set_column_dictionary_enabled(path("id"), false).set_column_encoding(path("id"), Encoding::DELTA_BYTE_ARRAY);
    for time in ["ts", "ingested"] {
        properties = properties
            .set_column_dictionary_enabled(path(time), false)
            .set_column_encoding(path(time), Encoding::DELTA_BINARY_PACKED);
    }
    // Nearly no two are equal: a dictionary would be built and then thrown away.
    properties = properties.set_column_dictionary_enabled(path("raw"), false);
    properties = properties.set_column_dictionary_enabled(path("score"), false);
    // Nobody asks for a range of these.
    for column in ["raw", "command", "path"] {
        properties = properties.set_column_statistics_enabled(path(column), EnabledStatistics::None);
    }
    Ok(properties.build())
}
