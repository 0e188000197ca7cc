//! The process and its machine.

room! {
    PROCESS_MEMORY: Gauge<0> = ("ibid_process_memory_bytes", &[],
        "Resident memory of the process");
    PROCESS_MEMORY_MAX: Gauge<0> = ("ibid_process_memory_max_bytes", &[],
        "Memory that the process may use: the machine's, its control group's or server.memory_mb_max, whichever is least");
    PROCESS_CPU: Counter<0> = ("ibid_process_cpu_seconds_total", &[],
        "Processor time used by the process, in user and system mode");
    PROCESS_CORES: Gauge<0> = ("ibid_process_cpu_cores", &[],
        "Processors that the process may use");
    PROCESS_FILES: Gauge<0> = ("ibid_process_files_open", &[],
        "Files and sockets that the process has open");
    PROCESS_FILES_MAX: Gauge<0> = ("ibid_process_files_max", &[],
        "Files and sockets that the process may have open");
    PROCESS_THREADS: Gauge<0> = ("ibid_process_threads_running", &[],
        "Threads of the process");
    PROCESS_START: Gauge<0> = ("ibid_process_start_time_seconds", &[],
        "When the process started, in seconds since 1970");
    BUILD_INFO: Gauge<1> = ("ibid_build_version_info", &["version"],
        "Always 1; the label says which version runs");
}
