//! What the process itself uses: CPU, memory, threads and open files.
//!
//! Owns the [names that Prometheus's libraries share](https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics), and reading
//! the numbers from Linux's [`/proc`](https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html). Other systems have none of them.

#[cfg(target_os = "linux")]
pub(super) use linux::register;

#[cfg(not(target_os = "linux"))]
pub(super) fn register(_: &mut prometheus_client::registry::Registry) {}

#[cfg(target_os = "linux")]
mod linux {
    use std::{fs, sync::atomic::AtomicU64};

    use prometheus_client::{
        metrics::{counter::ConstCounter, gauge::Gauge},
        registry::Registry,
    };

    /// Registers the numbers as they are now. What cannot be read is left out.
    pub(crate) fn register(registry: &mut Registry) {
        let mut gauge = |name: &str, help: &str, value: Option<f64>| {
            let Some(value) = value else { return };
            let gauge: Gauge<f64, AtomicU64> = Gauge::default();
            gauge.set(value);
            registry.register(name, help, gauge);
        };
        let stat = fs::read_to_string("/proc/self/stat").ok().and_then(|text| Stat::parse(&text));
        let ticks = rustix::param::clock_ticks_per_second() as f64;
        let page = rustix::param::page_size() as f64;
        let of = |read: fn(&Stat) -> u64| stat.as_ref().map(|stat| read(stat) as f64);
        let begun = fs::read_to_string("/proc/stat").ok().and_then(|text| boot_time(&text));
        gauge(
            "process_start_time_seconds",
            "Start time of the process since the Unix epoch in seconds",
            begun.zip(of(|stat| stat.started)).map(|(boot, started)| boot as f64 + started / ticks),
        );
        gauge(
            "process_resident_memory_bytes",
            "Resident memory size in bytes",
            of(|stat| stat.resident_pages).map(|pages| pages * page),
        );
        gauge("process_virtual_memory_bytes", "Virtual memory size in bytes", of(|stat| stat.virtual_bytes));
        gauge("process_threads", "Number of threads", of(|stat| stat.threads));
        let open = fs::read_dir("/proc/self/fd").ok().map(|files| files.count() as f64);
        gauge("process_open_fds", "Number of open file descriptors", open);
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        gauge("process_max_fds", "Maximum number of open file descriptors", limit.map(|limit| limit as f64));
        if let Some(used) = of(|stat| stat.cpu_ticks) {
            let seconds = ConstCounter::new(used / ticks);
            registry.register("process_cpu_seconds", "Total user and system CPU time in seconds", seconds);
        }
    }

    /// What `/proc/self/stat` says of the process.
    #[derive(Debug, PartialEq, Eq)]
    struct Stat {
        /// In user and kernel mode together.
        cpu_ticks: u64,
        threads: u64,
        /// In ticks after the machine was started.
        started: u64,
        virtual_bytes: u64,
        resident_pages: u64,
    }

    impl Stat {
        fn parse(text: &str) -> Option<Self> {
            // The program's name stands in parentheses, and may hold blanks and parentheses itself: fields are
            // counted behind the last one, from 3.
            let (_, fields) = text.rsplit_once(')')?;
            let field = |number: usize| fields.split_ascii_whitespace().nth(number - 3)?.parse::<u64>().ok();
            Some(Self {
                cpu_ticks: field(14)? + field(15)?,
                threads: field(20)?,
                started: field(22)?,
                virtual_bytes: field(23)?,
                resident_pages: field(24)?,
            })
        }
    }

    /// When the machine was started, in seconds after 1970.
    fn boot_time(stat: &str) -> Option<u64> {
        stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn fields_are_counted_behind_the_name() {
            let text = "4242 (a) b (c) S 1 4242 4242 0 -1 4194560 1 2 3 4 150 50 7 8 20 0 9 0 123456 1048576 77 184467";
            let expected =
                Stat { cpu_ticks: 200, threads: 9, started: 123_456, virtual_bytes: 1_048_576, resident_pages: 77 };
            assert_eq!(Stat::parse(text), Some(expected));
            assert_eq!(Stat::parse("4242 (a) S 1"), None);
            assert_eq!(boot_time("cpu  1 2\nbtime 1700000000\nprocesses 5\n"), Some(1_700_000_000));
        }

        #[test]
        fn this_process_has_all_of_them() {
            let mut registry = Registry::default();
            register(&mut registry);
            let mut page = String::new();
            prometheus_client::encoding::prometheus_text::encode(&mut page, &registry).unwrap();
            for name in [
                "process_cpu_seconds_total",
                "process_max_fds",
                "process_open_fds",
                "process_resident_memory_bytes",
                "process_start_time_seconds",
                "process_threads",
                "process_virtual_memory_bytes",
            ] {
                let value = page.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<f64>().ok());
                assert!(value.is_some_and(|value| value >= 0.0), "{name} is not in\n{page}");
            }
        }
    }
}
