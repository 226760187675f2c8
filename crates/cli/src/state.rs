//! Snapshots of a run: written when it ends, read when another goes on.
//!
//! **Invariant:** a file that is there is whole: it is written beside its place and then moved there.

use crate::failure::{Failure, told};
use kappascope_core::{Limits, Pipeline, Spec};
use std::path::Path;

/// The pipeline that a run begins with: a new one, or where a snapshot stands.
pub(crate) fn open(spec: &Spec, resume: Option<&Path>) -> Result<Pipeline, Failure> {
    let Some(path) = resume else {
        return Pipeline::new(spec).map_err(|error| Failure::usage(&spec.name, error));
    };
    let place = path.display();
    let bytes = std::fs::read(path).map_err(|error| Failure::usage(&place, told(&error)))?;
    Pipeline::resume_from(spec, Limits::default(), &bytes).map_err(|error| Failure::usage(&place, error))
}

/// Writes a pipeline's state.
pub(crate) fn save(pipeline: &Pipeline, path: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::running(path.display(), told(&error));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(failed)?;
    std::fs::write(file.path(), pipeline.snapshot()).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}
