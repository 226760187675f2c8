//! What a pipeline gives, written for other programs: everything as [JSON lines](jsonl), or the results of
//! one query as [CSV](csv).
//!
//! ```text
//!   pipeline.changes() ─► jsonl::Writer ─► {"type":"window",…}\n{"type":"alert",…}\n
//!                     └─► csv::Writer   ─► start,end,event_type,revision,timing,count()\n0,60000,click,0,on_time,35\n
//! ```
//!
//! **Invariant:** the form depends on the pipeline and its changes alone, so the page and the binary write
//! the same bytes.

pub mod csv;
pub mod jsonl;
