//! The delivery cycle in a world of memory, under seeded faults.

mod sim;
mod speed;
mod units;
mod world;
