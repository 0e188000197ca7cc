//! clock, spawn and shutdown, telemetry set-up.
