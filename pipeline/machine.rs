//! What the process has used: CPU time and memory.

/// CPU seconds of the process so far, user and system.
pub fn cpu_seconds() -> f64 {
    let usage = usage();
    let seconds = |t: libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

/// The most memory that the process has held, in MiB.
pub fn peak_rss_mb() -> f64 {
    usage().ru_maxrss as f64 / 1024.0
}

#[expect(unsafe_code, reason = "getrusage has no safe wrapper in std")]
fn usage() -> libc::rusage {
    // SAFETY: a zeroed rusage is a valid value of this plain C struct, and getrusage writes only into it.
    unsafe {
        let mut usage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage
    }
}
