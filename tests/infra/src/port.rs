//! Ports of this machine: which are free, and who holds one that is not.
//!
//! Invariant: a port given out here is below those that the system gives to connections. On one of these a client
//! that calls a server which is down may reach itself, and the server cannot come back.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::ops::Range;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// Linux gives connections the ports from 32,768 on, other systems from 49,152.
const FREE: Range<u16> = 20_000..32_000;
/// Ports that one process tries first: those that run at the same time begin at different places.
const STRIDE: u32 = 100;
/// Of a health check: an answer takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// The first of `count` free ports that follow each other.
///
/// # Errors
/// When none are left.
pub fn free(count: u16) -> Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let places = FREE.end - FREE.start - count;
    let start = u16::try_from(std::process::id() * STRIDE % u32::from(places)).context("a remainder")?;
    for _ in 0..places {
        let step = NEXT.fetch_add(count, Ordering::Relaxed);
        let first = FREE.start + (start + step % places) % places;
        if (first..first + count).all(is_free) {
            return Ok(first);
        }
    }
    bail!("no {count} free ports from {} to {}", FREE.start, FREE.end)
}

/// An error that says who listens at the port.
///
/// # Errors
/// When the port is taken.
pub fn assure_free(port: u16, purpose: &str) -> Result<()> {
    if is_free(port) {
        return Ok(());
    }
    let by = match listeners::get_process_by_port(port, listeners::Protocol::TCP) {
        Ok(process) => format!("by {} (process {})", process.name, process.pid),
        Err(_) => "by a program that cannot be seen from here".to_owned(),
    };
    bail!("port {port} of 127.0.0.1 is taken {by} and is needed for {purpose}; end that program")
}

/// A connection for a health check.
pub(crate) fn connect(port: u16) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_ports_are_free_and_not_given_twice() {
        let (a, b) = (free(2).unwrap(), free(2).unwrap());
        assert!(a.abs_diff(b) >= 2, "{a} and {b} overlap");
        assert!(FREE.contains(&a) && is_soon_free(a) && is_soon_free(a + 1));
    }

    /// A child that another test starts has copies of this process's sockets, also of those that were only tried,
    /// until it runs its own program.
    fn is_soon_free(port: u16) -> bool {
        (0..200).any(|_| {
            let is_free = is_free(port);
            if !is_free {
                std::thread::sleep(Duration::from_millis(10));
            }
            is_free
        })
    }

    #[test]
    fn who_holds_a_port_is_named() {
        let held = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = held.local_addr().unwrap().port();
        let error = assure_free(port, "a test").unwrap_err().to_string();
        assert!(error.contains(&format!("port {port} ")) && error.contains("needed for a test"), "{error}");
        if cfg!(target_os = "linux") {
            assert!(error.contains(&format!("(process {})", std::process::id())), "{error}");
        }
        drop(held);
        assert!(assure_free(port, "a test").is_ok());
    }
}
