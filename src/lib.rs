//! The Kappascope page.
pub mod wire;
pub mod worker;
