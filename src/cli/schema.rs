//! `pai-authz schema`: the Cedar schema, written from the catalogue.

use super::output::{self, Format};
use crate::{catalog::catalog, engine::schema_text};

/// Prints the schema.
pub(super) fn run(format: Format) -> anyhow::Result<u8> {
    output::cedar(&schema_text(catalog()), format)?;
    Ok(0)
}
